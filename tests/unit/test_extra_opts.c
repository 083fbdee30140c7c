/* SPDX-License-Identifier: GPL-3.0-or-later */
/* INI files with options: what is read, what is refused, and where files are looked for. */
#include "common/error.h"
#include "nagios/extra_opts.h"
#include "tests/unit/unit.h"

#include <sys/stat.h>

static struct extra_opts extra;
static char folder[UNIT_PATH_SIZE], message[512];

static void setup(void)
{
	unit_make_folder(folder);
	unsetenv("MP_CONFIG_FILE");
	unsetenv("NAGIOS_CONFIG_PATH");
	extra = (struct extra_opts){0};
}

static void teardown(void)
{
	extra_opts_deinit(&extra);
	unit_remove_folder(folder);
}

static int parse(const char *text)
{
	message[0] = '\0';
	return extra_opts_parse(
	    text, strlen(text), "check_grappe", &extra, message, sizeof message);
}

static void check_option(size_t i, const char *name, const char *value)
{
	ck_assert_uint_lt(i, extra.count);
	ck_assert_str_eq(extra.names[i], name);
	ck_assert_str_eq(extra.values[i], value);
}

START_TEST(the_section_is_read)
{
	ck_assert_int_eq(parse("# all\n[other]\nanything at all\n[check_grappe]\nmode = pair\n"
			       "\tfrom=app:a = b # c\r\n; no\n\nw=10\nverbose =\nv\n[other]\nx=y\n"
			       "[ check_grappe ]\ncritical = 20"),
	    GRAPPE_OK);
	ck_assert_uint_eq(extra.count, 6);
	check_option(0, "mode", "pair");
	check_option(1, "from", "app:a = b # c");
	check_option(2, "w", "10");
	check_option(3, "verbose", "");
	check_option(4, "v", "");
	check_option(5, "critical", "20");
}
END_TEST

START_TEST(a_section_may_be_empty)
{
	ck_assert_int_eq(parse("[check_grappe]\n"), GRAPPE_OK);
	ck_assert_uint_eq(extra.count, 0);
}
END_TEST

static const struct {
	const char *text;
	int rc;
	const char *says;
} bad[] = {
    {"", GRAPPE_ENOTFOUND, "no section [check_grappe]"},
    {"[other]\nmode = SECRET\n", GRAPPE_ENOTFOUND, "no section [check_grappe]"},
    {"mode = SECRET\n[check_grappe]\n", GRAPPE_EFORMAT, "line 1 stands before"},
    {"[check_grappe]\n= SECRET\n", GRAPPE_EFORMAT, "line 2 is not of the form"},
    {"[check_grappe]\n--mode = SECRET\n", GRAPPE_EFORMAT, "line 2 is not of the form"},
    {"[check_grappe]\na b = SECRET\n", GRAPPE_EFORMAT, "line 2 is not of the form"},
    {"[check_grappe\nSECRET\n", GRAPPE_EFORMAT, "line 1 stands before"},
    {"[check_grappe]\nmode = SECRET\001\n", GRAPPE_EFORMAT, "line 2 has control characters"},
    {"[check_grappe]\nmode = SECRET\033[1m\n", GRAPPE_EFORMAT, "line 2 has control characters"},
};

START_TEST(what_is_wrong_is_told_by_its_line)
{
	ck_assert_int_eq(parse(bad[_i].text), bad[_i].rc);
	ck_assert_msg(strstr(message, bad[_i].says) != NULL, "%s", message);
	ck_assert_ptr_null(strstr(message, "SECRET"));
	ck_assert_uint_eq(extra.count, 0);
}
END_TEST

START_TEST(a_section_has_bounds)
{
	char text[8192];
	size_t n = (size_t)snprintf(text, sizeof text, "[check_grappe]\n");

	for (size_t i = 0; i < EXTRA_OPTS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "v\n");
	ck_assert_int_eq(parse(text), GRAPPE_OK);
	ck_assert_uint_eq(extra.count, EXTRA_OPTS_MAX);
	extra_opts_deinit(&extra);
	snprintf(text + n, sizeof text - n, "v\n");
	ck_assert_int_eq(parse(text), GRAPPE_ELIMIT);
	extra_opts_deinit(&extra);
	n = (size_t)snprintf(text, sizeof text, "[check_grappe]\nfrom=");
	memset(text + n, 'x', EXTRA_OPTS_LINE_MAX);
	text[n + EXTRA_OPTS_LINE_MAX] = '\0';
	ck_assert_int_eq(parse(text), GRAPPE_ELIMIT);
	extra_opts_deinit(&extra);
	text[n + EXTRA_OPTS_LINE_MAX - 5] = '\0';
	ck_assert_int_eq(parse(text), GRAPPE_OK);
	extra_opts_deinit(&extra);
	ck_assert_int_eq(extra_opts_parse("[check_grappe]\nv\0v\n", 19, "check_grappe", &extra,
			     message, sizeof message),
	    GRAPPE_EFORMAT);
}
END_TEST

