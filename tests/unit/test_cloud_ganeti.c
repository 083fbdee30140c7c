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

static size_t count_method(const char *method)
{
	size_t count = 0;

	for (size_t i = 0; i < http_server_count(server); i++)
		count += strcmp(http_server_seen(server, i)->method, method) == 0;
	return count;
}

START_TEST(a_move_is_followed_to_its_end)
{
	static const struct http_recorded answers[] = {FOUND, ROOM, TAKEN,
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
	ck_assert_str_eq(http_server_seen(server, 2)->authorization, "Basic Z3JhcHBlOnNlY3JldA==");
	ck_assert_str_eq(http_server_seen(server, 2)->content_type, "application/json");
	ck_assert_str_eq(
	    http_server_seen(server, 2)->body, "{\"mode\":\"live\",\"target_node\":\"node2\"}");
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
	 END},
	CLOUD_FAILED, "there is no instance instance1", false},
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
    {{FOUND, {"GET", "/2/nodes/node2", NULL, 200, NULL, NODE("node2", ",\"x\":1"), 1},
	 {"PUT", "/2/instances/instance1/migrate", NULL, 400, NULL,
	     "{\"code\":400,\"message\":\"Bad Request\",\"explain\":\"Unknown parameter 'x'\"}", 1},
	 END},
	CLOUD_FAILED, "answered 400: Unknown parameter 'x'", true},
    {{FOUND, ROOM,
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
    {{FOUND, ROOM, TAKEN,
	 {"GET", "/2/jobs/14", NULL, 200, NULL,
	     JOB("error", "[\"OpPrereqError\",[\"Node 'node2' not known\",\"unknown_entity\"]]"),
	     1},
	 END},
	CLOUD_FAILED, "job 14: Node 'node2' not known", true},
    {{FOUND, ROOM, TAKEN,
	 {"GET", "/2/jobs/14", NULL, 200, NULL,
	     JOB("error",
		 "[\"OpPrereqError\",[\"Cannot migrate to its primary\",\"wrong_state\"]]"),
	     1},
	 END},
	CLOUD_FAILED, "job 14: Cannot migrate to its primary", true},
    {{FOUND, ROOM, TAKEN, {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("canceled", "null"), 1}, END},
	CLOUD_CANCELLED, "job 14 was cancelled", true},
    /* The job says success, the instance does not. */
    {{FOUND, ROOM, TAKEN, {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("success", "null"), 1},
	 {"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node1", "running"), 1}, END},
	CLOUD_FAILED, "the job ended, but the instance is on node1", true},
    /* Archived away meanwhile: the place tells. */
    {{FOUND, ROOM, TAKEN, {"GET", "/2/jobs/14", NULL, 404, NULL, "{}", 1},
	 {"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node2", "running"), 1}, END},
	CLOUD_MOVED, "", true},
    /* After the order a refused login does not make it undone. */
    {{FOUND, ROOM, TAKEN, {"GET", "/2/jobs/14", NULL, 401, NULL, "", 1}, END}, CLOUD_LOST,
	"refuses the login (401)", true},
    /* Not there for a moment. */
    {{FOUND, ROOM, TAKEN, {"GET", "/2/jobs/14", NULL, 502, NULL, "", 2},
	 {"GET", "/2/jobs/14", NULL, 200, NULL, JOB("success", "null"), 1},
	 {"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node2", "running"), 1}, END},
	CLOUD_MOVED, "", true},
    {{FOUND, ROOM, TAKEN, {"GET", "/2/jobs/14", NULL, 200, NULL, "{\"status\":\"odd\"}", 1},
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
	ck_assert_uint_eq(count_method("PUT"), endings[_i].order);
}
END_TEST

/* An order whose answer got lost is looked for, and never given again. */
START_TEST(a_lost_answer_is_looked_for)
{
	static const struct http_recorded taken[] = {FOUND, ROOM,
	    {"PUT", "/2/instances/instance1/migrate", NULL, 504, NULL, "", 1},
	    {"GET", "/2/jobs?bulk=1", NULL, 200, NULL,
		"[{\"id\":9,\"received_ts\":[1,0],\"ops\":[{\"OP_ID\":\"OP_INSTANCE_MIGRATE\","
		"\"instance_name\":\"instance1\"}]},{\"id\":15,\"received_ts\":[99999999999,0],"
		"\"ops\":[{\"OP_ID\":\"OP_INSTANCE_MIGRATE\",\"instance_name\":\"instance1\"}]},"
		"{\"id\":16,\"received_ts\":[99999999999,0],\"ops\":[{\"OP_ID\":"
		"\"OP_INSTANCE_MIGRATE\",\"instance_name\":\"other\"}]}]",
		1},
	    {"GET", "/2/jobs/15", NULL, 200, NULL, JOB("success", "null"), 1},
	    {"GET", "/2/instances/instance1", NULL, 200, NULL, INSTANCE("node2", "running"), 1},
	    END};
	static const struct http_recorded lost[] = {FOUND, ROOM,
	    {"PUT", "/2/instances/instance1/migrate", NULL, 504, NULL, "", 1},
	    {"GET", "/2/jobs?bulk=1", NULL, 200, NULL, "[]", 1}, END};

	play(taken);
	ck_assert_msg(told.result.outcome == CLOUD_MOVED, "%s", told.result.text);
	ck_assert_str_eq(told.handle, "job 15");
	ck_assert_uint_eq(count_method("PUT"), 1);
	play(lost);
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	ck_assert_ptr_nonnull(strstr(told.result.text, "did not get through"));
	ck_assert_uint_eq(count_method("PUT"), 2);
}
END_TEST

START_TEST(a_move_is_called_off)
{
	static const struct http_recorded answers[] = {FOUND, ROOM, TAKEN,
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
	ck_assert_uint_eq(count_method("DELETE"), 1);
	ck_assert_uint_eq(http_server_unexpected(server), 0);
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
	ck_assert_uint_eq(count_method("PUT"), 0);
	cloud_run_start(cloud, &order, "nonsense", &told);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_LOST);
}
END_TEST

START_TEST(names_do_not_leave_their_place)
{
	static const struct http_recorded answers[] = {
	    {"GET", "/2/instances/..%2F..%2Fnodes%3Fx%20y%22", NULL, 404, NULL, "{}", 1}, END};
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
	ck_assert_int_eq(told.result.outcome, CLOUD_LOST);
	ck_assert_ptr_nonnull(strstr(told.result.text, "no final answer within"));
	ck_assert_uint_ge(http_server_count(server), 2);
	ck_assert_uint_eq(count_method("PUT"), 0);
	http_server_stop(server);
	cloud_run_start(
	    cloud, &(struct cloud_order){.vm_name = "instance1", .to_host = "node2"}, NULL, &told);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_LOST);
}
END_TEST

START_TEST(the_login_is_guarded)
{
	static const struct http_recorded answers[] = {END};

	ck_assert_int_eq(file_replace(login, "grappe:secret\n", 14, 0644), GRAPPE_OK);
	play(answers);
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	ck_assert_ptr_nonnull(strstr(told.result.text, "is open to others"));
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
	tcase_add_test(tcase, a_lost_answer_is_looked_for);
	tcase_add_test(tcase, a_move_is_called_off);
	tcase_add_test(tcase, after_a_restart_only_its_job_is_followed);
	tcase_add_test(tcase, names_do_not_leave_their_place);
	tcase_add_test(tcase, a_server_that_does_not_answer_ends_at_the_limit);
	tcase_add_test(tcase, the_login_is_guarded);
	tcase_add_test(tcase, surveys);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
