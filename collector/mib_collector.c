/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/mib_collector.h"

#include "common/mib.h"

#include <string.h>

#define TRUTH_TRUE 1 /* TruthValue */
#define TRUTH_FALSE 2

static const struct told nothing;

static const struct told *told_of(const struct standing *standing)
{
	return standing->told != NULL ? standing->told : &nothing;
}

/* ---- what the state words are in the MIB ---- */

static int32_t state_of(const struct standing *standing, const struct told_agent *agent)
{
	static const int32_t states[] = {[TOLD_NEW] = MIB_COLLECTOR_AGENT_IS_NEW,
	    [TOLD_UP] = MIB_COLLECTOR_AGENT_IS_UP,
	    [TOLD_DOWN] = MIB_COLLECTOR_AGENT_IS_DOWN,
	    [TOLD_REFUSED] = MIB_COLLECTOR_AGENT_IS_REFUSED};

	return standing->up ? states[agent->state] : MIB_COLLECTOR_AGENT_IS_UNKNOWN;
}

static int32_t clock_of(const struct standing *standing, const struct told_agent *agent)
{
	static const int32_t clocks[] = {[TOLD_CLOCK_UNKNOWN] = MIB_CLOCK_UNKNOWN,
	    [TOLD_CLOCK_OK] = MIB_CLOCK_SYNCHRONISED,
	    [TOLD_CLOCK_UNSYNCED] = MIB_CLOCK_UNSYNCHRONISED,
	    [TOLD_CLOCK_STEPPED] = MIB_CLOCK_STEPPED};

	return standing->up ? clocks[agent->clock] : MIB_CLOCK_UNKNOWN;
}

static int32_t health_of(const struct standing *standing, enum told_health health)
{
	static const int32_t healths[] = {[TOLD_UNKNOWN] = MIB_HEALTH_UNKNOWN,
	    [TOLD_OK] = MIB_HEALTH_OK,
	    [TOLD_FAILING] = MIB_HEALTH_FAILING};

	return standing->up ? healths[health] : MIB_HEALTH_UNKNOWN;
}

static size_t count_agents(const struct standing *standing, enum told_state state)
{
	const struct told *told = told_of(standing);
	size_t count = 0;

	for (size_t i = 0; standing->up && i < told->nagents; i++)
		count += told->agents[i].state == state;
	return count;
}

/* ---- ages ---- */

static uint64_t age_s(const struct standing *standing, const struct mib_moment *now)
{
	return now->uptime_cs > standing->answered_cs
		   ? (now->uptime_cs - standing->answered_cs) / 100
		   : 0;
}

/* How long ago a period ended. Without one: since when there could have been. */
static uint64_t lag_s(const struct standing *standing, int64_t end_s, const struct mib_moment *now)
{
	const int64_t since_s = end_s > 0 ? end_s : told_of(standing)->started_s;

	if (since_s == 0)
		return age_s(standing, now);
	return now->wall_s > since_s ? (uint64_t)(now->wall_s - since_s) : 0;
}

static uint64_t archive_lag_s(const struct standing *standing, const struct mib_moment *now)
{
	const struct told *told = told_of(standing);

	return told->receivers > 0 ? lag_s(standing, told->archive_end_s, now) : 0;
}

/* ---- scalars ---- */

/* What is a fact about a period, or a count. */
static void read_count(const struct told *told, mib_number object, struct mib_value *value)
{
	switch (object) {
	case MIB_COLLECTOR_DROPS:
		mib_set_counter(value, told->drops);
		break;
	case MIB_COLLECTOR_ARCHIVE_FAILURES:
		mib_set_counter(value, told->archive_failures);
		break;
	case MIB_COLLECTOR_ARCHIVE_LOST:
		mib_set_counter(value, told->archive_lost);
		break;
	case MIB_COLLECTOR_PERIODS_DELIVERED:
		mib_set_counter(value, told->delivered);
		break;
	case MIB_COLLECTOR_PERIODS_LOST:
		mib_set_counter(value, told->lost);
		break;
	case MIB_COLLECTOR_HOUR_PERIODS:
		mib_set_number(value, told->hour_periods);
		break;
	case MIB_COLLECTOR_HOUR_COMPLETE:
		mib_set_number(value, told->hour_complete);
		break;
	case MIB_COLLECTOR_PAIRS:
		mib_set_number(value, told->pairs);
		break;
	case MIB_COLLECTOR_RECEIVERS:
		mib_set_number(value, told->receivers);
		break;
	case MIB_COLLECTOR_ADDRESS_CONFLICTS:
		mib_set_number(value, told->address_conflicts);
		break;
	case MIB_COLLECTOR_VM_CONFLICTS:
		mib_set_number(value, told->vm_conflicts);
		break;
	case MIB_COLLECTOR_ARCHIVE_QUEUE:
		mib_set_number(value, told->archive_queue);
		break;
	default:
		mib_set_number(value, told->nagents);
		break;
	}
}

