/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Engine IDs: kept over restarts, a damaged file is known as such, twins are found. */
#include "collector/engines.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/unit/unit.h"

#include <sys/stat.h>

static char folder[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 16];
static struct engines *engines;

static void setup(void)
{
	unit_make_folder(folder);
	snprintf(path, sizeof path, "%s/engines", folder);
	engines = engines_new();
}

static void teardown(void)
{
	engines_free(engines);
	unit_remove_folder(folder);
}

static struct engine_id id_of(unsigned n)
{
	struct engine_id id = {.length = 5 + n % 28};

	for (size_t i = 0; i < id.length; i++)
		id.bytes[i] = (uint8_t)(n >> 8 * (i % 4));
	return id;
}

static int put(const char *address, unsigned n)
{
	const struct engine_id id = id_of(n);

	return engines_put(engines, address, &id);
}

static bool has(const char *address, unsigned n)
{
	const struct engine_id wanted = id_of(n);
	struct engine_id id;

	return engines_get(engines, address, &id) && engine_id_equal(&id, &wanted);
}

static void reopen(void)
{
	engines_free(engines);
	engines = engines_new();
	ck_assert_int_eq(engines_load(engines, path), GRAPPE_OK);
}

START_TEST(they_outlive_the_program)
{
	struct engine_id id;
	struct stat status;

	ck_assert_int_eq(engines_load(engines, path), GRAPPE_OK); /* no file yet */
	ck_assert(!engines_is_changed(engines));
	ck_assert_int_eq(put("192.0.2.1:161", 1), GRAPPE_OK);
	ck_assert_int_eq(put("[2001:db8::1]:161", 300), GRAPPE_OK);
	ck_assert(engines_is_changed(engines));
	ck_assert_int_eq(engines_save(engines, path), GRAPPE_OK);
	ck_assert(!engines_is_changed(engines));
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0640);
	reopen();
	ck_assert(has("192.0.2.1:161", 1));
	ck_assert(has("[2001:db8::1]:161", 300));
	ck_assert(!engines_get(engines, "192.0.2.2:161", &id));
	ck_assert_uint_eq(id.length, 0);
	/* The same again is no change, another one is. */
	ck_assert_int_eq(put("192.0.2.1:161", 1), GRAPPE_OK);
	ck_assert(!engines_is_changed(engines));
	ck_assert_int_eq(put("192.0.2.1:161", 2), GRAPPE_OK);
	ck_assert(engines_is_changed(engines));
	ck_assert(has("192.0.2.1:161", 2));
}
END_TEST

START_TEST(what_nobody_asks_for_is_not_kept)
{
	ck_assert_int_eq(put("a:1", 1), GRAPPE_OK);
	ck_assert_int_eq(put("b:1", 2), GRAPPE_OK);
	ck_assert_int_eq(put("c:1", 3), GRAPPE_OK);
	engines_drop(engines, "c:1");
	engines_drop(engines, "d:1");
	ck_assert(!has("c:1", 3));
	ck_assert_int_eq(engines_save(engines, path), GRAPPE_OK);
	reopen();
	ck_assert(has("a:1", 1));
	ck_assert_int_eq(put("e:1", 5), GRAPPE_OK);
	ck_assert_int_eq(engines_save(engines, path), GRAPPE_OK);
	reopen();
	ck_assert(has("a:1", 1));
	ck_assert(has("e:1", 5));
	ck_assert(!has("b:1", 2));
}
END_TEST

START_TEST(lengths_are_checked)
{
	struct engine_id id = {.length = 4};

	ck_assert_int_eq(engines_put(engines, "a:1", &id), GRAPPE_EINVALID);
	id.length = 33;
	ck_assert_int_eq(engines_put(engines, "a:1", &id), GRAPPE_EINVALID);
	id.length = 32;
	ck_assert_int_eq(engines_put(engines, "a:1", &id), GRAPPE_OK);
	id.length = 5;
	ck_assert_int_eq(engines_put(engines, "a:1", &id), GRAPPE_OK);
}
END_TEST

