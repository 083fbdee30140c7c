/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The planner: single decisions by hand, small random instances against the true optimum, and what
 * must hold at every step of any plan. */
#include "manager/model.h"
#include "manager/plan.h"
#include "manager/plan_state.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MB 1e6

/* ---- building problems ---- */

struct edge {
	uint32_t a, b;
	double octets;
};

static struct plan_problem new_problem(size_t nvms, size_t nplaces, size_t nenvironments)
{
	struct plan_problem problem = {
	    .nvms = nvms, .nplaces = nplaces, .nenvironments = nenvironments};

	problem.vms = calloc(nvms, sizeof *problem.vms);
	problem.places = calloc(nplaces, sizeof *problem.places);
	problem.first = calloc(nvms + 1, sizeof *problem.first);
	for (size_t i = 0; i < nvms; i++)
		problem.vms[i] = (struct plan_vm){.group = PLAN_NO_GROUP,
		    .advised = PLAN_NOWHERE,
		    .movable = true,
		    .vcpu = NAN,
		    .mem_GiB = NAN};
	for (size_t i = 0; i < nplaces; i++)
		problem.places[i] =
		    (struct plan_place){.environment = (uint32_t)(i % nenvironments),
			.target = true,
			.vcpu = INFINITY,
			.mem_GiB = INFINITY,
			.max_vms = INFINITY};
	return problem;
}

static void set_edges(struct plan_problem *problem, const struct edge *edges, size_t count)
{
	size_t *fill = calloc(problem->nvms, sizeof *fill);

	problem->neighbours = calloc(2 * count + 1, sizeof *problem->neighbours);
	memset(problem->first, 0, (problem->nvms + 1) * sizeof *problem->first);
	for (size_t i = 0; i < count; i++) {
		problem->first[edges[i].a + 1]++;
		problem->first[edges[i].b + 1]++;
	}
	for (size_t i = 0; i < problem->nvms; i++)
		problem->first[i + 1] += problem->first[i];
	for (size_t i = 0; i < count; i++) {
		const double octets = edges[i].octets, packets = octets / 1000;

		problem->neighbours[problem->first[edges[i].a] + fill[edges[i].a]++] =
		    (struct plan_neighbour){edges[i].b, octets, packets};
		problem->neighbours[problem->first[edges[i].b] + fill[edges[i].b]++] =
		    (struct plan_neighbour){edges[i].a, octets, packets};
	}
	free(fill);
}

static void free_problem(struct plan_problem *problem)
{
	free(problem->vms);
	free(problem->places);
	free(problem->first);
	free(problem->neighbours);
}

static void set_group(
    struct plan_problem *problem, uint32_t group, const uint32_t *vms, size_t count)
{
	for (size_t i = 0; i < count; i++)
		problem->vms[vms[i]].group = group;
	if (group >= problem->ngroups)
		problem->ngroups = group + 1;
}

static const struct plan_settings no_minimum = {0, 0, 1000};
static const struct plan_settings usual = {0.1, 10000, 20};

/* ---- what holds for every plan ---- */

static double all_over(const struct plan_state *state, uint32_t place, double *vcpu, double *mem)
{
	const struct plan_place *at = &state->problem->places[place];

	*vcpu = fmax(0, state->usage[place].vcpu - at->vcpu);
	*mem = fmax(0, state->usage[place].mem_GiB - at->mem_GiB);
	return fmax(0, state->usage[place].vms - at->max_vms);
}

/* Walks the steps; asserts that each starts where the VM is, goes to a place that may receive,
 * worsens no violation, and tells its terms right. Returns the final placement. */
