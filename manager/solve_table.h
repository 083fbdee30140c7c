/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads a table of tab separated numbers and words, one line after the other, out of bytes in
 * memory that nobody vouches for. The first fault is kept with its line and stops the reading; it
 * is looked at once, at the end. Pure.
 */
#ifndef GRAPPE_MANAGER_SOLVE_TABLE_H
#define GRAPPE_MANAGER_SOLVE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_WORD_SIZE 256

struct table {
	const char *at, *end;
	size_t line;
	const char *name; /* for messages */
	int code;         /* 0 or the first fault's GRAPPE_E… */
	char *message;
	size_t size;
};

/* solve_table_open - bytes must begin with the header line, columns separated by tabs. message
 * (size) receives the first fault. */
void solve_table_open(struct table *table, const char *name, const char *bytes, size_t length,
    const char *header, char *message, size_t size);
/* solve_table_next - steps to the next line that is not empty; false at the end and after a fault.
 */
bool solve_table_next(struct table *table);
/* solve_table_word - the next field of the line. "" after a fault. */
void solve_table_word(struct table *table, const char *column, char word[TABLE_WORD_SIZE]);
/* solve_table_number - a decimal number from lowest to highest; lowest after a fault. */
double solve_table_number(struct table *table, const char *column, double lowest, double highest);
/* solve_table_index - a whole number from 0 to count - 1; 0 after a fault. */
uint32_t solve_table_index(struct table *table, const char *column, size_t count);
/* solve_table_skip - the next field of the line, whatever it is. */
void solve_table_skip(struct table *table);
/* solve_table_fail - keeps this fault, at the present line, unless there is one already. */
void solve_table_fail(struct table *table, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* solve_table_lines - how many lines there are at most below the header. */
size_t solve_table_lines(const struct table *table);

#endif
