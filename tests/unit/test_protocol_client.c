/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A client of the socket protocol against servers that misbehave; well-behaved ones:
 * test_protocol_socket.c. */
#include "common/protocol.h"

#include "common/error.h"
#include "tests/unit/unit.h"

#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

static char folder[UNIT_PATH_SIZE];

static const char *bad_answer;
static size_t bad_answer_length, piece_length;
static int pause_ms; /* between pieces */

static void setup(void)
{
	unit_make_folder(folder);
	piece_length = SIZE_MAX;
	pause_ms = 0;
}

static void teardown(void)
{
	unit_remove_folder(folder);
}

static const char whole_reply[] =
    "{\"status\":\"ok\",\"exact\":true,\"approximate\":false,\"periods\":[1,2],\"from\":0,\"to\":"
    "60,"
    "\"length\":30,\"columns\":[\"a\",\"b\"],\"data\":{\"x\":1},\"later\":[]}\n"
    "1\tx\n.end 5\tz\n\t\n.end 3\n";

static void *serve_once(void *context)
{
	const int listener = *(int *)context;
	const int fd = accept(listener, NULL, NULL);
	char line[4096];

	if (recv(fd, line, sizeof line, 0) > 0)
		for (size_t at = 0, n; at < bad_answer_length; at += n) {
			n = bad_answer_length - at < piece_length ? bad_answer_length - at
								  : piece_length;
			if (send(fd, bad_answer + at, n, MSG_NOSIGNAL) < 0)
				break;
			poll(NULL, 0, pause_ms);
		}
	close(fd);
	return NULL;
}

static int note_header(void *context, const struct protocol_answer *answer, size_t ncolumns)
{
	(void)answer;
	(void)ncolumns;
	*(int *)context = 0;
	return GRAPPE_OK;
}

static int count_row(void *context, const char *const *fields)
{
	(void)fields;
	++*(int *)context;
	return GRAPPE_OK;
}

/* timeout_ms < 0: as a stream, with so much patience. */
static int call_server(const char *answer, size_t length, int timeout_ms)
{
	const struct protocol_request asked = {.op = OP_STATUS};
	int rows = 0;
	const struct protocol_sink sink = {note_header, count_row, &rows};

	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), rc;
	struct protocol_reply reply;
	pthread_t server_thread;

	bad_answer = answer;
	bad_answer_length = length;
	snprintf(address.sun_path, sizeof address.sun_path, "%.100s/bad", folder);
	unlink(address.sun_path);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(pthread_create(&server_thread, NULL, serve_once, &listener), 0);
	if (timeout_ms < 0) {
		rc = protocol_call_stream(address.sun_path, &asked, -timeout_ms, &sink);
	} else {
		rc = protocol_call(address.sun_path, &asked, timeout_ms, &reply);
		protocol_reply_deinit(&reply);
	}
	pthread_join(server_thread, NULL);
	close(listener);
	unlink(address.sun_path);
	return rc;
}

/* Both ways to call must find the same. */
static int call_bad_server(const char *answer, size_t length)
{
	const int rc = call_server(answer, length, 5000);

	ck_assert_int_eq(call_server(answer, length, -5000), rc);
	return rc;
}

START_TEST(server_dies_in_its_answer)
{
	for (size_t length = 0; length < sizeof whole_reply - 1; length += 7)
		ck_assert_int_eq(call_bad_server(whole_reply, length), GRAPPE_ETRUNCATED);
	ck_assert_int_eq(call_bad_server(whole_reply, sizeof whole_reply - 1), GRAPPE_OK);
}
END_TEST

START_TEST(server_talks_without_end)
{
	const size_t length = PROTOCOL_HEADER_MAX + 70000;
	char *text = malloc(length);

	memset(text, 'x', length);
	ck_assert_int_eq(call_bad_server(text, length), GRAPPE_ELIMIT);
	memcpy(text, "{}\n", 3);
	ck_assert_int_eq(call_bad_server(text, length), GRAPPE_EFORMAT);
	memcpy(text, "{\"status\":\"ok\"}\n", 16);
	ck_assert_int_eq(call_bad_server(text, length), GRAPPE_ELIMIT);
	free(text);
}
END_TEST

START_TEST(a_stream_may_take_its_time)
{
	const size_t length = sizeof whole_reply - 1;

	piece_length = length / 4 + 1;
	pause_ms = 300;
	ck_assert_int_eq(call_server(whole_reply, length, 500), GRAPPE_ETIMEOUT);
	ck_assert_int_eq(call_server(whole_reply, length, -800), GRAPPE_OK);
	ck_assert_int_eq(call_server(whole_reply, length, -50), GRAPPE_ETIMEOUT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client of the protocol");
	TCase *tcase = tcase_create("sockets");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, server_dies_in_its_answer);
	tcase_add_test(tcase, server_talks_without_end);
	tcase_add_test(tcase, a_stream_may_take_its_time);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