static uint32_t *walk(const struct plan_problem *problem, const struct plan *plan)
{
	struct plan_state state;
	uint32_t *places;

	ck_assert_int_eq(plan_state_init(&state, problem, NULL), 0);
	for (size_t i = 0; i < plan->nsteps; i++) {
		const struct plan_step *step = &plan->steps[i];
		double before[3], after[3];

		ck_assert(problem->vms[step->vm].movable);
		ck_assert(problem->places[step->to].target);
		ck_assert_uint_eq(state.place_of[step->vm], step->from);
		ck_assert_uint_ne(step->from, step->to);
		ck_assert_double_eq_tol(step->before.octets,
		    model_total(problem, state.place_of).octets, 1 + 1e-6 * step->before.octets);
		before[0] = all_over(&state, step->to, &before[1], &before[2]);
		ck_assert(step->forced == (plan_state_over(&state, step->from) > 0));
		plan_state_put(&state, step->vm, step->to);
		after[0] = all_over(&state, step->to, &after[1], &after[2]);
		for (int k = 0; k < 3; k++)
			ck_assert_double_le(after[k], before[k] + 1e-6);
		ck_assert_double_eq_tol(step->after.octets,
		    model_total(problem, state.place_of).octets, 1 + 1e-6 * step->before.octets);
	}
	/* Every parked VM goes on. */
	for (size_t i = 0; i < plan->nsteps; i++) {
		bool again = false;

		for (size_t k = i + 1; k < plan->nsteps; k++)
			again |= plan->steps[k].vm == plan->steps[i].vm;
		ck_assert(again || !plan->steps[i].parking);
	}
	places = malloc((problem->nvms + 1) * sizeof *places);
	memcpy(places, state.place_of, problem->nvms * sizeof *places);
	ck_assert_double_eq_tol(plan->after.octets, model_total(problem, places).octets,
	    1 + 1e-6 * plan->before.octets);
	plan_state_deinit(&state);
	return places;
}

/* On its own result the planner recommends nothing. */
static void assert_stable(
    struct plan_problem *problem, const struct plan_settings *settings, const uint32_t *places)
{
	uint32_t *start = calloc(problem->nvms, sizeof *start);
	struct plan again;

	for (size_t i = 0; i < problem->nvms; i++) {
		start[i] = problem->vms[i].place;
		problem->vms[i].place = places[i];
	}
	ck_assert_int_eq(plan_find(problem, settings, &again), 0);
	ck_assert_uint_eq(again.nsteps, 0);
	plan_deinit(&again);
	for (size_t i = 0; i < problem->nvms; i++)
		problem->vms[i].place = start[i];
	free(start);
}

/* ---- decisions by hand ---- */

static void place_vms(struct plan_problem *problem, const uint32_t *places)
{
	for (size_t i = 0; i < problem->nvms; i++)
		problem->vms[i].place = places[i];
}

START_TEST(a_split_group_is_brought_together_by_the_fewer_moves)
{
	/* Five VMs in a full mesh, three at place 0, two at place 1. */
	struct plan_problem problem = new_problem(5, 2, 2);
	struct edge edges[10];
	struct plan plan;
	uint32_t *places;
	size_t count = 0;

	for (uint32_t a = 0; a < 5; a++)
		for (uint32_t b = a + 1; b < 5; b++)
			edges[count++] = (struct edge){a, b, MB};
	set_edges(&problem, edges, count);
	set_group(&problem, 0, (const uint32_t[]){0, 1, 2, 3, 4}, 5);
	place_vms(&problem, (const uint32_t[]){0, 0, 0, 1, 1});
	ck_assert_int_eq(plan_find(&problem, &usual, &plan), 0);
	ck_assert_uint_eq(plan.nsteps, 2);
	ck_assert_double_eq_tol(plan.before.octets, 6 * MB, 1);
	ck_assert_double_eq_tol(plan.after.octets, 0, 1);
	ck_assert_uint_eq(plan.steps[0].to, 0);
	ck_assert_uint_eq(plan.steps[1].to, 0);
	places = walk(&problem, &plan);
	assert_stable(&problem, &usual, places);
	free(places);
	plan_deinit(&plan);
	free_problem(&problem);
}
END_TEST

START_TEST(a_group_in_a_ring_moves_although_no_single_vm_gains)
{
	struct plan_problem problem = new_problem(4, 2, 2);
	const struct edge edges[] = {{0, 1, MB}, {1, 2, MB}, {2, 3, MB}, {3, 0, MB}};
	struct plan plan;

	set_edges(&problem, edges, 4);
	set_group(&problem, 0, (const uint32_t[]){0, 1, 2, 3}, 4);
	place_vms(&problem, (const uint32_t[]){0, 0, 1, 1});
	ck_assert_int_eq(plan_find(&problem, &usual, &plan), 0);
	ck_assert_uint_eq(plan.nsteps, 2);
	ck_assert_double_eq_tol(plan.after.octets, 0, 1);
	free(walk(&problem, &plan));
	plan_deinit(&plan);
	free_problem(&problem);
}
END_TEST

