/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/query_gnuplot.h"

#include "common/error.h"
#include "common/escape.h"
#include "common/file.h"
#include "common/identity.h"
#include "common/time_text.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_CHARACTERS 28 /* longer names are cut */

/* What an id is in the picture. */
struct place {
	uint32_t number; /* of query_rows_id() */
	bool vm;
	const char *name;
	double known; /* periods as a receiver; < 0: never seen as one */
};

struct picture {
	const struct query_facts *facts;
	const struct query_rows *rows;
	struct place *places; /* VMs in the order of their names, then the other senders */
	size_t nplaces, nvms;
	uint32_t *position;       /* by number: index in places */
	double largest, smallest; /* of what is drawn; smallest: above 0 */
	const char *unit;
	double divisor;
};

/* ---- who is where ---- */

static int compare_places(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	int order;

	if (a->vm != b->vm)
		return a->vm ? -1 : 1;
	order = strverscmp(a->name, b->name); /* vm2 before vm10 */
	return order != 0 ? order : a->number < b->number ? -1 : 1;
}

static int place_all(struct picture *picture, const struct query_names *names)
{
	const struct query_rows *rows = picture->rows;
	const size_t count = matrix_nodes(rows->ids);

	picture->places = calloc(count + 1, sizeof *picture->places);
	picture->position = calloc(count + 1, sizeof *picture->position);
	if (picture->places == NULL || picture->position == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t n = 0; n < count; n++) {
		const char *id = query_rows_id(rows, n);

		picture->places[n] = (struct place){.number = n,
		    .vm = identity_is_vm(id),
		    .name = query_names_find(names, id),
		    .known = -1};
		picture->nvms += picture->places[n].vm;
	}
	picture->nplaces = count;
	qsort(picture->places, count, sizeof *picture->places, compare_places);
	for (uint32_t i = 0; i < count; i++)
		picture->position[picture->places[i].number] = i;
	for (size_t i = 0; i < rows->count; i++)
		picture->places[picture->position[rows->pairs[i].receiver]].known =
		    isnan(rows->pairs[i].octets) ? 0 : rows->pairs[i].known;
	if (picture->nvms == 0)
		return GRAPPE_ENOTFOUND;
	return picture->nplaces > QUERY_PICTURE_MAX ? GRAPPE_ELIMIT : GRAPPE_OK;
}

static double value_of(const struct picture *picture, const struct query_pair *pair)
{
	const double value = query_rows_value(picture->facts, pair, picture->facts->by);

	return pair->sender == QUERY_NOBODY || isnan(value) ? 0 : value;
}

static void measure(struct picture *picture)
{
	static const struct {
		double divisor;
		const char *bytes, *packets;
	} units[] = {{1e12, "TB", "10^12 packets"}, {1e9, "GB", "10^9 packets"},
	    {1e6, "MB", "million packets"}, {1e3, "kB", "thousand packets"},
	    {1, "bytes", "packets"}};
	size_t unit = 0;

	for (size_t i = 0; i < picture->rows->count; i++) {
		const double value = value_of(picture, &picture->rows->pairs[i]);

		if (value > picture->largest)
			picture->largest = value;
		if (value > 0 && (picture->smallest <= 0 || value < picture->smallest))
			picture->smallest = value;
	}
	while (unit + 1 < sizeof units / sizeof *units && picture->largest < units[unit].divisor)
		unit++;
	picture->divisor = units[unit].divisor;
	picture->unit =
	    picture->facts->by == QUERY_PACKETS ? units[unit].packets : units[unit].bytes;
}

/* ---- the data ---- */

