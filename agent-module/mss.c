/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/mss.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* Smallest segment size a sender obeys, whatever the other side announces (as Linux'
 * tcp_min_snd_mss). */
#define MSS_LEAST 48
/* What a side may send when the other's SYN carried no MSS option (RFC 9293, 3.7.1). */
#define MSS_ABSENT_IPV4 536
#define MSS_ABSENT_IPV6 1220
#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define TCP_HEADER 20
/* A cut (see struct side) shorter than this says nothing: too many sizes are multiples of it. */
#define CUT_LEAST 256
#define CUT_TRUSTED 3
#define CUT_DISTRUSTED -2
#define NONE UINT32_MAX

/* Both ends of a connection in an order that does not depend on the direction of the frame. */
struct mss_key {
	struct address low, high;
	uint16_t low_port, high_port;
	uint32_t scope;
};

/* What one end of a connection showed. */
struct side {
	uint16_t mss; /* announced; 0 = its SYN was not seen */
	/*
	 * Payload and options of a segment that ended in the middle of a stream: without PSH, but
	 * shorter than the MSS allows. Its sender has found a smaller path MTU. 0 = none was seen.
	 */
	uint16_t cut;
	int8_t
	    trust; /* how many super-frames were multiples of the cut, less those that were not */
};

struct connection {
	struct mss_key key;
	struct side low, high;
	uint32_t next;         /* in the bucket */
	uint32_t newer, older; /* in order of use */
};

struct mss_table {
	struct connection *connections; /* owned */
	uint32_t *buckets;              /* owned; index of the first connection or NONE */
	uint32_t limit, used, bucket_mask;
	uint32_t newest, oldest;
	uint64_t key; /* of the hash: guests choose addresses and ports */
};

struct mss_table *mss_new(uint32_t connections)
{
	struct mss_table *table = calloc(1, sizeof *table);
	uint32_t buckets = 1;

	if (table == NULL)
		return NULL;
	while (buckets < connections)
		buckets *= 2;
	table->connections = calloc(connections, sizeof *table->connections);
	table->buckets = malloc(buckets * sizeof *table->buckets);
	if (table->connections == NULL || table->buckets == NULL) {
		mss_free(table);
		return NULL;
	}
	memset(table->buckets, 0xff, buckets * sizeof *table->buckets);
	table->limit = connections;
	table->key = address_hash_key();
	table->bucket_mask = buckets - 1;
	table->newest = table->oldest = NONE;
	return table;
}

void mss_free(struct mss_table *table)
{
	if (table == NULL)
		return;
	free(table->connections);
	free(table->buckets);
	free(table);
}

/* Fills *key (zeroed first: it is compared as bytes); returns true when the frame's source is
 * `low`. */
static bool make_key(const struct frame *frame, uint32_t scope, struct mss_key *key)
{
	int order = address_compare(&frame->ip_source, &frame->ip_destination);

	if (order == 0)
		order = (int)frame->source_port - (int)frame->destination_port;
	memset(key, 0, sizeof *key);
	key->low = order <= 0 ? frame->ip_source : frame->ip_destination;
	key->high = order <= 0 ? frame->ip_destination : frame->ip_source;
	key->low_port = order <= 0 ? frame->source_port : frame->destination_port;
	key->high_port = order <= 0 ? frame->destination_port : frame->source_port;
	key->scope = scope;
	return order <= 0;
}

static uint32_t bucket_of(const struct mss_table *table, const struct mss_key *key)
{
	uint64_t hash = address_hash_keyed(&key->low, table->key);

	hash =
	    (hash ^ ((uint64_t)key->low_port << 48 | (uint64_t)key->high_port << 32 | key->scope)) *
	    UINT64_C(0x9e3779b97f4a7c15);
	hash ^= address_hash_keyed(&key->high, table->key) + (hash >> 31);
	hash *= UINT64_C(0xbf58476d1ce4e5b9);
	return (uint32_t)(hash >> 33) & table->bucket_mask;
}

static void use_unlink(struct mss_table *table, uint32_t index)
{
	const struct connection *c = &table->connections[index];

	if (c->newer != NONE)
		table->connections[c->newer].older = c->older;
	else
		table->newest = c->older;
	if (c->older != NONE)
		table->connections[c->older].newer = c->newer;
	else
		table->oldest = c->newer;
}

static void use_first(struct mss_table *table, uint32_t index)
{
	struct connection *c = &table->connections[index];

	c->newer = NONE;
	c->older = table->newest;
	if (table->newest != NONE)
		table->connections[table->newest].newer = index;
	else
		table->oldest = index;
	table->newest = index;
}

static struct connection *find(struct mss_table *table, const struct mss_key *key)
{
	uint32_t index = table->buckets[bucket_of(table, key)];

	while (index != NONE && memcmp(&table->connections[index].key, key, sizeof *key) != 0)
		index = table->connections[index].next;
	if (index == NONE)
		return NULL;
	if (index != table->newest) {
		use_unlink(table, index);
		use_first(table, index);
	}
	return &table->connections[index];
}

/* A free slot, or that of the connection not used for longest. */
static uint32_t take_slot(struct mss_table *table)
{
	uint32_t index, *link;

	if (table->used < table->limit)
		return table->used++;
	index = table->oldest;
	link = &table->buckets[bucket_of(table, &table->connections[index].key)];
	while (*link != index)
		link = &table->connections[*link].next;
	*link = table->connections[index].next;
	use_unlink(table, index);
	return index;
}

static struct connection *add(struct mss_table *table, const struct mss_key *key)
{
	const uint32_t index = take_slot(table);
	uint32_t *bucket = &table->buckets[bucket_of(table, key)];
	struct connection *c = &table->connections[index];

