/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/manager_settings.h"

#include "common/error.h"
#include "manager/cloud.h"
#include "manager/dashboard.h"
#include "manager/mail.h"
#include "manager/publish.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

const char *const manager_methods[] = {"auto", "thesis", NULL};
const char *const manager_objectives[] = {"auto", "time", "cost", "resources", "traffic", NULL};
const char *const manager_modes[] = {"advise", "confirm", "execute", NULL};
const char *const manager_by_choices[] = {"packets", "bytes", NULL};

#define AT(member) offsetof(struct manager_settings, member)
#define SECOND 1000.0
#define DAY (86400 * SECOND)

static const struct setting main_settings[] = {
    {"collector_socket", SETTING_TEXT, AT(collector_socket), GRAPPE_RUNDIR "/collector.sock", 0, 0,
	NULL, "Socket of grappe-collector, where the traffic is asked for."},
    {"socket", SETTING_TEXT, AT(socket), GRAPPE_RUNDIR "/manager.sock", 0, 0, NULL,
	"Socket on which the manager answers."},
    {"state_directory", SETTING_TEXT, AT(state_directory), GRAPPE_STATEDIR "/manager", 0, 0, NULL,
	"Folder of the current recommendation, the history and what waits to be posted."},
    {"environments", SETTING_TEXT, AT(environments), "", 0, 0, NULL,
	"The environment document (JSON), a file or an http(s) URL: hosts and what they offer. "
	"Without it no host may receive a VM."},
    {"environments_ca_file", SETTING_TEXT, AT(environments_ca_file), "", 0, 0, NULL,
	"PEM file of the authorities that may certify an https server of it; empty: the system's."},
    {"environments_token_file", SETTING_TEXT, AT(environments_token_file), "", 0, 0, NULL,
	"File with a bearer token for that URL, readable by its owner alone."},
    {"environments_refresh", SETTING_DURATION, AT(environments_refresh_ms), "1min", 1 * SECOND, DAY,
	NULL, "Time between two looks at the environment document; a change brings a new plan."},
    {"environments_timeout", SETTING_DURATION, AT(environments_timeout_ms), "10s", 100,
	600 * SECOND, NULL, "Longest time that getting it from a URL may take."},
    {"environments_stale", SETTING_DURATION, AT(environments_stale_ms), "7d", 60 * SECOND,
	3650 * DAY, NULL, "Age of its facts (as_of) from which they are told to be stale."},
    {"window", SETTING_DURATION, AT(window_ms), "5min", 1 * SECOND, 31 * DAY, NULL,
	"How far back a plan looks."},
    {"interval", SETTING_DURATION, AT(interval_ms), "0s", 0, DAY, NULL,
	"Time between two plans; 0s: one after each period of the collector."},
    {"wait", SETTING_DURATION, AT(wait_ms), "20s", 0, 600 * SECOND, NULL,
	"Longest wait for the newest period to come in."},
    {"approximate", SETTING_BOOLEAN, AT(approximate), "no", 0, 0, NULL,
	"Whether the newest period may be estimated from the one before it."},
    {"minimum_known", SETTING_REAL, AT(minimum_known), "0.5", 0, 1, NULL,
	"Share of the window's periods that must be known before the daemon plans."},
    {"objective", SETTING_CHOICE, AT(objective), "auto", 0, 0, manager_objectives,
	"What plans make small: time, cost, resources (environments in use) or traffic between "
	"environments; auto: time where the document tells powers and links, else traffic."},
    {"horizon", SETTING_DURATION, AT(horizon_ms), "1d", 60 * SECOND, 3650 * DAY, NULL,
	"How long work and traffic are taken to go on."},
    {"payback", SETTING_DURATION, AT(payback_ms), "6h", 60 * SECOND, 3650 * DAY, NULL,
	"Time within which a voluntary move must save what it costs; the horizon, if that is "
	"less."},
    {"waiting_share", SETTING_REAL, AT(waiting_share), "0.02", 0, 1, NULL,
	"Share of the packets that a VM waits for; a guess, and plans say how much hangs on it."},
    {"dirty_rate", SETTING_SIZE, AT(dirty_rate), "15MB", 0, 1e12, NULL,
	"How fast a VM writes to its memory, per second; it decides what its migration sends."},
    {"leave_before", SETTING_DURATION, AT(leave_before_ms), "1h", 0, 365 * DAY, NULL,
	"How long before an environment closes its VMs must leave."},
    {"cool_down", SETTING_DURATION, AT(cool_down_ms), "30min", 0, 31 * DAY, NULL,
	"How long a VM that was seen to move is left alone, unless it must go; 0s: not at all."},
    {"rules", SETTING_TEXT, AT(rules), "", 0, 0, NULL,
	"File of rules that plans keep: pin, apart, together, sameaddr, forbid, drain, quota."},
    {"cap", SETTING_TEXT, AT(cap), "", 0, 0, NULL,
	"What plans must not exceed beside the objective, such as cost=105%,time=120%: shares of "
	"the "
	"present."},
    {"plan_time", SETTING_DURATION, AT(plan_time_ms), "2s", 10, 3600 * SECOND, NULL,
	"Processor time that looking for a plan may take; few VMs take less."},
    {"minimum_gain", SETTING_REAL, AT(minimum_gain), "0.1", 0, 1, NULL,
	"Share of what its traffic costs that a moved VM must save at least."},
    {"minimum_gain_rate", SETTING_SIZE, AT(minimum_gain_rate), "10kB", 0, 1e15, NULL,
	"Traffic between environments that each move must save at least, per second, where traffic "
	"is the objective."},
    {"max_moves", SETTING_INTEGER, AT(max_moves), "20", 0, 10000, NULL,
	"Voluntary moves in one recommendation at most."},
    {"expires", SETTING_DURATION, AT(expires_ms), "1h", 60 * SECOND, 31 * DAY, NULL,
	"How long a recommendation stands when no newer plan confirms it."},
    {"mode", SETTING_CHOICE, AT(mode), "advise", 0, 0, manager_modes,
	"advise: moves are for people; confirm: an approved recommendation is carried out through "
	"the clouds' APIs; execute: every recommendation is."},
    {"stop_file", SETTING_TEXT, AT(stop_file), GRAPPE_SYSCONFDIR "/stop", 0, 0, NULL,
	"While this file exists nothing is moved, and what is under way is called off."},
    {"moves_per_host", SETTING_INTEGER, AT(moves_per_host), "1", 1, 1000, NULL,
	"Moves that a host takes part in at once."},
    {"effect_window", SETTING_DURATION, AT(effect_window_ms), "5min", 1 * SECOND, DAY, NULL,
	"How long before and after a move the traffic is compared."},
    {"mail_to", SETTING_LIST, AT(mail_to), "{}", 0, 0, NULL,
	"Addresses that \"grappe report --mail\" sends to."},
    {"mail_from", SETTING_TEXT, AT(mail_from), "", 0, 0, NULL, "The address that it sends from."},
    {"sendmail", SETTING_TEXT, AT(sendmail), "/usr/sbin/sendmail", 0, 0, NULL,
	"The program that takes mail, called as sendmail is."},
    {"method", SETTING_CHOICE, AT(method), "auto", 0, 0, manager_methods,
	"How communication groups are found."},
    {"by", SETTING_CHOICE, AT(by), "packets", 0, 0, manager_by_choices,
	"What pairs are compared by when groups are found."},
    {"factor", SETTING_REAL, AT(factor), "0.8", 0.01, 1, NULL,
	"A VM joins a group above this share of the mean of the pairs that built it."},
    {"merge_share", SETTING_REAL, AT(merge_share), "0.7", 0, 1000, NULL,
	"Two groups merge when the traffic between them exceeds this share of the traffic inside "
	"the one with less."},
    {"floor_packets", SETTING_REAL, AT(floor_packets), "100", 0, 1e12, NULL,
	"Packets in 30 s above which a pair is a link."},
    {"floor_size", SETTING_SIZE, AT(floor_size), "10kB", 0, 1e15, NULL,
	"Bytes in 30 s above which a pair is a link."},
};