START_TEST(who_sits_well_stays_and_noise_moves_nobody)
{
	struct plan_problem problem = new_problem(4, 2, 2);
	/* 0-1 and 2-3 sit together; 1 talks a little more to the other side than is worth a move.
	 */
	const struct edge edges[] = {{0, 1, MB}, {2, 3, MB}, {1, 2, 9000}, {0, 3, 8000}};
	struct plan plan;

	set_edges(&problem, edges, 4);
	place_vms(&problem, (const uint32_t[]){0, 0, 1, 1});
	ck_assert_int_eq(plan_find(&problem, &usual, &plan), 0);
	ck_assert_uint_eq(plan.nsteps, 0);
	ck_assert_double_eq_tol(plan.after.octets, plan.before.octets, 1);
	plan_deinit(&plan);
	free_problem(&problem);
}
END_TEST

START_TEST(a_vm_between_two_equal_sides_does_not_flap)
{
	/* VM 2 talks 5.0 MB/s to one side and 5.2 MB/s to the other: less than a tenth to gain. */
	struct plan_problem problem = new_problem(3, 2, 2);
	const struct edge edges[] = {{0, 2, 5.0 * MB}, {1, 2, 5.2 * MB}};
	struct plan plan;

	problem.vms[0].movable = problem.vms[1].movable = false;
	set_edges(&problem, edges, 2);
	place_vms(&problem, (const uint32_t[]){0, 1, 0});
	ck_assert_int_eq(plan_find(&problem, &usual, &plan), 0);
	ck_assert_uint_eq(plan.nsteps, 0);
	plan_deinit(&plan);
	free_problem(&problem);
}
END_TEST

START_TEST(advice_that_stands_is_kept_through_noise)
{
	/* A ring split in two halves: either may join the other, and which is better changes with
	 * each draw. */
	struct plan_problem problem = new_problem(4, 2, 2);
	unsigned short state[3] = {4, 5, 6};
	uint32_t to = PLAN_NOWHERE;

	set_group(&problem, 0, (const uint32_t[]){0, 1, 2, 3}, 4);
	place_vms(&problem, (const uint32_t[]){0, 0, 1, 1});
	for (int draw = 0; draw < 60; draw++) {
		struct edge edges[4];
		struct plan plan;

		for (uint32_t i = 0; i < 4; i++)
			edges[i] =
			    (struct edge){i, (i + 1) % 4, MB * (1 + 0.3 * (erand48(state) - 0.5))};
		free(problem.neighbours);
		set_edges(&problem, edges, 4);
		ck_assert_int_eq(plan_find(&problem, &usual, &plan), 0);
		ck_assert_uint_eq(plan.nsteps, 2);
		if (draw == 0)
			to = plan.steps[0].to;
		for (size_t i = 0; i < plan.nsteps; i++) {
			ck_assert_uint_eq(plan.steps[i].to, to);
			problem.vms[plan.steps[i].vm].advised = to;
		}
		ck_assert_uint_lt(plan.steps[0].vm, plan.steps[1].vm);
		plan_deinit(&plan);
	}
	free_problem(&problem);
}
END_TEST

/* Two groups of two, each split over two full hosts. `spare`: room of a third host. */
static struct plan_problem crossed_pairs(double spare)
{
	struct plan_problem problem = new_problem(4, 3, 3);
	const struct edge edges[] = {{0, 1, MB}, {2, 3, MB}};

	set_edges(&problem, edges, 2);
	set_group(&problem, 0, (const uint32_t[]){0, 1}, 2);
	set_group(&problem, 1, (const uint32_t[]){2, 3}, 2);
	place_vms(&problem, (const uint32_t[]){0, 1, 1, 0});
	problem.places[0].max_vms = problem.places[1].max_vms = 2;
	problem.places[2].max_vms = spare;
	return problem;
}

