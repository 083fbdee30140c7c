/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"
#include "manager/service_state.h"
#include "tests/unit/unit.h"

#include <jansson.h>

static struct service_states states;
static json_t *document, *environments;

static const char document_text[] =
    "{\"version\":1,\"id\":\"9f3c1a2b77\",\"state\":\"pending\",\"status\":\"ok\",\"periods\":[9,"
    "10],"
    "\"before\":{\"inter_environment_octets_per_s\":5.1e6},"
    "\"after\":{\"inter_environment_octets_per_s\":1e4},"
    "\"applications\":[{\"application\":\"shop\",\"inter_environment_octets_per_s_before\":5e6,"
    "\"inter_environment_octets_per_s_after\":1e4},"
    "{\"application\":null,\"inter_environment_octets_per_s_before\":1e5,"
    "\"inter_environment_octets_per_s_after\":0},"
    "{\"application\":\"mail\",\"inter_environment_octets_per_s_before\":0,"
    "\"inter_environment_octets_per_s_after\":0}],"
    "\"moves\":[{\"step\":1,\"vm\":{\"id\":\"a\",\"name\":\"web1\",\"application\":\"shop\"},"
    "\"from\":{\"environment\":\"site-1\",\"host\":\"hostA\"},"
    "\"to\":{\"environment\":\"site-2\",\"host\":null},\"forced\":false,\"why\":\"web1 talks\"}]}";

static void set_up(void)
{
	document = json_loads(document_text, 0, NULL);
	environments = json_loads("{\"environments\":[{\"name\":\"site-2\"},{\"name\":\"site-1\"},"
				  "{\"name\":\"site-3\"}]}",
	    0, NULL);
	ck_assert_ptr_nonnull(document);
	ck_assert_ptr_nonnull(environments);
}

static void tear_down(void)
{
	service_states_deinit(&states);
	json_decref(document);
	json_decref(environments);
}

static void make(const char *input_state, const char *error, int64_t age_s)
{
	const struct service_input input = {.document = document,
	    .input_state = input_state,
	    .input_error = error,
	    .input_to_s = 10000,
	    .stale_s = 120,
	    .now_s = 10000 + age_s,
	    .environments = environments};

	service_states_deinit(&states);
	ck_assert_int_eq(service_states_make(&input, &states), GRAPPE_OK);
}

static void names_are(const char *const *names)
{
	size_t i;

	for (i = 0; names[i] != NULL; i++) {
		ck_assert_uint_lt(i, states.count);
		ck_assert_str_eq(states.items[i].name, names[i]);
	}
	ck_assert_uint_eq(states.count, i);
}

START_TEST(test_one_for_each_label_and_site)
{
	make("ok", "", 5);
	names_are((const char *[]){"recommendation", "application mail", "application shop",
	    "site site-1", "site site-2", "site site-3", NULL});
	ck_assert_int_eq(states.items[0].level, SERVICE_WARNING);
	ck_assert_str_eq(
	    states.items[0].text, "1 move pending, inter-site 5.1 MB/s, then 10 kB/s, id 9f3c1a2b");
	ck_assert_str_eq(states.items[0].perfdata,
	    "inter_before=5100000B;;;0 inter_after=10000B;;;0 moves=1;;;0 forced=0;;;0 "
	    "gain=100%;;;0 known=90%;;;0");
	ck_assert_str_eq(
	    states.items[0].details, "step 1: web1 from site-1/hostA to site-2: web1 talks\n");
	ck_assert_int_eq(states.items[1].level, SERVICE_OK);
	ck_assert_str_eq(states.items[1].text, "nothing to move, inter-site 0 B/s");
	ck_assert_int_eq(states.items[2].level, SERVICE_WARNING);
	ck_assert_int_eq(states.items[3].level, SERVICE_WARNING);
	ck_assert_int_eq(states.items[4].level, SERVICE_WARNING);
	ck_assert_int_eq(states.items[5].level, SERVICE_OK);
	ck_assert_str_eq(states.items[5].text, "nothing to move");
	ck_assert_str_eq(states.items[5].perfdata,
	    "inter_before=U inter_after=U moves=0;;;0 forced=0;;;0 gain=U known=90%;;;0");
}
END_TEST

