/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lab/soak_agents.h"

#include "common/error.h"
#include "common/mib.h"
#include "tests/lab/soak_snmp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NETWORK 0x7f4d0000u /* 127.77.0.0: agent n has 127.77.0.n+1 */
#define ANSWERS_MAX 4096    /* on their way at a time */
#define MESSAGE_MAX 65536
#define TRIES_KEPT 64 /* requests of one agent whose losses in a row are remembered */
#define MS_NS INT64_C(1000000)
#define TOPIC_LOSS 1001 /* for fleet_random(): apart from the fleet's own */
#define TOPIC_DELAY 1002
#define TOPIC_LATE 1003

/* What a request is about. */
struct subject {
	int64_t number;
	uint32_t first, count; /* blocks asked for */
	uint32_t described;    /* 1: the description of the period too, or alone */
	uint32_t padding;      /* 0: subjects are compared byte by byte */
};

/* An answer on its way. */
struct answer {
	int64_t due_ns;
	uint64_t serial; /* among equals the older one first */
	int agent;
	struct subject subject;
	bool late;           /* nobody waits for it any more */
	bool present, newer; /* the agent has the period; has later ones */
	uint32_t chunks;     /* of the period */
	struct sockaddr_in to;
	struct buffer message;
};

/* Losses in a row of one request. */
struct losses {
	struct subject subject;
	int count;
};

struct agent {
	struct losses losses[TRIES_KEPT];
	size_t next_losses;
	uint64_t requests;
	int64_t encoded; /* number of the period in `encoding`; 0: none */
	struct buffer encoding;
	/* what was answered of one period since its description */
	int64_t fetching, described_ns;
	uint32_t chunks, got;
};

struct agents {
	struct agents_config config;
	int socket;
	in_port_t port; /* network order */
	struct agent *items;
	struct answer *answers; /* unordered */
	size_t count;
	uint64_t serial;
	struct agents_counts counts;
};

static void __attribute__((noreturn)) die(const char *what)
{
	printf("soak: %s: %s\n", what, strerror(errno));
	exit(1);
}

struct agents *agents_open(const struct agents_config *config)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
	socklen_t size = sizeof address;
	struct agents *agents = calloc(1, sizeof *agents);
	const int on = 1, room = 4 << 20;

	if (agents == NULL)
		die("agents");
	agents->config = *config;
	agents->items = calloc((size_t)fleet_config(config->fleet)->agents, sizeof *agents->items);
	agents->answers = calloc(ANSWERS_MAX, sizeof *agents->answers);
	agents->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (agents->items == NULL || agents->answers == NULL || agents->socket < 0 ||
	    setsockopt(agents->socket, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0 ||
	    setsockopt(agents->socket, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) != 0 ||
	    bind(agents->socket, (const struct sockaddr *)&address, sizeof address) != 0 ||
	    getsockname(agents->socket, (struct sockaddr *)&address, &size) != 0)
		die("socket of the agents");
	agents->port = address.sin_port;
	return agents;
}

void agents_forget(struct agents *agents)
{
	char message[MESSAGE_MAX];

	while (recv(agents->socket, message, sizeof message, 0) >= 0)
		;
	for (size_t i = 0; i < agents->count; i++)
		buffer_deinit(&agents->answers[i].message);
	agents->count = 0;
	for (int a = 0; a < fleet_config(agents->config.fleet)->agents; a++) {
		agents->items[a].fetching = 0;
		agents->items[a].next_losses = 0;
		memset(agents->items[a].losses, 0, sizeof agents->items[a].losses);
	}
}

void agents_close(struct agents *agents)
{
	if (agents == NULL)
		return;
	agents_forget(agents);
	for (int a = 0; a < fleet_config(agents->config.fleet)->agents; a++)
		buffer_deinit(&agents->items[a].encoding);
	close(agents->socket);
	free(agents->items);
	free(agents->answers);
	free(agents);
}

const char *agents_address(const struct agents *agents, int agent)
{
	static char text[32];

	snprintf(text, sizeof text, "127.77.0.%d:%u", agent + 1, ntohs(agents->port));
	return text;
}

/* ---- what an agent says ---- */

