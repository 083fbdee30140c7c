/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nagios/pair.h"

#include "common/error.h"
#include "common/identity.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAIL(code, ...) (snprintf(message, size, __VA_ARGS__), (code))

/* Columns of protocol_columns_inventory and protocol_columns_mean. */
enum { VM_ID, VM_NAME, VM_SITE = 3, VM_SEEN = 9, VM_APPLICATION };
enum { ROW_RECEIVER, ROW_SENDER, ROW_PACKETS, ROW_OCTETS, ROW_KNOWN };

struct member {
	char id[VM_ID_SIZE];
	unsigned sides; /* bit 1 << side */
	double known;   /* periods */
};

/* A side while VMs come in. */
struct candidate {
	struct pair_side side;
	char id[VM_ID_SIZE]; /* PAIR_VM: "" until it is found */
	bool by_id;          /* found by its id: names no longer count */
	size_t named;        /* VMs of that name, or label, or site; whenever they were seen */
	size_t present;      /* PAIR_VM: of these, seen in the window */
	size_t members;
};

struct pair {
	struct candidate candidates[2];
	int64_t since_s;
	struct member *members; /* sorted by id when settled */
	size_t count, capacity;
	struct pair_sums directions[PAIR_DIRECTIONS], both;
};

int pair_parse_side(const char *text, struct pair_side *side)
{
	static const struct {
		const char *prefix;
		enum pair_kind kind;
	} prefixes[] = {{"vm:", PAIR_VM}, {"app:", PAIR_APPLICATION}, {"site:", PAIR_SITE}};

	*side = (struct pair_side){.kind = PAIR_VM, .name = text};
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
		const size_t length = strlen(prefixes[i].prefix);

		if (strncmp(text, prefixes[i].prefix, length) == 0)
			*side = (struct pair_side){.kind = prefixes[i].kind, .name = text + length};
	}
	return side->name[0] != '\0' && strcmp(side->name, "-") != 0 ? GRAPPE_OK : GRAPPE_EFORMAT;
}

int pair_new(const struct pair_side sides[2], int64_t since_s, struct pair **out)
{
	struct pair *pair = calloc(1, sizeof *pair);

	*out = pair;
	if (pair == NULL)
		return GRAPPE_EMEMORY;
	pair->candidates[0].side = sides[0];
	pair->candidates[1].side = sides[1];
	pair->since_s = since_s;
	return GRAPPE_OK;
}

void pair_free(struct pair *pair)
{
	if (pair == NULL)
		return;
	free(pair->members);
	free(pair);
}

/* ---- who belongs to which side ---- */

static int add_member(struct pair *pair, const char *id, unsigned sides)
{
	if (pair->count == PAIR_MEMBERS_MAX)
		return GRAPPE_ELIMIT;
	if (pair->count == pair->capacity) {
		const size_t capacity = pair->capacity > 0 ? 2 * pair->capacity : 64;
		struct member *grown = realloc(pair->members, capacity * sizeof *grown);

		if (grown == NULL)
			return GRAPPE_EMEMORY;
		pair->members = grown;
		pair->capacity = capacity;
	}
	pair->members[pair->count] = (struct member){.sides = sides};
	snprintf(pair->members[pair->count++].id, VM_ID_SIZE, "%s", id);
	return GRAPPE_OK;
}

/* A VM that was made anew under its old name is the one that was seen in the window. */
static void consider_vm(struct candidate *candidate, const char *const *fields, int64_t since_s)
{
	const bool by_id = strcmp(candidate->side.name, fields[VM_ID]) == 0;

	if (!by_id && (candidate->by_id || strcmp(candidate->side.name, fields[VM_NAME]) != 0))
		return;
	candidate->named++;
	candidate->by_id = by_id;
	if (!by_id && strtoll(fields[VM_SEEN], NULL, 10) > since_s)
		candidate->present++;
	else if (!by_id && candidate->present > 0)
		return;
	snprintf(candidate->id, sizeof candidate->id, "%s", fields[VM_ID]);
}

