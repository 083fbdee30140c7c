/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses become VMs, endpoints or "external" (C-2, S-5, S-10); agents are summed. */
#include "collector/resolve.h"
#include "common/error.h"
#include "tests/fakes/make_period.h"
#include "tests/unit/unit.h"

#define END 1800000000

static struct period *a, *b;
static struct resolved *view;
static struct matrix *catalogue;
static struct resolve_config config;

static void setup(void)
{
	a = make_period(END);
	b = make_period(END);
	view = NULL;
	catalogue = matrix_new();
	config = (struct resolve_config){0};
}

static void teardown(void)
{
	period_free(a);
	period_free(b);
	resolve_free(view);
	matrix_free(catalogue);
}

/* Joins a (agent 0) and b (agent 1). */
static void join(bool b_remembered, const struct resolve_ghost *ghosts, size_t nghosts)
{
	const struct resolve_input inputs[] = {{.agent = 0, .period = make_sorted(a)},
	    {.agent = 1, .period = make_sorted(b), .remembered = b_remembered}};
	const struct resolve_request request = {.config = &config,
	    .catalogue = catalogue,
	    .length_s = MAKE_LENGTH_S,
	    .inputs = inputs,
	    .ninputs = 2,
	    .ghosts = ghosts,
	    .nghosts = nghosts,
	    .expected = 2};

	ck_assert_int_eq(resolve_periods(&request, &view), GRAPPE_OK);
}

/* Packets from one id to another; -1 when there is no such pair. */
static double packets(const char *sender, const char *receiver)
{
	const struct resolved_receiver *watched = resolve_find(view, receiver);

	for (uint32_t i = 0; watched != NULL && i < watched->nrows; i++) {
		const struct matrix_pair pair = resolve_row(view, watched->first_row + i);

		if (strcmp(matrix_name(catalogue, pair.source), sender) == 0)
			return pair.packets;
	}
	return -1;
}

START_TEST(a_sender_on_another_host_is_found)
{
	const uint32_t vif = make_vm(a, 1);

	make_vm(b, 2);
	make_received(a, vif, 2, 10, 1000);
	make_row(a, vif, ROW_RECEIVED, "192.0.2.1", 3, 300);
	make_row(a, vif, ROW_RECEIVED, "192.0.2.2", 4, 400);
	join(false, NULL, 0);
	ck_assert_double_eq(packets(make_id(2), make_id(1)), 10);
	ck_assert_double_eq(packets(SENDER_EXTERNAL, make_id(1)), 7);
	ck_assert_uint_eq(view->nreceivers, 2);
	ck_assert_double_eq(resolve_find(view, make_id(1))->known, 1);
	ck_assert_uint_eq(resolve_find(view, make_id(1))->nrows, 2);
	ck_assert_uint_eq(resolve_find(view, make_id(2))->nrows, 0);
	ck_assert_ptr_null(resolve_find(view, SENDER_EXTERNAL));
}
END_TEST

START_TEST(better_evidence_wins_whoever_comes_first)
{
	const uint32_t vif = make_vm(a, 1);

	make_claim(a, vif, "10.9.9.9", EVIDENCE_SOURCE);
	make_claim(a, vif, "10.8.8.8", EVIDENCE_CONFIGURED);
	make_claim(b, make_vm(b, 2), "10.9.9.9", EVIDENCE_CLAIMED);
	make_claim(b, 0, "10.8.8.8", EVIDENCE_CLAIMED);
	make_claim(b, make_vm(b, 3), "10.8.8.8", EVIDENCE_SOURCE);
	make_row(b, 1, ROW_RECEIVED, "10.9.9.9", 5, 50);
	make_row(b, 1, ROW_RECEIVED, "10.8.8.8", 6, 60);
	join(false, NULL, 0);
	ck_assert_double_eq(packets(make_id(2), make_id(3)), 5);
	ck_assert_double_eq(packets(make_id(1), make_id(3)), 6);
	ck_assert_uint_eq(view->address_conflicts, 0);
}
END_TEST

START_TEST(equal_evidence_is_a_conflict_and_one_result)
{
	make_claim(a, make_vm(a, 2), "10.9.9.9", EVIDENCE_CLAIMED);
	make_claim(b, make_vm(b, 1), "10.9.9.9", EVIDENCE_CLAIMED);
	make_row(a, 0, ROW_RECEIVED, "10.9.9.9", 5, 50);
	join(false, NULL, 0);
	ck_assert_double_eq(packets(make_id(1), make_id(2)), 5);
	ck_assert_uint_eq(view->address_conflicts, 1);
	ck_assert_ptr_nonnull(strstr(view->conflict, "10.9.9.9"));
}
END_TEST

