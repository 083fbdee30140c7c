/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"
#include "common/protocol.h"
#include "manager/publish_queue.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64], inner[80];

static void set_up(void)
{
	snprintf(folder, sizeof folder, "/tmp/grappe-queue-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(inner, sizeof inner, "%s/noc/deep", folder);
}

/* Removes the files of one folder; returns how many there were. */
static int empty_folder(const char *path)
{
	DIR *open_folder = opendir(path);
	const struct dirent *item;
	char file[PATH_MAX];
	int n = 0;

	if (open_folder == NULL)
		return 0;
	while ((item = readdir(open_folder)) != NULL) {
		if (item->d_name[0] == '.')
			continue;
		snprintf(file, sizeof file, "%s/%s", path, item->d_name);
		n++;
		if (unlink(file) != 0)
			rmdir(file);
	}
	closedir(open_folder);
	rmdir(path);
	return n;
}

static void tear_down(void)
{
	char noc[80];

	snprintf(noc, sizeof noc, "%s/noc", folder);
	empty_folder(inner);
	empty_folder(noc);
	empty_folder(folder);
}

static void expect_oldest(const struct publish_queue *queue, const char *id, const char *text)
{
	struct buffer document;

	ck_assert_str_eq(publish_queue_id(queue, 0), id);
	ck_assert_int_eq(publish_queue_read(queue, 100, &document), GRAPPE_OK);
	ck_assert_uint_eq(document.length, strlen(text));
	ck_assert_mem_eq(document.bytes, text, document.length);
	buffer_deinit(&document);
}

START_TEST(test_first_in_first_out)
{
	struct publish_queue *queue;
	struct buffer document;

	ck_assert_int_eq(publish_queue_open(inner, 3, &queue), GRAPPE_OK);
	ck_assert_uint_eq(publish_queue_count(queue), 0);
	ck_assert_ptr_null(publish_queue_id(queue, 0));
	ck_assert_int_eq(publish_queue_read(queue, 100, &document), GRAPPE_ENOTFOUND);
	ck_assert_int_eq(publish_queue_pop(queue), GRAPPE_ENOTFOUND);
	ck_assert_int_eq(publish_queue_push(queue, "b-1", "one", 3), GRAPPE_OK);
	ck_assert_int_eq(publish_queue_push(queue, "a-2", "two", 3), GRAPPE_OK);
	ck_assert(!publish_queue_is_full(queue));
	ck_assert_int_eq(publish_queue_push(queue, "c-3", "three", 5), GRAPPE_OK);
	ck_assert(publish_queue_is_full(queue));
	ck_assert_int_eq(publish_queue_push(queue, "d-4", "four", 4), GRAPPE_ELIMIT);
	ck_assert(publish_queue_has(queue, "a-2"));
	ck_assert(!publish_queue_has(queue, "d-4"));
	expect_oldest(queue, "b-1", "one");
	ck_assert_int_eq(publish_queue_pop(queue), GRAPPE_OK);
	expect_oldest(queue, "a-2", "two");
	ck_assert_str_eq(publish_queue_id(queue, 1), "c-3");
	ck_assert_int_eq(publish_queue_read(queue, 2, &document), GRAPPE_ELIMIT);
	buffer_deinit(&document);
	publish_queue_close(queue);
}
END_TEST

START_TEST(test_survives_a_restart)
{
	struct publish_queue *queue;

	ck_assert_int_eq(publish_queue_open(inner, 3, &queue), GRAPPE_OK);
	ck_assert_int_eq(publish_queue_push(queue, "one", "1", 1), GRAPPE_OK);
	ck_assert_int_eq(publish_queue_push(queue, "two", "22", 2), GRAPPE_OK);
	ck_assert_int_eq(publish_queue_pop(queue), GRAPPE_OK);
	publish_queue_close(queue);
	ck_assert_int_eq(publish_queue_open(inner, 3, &queue), GRAPPE_OK);
	ck_assert_uint_eq(publish_queue_count(queue), 1);
	ck_assert_int_eq(publish_queue_push(queue, "three", "333", 3), GRAPPE_OK);
	publish_queue_close(queue);
	ck_assert_int_eq(publish_queue_open(inner, 3, &queue), GRAPPE_OK);
	ck_assert_uint_eq(publish_queue_count(queue), 2);
	expect_oldest(queue, "two", "22");
	ck_assert_int_eq(publish_queue_pop(queue), GRAPPE_OK);
	expect_oldest(queue, "three", "333");
	publish_queue_close(queue);
}
END_TEST

START_TEST(test_smaller_limit_keeps_the_newest)
{
	struct publish_queue *queue;
	char id[8];

	ck_assert_int_eq(publish_queue_open(inner, 9, &queue), GRAPPE_OK);
	for (int i = 1; i <= 9; i++) {
		snprintf(id, sizeof id, "n%d", i);
		ck_assert_int_eq(publish_queue_push(queue, id, id, strlen(id)), GRAPPE_OK);
	}
	publish_queue_close(queue);
	ck_assert_int_eq(publish_queue_open(inner, 4, &queue), GRAPPE_OK);
	ck_assert_uint_eq(publish_queue_count(queue), 4);
	expect_oldest(queue, "n6", "n6");
	ck_assert_str_eq(publish_queue_id(queue, 3), "n9");
	publish_queue_close(queue);
	ck_assert_int_eq(empty_folder(inner), 4);
}
END_TEST

static void put_file(const char *name)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof path, "%s/%s", inner, name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

START_TEST(test_foreign_files_are_left_alone)
{
	static const char *const foreign[] = {"README", "1-a.json", "00000000000x-a.json",
	    "000000000001-a_b.json", "000000000001-.json", "000000000001-a.jsonx", "x.AbCdEf"};
	struct publish_queue *queue;
	const int n = (int)(sizeof foreign / sizeof *foreign);

	ck_assert_int_eq(publish_queue_open(inner, 3, &queue), GRAPPE_OK);
	publish_queue_close(queue);
	for (int i = 0; i < n; i++)
		put_file(foreign[i]);
	put_file("000000000007-left.json.AbCdEf"); /* half written when the power went */
	ck_assert_int_eq(publish_queue_open(inner, 3, &queue), GRAPPE_OK);
	ck_assert_uint_eq(publish_queue_count(queue), 0);
	publish_queue_close(queue);
	ck_assert_int_eq(empty_folder(inner), n);
}
END_TEST

START_TEST(test_ids)
{
	char longest[PROTOCOL_ID_SIZE + 1];

	memset(longest, 'f', sizeof longest);
	longest[PROTOCOL_ID_SIZE] = '\0';
	ck_assert(!publish_queue_check_id(longest));
	longest[PROTOCOL_ID_SIZE - 1] = '\0';
	ck_assert(publish_queue_check_id(longest));
	ck_assert(publish_queue_check_id("9f3c-A"));
	ck_assert(!publish_queue_check_id(""));
	ck_assert(!publish_queue_check_id("../x"));
	ck_assert(!publish_queue_check_id("a.json"));
	ck_assert(!publish_queue_check_id("a b"));
	ck_assert(!publish_queue_check_id("a\n"));
}
END_TEST

START_TEST(test_folder_that_cannot_be)
{
	struct publish_queue *queue;

	ck_assert_int_eq(publish_queue_open("/proc/nonexistent/queue", 3, &queue), GRAPPE_EIO);
	ck_assert_ptr_null(queue);
	ck_assert_int_eq(publish_queue_open("/dev/null", 3, &queue), GRAPPE_EIO);
	publish_queue_close(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("publish_queue");
	TCase *tcase = tcase_create("publish_queue");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, test_first_in_first_out);
	tcase_add_test(tcase, test_survives_a_restart);
	tcase_add_test(tcase, test_smaller_limit_keeps_the_newest);
	tcase_add_test(tcase, test_foreign_files_are_left_alone);
	tcase_add_test(tcase, test_ids);
	tcase_add_test(tcase, test_folder_that_cannot_be);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
