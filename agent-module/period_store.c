/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/period_store.h"

#include "common/error.h"
#include "common/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FOLDER_MODE 0755
#define FILE_MODE 0444
#define UNFINISHED "unfinished"
#define LOCK "lock"

struct period_store {
	char *folder;  /* owned */
	int64_t *ends; /* owned; in the order of their issue */
	size_t nends, ends_capacity;
	size_t kept;
	int lock; /* descriptor that holds the lock on the folder */
};

/* ---- names ---- */

/* The end a file name stands for: decimal digits without a leading zero, else -1. */
static int64_t end_of_name(const char *name, size_t length)
{
	int64_t end = 0;

	if (length == 0 || length > 18 || name[0] == '0')
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		end = end * 10 + (name[i] - '0');
	}
	return end;
}

static bool is_temporary(const char *name)
{
	const size_t length = strlen(name);
	size_t stem;

	if (length <= FILE_TEMPORARY_SUFFIX_LENGTH ||
	    name[length - FILE_TEMPORARY_SUFFIX_LENGTH] != '.')
		return false;
	stem = length - FILE_TEMPORARY_SUFFIX_LENGTH;
	return end_of_name(name, stem) > 0 ||
	       (stem == strlen(UNFINISHED) && memcmp(name, UNFINISHED, stem) == 0);
}

