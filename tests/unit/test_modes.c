/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"
#include "common/mib.h"
#include "nagios/mode.h"
#include "nagios/pair.h"
#include "nagios/snmp.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1795000100)

static char output[65536];
static enum plugin_state state;

/* The first line has every label of the mode, in its order, and nothing else after the bar. */
static void check_labels(const struct mode *mode)
{
	const char *end = strchr(output, '\n'), *at = strstr(output, " | ");

	ck_assert_ptr_nonnull(end);
	ck_assert_ptr_nonnull(at);
	at += 3;
	for (size_t i = 0; i < mode->nmetrics; i++) {
		const size_t length = strlen(mode->metrics[i].label);

		ck_assert_msg(strncmp(at, mode->metrics[i].label, length) == 0 && at[length] == '=',
		    "%s is not where it belongs: %s", mode->metrics[i].label, output);
		at += strcspn(at, " \n");
		at += *at == ' ';
	}
	ck_assert_msg(*at == '\n' && at == end, "more labels: %s", output);
}

static void keep_output(const struct mode *mode, struct plugin *plugin)
{
	FILE *out = fmemopen(output, sizeof output, "w");

	state = plugin_print(plugin, out, 2);
	fclose(out);
	plugin_free(plugin);
	check_labels(mode);
}

/* Judges a document given as text, in which single quotes stand for double ones. unmatched: of the
 * options. */
