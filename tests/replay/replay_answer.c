/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests against a picture under a fake clock: every branch of wait, estimate and refusal (C-4 to
 * C-8, C-10). Two agents; agent 0 watches VMs 1 and 2, agent 1 watches VM 3. In a full period VM 1
 * receives 100 packets from VM 3, VM 3 receives 50 from VM 1; VM 2 is silent.
 */
#include "collector/answer.h"
#include "common/clock.h"
#include "common/error.h"
#include "tests/fakes/make_period.h"
#include "tests/unit/unit.h"

#define T0 INT64_C(1800000000) /* a period end */
#define AT(offset_ms) ((T0 * 1000 + (offset_ms)) * CLOCK_MILLISECOND_NS)
#define ROWS_MAX 64
#define FIELDS_MAX 8

static struct picture *picture;
static struct inventory *inventory;
static struct answer_source source;
static struct protocol_request request;
static struct answer_plan plan;

/* The last answer. */
static struct protocol_answer header;
static char rows[ROWS_MAX][FIELDS_MAX][VM_ID_SIZE];
static size_t nrows;

static void take_header(void *context, const struct protocol_answer *answer)
{
	(void)context;
	header = *answer;
	nrows = 0;
}

static void take_row(void *context, const char *const *fields)
{
	(void)context;
	ck_assert_uint_lt(nrows, ROWS_MAX);
	for (size_t i = 0; header.columns[i] != NULL; i++)
		snprintf(rows[nrows][i], VM_ID_SIZE, "%s", fields[i]);
	nrows++;
}

/* The row whose first fields are these, or -1; NULL ends them. */
static int row_of(const char *first, const char *second, const char *third, const char *fourth)
{
	const char *const wanted[] = {first, second, third, fourth};

	for (size_t r = 0; r < nrows; r++) {
		size_t i = 0;

		while (i < 4 && wanted[i] != NULL && strcmp(rows[r][i], wanted[i]) == 0)
			i++;
		if (i == 4 || wanted[i] == NULL)
			return (int)r;
	}
	return -1;
}

static void setup(void)
{
	const struct picture_config config = {
	    .length_s = 30, .slots = 120, .history = 20, .deadline_ms = 15000};

	picture = picture_new(&config);
	ck_assert_int_eq(picture_add_agent(picture, 0), 0);
	ck_assert_int_eq(picture_add_agent(picture, 0), 1);
	inventory = inventory_new();
	source = (struct answer_source){
	    .picture = picture, .inventory = inventory, .has_archive = true, .detail_s = 86400};
	request = (struct protocol_request){.op = OP_MATRIX, .kind = KIND_MEAN};
}

static void teardown(void)
{
	picture_free(picture);
	inventory_free(inventory);
}

static void deliver_first(int64_t end_s)
{
	static const struct place place = {"site-1", "hostA"};
	struct period *period = make_period(end_s);
	const uint32_t vif = make_vm(period, 1);

	make_vm(period, 2);
	make_received(period, vif, 3, 100, 1000);
	inventory_update(inventory, &place, period);
	ck_assert_int_eq(picture_deliver(picture, 0, make_sorted(period)), GRAPPE_OK);
}

static void deliver_second(int64_t end_s, uint64_t packets)
{
	struct period *period = make_period(end_s);

	make_received(period, make_vm(period, 3), 1, packets, 10 * packets);
	ck_assert_int_eq(picture_deliver(picture, 1, make_sorted(period)), GRAPPE_OK);
}

/* Everything of the `count` periods up to T0 + 30 * last. */
static void deliver_all(int last, int count)
{
	picture_advance(picture, AT(30000 * last));
	for (int i = last - count + 1; i <= last; i++) {
		deliver_first(T0 + 30 * i);
		deliver_second(T0 + 30 * i, 50);
	}
}

static enum answer_verdict ask(int64_t waited_ms, int64_t wall_ns)
{
	picture_advance(picture, wall_ns);
	answer_plan(&source, &request, waited_ms, wall_ns, &plan);
	return plan.verdict;
}

static void make(const struct past *past)
{
	const struct answer_sink sink = {take_header, take_row, NULL};

	ck_assert_int_eq(plan.verdict, ANSWER_READY);
	ck_assert_int_eq(answer_make(&source, &request, &plan, past, &sink), GRAPPE_OK);
}

