/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/savefile.h"

#include "agent-module/counts.h"
#include "agent-module/decode.h"
#include "agent-module/mss.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

/* One reading: the compressed stream below libpcap and the tables that fill up. */
struct reading {
	const struct savefile_options *options;
	struct savefile_result *result;
	gzFile gz;      /* owned by the stream once that is open */
	uint64_t bytes; /* decompressed so far */
	int gz_error;   /* as gzerror(): Z_OK, Z_BUF_ERROR at a cut end… */
	struct mss_table *mss;
	struct counts receivers;   /* destination address -> its number in packets */
	struct address *addresses; /* the receivers by number; owned */
	size_t naddresses, addresses_capacity;
	struct counts pairs; /* (number of receiver, source) */
	struct counts vms;   /* destination MACs seen, as peers */
};

/* ---- the compressed stream as a FILE ---- */

static ssize_t stream_read(void *context, char *bytes, size_t size)
{
	struct reading *reading = context;
	const unsigned wanted = size > 1u << 20 ? 1u << 20 : (unsigned)size;
	const int n = gzread(reading->gz, bytes, wanted);

	if (n > 0)
		reading->bytes += (uint64_t)n;
	if (n < (int)wanted)
		gzerror(reading->gz, &reading->gz_error);
	if (n < 0 && reading->gz_error != Z_BUF_ERROR) {
		if (reading->gz_error != Z_ERRNO)
			errno = EIO;
		return -1;
	}
	return n < 0 ? 0 : n;
}

static int stream_close(void *context)
{
	struct reading *reading = context;

	gzclose(reading->gz);
	reading->gz = NULL;
	return 0;
}

static FILE *stream_open(struct reading *reading, const char *path)
{
	const cookie_io_functions_t functions = {.read = stream_read, .close = stream_close};
	const int fd =
	    strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	FILE *stream;

	if (fd < 0)
		return NULL;
	/* gzread() hands uncompressed files through as they are. */
	reading->gz = gzdopen(fd, "rb");
	if (reading->gz == NULL) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	gzbuffer(reading->gz, 1u << 17);
	stream = fopencookie(reading, "rb", functions);
	if (stream == NULL)
		gzclose(reading->gz);
	return stream;
}

/* ---- counting ---- */

/* Number of a receiving address, or -1 when there is no room. */
static int64_t receiver_number(struct reading *reading, const struct address *address)
{
	struct counts_entry *entry = counts_find(&reading->receivers, 0, 0, address);
	void *bigger;

	if (entry != NULL)
		return (int64_t)entry->packets;
	if (reading->naddresses == reading->addresses_capacity) {
		const size_t capacity =
		    reading->addresses_capacity > 0 ? reading->addresses_capacity * 2 : 64;

		bigger = reallocarray(reading->addresses, capacity, sizeof *reading->addresses);
		if (bigger == NULL)
			return -1;
		reading->addresses = bigger;
		reading->addresses_capacity = capacity;
	}
	entry = counts_insert(&reading->receivers, 0, 0, address);
	if (entry == NULL)
		return -1;
	entry->packets = reading->naddresses;
	reading->addresses[reading->naddresses] = *address;
	return (int64_t)reading->naddresses++;
}

static void count_pair(struct reading *reading, const struct frame *frame, struct wire_count wire)
{
	struct savefile_result *result = reading->result;
	const int64_t number = receiver_number(reading, &frame->ip_destination);
	struct counts_entry *entry = NULL;

	if (number >= 0)
		entry = counts_find(&reading->pairs, (uint32_t)number, 0, &frame->ip_source);
	if (number >= 0 && entry == NULL)
		entry = counts_insert(&reading->pairs, (uint32_t)number, 0, &frame->ip_source);
	if (entry == NULL) {
		result->other_packets += wire.packets;
		result->other_octets += wire.octets;
		return;
	}
	entry->packets += wire.packets;
	entry->octets += wire.octets;
	result->packets += wire.packets;
	result->octets += wire.octets;
	result->pair_frames++;
}

static bool is_vm(struct reading *reading, const struct mac *mac)
{
	const struct savefile_options *options = reading->options;
	bool listed = options->nvms == 0;
	struct address key = {.type = ADDRESS_IPV6};

	for (size_t i = 0; i < options->nvms && !listed; i++)
		listed = mac_equal(&options->vms[i], mac);
	if (!listed)
		return false;
	memcpy(key.bytes, mac->bytes, sizeof mac->bytes);
	if (counts_find(&reading->vms, 0, 0, &key) == NULL &&
	    counts_insert(&reading->vms, 0, 0, &key) != NULL)
		reading->result->vms++;
	return true;
}

