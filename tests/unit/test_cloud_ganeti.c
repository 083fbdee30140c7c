/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ganeti's remote API: answers that a real cluster (Ganeti 3.0.2) gave, played one by one; servers
 * that misbehave. */
#include "common/error.h"
#include "common/file.h"
#include "manager/cloud_ganeti_answer.h"
#include "tests/fakes/cloud_run.h"
#include "tests/fakes/http_server.h"
#include "tests/unit/unit.h"

#include <event2/event.h>
#include <jansson.h>
#include <math.h>

static struct event_base *base;
static struct http_server *server;
static struct cloud *cloud;
static struct cloud_told told;
static struct cloud_settings settings;
static char folder[UNIT_PATH_SIZE], login[UNIT_PATH_SIZE + 16], url[128];

static void setup(void)
{
	unit_make_folder(folder);
	snprintf(login, sizeof login, "%s/login", folder);
	ck_assert_int_eq(file_replace(login, "grappe:secret\n", 14, 0600), GRAPPE_OK);
	base = event_base_new();
	server = http_server_new(base);
	snprintf(url, sizeof url, "%s", http_server_url(server, ""));
	settings = (struct cloud_settings){.title = "rapi",
	    .kind = CLOUD_GANETI,
	    .url = url,
	    .address = "",
	    .ca_file = "",
	    .login_file = login,
	    .timeout_ms = 1000,
	    .connect_timeout_ms = 1000,
	    .move_timeout_ms = 15000,
	    .poll_ms = 100};
	ck_assert_int_eq(cloud_new(base, &settings, &cloud), GRAPPE_OK);
}

static void teardown(void)
{
	cloud_free(cloud);
	http_server_free(server);
	event_base_free(base);
	unit_remove_folder(folder);
}

#define INSTANCE(node, status)                                                                     \
	"{\"name\":\"instance1\",\"uuid\":\"5b1f0d3c-7f5e-4e6b-9a55-0c4a7d8e9f00\",\"pnode\":"     \
	"\"" node "\",\"status\":\"" status                                                        \
	"\",\"oper_ram\":512,\"beparams\":{\"memory\":512,\"vcpus\":1},"                           \
	"\"nic.macs\":[\"02:00:00:00:00:01\"]}"
#define NODE(name, more)                                                                           \
	"{\"name\":\"" name                                                                        \
	"\",\"offline\":false,\"drained\":false,\"mfree\":4096,\"mtotal\":8192,\"ctotal\":4,"      \
	"\"group.uuid\":\"g1\"" more "}"
#define JOB(status, result) "{\"id\":14,\"status\":\"" status "\",\"opresult\":[" result "]}"

#define FOUND                                                                                      \
	{                                                                                          \
		"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node1", "running"), 1  \
	}
#define ROOM                                                                                       \
	{                                                                                          \
		"GET", "/2/nodes/node2", NULL, 200, NULL, NODE("node2", ""), 1                     \
	}
#define MARKED                                                                                     \
	{                                                                                          \
		"GET", "/2/jobs", NULL, 200, NULL,                                                 \
		    "[{\"id\":13,\"uri\":\"/2/jobs/13\"},{\"id\":\"9\"}]", 1                       \
	}
#define TAKEN                                                                                      \
	{                                                                                          \
		"PUT", "/2/instances/instance1/migrate", "\"target_node\":\"node2\"", 200, NULL,   \
		    "14\n", 1                                                                      \
	}
#define END                                                                                        \
	{                                                                                          \
		NULL, NULL, NULL, 0, NULL, NULL, 0                                                 \
	}

static void play(const struct http_recorded *answers)
{
	const struct cloud_order order =
	    cloud_run_order("mac-020000000001", "instance1", "node1", "node2");

	http_server_play(server, answers);
	cloud_run_start(cloud, &order, NULL, &told);
	cloud_run_wait(base, &told);
	ck_assert_uint_eq(http_server_unexpected(server), 0);
}