static void judge(const struct mode *mode, const char *text, bool unmatched)
{
	const struct options options = {.mode = mode, .unmatched = unmatched};
	struct plugin *plugin = plugin_new("GRAPPE", mode->metrics, mode->nmetrics);
	char json[4096];
	json_error_t error;
	json_t *data;

	snprintf(json, sizeof json, "%s", text);
	for (char *c = json; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	data = json_loads(json, JSON_DECODE_ANY, &error);
	ck_assert_msg(data != NULL, "%s in %s", error.text, json);
	mode->judge(plugin, &options, data, NOW);
	json_decref(data);
	keep_output(mode, plugin);
}

/* A document, and what is made of it. */
struct verdict {
	const char *data;
	enum plugin_state state;
	const char *says; /* part of the output */
};

static void check_verdict(const struct mode *mode, const struct verdict *verdict)
{
	judge(mode, verdict->data, false);
	ck_assert_msg(state == verdict->state, "%s", output);
	ck_assert_msg(strstr(output, verdict->says) != NULL, "%s", output);
}

static const struct verdict managers[] = {
#define INPUT "'input':{'state':'ok','error':'','to':1795000060,'periods':[2,2]}"
#define MOVES                                                                                      \
	"'moves':[{'step':1,'vm':{'id':'mac-020000000001','name':'web1'},'from':{'environment':'"  \
	"s1','host':'a'},"                                                                         \
	"'to':{'environment':'s2','host':'b'},'why':'because','hazards':[]}]"
#define RATES                                                                                      \
	"'before':{'inter_environment_octets_per_s':5100000.0},'after':{'inter_environment_"       \
	"octets_per_s':999}"
    {"{" INPUT ",'recommendation':null}", PLUGIN_OK,
	"OK - no recommendation is pending | input_age=40s;900;3600;0 moves=0;;;0 inter_before=U"},
    {"{" INPUT ",'recommendation':{'id':'9f3c1a2b7','state':'pending'," RATES "," MOVES "}}",
	PLUGIN_WARNING, "WARNING - 1 move pending, inter-site 5.1 MB/s -> 999 B/s, id 9f3c1a2b |"},
    {"{" INPUT ",'recommendation':{'id':'9f','state':'pending'," RATES "," MOVES "}}",
	PLUGIN_WARNING, "[WARNING] 1. web1: s1/a -> s2/b: because\n"},
    {"{" INPUT ",'recommendation':{'id':'9f','state':'pending'," RATES "," MOVES "}}",
	PLUGIN_WARNING, " moves=1;;;0 inter_before=5100000B;;;0 inter_after=999B;;;0 posts"},
    {"{" INPUT ",'recommendation':{'id':'9f','state':'pending'," MOVES "}}", PLUGIN_WARNING,
	"inter-site ? -> ?, id 9f"},
    {"{" INPUT ",'recommendation':{'id':'9f','state':'approved'," MOVES "}}", PLUGIN_OK,
	"(9f is approved)"},
    {"{" INPUT ",'recommendation':{'id':'9f','state':'done'," MOVES "}}", PLUGIN_OK, "moves=0"},
    {"{" INPUT ",'recommendation':{'id':'9f','state':'pending','moves':[]}}", PLUGIN_OK,
	"(9f is without moves)"},
    {"{" INPUT ",'recommendation':{'id':'9f','state':'pending','expires':1795000099," MOVES "}}",
	PLUGIN_OK, "(9f has expired)"},
    {"{" INPUT ",'recommendation':{'id':'9f','state':'pending','expires':1795000100," MOVES "}}",
	PLUGIN_WARNING, "1 move pending"},
    {"{" INPUT ",'recommendation':{'id':'9f','state':'pending','moves':{}}}", PLUGIN_UNKNOWN,
	"no list of moves"},
    {"{" INPUT ",'recommendation':{'id':'9f','moves':[]}}", PLUGIN_UNKNOWN, "or no state"},
    {"{" INPUT ",'recommendation':{'state':'pending','moves':[7,null,{'vm':1,'hazards':[3]}]}}",
	PLUGIN_WARNING, "3 moves pending"},
    {"{" INPUT ",'recommendation':7}", PLUGIN_UNKNOWN, "does not tell its recommendation"},
    {"{" INPUT "}", PLUGIN_UNKNOWN, "does not tell its recommendation"},
    {"{'recommendation':null}", PLUGIN_UNKNOWN, "input is not told"},
    {"{'recommendation':null,'input':{'state':'waiting','error':'','to':0}}", PLUGIN_UNKNOWN,
	"input is waiting |"},
    {"{'recommendation':null,'input':{'state':'failing','error':'no socket','to':1795000060}}",
	PLUGIN_UNKNOWN, "input is failing: no socket |"},
    {"{'recommendation':null,'input':{'state':'ok','to':0}}", PLUGIN_UNKNOWN,
	"has seen no period yet"},
    {"{'recommendation':null,'input':{'state':'ok','to':-5}}", PLUGIN_UNKNOWN,
	"has seen no period yet"},
    {"{'recommendation':null,'input':{'state':'ok','to':1794999199}}", PLUGIN_WARNING,
	"the manager's input is 15 min old"},
    {"{'recommendation':null,'input':{'state':'ok','to':1794996499}}", PLUGIN_CRITICAL,
	"the manager's input is 60 min old"},
    {"{'recommendation':null,'input':{'state':'ok','to':1795000105}}", PLUGIN_OK, "input_age=0s"},
    {"{'recommendation':null,'input':{'state':'ok','to':1795000200}}", PLUGIN_CRITICAL,
	"100 s in the future: compare the clocks"},
    {"{" INPUT ",'recommendation':null,'publish':{'waiting':2,'webhooks':[{'name':'noc','error':'"
     "refused'},{'name':'b','error':''}]}}",
	PLUGIN_WARNING,
	"webhook noc fails: refused | input_age=40s;900;3600;0 moves=0;;;0 inter_before=U;;;0 "
	"inter_after=U;;;0 posts_waiting=2"},
    {"{" INPUT ",'recommendation':null,'publish':{'waiting':'x','webhooks':7}}", PLUGIN_OK,
	"posts_waiting=U"},
    {"[]", PLUGIN_UNKNOWN, "does not tell"},
    {"7", PLUGIN_UNKNOWN, "does not tell"},
};

START_TEST(test_recommendation)
{
	check_verdict(&mode_recommendation, &managers[_i]);
}
END_TEST

static const struct verdict collectors[] = {
#define UP(name) "{'name':'" name "','address':'192.0.2.1:161','state':'up','error':''}"
#define IN(name, what)                                                                             \
	"{'name':'" name "','address':'192.0.2.1:161','state':'" what "','error':'no answer'}"
#define REST "'length':30,'newest_complete':true,'vms':8,'pairs':40"
#define GOOD_END "'newest_end':1795000060"
#define GOOD_ARCHIVE "'archive':{'folder':'/a','state':'ok','error':'','queue':1,'failures':2}"
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE
     ",'agents':[" UP("a") "," UP("b") "],'agents_up':2,'agents_total':2}",
	PLUGIN_OK,
	"OK - 2 of 2 agents up, newest period 40 s old | age=40s;120;300;0 agents_up=2;;;0 "
	"agents_total=2;;;0 complete=1;;;0 vms=8;;;0 pairs=40;;;0 archive_queue=1;;;0 "
	"archive_failures=2c;;;0\n"},
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE ",'agents':[" UP("a") "," IN("b", "down") "]}",
	PLUGIN_WARNING, "WARNING - 1 of 2 agents down: b |"},
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE ",'agents':[" UP("a") "," IN("b", "refused") "]}",
	PLUGIN_WARNING, "agent b (192.0.2.1:161) is refused: no answer"},
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE ",'agents':[" IN("a", "down") "," IN("b", "down") "]}",
	PLUGIN_CRITICAL, "CRITICAL - 2 of 2 agents down: a b |"},
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE ",'agents':[" UP("a") "," IN("b", "new") "]}",
	PLUGIN_UNKNOWN, "1 of 2 agents not asked yet"},
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE ",'agents':[" UP("a") ",7,null]}", PLUGIN_WARNING,
	"2 of 3 agents down"},
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE ",'agents':[]}", PLUGIN_WARNING, "has no agents"},
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE "}", PLUGIN_UNKNOWN, "does not tell its agents"},
    {"{" REST "," GOOD_ARCHIVE ",'newest_end':1794999979,'agents':[" UP("a") "]}", PLUGIN_WARNING,
	"the newest period is 121 s old"},
    {"{" REST "," GOOD_ARCHIVE ",'newest_end':1794999799,'agents':[" UP("a") "]}", PLUGIN_CRITICAL,
	"the newest period is 301 s old"},
    {"{'length':300," GOOD_ARCHIVE ",'newest_end':1794999100,'agents':[" UP("a") "]}", PLUGIN_OK,
	"age=1000s;1200;3000;0"},
    {"{'length':-1," GOOD_ARCHIVE "," GOOD_END ",'agents':[" UP("a") "]}", PLUGIN_OK,
	"age=40s;120;300;0"},
    {"{" REST "," GOOD_ARCHIVE ",'newest_end':0,'started':1795000000,'agents':[" UP("a") "]}",
	PLUGIN_UNKNOWN, "no period yet, it just started"},
    {"{" REST "," GOOD_ARCHIVE ",'newest_end':0,'started':1794999000,'agents':[" UP("a") "]}",
	PLUGIN_CRITICAL, "no period at all"},
    {"{" REST "," GOOD_ARCHIVE ",'agents':[" UP("a") "]}", PLUGIN_UNKNOWN,
	"does not tell its newest period"},
    {"{" REST "," GOOD_END
     ",'archive':{'state':'failing','error':'disk full'},'agents':[" UP("a") "]}",
	PLUGIN_CRITICAL, "CRITICAL - archives fail: disk full |"},
    {"{" REST "," GOOD_END ",'agents':[" UP("a") "]}", PLUGIN_UNKNOWN, "how its archives are"},
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE ",'agents':[" UP("a") "],'newest_complete':false}",
	PLUGIN_OK, "not complete: not every agent"},