START_TEST(twins_are_found)
{
	ck_assert_int_eq(put("a:1", 1), GRAPPE_OK);
	ck_assert_ptr_null(engines_twin(engines, "a:1"));
	ck_assert_int_eq(put("b:1", 1), GRAPPE_OK);
	ck_assert_str_eq(engines_twin(engines, "b:1"), "a:1");
	ck_assert_ptr_null(engines_twin(engines, "a:1"));
	ck_assert_ptr_null(engines_twin(engines, "nobody:1"));
	ck_assert_int_eq(put("b:1", 2), GRAPPE_OK);
	ck_assert_ptr_null(engines_twin(engines, "b:1"));
	ck_assert_int_eq(put("b:1", 1), GRAPPE_OK);
	engines_drop(engines, "a:1");
	ck_assert_ptr_null(engines_twin(engines, "b:1"));
}
END_TEST

/* An address of the file that is not in use is nobody's twin. */
START_TEST(only_those_in_use_are_twins)
{
	ck_assert_int_eq(put("a:1", 1), GRAPPE_OK);
	ck_assert_int_eq(put("b:1", 1), GRAPPE_OK);
	ck_assert_int_eq(engines_save(engines, path), GRAPPE_OK);
	reopen();
	ck_assert(has("b:1", 1));
	ck_assert_ptr_null(engines_twin(engines, "b:1"));
	ck_assert(has("a:1", 1));
	ck_assert_str_eq(engines_twin(engines, "a:1"), "b:1");
}
END_TEST

START_TEST(every_damage_is_seen)
{
	struct buffer file;

	ck_assert_int_eq(put("192.0.2.1:161", 1), GRAPPE_OK);
	ck_assert_int_eq(put("192.0.2.2:161", 77), GRAPPE_OK);
	ck_assert_int_eq(engines_save(engines, path), GRAPPE_OK);
	ck_assert_int_eq(file_read(path, 4096, &file), GRAPPE_OK);
	for (size_t cut = 0; cut < file.length; cut++) {
		struct engines *other = engines_new();
		struct engine_id id;

		ck_assert_int_lt(engines_parse(other, file.bytes, cut), 0);
		ck_assert(!engines_get(other, "192.0.2.1:161", &id));
		engines_free(other);
	}
	for (size_t at = 0; at < file.length; at++) {
		struct engines *other = engines_new();
		struct engine_id id;

		file.bytes[at] ^= 0x04;
		ck_assert_int_lt(engines_parse(other, file.bytes, file.length), 0);
		ck_assert(!engines_get(other, "192.0.2.1:161", &id));
		file.bytes[at] ^= 0x04;
		engines_free(other);
	}
	ck_assert_int_eq(engines_parse(engines, file.bytes, file.length), GRAPPE_OK);
	buffer_put(&file, "more\n", 5);
	ck_assert_int_eq(engines_parse(engines, file.bytes, file.length), GRAPPE_EFORMAT);
	buffer_deinit(&file);
	ck_assert_int_eq(engines_parse(engines, "grappe-engines 2\n", 17), GRAPPE_EVERSION);
	ck_assert_int_eq(engines_load(engines, folder), GRAPPE_EIO);
}
END_TEST

START_TEST(many)
{
	char address[32];

	for (unsigned i = 0; i < 20000; i++) {
		snprintf(
		    address, sizeof address, "10.%u.%u.%u:161", i >> 16, i >> 8 & 255, i & 255);
		ck_assert_int_eq(put(address, i * 7919), GRAPPE_OK);
	}
	ck_assert_int_eq(engines_save(engines, path), GRAPPE_OK);
	reopen();
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(
		    address, sizeof address, "10.%u.%u.%u:161", i >> 16, i >> 8 & 255, i & 255);
		ck_assert(has(address, i * 7919));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engines");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, they_outlive_the_program);
	tcase_add_test(all, what_nobody_asks_for_is_not_kept);
	tcase_add_test(all, lengths_are_checked);
	tcase_add_test(all, twins_are_found);
	tcase_add_test(all, only_those_in_use_are_twins);
	tcase_add_test(all, every_damage_is_seen);
	tcase_add_test(all, many);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
