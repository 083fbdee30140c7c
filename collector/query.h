/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command grappe-query: asks grappe-collector (or the archives themselves) who talks to whom,
 * which VMs there are and how the collector is, and prints the answer. What comes row by row is
 * printed row by row where the format allows: CSV, JSON, XML, and single periods as text.
 */
#ifndef GRAPPE_COLLECTOR_QUERY_H
#define GRAPPE_COLLECTOR_QUERY_H

/* query_run - the whole program. Returns its exit code: 0 answered, 1 error (of an answer that
 * broke off, what came was printed), 2 handed back (ask again later). */
int query_run(int argc, char **argv);

#endif
