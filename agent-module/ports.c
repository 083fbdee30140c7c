/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/ports.h"

#include "agent-module/backend.h"
#include "agent-module/decode.h"
#include "agent-module/source_pcap.h"
#include "common/error.h"
#include "common/log.h"

#include <event2/event.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define READ_FRAMES 4096      /* at once, so that other interfaces and timers get their turn */
#define DRAIN_FRAMES 200000   /* at most from one interface before a period is closed */
#define BUFFER_MAX (8u << 20) /* more than this helps no interface */
#define REAP_TRIES 8          /* reads without a frame before a gone interface is closed */
#define MEANWHILE_MS 50       /* half of the time a block of a ring is filled */
#define SHARES_LEAST 16       /* the memory is cut for at least so many interfaces */

struct port {
	struct ports *ports;
	struct discover_port info;
	struct source *source;  /* owned */
	struct event *readable; /* owned; NULL when the source has nothing to read */
	uint32_t buffer_bytes;
	/* The source that a smaller one took the place of: its frames until former_until_ns (wall
	 * clock) are still to come. Owned; NULL: there is none. */
	struct source *former;
	int64_t former_until_ns;
	int64_t gone_ns;  /* wall clock when the interface was gone; 0 = it is there */
	int64_t close_ns; /* monotonic: when a gone one, or the former source, is closed */
	int64_t works_ns; /* wall clock when it was watched for certain */
	bool dead;        /* the source told that the interface is gone */
	struct port *next;
};

struct watched {
	struct discover_nic nic;
	struct port *port;
	int handle; /* of the accounting */
	int number; /* of the source */
};

struct ports {
	struct ports_options options;
	struct port *first; /* owned */
	size_t count;
	struct watched *watched; /* owned */
	size_t nwatched, watched_capacity;
	uint64_t buffer_used;
	struct event *reaper; /* owned; closes ports that are gone */
	int64_t stop_ns;      /* INT64_MAX while running */
	int64_t read_ns;      /* monotonic: of the last read_meanwhile() */
	bool lost;
	struct log_complaint open_complaint, uplink_complaint, buffer_complaint;
};

/* ---- vifs ---- */

static void unwatch(struct ports *ports, size_t i, int64_t until_ns)
{
	const struct discover_nic *nic = &ports->watched[i].nic;

	log_info("no longer watching %s (%s) on %s", nic->vif.vm_name, nic->vif.vm_id,
	    nic->vif.interface);
	source_unwatch(ports->watched[i].port->source, ports->watched[i].number);
	account_unwatch(ports->options.account, ports->watched[i].handle, until_ns);
	ports->watched[i] = ports->watched[--ports->nwatched];
}

static bool same_nic(const struct discover_nic *a, const struct discover_nic *b)
{
	return a->ifindex == b->ifindex && strcmp(a->vif.vm_id, b->vif.vm_id) == 0 &&
	       strcmp(a->vif.segment, b->vif.segment) == 0 &&
	       strcmp(a->vif.interface, b->vif.interface) == 0 && a->vif.nmacs == b->vif.nmacs &&
	       memcmp(a->vif.macs, b->vif.macs, a->vif.nmacs * sizeof *a->vif.macs) == 0;
}

static bool plan_has_nic(const struct discover_plan *plan, const struct discover_nic *nic)
{
	for (size_t i = 0; i < plan->nnics; i++)
		if (same_nic(&plan->nics[i], nic))
			return true;
	return false;
}

/* The vif as it is watched now, wherever, or NULL. */
static const struct watched *find_watched(const struct ports *ports, const struct period_vif *vif)
{
	for (size_t i = 0; i < ports->nwatched; i++) {
		const struct period_vif *other = &ports->watched[i].nic.vif;

		if (strcmp(other->vm_id, vif->vm_id) == 0 &&
		    strcmp(other->segment, vif->segment) == 0 &&
		    mac_equal(&other->macs[0], &vif->macs[0]))
			return &ports->watched[i];
	}
	return NULL;
}

