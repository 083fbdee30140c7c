/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many agents in one process, for benches of pollers: each has an address of its own in 127/8 and
 * answers SNMPv2c GET, GETNEXT and GETBULK for a part of GRAPPE-MIB: scalars, the description and
 * the blocks of its newest periods, and the packets and octets of the pair table. What it serves
 * was made by the product's own period codec; each boundary of a period brings a new one.
 *
 *     responder [--silent N] AGENTS ROWS LENGTH PORT
 *
 * Agent i (from 0) listens on 127.(1 + i / 62500).(i / 250 % 250).(1 + i % 250):PORT and has ROWS
 * pairs; of every ten agents the first N are silent: they take what comes and answer nothing.
 * Periods are LENGTH seconds long. "READY" on standard error, then nothing. All agents have the
 * same numbers; that is as good for what is measured, and saves memory.
 */
#include "common/clock.h"
#include "common/error.h"
#include "common/mib.h"
#include "common/period.h"
#include "tests/fakes/make_period.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define AGENTS_MAX 20000
#define KEPT 4 /* periods */
#define MESSAGE_MAX 65507
#define EVENTS_MAX 64

struct settings {
	unsigned agents, rows, silent, port;
	uint32_t length_s;
};

/* ---- objects ---- */

#define NAME_MAX_IDS 24
#define NAME_MAX_BYTES 64
#define VALUE_MAX (MIB_BLOCK_BYTES + 8)

/* SNMP's types, with their BER tags. */
enum { NUMBER = 0x42, COUNTER64 = 0x46, OCTETS = 0x04, NO_INSTANCE = 0x81, END_OF_VIEW = 0x82 };

/* A name and its value as they go into an answer. */
struct object {
	uint32_t ids[NAME_MAX_IDS];
	uint32_t count;
	uint8_t name[NAME_MAX_BYTES]; /* BER, with its tag */
	size_t name_length;
	uint8_t *value; /* BER, with its tag; owned */
	size_t value_length;
};

static struct object *objects;
static size_t nobjects, capacity;

static size_t put_length(uint8_t *out, size_t length)
{
	if (length < 128) {
		out[0] = (uint8_t)length;
		return 1;
	}
	out[0] = 0x82;
	out[1] = (uint8_t)(length >> 8);
	out[2] = (uint8_t)length;
	return 3;
}

static size_t put_id(uint8_t *out, uint32_t id)
{
	size_t n = 0;

	for (int shift = 28; shift > 0; shift -= 7)
		if (id >> shift != 0)
			out[n++] = (uint8_t)(0x80 | (id >> shift & 0x7f));
	out[n++] = (uint8_t)(id & 0x7f);
	return n;
}

static size_t put_name(uint8_t *out, const uint32_t *ids, uint32_t count)
{
	uint8_t body[5 * NAME_MAX_IDS];
	size_t used = 1, length;

	body[0] = (uint8_t)(ids[0] * 40 + ids[1]);
	for (uint32_t i = 2; i < count; i++)
		used += put_id(&body[used], ids[i]);
	out[0] = 0x06;
	length = put_length(&out[1], used);
	memcpy(&out[1 + length], body, used);
	return 1 + length + used;
}

static size_t put_number(uint8_t *out, uint8_t tag, uint64_t value)
{
	size_t bytes = 1;

	/* A leading zero where the first bit would be a sign. */
	while (bytes < 9 && (bytes == 8 ? value >> 63 : value >> (8 * bytes - 1)) != 0)
		bytes++;
	out[0] = tag;
	out[1] = (uint8_t)bytes;
	for (size_t i = 0; i < bytes; i++)
		out[2 + i] = bytes - 1 - i >= 8 ? 0 : (uint8_t)(value >> 8 * (bytes - 1 - i));
	return 2 + bytes;
}

