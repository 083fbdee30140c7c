/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nagios/mode.h"

#include <inttypes.h>
#include <stdio.h>

#define CLOCKS_APART_S 5 /* two hosts under NTP differ by far less */

/* "45 s", "12 min", "3.5 h", "2.1 d": an age is read at 3 a.m. */
static void format_age(int64_t age_s, char *out, size_t size)
{
	if (age_s < 600)
		snprintf(out, size, "%" PRId64 " s", age_s);
	else if (age_s < 2 * 3600)
		snprintf(out, size, "%" PRId64 " min", age_s / 60);
	else if (age_s < 2 * 86400)
		snprintf(out, size, "%.1f h", (double)age_s / 3600);
	else
		snprintf(out, size, "%.1f d", (double)age_s / 86400);
}

enum plugin_state mode_judge_age(struct plugin *plugin, const struct options *options,
    size_t metric, const char *what, int64_t age_s, int64_t warning_s, int64_t critical_s)
{
	struct range warning = options->warning, critical = options->critical;
	enum plugin_state state;
	char age[32];

	if (age_s < 0 && age_s >= -CLOCKS_APART_S)
		age_s = 0;
	if (!warning.given)
		range_set_limit(&warning, warning_s);
	if (!critical.given)
		range_set_limit(&critical, critical_s);
	plugin_set_value(plugin, metric, (double)age_s);
	plugin_set_ranges(plugin, metric, &warning, &critical);
	state = plugin_judge((double)age_s, &warning, &critical);
	format_age(age_s < 0 ? -age_s : age_s, age, sizeof age);
	plugin_add_check(plugin, NULL, state, "%s is %s %s", what, age,
	    age_s < 0 ? "in the future: compare the clocks" : "old");
	return state;
}
