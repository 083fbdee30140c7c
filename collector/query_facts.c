/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/query_facts.h"

#include "common/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 40 /* characters */

static const struct query_key detail_keys[] = {{"end_s", true}, {"length_s", true},
    {"receiver", false}, {"sender", false}, {"packets", true}, {"octets", true},
    {"known_share", true}};
static const struct query_key mean_keys[] = {{"receiver", false}, {"sender", false},
    {"packets_per_period", true}, {"octets_per_period", true}, {"known_periods", true}};
static const struct query_key inventory_keys[] = {{"id", false}, {"name", false}, {"host", false},
    {"environment", false}, {"segment", false}, {"vcpu", true}, {"memory_bytes", true},
    {"addresses", false}, {"since_s", true}, {"seen_s", true}, {"application", false}};
static const struct query_key archive_keys[] = {{"receiver", false}, {"name", false},
    {"senders", true}, {"first_s", true}, {"last_s", true}, {"length_s", true}};

#define KEYS(table) table, sizeof(table) / sizeof *(table)

static const struct query_shape shapes[] = {
    [QUERY_MEAN] = {"mean", KEYS(mean_keys), 0, true},
    [QUERY_WEIGHTED] = {"weighted", KEYS(mean_keys), 0, true},
    [QUERY_COEFFICIENTS] = {"coefficients", KEYS(mean_keys), 0, true},
    [QUERY_DETAIL] = {"detail", KEYS(detail_keys), 2, true},
    [QUERY_INVENTORY] = {"inventory", KEYS(inventory_keys), 0, false},
    [QUERY_ARCHIVES] = {"archives", KEYS(archive_keys), 0, false},
};

const struct query_shape *query_facts_shape(enum query_what what)
{
	return &shapes[what];
}

bool query_facts_is_weighted(const struct query_facts *facts)
{
	return facts->what == QUERY_WEIGHTED || facts->what == QUERY_COEFFICIENTS;
}

static const char *skip_digits(const char *at)
{
	while (*at >= '0' && *at <= '9')
		at++;
	return at;
}

/* The numbers of JSON without a sign, which are also those of XML. */
static bool is_number(const char *text)
{
	const char *at = skip_digits(text);
	const char *more;

	if (at == text || (text[0] == '0' && at > text + 1) || at - text > 15 + 1)
		return false;
	if (*at == '\0')
		return true;
	if (*at == '.') {
		more = skip_digits(at + 1);
		if (more == at + 1)
			return false;
		at = more;
	}
	if (*at == 'e' || *at == 'E') {
		at += at[1] == '+' || at[1] == '-' ? 2 : 1;
		more = skip_digits(at);
		if (more == at)
			return false;
		at = more;
	}
	return *at == '\0' && at - text <= NUMBER_MAX && isfinite(strtod(text, NULL));
}

int query_facts_check(const struct query_shape *shape, const char *const *fields)
{
	for (size_t c = 0; c < shape->ncolumns; c++)
		if (shape->keys[c].number && !is_number(fields[c]) && strcmp(fields[c], "-") != 0)
			return GRAPPE_EFORMAT;
	return GRAPPE_OK;
}
