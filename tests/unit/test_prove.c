/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proofs against all placements of small random instances, with rules of every kind and limits of
 * moves; and what happens where there is no placement, too much of it, or no time. */
#include "unit.h"

#include "common/error.h"
#include "manager/prove.h"

#include <glpk.h>
#include <math.h>

#define VMS 6
#define ENVS 3
#define SEEDS 40
#define OBJECTIVES 4

/* ---- instances ---- */

static uint64_t lots;

static uint32_t draw(uint32_t below)
{
	lots = lots * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(lots >> 33) % below;
}

static double draw_from(double least, double most)
{
	return least + (most - least) * draw(1000001) / 1e6;
}

static void *zeroed(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	ck_assert_ptr_nonnull(memory);
	return memory;
}

static void draw_envs(struct instance *in)
{
	for (size_t e = 0; e < in->nenvs; e++)
		in->envs[e] = (struct instance_env){.limit = {4 + draw(14), 60, INFINITY},
		    .power = draw_from(0.5, 2),
		    .price = draw_from(0, 1),
		    .avail_h = draw(4) == 0 ? 8 : INFINITY};
	for (size_t i = 0; i < in->nenvs * in->nenvs; i++)
		in->links[i] = (struct instance_link){.latency_ms = draw_from(0.1, 30),
		    .bandwidth_MBps = draw_from(20, 200),
		    .price_per_GB = draw_from(0, 0.1)};
}

static void draw_instance(struct instance *in, size_t nvms, size_t nenvs, size_t nflows)
{
	*in = (struct instance){.nvms = nvms,
	    .nenvs = nenvs,
	    .nendpoints = 1,
	    .nflows = nflows,
	    .vms = zeroed(nvms, sizeof *in->vms),
	    .envs = zeroed(nenvs, sizeof *in->envs),
	    .links = zeroed(nenvs * nenvs, sizeof *in->links),
	    .endpoints = zeroed(1, sizeof *in->endpoints),
	    .flows = zeroed(nflows, sizeof *in->flows),
	    .horizon_h = 10,
	    .sync_fraction = 0.02};
	draw_envs(in);
	for (size_t vm = 0; vm < nvms; vm++)
		in->vms[vm] = (struct instance_vm){.load = {1 + draw(3), 1 + draw(8), 1},
		    .dirty_MBps = draw(60),
		    .work_h = draw_from(1, 10),
		    .env = draw((uint32_t)nenvs),
		    .advised = INSTANCE_NOWHERE};
	for (size_t i = 0; i < nflows; i++) {
		const uint32_t from = draw((uint32_t)nvms + 1);

		/* Number nvms is the endpoint. */
		in->flows[i] = (struct instance_flow){.from = from,
		    .to = (from + 1 + draw((uint32_t)nvms)) % ((uint32_t)nvms + 1),
		    .packets_s = draw(3000),
		    .bytes_s = draw(3000000),
		    .share = 1};
	}
	solve_instance_measure(in);
}

static struct rule draw_rule(enum rule_kind kind)
{
	struct rule rule = {.kind = kind, .a = draw(VMS), .b = draw(ENVS), .line = 2};

	if (kind == RULE_APART || kind == RULE_TOGETHER || kind == RULE_SAMEADDR)
		rule.b = (rule.a + 1 + draw(VMS - 1)) % VMS;
	if (kind == RULE_DRAIN || kind == RULE_QUOTA)
		rule.a = draw(ENVS);
	if (kind == RULE_QUOTA)
		rule.b = 2 + draw(4);
	return rule;
}

static void draw_rules(struct rules *rules, uint32_t most)
{
	*rules = (struct rules){0};
	for (uint32_t count = draw(most + 1); count > 0; count--) {
		const struct rule rule = draw_rule((enum rule_kind)draw(RULE_KINDS));

		ck_assert_int_eq(solve_rules_add(rules, &rule), GRAPPE_OK);
	}
}

/* ---- all placements ---- */

