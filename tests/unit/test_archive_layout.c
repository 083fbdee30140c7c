/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/archive_layout.h"

#include "common/error.h"
#include "rrd/rrdfile.h"
#include "tests/unit/unit.h"

#include <sys/stat.h>

START_TEST(the_default_is_the_documented_one)
{
	static const struct archive_level wanted[] = {
	    {30, 86400}, {300, 14 * 86400}, {3600, 365 * 86400}, {86400, 5 * 365 * 86400}};
	struct archive_layout layout;
	char message[256];

	archive_layout_default(30, &layout);
	ck_assert_uint_eq(layout.count, 4);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(layout.levels[i].resolution_s, wanted[i].resolution_s);
		ck_assert_int_eq(layout.levels[i].keep_s, wanted[i].keep_s);
	}
	ck_assert_int_eq(archive_layout_check(&layout, message, sizeof message), GRAPPE_OK);
	ck_assert_uint_eq(archive_layout_bytes(&layout), (2880 + 4032 + 8760 + 1825) * 16);
}
END_TEST

/* What the configuration says a pair costs is what its file takes. */
START_TEST(costs_are_those_of_real_files)
{
	char folder[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 16], message[256], text[2000] = "";
	struct archive_layout layout;
	struct stat status;
	FILE *out;

	unit_make_folder(folder);
	snprintf(path, sizeof path, "%s/pair.rrd", folder);
	for (size_t levels = 1; levels <= 4; levels++)
		for (int maximum = 0; maximum < 2; maximum++) {
			archive_layout_default(30, &layout);
			layout.count = levels;
			layout.maximum = maximum;
			unlink(path);
			ck_assert_int_eq(rrdfile_create(path, RRDFILE_PAIR, &layout,
					     INT64_C(1790035200), message, sizeof message),
			    GRAPPE_OK);
			ck_assert_int_eq(stat(path, &status), 0);
			ck_assert_int_eq(status.st_size, archive_layout_file_bytes(&layout));
		}
	out = fmemopen(text, sizeof text, "w");
	layout.maximum = false;
	archive_layout_describe(&layout, out);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "rows of 5min for 14d (4032 rows)\n"));
	ck_assert_ptr_nonnull(strstr(text, "A pair takes 281712 bytes; 1000 pairs 281.7 MB, "
					   "10000 pairs 2817.1 MB, 100000 pairs 28171.2 MB"));
	unit_remove_folder(folder);
}
END_TEST

START_TEST(every_period_length_has_a_valid_default)
{
	struct archive_layout layout;
	char message[256];

	for (uint32_t length = 1; length <= 7200; length++) {
		archive_layout_default(length, &layout);
		ck_assert_msg(archive_layout_check(&layout, message, sizeof message) == GRAPPE_OK,
		    "%u: %s", length, message);
		ck_assert_int_eq(layout.levels[0].resolution_s, length);
		if (length >= 30)
			ck_assert_int_ge(
			    layout.levels[layout.count - 1].keep_s, INT64_C(5) * 365 * 86400);
	}
}
END_TEST

static int configure(const struct archive_section *sections, size_t count,
    struct archive_layout *layout, char *message, size_t size)
{
	const struct settings_sections list = {.items = (void *)sections, .count = count};

	return archive_layout_configure(30, true, &list, layout, message, size);
}

START_TEST(sections_come_in_any_order)
{
	const struct archive_section sections[] = {
	    {(char *)"long", 3600000, 30 * 86400000LL}, {(char *)"detail", 30000, 7200000}};
	const struct archive_section uneven[] = {
	    {(char *)"long", 3600000, 3 * 3600000 + 1000}, {(char *)"detail", 30000, 7200000}};
	struct archive_layout layout;
	char message[256];

	ck_assert_int_eq(configure(sections, 2, &layout, message, sizeof message), GRAPPE_OK);
	ck_assert_uint_eq(layout.count, 2);
	ck_assert_int_eq(layout.levels[0].resolution_s, 30);
	ck_assert_int_eq(layout.levels[1].keep_s, 30 * 86400);
	ck_assert(layout.maximum);
	ck_assert_int_eq(configure(uneven, 2, &layout, message, sizeof message), GRAPPE_OK);
	ck_assert_int_eq(layout.levels[1].keep_s, 4 * 3600);
	ck_assert_int_eq(configure(NULL, 0, &layout, message, sizeof message), GRAPPE_OK);
	ck_assert_uint_eq(layout.count, 4);
}
END_TEST

START_TEST(what_cannot_keep_sums_true_is_refused)
{
	static const struct {
		struct archive_section sections[3];
		size_t count;
		const char *word;
	} cases[] = {
	    {{{(char *)"a", 60000, 86400000}}, 1, "must be the period"},
	    {{{(char *)"a", 30000, 86400000}, {(char *)"b", 45000, 86400000}}, 2, "multiple"},
	    {{{(char *)"a", 30000, 86400000}, {(char *)"b", 30000, 86400000}}, 2,
		"same resolution"},
	    {{{(char *)"a", 30000, 86400000}, {(char *)"b", 60000, 43200000}}, 2, "less than"},
	    {{{(char *)"a", 30000, 3600000}, {(char *)"b", 7200000, 86400000}}, 2, "coarsest"},
	    {{{(char *)"a", 30000, 0}}, 1, "one row"},
	    {{{(char *)"a", 30500, 86400000}}, 1, "whole seconds"},
	    {{{(char *)"a", 30000, 30001LL * ARCHIVE_ROWS_MAX}}, 1, "rows"},
	};
	struct archive_layout layout;
	char message[256];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ck_assert_int_eq(
		    configure(cases[i].sections, cases[i].count, &layout, message, sizeof message),
		    GRAPPE_EINVALID);
		ck_assert_msg(strstr(message, cases[i].word) != NULL, "%zu: %s", i, message);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("archive_layout");
	TCase *c = tcase_create("archive_layout");

	tcase_add_test(c, the_default_is_the_documented_one);
	tcase_add_test(c, costs_are_those_of_real_files);
	tcase_add_test(c, every_period_length_has_a_valid_default);
	tcase_add_test(c, sections_come_in_any_order);
	tcase_add_test(c, what_cannot_keep_sums_true_is_refused);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
