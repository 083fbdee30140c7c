/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/recommendation.h"

#include "common/error.h"
#include "manager/explain.h"
#include "manager/group_identity.h"
#include "manager/hazard.h"
#include "manager/json_fields.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- id ---- */

struct digest {
	uint64_t words[2];
};

/* FNV-1a with two offsets; it tells advice apart, it protects nothing. */
static void digest_text(struct digest *digest, const char *text)
{
	for (size_t i = 0; i <= strlen(text); i++) /* the zero separates */
		for (int k = 0; k < 2; k++)
			digest->words[k] =
			    (digest->words[k] ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
}

static void make_id(const struct recommendation_input *input, char id[RECOMMENDATION_ID_SIZE])
{
	const struct problem *problem = input->problem;
	struct digest digest = {{UINT64_C(0xcbf29ce484222325), UINT64_C(0x9ae16a3b2f90404f)}};

	for (size_t i = 0; i < input->plan->nsteps; i++) {
		const struct plan_step *step = &input->plan->steps[i];

		digest_text(&digest, problem->vms[step->vm]->id);
		digest_text(&digest, problem->names[step->from].environment);
		digest_text(&digest, problem->names[step->from].host);
		digest_text(&digest, problem->names[step->to].environment);
		digest_text(&digest, problem->names[step->to].host);
		digest_text(&digest, step->parking ? "parking" : "");
	}
	snprintf(id, RECOMMENDATION_ID_SIZE, "%016llx%016llx", (unsigned long long)digest.words[0],
	    (unsigned long long)digest.words[1]);
}

/* ---- building ---- */

static json_t *place_json(const struct place *place)
{
	return json_pack("{s:o, s:o}", "environment", json_text(place->environment), "host",
	    json_text_or_null(place->host));
}

static bool has(const struct recommendation_input *input, enum cost_objective objective)
{
	return input->problem->missing[objective][0] == '\0';
}

/* Per hour of now, without what the moves themselves cost; NAN: not known. */
static double hours_per_h(
    const struct recommendation_input *input, const struct cost_totals *totals)
{
	return has(input, COST_TIME)
		   ? (totals->time_h - totals->moving_h - input->problem->waiting_of_all.hours) /
			 input->problem->horizon_h
		   : NAN;
}

static double money_per_h(
    const struct recommendation_input *input, const struct cost_totals *totals)
{
	return has(input, COST_MONEY)
		   ? (totals->money - totals->moving_money - input->problem->waiting_of_all.money) /
			 input->problem->horizon_h
		   : NAN;
}

static json_t *terms_json(
    const struct recommendation_input *input, const struct cost_totals *totals)
{
	return json_pack("{s:f, s:f, s:o, s:o, s:o}", "inter_environment_octets_per_s",
	    totals->traffic_Bps, "inter_environment_packets_per_s", totals->traffic_packets_s,
	    "vm_hours_per_h", json_real_or_null(hours_per_h(input, totals)), "cost_per_h",
	    json_real_or_null(money_per_h(input, totals)), "open_vcpu",
	    has(input, COST_RESOURCES) ? json_real(floor(totals->resources)) : json_null());
}

/* The same for one move: each number before and after. */
static json_t *step_terms_json(
    const struct recommendation_input *input, const struct plan_step *step)
{
	json_t *before = terms_json(input, &step->before), *after = terms_json(input, &step->after);
	json_t *both = json_object(), *value;
	const char *key;
	char name[64];

	json_object_foreach(before, key, value)
	{
		snprintf(name, sizeof name, "%s_before", key);
		json_object_set(both, name, value);
		snprintf(name, sizeof name, "%s_after", key);
		json_object_set(both, name, json_object_get(after, key));
	}
	json_decref(before);
	json_decref(after);
	return both;
}

static json_t *move_json(const struct recommendation_input *input, size_t index)
{
	const struct problem *problem = input->problem;
	const struct plan_step *step = &input->plan->steps[index];
	const uint32_t group = problem->group[step->vm];
	const struct observed_vm *vm = problem->vms[step->vm];
	char why[EXPLAIN_SIZE];

	explain_step(problem, input->objective, input->plan, index, why);
	return json_pack("{s:i, s:{s:o, s:o, s:o}, s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o}", "step",
	    (int)step->step, "vm", "id", json_text(vm->id), "name", json_text(vm->name),
	    "application", json_text_or_null(vm->application), "from",
	    place_json(&problem->names[step->from]), "to", place_json(&problem->names[step->to]),
	    "parking", step->parking, "forced", step->forced, "group",
	    group != PROBLEM_NO_GROUP ? json_integer(group) : json_null(), "terms",
	    step_terms_json(input, step), "why", json_text(why), "hazards",
	    hazard_list(problem, input->observation, input->plan, index));
}

static json_t *moves_json(const struct recommendation_input *input)
{
	json_t *moves = json_array();

	for (size_t i = 0; moves != NULL && i < input->plan->nsteps; i++) {
		if (json_array_append_new(moves, move_json(input, i)) == 0)
			continue;
		json_decref(moves);
		return NULL;
	}
	return moves;
}

static json_t *group_json(const struct recommendation_input *input, size_t index, uint64_t number)
{
	const struct groups_item *group = &input->groups->items[index];
	json_t *ids = json_array(), *names = json_array();
	char shape[SHAPE_TEXT_SIZE];
	const char *label;

	for (size_t i = 0; i < group->members.count; i++) {
		const char *id = matrix_name(input->observation->matrix, group->members.nodes[i]);
		const struct observed_vm *vm = observation_find(input->observation, id);

		json_array_append_new(ids, json_text(id));
		json_array_append_new(names, json_text(vm != NULL ? vm->name : id));
	}
	label = group_identity_label(group, input->observation);
	return json_pack("{s:I, s:o, s:o, s:o, s:s}", "number", (json_int_t)number, "application",
	    json_text_or_null(label), "vms", ids, "names", names, "shape",
	    shape_format(&group->shape, shape));
}

static json_t *churn_json(const struct group_churn *churn)
{
	return churn->known ? json_pack("{s:I, s:I, s:I, s:I, s:I, s:f}", "groups_kept",
				  (json_int_t)churn->kept, "groups_new", (json_int_t)churn->new,
				  "groups_gone", (json_int_t)churn->gone, "vms_joined",
				  (json_int_t)churn->joined, "vms_left", (json_int_t)churn->left,
				  "vms_changed_share", churn->changed)
			    : json_null();
}

/* The groups with their numbers, and what changed in them. Returns 0 or GRAPPE_EMEMORY. */
static int add_groups(const struct recommendation_input *input, json_t *document)
{
	const struct groups *groups = input->groups;
	uint64_t *numbers = calloc(groups->count + 1, sizeof *numbers), next;
	json_t *list = json_array();
	struct group_churn churn;
	int rc = numbers != NULL && list != NULL
		     ? group_identity_find(input->before, groups, input->observation->matrix,
			   numbers, &next, &churn)
		     : GRAPPE_EMEMORY;

	for (size_t i = 0; rc == GRAPPE_OK && i < groups->count; i++)
		if (json_array_append_new(list, group_json(input, i, numbers[i])) != 0)
			rc = GRAPPE_EMEMORY;
	free(numbers);
	if (rc != GRAPPE_OK) {
		json_decref(list);
		return rc;
	}
	json_object_set_new(document, "groups", list);
	json_object_set_new(document, "next_group", json_integer((json_int_t)next));
	json_object_set_new(document, "churn", churn_json(&churn));
	return GRAPPE_OK;
}

/* What the reader should know about the input. */
static json_t *notes_json(const struct recommendation_input *input)
{
	const struct problem *problem = input->problem;
	const struct caveats *caveats = &matrix_window(input->observation->matrix)->caveats;
	char text[CAVEATS_TEXT_SIZE];
	json_t *notes = json_array();
	bool target = false;

	for (size_t i = 0; i < problem->places.count; i++)
		target |= problem->places.items[i].open;
	if (!target)
		json_array_append_new(notes,
		    json_string("no environment document lists any host: none may receive a VM"));
	if (problem->left_out > 0)
		json_array_append_new(
		    notes, json_sprintf("%zu VMs were left out: nobody says where they are",
			       problem->left_out));
	if (target && problem->unlisted_hosts > 0)
		json_array_append_new(
		    notes, json_sprintf("%zu hosts with VMs are not in the environment document: "
					"they may not receive any",
			       problem->unlisted_hosts));
	if (input->plan->overfull > 0)
		json_array_append_new(notes,
		    json_sprintf("%zu hosts stay over their capacity: there is no room elsewhere",
			input->plan->overfull));
	if (problem->resting > 0)
		json_array_append_new(notes,
		    json_sprintf("%zu VMs moved a short while ago and are left alone (cool_down)",
			problem->resting));
	if (has(input, COST_TIME) && problem->overwaited > 0)
		json_array_append_new(notes,
		    json_sprintf("%zu VMs would wait for all of the time and more: waiting_share "
				 "is too large for them, or bandwidth_MBps too small",
			problem->overwaited));
	if (problem->unseen > 0)
		json_array_append_new(notes,
		    json_sprintf("of the application only a part is visible: %zu of its VMs have "
				 "no known place",
			problem->unseen));
	if (problem->rules.skipped > 0)
		json_array_append_new(
		    notes, json_sprintf("%zu rules are about VMs that are not there now",
			       problem->rules.skipped));
	if (caveats_describe(caveats, text, sizeof text)[0] != '\0')
		json_array_append_new(notes, json_sprintf("the sensors marked %s", text));
	if (caveats->marked[CAVEAT_UNSYNCHRONISED] > 0 || caveats->marked[CAVEAT_STEPPED] > 0)
		json_array_append_new(
		    notes, json_string("with clocks that differ, traffic may be counted in "
				       "the period before or after: short windows are less sure"));
	return notes;
}

/* Of a period; without periods of the whole window. */
static json_t *length_json(const struct recommendation_input *input)
{
	const uint32_t length_s = input->observation->length_s;

	return length_s > 0 ? json_integer(length_s)
			    : json_real(matrix_window(input->observation->matrix)->length_s);
}

/* ---- who gains, who loses ---- */

struct share {
	const char *application; /* "": not labelled */
	struct cost_vm before, after;
	struct waiting waiting; /* that both hold, and an hour of now does not */
	size_t vms;
};

static int compare_shares(const void *a, const void *b)
{
	return strcmp(
	    ((const struct share *)a)->application, ((const struct share *)b)->application);
}

static void add_costs(struct cost_vm *sum, const struct cost_vm *more)
{
	sum->compute_h += more->compute_h;
	sum->waiting_h += more->waiting_h;
	sum->hosting += more->hosting - more->moving_money;
	sum->transfer += more->transfer;
	sum->traffic_Bps += more->traffic_Bps;
}

static json_t *owner_json(const struct recommendation_input *input, const char *application)
{
	const struct manager_application *told =
	    input->settings != NULL ? manager_settings_application(input->settings, application)
				    : NULL;

	return json_text_or_null(told != NULL ? told->owner : "");
}

static double share_hours(const struct share *share, const struct cost_vm *costs)
{
	return costs->compute_h + costs->waiting_h - share->waiting.hours;
}

static double share_money(const struct share *share, const struct cost_vm *costs)
{
	return costs->hosting + costs->transfer - share->waiting.money;
}

static json_t *share_json(const struct recommendation_input *input, const struct share *share)
{
	const double horizon = input->problem->horizon_h;
	const bool time = has(input, COST_TIME), money = has(input, COST_MONEY);
	const struct cost_vm *before = &share->before, *after = &share->after;

	return json_pack("{s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:f, s:f}", "application",
	    json_text_or_null(share->application), "owner", owner_json(input, share->application),
	    "vms", (json_int_t)share->vms, "vm_hours_per_h_before",
	    json_real_or_null(time ? share_hours(share, before) / horizon : NAN),
	    "vm_hours_per_h_after",
	    json_real_or_null(time ? share_hours(share, after) / horizon : NAN),
	    "cost_per_h_before",
	    json_real_or_null(money ? share_money(share, before) / horizon : NAN),
	    "cost_per_h_after",
	    json_real_or_null(money ? share_money(share, after) / horizon : NAN),
	    "inter_environment_octets_per_s_before", before->traffic_Bps,
	    "inter_environment_octets_per_s_after", after->traffic_Bps);
}

/* By application; VMs without a label are one entry. shares: one for each VM. */
static json_t *collect_shares(
    const struct recommendation_input *input, struct share *shares, const size_t count)
{
	json_t *list = json_array();
	size_t kept = 0;

	qsort(shares, count, sizeof *shares, compare_shares);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || compare_shares(&shares[kept - 1], &shares[i]) != 0) {
			shares[kept++] = shares[i];
			continue;
		}
		add_costs(&shares[kept - 1].before, &shares[i].before);
		add_costs(&shares[kept - 1].after, &shares[i].after);
		shares[kept - 1].waiting.hours += shares[i].waiting.hours;
		shares[kept - 1].waiting.money += shares[i].waiting.money;
		shares[kept - 1].vms++;
	}
	for (size_t i = 0; i < kept; i++)
		json_array_append_new(list, share_json(input, &shares[i]));
	return list;
}

