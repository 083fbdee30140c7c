/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Secrets in files of one line that nobody but their owner may read: bearer tokens, passwords,
 * "user:password". Whoever reads one wipes it after use. Any thread.
 */
#ifndef GRAPPE_COMMON_SECRET_H
#define GRAPPE_COMMON_SECRET_H

#include <stddef.h>

#define SECRET_SIZE 1024 /* longest secret with its final zero */

/* Both read a regular file that belongs to root or to the user of this process and is closed to all
 * others. Return 0, or with words in message: GRAPPE_EIO (cannot be read), GRAPPE_EINVALID (wrong
 * owner or permissions, not a regular file) or GRAPPE_EFORMAT (empty, too long, or characters that
 * may not be there); then the secret is "". */

/* secret_read_token - one word of printable ASCII, fit for a header of HTTP. */
int secret_read_token(const char *path, char secret[SECRET_SIZE], char *message, size_t size);
/* secret_read_line - any text without control characters, such as "user:password". */
int secret_read_line(const char *path, char secret[SECRET_SIZE], char *message, size_t size);

#endif
