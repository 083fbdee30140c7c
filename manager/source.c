/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/source.h"

#include "common/error.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MS 15000 /* what the collector gets for answering, its waiting aside */
#define GIB (1024.0 * 1024 * 1024)

#define FAIL(code, ...) (snprintf(message, size, __VA_ARGS__), (code))

/* ---- answers of the collector ---- */

static bool has_columns(const struct protocol_reply *reply, const char *const *wanted)
{
	size_t i = 0;

	for (; wanted[i] != NULL; i++)
		if (i >= reply->ncolumns || strcmp(reply->answer.columns[i], wanted[i]) != 0)
			return false;
	return i == reply->ncolumns;
}

/* A decimal number, or NAN for "-". */
static int parse_number(const char *text, double *value)
{
	char *end;

	*value = NAN;
	if (strcmp(text, "-") == 0)
		return GRAPPE_OK;
	if ((text[0] < '0' || text[0] > '9') && text[0] != '.')
		return GRAPPE_EFORMAT;
	errno = 0;
	*value = strtod(text, &end);
	return *end == '\0' && errno == 0 && isfinite(*value) ? GRAPPE_OK : GRAPPE_EFORMAT;
}

/* A receiver's row; `wanted`: periods of the window. */
static int add_mean_row(const struct protocol_reply *reply, size_t row, double wanted,
    struct matrix *matrix, char *message, size_t size)
{
	const char *receiver = protocol_reply_field(reply, row, 0);
	const char *sender = protocol_reply_field(reply, row, 1);
	double packets, octets;
	int to, from, rc;

	if (!identity_is_valid(receiver) ||
	    (strcmp(sender, "-") != 0 && !identity_is_valid(sender)))
		return FAIL(GRAPPE_EFORMAT, "row %zu: not the id of a VM or sender", row + 1);
	if (parse_number(protocol_reply_field(reply, row, 2), &packets) != GRAPPE_OK ||
	    parse_number(protocol_reply_field(reply, row, 3), &octets) != GRAPPE_OK)
		return FAIL(GRAPPE_EFORMAT, "row %zu: not a number", row + 1);
	to = matrix_node(matrix, receiver);
	if (to < 0)
		return FAIL(to, "row %zu: %s", row + 1, error_text(to));
	if (strcmp(sender, "-") == 0 || isnan(packets) || isnan(octets) ||
	    strcmp(sender, receiver) == 0)
		return GRAPPE_OK;
	from = matrix_node(matrix, sender);
	rc = from < 0 ? from
		      : matrix_add(matrix, (uint32_t)from, (uint32_t)to, packets * wanted,
			    octets * wanted);
	return rc == GRAPPE_OK ? rc : FAIL(rc, "row %zu: %s", row + 1, error_text(rc));
}

int source_parse_matrix(
    const struct protocol_reply *reply, struct observation *observation, char *message, size_t size)
{
	const struct protocol_answer *answer = &reply->answer;
	struct matrix_window *window = matrix_window(observation->matrix);
	int rc = GRAPPE_OK;

	if (!has_columns(reply, protocol_columns_mean))
		return FAIL(GRAPPE_EFORMAT, "the answer has other columns than a mean has");
	if (answer->wanted == 0 || answer->length_s == 0 || answer->known > answer->wanted ||
	    answer->to_s <= answer->from_s)
		return FAIL(GRAPPE_EFORMAT, "the answer does not say which periods it covers");
	*window = (struct matrix_window){.from_s = answer->from_s,
	    .to_s = answer->to_s,
	    .length_s = (double)answer->wanted * answer->length_s,
	    .known = answer->known,
	    .wanted = answer->wanted,
	    .approximate = answer->approximate,
	    .caveats = answer->caveats};
	observation->length_s = answer->length_s;
	for (size_t row = 0; rc == GRAPPE_OK && row < reply->nrows; row++)
		rc = add_mean_row(reply, row, answer->wanted, observation->matrix, message, size);
	return rc;
}

