/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/template.h"

#include "common/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Whether VMs a < b of a pattern of width x height (height 1 for those of one number) talk. */
typedef bool is_link(size_t a, size_t b, size_t width, size_t height);

static bool in_chain(size_t a, size_t b, size_t width, size_t height)
{
	(void)width;
	(void)height;
	return b == a + 1;
}

static bool in_ring(size_t a, size_t b, size_t width, size_t height)
{
	(void)height;
	return b == a + 1 || (a == 0 && b == width - 1);
}

static bool in_star(size_t a, size_t b, size_t width, size_t height)
{
	(void)b;
	(void)width;
	(void)height;
	return a == 0;
}

static bool in_all(size_t a, size_t b, size_t width, size_t height)
{
	(void)a;
	(void)b;
	(void)width;
	(void)height;
	return true;
}

static bool in_mesh(size_t a, size_t b, size_t width, size_t height)
{
	(void)height;
	return b == a + width || (b == a + 1 && b % width != 0);
}

/* Groups stand one after the other: width groups of height. */
static bool in_groups(size_t a, size_t b, size_t width, size_t height)
{
	(void)width;
	return a / height == b / height;
}

static const struct {
	const char *name;
	bool two_numbers;
	is_link *talk;
} patterns[] = {
    {"chain", false, in_chain},
    {"ring", false, in_ring},
    {"star", false, in_star},
    {"all-to-all", false, in_all},
    {"mesh", true, in_mesh},
    {"groups", true, in_groups},
};

#define NPATTERNS (sizeof patterns / sizeof *patterns)
#define FAIL(code, ...) (snprintf(message, size, __VA_ARGS__), (code))

/* Reads "NAME:N" or "NAME:WxH". Returns the index of the pattern or GRAPPE_EFORMAT. */
static int read_pattern(const char *text, size_t *width, size_t *height)
{
	const char *colon = strchr(text, ':');
	unsigned w = 0, h = 1;
	char rest;

	for (size_t i = 0; colon != NULL && i < NPATTERNS; i++) {
		if (strlen(patterns[i].name) != (size_t)(colon - text) ||
		    strncmp(patterns[i].name, text, (size_t)(colon - text)) != 0)
			continue;
		if (colon[1] < '0' || colon[1] > '9')
			return GRAPPE_EFORMAT;
		if (patterns[i].two_numbers ? sscanf(colon + 1, "%6ux%6u%c", &w, &h, &rest) != 2
					    : sscanf(colon + 1, "%6u%c", &w, &rest) != 1)
			return GRAPPE_EFORMAT;
		*width = w;
		*height = h;
		return w > 0 && h > 0 ? (int)i : GRAPPE_EFORMAT;
	}
	return GRAPPE_EFORMAT;
}

static int add_link(struct matrix *matrix, const uint32_t ends[2], double packets, double octets)
{
	int rc = matrix_add(matrix, ends[0], ends[1], packets, octets);

	return rc == GRAPPE_OK ? matrix_add(matrix, ends[1], ends[0], packets, octets) : rc;
}

static int find_node(struct matrix *matrix, const char *name, size_t number)
{
	char text[MATRIX_NODE_NAME_MAX + 1];

	if (snprintf(text, sizeof text, "%s-%zu", name, number + 1) >= (int)sizeof text)
		return GRAPPE_EINVALID;
	return matrix_node(matrix, text);
}

int template_fill(const char *pattern, const char *name, double packets, double octets,
    struct matrix *matrix, size_t *count, char *message, size_t size)
{
	size_t width = 0, height = 1;
	const int kind = read_pattern(pattern, &width, &height);

	if (kind < 0)
		return FAIL(kind,
		    "'%.64s' is no pattern: chain:N, ring:N, star:N, all-to-all:N, mesh:WxH, "
		    "groups:KxN",
		    pattern);
	*count = width * height;
	if (*count > TEMPLATE_VMS_MAX)
		return FAIL(GRAPPE_ELIMIT, "more than %d VMs", TEMPLATE_VMS_MAX);
	for (size_t a = 0; a < *count; a++) {
		for (size_t b = a; b < *count; b++) {
			const int one = find_node(matrix, name, a),
				  two = find_node(matrix, name, b);
			const uint32_t ends[2] = {(uint32_t)one, (uint32_t)two};
			int rc = one < 0 ? one : two < 0 ? two : GRAPPE_OK;

			if (rc == GRAPPE_OK && a != b && patterns[kind].talk(a, b, width, height))
				rc = add_link(matrix, ends, packets, octets);
			if (rc != GRAPPE_OK)
				return FAIL(rc, "%.64s-%zu: %s", name, a + 1, error_text(rc));
		}
	}
	return GRAPPE_OK;
}
