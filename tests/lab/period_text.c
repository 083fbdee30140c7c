/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints period files as text for lab tests: one "period" line per file, then "vif" and "row" lines, all of
 * "key=value" words.
 */
#include "common/error.h"
#include "common/file.h"
#include "common/period.h"

#include <inttypes.h>
#include <stdio.h>

static void print_vif(const struct period_vif *vif)
{
	char text[ADDRESS_TEXT_SIZE];

	printf("vif id=%s name=%s segment=%s interface=%s flags=%" PRIu32 " covered=%" PRIu32
	       " multicast=%" PRIu64 " other=%" PRIu64 " nonip=%" PRIu64 " addresses=",
	    vif->vm_id, vif->vm_name, vif->segment, vif->interface, vif->flags, vif->covered_ms,
	    vif->multicast_packets, vif->other_packets, vif->nonip_packets);
	for (uint32_t i = 0; i < vif->naddresses; i++)
		printf("%s%s/%u", i > 0 ? "," : "", address_format(&vif->addresses[i].address, text),
		    vif->addresses[i].evidence);
	putchar('\n');
}

static int print_file(const char *path)
{
	struct buffer bytes;
	struct period *period = NULL;
	char text[ADDRESS_TEXT_SIZE];
	int rc = file_read(path, PERIOD_BYTES_MAX, &bytes);

	if (rc == GRAPPE_OK)
		rc = period_decode(bytes.bytes, bytes.length, &period);
	buffer_deinit(&bytes);
	if (rc != GRAPPE_OK) {
		fprintf(stderr, "%s: %s\n", path, error_text(rc));
		return 1;
	}
	printf("period end=%" PRId64 " length=%" PRIu32 " flags=%" PRIu32 " dropped=%" PRIu64
	       " unmatched=%" PRIu64 " estimated=%" PRIu64 " malformed=%" PRIu64 "\n",
	    period->header.end_s, period->header.length_s, period->header.flags,
	    period->header.dropped_packets, period->header.unmatched_packets,
	    period->header.estimated_packets, period->header.malformed_packets);
	for (size_t i = 0; i < period->nvifs; i++)
		print_vif(&period->vifs[i]);
	for (size_t i = 0; i < period->nrows; i++)
		printf("row vif=%s direction=%s peer=%s packets=%" PRIu64 " octets=%" PRIu64 "\n",
		    period->vifs[period->rows[i].vif].vm_name,
		    period->rows[i].direction == ROW_SENT ? "sent" : "received",
		    address_format(&period->rows[i].peer, text), period->rows[i].packets,
		    period->rows[i].octets);
	period_free(period);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = argc < 2;

	for (int i = 1; i < argc; i++)
		failed |= print_file(argv[i]);
	return failed;
}
