/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/weighting.h"

#include <math.h>

double weighting_of(const struct weighting *weighting, int64_t end_s)
{
	const int64_t newer_s = weighting->to_s - end_s;
	const int64_t older_s = end_s - weighting->length_s - weighting->from_s;

	if (weighting->ratio == 1)
		return 1;
	/* Scaled so that long windows do not overflow. */
	if (weighting->ratio > 1)
		return pow(weighting->ratio, -(double)newer_s / (double)weighting->length_s);
	return pow(weighting->ratio, (double)older_s / (double)weighting->length_s);
}
