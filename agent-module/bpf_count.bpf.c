/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two programs that the bpf back end attaches to the host's end of a virtual NIC. grappe_count
 * sees every frame that the host delivers to the guest and counts it (S-3, S-4); grappe_learn sees
 * what the guest sends: it counts what goes to named endpoints (S-5) and hands over frames that
 * tell addresses. Neither changes a frame or its way.
 *
 * "make regenerate-bpf" compiles this with clang into bpf_code.h, which is what gets built in; a
 * test compares the two. Needs Linux 5.12 or later (atomic operations that return the old value).
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent-module/bpf_layout.h"

#define SECTION(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
#define NEXT (-1) /* to the next program or filter: TCX_NEXT, TC_ACT_UNSPEC */
#define VOLATILE(type, x) (*(volatile type *)&(x))
#define SWAP16(x) __builtin_bswap16(x)
#define ADD(counter, value) __sync_fetch_and_add(&(counter), (value))

#define ETHERNET_HEADER 14
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IPV6 0x86dd
#define VLAN_TAG 4
#define VLAN_TAGS_MAX 4
#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define EXTENSION_HEADERS_MAX 8
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_ICMPV6 58
#define ND_SOLICITATION 135
#define ND_ADVERTISEMENT 136

/* The maps: their addresses are put in when the programs are loaded (bpf_counter.c). */
extern char settings, rows, vif_counts, stations, endpoints, seen, learnt;

