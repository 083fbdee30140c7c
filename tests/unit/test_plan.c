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

/* ---- rules ---- */

static const char three[] =
    "{\"version\":1,\"environments\":["
    "{\"name\":\"site-1\",\"hosts\":[{\"name\":\"hostA\",\"max_vms\":4}]},"
    "{\"name\":\"site-2\",\"hosts\":[{\"name\":\"hostB\",\"max_vms\":4},"
    "{\"name\":\"hostC\",\"max_vms\":4}]},"
    "{\"name\":\"site-3\",\"hosts\":[{\"name\":\"hostD\",\"max_vms\":1}]}]}";

static char folder[UNIT_PATH_SIZE];

static void setup(void)
{
	unit_make_folder(folder);
}

static void teardown(void)
{
	unit_remove_folder(folder);
}

/* Makes a file of rules and has the world use it. */
static void set_rules(struct world *world, const char *lines)
{
	char path[UNIT_PATH_SIZE + 16];
	FILE *file;

	snprintf(path, sizeof path, "%s/rules.tsv", folder);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "rule\ta\tb\n%s", lines);
	fclose(file);
	free(world->settings.rules);
	world->settings.rules = strdup(path);
}

/* Where the plan leaves a VM: "site/host". */
static const char *end_of(const struct advice *advice, const char *name)
{
	static char text[2 * PLACE_NAME_SIZE + 2];
	const int vm = problem_find_vm(&advice->problem, name);
	const struct place *place;

	ck_assert_int_ge(vm, 0);
	place = &advice->problem.names[advice->plan.place[vm]];
	snprintf(text, sizeof text, "%s/%s", place->environment, place->host);
	return text;
}

static bool is_step_forced(const struct advice *advice, const char *name)
{
	for (size_t i = 0; i < advice->plan.nsteps; i++)
		if (strcmp(advice->problem.vms[advice->plan.steps[i].vm]->name, name) == 0)
			return advice->plan.steps[i].forced;
	return false;
}

static struct world kept; /* what the advice of plan_pairs() points at */

static void drop(struct advice *advice)
{
	advice_deinit(advice);
	world_deinit(&kept);
}

/* Four VMs in two pairs, each pair together; with rules. */
static void plan_pairs(struct advice *advice, const char *rules)
{
	struct world *world = &kept;
	char message[1024];

	world_begin(world, three);
	world_vm(world, "a", "site-1", "hostA", NAN, NAN, "shop");
	world_vm(world, "b", "site-1", "hostA", NAN, NAN, "shop");
	world_vm(world, "c", "site-2", "hostB", NAN, NAN, "");
	world_vm(world, "d", "site-2", "hostB", NAN, NAN, "");
	world_talk(world, "a", "b", MB, 1000);
	world_talk(world, "c", "d", MB, 1000);
	world_end(world);
	set_rules(world, rules);
	ck_assert_msg(world_plan(world, advice, message) == 0, "%s", message);
	walk(advice);
	if (advice->plan.feasible)
		assert_stable(world, advice);
}

START_TEST(rules_are_kept_and_told)
{
	struct advice advice;

	plan_pairs(&advice, "");
	ck_assert_uint_eq(advice.plan.nsteps, 0);
	drop(&advice);
	/* The partner goes with a pinned VM. */
	plan_pairs(&advice, "pin\ta\tsite-2\n");
	ck_assert_uint_eq(advice.plan.nsteps, 2);
	ck_assert(is_step_forced(&advice, "a") && !is_step_forced(&advice, "b"));
	ck_assert_uint_eq(advice.plan.steps[0].vm, (uint32_t)problem_find_vm(&advice.problem, "a"));
	drop(&advice);
	plan_pairs(&advice, "drain\tsite-1\t-\n");
	ck_assert_uint_eq(advice.plan.nsteps, 2);
	ck_assert(is_step_forced(&advice, "a") && is_step_forced(&advice, "b"));
	drop(&advice);
	/* On two hosts of one site. */
	plan_pairs(&advice, "apart\tc\td\n");
	ck_assert_uint_eq(advice.plan.nsteps, 1);
	ck_assert_str_eq(
	    end_of(&advice, advice.problem.vms[advice.plan.steps[0].vm]->name), "site-2/hostC");
	drop(&advice);
	/* On two sites, whatever it costs. */
	plan_pairs(&advice, "sameaddr\tc\td\n");
	ck_assert_uint_eq(advice.plan.nsteps, 1);
	ck_assert_double_eq_tol(advice.plan.after.traffic_Bps, MB, 1);
	drop(&advice);
	plan_pairs(&advice, "together\ta\tc\n");
	ck_assert_double_eq_tol(advice.plan.after.traffic_Bps, 0, 1);
	ck_assert_uint_eq(advice.plan.nsteps, 2);
	drop(&advice);
	/* A VM that is not there does not matter. */
	plan_pairs(&advice, "pin\tzz\tsite-2\n");
	ck_assert_uint_eq(advice.plan.nsteps, 0);
	ck_assert_uint_eq(advice.problem.rules.skipped, 1);
	drop(&advice);
}
END_TEST