static json_t *applications_json(const struct recommendation_input *input)
{
	const struct problem *problem = input->problem;
	const size_t count = problem->instance.nvms;
	struct cost_vm *costs = calloc(2 * count + 1, sizeof *costs);
	struct share *shares = calloc(count + 1, sizeof *shares);
	uint32_t *env = calloc(2 * count + 1, sizeof *env);
	json_t *list = NULL;

	if (costs != NULL && shares != NULL && env != NULL) {
		for (size_t vm = 0; vm < count; vm++) {
			env[vm] = problem->instance.vms[vm].env;
			env[count + vm] = problem->places.items[input->plan->place[vm]].env;
		}
		solve_model_vms(&problem->instance, env, costs);
		solve_model_vms(&problem->instance, env + count, costs + count);
		for (size_t vm = 0; vm < count; vm++) {
			shares[vm] = (struct share){.application = problem->vms[vm]->application,
			    .waiting = problem->waiting[vm],
			    .vms = 1};
			add_costs(&shares[vm].before, &costs[vm]);
			add_costs(&shares[vm].after, &costs[count + vm]);
		}
		list = collect_shares(input, shares, count);
	}
	free(costs);
	free(shares);
	free(env);
	return list;
}

/* ---- how sure, how soon ---- */

/* VM hours that the plan saves in an hour if so many packets were waited for. */
static double saved_hours_per_h(const struct recommendation_input *input, double waiting_share)
{
	const struct problem *problem = input->problem;
	struct instance other = problem->instance;
	struct cost_totals before, after;
	uint32_t *env = calloc(other.nvms + 1, sizeof *env);
	double saved = NAN;

	other.sync_fraction = waiting_share;
	for (size_t vm = 0; env != NULL && vm < other.nvms; vm++)
		env[vm] = other.vms[vm].env;
	if (env != NULL && solve_model_totals_of(&other, env, &before) == GRAPPE_OK) {
		for (size_t vm = 0; vm < other.nvms; vm++)
			env[vm] = problem->places.items[input->plan->place[vm]].env;
		if (solve_model_totals_of(&other, env, &after) == GRAPPE_OK)
			saved = hours_per_h(input, &before) - hours_per_h(input, &after);
	}
	free(env);
	return saved;
}

