/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/answer_plan.h"

#include "common/clock.h"
#include "common/error.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define STAMP_SIZE 32

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
	if (request->kind != KIND_MEAN && past && plan->from_s < detail_from_s) {
		conclude(plan, ANSWER_REFUSED,
		    "single periods before %s are no longer kept: ask for the plain mean, or for a "
		    "later window",
		    format_stamp(detail_from_s, stamp));
		return false;
	}
	if (request->kind != KIND_WEIGHTED)
		return true;
	if (!isfinite(request->ratio) || request->ratio < 1e-3 || request->ratio > 1e3) {
		conclude(plan, ANSWER_REFUSED, "a weighted mean needs a ratio from 0.001 to 1000");
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