static void write_data(const struct picture *picture, FILE *out)
{
	const struct query_rows *rows = picture->rows;
	const struct place *places = picture->places;

	fprintf(out, "# Index 0: column (sender), row (receiver), %s\n",
	    picture->facts->by == QUERY_PACKETS ? "packets" : "bytes");
	for (size_t i = 0; i < rows->count; i++) {
		const double value = value_of(picture, &rows->pairs[i]);

		if (value > 0)
			fprintf(out, "%" PRIu32 " %" PRIu32 " %.17g\n",
			    picture->position[rows->pairs[i].sender] + 1,
			    picture->position[rows->pairs[i].receiver] + 1, value);
	}
	fputs("\n\n# Index 1: column, row of what is unknown\n", out);
	for (size_t y = 0; y < picture->nvms; y++)
		for (size_t x = 0; x < picture->nplaces && places[y].known <= 0; x++)
			if (x != y)
				fprintf(out, "%zu %zu\n", x + 1, y + 1);
}

/* ---- the script ---- */

/* A label between single quotes, where gnuplot replaces nothing but two quotes and, in labels of
 * axes, percent signs. Longer ones are cut. */
static void write_label(const char *name, const char *more, FILE *out)
{
	char text[ESCAPE_GROWTH * LABEL_CHARACTERS + 8], cut[4 * LABEL_CHARACTERS + 8];
	size_t bytes = 0;

	escape_text(name, ESCAPE_PLAIN, cut, sizeof cut);
	for (size_t n = 0; cut[bytes] != '\0'; bytes++)
		if (((unsigned char)cut[bytes] & 0xc0) != 0x80 && n++ == LABEL_CHARACTERS)
			break;
	cut[bytes] = '\0';
	escape_text(cut, ESCAPE_GNUPLOT, text, sizeof text);
	fprintf(out, "'%s%s'", text, more);
}

static void write_labels(const struct picture *picture, FILE *out)
{
	for (size_t i = 0; i < picture->nplaces; i++) {
		const struct place *place = &picture->places[i];
		const double wanted = picture->facts->header.wanted;
		char known[64] = "";

		fputs("set xtics add (", out);
		write_label(place->name, "", out);
		fprintf(out, " %zu)\n", i + 1);
		if (!place->vm)
			continue;
		if (place->known > 0 && place->known < wanted &&
		    !query_facts_is_weighted(picture->facts))
			snprintf(known, sizeof known, "  (%.4g of %.0f)", place->known, wanted);
		fputs("set ytics add (", out);
		write_label(place->name, known, out);
		fprintf(out, " %zu)\n", i + 1);
	}
}

/* Sizes in pixels: squares as large as a page has room for. */
struct size {
	double square, font, labels, left, right, top, bottom, width, height;
};

static struct size size_of(const struct picture *picture)
{
	struct size size = {.right = 150, .top = 80};
	const double across = (double)picture->nplaces;
	size_t longest = 4;

	for (size_t i = 0; i < picture->nplaces; i++) {
		const size_t width = escape_width(picture->places[i].name);

		longest = width > longest ? width : longest;
	}
	if (longest > LABEL_CHARACTERS)
		longest = LABEL_CHARACTERS;
	size.square = fmax(fmin(900 / across, 52), across > 200 ? 4 : 10);
	size.font = fmax(fmin(size.square * 0.75, 12), 4);
	size.labels = size.font * 0.66 * (double)longest;
	size.left = size.labels + 9 * size.font + 30; /* and "(6 of 10)", and the axis' name */
	size.bottom = size.labels + 78;
	size.width = size.left + size.square * across + size.right;
	if (size.width < 640) {
		size.right += (640 - size.width) / 2;
		size.left += (640 - size.width) / 2;
		size.width = 640;
	}
	size.height = size.top + size.square * (double)picture->nvms + size.bottom;
	return size;
}

static void write_title(const struct query_facts *facts, FILE *out)
{
	const struct protocol_answer *header = &facts->header;
	char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE], zone[TIME_TEXT_SIZE];

	fprintf(out,
	    "set title \"Who received how much from whom%s\\n%s to %s %s\\n"
	    "%" PRIu32 " of %" PRIu32 " periods of %" PRIu32 " s complete, %s\"\n",
	    facts->what == QUERY_MEAN ? "" : " (weighted mean)",
	    time_text_format(header->from_s, facts->local, from, sizeof from),
	    time_text_format(header->to_s, facts->local, to, sizeof to),
	    time_text_zone(header->to_s, facts->local, zone, sizeof zone), header->known,
	    header->wanted, header->length_s, header->approximate ? "APPROXIMATE" : "exact");
}

