/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Moves by any program, judged by how it ends and by where the VM is then. */
#include "common/error.h"
#include "common/file.h"
#include "manager/child.h"
#include "manager/cloud_survey.h"
#include "tests/fakes/cloud_run.h"
#include "tests/unit/unit.h"

#include <event2/event.h>

static struct event_base *base;
static struct cloud *cloud;
static struct cloud_told told;
static char folder[UNIT_PATH_SIZE];
static char *move_words[16], *abort_words[16], *survey_words[8];
static struct cloud_settings settings;

static void set_words(struct settings_list *list, char **words, const char *script)
{
	static char *const begin[] = {"sh", "-c", NULL, "sh", "{vm}", "{name}", "{from_host}",
	    "{to_host}", "{from_environment}", "{to_environment}"};

	memcpy(words, begin, sizeof begin);
	words[2] = (char *)script;
	*list = (struct settings_list){words, 10};
}

static void setup(void)
{
	unit_make_folder(folder);
	base = event_base_new();
	settings = (struct cloud_settings){.title = "own",
	    .kind = CLOUD_COMMAND,
	    .url = "",
	    .address = "",
	    .ca_file = "",
	    .login_file = "",
	    .timeout_ms = 5000,
	    .connect_timeout_ms = 1000,
	    .move_timeout_ms = 15000,
	    .poll_ms = 100};
	ck_assert_int_eq(cloud_new(base, &settings, &cloud), GRAPPE_OK);
}

static void teardown(void)
{
	cloud_free(cloud);
	event_base_free(base);
	unit_remove_folder(folder);
}

static void on_nothing(const struct child_result *result, void *context)
{
	(void)result;
	(void)context;
}

static void move_by(const char *script)
{
	const struct cloud_order order = cloud_run_order("mac-020000000001", "web 1", "h1", "h2");

	set_words(&settings.command, move_words, script);
	cloud_run_start(cloud, &order, NULL, &told);
	cloud_run_wait(base, &told);
}

/* Here no placeholder stands. */
static void survey_by(char *script)
{
	survey_words[0] = "sh";
	survey_words[1] = "-c";
	survey_words[2] = script;
	settings.survey_command = (struct settings_list){survey_words, 3};
}

START_TEST(a_move_that_ends_well)
{
	char script[UNIT_PATH_SIZE + 100];
	struct buffer bytes;

	snprintf(script, sizeof script, "printf '%%s|' \"$@\" >%s/words", folder);
	move_by(script);
	ck_assert_int_eq(told.result.outcome, CLOUD_MOVED);
	ck_assert_int_eq(strncmp(told.handle, "command ", 8), 0);
	snprintf(script, sizeof script, "%s/words", folder);
	ck_assert_int_eq(file_read(script, 1000, &bytes), GRAPPE_OK);
	buffer_put_u8(&bytes, 0);
	ck_assert_str_eq((char *)bytes.bytes, "mac-020000000001|web 1|h1|h2|site-1|site-2|");
	buffer_deinit(&bytes);
}
END_TEST

START_TEST(a_move_that_ends_badly)
{
	move_by("echo no route to h2 >&2; exit 7");
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	ck_assert_str_eq(told.result.text, "the command: it ended with 7: no route to h2");
	settings.command.items[0] = "/nonexistent/mover";
	cloud_run_start(cloud,
	    &(struct cloud_order){.vm_name = "x", .from_host = "h1", .to_host = "h2"}, NULL, &told);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	ck_assert_ptr_nonnull(strstr(told.result.text, "/nonexistent/mover: No such file"));
}
END_TEST

START_TEST(names_are_no_options)
{
	struct cloud_order order = cloud_run_order("--all", "x", "h1", "h2");

	set_words(&settings.command, move_words, "exit 0");
	cloud_run_start(cloud, &order, NULL, &told);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	ck_assert_ptr_nonnull(strstr(told.result.text, "read as an option"));
	ck_assert_str_eq(told.handle, "");
}
END_TEST

/* A list in a file, which the command replaces. */
static void list_vms(const char *json)
{
	char path[UNIT_PATH_SIZE + 16];
	static char script[UNIT_PATH_SIZE + 100];

	snprintf(path, sizeof path, "%s/list", folder);
	ck_assert_int_eq(file_replace(path, json, strlen(json), 0600), GRAPPE_OK);
	snprintf(script, sizeof script, "echo a warning >&2; cat %s", path);
	survey_by(script);
}

#define VM(host, more)                                                                             \
	"{\"id\":\"mac-020000000001\",\"name\":\"web 1\",\"host\":\"" host "\"" more "}"
#define ONE(vm) "{\"hosts\":[],\"vms\":[" vm "]}"

