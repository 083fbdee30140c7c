/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fakes/planted.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS 30
#define LARGEST 64
#define HUB_VMS 500

struct stray {
	uint32_t a, b;
	double weight;
};

struct field {
	const struct planted_wish *wish;
	unsigned short random[3];
	uint32_t *order, *group_of;
	struct stray *strays;
	size_t nstrays;
	double inside; /* octets per second */
	struct matrix *matrix;
};

static void *must(void *memory)
{
	if (memory == NULL) {
		fputs("planted: memory is short\n", stderr);
		exit(EXIT_FAILURE);
	}
	return memory;
}

static double draw(struct field *field)
{
	return erand48(field->random);
}

static uint32_t below(struct field *field, uint32_t limit)
{
	return (uint32_t)(draw(field) * limit);
}

static double pareto(struct field *field, double alpha, double most)
{
	return fmin(most, pow(1 - draw(field), -1 / alpha));
}

static double normal(struct field *field)
{
	const double radius = sqrt(-2 * log(1 - draw(field)));

	return radius * cos(2 * M_PI * draw(field));
}

/* Both directions, packets of 200 to 1400 octets. */
static void exchange(struct field *field, uint32_t a, uint32_t b, double octets_s)
{
	const double there = 0.2 + 0.6 * draw(field), size = 200 + 1200 * draw(field);
	const double octets[2] = {octets_s * there * SECONDS, octets_s * (1 - there) * SECONDS};

	if (matrix_add(field->matrix, a, b, octets[0] / size, octets[0]) != 0 ||
	    matrix_add(field->matrix, b, a, octets[1] / size, octets[1]) != 0)
		must(NULL);
}

/* ---- clusters ---- */

struct cluster {
	struct field *field;
	const uint32_t *vms;
	uint32_t size;
	double intensity;
};

static void talk(struct cluster *cluster, uint32_t i, uint32_t k)
{
	const double octets_s = cluster->intensity * pareto(cluster->field, 1.5, 100);

	if (i == k)
		return;
	exchange(cluster->field, cluster->vms[i], cluster->vms[k], octets_s);
	cluster->field->inside += octets_s;
}

static void make_chain(struct cluster *c)
{
	for (uint32_t i = 0; i + 1 < c->size; i++)
		talk(c, i, i + 1);
}

static void make_grid(struct cluster *c)
{
	const uint32_t width = c->size >= 4 ? (uint32_t)sqrt(c->size) : 1;

	for (uint32_t i = 0; i < c->size; i++) {
		if ((i + 1) % width != 0 && i + 1 < c->size)
			talk(c, i, i + 1);
		if (i + width < c->size)
			talk(c, i, i + width);
	}
}

static void make_star(struct cluster *c)
{
	for (uint32_t i = 1; i < c->size; i++)
		talk(c, 0, i);
}

/* Web servers, application servers, databases. */
static void make_tiers(struct cluster *c)
{
	const uint32_t a = c->size >= 4 ? c->size / 4 : 1;
	const uint32_t b = c->size / 2 + a < c->size ? c->size / 2 + a : c->size;

	for (uint32_t k = a; k < b; k++) {
		for (uint32_t i = 0; i < a; i++)
			if (k == a || draw(c->field) < 0.6)
				talk(c, i, k);
		for (uint32_t i = b; i < c->size; i++)
			if (k == a || draw(c->field) < 0.4)
				talk(c, k, i);
		talk(c, 0, k);
	}
}

static void make_random(struct cluster *c)
{
	for (uint32_t i = 1; i < c->size; i++)
		talk(c, below(c->field, i), i);
	for (uint32_t i = 0; i < c->size; i++)
		for (uint32_t k = 0; k < 5 && k + 1 < c->size; k++)
			talk(c, i, below(c->field, c->size));
}

static void make_full(struct cluster *c)
{
	if (c->size > 16) {
		make_random(c);
		return;
	}
	for (uint32_t i = 0; i < c->size; i++)
		for (uint32_t k = i + 1; k < c->size; k++)
			talk(c, i, k);
}

static const struct {
	double until; /* running sum of the shares */
	void (*make)(struct cluster *cluster);
} patterns[] = {{0.2, make_full}, {0.3, make_chain}, {0.5, make_grid}, {0.65, make_star},
    {0.8, make_tiers}, {1.0, make_random}};

static void make_cluster(struct field *field, const uint32_t *vms, uint32_t size)
{
	struct cluster cluster = {field, vms, size, 4e5 * exp(normal(field))};
	const double chosen = draw(field);
	size_t i = 0;

	while (patterns[i].until <= chosen)
		i++;
	if (size > 1)
		patterns[i].make(&cluster);
}

