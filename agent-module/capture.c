/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/capture.h"

#include "agent-module/account.h"
#include "agent-module/backend.h"
#include "agent-module/capture_rights.h"
#include "agent-module/domain_inbox.h"
#include "agent-module/libvirt_child.h"
#include "agent-module/netlink.h"
#include "agent-module/period_store.h"
#include "agent-module/ports.h"
#include "agent-module/savefile.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define TICK_MS 1000                          /* the clock is looked at so often */
#define LIBVIRT_WAIT_NS (3 * CLOCK_SECOND_NS) /* for its first list */
#define STOP_MS 250 /* from the signal to the end: until the last block of each ring has come */

struct capture {
	const struct capture_settings *settings;
	struct address endpoints[CAPTURE_ENDPOINTS_MAX];
	size_t nendpoints;
	struct discover_sources sources;
	struct discover *discover;    /* owned, as all below */
	struct domain_inbox *domains; /* NULL without libvirt */
	struct netlink *netlink;
	struct account *account;
	struct backend *backend;
	struct ports *ports;
	struct period_store *store;
	struct period *unfinished; /* of an earlier run, to be merged into the period of its end */
	bool merged;               /* it was; its file goes once all that waits is written */
	struct period **waiting;   /* closed, but could not be written yet; oldest first */
	size_t nwaiting;
	struct event_base *base;
	struct event *timer, *netlink_event, *domains_event, *term, *interrupt, *stop;
	struct clock_sync sync;
	bool follow_again;  /* the last plan could not be carried out completely */
	bool dump_again;    /* events were lost */
	bool await_domains; /* libvirtd is there: its first list comes soon */
	int64_t stop_ns;    /* 0 while running */
	struct log_complaint write_complaint, netlink_complaint, clock_complaint, libvirt_complaint;
};

/* ---- publishing ---- */

/* An earlier run's part of the same period joins it. */
static void merge_unfinished(struct capture *capture, struct period *period)
{
	int rc;

	if (capture->unfinished == NULL ||
	    capture->unfinished->header.end_s != period->header.end_s)
		return;
	rc = period_store_merge(period, capture->unfinished);
	if (rc != GRAPPE_OK)
		log_error("period %" PRId64 ": the part counted before the restart is lost: %s",
		    period->header.end_s, error_text(rc));
	period_free(capture->unfinished);
	capture->unfinished = NULL;
	capture->merged = true;
}

static void tell_published(const struct period *period)
{
	log_debug("period %" PRId64 " published: %zu vifs, %zu rows, flags %" PRIx32 ", %" PRIu64
		  " dropped, %" PRIu64 " unmatched",
	    period->header.end_s, period->nvifs, period->nrows, period->header.flags,
	    period->header.dropped_packets, period->header.unmatched_packets);
	if (period->header.dropped_packets > 0)
		log_warning(
		    "period %" PRId64 ": %" PRIu64
		    " packets were lost before they could be counted; a larger buffer_total helps",
		    period->header.end_s, period->header.dropped_packets);
}

/* Writes the oldest waiting period. Returns false when it has to wait on. */
static bool publish_oldest(struct capture *capture)
{
	struct period *period = capture->waiting[0];
	const int rc = period_store_publish(capture->store, period);

	if (rc == GRAPPE_EIO) {
		log_complain(&capture->write_complaint,
		    "cannot write period %" PRId64 " into %s: %s; "
		    "it is kept in memory",
		    period->header.end_s, capture->settings->periods_directory, strerror(errno));
		return false;
	}
	if (rc == GRAPPE_OK) {
		log_recovered(&capture->write_complaint, "periods are written again");
		tell_published(period);
	} else {
		log_warning("period %" PRId64 " is not published: %s", period->header.end_s,
		    rc == GRAPPE_EEXISTS ? "an earlier run has published it" : error_text(rc));
	}
	period_free(period);
	capture->nwaiting--;
	memmove(
	    capture->waiting, capture->waiting + 1, capture->nwaiting * sizeof *capture->waiting);
	if (capture->merged && capture->nwaiting == 0) {
		period_store_remove_unfinished(capture->store);
		capture->merged = false;
	}
	return true;
}

