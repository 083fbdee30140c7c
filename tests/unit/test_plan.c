/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The live planner: decisions by hand, and what must hold at every step of any plan. */
#include "tests/fakes/world.h"
#include "tests/unit/unit.h"

#include <math.h>

#define MB 1e6

/* Two sites with a host each, of which nothing but the number of VMs is known. */
static const char plain[] =
    "{\"version\":1,\"environments\":["
    "{\"name\":\"site-1\",\"hosts\":[{\"name\":\"hostA\",\"max_vms\":6}]},"
    "{\"name\":\"site-2\",\"hosts\":[{\"name\":\"hostB\",\"max_vms\":6}]}]}";

/* VMs a, b, c … of unknown size; places: a letter for each, '1' hostA, '2' hostB. */
static void add_vms(struct world *world, const char *places)
{
	for (size_t i = 0; places[i] != '\0'; i++) {
		const char name[2] = {(char)('a' + (int)i), '\0'};
		const bool first = places[i] == '1';

		world_vm(world, name, first ? "site-1" : "site-2", first ? "hostA" : "hostB", NAN,
		    NAN, "");
	}
}

/* ---- what holds for every plan ---- */

static bool is_worse(const struct load *after, const struct load *before, const struct load *limit)
{
	return fmax(0, after->vcpu - limit->vcpu) > fmax(0, before->vcpu - limit->vcpu) + 1e-9 ||
	       fmax(0, after->mem_GiB - limit->mem_GiB) >
		   fmax(0, before->mem_GiB - limit->mem_GiB) + 1e-9 ||
	       fmax(0, after->vms - limit->vms) > fmax(0, before->vms - limit->vms) + 1e-9;
}

/* Walks the moves: each begins where its VM is, goes to a place that may receive, makes nothing
 * fuller than it may be, and tells what the whole comes to. */
static void walk(const struct advice *advice)
{
	const struct problem *p = &advice->problem;
	struct load *used = calloc(p->places.count + 1, sizeof *used);
	uint32_t *place = calloc(p->instance.nvms + 1, sizeof *place);
	uint32_t *env = calloc(p->instance.nvms + 1, sizeof *env);

	for (size_t vm = 0; vm < p->instance.nvms; vm++) {
		place[vm] = p->place[vm];
		env[vm] = p->instance.vms[vm].env;
		load_add(&used[place[vm]], &p->instance.vms[vm].load);
	}
	for (size_t i = 0; i < advice->plan.nsteps; i++) {
		const struct plan_step *step = &advice->plan.steps[i];
		const struct load before = used[step->to];
		struct cost_totals totals;

		ck_assert_uint_eq(place[step->vm], step->from);
		ck_assert_uint_ne(step->from, step->to);
		ck_assert(p->places.items[step->to].open);
		load_take(&used[step->from], &p->instance.vms[step->vm].load);
		load_add(&used[step->to], &p->instance.vms[step->vm].load);
		ck_assert(!is_worse(&used[step->to], &before, &p->places.items[step->to].limit));
		place[step->vm] = step->to;
		env[step->vm] = p->places.items[step->to].env;
		ck_assert_int_eq(solve_model_totals_of(&p->instance, env, &totals), 0);
		ck_assert_double_eq_tol(
		    step->after.traffic_Bps, totals.traffic_Bps, 1e-6 * (1 + totals.traffic_Bps));
		ck_assert_double_eq_tol(
		    step->after.time_h, totals.time_h, 1e-9 * (1 + totals.time_h));
		ck_assert_double_eq_tol(step->after.money, totals.money, 1e-9 * (1 + totals.money));
	}
	for (size_t vm = 0; vm < p->instance.nvms; vm++)
		ck_assert_uint_eq(place[vm], advice->plan.place[vm]);
	free(used);
	free(place);
	free(env);
}

/* Carries the plan out in the world; on its own result the planner recommends nothing. */
static void assert_stable(struct world *world, const struct advice *advice)
{
	struct advice again;
	char message[1024];

	for (size_t i = 0; i < advice->plan.nsteps; i++) {
		const struct plan_step *step = &advice->plan.steps[i];
		const struct place *to = &advice->problem.names[step->to];

		world_move(world, advice->problem.vms[step->vm]->name, to->environment, to->host);
	}
	ck_assert_int_eq(world_plan(world, &again, message), 0);
	ck_assert_uint_eq(again.plan.nsteps, 0);
	advice_deinit(&again);
}

static void plan(struct world *world, struct advice *advice)
{
	char message[1024];

	ck_assert_msg(world_plan(world, advice, message) == 0, "%s", message);
	walk(advice);
}

/* ---- decisions by hand ---- */

START_TEST(a_split_group_is_brought_together_by_the_fewer_moves)
{
	struct world world;
	struct advice advice;

	world_begin(&world, plain);
	add_vms(&world, "11122");
	for (const char *a = "abcde"; *a != '\0'; a++)
		for (const char *b = a + 1; *b != '\0'; b++)
			world_talk(&world, (char[]){*a, '\0'}, (char[]){*b, '\0'}, MB, 1000);
	world_end(&world);
	plan(&world, &advice);
	ck_assert_uint_eq(advice.plan.nsteps, 2);
	ck_assert_double_eq_tol(advice.plan.before.traffic_Bps, 6 * MB, 1);
	ck_assert_double_eq_tol(advice.plan.after.traffic_Bps, 0, 1);
	assert_stable(&world, &advice);
	advice_deinit(&advice);
	world_deinit(&world);
}
END_TEST

START_TEST(noise_below_the_least_gain_moves_nobody)
{
	struct world world;
	struct advice advice;

	world_begin(&world, plain);
	add_vms(&world, "1122");
	world_talk(&world, "a", "b", MB, 1000);
	world_talk(&world, "c", "d", MB, 1000);
	world_talk(&world, "b", "c", 9000, 9);
	world_talk(&world, "a", "d", 8000, 8);
	world_end(&world);
	plan(&world, &advice);
	ck_assert_uint_eq(advice.plan.nsteps, 0);
	advice_deinit(&advice);
	world_deinit(&world);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan");
	TCase *decisions = tcase_create("decisions");

	tcase_add_test(decisions, a_split_group_is_brought_together_by_the_fewer_moves);
	tcase_add_test(decisions, noise_below_the_least_gain_moves_nobody);
	tcase_set_timeout(decisions, 60);
	suite_add_tcase(suite, decisions);
	return unit_run(suite);
}
