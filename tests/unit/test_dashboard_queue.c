/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"
#include "manager/dashboard_queue.h"
#include "tests/unit/unit.h"

#include <sys/stat.h>

static char folder[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 16], message[512];
static struct dashboard_queue *queue;

static void open_queue(void)
{
	ck_assert_int_eq(dashboard_queue_open(path, &queue, message, sizeof message), GRAPPE_OK);
}

static void reopen(void)
{
	ck_assert_int_eq(dashboard_queue_save(queue), GRAPPE_OK);
	dashboard_queue_close(queue);
	open_queue();
	ck_assert_str_eq(message, "");
}

static void set_up(void)
{
	unit_make_folder(folder);
	snprintf(path, sizeof path, "%s/noc.json", folder);
	open_queue();
}

static void tear_down(void)
{
	dashboard_queue_close(queue);
	queue = NULL;
	unit_remove_folder(folder);
}

static void push(const char *service, enum service_level level, const char *text, int64_t now_ms)
{
	struct dashboard_result result = {.level = level, .ttl_s = 120};

	snprintf(result.host, sizeof result.host, "grappe");
	snprintf(result.service, sizeof result.service, "%s", service);
	snprintf(result.text, sizeof result.text, "%s", text);
	ck_assert_int_eq(dashboard_queue_push(queue, &result, now_ms, false), GRAPPE_OK);
}

static struct dashboard_service *service_at(size_t place)
{
	ck_assert_uint_lt(place, dashboard_queue_services(queue));
	return dashboard_queue_service(queue, place);
}

/* Takes the oldest of a service away and checks it. */
static void expect(size_t place, enum service_level level, const char *text, int64_t time_ms)
{
	const struct dashboard_result *oldest = dashboard_queue_oldest(service_at(place));

	ck_assert_ptr_nonnull(oldest);
	ck_assert_int_eq(oldest->level, level);
	ck_assert_str_eq(oldest->text, text);
	ck_assert_int_eq(oldest->time_ms, time_ms);
	dashboard_queue_hold(service_at(place));
	dashboard_queue_pop(queue, service_at(place));
}

START_TEST(test_same_states_become_one)
{
	push("a", SERVICE_OK, "1", 1000);
	push("a", SERVICE_OK, "2", 2000);
	push("a", SERVICE_WARNING, "3", 3000);
	push("b", SERVICE_OK, "x", 3000);
	push("a", SERVICE_WARNING, "4", 4000);
	push("a", SERVICE_OK, "5", 5000);
	ck_assert_uint_eq(dashboard_queue_waiting(queue), 4);
	ck_assert_uint_eq(dashboard_queue_merged(queue), 2);
	reopen();
	expect(0, SERVICE_OK, "2", 2000);
	expect(0, SERVICE_WARNING, "4", 4000);
	expect(0, SERVICE_OK, "5", 5000);
	expect(1, SERVICE_OK, "x", 3000);
	ck_assert_uint_eq(dashboard_queue_waiting(queue), 0);
	ck_assert_ptr_null(dashboard_queue_oldest(service_at(0)));
}
END_TEST

START_TEST(test_what_is_under_way_is_left)
{
	push("a", SERVICE_OK, "1", 1000);
	dashboard_queue_hold(service_at(0));
	ck_assert(dashboard_queue_held(service_at(0)));
	push("a", SERVICE_OK, "2", 2000);
	push("a", SERVICE_OK, "3", 3000);
	ck_assert_uint_eq(dashboard_queue_waiting(queue), 2);
	ck_assert_str_eq(dashboard_queue_oldest(service_at(0))->text, "1");
	dashboard_queue_pop(queue, service_at(0));
	dashboard_queue_hold(service_at(0));
	dashboard_queue_release(service_at(0));
	expect(0, SERVICE_OK, "3", 3000);
}
END_TEST

START_TEST(test_changes_have_a_bound)
{
	for (int i = 0; i < 200; i++)
		push("a", i % 2 == 0 ? SERVICE_OK : SERVICE_WARNING, i == 199 ? "last" : "", i + 1);
	ck_assert_uint_eq(dashboard_queue_waiting(queue), DASHBOARD_QUEUE_CHANGES);
	ck_assert_uint_eq(dashboard_queue_merged(queue), 200 - DASHBOARD_QUEUE_CHANGES);
	reopen();
	for (int i = 0; i < DASHBOARD_QUEUE_CHANGES - 1; i++)
		expect(0, i % 2 == 0 ? SERVICE_OK : SERVICE_WARNING, "",
		    201 - DASHBOARD_QUEUE_CHANGES + i);
	expect(0, SERVICE_WARNING, "last", 200);
}
END_TEST

START_TEST(test_all_together_have_a_bound)
{
	char name[32];

	for (int i = 0; i < 3; i++)
		for (int k = 0; k < DASHBOARD_QUEUE_SERVICES; k++) {
			snprintf(name, sizeof name, "s%d", k);
			push(name, i % 2 == 0 ? SERVICE_OK : SERVICE_WARNING, "", i * 1000 + 1);
		}
	ck_assert_uint_eq(dashboard_queue_waiting(queue), DASHBOARD_QUEUE_RESULTS);
	ck_assert_uint_eq(
	    dashboard_queue_merged(queue), 3 * DASHBOARD_QUEUE_SERVICES - DASHBOARD_QUEUE_RESULTS);
	for (size_t k = 0; k < DASHBOARD_QUEUE_SERVICES; k++)
		ck_assert_ptr_nonnull(dashboard_queue_oldest(service_at(k)));
	reopen();
	ck_assert_uint_eq(dashboard_queue_waiting(queue), DASHBOARD_QUEUE_RESULTS);
}
END_TEST