#define DELIVERED(name, end)                                                                       \
	"{'name':'" name "','address':'192.0.2.1:161','state':'up','last_end':" end ",'error':''}"
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE ",'agents':[" DELIVERED("a", "1795000030") "]}",
	PLUGIN_OK, "age=70s;120;300;0"},
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE ",'agents':[" DELIVERED("a", "1795000090") "]}",
	PLUGIN_OK, "age=40s;120;300;0"},
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE
     ",'agents':[" DELIVERED("a", "1795000060") "," DELIVERED("b", "1794999970") "]}",
	PLUGIN_WARNING, "WARNING - 1 of 2 agents silent: b | age=40s"},
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE
     ",'agents':[" DELIVERED("a", "1795000060") "," DELIVERED("b", "1794999970") "]}",
	PLUGIN_WARNING, "[WARNING] agent b (192.0.2.1:161) is up, but delivers no new periods"},
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE ",'agents':[" DELIVERED(
	 "a", "1795000060") "," DELIVERED("b", "1794999970") "," IN("c", "down") "]}",
	PLUGIN_WARNING, "2 of 3 agents down or silent: b c"},
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE ",'agents':[" DELIVERED("a", "1794999790") "]}",
	PLUGIN_CRITICAL, "CRITICAL - 1 of 1 agents silent: a, the newest period is 310 s old |"},
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE
     ",'started':1795000040,'agents':[" DELIVERED("a", "0") "]}",
	PLUGIN_UNKNOWN, "it just started"},
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE
     ",'started':1794999000,'agents':[" DELIVERED("a", "0") "]}",
	PLUGIN_CRITICAL, "no period at all"},
    {"{" REST "," GOOD_END "," GOOD_ARCHIVE
     ",'agents':[" UP("a") "],'state':{'state':'failing','error':'read-only'}}",
	PLUGIN_WARNING, "WARNING - the collector cannot save its state: read-only |"},
    {"[]", PLUGIN_UNKNOWN, "does not tell its agents"},
};

START_TEST(test_collector)
{
	check_verdict(&mode_collector, &collectors[_i]);
}
END_TEST

#define ALL ((1u << AGENT_OBJECTS) - 1)
#define WITHOUT(object) (ALL & ~(1u << (object)))

