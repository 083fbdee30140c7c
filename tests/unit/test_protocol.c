/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests and replies in memory; over sockets: test_protocol_socket.c. */
#include "common/protocol.h"

#include "common/error.h"
#include "tests/unit/unit.h"

/* ---- requests ---- */

static struct protocol_request request;
static char message[256];

static int parse(const char *line)
{
	return protocol_request_parse(line, strlen(line), &request, message, sizeof message);
}

START_TEST(requests_come_back)
{
	const struct protocol_request sent = {.op = OP_MATRIX,
	    .from_s = -600,
	    .to_s = 1795000000,
	    .wait_ms = 5000,
	    .approximate = true,
	    .kind = KIND_WEIGHTED,
	    .ratio = 1.5,
	    .select = "web \"1\"\\",
	    .id = "9f3c"};
	char *line = protocol_request_format(&sent);

	ck_assert_ptr_nonnull(line);
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
	ck_assert_int_eq(
	    protocol_request_parse(line, strlen(line) - 1, &request, message, sizeof message),
	    GRAPPE_OK);
	ck_assert_int_eq(request.op, sent.op);
	ck_assert_int_eq(request.from_s, sent.from_s);
	ck_assert_int_eq(request.to_s, sent.to_s);
	ck_assert_int_eq(request.wait_ms, sent.wait_ms);
	ck_assert(request.approximate);
	ck_assert_int_eq(request.kind, sent.kind);
	ck_assert_double_eq(request.ratio, sent.ratio);
	ck_assert_str_eq(request.select, sent.select);
	ck_assert_str_eq(request.id, sent.id);
	free(line);
}
END_TEST

START_TEST(what_is_left_out_is_zero)
{
	ck_assert_int_eq(parse("{\"op\":\"status\",\"v\":1}"), GRAPPE_OK);
	ck_assert_int_eq(request.op, OP_STATUS);
	ck_assert_int_eq(request.to_s, 0);
	ck_assert_str_eq(request.select, "");
}
END_TEST

static const struct {
	const char *line;
	int rc;
	const char *words;
} bad_requests[] = {
    {"", GRAPPE_EFORMAT, "not JSON"},
    {"nonsense", GRAPPE_EFORMAT, "not JSON"},
    {"[1]", GRAPPE_EFORMAT, "not a JSON object"},
    {"{\"op\":\"status\"}", GRAPPE_EFORMAT, "'v' is missing"},
    {"{\"v\":1}", GRAPPE_EFORMAT, "'op' is missing"},
    {"{\"v\":2,\"op\":\"dance\"}", GRAPPE_EVERSION, "version 2"},
    {"{\"v\":\"1\",\"op\":\"status\"}", GRAPPE_EFORMAT, "'v'"},
    {"{\"v\":1,\"op\":\"dance\"}", GRAPPE_EFORMAT, "'op'"},
    {"{\"v\":1,\"op\":7}", GRAPPE_EFORMAT, "'op'"},
    {"{\"v\":1,\"op\":\"status\",\"form\":3}", GRAPPE_EFORMAT, "not known"},
    {"{\"v\":1,\"op\":\"status\",\"op\":\"matrix\"}", GRAPPE_EFORMAT, "duplicate"},
    {"{\"v\":1,\"op\":\"matrix\",\"to\":-1}", GRAPPE_ERANGE, "'to'"},
    {"{\"v\":1,\"op\":\"matrix\",\"to\":1.5}", GRAPPE_EFORMAT, "'to'"},
    {"{\"v\":1,\"op\":\"matrix\",\"to\":99999999999999999999}", GRAPPE_EFORMAT, "not JSON"},
    {"{\"v\":1,\"op\":\"matrix\",\"from\":60,\"to\":30}", GRAPPE_ERANGE, "later"},
    {"{\"v\":1,\"op\":\"matrix\",\"wait_ms\":-1}", GRAPPE_ERANGE, "'wait_ms'"},
    {"{\"v\":1,\"op\":\"matrix\",\"wait_ms\":9999999}", GRAPPE_ERANGE, "'wait_ms'"},
    {"{\"v\":1,\"op\":\"matrix\",\"approximate\":1}", GRAPPE_EFORMAT, "'approximate'"},
    {"{\"v\":1,\"op\":\"matrix\",\"kind\":\"median\"}", GRAPPE_EFORMAT, "'kind'"},
    {"{\"v\":1,\"op\":\"matrix\",\"kind\":\"weighted\"}", GRAPPE_ERANGE, "'ratio'"},
    {"{\"v\":1,\"op\":\"matrix\",\"ratio\":-1}", GRAPPE_ERANGE, "'ratio'"},
    {"{\"v\":1,\"op\":\"matrix\",\"ratio\":\"2\"}", GRAPPE_EFORMAT, "'ratio'"},
    {"{\"v\":1,\"op\":\"matrix\",\"select\":\"a\\tb\"}", GRAPPE_EFORMAT, "control"},
    {"{\"v\":1,\"op\":\"matrix\",\"select\":\"a\\u0000b\"}", GRAPPE_EFORMAT, "not JSON"},
    {"{\"v\":1,\"op\":\"approve\"}", GRAPPE_EFORMAT, "'id'"},
    {"{\"v\":1,\"op\":\"approve\",\"id\":"
     "\"0123456789012345678901234567890123456789012345678901234567890123456789012345678901\"}",
	GRAPPE_ERANGE, "'id'"},
};

