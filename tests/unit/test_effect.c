/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a move brought: silence as exact as periods are, traffic between environments, pairs that
 * fell silent; and the list of moves that are waited for. */
#include "common/error.h"
#include "manager/effect.h"
#include "manager/effects.h"
#include "tests/fakes/observed.h"
#include "tests/unit/unit.h"

#include <math.h>

static const struct environments nowhere;

static struct effect_watch moved(const char *vm, char from, char to)
{
	struct effect_watch watch = {.left_s = 610,
	    .arrived_s = 640,
	    .seen_s = 660,
	    .ours = true,
	    .octets_before = 4e6,
	    .octets_after = 0};

	snprintf(watch.id, sizeof watch.id, "0011");
	snprintf(watch.vm, sizeof watch.vm, "mac-02000000000%c", vm[2]);
	snprintf(watch.name, sizeof watch.name, "%s", vm);
	snprintf(watch.from.environment, PLACE_NAME_SIZE, "site-%d", from == 'A' ? 1 : 2);
	snprintf(watch.from.host, PLACE_NAME_SIZE, "host%c", from);
	snprintf(watch.to.environment, PLACE_NAME_SIZE, "site-%d", to == 'A' ? 1 : 2);
	snprintf(watch.to.host, PLACE_NAME_SIZE, "host%c", to);
	return watch;
}

START_TEST(windows_are_whole_periods_beside_the_move)
{
	struct effect_watch watch = moved("vm3", 'B', 'A');
	int64_t before[2], after[2];

	effect_windows(&watch, 30, 100, before, after);
	ck_assert_int_eq(before[1], 600);
	ck_assert_int_eq(before[0], 480);
	ck_assert_int_eq(after[0], 660);
	ck_assert_int_eq(after[1], 780);
	watch.left_s = watch.arrived_s = 630;
	effect_windows(&watch, 30, 1, before, after);
	ck_assert_int_eq(before[1], 630);
	ck_assert_int_eq(before[0], 600);
	ck_assert_int_eq(after[0], 630);
	ck_assert_int_eq(after[1], 660);
}
END_TEST

static const struct {
	double packets[6];
	bool known;
	int periods, least_s, most_s;
} silences[] = {
    {{5, 5, 5, 5, 5, 5}, true, 0, 0, 60},
    {{5, 5, 0, 5, 5, 5}, true, 1, 30, 90},
    {{5, 0, 0, 5, 0, 5}, true, 2, 60, 120},
    {{0, 0, 5, 5, 5, 5}, false, 0, 0, 0},
    {{5, 5, 0, 0, 0, 0}, false, 0, 0, 0},
};

START_TEST(silence_is_as_exact_as_periods)
{
	struct effect_period periods[6];
	struct effect_silence got;

	for (int i = 0; i < 6; i++)
		periods[i] = (struct effect_period){30 * i, silences[_i].packets[i], 1};
	got = effect_silence(periods, 6, 30);
	ck_assert_int_eq(got.known, silences[_i].known);
	ck_assert_int_eq(got.periods, silences[_i].periods);
	ck_assert_int_eq(got.least_s, silences[_i].least_s);
	ck_assert_int_eq(got.most_s, silences[_i].most_s);
	ck_assert_int_eq(got.why != NULL, !silences[_i].known);
}
END_TEST

START_TEST(nothing_is_no_silence)
{
	ck_assert(!effect_silence(NULL, 0, 30).known);
}
END_TEST

/* vm3 exchanges 2 x 3e8 octets in 300 s with each of vm1 and vm2: 4 MB/s in all. */
static json_t *measure(const char *hosts_before, const char *hosts_after, double swing,
    const struct effect_watch *watch)
{
	const struct effect_silence silence = {.known = true, .most_s = 60};
	struct observation before, after;
	json_t *effect;

	observed_make(&before, hosts_before, 0);
	observed_make(&after, hosts_after, swing);
	effect = effect_build(watch, &silence, 1, &before, &after, &nowhere, 2000);
	observation_deinit(&before);
	observation_deinit(&after);
	ck_assert_ptr_nonnull(effect);
	return effect;
}

static double rate(const json_t *effect, const char *key)
{
	const json_t *value =
	    json_object_get(json_object_get(effect, "inter_environment_octets_per_s"), key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

START_TEST(a_move_home_saves_what_was_predicted)
{
	const struct effect_watch watch = moved("vm3", 'B', 'A');
	json_t *effect = measure("AABBBBB", "AAABBBB", 0, &watch);
	const json_t *move = json_array_get(json_object_get(effect, "moves"), 0);

	ck_assert_double_eq_tol(rate(effect, "before"), 4e6, 1);
	ck_assert_double_eq_tol(rate(effect, "after"), 0, 1);
	ck_assert_double_eq_tol(rate(effect, "predicted_saving"), 4e6, 1);
	ck_assert(!effect_brought_nothing(effect));
	ck_assert_str_eq(effect_text(effect),
	    "vm3: between environments 4.0 MB/s -> 0 B/s, predicted 0 B/s; 1 of 1 "
	    "seen there");
	ck_assert_uint_eq(json_array_size(json_object_get(move, "fell_silent")), 0);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(json_object_get(move, "silence"), "most_s")), 60);
	json_decref(effect);
}
END_TEST

