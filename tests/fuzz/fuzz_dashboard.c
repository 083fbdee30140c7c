/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Queues of dashboards from disk, and what cmd.cgi, NRDP and Icinga answer. What a queue gives fits
 * what its formats promise. */
#include "common/error.h"
#include "manager/chat.h"
#include "manager/dashboard_format.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void format_result(const struct dashboard_result *result)
{
	const struct dashboard_result *const all[] = {result};
	char line[DASHBOARD_LINE_MAX + 1];
	char *texts[] = {dashboard_format_cgi(result, "1"), dashboard_format_nrdp(all, 1, "t"),
	    dashboard_format_icinga(result), dashboard_format_json(all, 1),
	    dashboard_format_nsca(result), dashboard_format_chat(all, 1)};

	dashboard_format_fifo(result, line);
	/* One command, one write. */
	must(strchr(line, '\n') == line + strlen(line) - 1);
	must(strchr(texts[4], '\n') == texts[4] + strlen(texts[4]) - 1);
	for (int kind = CHAT_SLACK; kind <= CHAT_ROCKETCHAT; kind++) {
		char *message = chat_message((enum chat_template)kind, texts[5]);

		must(message != NULL);
		free(message);
	}
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		must(texts[i] != NULL);
		free(texts[i]);
	}
}

/* What was accepted is written as it is read. */
static void use_queue(struct dashboard_queue *queue)
{
	char *text = dashboard_queue_format(queue), *again, message[256];
	struct dashboard_queue *copy;
	size_t waiting = 0;

	must(text != NULL);
	must(
	    dashboard_queue_parse(text, strlen(text), &copy, message, sizeof message) == GRAPPE_OK);
	again = dashboard_queue_format(copy);
	must(again != NULL && strcmp(text, again) == 0);
	for (size_t i = 0; i < dashboard_queue_services(copy); i++) {
		struct dashboard_service *service = dashboard_queue_service(copy, i);
		const struct dashboard_result *result;
		int64_t last_ms = 0;

		while ((result = dashboard_queue_oldest(service)) != NULL) {
			must(result->time_ms >= last_ms);
			last_ms = result->time_ms;
			format_result(result);
			must(dashboard_queue_push(copy, result, 0, false) == GRAPPE_OK);
			dashboard_queue_hold(service);
			dashboard_queue_pop(copy, service);
			if (++waiting > 2 * DASHBOARD_QUEUE_CHANGES)
				break;
		}
	}
	dashboard_queue_close(copy);
	free(text);
	free(again);
}

static void judge(const char *body, size_t length)
{
	char reason[64], id[DASHBOARD_FORM_ID_SIZE];
	bool form_refused;

	must(dashboard_judge_cgi(body, &form_refused, reason, sizeof reason) ==
		 DASHBOARD_DELIVERED ||
	     reason[0] != '\0');
	must(dashboard_judge_nrdp(body, length, reason, sizeof reason) == DASHBOARD_DELIVERED ||
	     reason[0] != '\0');
	for (long code = 200; code <= 500; code += 50)
		must(dashboard_judge_icinga(code, body, length, reason, sizeof reason) ==
			 DASHBOARD_DELIVERED ||
		     reason[0] != '\0');
	for (int kind = CHAT_SLACK; kind <= CHAT_ROCKETCHAT; kind++)
		free(chat_post((enum chat_template)kind, body, length));
	must(dashboard_read_form_id(body, id) == (id[0] != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char message[256] = "", *body = malloc(length + 1);
	struct dashboard_queue *queue;

	must(body != NULL);
	memcpy(body, bytes, length);
	body[length] = '\0';
	judge(body, length);
	if (dashboard_queue_parse(body, length, &queue, message, sizeof message) == GRAPPE_OK) {
		use_queue(queue);
		dashboard_queue_close(queue);
	} else {
		must(queue == NULL && message[0] != '\0');
	}
	free(body);
	return 0;
}