struct tried {
	uint32_t best[VMS], other[VMS]; /* the best and another one that are allowed */
	double optimum, value;          /* what they cost; INFINITY: there is none */
	size_t count;                   /* that keep the rules */
};

static size_t count_moves(
    const struct bounds *bounds, const struct instance *in, const uint32_t *place)
{
	size_t count = 0;

	for (uint32_t vm = 0; vm < in->nvms; vm++)
		count += place[vm] != in->vms[vm].env && solve_bounds_may_stay(bounds, in, vm);
	return count;
}

static void try_one(const struct prove_task *task, const struct bounds *bounds,
    const uint32_t *place, struct tried *tried)
{
	struct cost_totals totals;
	double value;

	if (solve_bounds_check(bounds, task->instance, place, NULL) > 0 ||
	    count_moves(bounds, task->instance, place) > task->max_moves)
		return;
	ck_assert_int_eq(solve_model_totals_of(task->instance, place, &totals), GRAPPE_OK);
	value = solve_model_value(task->objective, &totals);
	if (value < tried->optimum) {
		tried->optimum = value;
		memcpy(tried->best, place, sizeof tried->best);
	}
	if (draw(++tried->count) == 0) {
		tried->value = value;
		memcpy(tried->other, place, sizeof tried->other);
	}
}

static struct tried try_all(const struct prove_task *task)
{
	struct tried tried = {.optimum = INFINITY, .value = INFINITY};
	struct bounds bounds;
	char reason[RULES_TEXT_SIZE];
	uint32_t place[VMS] = {0};
	size_t vm = 0;

	if (solve_bounds_build(task->instance, task->rules, &bounds, reason) != GRAPPE_OK)
		return tried;
	while (vm < VMS) {
		try_one(task, &bounds, place, &tried);
		for (vm = 0; vm < VMS && ++place[vm] == ENVS; vm++)
			place[vm] = 0;
	}
	solve_bounds_deinit(&bounds);
	return tried;
}

/* ---- proofs ---- */

static struct proof prove(struct prove_task task, const uint32_t *place)
{
	struct proof proof;
	char message[PROVE_TEXT_SIZE];

	task.place = place;
	ck_assert_msg(prove_find(&task, &proof, message) == GRAPPE_OK, "%s", message);
	return proof;
}

static void see_all_plans(const struct prove_task *task, const struct tried *tried)
{
	const double optimum = tried->optimum, rounding = 1e-6 * fabs(optimum) + 1e-9;
	struct proof proof = prove(*task, tried->best);

	ck_assert_int_eq(proof.status, PROVE_OPTIMAL);
	ck_assert_double_eq_tol(proof.bound, optimum, rounding);
	ck_assert_double_eq(proof.gap, 0);
	proof = prove(*task, tried->other);
	ck_assert_double_eq_tol(proof.bound, optimum, rounding);
	ck_assert_double_eq_tol(proof.found, optimum, rounding);
	ck_assert_int_eq(
	    proof.status, tried->value - optimum > rounding ? PROVE_BOUND : PROVE_OPTIMAL);
	if (proof.status == PROVE_BOUND && optimum > 0)
		ck_assert_double_eq_tol(proof.gap, tried->value / optimum - 1, 1e-5);
	if (task->max_moves != PROVE_NO_LIMIT)
		return;
	proof = prove(*task, NULL);
	ck_assert_int_eq(proof.status, PROVE_BOUND);
	ck_assert_double_eq_tol(proof.bound, optimum, rounding);
	ck_assert_double_eq_tol(proof.found, optimum, rounding);
	ck_assert(isnan(proof.gap));
}

