/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The socket protocol over real sockets: servers and clients that misbehave included. */
#include "common/protocol.h"

#include "common/error.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <event2/event.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* ---- a server in a thread of its own ---- */

static char folder[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 16];
static struct event_base *base;
static struct protocol_server *server;
static struct event *stop_event, *later_event;
static int stop_pipe[2];
static pthread_t thread;
static struct protocol_exchange *kept;
static atomic_int gone_count, handled, kept_count;
static bool listen_for_gone;

static void on_gone(struct protocol_exchange *exchange, void *context)
{
	(void)context;
	ck_assert_ptr_eq(exchange, kept);
	kept = NULL;
	gone_count++;
}

static void answer_rows(struct protocol_exchange *exchange, long count)
{
	const struct protocol_answer answer = {.exact = true,
	    .known = 1,
	    .caveats = {.periods = 1, .marked = {[CAVEAT_ESTIMATED] = 1}},
	    .wanted = 1,
	    .to_s = 30,
	    .length_s = 30,
	    .columns = protocol_columns_mean};
	char number[32];
	const char *fields[] = {number, "tab\there\nand there", "3", NULL, ""};

	protocol_answer_begin(exchange, &answer);
	for (long i = 0; i < count; i++) {
		snprintf(number, sizeof number, "%ld", i);
		protocol_answer_row(exchange, fields);
	}
	protocol_answer_end(exchange);
}

/* An answer in pieces: rows as long as there is room for them. */
static long pieces_left;
static atomic_long pieces_given;

static void give_pieces(struct protocol_exchange *exchange, void *context)
{
	const char *fields[] = {"one", "row of", "an answer", "in pieces", "-"};

	(void)context;
	while (protocol_answer_has_room(exchange)) {
		if (pieces_left-- == 0) {
			protocol_answer_end(exchange);
			return;
		}
		protocol_answer_row(exchange, fields);
		pieces_given++;
	}
}

static void on_pieces_gone(struct protocol_exchange *exchange, void *context)
{
	(void)exchange;
	(void)context;
	gone_count++;
}

static void answer_pieces(struct protocol_exchange *exchange, long count)
{
	const struct protocol_answer answer = {.columns = protocol_columns_mean};

	pieces_left = count;
	pieces_given = 0;
	protocol_answer_begin(exchange, &answer);
	protocol_on_gone(exchange, on_pieces_gone, NULL);
	protocol_on_room(exchange, give_pieces, NULL);
}

static void answer_later(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	(void)context;
	if (kept != NULL)
		answer_rows(kept, 1);
	kept = NULL;
}

static void answer_half(struct protocol_exchange *exchange)
{
	const struct protocol_answer answer = {.columns = protocol_columns_mean};
	const char *fields[] = {"1", "2", "3", "4", "5"};

	protocol_answer_begin(exchange, &answer);
	protocol_answer_row(exchange, fields);
	protocol_answer_error(exchange, "disk on fire");
}

static void answer_too_much(struct protocol_exchange *exchange)
{
	char *text = malloc(PROTOCOL_ROW_MAX + 10);
	const char *fields[] = {text, "", "", "", ""};
	const struct protocol_answer answer = {.columns = protocol_columns_mean};

	memset(text, 'x', PROTOCOL_ROW_MAX + 9);
	text[PROTOCOL_ROW_MAX + 9] = '\0';
	protocol_answer_begin(exchange, &answer);
	protocol_answer_row(exchange, fields);
	protocol_answer_end(exchange);
	free(text);
}

