/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/explain_vm.h"

#include "common/error.h"
#include "manager/explain.h"
#include "manager/json_fields.h"
#include "manager/recommendation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct asking {
	const struct advise_input *input;
	const struct problem *p;
	const struct plan *plan;
	enum cost_objective objective;
	uint32_t vm;
	uint32_t *env;     /* per VM: where the plan leaves it */
	struct load *used; /* per place, without the VM */
	struct load in_env[INSTANCE_ENVS_MAX];
	struct bounds bounds;
	bool bounded; /* the rules leave a placement */
};

static uint32_t env_of(const struct problem *p, uint32_t place)
{
	return p->places.items[place].env;
}

/* ---- what each environment would mean ---- */

static bool has_host(const struct asking *a, uint32_t env)
{
	const struct load *load = &a->p->instance.vms[a->vm].load;

	for (size_t i = 0; i < a->p->places.count; i++) {
		const struct solve_place *place = &a->p->places.items[i];

		if (place->env == env && (place->open || i == a->p->place[a->vm]) &&
		    load_fits(&a->used[i], load, &place->limit))
			return true;
	}
	return false;
}

/* Why the VM may not be there, or NULL. */
static const char *obstacle(const struct asking *a, uint32_t env)
{
	if (a->bounded && (a->bounds.allowed[a->vm] >> env & 1) == 0)
		return "a rule, or its availability, forbids it";
	if (!load_fits(&a->in_env[env], &a->p->instance.vms[a->vm].load,
		&a->p->instance.envs[env].limit) ||
	    !has_host(a, env))
		return "no host there has room, or may receive";
	return NULL;
}

static json_t *known(bool is_known, double value)
{
	return json_real_or_null(is_known ? value : NAN);
}

static json_t *environment_json(struct asking *a, uint32_t env)
{
	const struct problem *p = a->p;
	const uint32_t kept = a->env[a->vm];
	const char *why = obstacle(a, env);
	const bool time = p->missing[COST_TIME][0] == '\0';
	const bool money = p->missing[COST_MONEY][0] == '\0';
	struct cost_totals part;

	a->env[a->vm] = env;
	part = solve_model_around(&p->instance, a->env, a->vm, p->flows + p->first[a->vm],
	    p->first[a->vm + 1] - p->first[a->vm]);
	a->env[a->vm] = kept;
	return json_pack("{s:s, s:b, s:b, s:o, s:f, s:o, s:o, s:o, s:o}", "environment",
	    p->environments[env], "now", env == p->instance.vms[a->vm].env, "planned", env == kept,
	    "obstacle", why != NULL ? json_string(why) : json_null(),
	    "inter_environment_octets_per_s", part.traffic_Bps, "vm_hours_per_h",
	    known(time, (part.time_h - part.moving_h) / p->horizon_h), "cost_per_h",
	    known(money, (part.money - part.moving_money) / p->horizon_h), "moving_vm_hours",
	    known(time && p->unsized == 0, part.moving_h), "moving_cost",
	    known(money && p->unsized == 0, part.moving_money));
}

static json_t *environments_json(struct asking *a)
{
	json_t *list = json_array();

	for (uint32_t env = 0; env < a->p->instance.nenvs; env++)
		json_array_append_new(list, environment_json(a, env));
	return list;
}

/* ---- the whole ---- */

/* The VM's moves as the recommendation tells them. */
static json_t *moves_json(const json_t *document, const char *id)
{
	json_t *list = json_array(), *move;
	size_t i;

	json_array_foreach(json_object_get(document, "moves"), i, move)
	{
		const char *other =
		    json_string_value(json_object_get(json_object_get(move, "vm"), "id"));

		if (other != NULL && strcmp(other, id) == 0)
			json_array_append(list, move);
	}
	return list;
}

static json_t *group_json(const struct asking *a, const json_t *document)
{
	const uint32_t group = a->p->group[a->vm];

	return group != PROBLEM_NO_GROUP
		   ? json_incref(json_array_get(json_object_get(document, "groups"), group))
		   : json_null();
}

