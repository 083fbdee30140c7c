/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/writer.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/hash.h"
#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define QUEUE_PAIRS_DEFAULT 500000
#define RETRY_MS_DEFAULT 5000
#define PATIENCE_MS_DEFAULT 3600000
#define COMMIT_MS_DEFAULT 300000
#define EXPIRE_FILES 500                       /* removed at a time … */
#define EXPIRE_STEP_NS INT64_C(1000000000)     /* … and so often while there are more … */
#define EXPIRE_ROUND_NS INT64_C(3600000000000) /* … else so often */
#define RECEIVER_BITS 4096

/* A period that waits. */
struct item {
	struct item *next;
	struct archive_update *update; /* owned */
	int64_t now_s;                 /* wall time of the submission */
	int64_t first_failure_ns;      /* monotonic; 0: none */
};

struct list {
	struct item *first, **last;
};

struct writer {
	struct writer_options options; /* folder and rrdcached owned */
	pthread_t thread;
	/* of the thread alone */
	struct archive *archive; /* NULL until the folder can be written */
	struct log_complaint complaint, refusal, expiry;
	int64_t commit_at_ns;     /* monotonic; 0: never */
	int64_t expire_at_ns;     /* monotonic; 0: never */
	bool commit_failing;      /* the last one failed */
	int64_t commit_failed_ns; /* since when some receivers cannot be committed; 0: all can */

	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t wake;
	struct list ready;   /* in order of submission */
	struct list waiting; /* failed, or of a receiver whose earlier period failed; same order */
	uint8_t
	    held[RECEIVER_BITS / 8]; /* receivers in `waiting`, by hash: a false hit only delays */
	int64_t retry_at_ns;         /* monotonic: when `waiting` is ready again; 0: it is empty */
	bool down;                   /* nothing can be written before that */
	size_t pairs;                /* weight of both lists */
	bool stop;
	int64_t stop_at_ns; /* with stop: monotonic end of draining */
	struct writer_status status;
};

static size_t weight(const struct archive_update *update)
{
	return update->nsenders + 1;
}

/* ---- lists, under the lock ---- */

static void list_init(struct list *list)
{
	list->first = NULL;
	list->last = &list->first;
}

static void list_append(struct list *list, struct item *item)
{
	item->next = NULL;
	*list->last = item;
	list->last = &item->next;
}

static struct item *list_pop(struct list *list)
{
	struct item *item = list->first;

	if (item == NULL)
		return NULL;
	list->first = item->next;
	if (list->first == NULL)
		list->last = &list->first;
	return item;
}

/* Moves all of `from` to the front of `to`. */
static void list_prepend(struct list *to, struct list *from)
{
	if (from->first == NULL)
		return;
	*from->last = to->first;
	if (to->first == NULL)
		to->last = from->last;
	to->first = from->first;
	list_init(from);
}

static unsigned receiver_bit(const struct item *item)
{
	return hash_text(0, item->update->receiver) % RECEIVER_BITS;
}

static void hold(struct writer *writer, struct item *item)
{
	const unsigned bit = receiver_bit(item);

	writer->held[bit / 8] |= (uint8_t)(1u << bit % 8);
	list_append(&writer->waiting, item);
}

static bool is_held(const struct writer *writer, const struct item *item)
{
	const unsigned bit = receiver_bit(item);

	return writer->held[bit / 8] >> bit % 8 & 1;
}

/* ---- the thread ---- */