START_TEST(all_in_is_exact_and_complete)
{
	deliver_all(0, 1);
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_READY);
	make(NULL);
	ck_assert(header.exact && !header.approximate);
	ck_assert_uint_eq(header.known, 1);
	ck_assert_uint_eq(header.wanted, 1);
	ck_assert_int_eq(header.from_s, T0 - 30);
	ck_assert_int_eq(header.to_s, T0);
	ck_assert_uint_eq(nrows, 3);
	ck_assert_str_eq(rows[row_of(make_id(1), make_id(3), NULL, NULL)][2], "100");
	ck_assert_str_eq(rows[row_of(make_id(3), make_id(1), NULL, NULL)][3], "500");
	/* Watched, but silent: known, and no sender. */
	ck_assert_str_eq(rows[row_of(make_id(2), "-", NULL, NULL)][4], "1");
	ck_assert_str_eq(rows[row_of(make_id(2), "-", NULL, NULL)][2], "0");
}
END_TEST

START_TEST(a_short_wait_is_waited_and_then_exact)
{
	deliver_all(0, 2);
	picture_advance(picture, AT(31000));
	deliver_first(T0 + 30);
	request.wait_ms = 20000;
	ck_assert_int_eq(ask(0, AT(31000)), ANSWER_WAIT);
	ck_assert_int_eq(plan.wait_until_ns, AT(45000));
	deliver_second(T0 + 30, 70);
	ck_assert_int_eq(ask(2000, AT(33000)), ANSWER_READY);
	make(NULL);
	ck_assert(header.exact);
	ck_assert_str_eq(rows[row_of(make_id(3), make_id(1), NULL, NULL)][2], "70");
}
END_TEST

START_TEST(the_deadline_makes_it_exact_but_incomplete)
{
	deliver_all(0, 2);
	picture_advance(picture, AT(31000));
	deliver_first(T0 + 30);
	request.wait_ms = 20000;
	ck_assert_int_eq(ask(14000, AT(45000)), ANSWER_READY);
	make(NULL);
	ck_assert(header.exact && !header.approximate);
	ck_assert_uint_eq(header.known, 0);
	ck_assert_uint_eq(header.wanted, 1);
	ck_assert_str_eq(rows[row_of(make_id(1), make_id(3), NULL, NULL)][2], "100");
	/* The missing agent's VM is unknown, not silent. */
	ck_assert_str_eq(rows[row_of(make_id(3), "-", NULL, NULL)][2], "-");
	ck_assert_str_eq(rows[row_of(make_id(3), "-", NULL, NULL)][4], "0");
}
END_TEST

START_TEST(a_wait_that_ends_too_early_is_handed_back)
{
	deliver_all(0, 2);
	picture_advance(picture, AT(31000));
	deliver_first(T0 + 30);
	request.wait_ms = 5000;
	ck_assert_int_eq(ask(0, AT(31000)), ANSWER_WAIT);
	ck_assert_int_eq(plan.wait_until_ns, AT(36000));
	ck_assert_int_eq(ask(5000, AT(36000)), ANSWER_LATER);
	ck_assert_int_eq(plan.retry_at_s, T0 + 45);
	ck_assert_ptr_nonnull(strstr(plan.text, "1 of 2 agents"));
}
END_TEST

START_TEST(without_waiting_it_is_handed_back_at_once)
{
	deliver_all(0, 2);
	ck_assert_int_eq(ask(0, AT(30000)), ANSWER_LATER);
	ck_assert_int_eq(plan.retry_at_s, T0 + 45);
	ck_assert_ptr_nonnull(strstr(plan.text, "0 of 2 agents"));
}
END_TEST

