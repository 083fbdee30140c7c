/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/account.h"
#include "agent-module/domain.h"
#include "agent-module/domain_inbox.h"
#include "agent-module/merge.h"
#include "common/error.h"
#include "tests/unit/unit.h"

#include <sys/socket.h>

#define ID1 "00000000-0000-4000-9000-000000000001"
#define ID2 "00000000-0000-4000-9000-000000000002"

static struct mac mac_of(const char *text)
{
	struct mac mac;

	ck_assert_int_eq(mac_parse(text, &mac), 0);
	return mac;
}

static struct domain make_domain(const char *id, const char *name)
{
	struct domain domain = {
	    .facts = {.vcpu = 2, .memory_bytes = 1 << 30, .oper_state = OPER_STATE_RUNNING}};

	snprintf(domain.facts.vm_id, sizeof domain.facts.vm_id, "%s", id);
	snprintf(domain.facts.vm_name, sizeof domain.facts.vm_name, "%s", name);
	snprintf(domain.facts.application, sizeof domain.facts.application, "shop");
	return domain;
}

static void add_nic(struct domain *domain, const char *mac, const char *interface)
{
	struct domain_nic *nic = &domain->nics[domain->nnics++];

	nic->mac = mac_of(mac);
	snprintf(nic->interface, sizeof nic->interface, "%s", interface);
}

static struct discover_vm make_section(const char *mac)
{
	struct discover_vm vm = {.vif = {.nmacs = 1, .macs = {mac_of(mac)}}};

	identity_from_mac(&vm.vif.macs[0], vm.vif.vm_id);
	snprintf(vm.vif.vm_name, sizeof vm.vif.vm_name, "section");
	return vm;
}

/* ---- records ---- */

START_TEST(records_come_back)
{
	struct domain_record record = {.type = DOMAIN_ONE, .domain = make_domain(ID1, "web1")};
	struct domain_record again;
	struct buffer bytes;

	add_nic(&record.domain, "02:00:00:00:00:01", "tap1");
	add_nic(&record.domain, "02:00:00:00:00:02", "");
	record.domain.nics[1].place = (struct links_place){.bridge = "ovs0", .vlan = 4094};
	buffer_init(&bytes);
	domain_record_encode(&record, &bytes);
	ck_assert_int_eq(domain_record_decode(bytes.bytes, bytes.length, &again), 0);
	ck_assert_mem_eq(&record.domain.facts, &again.domain.facts, sizeof again.domain.facts);
	ck_assert_uint_eq(again.domain.nnics, 2);
	ck_assert_mem_eq(record.domain.nics, again.domain.nics, sizeof again.domain.nics);
	/* Cut anywhere, it is no record. */
	for (size_t cut = 0; cut < bytes.length; cut++)
		ck_assert_int_lt(domain_record_decode(bytes.bytes, cut, &again), 0);
	buffer_put_u8(&bytes, 0);
	ck_assert_int_eq(domain_record_decode(bytes.bytes, bytes.length, &again), GRAPPE_EFORMAT);
	buffer_deinit(&bytes);
}
END_TEST

START_TEST(hostile_records_are_refused)
{
	struct domain_record record = {.type = DOMAIN_ONE, .domain = make_domain("../../etc", "x")};
	struct domain_record again;
	struct buffer bytes;
	const uint8_t unknown[] = {9};

	buffer_init(&bytes);
	domain_record_encode(&record, &bytes);
	ck_assert_int_eq(domain_record_decode(bytes.bytes, bytes.length, &again), GRAPPE_EFORMAT);
	bytes.length = 0;
	record.domain = make_domain(ID1, "x");
	record.domain.facts.oper_state = 200;
	domain_record_encode(&record, &bytes);
	ck_assert_int_eq(domain_record_decode(bytes.bytes, bytes.length, &again), GRAPPE_EFORMAT);
	bytes.length = 0;
	record.domain = make_domain(ID1, "a\nb");
	domain_record_encode(&record, &bytes);
	ck_assert_int_eq(domain_record_decode(bytes.bytes, bytes.length, &again), GRAPPE_EFORMAT);
	bytes.length = 0;
	record.domain = make_domain(ID1, "x");
	add_nic(&record.domain, "02:00:00:00:00:01", "tap1");
	record.domain.nics[0].place.vlan = DOMAIN_VLAN_MAX + 1;
	domain_record_encode(&record, &bytes);
	ck_assert_int_eq(domain_record_decode(bytes.bytes, bytes.length, &again), GRAPPE_EFORMAT);
	ck_assert_int_eq(domain_record_decode(unknown, sizeof unknown, &again), GRAPPE_EFORMAT);
	buffer_deinit(&bytes);
}
END_TEST

