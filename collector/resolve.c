/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/resolve.h"

#include "common/error.h"
#include "common/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Evidence from an earlier period is worse than any of this one. */
#define RANK_REMEMBERED 16
/* Each of two agents watched so much of the period: they claim the same VM. */
#define CLAIM_SHARE 0.95
/* Time stamps of two hosts differ a little: such a share is the whole. But in what is left of it
 * another host may have counted something. */
#define WHOLE_SHARE 0.999
#define ROUNDING 1e-9

/* Who owns an address of a segment. */
struct owner {
	const char *segment; /* borrowed from the period; NULL: free slot */
	const struct address *address;
	const char *vm_id;
	int node;      /* of the VM in the catalogue; -1: not looked up yet */
	unsigned rank; /* evidence, smaller is better */
	bool conflict; /* another VM has it with the same rank */
};

struct owners {
	struct owner *slots; /* open addressing, a power of two */
	size_t size;
};

/* What is summed up of one pair. */
struct sum {
	double packets, octets;
};

/* Coverage of one receiver while it is summed up. */
struct coverage {
	double share;    /* sum over agents */
	double best;     /* largest of one agent */
	double now;      /* of the agent being read: largest of its NICs */
	uint32_t agent;  /* that had the largest */
	unsigned claims; /* agents that watched it all */
	uint32_t flags;  /* of all agents that watched it */
	bool receiver;
	bool uncertain;
	bool ghost;
};

struct work {
	const struct resolve_request *request;
	const struct resolve_config *config; /* of the request */
	struct matrix *catalogue;            /* of the request */
	struct owners owners;
	struct resolved *result;
	struct coverage *coverage; /* by node */
	size_t coverage_size;
	struct sum *sums; /* by pair; 0 until it is among `pairs` */
	size_t sums_size;
	uint32_t *pairs; /* that counted something */
	size_t npairs, pairs_capacity;
	uint32_t *nodes; /* of the VMs of the vifs of the period being read */
	size_t nodes_size;
	uint32_t flags; /* enum period_flag of all that told */
};

static uint64_t hash_owner(const char *segment, const struct address *address)
{
	return hash_text(address_hash(address), segment);
}

static struct owner *owner_slot(
    const struct owners *owners, const char *segment, const struct address *address)
{
	size_t at = hash_owner(segment, address) & (owners->size - 1);

	while (owners->slots[at].segment != NULL &&
	       (address_compare(owners->slots[at].address, address) != 0 ||
		   strcmp(owners->slots[at].segment, segment) != 0))
		at = (at + 1) & (owners->size - 1);
	return &owners->slots[at];
}

