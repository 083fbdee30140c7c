/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/settings_text.h"

#include "common/error.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct scan {
	const char *at, *end;
	struct buffer *clean;
	int line;
	unsigned depth;    /* of braces */
	int opened;        /* line of the outermost open brace */
	char last, before; /* the two last bytes that are neither space nor comment */
	char *why;
	size_t size;
};

static int refuse(struct scan *scan, const char *reason)
{
	snprintf(scan->why, scan->size, "%s", reason);
	return GRAPPE_EFORMAT;
}

static bool starts_with(const struct scan *scan, const char *text)
{
	const size_t length = strlen(text);

	return (size_t)(scan->end - scan->at) >= length && memcmp(scan->at, text, length) == 0;
}

static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t' && c != '\n') || c == 0x7f;
}

static void copy(struct scan *scan, size_t length)
{
	buffer_put(scan->clean, scan->at, length);
	scan->at += length;
}

static void mark(struct scan *scan, char c)
{
	scan->before = scan->last;
	scan->last = c;
}

static int skip_line_comment(struct scan *scan)
{
	while (scan->at < scan->end && *scan->at != '\n')
		if (is_control(*scan->at++))
			return refuse(scan, "a control character in a comment");
	return GRAPPE_OK;
}

static int skip_block_comment(struct scan *scan)
{
	const int opened = scan->line;

	for (scan->at += 2; scan->at < scan->end; scan->at++) {
		if (starts_with(scan, "*/")) {
			scan->at += 2;
			buffer_put(scan->clean, " ", 1);
			return GRAPPE_OK;
		}
		if (is_control(*scan->at))
			return refuse(scan, "a control character in a comment");
		if (*scan->at == '\n') {
			buffer_put(scan->clean, "\n", 1);
			scan->line++;
		}
	}
	scan->line = opened;
	return refuse(scan, "this comment is never closed with */");
}

static const char variable_refused[] =
    "variables of the environment are not read; write \"\\${\" for these two characters";

/* One escape or plain byte inside quotes; sets *closed at the closing quote. */
static int copy_quoted_byte(struct scan *scan, char quote, bool *closed)
{
	const char c = *scan->at;

	if (c == '\n')
		return refuse(scan, "a quoted text must end on the line where it begins");
	if (is_control(c))
		return refuse(scan, "a control character in a quoted text");
	if (quote == '"' && starts_with(scan, "${"))
		return refuse(scan, variable_refused);
	if (c == '\\' && scan->at + 1 < scan->end) {
		const char *allowed = quote == '"' ? "\"\\$" : "'\\";

		if (scan->at[1] == '\0' || strchr(allowed, scan->at[1]) == NULL)
			return refuse(scan,
			    quote == '"'
				? "only \\\" \\\\ and \\$ may follow a backslash in double quotes"
				: "only \\' and \\\\ may follow a backslash in single quotes");
		copy(scan, 2);
		return GRAPPE_OK;
	}
	*closed = c == quote;
	copy(scan, 1);
	return GRAPPE_OK;
}

static int copy_quoted(struct scan *scan)
{
	const char quote = *scan->at;
	bool closed = false;

	copy(scan, 1);
	while (scan->at < scan->end && !closed) {
		const int rc = copy_quoted_byte(scan, quote, &closed);

		if (rc != GRAPPE_OK)
			return rc;
	}
	mark(scan, quote);
	return closed ? GRAPPE_OK : refuse(scan, "this quoted text is never closed");
}

/* libconfuse takes the end of the file for a closing brace. */
static void count_brace(struct scan *scan, char c)
{
	if (c == '{' && scan->depth++ == 0)
		scan->opened = scan->line;
	if (c == '}' && scan->depth > 0)
		scan->depth--;
}

static int copy_plain(struct scan *scan)
{
	const char c = *scan->at;

	if (starts_with(scan, "${"))
		return refuse(scan, variable_refused);
	if (starts_with(scan, "\r\n")) {
		scan->at++;
		return GRAPPE_OK;
	}
	if (is_control(c))
		return refuse(scan, "a control character; is this a configuration file?");
	if (c == '\n')
		scan->line++;
	if (c == '}' && scan->last == '{' && scan->before == '=')
		buffer_put(scan->clean, "\"\"", 2);
	count_brace(scan, c);
	if (!isspace((unsigned char)c))
		mark(scan, c);
	copy(scan, 1);
	return GRAPPE_OK;
}

int settings_text_clean(
    const void *bytes, size_t length, struct buffer *clean, int *line, char *why, size_t size)
{
	const char *text = length > 0 ? bytes : "";
	struct scan scan = {
	    .at = text, .end = text + length, .clean = clean, .line = 1, .why = why, .size = size};
	int rc = GRAPPE_OK;

	while (rc == GRAPPE_OK && scan.at < scan.end) {
		if (*scan.at == '#' || starts_with(&scan, "//"))
			rc = skip_line_comment(&scan);
		else if (starts_with(&scan, "/*"))
			rc = skip_block_comment(&scan);
		else if (*scan.at == '"' || *scan.at == '\'')
			rc = copy_quoted(&scan);
		else
			rc = copy_plain(&scan);
	}
	if (rc == GRAPPE_OK && scan.depth > 0) {
		scan.line = scan.opened;
		rc = refuse(&scan, "this brace is never closed");
	}
	*line = scan.line;
	return rc != GRAPPE_OK ? rc : clean->error;
}