static json_t *input_json(const struct asking *a, const json_t *document)
{
	const int64_t as_of_s = a->p->document->as_of_s;
	json_t *input = json_pack("{s:O, s:O, s:O, s:O, s:o}", "window",
	    json_object_get(document, "window"), "periods", json_object_get(document, "periods"),
	    "unknown", json_object_get(document, "unknown"), "notes",
	    json_object_get(document, "notes"), "environments_age_s",
	    as_of_s != 0 ? json_integer(a->input->now_s - as_of_s) : json_null());

	return input;
}

static json_t *whole_json(struct asking *a, const json_t *document)
{
	const struct observed_vm *vm = a->p->vms[a->vm];
	const struct place *place = &a->p->names[a->p->place[a->vm]];

	return json_pack(
	    "{s:{s:o, s:o}, s:{s:o, s:o}, s:o, s:o, s:O, s:O, s:O, s:o, s:o, s:o, s:O}", "vm", "id",
	    json_text_or_null(vm->id), "name", json_text_or_null(vm->name), "place", "environment",
	    json_text_or_null(place->environment), "host", json_text_or_null(place->host),
	    "application", json_text_or_null(vm->application), "group", group_json(a, document),
	    "objective", json_object_get(document, "objective"), "horizon_h",
	    json_object_get(document, "horizon_h"), "currency",
	    json_object_get(document, "currency"), "input", input_json(a, document), "environments",
	    environments_json(a), "moves", moves_json(document, vm->id), "applications",
	    json_object_get(document, "applications"));
}

json_t *explain_vm(const struct advise_input *input, const struct advice *advice, uint32_t vm)
{
	const struct problem *p = &advice->problem;
	struct asking a = {.input = input,
	    .p = p,
	    .plan = &advice->plan,
	    .objective = advice->objective,
	    .vm = vm,
	    .env = calloc(p->instance.nvms + 1, sizeof *a.env),
	    .used = calloc(p->places.count + 1, sizeof *a.used)};
	char reason[RULES_TEXT_SIZE];
	json_t *document =
	    recommendation_build(&(struct recommendation_input){.observation = input->observation,
		.groups = &advice->groups,
		.problem = p,
		.plan = &advice->plan,
		.objective = advice->objective,
		.settings = input->settings,
		.now_s = input->now_s,
		.expires_s = input->now_s});
	json_t *whole = NULL;

	if (a.env != NULL && a.used != NULL && document != NULL) {
		for (uint32_t i = 0; i < p->instance.nvms; i++) {
			const uint32_t place = advice->plan.place[i];

			a.env[i] = env_of(p, place);
			if (i == vm)
				continue;
			load_add(&a.used[place], &p->instance.vms[i].load);
			load_add(&a.in_env[a.env[i]], &p->instance.vms[i].load);
		}
		a.bounded =
		    solve_bounds_build(&p->instance, &p->rules, &a.bounds, reason) == GRAPPE_OK;
		whole = whole_json(&a, document);
		if (a.bounded)
			solve_bounds_deinit(&a.bounds);
	}
	json_decref(document);
	free(a.env);
	free(a.used);
	return whole;
}

/* ---- for people ---- */

static const char *string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static void print_number(const json_t *value, FILE *out)
{
	if (json_is_number(value))
		fprintf(out, "  %12.5g", json_number_value(value));
	else
		fprintf(out, "  %12s", "unknown");
}

static void print_environment(const json_t *item, FILE *out)
{
	const bool now = json_is_true(json_object_get(item, "now"));
	const bool planned = json_is_true(json_object_get(item, "planned"));
	char rate[32];

	fprintf(out, "  %-20.20s  %12s", string(item, "environment"),
	    explain_rate(json_number_value(json_object_get(item, "inter_environment_octets_per_s")),
		rate, sizeof rate));
	print_number(json_object_get(item, "vm_hours_per_h"), out);
	print_number(json_object_get(item, "cost_per_h"), out);
	fprintf(out, "  %s%s%s%s\n", now ? "it is there" : "", now && planned ? " and stays" : "",
	    planned && !now ? "the plan sends it there" : "",
	    now || planned ? ""
	    : json_is_string(json_object_get(item, "obstacle"))
		? string(item, "obstacle")
		: "it may go there, but that is not worth it");
}

