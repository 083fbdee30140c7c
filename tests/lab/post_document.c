/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Posts documents through manager/publish, as the manager does, for the lab test of webhooks.
 *
 *     post_document QUEUE URL CA_FILE TOKEN_FILE MILLISECONDS [ID FILE]...
 *
 * CA_FILE and TOKEN_FILE may be "". Ends with 0 when nothing waits any more, 1 when a receiver
 * refused something, 2 when something still waits after MILLISECONDS, 3 on other errors. Without
 * documents it goes on with what the queue holds.
 */
#include "common/error.h"
#include "common/file.h"
#include "common/log.h"
#include "manager/publish.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

static int queue_documents(struct publisher *publisher, int count, char **words)
{
	for (int i = 0; i + 1 < count; i += 2) {
		struct buffer document;
		int rc = file_read(words[i + 1], PUBLISH_DOCUMENT_MAX, &document);

		buffer_put_u8(&document, 0);
		if (rc == GRAPPE_OK)
			rc = publish_recommendation(
			    publisher, words[i], (const char *)document.bytes);
		buffer_deinit(&document);
		if (rc != GRAPPE_OK) {
			log_error("%s: %s", words[i + 1], error_text(rc));
			return rc;
		}
	}
	return GRAPPE_OK;
}

int main(int argc, char **argv)
{
	struct publish_webhook hook = {
	    .title = (char *)"noc", .timeout_ms = 3000, .connect_timeout_ms = 1000};
	const struct settings_sections hooks = {.items = &hook, .count = 1};
	struct event_base *base = event_base_new();
	struct publisher *publisher;
	char message[512];
	int rc;

	log_open("post_document", LOG_LEVEL_INFO);
	if (argc < 6 || base == NULL)
		return 3;
	hook.url = argv[2];
	hook.ca_file = argv[3];
	hook.token_file = argv[4];
	if (publish_check(&hooks, message, sizeof message) != GRAPPE_OK ||
	    publish_new(base, &hooks, argv[1], NULL, NULL, &publisher, message, sizeof message) !=
		GRAPPE_OK) {
		log_error("%s", message);
		return 3;
	}
	rc = queue_documents(publisher, argc - 6, argv + 6);
	if (rc == GRAPPE_OK)
		rc = publish_drain(publisher, strtol(argv[5], NULL, 10));
	publish_free(publisher);
	event_base_free(base);
	return rc == GRAPPE_OK ? 0 : rc == GRAPPE_EPEER ? 1 : rc == GRAPPE_ETIMEOUT ? 2 : 3;
}
