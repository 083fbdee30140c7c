/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Planning instances: what files are refused and how that is told, the cost model against numbers
 * worked out by hand, and what the search keeps up to date against the model. Whole plans are
 * judged by test_plan_instance.sh. */
#include "unit.h"

#include "common/error.h"
#include "manager/solve.h"
#include "manager/solve_cluster.h"

#include <math.h>

#define TABLES 7 /* files of an instance, and rules */

static const char *const good[TABLES] = {
    "key\tvalue\nhorizon_h\t10\nsync_fraction\t0.5\nfoo\tbar\n",
    "env\tkind\tcap_vcpu\tcap_mem_gb\tpower\tprice_vcpu_h\tavail_h\n"
    "0\tcloud\t8\t32\t1\t0.5\t-1\n1\tgrid\t8\t32\t2\t1\t6\n",
    "from\tto\tlatency_ms\tbandwidth_MBps\tprice_per_GB\n"
    "0\t0\t0\t1000\t0\n0\t1\t36\t100\t0.2\n1\t0\t36\t100\t0.1\n1\t1\t0\t1000\t0\n",
    "vm\tvcpu\tmem_gb\tdirty_MBps\twork_h\tcur_env\n"
    "0\t2\t1\t50\t10\t0\n1\t4\t1\t100\t6\t1\n2\t1\t2\t0\t4\t0\n",
    "endpoint\tenv\n3\t1\n",
    "src\tdst\tpackets_s\tbytes_s\n0\t1\t100\t1e6\n1\t0\t50\t2e6\n3\t2\t10\t1e5\n",
    "rule\ta\tb\n",
};

/* The files with one of them replaced. Returns the code; the instance is kept if it is 0. */
static int parse(
    int which, const char *text, struct instance *in, struct rules *rules, char message[256])
{
	struct instance_text texts[INSTANCE_FILES];
	const char *rule_text = which == INSTANCE_FILES ? text : good[INSTANCE_FILES];
	int rc;

	for (int file = 0; file < INSTANCE_FILES; file++) {
		texts[file].bytes = file == which ? text : good[file];
		texts[file].length = texts[file].bytes != NULL ? strlen(texts[file].bytes) : 0;
	}
	rc = solve_instance_parse(texts, in, message, 256);
	if (rc != GRAPPE_OK)
		return rc;
	rc = solve_rules_parse(
	    "rules.tsv", rule_text, strlen(rule_text), in, NULL, rules, message, 256);
	if (rc != GRAPPE_OK)
		solve_instance_deinit(in);
	return rc;
}

static void parse_good(const char *rule_text, struct instance *in, struct rules *rules)
{
	char message[256] = "";

	ck_assert_msg(
	    parse(INSTANCE_FILES, rule_text, in, rules, message) == GRAPPE_OK, "%s", message);
}

static void deinit(struct instance *in, struct rules *rules)
{
	solve_instance_deinit(in);
	solve_rules_deinit(rules);
}

