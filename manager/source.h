/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where observations come from: the collector's socket, or files for offline work. What is read is
 * foreign and checked. The parsing halves are pure; the reading halves block (the daemon calls them
 * from a thread of its own).
 */
#ifndef GRAPPE_MANAGER_SOURCE_H
#define GRAPPE_MANAGER_SOURCE_H

#include "common/protocol.h"
#include "manager/observation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source_wish {
	const char *socket; /* of the collector */
	int64_t window_s;   /* whole periods in it are asked for */
	int64_t to_s;       /* its end, epoch s; 0: the newest period */
	int64_t wait_ms;    /* for the newest period */
	bool approximate;
};

/*
 * source_read_collector - asks for the mean of the window and for the inventory. *out is
 * initialised and finished here; deinit it only after success. *retry_at_s: when the collector said
 * "later", its time, else 0. Returns 0, or with words in message: GRAPPE_EIO (nobody there),
 * GRAPPE_ETIMEOUT, GRAPPE_EPEER (refused: later or error), GRAPPE_EFORMAT, GRAPPE_ELIMIT,
 * GRAPPE_EMEMORY.
 */
int source_read_collector(const struct source_wish *wish, struct observation *out,
    int64_t *retry_at_s, char *message, size_t size);

/* source_parse_matrix - rows of a `mean` answer into the matrix. Returns 0, GRAPPE_EFORMAT,
 * GRAPPE_EMEMORY … with words. */
int source_parse_matrix(const struct protocol_reply *reply, struct observation *observation,
    char *message, size_t size);
/* source_parse_inventory - rows of an `inventory` answer. VMs last seen before the window are left
 * out. */
int source_parse_inventory(const struct protocol_reply *reply, struct observation *observation,
    char *message, size_t size);

/* source_read_matrix_file - a matrix file counted over window_s seconds; path "-" is standard
 * input. The message begins with the path. */
int source_read_matrix_file(
    const char *path, double window_s, struct matrix *matrix, char *message, size_t size);
/* source_read_placement - "vm,environment,host" lines, or with ",vcpu,mem_GiB" ("-": unknown),
 * below such a header line; '#' starts a comment line. vm is the name of a node of the matrix file.
 * Adds to the observation; errors as "PATH: line N: …". */
int source_read_placement(
    const char *path, struct observation *observation, char *message, size_t size);

/* source_read_archive - the last window_s seconds that the archives below folder hold, without any
 * collector. The archives know no places. The message begins with the folder. */
int source_read_archive(
    const char *folder, int64_t window_s, struct matrix *matrix, char *message, size_t size);

#endif