START_TEST(test_what_must_be_done_is_critical)
{
	json_t *move = json_array_get(json_object_get(document, "moves"), 0);

	json_object_set_new(move, "forced", json_true());
	make("ok", "", 5);
	ck_assert_int_eq(states.items[0].level, SERVICE_CRITICAL);
	ck_assert_ptr_nonnull(strstr(states.items[0].text, "1 must be made"));
	ck_assert_int_eq(states.items[1].level, SERVICE_OK);
	ck_assert_int_eq(states.items[2].level, SERVICE_CRITICAL);
	json_object_set_new(move, "forced", json_false());
	json_object_set_new(document, "state", json_string("failed"));
	make("ok", "", 5);
	ck_assert_int_eq(states.items[0].level, SERVICE_CRITICAL);
	ck_assert_ptr_nonnull(strstr(states.items[0].text, "one failed"));
	json_object_set_new(document, "state", json_string("superseded"));
	make("ok", "", 5);
	ck_assert_int_eq(states.items[0].level, SERVICE_OK);
	json_object_set_new(document, "status", json_string("infeasible"));
	json_object_set_new(document, "reason", json_string("web1 and db1 exclude each other"));
	make("ok", "", 5);
	ck_assert_int_eq(states.items[0].level, SERVICE_CRITICAL);
	ck_assert_str_eq(
	    states.items[0].text, "no placement keeps the rules: web1 and db1 exclude each other");
	ck_assert_int_eq(states.items[2].level, SERVICE_UNKNOWN);
}
END_TEST

