/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grappe place: where the VMs of a new application should start; nothing is stored or posted. */
#include "manager/cli.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/identity.h"
#include "common/program.h"
#include "manager/advise.h"
#include "manager/cli_live.h"
#include "manager/json_fields.h"
#include "manager/source.h"
#include "manager/template.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char name[] = "grappe place";

#define MESSAGE_SIZE 1024
#define TEMPLATE_WINDOW_S 3600 /* over which a template is laid out */
#define RATE_OCTETS 1e6        /* per second and link each way, of a template */
#define RATE_PACKETS 1000

struct options {
	struct cli_live live;
	const char *pattern, *application, *rate, *packets, *vcpu, *mem, *format;
};

/* What is asked for, in numbers. */
struct placing {
	const struct options *options;
	double vcpu, mem_GiB, octets_s, packets_s;
	int format;
};

/* ---- the new application ---- */

static int read_pattern(
    const struct placing *p, struct matrix *matrix, double *window_s, char *message)
{
	const struct options *options = p->options;
	const struct cli_input *input = &options->live.input;
	size_t count;

	if (options->pattern != NULL)
		return template_fill(options->pattern,
		    options->application != NULL ? options->application : "vm",
		    p->packets_s * *window_s, p->octets_s * *window_s, matrix, &count, message,
		    MESSAGE_SIZE);
	if (input->matrix != NULL)
		return source_read_matrix_file(
		    input->matrix, *window_s, matrix, message, MESSAGE_SIZE);
	return source_read_archive(
	    input->archive, (int64_t)*window_s, matrix, message, MESSAGE_SIZE);
}

static bool is_vm(const char *node)
{
	return strcmp(node, SENDER_EXTERNAL) != 0 && strcmp(node, SENDER_OTHER) != 0 &&
	       strcmp(node, SENDER_MULTICAST) != 0 &&
	       strncmp(node, SENDER_ENDPOINT, strlen(SENDER_ENDPOINT)) != 0;
}

/* Who of those that exist is meant by a node: by id, else by name. */
static const struct observed_vm *find_existing(const struct observation *world, const char *node)
{
	const struct observed_vm *vm = observation_find(world, node);

	for (size_t i = 0; vm == NULL && i < world->nvms; i++)
		if (strcmp(world->vms[i].name, node) == 0)
			vm = &world->vms[i];
	return vm;
}

static int add_new(const struct placing *p, struct observation *world, const char *node)
{
	struct observed_vm vm = {.vcpu = p->vcpu, .mem_GiB = p->mem_GiB};

	snprintf(vm.id, sizeof vm.id, "%s", node);
	snprintf(vm.name, sizeof vm.name, "%s", node);
	snprintf(vm.place.environment, sizeof vm.place.environment, "%s", PROBLEM_NEW);
	if (p->options->application != NULL)
		snprintf(vm.application, sizeof vm.application, "%s", p->options->application);
	return observation_add_vm(world, &vm);
}

/* The node's name in the world's matrix, or an error. The VMs of the world must be finished. */
static int take_node(const struct observation *world, const char *node)
{
	const struct observed_vm *vm = is_vm(node) ? find_existing(world, node) : NULL;

	return matrix_node(world->matrix, vm != NULL ? vm->id : node);
}

/* Adds the pattern to the traffic that there is, and its VMs to those that are. */
static int add_pattern(const struct placing *p, const struct matrix *pattern, double window_s,
    struct observation *world)
{
	const double scale = matrix_window(world->matrix)->length_s / window_s;
	size_t count;
	const struct matrix_pair *pairs = matrix_pairs(pattern, &count);
	const size_t nodes = matrix_nodes(pattern);
	bool *is_new = calloc(nodes + 1, sizeof *is_new);
	int rc = is_new != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;

