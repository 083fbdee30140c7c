/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/cloud.h"

#include "common/error.h"
#include "common/log.h"
#include "manager/back_off.h"
#include "manager/cloud_kind.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_LAST_MS (60 * 1000)

const struct cloud_kind *const cloud_kinds[] = {&cloud_openstack, &cloud_ganeti, &cloud_command};

/* ---- settings ---- */

static const char *const kind_names[] = {"openstack", "ganeti", "command", NULL};
static const char *const auth_names[] = {"password", "application_credential", NULL};
static const char *const block_names[] = {"auto", "yes", "no", NULL};

#define AT(member) offsetof(struct cloud_settings, member)
#define SECOND 1000.0

const struct setting cloud_setting_table[CLOUD_NSETTINGS] = {
    {"kind", SETTING_CHOICE, AT(kind), NULL, 0, 0, kind_names,
	"Which API it is: openstack (Keystone, Nova, Placement), ganeti (RAPI), or command, any "
	"program that moves a VM."},
    {"url", SETTING_TEXT, AT(url), "", 0, 0, NULL,
	"openstack: of Keystone, ending in /v3; ganeti: of the RAPI."},
    {"address", SETTING_TEXT, AT(address), "", 0, 0, NULL,
	"HOST:PORT to connect to in place of the URL's; the URL's name is what is verified."},
    {"ca_file", SETTING_TEXT, AT(ca_file), "", 0, 0, NULL,
	"PEM file of the certificate authorities to trust; empty: those of the system."},
    {"login_file", SETTING_TEXT, AT(login_file), "", 0, 0, NULL,
	"File of one line, user:password or id:secret, mode 0600."},
    {"auth", SETTING_CHOICE, AT(auth), "password", 0, 0, auth_names,
	"openstack: what login_file holds, a user's password or an application credential."},
    {"domain", SETTING_TEXT, AT(domain), "Default", 0, 0, NULL, "openstack: domain of the user."},
    {"project", SETTING_TEXT, AT(project), "", 0, 0, NULL, "openstack: project to work in."},
    {"project_domain", SETTING_TEXT, AT(project_domain), "Default", 0, 0, NULL,
	"openstack: domain of the project."},
    {"region", SETTING_TEXT, AT(region), "", 0, 0, NULL,
	"openstack: region of the catalog; empty: the first."},
    {"microversion", SETTING_TEXT, AT(microversion), "2.88", 0, 0, NULL,
	"openstack: microversion of Nova's API that is asked for."},
    {"block_migration", SETTING_CHOICE, AT(block_migration), "auto", 0, 0, block_names,
	"openstack: whether disks are copied with the VM."},
    {"command", SETTING_LIST, AT(command), "{}", 0, 0, NULL,
	"command: program and arguments that move a VM and end with 0 once it runs there; {vm} "
	"{name} {from_host} {to_host} {from_environment} {to_environment} are filled in."},
    {"abort_command", SETTING_LIST, AT(abort_command), "{}", 0, 0, NULL,
	"command: what calls off such a move; empty: command is sent SIGTERM."},
    {"survey_command", SETTING_LIST, AT(survey_command), "{}", 0, 0, NULL,
	"command: prints the hosts and VMs it knows as JSON; empty: nothing is known."},
    {"timeout", SETTING_DURATION, AT(timeout_ms), "30s", 100, 300 * SECOND, NULL,
	"Longest time of one exchange, or of survey_command."},
    {"connect_timeout", SETTING_DURATION, AT(connect_timeout_ms), "5s", 100, 300 * SECOND, NULL,
	"Longest time until a connection stands, TLS included."},
    {"move_timeout", SETTING_DURATION, AT(move_timeout_ms), "30min", 1 * SECOND, 86400 * SECOND,
	NULL, "Longest time of a whole move; after it the move is told lost."},
    {"poll", SETTING_DURATION, AT(poll_ms), "2s", 100, 600 * SECOND, NULL,
	"Time between two looks at a move under way."},
};

#define FAIL(...) (snprintf(message, size, __VA_ARGS__), GRAPPE_EINVALID)

/* Whether it was told anything else than what it is by default. */
static bool is_told(const struct cloud_settings *settings, const struct setting *setting)
{
	const void *at = (const char *)settings + setting->offset;
	const char *text;

	/* Of a choice the first is the default. */
	if (setting->type == SETTING_CHOICE)
		return *(const int *)at != 0;
	text = *(char *const *)at;
	return text != NULL && strcmp(text, setting->fallback) != 0;
}

/* The first key of openstack that is told, or NULL. */
static const char *find_openstack_key(const struct cloud_settings *settings)
{
	static const char *const keys[] = {"auth", "domain", "project", "project_domain", "region",
	    "microversion", "block_migration"};

	for (size_t i = 0; i < CLOUD_NSETTINGS; i++)
		for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
			if (strcmp(cloud_setting_table[i].key, keys[k]) == 0 &&
			    is_told(settings, &cloud_setting_table[i]))
				return keys[k];
	return NULL;
}

