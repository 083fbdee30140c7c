/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The traffic that an application is expected to have, from the name of a pattern: chain:N, ring:N,
 * star:N (the first is the centre), all-to-all:N, mesh:WxH, groups:KxN (K groups of N, each
 * all-to-all). Pure.
 */
#ifndef GRAPPE_MANAGER_TEMPLATE_H
#define GRAPPE_MANAGER_TEMPLATE_H

#include "common/matrix.h"

#include <stddef.h>

#define TEMPLATE_VMS_MAX 10000

/* template_fill - adds VMs NAME-1 … NAME-N and their links to the matrix: so many packets and
 * octets each way over each link. *count: how many VMs. Returns 0, or with words in message
 * GRAPPE_EFORMAT (no such pattern), GRAPPE_ELIMIT, GRAPPE_EMEMORY, GRAPPE_EINVALID (the name). */
int template_fill(const char *pattern, const char *name, double packets, double octets,
    struct matrix *matrix, size_t *count, char *message, size_t size);

#endif
