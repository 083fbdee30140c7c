/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs run from the loop, and the words that are filled in for them. */
#include "common/clock.h"
#include "common/error.h"
#include "manager/child.h"
#include "manager/words.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>

static struct event_base *base;

static struct {
	int calls, exit_code;
	char reason[CHILD_REASON_SIZE], output[8192];
	size_t length;
	bool cut;
} got;

static void setup(void)
{
	memset(&got, 0, sizeof got);
	base = event_base_new();
}

static void teardown(void)
{
	event_base_free(base);
}

static void on_done(const struct child_result *result, void *context)
{
	ck_assert_ptr_eq(context, &got);
	got.calls++;
	got.exit_code = result->exit_code;
	got.length = result->length;
	got.cut = result->cut;
	snprintf(got.reason, sizeof got.reason, "%s", result->reason);
	snprintf(got.output, sizeof got.output, "%s", result->output);
}

static void wait_done(void)
{
	const int64_t limit = clock_monotonic_ns() + 30 * CLOCK_SECOND_NS;

	while (got.calls == 0 && clock_monotonic_ns() < limit) {
		const struct timeval step = {0, 50000};

		event_base_loopexit(base, &step);
		event_base_loop(base, EVLOOP_ONCE);
	}
	ck_assert_int_eq(got.calls, 1);
}

/* Runs a script of sh(1), which is the test's program, not a shell of the product. */
static struct child *run(const char *script, const char *input, int64_t limit_ms, size_t most)
{
	char *words[] = {"sh", "-c", (char *)script, "name", "an argument", NULL};
	const struct child_request request = {
	    .words = words, .input = input, .limit_ms = limit_ms, .output_max = most};
	struct child *child;

	ck_assert_int_eq(child_start(base, &request, on_done, &got, &child), GRAPPE_OK);
	ck_assert_int_eq(got.calls, 0);
	return child;
}

START_TEST(output_and_exit_codes)
{
	run("echo one; echo \"$1\" >&2", NULL, 20000, 4096);
	wait_done();
	ck_assert_int_eq(got.exit_code, 0);
	ck_assert_str_eq(got.output, "one\nan argument\n");
	ck_assert_str_eq(got.reason, "");
	memset(&got, 0, sizeof got);
	run("echo going; echo 'no such \tVM' >&2; exit 3", NULL, 20000, 4096);
	wait_done();
	ck_assert_int_eq(got.exit_code, 3);
	ck_assert_str_eq(got.reason, "it ended with 3: no such  VM");
	memset(&got, 0, sizeof got);
	run("kill -9 $$", NULL, 20000, 4096);
	wait_done();
	ck_assert_int_eq(got.exit_code, -1);
	ck_assert_str_eq(got.reason, "it died of signal 9");
}
END_TEST

START_TEST(input_and_a_clean_environment)
{
	setenv("SECRET", "of the manager", 1);
	run("cat; env | sort", "two\nlines", 20000, 4096);
	wait_done();
	ck_assert_int_eq(got.exit_code, 0);
	ck_assert_ptr_nonnull(strstr(got.output, "two\nlines"));
	ck_assert_ptr_nonnull(strstr(got.output, "LC_ALL=C\n"));
	ck_assert_ptr_null(strstr(got.output, "SECRET"));
}
END_TEST

START_TEST(input_that_nobody_reads)
{
	static char much[300000];

	memset(much, 'x', sizeof much - 1);
	run("exit 0", much, 20000, 4096);
	wait_done();
	ck_assert_int_eq(got.exit_code, 0);
}
END_TEST

START_TEST(long_output_is_cut_and_does_not_block)
{
	run("head -c 1000000 /dev/zero | tr '\\0' y", NULL, 20000, 1000);
	wait_done();
	ck_assert_int_eq(got.exit_code, 0);
	ck_assert_uint_eq(got.length, 1000);
	ck_assert(got.cut);
}
END_TEST