/* The open port of an interface that is there. */
static struct port *find_port(const struct ports *ports, uint32_t ifindex)
{
	struct port *port = ports->first;

	while (port != NULL && (port->info.ifindex != ifindex || port->gone_ns != 0))
		port = port->next;
	return port;
}

/* Returns 0 or an error of account_watch(). */
static int watch(struct ports *ports, const struct discover_nic *nic, struct port *port)
{
	const int64_t now_ns = clock_wall_ns(), since_ns = source_since_ns(port->source);
	void *bigger;
	int handle, number;

	if (ports->nwatched == ports->watched_capacity) {
		const size_t wanted =
		    ports->watched_capacity > 0 ? ports->watched_capacity * 2 : 16;

		bigger = reallocarray(ports->watched, wanted, sizeof *ports->watched);
		if (bigger == NULL)
			return GRAPPE_EMEMORY;
		ports->watched = bigger;
		ports->watched_capacity = wanted;
	}
	handle = account_watch(
	    ports->options.account, nic->ifindex, &nic->vif, since_ns > now_ns ? since_ns : now_ns);
	if (handle < 0)
		return handle;
	number = source_watch(port->source, &nic->vif, handle);
	if (number < 0) {
		account_unwatch(ports->options.account, handle, now_ns);
		return number;
	}
	ports->watched[ports->nwatched++] =
	    (struct watched){.nic = *nic, .port = port, .handle = handle, .number = number};
	log_info("watching %s (%s) on %s, segment %s", nic->vif.vm_name, nic->vif.vm_id,
	    nic->vif.interface, nic->vif.segment);
	return GRAPPE_OK;
}

/* ---- interfaces ---- */

static void unwatch_port(struct ports *ports, const struct port *port)
{
	int64_t until_ns = port->gone_ns != 0 ? port->gone_ns : clock_wall_ns();

	if (until_ns > ports->stop_ns)
		until_ns = ports->stop_ns;
	for (size_t i = ports->nwatched; i-- > 0;)
		if (ports->watched[i].port == port)
			unwatch(ports, i, until_ns);
}

static void on_frame(void *context, const uint8_t *bytes, uint32_t captured, uint32_t length,
    int64_t stamp_ns, bool sent)
{
	struct port *port = context;
	struct frame frame;

	if (stamp_ns >= port->ports->stop_ns)
		return;
	frame_decode(bytes, captured, length, &frame);
	account_frame(port->ports->options.account, port->info.ifindex, &frame, stamp_ns, sent,
	    port->info.mtu);
}

static void on_former_frame(void *context, const uint8_t *bytes, uint32_t captured, uint32_t length,
    int64_t stamp_ns, bool sent)
{
	const struct port *port = context;

	if (stamp_ns < port->former_until_ns)
		on_frame(context, bytes, captured, length, stamp_ns, sent);
}

static void read_former(struct port *port)
{
	char message[256];
	int n = port->former != NULL;

	for (int total = 0; n > 0 && total < DRAIN_FRAMES; total += n)
		n = source_read(
		    port->former, READ_FRAMES, on_former_frame, port, message, sizeof message);
}

static void close_former(struct port *port)
{
	if (port->former == NULL)
		return;
	read_former(port);
	source_close(port->former);
	port->former = NULL;
}

static void close_port(struct ports *ports, struct port *port)
{
	struct port **link = &ports->first;

	close_former(port);

	unwatch_port(ports, port);
	while (*link != port)
		link = &(*link)->next;
	*link = port->next;
	ports->count--;
	ports->buffer_used -= port->buffer_bytes;
	account_drops(ports->options.account, source_drops(port->source));
	if (port->readable != NULL)
		event_free(port->readable);
	source_close(port->source);
	free(port);
}

/*
 * The interface is gone: no more events from it, but what is in its ring is still to come. A source
 * without a ring would go on counting when the interface is only gone to another network namespace:
 * it is closed as soon as this returns to the loop.
 */
