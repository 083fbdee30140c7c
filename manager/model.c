/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/model.h"

struct plan_terms model_total(const struct plan_problem *problem, const uint32_t *place_of)
{
	struct plan_terms total = {0, 0};

	for (uint32_t vm = 0; vm < problem->nvms; vm++) {
		for (size_t i = problem->first[vm]; i < problem->first[vm + 1]; i++) {
			const struct plan_neighbour *next = &problem->neighbours[i];

			if (next->vm < vm || place_of[vm] == PLAN_NOWHERE ||
			    place_of[next->vm] == PLAN_NOWHERE ||
			    problem->places[place_of[vm]].environment ==
				problem->places[place_of[next->vm]].environment)
				continue;
			total.octets += next->octets;
			total.packets += next->packets;
		}
	}
	return total;
}

void model_costs(const struct plan_problem *problem, const uint32_t *place_of, uint32_t vm,
    struct plan_terms *costs)
{
	struct plan_terms all = {0, 0};

	for (size_t e = 0; e < problem->nenvironments; e++)
		costs[e] = (struct plan_terms){0, 0};
	/* First the traffic with each environment, then what is left outside of it. */
	for (size_t i = problem->first[vm]; i < problem->first[vm + 1]; i++) {
		const struct plan_neighbour *next = &problem->neighbours[i];
		struct plan_terms *with;

		if (place_of[next->vm] == PLAN_NOWHERE)
			continue;
		with = &costs[problem->places[place_of[next->vm]].environment];
		with->octets += next->octets;
		with->packets += next->packets;
		all.octets += next->octets;
		all.packets += next->packets;
	}
	for (size_t e = 0; e < problem->nenvironments; e++) {
		costs[e].octets = all.octets - costs[e].octets;
		costs[e].packets = all.packets - costs[e].packets;
	}
}

double model_value(struct plan_terms terms)
{
	return terms.octets;
}
