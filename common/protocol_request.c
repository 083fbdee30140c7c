/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/protocol.h"

#include "common/error.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const protocol_columns_detail[] = {
    "end", "length", "receiver", "sender", "packets", "octets", "known", NULL};
const char *const protocol_columns_mean[] = {
    "receiver", "sender", "packets", "octets", "known", NULL};
const char *const protocol_columns_inventory[] = {"id", "name", "host", "environment", "segment",
    "vcpu", "memory_bytes", "addresses", "since", "seen", "application", NULL};
const char *const protocol_columns_history[] = {"time", "id", "event", "text", NULL};

static const char *const op_names[] = {
    [OP_STATUS] = "status",
    [OP_MATRIX] = "matrix",
    [OP_INVENTORY] = "inventory",
    [OP_RECOMMENDATION] = "recommendation",
    [OP_APPROVE] = "approve",
    [OP_HISTORY] = "history",
};
static const char *const kind_names[] = {
    [KIND_DETAIL] = "detail",
    [KIND_MEAN] = "mean",
    [KIND_WEIGHTED] = "weighted",
};
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The last second of the year 9999: beyond it an instant is a mistake. */
#define INSTANT_MAX INT64_C(253402300799)
#define RATIO_MAX 1e6

char *protocol_request_format(const struct protocol_request *request)
{
	json_t *object = json_pack("{s:i, s:s, s:I, s:I, s:I, s:b, s:s, s:f, s:s, s:s}", "v",
	    PROTOCOL_VERSION, "op", op_names[request->op], "from", (json_int_t)request->from_s,
	    "to", (json_int_t)request->to_s, "wait_ms", (json_int_t)request->wait_ms, "approximate",
	    (int)request->approximate, "kind", kind_names[request->kind], "ratio", request->ratio,
	    "select", request->select, "id", request->id);
	char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
	char *line = NULL;

	if (text != NULL && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	json_decref(object);
	return line;
}

/* ---- reading ---- */

struct parse {
	struct protocol_request *request;
	char *message;
	size_t size;
};

static int refuse(const struct parse *parse, int rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(const struct parse *parse, int rc, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(parse->message, parse->size, format, arguments);
	va_end(arguments);
	return rc;
}

static int take_word(const struct parse *parse, const char *key, const json_t *value,
    const char *const *names, size_t count, int *out)
{
	for (size_t i = 0; json_is_string(value) && i < count; i++)
		if (strcmp(json_string_value(value), names[i]) == 0) {
			*out = (int)i;
			return GRAPPE_OK;
		}
	return refuse(parse, GRAPPE_EFORMAT, "'%s' is not one of those known here", key);
}

static int take_integer(const struct parse *parse, const char *key, const json_t *value,
    int64_t low, int64_t high, int64_t *out)
{
	if (!json_is_integer(value))
		return refuse(parse, GRAPPE_EFORMAT, "'%s' is not an integer", key);
	*out = json_integer_value(value);
	if (*out < low || *out > high)
		return refuse(parse, GRAPPE_ERANGE, "'%s' is out of range", key);
	return GRAPPE_OK;
}

static int take_text(
    const struct parse *parse, const char *key, const json_t *value, char *out, size_t size)
{
	const char *text = json_string_value(value);

	if (text == NULL)
		return refuse(parse, GRAPPE_EFORMAT, "'%s' is not a text", key);
	if (strlen(text) >= size)
		return refuse(parse, GRAPPE_ERANGE, "'%s' is longer than %zu bytes", key, size - 1);
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return refuse(parse, GRAPPE_EFORMAT, "'%s' holds a control character", key);
	memcpy(out, text, strlen(text) + 1);
	return GRAPPE_OK;
}

static int take_version(const struct parse *parse, const char *key, const json_t *value)
{
	if (!json_is_integer(value))
		return refuse(parse, GRAPPE_EFORMAT, "'%s' is not an integer", key);
	if (json_integer_value(value) != PROTOCOL_VERSION)
		return refuse(parse, GRAPPE_EVERSION,
		    "version %lld of the protocol is not known here, only %d",
		    (long long)json_integer_value(value), PROTOCOL_VERSION);
	return GRAPPE_OK;
}

static int take_op(const struct parse *parse, const char *key, const json_t *value)
{
	int op = 0;
	const int rc = take_word(parse, key, value, op_names, COUNT(op_names), &op);

	parse->request->op = (enum protocol_op)op;
	return rc;
}

static int take_kind(const struct parse *parse, const char *key, const json_t *value)
{
	int kind = 0;
	const int rc = take_word(parse, key, value, kind_names, COUNT(kind_names), &kind);

	parse->request->kind = (enum protocol_kind)kind;
	return rc;
}

static int take_from(const struct parse *parse, const char *key, const json_t *value)
{
	return take_integer(parse, key, value, -INSTANT_MAX, INSTANT_MAX, &parse->request->from_s);
}

static int take_to(const struct parse *parse, const char *key, const json_t *value)
{
	return take_integer(parse, key, value, 0, INSTANT_MAX, &parse->request->to_s);
}

static int take_wait(const struct parse *parse, const char *key, const json_t *value)
{
	return take_integer(parse, key, value, 0, PROTOCOL_WAIT_MAX_MS, &parse->request->wait_ms);
}

static int take_approximate(const struct parse *parse, const char *key, const json_t *value)
{
	if (!json_is_boolean(value))
		return refuse(parse, GRAPPE_EFORMAT, "'%s' is neither true nor false", key);
	parse->request->approximate = json_is_true(value);
	return GRAPPE_OK;
}

static int take_ratio(const struct parse *parse, const char *key, const json_t *value)
{
	if (!json_is_number(value))
		return refuse(parse, GRAPPE_EFORMAT, "'%s' is not a number", key);
	parse->request->ratio = json_number_value(value);
	if (!isfinite(parse->request->ratio) || parse->request->ratio < 0 ||
	    parse->request->ratio > RATIO_MAX)
		return refuse(parse, GRAPPE_ERANGE, "'%s' is out of range", key);
	return GRAPPE_OK;
}

static int take_select(const struct parse *parse, const char *key, const json_t *value)
{
	return take_text(parse, key, value, parse->request->select, sizeof parse->request->select);
}

static int take_id(const struct parse *parse, const char *key, const json_t *value)
{
	return take_text(parse, key, value, parse->request->id, sizeof parse->request->id);
}

static const struct {
	const char *key;
	int (*take)(const struct parse *parse, const char *key, const json_t *value);
} keys[] = {
    {"v", take_version}, /* first: an unknown version explains all other faults */
    {"op", take_op},
    {"from", take_from},
    {"to", take_to},
    {"wait_ms", take_wait},
    {"approximate", take_approximate},
    {"kind", take_kind},
    {"ratio", take_ratio},
    {"select", take_select},
    {"id", take_id},
};

static int take_keys(const struct parse *parse, const json_t *object)
{
	size_t known = 0;

	for (size_t i = 0; i < COUNT(keys); i++) {
		const json_t *value = json_object_get(object, keys[i].key);
		int rc;

		if (value == NULL && i < 2)
			return refuse(parse, GRAPPE_EFORMAT, "'%s' is missing", keys[i].key);
		if (value == NULL)
			continue;
		known++;
		rc = keys[i].take(parse, keys[i].key, value);
		if (rc != GRAPPE_OK)
			return rc;
	}
	if (known != json_object_size(object))
		return refuse(parse, GRAPPE_EFORMAT, "a key of the request is not known here");
	return GRAPPE_OK;
}

/* What no key tells alone. */
static int check_together(const struct parse *parse)
{
	const struct protocol_request *request = parse->request;

	if (request->to_s > 0 && request->from_s > request->to_s)
		return refuse(parse, GRAPPE_ERANGE, "'from' is later than 'to'");
	if (request->kind == KIND_WEIGHTED && request->ratio <= 0)
		return refuse(parse, GRAPPE_ERANGE, "'weighted' wants a 'ratio' above 0");
	if (request->op == OP_APPROVE && request->id[0] == '\0')
		return refuse(
		    parse, GRAPPE_EFORMAT, "'approve' wants the 'id' of a recommendation");
	return GRAPPE_OK;
}

int protocol_request_parse(
    const char *line, size_t length, struct protocol_request *request, char *message, size_t size)
{
	const struct parse parse = {.request = request, .message = message, .size = size};
	json_error_t error;
	json_t *object;
	int rc;

	*request = (struct protocol_request){0};
	message[0] = '\0';
	if (length > PROTOCOL_REQUEST_MAX)
		return refuse(
		    &parse, GRAPPE_ERANGE, "a request has at most %d bytes", PROTOCOL_REQUEST_MAX);
	object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
	if (object == NULL)
		return refuse(&parse, GRAPPE_EFORMAT, "not JSON: %s", error.text);
	rc = json_is_object(object) ? take_keys(&parse, object)
				    : refuse(&parse, GRAPPE_EFORMAT, "not a JSON object");
	if (rc == GRAPPE_OK)
		rc = check_together(&parse);
	json_decref(object);
	return rc;
}