START_TEST(rules_that_exclude_each_other_give_no_plan)
{
	struct advice advice;

	plan_pairs(&advice, "pin\ta\tsite-2\nforbid\ta\tsite-2\n");
	ck_assert(!advice.plan.feasible);
	ck_assert_uint_eq(advice.plan.nsteps, 0);
	ck_assert_ptr_nonnull(strstr(advice.plan.reason, "VM a may be nowhere"));
	ck_assert_ptr_nonnull(strstr(advice.plan.reason, "forbid"));
	drop(&advice);
	plan_pairs(&advice, "pin\ta\tsite-3\npin\tb\tsite-3\n");
	ck_assert(!advice.plan.feasible);
	ck_assert_ptr_nonnull(strstr(advice.plan.reason, "site-3 need 2 VMs of 1"));
	drop(&advice);
}
END_TEST

/* Whether one of two VMs of 4 GiB goes to the other, with which it exchanges so much. */
static bool is_worth_it(double bytes_s, double payback_h)
{
	struct world world;
	struct advice advice;
	char message[1024];
	bool moves;

	world_begin(&world, plain);
	world_vm(&world, "a", "site-1", "hostA", 1, 4, "");
	world_vm(&world, "b", "site-2", "hostB", 1, 4, "");
	world_talk(&world, "a", "b", bytes_s, bytes_s / 1000);
	world_end(&world);
	world.settings.objective = MANAGER_TRAFFIC;
	world.settings.payback_ms = (int64_t)(payback_h * 3600e3);
	ck_assert_msg(world_plan(&world, &advice, message) == 0, "%s", message);
	moves = advice.plan.nsteps > 0;
	advice_deinit(&advice);
	world_deinit(&world);
	return moves;
}

/* A migration sends 4096 MB: in 6 hours 190 kB/s save as much, in a day 47; and a tenth of what is
 * saved is the least gain. */
START_TEST(a_move_must_pay_back_in_time)
{
	ck_assert(!is_worth_it(205e3, 6));
	ck_assert(is_worth_it(215e3, 6));
	ck_assert(!is_worth_it(55e3, 24));
	ck_assert(is_worth_it(60e3, 24));
	/* The horizon, a day, counts where it is less. */
	ck_assert(is_worth_it(60e3, 240));
	ck_assert(!is_worth_it(55e3, 240));
}
END_TEST

START_TEST(only_an_application_may_move)
{
	struct world world;
	struct advice advice;
	char message[1024];

	world_begin(&world, plain);
	world_vm(&world, "a", "site-1", "hostA", NAN, NAN, "shop");
	world_vm(&world, "b", "site-2", "hostB", NAN, NAN, "shop");
	world_vm(&world, "c", "site-1", "hostA", NAN, NAN, "bank");
	world_vm(&world, "d", "site-2", "hostB", NAN, NAN, "bank");
	world_vm(&world, "e", "", "", NAN, NAN, "shop");
	world_talk(&world, "a", "b", MB, 1000);
	world_talk(&world, "c", "d", MB, 1000);
	world_end(&world);
	world.application = "shop";
	plan(&world, &advice);
	ck_assert_uint_eq(advice.plan.nsteps, 1);
	ck_assert_str_eq(advice.problem.vms[advice.plan.steps[0].vm]->application, "shop");
	ck_assert_uint_eq(advice.problem.unseen, 1);
	advice_deinit(&advice);
	world.application = "zoo";
	ck_assert_int_lt(world_plan(&world, &advice, message), 0);
	ck_assert_ptr_nonnull(strstr(message, "zoo"));
	world_deinit(&world);
}
END_TEST

