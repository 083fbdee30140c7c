/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the poller wants, as object identifiers of GRAPPE-MIB, and what came back, as the
 * poller's reply. An answer may be hostile: number, order, names and types of its variables
 * are checked against the request. Pure; any thread.
 */
#ifndef GRAPPE_COLLECTOR_WIRE_H
#define GRAPPE_COLLECTOR_WIRE_H

#include "collector/poller.h"

#define WIRE_NAME_MAX 64      /* sub-identifiers; a longer MIB root is refused when it is built */
#define WIRE_VARIABLES_MAX 16 /* of a request */

struct wire_name {
	uint32_t ids[WIRE_NAME_MAX];
	size_t count;
};

enum wire_type {
	WIRE_NUMBER, /* INTEGER, Unsigned32, Gauge32, Counter32, Counter64 */
	WIRE_OCTETS,
	WIRE_ABSENT, /* noSuchObject, noSuchInstance, endOfMibView */
	WIRE_OTHER,
};

/* A variable of an answer. */
struct wire_variable {
	struct wire_name name;
	enum wire_type type;
	int64_t number;       /* WIRE_NUMBER; of a Counter64 at most INT64_MAX */
	const uint8_t *bytes; /* WIRE_OCTETS, borrowed */
	size_t length;
};

/* wire_names - the variables to ask for, in order. Returns how many (<= WIRE_VARIABLES_MAX). */
size_t wire_names(const struct poller_request *request, struct wire_name names[WIRE_VARIABLES_MAX]);

/* wire_parse - an answer without SNMP error to that request. Fills *reply; its blocks point to
 * where the variables do. reply->error is GRAPPE_OK, or GRAPPE_EFORMAT with the reason in
 * reply->text. */
void wire_parse(const struct poller_request *request, const struct wire_variable *variables,
    size_t count, struct poller_reply *reply);

#endif
