/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/address.h"

#include "common/error.h"
#include "tests/unit/unit.h"

static struct address parse(const char *text)
{
	struct address address;

	ck_assert_msg(address_parse(text, &address) == GRAPPE_OK, "%s", text);
	return address;
}

START_TEST(texts_come_back)
{
	static const char *const texts[][2] = {{"192.0.2.1", "192.0.2.1"}, {"0.0.0.0", "0.0.0.0"},
	    {"255.255.255.255", "255.255.255.255"}, {"::", "::"},
	    {"2001:DB8:0:0::1", "2001:db8::1"},
	    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}};
	char out[ADDRESS_TEXT_SIZE];

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		const struct address address = parse(texts[i][0]);

		ck_assert_str_eq(address_format(&address, out), texts[i][1]);
	}
	ck_assert_str_eq(address_format(&(struct address){0}, out), "-");
}
END_TEST

START_TEST(bad_texts)
{
	static const char *const texts[] = {"", "1.2.3", "1.2.3.256", "1.2.3.4 ", " 1.2.3.4",
	    "1.2.3.4/24", "::1%eth0", "[::1]", ":::", "localhost", "1::2::3"};
	struct address address;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		ck_assert_msg(address_parse(texts[i], &address) == GRAPPE_EFORMAT, "%s", texts[i]);
		ck_assert_uint_eq(address.type, ADDRESS_NONE);
		ck_assert_uint_eq(address_size(&address), 0);
	}
}
END_TEST

START_TEST(order_and_hash)
{
	/* ascending as SNMP walks {InetAddressType, InetAddress} */
	static const char *const sorted[] = {
	    "0.0.0.1", "1.0.0.0", "192.0.2.1", "192.0.2.2", "::", "::1", "2001:db8::", "ff02::1"};
	const size_t count = sizeof sorted / sizeof *sorted;

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++) {
			const struct address a = parse(sorted[i]), b = parse(sorted[j]);
			const int order = address_compare(&a, &b);

			ck_assert_int_eq(order < 0, i < j);
			ck_assert_int_eq(order == 0, i == j);
			ck_assert_int_eq(address_hash(&a) == address_hash(&b), i == j);
		}
}
END_TEST

START_TEST(multicast)
{
	static const struct {
		const char *text;
		bool multicast;
	} cases[] = {{"224.0.0.1", true}, {"239.255.255.255", true}, {"240.0.0.1", false},
	    {"255.255.255.255", true}, {"192.0.2.255", false}, {"ff02::1", true},
	    {"fe80::1", false}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct address address = parse(cases[i].text);

		ck_assert_int_eq(address_is_multicast(&address), cases[i].multicast);
	}
}
END_TEST

START_TEST(macs)
{
	static const char *const bad[] = {"", "0", "02:00:00:00:00", "02:00:00:00:00:0g",
	    "02:00:00:00:00:01:", "2:0:0:0:0:1", "020000000001", "02.00.00.00.00.01",
	    "02:00:00:00:00:1"};
	char out[MAC_TEXT_SIZE];
	struct mac mac, other;

	ck_assert_int_eq(mac_parse("02-00-00-aB-cD-01", &mac), GRAPPE_OK);
	ck_assert_str_eq(mac_format(&mac, out), "02:00:00:ab:cd:01");
	ck_assert(!mac_is_group(&mac));
	ck_assert_int_eq(mac_parse("ff:ff:ff:ff:ff:ff", &other), GRAPPE_OK);
	ck_assert(mac_is_group(&other));
	ck_assert(!mac_equal(&mac, &other));
	ck_assert(mac_equal(&mac, &mac));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(mac_parse(bad[i], &mac) == GRAPPE_EFORMAT, "%s", bad[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("address");
	TCase *tcase = tcase_create("address");

	tcase_add_test(tcase, texts_come_back);
	tcase_add_test(tcase, bad_texts);
	tcase_add_test(tcase, order_and_hash);
	tcase_add_test(tcase, multicast);
	tcase_add_test(tcase, macs);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
