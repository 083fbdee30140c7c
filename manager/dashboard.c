/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/dashboard.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "manager/back_off.h"
#include "manager/chat.h"
#include "manager/child.h"
#include "manager/dashboard_kind.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAVE_MS 500 /* deliveries of so long share one writing of the file */
#define FOLDER_MODE 0700

struct dashboards {
	struct event_base *base; /* not owned */
	struct http_client *http;
	struct dashboard_lane *lanes;
	size_t nlanes;
};

const char *const dashboard_kind_names[] = {
    "nagios-fifo", "nagios-cgi", "nrdp", "icinga2", "webhook", "command", NULL};

static const struct dashboard_kind *const kinds[] = {&dashboard_kind_fifo, &dashboard_kind_cgi,
    &dashboard_kind_nrdp, &dashboard_kind_icinga2, &dashboard_kind_webhook,
    &dashboard_kind_command};

static const char *const services_choices[] = {"applications", "sites", "both", NULL};

#define AT(member) offsetof(struct dashboard_settings, member)

const struct setting dashboard_settings[DASHBOARD_NSETTINGS] = {
    {.key = "kind",
	.type = SETTING_CHOICE,
	.offset = AT(kind),
	.choices = dashboard_kind_names,
	.text = "How it is told."},
    {.key = "url",
	.type = SETTING_TEXT,
	.offset = AT(url),
	.fallback = "",
	.text = "Of cmd.cgi, of NRDP, of the Icinga API or of a webhook; http or https."},
    {.key = "address",
	.type = SETTING_TEXT,
	.offset = AT(address),
	.fallback = "",
	.text = "HOST:PORT to connect to; the url's name is still the one that is verified. Empty: "
		"the url's."},
    {.key = "ca_file",
	.type = SETTING_TEXT,
	.offset = AT(ca_file),
	.fallback = "",
	.text = "PEM file of the certificate authorities to trust; empty: those of the system."},
    {.key = "login_file",
	.type = SETTING_TEXT,
	.offset = AT(login_file),
	.fallback = "",
	.text = "File with \"user:password\", mode 0600, of nagios-cgi and icinga2."},
    {.key = "token_file",
	.type = SETTING_TEXT,
	.offset = AT(token_file),
	.fallback = "",
	.text =
	    "File with a token, mode 0600, of nrdp, or of a webhook that wants a bearer token."},
    {.key = "path",
	.type = SETTING_TEXT,
	.offset = AT(path),
	.fallback = "",
	.text = "FIFO of external commands, of nagios-fifo."},
    {.key = "command",
	.type = SETTING_LIST,
	.offset = AT(command),
	.fallback = "{}",
	.text = "Program and arguments, of command: run for each result, {host} {service} {state} "
		"{state_number} {text} {perfdata} {time} filled in; NSCA's line on its input."},
    {.key = "host",
	.type = SETTING_TEXT,
	.offset = AT(host),
	.fallback = "grappe",
	.text = "Host of the monitoring system on which the services hang."},
    {.key = "services",
	.type = SETTING_CHOICE,
	.offset = AT(services),
	.fallback = "both",
	.choices = services_choices,
	.text =
	    "What has services beside the recommendation: labelled applications, sites, or both."},
    {.key = "service_prefix",
	.type = SETTING_TEXT,
	.offset = AT(service_prefix),
	.fallback = "Grappe ",
	.text = "What the names of services begin with."},
    {.key = "template",
	.type = SETTING_CHOICE,
	.offset = AT(chat),
	.fallback = "json",
	.choices = chat_templates,
	.text = "What a webhook gets: json, or a message for a chat tool when a state changes."},
    {.key = "ttl",
	.type = SETTING_DURATION,
	.offset = AT(ttl_ms),
	.fallback = "0s",
	.max = 86400000,
	.text = "How long a result counts, of icinga2; 0s: four periods, or four plans where they "
		"are rarer."},
    {.key = "timeout",
	.type = SETTING_DURATION,
	.offset = AT(timeout_ms),
	.fallback = "10s",
	.min = 100,
	.max = 300000,
	.text = "Longest time for one exchange, from connecting to the whole answer."},
    {.key = "connect_timeout",
	.type = SETTING_DURATION,
	.offset = AT(connect_timeout_ms),
	.fallback = "5s",
	.min = 100,
	.max = 300000,
	.text = "Longest time until the connection stands, TLS included."},
};

