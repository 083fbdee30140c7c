/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "common/mib_serve.h"

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

#include <stdint.h>

_Static_assert(sizeof(mib_number) == sizeof(oid), "mib_number is net-snmp's oid");

static struct {
	const struct mib_view *view; /* NULL: free */
	netsnmp_handler_registration *registration;
} served[MIB_SERVE_VIEWS_MAX];
static struct {
	void *rows; /* NULL: nothing is shown */
	void (*release)(void *rows);
} shown;

void mib_serve_show(void *rows, void (*release)(void *rows))
{
	if (shown.rows != NULL)
		shown.release(shown.rows);
	shown.rows = rows;
	shown.release = release;
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

	found = next ? mib_get_next(view->tables, view->ntables, shown.rows, variable->name,
			   variable->name_length, request->inclusive, &place)
		     : mib_get(view->tables, view->ntables, shown.rows, variable->name,
			   variable->name_length, &place);
	if (found != MIB_FOUND) {
		/* Nothing behind it: left as it is, the master goes on in what comes next. */
		if (!next)
			netsnmp_set_request_error(info, request,
			    found == MIB_NO_OBJECT ? SNMP_NOSUCHOBJECT : SNMP_NOSUCHINSTANCE);
		return;
	}
	view->read(shown.rows, &place, now, &value);
	if (next)
		snmp_set_var_objid(variable, place.name, place.name_length);
	set_value(variable, &value);
}

static int handle(netsnmp_mib_handler *handler, netsnmp_handler_registration *reginfo,
    netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
	const struct mib_moment now = {
	    .wall_s = clock_wall_ns() / CLOCK_SECOND_NS, .uptime_cs = mib_serve_uptime_cs()};

	(void)handler;
	if (shown.rows == NULL)
		return SNMP_ERR_GENERR;
	if (info->mode != MODE_GET && info->mode != MODE_GETNEXT)
		return SNMP_ERR_NOERROR;
	for (netsnmp_request_info *request = requests; request != NULL; request = request->next)
		if (!request->processed)
			answer(reginfo->my_reg_void, info, request, &now);
	return SNMP_ERR_NOERROR;
}

uint64_t mib_serve_uptime_cs(void)
{
	return (uint64_t)clock_monotonic_ns() / (CLOCK_SECOND_NS / 100);
}

int mib_serve_register(const struct mib_view *view)
{
	netsnmp_handler_registration *registration;
	size_t i = 0;

	while (i < MIB_SERVE_VIEWS_MAX && served[i].view != NULL)
		i++;
	if (i == MIB_SERVE_VIEWS_MAX)
		return GRAPPE_ELIMIT;
	registration = netsnmp_create_handler_registration(
	    view->name, handle, view->root, view->root_length, HANDLER_CAN_RONLY);
	if (registration == NULL)
		return GRAPPE_EPEER;
	registration->my_reg_void = (void *)(uintptr_t)view;
	/* Known before it is registered: the callback of registration looks it up. */
	served[i].view = view;
	if (netsnmp_register_handler(registration) != MIB_REGISTERED_OK) {
		served[i].view = NULL;
		return GRAPPE_EPEER;
	}
	served[i].registration = registration;
	return GRAPPE_OK;
}

void mib_serve_unregister(void)
{
	for (size_t i = 0; i < MIB_SERVE_VIEWS_MAX; i++) {
		if (served[i].view != NULL)
			netsnmp_unregister_handler(served[i].registration);
		served[i].view = NULL;
		served[i].registration = NULL;
	}
}

const struct mib_view *mib_serve_find(const mib_number *name, size_t length)
{
	for (size_t i = 0; i < MIB_SERVE_VIEWS_MAX; i++) {
		const struct mib_view *view = served[i].view;

		if (view != NULL && mib_compare(name, length, view->root, view->root_length) == 0)
			return view;
	}
	return NULL;
}

void mib_serve_detach(const struct mib_view *view)
{
	netsnmp_subtree *subtree = netsnmp_subtree_find(view->root, view->root_length, NULL, "");

	if (subtree != NULL && mib_serve_find(view->root, view->root_length) == view)
		subtree->flags &= (u_char)~SUBTREE_ATTACHED;
}
