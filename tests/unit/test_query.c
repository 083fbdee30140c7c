/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How grappe-query prints answers: as text, CSV, JSON and XML. Whole runs: test_query.sh. */
#include "collector/query_text.h"
#include "collector/query_write.h"
#include "common/error.h"
#include "tests/unit/unit.h"

#include <jansson.h>
#include <time.h>

static const char *const mean[][5] = {
    {"mac-020000000001", "external", "1.5", "100", "10"},
    {"mac-020000000001", "mac-020000000002", "200", "3e6", "10"},
    {"mac-020000000003", "-", "-", "-", "0"},
    {"mac-020000000002", "-", "0", "0", "9.5"},
};
#define MEAN_ROWS (sizeof mean / sizeof *mean)

static struct query_facts facts;
static struct query_rows rows;
static struct query_names *names;
static char *output;
static size_t length;

static void setup(void)
{
	facts = (struct query_facts){.what = QUERY_MEAN,
	    .header = {.from_s = 1800000000,
		.to_s = 1800000300,
		.length_s = 30,
		.known = 9,
		.wanted = 10,
		.exact = true}};
	ck_assert_int_eq(query_rows_init(&rows), GRAPPE_OK);
	for (size_t i = 0; i < MEAN_ROWS; i++)
		ck_assert_int_eq(query_rows_add(&rows, mean[i]), GRAPPE_OK);
	names = query_names_new();
	ck_assert_int_eq(query_names_add(names, "mac-020000000001", "web, \"1\""), GRAPPE_OK);
	ck_assert_int_eq(query_names_add(names, "mac-020000000002", "b\xc3\xa4r"), GRAPPE_OK);
	ck_assert_int_eq(query_names_add(names, "mac-020000000003", "-"), GRAPPE_OK);
	output = NULL;
}

static void teardown(void)
{
	query_rows_deinit(&rows);
	query_names_free(names);
	free(output);
}

static FILE *start(void)
{
	free(output);
	output = NULL;
	return open_memstream(&output, &length);
}

/* The rows of `mean` as a format for programs. */
static const char *write_as(enum query_format format, const struct query_rest *rest)
{
	FILE *out = start();
	struct query_writer writer;

	query_writer_init(&writer, format, &facts, names, out);
	query_writer_begin(&writer);
	for (size_t i = 0; i < MEAN_ROWS; i++)
		ck_assert_int_eq(query_writer_row(&writer, mean[i]), GRAPPE_OK);
	ck_assert_int_eq(query_writer_end(&writer, rest), GRAPPE_OK);
	fclose(out);
	return output;
}

static const char *print_text(size_t shown)
{
	FILE *out = start();

	ck_assert_int_eq(query_rows_order(&rows, &facts), GRAPPE_OK);
	query_text_matrix(&facts, &rows, shown, names, out);
	fclose(out);
	return output;
}

START_TEST(text_is_a_table_of_totals)
{
	const char *text = print_text(MEAN_ROWS);

	ck_assert_ptr_nonnull(strstr(text, "2027-01-15 08:00:00 to 2027-01-15 08:05:00 UTC"));
	ck_assert_ptr_nonnull(strstr(text, "9 of 10 periods of 30 s complete, exact"));
	ck_assert_ptr_nonnull(
	    strstr(text, "web, \"1\"          b\xc3\xa4r          2000  30.0 MB"));
	ck_assert_ptr_nonnull(strstr(text, "100 kB/s"));
	ck_assert_ptr_nonnull(strstr(text, "unknown  unknown"));
	ck_assert_ptr_nonnull(strstr(text, "Total: 2015 packets, 30.0 MB in 2 pairs"));
	ck_assert_ptr_nonnull(strstr(text, "Unknown: what 1 receiver got"));
	/* The largest first. */
	ck_assert(strstr(text, "30.0 MB") < strstr(text, "external"));
	facts.ids = true;
	text = print_text(MEAN_ROWS);
	ck_assert_ptr_null(strstr(text, "web"));
	ck_assert_ptr_nonnull(strstr(text, "do not keep what was marked in 9 periods"));
	facts.header.approximate = true;
	ck_assert_ptr_nonnull(strstr(print_text(MEAN_ROWS), "APPROXIMATE"));
}
END_TEST

START_TEST(local_times_name_their_zone)
{
	setenv("TZ", "XST-1", 1);
	tzset();
	facts.local = true;
	ck_assert_ptr_nonnull(strstr(
	    print_text(MEAN_ROWS), "2027-01-15 09:00:00 to 2027-01-15 09:05:00 XST: 9 of 10"));
	unsetenv("TZ");
	tzset();
}
END_TEST

START_TEST(what_top_leaves_out_is_summed_up)
{
	const char *text = print_text(1);

	ck_assert_ptr_nonnull(strstr(text, "SHARE"));
	ck_assert_ptr_nonnull(strstr(text, "100.0 %"));
	ck_assert_ptr_nonnull(strstr(text, "(rest)    1 pair       15   1.0 kB"));
	ck_assert_ptr_null(strstr(text, "external"));
	ck_assert_ptr_nonnull(strstr(text, "Total: 2015 packets, 30.0 MB in 2 pairs"));
}
END_TEST

