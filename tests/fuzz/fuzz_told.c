/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers of whoever listens at the collector's socket, as grappe-collector-agent takes them: the
 * first byte chooses whether it is still there, the rest is JSON. Whatever it says, a walk over
 * the objects comes to an end, in order, and each value fits its type.
 */
#include "collector/mib_collector.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_agents(const struct told *told)
{
	for (size_t i = 0; i < told->nagents; i++)
		if (told->agents[i].name[0] == '\0' ||
		    (i > 0 && strcmp(told->agents[i - 1].name, told->agents[i].name) >= 0))
			abort();
}

static void check_value(const struct mib_value *value)
{
	if (value->type == MIB_OCTETS && value->length >= TOLD_TEXT_SIZE)
		abort();
	for (size_t i = 0; value->type == MIB_OCTETS && i < value->length; i++)
		if (((const unsigned char *)value->octets)[i] < 0x20)
			abort();
	if (value->type == MIB_INTEGER && (value->integer < 1 || value->integer > 5))
		abort();
}

static void walk(struct standing *standing)
{
	const struct mib_moment now = {.wall_s = 1795000100, .uptime_cs = 5};
	const struct mib_view *view = &mib_collector_view;
	mib_number name[MIB_NUMBERS_MAX];
	size_t length = 0;
	struct mib_place place;
	struct mib_value value;

	while (mib_get_next(view->tables, view->ntables, standing, name, length, false, &place) ==
	       MIB_FOUND) {
		if (mib_compare(place.name, place.name_length, name, length) <= 0)
			abort();
		memcpy(name, place.name, place.name_length * sizeof *name);
		length = place.name_length;
		view->read(standing, &place, &now, &value);
		check_value(&value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct standing standing = {0};
	struct told *told = NULL;
	json_t *data;

	if (length == 0)
		return 0;
	data =
	    json_loadb((const char *)bytes + 1, length - 1, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (data == NULL)
		return 0;
	if (told_parse(data, &told) == 0)
		check_agents(told);
	standing.told = told;
	standing.up = told != NULL && (bytes[0] & 1);
	walk(&standing);
	told_free(told);
	json_decref(data);
	return 0;
}