static void copy_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", strcmp(text, "-") == 0 ? "" : text);
}

/* Addresses separated by spaces; what is none, and what is too much, is left out. */
static void parse_addresses(const char *text, struct observed_vm *vm)
{
	while (vm->naddresses < OBSERVATION_ADDRESSES_MAX) {
		char word[ADDRESS_TEXT_SIZE];
		size_t length;

		text += strspn(text, " ");
		length = strcspn(text, " ");
		if (length == 0)
			return;
		snprintf(word, sizeof word, "%.*s", (int)(length < 64 ? length : 64), text);
		if (address_parse(word, &vm->addresses[vm->naddresses]) == GRAPPE_OK)
			vm->naddresses++;
		text += length;
	}
}

static int parse_vm(const struct protocol_reply *reply, size_t row, struct observed_vm *vm)
{
	double memory, seen;

	*vm = (struct observed_vm){0};
	if (!identity_is_vm(protocol_reply_field(reply, row, 0)))
		return GRAPPE_EFORMAT;
	copy_text(vm->id, sizeof vm->id, protocol_reply_field(reply, row, 0));
	copy_text(vm->name, sizeof vm->name, protocol_reply_field(reply, row, 1));
	if (vm->name[0] == '\0')
		copy_text(vm->name, sizeof vm->name, vm->id);
	copy_text(vm->place.host, sizeof vm->place.host, protocol_reply_field(reply, row, 2));
	copy_text(vm->place.environment, sizeof vm->place.environment,
	    protocol_reply_field(reply, row, 3));
	if (parse_number(protocol_reply_field(reply, row, 5), &vm->vcpu) != GRAPPE_OK ||
	    parse_number(protocol_reply_field(reply, row, 6), &memory) != GRAPPE_OK ||
	    parse_number(protocol_reply_field(reply, row, 9), &seen) != GRAPPE_OK || seen > 1e15)
		return GRAPPE_EFORMAT;
	copy_text(vm->application, sizeof vm->application, protocol_reply_field(reply, row, 10));
	copy_text(vm->segment, sizeof vm->segment, protocol_reply_field(reply, row, 4));
	parse_addresses(protocol_reply_field(reply, row, 7), vm);
	/* A size of zero means that nobody told it. */
	vm->vcpu = vm->vcpu > 0 ? vm->vcpu : NAN;
	vm->mem_GiB = memory > 0 ? memory / GIB : NAN;
	vm->seen_s = isnan(seen) ? 0 : (int64_t)seen;
	return GRAPPE_OK;
}

int source_parse_inventory(
    const struct protocol_reply *reply, struct observation *observation, char *message, size_t size)
{
	const struct matrix_window *window = matrix_window(observation->matrix);
	struct observed_vm vm;
	int rc;

	if (!has_columns(reply, protocol_columns_inventory))
		return FAIL(GRAPPE_EFORMAT, "the answer has other columns than an inventory has");
	for (size_t row = 0; row < reply->nrows; row++) {
		rc = parse_vm(reply, row, &vm);
		if (rc == GRAPPE_OK && vm.seen_s != 0 && vm.seen_s <= window->from_s)
			continue;
		if (rc == GRAPPE_OK)
			rc = observation_add_vm(observation, &vm);
		if (rc != GRAPPE_OK)
			return FAIL(rc, "row %zu: %s", row + 1, error_text(rc));
	}
	return GRAPPE_OK;
}

static int call(const struct source_wish *wish, const struct protocol_request *request,
    struct protocol_reply *reply, int64_t *retry_at_s, char *message, size_t size)
{
	int rc = protocol_call(wish->socket, request, (int)(request->wait_ms + ANSWER_MS), reply);

