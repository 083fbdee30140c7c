/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Traffic over time: lines that end where nothing is known, and a bar below that tells how much of
 * each step is. */
#include "manager/report_picture.h"

#include "common/escape.h"
#include "common/time_text.h"
#include "manager/explain.h"
#include "manager/report_write.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define WIDTH 720
#define HEIGHT 270
#define LEFT 78
#define RIGHT 14
#define TOP 12
#define BOTTOM 50
#define STEPS_MAX 2000
#define LINES_MAX PICTURE_COLOURS
#define TICKS 4 /* times below the picture, beside the first */

struct scale {
	size_t count; /* steps */
	double most;  /* top of the picture, octets per second */
};

static double across(const struct scale *scale, double step)
{
	return LEFT + step / (double)scale->count * (WIDTH - LEFT - RIGHT);
}

static double up(const struct scale *scale, double rate)
{
	return HEIGHT - BOTTOM - rate / scale->most * (HEIGHT - TOP - BOTTOM);
}

/* 1, 2 or 5 times a power of ten, at least value. */
static double round_up(double value)
{
	const double power = pow(10, floor(log10(value)));

	for (int i = 1; i <= 5; i += i == 2 ? 3 : 1)
		if (value <= i * power)
			return i * power;
	return 10 * power;
}

static void find_scale(const json_t *series, struct scale *scale)
{
	const json_t *lines = json_object_get(series, "lines"), *line, *rate;
	size_t i, k;

	*scale = (struct scale){.count = 0, .most = 0};
	json_array_foreach(lines, i, line)
	{
		const json_t *rates = json_object_get(line, "octets_per_s");

		if (json_array_size(rates) > scale->count)
			scale->count = json_array_size(rates);
		json_array_foreach(rates, k, rate) scale->most =
		    fmax(scale->most, json_number_value(rate));
	}
	if (scale->count > STEPS_MAX)
		scale->count = 0;
	scale->most = scale->most >= 1 && scale->most < 1e30 ? round_up(scale->most) : 1;
}

static void draw_axes(const json_t *series, const struct scale *scale, FILE *out)
{
	char words[REPORT_WORDS_SIZE], stamp[TIME_TEXT_SIZE];
	const int64_t from_s = report_integer(series, "from"), to_s = report_integer(series, "to");

	for (int i = 0; i <= 4; i++) {
		const double rate = scale->most * i / 4, y = up(scale, rate);

		fprintf(out,
		    "<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>"
		    "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
		    LEFT, y, WIDTH - RIGHT, y, LEFT - 6, y + 4,
		    explain_rate(rate, words, sizeof words));
	}
	for (int i = 0; i <= TICKS; i++) {
		static const char *const anchors[] = {"start", "middle", "end"};
		const int64_t time_s = from_s + (to_s - from_s) / TICKS * i;

		time_text_format(time_s, false, stamp, sizeof stamp);
		/* Month, day, hour and minute: the year is in the page's title. */
		fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%.11s</text>\n",
		    across(scale, (double)scale->count * i / TICKS), HEIGHT - 8,
		    anchors[i == 0       ? 0
			    : i == TICKS ? 2
					 : 1],
		    strlen(stamp) >= 19 ? stamp + 5 : stamp);
	}
}

static void draw_line(const json_t *rates, const struct scale *scale, size_t number, FILE *out)
{
	bool open = false;

	fprintf(out, "<path class=\"l%zu\" d=\"", number);
	for (size_t i = 0; i < scale->count; i++) {
		const json_t *rate = json_array_get(rates, i);
		const double value = json_number_value(rate);

		if (json_is_number(rate) && value >= 0 && value <= scale->most) {
			/* A step is a level piece, so that one alone can be seen as well. */
			fprintf(out, "%c%.1f %.1fH%.1f", open ? 'L' : 'M', across(scale, (double)i),
			    up(scale, value), across(scale, (double)i + 1));
			open = true;
		} else {
			open = false;
		}
	}
	fputs("\"/>\n", out);
}

/* The least that is known of any line in a step; < 0: nobody says. */
static double least_known(const json_t *lines, size_t step)
{
	double least = HUGE_VAL;

	for (size_t i = 0; i < json_array_size(lines); i++) {
		const json_t *known =
		    json_array_get(json_object_get(json_array_get(lines, i), "known"), step);

		least = fmin(least, json_is_number(known) ? json_number_value(known) : 0);
	}
	return least;
}

static void draw_known(const json_t *lines, const struct scale *scale, FILE *out)
{
	for (size_t i = 0; i < scale->count; i++) {
		const double known = least_known(lines, i);
		const int state = known >= 1 - 1e-9 ? 2 : known > 0 ? 1 : 0;

		fprintf(out,
		    "<rect class=\"k%d\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"8\"/>", state,
		    across(scale, (double)i), HEIGHT - BOTTOM + 8,
		    across(scale, 1) - across(scale, 0));
	}
	fputc('\n', out);
}

void picture_series(const json_t *series, FILE *out)
{
	const json_t *lines = json_object_get(series, "lines");
	struct scale scale;

	find_scale(series, &scale);
	if (scale.count == 0)
		return;
	fprintf(out,
	    "<svg role=\"img\" aria-labelledby=\"series-title series-desc\" "
	    "viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" class=\"series\">\n"
	    "<title id=\"series-title\">Traffic between environments over time</title>\n"
	    "<desc id=\"series-desc\">Octets per second, in UTC. Lines have gaps where less than "
	    "half is known; the bar below tells what is known of each step. The list below the "
	    "picture has means and maxima.</desc>\n",
	    WIDTH, HEIGHT, WIDTH, HEIGHT);
	draw_axes(series, &scale, out);
	for (size_t i = json_array_size(lines) < LINES_MAX ? json_array_size(lines) : LINES_MAX;
	     i > 0; i--)
		draw_line(json_object_get(json_array_get(lines, i - 1), "octets_per_s"), &scale,
		    i - 1, out);
	draw_known(lines, &scale, out);
	fputs("</svg>\n", out);
}