static void read_time(const struct standing *standing, mib_number object,
    const struct mib_moment *now, struct mib_value *value)
{
	const struct told *told = told_of(standing);

	switch (object) {
	case MIB_COLLECTOR_AGE:
		mib_set_number(value, age_s(standing, now));
		break;
	case MIB_COLLECTOR_ANSWER_TIME:
		mib_set_number(value, (uint64_t)standing->answered_s);
		break;
	case MIB_COLLECTOR_START_TIME:
		mib_set_number(value, (uint64_t)told->started_s);
		break;
	case MIB_COLLECTOR_PERIOD_LENGTH:
		mib_set_number(value, (uint64_t)told->length_s);
		break;
	case MIB_COLLECTOR_NEWEST_END:
		mib_set_number(value, (uint64_t)told->newest_end_s);
		break;
	case MIB_COLLECTOR_COMPLETE_END:
		mib_set_number(value, (uint64_t)told->complete_end_s);
		break;
	case MIB_COLLECTOR_LAG:
		mib_set_number(value, lag_s(standing, told->complete_end_s, now));
		break;
	case MIB_COLLECTOR_ARCHIVE_END:
		mib_set_number(value, (uint64_t)told->archive_end_s);
		break;
	default:
		mib_set_number(value, archive_lag_s(standing, now));
		break;
	}
}

/* What holds at this moment only, and texts. */
static void read_state(const struct standing *standing, mib_number object, struct mib_value *value)
{
	const struct told *told = told_of(standing);

	switch (object) {
	case MIB_COLLECTOR_STATE:
		mib_set_integer(value, standing->up ? MIB_COLLECTOR_UP : MIB_COLLECTOR_DOWN);
		break;
	case MIB_COLLECTOR_ERROR:
		mib_set_text(value, standing->up ? "" : standing->error);
		break;
	case MIB_COLLECTOR_VERSION:
		mib_set_text(value, told->version);
		break;
	case MIB_COLLECTOR_AGENTS_UP:
		mib_set_number(value, count_agents(standing, TOLD_UP));
		break;
	case MIB_COLLECTOR_AGENTS_DOWN:
		mib_set_number(value, count_agents(standing, TOLD_DOWN));
		break;
	case MIB_COLLECTOR_AGENTS_REFUSED:
		mib_set_number(value, count_agents(standing, TOLD_REFUSED));
		break;
	case MIB_COLLECTOR_NEWEST_COMPLETE:
		mib_set_integer(value, told->newest_complete ? TRUTH_TRUE : TRUTH_FALSE);
		break;
	case MIB_COLLECTOR_ARCHIVE_STATE:
		mib_set_integer(value, health_of(standing, told->archive));
		break;
	case MIB_COLLECTOR_ARCHIVE_ERROR:
		mib_set_text(value, standing->up ? told->archive_error : "");
		break;
	case MIB_COLLECTOR_FOLDER_STATE:
		mib_set_integer(value, health_of(standing, told->folder));
		break;
	default:
		mib_set_number(value, standing->up ? told->memory_bytes / 1024 : 0);
		break;
	}
}

static void read_scalar(const struct standing *standing, mib_number object,
    const struct mib_moment *now, struct mib_value *value)
{
	switch ((enum mib_collector_scalar)object) {
	case MIB_COLLECTOR_STATE:
	case MIB_COLLECTOR_ERROR:
	case MIB_COLLECTOR_VERSION:
	case MIB_COLLECTOR_AGENTS_UP:
	case MIB_COLLECTOR_AGENTS_DOWN:
	case MIB_COLLECTOR_AGENTS_REFUSED:
	case MIB_COLLECTOR_NEWEST_COMPLETE:
	case MIB_COLLECTOR_ARCHIVE_STATE:
	case MIB_COLLECTOR_ARCHIVE_ERROR:
	case MIB_COLLECTOR_FOLDER_STATE:
	case MIB_COLLECTOR_MEMORY:
		read_state(standing, object, value);
		break;
	case MIB_COLLECTOR_AGE:
	case MIB_COLLECTOR_ANSWER_TIME:
	case MIB_COLLECTOR_START_TIME:
	case MIB_COLLECTOR_PERIOD_LENGTH:
	case MIB_COLLECTOR_NEWEST_END:
	case MIB_COLLECTOR_COMPLETE_END:
	case MIB_COLLECTOR_LAG:
	case MIB_COLLECTOR_ARCHIVE_END:
	case MIB_COLLECTOR_ARCHIVE_LAG:
		read_time(standing, object, now, value);
		break;
	case MIB_COLLECTOR_AGENTS_TOTAL:
	case MIB_COLLECTOR_HOUR_PERIODS:
	case MIB_COLLECTOR_HOUR_COMPLETE:
	case MIB_COLLECTOR_PAIRS:
	case MIB_COLLECTOR_RECEIVERS:
	case MIB_COLLECTOR_DROPS:
	case MIB_COLLECTOR_ARCHIVE_QUEUE:
	case MIB_COLLECTOR_ARCHIVE_FAILURES:
	case MIB_COLLECTOR_ARCHIVE_LOST:
	case MIB_COLLECTOR_PERIODS_DELIVERED:
	case MIB_COLLECTOR_PERIODS_LOST:
	case MIB_COLLECTOR_ADDRESS_CONFLICTS:
	case MIB_COLLECTOR_VM_CONFLICTS:
		read_count(told_of(standing), object, value);
		break;
	}
}