static const struct buffer *encoding_of(struct agents *agents, int agent, int64_t number)
{
	struct agent *item = &agents->items[agent];
	struct period *period;

	if (item->encoded == number)
		return &item->encoding;
	buffer_deinit(&item->encoding);
	buffer_init(&item->encoding);
	period = fleet_period(agents->config.fleet, agent, number);
	if (period_encode(period, &item->encoding) != GRAPPE_OK)
		die("a period cannot be encoded");
	period_free(period);
	item->encoded = number;
	return &item->encoding;
}

/* Whether the name is `root` and one or two further numbers. */
static const uint32_t *below(
    const struct snmp_name *name, const uint32_t *root, size_t count, size_t more)
{
	if (name->count != count + more || memcmp(name->ids, root, count * sizeof *root) != 0)
		return NULL;
	return name->ids + count;
}

static struct snmp_value number_value(uint32_t number)
{
	return (struct snmp_value){.kind = SNMP_UNSIGNED, .number = number};
}

static struct snmp_value agent_value(const struct agents *agents, uint32_t scalar, int64_t newest)
{
	switch (scalar) {
	case MIB_AGENT_PERIOD_LENGTH:
		return number_value(newest > 0 ? FLEET_LENGTH_MS / 1000 : 0);
	case MIB_AGENT_LAST_END:
		return number_value(newest > 0
					? (uint32_t)(fleet_config(agents->config.fleet)->start_s +
						     newest * (FLEET_LENGTH_MS / 1000))
					: 0);
	default:
		return (struct snmp_value){.kind = SNMP_ABSENT};
	}
}

static struct snmp_value info_value(uint32_t column, const struct buffer *encoding)
{
	const uint32_t bytes = (uint32_t)encoding->length;

	switch (column) {
	case MIB_INFO_LENGTH:
		return number_value(FLEET_LENGTH_MS / 1000);
	case MIB_INFO_CHUNKS:
		return number_value((bytes + MIB_BLOCK_BYTES - 1) / MIB_BLOCK_BYTES);
	case MIB_INFO_BYTES:
		return number_value(bytes);
	case MIB_INFO_CRC:
		return number_value(period_checksum(encoding->bytes, bytes));
	default:
		return (struct snmp_value){.kind = SNMP_ABSENT};
	}
}

static struct snmp_value block_value(uint32_t chunk, const struct buffer *encoding)
{
	const size_t from = (chunk - 1) * (size_t)MIB_BLOCK_BYTES;
	size_t length;

	if (chunk == 0 || from >= encoding->length)
		return (struct snmp_value){.kind = SNMP_ABSENT};
	length = encoding->length - from;
	return (struct snmp_value){.kind = SNMP_OCTETS,
	    .bytes = encoding->bytes + from,
	    .length = length < MIB_BLOCK_BYTES ? length : MIB_BLOCK_BYTES};
}

static int64_t number_of(const struct agents *agents, uint32_t end_s)
{
	return ((int64_t)end_s - fleet_config(agents->config.fleet)->start_s) /
	       (FLEET_LENGTH_MS / 1000);
}

/* The period that `answer` is about, if the agent has it now. */
static const struct buffer *look_up(
    struct agents *agents, struct answer *answer, uint32_t end_s, int64_t now_ms)
{
	const int64_t number = number_of(agents, end_s);
	const struct buffer *encoding;
	struct fleet_span held;

	answer->subject.number = number;
	answer->newer = fleet_newest(agents->config.fleet, answer->agent, now_ms) > number;
	answer->present = fleet_held(agents->config.fleet, answer->agent, number, &held) &&
			  held.from_ms <= now_ms && now_ms < held.to_ms;
	if (!answer->present)
		return NULL;
	encoding = encoding_of(agents, answer->agent, number);
	answer->chunks = (uint32_t)((encoding->length + MIB_BLOCK_BYTES - 1) / MIB_BLOCK_BYTES);
	return encoding;
}

static struct snmp_value value_of(
    struct agents *agents, struct answer *answer, const struct snmp_name *name, int64_t now_ms)
{
	static const uint32_t agent_root[] = {MIB_AGENT}, info_root[] = {MIB_PERIOD_INFO},
			      block_root[] = {MIB_PERIOD_BLOCK};
	const struct fleet *fleet = agents->config.fleet;
	const struct buffer *encoding;
	const uint32_t *rest;

