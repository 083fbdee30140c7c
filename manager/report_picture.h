/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pictures of a report as inline SVG: each with a title and a description, with colours by
 * class, so that the page's style chooses them for light, dark and paper. What is unknown is
 * hatched or left out, never drawn as 0. Any JSON is taken; what has another form than
 * doc/report.md says is not drawn. Pure but for the stream; one thread.
 */
#ifndef GRAPPE_MANAGER_REPORT_PICTURE_H
#define GRAPPE_MANAGER_REPORT_PICTURE_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#define PICTURE_COLOURS 6      /* of lines and environments; then they begin again */
#define PICTURE_LEVELS 6       /* of the heat map */
#define PICTURE_MEMBERS_MAX 24 /* VMs of a group that are drawn */

/* picture_heat - the matrix; rows receive, columns send. */
void picture_heat(const json_t *matrix, FILE *out);
/* picture_level - 1 … PICTURE_LEVELS, for a rate above 0 beside the highest one. */
int picture_level(double rate, double most);
/* picture_level_from - the least rate of a level. */
double picture_level_from(int level, double most);
/* picture_most - the highest rate of a matrix; 0: there is none. */
double picture_most(const json_t *matrix);

/* picture_group - a group as its shape; environments: names in the order of their colours. */
void picture_group(const json_t *group, const json_t *environments, FILE *out);
/* picture_series - traffic between environments over time. */
void picture_series(const json_t *series, FILE *out);
/* picture_colour - class number of an environment. */
size_t picture_colour(const json_t *environments, const char *name);

/* picture_put_short - a text escaped and cut to so many characters. */
void picture_put_short(const char *text, size_t characters, FILE *out);

#endif
