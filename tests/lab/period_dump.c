/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every number of period files, for scripts that add them up:
 *
 *     period END FLAGS DROPPED UNMATCHED MALFORMED ESTIMATED BACKENDS
 *     vif END VM-ID VM-NAME COVERED-MS MULTICAST OTHER NON-IP SEGMENT INTERFACE APPLICATION OS-TYPE
 *         OPER-STATE VCPU MEMORY-BYTES
 *     address END VM-ID SEGMENT ADDRESS configured|claimed|source
 *     row END VM-ID received|sent PEER PACKETS OCTETS SEGMENT
 *
 * Counts are packets; a text that is empty is "-".
 */
#include "common/error.h"
#include "common/file.h"
#include "common/period.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *word(const char *text)
{
	return text[0] != '\0' ? text : "-";
}

static void dump_vif(int64_t end_s, const struct period_vif *vif)
{
	static const char *const evidence[] = {[EVIDENCE_CONFIGURED] = "configured",
	    [EVIDENCE_CLAIMED] = "claimed",
	    [EVIDENCE_SOURCE] = "source"};
	char address[ADDRESS_TEXT_SIZE];

	printf("vif %" PRId64 " %s %s %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64
	       " %s %s %s %s %u %" PRIu32 " %" PRIu64 "\n",
	    end_s, vif->vm_id, word(vif->vm_name), vif->covered_ms, vif->multicast_packets,
	    vif->other_packets, vif->nonip_packets, word(vif->segment), word(vif->interface),
	    word(vif->application), word(vif->os_type), (unsigned)vif->oper_state, vif->vcpu,
	    vif->memory_bytes);
	for (uint32_t i = 0; i < vif->naddresses; i++)
		printf("address %" PRId64 " %s %s %s %s\n", end_s, vif->vm_id, word(vif->segment),
		    address_format(&vif->addresses[i].address, address),
		    vif->addresses[i].evidence < sizeof evidence / sizeof *evidence
			? evidence[vif->addresses[i].evidence]
			: "?");
}

static void dump_period(const struct period *period)
{
	const struct period_header *header = &period->header;
	char peer[ADDRESS_TEXT_SIZE];

	printf("period %" PRId64 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
	       " %" PRIu32 "\n",
	    header->end_s, header->flags, header->dropped_packets, header->unmatched_packets,
	    header->malformed_packets, header->estimated_packets, header->backends);
	for (size_t i = 0; i < period->nvifs; i++)
		dump_vif(header->end_s, &period->vifs[i]);
	for (size_t i = 0; i < period->nrows; i++) {
		const struct period_row *row = &period->rows[i];

		printf("row %" PRId64 " %s %s %s %" PRIu64 " %" PRIu64 " %s\n", header->end_s,
		    period->vifs[row->vif].vm_id, row->direction == ROW_SENT ? "sent" : "received",
		    address_format(&row->peer, peer), row->packets, row->octets,
		    word(period->vifs[row->vif].segment));
	}
}

static int dump_file(const char *path)
{
	struct period *period = NULL;
	struct buffer bytes;
	int rc = file_read(path, PERIOD_BYTES_MAX, &bytes);

	if (rc == GRAPPE_OK)
		rc = period_decode(bytes.bytes, bytes.length, &period);
	buffer_deinit(&bytes);
	if (rc == GRAPPE_OK)
		dump_period(period);
	else
		fprintf(stderr, "%s: %s\n", path, error_text(rc));
	period_free(period);
	return rc;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (dump_file(argv[i]) != GRAPPE_OK)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
