/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An INI file with options of plugins, whatever it holds: it is refused, or gives a bounded number
 * of options whose names are words and whose values are one line. What is wrong is told by its
 * line.
 */
#include "common/error.h"
#include "nagios/extra_opts.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_option(const char *name, const char *value)
{
	if (name[0] == '\0' || strlen(name) + strlen(value) > EXTRA_OPTS_LINE_MAX)
		abort();
	for (; *name != '\0'; name++)
		if (!isalnum((unsigned char)*name) && *name != '-')
			abort();
	for (; *value != '\0'; value++)
		if (iscntrl((unsigned char)*value) && *value != '\t')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct extra_opts extra = {0};
	char message[192] = "";
	const int rc = extra_opts_parse(
	    (const char *)data, size, "check_grappe", &extra, message, sizeof message);

	if (extra.count > EXTRA_OPTS_MAX ||
	    (rc != GRAPPE_OK && (extra.count > 0 || message[0] == '\0')))
		abort();
	for (size_t i = 0; i < extra.count; i++)
		check_option(extra.names[i], extra.values[i]);
	extra_opts_deinit(&extra);
	return 0;
}