/* A good agent, but for what a row says. */
static const struct {
	uint32_t there;
	int64_t last_end, start, capture, clock;
	enum plugin_state state;
	const char *says;
} agents[] = {
    {ALL, NOW - 35, NOW - 9000, MIB_CAPTURE_RUNNING, MIB_CLOCK_SYNCHRONISED, PLUGIN_OK,
	"OK - 4 VMs, 12 pairs, newest period 35 s old | age=35s;120;300;0 "
	"drops=18446744073709551615c;;;0 overflow=2c;;;0 unmatched=3c;;;0 clock_offset=-25us "
	"pairs=12;;;0 vms=4;;;0 vifs=5;;;0\n"},
    {ALL, NOW - 35, NOW - 9000, MIB_CAPTURE_STALE, MIB_CLOCK_SYNCHRONISED, PLUGIN_CRITICAL,
	"capture stands still"},
    {ALL, 0, NOW - 9000, MIB_CAPTURE_ABSENT, MIB_CLOCK_SYNCHRONISED, PLUGIN_CRITICAL,
	"capture has made no period yet |"},
    {ALL, 0, NOW - 50, MIB_CAPTURE_ABSENT, MIB_CLOCK_SYNCHRONISED, PLUGIN_UNKNOWN,
	"it just started | age=U"},
    {ALL, NOW - 121, NOW - 9000, MIB_CAPTURE_RUNNING, MIB_CLOCK_SYNCHRONISED, PLUGIN_WARNING,
	"the newest period is 121 s old"},
    {ALL, NOW - 301, NOW - 9000, MIB_CAPTURE_RUNNING, MIB_CLOCK_SYNCHRONISED, PLUGIN_CRITICAL,
	"the newest period is 301 s old"},
    {ALL, NOW + 3, NOW - 9000, MIB_CAPTURE_RUNNING, MIB_CLOCK_SYNCHRONISED, PLUGIN_OK, "age=0s"},
    {ALL, NOW - 35, NOW - 9000, MIB_CAPTURE_RUNNING, MIB_CLOCK_UNSYNCHRONISED, PLUGIN_WARNING,
	"WARNING - the clock is not synchronised |"},
    {ALL, NOW - 35, NOW - 9000, MIB_CAPTURE_RUNNING, MIB_CLOCK_STEPPED, PLUGIN_WARNING,
	"the clock was stepped"},
    {ALL, NOW - 35, NOW - 9000, 77, 99, PLUGIN_UNKNOWN, "its capture's state"},
    {0, 0, 0, 0, 0, PLUGIN_UNKNOWN,
	"UNKNOWN - snmpd on hostA answers, but no grappe-agent is registered there | age=U"},
    {WITHOUT(AGENT_CAPTURE_STATE), NOW - 35, NOW - 9000, MIB_CAPTURE_RUNNING,
	MIB_CLOCK_SYNCHRONISED, PLUGIN_UNKNOWN, "its capture's state"},
    {WITHOUT(AGENT_CLOCK_STATE), NOW - 35, NOW - 9000, MIB_CAPTURE_RUNNING, MIB_CLOCK_SYNCHRONISED,
	PLUGIN_UNKNOWN, "its clock's state"},
    {WITHOUT(AGENT_LAST_END), NOW - 35, NOW - 9000, MIB_CAPTURE_RUNNING, MIB_CLOCK_SYNCHRONISED,
	PLUGIN_UNKNOWN, "its newest period"},
    {WITHOUT(AGENT_DROPS), NOW - 35, NOW - 9000, MIB_CAPTURE_RUNNING, MIB_CLOCK_SYNCHRONISED,
	PLUGIN_OK, "drops=U;;;0 overflow=2c"},
};

static void judge_agent(size_t i)
{
	const struct options options = {.mode = &mode_agent};
	struct plugin *plugin = plugin_new("GRAPPE", mode_agent.metrics, mode_agent.nmetrics);
	const struct agent_answer answer = {.there = agents[i].there,
	    .signed_offset_us = -25,
	    .numbers = {[AGENT_LENGTH] = 30,
		[AGENT_LAST_END] = (uint64_t)agents[i].last_end,
		[AGENT_START] = (uint64_t)agents[i].start,
		[AGENT_DROPS] = UINT64_MAX,
		[AGENT_OVERFLOW] = 2,
		[AGENT_UNMATCHED] = 3,
		[AGENT_CLOCK_STATE] = (uint64_t)agents[i].clock,
		[AGENT_PAIRS] = 12,
		[AGENT_VMS] = 4,
		[AGENT_VIFS] = 5,
		[AGENT_CAPTURE_STATE] = (uint64_t)agents[i].capture}};

	mode_judge_agent(plugin, &options, "hostA", &answer, NOW);
	keep_output(&mode_agent, plugin);
}

START_TEST(test_agent)
{
	judge_agent((size_t)_i);
	ck_assert_msg(state == agents[_i].state, "%s", output);
	ck_assert_msg(strstr(output, agents[_i].says) != NULL, "%s", output);
}
END_TEST

