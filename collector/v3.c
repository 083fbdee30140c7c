/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/v3.h"

#include "collector/credentials.h"
#include "common/error.h"

#include <stdlib.h>
#include <string.h>

static const int levels[] = {
    [KEYS_NO_AUTHENTICATION] = SNMP_SEC_LEVEL_NOAUTH,
    [KEYS_NO_PRIVACY] = SNMP_SEC_LEVEL_AUTHNOPRIV,
    [KEYS_PRIVACY] = SNMP_SEC_LEVEL_AUTHPRIV,
};

int v3_start(void)
{
	struct usmUser *user = usm_create_user();

	if (user == NULL)
		return GRAPPE_EMEMORY;
	user->name = strdup("");
	user->secName = strdup("");
	if (user->name != NULL && user->secName != NULL && usm_add_user(user) != NULL)
		return GRAPPE_OK;
	usm_free_user(user);
	return GRAPPE_EMEMORY;
}

/* NULL: this net-snmp has it not. */
static const oid *authentication_oid(int authentication, size_t *length)
{
	const int type = usm_lookup_auth_type(keys_authentications[authentication]);

	return type < 0 ? NULL : sc_get_auth_oid(type, length);
}

static const netsnmp_priv_alg_info *privacy_info(int privacy)
{
	const int type = usm_lookup_priv_type(keys_privacies[privacy]);

	return type < 0 ? NULL : sc_get_priv_alg_bytype((u_int)type);
}

int v3_derive_key(int authentication, const char *phrase, uint8_t *key, size_t *length)
{
	size_t oid_length = 0;
	const oid *hash = authentication_oid(authentication, &oid_length);

	if (hash == NULL)
		return GRAPPE_EUNSUPPORTED;
	*length = USM_AUTH_KU_LEN;
	if (generate_Ku(hash, (u_int)oid_length, (const u_char *)phrase, strlen(phrase), key,
		length) != SNMPERR_SUCCESS)
		return GRAPPE_EFORMAT;
	return GRAPPE_OK;
}

bool v3_has_privacy(int privacy)
{
	return privacy_info(privacy) != NULL;
}

/* net-snmp takes its templates' texts as not constant, and copies them. */
#define UNCONST(pointer) ((void *)(uintptr_t)(pointer))

static void describe_keys(netsnmp_session *template, const struct credentials *credentials)
{
	const netsnmp_priv_alg_info *privacy = privacy_info(credentials->privacy);

	template->securityAuthProto = usmNoAuthProtocol;
	template->securityAuthProtoLen = OID_LENGTH(usmNoAuthProtocol);
	template->securityPrivProto = usmNoPrivProtocol;
	template->securityPrivProtoLen = OID_LENGTH(usmNoPrivProtocol);
	if (credentials->security == KEYS_NO_AUTHENTICATION)
		return;
	template->securityAuthProto = UNCONST(
	    authentication_oid(credentials->authentication, &template->securityAuthProtoLen));
	template->securityAuthKeyLen = credentials->authentication_length;
	memcpy(template->securityAuthKey, credentials->authentication_key,
	    credentials->authentication_length);
	if (credentials->security != KEYS_PRIVACY || privacy == NULL)
		return;
	template->securityPrivProto = UNCONST(privacy->alg_oid);
	template->securityPrivProtoLen = privacy->oid_len;
	template->securityPrivKeyLen = credentials->privacy_length;
	memcpy(template->securityPrivKey, credentials->privacy_key, credentials->privacy_length);
}

void v3_describe_session(netsnmp_session *template, const struct credentials *credentials,
    const struct engine_id *engine)
{
	template->version = SNMP_VERSION_3;
	template->securityModel = SNMP_SEC_MODEL_USM;
	template->securityLevel = levels[credentials->security];
	template->securityName = UNCONST(credentials->user);
	template->securityNameLen = strlen(credentials->user);
	if (engine->length > 0) {
		template->securityEngineID = UNCONST(engine->bytes);
		template->securityEngineIDLen = engine->length;
		template->contextEngineID = UNCONST(engine->bytes);
		template->contextEngineIDLen = engine->length;
	}
	describe_keys(template, credentials);
}

static int set_id(u_char **id, size_t *length, const struct engine_id *engine)
{
	free(*id);
	*id = NULL;
	*length = 0;
	if (engine->length == 0)
		return GRAPPE_OK;
	*id = netsnmp_memdup(engine->bytes, engine->length);
	if (*id == NULL)
		return GRAPPE_EMEMORY;
	*length = engine->length;
	return GRAPPE_OK;
}

int v3_renew_user(netsnmp_session *session)
{
	session->flags &= ~(u_long)SNMP_FLAGS_USER_CREATED;
	return create_user_from_session(session) == SNMPERR_SUCCESS ? GRAPPE_OK
								    : GRAPPE_EUNSUPPORTED;
}

int v3_set_engine(netsnmp_session *session, const struct engine_id *engine)
{
	int rc = set_id(&session->securityEngineID, &session->securityEngineIDLen, engine);

	if (rc == GRAPPE_OK)
		rc = set_id(&session->contextEngineID, &session->contextEngineIDLen, engine);
	if (rc != GRAPPE_OK || engine->length == 0)
		return rc;
	return v3_renew_user(session);
}

void v3_forget_user(const struct engine_id *engine, const char *user)
{
	struct usmUser *found;

	if (engine->length == 0)
		return;
	found = usm_get_user(UNCONST(engine->bytes), engine->length, UNCONST(user));
	if (found == NULL)
		return;
	usm_remove_user(found);
	found->next = found->prev = NULL;
	usm_free_user(found);
}

void v3_forget_time(const struct engine_id *engine)
{
	if (engine->length > 0)
		free_enginetime(UNCONST(engine->bytes), engine->length);
}
