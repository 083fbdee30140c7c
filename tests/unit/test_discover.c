/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/discover.h"
#include "agent-module/netlink.h"
#include "common/error.h"
#include "tests/unit/unit.h"

#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#define BR0 10
#define BR1 11

static struct discover_vm vms[3];
static char *exclude[] = {"up*", "eth?"};
static struct discover_bridge bridges[] = {
    {.name = "br0", .segment = "t1", .exclude = exclude, .nexclude = 2},
    {.name = "br1", .segment = "t2"},
};
static struct discover_segment segments[] = {
    {.name = "red", .place = {.bridge = "br1", .vlan = 42}},
    {.name = "blue", .place = {.bridge = "br1", .vlan = 43}},
    {.name = "rest", .place = {.bridge = "br1"}},
    {.name = "up42", .place = {.bridge = "eth0", .vlan = 42}},
};
static struct discover_sources sources;
static struct discover *discover;
static struct discover_plan plan;

static struct mac mac(uint8_t last)
{
	return (struct mac){{2, 0, 0, 0, 0, last}};
}

/* A vm section; interface "" leaves the place to the bridges. */
static void configure(const char *name, uint8_t last, const char *interface, const char *segment)
{
	struct discover_vm *vm = &vms[sources.nvms++];

	*vm = (struct discover_vm){.vif = {.nmacs = 1, .macs = {mac(last)}, .vcpu = 2}};
	identity_from_mac(&vm->vif.macs[0], vm->vif.vm_id);
	snprintf(vm->vif.vm_name, sizeof vm->vif.vm_name, "%s", name);
	snprintf(vm->vif.segment, sizeof vm->vif.segment, "%s", segment);
	snprintf(vm->interface, sizeof vm->interface, "%s", interface);
	ck_assert_int_eq(discover_domains(discover, NULL, 0), 0); /* the sections are read again */
}

static void link_kind(
    uint32_t ifindex, const char *name, const char *kind, uint32_t master, bool up)
{
	struct netlink_link link = {.ifindex = ifindex,
	    .present = true,
	    .master = master,
	    .mtu = 1500,
	    .up = up,
	    .ethernet = true};

	snprintf(link.name, sizeof link.name, "%s", name);
	snprintf(link.kind, sizeof link.kind, "%s", kind);
	ck_assert_int_eq(discover_link(discover, &link), 0);
}

static void tap(uint32_t ifindex, uint32_t master)
{
	char name[16];

	snprintf(name, sizeof name, "tap%u", ifindex);
	link_kind(ifindex, name, "tun", master, true);
}

static void gone(uint32_t ifindex)
{
	const struct netlink_link link = {.ifindex = ifindex};

	ck_assert_int_eq(discover_link(discover, &link), 0);
}

static void station(uint32_t ifindex, uint32_t master, uint8_t last, bool present)
{
	const struct netlink_station one = {
	    .ifindex = ifindex, .master = master, .mac = mac(last), .present = present};

	ck_assert_int_eq(discover_station(discover, &one), 0);
}

static void make_plan(void)
{
	discover_plan_deinit(&plan);
	ck_assert_int_eq(discover_plan(discover, &plan), 0);
}

/* The vif with that MAC in the plan, or NULL. */
static const struct discover_nic *nic(uint8_t last)
{
	const struct mac wanted = mac(last);

	for (size_t i = 0; i < plan.nnics; i++)
		if (mac_equal(&plan.nics[i].vif.macs[0], &wanted))
			return &plan.nics[i];
	return NULL;
}

static void setup(void)
{
	sources = (struct discover_sources){.vms = vms, .bridges = bridges, .nbridges = 2};
	discover = discover_new(&sources);
	link_kind(BR0, "br0", "bridge", 0, true);
	link_kind(BR1, "br1", "bridge", 0, true);
}

static void teardown(void)
{
	discover_plan_deinit(&plan);
	discover_free(discover);
}

