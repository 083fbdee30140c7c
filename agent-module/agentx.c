/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent-module/agentx.h"

#include "agent-module/mib_agent.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"

#include <stdlib.h>
#include <string.h>

#undef PACKAGE_BUGREPORT
#undef PACKAGE_NAME
#undef PACKAGE_STRING
#undef PACKAGE_TARNAME
#undef PACKAGE_VERSION
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>
#include <net-snmp/agent/agent_callbacks.h>
#include <net-snmp/library/large_fd_set.h>
#include <net-snmp/library/snmp_logging.h>

#define ANSWER_US 1000000 /* how long the master may take for an answer ... */
#define ANSWER_RETRIES 1  /* ... and how often it is asked again */
#define REGISTER_AGAIN_S 2

struct watched {
	struct event *event; /* owned; NULL: none */
	bool wanted;	     /* by net-snmp, this turn */
};

static struct {
	struct event_base *base;
	struct event *timer;
	struct watched *descriptors; /* owned; by descriptor */
	int ndescriptors;
	netsnmp_large_fd_set ready; /* readable in this turn */
	const char *socket;
	bool connected, said_connected, ever_connected, refused;
	int64_t register_again_ns;
	struct log_complaint absent, refusal, trouble;
} agentx;

/* ---- what net-snmp says ---- */

static int on_log(int major, int minor, void *message, void *argument)
{
	const struct snmp_log_message *log = message;
	char text[256];

	(void)major;
	(void)minor;
	(void)argument;
	snprintf(text, sizeof text, "%.*s", (int)strcspn(log->msg, "\n"), log->msg);
	/* The only sign there is of a master that refuses the subtree. */
	if (strstr(text, "registering pdu failed") != NULL)
		agentx.refused = true;
	else if (log->priority <= LOG_ERR && agentx.connected)
		log_complain(&agentx.trouble, "net-snmp: %s", text);
	else
		log_debug("net-snmp: %s", text);
	return 0;
}

static int on_connected(int major, int minor, void *session, void *argument)
{
	(void)major;
	(void)session;
	(void)argument;
	agentx.connected = minor == SNMPD_CALLBACK_INDEX_START;
	return 0;
}

/* ---- start and stop ---- */

static void configure_library(const char *socket)
{
	/* No MIB file is needed to answer, and none of net-snmp's own files is ours. It makes a folder
	 * for certificates whatever it is told: where none can be made. */
	setenv("MIBS", "", 1);
	setenv("MIBDIRS", "", 1);
	netsnmp_ds_set_string(
	    NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_PERSISTENT_DIR, "/proc/no-persistent-folder");
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_ROLE, 1);
	netsnmp_ds_set_boolean(
	    NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_NO_CONNECTION_WARNINGS, 1);
	netsnmp_ds_set_string(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_X_SOCKET, socket);
	snmp_disable_stderrlog();
	snmp_enable_calllog();
	snmp_register_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, on_log, NULL);
	snmp_register_callback(
	    SNMP_CALLBACK_APPLICATION, SNMPD_CALLBACK_INDEX_START, on_connected, NULL);
	snmp_register_callback(
	    SNMP_CALLBACK_APPLICATION, SNMPD_CALLBACK_INDEX_STOP, on_connected, NULL);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
	(void)fd;
	(void)what;
	(void)argument;
}

int agentx_start(struct event_base *base, const char *socket)
{
	agentx.base = base;
	agentx.socket = socket;
	agentx.timer = evtimer_new(base, on_timer, NULL);
	if (agentx.timer == NULL)
		return GRAPPE_EMEMORY;
	netsnmp_large_fd_set_init(&agentx.ready, FD_SETSIZE);
	configure_library(socket);
	if (init_agent("grappe-agent") != 0)
		return GRAPPE_EPEER;
	/* init_agent() sets 15 s, init_snmp() starts the timer: it must be said between them. */
	netsnmp_ds_set_int(
	    NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_AGENTX_PING_INTERVAL, AGENTX_PING_S);
	netsnmp_ds_set_int(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_AGENTX_TIMEOUT, ANSWER_US);
	netsnmp_ds_set_int(
	    NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_AGENTX_RETRIES, ANSWER_RETRIES);
	init_snmp("grappe-agent");
	return mib_agent_register();
}

void agentx_stop(void)
{
	mib_agent_unregister();
	snmp_shutdown("grappe-agent");
	shutdown_agent();
	for (int i = 0; i < agentx.ndescriptors; i++)
		if (agentx.descriptors[i].event != NULL)
			event_free(agentx.descriptors[i].event);
	free(agentx.descriptors);
	agentx.descriptors = NULL;
	agentx.ndescriptors = 0;
	if (agentx.timer != NULL)
		event_free(agentx.timer);
	agentx.timer = NULL;
	netsnmp_large_fd_set_cleanup(&agentx.ready);
}