/* A new object; its value is to be put into ->value, which has room for VALUE_MAX bytes. */
static struct object *new_object(
    const uint32_t *root, size_t nroot, const uint32_t *tail, size_t ntail)
{
	struct object *object;

	if (nobjects == capacity) {
		capacity = capacity ? 2 * capacity : 1024;
		objects = reallocarray(objects, capacity, sizeof *objects);
	}
	if (objects == NULL || nroot + ntail > NAME_MAX_IDS)
		abort();
	object = &objects[nobjects++];
	memcpy(object->ids, root, nroot * sizeof *root);
	memcpy(&object->ids[nroot], tail, ntail * sizeof *tail);
	object->count = (uint32_t)(nroot + ntail);
	object->name_length = put_name(object->name, object->ids, object->count);
	object->value = malloc(VALUE_MAX);
	if (object->value == NULL)
		abort();
	return object;
}

#define ROOT(...) ((const uint32_t[]){__VA_ARGS__}), sizeof((const uint32_t[]){__VA_ARGS__}) / 4

static void add_number(const uint32_t *root, size_t nroot, const uint32_t *tail, size_t ntail,
    uint8_t tag, uint64_t value)
{
	struct object *object = new_object(root, nroot, tail, ntail);

	object->value_length = put_number(object->value, tag, value);
}

static void add_block(int64_t end_s, uint32_t chunk, const uint8_t *bytes, size_t length)
{
	struct object *object =
	    new_object(ROOT(MIB_PERIOD_BLOCK), ROOT(MIB_BLOCK_DATA, (uint32_t)end_s, chunk));
	size_t used;

	object->value[0] = OCTETS;
	used = 1 + put_length(&object->value[1], length);
	memcpy(&object->value[used], bytes, length);
	object->value_length = used + length;
}

