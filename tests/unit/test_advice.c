/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From an observation to stored advice: the document, its states, history, and what a disk may do
 * to them. */
#include "common/error.h"
#include "manager/advise.h"
#include "manager/advisor.h"
#include "manager/report.h"
#include "tests/fakes/observed.h"
#include "tests/unit/unit.h"

#include <sys/stat.h>

static char folder[UNIT_PATH_SIZE];

static void setup(void)
{
	unit_make_folder(folder);
}

static void teardown(void)
{
	unit_remove_folder(folder);
}

static const struct manager_settings usual = {.environments = (char *)"",
    .rules = (char *)"",
    .objective = MANAGER_AUTO,
    .horizon_ms = 86400000,
    .waiting_share = 0.02,
    .dirty_rate = 15000000,
    .plan_time_ms = 1000,
    .minimum_gain = 0.1,
    .minimum_gain_rate = 10000,
    .max_moves = 20,
    .expires_ms = 3600000,
    .factor = 0.8,
    .merge_share = 0.7,
    .floor_packets = 100,
    .floor_size = 10000};

static json_t *advise_about(
    const struct observation *observation, const struct environments *environments, int64_t now_s)
{
	char message[256];
	json_t *document;

	ck_assert_msg(advise(&(struct advise_input){.observation = observation,
				 .environments = environments,
				 .settings = &usual,
				 .now_s = now_s},
			  &document, message, sizeof message) == 0,
	    "%s", message);
	return document;
}

/* A fresh document for VMs on these hosts. */
static json_t *document_of(const char *hosts, double swing, int64_t now_s)
{
	struct environments environments;
	struct observation observation;
	char message[256];
	json_t *document;

	observed_make(&observation, hosts, swing);
	ck_assert_int_eq(environments_parse(OBSERVED_SITES, strlen(OBSERVED_SITES), &environments,
			     message, sizeof message),
	    0);
	document = advise_about(&observation, &environments, now_s);
	environments_deinit(&environments);
	observation_deinit(&observation);
	return document;
}

static struct advisor *open_advisor(void)
{
	struct advisor *advisor;
	char message[256];

	ck_assert_msg(advisor_open(folder, &advisor, message, sizeof message) == 0, "%s", message);
	return advisor;
}

static bool take(struct advisor *advisor, const char *hosts, double swing, int64_t now_s)
{
	json_t *document = document_of(hosts, swing, now_s);
	const bool fresh = advisor_take(advisor, document, now_s);

	json_decref(document);
	return fresh;
}

static const char *state_of(const struct advisor *advisor)
{
	return recommendation_state(advisor_current(advisor));
}

static const char *event_of(const struct advisor *advisor, size_t from_end)
{
	const struct history *history = advisor_history(advisor);

	ck_assert_uint_ge(history->count, from_end);
	return history->events[history->count - from_end].event;
}

START_TEST(the_document_says_what_and_why)
{
	json_t *document = document_of("AABBBAA", 0, 1000), *move;
	char message[256];

	ck_assert_msg(recommendation_check(document, message, sizeof message) == 0, "%s", message);
	ck_assert_str_eq(recommendation_state(document), "pending");
	ck_assert_uint_eq(recommendation_moves(document), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(document, "expires")), 4600);
	/* Four links of 1 MB/s in each direction cross the sites. */
	ck_assert_double_eq_tol(
	    json_number_value(json_object_get(
		json_object_get(document, "before"), "inter_environment_octets_per_s")),
	    8e6, 1);
	ck_assert_double_eq_tol(
	    json_number_value(json_object_get(
		json_object_get(document, "after"), "inter_environment_octets_per_s")),
	    0, 1);
	move = json_array_get(json_object_get(document, "moves"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(move, "why")),
	    "vm3 exchanges 4.0 MB/s with vm1 and vm2 in site-1 and nothing with site-2");
	/* Nobody told about addresses and networks. */
	ck_assert_uint_eq(json_array_size(json_object_get(move, "hazards")), 4);
	ck_assert_str_eq(json_string_value(json_object_get(
			     json_array_get(json_object_get(move, "hazards"), 0), "state")),
	    "unknown");
	json_decref(document);
}
END_TEST

