/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "collector/server.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/protocol.h"

#include <event2/event.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define READERS_MAX 2  /* threads that read archives at a time */
#define PIECE_ROWS 500 /* of an answer, between looks at what is unsent */
#define READS_MAX 3    /* of one request: memory may lose a period while the archives are read */
#define SOCKET_MODE 0660

struct waiter;

/* A window that a thread reads from the archives. */
struct reading {
	struct waiter *waiter; /* whom it is for; NULL: the client left */
	struct server *server;
	pthread_t thread;
	struct past_request request;
	char select[VM_ID_SIZE];
	struct weighting weighting;
	struct past *past;
	int rc;
	char message[256];
};

/* A request without its answer yet. */
struct waiter {
	struct waiter *next;
	struct server *server;
	struct protocol_exchange *exchange;
	struct protocol_request request;
	struct answer_plan plan;
	int64_t arrived_ns; /* monotonic */
	unsigned reads;
	struct reading *reading; /* NULL: none is running for it */
	struct answer *answer;   /* being given; then `past` is what it stands on */
	struct past *past;
};

struct server {
	struct server_options options;
	struct protocol_server *protocol;
	struct waiter *waiters;
	unsigned readings;
	int wake; /* eventfd: readings that are done come in through `done` */
	struct event *woken;
	pthread_mutex_t lock; /* guards done */
	struct reading *done[READERS_MAX];
	size_t ndone;
};

/* ---- waiters ---- */

static void unlink_waiter(struct waiter *waiter)
{
	struct waiter **at = &waiter->server->waiters;

	while (*at != waiter)
		at = &(*at)->next;
	*at = waiter->next;
	if (waiter->reading != NULL)
		waiter->reading->waiter = NULL;
	answer_free(waiter->answer);
	past_free(waiter->past);
	free(waiter);
}

static void on_gone(struct protocol_exchange *exchange, void *context)
{
	(void)exchange;
	unlink_waiter(context);
}

static void sink_begin(void *context, const struct protocol_answer *header)
{
	protocol_answer_begin(context, header);
}

static void sink_row(void *context, const char *const *fields)
{
	protocol_answer_row(context, fields);
}

static void hand_back(struct waiter *waiter)
{
	struct protocol_answer answer = {.status = STATUS_LATER,
	    .from_s = waiter->plan.from_s,
	    .to_s = waiter->plan.to_s,
	    .length_s = picture_length(waiter->server->options.source.picture),
	    .retry_at_s = waiter->plan.retry_at_s};

	snprintf(answer.error, sizeof answer.error, "%s", waiter->plan.text);
	protocol_answer_begin(waiter->exchange, &answer);
	protocol_answer_end(waiter->exchange);
}

/* Gives rows as long as the client takes them; after the last one the waiter is gone. */
static void on_room(struct protocol_exchange *exchange, void *context)
{
	struct waiter *waiter = context;

	while (protocol_answer_has_room(exchange))
		if (!answer_rows(waiter->answer, PIECE_ROWS)) {
			protocol_answer_end(exchange);
			unlink_waiter(waiter);
			return;
		}
}

/* Begins the answer. past: taken; NULL: all is in memory. The waiter may be gone afterwards. */
static void answer_now(struct waiter *waiter, struct past *past)
{
	const struct answer_sink sink = {sink_begin, sink_row, waiter->exchange};

	waiter->past = past;
	if (answer_begin(&waiter->server->options.source, &waiter->request, &waiter->plan, past,
		&sink, &waiter->answer) != GRAPPE_OK) {
		protocol_answer_error(waiter->exchange, "no memory for the answer");
		unlink_waiter(waiter);
		return;
	}
	protocol_on_room(waiter->exchange, on_room, waiter);
	on_room(waiter->exchange, waiter);
}

/* ---- archives ---- */

static void *read_archives(void *context)
{
	struct reading *reading = context;
	const uint64_t one = 1;

	reading->rc =
	    past_read(&reading->request, &reading->past, reading->message, sizeof reading->message);
	pthread_mutex_lock(&reading->server->lock);
	reading->server->done[reading->server->ndone++] = reading;
	pthread_mutex_unlock(&reading->server->lock);
	if (write(reading->server->wake, &one, sizeof one) < 0)
		return NULL; /* the counter is full, so the loop wakes anyway */
	return NULL;
}

