/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How steady recommendations are: the manager's plans over simulated time, with noise on every
 * pair, and over a week whose traffic changes with the hour.
 *
 * `make check` looks at one world and an hour's steps. With GRAPPE_WEEK=full in the environment
 * there are five worlds and a plan for every second window of 5 min; that takes a quarter of an
 * hour (CK_RUN_CASE=week-traffic, week-time, week-cost: one objective alone).
 */
#include "common/error.h"
#include "manager/recommendation.h"
#include "tests/fakes/world.h"
#include "tests/unit/unit.h"

#include <math.h>

#define VMS 48
#define GROUPS 8
#define HOSTS 6
#define PERIODS 200
#define PERIODS_SHORT 40 /* with GRAPPE_TESTS=short */
#define PAIRS_MAX 512

static const char document[] =
    "{\"version\":1,\"environments\":["
    "{\"name\":\"s1\",\"power\":1.0,\"price_vcpu_hour\":0.05,\"hosts\":["
    "{\"name\":\"h0\",\"vcpu\":24,\"mem_GiB\":96},{\"name\":\"h1\",\"vcpu\":24,\"mem_GiB\":96}]},"
    "{\"name\":\"s2\",\"power\":1.2,\"price_vcpu_hour\":0.07,\"hosts\":["
    "{\"name\":\"h2\",\"vcpu\":24,\"mem_GiB\":96},{\"name\":\"h3\",\"vcpu\":24,\"mem_GiB\":96}]},"
    "{\"name\":\"s3\",\"power\":0.9,\"price_vcpu_hour\":0.03,\"hosts\":["
    "{\"name\":\"h4\",\"vcpu\":24,\"mem_GiB\":96},{\"name\":\"h5\",\"vcpu\":24,\"mem_GiB\":96}]}],"
    "\"links\":["
    "{\"from\":\"s1\",\"to\":\"s2\",\"latency_ms\":12,\"bandwidth_MBps\":80,\"price_per_GB\":0.02},"
    "{\"from\":\"s2\",\"to\":\"s1\",\"latency_ms\":12,\"bandwidth_MBps\":80,\"price_per_GB\":0.03},"
    "{\"from\":\"s1\",\"to\":\"s3\",\"latency_ms\":25,\"bandwidth_MBps\":40,\"price_per_GB\":0.02},"
    "{\"from\":\"s3\",\"to\":\"s1\",\"latency_ms\":25,\"bandwidth_MBps\":40,\"price_per_GB\":0.01},"
    "{\"from\":\"s2\",\"to\":\"s3\",\"latency_ms\":18,\"bandwidth_MBps\":60,\"price_per_GB\":0.03},"
    "{\"from\":\"s3\",\"to\":\"s2\",\"latency_ms\":18,\"bandwidth_MBps\":60,\"price_per_GB\":0.01}]"
    "}";

static const char *const sites[HOSTS] = {"s1", "s1", "s2", "s2", "s3", "s3"};

/* ---- chance, the same everywhere ---- */

static uint64_t lots;

static double share(void)
{
	lots = lots * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (double)(lots >> 11) * 0x1p-53;
}

static uint32_t draw(uint32_t count)
{
	return (uint32_t)(share() * count);
}

/* ---- a world in which time goes on ---- */

struct pair {
	int a, b;
	double bytes_s, packets_s;
};

struct life {
	struct pair pairs[PAIRS_MAX];
	size_t npairs;
	int host[VMS]; /* now */
	double vcpu[VMS];
	int objective, plan_ms;
	size_t moves;
	/* Of those who live as the daemon does: */
	int64_t now_s;
	struct residence residence;
	json_t *standing; /* the current recommendation */
	size_t advices;   /* how many there were */
	/* What was paid so far, in the unit of the objective and an hour: for being so, for moves.
	 */
	double running, moving;
};

static void add_pair(struct life *life, int a, int b, double bytes_s)
{
	ck_assert_uint_lt(life->npairs, PAIRS_MAX);
	life->pairs[life->npairs++] = (struct pair){a, b, bytes_s, bytes_s / 800};
}

