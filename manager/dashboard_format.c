/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/dashboard_format.h"

#include "common/buffer.h"
#include "common/error.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_SOURCE "grappe-manager"
#define CUT_MARK "\\n(more lines were left out)"
#define SAID_MAX 200 /* bytes of somebody's answer that are repeated */

/* ---- texts that grow ---- */

static void put(struct buffer *buffer, const char *text)
{
	buffer_put(buffer, text, strlen(text));
}

static char *take_text(struct buffer *buffer)
{
	buffer_put_u8(buffer, 0);
	if (buffer->error == GRAPPE_OK)
		return (char *)buffer->bytes;
	buffer_deinit(buffer);
	return NULL;
}

/* application/x-www-form-urlencoded, WHATWG URL standard. */
static void put_field(struct buffer *buffer, const char *name, const char *value)
{
	char code[4];

	if (buffer->length > 0)
		put(buffer, "&");
	put(buffer, name);
	put(buffer, "=");
	for (const char *c = value; *c != '\0'; c++) {
		if (isalnum((unsigned char)*c) || strchr("-._", *c) != NULL)
			buffer_put_u8(buffer, (uint8_t)*c);
		else {
			snprintf(code, sizeof code, "%%%02X", (unsigned char)*c);
			put(buffer, code);
		}
	}
}

/* The details with each end of a line as backslash and n, for readers of single lines. Returns
 * whether everything fitted into size - 1 bytes; whole lines only. */
static bool escape_details(const char *details, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	while (*details != '\0') {
		const size_t length = strcspn(details, "\n");

		if (n + length + 3 > size)
			return false;
		n += (size_t)snprintf(out + n, size - n, "\\n%.*s", (int)length, details);
		details += length + (details[length] == '\n' ? 1 : 0);
	}
	return true;
}

/* ---- what is sent ---- */

void dashboard_format_fifo(const struct dashboard_result *result, char line[DASHBOARD_LINE_MAX + 1])
{
	const size_t size = DASHBOARD_LINE_MAX + 1;
	size_t n = (size_t)snprintf(line, size,
	    "[%" PRId64 "] PROCESS_SERVICE_CHECK_RESULT;%s;%s;%d;%s|%s", result->time_ms / 1000,
	    result->host, result->service, (int)result->level, result->text, result->perfdata);
	const size_t room = size - 1 - strlen(CUT_MARK);

	if (!escape_details(result->details, line + n, room - n))
		snprintf(line + strlen(line), size - strlen(line), "%s", CUT_MARK);
	n = strlen(line);
	line[n] = '\n';
	line[n + 1] = '\0';
}

char *dashboard_format_cgi(const struct dashboard_result *result, const char *form_id)
{
	char output[DASHBOARD_FIELD_MAX + 1], number[16];
	struct buffer form;
	size_t n;

	n = (size_t)snprintf(output, sizeof output, "%s", result->text);
	if (!escape_details(result->details, output + n, sizeof output - strlen(CUT_MARK) - n))
		snprintf(output + strlen(output), sizeof output - strlen(output), "%s", CUT_MARK);
	buffer_init(&form);
	put_field(&form, "cmd_typ", "30"); /* PROCESS_SERVICE_CHECK_RESULT */
	put_field(&form, "cmd_mod", "2");  /* commit */
	put_field(&form, "nagFormId", form_id);
	put_field(&form, "host", result->host);
	put_field(&form, "service", result->service);
	snprintf(number, sizeof number, "%d", (int)result->level);
	put_field(&form, "plugin_state", number);
	put_field(&form, "plugin_output", output);
	put_field(&form, "performance_data", result->perfdata);
	put_field(&form, "btnSubmit", "Commit");
	return take_text(&form);
}

static json_t *nrdp_json(const struct dashboard_result *result)
{
	char number[16];

	snprintf(number, sizeof number, "%d", (int)result->level);
	return json_pack("{s:{s:s, s:s}, s:s, s:s, s:s, s:o}", "checkresult", "type", "service",
	    "checktype", "1", "hostname", result->host, "servicename", result->service, "state",
	    number, "output",
	    json_sprintf("%s|%s%s%s", result->text, result->perfdata,
		result->details[0] != '\0' ? "\n" : "", result->details));
}