/* Helper functions of the kernel by their numbers (bpf-helpers(7)). */
static void *(*map_lookup)(const void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static uint64_t (*ktime_ns)(void) = (void *)BPF_FUNC_ktime_get_ns;
static uint32_t (*random)(void) = (void *)BPF_FUNC_get_prandom_u32;
static long (*load_bytes)(
    const void *skb, uint32_t offset, void *to, uint32_t length) = (void *)BPF_FUNC_skb_load_bytes;
static void *(*ring_reserve)(
    void *ring, uint64_t size, uint64_t flags) = (void *)BPF_FUNC_ringbuf_reserve;
static void (*ring_submit)(void *record, uint64_t flags) = (void *)BPF_FUNC_ringbuf_submit;
static void (*ring_discard)(void *record, uint64_t flags) = (void *)BPF_FUNC_ringbuf_discard;

enum kind { MALFORMED, NONIP, IP };

struct ethernet {
	uint8_t destination[6], source[6];
	uint16_t type;
	uint16_t ip_first; /* what follows, when there is no VLAN tag */
	uint32_t ip_rest[4];
};

/* What is known of a frame. */
struct frame {
	enum kind kind;
	bool group;      /* sent to many */
	uint32_t link;   /* bytes of the Ethernet header with its tags */
	uint32_t length; /* IP-level bytes; of others all behind the Ethernet header */
	uint32_t header; /* bytes of the IP header */
	uint32_t family; /* 0 or BPF_KEY_IPV6 */
	uint32_t protocol;
	uint16_t type; /* EtherType */
	uint64_t source[2], destination[2];
};

/* One packet or several: a frame on its way to segmentation stands for many on the wire. */
struct wire {
	uint64_t packets, octets;
};

INLINE struct bpf_settings *find_settings(void)
{
	uint32_t zero = 0;

	return map_lookup(&settings, &zero);
}

/* The table for a packet that is handled now, or -1. */
INLINE int present_table(const struct bpf_settings *set)
{
	const uint64_t boundary = VOLATILE(const uint64_t, set->boundary);

	if (boundary == 0)
		return -1;
	return (int)((boundary & 1) ^ (ktime_ns() >= (boundary | 1)));
}

INLINE bool is_vlan(uint16_t type)
{
	return type == SWAP16(0x8100) || type == SWAP16(0x88a8) || type == SWAP16(0x9100);
}

INLINE void read_ipv4(struct __sk_buff *skb, const uint8_t *ip, struct frame *frame)
{
	const uint32_t room = skb->len - frame->link;
	uint32_t total = (uint32_t)ip[2] << 8 | ip[3];
	uint32_t source, destination;

	__builtin_memcpy(&source, ip + 12, 4);
	__builtin_memcpy(&destination, ip + 16, 4);
	frame->header = (ip[0] & 0x0fu) * 4;
	if (total == 0)
		total = room;
	if (ip[0] >> 4 != 4 || frame->header < IPV4_HEADER || total < frame->header || total > room)
		return;
	frame->kind = IP;
	frame->length = total;
	frame->protocol = ip[9];
	frame->source[1] = source;
	frame->destination[1] = destination;
	frame->group = frame->group || (ip[16] & 0xf0) == 0xe0 || destination == 0xffffffff;
}

INLINE void read_ipv6(struct __sk_buff *skb, struct frame *frame)
{
	uint32_t room = skb->len - frame->link, payload;
	uint8_t ip[IPV6_HEADER];

	if (load_bytes(skb, frame->link, ip, sizeof ip) != 0)
		return;
	room -= IPV6_HEADER;
	payload = (uint32_t)ip[4] << 8 | ip[5];
	if (payload == 0)
		payload = room;
	if (ip[0] >> 4 != 6 || payload > room)
		return;
	frame->kind = IP;
	frame->length = payload + IPV6_HEADER;
	frame->header = IPV6_HEADER;
	frame->family = BPF_KEY_IPV6;
	frame->protocol = ip[6];
	__builtin_memcpy(frame->source, ip + 8, 16);
	__builtin_memcpy(frame->destination, ip + 24, 16);
	frame->group = frame->group || ip[24] == 0xff;
}

/* Fills frame and the MACs of ethernet. */
INLINE void read_frame(struct __sk_buff *skb, struct ethernet *ethernet, struct frame *frame)
{
	uint8_t ip[IPV4_HEADER];
	bool whole = load_bytes(skb, 0, ethernet, ETHERNET_HEADER + IPV4_HEADER) == 0;

	*frame = (struct frame){.kind = MALFORMED, .link = ETHERNET_HEADER};
	if (!whole && load_bytes(skb, 0, ethernet, ETHERNET_HEADER) != 0)
		return;
	frame->type = ethernet->type;
	frame->group = (ethernet->destination[0] & 1) != 0;
	for (int i = 0; i < VLAN_TAGS_MAX && is_vlan(frame->type); i++) {
		if (load_bytes(skb, frame->link + 2, &frame->type, 2) != 0)
			return;
		frame->link += VLAN_TAG;
	}
	if (frame->type == SWAP16(ETHERTYPE_IPV6)) {
		read_ipv6(skb, frame);
	} else if (frame->type == SWAP16(ETHERTYPE_IPV4)) {
		if (frame->link != ETHERNET_HEADER)
			whole = load_bytes(skb, frame->link, ip, sizeof ip) == 0;
		else
			__builtin_memcpy(ip, (uint8_t *)ethernet + ETHERNET_HEADER, sizeof ip);
		if (whole)
			read_ipv4(skb, ip, frame);
	} else {
		frame->kind = NONIP;
		frame->length = skb->len - frame->link;
	}
}

/* Moves frame->header and frame->protocol behind the extension headers (RFC 8200). */
INLINE void skip_extensions(struct __sk_buff *skb, struct frame *frame)
{
	uint8_t head[2];

	for (int i = 0; i < EXTENSION_HEADERS_MAX; i++) {
		const uint32_t protocol = frame->protocol;
		uint32_t length = 0;

		if (protocol != 0 && protocol != 43 && protocol != 44 && protocol != 51 &&
		    protocol != 60 && protocol != 135 && protocol != 139 && protocol != 140)
			return;
		if (load_bytes(skb, frame->link + frame->header, head, 2) != 0)
			return;
		if (protocol == 44)
			length = 8;
		else if (protocol == 51)
			length = (head[1] + 2u) * 4;
		else
			length = (head[1] + 1u) * 8;
		frame->header += length;
		frame->protocol = head[0];
	}
}

/* Bytes of the transport header, 0 when it cannot be read. */
INLINE uint32_t transport_header(struct __sk_buff *skb, const struct frame *frame)
{
	uint8_t offset;

	if (frame->protocol == PROTOCOL_UDP)
		return 8;
	if (frame->protocol != PROTOCOL_TCP ||
	    load_bytes(skb, frame->link + frame->header + 12, &offset, 1) != 0)
		return 0;
	return (uint32_t)(offset >> 4) * 4;
}

/* The packets that leave the segmentation of this frame (S-8). gso_segs is what the host's own
 * stack wrote; a guest's frame has 0 or 1 there and only gso_size to go by. */
INLINE struct wire wire_of(struct __sk_buff *skb, struct frame *frame)
{
	struct wire wire = {.packets = 1, .octets = frame->length};
	const uint32_t size = skb->gso_size, segments = skb->gso_segs;
	uint32_t headers;

	if (size == 0 || frame->kind != IP)
		return wire;
	if (frame->family != 0)
		skip_extensions(skb, frame);
	headers = frame->header + transport_header(skb, frame);
	if (segments > 1)
		wire.packets = segments;
	else if (frame->length > headers)
		wire.packets = (frame->length - headers + size - 1) / size;
	if (wire.packets == 0)
		wire.packets = 1;
	wire.octets += (wire.packets - 1) * headers;
	return wire;
}

/* Two multiplications by secrets, the second of what the first has spread: with one, flips of the
 * highest bits of one half can be taken back by the other half without knowing any secret. */
INLINE uint64_t hash(const struct bpf_settings *set, uint32_t key, const uint64_t peer[2])
{
	uint64_t h = (peer[1] ^ set->secret[0]) * (set->secret[1] | 1);

	h = (h ^ h >> 32) * (set->secret[0] | 1);
	h = (h ^ h >> 29 ^ peer[0] ^ (uint64_t)key << 32) * (set->secret[1] | 1);
	return h ^ h >> 32;
}

/* NULL with table -1: nothing is to be counted now. */
INLINE struct bpf_vif_counts *find_counts(int table, uint32_t vif)
{
	uint32_t index = (uint32_t)table * BPF_VIFS_MAX + (vif & BPF_KEY_VIF);

	return map_lookup(&vif_counts, &index);
}

/* The row of the pair, newly taken if need be; NULL when it finds no room. */
INLINE struct bpf_row *find_row(const struct bpf_settings *set, int table, uint32_t key,
    const uint64_t peer[2], struct bpf_vif_counts *counts)
{
	const uint32_t mask = set->rows - 1, start = (uint32_t)hash(set, key, peer);
	const bool full = (key & BPF_KEY_SENT) == 0 && counts->pairs >= set->pairs_per_vif;

	/* Steps of 1, 2, 3 …: no crowds build up around full places. */
	for (uint32_t i = 0; i < BPF_PROBES; i++) {
		uint32_t index = (uint32_t)table * set->rows + ((start + i * (i + 1) / 2) & mask);
		struct bpf_row *row = map_lookup(&rows, &index);
		uint32_t found;

		if (row == NULL)
			return NULL;
		found = VOLATILE(uint32_t, row->key);
		if (found == key && row->peer[0] == peer[0] && row->peer[1] == peer[1])
			return row;
		if (found != 0)
			continue;
		if (full)
			return NULL;
		if (__sync_val_compare_and_swap(&row->key, 0, BPF_KEY_TAKEN) != 0)
			continue;
		row->peer[0] = peer[0];
		row->peer[1] = peer[1];
		__atomic_exchange_n(&row->key, key, __ATOMIC_SEQ_CST);
		if ((key & BPF_KEY_SENT) == 0)
			ADD(counts->pairs, 1);
		return row;
	}
	return NULL;
}

INLINE void count_pair(const struct bpf_settings *set, int table, uint32_t key,
    const uint64_t peer[2], const struct wire *wire)
{
	struct bpf_vif_counts *counts = find_counts(table, key);
	struct bpf_row *row;

	if (counts == NULL)
		return;
	row = find_row(set, table, key, peer, counts);
	if (row != NULL) {
		ADD(row->packets, (uint32_t)wire->packets);
		ADD(row->octets, wire->octets);
	} else if ((key & BPF_KEY_SENT) == 0) {
		ADD(counts->other_packets, wire->packets);
		ADD(counts->other_octets, wire->octets);
	}
}

INLINE uint32_t find_vif(struct __sk_buff *skb, const uint8_t mac[6], bool group)
{
	struct bpf_station station = {.ifindex = skb->ifindex};
	const uint32_t *vif;

	if (!group) {
		__builtin_memcpy(station.mac, mac, 6);
		/* All zero is the key of what is sent to all; as a MAC it is nobody's. */
		if ((mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]) == 0)
			return 0;
	}
	vif = map_lookup(&stations, &station);
	return vif != NULL ? *vif : 0;
}