/* ---- lists ---- */

static int give(
    struct domain_inbox *inbox, enum domain_record_type type, const struct domain *domain)
{
	struct domain_record record = {.type = type};
	struct buffer bytes;
	int rc;

	if (domain != NULL)
		record.domain = *domain;
	if (type == DOMAIN_TROUBLE)
		snprintf(record.reason, sizeof record.reason, "no route");
	buffer_init(&bytes);
	domain_record_encode(&record, &bytes);
	rc = domain_inbox_take(inbox, bytes.bytes, bytes.length);
	buffer_deinit(&bytes);
	return rc;
}

START_TEST(only_complete_lists_count)
{
	int pair[2];
	struct domain_inbox *inbox;
	struct domain one = make_domain(ID1, "web1"), two = make_domain(ID2, "web2");
	const struct domain *list;
	size_t count;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	inbox = domain_inbox_new(pair[0]);
	ck_assert_int_eq(give(inbox, DOMAIN_BEGIN, NULL), 0);
	ck_assert_int_eq(give(inbox, DOMAIN_ONE, &one), 0);
	(void)domain_inbox_list(inbox, &count);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(give(inbox, DOMAIN_END, NULL), 1);
	list = domain_inbox_list(inbox, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(list[0].facts.vm_name, "web1");
	/* A list that breaks off, or has nonsense in it, changes nothing. */
	give(inbox, DOMAIN_BEGIN, NULL);
	give(inbox, DOMAIN_ONE, &two);
	ck_assert_int_lt(domain_inbox_take(inbox, "?", 1), 0);
	ck_assert_int_eq(give(inbox, DOMAIN_END, NULL), 0);
	list = domain_inbox_list(inbox, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(list[0].facts.vm_name, "web1");
	give(inbox, DOMAIN_TROUBLE, NULL);
	ck_assert_str_eq(domain_inbox_trouble(inbox), "no route");
	give(inbox, DOMAIN_BEGIN, NULL);
	ck_assert_int_eq(give(inbox, DOMAIN_END, NULL), 1);
	(void)domain_inbox_list(inbox, &count);
	ck_assert_uint_eq(count, 0);
	/* What comes through the socket, and its end. */
	ck_assert_int_eq(domain_inbox_read(inbox), 0);
	ck_assert_int_eq(send(pair[1], "\001", 1, 0), 1);
	ck_assert_int_eq(send(pair[1], "\003", 1, 0), 1);
	ck_assert_int_eq(domain_inbox_read(inbox), 1);
	close(pair[1]);
	ck_assert_int_eq(domain_inbox_read(inbox), GRAPPE_EIO);
	domain_inbox_free(inbox);
}
END_TEST

/* ---- who is who ---- */

START_TEST(libvirt_wins_on_identity)
{
	struct domain domain = make_domain(ID1, "web1");
	struct discover_vm sections[2] = {
	    make_section("02:00:00:00:00:01"), make_section("02:00:00:00:00:09")};
	struct discover_vm *vms;
	size_t count;

	add_nic(&domain, "02:00:00:00:00:01", "tap1");
	add_nic(&domain, "02:00:00:00:00:02", "tap2");
	snprintf(sections[0].vif.segment, sizeof sections[0].vif.segment, "t1");
	sections[0].vif.macs[1] = mac_of("02:00:00:00:00:0a"); /* a second MAC of the first NIC */
	sections[0].vif.macs[2] = mac_of("02:00:00:00:00:02"); /* the second NIC's own */
	sections[0].vif.nmacs = 3;
	ck_assert_int_eq(merge_vms(sections, 2, &domain, 1, &vms, &count), 0);
	ck_assert_uint_eq(count, 3);
	ck_assert_str_eq(vms[0].vif.vm_id, ID1);
	ck_assert_str_eq(vms[0].vif.vm_name, "web1");
	ck_assert_str_eq(vms[0].interface, "tap1");
	ck_assert_str_eq(vms[0].vif.segment, "t1");
	ck_assert_str_eq(vms[0].vif.application, "shop");
	ck_assert_uint_eq(vms[0].vif.nmacs, 2);
	ck_assert_str_eq(vms[1].vif.vm_id, ID1);
	ck_assert_str_eq(vms[1].interface, "tap2");
	ck_assert_str_eq(vms[2].vif.vm_id, "mac-020000000009");
	free(vms);
}
END_TEST

/* Sections without a MAC: by UUID, by name, and of nobody; one with the MAC is better. */
START_TEST(sections_may_name_a_domain)
{
	struct domain domains[2] = {make_domain(ID1, "web1"), make_domain(ID2, "web2")};
	struct discover_vm sections[4] = {{.vif = {.nmacs = 0}}, {.vif = {.nmacs = 0}},
	    {.vif = {.nmacs = 0}}, make_section("02:00:00:00:00:03")};
	struct discover_vm *vms;
	size_t count;

	add_nic(&domains[0], "02:00:00:00:00:01", "tap1");
	add_nic(&domains[1], "02:00:00:00:00:02", "tap2");
	add_nic(&domains[1], "02:00:00:00:00:03", "tap3");
	snprintf(sections[0].vif.vm_id, sizeof sections[0].vif.vm_id, ID1);
	snprintf(sections[0].vif.vm_name, sizeof sections[0].vif.vm_name, "web2");
	snprintf(sections[0].vif.application, sizeof sections[0].vif.application, "by-uuid");
	snprintf(sections[1].vif.vm_name, sizeof sections[1].vif.vm_name, "web2");
	snprintf(sections[1].vif.application, sizeof sections[1].vif.application, "by-name");
	snprintf(sections[2].vif.vm_name, sizeof sections[2].vif.vm_name, "nobody");
	snprintf(sections[3].vif.application, sizeof sections[3].vif.application, "by-mac");
	ck_assert_int_eq(merge_vms(sections, 4, domains, 2, &vms, &count), 0);
	ck_assert_uint_eq(count, 3);
	ck_assert_str_eq(vms[0].vif.application, "by-uuid");
	ck_assert_str_eq(vms[0].vif.vm_name, "web1");
	ck_assert_str_eq(vms[1].vif.application, "by-name");
	ck_assert_str_eq(vms[2].vif.application, "by-mac");
	ck_assert_str_eq(vms[2].vif.vm_id, ID2);
	free(vms);
}
END_TEST

/* Two tenants use one MAC; the UUID says whose section it is. */
START_TEST(one_mac_of_two_domains)
{
	struct domain domains[2] = {make_domain(ID1, "red"), make_domain(ID2, "blue")};
	struct discover_vm sections[2] = {
	    make_section("02:00:00:00:00:01"), make_section("02:00:00:00:00:01")};
	struct discover_vm *vms;
	size_t count;

	add_nic(&domains[0], "02:00:00:00:00:01", "tap1");
	add_nic(&domains[1], "02:00:00:00:00:01", "tap2");
	snprintf(sections[0].vif.segment, sizeof sections[0].vif.segment, "red");
	snprintf(sections[1].vif.segment, sizeof sections[1].vif.segment, "blue");
	snprintf(sections[1].vif.vm_id, sizeof sections[1].vif.vm_id, ID2);
	ck_assert_int_eq(merge_vms(sections, 2, domains, 2, &vms, &count), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(vms[0].vif.segment, "red");
	ck_assert_str_eq(vms[1].vif.segment, "blue");
	free(vms);
}
END_TEST

START_TEST(no_more_nics_than_there_is_room_for)
{
	const size_t count = DISCOVER_VMS_MAX / DOMAIN_NICS_MAX + 1;
	struct domain *domains = calloc(count, sizeof *domains);
	struct discover_vm *vms;
	size_t got;

	for (size_t i = 0; i < count; i++)
		domains[i].nnics = DOMAIN_NICS_MAX;
	ck_assert_int_eq(merge_vms(NULL, 0, domains, count, &vms, &got), GRAPPE_ELIMIT);
	ck_assert_ptr_null(vms);
	free(domains);
}
END_TEST

START_TEST(sections_stand_alone_without_libvirt)
{
	struct discover_vm section = make_section("02:00:00:00:00:01"), *vms;
	size_t count;

	ck_assert_int_eq(merge_vms(&section, 1, NULL, 0, &vms, &count), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(vms[0].vif.vm_name, "section");
	free(vms);
}
END_TEST

/* ---- histories ---- */

static struct discover_sources sources;
static struct discover *discover;
static struct discover_plan plan;

static void begin(void)
{
	sources = (struct discover_sources){0};
	discover = discover_new(&sources);
	ck_assert_ptr_nonnull(discover);
}

static void end(void)
{
	discover_plan_deinit(&plan);
	discover_free(discover);
}

static void link_is(uint32_t ifindex, const char *name, bool present)
{
	struct netlink_link link = {.ifindex = ifindex,
	    .present = present,
	    .up = true,
	    .ethernet = true,
	    .mtu = 1500,
	    .kind = "tun"};

	snprintf(link.name, sizeof link.name, "%s", name);
	ck_assert_int_eq(discover_link(discover, &link), 0);
}

static void domains_are(const struct domain *domains, size_t count)
{
	ck_assert_int_eq(discover_domains(discover, domains, count), 0);
}

static void make_plan(void)
{
	discover_plan_deinit(&plan);
	ck_assert_int_eq(discover_plan(discover, &plan), 0);
}

START_TEST(a_domain_is_watched_where_libvirt_says)
{
	struct domain domain = make_domain(ID1, "web1");

	begin();
	add_nic(&domain, "02:00:00:00:00:01", "tap1");
	link_is(3, "tap1", true);
	link_is(4, "eth0", true);
	make_plan();
	ck_assert_uint_eq(plan.nports, 0);
	domains_are(&domain, 1);
	make_plan();
	ck_assert_uint_eq(plan.nports, 1);
	ck_assert_uint_eq(plan.nnics, 1);
	ck_assert_uint_eq(plan.nics[0].ifindex, 3);
	ck_assert_str_eq(plan.nics[0].vif.vm_id, ID1);
	ck_assert_str_eq(plan.nics[0].vif.segment, SEGMENT_DEFAULT);
	/* A NIC is plugged in; its interface comes a little later. */
	add_nic(&domain, "02:00:00:00:00:02", "tap2");
	domains_are(&domain, 1);
	make_plan();
	ck_assert_uint_eq(plan.nnics, 1);
	link_is(5, "tap2", true);
	make_plan();
	ck_assert_uint_eq(plan.nnics, 2);
	/* And unplugged. */
	domain.nnics = 1;
	domains_are(&domain, 1);
	link_is(5, "tap2", false);
	make_plan();
	ck_assert_uint_eq(plan.nnics, 1);
	/* The VM ends. */
	domains_are(NULL, 0);
	make_plan();
	ck_assert_uint_eq(plan.nports, 0);
	end();
}
END_TEST

START_TEST(a_name_of_an_interface_is_used_again)
{
	struct domain first = make_domain(ID1, "web1"), second = make_domain(ID2, "web2");

	begin();
	add_nic(&first, "02:00:00:00:00:01", "vnet0");
	add_nic(&second, "02:00:00:00:00:02", "vnet0");
	link_is(3, "vnet0", true);
	domains_are(&first, 1);
	link_is(3, "vnet0", false);
	link_is(7, "vnet0", true);
	make_plan();
	/* Until libvirt tells, nobody is there. */
	ck_assert_uint_eq(plan.nnics, 0);
	domains_are(&second, 1);
	make_plan();
	ck_assert_uint_eq(plan.nnics, 1);
	ck_assert_str_eq(plan.nics[0].vif.vm_id, ID2);
	ck_assert_uint_eq(plan.nics[0].ifindex, 7);
	end();
}
END_TEST

/* A NIC that was known by its MAC is found to be of a VM with a UUID: one vif, with all it has; but
 * not when that VM's vif is known already. */
START_TEST(a_vif_gets_its_name)
{
	const struct account_options options = {.length_s = 30, .pairs_per_vif = 10};
	struct discover_vm vm = make_section("02:00:00:00:00:01");
	struct account *account = account_new(&options, 0, 0);
	struct counted counted = {.kind = COUNTED_OTHER, .end_s = 30, .packets = 3};
	struct period *period;
	int other;

	account_tick(account, 0, 0, NULL);
	counted.handle = account_watch(account, 1, &vm.vif, 0);
	account_counted(account, &counted);
	ck_assert(account_identify(account, counted.handle, ID1));
	account_counted(account, &counted);
	other = account_watch(account, 2, &vm.vif, 0);
	ck_assert_int_ne(other, counted.handle);
	ck_assert(!account_identify(account, other, ID1));
	account_unwatch(account, other, 0);
	account_tick(account, 31 * CLOCK_SECOND_NS, 31 * CLOCK_SECOND_NS, NULL);
	ck_assert_int_eq(account_close(account, &period), 1);
	ck_assert_uint_eq(period->nvifs, 1);
	ck_assert_str_eq(period->vifs[0].vm_id, ID1);
	ck_assert_uint_eq(period->vifs[0].covered_ms, 30000);
	ck_assert_uint_eq(period->vifs[0].other_packets, 6);
	period_free(period);
	account_free(account);
}
END_TEST

/* ---- all three sources ---- */

static char *not_the_uplink[] = {"up*"};
static struct discover_bridge bridge = {
    .name = "br0", .segment = "t1", .exclude = not_the_uplink, .nexclude = 1};

static void begin_with_bridge(void)
{
	struct netlink_link link = {
	    .ifindex = 10, .present = true, .name = "br0", .kind = "bridge", .ethernet = true};

	begin();
	sources.bridges = &bridge;
	sources.nbridges = 1;
	ck_assert_int_eq(discover_link(discover, &link), 0);
}

static void port_is(uint32_t ifindex, const char *name)
{
	struct netlink_link link = {.ifindex = ifindex,
	    .present = true,
	    .master = 10,
	    .up = true,
	    .ethernet = true,
	    .kind = "tun"};

	snprintf(link.name, sizeof link.name, "%s", name);
	ck_assert_int_eq(discover_link(discover, &link), 0);
}

static void shows(uint32_t ifindex, const char *mac)
{
	const struct netlink_station station = {
	    .ifindex = ifindex, .master = 10, .mac = mac_of(mac), .present = true};

	ck_assert_int_eq(discover_station(discover, &station), 0);
}

/* "ID@IFINDEX" of the NIC with that first MAC, or "-". */
static const char *where(const char *mac)
{
	static char text[VM_ID_SIZE + 16];
	const struct mac wanted = mac_of(mac);

	make_plan();
	for (size_t i = 0; i < plan.nnics; i++)
		if (mac_equal(&plan.nics[i].vif.macs[0], &wanted)) {
			snprintf(text, sizeof text, "%s@%u", plan.nics[i].vif.vm_id,
			    plan.nics[i].ifindex);
			return text;
		}
	return "-";
}

/* Known by the bridge first, then by libvirt: the same NIC gets its name. Then a second VM that
 * only the bridge knows, and libvirtd that is gone and back. */
START_TEST(libvirt_comes_later)
{
	struct domain domain = make_domain(ID1, "web1");

	begin_with_bridge();
	add_nic(&domain, "02:00:00:00:00:01", "vnet0");
	port_is(3, "vnet0");
	shows(3, "02:00:00:00:00:01");
	ck_assert_str_eq(where("02:00:00:00:00:01"), "mac-020000000001@3");
	domains_are(&domain, 1);
	ck_assert_str_eq(where("02:00:00:00:00:01"), ID1 "@3");
	ck_assert_str_eq(plan.nics[0].vif.segment, "t1");
	port_is(4, "tap9");
	shows(4, "02:00:00:00:00:09");
	ck_assert_str_eq(where("02:00:00:00:00:09"), "mac-020000000009@4");
	/* While libvirtd is away nobody tells anything: what it said last stays, links go on. */
	link_is(4, "tap9", false);
	ck_assert_str_eq(where("02:00:00:00:00:01"), ID1 "@3");
	ck_assert_str_eq(where("02:00:00:00:00:09"), "-");
	end();
}
END_TEST

/* The VM goes: its tap, then libvirt's word; no VM of its MAC is left behind, in no order. */
START_TEST(migration_out_and_in)
{
	struct domain domain = make_domain(ID1, "web1");

	begin_with_bridge();
	add_nic(&domain, "02:00:00:00:00:01", "vnet0");
	port_is(3, "vnet0");
	port_is(9, "up0");
	shows(3, "02:00:00:00:00:01");
	domains_are(&domain, 1);
	/* Announced from elsewhere: libvirt still has it here, paused; the tap stays watched. */
	shows(9, "02:00:00:00:00:01");
	ck_assert_str_eq(where("02:00:00:00:00:01"), ID1 "@3");
	link_is(3, "vnet0", false);
	ck_assert_str_eq(where("02:00:00:00:00:01"), "-");
	domains_are(NULL, 0);
	ck_assert_str_eq(where("02:00:00:00:00:01"), "-");
	/* Back, on a tap of another name: libvirt first, then the tap. */
	snprintf(domain.nics[0].interface, sizeof domain.nics[0].interface, "vnet7");
	domains_are(&domain, 1);
	ck_assert_str_eq(where("02:00:00:00:00:01"), "-");
	port_is(12, "vnet7");
	ck_assert_str_eq(where("02:00:00:00:00:01"), ID1 "@12");
	end();
}
END_TEST

/* The name of the tap goes to another VM before libvirt tells: nobody is given the other's frames.
 */
START_TEST(a_name_used_again_on_a_bridge)
{
	struct domain first = make_domain(ID1, "web1"), second = make_domain(ID2, "web2");

	begin_with_bridge();
	add_nic(&first, "02:00:00:00:00:01", "vnet0");
	add_nic(&second, "02:00:00:00:00:02", "vnet0");
	port_is(3, "vnet0");
	shows(3, "02:00:00:00:00:01");
	domains_are(&first, 1);
	link_is(3, "vnet0", false);
	port_is(4, "vnet0");
	shows(4, "02:00:00:00:00:02");
	ck_assert_str_eq(where("02:00:00:00:00:01"), "-");
	ck_assert_str_eq(where("02:00:00:00:00:02"), "mac-020000000002@4");
	ck_assert_uint_eq(plan.nnics, 1);
	domains_are(&second, 1);
	ck_assert_str_eq(where("02:00:00:00:00:01"), "-");
	ck_assert_str_eq(where("02:00:00:00:00:02"), ID2 "@4");
	end();
}
END_TEST

/* Further MACs behind a NIC are its own, up to a number that tells a bridge inside the VM. */
START_TEST(a_nic_shows_more_macs)
{
	struct domain domain = make_domain(ID1, "nest");
	char mac[] = "02:00:00:00:01:00";

	begin_with_bridge();
	add_nic(&domain, "02:00:00:00:00:01", "vnet0");
	port_is(3, "vnet0");
	domains_are(&domain, 1);
	shows(3, "02:00:00:00:01:00");
	make_plan();
	ck_assert_uint_eq(plan.nics[0].vif.nmacs, 1); /* its own was not seen yet */
	shows(3, "02:00:00:00:00:01");
	make_plan();
	ck_assert_uint_eq(plan.nnics, 1);
	ck_assert_uint_eq(plan.nics[0].vif.nmacs, 2);
	for (int i = 1; i < DISCOVER_MACS_MAX + 1; i++) {
		mac[16] = (char)('0' + i);
		shows(3, mac);
	}
	make_plan();
	ck_assert_uint_eq(plan.nnics, 1);
	ck_assert_uint_eq(plan.nics[0].vif.nmacs, 1);
	ck_assert(!plan.ports[0].uplink);
	end();
}
END_TEST

/* A VM with NICs on two networks of a host keeps them apart; of Open vSwitch only libvirt can say
 * which; an excluded port is nobody's. */
START_TEST(segments_that_libvirt_tells)
{
	struct discover_segment segments[] = {
	    {.name = "red", .place = {.bridge = "ovs0", .vlan = 42}},
	    {.name = "blue", .place = {.bridge = "ovs0", .vlan = 43}}};
	struct domain domain = make_domain(ID1, "two");

	begin_with_bridge();
	sources.segments = segments;
	sources.nsegments = 2;
	for (int i = 0; i < 3; i++)
		add_nic(&domain, "02:00:00:00:00:01", i == 0 ? "vnet0" : i == 1 ? "vnet1" : "up7");
	domain.nics[0].place = (struct links_place){.bridge = "ovs0", .vlan = 42};
	domain.nics[1].place = (struct links_place){.bridge = "ovs0", .vlan = 43};
	link_is(3, "vnet0", true);
	link_is(4, "vnet1", true);
	port_is(5, "up7");
	domains_are(&domain, 1);
	make_plan();
	ck_assert_uint_eq(plan.nnics, 2);
	ck_assert_str_eq(plan.nics[0].vif.segment, "red");
	ck_assert_str_eq(plan.nics[1].vif.segment, "blue");
	ck_assert_uint_eq(plan.nports, 2);
	end();
}
END_TEST

/* libvirt names an interface that is not there (a NIC that another program plugs in): then the
 * bridge says where its MAC is. */
START_TEST(an_interface_that_is_not_there)
{
	struct domain domain = make_domain(ID1, "web1");

	begin_with_bridge();
	add_nic(&domain, "02:00:00:00:00:01", "elsewhere");
	domains_are(&domain, 1);
	port_is(3, "tap3");
	shows(3, "02:00:00:00:00:01");
	ck_assert_str_eq(where("02:00:00:00:00:01"), ID1 "@3");
	link_is(8, "elsewhere", true);
	ck_assert_str_eq(where("02:00:00:00:00:01"), ID1 "@8");
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("domain");
	TCase *tests = tcase_create("all");

	tcase_add_test(tests, records_come_back);
	tcase_add_test(tests, hostile_records_are_refused);
	tcase_add_test(tests, only_complete_lists_count);
	tcase_add_test(tests, libvirt_wins_on_identity);
	tcase_add_test(tests, sections_may_name_a_domain);
	tcase_add_test(tests, one_mac_of_two_domains);
	tcase_add_test(tests, no_more_nics_than_there_is_room_for);
	tcase_add_test(tests, sections_stand_alone_without_libvirt);
	tcase_add_test(tests, a_domain_is_watched_where_libvirt_says);
	tcase_add_test(tests, a_name_of_an_interface_is_used_again);
	tcase_add_test(tests, a_vif_gets_its_name);
	tcase_add_test(tests, libvirt_comes_later);
	tcase_add_test(tests, migration_out_and_in);
	tcase_add_test(tests, a_name_used_again_on_a_bridge);
	tcase_add_test(tests, a_nic_shows_more_macs);
	tcase_add_test(tests, segments_that_libvirt_tells);
	tcase_add_test(tests, an_interface_that_is_not_there);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
