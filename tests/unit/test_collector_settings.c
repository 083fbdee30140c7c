/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a configuration of the collector may not say, and the words it is told with. */
#include "collector/collector_settings.h"
#include "common/error.h"
#include "tests/unit/unit.h"

#define AGENT "agent \"a\" { address = \"192.0.2.1:161\" }\n"

static char folder[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 16], message[512];
static struct collector_settings settings;

static void setup(void)
{
	unit_make_folder(folder);
	snprintf(path, sizeof path, "%s/collector.conf", folder);
	memset(&settings, 0, sizeof settings);
}

static void teardown(void)
{
	unit_remove_folder(folder);
}

static int load(const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	return settings_load(&collector_settings_schema, path, &settings, message, sizeof message);
}

START_TEST(defaults_are_sound)
{
	const struct collector_agent_section *agent;

	ck_assert_int_eq(load(AGENT), GRAPPE_OK);
	ck_assert_uint_eq(collector_settings_length(&settings), 30);
	ck_assert_int_eq(collector_settings_deadline(&settings), 15000);
	agent = settings.agents.items;
	ck_assert_str_eq(agent->community, "public");
	ck_assert_str_eq(agent->environment, "default");
	settings_free(&collector_settings_schema, &settings);
}
END_TEST

START_TEST(everything_can_be_said)
{
	ck_assert_int_eq(
	    load("period = 60s\ndeadline = 20s\nmemory = 2h\nhistory = 40\n"
		 "routed_segments = { \"t1\", \"t2\" }\narchive_maximum = yes\n"
		 "agent \"a\" { address = \"[2001:db8::1]:1161\" host = \"h\" }\n"
		 "agent \"b\" { address = \"name.example:161\" community_file = \"/x\" }\n"
		 "endpoint \"nfs\" { address = \"2001:db8::9\" segment = \"t1\" }\n"
		 "archive \"fine\" { resolution = 60s keep = 1d }\n"
		 "archive \"coarse\" { resolution = 1h keep = 365d }\n"),
	    GRAPPE_OK);
	ck_assert_int_eq(collector_settings_deadline(&settings), 20000);
	ck_assert_uint_eq(settings.agents.count, 2);
	ck_assert_uint_eq(settings.archives.count, 2);
	settings_free(&collector_settings_schema, &settings);
}
END_TEST

START_TEST(short_periods_only_by_the_switch)
{
	ck_assert_int_eq(load("period = 5s\n" AGENT), GRAPPE_EINVALID);
	ck_assert_ptr_nonnull(strstr(message, "allow_short_periods"));
	ck_assert_int_eq(load("period = 5s\nallow_short_periods = yes\n" AGENT), GRAPPE_OK);
	settings_free(&collector_settings_schema, &settings);
}
END_TEST

static const struct {
	const char *text, *says;
} bad[] = {
    {"period = 30500ms\n", "whole seconds"},
    {"deadline = 30s\n", "shorter than the period"},
    {"memory = 5min\n", "memory must hold"},
    {"memory = 7d\nperiod = 1s\nallow_short_periods = yes\n", "more than 100000 periods"},
    {"agent \"a\" { address = \"192.0.2.1\" }\n", "HOST:PORT"},
    {"agent \"a\" { address = \"192.0.2.1:0\" }\n", "HOST:PORT"},
    {"agent \"a\" { address = \"192.0.2.1:70000\" }\n", "HOST:PORT"},
    {"agent \"a\" { address = \":161\" }\n", "HOST:PORT"},
    {"agent \"a\" { address = \"[::1:161\" }\n", "HOST:PORT"},
    {"agent \"a\" { }\n", "address"},
    {"agent \"a\" { address = \"192.0.2.1:161\" community = \"\" }\n", "no community"},
    {"agent \"a\" { address = \"192.0.2.1:161\" environment = "
     "\"0123456789012345678901234567890123456789012345678901234567890123456789\" }\n",
	"longer than"},
    {AGENT "agent \"b\" { address = \"192.0.2.1:161\" }\n", "same address"},
    {"endpoint \"a b\" { address = \"192.0.2.1\" }\n", "letters"},
    {"endpoint \"nfs\" { address = \"nfs.example\" }\n", "no"},
    {"archive \"a\" { resolution = 45s keep = 1d }\n", ""},
};

START_TEST(nonsense_is_refused_with_words)
{
	ck_assert_int_eq(load(bad[_i].text), GRAPPE_EINVALID);
	ck_assert_msg(strstr(message, bad[_i].says) != NULL, "it says: %s", message);
	ck_assert_str_ne(message, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("collector_settings");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, defaults_are_sound);
	tcase_add_test(all, everything_can_be_said);
	tcase_add_test(all, short_periods_only_by_the_switch);
	tcase_add_loop_test(
	    all, nonsense_is_refused_with_words, 0, (int)(sizeof bad / sizeof *bad));
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
