/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/session.h"

#include "collector/v3.h"
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
#define SILENT_MAX 3      /* time-outs in a row before the engine ID is asked for again */

/* A request that is out. */
struct pending {
	struct session *session;
	struct poller_request request;
	bool used;
	bool waiting;       /* for the engine ID; not sent yet */
	bool again;         /* was sent to an engine that is not there any more */
	int64_t expires_ns; /* monotonic */
};

struct session {
	void *handle; /* of net-snmp */
	struct event *readable, *timer;
	session_reply *replied;
	session_engine *learned;
	void *context;
	int64_t timeout_ms;
	netsnmp_large_fd_set fds; /* holds the socket alone */
	int socket;
	struct pending pending[PENDING_MAX];
	unsigned depth; /* inside calls of net-snmp */
	bool closed;    /* by a callback; freed when depth is 0 */
	/* of SNMPv3 */
	bool v3;
	char user[KEYS_USER_SIZE];
	struct engine_id engine; /* as far as known */
	bool sought;             /* it must be asked for before anything else is sent */
	int64_t probe_ns;        /* monotonic: when the probe that is out expires; 0: none */
	unsigned silent;         /* time-outs in a row */
	bool alive;              /* told its engine ID, since then nothing else */
};

int session_start_library(void)
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
	return v3_start();
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
	/* Other keys may follow. */
	if (session->v3)
		v3_forget_user(&session->engine, session->user);
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

	if (session->probe_ns != 0)
		first_ns = session->probe_ns;
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (session->pending[i].used && !session->pending[i].waiting &&
		    session->pending[i].expires_ns < first_ns)
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
	template.peername = peer;
	template.retries = 0;
	template.timeout = (long)(options->timeout_ms * 1000);
	template.flags |= SNMP_FLAGS_DONT_PROBE;
	if (session->v3) {
		v3_describe_session(&template, options->credentials, &session->engine);
	} else {
		template.version = SNMP_VERSION_2c;
		template.community = (u_char *)(uintptr_t)options->credentials->community;
		template.community_len = strlen(options->credentials->community);
	}
	session->handle = snmp_sess_open(&template);
	explicit_bzero(template.securityAuthKey, sizeof template.securityAuthKey);
	explicit_bzero(template.securityPrivKey, sizeof template.securityPrivKey);
	if (session->handle == NULL)
		return GRAPPE_EIO;
	/* The library takes it away when it opens; it must never ask by itself. */
	snmp_sess_session(session->handle)->flags |= SNMP_FLAGS_DONT_PROBE;
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
	session->learned = options->learned;
	session->context = context;
	session->timeout_ms = options->timeout_ms;
	session->v3 = options->credentials->version == CREDENTIALS_V3;
	if (session->v3) {
		session->engine = options->engine;
		session->sought = options->engine.length == 0;
		snprintf(session->user, sizeof session->user, "%s", options->credentials->user);
		/* Nobody else's keys at that engine. */
		v3_forget_user(&session->engine, session->user);
	}
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

/* What the agent says of us: words for people, by the report's type. */
static const struct {
	int type;
	const char *text;
} reports[] = {
    {SNMPERR_UNKNOWN_USER_NAME, "it does not know the user"},
    {SNMPERR_AUTHENTICATION_FAILURE, "user or authentication key is wrong"},
    {SNMPERR_DECRYPTION_ERR, "the user's privacy key is wrong"},
    {SNMPERR_UNSUPPORTED_SEC_LEVEL, "the user has no keys there for this security"},
    {SNMPERR_NOT_IN_TIME_WINDOW, "its engine's boots and time cannot be agreed on"},
    {SNMPERR_UNKNOWN_ENG_ID, "its engine ID changes all the time"},
    {SNMPERR_UNKNOWN_SEC_MODEL, "it does not speak the user-based security model"},
};

static void parse_report(
    const struct session *session, netsnmp_pdu *pdu, struct poller_reply *reply)
{
	const int type = snmpv3_get_report_type(pdu);
	const char *text = "it sends a report that is not known here";

	for (size_t i = 0; i < sizeof reports / sizeof *reports; i++)
		if (reports[i].type == type)
			text = reports[i].text;
	reply->error = GRAPPE_EPEER;
	snprintf(reply->text, sizeof reply->text, "%s (SNMPv3 user \"%s\")", text, session->user);
}