/* What is in no pair. */
INLINE void count_apart(int table, uint32_t vif, const struct frame *frame, const struct wire *wire)
{
	struct bpf_vif_counts *counts = find_counts(table, vif);

	if (counts == NULL)
		return;
	if (vif == 0) {
		ADD(counts->other_packets, wire->packets);
		ADD(counts->other_octets, wire->octets);
	} else if (frame->group) {
		ADD(counts->multicast_packets, wire->packets);
		ADD(counts->multicast_octets, wire->octets);
	} else {
		ADD(counts->nonip_packets, wire->packets);
	}
}

SECTION("count") int grappe_count(struct __sk_buff *skb)
{
	const struct bpf_settings *set = find_settings();
	struct ethernet ethernet;
	struct frame frame;
	struct wire wire;
	uint32_t vif;
	int table;

	if (set == NULL || (table = present_table(set)) < 0)
		return NEXT;
	read_frame(skb, &ethernet, &frame);
	if (frame.kind == MALFORMED) {
		struct bpf_vif_counts *none = find_counts(table, 0);

		if (none != NULL)
			ADD(none->nonip_packets, 1);
		return NEXT;
	}
	vif = find_vif(skb, ethernet.destination, (ethernet.destination[0] & 1) != 0);
	wire = wire_of(skb, &frame);
	if (vif != 0 && frame.kind == IP && !frame.group)
		count_pair(set, table, vif | frame.family, frame.source, &wire);
	else
		count_apart(table, vif, &frame, &wire);
	return NEXT;
}