/* Starts a thread for the waiter's window; false: it must wait for a free one. */
static bool start_reading(struct waiter *waiter)
{
	struct server *server = waiter->server;
	struct reading *reading;

	if (server->readings >= READERS_MAX)
		return false;
	reading = calloc(1, sizeof *reading);
	if (reading == NULL)
		return false;
	*reading = (struct reading){.waiter = waiter,
	    .server = server,
	    .request = {.folder = server->options.archive_directory,
		.from_s = waiter->plan.from_s,
		.to_s = waiter->plan.memory_from_s,
		.length_s = picture_length(server->options.source.picture),
		.detail = waiter->request.kind == KIND_DETAIL,
		.weighting = waiter->request.kind == KIND_WEIGHTED ? &reading->weighting : NULL,
		.select = reading->select},
	    .weighting = {.ratio = waiter->request.ratio,
		.from_s = waiter->plan.from_s,
		.to_s = waiter->plan.to_s,
		.length_s = picture_length(server->options.source.picture)}};
	snprintf(reading->select, sizeof reading->select, "%s", waiter->plan.select);
	if (pthread_create(&reading->thread, NULL, read_archives, reading) != 0) {
		free(reading);
		return false;
	}
	waiter->reading = reading;
	waiter->reads++;
	server->readings++;
	return true;
}

/* Whether memory still holds what the plan wants from it. */
static bool is_still_in_memory(const struct waiter *waiter)
{
	const struct picture *picture = waiter->server->options.source.picture;

	return waiter->plan.memory_from_s >= waiter->plan.to_s ||
	       picture_has(picture, waiter->plan.memory_from_s + picture_length(picture));
}

static void finish_reading(struct reading *reading)
{
	struct waiter *waiter = reading->waiter;

	if (waiter != NULL) {
		waiter->reading = NULL;
		reading->waiter = NULL;
		if (reading->rc != GRAPPE_OK) {
			protocol_answer_error(waiter->exchange, "%s", reading->message);
			unlink_waiter(waiter);
		} else if (is_still_in_memory(waiter)) {
			if (reading->past->unreadable > 0)
				log_warning("%zu damaged archives were left out of an answer",
				    reading->past->unreadable);
			answer_now(waiter, reading->past);
			reading->past = NULL;
		} else if (waiter->reads >= READS_MAX) {
			protocol_answer_error(
			    waiter->exchange, "the archives could not be read in time");
			unlink_waiter(waiter);
		}
	}
	past_free(reading->past);
	free(reading);
}

/* Takes the readings that are done; their threads have nothing left to do. */
static void take_readings(struct server *server)
{
	struct reading *done[READERS_MAX];
	size_t ndone;

	pthread_mutex_lock(&server->lock);
	ndone = server->ndone;
	memcpy(done, server->done, ndone * sizeof *done);
	server->ndone = 0;
	pthread_mutex_unlock(&server->lock);
	for (size_t i = 0; i < ndone; i++) {
		pthread_join(done[i]->thread, NULL);
		server->readings--;
		finish_reading(done[i]);
	}
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
	struct server *server = context;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof count) > 0)
		take_readings(server);
	server_poke(server);
}

/* ---- matrix ---- */

/* Answers the waiter if it can be; it is gone then. */
static void try_waiter(struct waiter *waiter)
{
	const struct answer_source *source = &waiter->server->options.source;
	const int64_t waited_ms =
	    (clock_monotonic_ns() - waiter->arrived_ns) / CLOCK_MILLISECOND_NS;

	if (waiter->reading != NULL || waiter->answer != NULL)
		return;
	answer_plan(source, &waiter->request, waited_ms, clock_wall_ns(), &waiter->plan);
	switch (waiter->plan.verdict) {
	case ANSWER_WAIT:
		return;
	case ANSWER_LATER:
		hand_back(waiter);
		break;
	case ANSWER_REFUSED:
		protocol_answer_error(waiter->exchange, "%s", waiter->plan.text);
		break;
	case ANSWER_READY:
		if (waiter->plan.from_s < waiter->plan.memory_from_s) {
			start_reading(waiter);
			return;
		}
		answer_now(waiter, NULL);
		return;
	}
	unlink_waiter(waiter);
}

