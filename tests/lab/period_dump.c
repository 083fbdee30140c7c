/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every number of period files, for scripts that add them up:
 *
 *     period END FLAGS DROPPED UNMATCHED MALFORMED ESTIMATED BACKENDS
 *     vif END VM-ID VM-NAME COVERED-MS MULTICAST OTHER NON-IP     (packets)
 *     row END VM-ID received|sent PEER PACKETS OCTETS
 */
#include "common/error.h"
#include "common/file.h"
#include "common/period.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void dump_period(const struct period *period)
{
	const struct period_header *header = &period->header;
	char peer[ADDRESS_TEXT_SIZE];

	printf("period %" PRId64 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
	       " %" PRIu32 "\n",
	    header->end_s, header->flags, header->dropped_packets, header->unmatched_packets,
	    header->malformed_packets, header->estimated_packets, header->backends);
	for (size_t i = 0; i < period->nvifs; i++) {
		const struct period_vif *vif = &period->vifs[i];

		printf("vif %" PRId64 " %s %s %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		    header->end_s, vif->vm_id, vif->vm_name[0] != '\0' ? vif->vm_name : "-",
		    vif->covered_ms, vif->multicast_packets, vif->other_packets,
		    vif->nonip_packets);
	}
	for (size_t i = 0; i < period->nrows; i++) {
		const struct period_row *row = &period->rows[i];

		printf("row %" PRId64 " %s %s %s %" PRIu64 " %" PRIu64 "\n", header->end_s,
		    period->vifs[row->vif].vm_id, row->direction == ROW_SENT ? "sent" : "received",
		    address_format(&row->peer, peer), row->packets, row->octets);
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
