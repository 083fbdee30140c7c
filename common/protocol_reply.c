/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/protocol.h"

#include "common/error.h"

#include <stdlib.h>
#include <string.h>

#define TRAILER ".end "
#define ROOM_BYTES ((size_t)256 << 10) /* read at a time */

/* An answer while it comes in. */
struct protocol_stream {
	const struct protocol_sink *sink;
	struct protocol_answer answer;
	char **column_names; /* owned, as is the data of the answer */
	size_t ncolumns;
	bool begun;                       /* the header has been taken */
	bool ended;                       /* so has the trailer */
	int64_t nrows;                    /* taken so far */
	char *bytes;                      /* what came in and is not taken yet: less than a line */
	size_t length, scanned, capacity; /* no newline before `scanned` */
};

/* ---- the header line ---- */

static int take_status(const json_t *header, struct protocol_answer *answer)
{
	static const char *const names[] = {
	    [STATUS_OK] = "ok", [STATUS_LATER] = "later", [STATUS_ERROR] = "error"};
	const char *name = json_string_value(json_object_get(header, "status"));

	for (int i = 0; name != NULL && i < 3; i++)
		if (strcmp(name, names[i]) == 0) {
			answer->status = (enum protocol_status)i;
			return GRAPPE_OK;
		}
	return GRAPPE_EFORMAT;
}

static int take_integer(
    const json_t *header, const char *key, int64_t low, int64_t high, int64_t *out)
{
	const json_t *value = json_object_get(header, key);

	*out = 0;
	if (value == NULL)
		return GRAPPE_OK;
	*out = json_integer_value(value);
	return json_is_integer(value) && *out >= low && *out <= high ? GRAPPE_OK : GRAPPE_EFORMAT;
}

static int take_boolean(const json_t *header, const char *key, bool *out)
{
	const json_t *value = json_object_get(header, key);

	*out = json_is_true(value);
	return value == NULL || json_is_boolean(value) ? GRAPPE_OK : GRAPPE_EFORMAT;
}

/* For people, so what does not fit is cut; control characters must not reach their terminal. */
static int take_error(const json_t *header, struct protocol_answer *answer)
{
	const json_t *value = json_object_get(header, "error");
	const char *text = json_string_value(value);

	answer->error[0] = '\0';
	if (text == NULL)
		return value == NULL && answer->status == STATUS_OK ? GRAPPE_OK : GRAPPE_EFORMAT;
	snprintf(answer->error, sizeof answer->error, "%s", text);
	for (char *c = answer->error; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	return GRAPPE_OK;
}

static int take_periods(const json_t *header, struct protocol_answer *answer)
{
	const json_t *pair = json_object_get(header, "periods");
	const json_t *known = json_array_get(pair, 0), *wanted = json_array_get(pair, 1);

	if (pair == NULL)
		return GRAPPE_OK;
	if (json_array_size(pair) != 2 || !json_is_integer(known) || !json_is_integer(wanted) ||
	    json_integer_value(known) < 0 || json_integer_value(wanted) > UINT32_MAX ||
	    json_integer_value(known) > json_integer_value(wanted))
		return GRAPPE_EFORMAT;
	answer->known = (uint32_t)json_integer_value(known);
	answer->wanted = (uint32_t)json_integer_value(wanted);
	return GRAPPE_OK;
}

static int take_columns(const json_t *header, struct protocol_stream *stream)
{
	const json_t *names = json_object_get(header, "columns");
	const size_t count = json_array_size(names);

	if (names == NULL)
		return GRAPPE_OK;
	if (!json_is_array(names) || count < 2 || count > PROTOCOL_COLUMNS_MAX)
		return GRAPPE_EFORMAT;
	stream->column_names = calloc(count + 1, sizeof *stream->column_names);
	if (stream->column_names == NULL)
		return GRAPPE_EMEMORY;
	stream->answer.columns = (const char *const *)stream->column_names;
	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (name == NULL || name[0] == '\0')
			return GRAPPE_EFORMAT;
		stream->column_names[i] = strdup(name);
		if (stream->column_names[i] == NULL)
			return GRAPPE_EMEMORY;
	}
	stream->ncolumns = count;
	return GRAPPE_OK;
}

static int take_header(const json_t *header, struct protocol_stream *stream)
{
	struct protocol_answer *answer = &stream->answer;
	int64_t length = 0;
	int rc = GRAPPE_EFORMAT;

	if (!json_is_object(header) || take_status(header, answer) != GRAPPE_OK ||
	    take_error(header, answer) != GRAPPE_OK ||
	    take_boolean(header, "exact", &answer->exact) != GRAPPE_OK ||
	    take_boolean(header, "approximate", &answer->approximate) != GRAPPE_OK ||
	    take_integer(header, "from", INT64_MIN, INT64_MAX, &answer->from_s) != GRAPPE_OK ||
	    take_integer(header, "to", INT64_MIN, INT64_MAX, &answer->to_s) != GRAPPE_OK ||
	    take_integer(header, "length", 0, UINT32_MAX, &length) != GRAPPE_OK ||
	    take_integer(header, "retry_at", 0, INT64_MAX, &answer->retry_at_s) != GRAPPE_OK ||
	    take_periods(header, answer) != GRAPPE_OK ||
	    caveats_from_json(json_object_get(header, "caveats"), &answer->caveats) != GRAPPE_OK)
		return rc;
	answer->length_s = (uint32_t)length;
	rc = take_columns(header, stream);
	if (rc == GRAPPE_OK)
		answer->data = json_incref(json_object_get(header, "data"));
	return rc;
}

