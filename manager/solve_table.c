/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/solve_table.h"

#include "common/error.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_SIZE 64 /* bytes of a number at most */

void solve_table_fail(struct table *table, int code, const char *format, ...)
{
	va_list arguments;
	int length;

	if (table->code != GRAPPE_OK)
		return;
	table->code = code;
	length = snprintf(table->message, table->size, "%s:%zu: ", table->name, table->line);
	if (length < 0 || (size_t)length >= table->size)
		return;
	va_start(arguments, format);
	vsnprintf(table->message + length, table->size - (size_t)length, format, arguments);
	va_end(arguments);
}

static const char *line_end(const struct table *table)
{
	const char *found = memchr(table->at, '\n', (size_t)(table->end - table->at));

	return found != NULL ? found : table->end;
}

void solve_table_open(struct table *table, const char *name, const char *bytes, size_t length,
    const char *header, char *message, size_t size)
{
	const size_t wanted = strlen(header);

	*table = (struct table){.at = bytes,
	    .end = bytes + length,
	    .line = 1,
	    .name = name,
	    .message = message,
	    .size = size};
	if ((size_t)(line_end(table) - bytes) < wanted || memcmp(bytes, header, wanted) != 0)
		solve_table_fail(
		    table, GRAPPE_EFORMAT, "the first line must begin with \"%s\"", header);
	else
		table->at = line_end(table);
}

bool solve_table_next(struct table *table)
{
	if (table->code == GRAPPE_OK && table->at < table->end && *table->at != '\n')
		solve_table_fail(table, GRAPPE_EFORMAT, "more columns than the header has");
	while (table->code == GRAPPE_OK && table->at < table->end && *table->at == '\n') {
		table->at++;
		table->line++;
	}
	return table->code == GRAPPE_OK && table->at < table->end;
}

size_t solve_table_lines(const struct table *table)
{
	size_t count = 1;

	for (const char *at = table->at; at < table->end; count++) {
		const char *found = memchr(at, '\n', (size_t)(table->end - at));

		if (found == NULL)
			break;
		at = found + 1;
	}
	return count;
}

/* The bytes of the next field; steps behind it and its tab. */
static size_t take_field(struct table *table, const char *column, const char **field)
{
	const char *at = table->at;

	*field = at;
	if (table->code != GRAPPE_OK)
		return 0;
	while (at < table->end && *at != '\t' && *at != '\n')
		at++;
	table->at = at < table->end && *at == '\t' ? at + 1 : at;
	if (at == *field)
		solve_table_fail(table, GRAPPE_EFORMAT, "column %s is missing", column);
	return (size_t)(at - *field);
}

void solve_table_skip(struct table *table)
{
	const char *field;

	take_field(table, "", &field);
}

void solve_table_word(struct table *table, const char *column, char word[TABLE_WORD_SIZE])
{
	const char *field;
	const size_t length = take_field(table, column, &field);

	word[0] = '\0';
	if (length >= TABLE_WORD_SIZE) {
		solve_table_fail(table, GRAPPE_EFORMAT, "%s is too long", column);
	} else {
		memcpy(word, field, length);
		word[length] = '\0';
	}
}

/* Numbers of up to 15 digits without exponent, which nearly all are: exact, and many times as fast
 * as strtod(3). */
static bool read_plain(const char *field, size_t length, double *value)
{
	static const double powers[] = {
	    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	const bool negative = length > 0 && field[0] == '-';
	size_t digits = 0, behind = 0;
	uint64_t whole = 0;
	bool point = false;

	for (size_t i = negative; i < length; i++) {
		if (field[i] == '.' && !point) {
			point = true;
			continue;
		}
		if (field[i] < '0' || field[i] > '9' || ++digits > 15)
			return false;
		whole = 10 * whole + (uint64_t)(field[i] - '0');
		behind += point;
	}
	*value = (double)whole / powers[behind];
	if (negative)
		*value = -*value;
	return digits > 0;
}

static bool read_any(const char *field, size_t length, double *value)
{
	char text[NUMBER_SIZE], *end;

	if (length == 0 || length >= sizeof text || strchr("+-.0123456789", field[0]) == NULL)
		return false;
	memcpy(text, field, length);
	text[length] = '\0';
	if (strspn(text, "+-.0123456789eE") != length)
		return false;
	errno = 0;
	*value = strtod(text, &end);
	return *end == '\0' && errno == 0 && isfinite(*value);
}

double solve_table_number(struct table *table, const char *column, double lowest, double highest)
{
	const char *field;
	const size_t length = take_field(table, column, &field);
	double value;

	if (table->code != GRAPPE_OK)
		return lowest;
	if (!read_plain(field, length, &value) && !read_any(field, length, &value)) {
		solve_table_fail(table, GRAPPE_EFORMAT, "%s is not a number: '%.*s'", column,
		    length < 40 ? (int)length : 40, field);
		return lowest;
	}
	if (value < lowest || value > highest) {
		solve_table_fail(table, GRAPPE_EFORMAT, "%s must be %g to %g, not %g", column,
		    lowest, highest, value);
		return lowest;
	}
	return value;
}

uint32_t solve_table_index(struct table *table, const char *column, size_t count)
{
	const char *field;
	const size_t length = take_field(table, column, &field);
	uint64_t value = 0;
	size_t i = 0;

	if (table->code != GRAPPE_OK)
		return 0;
	while (i < length && i < 10 && field[i] >= '0' && field[i] <= '9')
		value = 10 * value + (uint64_t)(field[i++] - '0');
	if (i == 0 || i < length) {
		solve_table_fail(table, GRAPPE_EFORMAT, "%s is not a whole number: '%.*s'", column,
		    length < 40 ? (int)length : 40, field);
		return 0;
	}
	if (value >= count) {
		solve_table_fail(table, GRAPPE_EFORMAT, "%s must be below %zu, not %llu", column,
		    count, (unsigned long long)value);
		return 0;
	}
	return (uint32_t)value;
}
