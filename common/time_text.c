/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/time_text.h"

#include "common/error.h"
#include "common/settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DIGITS_MAX 15 /* of epoch seconds */

static int64_t epoch_of(struct tm *parts, bool local)
{
	parts->tm_isdst = -1; /* as the zone says */
	return local ? mktime(parts) : timegm(parts);
}

/* "now" and midnights; GRAPPE_ENOTFOUND: another form. */
static int parse_word(const char *text, int64_t now_s, bool local, int64_t *epoch_s)
{
	static const struct {
		const char *word;
		int days_before;
	} words[] = {{"today", 0}, {"yesterday", 1}};
	const time_t now = (time_t)now_s;
	struct tm parts;

	if (strcmp(text, "now") == 0) {
		*epoch_s = now_s;
		return GRAPPE_OK;
	}
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(text, words[i].word) != 0)
			continue;
		if ((local ? localtime_r(&now, &parts) : gmtime_r(&now, &parts)) == NULL)
			return GRAPPE_EFORMAT;
		parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
		parts.tm_mday -= words[i].days_before;
		*epoch_s = epoch_of(&parts, local);
		return GRAPPE_OK;
	}
	return GRAPPE_ENOTFOUND;
}

static int parse_date(const char *text, bool local, int64_t *epoch_s)
{
	static const char *const patterns[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
	    "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};

	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		struct tm parts = {0};
		const char *end = strptime(text, patterns[i], &parts);

		if (end == NULL || (*end != '\0' && strcmp(end, "Z") != 0))
			continue;
		*epoch_s = epoch_of(&parts, local && *end == '\0');
		return *epoch_s >= 0 ? GRAPPE_OK : GRAPPE_EFORMAT;
	}
	return GRAPPE_EFORMAT;
}

int time_text_parse(const char *text, int64_t now_s, bool local, int64_t *epoch_s)
{
	int64_t before_ms;
	int rc;

	if (text[0] != '\0' && strspn(text, "0123456789") == strlen(text) &&
	    strlen(text) <= DIGITS_MAX) {
		*epoch_s = strtoll(text, NULL, 10);
		return GRAPPE_OK;
	}
	if (text[0] == '-') {
		if (settings_parse_duration(text + 1, &before_ms) != GRAPPE_OK ||
		    before_ms < 1000 || before_ms / 1000 >= now_s)
			return GRAPPE_EFORMAT;
		*epoch_s = now_s - before_ms / 1000;
		return GRAPPE_OK;
	}
	rc = parse_word(text, now_s, local, epoch_s);
	return rc == GRAPPE_ENOTFOUND ? parse_date(text, local, epoch_s) : rc;
}

static bool split(int64_t epoch_s, bool local, struct tm *parts)
{
	const time_t when = (time_t)epoch_s;

	return (local ? localtime_r(&when, parts) : gmtime_r(&when, parts)) != NULL;
}

/* What is beyond the calendar is shown as a number. */
static const char *as_number(int64_t epoch_s, char *text, size_t size)
{
	snprintf(text, size, "%" PRId64, epoch_s);
	return text;
}

const char *time_text_format(int64_t epoch_s, bool local, char *text, size_t size)
{
	struct tm parts;

	if (!split(epoch_s, local, &parts) || strftime(text, size, "%F %T", &parts) == 0)
		return as_number(epoch_s, text, size);
	return text;
}

const char *time_text_zone(int64_t epoch_s, bool local, char *text, size_t size)
{
	struct tm parts;

	if (!local || !split(epoch_s, true, &parts) || strftime(text, size, "%Z", &parts) == 0)
		snprintf(text, size, "UTC");
	return text;
}

const char *time_text_iso(int64_t epoch_s, char *text, size_t size)
{
	struct tm parts;

	if (!split(epoch_s, false, &parts) || strftime(text, size, "%FT%TZ", &parts) == 0)
		return as_number(epoch_s, text, size);
	return text;
}
