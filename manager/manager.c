/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "manager/manager.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "manager/advisor.h"
#include "manager/carry.h"
#include "manager/cycle.h"
#include "manager/dashboard.h"
#include "manager/environment_watch.h"
#include "manager/manager_answer.h"
#include "manager/publish.h"
#include "manager/report.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define SOCKET_MODE 0660
#define CLIENTS_MAX 64
#define MARGIN_NS (1 * CLOCK_SECOND_NS) /* after a period's end, before the collector is asked */
#define RETRY_FIRST_S 2
#define RETRY_MAX_S 60
#define GOODBYE_S 2         /* what a running cycle gets to end */
#define DASHBOARD_PERIODS 4 /* without a newer result nothing is known any more */
#define POSTING_MS 15000    /* what --once gives the webhooks */

struct manager {
	const struct manager_settings *settings;
	struct event_base *base;
	struct advisor *advisor;
	struct publisher *publisher;
	struct dashboards *dashboards;
	struct carry *carry;
	struct environment_watch *environments;
	bool environments_known; /* the first look is over */
	bool replan;             /* something changed while a cycle was running */
	struct protocol_server *server;
	struct event *timer, *finished, *signals[2];
	struct cycle cycle;
	struct residence residence; /* of the cycle while it runs */
	char *residence_path;
	struct log_complaint residence_fault;
	pthread_t thread;
	bool running; /* the thread has the cycle */
	int finished_fd;
	unsigned failures;
	struct manager_state state; /* what status tells */
	struct log_complaint input_fault, plan_fault;
};

static int64_t now_s(void)
{
	return clock_wall_ns() / CLOCK_SECOND_NS;
}

int64_t manager_next_run(
    int64_t now_ns, int64_t interval_ms, int64_t length_s, unsigned failures, int64_t retry_at_s)
{
	int64_t delay, longest;

	if (length_s <= 0)
		length_s = 30;
	longest =
	    interval_ms > 0 ? interval_ms * CLOCK_MILLISECOND_NS : 2 * length_s * CLOCK_SECOND_NS;
	if (retry_at_s > 0)
		delay = retry_at_s * CLOCK_SECOND_NS - now_ns;
	else if (failures > 0)
		delay = (RETRY_FIRST_S << (failures < 6 ? failures - 1 : 5)) * CLOCK_SECOND_NS;
	else if (interval_ms > 0)
		delay = longest;
	else
		delay = clock_period_end(now_ns, length_s) * CLOCK_SECOND_NS + MARGIN_NS - now_ns;
	if (failures > 0 && delay > RETRY_MAX_S * CLOCK_SECOND_NS)
		delay = RETRY_MAX_S * CLOCK_SECOND_NS;
	if (delay > longest)
		delay = longest;
	return delay < CLOCK_SECOND_NS / 10 ? CLOCK_SECOND_NS / 10 : delay;
}

static void schedule(struct manager *m, int64_t delay_ns)
{
	const struct timeval delay = {
	    .tv_sec = delay_ns / CLOCK_SECOND_NS, .tv_usec = delay_ns % CLOCK_SECOND_NS / 1000};

	m->state.next_run_s = now_s() + delay.tv_sec;
	evtimer_add(m->timer, &delay);
}

/* Something changed that plans hang on. */
static void replan(struct manager *m)
{
	if (m->running)
		m->replan = true;
	else if (m->environments_known && m->timer != NULL)
		schedule(m, 0);
}

/* ---- environments ---- */

static void on_environments_changed(void *context, const char *text, size_t count)
{
	struct manager *m = context;
	char line[HISTORY_TEXT_SIZE];

	if (count > 1)
		snprintf(line, sizeof line, "%.200s; and %zu changes more", text, count - 1);
	else
		snprintf(line, sizeof line, "%s", text);
	advisor_note(m->advisor, "", "environment", line, now_s());
	replan(m);
}

