/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A daemon's status over its local socket, and reading members of such a document
 * without trusting their types. One thread.
 */
#ifndef GRAPPE_NAGIOS_STATUS_H
#define GRAPPE_NAGIOS_STATUS_H

#include "common/protocol.h"
#include "nagios/mode.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* status_ask - asks the daemon for its status. Returns `data` of the answer, owned by *reply; NULL
 * when there is none, then a check says why. who: e.g. "the manager"; path: of its socket.
 * protocol_reply_deinit(reply) in any case. */
const json_t *status_ask(struct plugin *plugin, const struct options *options, const char *who,
    const char *path, struct protocol_reply *reply);

/* status_integer / status_number - true when there is a member of that type; a negative integer is
 * none. */
bool status_integer(const json_t *object, const char *key, int64_t *out);
bool status_number(const json_t *object, const char *key, double *out);
/* status_text - the member's text, "" when it has none. Valid as long as the document. */
const char *status_text(const json_t *object, const char *key);

#endif