/* What `select` of the request asks this server to do. */
static void handle(
    struct protocol_exchange *exchange, const struct protocol_request *asked, void *context)
{
	(void)context;
	handled++;
	if (asked->op == OP_STATUS) {
		struct protocol_answer answer = {.data = json_pack("{s:s}", "program", "test")};

		protocol_answer_begin(exchange, &answer);
		protocol_answer_end(exchange);
		json_decref(answer.data);
	} else if (strcmp(asked->select, "later") == 0) {
		const struct timeval soon = {.tv_usec = 50000};

		kept = exchange;
		kept_count++;
		evtimer_add(later_event, &soon);
	} else if (strcmp(asked->select, "never") == 0) {
		kept = exchange;
		kept_count++;
		if (listen_for_gone)
			protocol_on_gone(exchange, on_gone, NULL);
	} else if (strcmp(asked->select, "half") == 0) {
		answer_half(exchange);
	} else if (strcmp(asked->select, "too much") == 0) {
		answer_too_much(exchange);
	} else if (strcmp(asked->select, "silent") == 0) {
		protocol_answer_end(exchange);
	} else if (strncmp(asked->select, "pieces ", 7) == 0) {
		answer_pieces(exchange, strtol(asked->select + 7, NULL, 10));
	} else if (asked->select[0] == '\0') {
		protocol_answer_error(exchange, "nothing asked of \"%s\"", "me");
	} else {
		answer_rows(exchange, strtol(asked->select, NULL, 10));
	}
}

static void on_stop(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(context);
}

static void *serve(void *context)
{
	(void)context;
	event_base_dispatch(base);
	return NULL;
}

static void start_server(unsigned clients_max, int idle_ms)
{
	unit_make_folder(folder);
	snprintf(path, sizeof path, "%s/s", folder);
	base = event_base_new();
	ck_assert_int_eq(pipe(stop_pipe), 0);
	stop_event = event_new(base, stop_pipe[0], EV_READ, on_stop, base);
	event_add(stop_event, NULL);
	later_event = evtimer_new(base, answer_later, NULL);
	ck_assert_int_eq(
	    protocol_server_new(base, path, 0640, clients_max, handle, NULL, &server), GRAPPE_OK);
	protocol_server_set_idle(server, idle_ms);
	gone_count = handled = kept_count = 0;
	kept = NULL;
	ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
}

static void stop_server(void)
{
	ck_assert_int_eq(write(stop_pipe[1], "x", 1), 1);
	pthread_join(thread, NULL);
	protocol_server_free(server);
	if (kept != NULL && !listen_for_gone) /* outlived its client: its answer goes nowhere */
		answer_rows(kept, 3);
	event_free(stop_event);
	event_free(later_event);
	event_base_free(base);
	close(stop_pipe[0]);
	close(stop_pipe[1]);
	ck_assert_int_ne(access(path, F_OK), 0);
	unit_remove_folder(folder);
}

static void setup(void)
{
	listen_for_gone = false;
	start_server(8, 5000);
}

static int call(const char *select, struct protocol_reply *reply)
{
	struct protocol_request asked = {.op = OP_MATRIX};

	snprintf(asked.select, sizeof asked.select, "%s", select);
	return protocol_call(path, &asked, 5000, reply);
}