START_TEST(a_weighted_mean_has_no_total_over_the_window)
{
	facts.what = QUERY_WEIGHTED;
	facts.ratio = 1.5;
	ck_assert_ptr_nonnull(strstr(print_text(MEAN_ROWS), "a period counts 1.5 times"));
	ck_assert_ptr_nonnull(strstr(output, "BYTES/PERIOD"));
	ck_assert_ptr_nonnull(strstr(output, "Total: 202 packets, 3.0 MB per period in 2 pairs"));
}
END_TEST

START_TEST(marks_of_periods_are_shown)
{
	const struct caveats caveats = {
	    .periods = 9, .marked = {[CAVEAT_UNSYNCHRONISED] = 2, [CAVEAT_ESTIMATED] = 1}};
	json_t *root;

	ck_assert_ptr_null(strstr(print_text(MEAN_ROWS), "Note: 2"));
	facts.header.caveats = caveats;
	ck_assert_ptr_nonnull(strstr(print_text(MEAN_ROWS),
	    "Note: 2 of 9 periods: clock not synchronised; 1: packets partly estimated\n"));
	ck_assert_ptr_null(strstr(output, "do not keep"));
	root = json_loads(write_as(QUERY_JSON, NULL), 0, NULL);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(json_object_get(root, "caveats"), "unsynchronised")),
	    2);
	json_decref(root);
	ck_assert_ptr_nonnull(strstr(write_as(QUERY_XML, NULL),
	    "<caveats periods=\"9\" partial=\"0\" unsynchronised=\"2\" stepped=\"0\" "
	    "estimated=\"1\" merged=\"0\"/>"));
}
END_TEST

START_TEST(csv_has_ids_and_names_with_units)
{
	ck_assert_str_eq(write_as(QUERY_CSV, NULL),
	    "receiver,sender,packets_per_period,octets_per_period,known_periods,receiver_name,"
	    "sender_name,periods_wanted,approximate\n"
	    "mac-020000000001,external,1.5,100,10,\"web, \"\"1\"\"\",external,10,false\n"
	    "mac-020000000001,mac-020000000002,200,3e6,10,\"web, \"\"1\"\"\",b\xc3\xa4r,10,false\n"
	    "mac-020000000003,-,-,-,0,mac-020000000003,-,10,false\n"
	    "mac-020000000002,-,0,0,9.5,b\xc3\xa4r,-,10,false\n");
}
END_TEST

START_TEST(json_has_numbers_and_null)
{
	const struct query_rest rest = {{2, 2015, 30001000}, {1, 15, 1000}, 1};
	json_t *root = json_loads(write_as(QUERY_JSON, &rest), 0, NULL);
	const json_t *list = json_object_get(root, "rows"), *row = json_array_get(list, 2);

	ck_assert_uint_eq(json_array_size(list), 4);
	ck_assert_str_eq(json_string_value(json_object_get(root, "kind")), "mean");
	ck_assert_str_eq(json_string_value(json_object_get(root, "to")), "2027-01-15T08:05:00Z");
	ck_assert_int_eq(json_integer_value(json_object_get(root, "periods_known")), 9);
	ck_assert(json_is_true(json_object_get(root, "exact")));
	ck_assert(json_is_null(json_object_get(row, "sender")));
	ck_assert(json_is_null(json_object_get(row, "sender_name")));
	ck_assert(json_is_null(json_object_get(row, "packets_per_period")));
	row = json_array_get(list, 1);
	ck_assert_str_eq(json_string_value(json_object_get(row, "receiver_name")), "web, \"1\"");
	ck_assert_str_eq(json_string_value(json_object_get(row, "sender_name")), "b\xc3\xa4r");
	ck_assert_double_eq(json_number_value(json_object_get(row, "octets_per_period")), 3e6);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(json_object_get(root, "rest"), "octets")), 1000);
	ck_assert_int_eq(json_integer_value(json_object_get(root, "unknown_receivers")), 1);
	json_decref(root);
}
END_TEST

START_TEST(xml_leaves_the_unknown_out)
{
	const char *text = write_as(QUERY_XML, NULL);

	ck_assert_ptr_nonnull(
	    strstr(text, "<window from=\"2027-01-15T08:00:00Z\" to=\"2027-01-15T08:05:00Z\" "
			 "from_s=\"1800000000\" to_s=\"1800000300\" length_s=\"30\"/>"));
	ck_assert_ptr_nonnull(strstr(
	    text, "<periods known=\"9\" wanted=\"10\" exact=\"true\" approximate=\"false\"/>"));
	ck_assert_ptr_nonnull(strstr(text, "<row receiver=\"mac-020000000003\" known_periods=\"0\" "
					   "receiver_name=\"mac-020000000003\"/>"));
	ck_assert_ptr_nonnull(strstr(text, "receiver_name=\"web, &quot;1&quot;\""));
	ck_assert_ptr_nonnull(strstr(text, "</rows>\n</grappe-answer>\n"));
}
END_TEST

