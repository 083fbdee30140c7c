/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/archive_layout.h"

#include "common/error.h"

#include <stdio.h>
#include <stdlib.h>

#define DAY_S INT64_C(86400)
#define LENGTH_USUAL_S 30 /* the period length the default levels are meant for */

const struct setting archive_section_settings[ARCHIVE_SECTION_SETTINGS] = {
    {.key = "resolution",
	.type = SETTING_DURATION,
	.offset = offsetof(struct archive_section, resolution_ms),
	.min = 1000,
	.max = 31.0 * 86400e3,
	.text = "Time one row covers; the finest must be the period"},
    {.key = "keep",
	.type = SETTING_DURATION,
	.offset = offsetof(struct archive_section, keep_ms),
	.min = 1000,
	.max = 36525.0 * 86400e3,
	.text = "How far back rows of this resolution reach"},
};

static int64_t round_up(int64_t value, int64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

void archive_layout_default(uint32_t length_s, struct archive_layout *layout)
{
	static const struct archive_level usual[] = {
	    {30, DAY_S}, {300, 14 * DAY_S}, {3600, 365 * DAY_S}, {DAY_S, 5 * 365 * DAY_S}};
	const int64_t length = length_s > 0 ? length_s : LENGTH_USUAL_S;

	*layout = (struct archive_layout){.length_s = (uint32_t)length};
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
		struct archive_level level = usual[i];
		struct archive_level *before =
		    layout->count > 0 ? &layout->levels[layout->count - 1] : NULL;

		if (length < LENGTH_USUAL_S) {
			level.resolution_s = level.resolution_s / LENGTH_USUAL_S * length;
			level.keep_s = level.keep_s / LENGTH_USUAL_S * length;
		} else {
			level.resolution_s = round_up(
			    level.resolution_s, before != NULL ? before->resolution_s : length);
			level.keep_s = round_up(level.keep_s, level.resolution_s);
		}
		if (before != NULL && before->resolution_s == level.resolution_s)
			before->keep_s = round_up(level.keep_s, before->resolution_s);
		else
			layout->levels[layout->count++] = level;
	}
	if (layout->levels[0].keep_s < layout->levels[layout->count - 1].resolution_s)
		layout->levels[0].keep_s =
		    round_up(layout->levels[layout->count - 1].resolution_s, length);
}

#define FAIL(...) (snprintf(message, size, __VA_ARGS__), GRAPPE_EINVALID)

static int check_level(const struct archive_layout *layout, size_t i, char *message, size_t size)
{
	const struct archive_level *level = &layout->levels[i], *before = level - 1;

	if (level->resolution_s <= 0 || level->keep_s < level->resolution_s)
		return FAIL("archive of %llds rows must keep at least one row, not %llds",
		    (long long)level->resolution_s, (long long)level->keep_s);
	if (level->keep_s % level->resolution_s != 0)
		return FAIL("archive of %llds rows must keep whole rows, not %llds",
		    (long long)level->resolution_s, (long long)level->keep_s);
	if (level->keep_s / level->resolution_s > ARCHIVE_ROWS_MAX)
		return FAIL("archive of %llds rows for %llds has more than %d rows",
		    (long long)level->resolution_s, (long long)level->keep_s, ARCHIVE_ROWS_MAX);
	if (i == 0)
		return GRAPPE_OK;
	if (level->resolution_s == before->resolution_s)
		return FAIL(
		    "two archives have the same resolution %llds", (long long)level->resolution_s);
	if (level->resolution_s % before->resolution_s != 0)
		return FAIL("archive resolution %llds is not a multiple of the finer %llds",
		    (long long)level->resolution_s, (long long)before->resolution_s);
	if (level->keep_s < before->keep_s)
		return FAIL("archive of %llds rows reaches back %llds, less than the finer one",
		    (long long)level->resolution_s, (long long)level->keep_s);
	return GRAPPE_OK;
}