static void print_input(const json_t *input, FILE *out)
{
	const json_t *periods = json_object_get(input, "periods");
	const json_t *age = json_object_get(input, "environments_age_s"), *value;
	const char *key;
	size_t i;

	if (json_integer_value(json_array_get(periods, 1)) > 0)
		fprintf(out, "known         %lld of %lld periods\n",
		    (long long)json_integer_value(json_array_get(periods, 0)),
		    (long long)json_integer_value(json_array_get(periods, 1)));
	if (json_is_integer(age))
		fprintf(
		    out, "environments  told %.1f h ago\n", (double)json_integer_value(age) / 3600);
	json_object_foreach((json_t *)json_object_get(input, "unknown"), key, value)
	    fprintf(out, "unknown       %s: nobody tells %s\n", key, json_string_value(value));
	json_array_foreach(json_object_get(input, "notes"), i, value)
	    fprintf(out, "note          %s\n", json_string_value(value));
}

static void print_moves(const json_t *document, FILE *out)
{
	const json_t *moves = json_object_get(document, "moves"), *move, *hazard;
	size_t i, k;

	if (json_array_size(moves) == 0)
		fputs("advice        it stays: nothing is worth its move\n", out);
	json_array_foreach(moves, i, move)
	{
		const json_t *to = json_object_get(move, "to");

		fprintf(out, "advice        step %lld: to %s (%s)%s\n",
		    (long long)json_integer_value(json_object_get(move, "step")),
		    string(to, "host"), string(to, "environment"),
		    json_is_true(json_object_get(move, "forced")) ? ", forced" : "");
		fprintf(out, "because       %s\n", string(move, "why"));
		json_array_foreach(json_object_get(move, "hazards"), k, hazard)
		    fprintf(out, "hazard        %s %s: %s\n", string(hazard, "kind"),
			string(hazard, "state"), string(hazard, "text"));
	}
}

static void print_change(const json_t *share, const char *what, const char *title, FILE *out)
{
	char before[64], after[64];
	const json_t *old, *new;

	snprintf(before, sizeof before, "%s_before", what);
	snprintf(after, sizeof after, "%s_after", what);
	old = json_object_get(share, before);
	new = json_object_get(share, after);
	if (json_is_number(old) && json_is_number(new))
		fprintf(out, "  %s %.5g -> %.5g", title, json_number_value(old),
		    json_number_value(new));
}

static void print_shares(const json_t *document, FILE *out)
{
	const json_t *share;
	size_t i;

	json_array_foreach(json_object_get(document, "applications"), i, share)
	{
		const char *name = string(share, "application");

		const char *owner = string(share, "owner");

		fprintf(out, "application   %s%s%s%s:", name[0] != '\0' ? name : "(no label)",
		    owner[0] != '\0' ? " (" : "", owner, owner[0] != '\0' ? ")" : "");
		print_change(share, "vm_hours_per_h", "VM hours/h", out);
		print_change(share, "cost_per_h", "cost/h", out);
		print_change(share, "inter_environment_octets_per_s", "B/s", out);
		fputc('\n', out);
	}
}

void explain_vm_print(const json_t *document, FILE *out)
{
	const json_t *vm = json_object_get(document, "vm"),
		     *place = json_object_get(document, "place");
	const json_t *group = json_object_get(document, "group"), *item;
	size_t i;

	fprintf(out, "VM            %s (%s) on %s (%s)\n", string(vm, "name"), string(vm, "id"),
	    string(place, "host"), string(place, "environment"));
	if (string(document, "application")[0] != '\0')
		fprintf(out, "application   %s\n", string(document, "application"));
	if (json_is_object(group)) {
		fputs("group        ", out);
		json_array_foreach(json_object_get(group, "names"), i, item)
		    fprintf(out, " %s", json_string_value(item));
		fprintf(out, " (%s)\n", string(group, "shape"));
	} else {
		fputs("group         none\n", out);
	}
	print_input(json_object_get(document, "input"), out);
	print_moves(document, out);
	fprintf(out,
	    "what it and those it talks to come to, if it were in (the others as planned):\n"
	    "  %-20s  %12s  %12s  %12s\n",
	    "environment", "traffic out", "VM hours/h", "cost/h");
	json_array_foreach(json_object_get(document, "environments"), i, item)
	    print_environment(item, out);
	print_shares(document, out);
}
