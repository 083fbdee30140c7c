/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/ports.h"

#include "agent-module/decode.h"
#include "agent-module/mss.h"
#include "agent-module/source_pcap.h"
#include "common/error.h"
#include "common/log.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define READ_FRAMES 4096	/* at once, so that other interfaces and timers get their turn */
#define DRAIN_FRAMES 200000	/* at most from one interface before a period is closed */
#define BUFFER_MAX (8u << 20)	/* more than this helps no interface */
#define SHARES_LEAST 16		/* the memory is cut for at least so many interfaces */

struct port {
	struct ports *ports;
	struct discover_port info;
	struct source_pcap *source; /* owned */
	struct event *readable;	    /* owned */
	uint32_t buffer_bytes;
	struct port *next;
};

struct watched {
	struct discover_nic nic;
	int handle;
};

struct ports {
	struct ports_options options;
	struct port *first; /* owned */
	size_t count;
	struct watched *watched; /* owned */
	size_t nwatched, watched_capacity;
	uint64_t buffer_used;
	int64_t stop_ns; /* INT64_MAX while running */
	bool lost;
	struct log_complaint open_complaint, uplink_complaint;
};

struct ports *ports_new(const struct ports_options *options)
{
	struct ports *ports = calloc(1, sizeof *ports);

	if (ports == NULL)
		return NULL;
	ports->options = *options;
	ports->stop_ns = INT64_MAX;
	return ports;
}

/* ---- vifs ---- */

static void unwatch(struct ports *ports, size_t i, int64_t until_ns)
{
	const struct discover_nic *nic = &ports->watched[i].nic;

	log_info("no longer watching %s (%s) on %s", nic->vif.vm_name, nic->vif.vm_id,
	    nic->vif.interface);
	account_unwatch(ports->options.account, ports->watched[i].handle, until_ns);
	ports->watched[i] = ports->watched[--ports->nwatched];
}

static bool same_nic(const struct discover_nic *a, const struct discover_nic *b)
{
	return a->ifindex == b->ifindex && strcmp(a->vif.vm_id, b->vif.vm_id) == 0 &&
	       strcmp(a->vif.segment, b->vif.segment) == 0 &&
	       strcmp(a->vif.interface, b->vif.interface) == 0 &&
	       mac_equal(&a->vif.macs[0], &b->vif.macs[0]);
}

static bool plan_has_nic(const struct discover_plan *plan, const struct discover_nic *nic)
{
	for (size_t i = 0; i < plan->nnics; i++)
		if (same_nic(&plan->nics[i], nic))
			return true;
	return false;
}

static bool is_watched(const struct ports *ports, const struct discover_nic *nic)
{
	for (size_t i = 0; i < ports->nwatched; i++)
		if (same_nic(&ports->watched[i].nic, nic))
			return true;
	return false;
}

static const struct port *find_port(const struct ports *ports, uint32_t ifindex)
{
	const struct port *port = ports->first;

	while (port != NULL && port->info.ifindex != ifindex)
		port = port->next;
	return port;
}

/* Returns 0 or an error of account_watch(). */
static int watch(struct ports *ports, const struct discover_nic *nic, const struct port *port)
{
	const int64_t now_ns = clock_wall_ns(), since_ns = source_pcap_since_ns(port->source);
	void *bigger;
	int handle;

	if (ports->nwatched == ports->watched_capacity) {
		const size_t wanted = ports->watched_capacity > 0 ? ports->watched_capacity * 2 : 16;

		bigger = reallocarray(ports->watched, wanted, sizeof *ports->watched);
		if (bigger == NULL)
			return GRAPPE_EMEMORY;
		ports->watched = bigger;
		ports->watched_capacity = wanted;
	}
	handle = account_watch(ports->options.account, nic->ifindex, &nic->vif,
	    since_ns > now_ns ? since_ns : now_ns);
	if (handle < 0)
		return handle;
	ports->watched[ports->nwatched++] = (struct watched){.nic = *nic, .handle = handle};
	log_info("watching %s (%s) on %s, segment %s", nic->vif.vm_name, nic->vif.vm_id,
	    nic->vif.interface, nic->vif.segment);
	return GRAPPE_OK;
}