static void lose_port(struct port *port, const char *why)
{
	char name[IF_NAMESIZE];
	const bool elsewhere =
	    port->readable == NULL && if_indextoname(port->info.ifindex, name) == NULL;
	const int64_t linger_ms = elsewhere ? 0 : PORTS_LINGER_MS;
	const struct timeval wait = {.tv_usec = linger_ms * 1000};

	log_info("%s is gone (%s)", port->info.name, why);
	port->gone_ns = clock_wall_ns();
	port->close_ns = clock_monotonic_ns() + linger_ms * CLOCK_MILLISECOND_NS;
	port->dead = port->dead || elsewhere;
	if (port->readable != NULL)
		event_del(port->readable);
	event_add(port->ports->reaper, &wait);
}

/* Reads once. Returns how many frames, or an error when the interface is gone. */
static int read_port(struct port *port)
{
	char message[256];
	const int n =
	    source_read(port->source, READ_FRAMES, on_frame, port, message, sizeof message);

	port->dead = port->dead || n < 0;
	if (n < 0 && port->gone_ns == 0) {
		lose_port(port, message);
		port->ports->lost = true;
	}
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

/* Reads the last frames of an interface that is gone: between them libpcap tells that it is gone.
 */
static void reap_port(struct ports *ports, struct port *port)
{
	int empty = 0;

	ports->options.before_read(ports->options.context);
	for (int total = 0; empty < REAP_TRIES && total < DRAIN_FRAMES;) {
		const int n = read_port(port);

		total += n > 0 ? n : 0;
		empty = n > 0 ? 0 : empty + 1;
	}
	close_port(ports, port);
}

static void on_reaper(evutil_socket_t fd, short what, void *context)
{
	const struct timeval again = {.tv_usec = PORTS_LINGER_MS * 1000};
	const int64_t now_ns = clock_monotonic_ns();
	struct ports *ports = context;
	struct port *next;
	bool more = false;

	(void)fd;
	(void)what;
	for (struct port *port = ports->first; port != NULL; port = next) {
		const bool due = port->close_ns <= now_ns;

		next = port->next;
		if (port->gone_ns != 0 && due)
			reap_port(ports, port);
		else if (port->former != NULL && due)
			close_former(port);
		else if (port->gone_ns != 0 || port->former != NULL)
			more = true;
	}
	if (more)
		event_add(ports->reaper, &again);
}

struct ports *ports_new(const struct ports_options *options)
{
	struct ports *ports = calloc(1, sizeof *ports);

	if (ports == NULL)
		return NULL;
	ports->options = *options;
	ports->stop_ns = INT64_MAX;
	ports->reaper = evtimer_new(options->base, on_reaper, ports);
	if (ports->reaper == NULL) {
		free(ports);
		return NULL;
	}
	return ports;
}

void ports_free(struct ports *ports)
{
	if (ports == NULL)
		return;
	while (ports->first != NULL)
		close_port(ports, ports->first);
	event_free(ports->reaper);
	free(ports->watched);
	free(ports);
}

/* Waits for what the source has to read, if it ever has. */
static bool listen_to(struct ports *ports, struct port *port)
{
	const int fd = source_fd(port->source);

	if (fd < 0)
		return true;
	port->readable =
	    event_new(ports->options.base, fd, EV_READ | EV_PERSIST, on_readable, port);
	return port->readable != NULL && event_add(port->readable, NULL) == 0;
}

/* Of the memory for rings, an equal part for each of the planned ones, rounded down to a power of
 * two, so that a ring is made smaller few times however many interfaces come one by one. */
static uint32_t share_of_buffer(const struct ports *ports, size_t planned)
{
	const uint64_t equal =
	    ports->options.buffer_total / (planned > SHARES_LEAST ? planned : SHARES_LEAST);
	uint32_t share = BUFFER_MAX;

	while (share > SOURCE_BUFFER_MIN && share > equal)
		share /= 2;
	return share;
}

/*
 * Gives the interface a smaller ring: the new source sees what comes from an instant on, the former
 * one is read until then, so that each frame is counted once. Returns false (logged) when it stays
 * as it is.
 */
static bool shrink_port(struct ports *ports, struct port *port, uint32_t bytes)
{
	const struct timeval wait = {.tv_usec = PORTS_LINGER_MS * 1000};
	const struct timespec moment = {.tv_nsec = CLOCK_MILLISECOND_NS / 4};
	char message[256] = "out of memory";
	struct source *smaller;
	int rest = 8; /* a clock that was set back meanwhile is not waited for */

	close_former(port);
	if (backend_open(ports->options.backend, &port->info, &bytes, &smaller, message,
		sizeof message) != GRAPPE_OK) {
		log_complain(&ports->open_complaint, "cannot make the ring of %s smaller: %s",
		    port->info.name, message);
		return false;
	}
	event_free(port->readable);
	port->readable = NULL;
	port->former = port->source;
	port->former_until_ns = source_since_ns(smaller);
	/* What the former source loses from then on the new one has. */
	while (clock_wall_ns() < port->former_until_ns && rest-- > 0)
		nanosleep(&moment, NULL);
	account_drops(ports->options.account, source_drops(port->former));
	port->close_ns = clock_monotonic_ns() + PORTS_LINGER_MS * CLOCK_MILLISECOND_NS;
	port->source = smaller;
	ports->buffer_used -= port->buffer_bytes - bytes;
	port->buffer_bytes = bytes;
	if (!listen_to(ports, port))
		lose_port(port, "out of memory");
	event_add(ports->reaper, &wait);
	log_debug("%s has a ring of %" PRIu32 " kB now", port->info.name, bytes / 1024);
	return true;
}

/* Makes the largest rings smaller until one of this size has room. */
static void make_room(struct ports *ports, uint32_t bytes)
{
	const uint64_t total = ports->options.buffer_total;

	while (ports->buffer_used + bytes > total) {
		struct port *largest = NULL;

		for (struct port *port = ports->first; port != NULL; port = port->next)
			if (port->gone_ns == 0 && port->buffer_bytes > bytes &&
			    (largest == NULL || port->buffer_bytes > largest->buffer_bytes))
				largest = port;
		if (largest == NULL || !shrink_port(ports, largest, bytes))
			break;
	}
	if (ports->buffer_used + bytes > total)
		log_complain(&ports->buffer_complaint,
		    "the rings of %zu interfaces take more than buffer_total: each has at least %u "
		    "kB",
		    ports->count + 1, SOURCE_BUFFER_MIN / 1024);
	else
		log_recovered(&ports->buffer_complaint, "the rings are inside buffer_total again");
}

static void tell_open(const struct port *port)
{
	if (port->buffer_bytes > 0)
		log_info("capturing on %s, ring of %" PRIu32 " kB", port->info.name,
		    port->buffer_bytes / 1024);
	else
		log_info("capturing on %s, by bpf", port->info.name);
}

static int open_port(struct ports *ports, const struct discover_port *info, size_t planned)
{
	struct port *port = calloc(1, sizeof *port);
	char message[256] = "out of memory";
	int rc = GRAPPE_EMEMORY;

	if (port != NULL) {
		port->buffer_bytes = share_of_buffer(ports, planned);
		make_room(ports, port->buffer_bytes);
		rc = backend_open(ports->options.backend, info, &port->buffer_bytes, &port->source,
		    message, sizeof message);
	}
	if (rc != GRAPPE_OK) {
		free(port);
		log_complain(
		    &ports->open_complaint, "cannot capture on %s: %s", info->name, message);
		return rc;
	}
	port->ports = ports;
	port->info = *info;
	port->works_ns = clock_wall_ns();
	port->next = ports->first;
	ports->first = port;
	ports->count++;
	ports->buffer_used += port->buffer_bytes;
	if (!listen_to(ports, port)) {
		close_port(ports, port);
		return GRAPPE_EMEMORY;
	}
	tell_open(port);
	return GRAPPE_OK;
}

/* ---- the plan ---- */

static bool has_uuid(const struct period_vif *vif)
{
	char by_mac[VM_ID_SIZE];

	identity_from_mac(&vif->macs[0], by_mac);
	return strcmp(vif->vm_id, by_mac) != 0;
}

/* What is watched by its MAC only, as before libvirt told of it, and has a UUID in the plan, goes
 * on under that without a gap. Returns whether it was so. */
static bool identify(struct ports *ports, struct watched *watched, const struct discover_plan *plan)
{
	struct discover_nic known = watched->nic;

	for (size_t i = 0; i < plan->nnics; i++) {
		const struct discover_nic *nic = &plan->nics[i];

		memcpy(known.vif.vm_id, nic->vif.vm_id, sizeof known.vif.vm_id);
		if (!has_uuid(&nic->vif) || !same_nic(&known, nic) ||
		    !account_identify(ports->options.account, watched->handle, nic->vif.vm_id))
			continue;
		log_info("%s on %s is %s (%s)", watched->nic.vif.vm_id, nic->vif.interface,
		    nic->vif.vm_name, nic->vif.vm_id);
		watched->nic = *nic;
		return true;
	}
	return false;
}

static const struct discover_port *plan_port(const struct discover_plan *plan, uint32_t ifindex)
{
	for (size_t i = 0; i < plan->nports; i++)
		if (plan->ports[i].ifindex == ifindex)
			return &plan->ports[i];
	return NULL;
}

/* Whether it is the interface of the plan still: a renamed one is another one to libpcap, but not
 * to the programs that are attached to it. */
static bool is_same_interface(const struct port *port, const struct discover_port *info)
{
	return port->info.ifindex == info->ifindex &&
	       (port->readable == NULL || strcmp(port->info.name, info->name) == 0);
}

/* Parts with what the plan has not, or has changed. */
static void lose_unplanned(struct ports *ports, const struct discover_plan *plan)
{
	for (struct port *port = ports->first; port != NULL; port = port->next) {
		const struct discover_port *info = plan_port(plan, port->info.ifindex);

		if (info != NULL && is_same_interface(port, info) && port->gone_ns == 0)
			port->info = *info;
		else if (port->gone_ns == 0)
			lose_port(port, "not to be watched any more");
	}
}

/*
 * An interface that left the plan and is back in it before it was closed, as when it moves between
 * bridges, goes on without a gap, and is not read twice. Returns whether there was one.
 */
static bool resume_port(struct ports *ports, const struct discover_port *info)
{
	struct port *port = ports->first;

	while (port != NULL && (port->dead || !is_same_interface(port, info)))
		port = port->next;
	if (port == NULL || read_port(port) < 0 ||
	    (port->readable != NULL && event_add(port->readable, NULL) != 0))
		return false;
	log_info("%s is to be watched again", info->name);
	port->gone_ns = 0;
	port->info = *info;
	return true;
}

/* To open an interface takes some milliseconds, many of them longer than a ring of the least size
 * can wait: meanwhile the others are read. */
static void read_meanwhile(struct ports *ports)
{
	const int64_t now_ns = clock_monotonic_ns();

	if (now_ns < ports->read_ns + MEANWHILE_MS * CLOCK_MILLISECOND_NS)
		return;
	ports->read_ns = now_ns;
	ports->options.before_read(ports->options.context);
	for (struct port *port = ports->first; port != NULL; port = port->next)
		if (port->gone_ns == 0 && port->readable != NULL)
			(void)read_port(port);
}

/* What is attached to an interface that went to another network namespace may still be there when
 * it comes back: it would be counted twice. */
static void close_dead(struct ports *ports, uint32_t ifindex)
{
	struct port *next;

	for (struct port *port = ports->first; port != NULL; port = next) {
		next = port->next;
		if (port->dead && port->readable == NULL && port->info.ifindex == ifindex)
			close_port(ports, port);
	}
}

static int open_again(struct ports *ports, const struct discover_port *info, size_t planned)
{
	if (resume_port(ports, info))
		return GRAPPE_OK;
	close_dead(ports, info->ifindex);
	return open_port(ports, info, planned);
}

static bool open_planned(struct ports *ports, const struct discover_plan *plan)
{
	bool all = true, uplink = false;

	for (size_t i = 0; i < plan->nports; i++) {
		const struct discover_port *info = &plan->ports[i];

		if (info->uplink) {
			uplink = true;
			log_complain(&ports->uplink_complaint,
			    "%s shows more than %d unknown MAC addresses: it is taken for an "
			    "uplink, not a VM; "
			    "exclude it in its bridge section",
			    info->name, DISCOVER_MACS_MAX);
		}
		if (info->up && find_port(ports, info->ifindex) == NULL &&
		    open_again(ports, info, plan->nports) != GRAPPE_OK)
			all = false;
		read_meanwhile(ports);
	}
	if (all)
		log_recovered(&ports->open_complaint, "capturing on all interfaces again");
	if (!uplink)
		log_recovered(&ports->uplink_complaint, "no port looks like an uplink any more");
	return all;
}

/* Watches the vif on its port; when it is watched elsewhere, as after a move, that ends first. */
static int follow_nic(struct ports *ports, const struct discover_nic *nic)
{
	struct port *port = find_port(ports, nic->ifindex);
	const struct watched *present = find_watched(ports, &nic->vif);

	if (present != NULL && (port == NULL || present->port == port))
		account_describe(ports->options.account, present->handle, &nic->vif);
	if (port == NULL || (present != NULL && present->port == port))
		return GRAPPE_OK;
	if (present != NULL)
		reap_port(ports, present->port);
	return watch(ports, nic, port);
}

bool ports_follow(struct ports *ports, const struct discover_plan *plan)
{
	const int64_t now_ns = clock_wall_ns();
	bool all;

	ports->lost = false;
	lose_unplanned(ports, plan);
	/* What is on an interface that is gone stays until its last frames are read. */
	for (size_t i = ports->nwatched; i-- > 0;)
		if (ports->watched[i].port->gone_ns == 0 &&
		    !plan_has_nic(plan, &ports->watched[i].nic) &&
		    !identify(ports, &ports->watched[i], plan))
			unwatch(ports, i, now_ns);
	all = open_planned(ports, plan);
	for (size_t i = 0; i < plan->nnics; i++)
		if (follow_nic(ports, &plan->nics[i]) != GRAPPE_OK) {
			log_complain(&ports->open_complaint,
			    "cannot watch %s on %s: too many VMs or no memory",
			    plan->nics[i].vif.vm_name, plan->nics[i].vif.interface);
			all = false;
		}
	return all && !ports->lost;
}

/* Closes ports whose source was taken off by others: since when is not known, so their VMs are not
 * covered since it was looked at last. They are opened again by the next ports_follow(). Of an
 * interface that is gone the next events will tell. */
static void check_ports(struct ports *ports)
{
	const int64_t now_ns = clock_wall_ns();
	char name[IF_NAMESIZE];
	struct port *next;

	for (struct port *port = ports->first; port != NULL; port = next) {
		next = port->next;
		if (port->gone_ns != 0)
			continue;
		if (source_works(port->source)) {
			port->works_ns = now_ns;
			continue;
		}
		if (if_indextoname(port->info.ifindex, name) == NULL)
			continue;
		log_warning("%s is not watched any more: something else took the programs off it",
		    port->info.name);
		port->gone_ns = port->works_ns;
		ports->lost = true;
		close_port(ports, port);
	}
}

void ports_drain(struct ports *ports)
{
	backend_collect(ports->options.backend);
	check_ports(ports);
	for (struct port *port = ports->first; port != NULL; port = port->next) {
		int n = 1;

		read_former(port);
		for (int total = 0; n > 0 && total < DRAIN_FRAMES; total += n)
			n = read_port(port);
		account_drops(ports->options.account, source_drops(port->source));
	}
}

void ports_stop_at(struct ports *ports, int64_t stop_ns)
{
	ports->stop_ns = stop_ns;
	backend_stop(ports->options.backend);
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