START_TEST(a_move_is_followed_to_its_end)
{
	static const struct http_recorded answers[] = {FOUND, ROOM, MARKED, TAKEN,
	    {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("queued", ""), 1},
	    {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("running", "null"), 2},
	    {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("success", "null"), 1},
	    {"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node2", "running"), 1},
	    END};

	play(answers);
	ck_assert_msg(told.result.outcome == CLOUD_MOVED, "%s", told.result.text);
	ck_assert_str_eq(told.result.host, "node2");
	ck_assert_str_eq(told.result.text, "");
	ck_assert_str_eq(told.handle, "job 14");
	ck_assert_str_eq(http_server_seen(server, 3)->authorization, "Basic Z3JhcHBlOnNlY3JldA==");
	ck_assert_str_eq(http_server_seen(server, 3)->content_type, "application/json");
	ck_assert_str_eq(
	    http_server_seen(server, 3)->body, "{\"mode\":\"live\",\"target_node\":\"node2\"}");
}
END_TEST

/* What the API says, and what people read; nothing but looking was done where order is false. */
static const struct {
	struct http_recorded answers[8];
	enum cloud_outcome outcome;
	const char *text;
	bool order;
} endings[] = {
    {{{"GET", "/2/instances/instance1", NULL, 404, NULL,
	  "{\"code\":404,\"message\":\"Not Found\",\"explain\":\"Nothing matches\"}", 1},
	 {"GET", "/2/instances?bulk=1", NULL, 200, NULL,
	     "[{\"name\":\"other\",\"pnode\":\"node1\",\"nic.macs\":[]}]", 1},
	 END},
	CLOUD_FAILED, "there is no instance instance1, and none is mac-020000000001", false},
    {{{"GET", "/2/instances/instance1", NULL, 200, NULL,
	  "{\"name\":\"instance1\",\"status\":\"running\"}", 1},
	 END},
	CLOUD_FAILED, "makes no sense", false},
    {{{"GET", "/2/instances/instance1", NULL, 200, NULL,
	  "{\"name\":\"instance1\",\"pnode\":\"node1\",\"status\":\"running\",\"disk_template\":"
	  "\"plain\"}",
	  1},
	 END},
	CLOUD_FAILED, "its disks (plain) are on node1 alone", false},
    {{{"GET", "/2/instances/instance1", NULL, 200, NULL,
	  "{\"name\":\"instance1\",\"pnode\":\"node1\",\"status\":\"running\",\"disk_template\":"
	  "\"drbd\",\"snodes\":[\"node3\"]}",
	  1},
	 END},
	CLOUD_FAILED, "its disks (drbd) are on node1 and node3: it cannot run on node2", false},
    {{{"GET", "/2/instances/instance1", NULL, 200, NULL,
	  "{\"name\":\"instance1\",\"pnode\":\"node1\",\"status\":\"running\",\"beparams\":"
	  "{\"always_failover\":true}}",
	  1},
	 END},
	CLOUD_FAILED, "always_failover is set", false},
    {{FOUND,
	 {"GET", "/2/nodes/node2", NULL, 200, NULL,
	     "{\"name\":\"node2\",\"offline\":false,\"drained\":false,\"vm_capable\":false}", 1},
	 END},
	CLOUD_FAILED, "node node2 is not for instances", false},
    {{FOUND, ROOM, {"GET", "/2/jobs", NULL, 200, NULL, "[{\"id\":[]}]", 1}, END}, CLOUD_FAILED,
	"list of jobs makes no sense", false},
    {{FOUND, ROOM, MARKED, TAKEN,
	 {"GET", "/2/jobs/14", NULL, 200, NULL,
	     JOB("error", "[\"OpPrereqError\",[\"Can't migrate, please use failover: not "
			  "running\",\"wrong_state\"]]"),
	     1},
	 END},
	CLOUD_FAILED, "job 14: Can't migrate, please use failover", true},
    {{FOUND, ROOM, MARKED, TAKEN,
	 {"GET", "/2/jobs/14", NULL, 200, NULL,
	     JOB("error", "[\"OpPrereqError\",[\"Node is marked offline\",\"wrong_state\"]]"), 1},
	 END},
	CLOUD_FAILED, "job 14: Node is marked offline", true},
    {{FOUND, ROOM, MARKED, {"PUT", "/2/instances/instance1/migrate", NULL, 401, NULL, "", 1}, END},
	CLOUD_FAILED, "refuses the login (401)", true},
    /* A server of the way may answer in its place for a moment. */
    {{FOUND, ROOM, MARKED, TAKEN, {"GET", "/2/jobs/14", NULL, 200, NULL, "<html>", 1},
	 {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("success", "null"), 1},
	 {"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node2", "running"), 1}, END},
	CLOUD_MOVED, "", true},
    {{{"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node1", "ADMIN_down"), 1}, END},
	CLOUD_FAILED, "it does not run (ADMIN_down)", false},
    {{{"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node3", "running"), 1}, END},
	CLOUD_FAILED, "it is on node3, not on node1", false},
    {{{"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node2", "running"), 1}, END},
	CLOUD_MOVED, "", false},
    {{{"GET", "/2/instances/instance1", NULL, 200, NULL,
	  "{\"name\":\"instance1\",\"pnode\":\"node1\",\"status\":\"running\",\"nic.macs\":"
	  "[\"02:00:00:00:00:99\"]}",
	  1},
	 END},
	CLOUD_FAILED, "instance instance1 is another VM than mac-020000000001", false},
    {{{"GET", "/2/instances/instance1", NULL, 200, NULL, "[1,2]", 1}, END}, CLOUD_FAILED,
	"makes no sense", false},
    {{{"GET", "/2/instances/instance1", NULL, 200, NULL, "<html>", 1}, END}, CLOUD_FAILED,
	"no JSON", false},
    {{{"GET", "/2/instances/instance1", NULL, 401, NULL, "", 1}, END}, CLOUD_FAILED,
	"refuses the login (401)", false},
    {{{"GET", "/2/instances/instance1", NULL, 403, NULL, "", 1}, END}, CLOUD_FAILED,
	"may not do this (403)", false},
    {{{"GET", "/2/instances/instance1", NULL, 302, "Location: http://127.0.0.1:1/\n", "", 1}, END},
	CLOUD_FAILED, "redirects are not followed", false},
    {{FOUND, {"GET", "/2/nodes/node2", NULL, 404, NULL, "{}", 1}, END}, CLOUD_FAILED,
	"there is no node node2", false},
    {{FOUND, {"GET", "/2/nodes/node2", NULL, 200, NULL, NODE("node2", ",\"x\":1"), 1}, MARKED,
	 {"PUT", "/2/instances/instance1/migrate", NULL, 400, NULL,
	     "{\"code\":400,\"message\":\"Bad Request\",\"explain\":\"Unknown parameter 'x'\"}", 1},
	 END},
	CLOUD_FAILED, "answered 400: Unknown parameter 'x'", true},
    {{FOUND, ROOM, MARKED,
	 {"PUT", "/2/instances/instance1/migrate", NULL, 415, NULL,
	     "{\"code\":415,\"message\":\"Unsupported Media Type\"}", 1},
	 END},
	CLOUD_FAILED, "answered 415: Unsupported Media Type", true},
    {{FOUND,
	 {"GET", "/2/nodes/node2", NULL, 200, NULL,
	     "{\"name\":\"node2\",\"offline\":true,\"drained\":false}", 1},
	 END},
	CLOUD_FAILED, "node node2 is offline", false},
    {{FOUND,
	 {"GET", "/2/nodes/node2", NULL, 200, NULL,
	     "{\"name\":\"node2\",\"offline\":false,\"drained\":true}", 1},
	 END},
	CLOUD_FAILED, "node node2 is drained", false},
    {{FOUND,
	 {"GET", "/2/nodes/node2", NULL, 200, NULL,
	     "{\"name\":\"node2\",\"mfree\":100,\"mtotal\":8192}", 1},
	 END},
	CLOUD_FAILED, "node node2 has 100 MiB free, the instance needs 512", false},
    {{FOUND, ROOM, MARKED, TAKEN,
	 {"GET", "/2/jobs/14", NULL, 200, NULL,
	     JOB("error", "[\"OpPrereqError\",[\"Node 'node2' not known\",\"unknown_entity\"]]"),
	     1},
	 END},
	CLOUD_FAILED, "job 14: Node 'node2' not known", true},
    {{FOUND, ROOM, MARKED, TAKEN,
	 {"GET", "/2/jobs/14", NULL, 200, NULL,
	     JOB("error",
		 "[\"OpPrereqError\",[\"Cannot migrate to its primary\",\"wrong_state\"]]"),
	     1},
	 END},
	CLOUD_FAILED, "job 14: Cannot migrate to its primary", true},
    {{FOUND, ROOM, MARKED, TAKEN,
	 {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("canceled", "null"), 1}, END},
	CLOUD_CANCELLED, "job 14 was cancelled", true},
    /* The job says success, the instance does not. */
    {{FOUND, ROOM, MARKED, TAKEN, {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("success", "null"), 1},
	 {"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node1", "running"), 1}, END},
	CLOUD_FAILED, "the job ended, but the instance is on node1", true},
    /* Archived away meanwhile: the place tells. */
    {{FOUND, ROOM, MARKED, TAKEN, {"GET", "/2/jobs/14", NULL, 404, NULL, "{}", 1},
	 {"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node2", "running"), 1}, END},
	CLOUD_MOVED, "", true},
    /* After the order a refused login does not make it undone. */
    {{FOUND, ROOM, MARKED, TAKEN, {"GET", "/2/jobs/14", NULL, 401, NULL, "", 1}, END}, CLOUD_LOST,
	"refuses the login (401)", true},
    /* Not there for a moment. */
    {{FOUND, ROOM, MARKED, TAKEN, {"GET", "/2/jobs/14", NULL, 502, NULL, "", 2},
	 {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("success", "null"), 1},
	 {"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node2", "running"), 1}, END},
	CLOUD_MOVED, "", true},
    {{FOUND, ROOM, MARKED, TAKEN, {"GET", "/2/jobs/14", NULL, 200, NULL, "{\"status\":\"odd\"}", 1},
	 {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("success", "null"), 1},
	 {"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node2", "running"), 1}, END},
	CLOUD_MOVED, "", true},
};