static const struct verdict queues[] = {
#define PUBLISH(waiting, lists)                                                                    \
	"{'publish':{'waiting':" waiting ",'delivered':3,'refused':1,'dropped':2,"                 \
	"'delivered_time':1795000080" lists "}}"
#define WEBHOOK(waiting, error) "{'name':'noc','waiting':" waiting ",'error':'" error "'}"
#define DASHBOARD(waiting, error)                                                                  \
	"{'name':'cmdb','kind':'nrdp','waiting':" waiting                                          \
	",'merged':4,'refused':0,'error':'" error "'}"
    {PUBLISH("0", ",'webhooks':[" WEBHOOK("0", "") "]"), PLUGIN_OK,
	"OK - 0 posts waiting for 1 receiver | waiting=0;10;50;0 delivered=3c;;;0 refused=1c;;;0 "
	"dropped=2c;;;0 delivered_age=20s;;;0 receivers=1;;;0 failing=0;;;0\n"},
    {PUBLISH("0", ",'webhooks':[]"), PLUGIN_OK, "OK - nothing is posted: the manager has no"},
    {PUBLISH("1", ",'webhooks':[" WEBHOOK("1", "refused") "]"), PLUGIN_WARNING,
	"WARNING - webhook noc fails: refused | waiting=1"},
    {PUBLISH("1", ",'webhooks':[" WEBHOOK("1", "refused") "]"), PLUGIN_WARNING,
	"  [WARNING] 1 wait for it\n"},
    {PUBLISH("11", ",'webhooks':[" WEBHOOK("11", "") "]"), PLUGIN_WARNING, "11 posts waiting |"},
    {PUBLISH("51", ",'webhooks':[" WEBHOOK("51", "") "]"), PLUGIN_CRITICAL, "51 posts waiting |"},
    {PUBLISH("0", ",'webhooks':[],'dashboards':[" DASHBOARD("0", "") "]"), PLUGIN_OK,
	"[OK] dashboard cmdb takes posts"},
    {PUBLISH("0", ",'webhooks':[" WEBHOOK("0", "") "],'dashboards':[" DASHBOARD("12", "off") "]"),
	PLUGIN_WARNING,
	"waiting=12;10;50;0 delivered=3c;;;0 refused=1c;;;0 dropped=2c;;;0 "
	"delivered_age=20s;;;0 receivers=2;;;0 failing=1;;;0"},
    {PUBLISH("0", ",'webhooks':7,'dashboards':[7,{}]"), PLUGIN_OK, "receivers=2;;;0"},
    {PUBLISH("'x'", ",'webhooks':[]"), PLUGIN_UNKNOWN, "does not tell what waits | waiting=U;10;"},
    {"{}", PLUGIN_UNKNOWN, "does not tell what waits"},
    {"[]", PLUGIN_UNKNOWN, "does not tell what waits"},
};

START_TEST(test_queue)
{
	check_verdict(&mode_queue, &queues[_i]);
}
END_TEST

static const struct verdict archives[] = {
#define ARCHIVE(state, error, end)                                                                 \
	"'archive':{'folder':'/a','state':'" state "','error':'" error "','written_end':" end      \
	",'queue':3,'failures':2,'lost':1}"
    {"{" ARCHIVE("ok", "", "1795000040") "}", PLUGIN_OK,
	"OK - newest archived period 60 s old, 3 waiting | age=60s;900;3600;0 queue=3;;;0 "
	"failures=2c;;;0 lost=1c;;;0\n"},
    {"{" ARCHIVE("ok", "", "1794999199") "}", PLUGIN_WARNING,
	"WARNING - the newest archived period is 15 min old |"},
    {"{" ARCHIVE("ok", "", "1794996499") "}", PLUGIN_CRITICAL, "period is 60 min old |"},
    {"{" ARCHIVE("failing", "disk full", "1795000040") "}", PLUGIN_CRITICAL,
	"CRITICAL - archives fail: disk full | age=60s"},
    {"{" ARCHIVE("failing", "", "1795000040") "}", PLUGIN_CRITICAL, "no reason given"},
    {"{'started':1795000000,'vms':4," ARCHIVE("ok", "", "0") "}", PLUGIN_UNKNOWN,
	"nothing was archived yet since the start | age=100s"},
    {"{'started':1794999000,'vms':4," ARCHIVE("ok", "", "0") "}", PLUGIN_WARNING,
	"nothing was archived, and the collector is 18 min old"},
    {"{'started':1794990000,'vms':4," ARCHIVE("ok", "", "0") "}", PLUGIN_CRITICAL,
	"nothing was archived, and the collector is 2.8 h old"},
    {"{'started':1794990000,'vms':0,'archive':{'state':'ok','written_end':0,'queue':0}}",
	PLUGIN_UNKNOWN, "the collector sees no VMs | age=U"},
    {"{" ARCHIVE("ok", "", "0") "}", PLUGIN_UNKNOWN, "does not tell since when"},
    {"{'archive':{'state':'ok'}}", PLUGIN_UNKNOWN,
	"does not tell its newest archived period | age=U"},
    {"{" ARCHIVE("odd", "", "1795000040") "}", PLUGIN_UNKNOWN, "how its archives are | age=U"},
    {"{}", PLUGIN_UNKNOWN, "how its archives are | age=U;;;0 queue=U"},
    {"7", PLUGIN_UNKNOWN, "how its archives are"},
};

