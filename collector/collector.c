/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "collector/collector.h"

#include "collector/agents.h"
#include "collector/collector_settings.h"
#include "collector/inventory.h"
#include "collector/picture.h"
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
#define IN_FLIGHT_MAX 1024    /* SNMP requests to all agents at a time */
#define DRAIN_MS 20000        /* at the end, for what is not yet in the archives */
#define HANDED_PER_TICK 20000 /* updates, so that one tick stays short */
#define COMMUNITY_FILE_MAX 4096
#define COMMUNITY_SIZE 256
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
	char inventory_path[PATH_MAX];
	char state_error[256]; /* present fault of the state directory, "" = none */
	const char *state_error_view;
	int64_t saved_end_s; /* newest period when the inventory was last written */
	int64_t second_s;    /* what is done once a second was done in this one */
	struct log_complaint state_complaint, conflict_complaint, memory_complaint;
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

static void load_inventory(struct collector *collector)
{
	const char *path = collector->inventory_path;
	char aside[PATH_MAX + 8];
	size_t skipped;
	const int rc = inventory_load(collector->inventory, path, &skipped);

	if (skipped > 0)
		log_warning("%s: %zu entries make no sense and were left out", path, skipped);
	if (rc == GRAPPE_OK)
		return;
	if (rc == GRAPPE_EIO) {
		log_warning("the inventory cannot be read from %s: %s", path, strerror(errno));
		return;
	}
	snprintf(aside, sizeof aside, "%s.bad", path);
	log_warning("%s is damaged (%s); it is kept as %s, and the inventory begins anew", path,
	    error_text(rc), aside);
	if (rename(path, aside) != 0)
		log_warning("%s cannot be renamed: %s", path, strerror(errno));
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

/* The first line of the file into community. */
static int read_community(const char *path, char *community, size_t size)
{
	struct buffer file;
	const int rc = file_read(path, COMMUNITY_FILE_MAX, &file);
	const char *bytes = (const char *)file.bytes;
	size_t length = 0;

	while (length < file.length && bytes[length] != '\n' && bytes[length] != '\r')
		length++;
	if (rc == GRAPPE_OK && length > 0 && length < size)
		snprintf(community, size, "%.*s", (int)length, bytes);
	buffer_deinit(&file);
	if (rc != GRAPPE_OK)
		return rc;
	return length > 0 && length < size ? GRAPPE_OK : GRAPPE_EFORMAT;
}

/* What the section says of the agent; community: room for one that is read from a file. */
static int describe_agent(const struct collector_agent_section *section, char *community,
    size_t size, struct agents_config *config)
{
	int rc;

	*config = (struct agents_config){
	    .name = section->title, .address = section->address, .community = section->community};
	if (section->community_file[0] != '\0') {
		rc = read_community(section->community_file, community, size);
		if (rc != GRAPPE_OK) {
			log_error("agent %s: no community in %s: %s", section->title,
			    section->community_file, error_text(rc));
			return rc;
		}
		config->community = community;
	}
	snprintf(config->place.host, sizeof config->place.host, "%s",
	    section->host[0] != '\0' ? section->host : section->title);
	snprintf(config->place.environment, sizeof config->place.environment, "%s",
	    section->environment);
	return GRAPPE_OK;
}

static int add_agent(struct collector *collector, const struct agents_config *config)
{
	const int number = picture_add_agent(collector->picture, config->first_end_s);

	if (number < 0)
		return number;
	return agents_add(collector->agents, (uint32_t)number, config);
}

static int add_agents(struct collector *collector)
{
	const struct collector_settings *settings = &collector->settings;
	const struct collector_agent_section *sections = settings->agents.items;
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
	    .delivered = on_delivered,
	    .lost = on_lost,
	    .context = collector};
	int rc = GRAPPE_OK;

	collector->agents = agents_new(collector->base, &options);
	if (collector->agents == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < settings->agents.count && rc == GRAPPE_OK; i++) {
		char community[COMMUNITY_SIZE];
		struct agents_config config;

		rc = describe_agent(&sections[i], community, sizeof community, &config);
		if (rc == GRAPPE_OK)
			rc = add_agent(collector, &config);
	}
	if (settings->agents.count == 0)
		log_warning("no agent is configured: nothing will be polled");
	return rc;
}

/* ---- a configuration that changed ---- */

static bool same_agent(const struct agents_view *view, const struct agents_config *config)
{
	return strcmp(view->name, config->name) == 0 &&
	       strcmp(view->address, config->address) == 0 &&
	       strcmp(view->community, config->community) == 0 &&
	       strcmp(view->place.host, config->place.host) == 0 &&
	       strcmp(view->place.environment, config->place.environment) == 0;
}

/* Keeps the agents that stay as they are, in `kept` by their place in the list of agents; adds the
 * others. */
static void add_new_agents(
    struct collector *collector, const struct settings_sections *sections, bool *kept, size_t count)
{
	const struct collector_agent_section *items = sections->items;
	const int64_t length_s = collector_settings_length(&collector->settings);

	for (size_t i = 0; i < sections->count; i++) {
		char community[COMMUNITY_SIZE];
		struct agents_config config;
		bool found = false;

		if (describe_agent(&items[i], community, sizeof community, &config) != GRAPPE_OK)
			continue;
		for (size_t j = 0; j < count && !found; j++) {
			const struct agents_view view = agents_at(collector->agents, j);

			found = same_agent(&view, &config);
			kept[j] = kept[j] || found;
		}
		if (found)
			continue;
		config.first_end_s = clock_period_end(clock_wall_ns(), length_s);
		if (add_agent(collector, &config) == GRAPPE_OK)
			log_info("agent %s (%s) is new", config.name, config.address);
		else
			log_error("agent %s (%s) cannot be added", config.name, config.address);
	}
}

/* C-1: agents come and go while the collector runs. */
static void reload_agents(struct collector *collector, const struct settings_sections *sections)
{
	const size_t count = agents_count(collector->agents);
	bool *kept = calloc(count + 1, sizeof *kept);

	if (kept == NULL)
		return;
	add_new_agents(collector, sections, kept, count);
	for (size_t i = count; i > 0; i--) {
		const struct agents_view view = agents_at(collector->agents, i - 1);

		if (kept[i - 1])
			continue;
		log_info("agent %s (%s) is not polled any more", view.name, view.address);
		picture_remove_agent(collector->picture, view.number);
		agents_remove(collector->agents, view.number);
	}
	free(kept);
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
	reload_agents(collector, &fresh.agents);
	settings_free(&collector_settings_schema, &fresh);
	log_info("%s is read again: %zu agents; other settings wait for the next start",
	    collector->config_path, agents_count(collector->agents));
	server_poke(collector->server);
}

static int start_writer(struct collector *collector)
{
	const struct writer_options options = {.folder = collector->settings.archive_directory,
	    .layout = collector->layout,
	    .floor_bytes = collector->settings.archive_floor};

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
	raise_file_limit();
	session_start_library();
	collector->base = event_base_new();
	collector->inventory = inventory_new();
	if (collector->base == NULL || collector->inventory == NULL)
		return GRAPPE_EMEMORY;
	load_inventory(collector);
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
	}
	writer_free(collector->writer, DRAIN_MS);
	archive_update_free(collector->held);
	archive_reader_close(collector->reader);
	picture_free(collector->picture);
	inventory_free(collector->inventory);
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
