/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files kept over a restart: what is no use is set aside, what cannot be read stops. */
#include "manager/state_file.h"

#include "common/error.h"
#include "common/file.h"
#include "tests/unit/unit.h"

#include <sys/stat.h>

#define LIMIT 100

static char folder[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 16], aside[UNIT_PATH_SIZE + 32];
static char message[256];

static void setup(void)
{
	unit_make_folder(folder);
	snprintf(path, sizeof path, "%s/it.json", folder);
	snprintf(aside, sizeof aside, "%s.damaged", path);
}

static void teardown(void)
{
	unit_remove_folder(folder);
}

/* The number of a document of this test. */
static int read_number(const json_t *document, void *out, char *why, size_t size)
{
	const json_t *number = json_object_get(document, "number");

	if (!json_is_integer(number)) {
		snprintf(why, size, "number: missing");
		return GRAPPE_EFORMAT;
	}
	*(int *)out = (int)json_integer_value(number);
	return GRAPPE_OK;
}

static int load(int *number)
{
	message[0] = '\0';
	return state_file_load(path, LIMIT, read_number, number, message, sizeof message);
}

static void write_text(const char *text)
{
	ck_assert_int_eq(file_replace(path, text, strlen(text), 0600), GRAPPE_OK);
}

START_TEST(what_is_there_is_read)
{
	int number = 7;

	ck_assert_int_eq(load(&number), GRAPPE_OK);
	ck_assert_int_eq(number, 7);
	write_text("{\"version\":1,\"number\":3}");
	ck_assert_int_eq(load(&number), GRAPPE_OK);
	ck_assert_int_eq(number, 3);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

static const struct {
	const char *text, *why;
} damaged[] = {{"", "line 1: "}, {"{\"version\":1,\n\"number\":", "line 2: "},
    {"{\"version\":1,\"number\":3,\"number\":4}", "duplicate"}, {"[1]", "version: "},
    {"{\"version\":2,\"number\":3}", "version: "}, {"{\"version\":1}", "number: missing"},
    {"{\"version\":1,\"number\":3}                                                               "
     "                    ",
	"longer than 100 bytes"}};

START_TEST(what_is_no_use_is_set_aside)
{
	struct buffer kept;
	int number = 7;

	ck_assert_int_lt(state_file_parse(damaged[_i].text, strlen(damaged[_i].text), LIMIT,
			     read_number, &number, message, sizeof message),
	    0);
	ck_assert_ptr_nonnull(strstr(message, damaged[_i].why));
	write_text(damaged[_i].text);
	ck_assert_int_eq(load(&number), GRAPPE_OK);
	ck_assert_int_eq(number, 7);
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_int_eq(file_read(aside, 1000, &kept), GRAPPE_OK);
	ck_assert_uint_eq(kept.length, strlen(damaged[_i].text));
	buffer_deinit(&kept);
}
END_TEST

START_TEST(what_cannot_be_read_stops)
{
	int number = 7;

	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(load(&number), GRAPPE_EIO);
	ck_assert_int_eq(strncmp(message, path, strlen(path)), 0);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_ne(access(aside, F_OK), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("state_file");
	TCase *tcase = tcase_create("state_file");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_is_there_is_read);
	tcase_add_loop_test(
	    tcase, what_is_no_use_is_set_aside, 0, (int)(sizeof damaged / sizeof *damaged));
	tcase_add_test(tcase, what_cannot_be_read_stops);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