void server_poke(struct server *server)
{
	struct waiter *next;

	for (struct waiter *waiter = server->waiters; waiter != NULL; waiter = next) {
		next = waiter->next;
		try_waiter(waiter);
	}
}

static void take_matrix(struct server *server, struct protocol_exchange *exchange,
    const struct protocol_request *request)
{
	struct waiter *waiter = calloc(1, sizeof *waiter);

	if (waiter == NULL) {
		protocol_answer_error(exchange, "no memory for the request");
		return;
	}
	waiter->server = server;
	waiter->exchange = exchange;
	waiter->request = *request;
	waiter->arrived_ns = clock_monotonic_ns();
	waiter->next = server->waiters;
	server->waiters = waiter;
	protocol_on_gone(exchange, on_gone, waiter);
	/* "The newest" is the newest when it was asked for, however long the wait. */
	if (waiter->request.to_s == 0) {
		const int64_t length_s = picture_length(server->options.source.picture);

		waiter->request.to_s = clock_wall_ns() / CLOCK_SECOND_NS / length_s * length_s;
	}
	picture_advance(server->options.source.picture, clock_wall_ns());
	try_waiter(waiter);
}

/* ---- inventory ---- */

static const char *join_addresses(const struct inventory_vm *vm, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < vm->naddresses && used + ADDRESS_TEXT_SIZE + 1 < size; i++) {
		char address[ADDRESS_TEXT_SIZE];

		used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? " " : "",
		    address_format(&vm->addresses[i].address, address));
	}
	return used > 0 ? text : "-";
}

static void answer_vm(struct protocol_exchange *exchange, const struct inventory_vm *vm)
{
	char vcpu[24] = "-", memory[24] = "-", since[24], seen[24];
	char addresses[INVENTORY_ADDRESSES_MAX * ADDRESS_TEXT_SIZE];
	const char *fields[] = {vm->id, vm->name, vm->place.host, vm->place.environment,
	    vm->segments, vcpu, memory, join_addresses(vm, addresses, sizeof addresses), since,
	    seen, vm->application[0] != '\0' ? vm->application : "-"};

	if (vm->vcpu > 0)
		snprintf(vcpu, sizeof vcpu, "%" PRIu32, vm->vcpu);
	if (vm->memory_bytes > 0)
		snprintf(memory, sizeof memory, "%" PRIu64, vm->memory_bytes);
	snprintf(since, sizeof since, "%" PRId64, vm->since_s);
	snprintf(seen, sizeof seen, "%" PRId64, vm->seen_s);
	protocol_answer_row(exchange, fields);
}

static void answer_inventory(struct server *server, struct protocol_exchange *exchange,
    const struct protocol_request *request)
{
	const struct inventory *inventory = server->options.source.inventory;
	const int64_t newest_s = picture_newest(server->options.source.picture);
	const struct protocol_answer answer = {.status = STATUS_OK,
	    .exact = true,
	    .to_s = newest_s,
	    .length_s = picture_length(server->options.source.picture),
	    .columns = protocol_columns_inventory};

	protocol_answer_begin(exchange, &answer);
	for (size_t i = 0; i < inventory_count(inventory); i++) {
		const struct inventory_vm *vm = inventory_at(inventory, i);

		if (request->select[0] == '\0' || strcmp(request->select, vm->id) == 0 ||
		    strcmp(request->select, vm->name) == 0)
			answer_vm(exchange, vm);
	}
	protocol_answer_end(exchange);
}

/* ---- status ---- */

static const char *const state_words[] = {
    [POLLER_NEW] = "new", [POLLER_UP] = "up", [POLLER_DOWN] = "down", [POLLER_REFUSED] = "refused"};

static const char *clock_word(uint32_t flags)
{
	if (flags & PERIOD_CLOCK_STEPPED)
		return "stepped";
	return flags & PERIOD_CLOCK_UNSYNCED ? "unsynchronised" : "ok";
}

