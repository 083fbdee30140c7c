/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <limits.h>

START_TEST(every_code_has_words)
{
	for (int code = GRAPPE_OK; code >= GRAPPE_EINVALID; code--) {
		errno = 0;
		ck_assert_str_ne(error_text(code), "unknown error");
		for (int other = GRAPPE_OK; other > code; other--)
			ck_assert_str_ne(error_text(code), error_text(other));
	}
}
END_TEST

START_TEST(unknown_codes_have_words)
{
	ck_assert_str_eq(error_text(1), "unknown error");
	ck_assert_str_eq(error_text(GRAPPE_EINVALID - 1), "unknown error");
	ck_assert_str_eq(error_text(INT_MIN), "unknown error");
	ck_assert_str_eq(error_text(INT_MAX), "unknown error");
}
END_TEST

START_TEST(input_output_errors_are_explained)
{
	errno = ENOSPC;
	ck_assert_str_eq(error_text(GRAPPE_EIO), strerror(ENOSPC));
	errno = 0;
	ck_assert_str_eq(error_text(GRAPPE_EIO), "input/output error");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("error");
	TCase *tcase = tcase_create("error");

	tcase_add_test(tcase, every_code_has_words);
	tcase_add_test(tcase, unknown_codes_have_words);
	tcase_add_test(tcase, input_output_errors_are_explained);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
