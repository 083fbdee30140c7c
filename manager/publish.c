/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/publish.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/log.h"
#include "common/protocol.h"
#include "common/secret.h"
#include "manager/back_off.h"
#include "manager/chat.h"
#include "manager/http.h"
#include "manager/publish_queue.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX 65536 /* bytes of a receiver's answer that are read */
#define ERROR_SIZE 512

/* One webhook: its queue and the one post under way. */
struct lane {
	struct publisher *publisher;
	const struct publish_webhook *webhook; /* not owned */
	struct publish_queue *queue;
	struct http_exchange *exchange; /* under way, or NULL */
	struct event *wake;             /* end of a pause */
	int64_t pause_ms;               /* the next pause */
	struct log_complaint complaint;
	char error[ERROR_SIZE]; /* of the last post; "" when it went well */
};

/* Fate of a document over all webhooks, kept while one of them still waits. */
struct fate {
	char id[PROTOCOL_ID_SIZE];
	bool failed;
};

struct publisher {
	struct event_base *base; /* not owned */
	struct http_client *http;
	struct lane *lanes;
	size_t nlanes;
	struct fate failed[PUBLISH_QUEUE_MAX * PUBLISH_WEBHOOKS_MAX];
	size_t nfailed;
	publish_settled *settled;
	void *context;
	struct publish_status status; /* without `waiting` */
	int64_t delivered_s;          /* when the last one went out, epoch s; 0 = none */
};

const struct setting publish_webhook_settings[PUBLISH_WEBHOOK_NSETTINGS] = {
    {.key = "url",
	.type = SETTING_TEXT,
	.offset = offsetof(struct publish_webhook, url),
	.text = "Where to post, http or https."},
    {.key = "ca_file",
	.type = SETTING_TEXT,
	.offset = offsetof(struct publish_webhook, ca_file),
	.fallback = "",
	.text = "PEM file of the certificate authorities to trust; empty: those of the system."},
    {.key = "token_file",
	.type = SETTING_TEXT,
	.offset = offsetof(struct publish_webhook, token_file),
	.fallback = "",
	.text = "File with a bearer token, mode 0600; empty: no Authorization header."},
    {.key = "template",
	.type = SETTING_CHOICE,
	.offset = offsetof(struct publish_webhook, chat),
	.fallback = "json",
	.choices = chat_templates,
	.text = "What is posted: the document as json, or a message for a chat tool."},
    {.key = "timeout",
	.type = SETTING_DURATION,
	.offset = offsetof(struct publish_webhook, timeout_ms),
	.fallback = "10s",
	.min = 100,
	.max = 300000,
	.text = "Longest time for one post, from connecting to the whole answer."},
    {.key = "connect_timeout",
	.type = SETTING_DURATION,
	.offset = offsetof(struct publish_webhook, connect_timeout_ms),
	.fallback = "5s",
	.min = 100,
	.max = 300000,
	.text = "Longest time until the connection stands, TLS included."},
};

/* ---- configuration ---- */

int publish_check(const struct settings_sections *webhooks, char *message, size_t size)
{
	const struct publish_webhook *all = webhooks->items;

	for (size_t i = 0; i < webhooks->count; i++) {
		const struct publish_webhook *webhook = &all[i];
		const char *reason;

		if (!file_is_name(webhook->title))
			snprintf(message, size, "webhook \"%s\": a name is " FILE_NAME_RULE,
			    webhook->title);
		else if (!http_check_url(webhook->url, &reason))
			snprintf(message, size, "webhook \"%s\": url %s", webhook->title, reason);
		else if (webhook->token_file[0] != '\0' &&
			 strncasecmp(webhook->url, "https:", 6) != 0)
			snprintf(message, size,
			    "webhook \"%s\": token_file needs an https url, or the token travels "
			    "in "
			    "the clear",
			    webhook->title);
		else
			continue;
		return GRAPPE_EINVALID;
	}
	return GRAPPE_OK;
}

/* ---- what becomes of a document ---- */

static bool is_waiting(const struct publisher *publisher, const char *id)
{
	for (size_t i = 0; i < publisher->nlanes; i++)
		if (publish_queue_has(publisher->lanes[i].queue, id))
			return true;
	return false;
}

static struct fate *find_failed(struct publisher *publisher, const char *id)
{
	for (size_t i = 0; i < publisher->nfailed; i++)
		if (strcmp(publisher->failed[i].id, id) == 0)
			return &publisher->failed[i];
	return NULL;
}

