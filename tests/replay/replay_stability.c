/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How steady recommendations are: the manager's plans over simulated time, with noise on every
 * pair, and over a week whose traffic changes with the hour; moves are carried out at once.
 */
#include "tests/fakes/world.h"
#include "tests/unit/unit.h"

#include <math.h>

#define VMS 48
#define GROUPS 8
#define HOSTS 6
#define PERIODS 200

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
	struct pair pairs[VMS * VMS];
	size_t npairs;
	int host[VMS]; /* now */
	double vcpu[VMS];
	int objective, plan_ms;
	size_t moves;
};

static void add_pair(struct life *life, int a, int b, double bytes_s)
{
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
	world->settings.max_moves = VMS;
}

/* Plans on what is seen and carries all moves out; settings may differ from a fresh
 * installation's. Returns what the objective costs in the mean afterwards. */
static double live(struct life *life, const double *weight, double minimum_gain)
{
	struct world world;
	struct advice advice;
	char message[1024];
	double value;

	look(life, weight, &world);
	world.settings.minimum_gain = minimum_gain;
	if (minimum_gain == 0)
		world.settings.minimum_gain_rate = 0;
	ck_assert_msg(world_plan(&world, &advice, message) == 0, "%s", message);
	for (size_t i = 0; i < advice.plan.nsteps; i++) {
		const struct plan_step *step = &advice.plan.steps[i];

		life->host[strtol(advice.problem.vms[step->vm]->name + 2, NULL, 10)] =
		    advice.problem.names[step->to].host[1] - '0';
	}
	life->moves += advice.plan.nsteps;
	value = solve_model_value(advice.objective, &advice.plan.after);
	advice_deinit(&advice);
	world_deinit(&world);
	return value;
}

/* What the present placement costs with this traffic. */
static double cost_now(const struct life *life, const double *weight)
{
	struct world world;
	struct advice advice;
	char message[1024];
	double value;

	look(life, weight, &world);
	world.settings.max_moves = 0;
	world.settings.plan_time_ms = 1;
	ck_assert_int_eq(world_plan(&world, &advice, message), 0);
	value = solve_model_value(advice.objective, &advice.plan.before);
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
	struct life life;
	double weight[VMS * VMS];
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
	for (int period = 0; period < PERIODS; period++) {
		for (size_t i = 0; i < life.npairs; i++)
			weight[i] = fmax(0, 1 + 0.05 * normal());
		live(&life, weight, 0.1);
	}
	noisy = life.moves;
	printf("objective %s: %zu moves without noise, %zu in %d periods with 5 %%\n",
	    manager_objectives[objectives[_i]], calm, noisy, PERIODS);
	ck_assert_uint_le(noisy, calm + calm / 10);
}
END_TEST

/* ---- a week ---- */

#define STEPS (7 * 24) /* hours */
#define WINDOW 24      /* hours that the steady one looks back on */

/* Groups work by day or by night, backups go between them from two to four, weekends are quiet. */
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
		weight[i] = now * fmax(0, 1 + 0.05 * normal());
	}
}

START_TEST(a_week_brings_few_moves_and_nearly_all_of_the_gain)
{
	struct life steady, eager, idle;
	double weight[VMS * VMS], mean[VMS * VMS], costs[3] = {0};
	static double past[WINDOW][VMS * VMS];

	begin(&steady, objectives[_i], 60, 23);
	eager = idle = steady;
	for (int step = 0; step < STEPS; step++) {
		const int known = step < WINDOW ? step + 1 : WINDOW;

		tell_traffic(&steady, step, weight);
		memcpy(past[step % WINDOW], weight, sizeof weight);
		for (size_t i = 0; i < steady.npairs; i++) {
			mean[i] = 0;
			for (int k = 0; k < known; k++)
				mean[i] += past[k][i] / known;
		}
		costs[0] += cost_now(&idle, weight);
		live(&steady, mean, 0.1);
		costs[1] += cost_now(&steady, weight);
		live(&eager, weight, 0);
		costs[2] += cost_now(&eager, weight);
	}
	printf(
	    "objective %s: %zu moves in a week (%zu without a least gain), %.1f %% of their gain\n",
	    manager_objectives[objectives[_i]], steady.moves, eager.moves,
	    100 * (costs[0] - costs[1]) / (costs[0] - costs[2]));
	fflush(stdout);
	ck_assert_uint_le(steady.moves, 3 * VMS);
	ck_assert_double_ge(costs[0] - costs[1], 0.9 * (costs[0] - costs[2]));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replay_stability");
	TCase *noise = tcase_create("noise"), *week = tcase_create("week");

	tcase_add_loop_test(noise, noise_brings_hardly_more_moves, 0, 3);
	tcase_set_timeout(noise, 600);
	suite_add_tcase(suite, noise);
	tcase_add_loop_test(week, a_week_brings_few_moves_and_nearly_all_of_the_gain, 0, 3);
	tcase_set_timeout(week, 600);
	suite_add_tcase(suite, week);
	return unit_run(suite);
}