START_TEST(static_list)
{
	configure("web1", 1, "tap20", "");
	configure("web2", 2, "tap21", "t9");
	make_plan();
	ck_assert_uint_eq(plan.nports, 0);
	tap(20, 0);
	link_kind(21, "tap21", "tun", BR0, true);
	make_plan();
	ck_assert_uint_eq(plan.nports, 2);
	ck_assert_uint_eq(plan.nnics, 2);
	ck_assert_str_eq(nic(1)->vif.vm_name, "web1");
	ck_assert_str_eq(nic(1)->vif.segment, SEGMENT_DEFAULT);
	ck_assert_str_eq(nic(1)->vif.interface, "tap20");
	ck_assert_str_eq(nic(2)->vif.segment, "t9");
	ck_assert_uint_eq(nic(2)->vif.vcpu, 2);
	/* Another MAC there is not a VM of its own: the section says whose the interface is. */
	station(21, BR0, 77, true);
	make_plan();
	ck_assert_uint_eq(plan.nnics, 2);
	gone(20);
	make_plan();
	ck_assert_ptr_null(nic(1));
}
END_TEST

START_TEST(ports_of_a_bridge)
{
	configure("web1", 1, "", "");
	tap(20, BR0);
	tap(21, BR0);
	tap(22, 0);
	link_kind(23, "up0", "veth", BR0, true);
	link_kind(24, "eth1", "", BR0, true);
	link_kind(25, "enp3s0", "", BR0, true);
	link_kind(26, "vx1", "vxlan", BR0, true);
	link_kind(27, "tap27", "tun", BR0, false);
	tap(28, BR1);
	make_plan();
	ck_assert_uint_eq(plan.nports, 4); /* not hardware, not excluded, not elsewhere */
	for (size_t i = 0; i < plan.nports; i++)
		ck_assert_int_eq(plan.ports[i].up, plan.ports[i].ifindex != 27);
	ck_assert_uint_eq(plan.nnics, 0);
	station(20, BR0, 1, true);
	station(21, BR0, 2, true);
	station(28, BR1, 2, true); /* the same MAC on another segment is another VM's NIC */
	station(25, BR0, 3, true);
	make_plan();
	ck_assert_uint_eq(plan.nnics, 3);
	ck_assert_str_eq(nic(1)->vif.vm_name, "web1");
	ck_assert_str_eq(nic(1)->vif.segment, "t1");
	ck_assert_str_eq(nic(2)->vif.vm_id, "mac-020000000002");
	ck_assert_ptr_null(nic(3));
}
END_TEST

START_TEST(own_and_aged_entries)
{
	struct netlink_station own = {
	    .ifindex = 20, .master = BR0, .mac = mac(9), .present = true, .local = true};

	tap(20, BR0);
	ck_assert_int_eq(discover_station(discover, &own), 0);
	station(20, BR0, 1, true);
	station(20, BR0, 1, false); /* aged out: a silent VM is still there */
	make_plan();
	ck_assert_uint_eq(plan.nnics, 1);
	ck_assert_ptr_nonnull(nic(1));
}
END_TEST

START_TEST(a_vm_moves)
{
	tap(20, BR0);
	tap(21, BR0);
	link_kind(23, "up0", "veth", BR0, true);
	station(20, BR0, 1, true);
	station(21, BR0, 1, true);
	make_plan();
	ck_assert_uint_eq(plan.nnics, 1);
	ck_assert_uint_eq(nic(1)->ifindex, 21);
	station(23, BR0, 1, true); /* out through the uplink */
	make_plan();
	ck_assert_uint_eq(plan.nnics, 0);
	station(21, BR0, 1, true); /* and back */
	make_plan();
	ck_assert_uint_eq(nic(1)->ifindex, 21);
	tap(21, BR1); /* its port is plugged into another bridge */
	make_plan();
	ck_assert_uint_eq(plan.nnics, 0);
	ck_assert_uint_eq(plan.nports, 2);
	station(21, BR1, 1, true);
	gone(21);
	tap(21, BR1); /* the number is used again */
	make_plan();
	ck_assert_uint_eq(plan.nnics, 0);
}
END_TEST