START_TEST(an_estimate_takes_the_missing_from_the_period_before)
{
	deliver_all(0, 1);
	picture_advance(picture, AT(31000));
	deliver_first(T0 + 30);
	request.approximate = true;
	ck_assert_int_eq(ask(0, AT(31000)), ANSWER_READY);
	make(NULL);
	ck_assert(!header.exact && header.approximate);
	ck_assert_uint_eq(header.known, 0);
	ck_assert_str_eq(rows[row_of(make_id(3), make_id(1), NULL, NULL)][2], "50");
	ck_assert_str_eq(rows[row_of(make_id(1), make_id(3), NULL, NULL)][2], "100");
	request.from_s = -60;
	ck_assert_int_eq(ask(0, AT(31000)), ANSWER_READY);
	make(NULL);
	ck_assert_uint_eq(header.known, 1);
	ck_assert_uint_eq(header.wanted, 2);
	ck_assert_str_eq(rows[row_of(make_id(3), make_id(1), NULL, NULL)][4], "2");
}
END_TEST

START_TEST(an_estimate_of_everything)
{
	deliver_all(0, 1);
	request.approximate = true;
	ck_assert_int_eq(ask(0, AT(30500)), ANSWER_READY);
	make(NULL);
	ck_assert_uint_eq(nrows, 3);
	ck_assert_str_eq(rows[row_of(make_id(1), make_id(3), NULL, NULL)][2], "100");
	ck_assert_str_eq(rows[row_of(make_id(2), "-", NULL, NULL)][2], "0");
}
END_TEST

START_TEST(no_estimate_when_the_period_before_is_missing_too)
{
	deliver_all(-1, 1);
	picture_advance(picture, AT(0));
	deliver_first(T0);
	picture_advance(picture, AT(30000));
	deliver_first(T0 + 30);
	request.approximate = true;
	ck_assert_int_eq(ask(0, AT(31000)), ANSWER_LATER);
	ck_assert_int_eq(plan.retry_at_s, T0 + 45);
	ck_assert_ptr_nonnull(strstr(plan.text, "missing too"));
}
END_TEST

START_TEST(a_wait_comes_before_an_estimate)
{
	deliver_all(0, 2);
	request.approximate = true;
	request.wait_ms = 3000;
	ck_assert_int_eq(ask(0, AT(31000)), ANSWER_WAIT);
	ck_assert_int_eq(ask(3000, AT(34000)), ANSWER_READY);
	ck_assert(plan.approximate);
	request.wait_ms = INT64_MAX;
	ck_assert_int_eq(ask(0, AT(31000)), ANSWER_WAIT);
	ck_assert_int_eq(plan.wait_until_ns, AT(45000));
}
END_TEST

START_TEST(a_period_that_is_not_over)
{
	deliver_all(0, 2);
	request.to_s = T0 + 30;
	ck_assert_int_eq(ask(0, AT(10000)), ANSWER_LATER);
	ck_assert_int_eq(plan.retry_at_s, T0 + 45);
	ck_assert_ptr_nonnull(strstr(plan.text, "not over"));
	request.approximate = true;
	ck_assert_int_eq(ask(0, AT(10000)), ANSWER_LATER);
	request.wait_ms = 40000;
	ck_assert_int_eq(ask(0, AT(10000)), ANSWER_WAIT);
	ck_assert_int_eq(plan.wait_until_ns, AT(45000));
	request.wait_ms = 10000;
	ck_assert_int_eq(ask(0, AT(10000)), ANSWER_LATER);
}
END_TEST

START_TEST(windows_are_whole_periods)
{
	deliver_all(0, 10);
	request.from_s = -100;
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_READY);
	ck_assert_int_eq(plan.from_s, T0 - 120);
	request.from_s = T0 - 45;
	request.to_s = T0 - 10;
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_READY);
	ck_assert_int_eq(plan.from_s, T0 - 60);
	ck_assert_int_eq(plan.to_s, T0 - 30);
	request.from_s = T0 - 20;
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_REFUSED);
	ck_assert_ptr_nonnull(strstr(plan.text, "no whole period"));
}
END_TEST

static const struct {
	int64_t from_s, to_s;
} impossible[] = {{0, -5}, {INT64_MAX, 0}, {INT64_MIN, 0}, {0, INT64_MAX}, {INT64_MIN, INT64_MAX},
    {-1000000000, 0}, {T0 + 30, T0}, {1, T0}};