/* One webhook has done with a document, well or not. */
static void settle(struct publisher *publisher, const char *id, bool delivered)
{
	struct fate *fate = find_failed(publisher, id);

	if (is_waiting(publisher, id)) {
		if (!delivered && fate == NULL &&
		    publisher->nfailed < sizeof publisher->failed / sizeof *publisher->failed)
			snprintf(
			    publisher->failed[publisher->nfailed++].id, PROTOCOL_ID_SIZE, "%s", id);
		return;
	}
	if (fate != NULL) {
		delivered = false;
		*fate = publisher->failed[--publisher->nfailed];
	}
	if (publisher->settled != NULL)
		publisher->settled(id, delivered, publisher->context);
}

static void remove_oldest(struct lane *lane, bool delivered)
{
	char id[PROTOCOL_ID_SIZE];

	snprintf(id, sizeof id, "%s", publish_queue_id(lane->queue, 0));
	if (publish_queue_pop(lane->queue) == GRAPPE_EIO)
		log_warning(
		    "webhook %s: cannot remove recommendation %s from its queue: %s; it will "
		    "be posted again after a restart",
		    lane->webhook->title, id, strerror(errno));
	settle(lane->publisher, id, delivered);
}

/* ---- posting ---- */

static void post_next(struct lane *lane);

static void wake_after(struct lane *lane, int64_t milliseconds)
{
	const struct timeval delay = {milliseconds / 1000, (milliseconds % 1000) * 1000};

	event_add(lane->wake, &delay);
}

static void pause_lane(struct lane *lane, const char *reason)
{
	lane->publisher->status.attempts++;
	snprintf(lane->error, sizeof lane->error, "%s", reason);
	log_complain(&lane->complaint,
	    "webhook %s: cannot post recommendation %s to %s: %s; trying again in %lld s, %zu "
	    "waiting",
	    lane->webhook->title, publish_queue_id(lane->queue, 0), lane->webhook->url, reason,
	    (long long)(lane->pause_ms / 1000), publish_queue_count(lane->queue));
	wake_after(lane, lane->pause_ms);
	lane->pause_ms = back_off_next(lane->pause_ms, BACK_OFF_LAST_MS);
}

static void give_up(struct lane *lane, const char *reason)
{
	lane->publisher->status.refused++;
	snprintf(lane->error, sizeof lane->error, "%s", reason);
	log_error("webhook %s: recommendation %s is given up, %s: %s", lane->webhook->title,
	    publish_queue_id(lane->queue, 0), lane->webhook->url, reason);
	remove_oldest(lane, false);
}

static void on_posted(const struct http_result *result, void *context)
{
	struct lane *lane = context;

	lane->exchange = NULL;
	if (result->verdict == HTTP_AGAIN) {
		pause_lane(lane, result->reason);
		return;
	}
	lane->pause_ms = BACK_OFF_FIRST_MS;
	if (result->verdict == HTTP_REFUSED) {
		give_up(lane, result->reason);
	} else {
		lane->error[0] = '\0';
		lane->publisher->status.delivered++;
		lane->publisher->delivered_s = clock_wall_ns() / CLOCK_SECOND_NS;
		log_recovered(&lane->complaint, "webhook %s: posting to %s works again",
		    lane->webhook->title, lane->webhook->url);
		log_info("webhook %s: posted recommendation %s", lane->webhook->title,
		    publish_queue_id(lane->queue, 0));
		remove_oldest(lane, true);
	}
	wake_after(lane, 0);
}

/* The document, or a message made of it: then *message is to be freed. Returns false when it says
 * nothing that a message could tell. */
static bool make_body(
    const struct lane *lane, const struct buffer *document, char **message, struct buffer *body)
{
	*message = NULL;
	*body = *document;
	if (lane->webhook->chat == CHAT_JSON)
		return true;
	*message = chat_post((enum chat_template)lane->webhook->chat, (const char *)document->bytes,
	    document->length);
	if (*message == NULL)
		return false;
	*body = (struct buffer){.bytes = (uint8_t *)*message, .length = strlen(*message)};
	return true;
}

static int send_document(struct lane *lane, const struct buffer *document, const char *token)
{
	const struct publish_webhook *webhook = lane->webhook;
	char id_line[PROTOCOL_ID_SIZE + 32];
	const char *const headers[] = {
	    "Content-Type: application/json", "Accept: */*", id_line, NULL};
	struct http_request request = {.url = webhook->url,
	    .ca_file = webhook->ca_file,
	    .token = token,
	    .headers = headers,
	    .connect_ms = webhook->connect_timeout_ms,
	    .total_ms = webhook->timeout_ms,
	    .answer_max = ANSWER_MAX};
	struct buffer body;
	char *message;
	int rc;

	if (!make_body(lane, document, &message, &body))
		return GRAPPE_EFORMAT;
	request.body = body.bytes;
	request.length = body.length;

	snprintf(
	    id_line, sizeof id_line, "Grappe-Recommendation: %s", publish_queue_id(lane->queue, 0));
	rc = http_send(lane->publisher->http, &request, on_posted, lane, &lane->exchange);
	free(message);
	return rc;
}

