/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command grappe-query: asks grappe-collector (or the archives themselves) who talks to whom,
 * which VMs there are and how the collector is, and prints the answer.
 */
#ifndef GRAPPE_COLLECTOR_QUERY_H
#define GRAPPE_COLLECTOR_QUERY_H

#include <stddef.h>
#include <stdint.h>

/* query_run - the whole program. Returns its exit code: 0 answered, 1 error, 2 handed back (ask
 * again later). */
int query_run(int argc, char **argv);

/* query_parse_time - epoch seconds, or "YYYY-MM-DD HH:MM:SS" ('T' for the space, seconds and a
 * final Z may be left out) in UTC. Returns 0 or GRAPPE_EFORMAT. */
int query_parse_time(const char *text, int64_t *epoch_s);

#endif