/* ---- turns of the loop ---- */

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
	(void)what;
	(void)argument;
	NETSNMP_LARGE_FD_SET(fd, &agentx.ready);
}

static int make_room(int count)
{
	struct watched *bigger;

	if (count <= agentx.ndescriptors)
		return GRAPPE_OK;
	bigger = reallocarray(agentx.descriptors, (size_t)count, sizeof *bigger);
	if (bigger == NULL)
		return GRAPPE_EMEMORY;
	memset(bigger + agentx.ndescriptors, 0,
	    (size_t)(count - agentx.ndescriptors) * sizeof *bigger);
	agentx.descriptors = bigger;
	agentx.ndescriptors = count;
	return GRAPPE_OK;
}

/* One event for each descriptor that net-snmp wants, made afresh: between two turns it may have
 * closed one and got another with the same number. */
static int watch_descriptors(netsnmp_large_fd_set *wanted, int count)
{
	if (make_room(count) != GRAPPE_OK)
		return GRAPPE_EMEMORY;
	for (int fd = 0; fd < agentx.ndescriptors; fd++) {
		struct watched *watched = &agentx.descriptors[fd];

		if (watched->event != NULL)
			event_free(watched->event);
		watched->event = NULL;
		if (fd >= count || !NETSNMP_LARGE_FD_ISSET(fd, wanted))
			continue;
		watched->event = event_new(agentx.base, fd, EV_READ, on_readable, NULL);
		if (watched->event == NULL || event_add(watched->event, NULL) != 0)
			return GRAPPE_EMEMORY;
	}
	return GRAPPE_OK;
}

int agentx_prepare(void)
{
	netsnmp_large_fd_set wanted;
	struct timeval timeout = {.tv_sec = AGENTX_PING_S};
	int count = 0, block = 0, rc;

	netsnmp_large_fd_set_init(&wanted, FD_SETSIZE);
	snmp_select_info2(&count, &wanted, &timeout, &block);
	if (block)
		timeout = (struct timeval){.tv_sec = AGENTX_PING_S};
	rc = watch_descriptors(&wanted, count);
	if (rc == GRAPPE_OK && evtimer_add(agentx.timer, &timeout) != 0)
		rc = GRAPPE_EMEMORY;
	netsnmp_large_fd_set_cleanup(&wanted);
	NETSNMP_LARGE_FD_ZERO(&agentx.ready);
	return rc;
}

/* A master that still holds the registration of a connection it has not seen closing refuses the
 * new one: tried again until it takes it. */
static void register_again(void)
{
	const int64_t now = clock_monotonic_ns();

	if (agentx.refused) {
		agentx.refused = false;
		agentx.register_again_ns = now + REGISTER_AGAIN_S * CLOCK_SECOND_NS;
		log_complain(&agentx.refusal,
		    "snmpd at %s refuses our objects: does another agent serve them?",
		    agentx.socket);
		agentx.said_connected = false;
	}
	if (agentx.register_again_ns == 0 || now < agentx.register_again_ns || !agentx.connected)
		return;
	agentx.register_again_ns = 0;
	mib_agent_unregister();
	if (mib_agent_register() != GRAPPE_OK)
		agentx.refused = true;
}

static void say_connection(void)
{
	const bool serving =
	    agentx.connected && !agentx.refused && agentx.register_again_ns == 0;

	if (serving && !agentx.said_connected) {
		log_info("READY: serving through snmpd at %s%s", agentx.socket,
		    agentx.ever_connected ? " again" : "");
		agentx.absent = (struct log_complaint){0};
		agentx.refusal = (struct log_complaint){0};
		agentx.ever_connected = true;
	} else if (!agentx.connected && agentx.said_connected) {
		log_warning("lost snmpd at %s; trying every %d s", agentx.socket, AGENTX_PING_S);
	} else if (!agentx.connected && !agentx.ever_connected) {
		log_complain(&agentx.absent,
		    "no snmpd answers at %s (has its configuration \"master agentx\", may this "
		    "program open the socket?); trying every %d s",
		    agentx.socket, AGENTX_PING_S);
	}
	if (serving || !agentx.connected)
		agentx.said_connected = serving;
}

void agentx_work(void)
{
	snmp_read2(&agentx.ready);
	snmp_timeout();
	run_alarms();
	netsnmp_check_outstanding_agent_requests();
	register_again();
	say_connection();
}