/* ---- configuration ---- */

/* As service_clean_name() leaves it. */
static bool is_object_name(const char *name, size_t size)
{
	char clean[DASHBOARD_SERVICE_SIZE];

	return name[0] != '\0' && strlen(name) < size && strlen(name) < SERVICE_NAME_SIZE &&
	       strcmp(service_clean_name(name, clean, sizeof clean), name) == 0;
}

static bool is_prefix(const char *prefix)
{
	char name[80];

	return strlen(prefix) < 48 && prefix[0] != ' ' &&
	       snprintf(name, sizeof name, "%sx", prefix) > 0 && is_object_name(name, sizeof name);
}

/* What is wrong with it, or NULL. */
static const char *find_fault(const struct dashboard_settings *settings)
{
	if (!file_is_name(settings->title))
		return "a name is " FILE_NAME_RULE;
	if (!is_object_name(settings->host, DASHBOARD_HOST_SIZE))
		return "host may hold letters, digits, blanks and ._:/@+- only, 95 at most";
	if (!is_prefix(settings->service_prefix))
		return "service_prefix may hold letters, digits, blanks and ._:/@+- only, 47 at "
		       "most, "
		       "and not begin with a blank";
	if (settings->address[0] != '\0' && !http_check_address(settings->address))
		return "address must be HOST:PORT";
	if (settings->command.count > 0 && kinds[settings->kind] != &dashboard_kind_command)
		return "command is for kind command only";
	if (settings->chat != CHAT_JSON && kinds[settings->kind] != &dashboard_kind_webhook)
		return "template is for kind webhook only";
	return kinds[settings->kind]->check(settings);
}

int dashboard_check(const struct settings_sections *dashboards, char *message, size_t size)
{
	const struct dashboard_settings *all = dashboards->items;

	for (size_t i = 0; i < dashboards->count; i++) {
		const char *fault = find_fault(&all[i]);

		if (fault == NULL)
			continue;
		snprintf(message, size, "dashboard \"%s\": %s", all[i].title, fault);
		return GRAPPE_EINVALID;
	}
	return GRAPPE_OK;
}

/* ---- the file ---- */

