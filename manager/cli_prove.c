/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/cli_prove.h"
#include "manager/json_fields.h"

#include "common/error.h"

#include <math.h>
#include <stdio.h>

#define LIMIT_S 60 /* of a proof */

int cli_prove_check(
    const char *program, const struct instance *instance, const struct solve_settings *settings)
{
	char message[PROVE_TEXT_SIZE];
	int rc = prove_check(instance, message);

	for (int kind = 0; rc == GRAPPE_OK && kind < CAP_KINDS; kind++)
		if (settings->caps[kind] > 0) {
			snprintf(message, sizeof message, "--prove does not take --cap");
			rc = GRAPPE_EINVALID;
		}
	if (rc != GRAPPE_OK)
		fprintf(stderr, "%s: %s\n", program, message);
	return rc;
}

double cli_prove_limit(struct solve_settings *settings, size_t nvms)
{
	const double limit_s = settings->limit_s > 0 ? settings->limit_s : LIMIT_S;

	settings->limit_s = fmin(limit_s, solve_default_limit_s(nvms));
	return limit_s;
}

int cli_prove_run(const char *program, const struct instance *instance, const struct rules *rules,
    const struct solve_settings *settings, double limit_s, struct solve_answer *answer,
    struct proof *proof)
{
	const struct prove_task task = {.instance = instance,
	    .rules = rules,
	    .objective = settings->objective,
	    .max_moves = settings->max_moves,
	    .place = answer->feasible ? answer->plan.place : NULL,
	    .limit_s = limit_s};
	char message[PROVE_TEXT_SIZE];
	int rc = prove_find(&task, proof, message);

	if (rc != GRAPPE_OK)
		fprintf(stderr, "%s: no proof: %s\n", program, message);
	if (rc == GRAPPE_OK && !answer->feasible && proof->status == PROVE_INFEASIBLE)
		answer->proven = true;
	return rc;
}

json_t *cli_prove_document(const struct proof *proof)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "status",
	    prove_status_names[proof->status], "bound", json_real_or_null(proof->bound), "found",
	    json_real_or_null(proof->found), "reachable",
	    isfinite(proof->found) ? json_boolean(proof->reachable) : json_null(), "gap",
	    json_real_or_null(proof->gap), "seconds", json_real_or_null(proof->seconds));
}

static void print_found(const struct proof *proof, const char *unit, double plan_value)
{
	if (proof->found >= plan_value)
		printf("; no better placement is known\n");
	else
		printf("; a placement of %.6g%s is known, %s order of moves to it was found\n",
		    proof->found, unit, proof->reachable ? "an" : "no");
}

static void print_gap(const struct proof *proof, const char *unit, double plan_value)
{
	if (prove_is_solved(proof))
		printf("proof: %.2g %% above the optimum", 100 * proof->gap);
	else if (isfinite(proof->gap))
		printf("proof: at most %.2g %% above the optimum", 100 * proof->gap);
	else
		printf("proof: how far above the optimum is not known");
	printf(" (%s %.6g%s after %.3g s)",
	    proof->status == PROVE_UNFINISHED ? "trivial bound" : "bound", proof->bound, unit,
	    proof->seconds);
	print_found(proof, unit, plan_value);
}

static void print_without_plan(const struct proof *proof, const char *unit)
{
	if (proof->status == PROVE_INFEASIBLE)
		printf("proof: no placement keeps everything\n");
	else if (!isfinite(proof->found))
		printf("proof: unfinished, whether a placement keeps everything is not known after "
		       "%.3g s\n",
		    proof->seconds);
	else
		printf("proof: a placement of %.6g%s keeps everything, %s order of moves to it was "
		       "found\n",
		    proof->found, unit, proof->reachable ? "an" : "no");
}

void cli_prove_print(
    const struct proof *proof, enum cost_objective objective, const struct solve_answer *answer)
{
	static const char *const units[] = {[COST_TIME] = " h",
	    [COST_MONEY] = "",
	    [COST_RESOURCES] = " vcpu",
	    [COST_TRAFFIC] = " bytes/s"};

	if (!answer->feasible)
		print_without_plan(proof, units[objective]);
	else if (proof->status == PROVE_OPTIMAL)
		printf("proof: optimal (gap 0), after %.3g s\n", proof->seconds);
	else
		print_gap(proof, units[objective], solve_model_value(objective, &answer->after));
}
