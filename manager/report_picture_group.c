/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A group as its shape: nodes on a line, a circle, a grid, or around one in the middle. Where the
 * links do not make the shape that is said, on a circle. */
#include "manager/report_picture.h"

#include "common/escape.h"
#include "manager/report_write.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 240
#define HEIGHT 190
#define MARGIN 40
#define NAMED 16     /* nodes that bear names */
#define NAME_LONG 10 /* characters of a name */
#define NONE SIZE_MAX

struct graph_picture {
	size_t n;
	bool linked[PICTURE_MEMBERS_MAX][PICTURE_MEMBERS_MAX];
	size_t degree[PICTURE_MEMBERS_MAX];
	double x[PICTURE_MEMBERS_MAX], y[PICTURE_MEMBERS_MAX]; /* 0 … 1 */
};

static void read_links(const json_t *group, struct graph_picture *picture)
{
	const json_t *links = json_object_get(group, "links");

	for (size_t i = 0; i < json_array_size(links); i++) {
		const json_t *link = json_array_get(links, i);
		const json_int_t a = json_integer_value(json_array_get(link, 0));
		const json_int_t b = json_integer_value(json_array_get(link, 1));

		if (a < 0 || b < 0 || (size_t)a >= picture->n || (size_t)b >= picture->n ||
		    a == b || picture->linked[a][b])
			continue;
		picture->linked[a][b] = picture->linked[b][a] = true;
		picture->degree[a]++;
		picture->degree[b]++;
	}
}

/* ---- where nodes are ---- */

static void on_circle(
    struct graph_picture *picture, const size_t *order, size_t count, size_t middle)
{
	for (size_t i = 0; i < count; i++) {
		const double angle = 2 * M_PI * (double)i / (double)count - M_PI / 2;

		picture->x[order[i]] = 0.5 + 0.5 * cos(angle);
		picture->y[order[i]] = 0.5 + 0.5 * sin(angle);
	}
	if (middle != NONE)
		picture->x[middle] = picture->y[middle] = 0.5;
}

/* Walks from node to node that was not visited; false: it does not reach all. */
static bool walk(const struct graph_picture *picture, size_t from, size_t *order)
{
	bool seen[PICTURE_MEMBERS_MAX] = {false};
	size_t count = 0, at = from;

	while (at != NONE) {
		size_t next = NONE;

		order[count++] = at;
		seen[at] = true;
		for (size_t i = 0; i < picture->n && next == NONE; i++)
			if (picture->linked[at][i] && !seen[i])
				next = i;
		at = next;
	}
	return count == picture->n;
}

static bool place_chain(struct graph_picture *picture)
{
	size_t order[PICTURE_MEMBERS_MAX], end = 0;

	while (end < picture->n && picture->degree[end] != 1)
		end++;
	if (end == picture->n || !walk(picture, end, order))
		return false;
	/* A long chain goes forth and back. */
	for (size_t i = 0; i < picture->n; i++) {
		const size_t row = i / 6, column = row % 2 == 0 ? i % 6 : 5 - i % 6;
		const size_t wide = picture->n < 6 ? picture->n : 6, rows = (picture->n + 5) / 6;

		picture->x[order[i]] = wide > 1 ? (double)column / (double)(wide - 1) : 0.5;
		picture->y[order[i]] = rows > 1 ? (double)row / (double)(rows - 1) : 0.5;
	}
	return true;
}

static bool place_ring(struct graph_picture *picture)
{
	size_t order[PICTURE_MEMBERS_MAX];

	if (!walk(picture, 0, order))
		return false;
	on_circle(picture, order, picture->n, NONE);
	return true;
}

static bool place_star(struct graph_picture *picture)
{
	size_t order[PICTURE_MEMBERS_MAX], count = 0, middle = 0;

	for (size_t i = 1; i < picture->n; i++)
		if (picture->degree[i] > picture->degree[middle])
			middle = i;
	for (size_t i = 0; i < picture->n; i++)
		if (i != middle)
			order[count++] = i;
	on_circle(picture, order, count, middle);
	return true;
}

static void measure(const struct graph_picture *picture, size_t from, size_t *far)
{
	size_t queue[PICTURE_MEMBERS_MAX], head = 0, tail = 0;

	for (size_t i = 0; i < picture->n; i++)
		far[i] = NONE;
	far[from] = 0;
	queue[tail++] = from;
	while (head < tail) {
		const size_t at = queue[head++];

		for (size_t i = 0; i < picture->n; i++)
			if (picture->linked[at][i] && far[i] == NONE) {
				far[i] = far[at] + 1;
				queue[tail++] = i;
			}
	}
}

