/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/cli_instance.h"

#include "common/error.h"
#include "manager/cli.h"
#include "manager/cli_prove.h"
#include "manager/json_fields.h"

#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#define MESSAGE_SIZE 1024
#define LIMIT_MAX_S 86400

static double process_cpu_s(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- options ---- */

static int read_settings(
    const char *program, const struct cli_instance *options, struct solve_settings *settings)
{
	int objective = COST_TIME, rc = GRAPPE_OK;
	uint64_t moves;

	*settings =
	    (struct solve_settings){.max_moves = SOLVE_NO_LIMIT, .seed = 1, .cpu_s = process_cpu_s};
	if (options->objective != NULL)
		objective = cli_choose(program, "objective", options->objective, cost_names);
	if (objective < 0)
		return GRAPPE_EINVALID;
	settings->objective = (enum cost_objective)objective;
	if (options->max_moves != NULL) {
		rc = cli_count(program, "max-moves", options->max_moves, INSTANCE_VMS_MAX, &moves);
		settings->max_moves = (size_t)moves;
	}
	if (rc == GRAPPE_OK && options->seed != NULL)
		rc = cli_count(program, "seed", options->seed, UINT32_MAX, &settings->seed);
	if (rc == GRAPPE_OK && options->time_limit != NULL)
		rc = cli_number(program, "time-limit", options->time_limit, &settings->limit_s);
	if (rc == GRAPPE_OK && settings->limit_s > LIMIT_MAX_S) {
		fprintf(stderr, "%s: --time-limit is at most a day (%d)\n", program, LIMIT_MAX_S);
		rc = GRAPPE_EINVALID;
	}
	return rc;
}

/* ---- output ---- */

static json_t *moves_of(const struct sequence *plan)
{
	json_t *moves = json_array();

	for (size_t i = 0; i < plan->count; i++) {
		const struct sequence_move *it = &plan->moves[i];

		json_array_append_new(
		    moves, json_pack("{s:i, s:i, s:i, s:i, s:b, s:b}", "step", (int)it->step, "vm",
			       (int)it->vm, "from", (int)it->from, "to", (int)it->to, "forced",
			       (int)it->forced, "parking", (int)it->parking));
	}
	return moves;
}

static json_t *placement_of(const struct instance *instance, const struct sequence *plan)
{
	json_t *placement = json_object();

	for (size_t vm = 0; vm < instance->nvms; vm++) {
		char key[24];

		snprintf(key, sizeof key, "%zu", vm);
		json_object_set_new(placement, key, json_integer(plan->place[vm]));
	}
	return placement;
}

static json_t *curve_of(const struct solve_answer *answer)
{
	json_t *curve = json_array();

	for (size_t i = 0; i < answer->ncurve; i++)
		json_array_append_new(
		    curve, json_pack("{s:I, s:o}", "moves", (json_int_t)answer->curve[i].moves,
			       "objective", json_real_or_null(answer->curve[i].value)));
	return curve;
}

static json_t *document_of(const struct instance *instance, enum cost_objective objective,
    const struct solve_answer *answer)
{
	const struct cost_totals *before = &answer->before, *after = &answer->after;
	const bool good = answer->feasible;
	json_t *document = json_pack("{s:s, s:{s:s, s:o, s:o}}", "status",
	    good ? "ok" : "infeasible", "objective", "name", cost_names[objective], "before",
	    json_real_or_null(solve_model_value(objective, before)), "after",
	    good ? json_real_or_null(solve_model_value(objective, after)) : json_null());

	if (document == NULL)
		return NULL;
	if (!good)
		after = before;
	json_object_set_new(document, "time_h", json_real_or_null(after->time_h));
	json_object_set_new(document, "cost", json_real_or_null(after->money));
	json_object_set_new(document, "resources", json_real_or_null(after->resources));
	json_object_set_new(document, "makespan_h", json_real_or_null(after->makespan_h));
	json_object_set_new(document, "before",
	    json_pack("{s:o, s:o, s:o, s:o}", "time_h", json_real_or_null(before->time_h), "cost",
		json_real_or_null(before->money), "resources", json_real_or_null(before->resources),
		"makespan_h", json_real_or_null(before->makespan_h)));
	json_object_set_new(document, "moves", good ? moves_of(&answer->plan) : json_array());
	json_object_set_new(
	    document, "placement", good ? placement_of(instance, &answer->plan) : json_object());
	json_object_set_new(document, "curve", curve_of(answer));
	json_object_set_new(document, "late", json_boolean(answer->late));
	if (!good)
		json_object_set_new(document, "proven", json_boolean(answer->proven));
	json_object_set_new(document, "reason", json_string(answer->reason));
	return document;
}

static int print_json(const char *program, const struct instance *instance,
    enum cost_objective objective, const struct solve_answer *answer, const struct proof *proof)
{
	json_t *document = document_of(instance, objective, answer);
	int rc = document != NULL ? 0 : -1;

	if (rc == 0 && proof != NULL)
		rc = json_object_set_new(document, "proof", cli_prove_document(proof));
	if (rc == 0)
		rc = json_dumpf(document, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
	json_decref(document);
	putchar('\n');
	if (rc == 0)
		return GRAPPE_OK;
	fprintf(stderr, "%s: the answer cannot be written\n", program);
	return GRAPPE_EIO;
}

static void print_text(enum cost_objective objective, const struct solve_answer *answer)
{
	const struct cost_totals *before = &answer->before, *after = &answer->after;

	if (!answer->feasible) {
		printf("no plan%s: %s\n", answer->proven ? "" : " found", answer->reason);
		return;
	}
	printf("%s: %.6g -> %.6g in %zu moves\n", cost_names[objective],
	    solve_model_value(objective, before), solve_model_value(objective, after),
	    answer->plan.count);
	printf("hours of VMs %.6g -> %.6g, cost %.6g -> %.6g, open vcpu %.6g -> %.6g, longest "
	       "%.4g h -> %.4g h\n",
	    before->time_h, after->time_h, before->money, after->money, before->resources,
	    after->resources, before->makespan_h, after->makespan_h);
	for (size_t i = 0; i < answer->plan.count; i++) {
		const struct sequence_move *it = &answer->plan.moves[i];

		printf("%u. VM %u: %u -> %u%s%s\n", it->step, it->vm, it->from, it->to,
		    it->forced ? ", forced" : "", it->parking ? ", waits there" : "");
	}
}

/* ---- the whole ---- */

static int read_caps(const char *program, const char *text, const struct instance *instance,
    struct solve_settings *settings)
{
	uint32_t *place = calloc(instance->nvms + 1, sizeof *place);
	struct cost_totals present;
	char message[MESSAGE_SIZE] = "out of memory";
	int rc = place != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;

	for (size_t vm = 0; rc == GRAPPE_OK && vm < instance->nvms; vm++)
		place[vm] = instance->vms[vm].env;
	if (rc == GRAPPE_OK)
		rc = solve_model_totals_of(instance, place, &present);
	if (rc == GRAPPE_OK)
		rc = solve_cap_parse(text, &present, settings->caps, message, sizeof message);
	free(place);
	if (rc != GRAPPE_OK)
		fprintf(stderr, "%s: --cap: %s\n", program, message);
	return rc;
}

static int plan_instance(const char *program, const struct instance *instance,
    const struct rules *rules, struct solve_settings *settings, bool prove, int format)
{
	const double prove_limit_s = prove ? cli_prove_limit(settings, instance->nvms) : 0;
	struct solve_answer answer;
	struct proof proof;
	int rc = solve_find(instance, rules, settings, &answer);
	int exit_code;

	if (rc != GRAPPE_OK) {
		fprintf(stderr, "%s: %s\n", program, error_text(rc));
		return EXIT_FAILURE;
	}
	exit_code = answer.feasible ? EXIT_SUCCESS : CLI_INFEASIBLE;
	if (prove)
		rc = cli_prove_run(
		    program, instance, rules, settings, prove_limit_s, &answer, &proof);
	if (rc == GRAPPE_OK && format == CLI_JSON) {
		rc = print_json(
		    program, instance, settings->objective, &answer, prove ? &proof : NULL);
	} else if (rc == GRAPPE_OK) {
		print_text(settings->objective, &answer);
		if (prove)
			cli_prove_print(&proof, settings->objective, &answer);
	}
	solve_deinit(&answer);
	return cli_finish(program, rc == GRAPPE_OK ? exit_code : EXIT_FAILURE);
}

int cli_instance_run(const char *program, const struct cli_instance *options, int format)
{
	struct solve_settings settings;
	struct instance instance;
	struct rules rules = {0};
	char message[MESSAGE_SIZE];
	int exit_code = EXIT_FAILURE;

	if (read_settings(program, options, &settings) != GRAPPE_OK)
		return EXIT_FAILURE;
	if (solve_instance_load(options->folder, &instance, message, sizeof message) != GRAPPE_OK) {
		fprintf(stderr, "%s: %s\n", program, message);
		return EXIT_FAILURE;
	}
	if (read_caps(program, options->cap, &instance, &settings) != GRAPPE_OK ||
	    (options->prove && cli_prove_check(program, &instance, &settings) != GRAPPE_OK)) {
		solve_instance_deinit(&instance);
		return EXIT_FAILURE;
	}
	if (options->rules == NULL || solve_rules_load(options->rules, &instance, NULL, &rules,
					  message, sizeof message) == GRAPPE_OK)
		exit_code =
		    plan_instance(program, &instance, &rules, &settings, options->prove, format);
	else
		fprintf(stderr, "%s: %s\n", program, message);
	solve_rules_deinit(&rules);
	solve_instance_deinit(&instance);
	return exit_code;
}
