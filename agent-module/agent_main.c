/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent-module/agent.h"
#include "agent-module/savefile.h"
#include "common/log.h"
#include "common/program.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
	const char *file = NULL, *format = NULL, *mtu = NULL;
	const struct program_option options[] = {
	    {'r', "read", "FILE", "account a capture file (\"-\": standard input), print its matrix, and end",
		&file},
	    {0, "format", "FORMAT", "of the matrix: text (default) or csv", &format},
	    {0, "mtu", "BYTES", "of the interface captured on, where no SYN tells the segment size", &mtu},
	};
	const struct program program = {.name = "grappe-agent",
	    .summary = "serve the counts of grappe-capture by SNMP, as a subagent of snmpd",
	    .operands = "",
	    .default_config = GRAPPE_SYSCONFDIR "/agent.conf",
	    .schema = &agent_settings_schema,
	    .options = options,
	    .noptions = SETTINGS_COUNT(options),
	    .epilogue = "snmpd needs the line \"master agentx\". See grappe-agent(8)."};
	struct agent_settings settings = {0};
	struct savefile_options savefile = {0};
	char message[256];
	int operand, code;

	if (!program_start(&program, argc, argv, &settings, &operand, &code))
		return code;
	if (file == NULL && (format != NULL || mtu != NULL)) {
		log_error("--format and --mtu are for --read");
		code = EXIT_FAILURE;
	} else if (file == NULL) {
		code = agent_run(&settings);
	} else if (savefile_parse(file, format, mtu, &savefile, message, sizeof message) != 0) {
		log_error("%s", message);
		code = EXIT_FAILURE;
	} else {
		code = savefile_run(&savefile);
	}
	settings_free(&agent_settings_schema, &settings);
	return code;
}
