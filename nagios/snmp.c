/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"
/* net-snmp's own configuration defines the same PACKAGE_ names. */
#undef PACKAGE_BUGREPORT
#undef PACKAGE_NAME
#undef PACKAGE_STRING
#undef PACKAGE_TARNAME
#undef PACKAGE_URL
#undef PACKAGE_VERSION
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

#include "common/error.h"
#include "nagios/snmp.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 3

/* ---- the peer's name ---- */

static bool is_name(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && strchr(".-_", text[i]) == NULL)
			return false;
	return length > 0 && text[0] != '-';
}

/* Without the zone ("%eth0") only hexadecimal digits, colons and dots. */
static bool is_ipv6(const char *text, size_t length)
{
	const char *zone = memchr(text, '%', length);
	const size_t address = zone != NULL ? (size_t)(zone - text) : length;

	for (size_t i = 0; i < address; i++)
		if (!isxdigit((unsigned char)text[i]) && strchr(":.", text[i]) == NULL)
			return false;
	return address > 0 && (zone == NULL || is_name(zone + 1, length - address - 1));
}

static bool is_port(const char *text)
{
	unsigned port = 0;

	if (strlen(text) > 5)
		return false;
	for (const char *c = text; *c != '\0'; c++) {
		if (!isdigit((unsigned char)*c))
			return false;
		port = port * 10 + (unsigned)(*c - '0');
	}
	return port > 0 && port <= 65535;
}

/* Finds the port in host, if it has one, and how long the host without it (and brackets) is. */
static int split_host(const char **host, size_t *length, const char **port, bool *ipv6)
{
	const char *colon = strchr(*host, ':'), *bracket;

	*ipv6 = colon != NULL && strchr(colon + 1, ':') != NULL;
	*length = strlen(*host);
	if ((*host)[0] == '[') {
		bracket = strchr(*host, ']');
		if (bracket == NULL || (bracket[1] != '\0' && bracket[1] != ':'))
			return GRAPPE_EFORMAT;
		colon = bracket[1] == ':' ? bracket + 1 : NULL;
		*ipv6 = true;
		(*host)++;
		*length = (size_t)(bracket - *host);
	} else if (*ipv6) {
		colon = NULL;
	} else if (colon != NULL) {
		*length = (size_t)(colon - *host);
	}
	if (colon == NULL)
		return GRAPPE_OK;
	if (*port != NULL)
		return GRAPPE_EFORMAT;
	*port = colon + 1;
	return GRAPPE_OK;
}

int snmp_format_peer(const char *host, const char *port, char *peer, size_t size)
{
	size_t length;
	bool ipv6;
	int written;

	if (split_host(&host, &length, &port, &ipv6) != GRAPPE_OK ||
	    !(ipv6 ? is_ipv6 : is_name)(host, length))
		return GRAPPE_EFORMAT;
	if (port == NULL)
		port = "161";
	if (!is_port(port))
		return GRAPPE_EFORMAT;
	written =
	    snprintf(peer, size, ipv6 ? "udp6:[%.*s]:%s" : "udp:%.*s:%s", (int)length, host, port);
	return written < (int)size ? GRAPPE_OK : GRAPPE_ELIMIT;
}

/* ---- the session ---- */

/* Nothing of the machine's own net-snmp is read; with SNMPv3 the user-based security model comes
 * with the initialisation. */
static void start_library(bool v3)
{
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE, 1);
	snmp_disable_log();
	if (v3) {
		netsnmp_set_mib_directory("/nonexistent");
		setenv("MIBS", "", 1);
		init_snmp("check_grappe");
	}
}

/* net-snmp takes what it copies as not constant. */
#define UNCONST(pointer) ((void *)(uintptr_t)(pointer))

/* The key of a pass phrase (RFC 3414, A.2); the library binds it to the engine. */
static int derive_key(const struct snmp_session *session, const char *phrase, u_char *key,
    size_t size, size_t *length)
{
	*length = size;
	return generate_Ku(session->securityAuthProto, (u_int)session->securityAuthProtoLen,
		   (const u_char *)phrase, strlen(phrase), key, length) == SNMPERR_SUCCESS
		   ? GRAPPE_OK
		   : GRAPPE_EFORMAT;
}