/* ---- what the guest sends ---- */

/* Where `tag` is to be kept among the addresses that were told; NULL when it is there already, or
 * when its places are taken. Of those one is given up now and then: were it each time, a few
 * addresses too many would make every frame news. */
INLINE uint64_t *find_place(uint64_t tag)
{
	uint32_t first = (uint32_t)(tag >> 1) % (BPF_SEEN_MAX / BPF_SEEN_PLACES) * BPF_SEEN_PLACES;
	uint64_t *free = NULL;
	uint32_t chance;

	for (uint32_t i = 0; i < BPF_SEEN_PLACES; i++) {
		uint32_t index = first + i;
		uint64_t *place = map_lookup(&seen, &index);

		if (place == NULL || *place == tag)
			return NULL;
		if (*place == 0)
			free = place;
	}
	if (free != NULL)
		return free;
	chance = random();
	if (chance % BPF_SEEN_GIVE_UP >= BPF_SEEN_PLACES)
		return NULL;
	first += chance % BPF_SEEN_GIVE_UP;
	return map_lookup(&seen, &first);
}

/* Whether the frame claims an address: ARP, neighbour discovery. */
INLINE bool is_claim(struct __sk_buff *skb, const struct frame *frame)
{
	uint8_t type = 0;

	if (frame->type == SWAP16(ETHERTYPE_ARP))
		return true;
	return frame->kind == IP && frame->family != 0 && frame->protocol == PROTOCOL_ICMPV6 &&
	       load_bytes(skb, frame->link + frame->header, &type, 1) == 0 &&
	       (type == ND_SOLICITATION || type == ND_ADVERTISEMENT);
}

