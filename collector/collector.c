/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "collector/collector.h"

#include "collector/agents.h"
#include "collector/collector_settings.h"
#include "collector/engines.h"
#include "collector/inventory.h"
#include "collector/picture.h"
#include "collector/roster.h"
#include "collector/server.h"
#include "collector/session.h"
#include "collector/writer.h"
#include "common/buffer.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/log.h"
#include "common/program.h"
#include "rrd/archive_read.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define TICK_MS 100
#define IN_FLIGHT_MAX 4096    /* SNMP requests to all agents that answer, at a time */
#define SILENT_MAX 1024       /* and to those that do not */
#define ENGINES_PAUSE_S 5     /* between two writes of their file */
#define DRAIN_MS 20000        /* at the end, for what is not yet in the archives */
#define HANDED_PER_TICK 20000 /* updates, so that one tick stays short */
#define OPEN_FILES 65536

struct collector {
	struct collector_settings settings;
	struct archive_layout layout;
	struct event_base *base;
	struct event *tick, *terminate, *interrupt, *hangup;
	const char *config_path;
	struct resolve_endpoint *endpoints;
	struct picture *picture;
	struct inventory *inventory;
	struct archive_reader *reader; /* tells what the archives hold; NULL: nothing yet */
	struct writer *writer;
	struct archive_update *held; /* final, but the writer's queue was full */
	struct agents *agents;
	struct server *server;
	struct engines *engines;
	char inventory_path[PATH_MAX], engines_path[PATH_MAX];
	char state_error[256]; /* present fault of the state directory, "" = none */
	const char *state_error_view;
	int64_t saved_end_s; /* newest period when the inventory was last written */
	int64_t second_s;    /* what is done once a second was done in this one */
	int64_t engines_s;   /* when engine IDs may be written again */
	struct log_complaint state_complaint, engines_complaint, conflict_complaint,
	    memory_complaint;
};

/* ---- what came ---- */

static void on_delivered(void *context, uint32_t agent, struct period *period)
{
	struct collector *collector = context;
	const struct place *place = agents_place(collector->agents, agent);
	const int64_t end_s = period->header.end_s;
	int rc = inventory_update(collector->inventory, place, period);

	if (rc != GRAPPE_OK)
		log_warning("inventory: %s", error_text(rc));
	rc = picture_deliver(collector->picture, agent, period);
	if (rc != GRAPPE_OK)
		log_debug("a period of agent %" PRIu32 " that ends at %" PRId64 " is not taken: %s",
		    agent, end_s, error_text(rc));
	server_poke(collector->server);
}

static void on_lost(void *context, uint32_t agent, int64_t end_s)
{
	struct collector *collector = context;

	picture_lose(collector->picture, agent, end_s);
	server_poke(collector->server);
}

/* ---- to the archives ---- */

/* What the archives hold of a receiver; asked once for each. */
static int64_t last_written(void *context, const char *receiver)
{
	struct collector *collector = context;
	int64_t end_s = 0, length_s;

	if (collector->reader == NULL && archive_reader_open(collector->settings.archive_directory,
					     &collector->reader) != GRAPPE_OK)
		return 0;
	if (archive_read_last(collector->reader, receiver, &end_s, &length_s) != GRAPPE_OK)
		return 0;
	return end_s;
}

/* Hands final updates to the writer until its queue is full. */
static void hand_over(struct collector *collector, unsigned limit)
{
	for (unsigned i = 0; i < limit; i++) {
		int rc;

		if (collector->held == NULL &&
		    picture_next_update(collector->picture, &collector->held) <= 0)
			return;
		rc = writer_submit(collector->writer, collector->held);
		if (rc == GRAPPE_ELIMIT) {
			log_complain(&collector->memory_complaint,
			    "the queue of the archive writer is full: periods wait in memory");
			return;
		}
		if (rc != GRAPPE_OK) {
			log_warning("a period of %s that ends at %" PRId64
				    " cannot be archived: %s",
			    collector->held->receiver, collector->held->end_s, error_text(rc));
			archive_update_free(collector->held);
		}
		collector->held = NULL;
		log_recovered(&collector->memory_complaint, "the archive writer follows again");
	}
}

/* ---- the inventory's file ---- */

