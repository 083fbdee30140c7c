/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/bpf_counter.h"

#include "agent-module/bpf_object.h"
#include "agent-module/kernel_bpf.h"
#include "agent-module/tc_filter.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/period.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRIFT_NS CLOCK_MILLISECOND_NS /* less is noise of reading two clocks */
#define STEP_NS (100 * CLOCK_MILLISECOND_NS)
/* A packet counter of a row holds 2^32: take it out long before, whatever the rate. */
#define TAKE_OUT_NS (300 * CLOCK_SECOND_NS)
/* Both tables have been emptied since when so many were. */
#define CLEARS_UNTIL_FREE 3
#define OWNER "grappe-capture"

struct bpf_port {
	uint32_t ifindex;
	uint64_t serial; /* tells its filters from those of another port of this interface */
	int links[2];    /* TCX; -1 with clsact */
	bool clsact, made_room;
};

/* A virtual NIC; its place in the array is its number. */
struct bpf_vif {
	struct bpf_port *port; /* NULL: not watched */
	struct mac macs[PERIOD_MACS_MAX];
	size_t nmacs;
	int handle;
	uint64_t since;      /* counts up with each watch */
	uint64_t free_after; /* of counter->clears; UINT64_MAX while watched */
};

struct bpf_counter {
	struct bpf_counter_options options;
	struct bpf_object object;
	struct tc *tc; /* owned */
	enum bpf_way way;
	struct bpf_vif *vifs; /* owned; BPF_VIFS_MAX */
	uint32_t nvifs;       /* so many numbers were ever used */
	uint64_t watches, clears, ports;
	int table;     /* the present one */
	int64_t end_s; /* of its period */
	int64_t wall_ns, monotonic_ns, offset_ns;
	int64_t taken_ns; /* monotonic: when the present table's counts were taken out last */
};

/* ---- time ---- */

static int64_t boundary_ns(const struct bpf_counter *counter)
{
	return counter->end_s * CLOCK_SECOND_NS - counter->offset_ns;
}

/* Tells the programs which table they fill and until when. */
static void set_boundary(struct bpf_counter *counter)
{
	const uint64_t word =
	    ((uint64_t)boundary_ns(counter) & ~UINT64_C(1)) | (uint64_t)counter->table;

	__atomic_store_n(&counter->object.settings->boundary, word, __ATOMIC_SEQ_CST);
}

static void begin_period(struct bpf_counter *counter, int64_t wall_ns)
{
	counter->end_s = clock_period_end(wall_ns, counter->options.length_s);
	set_boundary(counter);
}

/* ---- life ---- */

static long owner_of(const char *name)
{
	const size_t length = strlen(OWNER "/");
	char *end;
	long pid;

	if (strncmp(name, OWNER "/", length) != 0)
		return 0;
	pid = strtol(name + length, &end, 10);
	return *end == '/' && pid > 0 ? pid : 0;
}

