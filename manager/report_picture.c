/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The heat map, and what all pictures share. */
#include "manager/report_picture.h"

#include "common/escape.h"
#include "manager/report_write.h"

#include <math.h>
#include <string.h>

#define CELL 14         /* units of a side */
#define LABEL 132       /* units for names */
#define LABEL_LONG 18   /* characters of a name */
#define FEW 24          /* rows that are drawn larger */
#define CELLS_MAX 64    /* rows that are drawn */
#define TITLES_MAX 1000 /* cells that tell their number when pointed at */

#define PUT(text) escape_put((text), ESCAPE_HTML, out)

void picture_put_short(const char *text, size_t characters, FILE *out)
{
	char shown[256];
	size_t at = 0, count = 0;

	escape_text(text, ESCAPE_PLAIN, shown, sizeof shown);
	while (shown[at] != '\0' && count < characters) {
		at++;
		while (((unsigned char)shown[at] & 0xc0) == 0x80)
			at++;
		count++;
	}
	if (shown[at] != '\0' || strlen(text) >= sizeof shown) {
		shown[at] = '\0';
		PUT(shown);
		fputs("\xe2\x80\xa6", out);
	} else {
		PUT(shown);
	}
}

size_t picture_colour(const json_t *environments, const char *name)
{
	for (size_t i = 0; i < json_array_size(environments); i++)
		if (strcmp(report_string(json_array_get(environments, i), "name"), name) == 0)
			return i % PICTURE_COLOURS;
	return PICTURE_COLOURS;
}

/* ---- levels ---- */

/* How many tenth powers below the highest rate a level begins, the deepest first. */
static const double level_depths[PICTURE_LEVELS] = {HUGE_VAL, 3, 2, 1.5, 1, 0.5};

double picture_level_from(int level, double most)
{
	return level > 1 && level <= PICTURE_LEVELS ? most / pow(10, level_depths[level - 1]) : 0;
}

int picture_level(double rate, double most)
{
	int level = PICTURE_LEVELS;

	while (level > 1 && rate < picture_level_from(level, most))
		level--;
	return level;
}

static size_t count_cells(const json_t *matrix)
{
	const size_t count = json_array_size(json_object_get(matrix, "cells"));

	return count < CELLS_MAX ? count : CELLS_MAX;
}

static const json_t *rate_at(const json_t *matrix, size_t row, size_t column)
{
	return json_array_get(json_array_get(json_object_get(matrix, "octets_per_s"), row), column);
}

double picture_most(const json_t *matrix)
{
	const size_t n = count_cells(matrix);
	double most = 0;

	for (size_t row = 0; row < n; row++)
		for (size_t column = 0; column < n; column++)
			most = fmax(most, json_number_value(rate_at(matrix, row, column)));
	return most;
}

/* ---- the heat map ---- */

static void put_cell_title(
    const json_t *cells, size_t row, size_t column, const json_t *rate, FILE *out)
{
	char words[REPORT_WORDS_SIZE];

	fputs("<title>", out);
	PUT(report_string(json_array_get(cells, column), "name"));
	fputs(" to ", out);
	PUT(report_string(json_array_get(cells, row), "name"));
	fprintf(out, ": %s</title>", report_rate(rate, words));
}

static void put_cells(const json_t *matrix, size_t n, FILE *out)
{
	const json_t *cells = json_object_get(matrix, "cells");
	const double most = picture_most(matrix);
	size_t titles = 0;

	for (size_t row = 0; row < n; row++) {
		if (!json_is_number(rate_at(matrix, row, 0))) {
			fprintf(out,
			    "<rect x=\"%d\" y=\"%zu\" width=\"%zu\" height=\"%d\" "
			    "fill=\"url(#unknown)\"/>\n",
			    LABEL, LABEL + row * CELL, n * CELL, CELL);
			continue;
		}
		for (size_t column = 0; column < n; column++) {
			const json_t *rate = rate_at(matrix, row, column);

			if (json_number_value(rate) <= 0)
				continue;
			fprintf(out,
			    "<rect class=\"h%d\" x=\"%zu\" y=\"%zu\" width=\"%d\" height=\"%d\">",
			    picture_level(json_number_value(rate), most), LABEL + column * CELL,
			    LABEL + row * CELL, CELL - 1, CELL - 1);
			if (titles++ < TITLES_MAX)
				put_cell_title(cells, row, column, rate, out);
			fputs("</rect>\n", out);
		}
	}
}

static void put_labels(const json_t *matrix, size_t n, FILE *out)
{
	const json_t *cells = json_object_get(matrix, "cells");

	for (size_t i = 0; i < n; i++) {
		const char *name = report_string(json_array_get(cells, i), "name");
		const size_t at = LABEL + i * CELL + CELL - 4;

		fprintf(out, "<text x=\"%d\" y=\"%zu\" text-anchor=\"end\">", LABEL - 4, at);
		picture_put_short(name, LABEL_LONG, out);
		fprintf(out,
		    "</text>\n<text transform=\"translate(%zu %d) rotate(-90)\" x=\"0\" "
		    "y=\"0\">",
		    at, LABEL - 4);
		picture_put_short(name, LABEL_LONG, out);
		fputs("</text>\n", out);
	}
}

/* Lines around what is of one group. */
static void put_blocks(const json_t *matrix, size_t n, FILE *out)
{
	const json_t *cells = json_object_get(matrix, "cells");
	size_t first = 0;

	for (size_t i = 1; i <= n; i++) {
		const int64_t group = report_integer(json_array_get(cells, first), "group");

		if (i < n && report_integer(json_array_get(cells, i), "group") == group)
			continue;
		if (group > 0)
			fprintf(out,
			    "<rect class=\"block\" x=\"%zu\" y=\"%zu\" width=\"%zu\" "
			    "height=\"%zu\"/>\n",
			    LABEL + first * CELL, LABEL + first * CELL, (i - first) * CELL - 1,
			    (i - first) * CELL - 1);
		first = i;
	}
}

void picture_heat(const json_t *matrix, FILE *out)
{
	const size_t n = count_cells(matrix), side = LABEL + n * CELL + 2;
	const size_t shown = n > FEW ? side : side * 3 / 2;

	if (n == 0)
		return;
	fprintf(out,
	    "<svg role=\"img\" aria-labelledby=\"heat-title heat-desc\" viewBox=\"0 0 %zu %zu\" "
	    "width=\"%zu\" height=\"%zu\" class=\"heat%s\">\n"
	    "<title id=\"heat-title\">Who receives from whom</title>\n"
	    "<desc id=\"heat-desc\">A square of %zu rows that receive and %zu columns that send; "
	    "the "
	    "stronger the colour, the more octets per second. Hatched rows are not known. The "
	    "pairs "
	    "with most traffic are in the table of top pairs.</desc>\n"
	    "<rect class=\"ground\" x=\"%d\" y=\"%d\" width=\"%zu\" height=\"%zu\"/>\n",
	    side, side, shown, shown, n > FEW ? " big" : "", n, n, LABEL, LABEL, n * CELL,
	    n * CELL);
	put_cells(matrix, n, out);
	put_blocks(matrix, n, out);
	put_labels(matrix, n, out);
	fputs("</svg>\n", out);
}
