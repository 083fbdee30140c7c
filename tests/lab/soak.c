/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The soak test: grappe-collector in a simulated world (soak_clock.h, soak_fleet.h, soak_agents.h),
 * killed again and again, its state only what is on disk; at the end its archives are compared with
 * the truth (soak_truth.h).
 *
 *     soak --collector FILE --shim FILE --folder FOLDER [--scenario NAME] [--seed N] [--hours N]
 *          [--kills N] [--without-journal]
 *
 * Scenarios: "weather" (the default: losses, reboots, migrations and kills for so many hours),
 * "absent" (an agent cannot be reached for ten minutes while one of its VMs moves away), "reload"
 * (agents are added and removed by SIGHUP), "clock" (the collector's own clock is wrong for a
 * while). The same seed gives the same world, and but for kills of the other thread the same run.
 * With --without-journal the archives' journal is not written: the test must notice. Exit code 0:
 * everything as it should be, 2: the archives are wrong, 1: no result.
 */
#include "common/clock.h"
#include "tests/lab/soak_agents.h"
#include "tests/lab/soak_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS_NS INT64_C(1000000)
#define START_S INT64_C(1793563200) /* 20:00 UTC: short runs see the end of a day, too */
#define FIRST_MS INT64_C(665000)    /* when the collector starts first: rings are full */
#define DRAIN_MS (12 * FLEET_MINUTE_MS)
#define ROOM_MS (120 * FLEET_MINUTE_MS) /* that kills may need beyond their time */
#define START_CALLS 60                  /* that change files, in a start */
#define DEADLINE_MS 15000
#define TIMEOUT_MS 1000
#define TRIES 3
#define WATCHDOG_MS 120000   /* of real time: the collector must ask or die */
#define STRIKE_WAIT_MS 40000 /* simulated: so long an armed strike may wait for its call */
#define MONOTONIC_AHEAD_S 10000000
#define DAY_S 86400
#define DEMANDED_MIN 0.85 /* share of all that agents ever had */
#define TOPIC_KILL 2001   /* for fleet_random() */

enum scenario { WEATHER, ABSENT, RELOAD, CLOCK };

struct options {
	const char *collector, *shim, *folder;
	enum scenario scenario;
	uint64_t seed;
	int hours, kills;
	bool without_journal;
};

/* How the collector ends. */
enum manner {
	STRUCK,       /* at a call of either thread */
	STRUCK_STORE, /* in an update of librrd */
	STRUCK_MAIN,  /* at a call of the loop's thread: the inventory, the socket */
	STRUCK_START, /* at a call within its start */
	AT_ONCE,      /* while it waits */
	ANYWHERE,     /* after some real microseconds of work */
	STOPPED,      /* SIGTERM */
	MANNERS
};

struct world {
	struct options options;
	struct fleet *fleet;
	struct truth *truth;
	struct agents *agents;
	struct soak_page *page;
	int page_fd, control;
	pid_t pid;
	int64_t now_ns;
	bool asked; /* the collector waits for an answer to `request` */
	struct soak_request request;
	bool polled[64]; /* by agent: in the configuration */
	uint64_t draws;
	uint64_t calls[SOAK_PLACES];
	int runs, killed;
	long largest_kb; /* the most that was resident of the collector when it ended */
	int deaths[MANNERS];
	int places[SOAK_PLACES], in_main;
	struct timespec begun;
};

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list arguments;

	printf("FAILED ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	exit(1);
}

static double draw(struct world *world)
{
	return fleet_random(world->fleet, TOPIC_KILL, 0, world->draws++);
}

static int64_t draw_between(struct world *world, int64_t low, int64_t high)
{
	return low + (int64_t)(draw(world) * (double)(high - low));
}

static int64_t real_ms(const struct world *world)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - world->begun.tv_sec) * 1000 +
	       (now.tv_nsec - world->begun.tv_nsec) / MS_NS;
}

/* ---- the collector's process ---- */

