/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The whole daemon against a collector played by the test: no collector yet, traffic, advice,
 * approval, moves made one by one, refusals and nonsense, kill -9 and restart. Both run as
 * processes of their own; periods are one second long.
 */
#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/identity.h"
#include "common/log.h"
#include "common/protocol.h"
#include "manager/cloud.h"
#include "manager/manager.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define PATIENCE_NS (20 * CLOCK_SECOND_NS)

enum mood { SERVES, LATER, NONSENSE };

/* What the test tells the played collector while it runs. */
struct script {
	char hosts[8]; /* of vm1…vm7: 'A' or 'B' */
	enum mood mood;
};

static char folder[UNIT_PATH_SIZE], collector_path[UNIT_PATH_SIZE + 16];
static char manager_path[UNIT_PATH_SIZE + 16], state_path[UNIT_PATH_SIZE + 16];
static char sites_path[UNIT_PATH_SIZE + 16], moves_path[UNIT_PATH_SIZE + 16];
static char stop_path[UNIT_PATH_SIZE + 16], command[2 * UNIT_PATH_SIZE];
static enum manager_mode mode;
static struct script *script;
static pid_t collector, manager;

static const char sites[] =
    "{\"version\":1,\"environments\":["
    "{\"name\":\"site-1\",\"api\":\"own\",\"hosts\":[{\"name\":\"hostA\",\"max_vms\":6}]},"
    "{\"name\":\"site-2\",\"api\":\"own\",\"hosts\":[{\"name\":\"hostB\",\"max_vms\":6}]}]}";

/* ---- the played collector ---- */

/* Whether two VMs of a group of three talk: everybody with the two others, all the time. */
static void give_rows(struct protocol_exchange *exchange, int64_t end_s, bool detail)
{
	char to_id[VM_ID_SIZE], from_id[VM_ID_SIZE], end[24];
	const char *packets = script->mood == NONSENSE ? "plenty" : "1000";

	snprintf(end, sizeof end, "%lld", (long long)end_s);
	for (int a = 1; a < 7; a++) {
		for (int b = a < 4 ? 1 : 4; b < (a < 4 ? 4 : 7); b++) {
			if (a == b)
				continue;
			snprintf(to_id, sizeof to_id, "mac-02000000000%d", a);
			snprintf(from_id, sizeof from_id, "mac-02000000000%d", b);
			if (detail)
				protocol_answer_row(
				    exchange, (const char *[]){end, "1", to_id, from_id, packets,
						  "1000000", "1"});
			else
				protocol_answer_row(exchange,
				    (const char *[]){to_id, from_id, packets, "1000000", "10"});
		}
	}
}

static void answer_matrix(
    struct protocol_exchange *exchange, const struct protocol_request *request)
{
	const bool detail = request->kind == KIND_DETAIL;
	const int64_t to = request->to_s > 0 ? request->to_s : clock_wall_ns() / CLOCK_SECOND_NS;
	const int64_t from = request->from_s > 0 ? request->from_s : to + request->from_s;
	const uint32_t periods = (uint32_t)(to - from);
	struct protocol_answer answer = {.status = STATUS_OK,
	    .exact = true,
	    .known = periods,
	    .wanted = periods,
	    .from_s = from,
	    .to_s = to,
	    .length_s = 1,
	    .columns = detail ? protocol_columns_detail : protocol_columns_mean};

	protocol_answer_begin(exchange, &answer);
	if (!detail)
		give_rows(exchange, to, false);
	for (int64_t end = from + 1; detail && end <= to; end++)
		give_rows(exchange, end, true);
	protocol_answer_end(exchange);
}

/* Moves that the manager's command made: lines "ID HOST". */
static void follow_moves(char hosts[8])
{
	FILE *file = fopen(moves_path, "r");
	char id[80], host[80];

	memcpy(hosts, script->hosts, 8);
	while (file != NULL && fscanf(file, "%79s %79s", id, host) == 2)
		hosts[id[strlen(id) - 1] - '1'] = host[4];
	if (file != NULL)
		fclose(file);
}