START_TEST(a_swap_between_full_hosts_parks_a_vm_on_a_third)
{
	struct plan_problem problem = crossed_pairs(1);
	struct plan plan;
	size_t parked = 0;

	ck_assert_int_eq(plan_find(&problem, &usual, &plan), 0);
	ck_assert_uint_eq(plan.nsteps, 3);
	for (size_t i = 0; i < plan.nsteps; i++)
		parked += plan.steps[i].parking;
	ck_assert_uint_eq(parked, 1);
	ck_assert_double_eq_tol(plan.after.octets, 0, 1);
	free(walk(&problem, &plan));
	plan_deinit(&plan);
	free_problem(&problem);
}
END_TEST

START_TEST(a_swap_without_any_room_is_not_recommended)
{
	struct plan_problem problem = crossed_pairs(0);
	struct plan plan;

	ck_assert_int_eq(plan_find(&problem, &usual, &plan), 0);
	ck_assert_uint_eq(plan.nsteps, 0);
	plan_deinit(&plan);
	free_problem(&problem);
}
END_TEST

START_TEST(an_overfull_host_comes_first)
{
	struct plan_problem problem = new_problem(5, 2, 2);
	const struct edge edges[] = {{0, 1, MB}, {1, 2, MB}, {3, 4, MB}};
	struct plan plan;

	set_edges(&problem, edges, 3);
	for (int i = 0; i < 5; i++)
		problem.vms[i].mem_GiB = 4;
	problem.places[0].mem_GiB = 12;
	problem.places[1].mem_GiB = 8;
	place_vms(&problem, (const uint32_t[]){0, 0, 0, 0, 1});
	ck_assert_int_eq(plan_find(&problem, &usual, &plan), 0);
	ck_assert_uint_eq(plan.nsteps, 1);
	ck_assert(plan.steps[0].forced);
	ck_assert_uint_eq(plan.steps[0].vm, 3);
	ck_assert_uint_eq(plan.overfull, 0);
	free(walk(&problem, &plan));
	plan_deinit(&plan);
	/* Without room anywhere the host stays over its limit, and that is said. */
	problem.places[1].mem_GiB = 4;
	ck_assert_int_eq(plan_find(&problem, &usual, &plan), 0);
	ck_assert_uint_eq(plan.nsteps, 0);
	ck_assert_uint_eq(plan.overfull, 1);
	plan_deinit(&plan);
	free_problem(&problem);
}
END_TEST

START_TEST(limits_of_moves_and_targets_are_kept)
{
	struct plan_problem problem = new_problem(6, 2, 2);
	const struct edge edges[] = {{0, 3, 3 * MB}, {1, 4, 2 * MB}, {2, 5, MB}};
	const struct plan_settings two = {0.1, 10000, 2};
	struct plan plan;

	set_edges(&problem, edges, 3);
	place_vms(&problem, (const uint32_t[]){0, 0, 0, 1, 1, 1});
	ck_assert_int_eq(plan_find(&problem, &two, &plan), 0);
	ck_assert_uint_eq(plan.nsteps, 2); /* the two best pairs */
	ck_assert_double_eq_tol(plan.after.octets, MB, 1);
	free(walk(&problem, &plan));
	plan_deinit(&plan);
	problem.places[0].target = false;
	problem.vms[1].movable = false;
	ck_assert_int_eq(plan_find(&problem, &usual, &plan), 0);
	ck_assert_uint_eq(plan.nsteps, 2);
	for (size_t i = 0; i < plan.nsteps; i++)
		ck_assert_uint_eq(plan.steps[i].to, 1);
	plan_deinit(&plan);
	problem.places[1].target = false;
	ck_assert_int_eq(plan_find(&problem, &usual, &plan), 0);
	ck_assert_uint_eq(plan.nsteps, 0);
	plan_deinit(&plan);
	free_problem(&problem);
}
END_TEST

START_TEST(nothing_to_plan_is_no_error)
{
	struct plan_problem problem = new_problem(1, 1, 1);
	struct plan plan;

	set_edges(&problem, NULL, 0);
	ck_assert_int_eq(plan_find(&problem, &usual, &plan), 0);
	ck_assert_uint_eq(plan.nsteps, 0);
	plan_deinit(&plan);
	problem.nvms = 0;
	ck_assert_int_eq(plan_find(&problem, &usual, &plan), 0);
	ck_assert_uint_eq(plan.nsteps, 0);
	plan_deinit(&plan);
	problem.nvms = 1;
	free_problem(&problem);
}
END_TEST