static json_t *text_json(const char *text)
{
	json_t *string = json_string(text);

	return string != NULL ? string : json_string("");
}

static json_t *recent_json(const struct recent_sums *recent)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I}", "periods", (json_int_t)recent->periods, "packets",
	    (json_int_t)recent->packets, "drops", (json_int_t)recent->drops, "other",
	    (json_int_t)recent->other, "unmatched", (json_int_t)recent->unmatched);
}

static json_t *agents_json(const struct agents *agents, unsigned *up)
{
	json_t *list = json_array();

	*up = 0;
	for (size_t i = 0; i < agents_count(agents); i++) {
		const struct agents_view view = agents_at(agents, i);

		*up += view.status.state == POLLER_UP;
		json_array_append_new(
		    list, json_pack("{s:o,s:o,s:o,s:o,s:s,s:I,s:I,s:I,s:I,s:I,s:o,s:s,s:o}", "name",
			      text_json(view.name), "host", text_json(view.place.host),
			      "environment", text_json(view.place.environment), "address",
			      text_json(view.address), "state", state_words[view.status.state],
			      "last_end", (json_int_t)view.status.last_end_s, "missed",
			      (json_int_t)view.status.missed, "lost", (json_int_t)view.status.lost,
			      "timeouts", (json_int_t)view.status.timeouts, "drops",
			      (json_int_t)view.drops, "recent", recent_json(&view.recent), "clock",
			      clock_word(view.flags), "error", text_json(view.status.error)));
	}
	return list;
}

static json_t *archive_json(const struct server *server)
{
	struct writer_status status;

	writer_get_status(server->options.writer, &status);
	return json_pack("{s:o,s:s,s:o,s:I,s:I,s:I,s:I}", "folder",
	    text_json(server->options.archive_directory), "state",
	    status.failing ? "failing" : "ok", "error", text_json(status.error), "written_end",
	    (json_int_t)status.written_end_s, "queue", (json_int_t)status.queue, "failures",
	    (json_int_t)status.failures, "lost", (json_int_t)status.lost);
}

static json_t *counts_json(const struct picture *picture)
{
	const struct picture_counts counts = picture_counts(picture);

	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "delivered",
	    (json_int_t)counts.delivered, "lost", (json_int_t)counts.lost, "refused",
	    (json_int_t)counts.refused, "updates", (json_int_t)counts.updates, "evicted",
	    (json_int_t)counts.evicted, "address_conflicts", (json_int_t)counts.address_conflicts,
	    "vm_conflicts", (json_int_t)counts.vm_conflicts, "foreign_sent",
	    (json_int_t)counts.foreign_sent);
}

/* The newest period that is in, and what it holds. */
static int64_t newest_in(struct picture *picture, size_t *vms, size_t *pairs)
{
	int64_t end_s = picture_newest(picture);
	const struct resolved *view;

	*vms = *pairs = 0;
	while (end_s > 0 && picture_has(picture, end_s) &&
	       !picture_is_in(picture, end_s, clock_wall_ns()))
		end_s -= picture_length(picture);
	view = picture_has(picture, end_s) ? picture_view(picture, end_s) : NULL;
	for (size_t i = 0; view != NULL && i < view->nreceivers; i++)
		*vms += identity_is_vm(resolve_id(view, &view->receivers[i]));
	if (view != NULL)
		*pairs = view->nrows;
	return end_s;
}

/* The newest complete period, and how many of the last hour's are, as far as memory reaches. */
static json_t *hour_json(const struct picture *picture, int64_t newest_s, int64_t *complete_s)
{
	const int64_t length_s = picture_length(picture);
	json_int_t periods = 0, complete = 0;

	*complete_s = 0;
	for (int64_t end_s = newest_s; end_s > 0 && picture_has(picture, end_s) &&
				       (*complete_s == 0 || end_s > newest_s - 3600);
	     end_s -= length_s) {
		const bool is_complete = picture_is_complete(picture, end_s);

		if (is_complete && *complete_s == 0)
			*complete_s = end_s;
		if (end_s <= newest_s - 3600 || picture_missing(picture, end_s).expected == 0)
			continue;
		periods++;
		complete += is_complete;
	}
	return json_pack("{s:I,s:I}", "periods", periods, "complete", complete);
}