static int set_keys(struct snmp_session *session, const struct keys_login *user)
{
	const int authentication = usm_lookup_auth_type(keys_authentications[user->authentication]),
		  privacy = usm_lookup_priv_type(keys_privacies[user->privacy]);
	const netsnmp_priv_alg_info *algorithm;
	int rc;

	if (authentication < 0)
		return GRAPPE_EUNSUPPORTED;
	session->securityAuthProto =
	    UNCONST(sc_get_auth_oid(authentication, &session->securityAuthProtoLen));
	rc = derive_key(session, user->keys.authentication, session->securityAuthKey,
	    sizeof session->securityAuthKey, &session->securityAuthKeyLen);
	if (rc != GRAPPE_OK || user->security != KEYS_PRIVACY)
		return rc;
	algorithm = privacy < 0 ? NULL : sc_get_priv_alg_bytype((u_int)privacy);
	if (algorithm == NULL)
		return GRAPPE_EUNSUPPORTED;
	session->securityPrivProto = UNCONST(algorithm->alg_oid);
	session->securityPrivProtoLen = algorithm->oid_len;
	return derive_key(session, user->keys.privacy, session->securityPrivKey,
	    sizeof session->securityPrivKey, &session->securityPrivKeyLen);
}

static int set_user(struct snmp_session *session, const struct keys_login *user)
{
	static const int levels[] = {[KEYS_NO_AUTHENTICATION] = SNMP_SEC_LEVEL_NOAUTH,
	    [KEYS_NO_PRIVACY] = SNMP_SEC_LEVEL_AUTHNOPRIV,
	    [KEYS_PRIVACY] = SNMP_SEC_LEVEL_AUTHPRIV};

	session->version = SNMP_VERSION_3;
	session->securityModel = SNMP_SEC_MODEL_USM;
	session->securityLevel = levels[user->security];
	session->securityName = UNCONST(user->user);
	session->securityNameLen = strlen(user->user);
	return user->security == KEYS_NO_AUTHENTICATION ? GRAPPE_OK : set_keys(session, user);
}

/* The security model; the session borrows from login. */
static int set_login(struct snmp_session *session, const struct snmp_login *login)
{
	if (login->community == NULL)
		return set_user(session, login->user);
	session->version = SNMP_VERSION_2c;
	session->community = UNCONST(login->community);
	session->community_len = strlen(login->community);
	return GRAPPE_OK;
}

/* What an agent, or this side of it, has against a user (RFC 3414). */
static const struct {
	int code;
	const char *text;
} refusals[] = {
    {SNMPERR_UNKNOWN_USER_NAME, "it does not know the user"},
    {SNMPERR_AUTHENTICATION_FAILURE, "user or authentication key is wrong"},
    {SNMPERR_DECRYPTION_ERR, "the user's privacy key is wrong"},
    {SNMPERR_UNSUPPORTED_SEC_LEVEL, "the user has no keys there for this security"},
    {SNMPERR_NOT_IN_TIME_WINDOW, "its engine's boots and time cannot be agreed on"},
};

/* Words for a failure that net-snmp tells, which are freed. Returns the code. */
static int explain(int snmp_code, char *words, char *message, size_t size)
{
	int rc = snmp_code == SNMPERR_TIMEOUT || snmp_code == SNMPERR_UNKNOWN_ENG_ID
		     ? GRAPPE_ETIMEOUT
		     : GRAPPE_EIO;

	snprintf(message, size, "%s",
	    rc == GRAPPE_ETIMEOUT ? "it does not answer"
	    : words != NULL       ? words
				  : "no answer");
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (snmp_code == refusals[i].code) {
			snprintf(message, size, "%s", refusals[i].text);
			rc = GRAPPE_EPEER;
		}
	free(words);
	return rc;
}

static int open_session(const char *peer, const struct snmp_login *login, int timeout_ms,
    void **opened, char *message, size_t size)
{
	struct snmp_session session;
	char *words = NULL;
	int system_error, snmp_code, rc;

	*opened = NULL;
	start_library(login->community == NULL);
	snmp_sess_init(&session);
	session.peername = UNCONST(peer);
	session.retries = TRIES - 1;
	session.timeout = (long)timeout_ms * 1000 / TRIES;
	rc = set_login(&session, login);
	if (rc != GRAPPE_OK) {
		snprintf(message, size, "no session: %s", error_text(rc));
	} else {
		*opened = snmp_sess_open(&session);
		if (*opened == NULL) {
			snmp_error(&session, &system_error, &snmp_code, &words);
			rc = explain(snmp_code, words, message, size);
		}
	}
	explicit_bzero(session.securityAuthKey, sizeof session.securityAuthKey);
	explicit_bzero(session.securityPrivKey, sizeof session.securityPrivKey);
	return rc;
}