static int64_t elapsed_ns(void)
{
	struct timespec now;

	/* Waiting is real, whatever clock a test shows to the rest. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * CLOCK_SECOND_NS + now.tv_nsec;
}

static void release_waiting(struct writer *writer)
{
	list_prepend(&writer->ready, &writer->waiting);
	memset(writer->held, 0, sizeof writer->held);
	writer->retry_at_ns = 0;
	writer->down = false;
}

/* The next item that may be tried; periods of a receiver stay in order. */
static struct item *next_item(struct writer *writer)
{
	while (!writer->down && writer->ready.first != NULL) {
		struct item *item = list_pop(&writer->ready);

		if (!is_held(writer, item))
			return item;
		hold(writer, item);
	}
	return NULL;
}

static void sleep_until(struct writer *writer, int64_t until_ns)
{
	const struct timespec until = {until_ns / CLOCK_SECOND_NS, until_ns % CLOCK_SECOND_NS};

	if (until_ns == 0)
		pthread_cond_wait(&writer->wake, &writer->lock);
	else
		pthread_cond_timedwait(&writer->wake, &writer->lock, &until);
}

static bool is_due(int64_t at_ns, int64_t now_ns)
{
	return at_ns != 0 && now_ns >= at_ns;
}

/* 0: never. */
static int64_t sooner(int64_t a_ns, int64_t b_ns)
{
	return a_ns == 0 || (b_ns != 0 && b_ns < a_ns) ? b_ns : a_ns;
}

/* Waits for something to do and takes it off the queue. NULL: a commit is due, or the end. */
static struct item *take(struct writer *writer, bool *ended)
{
	struct item *item = NULL;

	pthread_mutex_lock(&writer->lock);
	for (;;) {
		const int64_t now_ns = elapsed_ns();
		int64_t until_ns;

		if (writer->retry_at_ns != 0 && now_ns >= writer->retry_at_ns)
			release_waiting(writer);
		*ended =
		    writer->stop && (writer->status.queue == 0 || now_ns >= writer->stop_at_ns);
		if (*ended)
			break;
		if (is_due(writer->commit_at_ns, now_ns) || is_due(writer->expire_at_ns, now_ns))
			break;
		item = next_item(writer);
		if (item != NULL)
			break;
		until_ns =
		    sooner(writer->retry_at_ns, sooner(writer->commit_at_ns, writer->expire_at_ns));
		if (writer->stop)
			until_ns = sooner(until_ns, writer->stop_at_ns);
		sleep_until(writer, until_ns);
	}
	pthread_mutex_unlock(&writer->lock);
	return item;
}

static void drop(struct writer *writer, struct item *item)
{
	pthread_mutex_lock(&writer->lock);
	writer->pairs -= weight(item->update);
	writer->status.queue--;
	pthread_mutex_unlock(&writer->lock);
	archive_update_free(item->update);
	free(item);
}

static void note_counters(struct writer *writer)
{
	if (writer->archive != NULL)
		writer->status.counters = *archive_counters(writer->archive);
}

static void note_success(struct writer *writer, int64_t end_s)
{
	struct writer_status *status = &writer->status;
	bool recovered;

	pthread_mutex_lock(&writer->lock);
	note_counters(writer);
	if (end_s > status->written_end_s)
		status->written_end_s = end_s;
	recovered = writer->waiting.first == NULL && !writer->commit_failing;
	if (recovered) {
		status->failing = false;
		status->error[0] = '\0';
	}
	pthread_mutex_unlock(&writer->lock);
	if (recovered)
		log_recovered(&writer->complaint, "archive: periods are written again");
}

/* Something failed that may work later. item: what waits for that, or NULL. */
static void note_failure(struct writer *writer, struct item *item, bool down, const char *message)
{
	struct writer_status *status = &writer->status;

	pthread_mutex_lock(&writer->lock);
	note_counters(writer);
	status->failing = true;
	status->failures++;
	snprintf(status->error, sizeof status->error, "%s", message);
	if (writer->retry_at_ns == 0)
		writer->retry_at_ns =
		    elapsed_ns() + writer->options.retry_ms * CLOCK_MILLISECOND_NS;
	writer->down = down;
	if (item != NULL)
		hold(writer, item);
	pthread_mutex_unlock(&writer->lock);
	log_complain(&writer->complaint, "archive: %s", message);
}

/* The period will never be written. */
static void note_loss(struct writer *writer, const char *message)
{
	pthread_mutex_lock(&writer->lock);
	note_counters(writer);
	writer->status.failures++;
	writer->status.lost++;
	pthread_mutex_unlock(&writer->lock);
	log_complain(&writer->refusal, "archive: a period is not archived: %s", message);
}

static int open_archive(struct writer *writer, char *message, size_t size)
{
	const struct archive_options options = {
	    .floor_bytes = writer->options.floor_bytes, .rrdcached = writer->options.rrdcached};
	const int rc = archive_open(writer->options.folder, &writer->options.layout, &options,
	    &writer->archive, message, size);

	if (rc != GRAPPE_OK)
		return rc;
	if (archive_counters(writer->archive)->recovered > 0)
		log_info("archive: finished the period that was being written at the last stop");
	if (message[0] != '\0')
		log_warning("archive: %s", message);
	return rc;
}

static bool may_work_later(int rc)
{
	return rc == GRAPPE_EIO || rc == GRAPPE_EMEMORY;
}

/* A commit also looks after files that vanished or were damaged; not at each retry, for it has all
 * files written. */
static int64_t early_commit_ms(const struct writer_options *options)
{
	return options->commit_ms / 5 > options->retry_ms ? options->commit_ms / 5
							  : options->retry_ms;
}

static void try_item(struct writer *writer, struct item *item)
{
	const int64_t now_ns = elapsed_ns(), end_s = item->update->end_s;
	const bool give_up =
	    item->first_failure_ns != 0 &&
	    now_ns - item->first_failure_ns >= writer->options.patience_ms * CLOCK_MILLISECOND_NS;
	char message[1024] = "";
	int rc;

	if (writer->archive == NULL && open_archive(writer, message, sizeof message) != GRAPPE_OK) {
		note_failure(writer, item, true, message);
		return;
	}
	rc = archive_write(
	    writer->archive, item->update, item->now_s, give_up, message, sizeof message);
	if (rc == GRAPPE_OK) {
		if (message[0] != '\0')
			log_warning("archive: %s", message);
		drop(writer, item);
		note_success(writer, end_s);
	} else if (rc == GRAPPE_ETIMEOUT) { /* not the fault of this period: it has all patience */
		note_failure(writer, item, true, message);
	} else if (may_work_later(rc) && !give_up) {
		if (item->first_failure_ns == 0)
			item->first_failure_ns = now_ns;
		if (writer->commit_at_ns != 0)
			writer->commit_at_ns = sooner(writer->commit_at_ns,
			    now_ns + early_commit_ms(&writer->options) * CLOCK_MILLISECOND_NS);
		note_failure(writer, item, false, message);
	} else {
		drop(writer, item);
		note_loss(writer, message);
	}
}

/* With rrdcached: what was handed over is committed. */
static void commit(struct writer *writer)
{
	const struct writer_options *options = &writer->options;
	const int64_t now_ns = elapsed_ns();
	const bool give_up =
	    writer->commit_failed_ns != 0 &&
	    now_ns - writer->commit_failed_ns >= options->patience_ms * CLOCK_MILLISECOND_NS;
	char message[1024] = "";
	int rc = GRAPPE_OK;

	if (writer->archive != NULL)
		rc = archive_commit(writer->archive, give_up, message, sizeof message);
	if (rc == GRAPPE_OK) {
		if (message[0] != '\0')
			log_warning("archive: %s", message);
		writer->commit_at_ns = elapsed_ns() + options->commit_ms * CLOCK_MILLISECOND_NS;
		writer->commit_failing = false;
		writer->commit_failed_ns = 0;
		note_success(writer, 0);
		return;
	}
	writer->commit_failing = true;
	writer->commit_at_ns =
	    elapsed_ns() + (rc == GRAPPE_ETIMEOUT ? options->retry_ms : early_commit_ms(options)) *
			       CLOCK_MILLISECOND_NS;
	if (writer->commit_failed_ns == 0 && rc != GRAPPE_ETIMEOUT)
		writer->commit_failed_ns = now_ns;
	note_failure(writer, NULL, rc == GRAPPE_ETIMEOUT, message);
}

/* Removes some of what is older than the operator wants to keep. */
static void expire(struct writer *writer)
{
	char message[1024] = "";
	struct archive_counters before, after;
	int rc = GRAPPE_OK;

	if (writer->archive == NULL) {
		writer->expire_at_ns = elapsed_ns() + EXPIRE_STEP_NS;
		return;
	}
	before = *archive_counters(writer->archive);
	rc = archive_expire(
	    writer->archive, writer->options.expire_s, EXPIRE_FILES, message, sizeof message);
	after = *archive_counters(writer->archive);
	writer->expire_at_ns = elapsed_ns() + (rc == GRAPPE_OK ? EXPIRE_ROUND_NS : EXPIRE_STEP_NS);
	if (rc < 0)
		log_complain(&writer->expiry, "archive: expiry: %s", message);
	else
		log_recovered(&writer->expiry, "archive: expiry works again");
	if (after.expired_files != before.expired_files)
		log_info("archive: removed %llu files, %llu receivers not heard of for %lld days",
		    (unsigned long long)(after.expired_files - before.expired_files),
		    (unsigned long long)(after.expired_receivers - before.expired_receivers),
		    (long long)(writer->options.expire_s / 86400));
}

static void *run(void *context)
{
	struct writer *writer = context;
	char message[1024];
	struct item *item;
	bool ended = false;

	if (open_archive(writer, message, sizeof message) != GRAPPE_OK)
		note_failure(writer, NULL, true, message);
	if (writer->options.rrdcached[0] != '\0')
		writer->commit_at_ns =
		    elapsed_ns() + writer->options.commit_ms * CLOCK_MILLISECOND_NS;
	if (writer->options.expire_s > 0)
		writer->expire_at_ns = elapsed_ns() + EXPIRE_STEP_NS;
	for (;;) {
		item = take(writer, &ended);
		if (ended)
			return NULL;
		if (item != NULL)
			try_item(writer, item);
		else if (is_due(writer->commit_at_ns, elapsed_ns()))
			commit(writer);
		else
			expire(writer);
	}
}

/* ---- the other side ---- */

static int set_options(struct writer_options *to, const struct writer_options *from)
{
	*to = *from;
	to->folder = strdup(from->folder);
	to->rrdcached = strdup(from->rrdcached != NULL ? from->rrdcached : "");
	to->commit_ms = to->commit_ms > 0 ? to->commit_ms : COMMIT_MS_DEFAULT;
	to->floor_bytes = to->floor_bytes > 0 ? to->floor_bytes : ARCHIVE_FLOOR_DEFAULT;
	to->queue_pairs = to->queue_pairs > 0 ? to->queue_pairs : QUEUE_PAIRS_DEFAULT;
	to->retry_ms = to->retry_ms > 0 ? to->retry_ms : RETRY_MS_DEFAULT;
	to->patience_ms = to->patience_ms > 0 ? to->patience_ms : PATIENCE_MS_DEFAULT;
	return to->folder != NULL && to->rrdcached != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

static void destroy(struct writer *writer)
{
	pthread_cond_destroy(&writer->wake);
	pthread_mutex_destroy(&writer->lock);
	archive_close(writer->archive);
	free((char *)writer->options.folder);
	free((char *)writer->options.rrdcached);
	free(writer);
}

int writer_new(const struct writer_options *options, struct writer **out)
{
	struct writer *writer = calloc(1, sizeof *writer);
	pthread_condattr_t monotonic;
	char message[256];

	*out = NULL;
	if (writer == NULL)
		return GRAPPE_EMEMORY;
	list_init(&writer->ready);
	list_init(&writer->waiting);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (set_options(&writer->options, options) != GRAPPE_OK) {
		destroy(writer);
		return GRAPPE_EMEMORY;
	}
	if (archive_layout_check(&options->layout, message, sizeof message) != GRAPPE_OK) {
		log_error("archive: %s", message);
		destroy(writer);
		return GRAPPE_EINVALID;
	}
	if (pthread_create(&writer->thread, NULL, run, writer) != 0) {
		destroy(writer);
		return GRAPPE_EIO;
	}
	*out = writer;
	return GRAPPE_OK;
}

int writer_submit(struct writer *writer, struct archive_update *update)
{
	const int64_t now_s = clock_wall_ns() / CLOCK_SECOND_NS;
	const int64_t length = writer->options.layout.length_s;
	struct item *item;
	int rc = GRAPPE_OK;

	if (update->end_s <= 0 || update->end_s % length != 0 || update->end_s > now_s + length)
		return GRAPPE_ERANGE;
	item = calloc(1, sizeof *item);
	if (item == NULL)
		return GRAPPE_ELIMIT;
	*item = (struct item){.update = update, .now_s = now_s};
	pthread_mutex_lock(&writer->lock);
	if (writer->pairs + weight(update) > writer->options.queue_pairs && writer->pairs > 0) {
		rc = GRAPPE_ELIMIT;
	} else {
		writer->pairs += weight(update);
		writer->status.queue++;
		list_append(&writer->ready, item);
		pthread_cond_signal(&writer->wake);
	}
	pthread_mutex_unlock(&writer->lock);
	if (rc != GRAPPE_OK)
		free(item);
	return rc;
}

void writer_get_status(struct writer *writer, struct writer_status *status)
{
	pthread_mutex_lock(&writer->lock);
	*status = writer->status;
	pthread_mutex_unlock(&writer->lock);
}

void writer_free(struct writer *writer, int64_t drain_ms)
{
	size_t left = 0;

	if (writer == NULL)
		return;
	pthread_mutex_lock(&writer->lock);
	writer->stop = true;
	writer->stop_at_ns = elapsed_ns() + drain_ms * CLOCK_MILLISECOND_NS;
	pthread_cond_signal(&writer->wake);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->thread, NULL);
	list_prepend(&writer->ready, &writer->waiting);
	for (struct item *item; (item = list_pop(&writer->ready)) != NULL; left++) {
		archive_update_free(item->update);
		free(item);
	}
	if (left > 0)
		log_warning("archive: %zu periods of receivers were not written at the stop; they "
			    "are asked for again where agents still hold them",
		    left);
	destroy(writer);
}