START_TEST(an_uplink_is_noticed)
{
	tap(20, BR0);
	for (uint8_t i = 1; i <= DISCOVER_MACS_MAX; i++)
		station(20, BR0, i, true);
	make_plan();
	ck_assert_uint_eq(plan.nnics, DISCOVER_MACS_MAX);
	ck_assert(!plan.ports[0].uplink);
	station(20, BR0, 100, true);
	make_plan();
	ck_assert_uint_eq(plan.nnics, 0);
	ck_assert(plan.ports[0].uplink);
}
END_TEST

START_TEST(macvtap_is_reversed)
{
	configure("direct", 1, "macvtap0", "");
	configure("bridged", 2, "tap21", "");
	link_kind(20, "macvtap0", "macvtap", 0, true);
	link_kind(21, "tap21", "tun", 0, true);
	make_plan();
	ck_assert(plan.ports[0].reversed);
	ck_assert(!plan.ports[1].reversed);
}
END_TEST

START_TEST(a_dump_repairs_lost_events)
{
	tap(20, BR0);
	tap(21, BR0);
	station(20, BR0, 1, true);
	station(21, BR0, 2, true);
	discover_begin_dump(discover);
	link_kind(BR0, "br0", "bridge", 0, true);
	tap(21, BR0);
	discover_end_dump(discover);
	make_plan();
	ck_assert_uint_eq(plan.nports, 1);
	ck_assert_uint_eq(plan.nnics, 1);
	ck_assert_ptr_nonnull(nic(2));
}
END_TEST

START_TEST(a_vm_with_two_macs_is_one_nic)
{
	configure("two", 1, "", "");
	vms[0].vif.macs[vms[0].vif.nmacs++] = mac(2);
	ck_assert_int_eq(discover_domains(discover, NULL, 0), 0);
	tap(20, BR0);
	station(20, BR0, 2, true);
	station(20, BR0, 1, true);
	make_plan();
	ck_assert_uint_eq(plan.nnics, 1);
	ck_assert_uint_eq(plan.nics[0].vif.nmacs, 2);
}
END_TEST

/* ---- segments ---- */

static void bridge_is(bool filters)
{
	struct netlink_link link = {.ifindex = BR1,
	    .present = true,
	    .name = "br1",
	    .kind = "bridge",
	    .mtu = 1500,
	    .up = true,
	    .ethernet = true,
	    .filters = filters};

	ck_assert_int_eq(discover_link(discover, &link), 0);
}

static void vlan_device(uint32_t ifindex, uint16_t vlan, uint32_t lower, uint32_t master)
{
	struct netlink_link link = {.ifindex = ifindex,
	    .present = true,
	    .name = "eth0.x",
	    .kind = "vlan",
	    .vlan = vlan,
	    .lower = lower,
	    .master = master,
	    .up = true,
	    .ethernet = true};

	ck_assert_int_eq(discover_link(discover, &link), 0);
}

static void pvid(uint32_t ifindex, uint16_t vlan)
{
	const struct netlink_pvid one = {.ifindex = ifindex, .vlan = vlan};

	discover_pvid(discover, &one);
}

static void station_in(uint32_t ifindex, uint16_t vlan, uint8_t last)
{
	const struct netlink_station one = {
	    .ifindex = ifindex, .master = BR1, .vlan = vlan, .mac = mac(last), .present = true};

	ck_assert_int_eq(discover_station(discover, &one), 0);
}

static const char *segment_of(uint8_t last)
{
	make_plan();
	return nic(last) != NULL ? nic(last)->vif.segment : "nowhere";
}

START_TEST(a_vlan_is_a_segment)
{
	sources.segments = segments;
	sources.nsegments = 3;
	bridge_is(true);
	pvid(99, 42); /* of nobody */
	for (uint32_t port = 20; port < 24; port++) {
		tap(port, BR1);
		pvid(port, (uint16_t)(port + 22));
		station_in(port, (uint16_t)(port + 22), (uint8_t)port);
	}
	ck_assert_str_eq(segment_of(20), "red");
	ck_assert_str_eq(segment_of(21), "blue");
	ck_assert_str_eq(segment_of(22), "rest"); /* VLAN 44 */
	/* A port without a VLAN of its own, as a trunk may be. */
	pvid(23, 0);
	ck_assert_str_eq(segment_of(23), "rest");
	/* The operator moves a port; news of the link itself change nothing. */
	pvid(20, 43);
	ck_assert_str_eq(segment_of(20), "blue");
	tap(20, BR1);
	ck_assert_str_eq(segment_of(20), "blue");
	/* VLANs are not kept apart any more: PVIDs mean nothing. */
	bridge_is(false);
	ck_assert_str_eq(segment_of(20), "rest");
	/* Only with sections the bridge's own name does not count. */
	sources.nsegments = 2;
	ck_assert_str_eq(segment_of(20), "t2");
}
END_TEST

