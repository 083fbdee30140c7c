/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which SNMPv3 engine answers at which address (RFC 3411: snmpEngineID). It must be known before
 * anything can be asked with a key, and to ask for it costs a round trip; so it is kept over
 * restarts, in a text file with a checksum. One thread.
 *
 * Life-cycle: engines_new(), engines_load(), then engines_get(), engines_put() …, engines_save()
 * when engines_is_changed(), engines_free().
 */
#ifndef GRAPPE_COLLECTOR_ENGINES_H
#define GRAPPE_COLLECTOR_ENGINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENGINE_ID_MIN 5
#define ENGINE_ID_MAX 32

struct engine_id {
	uint8_t bytes[ENGINE_ID_MAX];
	size_t length; /* 0: not known */
};

struct engines; /* opaque */

bool engine_id_equal(const struct engine_id *a, const struct engine_id *b);

/* engines_new - empty; NULL without memory. */
struct engines *engines_new(void);
/* engines_free - NULL is allowed. */
void engines_free(struct engines *engines);

/* engines_load - adds what the file says. A file that is not there is empty. Returns 0, GRAPPE_EIO
 * (errno), GRAPPE_ELIMIT, GRAPPE_EMEMORY, or what engines_parse() returns. */
int engines_load(struct engines *engines, const char *path);
/* engines_parse - the bytes of a file. Returns 0, or GRAPPE_EFORMAT, GRAPPE_ETRUNCATED,
 * GRAPPE_ECHECKSUM, GRAPPE_EVERSION: it is damaged, and nothing of it was taken. */
int engines_parse(struct engines *engines, const void *bytes, size_t length);
/* engines_save - replaces the file by the entries in use. Returns 0, GRAPPE_EIO (errno) or
 * GRAPPE_EMEMORY. */
int engines_save(struct engines *engines, const char *path);
/* engines_is_changed - whether there is something to save. */
bool engines_is_changed(const struct engines *engines);

/* engines_get - the engine at that address, which is in use from now on; false: not known. */
bool engines_get(struct engines *engines, const char *address, struct engine_id *id);
/* engines_put - the engine at that address is this one; in use from now on. Returns 0,
 * GRAPPE_EINVALID (its length) or GRAPPE_EMEMORY. */
int engines_put(struct engines *engines, const char *address, const struct engine_id *id);
/* engines_drop - that address is not in use any more. */
void engines_drop(struct engines *engines, const char *address);
/* engines_twin - another address in use with the same engine as this one, or NULL: two hosts that
 * were cloned, or one snmpd at two addresses. Valid until engines_drop() of it. */
const char *engines_twin(const struct engines *engines, const char *address);

#endif
