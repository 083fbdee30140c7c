/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check_grappe: a monitoring plugin for Grappe. */
#include "nagios/mode.h"
#include "nagios/options.h"
#include "nagios/plugin.h"

#include <locale.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	enum plugin_state state;
	struct options options;
	struct plugin *plugin;

	setlocale(LC_ALL, "C"); /* performance data has decimal points everywhere */
	if (!options_parse(argc, argv, &options)) {
		options_deinit(&options);
		fflush(stdout);
		return PLUGIN_UNKNOWN;
	}
	plugin = plugin_new("GRAPPE", options.mode->metrics, options.mode->nmetrics);
	if (plugin == NULL) {
		puts("GRAPPE UNKNOWN - no memory left");
		return PLUGIN_UNKNOWN;
	}
	plugin_arm(plugin, options.timeout_s, options.timeout_state);
	mode_run(plugin, &options);
	state = plugin_print(plugin, stdout, options.verbosity);
	plugin_free(plugin);
	options_deinit(&options);
	return state;
}