START_TEST(every_ending_is_told)
{
	play(endings[_i].answers);
	ck_assert_msg(told.result.outcome == endings[_i].outcome, "%d: %s", told.result.outcome,
	    told.result.text);
	if (endings[_i].text[0] == '\0')
		ck_assert_str_eq(told.result.text, "");
	else
		ck_assert_msg(
		    strstr(told.result.text, endings[_i].text) != NULL, "%s", told.result.text);
	ck_assert_uint_eq(http_server_asked(server, "PUT", ""), endings[_i].order);
}
END_TEST

/* An order whose answer got lost is looked for, and never given again. */
#define MIGRATION(id, name)                                                                        \
	"{\"id\":" #id ",\"ops\":[{\"OP_ID\":\"OP_INSTANCE_MIGRATE\",\"instance_name\":\"" name    \
	"\"}]}"
#define LOST_BY(code, body)                                                                        \
	{                                                                                          \
		"PUT", "/2/instances/instance1/migrate", NULL, code, NULL, body, 1                 \
	}

static const struct http_recorded lost_answers[] = {LOST_BY(504, ""), LOST_BY(200, "<html>"),
    LOST_BY(200, "{}"), LOST_BY(HTTP_PLAY_CUT, ""), LOST_BY(HTTP_PLAY_SLOW, ""),
    LOST_BY(HTTP_PLAY_HUGE, "")};