/* Groups scattered over all hosts, links of different weight, and a little between groups. */
static void begin(struct life *life, int objective, int plan_ms, uint64_t seed)
{
	lots = seed;
	*life = (struct life){.objective = objective, .plan_ms = plan_ms};
	for (int vm = 0; vm < VMS; vm++) {
		life->host[vm] = (int)draw(HOSTS);
		life->vcpu[vm] = 1 + draw(2);
	}
	for (int a = 0; a < VMS; a++) {
		for (int b = a + 1; b < VMS; b++) {
			if (a % GROUPS == b % GROUPS && share() < 0.5)
				add_pair(life, a, b, 2e5 * (1 + 9 * share()));
			else if (share() < 0.02)
				add_pair(life, a, b, 2e4 * (1 + 9 * share()));
		}
	}
}

static void name_of(int vm, char out[8])
{
	snprintf(out, 8, "vm%02d", vm);
}

/* weight: what each pair carries now, relative to its mean; NULL: the mean. */
static void look(const struct life *life, const double *weight, struct world *world)
{
	char a[8], b[8], host[4];

	world_begin(world, document);
	for (int vm = 0; vm < VMS; vm++) {
		name_of(vm, a);
		snprintf(host, sizeof host, "h%d", life->host[vm]);
		world_vm(
		    world, a, sites[life->host[vm]], host, life->vcpu[vm], 2 * life->vcpu[vm], "");
	}
	for (size_t i = 0; i < life->npairs; i++) {
		const struct pair *pair = &life->pairs[i];
		const double now = weight != NULL ? weight[i] : 1;

		name_of(pair->a, a);
		name_of(pair->b, b);
		world_talk(world, a, b, pair->bytes_s * now, pair->packets_s * now);
	}
	world_end(world);
	world->settings.objective = life->objective;
	world->settings.plan_time_ms = life->plan_ms;
}

/* Carries a step of a plan out. */
static void carry_out(struct life *life, const struct advice *advice, const struct plan_step *step)
{
	const struct problem *p = &advice->problem;
	struct instance there = p->instance;
	const uint32_t from = p->places.items[step->from].env, to = p->places.items[step->to].env;
	const enum cost_objective objective = advice->objective;
	struct instance_vm vm = there.vms[step->vm];

	life->host[strtol(p->vms[step->vm]->name + 2, NULL, 10)] = p->names[step->to].host[1] - '0';
	life->moves++;
	if (from == to)
		return;
	/* The move is what is dearer for a VM that comes than for one that is there. */
	there.vms = &vm;
	vm.env = from;
	vm.reluctance = 0;
	if (objective == COST_TRAFFIC)
		life->moving +=
		    cost_migration_MB(&vm, there.links[from * there.nenvs + to].bandwidth_MBps) *
		    1e6 / 3600;
	else
		life->moving += solve_model_of_vm(&there, objective, 0, to);
	vm.env = to;
	if (objective != COST_TRAFFIC)
		life->moving -= solve_model_of_vm(&there, objective, 0, to);
}

static void plan_or_fail(struct world *world, struct advice *advice)
{
	char message[1024];

	ck_assert_msg(world_plan(world, advice, message) == 0, "%s", message);
}

/* Plans on what is seen and carries all moves out at once. */
static void live(struct life *life, const double *weight, double minimum_gain)
{
	struct world world;
	struct advice advice;

	look(life, weight, &world);
	world.settings.max_moves = VMS;
	world.settings.minimum_gain = minimum_gain;
	if (minimum_gain == 0) {
		world.settings.minimum_gain_rate = 0;
		world.settings.payback_ms = world.settings.horizon_ms;
	}
	plan_or_fail(&world, &advice);
	for (size_t i = 0; i < advice.plan.nsteps; i++)
		carry_out(life, &advice, &advice.plan.steps[i]);
	advice_deinit(&advice);
	world_deinit(&world);
}

/* What the present placement costs for an hour of this traffic. */
static double cost_now(const struct life *life, const double *weight)
{
	struct world world;
	struct advice advice;
	double value;

	look(life, weight, &world);
	world.settings.max_moves = 0;
	world.settings.plan_time_ms = 1;
	plan_or_fail(&world, &advice);
	value = solve_model_value(advice.objective, &advice.plan.before);
	if (advice.objective != COST_TRAFFIC)
		value /= advice.problem.horizon_h;
	advice_deinit(&advice);
	world_deinit(&world);
	return value;
}

