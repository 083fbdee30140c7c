/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What unit tests share: a main that runs one case of the check library, and a folder
 * of their own below $TMPDIR that goes away with its files.
 */
#ifndef GRAPPE_TESTS_UNIT_UNIT_H
#define GRAPPE_TESTS_UNIT_UNIT_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNIT_PATH_SIZE 512

/* unit_run - runs the suite; the exit code of main. A suite without tests fails. */
static inline int unit_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int run, failed;

	srunner_run_all(runner, CK_NORMAL);
	run = srunner_ntests_run(runner);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return run > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* unit_count - how many worlds, seeds or periods a test that draws them looks at: all, or with
 * GRAPPE_TESTS=short in the environment the first few. What must hold is the same for both. */
static inline int unit_count(int all, int few)
{
	const char *tests = getenv("GRAPPE_TESTS");

	return tests != NULL && strcmp(tests, "short") == 0 ? few : all;
}

/* unit_make_folder - a new folder's path into folder. */
static inline void unit_make_folder(char folder[UNIT_PATH_SIZE])
{
	const char *base = getenv("TMPDIR");

	snprintf(folder, UNIT_PATH_SIZE, "%.400s/grappe-unit-XXXXXX", base != NULL ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

/* unit_remove_folder - removes the folder and the files in it. */
static inline void unit_remove_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	ck_assert_int_eq(rmdir(folder), 0);
}

#endif
