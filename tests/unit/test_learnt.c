/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/issued.h"
#include "agent-module/learnt.h"
#include "tests/unit/unit.h"

static struct learnt learnt;

static void setup(void)
{
	learnt = (struct learnt){0};
}

static struct address at(const char *text)
{
	struct address address;

	ck_assert_int_eq(address_parse(text, &address), 0);
	return address;
}

static void note(const char *text, enum address_evidence evidence, int64_t now_s)
{
	const struct address address = at(text);

	learnt_note(&learnt, &address, evidence, now_s);
}

/* Evidence for the address, 0 when it is not known. */
static int evidence_of(const char *text)
{
	const struct address address = at(text);
	struct period_vif vif = {0};

	learnt_export(&learnt, &vif);
	for (uint32_t i = 0; i < vif.naddresses; i++)
		if (address_compare(&vif.addresses[i].address, &address) == 0)
			return vif.addresses[i].evidence;
	return 0;
}

START_TEST(the_stronger_evidence_stays)
{
	note("10.0.0.1", EVIDENCE_SOURCE, 1);
	ck_assert_int_eq(evidence_of("10.0.0.1"), EVIDENCE_SOURCE);
	note("10.0.0.1", EVIDENCE_CLAIMED, 2);
	note("10.0.0.1", EVIDENCE_SOURCE, 3);
	ck_assert_int_eq(evidence_of("10.0.0.1"), EVIDENCE_CLAIMED);
	note("10.0.0.1", EVIDENCE_CONFIGURED, 4);
	note("10.0.0.1", EVIDENCE_CLAIMED, 5);
	ck_assert_int_eq(evidence_of("10.0.0.1"), EVIDENCE_CONFIGURED);
}
END_TEST

START_TEST(addresses_of_nobody)
{
	static const char *const nobody[] = {
	    "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"};

	for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++)
		note(nobody[i], EVIDENCE_CLAIMED, 1);
	ck_assert_uint_eq(learnt.count, 0);
}
END_TEST

START_TEST(claims_make_sources_leave)
{
	char text[32];

	for (int i = 0; i < 40; i++) {
		snprintf(text, sizeof text, "10.1.0.%d", i + 1);
		note(text, EVIDENCE_SOURCE, i);
	}
	ck_assert_uint_eq(learnt.count, PERIOD_ADDRESSES_MAX);
	ck_assert(learnt_is_router(&learnt));
	ck_assert_int_eq(evidence_of("10.1.0.40"), EVIDENCE_SOURCE); /* newer ones stay */
	ck_assert_int_eq(evidence_of("10.1.0.1"), 0);
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof text, "10.2.0.%d", i + 1);
		note(text, EVIDENCE_CLAIMED, 50);
	}
	ck_assert_int_eq(evidence_of("10.2.0.16"), EVIDENCE_CLAIMED);
	ck_assert_int_eq(evidence_of("10.2.0.17"), 0); /* full of claims */
	ck_assert(!learnt_is_router(&learnt));
}
END_TEST

START_TEST(old_ones_are_forgotten)
{
	note("10.0.0.1", EVIDENCE_CONFIGURED, 0);
	note("10.0.0.2", EVIDENCE_CLAIMED, 0);
	note("10.0.0.3", EVIDENCE_SOURCE, 0);
	learnt_expire(&learnt, LEARNT_SOURCE_AGE_S);
	ck_assert_uint_eq(learnt.count, 3);
	learnt_expire(&learnt, LEARNT_SOURCE_AGE_S + 1);
	ck_assert_int_eq(evidence_of("10.0.0.3"), 0);
	note("10.0.0.2", EVIDENCE_SOURCE, 3000); /* a sign of life */
	learnt_expire(&learnt, LEARNT_CLAIM_AGE_S + 1);
	ck_assert_int_eq(evidence_of("10.0.0.2"), EVIDENCE_CLAIMED);
	learnt_expire(&learnt, 3000 + LEARNT_CLAIM_AGE_S + 1);
	ck_assert_int_eq(evidence_of("10.0.0.2"), 0);
	ck_assert_int_eq(evidence_of("10.0.0.1"), EVIDENCE_CONFIGURED);
}
END_TEST

START_TEST(a_clock_that_steps_back_forgets_nothing_forever)
{
	note("10.0.0.3", EVIDENCE_SOURCE, 1000000);
	learnt_expire(&learnt, 100);
	learnt_expire(&learnt, 101 + LEARNT_SOURCE_AGE_S);
	ck_assert_uint_eq(learnt.count, 0);
}
END_TEST

START_TEST(a_claim_moves)
{
	const struct address address = at("10.0.0.2"), fixed = at("10.0.0.1");

	note("10.0.0.1", EVIDENCE_CONFIGURED, 0);
	note("10.0.0.2", EVIDENCE_CLAIMED, 0);
	learnt_drop_claim(&learnt, &address);
	learnt_drop_claim(&learnt, &fixed);
	ck_assert_int_eq(evidence_of("10.0.0.2"), 0);
	ck_assert_int_eq(evidence_of("10.0.0.1"), EVIDENCE_CONFIGURED);
}
END_TEST

START_TEST(issued_runs)
{
	struct issued issued = {0};

	for (int64_t end = 300; end <= 600; end += 30)
		issued_add(&issued, end, 30);
	ck_assert_uint_eq(issued.nruns, 1);
	ck_assert(
	    issued_has(&issued, 300) && issued_has(&issued, 600) && !issued_has(&issued, 630));
	ck_assert_int_eq(issued_next(&issued, 330, 30), 630);
	ck_assert_int_eq(issued_next(&issued, 270, 30), 270);
	issued_add(&issued, 240, 30);
	ck_assert_int_eq(issued_next(&issued, 240, 30), 270);
	issued_add(&issued, 270, 30); /* closes the gap */
	ck_assert_uint_eq(issued.nruns, 1);
	ck_assert_int_eq(issued_next(&issued, 240, 30), 630);
	issued_add(&issued, 240, 30);
	ck_assert_uint_eq(issued.nruns, 1);
}
END_TEST

START_TEST(too_many_runs_never_free_an_end)
{
	struct issued issued = {0};

	/* Backwards and with gaps: each is a run of its own. */
	for (int64_t i = 40; i > 0; i--)
		issued_add(&issued, i * 300, 30);
	ck_assert_uint_le(issued.nruns, ISSUED_RUNS_MAX);
	for (int64_t i = 1; i <= 40; i++)
		ck_assert_msg(issued_has(&issued, i * 300), "%d was forgotten", (int)i);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("learnt and issued");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, the_stronger_evidence_stays);
	tcase_add_test(tests, addresses_of_nobody);
	tcase_add_test(tests, claims_make_sources_leave);
	tcase_add_test(tests, old_ones_are_forgotten);
	tcase_add_test(tests, a_clock_that_steps_back_forgets_nothing_forever);
	tcase_add_test(tests, a_claim_moves);
	tcase_add_test(tests, issued_runs);
	tcase_add_test(tests, too_many_runs_never_free_an_end);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
