/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The settings of the manager, shared by the daemon grappe-manager and the command
 * grappe, so that both find the same groups and plans. Read once at start.
 */
#ifndef GRAPPE_MANAGER_MANAGER_SETTINGS_H
#define GRAPPE_MANAGER_MANAGER_SETTINGS_H

#include "common/settings.h"
#include "manager/groups.h"

#include <stdint.h>

#define MANAGER_CONFIG GRAPPE_SYSCONFDIR "/manager.conf"

enum manager_objective {
	MANAGER_AUTO,
	MANAGER_TIME,
	MANAGER_COST,
	MANAGER_RESOURCES,
	MANAGER_TRAFFIC
};

enum manager_mode { MANAGER_ADVISE, MANAGER_CONFIRM, MANAGER_EXECUTE };

/* What the operator knows of an application. */
struct manager_application {
	char *title;          /* its label in the inventory */
	char *owner;          /* "" = not told */
	int64_t remaining_ms; /* how long it still runs; 0 = not known */
};

enum manager_by { MANAGER_BY_PACKETS, MANAGER_BY_BYTES };

struct manager_settings {
	char *collector_socket, *socket, *state_directory;
	char *environments; /* path or URL of the environment document, "" = none */
	char *environments_ca_file, *environments_token_file;
	int64_t environments_refresh_ms, environments_timeout_ms, environments_stale_ms;
	int64_t window_ms;    /* how far back a plan looks */
	int64_t interval_ms;  /* between plans; 0 = after each period */
	int64_t wait_ms;      /* longest wait for the newest period */
	bool approximate;     /* whether its estimate is accepted */
	double minimum_known; /* share of the window's periods without which the daemon does not
				 plan */
	int objective;        /* enum manager_objective */
	int64_t horizon_ms;   /* how long work and traffic go on */
	double waiting_share; /* of the packets */
	uint64_t dirty_rate;  /* bytes per second */
	int64_t leave_before_ms;
	int64_t payback_ms; /* by when a move must save what it costs */
	int64_t cool_down_ms;
	char *rules; /* path, "" = none */
	char *cap;   /* "" = none */
	int64_t plan_time_ms;
	double minimum_gain;        /* share, see doc/planning.md */
	uint64_t minimum_gain_rate; /* octets per second and move */
	int64_t max_moves;
	int64_t expires_ms;
	int mode;                 /* enum manager_mode */
	char *stop_file;          /* "" none */
	int64_t moves_per_host;   /* under way at once */
	int64_t effect_window_ms; /* measured before and after a move */
	int method, by;           /* index into the choices: enum groups_method, enum manager_by */
	double factor, merge_share, floor_packets;
	uint64_t floor_size;                   /* octets */
	struct settings_list mail_to; /* addresses that reports go to */
	char *mail_from, *sendmail;
	struct settings_sections webhooks;     /* struct publish_webhook */
	struct settings_sections dashboards;   /* struct dashboard_settings */
	struct settings_sections clouds;       /* struct cloud_settings */
	struct settings_sections applications; /* struct manager_application */
};

extern const struct settings_schema manager_settings_schema;
extern const char *const manager_methods[];    /* NULL-terminated */
extern const char *const manager_objectives[]; /* NULL-terminated */
extern const char *const manager_modes[];      /* NULL-terminated */
extern const char *const manager_by_choices[];

/* manager_settings_application - by label, or NULL. */
const struct manager_application *manager_settings_application(
    const struct manager_settings *settings, const char *label);
/* manager_settings_rules - how groups are found in a matrix over window_s seconds. */
struct groups_rules manager_settings_rules(
    const struct manager_settings *settings, double window_s);

#endif
