/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Posting recommendations to webhooks (doc/webhook.md). Each webhook has a queue of
 * its own on disk, so that a document survives a restart and one dead receiver holds
 * up nobody else. Documents of one webhook go out one at a time, oldest first; a
 * receiver that is down is tried again with growing pauses, one that refuses gets that
 * document no more. A queue is bounded: when it is full, its oldest document is dropped and
 * counted.
 *
 * Life-cycle: publish_new() (resumes what an earlier run left), publish_recommendation() for
 * each new recommendation, publish_free(). One thread, the loop's.
 */
#ifndef GRAPPE_MANAGER_PUBLISH_H
#define GRAPPE_MANAGER_PUBLISH_H

#include "common/settings.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PUBLISH_WEBHOOKS_MAX 16
#define PUBLISH_QUEUE_MAX 64             /* documents waiting for one webhook */
#define PUBLISH_DOCUMENT_MAX (16u << 20) /* bytes of a document */

/* One section `webhook "NAME" { … }` of the configuration. */
struct publish_webhook {
	char *title;        /* name: letters, digits, '.', '_', '-'; also the folder of its queue */
	char *url;          /* http or https */
	char *ca_file;      /* PEM authorities; "": the system's */
	char *token_file;   /* bearer token; "": none */
	int chat;           /* enum chat_template: what is posted */
	int64_t timeout_ms; /* of a whole exchange */
	int64_t connect_timeout_ms;
};

#define PUBLISH_WEBHOOK_NSETTINGS 6
extern const struct setting publish_webhook_settings[PUBLISH_WEBHOOK_NSETTINGS];

/* The section for a program's schema: `type` is the program's struct of values, `member` its struct
 * settings_sections for the webhooks. */
#define PUBLISH_WEBHOOK_SECTION(type, member)                                                      \
	{                                                                                          \
		.name = "webhook",                                                                 \
		.text = "A receiver of each new recommendation, as JSON by HTTP POST.",            \
		.settings = publish_webhook_settings, .nsettings = PUBLISH_WEBHOOK_NSETTINGS,      \
		.size = sizeof(struct publish_webhook), .offset = offsetof(type, member),          \
		.limit = PUBLISH_WEBHOOKS_MAX                                                      \
	}

/* publish_check - what a table cannot say: names fit for a folder, URLs that make sense. For the
 * check function of the program's schema. Returns 0, or GRAPPE_EINVALID with the reason in message.
 */
int publish_check(const struct settings_sections *webhooks, char *message, size_t size);

struct event_base;
struct publisher; /* opaque */

/* Called once for a document, from the loop, when no webhook waits for it any more; delivered:
 * every webhook took it (false: one refused it or dropped it from a full queue). Documents of an
 * earlier run included. A drop from a full queue may call it from inside publish_recommendation().
 */
typedef void publish_settled(const char *id, bool delivered, void *context);

/* publish_new - webhooks: borrowed until publish_free(); folder: of the queues, is created; settled
 * may be NULL. No webhooks at all is fine. Returns 0, or with words in message GRAPPE_EIO,
 * GRAPPE_ELIMIT or GRAPPE_EMEMORY. */
int publish_new(struct event_base *base, const struct settings_sections *webhooks,
    const char *folder, publish_settled *settled, void *context, struct publisher **out,
    char *message, size_t size);
/* publish_free - documents still waiting stay on disk. NULL is allowed. */
void publish_free(struct publisher *publisher);

/* publish_recommendation - puts one document (zero-terminated JSON, doc/recommendation.md) into
 * every queue and starts posting; what is on disk then is not lost by a crash. id: letters, digits,
 * '-', at most PROTOCOL_ID_SIZE - 1. A webhook for which this id still waits is left as it is.
 * Returns 0, GRAPPE_EINVALID (id), GRAPPE_ELIMIT (length), GRAPPE_EIO (errno) or GRAPPE_EMEMORY;
 * after an error it is queued for those webhooks whose queue could be written. */
int publish_recommendation(struct publisher *publisher, const char *id, const char *json);

struct publish_status {
	size_t waiting;     /* documents on disk, over all webhooks */
	uint64_t delivered; /* since publish_new() */
	uint64_t attempts;  /* posts that failed and will be tried again, since publish_new() */
	uint64_t refused;   /* documents given up because the receiver refused them */
	uint64_t dropped;   /* documents given up because a queue was full */
};

void publish_read_status(const struct publisher *publisher, struct publish_status *status);

/* publish_status_json - the member "publish" of the manager's status (doc/protocol.md). A new
 * reference, NULL without memory. */
json_t *publish_status_json(const struct publisher *publisher);

/* publish_drain - runs the loop until nothing waits or limit_ms has passed; for programs that end
 * after one run. Returns 0, GRAPPE_ETIMEOUT (something still waits, on disk) or GRAPPE_EPEER (a
 * receiver refused a document since publish_new()). */
int publish_drain(struct publisher *publisher, int64_t limit_ms);

#endif
