/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mode agent: the sensor of one host, by SNMP. An object that is missing is never taken
 * for good news: the agent may have gone while snmpd still answers.
 */
#include "common/clock.h"
#include "common/error.h"
#include "common/mib.h"
#include "nagios/mode.h"
#include "nagios/snmp.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define RESERVE_MS 500
#define LENGTH_DEFAULT_S 30
#define LENGTH_MAX_S 86400
#define AGE_WARNING_PERIODS 4
#define AGE_CRITICAL_PERIODS 10

enum { AGE, DROPS, OVERFLOW_PACKETS, UNMATCHED, CLOCK_OFFSET, PAIRS, VMS, VIFS, METRICS };
static const struct plugin_metric metrics[METRICS] = {
    [AGE] = {"age", "s", true},
    [DROPS] = {"drops", "c", true},
    [OVERFLOW_PACKETS] = {"overflow", "c", true},
    [UNMATCHED] = {"unmatched", "c", true},
    [CLOCK_OFFSET] = {"clock_offset", "us", false},
    [PAIRS] = {"pairs", "", true},
    [VMS] = {"vms", "", true},
    [VIFS] = {"vifs", "", true},
};

/* What is asked for, in the order of enum agent_object, and which label shows it as it is. */
static const struct {
	uint32_t scalar; /* enum mib_agent_scalar */
	int metric;      /* -1: none */
} objects[AGENT_OBJECTS] = {
    [AGENT_LENGTH] = {MIB_AGENT_PERIOD_LENGTH, -1},
    [AGENT_LAST_END] = {MIB_AGENT_LAST_END, -1},
    [AGENT_START] = {MIB_AGENT_START_TIME, -1},
    [AGENT_DROPS] = {MIB_AGENT_DROPS, DROPS},
    [AGENT_OVERFLOW] = {MIB_AGENT_OVERFLOW, OVERFLOW_PACKETS},
    [AGENT_UNMATCHED] = {MIB_AGENT_UNMATCHED, UNMATCHED},
    [AGENT_CLOCK_STATE] = {MIB_AGENT_CLOCK_STATE, -1},
    [AGENT_CLOCK_OFFSET] = {MIB_AGENT_CLOCK_OFFSET, -1},
    [AGENT_PAIRS] = {MIB_AGENT_PAIR_ROWS, PAIRS},
    [AGENT_VMS] = {MIB_AGENT_VMS, VMS},
    [AGENT_VIFS] = {MIB_AGENT_VIFS, VIFS},
    [AGENT_CAPTURE_STATE] = {MIB_AGENT_CAPTURE_STATE, -1},
};

static bool has(const struct agent_answer *answer, enum agent_object object)
{
	return (answer->there & 1u << object) != 0;
}

static int64_t length_of(const struct agent_answer *answer)
{
	const uint64_t length = has(answer, AGENT_LENGTH) ? answer->numbers[AGENT_LENGTH] : 0;

	return length > 0 && length <= LENGTH_MAX_S ? (int64_t)length : LENGTH_DEFAULT_S;
}

static void judge_capture(struct plugin *plugin, const struct agent_answer *answer, int64_t now_s)
{
	const int64_t start = has(answer, AGENT_START) ? (int64_t)answer->numbers[AGENT_START] : 0;
	const bool young = start > 0 && now_s - start < 3 * length_of(answer);

	switch (has(answer, AGENT_CAPTURE_STATE) ? answer->numbers[AGENT_CAPTURE_STATE] : 0) {
	case MIB_CAPTURE_RUNNING:
		plugin_add_check(plugin, NULL, PLUGIN_OK, "capture runs");
		break;
	case MIB_CAPTURE_STALE:
		plugin_add_check(
		    plugin, NULL, PLUGIN_CRITICAL, "capture stands still: no new periods come");
		break;
	case MIB_CAPTURE_ABSENT:
		plugin_add_check(plugin, NULL, young ? PLUGIN_UNKNOWN : PLUGIN_CRITICAL,
		    "capture has made no period yet%s", young ? ", it just started" : "");
		break;
	default:
		plugin_add_check(
		    plugin, NULL, PLUGIN_UNKNOWN, "the agent does not tell its capture's state");
	}
}

static void judge_period(struct plugin *plugin, const struct options *options,
    const struct agent_answer *answer, int64_t now_s)
{
	const int64_t length = length_of(answer);

	if (!has(answer, AGENT_LAST_END))
		plugin_add_check(
		    plugin, NULL, PLUGIN_UNKNOWN, "the agent does not tell its newest period");
	else if (answer->numbers[AGENT_LAST_END] >
		 0) /* none yet: that is judge_capture()'s to say */
		mode_judge_age(plugin, options, AGE, "the newest period",
		    now_s - (int64_t)answer->numbers[AGENT_LAST_END], AGE_WARNING_PERIODS * length,
		    AGE_CRITICAL_PERIODS * length);
}