static bool is_left_over(void *context, const char *name)
{
	char path[64], comm[32] = "";
	const long pid = owner_of(name);
	FILE *file;

	(void)context;
	if (pid == 0 || pid == getpid())
		return pid != 0;
	snprintf(path, sizeof path, "/proc/%ld/comm", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return errno == ENOENT;
	if (fgets(comm, sizeof comm, file) == NULL)
		comm[0] = '\0';
	fclose(file);
	return strcmp(comm, OWNER "\n") != 0;
}

/* The beginning of the names of a port's filters. */
static void name_port(const struct bpf_port *port, char out[TC_NAME_SIZE])
{
	snprintf(out, TC_NAME_SIZE, OWNER "/%ld/%" PRIu64 "/", (long)getpid(), port->serial);
}

static bool is_of_port(void *context, const char *name)
{
	char beginning[TC_NAME_SIZE];

	name_port(context, beginning);
	return strncmp(name, beginning, strlen(beginning)) == 0;
}

/* Without what bpf_object_open() makes. */
static struct bpf_counter *new_counter(
    const struct bpf_counter_options *options, int64_t wall_ns, int64_t monotonic_ns)
{
	struct bpf_counter *counter = calloc(1, sizeof *counter);

	if (counter == NULL)
		return NULL;
	counter->options = *options;
	counter->way = options->way;
	counter->nvifs = 1;
	counter->wall_ns = wall_ns;
	counter->monotonic_ns = counter->taken_ns = monotonic_ns;
	counter->offset_ns = wall_ns - monotonic_ns;
	counter->vifs = calloc(BPF_VIFS_MAX, sizeof *counter->vifs);
	if (counter->vifs != NULL)
		return counter;
	free(counter);
	return NULL;
}

int bpf_counter_open(const struct bpf_counter_options *options, int64_t wall_ns,
    int64_t monotonic_ns, struct bpf_counter **out, char *message, size_t size)
{
	struct bpf_counter *counter = new_counter(options, wall_ns, monotonic_ns);
	int rc;

	*out = NULL;
	snprintf(message, size, "%s", error_text(GRAPPE_EMEMORY));
	if (counter == NULL)
		return GRAPPE_EMEMORY;
	rc = bpf_object_open(&counter->object, options->pairs, options->pairs_per_vif,
	    options->endpoints, options->nendpoints, message, size);
	if (rc == GRAPPE_OK) {
		rc = tc_open(&counter->tc);
		if (rc != GRAPPE_OK)
			snprintf(message, size, "rtnetlink: %s", strerror(errno));
	}
	if (rc != GRAPPE_OK) {
		bpf_counter_close(counter);
		return rc;
	}
	(void)tc_sweep(counter->tc, is_left_over, NULL);
	begin_period(counter, wall_ns);
	*out = counter;
	return GRAPPE_OK;
}

void bpf_counter_close(struct bpf_counter *counter)
{
	if (counter == NULL)
		return;
	bpf_object_close(&counter->object);
	tc_close(counter->tc);
	free(counter->vifs);
	free(counter);
}

enum bpf_way bpf_counter_way(const struct bpf_counter *counter)
{
	return counter->way;
}

int bpf_counter_program(const struct bpf_counter *counter, int which)
{
	return counter->object.programs[which];
}

size_t bpf_counter_memory(const struct bpf_counter *counter)
{
	return counter->object.memory;
}

/* ---- interfaces ---- */

static void detach_links(struct bpf_port *port)
{
	for (int i = 0; i < 2; i++)
		if (port->links[i] >= 0)
			close(port->links[i]);
	port->links[0] = port->links[1] = -1;
}

/* Program 0 counts what is delivered, program 1 learns from what the guest sends. */
static bool attach_tcx(const struct bpf_counter *counter, struct bpf_port *port, bool reversed)
{
	int saved;

	for (int i = 0; i < 2; i++) {
		port->links[i] = kernel_bpf_attach_tcx(
		    counter->object.programs[i], port->ifindex, (i == 0) == reversed);
		if (port->links[i] >= 0)
			continue;
		saved = errno;
		detach_links(port);
		errno = saved;
		return false;
	}
	return true;
}

static void detach_filters(const struct bpf_counter *counter, struct bpf_port *port)
{
	(void)tc_detach(counter->tc, port->ifindex, is_of_port, port);
	if (port->made_room)
		tc_remove_room(counter->tc, port->ifindex);
}

static bool attach_filters(const struct bpf_counter *counter, struct bpf_port *port, bool reversed)
{
	static const char *const what[2] = {"count", "learn"};
	int saved;

	if (tc_make_room(counter->tc, port->ifindex, &port->made_room) != GRAPPE_OK)
		return false;
	for (int i = 0; i < 2; i++) {
		char name[TC_NAME_SIZE];

		name_port(port, name);
		snprintf(name + strlen(name), sizeof name - strlen(name), "%s", what[i]);
		if (tc_attach(counter->tc, port->ifindex, (i == 0) == reversed,
			counter->object.programs[i], name) == GRAPPE_OK)
			continue;
		saved = errno;
		detach_filters(counter, port);
		errno = saved;
		return false;
	}
	port->clsact = true;
	return true;
}

static bool attach(struct bpf_counter *counter, struct bpf_port *port, bool reversed)
{
	static bool (*const attachers[])(const struct bpf_counter *counter, struct bpf_port *port,
	    bool reversed) = {[BPF_WAY_TCX] = attach_tcx, [BPF_WAY_CLSACT] = attach_filters};

	if (counter->way != BPF_WAY_AUTO)
		return attachers[counter->way](counter, port, reversed);
	/* A kernel before 6.6 finds the kind of attachment invalid; other failures are this port's.
	 */
	counter->way = BPF_WAY_TCX;
	if (attach_tcx(counter, port, reversed))
		return true;
	counter->way = errno == EINVAL ? BPF_WAY_CLSACT : BPF_WAY_AUTO;
	return counter->way == BPF_WAY_CLSACT && attach_filters(counter, port, reversed);
}

int bpf_counter_attach(struct bpf_counter *counter, uint32_t ifindex, bool reversed,
    struct bpf_port **out, char *message, size_t size)
{
	struct bpf_port *port = calloc(1, sizeof *port);

	*out = NULL;
	snprintf(message, size, "%s", error_text(GRAPPE_EMEMORY));
	if (port == NULL)
		return GRAPPE_EMEMORY;
	*port =
	    (struct bpf_port){.ifindex = ifindex, .serial = ++counter->ports, .links = {-1, -1}};
	if (!attach(counter, port, reversed)) {
		snprintf(message, size, "attaching the bpf programs: %s",
		    errno == EBUSY ? "an ingress discipline or a filter of priority 1 is there"
				   : strerror(errno));
		free(port);
		return GRAPPE_EIO;
	}
	*out = port;
	return GRAPPE_OK;
}

bool bpf_counter_is_attached(struct bpf_counter *counter, struct bpf_port *port)
{
	if (port->clsact)
		return tc_count(counter->tc, port->ifindex, is_of_port, port) == 2;
	return kernel_bpf_is_attached(port->links[0]) && kernel_bpf_is_attached(port->links[1]);
}

void bpf_counter_detach(struct bpf_counter *counter, struct bpf_port *port)
{
	if (port == NULL)
		return;
	for (uint32_t i = 1; i < counter->nvifs; i++)
		if (counter->vifs[i].port == port)
			bpf_counter_unwatch(counter, port, (int)i);
	detach_links(port);
	if (port->clsact)
		detach_filters(counter, port);
	free(port);
}

/* ---- virtual NICs ---- */

static struct bpf_station station_of(const struct bpf_port *port, const struct mac *mac)
{
	struct bpf_station station = {.ifindex = port->ifindex};

	if (mac != NULL)
		memcpy(station.mac, mac->bytes, sizeof station.mac);
	return station;
}

static bool has_mac(const struct bpf_vif *vif, const struct mac *mac)
{
	for (size_t i = 0; i < vif->nmacs; i++)
		if (mac_equal(&vif->macs[i], mac))
			return true;
	return false;
}

/* Who gets frames for the MAC on the port: the NIC that was watched last; with mac NULL, what is
 * sent to all: the one that was watched first. 0: nobody. */
static uint32_t holder_of(
    const struct bpf_counter *counter, const struct bpf_port *port, const struct mac *mac)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < counter->nvifs; i++) {
		const struct bpf_vif *vif = &counter->vifs[i], *other = &counter->vifs[best];

		if (vif->port != port || (mac != NULL && !has_mac(vif, mac)))
			continue;
		if (best == 0 || (vif->since > other->since) == (mac != NULL))
			best = i;
	}
	return best;
}

