/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/rrdfile.h"

#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* The layout of the head (rrd_format.h) is public only under this name. No deprecated function is
 * called. */
#define RRD_EXPORT_DEPRECATED
#include <rrd.h>

#define SOURCES 2
#define ARGUMENT_SIZE 96
#define LOCK_ATTEMPTS 500
#define LOCK_WAIT_NS 1000000
/* A silent pair is written again at its next activity, maybe after years; what is unknown is
 * written as such. So RRDtool itself must never decide that a value came too late. */
#define HEARTBEAT "1576800000"
/* Part of a row that may be unknown. Must exceed (n - 1) / n for rows of n periods, or one known
 * period among n is lost. */
#define UNKNOWN_PART "0.9999999"

/*
 * librrd changes a mapped file step by step. It locks the file against other processes while it
 * does, and they while they read; but such a lock means nothing between threads of one process, and
 * is lost when any of them closes the file. Hence this lock: updates against everything that opens
 * files here.
 */
static pthread_rwlock_t files = PTHREAD_RWLOCK_INITIALIZER;

static const char *const source_names[][SOURCES] = {
    [RRDFILE_PAIR] = {"packets", "octets"}, [RRDFILE_COVERAGE] = {"known", "covered"}};
static const char *const source_types[] = {
    [RRDFILE_PAIR] = "ABSOLUTE", [RRDFILE_COVERAGE] = "GAUGE"};
static const char *const source_limits[] = {[RRDFILE_PAIR] = "0:U", [RRDFILE_COVERAGE] = "0:1"};

/* The parts of a head, found by walking over its bytes. */
struct parts {
	const stat_head_t *stat;
	const ds_def_t *sources;
	const rra_def_t *levels;
	const live_head_t *live;
	const rra_ptr_t *rows;
	size_t size;
};

static bool text_is(const char *field, size_t size, const char *text)
{
	return strnlen(field, size) < size && strcmp(field, text) == 0;
}

static bool check_stat(const stat_head_t *stat)
{
	return memcmp(stat->cookie, RRD_COOKIE, sizeof stat->cookie) == 0 &&
	       stat->float_cookie == FLOAT_COOKIE &&
	       (text_is(stat->version, sizeof stat->version, RRD_VERSION3) ||
		   text_is(stat->version, sizeof stat->version, RRD_VERSION4) ||
		   text_is(stat->version, sizeof stat->version, RRD_VERSION5)) &&
	       stat->ds_cnt == SOURCES && stat->rra_cnt >= 1 &&
	       stat->rra_cnt <= 2 * ARCHIVE_LEVELS_MAX && stat->pdp_step >= 1 &&
	       stat->pdp_step <= 31 * 86400;
}

/* The bytes are aligned: they are the start of rrdfile_head.bytes, and all parts are multiples of 8
 * but pdp_prep, which is padded. */
static int find_parts(const uint8_t *bytes, size_t length, struct parts *parts)
{
	size_t at = sizeof *parts->stat;

	if (length < at)
		return GRAPPE_EFORMAT;
	parts->stat = (const void *)bytes;
	if (!check_stat(parts->stat))
		return GRAPPE_EFORMAT;
	parts->sources = (const void *)(bytes + at);
	at += SOURCES * sizeof *parts->sources;
	parts->levels = (const void *)(bytes + at);
	at += parts->stat->rra_cnt * sizeof *parts->levels;
	parts->live = (const void *)(bytes + at);
	at += sizeof *parts->live + SOURCES * sizeof(pdp_prep_t) +
	      SOURCES * parts->stat->rra_cnt * sizeof(cdp_prep_t);
	parts->rows = (const void *)(bytes + at);
	parts->size = at + parts->stat->rra_cnt * sizeof *parts->rows;
	return parts->size <= length ? GRAPPE_OK : GRAPPE_EFORMAT;
}

static bool check_sources(const struct parts *parts, enum rrdfile_kind kind)
{
	for (int i = 0; i < SOURCES; i++) {
		const ds_def_t *source = &parts->sources[i];

		if (!text_is(source->ds_nam, sizeof source->ds_nam, source_names[kind][i]) ||
		    !text_is(source->dst, sizeof source->dst, source_types[kind]))
			return false;
	}
	return true;
}

