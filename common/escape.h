/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Texts of strangers (names of VMs, hosts, segments) for terminals, CSV, JSON, XML, HTML and
 * gnuplot: what is no UTF-8, and characters that steer a terminal or that a format cannot hold,
 * become U+FFFD; the rest is escaped as the format wants. Pure but for the stream; any thread.
 */
#ifndef GRAPPE_COMMON_ESCAPE_H
#define GRAPPE_COMMON_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

enum escape_style {
	ESCAPE_PLAIN,   /* for people's eyes: controls and marks of direction are replaced */
	ESCAPE_CSV,     /* RFC 4180: quoted when needed */
	ESCAPE_JSON,    /* RFC 8259: without the quotes around it */
	ESCAPE_XML,     /* a value of an attribute between double quotes */
	ESCAPE_HTML,    /* text or a quoted attribute of a page: marks of direction are replaced */
	ESCAPE_GNUPLOT, /* a label of an axis between single quotes */
};

#define ESCAPE_GROWTH 6 /* bytes that a byte becomes at most */

/* escape_text - text into out[size], cut between characters when there is no room; always
 * zero-terminated (size > 0). Returns its length. */
size_t escape_text(const char *text, enum escape_style style, char *out, size_t size);
/* escape_put - text of any length to a stream that nobody else uses meanwhile. */
void escape_put(const char *text, enum escape_style style, FILE *out);
/* escape_next - for who replaces in another way: bytes of the character that a text, not empty,
 * begins with (RFC 3629); of what is no UTF-8, one. */
enum escape_character {
	ESCAPE_GOOD,
	ESCAPE_HIDDEN, /* a control, a mark of direction, a separator of lines, of no width */
	ESCAPE_BROKEN, /* no UTF-8 */
};
size_t escape_next(const char *text, enum escape_character *kind);
/* escape_width - columns that a terminal needs for a text, one for each character. */
size_t escape_width(const char *text);

#endif