/* The same services under the same labels, whatever is known. */
START_TEST(test_what_is_not_known_is_unknown)
{
	static const struct {
		const char *state, *error;
		int64_t age_s;
		const char *text;
	} rows[] = {
	    {"failing", "collector at /run/x: no answer", 5,
		"no plan: collector at /run/x: no answer"},
	    {"waiting", "", 5, "no plan: no input yet"},
	    {"ok", "", 121, "the newest input is 121 s old"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		make(rows[i].state, rows[i].error, rows[i].age_s);
		ck_assert_uint_eq(states.count, 6);
		for (size_t k = 0; k < states.count; k++) {
			ck_assert_int_eq(states.items[k].level, SERVICE_UNKNOWN);
			ck_assert_str_eq(states.items[k].text, rows[i].text);
			ck_assert_str_eq(states.items[k].perfdata,
			    "inter_before=U inter_after=U moves=U forced=U gain=U known=U");
		}
	}
	make("ok", "", 120);
	ck_assert_int_eq(states.items[0].level, SERVICE_WARNING);
	json_object_set_new(document, "state", json_string("expired"));
	make("ok", "", 5);
	ck_assert_int_eq(states.items[0].level, SERVICE_UNKNOWN);
	json_decref(document);
	document = NULL;
	make("ok", "", 5);
	ck_assert_str_eq(states.items[0].text, "there is no plan yet");
	ck_assert_uint_eq(states.count, 4);
}
END_TEST

START_TEST(test_hostile_names)
{
	json_t *move = json_array_get(json_object_get(document, "moves"), 0);
	static const char evil[] = "a|b;c\\nd\n[1] SHUTDOWN_PROGRAM\r<script>`id`\x7f";

	json_object_set_new(json_object_get(move, "vm"), "name", json_string(evil));
	json_object_set_new(json_object_get(move, "vm"), "application", json_string(evil));
	json_object_set_new(move, "why",
	    json_string("\xc2\x9b"
			"31m \xe2\x80\xae txt"));
	make("ok", "", 5);
	for (size_t i = 0; i < states.count; i++) {
		const struct service_state *state = &states.items[i];

		ck_assert_ptr_null(strpbrk(state->name, "|;\\\n\r<>`\x7f!"));
		ck_assert_ptr_null(strpbrk(state->text, "|;\\\n\r<>`\x7f"));
		ck_assert_ptr_null(strpbrk(state->details, "|;\\\r<>`\x7f"));
	}
	ck_assert_str_eq(states.items[0].details,
	    "step 1: a/b,c/nd [1] SHUTDOWN_PROGRAM (script)'id'  from site-1/hostA to site-2: "
	    " 31m   txt\n");
}
END_TEST

START_TEST(test_names_stay_different)
{
	char a[SERVICE_NAME_SIZE], b[SERVICE_NAME_SIZE], expected[SERVICE_NAME_SIZE];
	char longer[400];

	ck_assert_str_eq(service_clean_name("shop v1.2_x", a, sizeof a), "shop v1.2_x");
	ck_assert_str_eq(service_clean_name("caf\xc3\xa9", a, sizeof a), "caf\xc3\xa9");
	service_clean_name("a|b", a, sizeof a);
	service_clean_name("a;b", b, sizeof b);
	ck_assert_str_ne(a, b);
	ck_assert_uint_eq(strlen(a), 3 + 9);
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	service_clean_name(longer, a, sizeof a);
	longer[sizeof longer - 2] = 'y';
	service_clean_name(longer, b, sizeof b);
	ck_assert_str_ne(a, b);
	ck_assert_uint_eq(strlen(a), sizeof a - 1);
	service_clean_name("", a, sizeof a);
	ck_assert_uint_eq(strlen(a), 9);
	service_clean_name("shop ", a, sizeof a);
	snprintf(expected, sizeof expected, "shop-%s", a + 5);
	ck_assert_str_eq(a, expected);
}
END_TEST

START_TEST(test_cuts_between_characters)
{
	char out[6];

	ck_assert_str_eq(service_clean_text("abcd\xc3\xa9z", out, sizeof out), "abcd");
	ck_assert_str_eq(service_clean_text("abc\xc3\xa9z", out, sizeof out), "abc\xc3\xa9");
	ck_assert_str_eq(service_clean_text("ab\xe2\x82\xac", out, sizeof out), "ab\xe2\x82\xac");
	ck_assert_str_eq(service_clean_text("abc\xe2\x82\xac", out, sizeof out), "abc");
	ck_assert_uint_eq(service_cut_utf8("a\xc3\xa9", 2), 1);

	ck_assert_uint_eq(service_cut_utf8("a\xc3\xa9", 3), 3);
}
END_TEST

/* What is no UTF-8 would be no JSON either. */
START_TEST(test_what_is_no_utf8)
{
	static const char *const rows[][2] = {{"a\xff"
					       "b",
						  "a?b"},
	    {"\xc3", "?"}, {"\xc3(", "?("}, {"\xe2\x82", "??"}, {"\xc0\xaf", "??"},
	    {"\xed\xa0\x80", "???"}, {"\xf4\x90\x80\x80", "????"},
	    {"\xf0\x9f\x8d\x87", "\xf0\x9f\x8d\x87"}, {"\xe0\x9f\xbf", "???"},
	    {"a -> b > c", "a -> b ) c"}};
	json_t *move = json_array_get(json_object_get(document, "moves"), 0), *text;
	char out[32], name[128];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_str_eq(service_clean_text(rows[i][0], out, sizeof out), rows[i][1]);
	/* A name of 59 bytes and then two of one character: it is told cut. */
	memset(name, 'x', 59);
	snprintf(name + 59, sizeof name - 59, "\xc3\xa9yyy");
	json_object_set_new(json_object_get(move, "vm"), "name", json_string(name));
	make("ok", "", 5);
	text = json_string(states.items[0].details);
	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(strstr(states.items[0].details, "xxx? from site-1"));
	json_decref(text);
}
END_TEST

START_TEST(test_bounds)
{
	json_t *list = json_array(), *moves = json_array();

	for (int i = 0; i < 1500; i++) {
		json_array_append_new(
		    list, json_pack("{s:o}", "application", json_sprintf("app-%04d", i)));
		json_array_append_new(
		    moves, json_pack("{s:i, s:{s:s, s:s}, s:{s:s}, s:{s:s}, s:s}", "step", i, "vm",
			       "name", "web1", "application", "app-0001", "from", "environment",
			       "site-1", "to", "environment", "site-2", "why", "it talks"));
	}
	json_object_set_new(document, "applications", list);
	json_object_set_new(document, "moves", moves);
	make("ok", "", 5);
	ck_assert_uint_eq(states.count, SERVICES_MAX);
	ck_assert_uint_eq(states.left_out, 1500 + 3 + 1 - SERVICES_MAX);
	ck_assert_ptr_nonnull(strstr(states.items[0].details, "504 applications and sites have"));
	ck_assert_str_eq(states.items[2].name, "application app-0001");
	ck_assert_ptr_nonnull(strstr(states.items[2].details, "and 1490 moves more\n"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("service_state");
	TCase *tc = tcase_create("states");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, test_one_for_each_label_and_site);
	tcase_add_test(tc, test_what_must_be_done_is_critical);
	tcase_add_test(tc, test_what_is_not_known_is_unknown);
	tcase_add_test(tc, test_hostile_names);
	tcase_add_test(tc, test_names_stay_different);
	tcase_add_test(tc, test_cuts_between_characters);
	tcase_add_test(tc, test_what_is_no_utf8);
	tcase_add_test(tc, test_bounds);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
