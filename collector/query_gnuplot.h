/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The communication matrix as a picture (C-9): two files from which gnuplot(1) draws a square for
 * each pair, the darker the more it received. Receivers are rows, senders columns. Legible without
 * colours: grey for counts, hatched for what is unknown, white for nothing.
 */
#ifndef GRAPPE_COLLECTOR_QUERY_GNUPLOT_H
#define GRAPPE_COLLECTOR_QUERY_GNUPLOT_H

#include "collector/query_facts.h"
#include "collector/query_names.h"
#include "collector/query_rows.h"

#define QUERY_PICTURE_MAX 1000 /* VMs on an axis */

/* query_gnuplot_write - matrix.dat and matrix.gp into folder, which is made when it is not there.
 * Returns 0; GRAPPE_EIO (errno); GRAPPE_ELIMIT: too many VMs; GRAPPE_ENOTFOUND: no VM at all;
 * GRAPPE_EMEMORY. */
int query_gnuplot_write(const char *folder, const struct query_facts *facts,
    const struct query_rows *rows, const struct query_names *names);

#endif
