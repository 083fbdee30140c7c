/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Period files for the agent's lab test, through the one codec.
 *
 *     period_file write DIRECTORY END VMS PEERS [LENGTH]   makes DIRECTORY/END
 *     period_file print FILE...                            one line a row, for comparison
 *
 * VM i has UUID …-i, two of three have IPv4 peers only, every third IPv6 ones as well. VM 1 has two
 * vifs on one segment and one on another. Counts follow from END, VM and peer alone.
 */
#include "common/error.h"
#include "common/file.h"
#include "common/period.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 33) * UINT64_C(0xff51afd7ed558ccd);
	value = (value ^ value >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return value ^ value >> 33;
}

static struct address peer_address(unsigned peer, bool ipv6)
{
	const uint8_t four[4] = {10, (uint8_t)(peer >> 16), (uint8_t)(peer >> 8), (uint8_t)peer};
	uint8_t sixteen[16] = {0x20, 0x01, 0x0d, 0xb8};

	if (!ipv6)
		return address_from_ipv4(four);
	memcpy(sixteen + 12, four, 4);
	return address_from_ipv6(sixteen);
}

static int add_vif(struct period *period, unsigned vm, const char *segment, uint8_t nic)
{
	struct period_vif vif = {.covered_ms = period->header.length_s * 1000,
	    .vcpu = 1 + vm % 4,
	    .memory_bytes = UINT64_C(512) << 20,
	    .nmacs = 1,
	    .multicast_packets = vm,
	    .multicast_octets = vm * 60,
	    .other_packets = 1,
	    .other_octets = 40,
	    .nonip_packets = 2,
	    .oper_state = OPER_STATE_RUNNING,
	    .persistent = TRUTH_TRUE,
	    .autostart = TRUTH_FALSE,
	    .vcpu_max = 8,
	    .memory_max_bytes = UINT64_C(4) << 30,
	    .cpu_time_us = vm * UINT64_C(10000000000),
	    .os_type = "hvm"};

	snprintf(vif.vm_id, sizeof vif.vm_id, "00000000-0000-4000-8000-%012u", vm);
	snprintf(vif.vm_name, sizeof vif.vm_name, "vm%u", vm);
	snprintf(vif.segment, sizeof vif.segment, "%s", segment);
	snprintf(vif.interface, sizeof vif.interface, "tap%u.%u", vm, nic);
	snprintf(vif.application, sizeof vif.application, "application-%u", vm % 3);
	vif.macs[0] = (struct mac){{2, nic, 0, 0, (uint8_t)(vm >> 8), (uint8_t)vm}};
	vif.addresses[0] = (struct period_address){peer_address(vm, false), EVIDENCE_CLAIMED};
	vif.addresses[1] = (struct period_address){peer_address(vm, true), EVIDENCE_SOURCE};
	vif.naddresses = 2;
	return period_add_vif(period, &vif);
}

static int add_row(
    struct period *period, int vif, enum period_direction direction, struct address peer)
{
	const uint64_t count =
	    1 +
	    mix((uint64_t)period->header.end_s ^ address_hash(&peer) ^ (uint64_t)vif << 8) % 5000;
	const struct period_row row = {.vif = (uint32_t)vif,
	    .direction = (uint8_t)direction,
	    .peer = peer,
	    .packets = count,
	    .octets = count * 1000};

	return period_add_row(period, &row);
}

static int fill(struct period *period, unsigned vms, unsigned peers)
{
	int rc = 0;

	for (unsigned vm = 1; vm <= vms && rc >= 0; vm++) {
		const int vif = rc = add_vif(period, vm, "default", 0);

		for (unsigned peer = 1; peer <= peers && rc >= 0; peer++)
			rc = add_row(period, vif, ROW_RECEIVED, peer_address(peer, false));
		if (rc >= 0 && vm % 3 == 0)
			rc = add_row(period, vif, ROW_RECEIVED, peer_address(vm, true));
		if (rc >= 0)
			rc = add_row(period, vif, ROW_SENT, peer_address(peers, false));
	}
	for (uint8_t nic = 1; nic <= 2 && rc >= 0 && vms > 0; nic++) {
		rc = add_vif(period, 1, nic == 1 ? "default" : "storage", nic);
		if (rc >= 0)
			rc = add_row(period, rc, ROW_RECEIVED, peer_address(1, false));
	}
	return rc < 0 ? rc : GRAPPE_OK;
}

