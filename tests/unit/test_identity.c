/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/identity.h"

#include "common/error.h"
#include "tests/unit/unit.h"

START_TEST(uuids)
{
	char id[VM_ID_SIZE];

	ck_assert_int_eq(identity_from_uuid("4DEA22B3-1D52-D8F3-2516-782E98AB3FA0", id), GRAPPE_OK);
	ck_assert_str_eq(id, "4dea22b3-1d52-d8f3-2516-782e98ab3fa0");
	ck_assert(identity_is_vm(id));
	ck_assert_int_eq(
	    identity_from_uuid("4dea22b31d52d8f32516782e98ab3fa0", id), GRAPPE_EFORMAT);
	ck_assert_int_eq(
	    identity_from_uuid("4dea22b3-1d52-d8f3-2516-782e98ab3fa", id), GRAPPE_EFORMAT);
	ck_assert_int_eq(
	    identity_from_uuid("4dea22b3-1d52-d8f3-2516-782e98ab3fa00", id), GRAPPE_EFORMAT);
	ck_assert_int_eq(
	    identity_from_uuid("4dea22b3+1d52-d8f3-2516-782e98ab3fa0", id), GRAPPE_EFORMAT);
	ck_assert_int_eq(
	    identity_from_uuid("4dea22b3-1d52-d8f3-2516-782e98ab3fg0", id), GRAPPE_EFORMAT);
	ck_assert_int_eq(identity_from_uuid("", id), GRAPPE_EFORMAT);
}
END_TEST

START_TEST(macs)
{
	const struct mac mac = {{0x02, 0, 0, 0xab, 0xcd, 0xef}};
	struct mac back;
	char id[VM_ID_SIZE];

	identity_from_mac(&mac, id);
	ck_assert_str_eq(id, "mac-020000abcdef");
	ck_assert(identity_is_vm(id));
	ck_assert_int_eq(identity_mac(id, &back), 0);
	ck_assert(mac_equal(&back, &mac));
	ck_assert_int_eq(identity_mac("external", &back), GRAPPE_ENOTFOUND);
}
END_TEST

START_TEST(what_is_no_vm)
{
	static const char *const others[] = {"", "mac-", "mac-020000abcdE0", "mac-020000abcde",
	    "mac-020000abcdeff", "4DEA22B3-1D52-D8F3-2516-782E98AB3FA0", "external", "../../etc"};

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		ck_assert_msg(!identity_is_vm(others[i]), "%s", others[i]);
}
END_TEST

START_TEST(what_is_valid)
{
	static const char *const good[] = {"external", "other", "multicast",
	    "endpoint:nfs-1.site_2", "mac-020000abcdef", "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"};
	static const char *const bad[] = {"", ".", "..", "externals", "endpoint:", "endpoint:a/b",
	    "endpoint:a b", "endpoint:a\n", "/etc/passwd",
	    "endpoint:0123456789012345678901234567890123456789012345678901234"};

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		ck_assert_msg(identity_is_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!identity_is_valid(bad[i]), "%s", bad[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("identity");
	TCase *tcase = tcase_create("identity");

	tcase_add_test(tcase, uuids);
	tcase_add_test(tcase, macs);
	tcase_add_test(tcase, what_is_no_vm);
	tcase_add_test(tcase, what_is_valid);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