/* In a grid the distances from two corners of one side tell row and column. */
static bool place_mesh(struct graph_picture *picture, size_t wide, size_t high)
{
	size_t first[PICTURE_MEMBERS_MAX], second[PICTURE_MEMBERS_MAX], a = 0, b = NONE;
	bool taken[PICTURE_MEMBERS_MAX] = {false};

	while (a < picture->n && picture->degree[a] != 2)
		a++;
	if (a == picture->n || wide < 2 || high < 2 || wide * high != picture->n)
		return false;
	measure(picture, a, first);
	for (size_t i = 0; i < picture->n && b == NONE; i++)
		if (i != a && picture->degree[i] == 2 && first[i] == wide - 1)
			b = i;
	if (b == NONE)
		return false;
	measure(picture, b, second);
	for (size_t i = 0; i < picture->n; i++) {
		const size_t x = (first[i] + wide - 1 - second[i]) / 2, y = first[i] - x;

		if (first[i] == NONE || second[i] == NONE || x >= wide || y >= high ||
		    taken[y * wide + x])
			return false;
		taken[y * wide + x] = true;
		picture->x[i] = (double)x / (double)(wide - 1);
		picture->y[i] = (double)y / (double)(high - 1);
	}
	return true;
}

static bool place(struct graph_picture *picture, const char *shape)
{
	unsigned wide, high;

	if (strcmp(shape, "chain") == 0)
		return place_chain(picture);
	if (strcmp(shape, "ring") == 0)
		return place_ring(picture);
	if (strcmp(shape, "star") == 0)
		return place_star(picture);
	if (sscanf(shape, "mesh %3ux%3u", &wide, &high) == 2)
		return place_mesh(picture, high, wide);
	return false;
}

static void place_anyhow(struct graph_picture *picture)
{
	size_t order[PICTURE_MEMBERS_MAX];

	for (size_t i = 0; i < picture->n; i++)
		order[i] = i;
	on_circle(picture, order, picture->n, NONE);
}

/* ---- drawing ---- */

static double across(double x)
{
	return MARGIN + x * (WIDTH - 2 * MARGIN);
}

static double down(double y)
{
	return MARGIN / 2.0 + 4 + y * (HEIGHT - 2 * MARGIN);
}

static void draw_links(const struct graph_picture *picture, FILE *out)
{
	for (size_t a = 0; a < picture->n; a++)
		for (size_t b = a + 1; b < picture->n; b++)
			if (picture->linked[a][b])
				fprintf(out,
				    "<line class=\"link\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
				    "y2=\"%.1f\"/>\n",
				    across(picture->x[a]), down(picture->y[a]),
				    across(picture->x[b]), down(picture->y[b]));
}

static void draw_nodes(const struct graph_picture *picture, const json_t *members,
    const json_t *environments, FILE *out)
{
	for (size_t i = 0; i < picture->n; i++) {
		const json_t *member = json_array_get(members, i);
		const double x = across(picture->x[i]), y = down(picture->y[i]);

		fprintf(out, "<circle class=\"e%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"7\"/>\n",
		    picture_colour(environments, report_string(member, "environment")), x, y);
		if (picture->n > NAMED)
			continue;
		fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", x, y + 19);
		picture_put_short(report_string(member, "name"), NAME_LONG, out);
		fputs("</text>\n", out);
	}
}

void picture_group(const json_t *group, const json_t *environments, FILE *out)
{
	struct graph_picture *picture = calloc(1, sizeof *picture);
	const json_t *members = json_object_get(group, "members");
	const long long number = (long long)report_integer(group, "number");
	const size_t all = json_array_size(members);

	if (picture == NULL || all == 0) {
		free(picture);
		return;
	}
	picture->n = all < PICTURE_MEMBERS_MAX ? all : PICTURE_MEMBERS_MAX;
	read_links(group, picture);
	if (!place(picture, report_string(group, "shape")))
		place_anyhow(picture);
	fprintf(out,
	    "<svg role=\"img\" aria-labelledby=\"group-%lld-title group-%lld-desc\" "
	    "viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n"
	    "<title id=\"group-%lld-title\">Group %lld: ",
	    number, number, WIDTH, HEIGHT, WIDTH, HEIGHT, number, number);
	escape_put(report_string(group, "shape"), ESCAPE_HTML, out);
	fprintf(out,
	    "</title>\n<desc id=\"group-%lld-desc\">%zu of %lld VMs as points, the heaviest links "
	    "between them as lines; the colour is that of the environment. The names are below "
	    "the picture.</desc>\n",
	    number, picture->n, (long long)report_integer(group, "vms"));
	draw_links(picture, out);
	draw_nodes(picture, members, environments, out);
	fputs("</svg>\n", out);
	free(picture);
}