/* ---- rows and trailer ---- */

static bool is_trailer(const char *line, size_t length)
{
	return length > strlen(TRAILER) && memcmp(line, TRAILER, strlen(TRAILER)) == 0 &&
	       memchr(line, '\t', length) == NULL;
}

/* The number of ".end NUMBER", or -1. */
static int64_t trailer_count(const char *line, size_t length)
{
	int64_t count = 0;

	for (size_t i = strlen(TRAILER); i < length; i++) {
		if (line[i] < '0' || line[i] > '9' || count > PROTOCOL_ROWS_MAX)
			return -1;
		count = count * 10 + (line[i] - '0');
	}
	return count;
}

/* Cuts one row into its fields in place. */
static int cut_row(char *row, char *newline, const char **fields, size_t count)
{
	size_t n = 0;

	fields[n++] = row;
	for (char *c = row; c < newline; c++) {
		if (*c == '\t') {
			if (n == count)
				return GRAPPE_EFORMAT;
			*c = '\0';
			fields[n++] = c + 1;
		} else if ((unsigned char)*c < 0x20 || *c == 0x7f) {
			return GRAPPE_EFORMAT;
		}
	}
	*newline = '\0';
	return n == count ? GRAPPE_OK : GRAPPE_EFORMAT;
}

static int take_row(struct protocol_stream *stream, char *line, size_t length)
{
	const char *fields[PROTOCOL_COLUMNS_MAX];

	if (is_trailer(line, length)) {
		stream->ended = true;
		return trailer_count(line, length) == stream->nrows ? GRAPPE_OK : GRAPPE_EFORMAT;
	}
	if (length > PROTOCOL_ROW_MAX || ++stream->nrows > PROTOCOL_ROWS_MAX)
		return GRAPPE_ELIMIT;
	if (stream->ncolumns == 0 ||
	    cut_row(line, line + length, fields, stream->ncolumns) != GRAPPE_OK)
		return GRAPPE_EFORMAT;
	return stream->sink->row(stream->sink->context, fields);
}

static int take_first_line(struct protocol_stream *stream, const char *line, size_t length)
{
	json_t *header;
	int rc;

	if (length > PROTOCOL_HEADER_MAX)
		return GRAPPE_ELIMIT;
	header = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	if (header == NULL)
		return GRAPPE_EFORMAT;
	rc = take_header(header, stream);
	json_decref(header);
	stream->begun = true;
	if (rc == GRAPPE_OK)
		rc = stream->sink->begin(stream->sink->context, &stream->answer, stream->ncolumns);
	return rc;
}

/* ---- the stream ---- */

int protocol_stream_new(const struct protocol_sink *sink, struct protocol_stream **out)
{
	struct protocol_stream *stream = calloc(1, sizeof *stream);

	*out = stream;
	if (stream == NULL)
		return GRAPPE_EMEMORY;
	stream->sink = sink;
	return GRAPPE_OK;
}

char *protocol_stream_room(struct protocol_stream *stream, size_t *size)
{
	if (stream->capacity - stream->length < ROOM_BYTES) {
		const size_t wanted = stream->length + 2 * ROOM_BYTES;
		char *bigger = realloc(stream->bytes, wanted);

		if (bigger == NULL)
			return NULL;
		stream->bytes = bigger;
		stream->capacity = wanted;
	}
	*size = ROOM_BYTES;
	return stream->bytes + stream->length;
}

/* All whole lines that are there; *taken: bytes of these. */
static int take_lines(struct protocol_stream *stream, size_t *taken)
{
	int rc = GRAPPE_OK;

	*taken = 0;
	while (rc == GRAPPE_OK && !stream->ended) {
		char *line = stream->bytes + *taken, *from = stream->bytes + stream->scanned;
		char *newline = memchr(from, '\n', stream->length - stream->scanned);
		const size_t length = newline != NULL ? (size_t)(newline - line) : 0;

		stream->scanned = stream->length;
		if (newline == NULL)
			break;
		rc = stream->begun ? take_row(stream, line, length)
				   : take_first_line(stream, line, length);
		*taken += length + 1;
		stream->scanned = *taken;
	}
	return rc;
}