static void save_inventory(struct collector *collector)
{
	const int64_t newest_s = picture_newest(collector->picture);

	if (newest_s == collector->saved_end_s || !inventory_is_changed(collector->inventory))
		return;
	collector->saved_end_s = newest_s;
	inventory_forget(
	    collector->inventory, newest_s - collector->settings.inventory_keep_ms / 1000);
	if (file_make_folder(collector->settings.state_directory, 0750) == GRAPPE_OK &&
	    inventory_save(collector->inventory, collector->inventory_path) == GRAPPE_OK) {
		collector->state_error[0] = '\0';
		log_recovered(&collector->state_complaint, "the inventory is written again");
		return;
	}
	snprintf(collector->state_error, sizeof collector->state_error, "%.160s: %.80s",
	    collector->inventory_path, strerror(errno));
	log_complain(&collector->state_complaint,
	    "the inventory cannot be written to %s; it is kept in memory", collector->state_error);
}

/* A file of the state folder that is damaged is kept for people to look at. */
static void set_aside(const char *path, int rc, const char *what)
{
	char aside[PATH_MAX + 8];

	snprintf(aside, sizeof aside, "%s.bad", path);
	log_warning("%s is damaged (%s); it is kept as %s, and %s begins anew", path,
	    error_text(rc), aside, what);
	if (rename(path, aside) != 0)
		log_warning("%s cannot be renamed: %s", path, strerror(errno));
}

static void load_inventory(struct collector *collector)
{
	const char *path = collector->inventory_path;
	size_t skipped;
	const int rc = inventory_load(collector->inventory, path, &skipped);

	if (skipped > 0)
		log_warning("%s: %zu entries make no sense and were left out", path, skipped);
	if (rc == GRAPPE_EIO)
		log_warning("the inventory cannot be read from %s: %s", path, strerror(errno));
	else if (rc != GRAPPE_OK)
		set_aside(path, rc, "the inventory");
}

/* ---- the file of engine IDs ---- */

static void load_engines(struct collector *collector)
{
	const char *path = collector->engines_path;
	const int rc = engines_load(collector->engines, path);

	if (rc == GRAPPE_EIO)
		log_warning("engine IDs cannot be read from %s: %s", path, strerror(errno));
	else if (rc != GRAPPE_OK)
		set_aside(path, rc, "the list of engine IDs");
}

/* What is lost here is asked for again: no reason to call the state failing. */
static void save_engines(struct collector *collector, int64_t now_s)
{
	if (!engines_is_changed(collector->engines) || now_s < collector->engines_s)
		return;
	collector->engines_s = now_s + ENGINES_PAUSE_S;
	if (file_make_folder(collector->settings.state_directory, 0750) == GRAPPE_OK &&
	    engines_save(collector->engines, collector->engines_path) == GRAPPE_OK)
		log_recovered(&collector->engines_complaint, "engine IDs are written again");
	else
		log_complain(&collector->engines_complaint,
		    "engine IDs cannot be written to %s: %s; they are kept in memory",
		    collector->engines_path, strerror(errno));
}

/* ---- time ---- */

static void say_conflict(struct collector *collector)
{
	const struct picture_counts counts = picture_counts(collector->picture);

	if (counts.address_conflicts + counts.vm_conflicts > 0)
		log_complain(&collector->conflict_complaint,
		    "conflict in the newest period: %s "
		    "(%" PRIu64 " addresses, %" PRIu64 " VMs in all)",
		    picture_conflict(collector->picture), counts.address_conflicts,
		    counts.vm_conflicts);
	else
		log_recovered(&collector->conflict_complaint, "no conflicts any more");
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct collector *collector = context;
	const int64_t wall_ns = clock_wall_ns();

	(void)fd;
	(void)what;
	picture_advance(collector->picture, wall_ns);
	agents_tick(collector->agents);
	server_poke(collector->server);
	if (wall_ns / CLOCK_SECOND_NS != collector->second_s) {
		collector->second_s = wall_ns / CLOCK_SECOND_NS;
		hand_over(collector, HANDED_PER_TICK);
		save_inventory(collector);
		save_engines(collector, collector->second_s);
		say_conflict(collector);
	}
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
	struct collector *collector = context;

	(void)what;
	log_info("ends on signal %d", (int)number);
	event_base_loopbreak(collector->base);
}

/* ---- start ---- */

static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= OPEN_FILES)
		return;
	limit.rlim_cur = limit.rlim_max < OPEN_FILES ? limit.rlim_max : OPEN_FILES;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_warning("the limit of open files cannot be raised: %s", strerror(errno));
}

