/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows of an inventory and of a matrix, whatever a daemon sends: lines of words separated by
 * blanks, the sides first, then VMs, after an empty line the matrix. Whatever they say, nothing
 * becomes negative or infinite, and no more is known than there is.
 */
#include "common/error.h"
#include "nagios/pair.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 11
#define WANTED 10

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cuts a line into columns; those that are missing are "-". */
static void cut(char *line, const char *fields[COLUMNS])
{
	for (size_t i = 0; i < COLUMNS; i++) {
		fields[i] = line[0] != '\0' ? line : "-";
		line += strcspn(line, " ");
		if (*line == ' ')
			*line++ = '\0';
	}
}

static void check_sums(const struct pair_sums *sums)
{
	if (!(sums->octets >= 0) || !(sums->packets >= 0) || !(sums->known >= 0) ||
	    sums->known > 1.01)
		abort();
}

static void check(struct pair *pair)
{
	struct pair_answer answer = {.length_s = 30};

	pair_finish(pair, WANTED, &answer);
	check_sums(&answer.both);
	for (size_t i = 0; i < PAIR_DIRECTIONS; i++) {
		check_sums(&answer.directions[i]);
		if (answer.directions[i].octets > answer.both.octets * 1.01)
			abort();
	}
}

static void feed(struct pair *pair, char *text)
{
	const char *fields[COLUMNS];
	char message[256] = "", *next;
	bool settled = false;

	for (char *line = text; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (line[0] == '\0' && !settled) {
			settled = true;
			if (pair_settle(pair, message, sizeof message) != GRAPPE_OK) {
				if (message[0] == '\0')
					abort();
				return;
			}
		}
		cut(line, fields);
		if (settled)
			pair_add_row(pair, fields, WANTED, NULL);
		else
			pair_add_vm(pair, fields);
	}
	if (settled)
		check(pair);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *to, *rest;
	struct pair_side sides[2];
	struct pair *pair;

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	to = strchr(text, '\n');
	rest = to != NULL ? strchr(to + 1, '\n') : NULL;
	if (rest != NULL) {
		*to++ = *rest++ = '\0';
		if (pair_parse_side(text, &sides[0]) == GRAPPE_OK &&
		    pair_parse_side(to, &sides[1]) == GRAPPE_OK &&
		    pair_new(sides, 100, &pair) == GRAPPE_OK) {
			feed(pair, rest);
			pair_free(pair);
		}
	}
	free(text);
	return 0;
}