/* Over HTTP: where, and that nobody overhears the login. */
static int check_http(const struct cloud_settings *settings, char *message, size_t size)
{
	const char *reason;

	if (settings->url[0] == '\0')
		return FAIL("cloud \"%s\": url must be given", settings->title);
	if (!http_check_url(settings->url, &reason))
		return FAIL("cloud \"%s\": url %s", settings->title, reason);
	if (settings->address[0] != '\0' && !http_check_address(settings->address))
		return FAIL("cloud \"%s\": address must be HOST:PORT", settings->title);
	if (settings->login_file[0] == '\0')
		return FAIL("cloud \"%s\": login_file must be given", settings->title);
	if (!http_is_private(settings->url))
		return FAIL("cloud \"%s\": url must be https, or the password travels in the clear",
		    settings->title);
	if (settings->command.count + settings->abort_command.count +
		settings->survey_command.count >
	    0)
		return FAIL("cloud \"%s\": commands are for kind command", settings->title);
	return GRAPPE_OK;
}

int cloud_check(const struct settings_sections *clouds, char *message, size_t size)
{
	const struct cloud_settings *all = clouds->items;

	for (size_t i = 0; i < clouds->count; i++) {
		const struct cloud_kind *kind = cloud_kinds[all[i].kind];
		int rc = GRAPPE_OK;

		if (all[i].kind != CLOUD_OPENSTACK && find_openstack_key(&all[i]) != NULL)
			return FAIL("cloud \"%s\": %s is for kind openstack", all[i].title,
			    find_openstack_key(&all[i]));
		if (all[i].kind != CLOUD_COMMAND)
			rc = check_http(&all[i], message, size);
		if (rc == GRAPPE_OK)
			rc = kind->check(&all[i], message, size);
		if (rc != GRAPPE_OK)
			return rc;
	}
	return GRAPPE_OK;
}

/* ---- life-cycle ---- */

static void free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

static void on_refusal(evutil_socket_t fd, short what, void *context)
{
	struct cloud *cloud = context;

	(void)fd;
	(void)what;
	cloud_survey_end(cloud, NULL, "%s", cloud->refused);
}

int cloud_new(struct event_base *base, const struct cloud_settings *settings, struct cloud **out)
{
	struct cloud *cloud = calloc(1, sizeof *cloud);

	*out = NULL;
	if (cloud == NULL)
		return GRAPPE_EMEMORY;
	cloud->base = base;
	cloud->settings = settings;
	cloud->kind = cloud_kinds[settings->kind];
	cloud->refusal = evtimer_new(base, on_refusal, cloud);
	if (cloud->refusal == NULL || http_client_new(base, &cloud->http) != GRAPPE_OK ||
	    (cloud->kind->open != NULL && cloud->kind->open(cloud) != GRAPPE_OK)) {
		http_client_free(cloud->http);
		free_event(cloud->refusal);
		free(cloud);
		return GRAPPE_EMEMORY;
	}
	*out = cloud;
	return GRAPPE_OK;
}

const char *cloud_title(const struct cloud *cloud)
{
	return cloud->settings->title;
}

static void free_job(struct cloud_job *job)
{
	struct cloud *cloud = job->cloud;

	cloud->kind->drop(job);
	if (job->previous != NULL)
		job->previous->next = job->next;
	else if (cloud->jobs == job)
		cloud->jobs = job->next;
	if (job->next != NULL)
		job->next->previous = job->previous;
	free_event(job->timer);
	free_event(job->deadline);
	free_event(job->ender);
	free(job);
}

void cloud_free(struct cloud *cloud)
{
	if (cloud == NULL)
		return;
	while (cloud->jobs != NULL)
		free_job(cloud->jobs);
	if (cloud->surveyed != NULL && cloud->kind->drop_survey != NULL)
		cloud->kind->drop_survey(cloud);
	if (cloud->kind->close != NULL)
		cloud->kind->close(cloud);
	http_client_free(cloud->http);
	free_event(cloud->refusal);
	free(cloud);
}

/* ---- jobs ---- */

static void add_after(struct event *event, int64_t milliseconds)
{
	const struct timeval delay = {milliseconds / 1000, milliseconds % 1000 * 1000};

	event_add(event, &delay);
}

void cloud_job_accept(struct cloud_job *job, const char *handle)
{
	snprintf(job->handle, sizeof job->handle, "%s", handle);
	if (job->events.accepted != NULL)
		job->events.accepted(job->handle, job->events.context);
}

void cloud_job_poll(struct cloud_job *job)
{
	job->pause_ms = job->cloud->settings->poll_ms;
	add_after(job->timer, job->pause_ms);
}

void cloud_job_hold(struct cloud_job *job)
{
	event_del(job->timer);
}

void cloud_job_pause(struct cloud_job *job, const char *reason)
{
	snprintf(job->trouble, sizeof job->trouble, "%s", reason);
	log_warning("cloud %s: the move of %s: %s; asking again in %.1f s", cloud_title(job->cloud),
	    job->order.vm_name, reason, (double)job->pause_ms / 1000);
	add_after(job->timer, job->pause_ms);
	job->pause_ms = back_off_next(job->pause_ms, PAUSE_LAST_MS);
}

