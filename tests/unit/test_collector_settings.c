/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a configuration of the collector may not say, and the words it is told with. */
#include "collector/collector_settings.h"
#include "collector/credentials.h"
#include "common/error.h"
#include "tests/unit/unit.h"

#define AGENT "agent \"a\" { address = \"192.0.2.1:161\" }\n"

#define SNMP(text) "snmp \"s\" { " text " }\n"

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

START_TEST(agents_share_a_user)
{
	const struct collector_snmp_section *snmp;
	const struct collector_agent_section *agent;

	ck_assert_int_eq(
	    load(SNMP(
		"user = \"reader\" keys_file = \"/etc/grappe/keys\"") "snmp \"old\" { version = 2c "
								      "community_file = \"/c\" }\n"
								      "snmp \"open\" { user = "
								      "\"u\" security = "
								      "noAuthNoPriv }\n"
								      "agent \"a\" { address = "
								      "\"192.0.2.1:161\" snmp = "
								      "\"s\" }\n"
								      "agent \"b\" { address = "
								      "\"192.0.2.2:161\" snmp = "
								      "\"s\" community = \"\" }\n"),
	    GRAPPE_OK);
	snmp = settings.snmp.items;
	agent = settings.agents.items;
	ck_assert_uint_eq(settings.snmp.count, 3);
	ck_assert_int_eq(snmp[0].version, CREDENTIALS_V3);
	ck_assert_str_eq(keys_securities[snmp[0].security], "authPriv");
	ck_assert_str_eq(keys_authentications[snmp[0].authentication], "SHA-256");
	ck_assert_str_eq(keys_privacies[snmp[0].privacy], "AES");
	ck_assert_int_eq(snmp[1].version, CREDENTIALS_V2C);
	ck_assert_str_eq(agent[1].snmp, "s");
	settings_free(&collector_settings_schema, &settings);
}
END_TEST

/* As many agents as are allowed, in bearable time; the last one's address is the first one's. */
START_TEST(very_many_agents)
{
	const unsigned count = 20000;
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	for (unsigned i = 1; i <= count; i++)
		fprintf(file, "agent \"h%u\" { address=\"10.0.%u.%u:161\" }\n", i, i % count >> 8,
		    i % count & 255);
	fclose(file);
	ck_assert_msg(settings_load(&collector_settings_schema, path, &settings, message,
			  sizeof message) == GRAPPE_OK,
	    "%s", message);
	ck_assert_uint_eq(settings.agents.count, count);
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
    {AGENT "agent \"b\" { address = \"192.0.2.1:162\" snmp = \"x\" }\n", "no section snmp \"x\""},
    {SNMP("user = \"u\" keys_file = \"/k\"") "agent \"a\" { address = \"192.0.2.1:161\" snmp = "
					     "\"s\" "
					     "community_file = \"/x\" }\n",
	"either snmp or"},
    {SNMP("keys_file = \"/k\""), "needs a user"},
    {SNMP("user = \"012345678901234567890123456789012\" keys_file = \"/k\""), "needs a user"},
    {SNMP("user = \"u\""), "security authPriv needs a keys_file"},
    {SNMP("user = \"u\" security = authNoPriv"), "security authNoPriv needs a keys_file"},
    {SNMP("user = \"u\" keys_file = \"/k\" community = \"c\""), "version 2c only"},
    {SNMP("user = \"u\" keys_file = \"/k\" authentication = MD5"), "MD5"},
    {SNMP("user = \"u\" keys_file = \"/k\" privacy = DES"), "DES"},
    {SNMP("version = 1 community = \"c\""), "version"},
    {SNMP("version = 2c"), "no community"},
    {SNMP("version = 2c community = \"c\" user = \"u\""), "version 3 only"},
    {SNMP("version = 2c community = \"c\" keys_file = \"/k\""), "version 3 only"},
    {"endpoint \"a b\" { address = \"192.0.2.1\" }\n", "letters"},
    {"endpoint \"nfs\" { address = \"nfs.example\" }\n", "no"},
    {"archive \"a\" { resolution = 45s keep = 1d }\n", ""},
    {"archive_expire = 1h\n", "at least a day"},
    {"rrdcached = \"unix:relative\"\n", "unix:/PATH"},
    {"rrdcached = \"unix:/s\"\nmemory = 13min\n", "rrdcached_commit: 960 s"},
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
	tcase_add_test(all, agents_share_a_user);
	tcase_set_timeout(all, 60);
	tcase_add_test(all, very_many_agents);
	tcase_add_test(all, short_periods_only_by_the_switch);
	tcase_add_loop_test(
	    all, nonsense_is_refused_with_words, 0, (int)(sizeof bad / sizeof *bad));
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
