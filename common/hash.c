/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/hash.h"

uint64_t hash_mix(uint64_t number)
{
	number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
	return number ^ number >> 31;
}

uint64_t hash_text(uint64_t before, const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ before;

	for (; *text != '\0'; text++)
		hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return hash_mix(hash);
}