START_TEST(a_bridge_over_a_vlan_device)
{
	sources.segments = segments;
	sources.nsegments = 3;
	tap(20, BR1);
	station(20, BR1, 1, true);
	vlan_device(30, 43, 2, BR1);
	ck_assert_str_eq(segment_of(1), "blue");
	vlan_device(31, 42, 2, BR1); /* two of them join VLANs: it is no one VLAN any more */
	ck_assert_str_eq(segment_of(1), "rest");
	gone(30);
	ck_assert_str_eq(segment_of(1), "red");
}
END_TEST

START_TEST(a_macvtap_on_a_vlan_device)
{
	struct netlink_link link = {.ifindex = 40,
	    .present = true,
	    .name = "mvt0",
	    .kind = "macvtap",
	    .lower = 30,
	    .up = true,
	    .ethernet = true};

	sources.segments = segments;
	sources.nsegments = 4;
	configure("direct", 1, "mvt0", "");
	link_kind(2, "eth0", "", 0, true);
	vlan_device(30, 42, 2, 0);
	ck_assert_int_eq(discover_link(discover, &link), 0);
	ck_assert_str_eq(segment_of(1), "up42");
	link.lower = 2;
	ck_assert_int_eq(discover_link(discover, &link), 0);
	ck_assert_str_eq(segment_of(1), SEGMENT_DEFAULT);
}
END_TEST

/* The same MAC at two tenants is two stations, and two vm sections. */
START_TEST(tenants_may_use_one_mac)
{
	sources.segments = segments;
	sources.nsegments = 3;
	configure("of-red", 1, "", "red");
	configure("of-blue", 1, "", "blue");
	bridge_is(true);
	for (uint32_t port = 20; port < 22; port++) {
		tap(port, BR1);
		pvid(port, (uint16_t)(port + 22));
		station_in(port, (uint16_t)(port + 22), 1);
	}
	make_plan();
	ck_assert_uint_eq(plan.nnics, 2);
	ck_assert_str_eq(plan.nics[0].vif.vm_name, "of-red");
	ck_assert_uint_eq(plan.nics[0].ifindex, 20);
	ck_assert_str_eq(plan.nics[1].vif.vm_name, "of-blue");
	ck_assert_uint_eq(plan.nics[1].ifindex, 21);
}
END_TEST

/* ---- netlink messages ---- */

static struct netlink_link last_link;
static struct netlink_pvid last_pvid;
static struct netlink_station last_station;
static int links, pvids, stations;

static void on_link(void *context, const struct netlink_link *link)
{
	(void)context;
	last_link = *link;
	links++;
}

static void on_station(void *context, const struct netlink_station *one)
{
	(void)context;
	last_station = *one;
	stations++;
}

static void on_pvid(void *context, const struct netlink_pvid *one)
{
	(void)context;
	last_pvid = *one;
	pvids++;
}

static const struct netlink_sink sink = {.link = on_link, .pvid = on_pvid, .station = on_station};

struct message {
	uint8_t bytes[512];
	size_t length;
};

static void put(struct message *message, const void *bytes, size_t length)
{
	memcpy(message->bytes + message->length, bytes, length);
	message->length += NLMSG_ALIGN(length);
}

static void put_attribute(struct message *message, uint16_t type, const void *value, size_t length)
{
	const struct rtattr head = {.rta_len = (uint16_t)(sizeof head + length), .rta_type = type};

	put(message, &head, sizeof head);
	put(message, value, length);
}

