/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threshold ranges as monitoring plugins take them, "[@]start:end": an alert is due outside the
 * range, with '@' inside it; both ends belong to it. "10" is 0:10, "10:" has no upper end, "~:10"
 * no lower one. Numbers are plain decimals. Pure; any thread.
 */
#ifndef GRAPPE_NAGIOS_RANGE_H
#define GRAPPE_NAGIOS_RANGE_H

#include <stdbool.h>

#define RANGE_TEXT_SIZE 64

struct range {
	bool given;                 /* false: never alerts; a zeroed struct is one */
	bool inside;                /* '@': alert inside instead of outside */
	double start, end;          /* may be infinite; start <= end */
	char text[RANGE_TEXT_SIZE]; /* as it was given, for performance data */
};

/* range_parse - reads the whole text. Returns 0, or GRAPPE_EFORMAT (anything but a range, also
 * something after it) or GRAPPE_ERANGE (start above end, or too long a text); *range is not given
 * then. */
int range_parse(const char *text, struct range *range);
/* range_set_limit - the range 0:limit, for defaults. */
void range_set_limit(struct range *range, long long limit);
/* range_alerts - true when this value is a reason to alert. A value that is no number never is. */
bool range_alerts(const struct range *range, double value);

#endif
