/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grappe explain: why a VM should move, or stay; nothing is stored or posted. */
#include "manager/cli.h"

#include "common/error.h"
#include "common/program.h"
#include "manager/cli_live.h"
#include "manager/explain_vm.h"

#include <stdlib.h>

static const char name[] = "grappe explain";

struct asking {
	const char *vm;
	int format;
};

static int print_document(json_t *document, int format)
{
	if (document == NULL) {
		fprintf(stderr, "%s: %s\n", name, error_text(GRAPPE_EMEMORY));
		return EXIT_FAILURE;
	}
	if (format == CLI_JSON) {
		json_dumpf(document, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
		putchar('\n');
	} else {
		explain_vm_print(document, stdout);
	}
	json_decref(document);
	return cli_finish(name, EXIT_SUCCESS);
}

static int explain(const struct advise_input *input, void *context)
{
	const struct asking *asking = context;
	struct advice advice;
	char message[1024];
	int exit_code = EXIT_FAILURE, vm;

	if (advise_plan(input, &advice, message, sizeof message) != GRAPPE_OK) {
		fprintf(stderr, "%s: %s\n", name, message);
		return EXIT_FAILURE;
	}
	vm = problem_find_vm(&advice.problem, asking->vm);
	if (vm >= 0)
		exit_code =
		    print_document(explain_vm(input, &advice, (uint32_t)vm), asking->format);
	else if (vm == GRAPPE_EEXISTS)
		fprintf(stderr, "%s: several VMs are called '%s': give the id\n", name, asking->vm);
	else
		fprintf(stderr, "%s: no VM with a known place is called '%s'\n", name, asking->vm);
	advice_deinit(&advice);
	return exit_code;
}

int cli_explain(int argc, char **argv)
{
	struct cli_live live = {0};
	const char *format = NULL;
	struct manager_settings settings = {0};
	const struct program_option table[] = {
	    CLI_LIVE_OPTIONS(live),
	    CLI_PLAN_OPTIONS(live.plan),
	    {'f', "format", "FORMAT", "text or json", &format},
	};
	const struct program program = {
	    .name = name,
	    .summary = "say why a VM should move, or stay; nothing is stored or posted",
	    .operands = "VM",
	    .default_config = MANAGER_CONFIG,
	    .schema = &manager_settings_schema,
	    .options = table,
	    .noptions = SETTINGS_COUNT(table),
	};
	struct asking asking = {.format = CLI_TEXT};
	int operand, exit_code;

	if (!program_start(&program, argc, argv, &settings, &operand, &exit_code))
		return exit_code;
	exit_code = EXIT_FAILURE;
	if (format != NULL)
		asking.format = cli_choose(name, "format", format, cli_formats);
	if (operand + 1 != argc) {
		fprintf(stderr, "usage: grappe explain [options] VM\n");
	} else if (asking.format >= 0) {
		asking.vm = argv[operand];
		exit_code = cli_live_run(name, &live, &settings, explain, &asking);
	}
	settings_free(&manager_settings_schema, &settings);
	return exit_code;
}
