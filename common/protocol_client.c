/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/protocol.h"

#include "common/buffer.h"
#include "common/clock.h"
#include "common/error.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define TRAILER ".end "

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

static int take_columns(const json_t *header, struct protocol_reply *reply)
{
	const json_t *names = json_object_get(header, "columns");
	const size_t count = json_array_size(names);

	if (names == NULL)
		return GRAPPE_OK;
	if (!json_is_array(names) || count < 2 || count > PROTOCOL_COLUMNS_MAX)
		return GRAPPE_EFORMAT;
	reply->column_names = calloc(count + 1, sizeof *reply->column_names);
	if (reply->column_names == NULL)
		return GRAPPE_EMEMORY;
	reply->answer.columns = (const char *const *)reply->column_names;
	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (name == NULL || name[0] == '\0')
			return GRAPPE_EFORMAT;
		reply->column_names[i] = strdup(name);
		if (reply->column_names[i] == NULL)
			return GRAPPE_EMEMORY;
	}
	reply->ncolumns = count;
	return GRAPPE_OK;
}

static int take_header(const json_t *header, struct protocol_reply *reply)
{
	struct protocol_answer *answer = &reply->answer;
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
	rc = take_columns(header, reply);
	if (rc == GRAPPE_OK)
		answer->data = json_incref(json_object_get(header, "data"));
	return rc;
}

/* ---- rows and trailer ---- */

/* The end of the line that begins at `at`: its newline, or NULL. */
static char *line_end(char *at, const char *end)
{
	return memchr(at, '\n', (size_t)(end - at));
}

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

