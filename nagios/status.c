/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nagios/status.h"

#include "common/error.h"

#include <errno.h>
#include <string.h>

/* Left of the whole time for starting and printing, so that the alarm stays the last resort. */
#define RESERVE_MS 300

const json_t *status_ask(struct plugin *plugin, const struct options *options, const char *who,
    const char *path, struct protocol_reply *reply)
{
	const struct protocol_request request = {.op = OP_STATUS};
	const int rc =
	    protocol_call(path, &request, (int)options->timeout_s * 1000 - RESERVE_MS, reply);
	const int saved = errno;
	struct plugin_check *check;

	if (rc == GRAPPE_EIO)
		check = plugin_add_check(plugin, NULL, options->timeout_state,
		    "no answer from %s: %s", who, strerror(saved));
	else if (rc == GRAPPE_ETIMEOUT)
		check = plugin_add_check(plugin, NULL, options->timeout_state,
		    "%s does not answer within %u s", who, options->timeout_s);
	else if (rc != GRAPPE_OK)
		check = plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN,
		    "the answer of %s cannot be read: %s", who, error_text(rc));
	else if (reply->answer.status != STATUS_OK)
		check = plugin_add_check(
		    plugin, NULL, PLUGIN_UNKNOWN, "%s refuses: %s", who, reply->answer.error);
	else if (!json_is_object(reply->answer.data))
		check = plugin_add_check(
		    plugin, NULL, PLUGIN_UNKNOWN, "%s answered without its state", who);
	else
		return reply->answer.data;
	plugin_add_check(plugin, check, PLUGIN_UNKNOWN, "its socket is %s", path);
	return NULL;
}

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