START_TEST(bad_requests_are_refused)
{
	ck_assert_int_eq(parse(bad_requests[_i].line), bad_requests[_i].rc);
	ck_assert_msg(strstr(message, bad_requests[_i].words) != NULL, "%s", message);
}
END_TEST

START_TEST(long_requests_are_refused)
{
	char *line = calloc(1, PROTOCOL_REQUEST_MAX + 2);

	memset(line, ' ', PROTOCOL_REQUEST_MAX + 1);
	memcpy(line, "{\"v\":1,\"op\":\"status\"}", 21);
	ck_assert_int_eq(parse(line), GRAPPE_ERANGE);
	line[PROTOCOL_REQUEST_MAX] = '\0';
	ck_assert_int_eq(parse(line), GRAPPE_OK);
	free(line);
}
END_TEST

/* ---- replies from memory ---- */

static const char whole_reply[] =
    "{\"status\":\"ok\",\"exact\":true,\"approximate\":false,\"periods\":[1,2],\"from\":0,\"to\":"
    "60,"
    "\"length\":30,\"caveats\":{\"periods\":2,\"merged\":1},\"columns\":[\"a\",\"b\"],\"data\":{"
    "\"x\":1},\"later\":[]}\n"
    "1\tx\n.end 5\tz\n\t\n.end 3\n";

START_TEST(a_reply_is_read)
{
	struct protocol_reply reply;

	ck_assert_int_eq(
	    protocol_reply_parse(whole_reply, sizeof whole_reply - 1, &reply), GRAPPE_OK);
	ck_assert_int_eq(reply.answer.status, STATUS_OK);
	ck_assert(reply.answer.exact);
	ck_assert_uint_eq(reply.answer.known, 1);
	ck_assert_uint_eq(reply.answer.wanted, 2);
	ck_assert_int_eq(reply.answer.to_s, 60);
	ck_assert_uint_eq(reply.answer.length_s, 30);
	ck_assert_uint_eq(reply.answer.caveats.marked[CAVEAT_MERGED], 1);
	ck_assert_str_eq(reply.answer.columns[1], "b");
	ck_assert_int_eq(json_integer_value(json_object_get(reply.answer.data, "x")), 1);
	ck_assert_uint_eq(reply.nrows, 3);
	ck_assert_uint_eq(reply.ncolumns, 2);
	ck_assert_str_eq(protocol_reply_field(&reply, 0, 1), "x");
	ck_assert_str_eq(protocol_reply_field(&reply, 1, 0), ".end 5");
	ck_assert_str_eq(protocol_reply_field(&reply, 2, 1), "");
	protocol_reply_deinit(&reply);
}
END_TEST

START_TEST(a_reply_cut_anywhere_is_refused)
{
	for (size_t length = 0; length < sizeof whole_reply - 1; length++) {
		struct protocol_reply reply;
		const int rc = protocol_reply_parse(whole_reply, length, &reply);

		ck_assert_msg(rc == GRAPPE_ETRUNCATED, "%zu bytes: %d", length, rc);
		protocol_reply_deinit(&reply);
	}
}
END_TEST

static const struct {
	const char *bytes;
	int rc;
} bad_replies[] = {
    {"\n.end 0\n", GRAPPE_EFORMAT},
    {"[]\n.end 0\n", GRAPPE_EFORMAT},
    {"{}\n.end 0\n", GRAPPE_EFORMAT},
    {"{\"status\":\"fine\"}\n.end 0\n", GRAPPE_EFORMAT},
    {"{\"status\":\"error\"}\n.end 0\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\"}\n.end 1\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\"}\n.end x\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\"}\n.end 99999999999999999999999\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\"}\n.end 0\n\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\"}\na\tb\n.end 1\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\",\"columns\":[\"a\"]}\n.end 0\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\",\"columns\":[\"a\",1]}\n.end 0\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\",\"columns\":3}\n.end 0\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\",\"columns\":[\"a\",\"b\"]}\na\n.end 1\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\",\"columns\":[\"a\",\"b\"]}\na\tb\tc\n.end 1\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\",\"columns\":[\"a\",\"b\"]}\na\tb\033\n.end 1\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\",\"periods\":[3,2]}\n.end 0\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\",\"periods\":[-1,2]}\n.end 0\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\",\"periods\":2}\n.end 0\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\",\"caveats\":[]}\n.end 0\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\",\"exact\":1}\n.end 0\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\",\"length\":-30}\n.end 0\n", GRAPPE_EFORMAT},
    {"{\"status\":\"ok\",\"length\":\"30\"}\n.end 0\n", GRAPPE_EFORMAT},
};