/* Fills head->layout; file_size: where the rows must fit. */
static int check_levels(const struct parts *parts, uint64_t file_size, struct rrdfile_head *head)
{
	struct archive_layout *layout = &head->layout;
	uint64_t rows = 0;
	char message[128];

	*layout = (struct archive_layout){.length_s = (uint32_t)parts->stat->pdp_step};
	for (size_t i = 0; i < parts->stat->rra_cnt; i++) {
		const rra_def_t *level = &parts->levels[i];
		const bool mean = text_is(level->cf_nam, sizeof level->cf_nam, "AVERAGE");

		if ((!mean && !text_is(level->cf_nam, sizeof level->cf_nam, "MAX")) ||
		    level->row_cnt < 1 || level->row_cnt > ARCHIVE_ROWS_MAX || level->pdp_cnt < 1 ||
		    level->pdp_cnt > 31 * 86400 || parts->rows[i].cur_row >= level->row_cnt ||
		    (mean && layout->count == ARCHIVE_LEVELS_MAX))
			return GRAPPE_EFORMAT;
		rows += level->row_cnt;
		layout->maximum |= !mean;
		if (mean)
			layout->levels[layout->count++] = (struct archive_level){
			    (int64_t)(level->pdp_cnt * parts->stat->pdp_step),
			    (int64_t)(level->pdp_cnt * parts->stat->pdp_step * level->row_cnt)};
	}
	if (parts->size + rows * SOURCES * sizeof(double) > file_size)
		return GRAPPE_EFORMAT;
	return archive_layout_check(layout, message, sizeof message) == GRAPPE_OK ? GRAPPE_OK
										  : GRAPPE_EFORMAT;
}

static int check_head(
    enum rrdfile_kind kind, size_t length, uint64_t file_size, struct rrdfile_head *head)
{
	struct parts parts;

	if (find_parts(head->bytes, length, &parts) != GRAPPE_OK || !check_sources(&parts, kind) ||
	    check_levels(&parts, file_size, head) != GRAPPE_OK)
		return GRAPPE_EFORMAT;
	head->last_s = parts.live->last_up;
	head->size = parts.size;
	head->live_at = (size_t)((const uint8_t *)parts.live - head->bytes);
	return head->last_s > 0 && head->last_s % head->layout.length_s == 0 &&
		       parts.live->last_up_usec == 0
		   ? GRAPPE_OK
		   : GRAPPE_EFORMAT;
}

static int read_head_of(int fd, enum rrdfile_kind kind, struct rrdfile_head *head)
{
	struct stat status;
	ssize_t length;

	if (fstat(fd, &status) != 0)
		return GRAPPE_EIO;
	if (!S_ISREG(status.st_mode))
		return GRAPPE_EFORMAT;
	length = pread(fd, head->bytes, sizeof head->bytes, 0);
	if (length < 0)
		return GRAPPE_EIO;
	head->sparse = status.st_blocks * 512 < status.st_size;
	return check_head(kind, (size_t)length, (uint64_t)status.st_size, head);
}

/* Waits until no other process (rrdcached, rrdtool) is inside an update of the file. */
static void await_other_writers(int fd)
{
	const struct timespec nap = {.tv_nsec = LOCK_WAIT_NS};
	struct flock lock;

	for (int i = 0; i < LOCK_ATTEMPTS; i++) {
		lock = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET};
		if (fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
			return;
		nanosleep(&nap, NULL);
	}
}

static int read_head(const char *path, enum rrdfile_kind kind, struct rrdfile_head *head)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int saved, rc;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? GRAPPE_ENOTFOUND : GRAPPE_EIO;
	rc = read_head_of(fd, kind, head);
	if (rc == GRAPPE_EFORMAT) { /* that may have been a glance into somebody's update */
		await_other_writers(fd);
		rc = read_head_of(fd, kind, head);
	}
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

int rrdfile_read_head(const char *path, enum rrdfile_kind kind, struct rrdfile_head *head)
{
	int rc;

	pthread_rwlock_rdlock(&files);
	rc = read_head(path, kind, head);
	pthread_rwlock_unlock(&files);
	return rc;
}

/* Waits for the lock that librrd takes for an update. */
static int lock_file(int fd)
{
	const struct timespec nap = {.tv_nsec = LOCK_WAIT_NS};
	struct flock lock;

	for (int i = 0; i < LOCK_ATTEMPTS; i++) {
		lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
		if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
			return GRAPPE_OK;
		nanosleep(&nap, NULL);
	}
	return GRAPPE_EIO;
}

