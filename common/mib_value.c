/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/mib_value.h"

#include <string.h>

void mib_set_number(struct mib_value *value, uint64_t number)
{
	value->type = MIB_UNSIGNED;
	value->number = number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

void mib_set_integer(struct mib_value *value, int64_t integer)
{
	value->type = MIB_INTEGER;
	if (integer > INT32_MAX)
		integer = INT32_MAX;
	if (integer < INT32_MIN)
		integer = INT32_MIN;
	value->integer = (int32_t)integer;
}

void mib_set_counter(struct mib_value *value, uint64_t counter)
{
	value->type = MIB_COUNTER64;
	value->counter = counter;
}

void mib_set_ticks(struct mib_value *value, uint64_t hundredths)
{
	value->type = MIB_TICKS;
	value->number = (uint32_t)hundredths;
}

void mib_set_octets(struct mib_value *value, const void *octets, size_t length)
{
	value->type = MIB_OCTETS;
	value->octets = octets;
	value->length = length;
}

void mib_set_text(struct mib_value *value, const char *text)
{
	mib_set_octets(value, text, strlen(text));
}