START_TEST(full_hosts_exchange_through_a_third)
{
	struct world world;
	struct advice advice;
	size_t parked = 0;

	/* hostA and hostB are full with one VM each that belongs to the other side; hostC has room
	 * for one. */
	world_begin(&world, "{\"version\":1,\"environments\":["
			    "{\"name\":\"s1\",\"hosts\":[{\"name\":\"A\",\"max_vms\":2}]},"
			    "{\"name\":\"s2\",\"hosts\":[{\"name\":\"B\",\"max_vms\":2}]},"
			    "{\"name\":\"s3\",\"hosts\":[{\"name\":\"C\",\"max_vms\":1}]}]}");
	world_vm(&world, "a", "s1", "A", NAN, NAN, "");
	world_vm(&world, "b", "s1", "A", NAN, NAN, "");
	world_vm(&world, "c", "s2", "B", NAN, NAN, "");
	world_vm(&world, "d", "s2", "B", NAN, NAN, "");
	world_talk(&world, "a", "c", MB, 1000);
	world_talk(&world, "b", "d", MB, 1000);
	world_end(&world);
	plan(&world, &advice);
	ck_assert_double_eq_tol(advice.plan.after.traffic_Bps, 0, 1);
	ck_assert_uint_eq(advice.plan.nsteps, 3);
	for (size_t i = 0; i < advice.plan.nsteps; i++)
		parked += advice.plan.steps[i].parking;
	ck_assert_uint_eq(parked, 1);
	advice_deinit(&advice);
	/* Two moves do not suffice for that: nothing is begun that cannot be ended. */
	world.settings.max_moves = 2;
	plan(&world, &advice);
	ck_assert_uint_eq(advice.plan.nsteps, 0);
	advice_deinit(&advice);
	world_deinit(&world);
}
END_TEST

START_TEST(who_is_too_many_leaves_first_and_what_cannot_be_mended_is_told)
{
	struct world world;
	struct advice advice;

	world_begin(&world, "{\"version\":1,\"environments\":["
			    "{\"name\":\"s1\",\"hosts\":[{\"name\":\"A\",\"max_vms\":2}]},"
			    "{\"name\":\"s2\",\"hosts\":[{\"name\":\"B\",\"max_vms\":2}]}]}");
	for (const char *name = "abcd"; *name != '\0'; name++)
		world_vm(&world, (char[]){*name, '\0'}, "s1", "A", NAN, NAN, "");
	world_talk(&world, "a", "b", MB, 1000);
	world_talk(&world, "c", "d", 2 * MB, 2000);
	world_end(&world);
	plan(&world, &advice);
	ck_assert_uint_eq(advice.plan.nsteps, 2);
	ck_assert_uint_eq(advice.plan.overfull, 0);
	ck_assert_double_eq_tol(advice.plan.after.traffic_Bps, 0, 1);
	ck_assert(advice.plan.steps[0].forced);
	advice_deinit(&advice);
	world_deinit(&world);
	/* One more, and nowhere to go. */
	world_begin(&world, plain);
	for (size_t i = 0; i < 14; i++)
		world_vm(&world, (char[]){(char)('a' + (int)i), '\0'}, i < 8 ? "site-1" : "site-2",
		    i < 8 ? "hostA" : "hostB", NAN, NAN, "");
	world_talk(&world, "a", "b", MB, 1000);
	world_end(&world);
	plan(&world, &advice);
	ck_assert(advice.plan.feasible);
	ck_assert_uint_eq(advice.plan.nsteps, 0);
	ck_assert_uint_eq(advice.plan.overfull, 1);
	advice_deinit(&advice);
	world_deinit(&world);
}
END_TEST

