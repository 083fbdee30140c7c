/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/marks.h"

#include "common/matrix.h"

#include <stdlib.h>

/* From so many receivers on, those that left memory are forgotten now and then. */
#define PRUNE_FROM 65536

struct marks {
	int64_t (*last_written)(void *context, const char *receiver);
	void *context;
	struct matrix *ids;
	int64_t *ends_s; /* by node; -1: not asked yet */
	size_t size;
	size_t prune_at;
};

struct marks *marks_new(int64_t (*last_written)(void *context, const char *receiver), void *context)
{
	struct marks *marks = calloc(1, sizeof *marks);

	if (marks == NULL)
		return NULL;
	*marks = (struct marks){.last_written = last_written,
	    .context = context,
	    .ids = matrix_new(),
	    .prune_at = PRUNE_FROM};
	if (marks->ids == NULL) {
		free(marks);
		return NULL;
	}
	return marks;
}

void marks_free(struct marks *marks)
{
	if (marks == NULL)
		return;
	matrix_free(marks->ids);
	free(marks->ends_s);
	free(marks);
}

int64_t *marks_of(struct marks *marks, const char *receiver)
{
	const int node = matrix_node(marks->ids, receiver);
	size_t wanted = marks->size ? marks->size : 64;
	int64_t *bigger;

	if (node < 0)
		return NULL;
	if ((size_t)node >= marks->size) {
		while (wanted <= (size_t)node)
			wanted *= 2;
		bigger = reallocarray(marks->ends_s, wanted, sizeof *bigger);
		if (bigger == NULL)
			return NULL;
		for (size_t i = marks->size; i < wanted; i++)
			bigger[i] = -1;
		marks->ends_s = bigger;
		marks->size = wanted;
	}
	if (marks->ends_s[node] < 0)
		marks->ends_s[node] =
		    marks->last_written != NULL ? marks->last_written(marks->context, receiver) : 0;
	return &marks->ends_s[node];
}

/* Fills fresh with the marks that are kept. Returns their number, or SIZE_MAX without memory. */
static size_t carry_over(const struct marks *marks, int64_t oldest_s, struct marks *fresh)
{
	const size_t count = matrix_nodes(marks->ids);
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (marks->ends_s[i] < oldest_s)
			continue;
		if (matrix_node(fresh->ids, matrix_name(marks->ids, (uint32_t)i)) < 0)
			return SIZE_MAX;
		fresh->ends_s[kept++] = marks->ends_s[i];
	}
	for (size_t i = kept; i < fresh->size; i++)
		fresh->ends_s[i] = -1;
	return kept;
}

void marks_prune(struct marks *marks, int64_t oldest_s)
{
	const size_t count = matrix_nodes(marks->ids);
	struct marks fresh = *marks;
	size_t kept = SIZE_MAX;

	if (count < marks->prune_at)
		return;
	fresh.ids = matrix_new();
	fresh.ends_s = calloc(count, sizeof *fresh.ends_s);
	fresh.size = count;
	if (fresh.ids != NULL && fresh.ends_s != NULL)
		kept = carry_over(marks, oldest_s, &fresh);
	if (kept == SIZE_MAX) {
		matrix_free(fresh.ids);
		free(fresh.ends_s);
		marks->prune_at = 2 * count;
		return;
	}
	fresh.prune_at = 2 * kept > PRUNE_FROM ? 2 * kept : PRUNE_FROM;
	matrix_free(marks->ids);
	free(marks->ends_s);
	*marks = fresh;
}
