/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * grappe-libvirt, the program, with libvirt's test driver: two hundred domains from a file, their
 * NICs and labels; and the reading of single descriptions.
 */
#include "agent-module/domain_inbox.h"
#include "agent-module/domain_xml.h"
#include "agent-module/libvirt_child.h"
#include "common/error.h"
#include "tests/unit/unit.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define DOMAINS 200
#define PROGRAM "./grappe-libvirt"

static void write_node(const char *path)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "<node><cpu><mhz>1</mhz><model>m</model><active>2</active><nodes>1</nodes>"
		      "<sockets>1</sockets><cores>2</cores><threads>1</threads></cpu>"
		      "<memory>800000000</memory>\n");
	for (int i = 0; i < DOMAINS; i++) {
		fprintf(file,
		    "<domain type='test'><name>vm%d</name>"
		    "<uuid>00000000-0000-4000-9000-%012d</uuid>"
		    "<metadata><grappe xmlns='" DOMAIN_XML_NAMESPACE
		    "'><group>app%d</group></grappe></metadata>"
		    "<memory unit='KiB'>524288</memory><currentMemory "
		    "unit='KiB'>262144</currentMemory>"
		    "<vcpu current='1'>2</vcpu><os><type>hvm</type></os><devices>",
		    i, i, i % 7);
		for (int n = 0; n <= i % 3; n++)
			fprintf(file,
			    "<interface type='bridge'><mac address='02:00:00:%02x:%02x:%02x'/>"
			    "<source bridge='br%d'/><target dev='tap%d-%d'/></interface>",
			    i / 256, i % 256, n, n, i, n);
		fprintf(file, "</devices></domain>\n");
	}
	fprintf(file, "</node>\n");
	ck_assert_int_eq(fclose(file), 0);
}

/* Reads until a list is complete, or nothing comes for ten seconds. */
static struct domain_inbox *await_list(const struct libvirt_options *options)
{
	struct domain_inbox *inbox;
	struct pollfd waiting = {.events = POLLIN};
	int rc = 0;

	ck_assert_int_eq(libvirt_start(PROGRAM, options, &waiting.fd), 0);
	inbox = domain_inbox_new(waiting.fd);
	while (rc == 0 && poll(&waiting, 1, 10000) > 0)
		rc = domain_inbox_read(inbox);
	ck_assert_int_eq(rc, 1);
	return inbox;
}

START_TEST(two_hundred_domains)
{
	char folder[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 16], uri[UNIT_PATH_SIZE + 32];
	const struct libvirt_options options = {.uri = uri, .user = "nobody", .interval_s = 60};
	struct domain_inbox *inbox;
	const struct domain *list;
	size_t count, nics = 0;

	unit_make_folder(folder);
	ck_assert_int_eq(chmod(folder, 0755), 0);
	snprintf(path, sizeof path, "%s/node.xml", folder);
	snprintf(uri, sizeof uri, "test://%s", path);
	write_node(path);
	inbox = await_list(&options);
	list = domain_inbox_list(inbox, &count);
	ck_assert_uint_eq(count, DOMAINS);
	for (size_t i = 0; i < count; i++) {
		const struct period_vif *facts = &list[i].facts;
		char name[32], application[32];
		int number;

		ck_assert_int_eq(sscanf(facts->vm_id + 24, "%d", &number), 1);
		snprintf(name, sizeof name, "vm%d", number);
		snprintf(application, sizeof application, "app%d", number % 7);
		ck_assert_str_eq(facts->vm_name, name);
		ck_assert_str_eq(facts->application, application);
		ck_assert_str_eq(facts->os_type, "hvm");
		ck_assert_uint_eq(facts->oper_state, OPER_STATE_RUNNING);
		ck_assert_uint_eq(facts->memory_max_bytes, 512 << 20);
		ck_assert_uint_eq(list[i].nnics, (unsigned)number % 3 + 1);
		snprintf(name, sizeof name, "tap%d-0", number);
		ck_assert_str_eq(list[i].nics[0].interface, name);
		nics += list[i].nnics;
	}
	ck_assert_uint_eq(nics, 399);
	domain_inbox_free(inbox);
	unit_remove_folder(folder);
}
END_TEST

START_TEST(a_libvirt_that_is_not_there_is_told)
{
	const struct libvirt_options options = {
	    .uri = "qemu+unix:///system?socket=/nonexistent/libvirt-sock",
	    .user = "nobody",
	    .interval_s = 60};
	struct domain_inbox *inbox;
	struct pollfd waiting = {.events = POLLIN};

	ck_assert_int_eq(libvirt_start(PROGRAM, &options, &waiting.fd), 0);
	inbox = domain_inbox_new(waiting.fd);
	for (int i = 0; i < 100 && domain_inbox_trouble(inbox)[0] == '\0'; i++)
		if (poll(&waiting, 1, 100) > 0)
			ck_assert_int_eq(domain_inbox_read(inbox), 0);
	ck_assert_ptr_nonnull(strstr(domain_inbox_trouble(inbox), "/nonexistent/libvirt-sock"));
	domain_inbox_free(inbox);
}
END_TEST

