/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/session.h"

#include "collector/wire.h"
#include "common/clock.h"
#include "common/error.h"

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/library/large_fd_set.h>

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Fetches that the poller gave up leave requests behind until they time out. */
#define PENDING_MAX (2 * POLLER_IN_FLIGHT_MAX)
#define HOST_SIZE 256
#define PORT_SIZE 8
#define PEER_SIZE 320
#define TIMER_SLACK_MS 20 /* net-snmp counts its time-outs in other units */

/* A request that is out. */
struct pending {
	struct session *session;
	struct poller_request request;
	bool used;
	int64_t expires_ns; /* monotonic */
};

struct session {
	void *handle; /* of net-snmp */
	struct event *readable, *timer;
	session_reply *replied;
	void *context;
	int64_t timeout_ms;
	netsnmp_large_fd_set fds; /* holds the socket alone */
	int socket;
	struct pending pending[PENDING_MAX];
	unsigned depth; /* inside calls of net-snmp */
	bool closed;    /* by a callback; freed when depth is 0 */
};

void session_start_library(void)
{
	/* No configuration of the user, no state of its own, no MIB files, no messages. */
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE, 1);
	netsnmp_set_mib_directory("/nonexistent");
	setenv("MIBS", "", 1);
	snmp_disable_log();
	init_snmp("grappe-collector");
}

/* ---- addresses ---- */

/* Splits "host:port" or "[host]:port". */
static int split_address(const char *address, char host[HOST_SIZE], char port[PORT_SIZE])
{
	const bool bracket = address[0] == '[';
	const char *start = bracket ? address + 1 : address;
	const char *end = bracket ? strchr(start, ']') : strchr(start, ':');
	const char *colon = bracket && end != NULL ? end + 1 : end;
	size_t digits;

	if (end == NULL || *colon != ':' || end == start || (size_t)(end - start) >= HOST_SIZE)
		return GRAPPE_EFORMAT;
	digits = strspn(colon + 1, "0123456789");
	if (digits == 0 || digits > 5 || colon[1 + digits] != '\0' ||
	    strtol(colon + 1, NULL, 10) > 65535 || strtol(colon + 1, NULL, 10) == 0)
		return GRAPPE_EFORMAT;
	snprintf(host, HOST_SIZE, "%.*s", (int)(end - start), start);
	snprintf(port, PORT_SIZE, "%s", colon + 1);
	return GRAPPE_OK;
}

int session_check_address(const char *address)
{
	char host[HOST_SIZE], port[PORT_SIZE];

	return split_address(address, host, port);
}

static int look_up(const char *address, struct addrinfo **found, char *message, size_t size)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
	char host[HOST_SIZE], port[PORT_SIZE];
	int rc;

	if (split_address(address, host, port) != GRAPPE_OK) {
		snprintf(message, size, "'%s' is not HOST:PORT", address);
		return GRAPPE_EFORMAT;
	}
	rc = getaddrinfo(host, port, &hints, found);
	if (rc == 0)
		return GRAPPE_OK;
	snprintf(message, size, "%s: %s", host, gai_strerror(rc));
	return GRAPPE_ENOTFOUND;
}

