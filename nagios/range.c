/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nagios/range.h"

#include "common/error.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Length of the plain decimal at the start of text: -12, 1.5, .5; 0 when there is none. strtod(3)
 * alone would take "inf", "nan", "0x10" and "1e3" as well. */
static size_t measure_number(const char *text)
{
	size_t n = text[0] == '-', digits = 0;

	for (; isdigit((unsigned char)text[n]); n++)
		digits++;
	if (text[n] == '.')
		for (n++; isdigit((unsigned char)text[n]); n++)
			digits++;
	return digits > 0 ? n : 0;
}

/* Reads a number and moves *text behind it. */
static bool take_number(const char **text, double *value)
{
	const size_t length = measure_number(*text);

	if (length == 0)
		return false;
	*value = strtod(*text, NULL);
	*text += length;
	return true;
}

static int parse_ends(const char *text, struct range *range)
{
	const char *colon = strchr(text, ':');

	range->start = 0;
	range->end = INFINITY;
	if (colon == NULL)
		return take_number(&text, &range->end) && *text == '\0' ? GRAPPE_OK
									: GRAPPE_EFORMAT;
	if (text[0] == '~') {
		range->start = -INFINITY;
		text++;
	} else if (text != colon && !take_number(&text, &range->start)) {
		return GRAPPE_EFORMAT;
	}
	if (text != colon)
		return GRAPPE_EFORMAT;
	text++;
	if (*text == '\0')
		return GRAPPE_OK;
	return take_number(&text, &range->end) && *text == '\0' ? GRAPPE_OK : GRAPPE_EFORMAT;
}

int range_parse(const char *text, struct range *range)
{
	int rc;

	*range = (struct range){0};
	if (strlen(text) >= sizeof range->text)
		return GRAPPE_ERANGE;
	if (strcmp(text, ":") == 0 || strcmp(text, "@:") == 0)
		return GRAPPE_EFORMAT;
	rc = parse_ends(text + (text[0] == '@'), range);
	if (rc == GRAPPE_OK && range->start > range->end)
		rc = GRAPPE_ERANGE;
	if (rc != GRAPPE_OK) {
		*range = (struct range){0};
		return rc;
	}
	range->inside = text[0] == '@';
	range->given = true;
	snprintf(range->text, sizeof range->text, "%s", text);
	return GRAPPE_OK;
}

void range_set_limit(struct range *range, long long limit)
{
	*range = (struct range){.given = true, .end = (double)limit};
	snprintf(range->text, sizeof range->text, "%lld", limit);
}

bool range_alerts(const struct range *range, double value)
{
	if (!range->given || isnan(value))
		return false;
	return (value >= range->start && value <= range->end) == range->inside;
}
