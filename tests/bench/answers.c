/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the global picture and its answers cost: the product's own picture and server, filled with
 * an hour of periods, in a child; this process asks over the socket as any client does.
 *
 *     tests/bench/answers [PAIRS]...        default: 1000 10000 100000
 *
 * One line for each number of pairs. Ten senders a VM, twenty VMs an agent. Times of answers are
 * medians of ROUNDS, with quartiles; "cpu" is what the server's process used, "wall" what the
 * client waited.
 */
#include "collector/server.h"
#include "common/clock.h"
#include "common/error.h"
#include "tests/fakes/make_period.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PERIODS 120
#define SENDERS 10
#define VMS_PER_AGENT 20
#define ROUNDS 7
#define READ_SIZE (1u << 20)

static char socket_path[108], folder[64];

/* ---- the server's side ---- */

static double cpu_s(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double memory_MB(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long size, resident = 0;

	if (file != NULL && fscanf(file, "%ld %ld", &size, &resident) != 2)
		resident = 0;
	if (file != NULL)
		fclose(file);
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

/* What agent number `agent` saw in one period. */
static struct period *see(unsigned agent, unsigned vms, int64_t end_s)
{
	struct period *period = make_period(end_s);

	for (unsigned v = 1; v <= VMS_PER_AGENT && agent * VMS_PER_AGENT + v <= vms; v++) {
		const unsigned vm = agent * VMS_PER_AGENT + v;
		const uint32_t vif = make_vm(period, vm);

		for (unsigned s = 1; s <= SENDERS; s++)
			make_received(period, vif, (vm - 1 + s * 7) % vms + 1,
			    1000 + (unsigned)(end_s / 30 % 97) * s, 900000 + s * vm);
	}
	return make_sorted(period);
}

static struct picture *fill(unsigned vms, int64_t newest_s, double *join_ms)
{
	const struct picture_config config = {
	    .length_s = 30, .slots = PERIODS, .history = 20, .deadline_ms = 15000};
	struct picture *picture = picture_new(&config);
	const unsigned agents = (vms + VMS_PER_AGENT - 1) / VMS_PER_AGENT;
	double used = 0;

	for (unsigned a = 0; a < agents; a++)
		picture_add_agent(picture, 0);
	for (int64_t end_s = newest_s - 30 * (PERIODS - 1); end_s <= newest_s; end_s += 30) {
		struct archive_update *update;
		double begin;

		picture_advance(picture, end_s * CLOCK_SECOND_NS);
		for (unsigned a = 0; a < agents; a++)
			picture_deliver(picture, a, see(a, vms, end_s));
		begin = cpu_s(CLOCK_PROCESS_CPUTIME_ID);
		while (picture_next_update(picture, &update) > 0)
			archive_update_free(update);
		used += cpu_s(CLOCK_PROCESS_CPUTIME_ID) - begin;
	}
	*join_ms = used / PERIODS * 1e3;
	return picture;
}

static void on_terminate(evutil_socket_t number, short what, void *base)
{
	(void)number;
	(void)what;
	event_base_loopbreak(base);
}

/* Never returns. Writes "JOIN_MS MEMORY_MB" to out when it listens. */
static void serve(unsigned vms, int64_t newest_s, int out)
{
	static const char *const no_error = "";
	struct event_base *base = event_base_new();
	struct event *terminate = evsignal_new(base, SIGTERM, on_terminate, base);
	const struct agents_options agents_options = {0};
	struct server_options options = {.socket = socket_path,
	    .clients_max = 8,
	    .agents = agents_new(base, &agents_options),
	    .archive_directory = folder,
	    .state_directory = folder,
	    .state_error = &no_error};
	struct server *server;
	double join_ms;

	event_add(terminate, NULL);
	options.source = (struct answer_source){
	    .picture = fill(vms, newest_s, &join_ms), .inventory = inventory_new()};
	if (server_new(base, &options, &server) != GRAPPE_OK)
		exit(1);
	dprintf(out, "%.2f %.1f\n", join_ms, memory_MB());
	close(out);
	event_base_dispatch(base);
	_exit(0);
}

/* ---- the client's side ---- */

static double server_cpu_s(pid_t pid)
{
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) == 0 ? cpu_s(clock) : 0;
}

struct cost {
	double cpu_ms, wall_ms;
	size_t bytes;
};

/* Sends the request and reads up to the trailer. */
static struct cost ask(pid_t server, const struct protocol_request *request)
{
	static char bytes[READ_SIZE + 64];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char *line = protocol_request_format(request);
	const double cpu = server_cpu_s(server), wall = cpu_s(CLOCK_MONOTONIC);
	struct cost cost = {0};
	size_t kept = 0;
	ssize_t count;

	memcpy(address.sun_path, socket_path, sizeof socket_path);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
	    write(fd, line, strlen(line)) < 0) {
		perror(socket_path);
		exit(1);
	}
	while ((count = read(fd, bytes + kept, READ_SIZE)) > 0) {
		const size_t have = kept + (size_t)count;

		cost.bytes += (size_t)count;
		bytes[have] = '\0';
		if (strstr(have > 64 ? bytes + have - 64 : bytes, "\n.end ") != NULL)
			break;
		kept = have < 32 ? have : 32;
		memmove(bytes, bytes + have - kept, kept);
	}
	cost.cpu_ms = (server_cpu_s(server) - cpu) * 1e3;
	cost.wall_ms = (cpu_s(CLOCK_MONOTONIC) - wall) * 1e3;
	if (count <= 0) {
		fprintf(stderr, "the answer broke off\n");
		exit(1);
	}
	close(fd);
	free(line);
	return cost;
}

