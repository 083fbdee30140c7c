/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The weights of a weighted mean (C-8): a period counts `ratio` times the one before it. Pure.
 */
#ifndef GRAPPE_COLLECTOR_WEIGHTING_H
#define GRAPPE_COLLECTOR_WEIGHTING_H

#include <stdint.h>

struct weighting {
	double ratio;         /* > 0; 1: a plain mean */
	int64_t from_s, to_s; /* the whole window: ends e with from < e <= to */
	int64_t length_s;     /* of a period */
};

/* weighting_of - weight of the period that ends at end_s, 0…1: the one that counts most, be it the
 * newest or the oldest of the window, has 1. */
double weighting_of(const struct weighting *weighting, int64_t end_s);

#endif