static struct snmp_pdu *make_request(const struct snmp_object *objects, size_t nobjects)
{
	struct snmp_pdu *request = snmp_pdu_create(SNMP_MSG_GET);
	oid name[SNMP_OID_MAX];

	for (size_t i = 0; request != NULL && i < nobjects; i++) {
		for (size_t n = 0; n < objects[i].length; n++)
			name[n] = objects[i].oid[n];
		if (snmp_add_null_var(request, name, objects[i].length) == NULL) {
			snmp_free_pdu(request);
			request = NULL;
		}
	}
	return request;
}

static bool is_answer_to(const struct variable_list *variable, const struct snmp_object *object)
{
	if (variable->name_length != object->length)
		return false;
	for (size_t i = 0; i < object->length; i++)
		if (variable->name[i] != object->oid[i])
			return false;
	return true;
}

static void take_value(const struct variable_list *variable, struct snmp_object *object)
{
	switch (variable->type) {
	case ASN_INTEGER:
		object->signed_number = *variable->val.integer;
		object->number = object->signed_number < 0 ? 0 : (uint64_t)object->signed_number;
		object->there = true;
		break;
	case ASN_COUNTER:
	case ASN_GAUGE: /* also Unsigned32 */
	case ASN_TIMETICKS:
		object->number = (uint32_t)*variable->val.integer;
		object->signed_number = (int64_t)object->number;
		object->there = true;
		break;
	case ASN_COUNTER64:
		object->number = (uint64_t)(variable->val.counter64->high & 0xffffffff) << 32 |
				 (variable->val.counter64->low & 0xffffffff);
		object->signed_number = (int64_t)(object->number & INT64_MAX);
		object->there = true;
		break;
	case SNMP_NOSUCHOBJECT:
	case SNMP_NOSUCHINSTANCE:
		object->missing = true;
		break;
	default:
		break;
	}
}

static int read_answer(const struct snmp_pdu *answer, struct snmp_object *objects, size_t nobjects,
    char *message, size_t size)
{
	const struct variable_list *variable = answer->variables;

	if (answer->errstat != SNMP_ERR_NOERROR) {
		snprintf(message, size, "it answers with error %s",
		    snmp_errstring((int)answer->errstat));
		return GRAPPE_EPEER;
	}
	for (size_t i = 0; i < nobjects; i++, variable = variable->next_variable) {
		if (variable == NULL || !is_answer_to(variable, &objects[i])) {
			snprintf(
			    message, size, "its answer holds other objects than were asked for");
			return GRAPPE_EFORMAT;
		}
		take_value(variable, &objects[i]);
	}
	return GRAPPE_OK;
}

static int ask(
    void *session, struct snmp_object *objects, size_t nobjects, char *message, size_t size)
{
	struct snmp_pdu *request = make_request(objects, nobjects), *answer = NULL;
	char *words = NULL;
	int status, system_error, snmp_code, rc;

	if (request == NULL) {
		snprintf(message, size, "%s", error_text(GRAPPE_EMEMORY));
		return GRAPPE_EMEMORY;
	}
	status = snmp_sess_synch_response(session, request, &answer);
	if (status == STAT_SUCCESS && answer != NULL) {
		rc = read_answer(answer, objects, nobjects, message, size);
	} else if (status == STAT_TIMEOUT) {
		snprintf(message, size, "it does not answer");
		rc = GRAPPE_ETIMEOUT;
	} else {
		snmp_sess_error(session, &system_error, &snmp_code, &words);
		rc = explain(snmp_code, words, message, size);
	}
	if (answer != NULL)
		snmp_free_pdu(answer);
	return rc;
}

int snmp_get(const char *peer, const struct snmp_login *login, int timeout_ms,
    struct snmp_object *objects, size_t nobjects, char *message, size_t size)
{
	void *session;
	int rc;

	message[0] = '\0';
	if (nobjects > SNMP_OBJECTS_MAX)
		return GRAPPE_ELIMIT;
	rc = open_session(peer, login, timeout_ms, &session, message, size);
	if (rc != GRAPPE_OK)
		return rc;
	rc = ask(session, objects, nobjects, message, size);
	snmp_sess_close(session);
	return rc;
}
