/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon grappe-collector: reads its configuration, polls the agents, keeps the global
 * picture, feeds the archive writer and answers on its socket, until SIGTERM or SIGINT.
 */
#ifndef GRAPPE_COLLECTOR_COLLECTOR_H
#define GRAPPE_COLLECTOR_COLLECTOR_H

/* collector_run - the whole program. Returns its exit code. */
int collector_run(int argc, char **argv);

#endif