/* A normal draw, by the sum of twelve. */
static double normal(void)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += share();
	return sum;
}

static const int objectives[] = {MANAGER_TRAFFIC, MANAGER_TIME, MANAGER_COST};

START_TEST(noise_brings_hardly_more_moves)
{
	const int periods = unit_count(PERIODS, PERIODS_SHORT);
	struct life life;
	double weight[PAIRS_MAX];
	size_t calm, noisy;

	/* Without noise: what is worth it once, and never again. */
	begin(&life, objectives[_i], 300, 11);
	live(&life, NULL, 0.1);
	calm = life.moves;
	for (int period = 0; period < 5; period++)
		live(&life, NULL, 0.1);
	ck_assert_uint_eq(life.moves, calm);
	ck_assert_uint_gt(calm, VMS / 4);
	/* Every period alone, the hardest case: 5 % on each pair. */
	begin(&life, objectives[_i], 300, 11);
	for (int period = 0; period < periods; period++) {
		for (size_t i = 0; i < life.npairs; i++)
			weight[i] = fmax(0, 1 + 0.05 * normal());
		live(&life, weight, 0.1);
	}
	noisy = life.moves;
	printf("objective %s: %zu moves without noise, %zu in %d periods with 5 %%\n",
	    manager_objectives[objectives[_i]], calm, noisy, periods);
	ck_assert_uint_le(noisy, calm + calm / 10);
}
END_TEST

/* ---- a week ---- */

#define DAY_S 86400
#define WEEK_S (7 * DAY_S)
#define WINDOW_S 300        /* as long as the setting of a fresh installation */
#define MOVES_IN_A_WINDOW 4 /* people, or what works for them, carry out so many in 5 min */

static const struct {
	const char *name;
	int step_s;
	int worlds;
} forms[] = {{"short", 3600, 1}, {"full", 2 * WINDOW_S, 5}};

/* The form that GRAPPE_WEEK names. */
static int form(void)
{
	const char *wanted = getenv("GRAPPE_WEEK");

	return wanted != NULL && strcmp(wanted, forms[1].name) == 0;
}

/* Groups work by day or by night, backups go between them from two to four, weekends are quiet.
 * A window has ten periods with 5 % noise. */
static void tell_traffic(const struct life *life, double hour, double *weight)
{
	const double of_day = fmod(hour, 24);
	const bool weekend = hour >= 5 * 24.0;

	for (size_t i = 0; i < life->npairs; i++) {
		const struct pair *pair = &life->pairs[i];
		const int group = pair->a % GROUPS;
		const double phase = group % 2 == 0 ? 14 : 2;
		double now = 0.6 + 0.4 * cos((of_day - phase) * 2 * M_PI / 24);

		if (group != pair->b % GROUPS && of_day >= 2 && of_day < 4)
			now = 10;
		if (weekend)
			now *= 0.4;
		weight[i] = now * fmax(0, 1 + 0.05 / sqrt(10) * normal());
	}
}

/* As the daemon does: plans with the settings of a fresh installation, on what is seen; advice
 * stands until it is done, replaced or lapses; a few of its moves are carried out before the next
 * plan, VMs that move together at once. */
