/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a daemon answers over its local socket, its status above all, and reading members of such a
 * document without trusting their types. One thread.
 */
#ifndef GRAPPE_NAGIOS_STATUS_H
#define GRAPPE_NAGIOS_STATUS_H

#include "common/protocol.h"
#include "nagios/mode.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* status_ask - asks the daemon of the mode for its status. Returns `data` of the answer, owned by
 * *reply; NULL when there is none, then a check says why. protocol_reply_deinit(reply) in any case.
 */
const json_t *status_ask(
    struct plugin *plugin, const struct options *options, struct protocol_reply *reply);

/* status_stream - asks that daemon for rows, which must have these columns (NULL-terminated), and
 * gives each to row, which returns 0 or a code that ends the reading. *answer: the header, without
 * its texts. Returns true when the whole answer came and row took all of it; else a check says why.
 */
typedef int status_row(void *context, const char *const *fields);
bool status_stream(struct plugin *plugin, const struct options *options,
    const struct protocol_request *request, const char *const *columns, status_row *row,
    void *context, struct protocol_answer *answer);

/* status_integer / status_number - true when there is a member of that type; a negative integer is
 * none. */
bool status_integer(const json_t *object, const char *key, int64_t *out);
bool status_number(const json_t *object, const char *key, double *out);
/* status_text - the member's text, "" when it has none. Valid as long as the document. */
const char *status_text(const json_t *object, const char *key);

#endif