START_TEST(test_faults_name_file_and_line)
{
	static const struct {
		int file;
		const char *text, *message;
	} cases[] = {
	    {INSTANCE_META, "key\tvalue\nhorizon_h\t0\nsync_fraction\t0\n", "meta.tsv:2: "},
	    {INSTANCE_META, "key\tvalue\nhorizon_h\t1\n", "sync_fraction is missing"},
	    {INSTANCE_META, "", "meta.tsv:1: "},
	    {INSTANCE_ENVS, "env\tkind\n0\tcloud\n", "envs.tsv:1: "},
	    {INSTANCE_LINKS,
		"from\tto\tlatency_ms\tbandwidth_MBps\tprice_per_GB\n0\t0\t0\t1000\t0\n",
		"the link 0 to 1 is missing"},
	    {INSTANCE_LINKS,
		"from\tto\tlatency_ms\tbandwidth_MBps\tprice_per_"
		"GB\n0\t0\t0\t1\t0\n0\t2\t0\t1\t0\n",
		"links.tsv:3: "},
	    {INSTANCE_VMS, "vm\tvcpu\tmem_gb\tdirty_MBps\twork_h\tcur_env\n0\t1\t1\t1\t1\t2\n",
		"vms.tsv:2: "},
	    {INSTANCE_VMS, "vm\tvcpu\tmem_gb\tdirty_MBps\twork_h\tcur_env\n0\tnan\t1\t1\t1\t0\n",
		"vms.tsv:2: "},
	    {INSTANCE_VMS,
		"vm\tvcpu\tmem_gb\tdirty_MBps\twork_h\tcur_"
		"env\n0\t1\t1\t1\t1\t0\n2\t1\t1\t1\t1\t0\n",
		"vms.tsv:3: "},
	    {INSTANCE_VMS, "vm\tvcpu\tmem_gb\tdirty_MBps\twork_h\tcur_env\n0\t1\t1\n",
		"vms.tsv:2: "},
	    {INSTANCE_ENDPOINTS, "endpoint\tenv\n9\t0\n", "endpoints.tsv:2: "},
	    {INSTANCE_TRAFFIC, "src\tdst\tpackets_s\tbytes_s\n0\t1\t1\t1e999\n", "traffic.tsv:2: "},
	    {INSTANCE_TRAFFIC, "src\tdst\tpackets_s\tbytes_s\n\n1\t1\t1\t1\n", "traffic.tsv:3: "},
	    {INSTANCE_TRAFFIC, "src\tdst\tpackets_s\tbytes_s\n0\t7\t1\t1\n", "traffic.tsv:2: "},
	    {INSTANCE_FILES, "rule\ta\tb\npin\t0\t2\n", "rules.tsv:2: "},
	    {INSTANCE_FILES, "rule\ta\tb\nfly\t0\t1\n", "no rule is called 'fly'"},
	    {INSTANCE_FILES, "rule\ta\tb\napart\t1\t1\n", "apart needs two VMs"},
	    {INSTANCE_FILES, "rule\ta\tb\nquota\t1\t-3\n", "rules.tsv:2: "},
	};
	struct instance in;
	struct rules rules;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char message[256] = "";

		ck_assert_int_lt(parse(cases[i].file, cases[i].text, &in, &rules, message), 0);
		ck_assert_msg(
		    strstr(message, cases[i].message) != NULL, "case %zu: %s", i, message);
	}
}
END_TEST

START_TEST(test_pre_copy)
{
	const struct instance_vm vm = {.load = {.mem_GiB = 1}, .dirty_MBps = 50};
	const struct instance_vm busy = {.load = {.mem_GiB = 2}, .dirty_MBps = 100};

	/* 1024 + 512 + 256 + 128 + 64, and then 32 with the VM stopped. */
	ck_assert_double_eq_tol(cost_migration_MB(&vm, 100), 2016, 1e-9);
	/* It writes as fast as it is sent. */
	ck_assert_double_eq_tol(cost_migration_MB(&busy, 100), 3 * 2048, 1e-9);
}
END_TEST

START_TEST(test_totals_by_hand)
{
	static const uint32_t place[] = {1, 1, 0};
	struct instance in;
	struct rules rules;
	struct cost_totals totals;
	const double move_h = 0.1 * 2016 / 100 / 3600;
	const double inside_h[] = {10 * 2e6 / 1e6 / 1000, 10 * 1e6 / 1e6 / 1000};
	/* The endpoint is in environment 1. */
	const double outside_h = 10 * (10 * 0.5 * 36 / 1000 + 1e5 / 1e6 / 100);
	const double hours[] = {5 + move_h + inside_h[0], 3 + inside_h[1], 4 + outside_h};

	parse_good(good[INSTANCE_FILES], &in, &rules);
	ck_assert_int_eq(solve_model_totals_of(&in, place, &totals), GRAPPE_OK);
	ck_assert_double_eq_tol(totals.time_h, hours[0] + hours[1] + hours[2], 1e-9);
	ck_assert_double_eq_tol(totals.makespan_h, hours[2], 1e-9);
	ck_assert_double_eq_tol(totals.money,
	    2 * 1 * hours[0] + 4 * 1 * hours[1] + 1 * 0.5 * hours[2] + 1e5 * 10 * 3600 / 1e9 * 0.1 +
		2016 / 1000.0 * 0.2,
	    1e-9);
	ck_assert_double_eq_tol(totals.resources, 16.001, 1e-9);
	ck_assert_uint_eq(totals.moved, 1);
	deinit(&in, &rules);
}
END_TEST