START_TEST(the_same_advice_has_the_same_id_whatever_the_noise)
{
	json_t *one = document_of("AABBBAA", 0, 1000), *two = document_of("AABBBAA", 0.2, 2000);
	json_t *other = document_of("AABBBBA", 0, 1000);

	ck_assert_str_eq(recommendation_id(one), recommendation_id(two));
	ck_assert_str_ne(recommendation_id(one), recommendation_id(other));
	json_decref(one);
	json_decref(two);
	json_decref(other);
}
END_TEST

START_TEST(vms_without_a_place_stay_out_and_are_counted)
{
	json_t *document = document_of("AABBB-A", 0, 1000);
	const json_t *notes = json_object_get(document, "notes");

	ck_assert_uint_eq(recommendation_moves(document), 1);
	ck_assert_uint_eq(json_array_size(notes), 1);
	ck_assert_ptr_nonnull(
	    strstr(json_string_value(json_array_get(notes, 0)), "1 VMs were left out"));
	json_decref(document);
}
END_TEST

START_TEST(marks_of_the_sensors_are_noted)
{
	struct environments environments;
	struct observation observation;
	char message[256];
	json_t *document;
	const json_t *notes;

	observed_make(&observation, "AABBBAA", 0);
	ck_assert_int_eq(environments_parse(OBSERVED_SITES, strlen(OBSERVED_SITES), &environments,
			     message, sizeof message),
	    0);
	matrix_window(observation.matrix)->caveats =
	    (struct caveats){.periods = 10, .marked = {[CAVEAT_UNSYNCHRONISED] = 2}};
	document = advise_about(&observation, &environments, 1000);
	notes = json_object_get(document, "notes");
	ck_assert_uint_eq(json_array_size(notes), 2);
	ck_assert_str_eq(json_string_value(json_array_get(notes, 0)),
	    "the sensors marked 2 of 10 periods: clock not synchronised");
	json_decref(document);
	environments_deinit(&environments);
	observation_deinit(&observation);
}
END_TEST

START_TEST(without_a_document_no_host_receives)
{
	const struct environments none = {0};
	struct observation observation;
	json_t *document;

	observed_make(&observation, "AABBBAA", 0);
	document = advise_about(&observation, &none, 1000);
	ck_assert_uint_eq(recommendation_moves(document), 0);
	ck_assert_str_eq(recommendation_state(document), "done");
	json_decref(document);
	observation_deinit(&observation);
}
END_TEST

START_TEST(advice_lives_through_its_states)
{
	struct advisor *advisor = open_advisor();
	char id[RECOMMENDATION_ID_SIZE];

	ck_assert_ptr_null(advisor_current(advisor));
	ck_assert(!take(advisor, "AAABBBA", 0, 1000)); /* sits well */
	ck_assert_str_eq(state_of(advisor), "done");
	ck_assert(take(advisor, "AABBBAA", 0, 1030));
	ck_assert_str_eq(state_of(advisor), "pending");
	snprintf(id, sizeof id, "%s", recommendation_id(advisor_current(advisor)));
	/* Confirmed: the same id and time of creation, a later expiry, nothing to post. */
	ck_assert(!take(advisor, "AABBBAA", 0.1, 1060));
	ck_assert_str_eq(recommendation_id(advisor_current(advisor)), id);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(advisor_current(advisor), "created")), 1030);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(advisor_current(advisor), "expires")), 4660);
	/* Other advice takes its place. */
	ck_assert(take(advisor, "ABABBBA", 0, 1090));
	ck_assert_str_eq(event_of(advisor, 2), "superseded");
	ck_assert_str_eq(event_of(advisor, 1), "created");
	ck_assert_int_eq(advisor_approve(advisor, id, 1100), GRAPPE_ENOTFOUND);
	snprintf(id, sizeof id, "%s", recommendation_id(advisor_current(advisor)));
	ck_assert_int_eq(advisor_approve(advisor, id, 1100), 0);
	ck_assert_int_eq(advisor_approve(advisor, id, 1101), 0);
	ck_assert_str_eq(event_of(advisor, 1), "approved");
	/* Carried out. */
	ck_assert(!take(advisor, "AAABBBA", 0, 1120));
	ck_assert_str_eq(state_of(advisor), "done");
	ck_assert_str_eq(event_of(advisor, 1), "done");
	ck_assert_int_eq(
	    advisor_approve(advisor, recommendation_id(advisor_current(advisor)), 1130),
	    GRAPPE_EINVALID);
	advisor_close(advisor);
}
END_TEST