/* ---- files ---- */

static char path[UNIT_PATH_SIZE + 64];

static void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fchmod(fileno(file), mode), 0);
	fclose(file);
}

static int read_opts(const char *locator)
{
	extra_opts_deinit(&extra);
	return extra_opts_read(locator, "check_grappe", &extra, message, sizeof message);
}

START_TEST(a_file_and_a_section_are_found)
{
	char locator[sizeof path + 16];

	write_file("a.ini", "[check_grappe]\nmode = queue\n[web]\nmode = pair\n", 0644);
	snprintf(locator, sizeof locator, "web@%s", path);
	ck_assert_int_eq(read_opts(locator), GRAPPE_OK);
	check_option(0, "mode", "pair");
	ck_assert(extra.open);
	ck_assert_str_eq(extra.path, path);
	snprintf(locator, sizeof locator, "@%s", path);
	ck_assert_int_eq(read_opts(locator), GRAPPE_OK);
	check_option(0, "mode", "queue");
	/* An own file is closed to others. */
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_int_eq(read_opts(locator), GRAPPE_OK);
	ck_assert(!extra.open);
	/* Neither another section nor another file is taken in place of one that is missing. */
	snprintf(locator, sizeof locator, "db@%s", path);
	ck_assert_int_eq(read_opts(locator), GRAPPE_ENOTFOUND);
	ck_assert_ptr_nonnull(strstr(message, "no section [db]"));
	snprintf(locator, sizeof locator, "web@%s.none", path);
	ck_assert_int_eq(read_opts(locator), GRAPPE_EIO);
	ck_assert_ptr_nonnull(strstr(message, "No such file"));
}
END_TEST

START_TEST(the_environment_names_the_usual_file)
{
	char folders[UNIT_PATH_SIZE + 32];

	write_file("monitoring-plugins.ini", "[check_grappe]\nmode = queue\n", 0600);
	snprintf(folders, sizeof folders, ":/nonexistent:%s:", folder);
	setenv("NAGIOS_CONFIG_PATH", folders, 1);
	ck_assert_int_eq(read_opts(NULL), GRAPPE_OK);
	check_option(0, "mode", "queue");
	ck_assert_int_eq(read_opts("none"), GRAPPE_ENOTFOUND);
	write_file("own.ini", "[check_grappe]\nmode = drops\n", 0600);
	setenv("MP_CONFIG_FILE", path, 1);
	ck_assert_int_eq(read_opts(NULL), GRAPPE_OK);
	check_option(0, "mode", "drops");
	setenv("MP_CONFIG_FILE", "/nonexistent", 1);
	ck_assert_int_eq(read_opts(NULL), GRAPPE_EIO);
}
END_TEST

START_TEST(strange_files_are_refused)
{
	char locator[sizeof path + 16], *large;

	ck_assert_int_ne(read_opts("@/dev/zero"), GRAPPE_OK);
	snprintf(locator, sizeof locator, "@%s", folder);
	ck_assert_int_ne(read_opts(locator), GRAPPE_OK);
	large = malloc(EXTRA_OPTS_FILE_MAX + 2);
	ck_assert_ptr_nonnull(large);
	memset(large, '\n', EXTRA_OPTS_FILE_MAX + 1);
	large[EXTRA_OPTS_FILE_MAX + 1] = '\0';
	write_file("large.ini", large, 0600);
	free(large);
	snprintf(locator, sizeof locator, "@%s", path);
	ck_assert_int_eq(read_opts(locator), GRAPPE_ELIMIT);
	memset(locator, 's', sizeof locator - 1);
	locator[sizeof locator - 1] = '\0';
	ck_assert_int_eq(read_opts(locator), GRAPPE_ELIMIT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("extra_opts");
	TCase *tcase = tcase_create("extra_opts");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_section_is_read);
	tcase_add_test(tcase, a_section_may_be_empty);
	tcase_add_loop_test(
	    tcase, what_is_wrong_is_told_by_its_line, 0, (int)(sizeof bad / sizeof *bad));
	tcase_add_test(tcase, a_section_has_bounds);
	tcase_add_test(tcase, a_file_and_a_section_are_found);
	tcase_add_test(tcase, the_environment_names_the_usual_file);
	tcase_add_test(tcase, strange_files_are_refused);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
