/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/file.h"

#include "common/error.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char folder[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 16];
static struct buffer buffer;

static void setup(void)
{
	unit_make_folder(folder);
	snprintf(path, sizeof path, "%s/file", folder);
}

static void teardown(void)
{
	unit_remove_folder(folder);
}

static int count_entries(void)
{
	DIR *dir = opendir(folder);
	int count = -2; /* . and .. */

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

START_TEST(replace_and_read)
{
	struct stat status;

	ck_assert_int_eq(file_replace(path, "old", 3, 0640), GRAPPE_OK);
	ck_assert_int_eq(file_replace(path, "newer", 5, 0604), GRAPPE_OK);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_mode & 07777, 0604);
	ck_assert_int_eq(file_read(path, 5, &buffer), GRAPPE_OK);
	ck_assert_uint_eq(buffer.length, 5);
	ck_assert_mem_eq(buffer.bytes, "newer", 5);
	buffer_deinit(&buffer);
	ck_assert_int_eq(file_read(path, 4, &buffer), GRAPPE_ELIMIT);
	buffer_deinit(&buffer);
	ck_assert_int_eq(file_replace(path, "", 0, 0600), GRAPPE_OK);
	ck_assert_int_eq(file_read(path, 0, &buffer), GRAPPE_OK);
	ck_assert_uint_eq(buffer.length, 0);
	buffer_deinit(&buffer);
	ck_assert_int_eq(count_entries(), 1);
}
END_TEST

START_TEST(relative_paths)
{
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(file_replace("file", "x", 1, 0600), GRAPPE_OK);
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

/* A full disk, by the limit of a file's size: old bytes stay and nothing is left over. */
START_TEST(no_room)
{
	const struct rlimit small = {.rlim_cur = 8, .rlim_max = RLIM_INFINITY};
	struct rlimit before;
	int rc;

	ck_assert_int_eq(file_replace(path, "old", 3, 0600), GRAPPE_OK);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	rc = file_replace(path, "more than eight bytes", 21, 0600);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_int_eq(rc, GRAPPE_EIO);
	ck_assert_int_eq(count_entries(), 1);
	ck_assert_int_eq(file_read(path, 100, &buffer), GRAPPE_OK);
	ck_assert_mem_eq(buffer.bytes, "old", 3);
	buffer_deinit(&buffer);
}
END_TEST

START_TEST(places_that_fail)
{
	char deep[UNIT_PATH_SIZE + 32], *overlong = malloc(10000);

	snprintf(deep, sizeof deep, "%s/missing/file", folder);
	ck_assert_int_eq(file_replace(deep, "x", 1, 0600), GRAPPE_EIO);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(file_read(deep, 10, &buffer), GRAPPE_EIO);
	ck_assert_int_eq(errno, ENOENT);
	buffer_deinit(&buffer);
	ck_assert_int_eq(file_read(folder, 10, &buffer), GRAPPE_EIO);
	ck_assert_int_eq(errno, EISDIR);
	buffer_deinit(&buffer);
	ck_assert_int_eq(file_replace(folder, "x", 1, 0600), GRAPPE_EIO);
	ck_assert_int_eq(count_entries(), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(file_read(path, 10, &buffer), GRAPPE_EIO); /* and does not wait */
	buffer_deinit(&buffer);
	memset(overlong, 'x', 9999);
	overlong[9999] = '\0';
	ck_assert_int_eq(file_replace(overlong, "x", 1, 0600), GRAPPE_EIO);
	ck_assert_int_eq(errno, ENAMETOOLONG);
	ck_assert_int_eq(file_make_folder(overlong, 0700), GRAPPE_EIO);
	free(overlong);
}
END_TEST

START_TEST(folders)
{
	char deep[UNIT_PATH_SIZE + 32];

	snprintf(deep, sizeof deep, "%s/a/b/", folder);
	ck_assert_int_eq(file_make_folder(deep, 0700), GRAPPE_OK);
	ck_assert_int_eq(file_make_folder(deep, 0700), GRAPPE_OK);
	ck_assert_int_eq(rmdir(deep), 0);
	snprintf(deep, sizeof deep, "%s/a", folder);
	ck_assert_int_eq(rmdir(deep), 0);
	ck_assert_int_eq(file_make_folder("", 0700), GRAPPE_EIO);
	ck_assert_int_eq(file_replace(path, "x", 1, 0600), GRAPPE_OK);
	ck_assert_int_eq(file_make_folder(path, 0700), GRAPPE_EIO);
	ck_assert_int_eq(errno, ENOTDIR);
	snprintf(deep, sizeof deep, "%s/file/b", folder);
	ck_assert_int_eq(file_make_folder(deep, 0700), GRAPPE_EIO);
	ck_assert_int_eq(file_make_folder("/", 0700), GRAPPE_OK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("file");
	TCase *tcase = tcase_create("file");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, replace_and_read);
	tcase_add_test(tcase, relative_paths);
	tcase_add_test(tcase, no_room);
	tcase_add_test(tcase, places_that_fail);
	tcase_add_test(tcase, folders);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
