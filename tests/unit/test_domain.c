/* SPDX-License-Identifier: GPL-3.0-or-later */
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
	/* Until libvirt tells, the first one's MAC is waited for there: the second one's frames
	 * match nobody. */
	ck_assert_str_eq(plan.nics[0].vif.vm_id, ID1);
	domains_are(&second, 1);
	make_plan();
	ck_assert_uint_eq(plan.nnics, 1);
	ck_assert_str_eq(plan.nics[0].vif.vm_id, ID2);
	ck_assert_uint_eq(plan.nics[0].ifindex, 7);
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
	tcase_add_test(tests, sections_stand_alone_without_libvirt);
	tcase_add_test(tests, a_domain_is_watched_where_libvirt_says);
	tcase_add_test(tests, a_name_of_an_interface_is_used_again);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
