/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line of check_grappe, from one table that feeds the parser and --help. A
 * plugin's conventions: bad arguments, --help and --version all end with state UNKNOWN (3), and
 * everything goes to standard output.
 */
#ifndef GRAPPE_NAGIOS_OPTIONS_H
#define GRAPPE_NAGIOS_OPTIONS_H

#include "nagios/mode.h"

#include <stdbool.h>

/* options_parse - returns true when the plugin should run. Otherwise everything was said and the
 * plugin ends with UNKNOWN. Takes --extra-opts out of argv; *options points into argv, and to texts
 * of files that stay until options_deinit(). */
bool options_parse(int argc, char **argv, struct options *options);
/* options_deinit - forgets what was read from files. In any case after options_parse(). */
void options_deinit(struct options *options);

#endif