/* Counts the rows between the header and the trailer; *rows_end gets the trailer's place. */
static int count_rows(char *at, char *end, size_t *count, char **rows_end)
{
	*count = 0;
	for (;;) {
		char *newline = at < end ? line_end(at, end) : NULL;
		size_t length;

		if (newline == NULL)
			return GRAPPE_ETRUNCATED;
		length = (size_t)(newline - at);
		if (is_trailer(at, length)) {
			*rows_end = at;
			if (newline + 1 != end || trailer_count(at, length) != (int64_t)*count)
				return GRAPPE_EFORMAT;
			return GRAPPE_OK;
		}
		if (length > PROTOCOL_ROW_MAX || ++*count > PROTOCOL_ROWS_MAX)
			return GRAPPE_ELIMIT;
		at = newline + 1;
	}
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

static int take_rows(struct protocol_reply *reply, char *at, char *end)
{
	char *rows_end;
	size_t count;
	int rc = count_rows(at, end, &count, &rows_end);

	if (rc != GRAPPE_OK)
		return rc;
	if (count > 0 && reply->ncolumns == 0)
		return GRAPPE_EFORMAT;
	reply->fields = calloc(count ? count : 1, (reply->ncolumns + 1) * sizeof *reply->fields);
	if (reply->fields == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < count && rc == GRAPPE_OK; i++) {
		char *newline = line_end(at, rows_end);

		rc = cut_row(at, newline, reply->fields + i * reply->ncolumns, reply->ncolumns);
		at = newline + 1;
	}
	if (rc == GRAPPE_OK)
		reply->nrows = count;
	return rc;
}

/* Takes over text, `length` bytes on the heap. */
static int parse_owned(char *text, size_t length, struct protocol_reply *reply)
{
	char *newline = length > 0 ? line_end(text, text + length) : NULL;
	json_t *header;
	int rc;

	reply->text = text;
	if (length > PROTOCOL_ANSWER_MAX)
		return GRAPPE_ELIMIT;
	if (newline == NULL)
		return length > PROTOCOL_HEADER_MAX ? GRAPPE_ELIMIT : GRAPPE_ETRUNCATED;
	if (newline - text > PROTOCOL_HEADER_MAX)
		return GRAPPE_ELIMIT;
	header = json_loadb(text, (size_t)(newline - text), JSON_REJECT_DUPLICATES, NULL);
	if (header == NULL)
		return GRAPPE_EFORMAT;
	rc = take_header(header, reply);
	json_decref(header);
	return rc == GRAPPE_OK ? take_rows(reply, newline + 1, text + length) : rc;
}

int protocol_reply_parse(const char *bytes, size_t length, struct protocol_reply *reply)
{
	char *copy;

	*reply = (struct protocol_reply){0};
	if (length > PROTOCOL_ANSWER_MAX)
		return GRAPPE_ELIMIT;
	copy = malloc(length + 1);
	if (copy == NULL)
		return GRAPPE_EMEMORY;
	if (length > 0)
		memcpy(copy, bytes, length);
	return parse_owned(copy, length, reply);
}

const char *protocol_reply_field(const struct protocol_reply *reply, size_t row, size_t column)
{
	return reply->fields[row * reply->ncolumns + column];
}

void protocol_reply_deinit(struct protocol_reply *reply)
{
	for (size_t i = 0; reply->column_names != NULL && reply->column_names[i] != NULL; i++)
		free(reply->column_names[i]);
	free(reply->column_names);
	free(reply->fields);
	free(reply->text);
	json_decref(reply->answer.data);
	*reply = (struct protocol_reply){0};
}

/* ---- talking ---- */

struct call {
	int fd;
	int64_t
	    deadline_ns; /* by CLOCK_MONOTONIC itself: it must pass also where tests fake time */
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * CLOCK_SECOND_NS + t.tv_nsec;
}

static int wait_for(const struct call *call, short events)
{
	for (;;) {
		struct pollfd item = {.fd = call->fd, .events = events};
		const int64_t left_ns = call->deadline_ns - now_ns();
		const int64_t left_ms = left_ns / CLOCK_MILLISECOND_NS + 1;
		int n;

		if (left_ns <= 0)
			return GRAPPE_ETIMEOUT;
		n = poll(&item, 1, left_ms < 60000 ? (int)left_ms : 60000);
		if (n > 0)
			return GRAPPE_OK;
		if (n < 0 && errno != EINTR)
			return GRAPPE_EIO;
	}
}

/* A full backlog is EAGAIN on UNIX sockets and cannot be polled for. */
static int connect_to(struct call *call, const char *path)
{
	static const struct timespec pause = {.tv_nsec = 10 * CLOCK_MILLISECOND_NS};
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return GRAPPE_EIO;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	call->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (call->fd < 0)
		return GRAPPE_EIO;
	while (connect(call->fd, (struct sockaddr *)&address, sizeof address) != 0) {
		if (errno != EAGAIN && errno != EINTR)
			return GRAPPE_EIO;
		if (now_ns() >= call->deadline_ns)
			return GRAPPE_ETIMEOUT;
		nanosleep(&pause, NULL);
	}
	return GRAPPE_OK;
}

static int send_line(const struct call *call, const char *line)
{
	size_t left = strlen(line);

	while (left > 0) {
		const ssize_t n = send(call->fd, line, left, MSG_NOSIGNAL);
		int rc;

		if (n > 0) {
			line += n;
			left -= (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE) /* it may have said why before it left */
			return GRAPPE_OK;
		if (n < 0 && errno != EAGAIN)
			return GRAPPE_EIO;
		rc = wait_for(call, POLLOUT);
		if (rc != GRAPPE_OK)
			return rc;
	}
	return GRAPPE_OK;
}

/* How far the search for the trailer got in a growing answer. */
struct search {
	size_t line;    /* where the line in hand begins */
	size_t scanned; /* no newline between line and here */
};

/* True when the trailer is there: it is the first line that looks like one after the header. */
static bool find_trailer(struct search *search, const struct buffer *in)
{
	char *text = (char *)in->bytes;

	for (;;) {
		char *newline = search->scanned < in->length
				    ? line_end(text + search->scanned, text + in->length)
				    : NULL;

		search->scanned = in->length;
		if (newline == NULL)
			return false;
		if (search->line > 0 &&
		    is_trailer(text + search->line, (size_t)(newline - text) - search->line))
			return true;
		search->line = search->scanned = (size_t)(newline - text) + 1;
	}
}

static int receive(const struct call *call, struct buffer *in)
{
	struct search search = {0};
	char block[65536];

	for (;;) {
		const int rc = wait_for(call, POLLIN);
		ssize_t n;

		if (rc != GRAPPE_OK)
			return rc;
		n = recv(call->fd, block, sizeof block, 0);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return GRAPPE_ETRUNCATED;
		if (n < 0)
			return GRAPPE_EIO;
		if (in->length + (size_t)n > PROTOCOL_ANSWER_MAX)
			return GRAPPE_ELIMIT;
		buffer_put(in, block, (size_t)n);
		if (in->error != GRAPPE_OK)
			return in->error;
		if (find_trailer(&search, in))
			return GRAPPE_OK;
		if (in->length - search.line >
		    (search.line == 0 ? PROTOCOL_HEADER_MAX : (size_t)PROTOCOL_ROW_MAX))
			return GRAPPE_ELIMIT;
	}
}

static int exchange(
    struct call *call, const char *path, const char *line, struct protocol_reply *reply)
{
	struct buffer in;
	int rc, saved;

	buffer_init(&in);
	rc = connect_to(call, path);
	if (rc == GRAPPE_OK)
		rc = send_line(call, line);
	if (rc == GRAPPE_OK)
		rc = receive(call, &in);
	if (rc == GRAPPE_OK) {
		rc = parse_owned((char *)in.bytes, in.length, reply);
		buffer_init(&in); /* its bytes belong to the reply now */
	}
	saved = errno;
	buffer_deinit(&in);
	if (call->fd >= 0)
		close(call->fd);
	errno = saved;
	return rc;
}

int protocol_call(const char *path, const struct protocol_request *request, int timeout_ms,
    struct protocol_reply *reply)
{
	struct call call = {
	    .fd = -1, .deadline_ns = now_ns() + (int64_t)timeout_ms * CLOCK_MILLISECOND_NS};
	char *line;
	int rc;

	*reply = (struct protocol_reply){0};
	line = protocol_request_format(request);
	if (line == NULL)
		return GRAPPE_EMEMORY;
	rc = exchange(&call, path, line, reply);
	free(line);
	return rc;
}