static int put_back(int fd, const struct rrdfile_live *live)
{
	struct rrdfile_head head;
	struct parts parts;
	const ssize_t length = pread(fd, head.bytes, sizeof head.bytes, 0);

	if (length < 0)
		return GRAPPE_EIO;
	if (find_parts(head.bytes, (size_t)length, &parts) != GRAPPE_OK ||
	    live->at != (size_t)((const uint8_t *)parts.live - head.bytes) ||
	    live->length != parts.size - live->at)
		return GRAPPE_EFORMAT;
	if (memcmp(head.bytes + live->at, live->bytes, live->length) == 0)
		return GRAPPE_OK;
	return pwrite(fd, live->bytes, live->length, (off_t)live->at) == (ssize_t)live->length
		   ? GRAPPE_OK
		   : GRAPPE_EIO;
}

int rrdfile_put_back(const char *path, const struct rrdfile_live *live)
{
	int fd, rc;

	pthread_rwlock_wrlock(&files);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		rc = errno == ENOENT || errno == ENOTDIR ? GRAPPE_ENOTFOUND : GRAPPE_EIO;
	else
		rc = lock_file(fd);
	if (rc == GRAPPE_OK)
		rc = put_back(fd, live);
	if (fd >= 0)
		close(fd);
	pthread_rwlock_unlock(&files);
	return rc;
}

/* Whether the disk of path has less than `wanted` bytes free. */
static bool is_full(const char *path, uint64_t wanted)
{
	char folder[PATH_MAX];
	struct statvfs status;
	char *slash;

	snprintf(folder, sizeof folder, "%s", path);
	slash = strrchr(folder, '/');
	if (slash != NULL)
		*slash = '\0';
	return statvfs(folder, &status) == 0 &&
	       (uint64_t)status.f_bavail * status.f_frsize < wanted;
}

/* librrd's reason, or the system's. A full disk leaves librrd without words, and errno with those
 * of its clean-up. wanted: bytes that were to be taken from the disk. */
static int explain(
    const char *what, const char *path, uint64_t wanted, int saved, char *message, size_t size)
{
	const char *reason = rrd_test_error() ? rrd_get_error() : "";

	if (reason[0] == '\0' && is_full(path, wanted))
		reason = strerror(ENOSPC);
	if (reason[0] == '\0')
		reason = saved != 0 ? strerror(saved) : "no reason given";
	snprintf(message, size, "cannot %s %s: %s", what, path, reason);
	rrd_clear_error();
	return GRAPPE_EIO;
}

int rrdfile_create(const char *path, enum rrdfile_kind kind, const struct archive_layout *layout,
    int64_t start_s, char *message, size_t size)
{
	char text[SOURCES + 2 * ARCHIVE_LEVELS_MAX][ARGUMENT_SIZE];
	const char *arguments[SOURCES + 2 * ARCHIVE_LEVELS_MAX];
	struct rrdfile_head head;
	int count = 0, rc, saved;

	for (int i = 0; i < SOURCES; i++)
		snprintf(text[count++], ARGUMENT_SIZE, "DS:%s:%s:" HEARTBEAT ":%s",
		    source_names[kind][i], source_types[kind], source_limits[kind]);
	for (int maximum = 0; maximum <= (layout->maximum && kind == RRDFILE_PAIR); maximum++)
		for (size_t i = 0; i < layout->count; i++)
			snprintf(text[count++], ARGUMENT_SIZE, "RRA:%s:" UNKNOWN_PART ":%lld:%lld",
			    maximum ? "MAX" : "AVERAGE",
			    (long long)(layout->levels[i].resolution_s / layout->length_s),
			    (long long)(layout->levels[i].keep_s / layout->levels[i].resolution_s));
	for (int i = 0; i < count; i++)
		arguments[i] = text[i];
	rrd_clear_error();
	errno = 0;
	rc = rrd_create_r(path, layout->length_s, start_s, count, arguments);
	saved = errno;
	/* rrd_create_r has been seen to report success without a file. */
	if (rc == 0 && rrdfile_read_head(path, kind, &head) == GRAPPE_OK)
		return GRAPPE_OK;
	explain(
	    "create", path, archive_layout_bytes(layout) + sizeof head.bytes, saved, message, size);
	unlink(path);
	return GRAPPE_EIO;
}