static void on_environments_known(void *context)
{
	struct manager *m = context;

	m->environments_known = true;
	if (m->timer != NULL)
		schedule(m, 0);
	else
		event_base_loopbreak(m->base);
}

/* ---- what follows from advice ---- */

static void on_carried(void *context)
{
	replan(context);
}

/* A single run ends before anything could be followed: it only advises. */
static void carry_on(struct manager *m)
{
	const char *error;
	size_t length;
	const char *text = environment_watch_document(m->environments, &length, &error);
	json_t *places = NULL;
	char *fed = text != NULL ? carry_feed(m->carry, text, length, &places) : NULL;

	if (m->timer != NULL && fed != NULL)
		carry_out(m->carry, fed, strlen(fed), now_s());
	json_decref(places);
	free(fed);
}

/* What the cycle plans with. */
static void give_environments(const struct manager *m, struct cycle *cycle)
{
	const char *error;
	size_t length;
	const char *text = environment_watch_document(m->environments, &length, &error);

	snprintf(cycle->environments_fault, sizeof cycle->environments_fault, "%s", error);
	if (text == NULL)
		return;
	cycle->environments = carry_feed(m->carry, text, length, &cycle->places);
	if (cycle->environments == NULL) {
		snprintf(cycle->environments_fault, sizeof cycle->environments_fault, "%s",
		    error_text(GRAPPE_EMEMORY));
		return;
	}
	cycle->environments_length = strlen(cycle->environments);
}

/* ---- cycles ---- */

static void *run_thread(void *argument)
{
	struct manager *m = argument;
	const uint64_t one = 1;

	cycle_run(&m->cycle);
	/* An eventfd takes a write at once; the loop reads it and joins. */
	if (write(m->finished_fd, &one, sizeof one) != sizeof one)
		log_error("the end of a cycle cannot be told: %s", strerror(errno));
	return NULL;
}

static void start_cycle(evutil_socket_t fd, short what, void *argument)
{
	struct manager *m = argument;
	int rc;

	(void)fd;
	(void)what;
	if (m->running)
		return;
	environment_watch_refresh(m->environments);
	evtimer_del(m->timer);
	if (!carry_blocks(m->carry))
		advisor_expire(m->advisor, now_s());
	m->cycle = (struct cycle){.settings = *m->settings,
	    .residence = &m->residence,
	    .standing = json_deep_copy(advisor_current(m->advisor)),
	    .patient = true};
	give_environments(m, &m->cycle);
	carry_prepare(m->carry, &m->cycle, m->state.input_to_s, m->state.length_s, now_s());
	rc = pthread_create(&m->thread, NULL, run_thread, m);
	m->running = rc == 0;
	if (rc != 0) {
		cycle_deinit(&m->cycle);
		log_complain(&m->plan_fault, "no thread for planning: %s", strerror(rc));
		schedule(m, RETRY_MAX_S * CLOCK_SECOND_NS);
	}
}

static void post(struct publisher *publisher, const json_t *document)
{
	char *text = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(12));
	int rc = text != NULL ? publish_recommendation(publisher, recommendation_id(document), text)
			      : GRAPPE_EMEMORY;

	if (rc != GRAPPE_OK)
		log_error("recommendation %s cannot be posted: %s", recommendation_id(document),
		    error_text(rc));
	free(text);
}

static void save_residence(struct manager *m)
{
	const int rc = residence_save(&m->residence, m->residence_path);

	if (rc != GRAPPE_OK)
		log_complain(&m->residence_fault,
		    "%s: cannot be written: %s; after a restart VMs that moved are not left alone",
		    m->residence_path, error_text(rc));
	else
		log_recovered(&m->residence_fault, "%s: written again", m->residence_path);
}

