/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/clock.h"
#include "common/error.h"
#include "common/secret.h"
#include "manager/http.h"
#include "tests/fakes/http_server.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct event_base *base;
static struct http_client *client;
static struct http_server *server;

/* What `done` was told, and how often. */
static struct {
	int calls;
	enum http_verdict verdict;
	long code;
	size_t length;
	char reason[400];
	char answer[64], header[64];
} got;

static void set_up(void)
{
	memset(&got, 0, sizeof got);
	base = event_base_new();
	ck_assert_int_eq(http_client_new(base, &client), GRAPPE_OK);
	server = http_server_new(base);
}

static void tear_down(void)
{
	http_client_free(client);
	http_server_free(server);
	event_base_free(base);
}

static void on_done(const struct http_result *result, void *context)
{
	ck_assert_ptr_eq(context, &got);
	got.calls++;
	got.verdict = result->verdict;
	got.code = result->code;
	got.length = result->length;
	ck_assert_uint_eq(strlen(result->answer) <= result->length, 1);
	snprintf(got.reason, sizeof got.reason, "%s", result->reason);
	snprintf(got.answer, sizeof got.answer, "%s", result->answer);
	snprintf(
	    got.header, sizeof got.header, "%s", http_answer_header(result, "X-Subject-Token"));
}

static struct http_request post_to(const char *url)
{
	const struct http_request request = {.url = url,
	    .body = "{\"a\":1}",
	    .length = 7,
	    .connect_ms = 2000,
	    .total_ms = 3000,
	    .answer_max = 4096};

	return request;
}

/* Runs the loop until the answer is there; the limit ends a test that would hang. */
static void wait_done(int calls)
{
	const int64_t limit = clock_monotonic_ns() + 20 * CLOCK_SECOND_NS;

	while (got.calls < calls && clock_monotonic_ns() < limit) {
		const struct timeval step = {0, 50000};

		event_base_loopexit(base, &step);
		event_base_loop(base, EVLOOP_ONCE);
	}
	ck_assert_int_eq(got.calls, calls);
}

static void exchange(const struct http_request *request)
{
	ck_assert_int_eq(http_send(client, request, on_done, &got, NULL), GRAPPE_OK);
	ck_assert_int_eq(got.calls, 0);
	wait_done(1);
}

START_TEST(test_post_reaches_the_server)
{
	const char *const headers[] = {
	    "Content-Type: application/json", "Grappe-Recommendation: 9f", NULL};
	struct http_request request = post_to(http_server_url(server, "/ok"));
	const struct http_seen *seen;

	request.headers = headers;
	request.token = "secret-1";
	exchange(&request);
	ck_assert_int_eq(got.verdict, HTTP_DONE);
	ck_assert_int_eq(got.code, 204);
	ck_assert_str_eq(got.reason, "");
	ck_assert_uint_eq(http_server_count(server), 1);
	seen = http_server_seen(server, 0);
	ck_assert_str_eq(seen->method, "POST");
	ck_assert_str_eq(seen->body, "{\"a\":1}");
	ck_assert_str_eq(seen->content_type, "application/json");
	ck_assert_str_eq(seen->recommendation, "9f");
	ck_assert_str_eq(seen->authorization, "Bearer secret-1");
}
END_TEST

START_TEST(test_get_without_body)
{
	struct http_request request = post_to(http_server_url(server, "/code/200"));

	request.body = NULL;
	exchange(&request);
	ck_assert_int_eq(got.verdict, HTTP_DONE);
	ck_assert_str_eq(http_server_seen(server, 0)->method, "GET");
	ck_assert_str_eq(http_server_seen(server, 0)->authorization, "");
}
END_TEST

/* Answers and what they mean for another try. */
static const struct {
	const char *path;
	enum http_verdict verdict;
	long code;
	const char *reason; /* part of it */
} answers[] = {
    {"/code/200", HTTP_DONE, 200, ""},
    {"/code/202", HTTP_DONE, 202, ""},
    {"/code/304", HTTP_REFUSED, 304, "redirect"},
    {"/redirect", HTTP_REFUSED, 302, "redirects are not followed"},
    {"/code/400", HTTP_REFUSED, 400, "it answered 400"},
    {"/code/401", HTTP_REFUSED, 401, "401"},
    {"/code/404", HTTP_REFUSED, 404, "404"},
    {"/code/408", HTTP_AGAIN, 408, "408"},
    {"/code/429", HTTP_AGAIN, 429, "429"},
    {"/code/500", HTTP_AGAIN, 500, "500"},
    {"/code/599", HTTP_AGAIN, 599, "599"},
    {"/cut", HTTP_AGAIN, 0, "Empty reply"},
    {"/huge", HTTP_REFUSED, 200, "too long (body)"},
    {"/headers", HTTP_REFUSED, 200, "too long (headers)"},
};

