/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/backend.h"

#include "agent-module/bpf_counter.h"
#include "agent-module/decode.h"
#include "agent-module/source_bpf.h"
#include "agent-module/source_pcap.h"
#include "common/error.h"
#include "common/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct backend {
	struct backend_options options;
	struct bpf_counter *counter; /* owned; NULL: pcap only */
	uint32_t kinds;
	char reason[PERIOD_REASON_SIZE];
	struct log_complaint fallback_complaint;
};

/* ---- from the counter to the accounting ---- */

static void on_counted(void *context, const struct counted *counted)
{
	const struct backend *backend = context;

	account_counted(backend->options.account, counted);
}

static void on_learnt(
    void *context, uint32_t ifindex, const uint8_t *bytes, uint32_t captured, uint32_t length)
{
	const struct backend *backend = context;
	struct frame frame;

	frame_decode(bytes, captured, length, &frame);
	account_learn(backend->options.account, ifindex, &frame);
}

static void on_merged(void *context, int64_t end_s, int64_t until_ns)
{
	const struct backend *backend = context;

	log_warning("this program was held up: period %" PRId64
		    " also has what was counted after it, until %" PRId64,
	    end_s, until_ns / CLOCK_SECOND_NS);
	account_merged(backend->options.account, end_s, until_ns);
}

/* ---- the choice ---- */

static int open_counter(struct backend *backend, char *message, size_t size)
{
	const struct backend_options *options = &backend->options;
	const struct bpf_counter_options wanted = {.length_s = options->length_s,
	    .pairs = options->pairs_total,
	    .pairs_per_vif = options->pairs_per_vif,
	    .way = (enum bpf_way)options->way,
	    .endpoints = options->endpoints,
	    .nendpoints = options->nendpoints,
	    .counted = on_counted,
	    .learnt = on_learnt,
	    .merged = on_merged,
	    .context = backend};
	int64_t wall_ns, monotonic_ns;

	clock_read_both(&wall_ns, &monotonic_ns);
	return bpf_counter_open(&wanted, wall_ns, monotonic_ns, &backend->counter, message, size);
}

struct backend *backend_new(const struct backend_options *options)
{
	struct backend *backend = calloc(1, sizeof *backend);
	char message[256] = "";
	int rc = GRAPPE_OK;

	if (backend == NULL)
		return NULL;
	backend->options = *options;
	if (options->choice != CAPTURE_PCAP)
		rc = open_counter(backend, message, sizeof message);
	if (rc != GRAPPE_OK && options->choice == CAPTURE_BPF) {
		log_error("capture = bpf is demanded, but not to be had: %s", message);
		free(backend);
		return NULL;
	}
	if (options->choice == CAPTURE_PCAP)
		snprintf(backend->reason, sizeof backend->reason, "pcap by configuration");
	else if (rc != GRAPPE_OK)
		snprintf(
		    backend->reason, sizeof backend->reason, "pcap, because of %.75s", message);
	else
		snprintf(backend->reason, sizeof backend->reason, "bpf %s",
		    options->choice == CAPTURE_BPF ? "by configuration"
						   : "because the kernel allows it");
	log_info("back end: %s", backend->reason);
	return backend;
}

void backend_free(struct backend *backend)
{
	if (backend == NULL)
		return;
	bpf_counter_close(backend->counter);
	free(backend);
}

static void note_kind(struct backend *backend, enum period_backend kind)
{
	if ((backend->kinds & kind) != 0)
		return;
	backend->kinds |= kind;
	account_set_backends(backend->options.account, backend->kinds, backend->reason);
}

static int open_bpf(struct backend *backend, const struct discover_port *port, struct source **out,
    char *message, size_t size)
{
	static const char *const ways[] = {
	    [BPF_WAY_AUTO] = "", [BPF_WAY_TCX] = "TCX", [BPF_WAY_CLSACT] = "clsact"};
	const bool first = (backend->kinds & BACKEND_BPF) == 0;
	const int rc =
	    source_bpf_open(backend->counter, port->ifindex, port->reversed, out, message, size);

	if (rc != GRAPPE_OK)
		return rc;
	note_kind(backend, BACKEND_BPF);
	if (first)
		log_info("bpf programs are attached by %s, %zu kB of maps",
		    ways[bpf_counter_way(backend->counter)],
		    bpf_counter_memory(backend->counter) / 1024);
	return rc;
}

static int open_pcap(struct backend *backend, const struct discover_port *port,
    uint32_t buffer_bytes, struct source **out, char *message, size_t size)
{
	const struct source_options options = {.interface = port->name,
	    .snaplen = backend->options.snaplen,
	    .buffer_bytes = buffer_bytes,
	    .reversed = port->reversed,
	    .endpoints = backend->options.endpoints,
	    .nendpoints = backend->options.nendpoints};
	const int rc = source_pcap_open(&options, out, message, size);

	if (rc == GRAPPE_OK)
		note_kind(backend, BACKEND_PCAP);
	return rc;
}

int backend_open(struct backend *backend, const struct discover_port *port, uint32_t *buffer_bytes,
    struct source **out, char *message, size_t size)
{
	if (backend->counter != NULL) {
		const int rc = open_bpf(backend, port, out, message, size);

		if (rc == GRAPPE_OK || backend->options.choice == CAPTURE_BPF) {
			*buffer_bytes = 0;
			return rc;
		}
		log_complain(&backend->fallback_complaint, "%s is captured by pcap: %s", port->name,
		    message);
	}
	return open_pcap(backend, port, *buffer_bytes, out, message, size);
}

/* ---- the rest ---- */

bool backend_has_bpf(const struct backend *backend)
{
	return backend->counter != NULL;
}

bool backend_has_pcap(const struct backend *backend)
{
	return backend->options.choice != CAPTURE_BPF;
}

void backend_tick(struct backend *backend, int64_t wall_ns, int64_t monotonic_ns)
{
	if (backend->counter != NULL)
		bpf_counter_tick(backend->counter, wall_ns, monotonic_ns);
}

void backend_collect(struct backend *backend)
{
	if (backend->counter == NULL)
		return;
	bpf_counter_learn(backend->counter);
	bpf_counter_collect(backend->counter, false);
}

void backend_stop(struct backend *backend)
{
	if (backend->counter != NULL)
		bpf_counter_stop(backend->counter);
}
