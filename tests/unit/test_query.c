/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How grappe-query reads times and prints answers. */
#include "collector/query.h"
#include "collector/query_print.h"
#include "common/error.h"
#include "tests/unit/unit.h"

#include <jansson.h>

static struct query_table table, names;
static char *output;
static size_t length;

static void add(struct query_table *to, const char *const *fields)
{
	ck_assert_int_eq(query_table_add(to, fields), GRAPPE_OK);
}

static void setup(void)
{
	table = (struct query_table){.op = OP_MATRIX,
	    .kind = KIND_MEAN,
	    .ncolumns = 5,
	    .header = {.from_s = 1800000000,
		.to_s = 1800000300,
		.length_s = 30,
		.known = 9,
		.wanted = 10,
		.exact = true}};
	names = (struct query_table){.op = OP_INVENTORY, .ncolumns = 10};
	add(&table, (const char *[]){"mac-020000000001", "external", "1.5", "100", "10"});
	add(&table, (const char *[]){"mac-020000000001", "mac-020000000002", "200", "3e6", "10"});
	add(&table, (const char *[]){"mac-020000000003", "-", "-", "-", "0"});
	add(&table, (const char *[]){"mac-020000000002", "-", "0", "0", "9.5"});
	add(&names, (const char *[]){"mac-020000000001", "web, \"1\"", "hostA", "site-1", "default",
			"2", "536870912", "10.0.0.1 10.0.0.2", "1800000000", "1800000300"});
	add(&names, (const char *[]){"mac-020000000002", "b\xc3\xa4r", "hostB", "site-2", "default",
			"-", "-", "-", "1800000000", "1800000300"});
	output = NULL;
}

static void teardown(void)
{
	query_table_deinit(&table);
	query_table_deinit(&names);
	free(output);
}

static const char *print(const struct query_table *what, enum query_format format, bool ids,
    const struct query_table *by)
{
	FILE *out;

	free(output);
	out = open_memstream(&output, &length);
	ck_assert_int_eq(query_print(what, by, format, ids, out), GRAPPE_OK);
	fclose(out);
	return output;
}

START_TEST(text_is_a_table_of_totals)
{
	const char *text = print(&table, QUERY_TEXT, false, &names);

	ck_assert_ptr_nonnull(strstr(text, "2027-01-15 08:00:00 to 2027-01-15 08:05:00 UTC"));
	ck_assert_ptr_nonnull(strstr(text, "9 of 10 periods of 30 s complete, exact"));
	ck_assert_ptr_nonnull(
	    strstr(text, "web, \"1\"          b\xc3\xa4r          2000  30.0 MB"));
	ck_assert_ptr_nonnull(strstr(text, "100 kB/s"));
	ck_assert_ptr_nonnull(strstr(text, "unknown  unknown"));
	ck_assert_ptr_nonnull(strstr(text, "Total: 2015 packets, 30.0 MB in 4 rows"));
	/* The largest first. */
	ck_assert(strstr(text, "30.0 MB") < strstr(text, "external"));
	text = print(&table, QUERY_TEXT, true, &names);
	ck_assert_ptr_null(strstr(text, "web"));
	ck_assert_ptr_nonnull(strstr(text, "do not keep what was marked in 9 periods"));
	table.header.approximate = true;
	ck_assert_ptr_nonnull(strstr(print(&table, QUERY_TEXT, true, NULL), "APPROXIMATE"));
}
END_TEST

START_TEST(marks_of_periods_are_shown)
{
	const struct caveats caveats = {
	    .periods = 9, .marked = {[CAVEAT_UNSYNCHRONISED] = 2, [CAVEAT_ESTIMATED] = 1}};
	const char *text;
	json_t *root;

	ck_assert_ptr_null(strstr(print(&table, QUERY_TEXT, false, &names), "Note: 2"));
	table.header.caveats = caveats;
	text = print(&table, QUERY_TEXT, false, &names);
	ck_assert_ptr_nonnull(strstr(
	    text, "Note: 2 of 9 periods: clock not synchronised; 1: packets partly estimated\n"));
	ck_assert_ptr_null(strstr(text, "do not keep"));
	root = json_loads(print(&table, QUERY_JSON, false, &names), 0, NULL);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(json_object_get(root, "caveats"), "unsynchronised")),
	    2);
	json_decref(root);
}
END_TEST

