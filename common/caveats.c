/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/caveats.h"

#include "common/error.h"
#include "common/period.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
	uint32_t flag; /* enum period_flag */
	const char *name, *words;
} table[CAVEATS] = {
    [CAVEAT_PARTIAL] = {PERIOD_PARTIAL, "partial", "partial"},
    [CAVEAT_UNSYNCHRONISED] = {PERIOD_CLOCK_UNSYNCED, "unsynchronised", "clock not synchronised"},
    [CAVEAT_STEPPED] = {PERIOD_CLOCK_STEPPED, "stepped", "clock set"},
    [CAVEAT_ESTIMATED] = {PERIOD_ESTIMATED, "estimated", "packets partly estimated"},
    [CAVEAT_MERGED] = {PERIOD_MERGED, "merged", "holds counts of the time after it"},
};

void caveats_add(struct caveats *caveats, uint32_t flags)
{
	caveats->periods++;
	for (size_t i = 0; i < CAVEATS; i++)
		caveats->marked[i] += (flags & table[i].flag) != 0;
}

const char *caveats_name(unsigned caveat)
{
	return table[caveat].name;
}

bool caveats_has(uint32_t flags, unsigned caveat)
{
	return (flags & table[caveat].flag) != 0;
}

const char *caveats_describe(const struct caveats *caveats, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < CAVEATS && length < size; i++) {
		if (caveats->marked[i] == 0)
			continue;
		if (length == 0)
			length +=
			    (size_t)snprintf(text, size, "%" PRIu32 " of %" PRIu32 " periods: %s",
				caveats->marked[i], caveats->periods, table[i].words);
		else
			length += (size_t)snprintf(text + length, size - length,
			    "; %" PRIu32 ": %s", caveats->marked[i], table[i].words);
	}
	return text;
}

json_t *caveats_json(const struct caveats *caveats)
{
	json_t *object = json_pack("{s:I}", "periods", (json_int_t)caveats->periods);

	for (size_t i = 0; i < CAVEATS && object != NULL; i++)
		json_object_set_new(object, table[i].name, json_integer(caveats->marked[i]));
	return object;
}

static int take_count(const json_t *object, const char *name, json_int_t limit, uint32_t *count)
{
	const json_t *value = json_object_get(object, name);

	*count = 0;
	if (value == NULL)
		return GRAPPE_OK;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > limit)
		return GRAPPE_EFORMAT;
	*count = (uint32_t)json_integer_value(value);
	return GRAPPE_OK;
}

int caveats_from_json(const json_t *object, struct caveats *caveats)
{
	*caveats = (struct caveats){0};
	if (object == NULL)
		return GRAPPE_OK;
	if (!json_is_object(object) ||
	    take_count(object, "periods", UINT32_MAX, &caveats->periods) != GRAPPE_OK)
		return GRAPPE_EFORMAT;
	for (size_t i = 0; i < CAVEATS; i++)
		if (take_count(object, table[i].name, caveats->periods, &caveats->marked[i]) !=
		    GRAPPE_OK)
			return GRAPPE_EFORMAT;
	return GRAPPE_OK;
}