static void write_terminal(const struct size *size, FILE *out)
{
	static const struct {
		const char *format, *terminal;
	} terminals[] = {{"svg", "svg"}, {"png", "pngcairo"}};

	fputs("# Made by grappe-query. gnuplot matrix.gp draws matrix.svg from matrix.dat;\n"
	      "#   gnuplot -e \"format='png'\" matrix.gp     matrix.png\n"
	      "#   gnuplot -e \"logarithmic=1\" matrix.gp    a logarithmic scale\n"
	      "if (!exists(\"format\")) format = \"svg\"\n"
	      "if (!exists(\"logarithmic\")) logarithmic = 0\n"
	      "data = \"matrix.dat\"\n"
	      "set encoding utf8\n",
	    out);
	for (size_t i = 0; i < sizeof terminals / sizeof *terminals; i++)
		fprintf(out,
		    "if (format eq \"%s\") set terminal %s noenhanced size %.0f,%.0f font "
		    "\"sans,11\" background rgb \"white\"\n",
		    terminals[i].format, terminals[i].terminal, size->width, size->height);
	fputs("set output \"matrix.\".format\n", out);
}

static void write_axes(const struct picture *picture, const struct size *size, FILE *out)
{
	const double nx = (double)picture->nplaces, ny = (double)picture->nvms;

	fprintf(out, "set lmargin at screen %.6f\nset rmargin at screen %.6f\n",
	    size->left / size->width, 1 - size->right / size->width);
	fprintf(out, "set bmargin at screen %.6f\nset tmargin at screen %.6f\n",
	    size->bottom / size->height, 1 - size->top / size->height);
	fprintf(out, "set xrange [0.5:%.1f]\nset yrange [%.1f:0.5]\n", nx + 0.5, ny + 0.5);
	fprintf(out,
	    "set xtics rotate by 90 right scale 0 font \"sans,%.3g\" ()\n"
	    "set ytics scale 0 font \"sans,%.3g\" ()\n",
	    size->font, size->font);
	write_labels(picture, out);
	fprintf(out, "set label \"sender\" at screen %.6f,%.6f center font \"sans,12\"\n",
	    (size->left + size->square * nx / 2) / size->width,
	    (size->bottom - size->labels - 24) / size->height);
	fprintf(out, "set label \"receiver\" at screen %.6f,%.6f center rotate font \"sans,12\"\n",
	    (size->left - size->labels - 9 * size->font - 12) / size->width,
	    (size->bottom + size->square * ny / 2) / size->height);
	fputs("set border 15 linewidth 1\n", out);
}

/* Lines between the squares, and a thicker one before senders that are no VMs. */
static void write_grid(const struct picture *picture, FILE *out)
{
	const double nx = (double)picture->nplaces, ny = (double)picture->nvms;

	fprintf(out,
	    "do for [i=1:%.0f] { set arrow from i+0.5,0.5 to i+0.5,%.1f nohead linecolor rgb "
	    "\"#b0b0b0\" linewidth 0.4 }\n",
	    nx - 1, ny + 0.5);
	if (ny > 1)
		fprintf(out,
		    "do for [i=1:%.0f] { set arrow from 0.5,i+0.5 to %.1f,i+0.5 nohead linecolor "
		    "rgb "
		    "\"#b0b0b0\" linewidth 0.4 }\n",
		    ny - 1, nx + 0.5);
	if (nx > ny)
		fprintf(out,
		    "set arrow from %.1f,0.5 to %.1f,%.1f nohead linecolor rgb \"black\" linewidth "
		    "1.5 front\n",
		    ny + 0.5, ny + 0.5, ny + 0.5);
}

