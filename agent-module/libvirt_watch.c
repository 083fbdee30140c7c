/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/libvirt_watch.h"

#include "agent-module/domain.h"
#include "agent-module/domain_xml.h"
#include "agent-module/libvirt_child.h"
#include "common/error.h"

#include <errno.h>
#include <grp.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RECONCILE_MS 60000
#define SETTLE_MS 100 /* events come in groups: one list for all */
#define PAUSE_LEAST_MS 1000
#define PAUSE_MOST_MS 30000
#define LOOK_S 5 /* how often a libvirtd is looked for that was never there */
#define NOBODY 65534

struct watch {
	const struct libvirt_options *options;
	int fd;
	virConnectPtr connection; /* NULL: none */
	int timer;
	int pause_ms;   /* until the next try to connect */
	bool was_there; /* there was a connection once */
	bool told_trouble;
};

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

static void send_trouble(struct watch *watch, const char *what)
{
	const char *why = virGetLastErrorMessage();
	struct domain_record record = {.type = DOMAIN_TROUBLE};

	if (watch->options->wait && !watch->was_there)
		return;
	snprintf(record.reason, sizeof record.reason, "%s: %s", what, why != NULL ? why : "");
	send_record(watch, &record);
	watch->told_trouble = true;
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

static void copy_name(const char *name, char out[VM_NAME_SIZE])
{
	size_t n = name != NULL ? strnlen(name, VM_NAME_SIZE - 1) : 0;

	while (n > 0 && name[n] != '\0' && ((unsigned char)name[n] & 0xc0) == 0x80)
		n--;
	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)name[i] < 0x20 || name[i] == 0x7f ? '?' : name[i];
	out[n] = '\0';
}

/* A domain that goes away meanwhile is left out; its end is an event of its own. */
static bool read_domain(virDomainPtr from, struct domain *domain)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	char *xml;
	int rc;

	*domain = (struct domain){0};
	if (virDomainGetUUIDString(from, uuid) != 0 ||
	    identity_from_uuid(uuid, domain->facts.vm_id) != GRAPPE_OK)
		return false;
	copy_name(virDomainGetName(from), domain->facts.vm_name);
	xml = virDomainGetXMLDesc(from, 0);
	if (xml == NULL)
		return false;
	rc = domain_xml_read(xml, domain);
	free(xml);
	if (rc == GRAPPE_OK)
		read_sizes(from, &domain->facts);
	return rc == GRAPPE_OK;
}

static bool send_list(struct watch *watch)
{
	static struct domain_record record; /* too large for the stack of a callback */
	virDomainPtr *domains = NULL;
	const int count =
	    virConnectListAllDomains(watch->connection, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);

	if (count < 0)
		return false;
	send_type(watch, DOMAIN_BEGIN);
	for (int i = 0; i < count; i++) {
		record.type = DOMAIN_ONE;
		if (read_domain(domains[i], &record.domain))
			send_record(watch, &record);
		virDomainFree(domains[i]);
	}
	free(domains);
	send_type(watch, DOMAIN_END);
	return true;
}

/* ---- the connection ---- */

static void at_once(struct watch *watch)
{
	virEventUpdateTimeout(watch->timer, SETTLE_MS);
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
	watch->connection = virConnectOpenReadOnly(watch->options->uri);
	if (watch->connection == NULL) {
		send_trouble(watch, watch->options->uri);
		return false;
	}
	watch->was_there = true;
	watch->pause_ms = PAUSE_LEAST_MS;
	register_events(watch);
	return true;
}

static void try_later(struct watch *watch)
{
	disconnect(watch);
	virEventUpdateTimeout(watch->timer, watch->pause_ms);
	watch->pause_ms = watch->pause_ms * 2 < PAUSE_MOST_MS ? watch->pause_ms * 2 : PAUSE_MOST_MS;
}

static void on_timer(int timer, void *context)
{
	struct watch *watch = context;

	if (watch->connection != NULL && virConnectIsAlive(watch->connection) != 1) {
		send_trouble(watch, "libvirt is gone");
		disconnect(watch);
	}
	if (watch->connection == NULL && !connect_to(watch)) {
		try_later(watch);
		return;
	}
	if (!send_list(watch)) {
		send_trouble(watch, "listing the domains");
		try_later(watch);
		return;
	}
	if (watch->told_trouble) {
		send_type(watch, DOMAIN_TROUBLE); /* over */
		watch->told_trouble = false;
	}
	virEventUpdateTimeout(timer, RECONCILE_MS);
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

/* ---- processes ---- */

static void ignore_error(void *context, virErrorPtr error)
{
	(void)context; /* told by send_trouble(), not on standard error */
	(void)error;
}

static bool drop_privileges(const char *user)
{
	const struct passwd *entry;
	uid_t uid = NOBODY;
	gid_t gid = NOBODY;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return false;
	if (geteuid() != 0)
		return true;
	entry = getpwnam(user);
	if (entry != NULL) {
		uid = entry->pw_uid;
		gid = entry->pw_gid;
	}
	return uid != 0 && setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
	       setresuid(uid, uid, uid) == 0;
}

static void run_worker(const struct libvirt_options *options, int fd)
{
	struct watch watch = {.options = options, .fd = fd, .pause_ms = PAUSE_LEAST_MS};

	virSetErrorFunc(NULL, ignore_error);
	if (virInitialize() != 0 || virEventRegisterDefaultImpl() != 0)
		_exit(EXIT_FAILURE);
	watch.timer = virEventAddTimeout(0, on_timer, &watch, NULL);
	if (watch.timer < 0 ||
	    virEventAddHandle(
		fd, VIR_EVENT_HANDLE_READABLE | VIR_EVENT_HANDLE_HANGUP, on_parent, NULL, NULL) < 0)
		_exit(EXIT_FAILURE);
	while (virEventRunDefaultImpl() == 0)
		;
	_exit(EXIT_FAILURE);
}

/* Ends with its parent, and not before: the terminal's signals are for that one. */
static void follow_parent(pid_t parent)
{
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_DFL);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) != 0 || getppid() != parent)
		_exit(EXIT_SUCCESS);
}

/* Sleeps, or ends with the program that does not need this any more. */
static void sleep_s(time_t seconds)
{
	struct timespec pause = {.tv_sec = seconds};

	while (nanosleep(&pause, &pause) != 0 && errno == EINTR)
		;
}

int libvirt_watch_run(const struct libvirt_options *options, int fd)
{
	const pid_t parent = getppid();
	time_t pause_s = 1;
	pid_t self, worker;
	int status;

	if (!drop_privileges(options->user))
		return GRAPPE_EIO;
	/* Changing the user forgets such a wish (prctl(2)). */
	follow_parent(parent);
	self = getpid();
	/* Until then libvirt's library takes no memory. */
	while (!libvirt_expected(options))
		sleep_s(LOOK_S);
	for (;;) {
		worker = fork();
		if (worker == 0) {
			follow_parent(self);
			run_worker(options, fd);
		}
		if (worker > 0)
			while (waitpid(worker, &status, 0) < 0 && errno == EINTR)
				;
		if (worker > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
			return GRAPPE_OK;
		sleep_s(pause_s);
		pause_s = pause_s * 2 < 60 ? pause_s * 2 : 60;
	}
}