/* How net-snmp wants an address. */
static void format_peer(const struct addrinfo *found, char peer[PEER_SIZE])
{
	char host[HOST_SIZE], port[PORT_SIZE];

	if (getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof host, port, sizeof port,
		NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		host[0] = port[0] = '\0';
	snprintf(peer, PEER_SIZE, found->ai_family == AF_INET6 ? "udp6:[%s]:%s" : "udp:%s:%s", host,
	    port);
}

/* ---- life ---- */

static void free_now(struct session *session)
{
	if (session->readable != NULL)
		event_free(session->readable);
	if (session->timer != NULL)
		event_free(session->timer);
	if (session->handle != NULL)
		snmp_sess_close(session->handle);
	netsnmp_large_fd_set_cleanup(&session->fds);
	free(session);
}

void session_close(struct session *session)
{
	if (session == NULL)
		return;
	session->closed = true;
	memset(session->pending, 0, sizeof session->pending);
	if (session->depth == 0)
		free_now(session);
}

static void leave(struct session *session)
{
	if (--session->depth == 0 && session->closed)
		free_now(session);
}

/* Sets the timer to the earliest time-out of what is out. */
static void arm_timer(struct session *session)
{
	const int64_t now_ns = clock_monotonic_ns();
	int64_t first_ns = INT64_MAX;
	struct timeval delay;

	for (size_t i = 0; i < PENDING_MAX; i++)
		if (session->pending[i].used && session->pending[i].expires_ns < first_ns)
			first_ns = session->pending[i].expires_ns;
	if (first_ns == INT64_MAX) {
		event_del(session->timer);
		return;
	}
	first_ns = first_ns > now_ns ? first_ns - now_ns : 0;
	first_ns += TIMER_SLACK_MS * CLOCK_MILLISECOND_NS;
	delay.tv_sec = first_ns / CLOCK_SECOND_NS;
	delay.tv_usec = first_ns % CLOCK_SECOND_NS / 1000;
	event_add(session->timer, &delay);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct session *session = context;

	(void)fd;
	(void)what;
	session->depth++;
	NETSNMP_LARGE_FD_ZERO(&session->fds);
	NETSNMP_LARGE_FD_SET(session->socket, &session->fds);
	/* A failed read (the agent's port is closed) is as good as no answer: the time-out tells.
	 */
	snmp_sess_read2(session->handle, &session->fds);
	leave(session);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct session *session = context;

	(void)fd;
	(void)what;
	session->depth++;
	snmp_sess_timeout(session->handle);
	if (!session->closed)
		arm_timer(session);
	leave(session);
}

static int open_handle(
    struct session *session, const struct session_options *options, const struct addrinfo *found)
{
	netsnmp_session template;
	netsnmp_transport *transport;
	char peer[PEER_SIZE];

	format_peer(found, peer);
	snmp_sess_init(&template);
	template.version = SNMP_VERSION_2c;
	template.peername = peer;
	template.community = (u_char *)(uintptr_t)options->credentials.community;
	template.community_len = strlen(options->credentials.community);
	template.retries = 0;
	template.timeout = (long)(options->timeout_ms * 1000);
	template.flags |= SNMP_FLAGS_DONT_PROBE;
	session->handle = snmp_sess_open(&template);
	if (session->handle == NULL)
		return GRAPPE_EIO;
	transport = snmp_sess_transport(session->handle);
	session->socket = transport->sock;
	return connect(session->socket, found->ai_addr, found->ai_addrlen) == 0 ? GRAPPE_OK
										: GRAPPE_EIO;
}

int session_open(struct event_base *base, const struct session_options *options,
    session_reply *replied, void *context, struct session **out, char *message, size_t size)
{
	struct session *session;
	struct addrinfo *found;
	int rc = look_up(options->address, &found, message, size);

	*out = NULL;
	if (rc != GRAPPE_OK)
		return rc;
	session = calloc(1, sizeof *session);
	if (session == NULL) {
		freeaddrinfo(found);
		return GRAPPE_EMEMORY;
	}
	session->replied = replied;
	session->context = context;
	session->timeout_ms = options->timeout_ms;
	rc = open_handle(session, options, found);
	freeaddrinfo(found);
	if (rc != GRAPPE_OK) {
		snprintf(message, size, "no socket to %s: %s", options->address,
		    errno != 0 ? strerror(errno) : "net-snmp refused it");
		goto fail;
	}
	netsnmp_large_fd_set_init(&session->fds, session->socket + 1);
	session->readable =
	    event_new(base, session->socket, EV_READ | EV_PERSIST, on_readable, session);
	session->timer = event_new(base, -1, 0, on_timer, session);
	rc = GRAPPE_EMEMORY;
	if (session->readable == NULL || session->timer == NULL ||
	    event_add(session->readable, NULL) != 0)
		goto fail;
	*out = session;
	return GRAPPE_OK;
fail:
	free_now(session);
	return rc;
}

/* ---- answers ---- */

static void read_variable(const netsnmp_variable_list *from, struct wire_variable *to)
{
	*to = (struct wire_variable){.type = WIRE_OTHER};
	if (from->name_length > WIRE_NAME_MAX)
		return;
	to->name.count = from->name_length;
	for (size_t i = 0; i < from->name_length; i++)
		to->name.ids[i] = (uint32_t)from->name[i];
	switch (from->type) {
	case ASN_INTEGER:
	case ASN_COUNTER:
	case ASN_GAUGE:
		to->type = WIRE_NUMBER;
		to->number = from->type == ASN_INTEGER ? *from->val.integer
						       : (int64_t)(uint32_t)*from->val.integer;
		break;
	case ASN_COUNTER64:
		to->type = WIRE_NUMBER;
		to->number = from->val.counter64->high > INT32_MAX
				 ? INT64_MAX
				 : (int64_t)((uint64_t)from->val.counter64->high << 32 |
					     (uint32_t)from->val.counter64->low);
		break;
	case ASN_OCTET_STR:
		to->type = WIRE_OCTETS;
		to->bytes = from->val.string;
		to->length = from->val_len;
		break;
	case SNMP_NOSUCHOBJECT:
	case SNMP_NOSUCHINSTANCE:
	case SNMP_ENDOFMIBVIEW:
		to->type = WIRE_ABSENT;
		break;
	default:
		break;
	}
}

static void parse_answer(
    const struct poller_request *request, const netsnmp_pdu *pdu, struct poller_reply *reply)
{
	/* One more than is ever asked for, so that a longer answer is seen as such. */
	struct wire_variable variables[WIRE_VARIABLES_MAX + 1];
	size_t count = 0;

	if (pdu->command != SNMP_MSG_RESPONSE) {
		reply->error = GRAPPE_EFORMAT;
		snprintf(reply->text, sizeof reply->text, "it answers with a message of type %d",
		    pdu->command);
		return;
	}
	if (pdu->errstat != SNMP_ERR_NOERROR) {
		reply->error = GRAPPE_EPEER;
		snprintf(reply->text, sizeof reply->text, "SNMP error %s",
		    snmp_errstring((int)pdu->errstat));
		return;
	}
	for (const netsnmp_variable_list *variable = pdu->variables;
	     variable != NULL && count <= WIRE_VARIABLES_MAX; variable = variable->next_variable)
		read_variable(variable, &variables[count++]);
	wire_parse(request, variables, count, reply);
}

static int on_answer(
    int operation, netsnmp_session *template, int id, netsnmp_pdu *pdu, void *magic)
{
	struct pending *pending = magic;
	struct session *session = pending->session;
	struct poller_reply reply = {.id = pending->request.id, .error = GRAPPE_OK};

	(void)template;
	(void)id;
	/* Forgotten by session_close(), or net-snmp announces that it sends once more. */
	if (!pending->used || operation == NETSNMP_CALLBACK_OP_RESEND)
		return 1;
	if (operation == NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE && pdu != NULL)
		parse_answer(&pending->request, pdu, &reply);
	else if (operation == NETSNMP_CALLBACK_OP_TIMED_OUT)
		reply.error = GRAPPE_ETIMEOUT;
	else
		reply.error = GRAPPE_EIO;
	pending->used = false;
	session->replied(session->context, &reply);
	if (!session->closed)
		arm_timer(session);
	return 1;
}

int session_send(struct session *session, const struct poller_request *request)
{
	struct wire_name names[WIRE_VARIABLES_MAX];
	const size_t count = wire_names(request, names);
	struct pending *pending = NULL;
	netsnmp_pdu *pdu;

	for (size_t i = 0; i < PENDING_MAX && pending == NULL; i++)
		if (!session->pending[i].used)
			pending = &session->pending[i];
	if (pending == NULL)
		return GRAPPE_ELIMIT;
	pdu = snmp_pdu_create(SNMP_MSG_GET);
	if (pdu == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < count; i++) {
		oid name[WIRE_NAME_MAX];

		for (size_t j = 0; j < names[i].count; j++)
			name[j] = names[i].ids[j];
		if (snmp_add_null_var(pdu, name, names[i].count) == NULL) {
			snmp_free_pdu(pdu);
			return GRAPPE_EMEMORY;
		}
	}
	*pending = (struct pending){.session = session,
	    .request = *request,
	    .used = true,
	    .expires_ns = clock_monotonic_ns() + session->timeout_ms * CLOCK_MILLISECOND_NS};
	session->depth++;
	if (snmp_sess_async_send(session->handle, pdu, on_answer, pending) == 0) {
		snmp_free_pdu(pdu);
		pending->used = false;
		leave(session);
		return GRAPPE_EIO;
	}
	arm_timer(session);
	leave(session);
	return GRAPPE_OK;
}
