/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The modes of check_grappe: what each one asks and how it judges the answer. A mode
 * has a shell that asks (run) and, where its answer is a document, a pure judge that tests call
 * with answers of their own. One thread.
 */
#ifndef GRAPPE_NAGIOS_MODE_H
#define GRAPPE_NAGIOS_MODE_H

#include "nagios/plugin.h"
#include "nagios/range.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define COMMUNITY_SIZE 256

struct mode;

/* The command line. */
struct options {
	const struct mode *mode;
	const char *host;                /* agent: HOST, HOST:PORT, [IPV6]:PORT; NULL = not given */
	const char *port;                /* agent: NULL = not given */
	char community[COMMUNITY_SIZE];  /* agent */
	const char *socket;              /* daemons: path; NULL = the usual one */
	struct range warning, critical;  /* of an age in seconds; not given = the mode's defaults */
	unsigned timeout_s;              /* 1 … 3600 */
	enum plugin_state timeout_state; /* when nobody answers */
	int verbosity;
};

struct mode {
	const char *name; /* after --mode */
	const char *text; /* for --help */
	const struct plugin_metric *metrics;
	size_t nmetrics;
	void (*run)(struct plugin *plugin, const struct options *options);
};

extern const struct mode mode_recommendation, mode_collector, mode_agent;

/* The judges: `data` is the member of that name of a status answer (doc/protocol.md) and may be
 * anything; now_s: epoch seconds. */
void mode_judge_recommendation(
    struct plugin *plugin, const struct options *options, const json_t *data, int64_t now_s);
void mode_judge_collector(
    struct plugin *plugin, const struct options *options, const json_t *data, int64_t now_s);

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

/* Shared by modes. */

/* mode_judge_age - a sub-check of an age in seconds against the thresholds of the options or, where
 * none is given, 0:warning_s and 0:critical_s; also sets the metric and its ranges. An age slightly
 * below zero (clocks of two hosts) counts as 0. what: the subject, e.g. "the newest period". */
enum plugin_state mode_judge_age(struct plugin *plugin, const struct options *options,
    size_t metric, const char *what, int64_t age_s, int64_t warning_s, int64_t critical_s);

#endif