static void finish(struct message *message)
{
	const uint32_t length = (uint32_t)message->length;

	memcpy(message->bytes, &length, sizeof length);
}

static void make_link(struct message *message, uint8_t family)
{
	const struct nlmsghdr head = {.nlmsg_type = RTM_NEWLINK};
	const struct ifinfomsg info = {
	    .ifi_family = family, .ifi_index = 7, .ifi_flags = IFF_UP, .ifi_type = ARPHRD_ETHER};
	const uint32_t master = BR0, mtu = 9000;
	struct message nested = {.length = 0};

	*message = (struct message){.length = 0};
	put(message, &head, sizeof head);
	put(message, &info, sizeof info);
	put_attribute(message, IFLA_IFNAME, "tap7", 5);
	put_attribute(message, IFLA_MASTER, &master, sizeof master);
	put_attribute(message, IFLA_MTU, &mtu, sizeof mtu);
	put_attribute(&nested, IFLA_INFO_KIND, "tun", 4);
	put_attribute(message, IFLA_LINKINFO, nested.bytes, nested.length);
	finish(message);
}

START_TEST(link_messages)
{
	struct message message;
	bool done;

	make_link(&message, AF_UNSPEC);
	ck_assert_int_eq(netlink_parse(message.bytes, message.length, &sink, &done), 0);
	ck_assert_int_eq(links, 1);
	ck_assert_uint_eq(last_link.ifindex, 7);
	ck_assert_str_eq(last_link.name, "tap7");
	ck_assert_str_eq(last_link.kind, "tun");
	ck_assert_uint_eq(last_link.master, BR0);
	ck_assert_uint_eq(last_link.mtu, 9000);
	ck_assert(last_link.up && last_link.present && last_link.ethernet && !done);
	make_link(&message, AF_BRIDGE); /* says that the port changed, not the link */
	ck_assert_int_eq(netlink_parse(message.bytes, message.length, &sink, &done), 0);
	ck_assert_int_eq(links, 1);
	ck_assert_int_eq(pvids, 0);
}
END_TEST

/* A VLAN device, and a bridge that keeps VLANs apart. */
START_TEST(kinds_tell_more)
{
	const struct nlmsghdr head = {.nlmsg_type = RTM_NEWLINK};
	const struct ifinfomsg info = {.ifi_index = 8, .ifi_type = ARPHRD_ETHER};
	const uint32_t lower = 2;
	const uint16_t vlan = 42;
	const uint8_t filters = 1;

	for (int round = 0; round < 3; round++) {
		struct message message = {.length = 0}, nested = {.length = 0},
			       data = {.length = 0};
		const char *kind;
		bool done;

		put(&message, &head, sizeof head);
		put(&message, &info, sizeof info);
		put_attribute(&message, IFLA_LINK, &lower, sizeof lower);
		if (round == 2) /* that one is in another namespace */
			put_attribute(&message, IFLA_LINK_NETNSID, &lower, sizeof lower);
		kind = round == 1 ? "bridge" : "vlan";
		put_attribute(&nested, IFLA_INFO_KIND, kind, strlen(kind) + 1);
		if (round == 1)
			put_attribute(&data, IFLA_BR_VLAN_FILTERING, &filters, sizeof filters);
		else
			put_attribute(&data, IFLA_VLAN_ID, &vlan, sizeof vlan);
		put_attribute(&nested, IFLA_INFO_DATA, data.bytes, data.length);
		put_attribute(&message, IFLA_LINKINFO, nested.bytes, nested.length);
		finish(&message);
		ck_assert_int_eq(netlink_parse(message.bytes, message.length, &sink, &done), 0);
		ck_assert_uint_eq(last_link.lower, round == 2 ? 0 : 2);
		ck_assert_uint_eq(last_link.vlan, round == 1 ? 0 : 42);
		ck_assert(last_link.filters == (round == 1));
	}
}
END_TEST