START_TEST(a_lost_answer_is_looked_for)
{
	const struct http_recorded taken[] = {FOUND, ROOM, MARKED, lost_answers[_i],
	    /* It may still be on its way; 12 is older than the order. */
	    {"GET", "/2/jobs?bulk=1", NULL, 200, NULL,
		"[" MIGRATION(12, "instance1") "," MIGRATION(16, "other") "]", 1},
	    {"GET", "/2/jobs?bulk=1", NULL, 200, NULL,
		"[" MIGRATION(12, "instance1") "," MIGRATION(15, "instance1") "," MIGRATION(
		    16, "other") "]",
		1},
	    {"GET", "/2/jobs/15", NULL, 200, NULL, JOB("success", "null"), 1},
	    {"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node2", "running"), 1},
	    END};

	play(taken);
	ck_assert_msg(told.result.outcome == CLOUD_MOVED, "%s", told.result.text);
	ck_assert_str_eq(told.handle, "job 15");
	ck_assert_uint_eq(http_server_asked(server, "PUT", ""), 1);
}
END_TEST

START_TEST(an_order_that_was_not_taken)
{
	const struct http_recorded lost[] = {FOUND, ROOM, MARKED, lost_answers[_i],
	    {"GET", "/2/jobs?bulk=1", NULL, 200, NULL, "[" MIGRATION(12, "instance1") "]", 3}, END};
	const struct http_recorded unknown[] = {FOUND, ROOM, MARKED, lost_answers[_i],
	    {"GET", "/2/jobs?bulk=1", NULL, 401, NULL, "", 1}, END};

	play(lost);
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	ck_assert_ptr_nonnull(strstr(told.result.text, "did not get through"));
	ck_assert_uint_eq(http_server_asked(server, "PUT", ""), 1);
	play(unknown);
	ck_assert_int_eq(told.result.outcome, CLOUD_LOST);
	ck_assert_ptr_nonnull(strstr(told.result.text, "refuses the login"));
	ck_assert_uint_eq(http_server_asked(server, "PUT", ""), 2);
}
END_TEST

