/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the collector's status answer to the objects that grappe-collector-agent serves: what is
 * told, what is not, what is nonsense, and what is shown while nobody answers.
 */
#include "collector/mib_collector.h"
#include "common/error.h"
#include "common/mib.h"
#include "tests/unit/mib_walk.h"
#include "tests/unit/unit.h"

#define NOW 1795000100
#define SCALARS MIB_COLLECTOR_MEMORY
#define COLUMNS (MIB_COLLECTOR_AGENT_ERROR - 1)

static const char status[] =
    "{\"program\":\"grappe-collector\",\"version\":\"9.8.7\",\"started\":1794990000,"
    "\"length\":30,\"newest_end\":1795000080,\"newest_complete\":false,"
    "\"complete_end\":1795000050,\"hour\":{\"periods\":120,\"complete\":117},"
    "\"agents\":["
    "{\"name\":\"hostB\",\"host\":\"b\",\"environment\":\"site-2\",\"address\":\"192.0.2.2:161\","
    "\"state\":\"down\",\"last_end\":1795000020,\"missed\":3,\"lost\":2,\"timeouts\":7,\"drops\":5,"
    "\"clock\":\"unsynchronised\",\"error\":\"no answer\"},"
    "{\"name\":\"hostA\",\"host\":\"a\",\"environment\":\"site-1\",\"address\":\"192.0.2.1:161\","
    "\"state\":\"up\",\"last_end\":1795000080,\"clock\":\"ok\",\"error\":\"\"},"
    "{\"name\":\"host\",\"state\":\"new\",\"clock\":\"ok\"},"
    "{\"name\":\"hostC\",\"state\":\"refused\",\"error\":\"its periods have 60 s\"}],"
    "\"vms\":8,\"pairs\":40,\"drops\":5,\"memory_bytes\":10485760,"
    "\"archive\":{\"state\":\"failing\",\"error\":\"disk full\",\"written_end\":1794999990,"
    "\"queue\":4,\"failures\":6,\"lost\":1},\"state\":{\"state\":\"ok\"},"
    "\"counts\":{\"delivered\":1000,\"lost\":2,\"address_conflicts\":1,\"vm_conflicts\":3}}";

static struct told *told;
static struct standing standing;
static const struct mib_moment now = {.wall_s = NOW, .uptime_cs = 100000};

static int parse(const char *text)
{
	json_t *data = json_loads(text, JSON_DECODE_ANY, NULL);
	int rc;

	ck_assert_ptr_nonnull(data);
	told_free(told);
	rc = told_parse(data, &told);
	json_decref(data);
	standing = (struct standing){.up = rc == GRAPPE_OK,
	    .answered_s = NOW - 2,
	    .answered_cs = now.uptime_cs - 200,
	    .told = told};
	return rc;
}

static void set_up(void)
{
	ck_assert_int_eq(parse(status), GRAPPE_OK);
}

static void tear_down(void)
{
	told_free(told);
	told = NULL;
}

static const struct mib_value *scalar(mib_number object)
{
	const mib_number name[] = {MIB_COLLECTOR_INFO, object, 0};

	return walk_read(name, sizeof name / sizeof *name, &now);
}

static const struct mib_value *column(mib_number object, const char *agent)
{
	mib_number name[MIB_NUMBERS_MAX] = {MIB_COLLECTOR_AGENT, object};
	const mib_number lead[] = {MIB_COLLECTOR_AGENT, object};
	size_t length = sizeof lead / sizeof *lead;

	for (; *agent != '\0'; agent++)
		name[length++] = (unsigned char)*agent;
	return walk_read(name, length, &now);
}

static void check_text(const struct mib_value *value, const char *wanted)
{
	ck_assert_int_eq(value->type, MIB_OCTETS);
	ck_assert_uint_eq(value->length, strlen(wanted));
	ck_assert_int_eq(memcmp(value->octets, wanted, value->length), 0);
}