START_TEST(the_same_address_on_two_segments_is_two_endpoints)
{
	const uint32_t t1 = make_vif(a, 1, "t1", 30000), t2 = make_vif(a, 2, "t2", 30000);

	make_claim(b, make_vif(b, 3, "t1", 30000), "10.0.0.99", EVIDENCE_CLAIMED);
	make_claim(b, make_vif(b, 4, "t2", 30000), "10.0.0.99", EVIDENCE_CLAIMED);
	make_row(a, t1, ROW_RECEIVED, "10.0.0.99", 1, 10);
	make_row(a, t2, ROW_RECEIVED, "10.0.0.99", 2, 20);
	join(false, NULL, 0);
	ck_assert_double_eq(packets(make_id(3), make_id(1)), 1);
	ck_assert_double_eq(packets(make_id(4), make_id(2)), 2);
	ck_assert_uint_eq(view->address_conflicts, 0);
}
END_TEST

START_TEST(other_segments_only_where_routed)
{
	static const char *const routed[] = {"t1", "t2"};

	make_vif(a, 1, "t1", 30000);
	make_vif(a, 2, "t3", 30000);
	make_claim(b, make_vif(b, 3, "t2", 30000), "10.0.0.99", EVIDENCE_CLAIMED);
	make_row(a, 0, ROW_RECEIVED, "10.0.0.99", 1, 10);
	make_row(a, 1, ROW_RECEIVED, "10.0.0.99", 2, 20);
	config = (struct resolve_config){.routed = routed, .nrouted = 2};
	join(false, NULL, 0);
	ck_assert_double_eq(packets(make_id(3), make_id(1)), 1);
	ck_assert_double_eq(packets(SENDER_EXTERNAL, make_id(2)), 2);
}
END_TEST

START_TEST(what_a_router_forwards_is_not_its_own)
{
	const uint32_t router = make_vm(a, 1);

	a->vifs[router].flags = VIF_ROUTER;
	make_claim(a, router, "198.51.100.7", EVIDENCE_SOURCE);
	make_vm(b, 2);
	make_row(b, 0, ROW_RECEIVED, "198.51.100.7", 9, 90);
	make_received(b, 0, 1, 8, 80);
	join(false, NULL, 0);
	ck_assert_double_eq(packets(SENDER_EXTERNAL, make_id(2)), 9);
	ck_assert_double_eq(packets(make_id(1), make_id(2)), 8);
}
END_TEST

START_TEST(endpoints_have_both_directions)
{
	static struct resolve_endpoint endpoints[] = {
	    {.id = "endpoint:nfs"}, {.id = "endpoint:nfs-t1", .segment = "t1"}};

	ck_assert_int_eq(address_parse("192.0.2.9", &endpoints[0].address), 0);
	endpoints[1].address = endpoints[0].address;
	config = (struct resolve_config){.endpoints = endpoints, .nendpoints = 2};
	make_vm(a, 1);
	make_vm(b, 2);
	make_row(a, 0, ROW_RECEIVED, "192.0.2.9", 5, 50);
	make_row(a, 0, ROW_SENT, "192.0.2.9", 6, 60);
	make_row(b, 0, ROW_SENT, "192.0.2.9", 7, 70);
	make_row(b, make_vif(b, 3, "t1", 30000), ROW_SENT, "192.0.2.9", 8, 80);
	make_row(a, 0, ROW_SENT, "192.0.2.10", 1, 10);
	make_row(a, 0, ROW_SENT, make_address(2), 100, 1000);
	join(false, NULL, 0);
	ck_assert_double_eq(packets("endpoint:nfs", make_id(1)), 5);
	ck_assert_double_eq(packets(make_id(1), "endpoint:nfs"), 6);
	ck_assert_double_eq(packets(make_id(2), "endpoint:nfs"), 7);
	ck_assert_double_eq(packets(make_id(3), "endpoint:nfs-t1"), 8);
	ck_assert_uint_eq(view->foreign_sent, 1);
	/* A VM counts what it receives itself: no second time. */
	ck_assert_double_eq(packets(make_id(1), make_id(2)), -1);
	ck_assert_double_eq(resolve_find(view, "endpoint:nfs")->known, 1);
}
END_TEST

START_TEST(no_pair_counts_go_to_their_own_senders)
{
	const uint32_t vif = make_vm(a, 1);

	a->vifs[vif].multicast_packets = 11;
	a->vifs[vif].other_packets = 12;
	make_row(a, vif, ROW_RECEIVED, "224.0.0.5", 2, 20);
	join(false, NULL, 0);
	ck_assert_double_eq(packets(SENDER_MULTICAST, make_id(1)), 13);
	ck_assert_double_eq(packets(SENDER_OTHER, make_id(1)), 12);
}
END_TEST