static void take_plan(struct manager *m, const struct cycle *cycle)
{
	log_recovered(&m->input_fault, "the collector answers again");
	log_recovered(&m->plan_fault, "planning works again");
	if (carry_blocks(m->carry))
		return;
	if (advisor_take(m->advisor, cycle->document, now_s()))
		post(m->publisher, advisor_current(m->advisor));
	carry_on(m);
}

static void note_input(struct manager *m, const struct cycle *cycle)
{
	static const char *const states[] = {[CYCLE_PLANNED] = "ok",
	    [CYCLE_WAITING] = "waiting",
	    [CYCLE_NO_INPUT] = "failing",
	    [CYCLE_FAILED] = "failing"};

	m->state.last_run_s = now_s();
	m->state.input_state = states[cycle->verdict];
	/* Before the first answer the collector may simply not be there yet. */
	if (cycle->verdict == CYCLE_NO_INPUT && m->state.input_to_s == 0)
		m->state.input_state = "waiting";
	snprintf(m->state.input_error, sizeof m->state.input_error, "%s", cycle->message);
	if (cycle->to_s == 0)
		return;
	m->state.input_to_s = cycle->to_s;
	m->state.length_s = cycle->length_s;
	m->state.known = cycle->known;
	m->state.wanted = cycle->wanted;
}

/* Also when nothing changed, or when there is no plan. */
static void tell_dashboards(struct manager *m)
{
	const int64_t interval_s = m->settings->interval_ms / 1000;
	const int64_t each_s = interval_s > m->state.length_s ? interval_s : m->state.length_s;
	const int64_t stale_s = DASHBOARD_PERIODS * (each_s > 0 ? each_s : 30);
	const char *error;
	size_t length;
	const char *text = environment_watch_document(m->environments, &length, &error);
	json_t *environments = text != NULL ? json_loadb(text, length, 0, NULL) : NULL;
	const struct service_input input = {.document = advisor_current(m->advisor),
	    .input_state = m->state.input_state,
	    .input_error = m->state.input_error,
	    .input_to_s = m->state.input_to_s,
	    .stale_s = stale_s,
	    .now_s = now_s(),
	    .environments = environments};

	if (dashboard_tell(m->dashboards, &input, stale_s) != GRAPPE_OK)
		log_error("dashboards cannot be told: %s", error_text(GRAPPE_EMEMORY));
	json_decref(environments);
}

static void finish_cycle(evutil_socket_t fd, short what, void *argument)
{
	struct manager *m = argument;
	struct cycle *cycle = &m->cycle;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof count) < 0 || !m->running)
		return;
	pthread_join(m->thread, NULL);
	m->running = false;
	carry_take(m->carry, cycle, &m->residence, now_s());
	save_residence(m);
	note_input(m, cycle);
	m->failures = cycle->verdict == CYCLE_NO_INPUT ? m->failures + 1 : 0;
	if (cycle->verdict == CYCLE_PLANNED)
		take_plan(m, cycle);
	else if (cycle->verdict == CYCLE_FAILED && cycle->environments_fault[0] != '\0')
		log_debug("no plan: %s", cycle->message); /* the watch told it */
	else if (cycle->verdict == CYCLE_FAILED)
		log_complain(&m->plan_fault, "no plan: %s", cycle->message);
	else
		log_complain(&m->input_fault, "no plan: %s", cycle->message);
	tell_dashboards(m);
	schedule(m, m->replan ? 0
			      : manager_next_run(clock_wall_ns(), m->settings->interval_ms,
				    m->state.length_s, m->failures, cycle->retry_at_s));
	m->replan = false;
	cycle_deinit(cycle);
}

/* ---- the loop ---- */

static void settled(const char *id, bool delivered, void *context)
{
	advisor_settle(context, id, delivered, now_s());
}

static void answer(
    struct protocol_exchange *exchange, const struct protocol_request *request, void *context)
{
	struct manager *m = context;

	manager_answer(exchange, request, m->advisor, m->publisher, &m->state, now_s());
	if (request->op == OP_APPROVE && m->environments_known)
		carry_on(m);
}