static void answer_inventory(struct protocol_exchange *exchange)
{
	struct protocol_answer answer = {
	    .status = STATUS_OK, .exact = true, .columns = protocol_columns_inventory};
	char id[VM_ID_SIZE], name[16], seen[24], hosts[8];

	snprintf(seen, sizeof seen, "%lld", (long long)(clock_wall_ns() / CLOCK_SECOND_NS));
	follow_moves(hosts);
	protocol_answer_begin(exchange, &answer);
	for (int i = 0; i < 7; i++) {
		const bool first = hosts[i] == 'A';

		snprintf(id, sizeof id, "mac-02000000000%d", i + 1);
		snprintf(name, sizeof name, "vm%d", i + 1);
		protocol_answer_row(exchange,
		    (const char *[]){id, name, first ? "hostA" : "hostB",
			first ? "site-1" : "site-2", "default", NULL, NULL, NULL, "1", seen, NULL});
	}
	protocol_answer_end(exchange);
}

static void play(
    struct protocol_exchange *exchange, const struct protocol_request *request, void *context)
{
	struct protocol_answer later = {.status = STATUS_LATER,
	    .error = "the newest period is not in",
	    .retry_at_s = clock_wall_ns() / CLOCK_SECOND_NS + 1};

	(void)context;
	if (request->op == OP_INVENTORY) {
		answer_inventory(exchange);
	} else if (script->mood == LATER) {
		protocol_answer_begin(exchange, &later);
		protocol_answer_end(exchange);
	} else {
		answer_matrix(exchange, request);
	}
}

static void run_collector(void)
{
	struct event_base *base = event_base_new();
	struct protocol_server *server;

	if (protocol_server_new(base, collector_path, 0600, 8, play, NULL, &server) != GRAPPE_OK)
		_exit(1);
	event_base_dispatch(base);
	_exit(1);
}

/* ---- processes ---- */

static void run_manager(void)
{
	static char *words[] = {"sh", "-c", command, "sh", "{vm}", "{to_host}"};
	static struct cloud_settings own = {.title = "own",
	    .kind = CLOUD_COMMAND,
	    .url = "",
	    .address = "",
	    .ca_file = "",
	    .login_file = "",
	    .command = {words, 6},
	    .timeout_ms = 5000,
	    .move_timeout_ms = 10000,
	    .poll_ms = 100};
	const struct manager_settings settings = {.collector_socket = collector_path,
	    .socket = manager_path,
	    .state_directory = state_path,
	    .environments = sites_path,
	    .environments_ca_file = "",
	    .environments_token_file = "",
	    .environments_refresh_ms = 200,
	    .environments_timeout_ms = 1000,
	    .environments_stale_ms = 86400000,
	    .window_ms = 10000,
	    .minimum_known = 0.5,
	    .rules = "",
	    .horizon_ms = 86400000,
	    .waiting_share = 0.02,
	    .dirty_rate = 15000000,
	    .plan_time_ms = 1000,
	    .minimum_gain = 0.1,
	    .minimum_gain_rate = 10000,
	    .max_moves = 20,
	    .expires_ms = 3600000,
	    .mode = mode,
	    .stop_file = stop_path,
	    .clouds = {&own, 1},
	    .cool_down_ms = 600000,
	    .moves_per_host = 1,
	    .effect_window_ms = 3000,
	    .factor = 0.8,
	    .merge_share = 0.7,
	    .floor_packets = 100,
	    .floor_size = 10000};

	log_open("manager", LOG_LEVEL_INFO);
	_exit(manager_run(&settings));
}

static pid_t start(void (*run)(void))
{
	const pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		signal(SIGTERM, SIG_DFL); /* not the handler of the test library */
		run();
	}
	return pid;
}

