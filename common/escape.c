/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define REPLACEMENT 0xfffdu

/* How a UTF-8 sequence begins, and what it may hold at least: shorter forms are refused. */
static const struct {
	unsigned char mask, lead;
	uint32_t least;
} forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

/* The character that text begins with, REPLACEMENT for a byte that begins none. Returns its bytes.
 */
static size_t next_character(const char *text, uint32_t *code)
{
	const unsigned char first = (unsigned char)text[0];

	for (size_t form = 0; form < sizeof forms / sizeof *forms; form++) {
		uint32_t value = first & (unsigned char)~forms[form].mask;
		size_t n = 1;

		if ((first & forms[form].mask) != forms[form].lead)
			continue;
		for (; n <= form && ((unsigned char)text[n] & 0xc0) == 0x80; n++)
			value = value << 6 | ((unsigned char)text[n] & 0x3f);
		if (n <= form || value < forms[form].least || value > 0x10ffff ||
		    (value >= 0xd800 && value <= 0xdfff))
			break;
		*code = value;
		return n;
	}
	*code = REPLACEMENT;
	return 1;
}

/* Characters that no output holds: controls of both sets, and what is no character in XML. */
static bool is_forbidden(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xfffe || code == 0xffff;
}

/* What turns the direction of writing around, breaks lines or takes no room could forge what people
 * read. */
static bool is_misleading(uint32_t code)
{
	return (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

/* What stands for an ASCII character in a style; NULL: itself. */
static const char *replacement_of(uint32_t code, enum escape_style style)
{
	static const struct {
		enum escape_style style;
		char from;
		const char *to;
	} table[] = {{ESCAPE_CSV, '"', "\"\""}, {ESCAPE_JSON, '"', "\\\""},
	    {ESCAPE_JSON, '\\', "\\\\"}, {ESCAPE_XML, '&', "&amp;"}, {ESCAPE_XML, '<', "&lt;"},
	    {ESCAPE_XML, '>', "&gt;"}, {ESCAPE_XML, '"', "&quot;"}, {ESCAPE_HTML, '&', "&amp;"},
	    {ESCAPE_HTML, '<', "&lt;"}, {ESCAPE_HTML, '>', "&gt;"}, {ESCAPE_HTML, '"', "&quot;"},
	    {ESCAPE_HTML, '\'', "&#39;"}, {ESCAPE_GNUPLOT, '\'', "''"}, {ESCAPE_GNUPLOT, '`', "''"},
	    {ESCAPE_GNUPLOT, '%', "%%"}};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].style == style && (uint32_t)table[i].from == code)
			return table[i].to;
	return NULL;
}

/* Most texts are ids and plain names: true when text is the same in every style. */
static bool is_simple(const char *text)
{
	for (; *text != '\0'; text++) {
		const unsigned char c = (unsigned char)*text;

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			c == '-' || c == '.' || c == '_' || c == ':'))
			return false;
	}
	return true;
}

static bool needs_quotes(const char *text, enum escape_style style)
{
	return style == ESCAPE_CSV && (text[strcspn(text, ",\"\r\n")] != '\0' || text[0] == ' ' ||
					  (text[0] != '\0' && text[strlen(text) - 1] == ' '));
}

/* The character at text in the style, without a final zero. */
static const char *convert(
    const char *text, enum escape_style style, size_t *consumed, size_t *length)
{
	uint32_t code;
	const char *to;

	*consumed = next_character(text, &code);
	*length = *consumed;
	to = code < 0x80 ? replacement_of(code, style) : NULL;
	if (is_forbidden(code) || code == REPLACEMENT ||
	    (is_misleading(code) &&
		(style == ESCAPE_PLAIN || style == ESCAPE_HTML || style == ESCAPE_GNUPLOT)))
		to = "\xef\xbf\xbd";
	if (to != NULL)
		*length = strlen(to);
	return to != NULL ? to : text;
}

size_t escape_text(const char *text, enum escape_style style, char *out, size_t size)
{
	const bool quotes = needs_quotes(text, style);
	const size_t room = size - 1 - (quotes && size > 2 ? 1 : 0);
	size_t n = 0;

	if (quotes && n < room)
		out[n++] = '"';
	while (*text != '\0') {
		size_t consumed, length;
		const char *piece = convert(text, style, &consumed, &length);

		if (length > room - n)
			break;
		memcpy(out + n, piece, length);
		n += length;
		text += consumed;
	}
	if (quotes && n < size - 1)
		out[n++] = '"';
	out[n] = '\0';
	return n;
}

void escape_put(const char *text, enum escape_style style, FILE *out)
{
	const bool quotes = needs_quotes(text, style);

	if (is_simple(text)) {
		fputs_unlocked(text, out);
		return;
	}
	if (quotes)
		putc_unlocked('"', out);
	while (*text != '\0') {
		size_t consumed, length;
		const char *piece = convert(text, style, &consumed, &length);

		fwrite_unlocked(piece, 1, length, out);
		text += consumed;
	}
	if (quotes)
		putc_unlocked('"', out);
}

size_t escape_next(const char *text, enum escape_character *kind)
{
	uint32_t code;
	const size_t length = next_character(text, &code);

	*kind = ESCAPE_GOOD;
	if (code == REPLACEMENT && length == 1)
		*kind = ESCAPE_BROKEN;
	else if (is_forbidden(code) || is_misleading(code))
		*kind = ESCAPE_HIDDEN;
	return length;
}

size_t escape_width(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}