START_TEST(test_scalars)
{
	static const struct {
		mib_number object;
		enum mib_type type;
		uint64_t value;
	} wanted[] = {{MIB_COLLECTOR_STATE, MIB_INTEGER, MIB_COLLECTOR_UP},
	    {MIB_COLLECTOR_AGE, MIB_UNSIGNED, 2},
	    {MIB_COLLECTOR_ANSWER_TIME, MIB_UNSIGNED, NOW - 2},
	    {MIB_COLLECTOR_START_TIME, MIB_UNSIGNED, 1794990000},
	    {MIB_COLLECTOR_PERIOD_LENGTH, MIB_UNSIGNED, 30},
	    {MIB_COLLECTOR_AGENTS_TOTAL, MIB_UNSIGNED, 4},
	    {MIB_COLLECTOR_AGENTS_UP, MIB_UNSIGNED, 1},
	    {MIB_COLLECTOR_AGENTS_DOWN, MIB_UNSIGNED, 1},
	    {MIB_COLLECTOR_AGENTS_REFUSED, MIB_UNSIGNED, 1},
	    {MIB_COLLECTOR_NEWEST_END, MIB_UNSIGNED, 1795000080},
	    {MIB_COLLECTOR_NEWEST_COMPLETE, MIB_INTEGER, 2},
	    {MIB_COLLECTOR_COMPLETE_END, MIB_UNSIGNED, 1795000050},
	    {MIB_COLLECTOR_LAG, MIB_UNSIGNED, 50}, {MIB_COLLECTOR_HOUR_PERIODS, MIB_UNSIGNED, 120},
	    {MIB_COLLECTOR_HOUR_COMPLETE, MIB_UNSIGNED, 117},
	    {MIB_COLLECTOR_PAIRS, MIB_UNSIGNED, 40}, {MIB_COLLECTOR_RECEIVERS, MIB_UNSIGNED, 8},
	    {MIB_COLLECTOR_DROPS, MIB_COUNTER64, 5},
	    {MIB_COLLECTOR_ARCHIVE_STATE, MIB_INTEGER, MIB_HEALTH_FAILING},
	    {MIB_COLLECTOR_ARCHIVE_END, MIB_UNSIGNED, 1794999990},
	    {MIB_COLLECTOR_ARCHIVE_LAG, MIB_UNSIGNED, 110},
	    {MIB_COLLECTOR_ARCHIVE_QUEUE, MIB_UNSIGNED, 4},
	    {MIB_COLLECTOR_ARCHIVE_FAILURES, MIB_COUNTER64, 6},
	    {MIB_COLLECTOR_ARCHIVE_LOST, MIB_COUNTER64, 1},
	    {MIB_COLLECTOR_FOLDER_STATE, MIB_INTEGER, MIB_HEALTH_OK},
	    {MIB_COLLECTOR_PERIODS_DELIVERED, MIB_COUNTER64, 1000},
	    {MIB_COLLECTOR_PERIODS_LOST, MIB_COUNTER64, 2},
	    {MIB_COLLECTOR_ADDRESS_CONFLICTS, MIB_UNSIGNED, 1},
	    {MIB_COLLECTOR_VM_CONFLICTS, MIB_UNSIGNED, 3},
	    {MIB_COLLECTOR_MEMORY, MIB_UNSIGNED, 10240}};

	walk_take(&mib_collector_view, &standing);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		const struct mib_value *value = scalar(wanted[i].object);
		const uint64_t got = value->type == MIB_COUNTER64  ? value->counter
				     : value->type == MIB_UNSIGNED ? value->number
								   : (uint64_t)value->integer;

		ck_assert_msg(value->type == wanted[i].type && got == wanted[i].value,
		    "object %lu: type %d, value %llu", wanted[i].object, (int)value->type,
		    (unsigned long long)got);
	}
	check_text(scalar(MIB_COLLECTOR_VERSION), "9.8.7");
	check_text(scalar(MIB_COLLECTOR_ARCHIVE_ERROR), "disk full");
	check_text(scalar(MIB_COLLECTOR_ERROR), "");
}
END_TEST