START_TEST(test_availability_and_rules)
{
	struct instance in;
	struct rules rules;
	struct bounds b;
	char reason[RULES_TEXT_SIZE] = "";

	/* VM 0 needs 10 / 2 * 1.1 h of the 6 h of environment 1; on a core of power 1 it needs
	 * more. */
	parse_good("rule\ta\tb\ntogether\t0\t2\nquota\t1\t5\n", &in, &rules);
	ck_assert_int_eq(solve_bounds_build(&in, &rules, &b, reason), GRAPPE_OK);
	ck_assert_uint_eq(b.allowed[0], 3);
	ck_assert_uint_eq(b.nunits, 2);
	ck_assert_uint_eq(b.unit[0], b.unit[2]);
	ck_assert_double_eq(b.limit[1].vcpu, 5);
	solve_bounds_deinit(&b);
	in.vms[0].work_h = 11;
	ck_assert_int_eq(solve_bounds_build(&in, &rules, &b, reason), GRAPPE_OK);
	ck_assert_uint_eq(b.allowed[0], 1);
	ck_assert_uint_eq(b.allowed[2], 1); /* it must be together with VM 0 */
	solve_bounds_deinit(&b);
	deinit(&in, &rules);
}
END_TEST

START_TEST(test_rules_that_exclude_each_other)
{
	static const struct {
		const char *rules, *reason;
	} cases[] = {
	    {"rule\ta\tb\npin\t0\t1\ndrain\t1\t\n", "rule drain of line 3"},
	    {"rule\ta\tb\ntogether\t0\t1\ntogether\t1\t2\nsameaddr\t0\t2\n", "sameaddr of line 4"},
	    {"rule\ta\tb\npin\t0\t0\npin\t1\t1\ntogether\t0\t1\n", "line 4"},
	    {"rule\ta\tb\napart\t0\t1\napart\t1\t2\napart\t0\t2\n", "apart"},
	    {"rule\ta\tb\ndrain\t0\t\nquota\t1\t6\n", "capacity"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct solve_settings settings = {
		    .max_moves = SOLVE_NO_LIMIT, .limit_s = 0.05};
		struct solve_answer answer;
		struct instance in;
		struct rules rules;

		parse_good(cases[i].rules, &in, &rules);
		ck_assert_int_eq(solve_find(&in, &rules, &settings, &answer), GRAPPE_OK);
		ck_assert(!answer.feasible && answer.proven);
		ck_assert_msg(strstr(answer.reason, cases[i].reason) != NULL, "%s", answer.reason);
		solve_deinit(&answer);
		deinit(&in, &rules);
	}
}
END_TEST

static void load(const char *name, struct instance *in)
{
	char message[256] = "";

	ck_assert_msg(
	    solve_instance_load(name, in, message, sizeof message) == GRAPPE_OK, "%s", message);
}

/* What the model says of a placement of units. */
static double value_of(const struct instance *in, const struct bounds *b,
    enum cost_objective objective, const uint32_t *place)
{
	uint32_t *vms = calloc(in->nvms, sizeof *vms);
	struct cost_totals totals;

	ck_assert_ptr_nonnull(vms);
	for (size_t vm = 0; vm < in->nvms; vm++)
		vms[vm] = place[b->unit[vm]];
	ck_assert_int_eq(solve_model_totals_of(in, vms, &totals), GRAPPE_OK);
	free(vms);
	return solve_model_value(objective, &totals);
}

static void check_state(const struct solve_graph *g, const struct instance *in,
    const struct bounds *b, enum cost_objective objective, struct lots *lots)
{
	struct solve_state s;
	uint32_t *place = calloc(g->nodes, sizeof *place);

	ck_assert_ptr_nonnull(place);
	ck_assert_int_eq(solve_state_init(&s, g), GRAPPE_OK);
	solve_state_load(&s, place);
	for (int i = 0; i < 200; i++) {
		const uint32_t one = solve_lots_draw(lots, g->nodes);
		const uint32_t two = solve_lots_draw(lots, g->nodes);
		const uint32_t to = solve_lots_draw(lots, g->envs), from = s.place[one];
		const double before = value_of(in, b, objective, s.place);
		const double delta = one != two ? solve_state_delta_two(&s, one, to, two, from)
						: solve_state_delta(&s, one, to);

		solve_state_put(&s, one, to);
		if (one != two)
			solve_state_put(&s, two, from);
		ck_assert_double_eq_tol(
		    value_of(in, b, objective, s.place), before + delta, 1e-5 * fabs(before));
	}
	ck_assert_double_eq_tol(value_of(in, b, objective, s.place), solve_state_total(&s),
	    1e-5 * fabs(solve_state_total(&s)));
	solve_state_deinit(&s);
	free(place);
}

/* Of the graph and of one whose nodes are clusters of its nodes. */
START_TEST(test_search_costs_what_the_model_says)
{
	const enum cost_objective objective = (enum cost_objective)_i;
	struct instance in;
	struct rules rules = {0};
	struct bounds b;
	struct solve_graph g, coarse;
	struct lots lots;
	uint32_t cluster[50], place[50];
	char reason[RULES_TEXT_SIZE];

	load(TEST_DATA "/plan/n50e4-1a", &in);
	solve_lots_init(&lots, 3);
	ck_assert_int_eq(solve_bounds_build(&in, &rules, &b, reason), GRAPPE_OK);
	ck_assert_int_eq(solve_graph_build(&in, &b, objective, &g), GRAPPE_OK);
	check_state(&g, &in, &b, objective, &lots);
	for (uint32_t i = 0; i < 50; i++)
		cluster[i] = i % 7;
	ck_assert_int_eq(solve_graph_cluster(&g, cluster, 7, &coarse), GRAPPE_OK);
	for (int i = 0; i < 20; i++) {
		struct solve_state s;
		double value;

		ck_assert_int_eq(solve_state_init(&s, &coarse), GRAPPE_OK);
		for (uint32_t c = 0; c < 7; c++)
			solve_state_put(&s, c, solve_lots_draw(&lots, g.envs));
		for (uint32_t vm = 0; vm < 50; vm++)
			place[vm] = s.place[cluster[vm]];
		value = value_of(&in, &b, objective, place);
		ck_assert_double_eq_tol(solve_state_total(&s), value, 1e-5 * fabs(value));
		solve_state_deinit(&s);
	}
	solve_graph_deinit(&coarse);
	solve_graph_deinit(&g);
	solve_bounds_deinit(&b);
	solve_instance_deinit(&in);
}
END_TEST

static size_t count_voluntary(const struct sequence *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->count; i++)
		count += !plan->moves[i].forced;
	return count;
}