/* Brings one entry of the map in line with who holds the MAC now. */
static int settle_station(
    const struct bpf_counter *counter, const struct bpf_port *port, const struct mac *mac)
{
	const struct bpf_station station = station_of(port, mac);
	const uint32_t number = holder_of(counter, port, mac);

	if (number != 0)
		return kernel_bpf_map_put(
		    counter->object.maps[BPF_MAP_STATIONS], &station, &number);
	(void)kernel_bpf_map_remove(counter->object.maps[BPF_MAP_STATIONS], &station);
	return 0;
}

static int settle_stations(const struct bpf_counter *counter, const struct bpf_port *port,
    const struct mac *macs, size_t nmacs)
{
	int rc = settle_station(counter, port, NULL);

	for (size_t i = 0; i < nmacs; i++)
		rc |= settle_station(counter, port, &macs[i]);
	return rc;
}

/* A number that no row of any table has, or 0. */
static uint32_t free_number(struct bpf_counter *counter)
{
	for (uint32_t i = 1; i < counter->nvifs; i++)
		if (counter->vifs[i].port == NULL && counter->vifs[i].free_after <= counter->clears)
			return i;
	return counter->nvifs < BPF_VIFS_MAX ? counter->nvifs++ : 0;
}

int bpf_counter_watch(struct bpf_counter *counter, struct bpf_port *port, const struct mac *macs,
    size_t nmacs, int handle)
{
	const uint32_t number = free_number(counter);
	struct bpf_vif *vif = &counter->vifs[number];

	if (number == 0)
		return GRAPPE_ELIMIT;
	if (nmacs > PERIOD_MACS_MAX)
		nmacs = PERIOD_MACS_MAX;
	*vif = (struct bpf_vif){.port = port,
	    .nmacs = nmacs,
	    .handle = handle,
	    .since = ++counter->watches,
	    .free_after = UINT64_MAX};
	memcpy(vif->macs, macs, nmacs * sizeof *macs);
	if (settle_stations(counter, port, macs, nmacs) == 0)
		return (int)number;
	bpf_counter_unwatch(counter, port, (int)number);
	return GRAPPE_EIO;
}

