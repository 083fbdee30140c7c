/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The communication matrix: who received how much from whom over one window. The
 * one type in which the collector answers, the manager groups and plans, and files
 * are read. Nodes are texts (VM ids, addresses, reserved senders); pairs are
 * directed; packets are wire packets, octets are IP-level. Pure; one thread at a time.
 *
 * Life-cycle: matrix_new(), matrix_node()/matrix_add() or matrix_read_csv(), use, matrix_free().
 */
#ifndef GRAPPE_COMMON_MATRIX_H
#define GRAPPE_COMMON_MATRIX_H

#include "common/caveats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MATRIX_NODES_MAX 2000000
#define MATRIX_NODE_NAME_MAX 255 /* bytes of a node's name */
#define MATRIX_LINE_MAX 4096     /* bytes of a line of a matrix file */

struct matrix_pair {
	uint32_t source, receiver; /* node indices */
	double packets, octets;    /* totals over the known part of the window */
};

/* Both directions of a pair of nodes summed; a < b as node indices. */
struct matrix_link {
	uint32_t a, b;
	double packets, octets;
};

/* What a window is and how much of it is known; numbers never travel without it. */
struct matrix_window {
	int64_t from_s, to_s;   /* epoch seconds; both 0 when the file did not tell */
	double length_s;        /* how long the counts were taken */
	uint32_t known, wanted; /* periods: n of m; both 0 when not from periods */
	bool approximate;       /* some of it is an estimate (C-6) */
	struct caveats caveats; /* about its periods */
};

struct matrix; /* opaque */

/* matrix_new - empty matrix, or NULL without memory. */
struct matrix *matrix_new(void);
/* matrix_free - NULL is allowed. */
void matrix_free(struct matrix *matrix);

/* matrix_node - index of the node called name, added when new.
 * Returns the index (>= 0), GRAPPE_EMEMORY, GRAPPE_ELIMIT, or GRAPPE_EINVALID for a name that is
 * empty, overlong or has control characters. */
int matrix_node(struct matrix *matrix, const char *name);
/* matrix_find - index of an existing node, or GRAPPE_ENOTFOUND. */
int matrix_find(const struct matrix *matrix, const char *name);
/* matrix_add - adds counts to the directed pair. Counts must be finite and >= 0.
 * Returns 0, GRAPPE_EMEMORY or GRAPPE_EINVALID (indices or counts). */
int matrix_add(
    struct matrix *matrix, uint32_t source, uint32_t receiver, double packets, double octets);

/* matrix_pair - number of the directed pair, its index in matrix_pairs(); one that is new is added
 * with counts of 0. So a matrix also serves as a register in which nodes and pairs have numbers.
 * Returns the number (>= 0), GRAPPE_EMEMORY, or GRAPPE_EINVALID (indices). */
int matrix_pair(struct matrix *matrix, uint32_t source, uint32_t receiver);

size_t matrix_nodes(const struct matrix *matrix);
/* matrix_name - valid until matrix_free(). */
const char *matrix_name(const struct matrix *matrix, uint32_t node);
/* matrix_sort_nodes - brings node indices into the order of their names. */
void matrix_sort_nodes(const struct matrix *matrix, uint32_t *nodes, size_t count);
/* matrix_pairs - the directed pairs in order of first addition; *count gets their number.
 * Owned by the matrix, valid until the next matrix_add(). */
const struct matrix_pair *matrix_pairs(const struct matrix *matrix, size_t *count);
/* matrix_get - the pair, or NULL when nothing was counted. Same validity as matrix_pairs(). */
const struct matrix_pair *matrix_get(
    const struct matrix *matrix, uint32_t source, uint32_t receiver);
/* matrix_links - undirected sums without self-pairs, sorted by (a, b). Returns a heap array that
 * the caller frees and *count, or NULL without memory (or, with *count 0, without links). */
struct matrix_link *matrix_links(const struct matrix *matrix, size_t *count);

struct matrix_window *matrix_window(struct matrix *matrix);

/*
 * matrix_read_csv - reads "src,dst,packets,bytes" lines below that header line; '#' starts a
 * comment line; spaces around fields are ignored; repeated pairs add up; a pair of a node with
 * itself is an error. The window's length is set by the caller. file: open stream, not closed here.
 * On error returns GRAPPE_EFORMAT, GRAPPE_ELIMIT, GRAPPE_EIO or GRAPPE_EMEMORY and writes where and
 * why ("line 7: …") into message[size].
 */
int matrix_read_csv(struct matrix *matrix, FILE *file, char *message, size_t size);

/* matrix_write_csv - the format above, one line a directed pair in the order of matrix_pairs(),
 * counts rounded to integers. Returns 0 or GRAPPE_EIO. */
int matrix_write_csv(const struct matrix *matrix, FILE *file);

#endif
