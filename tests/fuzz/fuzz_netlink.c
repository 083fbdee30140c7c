/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a datagram of rtnetlink says, through the parser and discovery. */
#include "agent-module/discover.h"
#include "agent-module/netlink.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void on_link(void *context, const struct netlink_link *link)
{
	if (strnlen(link->name, sizeof link->name) == sizeof link->name ||
	    strnlen(link->kind, sizeof link->kind) == sizeof link->kind)
		abort();
	(void)discover_link(context, link);
}

static void on_pvid(void *context, const struct netlink_pvid *pvid)
{
	discover_pvid(context, pvid);
}

static void on_station(void *context, const struct netlink_station *station)
{
	if (mac_is_group(&station->mac))
		abort();
	(void)discover_station(context, station);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct discover_bridge bridge = {.name = "br0", .segment = "t1"};
	struct discover_segment segment = {.name = "t2", .place = {.bridge = "br0", .vlan = 42}};
	const struct discover_sources sources = {
	    .bridges = &bridge, .nbridges = 1, .segments = &segment, .nsegments = 1};
	struct discover *discover = discover_new(&sources);
	const struct netlink_sink sink = {
	    .link = on_link, .pvid = on_pvid, .station = on_station, .context = discover};
	struct discover_plan plan;
	bool done;

	if (discover == NULL)
		abort();
	(void)netlink_parse(bytes, length, &sink, &done);
	(void)discover_plan(discover, &plan);
	for (size_t i = 0; i < plan.nnics; i++)
		if (!identity_is_vm(plan.nics[i].vif.vm_id))
			abort();
	discover_plan_deinit(&plan);
	discover_free(discover);
	return 0;
}