static int compare_costs(const void *left, const void *right)
{
	const struct cost *a = left, *b = right;

	return a->cpu_ms < b->cpu_ms ? -1 : a->cpu_ms > b->cpu_ms;
}

static void measure(
    pid_t server, const char *what, const struct protocol_request *request, unsigned rounds)
{
	struct cost costs[ROUNDS];
	const struct cost *median = &costs[rounds / 2];

	for (unsigned i = 0; i < rounds; i++)
		costs[i] = ask(server, request);
	qsort(costs, rounds, sizeof *costs, compare_costs);
	printf("  %-26s cpu %9.2f ms (%.2f-%.2f)  wall %9.2f ms  %8.2f MB  %7.1f MB/s\n", what,
	    median->cpu_ms, costs[rounds / 4].cpu_ms, costs[rounds * 3 / 4].cpu_ms, median->wall_ms,
	    (double)median->bytes / 1e6, (double)median->bytes / 1e3 / median->wall_ms);
	fflush(stdout);
}

static void bench(unsigned npairs)
{
	const unsigned vms = npairs / SENDERS;
	const int64_t newest_s = clock_period_end(clock_wall_ns(), 30) - 30;
	struct protocol_request request = {.op = OP_MATRIX,
	    .from_s = newest_s - 30 * PERIODS,
	    .to_s = newest_s,
	    .kind = KIND_MEAN};
	int ready[2];
	char text[64] = "";
	pid_t server;

	if (pipe(ready) != 0 || (server = fork()) < 0)
		exit(1);
	if (server == 0)
		serve(vms, newest_s, ready[1]);
	close(ready[1]);
	if (read(ready[0], text, sizeof text - 1) <= 0)
		exit(1);
	close(ready[0]);
	printf("%u pairs of %u VMs, %d periods: joined in (ms CPU a period), memory (MB resident): "
	       "%s",
	    npairs, vms, PERIODS, text);
	measure(server, "mean of the hour", &request, ROUNDS);
	request.kind = KIND_WEIGHTED;
	request.ratio = 1.1;
	measure(server, "weighted mean of the hour", &request, ROUNDS);
	request.kind = KIND_DETAIL;
	snprintf(request.select, sizeof request.select, "%s", make_id(vms / 2));
	measure(server, "detail of one VM", &request, ROUNDS);
	request.select[0] = '\0';
	measure(server, "detail of all", &request, 3);
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	unlink(socket_path);
}

int main(int argc, char **argv)
{
	static const char *const defaults[] = {"1000", "10000", "100000"};

	snprintf(folder, sizeof folder, "/tmp/grappe-bench.XXXXXX");
	if (mkdtemp(folder) == NULL) {
		perror(folder);
		return 1;
	}
	snprintf(socket_path, sizeof socket_path, "%s/socket", folder);
	for (int i = 0; i < (argc > 1 ? argc - 1 : 3); i++) {
		const long npairs = strtol(argc > 1 ? argv[i + 1] : defaults[i], NULL, 10);

		if (npairs >= SENDERS && npairs <= 500000)
			bench((unsigned)npairs);
	}
	rmdir(folder);
	return 0;
}