static int write_file(const char *folder, long end, unsigned vms, unsigned peers, unsigned length)
{
	struct period *period = period_new();
	struct buffer bytes;
	char path[PATH_MAX];
	int rc = GRAPPE_EMEMORY;

	buffer_init(&bytes);
	if (period != NULL) {
		period->header = (struct period_header){.end_s = end,
		    .length_s = length,
		    .flags = length < PERIOD_LENGTH_DEFAULT_S ? PERIOD_TEST_LENGTH : 0,
		    .clock_offset_ns = -2500000,
		    .dropped_packets = 3,
		    .unmatched_packets = 7,
		    .unmatched_octets = 420,
		    .estimated_packets = 11,
		    .malformed_packets = 13,
		    .backends = BACKEND_BPF | BACKEND_PCAP,
		    .backend_reason = "bpf but on tap2.0"};
		rc = fill(period, vms, peers);
	}
	if (rc == GRAPPE_OK) {
		period_sort(period);
		rc = period_encode(period, &bytes);
	}
	snprintf(path, sizeof path, "%s/%ld", folder, end);
	if (rc == GRAPPE_OK)
		rc = file_replace(path, bytes.bytes, bytes.length, 0644);
	if (rc != GRAPPE_OK)
		fprintf(stderr, "%s: %s\n", path, error_text(rc));
	buffer_deinit(&bytes);
	period_free(period);
	return rc == GRAPPE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void print_row(const struct period *period, const struct period_row *row)
{
	const struct period_vif *vif = &period->vifs[row->vif];
	char peer[ADDRESS_TEXT_SIZE], mac[MAC_TEXT_SIZE];

	printf("%" PRId64 " %s %s %s %s %s %" PRIu64 " %" PRIu64 "\n", period->header.end_s,
	    vif->vm_id, vif->segment, mac_format(&vif->macs[0], mac),
	    row->direction == ROW_SENT ? "sent" : "received", address_format(&row->peer, peer),
	    row->packets, row->octets);
}

static int print_file(const char *path)
{
	struct period *period = NULL;
	struct buffer bytes;
	int rc = file_read(path, PERIOD_BYTES_MAX, &bytes);

	if (rc == GRAPPE_OK)
		rc = period_decode(bytes.bytes, bytes.length, &period);
	if (rc != GRAPPE_OK)
		fprintf(stderr, "%s: %s\n", path, error_text(rc));
	for (size_t i = 0; rc == GRAPPE_OK && i < period->nrows; i++)
		print_row(period, &period->rows[i]);
	period_free(period);
	buffer_deinit(&bytes);
	return rc == GRAPPE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	int code = EXIT_SUCCESS;

	if ((argc == 6 || argc == 7) && strcmp(argv[1], "write") == 0)
		return write_file(argv[2], strtol(argv[3], NULL, 10),
		    (unsigned)strtoul(argv[4], NULL, 10), (unsigned)strtoul(argv[5], NULL, 10),
		    argc == 7 ? (unsigned)strtoul(argv[6], NULL, 10) : PERIOD_LENGTH_DEFAULT_S);
	if (argc < 3 || strcmp(argv[1], "print") != 0) {
		fprintf(stderr, "usage: period_file write DIRECTORY END VMS PEERS [LENGTH]\n"
				"       period_file print FILE...\n");
		return EXIT_FAILURE;
	}
	for (int i = 2; i < argc && code == EXIT_SUCCESS; i++)
		code = print_file(argv[i]);
	return code;
}