START_TEST(a_site_that_closes_takes_nobody_and_is_left_in_time)
{
	static const char format[] = "{\"version\":1,\"environments\":["
				     "{\"name\":\"s1\",\"hosts\":[{\"name\":\"A\",\"max_vms\":5}]},"
				     "{\"name\":\"grid\",\"available_until\":\"%s\","
				     "\"hosts\":[{\"name\":\"G\",\"max_vms\":5}]}]}";
	/* The world's time is 2026-11-18T11:06:40Z, the horizon a day. */
	static const struct {
		const char *until;
		const char *end_a, *end_b;
	} cases[] = {
	    {"2026-11-20T00:00:00Z", "grid/G", "grid/G"},
	    {"2026-11-19T00:00:00Z", "s1/A", "s1/A"},
	    {"2026-11-18T12:00:00Z", "s1/A", "s1/A"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct world world;
		struct advice advice;
		char document[512];

		snprintf(document, sizeof document, format, cases[i].until);
		world_begin(&world, document);
		world_vm(&world, "a", "s1", "A", NAN, NAN, "");
		world_vm(&world, "b", "grid", "G", NAN, NAN, "");
		world_vm(&world, "c", "grid", "G", NAN, NAN, "");
		world_talk(&world, "a", "b", 2 * MB, 1000);
		world_talk(&world, "b", "c", MB, 1000);
		world_talk(&world, "a", "c", MB, 1000);
		world_end(&world);
		plan(&world, &advice);
		ck_assert_str_eq(end_of(&advice, "a"), cases[i].end_a);
		ck_assert_str_eq(end_of(&advice, "b"), cases[i].end_b);
		advice_deinit(&advice);
		world_deinit(&world);
	}
}
END_TEST

START_TEST(an_application_that_ends_before_may_go_there)
{
	struct world world;
	struct advice advice;
	struct manager_application shop = {
	    .title = (char *)"shop", .owner = (char *)"ops", .remaining_ms = 6 * 3600000};

	/* Open for 13 hours more: too short for a day, long enough for six hours. */
	world_begin(&world, "{\"version\":1,\"environments\":["
			    "{\"name\":\"s1\",\"hosts\":[{\"name\":\"A\",\"max_vms\":5}]},"
			    "{\"name\":\"grid\",\"available_until\":\"2026-11-19T00:00:00Z\","
			    "\"hosts\":[{\"name\":\"G\",\"max_vms\":5}]}]}");
	world_vm(&world, "a", "s1", "A", NAN, NAN, "shop");
	world_vm(&world, "b", "grid", "G", NAN, NAN, "");
	world_vm(&world, "c", "grid", "G", NAN, NAN, "");
	world_talk(&world, "a", "b", MB, 1000);
	world_talk(&world, "a", "c", MB, 1000);
	world_talk(&world, "b", "c", 3 * MB, 1000);
	world_end(&world);
	world.settings.applications = (struct settings_sections){&shop, 1};
	plan(&world, &advice);
	ck_assert_str_eq(end_of(&advice, "a"), "grid/G");
	advice_deinit(&advice);
	world.settings.applications = (struct settings_sections){0};
	world_deinit(&world);
}
END_TEST

/* ---- against the true optimum ---- */

static uint64_t lots;

static uint32_t draw(uint32_t count)
{
	lots = lots * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)((lots >> 33) % count);
}

#define RANDOM_VMS 6
#define RANDOM_HOSTS 4