void bpf_counter_unwatch(struct bpf_counter *counter, struct bpf_port *port, int number)
{
	struct bpf_vif *vif = &counter->vifs[number];

	vif->port = NULL;
	vif->free_after = counter->clears + CLEARS_UNTIL_FREE;
	(void)settle_stations(counter, port, vif->macs, vif->nmacs);
}

/* ---- reading ---- */

static void tell(const struct bpf_counter *counter, enum counted_kind kind, uint32_t number,
    uint64_t packets, uint64_t octets)
{
	const struct counted counted = {.kind = kind,
	    .handle = number != 0 ? counter->vifs[number].handle : -1,
	    .packets = packets,
	    .octets = octets,
	    .end_s = counter->end_s};

	if (packets > 0 || octets > 0)
		counter->options.counted(counter->options.context, &counted);
}

static void tell_row(
    const struct bpf_counter *counter, const struct bpf_row *row, uint32_t packets, uint64_t octets)
{
	const uint32_t number = row->key & BPF_KEY_VIF;
	struct counted counted = {
	    .kind = (row->key & BPF_KEY_SENT) != 0 ? COUNTED_SENT : COUNTED_RECEIVED,
	    .packets = packets,
	    .octets = octets,
	    .end_s = counter->end_s};

	if (number == 0 || number >= counter->nvifs)
		return;
	counted.handle = counter->vifs[number].handle;
	counted.peer = (row->key & BPF_KEY_IPV6) != 0
			   ? address_from_ipv6((const uint8_t *)row->peer)
			   : address_from_ipv4((const uint8_t *)&row->peer[1]);
	counter->options.counted(counter->options.context, &counted);
}

#define TAKE(field) __atomic_exchange_n(&(field), 0, __ATOMIC_SEQ_CST)

static void take_rows(const struct bpf_counter *counter, int table, bool clear)
{
	struct bpf_row *row = counter->object.rows + (size_t)table * counter->object.table_rows;

	for (size_t i = 0; i < counter->object.table_rows; i++, row++) {
		const uint32_t key = __atomic_load_n(&row->key, __ATOMIC_ACQUIRE);
		uint32_t packets;
		uint64_t octets;

		if (key == 0 || key == BPF_KEY_TAKEN)
			continue;
		packets = TAKE(row->packets);
		octets = TAKE(row->octets);
		if (packets > 0 || octets > 0)
			tell_row(counter, row, packets, octets);
		if (clear) {
			row->peer[0] = row->peer[1] = 0;
			__atomic_store_n(&row->key, 0, __ATOMIC_RELEASE);
		}
	}
}

static void take_vif_counts(const struct bpf_counter *counter, int table, bool clear)
{
	struct bpf_vif_counts *counts = counter->object.vif_counts + (size_t)table * BPF_VIFS_MAX;

	for (uint32_t i = 0; i < counter->nvifs; i++, counts++) {
		const uint64_t multicast = TAKE(counts->multicast_packets),
			       multicast_octets = TAKE(counts->multicast_octets),
			       other = TAKE(counts->other_packets),
			       other_octets = TAKE(counts->other_octets),
			       nonip = TAKE(counts->nonip_packets);

		if (i != 0)
			tell(counter, COUNTED_MULTICAST, i, multicast, multicast_octets);
		tell(counter, i != 0 ? COUNTED_OTHER : COUNTED_UNMATCHED, i, other, other_octets);
		tell(counter, i != 0 ? COUNTED_NONIP : COUNTED_MALFORMED, i, nonip, 0);
		if (clear)
			counts->pairs = 0;
	}
}

