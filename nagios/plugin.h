/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every monitoring plugin has to say and how: a tree of sub-checks whose worst
 * state wins, performance data whose labels never change, one line (more with -v) on
 * standard output, and an alarm that ends the plugin in time.
 *
 * Worst state: OK < UNKNOWN < WARNING < CRITICAL. A known problem is worth more attention than
 * something that could not be found out, and that more than nothing.
 *
 * Life-cycle: plugin_new(), plugin_arm(), checks and values, plugin_print(), plugin_free().
 * One thread. Written after the Monitoring Plugins development guidelines.
 */
#ifndef GRAPPE_NAGIOS_PLUGIN_H
#define GRAPPE_NAGIOS_PLUGIN_H

#include "nagios/range.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes; nothing else may leave a plugin. */
enum plugin_state { PLUGIN_OK = 0, PLUGIN_WARNING = 1, PLUGIN_CRITICAL = 2, PLUGIN_UNKNOWN = 3 };

#define PLUGIN_LINE_WISHED 79 /* characters of the first line without performance data */
#define PLUGIN_CHECKS_MAX 4096
#define PLUGIN_TEXT_SIZE 512 /* of one check */

/* plugin_worst - the worse of two states, see above. */
enum plugin_state plugin_worst(enum plugin_state a, enum plugin_state b);
/* plugin_state_word - "OK", "WARNING", "CRITICAL", "UNKNOWN". */
const char *plugin_state_word(enum plugin_state state);
/* plugin_parse_state - such a word in any case, or its number. Returns 0 or GRAPPE_EFORMAT. */
int plugin_parse_state(const char *text, enum plugin_state *state);
/* plugin_judge - critical is looked at first. */
enum plugin_state plugin_judge(
    double value, const struct range *warning, const struct range *critical);

/* One label of the performance data. The first 19 characters of labels must differ (RRD). */
struct plugin_metric {
	const char *label;
	const char *unit; /* "", "s", "us", "B", "c" (a counter that only grows) */
	bool has_minimum; /* it is never below 0 */
};

struct plugin;       /* opaque */
struct plugin_check; /* opaque: a node of the tree */

/* plugin_new - name: first word of the output; metrics: all labels there will ever be, each
 * unknown until it is set. Both are borrowed. NULL without memory. */
struct plugin *plugin_new(const char *name, const struct plugin_metric *metrics, size_t nmetrics);
void plugin_free(struct plugin *plugin);

/* plugin_arm - to be called before any value is set (it makes all unknown): after so many seconds
 * (1 … 3600) the plugin prints that it ran out of time, with every label unknown, and ends with
 * this state. */
void plugin_arm(struct plugin *plugin, unsigned seconds, enum plugin_state state);

/* plugin_add_check - a sub-check below parent (NULL: at the top). The text of a check that is not
 * OK should be understood without its parent and should sum up those below it. Lives as long as the
 * plugin; NULL when there is no more room, which may be used as a parent; the state counts even so.
 */
struct plugin_check *plugin_add_check(struct plugin *plugin, struct plugin_check *parent,
    enum plugin_state state, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* plugin_set_summary - the first line when everything is OK. */
void plugin_set_summary(struct plugin *plugin, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* plugin_set_value - a number that is not finite leaves the label unknown. */
void plugin_set_value(struct plugin *plugin, size_t metric, double value);
void plugin_set_count(struct plugin *plugin, size_t metric, uint64_t value);
/* plugin_set_ranges - thresholds shown with a label. */
void plugin_set_ranges(struct plugin *plugin, size_t metric, const struct range *warning,
    const struct range *critical);

/* plugin_clean_text - replaces what monitoring systems give a meaning of their own: '|' starts
 * performance data everywhere, ';' is changed by Nagios in the first line, controls end or garble
 * the text. */
void plugin_clean_text(char *text, bool first_line);

/* plugin_state - the worst of all checks so far; UNKNOWN when there is none. */
enum plugin_state plugin_state(const struct plugin *plugin);

/* plugin_print - disarms and prints the whole output, once. verbosity 0: one line; 1: also the tree
 * down to its second level; n: down to level n + 1. Returns the state to exit with: plugin_state(),
 * or UNKNOWN when out could not be written. */
enum plugin_state plugin_print(struct plugin *plugin, FILE *out, int verbosity);

#endif