/* Two or three sites with four hosts together; sizes, powers, prices and links all told. */
static void make_random(struct world *world, int objective)
{
	static const char *const sites[RANDOM_HOSTS] = {"s1", "s1", "s2", "s3"};
	char text[4096];
	size_t length = 0;

	length += (size_t)snprintf(text, sizeof text, "{\"version\":1,\"environments\":[");
	for (int s = 0; s < 3; s++)
		length += (size_t)snprintf(text + length, sizeof text - length,
		    "%s{\"name\":\"s%d\",\"power\":%g,\"price_vcpu_hour\":%g,\"hosts\":[%s]}",
		    s > 0 ? "," : "", s + 1, 0.8 + 0.2 * draw(4), 0.01 * (1 + draw(9)),
		    s == 0   ? "{\"name\":\"h0\",\"vcpu\":4,\"mem_GiB\":16},"
			       "{\"name\":\"h1\",\"vcpu\":3,\"mem_GiB\":16}"
		    : s == 1 ? "{\"name\":\"h2\",\"vcpu\":6,\"mem_GiB\":12}"
			     : "{\"name\":\"h3\",\"vcpu\":5,\"mem_GiB\":20}");
	length += (size_t)snprintf(text + length, sizeof text - length, "],\"links\":[");
	for (int k = 0; k < 9; k++)
		if (k / 3 != k % 3)
			length += (size_t)snprintf(text + length, sizeof text - length,
			    "%s{\"from\":\"s%d\",\"to\":\"s%d\",\"latency_ms\":%u,"
			    "\"bandwidth_MBps\":%u,\"price_per_GB\":0.0%u}",
			    k > 1 ? "," : "", k / 3 + 1, k % 3 + 1, 1 + draw(40), 20 + draw(100),
			    draw(9));
	snprintf(text + length, sizeof text - length, "]}");
	world_begin(world, text);
	for (int i = 0; i < RANDOM_VMS; i++) {
		const uint32_t host = draw(RANDOM_HOSTS);

		world_vm(world, (char[]){(char)('a' + i), '\0'}, sites[host],
		    (char[]){'h', (char)('0' + (int)host), '\0'}, 1 + draw(2), 1 + draw(4), "");
	}
	for (int i = 0; i < 8; i++) {
		const int a = (int)draw(RANDOM_VMS), b = (int)draw(RANDOM_VMS);

		if (a != b)
			world_talk(world, (char[]){(char)('a' + a), '\0'},
			    (char[]){(char)('a' + b), '\0'}, (1 + draw(50)) * 1e5, 1 + draw(900));
	}
	world_end(world);
	world->settings.objective = objective;
	world->settings.minimum_gain = 0;
	world->settings.minimum_gain_rate = 0;
}

/* The least value over all placements that no host and site is too full for, and that cost no more
 * money than the cap; INFINITY: none. */
static double find_optimum(const struct advice *advice, double cap)
{
	const struct problem *p = &advice->problem;
	const size_t nplaces = p->places.count;
	uint32_t env[RANDOM_VMS];
	size_t all = 1;
	double best = INFINITY;

	for (int i = 0; i < RANDOM_VMS; i++)
		all *= nplaces;
	for (size_t code = 0; code < all; code++) {
		struct load used[RANDOM_HOSTS] = {0};
		struct cost_totals totals;
		bool fits = true;
		size_t rest = code;

		for (uint32_t vm = 0; vm < p->instance.nvms; vm++, rest /= nplaces) {
			const size_t place = rest % nplaces;

			env[vm] = p->places.items[place].env;
			load_add(&used[place], &p->instance.vms[vm].load);
			fits &= !load_is_over(&used[place], &p->places.items[place].limit);
		}
		if (!fits || solve_model_totals_of(&p->instance, env, &totals) != 0 ||
		    totals.money > cap)
			continue;
		best = fmin(best, solve_model_value(advice->objective, &totals));
	}
	return best;
}

#define RANDOM_WORLDS unit_count(25, 8)

START_TEST(small_random_worlds_come_near_their_optimum)
{
	static const int objectives[] = {
	    MANAGER_TIME, MANAGER_COST, MANAGER_RESOURCES, MANAGER_TRAFFIC};
	double sum = 0, worst = 0;
	const int worlds = RANDOM_WORLDS;
	size_t count = 0;

	lots = (uint64_t)_i + 1;
	for (int k = 0; k < worlds; k++) {
		struct world world;
		struct advice advice;
		double optimum, before, after, gap;

		make_random(&world, objectives[_i]);
		plan(&world, &advice);
		optimum = find_optimum(&advice, INFINITY);
		before = solve_model_value(advice.objective, &advice.plan.before);
		after = solve_model_value(advice.objective, &advice.plan.after);
		if (isfinite(optimum)) {
			ck_assert(advice.plan.feasible);
			ck_assert_double_ge(after, optimum - 1e-6 * fabs(optimum));
			if (advice.plan.steps == NULL || advice.plan.nsteps == 0 ||
			    !advice.plan.steps[0].forced)
				ck_assert_double_le(after, before + 1e-6 * fabs(before));
			/* Of what could be gained. */
			gap = (after - optimum) / fmax(before - optimum, 1e-3 * (1 + before));
			sum += gap;
			worst = fmax(worst, gap);
			count++;
		}
		assert_stable(&world, &advice);
		advice_deinit(&advice);
		world_deinit(&world);
	}
	printf("objective %s: %zu worlds, mean gap %.2f %%, worst %.1f %%\n",
	    manager_objectives[objectives[_i]], count, 100 * sum / (double)count, 100 * worst);
	ck_assert_uint_gt(count, (size_t)worlds / 2);
	ck_assert_double_lt(sum / (double)count, 0.05);
}
END_TEST

