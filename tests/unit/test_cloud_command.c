/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Moves by any program, judged by how it ends and by where the VM is then. */
#include "common/error.h"
#include "common/file.h"
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
	ck_assert_str_eq(told.handle, "command");
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

START_TEST(the_survey_has_the_last_word)
{
	survey_by("echo '{\"hosts\":[],\"vms\":[{\"id\":\"mac-020000000001\",\"name\":\"web 1\","
		  "\"host\":\"h1\"}]}'");
	move_by("exit 0");
	ck_assert_int_eq(told.result.outcome, CLOUD_FAILED);
	ck_assert_str_eq(told.result.text, "the command ended, but the VM is on h1");
	survey_by("echo '{\"hosts\":[],\"vms\":[{\"name\":\"web 1\",\"host\":\"h2\"}]}'");
	move_by("exit 0");
	ck_assert_int_eq(told.result.outcome, CLOUD_MOVED);
	ck_assert_str_eq(told.result.host, "h2");
	survey_by("echo '{\"hosts\":[],\"vms\":[{\"name\":\"other\",\"host\":\"h2\"}]}'");
	move_by("exit 0");
	ck_assert_int_eq(told.result.outcome, CLOUD_LOST);
	survey_by("echo 'garbage'");
	move_by("exit 0");
	ck_assert_int_eq(told.result.outcome, CLOUD_LOST);
	ck_assert_ptr_nonnull(strstr(told.result.text, "line 1"));
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

START_TEST(one_that_never_ends_is_ended)
{
	settings.move_timeout_ms = 300;
	move_by("sleep 1000");
	ck_assert(told.result.outcome == CLOUD_LOST || told.result.outcome == CLOUD_FAILED);
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
	tcase_add_test(tcase, the_survey_has_the_last_word);
	tcase_add_test(tcase, a_move_can_be_called_off);
	tcase_add_test(tcase, after_a_restart);
	tcase_add_test(tcase, one_that_never_ends_is_ended);
	tcase_add_test(tcase, what_is_under_way_can_be_forgotten);
	tcase_add_test(tcase, surveys);
	tcase_add_test(tcase, configurations);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
