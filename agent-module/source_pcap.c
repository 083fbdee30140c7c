/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/source_pcap.h"

#include "agent-module/capture_filter.h"
#include "common/clock.h"
#include "common/error.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/*
 * Time stamps are whole microseconds, cut off: what was before a period's end stays before it.
 * libpcap asks for nanoseconds by SO_TIMESTAMPNS, which makes the kernel read the clock for each
 * packet that any interface of the host receives.
 */
#define MICROSECOND_NS 1000
/* libpcap puts a VLAN tag back into the frame; the snapshot must have room for it. */
#define VLAN_ROOM 8
/* A frame may have passed the socket before its filter and still get its time stamp a little later.
 */
#define SETTLE_NS CLOCK_MILLISECOND_NS
/* After this time there can be no more frames from before the filter. */
#define SKIP_NS (2 * CLOCK_SECOND_NS)

struct source_pcap {
	struct source base;
	pcap_t *pcap; /* owned */
	uint32_t snaplen;
	int64_t since_ns;
	int64_t skip_until_ns; /* monotonic: so long are frames older than since_ns skipped */
	uint32_t drops;        /* of libpcap, which wraps */
	/* of the present read_pcap() */
	source_handler *handler;
	void *context;
	bool skipping;
};

static int attach_filter(const struct source_pcap *source, const struct source_options *options)
{
	struct sock_filter program[FILTER_LENGTH_MAX];
	const size_t length = capture_filter_build(
	    options->snaplen, options->reversed, options->endpoints, options->nendpoints, program);
	const struct sock_fprog filter = {.len = (unsigned short)length, .filter = program};

	return setsockopt(pcap_fileno(source->pcap), SOL_SOCKET, SO_ATTACH_FILTER, &filter,
		   sizeof filter) == 0
		   ? GRAPPE_OK
		   : GRAPPE_EIO;
}

static int activate(
    struct source_pcap *source, const struct source_options *options, char *message, size_t size)
{
	const bool slots = options->buffer_bytes < SOURCE_BUFFER_BLOCKS;
	pcap_t *pcap = source->pcap;
	char reason[PCAP_ERRBUF_SIZE] = "";
	int rc;

	pcap_set_snaplen(pcap, (int)options->snaplen + VLAN_ROOM);
	pcap_set_promisc(pcap, 0);
	pcap_set_timeout(pcap, SOURCE_BLOCK_MS);
	/*
	 * A ring of two blocks is full after two block time-outs, however few frames came, unless
	 * it is read meanwhile. In this mode a ring has slots for frames in place of blocks.
	 */
	pcap_set_immediate_mode(pcap, slots);
	/* Slots do not fill their pages: of libpcap's size the kernel makes a little more. */
	pcap_set_buffer_size(
	    pcap, (int)(slots ? options->buffer_bytes / 16 * 15 : options->buffer_bytes));
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_MICRO);
	rc = pcap_activate(pcap);
	if (rc < 0) {
		snprintf(message, size, "%s: %s", pcap_statustostr(rc), pcap_geterr(pcap));
		return GRAPPE_EIO;
	}
	if (pcap_datalink(pcap) != DLT_EN10MB) {
		snprintf(message, size, "not an Ethernet interface");
		return GRAPPE_EUNSUPPORTED;
	}
	if (pcap_setnonblock(pcap, 1, reason) != 0) {
		snprintf(message, size, "non-blocking reads: %s", reason);
		return GRAPPE_EUNSUPPORTED;
	}
	if (attach_filter(source, options) != GRAPPE_OK) {
		snprintf(message, size, "attaching the filter: %s", strerror(errno));
		return GRAPPE_EIO;
	}
	return GRAPPE_OK;
}

static void close_pcap(struct source *base)
{
	struct source_pcap *source = (struct source_pcap *)base;

	pcap_close(source->pcap);
	free(source);
}

static int fd_pcap(const struct source *base)
{
	return pcap_get_selectable_fd(((const struct source_pcap *)base)->pcap);
}

static int64_t since_ns_pcap(const struct source *base)
{
	return ((const struct source_pcap *)base)->since_ns;
}

static void on_frame(u_char *context, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct source_pcap *source = (struct source_pcap *)context;
	const int64_t stamp_ns =
	    (int64_t)header->ts.tv_sec * CLOCK_SECOND_NS + header->ts.tv_usec * MICROSECOND_NS;

	if (source->skipping && stamp_ns < source->since_ns)
		return;
	source->handler(source->context, bytes, header->caplen, header->len, stamp_ns,
	    capture_filter_is_sent(header->caplen, header->len, source->snaplen));
}

static int read_pcap(struct source *base, int limit, source_handler *handler, void *context,
    char *message, size_t size)
{
	struct source_pcap *source = (struct source_pcap *)base;
	int n;

	source->handler = handler;
	source->context = context;
	source->skipping =
	    source->skip_until_ns != 0 && clock_monotonic_ns() < source->skip_until_ns;
	n = pcap_dispatch(source->pcap, limit, on_frame, (u_char *)source);
	if (n >= 0)
		return n;
	snprintf(message, size, "%s", pcap_geterr(source->pcap));
	return GRAPPE_EIO;
}

static uint64_t drops_pcap(struct source *base)
{
	struct source_pcap *source = (struct source_pcap *)base;
	struct pcap_stat statistics;
	uint32_t more;

	if (pcap_stats(source->pcap, &statistics) != 0)
		return 0;
	more = statistics.ps_drop - source->drops;
	source->drops = statistics.ps_drop;
	return more;
}

static const struct source_class pcap_class = {.name = "pcap",
    .close = close_pcap,
    .fd = fd_pcap,
    .since_ns = since_ns_pcap,
    .read = read_pcap,
    .drops = drops_pcap};

int source_pcap_open(
    const struct source_options *options, struct source **out, char *message, size_t size)
{
	struct source_pcap *source = calloc(1, sizeof *source);
	char reason[PCAP_ERRBUF_SIZE] = "";
	int rc;

	*out = NULL;
	snprintf(message, size, "%s", error_text(GRAPPE_EMEMORY));
	if (source == NULL)
		return GRAPPE_EMEMORY;
	source->base.class = &pcap_class;
	source->snaplen = options->snaplen;
	source->pcap = pcap_create(options->interface, reason);
	if (source->pcap == NULL) {
		snprintf(message, size, "%s", reason);
		free(source);
		return GRAPPE_EIO;
	}
	rc = activate(source, options, message, size);
	if (rc != GRAPPE_OK) {
		close_pcap(&source->base);
		return rc;
	}
	source->since_ns = (clock_wall_ns() + SETTLE_NS) / MICROSECOND_NS * MICROSECOND_NS;
	source->skip_until_ns = clock_monotonic_ns() + SKIP_NS;
	*out = &source->base;
	return GRAPPE_OK;
}