	for (uint32_t i = 0; rc == GRAPPE_OK && i < nodes; i++) {
		const char *node = matrix_name(pattern, i);

		is_new[i] = is_vm(node) && find_existing(world, node) == NULL;
	}
	for (size_t i = 0; rc == GRAPPE_OK && i < count; i++) {
		const int from = take_node(world, matrix_name(pattern, pairs[i].source));
		const int to = take_node(world, matrix_name(pattern, pairs[i].receiver));

		rc = from < 0 ? from : to < 0 ? to : GRAPPE_OK;
		if (rc == GRAPPE_OK)
			rc = matrix_add(world->matrix, (uint32_t)from, (uint32_t)to,
			    scale * pairs[i].packets, scale * pairs[i].octets);
	}
	for (uint32_t i = 0; rc == GRAPPE_OK && i < nodes; i++)
		if (is_new[i])
			rc = add_new(p, world, matrix_name(pattern, i));
	free(is_new);
	return rc == GRAPPE_OK ? observation_finish(world) : rc;
}

/* ---- who is there already ---- */

static int read_world(
    const struct placing *p, const struct manager_settings *settings, struct observation *world)
{
	const struct cli_input *input = &p->options->live.input;
	const struct cli_input collector = {.collector = input->collector};
	char message[MESSAGE_SIZE] = "";
	int rc;

	if (input->placement == NULL)
		return cli_input_read(name, &collector, settings, world);
	rc = observation_init(world);
	if (rc == GRAPPE_OK) {
		matrix_window(world->matrix)->length_s = TEMPLATE_WINDOW_S;
		if (strcmp(input->placement, "none") != 0)
			rc =
			    source_read_placement(input->placement, world, message, sizeof message);
		if (rc == GRAPPE_OK)
			rc = observation_finish(world);
		if (rc != GRAPPE_OK)
			observation_deinit(world);
	}
	if (rc != GRAPPE_OK)
		fprintf(stderr, "%s: %s\n", name, message[0] != '\0' ? message : error_text(rc));
	return rc;
}

static int add_application(
    const struct placing *p, const struct manager_settings *settings, struct observation *world)
{
	const struct cli_input *input = &p->options->live.input;
	double window_s = input->matrix != NULL    ? GRAPH_FLOOR_SECONDS
			  : input->archive != NULL ? (double)settings->window_ms / 1000
						   : TEMPLATE_WINDOW_S;
	struct matrix *pattern = matrix_new();
	char message[MESSAGE_SIZE] = "";
	int rc = pattern != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;

	if (rc == GRAPPE_OK && input->window != NULL &&
	    cli_number(name, "window", input->window, &window_s) != GRAPPE_OK) {
		matrix_free(pattern);
		return GRAPPE_EINVALID;
	}
	if (rc == GRAPPE_OK)
		rc = read_pattern(p, pattern, &window_s, message);
	if (rc == GRAPPE_OK)
		rc = add_pattern(p, pattern, window_s, world);
	if (rc != GRAPPE_OK)
		fprintf(stderr, "%s: %s\n", name, message[0] != '\0' ? message : error_text(rc));
	matrix_free(pattern);
	return rc;
}

/* ---- the answer ---- */

static bool is_new_place(const struct advice *advice, uint32_t place)
{
	return strcmp(advice->problem.names[place].environment, PROBLEM_NEW) == 0;
}

/* A VM that found no place, or NULL. */
static const char *find_homeless(const struct advice *advice)
{
	for (uint32_t vm = 0; vm < advice->problem.instance.nvms; vm++)
		if (is_new_place(advice, advice->plan.place[vm]))
			return advice->problem.vm_names[vm];
	return NULL;
}

static json_t *amount(const struct problem *p, enum cost_objective objective, double value)
{
	return p->missing[objective][0] == '\0' ? json_real(value) : json_null();
}

static json_t *after_json(const struct advice *advice)
{
	const struct problem *p = &advice->problem;
	const struct cost_totals *after = &advice->plan.after;

	return json_pack("{s:f, s:o, s:o, s:o}", "inter_environment_octets_per_s",
	    after->traffic_Bps, "vm_hours_per_h",
	    amount(p, COST_TIME, (after->time_h - after->moving_h) / p->horizon_h), "cost_per_h",
	    amount(p, COST_MONEY, (after->money - after->moving_money) / p->horizon_h), "open_vcpu",
	    amount(p, COST_RESOURCES, floor(after->resources)));
}