START_TEST(test_answers)
{
	const struct http_request request = post_to(http_server_url(server, answers[_i].path));

	exchange(&request);
	ck_assert_int_eq(got.verdict, answers[_i].verdict);
	ck_assert_int_eq(got.code, answers[_i].code);
	ck_assert_msg(strstr(got.reason, answers[_i].reason) != NULL, "reason: %s", got.reason);
	ck_assert_uint_le(got.length, 4096);
	/* A redirect is never followed: one request came in. A cut one libcurl does not repeat
	 * either. */
	ck_assert_uint_eq(http_server_count(server), 1);
}
END_TEST

START_TEST(test_slow_server_ends_at_the_limit)
{
	struct http_request request = post_to(http_server_url(server, "/slow"));
	const int64_t start = clock_monotonic_ns();
	int64_t took_ms;

	request.total_ms = 400;
	exchange(&request);
	took_ms = (clock_monotonic_ns() - start) / CLOCK_MILLISECOND_NS;
	ck_assert_int_eq(got.verdict, HTTP_AGAIN);
	ck_assert_int_ge(took_ms, 350);
	ck_assert_int_le(took_ms, 5000);
	ck_assert_ptr_nonnull(strstr(got.reason, "timed out"));
}
END_TEST

START_TEST(test_refused_connection)
{
	const struct http_request request = post_to(http_server_url(server, "/ok"));

	http_server_stop(server);
	exchange(&request);
	ck_assert_int_eq(got.verdict, HTTP_AGAIN);
	ck_assert_int_eq(got.code, 0);
	ck_assert_uint_eq(http_server_count(server), 0);
}
END_TEST

START_TEST(test_many_at_once)
{
	const struct http_request request = post_to(http_server_url(server, "/code/200"));

	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(http_send(client, &request, on_done, &got, NULL), GRAPPE_OK);
	wait_done(20);
	ck_assert_uint_eq(http_server_count(server), 20);
}
END_TEST

START_TEST(test_cancel_calls_nobody)
{
	const struct http_request slow = post_to(http_server_url(server, "/slow"));
	struct http_request quick;
	struct http_exchange *under_way;

	ck_assert_int_eq(http_send(client, &slow, on_done, &got, &under_way), GRAPPE_OK);
	quick = post_to(http_server_url(server, "/ok"));
	ck_assert_int_eq(http_send(client, &quick, on_done, &got, NULL), GRAPPE_OK);
	wait_done(1);
	http_cancel(under_way);
	http_cancel(NULL);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(got.calls, 1);
	/* Freed with one still under way: nothing leaks, nobody is called. */
	ck_assert_int_eq(http_send(client, &slow, on_done, &got, NULL), GRAPPE_OK);
}
END_TEST

static const struct {
	const char *url;
	const char *reason; /* NULL: good */
} urls[] = {
    {"http://noc.example/hook", NULL},
    {"https://noc.example:8443/hook?x=1", NULL},
    {"HTTPS://[2001:db8::1]/", NULL},
    {"", "is no URL"},
    {"noc.example/hook", "is no URL"},
    {"http://", "is no URL"},
    {"http://a b/", "is no URL"},
    {"file:///etc/shadow", "is neither http nor https"},
    {"gopher://noc.example/", "is neither http nor https"},
    {"ftp://noc.example/", "is neither http nor https"},
    {"https://user:word@noc.example/", "holds a user or password; use a token file"},
    {"https://user@noc.example/", "holds a user or password; use a token file"},
};

START_TEST(test_urls)
{
	const char *reason;
	const bool good = http_check_url(urls[_i].url, &reason);
	const struct http_request request = post_to(urls[_i].url);

	ck_assert_int_eq(good, urls[_i].reason == NULL);
	if (urls[_i].reason == NULL)
		ck_assert_ptr_null(reason);
	else {
		ck_assert_str_eq(reason, urls[_i].reason);
		ck_assert_int_eq(http_send(client, &request, on_done, &got, NULL), GRAPPE_EINVALID);
	}
}
END_TEST