static void follow(struct life *life, const double *weight, int step_s)
{
	const size_t budget = (size_t)(MOVES_IN_A_WINDOW * step_s / WINDOW_S);
	const size_t before = life->moves;
	struct world world;
	struct advice advice;
	json_t *fresh, *next;

	look(life, weight, &world);
	ck_assert_int_eq(world.settings.window_ms, WINDOW_S * 1000);
	ck_assert_int_eq(
	    residence_update(&life->residence, &world.observation, life->now_s), GRAPPE_OK);
	if (life->standing != NULL)
		recommendation_expire(life->standing, life->now_s);
	world.now_s = life->now_s;
	world.residence = &life->residence;
	world.standing = life->standing;
	plan_or_fail(&world, &advice);
	fresh =
	    recommendation_build(&(struct recommendation_input){.observation = &world.observation,
		.groups = &advice.groups,
		.problem = &advice.problem,
		.plan = &advice.plan,
		.objective = advice.objective,
		.settings = &world.settings,
		.before = life->standing,
		.now_s = life->now_s,
		.expires_s = life->now_s + world.settings.expires_ms / 1000});
	ck_assert_ptr_nonnull(fresh);
	life->advices += recommendation_follow(life->standing, fresh, &next) == RECOMMENDATION_NEW;
	for (size_t i = 0; i < advice.plan.nsteps; i++) {
		const struct plan_step *step = &advice.plan.steps[i];

		if (i > 0 && life->moves - before >= budget && step->step != step[-1].step)
			break;
		carry_out(life, &advice, step);
	}
	json_decref(fresh);
	json_decref(life->standing);
	life->standing = next;
	life->now_s += step_s;
	advice_deinit(&advice);
	world_deinit(&world);
}

/* What a life has cost; what its moves cost is part of it. */
static double paid(const struct life *life)
{
	return life->running + life->moving;
}

static void print_week(
    const struct life *idle, const struct life *steady, const struct life *eager, uint64_t seed)
{
	const double days = 7;

	printf(
	    "%-8s world %d: %4zu moves (%.2f a VM and day, %zu recommendations), %5.1f %% of the "
	    "gain; each period anew: %5zu moves (%.2f), moving takes %.1f %% and %.1f %% of the "
	    "gain\n",
	    manager_objectives[idle->objective], (int)seed, steady->moves,
	    (double)steady->moves / VMS / days, steady->advices,
	    100 * (paid(idle) - paid(steady)) / (paid(idle) - paid(eager)), eager->moves,
	    (double)eager->moves / VMS / days,
	    100 * steady->moving / (idle->running - steady->running),
	    100 * eager->moving / (idle->running - eager->running));
	fflush(stdout);
}

static void run_week(int objective, uint64_t seed)
{
	const int step_s = forms[form()].step_s;
	const double hours = step_s / 3600.0;
	struct life steady, eager, idle;
	double weight[PAIRS_MAX];

	begin(&steady, objective, 30, seed);
	steady.now_s = 1795000000;
	eager = idle = steady;
	for (int now_s = 0; now_s < WEEK_S; now_s += step_s) {
		tell_traffic(&steady, now_s / 3600.0, weight);
		/* The placement of now, chosen by what was seen before, meets what comes. */
		idle.running += hours * cost_now(&idle, weight);
		steady.running += hours * cost_now(&steady, weight);
		eager.running += hours * cost_now(&eager, weight);
		follow(&steady, weight, step_s);
		live(&eager, weight, 0);
	}
	print_week(&idle, &steady, &eager, seed);
	json_decref(steady.standing);
	residence_deinit(&steady.residence);
	ck_assert_double_gt(paid(&idle), paid(&eager));
	ck_assert_double_ge(paid(&idle) - paid(&steady), 0.9 * (paid(&idle) - paid(&eager)));
	/* To follow what comes and goes once a day would take two moves of each day: no more than
	 * half of that. */
	ck_assert_uint_le(steady.moves, VMS * 7);
}

START_TEST(a_week_brings_few_moves_and_nearly_all_of_the_gain)
{
	const int worlds = forms[form()].worlds;

	run_week(objectives[_i / worlds], 23 + (uint64_t)(_i % worlds));
}
END_TEST

int main(void)
{
	static const char *const weeks[] = {"week-traffic", "week-time", "week-cost"};
	const int worlds = forms[form()].worlds;
	Suite *suite = suite_create("replay_stability");
	TCase *noise = tcase_create("noise");

	tcase_add_loop_test(noise, noise_brings_hardly_more_moves, 0, 3);
	tcase_set_timeout(noise, 600);
	suite_add_tcase(suite, noise);
	for (int i = 0; i < 3; i++) {
		TCase *week = tcase_create(weeks[i]);

		tcase_add_loop_test(week, a_week_brings_few_moves_and_nearly_all_of_the_gain,
		    i * worlds, (i + 1) * worlds);
		tcase_set_timeout(week, 3600);
		suite_add_tcase(suite, week);
	}
	return unit_run(suite);
}