/* Without a clock a seed gives one plan; never one worse than staying, and 0 moves change nothing.
 */
START_TEST(test_seeds_and_limits)
{
	static const size_t limits[] = {0, 1, 5, SOLVE_NO_LIMIT};
	struct instance in;
	struct rules rules = {0};
	double last = INFINITY;

	load(TEST_DATA "/plan/n50e4-1a", &in);
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct solve_settings settings = {
		    .max_moves = limits[i], .limit_s = 0.3, .seed = 5};
		struct solve_answer one, two;

		ck_assert_int_eq(solve_find(&in, &rules, &settings, &one), GRAPPE_OK);
		ck_assert_int_eq(solve_find(&in, &rules, &settings, &two), GRAPPE_OK);
		ck_assert(one.feasible && two.feasible);
		ck_assert_mem_eq(one.plan.place, two.plan.place, in.nvms * sizeof *one.plan.place);
		ck_assert_uint_le(count_voluntary(&one.plan), limits[i]);
		ck_assert_double_le(one.after.time_h, fmin(last, one.before.time_h));
		last = one.after.time_h;
		solve_deinit(&one);
		solve_deinit(&two);
	}
	solve_instance_deinit(&in);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("solve");
	TCase *tcase = tcase_create("solve");

	tcase_add_test(tcase, test_faults_name_file_and_line);
	tcase_add_test(tcase, test_pre_copy);
	tcase_add_test(tcase, test_totals_by_hand);
	tcase_add_test(tcase, test_availability_and_rules);
	tcase_add_test(tcase, test_rules_that_exclude_each_other);
	tcase_add_loop_test(
	    tcase, test_search_costs_what_the_model_says, COST_TIME, COST_RESOURCES);
	tcase_add_test(tcase, test_seeds_and_limits);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
