/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/capture.h"
#include "agent-module/capture_settings.h"
#include "agent-module/savefile.h"
#include "common/error.h"
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

static int read_savefile(void)
{
	struct savefile_options what;
	char message[256];
	struct mac *vms = NULL;
	long nvms = 0;
	int code = EXIT_FAILURE;

	if (savefile_parse(savefile, format, mtu, &what, message, sizeof message) != GRAPPE_OK) {
		log_error("%s", message);
		return EXIT_FAILURE;
	}
	vms = capture_settings_macs(&settings, &nvms);
	what.vms = vms;
	what.nvms = nvms > 0 ? (size_t)nvms : 0;
	if (nvms >= 0)
		code = savefile_run(&what);
	else
		log_error("%s", error_text(GRAPPE_EMEMORY));
	free(vms);
	return code;
}

int main(int argc, char **argv)
{
	struct program program = {.name = "grappe-capture",
	    .summary = "counts what the virtual machines of this host receive, and from whom",
	    .default_config = GRAPPE_SYSCONFDIR "/capture.conf",
	    .schema = &capture_settings_schema,
	    .options = options,
	    .noptions = sizeof options / sizeof *options};
	int operand, code;

	/* A file is accounted by itself; this host's configuration has no say unless it is named.
	 */
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "--read", 6) == 0 || strncmp(argv[i], "-r", 2) == 0)
			program.default_config = NULL;
	if (!program_start(&program, argc, argv, &settings, &operand, &code))
		return code;
	if (savefile == NULL && (format != NULL || mtu != NULL)) {
		log_error("--format and --mtu go with --read");
		code = EXIT_FAILURE;
	} else {
		code = savefile != NULL ? read_savefile() : capture_run(&settings);
	}
	settings_free(&capture_settings_schema, &settings);
	return code;
}
