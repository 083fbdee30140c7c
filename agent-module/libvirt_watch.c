/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/libvirt_watch.h"

#include "agent-module/domain.h"
#include "agent-module/domain_xml.h"
#include "common/clock.h"
#include "common/error.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SETTLE_MS 100  /* events come in groups: one list for all */
#define SETTLE_TIMES 4 /* so many times as long as a list takes, libvirtd is left alone after it   \
			*/
#define PAUSE_LEAST_MS 1000
#define PAUSE_MOST_MS 30000
#define HANG_S 20 /* no call takes so long, but for a libvirtd that hangs */

struct watch {
	const char *uri;
	int interval_ms;
	int fd;
	virConnectPtr connection; /* NULL: none */
	int timer;
	int settle_ms;
	int pause_ms; /* until the next try to connect */
	bool soon;    /* the timer is set because of an event */
};

enum reading { READ_OK, READ_GONE, READ_FAILED };

/* ---- telling ---- */

/* A program that does not read any more is gone. */
static void send_record(const struct watch *watch, const struct domain_record *record)
{
	struct buffer bytes;

	buffer_init(&bytes);
	domain_record_encode(record, &bytes);
	if (bytes.error == GRAPPE_OK && bytes.length <= DOMAIN_RECORD_MAX &&
	    send(watch->fd, bytes.bytes, bytes.length, MSG_NOSIGNAL) < 0)
		_exit(EXIT_SUCCESS);
	buffer_deinit(&bytes);
}

static void send_type(const struct watch *watch, enum domain_record_type type)
{
	const struct domain_record record = {.type = type};

	send_record(watch, &record);
}

/* Control characters, which the reader refuses, do not pass. */
static void send_trouble(const struct watch *watch, const char *what)
{
	const char *why = virGetLastErrorMessage();
	struct domain_record record = {.type = DOMAIN_TROUBLE};

	snprintf(record.reason, sizeof record.reason, "%s: %s", what, why != NULL ? why : "");
	domain_xml_clean(record.reason);
	send_record(watch, &record);
}

/* ---- domains ---- */

/* By virDomainState. */
static const uint8_t oper_states[] = {[VIR_DOMAIN_NOSTATE] = OPER_STATE_UNKNOWN,
    [VIR_DOMAIN_RUNNING] = OPER_STATE_RUNNING,
    [VIR_DOMAIN_BLOCKED] = OPER_STATE_RUNNING,
    [VIR_DOMAIN_PAUSED] = OPER_STATE_PAUSED,
    [VIR_DOMAIN_SHUTDOWN] = OPER_STATE_SHUTTING_DOWN,
    [VIR_DOMAIN_SHUTOFF] = OPER_STATE_SHUTDOWN,
    [VIR_DOMAIN_CRASHED] = OPER_STATE_CRASHED,
    [VIR_DOMAIN_PMSUSPENDED] = OPER_STATE_SUSPENDED};

static uint8_t truth(int answer)
{
	return answer < 0 ? TRUTH_UNKNOWN : answer > 0 ? TRUTH_TRUE : TRUTH_FALSE;
}

static void read_sizes(virDomainPtr domain, struct period_vif *facts)
{
	virDomainInfo info;
	int autostart = -1;
	const int vcpu_max = virDomainGetMaxVcpus(domain);

	if (virDomainGetInfo(domain, &info) == 0) {
		facts->vcpu = info.nrVirtCpu;
		facts->memory_bytes = (uint64_t)info.memory * 1024;
		facts->memory_max_bytes = (uint64_t)info.maxMem * 1024;
		facts->cpu_time_us = info.cpuTime / 1000;
		facts->oper_state =
		    info.state < sizeof oper_states ? oper_states[info.state] : OPER_STATE_OTHER;
	}
	facts->vcpu_max = vcpu_max > 0 ? (uint32_t)vcpu_max : 0;
	facts->persistent = truth(virDomainIsPersistent(domain));
	if (virDomainGetAutostart(domain, &autostart) != 0)
		autostart = -1;
	facts->autostart = truth(autostart);
}

/* A call that failed because the domain has gone meanwhile: its end is an event of its own. */
static enum reading why_not(void)
{
	return virGetLastErrorCode() == VIR_ERR_NO_DOMAIN ? READ_GONE : READ_FAILED;
}

static enum reading read_domain(virDomainPtr from, struct domain *domain)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	char *xml;
	int rc;

	*domain = (struct domain){0};
	if (virDomainGetUUIDString(from, uuid) != 0 ||
	    identity_from_uuid(uuid, domain->facts.vm_id) != GRAPPE_OK)
		return READ_GONE;
	domain_xml_copy(
	    domain->facts.vm_name, sizeof domain->facts.vm_name, virDomainGetName(from));
	virResetLastError();
	xml = virDomainGetXMLDesc(from, 0);
	if (xml == NULL)
		return why_not();
	rc = domain_xml_read(xml, domain);
	free(xml);
	if (rc != GRAPPE_OK)
		return READ_GONE; /* not to be understood */
	read_sizes(from, &domain->facts);
	return READ_OK;
}

/* Returns false when it broke off: then the list before it stays. */
static bool send_domains(const struct watch *watch, virDomainPtr *domains, int count)
{
	static struct domain_record record; /* too large for the stack of a callback */
	bool whole = true;

	send_type(watch, DOMAIN_BEGIN);
	for (int i = 0; i < count; i++) {
		enum reading result = READ_FAILED;

		(void)alarm(HANG_S);
		record.type = DOMAIN_ONE;
		if (whole)
			result = read_domain(domains[i], &record.domain);
		if (result == READ_OK)
			send_record(watch, &record);
		whole = whole && result != READ_FAILED;
		virDomainFree(domains[i]);
	}
	if (whole)
		send_type(watch, DOMAIN_END);
	return whole;
}