char *dashboard_format_nrdp(
    const struct dashboard_result *const *results, size_t count, const char *token)
{
	json_t *list = json_array(), *document;
	struct buffer form;
	char *json;

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, nrdp_json(results[i]));
	document = json_pack("{s:o}", "checkresults", list);
	json = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
	json_decref(document);
	if (json == NULL)
		return NULL;
	buffer_init(&form);
	put_field(&form, "token", token);
	put_field(&form, "cmd", "submitcheck");
	put_field(&form, "json", json);
	free(json);
	return take_text(&form);
}

/* "a=1 b=2" as a list of texts. */
static json_t *perfdata_json(const char *perfdata)
{
	json_t *list = json_array();

	while (*perfdata != '\0') {
		const size_t length = strcspn(perfdata, " ");

		if (length > 0)
			json_array_append_new(list, json_stringn(perfdata, length));
		perfdata += length + (perfdata[length] == ' ' ? 1 : 0);
	}
	return list;
}

static char *dump(json_t *document)
{
	char *text =
	    document != NULL ? json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;

	json_decref(document);
	return text;
}

char *dashboard_format_icinga(const struct dashboard_result *result)
{
	const double time_s = (double)result->time_ms / 1000;

	return dump(json_pack("{s:s, s:s, s:{s:s, s:s}, s:i, s:o, s:o, s:s, s:f, s:f, s:I}", "type",
	    "Service", "filter", "host.name==grappe_host && service.name==grappe_service",
	    "filter_vars", "grappe_host", result->host, "grappe_service", result->service,
	    "exit_status", (int)result->level, "plugin_output",
	    json_sprintf(
		"%s%s%s", result->text, result->details[0] != '\0' ? "\n" : "", result->details),
	    "performance_data", perfdata_json(result->perfdata), "check_source", CHECK_SOURCE,
	    "execution_start", time_s, "execution_end", time_s, "ttl", (json_int_t)result->ttl_s));
}

static json_t *result_json(const struct dashboard_result *result)
{
	return json_pack("{s:s, s:s, s:i, s:s, s:s, s:o, s:s, s:I, s:I}", "host", result->host,
	    "service", result->service, "state", (int)result->level, "state_name",
	    service_level_names[result->level], "text", result->text, "perfdata",
	    perfdata_json(result->perfdata), "details", result->details, "time_ms",
	    (json_int_t)result->time_ms, "ttl_s", (json_int_t)result->ttl_s);
}

char *dashboard_format_json(const struct dashboard_result *const *results, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, result_json(results[i]));
	return dump(json_pack("{s:i, s:o}", "version", 1, "results", list));
}

char *dashboard_format_chat(const struct dashboard_result *const *results, size_t count)
{
	struct buffer text;

	buffer_init(&text);
	for (size_t i = 0; i < count; i++) {
		put(&text, results[i]->service);
		put(&text, " ");
		put(&text, service_level_names[results[i]->level]);
		put(&text, ": ");
		put(&text, results[i]->text);
		put(&text, "\n");
		put(&text, results[i]->details);
	}
	return take_text(&text);
}

char *dashboard_format_nsca(const struct dashboard_result *result)
{
	char number[16], details[SERVICE_DETAILS_SIZE];
	struct buffer line;

	escape_details(result->details, details, sizeof details);
	snprintf(number, sizeof number, "%d", (int)result->level);
	buffer_init(&line);
	put(&line, result->host);
	put(&line, "\t");
	put(&line, result->service);
	put(&line, "\t");
	put(&line, number);
	put(&line, "\t");
	put(&line, result->text);
	put(&line, "|");
	put(&line, result->perfdata);
	put(&line, details);
	put(&line, "\n");
	return take_text(&line);
}

/* ---- what is answered ---- */