static int connect_raw(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%.100s", path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static void send_raw(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads up to the end of the stream, or until text was seen. */
static char *read_until(int fd, const char *text)
{
	static char in[65536];
	size_t length = 0;

	in[0] = '\0';
	while (length + 1 < sizeof in && (text == NULL || strstr(in, text) == NULL)) {
		struct pollfd item = {.fd = fd, .events = POLLIN};
		ssize_t n;

		ck_assert_msg(poll(&item, 1, 5000) == 1, "nothing more after: %s", in);
		n = recv(fd, in + length, sizeof in - 1 - length, 0);
		if (n <= 0)
			break;
		length += (size_t)n;
		in[length] = '\0';
	}
	return in;
}

static void wait_for(atomic_int *what, int value)
{
	for (int i = 0; i < 1000 && *what < value; i++)
		poll(NULL, 0, 5);
	ck_assert_int_eq(*what, value);
}

static void still_serves(void)
{
	struct protocol_reply reply;

	ck_assert_int_eq(call("2", &reply), GRAPPE_OK);
	ck_assert_uint_eq(reply.nrows, 2);
	protocol_reply_deinit(&reply);
}

START_TEST(rows_arrive)
{
	struct protocol_reply reply;

	ck_assert_int_eq(call("3", &reply), GRAPPE_OK);
	ck_assert_uint_eq(reply.nrows, 3);
	ck_assert_uint_eq(reply.ncolumns, 5);
	ck_assert_str_eq(protocol_reply_field(&reply, 2, 0), "2");
	ck_assert_str_eq(protocol_reply_field(&reply, 2, 1), "tab here and there");
	ck_assert_str_eq(protocol_reply_field(&reply, 2, 3), "-");
	ck_assert_str_eq(protocol_reply_field(&reply, 2, 4), "");
	ck_assert(reply.answer.exact);
	ck_assert_uint_eq(reply.answer.caveats.marked[CAVEAT_ESTIMATED], 1);
	protocol_reply_deinit(&reply);
}
END_TEST

START_TEST(data_and_errors_arrive)
{
	const struct protocol_request asked = {.op = OP_STATUS};
	struct protocol_reply reply;

	ck_assert_int_eq(protocol_call(path, &asked, 5000, &reply), GRAPPE_OK);
	ck_assert_str_eq(json_string_value(json_object_get(reply.answer.data, "program")), "test");
	protocol_reply_deinit(&reply);
	ck_assert_int_eq(call("", &reply), GRAPPE_OK);
	ck_assert_int_eq(reply.answer.status, STATUS_ERROR);
	ck_assert_str_eq(reply.answer.error, "nothing asked of \"me\"");
	protocol_reply_deinit(&reply);
}
END_TEST

START_TEST(many_rows_arrive)
{
	struct protocol_reply reply;

	ck_assert_int_eq(call("300000", &reply), GRAPPE_OK);
	ck_assert_uint_eq(reply.nrows, 300000);
	ck_assert_str_eq(protocol_reply_field(&reply, 299999, 0), "299999");
	protocol_reply_deinit(&reply);
}
END_TEST

/* ---- an answer as a stream ---- */

struct seen {
	long rows, most; /* most: after so many the sink has had enough */
	bool begun;
};

static int see_header(void *context, const struct protocol_answer *answer, size_t ncolumns)
{
	struct seen *seen = context;

	ck_assert(!seen->begun);
	seen->begun = true;
	ck_assert_uint_eq(ncolumns, answer->status == STATUS_OK ? 5 : 0);
	return GRAPPE_OK;
}

static int see_row(void *context, const char *const *fields)
{
	struct seen *seen = context;

	if (seen->rows == seen->most)
		return GRAPPE_EUNSUPPORTED;
	ck_assert_int_eq(strtol(fields[0], NULL, 10), seen->rows++);
	ck_assert_str_eq(fields[4], "");
	return GRAPPE_OK;
}

static int stream(const char *select, struct seen *seen)
{
	const struct protocol_sink sink = {see_header, see_row, seen};
	struct protocol_request asked = {.op = OP_MATRIX};

	snprintf(asked.select, sizeof asked.select, "%s", select);
	return protocol_call_stream(path, &asked, 5000, &sink);
}

START_TEST(rows_stream)
{
	struct seen seen = {.most = LONG_MAX};

	ck_assert_int_eq(stream("300000", &seen), GRAPPE_OK);
	ck_assert_int_eq(seen.rows, 300000);
	seen = (struct seen){.most = LONG_MAX};
	ck_assert_int_eq(stream("", &seen), GRAPPE_OK); /* refused: a header, no rows */
	ck_assert(seen.begun);
	ck_assert_int_eq(seen.rows, 0);
}
END_TEST

START_TEST(half_a_stream_is_an_error)
{
	struct seen seen = {.most = LONG_MAX};

	ck_assert_int_eq(stream("too much", &seen), GRAPPE_ETRUNCATED);
	ck_assert_int_eq(seen.rows, 0);
}
END_TEST

START_TEST(a_sink_may_stop)
{
	struct seen seen = {.most = 70000};

	ck_assert_int_eq(stream("300000", &seen), GRAPPE_EUNSUPPORTED);
	ck_assert_int_eq(seen.rows, 70000);
	still_serves();
}
END_TEST

START_TEST(deferred_answer)
{
	struct protocol_reply reply;

	ck_assert_int_eq(call("later", &reply), GRAPPE_OK);
	ck_assert_uint_eq(reply.nrows, 1);
	protocol_reply_deinit(&reply);
}
END_TEST

START_TEST(patience_ends)
{
	const struct protocol_request asked = {.op = OP_MATRIX, .select = "never"};
	struct protocol_reply reply;

	ck_assert_int_eq(protocol_call(path, &asked, 100, &reply), GRAPPE_ETIMEOUT);
	protocol_reply_deinit(&reply);
	still_serves();
}
END_TEST

START_TEST(client_leaves)
{
	int fd;

	listen_for_gone = true;
	fd = connect_raw();
	send_raw(fd, "{\"v\":1,\"op\":\"matrix\",\"select\":\"never\"}\n");
	wait_for(&kept_count, 1);
	ck_assert_int_eq(gone_count, 0);
	close(fd);
	wait_for(&gone_count, 1);
	still_serves();
}
END_TEST

START_TEST(client_leaves_unnoticed)
{
	int fd = connect_raw();

	send_raw(fd, "{\"v\":1,\"op\":\"matrix\",\"select\":\"later\"}\n");
	wait_for(&kept_count, 1);
	close(fd);
	poll(NULL, 0, 100); /* the answer is given meanwhile, to nobody */
	still_serves();
}
END_TEST

START_TEST(garbage_is_answered)
{
	int fd = connect_raw();

	send_raw(fd, "GET / HTTP/1.0\r\n\001\002\n{\"v\":1,\"op\":\"status\"}\n");
	ck_assert_ptr_nonnull(strstr(
	    read_until(fd, "\"program\":\"test\""), "{\"status\":\"error\",\"error\":\"not JSON"));
	close(fd);
	still_serves();
}
END_TEST

START_TEST(oversized_line)
{
	int fd = connect_raw();
	char *text = calloc(1, PROTOCOL_REQUEST_MAX + 100);

	memset(text, 'x', PROTOCOL_REQUEST_MAX + 99);
	send_raw(fd, text);
	free(text);
	ck_assert_ptr_nonnull(strstr(read_until(fd, NULL), "at most 4096 bytes\"}\n.end 0\n"));
	close(fd);
	still_serves();
}
END_TEST

START_TEST(half_a_line)
{
	int fd = connect_raw();

	send_raw(fd, "{\"v\":1,\"op\":");
	close(fd);
	still_serves();
	ck_assert_int_eq(handled, 1);
}
END_TEST

START_TEST(many_requests_on_one_connection)
{
	int fd = connect_raw();

	for (int i = 0; i < 200; i++)
		send_raw(fd, "{\"v\":1,\"op\":\"matrix\",\"select\":\"1\"}\n");
	for (int i = 0; i < 200; i++) {
		struct protocol_reply reply;
		char in[1024];
		size_t length = 0;

		while (length < 7 || memcmp(in + length - 7, ".end 1\n", 7) != 0) {
			ck_assert_uint_lt(length, sizeof in);
			ck_assert_int_eq(recv(fd, in + length, 1, 0), 1);
			length++;
		}
		ck_assert_int_eq(protocol_reply_parse(in, length, &reply), GRAPPE_OK);
		ck_assert_uint_eq(reply.nrows, 1);
		protocol_reply_deinit(&reply);
	}
	ck_assert_int_eq(handled, 200);
	close(fd);
}
END_TEST

START_TEST(requests_far_ahead)
{
	char *text = malloc(60000);
	int fd = connect_raw();
	ssize_t n = 1;

	memset(text, '\n', 60000);
	send_raw(fd, "{\"v\":1,\"op\":\"matrix\",\"select\":\"never\"}\n");
	wait_for(&kept_count, 1);
	/* One that keeps sending while it waits is cut off, not stored. */
	for (int i = 0; i < 200 && n > 0; i++)
		n = send(fd, text, 60000, MSG_NOSIGNAL);
	ck_assert_int_lt(n, 0);
	close(fd);
	free(text);
	still_serves();
}
END_TEST

START_TEST(half_closed_client_is_answered)
{
	int fd = connect_raw();

	send_raw(
	    fd, "{\"v\":1,\"op\":\"status\"}\n{\"v\":1,\"op\":\"matrix\",\"select\":\"9999\"}\n");
	shutdown(fd, SHUT_WR);
	ck_assert_ptr_nonnull(strstr(read_until(fd, "\"columns\""), "\"program\":\"test\""));
	close(fd);
}
END_TEST

START_TEST(an_answer_that_fails_is_truncated)
{
	struct protocol_reply reply;

	ck_assert_int_eq(call("half", &reply), GRAPPE_ETRUNCATED);
	protocol_reply_deinit(&reply);
	ck_assert_int_eq(call("too much", &reply), GRAPPE_ETRUNCATED);
	protocol_reply_deinit(&reply);
	ck_assert_int_eq(call("silent", &reply), GRAPPE_ETRUNCATED);
	protocol_reply_deinit(&reply);
	still_serves();
}
END_TEST

START_TEST(reader_that_stops)
{
	int fd = connect_raw();

	/* Its answer waits in the server; others are served meanwhile. */
	send_raw(fd, "{\"v\":1,\"op\":\"matrix\",\"select\":\"200000\"}\n"
		     "{\"v\":1,\"op\":\"matrix\",\"select\":\"1\"}\n");
	still_serves();
	ck_assert_int_eq(handled, 2);
	close(fd);
	still_serves();
}
END_TEST

START_TEST(pieces_make_a_whole_answer)
{
	struct protocol_reply reply;

	ck_assert_int_eq(call("pieces 200000", &reply), GRAPPE_OK);
	ck_assert_uint_eq(reply.nrows, 200000);
	protocol_reply_deinit(&reply);
	ck_assert_int_eq(gone_count, 0);
	ck_assert_int_eq(call("pieces 0", &reply), GRAPPE_OK);
	ck_assert_uint_eq(reply.nrows, 0);
	protocol_reply_deinit(&reply);
}
END_TEST

/* A reader that stops holds the answer up, not memory; one that leaves ends it. */
START_TEST(pieces_wait_for_their_reader)
{
	int fd = connect_raw();
	long given;

	send_raw(fd, "{\"v\":1,\"op\":\"matrix\",\"select\":\"pieces 10000000\"}\n");
	read_until(fd, "\n");
	do {
		given = pieces_given;
		still_serves();
		poll(NULL, 0, 50);
	} while (given != pieces_given);
	ck_assert_int_gt(given, 0);
	ck_assert_int_lt(given * 30, 4 << 20); /* bytes: what waits here and in the kernel */
	close(fd);
	wait_for(&gone_count, 1);
	still_serves();
}
END_TEST

/* Half-closed by its client, an answer in pieces still arrives whole. */
START_TEST(pieces_for_a_half_closed_client)
{
	int fd = connect_raw();
	char in[65536], last[16] = "";
	ssize_t n;

	send_raw(fd, "{\"v\":1,\"op\":\"matrix\",\"select\":\"pieces 100000\"}\n");
	shutdown(fd, SHUT_WR);
	while ((n = recv(fd, in, sizeof in, 0)) > 0) {
		const size_t tail = n < 12 ? (size_t)n : 12;

		memmove(last, last + tail, 12 - tail);
		memcpy(last + 12 - tail, in + n - tail, tail);
	}
	ck_assert_str_eq(last, ".end 100000\n");
	close(fd);
}
END_TEST

START_TEST(idle_client_is_closed)
{
	int fd;

	stop_server();
	start_server(8, 200);
	fd = connect_raw();
	for (int i = 0; i < 4; i++) { /* a byte now and then is no request */
		send_raw(fd, "{");
		poll(NULL, 0, 20);
	}
	ck_assert_str_eq(read_until(fd, NULL), "");
	close(fd);
	still_serves();
}
END_TEST

START_TEST(too_many_clients)
{
	int fds[2];

	stop_server();
	start_server(2, 5000);
	for (int i = 0; i < 2; i++) {
		fds[i] = connect_raw();
		send_raw(fds[i], "{\"v\":1,\"op\":\"status\"}\n");
		read_until(fds[i], ".end 0\n");
	}
	{
		struct protocol_reply reply;

		ck_assert_int_eq(call("1", &reply), GRAPPE_OK);
		ck_assert_str_eq(reply.answer.error, "too many clients");
		protocol_reply_deinit(&reply);
	}
	close(fds[0]);
	send_raw(
	    fds[1], "{\"v\":1,\"op\":\"status\"}\n"); /* answered after the other's end was seen */
	read_until(fds[1], ".end 0\n");
	still_serves();
	close(fds[1]);
}
END_TEST

START_TEST(the_socket)
{
	struct protocol_server *second;
	struct stat status;
	FILE *file;

	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_mode & 07777, 0640);
	ck_assert_int_eq(
	    protocol_server_new(base, path, 0600, 2, handle, NULL, &second), GRAPPE_EEXISTS);
	snprintf(path, sizeof path, "%s/f", folder);
	file = fopen(path, "w");
	fputs("precious", file);
	fclose(file);
	ck_assert_int_eq(
	    protocol_server_new(base, path, 0600, 2, handle, NULL, &second), GRAPPE_EEXISTS);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(
	    protocol_server_new(base, "/nonexistent/s", 0600, 2, handle, NULL, &second),
	    GRAPPE_EIO);
	ck_assert_ptr_null(second);
}
END_TEST

