/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nagios/status.h"

#include "common/error.h"

#include <errno.h>
#include <string.h>

/* Left of the whole time for starting and printing, so that the alarm stays the last resort. */
#define RESERVE_MS 300

static const struct {
	const char *who, *path; /* of its usual socket */
} daemons[] = {
    [MODE_MANAGER] = {"the manager", GRAPPE_RUNDIR "/manager.sock"},
    [MODE_COLLECTOR] = {"the collector", GRAPPE_RUNDIR "/collector.sock"},
};

static const char *path_of(const struct options *options)
{
	return options->socket != NULL ? options->socket : daemons[options->mode->source].path;
}

static int patience_ms(const struct options *options)
{
	return (int)options->timeout_s * 1000 - RESERVE_MS;
}

/* Says what became of a question; true when it was answered. */
static bool report(struct plugin *plugin, const struct options *options, int rc, int system_error,
    enum protocol_status status, const char *error)
{
	const char *who = daemons[options->mode->source].who;
	struct plugin_check *check;

	if (rc == GRAPPE_EIO)
		check = plugin_add_check(plugin, NULL, options->timeout_state,
		    "no answer from %s: %s", who, strerror(system_error));
	else if (rc == GRAPPE_ETIMEOUT)
		check = plugin_add_check(plugin, NULL, options->timeout_state,
		    "%s does not answer within %u s", who, options->timeout_s);
	else if (rc != GRAPPE_OK)
		check = plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN,
		    "the answer of %s cannot be read: %s", who, error_text(rc));
	else if (status != STATUS_OK)
		check =
		    plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN, "%s refuses: %s", who, error);
	else
		return true;
	plugin_add_check(plugin, check, PLUGIN_UNKNOWN, "its socket is %s", path_of(options));
	return false;
}

const json_t *status_ask(
    struct plugin *plugin, const struct options *options, struct protocol_reply *reply)
{
	const struct protocol_request request = {.op = OP_STATUS};
	const int rc = protocol_call(path_of(options), &request, patience_ms(options), reply);

	if (!report(plugin, options, rc, errno, reply->answer.status, reply->answer.error))
		return NULL;
	if (json_is_object(reply->answer.data))
		return reply->answer.data;
	plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN, "%s answered without its state",
	    daemons[options->mode->source].who);
	return NULL;
}

/* ---- rows ---- */

struct reading {
	const char *const *columns;
	status_row *row;
	void *context;
	struct protocol_answer *answer;
};

static int take_header(void *context, const struct protocol_answer *answer, size_t ncolumns)
{
	struct reading *reading = context;
	size_t wanted = 0;

	*reading->answer = *answer;
	reading->answer->columns = NULL;
	reading->answer->data = NULL;
	if (answer->status != STATUS_OK)
		return GRAPPE_OK;
	for (; reading->columns[wanted] != NULL; wanted++)
		if (wanted >= ncolumns ||
		    strcmp(answer->columns[wanted], reading->columns[wanted]) != 0)
			return GRAPPE_EFORMAT;
	return wanted == ncolumns ? GRAPPE_OK : GRAPPE_EFORMAT;
}

static int take_row(void *context, const char *const *fields)
{
	struct reading *reading = context;

	return reading->row(reading->context, fields);
}

bool status_stream(struct plugin *plugin, const struct options *options,
    const struct protocol_request *request, const char *const *columns, status_row *row,
    void *context, struct protocol_answer *answer)
{
	struct reading reading = {
	    .columns = columns, .row = row, .context = context, .answer = answer};
	const struct protocol_sink sink = {take_header, take_row, &reading};
	int rc;

	*answer = (struct protocol_answer){.status = STATUS_ERROR};
	rc = protocol_call_stream(path_of(options), request, patience_ms(options), &sink);
	return report(plugin, options, rc, errno, answer->status, answer->error);
}

/* ---- members ---- */

bool status_integer(const json_t *object, const char *key, int64_t *out)
{
	const json_t *member = json_object_get(object, key);

	if (!json_is_integer(member) || json_integer_value(member) < 0)
		return false;
	*out = json_integer_value(member);
	return true;
}

bool status_number(const json_t *object, const char *key, double *out)
{
	const json_t *member = json_object_get(object, key);

	if (!json_is_number(member))
		return false;
	*out = json_number_value(member);
	return true;
}

const char *status_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}
