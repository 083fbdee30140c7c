/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent-module/mib_agent.h"

#include "agent-module/mib_objects.h"
#include "agent-module/mib_vm.h"
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

static const struct mib_view *const views[MIB_AGENT_VIEWS] = {
    [MIB_AGENT_GRAPPE] = &mib_objects_view, [MIB_AGENT_VM] = &mib_vm_view};
static struct snapshot *shown;
static netsnmp_handler_registration *registrations[MIB_AGENT_VIEWS];

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
	case MIB_TICKS: {
		const u_long ticks = value->number;

		snmp_set_var_typed_value(variable, ASN_TIMETICKS, &ticks, sizeof ticks);
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
	case MIB_NO_IDENTIFIER: {
		static const oid none[] = {0, 0};

		snmp_set_var_typed_value(variable, ASN_OBJECT_ID, none, sizeof none);
		break;
	}
	}
}

static void answer(const struct mib_view *view, netsnmp_agent_request_info *info,
    netsnmp_request_info *request, const struct mib_moment *now)
{
	netsnmp_variable_list *variable = request->requestvb;
	const bool next = info->mode == MODE_GETNEXT;
	struct mib_place place;
	struct mib_value value;
	enum mib_lookup found;

	found = next ? mib_get_next(view->tables, view->ntables, shown, variable->name,
			   variable->name_length, request->inclusive, &place)
		     : mib_get(view->tables, view->ntables, shown, variable->name,
			   variable->name_length, &place);
	if (found != MIB_FOUND) {
		/* Nothing behind it: left as it is, the master goes on in what comes next. */
		if (!next)
			netsnmp_set_request_error(info, request,
			    found == MIB_NO_OBJECT ? SNMP_NOSUCHOBJECT : SNMP_NOSUCHINSTANCE);
		return;
	}
	view->read(shown, &place, now, &value);
	if (next)
		snmp_set_var_objid(variable, place.name, place.name_length);
	set_value(variable, &value);
}

static int handle(netsnmp_mib_handler *handler, netsnmp_handler_registration *reginfo,
    netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
	const struct mib_moment now = {
	    .wall_s = clock_wall_ns() / CLOCK_SECOND_NS, .uptime_cs = mib_agent_uptime_cs()};

	(void)handler;
	if (shown == NULL)
		return SNMP_ERR_GENERR;
	if (info->mode != MODE_GET && info->mode != MODE_GETNEXT)
		return SNMP_ERR_NOERROR;
	for (netsnmp_request_info *request = requests; request != NULL; request = request->next)
		if (!request->processed)
			answer(reginfo->my_reg_void, info, request, &now);
	return SNMP_ERR_NOERROR;
}

uint64_t mib_agent_uptime_cs(void)
{
	return (uint64_t)clock_monotonic_ns() / (CLOCK_SECOND_NS / 100);
}

int mib_agent_register(enum mib_agent_view number)
{
	const struct mib_view *view = views[number];
	netsnmp_handler_registration *registration = netsnmp_create_handler_registration(
	    view->name, handle, view->root, view->root_length, HANDLER_CAN_RONLY);

	if (registration == NULL)
		return GRAPPE_EPEER;
	registration->my_reg_void = (void *)(uintptr_t)view;
	if (netsnmp_register_handler(registration) != MIB_REGISTERED_OK)
		return GRAPPE_EPEER;
	registrations[number] = registration;
	return GRAPPE_OK;
}

void mib_agent_unregister(void)
{
	for (size_t i = 0; i < MIB_AGENT_VIEWS; i++) {
		if (registrations[i] != NULL)
			netsnmp_unregister_handler(registrations[i]);
		registrations[i] = NULL;
	}
}

const char *mib_agent_name(enum mib_agent_view number)
{
	return views[number]->name;
}

int mib_agent_find(const oid *name, size_t length)
{
	for (int i = 0; i < MIB_AGENT_VIEWS; i++)
		if (mib_compare(name, length, views[i]->root, views[i]->root_length) == 0)
			return i;
	return -1;
}

void mib_agent_detach(enum mib_agent_view number)
{
	netsnmp_subtree *subtree =
	    netsnmp_subtree_find(views[number]->root, views[number]->root_length, NULL, "");

	if (registrations[number] != NULL && subtree != NULL)
		subtree->flags &= (u_char)~SUBTREE_ATTACHED;
}
