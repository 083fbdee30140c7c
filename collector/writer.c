/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/writer.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define QUEUE_PAIRS_DEFAULT 500000
#define RETRY_MS_DEFAULT 5000
#define PATIENCE_MS_DEFAULT 600000

/* A period that waits. */
struct item {
	struct item *next;
	struct archive_update *update; /* owned */
	int64_t now_s;		       /* wall time of the submission */
	int64_t retry_at_ns;	       /* monotonic; 0: not tried yet */
	int64_t first_failure_ns;      /* monotonic; 0: none */
};

struct writer {
	struct writer_options options; /* folder owned */
	pthread_t thread;
	struct archive *archive;       /* of the thread; NULL until the folder can be written */
	struct log_complaint complaint; /* of the thread */

	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t wake;
	struct item *first, **last; /* in order of submission */
	size_t pairs;		    /* weight of the queue */
	bool stop;
	int64_t stop_at_ns; /* with stop: monotonic end of draining */
	struct writer_status status;
};

static size_t weight(const struct archive_update *update)
{
	return update->nsenders + 1;
}

/* ---- the thread ---- */

static int64_t elapsed_ns(void)
{
	struct timespec now;

	/* Waiting is real, whatever clock a test shows to the rest. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * CLOCK_SECOND_NS + now.tv_nsec;
}

/* The first item that may be tried now: not one whose retry is not due, and none of a receiver that has an earlier one
 * waiting. *wait_ns: until the next retry is due. */
static struct item **pick(struct writer *writer, int64_t now_ns, int64_t *wait_ns)
{
	*wait_ns = INT64_MAX;
	for (struct item **at = &writer->first; *at != NULL; at = &(*at)->next) {
		bool behind = false;

		if ((*at)->retry_at_ns > now_ns) {
			if ((*at)->retry_at_ns - now_ns < *wait_ns)
				*wait_ns = (*at)->retry_at_ns - now_ns;
			continue;
		}
		for (struct item *before = writer->first; before != *at && *wait_ns != INT64_MAX && !behind;
		     before = before->next)
			behind = strcmp(before->update->receiver, (*at)->update->receiver) == 0;
		if (!behind)
			return at;
	}
	return NULL;
}

/* Waits for something to do and takes it off the queue. NULL: the end. */
static struct item *take(struct writer *writer)
{
	struct item *item = NULL;

	pthread_mutex_lock(&writer->lock);
	for (;;) {
		const int64_t now_ns = elapsed_ns();
		int64_t wait_ns;
		struct item **at = pick(writer, now_ns, &wait_ns);

		if (writer->stop && (writer->first == NULL || now_ns >= writer->stop_at_ns))
			break;
		if (at != NULL) {
			item = *at;
			*at = item->next;
			if (item->next == NULL)
				writer->last = at;
			break;
		}
		if (writer->stop && writer->stop_at_ns - now_ns < wait_ns)
			wait_ns = writer->stop_at_ns - now_ns;
		if (wait_ns == INT64_MAX) {
			pthread_cond_wait(&writer->wake, &writer->lock);
		} else {
			const int64_t until_ns = now_ns + wait_ns;
			const struct timespec until = {
			    until_ns / CLOCK_SECOND_NS, until_ns % CLOCK_SECOND_NS};

			pthread_cond_timedwait(&writer->wake, &writer->lock, &until);
		}
	}
	pthread_mutex_unlock(&writer->lock);
	return item;
}

/* Back to the front of the queue: it is older than what waits of its receiver. */
static void put_back(struct writer *writer, struct item *item)
{
	pthread_mutex_lock(&writer->lock);
	item->next = writer->first;
	writer->first = item;
	if (item->next == NULL)
		writer->last = &item->next;
	pthread_mutex_unlock(&writer->lock);
}

static void drop(struct writer *writer, struct item *item, bool lost)
{
	pthread_mutex_lock(&writer->lock);
	writer->pairs -= weight(item->update);
	writer->status.queue--;
	writer->status.lost += lost;
	pthread_mutex_unlock(&writer->lock);
	archive_update_free(item->update);
	free(item);
}

static void note(struct writer *writer, int rc, int64_t end_s, const char *message)
{
	struct writer_status *status = &writer->status;

	pthread_mutex_lock(&writer->lock);
	status->failing = rc != GRAPPE_OK;
	snprintf(status->error, sizeof status->error, "%s", rc != GRAPPE_OK ? message : "");
	status->failures += rc != GRAPPE_OK;
	if (rc == GRAPPE_OK && end_s > status->written_end_s)
		status->written_end_s = end_s;
	if (writer->archive != NULL)
		status->counters = *archive_counters(writer->archive);
	pthread_mutex_unlock(&writer->lock);
	if (rc != GRAPPE_OK)
		log_complain(&writer->complaint, "archive: %s", message);
	else if (message[0] != '\0')
		log_warning("archive: %s", message);
}

static int open_archive(struct writer *writer, char *message, size_t size)
{
	int rc = archive_open(writer->options.folder, &writer->options.layout,
	    writer->options.floor_bytes, &writer->archive, message, size);

	if (rc == GRAPPE_OK && archive_counters(writer->archive)->recovered > 0)
		log_info("archive: finished the period that was being written at the last stop");
	if (rc == GRAPPE_OK && message[0] != '\0')
		log_warning("archive: %s", message);
	message[rc == GRAPPE_OK ? 0 : strlen(message)] = '\0';
	return rc;
}

static void try_item(struct writer *writer, struct item *item)
{
	const int64_t now_ns = elapsed_ns();
	const bool give_up = item->first_failure_ns != 0 &&
			     now_ns - item->first_failure_ns >=
				 writer->options.patience_ms * CLOCK_MILLISECOND_NS;
	char message[1024] = "";
	int rc = GRAPPE_OK;

	if (writer->archive == NULL)
		rc = open_archive(writer, message, sizeof message);
	if (rc == GRAPPE_OK)
		rc = archive_write(
		    writer->archive, item->update, item->now_s, give_up, message, sizeof message);
	note(writer, rc, item->update->end_s, message);
	if (rc == GRAPPE_OK) {
		log_recovered(&writer->complaint, "archive: periods are written again");
		drop(writer, item, false);
	} else if (give_up || rc == GRAPPE_EINVALID || rc == GRAPPE_ERANGE ||
		   rc == GRAPPE_EUNSUPPORTED) {
		drop(writer, item, true);
	} else {
		if (item->first_failure_ns == 0)
			item->first_failure_ns = now_ns;
		item->retry_at_ns =
		    elapsed_ns() + writer->options.retry_ms * CLOCK_MILLISECOND_NS;
		put_back(writer, item);
	}
}

static void *run(void *context)
{
	struct writer *writer = context;
	char message[1024];
	struct item *item;
	const int rc = open_archive(writer, message, sizeof message);

	if (rc != GRAPPE_OK)
		note(writer, rc, 0, message);
	while ((item = take(writer)) != NULL)
		try_item(writer, item);
	return NULL;
}

/* ---- the other side ---- */

static void set_options(struct writer_options *to, const struct writer_options *from, char *folder)
{
	*to = *from;
	to->folder = folder;
	to->floor_bytes = to->floor_bytes > 0 ? to->floor_bytes : ARCHIVE_FLOOR_DEFAULT;
	to->queue_pairs = to->queue_pairs > 0 ? to->queue_pairs : QUEUE_PAIRS_DEFAULT;
	to->retry_ms = to->retry_ms > 0 ? to->retry_ms : RETRY_MS_DEFAULT;
	to->patience_ms = to->patience_ms > 0 ? to->patience_ms : PATIENCE_MS_DEFAULT;
}

static void destroy(struct writer *writer)
{
	pthread_cond_destroy(&writer->wake);
	pthread_mutex_destroy(&writer->lock);
	archive_close(writer->archive);
	free((char *)writer->options.folder);
	free(writer);
}

int writer_new(const struct writer_options *options, struct writer **out)
{
	struct writer *writer = calloc(1, sizeof *writer);
	char *folder = strdup(options->folder), message[256];
	pthread_condattr_t monotonic;

	*out = NULL;
	if (writer == NULL || folder == NULL) {
		free(writer);
		free(folder);
		return GRAPPE_EMEMORY;
	}
	set_options(&writer->options, options, folder);
	writer->last = &writer->first;
	pthread_mutex_init(&writer->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
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
	if (writer->pairs + weight(update) > writer->options.queue_pairs && writer->first != NULL) {
		rc = GRAPPE_ELIMIT;
	} else {
		writer->pairs += weight(update);
		writer->status.queue++;
		*writer->last = item;
		writer->last = &item->next;
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
	while (writer->first != NULL) {
		struct item *item = writer->first;

		writer->first = item->next;
		archive_update_free(item->update);
		free(item);
		left++;
	}
	if (left > 0)
		log_warning("archive: %zu periods of receivers were not written at the stop; they "
			    "are asked for again where agents still hold them",
		    left);
	destroy(writer);
}
