/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Orders, answers that come late or never, the stop file, restarts: the executor against a cloud
 * that the test plays. */
#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "manager/executor.h"
#include "tests/unit/unit.h"

#include <event2/event.h>

/* ---- the played cloud ---- */

struct cloud_job {
	char vm[CLOUD_NAME_SIZE], handle[CLOUD_HANDLE_SIZE];
	struct cloud_move_events events;
	bool resumed, aborted, open;
};

#define JOBS_MAX 16
static struct cloud_job jobs[JOBS_MAX];
static size_t njobs;

struct cloud {
	const struct cloud_settings *settings;
};

const struct setting cloud_setting_table[CLOUD_NSETTINGS];

int cloud_new(struct event_base *base, const struct cloud_settings *settings, struct cloud **out)
{
	(void)base;
	*out = calloc(1, sizeof **out);
	(*out)->settings = settings;
	return GRAPPE_OK;
}

void cloud_free(struct cloud *cloud)
{
	free(cloud);
}

static int take_job(const struct cloud_order *order, const char *handle,
    const struct cloud_move_events *events, struct cloud_job **out)
{
	struct cloud_job *job = &jobs[njobs++];

	*job = (struct cloud_job){.events = *events, .resumed = handle != NULL, .open = true};
	snprintf(job->vm, sizeof job->vm, "%s", order->vm_id);
	snprintf(job->handle, sizeof job->handle, "%s", handle != NULL ? handle : "");
	*out = job;
	return GRAPPE_OK;
}

int cloud_move(struct cloud *cloud, const struct cloud_order *order,
    const struct cloud_move_events *events, struct cloud_job **out)
{
	(void)cloud;
	return take_job(order, NULL, events, out);
}

int cloud_resume(struct cloud *cloud, const struct cloud_order *order, const char *handle,
    const struct cloud_move_events *events, struct cloud_job **out)
{
	(void)cloud;
	return take_job(order, handle, events, out);
}

void cloud_abort(struct cloud_job *job)
{
	job->aborted = true;
}

/* ---- the rest of the test ---- */

static struct cloud_settings nova = {.title = "nova"};
static const struct settings_sections clouds = {&nova, 1};
static char folder[UNIT_PATH_SIZE], stop_file[UNIT_PATH_SIZE + 16];
static struct event_base *base;
static struct executor *executor;
static struct environments environments;
static size_t changes, ends;

static const char document[] = "{\"version\":1,\"environments\":["
			       "{\"name\":\"a\",\"api\":\"nova\",\"hosts\":[{\"name\":\"a1\"}]},"
			       "{\"name\":\"b\",\"api\":\"nova\",\"hosts\":[{\"name\":\"b1\"}]},"
			       "{\"name\":\"c\",\"hosts\":[{\"name\":\"c1\"}]}]}";

static void on_changed(const struct execution *execution, size_t move, void *context)
{
	ck_assert_ptr_eq(context, &changes);
	changes++;
	ends += move == EXECUTION_NONE && execution_is_over(execution);
}

static void open_executor(void)
{
	const struct executor_options options = {.clouds = &clouds,
	    .folder = folder,
	    .stop_file = stop_file,
	    .moves_per_host = 1,
	    .changed = on_changed,
	    .context = &changes};
	char message[256];

	ck_assert_msg(executor_new(base, &options, &executor, message, sizeof message) == GRAPPE_OK,
	    "%s", message);
}

static void setup(void)
{
	char message[256];

	unit_make_folder(folder);
	snprintf(stop_file, sizeof stop_file, "%s/stop", folder);
	base = event_base_new();
	njobs = changes = ends = 0;
	ck_assert_int_eq(
	    environments_parse(document, strlen(document), &environments, message, sizeof message),
	    GRAPPE_OK);
	open_executor();
}

static void teardown(void)
{
	executor_free(executor);
	environments_deinit(&environments);
	event_base_free(base);
	unit_remove_folder(folder);
}

/* Lets the loop do what is due. */
static void turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static json_t *move(int step, const char *vm, const char *from, const char *to)
{
	return json_pack("{s:i, s:{s:s, s:s}, s:{s:s+, s:n}, s:{s:s+, s:n}, s:n, s:{s:f, s:f}}",
	    "step", step, "vm", "id", vm, "name", vm, "from", "environment", from, "", "host", "to",
	    "environment", to, "", "host", "group", "terms",
	    "inter_environment_octets_per_s_before", 1.0, "inter_environment_octets_per_s_after",
	    0.0);
}

static int begin(json_t *moves)
{
	json_t *advice = json_pack("{s:s, s:o}", "id", "0123456789abcdef", "moves", moves);
	const int rc = executor_begin(executor, advice, &environments);

	json_decref(advice);
	return rc;
}

static json_t *two_steps(void)
{
	return json_pack("[o, o]", move(1, "v1", "a", "b"), move(2, "v2", "b", "a"));
}

static void finish(size_t job, enum cloud_outcome outcome)
{
	const struct cloud_result result = {.outcome = outcome, .text = "so it is"};

	ck_assert(jobs[job].open);
	jobs[job].open = false;
	jobs[job].events.ended(&result, jobs[job].events.context);
	turn();
}