/* Before the order each of these is a fault, or waited for, and nothing is ordered. */
static const struct {
	struct http_recorded answer;
	const char *text;
} misbehaviours[] = {
    {{"GET", "/2/instances/instance1", NULL, HTTP_PLAY_HUGE, NULL, "", 0}, "too long"},
    {{"GET", "/2/instances/instance1", NULL, HTTP_PLAY_CUT, NULL, "", 0},
	"nothing was ordered: no answer within"},
    {{"GET", "/2/instances/instance1", NULL, HTTP_PLAY_SLOW, NULL, "", 0},
	"nothing was ordered: no answer within"},
    {{"GET", "/2/instances/instance1", NULL, 429, NULL, "", 0},
	"nothing was ordered: no answer within 2 s; the last one: it answered 429"},
    {{"GET", "/2/instances/instance1", NULL, 200, NULL, "{\"name\":", 0}, "no JSON"},
    {{"GET", "/2/instances/instance1", NULL, 302, "Location: http://127.0.0.1:1/\n", "", 0},
	"redirects are not followed"},
};

START_TEST(servers_that_misbehave)
{
	const struct http_recorded answers[] = {misbehaviours[_i].answer, END};

	settings.move_timeout_ms = 2000;
	settings.timeout_ms = 500;
	play(answers);
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	ck_assert_msg(
	    strstr(told.result.text, misbehaviours[_i].text) != NULL, "%s", told.result.text);
	ck_assert_uint_eq(http_server_asked(server, "PUT", ""), 0);
}
END_TEST

/* A VM whose name the API does not know may be known by its id. */
START_TEST(an_instance_is_found_by_its_id)
{
	static const struct http_recorded answers[] = {
	    {"GET", "/2/instances/web", NULL, 404, NULL, "{}", 1},
	    {"GET", "/2/instances?bulk=1", NULL, 200, NULL,
		"[{\"name\":\"x\",\"nic.macs\":[]}," INSTANCE("node1", "running") "]", 1},
	    ROOM, MARKED, TAKEN, {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("success", "null"), 1},
	    {"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node2", "running"), 1},
	    END};
	static const char *const ids[] = {
	    "mac-020000000001", "5b1f0d3c-7f5e-4e6b-9a55-0c4a7d8e9f00"};

	for (size_t i = 0; i < 2; i++) {
		const struct cloud_order order = cloud_run_order(ids[i], "web", "node1", "node2");

		http_server_play(server, answers);
		cloud_run_start(cloud, &order, NULL, &told);
		cloud_run_wait(base, &told);
		ck_assert_msg(told.result.outcome == CLOUD_MOVED, "%s", told.result.text);
	}
	ck_assert_uint_eq(http_server_unexpected(server), 0);
}
END_TEST