/* ---- random instances ---- */

struct shape_of_instance {
	unsigned vms, places, environments, groups;
	double noise; /* share of pairs between groups that talk */
	bool sizes;   /* VMs have vcpu and memory, hosts limits of them */
};

static double uniform(unsigned short state[3], double low, double high)
{
	return low + (high - low) * erand48(state);
}

/* Planted groups with heavy-tailed traffic inside and some noise between; a random placement. */
static struct plan_problem random_problem(
    const struct shape_of_instance *shape, unsigned short state[3])
{
	struct plan_problem problem = new_problem(shape->vms, shape->places, shape->environments);
	struct edge *edges = calloc((size_t)shape->vms * shape->vms, sizeof *edges);
	double vcpu = 0, mem = 0;
	size_t count = 0;

	for (uint32_t i = 0; i < shape->vms; i++) {
		problem.vms[i].group = (uint32_t)(erand48(state) * shape->groups);
		problem.vms[i].place = (uint32_t)(erand48(state) * shape->places);
		if (shape->sizes) {
			problem.vms[i].vcpu = 1 << (int)uniform(state, 0, 3);
			problem.vms[i].mem_GiB = problem.vms[i].vcpu * uniform(state, 1, 4);
			vcpu += problem.vms[i].vcpu;
			mem += problem.vms[i].mem_GiB;
		}
	}
	problem.ngroups = shape->groups;
	for (uint32_t a = 0; a < shape->vms; a++)
		for (uint32_t b = a + 1; b < shape->vms; b++)
			if (problem.vms[a].group == problem.vms[b].group && erand48(state) < 0.7)
				edges[count++] =
				    (struct edge){a, b, MB * exp(uniform(state, -2, 3))};
			else if (erand48(state) < shape->noise)
				edges[count++] =
				    (struct edge){a, b, MB * uniform(state, 0.01, 0.5)};
	set_edges(&problem, edges, count);
	for (uint32_t i = 0; i < shape->places; i++) {
		struct plan_place *place = &problem.places[i];

		if (shape->sizes) {
			place->vcpu = ceil(vcpu / shape->places * uniform(state, 1.0, 1.8));
			place->mem_GiB = ceil(mem / shape->places * uniform(state, 1.0, 1.8));
		} else {
			place->max_vms =
			    ceil((double)shape->vms / shape->places + uniform(state, 0, 3));
		}
	}
	free(edges);
	return problem;
}

static bool is_feasible(const struct plan_state *state)
{
	for (uint32_t place = 0; place < state->problem->nplaces; place++)
		if (plan_state_over(state, place) > 0)
			return false;
	return true;
}

/* The least traffic between environments of all placements within the limits; INFINITY when none
 * is. */
static double optimum(const struct plan_problem *problem)
{
	struct plan_state state;
	double best = INFINITY;
	size_t all = 1;

	ck_assert_int_eq(plan_state_init(&state, problem, NULL), 0);
	for (size_t i = 0; i < problem->nvms; i++)
		all *= problem->nplaces;
	for (size_t code = 0; code < all; code++) {
		size_t rest = code;

		for (uint32_t i = 0; i < problem->nvms; i++, rest /= problem->nplaces)
			plan_state_put(&state, i, (uint32_t)(rest % problem->nplaces));
		if (is_feasible(&state))
			best = fmin(best, model_total(problem, state.place_of).octets);
	}
	plan_state_deinit(&state);
	return best;
}

static const struct shape_of_instance small_shapes[] = {
    {8, 2, 2, 2, 0.1, false},
    {8, 2, 2, 3, 0.3, true},
    {7, 3, 3, 2, 0.2, false},
    {7, 3, 3, 3, 0.3, true},
    {7, 3, 2, 3, 0.2, true},
};