/* ---- interfaces ---- */

static void unwatch_port(struct ports *ports, uint32_t ifindex)
{
	const int64_t now_ns = clock_wall_ns();

	for (size_t i = ports->nwatched; i-- > 0;)
		if (ports->watched[i].nic.ifindex == ifindex)
			unwatch(ports, i, now_ns < ports->stop_ns ? now_ns : ports->stop_ns);
}

static void close_port(struct ports *ports, struct port *port)
{
	struct port **link = &ports->first;

	unwatch_port(ports, port->info.ifindex);
	while (*link != port)
		link = &(*link)->next;
	*link = port->next;
	ports->count--;
	ports->buffer_used -= port->buffer_bytes;
	account_drops(ports->options.account, source_pcap_drops(port->source));
	if (port->readable != NULL)
		event_free(port->readable);
	source_pcap_close(port->source);
	free(port);
}

void ports_free(struct ports *ports)
{
	if (ports == NULL)
		return;
	while (ports->first != NULL)
		close_port(ports, ports->first);
	free(ports->watched);
	free(ports);
}

static void on_frame(void *context, const uint8_t *bytes, uint32_t captured, uint32_t length,
    int64_t stamp_ns, bool sent)
{
	struct port *port = context;
	struct frame frame;

	if (stamp_ns >= port->ports->stop_ns)
		return;
	frame_decode(bytes, captured, length, &frame);
	account_frame(
	    port->ports->options.account, port->info.ifindex, &frame, stamp_ns, sent, port->info.mtu);
}

/* Reads once; closes the port and returns an error when it is dead. */
static int read_port(struct port *port)
{
	struct ports *ports = port->ports;
	char message[256];
	int n, again = 8;

	do {
		n = source_pcap_read(port->source, READ_FRAMES, on_frame, port, message, sizeof message);
		/* A dying source may still have frames behind its error. */
	} while (n < 0 && --again > 0);
	if (n >= 0)
		return n;
	log_info("%s: no more frames from it (%s)", port->info.name, message);
	close_port(ports, port);
	ports->lost = true;
	return n;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct port *port = context;

	(void)fd;
	(void)what;
	port->ports->options.before_read(port->ports->options.context);
	(void)read_port(port);
}

/* Memory for one more ring: an equal share, less when much is used already, never below the least. */
static uint32_t share_of_buffer(const struct ports *ports, size_t planned)
{
	const uint64_t total = ports->options.buffer_total;
	const uint64_t left = total > ports->buffer_used ? total - ports->buffer_used : 0;
	uint64_t share = total / (planned > SHARES_LEAST ? planned : SHARES_LEAST);

	if (share > left)
		share = left;
	if (share > BUFFER_MAX)
		share = BUFFER_MAX;
	return share < SOURCE_BUFFER_MIN ? SOURCE_BUFFER_MIN : (uint32_t)share;
}

static int open_port(struct ports *ports, const struct discover_port *info, size_t planned)
{
	struct port *port = calloc(1, sizeof *port);
	const struct source_options options = {.interface = info->name,
	    .snaplen = ports->options.snaplen,
	    .buffer_bytes = share_of_buffer(ports, planned),
	    .reversed = info->reversed,
	    .endpoints = ports->options.endpoints,
	    .nendpoints = ports->options.nendpoints};
	char message[256] = "out of memory";
	int rc = GRAPPE_EMEMORY;

	if (port != NULL)
		rc = source_pcap_open(&options, &port->source, message, sizeof message);
	if (rc != GRAPPE_OK) {
		free(port);
		log_complain(&ports->open_complaint, "cannot capture on %s: %s", info->name, message);
		return rc;
	}
	port->ports = ports;
	port->info = *info;
	port->buffer_bytes = options.buffer_bytes;
	port->next = ports->first;
	ports->first = port;
	ports->count++;
	ports->buffer_used += port->buffer_bytes;
	port->readable = event_new(ports->options.base, source_pcap_fd(port->source),
	    EV_READ | EV_PERSIST, on_readable, port);
	if (port->readable == NULL || event_add(port->readable, NULL) != 0) {
		close_port(ports, port);
		return GRAPPE_EMEMORY;
	}
	log_debug("capturing on %s, ring of %" PRIu32 " kB", info->name, port->buffer_bytes / 1024);
	return GRAPPE_OK;
}