/* Reads the oldest document; one that is gone or no use is given up. Returns true when it is there.
 */
static bool read_oldest(struct lane *lane, struct buffer *document)
{
	const int rc = publish_queue_read(lane->queue, PUBLISH_DOCUMENT_MAX, document);
	const int saved = errno;
	char reason[ERROR_SIZE];

	if (rc == GRAPPE_OK && document->length > 0)
		return true;
	snprintf(reason, sizeof reason, "its file in the queue cannot be used: %s",
	    rc == GRAPPE_EIO  ? strerror(saved)
	    : rc == GRAPPE_OK ? "it is empty"
			      : error_text(rc));
	if (rc == GRAPPE_EMEMORY || (rc == GRAPPE_EIO && saved != ENOENT)) {
		pause_lane(lane, reason);
	} else {
		give_up(lane, reason);
		wake_after(lane, 0);
	}
	return false;
}

static void post_next(struct lane *lane)
{
	char token[SECRET_SIZE] = "", reason[ERROR_SIZE];
	struct buffer document;
	int rc = GRAPPE_OK;

	if (lane->exchange != NULL || publish_queue_count(lane->queue) == 0)
		return;
	if (lane->webhook->token_file[0] != '\0')
		rc = secret_read_token(lane->webhook->token_file, token, reason, sizeof reason);
	if (rc != GRAPPE_OK) {
		pause_lane(lane, reason);
		return;
	}
	if (read_oldest(lane, &document)) {
		rc = send_document(lane, &document, token);
		if (rc == GRAPPE_EMEMORY)
			pause_lane(lane, error_text(rc));
		else if (rc != GRAPPE_OK) {
			give_up(lane, error_text(rc));
			wake_after(lane, 0);
		}
	}
	memset(token, 0, sizeof token);
	buffer_deinit(&document);
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	post_next(context);
}

/* ---- life-cycle ---- */