/* Room for every address of all inputs, half empty. */
static int owners_init(struct owners *owners, const struct resolve_input *inputs, size_t ninputs)
{
	size_t total = 0;

	for (size_t i = 0; i < ninputs; i++)
		for (size_t v = 0; v < inputs[i].period->nvifs; v++)
			total += inputs[i].period->vifs[v].naddresses;
	owners->size = 16;
	while (owners->size < 2 * total)
		owners->size *= 2;
	owners->slots = calloc(owners->size, sizeof *owners->slots);
	return owners->slots != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

/* Better rank wins; of two VMs with equal rank the smaller id, whatever the order of inputs. */
static void owners_claim(struct owners *owners, const struct owner *claim)
{
	struct owner *slot = owner_slot(owners, claim->segment, claim->address);

	if (slot->segment == NULL || claim->rank < slot->rank) {
		*slot = *claim;
		return;
	}
	if (claim->rank > slot->rank)
		return;
	if (strcmp(slot->vm_id, claim->vm_id) != 0) {
		slot->conflict = true;
		if (strcmp(claim->vm_id, slot->vm_id) < 0)
			slot->vm_id = claim->vm_id;
	}
}

static void claim_addresses(struct owners *owners, const struct resolve_input *input)
{
	for (size_t v = 0; v < input->period->nvifs; v++) {
		const struct period_vif *vif = &input->period->vifs[v];

		for (uint32_t a = 0; a < vif->naddresses; a++) {
			const struct period_address *known = &vif->addresses[a];
			const struct owner claim = {.segment = vif->segment,
			    .address = &known->address,
			    .vm_id = vif->vm_id,
			    .node = -1,
			    .rank = known->evidence + (input->remembered ? RANK_REMEMBERED : 0u)};

			/* Sources seen behind a router are not its own. */
			if ((vif->flags & VIF_ROUTER) && known->evidence >= EVIDENCE_SOURCE)
				continue;
			owners_claim(owners, &claim);
		}
	}
}

static void count_address_conflicts(struct work *work)
{
	struct resolved *result = work->result;

	for (size_t i = 0; i < work->owners.size; i++) {
		const struct owner *owner = &work->owners.slots[i];
		char text[ADDRESS_TEXT_SIZE];

		if (owner->segment == NULL || !owner->conflict)
			continue;
		if (result->address_conflicts++ == 0)
			snprintf(result->conflict, sizeof result->conflict,
			    "address %s of segment %s belongs to %s and to another VM",
			    address_format(owner->address, text), owner->segment, owner->vm_id);
	}
}

static struct owner *find_owner(
    const struct work *work, const char *segment, const struct address *address)
{
	struct owner *owner = owner_slot(&work->owners, segment, address);
	const struct resolve_config *config = work->config;
	bool routed = false;

	if (owner->segment != NULL)
		return owner;
	for (size_t i = 0; i < config->nrouted && !routed; i++)
		routed = strcmp(config->routed[i], segment) == 0;
	for (size_t i = 0; i < config->nrouted && routed; i++) {
		owner = owner_slot(&work->owners, config->routed[i], address);
		if (owner->segment != NULL)
			return owner;
	}
	return NULL;
}

/* The endpoint with this address; one bound to the segment comes before one of all segments. */
static const char *find_endpoint(
    const struct resolve_config *config, const char *segment, const struct address *address)
{
	const char *everywhere = NULL;

	for (size_t i = 0; i < config->nendpoints; i++) {
		const struct resolve_endpoint *endpoint = &config->endpoints[i];

		if (address_compare(&endpoint->address, address) != 0)
			continue;
		if (strcmp(endpoint->segment, segment) == 0)
			return endpoint->id;
		if (endpoint->segment[0] == '\0' && everywhere == NULL)
			everywhere = endpoint->id;
	}
	return everywhere;
}

/* Room for `wanted` zeroed elements of `size` bytes; returns the (moved) array or NULL. */
static void *grow_zeroed(void *array, size_t *capacity, size_t wanted, size_t size)
{
	size_t bigger = *capacity ? *capacity : 64;
	char *moved;

	if (wanted <= *capacity)
		return array;
	while (bigger < wanted)
		bigger *= 2;
	moved = reallocarray(array, bigger, size);
	if (moved == NULL)
		return NULL;
	memset(moved + *capacity * size, 0, (bigger - *capacity) * size);
	*capacity = bigger;
	return moved;
}

/* Node of an id, with room for its coverage. */
static int node_of(struct work *work, const char *id)
{
	const int node = matrix_node(work->catalogue, id);
	struct coverage *coverage;

	if (node < 0)
		return node;
	coverage =
	    grow_zeroed(work->coverage, &work->coverage_size, (size_t)node + 1, sizeof *coverage);
	if (coverage == NULL)
		return GRAPPE_EMEMORY;
	work->coverage = coverage;
	return node;
}

static int add_pair(struct work *work, int source, int receiver, uint64_t packets, uint64_t octets)
{
	struct sum *sum;
	uint32_t *pairs;
	int pair;

	if (packets == 0 && octets == 0)
		return GRAPPE_OK;
	pair = matrix_pair(work->catalogue, (uint32_t)source, (uint32_t)receiver);
	if (pair < 0)
		return pair;
	sum = grow_zeroed(work->sums, &work->sums_size, (size_t)pair + 1, sizeof *sum);
	if (sum == NULL)
		return GRAPPE_EMEMORY;
	work->sums = sum;
	sum += pair;
	if (sum->packets == 0 && sum->octets == 0) {
		pairs = grow_zeroed(
		    work->pairs, &work->pairs_capacity, work->npairs + 1, sizeof *pairs);
		if (pairs == NULL)
			return GRAPPE_EMEMORY;
		work->pairs = pairs;
		pairs[work->npairs++] = (uint32_t)pair;
	}
	sum->packets += (double)packets;
	sum->octets += (double)octets;
	return GRAPPE_OK;
}

/* The same for a sender that is named. */
static int add_named(
    struct work *work, const char *sender, int receiver, uint64_t packets, uint64_t octets)
{
	const int source = packets > 0 || octets > 0 ? node_of(work, sender) : 0;

	return source < 0 ? source : add_pair(work, source, receiver, packets, octets);
}

static int add_received(
    struct work *work, const struct period_vif *vif, const struct period_row *row)
{
	const int receiver = (int)work->nodes[row->vif];
	struct owner *owner;
	const char *sender;

	if (address_is_multicast(&row->peer))
		return add_named(work, SENDER_MULTICAST, receiver, row->packets, row->octets);
	owner = find_owner(work, vif->segment, &row->peer);
	if (owner != NULL) {
		if (owner->rank >= RANK_REMEMBERED)
			work->coverage[receiver].uncertain = true;
		if (owner->node < 0)
			owner->node = node_of(work, owner->vm_id);
		return owner->node < 0
			   ? owner->node
			   : add_pair(work, owner->node, receiver, row->packets, row->octets);
	}
	sender = find_endpoint(work->config, vif->segment, &row->peer);
	if (sender == NULL)
		work->coverage[receiver].uncertain = true;
	return add_named(
	    work, sender != NULL ? sender : SENDER_EXTERNAL, receiver, row->packets, row->octets);
}

/* What a VM sent to a named endpoint. A peer that is a VM counts it itself; a node that is no
 * endpoint of this collector has no name to count it under. */
static int add_sent(struct work *work, const struct period_vif *vif, const struct period_row *row)
{
	const char *endpoint = find_endpoint(work->config, vif->segment, &row->peer);
	int receiver;

	if (find_owner(work, vif->segment, &row->peer) != NULL)
		return GRAPPE_OK;
	if (endpoint == NULL) {
		work->result->foreign_sent += row->packets;
		return GRAPPE_OK;
	}
	receiver = node_of(work, endpoint);
	if (receiver < 0)
		return receiver;
	return add_pair(work, (int)work->nodes[row->vif], receiver, row->packets, row->octets);
}

static int add_rows(struct work *work, const struct period *period)
{
	int rc = GRAPPE_OK;

	for (size_t r = 0; r < period->nrows && rc == GRAPPE_OK; r++) {
		const struct period_row *row = &period->rows[r];
		const struct period_vif *vif = &period->vifs[row->vif];

		rc = row->direction == ROW_SENT ? add_sent(work, vif, row)
						: add_received(work, vif, row);
	}
	return rc;
}

/* Nodes of the VMs of a period, so that a row needs no look-up. */
static int name_vifs(struct work *work, const struct period *period)
{
	uint32_t *nodes =
	    grow_zeroed(work->nodes, &work->nodes_size, period->nvifs + 1, sizeof *nodes);

	if (nodes == NULL)
		return GRAPPE_EMEMORY;
	work->nodes = nodes;
	for (size_t v = 0; v < period->nvifs; v++) {
		const int node = node_of(work, period->vifs[v].vm_id);

		if (node < 0)
			return node;
		nodes[v] = (uint32_t)node;
	}
	return GRAPPE_OK;
}

/* Sums of no pair, and how long each VM was watched: several NICs of one VM on one host are one
 * watch (the longest), several hosts add up. */
static int add_vifs(struct work *work, const struct resolve_input *input)
{
	const struct period *period = input->period;

	for (size_t v = 0; v < period->nvifs; v++) {
		const struct period_vif *vif = &period->vifs[v];
		const double share = vif->covered_ms / (work->request->length_s * 1000.0);
		const int node = (int)work->nodes[v];
		int rc;

		work->coverage[node].receiver = true;
		work->coverage[node].flags |= period->header.flags;
		if (share > work->coverage[node].now)
			work->coverage[node].now = share > 1 ? 1 : share;
		rc = add_named(
		    work, SENDER_MULTICAST, node, vif->multicast_packets, vif->multicast_octets);
		if (rc == GRAPPE_OK)
			rc = add_named(
			    work, SENDER_OTHER, node, vif->other_packets, vif->other_octets);
		if (rc != GRAPPE_OK)
			return rc;
	}
	for (size_t v = 0; v < period->nvifs; v++) {
		struct coverage *coverage = &work->coverage[work->nodes[v]];

		if (coverage->now > coverage->best || coverage->share == 0) {
			coverage->best = coverage->now;
			coverage->agent = input->agent;
		}
		coverage->claims += coverage->now >= CLAIM_SHARE;
		coverage->share += coverage->now;
		coverage->now = 0;
	}
	return GRAPPE_OK;
}

/* An endpoint has no sensor: it is as well known as the share of agents that told. Its ghost has
 * no agent. */
static int add_endpoints(struct work *work, size_t told, size_t expected)
{
	for (size_t i = 0; i < work->config->nendpoints; i++) {
		const int node = node_of(work, work->config->endpoints[i].id);

		if (node < 0)
			return node;
		work->coverage[node] = (struct coverage){.receiver = true,
		    .agent = UINT32_MAX,
		    .uncertain = told < expected,
		    .flags = work->flags,
		    .ghost = told == 0,
		    .share = told < expected ? (double)told / (double)expected : told > 0};
	}
	return GRAPPE_OK;
}

static int add_ghosts(struct work *work, const struct resolve_ghost *ghosts, size_t nghosts)
{
	for (size_t i = 0; i < nghosts; i++) {
		const int node = node_of(work, ghosts[i].id);

		if (node < 0)
			return node;
		if (work->coverage[node].receiver)
			continue;
		work->coverage[node].receiver = work->coverage[node].ghost = true;
		work->coverage[node].uncertain = true;
		work->coverage[node].agent = ghosts[i].agent;
	}
	return GRAPPE_OK;
}

static const char *node_name(const struct resolved *resolved, uint32_t node)
{
	return matrix_name(resolved->catalogue, node);
}

static int compare_receivers(const void *left, const void *right, void *context)
{
	const struct resolved_receiver *a = left, *b = right;

	return strcmp(node_name(context, a->node), node_name(context, b->node));
}

static int collect_receivers(struct work *work)
{
	struct resolved *result = work->result;
	size_t count = 0;

	for (size_t n = 0; n < work->coverage_size; n++)
		count += work->coverage[n].receiver;
	result->receivers = calloc(count + 1, sizeof *result->receivers);
	if (result->receivers == NULL)
		return GRAPPE_EMEMORY;
	for (size_t n = 0; n < work->coverage_size; n++) {
		const struct coverage *coverage = &work->coverage[n];

		if (!coverage->receiver)
			continue;
		if (coverage->claims > 1 && result->vm_conflicts++ == 0 &&
		    result->conflict[0] == '\0')
			snprintf(result->conflict, sizeof result->conflict,
			    "%u agents say they watched %s for the whole period", coverage->claims,
			    node_name(result, (uint32_t)n));
		result->receivers[result->nreceivers++] =
		    (struct resolved_receiver){.node = (uint32_t)n,
			.agent = coverage->agent,
			.known = coverage->share >= WHOLE_SHARE ? 1 : coverage->share,
			.uncertain = coverage->uncertain || coverage->share < 1 - ROUNDING,
			.ghost = coverage->ghost,
			.flags = coverage->flags};
	}
	qsort_r(result->receivers, result->nreceivers, sizeof *result->receivers, compare_receivers,
	    result);
	return GRAPPE_OK;
}

static bool is_wide(const struct sum *sum)
{
	return sum->packets >= RESOLVED_WIDE || sum->octets >= RESOLVED_WIDE;
}

static int compare_wide(const void *left, const void *right)
{
	const struct resolved_wide *a = left, *b = right;

	return a->row < b->row ? -1 : a->row > b->row;
}

static void put_row(struct resolved *result, uint32_t row, uint32_t pair, const struct sum *sum)
{
	result->rows[row] = (struct resolved_row){pair, RESOLVED_WIDE, RESOLVED_WIDE};
	if (is_wide(sum)) {
		result->wide[result->nwide++] =
		    (struct resolved_wide){row, sum->packets, sum->octets};
		return;
	}
	result->rows[row].packets = (uint32_t)sum->packets;
	result->rows[row].octets = (uint32_t)sum->octets;
}

static int reserve_rows(struct work *work)
{
	struct resolved *result = work->result;
	size_t wide = 0;

	for (size_t p = 0; p < work->npairs; p++)
		wide += is_wide(&work->sums[work->pairs[p]]);
	result->rows = malloc((work->npairs + 1) * sizeof *result->rows);
	result->wide = malloc((wide + 1) * sizeof *result->wide);
	return result->rows != NULL && result->wide != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

/* Counting sort of the pairs by receiver, in the order of the receivers. */
static int group_rows(struct work *work)
{
	struct resolved *result = work->result;
	uint32_t *receiver_of = malloc((work->coverage_size + 1) * sizeof *receiver_of);
	const struct matrix_pair *pairs;
	size_t npairs;
	uint32_t first = 0;

	pairs = matrix_pairs(work->catalogue, &npairs);
	if (receiver_of == NULL || reserve_rows(work) != GRAPPE_OK) {
		free(receiver_of);
		return GRAPPE_EMEMORY;
	}
	for (size_t i = 0; i < result->nreceivers; i++)
		receiver_of[result->receivers[i].node] = (uint32_t)i;
	for (size_t p = 0; p < work->npairs; p++)
		result->receivers[receiver_of[pairs[work->pairs[p]].receiver]].nrows++;
	for (size_t i = 0; i < result->nreceivers; i++) {
		result->receivers[i].first_row = first;
		first += result->receivers[i].nrows;
		result->receivers[i].nrows = 0;
	}
	for (size_t p = 0; p < work->npairs; p++) {
		const uint32_t pair = work->pairs[p];
		struct resolved_receiver *receiver =
		    &result->receivers[receiver_of[pairs[pair].receiver]];

		put_row(result, receiver->first_row + receiver->nrows++, pair, &work->sums[pair]);
	}
	result->nrows = work->npairs;
	qsort(result->wide, result->nwide, sizeof *result->wide, compare_wide);
	free(receiver_of);
	return GRAPPE_OK;
}

static int join(struct work *work)
{
	const struct resolve_input *inputs = work->request->inputs;
	const size_t ninputs = work->request->ninputs;
	size_t told = 0;
	int rc = owners_init(&work->owners, inputs, ninputs);

	for (size_t i = 0; i < ninputs && rc == GRAPPE_OK; i++)
		claim_addresses(&work->owners, &inputs[i]);
	if (rc == GRAPPE_OK)
		count_address_conflicts(work);
	for (size_t i = 0; i < ninputs && rc == GRAPPE_OK; i++) {
		if (inputs[i].remembered)
			continue;
		told++;
		work->flags |= inputs[i].period->header.flags;
		rc = name_vifs(work, inputs[i].period);
		if (rc == GRAPPE_OK)
			rc = add_vifs(work, &inputs[i]);
		if (rc == GRAPPE_OK)
			rc = add_rows(work, inputs[i].period);
	}
	if (rc == GRAPPE_OK)
		rc = add_endpoints(work, told, work->request->expected);
	if (rc == GRAPPE_OK)
		rc = add_ghosts(work, work->request->ghosts, work->request->nghosts);
	if (rc == GRAPPE_OK)
		rc = collect_receivers(work);
	return rc == GRAPPE_OK ? group_rows(work) : rc;
}

int resolve_periods(const struct resolve_request *request, struct resolved **out)
{
	struct work work = {
	    .request = request, .config = request->config, .catalogue = request->catalogue};
	int rc;

	*out = NULL;
	work.result = calloc(1, sizeof *work.result);
	if (work.result == NULL)
		return GRAPPE_EMEMORY;
	work.result->catalogue = request->catalogue;
	work.result->holders = 1;
	rc = join(&work);
	free(work.owners.slots);
	free(work.coverage);
	free(work.sums);
	free(work.pairs);
	free(work.nodes);
	if (rc == GRAPPE_OK)
		*out = work.result;
	else
		resolve_free(work.result);
	return rc;
}

/* Who only reads a result may keep it all the same. */
static struct resolved *writable(const struct resolved *resolved)
{
	return (struct resolved *)(uintptr_t)resolved;
}

const struct resolved *resolve_hold(const struct resolved *resolved)
{
	writable(resolved)->holders++;
	return resolved;
}

void resolve_free(const struct resolved *resolved)
{
	if (resolved == NULL || --writable(resolved)->holders > 0)
		return;
	free(resolved->receivers);
	free(resolved->rows);
	free(resolved->wide);
	free(writable(resolved));
}

const char *resolve_id(const struct resolved *resolved, const struct resolved_receiver *receiver)
{
	return node_name(resolved, receiver->node);
}

const struct resolved_receiver *resolve_find(const struct resolved *resolved, const char *id)
{
	size_t low = 0, high = resolved->nreceivers;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = strcmp(resolve_id(resolved, &resolved->receivers[middle]), id);

		if (order == 0)
			return &resolved->receivers[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct matrix_pair resolve_row(const struct resolved *resolved, size_t row)
{
	const struct resolved_row *narrow = &resolved->rows[row];
	const struct resolved_wide key = {.row = (uint32_t)row};
	size_t npairs;
	struct matrix_pair pair = matrix_pairs(resolved->catalogue, &npairs)[narrow->pair];

	pair.packets = narrow->packets;
	pair.octets = narrow->octets;
	if (narrow->packets == RESOLVED_WIDE) {
		const struct resolved_wide *wide =
		    bsearch(&key, resolved->wide, resolved->nwide, sizeof *wide, compare_wide);

		pair.packets = wide->packets;
		pair.octets = wide->octets;
	}
	return pair;
}