START_TEST(test_limits_must_be_positive)
{
	struct http_request request = post_to(http_server_url(server, "/ok"));
	const char *const many[] = {
	    "A: 1", "A: 2", "A: 3", "A: 4", "A: 5", "A: 6", "A: 7", "A: 8", "A: 9", NULL};

	request.total_ms = 0;
	ck_assert_int_eq(http_send(client, &request, on_done, &got, NULL), GRAPPE_ERANGE);
	request = post_to(http_server_url(server, "/ok"));
	request.connect_ms = -1;
	ck_assert_int_eq(http_send(client, &request, on_done, &got, NULL), GRAPPE_ERANGE);
	request = post_to(http_server_url(server, "/ok"));
	request.answer_max = 0;
	ck_assert_int_eq(http_send(client, &request, on_done, &got, NULL), GRAPPE_ERANGE);
	request = post_to(http_server_url(server, "/ok"));
	request.headers = many;
	ck_assert_int_eq(http_send(client, &request, on_done, &got, NULL), GRAPPE_ERANGE);
}
END_TEST

static const struct {
	const char *text;
	size_t length; /* 0: strlen(text) */
	mode_t mode;
	int rc;
} tokens[] = {
    {"abc.DEF-123\n", 0, 0600, GRAPPE_OK},
    {"abc.DEF-123", 0, 0400, GRAPPE_OK},
    {"abc.DEF-123\r\n\n", 0, 0600, GRAPPE_OK},
    {"abc.DEF-123\n", 0, 0640, GRAPPE_EINVALID},
    {"abc.DEF-123\n", 0, 0604, GRAPPE_EINVALID},
    {"", 0, 0600, GRAPPE_EFORMAT},
    {"\n", 0, 0600, GRAPPE_EFORMAT},
    {"one\ntwo\n", 0, 0600, GRAPPE_EFORMAT},
    {"one two\n", 0, 0600, GRAPPE_EFORMAT},
    {"x\r\nHost: evil\n", 0, 0600, GRAPPE_EFORMAT},
    {"a\0b", 3, 0600, GRAPPE_EFORMAT},
    {"caf\xc3\xa9\n", 0, 0600, GRAPPE_EFORMAT},
};

static void write_file(const char *path, const char *text, size_t length, mode_t mode)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, length), (ssize_t)length);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

START_TEST(test_token_files)
{
	char path[] = "/tmp/grappe-token-XXXXXX", token[SECRET_SIZE], message[512] = "";
	const size_t length = tokens[_i].length ? tokens[_i].length : strlen(tokens[_i].text);
	const int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	write_file(path, tokens[_i].text, length, tokens[_i].mode);
	ck_assert_int_eq(secret_read_token(path, token, message, sizeof message), tokens[_i].rc);
	ck_assert_str_eq(token, tokens[_i].rc == GRAPPE_OK ? "abc.DEF-123" : "");
	if (tokens[_i].rc != GRAPPE_OK)
		ck_assert_ptr_nonnull(strstr(message, path));
	unlink(path);
}
END_TEST

START_TEST(test_token_files_of_other_kinds)
{
	char token[SECRET_SIZE], message[512], path[] = "/tmp/grappe-token-XXXXXX";
	char text[SECRET_SIZE];
	const int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(
	    secret_read_token("/nonexistent/token", token, message, sizeof message), GRAPPE_EIO);
	ck_assert_int_eq(
	    secret_read_token("/tmp", token, message, sizeof message), GRAPPE_EINVALID);
	memset(text, 'x', sizeof text);
	write_file(path, text, sizeof text, 0600);
	ck_assert_int_eq(secret_read_token(path, token, message, sizeof message), GRAPPE_EFORMAT);
	write_file(path, text, sizeof text - 1, 0600);
	ck_assert_int_eq(secret_read_token(path, token, message, sizeof message), GRAPPE_OK);
	ck_assert_uint_eq(strlen(token), sizeof text - 1);
	unlink(path);
}
END_TEST

static const struct http_recorded recorded[] = {
    {"DELETE", "/jobs/7", NULL, 200, "X-Subject-Token: first\nX-Subject-Token: second\n", "gone",
	0},
    {NULL, NULL, NULL, 0, NULL, NULL, 0},
};

START_TEST(test_method_login_and_headers_of_the_answer)
{
	struct http_request request = post_to(http_server_url(server, "/jobs/7"));

	http_server_play(server, recorded);
	request.body = NULL;
	request.method = "DELETE";
	request.login = "noc:se cret:1";
	exchange(&request);
	ck_assert_int_eq(got.verdict, HTTP_DONE);
	ck_assert_str_eq(got.answer, "gone");
	ck_assert_str_eq(got.header, "second");
	ck_assert_str_eq(http_server_seen(server, 0)->method, "DELETE");
	ck_assert_str_eq(http_server_seen(server, 0)->authorization, "Basic bm9jOnNlIGNyZXQ6MQ==");
	ck_assert_uint_eq(http_server_unexpected(server), 0);
}
END_TEST