static int open_lane(struct publisher *publisher, struct lane *lane,
    const struct publish_webhook *webhook, const char *folder, char *message, size_t size)
{
	char path[PATH_MAX];
	int rc;

	lane->publisher = publisher;
	lane->webhook = webhook;
	lane->pause_ms = BACK_OFF_FIRST_MS;
	if (snprintf(path, sizeof path, "%s/%s", folder, webhook->title) >= (int)sizeof path) {
		snprintf(message, size, "queue folder %s: too long a name", folder);
		return GRAPPE_ELIMIT;
	}
	lane->wake = evtimer_new(publisher->base, on_wake, lane);
	rc = lane->wake == NULL ? GRAPPE_EMEMORY
				: publish_queue_open(path, PUBLISH_QUEUE_MAX, &lane->queue);
	if (rc != GRAPPE_OK) {
		snprintf(message, size, "queue folder %s: %s", path,
		    rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
		return rc;
	}
	if (publish_queue_count(lane->queue) > 0) {
		log_info("webhook %s: %zu recommendations wait from an earlier run", webhook->title,
		    publish_queue_count(lane->queue));
		wake_after(lane, 0);
	}
	return GRAPPE_OK;
}

int publish_new(struct event_base *base, const struct settings_sections *webhooks,
    const char *folder, publish_settled *settled, void *context, struct publisher **out,
    char *message, size_t size)
{
	const struct publish_webhook *all = webhooks->items;
	struct publisher *publisher = calloc(1, sizeof *publisher);
	int rc;

	*out = NULL;
	if (publisher == NULL || http_client_new(base, &publisher->http) != GRAPPE_OK) {
		free(publisher);
		snprintf(message, size, "%s", error_text(GRAPPE_EMEMORY));
		return GRAPPE_EMEMORY;
	}
	publisher->base = base;
	publisher->settled = settled;
	publisher->context = context;
	publisher->lanes = calloc(webhooks->count + 1, sizeof *publisher->lanes);
	rc = publisher->lanes == NULL                 ? GRAPPE_EMEMORY
	     : webhooks->count > PUBLISH_WEBHOOKS_MAX ? GRAPPE_ELIMIT
						      : GRAPPE_OK;
	snprintf(message, size, "webhooks: %s", error_text(rc));
	for (size_t i = 0; rc == GRAPPE_OK && i < webhooks->count; i++)
		rc = open_lane(publisher, &publisher->lanes[publisher->nlanes++], &all[i], folder,
		    message, size);
	if (rc != GRAPPE_OK) {
		publish_free(publisher);
		return rc;
	}
	*out = publisher;
	return GRAPPE_OK;
}

void publish_free(struct publisher *publisher)
{
	if (publisher == NULL)
		return;
	for (size_t i = 0; i < publisher->nlanes; i++) {
		struct lane *lane = &publisher->lanes[i];

		http_cancel(lane->exchange);
		if (lane->wake != NULL)
			event_free(lane->wake);
		publish_queue_close(lane->queue);
	}
	http_client_free(publisher->http);
	free(publisher->lanes);
	free(publisher);
}

/* ---- documents ---- */

/* Makes room for one more. A post under way is cancelled, or its answer would remove another one.
 */
static void drop_oldest(struct lane *lane)
{
	http_cancel(lane->exchange);
	lane->exchange = NULL;
	lane->publisher->status.dropped++;
	log_warning(
	    "webhook %s: %zu recommendations wait, the most there may be; the oldest, %s, is "
	    "dropped unposted",
	    lane->webhook->title, publish_queue_count(lane->queue),
	    publish_queue_id(lane->queue, 0));
	remove_oldest(lane, false);
}

static int enqueue(struct lane *lane, const char *id, const char *json, size_t length)
{
	int rc;

	if (publish_queue_has(lane->queue, id))
		return GRAPPE_OK;
	if (publish_queue_is_full(lane->queue))
		drop_oldest(lane);
	rc = publish_queue_push(lane->queue, id, json, length);
	if (lane->exchange == NULL && !evtimer_pending(lane->wake, NULL))
		wake_after(lane, 0);
	return rc;
}

int publish_recommendation(struct publisher *publisher, const char *id, const char *json)
{
	const size_t length = strlen(json);
	int rc = GRAPPE_OK, saved = 0;

	if (!publish_queue_check_id(id))
		return GRAPPE_EINVALID;
	if (length == 0 || length > PUBLISH_DOCUMENT_MAX)
		return GRAPPE_ELIMIT;
	for (size_t i = 0; i < publisher->nlanes; i++) {
		const int lane_rc = enqueue(&publisher->lanes[i], id, json, length);

		if (lane_rc != GRAPPE_OK) {
			rc = lane_rc;
			saved = errno;
		}
	}
	errno = saved;
	return rc;
}

/* ---- how it goes ---- */

void publish_read_status(const struct publisher *publisher, struct publish_status *status)
{
	*status = publisher->status;
	status->waiting = 0;
	for (size_t i = 0; i < publisher->nlanes; i++)
		status->waiting += publish_queue_count(publisher->lanes[i].queue);
}

json_t *publish_status_json(const struct publisher *publisher)
{
	struct publish_status status;
	json_t *all = json_array(), *object;

	for (size_t i = 0; all != NULL && i < publisher->nlanes; i++) {
		const struct lane *lane = &publisher->lanes[i];

		json_array_append_new(
		    all, json_pack("{s:s, s:I, s:s}", "name", lane->webhook->title, "waiting",
			     (json_int_t)publish_queue_count(lane->queue), "error", lane->error));
	}
	publish_read_status(publisher, &status);
	object = json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "waiting", (json_int_t)status.waiting,
	    "delivered", (json_int_t)status.delivered, "refused", (json_int_t)status.refused,
	    "dropped", (json_int_t)status.dropped, "delivered_time",
	    (json_int_t)publisher->delivered_s, "webhooks", all);
	return object;
}

static void on_drain_limit(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	*(bool *)context = true;
}

int publish_drain(struct publisher *publisher, int64_t limit_ms)
{
	const struct timeval limit = {limit_ms / 1000, (limit_ms % 1000) * 1000};
	struct publish_status status;
	bool over = false;
	struct event *timer = evtimer_new(publisher->base, on_drain_limit, &over);

	if (timer == NULL || event_add(timer, &limit) != 0) {
		if (timer != NULL)
			event_free(timer);
		return GRAPPE_EMEMORY;
	}
	for (;;) {
		publish_read_status(publisher, &status);
		if (status.waiting == 0 || over)
			break;
		if (event_base_loop(publisher->base, EVLOOP_ONCE) != 0 ||
		    event_base_got_break(publisher->base) || event_base_got_exit(publisher->base))
			break;
	}
	event_free(timer);
	return status.waiting > 0 ? GRAPPE_ETIMEOUT : status.refused > 0 ? GRAPPE_EPEER : GRAPPE_OK;
}
