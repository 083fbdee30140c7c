/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the manager keeps over a restart: for each matter one file in its state folder, a JSON
 * object of version 1, read back as hostile input. One that is no use is set aside and its matter
 * begins anew: it must neither stop the manager nor be lost without a word. For one thread at a
 * time.
 */
#ifndef GRAPPE_MANAGER_STATE_FILE_H
#define GRAPPE_MANAGER_STATE_FILE_H

#include <jansson.h>
#include <stddef.h>

/* Makes *out of an object whose version is 1. Returns 0, GRAPPE_EMEMORY, or GRAPPE_EFORMAT or
 * GRAPPE_ELIMIT with the reason in message; after an error *out is as it was. */
typedef int state_file_read(const json_t *document, void *out, char *message, size_t size);

/* state_file_parse - the bytes of such a file, at most limit of them. Returns what read does; also
 * GRAPPE_ELIMIT, or GRAPPE_EFORMAT ("line 3: …"), with the reason in message. */
int state_file_parse(const char *bytes, size_t length, size_t limit, state_file_read *read,
    void *out, char *message, size_t size);

/* state_file_load - the same of the file at path. When there is none *out is left as it is, as when
 * it is no use: then it is renamed to PATH.damaged, and the reason is logged. Returns 0, or
 * GRAPPE_EIO (errno) or GRAPPE_EMEMORY with "PATH: why" in message. */
int state_file_load(
    const char *path, size_t limit, state_file_read *read, void *out, char *message, size_t size);

#endif