/* Takes over a closed period and writes what can be written. */
static void publish(struct capture *capture, struct period *period)
{
	merge_unfinished(capture, period);
	if (capture->nwaiting == (size_t)capture->settings->periods_kept) {
		log_error("period %" PRId64 " is lost: it could not be written for too long",
		    capture->waiting[0]->header.end_s);
		period_free(capture->waiting[0]);
		capture->nwaiting--;
		memmove(capture->waiting, capture->waiting + 1,
		    capture->nwaiting * sizeof *capture->waiting);
	}
	capture->waiting[capture->nwaiting++] = period;
}

static void write_waiting(struct capture *capture)
{
	while (capture->nwaiting > 0 && publish_oldest(capture))
		;
}

/* ---- discovery ---- */

static void on_link(void *context, const struct netlink_link *link)
{
	struct capture *capture = context;
	const int rc = discover_link(capture->discover, link);

	if (rc != GRAPPE_OK)
		log_complain(&capture->netlink_complaint, "interface %s is ignored: %s", link->name,
		    error_text(rc));
}

static void on_pvid(void *context, const struct netlink_pvid *pvid)
{
	const struct capture *capture = context;

	discover_pvid(capture->discover, pvid);
}

static void on_station(void *context, const struct netlink_station *station)
{
	struct capture *capture = context;
	const int rc = discover_station(capture->discover, station);

	if (rc != GRAPPE_OK)
		log_complain(&capture->netlink_complaint,
		    "a MAC address on a bridge is ignored: %s", error_text(rc));
}

static struct netlink_sink sink_of(struct capture *capture)
{
	return (struct netlink_sink){
	    .link = on_link, .pvid = on_pvid, .station = on_station, .context = capture};
}

static int dump_all(struct capture *capture)
{
	const struct netlink_sink sink = sink_of(capture);
	int rc;

	discover_begin_dump(capture->discover);
	rc = netlink_dump_links(capture->netlink, &sink);
	if (rc == GRAPPE_OK)
		discover_end_dump(capture->discover);
	if (rc == GRAPPE_OK)
		rc = netlink_dump_pvids(capture->netlink, &sink);
	if (rc == GRAPPE_OK)
		rc = netlink_dump_stations(capture->netlink, &sink);
	capture->dump_again = rc != GRAPPE_OK;
	if (rc == GRAPPE_OK)
		log_recovered(&capture->netlink_complaint, "interfaces are known again");
	else
		log_complain(
		    &capture->netlink_complaint, "cannot list interfaces: %s", error_text(rc));
	return rc;
}

static void follow(struct capture *capture)
{
	struct discover_plan plan;

	if (discover_plan(capture->discover, &plan) == GRAPPE_OK)
		capture->follow_again = !ports_follow(capture->ports, &plan);
	else
		capture->follow_again = true;
	discover_plan_deinit(&plan);
}

static void read_links(struct capture *capture)
{
	const struct netlink_sink sink = sink_of(capture);

	/* Whatever is wrong with the events, a dump brings us up to date. */
	if (netlink_read(capture->netlink, &sink) != GRAPPE_OK)
		(void)dump_all(capture);
}

static void on_netlink(evutil_socket_t fd, short what, void *context)
{
	struct capture *capture = context;

	(void)fd;
	(void)what;
	read_links(capture);
	follow(capture);
}

/* ---- libvirt ---- */

static struct libvirt_options libvirt_options(const struct capture_settings *settings)
{
	return (struct libvirt_options){.uri = settings->libvirt_uri,
	    .user = settings->libvirt_user,
	    .interval_s = (int)(settings->libvirt_interval_ms / 1000),
	    .wait = settings->libvirt == LIBVIRT_AUTO};
}