START_TEST(what_is_left_of_approved_advice_stays_approved)
{
	struct advisor *advisor = open_advisor();

	ck_assert(take(advisor, "AABBBAA", 0, 1000));
	ck_assert_int_eq(
	    advisor_approve(advisor, recommendation_id(advisor_current(advisor)), 1000), 0);
	ck_assert(!take(advisor, "AABBBBA", 0, 1030));
	ck_assert_str_eq(state_of(advisor), "approved");
	ck_assert_uint_eq(recommendation_moves(advisor_current(advisor)), 1);
	ck_assert_str_eq(event_of(advisor, 1), "rest");
	advisor_close(advisor);
}
END_TEST

START_TEST(advice_that_nobody_confirms_expires)
{
	struct advisor *advisor = open_advisor();

	ck_assert(take(advisor, "AABBBAA", 0, 1000));
	advisor_expire(advisor, 4599);
	ck_assert_str_eq(state_of(advisor), "pending");
	ck_assert_int_eq(
	    advisor_approve(advisor, recommendation_id(advisor_current(advisor)), 4600),
	    GRAPPE_EINVALID);
	ck_assert_str_eq(state_of(advisor), "expired");
	ck_assert_str_eq(event_of(advisor, 1), "expired");
	ck_assert(take(advisor, "AABBBAA", 0, 5000)); /* it is new advice again */
	ck_assert_str_eq(state_of(advisor), "pending");
	advisor_close(advisor);
}
END_TEST

START_TEST(advice_and_history_survive_a_restart)
{
	struct advisor *advisor = open_advisor(), *second;
	char message[256];

	ck_assert(take(advisor, "AABBBAA", 0, 1000));
	advisor_settle(advisor, recommendation_id(advisor_current(advisor)), true, 1001);
	ck_assert_int_eq(advisor_open(folder, &second, message, sizeof message), GRAPPE_EEXISTS);
	ck_assert_ptr_nonnull(strstr(message, "another manager"));
	advisor_close(advisor);
	advisor = open_advisor();
	ck_assert_str_eq(state_of(advisor), "pending");
	ck_assert(json_is_true(json_object_get(advisor_current(advisor), "posted")));
	ck_assert_uint_eq(advisor_history(advisor)->count, 2);
	ck_assert(!take(advisor, "AABBBAA", 0, 1030));
	ck_assert(json_is_true(json_object_get(advisor_current(advisor), "posted")));
	advisor_close(advisor);
}
END_TEST

static void write_file(const char *name, const char *text, const char *mode)
{
	char path[UNIT_PATH_SIZE + 64];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, mode);
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

START_TEST(damaged_files_are_set_aside_and_nothing_else_is_lost)
{
	struct advisor *advisor = open_advisor();
	char path[UNIT_PATH_SIZE + 64];

	ck_assert(take(advisor, "AABBBAA", 0, 1000));
	advisor_close(advisor);
	write_file("recommendation.json", "{\"version\":1,\"id\":", "w");
	/* A line cut by a crash, then rubbish, then a line of another program. */
	write_file(
	    "history.jsonl", "{\"time\":5,\"id\":\"a\n\xff\xfe\n{\"time\":-1}\n{\"time\":7", "a");
	advisor = open_advisor();
	ck_assert_ptr_null(advisor_current(advisor));
	ck_assert_uint_eq(advisor_history(advisor)->count, 1);
	ck_assert_uint_eq(advisor_history(advisor)->damaged, 4);
	snprintf(path, sizeof path, "%s/recommendation.json.damaged", folder);
	ck_assert_int_eq(access(path, F_OK), 0);
	/* What comes next stands on a line of its own. */
	ck_assert(take(advisor, "AABBBAA", 0, 2000));
	advisor_close(advisor);
	advisor = open_advisor();
	ck_assert_uint_eq(advisor_history(advisor)->count, 2);
	ck_assert_str_eq(event_of(advisor, 1), "created");
	advisor_close(advisor);
}
END_TEST

