/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Status documents as check_grappe judges them: the first byte chooses the mode and the
 * verbosity, the rest is JSON. Whatever they say, the output is one state, one first line without a
 * second '|', and every label of performance data.
 */
#include "nagios/mode.h"

#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1795000100)
#define OUTPUT_MAX (8u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_output(const struct mode *mode, enum plugin_state state, char *output)
{
	char *end = strchr(output, '\n'), *metrics;

	if (state > PLUGIN_UNKNOWN || end == NULL || (metrics = strchr(output, '|')) == NULL ||
	    metrics > end)
		abort();
	*end = '\0';
	if (strchr(metrics + 1, '|') != NULL || strchr(end + 1, '|') != NULL)
		abort();
	*metrics = '\0';
	if (strchr(output, ';') != NULL || strncmp(output, "GRAPPE ", 7) != 0)
		abort();
	for (size_t i = 0; i < mode->nmetrics; i++) {
		metrics = strstr(metrics + 1, mode->metrics[i].label);
		if (metrics == NULL)
			abort();
	}
}

static void judge(const struct mode *mode, int verbosity, const json_t *data)
{
	const struct options options = {.mode = mode};
	struct plugin *plugin = plugin_new("GRAPPE", mode->metrics, mode->nmetrics);
	char *output = malloc(OUTPUT_MAX);
	FILE *out = output != NULL ? fmemopen(output, OUTPUT_MAX, "w") : NULL;
	enum plugin_state state;

	if (plugin == NULL || out == NULL)
		abort();
	mode->judge(plugin, &options, data, NOW);
	state = plugin_print(plugin, out, verbosity);
	fclose(out);
	plugin_free(plugin);
	check_output(mode, state, output);
	free(output);
}

/* Letters of their own, then by the lowest bit. */
static const struct mode *mode_of(uint8_t byte)
{
	switch (byte) {
	case 'a':
		return &mode_archive;
	case 'd':
		return &mode_drops;
	case 'q':
		return &mode_queue;
	default:
		return byte & 1 ? &mode_recommendation : &mode_collector;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	json_t *data;

	if (length == 0)
		return 0;
	data =
	    json_loadb((const char *)bytes + 1, length - 1, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (data == NULL)
		return 0;
	judge(mode_of(bytes[0]), bytes[0] >> 1 & 3, data);
	json_decref(data);
	return 0;
}
