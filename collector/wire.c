/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/wire.h"

#include "common/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const uint32_t agent_root[] = {MIB_AGENT};
static const uint32_t info_root[] = {MIB_PERIOD_INFO};
static const uint32_t block_root[] = {MIB_PERIOD_BLOCK};

/* What a request for a period's description holds, and where it goes in the reply. */
static const struct {
	bool of_agent;   /* a scalar of the agent, else a column of the period's row */
	uint32_t number; /* of the scalar or column */
	size_t offset;   /* of a uint32_t in the reply */
} info_variables[] = {
    {true, MIB_AGENT_PERIOD_LENGTH, offsetof(struct poller_reply, period_length_s)},
    {true, MIB_AGENT_LAST_END, offsetof(struct poller_reply, last_end_s)},
    {false, MIB_INFO_LENGTH, offsetof(struct poller_reply, info_length_s)},
    {false, MIB_INFO_CHUNKS, offsetof(struct poller_reply, info_chunks)},
    {false, MIB_INFO_BYTES, offsetof(struct poller_reply, info_bytes)},
    {false, MIB_INFO_CRC, offsetof(struct poller_reply, info_crc)},
};
#define INFO_VARIABLES (sizeof info_variables / sizeof *info_variables)

static void set_name(struct wire_name *name, const uint32_t *root, size_t count)
{
	memcpy(name->ids, root, count * sizeof *root);
	name->count = count;
}

static void add_id(struct wire_name *name, uint32_t id)
{
	name->ids[name->count++] = id;
}

_Static_assert(
    sizeof agent_root / sizeof *agent_root + 8 <= WIRE_NAME_MAX, "the MIB root is too long");
_Static_assert(INFO_VARIABLES + 1 <= WIRE_VARIABLES_MAX && POLLER_BLOCKS_MAX <= WIRE_VARIABLES_MAX,
    "a request has room for its variables");

static size_t info_names(int64_t end_s, struct wire_name *names)
{
	for (size_t i = 0; i < INFO_VARIABLES; i++) {
		if (info_variables[i].of_agent)
			set_name(&names[i], agent_root, sizeof agent_root / sizeof *agent_root);
		else
			set_name(&names[i], info_root, sizeof info_root / sizeof *info_root);
		add_id(&names[i], info_variables[i].number);
		add_id(&names[i], info_variables[i].of_agent ? 0 : (uint32_t)end_s);
	}
	return INFO_VARIABLES;
}

size_t wire_names(const struct poller_request *request, struct wire_name names[WIRE_VARIABLES_MAX])
{
	const size_t before = request->kind == POLLER_INFO ? info_names(request->end_s, names) : 0;

	for (uint32_t i = 0; i < request->count; i++) {
		struct wire_name *name = &names[before + i];

		set_name(name, block_root, sizeof block_root / sizeof *block_root);
		add_id(name, MIB_BLOCK_DATA);
		add_id(name, (uint32_t)request->end_s);
		add_id(name, request->first + i);
	}
	return before + request->count;
}

static void __attribute__((format(printf, 2, 3)))
reject(struct poller_reply *reply, const char *format, ...)
{
	va_list arguments;

	reply->error = GRAPPE_EFORMAT;
	va_start(arguments, format);
	vsnprintf(reply->text, sizeof reply->text, format, arguments);
	va_end(arguments);
}

static bool same_name(const struct wire_name *a, const struct wire_name *b)
{
	return a->count == b->count && a->count <= WIRE_NAME_MAX &&
	       memcmp(a->ids, b->ids, a->count * sizeof *a->ids) == 0;
}

/* All of the agent's scalars must be there, or none; the same for the row. */
static void parse_info(const struct wire_variable *variables, struct poller_reply *reply)
{
	size_t agent = 0, agent_here = 0, info = 0, info_here = 0;

	for (size_t i = 0; i < INFO_VARIABLES; i++) {
		const struct wire_variable *variable = &variables[i];
		const bool here = variable->type != WIRE_ABSENT;
		const uint32_t number = (uint32_t)variable->number;

		if (here && (variable->type != WIRE_NUMBER || variable->number < 0 ||
				variable->number > UINT32_MAX)) {
			reject(
			    reply, "variable %zu of its answer has a wrong type or value", i + 1);
			return;
		}
		if (info_variables[i].of_agent) {
			agent++;
			agent_here += here;
		} else {
			info++;
			info_here += here;
		}
		if (here)
			memcpy((uint8_t *)reply + info_variables[i].offset, &number, sizeof number);
	}
	reply->has_agent = agent_here == agent;
	reply->has_info = info_here == info;
	if ((!reply->has_agent && agent_here > 0) || (!reply->has_info && info_here > 0))
		reject(reply, "its answer has only some of the variables asked for");
}

static void parse_blocks(
    const struct wire_variable *variables, size_t count, struct poller_reply *reply)
{
	for (size_t i = 0; i < count; i++) {
		if (variables[i].type == WIRE_ABSENT)
			continue;
		if (variables[i].type != WIRE_OCTETS) {
			reject(reply, "a block of a period has a wrong type");
			return;
		}
		reply->blocks[i] = variables[i].bytes;
		reply->lengths[i] = variables[i].length;
	}
}

void wire_parse(const struct poller_request *request, const struct wire_variable *variables,
    size_t count, struct poller_reply *reply)
{
	struct wire_name names[WIRE_VARIABLES_MAX];
	const size_t wanted = wire_names(request, names);

	*reply = (struct poller_reply){.id = request->id};
	if (count != wanted) {
		reject(reply, "its answer has %zu variables instead of %zu", count, wanted);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (!same_name(&variables[i].name, &names[i])) {
			reject(reply, "variable %zu of its answer is not the one asked for", i + 1);
			return;
		}
	}
	if (request->kind == POLLER_INFO)
		parse_info(variables, reply);
	if (reply->error == GRAPPE_OK)
		parse_blocks(&variables[count - request->count], request->count, reply);
}