START_TEST(a_move_that_brings_nothing_is_told)
{
	/* Its peers moved the other way meanwhile. */
	const struct effect_watch watch = moved("vm3", 'B', 'A');
	json_t *effect = measure("AABBBBB", "BBABBBB", 0, &watch);

	ck_assert_double_eq_tol(rate(effect, "after"), 4e6, 1);
	ck_assert(effect_brought_nothing(effect));
	json_decref(effect);
}
END_TEST

START_TEST(without_a_prediction_nothing_is_judged)
{
	struct effect_watch watch = moved("vm3", 'B', 'A');
	json_t *effect;

	watch.octets_before = watch.octets_after = NAN;
	watch.id[0] = '\0';
	effect = measure("AABBBBB", "BBABBBB", 0, &watch);
	ck_assert(!effect_brought_nothing(effect));
	ck_assert(json_is_null(json_object_get(effect, "recommendation")));
	ck_assert(isnan(rate(effect, "predicted_saving")));
	ck_assert_ptr_null(strstr(effect_text(effect), "predicted"));
	json_decref(effect);
}
END_TEST

START_TEST(pairs_that_fell_silent_are_named)
{
	const struct effect_watch watch = moved("vm3", 'B', 'A');
	json_t *effect = measure("AABBBBB", "AAABBBB", -1, &watch);
	const json_t *move = json_array_get(json_object_get(effect, "moves"), 0);
	const json_t *fallen = json_object_get(move, "fell_silent");

	ck_assert_uint_eq(json_array_size(fallen), 2);
	ck_assert_str_eq(
	    json_string_value(json_object_get(json_array_get(fallen, 0), "peer")), "vm1");
	ck_assert_double_eq_tol(
	    json_number_value(json_object_get(json_array_get(fallen, 0), "octets_per_s_before")),
	    2e6, 1);
	ck_assert_ptr_nonnull(strstr(effect_text(effect), "pairs fell silent"));
	json_decref(effect);
}
END_TEST

START_TEST(what_is_not_known_whole_is_no_silence_of_pairs)
{
	const struct effect_watch watch = moved("vm3", 'B', 'A');
	const struct effect_silence silence = {.why = "nobody saw it"};
	struct observation before, after;
	json_t *effect;

	observed_make(&before, "AABBBBB", 0);
	observed_make(&after, "AAABBBB", -1);
	matrix_window(after.matrix)->known = 9;
	effect = effect_build(&watch, &silence, 1, &before, &after, &nowhere, 2000);
	ck_assert(json_is_null(
	    json_object_get(json_array_get(json_object_get(effect, "moves"), 0), "fell_silent")));
	json_decref(effect);
	matrix_window(after.matrix)->known = 0;
	effect = effect_build(&watch, &silence, 1, &before, &after, &nowhere, 2000);
	ck_assert(isnan(rate(effect, "after")));
	ck_assert(!effect_brought_nothing(effect));
	ck_assert_ptr_nonnull(strstr(effect_text(effect), "is not known"));
	json_decref(effect);
	observation_deinit(&before);
	observation_deinit(&after);
}
END_TEST

/* ---- the list ---- */

START_TEST(a_move_is_due_when_it_was_seen_and_its_window_is_over)
{
	struct effects effects = {0};
	struct effect_watch watch = moved("vm3", 'B', 'A'), due[4];

	watch.seen_s = 0;
	ck_assert_int_eq(effects_made(&effects, &watch), GRAPPE_OK);
	ck_assert_uint_eq(effects_unseen(&effects), 1);
	ck_assert_uint_eq(effects_due(&effects, 780, 30, 100, due, 4), 0);
	watch.seen_s = 665;
	watch.ours = false;
	ck_assert_int_eq(effects_seen(&effects, &watch), GRAPPE_OK);
	ck_assert_uint_eq(effects.nwaiting, 1);
	ck_assert_uint_eq(effects_unseen(&effects), 0);
	ck_assert(effects.waiting[0].ours);
	ck_assert_uint_eq(effects_due(&effects, 779, 30, 100, due, 4), 0);
	ck_assert_uint_eq(effects_due(&effects, 780, 30, 100, due, 4), 1);
	ck_assert_str_eq(due[0].name, "vm3");
	ck_assert_int_eq(effects_keep(&effects, due, 1, NULL), GRAPPE_OK);
	ck_assert_uint_eq(effects.nwaiting, 0);
	effects_deinit(&effects);
}
END_TEST