static void write_configuration(const struct world *world)
{
	const char *folder = world->options.folder;
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof path, "%s/collector.conf", folder);
	file = fopen(path, "w");
	if (file == NULL)
		die("cannot write %s: %s", path, strerror(errno));
	fprintf(file,
	    "socket = \"%s/collector.sock\"\narchive_directory = \"%s/rrd\"\n"
	    "state_directory = \"%s/state\"\narchive_floor = 1MiB\n"
	    "archive \"detail\" { resolution = 30s keep = 9d }\n"
	    "archive \"minutes\" { resolution = 5min keep = 14d }\n"
	    "archive \"hours\" { resolution = 1h keep = 60d }\n"
	    "archive \"days\" { resolution = 1d keep = 400d }\n",
	    folder, folder, folder);
	if (fleet_config(world->fleet)->endpoint)
		fprintf(file, "endpoint \"" FLEET_ENDPOINT_NAME
			      "\" { address = \"" FLEET_ENDPOINT_ADDRESS "\" }\n");
	for (int a = 0; a < fleet_config(world->fleet)->agents; a++)
		if (world->polled[a])
			fprintf(file, "agent \"host%d\" { address = \"%s\" }\n", a,
			    agents_address(world->agents, a));
	if (fclose(file) != 0)
		die("cannot write %s: %s", path, strerror(errno));
}

static void become_collector(const struct world *world, int control)
{
	char environment[64], path[PATH_MAX];
	int log;

	snprintf(path, sizeof path, "%s/collector.log", world->options.folder);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	snprintf(environment, sizeof environment, "%d %d", control, world->page_fd);
	if (log < 0 || dup2(log, STDERR_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
	    setenv(SOAK_ENVIRONMENT, environment, 1) != 0 ||
	    setenv("LD_PRELOAD", world->options.shim, 1) != 0)
		_exit(4);
	snprintf(path, sizeof path, "%s/collector.conf", world->options.folder);
	execl(world->options.collector, "grappe-collector", "--config", path, (char *)NULL);
	_exit(4);
}

static void spawn(struct world *world, int32_t strike)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		die("no socket pair: %s", strerror(errno));
	fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	world->page->now_ns = world->page->horizon_ns = world->now_ns;
	world->page->strike = strike;
	world->page->strike_whose = SOAK_ANY;
	world->page->struck = SOAK_NOWHERE;
	memset(world->page->calls, 0, sizeof world->page->calls);
	world->asked = false;
	world->runs++;
	truth_begin_run(world->truth, world->now_ns / MS_NS, DEADLINE_MS);
	fflush(stdout);
	world->pid = fork();
	if (world->pid == 0)
		become_collector(world, pair[1]);
	if (world->pid < 0)
		die("cannot fork: %s", strerror(errno));
	close(pair[1]);
	world->control = pair[0];
}

