/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/answer.h"

#include "common/clock.h"
#include "common/error.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT_TEXT_SIZE 32
#define STAMP_SIZE 32

/* Everything of one answer while it is summed up. */
struct sums {
	struct matrix *matrix;
	double *known;  /* by node: known periods; < 0: not a receiver here */
	double *weight; /* by node: the same, each period with its weight */
	size_t size;    /* of both arrays */
};

/* ---- planning ---- */

static const char *format_stamp(int64_t epoch_s, char text[STAMP_SIZE])
{
	const time_t when = (time_t)epoch_s;
	struct tm parts;

	if (gmtime_r(&when, &parts) == NULL ||
	    strftime(text, STAMP_SIZE, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
		snprintf(text, STAMP_SIZE, "%" PRId64, epoch_s);
	return text;
}

static void __attribute__((format(printf, 3, 4)))
conclude(struct answer_plan *plan, enum answer_verdict verdict, const char *format, ...)
{
	va_list arguments;

	plan->verdict = verdict;
	va_start(arguments, format);
	vsnprintf(plan->text, sizeof plan->text, format, arguments);
	va_end(arguments);
}

static int64_t floor_to(int64_t value, int64_t length)
{
	return value / length * length - (value % length < 0 ? length : 0);
}

/* The window in whole periods; false: refused. */
static bool plan_window(const struct answer_source *source, const struct protocol_request *request,
    int64_t ended_s, struct answer_plan *plan)
{
	const int64_t length_s = picture_length(source->picture);
	const int64_t reach_s = length_s * ANSWER_PERIODS_MAX;
	const int64_t oldest_s = picture_oldest(source->picture);
	const int64_t to_s = request->to_s == 0 ? ended_s : request->to_s;
	int64_t from_s = request->from_s;

	if (to_s < 0 || from_s > INT64_MAX / 2 || to_s > INT64_MAX / 2 || from_s < -reach_s) {
		conclude(plan, ANSWER_REFUSED, "the window reaches beyond all time");
		return false;
	}
	plan->to_s = floor_to(to_s, length_s);
	if (from_s == 0)
		from_s = plan->to_s - length_s;
	else if (from_s < 0)
		from_s += plan->to_s;
	plan->from_s = from_s > 0 ? floor_to(from_s, length_s) : 0;
	if (plan->from_s >= plan->to_s) {
		conclude(plan, ANSWER_REFUSED, "the window holds no whole period of %" PRId64 " s",
		    length_s);
		return false;
	}
	if (plan->to_s - plan->from_s > reach_s) {
		conclude(plan, ANSWER_REFUSED,
		    "the window is longer than %d periods of %" PRId64 " s", ANSWER_PERIODS_MAX,
		    length_s);
		return false;
	}
	plan->memory_from_s = oldest_s > 0 ? oldest_s - length_s : plan->to_s;
	if (plan->memory_from_s > plan->to_s)
		plan->memory_from_s = plan->to_s;
	if (plan->memory_from_s < plan->from_s)
		plan->memory_from_s = plan->from_s;
	return true;
}

static bool plan_select(const struct answer_source *source, const struct protocol_request *request,
    struct answer_plan *plan)
{
	const struct inventory_vm *vm;
	bool several;

	if (request->select[0] == '\0')
		return true;
	vm = inventory_find_name(source->inventory, request->select, &several);
	if (several) {
		conclude(plan, ANSWER_REFUSED,
		    "several VMs are called '%.60s': select one by its id", request->select);
		return false;
	}
	if (vm == NULL && !identity_is_valid(request->select)) {
		conclude(plan, ANSWER_REFUSED, "no VM has the id or name '%.60s'", request->select);
		return false;
	}
	snprintf(plan->select, sizeof plan->select, "%.*s", VM_ID_SIZE - 1,
	    vm != NULL ? vm->id : request->select);
	return true;
}

/* What this kind of answer cannot give; false: refused. */
static bool plan_kind(const struct answer_source *source, const struct protocol_request *request,
    int64_t wall_ns, struct answer_plan *plan)
{
	const int64_t detail_from_s = wall_ns / CLOCK_SECOND_NS - source->detail_s;
	const bool past = plan->from_s < plan->memory_from_s;
	char stamp[STAMP_SIZE];

	if (past && !source->has_archive) {
		conclude(plan, ANSWER_REFUSED,
		    "before %s there is nothing in memory, and no archive",
		    format_stamp(plan->memory_from_s, stamp));
		return false;
	}
	if (request->kind == KIND_DETAIL && past && plan->from_s < detail_from_s) {
		conclude(plan, ANSWER_REFUSED,
		    "single periods before %s are no longer kept: ask for the mean, or for a later "
		    "window",
		    format_stamp(detail_from_s, stamp));
		return false;
	}
	if (request->kind != KIND_WEIGHTED)
		return true;
	if (!isfinite(request->ratio) || request->ratio < 1e-3 || request->ratio > 1e3) {
		conclude(plan, ANSWER_REFUSED, "a weighted mean needs a ratio from 0.001 to 1000");
		return false;
	}
	if (past) {
		conclude(plan, ANSWER_REFUSED,
		    "a weighted mean needs single periods, and those in memory begin at %s",
		    format_stamp(plan->memory_from_s, stamp));
		return false;
	}
	return true;
}

/* Whether what is missing of the newest period can be taken from the one before (C-6). */
static bool can_estimate(struct picture *picture, int64_t end_s)
{
	const int64_t before_s = end_s - picture_length(picture);
	const struct picture_agents missing = picture_missing(picture, end_s);

	if (!picture_has(picture, before_s))
		return false;
	for (uint32_t a = 0; a < missing.agents; a++) {
		const enum picture_state state = picture_state_of(picture, a, end_s);

		if ((state == PICTURE_PENDING || state == PICTURE_LOST) &&
		    picture_state_of(picture, a, before_s) != PICTURE_DELIVERED)
			return false;
	}
	return missing.expected > 0;
}

/* The newest period of the window is not in: wait, estimate, or hand back. */
static void plan_missing(const struct answer_source *source, const struct protocol_request *request,
    int64_t left_ms, int64_t wall_ns, struct answer_plan *plan)
{
	const int64_t end_ns = plan->to_s * CLOCK_SECOND_NS;
	const int64_t ready_ns =
	    end_ns + picture_deadline_ms(source->picture) * CLOCK_MILLISECOND_NS;
	const int64_t patience_ns = wall_ns + left_ms * CLOCK_MILLISECOND_NS;
	const struct picture_agents missing = picture_missing(source->picture, plan->to_s);
	char stamp[STAMP_SIZE];

	plan->retry_at_s = (ready_ns + CLOCK_SECOND_NS - 1) / CLOCK_SECOND_NS;
	if (left_ms > 0 && end_ns <= patience_ns) {
		plan->verdict = ANSWER_WAIT;
		plan->wait_until_ns = ready_ns < patience_ns ? ready_ns : patience_ns;
		return;
	}
	format_stamp(plan->to_s, stamp);
	if (end_ns > wall_ns) {
		conclude(plan, ANSWER_LATER, "the period that ends at %s is not over", stamp);
		return;
	}
	if (!request->approximate) {
		conclude(plan, ANSWER_LATER,
		    "the period that ends at %s is not in yet: %u of %u agents have answered",
		    stamp, missing.expected - missing.missing, missing.expected);
		return;
	}
	if (!can_estimate(source->picture, plan->to_s)) {
		conclude(plan, ANSWER_LATER,
		    "the period that ends at %s is not in yet, and the one before it, needed to "
		    "estimate it, is missing too",
		    stamp);
		return;
	}
	plan->verdict = ANSWER_READY;
	plan->approximate = true;
}

void answer_plan(const struct answer_source *source, const struct protocol_request *request,
    int64_t waited_ms, int64_t wall_ns, struct answer_plan *plan)
{
	const int64_t length_s = picture_length(source->picture);
	const int64_t ended_s = floor_to(wall_ns / CLOCK_SECOND_NS, length_s);
	/* A wait of days is as good as for ever, and keeps the arithmetic small. */
	const int64_t wait_ms = request->wait_ms < 1000000000 ? request->wait_ms : 1000000000;

	*plan = (struct answer_plan){.verdict = ANSWER_READY};
	if (!plan_window(source, request, ended_s, plan) || !plan_select(source, request, plan) ||
	    !plan_kind(source, request, wall_ns, plan))
		return;
	if (plan->to_s > plan->memory_from_s &&
	    !picture_is_in(source->picture, plan->to_s, wall_ns))
		plan_missing(
		    source, request, wait_ms > waited_ms ? wait_ms - waited_ms : 0, wall_ns, plan);
}

/* ---- summing up ---- */

static int sums_init(struct sums *sums)
{
	*sums = (struct sums){.matrix = matrix_new()};
	return sums->matrix != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

static void sums_deinit(struct sums *sums)
{
	matrix_free(sums->matrix);
	free(sums->known);
	free(sums->weight);
}

static int sums_node(struct sums *sums, const char *id)
{
	const int node = matrix_node(sums->matrix, id);
	size_t wanted = sums->size ? sums->size : 64;
	double *known, *weight;

	if (node < 0 || (size_t)node < sums->size)
		return node;
	while (wanted <= (size_t)node)
		wanted *= 2;
	known = reallocarray(sums->known, wanted, sizeof *known);
	if (known == NULL)
		return GRAPPE_EMEMORY;
	sums->known = known;
	weight = reallocarray(sums->weight, wanted, sizeof *weight);
	if (weight == NULL)
		return GRAPPE_EMEMORY;
	sums->weight = weight;
	for (size_t i = sums->size; i < wanted; i++) {
		sums->known[i] = -1;
		sums->weight[i] = 0;
	}
	sums->size = wanted;
	return node;
}

/* Adds a receiver's share of one or more periods. Returns its node or an error. */
static int sums_watch(struct sums *sums, const char *id, double known, double weight)
{
	const int node = sums_node(sums, id);

	if (node < 0)
		return node;
	sums->known[node] = (sums->known[node] < 0 ? 0 : sums->known[node]) + known;
	sums->weight[node] += known * weight;
	return node;
}

static bool is_selected(const struct answer_plan *plan, const char *receiver, const char *sender)
{
	return plan->select[0] == '\0' || strcmp(plan->select, receiver) == 0 ||
	       strcmp(plan->select, sender) == 0;
}

/* One period of the window as it is answered: joined, and where estimated with the receivers of
 * `before` that a missing agent watched. */
struct moment {
	int64_t end_s;
	const struct resolved *view, *before; /* before: NULL unless estimated */
};

typedef int visit(void *context, const struct moment *moment, const struct resolved *view,
    const struct resolved_receiver *receiver);

/* Calls visit for each receiver of the moment; stops at the first error. */
static int visit_moment(
    const struct answer_source *source, const struct moment *moment, visit *each, void *context)
{
	int rc = GRAPPE_OK;

	for (size_t i = 0; i < moment->view->nreceivers && rc == GRAPPE_OK; i++) {
		const struct resolved_receiver *receiver = &moment->view->receivers[i];
		const struct resolved_receiver *before = NULL;

		if (moment->before != NULL && receiver->known < 1)
			before = resolve_find(moment->before, resolve_id(moment->view, receiver));
		if (before != NULL &&
		    (before->agent == UINT32_MAX || picture_state_of(source->picture, before->agent,
							moment->end_s) != PICTURE_DELIVERED))
			rc = each(context, moment, moment->before, before);
		else
			rc = each(context, moment, moment->view, receiver);
	}
	return rc;
}

/* Calls visit for all receivers of all periods of the window that are in memory. */
static int visit_memory(
    const struct answer_source *source, const struct answer_plan *plan, visit *each, void *context)
{
	const int64_t length_s = picture_length(source->picture);
	int rc = GRAPPE_OK;

	for (int64_t end_s = plan->memory_from_s + length_s; end_s <= plan->to_s && rc == GRAPPE_OK;
	     end_s += length_s) {
		struct moment moment = {.end_s = end_s};

		if (!picture_has(source->picture, end_s))
			continue;
		if (plan->approximate && end_s == plan->to_s)
			moment.before = picture_view(source->picture, end_s - length_s);
		moment.view = picture_view(source->picture, end_s);
		rc = moment.view != NULL ? visit_moment(source, &moment, each, context)
					 : GRAPPE_EMEMORY;
	}
	return rc;
}

static uint32_t count_complete(const struct answer_source *source, const struct answer_plan *plan)
{
	const int64_t length_s = picture_length(source->picture);
	uint32_t count = 0;

	for (int64_t end_s = plan->memory_from_s + length_s; end_s <= plan->to_s; end_s += length_s)
		count += picture_is_complete(source->picture, end_s);
	return count;
}

/* What is marked in the window, as far as it is in memory. */
static struct caveats collect_caveats(
    const struct answer_source *source, const struct answer_plan *plan)
{
	const int64_t length_s = picture_length(source->picture);
	struct caveats caveats = {0};

	for (int64_t end_s = plan->memory_from_s + length_s; end_s <= plan->to_s;
	     end_s += length_s) {
		uint32_t delivered, before = 0;
		uint32_t flags = picture_flags(source->picture, end_s, &delivered);

		/* what is missing of it comes from the period before */
		if (plan->approximate && end_s == plan->to_s)
			flags |= picture_flags(source->picture, end_s - length_s, &before);
		if (delivered > 0 || before > 0)
			caveats_add(&caveats, flags);
	}
	return caveats;
}

static void begin(const struct answer_source *source, const struct protocol_request *request,
    const struct answer_plan *plan, const struct past *past, const struct answer_sink *sink)
{
	const uint32_t length_s = picture_length(source->picture);
	const int64_t from_s = past != NULL ? past->from_s : plan->from_s;
	const struct protocol_answer header = {.status = STATUS_OK,
	    .exact = !plan->approximate,
	    .approximate = plan->approximate,
	    .from_s = from_s,
	    .to_s = plan->to_s,
	    .length_s = length_s,
	    .known = count_complete(source, plan) + (past != NULL ? past->periods : 0),
	    .wanted = (uint32_t)((plan->to_s - from_s) / length_s),
	    .caveats = collect_caveats(source, plan),
	    .columns =
		request->kind == KIND_DETAIL ? protocol_columns_detail : protocol_columns_mean};

	sink->begin(sink->context, &header);
}

const char *answer_format_count(double value, char *text, size_t size)
{
	if (value == floor(value) && fabs(value) < 1e15)
		snprintf(text, size, "%.0f", value);
	else
		snprintf(text, size, "%.10g", value);
	return text;
}

/* ---- means ---- */

struct mean_context {
	const struct answer_plan *plan;
	int64_t length_s;
	double ratio; /* 1 for the plain mean */
	struct sums sums;
};

static int mean_visit(void *context, const struct moment *moment, const struct resolved *view,
    const struct resolved_receiver *receiver)
{
	struct mean_context *mean = context;
	const double age = (double)(mean->plan->to_s - moment->end_s) / (double)mean->length_s;
	const double weight = mean->ratio == 1 ? 1 : pow(mean->ratio, -age);
	const char *id = resolve_id(view, receiver);
	const int node = sums_watch(&mean->sums, id, receiver->known, weight);
	int rc = node < 0 ? node : GRAPPE_OK;

	for (uint32_t i = 0; i < receiver->nrows && rc == GRAPPE_OK; i++) {
		const struct matrix_pair *pair = resolve_row(view, receiver, i);
		const char *sender = matrix_name(view->matrix, pair->source);
		int source;

		if (receiver->known <= 0 || !is_selected(mean->plan, id, sender))
			continue;
		source = sums_node(&mean->sums, sender);
		rc = source < 0 ? source
				: matrix_add(mean->sums.matrix, (uint32_t)source, (uint32_t)node,
				      pair->packets * weight, pair->octets * weight);
	}
	return rc;
}

static int mean_add_past(struct mean_context *mean, const struct past *past)
{
	const struct matrix_pair *pairs;
	size_t npairs;
	int rc = GRAPPE_OK;

	if (past == NULL)
		return GRAPPE_OK;
	for (size_t n = 0; n < matrix_nodes(past->sums) && rc >= 0; n++)
		if (past->known[n] >= 0)
			rc = sums_watch(
			    &mean->sums, matrix_name(past->sums, (uint32_t)n), past->known[n], 1);
	pairs = matrix_pairs(past->sums, &npairs);
	for (size_t p = 0; p < npairs && rc >= 0; p++) {
		const char *receiver = matrix_name(past->sums, pairs[p].receiver);
		const char *sender = matrix_name(past->sums, pairs[p].source);
		int node, source;

		if (!is_selected(mean->plan, receiver, sender))
			continue;
		node = sums_node(&mean->sums, receiver);
		source = sums_node(&mean->sums, sender);
		if (node < 0 || source < 0)
			return GRAPPE_EMEMORY;
		rc = matrix_add(mean->sums.matrix, (uint32_t)source, (uint32_t)node,
		    pairs[p].packets, pairs[p].octets);
	}
	return rc < 0 ? rc : GRAPPE_OK;
}

/* A row of the answer before it is text; source UINT32_MAX: nothing was received. */
static int compare_pairs(const void *left, const void *right, void *context)
{
	const struct matrix_pair *a = left, *b = right;
	const struct matrix *matrix = context;
	int order;

	if (a->receiver != b->receiver)
		return strcmp(matrix_name(matrix, a->receiver), matrix_name(matrix, b->receiver));
	if (a->source == UINT32_MAX || b->source == UINT32_MAX)
		return a->source == UINT32_MAX ? b->source != UINT32_MAX ? -1 : 0 : 1;
	order = strcmp(matrix_name(matrix, a->source), matrix_name(matrix, b->source));
	return order;
}

/* All pairs, and for receivers that got nothing one each. */
static struct matrix_pair *mean_rows(struct mean_context *mean, size_t *count)
{
	const struct matrix *matrix = mean->sums.matrix;
	const size_t nodes = matrix_nodes(matrix);
	size_t npairs;
	const struct matrix_pair *pairs = matrix_pairs(matrix, &npairs);
	struct matrix_pair *rows = calloc(npairs + nodes + 1, sizeof *rows);
	bool *busy = calloc(nodes + 1, sizeof *busy);

	*count = npairs;
	for (size_t p = 0; p < npairs && rows != NULL && busy != NULL; p++) {
		rows[p] = pairs[p];
		busy[pairs[p].receiver] = true;
	}
	for (size_t n = 0; n < nodes && rows != NULL && busy != NULL; n++)
		if (!busy[n] && mean->sums.known[n] >= 0 &&
		    is_selected(mean->plan, matrix_name(matrix, (uint32_t)n), ""))
			rows[(*count)++] =
			    (struct matrix_pair){.source = UINT32_MAX, .receiver = (uint32_t)n};
	if (busy == NULL) {
		free(rows);
		return NULL;
	}
	free(busy);
	if (rows != NULL)
		qsort_r(rows, *count, sizeof *rows, compare_pairs, mean->sums.matrix);
	return rows;
}

static void mean_emit(
    const struct mean_context *mean, const struct matrix_pair *row, const struct answer_sink *sink)
{
	const double weight = mean->sums.weight[row->receiver];
	const double known = mean->sums.known[row->receiver];
	char packets[COUNT_TEXT_SIZE] = "-", octets[COUNT_TEXT_SIZE] = "-";
	char periods[COUNT_TEXT_SIZE];
	const char *fields[] = {matrix_name(mean->sums.matrix, row->receiver),
	    row->source == UINT32_MAX ? "-" : matrix_name(mean->sums.matrix, row->source), packets,
	    octets, answer_format_count(known > 0 ? known : 0, periods, sizeof periods)};

	if (weight > 0) {
		answer_format_count(row->packets / weight, packets, sizeof packets);
		answer_format_count(row->octets / weight, octets, sizeof octets);
	}
	sink->row(sink->context, fields);
}

static int make_mean(const struct answer_source *source, const struct protocol_request *request,
    const struct answer_plan *plan, const struct past *past, const struct answer_sink *sink)
{
	struct mean_context mean = {.plan = plan,
	    .length_s = picture_length(source->picture),
	    .ratio = request->kind == KIND_WEIGHTED ? request->ratio : 1};
	struct matrix_pair *rows = NULL;
	size_t count = 0;
	int rc = sums_init(&mean.sums);

	if (rc == GRAPPE_OK)
		rc = mean_add_past(&mean, past);
	if (rc == GRAPPE_OK)
		rc = visit_memory(source, plan, mean_visit, &mean);
	if (rc == GRAPPE_OK) {
		rows = mean_rows(&mean, &count);
		if (rows == NULL)
			rc = GRAPPE_EMEMORY;
	}
	if (rc == GRAPPE_OK) {
		begin(source, request, plan, past, sink);
		for (size_t i = 0; i < count; i++)
			mean_emit(&mean, &rows[i], sink);
	}
	free(rows);
	sums_deinit(&mean.sums);
	return rc;
}

/* ---- detail ---- */

struct detail_context {
	const struct answer_plan *plan;
	const struct answer_sink *sink;
	int64_t length_s;
};

/* sender NULL: nothing was received, or nothing is known. */
static void detail_emit(const struct answer_sink *sink, int64_t end_s, int64_t length_s,
    const char *receiver, const char *sender, const struct matrix_pair *counts, double known)
{
	char end[COUNT_TEXT_SIZE], length[COUNT_TEXT_SIZE], share[COUNT_TEXT_SIZE];
	char packets[COUNT_TEXT_SIZE] = "-", octets[COUNT_TEXT_SIZE] = "-";
	const char *fields[] = {end, length, receiver, sender != NULL ? sender : "-", packets,
	    octets, answer_format_count(known, share, sizeof share)};

	snprintf(end, sizeof end, "%" PRId64, end_s);
	snprintf(length, sizeof length, "%" PRId64, length_s);
	if (known > 0) {
		answer_format_count(counts != NULL ? counts->packets : 0, packets, sizeof packets);
		answer_format_count(counts != NULL ? counts->octets : 0, octets, sizeof octets);
	}
	sink->row(sink->context, fields);
}

static int detail_visit(void *context, const struct moment *moment, const struct resolved *view,
    const struct resolved_receiver *receiver)
{
	const struct detail_context *detail = context;
	const char *id = resolve_id(view, receiver);
	const uint32_t nrows = receiver->known > 0 ? receiver->nrows : 0;

	for (uint32_t i = 0; i < nrows; i++) {
		const struct matrix_pair *pair = resolve_row(view, receiver, i);
		const char *sender = matrix_name(view->matrix, pair->source);

		if (is_selected(detail->plan, id, sender))
			detail_emit(detail->sink, moment->end_s, detail->length_s, id, sender, pair,
			    receiver->known);
	}
	if (nrows == 0 && is_selected(detail->plan, id, ""))
		detail_emit(
		    detail->sink, moment->end_s, detail->length_s, id, NULL, NULL, receiver->known);
	return GRAPPE_OK;
}

static void detail_past(
    const struct past *past, const struct answer_plan *plan, const struct answer_sink *sink)
{
	for (size_t i = 0; past != NULL && i < past->nrows; i++) {
		const struct past_row *row = &past->rows[i];
		const struct matrix_pair counts = {.packets = row->packets, .octets = row->octets};
		const char *receiver = matrix_name(past->sums, row->receiver);
		const char *sender =
		    row->sender == UINT32_MAX ? NULL : matrix_name(past->sums, row->sender);

		if (is_selected(plan, receiver, sender != NULL ? sender : ""))
			detail_emit(
			    sink, row->end_s, row->length_s, receiver, sender, &counts, row->known);
	}
}

static int make_detail(const struct answer_source *source, const struct protocol_request *request,
    const struct answer_plan *plan, const struct past *past, const struct answer_sink *sink)
{
	struct detail_context detail = {
	    .plan = plan, .sink = sink, .length_s = picture_length(source->picture)};

	/* Join all first: after the header nothing may fail. */
	for (int64_t end_s = plan->memory_from_s + detail.length_s; end_s <= plan->to_s;
	     end_s += detail.length_s)
		if (picture_has(source->picture, end_s) &&
		    picture_view(source->picture, end_s) == NULL)
			return GRAPPE_EMEMORY;
	begin(source, request, plan, past, sink);
	detail_past(past, plan, sink);
	return visit_memory(source, plan, detail_visit, &detail);
}

int answer_make(const struct answer_source *source, const struct protocol_request *request,
    const struct answer_plan *plan, const struct past *past, const struct answer_sink *sink)
{
	return request->kind == KIND_DETAIL ? make_detail(source, request, plan, past, sink)
					    : make_mean(source, request, plan, past, sink);
}