START_TEST(a_dead_server_is_replaced)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int dead = socket(AF_UNIX, SOCK_STREAM, 0);
	struct protocol_server *second;

	snprintf(address.sun_path, sizeof address.sun_path, "%.100s/d", folder);
	ck_assert_int_eq(bind(dead, (struct sockaddr *)&address, sizeof address), 0);
	close(dead);
	ck_assert_int_eq(
	    protocol_server_new(base, address.sun_path, 0600, 2, handle, NULL, &second), GRAPPE_OK);
	protocol_server_free(second);
}
END_TEST

START_TEST(nobody_there)
{
	const struct protocol_request asked = {.op = OP_STATUS};
	struct protocol_reply reply;

	errno = 0;
	ck_assert_int_eq(protocol_call("/nonexistent/s", &asked, 100, &reply), GRAPPE_EIO);
	ck_assert_int_eq(errno, ENOENT);
	protocol_reply_deinit(&reply);
}
END_TEST

static void add_socket_tests(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, stop_server);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, rows_arrive);
	tcase_add_test(tcase, data_and_errors_arrive);
	tcase_add_test(tcase, many_rows_arrive);
	tcase_add_test(tcase, rows_stream);
	tcase_add_test(tcase, half_a_stream_is_an_error);
	tcase_add_test(tcase, a_sink_may_stop);
	tcase_add_test(tcase, deferred_answer);
	tcase_add_test(tcase, patience_ends);
	tcase_add_test(tcase, client_leaves);
	tcase_add_test(tcase, client_leaves_unnoticed);
	tcase_add_test(tcase, garbage_is_answered);
	tcase_add_test(tcase, oversized_line);
	tcase_add_test(tcase, half_a_line);
	tcase_add_test(tcase, many_requests_on_one_connection);
	tcase_add_test(tcase, requests_far_ahead);
	tcase_add_test(tcase, half_closed_client_is_answered);
	tcase_add_test(tcase, an_answer_that_fails_is_truncated);
	tcase_add_test(tcase, reader_that_stops);
	tcase_add_test(tcase, pieces_make_a_whole_answer);
	tcase_add_test(tcase, pieces_wait_for_their_reader);
	tcase_add_test(tcase, pieces_for_a_half_closed_client);
	tcase_add_test(tcase, idle_client_is_closed);
	tcase_add_test(tcase, too_many_clients);
	tcase_add_test(tcase, the_socket);
	tcase_add_test(tcase, a_dead_server_is_replaced);
	tcase_add_test(tcase, nobody_there);
}

int main(void)
{
	Suite *suite = suite_create("protocol over sockets");
	TCase *tcase = tcase_create("sockets");

	add_socket_tests(tcase);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