START_TEST(test_services_that_are_gone_make_room)
{
	char name[32];

	for (int k = 0; k < DASHBOARD_QUEUE_SERVICES; k++) {
		snprintf(name, sizeof name, "s%d", k);
		push(name, SERVICE_OK, "", 1000 + k);
	}
	expect(5, SERVICE_OK, "", 1005);
	expect(3, SERVICE_OK, "", 1003);
	push("new", SERVICE_OK, "", 9000);
	ck_assert_uint_eq(dashboard_queue_services(queue), DASHBOARD_QUEUE_SERVICES);
	/* Of the two without anything waiting the one that was heard of last is still known. */
	expect(DASHBOARD_QUEUE_SERVICES - 1, SERVICE_OK, "", 9000);
	push("s5", SERVICE_OK, "", 1);
	ck_assert_int_eq(dashboard_queue_oldest(service_at(4))->time_ms, 1006);
}
END_TEST

START_TEST(test_time_only_grows)
{
	push("a", SERVICE_OK, "1", 10000);
	expect(0, SERVICE_OK, "1", 10000);
	push("a", SERVICE_OK, "2", 4000);
	expect(0, SERVICE_OK, "2", 10001);
	reopen();
	push("a", SERVICE_OK, "3", 4000);
	push("a", SERVICE_WARNING, "4", 4000);
	expect(0, SERVICE_OK, "3", 10002);
	expect(0, SERVICE_WARNING, "4", 10003);
	push("a", SERVICE_OK, "5", 20000);
	expect(0, SERVICE_OK, "5", 20000);
}
END_TEST

START_TEST(test_only_changes)
{
	struct dashboard_result result = {.host = "grappe", .service = "a", .level = SERVICE_OK};

	ck_assert_int_eq(dashboard_queue_push(queue, &result, 1, true), GRAPPE_OK);
	ck_assert_uint_eq(dashboard_queue_waiting(queue), 0);
	result.level = SERVICE_WARNING;
	ck_assert_int_eq(dashboard_queue_push(queue, &result, 2, true), GRAPPE_OK);
	ck_assert_int_eq(dashboard_queue_push(queue, &result, 3, true), GRAPPE_OK);
	ck_assert_uint_eq(dashboard_queue_waiting(queue), 1);
	expect(0, SERVICE_WARNING, "", 2);
	reopen();
	ck_assert_int_eq(dashboard_queue_push(queue, &result, 4, true), GRAPPE_OK);
	ck_assert_uint_eq(dashboard_queue_waiting(queue), 0);
	result.level = SERVICE_OK;
	ck_assert_int_eq(dashboard_queue_push(queue, &result, 5, true), GRAPPE_OK);
	expect(0, SERVICE_OK, "", 5);
}
END_TEST

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

START_TEST(test_damage_is_set_aside)
{
	static const char *const texts[] = {"", "{", "[]", "{\"version\":2,\"services\":[]}",
	    "{\"version\":1}", "{\"version\":1,\"services\":[1]}",
	    "{\"version\":1,\"services\":[{\"host\":\"a\\nb\",\"service\":\"s\",\"last_ms\":1,"
	    "\"last_state\":0,\"results\":[]}]}",
	    "{\"version\":1,\"services\":[{\"host\":\"h\",\"service\":\"s\",\"last_ms\":-1,"
	    "\"last_state\":0,\"results\":[]}]}",
	    "{\"version\":1,\"services\":[{\"host\":\"h\",\"service\":\"s\",\"last_ms\":1,"
	    "\"last_state\":0,\"results\":[{\"state\":4,\"text\":\"\",\"perfdata\":\"\","
	    "\"details\":\"\",\"time_ms\":1,\"ttl_s\":1}]}]}",
	    "{\"version\":1,\"services\":[{\"host\":\"h\",\"service\":\"s\",\"last_ms\":1,"
	    "\"last_state\":0,\"results\":[{\"state\":0,\"text\":\"\",\"perfdata\":\"\","
	    "\"details\":\"\",\"time_ms\":2,\"ttl_s\":1}]}]}"};
	struct stat status;
	char aside[UNIT_PATH_SIZE + 32];

	snprintf(aside, sizeof aside, "%s.damaged", path);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		dashboard_queue_close(queue);
		write_file(texts[i]);
		open_queue();
		ck_assert_uint_eq(dashboard_queue_services(queue), 0);
		ck_assert_int_eq(stat(aside, &status), 0);
		ck_assert_int_eq(unlink(aside), 0);
		push("a", SERVICE_OK, "works", 1);
		reopen();
		expect(0, SERVICE_OK, "works", 1);
	}
}
END_TEST

START_TEST(test_file_is_closed_to_others)
{
	struct stat status;

	push("a", SERVICE_OK, "1", 1000);
	ck_assert_int_eq(dashboard_queue_save(queue), GRAPPE_OK);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_mode & 0777, 0600);
	/* Nothing new, nothing written. */
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(dashboard_queue_save(queue), GRAPPE_OK);
	ck_assert_int_ne(stat(path, &status), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dashboard_queue");
	TCase *tc = tcase_create("queue");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, test_same_states_become_one);
	tcase_add_test(tc, test_what_is_under_way_is_left);
	tcase_add_test(tc, test_changes_have_a_bound);
	tcase_add_test(tc, test_all_together_have_a_bound);
	tcase_add_test(tc, test_services_that_are_gone_make_room);
	tcase_add_test(tc, test_time_only_grows);
	tcase_add_test(tc, test_only_changes);
	tcase_add_test(tc, test_damage_is_set_aside);
	tcase_add_test(tc, test_file_is_closed_to_others);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
