/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One SNMP GET, blocking, by net-snmp's single-session interface: the only file of the plugin that
 * includes net-snmp. No configuration file, MIB file or environment of net-snmp is read. One
 * thread.
 */
#ifndef GRAPPE_NAGIOS_SNMP_H
#define GRAPPE_NAGIOS_SNMP_H

#include "common/keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNMP_OID_MAX 24 /* sub-identifiers of an object asked for */
#define SNMP_OBJECTS_MAX 32

/* How to log in; borrowed. */
struct snmp_login {
	const char *community;         /* SNMPv2c; NULL: user counts */
	const struct keys_login *user; /* SNMPv3 */
};

struct snmp_object {
	uint32_t oid[SNMP_OID_MAX]; /* asked for, instance included */
	size_t length;
	/* the answer */
	bool there;   /* an unsigned or signed number came */
	bool missing; /* noSuchObject or noSuchInstance: the agent knows no such thing */
	uint64_t number;
	int64_t signed_number;
};

/* snmp_format_peer - net-snmp's name of the UDP peer from a host ("h", "h:161", "192.0.2.1",
 * "2001:db8::1",
 * "[2001:db8::1]:161") and a port that may be NULL (161). A port given twice, other transports and
 * strange characters are refused. Returns 0, GRAPPE_EFORMAT or GRAPPE_ELIMIT. */
int snmp_format_peer(const char *host, const char *port, char *peer, size_t size);

/* snmp_get - asks for all objects with one request, three tries within timeout_ms. Returns 0,
 * GRAPPE_ETIMEOUT, GRAPPE_EPEER (the agent answered with an error, or refuses the user or its
 * keys), GRAPPE_EFORMAT (with other objects), GRAPPE_EIO (name not found, no route),
 * GRAPPE_EUNSUPPORTED (this net-snmp lacks a protocol), GRAPPE_ELIMIT (too many objects) or
 * GRAPPE_EMEMORY; message says why. With SNMPv3 the engine's ID and time are asked for first. */
int snmp_get(const char *peer, const struct snmp_login *login, int timeout_ms,
    struct snmp_object *objects, size_t nobjects, char *message, size_t size);

#endif