/* Before the command: what the list says against it. */
static const struct {
	const char *list;
	enum cloud_outcome outcome;
	const char *text;
} obstacles[] = {
    {ONE(""), CLOUD_FAILED, "survey_command lists no VM web 1"},
    {ONE("{\"name\":\"web 1\"},{\"name\":\"web 1\"}"), CLOUD_FAILED, "or several of that name"},
    {ONE(VM("h2", "")), CLOUD_MOVED, ""},
    {ONE(VM("h3", "")), CLOUD_FAILED, "it is on h3, not on h1"},
    {ONE(VM("h1", ",\"running\":false")), CLOUD_FAILED, "it does not run"},
    {"{\"hosts\":[{\"name\":\"h1\"}],\"vms\":[" VM("h1", "") "]}", CLOUD_FAILED,
	"there is no host h2"},
    {"{\"hosts\":[{\"name\":\"h2\",\"closed\":true}],\"vms\":[" VM("h1", "") "]}", CLOUD_FAILED,
	"host h2 is closed to VMs"},
    {"{\"hosts\":[{\"name\":\"h2\",\"mem_GiB\":8}],\"vms\":[" VM("h1",
	 ",\"mem_GiB\":4") ",{\"name\":\"x\",\"host\":\"h2\",\"mem_GiB\":5},{\"name\":\"y\","
			   "\"host\":\"h2\"},"
			   "{\"name\":\"z\",\"host\":\"h2\",\"mem_GiB\":99,\"running\":false}]}",
	CLOUD_FAILED, "host h2 has 3.0 GiB free, the VM needs 4.0"},
    {"garbage", CLOUD_FAILED, "where the VM is cannot be told: survey_command: line 1"},
};

START_TEST(what_is_known_before)
{
	char path[UNIT_PATH_SIZE + 16], script[UNIT_PATH_SIZE + 50];

	list_vms(obstacles[_i].list);
	snprintf(path, sizeof path, "%s/ran", folder);
	snprintf(script, sizeof script, "touch %s", path);
	move_by(script);
	ck_assert_msg(told.result.outcome == obstacles[_i].outcome, "%s", told.result.text);
	ck_assert_msg(strstr(told.result.text, obstacles[_i].text) != NULL, "%s", told.result.text);
	ck_assert_str_eq(told.handle, "");
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* After it: the command's exit code, what it leaves in the list. */
static const struct {
	const char *exit_code, *list;
	enum cloud_outcome outcome;
	const char *host, *text;
} endings[] = {
    {"exit 0", ONE(VM("h2", "")), CLOUD_MOVED, "h2", ""},
    {"exit 0", ONE("{\"name\":\"web 1\",\"host\":\"h2\"}"), CLOUD_MOVED, "h2", ""},
    {"exit 0", ONE(VM("h1", "")), CLOUD_FAILED, "h1", "the command ended, but the VM is on h1"},
    {"exit 0", ONE(VM("h2", ",\"running\":false")), CLOUD_FAILED, "h2",
	"it is on h2 and does not run"},
    {"exit 0", ONE("{\"name\":\"other\",\"host\":\"h2\"}"), CLOUD_LOST, "",
	"where the VM is cannot be told: survey_command does not list it"},
    {"exit 0", ONE(""), CLOUD_LOST, "",
	"where the VM is cannot be told: survey_command does not list it"},
    {"exit 0", "garbage", CLOUD_LOST, "", "where the VM is cannot be told: survey_command: line 1"},
    {"echo no; exit 3", ONE(VM("h1", "")), CLOUD_FAILED, "h1", "the command: it ended with 3: no"},
    {"echo no; exit 3", ONE(VM("h2", "")), CLOUD_MOVED, "h2", ""},
    {"kill -9 $$", ONE(VM("h1", "")), CLOUD_FAILED, "h1", "the command: it died of signal 9"},
    {"kill -9 $$", ONE(""), CLOUD_LOST, "", "does not list it; the command: it died of signal 9"},
};

START_TEST(the_survey_has_the_last_word)
{
	char path[UNIT_PATH_SIZE + 16], script[2 * UNIT_PATH_SIZE + 100];

	snprintf(path, sizeof path, "%s/next", folder);
	ck_assert_int_eq(
	    file_replace(path, endings[_i].list, strlen(endings[_i].list), 0600), GRAPPE_OK);
	list_vms(ONE(VM("h1", "")));
	snprintf(
	    script, sizeof script, "cp %s/next %s/list; %s", folder, folder, endings[_i].exit_code);
	move_by(script);
	ck_assert_int_eq(strncmp(told.handle, "command ", 8), 0);
	ck_assert_msg(told.result.outcome == endings[_i].outcome, "%s", told.result.text);
	ck_assert_str_eq(told.result.host, endings[_i].host);
	ck_assert_msg(strstr(told.result.text, endings[_i].text) != NULL, "%s", told.result.text);
}
END_TEST

/* Longer than what is kept of a command's output. */
START_TEST(a_long_survey)
{
	static char list[400000];
	size_t n = (size_t)snprintf(list, sizeof list, "{\"hosts\":[],\"vms\":[");

	for (int i = 0; i < 5000; i++)
		n += (size_t)snprintf(
		    list + n, sizeof list - n, "{\"name\":\"vm%d\",\"host\":\"h%d\"},", i, i % 7);
	snprintf(list + n, sizeof list - n, VM("h2", "") "]}");
	list_vms(list);
	move_by("exit 0");
	ck_assert_msg(told.result.outcome == CLOUD_MOVED, "%s", told.result.text);
}
END_TEST

START_TEST(one_that_dies)
{
	move_by("kill -9 $$");
	ck_assert_int_eq(told.result.outcome, CLOUD_LOST);
	ck_assert_str_eq(told.result.text, "the command: it died of signal 9");
}
END_TEST

START_TEST(a_move_can_be_called_off)
{
	const struct cloud_order order = cloud_run_order("v", "v", "h1", "h2");
	char script[UNIT_PATH_SIZE + 200], stop[UNIT_PATH_SIZE + 50];
	struct cloud_job *job;

	set_words(&settings.command, move_words, "echo begun; exec sleep 1000");
	job = cloud_run_start(cloud, &order, NULL, &told);
	cloud_run_accepted(base, &told);
	cloud_abort(job);
	cloud_abort(job);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_CANCELLED);
	/* By a command of its own. */
	snprintf(script, sizeof script,
	    "while [ ! -e %s/stop ]; do sleep 0.02; done; echo stopped; exit 1", folder);
	set_words(&settings.command, move_words, script);
	snprintf(stop, sizeof stop, "touch %s/stop", folder);
	set_words(&settings.abort_command, abort_words, stop);
	job = cloud_run_start(cloud, &order, NULL, &told);
	cloud_run_accepted(base, &told);
	cloud_abort(job);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_CANCELLED);
	ck_assert_str_eq(told.result.text, "the command: it ended with 1: stopped");
}
END_TEST