int protocol_stream_take(struct protocol_stream *stream, size_t length)
{
	size_t taken;
	int rc;

	if (length == 0)
		return GRAPPE_OK;
	stream->length += length;
	rc = take_lines(stream, &taken);
	if (rc != GRAPPE_OK)
		return rc;
	stream->length -= taken;
	stream->scanned -= taken;
	memmove(stream->bytes, stream->bytes + taken, stream->length);
	if (stream->ended)
		return stream->length == 0 ? PROTOCOL_STREAM_ENDED : GRAPPE_EFORMAT;
	if (stream->length > (stream->begun ? (size_t)PROTOCOL_ROW_MAX : PROTOCOL_HEADER_MAX))
		return GRAPPE_ELIMIT;
	return GRAPPE_OK;
}

static void free_names(char **names)
{
	for (size_t i = 0; names != NULL && names[i] != NULL; i++)
		free(names[i]);
	free(names);
}

void protocol_stream_free(struct protocol_stream *stream)
{
	if (stream == NULL)
		return;
	free_names(stream->column_names);
	json_decref(stream->answer.data);
	free(stream->bytes);
	free(stream);
}

/* ---- a whole answer in memory ---- */

static int reply_begin(void *context, const struct protocol_answer *answer, size_t ncolumns)
{
	struct protocol_reply *reply = context;

	reply->answer = *answer;
	reply->answer.columns = NULL;
	reply->answer.data = json_incref(answer->data);
	reply->column_names = calloc(ncolumns + 1, sizeof *reply->column_names);
	if (reply->column_names == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < ncolumns; i++) {
		reply->column_names[i] = strdup(answer->columns[i]);
		if (reply->column_names[i] == NULL)
			return GRAPPE_EMEMORY;
	}
	if (ncolumns > 0)
		reply->answer.columns = (const char *const *)reply->column_names;
	reply->ncolumns = ncolumns;
	return GRAPPE_OK;
}

/* The fields of a row lie one behind the other. */
static int reply_row(void *context, const char *const *fields)
{
	struct protocol_reply *reply = context;
	const char *last = fields[reply->ncolumns - 1];
	const size_t length = (size_t)(last - fields[0]) + strlen(last) + 1;

	if (reply->length + length > PROTOCOL_ANSWER_MAX)
		return GRAPPE_ELIMIT;
	if (reply->length + length > reply->capacity) {
		const size_t wanted = 2 * reply->capacity + length + 4096;
		char *bigger = realloc(reply->text, wanted);

		if (bigger == NULL)
			return GRAPPE_EMEMORY;
		reply->text = bigger;
		reply->capacity = wanted;
	}
	memcpy(reply->text + reply->length, fields[0], length);
	reply->length += length;
	reply->count++;
	return GRAPPE_OK;
}

struct protocol_sink protocol_reply_sink(struct protocol_reply *reply)
{
	*reply = (struct protocol_reply){0};
	return (struct protocol_sink){reply_begin, reply_row, reply};
}

int protocol_reply_complete(struct protocol_reply *reply)
{
	const size_t count = reply->count * reply->ncolumns;
	const char *at = reply->text;

	reply->fields = calloc(count + 1, sizeof *reply->fields);
	if (reply->fields == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < count; i++) {
		reply->fields[i] = at;
		at += strlen(at) + 1;
	}
	reply->nrows = reply->count;
	return GRAPPE_OK;
}

int protocol_reply_parse(const char *bytes, size_t length, struct protocol_reply *reply)
{
	const struct protocol_sink sink = protocol_reply_sink(reply);
	const int rc = protocol_stream_parse(bytes, length, &sink);

	return rc == GRAPPE_OK ? protocol_reply_complete(reply) : rc;
}

int protocol_stream_parse(const char *bytes, size_t length, const struct protocol_sink *sink)
{
	struct protocol_stream *stream;
	int rc = protocol_stream_new(sink, &stream);

	for (size_t at = 0, n = 0; rc == GRAPPE_OK && at < length; at += n) {
		size_t size;
		char *room = protocol_stream_room(stream, &size);

		if (room == NULL) {
			rc = GRAPPE_EMEMORY;
			break;
		}
		n = length - at < size ? length - at : size;
		memcpy(room, bytes + at, n);
		rc = protocol_stream_take(stream, n);
		if (rc == PROTOCOL_STREAM_ENDED && at + n < length)
			rc = GRAPPE_EFORMAT; /* something follows the answer */
	}
	protocol_stream_free(stream);
	return rc == PROTOCOL_STREAM_ENDED ? GRAPPE_OK : rc == GRAPPE_OK ? GRAPPE_ETRUNCATED : rc;
}

const char *protocol_reply_field(const struct protocol_reply *reply, size_t row, size_t column)
{
	return reply->fields[row * reply->ncolumns + column];
}

void protocol_reply_deinit(struct protocol_reply *reply)
{
	free_names(reply->column_names);
	free(reply->fields);
	free(reply->text);
	json_decref(reply->answer.data);
	*reply = (struct protocol_reply){0};
}