START_TEST(a_vm_that_migrated_is_summed)
{
	make_claim(a, make_vif(a, 1, SEGMENT_DEFAULT, 12000), make_address(1), EVIDENCE_CLAIMED);
	make_claim(b, make_vif(b, 1, SEGMENT_DEFAULT, 17900), make_address(1), EVIDENCE_CLAIMED);
	make_vm(b, 2);
	make_received(a, 0, 2, 40, 400);
	make_received(b, 0, 2, 60, 600);
	join(false, NULL, 0);
	ck_assert_double_eq(packets(make_id(2), make_id(1)), 100);
	ck_assert_double_eq_tol(resolve_find(view, make_id(1))->known, 29.9 / 30, 1e-9);
	ck_assert_uint_eq(resolve_find(view, make_id(1))->agent, 1);
	ck_assert_uint_eq(view->vm_conflicts, 0);
	ck_assert_uint_eq(view->address_conflicts, 0);
}
END_TEST

/* Ten milliseconds are nothing, but who watched them may have counted something. */
START_TEST(nearly_all_is_known_but_uncertain)
{
	make_vif(a, 1, SEGMENT_DEFAULT, 29990);
	make_vm(a, 2);
	make_vif(a, 3, SEGMENT_DEFAULT, 10100);
	make_vif(b, 3, SEGMENT_DEFAULT, 19900);
	join(false, NULL, 0);
	ck_assert_double_eq(resolve_find(view, make_id(1))->known, 1);
	ck_assert(resolve_find(view, make_id(1))->uncertain);
	ck_assert(!resolve_find(view, make_id(2))->uncertain);
	ck_assert(!resolve_find(view, make_id(3))->uncertain);
}
END_TEST

START_TEST(two_nics_are_one_watch_and_two_hosts_a_conflict)
{
	make_vif(a, 1, "t1", 30000);
	make_vif(a, 1, "t2", 15000);
	make_vif(b, 1, "t1", 30000);
	make_vif(b, 2, "t1", 10000);
	make_vif(b, 2, "t2", 9000);
	join(false, NULL, 0);
	ck_assert_double_eq(resolve_find(view, make_id(1))->known, 1);
	ck_assert_double_eq_tol(resolve_find(view, make_id(2))->known, 1.0 / 3, 1e-9);
	ck_assert_uint_eq(view->vm_conflicts, 1);
	ck_assert_ptr_nonnull(strstr(view->conflict, make_id(1)));
}
END_TEST

START_TEST(a_missing_agents_last_addresses_help_but_stay_uncertain)
{
	const struct resolve_ghost ghosts[] = {{"mac-020000000002", 1}, {"mac-020000000001", 1}};

	make_vm(a, 1);
	make_vm(a, 3);
	make_vm(b, 2);
	make_received(a, 0, 2, 10, 100);
	make_received(a, 1, 1, 11, 110);
	make_received(b, 0, 1, 500, 5000); /* of an earlier period: must not count */
	join(true, ghosts, 2);
	ck_assert_double_eq(packets(make_id(2), make_id(1)), 10);
	ck_assert_double_eq(packets(make_id(1), make_id(2)), -1);
	ck_assert(resolve_find(view, make_id(1))->uncertain);
	ck_assert(!resolve_find(view, make_id(1))->ghost);
	ck_assert(!resolve_find(view, make_id(3))->uncertain);
	ck_assert(resolve_find(view, make_id(2))->ghost);
	ck_assert_double_eq(resolve_find(view, make_id(2))->known, 0);
}
END_TEST

START_TEST(nothing_at_all_is_an_empty_view)
{
	join(false, NULL, 0);
	ck_assert_uint_eq(view->nreceivers, 0);
	ck_assert_ptr_null(resolve_find(view, make_id(1)));
	resolve_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resolve");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, a_sender_on_another_host_is_found);
	tcase_add_test(all, better_evidence_wins_whoever_comes_first);
	tcase_add_test(all, equal_evidence_is_a_conflict_and_one_result);
	tcase_add_test(all, the_same_address_on_two_segments_is_two_endpoints);
	tcase_add_test(all, other_segments_only_where_routed);
	tcase_add_test(all, what_a_router_forwards_is_not_its_own);
	tcase_add_test(all, endpoints_have_both_directions);
	tcase_add_test(all, no_pair_counts_go_to_their_own_senders);
	tcase_add_test(all, a_vm_that_migrated_is_summed);
	tcase_add_test(all, nearly_all_is_known_but_uncertain);
	tcase_add_test(all, two_nics_are_one_watch_and_two_hosts_a_conflict);
	tcase_add_test(all, a_missing_agents_last_addresses_help_but_stay_uncertain);
	tcase_add_test(all, nothing_at_all_is_an_empty_view);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
