/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/recent.h"

static struct recent_sums count(const struct period *period)
{
	struct recent_sums sums = {.periods = 1,
	    .drops = period->header.dropped_packets,
	    .unmatched = period->header.unmatched_packets};

	for (size_t i = 0; i < period->nvifs; i++) {
		sums.other += period->vifs[i].other_packets;
		sums.packets += period->vifs[i].other_packets + period->vifs[i].multicast_packets;
	}
	for (size_t i = 0; i < period->nrows; i++)
		if (period->rows[i].direction == ROW_RECEIVED)
			sums.packets += period->rows[i].packets;
	return sums;
}

void recent_add(struct recent *recent, const struct period *period)
{
	const struct period_header *header = &period->header;
	const size_t at = (size_t)(header->end_s / header->length_s % RECENT_PERIODS);

	if (recent->places[at].end_s > header->end_s)
		return;
	recent->places[at].end_s = header->end_s;
	recent->places[at].length_s = header->length_s;
	recent->places[at].sums = count(period);
}

struct recent_sums recent_sum(const struct recent *recent)
{
	struct recent_sums sums = {0};
	int64_t since_s = 0, newest_s = 0;

	for (size_t i = 0; i < RECENT_PERIODS; i++)
		if (recent->places[i].end_s > newest_s) {
			newest_s = recent->places[i].end_s;
			since_s = newest_s - (int64_t)RECENT_PERIODS * recent->places[i].length_s;
		}
	for (size_t i = 0; i < RECENT_PERIODS; i++) {
		const struct recent_sums *one = &recent->places[i].sums;

		if (recent->places[i].end_s <= since_s)
			continue;
		sums.periods += one->periods;
		sums.packets += one->packets;
		sums.other += one->other;
		sums.drops += one->drops;
		sums.unmatched += one->unmatched;
	}
	return sums;
}
