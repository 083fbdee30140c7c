/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How far the archives are: for each receiver the end of its newest period that went to them. Pure
 * but for the question to the archives, which is asked once for each receiver. One thread.
 */
#ifndef GRAPPE_COLLECTOR_MARKS_H
#define GRAPPE_COLLECTOR_MARKS_H

#include <stdint.h>

struct marks; /* opaque */

/* marks_new - last_written: see struct picture_config. NULL without memory. */
struct marks *marks_new(
    int64_t (*last_written)(void *context, const char *receiver), void *context);
/* marks_free - NULL is allowed. */
void marks_free(struct marks *marks);

/* marks_of - the receiver's mark, to be read and set; valid until the next call. NULL without
 * memory.
 */
int64_t *marks_of(struct marks *marks, const char *receiver);

/* marks_prune - when there are many, forgets those before oldest_s: the archives are asked again if
 * such a receiver comes back. */
void marks_prune(struct marks *marks, int64_t oldest_s);

#endif