	if (fleet_mood(fleet, answer->agent, now_ms) != FLEET_ANSWERS)
		return (struct snmp_value){.kind = SNMP_ABSENT};
	rest = below(name, agent_root, sizeof agent_root / sizeof *agent_root, 2);
	if (rest != NULL)
		return agent_value(agents, rest[0], fleet_newest(fleet, answer->agent, now_ms));
	rest = below(name, info_root, sizeof info_root / sizeof *info_root, 2);
	if (rest != NULL) {
		encoding = look_up(agents, answer, rest[1], now_ms);
		answer->subject.described = 1;
		return encoding != NULL ? info_value(rest[0], encoding)
					: (struct snmp_value){.kind = SNMP_ABSENT};
	}
	rest = below(name, block_root, sizeof block_root / sizeof *block_root, 3);
	if (rest == NULL || rest[0] != MIB_BLOCK_DATA)
		return (struct snmp_value){.kind = SNMP_ABSENT};
	encoding = look_up(agents, answer, rest[1], now_ms);
	answer->subject.first = answer->subject.count++ == 0 ? rest[2] : answer->subject.first;
	return encoding != NULL ? block_value(rest[2], encoding)
				: (struct snmp_value){.kind = SNMP_ABSENT};
}

/* ---- receiving ---- */

/* The agent was sent this and the collector has no answer in time. */
static void note_loss(
    struct agents *agents, int agent, const struct subject *subject, int64_t now_ns)
{
	struct agent *item = &agents->items[agent];
	struct losses *losses = NULL;

	for (size_t i = 0; i < TRIES_KEPT && losses == NULL; i++)
		if (item->losses[i].count > 0 &&
		    memcmp(&item->losses[i].subject, subject, sizeof *subject) == 0)
			losses = &item->losses[i];
	if (losses == NULL) {
		losses = &item->losses[item->next_losses++ % TRIES_KEPT];
		*losses = (struct losses){.subject = *subject};
	}
	if (++losses->count < agents->config.tries)
		return;
	losses->count = 0;
	truth_unanswered(agents->config.truth, agent, now_ns / MS_NS);
}

static void note_answer(struct agents *agents, int agent, const struct subject *subject)
{
	struct agent *item = &agents->items[agent];

	for (size_t i = 0; i < TRIES_KEPT; i++)
		if (memcmp(&item->losses[i].subject, subject, sizeof *subject) == 0)
			item->losses[i].count = 0;
}

/* How long the answer takes; -1: for ever. None comes just about when the collector gives it up:
 * its timers have some milliseconds of play. */
static int64_t choose_delay(struct agents *agents, int agent)
{
	const struct agents_config *config = &agents->config;
	const uint64_t a = (uint64_t)agent, n = agents->items[agent].requests++;
	const double luck = fleet_random(config->fleet, TOPIC_DELAY, a, n);
	const double timeout_ns = (double)(config->timeout_ms * MS_NS);

	if (fleet_random(config->fleet, TOPIC_LOSS, a, n) < config->lost) {
		agents->counts.lost++;
		return -1;
	}
	if (fleet_random(config->fleet, TOPIC_LATE, a, n) < config->late) {
		agents->counts.late++;
		return (int64_t)(timeout_ns * (luck < 0.5 ? 1.8 * luck : 1.3 + 2 * luck));
	}
	return (int64_t)(luck * 8e6) + 200000;
}

static void take_request(struct agents *agents, const uint8_t *bytes, size_t length, int agent,
    const struct sockaddr_in *from, int64_t now_ns)
{
	struct answer answer = {.agent = agent, .to = *from, .serial = agents->serial++};
	struct snmp_value values[SNMP_VARIABLES_MAX];
	struct snmp_get get;
	int64_t delay_ns;

	agents->counts.requests++;
	if (!snmp_parse_get(bytes, length, &get))
		die("the collector sent what is no GET request");
	if (fleet_mood(agents->config.fleet, agent, now_ns / MS_NS) == FLEET_SILENT)
		return;
	for (size_t i = 0; i < get.count; i++)
		values[i] = value_of(agents, &answer, &get.names[i], now_ns / MS_NS);
	delay_ns = choose_delay(agents, agent);
	answer.late = delay_ns >= agents->config.timeout_ms * MS_NS;
	if (delay_ns < 0 || answer.late)
		note_loss(agents, agent, &answer.subject, now_ns);
	if (delay_ns < 0)
		return;
	if (agents->count == ANSWERS_MAX)
		die("too many answers on their way");
	answer.due_ns = now_ns + delay_ns;
	buffer_init(&answer.message);
	snmp_write_answer(&get, values, &answer.message);
	agents->answers[agents->count++] = answer;
}