#define DOUBT 4 /* the share of waiting packets may be so many times larger or smaller */

static json_t *sensitivity_json(const struct recommendation_input *input)
{
	const double share = input->problem->instance.sync_fraction;
	const double shares[] = {share / DOUBT, share, fmin(1, share * DOUBT)};
	json_t *list = json_array();

	for (size_t i = 0; has(input, COST_TIME) && i < sizeof shares / sizeof *shares; i++)
		json_array_append_new(list,
		    json_pack("{s:f, s:o}", "waiting_share", shares[i], "vm_hours_saved_per_h",
			json_real_or_null(saved_hours_per_h(input, shares[i]))));
	return list;
}

/* After how many hours the moves have brought in what they cost; NAN: never, or not known. */
static double payback_h(const struct recommendation_input *input)
{
	const struct cost_totals *before = &input->plan->before, *after = &input->plan->after;
	const bool money = input->objective == COST_MONEY;
	const double gain = money ? money_per_h(input, before) - money_per_h(input, after)
				  : hours_per_h(input, before) - hours_per_h(input, after);

	return gain > 0 ? (money ? after->moving_money : after->moving_h) / gain : NAN;
}

static json_t *moving_json(const struct recommendation_input *input)
{
	const struct cost_totals *after = &input->plan->after;

	const bool sized = input->problem->unsized == 0;

	return json_pack("{s:o, s:o, s:o}", "vm_hours",
	    json_real_or_null(sized && has(input, COST_TIME) ? after->moving_h : NAN), "cost",
	    json_real_or_null(sized && has(input, COST_MONEY) ? after->moving_money : NAN),
	    "payback_h", json_real_or_null(sized ? payback_h(input) : NAN));
}