void cloud_job_end(
    struct cloud_job *job, enum cloud_outcome outcome, const char *host, const char *format, ...)
{
	va_list arguments;

	if (job->over)
		return;
	job->over = true;
	event_del(job->timer);
	event_del(job->deadline);
	job->result.outcome = outcome;
	snprintf(job->result.host, sizeof job->result.host, "%s", host != NULL ? host : "");
	va_start(arguments, format);
	vsnprintf(job->result.text, sizeof job->result.text, format, arguments);
	va_end(arguments);
	for (char *c = job->result.text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = ' ';
	add_after(job->ender, 0);
}

static void on_ender(evutil_socket_t fd, short what, void *context)
{
	struct cloud_job *job = context;
	const struct cloud_move_events events = job->events;
	const struct cloud_result result = job->result;

	(void)fd;
	(void)what;
	free_job(job);
	events.ended(&result, events.context);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct cloud_job *job = context;

	(void)fd;
	(void)what;
	job->cloud->kind->poll(job);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct cloud_job *job = context;

	(void)fd;
	(void)what;
	cloud_job_end(job, job->looking ? CLOUD_FAILED : CLOUD_LOST, NULL, "%s within %.0f s%s%s",
	    job->looking ? "nothing was ordered: no answer" : "no final answer",
	    (double)job->cloud->settings->move_timeout_ms / 1000,
	    job->trouble[0] != '\0' ? "; the last one: " : "", job->trouble);
}

static struct cloud_job *new_job(
    struct cloud *cloud, const struct cloud_order *order, const struct cloud_move_events *events)
{
	struct cloud_job *job = calloc(1, sizeof *job);
	int64_t limit_ms = cloud->settings->move_timeout_ms;

	if (job == NULL)
		return NULL;
	if (cloud->kind->grace_ms != NULL)
		limit_ms += cloud->kind->grace_ms(cloud->settings);
	job->cloud = cloud;
	job->order = *order;
	job->events = *events;
	job->pause_ms = cloud->settings->poll_ms;
	job->timer = evtimer_new(cloud->base, on_timer, job);
	job->deadline = evtimer_new(cloud->base, on_deadline, job);
	job->ender = evtimer_new(cloud->base, on_ender, job);
	if (job->timer == NULL || job->deadline == NULL || job->ender == NULL) {
		free_event(job->timer);
		free_event(job->deadline);
		free_event(job->ender);
		free(job);
		return NULL;
	}
	job->next = cloud->jobs;
	if (cloud->jobs != NULL)
		cloud->jobs->previous = job;
	cloud->jobs = job;
	add_after(job->deadline, limit_ms);
	return job;
}

int cloud_move(struct cloud *cloud, const struct cloud_order *order,
    const struct cloud_move_events *events, struct cloud_job **out)
{
	*out = new_job(cloud, order, events);
	if (*out == NULL)
		return GRAPPE_EMEMORY;
	cloud->kind->start(*out);
	return GRAPPE_OK;
}

int cloud_resume(struct cloud *cloud, const struct cloud_order *order, const char *handle,
    const struct cloud_move_events *events, struct cloud_job **out)
{
	*out = new_job(cloud, order, events);
	if (*out == NULL)
		return GRAPPE_EMEMORY;
	snprintf((*out)->handle, sizeof(*out)->handle, "%s", handle);
	cloud->kind->resume(*out);
	return GRAPPE_OK;
}

void cloud_abort(struct cloud_job *job)
{
	if (job->over || job->aborting)
		return;
	job->aborting = true;
	if (job->looking)
		cloud_job_end(job, CLOUD_CANCELLED, NULL, "called off before it was ordered");
	else
		job->cloud->kind->abort(job);
}

/* ---- surveys ---- */

int cloud_survey(struct cloud *cloud, cloud_surveyed *surveyed, void *context)
{
	int rc;

	if (cloud->surveyed != NULL)
		return GRAPPE_EEXISTS;
	cloud->surveyed = surveyed;
	cloud->survey_context = context;
	rc = cloud->kind->survey(cloud);
	if (rc != GRAPPE_OK)
		cloud->surveyed = NULL;
	return rc;
}

int cloud_survey_refuse(struct cloud *cloud, const char *reason)
{
	const struct timeval now = {0, 0};

	snprintf(cloud->refused, sizeof cloud->refused, "%s", reason);
	return event_add(cloud->refusal, &now) == 0 ? GRAPPE_OK : GRAPPE_EMEMORY;
}

void cloud_survey_end(
    struct cloud *cloud, const struct cloud_survey *survey, const char *format, ...)
{
	cloud_surveyed *surveyed = cloud->surveyed;
	char text[CLOUD_TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	cloud->surveyed = NULL;
	surveyed(survey, text, cloud->survey_context);
}