static int make_picture(struct collector *collector)
{
	const struct collector_settings *settings = &collector->settings;
	const struct collector_endpoint_section *sections = settings->endpoints.items;
	const uint32_t length_s = collector_settings_length(settings);
	int64_t memory_s = settings->memory_ms / 1000;
	struct picture_config config = {.length_s = length_s,
	    .history = (uint32_t)settings->history,
	    .deadline_ms = collector_settings_deadline(settings),
	    .last_written = last_written,
	    .context = collector};

	/* Where single periods are kept for less time than that, memory must not reach further. */
	if (memory_s > collector->layout.levels[0].keep_s)
		memory_s = collector->layout.levels[0].keep_s;
	config.slots = (uint32_t)(memory_s / length_s);
	if (config.slots < config.history + 2)
		config.slots = config.history + 2;
	collector->endpoints = calloc(settings->endpoints.count + 1, sizeof *collector->endpoints);
	if (collector->endpoints == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < settings->endpoints.count; i++) {
		struct resolve_endpoint *endpoint = &collector->endpoints[i];

		snprintf(
		    endpoint->id, sizeof endpoint->id, SENDER_ENDPOINT "%s", sections[i].title);
		snprintf(endpoint->segment, sizeof endpoint->segment, "%s", sections[i].segment);
		address_parse(sections[i].address, &endpoint->address);
	}
	config.resolve = (struct resolve_config){.endpoints = collector->endpoints,
	    .nendpoints = settings->endpoints.count,
	    .routed = (const char *const *)settings->routed_segments.items,
	    .nrouted = settings->routed_segments.count};
	collector->picture = picture_new(&config);
	return collector->picture != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

static int add_agents(struct collector *collector)
{
	const struct collector_settings *settings = &collector->settings;
	const struct agents_options options = {
	    .poller = {.length_s = collector_settings_length(settings),
		.history = (uint32_t)settings->history,
		.deadline_ms = collector_settings_deadline(settings),
		.delay_ms = settings->period_ms / 30,
		.spread_ms = settings->period_ms / 15,
		.in_flight = (uint32_t)settings->requests,
		.blocks = (uint32_t)settings->blocks},
	    .timeout_ms = settings->timeout_ms,
	    .in_flight_max = IN_FLIGHT_MAX,
	    .silent_max = SILENT_MAX,
	    .engines = collector->engines,
	    .delivered = on_delivered,
	    .lost = on_lost,
	    .context = collector};

	collector->agents = agents_new(collector->base, &options);
	if (collector->agents == NULL)
		return GRAPPE_EMEMORY;
	return roster_fill(settings, collector->agents, collector->picture);
}

static void on_hangup(evutil_socket_t number, short what, void *context)
{
	struct collector *collector = context;
	struct collector_settings fresh = {0};
	char message[1024];

	(void)number;
	(void)what;
	if (settings_load(&collector_settings_schema, collector->config_path, &fresh, message,
		sizeof message) != GRAPPE_OK) {
		log_error("%s; everything stays as it was", message);
		return;
	}
	roster_renew(&fresh, collector_settings_length(&collector->settings), collector->agents,
	    collector->picture);
	settings_free(&collector_settings_schema, &fresh);
	log_info("%s is read again: %zu agents; other settings wait for the next start",
	    collector->config_path, agents_count(collector->agents));
	server_poke(collector->server);
}

static int start_writer(struct collector *collector)
{
	const struct writer_options options = {.folder = collector->settings.archive_directory,
	    .layout = collector->layout,
	    .floor_bytes = collector->settings.archive_floor,
	    .rrdcached = collector->settings.rrdcached,
	    .commit_ms = collector->settings.rrdcached_commit_ms,
	    .expire_s = collector->settings.archive_expire_ms / 1000};

	return writer_new(&options, &collector->writer);
}

static int start_server(struct collector *collector)
{
	const struct collector_settings *settings = &collector->settings;
	const struct server_options options = {.socket = settings->socket,
	    .clients_max = (unsigned)settings->clients,
	    .source = {.picture = collector->picture,
		.inventory = collector->inventory,
		.has_archive = true,
		.detail_s = collector->layout.levels[0].keep_s},
	    .agents = collector->agents,
	    .writer = collector->writer,
	    .archive_directory = settings->archive_directory,
	    .state_directory = settings->state_directory,
	    .state_error = &collector->state_error_view,
	    .started_s = clock_wall_ns() / CLOCK_SECOND_NS};
	const int rc = server_new(collector->base, &options, &collector->server);

	if (rc == GRAPPE_EEXISTS)
		log_error(
		    "%s: somebody answers there already, or it is no socket", settings->socket);
	else if (rc != GRAPPE_OK)
		log_error("cannot listen on %s: %s", settings->socket, error_text(rc));
	return rc;
}

static int start_events(struct collector *collector)
{
	const struct timeval interval = {.tv_usec = TICK_MS * 1000};

	collector->tick = event_new(collector->base, -1, EV_PERSIST, on_tick, collector);
	collector->terminate = evsignal_new(collector->base, SIGTERM, on_signal, collector);
	collector->interrupt = evsignal_new(collector->base, SIGINT, on_signal, collector);
	collector->hangup = evsignal_new(collector->base, SIGHUP, on_hangup, collector);
	if (collector->tick == NULL || collector->terminate == NULL ||
	    collector->interrupt == NULL || collector->hangup == NULL ||
	    event_add(collector->tick, &interval) != 0 ||
	    event_add(collector->terminate, NULL) != 0 ||
	    event_add(collector->interrupt, NULL) != 0 || event_add(collector->hangup, NULL) != 0)
		return GRAPPE_EMEMORY;
	return GRAPPE_OK;
}

static int start(struct collector *collector)
{
	const struct collector_settings *settings = &collector->settings;
	char message[256];
	int rc;

	rc =
	    archive_layout_configure(collector_settings_length(settings), settings->archive_maximum,
		&settings->archives, &collector->layout, message, sizeof message);
	if (rc != GRAPPE_OK) {
		log_error("%s", message);
		return rc;
	}
	collector->state_error_view = collector->state_error;
	snprintf(collector->inventory_path, sizeof collector->inventory_path, "%s/inventory",
	    settings->state_directory);
	snprintf(collector->engines_path, sizeof collector->engines_path, "%s/engines",
	    settings->state_directory);
	raise_file_limit();
	collector->base = event_base_new();
	collector->inventory = inventory_new();
	collector->engines = engines_new();
	if (collector->base == NULL || collector->inventory == NULL || collector->engines == NULL ||
	    session_start_library() != GRAPPE_OK)
		return GRAPPE_EMEMORY;
	load_inventory(collector);
	load_engines(collector);
	rc = make_picture(collector);
	if (rc == GRAPPE_OK)
		rc = start_writer(collector);
	if (rc == GRAPPE_OK)
		rc = add_agents(collector);
	if (rc == GRAPPE_OK)
		rc = start_server(collector);
	return rc == GRAPPE_OK ? start_events(collector) : rc;
}

/* ---- end ---- */

static void stop(struct collector *collector)
{
	server_free(collector->server);
	agents_free(collector->agents);
	if (collector->picture != NULL && collector->writer != NULL) {
		hand_over(collector, UINT_MAX);
		collector->saved_end_s = 0;
		save_inventory(collector);
		save_engines(collector, INT64_MAX - ENGINES_PAUSE_S);
	}
	writer_free(collector->writer, DRAIN_MS);
	archive_update_free(collector->held);
	archive_reader_close(collector->reader);
	picture_free(collector->picture);
	inventory_free(collector->inventory);
	engines_free(collector->engines);
	free(collector->endpoints);
	if (collector->tick != NULL)
		event_free(collector->tick);
	if (collector->terminate != NULL)
		event_free(collector->terminate);
	if (collector->interrupt != NULL)
		event_free(collector->interrupt);
	if (collector->hangup != NULL)
		event_free(collector->hangup);
	if (collector->base != NULL)
		event_base_free(collector->base);
	settings_free(&collector_settings_schema, &collector->settings);
}

int collector_run(int argc, char **argv)
{
	static struct collector collector;
	const struct program program = {.name = "grappe-collector",
	    .summary = "polls the agents of all hosts and keeps who talks to whom",
	    .operands = "",
	    .default_config = GRAPPE_SYSCONFDIR "/collector.conf",
	    .config_required = true,
	    .schema = &collector_settings_schema,
	    .epilogue = "On SIGHUP the agents of the configuration are read again. Ask with "
			"grappe-query(1).\n",
	    .config_used = &collector.config_path};
	int operand, exit_code, rc;

	if (!program_start(&program, argc, argv, &collector.settings, &operand, &exit_code))
		return exit_code;
	rc = start(&collector);
	if (rc == GRAPPE_OK) {
		log_info("READY: %zu agents, periods of %" PRIu32 " s, socket %s",
		    agents_count(collector.agents), collector_settings_length(&collector.settings),
		    collector.settings.socket);
		event_base_dispatch(collector.base);
	} else {
		log_error("cannot start: %s", error_text(rc));
	}
	stop(&collector);
	return rc == GRAPPE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
