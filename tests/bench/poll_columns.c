/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/bench/poll_columns.h"

#include "common/mib.h"

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/library/large_fd_set.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 2
#define REPETITIONS 18 /* so that an answer fits one packet */
#define WAIT_S 5

static const oid columns[COLUMNS][16] = {{MIB_PAIR, MIB_PAIR_PACKETS}, {MIB_PAIR, MIB_PAIR_OCTETS}};
static const uint32_t column_ids[] = {MIB_PAIR, 0};
#define COLUMN_LENGTH (sizeof column_ids / sizeof *column_ids)

struct walker {
	void *handle;
	struct event *readable;
	netsnmp_large_fd_set fds;
	int socket;
};

static struct walker *walkers; /* for the life of the program */
static struct {
	struct event_base *base;
	struct poll_columns_result *result;
	struct event *timer;
	unsigned left;
} running;

static int on_answer(
    int operation, netsnmp_session *session, int id, netsnmp_pdu *pdu, void *magic);

/* last: names to go on after; NULL: from the beginning. */
static bool ask(struct walker *walker, netsnmp_variable_list *last[COLUMNS])
{
	netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_GETBULK);

	if (pdu == NULL)
		return false;
	pdu->non_repeaters = 0;
	pdu->max_repetitions = REPETITIONS;
	for (size_t i = 0; i < COLUMNS; i++)
		snmp_add_null_var(pdu, last[i] != NULL ? last[i]->name : columns[i],
		    last[i] != NULL ? last[i]->name_length : COLUMN_LENGTH);
	if (snmp_sess_async_send(walker->handle, pdu, on_answer, walker) != 0)
		return true;
	snmp_free_pdu(pdu);
	return false;
}

static void finish(void)
{
	if (--running.left == 0)
		event_base_loopbreak(running.base);
}

static int on_answer(int operation, netsnmp_session *session, int id, netsnmp_pdu *pdu, void *magic)
{
	netsnmp_variable_list *last[COLUMNS] = {NULL};
	bool more = true;
	size_t i = 0;

	(void)session;
	(void)id;
	if (operation != NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE || pdu->errstat != 0) {
		finish();
		return 1;
	}
	for (netsnmp_variable_list *v = pdu->variables; v != NULL; v = v->next_variable, i++) {
		const oid *column = columns[i % COLUMNS];

		if (v->type != ASN_COUNTER64 || v->name_length <= COLUMN_LENGTH ||
		    memcmp(v->name, column, COLUMN_LENGTH * sizeof *column) != 0) {
			more = false;
			continue;
		}
		last[i % COLUMNS] = v;
		running.result->counters++;
		running.result->sum +=
		    (uint64_t)v->val.counter64->high << 32 | v->val.counter64->low;
	}
	if (more && last[0] != NULL && ask(magic, last))
		return 1;
	running.result->agents++;
	finish();
	return 1;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct walker *walker = context;

	(void)fd;
	(void)what;
	NETSNMP_LARGE_FD_ZERO(&walker->fds);
	NETSNMP_LARGE_FD_SET(walker->socket, &walker->fds);
	snmp_sess_read2(walker->handle, &walker->fds);
}

static void on_limit(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(context);
}

static bool open_walker(struct event_base *base, struct walker *walker, char *address)
{
	static char community[] = "public";
	netsnmp_session template;

	snmp_sess_init(&template);
	template.version = SNMP_VERSION_2c;
	template.peername = address;
	template.community = (u_char *)community;
	template.community_len = strlen(community);
	template.retries = 2;
	template.timeout = 1000000;
	walker->handle = snmp_sess_open(&template);
	if (walker->handle == NULL)
		return false;
	walker->socket = snmp_sess_transport(walker->handle)->sock;
	netsnmp_large_fd_set_init(&walker->fds, walker->socket + 1);
	walker->readable =
	    event_new(base, walker->socket, EV_READ | EV_PERSIST, on_readable, walker);
	return walker->readable != NULL && event_add(walker->readable, NULL) == 0;
}

bool poll_columns(struct event_base *base, char *const *addresses, unsigned count,
    struct poll_columns_result *result)
{
	netsnmp_variable_list *begin[COLUMNS] = {NULL};
	const struct timeval limit = {.tv_sec = WAIT_S};

	if (walkers == NULL) {
		running.timer = event_new(base, -1, 0, on_limit, base);
		if (running.timer == NULL)
			return false;
		walkers = calloc(count, sizeof *walkers);
		for (unsigned i = 0; i < count; i++)
			if (walkers == NULL || !open_walker(base, &walkers[i], addresses[i]))
				return false;
	}
	*result = (struct poll_columns_result){0};
	running.base = base;
	running.result = result;
	running.left = count;
	for (unsigned i = 0; i < count; i++)
		if (!ask(&walkers[i], begin))
			return false;
	event_add(running.timer, &limit);
	event_base_dispatch(base);
	event_del(running.timer);
	return true;
}