START_TEST(what_takes_too_long_is_ended_with_all_it_started)
{
	char path[UNIT_PATH_SIZE], script[UNIT_PATH_SIZE + 100];
	FILE *file;
	int pid = 0;

	unit_make_folder(path);
	snprintf(script, sizeof script,
	    "trap '' TERM; sleep 1000 & echo $! >%s/pid; echo waiting; wait", path);
	run(script, NULL, 300, 4096);
	wait_done();
	ck_assert_int_eq(got.exit_code, -1);
	ck_assert_str_eq(got.reason, "it was ended: it took too long, or was called off: waiting");
	snprintf(script, sizeof script, "%s/pid", path);
	file = fopen(script, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%d", &pid), 1);
	fclose(file);
	/* It is nobody's child here; it is gone, or about to be. */
	for (int i = 0; i < 100 && kill(pid, 0) == 0; i++)
		usleep(20000);
	unit_remove_folder(path);
}
END_TEST

START_TEST(what_it_leaves_behind_holds_nothing_up)
{
	run("sleep 1000 & echo started", NULL, 20000, 4096);
	wait_done();
	ck_assert_int_eq(got.exit_code, 0);
	ck_assert_str_eq(got.output, "started\n");
}
END_TEST

/* Whoever reads the output as a document is not led astray by warnings. */
START_TEST(errors_apart)
{
	static char script[] = "echo '{}'; echo 'first of all' >&2; echo 'a warning' >&2; exit $1";
	char *words[] = {"sh", "-c", script, "name", "0", NULL};
	const struct child_request request = {
	    .words = words, .limit_ms = 20000, .output_max = 4096, .errors_apart = true};
	struct child *child;

	ck_assert_int_eq(child_start(base, &request, on_done, &got, &child), GRAPPE_OK);
	wait_done();
	ck_assert_int_eq(got.exit_code, 0);
	ck_assert_str_eq(got.output, "{}\n");
	memset(&got, 0, sizeof got);
	words[4] = "5";
	ck_assert_int_eq(child_start(base, &request, on_done, &got, &child), GRAPPE_OK);
	wait_done();
	ck_assert_str_eq(got.output, "{}\n");
	ck_assert_str_eq(got.reason, "it ended with 5: a warning");
	memset(&got, 0, sizeof got);
	words[2] = "echo alone; exit $1";
	ck_assert_int_eq(child_start(base, &request, on_done, &got, &child), GRAPPE_OK);
	wait_done();
	ck_assert_str_eq(got.reason, "it ended with 5: alone");
}
END_TEST

START_TEST(files_of_the_manager_are_not_its)
{
	/* Without FD_CLOEXEC. */
	ck_assert_int_eq(fcntl(STDIN_FILENO, F_DUPFD, 77), 77);
	run("[ -e /proc/$$/fd/2 ] && [ ! -e /proc/$$/fd/77 ]", NULL, 20000, 4096);
	wait_done();
	close(77);
	ck_assert_int_eq(got.exit_code, 0);
}
END_TEST

START_TEST(stopped_and_freed)
{
	struct child *child = run("sleep 1000", NULL, 20000, 4096);

	child_stop(child);
	wait_done();
	ck_assert_int_eq(got.exit_code, -1);
	memset(&got, 0, sizeof got);
	child_free(run("sleep 1000", NULL, 20000, 4096));
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(got.calls, 0);
	child_free(NULL);
}
END_TEST

START_TEST(no_such_program)
{
	char *words[] = {"/nonexistent/program", NULL};
	const struct child_request request = {.words = words, .limit_ms = 1000, .output_max = 10};
	struct child *child;

	ck_assert_int_eq(child_start(base, &request, on_done, &got, &child), GRAPPE_EIO);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_ptr_null(child);
}
END_TEST

/* ---- words ---- */

static const struct words_value values[] = {
    {"vm", "web1"}, {"option", "--delete"}, {"lines", "a\nb"}, {"odd", "$(reboot) `x` ; ' \""}};

static int fill(char *text, char ***out, char *message, size_t size)
{
	const struct settings_list list = {&text, 1};

	return words_fill(&list, values, sizeof values / sizeof *values, out, message, size);
}

static const struct {
	char *text;
	const char *filled, *reason;
} fillings[] = {
    {"plain", "plain", NULL},
    {"{vm}", "web1", NULL},
    {"qemu+ssh://{vm}/{vm}x", "qemu+ssh://web1/web1x", NULL},
    {"{odd}", "$(reboot) `x` ; ' \"", NULL},
    {"--name={option}", "--name=--delete", NULL},
    {"{option}", NULL, "would be read as an option"},
    {"x{lines}", NULL, "control characters"},
    {"{nobody}", NULL, "{nobody} is not known here"},
    {"", "", NULL},
};

START_TEST(words_are_filled_in)
{
	char **words = NULL, message[256] = "";
	const int rc = fill(fillings[_i].text, &words, message, sizeof message);

	if (fillings[_i].filled != NULL) {
		ck_assert_int_eq(rc, GRAPPE_OK);
		ck_assert_str_eq(words[0], fillings[_i].filled);
		ck_assert_ptr_null(words[1]);
	} else {
		ck_assert_int_eq(rc, GRAPPE_EINVALID);
		ck_assert_ptr_nonnull(strstr(message, fillings[_i].reason));
		ck_assert_ptr_null(words);
	}
	words_free(words);
}
END_TEST

START_TEST(words_are_checked_beforehand)
{
	static const char *const names[] = {"vm", "host", NULL};
	char *good[] = {"{vm}", "a{host}b{vm}"}, *bad[] = {"{hosts}"}, *open[] = {"{vm"};
	const struct settings_list lists[] = {{good, 2}, {bad, 1}, {open, 1}};
	char message[256];

	ck_assert_int_eq(words_check(&lists[0], names, message, sizeof message), GRAPPE_OK);
	ck_assert_int_eq(words_check(&lists[1], names, message, sizeof message), GRAPPE_EINVALID);
	ck_assert_ptr_nonnull(strstr(message, "{hosts}"));
	ck_assert_int_eq(words_check(&lists[2], names, message, sizeof message), GRAPPE_EINVALID);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("child");
	TCase *tcase = tcase_create("child");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, output_and_exit_codes);
	tcase_add_test(tcase, input_and_a_clean_environment);
	tcase_add_test(tcase, input_that_nobody_reads);
	tcase_add_test(tcase, long_output_is_cut_and_does_not_block);
	tcase_add_test(tcase, what_takes_too_long_is_ended_with_all_it_started);
	tcase_add_test(tcase, what_it_leaves_behind_holds_nothing_up);
	tcase_add_test(tcase, errors_apart);
	tcase_add_test(tcase, files_of_the_manager_are_not_its);
	tcase_add_test(tcase, stopped_and_freed);
	tcase_add_test(tcase, no_such_program);
	tcase_add_loop_test(
	    tcase, words_are_filled_in, 0, (int)(sizeof fillings / sizeof *fillings));
	tcase_add_test(tcase, words_are_checked_beforehand);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
