/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/relay_parts.h"

#include "common/error.h"
#include "rrd/archive_path.h"
#include "rrd/archive_update.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FORGET_NAP_NS 50000000

/* ---- life ---- */

int archive_check_rrdcached(const char *address, char *message, size_t size)
{
	return rrdcached_check_address(address, message, size);
}

struct relay *relay_new(struct archive *archive, const char *address)
{
	struct relay *relay = calloc(1, sizeof *relay);

	if (relay == NULL)
		return NULL;
	relay->archive = archive;
	relay->client = rrdcached_new(address, RRDCACHED_TIMEOUT_MS);
	relay->receivers = receivers_new();
	if (relay->client == NULL || relay->receivers == NULL) {
		relay_free(relay);
		return NULL;
	}
	return relay;
}

void relay_free(struct relay *relay)
{
	if (relay == NULL)
		return;
	rrdcached_free(relay->client);
	heads_close(relay->heads);
	receivers_free(relay->receivers);
	free(relay->tags);
	free(relay);
}

/* ---- receivers ---- */

struct job relay_make_job(
    struct relay *relay, const struct archive_update *update, char *message, size_t size)
{
	message[0] = '\0';
	return (struct job){.archive = relay->archive,
	    .update = update,
	    .now_s = relay->now_s,
	    .message = message,
	    .size = size};
}

/* A receiver that is not remembered: what its coverage file says. */
static int learn_receiver(struct relay *relay, struct job *job)
{
	struct receiver *receiver;
	int rc = archive_usable_head(job, job->coverage_path, RRDFILE_COVERAGE, &job->coverage);

	if (rc != GRAPPE_OK && rc != GRAPPE_ENOTFOUND)
		return rc;
	receiver = receivers_add(relay->receivers, job->update->receiver);
	if (receiver == NULL)
		return JOB_FAIL(job, GRAPPE_EMEMORY, "no memory");
	receiver->layout = relay->archive->layout;
	if (rc == GRAPPE_OK) {
		receiver->covered_before = true;
		receiver->layout = job->coverage.layout;
		receiver->committed_s = receiver->handed_s = job->coverage.last_s;
		receiver->recent_from_s = job->coverage.last_s;
	}
	job->receiver = receiver;
	return GRAPPE_OK;
}

/* Fills in the job's receiver, as archive.c does from the coverage file. */
int relay_begin_job(struct relay *relay, struct job *job)
{
	int rc = archive_path_coverage(
	    job->coverage_path, relay->archive->folder, job->update->receiver);

	if (rc != GRAPPE_OK)
		return JOB_FAIL(
		    job, rc, "the path of receiver %s is too long", job->update->receiver);
	job->receiver = receivers_find(relay->receivers, job->update->receiver);
	if (job->receiver == NULL)
		rc = learn_receiver(relay, job);
	if (rc != GRAPPE_OK)
		return rc;
	job->covered_before = job->receiver->covered_before;
	job->coverage.layout = job->receiver->layout;
	job->coverage.last_s = job->receiver->committed_s;
	return GRAPPE_OK;
}

/* ---- pairs ---- */

int relay_remember(struct job *job, const char *sender, int64_t handed_s, int64_t stored_s)
{
	const int rc = receiver_set_pair(
	    job->archive->relay->receivers, job->receiver, sender, handed_s, stored_s);

	return rc == GRAPPE_OK ? rc : JOB_FAIL(job, rc, "no memory");
}

static struct tag *new_tag(struct relay *relay)
{
	const size_t capacity = relay->capacity > 0 ? 2 * relay->capacity : 256;
	struct tag *bigger;

	if (relay->ntags == relay->capacity) {
		bigger = reallocarray(relay->tags, capacity, sizeof *bigger);
		if (bigger == NULL)
			return NULL;
		relay->tags = bigger;
		relay->capacity = capacity;
	}
	return &relay->tags[relay->ntags++];
}