static void make_clusters(struct field *field)
{
	const uint32_t vms = field->wish->vms;
	const uint32_t largest = vms / 3 < LARGEST ? vms / 3 : LARGEST;
	uint32_t group = field->wish->hubs;

	for (uint32_t at = field->wish->hubs; at < vms; group++) {
		uint32_t size = 1;

		if (draw(field) >= 0.05)
			size = (uint32_t)fmin(largest, 2 * pareto(field, 1.1, largest / 2.0));
		if (size > vms - at)
			size = vms - at;
		for (uint32_t i = 0; i < size; i++)
			field->group_of[field->order[at + i]] = group;
		make_cluster(field, field->order + at, size);
		at += size;
	}
}

/* ---- noise ---- */

static void make_noise(struct field *field)
{
	const uint32_t vms = field->wish->vms;
	const uint32_t served = vms / 2 < HUB_VMS ? vms / 2 : HUB_VMS;
	double sum = 0, scale;

	field->strays = must(
	    calloc(5 * (size_t)vms + (size_t)field->wish->hubs * HUB_VMS, sizeof *field->strays));
	for (uint32_t a = 0; a < vms; a++) {
		for (uint32_t k = 2 + below(field, 4); k > 0; k--) {
			const uint32_t b = below(field, vms);

			if (field->group_of[a] != field->group_of[b])
				field->strays[field->nstrays++] =
				    (struct stray){a, b, pareto(field, 1.5, 100)};
		}
	}
	for (uint32_t h = 0; h < field->wish->hubs; h++) {
		for (uint32_t k = 0; k < served; k++) {
			const uint32_t b = below(field, vms);

			if (b != field->order[h])
				field->strays[field->nstrays++] =
				    (struct stray){field->order[h], b, 3 * pareto(field, 1.5, 100)};
		}
	}
	for (size_t i = 0; i < field->nstrays; i++)
		sum += field->strays[i].weight;
	scale = sum > 0 ? field->wish->noise * field->inside / sum / (1 - field->wish->noise) : 0;
	for (size_t i = 0; i < field->nstrays; i++)
		exchange(
		    field, field->strays[i].a, field->strays[i].b, scale * field->strays[i].weight);
}

static void shuffle(struct field *field)
{
	for (uint32_t i = 0; i < field->wish->vms; i++)
		field->order[i] = i;
	for (uint32_t i = field->wish->vms; i > 1; i--) {
		const uint32_t other = below(field, i), kept = field->order[i - 1];

		field->order[i - 1] = field->order[other];
		field->order[other] = kept;
	}
}

struct planted planted_make(const struct planted_wish *wish)
{
	struct field field = {.wish = wish,
	    .random = {wish->seed, (unsigned short)wish->vms, (unsigned short)wish->hubs},
	    .order = must(calloc(wish->vms, sizeof *field.order)),
	    .group_of = must(calloc(wish->vms, sizeof *field.group_of)),
	    .matrix = must(matrix_new())};
	char name[16];

	for (uint32_t i = 0; i < wish->vms; i++) {
		snprintf(name, sizeof name, "vm%u", i);
		if (matrix_node(field.matrix, name) != (int)i)
			must(NULL);
	}
	matrix_window(field.matrix)->length_s = SECONDS;
	shuffle(&field);
	for (uint32_t h = 0; h < wish->hubs; h++)
		field.group_of[field.order[h]] = h;
	make_clusters(&field);
	make_noise(&field);
	free(field.order);
	free(field.strays);
	return (struct planted){field.matrix, field.group_of};
}

void planted_free(struct planted *planted)
{
	matrix_free(planted->matrix);
	free(planted->group_of);
	*planted = (struct planted){0};
}

/* ---- agreement ---- */

struct both {
	uint32_t one, other;
};

static int compare_both(const void *left, const void *right)
{
	const struct both *x = left, *y = right;

	if (x->one != y->one)
		return x->one < y->one ? -1 : 1;
	return x->other < y->other ? -1 : x->other > y->other;
}

static double pairs_of(double count)
{
	return count * (count - 1) / 2;
}

static double pairs_inside(const uint32_t *group_of, uint32_t count)
{
	uint32_t *size = must(calloc(count, sizeof *size));
	double sum = 0;

	for (uint32_t i = 0; i < count; i++)
		size[group_of[i]]++;
	for (uint32_t i = 0; i < count; i++)
		sum += pairs_of(size[i]);
	free(size);
	return sum;
}

double planted_agreement(const uint32_t *one, const uint32_t *other, uint32_t count)
{
	struct both *both = must(calloc(count, sizeof *both));
	const double a = pairs_inside(one, count), b = pairs_inside(other, count);
	const double expected = a * b / pairs_of(count);
	double together = 0;
	uint32_t run = 0;

	for (uint32_t i = 0; i < count; i++)
		both[i] = (struct both){one[i], other[i]};
	qsort(both, count, sizeof *both, compare_both);
	for (uint32_t i = 0; i < count; i++) {
		run++;
		if (i + 1 < count && compare_both(&both[i], &both[i + 1]) == 0)
			continue;
		together += pairs_of(run);
		run = 0;
	}
	free(both);
	return (together - expected) / ((a + b) / 2 - expected);
}
