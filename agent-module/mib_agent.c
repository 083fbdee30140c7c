/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent-module/mib_agent.h"

#include "agent-module/mib_objects.h"
#include "common/clock.h"
#include "common/error.h"

/* net-snmp's headers bring their own configure results: keep ours. */
#undef PACKAGE_BUGREPORT
#undef PACKAGE_NAME
#undef PACKAGE_STRING
#undef PACKAGE_TARNAME
#undef PACKAGE_VERSION
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>

_Static_assert(sizeof(mib_number) == sizeof(oid), "mib_number is net-snmp's oid");

static const oid subtree[] = {MIB_OBJECTS};
static struct snapshot *shown;
static netsnmp_handler_registration *registration;

void mib_agent_show(struct snapshot *snapshot)
{
	snapshot_free(shown);
	shown = snapshot;
}

static void set_value(netsnmp_variable_list *variable, const struct mib_value *value)
{
	struct counter64 counter;

	switch (value->type) {
	case MIB_INTEGER: {
		const long integer = value->integer;

		snmp_set_var_typed_value(variable, ASN_INTEGER, &integer, sizeof integer);
		break;
	}
	case MIB_UNSIGNED: {
		const u_long number = value->number;

		snmp_set_var_typed_value(variable, ASN_UNSIGNED, &number, sizeof number);
		break;
	}
	case MIB_COUNTER64:
		counter.high = value->counter >> 32;
		counter.low = value->counter & 0xffffffff;
		snmp_set_var_typed_value(variable, ASN_COUNTER64, &counter, sizeof counter);
		break;
	case MIB_OCTETS:
		snmp_set_var_typed_value(variable, ASN_OCTET_STR, value->octets, value->length);
		break;
	}
}

static void answer(netsnmp_agent_request_info *info, netsnmp_request_info *request, int64_t now_s)
{
	netsnmp_variable_list *variable = request->requestvb;
	const bool next = info->mode == MODE_GETNEXT;
	struct mib_place place;
	struct mib_value value;
	enum mib_lookup found;

	found = next ? mib_get_next(mib_objects_tables, mib_objects_ntables, shown, variable->name,
			   variable->name_length, request->inclusive, &place)
		     : mib_get(mib_objects_tables, mib_objects_ntables, shown, variable->name,
			   variable->name_length, &place);
	if (found != MIB_FOUND) {
		/* Nothing behind it: left as it is, the master goes on in what comes next. */
		if (!next)
			netsnmp_set_request_error(info, request,
			    found == MIB_NO_OBJECT ? SNMP_NOSUCHOBJECT : SNMP_NOSUCHINSTANCE);
		return;
	}
	mib_objects_read(shown, &place, now_s, &value);
	if (next)
		snmp_set_var_objid(variable, place.name, place.name_length);
	set_value(variable, &value);
}

static int handle(netsnmp_mib_handler *handler, netsnmp_handler_registration *reginfo,
    netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
	const int64_t now_s = clock_wall_ns() / CLOCK_SECOND_NS;

	(void)handler;
	(void)reginfo;
	if (shown == NULL)
		return SNMP_ERR_GENERR;
	if (info->mode != MODE_GET && info->mode != MODE_GETNEXT)
		return SNMP_ERR_NOERROR;
	for (netsnmp_request_info *request = requests; request != NULL; request = request->next)
		if (!request->processed)
			answer(info, request, now_s);
	return SNMP_ERR_NOERROR;
}

int mib_agent_register(void)
{
	registration = netsnmp_create_handler_registration(
	    "grappe", handle, subtree, OID_LENGTH(subtree), HANDLER_CAN_RONLY);
	if (registration == NULL || netsnmp_register_handler(registration) != MIB_REGISTERED_OK) {
		registration = NULL;
		return GRAPPE_EPEER;
	}
	return GRAPPE_OK;
}

void mib_agent_unregister(void)
{
	if (registration != NULL)
		netsnmp_unregister_handler(registration);
	registration = NULL;
}