int rrdfile_reserve(const char *path, char *message, size_t size)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;
	int rc = GRAPPE_EIO;

	if (fd >= 0 && fstat(fd, &status) == 0 &&
	    (fallocate(fd, 0, 0, status.st_size) == 0 || errno == EOPNOTSUPP))
		rc = GRAPPE_OK;
	else
		snprintf(message, size, "cannot reserve the room of %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

/* After a failure: whether another program (a graph being drawn) had the file locked and it is
 * worth trying again. librrd itself never waits. */
static bool wait_for_lock(int *attempts)
{
	const struct timespec nap = {.tv_nsec = LOCK_WAIT_NS};

	if (strstr(rrd_get_error(), "lock") == NULL || ++*attempts > LOCK_ATTEMPTS)
		return false;
	rrd_clear_error();
	nanosleep(&nap, NULL);
	return true;
}

static int format_value(char *text, size_t size, double value)
{
	if (isnan(value))
		return snprintf(text, size, ":U");
	if (value == floor(value) && value < 1e15)
		return snprintf(text, size, ":%.0f", value);
	return snprintf(text, size, ":%.17g", value);
}

size_t rrdfile_format_point(const struct rrdfile_point *point, char text[RRDFILE_POINT_TEXT])
{
	int at = snprintf(text, RRDFILE_POINT_TEXT, "%lld", (long long)point->end_s);

	for (int k = 0; k < SOURCES; k++)
		at += format_value(text + at, RRDFILE_POINT_TEXT - (size_t)at, point->values[k]);
	return (size_t)at;
}

int rrdfile_update(
    const char *path, const struct rrdfile_point *points, size_t count, char *message, size_t size)
{
	char(*text)[RRDFILE_POINT_TEXT] = calloc(count, sizeof *text);
	const char **arguments = calloc(count, sizeof *arguments);
	int attempts = 0, saved = 0, rc = GRAPPE_OK;
	bool failed;

	if (text == NULL || arguments == NULL) {
		snprintf(message, size, "cannot update %s: no memory", path);
		rc = GRAPPE_EMEMORY;
		goto out;
	}
	for (size_t i = 0; i < count; i++) {
		rrdfile_format_point(&points[i], text[i]);
		arguments[i] = text[i];
	}
	rrd_clear_error();
	do {
		pthread_rwlock_wrlock(&files);
		failed = rrd_update_r(path, NULL, (int)count, arguments) != 0;
		saved = errno;
		pthread_rwlock_unlock(&files);
	} while (failed && wait_for_lock(&attempts));
	if (failed)
		rc = explain("update", path, 0, saved, message, size);
out:
	free(text);
	free(arguments);
	return rc;
}

static int fetch(
    const char *path, int64_t resolution_s, int64_t from_s, int64_t to_s, double (*values)[2])
{
	time_t start = from_s, end = to_s;
	unsigned long step = (unsigned long)resolution_s, sources = 0;
	rrd_value_t *data = NULL;
	char **names = NULL;
	int attempts = 0, rc = GRAPPE_OK;
	bool failed;

	rrd_clear_error();
	do
		failed =
		    rrd_fetch_r(path, "AVERAGE", &start, &end, &step, &sources, &names, &data) != 0;
	while (failed && wait_for_lock(&attempts));
	if (failed) {
		rrd_clear_error();
		return GRAPPE_EIO;
	}
	if (step != (unsigned long)resolution_s || sources != SOURCES || start > from_s ||
	    end < to_s)
		rc = GRAPPE_EFORMAT;
	for (int64_t at = start; rc == GRAPPE_OK && at < to_s; at += resolution_s)
		if (at >= from_s)
			memcpy(values[(at - from_s) / resolution_s],
			    data + (at - start) / resolution_s * SOURCES, sizeof *values);
	for (unsigned long i = 0; i < sources; i++)
		rrd_freemem(names[i]);
	rrd_freemem(names);
	rrd_freemem(data);
	return rc;
}

int rrdfile_fetch(
    const char *path, int64_t resolution_s, int64_t from_s, int64_t to_s, double (*values)[2])
{
	int rc;

	pthread_rwlock_rdlock(&files);
	rc = fetch(path, resolution_s, from_s, to_s, values);
	pthread_rwlock_unlock(&files);
	return rc;
}