START_TEST(test_archive)
{
	check_verdict(&mode_archive, &archives[_i]);
}
END_TEST

static const struct verdict losses[] = {
#define COUNTED(name, end, packets, drops, other, unmatched)                                       \
	"{'name':'" name "','state':'up','last_end':" end                                          \
	",'recent':{'periods':10,'packets':" packets ",'drops':" drops ",'other':" other           \
	",'unmatched':" unmatched "}}"
#define NEW "1795000060"
    {"{'length':30,'drops':5,'agents':[" COUNTED("a", NEW, "30000", "0", "0", "600") "]}",
	PLUGIN_OK,
	"OK - 0 of 1 agents lose packets, 0.00 % at worst | lost=0%;1;5;0 drops=5c;;;0 "
	"drops_per_s=0;;;0 overflow_per_s=0;;;0 unmatched_per_s=2;;;0 agents_losing=0;;;0\n"},
    {"{'length':30,'agents':[" COUNTED("a", NEW, "9900", "100", "0", "0") "]}", PLUGIN_OK,
	"lost=1%;1;5;0 drops=U;;;0 drops_per_s=0.333333;;;0"},
    {"{'length':30,'agents':[" COUNTED("a", NEW, "9000", "0", "0", "0") "," COUNTED(
	 "b", NEW, "9800", "200", "0", "0") "]}",
	PLUGIN_WARNING, "WARNING - agent b loses 2.00 % of its packets |"},
    {"{'length':30,'agents':[" COUNTED("a", NEW, "900", "0", "90", "0") "]}", PLUGIN_CRITICAL,
	"CRITICAL - agent a loses 10.00 % of its packets |"},
    {"{'length':30,'agents':[" COUNTED("a", NEW, "900", "0", "90", "0") "]}", PLUGIN_CRITICAL,
	"[CRITICAL] agent a: 10.00 % lost: 0.0 drops, 0.3 overflow, 0.0 unmatched, 3.0 counted"},
    {"{'length':30,'agents':[" COUNTED("a", NEW, "0", "0", "0", "0") "]}", PLUGIN_OK, "lost=0%"},
    {"{'length':30,'agents':[" COUNTED("a", NEW, "0", "7", "0", "0") "]}", PLUGIN_CRITICAL,
	"lost=100%"},
    {"{'length':30,'agents':[" COUNTED("a", NEW, "10", "0", "90", "0") "]}", PLUGIN_CRITICAL,
	"lost=100%"},
    {"{'length':30,'agents':[" COUNTED("a", "1794999670", "9000", "0", "0", "0") "]}",
	PLUGIN_UNKNOWN, "1 of 1 agents tell nothing new of their packets | lost=U;1;5;0"},
    {"{'length':30,'agents':[" COUNTED("a", NEW, "9000", "0", "0", "0") ",{'name':'b'}]}",
	PLUGIN_UNKNOWN, "1 of 2 agents tell nothing new of their packets | lost=0%"},
    {"{'length':30,'agents':[" COUNTED("a", NEW, "9800", "200", "0", "0") ",7]}", PLUGIN_WARNING,
	"[UNKNOWN] agent  tells nothing new"},
    {"{'length':30,'agents':[]}", PLUGIN_UNKNOWN, "the collector has no agents"},
    {"{'length':30}", PLUGIN_UNKNOWN, "does not tell its agents | lost=U;1;5;0"},
    {"[]", PLUGIN_UNKNOWN, "does not tell its agents"},
};

START_TEST(test_drops)
{
	check_verdict(&mode_drops, &losses[_i]);
}
END_TEST

START_TEST(test_unmatched_counts_when_it_is_wanted)
{
	const char *document =
	    "{'length':30,'agents':[" COUNTED("a", NEW, "900", "0", "0", "100") "]}";

	judge(&mode_drops, document, false);
	ck_assert_int_eq(state, PLUGIN_OK);
	judge(&mode_drops, document, true);
	ck_assert_int_eq(state, PLUGIN_CRITICAL);
	ck_assert_ptr_nonnull(strstr(output, "lost=10%"));
}
END_TEST