static void stop(evutil_socket_t fd, short what, void *argument)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(argument);
}

static int open_environments(struct manager *m, char *message, size_t size)
{
	const struct manager_settings *settings = m->settings;
	const struct environment_watch_options options = {.source = settings->environments,
	    .ca_file = settings->environments_ca_file,
	    .token_file = settings->environments_token_file,
	    .folder = settings->state_directory,
	    .refresh_ms = settings->environments_refresh_ms,
	    .timeout_ms = settings->environments_timeout_ms,
	    .stale_ms = settings->environments_stale_ms,
	    .changed = on_environments_changed,
	    .ready = on_environments_known,
	    .context = m};
	const int rc = environment_watch_new(m->base, &options, &m->environments, message, size);

	m->state.environments = m->environments;
	return rc;
}

static int open_residence(struct manager *m, char *message, size_t size)
{
	if (asprintf(&m->residence_path, "%s/residence.json", m->settings->state_directory) < 0) {
		m->residence_path = NULL;
		snprintf(message, size, "%s", error_text(GRAPPE_EMEMORY));
		return GRAPPE_EMEMORY;
	}
	return residence_load(m->residence_path, &m->residence, message, size);
}

/* Advice, environments and posting, which the daemon and --once share. */
static int open_books(struct manager *m)
{
	char message[512], *folder = NULL, *dashboards = NULL;
	int rc;

	m->base = event_base_new();
	if (m->base == NULL || asprintf(&folder, "%s/queue", m->settings->state_directory) < 0 ||
	    asprintf(&dashboards, "%s/dashboards", m->settings->state_directory) < 0) {
		log_error("%s", error_text(GRAPPE_EMEMORY));
		return GRAPPE_EMEMORY;
	}
	rc = advisor_open(m->settings->state_directory, &m->advisor, message, sizeof message);
	if (rc == GRAPPE_OK)
		rc = publish_new(m->base, &m->settings->webhooks, folder, settled, m->advisor,
		    &m->publisher, message, sizeof message);
	if (rc == GRAPPE_OK)
		rc = dashboard_new(m->base, &m->settings->dashboards, dashboards, &m->dashboards,
		    message, sizeof message);
	m->state.dashboards = m->dashboards;
	if (rc == GRAPPE_OK)
		rc = open_residence(m, message, sizeof message);
	if (rc == GRAPPE_OK)
		rc = carry_open(m->base, m->settings, m->advisor, m->publisher, on_carried, m,
		    &m->carry, message, sizeof message);
	m->state.carry = m->carry;
	if (rc == GRAPPE_OK)
		rc = open_environments(m, message, sizeof message);
	if (rc != GRAPPE_OK)
		log_error("%s", message);
	free(folder);
	free(dashboards);
	return rc;
}

static int open_events(struct manager *m)
{
	static const int numbers[2] = {SIGTERM, SIGINT};

	m->finished_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	m->timer = evtimer_new(m->base, start_cycle, m);
	if (m->finished_fd >= 0)
		m->finished =
		    event_new(m->base, m->finished_fd, EV_READ | EV_PERSIST, finish_cycle, m);
	if (m->timer == NULL || m->finished == NULL || event_add(m->finished, NULL) != 0)
		return GRAPPE_EMEMORY;
	for (int i = 0; i < 2; i++) {
		m->signals[i] = evsignal_new(m->base, numbers[i], stop, m->base);
		if (m->signals[i] == NULL || event_add(m->signals[i], NULL) != 0)
			return GRAPPE_EMEMORY;
	}
	return GRAPPE_OK;
}

static int open_server(struct manager *m)
{
	int rc = protocol_server_new(
	    m->base, m->settings->socket, SOCKET_MODE, CLIENTS_MAX, answer, m, &m->server);

	if (rc != GRAPPE_OK)
		log_error("socket %s: %s", m->settings->socket,
		    rc == GRAPPE_EEXISTS ? "another process serves it, or it is no socket"
					 : error_text(rc));
	return rc;
}

