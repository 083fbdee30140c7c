/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/http.h"

#include "common/buffer.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/secret.h"
#include "config.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_BYTES_MAX 65536 /* of all header lines of an answer together */
#define REASON_SIZE 320

struct http_client {
	struct event_base *base; /* not owned */
	CURLM *multi;
	struct event *timer;         /* libcurl's own time-outs */
	struct http_exchange *first; /* all that are under way */
};

struct http_exchange {
	struct http_client *client;
	struct http_exchange *previous, *next;
	CURL *easy;
	struct curl_slist *headers, *route;
	char *body;
	struct buffer answer;
	size_t answer_max;
	size_t headers_bytes;
	const char *too_long; /* what exceeded its limit, or NULL */
	char curl_reason[CURL_ERROR_SIZE];
	http_done *done;
	void *context;
};

/* One socket that libcurl waits for. */
struct http_socket {
	struct event *event;
};

/* ---- what became of it ---- */

static enum http_verdict judge_code(long code)
{
	if (code >= 200 && code <= 299)
		return HTTP_DONE;
	if (code == 408 || code == 429 || (code >= 500 && code <= 599))
		return HTTP_AGAIN;
	return HTTP_REFUSED;
}

/* Failures of the way, or of our own authority file, not of the receiver: nobody took a decision
 * about the request. */
static bool is_transient(CURLcode rc)
{
	static const CURLcode transient[] = {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT,
	    CURLE_OPERATION_TIMEDOUT, CURLE_SSL_CONNECT_ERROR, CURLE_GOT_NOTHING, CURLE_SEND_ERROR,
	    CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_SSL_CACERT_BADFILE};

	for (size_t i = 0; i < sizeof transient / sizeof *transient; i++)
		if (rc == transient[i])
			return true;
	return false;
}

static void explain_code(const struct http_exchange *exchange, long code, char reason[REASON_SIZE])
{
	char raw[81], start[sizeof raw * 3];
	size_t n = exchange->answer.length;

	if (n > sizeof raw - 1)
		n = sizeof raw - 1;
	if (n > 0)
		memcpy(raw, exchange->answer.bytes, n);
	raw[n] = '\0';
	for (char *c = raw; *c != '\0'; c++)
		if (strchr("\t\r\n", *c) != NULL)
			*c = ' ';
	escape_text(raw, ESCAPE_PLAIN, start, sizeof start);
	if (code >= 300 && code <= 399)
		snprintf(reason, REASON_SIZE,
		    "it answered %ld, a redirect; redirects are not followed", code);
	else
		snprintf(
		    reason, REASON_SIZE, "it answered %ld%s%s", code, n > 0 ? ": " : "", start);
}

static enum http_verdict explain_result(
    const struct http_exchange *exchange, CURLcode rc, long code, char reason[REASON_SIZE])
{
	enum http_verdict verdict;

	reason[0] = '\0';
	if (exchange->too_long != NULL) {
		snprintf(reason, REASON_SIZE, "its answer is too long (%s)", exchange->too_long);
		return HTTP_REFUSED;
	}
	if (rc != CURLE_OK) {
		snprintf(reason, REASON_SIZE, "%s",
		    exchange->curl_reason[0] ? exchange->curl_reason : curl_easy_strerror(rc));
		return is_transient(rc) ? HTTP_AGAIN : HTTP_REFUSED;
	}
	verdict = judge_code(code);
	if (verdict != HTTP_DONE)
		explain_code(exchange, code, reason);
	return verdict;
}

/* ---- exchanges ---- */

static void free_exchange(struct http_exchange *exchange)
{
	struct http_client *client = exchange->client;

	if (exchange->previous != NULL)
		exchange->previous->next = exchange->next;
	else if (client->first == exchange)
		client->first = exchange->next;
	if (exchange->next != NULL)
		exchange->next->previous = exchange->previous;
	if (exchange->easy != NULL) {
		curl_multi_remove_handle(client->multi, exchange->easy);
		curl_easy_cleanup(exchange->easy);
	}
	curl_slist_free_all(exchange->headers);
	curl_slist_free_all(exchange->route);
	buffer_deinit(&exchange->answer);
	free(exchange->body);
	free(exchange);
}