START_TEST(test_rows)
{
	walk_take(&mib_collector_view, &standing);
	check_text(column(MIB_COLLECTOR_AGENT_ADDRESS, "hostB"), "192.0.2.2:161");
	check_text(column(MIB_COLLECTOR_AGENT_HOST, "hostB"), "b");
	check_text(column(MIB_COLLECTOR_AGENT_ENVIRONMENT, "hostB"), "site-2");
	check_text(column(MIB_COLLECTOR_AGENT_ERROR, "hostB"), "no answer");
	ck_assert_int_eq(
	    column(MIB_COLLECTOR_AGENT_STATE, "hostB")->integer, MIB_COLLECTOR_AGENT_IS_DOWN);
	ck_assert_uint_eq(column(MIB_COLLECTOR_AGENT_LAST_END, "hostB")->number, 1795000020);
	ck_assert_uint_eq(column(MIB_COLLECTOR_AGENT_LAG, "hostB")->number, 80);
	ck_assert_uint_eq(column(MIB_COLLECTOR_AGENT_MISSED, "hostB")->counter, 3);
	ck_assert_uint_eq(column(MIB_COLLECTOR_AGENT_LOST, "hostB")->counter, 2);
	ck_assert_uint_eq(column(MIB_COLLECTOR_AGENT_TIMEOUTS, "hostB")->counter, 7);
	ck_assert_uint_eq(column(MIB_COLLECTOR_AGENT_DROPS, "hostB")->counter, 5);
	ck_assert_int_eq(
	    column(MIB_COLLECTOR_AGENT_CLOCK, "hostB")->integer, MIB_CLOCK_UNSYNCHRONISED);
	ck_assert_int_eq(
	    column(MIB_COLLECTOR_AGENT_STATE, "hostA")->integer, MIB_COLLECTOR_AGENT_IS_UP);
	ck_assert_int_eq(
	    column(MIB_COLLECTOR_AGENT_CLOCK, "hostA")->integer, MIB_CLOCK_SYNCHRONISED);
	ck_assert_int_eq(
	    column(MIB_COLLECTOR_AGENT_STATE, "hostC")->integer, MIB_COLLECTOR_AGENT_IS_REFUSED);
	/* A prefix of the others' names is a row of its own; nothing delivered yet: since the
	 * start. */
	ck_assert_int_eq(
	    column(MIB_COLLECTOR_AGENT_STATE, "host")->integer, MIB_COLLECTOR_AGENT_IS_NEW);
	ck_assert_int_eq(column(MIB_COLLECTOR_AGENT_CLOCK, "host")->integer, MIB_CLOCK_UNKNOWN);
	ck_assert_uint_eq(column(MIB_COLLECTOR_AGENT_LAG, "host")->number, NOW - 1794990000);
}
END_TEST

START_TEST(test_walk)
{
	ck_assert_uint_eq(walk_take(&mib_collector_view, &standing), SCALARS + 4 * COLUMNS);
	walk_check_near();
	walk_check_random(20000);
	walk_check_longest();
}
END_TEST

/* The collector has gone: nothing of what it said is shown as if it held now. */
START_TEST(test_down)
{
	standing.up = false;
	standing.answered_cs = now.uptime_cs - 60000;
	snprintf(standing.error, sizeof standing.error, "nobody there");
	ck_assert_uint_eq(walk_take(&mib_collector_view, &standing), SCALARS + 4 * COLUMNS);
	ck_assert_int_eq(scalar(MIB_COLLECTOR_STATE)->integer, MIB_COLLECTOR_DOWN);
	check_text(scalar(MIB_COLLECTOR_ERROR), "nobody there");
	ck_assert_uint_eq(scalar(MIB_COLLECTOR_AGE)->number, 600);
	ck_assert_uint_eq(scalar(MIB_COLLECTOR_AGENTS_TOTAL)->number, 4);
	ck_assert_uint_eq(scalar(MIB_COLLECTOR_AGENTS_UP)->number, 0);
	ck_assert_uint_eq(scalar(MIB_COLLECTOR_AGENTS_DOWN)->number, 0);
	ck_assert_uint_eq(scalar(MIB_COLLECTOR_MEMORY)->number, 0);
	ck_assert_int_eq(scalar(MIB_COLLECTOR_ARCHIVE_STATE)->integer, MIB_HEALTH_UNKNOWN);
	ck_assert_int_eq(scalar(MIB_COLLECTOR_FOLDER_STATE)->integer, MIB_HEALTH_UNKNOWN);
	ck_assert_uint_eq(scalar(MIB_COLLECTOR_LAG)->number, 50);
	ck_assert_int_eq(
	    column(MIB_COLLECTOR_AGENT_STATE, "hostA")->integer, MIB_COLLECTOR_AGENT_IS_UNKNOWN);
	ck_assert_int_eq(column(MIB_COLLECTOR_AGENT_CLOCK, "hostA")->integer, MIB_CLOCK_UNKNOWN);
	check_text(column(MIB_COLLECTOR_AGENT_ERROR, "hostA"), "the collector does not answer");
	ck_assert_uint_eq(column(MIB_COLLECTOR_AGENT_MISSED, "hostB")->counter, 3);
}
END_TEST