START_TEST(a_plan_is_carried_out_in_order)
{
	ck_assert_int_eq(begin(two_steps()), GRAPPE_OK);
	ck_assert(executor_busy(executor));
	ck_assert_int_eq(begin(two_steps()), GRAPPE_EEXISTS);
	turn();
	ck_assert_uint_eq(njobs, 1);
	ck_assert_str_eq(jobs[0].vm, "v1");
	jobs[0].events.accepted("job 7", jobs[0].events.context);
	ck_assert_str_eq(executor_execution(executor)->moves[0].handle, "job 7");
	finish(0, CLOUD_MOVED);
	ck_assert_uint_eq(njobs, 2);
	ck_assert_uint_eq(ends, 0);
	finish(1, CLOUD_MOVED);
	ck_assert_uint_eq(ends, 1);
	ck_assert(!executor_busy(executor));
	ck_assert_int_eq(executor_execution(executor)->state, EXECUTION_DONE);
}
END_TEST

START_TEST(a_failure_ends_it)
{
	ck_assert_int_eq(begin(two_steps()), GRAPPE_OK);
	turn();
	finish(0, CLOUD_FAILED);
	ck_assert_uint_eq(njobs, 1);
	ck_assert_uint_eq(ends, 1);
	ck_assert_int_eq(executor_execution(executor)->state, EXECUTION_FAILED);
	ck_assert_str_eq(executor_execution(executor)->moves[0].text, "so it is");
	ck_assert_int_eq(executor_execution(executor)->moves[1].state, MOVE_DROPPED);
}
END_TEST

START_TEST(what_no_api_can_do_is_not_begun)
{
	ck_assert_int_eq(begin(json_pack("[o]", move(1, "v1", "a", "c"))), GRAPPE_ENOTFOUND);
	turn();
	ck_assert_uint_eq(njobs, 0);
	ck_assert(!executor_busy(executor));
	ck_assert_int_eq(executor_execution(executor)->moves[0].state, MOVE_ADVICE);
}
END_TEST

static void touch_stop_file(void)
{
	ck_assert_int_eq(file_replace(stop_file, "", 0, 0600), GRAPPE_OK);
}

START_TEST(nothing_begins_while_the_stop_file_exists)
{
	touch_stop_file();
	ck_assert(executor_is_stopped(executor));
	ck_assert_int_eq(begin(two_steps()), GRAPPE_EINVALID);
	ck_assert_uint_eq(njobs, 0);
	unlink(stop_file);
	ck_assert_int_eq(begin(two_steps()), GRAPPE_OK);
}
END_TEST

START_TEST(the_stop_file_calls_off_what_is_under_way)
{
	const int64_t limit = clock_monotonic_ns() + 20 * CLOCK_SECOND_NS;

	ck_assert_int_eq(begin(two_steps()), GRAPPE_OK);
	turn();
	ck_assert_uint_eq(njobs, 1);
	touch_stop_file();
	while (!jobs[0].aborted && clock_monotonic_ns() < limit)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert(jobs[0].aborted);
	ck_assert(executor_busy(executor));
	finish(0, CLOUD_CANCELLED);
	ck_assert_uint_eq(njobs, 1);
	ck_assert_int_eq(executor_execution(executor)->state, EXECUTION_STOPPED);
	ck_assert_int_eq(executor_execution(executor)->moves[0].state, MOVE_CANCELLED);
}
END_TEST

static void restart(void)
{
	executor_free(executor);
	open_executor();
	turn();
}

START_TEST(a_restart_follows_what_was_ordered)
{
	ck_assert_int_eq(begin(two_steps()), GRAPPE_OK);
	turn();
	jobs[0].events.accepted("job 7", jobs[0].events.context);
	restart();
	ck_assert_uint_eq(njobs, 2);
	ck_assert(jobs[1].resumed);
	ck_assert_str_eq(jobs[1].handle, "job 7");
	ck_assert(executor_busy(executor));
	finish(1, CLOUD_MOVED);
	ck_assert_uint_eq(njobs, 3);
	ck_assert(!jobs[2].resumed);
	finish(2, CLOUD_MOVED);
	ck_assert_int_eq(executor_execution(executor)->state, EXECUTION_DONE);
	/* What has ended is remembered, and not begun again. */
	restart();
	ck_assert_uint_eq(njobs, 3);
	ck_assert_str_eq(executor_execution(executor)->id, "0123456789abcdef");
	ck_assert(!executor_busy(executor));
}
END_TEST

START_TEST(an_order_without_an_answer_is_lost_not_repeated)
{
	ck_assert_int_eq(begin(two_steps()), GRAPPE_OK);
	turn();
	restart();
	ck_assert_uint_eq(njobs, 1);
	ck_assert(!executor_busy(executor));
	ck_assert_int_eq(executor_execution(executor)->moves[0].state, MOVE_LOST);
	ck_assert_int_eq(executor_execution(executor)->state, EXECUTION_FAILED);
}
END_TEST

START_TEST(a_damaged_file_is_set_aside)
{
	char path[UNIT_PATH_SIZE + 40];

	executor_free(executor);
	snprintf(path, sizeof path, "%s/execution.json", folder);
	ck_assert_int_eq(file_replace(path, "{\"version\":", 11, 0600), GRAPPE_OK);
	open_executor();
	ck_assert(!executor_busy(executor));
	ck_assert_int_ne(access(path, F_OK), 0);
	snprintf(path, sizeof path, "%s/execution.json.damaged", folder);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("executor");
	TCase *tcase = tcase_create("executor");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_plan_is_carried_out_in_order);
	tcase_add_test(tcase, a_failure_ends_it);
	tcase_add_test(tcase, what_no_api_can_do_is_not_begun);
	tcase_add_test(tcase, nothing_begins_while_the_stop_file_exists);
	tcase_add_test(tcase, the_stop_file_calls_off_what_is_under_way);
	tcase_add_test(tcase, a_restart_follows_what_was_ordered);
	tcase_add_test(tcase, an_order_without_an_answer_is_lost_not_repeated);
	tcase_add_test(tcase, a_damaged_file_is_set_aside);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
