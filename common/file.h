/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that must survive a crash: written beside their target, synced, renamed.
 */
#ifndef GRAPPE_COMMON_FILE_H
#define GRAPPE_COMMON_FILE_H

#include "common/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What mkostemp(3) makes of a path while file_replace() writes: a killed program may leave it. */
#define FILE_TEMPORARY_SUFFIX ".XXXXXX"
#define FILE_TEMPORARY_SUFFIX_LENGTH (sizeof FILE_TEMPORARY_SUFFIX - 1)

/* file_replace - path holds either its old or the new bytes whatever happens (temporary file,
 * fsync(2), rename(2), fsync of the folder). mode: permissions of the new file.
 * Returns 0 or GRAPPE_EIO with errno; the temporary file never stays behind an error. */
int file_replace(const char *path, const void *bytes, size_t length, mode_t mode);

/* file_read - whole regular file into *out (initialised here, deinit by the caller, also on error).
 * A file of more than limit bytes is GRAPPE_ELIMIT. Returns 0, GRAPPE_EIO (errno),
 * GRAPPE_ELIMIT or GRAPPE_EMEMORY. */
int file_read(const char *path, size_t limit, struct buffer *out);

/* file_make_folder - creates path and what is missing above it. Returns 0 or GRAPPE_EIO (errno). */
int file_make_folder(const char *path, mode_t mode);

/* file_is_name - a text that may be the name of a file made for it: what FILE_NAME_RULE says. */
#define FILE_NAME_RULE "1 to 64 letters, digits, '.', '_', '-', not starting with '.'"
bool file_is_name(const char *text);

/* file_set_aside - renames a file that cannot be used to PATH.damaged, for people to look at, and
 * logs a warning with the reason. */
void file_set_aside(const char *path, const char *why);

#endif
