/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Six communication patterns as small MPI programs, one process per virtual machine:
 *
 *     patterns NAME BYTES INTERVAL_MS SECONDS [work]
 *
 * Every INTERVAL_MS each process sends BYTES to each partner that its pattern gives it and
 * receives as much from it; 3 % less with each rank, so that the order of the pairs by volume does
 * not hang on noise. With "work" the interval is what each process computes between two rounds (it
 * sleeps: a machine of two cores has no core for each VM), so that the program is as fast as its
 * network lets it be; the first process of each half says every second how many rounds it has done.
 * Patterns: chain, ring, mesh (rows of four), alltoall, groups (the
 * first and the second half, all-to-all inside), silent (a short broadcast now and then).
 */
#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MESH_WIDTH 4

/* Whether ranks a < b of n are partners. */
static bool is_chain(int a, int b, int n)
{
	(void)n;
	return b == a + 1;
}

static bool is_ring(int a, int b, int n)
{
	return b == a + 1 || (a == 0 && b == n - 1);
}

static bool is_mesh(int a, int b, int n)
{
	(void)n;
	return b == a + MESH_WIDTH || (b == a + 1 && b % MESH_WIDTH != 0);
}

static bool is_alltoall(int a, int b, int n)
{
	(void)a, (void)b, (void)n;
	return true;
}

static bool is_groups(int a, int b, int n)
{
	return (a < n / 2) == (b < n / 2);
}

static bool is_silent(int a, int b, int n)
{
	(void)a, (void)b, (void)n;
	return false;
}

static const struct pattern {
	const char *name;
	bool (*partners)(int a, int b, int n);
} patterns[] = {
	{ "chain", is_chain },
	{ "ring", is_ring },
	{ "mesh", is_mesh },
	{ "alltoall", is_alltoall },
	{ "groups", is_groups },
	{ "silent", is_silent },
};

static const struct pattern *find_pattern(const char *name)
{
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		if (strcmp(patterns[i].name, name) == 0)
			return &patterns[i];
	}
	return NULL;
}

static void rest(double seconds)
{
	struct timespec t = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };

	nanosleep(&t, NULL);
}

/* Leaves the core to others, as a blocking receive does: MPI_Waitall() would turn round and round. */
static void wait_resting(int n, MPI_Request *requests)
{
	int done = 0;

	while (MPI_Testall(n, requests, &done, MPI_STATUSES_IGNORE) == MPI_SUCCESS && !done)
		rest(50e-6);
}

/* One round: to and from every partner at once. */
static void exchange(const struct pattern *pattern, int rank, int size, char *out, char *in, int bytes,
    void (*wait)(int n, MPI_Request *requests))
{
	MPI_Request requests[2 * size];
	int n = 0;

	for (int other = 0; other < size; other++) {
		int low = rank < other ? rank : other, high = rank < other ? other : rank;
		int length = bytes - bytes / 100 * 3 * low;
		if (other == rank || !pattern->partners(low, high, size))
			continue;
		MPI_Irecv(in + (size_t)other * (size_t)bytes, length, MPI_CHAR, other, 0, MPI_COMM_WORLD,
		    &requests[n++]);
		MPI_Isend(out, length, MPI_CHAR, other, 0, MPI_COMM_WORLD, &requests[n++]);
	}
	wait(n, requests);
}

static void wait_turning(int n, MPI_Request *requests)
{
	MPI_Waitall(n, requests, MPI_STATUSES_IGNORE);
}

/* Sleeps until `at` of MPI_Wtime() and returns when the next round ends: the pace does not depend on how
 * long a round took, and what an interruption cost is not made up for. */
static double sleep_until(double at, double interval)
{
	double now = MPI_Wtime(), left = at - now;

	if (left <= 0)
		return now + interval;
	rest(left);
	return at + interval;
}

static void say_rounds(int rank, long rounds)
{
	static double said;
	struct timespec now;

	if (MPI_Wtime() < said + 1)
		return;
	said = MPI_Wtime();
	clock_gettime(CLOCK_REALTIME, &now);
	printf("rank %d: %ld rounds at %ld.%03ld\n", rank, rounds, (long)now.tv_sec, now.tv_nsec / 1000000);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int rank, size;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	const bool work = argc == 6 && strcmp(argv[5], "work") == 0;
	const struct pattern *pattern = argc == 5 || work ? find_pattern(argv[1]) : NULL;
	int bytes = pattern ? (int)strtol(argv[2], NULL, 10) : 0;
	double interval = pattern ? strtod(argv[3], NULL) / 1000 : 0;
	if (!pattern || bytes < 1 || bytes > 1 << 24 || size > 32 || interval <= 0) {
		if (rank == 0)
			fprintf(stderr, "usage: patterns NAME BYTES INTERVAL_MS SECONDS [work]\n");
		MPI_Finalize();
		return 1;
	}
	char *out = calloc(1, (size_t)bytes), *in = calloc((size_t)size, (size_t)bytes);
	if (!out || !in)
		MPI_Abort(MPI_COMM_WORLD, 1);
	MPI_Barrier(MPI_COMM_WORLD);
	if (rank == 0) {
		printf("READY: %s on %d processes\n", pattern->name, size);
		fflush(stdout);
	}
	double next = MPI_Wtime() + interval;
	long rounds = (long)(strtod(argv[4], NULL) / interval), every = (long)(5 / interval) + 1;
	for (long round = 0; round < rounds; round++) {
		exchange(pattern, rank, size, out, in, bytes, work ? wait_resting : wait_turning);
		if (pattern->partners == is_silent && round % every == 0)
			MPI_Bcast(out, 16, MPI_CHAR, 0, MPI_COMM_WORLD);
		if (work && rank % (size / 2) == 0)
			say_rounds(rank, round);
		if (work)
			rest(interval);
		else
			next = sleep_until(next, interval);
	}
	free(out);
	free(in);
	MPI_Finalize();
	return 0;
}