START_TEST(one_that_nobody_sees_is_given_up_in_the_end)
{
	struct effects effects = {0};
	struct effect_watch watch = moved("vm3", 'B', 'A'), due[4];

	watch.seen_s = 0;
	effects_made(&effects, &watch);
	ck_assert_uint_eq(
	    effects_due(&effects, watch.arrived_s + EFFECTS_PATIENCE_S - 1, 30, 100, due, 4), 0);
	ck_assert_uint_eq(
	    effects_due(&effects, watch.arrived_s + EFFECTS_PATIENCE_S, 30, 100, due, 4), 1);
	effects_deinit(&effects);
}
END_TEST

START_TEST(moves_of_one_recommendation_are_measured_together)
{
	struct effects effects = {0};
	struct effect_watch first = moved("vm3", 'B', 'A'), second = moved("vm4", 'A', 'B'), due[4];
	struct effect_watch other = moved("vm7", 'A', 'B');

	second.left_s = 700;
	second.arrived_s = 730;
	other.id[0] = '\0';
	effects_made(&effects, &first);
	effects_made(&effects, &second);
	effects_seen(&effects, &other);
	/* The one of nobody's advice is alone. */
	ck_assert_uint_eq(effects_due(&effects, 780, 30, 100, due, 4), 1);
	ck_assert_str_eq(due[0].name, "vm7");
	effects_keep(&effects, due, 1, NULL);
	ck_assert_uint_eq(effects_due(&effects, 780, 30, 100, due, 4), 0);
	ck_assert_uint_eq(effects_due(&effects, 870, 30, 100, due, 4), 2);
	effects_deinit(&effects);
}
END_TEST

START_TEST(the_list_is_stored)
{
	char folder[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 32], message[256] = "";
	struct effects effects = {0}, again;
	const struct effect_watch watch = moved("vm3", 'B', 'A');
	json_t *effect = measure("AABBBBB", "AAABBBB", 0, &watch);

	unit_make_folder(folder);
	snprintf(path, sizeof path, "%s/effects.json", folder);
	ck_assert_int_eq(effects_load(path, &again, message, sizeof message), GRAPPE_OK);
	effects_deinit(&again);
	effects_made(&effects, &watch);
	for (int i = 0; i < EFFECTS_KEPT + 5; i++)
		effects_keep(&effects, NULL, 0, effect);
	ck_assert_int_eq(effects_save(&effects, path), GRAPPE_OK);
	ck_assert_int_eq(effects_load(path, &again, message, sizeof message), GRAPPE_OK);
	ck_assert_uint_eq(again.nwaiting, 1);
	ck_assert_str_eq(again.waiting[0].to.host, "hostA");
	ck_assert_double_eq(again.waiting[0].octets_before, 4e6);
	ck_assert_uint_eq(json_array_size(again.done), EFFECTS_KEPT);
	effects_deinit(&again);
	effects_deinit(&effects);
	json_decref(effect);
	unit_remove_folder(folder);
}
END_TEST

static const char *const damaged[] = {"", "[]", "{\"version\":2}", "{\"version\":1,\"waiting\":[]}",
    "{\"version\":1,\"waiting\":{},\"done\":[]}", "{\"version\":1,\"waiting\":[{}],\"done\":[]}",
    "{\"version\":1,\"waiting\":[],\"done\":[{}]}"};

START_TEST(damaged_files)
{
	struct effects effects;
	char message[256] = "";

	ck_assert_int_eq(
	    effects_parse(damaged[_i], strlen(damaged[_i]), &effects, message, sizeof message),
	    GRAPPE_EFORMAT);
	ck_assert_str_ne(message, "");
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
	Suite *suite = suite_create("effect");
	TCase *tcase = tcase_create("effect");

	tcase_add_test(tcase, windows_are_whole_periods_beside_the_move);
	tcase_add_loop_test(tcase, silence_is_as_exact_as_periods, 0, COUNT(silences));
	tcase_add_test(tcase, nothing_is_no_silence);
	tcase_add_test(tcase, a_move_home_saves_what_was_predicted);
	tcase_add_test(tcase, a_move_that_brings_nothing_is_told);
	tcase_add_test(tcase, without_a_prediction_nothing_is_judged);
	tcase_add_test(tcase, pairs_that_fell_silent_are_named);
	tcase_add_test(tcase, what_is_not_known_whole_is_no_silence_of_pairs);
	tcase_add_test(tcase, a_move_is_due_when_it_was_seen_and_its_window_is_over);
	tcase_add_test(tcase, one_that_nobody_sees_is_given_up_in_the_end);
	tcase_add_test(tcase, moves_of_one_recommendation_are_measured_together);
	tcase_add_test(tcase, the_list_is_stored);
	tcase_add_loop_test(tcase, damaged_files, 0, COUNT(damaged));
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
