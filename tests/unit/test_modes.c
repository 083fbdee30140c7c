/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"
#include "common/mib.h"
#include "nagios/mode.h"
#include "nagios/snmp.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1795000100)

static char output[65536];
static enum plugin_state state;

static void keep_output(struct plugin *plugin)
{
	FILE *out = fmemopen(output, sizeof output, "w");

	state = plugin_print(plugin, out, 2);
	fclose(out);
	plugin_free(plugin);
}

/* Judges a document given as text, in which single quotes stand for double ones. */
static void judge(const struct mode *mode, const char *text)
{
	const struct options options = {.mode = mode};
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
	if (mode == &mode_recommendation)
		mode_judge_recommendation(plugin, &options, data, NOW);
	else
		mode_judge_collector(plugin, &options, data, NOW);
	json_decref(data);
	keep_output(plugin);
}

static const struct {
	const char *data;
	enum plugin_state state;
	const char *says; /* part of the output */
} managers[] = {
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
	judge(&mode_recommendation, managers[_i].data);
	ck_assert_msg(state == managers[_i].state, "%s", output);
	ck_assert_msg(strstr(output, managers[_i].says) != NULL, "%s", output);
}
END_TEST

static const struct {
	const char *data;
	enum plugin_state state;
	const char *says;
} collectors[] = {
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
	judge(&mode_collector, collectors[_i].data);
	ck_assert_msg(state == collectors[_i].state, "%s", output);
	ck_assert_msg(strstr(output, collectors[_i].says) != NULL, "%s", output);
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

START_TEST(test_agent)
{
	const struct options options = {.mode = &mode_agent};
	struct plugin *plugin = plugin_new("GRAPPE", mode_agent.metrics, mode_agent.nmetrics);
	const struct agent_answer answer = {.there = agents[_i].there,
	    .signed_offset_us = -25,
	    .numbers = {[AGENT_LENGTH] = 30,
		[AGENT_LAST_END] = (uint64_t)agents[_i].last_end,
		[AGENT_START] = (uint64_t)agents[_i].start,
		[AGENT_DROPS] = UINT64_MAX,
		[AGENT_OVERFLOW] = 2,
		[AGENT_UNMATCHED] = 3,
		[AGENT_CLOCK_STATE] = (uint64_t)agents[_i].clock,
		[AGENT_PAIRS] = 12,
		[AGENT_VMS] = 4,
		[AGENT_VIFS] = 5,
		[AGENT_CAPTURE_STATE] = (uint64_t)agents[_i].capture}};

	mode_judge_agent(plugin, &options, "hostA", &answer, NOW);
	keep_output(plugin);
	ck_assert_msg(state == agents[_i].state, "%s", output);
	ck_assert_msg(strstr(output, agents[_i].says) != NULL, "%s", output);
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
	static const struct mode *const modes[] = {
	    &mode_recommendation, &mode_collector, &mode_agent};

	for (size_t m = 0; m < 3; m++)
		for (size_t a = 0; a < modes[m]->nmetrics; a++)
			for (size_t b = 0; b < a; b++)
				ck_assert_int_ne(strncmp(modes[m]->metrics[a].label,
						     modes[m]->metrics[b].label, 19),
				    0);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
	Suite *suite = suite_create("modes");
	TCase *tcase = tcase_create("modes");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, test_recommendation, 0, COUNT(managers));
	tcase_add_loop_test(tcase, test_collector, 0, COUNT(collectors));
	tcase_add_loop_test(tcase, test_agent, 0, COUNT(agents));
	tcase_add_loop_test(tcase, test_peers, 0, COUNT(peers));
	tcase_add_test(tcase, test_labels_differ);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