START_TEST(bad_replies_are_refused)
{
	struct protocol_reply reply;

	ck_assert_int_eq(
	    protocol_reply_parse(bad_replies[_i].bytes, strlen(bad_replies[_i].bytes), &reply),
	    bad_replies[_i].rc);
	ck_assert_uint_eq(reply.nrows, 0);
	protocol_reply_deinit(&reply);
}
END_TEST

/* ---- a reply in pieces ---- */

static int note_header(void *context, const struct protocol_answer *answer, size_t ncolumns)
{
	snprintf(context, 64, "%d%zu", answer->status, ncolumns);
	return GRAPPE_OK;
}

static int note_row(void *context, const char *const *fields)
{
	char *notes = context;

	snprintf(notes + strlen(notes), 64 - strlen(notes), "|%s,%s", fields[0], fields[1]);
	return GRAPPE_OK;
}

static int feed(
    const char *bytes, size_t length, size_t piece, const struct protocol_sink *sink, size_t *room)
{
	struct protocol_stream *stream;
	int rc = protocol_stream_new(sink, &stream);

	for (size_t at = 0; rc == GRAPPE_OK && at < length; at += piece) {
		const size_t n = piece < length - at ? piece : length - at;

		memcpy(protocol_stream_room(stream, room), bytes + at, n);
		rc = protocol_stream_take(stream, n);
	}
	protocol_stream_free(stream);
	return rc;
}

START_TEST(pieces_of_any_size_give_the_same)
{
	for (size_t piece = 1; piece <= sizeof whole_reply; piece++) {
		char notes[64] = "";
		const struct protocol_sink sink = {note_header, note_row, notes};
		size_t room;

		ck_assert_int_eq(feed(whole_reply, sizeof whole_reply - 1, piece, &sink, &room),
		    PROTOCOL_STREAM_ENDED);
		ck_assert_str_eq(notes, "02|1,x|.end 5,z|,");
	}
}
END_TEST

static int count_row(void *context, const char *const *fields)
{
	(void)fields;
	++*(int *)context;
	return GRAPPE_OK;
}

static int take_header_only(void *context, const struct protocol_answer *answer, size_t ncolumns)
{
	(void)context;
	(void)answer;
	(void)ncolumns;
	return GRAPPE_OK;
}

START_TEST(a_stream_bounds_its_lines)
{
	static const char header[] = "{\"status\":\"ok\",\"columns\":[\"a\",\"b\"]}\n";
	const size_t start = strlen(header), length = start + PROTOCOL_ROW_MAX + 3;
	char *text = malloc(length);
	int rows = 0;
	const struct protocol_sink sink = {take_header_only, count_row, &rows};
	size_t room;

	memset(text, 'x', length);
	memcpy(text, header, start);
	text[start] = '\t';
	text[start + PROTOCOL_ROW_MAX] = '\n'; /* as long as a row may be */
	ck_assert_int_eq(feed(text, length - 2, 1000, &sink, &room), GRAPPE_OK);
	ck_assert_int_eq(rows, 1);
	text[start + PROTOCOL_ROW_MAX] = 'x';
	text[start + PROTOCOL_ROW_MAX + 1] = '\n';
	ck_assert_int_eq(feed(text, length - 1, 1000, &sink, &room), GRAPPE_ELIMIT);
	ck_assert_int_eq(feed(text, length - 1, 1 << 20, &sink, &room), GRAPPE_ELIMIT);
	ck_assert_int_eq(rows, 1);
	free(text);
}
END_TEST

START_TEST(bad_replies_are_refused_as_streams)
{
	int rows = 0;
	const struct protocol_sink sink = {take_header_only, count_row, &rows};

	ck_assert_int_eq(
	    protocol_stream_parse(bad_replies[_i].bytes, strlen(bad_replies[_i].bytes), &sink),
	    bad_replies[_i].rc);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("protocol");
	TCase *tcase = tcase_create("memory");

	tcase_add_test(tcase, requests_come_back);
	tcase_add_test(tcase, what_is_left_out_is_zero);
	tcase_add_loop_test(
	    tcase, bad_requests_are_refused, 0, sizeof bad_requests / sizeof *bad_requests);
	tcase_add_test(tcase, long_requests_are_refused);
	tcase_add_test(tcase, a_reply_is_read);
	tcase_add_test(tcase, a_reply_cut_anywhere_is_refused);
	tcase_add_loop_test(
	    tcase, bad_replies_are_refused, 0, sizeof bad_replies / sizeof *bad_replies);
	tcase_add_loop_test(
	    tcase, bad_replies_are_refused_as_streams, 0, sizeof bad_replies / sizeof *bad_replies);
	tcase_add_test(tcase, pieces_of_any_size_give_the_same);
	tcase_add_test(tcase, a_stream_bounds_its_lines);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