/* The process has ended or is about to; it must have done so by this signal, 0: by itself, well. */
static void bury(struct world *world, int by_signal)
{
	int status;

	if (waitpid(world->pid, &status, 0) != world->pid)
		die("cannot wait for the collector: %s", strerror(errno));
	world->pid = 0;
	close(world->control);
	world->now_ns = world->page->now_ns;
	if (by_signal != 0 ? !WIFSIGNALED(status) || WTERMSIG(status) != by_signal
			   : !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		die("the collector ended by itself (status %#x) at %" PRId64 " ms",
		    (unsigned)status, world->now_ns / MS_NS);
	if (world->page->struck != SOAK_NOWHERE) {
		world->places[world->page->struck]++;
		world->in_main += world->page->struck_main;
	}
	world->killed += by_signal == SIGKILL;
	for (int i = 0; i < SOAK_PLACES; i++)
		world->calls[i] += world->page->calls[i];
	agents_forget(world->agents);
	truth_end_run(world->truth, world->now_ns / MS_NS);
}

/* The next request; false: the process has ended. */
static bool read_request(struct world *world)
{
	struct pollfd entry = {.fd = world->control, .events = POLLIN};
	int n;

	do
		n = poll(&entry, 1, WATCHDOG_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0) {
		kill(world->pid, SIGKILL);
		die("the collector neither waits nor ends at %" PRId64 " ms",
		    world->page->now_ns / MS_NS);
	}
	world->asked = read(world->control, &world->request, sizeof world->request) ==
		       (ssize_t)sizeof world->request;
	return world->asked;
}

static void reply(struct world *world, int64_t horizon_ns, int32_t strike, enum soak_whose whose)
{
	const struct soak_reply message = {.now_ns = world->now_ns,
	    .horizon_ns = horizon_ns,
	    .strike = strike,
	    .strike_whose = whose};

	world->asked = false;
	/* It may have been killed meanwhile: the next read tells. */
	if (send(world->control, &message, sizeof message, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		die("cannot answer the collector: %s", strerror(errno));
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Lets the collector live until limit_ns; then it waits for an answer. False: it has ended. */
static bool live(struct world *world, int64_t limit_ns, int32_t strike, enum soak_whose whose)
{
	for (;;) {
		int64_t next_ns;

		if (!world->asked && !read_request(world))
			return false;
		world->now_ns = world->page->now_ns;
		agents_receive(world->agents, world->now_ns);
		if (world->now_ns >= limit_ns)
			return true;
		next_ns = smaller(
		    smaller(world->request.until_ns, limit_ns), agents_next_ns(world->agents));
		if (next_ns > world->now_ns)
			world->now_ns = next_ns;
		agents_send(world->agents, world->now_ns);
		reply(world, smaller(limit_ns, agents_next_ns(world->agents)), strike, whose);
		strike = 0;
	}
}

static void live_until(struct world *world, int64_t limit_ms)
{
	if (!live(world, limit_ms * MS_NS, 0, SOAK_ANY))
		bury(world, 0), die("the collector ended without reason");
}

/* What the collector has in memory; it waits. */
static void note_size(struct world *world)
{
	char path[64];
	long pages, resident = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/statm", (int)world->pid);
	file = fopen(path, "r");
	if (file == NULL || fscanf(file, "%ld %ld", &pages, &resident) != 2)
		die("cannot read %s", path);
	fclose(file);
	resident *= sysconf(_SC_PAGESIZE) / 1024;
	if (resident > world->largest_kb)
		world->largest_kb = resident;
}

static void stop(struct world *world)
{
	note_size(world);
	kill(world->pid, SIGTERM);
	if (live(world, world->now_ns + 5000 * MS_NS, 0, SOAK_ANY))
		die("the collector does not end on SIGTERM");
	bury(world, 0);
}

/* ---- weather ---- */

static enum manner choose_manner(struct world *world)
{
	static const struct {
		enum manner manner;
		double share;
	} shares[] = {{STRUCK, 0.3}, {STRUCK_STORE, 0.15}, {STRUCK_MAIN, 0.1}, {STRUCK_START, 0.15},
	    {AT_ONCE, 0.1}, {ANYWHERE, 0.15}};
	double luck = draw(world);

	if (world->options.without_journal)
		return STRUCK_STORE; /* where it is needed */

	for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
		if (luck < shares[i].share)
			return shares[i].manner;
		luck -= shares[i].share;
	}
	return STOPPED;
}

/* When the first period of the next day ends: the writer has most to do then. */
static int64_t next_day_ms(int64_t at_ms)
{
	const int64_t day_s = START_S + at_ms / 1000 - FLEET_LENGTH_MS / 1000;

	return ((day_s / DAY_S + 1) * DAY_S - START_S) * 1000 + FLEET_LENGTH_MS;
}

/* Most of the writer's work is done in the first seconds of a period. */
static int64_t choose_instant(struct world *world, int64_t mean_ms)
{
	const int64_t now_ms = world->now_ns / MS_NS, day_ms = next_day_ms(now_ms);
	const int64_t at_ms = now_ms + 2000 + draw_between(world, 0, 2 * mean_ms);

	if (at_ms > day_ms)
		return day_ms + draw_between(world, 0, 4000);
	if (draw(world) < 0.3)
		return at_ms;
	return at_ms / FLEET_LENGTH_MS * FLEET_LENGTH_MS + FLEET_LENGTH_MS +
	       draw_between(world, 0, 4000);
}

static void kill_now(struct world *world)
{
	kill(world->pid, SIGKILL);
	bury(world, SIGKILL);
}

/* The collector waits; it is to die at the strike-th call from now on. */
static void strike_down(struct world *world, int32_t strike, enum soak_whose whose)
{
	if (live(world, world->now_ns + STRIKE_WAIT_MS * MS_NS, strike, whose))
		kill_now(world);
	else
		bury(world, SIGKILL);
}

/* The collector is let go and killed while it works. */
static void kill_anywhere(struct world *world)
{
	const struct timespec nap = {.tv_nsec = draw_between(world, 1000, 3000000)};
	const int64_t begin_ns = world->now_ns;

	/* To a moment at which there is work for sure: the next second. */
	live(world, (begin_ns / CLOCK_SECOND_NS + 1) * CLOCK_SECOND_NS, 0, SOAK_ANY);
	reply(world, world->now_ns, 0, SOAK_ANY);
	nanosleep(&nap, NULL);
	kill_now(world);
}

/* Between a death and the next start; limit_ms: so that all kills find their time. */
static int64_t choose_pause_ms(struct world *world, int64_t limit_ms)
{
	const double luck = draw(world);
	int64_t pause_ms = draw_between(world, 100, 5000);

	if (luck > 0.9)
		pause_ms = draw_between(world, 2 * FLEET_MINUTE_MS, 12 * FLEET_MINUTE_MS);
	else if (luck > 0.7)
		pause_ms = draw_between(world, 5000, 2 * FLEET_MINUTE_MS);
	return limit_ms > 0 && limit_ms < pause_ms ? limit_ms : pause_ms;
}

/* Calls of about one period's work; of a day's end there are more. */
static int32_t choose_strike(struct world *world)
{
	const int64_t to_day_ms =
	    next_day_ms(world->now_ns / MS_NS - 10000) - world->now_ns / MS_NS;

	return (int32_t)draw_between(world, 1, to_day_ms < 10000 ? 8000 : 1500);
}

static void end_run(struct world *world, enum manner manner)
{
	note_size(world);
	world->deaths[manner]++;
	switch (manner) {
	case STRUCK:
		strike_down(world, choose_strike(world), SOAK_ANY);
		break;
	case STRUCK_STORE:
		strike_down(world, (int32_t)draw_between(world, 1, 400), SOAK_STORES);
		break;
	case STRUCK_MAIN:
		strike_down(world, (int32_t)draw_between(world, 1, 12), SOAK_MAIN);
		break;
	case ANYWHERE:
		kill_anywhere(world);
		break;
	case STOPPED:
		stop(world);
		break;
	default:
		kill_now(world);
		break;
	}
}

static void pause_and_start(struct world *world, int64_t limit_ms, int32_t strike)
{
	world->now_ns += choose_pause_ms(world, limit_ms) * MS_NS;
	spawn(world, strike);
}

static void say_progress(const struct world *world, int64_t *said_ms)
{
	const int64_t now_ms = world->now_ns / MS_NS;
	const struct agents_counts counts = agents_get_counts(world->agents);

	if (now_ms < *said_ms)
		return;
	*said_ms = now_ms / (360 * FLEET_MINUTE_MS) * 360 * FLEET_MINUTE_MS + 360 * FLEET_MINUTE_MS;
	printf("  %5.1f h simulated in %.1f s: %d kills, %" PRIu64 " requests\n",
	    (double)now_ms / 3.6e6, (double)real_ms(world) / 1e3, world->killed, counts.requests);
	fflush(stdout);
}

/* Killed in its start, before it has polled anybody. */
static void die_in_start(struct world *world, int64_t limit_ms)
{
	pause_and_start(world, limit_ms, (int32_t)draw_between(world, 1, START_CALLS));
	if (live(world, world->now_ns + 1000 * MS_NS, 0, SOAK_ANY))
		kill_now(world);
	else
		bury(world, SIGKILL);
}

static void run_weather(struct world *world, int64_t calm_ms, int64_t end_ms)
{
	int64_t said_ms = 0;

	spawn(world, 0);
	while (world->killed < world->options.kills) {
		/* Shared out over the time that is left. */
		const int64_t left_ms = larger(calm_ms - world->now_ns / MS_NS, 0);
		const int64_t mean_ms = left_ms / (world->options.kills - world->killed + 1);
		const enum manner manner = choose_manner(world);

		live_until(world, choose_instant(world, mean_ms));
		say_progress(world, &said_ms);
		end_run(world, manner);
		if (manner == STRUCK_START)
			die_in_start(world, 4 * mean_ms);
		pause_and_start(world, 4 * mean_ms, 0);
	}
	live_until(world, larger(end_ms, world->now_ns / MS_NS + DRAIN_MS));
	stop(world);
}

/* ---- the other scenarios ---- */

/* Ten minutes without an agent, in which one of its VMs goes to another host. */
static void run_absent(struct world *world, int64_t end_ms)
{
	const int64_t from_ms = 40 * FLEET_LENGTH_MS + 5000;

	fleet_hide(world->fleet, 1, (struct fleet_span){from_ms, from_ms + 10 * FLEET_MINUTE_MS});
	fleet_move(world->fleet, 1, 2, from_ms + 4 * FLEET_MINUTE_MS + 7300);
	spawn(world, 0);
	live_until(world, end_ms);
	stop(world);
}

static void reload(struct world *world)
{
	write_configuration(world);
	kill(world->pid, SIGHUP);
}

/* One agent is added; then one whose VMs have left is removed. Both while others have much to tell:
 * just after the end of a period, and in the middle of a time in which one of them cannot be
 * reached. */
static void run_reload(struct world *world, int64_t end_ms)
{
	const int newcomer = fleet_config(world->fleet)->agents - 1;
	const int64_t join_ms = 40 * FLEET_LENGTH_MS + 500;
	const int64_t leave_ms = 60 * FLEET_LENGTH_MS + 500;

	world->polled[newcomer] = false;
	truth_leave(world->truth, newcomer, 0);
	write_configuration(world);
	fleet_hide(world->fleet, 1,
	    (struct fleet_span){join_ms - 4 * FLEET_MINUTE_MS, join_ms + 2 * FLEET_MINUTE_MS});
	for (int v = 0; v < fleet_config(world->fleet)->vms; v++)
		if (v % fleet_config(world->fleet)->agents == 0)
			fleet_move(
			    world->fleet, v, newcomer, leave_ms - (2 + v) * FLEET_LENGTH_MS - 4321);
	spawn(world, 0);
	live_until(world, join_ms);
	world->polled[newcomer] = true;
	truth_join(world->truth, newcomer, join_ms);
	reload(world);
	live_until(world, leave_ms);
	world->polled[0] = false;
	truth_leave(world->truth, 0, leave_ms);
	reload(world);
	live_until(world, end_ms);
	stop(world);
}

/* The collector's own clock is wrong for some minutes: behind, ahead, and so far ahead that all
 * rings seem to be past. What was not fetched meanwhile is in the rings when it is right again. */
static void run_clock(struct world *world, int64_t end_ms)
{
	static const struct {
		int64_t at_ms, for_ms, off_ms;
	} jumps[] = {{40 * FLEET_LENGTH_MS + 5000, 5 * FLEET_MINUTE_MS, -4 * FLEET_MINUTE_MS},
	    {70 * FLEET_LENGTH_MS + 17000, 5 * FLEET_MINUTE_MS, 4 * FLEET_MINUTE_MS},
	    {100 * FLEET_LENGTH_MS + 500, 6 * FLEET_MINUTE_MS, 25 * FLEET_MINUTE_MS}};

	for (int v = 0; v < 3; v++)
		fleet_move(world->fleet, v, 3, jumps[v].at_ms + FLEET_MINUTE_MS + 12345);
	spawn(world, 0);
	for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
		truth_excuse(world->truth,
		    (struct fleet_span){jumps[i].at_ms, jumps[i].at_ms + jumps[i].for_ms});
		live_until(world, jumps[i].at_ms);
		world->page->wall_base_ns += jumps[i].off_ms * MS_NS;
		live_until(world, jumps[i].at_ms + jumps[i].for_ms);
		world->page->wall_base_ns -= jumps[i].off_ms * MS_NS;
	}
	live_until(world, end_ms);
	stop(world);
}

/* ---- all ---- */

static struct soak_page *share_page(int *fd)
{
	struct timespec real;
	struct soak_page *page;

	*fd = memfd_create("soak", 0);
	if (*fd < 0 || ftruncate(*fd, sizeof *page) != 0)
		die("no page to share: %s", strerror(errno));
	page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (page == MAP_FAILED)
		die("no page to share: %s", strerror(errno));
	clock_gettime(CLOCK_MONOTONIC, &real);
	page->wall_base_ns = START_S * CLOCK_SECOND_NS;
	page->monotonic_base_ns = (real.tv_sec + MONOTONIC_AHEAD_S) * CLOCK_SECOND_NS;
	return page;
}

static void prepare(struct world *world, int64_t calm_ms, int64_t end_ms)
{
	const bool weather = world->options.scenario == WEATHER;
	const struct fleet_config config = {.seed = world->options.seed,
	    .start_s = START_S,
	    .calm_ms = weather ? calm_ms : 0,
	    .agents = weather ? 12 : 4,
	    .vms = weather ? 72 : 12,
	    .endpoint = weather,
	    .fault_gap_ms = (world->options.hours > 24 ? 180 : 60) * FLEET_MINUTE_MS,
	    .move_gap_ms = (world->options.hours > 24 ? 120 : 30) * FLEET_MINUTE_MS};
	struct agents_config agents = {.lost = weather ? 0.05 : 0,
	    .late = weather ? 0.01 : 0,
	    .timeout_ms = TIMEOUT_MS,
	    .tries = TRIES};

	clock_gettime(CLOCK_MONOTONIC, &world->begun);
	world->fleet = fleet_new(&config);
	world->truth = truth_new(world->fleet, (end_ms + ROOM_MS) / FLEET_LENGTH_MS);
	agents.fleet = world->fleet;
	agents.truth = world->truth;
	world->agents = agents_open(&agents);
	world->page = share_page(&world->page_fd);
	world->page->without_journal = world->options.without_journal;
	world->now_ns = FIRST_MS * MS_NS;
	memset(world->polled, true, sizeof world->polled);
	write_configuration(world);
}

static void say_deaths(const struct world *world)
{
	static const char *const manners[MANNERS] = {"at a call", "at a store",
	    "at a call of the loop", "in the start", "while waiting", "anywhere", "SIGTERM"};
	static const char *const places[SOAK_PLACES] = {"", "open", "write", "store into a map",
	    "map", "reserve", "rename", "unlink", "sync", "close", "mkdir"};

	printf("  %d runs, %d kills:", world->runs, world->killed);
	for (int i = 0; i < MANNERS; i++)
		printf(" %s %d,", manners[i], world->deaths[i]);
	printf("\n  struck in:");
	for (int i = 1; i < SOAK_PLACES; i++)
		printf(" %s %d of %" PRIu64 ",", places[i], world->places[i], world->calls[i]);
	printf(" %d of them in the loop's thread\n", world->in_main);
}

static void say_sums(const struct world *world, const struct truth_sums *sums)
{
	const struct agents_counts counts = agents_get_counts(world->agents);

	printf("  answers: %" PRIu64 " of %" PRIu64 " requests lost, %" PRIu64 " late\n",
	    counts.lost, counts.requests, counts.late);
	printf("  periods of receivers: %" PRIu64 " right (%" PRIu64 " of several agents), %" PRIu64
	       " right although not demanded, %" PRIu64 " unknown, %" PRIu64
	       " lost by all agents, %" PRIu64 " wrong\n",
	    sums->right, sums->shared, sums->lucky, sums->unknown, sums->lost, sums->wrong);
	printf("  %.0f packets; %" PRIu64 " consolidated rows; at most %ld MB resident; %.1f s\n",
	    sums->packets, sums->rows, world->largest_kb >> 10, (double)real_ms(world) / 1e3);
}

/* A test that demands little proves little. */
static bool is_enough(const struct world *world, const struct truth_sums *sums)
{
	const uint64_t all = sums->right + sums->lucky + sums->unknown + sums->lost + sums->wrong;
	const double demanded = all > 0 ? (double)sums->right / (double)all : 0;

	if (sums->shared > 0 && (world->options.scenario == WEATHER
					? demanded > DEMANDED_MIN
					: sums->unknown == 0 && sums->lucky * 100 < sums->right))
		return true;
	printf("WRONG  too little was demanded (%.1f %%)\n", 100 * demanded);
	return false;
}

static bool run(struct world *world)
{
	const bool weather = world->options.scenario == WEATHER;
	const int64_t calm_ms = world->options.hours * 60 * FLEET_MINUTE_MS;
	const int64_t end_ms = (weather ? calm_ms : 60 * FLEET_MINUTE_MS) + DRAIN_MS + 20000;
	struct truth_sums sums;
	char rrd[PATH_MAX];
	bool good;

	prepare(world, calm_ms, end_ms);
	switch (world->options.scenario) {
	case WEATHER:
		run_weather(world, calm_ms, end_ms);
		break;
	case ABSENT:
		run_absent(world, end_ms);
		break;
	case RELOAD:
		run_reload(world, end_ms);
		break;
	case CLOCK:
		run_clock(world, end_ms);
		break;
	}
	snprintf(rrd, sizeof rrd, "%s/rrd", world->options.folder);
	truth_check(world->truth, rrd, &sums);
	if (weather)
		say_deaths(world);
	say_sums(world, &sums);
	good = is_enough(world, &sums) && sums.wrong == 0;
	agents_close(world->agents);
	truth_free(world->truth);
	fleet_free(world->fleet);
	return good;
}

/* ---- the command line ---- */

static int64_t parse_number(const char *text)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text || value < 0 || value > INT_MAX)
		die("'%s' is no number", text);
	return value;
}

