/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The traffic between two sides from rows of an inventory and of a matrix. */
#include "common/error.h"
#include "nagios/pair.h"
#include "tests/unit/unit.h"

#define SINCE 1000
#define WANTED 10
#define WEB "mac-020000000001"
#define DB "mac-020000000002"
#define LOG "mac-020000000003"
#define OLD "mac-020000000004"

static char message[256];
static struct pair *pair;
static struct pair_answer answer;

static void teardown(void)
{
	pair_free(pair);
	pair = NULL;
}

static void begin(const char *from, const char *to)
{
	struct pair_side sides[2];

	teardown();
	ck_assert_int_eq(pair_parse_side(from, &sides[0]), GRAPPE_OK);
	ck_assert_int_eq(pair_parse_side(to, &sides[1]), GRAPPE_OK);
	ck_assert_int_eq(pair_new(sides, SINCE, &pair), GRAPPE_OK);
}

static void add_vm(
    const char *id, const char *name, const char *site, const char *seen, const char *application)
{
	const char *const fields[] = {
	    id, name, "host", site, "default", "1", "1", "-", "0", seen, application};

	ck_assert_int_eq(pair_add_vm(pair, fields), GRAPPE_OK);
}

static void add_vms(void)
{
	add_vm(WEB, "web1", "s1", "2000", "shop");
	add_vm(DB, "db1", "s2", "2000", "shop");
	add_vm(LOG, "log1", "s2", "2000", "-");
	add_vm(OLD, "old1", "s2", "900", "gone");
}

static int settle(void)
{
	message[0] = '\0';
	return pair_settle(pair, message, sizeof message);
}

static int add_row(const char *receiver, const char *sender, const char *packets,
    const char *octets, const char *known)
{
	const char *const fields[] = {receiver, sender, packets, octets, known};

	return pair_add_row(pair, fields, WANTED, NULL);
}

static void set_up(const char *from, const char *to)
{
	begin(from, to);
	add_vms();
	ck_assert_msg(settle() == GRAPPE_OK, "%s", message);
}

static void finish(void)
{
	answer = (struct pair_answer){.length_s = 30};
	pair_finish(pair, WANTED, &answer);
}

static void check_sums(const struct pair_sums *sums, double octets, double packets, double known)
{
	ck_assert_double_eq_tol(sums->octets, octets, 1e-6);
	ck_assert_double_eq_tol(sums->packets, packets, 1e-6);
	ck_assert_double_eq_tol(sums->known, known, 1e-6);
}

static const struct {
	const char *text;
	int rc;
	enum pair_kind kind;
	const char *name;
} sides[] = {
    {"web1", GRAPPE_OK, PAIR_VM, "web1"},
    {"vm:app:x", GRAPPE_OK, PAIR_VM, "app:x"},
    {"app:shop", GRAPPE_OK, PAIR_APPLICATION, "shop"},
    {"site:s 1", GRAPPE_OK, PAIR_SITE, "s 1"},
    {"other:x", GRAPPE_OK, PAIR_VM, "other:x"},
    {"", GRAPPE_EFORMAT, PAIR_VM, ""},
    {"app:", GRAPPE_EFORMAT, PAIR_APPLICATION, ""},
    {"app:-", GRAPPE_EFORMAT, PAIR_APPLICATION, "-"}, /* "-" is unknown in answers */
    {"-", GRAPPE_EFORMAT, PAIR_VM, "-"},
};

START_TEST(sides_have_prefixes)
{
	struct pair_side side;

	ck_assert_int_eq(pair_parse_side(sides[_i].text, &side), sides[_i].rc);
	ck_assert_int_eq(side.kind, sides[_i].kind);
	ck_assert_str_eq(side.name, sides[_i].name);
}
END_TEST

START_TEST(two_vms_both_ways)
{
	set_up("web1", DB);
	ck_assert_str_eq(pair_vm(pair, 0), WEB);
	ck_assert_str_eq(pair_vm(pair, 1), DB);
	ck_assert_int_eq(add_row(WEB, DB, "10", "1000", "10"), GRAPPE_OK);
	ck_assert_int_eq(add_row(WEB, LOG, "99", "9999", "10"), GRAPPE_OK);
	ck_assert_int_eq(add_row(WEB, "external", "99", "9999", "10"), GRAPPE_OK);
	ck_assert_int_eq(add_row(DB, WEB, "2", "300.5", "5"), GRAPPE_OK);
	ck_assert_int_eq(add_row(LOG, WEB, "99", "9999", "10"), GRAPPE_OK);
	finish();
	check_sums(&answer.directions[PAIR_FORWARD], 300.5, 2, 0.5);
	check_sums(&answer.directions[PAIR_BACKWARD], 1000, 10, 1);
	check_sums(&answer.both, 1300.5, 12, 0.75);
	ck_assert_uint_eq(answer.members[0], 1);
	ck_assert_uint_eq(answer.members[1], 1);
}
END_TEST

START_TEST(nothing_received_is_not_nothing_known)
{
	set_up("web1", "db1");
	ck_assert_int_eq(add_row(WEB, "-", "0", "0", "10"), GRAPPE_OK); /* watched, got nothing */
	ck_assert_int_eq(add_row(DB, "-", "-", "-", "0"), GRAPPE_OK);   /* not watched */
	finish();
	check_sums(&answer.directions[PAIR_BACKWARD], 0, 0, 1);
	check_sums(&answer.directions[PAIR_FORWARD], 0, 0, 0);
	/* A receiver without any row is not known either. */
	set_up("web1", "db1");
	finish();
	check_sums(&answer.both, 0, 0, 0);
}
END_TEST