static void free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

/* A cycle that waits for the collector cannot be called back; its memory is left to the end of
 * the process then. Returns whether everything could be freed. */
static bool manager_close(struct manager *m)
{
	struct timespec until;

	protocol_server_free(m->server);
	carry_close(m->carry);
	dashboard_free(m->dashboards);
	environment_watch_free(m->environments);
	publish_free(m->publisher);
	advisor_close(m->advisor);
	free_event(m->timer);
	free_event(m->finished);
	free_event(m->signals[0]);
	free_event(m->signals[1]);
	if (m->base != NULL)
		event_base_free(m->base);
	if (m->running) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += GOODBYE_S;
		if (pthread_timedjoin_np(m->thread, NULL, &until) != 0)
			return false;
	}
	cycle_deinit(&m->cycle);
	residence_deinit(&m->residence);
	free(m->residence_path);
	if (m->finished_fd >= 0)
		close(m->finished_fd);
	return true;
}

int manager_run(const struct manager_settings *settings)
{
	struct manager *m = calloc(1, sizeof *m);
	int rc;

	if (m == NULL) {
		log_error("%s", error_text(GRAPPE_EMEMORY));
		return EXIT_FAILURE;
	}
	m->settings = settings;
	m->finished_fd = -1;
	m->state = (struct manager_state){.started_s = now_s(), .input_state = "waiting"};
	rc = open_books(m);
	if (rc == GRAPPE_OK) {
		rc = open_events(m);
		if (rc != GRAPPE_OK)
			log_error("event loop: %s", error_text(rc));
	}
	if (rc == GRAPPE_OK)
		rc = open_server(m);
	if (rc == GRAPPE_OK) {
		log_info("READY: serving at %s", settings->socket);
		environment_watch_start(m->environments);
		carry_start(m->carry);
		event_base_dispatch(m->base);
		log_info("stopping");
	}
	if (!manager_close(m))
		_exit(rc == GRAPPE_OK ? EXIT_SUCCESS : EXIT_FAILURE);
	free(m);
	return rc == GRAPPE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- one cycle ---- */

static int finish_once(struct manager *m, struct cycle *cycle)
{
	note_input(m, cycle);
	if (cycle->verdict != CYCLE_PLANNED) {
		log_error("no plan: %s", cycle->message);
		tell_dashboards(m);
		dashboard_drain(m->dashboards, POSTING_MS);
		return cycle->verdict == CYCLE_FAILED ? EXIT_FAILURE : MANAGER_EXIT_NO_INPUT;
	}
	advisor_expire(m->advisor, now_s());
	take_plan(m, cycle);
	tell_dashboards(m);
	if (publish_drain(m->publisher, POSTING_MS) != GRAPPE_OK)
		log_warning(
		    "not every webhook took what waits for it; what is left stays in the queue");
	if (dashboard_drain(m->dashboards, POSTING_MS) != GRAPPE_OK)
		log_warning("not every dashboard was told; what is left stays in its queue");
	report_print(advisor_current(m->advisor), stdout);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int manager_once(const struct manager_settings *settings)
{
	struct manager m = {.settings = settings, .finished_fd = -1};
	struct cycle cycle = {.settings = *settings};
	int exit_code = EXIT_FAILURE;

	if (open_books(&m) == GRAPPE_OK) {
		environment_watch_start(m.environments);
		event_base_dispatch(m.base); /* until they are known */
		give_environments(&m, &cycle);
		cycle.residence = &m.residence;
		cycle.standing = json_deep_copy(advisor_current(m.advisor));
		cycle_run(&cycle);
		save_residence(&m);
		exit_code = finish_once(&m, &cycle);
	}
	cycle_deinit(&cycle);
	manager_close(&m);
	return exit_code;
}