	if (rc != GRAPPE_OK)
		return FAIL(rc, "collector at %s: %s", wish->socket, error_text(rc));
	if (reply->answer.status == STATUS_OK)
		return GRAPPE_OK;
	if (reply->answer.status == STATUS_LATER)
		*retry_at_s = reply->answer.retry_at_s;
	return FAIL(GRAPPE_EPEER, "collector at %s: %s", wish->socket, reply->answer.error);
}

/* One question, its answer handed to the parser. */
static int ask(const struct source_wish *wish, const struct protocol_request *request,
    int (*parse)(const struct protocol_reply *, struct observation *, char *, size_t),
    struct observation *observation, int64_t *retry_at_s, char *message, size_t size)
{
	struct protocol_reply reply = {0};
	char why[128];
	int rc = call(wish, request, &reply, retry_at_s, message, size);

	if (rc == GRAPPE_OK) {
		rc = parse(&reply, observation, why, sizeof why);
		if (rc != GRAPPE_OK)
			snprintf(message, size, "collector at %s: %s", wish->socket, why);
	}
	protocol_reply_deinit(&reply);
	return rc;
}

int source_read_collector(const struct source_wish *wish, struct observation *out,
    int64_t *retry_at_s, char *message, size_t size)
{
	const struct protocol_request matrix = {.op = OP_MATRIX,
	    .from_s = wish->to_s > 0 ? wish->to_s - wish->window_s : -wish->window_s,
	    .to_s = wish->to_s,
	    .wait_ms = wish->wait_ms,
	    .approximate = wish->approximate,
	    .kind = KIND_MEAN};
	const struct protocol_request inventory = {.op = OP_INVENTORY};
	int rc = observation_init(out);

	*retry_at_s = 0;
	if (rc != GRAPPE_OK)
		return FAIL(rc, "%s", error_text(rc));
	rc = ask(wish, &matrix, source_parse_matrix, out, retry_at_s, message, size);
	if (rc == GRAPPE_OK)
		rc = ask(wish, &inventory, source_parse_inventory, out, retry_at_s, message, size);
	if (rc == GRAPPE_OK) {
		rc = observation_finish(out);
		if (rc != GRAPPE_OK)
			snprintf(message, size, "%s", error_text(rc));
	}
	if (rc != GRAPPE_OK)
		observation_deinit(out);
	return rc;
}

/* ---- files ---- */

static FILE *open_input(const char *path, const char **name)
{
	const bool standard = strcmp(path, "-") == 0;

	*name = standard ? "standard input" : path;
	return standard ? stdin : fopen(path, "re");
}

int source_read_matrix_file(
    const char *path, double window_s, struct matrix *matrix, char *message, size_t size)
{
	const char *name;
	FILE *file = open_input(path, &name);
	char why[256];
	int rc;

	if (file == NULL)
		return FAIL(GRAPPE_EIO, "%s: %s", name, strerror(errno));
	matrix_window(matrix)->length_s = window_s;
	rc = matrix_read_csv(matrix, file, why, sizeof why);
	if (file != stdin)
		fclose(file);
	return rc == GRAPPE_OK ? rc : FAIL(rc, "%s: %s", name, why);
}

/* Cuts `line` at commas into trimmed fields; returns how many there are, at most limit + 1. */
static size_t split_fields(char *line, char **fields, size_t limit)
{
	size_t count = 0;

	for (char *rest = line; rest != NULL && count <= limit; count++) {
		char *field = strsep(&rest, ",");
		size_t length;

		field += strspn(field, " \t");
		for (length = strlen(field); length > 0 && strchr(" \t\r\n", field[length - 1]);
		     length--)
			;
		field[length] = '\0';
		if (count < limit)
			fields[count] = field;
	}
	return count;
}

#define PLACEMENT_FIELDS 5
#define PLACEMENT_HEADER                                                                           \
	"the first line must be vm,environment,host or vm,environment,host,vcpu,mem_GiB"

/* What a placement file is while it is read. */
struct placement {
	size_t columns; /* 0 before the header */
	const char *why;
};