const char *http_answer_header(const struct http_result *result, const char *name)
{
	struct curl_header *header;
	size_t place = 0;

	if (result->exchange == NULL || curl_easy_header(result->exchange->easy, name, 0,
					    CURLH_HEADER, -1, &header) != CURLHE_OK)
		return "";
	place = header->amount - 1;
	return curl_easy_header(result->exchange->easy, name, place, CURLH_HEADER, -1, &header) ==
		       CURLHE_OK
		   ? header->value
		   : "";
}

static void finish_exchange(struct http_exchange *exchange, CURLcode rc)
{
	char reason[REASON_SIZE];
	struct http_result result = {.reason = reason, .exchange = exchange};

	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &result.code);
	result.verdict = explain_result(exchange, rc, result.code, reason);
	result.length = exchange->answer.length;
	buffer_put_u8(&exchange->answer, 0);
	if (exchange->answer.error != GRAPPE_OK)
		result.length = 0;
	result.answer =
	    exchange->answer.error == GRAPPE_OK ? (const char *)exchange->answer.bytes : "";
	exchange->done(&result, exchange->context);
	free_exchange(exchange);
}

static void collect_finished(struct http_client *client)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
		const CURLcode rc = message->data.result;
		struct http_exchange *exchange = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
		finish_exchange(exchange, rc);
	}
}

static size_t take_answer(char *bytes, size_t size, size_t count, void *context)
{
	struct http_exchange *exchange = context;
	const size_t length = size * count;

	if (length > exchange->answer_max - exchange->answer.length) {
		exchange->too_long = "body";
		return 0;
	}
	buffer_put(&exchange->answer, bytes, length);
	return exchange->answer.error == GRAPPE_OK ? length : 0;
}

static size_t count_header(char *bytes, size_t size, size_t count, void *context)
{
	struct http_exchange *exchange = context;
	const size_t length = size * count;

	(void)bytes;
	if (length > HEADERS_BYTES_MAX - exchange->headers_bytes) {
		exchange->too_long = "headers";
		return 0;
	}
	exchange->headers_bytes += length;
	return length;
}

/* ---- libcurl in the loop: curl_multi_socket_action(3) ---- */