static json_t *placement_json(const struct advice *advice)
{
	json_t *list = json_array();

	for (uint32_t vm = 0; vm < advice->problem.instance.nvms; vm++) {
		const struct place *to = &advice->problem.names[advice->plan.place[vm]];

		if (is_new_place(advice, advice->problem.place[vm]))
			json_array_append_new(
			    list, json_pack("{s:o, s:o, s:o}", "vm",
				      json_text_or_null(advice->problem.vm_names[vm]),
				      "environment", json_text_or_null(to->environment), "host",
				      json_text_or_null(to->host)));
	}
	return list;
}

static json_t *document_of(const struct advice *advice)
{
	const char *homeless = find_homeless(advice);
	char reason[SOLVE_TEXT_SIZE];
	json_t *missing = json_object();

	snprintf(reason, sizeof reason, "%s", advice->plan.reason);
	if (homeless != NULL && reason[0] == '\0')
		snprintf(reason, sizeof reason, "no host has room for %.80s", homeless);
	for (int i = COST_TIME; i < COST_TRAFFIC; i++)
		if (advice->problem.missing[i][0] != '\0')
			json_object_set_new(
			    missing, cost_names[i], json_text_or_null(advice->problem.missing[i]));
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:s}", "status",
	    homeless == NULL ? "ok" : "infeasible", "objective", cost_names[advice->objective],
	    "before", json_null(), "after", homeless == NULL ? after_json(advice) : json_null(),
	    "placement", homeless == NULL ? placement_json(advice) : json_array(), "unknown",
	    missing, "reason", homeless == NULL ? "" : reason);
}

static const char *string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static void print_text(const json_t *document)
{
	const json_t *after = json_object_get(document, "after"), *item;
	const char *key;
	size_t i;

	if (strcmp(string(document, "status"), "ok") != 0)
		printf("no placement: %s\n", string(document, "reason"));
	json_array_foreach(json_object_get(document, "placement"), i, item)
	    printf("%-24s %s (%s)\n", string(item, "vm"),
		json_is_null(json_object_get(item, "host")) ? "any host" : string(item, "host"),
		string(item, "environment"));
	json_object_foreach((json_t *)after, key, item)
	{
		if (json_is_number(item))
			printf("%-32s %.6g\n", key, json_number_value(item));
		else
			printf("%-32s unknown\n", key);
	}
	json_object_foreach((json_t *)json_object_get(document, "unknown"), key, item)
	    printf("unknown: %s: nobody tells %s\n", key, json_string_value(item));
}