START_TEST(after_a_restart)
{
	const struct cloud_order order = cloud_run_order("v", "v", "h1", "h2");

	set_words(&settings.command, move_words, "echo never; exit 0");
	cloud_run_start(cloud, &order, "command", &told);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_LOST);
	survey_by("echo '{\"hosts\":[],\"vms\":[{\"name\":\"v\",\"host\":\"h2\"}]}'");
	cloud_run_start(cloud, &order, "command", &told);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_MOVED);
}
END_TEST

/* The manager was killed, its command was not. */
START_TEST(a_command_that_outlives_the_manager)
{
	const struct cloud_order order = cloud_run_order("mac-020000000001", "web 1", "h1", "h2");
	const struct child_request request = {
	    .words = (char *[]){"sleep", "1000", NULL}, .limit_ms = 100000};
	char handle[100] = "command ";
	struct child *child;

	ck_assert_int_eq(child_start(base, &request, on_nothing, NULL, &child), GRAPPE_OK);
	child_identify(child, handle + 8);
	list_vms(ONE(VM("h1", "")));
	cloud_run_start(cloud, &order, handle, &told);
	for (int i = 0; i < 5; i++)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(told.ended, 0);
	list_vms(ONE(VM("h2", "")));
	child_free(child);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_MOVED);
	ck_assert(!child_runs(handle + 8));
	/* Its number may be another program's now. */
	snprintf(handle, sizeof handle, "command %ld-1", (long)getpid());
	cloud_run_start(cloud, &order, handle, &told);
	cloud_run_wait(base, &told);
	ck_assert_int_eq(told.result.outcome, CLOUD_MOVED);
}
END_TEST

START_TEST(one_that_never_ends_is_ended)
{
	settings.move_timeout_ms = 300;
	move_by("trap 'echo ended tidily; exit 1' TERM; sleep 1000 & wait");
	ck_assert_int_eq(told.result.outcome, CLOUD_LOST);
	ck_assert_str_eq(told.result.text, "the command: it was ended: it took too long, or was "
					   "called off: ended tidily");
	list_vms(ONE(VM("h1", "")));
	move_by("sleep 1000");
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	ck_assert_str_eq(told.result.host, "h1");
}
END_TEST

START_TEST(what_is_under_way_can_be_forgotten)
{
	const struct cloud_order order = cloud_run_order("v", "v", "h1", "h2");

	set_words(&settings.command, move_words, "sleep 1000");
	cloud_run_start(cloud, &order, NULL, &told);
	cloud_free(cloud);
	cloud = NULL;
	ck_assert_int_eq(told.ended, 0);
}
END_TEST

