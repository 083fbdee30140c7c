/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent-module/agent.h"
#include "agent-module/savefile.h"
#include "common/log.h"
#include "common/program.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	const char *file = NULL, *format = NULL, *mtu = NULL;
	const struct program_option options[] = {
	    {'r', "read", "FILE",
		"account a capture file (pcap, pcapng, gzip; - is standard input) and end", &file},
	    {0, "format", "FORMAT", "with --read: text (the default) or csv", &format},
	    {0, "mtu", "BYTES",
		"with --read: MTU of the interface captured on, to split super-frames (default "
		"1500)",
		&mtu},
	};
	struct program program = {.name = "grappe-agent",
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

	/* A file is accounted by itself; this host's configuration has no say. */
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "--read", 6) == 0 || strncmp(argv[i], "-r", 2) == 0)
			program.default_config = NULL;
	if (!program_start(&program, argc, argv, &settings, &operand, &code))
		return code;
	if (file == NULL && (format != NULL || mtu != NULL)) {
		log_error("--format and --mtu go with --read");
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