static const struct setting application_settings[] = {
    {"owner", SETTING_TEXT, offsetof(struct manager_application, owner), "", 0, 0, NULL,
	"Who owns it: recommendations tell gain and loss by owner, too."},
    {"remaining", SETTING_DURATION, offsetof(struct manager_application, remaining_ms), "0s", 0,
	3650 * DAY, NULL, "How long it still runs; 0s: not known, the horizon counts."},
};

#define APPLICATIONS_MAX 10000

static const struct settings_section sections[] = {
    {.name = NULL,
	.text = "The manager",
	.settings = main_settings,
	.nsettings = SETTINGS_COUNT(main_settings)},
    PUBLISH_WEBHOOK_SECTION(struct manager_settings, webhooks),
    DASHBOARD_SECTION(struct manager_settings, dashboards),
    CLOUD_SECTION(struct manager_settings, clouds),
    {.name = "application",
	.text = "What is known of an application, by its label in the inventory.",
	.settings = application_settings,
	.nsettings = SETTINGS_COUNT(application_settings),
	.size = sizeof(struct manager_application),
	.offset = AT(applications),
	.limit = APPLICATIONS_MAX},
};

static int check_mail(const struct manager_settings *settings, char *message, size_t size)
{
	const char *wrong = NULL;

	if (settings->mail_from[0] != '\0' && !mail_check_address(settings->mail_from))
		wrong = settings->mail_from;
	for (size_t i = 0; i < settings->mail_to.count; i++)
		if (!mail_check_address(settings->mail_to.items[i]))
			wrong = settings->mail_to.items[i];
	if (wrong == NULL)
		return GRAPPE_OK;
	snprintf(message, size, "mail_from, mail_to: \"%s\" is no address", wrong);
	return GRAPPE_EINVALID;
}

static int check(const void *values, char *message, size_t size)
{
	const struct manager_settings *settings = values;
	int rc = check_mail(settings, message, size);

	if (rc == GRAPPE_OK)
		rc = publish_check(&settings->webhooks, message, size);
	if (rc == GRAPPE_OK)
		rc = dashboard_check(&settings->dashboards, message, size);
	return rc == GRAPPE_OK ? cloud_check(&settings->clouds, message, size) : rc;
}

const struct settings_schema manager_settings_schema = {
    .sections = sections, .nsections = SETTINGS_COUNT(sections), .check = check};

const struct manager_application *manager_settings_application(
    const struct manager_settings *settings, const char *label)
{
	const struct manager_application *items = settings->applications.items;

	for (size_t i = 0; i < settings->applications.count; i++)
		if (strcmp(items[i].title, label) == 0)
			return &items[i];
	return NULL;
}

struct groups_rules manager_settings_rules(const struct manager_settings *settings, double window_s)
{
	return (struct groups_rules){
	    .method = (enum groups_method)settings->method,
	    .graph = {.by_octets = settings->by == MANAGER_BY_BYTES,
		.floor_packets = settings->floor_packets,
		.floor_octets = (double)settings->floor_size,
		.window_s = window_s},
	    .thesis = {.factor = settings->factor, .merge_share = settings->merge_share},
	};
}
