/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/advise.h"

#include "common/error.h"
#include "manager/groups.h"
#include "manager/plan.h"
#include "manager/problem.h"
#include "manager/recommendation.h"

static int write_document(
    struct recommendation_input *input, const struct manager_settings *settings, json_t **document)
{
	const struct plan_settings limits = {
	    .minimum_gain = settings->minimum_gain,
	    .minimum_gain_octets = (double)settings->minimum_gain_rate,
	    .max_moves = (size_t)settings->max_moves,
	};
	struct plan plan;
	int rc = plan_find(&input->problem->plan, &limits, &plan);

	if (rc != GRAPPE_OK)
		return rc;
	input->plan = &plan;
	*document = recommendation_build(input);
	plan_deinit(&plan);
	return *document != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

int advise(const struct observation *observation, const struct environments *environments,
    const struct manager_settings *settings, const json_t *standing, int64_t now_s,
    json_t **document)
{
	const struct groups_rules rules =
	    manager_settings_rules(settings, matrix_window(observation->matrix)->length_s);
	struct groups groups;
	struct problem problem;
	int rc = groups_find(observation->matrix, &rules, &groups);

	*document = NULL;
	if (rc != GRAPPE_OK)
		return rc;
	rc = problem_build(observation, environments, &groups, &problem);
	if (rc == GRAPPE_OK) {
		struct recommendation_input input = {.observation = observation,
		    .groups = &groups,
		    .problem = &problem,
		    .now_s = now_s,
		    .expires_s = now_s + settings->expires_ms / 1000};

		problem_remember(&problem, standing);
		rc = write_document(&input, settings, document);
		problem_deinit(&problem);
	}
	groups_deinit(&groups);
	return rc;
}