/* The first child of this process, or 0. */
static int child_of(int pid)
{
	char path[64];
	FILE *file;
	int child = 0;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	if (fscanf(file, "%d", &child) != 1)
		child = 0;
	fclose(file);
	return child;
}

static void check_has_no_right(int pid)
{
	char path[64], line[256];
	int uid = -1, none = -1;
	unsigned long long capabilities = 1, ambient = 1;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof line, file) != NULL) {
		(void)sscanf(line, "Uid: %d", &uid);
		(void)sscanf(line, "CapPrm: %llx", &capabilities);
		(void)sscanf(line, "CapAmb: %llx", &ambient);
		(void)sscanf(line, "NoNewPrivs: %d", &none);
	}
	fclose(file);
	ck_assert_int_ne(uid, 0);
	ck_assert_int_eq(none, 1);
	ck_assert(capabilities == 0 && ambient == 0);
}

/* Neither of the two processes has any right, and both end with their reader. */
START_TEST(no_rights_and_no_leftovers)
{
	const struct libvirt_options options = {
	    .uri = "test:///default", .user = "nobody", .interval_s = 60};
	struct domain_inbox *inbox = await_list(&options);
	const int supervisor = child_of(getpid());
	const int worker = child_of(supervisor);
	int status;

	ck_assert_int_gt(worker, 0);
	check_has_no_right(supervisor);
	check_has_no_right(worker);
	domain_inbox_free(inbox);
	ck_assert_int_eq(waitpid(supervisor, &status, 0), supervisor);
	ck_assert_int_eq(WEXITSTATUS(status), EXIT_SUCCESS);
	ck_assert_int_eq(kill(worker, 0), -1);
}
END_TEST

/* A program that ends is told of, and started again; so is one that was killed. */
START_TEST(a_program_that_ends_is_started_again)
{
	const struct libvirt_options options = {
	    .uri = "test:///default", .user = "nobody", .interval_s = 60};
	struct domain_inbox *inbox = await_list(&options);
	const int supervisor = child_of(getpid());
	const int first = child_of(supervisor);
	struct pollfd waiting = {.fd = domain_inbox_fd(inbox), .events = POLLIN};
	bool told = false;
	int status, rc = 0;

	/* It is nobody's process: only root and nobody may end it. */
	if (geteuid() == 0) {
		ck_assert_int_eq(kill(first, SIGKILL), 0);
		for (int i = 0; i < 100 && rc == 0; i++)
			if (poll(&waiting, 1, 100) > 0) {
				rc = domain_inbox_read(inbox);
				told = told || strstr(domain_inbox_trouble(inbox), "signal 9");
			}
		ck_assert(told);
		ck_assert_int_eq(rc, 1);
		ck_assert_str_eq(domain_inbox_trouble(inbox), "");
		ck_assert_int_ne(child_of(supervisor), first);
	}
	domain_inbox_free(inbox);
	ck_assert_int_eq(waitpid(supervisor, &status, 0), supervisor);
	/* One that cannot even start. */
	ck_assert_int_eq(libvirt_start("/bin/false", &options, &waiting.fd), 0);
	inbox = domain_inbox_new(waiting.fd);
	ck_assert_int_eq(poll(&waiting, 1, 5000), 1);
	ck_assert_int_eq(domain_inbox_read(inbox), 0);
	ck_assert_ptr_nonnull(strstr(domain_inbox_trouble(inbox), "status 1"));
	domain_inbox_free(inbox);
	ck_assert_int_gt(waitpid(-1, &status, 0), 0);
}
END_TEST

START_TEST(a_program_that_is_not_there)
{
	const struct libvirt_options options = {
	    .uri = "test:///default", .user = "nobody", .interval_s = 60};
	int fd;

	ck_assert_int_eq(libvirt_start("/nonexistent", &options, &fd), GRAPPE_ENOTFOUND);
}
END_TEST