static json_t *curve_json(const struct recommendation_input *input)
{
	json_t *curve = json_array();

	for (size_t i = 0; i < input->plan->ncurve; i++)
		json_array_append_new(
		    curve, json_pack("{s:I, s:f}", "moves", (json_int_t)input->plan->curve[i].moves,
			       "objective", input->plan->curve[i].value));
	return curve;
}

/* Which facts are missing for the objectives that the document could not tell of. */
static json_t *unknown_json(const struct recommendation_input *input)
{
	json_t *missing = json_object();

	for (int objective = COST_TIME; objective < COST_TRAFFIC; objective++)
		if (!has(input, (enum cost_objective)objective))
			json_object_set_new(missing, cost_names[objective],
			    json_text(input->problem->missing[objective]));
	return missing;
}

static void add_new(json_t *document, const char *key, json_t *value)
{
	json_object_set_new(document, key, value);
}

json_t *recommendation_build(const struct recommendation_input *input)
{
	const struct matrix_window *window = matrix_window(input->observation->matrix);
	const struct plan *plan = input->plan;
	char id[RECOMMENDATION_ID_SIZE];
	json_t *document;

	make_id(input, id);
	document = json_pack(
	    "{s:i, s:s, s:I, s:I, s:b, s:s, s:s, s:{s:I, s:I, s:o}, s:[I, I], s:b, s:o, s:o, s:o, "
	    "s:o}",
	    "version", 1, "id", id, "created", (json_int_t)input->now_s, "expires",
	    (json_int_t)input->expires_s, "posted", 0, "state",
	    plan->nsteps > 0 ? "pending" : "done", "objective", cost_names[input->objective],
	    "window", "from", (json_int_t)window->from_s, "to", (json_int_t)window->to_s, "length",
	    length_json(input), "periods", (json_int_t)window->known, (json_int_t)window->wanted,
	    "approximate", window->approximate, "before", terms_json(input, &plan->before), "after",
	    terms_json(input, &plan->after), "moves", moves_json(input), "notes",
	    notes_json(input));
	if (document == NULL || add_groups(input, document) != GRAPPE_OK) {
		json_decref(document);
		return NULL;
	}
	add_new(document, "status", json_string(plan->feasible ? "ok" : "infeasible"));
	add_new(document, "reason", json_text(plan->reason));
	add_new(document, "horizon_h", json_real(input->problem->horizon_h));
	add_new(document, "currency", json_text(input->problem->document->currency));
	add_new(document, "moving", moving_json(input));
	add_new(document, "curve", curve_json(input));
	add_new(document, "applications", applications_json(input));
	add_new(document, "sensitivity", sensitivity_json(input));
	add_new(document, "unknown", unknown_json(input));
	return document;
}
