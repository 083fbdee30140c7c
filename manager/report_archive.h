/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a report is made from, read from the archives on disk, with no collector running: a part of
 * manager/report_read.h. One thread. */
#ifndef GRAPPE_MANAGER_REPORT_ARCHIVE_H
#define GRAPPE_MANAGER_REPORT_ARCHIVE_H

#include "manager/report_read.h"

/* report_archive_read - fills *out, whose observation is empty. Returns as report_read(). */
int report_archive_read(
    const struct report_wish *wish, struct report_input *out, char *message, size_t size);

#endif