static void on_socket(evutil_socket_t fd, short what, void *context)
{
	struct http_client *client = context;
	const int flags =
	    (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
	int running;

	curl_multi_socket_action(client->multi, fd, flags, &running);
	collect_finished(client);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct http_client *client = context;
	int running;

	(void)fd;
	(void)what;
	curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect_finished(client);
}

static void forget_socket(struct http_client *client, curl_socket_t fd, struct http_socket *socket)
{
	if (socket == NULL)
		return;
	curl_multi_assign(client->multi, fd, NULL);
	event_free(socket->event);
	free(socket);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int wish, void *context, void *known)
{
	struct http_client *client = context;
	struct http_socket *socket = known;
	const short what = (wish & CURL_POLL_IN ? EV_READ : 0) |
			   (wish & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST;

	(void)easy;
	forget_socket(client, fd, socket);
	if (wish == CURL_POLL_REMOVE)
		return 0;
	socket = calloc(1, sizeof *socket);
	if (socket == NULL)
		return -1;
	socket->event = event_new(client->base, fd, what, on_socket, client);
	if (socket->event == NULL || event_add(socket->event, NULL) != 0) {
		if (socket->event != NULL)
			event_free(socket->event);
		free(socket);
		return -1;
	}
	curl_multi_assign(client->multi, fd, socket);
	return 0;
}

static int set_timer(CURLM *multi, long milliseconds, void *context)
{
	struct http_client *client = context;
	const struct timeval delay = {milliseconds / 1000, (milliseconds % 1000) * 1000};

	(void)multi;
	if (milliseconds < 0)
		return event_del(client->timer);
	return event_add(client->timer, &delay);
}

int http_client_new(struct event_base *base, struct http_client **out)
{
	static bool curl_ready;
	struct http_client *client = calloc(1, sizeof *client);

	*out = NULL;
	if (client == NULL)
		return GRAPPE_EMEMORY;
	/* Of TLS; libcurl is told to leave signals alone. */
	signal(SIGPIPE, SIG_IGN);
	if (!curl_ready)
		curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	client->base = base;
	client->multi = curl_ready ? curl_multi_init() : NULL;
	client->timer = evtimer_new(base, on_timer, client);
	if (client->multi == NULL || client->timer == NULL) {
		http_client_free(client);
		return GRAPPE_EMEMORY;
	}
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	*out = client;
	return GRAPPE_OK;
}

void http_client_free(struct http_client *client)
{
	if (client == NULL)
		return;
	while (client->first != NULL)
		free_exchange(client->first);
	if (client->multi != NULL)
		curl_multi_cleanup(client->multi);
	if (client->timer != NULL)
		event_free(client->timer);
	free(client);
}

/* ---- a request ---- */

static bool add_header(struct http_exchange *exchange, const char *line)
{
	struct curl_slist *list = curl_slist_append(exchange->headers, line);

	if (list == NULL)
		return false;
	exchange->headers = list;
	return true;
}

static int add_headers(struct http_exchange *exchange, const struct http_request *request)
{
	char line[SECRET_SIZE + 32];
	size_t n = 0;

	for (const char *const *header = request->headers; header != NULL && *header; header++)
		if (++n > HTTP_HEADERS_MAX)
			return GRAPPE_ERANGE;
		else if (!add_header(exchange, *header))
			return GRAPPE_EMEMORY;
	/* Without this libcurl waits a second for "100 Continue" before a long body. */
	if (!add_header(exchange, "Expect:"))
		return GRAPPE_EMEMORY;
	if (request->token == NULL || request->token[0] == '\0')
		return GRAPPE_OK;
	if (snprintf(line, sizeof line, "Authorization: Bearer %s", request->token) >=
	    (int)sizeof line)
		return GRAPPE_ERANGE;
	return add_header(exchange, line) ? GRAPPE_OK : GRAPPE_EMEMORY;
}

static int copy_body(struct http_exchange *exchange, const struct http_request *request)
{
	if (request->body == NULL)
		return GRAPPE_OK;
	exchange->body = malloc(request->length + 1);
	if (exchange->body == NULL)
		return GRAPPE_EMEMORY;
	memcpy(exchange->body, request->body, request->length);
	exchange->body[request->length] = '\0';
	return GRAPPE_OK;
}

#define SET(option, value) (ok = ok && curl_easy_setopt(easy, option, value) == CURLE_OK)

static bool is_told(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* Who may be talked to, and how sure it must be that it is them. */
static bool set_trust(CURL *easy, const struct http_request *request)
{
	bool ok = true;

	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (is_told(request->ca_file)) {
		SET(CURLOPT_CAINFO, request->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (is_told(request->login)) {
		SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		SET(CURLOPT_USERPWD, request->login);
	}
	return ok;
}

/* curl_easy_setopt(3), CURLOPT_CONNECT_TO: "::HOST:PORT" stands for whatever the URL names. */
static bool set_route(CURL *easy, struct http_exchange *exchange, const char *address)
{
	char rule[SECRET_SIZE];

	if (!is_told(address))
		return true;
	snprintf(rule, sizeof rule, "::%s", address);
	exchange->route = curl_slist_append(NULL, rule);
	return exchange->route != NULL &&
	       curl_easy_setopt(easy, CURLOPT_CONNECT_TO, exchange->route) == CURLE_OK;
}

/* Anything but asking. */
static bool may_change(const struct http_exchange *exchange, const struct http_request *request)
{
	return is_told(request->method) ? strcmp(request->method, "GET") != 0
					: exchange->body != NULL;
}

static bool set_request(
    CURL *easy, struct http_exchange *exchange, const struct http_request *request)
{
	bool ok = set_trust(easy, request) && set_route(easy, exchange, request->address);

	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_ms);
	SET(CURLOPT_TIMEOUT_MS, (long)request->total_ms);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
	SET(CURLOPT_HTTPHEADER, exchange->headers);
	if (exchange->body != NULL) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->length);
		SET(CURLOPT_POSTFIELDS, exchange->body);
	}
	if (is_told(request->method))
		SET(CURLOPT_CUSTOMREQUEST, request->method);
	/* On a connection of its own, for libcurl by itself sends again what it sent on an old one
	 * that was cut, whether or not it was taken. */
	if (may_change(exchange, request))
		SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_WRITEFUNCTION, take_answer);
	SET(CURLOPT_WRITEDATA, exchange);
	SET(CURLOPT_HEADERFUNCTION, count_header);
	SET(CURLOPT_HEADERDATA, exchange);
	SET(CURLOPT_ERRORBUFFER, exchange->curl_reason);
	SET(CURLOPT_PRIVATE, exchange);
	return ok;
}

#undef SET

static int prepare_exchange(struct http_exchange *exchange, const struct http_request *request)
{
	int rc = add_headers(exchange, request);

	if (rc == GRAPPE_OK)
		rc = copy_body(exchange, request);
	if (rc != GRAPPE_OK)
		return rc;
	exchange->easy = curl_easy_init();
	if (exchange->easy == NULL || !set_request(exchange->easy, exchange, request) ||
	    curl_multi_add_handle(exchange->client->multi, exchange->easy) != CURLM_OK)
		return GRAPPE_EMEMORY;
	return GRAPPE_OK;
}

int http_send(struct http_client *client, const struct http_request *request, http_done *done,
    void *context, struct http_exchange **out)
{
	struct http_exchange *exchange;
	const char *reason;
	int rc;

	if (out != NULL)
		*out = NULL;
	if (!http_check_url(request->url, &reason) ||
	    (is_told(request->address) && !http_check_address(request->address)))
		return GRAPPE_EINVALID;
	if (request->connect_ms <= 0 || request->total_ms <= 0 || request->answer_max == 0)
		return GRAPPE_ERANGE;
	exchange = calloc(1, sizeof *exchange);
	if (exchange == NULL)
		return GRAPPE_EMEMORY;
	exchange->client = client;
	exchange->answer_max = request->answer_max;
	exchange->done = done;
	exchange->context = context;
	buffer_init(&exchange->answer);
	exchange->next = client->first;
	if (client->first != NULL)
		client->first->previous = exchange;
	client->first = exchange;
	rc = prepare_exchange(exchange, request);
	if (rc != GRAPPE_OK)
		free_exchange(exchange);
	else if (out != NULL)
		*out = exchange;
	return rc;
}

void http_cancel(struct http_exchange *exchange)
{
	if (exchange != NULL)
		free_exchange(exchange);
}

/* ---- arguments from people ---- */

static bool has_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	const bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK && text[0] != '\0';

	curl_free(text);
	return there;
}