START_TEST(impossible_windows_are_refused_or_bounded)
{
	deliver_all(0, 1);
	source.has_archive = false;
	request.from_s = impossible[_i].from_s;
	request.to_s = impossible[_i].to_s;
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_REFUSED);
	ck_assert_str_ne(plan.text, "");
}
END_TEST

START_TEST(older_than_memory_needs_the_archive)
{
	deliver_all(0, 20);
	request.from_s = -3600;
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_READY);
	ck_assert_int_eq(plan.memory_from_s, T0 - 600);
	source.has_archive = false;
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_REFUSED);
	ck_assert_ptr_nonnull(strstr(plan.text, "no archive"));
}
END_TEST

START_TEST(old_detail_is_refused_with_words)
{
	deliver_all(0, 20);
	request.kind = KIND_DETAIL;
	request.from_s = -86400;
	ck_assert_int_eq(ask(0, AT(0)), ANSWER_READY);
	request.from_s = -86460;
	ck_assert_int_eq(ask(0, AT(0)), ANSWER_REFUSED);
	ck_assert_ptr_nonnull(strstr(plan.text, "no longer kept"));
	request.kind = KIND_MEAN;
	ck_assert_int_eq(ask(0, AT(0)), ANSWER_READY);
}
END_TEST

START_TEST(the_archives_part_is_added)
{
	double known[3] = {18.5, -1, 20};
	struct past past = {
	    .from_s = T0 - 1200, .to_s = T0 - 600, .periods = 18, .known = known, .weight = known};

	deliver_all(0, 20);
	past.sums = matrix_new();
	matrix_node(past.sums, make_id(1));
	matrix_node(past.sums, make_id(9));
	matrix_node(past.sums, make_id(3));
	matrix_add(past.sums, 1, 0, 37, 370);
	request.from_s = -1200;
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_READY);
	make(&past);
	ck_assert_uint_eq(header.known, 38);
	ck_assert_uint_eq(header.wanted, 40);
	ck_assert_str_eq(rows[row_of(make_id(1), make_id(9), NULL, NULL)][4], "38.5");
	ck_assert_double_eq_tol(
	    strtod(rows[row_of(make_id(1), make_id(9), NULL, NULL)][2], NULL), 37 / 38.5, 1e-6);
	ck_assert_double_eq_tol(
	    strtod(rows[row_of(make_id(1), make_id(3), NULL, NULL)][2], NULL), 2000 / 38.5, 1e-6);
	ck_assert_str_eq(rows[row_of(make_id(3), make_id(1), NULL, NULL)][2], "25");
	matrix_free(past.sums);
}
END_TEST

START_TEST(detail_has_each_period_and_its_holes)
{
	char end[24];

	deliver_all(0, 2);
	picture_advance(picture, AT(30000));
	deliver_first(T0 + 30);
	request.kind = KIND_DETAIL;
	request.from_s = -60;
	ck_assert_int_eq(ask(0, AT(45000)), ANSWER_READY);
	make(NULL);
	ck_assert_ptr_eq(header.columns, protocol_columns_detail);
	ck_assert_uint_eq(nrows, 6);
	ck_assert_uint_eq(header.known, 1);
	snprintf(end, sizeof end, "%lld", (long long)T0);
	ck_assert_str_eq(rows[row_of(end, "30", make_id(3), make_id(1))][4], "50");
	snprintf(end, sizeof end, "%lld", (long long)T0 + 30);
	ck_assert_str_eq(rows[row_of(end, "30", make_id(3), "-")][4], "-");
	ck_assert_str_eq(rows[row_of(end, "30", make_id(3), "-")][6], "0");
	ck_assert_str_eq(rows[row_of(end, "30", make_id(2), "-")][4], "0");
}
END_TEST

START_TEST(detail_of_the_archives_comes_first)
{
	struct past_row past_rows[] = {
	    {T0 - 630, 30, 0, 1, 5, 50, 1}, {T0 - 600, 30, 0, UINT32_MAX, 0, 0, 0}};
	double known[2] = {1, -1};
	struct past past = {
	    .from_s = T0 - 660, .to_s = T0 - 600, .known = known, .rows = past_rows, .nrows = 2};

	deliver_all(0, 20);
	past.sums = matrix_new();
	matrix_node(past.sums, make_id(1));
	matrix_node(past.sums, make_id(9));
	request.kind = KIND_DETAIL;
	request.from_s = -660;
	snprintf(request.select, sizeof request.select, "%s", make_id(9));
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_READY);
	make(&past);
	ck_assert_uint_eq(nrows, 1);
	ck_assert_str_eq(rows[0][3], make_id(9));
	request.select[0] = '\0';
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_READY);
	make(&past);
	ck_assert_uint_eq(nrows, 2 + 20 * 3);
	ck_assert_str_eq(rows[1][4], "-");
	matrix_free(past.sums);
}
END_TEST