START_TEST(port_messages)
{
	const struct nlmsghdr head = {.nlmsg_type = RTM_NEWLINK};
	const struct ifinfomsg info = {.ifi_family = AF_BRIDGE, .ifi_index = 7};
	const struct bridge_vlan_info vlans[] = {{.vid = 7, .flags = BRIDGE_VLAN_INFO_UNTAGGED},
	    {.vid = 42, .flags = BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED}, {.vid = 43}};
	struct message message = {.length = 0}, nested = {.length = 0};
	bool done;

	put(&message, &head, sizeof head);
	put(&message, &info, sizeof info);
	for (size_t i = 0; i < sizeof vlans / sizeof *vlans; i++)
		put_attribute(&nested, IFLA_BRIDGE_VLAN_INFO, &vlans[i], sizeof vlans[i]);
	put_attribute(&message, IFLA_AF_SPEC, nested.bytes, nested.length);
	finish(&message);
	ck_assert_int_eq(netlink_parse(message.bytes, message.length, &sink, &done), 0);
	ck_assert_int_eq(pvids, 1);
	ck_assert_uint_eq(last_pvid.ifindex, 7);
	ck_assert_uint_eq(last_pvid.vlan, 42);
}
END_TEST

START_TEST(station_messages)
{
	const struct nlmsghdr head = {.nlmsg_type = RTM_NEWNEIGH};
	struct ndmsg info = {.ndm_family = AF_BRIDGE, .ndm_ifindex = 7, .ndm_state = NUD_REACHABLE};
	const struct mac address = mac(1);
	const uint32_t master = BR0;
	struct message message;
	bool done;

	for (int round = 0; round < 3; round++) {
		message = (struct message){.length = 0};
		info.ndm_flags = round == 1 ? NTF_SELF : 0;
		info.ndm_family = round == 2 ? AF_INET : AF_BRIDGE;
		put(&message, &head, sizeof head);
		put(&message, &info, sizeof info);
		put_attribute(&message, NDA_LLADDR, address.bytes, sizeof address.bytes);
		put_attribute(&message, NDA_MASTER, &master, sizeof master);
		finish(&message);
		ck_assert_int_eq(netlink_parse(message.bytes, message.length, &sink, &done), 0);
	}
	ck_assert_int_eq(stations, 1);
	ck_assert_uint_eq(last_station.ifindex, 7);
	ck_assert_uint_eq(last_station.master, BR0);
	ck_assert(mac_equal(&last_station.mac, &address));
	ck_assert(last_station.present && !last_station.local);
}
END_TEST

START_TEST(broken_messages)
{
	struct message message;
	bool done;

	make_link(&message, AF_UNSPEC);
	for (size_t cut = 1; cut < message.length; cut++) {
		uint8_t *copy = malloc(cut);

		memcpy(copy, message.bytes, cut);
		ck_assert_int_eq(netlink_parse(copy, cut, &sink, &done), GRAPPE_EFORMAT);
		free(copy);
	}
	/* Every single wrong byte is survived. */
	for (size_t at = 0; at < message.length; at++) {
		uint8_t *copy = malloc(message.length);

		memcpy(copy, message.bytes, message.length);
		copy[at] ^= 0xff;
		(void)netlink_parse(copy, message.length, &sink, &done);
		free(copy);
	}
	ck_assert_int_gt(links, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("discover and netlink");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, static_list);
	tcase_add_test(tests, ports_of_a_bridge);
	tcase_add_test(tests, own_and_aged_entries);
	tcase_add_test(tests, a_vm_moves);
	tcase_add_test(tests, an_uplink_is_noticed);
	tcase_add_test(tests, macvtap_is_reversed);
	tcase_add_test(tests, a_dump_repairs_lost_events);
	tcase_add_test(tests, a_vm_with_two_macs_is_one_nic);
	tcase_add_test(tests, a_vlan_is_a_segment);
	tcase_add_test(tests, a_bridge_over_a_vlan_device);
	tcase_add_test(tests, a_macvtap_on_a_vlan_device);
	tcase_add_test(tests, tenants_may_use_one_mac);
	tcase_add_test(tests, link_messages);
	tcase_add_test(tests, kinds_tell_more);
	tcase_add_test(tests, port_messages);
	tcase_add_test(tests, station_messages);
	tcase_add_test(tests, broken_messages);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