START_TEST(what_broke_off_is_no_document)
{
	static const enum query_format formats[] = {QUERY_JSON, QUERY_XML};

	for (size_t i = 0; i < 2; i++) {
		FILE *out = start();
		struct query_writer writer;
		json_t *root;

		query_writer_init(&writer, formats[i], &facts, names, out);
		query_writer_begin(&writer);
		ck_assert_int_eq(query_writer_row(&writer, mean[0]), GRAPPE_OK);
		fclose(out);
		root = json_loads(output, 0, NULL);
		ck_assert_ptr_null(root);
		ck_assert_ptr_null(strstr(output, "</grappe-answer>"));
	}
}
END_TEST

START_TEST(a_full_disk_is_noticed)
{
	FILE *out = fopen("/dev/full", "w");
	struct query_writer writer;
	int rc = GRAPPE_OK;

	query_writer_init(&writer, QUERY_CSV, &facts, names, out);
	query_writer_begin(&writer);
	for (int i = 0; i < 1000 && rc == GRAPPE_OK; i++)
		rc = query_writer_row(&writer, mean[0]);
	ck_assert_int_eq(rc, GRAPPE_EIO);
	fclose(out);
}
END_TEST

START_TEST(single_periods_are_lines)
{
	static const char *const row[] = {
	    "1800000030", "30", "mac-020000000001", "mac-020000000002", "-", "-", "0.5"};
	FILE *out = start();
	struct query_writer writer;

	facts.what = QUERY_DETAIL;
	query_writer_init(&writer, QUERY_TEXT, &facts, names, out);
	query_writer_begin(&writer);
	ck_assert_int_eq(query_writer_row(&writer, row), GRAPPE_OK);
	ck_assert_int_eq(query_writer_end(&writer, NULL), GRAPPE_OK);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(output,
	    "2027-01-15 08:00:30    30 s  web, \"1\"   b\xc3\xa4r                   -"
	    "                -  0.5\n\n1 row\n"));
}
END_TEST

/* ---- no matrix ---- */

START_TEST(an_inventory_for_people)
{
	struct query_table table = {.ncolumns = 11};
	FILE *out = start();

	ck_assert_int_eq(
	    query_table_add(&table,
		(const char *[]){"mac-020000000001", "web\033[2J", "hostA", "site-1", "default",
		    "2", "536870912", "10.0.0.1 10.0.0.2", "1800000000", "1800000300", "shop"}),
	    GRAPPE_OK);
	facts.what = QUERY_INVENTORY;
	query_text_inventory(&facts, &table, out);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(output, "512 MiB"));
	ck_assert_ptr_nonnull(strstr(output, "10.0.0.1 10.0.0.2"));
	ck_assert_ptr_nonnull(strstr(output, "1 VM\n"));
	ck_assert_ptr_null(strchr(output, '\033'));
	facts.ids = true;
	out = start();
	query_text_inventory(&facts, &table, out);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(output, "mac-020000000001"));
	query_table_deinit(&table);
}
END_TEST

START_TEST(a_status_of_nonsense_is_no_fault)
{
	json_t *data = json_pack("{s:[i,{}],s:i,s:n}", "agents", 7, "archive", 3, "state");
	FILE *out = start();

	query_text_status(&facts, data, out);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(output, "AGENT"));
	json_decref(data);
}
END_TEST

START_TEST(bytes_have_units)
{
	char text[32];

	ck_assert_str_eq(query_text_bytes(0, text, sizeof text), "0 B");
	ck_assert_str_eq(query_text_bytes(999, text, sizeof text), "999 B");
	ck_assert_str_eq(query_text_bytes(999.9, text, sizeof text), "1.0 kB");
	ck_assert_str_eq(query_text_bytes(1.5e6, text, sizeof text), "1.5 MB");
	ck_assert_str_eq(query_text_bytes(123456789, text, sizeof text), "123 MB");
	ck_assert_str_eq(query_text_bytes(1e19, text, sizeof text), "10000 PB");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("query");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, text_is_a_table_of_totals);
	tcase_add_test(all, local_times_name_their_zone);
	tcase_add_test(all, what_top_leaves_out_is_summed_up);
	tcase_add_test(all, a_weighted_mean_has_no_total_over_the_window);
	tcase_add_test(all, marks_of_periods_are_shown);
	tcase_add_test(all, csv_has_ids_and_names_with_units);
	tcase_add_test(all, json_has_numbers_and_null);
	tcase_add_test(all, xml_leaves_the_unknown_out);
	tcase_add_test(all, what_broke_off_is_no_document);
	tcase_add_test(all, a_full_disk_is_noticed);
	tcase_add_test(all, single_periods_are_lines);
	tcase_add_test(all, an_inventory_for_people);
	tcase_add_test(all, a_status_of_nonsense_is_no_fault);
	tcase_add_test(all, bytes_have_units);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
