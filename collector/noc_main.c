/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "collector/noc.h"
#include "common/program.h"

int main(int argc, char **argv)
{
	const struct program program = {.name = "grappe-collector-agent",
	    .summary = "serve the state of grappe-collector by SNMP, as a subagent of snmpd",
	    .operands = "",
	    .default_config = GRAPPE_SYSCONFDIR "/collector-agent.conf",
	    .schema = &noc_settings_schema,
	    .epilogue = "snmpd needs the line \"master agentx\". See grappe-collector-agent(8)."};
	struct noc_settings settings = {0};
	int operand, code;

	if (!program_start(&program, argc, argv, &settings, &operand, &code))
		return code;
	code = noc_run(&settings);
	settings_free(&noc_settings_schema, &settings);
	return code;
}