START_TEST(applications_and_sites_are_their_vms)
{
	set_up("app:shop", "site:s2");
	ck_assert_ptr_null(pair_vm(pair, 0));
	ck_assert_int_eq(add_row(DB, WEB, "1", "100", "10"), GRAPPE_OK);   /* forward */
	ck_assert_int_eq(add_row(LOG, WEB, "1", "10", "10"), GRAPPE_OK);   /* forward */
	ck_assert_int_eq(add_row(WEB, LOG, "1", "1000", "10"), GRAPPE_OK); /* backward */
	/* db1 is of both: what goes between it and log1 goes both ways, and counts once. */
	ck_assert_int_eq(add_row(LOG, DB, "1", "1", "10"), GRAPPE_OK);
	ck_assert_int_eq(add_row(DB, DB, "7", "7", "10"), GRAPPE_OK); /* to itself */
	finish();
	ck_assert_uint_eq(answer.members[0], 2);
	ck_assert_uint_eq(answer.members[1], 2); /* old1 was not seen in the window */
	check_sums(&answer.directions[PAIR_FORWARD], 111, 3, 1);
	check_sums(&answer.directions[PAIR_BACKWARD], 1000, 1, 1);
	check_sums(&answer.both, 1111, 4, 1);
}
END_TEST

START_TEST(only_one_receivers_rows_count_if_wanted)
{
	const char *const mine[] = {WEB, DB, "1", "100", "10"}, *const other[] = {
								    DB, WEB, "1", "10", "10"};

	set_up("web1", "db1");
	ck_assert_int_eq(pair_add_row(pair, mine, WANTED, WEB), GRAPPE_OK);
	ck_assert_int_eq(pair_add_row(pair, other, WANTED, WEB), GRAPPE_OK);
	finish();
	check_sums(&answer.both, 100, 1, 0.5);
}
END_TEST

static const struct {
	const char *from, *to, *says;
} nobody[] = {
    {"web2", "db1", "no VM has the name or id web2"},
    {"web1", "app:none", "no VM belongs to the application none"},
    {"site:s9", "db1", "no VM is in the site s9"},
    {"app:gone", "db1", "no VM of gone was there in that time"},
    {"web1", WEB, "both sides are the same VM"},
    {"twin", "db1", "2 VMs have the name twin: take an id"},
};

START_TEST(who_is_not_there_is_told)
{
	begin(nobody[_i].from, nobody[_i].to);
	add_vms();
	add_vm("mac-020000000005", "twin", "s1", "2000", "-");
	add_vm("mac-020000000006", "twin", "s1", "2000", "-");
	ck_assert_int_eq(settle(), GRAPPE_ENOTFOUND);
	ck_assert_str_eq(message, nobody[_i].says);
}
END_TEST

START_TEST(of_one_name_the_vm_that_is_there_counts)
{
	for (int order = 0; order < 2; order++) {
		begin("web1", "db1");
		if (order == 0)
			add_vm("mac-020000000009", "web1", "s1", "900", "-");
		add_vms();
		if (order == 1)
			add_vm("mac-020000000009", "web1", "s1", "900", "-");
		ck_assert_msg(settle() == GRAPPE_OK, "%s", message);
		ck_assert_str_eq(pair_vm(pair, 0), WEB);
	}
	/* An id is meant before a name. */
	begin(WEB, "db1");
	add_vm("mac-020000000009", WEB, "s1", "2000", "-");
	add_vms();
	ck_assert_int_eq(settle(), GRAPPE_OK);
	ck_assert_str_eq(pair_vm(pair, 0), WEB);
}
END_TEST

START_TEST(a_site_that_is_watched_may_be_empty)
{
	const struct pair_side both[2] = {
	    {.kind = PAIR_VM, .name = "web1"}, {.kind = PAIR_SITE, .name = "s9", .watched = true}};

	teardown();
	ck_assert_int_eq(pair_new(both, SINCE, &pair), GRAPPE_OK);
	add_vms();
	ck_assert_msg(settle() == GRAPPE_OK, "%s", message);
	ck_assert_int_eq(add_row(WEB, LOG, "1", "100", "10"), GRAPPE_OK);
	finish();
	check_sums(&answer.directions[PAIR_FORWARD], 0, 0, 1);
	check_sums(&answer.both, 0, 0, 1);
	ck_assert_uint_eq(answer.members[1], 0);
}
END_TEST

static const struct {
	const char *packets, *octets, *known;
} bad[] = {
    {"x", "1", "1"},
    {"1", "-1", "1"},
    {"1", "1", "11"},
    {"1", "", "1"},
    {"1", "nan", "1"},
    {"inf", "1", "1"},
    {"1", "0x10", "1"},
    {"1", "1e999", "1"},
    {"1 ", "1", "1"},
};

START_TEST(numbers_that_are_none_are_refused)
{
	set_up("web1", "db1");
	ck_assert_int_eq(
	    add_row(WEB, DB, bad[_i].packets, bad[_i].octets, bad[_i].known), GRAPPE_EFORMAT);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
	Suite *suite = suite_create("pair");
	TCase *tcase = tcase_create("pair");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_loop_test(tcase, sides_have_prefixes, 0, COUNT(sides));
	tcase_add_test(tcase, two_vms_both_ways);
	tcase_add_test(tcase, nothing_received_is_not_nothing_known);
	tcase_add_test(tcase, applications_and_sites_are_their_vms);
	tcase_add_test(tcase, only_one_receivers_rows_count_if_wanted);
	tcase_add_loop_test(tcase, who_is_not_there_is_told, 0, COUNT(nobody));
	tcase_add_test(tcase, of_one_name_the_vm_that_is_there_counts);
	tcase_add_test(tcase, a_site_that_is_watched_may_be_empty);
	tcase_add_loop_test(tcase, numbers_that_are_none_are_refused, 0, COUNT(bad));
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