/* Octets and packets per period of 30 s, known shares; of both sides one VM. */
static const struct {
	const char *warning, *critical;
	double forward, backward, known_forward, known_backward;
	enum plugin_state state;
	const char *says;
} pairs[] = {
    {"1000", "2000", 15000, 6000, 1, 1, PLUGIN_OK,
	"OK - web1 - app:shop: 700 B/s in 300 s | traffic=700B;1000;2000;0 forward=500B;;;0 "
	"backward=200B;;;0 packets=23.333333;;;0 known=100%;;;0\n"},
    {"600", "2000", 15000, 6000, 1, 1, PLUGIN_WARNING,
	"WARNING - web1 - app:shop: 700 B/s in 300 s |"},
    {"500", "600", 15000, 6000, 1, 1, PLUGIN_CRITICAL,
	"CRITICAL - web1 - app:shop: 700 B/s in 300 s |"},
    {"", "", 15000, 6000, 1, 1, PLUGIN_OK, "traffic=700B;;;0"},
    {"600", "", 15000, 6000, 0.5, 0.7, PLUGIN_WARNING, "in 300 s, 60.0 % known | traffic=700B"},
    {"", "", 0, 0, 1, 1, PLUGIN_OK, "0 B/s in 300 s | traffic=0B;;;0 forward=0B"},
    {"1:", "", 0, 0, 1, 1, PLUGIN_WARNING, "0 B/s in 300 s |"},
    {"600", "", 0, 0, 0, 0, PLUGIN_UNKNOWN,
	"UNKNOWN - nothing is known of web1 - app:shop in 300 s | traffic=U;600;;0 forward=U;;;0 "
	"backward=U;;;0 packets=U;;;0 known=0%;;;0"},
    {"600", "", 15000, 0, 1, 0, PLUGIN_UNKNOWN,
	"at least 500 B/s in 300 s, one direction is not known | traffic=U;600;;0 forward=500B;;;0 "
	"backward=U"},
    {"400", "", 15000, 0, 1, 0, PLUGIN_WARNING, "at least 500 B/s"},
    {"400", "450", 15000, 0, 1, 0, PLUGIN_CRITICAL, "at least 500 B/s"},
    {"1000:", "", 15000, 0, 1, 0, PLUGIN_UNKNOWN, "at least 500 B/s"},
    {"@0:1000", "", 15000, 0, 1, 0, PLUGIN_UNKNOWN, "at least 500 B/s"},
    {"", "", 15000, 0, 1, 0, PLUGIN_UNKNOWN, "[UNKNOWN] app:shop -> web1: nothing is known"},
    {"", "", 15000, 6000, 1, 1, PLUGIN_OK,
	"[OK] web1 -> app:shop: 500 B/s, 16.7 packets/s, 100 % known"},
};

static void judge_pair(size_t i)
{
	struct options options = {.mode = &mode_pair};
	struct plugin *plugin = plugin_new("GRAPPE", mode_pair.metrics, mode_pair.nmetrics);
	const struct pair_answer answer = {.from = "web1",
	    .to = "app:shop",
	    .from_s = NOW - 300,
	    .to_s = NOW,
	    .length_s = 30,
	    .members = {1, 1},
	    .directions = {{.packets = 500,
			       .octets = pairs[i].forward,
			       .known = pairs[i].known_forward},
		{.packets = 200, .octets = pairs[i].backward, .known = pairs[i].known_backward}},
	    .both = {.packets = 700,
		.octets = pairs[i].forward + pairs[i].backward,
		.known = (pairs[i].known_forward + pairs[i].known_backward) / 2}};

	if (pairs[i].warning[0] != '\0')
		ck_assert_int_eq(range_parse(pairs[i].warning, &options.warning), GRAPPE_OK);
	if (pairs[i].critical[0] != '\0')
		ck_assert_int_eq(range_parse(pairs[i].critical, &options.critical), GRAPPE_OK);
	mode_judge_pair(plugin, &options, &answer);
	keep_output(&mode_pair, plugin);
}

