/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nagios/mode.h"

#include "common/clock.h"
#include "nagios/status.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define CLOCKS_APART_S 5 /* two hosts under NTP differ by far less */
#define LENGTH_DEFAULT_S 30
#define LENGTH_MAX_S 86400

void mode_run(struct plugin *plugin, const struct options *options)
{
	struct protocol_reply reply;
	const json_t *data;

	if (options->mode->judge == NULL) {
		options->mode->run(plugin, options);
		return;
	}
	data = status_ask(plugin, options, &reply);
	if (data != NULL)
		options->mode->judge(plugin, options, data, clock_wall_ns() / CLOCK_SECOND_NS);
	protocol_reply_deinit(&reply);
}

/* ---- texts ---- */

const char *mode_format_age(int64_t age_s, char out[MODE_TEXT_SIZE])
{
	if (age_s < 600)
		snprintf(out, MODE_TEXT_SIZE, "%" PRId64 " s", age_s);
	else if (age_s < 2 * 3600)
		snprintf(out, MODE_TEXT_SIZE, "%" PRId64 " min", age_s / 60);
	else if (age_s < 2 * 86400)
		snprintf(out, MODE_TEXT_SIZE, "%.1f h", (double)age_s / 3600);
	else
		snprintf(out, MODE_TEXT_SIZE, "%.1f d", (double)age_s / 86400);
	return out;
}

const char *mode_format_rate(double octets_per_s, char out[MODE_TEXT_SIZE])
{
	static const char *const units[] = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s"};
	size_t unit = 0;

	if (!isfinite(octets_per_s) || octets_per_s < 0) {
		snprintf(out, MODE_TEXT_SIZE, "?");
		return out;
	}
	for (; octets_per_s >= 999.5 && unit + 1 < sizeof units / sizeof *units; unit++)
		octets_per_s /= 1000;
	snprintf(out, MODE_TEXT_SIZE, octets_per_s < 9.95 && unit > 0 ? "%.1f %s" : "%.0f %s",
	    octets_per_s, units[unit]);
	return out;
}

const char *mode_shorten(const char *text, size_t most, char out[MODE_NAME_SIZE])
{
	size_t length = strlen(text);

	if (length <= most) {
		memcpy(out, text, length + 1);
		return out;
	}
	length = most - 3;
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	memcpy(out, text, length);
	memcpy(out + length, "...", 4);
	return out;
}

/* ---- judging ---- */

int64_t mode_length(const json_t *data)
{
	int64_t length;

	if (!status_integer(data, "length", &length) || length == 0 || length > LENGTH_MAX_S)
		return LENGTH_DEFAULT_S;
	return length;
}

void mode_set_limits(struct plugin *plugin, const struct options *options, size_t metric,
    long long warning_limit, long long critical_limit, struct range *warning,
    struct range *critical)
{
	*warning = options->warning;
	*critical = options->critical;
	if (!warning->given && warning_limit >= 0)
		range_set_limit(warning, warning_limit);
	if (!critical->given && critical_limit >= 0)
		range_set_limit(critical, critical_limit);
	plugin_set_ranges(plugin, metric, warning, critical);
}

enum plugin_state mode_judge_age(struct plugin *plugin, const struct options *options,
    size_t metric, const char *what, int64_t age_s, int64_t warning_s, int64_t critical_s)
{
	struct range warning, critical;
	enum plugin_state state;
	char age[MODE_TEXT_SIZE];

	if (age_s < 0 && age_s >= -CLOCKS_APART_S)
		age_s = 0;
	mode_set_limits(plugin, options, metric, warning_s, critical_s, &warning, &critical);
	plugin_set_value(plugin, metric, (double)age_s);
	state = plugin_judge((double)age_s, &warning, &critical);
	plugin_add_check(plugin, NULL, state, "%s is %s %s", what,
	    mode_format_age(age_s < 0 ? -age_s : age_s, age),
	    age_s < 0 ? "in the future: compare the clocks" : "old");
	return state;
}
