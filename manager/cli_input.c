/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/cli_input.h"

#include "common/error.h"
#include "manager/cli.h"
#include "manager/source.h"

#include <stdio.h>

#define MESSAGE_SIZE 1024

int cli_input_apply(
    const char *program, const struct cli_input *input, struct manager_settings *settings)
{
	int choice = 0;

	if ((input->matrix != NULL) + (input->archive != NULL) + (input->collector != NULL) > 1) {
		fprintf(stderr, "%s: only one of --matrix, --archive and --collector\n", program);
		return GRAPPE_EINVALID;
	}
	if (input->method != NULL)
		choice = settings->method =
		    cli_choose(program, "method", input->method, manager_methods);
	if (choice >= 0 && input->by != NULL)
		choice = settings->by = cli_choose(program, "by", input->by, manager_by_choices);
	return choice >= 0 ? GRAPPE_OK : GRAPPE_EINVALID;
}

static int read_files(const struct cli_input *input, double window_s, struct observation *out,
    char *message, size_t size)
{
	int rc = observation_init(out);

	if (rc != GRAPPE_OK) {
		snprintf(message, size, "%s", error_text(rc));
		return rc;
	}
	if (input->matrix != NULL)
		rc = source_read_matrix_file(input->matrix, window_s, out->matrix, message, size);
	else
		rc = source_read_archive(
		    input->archive, (int64_t)window_s, out->matrix, message, size);
	if (rc == GRAPPE_OK && input->placement != NULL)
		rc = source_read_placement(input->placement, out, message, size);
	if (rc == GRAPPE_OK && observation_finish(out) != GRAPPE_OK) {
		rc = GRAPPE_EMEMORY;
		snprintf(message, size, "%s", error_text(rc));
	}
	if (rc != GRAPPE_OK)
		observation_deinit(out);
	return rc;
}

int cli_input_read(const char *program, const struct cli_input *input,
    const struct manager_settings *settings, struct observation *out)
{
	double window_s =
	    input->matrix != NULL ? GRAPH_FLOOR_SECONDS : (double)settings->window_ms / 1000;
	char message[MESSAGE_SIZE] = "";
	int64_t retry_at_s;
	int rc;

	if (input->window != NULL &&
	    cli_number(program, "window", input->window, &window_s) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	if (window_s > 1e9) {
		fprintf(stderr, "%s: --window is longer than any archive\n", program);
		return GRAPPE_EINVALID;
	}
	if (input->matrix != NULL || input->archive != NULL) {
		rc = read_files(input, window_s, out, message, sizeof message);
	} else {
		const struct source_wish wish = {
		    .socket =
			input->collector != NULL ? input->collector : settings->collector_socket,
		    .window_s = (int64_t)window_s,
		    .wait_ms = settings->wait_ms,
		    .approximate = settings->approximate,
		};

		rc = source_read_collector(&wish, out, &retry_at_s, message, sizeof message);
	}
	if (rc != GRAPPE_OK)
		fprintf(stderr, "%s: %s\n", program, message);
	return rc;
}