static enum scenario parse_scenario(const char *text)
{
	static const char *const names[] = {"weather", "absent", "reload", "clock"};

	for (int i = 0; i <= CLOCK; i++)
		if (strcmp(text, names[i]) == 0)
			return (enum scenario)i;
	die("there is no scenario '%s'", text);
}

static void take_option(struct options *options, int code, const char *argument)
{
	switch (code) {
	case 'c':
		options->collector = argument;
		break;
	case 's':
		options->shim = argument;
		break;
	case 'f':
		options->folder = argument;
		break;
	case 'w':
		options->scenario = parse_scenario(argument);
		break;
	case 'r':
		options->seed = (uint64_t)parse_number(argument);
		break;
	case 'h':
		options->hours = (int)parse_number(argument);
		break;
	case 'k':
		options->kills = (int)parse_number(argument);
		break;
	case 'j':
		options->without_journal = true;
		break;
	default:
		exit(1);
	}
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"collector", required_argument, NULL, 'c'},
	    {"shim", required_argument, NULL, 's'}, {"folder", required_argument, NULL, 'f'},
	    {"scenario", required_argument, NULL, 'w'}, {"seed", required_argument, NULL, 'r'},
	    {"hours", required_argument, NULL, 'h'}, {"kills", required_argument, NULL, 'k'},
	    {"without-journal", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	static struct world world = {.options = {.seed = 1, .hours = 5, .kills = 30}};
	const struct options *options = &world.options;
	int code;

	while ((code = getopt_long(argc, argv, "", longs, NULL)) != -1)
		take_option(&world.options, code, optarg);
	if (options->collector == NULL || options->shim == NULL || options->folder == NULL)
		die("--collector, --shim and --folder are needed");
	if (options->scenario == WEATHER && options->hours < 1)
		die("less than an hour is no weather");
	return run(&world) ? 0 : 2;
}
