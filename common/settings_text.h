/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first pass over a configuration file: what libconfuse would read leniently or
 * in a way that surprises is refused here, with its line. Internal to settings.c and
 * its tests. Pure, any thread.
 */
#ifndef GRAPPE_COMMON_SETTINGS_TEXT_H
#define GRAPPE_COMMON_SETTINGS_TEXT_H

#include "common/buffer.h"

#include <stddef.h>

/*
 * settings_text_clean - copies the text of a configuration file to clean, without comments and with
 * the same line numbers; the empty list "{}" becomes {""}, so that libconfuse reports it as a
 * value. Refused: control characters, quotes, comments and braces that are not closed, a quoted
 * text over several lines, escapes other than \" \\ \$ in double quotes, and "${" (libconfuse would
 * put a variable of the environment there). Returns 0, GRAPPE_EMEMORY, or GRAPPE_EFORMAT with *line
 * and the reason in why[size].
 */
int settings_text_clean(
    const void *bytes, size_t length, struct buffer *clean, int *line, char *why, size_t size);

#endif