START_TEST(small_instances_come_near_the_optimum)
{
	unsigned short state[3] = {7, 7, (unsigned short)_i};
	double sum_gap = 0, worst = 0;
	int counted = 0, optimal = 0, draws = 40;

	for (int draw = 0; draw < draws; draw++) {
		struct plan_problem problem = random_problem(&small_shapes[_i], state);
		struct plan_state start;
		struct plan plan;
		uint32_t *places;
		double best, gap;

		ck_assert_int_eq(plan_state_init(&start, &problem, NULL), 0);
		best = optimum(&problem);
		ck_assert_int_eq(plan_find(&problem, &no_minimum, &plan), 0);
		places = walk(&problem, &plan);
		if (is_feasible(&start)) {
			ck_assert_double_le(plan.after.octets, plan.before.octets + 1);
			ck_assert_double_ge(plan.after.octets, best - 1);
			assert_stable(&problem, &no_minimum, places);
			/* How much of what could be gained was not. */
			gap = plan.before.octets - best > 1
				  ? (plan.after.octets - best) / (plan.before.octets - best)
				  : 0;
			sum_gap += gap;
			worst = fmax(worst, gap);
			optimal += gap < 1e-6;
			counted++;
		}
		free(places);
		plan_state_deinit(&start);
		plan_deinit(&plan);
		free_problem(&problem);
	}
	printf("%u VMs, %u places, %u environments, %s: %d of %d optimal, gap mean %.1f %% worst "
	       "%.0f %%\n",
	    small_shapes[_i].vms, small_shapes[_i].places, small_shapes[_i].environments,
	    small_shapes[_i].sizes ? "sizes" : "slots", optimal, counted, 100 * sum_gap / counted,
	    100 * worst);
	ck_assert_int_ge(counted, 3);
	ck_assert_double_le(sum_gap / counted, 0.15);
}
END_TEST

static const struct shape_of_instance large_shapes[] = {
    {60, 4, 4, 9, 0.05, true},
    {60, 12, 3, 9, 0.05, false},
    {300, 12, 6, 40, 0.01, true},
};

START_TEST(larger_instances_keep_every_rule)
{
	unsigned short state[3] = {9, 9, (unsigned short)_i};

	for (int draw = 0; draw < 3; draw++) {
		struct plan_problem problem = random_problem(&large_shapes[_i], state);
		struct plan plan;
		uint32_t *places;
		size_t voluntary = 0;

		ck_assert_int_eq(plan_find(&problem, &usual, &plan), 0);
		places = walk(&problem, &plan);
		for (size_t i = 0; i < plan.nsteps; i++)
			voluntary += !plan.steps[i].forced;
		ck_assert_uint_le(voluntary, usual.max_moves);
		printf("%zu VMs: %zu steps, %.0f -> %.0f MB/s between environments\n", problem.nvms,
		    plan.nsteps, plan.before.octets / MB, plan.after.octets / MB);
		free(places);
		plan_deinit(&plan);
		free_problem(&problem);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan");
	TCase *hand = tcase_create("by hand"), *random = tcase_create("random");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(hand, a_split_group_is_brought_together_by_the_fewer_moves);
	tcase_add_test(hand, a_group_in_a_ring_moves_although_no_single_vm_gains);
	tcase_add_test(hand, who_sits_well_stays_and_noise_moves_nobody);
	tcase_add_test(hand, a_vm_between_two_equal_sides_does_not_flap);
	tcase_add_test(hand, advice_that_stands_is_kept_through_noise);
	tcase_add_test(hand, a_swap_between_full_hosts_parks_a_vm_on_a_third);
	tcase_add_test(hand, a_swap_without_any_room_is_not_recommended);
	tcase_add_test(hand, an_overfull_host_comes_first);
	tcase_add_test(hand, limits_of_moves_and_targets_are_kept);
	tcase_add_test(hand, nothing_to_plan_is_no_error);
	suite_add_tcase(suite, hand);
	tcase_add_loop_test(random, small_instances_come_near_the_optimum, 0,
	    sizeof small_shapes / sizeof *small_shapes);
	tcase_add_loop_test(random, larger_instances_keep_every_rule, 0,
	    sizeof large_shapes / sizeof *large_shapes);
	tcase_set_timeout(random, 60);
	suite_add_tcase(suite, random);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