START_TEST(test_never)
{
	standing = (struct standing){.answered_cs = now.uptime_cs - 1000};
	ck_assert_uint_eq(walk_take(&mib_collector_view, &standing), SCALARS);
	ck_assert_int_eq(scalar(MIB_COLLECTOR_STATE)->integer, MIB_COLLECTOR_DOWN);
	ck_assert_uint_eq(scalar(MIB_COLLECTOR_AGE)->number, 10);
	ck_assert_uint_eq(scalar(MIB_COLLECTOR_LAG)->number, 10);
	ck_assert_uint_eq(scalar(MIB_COLLECTOR_ARCHIVE_LAG)->number, 0);
	check_text(scalar(MIB_COLLECTOR_VERSION), "");
}
END_TEST

START_TEST(test_strangers)
{
	static const char *const texts[] = {"null", "[]", "1", "{}", "{\"program\":1}",
	    "{\"program\":\"grappe-manager\"}", "\"grappe-collector\""};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		ck_assert_int_eq(parse(texts[i]), GRAPPE_EFORMAT);
		ck_assert_ptr_null(told);
	}
}
END_TEST

START_TEST(test_nonsense)
{
	ck_assert_int_eq(
	    parse("{\"program\":\"grappe-collector\",\"started\":-5,\"length\":\"x\","
		  "\"newest_end\":9223372036854775807,\"agents\":[null,1,{},{\"name\":\"\"},"
		  "{\"name\":\"a\",\"state\":7},{\"name\":\"a\"},{\"name\":\"b\\nc\"}],"
		  "\"vms\":1e9,\"pairs\":99999999999,\"archive\":[],\"state\":\"ok\","
		  "\"hour\":3,\"counts\":null}"),
	    GRAPPE_OK);
	ck_assert_uint_eq(walk_take(&mib_collector_view, &standing), SCALARS + 2 * COLUMNS);
	ck_assert_int_eq(told->started_s, 0);
	ck_assert_int_eq(told->length_s, 0);
	ck_assert_uint_eq(told->receivers, 0);
	ck_assert_uint_eq(scalar(MIB_COLLECTOR_PAIRS)->number, UINT32_MAX);
	ck_assert_uint_eq(scalar(MIB_COLLECTOR_NEWEST_END)->number, UINT32_MAX);
	ck_assert_int_eq(scalar(MIB_COLLECTOR_ARCHIVE_STATE)->integer, MIB_HEALTH_UNKNOWN);
	ck_assert_int_eq(
	    column(MIB_COLLECTOR_AGENT_STATE, "a")->integer, MIB_COLLECTOR_AGENT_IS_NEW);
	column(MIB_COLLECTOR_AGENT_STATE, "b c");
}
END_TEST

/* Cut where a character ends: 63 octets are 31 of these and one more would not fit. */
START_TEST(test_long_names)
{
	char text[400] = "{\"program\":\"grappe-collector\",\"agents\":[{\"name\":\"x",
	     wanted[64] = "x";
	size_t length = strlen(text);

	for (unsigned i = 0; i < 40; i++) {
		length += (size_t)snprintf(text + length, sizeof text - length, "\xc3\xa9");
		if (i < 31)
			snprintf(wanted + 1 + 2 * i, sizeof wanted - 1 - 2 * i, "\xc3\xa9");
	}
	snprintf(text + length, sizeof text - length, "y\"}]}");
	ck_assert_int_eq(parse(text), GRAPPE_OK);
	ck_assert_str_eq(told->agents[0].name, wanted);
	ck_assert_uint_eq(walk_take(&mib_collector_view, &standing), SCALARS + COLUMNS);
	column(MIB_COLLECTOR_AGENT_STATE, wanted);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("noc");
	TCase *tcase = tcase_create("noc");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, test_scalars);
	tcase_add_test(tcase, test_rows);
	tcase_add_test(tcase, test_walk);
	tcase_add_test(tcase, test_down);
	tcase_add_test(tcase, test_never);
	tcase_add_test(tcase, test_strangers);
	tcase_add_test(tcase, test_nonsense);
	tcase_add_test(tcase, test_long_names);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