/* What this process has resident, in bytes; 0 = not known. */
static json_int_t memory_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long long pages = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%*d %lld", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}

static void answer_status(struct server *server, struct protocol_exchange *exchange)
{
	struct picture *picture = server->options.source.picture;
	const char *state_error = *server->options.state_error;
	size_t vms, pairs;
	const int64_t newest_s = newest_in(picture, &vms, &pairs);
	int64_t complete_s;
	json_t *hour = hour_json(picture, newest_s, &complete_s);
	unsigned up;
	json_t *agents = agents_json(server->options.agents, &up);
	struct protocol_answer answer = {.status = STATUS_OK,
	    .exact = true,
	    .to_s = newest_s,
	    .length_s = picture_length(picture)};

	answer.data = json_pack(
	    "{s:s,s:s,s:I,s:I,s:I,s:b,s:I,s:o,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:{s:o,s:s,s:o},s:o}",
	    "program", "grappe-collector", "version", PACKAGE_VERSION, "started",
	    (json_int_t)server->options.started_s, "length", (json_int_t)picture_length(picture),
	    "newest_end", (json_int_t)newest_s, "newest_complete",
	    picture_is_complete(picture, newest_s), "complete_end", (json_int_t)complete_s, "hour",
	    hour, "agents", agents, "agents_up", (json_int_t)up, "agents_total",
	    (json_int_t)agents_count(server->options.agents), "vms", (json_int_t)vms, "pairs",
	    (json_int_t)pairs, "drops", (json_int_t)agents_drops(server->options.agents),
	    "memory_bytes", memory_bytes(), "archive", archive_json(server), "state", "folder",
	    text_json(server->options.state_directory), "state",
	    state_error[0] != '\0' ? "failing" : "ok", "error", text_json(state_error), "counts",
	    counts_json(picture));
	if (answer.data == NULL) {
		protocol_answer_error(exchange, "no memory for the answer");
		return;
	}
	protocol_answer_begin(exchange, &answer);
	protocol_answer_end(exchange);
	json_decref(answer.data);
}

/* ---- life ---- */

static void on_request(
    struct protocol_exchange *exchange, const struct protocol_request *request, void *context)
{
	struct server *server = context;

	switch (request->op) {
	case OP_MATRIX:
		take_matrix(server, exchange, request);
		break;
	case OP_INVENTORY:
		answer_inventory(server, exchange, request);
		break;
	case OP_STATUS:
		answer_status(server, exchange);
		break;
	default:
		protocol_answer_error(exchange,
		    "grappe-collector answers status, matrix and inventory; recommendations are "
		    "grappe-manager's");
	}
}

int server_new(struct event_base *base, const struct server_options *options, struct server **out)
{
	struct server *server = calloc(1, sizeof *server);
	int rc = GRAPPE_EMEMORY;

	*out = NULL;
	if (server == NULL)
		return GRAPPE_EMEMORY;
	server->options = *options;
	pthread_mutex_init(&server->lock, NULL);
	server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->wake < 0)
		rc = GRAPPE_EIO;
	else
		server->woken =
		    event_new(base, server->wake, EV_READ | EV_PERSIST, on_wake, server);
	if (server->woken != NULL && event_add(server->woken, NULL) == 0)
		rc = protocol_server_new(base, options->socket, SOCKET_MODE, options->clients_max,
		    on_request, server, &server->protocol);
	if (rc != GRAPPE_OK) {
		server_free(server);
		return rc;
	}
	*out = server;
	return GRAPPE_OK;
}

void server_free(struct server *server)
{
	if (server == NULL)
		return;
	/* Clients that wait are gone with it, and with them their waiters. */
	protocol_server_free(server->protocol);
	while (server->readings > 0) {
		const struct timespec pause = {.tv_nsec = 10000000};

		take_readings(server);
		if (server->readings > 0)
			nanosleep(&pause, NULL);
	}
	if (server->woken != NULL)
		event_free(server->woken);
	if (server->wake >= 0)
		close(server->wake);
	pthread_mutex_destroy(&server->lock);
	free(server);
}
