/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What tests/lab/soak (the world) and tests/lab/soak_shim.so (inside the collector) say to each
 * other. The collector's time stands still while it works. When its loop would wait, the shim asks
 * the world over a socket pair: "I wait until then"; by that time all it sent has arrived, because
 * loopback delivers within the call. The world answers what must be answered, moves the clock to
 * the next thing that happens, and says how far the shim may go on alone as long as nothing is
 * sent. No real time plays any part in it.
 *
 * The environment variable SOAK_ENVIRONMENT holds two inherited descriptors, "SOCKET PAGE" in
 * decimal. The page outlives the process, so that the world knows when and where it died.
 */
#ifndef GRAPPE_TESTS_LAB_SOAK_CLOCK_H
#define GRAPPE_TESTS_LAB_SOAK_CLOCK_H

#include <stdint.h>

#define SOAK_ENVIRONMENT "GRAPPE_SOAK"
#define SOAK_FOREVER_NS INT64_MAX

/* What a process may be killed in. */
enum soak_place {
	SOAK_NOWHERE,
	SOAK_OPEN,
	SOAK_WRITE,
	SOAK_STORE, /* into a file's map: librrd in the middle of an update */
	SOAK_MAP,
	SOAK_RESERVE,
	SOAK_RENAME,
	SOAK_UNLINK,
	SOAK_SYNC,
	SOAK_CLOSE,
	SOAK_FOLDER,
	SOAK_PLACES
};

/* Which calls count towards a strike: all, those of the loop's thread, stores into maps. */
enum soak_whose { SOAK_ANY, SOAK_MAIN, SOAK_STORES };

struct soak_page {
	int64_t wall_base_ns, monotonic_base_ns; /* clocks at now_ns = 0 */
	int64_t now_ns;                          /* of the simulation; written by the shim */
	int64_t horizon_ns;                      /* up to here the shim moves the clock itself */
	int32_t strike;              /* > 0: the so manieth call from now on kills the process */
	int32_t strike_whose;        /* enum soak_whose */
	int32_t struck;              /* enum soak_place: where it was killed */
	int32_t struck_main;         /* in the loop's thread, not the archive writer's */
	int32_t without_journal;     /* pretend to write it: then a kill must leave marks */
	uint64_t calls[SOAK_PLACES]; /* that counted, since the start */
};

/* From the shim: the loop has nothing to do before until_ns (SOAK_FOREVER_NS: ever). */
struct soak_request {
	int64_t until_ns;
};

/* To the shim. */
struct soak_reply {
	int64_t now_ns, horizon_ns;
	int32_t strike; /* 0: as before */
	int32_t strike_whose;
};

#endif