/* Whether the VM belongs to the application or site now, and was seen in the window. */
static bool consider_set(struct candidate *candidate, const char *const *fields, int64_t since_s)
{
	const char *label =
	    fields[candidate->side.kind == PAIR_APPLICATION ? VM_APPLICATION : VM_SITE];

	if (strcmp(candidate->side.name, label) != 0)
		return false;
	candidate->named++;
	if (strtoll(fields[VM_SEEN], NULL, 10) <= since_s)
		return false;
	candidate->members++;
	return true;
}

int pair_add_vm(struct pair *pair, const char *const *fields)
{
	unsigned sides = 0;

	if (!identity_is_vm(fields[VM_ID]) || strlen(fields[VM_ID]) >= VM_ID_SIZE)
		return GRAPPE_OK;
	for (unsigned side = 0; side < 2; side++) {
		struct candidate *candidate = &pair->candidates[side];

		if (candidate->side.kind == PAIR_VM)
			consider_vm(candidate, fields, pair->since_s);
		else if (consider_set(candidate, fields, pair->since_s))
			sides |= 1u << side;
	}
	return sides != 0 ? add_member(pair, fields[VM_ID], sides) : GRAPPE_OK;
}

static int compare_members(const void *left, const void *right)
{
	return strcmp(((const struct member *)left)->id, ((const struct member *)right)->id);
}

static struct member *find_member(const struct pair *pair, const char *id)
{
	struct member key;

	if (pair->count == 0 || strlen(id) >= sizeof key.id)
		return NULL;
	snprintf(key.id, sizeof key.id, "%s", id);
	return bsearch(&key, pair->members, pair->count, sizeof key, compare_members);
}

static int check_candidate(const struct candidate *candidate, char *message, size_t size)
{
	static const char *const nobody[] = {[PAIR_VM] = "no VM has the name or id",
	    [PAIR_APPLICATION] = "no VM belongs to the application",
	    [PAIR_SITE] = "no VM is in the site"};
	const char *name = candidate->side.name;

	if (candidate->side.kind == PAIR_SITE && candidate->side.watched)
		return GRAPPE_OK;
	if (candidate->named == 0)
		return FAIL(GRAPPE_ENOTFOUND, "%s %.80s", nobody[candidate->side.kind], name);
	if (candidate->side.kind != PAIR_VM && candidate->members == 0)
		return FAIL(GRAPPE_ENOTFOUND, "no VM of %.80s was there in that time", name);
	if (candidate->side.kind == PAIR_VM && !candidate->by_id && candidate->named > 1 &&
	    candidate->present != 1)
		return FAIL(GRAPPE_ENOTFOUND, "%zu VMs have the name %.80s: take an id",
		    candidate->named, name);
	return GRAPPE_OK;
}

/* Sorts the members and makes one of those that are there twice (a VM that is a side of its own,
 * and belongs to the other). */
static void join_members(struct pair *pair)
{
	size_t kept = 0;

	qsort(pair->members, pair->count, sizeof *pair->members, compare_members);
	for (size_t i = 0; i < pair->count; i++)
		if (kept > 0 && strcmp(pair->members[kept - 1].id, pair->members[i].id) == 0)
			pair->members[kept - 1].sides |= pair->members[i].sides;
		else
			pair->members[kept++] = pair->members[i];
	pair->count = kept;
}

int pair_settle(struct pair *pair, char *message, size_t size)
{
	int rc = GRAPPE_OK;

	for (unsigned side = 0; side < 2 && rc == GRAPPE_OK; side++) {
		struct candidate *candidate = &pair->candidates[side];

		rc = check_candidate(candidate, message, size);
		if (rc == GRAPPE_OK && candidate->side.kind == PAIR_VM) {
			candidate->members = 1;
			rc = add_member(pair, candidate->id, 1u << side);
			if (rc != GRAPPE_OK)
				snprintf(message, size, "%s", error_text(rc));
		}
	}
	if (rc != GRAPPE_OK)
		return rc;
	join_members(pair);
	if (pair->count == 1 && pair->candidates[0].side.kind == PAIR_VM &&
	    pair->candidates[1].side.kind == PAIR_VM)
		return FAIL(GRAPPE_ENOTFOUND, "both sides are the same VM");
	return GRAPPE_OK;
}