/* Before the first update since the last commit. */
static int keep_head(struct job *job, struct pair *pair, const char *path)
{
	struct rrdfile_head head;
	int rc;

	if (pair->kept)
		return GRAPPE_OK;
	rc = rrdfile_read_head(path, RRDFILE_PAIR, &head);
	if (rc != GRAPPE_OK)
		return JOB_FAIL(job, GRAPPE_EIO, "cannot read %s: %s", path, error_text(rc));
	rc = heads_keep(job->archive->relay->heads, job->receiver->id, pair->sender, &head);
	if (rc != GRAPPE_OK)
		return JOB_FAIL(job, GRAPPE_EIO, "cannot write %s/heads: %s", job->archive->folder,
		    rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
	pair->kept = true;
	return GRAPPE_OK;
}

int relay_put(struct job *job, const char *sender, const char *path, double packets,
    const struct rrdfile_point *points, size_t count)
{
	struct relay *relay = job->archive->relay;
	struct pair *pair = receiver_find_pair(job->receiver, sender);
	struct tag *tag = new_tag(relay);
	int rc;

	if (pair == NULL || tag == NULL)
		return JOB_FAIL(job, GRAPPE_EMEMORY, "no memory");
	rc = keep_head(job, pair, path);
	if (rc != GRAPPE_OK)
		return rc;
	snprintf(tag->sender, sizeof tag->sender, "%s", sender);
	tag->before_s = pair->handed_s;
	tag->packets = packets;
	rc = rrdcached_add(relay->client, (uint32_t)(relay->ntags - 1), path, points, count);
	if (rc != GRAPPE_OK)
		return JOB_FAIL(job, rc, "no memory");
	pair->handed_s = points[count - 1].end_s;
	return GRAPPE_OK;
}

int relay_flush(struct job *job, const char *path)
{
	return rrdcached_flush(job->archive->relay->client, path, job->message, job->size);
}

/* What came back of a batch. */
struct refusals {
	struct job *job;
	double lost;  /* packets */
	size_t count; /* of updates that are not stored */
};

static void on_refused(
    void *context, uint32_t number, enum rrdcached_refusal refusal, const char *reason)
{
	struct refusals *refusals = context;
	struct job *job = refusals->job;
	const struct tag *tag = &job->archive->relay->tags[number];
	struct pair *pair = receiver_find_pair(job->receiver, tag->sender);

	if (refusal == RRDCACHED_STORED) {
		job->archive->counters.repeated++;
		return;
	}
	if (pair != NULL) {
		if (pair->handed_s > tag->before_s)
			pair->handed_s = tag->before_s;
		if (refusal == RRDCACHED_MISSING) /* the next commit looks what is there */
			pair->stored_s = -1;
	}
	if (refusals->count++ == 0)
		snprintf(job->message, job->size, "rrdcached refuses %s of receiver %s: %s",
		    tag->sender, job->update->receiver, reason);
	job->archive->counters.failures++;
	refusals->lost += tag->packets;
}

/* Hands the period's pairs over. *stored: the share of packets that rrdcached or the files have. */
static int hand_over(struct job *job, double *stored)
{
	struct relay *relay = job->archive->relay;
	const struct receiver *receiver = job->receiver;
	const double packets = archive_packets(job->update);
	struct refusals refusals = {.job = job};
	char message[1024];
	int64_t before_s = receiver->committed_s;
	double lost;
	int sent, rc;

	for (size_t i = 0; i < receiver->nrecent; i++)
		if (receiver->recent[i].end_s < job->update->end_s)
			before_s = receiver->recent[i].end_s;
	relay->ntags = 0;
	archive_settle_pairs(job, before_s);
	rc = archive_write_pairs(job, &lost);
	if (rc != GRAPPE_OK) /* its reason stays the one that is told */
		refusals.count = 1;
	sent = rrdcached_send(relay->client, on_refused, &refusals, message, sizeof message);
	if (sent != GRAPPE_OK)
		return JOB_FAIL(job, sent, "%s", message);
	*stored = packets > 0 ? 1 - (lost + refusals.lost) / packets : 1;
	return rc != GRAPPE_OK ? rc : refusals.count > 0 ? GRAPPE_EIO : GRAPPE_OK;
}

/* Hands over and notes the period as one that can be committed. */
static int hand_over_period(struct job *job, bool give_up)
{
	struct receiver *receiver = job->receiver;
	const uint64_t failures = job->archive->counters.failures;
	double stored;
	int rc = hand_over(job, &stored);

	if (rc == GRAPPE_ETIMEOUT || (rc != GRAPPE_OK && !give_up))
		return rc;
	if (job->update->end_s <= receiver->handed_s)
		return rc;
	job->archive->counters.lost += job->archive->counters.failures - failures;
	rc = receiver_add_handed(receiver, &(struct handed){.end_s = job->update->end_s,
					       .known = job->update->known > 0,
					       .covered = job->update->known * stored});
	return rc == GRAPPE_OK ? rc : JOB_FAIL(job, rc, "no memory");
}

/* ---- what is in the spool ---- */

static int adopt_one(void *context, struct archive_update *update)
{
	struct relay *relay = context;
	char message[1024];
	struct job job = relay_make_job(relay, update, message, sizeof message);
	int rc = GRAPPE_OK;

	relay->now_s = relay->now_s > update->end_s ? relay->now_s : update->end_s;
	job.now_s = relay->now_s;
	if (archive_update_check(update, relay->archive->layout.length_s, update->end_s, message,
		sizeof message) != GRAPPE_OK ||
	    relay_begin_job(relay, &job) != GRAPPE_OK) {
		/* What cannot be used any more stays in the spool, and is told when it is tried. */
	} else if (update->end_s > job.receiver->committed_s) {
		job.receiver->spooled_s = job.receiver->adopted_s = update->end_s;
	}
	archive_update_free(update);
	return rc;
}

int relay_adopt(struct relay *relay)
{
	const int rc = heads_open(relay->archive->folder, &relay->heads);

	return rc != GRAPPE_OK ? rc : spool_visit(relay->archive->spool, adopt_one, relay);
}

struct replay {
	struct relay *relay;
	char *message; /* the first reason why a period cannot be handed over again */
	size_t size;
	bool failed;
};

/* Hands a period over again; of pairs that have it nothing is sent. */
static int replay_one(void *context, struct archive_update *update)
{
	struct replay *replay = context;
	char message[1024];
	struct job job = relay_make_job(replay->relay, update, message, sizeof message);
	int rc = relay_begin_job(replay->relay, &job);

	if (rc == GRAPPE_OK &&
	    (update->end_s <= job.receiver->committed_s ||
		(update->end_s > job.receiver->handed_s && job.receiver->failing)))
		goto out; /* stored, or not before the one that fails */
	if (rc == GRAPPE_OK)
		rc = archive_make_receiver(&job);
	if (rc == GRAPPE_OK)
		rc = hand_over_period(&job, false);
	if (rc != GRAPPE_OK && job.receiver != NULL)
		job.receiver->failing = true;
	if (rc != GRAPPE_OK && (!replay->failed || rc == GRAPPE_ETIMEOUT)) {
		snprintf(replay->message, replay->size, "%s", message);
		replay->failed = true;
	}
out:
	archive_update_free(update);
	return rc == GRAPPE_ETIMEOUT ? rc : GRAPPE_OK;
}

/* Everything that is not committed, again. */
int relay_replay(struct relay *relay, char *message, size_t size)
{
	struct replay replay = {.relay = relay, .message = message, .size = size};
	int rc;

	for (struct receiver *r = NULL; (r = receivers_next(relay->receivers, r)) != NULL;)
		r->failing = false;
	rc = spool_visit(relay->archive->spool, replay_one, &replay);
	if (rc == GRAPPE_EFORMAT || rc == GRAPPE_EIO)
		snprintf(message, size, "cannot read %s/spool: %s", relay->archive->folder,
		    rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
	return rc;
}

/* ---- after a loss ---- */

/* A daemon may have been killed inside an update, or still hold values: it forgets the files. */
static int forget_one(
    void *context, const char *receiver, const char *sender, const struct rrdfile_live *live)
{
	struct relay *relay = context;
	char path[PATH_MAX];

	(void)live;
	if (archive_path_pair(path, relay->archive->folder, receiver, sender) != GRAPPE_OK)
		return GRAPPE_OK;
	return rrdcached_add_forget(relay->client, 0, path);
}

static void on_forgotten(
    void *context, uint32_t tag, enum rrdcached_refusal refusal, const char *reason)
{
	(void)context; /* what it did not know it need not forget */
	(void)tag;
	(void)refusal;
	(void)reason;
}

/* The head is what it was, and the pair is remembered so. */
static int put_back_one(
    void *context, const char *receiver, const char *sender, const struct rrdfile_live *live)
{
	struct relay *relay = context;
	struct archive_update update = {.end_s = relay->now_s};
	char path[PATH_MAX], message[1024];
	struct job job = relay_make_job(relay, &update, message, sizeof message);
	struct rrdfile_head head;

	snprintf(update.receiver, sizeof update.receiver, "%s", receiver);
	if (archive_path_pair(path, relay->archive->folder, receiver, sender) != GRAPPE_OK ||
	    relay_begin_job(relay, &job) != GRAPPE_OK ||
	    receiver_find_pair(job.receiver, sender) != NULL)
		return GRAPPE_OK;
	/* A file that is damaged or not there is found to be so when it is its turn. */
	if (rrdfile_put_back(path, live) != GRAPPE_OK ||
	    rrdfile_read_head(path, RRDFILE_PAIR, &head) != GRAPPE_OK)
		return GRAPPE_OK;
	if (relay_remember(&job, sender, head.last_s, head.last_s) == GRAPPE_OK)
		receiver_find_pair(job.receiver, sender)->kept = true;
	return GRAPPE_OK;
}

/* All files as they were at the last commit. */
static int put_back(struct relay *relay, char *message, size_t size)
{
	const struct timespec nap = {.tv_nsec = FORGET_NAP_NS};
	int rc = GRAPPE_OK;

	receivers_forget_pairs(relay->receivers);
	if (spool_is_empty(relay->archive->spool)) {
		rc = heads_clear(relay->heads);
		goto out;
	}
	rc = heads_visit(relay->heads, forget_one, relay);
	if (rc == GRAPPE_OK) {
		rc = rrdcached_send(relay->client, on_forgotten, NULL, message, size);
		if (rc == GRAPPE_OK)
			rc = rrdcached_flush_all(relay->client, message, size);
		if (rc != GRAPPE_OK)
			return rc;
		nanosleep(&nap, NULL); /* what was being written is written */
		rc = heads_visit(relay->heads, put_back_one, relay);
	}
out:
	if (rc != GRAPPE_OK)
		snprintf(message, size, "cannot use %s/heads: %s", relay->archive->folder,
		    rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
	return rc;
}

/* Connected, and rrdcached knows all that is not committed. */
int relay_be_ready(struct relay *relay, char *message, size_t size)
{
	char why[1024];
	int rc;

	if (rrdcached_is_connected(relay->client))
		return GRAPPE_OK;
	rc = rrdcached_connect(relay->client, message, size);
	if (rc != GRAPPE_OK)
		return rc;
	/* It may be another process than before, and what it held may be gone. */
	rc = put_back(relay, message, size);
	if (rc == GRAPPE_OK) {
		rc = relay_replay(relay, why, sizeof why);
		if (rc != GRAPPE_OK)
			snprintf(message, size, "%s", why);
	}
	if (rc != GRAPPE_OK) /* the same again */
		rrdcached_disconnect(relay->client);
	return rc;
}

/* ---- a period ---- */

static int check_receiver(const struct job *job)
{
	const struct archive *archive = job->archive;
	const struct receiver *receiver = job->receiver;

	if (receiver->layout.length_s != archive->layout.length_s)
		return JOB_FAIL(job, GRAPPE_EUNSUPPORTED,
		    "%s has periods of %us, now they are %us: use another archive folder",
		    job->coverage_path, receiver->layout.length_s, archive->layout.length_s);
	if (receiver->committed_s > job->now_s + receiver->layout.length_s)
		return JOB_FAIL(job, GRAPPE_ERANGE,
		    "%s reaches %llds into the future: was the clock set back? What is stored "
		    "stays",
		    job->coverage_path, (long long)(receiver->committed_s - job->now_s));
	return GRAPPE_OK;
}

/* Into the spool, after what an earlier process left there of the same receiver. */
static int spool_period(struct job *job, bool give_up)
{
	struct receiver *receiver = job->receiver;
	struct archive *archive = job->archive;
	int rc = GRAPPE_OK;

	if (receiver->adopted_s > receiver->handed_s) {
		rc = relay_replay(archive->relay, job->message, job->size);
		if (rc == GRAPPE_OK && receiver->adopted_s > receiver->handed_s)
			rc = GRAPPE_EIO; /* message says why */
		if (rc == GRAPPE_ETIMEOUT || (rc != GRAPPE_OK && !give_up))
			return rc;
	}
	if (job->update->end_s <= receiver->spooled_s)
		return GRAPPE_OK;
	rc = spool_append(archive->spool, job->update);
	if (rc == GRAPPE_OK)
		receiver->spooled_s = job->update->end_s;
	else if (rc == GRAPPE_ELIMIT)
		rc = JOB_FAIL(job, GRAPPE_EIO,
		    "%s/spool is full: rrdcached has not written for long", archive->folder);
	else
		rc = JOB_FAIL(job, rc, "cannot write %s/spool: %s", archive->folder,
		    rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
	return rc;
}

static int write_period(struct job *job, bool give_up)
{
	struct receiver *receiver = job->receiver;
	int rc = check_receiver(job);

	if (rc != GRAPPE_OK) {
		job->archive->counters.refused += rc == GRAPPE_ERANGE;
		return rc;
	}
	if (job->update->end_s <= receiver->handed_s) {
		job->archive->counters.repeated++;
		return rc;
	}
	if (receiver->npairs == 0)
		rc = archive_make_receiver(job);
	if (rc == GRAPPE_OK)
		rc = spool_period(job, give_up);
	/* What was in the spool may have been this very period. */
	if (rc == GRAPPE_OK && job->update->end_s > receiver->handed_s)
		rc = hand_over_period(job, give_up);
	if (rc == GRAPPE_OK)
		job->archive->counters.handed++;
	return rc;
}

int relay_write(struct relay *relay, struct archive_update *update, int64_t now_s, bool give_up,
    char *message, size_t size)
{
	struct job job;
	int rc;

	relay->now_s = now_s;
	rc = relay_be_ready(relay, message, size);
	if (rc != GRAPPE_OK)
		return rc;
	job = relay_make_job(relay, update, message, size);
	rc = relay_begin_job(relay, &job);
	if (rc == GRAPPE_OK)
		rc = write_period(&job, give_up);
	if (rc != GRAPPE_OK && rc != GRAPPE_ERANGE)
		relay->archive->counters.failures++;
	return rc;
}

/* ---- for expiry ---- */

static struct receiver *remembered(const struct archive *archive, const char *receiver)
{
	return archive->relay != NULL ? receivers_find(archive->relay->receivers, receiver) : NULL;
}

bool archive_is_pending(const struct archive *archive, const char *receiver)
{
	const struct receiver *found = remembered(archive, receiver);

	return found != NULL &&
	       (found->handed_s > found->committed_s || found->spooled_s > found->committed_s);
}

void archive_forget_receiver(struct archive *archive, const char *receiver)
{
	if (archive->relay != NULL)
		receivers_remove(archive->relay->receivers, receiver);
}

bool archive_forget_pair(struct archive *archive, const char *receiver, const char *sender)
{
	struct receiver *found = remembered(archive, receiver);
	struct pair *pair = found != NULL ? receiver_find_pair(found, sender) : NULL;

	if (pair != NULL && pair->stored_s < pair->handed_s)
		return false;
	if (pair != NULL)
		receiver_drop_pair(archive->relay->receivers, found, pair);
	return true;
}
