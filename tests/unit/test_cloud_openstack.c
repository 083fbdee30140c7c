/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenStack: answers that Keystone 22, Nova 26 and Placement 8 gave, played one by one; every way
 * in which a move is refused, fails or gets lost. */
#include "common/error.h"
#include "common/file.h"
#include "tests/fakes/cloud_run.h"
#include "tests/fakes/http_server.h"
#include "tests/unit/unit.h"

#include <event2/event.h>

#define SERVER_ID "69f3f80e-4269-49b4-b77a-1b7915d8f098"
#define PROVIDER_ID "78f80116-d3e8-47d8-ad64-c43438208cc6"
#define REQUEST_ID "req-a1a25d1f-b263-4ee0-a30c-4b4eb5340793"
#define SERVER_PATH "/nova/servers/" SERVER_ID

static struct event_base *base;
static struct http_server *server;
static struct cloud *cloud;
static struct cloud_told told;
static struct cloud_settings settings;
static char folder[UNIT_PATH_SIZE], login[UNIT_PATH_SIZE + 16], keystone[128], grant[2048];
static struct http_recorded played[32];

static void setup(void)
{
	const char *at;

	unit_make_folder(folder);
	snprintf(login, sizeof login, "%s/login", folder);
	ck_assert_int_eq(file_replace(login, "admin:secret\n", 13, 0600), GRAPPE_OK);
	base = event_base_new();
	server = http_server_new(base);
	at = http_server_url(server, "");
	snprintf(keystone, sizeof keystone, "%s/v3", at);
	snprintf(grant, sizeof grant,
	    "{\"token\":{\"issued_at\":\"2026-11-27T01:05:11.000000Z\","
	    "\"expires_at\":\"2026-11-27T02:05:11.000000Z\",\"catalog\":["
	    "{\"type\":\"compute\",\"name\":\"nova\",\"endpoints\":[{\"interface\":\"public\","
	    "\"region_id\":\"RegionOne\",\"region\":\"RegionOne\",\"url\":\"%s/nova\"}]},"
	    "{\"type\":\"placement\",\"name\":\"placement\",\"endpoints\":[{\"interface\":"
	    "\"public\",\"region_id\":\"RegionOne\",\"region\":\"RegionOne\",\"url\":"
	    "\"%s/placement\"}]}]}}",
	    at, at);
	settings = (struct cloud_settings){.title = "nova",
	    .kind = CLOUD_OPENSTACK,
	    .url = keystone,
	    .address = "",
	    .ca_file = "",
	    .login_file = login,
	    .domain = "Default",
	    .project = "admin",
	    .project_domain = "Default",
	    .region = "",
	    .microversion = "2.88",
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

/* The token first, then what the table says. */
static void prepare(const struct http_recorded *answers)
{
	size_t n = 0;

	played[n++] = (struct http_recorded){
	    "POST", "/v3/auth/tokens", NULL, 201, "X-Subject-Token: token-1\n", grant, 0};
	while (answers->method != NULL)
		played[n++] = *answers++;
	played[n] = (struct http_recorded){NULL, NULL, NULL, 0, NULL, NULL, 0};
	http_server_play(server, played);
}

static void play(const struct http_recorded *answers)
{
	const struct cloud_order order = cloud_run_order(SERVER_ID, "vm2", "host-a", "host-b");

	prepare(answers);
	cloud_run_start(cloud, &order, NULL, &told);
	cloud_run_wait(base, &told);
	ck_assert_uint_eq(http_server_unexpected(server), 0);
}

#define ENTRY(name, host, status, task)                                                            \
	"{\"id\":\"" SERVER_ID "\",\"name\":\"" name "\",\"status\":\"" status                     \
	"\",\"OS-EXT-SRV-ATTR:host\":" host ",\"OS-EXT-STS:task_state\":" task                     \
	",\"flavor\":{\"vcpus\":1,\"ram\":512}}"
#define AT(host) "{\"server\":" ENTRY("vm2", "\"" host "\"", "ACTIVE", "null") "}"
#define SERVICE(status, state)                                                                     \
	"{\"services\":[{\"binary\":\"nova-compute\",\"host\":\"host-b\",\"id\":\"84a4f1fb-52a0-"  \
	"45a5-"                                                                                    \
	"95bf-e628afb82637\",\"zone\":\"nova\",\"status\":\"" status "\",\"state\":\"" state       \
	"\",\"disabled_reason\":\"maintenance\"}]}"
#define MIGRATION(id, status)                                                                      \
	"{\"id\":" id ",\"instance_uuid\":\"" SERVER_ID "\",\"status\":\"" status                  \
	"\",\"migration_type\":\"live-migration\",\"source_compute\":\"host-a\",\"dest_compute\":" \
	"\"host-b\"}"

#define FOUND                                                                                      \
	{                                                                                          \
		"GET", SERVER_PATH, NULL, 200, NULL, AT("host-a"), 1                               \
	}
#define OPEN                                                                                       \
	{                                                                                          \
		"GET", "/nova/os-services?binary=nova-compute&host=host-b", NULL, 200, NULL,       \
		    SERVICE("enabled", "up"), 1                                                    \
	}
#define PROVIDER                                                                                   \
	{                                                                                          \
		"GET", "/nova/os-hypervisors/detail", NULL, 200, NULL,                             \
		    "{\"hypervisors\":[{\"id\":\"" PROVIDER_ID                                     \
		    "\",\"hypervisor_hostname\":\"host-b\",\"state\":\"up\",\"status\":"           \
		    "\"enabled\",\"service\":"                                                     \
		    "{\"host\":\"host-b\",\"disabled_reason\":null}}]}",                           \
		    1                                                                              \
	}
#define HOLDS                                                                                      \
	{                                                                                          \
		"GET", "/placement/allocations/" SERVER_ID, NULL, 200, NULL,                       \
		    "{\"allocations\":{\"78f80116-d3e8-47d8-ad64-c43438208cc7\":{\"resources\":{"  \
		    "\"DISK_GB\":1,"                                                               \
		    "\"MEMORY_MB\":512,\"VCPU\":1}}}}",                                            \
		    1                                                                              \
	}
#define CANDIDATES(list)                                                                           \
	{                                                                                          \
		"GET", "/placement/allocation_candidates?", NULL, 200, NULL,                       \
		    "{\"allocation_requests\":" list ",\"provider_summaries\":{}}", 1              \
	}
#define ROOM CANDIDATES("[{\"allocations\":{}}]")
#define BASE                                                                                       \
	{                                                                                          \
		"GET", "/nova/os-migrations?instance_uuid=" SERVER_ID, NULL, 200, NULL,            \
		    "{\"migrations\":[" MIGRATION("5", "completed") "]}", 1                        \
	}
#define TAKEN                                                                                      \
	{                                                                                          \
		"POST", SERVER_PATH "/action", "\"os-migrateLive\"", 202,                          \
		    "X-Openstack-Request-Id: " REQUEST_ID "\n", "", 1                              \
	}
#define LOOK(status, times)                                                                        \
	{                                                                                          \
		"GET", "/nova/os-migrations?instance_uuid=" SERVER_ID, NULL, 200, NULL,            \
		    "{\"migrations\":[" MIGRATION("6", status) "," MIGRATION(                      \
			"5", "completed") "]}",                                                    \
		    times                                                                          \
	}
#define ACTION(result, details)                                                                    \
	{                                                                                          \
		"GET", SERVER_PATH "/os-instance-actions/" REQUEST_ID, NULL, 200, NULL,            \
		    "{\"instanceAction\":{\"action\":\"live-migration\",\"request_id\":"           \
		    "\"" REQUEST_ID "\",\"events\":[{\"event\":\"conductor_live_migrate_"          \
		    "instance\",\"result\":\"" result "\",\"details\":" details "}]}}",            \
		    0                                                                              \
	}
#define THERE                                                                                      \
	{                                                                                          \
		"GET", SERVER_PATH, NULL, 200, NULL, AT("host-b"), 1                               \
	}
#define END                                                                                        \
	{                                                                                          \
		NULL, NULL, NULL, 0, NULL, NULL, 0                                                 \
	}
#define BEFORE FOUND, OPEN, PROVIDER, HOLDS, ROOM, BASE

START_TEST(a_move_is_followed_to_its_end)
{
	static const struct http_recorded answers[] = {BEFORE, TAKEN, LOOK("preparing", 1),
	    LOOK("running", 2), LOOK("completed", 1), THERE, END};

	play(answers);
	ck_assert_msg(told.result.outcome == CLOUD_MOVED, "%s", told.result.text);
	ck_assert_str_eq(told.result.host, "host-b");
	ck_assert_str_eq(told.handle, SERVER_ID " 5 " REQUEST_ID);
	ck_assert_uint_eq(http_server_asked(server, "POST", "/v3/auth/tokens"), 1);
	ck_assert_ptr_nonnull(strstr(http_server_seen(server, 0)->body, "\"password\":\"secret\""));
	ck_assert_ptr_nonnull(
	    strstr(http_server_seen(server, 1)->headers, "X-Auth-Token: token-1\n"));
	ck_assert_ptr_nonnull(
	    strstr(http_server_seen(server, 1)->headers, "OpenStack-API-Version: compute 2.88\n"));
	for (size_t i = 0; i < http_server_count(server); i++)
		if (strcmp(http_server_seen(server, i)->path, SERVER_PATH "/action") == 0)
			ck_assert_str_eq(http_server_seen(server, i)->body,
			    "{\"os-migrateLive\":{\"host\":\"host-b\",\"block_migration\":"
			    "\"auto\"}}");
}
END_TEST

static const struct {
	struct http_recorded answers[14];
	enum cloud_outcome outcome;
	const char *text;
	bool order;
} endings[] = {
    /* Refused before anything is ordered. */
    {{{"GET", SERVER_PATH, NULL, 404, NULL, "{\"itemNotFound\":{\"message\":\"gone\"}}", 1},
	 {"GET", "/nova/servers/detail?all_tenants=1&limit=3&name=%5Evm2%24", NULL, 200, NULL,
	     "{\"servers\":[]}", 1},
	 END},
	CLOUD_FAILED, "there is no server vm2", false},
    {{{"GET", SERVER_PATH, NULL, 404, NULL, "{}", 1},
	 {"GET", "/nova/servers/detail", NULL, 403, NULL,
	     "{\"forbidden\":{\"code\":403,\"message\":\"Policy doesn't allow "
	     "os_compute_api:servers:detail:get_all_tenants to be performed.\"}}",
	     1},
	 END},
	CLOUD_FAILED, "403 (this user has not the right to do that): Policy doesn't allow", false},
    {{{"GET", SERVER_PATH, NULL, 404, NULL, "{}", 1},
	 {"GET", "/nova/servers/detail", NULL, 200, NULL,
	     "{\"servers\":[" ENTRY("vm2", "\"host-a\"", "ACTIVE", "null") "," ENTRY(
		 "vm2", "\"host-c\"", "ACTIVE", "null") "]}",
	     1},
	 END},
	CLOUD_FAILED, "several servers are called vm2", false},
    {{{"GET", SERVER_PATH, NULL, 200, NULL,
	  "{\"server\":" ENTRY("vm2", "null", "ACTIVE", "null") "}", 1},
	 END},
	CLOUD_FAILED, "needs the rights of an administrator", false},
    {{{"GET", SERVER_PATH, NULL, 200, NULL, AT("host-b"), 1}, END}, CLOUD_MOVED, "", false},
    {{{"GET", SERVER_PATH, NULL, 200, NULL, AT("host-c"), 1}, END}, CLOUD_FAILED,
	"it is on host-c, not on host-a", false},
    {{{"GET", SERVER_PATH, NULL, 200, NULL,
	  "{\"server\":" ENTRY("vm2", "\"host-a\"", "SHUTOFF", "null") "}", 1},
	 END},
	CLOUD_FAILED, "its status is SHUTOFF", false},
    {{{"GET", SERVER_PATH, NULL, 200, NULL,
	  "{\"server\":" ENTRY("vm2", "\"host-a\"", "ACTIVE", "\"migrating\"") "}", 1},
	 END},
	CLOUD_FAILED, "Nova is at it already: migrating", false},
    {{{"GET", SERVER_PATH, NULL, 200, NULL, "<html>", 1}, END}, CLOUD_FAILED, "makes no sense",
	false},
    {{{"GET", SERVER_PATH, NULL, 302, "Location: http://127.0.0.1:1/\n", "", 1}, END}, CLOUD_FAILED,
	"redirects are not followed", false},
    {{{"GET", SERVER_PATH, NULL, 406, NULL, "{}", 1}, END}, CLOUD_FAILED,
	"it does not offer this microversion", false},
    {{FOUND, {"GET", "/nova/os-services", NULL, 200, NULL, "{\"services\":[]}", 1}, END},
	CLOUD_FAILED, "there is no compute host host-b", false},
    {{FOUND, {"GET", "/nova/os-services", NULL, 200, NULL, SERVICE("disabled", "up"), 1}, END},
	CLOUD_FAILED, "nova-compute of host-b is disabled: maintenance", false},
    {{FOUND, {"GET", "/nova/os-services", NULL, 200, NULL, SERVICE("enabled", "down"), 1}, END},
	CLOUD_FAILED, "nova-compute of host-b is down", false},
    {{FOUND, OPEN, PROVIDER, HOLDS, CANDIDATES("[]"), END}, CLOUD_FAILED,
	"host host-b has no room for", false},
    /* Placement is not for this user: Nova looks itself. */
    {{FOUND, OPEN, PROVIDER, {"GET", "/placement/allocations", NULL, 403, NULL, "{}", 1}, BASE,
	 TAKEN, LOOK("completed", 1), THERE, END},
	CLOUD_MOVED, "", true},
    /* Refused as an order. */
    {{BEFORE,
	 {"POST", SERVER_PATH "/action", NULL, 409, NULL,
	     "{\"conflictingRequest\":{\"code\":409,\"message\":\"Cannot 'os-migrateLive' instance "
	     "while it is in task_state migrating\"}}",
	     1},
	 END},
	CLOUD_FAILED, "409: Cannot 'os-migrateLive' instance while it is in task_state migrating",
	true},
    {{BEFORE,
	 {"POST", SERVER_PATH "/action", NULL, 400, NULL,
	     "{\"badRequest\":{\"code\":400,\"message\":\"Compute host host-b could not be "
	     "found.\"}}",
	     1},
	 END},
	CLOUD_FAILED, "400: Compute host host-b could not be found.", true},
    {{BEFORE,
	 {"POST", SERVER_PATH "/action", NULL, 403, NULL,
	     "{\"forbidden\":{\"code\":403,\"message\":\"Policy doesn't allow "
	     "os_compute_api:os-migrate-server:migrate_live\"}}",
	     1},
	 END},
	CLOUD_FAILED, "403 (this user has not the right to do that)", true},
    /* 202, and then it fails: destination full, same host, disabled meanwhile. */
    {{BEFORE, TAKEN, LOOK("error", 0), ACTION("Error", "\"No valid host was found.\""), END},
	CLOUD_FAILED, "Nova did not move it: No valid host was found.", true},
    {{BEFORE, TAKEN,
	 {"GET", "/nova/os-migrations", NULL, 200, NULL,
	     "{\"migrations\":[" MIGRATION("5", "completed") "]}", 0},
	 ACTION("Error", "null"), END},
	CLOUD_FAILED, "Nova did not move it: it does not say why", true},
    {{BEFORE, TAKEN, LOOK("running", 1), LOOK("cancelled", 1), END}, CLOUD_CANCELLED,
	"migration 6 was cancelled", true},
    {{BEFORE, TAKEN, LOOK("completed", 1), {"GET", SERVER_PATH, NULL, 200, NULL, AT("host-a"), 1},
	 END},
	CLOUD_FAILED, "the migration completed, but the server is on host-a", true},
    /* After the order nothing makes it undone. */
    {{BEFORE, TAKEN, {"GET", "/nova/os-migrations", NULL, 403, NULL, "{}", 1}, END}, CLOUD_LOST,
	"403", true},
    {{BEFORE, TAKEN, {"GET", "/nova/os-migrations", NULL, 200, NULL, "garbage", 1}, END},
	CLOUD_LOST, "makes no sense", true},
    {{BEFORE, TAKEN, {"GET", "/nova/os-migrations", NULL, 503, NULL, "", 4}, LOOK("completed", 1),
	 THERE, END},
	CLOUD_MOVED, "", true},
    /* An order whose answer got lost: it had been taken; it had not. */
    {{BEFORE, {"POST", SERVER_PATH "/action", NULL, 504, NULL, "", 1}, LOOK("completed", 1), THERE,
	 END},
	CLOUD_MOVED, "", true},
    {{BEFORE, {"POST", SERVER_PATH "/action", NULL, 504, NULL, "", 1},
	 {"GET", "/nova/os-migrations", NULL, 200, NULL,
	     "{\"migrations\":[" MIGRATION("5", "completed") "]}", 0},
	 END},
	CLOUD_FAILED, "the order did not get through", true},
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
	/* Never given twice. */
	ck_assert_uint_eq(
	    http_server_asked(server, "POST", SERVER_PATH "/action"), endings[_i].order);
}
END_TEST

START_TEST(a_token_that_is_refused_is_renewed_once)
{
	static const struct http_recorded once[] = {{"GET", SERVER_PATH, NULL, 401, NULL, "", 1},
	    {"GET", SERVER_PATH, NULL, 200, NULL, AT("host-b"), 1}, END};
	static const struct http_recorded twice[] = {
	    {"GET", SERVER_PATH, NULL, 401, NULL, "", 0}, END};

	play(once);
	ck_assert_int_eq(told.result.outcome, CLOUD_MOVED);
	ck_assert_uint_eq(http_server_asked(server, "POST", "/v3/auth/tokens"), 2);
	play(twice);
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	ck_assert_ptr_nonnull(strstr(told.result.text, "401 to a new token as well"));
	ck_assert_uint_eq(http_server_asked(server, "POST", "/v3/auth/tokens"), 3);
}
END_TEST

static const struct {
	int code;
	const char *headers, *body, *text;
} logins[] = {
    {401, NULL,
	"{\"error\":{\"code\":401,\"message\":\"The request you have made requires "
	"authentication.\"}}",
	"Keystone answered 401 (user, password or project is wrong)"},
    {201, NULL, "{}", "holds no token"},
    {201, "X-Subject-Token: t\n", "garbage", "not one to a request for a token"},
    {201, "X-Subject-Token: t\n",
	"{\"token\":{\"issued_at\":\"2026-11-27T01:05:11.000000Z\",\"expires_at\":"
	"\"2026-11-27T02:05:11.000000Z\",\"catalog\":[]}}",
	"Nova is not in the catalog"},
    {201, "X-Subject-Token: t\n",
	"{\"token\":{\"issued_at\":\"2026-11-27T01:05:11.000000Z\",\"expires_at\":"
	"\"2026-11-27T02:05:11.000000Z\",\"catalog\":[{\"type\":\"compute\",\"endpoints\":["
	"{\"interface\":\"public\",\"region_id\":\"R\",\"region\":\"R\",\"url\":"
	"\"http://192.0.2.1/nova\"}]}]}}",
	"not https: the token would travel in the clear"},
};

START_TEST(logins_that_fail)
{
	const struct cloud_order order = cloud_run_order(SERVER_ID, "vm2", "host-a", "host-b");

	played[0] = (struct http_recorded){"POST", "/v3/auth/tokens", NULL, logins[_i].code,
	    logins[_i].headers, logins[_i].body, 0};
	played[1] = (struct http_recorded){NULL, NULL, NULL, 0, NULL, NULL, 0};
	http_server_play(server, played);
	cloud_run_start(cloud, &order, NULL, &told);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	ck_assert_msg(strstr(told.result.text, logins[_i].text) != NULL, "%s", told.result.text);
	ck_assert_uint_eq(
	    http_server_count(server), http_server_asked(server, "POST", "/v3/auth/tokens"));
}
END_TEST

START_TEST(a_move_is_called_off)
{
	static const struct http_recorded answers[] = {BEFORE, TAKEN, LOOK("running", 1),
	    {"DELETE", SERVER_PATH "/migrations/6", NULL, 202, NULL, "", 1}, LOOK("cancelled", 1),
	    END};
	const struct cloud_order order = cloud_run_order(SERVER_ID, "vm2", "host-a", "host-b");
	struct cloud_job *job;

	prepare(answers);
	job = cloud_run_start(cloud, &order, NULL, &told);
	cloud_run_accepted(base, &told);
	cloud_abort(job);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_CANCELLED);
	ck_assert_uint_eq(http_server_asked(server, "DELETE", SERVER_PATH), 1);
	ck_assert_uint_eq(http_server_unexpected(server), 0);
}
END_TEST

START_TEST(calling_off_is_said_until_it_is_taken)
{
	static const struct http_recorded answers[] = {BEFORE, TAKEN, LOOK("accepted", 2),
	    {"DELETE", SERVER_PATH "/migrations/6", NULL, 400, NULL,
		"{\"badRequest\":{\"message\":\"Migration 6 state of instance is accepted\"}}", 2},
	    LOOK("running", 1), {"DELETE", SERVER_PATH "/migrations/6", NULL, 202, NULL, "", 1},
	    LOOK("cancelled", 1), END};
	const struct cloud_order order = cloud_run_order(SERVER_ID, "vm2", "host-a", "host-b");
	struct cloud_job *job;

	prepare(answers);
	job = cloud_run_start(cloud, &order, NULL, &told);
	cloud_run_accepted(base, &told);
	cloud_abort(job);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_CANCELLED);
	ck_assert_uint_eq(http_server_asked(server, "DELETE", SERVER_PATH), 3);
}
END_TEST

