/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stands in for grappe-capture in lab tests and benches: at the end of each period it writes a
 * period file with made-up traffic and says on standard output what is in it.
 *
 *     fake_capture FOLDER LENGTH FIRST COUNT [OUTSIDE]
 *
 * The host has VMs FIRST … FIRST + COUNT − 1; every VM receives from each of the VMs 1 … 8 but
 * itself, and from OUTSIDE addresses outside (default 1). Counts follow from end, receiver and
 * sender alone. Lines: "END RECEIVER SENDER PACKETS OCTETS", all that is from outside in one. The
 * newest 40 files are kept.
 */
#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/period.h"
#include "tests/fakes/make_period.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define VMS 8
#define KEPT 40
#define OUTSIDE_MAX 60000

static uint64_t count_of(int64_t end_s, unsigned receiver, unsigned sender)
{
	uint64_t value = (uint64_t)end_s * 31 + receiver * 7 + sender;

	value = (value ^ value >> 13) * UINT64_C(0x9e3779b97f4a7c15);
	return 1 + (value >> 40) % 5000;
}

static void say(int64_t end_s, unsigned receiver, const char *sender, uint64_t packets)
{
	printf("%" PRId64 " %s %s %" PRIu64 " %" PRIu64 "\n", end_s, make_id(receiver), sender,
	    packets, packets * 100);
}

static void receive(struct period *period, uint32_t vif, const char *peer, uint64_t packets)
{
	make_row(period, vif, ROW_RECEIVED, peer, packets, packets * 100);
}

static void fill(struct period *period, unsigned receiver, uint32_t vif, unsigned outside)
{
	const int64_t end_s = period->header.end_s;
	uint64_t sum = 0;

	for (unsigned i = 0; i < outside; i++) {
		const uint64_t packets = count_of(end_s, receiver, i == 0 ? 0 : VMS + i);
		char peer[ADDRESS_TEXT_SIZE];

		snprintf(peer, sizeof peer, "192.168.%u.%u", i / 250, 1 + i % 250);
		receive(period, vif, peer, packets);
		sum += packets;
	}
	if (outside > 0)
		say(end_s, receiver, SENDER_EXTERNAL, sum);
	for (unsigned sender = 1; sender <= VMS; sender++) {
		const uint64_t packets = count_of(end_s, receiver, sender);

		if (sender == receiver)
			continue;
		receive(period, vif, make_address(sender), packets);
		say(end_s, receiver, make_id(sender), packets);
	}
}

struct host {
	const char *folder;
	uint32_t length_s;
	unsigned first, count, outside;
};

static int write_period(const struct host *host, int64_t end_s)
{
	struct period *period = make_period(end_s);
	struct buffer bytes;
	char path[PATH_MAX];
	int rc;

	period->header.length_s = host->length_s;
	period->header.flags = PERIOD_TEST_LENGTH;
	for (unsigned vm = host->first; vm < host->first + host->count; vm++) {
		const uint32_t vif = make_vm(period, vm);

		period->vifs[vif].covered_ms = host->length_s * 1000;
		fill(period, vm, vif, host->outside);
	}
	buffer_init(&bytes);
	rc = period_encode(make_sorted(period), &bytes);
	snprintf(path, sizeof path, "%s/%" PRId64, host->folder, end_s);
	if (rc == GRAPPE_OK)
		rc = file_replace(path, bytes.bytes, bytes.length, 0644);
	snprintf(
	    path, sizeof path, "%s/%" PRId64, host->folder, end_s - KEPT * (int64_t)host->length_s);
	unlink(path);
	buffer_deinit(&bytes);
	period_free(period);
	fflush(stdout);
	return rc;
}

static unsigned number_of(const char *text)
{
	return (unsigned)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	struct host host = {.outside = 1};
	int64_t end_s;

	if (argc == 5 || argc == 6)
		host = (struct host){.folder = argv[1],
		    .length_s = number_of(argv[2]),
		    .first = number_of(argv[3]),
		    .count = number_of(argv[4]),
		    .outside = argc == 6 ? number_of(argv[5]) : 1};
	if (host.length_s == 0 || host.outside > OUTSIDE_MAX) {
		fprintf(stderr, "usage: fake_capture FOLDER LENGTH FIRST COUNT [OUTSIDE]\n");
		return 2;
	}
	end_s = clock_period_end(clock_wall_ns(), host.length_s);
	fprintf(stderr, "READY\n");
	for (;; end_s += host.length_s) {
		const struct timespec until = {.tv_sec = end_s, .tv_nsec = 20000000};

		while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL) != 0)
			;
		if (write_period(&host, end_s) != GRAPPE_OK) {
			fprintf(stderr, "fake_capture: cannot write %s/%" PRId64 "\n", host.folder,
			    end_s);
			return 1;
		}
	}
}