START_TEST(caps_are_kept_where_they_can_be)
{
	const int worlds = RANDOM_WORLDS;
	size_t possible = 0, reached = 0;
	double sum = 0;

	lots = 77;
	for (int k = 0; k < worlds; k++) {
		struct world world;
		struct advice advice;
		double cap, optimum, before, after;

		make_random(&world, MANAGER_TIME);
		free(world.settings.cap);
		world.settings.cap = strdup("cost=90%");
		plan(&world, &advice);
		cap = 0.9 * advice.plan.before.money;
		optimum = find_optimum(&advice, cap);
		before = advice.plan.before.time_h;
		after = advice.plan.after.time_h;
		/* Never worse than the present; and where it can be, no more than the cap. */
		if (advice.plan.nsteps > 0 && !advice.plan.steps[0].forced)
			ck_assert_double_le(advice.plan.after.money,
			    fmax(cap, advice.plan.before.money) * (1 + 1e-6));
		if (isfinite(optimum)) {
			possible++;
			if (advice.plan.after.money <= cap * (1 + 1e-6)) {
				ck_assert_double_ge(after, optimum * (1 - 1e-6));
				reached++;
				sum += (after - optimum) / fmax(optimum, before);
			}
		}
		advice_deinit(&advice);
		world_deinit(&world);
	}
	printf("caps: kept in %zu of %zu worlds where they can be; %.1f %% above the optimum under "
	       "them\n",
	    reached, possible, 100 * sum / (double)reached);
	ck_assert_uint_gt(possible, (size_t)worlds / 2);
	ck_assert_uint_ge(10 * reached, 8 * possible);
}
END_TEST

START_TEST(caps_that_make_no_sense_are_told)
{
	static const char *const wrong[] = {"costs=3", "cost", "cost=", "cost=-3", "cost=0",
	    "time=5x", "time=nan%", "time=9%;cost=3"};
	struct cost_totals present = {.time_h = 10, .money = 50};
	double caps[CAP_KINDS] = {0};
	char message[256];

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		message[0] = '\0';
		ck_assert_int_lt(
		    solve_cap_parse(wrong[i], &present, caps, message, sizeof message), 0);
		ck_assert_str_ne(message, "");
	}
	ck_assert_int_eq(
	    solve_cap_parse("time=120%,cost=33", &present, caps, message, sizeof message), 0);
	ck_assert_double_eq_tol(caps[COST_TIME], 12, 1e-9);
	ck_assert_double_eq_tol(caps[COST_MONEY], 33, 1e-9);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan");
	TCase *decisions = tcase_create("decisions"), *rules = tcase_create("rules");
	TCase *optimum = tcase_create("optimum");

	tcase_add_test(decisions, a_split_group_is_brought_together_by_the_fewer_moves);
	tcase_add_test(decisions, noise_below_the_least_gain_moves_nobody);
	tcase_add_test(decisions, a_move_must_pay_back_in_time);
	tcase_add_test(decisions, only_an_application_may_move);
	tcase_add_test(decisions, full_hosts_exchange_through_a_third);
	tcase_add_test(decisions, who_is_too_many_leaves_first_and_what_cannot_be_mended_is_told);
	tcase_add_test(decisions, a_site_that_closes_takes_nobody_and_is_left_in_time);
	tcase_add_test(decisions, an_application_that_ends_before_may_go_there);
	tcase_set_timeout(decisions, 60);
	suite_add_tcase(suite, decisions);
	tcase_add_checked_fixture(rules, setup, teardown);
	tcase_add_test(rules, rules_are_kept_and_told);
	tcase_add_test(rules, rules_that_exclude_each_other_give_no_plan);
	tcase_set_timeout(rules, 60);
	suite_add_tcase(suite, rules);
	tcase_add_loop_test(optimum, small_random_worlds_come_near_their_optimum, 0, 4);
	tcase_add_test(optimum, caps_are_kept_where_they_can_be);
	tcase_add_test(optimum, caps_that_make_no_sense_are_told);
	tcase_set_timeout(optimum, 300);
	suite_add_tcase(suite, optimum);
	return unit_run(suite);
}