void agents_receive(struct agents *agents, int64_t now_ns)
{
	uint8_t bytes[MESSAGE_MAX], control[256];

	for (;;) {
		struct sockaddr_in from;
		struct iovec part = {bytes, sizeof bytes};
		struct msghdr message = {.msg_name = &from,
		    .msg_namelen = sizeof from,
		    .msg_iov = &part,
		    .msg_iovlen = 1,
		    .msg_control = control,
		    .msg_controllen = sizeof control};
		const ssize_t length = recvmsg(agents->socket, &message, 0);
		struct in_pktinfo info;
		int agent;

		if (length < 0)
			return;
		memcpy(&info, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof info);
		agent = (int)(ntohl(info.ipi_addr.s_addr) - NETWORK) - 1;
		if (agent < 0 || agent >= fleet_config(agents->config.fleet)->agents)
			die("a datagram for no agent");
		take_request(agents, bytes, (size_t)length, agent, &from, now_ns);
	}
}

/* ---- sending ---- */

/* The truth is told what reached the collector in time. */
static void note_delivery(struct agents *agents, const struct answer *answer)
{
	struct agent *item = &agents->items[answer->agent];
	const struct subject *subject = &answer->subject;
	const int64_t at_ms = answer->due_ns / MS_NS;

	note_answer(agents, answer->agent, subject);
	if (subject->described && answer->present) {
		item->fetching = subject->number;
		item->chunks = answer->chunks;
		item->got = 0;
	} else if (subject->described && answer->newer) {
		truth_refused(agents->config.truth, answer->agent, subject->number, at_ms);
	}
	if (subject->count == 0 || !answer->present || item->fetching != subject->number)
		return;
	item->got += subject->count;
	if (item->got >= item->chunks)
		truth_fetched(agents->config.truth, answer->agent, subject->number, at_ms);
}

static void send_answer(struct agents *agents, struct answer *answer)
{
	char control[CMSG_SPACE(sizeof(struct in_pktinfo))] = {0};
	struct iovec part = {answer->message.bytes, answer->message.length};
	struct msghdr message = {.msg_name = &answer->to,
	    .msg_namelen = sizeof answer->to,
	    .msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof control};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	const struct in_pktinfo info = {
	    .ipi_spec_dst.s_addr = htonl(NETWORK + (uint32_t)answer->agent + 1)};

	header->cmsg_level = IPPROTO_IP;
	header->cmsg_type = IP_PKTINFO;
	header->cmsg_len = CMSG_LEN(sizeof info);
	memcpy(CMSG_DATA(header), &info, sizeof info);
	if (sendmsg(agents->socket, &message, 0) < 0 && errno != ECONNREFUSED)
		die("an answer cannot be sent");
	agents->counts.answered++;
	if (!answer->late)
		note_delivery(agents, answer);
	buffer_deinit(&answer->message);
}

static size_t first_due(const struct agents *agents)
{
	size_t first = 0;

	for (size_t i = 1; i < agents->count; i++) {
		const struct answer *a = &agents->answers[i], *b = &agents->answers[first];

		if (a->due_ns < b->due_ns || (a->due_ns == b->due_ns && a->serial < b->serial))
			first = i;
	}
	return first;
}

int64_t agents_next_ns(const struct agents *agents)
{
	return agents->count > 0 ? agents->answers[first_due(agents)].due_ns : INT64_MAX;
}

void agents_send(struct agents *agents, int64_t now_ns)
{
	while (agents_next_ns(agents) <= now_ns) {
		const size_t first = first_due(agents);
		struct answer answer = agents->answers[first];

		agents->answers[first] = agents->answers[--agents->count];
		send_answer(agents, &answer);
	}
}

struct agents_counts agents_get_counts(const struct agents *agents)
{
	return agents->counts;
}