static void parse_answer(const struct session *session, const struct poller_request *request,
    netsnmp_pdu *pdu, struct poller_reply *reply)
{
	/* One more than is ever asked for, so that a longer answer is seen as such. */
	struct wire_variable variables[WIRE_VARIABLES_MAX + 1];
	size_t count = 0;

	if (pdu->command == SNMP_MSG_REPORT) {
		parse_report(session, pdu, reply);
		return;
	}
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

/* ---- requests ---- */

static int send_probe(struct session *session);

/* A request that went to an engine which is no more: true when it will be sent once more. */
static bool redirect(struct session *session, struct pending *pending, netsnmp_pdu *pdu)
{
	if (pdu->command != SNMP_MSG_REPORT || pending->again ||
	    snmpv3_get_report_type(pdu) != SNMPERR_UNKNOWN_ENG_ID ||
	    send_probe(session) != GRAPPE_OK)
		return false;
	pending->waiting = pending->again = true;
	return true;
}

static void note_answer(struct session *session, const netsnmp_pdu *pdu)
{
	session->silent = 0;
	session->alive = false;
	if (pdu->command == SNMP_MSG_REPORT)
		v3_forget_time(&session->engine);
}

/* Nothing came. Perhaps the engine is another one by now; one that tells its ID but does not answer
 * its user cannot read what we send. */
static void note_silence(struct session *session, struct poller_reply *reply)
{
	reply->error = GRAPPE_ETIMEOUT;
	if (!session->v3)
		return;
	if (session->alive)
		snprintf(reply->text, sizeof reply->text,
		    "it tells its engine ID, but does not answer the SNMPv3 user \"%s\": is the "
		    "privacy key right?",
		    session->user);
	if (++session->silent >= SILENT_MAX)
		session->sought = true;
}

static void finish(struct pending *pending, const struct poller_reply *reply)
{
	struct session *session = pending->session;

	pending->used = false;
	session->replied(session->context, reply);
	if (!session->closed)
		arm_timer(session);
}

static int on_answer(
    int operation, netsnmp_session *template, int id, netsnmp_pdu *pdu, void *magic)
{
	struct pending *pending = magic;
	struct session *session = pending->session;
	struct poller_reply reply = {.id = pending->request.id, .error = GRAPPE_OK};

	(void)template;
	(void)id;
	/* Forgotten by session_close(), or net-snmp announces that it sends once more, or tells of
	 * a report that it hands over right after. */
	if (!pending->used || operation == NETSNMP_CALLBACK_OP_RESEND ||
	    operation == NETSNMP_CALLBACK_OP_SEC_ERROR)
		return 1;
	if (operation == NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE && pdu != NULL) {
		if (redirect(session, pending, pdu))
			return 1;
		note_answer(session, pdu);
		parse_answer(session, &pending->request, pdu, &reply);
	} else if (operation == NETSNMP_CALLBACK_OP_TIMED_OUT) {
		note_silence(session, &reply);
	} else {
		reply.error = GRAPPE_EIO;
	}
	finish(pending, &reply);
	return 1;
}

static netsnmp_pdu *make_pdu(const struct poller_request *request)
{
	struct wire_name names[WIRE_VARIABLES_MAX];
	const size_t count = wire_names(request, names);
	netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_GET);

	for (size_t i = 0; i < count && pdu != NULL; i++) {
		oid name[WIRE_NAME_MAX];

		for (size_t j = 0; j < names[i].count; j++)
			name[j] = names[i].ids[j];
		if (snmp_add_null_var(pdu, name, names[i].count) == NULL) {
			snmp_free_pdu(pdu);
			pdu = NULL;
		}
	}
	return pdu;
}

static int send_request(struct pending *pending)
{
	struct session *session = pending->session;
	netsnmp_pdu *pdu = make_pdu(&pending->request);
	int sent;

	if (pdu == NULL)
		return GRAPPE_EMEMORY;
	pending->waiting = false;
	pending->expires_ns = clock_monotonic_ns() + session->timeout_ms * CLOCK_MILLISECOND_NS;
	sent = snmp_sess_async_send(session->handle, pdu, on_answer, pending);
	/* A session to the same engine by the same user may have ended, and its user with it. */
	if (sent == 0 && session->v3 &&
	    v3_renew_user(snmp_sess_session(session->handle)) == GRAPPE_OK)
		sent = snmp_sess_async_send(session->handle, pdu, on_answer, pending);
	if (sent != 0)
		return GRAPPE_OK;
	snmp_free_pdu(pdu);
	return GRAPPE_EIO;
}