static int path_of(const struct period_store *store, const char *name, char path[PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s/%s", store->folder, name) < PATH_MAX)
		return GRAPPE_OK;
	errno = ENAMETOOLONG;
	return GRAPPE_EIO;
}

static int path_of_end(const struct period_store *store, int64_t end_s, char path[PATH_MAX])
{
	char name[24];

	snprintf(name, sizeof name, "%" PRId64, end_s);
	return path_of(store, name, path);
}

/* ---- opening ---- */

static int add_end(struct period_store *store, int64_t end_s)
{
	if (store->nends == store->ends_capacity) {
		const size_t wanted = store->ends_capacity > 0 ? store->ends_capacity * 2 : 32;
		int64_t *bigger = reallocarray(store->ends, wanted, sizeof *bigger);

		if (bigger == NULL)
			return GRAPPE_EMEMORY;
		store->ends = bigger;
		store->ends_capacity = wanted;
	}
	store->ends[store->nends++] = end_s;
	return GRAPPE_OK;
}

static int compare_ends(const void *left, const void *right)
{
	const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

static int scan(struct period_store *store)
{
	DIR *directory = opendir(store->folder);
	const struct dirent *entry;
	char path[PATH_MAX];
	int rc = GRAPPE_OK;

	if (directory == NULL)
		return GRAPPE_EIO;
	while (rc == GRAPPE_OK && (entry = readdir(directory)) != NULL) {
		const int64_t end_s = end_of_name(entry->d_name, strlen(entry->d_name));

		if (end_s > 0)
			rc = add_end(store, end_s);
		else if (is_temporary(entry->d_name) &&
			 path_of(store, entry->d_name, path) == GRAPPE_OK)
			unlink(path);
	}
	closedir(directory);
	if (store->nends > 1)
		qsort(store->ends, store->nends, sizeof *store->ends, compare_ends);
	return rc;
}

static int take_lock(struct period_store *store)
{
	char path[PATH_MAX];

	if (path_of(store, LOCK, path) != GRAPPE_OK)
		return GRAPPE_EIO;
	store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock < 0)
		return GRAPPE_EIO;
	if (flock(store->lock, LOCK_EX | LOCK_NB) == 0)
		return GRAPPE_OK;
	return errno == EWOULDBLOCK ? GRAPPE_EEXISTS : GRAPPE_EIO;
}

int period_store_open(const char *folder, size_t kept, struct period_store **out)
{
	struct period_store *store = calloc(1, sizeof *store);
	int rc = GRAPPE_EMEMORY, saved;

	*out = NULL;
	if (store == NULL)
		return GRAPPE_EMEMORY;
	store->kept = kept;
	store->lock = -1;
	store->folder = strdup(folder);
	if (store->folder != NULL) {
		rc = file_make_folder(folder, FOLDER_MODE);
		if (rc == GRAPPE_OK)
			rc = take_lock(store);
		if (rc == GRAPPE_OK)
			rc = scan(store);
	}
	if (rc != GRAPPE_OK) {
		saved = errno;
		period_store_close(store);
		errno = saved;
		return rc;
	}
	*out = store;
	return GRAPPE_OK;
}

void period_store_close(struct period_store *store)
{
	if (store == NULL)
		return;
	/* The file stays: removing it would let two others each lock a file of their own. */
	if (store->lock >= 0)
		close(store->lock);
	free(store->folder);
	free(store->ends);
	free(store);
}

const int64_t *period_store_ends(const struct period_store *store, size_t *count)
{
	*count = store->nends;
	return store->ends;
}

/* ---- publishing ---- */

static void remove_oldest(struct period_store *store)
{
	char path[PATH_MAX];

	while (store->nends > store->kept) {
		if (path_of_end(store, store->ends[0], path) == GRAPPE_OK)
			unlink(path);
		store->nends--;
		memmove(store->ends, store->ends + 1, store->nends * sizeof *store->ends);
	}
}

static int write_period(const char *path, const struct period *period)
{
	struct buffer bytes;
	int rc;

	buffer_init(&bytes);
	rc = period_encode(period, &bytes);
	if (rc == GRAPPE_OK)
		rc = file_replace(path, bytes.bytes, bytes.length, FILE_MODE);
	buffer_deinit(&bytes);
	return rc;
}

int period_store_publish(struct period_store *store, const struct period *period)
{
	const int64_t end_s = period->header.end_s;
	char path[PATH_MAX];
	int rc = path_of_end(store, end_s, path);

	if (rc != GRAPPE_OK)
		return rc;
	for (size_t i = 0; i < store->nends; i++)
		if (store->ends[i] == end_s)
			return GRAPPE_EEXISTS;
	/* Also when somebody else put it there. */
	if (access(path, F_OK) == 0)
		return GRAPPE_EEXISTS;
	rc = write_period(path, period);
	if (rc == GRAPPE_OK)
		rc = add_end(store, end_s);
	if (rc == GRAPPE_OK)
		remove_oldest(store);
	return rc;
}

int period_store_save_unfinished(struct period_store *store, const struct period *period)
{
	char path[PATH_MAX];
	const int rc = path_of(store, UNFINISHED, path);

	return rc == GRAPPE_OK ? write_period(path, period) : rc;
}

int period_store_load_unfinished(struct period_store *store, struct period **out)
{
	struct buffer bytes;
	char path[PATH_MAX];
	int rc = path_of(store, UNFINISHED, path);

	*out = NULL;
	if (rc != GRAPPE_OK)
		return rc;
	rc = file_read(path, PERIOD_BYTES_MAX, &bytes);
	if (rc == GRAPPE_EIO && errno == ENOENT)
		rc = GRAPPE_OK;
	else if (rc == GRAPPE_OK)
		rc = period_decode(bytes.bytes, bytes.length, out);
	buffer_deinit(&bytes);
	return rc;
}

void period_store_remove_unfinished(struct period_store *store)
{
	char path[PATH_MAX];

	if (path_of(store, UNFINISHED, path) == GRAPPE_OK)
		unlink(path);
}

/* ---- merging ---- */

static uint32_t same_vif(const struct period *period, const struct period_vif *vif)
{
	uint32_t i = 0;

	while (i < period->nvifs && (strcmp(period->vifs[i].vm_id, vif->vm_id) != 0 ||
					strcmp(period->vifs[i].segment, vif->segment) != 0 ||
					!mac_equal(&period->vifs[i].macs[0], &vif->macs[0])))
		i++;
	return i;
}

static void add_vif_counts(
    struct period_vif *into, const struct period_vif *from, uint32_t length_s)
{
	const uint64_t covered = (uint64_t)into->covered_ms + from->covered_ms;
	const uint64_t most = (uint64_t)length_s * 1000;

	into->covered_ms = (uint32_t)(covered < most ? covered : most);
	into->multicast_packets += from->multicast_packets;
	into->multicast_octets += from->multicast_octets;
	into->other_packets += from->other_packets;
	into->other_octets += from->other_octets;
	into->nonip_packets += from->nonip_packets;
	into->flags |= from->flags;
	if (into->naddresses == 0) {
		memcpy(into->addresses, from->addresses, sizeof into->addresses);
		into->naddresses = from->naddresses;
	}
}

/* index_of[i]: where vif i of `from` is in `into`. */
static int merge_vifs(struct period *into, const struct period *from, uint32_t *index_of)
{
	for (uint32_t i = 0; i < from->nvifs; i++) {
		const uint32_t same = same_vif(into, &from->vifs[i]);
		int index = (int)same;

		if (same < into->nvifs)
			add_vif_counts(&into->vifs[same], &from->vifs[i], into->header.length_s);
		else
			index = period_add_vif(into, &from->vifs[i]);
		if (index < 0)
			return index;
		index_of[i] = (uint32_t)index;
	}
	return GRAPPE_OK;
}

static bool same_row(const struct period_row *a, const struct period_row *b)
{
	return a->vif == b->vif && a->direction == b->direction &&
	       address_compare(&a->peer, &b->peer) == 0;
}

/* Adds neighbours of one key together; the rows are sorted. */
static void join_rows(struct period *period)
{
	size_t kept = 0;

	for (size_t i = 1; i < period->nrows; i++)
		if (same_row(&period->rows[kept], &period->rows[i])) {
			period->rows[kept].packets += period->rows[i].packets;
			period->rows[kept].octets += period->rows[i].octets;
		} else {
			period->rows[++kept] = period->rows[i];
		}
	if (period->nrows > 0)
		period->nrows = kept + 1;
}

static void add_headers(struct period_header *into, const struct period_header *from)
{
	into->flags |= from->flags | PERIOD_PARTIAL;
	into->backends |= from->backends; /* the reason is that of the present run */
	into->dropped_packets += from->dropped_packets;
	into->unmatched_packets += from->unmatched_packets;
	into->unmatched_octets += from->unmatched_octets;
	into->estimated_packets += from->estimated_packets;
	into->malformed_packets += from->malformed_packets;
}

int period_store_merge(struct period *into, const struct period *from)
{
	uint32_t *index_of;
	int rc;

	if (into->header.end_s != from->header.end_s ||
	    into->header.length_s != from->header.length_s)
		return GRAPPE_EINVALID;
	index_of = calloc(from->nvifs + 1, sizeof *index_of);
	if (index_of == NULL)
		return GRAPPE_EMEMORY;
	rc = merge_vifs(into, from, index_of);
	for (size_t i = 0; i < from->nrows && rc == GRAPPE_OK; i++) {
		struct period_row row = from->rows[i];
		int added;

		row.vif = index_of[row.vif];
		added = period_add_row(into, &row);
		rc = added < 0 ? added : GRAPPE_OK;
	}
	free(index_of);
	period_sort(into);
	join_rows(into);
	if (rc == GRAPPE_OK)
		add_headers(&into->header, &from->header);
	return rc;
}
