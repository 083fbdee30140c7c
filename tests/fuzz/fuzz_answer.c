/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SNMP answers to the collector, as hostile as they come: the input plays the agent. Its first
 * bytes say how the replies lie; the rest is the encoding of a period that they are about. What
 * is delivered must be a period that fits what was asked for.
 */
#include "collector/poller.h"
#include "collector/wire.h"
#include "common/clock.h"
#include "common/error.h"

#include <stdlib.h>
#include <string.h>

#define T0 INT64_C(1800000000)
#define ROUNDS 200
#define CONTROL_BYTES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *control;
	size_t ncontrol, at;
	const uint8_t *encoding;
	size_t length;
};

static uint8_t take(struct input *input)
{
	return input->at < input->ncontrol ? input->control[input->at++] : 0;
}

/* An honest number, or one from the input. */
static int64_t number(struct input *input, int64_t honest)
{
	const uint8_t what = take(input);

	if (what < 200)
		return honest;
	if (what < 220)
		return honest + (int8_t)take(input);
	return (int64_t)((uint64_t)take(input) << (take(input) % 64));
}

static void answer_info(
    struct input *input, struct wire_variable *variables, const struct poller_request *request)
{
	const int64_t honest[] = {30, request->end_s, 30,
	    (int64_t)(input->length + MIB_BLOCK_BYTES - 1) / MIB_BLOCK_BYTES,
	    (int64_t)input->length, period_checksum(input->encoding, input->length)};
	const bool lies = take(input) > 128;

	for (size_t i = 0; i < sizeof honest / sizeof *honest; i++)
		variables[i].number = lies ? number(input, honest[i]) : honest[i];
}

static void answer_blocks(
    struct input *input, struct wire_variable *variables, const struct poller_request *request)
{
	for (uint32_t i = 0; i < request->count; i++) {
		const size_t start = (request->first + i - 1) * (size_t)MIB_BLOCK_BYTES;
		const size_t left = start < input->length ? input->length - start : 0;

		variables[i].type = left > 0 ? WIRE_OCTETS : WIRE_ABSENT;
		variables[i].bytes = input->encoding + (left > 0 ? start : 0);
		variables[i].length = left < MIB_BLOCK_BYTES ? left : MIB_BLOCK_BYTES;
	}
}

static void answer(struct input *input, struct poller *poller, const struct poller_time *now,
    const struct poller_request *request)
{
	struct wire_name names[WIRE_VARIABLES_MAX];
	struct wire_variable variables[WIRE_VARIABLES_MAX];
	size_t count = wire_names(request, names);
	struct poller_reply reply;
	uint8_t what;

	memset(variables, 0, sizeof variables);
	for (size_t i = 0; i < count; i++) {
		variables[i].name = names[i];
		variables[i].type = WIRE_NUMBER;
	}
	if (request->kind == POLLER_INFO)
		answer_info(input, variables, request);
	answer_blocks(input, &variables[count - request->count], request);
	what = take(input);
	if (what >= 240)
		variables[what % count].type = (enum wire_type)(what % 4);
	else if (what >= 230)
		variables[what % count].name.ids[what % 8]++;
	else if (what >= 220)
		count--;
	wire_parse(request, variables, count, &reply);
	if (what >= 210 && what < 220)
		reply.error = GRAPPE_ETIMEOUT;
	poller_reply(poller, now, &reply);
}

static void take_events(struct poller *poller)
{
	struct poller_event event;

	while (poller_next_event(poller, &event)) {
		if (event.kind == POLLER_DELIVERED && (event.period->header.end_s != event.end_s ||
							  event.period->header.length_s != 30))
			abort();
		period_free(event.period);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct poller_config config = {
	    .length_s = 30, .history = 4, .deadline_ms = 15000, .in_flight = 2, .blocks = 3};
	const size_t ncontrol = size < CONTROL_BYTES ? size : CONTROL_BYTES;
	struct input input = {.control = data,
	    .ncontrol = ncontrol,
	    .encoding = data + ncontrol,
	    .length = size - ncontrol};
	struct poller *poller = poller_new(&config, 0);
	struct poller_request request;

	if (poller != NULL)
		poller_join_first(poller, size % 2 != 0);
	for (int64_t round = 0; round < ROUNDS && poller != NULL; round++) {
		const struct poller_time now = {
		    .wall_ns = T0 * CLOCK_SECOND_NS + round * 2 * CLOCK_SECOND_NS,
		    .monotonic_ns = (round + 1) * 2 * CLOCK_SECOND_NS};

		poller_tick(poller, &now);
		while (poller_next_request(poller, &request))
			answer(&input, poller, &now, &request);
		take_events(poller);
	}
	poller_free(poller);
	return 0;
}