static void count_frame(struct reading *reading, const struct frame *frame)
{
	struct savefile_result *result = reading->result;
	struct wire_count wire = {.packets = 1, .octets = frame->network_length};
	const uint32_t mtu = reading->options->mtu != 0 ? reading->options->mtu : MSS_MTU_DEFAULT;

	result->frames++;
	if (frame->kind == FRAME_MALFORMED) {
		result->malformed_frames++;
		return;
	}
	if (frame->kind == FRAME_IP)
		wire = mss_count(reading->mss, 0, frame, mtu);
	if (frame_is_group(frame)) {
		result->multicast_frames++;
		result->multicast_packets += wire.packets;
		result->multicast_octets += wire.octets;
	} else if (!is_vm(reading, &frame->destination)) {
		result->unmatched_frames++;
		return;
	} else if (frame->kind == FRAME_NONIP) {
		result->nonip_frames++;
	} else {
		count_pair(reading, frame, wire);
	}
	if (wire.estimated)
		result->estimated_packets += wire.packets;
}

static int compare_pairs(const void *left, const void *right)
{
	const struct savefile_pair *a = left, *b = right;
	const int order = address_compare(&a->source, &b->source);

	return order != 0 ? order : address_compare(&a->destination, &b->destination);
}

static int collect_pairs(struct reading *reading)
{
	struct savefile_result *result = reading->result;
	const struct counts_entry *entry;
	size_t position = 0;

	if (reading->pairs.used == 0)
		return GRAPPE_OK;
	result->pairs = calloc(reading->pairs.used, sizeof *result->pairs);
	if (result->pairs == NULL)
		return GRAPPE_EMEMORY;
	while ((entry = counts_next(&reading->pairs, &position)) != NULL)
		result->pairs[result->npairs++] = (struct savefile_pair){.source = entry->peer,
		    .destination = reading->addresses[entry->owner],
		    .packets = entry->packets,
		    .octets = entry->octets};
	qsort(result->pairs, result->npairs, sizeof *result->pairs, compare_pairs);
	return GRAPPE_OK;
}

/* ---- reading ---- */

static void note_time(struct savefile_result *result, const struct timeval *stamp)
{
	const int64_t ns = (int64_t)stamp->tv_sec * CLOCK_SECOND_NS + stamp->tv_usec;

	if (result->first_ns == 0 || ns < result->first_ns)
		result->first_ns = ns;
	if (ns > result->last_ns)
		result->last_ns = ns;
}

static const char *name_of(const struct savefile_options *options)
{
	return strcmp(options->path, "-") == 0 ? "standard input" : options->path;
}

/* Why the file cannot be read at all; returns the code. */
static int explain_open(
    const struct reading *reading, const char *reason, char *message, size_t size)
{
	const char *name = name_of(reading->options);

	if (reading->gz_error == Z_ERRNO) {
		snprintf(message, size, "cannot read %s: %s", name, strerror(errno));
		return GRAPPE_EIO;
	}
	if (reading->bytes == 0 && reading->gz_error == Z_OK)
		snprintf(
		    message, size, "%s is empty, not even the header of a savefile is there", name);
	else if (reading->gz_error != Z_OK)
		snprintf(message, size,
		    "%s is damaged before its first packet (compressed data %s)", name,
		    reading->gz_error == Z_BUF_ERROR ? "break off" : "are wrong");
	else
		snprintf(message, size, "%s is not a savefile (pcap or pcapng, gzip allowed): %s",
		    name, reason);
	return GRAPPE_EFORMAT;
}

/* All packets; returns 0, or GRAPPE_ETRUNCATED with the reason in message. */
static int read_packets(struct reading *reading, pcap_t *pcap, char *message, size_t size)
{
	const struct savefile_options *options = reading->options;
	struct pcap_pkthdr *header;
	const u_char *bytes;
	struct frame frame;
	int rc;

	while ((rc = pcap_next_ex(pcap, &header, &bytes)) == 1) {
		note_time(reading->result, &header->ts);
		frame_decode(bytes, header->caplen, header->len, &frame);
		count_frame(reading, &frame);
	}
	if (rc == PCAP_ERROR_BREAK && reading->gz_error == Z_OK)
		return GRAPPE_OK;
	reading->result->truncated = true;
	snprintf(message, size,
	    "%s breaks off after %" PRIu64 " packets (%s); what came before is counted",
	    name_of(options), reading->result->frames,
	    reading->gz_error != Z_OK ? "compressed data end early or are damaged"
				      : pcap_geterr(pcap));
	return GRAPPE_ETRUNCATED;
}