int archive_layout_check(const struct archive_layout *layout, char *message, size_t size)
{
	if (layout->length_s == 0 || layout->count == 0 || layout->count > ARCHIVE_LEVELS_MAX)
		return FAIL("archives need a period and 1 to %d resolutions", ARCHIVE_LEVELS_MAX);
	if (layout->levels[0].resolution_s != layout->length_s)
		return FAIL("the finest archive has resolution %llds, it must be the period (%us)",
		    (long long)layout->levels[0].resolution_s, layout->length_s);
	for (size_t i = 0; i < layout->count; i++)
		if (check_level(layout, i, message, size) != GRAPPE_OK)
			return GRAPPE_EINVALID;
	if (layout->levels[0].keep_s < layout->levels[layout->count - 1].resolution_s)
		return FAIL("the finest archive keeps %llds, it must reach back at least one row "
			    "of the coarsest (%llds)",
		    (long long)layout->levels[0].keep_s,
		    (long long)layout->levels[layout->count - 1].resolution_s);
	return GRAPPE_OK;
}

uint64_t archive_layout_bytes(const struct archive_layout *layout)
{
	const uint64_t value = 2 * sizeof(double); /* two data sources */
	uint64_t rows = 0;

	for (size_t i = 0; i < layout->count; i++)
		rows += (uint64_t)(layout->levels[i].keep_s / layout->levels[i].resolution_s);
	return rows * value * (layout->maximum ? 2 : 1);
}

/* What librrd puts before the rows, on machines with words of 64 bits: see rrd_format.h. */
#define HEAD_BYTES 608
#define HEAD_LEVEL_BYTES 288 /* definition, two states, pointer */

uint64_t archive_layout_file_bytes(const struct archive_layout *layout)
{
	const uint64_t levels = layout->count * (layout->maximum ? 2 : 1);

	return archive_layout_bytes(layout) + HEAD_BYTES + levels * HEAD_LEVEL_BYTES;
}

static void print_duration(int64_t duration_s, FILE *out)
{
	static const struct {
		int64_t unit_s;
		const char *name;
	} units[] = {{DAY_S, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	size_t i = 0;

	while (duration_s % units[i].unit_s != 0)
		i++;
	fprintf(out, "%lld%s", (long long)(duration_s / units[i].unit_s), units[i].name);
}

void archive_layout_describe(const struct archive_layout *layout, FILE *out)
{
	static const uint64_t pairs[] = {1000, 10000, 100000};
	const uint64_t bytes = archive_layout_file_bytes(layout);

	fprintf(out, "# Archives with these levels:\n");
	for (size_t i = 0; i < layout->count; i++) {
		fprintf(out, "#   rows of ");
		print_duration(layout->levels[i].resolution_s, out);
		fprintf(out, " for ");
		print_duration(layout->levels[i].keep_s, out);
		fprintf(out, " (%lld rows)\n",
		    (long long)(layout->levels[i].keep_s / layout->levels[i].resolution_s));
	}
	fprintf(out, "# A pair takes %llu bytes", (unsigned long long)bytes);
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		fprintf(out, "%s %llu pairs %.1f MB", i == 0 ? ";" : ",",
		    (unsigned long long)pairs[i], (double)(pairs[i] * bytes) / 1e6);
	fprintf(out, ".\n# A receiver takes one file more, and one for each kind of mark its "
		     "periods ever had.\n");
}

static int compare_levels(const void *left, const void *right)
{
	const struct archive_level *x = left, *y = right;

	return x->resolution_s < y->resolution_s ? -1 : x->resolution_s > y->resolution_s;
}

int archive_layout_configure(uint32_t length_s, bool maximum,
    const struct settings_sections *sections, struct archive_layout *layout, char *message,
    size_t size)
{
	const struct archive_section *section = sections->items;

	archive_layout_default(length_s, layout);
	layout->maximum = maximum;
	if (sections->count > ARCHIVE_LEVELS_MAX)
		return FAIL("at most %d archive sections", ARCHIVE_LEVELS_MAX);
	for (size_t i = 0; i < sections->count; i++) {
		if (section[i].resolution_ms % 1000 != 0 || section[i].keep_ms % 1000 != 0)
			return FAIL("archive \"%s\": resolution and keep must be whole seconds",
			    section[i].title);
		if (section[i].resolution_ms <= 0)
			return FAIL(
			    "archive \"%s\": the resolution is not positive", section[i].title);
		layout->levels[i] = (struct archive_level){section[i].resolution_ms / 1000,
		    round_up(section[i].keep_ms / 1000, section[i].resolution_ms / 1000)};
	}
	if (sections->count > 0) {
		layout->count = sections->count;
		qsort(layout->levels, layout->count, sizeof *layout->levels, compare_levels);
	}
	return archive_layout_check(layout, message, size);
}