static int compare_ids(const uint32_t *a, uint32_t acount, const uint32_t *b, uint32_t bcount)
{
	for (uint32_t i = 0; i < acount && i < bcount; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return acount == bcount ? 0 : acount < bcount ? -1 : 1;
}

static int compare_objects(const void *a, const void *b)
{
	const struct object *left = a, *right = b;

	return compare_ids(left->ids, left->count, right->ids, right->count);
}

/* The first object that is not before that name. */
static size_t find_object(const uint32_t *ids, uint32_t count)
{
	size_t low = 0, high = nobjects;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (compare_ids(objects[middle].ids, objects[middle].count, ids, count) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- periods ---- */

#define PEERS 25 /* of a VM */

static struct {
	int64_t end_s;
	struct buffer encoding;
} kept[KEPT];

static struct period *make_traffic(const struct settings *settings, int64_t end_s)
{
	struct period *period = make_period(end_s);
	uint32_t vif = 0;

	period->header.length_s = settings->length_s;
	period->header.flags = PERIOD_TEST_LENGTH;
	for (unsigned row = 0; row < settings->rows; row++) {
		const uint64_t packets = 1 + ((uint64_t)end_s * 31 + row * 7919u) % 100000;

		if (row % PEERS == 0) {
			vif = make_vm(period, row / PEERS + 1);
			period->vifs[vif].covered_ms = settings->length_s * 1000;
		}
		make_received(period, vif, 1000 + row, packets, packets * 900);
	}
	return make_sorted(period);
}

static void add_period(
    const struct settings *settings, int64_t end_s, const struct buffer *encoding)
{
	const struct {
		uint32_t column;
		uint64_t value;
	} info[] = {{MIB_INFO_LENGTH, settings->length_s}, {MIB_INFO_ROWS, settings->rows},
	    {MIB_INFO_CHUNKS, (encoding->length + MIB_BLOCK_BYTES - 1) / MIB_BLOCK_BYTES},
	    {MIB_INFO_BYTES, encoding->length},
	    {MIB_INFO_CRC, period_checksum(encoding->bytes, encoding->length)}};

	for (size_t i = 0; i < sizeof info / sizeof *info; i++)
		add_number(ROOT(MIB_PERIOD_INFO), ROOT(info[i].column, (uint32_t)end_s), NUMBER,
		    info[i].value);
	for (size_t from = 0; from < encoding->length; from += MIB_BLOCK_BYTES) {
		const size_t left = encoding->length - from;

		add_block(end_s, (uint32_t)(from / MIB_BLOCK_BYTES) + 1, &encoding->bytes[from],
		    left < MIB_BLOCK_BYTES ? left : MIB_BLOCK_BYTES);
	}
}

static void add_pairs(const struct period *period)
{
	for (size_t i = 0; i < period->nrows; i++) {
		const struct period_row *row = &period->rows[i];
		const uint8_t *a = row->peer.bytes;
		const uint32_t index[] = {row->vif + 1, 1, 4, a[0], a[1], a[2], a[3]};

		add_number(ROOT(MIB_PAIR, MIB_PAIR_PACKETS), index, 7, COUNTER64, row->packets);
		add_number(ROOT(MIB_PAIR, MIB_PAIR_OCTETS), index, 7, COUNTER64, row->octets);
	}
}

/* The objects as they are after the period that ended then. */
static void make_objects(const struct settings *settings, int64_t end_s)
{
	struct period *period = make_traffic(settings, end_s);
	const size_t place = (size_t)(end_s / settings->length_s % KEPT);

	kept[place].end_s = end_s;
	buffer_deinit(&kept[place].encoding);
	buffer_init(&kept[place].encoding);
	if (period_encode(period, &kept[place].encoding) != GRAPPE_OK)
		abort();
	for (size_t i = 0; i < nobjects; i++)
		free(objects[i].value);
	nobjects = 0;
	add_number(ROOT(MIB_AGENT), ROOT(MIB_AGENT_PERIOD_LENGTH, 0), NUMBER, settings->length_s);
	add_number(ROOT(MIB_AGENT), ROOT(MIB_AGENT_LAST_END, 0), NUMBER, (uint64_t)end_s);
	add_number(ROOT(MIB_AGENT), ROOT(MIB_AGENT_PAIR_ROWS, 0), NUMBER, settings->rows);
	for (size_t i = 0; i < KEPT; i++)
		if (kept[i].end_s > 0)
			add_period(settings, kept[i].end_s, &kept[i].encoding);
	add_pairs(period);
	qsort(objects, nobjects, sizeof *objects, compare_objects);
	period_free(period);
}

/* ---- questions ---- */

/* What of a question is needed for its answer. */
struct question {
	const uint8_t *community;
	size_t community_length;
	uint8_t kind;               /* BER tag of the PDU */
	uint32_t id, second, third; /* of GETBULK: non-repeaters, repetitions */
	struct reader names;
};

/* Opens an element with that tag; its content in *inner. */
static bool open_element(struct reader *from, uint8_t tag, struct reader *inner)
{
	size_t length;

	if (reader_u8(from) != tag)
		return false;
	length = reader_u8(from);
	if (length == 0x81)
		length = reader_u8(from);
	else if (length == 0x82)
		length = reader_u16(from);
	else if (length >= 0x80)
		return false;
	if (from->error != GRAPPE_OK || length > reader_left(from))
		return false;
	reader_init(inner, from->bytes + from->position, length);
	reader_skip(from, length);
	return true;
}

static bool take_number(struct reader *from, uint32_t *value)
{
	struct reader inner;

	*value = 0;
	if (!open_element(from, 0x02, &inner))
		return false;
	while (reader_left(&inner) > 0)
		*value = *value << 8 | reader_u8(&inner);
	return true;
}

static bool parse_question(const uint8_t *bytes, size_t length, struct question *question)
{
	struct reader whole, message, community, pdu;
	uint32_t version;

	reader_init(&whole, bytes, length);
	if (!open_element(&whole, 0x30, &message) || !take_number(&message, &version) ||
	    version != 1 || !open_element(&message, OCTETS, &community) ||
	    reader_left(&message) == 0)
		return false;
	question->community = community.bytes;
	question->community_length = reader_left(&community);
	question->kind = message.bytes[message.position];
	return open_element(&message, question->kind, &pdu) && take_number(&pdu, &question->id) &&
	       take_number(&pdu, &question->second) && take_number(&pdu, &question->third) &&
	       open_element(&pdu, 0x30, &question->names);
}

/* The next name that is asked for; false: no more, or nonsense. */
static bool next_name(struct reader *names, struct object *asked)
{
	struct reader variable, name;

	if (reader_left(names) == 0 || !open_element(names, 0x30, &variable) ||
	    !open_element(&variable, 0x06, &name) || reader_left(&name) == 0 ||
	    reader_left(&name) > sizeof asked->name - 3)
		return false;
	asked->ids[0] = 1;
	asked->ids[1] = reader_u8(&name) - 40u;
	asked->count = 2;
	while (reader_left(&name) > 0 && asked->count < NAME_MAX_IDS) {
		uint32_t id = 0;
		uint8_t byte;

		do {
			byte = reader_u8(&name);
			id = id << 7 | (byte & 0x7f);
		} while (byte & 0x80);
		asked->ids[asked->count++] = id;
	}
	asked->name_length = put_name(asked->name, asked->ids, asked->count);
	return true;
}

/* ---- answers ---- */

struct answer {
	uint8_t bytes[MESSAGE_MAX];
	size_t length;
};

/* Opens an element whose length is not known yet: three bytes are kept for it. */
static size_t begin_element(struct answer *answer, uint8_t tag)
{
	answer->bytes[answer->length] = tag;
	answer->length += 4;
	return answer->length;
}

static void end_element(struct answer *answer, size_t start)
{
	const size_t length = answer->length - start;

	answer->bytes[start - 3] = 0x82;
	answer->bytes[start - 2] = (uint8_t)(length >> 8);
	answer->bytes[start - 1] = (uint8_t)length;
}

static void put_bytes(struct answer *answer, const void *bytes, size_t length)
{
	memcpy(&answer->bytes[answer->length], bytes, length);
	answer->length += length;
}

/* False: no room. */
static bool put_variable(
    struct answer *answer, const struct object *name, const uint8_t *value, size_t value_length)
{
	size_t start;

	if (answer->length + name->name_length + value_length + 16 > MESSAGE_MAX)
		return false;
	start = begin_element(answer, 0x30);
	put_bytes(answer, name->name, name->name_length);
	put_bytes(answer, value, value_length);
	end_element(answer, start);
	return true;
}

/* The variable after (or, exact, at) that name; *asked becomes its name. */
static bool answer_one(struct answer *answer, struct object *asked, bool exact)
{
	static const uint8_t none[] = {NO_INSTANCE, 0}, end[] = {END_OF_VIEW, 0};
	size_t at = find_object(asked->ids, asked->count);
	const bool here = at < nobjects && compare_ids(objects[at].ids, objects[at].count,
					       asked->ids, asked->count) == 0;
	const struct object *object;

	if (exact && !here)
		return put_variable(answer, asked, none, sizeof none);
	at += !exact && here;
	if (at == nobjects)
		return put_variable(answer, asked, end, sizeof end);
	object = &objects[at];
	memcpy(asked->ids, object->ids, object->count * sizeof *object->ids);
	asked->count = object->count;
	return put_variable(answer, object, object->value, object->value_length);
}

#define REPEATERS_MAX 32

static void answer_bulk(struct answer *answer, struct question *question)
{
	struct object asked[REPEATERS_MAX];
	size_t count = 0;

	while (question->second > 0 && next_name(&question->names, &asked[0])) {
		answer_one(answer, &asked[0], false);
		question->second--;
	}
	while (count < REPEATERS_MAX && next_name(&question->names, &asked[count]))
		count++;
	for (uint32_t i = 0; i < question->third; i++)
		for (size_t j = 0; j < count; j++)
			if (!answer_one(answer, &asked[j], false))
				return;
}

static bool make_answer(struct question *question, struct answer *answer)
{
	static const uint8_t version[] = {2, 1, 1}, no_error[] = {2, 1, 0, 2, 1, 0};
	uint8_t id[16], community[4] = {OCTETS};
	size_t message, pdu, list;
	struct object asked;

	answer->length = 0;
	message = begin_element(answer, 0x30);
	put_bytes(answer, version, sizeof version);
	put_bytes(answer, community, 1 + put_length(&community[1], question->community_length));
	put_bytes(answer, question->community, question->community_length);
	pdu = begin_element(answer, 0xa2);
	put_bytes(answer, id, put_number(id, 0x02, question->id));
	put_bytes(answer, no_error, sizeof no_error);
	list = begin_element(answer, 0x30);
	if (question->kind == 0xa5)
		answer_bulk(answer, question);
	else if (question->kind == 0xa0 || question->kind == 0xa1)
		while (next_name(&question->names, &asked))
			answer_one(answer, &asked, question->kind == 0xa0);
	else
		return false;
	end_element(answer, list);
	end_element(answer, pdu);
	end_element(answer, message);
	return true;
}

static void serve(int fd)
{
	static struct answer answer;
	uint8_t bytes[4096];
	struct sockaddr_in from;
	struct question question;
	ssize_t n;

	for (;;) {
		socklen_t size = sizeof from;

		n = recvfrom(
		    fd, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from, &size);
		if (n < 0)
			return;
		if (parse_question(bytes, (size_t)n, &question) && make_answer(&question, &answer))
			(void)!sendto(fd, answer.bytes, answer.length, MSG_DONTWAIT,
			    (struct sockaddr *)&from, size);
	}
}

/* ---- the loop ---- */

static int listen_at(unsigned agent, unsigned port)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(127u << 24 | (1 + agent / 62500) << 16 |
				     agent / 250 % 250 << 8 | (1 + agent % 250))};
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		perror("responder: an agent's address");
		exit(1);
	}
	return fd;
}

