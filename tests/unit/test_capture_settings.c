/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/capture_settings.h"
#include "agent-module/capture_filter.h"
#include "common/error.h"
#include "tests/unit/unit.h"

static char folder[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 32], message[512];
static struct capture_settings settings;

static void setup(void)
{
	unit_make_folder(folder);
	snprintf(path, sizeof path, "%s/capture.conf", folder);
}

static void teardown(void)
{
	unit_remove_folder(folder);
}

static int load(const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
	settings = (struct capture_settings){0};
	return settings_load(&capture_settings_schema, path, &settings, message, sizeof message);
}

START_TEST(defaults)
{
	ck_assert_int_eq(load(""), 0);
	ck_assert_int_eq(settings.period_ms, 30000);
	ck_assert_int_eq(settings.periods_kept, 20);
	ck_assert_uint_eq(settings.buffer_total, 64u << 20);
	ck_assert_int_ge(settings.snaplen, FILTER_SNAPLEN_MIN);
	settings_free(&capture_settings_schema, &settings);
}
END_TEST

START_TEST(everything_is_translated)
{
	struct address endpoints[CAPTURE_ENDPOINTS_MAX];
	struct discover_sources sources;
	struct mac *macs;
	long nmacs;

	ck_assert_int_eq(
	    load("period = 1min\n"
		 "vm \"web1\" { mac = {\"02:00:00:00:00:0A\", \"02-00-00-00-00-0b\"}\n"
		 "  uuid = \"6BA7B810-9DAD-11D1-80B4-00C04FD430C8\" interface = \"vnet0\"\n"
		 "  segment = \"t1\" vcpu = 2 memory = 2GiB addresses = {\"10.0.0.1\", "
		 "\"fd00::1\"} }\n"
		 "vm \"web2\" { mac = {\"02:00:00:00:00:0c\"} }\n"
		 "bridge \"br0\" { segment = \"t1\" exclude = {\"up*\", \"bond0\"} }\n"
		 "endpoint \"nfs\" { address = \"10.0.0.9\" }\n"),
	    0);
	ck_assert_int_eq(capture_settings_sources(&settings, &sources), 0);
	ck_assert_uint_eq(sources.nvms, 2);
	ck_assert_str_eq(sources.vms[0].vif.vm_id, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
	ck_assert_str_eq(sources.vms[0].vif.vm_name, "web1");
	ck_assert_str_eq(sources.vms[0].interface, "vnet0");
	ck_assert_uint_eq(sources.vms[0].vif.nmacs, 2);
	ck_assert_uint_eq(sources.vms[0].vif.naddresses, 2);
	ck_assert_int_eq(sources.vms[0].vif.addresses[1].evidence, EVIDENCE_CONFIGURED);
	ck_assert_uint_eq(sources.vms[0].vif.memory_bytes, UINT64_C(2) << 30);
	ck_assert_str_eq(sources.vms[1].vif.vm_id, "mac-02000000000c");
	ck_assert_uint_eq(sources.bridges[0].nexclude, 2);
	ck_assert_str_eq(sources.bridges[0].segment, "t1");
	discover_sources_deinit(&sources);
	ck_assert_uint_eq(capture_settings_endpoints(&settings, endpoints), 1);
	macs = capture_settings_macs(&settings, &nmacs);
	ck_assert_int_eq(nmacs, 3);
	free(macs);
	settings_free(&capture_settings_schema, &settings);
}
END_TEST

START_TEST(bad_values_are_named)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
	    {"period = 10s", "at least 30s"},
	    {"period = 7min", "divide a day"},
	    {"period = 30500ms", "divide a day"},
	    {"vm \"a\" { }", "mac"},
	    {"vm \"a\" { mac = {} }", "says nothing"},
	    {"vm \"a\" { application = \"shop\" interface = \"t\" }", "without mac"},
	    {"vm \"a\" { application = \"shop\" addresses = {\"10.0.0.1\"} }", "without mac"},
	    {"segment \"t1\" { vlan = 42 }", "bridge"},
	    {"segment \"t1\" { bridge = \"br0\" vlan = 4095 }", "vlan"},
	    {"segment \"\" { bridge = \"br0\" }", "empty"},
	    {"segment \"t1\" { bridge = \"0123456789abcdef\" }", "interface"},
	    {"segment \"t1\" { bridge = \"br0\" vlan = 1 }\n"
	     "segment \"t2\" { bridge = \"br0\" vlan = 1 }",
		"already"},
	    {"libvirt = maybe", "libvirt"},
	    {"libvirt_interval = 10ms", "libvirt_interval"},
	    {"vm \"a\" { mac = {\"02:00\"} }", "not a MAC"},
	    {"vm \"a\" { mac = {\"01:00:5e:00:00:01\"} }", "group"},
	    {"vm \"a\" { mac = {\"02:00:00:00:00:01\"} uuid = \"x\" }", "UUID"},
	    {"vm \"a\" { mac = {\"02:00:00:00:00:01\"} }\nvm \"b\" { mac = {\"02:00:00:00:00:01\"} "
	     "}",
		"twice"},
	    {"vm \"a\" { mac = {\"02:00:00:00:00:01\"} interface = \"0123456789abcdef\" }", "long"},
	    {"vm \"a\" { mac = {\"02:00:00:00:00:01\"} addresses = {\"10.0.0.256\"} }",
		"IP address"},
	    {"vm \"a\" { mac = {\"02:00:00:00:00:01\"} interface = \"t\" }\n"
	     "vm \"b\" { mac = {\"02:00:00:00:00:02\"} interface = \"t\" }",
		"already"},
	    {"bridge \"br0\" { segment = \"\" }", "segment"},
	    {"endpoint \"nfs\" { address = \"nfs.example\" }", "IP address"},
	    {"endpoint \"nfs\" { }", "address"},
	    {"snaplen = 64", "snaplen"},
	    {"wrong = 1", "wrong"},
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const int rc = load(bad[i].text);

		ck_assert_msg(rc == GRAPPE_EINVALID, "%s was taken", bad[i].text);
		ck_assert_msg(strstr(message, bad[i].why) != NULL, "%s: %s", bad[i].text, message);
	}
}
END_TEST