START_TEST(nothing_is_ordered_then)
{
	static const struct http_recorded answers[] = {BEFORE, TAKEN, END};
	static const struct http_recorded nobody[] = {
	    {"GET", SERVER_PATH, NULL, 503, NULL, "", 0}, END};
	const struct cloud_order order = cloud_run_order(SERVER_ID, "vm2", "host-a", "host-b");

	prepare(answers);
	cloud_abort(cloud_run_start(cloud, &order, NULL, &told));
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_CANCELLED);
	ck_assert_str_eq(told.handle, "");
	settings.move_timeout_ms = 600;
	play(nobody);
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	ck_assert_ptr_nonnull(strstr(told.result.text, "nothing was ordered"));
	ck_assert_uint_eq(http_server_asked(server, "POST", SERVER_PATH), 0);
}
END_TEST

START_TEST(after_a_restart_only_its_migration_is_followed)
{
	static const struct http_recorded answers[] = {LOOK("completed", 1), THERE, END};
	const struct cloud_order order = cloud_run_order(SERVER_ID, "vm2", "host-a", "host-b");

	prepare(answers);
	cloud_run_start(cloud, &order, SERVER_ID " 5 " REQUEST_ID, &told);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_MOVED);
	ck_assert_uint_eq(http_server_asked(server, "POST", SERVER_PATH), 0);
	cloud_run_start(cloud, &order, "nonsense", &told);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_LOST);
}
END_TEST