START_TEST(the_history_is_bounded)
{
	char path[UNIT_PATH_SIZE + 64], text[32];
	struct history history;

	snprintf(path, sizeof path, "%s/history.jsonl", folder);
	for (int i = 0; i < 2 * HISTORY_KEPT - 5; i++)
		write_file("history.jsonl",
		    "{\"time\":1,\"id\":\"abc\",\"event\":\"created\",\"text\":\"\"}\n", "a");
	ck_assert_int_eq(history_open(&history, path), 0);
	for (int i = 0; i < 12; i++) {
		snprintf(text, sizeof text, "number %d", i);
		ck_assert_int_eq(history_add(&history, i, "abc", "created", text), 0);
	}
	ck_assert_uint_eq(history.count, HISTORY_KEPT);
	ck_assert_uint_lt(history.lines, HISTORY_KEPT + 10);
	history_close(&history);
	ck_assert_int_eq(history_open(&history, path), 0);
	ck_assert_uint_eq(history.count, HISTORY_KEPT);
	ck_assert_uint_eq(history.damaged, 0);
	ck_assert_int_eq(history.events[HISTORY_KEPT - 1].time_s, 11);
	history_close(&history);
}
END_TEST

START_TEST(a_disk_that_refuses_costs_no_advice)
{
	struct advisor *advisor = open_advisor();
	char path[UNIT_PATH_SIZE + 64];

	/* A folder where the file belongs: the write fails whoever runs the test. */
	snprintf(path, sizeof path, "%s/recommendation.json", folder);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert(take(advisor, "AABBBAA", 0, 1000));
	ck_assert_str_eq(state_of(advisor), "pending");
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert(!take(advisor, "AABBBAA", 0, 1030));
	advisor_close(advisor);
	advisor = open_advisor();
	ck_assert_str_eq(state_of(advisor), "pending");
	advisor_close(advisor);
}
END_TEST

START_TEST(the_report_tells_the_moves)
{
	json_t *document = document_of("AABBBAA", 0, 1000);
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	report_print(document, out);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "10 of 10 periods of 30 s"));
	ck_assert_ptr_nonnull(strstr(text, "vm1 vm2 vm3 (all-to-all)"));
	ck_assert_ptr_nonnull(strstr(text, "1. vm3: hostB (site-2) -> hostA (site-1)"));
	ck_assert_ptr_nonnull(strstr(text, "traffic after   0 B/s"));
	free(text);
	json_decref(document);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("advice");
	TCase *document = tcase_create("document"), *states = tcase_create("states");

	tcase_add_test(document, the_document_says_what_and_why);
	tcase_add_test(document, the_same_advice_has_the_same_id_whatever_the_noise);
	tcase_add_test(document, vms_without_a_place_stay_out_and_are_counted);
	tcase_add_test(document, marks_of_the_sensors_are_noted);
	tcase_add_test(document, without_a_document_no_host_receives);
	tcase_add_test(document, the_report_tells_the_moves);
	suite_add_tcase(suite, document);
	tcase_add_checked_fixture(states, setup, teardown);
	tcase_add_test(states, advice_lives_through_its_states);
	tcase_add_test(states, what_is_left_of_approved_advice_stays_approved);
	tcase_add_test(states, advice_that_nobody_confirms_expires);
	tcase_add_test(states, advice_and_history_survive_a_restart);
	tcase_add_test(states, damaged_files_are_set_aside_and_nothing_else_is_lost);
	tcase_add_test(states, the_history_is_bounded);
	tcase_add_test(states, a_disk_that_refuses_costs_no_advice);
	tcase_set_timeout(states, 60);
	suite_add_tcase(suite, states);
	return unit_run(suite);
}