START_TEST(a_hole_lowers_known_and_not_the_mean)
{
	deliver_all(-2, 1);
	picture_advance(picture, AT(0));
	deliver_first(T0 - 30);
	deliver_first(T0);
	deliver_second(T0, 150);
	request.from_s = -90;
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_READY);
	make(NULL);
	ck_assert_uint_eq(header.known, 2);
	ck_assert_uint_eq(header.wanted, 3);
	ck_assert_str_eq(rows[row_of(make_id(3), make_id(1), NULL, NULL)][2], "100");
	ck_assert_str_eq(rows[row_of(make_id(3), make_id(1), NULL, NULL)][4], "2");
	ck_assert_str_eq(rows[row_of(make_id(1), make_id(3), NULL, NULL)][4], "3");
}
END_TEST

START_TEST(weights_skip_holes_but_keep_age)
{
	deliver_all(-2, 1);
	picture_advance(picture, AT(0));
	deliver_first(T0 - 30);
	deliver_first(T0);
	deliver_second(T0, 150);
	request.kind = KIND_WEIGHTED;
	request.ratio = 2;
	request.from_s = -90;
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_READY);
	make(NULL);
	/* 150 counts four times the 50 that came two periods before. */
	ck_assert_str_eq(rows[row_of(make_id(3), make_id(1), NULL, NULL)][2], "130");
	ck_assert_str_eq(rows[row_of(make_id(3), make_id(1), NULL, NULL)][4], "2");
	request.ratio = 0;
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_REFUSED);
	request.ratio = 2;
	request.from_s = -86460;
	ck_assert_int_eq(ask(0, AT(0)), ANSWER_REFUSED);
	ck_assert_ptr_nonnull(strstr(plan.text, "no longer kept"));
}
END_TEST

/* Where single periods are kept, a weighted mean reaches into the archives: their part comes with
 * its weights. */
START_TEST(a_weighted_mean_of_archives_and_memory)
{
	double known[3] = {20, -1, 20}, weight[3] = {.5, 0, .5};
	struct past past = {
	    .from_s = T0 - 1200, .to_s = T0 - 600, .periods = 20, .known = known, .weight = weight};

	deliver_all(0, 20);
	past.sums = matrix_new();
	matrix_node(past.sums, make_id(1));
	matrix_node(past.sums, make_id(9));
	matrix_node(past.sums, make_id(3));
	matrix_add(past.sums, 1, 0, 37, 370);
	request.kind = KIND_WEIGHTED;
	request.ratio = 2;
	request.from_s = -1200;
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_READY);
	make(&past);
	/* 1 + 1/2 + 1/4 … of twenty periods, and .5 */
	ck_assert_double_eq_tol(strtod(rows[row_of(make_id(1), make_id(9), NULL, NULL)][2], NULL),
	    37 / (2.5 - 0x1p-19), 1e-6);
	ck_assert_str_eq(rows[row_of(make_id(1), make_id(9), NULL, NULL)][4], "40");
	matrix_free(past.sums);
}
END_TEST

START_TEST(weights_of_long_windows_stay_numbers)
{
	const struct weighting falling = {1e-3, T0 - 30 * 2880, T0, 30},
			       rising = {1e3, T0 - 30 * 2880, T0, 30};

	ck_assert_double_eq(weighting_of(&falling, T0 - 30 * 2879), 1);
	ck_assert_double_eq_tol(weighting_of(&falling, T0 - 30 * 2878), 1e-3, 1e-12);
	ck_assert_double_eq(weighting_of(&falling, T0), 0);
	ck_assert_double_eq(weighting_of(&rising, T0), 1);
	ck_assert_double_eq_tol(weighting_of(&rising, T0 - 30), 1e-3, 1e-12);
}
END_TEST