const char *pair_vm(const struct pair *pair, size_t side)
{
	return pair->candidates[side].side.kind == PAIR_VM ? pair->candidates[side].id : NULL;
}

/* ---- what they received ---- */

/* A number at or above 0; "-", unknown, is NAN. */
static bool read_number(const char *text, double *value)
{
	char *end;

	*value = NAN;
	if (strcmp(text, "-") == 0)
		return true;
	if (strspn(text, "0123456789.e+-") != strlen(text) || text[0] == '\0')
		return false;
	*value = strtod(text, &end);
	return *end == '\0' && isfinite(*value) && *value >= 0;
}

static void add_sums(struct pair_sums *sums, double packets, double octets)
{
	sums->packets += packets;
	sums->octets += octets;
}

int pair_add_row(struct pair *pair, const char *const *fields, uint32_t wanted, const char *only)
{
	double packets, octets, known;
	struct member *receiver, *sender;
	unsigned directions;

	if (!read_number(fields[ROW_PACKETS], &packets) ||
	    !read_number(fields[ROW_OCTETS], &octets) || !read_number(fields[ROW_KNOWN], &known) ||
	    known > wanted * 1.001)
		return GRAPPE_EFORMAT;
	if (only != NULL && strcmp(only, fields[ROW_RECEIVER]) != 0)
		return GRAPPE_OK;
	receiver = find_member(pair, fields[ROW_RECEIVER]);
	if (receiver == NULL)
		return GRAPPE_OK;
	receiver->known = isnan(known) ? 0 : known;
	sender = find_member(pair, fields[ROW_SENDER]);
	if (sender == NULL || sender == receiver || isnan(packets) || isnan(octets))
		return GRAPPE_OK;
	/* Forward: from side 0 to side 1. */
	directions = ((sender->sides & 1) && (receiver->sides & 2) ? 1u << PAIR_FORWARD : 0) |
		     ((sender->sides & 2) && (receiver->sides & 1) ? 1u << PAIR_BACKWARD : 0);
	for (unsigned i = 0; i < PAIR_DIRECTIONS; i++)
		if (directions & 1u << i)
			add_sums(&pair->directions[i], packets, octets);
	if (directions != 0)
		add_sums(&pair->both, packets, octets);
	return GRAPPE_OK;
}

static double share(double known, uint32_t wanted, size_t members)
{
	return known / ((double)wanted * (double)members);
}

void pair_finish(struct pair *pair, uint32_t wanted, struct pair_answer *answer)
{
	const size_t members[2] = {pair->candidates[0].members, pair->candidates[1].members};
	const bool empty = members[0] == 0 || members[1] == 0;
	double known[2] = {0, 0}, all = 0;

	for (size_t i = 0; i < pair->count; i++) {
		const struct member *member = &pair->members[i];

		all += member->known;
		for (unsigned side = 0; side < 2; side++)
			if (member->sides & 1u << side)
				known[side] += member->known;
	}
	/* The receivers of what goes forward are the VMs of side 1. */
	pair->directions[PAIR_FORWARD].known = empty ? 1 : share(known[1], wanted, members[1]);
	pair->directions[PAIR_BACKWARD].known = empty ? 1 : share(known[0], wanted, members[0]);
	pair->both.known = empty ? 1 : share(all, wanted, pair->count);
	answer->both = pair->both;
	for (size_t i = 0; i < PAIR_DIRECTIONS; i++) {
		answer->members[i] = members[i];
		answer->directions[i] = pair->directions[i];
	}
}