/* The faintest grey is still darker than paper; nothing at all is white. */
static void write_scale(const struct picture *picture, const struct size *size, FILE *out)
{
	const bool weighted = query_facts_is_weighted(picture->facts);
	const double largest = picture->largest > 0 ? picture->largest / picture->divisor : 1;
	const double smallest =
	    picture->smallest > 0 ? picture->smallest / picture->divisor : largest / 10;

	fputs("set palette defined (0 \"#e4e4e4\", 1 \"#000000\") maxcolors 256\n", out);
	fprintf(out,
	    "if (logarithmic) { set logscale cb; set cbrange [%.6g:%.6g] } else { set cbrange "
	    "[0:%.6g] }\n",
	    smallest < largest ? smallest : largest / 10, largest, largest);
	fprintf(out, "set colorbox user origin screen %.6f,%.6f size screen %.6f,%.6f\n",
	    1 - (size->right - 24) / size->width, size->bottom / size->height, 22 / size->width,
	    fmin(1 - (size->top + size->bottom) / size->height, 400 / size->height));
	fprintf(out, "set cblabel \"%s received%s\" font \"sans,12\" offset 1.5,0\n", picture->unit,
	    weighted ? " per period" : " in the window");
	fputs("set format cb \"%g\"\n", out);
}

static void write_plot(const struct picture *picture, FILE *out)
{
	bool unknown = false;

	for (size_t i = 0; i < picture->nvms; i++)
		unknown |= picture->places[i].known <= 0 && picture->nplaces > 1;
	fputs("set key at screen 0.99,0.01 bottom right vertical Left reverse samplen 2 font "
	      "\"sans,10\"\n"
	      "set style fill solid 1 noborder\n"
	      "plot NaN with boxes fillstyle solid 1 border linecolor rgb \"black\" fillcolor rgb "
	      "\"white\" title \"white: nothing received\"",
	    out);
	if (unknown)
		fputs(", \\\n  data index 1 using 1:2:(0.5):(0.5) with boxxyerror fillstyle "
		      "transparent pattern 4 noborder linecolor rgb \"#606060\" title \"hatched: "
		      "unknown\"",
		    out);
	if (picture->largest > 0)
		fprintf(out,
		    ", \\\n  data index 0 using 1:2:(0.46):(0.46):($3/%.0f) with boxxyerror "
		    "fillstyle "
		    "solid 1 noborder linecolor palette notitle",
		    picture->divisor);
	fputc('\n', out);
}

static void write_script(const struct picture *picture, FILE *out)
{
	const struct size size = size_of(picture);

	write_terminal(&size, out);
	write_title(picture->facts, out);
	write_axes(picture, &size, out);
	write_grid(picture, out);
	write_scale(picture, &size, out);
	write_plot(picture, out);
}

/* ---- files ---- */

static int write_file(const struct picture *picture, const char *folder, const char *name,
    void (*write)(const struct picture *picture, FILE *out))
{
	char path[PATH_MAX], *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	int rc = GRAPPE_EMEMORY;

	if (out == NULL)
		return rc;
	write(picture, out);
	if (fclose(out) == 0)
		rc = GRAPPE_OK;
	if (rc == GRAPPE_OK && snprintf(path, sizeof path, "%s/%s", folder, name) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		rc = GRAPPE_EIO;
	}
	if (rc == GRAPPE_OK)
		rc = file_replace(path, text, length, 0644);
	free(text);
	return rc;
}

int query_gnuplot_write(const char *folder, const struct query_facts *facts,
    const struct query_rows *rows, const struct query_names *names)
{
	struct picture picture = {.facts = facts, .rows = rows};
	int rc = place_all(&picture, facts->ids ? NULL : names);

	measure(&picture);
	if (rc == GRAPPE_OK)
		rc = file_make_folder(folder, 0755);
	if (rc == GRAPPE_OK)
		rc = write_file(&picture, folder, "matrix.dat", write_data);
	if (rc == GRAPPE_OK)
		rc = write_file(&picture, folder, "matrix.gp", write_script);
	free(picture.places);
	free(picture.position);
	return rc;
}