static int end(pid_t pid, int signal_number)
{
	int status;

	kill(pid, signal_number);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* Starts the manager and returns when it has said READY. */
static void start_manager(void)
{
	char line[1024] = "";
	int pipes[2];
	FILE *log;

	ck_assert_int_eq(pipe(pipes), 0);
	manager = fork();
	ck_assert_int_ge(manager, 0);
	if (manager == 0) {
		dup2(pipes[1], STDERR_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		run_manager();
	}
	close(pipes[1]);
	log = fdopen(pipes[0], "r");
	while (strstr(line, "READY") == NULL)
		ck_assert_msg(fgets(line, sizeof line, log) != NULL, "the manager ended: %s", line);
	/* The pipe stays open, so that later lines do not fail; a pipe holds all this test makes.
	 */
}

/* ---- questions to the manager ---- */

static struct protocol_reply call(struct protocol_request request)
{
	struct protocol_reply reply;

	ck_assert_int_eq(protocol_call(manager_path, &request, 5000, &reply), 0);
	return reply;
}

/* The member of status at a path such as "input.state", as text. */
static void status_text(const char *object, const char *key, char out[256])
{
	struct protocol_reply reply = call((struct protocol_request){.op = OP_STATUS});
	const char *text =
	    json_string_value(json_object_get(json_object_get(reply.answer.data, object), key));

	snprintf(out, 256, "%s", text != NULL ? text : "");
	protocol_reply_deinit(&reply);
}

static void await(const char *object, const char *key, const char *wanted)
{
	const int64_t until = clock_monotonic_ns() + PATIENCE_NS;
	const struct timespec pause = {.tv_nsec = 50000000};
	char text[256];

	for (;;) {
		status_text(object, key, text);
		if (strstr(text, wanted) != NULL)
			return;
		ck_assert_msg(clock_monotonic_ns() < until, "%s.%s is '%s', not '%s'", object, key,
		    text, wanted);
		nanosleep(&pause, NULL);
	}
}

/* The events of the history, in order, begin like this; those of sensors and effects apart unless
 * they are asked for. */
static bool history_begins(const char *wanted, char text[2048])
{
	struct protocol_reply reply = call((struct protocol_request){.op = OP_HISTORY});
	const bool all = strstr(wanted, "seen") != NULL;
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < reply.nrows; i++) {
		const char *event = protocol_reply_field(&reply, i, 2);

		if (strcmp(event, "effect") != 0 && (all || strcmp(event, "seen") != 0))
			length += (size_t)snprintf(
			    text + length, 2048 - length, "%s%s", length > 0 ? " " : "", event);
	}
	protocol_reply_deinit(&reply);
	return strncmp(text, wanted, strlen(wanted)) == 0;
}

static void await_history(const char *wanted)
{
	const int64_t until = clock_monotonic_ns() + PATIENCE_NS;
	const struct timespec pause = {.tv_nsec = 50000000};
	char text[2048];

	while (!history_begins(wanted, text)) {
		ck_assert_msg(clock_monotonic_ns() < until, "the history is: %s", text);
		nanosleep(&pause, NULL);
	}
}

/* Until an event of this kind has these words. */
static void await_effect(const char *words)
{
	const int64_t until = clock_monotonic_ns() + PATIENCE_NS;
	const struct timespec pause = {.tv_nsec = 50000000};
	bool found = false;

	while (!found) {
		struct protocol_reply reply = call((struct protocol_request){.op = OP_HISTORY});

		for (size_t i = 0; i < reply.nrows; i++)
			found |= strcmp(protocol_reply_field(&reply, i, 2), "effect") == 0 &&
				 strstr(protocol_reply_field(&reply, i, 3), words) != NULL;
		ck_assert_msg(found || clock_monotonic_ns() < until, "no effect: %s; the last: %s",
		    words, protocol_reply_field(&reply, reply.nrows - 1, 3));
		protocol_reply_deinit(&reply);
		nanosleep(&pause, NULL);
	}
}

static int64_t last_run_s(void)
{
	struct protocol_reply reply = call((struct protocol_request){.op = OP_STATUS});
	const int64_t time_s = json_integer_value(json_object_get(reply.answer.data, "last_run"));

	protocol_reply_deinit(&reply);
	return time_s;
}

/* Until the manager has made its plan in so many more periods. */
static void await_plans(int count)
{
	const int64_t until = clock_monotonic_ns() + PATIENCE_NS, wanted = last_run_s() + count;
	const struct timespec pause = {.tv_nsec = 50000000};

	while (last_run_s() < wanted) {
		ck_assert_msg(clock_monotonic_ns() < until, "the manager plans no more");
		nanosleep(&pause, NULL);
	}
}

static enum protocol_status approve(const char *id)
{
	struct protocol_request request = {.op = OP_APPROVE};
	struct protocol_reply reply;
	enum protocol_status status;

	snprintf(request.id, sizeof request.id, "%s", id);
	reply = call(request);
	status = reply.answer.status;
	protocol_reply_deinit(&reply);
	return status;
}

static void place(const char *hosts)
{
	memcpy(script->hosts, hosts, 8);
}

/* ---- */

static void setup(void)
{
	FILE *file;

	unit_make_folder(folder);
	snprintf(collector_path, sizeof collector_path, "%s/c.sock", folder);
	snprintf(manager_path, sizeof manager_path, "%s/m.sock", folder);
	snprintf(state_path, sizeof state_path, "%s/state", folder);
	snprintf(sites_path, sizeof sites_path, "%s/sites.json", folder);
	snprintf(moves_path, sizeof moves_path, "%s/moves", folder);
	snprintf(stop_path, sizeof stop_path, "%s/stop", folder);
	snprintf(command, sizeof command, "echo \"$1 $2\" >>%s", moves_path);
	mode = MANAGER_ADVISE;
	file = fopen(sites_path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(sites, file);
	fclose(file);
	script =
	    mmap(NULL, sizeof *script, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(script, MAP_FAILED);
}

static void remove_state(void)
{
	char path[UNIT_PATH_SIZE + 32];

	snprintf(path, sizeof path, "%s/queue", state_path);
	rmdir(path);
	unit_remove_folder(state_path);
	unlink(manager_path);
	unlink(collector_path);
}

START_TEST(a_day_in_the_life_of_advice)
{
	char id[256], text[256];

	place("AABBBAA");
	start_manager();
	await("input", "state", "waiting");
	await("input", "error", "No such file");
	collector = start(run_collector);
	await("recommendation", "state", "pending");
	status_text("recommendation", "id", id);
	ck_assert_int_eq(approve("0123"), STATUS_ERROR);
	ck_assert_int_eq(approve(id), STATUS_OK);
	await("recommendation", "state", "approved");
	/* A period more: the same advice. */
	status_text("recommendation", "id", text);
	ck_assert_str_eq(text, id);
	/* One of the two moves is made, then the other. */
	place("AABBBBA");
	for (int64_t until = clock_monotonic_ns() + PATIENCE_NS; strcmp(text, id) == 0;) {
		ck_assert(clock_monotonic_ns() < until);
		status_text("recommendation", "id", text);
	}
	await("recommendation", "state", "approved");
	place("AAABBBA");
	await("recommendation", "state", "done");
	await_history("created approved seen rest seen done");
	/* What people moved is measured, too, with what had been predicted. */
	await_effect("vm3: between environments 4.0 MB/s -> 0 B/s, predicted 0 B/s; 1 of 1 seen");
	ck_assert_int_eq(access(moves_path, F_OK), -1);
	ck_assert_int_eq(end(manager, SIGTERM), 0);
	end(collector, SIGTERM);
	remove_state();
}
END_TEST

START_TEST(refusals_nonsense_and_kill_lose_no_advice)
{
	char id[256], text[256];
	struct protocol_reply reply;

	place("AABBBAA");
	script->mood = SERVES;
	collector = start(run_collector);
	start_manager();
	await("recommendation", "state", "pending");
	status_text("recommendation", "id", id);
	script->mood = LATER;
	await("input", "error", "the newest period is not in");
	await("input", "state", "failing");
	script->mood = NONSENSE;
	await("input", "error", "not a number");
	status_text("recommendation", "state", text);
	ck_assert_str_eq(text, "pending");
	/* The collector's questions are not the manager's. */
	reply = call((struct protocol_request){.op = OP_INVENTORY});
	ck_assert_int_eq(reply.answer.status, STATUS_ERROR);
	protocol_reply_deinit(&reply);
	end(manager, SIGKILL);
	start_manager();
	status_text("recommendation", "id", text);
	ck_assert_str_eq(text, id);
	script->mood = SERVES;
	await("input", "state", "ok");
	status_text("recommendation", "id", text);
	ck_assert_str_eq(text, id);
	reply = call((struct protocol_request){.op = OP_HISTORY});
	ck_assert_uint_eq(reply.nrows, 1); /* it was not new */
	protocol_reply_deinit(&reply);
	ck_assert_int_eq(end(manager, SIGTERM), 0);
	end(collector, SIGTERM);
	remove_state();
}
END_TEST

/* ---- carrying out ---- */

static void set_stop_file(bool there)
{
	if (there)
		ck_assert_int_eq(file_replace(stop_path, "", 0, 0600), GRAPPE_OK);
	else
		ck_assert_int_eq(unlink(stop_path), 0);
}

static size_t moves_made(void)
{
	struct buffer bytes;
	size_t lines = 0;

	if (file_read(moves_path, 10000, &bytes) == GRAPPE_OK)
		for (size_t i = 0; i < bytes.length; i++)
			lines += bytes.bytes[i] == '\n';
	buffer_deinit(&bytes);
	return lines;
}

START_TEST(advice_is_carried_out_and_followed)
{
	place("AABBBAA");
	mode = MANAGER_EXECUTE;
	collector = start(run_collector);
	start_manager();
	await_history("created approved started ordered moved ordered moved done");
	ck_assert_uint_eq(moves_made(), 2);
	/* vm3 and vm6 are measured together, when both were seen. */
	await_effect("between environments 8.0 MB/s -> 0 B/s, predicted 0 B/s; 2 of 2 seen there");
	await("recommendation", "state", "done");
	ck_assert_uint_eq(moves_made(), 2);
	ck_assert_int_eq(end(manager, SIGTERM), 0);
	end(collector, SIGTERM);
	unlink(moves_path);
	remove_state();
}
END_TEST

/* No VM was moved twice by a command that fails. */
static void check_tried_once(void)
{
	char path[sizeof moves_path + 8], id[80], host[80];
	unsigned tried = 0, count = 0;
	FILE *file;

	snprintf(path, sizeof path, "%s.tried", moves_path);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	for (; fscanf(file, "%79s %79s", id, host) == 2; count++) {
		const unsigned bit = 1u << (id[strlen(id) - 1] - '0');

		ck_assert_uint_eq(tried & bit, 0);
		tried |= bit;
	}
	fclose(file);
	ck_assert_uint_ge(count, 2);
	unlink(path);
}

START_TEST(a_move_that_fails_ends_it)
{
	snprintf(command, sizeof command,
	    "echo \"$1 hostX\" >>%s.tried; echo the host is full >&2; exit 3", moves_path);
	place("AABBBAA");
	mode = MANAGER_EXECUTE;
	collector = start(run_collector);
	start_manager();
	await_history("created approved started ordered failed failed");
	/* The rest is planned anew, without that VM, and fails, too; then nobody is left. */
	await_history("created approved started ordered failed failed created approved started "
		      "ordered failed failed");
	await("recommendation", "state", "done");
	ck_assert_uint_eq(moves_made(), 0);
	ck_assert_int_eq(end(manager, SIGTERM), 0);
	end(collector, SIGTERM);
	check_tried_once();
	remove_state();
}
END_TEST

START_TEST(confirmed_and_stopped)
{
	char id[256];

	place("AABBBAA");
	mode = MANAGER_CONFIRM;
	set_stop_file(true);
	collector = start(run_collector);
	start_manager();
	await("recommendation", "state", "pending");
	status_text("recommendation", "id", id);
	ck_assert_int_eq(approve(id), STATUS_OK);
	await("recommendation", "state", "approved");
	await_plans(2);
	ck_assert_uint_eq(moves_made(), 0);
	set_stop_file(false);
	await_history("created approved started ordered moved ordered moved done");
	ck_assert_uint_eq(moves_made(), 2);
	ck_assert_int_eq(end(manager, SIGTERM), 0);
	end(collector, SIGTERM);
	unlink(moves_path);
	remove_state();
}
END_TEST

/* The document as it is now: hostA with so much room. */
static void write_sites(const char *text)
{
	ck_assert_int_eq(file_replace(sites_path, text, strlen(text), 0640), GRAPPE_OK);
}

/* A change of the environments is kept in the history and brings a new plan; nonsense stops plans,
 * not the advice; a document that is gone stays in force. */
START_TEST(environments_are_followed)
{
	struct protocol_reply reply;

	place("AABBBAA");
	script->mood = SERVES;
	collector = start(run_collector);
	start_manager();
	await("recommendation", "state", "pending");
	await("environments", "state", "ok");
	write_sites("{\"version\":1}");
	await("environments", "state", "failing");
	await("input", "error", "environments: missing");
	await("recommendation", "state", "pending");
	write_sites("{\"version\":1,\"environments\":["
		    "{\"name\":\"site-1\",\"api\":\"own\",\"hosts\":[]},"
		    "{\"name\":\"site-2\",\"api\":\"own\",\"hosts\":[]}]}");
	await("input", "state", "ok");
	/* No host may receive a VM any more: the advice is taken back. */
	await("recommendation", "state", "done");
	reply = call((struct protocol_request){.op = OP_HISTORY});
	ck_assert_uint_ge(reply.nrows, 2);
	ck_assert_str_eq(protocol_reply_field(&reply, 1, 2), "environment");
	ck_assert_ptr_nonnull(strstr(protocol_reply_field(&reply, 1, 3), "hostA: is gone"));
	protocol_reply_deinit(&reply);
	ck_assert_int_eq(unlink(sites_path), 0);
	await("environments", "state", "failing");
	await("input", "state", "ok");
	ck_assert_int_eq(end(manager, SIGTERM), 0);
	end(collector, SIGTERM);
	remove_state();
}
END_TEST

START_TEST(a_second_manager_on_the_same_folder_gives_up)
{
	pid_t second;
	int status;

	start_manager();
	second = start(run_manager);
	ck_assert_int_eq(waitpid(second, &status, 0), second);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	ck_assert_int_eq(end(manager, SIGINT), 0);
	remove_state();
}
END_TEST

static void teardown(void)
{
	unit_remove_folder(folder);
}

START_TEST(plans_come_after_periods_and_failures_slow_down)
{
	const int64_t s = CLOCK_SECOND_NS;

	/* 12 s into a period of 30 s: its end and a second more. */
	ck_assert_int_eq(manager_next_run(1212 * s, 0, 30, 0, 0), 19 * s);
	ck_assert_int_eq(manager_next_run(1200 * s, 0, 30, 0, 0), 31 * s);
	ck_assert_int_eq(manager_next_run(1212 * s, 300000, 30, 0, 0), 300 * s);
	ck_assert_int_eq(manager_next_run(1212 * s, 0, 30, 1, 0), 2 * s);
	ck_assert_int_eq(manager_next_run(1212 * s, 0, 30, 3, 0), 8 * s);
	ck_assert_int_eq(manager_next_run(1212 * s, 0, 30, 4000000000u, 0), 60 * s);
	/* The collector said when; nonsense is bounded. */
	ck_assert_int_eq(manager_next_run(1212 * s, 0, 30, 1, 1215), 3 * s);
	ck_assert_int_eq(manager_next_run(1212 * s, 0, 30, 1, 99999), 60 * s);
	ck_assert_int_eq(manager_next_run(1212 * s, 0, 30, 1, 5), s / 10);
	ck_assert_int_eq(manager_next_run(1212 * s, 0, 0, 0, 0), 19 * s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replay_manager");
	TCase *timing = tcase_create("timing"), *daemon = tcase_create("daemon");

	tcase_add_test(timing, plans_come_after_periods_and_failures_slow_down);
	suite_add_tcase(suite, timing);
	tcase_add_checked_fixture(daemon, setup, teardown);
	tcase_add_test(daemon, advice_is_carried_out_and_followed);
	tcase_add_test(daemon, a_move_that_fails_ends_it);
	tcase_add_test(daemon, confirmed_and_stopped);
	tcase_add_test(daemon, a_day_in_the_life_of_advice);
	tcase_add_test(daemon, refusals_nonsense_and_kill_lose_no_advice);
	tcase_add_test(daemon, environments_are_followed);
	tcase_add_test(daemon, a_second_manager_on_the_same_folder_gives_up);
	tcase_set_timeout(daemon, 120);
	suite_add_tcase(suite, daemon);
	return unit_run(suite);
}