START_TEST(csv_has_ids_and_names_with_units)
{
	ck_assert_str_eq(print(&table, QUERY_CSV, false, &names),
	    "receiver,sender,packets_per_period,octets_per_period,known_periods,receiver_name,"
	    "sender_name\n"
	    "mac-020000000001,external,1.5,100,10,\"web, \"\"1\"\"\",external\n"
	    "mac-020000000001,mac-020000000002,200,3e6,10,\"web, \"\"1\"\"\",b\xc3\xa4r\n"
	    "mac-020000000003,-,-,-,0,mac-020000000003,-\n"
	    "mac-020000000002,-,0,0,9.5,b\xc3\xa4r,-\n");
}
END_TEST

START_TEST(json_has_numbers_and_null)
{
	json_t *root = json_loads(print(&table, QUERY_JSON, false, &names), 0, NULL);
	const json_t *rows = json_object_get(root, "rows"), *row = json_array_get(rows, 2);

	ck_assert_uint_eq(json_array_size(rows), 4);
	ck_assert_int_eq(json_integer_value(json_object_get(root, "periods_known")), 9);
	ck_assert(json_is_true(json_object_get(root, "exact")));
	ck_assert(json_is_null(json_object_get(row, "sender")));
	ck_assert(json_is_null(json_object_get(row, "packets_per_period")));
	row = json_array_get(rows, 1);
	ck_assert_str_eq(json_string_value(json_object_get(row, "sender_name")), "b\xc3\xa4r");
	ck_assert_double_eq(json_number_value(json_object_get(row, "octets_per_period")), 3e6);
	json_decref(root);
}
END_TEST

START_TEST(an_inventory_for_people)
{
	const char *text = print(&names, QUERY_TEXT, false, NULL);

	ck_assert_ptr_nonnull(strstr(text, "512 MiB"));
	ck_assert_ptr_nonnull(strstr(text, "10.0.0.1 10.0.0.2"));
	ck_assert_ptr_nonnull(strstr(text, "2 VMs"));
	ck_assert_ptr_nonnull(strstr(print(&names, QUERY_TEXT, true, NULL), "mac-020000000001"));
}
END_TEST

START_TEST(a_status_of_nonsense_is_no_fault)
{
	struct query_table status = {.op = OP_STATUS};

	status.header.data = json_pack("{s:[i,{}],s:i,s:n}", "agents", 7, "archive", 3, "state");
	ck_assert_ptr_nonnull(strstr(print(&status, QUERY_TEXT, false, NULL), "AGENT"));
	ck_assert_ptr_nonnull(strstr(print(&status, QUERY_JSON, false, NULL), "\"archive\": 3"));
	json_decref(status.header.data);
}
END_TEST

static const struct {
	const char *text;
	int64_t epoch_s; /* -1: refused */
} times[] = {{"1800000000", 1800000000}, {"2027-01-15 08:00:00", 1800000000},
    {"2027-01-15T08:00:00Z", 1800000000}, {"2027-01-15 08:00", 1800000000},
    {"2027-01-15", 1799971200}, {"", -1}, {"now", -1}, {"-5", -1}, {"2027-13-01", -1},
    {"2027-01-15 08:00:00 x", -1}, {"1800000000000000000000", -1}, {"1900-01-01", -1}};

START_TEST(times_are_epoch_or_utc)
{
	int64_t epoch_s = -1;
	const int rc = query_parse_time(times[_i].text, &epoch_s);

	ck_assert_int_eq(rc, times[_i].epoch_s < 0 ? GRAPPE_EFORMAT : GRAPPE_OK);
	if (rc == GRAPPE_OK)
		ck_assert_int_eq(epoch_s, times[_i].epoch_s);
}
END_TEST

START_TEST(bytes_have_units)
{
	char text[32];

	ck_assert_str_eq(query_format_bytes(0, text, sizeof text), "0 B");
	ck_assert_str_eq(query_format_bytes(999, text, sizeof text), "999 B");
	ck_assert_str_eq(query_format_bytes(999.9, text, sizeof text), "1.0 kB");
	ck_assert_str_eq(query_format_bytes(1.5e6, text, sizeof text), "1.5 MB");
	ck_assert_str_eq(query_format_bytes(123456789, text, sizeof text), "123 MB");
	ck_assert_str_eq(query_format_bytes(1e19, text, sizeof text), "10000 PB");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("query");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, text_is_a_table_of_totals);
	tcase_add_test(all, marks_of_periods_are_shown);
	tcase_add_test(all, csv_has_ids_and_names_with_units);
	tcase_add_test(all, json_has_numbers_and_null);
	tcase_add_test(all, an_inventory_for_people);
	tcase_add_test(all, a_status_of_nonsense_is_no_fault);
	tcase_add_loop_test(all, times_are_epoch_or_utc, 0, (int)(sizeof times / sizeof *times));
	tcase_add_test(all, bytes_have_units);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
