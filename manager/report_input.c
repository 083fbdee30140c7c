/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/report_input.h"

#include "common/error.h"

#include <stdlib.h>

void report_input_deinit(struct report_input *input)
{
	report_series_deinit(&input->series);
	observation_deinit(&input->observation);
	free(input->known);
	*input = (struct report_input){0};
}

int report_input_note(struct report_input *input, const char *receiver, double share)
{
	const int node = matrix_node(input->observation.matrix, receiver);

	if (node < 0)
		return node;
	if ((size_t)node >= input->nknown) {
		const size_t wanted = 2 * (size_t)node + 64;
		double *bigger = reallocarray(input->known, wanted, sizeof *bigger);

		if (bigger == NULL)
			return GRAPPE_EMEMORY;
		input->known = bigger;
		while (input->nknown < wanted)
			input->known[input->nknown++] = -1;
	}
	if (share > input->known[node])
		input->known[node] = share < 1 ? share : 1;
	return GRAPPE_OK;
}

double report_input_known(const struct report_input *input, uint32_t node)
{
	return node < input->nknown ? input->known[node] : -1;
}

double report_input_rate(
    const struct report_input *input, const struct matrix_pair *pair, double count)
{
	const double length_s = matrix_window(input->observation.matrix)->length_s;
	const double known = report_input_known(input, pair->receiver);

	if (length_s <= 0)
		return 0;
	return count / length_s / (input->with_gaps && known > 0 ? known : 1);
}