static void judge_clock(struct plugin *plugin, const struct agent_answer *answer)
{
	if (has(answer, AGENT_CLOCK_OFFSET))
		plugin_set_value(plugin, CLOCK_OFFSET, (double)answer->signed_offset_us);
	switch (has(answer, AGENT_CLOCK_STATE) ? answer->numbers[AGENT_CLOCK_STATE] : 0) {
	case MIB_CLOCK_SYNCHRONISED:
		plugin_add_check(plugin, NULL, PLUGIN_OK, "the clock is synchronised");
		break;
	case MIB_CLOCK_UNSYNCHRONISED:
		plugin_add_check(plugin, NULL, PLUGIN_WARNING, "the clock is not synchronised");
		break;
	case MIB_CLOCK_STEPPED:
		plugin_add_check(plugin, NULL, PLUGIN_WARNING, "the clock was stepped");
		break;
	default:
		plugin_add_check(
		    plugin, NULL, PLUGIN_UNKNOWN, "the agent does not tell its clock's state");
	}
}

void mode_judge_agent(struct plugin *plugin, const struct options *options, const char *host,
    const struct agent_answer *answer, int64_t now_s)
{
	if (answer->there == 0) {
		plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN,
		    "snmpd on %.200s answers, but no grappe-agent is registered there", host);
		return;
	}
	for (size_t i = 0; i < AGENT_OBJECTS; i++)
		if (objects[i].metric >= 0 && has(answer, (enum agent_object)i))
			plugin_set_count(plugin, (size_t)objects[i].metric, answer->numbers[i]);
	judge_capture(plugin, answer, now_s);
	judge_period(plugin, options, answer, now_s);
	judge_clock(plugin, answer);
	plugin_set_summary(plugin,
	    "%" PRIu64 " VMs, %" PRIu64 " pairs, newest period %" PRId64 " s old",
	    answer->numbers[AGENT_VMS], answer->numbers[AGENT_PAIRS],
	    (int64_t)(now_s - (int64_t)answer->numbers[AGENT_LAST_END]));
}

static void prepare_request(struct snmp_object request[AGENT_OBJECTS])
{
	static const uint32_t base[] = {MIB_AGENT};

	memset(request, 0, AGENT_OBJECTS * sizeof *request);
	for (size_t i = 0; i < AGENT_OBJECTS; i++) {
		memcpy(request[i].oid, base, sizeof base);
		request[i].length = sizeof base / sizeof *base;
		request[i].oid[request[i].length++] = objects[i].scalar;
		request[i].oid[request[i].length++] = 0;
	}
}

static void run(struct plugin *plugin, const struct options *options)
{
	const bool v3 = options->login.user[0] != '\0';
	const struct snmp_login login = {
	    .community = v3 ? NULL : options->community, .user = &options->login};
	struct snmp_object request[AGENT_OBJECTS];
	struct agent_answer answer = {0};
	char peer[300], message[256];
	int rc;

	if (snmp_format_peer(options->host, options->port, peer, sizeof peer) != GRAPPE_OK) {
		plugin_add_check(
		    plugin, NULL, PLUGIN_UNKNOWN, "no host and port: %.200s", options->host);
		return;
	}
	prepare_request(request);
	rc = snmp_get(peer, &login, (int)options->timeout_s * 1000 - RESERVE_MS, request,
	    AGENT_OBJECTS, message, sizeof message);
	if (rc != GRAPPE_OK) {
		plugin_add_check(plugin, NULL,
		    rc == GRAPPE_ETIMEOUT || rc == GRAPPE_EIO ? options->timeout_state
							      : PLUGIN_UNKNOWN,
		    "SNMP on %.200s: %s", options->host, message);
		return;
	}
	for (size_t i = 0; i < AGENT_OBJECTS; i++) {
		answer.numbers[i] = request[i].number;
		answer.there |= request[i].there ? 1u << i : 0;
	}
	answer.signed_offset_us = request[AGENT_CLOCK_OFFSET].signed_number;
	mode_judge_agent(
	    plugin, options, options->host, &answer, clock_wall_ns() / CLOCK_SECOND_NS);
}

const struct mode mode_agent = {
    .name = "agent",
    .text = "the sensor of one host by SNMP",
    .limits = "age of its newest period in seconds; 4 and 10 periods",
    .source = MODE_AGENT,
    .metrics = metrics,
    .nmetrics = METRICS,
    .run = run,
};