/* The fast text of a count is that of printf. */
START_TEST(counts_read_as_printf_writes_them)
{
	static const double values[] = {0, 1, 7, 1e14, 1.5, 1 / 3., 2 / 3., 9.9999999999,
	    12345.678901234, 999999999.96, 99999999.9999, 4294967295.5, 1e9 + .25, 0.001, -1.5};

	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		char text[ANSWER_COUNT_SIZE], expected[ANSWER_COUNT_SIZE];

		snprintf(expected, sizeof expected,
		    values[i] == (double)(int64_t)values[i] ? "%.0f" : "%.10g", values[i]);
		ck_assert_str_eq(answer_format_count(values[i], text), expected);
	}
	/* Halves of the last digit may fall to either side. */
	for (uint64_t i = 1, state = 1; i < 20000; i++) {
		char text[ANSWER_COUNT_SIZE];
		double value;

		state = state * 6364136223846793005u + 1442695040888963407u;
		value = (double)(state >> 40) / (double)(1 + (state >> 20 & 0xfff));
		answer_format_count(value, text);
		ck_assert_double_eq_tol(strtod(text, NULL), value, 5.0001e-10 * value);
		ck_assert_uint_le(strlen(text), 12);
	}
}
END_TEST

START_TEST(selection_by_name_and_id)
{
	static const struct place place = {"s", "h"};
	struct period *twin = make_period(T0);

	deliver_all(0, 1);
	snprintf(request.select, sizeof request.select, "vm2");
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_READY);
	make(NULL);
	ck_assert_uint_eq(nrows, 1);
	ck_assert_str_eq(rows[0][0], make_id(2));
	snprintf(request.select, sizeof request.select, "%s", make_id(1));
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_READY);
	make(NULL);
	ck_assert_uint_eq(nrows, 2);
	snprintf(request.select, sizeof request.select, "vm9");
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_REFUSED);
	ck_assert_ptr_nonnull(strstr(plan.text, "vm9"));
	make_vm(twin, 7);
	snprintf(twin->vifs[0].vm_name, VM_NAME_SIZE, "vm2");
	inventory_update(inventory, &place, twin);
	period_free(twin);
	snprintf(request.select, sizeof request.select, "vm2");
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_REFUSED);
	ck_assert_ptr_nonnull(strstr(plan.text, "several"));
}
END_TEST

START_TEST(a_partial_period_is_no_complete_one)
{
	struct period *period = make_period(T0);

	picture_advance(picture, AT(0));
	deliver_first(T0);
	make_vif(period, 3, SEGMENT_DEFAULT, 12000);
	period->header.flags = PERIOD_PARTIAL;
	ck_assert_int_eq(picture_deliver(picture, 1, period), GRAPPE_OK);
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_READY);
	make(NULL);
	ck_assert_uint_eq(header.known, 0);
	ck_assert_str_eq(rows[row_of(make_id(3), "-", NULL, NULL)][4], "0.4");
}
END_TEST

static void deliver_flagged(uint32_t agent, int64_t end_s, uint32_t flags)
{
	struct period *period = make_period(end_s);

	make_vm(period, agent + 1);
	period->header.flags = flags;
	ck_assert_int_eq(picture_deliver(picture, agent, period), GRAPPE_OK);
}

