/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The environment document as it changes, in a file and at a URL. */
#include "common/error.h"
#include "common/file.h"
#include "manager/environment_watch.h"
#include "tests/fakes/http_server.h"
#include "tests/unit/unit.h"

#include <event2/event.h>

#define DOCUMENT(as_of, price)                                                                     \
	"{\"version\":1,\"as_of\":\"" as_of "\",\"currency\":\"EUR\",\"environments\":[{\"name\":" \
	"\"site-2\",\"hosts\":[{\"name\":\"a\"}],\"price_vcpu_hour\":" price "}]}"
#define RECENT "2026-11-25T00:00:00Z"

static const char dear[] = DOCUMENT(RECENT, "0.1"), cheap[] = DOCUMENT(RECENT, "0.07"),
		  old[] = DOCUMENT("2020-01-01T00:00:00Z", "0.07");

static struct event_base *base;
static struct http_server *server;
static struct environment_watch *watch;
static char folder[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 32], token_path[UNIT_PATH_SIZE + 32];
static int changes, readies;
static char change[256];

static void on_changed(void *context, const char *text, size_t count)
{
	(void)context;
	ck_assert_uint_ge(count, 1);
	snprintf(change, sizeof change, "%s", text);
	changes++;
}

static void on_ready(void *context)
{
	(void)context;
	readies++;
}

static void setup(void)
{
	unit_make_folder(folder);
	snprintf(path, sizeof path, "%s/sites.json", folder);
	snprintf(token_path, sizeof token_path, "%s/token", folder);
	base = event_base_new();
	server = http_server_new(base);
	changes = readies = 0;
	watch = NULL;
}

static void teardown(void)
{
	environment_watch_free(watch);
	http_server_free(server);
	event_base_free(base);
	unit_remove_folder(folder);
}

static int open_watch(const char *source, const char *token_file)
{
	const struct environment_watch_options options = {.source = source,
	    .ca_file = "",
	    .token_file = token_file,
	    .folder = folder,
	    .refresh_ms = 30,
	    .timeout_ms = 1000,
	    .stale_ms = INT64_C(86400000) * 365 * 100,
	    .changed = on_changed,
	    .ready = on_ready};
	char message[256] = "";
	const int rc = environment_watch_new(base, &options, &watch, message, sizeof message);

	ck_assert(rc == GRAPPE_OK || message[0] != '\0');
	if (rc == GRAPPE_OK)
		environment_watch_start(watch);
	return rc;
}

static void put(const char *text)
{
	ck_assert_int_eq(file_replace(path, text, strlen(text), 0640), GRAPPE_OK);
}

static void turn(int milliseconds)
{
	const struct timeval after = {.tv_usec = milliseconds * 1000};

	event_base_loopexit(base, &after);
	event_base_dispatch(base);
}

static bool text_is(const char *expected)
{
	const char *error, *text;
	size_t length;

	text = environment_watch_document(watch, &length, &error);
	if (expected == NULL || text == NULL)
		return text == expected;
	return length == strlen(expected) && memcmp(text, expected, length) == 0;
}

static bool state_is(const char *expected)
{
	json_t *status = environment_watch_status(watch, 1795600000);
	const bool same =
	    strcmp(json_string_value(json_object_get(status, "state")), expected) == 0;

	json_decref(status);
	return same;
}

/* Turns the loop until the condition holds, ten seconds at most. */
#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		for (int i_ = 0; i_ < 1000 && !(condition); i_++)                                  \
			turn(10);                                                                  \
		ck_assert(condition);                                                              \
	} while (0)

START_TEST(a_file_is_followed)
{
	put(dear);
	ck_assert_int_eq(open_watch(path, ""), GRAPPE_OK);
	UNTIL(readies == 1);
	ck_assert(text_is(dear) && state_is("ok"));
	ck_assert_int_eq(changes, 0);
	put(cheap);
	UNTIL(changes == 1);
	ck_assert_str_eq(change, "site-2: price_vcpu_hour fell by 30 %, from 0.1 to 0.07 EUR");
	ck_assert(text_is(cheap));
	/* Other facts of the same content are no change. */
	put(old);
	UNTIL(text_is(old));
	ck_assert_int_eq(changes, 1);
	ck_assert_int_eq(readies, 1);
}
END_TEST

