/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The user-based security model of SNMPv3 (RFC 3414, 7860), as far as net-snmp leaves it to its
 * users: which algorithms there are, keys from pass phrases, a session's user at an engine.
 * net-snmp keeps one list of users for the whole process, by engine and name. In the loop's thread.
 */
#ifndef GRAPPE_COLLECTOR_V3_H
#define GRAPPE_COLLECTOR_V3_H

#include "collector/engines.h"

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

struct credentials;

/* v3_start - makes the user without a name that asks engines for their IDs. Once, after
 * init_snmp(). Returns 0 or GRAPPE_EMEMORY. */
int v3_start(void);

/* v3_derive_key - the key of a pass phrase (RFC 3414, A.2), not yet bound to an engine, by the hash
 * of that authentication (index into keys_authentications). key has room for USM_AUTH_KU_LEN
 * bytes; takes some milliseconds. Returns 0, GRAPPE_EUNSUPPORTED or GRAPPE_EFORMAT. */
int v3_derive_key(int authentication, const char *phrase, uint8_t *key, size_t *length);

/* v3_has_privacy - whether this net-snmp has it (index into keys_privacies). */
bool v3_has_privacy(int privacy);

/* v3_describe_session - puts the user into a template for snmp_sess_open(). What it points to is
 * credentials' and engine's. */
void v3_describe_session(netsnmp_session *template, const struct credentials *credentials,
    const struct engine_id *engine);

/* v3_set_engine - an open session's engine is that one from now on, its user known there. length 0:
 * not known. Returns 0, GRAPPE_EMEMORY or GRAPPE_EUNSUPPORTED. */
int v3_set_engine(netsnmp_session *session, const struct engine_id *engine);
/* v3_renew_user - the same for a session whose user another session took away. */
int v3_renew_user(netsnmp_session *session);
/* v3_forget_user - takes the user of that engine off the list, so that other keys can follow. */
void v3_forget_user(const struct engine_id *engine, const char *user);
/* v3_forget_time - boots and time of that engine are learnt anew with the next request. */
void v3_forget_time(const struct engine_id *engine);

#endif
