/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"
#include "rrd/archive_path.h"
#include "rrd/relay_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STORE_NAPS 50 /* of 20 ms: how long a file that was asked for may be in the writing */
#define STORE_NAP_NS 20000000

/* ---- whether the files have it ---- */

/* Whether the file has what was handed over. */
static bool is_stored(struct pair *pair, const char *path, struct rrdfile_head *head)
{
	pair->stored_s =
	    rrdfile_read_head(path, RRDFILE_PAIR, head) == GRAPPE_OK ? head->last_s : -1;
	return pair->stored_s >= pair->handed_s;
}

/* Waits for the file of a pair. Returns 0, GRAPPE_EIO (it has not got what was handed over), or
 * GRAPPE_ETIMEOUT. */
static int await_file(struct relay *relay, struct pair *pair, const char *path,
    struct rrdfile_head *head, char *message, size_t size)
{
	const struct timespec nap = {.tv_nsec = STORE_NAP_NS};
	char ignored[256];
	int rc = rrdcached_flush(relay->client, path, message, size);

	for (int i = 0; rc == GRAPPE_OK && i < STORE_NAPS && pair->stored_s >= 0; i++) {
		if (is_stored(pair, path, head))
			return GRAPPE_OK;
		nanosleep(&nap, NULL);
	}
	if (rc != GRAPPE_OK)
		return rc;
	snprintf(message, size,
	    pair->stored_s < 0 ? "%s cannot be used: it vanished or was damaged"
			       : "rrdcached did not write %s: see its log",
	    path);
	rc = rrdcached_forget(relay->client, path, ignored, sizeof ignored);
	return rc == GRAPPE_OK ? GRAPPE_EIO : rc;
}

/* Looks into the file of a pair, and keeps its head for the time after this commit. Returns as
 * above. */
