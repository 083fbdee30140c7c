/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the writers of reports share: reading the document, and numbers in words. */
#include "manager/report_write.h"

#include "common/time_text.h"
#include "manager/explain.h"

#include <math.h>
#include <string.h>

const json_t *report_at(const json_t *object, const char *path)
{
	char key[64];

	while (object != NULL && *path != '\0') {
		const size_t length = strcspn(path, ".");

		snprintf(key, sizeof key, "%.*s", (int)(length < sizeof key ? length : 0), path);
		object = json_object_get(object, key);
		path += length + (path[length] == '.');
	}
	return object;
}

const char *report_string(const json_t *object, const char *path)
{
	const char *text = json_string_value(report_at(object, path));

	return text != NULL ? text : "";
}

int64_t report_integer(const json_t *object, const char *path)
{
	return json_integer_value(report_at(object, path));
}

const char *report_rate(const json_t *value, char words[REPORT_WORDS_SIZE])
{
	if (json_is_number(value))
		return explain_rate(json_number_value(value), words, REPORT_WORDS_SIZE);
	snprintf(words, REPORT_WORDS_SIZE, "unknown");
	return words;
}

const char *report_share(const json_t *value, char words[REPORT_WORDS_SIZE])
{
	const double percent = 100 * json_number_value(value);

	if (!json_is_number(value))
		snprintf(words, REPORT_WORDS_SIZE, "unknown");
	else
		snprintf(words, REPORT_WORDS_SIZE, "%.0f %%",
		    percent >= 100 - 1e-7 ? 100.0 : floor(percent));
	return words;
}

const char *report_time(int64_t epoch_s, char words[REPORT_WORDS_SIZE])
{
	char stamp[TIME_TEXT_SIZE];

	snprintf(words, REPORT_WORDS_SIZE, "%s UTC",
	    time_text_format(epoch_s, false, stamp, sizeof stamp));
	return words;
}

const char *report_title(const json_t *document, char words[3 * REPORT_WORDS_SIZE])
{
	char from[REPORT_WORDS_SIZE], to[REPORT_WORDS_SIZE];

	snprintf(words, (size_t)3 * REPORT_WORDS_SIZE, "Grappe: %s to %s",
	    report_time(report_integer(document, "window.from"), from),
	    report_time(report_integer(document, "window.to"), to));
	return words;
}

void report_series_sentence(const json_t *series, const json_t *line, char *words, size_t size)
{
	const json_t *rates = json_object_get(line, "octets_per_s"), *rate;
	size_t i, known = 0, at = 0;
	double sum = 0, most = -1;
	char mean[REPORT_WORDS_SIZE], top[REPORT_WORDS_SIZE], when[REPORT_WORDS_SIZE];
	const int64_t step_s = report_integer(series, "step_s");
	const int64_t from_s = report_integer(series, "from");

	json_array_foreach(rates, i, rate)
	{
		if (!json_is_number(rate))
			continue;
		known++;
		sum += json_number_value(rate);
		if (json_number_value(rate) > most) {
			most = json_number_value(rate);
			at = i;
		}
	}
	if (known == 0) {
		snprintf(words, size, "unknown: all %zu steps are missing", json_array_size(rates));
		return;
	}
	snprintf(words, size, "mean %s, most %s from %s, %zu of %zu steps of %lld s missing",
	    explain_rate(sum / (double)known, mean, sizeof mean),
	    explain_rate(most, top, sizeof top),
	    report_time(step_s > 0 && from_s > 0 && at > 0
			    ? (from_s / step_s + (int64_t)at) * step_s
			    : from_s,
		when),
	    json_array_size(rates) - known, json_array_size(rates), (long long)step_s);
}
