/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/intake.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_FILE "index"
#define ENTRIES_MAX 10000 /* of the folder, looked at in one scan */
#define SAVE_PERIODS 5    /* saved after so many, or a quarter of what the folder keeps */
#define REFUSED_MAX 256   /* bad files remembered, so that they are said once */
#define FUTURE_S 2        /* a period may end so much after the clock that is read here */

/* A file that was refused; looked at again only when it has changed. */
struct refused {
	char name[NAME_MAX + 1];
	ino_t inode;
	off_t size;
	struct timespec modified;
};

struct intake {
	char *folder, *state_folder, *state_path; /* owned */
	struct ledger *ledger;
	struct ring ring;
	struct refused *refused; /* owned; the oldest is overwritten */
	size_t nrefused, next_refused;
	uint64_t refusals;
	unsigned unsaved;   /* periods accounted since the file was written */
	bool numbered;      /* a number was given out since then: it must not be forgotten */
	int64_t scanned_ns; /* when the folder was last read, 0 = never */
	struct log_complaint folder_complaint, state_complaint, crowd_complaint, future_complaint,
	    memory_complaint;
};

/* ---- life-cycle and state file ---- */

static char *join(const char *folder, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static void set_state_aside(const struct intake *intake, int rc)
{
	char *aside = join(intake->state_folder, STATE_FILE ".damaged");

	if (aside != NULL && rename(intake->state_path, aside) == 0)
		log_error(
		    "the state file %s is of no use (%s): kept as %s, counters and numbers of "
		    "VMs start afresh",
		    intake->state_path, error_text(rc), aside);
	else
		log_error("the state file %s is of no use (%s): counters and numbers of VMs start "
			  "afresh",
		    intake->state_path, error_text(rc));
	free(aside);
}

static void load_state(struct intake *intake)
{
	struct buffer bytes;
	struct ledger *loaded = NULL;
	int rc = file_read(intake->state_path, LEDGER_BYTES_MAX, &bytes);

	if (rc == GRAPPE_OK)
		rc = ledger_decode(bytes.bytes, bytes.length, &loaded);
	else if (rc == GRAPPE_EIO && errno == ENOENT)
		rc = GRAPPE_ENOTFOUND;
	buffer_deinit(&bytes);
	if (rc == GRAPPE_OK) {
		ledger_free(intake->ledger);
		intake->ledger = loaded;
		log_info("counters go on from the period that ended at %" PRIu32
			 ": %zu vifs, %zu pairs",
		    loaded->last_end, loaded->nvifs, loaded->rows.count);
	} else if (rc == GRAPPE_EIO) {
		log_error(
		    "cannot read the state file %s: %s: counters and numbers of VMs start afresh",
		    intake->state_path, error_text(rc));
	} else if (rc != GRAPPE_ENOTFOUND) {
		set_state_aside(intake, rc);
	}
}

/* What a killed run left of a file it was writing: STATE_FILE, a dot and six letters of mkstemp(3).
 */
static void remove_leftovers(const struct intake *intake)
{
	const size_t length = strlen(STATE_FILE FILE_TEMPORARY_SUFFIX);
	DIR *folder = opendir(intake->state_folder);
	const struct dirent *entry;

	if (folder == NULL)
		return;
	while ((entry = readdir(folder)) != NULL)
		if (strlen(entry->d_name) == length &&
		    strncmp(entry->d_name, STATE_FILE ".", strlen(STATE_FILE ".")) == 0 &&
		    unlinkat(dirfd(folder), entry->d_name, 0) == 0)
			log_debug(
			    "removed %s/%s, half written", intake->state_folder, entry->d_name);
	closedir(folder);
}

struct intake *intake_new(const char *folder, const char *state_folder, size_t history)
{
	struct intake *intake = calloc(1, sizeof *intake);

	if (intake == NULL)
		return NULL;
	ring_init(&intake->ring, history);
	intake->folder = strdup(folder);
	intake->state_folder = strdup(state_folder);
	intake->state_path = join(state_folder, STATE_FILE);
	intake->refused = calloc(REFUSED_MAX, sizeof *intake->refused);
	intake->ledger = ledger_new();
	if (intake->folder == NULL || intake->state_folder == NULL || intake->state_path == NULL ||
	    intake->refused == NULL || intake->ledger == NULL) {
		intake_free(intake);
		return NULL;
	}
	remove_leftovers(intake);
	load_state(intake);
	return intake;
}

void intake_free(struct intake *intake)
{
	if (intake == NULL)
		return;
	ring_deinit(&intake->ring);
	ledger_free(intake->ledger);
	free(intake->refused);
	free(intake->folder);
	free(intake->state_folder);
	free(intake->state_path);
	free(intake);
}

int intake_save(struct intake *intake)
{
	struct buffer bytes;
	int rc;

	if (intake->unsaved == 0 && !intake->numbered)
		return GRAPPE_OK;
	buffer_init(&bytes);
	rc = ledger_encode(intake->ledger, &bytes);
	if (rc == GRAPPE_OK)
		rc = file_make_folder(intake->state_folder, 0755);
	if (rc == GRAPPE_OK)
		rc = file_replace(intake->state_path, bytes.bytes, bytes.length, 0644);
	if (rc == GRAPPE_OK) {
		intake->unsaved = 0;
		intake->numbered = false;
		log_recovered(
		    &intake->state_complaint, "%s can be written again", intake->state_path);
	} else {
		log_complain(&intake->state_complaint,
		    "cannot write %s: %s; after a restart numbers of VMs may differ and "
		    "counters start again",
		    intake->state_path, error_text(rc));
	}
	buffer_deinit(&bytes);
	return rc;
}

const struct ledger *intake_ledger(const struct intake *intake)
{
	return intake->ledger;
}

const struct ring *intake_ring(const struct intake *intake)
{
	return &intake->ring;
}

uint64_t intake_refused(const struct intake *intake)
{
	return intake->refusals;
}

/* ---- files that are no good ---- */

static bool same_file(const struct refused *refused, const char *name, const struct stat *status)
{
	return strcmp(refused->name, name) == 0 && refused->inode == status->st_ino &&
	       refused->size == status->st_size &&
	       refused->modified.tv_sec == status->st_mtim.tv_sec &&
	       refused->modified.tv_nsec == status->st_mtim.tv_nsec;
}

static bool was_refused(const struct intake *intake, const char *name, const struct stat *status)
{
	for (size_t i = 0; i < intake->nrefused; i++)
		if (same_file(&intake->refused[i], name, status))
			return true;
	return false;
}

static void refuse(
    struct intake *intake, const char *name, const struct stat *status, const char *why)
{
	struct refused *slot = &intake->refused[intake->next_refused];

	snprintf(slot->name, sizeof slot->name, "%s", name);
	slot->inode = status->st_ino;
	slot->size = status->st_size;
	slot->modified = status->st_mtim;
	intake->next_refused = (intake->next_refused + 1) % REFUSED_MAX;
	if (intake->nrefused < REFUSED_MAX)
		intake->nrefused++;
	intake->refusals++;
	log_warning("%s/%s is no period: %s; left alone (%" PRIu64 " such files so far)",
	    intake->folder, name, why, intake->refusals);
}

/* ---- one period ---- */

struct reading {
	bool reaches_back; /* the folder holds a period that the ledger holds */
	bool watched;      /* the folder was read less than a period ago */
};

/* Whether counters may go on from the ledger with this period: nothing can have been published and
 * removed again unseen. */
static bool is_continuous(
    const struct intake *intake, const struct period_header *header, const struct reading *reading)
{
	const struct ledger *ledger = intake->ledger;

	return ledger->last_end == 0 || reading->reaches_back || reading->watched ||
	       header->end_s - header->length_s == ledger->last_end;
}

static int account(struct intake *intake, const struct period *period, const uint32_t *numbers,
    const struct tally_set *rows, struct reading *reading)
{
	struct ledger *ledger = intake->ledger;
	int rc;

	if (period->header.end_s <= ledger->last_end)
		return GRAPPE_OK;
	if (!is_continuous(intake, &period->header, reading)) {
		log_warning("periods between %" PRIu32 " and %" PRId64
			    " may be lost: counters start again from zero",
		    ledger->last_end, period->header.end_s);
		ledger_reset(ledger);
	}
	rc = ledger_account(ledger, period, numbers, rows);
	if (rc == GRAPPE_OK)
		intake->unsaved++;
	/* What follows in the folder follows without a loss, even if the sensor paused. */
	reading->reaches_back = true;
	return rc;
}

/* Numbers the period's vifs, accounts it if it is new, and puts it into the ring. */
static int take_period(struct intake *intake, const struct period *period, struct buffer *bytes,
    struct reading *reading)
{
	uint32_t *numbers = calloc(period->nvifs + 1, sizeof *numbers);
	struct tally_set rows = {0};
	struct sealed *sealed;
	bool added;
	int rc;

	if (numbers == NULL)
		return GRAPPE_EMEMORY;
	rc = ledger_number(intake->ledger, period, numbers, &added);
	if (rc == GRAPPE_OK)
		rc = tally_from_period(period, numbers, &rows);
	if (rc == GRAPPE_OK)
		rc = account(intake, period, numbers, &rows, reading);
	if (rc == GRAPPE_OK) {
		sealed = sealed_new(bytes, period, numbers, rows.count);
		rc = sealed != NULL ? ring_add(&intake->ring, sealed) : GRAPPE_EMEMORY;
	}
	intake->numbered = intake->numbered || added;
	tally_free(&rows);
	free(numbers);
	return rc;
}

/* Reads one file. Returns 1 when it was taken in, 0 when it was refused or is gone, GRAPPE_EMEMORY
 * when it has to be tried again before any later one. */
static int take_file(struct intake *intake, uint32_t end, struct reading *reading)
{
	char name[16];
	struct period *period = NULL;
	struct buffer bytes;
	struct stat status;
	char *path;
	int rc;

	snprintf(name, sizeof name, "%" PRIu32, end);
	path = join(intake->folder, name);
	if (path == NULL || stat(path, &status) != 0 || was_refused(intake, name, &status)) {
		free(path);
		return 0;
	}
	rc = file_read(path, PERIOD_BYTES_MAX, &bytes);
	if (rc == GRAPPE_OK)
		rc = period_decode(bytes.bytes, bytes.length, &period);
	if (rc == GRAPPE_OK && period->header.end_s != end)
		refuse(intake, name, &status, "its name is not its end");
	else if (rc == GRAPPE_OK)
		rc = take_period(intake, period, &bytes, reading);
	if (rc == GRAPPE_EMEMORY)
		log_complain(
		    &intake->memory_complaint, "no memory for the period %s: it waits", path);
	else if (rc != GRAPPE_OK && !(rc == GRAPPE_EIO && errno == ENOENT))
		refuse(intake, name, &status, error_text(rc));
	if (rc != GRAPPE_EMEMORY)
		rc = rc == GRAPPE_OK && period->header.end_s == end;
	period_free(period);
	buffer_deinit(&bytes);
	free(path);
	return rc;
}

/* ---- the folder ---- */

/* The end a sealed file is named by; 0: not such a name. */
static uint32_t end_of_name(const char *name)
{
	const size_t length = strlen(name);
	unsigned long end;

	if (length == 0 || length > 10 || name[0] == '0' || strspn(name, "0123456789") != length)
		return 0;
	end = strtoul(name, NULL, 10);
	return end < UINT32_MAX ? (uint32_t)end : 0;
}

/* What the sensor has in its folder besides (period_store.h): its lock, the period it had open when
 * it ended, and files being written, which have a dot in their name or before it. */
static bool is_sensors_own(const char *name)
{
	return name[0] == '.' || name[strspn(name, "0123456789")] == '.' ||
	       strcmp(name, "lock") == 0 || strncmp(name, "unfinished", strlen("unfinished")) == 0;
}

static void look_at_stranger(struct intake *intake, int folder, const char *name)
{
	struct stat status;

	if (is_sensors_own(name) || fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
	    was_refused(intake, name, &status))
		return;
	refuse(intake, name, &status, "its name is not the end of a period");
}

static int compare_ends(const void *left, const void *right)
{
	const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

/* The ends of all files in the folder, ascending. Returns their number or an error. */
static int list_folder(struct intake *intake, uint32_t *ends)
{
	DIR *folder = opendir(intake->folder);
	const struct dirent *entry;
	int count = 0, seen = 0;

	if (folder == NULL) {
		log_complain(&intake->folder_complaint,
		    "cannot read the folder of periods %s: %s (grappe-capture makes it)",
		    intake->folder, error_text(GRAPPE_EIO));
		return GRAPPE_EIO;
	}
	log_recovered(
	    &intake->folder_complaint, "the folder of periods %s is there", intake->folder);
	while ((entry = readdir(folder)) != NULL && seen++ < ENTRIES_MAX) {
		const uint32_t end = end_of_name(entry->d_name);

		if (end != 0)
			ends[count++] = end;
		else
			look_at_stranger(intake, dirfd(folder), entry->d_name);
	}
	closedir(folder);
	if (entry != NULL)
		log_complain(&intake->crowd_complaint,
		    "more than %d files in %s: not all are looked at", ENTRIES_MAX, intake->folder);
	qsort(ends, (size_t)count, sizeof *ends, compare_ends);
	return count;
}

static bool is_wanted(const struct intake *intake, uint32_t end)
{
	const struct ring *ring = &intake->ring;
	const size_t place = ring_find(ring, end);

	if (place < ring->count && sealed_end(ring->items[place]) == end)
		return false;
	return end > intake->ledger->last_end || place > 0 || ring->count < ring->limit;
}

/* After the clock was set back, what was accounted lies in the future: start again. */
static void leave_future(struct intake *intake, int64_t now_s)
{
	struct ledger *ledger = intake->ledger;
	struct ring *ring = &intake->ring;

	if ((int64_t)ledger->last_end <= now_s + 2 * (int64_t)ledger->length_s)
		return;
	log_warning("the newest period ends at %" PRIu32 ", %" PRId64
		    " s from now: the clock was set back; counters start again from zero",
	    ledger->last_end, ledger->last_end - now_s);
	ledger_reset(ledger);
	ring_deinit(ring);
}

static int take_files(struct intake *intake, const uint32_t *ends, size_t count, int64_t now_s,
    struct reading *reading)
{
	bool future = false;
	int taken = 0;

	for (size_t i = 0; i < count; i++) {
		if (ends[i] > now_s + FUTURE_S) {
			future = true;
			log_complain(&intake->future_complaint,
			    "%s/%" PRIu32 " ends in the future (by %" PRId64 " s): it waits",
			    intake->folder, ends[i], ends[i] - now_s);
			break;
		}
		if (ends[i] <= intake->ledger->last_end)
			reading->reaches_back = true;
		if (is_wanted(intake, ends[i])) {
			const int rc = take_file(intake, ends[i], reading);

			if (rc < 0)
				break;
			taken += rc;
		}
	}
	if (!future)
		log_recovered(&intake->future_complaint, "no period ends in the future any more");
	return taken;
}

/* Often enough that the folder still holds everything since, whatever happens. */
static bool is_save_due(const struct intake *intake, unsigned files)
{
	return intake->unsaved >= SAVE_PERIODS ||
	       (intake->unsaved > 0 && intake->unsaved >= files / 4);
}

int intake_scan(struct intake *intake, int64_t now_s, int64_t monotonic_ns)
{
	struct reading reading = {0};
	uint32_t *ends = calloc(ENTRIES_MAX, sizeof *ends);
	int count, taken;

	if (ends == NULL)
		return GRAPPE_EMEMORY;
	leave_future(intake, now_s);
	count = list_folder(intake, ends);
	if (count < 0) {
		free(ends);
		return count;
	}
	reading.watched = intake->scanned_ns != 0 && monotonic_ns - intake->scanned_ns <
							 intake->ledger->length_s * CLOCK_SECOND_NS;
	intake->scanned_ns = monotonic_ns;
	taken = take_files(intake, ends, (size_t)count, now_s, &reading);
	free(ends);
	if (intake->numbered || is_save_due(intake, (unsigned)count))
		intake_save(intake);
	return taken;
}