/* Takes out what the present table holds; clear: nobody fills it any more. */
static void take_table(struct bpf_counter *counter, bool clear)
{
	take_rows(counter, counter->table, clear);
	take_vif_counts(counter, counter->table, clear);
	counter->taken_ns = counter->monotonic_ns;
	if (clear)
		counter->clears++;
}

/* The programs filled the present table beyond its own period, and go on until the boundary is set
 * anew. */
static void recover(struct bpf_counter *counter)
{
	counter->options.merged(counter->options.context, counter->end_s, counter->wall_ns);
	take_table(counter, false);
	begin_period(counter, counter->wall_ns);
}

/* The present table's period has ended: the other one is the present one, and this one is emptied.
 * late: that one's period has ended too. */
static void turn_over(struct bpf_counter *counter, bool late)
{
	take_table(counter, true);
	memset(counter->object.seen, 0, BPF_SEEN_BYTES);
	counter->table ^= 1;
	counter->end_s += counter->options.length_s;
	if (late)
		recover(counter);
	else
		set_boundary(counter);
}

/* Both tables, the second being that of the next period, which may have begun; or nothing is
 * counted any more. */
static void take_rest(struct bpf_counter *counter)
{
	take_table(counter, false);
	counter->table ^= 1;
	counter->end_s += counter->options.length_s;
	take_table(counter, false);
	counter->table ^= 1;
	counter->end_s -= counter->options.length_s;
}

void bpf_counter_collect(struct bpf_counter *counter, bool all)
{
	const int64_t length_ns = counter->options.length_s * CLOCK_SECOND_NS;
	const bool stopped = counter->object.settings->boundary == 0;

	if (!stopped && counter->monotonic_ns >= boundary_ns(counter) + BPF_COUNTER_MARGIN_NS)
		turn_over(counter, counter->monotonic_ns >= boundary_ns(counter) + length_ns);
	if (stopped || all)
		take_rest(counter);
	else if (counter->monotonic_ns - counter->taken_ns > TAKE_OUT_NS)
		take_table(counter, false);
}

void bpf_counter_tick(struct bpf_counter *counter, int64_t wall_ns, int64_t monotonic_ns)
{
	const int64_t offset_ns = wall_ns - monotonic_ns, moved_ns = offset_ns - counter->offset_ns;

	counter->monotonic_ns = monotonic_ns;
	counter->wall_ns = monotonic_ns + counter->offset_ns;
	if (moved_ns > -DRIFT_NS && moved_ns < DRIFT_NS)
		return;
	if (moved_ns > -STEP_NS && moved_ns < STEP_NS) {
		counter->offset_ns = offset_ns;
	} else {
		bpf_counter_collect(counter, true);
		counter->offset_ns = offset_ns;
		counter->end_s = clock_period_end(wall_ns, counter->options.length_s);
	}
	counter->wall_ns = wall_ns;
	if (counter->object.settings->boundary != 0)
		set_boundary(counter);
}

void bpf_counter_stop(struct bpf_counter *counter)
{
	bpf_counter_collect(counter, false);
	__atomic_store_n(&counter->object.settings->boundary, 0, __ATOMIC_SEQ_CST);
}

/* ---- learning ---- */

static void hand_over(void *context, const struct bpf_learnt *record)
{
	const struct bpf_counter *counter = context;

	counter->options.learnt(counter->options.context, record->ifindex, record->bytes,
	    record->captured, record->length);
}

void bpf_counter_learn(struct bpf_counter *counter)
{
	struct bpf_vif_counts *counts = counter->object.vif_counts;

	bpf_object_read_ring(&counter->object, hand_over, counter);
	for (uint32_t i = 1; i < counter->nvifs; i++)
		__atomic_store_n(&counts[i].told, 0, __ATOMIC_RELAXED);
}