static int read_stream(struct reading *reading, FILE *stream, char *message, size_t size)
{
	char reason[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap =
	    pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, reason);
	const char *link;
	int rc;

	if (pcap == NULL) {
		rc = explain_open(reading, reason, message, size);
		fclose(stream);
		return rc;
	}
	if (pcap_datalink(pcap) == DLT_EN10MB) {
		rc = read_packets(reading, pcap, message, size);
	} else {
		link = pcap_datalink_val_to_name(pcap_datalink(pcap));
		snprintf(message, size,
		    "%s holds no Ethernet frames (link type %s, %d): VMs are told apart by MAC; "
		    "capture on "
		    "the VM's interface, not on \"any\" or a tunnel",
		    name_of(reading->options), link != NULL ? link : "unknown",
		    pcap_datalink(pcap));
		rc = GRAPPE_EUNSUPPORTED;
	}
	pcap_close(pcap); /* closes the stream too */
	return rc;
}

int savefile_read(const struct savefile_options *options, struct savefile_result *result,
    char *message, size_t size)
{
	struct reading reading = {.options = options, .result = result};
	FILE *stream;
	int rc = GRAPPE_EMEMORY, collected;

	*result = (struct savefile_result){0};
	snprintf(message, size, "%s", error_text(GRAPPE_EMEMORY));
	counts_init(&reading.receivers, SAVEFILE_PAIRS_MAX);
	counts_init(&reading.pairs, SAVEFILE_PAIRS_MAX);
	counts_init(&reading.vms, SAVEFILE_PAIRS_MAX);
	reading.mss = mss_new(MSS_CONNECTIONS_DEFAULT);
	if (reading.mss == NULL)
		goto out;
	stream = stream_open(&reading, options->path);
	if (stream == NULL) {
		snprintf(message, size, "cannot open %s: %s", name_of(options), strerror(errno));
		rc = GRAPPE_EIO;
		goto out;
	}
	rc = read_stream(&reading, stream, message, size);
	collected = collect_pairs(&reading);
	if (collected != GRAPPE_OK) {
		snprintf(message, size, "%s", error_text(collected));
		rc = collected;
	}
out:
	mss_free(reading.mss);
	counts_deinit(&reading.receivers);
	counts_deinit(&reading.pairs);
	counts_deinit(&reading.vms);
	free(reading.addresses);
	return rc;
}

void savefile_deinit(struct savefile_result *result)
{
	free(result->pairs);
	*result = (struct savefile_result){0};
}

/* ---- printing ---- */

static void print_csv(const struct savefile_result *result, FILE *out)
{
	char source[ADDRESS_TEXT_SIZE], destination[ADDRESS_TEXT_SIZE];

	fputs("src,dst,packets,bytes\n", out);
	for (size_t i = 0; i < result->npairs; i++) {
		const struct savefile_pair *pair = &result->pairs[i];

		fprintf(out, "%s,%s,%" PRIu64 ",%" PRIu64 "\n",
		    address_format(&pair->source, source),
		    address_format(&pair->destination, destination), pair->packets, pair->octets);
	}
}

static const char *format_time(int64_t ns, char out[40])
{
	const time_t seconds = (time_t)(ns / CLOCK_SECOND_NS);
	char text[32];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		snprintf(text, sizeof text, "@%lld", (long long)seconds);
	snprintf(out, 40, "%s.%03dZ", text, (int)(ns % CLOCK_SECOND_NS / CLOCK_MILLISECOND_NS));
	return out;
}

static void print_summary(
    const struct savefile_options *options, const struct savefile_result *result, FILE *out)
{
	char first[40], last[40];

	fprintf(out, "file       %s\n", name_of(options));
	fprintf(out, "complete   %s\n",
	    result->truncated ? "no: the file breaks off, this is its beginning"
			      : "yes, read to its end");
	fprintf(out, "frames     %" PRIu64 "\n", result->frames);
	if (result->frames > 0)
		fprintf(out, "window     %s to %s (%.3f s)\n", format_time(result->first_ns, first),
		    format_time(result->last_ns, last),
		    (double)(result->last_ns - result->first_ns) / (double)CLOCK_SECOND_NS);
	fprintf(out, "VMs        %u (%s)\n", result->vms,
	    options->nvms > 0 ? "of the given list" : "every unicast destination MAC");
	fprintf(out, "counts     wire packets, IP-level bytes");
	if (result->estimated_packets > 0)
		fprintf(out, "; %" PRIu64 " packets estimated, their MSS is not known",
		    result->estimated_packets);
	fputs("\n\n", out);
}