/* Whether the NIC may still tell something: each has its share of the ring, which the program's
 * side renews when it reads. */
INLINE bool may_tell(uint32_t vif)
{
	struct bpf_vif_counts *counts = find_counts(0, vif);

	if (counts == NULL || VOLATILE(uint64_t, counts->told) >= BPF_TOLD_MAX)
		return false;
	ADD(counts->told, 1);
	return true;
}

/* Returns false when there was no room. */
INLINE bool hand_over(struct __sk_buff *skb, const struct bpf_settings *set)
{
	struct bpf_learnt *record = ring_reserve(&learnt, sizeof *record, 0);
	struct bpf_vif_counts *none;
	uint32_t length = skb->len;

	if (record == NULL) {
		none = find_counts(present_table(set), 0);
		if (none != NULL)
			ADD(none->multicast_packets, 1);
		return false;
	}
	record->ifindex = skb->ifindex;
	record->length = length;
	record->reserved = 0;
	if (length > BPF_LEARNT_BYTES)
		length = BPF_LEARNT_BYTES;
	record->captured = length;
	if (length < ETHERNET_HEADER || load_bytes(skb, 0, record->bytes, length) != 0)
		ring_discard(record, BPF_RB_NO_WAKEUP);
	else
		ring_submit(record, BPF_RB_NO_WAKEUP);
	return true;
}

/* Hands over each claim of an address, and each source address of a NIC once until the program's
 * side forgets them. */
INLINE void tell(
    struct __sk_buff *skb, const struct bpf_settings *set, uint32_t vif, const struct frame *frame)
{
	uint64_t *place = NULL, tag = 0;

	if (!is_claim(skb, frame)) {
		if (frame->kind != IP)
			return;
		tag = hash(set, vif | frame->family, frame->source) | 1;
		place = find_place(tag);
		if (place == NULL)
			return;
	}
	if (may_tell(vif) && hand_over(skb, set) && place != NULL)
		*place = tag;
}

INLINE void count_sent(
    struct __sk_buff *skb, const struct bpf_settings *set, uint32_t vif, struct frame *frame)
{
	const struct bpf_endpoint endpoint = {
	    .peer = {frame->destination[0], frame->destination[1]}, .family = frame->family};
	struct wire wire;
	int table;

	if (map_lookup(&endpoints, &endpoint) == NULL || (table = present_table(set)) < 0)
		return;
	wire = wire_of(skb, frame);
	count_pair(set, table, vif | frame->family | BPF_KEY_SENT, frame->destination, &wire);
}

SECTION("learn") int grappe_learn(struct __sk_buff *skb)
{
	const struct bpf_settings *set = find_settings();
	struct ethernet ethernet;
	struct frame frame;
	uint32_t vif;

	/* The clock is read only when there is something to count. */
	if (set == NULL || VOLATILE(const uint64_t, set->boundary) == 0)
		return NEXT;
	read_frame(skb, &ethernet, &frame);
	if (frame.kind == MALFORMED)
		return NEXT;
	vif = find_vif(skb, ethernet.source, false);
	if (vif == 0)
		return NEXT;
	tell(skb, set, vif, &frame);
	if (frame.kind == IP && !frame.group && set->endpoints != 0)
		count_sent(skb, set, vif, &frame);
	return NEXT;
}
