/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Argument vectors of the operator's configuration, with values of the moment filled in. Values
 * come from the network: they never become words of their own, nor options. Pure.
 */
#ifndef GRAPPE_MANAGER_WORDS_H
#define GRAPPE_MANAGER_WORDS_H

#include "common/settings.h"

#include <stddef.h>

#define WORDS_MAX 256      /* of one vector */
#define WORDS_LENGTH 65536 /* bytes of a word, filled in */

struct words_value {
	const char *name; /* "vm" for {vm} */
	const char *value;
};

/* words_check - that every {NAME} in the list is one of names, NULL-terminated; other braces are
 * faults, too. Returns 0 or GRAPPE_EINVALID with words. */
int words_check(
    const struct settings_list *list, const char *const *names, char *message, size_t size);
/* words_fill - *out: a heap vector, NULL-terminated, for words_free(). values NULL: the words as
 * they are, braces included. Refused with
 * GRAPPE_EINVALID and words: a value with control characters, or one that begins with '-' where a
 * word begins. Also GRAPPE_ELIMIT, GRAPPE_EMEMORY. */
int words_fill(const struct settings_list *list, const struct words_value *values, size_t count,
    char ***out, char *message, size_t size);
void words_free(char **words);

#endif
