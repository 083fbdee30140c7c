/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "common/agentx.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mib_serve.h"

#include <stdlib.h>
#include <string.h>

/* net-snmp's headers bring what configure told net-snmp: keep ours. */
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
/* A master that refuses a subtree is asked again: always soon for what this program is for, more
 * and more seldom for what another agent may serve for good. */
#define REGISTER_AGAIN_S 2
#define REGISTER_AGAIN_MAX_S 64

static struct {
	struct event_base *base;
	struct event *timer;
	struct event **watched; /* owned; by descriptor, NULL: none */
	int ndescriptors;
	bool reopened;              /* connection: a descriptor may be another one than it was */
	netsnmp_large_fd_set ready; /* readable in this turn */
	struct agentx_options options;
	bool connected, said_connected, ever_connected;
	struct part {
		bool refused;     /* the master has just said so */
		int64_t again_ns; /* when it is asked again, 0: it was not refused */
		int64_t wait_s;   /* from the refusal until then */
		struct log_complaint refusal;
	} parts[MIB_SERVE_VIEWS_MAX]; /* as options.parts */
	int registering;              /* the part that is being registered, -1: none of ours */
	struct log_complaint absent, trouble;
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
	/* The only sign there is of a master that refuses a subtree. */
	if (strstr(text, "registering pdu failed") != NULL && agentx.registering >= 0)
		agentx.parts[agentx.registering].refused = true;
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
	agentx.reopened = true;
	return 0;
}

/* Before net-snmp asks the master to register a subtree: its complaint names none. */
static int on_registering(int major, int minor, void *parameters, void *argument)
{
	const struct register_parameters *subtree = parameters;
	const struct mib_view *view = mib_serve_find(subtree->name, subtree->namelen);

	(void)major;
	(void)minor;
	(void)argument;
	agentx.registering = -1;
	for (size_t i = 0; view != NULL && i < agentx.options.nparts; i++)
		if (agentx.options.parts[i].view == view)
			agentx.registering = (int)i;
	return 0;
}

/* ---- start and stop ---- */

static void configure_library(const char *socket)
{
	/* No MIB file is needed to answer, and none of net-snmp's own files is ours. It makes a
	 * folder for certificates whatever it is told: where none can be made. */
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
	netsnmp_register_callback(SNMP_CALLBACK_APPLICATION, SNMPD_CALLBACK_REGISTER_OID,
	    on_registering, NULL, NETSNMP_CALLBACK_HIGHEST_PRIORITY);
}

static void unwatch(int fd)
{
	if (agentx.watched[fd] != NULL)
		event_free(agentx.watched[fd]);
	agentx.watched[fd] = NULL;
}

static void unwatch_all(void)
{
	for (int fd = 0; fd < agentx.ndescriptors; fd++)
		unwatch(fd);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
	(void)fd;
	(void)what;
	(void)argument;
}

static int register_parts(void)
{
	int rc = GRAPPE_OK;

	for (size_t i = 0; i < agentx.options.nparts && rc == GRAPPE_OK; i++)
		rc = mib_serve_register(agentx.options.parts[i].view);
	return rc;
}

int agentx_start(struct event_base *base, const struct agentx_options *options)
{
	if (options->nparts > MIB_SERVE_VIEWS_MAX)
		return GRAPPE_ELIMIT;
	agentx.base = base;
	agentx.options = *options;
	agentx.registering = -1;
	agentx.timer = evtimer_new(base, on_timer, NULL);
	if (agentx.timer == NULL)
		return GRAPPE_EMEMORY;
	netsnmp_large_fd_set_init(&agentx.ready, FD_SETSIZE);
	configure_library(options->socket);
	if (init_agent(options->program) != 0)
		return GRAPPE_EPEER;
	/* init_agent() sets 15 s, init_snmp() starts the timer: it must be said between them. */
	netsnmp_ds_set_int(
	    NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_AGENTX_PING_INTERVAL, AGENTX_PING_S);
	netsnmp_ds_set_int(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_AGENTX_TIMEOUT, ANSWER_US);
	netsnmp_ds_set_int(
	    NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_AGENTX_RETRIES, ANSWER_RETRIES);
	init_snmp(options->program);
	return register_parts();
}

void agentx_stop(void)
{
	if (agentx.options.program == NULL)
		return;
	mib_serve_unregister();
	snmp_shutdown(agentx.options.program);
	shutdown_agent();
	unwatch_all();
	free(agentx.watched);
	agentx.watched = NULL;
	agentx.ndescriptors = 0;
	if (agentx.timer != NULL)
		event_free(agentx.timer);
	agentx.timer = NULL;
	netsnmp_large_fd_set_cleanup(&agentx.ready);
	agentx.options = (struct agentx_options){0};
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
	struct event **bigger;

	if (count <= agentx.ndescriptors)
		return GRAPPE_OK;
	bigger = reallocarray(agentx.watched, (size_t)count, sizeof(struct event *));
	if (bigger == NULL)
		return GRAPPE_EMEMORY;
	for (int fd = agentx.ndescriptors; fd < count; fd++)
		bigger[fd] = NULL;
	agentx.watched = bigger;
	agentx.ndescriptors = count;
	return GRAPPE_OK;
}