START_TEST(names_do_not_leave_their_place)
{
	static const struct http_recorded answers[] = {
	    {"GET",
		"/nova/servers/detail?all_tenants=1&limit=3&name=%5E%5C.%5C.%5C%2Fx%5C%26y%3D%24",
		NULL, 200, NULL, "{\"servers\":[]}", 1},
	    {"GET", "/nova/servers/detail", NULL, 200, NULL, "{\"servers\":[]}", 1}, END};
	const struct cloud_order order =
	    cloud_run_order("mac-020000000001", "../x&y=", "host-a", "host-b");

	prepare(answers);
	cloud_run_start(cloud, &order, NULL, &told);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	ck_assert_uint_eq(http_server_count(server), 2);
}
END_TEST

START_TEST(surveys)
{
	static const struct http_recorded good[] = {
	    {"GET", "/nova/os-services?binary=nova-compute", NULL, 200, NULL,
		SERVICE("disabled", "up"), 1},
	    PROVIDER,
	    {"GET", "/placement/resource_providers/" PROVIDER_ID "/inventories", NULL, 200, NULL,
		"{\"inventories\":{\"VCPU\":{\"total\":8,\"reserved\":0,\"allocation_ratio\":16.0},"
		"\"MEMORY_MB\":{\"total\":16384,\"reserved\":512,\"allocation_ratio\":1.5}}}",
		1},
	    {"GET", "/nova/os-aggregates", NULL, 200, NULL,
		"{\"aggregates\":[{\"id\":1,\"name\":\"fast\",\"hosts\":[\"host-b\"]}]}", 1},
	    {"GET", "/nova/servers/detail?all_tenants=1", NULL, 200, NULL,
		"{\"servers\":[" ENTRY("vm2", "\"host-b\"", "ACTIVE", "null") "]}", 1},
	    END};
	static const struct http_recorded denied[] = {
	    {"GET", "/nova/os-services", NULL, 403, NULL,
		"{\"forbidden\":{\"message\":\"Policy doesn't allow it\"}}", 1},
	    END};

	prepare(good);
	ck_assert_str_eq(cloud_run_survey(base, cloud),
	    "{\"hosts\":[{\"closed\":true,\"name\":\"host-b\",\"group\":\"nova\",\"vcpu\":128.0,"
	    "\"mem_GiB\":23.25}],\"vms\":[{\"running\":true,\"id\":\"" SERVER_ID
	    "\",\"name\":\"vm2\",\"host\":\"host-b\",\"vcpu\":1.0,\"mem_GiB\":0.5}],\"sets\":["
	    "{\"name\":\"fast\",\"host\":\"host-b\"}]}");
	ck_assert_uint_eq(http_server_unexpected(server), 0);
	prepare(denied);
	ck_assert_ptr_nonnull(strstr(cloud_run_survey(base, cloud),
	    "error: Nova answered 403 (this user has not the right to do that): Policy doesn't"));
}
END_TEST