START_TEST(descriptions_may_be_hostile)
{
	struct domain domain = {0};

	ck_assert_int_eq(domain_xml_read("", &domain), GRAPPE_EFORMAT);
	ck_assert_int_eq(domain_xml_read("<domain>", &domain), GRAPPE_EFORMAT);
	ck_assert_int_eq(domain_xml_read("<network/>", &domain), GRAPPE_EFORMAT);
	ck_assert_int_eq(domain_xml_read("<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
					 "<domain><os><type>&e;</type></os></domain>",
			     &domain),
	    GRAPPE_EFORMAT);
	ck_assert_str_eq(domain.facts.os_type, "");
	/* A label of another namespace is not ours; a NIC without a MAC, with a group MAC or a long
	 * name. */
	ck_assert_int_eq(
	    domain_xml_read(
		"<domain><metadata><grappe><group>x</group></grappe></metadata><devices>"
		"<interface/><interface><mac address='ff:ff:ff:ff:ff:ff'/></interface>"
		"<interface><mac address='02:00:00:00:00:01'/><target "
		"dev='a-much-too-long-name'/></interface>"
		"</devices></domain>",
		&domain),
	    GRAPPE_OK);
	ck_assert_str_eq(domain.facts.application, "");
	ck_assert_uint_eq(domain.nnics, 1);
	ck_assert_str_eq(domain.nics[0].interface, "");
}
END_TEST

/* Where a NIC is plugged in: a bridge, a network (which names its bridge), Open vSwitch with a tag,
 * a trunk with a native one, and a macvtap, of which the kernel tells. */
START_TEST(places_of_nics)
{
	static const char *const nics[] = {
	    "<source bridge='br0'/>",
	    "<source network='default' portid='x' bridge='virbr0'/>",
	    "<source bridge='ovs0'/><virtualport type='openvswitch'/><vlan><tag id='42'/></vlan>",
	    "<source bridge='ovs0'/><vlan trunk='yes'><tag id='7'/>"
	    "<tag id='9' nativeMode='untagged'/></vlan>",
	    "<source bridge='ovs0'/><vlan trunk='yes'><tag id='7'/><tag id='8'/></vlan>",
	    "<source dev='eth0.42' mode='bridge'/><vlan><tag id='99999'/></vlan>",
	};
	static const struct links_place wanted[] = {{.bridge = "br0"}, {.bridge = "virbr0"},
	    {.bridge = "ovs0", .vlan = 42}, {.bridge = "ovs0", .vlan = 9}, {.bridge = "ovs0"},
	    {.bridge = ""}};
	struct domain domain = {0};
	char xml[2048];
	size_t at = (size_t)snprintf(xml, sizeof xml, "<domain><devices>");

	for (size_t i = 0; i < sizeof nics / sizeof *nics; i++)
		at += (size_t)snprintf(xml + at, sizeof xml - at,
		    "<interface><mac address='02:00:00:00:00:%02zx'/>%s</interface>", i, nics[i]);
	snprintf(xml + at, sizeof xml - at, "</devices></domain>");
	ck_assert_int_eq(domain_xml_read(xml, &domain), GRAPPE_OK);
	ck_assert_uint_eq(domain.nnics, sizeof nics / sizeof *nics);
	for (uint32_t i = 0; i < domain.nnics; i++) {
		ck_assert_str_eq(domain.nics[i].place.bridge, wanted[i].bridge);
		ck_assert_uint_eq(domain.nics[i].place.vlan, wanted[i].vlan);
	}
}
END_TEST

START_TEST(texts_are_cut_at_a_character)
{
	char out[4];

	domain_xml_copy(out, sizeof out, NULL);
	ck_assert_str_eq(out, "");
	domain_xml_copy(out, sizeof out, "a\tb");
	ck_assert_str_eq(out, "a?b");
	domain_xml_copy(out, sizeof out, "ab\303\274");
	ck_assert_str_eq(out, "ab");
	domain_xml_copy(out, sizeof out, "a\303\274");
	ck_assert_str_eq(out, "a\303\274");
}
END_TEST

START_TEST(many_nics_are_bounded)
{
	static char xml[64 * 80 + 200];
	struct domain domain = {0};
	size_t at = (size_t)snprintf(xml, sizeof xml, "<domain><devices>");

	for (int i = 0; i < 64; i++)
		at += (size_t)snprintf(xml + at, sizeof xml - at,
		    "<interface><mac address='02:00:00:00:00:%02x'/></interface>", i);
	snprintf(xml + at, sizeof xml - at, "</devices></domain>");
	ck_assert_int_eq(domain_xml_read(xml, &domain), GRAPPE_OK);
	ck_assert_uint_eq(domain.nnics, DOMAIN_NICS_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libvirt");
	TCase *tests = tcase_create("all");

	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, two_hundred_domains);
	tcase_add_test(tests, a_libvirt_that_is_not_there_is_told);
	tcase_add_test(tests, no_rights_and_no_leftovers);
	tcase_add_test(tests, a_program_that_ends_is_started_again);
	tcase_add_test(tests, a_program_that_is_not_there);
	tcase_add_test(tests, descriptions_may_be_hostile);
	tcase_add_test(tests, many_nics_are_bounded);
	tcase_add_test(tests, places_of_nics);
	tcase_add_test(tests, texts_are_cut_at_a_character);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
