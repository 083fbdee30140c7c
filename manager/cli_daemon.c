/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grappe status, history and approve: what the running manager says. */
#include "manager/cli.h"

#include "common/error.h"
#include "common/program.h"
#include "common/protocol.h"
#include "manager/manager_settings.h"
#include "manager/recommendation.h"
#include "manager/report.h"

#include <stdlib.h>
#include <time.h>

#define ANSWER_MS 15000

struct question {
	const char *name, *summary, *operands;
	enum protocol_op op;
	int noperands;
	int (*print)(
	    const struct question *question, const struct protocol_reply *reply, int format);
};

static const char *time_text(int64_t epoch_s, char out[40])
{
	const time_t seconds = (time_t)epoch_s;
	struct tm parts;

	if (epoch_s <= 0 || gmtime_r(&seconds, &parts) == NULL ||
	    strftime(out, 40, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
		snprintf(out, 40, "never");
	return out;
}

static const char *string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static void print_json(const json_t *data)
{
	json_dumpf(data, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12) | JSON_ENCODE_ANY);
	putchar('\n');
}

static int print_document(const struct question *question, const json_t *document)
{
	char message[256];

	if (json_is_null(document)) {
		puts("recommendation  none yet");
		return GRAPPE_OK;
	}
	if (json_object_get(document, "groups") == NULL && json_is_object(document))
		json_object_set_new(
		    (json_t *)document, "groups", json_array()); /* left out: too long */
	if (recommendation_check(document, message, sizeof message) != GRAPPE_OK) {
		fprintf(stderr, "%s: the manager's recommendation makes no sense: %s\n",
		    question->name, message);
		return GRAPPE_EFORMAT;
	}
	report_print(document, stdout);
	return GRAPPE_OK;
}

static int print_status(
    const struct question *question, const struct protocol_reply *reply, int format)
{
	const json_t *data = reply->answer.data, *input = json_object_get(data, "input");
	char last[40], to[40];

	if (format == CLI_JSON) {
		print_json(data);
		return GRAPPE_OK;
	}
	printf("manager         %s %s, last plan %s\n", string(data, "program"),
	    string(data, "version"),
	    time_text(json_integer_value(json_object_get(data, "last_run")), last));
	printf("input           %s, up to %s%s%s\n", string(input, "state"),
	    time_text(json_integer_value(json_object_get(input, "to")), to),
	    string(input, "error")[0] != '\0' ? ": " : "", string(input, "error"));
	return print_document(question, json_object_get(data, "recommendation"));
}

static int print_approved(
    const struct question *question, const struct protocol_reply *reply, int format)
{
	(void)question;
	if (format == CLI_JSON)
		print_json(reply->answer.data);
	else
		printf("recommendation %s is %s\n", string(reply->answer.data, "id"),
		    string(reply->answer.data, "state"));
	return GRAPPE_OK;
}

static int print_history(
    const struct question *question, const struct protocol_reply *reply, int format)
{
	json_t *rows = json_array();
	char time[40];

	(void)question;
	for (size_t row = 0; row < reply->nrows && reply->ncolumns == 4; row++) {
		const char *fields[4];
		const int64_t epoch_s = strtoll(protocol_reply_field(reply, row, 0), NULL, 10);

		for (size_t k = 1; k < 4; k++)
			fields[k] = protocol_reply_field(reply, row, k);
		if (format == CLI_JSON)
			json_array_append_new(
			    rows, json_pack("{s:I, s:s, s:s, s:s}", "time", (json_int_t)epoch_s,
				      "id", fields[1], "event", fields[2], "text", fields[3]));
		else
			printf("%s  %-10s  %s  %s\n", time_text(epoch_s, time), fields[2],
			    fields[1], fields[3]);
	}
	if (format == CLI_JSON)
		print_json(rows);
	json_decref(rows);
	return GRAPPE_OK;
}

static int ask(const struct question *question, const char *socket, const char *id, int format)
{
	struct protocol_request request = {.op = question->op};
	struct protocol_reply reply;
	int rc;

	snprintf(request.id, sizeof request.id, "%s", id);
	rc = protocol_call(socket, &request, ANSWER_MS, &reply);
	if (rc != GRAPPE_OK)
		fprintf(stderr, "%s: manager at %s: %s\n", question->name, socket, error_text(rc));
	else if (reply.answer.status != STATUS_OK)
		fprintf(stderr, "%s: %s\n", question->name, reply.answer.error);
	if (rc == GRAPPE_OK)
		rc = reply.answer.status == STATUS_OK ? question->print(question, &reply, format)
						      : GRAPPE_EPEER;
	protocol_reply_deinit(&reply);
	return rc == GRAPPE_OK ? cli_finish(question->name, EXIT_SUCCESS) : EXIT_FAILURE;
}

static int check_operands(const struct question *question, int count)
{
	if (count == question->noperands)
		return GRAPPE_OK;
	fprintf(stderr, "%s: usage: %s [OPTION]... %s\n", question->name, question->name,
	    question->operands);
	return GRAPPE_EINVALID;
}

static int run_question(const struct question *question, int argc, char **argv)
{
	struct manager_settings settings = {0};
	const char *socket = NULL, *format_text = NULL;
	const struct program_option table[] = {
	    {'s', "socket", "SOCKET", "ask the manager at this socket", &socket},
	    {'f', "format", "FORMAT", "text or json", &format_text},
	};
	const struct program program = {
	    .name = question->name,
	    .summary = question->summary,
	    .operands = question->operands,
	    .default_config = MANAGER_CONFIG,
	    .schema = &manager_settings_schema,
	    .options = table,
	    .noptions = SETTINGS_COUNT(table),
	};
	int operand, exit_code, format = CLI_TEXT;

	if (!program_start(&program, argc, argv, &settings, &operand, &exit_code))
		return exit_code;
	if (format_text != NULL)
		format = cli_choose(question->name, "format", format_text, cli_formats);
	exit_code = EXIT_FAILURE;
	if (format >= 0 && check_operands(question, argc - operand) == GRAPPE_OK)
		exit_code = ask(question, socket != NULL ? socket : settings.socket,
		    question->noperands > 0 ? argv[operand] : "", format);
	settings_free(&manager_settings_schema, &settings);
	return exit_code;
}

int cli_status(int argc, char **argv)
{
	static const struct question question = {"grappe status",
	    "print how the manager is doing and its current recommendation", "", OP_STATUS, 0,
	    print_status};

	return run_question(&question, argc, argv);
}

int cli_history(int argc, char **argv)
{
	static const struct question question = {"grappe history",
	    "print what happened to recommendations", "", OP_HISTORY, 0, print_history};

	return run_question(&question, argc, argv);
}

int cli_approve(int argc, char **argv)
{
	static const struct question question = {"grappe approve",
	    "approve the pending recommendation", "ID", OP_APPROVE, 1, print_approved};

	return run_question(&question, argc, argv);
}