/* ---- grappeCollectorAgentTable {IMPLIED name} ---- */

_Static_assert(PLACE_NAME_SIZE - 1 <= MIB_INDEX_MAX, "a name fits an index");

static void index_agent(void *rows, struct mib_row row, struct mib_index *index)
{
	const char *name = told_of(rows)->agents[row.item].name;

	for (index->length = 0; name[index->length] != '\0'; index->length++)
		index->numbers[index->length] = (unsigned char)name[index->length];
}

static bool seek_agent(
    void *rows, const mib_number *numbers, size_t length, bool after, struct mib_row *row)
{
	row->part = 0;
	return mib_seek_array(
	    rows, told_of(rows)->nagents, index_agent, 0, numbers, length, after, &row->item);
}

static void read_agent(const struct standing *standing, const struct told_agent *agent,
    mib_number column, const struct mib_moment *now, struct mib_value *value)
{
	switch ((enum mib_collector_agent_column)column) {
	case MIB_COLLECTOR_AGENT_ADDRESS:
		mib_set_text(value, agent->address);
		break;
	case MIB_COLLECTOR_AGENT_HOST:
		mib_set_text(value, agent->place.host);
		break;
	case MIB_COLLECTOR_AGENT_ENVIRONMENT:
		mib_set_text(value, agent->place.environment);
		break;
	case MIB_COLLECTOR_AGENT_STATE:
		mib_set_integer(value, state_of(standing, agent));
		break;
	case MIB_COLLECTOR_AGENT_LAST_END:
		mib_set_number(value, (uint64_t)agent->last_end_s);
		break;
	case MIB_COLLECTOR_AGENT_LAG:
		mib_set_number(value, lag_s(standing, agent->last_end_s, now));
		break;
	case MIB_COLLECTOR_AGENT_MISSED:
		mib_set_counter(value, agent->missed);
		break;
	case MIB_COLLECTOR_AGENT_LOST:
		mib_set_counter(value, agent->lost);
		break;
	case MIB_COLLECTOR_AGENT_TIMEOUTS:
		mib_set_counter(value, agent->timeouts);
		break;
	case MIB_COLLECTOR_AGENT_DROPS:
		mib_set_counter(value, agent->drops);
		break;
	case MIB_COLLECTOR_AGENT_CLOCK:
		mib_set_integer(value, clock_of(standing, agent));
		break;
	case MIB_COLLECTOR_AGENT_ERROR:
		mib_set_text(value, standing->up ? agent->error : "the collector does not answer");
		break;
	}
}

/* ---- both ---- */

enum table { INFO, AGENT };

static const struct mib_table tables[] = {
    [INFO] = {MIB_NUMBERS(node, MIB_COLLECTOR_INFO), MIB_COLLECTOR_STATE, MIB_COLLECTOR_MEMORY, 0,
	mib_seek_scalar, mib_index_scalar},
    [AGENT] = {MIB_NUMBERS(node, MIB_COLLECTOR_AGENT), MIB_COLLECTOR_AGENT_ADDRESS,
	MIB_COLLECTOR_AGENT_ERROR, 0, seek_agent, index_agent},
};

static void read_object(void *rows, const struct mib_place *place, const struct mib_moment *now,
    struct mib_value *value)
{
	const struct standing *standing = rows;

	if ((enum table)place->table == INFO)
		read_scalar(standing, place->column, now, value);
	else
		read_agent(standing, &told_of(standing)->agents[place->row.item], place->column,
		    now, value);
}

const struct mib_view mib_collector_view = {.name = "GRAPPE-MIB",
    MIB_NUMBERS(root, MIB_COLLECTOR),
    .tables = tables,
    .ntables = sizeof tables / sizeof *tables,
    .read = read_object};