static void print_rest(const struct savefile_result *result, FILE *out)
{
	fprintf(out, "\nnot in pairs:\n");
	fprintf(out, "  multicast and broadcast  %" PRIu64 " packets, %" PRIu64 " bytes\n",
	    result->multicast_packets, result->multicast_octets);
	fprintf(out, "  not IP                   %" PRIu64 " frames\n", result->nonip_frames);
	fprintf(out, "  to no listed VM          %" PRIu64 " frames\n", result->unmatched_frames);
	fprintf(out, "  malformed                %" PRIu64 " frames\n", result->malformed_frames);
	if (result->other_packets > 0)
		fprintf(out, "  no room in the table     %" PRIu64 " packets, %" PRIu64 " bytes\n",
		    result->other_packets, result->other_octets);
}

static void print_text(
    const struct savefile_options *options, const struct savefile_result *result, FILE *out)
{
	char source[ADDRESS_TEXT_SIZE], destination[ADDRESS_TEXT_SIZE];
	int width = (int)strlen("destination");

	for (size_t i = 0; i < result->npairs; i++) {
		const int a = (int)strlen(address_format(&result->pairs[i].source, source));
		const int b =
		    (int)strlen(address_format(&result->pairs[i].destination, destination));

		width = a > width ? a : width;
		width = b > width ? b : width;
	}
	print_summary(options, result, out);
	fprintf(out, "%-*s  %-*s  %12s  %15s\n", width, "source", width, "destination", "packets",
	    "bytes");
	for (size_t i = 0; i < result->npairs; i++) {
		const struct savefile_pair *pair = &result->pairs[i];

		fprintf(out, "%-*s  %-*s  %12" PRIu64 "  %15" PRIu64 "\n", width,
		    address_format(&pair->source, source), width,
		    address_format(&pair->destination, destination), pair->packets, pair->octets);
	}
	fprintf(out, "%-*s  %-*zu  %12" PRIu64 "  %15" PRIu64 "\n", width, "all pairs", width,
	    result->npairs, result->packets, result->octets);
	print_rest(result, out);
}

int savefile_print(
    const struct savefile_options *options, const struct savefile_result *result, FILE *out)
{
	if (options->format == SAVEFILE_CSV)
		print_csv(result, out);
	else
		print_text(options, result, out);
	return fflush(out) == 0 && !ferror(out) ? GRAPPE_OK : GRAPPE_EIO;
}

/* ---- the command line ---- */

int savefile_parse(const char *path, const char *format, const char *mtu,
    struct savefile_options *options, char *message, size_t size)
{
	char *end;
	unsigned long value;

	*options = (struct savefile_options){.path = path, .format = SAVEFILE_TEXT};
	if (format != NULL && strcmp(format, "csv") == 0) {
		options->format = SAVEFILE_CSV;
	} else if (format != NULL && strcmp(format, "text") != 0) {
		snprintf(message, size, "--format is text or csv, not \"%s\"", format);
		return GRAPPE_EINVALID;
	}
	if (mtu == NULL)
		return GRAPPE_OK;
	errno = 0;
	value = strtoul(mtu, &end, 10);
	if (mtu[0] < '0' || mtu[0] > '9' || *end != '\0' || errno != 0 || value < MSS_MTU_MIN ||
	    value > MSS_MTU_MAX) {
		snprintf(message, size, "--mtu is a number of bytes from %d to %d, not \"%s\"",
		    MSS_MTU_MIN, MSS_MTU_MAX, mtu);
		return GRAPPE_EINVALID;
	}
	options->mtu = (uint32_t)value;
	return GRAPPE_OK;
}

int savefile_run(const struct savefile_options *options)
{
	struct savefile_result result;
	char message[512];
	int rc = savefile_read(options, &result, message, sizeof message);

	if (rc != GRAPPE_OK)
		log_error("%s", message);
	else if (result.frames == 0)
		log_warning("%s holds no packets", name_of(options));
	if (rc == GRAPPE_OK || rc == GRAPPE_ETRUNCATED) {
		const int printed = savefile_print(options, &result, stdout);

		if (printed != GRAPPE_OK) {
			log_error("cannot write the matrix: %s", error_text(printed));
			rc = printed;
		}
	}
	savefile_deinit(&result);
	return rc == GRAPPE_OK ? 0 : 1;
}