START_TEST(surveys)
{
	ck_assert_str_eq(cloud_run_survey(base, cloud), "error: it does not begin");
	survey_by("echo '{\"hosts\":[{\"name\":\"h1\",\"vcpu\":8,\"closed\":true}],\"vms\":[],"
		  "\"sets\":[{\"name\":\"fast\",\"host\":\"h1\"}]}'");
	ck_assert_str_eq(cloud_run_survey(base, cloud),
	    "{\"hosts\":[{\"closed\":true,\"name\":\"h1\",\"vcpu\":8.0}],\"vms\":[],"
	    "\"sets\":[{\"name\":\"fast\",\"host\":\"h1\"}]}");
	survey_by("echo '{\"hosts\":[{\"nome\":\"h1\"}],\"vms\":[]}'");
	ck_assert_ptr_nonnull(strstr(cloud_run_survey(base, cloud), "hosts[0]"));
	survey_by("echo broken >&2; exit 2");
	ck_assert_str_eq(
	    cloud_run_survey(base, cloud), "error: survey_command: it ended with 2: broken");
	survey_words[0] = "/nonexistent/lister";
	ck_assert_str_eq(cloud_run_survey(base, cloud),
	    "error: survey_command: /nonexistent/lister: No such file or directory");
	settings.timeout_ms = 200;
	survey_words[0] = "sh";
	survey_by("sleep 1000");
	ck_assert_ptr_nonnull(strstr(cloud_run_survey(base, cloud), "it took too long"));
}
END_TEST

/* ---- configuration ---- */

static struct cloud_settings configured(void)
{
	static char *words[] = {"virsh", "{vm}"};

	return (struct cloud_settings){.title = "own",
	    .kind = CLOUD_COMMAND,
	    .url = "",
	    .address = "",
	    .ca_file = "",
	    .login_file = "",
	    .command = {words, 2}};
}

static void refuse(struct cloud_settings *given, const char *why)
{
	const struct settings_sections sections = {given, 1};
	char message[400] = "";

	ck_assert_int_eq(cloud_check(&sections, message, sizeof message), GRAPPE_EINVALID);
	ck_assert_msg(strstr(message, why) != NULL, "%s", message);
}

START_TEST(configurations)
{
	struct cloud_settings given = configured();
	const struct settings_sections sections = {&given, 1};
	char *odd[] = {"virsh", "{host}"};
	char message[400];

	ck_assert_int_eq(cloud_check(&sections, message, sizeof message), GRAPPE_OK);
	given.command = (struct settings_list){odd, 2};
	refuse(&given, "{host} is not known");
	given.command.count = 0;
	refuse(&given, "command must be given");
	given = configured();
	given.url = "https://x/";
	refuse(&given, "not for kind command");
	given = configured();
	given.kind = CLOUD_GANETI;
	refuse(&given, "url must be given");
	given.url = "http://cluster.example:5080";
	refuse(&given, "login_file must be given");
	given.login_file = "/etc/grappe/rapi";
	refuse(&given, "must be https");
	given.url = "https://cluster.example:5080";
	refuse(&given, "commands are for kind command");
	given.command.count = 0;
	ck_assert_int_eq(cloud_check(&sections, message, sizeof message), GRAPPE_OK);
	given.microversion = "2.88";
	given.domain = "Default";
	ck_assert_int_eq(cloud_check(&sections, message, sizeof message), GRAPPE_OK);
	given.microversion = "2.90";
	refuse(&given, "microversion is for kind openstack");
	given.microversion = NULL;
	given.project = "web";
	refuse(&given, "project is for kind openstack");
	given.project = "";
	given.block_migration = 1;
	refuse(&given, "block_migration is for kind openstack");
	given.block_migration = 0;
	given.address = "nowhere";
	refuse(&given, "address must be HOST:PORT");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cloud_command");
	TCase *tcase = tcase_create("cloud_command");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_move_that_ends_well);
	tcase_add_test(tcase, a_move_that_ends_badly);
	tcase_add_test(tcase, names_are_no_options);
	tcase_add_loop_test(
	    tcase, what_is_known_before, 0, (int)(sizeof obstacles / sizeof *obstacles));
	tcase_add_loop_test(
	    tcase, the_survey_has_the_last_word, 0, (int)(sizeof endings / sizeof *endings));
	tcase_add_test(tcase, a_long_survey);
	tcase_add_test(tcase, one_that_dies);
	tcase_add_test(tcase, a_move_can_be_called_off);
	tcase_add_test(tcase, after_a_restart);
	tcase_add_test(tcase, a_command_that_outlives_the_manager);
	tcase_add_test(tcase, one_that_never_ends_is_ended);
	tcase_add_test(tcase, what_is_under_way_can_be_forgotten);
	tcase_add_test(tcase, surveys);
	tcase_add_test(tcase, configurations);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