static int watch(int fd)
{
	struct event *event = event_new(agentx.base, fd, EV_READ | EV_PERSIST, on_readable, NULL);

	if (event == NULL)
		return GRAPPE_EMEMORY;
	agentx.watched[fd] = event;
	return event_add(event, NULL) == 0 ? GRAPPE_OK : GRAPPE_EMEMORY;
}

/* One event for each descriptor that net-snmp wants. They stay from turn to turn (three turns
 * answer one request) unless a connection was closed or opened: the same number may be another one
 * then. */
static int watch_descriptors(netsnmp_large_fd_set *wanted, int count)
{
	int rc = make_room(count);

	if (agentx.reopened)
		unwatch_all();
	agentx.reopened = false;
	for (int fd = 0; fd < agentx.ndescriptors && rc == GRAPPE_OK; fd++) {
		const bool is_wanted = fd < count && NETSNMP_LARGE_FD_ISSET(fd, wanted);

		if (is_wanted && agentx.watched[fd] == NULL)
			rc = watch(fd);
		else if (!is_wanted)
			unwatch(fd);
	}
	return rc;
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

static const struct agentx_part *part_of(size_t i)
{
	return &agentx.options.parts[i];
}

static void say_refusal(size_t i)
{
	struct part *part = &agentx.parts[i];

	if (part_of(i)->give_up == NULL) {
		agentx.said_connected = false;
		log_complain(&part->refusal,
		    "snmpd at %s refuses our objects: does another agent serve them? trying every "
		    "%d s",
		    agentx.options.socket, REGISTER_AGAIN_S);
	} else if (part->wait_s > REGISTER_AGAIN_S) {
		/* Not at once: it may be this agent's own former connection. */
		log_complain(&part->refusal,
		    "another agent of snmpd at %s serves %s: ours waits until it is gone; "
		    "\"%s\" gives it up",
		    agentx.options.socket, part_of(i)->view->name, part_of(i)->give_up);
	}
}

static void note_refusal(size_t i, int64_t now)
{
	struct part *part = &agentx.parts[i];

	part->refused = false;
	part->wait_s = part_of(i)->give_up == NULL || part->wait_s == 0 ? REGISTER_AGAIN_S
		       : part->wait_s * 2 < REGISTER_AGAIN_MAX_S        ? part->wait_s * 2
									: REGISTER_AGAIN_MAX_S;
	part->again_ns = now + part->wait_s * CLOCK_SECOND_NS;
	say_refusal(i);
}

/* A master that still holds the registration of a connection it has not seen closing, or that of
 * another agent, refuses ours: asked again until it takes it. Without unregistering first: snmpd
 * would take away the other's registration. */
static void register_again(void)
{
	const int64_t now = clock_monotonic_ns();
	bool due = false;

	for (size_t i = 0; i < agentx.options.nparts; i++) {
		struct part *part = &agentx.parts[i];

		if (part->refused)
			note_refusal(i, now);
		if (!agentx.connected) /* everything is registered with the next connection */
			part->again_ns = part->wait_s = 0;
		if (part->again_ns == 0 || now < part->again_ns)
			continue;
		part->again_ns = 0;
		due = true;
		mib_serve_detach(part_of(i)->view);
	}
	if (due)
		register_mib_reattach();
}

static bool is_serving(size_t i)
{
	const struct part *part = &agentx.parts[i];

	return agentx.connected && !part->refused && part->again_ns == 0;
}

/* Of a part that was refused and now is not. */
static void say_taken(size_t i)
{
	struct part *part = &agentx.parts[i];

	if (part_of(i)->give_up == NULL || !is_serving(i) || part->wait_s == 0)
		return;
	part->wait_s = 0;
	log_recovered(&part->refusal, "%s is served through snmpd at %s", part_of(i)->view->name,
	    agentx.options.socket);
}

static void say_connection(void)
{
	const bool serving = is_serving(0);

	if (serving && !agentx.said_connected) {
		log_info("READY: serving through snmpd at %s%s", agentx.options.socket,
		    agentx.ever_connected ? " again" : "");
		agentx.absent = (struct log_complaint){0};
		agentx.parts[0].refusal = (struct log_complaint){0};
		agentx.ever_connected = true;
	} else if (!agentx.connected && agentx.said_connected) {
		log_warning(
		    "lost snmpd at %s; trying every %d s", agentx.options.socket, AGENTX_PING_S);
	} else if (!agentx.connected && !agentx.ever_connected) {
		log_complain(&agentx.absent,
		    "no snmpd answers at %s (has its configuration \"master agentx\", may this "
		    "program open the socket?); trying every %d s",
		    agentx.options.socket, AGENTX_PING_S);
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
	for (size_t i = 0; i < agentx.options.nparts; i++)
		say_taken(i);
}