static bool send_list(struct watch *watch)
{
	const int64_t start_ns = clock_monotonic_ns();
	virDomainPtr *domains = NULL;
	const int count =
	    virConnectListAllDomains(watch->connection, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
	int64_t took_ms;
	bool whole;

	if (count < 0)
		return false;
	whole = send_domains(watch, domains, count);
	free(domains);
	took_ms = (clock_monotonic_ns() - start_ns) / CLOCK_MILLISECOND_NS;
	watch->settle_ms = SETTLE_MS;
	if (took_ms * SETTLE_TIMES > SETTLE_MS)
		watch->settle_ms = (int)(took_ms * SETTLE_TIMES);
	return whole;
}

/* ---- the connection ---- */

/* A stream of events must not put the list off for ever. */
static void at_once(struct watch *watch)
{
	if (watch->soon)
		return;
	watch->soon = true;
	virEventUpdateTimeout(watch->timer, watch->settle_ms);
}

static int on_lifecycle(
    virConnectPtr connection, virDomainPtr domain, int event, int detail, void *context)
{
	(void)connection;
	(void)domain;
	(void)event;
	(void)detail;
	at_once(context);
	return 0;
}

static void on_device(
    virConnectPtr connection, virDomainPtr domain, const char *alias, void *context)
{
	(void)connection;
	(void)domain;
	(void)alias;
	at_once(context);
}

static void on_metadata(
    virConnectPtr connection, virDomainPtr domain, int type, const char *uri, void *context)
{
	(void)connection;
	(void)domain;
	(void)type;
	(void)uri;
	at_once(context);
}

static void on_close(virConnectPtr connection, int reason, void *context)
{
	(void)connection;
	(void)reason;
	at_once(context);
}

/* Events that change who is here; a libvirt that lacks one of them is asked once a minute. */
static void register_events(struct watch *watch)
{
	static const struct {
		int id;
		virConnectDomainEventGenericCallback callback;
	} events[] = {
	    {VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)},
	    {VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_device)},
	    {VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device)},
	    {VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_metadata)},
	};

	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		(void)virConnectDomainEventRegisterAny(
		    watch->connection, NULL, events[i].id, events[i].callback, watch, NULL);
	(void)virConnectRegisterCloseCallback(watch->connection, on_close, watch, NULL);
	(void)virConnectSetKeepAlive(watch->connection, 5, 3);
}

static void disconnect(struct watch *watch)
{
	if (watch->connection == NULL)
		return;
	(void)virConnectUnregisterCloseCallback(watch->connection, on_close);
	(void)virConnectClose(watch->connection);
	watch->connection = NULL;
}

static bool connect_to(struct watch *watch)
{
	watch->connection = virConnectOpenReadOnly(watch->uri);
	if (watch->connection == NULL) {
		send_trouble(watch, watch->uri);
		return false;
	}
	register_events(watch);
	return true;
}

static void try_later(struct watch *watch)
{
	disconnect(watch);
	virEventUpdateTimeout(watch->timer, watch->pause_ms);
	watch->pause_ms = watch->pause_ms * 2 < PAUSE_MOST_MS ? watch->pause_ms * 2 : PAUSE_MOST_MS;
}

/* Connects when needed and tells the list. */
static bool tell(struct watch *watch)
{
	if (watch->connection != NULL && virConnectIsAlive(watch->connection) != 1) {
		send_trouble(watch, "libvirt is gone");
		disconnect(watch);
	}
	if (watch->connection == NULL && !connect_to(watch))
		return false;
	if (send_list(watch))
		return true;
	send_trouble(watch, "listing the domains");
	return false;
}

static void on_timer(int timer, void *context)
{
	struct watch *watch = context;

	watch->soon = false;
	(void)alarm(HANG_S);
	if (tell(watch)) {
		watch->pause_ms = PAUSE_LEAST_MS;
		virEventUpdateTimeout(timer, watch->interval_ms);
	} else {
		try_later(watch);
	}
	(void)alarm(0);
}

/* The other side never writes: an event means that it has ended. */
static void on_parent(int handle, int fd, int events, void *context)
{
	(void)handle;
	(void)fd;
	(void)events;
	(void)context;
	_exit(EXIT_SUCCESS);
}

/* ---- the process ---- */

static void ignore_error(void *context, virErrorPtr error)
{
	(void)context; /* told by send_trouble(), not on standard error */
	(void)error;
}

int libvirt_watch_run(const char *uri, int interval_s, int fd)
{
	struct watch watch = {.uri = uri,
	    .interval_ms = interval_s * 1000,
	    .fd = fd,
	    .settle_ms = SETTLE_MS,
	    .pause_ms = PAUSE_LEAST_MS};

	virSetErrorFunc(NULL, ignore_error);
	if (virInitialize() != 0 || virEventRegisterDefaultImpl() != 0)
		return GRAPPE_EIO;
	watch.timer = virEventAddTimeout(0, on_timer, &watch, NULL);
	if (watch.timer < 0 ||
	    virEventAddHandle(
		fd, VIR_EVENT_HANDLE_READABLE | VIR_EVENT_HANDLE_HANGUP, on_parent, NULL, NULL) < 0)
		return GRAPPE_EIO;
	while (virEventRunDefaultImpl() == 0)
		;
	return GRAPPE_EIO;
}
