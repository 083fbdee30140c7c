/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Six communication patterns as small MPI programs, one process per virtual machine:
 *
 *     patterns NAME BYTES INTERVAL_MS SECONDS
 *
 * Every INTERVAL_MS each process sends BYTES to each partner that its pattern gives it and
 * receives as much from it; 3 % less with each rank, so that the order of the pairs by volume does
 * not hang on noise. Patterns: chain, ring, mesh (rows of four), alltoall, groups (the
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

/* One round: to and from every partner at once. */
static void exchange(const struct pattern *pattern, int rank, int size, char *out, char *in, int bytes)
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
	MPI_Waitall(n, requests, MPI_STATUSES_IGNORE);
}

/* Sleeps until `at` of MPI_Wtime() and returns when the next round ends: the pace does not depend on how
 * long a round took, and what an interruption cost is not made up for. */
static double sleep_until(double at, double interval)
{
	double now = MPI_Wtime(), rest = at - now;

	if (rest <= 0)
		return now + interval;
	struct timespec t = { (time_t)rest, (long)((rest - (double)(time_t)rest) * 1e9) };
	nanosleep(&t, NULL);
	return at + interval;
}

int main(int argc, char **argv)
{
	int rank, size;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	const struct pattern *pattern = argc == 5 ? find_pattern(argv[1]) : NULL;
	int bytes = argc == 5 ? (int)strtol(argv[2], NULL, 10) : 0;
	double interval = argc == 5 ? strtod(argv[3], NULL) / 1000 : 0;
	if (!pattern || bytes < 1 || bytes > 1 << 24 || size > 32 || interval <= 0) {
		if (rank == 0)
			fprintf(stderr, "usage: patterns NAME BYTES INTERVAL_MS SECONDS\n");
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
		exchange(pattern, rank, size, out, in, bytes);
		if (pattern->partners == is_silent && round % every == 0)
			MPI_Bcast(out, 16, MPI_CHAR, 0, MPI_COMM_WORLD);
		next = sleep_until(next, interval);
	}
	free(out);
	free(in);
	MPI_Finalize();
	return 0;
}