START_TEST(nonsense_is_no_document_and_a_missing_file_leaves_the_last)
{
	put(dear);
	ck_assert_int_eq(open_watch(path, ""), GRAPPE_OK);
	UNTIL(readies == 1);
	put("{\"version\":1}");
	UNTIL(text_is(NULL));
	ck_assert(state_is("failing"));
	put(dear);
	UNTIL(text_is(dear));
	ck_assert(state_is("ok"));
	ck_assert_int_eq(remove(path), 0);
	UNTIL(state_is("failing"));
	ck_assert(text_is(dear));
	ck_assert_int_eq(changes, 0);
}
END_TEST

START_TEST(a_url_is_asked_for_what_is_new)
{
	http_server_serve(server, dear, "\"1\"");
	ck_assert_int_eq(open_watch(http_server_url(server, "/document"), ""), GRAPPE_OK);
	UNTIL(http_server_count(server) >= 3);
	ck_assert(text_is(dear));
	ck_assert_str_eq(http_server_seen(server, 0)->if_none_match, "");
	ck_assert_str_eq(http_server_seen(server, 2)->if_none_match, "\"1\"");
	http_server_serve(server, cheap, "\"2\"");
	UNTIL(changes == 1);
	ck_assert(text_is(cheap));
	/* It is down: what was had stays; it is back: well again. */
	http_server_serve(server, NULL, NULL);
	UNTIL(state_is("failing"));
	ck_assert(text_is(cheap));
	http_server_serve(server, cheap, "\"2\"");
	UNTIL(state_is("ok"));
	ck_assert_int_eq(changes, 1);
}
END_TEST

START_TEST(the_copy_outlives_a_restart)
{
	http_server_serve(server, dear, "\"1\"");
	ck_assert_int_eq(open_watch(http_server_url(server, "/document"), ""), GRAPPE_OK);
	UNTIL(readies == 1);
	environment_watch_free(watch);
	http_server_serve(server, NULL, NULL);
	ck_assert_int_eq(open_watch(http_server_url(server, "/document"), ""), GRAPPE_OK);
	ck_assert(text_is(dear));
	UNTIL(readies == 2);
	ck_assert(text_is(dear) && state_is("failing"));
	http_server_serve(server, cheap, "\"2\"");
	UNTIL(changes == 1);
}
END_TEST

START_TEST(what_a_server_may_do_wrong)
{
	static const char *const paths[] = {
	    "/slow", "/huge", "/headers", "/cut", "/redirect", "/code/404", "/code/304", "/ok"};

	ck_assert_int_eq(open_watch(http_server_url(server, paths[_i]), ""), GRAPPE_OK);
	UNTIL(readies == 1);
	ck_assert(text_is(NULL) && state_is("failing"));
	ck_assert_int_eq(changes, 0);
}
END_TEST

START_TEST(the_token_is_sent_and_guarded)
{
	ck_assert_int_eq(file_replace(token_path, "secret\n", 7, 0600), GRAPPE_OK);
	http_server_serve(server, dear, "\"1\"");
	ck_assert_int_eq(open_watch(http_server_url(server, "/document"), token_path), GRAPPE_OK);
	UNTIL(readies == 1);
	ck_assert_str_eq(http_server_seen(server, 0)->authorization, "Bearer secret");
	environment_watch_free(watch);
	ck_assert_int_eq(file_replace(token_path, "secret\n", 7, 0644), GRAPPE_OK);
	ck_assert_int_eq(open_watch(http_server_url(server, "/document"), token_path), GRAPPE_OK);
	UNTIL(readies == 2);
	ck_assert(state_is("failing"));
}
END_TEST

START_TEST(bad_urls_and_none)
{
	ck_assert_int_eq(open_watch("http://user:word@127.0.0.1/x", ""), GRAPPE_EINVALID);
	ck_assert_int_eq(open_watch("", ""), GRAPPE_OK);
	UNTIL(readies == 1);
	ck_assert(text_is(NULL) && state_is("none"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("environment_watch");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_set_timeout(all, 60);
	tcase_add_test(all, a_file_is_followed);
	tcase_add_test(all, nonsense_is_no_document_and_a_missing_file_leaves_the_last);
	tcase_add_test(all, a_url_is_asked_for_what_is_new);
	tcase_add_test(all, the_copy_outlives_a_restart);
	tcase_add_loop_test(all, what_a_server_may_do_wrong, 0, 8);
	tcase_add_test(all, the_token_is_sent_and_guarded);
	tcase_add_test(all, bad_urls_and_none);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