static int look_into(struct relay *relay, const char *receiver, struct pair *pair, const char *path,
    char *message, size_t size)
{
	struct rrdfile_head head;
	int rc = GRAPPE_OK;

	if (!is_stored(pair, path, &head))
		rc = await_file(relay, pair, path, &head, message, size);
	if (rc != GRAPPE_OK)
		return rc;
	rc = heads_add(relay->heads, receiver, pair->sender, &head);
	pair->looked_at = true;
	if (rc == GRAPPE_OK)
		return rc;
	snprintf(message, size, "cannot write %s/heads: %s", relay->archive->folder,
	    rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
	return GRAPPE_EMEMORY; /* nothing can be committed */
}

/* Looks into the files of all pairs of a receiver that are not known to have everything; forgets
 * those that have not, so that they are handed over again. */
static int look_at_receiver(
    struct relay *relay, struct receiver *receiver, char *message, size_t size)
{
	char path[PATH_MAX];

	for (size_t i = receiver->npairs; i-- > 0;) {
		struct pair *pair = &receiver->pairs[i];
		int rc;

		if (pair->stored_s >= pair->handed_s ||
		    archive_path_pair(path, relay->archive->folder, receiver->id, pair->sender) !=
			GRAPPE_OK)
			continue;
		rc = look_into(relay, receiver->id, pair, path, message, size);
		if (rc == GRAPPE_OK)
			continue;
		if (rc != GRAPPE_EIO)
			return rc;
		receiver->failing = true;
		receiver_drop_pair(relay->receivers, receiver, pair);
	}
	return GRAPPE_OK;
}

/* Has everything written and looks into all files. *failing: some receiver lacks something. */
static int store(struct relay *relay, bool *failing, char *message, size_t size)
{
	int rc = rrdcached_flush_all(relay->client, message, size);

	*failing = false;
	for (struct receiver *r = NULL;
	     rc == GRAPPE_OK && (r = receivers_next(relay->receivers, r)) != NULL;) {
		rc = look_at_receiver(relay, r, message, size);
		*failing |= r->failing || r->adopted_s > r->handed_s;
	}
	return rc;
}

/* ---- coverage ---- */

/* The points of the periods that are to be committed. Returns how many. */
static size_t coverage_points(
    const struct receiver *receiver, int64_t start_s, struct rrdfile_point *points)
{
	const int64_t length = receiver->layout.length_s;
	int64_t at = start_s;
	size_t count = 0;

	for (size_t i = 0; i < receiver->nrecent; i++) {
		const struct handed *period = &receiver->recent[i];

		if (period->end_s <= receiver->committed_s || period->end_s <= at)
			continue;
		if (period->end_s - length > at)
			points[count++] = (struct rrdfile_point){
			    .end_s = period->end_s - length, .values = {0, 0}};
		points[count++] = (struct rrdfile_point){.end_s = period->end_s,
		    .values = {period->known, period->known ? period->covered : 0}};
		at = period->end_s;
	}
	return count;
}

static int write_coverage(struct job *job, struct rrdfile_point *points)
{
	struct receiver *receiver = job->receiver;
	size_t count;
	int rc = archive_usable_head(job, job->coverage_path, RRDFILE_COVERAGE, &job->coverage);
	int64_t start_s;

	job->covered_before = rc == GRAPPE_OK;
	if (rc != GRAPPE_OK && rc != GRAPPE_ENOTFOUND)
		return rc;
	start_s = job->covered_before ? job->coverage.last_s
				      : archive_first_start(&receiver->layout, job->update->end_s);
	count = coverage_points(receiver, start_s, points);
	if (count == 0)
		return GRAPPE_OK;
	if (!job->covered_before)
		return archive_create_file(
		    job, job->coverage_path, RRDFILE_COVERAGE, start_s, points, count);
	return archive_update_file(job, NULL, job->coverage_path, &job->coverage, points, count);
}

/* Commits what was handed over of a receiver: one update of its coverage file. */
static int commit_receiver(
    struct relay *relay, struct receiver *receiver, char *message, size_t size)
{
	struct rrdfile_point *points = calloc(2 * receiver->nrecent + 1, sizeof *points);
	struct archive_update update = {.end_s = receiver->committed_s};
	struct job job = relay_make_job(relay, &update, message, size);
	size_t periods = 0;
	int rc = points != NULL ? GRAPPE_OK : JOB_FAIL(&job, GRAPPE_EMEMORY, "no memory");

	snprintf(update.receiver, sizeof update.receiver, "%s", receiver->id);
	if (rc == GRAPPE_OK)
		rc = relay_begin_job(relay, &job);
	/* The journal puts the head of a coverage file back that was half updated; the period in it
	 * is one that is committed. */
	if (rc == GRAPPE_OK && receiver->committed_s > 0)
		journal_begin(relay->archive->journal, &update);
	for (size_t i = 0; i < receiver->nrecent; i++) {
		if (receiver->recent[i].end_s <= receiver->committed_s)
			continue;
		if (periods++ == 0)
			update.end_s = receiver->recent[i].end_s;
	}
	if (rc == GRAPPE_OK)
		rc = write_coverage(&job, points);
	if (rc == GRAPPE_OK) {
		journal_finish(relay->archive->journal);
		receiver_commit(receiver, receiver->handed_s);
		relay->archive->counters.periods += periods;
	}
	free(points);
	return rc;
}

/* ---- giving up ---- */

/* What the files lack of a period lowers its covered share. */
static int note_loss(void *context, struct archive_update *update)
{
	struct relay *relay = context;
	struct receiver *receiver = receivers_find(relay->receivers, update->receiver);
	const double packets = archive_packets(update);
	double lost = 0;

	for (size_t i = 0; receiver != NULL && receiver->failing && i < update->nsenders; i++) {
		const struct pair *pair = receiver_find_pair(receiver, update->senders[i].sender);

		if (pair != NULL && pair->handed_s >= update->end_s)
			continue;
		lost += update->senders[i].packets;
		relay->archive->counters.lost++;
	}
	for (size_t i = 0; lost > 0 && i < receiver->nrecent; i++)
		if (receiver->recent[i].end_s == update->end_s)
			receiver->recent[i].covered *= 1 - lost / packets;
	archive_update_free(update);
	return GRAPPE_OK;
}

static int accept_losses(struct relay *relay)
{
	const int rc = spool_visit(relay->archive->spool, note_loss, relay);

	for (struct receiver *r = NULL; (r = receivers_next(relay->receivers, r)) != NULL;)
		r->failing = false;
	return rc;
}

/* ---- commit ---- */

static bool is_wanted(void *context, const struct archive_update *update)
{
	const struct relay *relay = context;
	const struct receiver *receiver = receivers_find(relay->receivers, update->receiver);

	return receiver == NULL || update->end_s > receiver->committed_s;
}

/* Drops from the spool what is committed. */
static int shorten_spool(struct relay *relay, char *message, size_t size)
{
	struct archive *archive = relay->archive;
	bool all = true;
	int rc;

	for (struct receiver *r = NULL; (r = receivers_next(relay->receivers, r)) != NULL;)
		all &= r->spooled_s <= r->committed_s;
	rc = all ? spool_clear(archive->spool) : spool_keep(archive->spool, is_wanted, relay);
	if (rc != GRAPPE_OK)
		snprintf(message, size, "cannot shorten %s/spool: %s", archive->folder,
		    rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
	return rc;
}

/* Commits all receivers that lack nothing; returns the first failure. */
static int commit_receivers(struct relay *relay, char *message, size_t size)
{
	int first = GRAPPE_OK;

	for (struct receiver *r = NULL; (r = receivers_next(relay->receivers, r)) != NULL;) {
		char why[1024];
		int rc;

		if (r->failing || r->handed_s <= r->committed_s)
			continue;
		rc = commit_receiver(relay, r, why, sizeof why);
		if (rc == GRAPPE_OK && why[0] == '\0')
			continue;
		if (first == GRAPPE_OK) { /* also what was set aside is worth telling */
			snprintf(message, size, "%s", why);
			first = rc;
		}
		relay->archive->counters.failures += rc != GRAPPE_OK;
	}
	return first;
}

/* From now on the heads of the files as they are now are put back after a loss. */
static int keep_heads(struct relay *relay, char *message, size_t size)
{
	const int rc = heads_end(relay->heads);

	if (rc != GRAPPE_OK) {
		snprintf(message, size, "cannot write %s/heads: %s", relay->archive->folder,
		    rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
		return GRAPPE_EIO;
	}
	for (struct receiver *r = NULL; (r = receivers_next(relay->receivers, r)) != NULL;)
		for (size_t i = 0; i < r->npairs; i++) {
			r->pairs[i].kept = r->pairs[i].looked_at;
			r->pairs[i].looked_at = false;
		}
	return GRAPPE_OK;
}

/* Everything that was handed over into the files, and what they lack once more. */
static int store_all(struct relay *relay, bool *failing, char *message, size_t size)
{
	char why[PATH_MAX + 512] = "";
	int rc = heads_begin(relay->heads);

	if (rc != GRAPPE_OK) {
		snprintf(message, size, "cannot write %s/heads: %s", relay->archive->folder,
		    strerror(errno));
		return rc;
	}
	for (struct receiver *r = NULL; (r = receivers_next(relay->receivers, r)) != NULL;)
		for (size_t i = 0; i < r->npairs; i++)
			r->pairs[i].looked_at = false;
	rc = store(relay, failing, message, size);
	if (rc == GRAPPE_OK && *failing) {
		rc = relay_replay(relay, why, sizeof why);
		if (rc == GRAPPE_OK)
			rc = store(relay, failing, message, size);
		if (why[0] != '\0')
			snprintf(message, size, "%s", why);
	}
	return rc;
}

int relay_commit(struct relay *relay, bool give_up, char *message, size_t size)
{
	char why[PATH_MAX + 512] = "";
	bool failing = false;
	int rc;

	message[0] = '\0';
	if (spool_is_empty(relay->archive->spool))
		return GRAPPE_OK;
	rc = relay_be_ready(relay, message, size);
	if (rc == GRAPPE_OK)
		rc = store_all(relay, &failing, message, size);
	if (rc == GRAPPE_OK && failing && give_up)
		rc = accept_losses(relay);
	if (rc == GRAPPE_OK)
		rc = keep_heads(relay, message, size);
	if (rc != GRAPPE_OK)
		return rc;
	rc = commit_receivers(relay, message, size);
	if (shorten_spool(relay, why, sizeof why) != GRAPPE_OK && rc == GRAPPE_OK) {
		snprintf(message, size, "%s", why);
		rc = GRAPPE_EIO;
	}
	if (rc == GRAPPE_OK && failing && !give_up)
		rc = GRAPPE_EIO; /* message says what is lacking */
	return rc;
}