static const struct {
	const char *url, *microversion, *project, *why;
} configurations[] = {
    {"https://keystone.example:5000/v2.0", "2.88", "p", "end in /v3"},
    {"http://keystone.example:5000/v3", "2.88", "p", "must be https"},
    {"https://keystone.example:5000/v3", "2.1", "p", "microversion must be 2.60 or later"},
    {"https://keystone.example:5000/v3", "3.88", "p", "microversion"},
    {"https://keystone.example:5000/v3", "2.88", "", "project must be given"},
    {"https://keystone.example:5000/v3", "2.88", "p", NULL},
};

START_TEST(what_is_configured)
{
	const struct settings_sections sections = {&settings, 1};
	char message[400] = "";
	int rc;

	settings.url = (char *)configurations[_i].url;
	settings.microversion = (char *)configurations[_i].microversion;
	settings.project = (char *)configurations[_i].project;
	rc = cloud_check(&sections, message, sizeof message);
	ck_assert_int_eq(rc, configurations[_i].why != NULL ? GRAPPE_EINVALID : GRAPPE_OK);
	if (configurations[_i].why != NULL)
		ck_assert_msg(strstr(message, configurations[_i].why) != NULL, "%s", message);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
	Suite *suite = suite_create("cloud_openstack");
	TCase *tcase = tcase_create("cloud_openstack");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_move_is_followed_to_its_end);
	tcase_add_loop_test(tcase, every_ending_is_told, 0, COUNT(endings));
	tcase_add_test(tcase, a_token_that_is_refused_is_renewed_once);
	tcase_add_loop_test(tcase, logins_that_fail, 0, COUNT(logins));
	tcase_add_test(tcase, a_move_is_called_off);
	tcase_add_test(tcase, calling_off_is_said_until_it_is_taken);
	tcase_add_test(tcase, nothing_is_ordered_then);
	tcase_add_test(tcase, after_a_restart_only_its_migration_is_followed);
	tcase_add_test(tcase, names_do_not_leave_their_place);
	tcase_add_test(tcase, surveys);
	tcase_add_loop_test(tcase, what_is_configured, 0, COUNT(configurations));
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