static int parse_placement(char *const *fields, struct placement *placement, struct observed_vm *vm)
{
	*vm = (struct observed_vm){.vcpu = NAN, .mem_GiB = NAN};
	placement->why = "a name is empty or too long";
	if (fields[0][0] == '\0' || strlen(fields[0]) >= sizeof vm->id || fields[1][0] == '\0' ||
	    strlen(fields[1]) >= sizeof vm->place.environment ||
	    strlen(fields[2]) >= sizeof vm->place.host)
		return GRAPPE_EFORMAT;
	copy_text(vm->id, sizeof vm->id, fields[0]);
	copy_text(vm->name, sizeof vm->name, fields[0]);
	copy_text(vm->place.environment, sizeof vm->place.environment, fields[1]);
	copy_text(vm->place.host, sizeof vm->place.host, fields[2]);
	placement->why = "vcpu and mem_GiB must be numbers, or - for unknown";
	if (placement->columns < PLACEMENT_FIELDS)
		return GRAPPE_OK;
	return parse_number(fields[3], &vm->vcpu) == GRAPPE_OK &&
		       parse_number(fields[4], &vm->mem_GiB) == GRAPPE_OK
		   ? GRAPPE_OK
		   : GRAPPE_EFORMAT;
}

static int read_header(char *const *fields, size_t count, struct placement *placement)
{
	static const char *const header[PLACEMENT_FIELDS] = {
	    "vm", "environment", "host", "vcpu", "mem_GiB"};

	placement->why = PLACEMENT_HEADER;
	if (count != 3 && count != PLACEMENT_FIELDS)
		return GRAPPE_EFORMAT;
	for (size_t i = 0; i < count; i++)
		if (strcmp(fields[i], header[i]) != 0)
			return GRAPPE_EFORMAT;
	placement->columns = count;
	return GRAPPE_OK;
}

static int add_placement(char *line, struct placement *placement, struct observation *observation)
{
	char *fields[PLACEMENT_FIELDS] = {NULL};
	const size_t count = split_fields(line, fields, PLACEMENT_FIELDS);
	struct observed_vm vm;
	int rc;

	if (placement->columns == 0)
		return read_header(fields, count, placement);
	placement->why = "another number of fields than the first line has";
	if (count != placement->columns)
		return GRAPPE_EFORMAT;
	rc = parse_placement(fields, placement, &vm);
	if (rc != GRAPPE_OK)
		return rc;
	placement->why = "too many VMs, or memory is short";
	return observation_add_vm(observation, &vm);
}

int source_read_placement(
    const char *path, struct observation *observation, char *message, size_t size)
{
	const char *name;
	FILE *file = open_input(path, &name);
	char line[MATRIX_LINE_MAX];
	struct placement placement = {0, ""};
	unsigned number = 0;
	int rc = GRAPPE_OK;

	if (file == NULL)
		return FAIL(GRAPPE_EIO, "%s: %s", name, strerror(errno));
	while (rc == GRAPPE_OK && fgets(line, sizeof line, file) != NULL) {
		number++;
		if (strchr(line, '\n') == NULL && !feof(file)) {
			placement.why = "the line is too long or has a zero byte";
			rc = GRAPPE_EFORMAT;
		} else if (line[0] != '#' && line[strspn(line, " \t\r\n")] != '\0') {
			rc = add_placement(line, &placement, observation);
		}
	}
	if (rc == GRAPPE_OK && ferror(file)) {
		rc = GRAPPE_EIO;
		placement.why = strerror(errno);
	} else if (rc == GRAPPE_OK && placement.columns == 0) {
		rc = GRAPPE_EFORMAT;
		placement.why = PLACEMENT_HEADER;
		number = 1;
	}
	if (file != stdin)
		fclose(file);
	return rc == GRAPPE_OK ? rc : FAIL(rc, "%s: line %u: %s", name, number, placement.why);
}