/* A section may add to what libvirt says, and segments are VLANs of bridges. */
START_TEST(sections_beside_libvirt)
{
	struct discover_sources sources;

	ck_assert_int_eq(load("segment \"t1\" { bridge = \"br0\" vlan = 42 }\n"
			      "segment \"t2\" { bridge = \"br0\" }\n"
			      "vm \"web1\" { application = \"shop\" }\n"
			      "vm \"x\" { uuid = \"6BA7B810-9DAD-11D1-80B4-00C04FD430C8\" "
			      "segment = \"t9\" }\n"),
	    0);
	ck_assert_int_eq(settings.libvirt, LIBVIRT_AUTO);
	ck_assert_int_eq(settings.libvirt_interval_ms, 60000);
	ck_assert_int_eq(capture_settings_sources(&settings, &sources), 0);
	ck_assert_uint_eq(sources.nsegments, 2);
	ck_assert_str_eq(sources.segments[0].name, "t1");
	ck_assert_str_eq(sources.segments[0].place.bridge, "br0");
	ck_assert_uint_eq(sources.segments[0].place.vlan, 42);
	ck_assert_uint_eq(sources.segments[1].place.vlan, 0);
	ck_assert_uint_eq(sources.nvms, 2);
	ck_assert_str_eq(sources.vms[0].vif.vm_id, "");
	ck_assert_str_eq(sources.vms[0].vif.application, "shop");
	ck_assert_str_eq(sources.vms[1].vif.vm_id, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
	discover_sources_deinit(&sources);
	settings_free(&capture_settings_schema, &settings);
}
END_TEST

START_TEST(short_periods_need_the_switch)
{
	ck_assert_int_eq(load("period = 5s\nallow_short_periods = yes\n"), 0);
	ck_assert_int_eq(settings.period_ms, 5000);
	settings_free(&capture_settings_schema, &settings);
}
END_TEST

/* ---- the socket filter ---- */

START_TEST(direction_from_the_captured_length)
{
	const uint32_t snaplen = 144, kept = snaplen - FILTER_SENT_CUT;

	/* As the kernel captures and libpcap hands over, without and with a VLAN tag put back. */
	for (uint32_t length = 14; length < 300; length++)
		for (uint32_t tag = 0; tag <= 4; tag += 4) {
			const uint32_t delivered = length < snaplen ? length : snaplen;
			const uint32_t sent = length - 1 < kept ? length - 1 : kept;

			ck_assert(!capture_filter_is_sent(delivered + tag, length + tag, snaplen));
			ck_assert(capture_filter_is_sent(sent + tag, length + tag, snaplen));
		}
}
END_TEST

START_TEST(jumps_stay_inside)
{
	struct sock_filter program[FILTER_LENGTH_MAX];
	struct address endpoints[FILTER_ENDPOINTS_MAX + 5] = {{0}};
	size_t length;

	for (size_t i = 0; i < FILTER_ENDPOINTS_MAX + 5; i++)
		endpoints[i].type = i % 2 == 0 ? ADDRESS_IPV4 : ADDRESS_IPV6;
	length = capture_filter_build(144, false, endpoints, FILTER_ENDPOINTS_MAX + 5, program);
	ck_assert_uint_le(length, FILTER_LENGTH_MAX);
	ck_assert_uint_gt(length, FILTER_ENDPOINTS_MAX);
	for (size_t i = 0; i < length; i++) {
		const struct sock_filter *one = &program[i];

		if (BPF_CLASS(one->code) != BPF_JMP)
			continue;
		if (BPF_OP(one->code) == BPF_JA)
			ck_assert_uint_lt(i + 1 + one->k, length);
		else
			ck_assert_uint_lt(i + 1 + (one->jt > one->jf ? one->jt : one->jf), length);
	}
	ck_assert_int_eq(BPF_CLASS(program[length - 1].code), BPF_RET);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("capture settings and filter");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, defaults);
	tcase_add_test(tests, everything_is_translated);
	tcase_add_test(tests, bad_values_are_named);
	tcase_add_test(tests, sections_beside_libvirt);
	tcase_add_test(tests, short_periods_need_the_switch);
	tcase_add_test(tests, direction_from_the_captured_length);
	tcase_add_test(tests, jumps_stay_inside);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