START_TEST(the_cluster_chooses)
{
	static const struct http_recorded answers[] = {FOUND, MARKED,
	    {"PUT", "/2/instances/instance1/migrate", "{\"mode\":\"live\"}", 200, NULL, "14", 1},
	    {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("success", "null"), 2},
	    {"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node3", "running"), 1},
	    END};
	static const struct http_recorded stays[] = {FOUND, MARKED,
	    {"PUT", "/2/instances/instance1/migrate", NULL, 200, NULL, "14", 1},
	    {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("success", "null"), 1},
	    {"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node1", "running"), 1},
	    END};
	const struct cloud_order order = cloud_run_order("mac-020000000001", "instance1", "", "");

	http_server_play(server, answers);
	cloud_run_start(cloud, &order, NULL, &told);
	cloud_run_wait(base, &told);
	ck_assert_msg(told.result.outcome == CLOUD_MOVED, "%s", told.result.text);
	ck_assert_str_eq(told.result.host, "node3");
	http_server_play(server, stays);
	cloud_run_start(cloud, &order, NULL, &told);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	ck_assert_uint_eq(http_server_unexpected(server), 0);
}
END_TEST

START_TEST(a_move_is_called_off)
{
	static const struct http_recorded answers[] = {FOUND, ROOM, MARKED, TAKEN,
	    {"DELETE", "/2/jobs/14", NULL, 200, NULL, "[true,\"Job 14 has been cancelled\"]", 1},
	    {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("canceled", "null"), 1}, END};
	const struct cloud_order order =
	    cloud_run_order("mac-020000000001", "instance1", "node1", "node2");
	struct cloud_job *job;

	http_server_play(server, answers);
	job = cloud_run_start(cloud, &order, NULL, &told);
	cloud_run_accepted(base, &told);
	cloud_abort(job);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_CANCELLED);
	ck_assert_uint_eq(http_server_asked(server, "DELETE", ""), 1);
	ck_assert_uint_eq(http_server_unexpected(server), 0);
}
END_TEST

static void call_off(const struct http_recorded *answers)
{
	const struct cloud_order order =
	    cloud_run_order("mac-020000000001", "instance1", "node1", "node2");
	struct cloud_job *job;

	http_server_play(server, answers);
	job = cloud_run_start(cloud, &order, NULL, &told);
	cloud_run_accepted(base, &told);
	cloud_abort(job);
	cloud_run_wait(base, &told);
	ck_assert_uint_eq(http_server_unexpected(server), 0);
}

/* It goes on to its end then: too late, not allowed, or the server is slow to answer. */
START_TEST(a_move_that_cannot_be_called_off)
{
	static const struct http_recorded refusals[] = {
	    {"DELETE", "/2/jobs/14", NULL, 200, NULL, "[false,\"Job 14 is running\"]", 1},
	    {"DELETE", "/2/jobs/14", NULL, 403, NULL, "", 1},
	    {"DELETE", "/2/jobs/14", NULL, 401, NULL, "", 1}};

	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		const struct http_recorded answers[] = {FOUND, ROOM, MARKED, TAKEN, refusals[i],
		    {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("success", "null"), 1},
		    {"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node2", "running"),
			1},
		    END};

		call_off(answers);
		ck_assert_msg(told.result.outcome == CLOUD_MOVED, "%s", told.result.text);
	}
}
END_TEST