/* libcurl by itself sends again what it sent on an old connection that was cut. */
START_TEST(test_what_may_change_something_is_sent_once)
{
	struct http_request request;
	const char *const methods[] = {"POST", "PUT", "DELETE"};

	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		const size_t before = http_server_count(server);

		request = post_to(http_server_url(server, "/code/200"));
		request.body = NULL;
		got.calls = 0;
		exchange(&request);
		ck_assert_int_eq(got.verdict, HTTP_DONE);
		request = post_to(http_server_url(server, "/cut"));
		request.method = methods[i];
		got.calls = 0;
		exchange(&request);
		ck_assert_int_eq(got.verdict, HTTP_AGAIN);
		ck_assert_uint_eq(http_server_count(server), before + 2);
	}
}
END_TEST

START_TEST(test_address_in_place_of_the_name)
{
	char address[128];
	const char *url = http_server_url(server, "");
	struct http_request request = post_to("http://cluster.example:5080/ok");

	snprintf(address, sizeof address, "%s", url + strlen("http://"));
	request.address = address;
	exchange(&request);
	ck_assert_int_eq(got.code, 204);
	ck_assert_ptr_nonnull(
	    strstr(http_server_seen(server, 0)->headers, "Host: cluster.example:5080\n"));
	request.address = "no port";
	ck_assert_int_eq(http_send(client, &request, on_done, &got, NULL), GRAPPE_EINVALID);
}
END_TEST

static const struct {
	const char *text;
	bool good;
} addresses[] = {{"192.0.2.1:80", true}, {"[2001:db8::1]:65535", true}, {"host.example:1", true},
    {"", false}, {":80", false}, {"host", false}, {"host:0", false}, {"host:65536", false},
    {"host:80x", false}, {"2001:db8::1:80", false}, {"[::1]", false}, {"[::1]x:80", false},
    {"a b:80", false}};

START_TEST(test_addresses)
{
	ck_assert_int_eq(http_check_address(addresses[_i].text), addresses[_i].good);
}
END_TEST

START_TEST(test_where_credentials_may_go)
{
	ck_assert(http_is_private("https://noc.example/x"));
	ck_assert(http_is_private("http://127.0.0.1:8081/x"));
	ck_assert(http_is_private("http://localhost/x"));
	ck_assert(http_is_private("http://[::1]:80/"));
	ck_assert(!http_is_private("http://noc.example/x"));
	ck_assert(!http_is_private("http://127.0.0.1.example/x"));
	ck_assert(!http_is_private("http://10.0.0.1/"));
}
END_TEST

START_TEST(test_secret_lines)
{
	char secret[SECRET_SIZE], message[512] = "", path[] = "/tmp/grappe-secret-XXXXXX";
	const int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	write_file(path, "noc:two words \303\251\n", 18, 0600);
	ck_assert_int_eq(secret_read_line(path, secret, message, sizeof message), GRAPPE_OK);
	ck_assert_str_eq(secret, "noc:two words \303\251");
	write_file(path, "noc:one\nmore\n", 13, 0600);
	ck_assert_int_eq(secret_read_line(path, secret, message, sizeof message), GRAPPE_EFORMAT);
	ck_assert_str_eq(secret, "");
	write_file(path, "noc:one\n", 8, 0640);
	ck_assert_int_eq(secret_read_line(path, secret, message, sizeof message), GRAPPE_EINVALID);
	unlink(path);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
	Suite *suite = suite_create("http");
	TCase *tcase = tcase_create("http");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_post_reaches_the_server);
	tcase_add_test(tcase, test_get_without_body);
	tcase_add_loop_test(tcase, test_answers, 0, COUNT(answers));
	tcase_add_test(tcase, test_slow_server_ends_at_the_limit);
	tcase_add_test(tcase, test_refused_connection);
	tcase_add_test(tcase, test_many_at_once);
	tcase_add_test(tcase, test_cancel_calls_nobody);
	tcase_add_loop_test(tcase, test_urls, 0, COUNT(urls));
	tcase_add_test(tcase, test_limits_must_be_positive);
	tcase_add_loop_test(tcase, test_token_files, 0, COUNT(tokens));
	tcase_add_test(tcase, test_token_files_of_other_kinds);
	tcase_add_test(tcase, test_secret_lines);
	tcase_add_test(tcase, test_method_login_and_headers_of_the_answer);
	tcase_add_test(tcase, test_what_may_change_something_is_sent_once);
	tcase_add_test(tcase, test_address_in_place_of_the_name);
	tcase_add_loop_test(tcase, test_addresses, 0, COUNT(addresses));
	tcase_add_test(tcase, test_where_credentials_may_go);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