static int answer(const struct advise_input *input, int format)
{
	struct advice advice;
	char message[MESSAGE_SIZE];
	json_t *document;
	int exit_code = EXIT_SUCCESS;

	if (advise_plan(input, &advice, message, sizeof message) != GRAPPE_OK) {
		fprintf(stderr, "%s: %s\n", name, message);
		return EXIT_FAILURE;
	}
	document = document_of(&advice);
	if (strcmp(string(document, "status"), "ok") != 0)
		exit_code = CLI_INFEASIBLE;
	if (format == CLI_JSON) {
		json_dumpf(document, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
		putchar('\n');
	} else {
		print_text(document);
	}
	json_decref(document);
	advice_deinit(&advice);
	return cli_finish(name, exit_code);
}

/* ---- the whole ---- */

static int read_numbers(const struct options *options, struct placing *p)
{
	const struct {
		const char *option, *text;
		double *value;
	} numbers[] = {{"vcpu", options->vcpu, &p->vcpu}, {"mem", options->mem, &p->mem_GiB},
	    {"rate", options->rate, &p->octets_s}, {"packets", options->packets, &p->packets_s}};
	const struct cli_input *input = &options->live.input;

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (numbers[i].text != NULL && cli_number(name, numbers[i].option, numbers[i].text,
						   numbers[i].value) != GRAPPE_OK)
			return GRAPPE_EINVALID;
	if (options->format != NULL)
		p->format = cli_choose(name, "format", options->format, cli_formats);
	if ((input->matrix != NULL) + (input->archive != NULL) + (options->pattern != NULL) == 1)
		return p->format >= 0 ? GRAPPE_OK : GRAPPE_EINVALID;
	fprintf(stderr, "%s: one of --template, --matrix and --archive tells the pattern\n", name);
	return GRAPPE_EINVALID;
}

static int run(const struct options *options, struct manager_settings *settings)
{
	const char *path = options->live.environments != NULL ? options->live.environments
							      : settings->environments;
	struct placing p = {.options = options,
	    .vcpu = NAN,
	    .mem_GiB = NAN,
	    .octets_s = RATE_OCTETS,
	    .packets_s = RATE_PACKETS};
	struct observation world;
	struct environments environments;
	struct advise_input input = {.observation = &world,
	    .environments = &environments,
	    .settings = settings,
	    .now_s = clock_wall_ns() / CLOCK_SECOND_NS};
	int exit_code = EXIT_FAILURE;

	if (read_numbers(options, &p) != GRAPPE_OK ||
	    cli_live_apply(name, &options->live.plan, settings) != GRAPPE_OK ||
	    read_world(&p, settings, &world) != GRAPPE_OK)
		return EXIT_FAILURE;
	if (add_application(&p, settings, &world) == GRAPPE_OK &&
	    cli_live_environments(name, path, settings, &environments) == GRAPPE_OK) {
		exit_code = answer(&input, p.format);
		environments_deinit(&environments);
	}
	observation_deinit(&world);
	return exit_code;
}

int cli_place(int argc, char **argv)
{
	struct options options = {0};
	struct manager_settings settings = {0};
	const struct program_option table[] = {
	    {'t', "template", "PATTERN",
		"chain:N, ring:N, star:N, all-to-all:N, mesh:WxH or groups:KxN", &options.pattern},
	    {'n', "name", "LABEL", "of the application; VMs of a template are LABEL-1 …",
		&options.application},
	    {0, "rate", "BYTES", "of a template: per second and link, each way (1000000)",
		&options.rate},
	    {0, "packets", "N", "of a template: per second and link, each way (1000)",
		&options.packets},
	    {0, "vcpu", "N", "of each new VM", &options.vcpu},
	    {0, "mem", "GIB", "of each new VM", &options.mem},
	    {'m', "matrix", "FILE", "the expected pattern, a CSV file src,dst,packets,bytes",
		&options.live.input.matrix},
	    {'a', "archive", "DIR", "the pattern of an earlier run, from its archives",
		&options.live.input.archive},
	    {'w', "window", "SECONDS",
		"how long the matrix file was counted (30), or how far back to look",
		&options.live.input.window},
	    {'s', "collector", "SOCKET", "ask the collector at this socket who is where",
		&options.live.input.collector},
	    {'p', "placement", "FILE", "who is where, instead of the collector; none: nobody",
		&options.live.input.placement},
	    {'e', "environments", "FILE", "the environment document instead of the configured one",
		&options.live.environments},
	    {'o', "objective", "WHAT", "make small: time, cost, resources or traffic",
		&options.live.plan.objective},
	    {'r', "rules", "FILE", "what must be kept, lines rule<TAB>a<TAB>b",
		&options.live.plan.rules},
	    {'f', "format", "FORMAT", "text or json", &options.format},
	};
	const struct program program = {
	    .name = name,
	    .summary = "say where the VMs of a new application should start; nothing is stored",
	    .operands = "",
	    .default_config = MANAGER_CONFIG,
	    .schema = &manager_settings_schema,
	    .options = table,
	    .noptions = SETTINGS_COUNT(table),
	};
	int operand, exit_code;

	if (!program_start(&program, argc, argv, &settings, &operand, &exit_code))
		return exit_code;
	exit_code = run(&options, &settings);
	settings_free(&manager_settings_schema, &settings);
	return exit_code;
}
