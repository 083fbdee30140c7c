/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/advise.h"

#include "common/error.h"
#include "manager/recommendation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_PER_H 3600e3

static int choose_objective(
    const struct advise_input *input, struct advice *advice, char *message, size_t size)
{
	static const enum cost_objective objectives[] = {[MANAGER_TIME] = COST_TIME,
	    [MANAGER_COST] = COST_MONEY,
	    [MANAGER_RESOURCES] = COST_RESOURCES,
	    [MANAGER_TRAFFIC] = COST_TRAFFIC};
	const int wanted = input->settings->objective;
	const char *missing;

	if (wanted == MANAGER_AUTO) {
		advice->objective =
		    advice->problem.missing[COST_TIME][0] == '\0' ? COST_TIME : COST_TRAFFIC;
		return GRAPPE_OK;
	}
	advice->objective = objectives[wanted];
	missing = advice->problem.missing[advice->objective];
	if (missing[0] == '\0')
		return GRAPPE_OK;
	snprintf(message, size,
	    "no plan for objective %s: the environment document does not tell %s",
	    manager_objectives[wanted], missing);
	return GRAPPE_ENOTFOUND;
}

static int read_caps(const struct advise_input *input, const struct advice *advice,
    double caps[CAP_KINDS], char *message, size_t size)
{
	const char *text = input->settings->cap;
	const struct instance *instance = &advice->problem.instance;
	uint32_t *env = calloc(instance->nvms + 1, sizeof *env);
	struct cost_totals present;
	int rc = env != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;

	for (size_t vm = 0; rc == GRAPPE_OK && vm < instance->nvms; vm++)
		env[vm] = instance->vms[vm].env;
	if (rc == GRAPPE_OK)
		rc = solve_model_totals_of(instance, env, &present);
	if (rc == GRAPPE_OK)
		rc = solve_cap_parse(text, &present, caps, message, size);
	free(env);
	for (int kind = 0; rc == GRAPPE_OK && kind < CAP_KINDS; kind++) {
		if (!(caps[kind] > 0) || advice->problem.missing[kind][0] == '\0')
			continue;
		snprintf(message, size, "no cap on %s: the environment document does not tell %s",
		    cost_names[kind], advice->problem.missing[kind]);
		rc = GRAPPE_ENOTFOUND;
	}
	return rc;
}

static int plan_problem(
    const struct advise_input *input, struct advice *advice, char *message, size_t size)
{
	const struct manager_settings *settings = input->settings;
	int rc = choose_objective(input, advice, message, size);
	struct plan_settings limits = {.objective = advice->objective,
	    .minimum_gain = settings->minimum_gain,
	    .minimum_gain_octets = (double)settings->minimum_gain_rate,
	    .payback_h = (double)settings->payback_ms / MS_PER_H,
	    .max_moves = (size_t)settings->max_moves,
	    .limit_s = (double)settings->plan_time_ms / 1000};

	if (rc == GRAPPE_OK)
		rc = read_caps(input, advice, limits.caps, message, size);
	if (rc != GRAPPE_OK)
		return rc;
	problem_remember(&advice->problem, input->standing);
	return plan_find(&advice->problem, &limits, &advice->plan);
}

static double remaining_h(const char *application, const void *context)
{
	const struct manager_application *told = manager_settings_application(context, application);

	return told != NULL ? (double)told->remaining_ms / MS_PER_H : 0;
}

int advise_plan(const struct advise_input *input, struct advice *out, char *message, size_t size)
{
	const struct manager_settings *settings = input->settings;
	const struct groups_rules rules =
	    manager_settings_rules(settings, matrix_window(input->observation->matrix)->length_s);
	const struct problem_options options = {.now_s = input->now_s,
	    .horizon_h = (double)settings->horizon_ms / MS_PER_H,
	    .sync_fraction = settings->waiting_share,
	    .dirty_MBps = (double)settings->dirty_rate / 1e6,
	    .leave_before_h = (double)settings->leave_before_ms / MS_PER_H,
	    .rules = settings->rules,
	    .application = input->application,
	    .remaining_h = remaining_h,
	    .residence = input->residence,
	    .cool_down_s = settings->cool_down_ms / 1000,
	    .context = settings};
	int rc = groups_find(input->observation->matrix, &rules, &out->groups);

	snprintf(message, size, "%s", error_text(rc != GRAPPE_OK ? rc : GRAPPE_EMEMORY));
	if (rc != GRAPPE_OK)
		return rc;
	rc = problem_build(input->observation, input->environments, &out->groups, &options,
	    &out->problem, message, size);
	if (rc == GRAPPE_OK) {
		rc = plan_problem(input, out, message, size);
		if (rc != GRAPPE_OK)
			problem_deinit(&out->problem);
	}
	if (rc != GRAPPE_OK)
		groups_deinit(&out->groups);
	return rc;
}

void advice_deinit(struct advice *advice)
{
	plan_deinit(&advice->plan);
	problem_deinit(&advice->problem);
	groups_deinit(&advice->groups);
}

int advise(const struct advise_input *input, json_t **document, char *message, size_t size)
{
	struct advice advice;
	int rc = advise_plan(input, &advice, message, size);

	*document = NULL;
	if (rc != GRAPPE_OK)
		return rc;
	*document =
	    recommendation_build(&(struct recommendation_input){.observation = input->observation,
		.groups = &advice.groups,
		.problem = &advice.problem,
		.plan = &advice.plan,
		.objective = advice.objective,
		.settings = input->settings,
		.before = input->standing,
		.now_s = input->now_s,
		.expires_s = input->now_s + input->settings->expires_ms / 1000});
	advice_deinit(&advice);
	if (*document != NULL)
		return GRAPPE_OK;
	snprintf(message, size, "%s", error_text(GRAPPE_EMEMORY));
	return GRAPPE_EMEMORY;
}