/* What one sensor marks in a period is marked in the answer, for each period once (S-7). */
START_TEST(marks_of_the_sensors_reach_the_answer)
{
	picture_advance(picture, AT(60000));
	deliver_flagged(0, T0, PERIOD_CLOCK_UNSYNCED);
	deliver_flagged(1, T0, PERIOD_CLOCK_UNSYNCED | PERIOD_ESTIMATED);
	deliver_flagged(0, T0 + 30, 0);
	deliver_flagged(1, T0 + 30, PERIOD_CLOCK_STEPPED | PERIOD_PARTIAL);
	deliver_flagged(0, T0 + 60, PERIOD_MERGED);
	request.from_s = -90;
	ck_assert_int_eq(ask(0, AT(76000)), ANSWER_READY);
	make(NULL);
	ck_assert_uint_eq(header.caveats.periods, 3);
	ck_assert_uint_eq(header.caveats.marked[CAVEAT_UNSYNCHRONISED], 1);
	ck_assert_uint_eq(header.caveats.marked[CAVEAT_ESTIMATED], 1);
	ck_assert_uint_eq(header.caveats.marked[CAVEAT_STEPPED], 1);
	ck_assert_uint_eq(header.caveats.marked[CAVEAT_PARTIAL], 1);
	ck_assert_uint_eq(header.caveats.marked[CAVEAT_MERGED], 1);
	request.from_s = 0;
	request.kind = KIND_DETAIL;
	ck_assert_int_eq(ask(0, AT(76000)), ANSWER_READY);
	make(NULL);
	ck_assert_uint_eq(header.caveats.periods, 1);
	ck_assert_uint_eq(header.caveats.marked[CAVEAT_UNSYNCHRONISED], 0);
	ck_assert_uint_eq(header.caveats.marked[CAVEAT_MERGED], 1);
}
END_TEST

START_TEST(an_estimate_has_the_marks_of_the_period_before)
{
	picture_advance(picture, AT(0));
	deliver_flagged(0, T0, 0);
	deliver_flagged(1, T0, PERIOD_CLOCK_UNSYNCED);
	picture_advance(picture, AT(31000));
	deliver_flagged(0, T0 + 30, 0);
	request.approximate = true;
	ck_assert_int_eq(ask(0, AT(31000)), ANSWER_READY);
	make(NULL);
	ck_assert_uint_eq(header.caveats.periods, 1);
	ck_assert_uint_eq(header.caveats.marked[CAVEAT_UNSYNCHRONISED], 1);
}
END_TEST

START_TEST(before_anything_came)
{
	request.wait_ms = 0;
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_LATER);
	ck_assert_int_eq(plan.retry_at_s, T0 + 15);
	request.approximate = true;
	ck_assert_int_eq(ask(0, AT(1000)), ANSWER_LATER);
	ck_assert_int_eq(ask(0, AT(15000)), ANSWER_READY);
	make(NULL);
	ck_assert_uint_eq(nrows, 0);
	ck_assert_uint_eq(header.known, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("answer");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, all_in_is_exact_and_complete);
	tcase_add_test(all, a_short_wait_is_waited_and_then_exact);
	tcase_add_test(all, the_deadline_makes_it_exact_but_incomplete);
	tcase_add_test(all, a_wait_that_ends_too_early_is_handed_back);
	tcase_add_test(all, without_waiting_it_is_handed_back_at_once);
	tcase_add_test(all, an_estimate_takes_the_missing_from_the_period_before);
	tcase_add_test(all, an_estimate_of_everything);
	tcase_add_test(all, no_estimate_when_the_period_before_is_missing_too);
	tcase_add_test(all, a_wait_comes_before_an_estimate);
	tcase_add_test(all, a_period_that_is_not_over);
	tcase_add_test(all, windows_are_whole_periods);
	tcase_add_loop_test(all, impossible_windows_are_refused_or_bounded, 0,
	    (int)(sizeof impossible / sizeof *impossible));
	tcase_add_test(all, older_than_memory_needs_the_archive);
	tcase_add_test(all, old_detail_is_refused_with_words);
	tcase_add_test(all, the_archives_part_is_added);
	tcase_add_test(all, detail_has_each_period_and_its_holes);
	tcase_add_test(all, detail_of_the_archives_comes_first);
	tcase_add_test(all, a_hole_lowers_known_and_not_the_mean);
	tcase_add_test(all, weights_skip_holes_but_keep_age);
	tcase_add_test(all, a_weighted_mean_of_archives_and_memory);
	tcase_add_test(all, weights_of_long_windows_stay_numbers);
	tcase_add_test(all, counts_read_as_printf_writes_them);
	tcase_add_test(all, selection_by_name_and_id);
	tcase_add_test(all, a_partial_period_is_no_complete_one);
	tcase_add_test(all, marks_of_the_sensors_reach_the_answer);
	tcase_add_test(all, an_estimate_has_the_marks_of_the_period_before);
	tcase_add_test(all, before_anything_came);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
