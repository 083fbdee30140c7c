/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent's state file: as the bytes are, and once more with a checksum that fits, so that the
 * fuzzer gets behind it. What is accepted must come back the same, and must take the next period.
 */
#include "agent-module/ledger.h"
#include "common/error.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void go_round(const struct ledger *ledger)
{
	struct buffer first, second;
	struct ledger *again;

	buffer_init(&first);
	buffer_init(&second);
	must(ledger_encode(ledger, &first) == GRAPPE_OK);
	must(ledger_decode(first.bytes, first.length, &again) == GRAPPE_OK);
	must(ledger_encode(again, &second) == GRAPPE_OK);
	must(first.length == second.length);
	must(memcmp(first.bytes, second.bytes, first.length) == 0);
	ledger_free(again);
	buffer_deinit(&first);
	buffer_deinit(&second);
}

/* A period one day later with one vif and one row. */
static void go_on(struct ledger *ledger)
{
	struct period *period = period_new();
	struct period_vif vif = {.vm_id = "mac-020000000001", .segment = "default", .nmacs = 1};
	struct period_row row = {.packets = 1, .octets = 40, .peer = {.type = ADDRESS_IPV4}};
	struct tally_set rows;
	uint32_t number = 0;
	bool added;
	int rc;

	must(period != NULL);
	period->header.length_s = 30;
	period->header.end_s = ((int64_t)ledger->last_end + 86400) / 30 * 30;
	must(period_add_vif(period, &vif) == 0 && period_add_row(period, &row) == 0);
	rc = ledger_number(ledger, period, &number, &added);
	must(rc == GRAPPE_OK || rc == GRAPPE_ELIMIT);
	if (rc == GRAPPE_OK) {
		must(ledger_find_vif(ledger, number) != NULL);
		must(tally_from_period(period, &number, &rows) == GRAPPE_OK);
		rc = ledger_account(ledger, period, &number, &rows);
		must(rc == GRAPPE_OK || rc == GRAPPE_ERANGE);
		tally_free(&rows);
	}
	period_free(period);
	if (rc == GRAPPE_OK)
		go_round(ledger);
}

static void try(const uint8_t *bytes, size_t length)
{
	struct ledger *ledger;

	if (ledger_decode(bytes, length, &ledger) == GRAPPE_OK) {
		go_round(ledger);
		go_on(ledger);
	} else {
		must(ledger == NULL);
	}
	ledger_free(ledger);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	uint8_t *sealed;
	uint32_t sum;

	try(bytes, length);
	if (length < 4)
		return 0;
	sealed = malloc(length);
	if (sealed == NULL)
		return 0;
	memcpy(sealed, bytes, length);
	sum = period_checksum(sealed, length - 4);
	for (int i = 0; i < 4; i++)
		sealed[length - 4 + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
	try(sealed, length);
	free(sealed);
	return 0;
}