START_TEST(test_pair)
{
	judge_pair((size_t)_i);
	ck_assert_msg(state == pairs[_i].state, "%s", output);
	ck_assert_msg(strstr(output, pairs[_i].says) != NULL, "%s", output);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

/* keep_output() looks at the labels each time; here every mode comes by in every state. */
START_TEST(test_labels_stay_in_every_state)
{
	static const struct {
		const struct mode *mode;
		const struct verdict *verdicts;
		int count;
	} documents[] = {{&mode_recommendation, managers, COUNT(managers)},
	    {&mode_queue, queues, COUNT(queues)}, {&mode_collector, collectors, COUNT(collectors)},
	    {&mode_archive, archives, COUNT(archives)}, {&mode_drops, losses, COUNT(losses)}};
	unsigned seen[MODES] = {0};

	for (size_t m = 0; m < MODES; m++) {
		for (int d = 0; d < COUNT(documents); d++)
			for (int i = 0; documents[d].mode == mode_all[m] && i < documents[d].count;
			     i++) {
				judge(mode_all[m], documents[d].verdicts[i].data, false);
				seen[m] |= 1u << state;
			}
		for (int i = 0; mode_all[m] == &mode_agent && i < COUNT(agents); i++) {
			judge_agent((size_t)i);
			seen[m] |= 1u << state;
		}
		for (int i = 0; mode_all[m] == &mode_pair && i < COUNT(pairs); i++) {
			judge_pair((size_t)i);
			seen[m] |= 1u << state;
		}
		ck_assert_msg(
		    seen[m] == 0xf, "mode %s was in states %x", mode_all[m]->name, seen[m]);
	}
}
END_TEST

static const struct {
	const char *host, *port;
	const char *peer; /* NULL: refused */
} peers[] = {
    {"hostA", NULL, "udp:hostA:161"},
    {"hostA", "1161", "udp:hostA:1161"},
    {"hostA:1161", NULL, "udp:hostA:1161"},
    {"192.0.2.1", NULL, "udp:192.0.2.1:161"},
    {"2001:db8::1", NULL, "udp6:[2001:db8::1]:161"},
    {"[2001:db8::1]", "1161", "udp6:[2001:db8::1]:1161"},
    {"[2001:db8::1]:1161", NULL, "udp6:[2001:db8::1]:1161"},
    {"fe80::1%eth0", NULL, "udp6:[fe80::1%eth0]:161"},
    {"hostA:1161", "161", NULL},
    {"hostA:", NULL, NULL},
    {"hostA:0", NULL, NULL},
    {"hostA:65536", NULL, NULL},
    {"hostA:16x", NULL, NULL},
    {"hostA", "-1", NULL},
    {"", NULL, NULL},
    {":161", NULL, NULL},
    {"[::1", NULL, NULL},
    {"[::1]x", NULL, NULL},
    {"unix:/run/x", NULL, NULL},
    {"tcp:hostA:161", NULL, NULL},
    {"[hostA]", NULL, NULL},
    {"fe80::1%", NULL, NULL},
    {"fe80::1%e/0", NULL, NULL},
    {"a b", NULL, NULL},
    {"-x", NULL, NULL},
};

START_TEST(test_peers)
{
	char peer[128];
	const int rc = snmp_format_peer(peers[_i].host, peers[_i].port, peer, sizeof peer);

	ck_assert_int_eq(rc, peers[_i].peer == NULL ? GRAPPE_EFORMAT : GRAPPE_OK);
	if (rc == GRAPPE_OK)
		ck_assert_str_eq(peer, peers[_i].peer);
}
END_TEST

/* RRD keeps 19 characters of a label. */
START_TEST(test_labels_differ)
{
	for (size_t m = 0; m < MODES; m++)
		for (size_t a = 0; a < mode_all[m]->nmetrics; a++)
			for (size_t b = 0; b < a; b++)
				ck_assert_int_ne(strncmp(mode_all[m]->metrics[a].label,
						     mode_all[m]->metrics[b].label, 19),
				    0);
}
END_TEST

START_TEST(test_names_are_made_short)
{
	char text[MODE_NAME_SIZE];

	ck_assert_str_eq(mode_shorten("short", 5, text), "short");
	ck_assert_str_eq(mode_shorten("longer", 5, text), "lo...");
	ck_assert_str_eq(mode_shorten("a\xc3\xa4\xc3\xa4\xc3\xa4", 6, text), "a\xc3\xa4...");
	ck_assert_str_eq(mode_shorten("\x80\x80\x80\x80\x80", 4, text), "...");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("modes");
	TCase *tcase = tcase_create("modes");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, test_recommendation, 0, COUNT(managers));
	tcase_add_loop_test(tcase, test_collector, 0, COUNT(collectors));
	tcase_add_loop_test(tcase, test_agent, 0, COUNT(agents));
	tcase_add_loop_test(tcase, test_queue, 0, COUNT(queues));
	tcase_add_loop_test(tcase, test_archive, 0, COUNT(archives));
	tcase_add_loop_test(tcase, test_drops, 0, COUNT(losses));
	tcase_add_test(tcase, test_unmatched_counts_when_it_is_wanted);
	tcase_add_loop_test(tcase, test_pair, 0, COUNT(pairs));
	tcase_add_test(tcase, test_labels_stay_in_every_state);
	tcase_add_test(tcase, test_names_are_made_short);
	tcase_add_loop_test(tcase, test_peers, 0, COUNT(peers));
	tcase_add_test(tcase, test_labels_differ);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