static void tell_libvirt(struct capture *capture, int rc)
{
	const char *trouble = domain_inbox_trouble(capture->domains);

	if (rc < 0)
		log_complain(&capture->libvirt_complaint, "what libvirt told is not understood: %s",
		    error_text(rc));
	else if (trouble[0] != '\0')
		log_complain(&capture->libvirt_complaint,
		    "libvirt does not answer, the VMs known last stay: %s", trouble);
	else
		log_recovered(&capture->libvirt_complaint, "libvirt tells its VMs again");
}

/* Takes what libvirt told. Returns whether there is a new list. */
static bool take_domains(struct capture *capture)
{
	int rc = domain_inbox_read(capture->domains);
	const bool is_new = rc == 1;
	const struct domain *list;
	size_t count;

	if (rc == GRAPPE_EIO) {
		log_error("the process that asks libvirt has ended: the VMs known last stay");
		event_del(capture->domains_event);
		return false;
	}
	list = domain_inbox_list(capture->domains, &count);
	if (rc == 1)
		rc = discover_domains(capture->discover, list, count);
	tell_libvirt(capture, rc);
	return is_new && rc == GRAPPE_OK;
}

static void on_domains(evutil_socket_t fd, short what, void *context)
{
	struct capture *capture = context;

	(void)fd;
	(void)what;
	if (!take_domains(capture))
		return;
	/* The interface of a VM that has ended is gone too: else it would be one of nobody's. */
	read_links(capture);
	follow(capture);
}

/* Waits for the first list, so that VMs are not known by their MACs first. */
static void await_domains(struct capture *capture)
{
	const int64_t until_ns = clock_monotonic_ns() + LIBVIRT_WAIT_NS;
	struct pollfd waiting;

	if (capture->domains == NULL || !capture->await_domains)
		return;
	waiting = (struct pollfd){.fd = domain_inbox_fd(capture->domains), .events = POLLIN};
	while (clock_monotonic_ns() < until_ns &&
	       (poll(&waiting, 1, 100) <= 0 || !take_domains(capture)))
		if (domain_inbox_trouble(capture->domains)[0] != '\0')
			return;
}

/* Returns false (logged) when libvirt is demanded and not to be had. */
static bool start_libvirt(struct capture *capture)
{
	const struct libvirt_options options = libvirt_options(capture->settings);
	int fd, rc;

	if (capture->settings->libvirt == LIBVIRT_NO)
		return true;
	rc = libvirt_start(capture->settings->libvirt_program, &options, &fd);
	if (rc == GRAPPE_ENOTFOUND && capture->settings->libvirt == LIBVIRT_AUTO) {
		log_info("libvirt is not asked: %s is not installed",
		    capture->settings->libvirt_program);
		return true;
	}
	if (rc != GRAPPE_OK) {
		log_error("libvirt cannot be asked: %s: %s", capture->settings->libvirt_program,
		    rc == GRAPPE_ENOTFOUND ? "not installed (Grappe may be built without libvirt)"
					   : error_text(rc));
		return false;
	}
	capture->await_domains = libvirt_expected(&options);
	if (!capture->await_domains)
		log_info("libvirtd is not there; its VMs are watched when it comes");
	capture->domains = domain_inbox_new(fd);
	return capture->domains != NULL;
}

/* ---- time ---- */

static void tell_time(void *context)
{
	struct capture *capture = context;
	int64_t wall_ns, monotonic_ns;

	clock_read_both(&wall_ns, &monotonic_ns);
	/* What was counted before the clock was set belongs to the time before. */
	backend_tick(capture->backend, wall_ns, monotonic_ns);
	account_tick(capture->account, wall_ns, monotonic_ns, &capture->sync);
}