	*c = (struct connection){.next = *bucket};
	memcpy(&c->key, key, sizeof *key);
	*bucket = index;
	use_first(table, index);
	return c;
}

static void learn(struct mss_table *table, uint32_t scope, const struct frame *frame)
{
	const uint16_t absent =
	    frame->ip_source.type == ADDRESS_IPV4 ? MSS_ABSENT_IPV4 : MSS_ABSENT_IPV6;
	const uint16_t announced = frame->has_mss ? frame->mss : absent;
	const uint16_t mss = announced > MSS_LEAST ? announced : MSS_LEAST;
	struct mss_key key;
	const bool from_low = make_key(frame, scope, &key);
	struct connection *c = find(table, &key);

	if (c == NULL)
		c = add(table, &key);
	if (from_low)
		c->low = (struct side){.mss = mss};
	else
		c->high = (struct side){.mss = mss};
	/* A SYN without ACK opens a new connection: what its other side said before is void. */
	if ((frame->tcp_flags & TCP_FLAG_ACK) == 0) {
		if (from_low)
			c->high = (struct side){0};
		else
			c->low = (struct side){0};
	}
}

static struct wire_count split(const struct frame *frame, uint32_t segment, bool estimated)
{
	const uint32_t headers = frame->network_length - frame->payload;
	struct wire_count count = {.packets = 1, .octets = frame->network_length};

	if (segment == 0)
		segment = 1;
	if (frame->payload <= segment)
		return count;
	count.packets = (frame->payload + (uint64_t)segment - 1) / segment;
	count.octets = frame->payload + count.packets * headers;
	count.estimated = estimated;
	return count;
}

/* Remembers a segment that is shorter than it might be although the stream goes on. */
static void note_cut(
    struct side *sender, const struct frame *frame, uint32_t options, uint32_t segment)
{
	const uint8_t ends = TCP_FLAG_PSH | TCP_FLAG_FIN | TCP_FLAG_SYN;
	const uint16_t cut = (uint16_t)(frame->payload + options);

	if (frame->payload == segment)
		sender->cut = 0;
	if (frame->payload == segment || frame->payload < CUT_LEAST ||
	    (frame->tcp_flags & ends) != 0 || cut == sender->cut)
		return;
	sender->cut = cut;
	sender->trust = 0;
}

/*
 * Whether a super-frame is made of segments as short as the cut. One such segment may have other
 * reasons, such as a full window: then the next super-frames with a rest are no multiples of it.
 */
static bool is_cut(struct side *sender, uint32_t payload, uint32_t options, uint32_t segment)
{
	if (sender->cut <= options || payload % segment == 0)
		return false;
	if (payload % (sender->cut - options) == 0) {
		sender->trust += sender->trust < CUT_TRUSTED;
		return sender->trust == CUT_TRUSTED;
	}
	if (--sender->trust < CUT_DISTRUSTED)
		sender->cut = 0;
	return false;
}

/* Smaller of the two MSS; when only one SYN was seen that one and *certain false. */
static uint32_t connection_mss(const struct connection *c, bool *certain)
{
	*certain = c->low.mss != 0 && c->high.mss != 0;
	if (!*certain)
		return c->low.mss != 0 ? c->low.mss : c->high.mss;
	return c->low.mss < c->high.mss ? c->low.mss : c->high.mss;
}

/* A frame of which segments of this size are known to be the largest. */
static struct wire_count count_segments(struct side *sender, const struct frame *frame,
    uint32_t options, uint32_t segment, bool certain)
{
	if (frame->payload <= segment)
		note_cut(sender, frame, options, segment);
	else if (is_cut(sender, frame->payload, options, segment))
		return split(frame, sender->cut - options, true);
	return split(frame, segment, !certain);
}

static struct wire_count count_tcp(
    struct mss_table *table, uint32_t scope, const struct frame *frame, uint32_t mtu)
{
	const uint32_t headers = frame->network_length - frame->payload;
	const uint32_t options =
	    frame->transport_header - TCP_HEADER +
	    (frame->network_header -
		(frame->ip_source.type == ADDRESS_IPV4 ? IPV4_HEADER : IPV6_HEADER));
	struct connection *c;
	struct mss_key key;
	bool certain, from_low;
	uint32_t mss;

	/* Pure acknowledgements and the like need no look-up. */
	if (frame->payload + options <= MSS_LEAST)
		return split(frame, frame->payload, false);
	from_low = make_key(frame, scope, &key);
	c = find(table, &key);
	mss = c != NULL ? connection_mss(c, &certain) : 0;
	if (mss > options)
		return count_segments(
		    from_low ? &c->low : &c->high, frame, options, mss - options, certain);
	if (frame->network_length <= mtu)
		return split(frame, frame->payload, false);
	return split(frame, mtu > headers ? mtu - headers : 1, true);
}

struct wire_count mss_count(
    struct mss_table *table, uint32_t scope, const struct frame *frame, uint32_t mtu)
{
	const uint32_t headers = frame->network_length - frame->payload;

	if (frame->has_transport && frame->protocol == IPPROTO_TCP) {
		if ((frame->tcp_flags & TCP_FLAG_SYN) != 0)
			learn(table, scope, frame);
		return count_tcp(table, scope, frame, mtu);
	}
	/* Datagrams on their way to UDP segmentation offload; each gets its own headers. */
	if (frame->has_transport && frame->network_length > mtu && mtu > headers)
		return split(frame, mtu - headers, true);
	return (struct wire_count){.packets = 1, .octets = frame->network_length};
}
