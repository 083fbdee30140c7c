/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The modes of check_grappe: what each one asks and how it judges the answer. A mode that judges a
 * daemon's status is a pure judge, which tests call with documents of their own; others have a
 * shell that asks (run) and a judge. One thread.
 */
#ifndef GRAPPE_NAGIOS_MODE_H
#define GRAPPE_NAGIOS_MODE_H

#include "common/keys.h"
#include "nagios/plugin.h"
#include "nagios/range.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMMUNITY_SIZE 256

#define OPTIONS_EXTRA_MAX 16

struct extra_opts;
struct mode;

/* The command line. */
struct options {
	const struct mode *mode;
	const char *host;                /* agent: HOST, HOST:PORT, [IPV6]:PORT; NULL = not given */
	const char *port;                /* agent: NULL = not given */
	char community[COMMUNITY_SIZE];  /* agent */
	struct keys_login login;         /* agent: SNMPv3 when it has a user */
	const char *socket;              /* daemons: path; NULL = the usual one */
	const char *from, *to;           /* pair: VM, app:LABEL or site:NAME; NULL = not given */
	unsigned window_s;               /* pair: 0 = not given */
	bool unmatched;                  /* drops: unmatched packets count as lost too */
	struct range warning, critical;  /* of what mode->limits says; not given = its defaults */
	unsigned timeout_s;              /* 1 … 3600 */
	enum plugin_state timeout_state; /* when nobody answers */
	int verbosity;
	struct extra_opts *extra[OPTIONS_EXTRA_MAX]; /* owned: texts of files */
	size_t nextra;
};

/* Who is asked. */
enum mode_source { MODE_MANAGER, MODE_COLLECTOR, MODE_AGENT };

/* mode_judge - data: the member of that name of a status answer (doc/protocol.md), may be anything;
 * now_s: epoch seconds. */
typedef void mode_judge(
    struct plugin *plugin, const struct options *options, const json_t *data, int64_t now_s);

struct mode {
	const char *name;   /* after --mode */
	const char *text;   /* for --help */
	const char *limits; /* for --help: what the thresholds are of, and the defaults */
	const struct plugin_metric *metrics;
	size_t nmetrics;
	enum mode_source source;
	mode_judge *judge; /* of the daemon's status; NULL: the mode has a run */
	void (*run)(struct plugin *plugin, const struct options *options);
};

/* All modes, in the order of --help. */
#define MODES 7
extern const struct mode *const mode_all[MODES];
extern const struct mode mode_recommendation, mode_queue, mode_collector, mode_archive, mode_drops,
    mode_pair, mode_agent;

/* mode_run - asks and judges. */
void mode_run(struct plugin *plugin, const struct options *options);

/* What an agent answered, for mode_judge_agent(); an object that is missing has no `there` bit. */
enum agent_object {
	AGENT_LENGTH,
	AGENT_LAST_END,
	AGENT_START,
	AGENT_DROPS,
	AGENT_OVERFLOW,
	AGENT_UNMATCHED,
	AGENT_CLOCK_STATE,
	AGENT_CLOCK_OFFSET,
	AGENT_PAIRS,
	AGENT_VMS,
	AGENT_VIFS,
	AGENT_CAPTURE_STATE,
	AGENT_OBJECTS /* how many there are */
};

struct agent_answer {
	uint32_t there; /* bit 1 << enum agent_object: the object has a number */
	int64_t signed_offset_us;
	uint64_t numbers[AGENT_OBJECTS]; /* all but AGENT_CLOCK_OFFSET */
};

void mode_judge_agent(struct plugin *plugin, const struct options *options, const char *host,
    const struct agent_answer *answer, int64_t now_s);

/* What the collector answered about the traffic between two sides, for mode_judge_pair(). */
struct pair_answer;
void mode_judge_pair(
    struct plugin *plugin, const struct options *options, const struct pair_answer *answer);

/* Shared by modes. */

/* What receives what the manager publishes. */
struct mode_receivers {
	bool told;        /* whether the document tells how much waits */
	uint64_t waiting; /* for all together */
	size_t count, failing;
};

/* mode_judge_receivers - a sub-check of each webhook and dashboard in the member "publish" of the
 * manager's status; one that fails is a WARNING. */
struct mode_receivers mode_judge_receivers(struct plugin *plugin, const json_t *publish);

#define MODE_TEXT_SIZE 32
#define MODE_NAME_SIZE 64 /* of a name that was made short */

/* mode_judge_age - a sub-check of an age in seconds against the thresholds of the options or, where
 * none is given, 0:warning_s and 0:critical_s; also sets the metric and its ranges. An age slightly
 * below zero (clocks of two hosts) counts as 0. what: the subject, e.g. "the newest period". */
enum plugin_state mode_judge_age(struct plugin *plugin, const struct options *options,
    size_t metric, const char *what, int64_t age_s, int64_t warning_s, int64_t critical_s);
/* mode_set_limits - shows the thresholds of the options with the metric or, where none is given,
 * 0:warning_limit and 0:critical_limit, and returns those that count. A limit below 0: none. */
void mode_set_limits(struct plugin *plugin, const struct options *options, size_t metric,
    long long warning_limit, long long critical_limit, struct range *warning,
    struct range *critical);
/* mode_length - seconds of a period as a status tells it, 30 when it does not. */
int64_t mode_length(const json_t *data);
/* mode_format_age - "45 s", "12 min", "3.5 h", "2.1 d". Returns out. */
const char *mode_format_age(int64_t age_s, char out[MODE_TEXT_SIZE]);
/* mode_format_rate - "5.1 MB/s", powers of 1000; "?" when unknown. Returns out. */
const char *mode_format_rate(double octets_per_s, char out[MODE_TEXT_SIZE]);
/* mode_shorten - text, with "..." when it has more than `most` bytes (< MODE_NAME_SIZE); no UTF-8
 * sequence is cut. Returns out. */
const char *mode_shorten(const char *text, size_t most, char out[MODE_NAME_SIZE]);

#endif