static void schedule(struct capture *capture)
{
	const int64_t due_ns = account_due_ns(capture->account) - clock_wall_ns();
	int64_t wait_ms = due_ns / CLOCK_MILLISECOND_NS + 1;
	struct timeval wait;

	wait_ms = wait_ms < 1 ? 1 : wait_ms > TICK_MS ? TICK_MS : wait_ms;
	wait = (struct timeval){.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
	event_add(capture->timer, &wait);
}

static void look_at_clock(struct capture *capture)
{
	(void)clock_read_sync(&capture->sync);
	if (capture->sync.synchronised)
		log_recovered(&capture->clock_complaint, "the clock is synchronised");
	else
		log_complain(&capture->clock_complaint,
		    "the clock of this host is not synchronised: periods are marked so");
	tell_time(capture);
}

static void close_due(struct capture *capture)
{
	struct period *period;
	int rc;

	while ((rc = account_close(capture->account, &period)) == 1)
		publish(capture, period);
	if (rc < 0)
		log_error("a period cannot be closed yet: %s", error_text(rc));
	write_waiting(capture);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct capture *capture = context;

	(void)fd;
	(void)what;
	look_at_clock(capture);
	if (account_due_ns(capture->account) <= clock_wall_ns()) {
		ports_drain(capture->ports);
		tell_time(capture);
		close_due(capture);
	} else {
		backend_collect(capture->backend);
		write_waiting(capture);
	}
	if (capture->dump_again)
		(void)dump_all(capture);
	if (capture->follow_again || ports_lost(capture->ports))
		follow(capture);
	schedule(capture);
}

/* ---- the end ---- */

static void on_signal(evutil_socket_t number, short what, void *context)
{
	struct capture *capture = context;
	const struct timeval wait = {.tv_usec = STOP_MS * 1000};

	(void)what;
	if (capture->stop_ns != 0)
		return;
	log_info("ending after signal %d", (int)number);
	tell_time(capture);
	capture->stop_ns = clock_wall_ns();
	ports_stop_at(capture->ports, capture->stop_ns);
	event_del(capture->timer);
	event_del(capture->netlink_event);
	if (capture->domains_event != NULL)
		event_del(capture->domains_event);
	event_add(capture->stop, &wait);
}

/* Publishes what has ended, keeps what has not. */
static void finish_period(struct capture *capture, struct period *period)
{
	int rc;

	if (period->header.end_s * CLOCK_SECOND_NS <= capture->stop_ns) {
		publish(capture, period);
		return;
	}
	merge_unfinished(capture, period);
	rc = period_store_save_unfinished(capture->store, period);
	capture->merged = false;
	if (rc != GRAPPE_OK)
		log_error("the open period %" PRId64 " is lost: %s", period->header.end_s,
		    error_text(rc));
	else
		log_debug("period %" PRId64 " is kept for the next start", period->header.end_s);
	period_free(period);
}

static void on_stop(evutil_socket_t fd, short what, void *context)
{
	struct capture *capture = context;
	struct period *period;

	(void)fd;
	(void)what;
	ports_drain(capture->ports);
	while (account_finish(capture->account, capture->stop_ns, &period) == 1)
		if ((period->header.end_s - period->header.length_s) * CLOCK_SECOND_NS <
		    capture->stop_ns)
			finish_period(capture, period);
		else
			period_free(period); /* begins after the end */
	write_waiting(capture);
	event_base_loopbreak(capture->base);
}

/* ---- the beginning ---- */

/* What an earlier run left: ends that are taken, and the period it was in. */
static void take_over(struct capture *capture)
{
	const int64_t now_s = clock_wall_ns() / CLOCK_SECOND_NS;
	struct period *old;
	size_t count;
	const int64_t *ends = period_store_ends(capture->store, &count);
	bool published = false;
	int rc;

	for (size_t i = 0; i < count; i++)
		account_mark_issued(capture->account, ends[i]);
	rc = period_store_load_unfinished(capture->store, &capture->unfinished);
	if (rc != GRAPPE_OK) {
		log_error("the period that was open when the last run ended cannot be read: %s",
		    error_text(rc));
		period_store_remove_unfinished(capture->store);
	}
	if (capture->unfinished == NULL)
		return;
	for (size_t i = 0; i < count; i++)
		published = published || ends[i] == capture->unfinished->header.end_s;
	if (!published && capture->unfinished->header.end_s > now_s &&
	    capture->unfinished->header.length_s == capture->settings->period_ms / 1000)
		return; /* it goes on */
	old = capture->unfinished;
	capture->unfinished = NULL;
	capture->merged = true;
	if (published)
		period_free(old); /* killed between publishing and removing the file */
	else
		publish(capture, old);
	write_waiting(capture);
}

static int open_account(struct capture *capture)
{
	struct account_options options = {
	    .length_s = (uint32_t)(capture->settings->period_ms / 1000),
	    .test_length = capture->settings->period_ms < CAPTURE_PERIOD_LEAST_MS,
	    .pairs_per_vif = (uint32_t)capture->settings->pairs_per_vif,
	    .endpoints = capture->endpoints,
	    .nendpoints = capture->nendpoints};

	if (getrandom(options.boot_id, sizeof options.boot_id, 0) != sizeof options.boot_id)
		return GRAPPE_EIO;
	capture->account = account_new(&options, clock_wall_ns(), clock_monotonic_ns());
	return capture->account != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

static int open_events(struct capture *capture)
{
	struct event_base *base = capture->base;
	const int fd = netlink_fd(capture->netlink);

	capture->timer = evtimer_new(base, on_timer, capture);
	capture->stop = evtimer_new(base, on_stop, capture);
	capture->netlink_event = event_new(base, fd, EV_READ | EV_PERSIST, on_netlink, capture);
	capture->term = evsignal_new(base, SIGTERM, on_signal, capture);
	capture->interrupt = evsignal_new(base, SIGINT, on_signal, capture);
	if (capture->domains != NULL) {
		capture->domains_event = event_new(base, domain_inbox_fd(capture->domains),
		    EV_READ | EV_PERSIST, on_domains, capture);
		if (capture->domains_event == NULL || event_add(capture->domains_event, NULL) != 0)
			return GRAPPE_EMEMORY;
	}
	if (capture->timer == NULL || capture->stop == NULL || capture->netlink_event == NULL ||
	    capture->term == NULL || capture->interrupt == NULL)
		return GRAPPE_EMEMORY;
	if (event_add(capture->netlink_event, NULL) != 0 || event_add(capture->term, NULL) != 0 ||
	    event_add(capture->interrupt, NULL) != 0)
		return GRAPPE_EIO;
	return GRAPPE_OK;
}

static int open_backend(struct capture *capture)
{
	const struct capture_settings *settings = capture->settings;
	const struct backend_options options = {.choice = (enum backend_choice)settings->capture,
	    .way = settings->bpf_attach,
	    .account = capture->account,
	    .length_s = (uint32_t)(settings->period_ms / 1000),
	    .pairs_total = (uint32_t)settings->pairs_total,
	    .pairs_per_vif = (uint32_t)settings->pairs_per_vif,
	    .snaplen = (uint32_t)settings->snaplen,
	    .endpoints = capture->endpoints,
	    .nendpoints = capture->nendpoints};

	capture->backend = backend_new(&options);
	return capture->backend != NULL ? GRAPPE_OK : GRAPPE_EUNSUPPORTED;
}

static int open_ports(struct capture *capture)
{
	const struct ports_options options = {.base = capture->base,
	    .account = capture->account,
	    .backend = capture->backend,
	    .buffer_total = capture->settings->buffer_total,
	    .before_read = tell_time,
	    .context = capture};

	capture->ports = ports_new(&options);
	return capture->ports != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

/* Returns GRAPPE_OK, or the code of what failed after logging it. */
static int open_all(struct capture *capture)
{
	const struct capture_settings *settings = capture->settings;
	int rc = period_store_open(
	    settings->periods_directory, (size_t)settings->periods_kept, &capture->store);

	if (rc != GRAPPE_OK) {
		log_error("cannot use %s for periods: %s", settings->periods_directory,
		    rc == GRAPPE_EEXISTS ? "another grappe-capture uses it" : error_text(rc));
		return rc;
	}
	capture->nendpoints = capture_settings_endpoints(settings, capture->endpoints);
	capture->waiting = calloc((size_t)settings->periods_kept, sizeof *capture->waiting);
	capture->base = event_base_new();
	if (capture->waiting == NULL || capture->base == NULL)
		rc = GRAPPE_EMEMORY;
	if (rc == GRAPPE_OK)
		rc = capture_settings_sources(settings, &capture->sources);
	if (rc == GRAPPE_OK && (capture->discover = discover_new(&capture->sources)) == NULL)
		rc = GRAPPE_EMEMORY;
	if (rc == GRAPPE_OK)
		rc = netlink_open(&capture->netlink);
	if (rc == GRAPPE_OK)
		rc = open_account(capture);
	if (rc == GRAPPE_OK)
		rc = open_backend(capture);
	if (rc == GRAPPE_OK)
		rc = open_ports(capture);
	if (rc == GRAPPE_OK)
		rc = open_events(capture);
	if (rc != GRAPPE_OK)
		log_error("cannot start: %s", error_text(rc));
	return rc;
}

static void close_all(struct capture *capture)
{
	struct event *events[] = {capture->timer, capture->stop, capture->netlink_event,
	    capture->domains_event, capture->term, capture->interrupt};

	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (events[i] != NULL)
			event_free(events[i]);
	ports_free(capture->ports);
	backend_free(capture->backend);
	account_free(capture->account);
	domain_inbox_free(capture->domains);
	netlink_close(capture->netlink);
	discover_free(capture->discover);
	discover_sources_deinit(&capture->sources);
	period_store_close(capture->store);
	period_free(capture->unfinished);
	for (size_t i = 0; i < capture->nwaiting; i++)
		period_free(capture->waiting[i]);
	free(capture->waiting);
	if (capture->base != NULL)
		event_base_free(capture->base);
}

/* Before the first packet is read. */
static int confine(const struct capture *capture)
{
	const struct confine_rights rights =
	    capture_rights(backend_has_bpf(capture->backend), backend_has_pcap(capture->backend));
	char message[200];
	int rc;

	if (!capture->settings->confine) {
		log_warning("not confined, by configuration");
		return GRAPPE_OK;
	}
	rc = confine_enter(&rights, capture->settings->user, message, sizeof message);
	if (rc != GRAPPE_OK)
		log_error("cannot be confined: %s", message);
	else
		log_info("confined to %s", confine_describe(&rights, message, sizeof message));
	return rc;
}

int capture_run(const struct capture_settings *settings)
{
	struct capture capture = {.settings = settings};
	int rc;

	if (!start_libvirt(&capture))
		return EXIT_FAILURE;
	if (settings->vms.count == 0 && settings->bridges.count == 0 && capture.domains == NULL) {
		log_error(
		    "nothing to watch: the configuration has neither a bridge nor a vm section, "
		    "and libvirt is not asked");
		return EXIT_FAILURE;
	}
	rc = open_all(&capture);
	if (rc == GRAPPE_OK)
		rc = confine(&capture);
	if (rc == GRAPPE_OK) {
		await_domains(&capture);
		take_over(&capture);
		look_at_clock(&capture);
		rc = dump_all(&capture);
	}
	if (rc == GRAPPE_OK) {
		follow(&capture);
		schedule(&capture);
		log_info("READY: capturing on %zu interfaces, %zu virtual NICs",
		    ports_count(capture.ports), ports_vifs(capture.ports));
		event_base_dispatch(capture.base);
	}
	close_all(&capture);
	return rc == GRAPPE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int capture_read(
    const struct capture_settings *settings, const char *path, const char *format, const char *mtu)
{
	struct savefile_options what;
	char message[256];
	struct mac *vms;
	long nvms;
	int code = EXIT_FAILURE;

	if (savefile_parse(path, format, mtu, &what, message, sizeof message) != GRAPPE_OK) {
		log_error("%s", message);
		return EXIT_FAILURE;
	}
	vms = capture_settings_macs(settings, &nvms);
	what.vms = vms;
	what.nvms = nvms > 0 ? (size_t)nvms : 0;
	if (nvms >= 0)
		code = savefile_run(&what);
	else
		log_error("%s", error_text(GRAPPE_EMEMORY));
	free(vms);
	return code;
}
