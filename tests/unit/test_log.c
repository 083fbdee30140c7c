/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/log.h"

#include "common/clock.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static int kept, captured;
static char said[8192];

static void setup(void)
{
	captured = open(P_tmpdir, O_TMPFILE | O_RDWR, 0600);
	ck_assert_int_ge(captured, 0);
	kept = dup(2);
	dup2(captured, 2);
	unsetenv("JOURNAL_STREAM");
	setenv("TZ", "UTC", 1);
	clock_fake(CLOCK_SECOND_NS * 1795000000, 0);
	log_open("grappe-test", LOG_LEVEL_INFO);
}

static void teardown(void)
{
	dup2(kept, 2);
	close(kept);
	close(captured);
	clock_real();
}

/* What was logged since the last call. */
static const char *logged(void)
{
	const ssize_t n = pread(captured, said, sizeof said - 1, 0);

	ck_assert_int_ge(n, 0);
	said[n] = '\0';
	ck_assert_int_eq(ftruncate(captured, 0), 0);
	lseek(captured, 0, SEEK_SET);
	return said;
}

START_TEST(lines)
{
	errno = ENOSPC;
	log_warning("disk %s is %d%% full", "a\nb\033[31m", 97);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_str_eq(
	    logged(), "2026-11-18 11:06:40 grappe-test: warning: disk a?b?[31m is 97% full\n");
	log_debug("secret");
	ck_assert_str_eq(logged(), "");
	log_open("grappe-test", LOG_LEVEL_DEBUG);
	log_debug("told");
	ck_assert_ptr_nonnull(strstr(logged(), "debug: told\n"));
	log_error("%02000d", 7);
	ck_assert_uint_lt(strlen(logged()), 1100);
}
END_TEST

START_TEST(journal)
{
	struct stat status;
	char stream[64];

	setenv("JOURNAL_STREAM", "1:1", 1); /* inherited, but standard error goes elsewhere */
	log_error("x");
	ck_assert_ptr_nonnull(strstr(logged(), "grappe-test: error: x\n"));
	ck_assert_int_eq(fstat(2, &status), 0);
	snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)status.st_dev,
	    (unsigned long long)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_error("x");
	log_info("y");
	ck_assert_str_eq(logged(), "<3>x\n<6>y\n");
}
END_TEST

static int64_t minutes;

static void advance(int64_t by)
{
	minutes += by;
	clock_fake(CLOCK_SECOND_NS * 1795000000, minutes * 60 * CLOCK_SECOND_NS);
}

START_TEST(complaints_grow_rare)
{
	struct log_complaint complaint = {0};
	int written = 0;

	minutes = 0;
	advance(1);
	log_recovered(&complaint, "never broken");
	ck_assert_str_eq(logged(), "");
	ck_assert(log_complain(&complaint, "broken"));
	ck_assert(!log_complain(&complaint, "broken"));
	ck_assert(!log_complain(&complaint, "broken"));
	advance(1);
	ck_assert(log_complain(&complaint, "broken"));
	ck_assert_ptr_nonnull(strstr(logged(), "the same 2 times more"));
	for (int i = 0; i < 24 * 60; i++) {
		advance(1);
		written += log_complain(&complaint, "broken");
	}
	ck_assert_int_gt(written, 20);
	ck_assert_int_lt(written, 32);
	logged();
	log_recovered(&complaint, "mended");
	ck_assert_ptr_nonnull(strstr(logged(), "info: mended\n"));
	log_recovered(&complaint, "mended");
	ck_assert_str_eq(logged(), "");
	ck_assert(log_complain(&complaint, "broken again"));
}
END_TEST

static char sunk[256];
static enum log_level sunk_level;

static void sink(enum log_level level, const char *text)
{
	sunk_level = level;
	snprintf(sunk, sizeof sunk, "%s", text);
	errno = EIO;
}

START_TEST(inside_a_foreign_program)
{
	log_to(sink);
	errno = ENOSPC;
	log_warning("disk %s", "a\nb");
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_str_eq(sunk, "disk a?b");
	ck_assert_int_eq(sunk_level, LOG_LEVEL_WARNING);
	log_debug("secret");
	ck_assert_str_eq(sunk, "disk a?b");
	ck_assert_str_eq(logged(), "");
	log_to(NULL);
	log_info("back");
	ck_assert_ptr_nonnull(strstr(logged(), "info: back\n"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("log");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, lines);
	tcase_add_test(tcase, journal);
	tcase_add_test(tcase, inside_a_foreign_program);
	tcase_add_test(tcase, complaints_grow_rare);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
