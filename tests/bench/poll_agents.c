/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The collector's polling alone, for benches: its own agents, pollers, sessions and period codec,
 * without picture and archives. All agents are asked at once in each period, and what it took is
 * printed: a line "ROUND AGENTS_IN COUNTERS WALL_MS CPU_MS" a period. WALL is from the first
 * request to the last period (or until nothing came for long); CPU is user and system time of this
 * process.
 *
 *     poll_agents [--columns] [--keys FILE] [--engines FILE] LENGTH ROUNDS EXPECTED <ADDRESSES
 *
 * ADDRESSES: one agent a line. A round ends when EXPECTED agents have delivered. --keys: SNMPv3,
 * user "grappe", authPriv with SHA-256 and AES, with this file of pass phrases; else the community
 * public. --engines: engine IDs are read from there and written to it. --columns: not the product's
 * way, but what it would cost to read packets and octets of grappePairTable by GETBULK, 36
 * variables a message, over the same library calls; rounds follow at once, LENGTH does not matter.
 */
#include "collector/agents.h"
#include "collector/session.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "tests/bench/poll_columns.h"

#include <event2/event.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define AGENTS_MAX 20000
#define TICK_US 5000
#define DELAY_MS 200 /* after a period's end, until all have it */

struct bench {
	struct event_base *base;
	struct agents *agents;
	char *addresses[AGENTS_MAX];
	unsigned naddresses, expected, rounds, round;
	uint32_t length_s;
	int64_t end_s, begin_ns, cpu_ns;
	unsigned in;
	uint64_t counters;
};

static int64_t cpu_now_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * CLOCK_SECOND_NS +
	       ((int64_t)usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

static void end_round(struct bench *bench)
{
	printf("%u %u %" PRIu64 " %.1f %.2f\n", bench->round, bench->in, bench->counters,
	    (double)(clock_monotonic_ns() - bench->begin_ns) / 1e6,
	    (double)(cpu_now_ns() - bench->cpu_ns) / 1e6);
	fflush(stdout);
	bench->in = 0;
	bench->counters = 0;
	if (bench->round++ == bench->rounds)
		event_base_loopbreak(bench->base);
}

static void on_delivered(void *context, uint32_t agent, struct period *period)
{
	struct bench *bench = context;

	(void)agent;
	if (period->header.end_s == bench->end_s) {
		bench->counters += 2 * period->nrows;
		bench->in++;
	}
	period_free(period);
	if (bench->in == bench->expected)
		end_round(bench);
}

static void on_lost(void *context, uint32_t agent, int64_t end_s)
{
	(void)context;
	(void)agent;
	(void)end_s;
}

/* A round begins when the newest period's moment has come. */
static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct bench *bench = context;
	const int64_t asked_ns = clock_wall_ns() - DELAY_MS * CLOCK_MILLISECOND_NS;
	const int64_t end_s = asked_ns / CLOCK_SECOND_NS / bench->length_s * bench->length_s;

	(void)fd;
	(void)what;
	if (end_s != bench->end_s) {
		if (bench->in > 0)
			end_round(bench);
		bench->end_s = end_s;
		bench->begin_ns = clock_monotonic_ns();
		bench->cpu_ns = cpu_now_ns();
	}
	agents_tick(bench->agents);
}