static int open_agents(const struct settings *settings)
{
	struct rlimit files;
	const int loop = epoll_create1(EPOLL_CLOEXEC);

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		perror("responder: open files");
	for (unsigned i = 0; i < settings->agents; i++) {
		const int fd = listen_at(i, settings->port);
		struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

		if (i % 10 >= settings->silent && epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0)
			perror("responder: epoll_ctl");
	}
	return loop;
}

static void run(const struct settings *settings, int loop)
{
	int64_t end_s = 0;

	for (;;) {
		const int64_t now_ns = clock_wall_ns();
		const int64_t next_s = clock_period_end(now_ns, settings->length_s);
		struct epoll_event events[EVENTS_MAX];
		int count;

		/* The period that ended last; a few milliseconds later it is there. */
		if (next_s - settings->length_s != end_s) {
			end_s = next_s - settings->length_s;
			make_objects(settings, end_s);
		}
		count = epoll_wait(loop, events, EVENTS_MAX,
		    (int)((next_s * CLOCK_SECOND_NS - now_ns) / CLOCK_MILLISECOND_NS + 1));
		for (int i = 0; i < count; i++)
			serve(events[i].data.fd);
	}
}

static unsigned number_of(const char *text)
{
	return (unsigned)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"silent", required_argument, NULL, 's'}, {0}};
	struct settings settings = {0};
	int option, loop;

	while ((option = getopt_long(argc, argv, "", options, NULL)) == 's')
		settings.silent = number_of(optarg);
	if (option != -1 || argc - optind != 4) {
		fprintf(stderr, "usage: responder [--silent N] AGENTS ROWS LENGTH PORT\n");
		return 2;
	}
	settings.agents = number_of(argv[optind]);
	settings.rows = number_of(argv[optind + 1]);
	settings.length_s = number_of(argv[optind + 2]);
	settings.port = number_of(argv[optind + 3]);
	if (settings.agents == 0 || settings.agents > AGENTS_MAX || settings.rows == 0 ||
	    settings.rows > 60000 || settings.length_s == 0) {
		fprintf(stderr, "responder: a number is out of its range\n");
		return 2;
	}
	loop = open_agents(&settings);
	make_objects(
	    &settings, clock_period_end(clock_wall_ns(), settings.length_s) - settings.length_s);
	fprintf(stderr, "READY\n");
	run(&settings, loop);
}
