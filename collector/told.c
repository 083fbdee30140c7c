/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/told.h"

#include "common/error.h"

#include <stdlib.h>
#include <string.h>

static uint64_t number_of(const json_t *object, const char *key)
{
	const json_t *member = json_object_get(object, key);
	const json_int_t value = json_is_integer(member) ? json_integer_value(member) : 0;

	return value > 0 ? (uint64_t)value : 0;
}

static int64_t time_of(const json_t *object, const char *key)
{
	return (int64_t)number_of(object, key);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

/* jansson lets only whole UTF-8 through: cutting it must not leave half a character. */
static void copy_text(const json_t *object, const char *key, char *out, size_t size)
{
	const char *text = text_of(object, key);
	size_t length = strlen(text);

	if (length >= size) {
		length = size - 1;
		while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
			length--;
	}
	memcpy(out, text, length);
	out[length] = '\0';
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
			out[i] = ' ';
}

#define COPY_TEXT(object, key, out) copy_text(object, key, out, sizeof(out))

/* The place of a word in a list, 0 if it is none of it. */
static int word_of(const json_t *object, const char *key, const char *const *words, size_t nwords)
{
	const char *text = text_of(object, key);

	for (size_t i = 0; i < nwords; i++)
		if (words[i] != NULL && strcmp(text, words[i]) == 0)
			return (int)i;
	return 0;
}

#define WORD_OF(object, key, words) word_of(object, key, words, sizeof(words) / sizeof *(words))

static enum told_health health_of(const json_t *object)
{
	static const char *const words[] = {[TOLD_OK] = "ok", [TOLD_FAILING] = "failing"};

	return (enum told_health)WORD_OF(object, "state", words);
}

static void take_agent(const json_t *object, struct told_agent *agent)
{
	static const char *const states[] = {
	    [TOLD_NEW] = "new", [TOLD_UP] = "up", [TOLD_DOWN] = "down", [TOLD_REFUSED] = "refused"};
	static const char *const clocks[] = {[TOLD_CLOCK_OK] = "ok",
	    [TOLD_CLOCK_UNSYNCED] = "unsynchronised",
	    [TOLD_CLOCK_STEPPED] = "stepped"};

	COPY_TEXT(object, "name", agent->name);
	COPY_TEXT(object, "address", agent->address);
	COPY_TEXT(object, "host", agent->place.host);
	COPY_TEXT(object, "environment", agent->place.environment);
	COPY_TEXT(object, "error", agent->error);
	agent->state = (enum told_state)WORD_OF(object, "state", states);
	agent->last_end_s = time_of(object, "last_end");
	/* Of its newest period: there must be one. */
	agent->clock = agent->last_end_s > 0 ? (enum told_clock)WORD_OF(object, "clock", clocks)
					     : TOLD_CLOCK_UNKNOWN;
	agent->missed = number_of(object, "missed");
	agent->lost = number_of(object, "lost");
	agent->timeouts = number_of(object, "timeouts");
	agent->drops = number_of(object, "drops");
}

static int compare_names(const void *a, const void *b)
{
	const struct told_agent *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static void drop_nameless(struct told *told)
{
	size_t kept = 0;

	for (size_t i = 0; i < told->nagents; i++) {
		const struct told_agent *agent = &told->agents[i];

		if (agent->name[0] == '\0' ||
		    (kept > 0 && strcmp(told->agents[kept - 1].name, agent->name) == 0))
			continue;
		if (kept != i)
			told->agents[kept] = *agent;
		kept++;
	}
	told->nagents = kept;
}

static int take_agents(const json_t *list, struct told *told)
{
	size_t count = json_array_size(list);

	if (count > TOLD_AGENTS_MAX)
		count = TOLD_AGENTS_MAX;
	if (count == 0)
		return GRAPPE_OK;
	told->agents = calloc(count, sizeof *told->agents);
	if (told->agents == NULL)
		return GRAPPE_EMEMORY;
	told->nagents = count;
	for (size_t i = 0; i < count; i++)
		take_agent(json_array_get(list, i), &told->agents[i]);
	qsort(told->agents, count, sizeof *told->agents, compare_names);
	drop_nameless(told);
	return GRAPPE_OK;
}

static void take_periods(const json_t *data, struct told *told)
{
	const json_t *hour = json_object_get(data, "hour");

	told->length_s = time_of(data, "length");
	told->newest_end_s = time_of(data, "newest_end");
	told->newest_complete = json_is_true(json_object_get(data, "newest_complete"));
	told->complete_end_s = time_of(data, "complete_end");
	told->hour_periods = number_of(hour, "periods");
	told->hour_complete = number_of(hour, "complete");
	told->pairs = number_of(data, "pairs");
	told->receivers = number_of(data, "vms");
	told->drops = number_of(data, "drops");
}

static void take_archive(const json_t *archive, struct told *told)
{
	told->archive = health_of(archive);
	COPY_TEXT(archive, "error", told->archive_error);
	told->archive_end_s = time_of(archive, "written_end");
	told->archive_queue = number_of(archive, "queue");
	told->archive_failures = number_of(archive, "failures");
	told->archive_lost = number_of(archive, "lost");
}

static void take_counts(const json_t *counts, struct told *told)
{
	told->delivered = number_of(counts, "delivered");
	told->lost = number_of(counts, "lost");
	told->address_conflicts = number_of(counts, "address_conflicts");
	told->vm_conflicts = number_of(counts, "vm_conflicts");
}

int told_parse(const json_t *data, struct told **out)
{
	struct told *told;

	*out = NULL;
	if (strcmp(text_of(data, "program"), "grappe-collector") != 0)
		return GRAPPE_EFORMAT;
	told = calloc(1, sizeof *told);
	if (told == NULL)
		return GRAPPE_EMEMORY;
	COPY_TEXT(data, "version", told->version);
	told->started_s = time_of(data, "started");
	told->folder = health_of(json_object_get(data, "state"));
	told->memory_bytes = number_of(data, "memory_bytes");
	take_periods(data, told);
	take_archive(json_object_get(data, "archive"), told);
	take_counts(json_object_get(data, "counts"), told);
	if (take_agents(json_object_get(data, "agents"), told) != GRAPPE_OK) {
		told_free(told);
		return GRAPPE_EMEMORY;
	}
	*out = told;
	return GRAPPE_OK;
}

void told_free(struct told *told)
{
	if (told == NULL)
		return;
	free(told->agents);
	free(told);
}