int session_send(struct session *session, const struct poller_request *request)
{
	struct pending *pending = NULL;
	int rc;

	for (size_t i = 0; i < PENDING_MAX && pending == NULL; i++)
		if (!session->pending[i].used)
			pending = &session->pending[i];
	if (pending == NULL)
		return GRAPPE_ELIMIT;
	*pending = (struct pending){.session = session, .request = *request, .used = true};
	session->depth++;
	if (session->sought) {
		rc = send_probe(session);
		pending->waiting = true;
	} else {
		rc = send_request(pending);
	}
	if (rc == GRAPPE_OK)
		arm_timer(session);
	else
		pending->used = false;
	leave(session);
	return rc;
}

/* ---- the engine ID ---- */

/* Replies to all that wait, or sends them when rc is GRAPPE_OK. */
static void settle_waiting(struct session *session, int error, const char *text)
{
	for (size_t i = 0; i < PENDING_MAX && !session->closed; i++) {
		struct pending *pending = &session->pending[i];
		struct poller_reply reply = {.id = pending->request.id, .error = error};

		if (!pending->used || !pending->waiting)
			continue;
		if (error == GRAPPE_OK)
			reply.error = send_request(pending);
		snprintf(reply.text, sizeof reply.text, "%s", text);
		if (reply.error != GRAPPE_OK)
			finish(pending, &reply);
	}
	if (!session->closed)
		arm_timer(session);
}

/* The agent told who it is. */
static void take_engine(struct session *session, const struct engine_id *engine)
{
	const bool same = engine_id_equal(engine, &session->engine);
	int rc;

	/* The same engine that kept silent: its boots may have begun anew. */
	if (same)
		v3_forget_time(engine);
	else
		v3_forget_user(&session->engine, session->user);
	session->engine = *engine;
	session->alive = true;
	session->silent = 0;
	rc = v3_set_engine(snmp_sess_session(session->handle), engine);
	if (rc != GRAPPE_OK) {
		settle_waiting(session, GRAPPE_EIO, "its user's keys cannot be made");
		return;
	}
	session->sought = false;
	if (!same && session->learned != NULL)
		session->learned(session->context, engine);
	settle_waiting(session, GRAPPE_OK, "");
}

static int on_probe(int operation, netsnmp_session *template, int id, netsnmp_pdu *pdu, void *magic)
{
	struct session *session = magic;
	struct engine_id engine;

	(void)template;
	(void)id;
	if (session->closed || operation == NETSNMP_CALLBACK_OP_RESEND ||
	    operation == NETSNMP_CALLBACK_OP_SEC_ERROR)
		return 1;
	session->probe_ns = 0;
	if (operation == NETSNMP_CALLBACK_OP_TIMED_OUT) {
		settle_waiting(session, GRAPPE_ETIMEOUT, "");
	} else if (operation != NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE || pdu == NULL) {
		settle_waiting(session, GRAPPE_EIO, "");
	} else if (pdu->command != SNMP_MSG_REPORT || pdu->securityEngineIDLen < ENGINE_ID_MIN ||
		   pdu->securityEngineIDLen > ENGINE_ID_MAX) {
		settle_waiting(session, GRAPPE_EFORMAT, "it does not tell a valid engine ID");
	} else {
		engine.length = pdu->securityEngineIDLen;
		memcpy(engine.bytes, pdu->securityEngineID, engine.length);
		take_engine(session, &engine);
	}
	return 1;
}

/* Asks for the engine ID unless that is under way. */
static int send_probe(struct session *session)
{
	static const struct engine_id unknown;
	netsnmp_pdu *pdu;

	if (session->probe_ns != 0)
		return GRAPPE_OK;
	session->sought = true;
	v3_set_engine(snmp_sess_session(session->handle), &unknown);
	pdu = snmp_pdu_create(SNMP_MSG_GET);
	if (pdu == NULL)
		return GRAPPE_EMEMORY;
	pdu->version = SNMP_VERSION_3;
	pdu->securityName = strdup("");
	pdu->securityLevel = SNMP_SEC_LEVEL_NOAUTH;
	pdu->securityModel = SNMP_SEC_MODEL_USM;
	if (snmp_sess_async_send(session->handle, pdu, on_probe, session) == 0) {
		snmp_free_pdu(pdu);
		return GRAPPE_EIO;
	}
	session->probe_ns = clock_monotonic_ns() + session->timeout_ms * CLOCK_MILLISECOND_NS;
	return GRAPPE_OK;
}
