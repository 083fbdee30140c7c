/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stands in for grappe-capture in the collector's lab test: at the end of each period it writes a
 * period file with made-up traffic and says on standard output what is in it.
 *
 *     fake_capture FOLDER LENGTH FIRST COUNT
 *
 * The host has VMs FIRST … FIRST + COUNT − 1; every VM receives from each of the VMs 1 … 8 but
 * itself, and from one address outside. Counts follow from end, receiver and sender alone. Lines:
 * "END RECEIVER SENDER PACKETS OCTETS". The newest 40 files are kept.
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
#define OUTSIDE "192.0.2.77"

static uint64_t count_of(int64_t end_s, unsigned receiver, unsigned sender)
{
	uint64_t value = (uint64_t)end_s * 31 + receiver * 7 + sender;

	value = (value ^ value >> 13) * UINT64_C(0x9e3779b97f4a7c15);
	return 1 + (value >> 40) % 5000;
}

static void fill(struct period *period, unsigned receiver, uint32_t vif)
{
	const int64_t end_s = period->header.end_s;

	for (unsigned sender = 0; sender <= VMS; sender++) {
		const uint64_t packets = count_of(end_s, receiver, sender);

		if (sender == receiver)
			continue;
		make_row(period, vif, ROW_RECEIVED, sender == 0 ? OUTSIDE : make_address(sender),
		    packets, packets * 100);
		printf("%" PRId64 " %s %s %" PRIu64 " %" PRIu64 "\n", end_s, make_id(receiver),
		    sender == 0 ? SENDER_EXTERNAL : make_id(sender), packets, packets * 100);
	}
}

static int write_period(
    const char *folder, int64_t end_s, uint32_t length_s, unsigned first, unsigned count)
{
	struct period *period = make_period(end_s);
	struct buffer bytes;
	char path[PATH_MAX];
	int rc;

	period->header.length_s = length_s;
	period->header.flags = PERIOD_TEST_LENGTH;
	for (unsigned vm = first; vm < first + count; vm++) {
		const uint32_t vif = make_vm(period, vm);

		period->vifs[vif].covered_ms = length_s * 1000;
		fill(period, vm, vif);
	}
	buffer_init(&bytes);
	rc = period_encode(make_sorted(period), &bytes);
	snprintf(path, sizeof path, "%s/%" PRId64, folder, end_s);
	if (rc == GRAPPE_OK)
		rc = file_replace(path, bytes.bytes, bytes.length, 0644);
	snprintf(path, sizeof path, "%s/%" PRId64, folder, end_s - KEPT * (int64_t)length_s);
	unlink(path);
	buffer_deinit(&bytes);
	period_free(period);
	fflush(stdout);
	return rc;
}

int main(int argc, char **argv)
{
	const uint32_t length_s = argc == 5 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	int64_t end_s;

	if (length_s == 0) {
		fprintf(stderr, "usage: fake_capture FOLDER LENGTH FIRST COUNT\n");
		return 2;
	}
	end_s = clock_period_end(clock_wall_ns(), length_s);
	fprintf(stderr, "READY\n");
	for (;; end_s += length_s) {
		const struct timespec until = {.tv_sec = end_s, .tv_nsec = 20000000};

		while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL) != 0)
			;
		if (write_period(argv[1], end_s, length_s, (unsigned)strtoul(argv[3], NULL, 10),
			(unsigned)strtoul(argv[4], NULL, 10)) != GRAPPE_OK) {
			fprintf(
			    stderr, "fake_capture: cannot write %s/%" PRId64 "\n", argv[1], end_s);
			return 1;
		}
	}
}