static enum dashboard_outcome refuse(char *reason, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum dashboard_outcome refuse(char *reason, size_t size, const char *format, ...)
{
	char line[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	service_clean_text(line, reason, size);
	return DASHBOARD_REFUSED;
}

/* cmd.cgi of Nagios 4 says everything with code 200. */
enum dashboard_outcome dashboard_judge_cgi(
    const char *body, bool *form_refused, char *reason, size_t size)
{
	static const struct {
		const char *needle, *words;
		bool form;
	} rows[] = {
	    {"Invalid or missing CSRF cookie", "its form id is no longer accepted", true},
	    {"not authorized to commit",
		"no such host or service, or the user may not commit "
		"commands for it",
		false},
	    {"cannot be blank", "a field is missing", false},
	    {"could not be submitted",
		"Nagios does not take commands: is check_external_commands "
		"on, and may the web server write to its FIFO?",
		false},
	    {"not configured to check for external commands",
		"Nagios is not configured to take external commands", false},
	    {"Could not open command file", "the web server may not write to the FIFO of Nagios",
		false},
	};

	*form_refused = false;
	reason[0] = '\0';
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strstr(body, rows[i].needle) != NULL) {
			*form_refused = rows[i].form;
			return refuse(reason, size, "cmd.cgi refused it: %s", rows[i].words);
		}
	if (strstr(body, "successfully submitted to Nagios for processing") != NULL)
		return DASHBOARD_DELIVERED;
	return refuse(reason, size,
	    "cmd.cgi answered without saying what became of it: is the url that of cmd.cgi?");
}

enum dashboard_outcome dashboard_judge_nrdp(
    const char *body, size_t length, char *reason, size_t size)
{
	json_t *answer = json_loadb(body, length, 0, NULL);
	const json_t *result = json_object_get(answer, "result");
	const json_t *status = json_object_get(result, "status");
	const char *message = json_string_value(json_object_get(result, "message"));
	enum dashboard_outcome outcome = DASHBOARD_DELIVERED;

	reason[0] = '\0';
	if (!json_is_integer(status))
		outcome = refuse(reason, size, "it did not answer as NRDP: is the url right?");
	else if (json_integer_value(status) != 0)
		outcome = refuse(reason, size, "NRDP refused it: %.*s", SAID_MAX,
		    message != NULL ? message : "it does not say why");
	json_decref(answer);
	return outcome;
}

/* The list of results: all must have been taken. */
static enum dashboard_outcome judge_icinga_results(const json_t *results, char *reason, size_t size)
{
	const json_t *entry;
	size_t i;

	if (json_array_size(results) == 0)
		return refuse(reason, size,
		    "Icinga has no such host or service, or the user may not process its results");
	json_array_foreach(results, i, entry)
	{
		const char *status = json_string_value(json_object_get(entry, "status"));
		const json_t *code = json_object_get(entry, "code");

		if (!json_is_number(code) || json_number_value(code) < 200 ||
		    json_number_value(code) >= 300)
			return refuse(reason, size, "Icinga did not take it: %.*s", SAID_MAX,
			    status != NULL ? status : "it does not say why");
	}
	return DASHBOARD_DELIVERED;
}

enum dashboard_outcome dashboard_judge_icinga(
    long code, const char *body, size_t length, char *reason, size_t size)
{
	json_t *answer = json_loadb(body, length, 0, NULL);
	const json_t *results = json_object_get(answer, "results");
	const char *status = json_string_value(json_object_get(answer, "status"));
	enum dashboard_outcome outcome;

	reason[0] = '\0';
	if ((code == 200 || code == 500) && json_is_array(results))
		outcome = judge_icinga_results(results, reason, size);
	else if (code == 404 && status != NULL && strstr(status, "No objects found") != NULL)
		outcome = judge_icinga_results(NULL, reason, size);
	else if (code >= 500 || code == 408 || code == 429) {
		snprintf(reason, size, "Icinga answered %ld", code);
		outcome = DASHBOARD_AGAIN;
	} else
		outcome = refuse(reason, size, "Icinga answered %ld: %.*s", code, SAID_MAX,
		    status != NULL ? status : "it does not say why");
	json_decref(answer);
	return outcome;
}

bool dashboard_read_form_id(const char *cookie, char id[DASHBOARD_FORM_ID_SIZE])
{
	static const char name[] = "NagFormId=";
	const char *value = strstr(cookie, name);
	size_t length;

	id[0] = '\0';
	if (value == NULL)
		return false;
	value += sizeof name - 1;
	for (length = 0; isalnum((unsigned char)value[length]); length++)
		;
	if (length == 0 || length >= DASHBOARD_FORM_ID_SIZE)
		return false;
	snprintf(id, DASHBOARD_FORM_ID_SIZE, "%.*s", (int)length, value);
	return true;
}
