/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "manager/chat.h"
#include "manager/publish.h"
#include "manager/publish_queue.h"
#include "tests/fakes/http_server.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOOKS 2

static struct event_base *base;
static struct http_server *server;
static struct publisher *publisher;
static char folder[64], urls[HOOKS][128], message[512];
static struct publish_webhook hooks[HOOKS];
static struct settings_sections sections;

/* What `settled` was told. */
static struct {
	int calls;
	char id[80];
	bool delivered;
} settled;

static void on_settled(const char *id, bool delivered, void *context)
{
	ck_assert_ptr_eq(context, &settled);
	settled.calls++;
	settled.delivered = delivered;
	snprintf(settled.id, sizeof settled.id, "%s", id);
}

static void set_up(void)
{
	log_open("test_publish", LOG_LEVEL_ERROR);
	memset(&settled, 0, sizeof settled);
	base = event_base_new();
	server = http_server_new(base);
	snprintf(folder, sizeof folder, "/tmp/grappe-publish-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int remove_item(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

static void tear_down(void)
{
	publish_free(publisher);
	publisher = NULL;
	http_server_free(server);
	event_base_free(base);
	nftw(folder, remove_item, 8, FTW_DEPTH | FTW_PHYS);
}

/* One or two webhooks "noc" and "log" with these paths at the fake server. */
static void configure(const char *first, const char *second)
{
	static char *const titles[HOOKS] = {(char *)"noc", (char *)"log"};
	const char *const paths[HOOKS] = {first, second};

	sections = (struct settings_sections){.items = hooks};
	for (size_t i = 0; i < HOOKS && paths[i] != NULL; i++, sections.count++) {
		snprintf(urls[i], sizeof urls[i], "%s", http_server_url(server, paths[i]));
		hooks[i] = (struct publish_webhook){.title = titles[i],
		    .url = urls[i],
		    .ca_file = (char *)"",
		    .token_file = (char *)"",
		    .timeout_ms = 3000,
		    .connect_timeout_ms = 1000};
	}
}

static void open_publisher(void)
{
	ck_assert_msg(publish_new(base, &sections, folder, on_settled, &settled, &publisher,
			  message, sizeof message) == GRAPPE_OK,
	    "%s", message);
}

static struct publish_status status_now(void)
{
	struct publish_status status;

	publish_read_status(publisher, &status);
	return status;
}

START_TEST(test_posts_in_order)
{
	configure("/ok", NULL);
	open_publisher();
	ck_assert_int_eq(publish_recommendation(publisher, "a1", "{\"n\":1}"), GRAPPE_OK);
	ck_assert_int_eq(publish_recommendation(publisher, "a2", "{\"n\":2}"), GRAPPE_OK);
	ck_assert_int_eq(publish_recommendation(publisher, "a2", "{\"n\":2}"), GRAPPE_OK);
	ck_assert_int_eq(publish_recommendation(publisher, "a3", "{\"n\":3}"), GRAPPE_OK);
	ck_assert_uint_eq(status_now().waiting, 3);
	ck_assert_uint_eq(http_server_count(server), 0);
	ck_assert_int_eq(publish_drain(publisher, 10000), GRAPPE_OK);
	ck_assert_uint_eq(http_server_count(server), 3);
	for (size_t i = 0; i < 3; i++) {
		const struct http_seen *seen = http_server_seen(server, i);
		char body[16], id[8];

		snprintf(body, sizeof body, "{\"n\":%zu}", i + 1);
		snprintf(id, sizeof id, "a%zu", i + 1);
		ck_assert_str_eq(seen->method, "POST");
		ck_assert_str_eq(seen->body, body);
		ck_assert_str_eq(seen->recommendation, id);
		ck_assert_str_eq(seen->content_type, "application/json");
	}
	ck_assert_uint_eq(status_now().delivered, 3);
	ck_assert_int_eq(settled.calls, 3);
	ck_assert(settled.delivered);
	ck_assert_str_eq(settled.id, "a3");
}
END_TEST

START_TEST(test_tries_again_after_503)
{
	const int64_t start = clock_monotonic_ns();

	configure("/flaky/2", NULL);
	open_publisher();
	ck_assert_int_eq(publish_recommendation(publisher, "a1", "{}"), GRAPPE_OK);
	ck_assert_int_eq(publish_drain(publisher, 20000), GRAPPE_OK);
	ck_assert_uint_eq(http_server_count(server), 3);
	ck_assert_uint_eq(status_now().attempts, 2);
	ck_assert_uint_eq(status_now().delivered, 1);
	/* pauses of 1 s and 2 s */
	ck_assert_int_ge((clock_monotonic_ns() - start) / CLOCK_MILLISECOND_NS, 2900);
	ck_assert_int_eq(settled.calls, 1);
	ck_assert(settled.delivered);
}
END_TEST

START_TEST(test_refusal_is_final_and_does_not_block)
{
	json_t *status;

	configure("/code/400", NULL);
	open_publisher();
	ck_assert_int_eq(publish_recommendation(publisher, "a1", "{}"), GRAPPE_OK);
	ck_assert_int_eq(publish_recommendation(publisher, "a2", "{}"), GRAPPE_OK);
	ck_assert_int_eq(publish_drain(publisher, 10000), GRAPPE_EPEER);
	ck_assert_uint_eq(http_server_count(server), 2);
	ck_assert_uint_eq(status_now().refused, 2);
	ck_assert_uint_eq(status_now().waiting, 0);
	ck_assert_int_eq(settled.calls, 2);
	ck_assert(!settled.delivered);
	status = publish_status_json(publisher);
	ck_assert_int_eq(json_integer_value(json_object_get(status, "refused")), 2);
	ck_assert_ptr_nonnull(
	    strstr(json_string_value(json_object_get(
		       json_array_get(json_object_get(status, "webhooks"), 0), "error")),
		"400"));
	json_decref(status);
}
END_TEST

START_TEST(test_dead_receiver_does_not_hold_up_the_other)
{
	configure("/code/500", "/ok");
	open_publisher();
	ck_assert_int_eq(publish_recommendation(publisher, "a1", "{}"), GRAPPE_OK);
	ck_assert_int_eq(publish_drain(publisher, 600), GRAPPE_ETIMEOUT);
	ck_assert_uint_eq(status_now().delivered, 1);
	ck_assert_uint_eq(status_now().waiting, 1);
	ck_assert_int_eq(settled.calls, 0);
}
END_TEST

START_TEST(test_one_refusal_marks_the_document)
{
	configure("/code/400", "/flaky/1");
	open_publisher();
	ck_assert_int_eq(publish_recommendation(publisher, "a1", "{}"), GRAPPE_OK);
	ck_assert_int_eq(publish_drain(publisher, 10000), GRAPPE_EPEER);
	ck_assert_int_eq(settled.calls, 1);
	ck_assert(!settled.delivered);
	ck_assert_uint_eq(status_now().delivered, 1);
}
END_TEST

START_TEST(test_waits_on_disk_for_the_next_run)
{
	configure("/code/503", NULL);
	open_publisher();
	ck_assert_int_eq(publish_recommendation(publisher, "a1", "{\"n\":1}"), GRAPPE_OK);
	ck_assert_int_eq(publish_recommendation(publisher, "a2", "{\"n\":2}"), GRAPPE_OK);
	ck_assert_int_eq(publish_drain(publisher, 300), GRAPPE_ETIMEOUT);
	publish_free(publisher);
	publisher = NULL;
	configure("/ok", NULL);
	open_publisher();
	ck_assert_uint_eq(status_now().waiting, 2);
	ck_assert_int_eq(publish_drain(publisher, 10000), GRAPPE_OK);
	ck_assert_uint_eq(http_server_count(server), 3);
	ck_assert_str_eq(http_server_seen(server, 1)->body, "{\"n\":1}");
	ck_assert_str_eq(http_server_seen(server, 2)->body, "{\"n\":2}");
	ck_assert_int_eq(settled.calls, 2);
}
END_TEST

START_TEST(test_full_queue_drops_the_oldest)
{
	char id[16];

	configure("/slow", NULL);
	open_publisher();
	for (int i = 0; i < PUBLISH_QUEUE_MAX + 3; i++) {
		snprintf(id, sizeof id, "a%d", i);
		ck_assert_int_eq(publish_recommendation(publisher, id, "{}"), GRAPPE_OK);
	}
	ck_assert_uint_eq(status_now().waiting, PUBLISH_QUEUE_MAX);
	ck_assert_uint_eq(status_now().dropped, 3);
	ck_assert_int_eq(settled.calls, 3);
	ck_assert_str_eq(settled.id, "a2");
	ck_assert(!settled.delivered);
	/* the same while one is under way */
	ck_assert_int_eq(publish_drain(publisher, 200), GRAPPE_ETIMEOUT);
	ck_assert_uint_eq(http_server_count(server), 1);
	ck_assert_int_eq(publish_recommendation(publisher, "last", "{}"), GRAPPE_OK);
	ck_assert_uint_eq(status_now().dropped, 4);
	ck_assert_int_eq(publish_drain(publisher, 200), GRAPPE_ETIMEOUT);
	ck_assert_uint_eq(http_server_count(server), 2);
	ck_assert_str_eq(http_server_seen(server, 1)->recommendation, "a4");
}
END_TEST

START_TEST(test_file_that_vanished)
{
	char path[160];

	configure("/ok", NULL);
	open_publisher();
	ck_assert_int_eq(publish_recommendation(publisher, "a1", "{}"), GRAPPE_OK);
	ck_assert_int_eq(publish_recommendation(publisher, "a2", "{}"), GRAPPE_OK);
	snprintf(path, sizeof path, "%s/noc/000000000001-a1.json", folder);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(publish_drain(publisher, 5000), GRAPPE_EPEER);
	ck_assert_uint_eq(http_server_count(server), 1);
	ck_assert_str_eq(http_server_seen(server, 0)->recommendation, "a2");
}
END_TEST

START_TEST(test_token_file_that_is_open_to_others)
{
	char path[96];
	FILE *file;

	configure("/ok", NULL);
	snprintf(path, sizeof path, "%s/token", folder);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs("s3cret\n", file);
	fchmod(fileno(file), 0644);
	fclose(file);
	hooks[0].token_file = path;
	open_publisher();
	ck_assert_int_eq(publish_recommendation(publisher, "a1", "{}"), GRAPPE_OK);
	ck_assert_int_eq(publish_drain(publisher, 300), GRAPPE_ETIMEOUT);
	ck_assert_uint_eq(http_server_count(server), 0);
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert_int_eq(publish_drain(publisher, 10000), GRAPPE_OK);
	ck_assert_str_eq(http_server_seen(server, 0)->authorization, "Bearer s3cret");
}
END_TEST

START_TEST(test_bad_arguments)
{
	configure("/ok", NULL);
	open_publisher();
	ck_assert_int_eq(publish_recommendation(publisher, "../x", "{}"), GRAPPE_EINVALID);
	ck_assert_int_eq(publish_recommendation(publisher, "", "{}"), GRAPPE_EINVALID);
	ck_assert_int_eq(publish_recommendation(publisher, "a1", ""), GRAPPE_ELIMIT);
	ck_assert_uint_eq(status_now().waiting, 0);
	ck_assert_int_eq(publish_drain(publisher, 100), GRAPPE_OK);
}
END_TEST

START_TEST(test_no_webhooks)
{
	configure(NULL, NULL);
	open_publisher();
	ck_assert_int_eq(publish_recommendation(publisher, "a1", "{}"), GRAPPE_OK);
	ck_assert_int_eq(publish_drain(publisher, 100), GRAPPE_OK);
	ck_assert_int_eq(settled.calls, 0);
}
END_TEST

START_TEST(test_folder_that_cannot_be)
{
	configure("/ok", NULL);
	ck_assert_int_eq(publish_new(base, &sections, "/dev/null/queue", NULL, NULL, &publisher,
			     message, sizeof message),
	    GRAPPE_EIO);
	ck_assert_ptr_null(publisher);
	ck_assert_ptr_nonnull(strstr(message, "/dev/null/queue/noc"));
}
END_TEST

static const struct {
	const char *title, *url, *token_file;
	const char *reason; /* part of it; NULL: good */
} checks[] = {
    {"noc", "https://noc.example/", "", NULL},
    {"noc", "http://noc.example/", "", NULL},
    {"noc", "https://noc.example/", "/etc/t", NULL},
    {"noc", "http://noc.example/", "/etc/t", "token_file needs an https url"},
    {"noc", "ftp://noc.example/", "", "url is neither http nor https"},
    {"noc", "noc.example", "", "url is no URL"},
    {"", "https://noc.example/", "", "a name is"},
    {"..", "https://noc.example/", "", "a name is"},
    {"a/b", "https://noc.example/", "", "a name is"},
};

START_TEST(test_check)
{
	struct publish_webhook hook = {.title = (char *)checks[_i].title,
	    .url = (char *)checks[_i].url,
	    .token_file = (char *)checks[_i].token_file,
	    .ca_file = (char *)""};
	const struct settings_sections one = {.items = &hook, .count = 1};
	const int rc = publish_check(&one, message, sizeof message);

	ck_assert_int_eq(rc, checks[_i].reason == NULL ? GRAPPE_OK : GRAPPE_EINVALID);
	if (checks[_i].reason != NULL)
		ck_assert_msg(strstr(message, checks[_i].reason) != NULL, "%s", message);
}
END_TEST

/* The beginning of a page may end within a character, or be no UTF-8 at all: it is told all the
 * same.
 */
START_TEST(test_answers_that_are_no_utf8)
{
	static const struct http_recorded answers[] = {
	    {"POST", "/hook", NULL, 403, NULL,
		"\xff\x1b[31m refus\xc3\xa9, pas le droit de poster ici, ni ailleurs, ni "
		"maintenant, ni "
		"x\xc3\xa9 y",
		0},
	    {0}};
	json_t *status;
	const char *error;

	http_server_play(server, answers);
	configure("/hook", NULL);
	open_publisher();
	ck_assert_int_eq(publish_recommendation(publisher, "a1", "{}"), GRAPPE_OK);
	ck_assert_int_eq(publish_drain(publisher, 10000), GRAPPE_EPEER);
	status = publish_status_json(publisher);
	error = json_string_value(
	    json_object_get(json_array_get(json_object_get(status, "webhooks"), 0), "error"));
	ck_assert_ptr_nonnull(error);
	ck_assert_ptr_nonnull(strstr(error, "it answered 403: "));
	ck_assert_ptr_nonnull(strstr(error, "refus\xc3\xa9, pas"));
	ck_assert_ptr_null(strchr(error, '\x1b'));
	json_decref(status);
}
END_TEST

#define HOSTILE                                                                                    \
	"@\xe2\x80\x8b"                                                                            \
	"all '''(b)*x*/ from site-1/hostA to site-2: it "

/* What a chat tool gets: text, whatever the names of VMs are. */
START_TEST(test_chat)
{
	static const char document[] =
	    "{\"id\":\"9f3c1a2b77\",\"state\":\"pending\",\"moves\":[{\"step\":1,\"vm\":{\"name\":"
	    "\"@all ```<b>*x*|\"},\"from\":{\"environment\":\"site-1\",\"host\":\"hostA\"},\"to\":"
	    "{\"environment\":\"site-2\",\"host\":null},\"why\":\"it & db1 talk\"}]}";
	static const char effect[] = "{\"kind\":\"effect\",\"text\":\"web1: 4.0 MB/s -> 10 kB/s\","
				     "\"moves\":[]}";
	static const struct {
		enum chat_template kind;
		const char *body, *effect;
	} rows[] = {
	    {CHAT_SLACK,
		"{\"text\":\"```\\nGrappe recommendation: 1 move pending, id 9f3c1a2b\\nstep "
		"1: " HOSTILE "&amp; db1 talk\\n```\",\"mrkdwn\":true,\"link_names\":false,"
		"\"unfurl_links\":false}",
		"what moves brought: web1: 4.0 MB/s -&gt; 10 kB/s\\n"},
	    {CHAT_MATTERMOST,
		"{\"text\":\"```\\nGrappe recommendation: 1 move pending, id 9f3c1a2b\\nstep "
		"1: " HOSTILE "& db1 talk\\n```\"}",
		"what moves brought: web1: 4.0 MB/s -> 10 kB/s\\n"},
	    {CHAT_ROCKETCHAT,
		"{\"text\":\"```\\nGrappe recommendation: 1 move pending, id 9f3c1a2b\\nstep "
		"1: " HOSTILE "& db1 talk\\n```\"}",
		"what moves brought: web1: 4.0 MB/s -> 10 kB/s\\n"},
	    {CHAT_TEAMS,
		"{\"type\":\"message\",\"attachments\":[{\"contentType\":\"application/"
		"vnd.microsoft.card.adaptive\",\"content\":{\"$schema\":\"http://adaptivecards.io/"
		"schemas/"
		"adaptive-card.json\",\"type\":\"AdaptiveCard\",\"version\":\"1.4\",\"body\":"
		"[{\"type\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"fontType\":"
		"\"Monospace\",\"text\":\"Grappe recommendation: 1 move pending, id "
		"9f3c1a2b\\nstep "
		"1: " HOSTILE "& db1 talk\\n\"}]}]}}]}",
		"what moves brought: web1: 4.0 MB/s -> 10 kB/s\\n"},
	};

	configure("/ok", NULL);
	hooks[0].chat = (int)rows[_i].kind;
	open_publisher();
	ck_assert_int_eq(publish_recommendation(publisher, "a1", document), GRAPPE_OK);
	ck_assert_int_eq(publish_recommendation(publisher, "a2", effect), GRAPPE_OK);
	/* What no message can be made of is given up, not posted. */
	ck_assert_int_eq(publish_recommendation(publisher, "a3", "{\"n\":1}"), GRAPPE_OK);
	ck_assert_int_eq(publish_drain(publisher, 10000), GRAPPE_EPEER);
	ck_assert_uint_eq(http_server_count(server), 2);
	ck_assert_str_eq(http_server_seen(server, 0)->body, rows[_i].body);
	ck_assert_str_eq(http_server_seen(server, 0)->recommendation, "a1");
	ck_assert_ptr_nonnull(strstr(http_server_seen(server, 1)->body, rows[_i].effect));
	ck_assert_uint_eq(status_now().delivered, 2);
	ck_assert_uint_eq(status_now().refused, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("publish");
	TCase *tcase = tcase_create("publish");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_posts_in_order);
	tcase_add_loop_test(tcase, test_chat, 0, 4);
	tcase_add_test(tcase, test_answers_that_are_no_utf8);
	tcase_add_test(tcase, test_tries_again_after_503);
	tcase_add_test(tcase, test_refusal_is_final_and_does_not_block);
	tcase_add_test(tcase, test_dead_receiver_does_not_hold_up_the_other);
	tcase_add_test(tcase, test_one_refusal_marks_the_document);
	tcase_add_test(tcase, test_waits_on_disk_for_the_next_run);
	tcase_add_test(tcase, test_full_queue_drops_the_oldest);
	tcase_add_test(tcase, test_file_that_vanished);
	tcase_add_test(tcase, test_token_file_that_is_open_to_others);
	tcase_add_test(tcase, test_bad_arguments);
	tcase_add_test(tcase, test_no_webhooks);
	tcase_add_test(tcase, test_folder_that_cannot_be);
	tcase_add_loop_test(tcase, test_check, 0, (int)(sizeof checks / sizeof *checks));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