static void save_queue(struct dashboard_lane *lane)
{
	const int rc = dashboard_queue_save(lane->queue);

	if (rc != GRAPPE_OK)
		log_complain(&lane->unsaved,
		    "dashboard %s: its queue cannot be written: %s; what waits would not survive a "
		    "restart",
		    lane->settings->title, rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
	else
		log_recovered(&lane->unsaved, "dashboard %s: its queue is written again",
		    lane->settings->title);
}

static void on_save(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	save_queue(context);
}

/* ---- sending ---- */

static void start_jobs(struct dashboard_lane *lane);

static void add_timer(struct event *event, int64_t milliseconds)
{
	const struct timeval delay = {milliseconds / 1000, (milliseconds % 1000) * 1000};

	event_add(event, &delay);
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
	struct dashboard_lane *lane = context;

	(void)fd;
	(void)what;
	lane->paused = false;
	start_jobs(lane);
}

const struct dashboard_result *dashboard_job_result(const struct dashboard_job *job, size_t place)
{
	return dashboard_queue_oldest(job->services[place]);
}

/* Services that have something to tell and are not being told, one result of each. */
static void fill_job(struct dashboard_lane *lane, struct dashboard_job *job)
{
	const size_t services = dashboard_queue_services(lane->queue);
	size_t looked;

	job->count = 0;
	job->again = false;
	for (looked = 0; looked < services && job->count < lane->kind->batch; looked++) {
		struct dashboard_service *service =
		    dashboard_queue_service(lane->queue, (lane->cursor + looked) % services);

		if (dashboard_queue_oldest(service) == NULL || dashboard_queue_held(service))
			continue;
		dashboard_queue_hold(service);
		job->services[job->count++] = service;
	}
	lane->cursor = services > 0 ? (lane->cursor + looked) % services : 0;
}

/* A job that could not be free: NULL. */
static struct dashboard_job *find_free_job(struct dashboard_lane *lane)
{
	for (size_t i = 0; i < lane->kind->parallel; i++)
		if (lane->jobs[i].count == 0)
			return &lane->jobs[i];
	return NULL;
}

static void start_jobs(struct dashboard_lane *lane)
{
	struct dashboard_job *job;

	if (lane->starting)
		return;
	lane->starting = true;
	while (!lane->paused && (job = find_free_job(lane)) != NULL) {
		const int64_t rest = lane->free_ms - clock_monotonic_ns() / CLOCK_MILLISECOND_NS;

		if (rest > 0) {
			if (dashboard_queue_waiting(lane->queue) > 0)
				add_timer(lane->wake, rest);
			break;
		}
		fill_job(lane, job);
		if (job->count == 0)
			break;
		lane->kind->start(job);
	}
	lane->starting = false;
}

static void pause_lane(struct dashboard_lane *lane, const char *reason)
{
	service_clean_text(reason, lane->error, sizeof lane->error);
	log_complain(&lane->trouble,
	    "dashboard %s: cannot tell it: %s; trying again in %lld s, %zu results waiting",
	    lane->settings->title, reason, (long long)(lane->pause_ms / 1000),
	    dashboard_queue_waiting(lane->queue));
	if (lane->paused)
		return;
	lane->paused = true;
	add_timer(lane->wake, lane->pause_ms);
	lane->pause_ms = back_off_next(lane->pause_ms, BACK_OFF_LAST_MS);
}

static void note_refusal(struct dashboard_job *job, const char *reason)
{
	struct dashboard_lane *lane = job->lane;

	lane->refused += job->count;
	lane->refused_now += job->count;
	service_clean_text(reason, lane->error, sizeof lane->error);
	log_complain(&lane->refusal,
	    "dashboard %s: %s: %zu results are given up, the first of \"%s\"",
	    lane->settings->title, reason, job->count, dashboard_job_result(job, 0)->service);
}

static void note_delivery(struct dashboard_job *job)
{
	struct dashboard_lane *lane = job->lane;

	lane->delivered += job->count;
	lane->delivered_s = clock_wall_ns() / CLOCK_SECOND_NS;
	log_recovered(&lane->trouble, "dashboard %s: it is told again", lane->settings->title);
	if (lane->refused_now > 0)
		return;
	lane->error[0] = '\0';
	log_recovered(
	    &lane->refusal, "dashboard %s: its results are taken again", lane->settings->title);
}

void dashboard_job_done(
    struct dashboard_job *job, enum dashboard_outcome outcome, const char *reason)
{
	struct dashboard_lane *lane = job->lane;

	job->exchange = NULL;
	if (outcome == DASHBOARD_REFUSED)
		note_refusal(job, reason);
	else if (outcome == DASHBOARD_DELIVERED)
		note_delivery(job);
	for (size_t i = 0; i < job->count; i++)
		if (outcome == DASHBOARD_AGAIN)
			dashboard_queue_release(job->services[i]);
		else
			dashboard_queue_pop(lane->queue, job->services[i]);
	job->count = 0;
	if (outcome == DASHBOARD_AGAIN) {
		pause_lane(lane, reason);
		return;
	}
	lane->pause_ms = BACK_OFF_FIRST_MS;
	lane->free_ms = clock_monotonic_ns() / CLOCK_MILLISECOND_NS + lane->kind->spacing_ms;
	if (!evtimer_pending(lane->save, NULL))
		add_timer(lane->save, SAVE_MS);
	start_jobs(lane);
}

/* ---- life-cycle ---- */

static int open_lane(struct dashboards *dashboards, struct dashboard_lane *lane,
    const struct dashboard_settings *settings, const char *folder, char *message, size_t size)
{
	char path[PATH_MAX];
	int rc;

	lane->owner = dashboards;
	lane->settings = settings;
	lane->kind = kinds[settings->kind];
	lane->base = dashboards->base;
	lane->http = dashboards->http;
	lane->pause_ms = BACK_OFF_FIRST_MS;
	for (size_t i = 0; i < DASHBOARD_JOBS_MAX; i++)
		lane->jobs[i].lane = lane;
	lane->wake = evtimer_new(dashboards->base, on_wake, lane);
	lane->save = evtimer_new(dashboards->base, on_save, lane);
	if (lane->wake == NULL || lane->save == NULL) {
		snprintf(message, size, "%s", error_text(GRAPPE_EMEMORY));
		return GRAPPE_EMEMORY;
	}
	if (snprintf(path, sizeof path, "%s/%s.json", folder, settings->title) >=
	    (int)sizeof path) {
		snprintf(message, size, "queue folder %s: too long a name", folder);
		return GRAPPE_ELIMIT;
	}
	rc = dashboard_queue_open(path, &lane->queue, message, size);
	if (rc != GRAPPE_OK)
		return rc;
	if (dashboard_queue_waiting(lane->queue) > 0) {
		log_info("dashboard %s: %zu results wait from an earlier run", settings->title,
		    dashboard_queue_waiting(lane->queue));
		add_timer(lane->wake, 0);
	}
	return GRAPPE_OK;
}

int dashboard_new(struct event_base *base, const struct settings_sections *sections,
    const char *folder, struct dashboards **out, char *message, size_t size)
{
	const struct dashboard_settings *all = sections->items;
	struct dashboards *dashboards = calloc(1, sizeof *dashboards);
	int rc = GRAPPE_OK;

	*out = NULL;
	if (dashboards != NULL) {
		dashboards->base = base;
		dashboards->lanes = calloc(sections->count + 1, sizeof *dashboards->lanes);
	}
	if (dashboards == NULL || dashboards->lanes == NULL ||
	    http_client_new(base, &dashboards->http) != GRAPPE_OK) {
		snprintf(message, size, "%s", error_text(GRAPPE_EMEMORY));
		dashboard_free(dashboards);
		return GRAPPE_EMEMORY;
	}
	/* A FIFO whose reader ends must not end the manager. */
	signal(SIGPIPE, SIG_IGN);
	if (sections->count > 0 && file_make_folder(folder, FOLDER_MODE) != GRAPPE_OK) {
		snprintf(message, size, "queue folder %s: %s", folder, strerror(errno));
		rc = GRAPPE_EIO;
	}
	for (size_t i = 0; rc == GRAPPE_OK && i < sections->count; i++)
		rc = open_lane(dashboards, &dashboards->lanes[dashboards->nlanes++], &all[i],
		    folder, message, size);
	if (rc == GRAPPE_OK)
		*out = dashboards;
	else
		dashboard_free(dashboards);
	return rc;
}

static void close_lane(struct dashboard_lane *lane)
{
	for (size_t i = 0; i < DASHBOARD_JOBS_MAX; i++) {
		http_cancel(lane->jobs[i].exchange);
		child_free(lane->jobs[i].child);
	}
	if (lane->wake != NULL)
		event_free(lane->wake);
	if (lane->save != NULL)
		event_free(lane->save);
	if (lane->queue != NULL)
		save_queue(lane);
	dashboard_queue_close(lane->queue);
}

void dashboard_free(struct dashboards *dashboards)
{
	if (dashboards == NULL)
		return;
	for (size_t i = 0; i < dashboards->nlanes; i++)
		close_lane(&dashboards->lanes[i]);
	http_client_free(dashboards->http);
	free(dashboards->lanes);
	free(dashboards);
}

/* ---- telling ---- */

static bool is_wanted(const struct dashboard_lane *lane, const struct service_state *state)
{
	return state->kind == SERVICE_OVERALL || lane->settings->services == DASHBOARD_BOTH ||
	       (state->kind == SERVICE_APPLICATION) ==
		   (lane->settings->services == DASHBOARD_APPLICATIONS);
}

static int queue_states(
    struct dashboard_lane *lane, const struct service_states *states, int64_t ttl_s, int64_t now_ms)
{
	const bool changes_only = lane->settings->chat != CHAT_JSON;
	int rc = GRAPPE_OK;

	for (size_t i = 0; rc == GRAPPE_OK && i < states->count; i++) {
		const struct service_state *state = &states->items[i];
		struct dashboard_result result = {.level = state->level, .ttl_s = ttl_s};

		if (!is_wanted(lane, state))
			continue;
		snprintf(result.host, sizeof result.host, "%s", lane->settings->host);
		snprintf(result.service, sizeof result.service, "%.47s%s",
		    lane->settings->service_prefix, state->name);
		memcpy(result.text, state->text, sizeof result.text);
		memcpy(result.perfdata, state->perfdata, sizeof result.perfdata);
		memcpy(result.details, state->details, sizeof result.details);
		rc = dashboard_queue_push(lane->queue, &result, now_ms, changes_only);
	}
	return rc;
}

int dashboard_tell(struct dashboards *dashboards, const struct service_input *input, int64_t ttl_s)
{
	const int64_t now_ms = clock_wall_ns() / CLOCK_MILLISECOND_NS;
	struct service_states states;
	int rc;

	if (dashboards->nlanes == 0)
		return GRAPPE_OK;
	rc = service_states_make(input, &states);
	for (size_t i = 0; i < dashboards->nlanes; i++) {
		struct dashboard_lane *lane = &dashboards->lanes[i];
		const int64_t own_s = lane->settings->ttl_ms / 1000;
		const int lane_rc = queue_states(lane, &states, own_s > 0 ? own_s : ttl_s, now_ms);

		rc = rc == GRAPPE_OK ? lane_rc : rc;
		lane->refused_now = 0;
		save_queue(lane);
		start_jobs(lane);
	}
	service_states_deinit(&states);
	return rc;
}

json_t *dashboard_status_json(const struct dashboards *dashboards)
{
	json_t *all = json_array();

	for (size_t i = 0; all != NULL && i < dashboards->nlanes; i++) {
		const struct dashboard_lane *lane = &dashboards->lanes[i];

		json_array_append_new(all,
		    json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:I}", "name",
			lane->settings->title, "kind", dashboard_kind_names[lane->settings->kind],
			"waiting", (json_int_t)dashboard_queue_waiting(lane->queue), "delivered",
			(json_int_t)lane->delivered, "merged",
			(json_int_t)dashboard_queue_merged(lane->queue), "refused",
			(json_int_t)lane->refused, "error", lane->error, "delivered_time",
			(json_int_t)lane->delivered_s));
	}
	return all;
}

static bool is_idle(const struct dashboards *dashboards)
{
	for (size_t i = 0; i < dashboards->nlanes; i++)
		if (dashboard_queue_waiting(dashboards->lanes[i].queue) > 0)
			return false;
	return true;
}

static void on_drain_limit(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	*(bool *)context = true;
}

int dashboard_drain(struct dashboards *dashboards, int64_t limit_ms)
{
	bool over = false;
	struct event *timer = evtimer_new(dashboards->base, on_drain_limit, &over);

	if (timer == NULL)
		return GRAPPE_EMEMORY;
	add_timer(timer, limit_ms);
	while (!is_idle(dashboards) && !over)
		if (event_base_loop(dashboards->base, EVLOOP_ONCE) != 0 ||
		    event_base_got_break(dashboards->base))
			break;
	event_free(timer);
	return is_idle(dashboards) ? GRAPPE_OK : GRAPPE_ETIMEOUT;
}
