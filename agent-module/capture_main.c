/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/capture.h"
#include "agent-module/capture_settings.h"
#include "common/log.h"
#include "common/program.h"

#include <stdlib.h>
#include <string.h>

static struct capture_settings settings;
static const char *savefile, *format, *mtu;

static const struct program_option options[] = {
    {'r', "read", "FILE",
	"account a capture file (pcap, pcapng, gzip; - is standard input) and end", &savefile},
    {0, "format", "FORMAT", "with --read: text (the default) or csv", &format},
    {0, "mtu", "BYTES",
	"with --read: MTU of the interface captured on, to split super-frames (default 1500)",
	&mtu},
};

int main(int argc, char **argv)
{
	struct program program = {.name = "grappe-capture",
	    .summary = "counts what the virtual machines of this host receive, and from whom",
	    .default_config = GRAPPE_SYSCONFDIR "/capture.conf",
	    .schema = &capture_settings_schema,
	    .options = options,
	    .noptions = sizeof options / sizeof *options};
	int operand, code;

	/* A file is accounted by itself; this host has no say unless its configuration is named. */
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "--read", 6) == 0 || strncmp(argv[i], "-r", 2) == 0)
			program.default_config = NULL;
	if (!program_start(&program, argc, argv, &settings, &operand, &code))
		return code;
	if (savefile == NULL && (format != NULL || mtu != NULL)) {
		log_error("--format and --mtu go with --read");
		code = EXIT_FAILURE;
	} else {
		code = savefile != NULL ? capture_read(&settings, savefile, format, mtu)
					: capture_run(&settings);
	}
	settings_free(&capture_settings_schema, &settings);
	return code;
}