/* The poll that was due meanwhile asks nothing of its own. */
START_TEST(calling_off_waits_for_one_answer)
{
	static const struct http_recorded answers[] = {FOUND, ROOM, MARKED, TAKEN,
	    {"DELETE", "/2/jobs/14", NULL, HTTP_PLAY_SLOW, NULL, "", 1},
	    {"DELETE", "/2/jobs/14", NULL, 200, NULL, "[true,\"\"]", 1},
	    {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("canceled", "null"), 1}, END};

	call_off(answers);
	ck_assert_int_eq(told.result.outcome, CLOUD_CANCELLED);
	ck_assert_uint_eq(http_server_asked(server, "DELETE", ""), 2);
}
END_TEST

START_TEST(called_off_before_it_was_ordered)
{
	static const struct http_recorded answers[] = {FOUND, ROOM, MARKED, TAKEN, END};
	const struct cloud_order order =
	    cloud_run_order("mac-020000000001", "instance1", "node1", "node2");

	http_server_play(server, answers);
	cloud_abort(cloud_run_start(cloud, &order, NULL, &told));
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_CANCELLED);
	ck_assert_str_eq(told.result.text, "called off before it was ordered");
	ck_assert_str_eq(told.handle, "");
	ck_assert_uint_eq(http_server_asked(server, "PUT", ""), 0);
}
END_TEST

START_TEST(after_a_restart_only_its_job_is_followed)
{
	static const struct http_recorded answers[] = {
	    {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("success", "null"), 1},
	    {"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node2", "running"), 1},
	    END};
	const struct cloud_order order =
	    cloud_run_order("mac-020000000001", "instance1", "node1", "node2");

	http_server_play(server, answers);
	cloud_run_start(cloud, &order, "job 14", &told);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_MOVED);
	ck_assert_uint_eq(http_server_asked(server, "PUT", ""), 0);
	cloud_run_start(cloud, &order, "nonsense", &told);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_LOST);
}
END_TEST

START_TEST(names_do_not_leave_their_place)
{
	static const struct http_recorded answers[] = {
	    {"GET", "/2/instances/..%2F..%2Fnodes%3Fx%20y%22", NULL, 404, NULL, "{}", 1},
	    {"GET", "/2/instances?bulk=1", NULL, 200, NULL, "[]", 1}, END};
	const struct cloud_order order =
	    cloud_run_order("mac-020000000001", "../../nodes?x y\"", "node1", "node2");

	http_server_play(server, answers);
	cloud_run_start(cloud, &order, NULL, &told);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	ck_assert_uint_eq(http_server_unexpected(server), 0);
}
END_TEST

START_TEST(a_server_that_does_not_answer_ends_at_the_limit)
{
	static const struct http_recorded answers[] = {
	    {"GET", "/2/instances/instance1", NULL, 503, NULL, "", 0}, END};

	settings.move_timeout_ms = 600;
	play(answers);
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	ck_assert_ptr_nonnull(strstr(told.result.text, "nothing was ordered: no answer within"));
	ck_assert_uint_ge(http_server_count(server), 2);
	ck_assert_uint_eq(http_server_asked(server, "PUT", ""), 0);
	http_server_stop(server);
	cloud_run_start(
	    cloud, &(struct cloud_order){.vm_name = "instance1", .to_host = "node2"}, NULL, &told);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	/* After the order nobody knows. */
	cloud_run_start(cloud, &(struct cloud_order){.vm_name = "instance1", .to_host = "node2"},
	    "job 14", &told);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_LOST);
	ck_assert_ptr_nonnull(strstr(told.result.text, "no final answer within"));
}
END_TEST

START_TEST(the_login_is_guarded)
{
	static const struct http_recorded answers[] = {END};

	ck_assert_int_eq(file_replace(login, "grappe:secret\n", 14, 0644), GRAPPE_OK);
	play(answers);
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	ck_assert_ptr_nonnull(strstr(told.result.text, "is open to others"));
	ck_assert_ptr_nonnull(strstr(cloud_run_survey(base, cloud), "is open to others"));
	ck_assert_uint_eq(http_server_count(server), 0);
}
END_TEST

