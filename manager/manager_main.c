/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/program.h"
#include "manager/manager.h"

int main(int argc, char **argv)
{
	struct manager_settings settings = {0};
	bool once = false;
	const struct program_option options[] = {
	    {0, "once", NULL,
		"plan once, print the report and end; 2 when the collector gives nothing", &once},
	};
	const struct program program = {
	    .name = "grappe-manager",
	    .summary = "plans where virtual machines should live, and says why",
	    .operands = "",
	    .default_config = MANAGER_CONFIG,
	    .schema = &manager_settings_schema,
	    .options = options,
	    .noptions = SETTINGS_COUNT(options),
	};
	int operand, exit_code;

	if (!program_start(&program, argc, argv, &settings, &operand, &exit_code))
		return exit_code;
	exit_code = once ? manager_once(&settings) : manager_run(&settings);
	settings_free(&manager_settings_schema, &settings);
	return exit_code;
}
