/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of files inside the archive folder, and the only place that makes or reads
 * them. Internal to rrd/. Pure; any thread.
 *
 *     FOLDER/RECEIVER/SENDER.rrd     one pair
 *     FOLDER/RECEIVER/coverage.rrd   which periods are known
 *     FOLDER/RECEIVER/mark-NAME.rrd  which periods have a mark (enum caveat)
 *     FOLDER/.expired-RECEIVER       a receiver that is being removed
 *     ....rrd.damaged-END            set aside when the period END was to be written
 *
 * "endpoint:NAME" is spelt endpoint-NAME: a colon separates fields in rrdtool's graph
 * definitions.
 */
#ifndef GRAPPE_RRD_ARCHIVE_PATH_H
#define GRAPPE_RRD_ARCHIVE_PATH_H

#include "common/identity.h"

#include <limits.h>
#include <stdint.h>

#define ARCHIVE_FOLDER_MAX (PATH_MAX - 256) /* longest path of the archive folder */

/* A mark is stored like a sender that gives one packet in each period that has it. */
#define ARCHIVE_MARK "mark:" /* then the name of a caveat */

/* Each returns 0 or GRAPPE_EINVALID (an id that is none, a path too long). */
int archive_path_receiver(char path[PATH_MAX], const char *folder, const char *receiver);
int archive_path_pair(
    char path[PATH_MAX], const char *folder, const char *receiver, const char *sender);
int archive_path_coverage(char path[PATH_MAX], const char *folder, const char *receiver);

/* archive_path_id - the id that a folder's or pair file's name stands for (suffix: "" or ".rrd").
 * Returns 0 or GRAPPE_EFORMAT when the name is not ours. */
int archive_path_id(const char *name, const char *suffix, char id[VM_ID_SIZE]);
/* archive_path_sender - the sender or mark that a file in a receiver's folder stands for. Returns 0
 * or GRAPPE_EFORMAT. */
int archive_path_sender(const char *name, char id[VM_ID_SIZE]);
/* archive_path_damaged - the id and END of a pair file set aside. Returns 0 or GRAPPE_EFORMAT. */
int archive_path_damaged(const char *name, char id[VM_ID_SIZE], int64_t *end_s);

#endif