/* ---- the plan ---- */

static const struct discover_port *plan_port(const struct discover_plan *plan, uint32_t ifindex)
{
	for (size_t i = 0; i < plan->nports; i++)
		if (plan->ports[i].ifindex == ifindex)
			return &plan->ports[i];
	return NULL;
}

/* Closes what the plan has not, or has changed: a renamed interface is another one to libpcap. */
static void close_unplanned(struct ports *ports, const struct discover_plan *plan)
{
	struct port *next;

	for (struct port *port = ports->first; port != NULL; port = next) {
		const struct discover_port *info = plan_port(plan, port->info.ifindex);

		next = port->next;
		if (info != NULL && strcmp(info->name, port->info.name) == 0) {
			port->info.mtu = info->mtu;
			continue;
		}
		/* What it still has belongs to its vifs. */
		if (read_port(port) >= 0)
			close_port(ports, port);
	}
}

static bool open_planned(struct ports *ports, const struct discover_plan *plan)
{
	bool all = true, uplink = false;

	for (size_t i = 0; i < plan->nports; i++) {
		const struct discover_port *info = &plan->ports[i];

		if (info->uplink) {
			uplink = true;
			log_complain(&ports->uplink_complaint,
			    "%s shows more than %d unknown MAC addresses: it is taken for an uplink, not a VM; "
			    "exclude it in its bridge section",
			    info->name, DISCOVER_MACS_MAX);
		}
		if (find_port(ports, info->ifindex) == NULL &&
		    open_port(ports, info, plan->nports) != GRAPPE_OK)
			all = false;
	}
	if (all)
		log_recovered(&ports->open_complaint, "capturing on all interfaces again");
	if (!uplink)
		log_recovered(&ports->uplink_complaint, "no port looks like an uplink any more");
	return all;
}

bool ports_follow(struct ports *ports, const struct discover_plan *plan)
{
	const int64_t now_ns = clock_wall_ns();
	bool all;

	ports->lost = false;
	close_unplanned(ports, plan);
	for (size_t i = ports->nwatched; i-- > 0;)
		if (!plan_has_nic(plan, &ports->watched[i].nic))
			unwatch(ports, i, now_ns);
	all = open_planned(ports, plan);
	for (size_t i = 0; i < plan->nnics; i++) {
		const struct discover_nic *nic = &plan->nics[i];
		const struct port *port = find_port(ports, nic->ifindex);

		if (port == NULL || is_watched(ports, nic))
			continue;
		if (watch(ports, nic, port) != GRAPPE_OK) {
			log_complain(&ports->open_complaint, "cannot watch %s on %s: too many VMs or no memory",
			    nic->vif.vm_name, nic->vif.interface);
			all = false;
		}
	}
	return all && !ports->lost;
}

void ports_drain(struct ports *ports)
{
	struct port *next;

	for (struct port *port = ports->first; port != NULL; port = next) {
		int n = 1;

		next = port->next;
		for (int total = 0; n > 0 && total < DRAIN_FRAMES; total += n)
			n = read_port(port);
		if (n >= 0)
			account_drops(ports->options.account, source_pcap_drops(port->source));
	}
}

void ports_stop_at(struct ports *ports, int64_t stop_ns)
{
	ports->stop_ns = stop_ns;
}

bool ports_lost(const struct ports *ports)
{
	return ports->lost;
}

size_t ports_count(const struct ports *ports)
{
	return ports->count;
}

size_t ports_vifs(const struct ports *ports)
{
	return ports->nwatched;
}