static const char *find_fault(CURLU *url, const char *text)
{
	char *scheme = NULL;
	bool known;

	if (curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		return "is no URL";
	if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
		return "has no scheme";
	known = strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
	curl_free(scheme);
	if (!known)
		return "is neither http nor https";
	if (!has_part(url, CURLUPART_HOST))
		return "names no host";
	if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
		return "holds a user or password; use a token file";
	return NULL;
}

bool http_check_url(const char *url, const char **reason)
{
	CURLU *parsed = curl_url();

	*reason = parsed == NULL ? "cannot be read without memory" : find_fault(parsed, url);
	curl_url_cleanup(parsed);
	return *reason == NULL;
}

bool http_check_address(const char *address)
{
	const char *colon = strrchr(address, ':'), *close = strrchr(address, ']');
	unsigned long port = 0;
	char *end = NULL;

	if (colon == NULL || colon == address || strlen(address) > 300)
		return false;
	if (address[0] == '[' ? close == NULL || close + 1 != colon
			      : memchr(address, ':', (size_t)(colon - address)) != NULL)
		return false;
	for (const char *c = address; c < colon; c++)
		if (*c <= ' ' || *c >= 127)
			return false;
	if (colon[1] >= '1' && colon[1] <= '9')
		port = strtoul(colon + 1, &end, 10);
	return port > 0 && port <= 65535 && *end == '\0';
}

bool http_is_private(const char *url)
{
	CURLU *parsed = curl_url();
	char *scheme = NULL, *host = NULL;
	bool safe = false;

	if (parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
		struct in_addr address;

		safe =
		    strcmp(scheme, "https") == 0 || strcmp(host, "localhost") == 0 ||
		    strcmp(host, "[::1]") == 0 ||
		    (inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
	}
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(parsed);
	return safe;
}