START_TEST(test_all_placements)
{
	size_t seen = 0, none = 0;

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct instance in;
		struct rules rules;
		struct prove_task task = {.instance = &in,
		    .rules = &rules,
		    .objective = (enum cost_objective)(seed % OBJECTIVES),
		    .max_moves = PROVE_NO_LIMIT,
		    .limit_s = 60};

		lots = seed + 1;
		draw_instance(&in, VMS, ENVS, 12);
		draw_rules(&rules, 4);
		for (size_t most = 0; most < 6; most++) {
			struct tried tried;

			task.max_moves = most == 5 ? PROVE_NO_LIMIT : most;
			tried = try_all(&task);
			if (tried.count > 0)
				see_all_plans(&task, &tried);
			else if (task.max_moves == PROVE_NO_LIMIT)
				ck_assert_int_eq(prove(task, NULL).status, PROVE_INFEASIBLE);
			seen += tried.count > 0;
			none += tried.count == 0 && task.max_moves == PROVE_NO_LIMIT;
		}
		solve_instance_deinit(&in);
		solve_rules_deinit(&rules);
	}
	ck_assert_uint_gt(seen, SEEDS);
	ck_assert_uint_gt(none, 2);
}
END_TEST

/* One rule of this kind alone, until it has made the optimum worse. */
START_TEST(test_rule_binds)
{
	bool bound = false;

	for (uint64_t seed = 1; seed < 200 && !bound; seed++) {
		struct instance in;
		struct rules none = {0}, rules = {0};
		struct prove_task task = {.instance = &in,
		    .rules = &none,
		    .objective = COST_TIME,
		    .max_moves = PROVE_NO_LIMIT,
		    .limit_s = 60};
		struct tried without, with;
		struct rule rule;

		lots = seed;
		draw_instance(&in, VMS, ENVS, 12);
		rule = draw_rule((enum rule_kind)_i);
		ck_assert_int_eq(solve_rules_add(&rules, &rule), GRAPPE_OK);
		without = try_all(&task);
		task.rules = &rules;
		with = try_all(&task);
		if (with.count > 0 && with.optimum > without.optimum * 1.001) {
			see_all_plans(&task, &with);
			bound = true;
		}
		solve_instance_deinit(&in);
		solve_rules_deinit(&rules);
	}
	ck_assert(bound);
}
END_TEST

/* Where mending takes more moves than are allowed, the plan is judged by what it takes. */
START_TEST(test_plan_with_more_moves_than_allowed)
{
	struct instance in;
	struct rules rules = {0};
	struct prove_task task = {.instance = &in,
	    .rules = &rules,
	    .objective = COST_TIME,
	    .max_moves = 4,
	    .limit_s = 60};
	struct tried tried;
	struct proof proof;

	lots = 5;
	draw_instance(&in, VMS, ENVS, 12);
	for (size_t e = 0; e < ENVS; e++)
		in.envs[e].limit.vcpu = 30;
	tried = try_all(&task);
	task.max_moves = 0;
	proof = prove(task, tried.best);
	ck_assert_int_le(proof.status, PROVE_BOUND);
	ck_assert_double_le(proof.bound, tried.optimum * (1 + 1e-9));
	solve_instance_deinit(&in);
}
END_TEST

/* ---- limits ---- */

static void load(const char *name, struct instance *in)
{
	char path[UNIT_PATH_SIZE], message[256];

	snprintf(path, sizeof path, "%s/plan/%s", TEST_DATA, name);
	ck_assert_msg(
	    solve_instance_load(path, in, message, sizeof message) == GRAPPE_OK, "%s", message);
}

START_TEST(test_known_optima)
{
	static const struct {
		const char *name;
		enum cost_objective objective;
		double optimum; /* tests/data/plan/opt.tsv; 0: infeasible */
	} cases[] = {{"n8e2-1b", COST_MONEY, 3.9899}, {"n20e3-1a", COST_TIME, 170.8705},
	    {"n20e3-1a", COST_MONEY, 8.0762}, {"n20e3-1a", COST_RESOURCES, 24.008},
	    {"n20e3-1b", COST_TIME, 0}};
	const struct rules rules = {0};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct instance in;
		const struct prove_task task = {.instance = &in,
		    .rules = &rules,
		    .objective = cases[i].objective,
		    .max_moves = PROVE_NO_LIMIT,
		    .limit_s = 300};
		struct proof proof;

		load(cases[i].name, &in);
		proof = prove(task, NULL);
		if (cases[i].optimum > 0) {
			ck_assert_int_eq(proof.status, PROVE_BOUND);
			ck_assert(prove_is_solved(&proof));
			ck_assert_double_eq_tol(proof.bound, cases[i].optimum, 1e-4);
		} else {
			ck_assert_int_eq(proof.status, PROVE_INFEASIBLE);
		}
		solve_instance_deinit(&in);
	}
}
END_TEST

