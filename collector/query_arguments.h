/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What grappe-query was asked on its command line: the table of options that also feeds --help, and
 * what goes together. Pure but for complaints on standard error.
 */
#ifndef GRAPPE_COLLECTOR_QUERY_ARGUMENTS_H
#define GRAPPE_COLLECTOR_QUERY_ARGUMENTS_H

#include "collector/query_facts.h"
#include "collector/query_write.h"
#include "common/protocol.h"

#include <stdbool.h>

struct query_arguments {
	const char *socket;
	const char *archive, *inventory; /* folder; NULL: ask the collector */
	struct protocol_request request;
	enum query_what what; /* with op STATUS: none */
	enum query_format format;
	enum query_by by;
	const char *vm;       /* QUERY_COEFFICIENTS: selected here, not by the collector */
	double *coefficients; /* owned */
	size_t ncoefficients;
	size_t top;          /* 0: all */
	const char *gnuplot; /* folder */
	bool ids, local, quiet;
};

/* query_arguments_read - returns true when the program should run; else *exit_code says with what
 * to end: help was printed, or a complaint. now_s: for relative times. query_arguments_deinit() in
 * any case. */
bool query_arguments_read(
    struct query_arguments *arguments, int argc, char **argv, int64_t now_s, int *exit_code);
void query_arguments_deinit(struct query_arguments *arguments);

#endif
