/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/program.h"

#include "common/error.h"
#include "tests/unit/unit.h"

#include <fcntl.h>

struct values {
	int64_t count;
};

static const struct setting general[] = {
    {"count", SETTING_INTEGER, offsetof(struct values, count), "7", 0, 10, NULL, "How many."}};
static const struct settings_section sections[] = {{.settings = general, .nsettings = 1}};
static const struct settings_schema schema = {sections, 1, NULL, NULL};

static bool fast;
static const char *output;
static const struct program_option options[] = {
    {'f', "fast", NULL, "hurry", &fast},
    {0, "output", "FILE", "write there", &output},
};

static char folder[UNIT_PATH_SIZE], config[UNIT_PATH_SIZE + 16], captured[UNIT_PATH_SIZE + 16];
static struct program program;
static struct values values;
static int operand, exit_code;
static char said[8192], complained[8192];

static void setup(void)
{
	unit_make_folder(folder);
	snprintf(config, sizeof config, "%s/x.conf", folder);
	snprintf(captured, sizeof captured, "%s/captured", folder);
	program = (struct program){.name = "grappe-test",
	    .summary = "tests the shell",
	    .operands = "FILE...",
	    .default_config = config,
	    .schema = &schema,
	    .options = options,
	    .noptions = SETTINGS_COUNT(options),
	    .epilogue = "Example: grappe-test x"};
	memset(&values, 0, sizeof values);
	fast = false;
	output = NULL;
}

static void teardown(void)
{
	unit_remove_folder(folder);
}

static void write_config(const char *text)
{
	FILE *file = fopen(config, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static void take_captured(int fd, char *out, size_t size)
{
	const ssize_t n = pread(fd, out, size - 1, 0);

	ck_assert_int_ge(n, 0);
	out[n] = '\0';
	close(fd);
}

/* Runs program_start() with these arguments and keeps what it writes. */
static bool start(const char *const *arguments)
{
	char *argv[16] = {(char *)"grappe-test"};
	int argc = 1, kept_out, kept_err, out, err;
	bool run;

	for (; arguments[argc - 1] != NULL; argc++)
		argv[argc] = (char *)arguments[argc - 1];
	out = open(captured, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_eq(unlink(captured), 0);
	err = open(captured, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(out, 0);
	ck_assert_int_ge(err, 0);
	fflush(stdout);
	kept_out = dup(1);
	kept_err = dup(2);
	dup2(out, 1);
	dup2(err, 2);
	operand = exit_code = -1;
	run = program_start(&program, argc, argv, &values, &operand, &exit_code);
	fflush(stdout);
	dup2(kept_out, 1);
	dup2(kept_err, 2);
	close(kept_out);
	close(kept_err);
	take_captured(out, said, sizeof said);
	take_captured(err, complained, sizeof complained);
	return run;
}
#define START(...) start((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void has(const char *text, const char *words)
{
	ck_assert_msg(strstr(text, words) != NULL, "no '%s' in: %s", words, text);
}

START_TEST(runs_with_defaults)
{
	ck_assert(START());
	ck_assert_int_eq(values.count, 7);
	ck_assert_int_eq(operand, 1);
	ck_assert_str_eq(said, "");
	ck_assert_str_eq(complained, "");
}
END_TEST

START_TEST(reads_options_operands_and_file)
{
	write_config("count = 3\n");
	ck_assert(START("-f", "a", "--output=o", "b"));
	ck_assert(fast);
	ck_assert_str_eq(output, "o");
	ck_assert_int_eq(operand, 3);
	ck_assert_int_eq(values.count, 3);
}
END_TEST

START_TEST(help_tells_everything)
{
	ck_assert(!START("--help"));
	ck_assert_int_eq(exit_code, 0);
	has(said, "Usage: grappe-test [OPTION]... FILE...");
	has(said, "-f, --fast");
	has(said, "    --output=FILE");
	has(said, "-c, --config=FILE");
	has(said, "--check-config");
	has(said, "--print-config");
	has(said, "-v, --verbose");
	has(said, "-h, --help");
	has(said, "-V, --version");
	has(said, "count = whole number, 0 to 10; default 7\n");
	has(said, "How many.");
	has(said, "Exit codes: 0 done; 1 error");
	has(said, "Example: grappe-test x\n");
	ck_assert(!START("-h", "--config=/nonexistent"));
	ck_assert_int_eq(exit_code, 0);
}
END_TEST

START_TEST(version_is_told)
{
	ck_assert(!START("-V"));
	ck_assert_int_eq(exit_code, 0);
	has(said, "grappe-test ");
}
END_TEST

START_TEST(configuration_is_checked)
{
	char expected[UNIT_PATH_SIZE + 64];

	write_config("count = 3\n");
	snprintf(expected, sizeof expected, "%s: configuration is valid\n", config);
	ck_assert(!START("--check-config"));
	ck_assert_int_eq(exit_code, 0);
	ck_assert_str_eq(said, expected);
	write_config("\ncount = x\n");
	ck_assert(!START("--check-config"));
	ck_assert_int_eq(exit_code, 1);
	ck_assert_str_eq(said, "");
	has(complained, "x.conf:2: count = x is not a whole number");
	ck_assert(!START());
	ck_assert_int_eq(exit_code, 1);
}
END_TEST

START_TEST(configuration_is_printed)
{
	write_config("count = 3\n");
	ck_assert(!START("--print-config"));
	ck_assert_int_eq(exit_code, 0);
	has(said, "\ncount = 3\n");
}
END_TEST

START_TEST(missing_files)
{
	ck_assert(!START("--config=/nonexistent/x.conf"));
	ck_assert_int_eq(exit_code, 1);
	has(complained, "/nonexistent/x.conf: No such file");
	program.config_required = true;
	ck_assert(!START());
	ck_assert_int_eq(exit_code, 1);
	has(complained, "does not exist; name a file with --config");
	program.default_config = NULL;
	ck_assert(!START());
	has(complained, "name a file with --config");
}
END_TEST

START_TEST(wrong_arguments)
{
	ck_assert(!START("--colour"));
	ck_assert_int_eq(exit_code, 1);
	has(complained, "colour");
	has(complained, "Try 'grappe-test --help'.");
	ck_assert(!START("--output"));
	ck_assert_int_eq(exit_code, 1);
	ck_assert(!START("--fast=yes"));
	ck_assert_int_eq(exit_code, 1);
	program.operands = "";
	ck_assert(!START("stray"));
	ck_assert_int_eq(exit_code, 1);
	has(complained, "'stray' is not expected");
}
END_TEST

START_TEST(without_configuration)
{
	program.schema = NULL;
	ck_assert(START("x"));
	ck_assert(!START("--check-config"));
	ck_assert_int_eq(exit_code, 1);
	ck_assert(!START("--help"));
	ck_assert_ptr_null(strstr(said, "--config"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("program");
	TCase *tcase = tcase_create("program");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, runs_with_defaults);
	tcase_add_test(tcase, reads_options_operands_and_file);
	tcase_add_test(tcase, help_tells_everything);
	tcase_add_test(tcase, version_is_told);
	tcase_add_test(tcase, configuration_is_checked);
	tcase_add_test(tcase, configuration_is_printed);
	tcase_add_test(tcase, missing_files);
	tcase_add_test(tcase, wrong_arguments);
	tcase_add_test(tcase, without_configuration);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