/* Without time there is a bound all the same, and it is one. */
START_TEST(test_no_time)
{
	static const double limits_s[] = {1e-6, 0.005, 0.02};
	const struct rules rules = {0};
	struct instance in;
	struct prove_task task = {
	    .instance = &in, .rules = &rules, .objective = COST_TIME, .max_moves = PROVE_NO_LIMIT};

	load("n50e4-1a", &in);
	for (size_t i = 0; i < sizeof limits_s / sizeof *limits_s; i++) {
		struct proof proof;

		task.limit_s = limits_s[i];
		proof = prove(task, NULL);
		ck_assert(proof.status == PROVE_UNFINISHED || proof.status == PROVE_BOUND);
		ck_assert_double_gt(proof.bound, 0);
		ck_assert_double_le(proof.bound, 419.7053);
		ck_assert_double_ge(proof.found, 419.7051);
	}
	solve_instance_deinit(&in);
}
END_TEST

START_TEST(test_too_large)
{
	static const struct {
		size_t nvms, nenvs, nflows;
		const char *message;
	} cases[] = {{PROVE_VMS_MAX + 1, 2, 1, "up to 60 VMs, this instance has 61"},
	    {PROVE_VMS_MAX, 40, 2000, "up to 400000 variables"}};
	const struct rules rules = {0};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct instance in;
		const struct prove_task task = {.instance = &in,
		    .rules = &rules,
		    .objective = COST_MONEY,
		    .max_moves = PROVE_NO_LIMIT,
		    .limit_s = 1};
		struct proof proof;
		char message[PROVE_TEXT_SIZE] = "";

		lots = 1;
		draw_instance(&in, cases[i].nvms, cases[i].nenvs, cases[i].nflows);
		ck_assert_int_eq(prove_find(&task, &proof, message), GRAPPE_ELIMIT);
		ck_assert_msg(strstr(message, cases[i].message) != NULL, "%s", message);
		solve_instance_deinit(&in);
	}
}
END_TEST

/* GLPK aborts programs when it has no memory; this one goes on. */
START_TEST(test_faults_of_glpk)
{
	const struct rules rules = {0};
	struct instance in;
	const struct prove_task task = {.instance = &in,
	    .rules = &rules,
	    .objective = COST_TIME,
	    .max_moves = PROVE_NO_LIMIT,
	    .limit_s = 60};
	struct proof proof;
	char message[PROVE_TEXT_SIZE] = "";

	load("n50e4-1a", &in);
	glp_mem_limit(1); /* MB */
	ck_assert_int_eq(prove_find(&task, &proof, message), GRAPPE_EPEER);
	ck_assert_msg(strstr(message, "memory") != NULL, "%s", message);
	solve_instance_deinit(&in);
	load("n8e2-1b", &in);
	ck_assert_int_eq(prove(task, NULL).status, PROVE_BOUND);
	solve_instance_deinit(&in);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("prove");
	TCase *tcase = tcase_create("prove");

	tcase_add_test(tcase, test_all_placements);
	tcase_add_loop_test(tcase, test_rule_binds, 0, RULE_KINDS);
	tcase_add_test(tcase, test_plan_with_more_moves_than_allowed);
	tcase_add_test(tcase, test_known_optima);
	tcase_add_test(tcase, test_no_time);
	tcase_add_test(tcase, test_too_large);
	tcase_add_test(tcase, test_faults_of_glpk);
	tcase_set_timeout(tcase, 300);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