START_TEST(surveys)
{
	static const struct http_recorded good[] = {
	    {"GET", "/2/nodes?bulk=1", NULL, 200, NULL,
		"[" NODE("node1", "") ",{\"name\":\"node2\",\"offline\":true,\"mtotal\":0},7]", 1},
	    {"GET", "/2/groups?bulk=1", NULL, 200, NULL,
		"[{\"uuid\":\"g2\",\"name\":\"x\"},{\"uuid\":\"g1\",\"name\":\"racks\"}]", 1},
	    {"GET", "/2/instances?bulk=1", NULL, 200, NULL,
		"[" INSTANCE("node1", "running") "," INSTANCE("node2", "ADMIN_down") "]", 1},
	    END};
	static const struct http_recorded denied[] = {
	    {"GET", "/2/nodes?bulk=1", NULL, 401, NULL, "", 1}, END};
	static const struct http_recorded cut[] = {
	    {"GET", "/2/nodes?bulk=1", NULL, 200, NULL, "[]", 1},
	    {"GET", "/2/groups?bulk=1", NULL, HTTP_PLAY_CUT, NULL, "", 1}, END};
	static const struct http_recorded garbage[] = {
	    {"GET", "/2/nodes?bulk=1", NULL, 200, NULL, "{}", 1},
	    {"GET", "/2/groups?bulk=1", NULL, 200, NULL, "[]", 1},
	    {"GET", "/2/instances?bulk=1", NULL, 200, NULL, "[]", 1}, END};

	http_server_play(server, good);
	ck_assert_str_eq(cloud_run_survey(base, cloud),
	    "{\"hosts\":[{\"closed\":false,\"name\":\"node1\",\"group\":\"racks\",\"vcpu\":4.0,"
	    "\"mem_GiB\":8.0},{\"closed\":true,\"name\":\"node2\"}],\"vms\":[{\"running\":true,"
	    "\"id\":\"mac-020000000001\",\"name\":\"instance1\",\"host\":\"node1\",\"vcpu\":1.0,"
	    "\"mem_GiB\":0.5},{\"running\":false,\"id\":\"mac-020000000001\",\"name\":"
	    "\"instance1\",\"host\":\"node2\",\"vcpu\":1.0,\"mem_GiB\":0.5}],\"sets\":[]}");
	http_server_play(server, denied);
	ck_assert_str_eq(cloud_run_survey(base, cloud), "error: the RAPI refuses the login (401)");
	http_server_play(server, cut);
	ck_assert_int_eq(strncmp(cloud_run_survey(base, cloud), "error: the RAPI: ", 17), 0);
	http_server_play(server, garbage);
	ck_assert_str_eq(cloud_run_survey(base, cloud), "error: the RAPI's lists make no sense");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cloud_ganeti");
	TCase *tcase = tcase_create("cloud_ganeti");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_move_is_followed_to_its_end);
	tcase_add_loop_test(
	    tcase, every_ending_is_told, 0, (int)(sizeof endings / sizeof *endings));
	tcase_add_loop_test(tcase, a_lost_answer_is_looked_for, 0,
	    (int)(sizeof lost_answers / sizeof *lost_answers));
	tcase_add_loop_test(tcase, an_order_that_was_not_taken, 0,
	    (int)(sizeof lost_answers / sizeof *lost_answers));
	tcase_add_loop_test(
	    tcase, servers_that_misbehave, 0, (int)(sizeof misbehaviours / sizeof *misbehaviours));
	tcase_add_test(tcase, an_instance_is_found_by_its_id);
	tcase_add_test(tcase, the_cluster_chooses);
	tcase_add_test(tcase, a_move_is_called_off);
	tcase_add_test(tcase, a_move_that_cannot_be_called_off);
	tcase_add_test(tcase, calling_off_waits_for_one_answer);
	tcase_add_test(tcase, called_off_before_it_was_ordered);
	tcase_add_test(tcase, after_a_restart_only_its_job_is_followed);
	tcase_add_test(tcase, names_do_not_leave_their_place);
	tcase_add_test(tcase, a_server_that_does_not_answer_ends_at_the_limit);
	tcase_add_test(tcase, the_login_is_guarded);
	tcase_add_test(tcase, surveys);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