static void read_addresses(struct bench *bench)
{
	char line[256];

	while (bench->naddresses < AGENTS_MAX && fgets(line, sizeof line, stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		bench->addresses[bench->naddresses++] = strdup(line);
	}
}

static int make_agents(
    struct bench *bench, const struct credentials *credentials, struct engines *engines)
{
	const struct agents_options options = {.poller = {.length_s = bench->length_s,
						   .history = 2,
						   .deadline_ms = bench->length_s * 1000 - 300,
						   .delay_ms = DELAY_MS,
						   .in_flight = 4,
						   .blocks = 1},
	    .timeout_ms = 1000,
	    .in_flight_max = 4096,
	    .silent_max = 1024,
	    .engines = engines,
	    .delivered = on_delivered,
	    .lost = on_lost,
	    .context = bench};
	int rc = GRAPPE_OK;

	bench->agents = agents_new(bench->base, &options);
	for (uint32_t i = 0; i < bench->naddresses && rc == GRAPPE_OK; i++) {
		const struct agents_config config = {.name = bench->addresses[i],
		    .address = bench->addresses[i],
		    .credentials = credentials,
		    .first_end_s = clock_period_end(clock_wall_ns(), bench->length_s)};

		rc = agents_add(bench->agents, i, &config);
	}
	return rc;
}

static int run_blocks(struct bench *bench, const char *keys, const char *engines_path)
{
	const struct credentials_user user = {
	    .name = "grappe", .security = KEYS_PRIVACY, .keys_file = keys};
	const struct timeval tick = {.tv_usec = TICK_US};
	struct engines *engines = engines_new();
	struct credentials credentials;
	char message[400] = "";
	struct event *event;
	int rc;

	if (keys != NULL)
		rc = credentials_set_user(&credentials, &user, message, sizeof message);
	else
		rc = credentials_set_community(&credentials, "public", "", message, sizeof message);
	if (rc == GRAPPE_OK && engines_path != NULL)
		rc = engines_load(engines, engines_path);
	if (rc == GRAPPE_OK)
		rc = make_agents(bench, &credentials, engines);
	if (rc != GRAPPE_OK) {
		fprintf(stderr, "poll_agents: %s %s\n", error_text(rc), message);
		return EXIT_FAILURE;
	}
	event = event_new(bench->base, -1, EV_PERSIST, on_tick, bench);
	event_add(event, &tick);
	event_base_dispatch(bench->base);
	if (engines_path != NULL && engines_is_changed(engines))
		engines_save(engines, engines_path);
	event_free(event);
	agents_free(bench->agents);
	engines_free(engines);
	return EXIT_SUCCESS;
}

static int run_columns(struct bench *bench)
{
	for (; bench->round <= bench->rounds; bench->round++) {
		struct poll_columns_result result;
		const int64_t begin_ns = clock_monotonic_ns(), cpu_ns = cpu_now_ns();

		if (!poll_columns(bench->base, bench->addresses, bench->naddresses, &result))
			return EXIT_FAILURE;
		printf("%u %u %" PRIu64 " %.1f %.2f\n", bench->round, result.agents,
		    result.counters, (double)(clock_monotonic_ns() - begin_ns) / 1e6,
		    (double)(cpu_now_ns() - cpu_ns) / 1e6);
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"columns", no_argument, NULL, 'c'},
	    {"keys", required_argument, NULL, 'k'}, {"engines", required_argument, NULL, 'e'}, {0}};
	struct rlimit files;
	static struct bench bench = {.round = 1};
	const char *keys = NULL, *engines = NULL;
	bool columns = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		columns = columns || option == 'c';
		keys = option == 'k' ? optarg : keys;
		engines = option == 'e' ? optarg : engines;
	}
	if (argc - optind != 3) {
		fprintf(stderr, "usage: poll_agents [--columns] [--keys FILE] [--engines FILE] "
				"LENGTH ROUNDS EXPECTED <ADDRESSES\n");
		return 2;
	}
	bench.length_s = (uint32_t)strtoul(argv[optind], NULL, 10);
	bench.rounds = (unsigned)strtoul(argv[optind + 1], NULL, 10);
	bench.expected = (unsigned)strtoul(argv[optind + 2], NULL, 10);
	log_open("poll_agents", LOG_LEVEL_ERROR);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	read_addresses(&bench);
	bench.base = event_base_new();
	if (bench.base == NULL || session_start_library() != GRAPPE_OK || bench.length_s == 0)
		return EXIT_FAILURE;
	return columns ? run_columns(&bench) : run_blocks(&bench, keys, engines);
}
