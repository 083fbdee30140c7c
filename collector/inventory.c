/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/inventory.h"

#include "common/error.h"
#include "common/file.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_VERSION 1

struct inventory {
	struct inventory_vm **vms; /* sorted by id; owned */
	size_t count, capacity;
	bool changed;
};

struct inventory *inventory_new(void)
{
	return calloc(1, sizeof(struct inventory));
}

void inventory_free(struct inventory *inventory)
{
	if (inventory == NULL)
		return;
	for (size_t i = 0; i < inventory->count; i++)
		free(inventory->vms[i]);
	free(inventory->vms);
	free(inventory);
}

/* Where the id is or belongs. */
static size_t position_of(const struct inventory *inventory, const char *id, bool *found)
{
	size_t low = 0, high = inventory->count;

	*found = false;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = strcmp(inventory->vms[middle]->id, id);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The entry of an id, a new one when there is none. NULL: *rc says why. */
static struct inventory_vm *entry_of(struct inventory *inventory, const char *id, int *rc)
{
	bool found;
	const size_t at = position_of(inventory, id, &found);
	struct inventory_vm *vm;

	*rc = GRAPPE_OK;
	if (found)
		return inventory->vms[at];
	if (inventory->count >= INVENTORY_VMS_MAX) {
		*rc = GRAPPE_ELIMIT;
		return NULL;
	}
	*rc = GRAPPE_EMEMORY;
	if (inventory->count == inventory->capacity) {
		const size_t wanted = inventory->capacity ? 2 * inventory->capacity : 64;
		void *bigger = reallocarray(inventory->vms, wanted, sizeof *inventory->vms);

		if (bigger == NULL)
			return NULL;
		inventory->vms = bigger;
		inventory->capacity = wanted;
	}
	vm = calloc(1, sizeof *vm);
	if (vm == NULL)
		return NULL;
	snprintf(vm->id, sizeof vm->id, "%s", id);
	memmove(&inventory->vms[at + 1], &inventory->vms[at],
	    (inventory->count - at) * sizeof *inventory->vms);
	inventory->vms[at] = vm;
	inventory->count++;
	*rc = GRAPPE_OK;
	return vm;
}

/* ---- from periods ---- */

static void add_segment(struct inventory_vm *vm, const char *segment)
{
	const size_t length = strlen(vm->segments), wanted = strlen(segment);
	const char *at = vm->segments;

	while ((at = strstr(at, segment)) != NULL && wanted > 0) {
		if ((at == vm->segments || at[-1] == ' ') &&
		    (at[wanted] == '\0' || at[wanted] == ' '))
			return;
		at += wanted;
	}
	if (wanted > 0 && length + wanted + 2 <= sizeof vm->segments)
		snprintf(vm->segments + length, sizeof vm->segments - length, "%s%s",
		    length > 0 ? " " : "", segment);
}

static void add_address(struct inventory_vm *vm, const struct period_address *address)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < vm->naddresses; i++)
		if (address_compare(&vm->addresses[i].address, &address->address) == 0)
			return;
	while (at < vm->naddresses && vm->addresses[at].evidence <= address->evidence)
		at++;
	if (vm->naddresses < INVENTORY_ADDRESSES_MAX)
		vm->naddresses++;
	else if (at == vm->naddresses)
		return;
	memmove(&vm->addresses[at + 1], &vm->addresses[at],
	    (vm->naddresses - 1 - at) * sizeof *vm->addresses);
	vm->addresses[at] = *address;
}

/* Forgets what the period will tell anew. */
static void start_anew(struct inventory_vm *vm)
{
	vm->segments[0] = '\0';
	vm->application[0] = '\0';
	vm->naddresses = 0;
	vm->vcpu = 0;
	vm->memory_bytes = 0;
}

static bool same_place(const struct place *a, const struct place *b)
{
	return strcmp(a->host, b->host) == 0 && strcmp(a->environment, b->environment) == 0;
}

/* Whether this host's word counts for the VM in this period; prepares the entry if it does. */
static bool take_host(
    struct inventory_vm *vm, const struct place *place, int64_t end_s, double share)
{
	const bool same = same_place(&vm->place, place);

	if (end_s < vm->seen_s || (end_s == vm->seen_s && !same && share <= vm->share))
		return false;
	if (end_s > vm->seen_s || !same)
		start_anew(vm);
	if (vm->seen_s == 0 || !same)
		vm->since_s = end_s;
	if (end_s > vm->seen_s || !same || share > vm->share)
		vm->share = share;
	vm->place = *place;
	vm->seen_s = end_s;
	return true;
}

int inventory_update(
    struct inventory *inventory, const struct place *place, const struct period *period)
{
	int worst = GRAPPE_OK;

	for (size_t i = 0; i < period->nvifs; i++) {
		const struct period_vif *vif = &period->vifs[i];
		const double share = vif->covered_ms / (period->header.length_s * 1000.0);
		struct inventory_vm *vm;
		int rc;

		vm = entry_of(inventory, vif->vm_id, &rc);
		if (vm == NULL) {
			worst = rc;
			continue;
		}
		if (!take_host(vm, place, period->header.end_s, share))
			continue;
		snprintf(vm->name, sizeof vm->name, "%s", vif->vm_name);
		add_segment(vm, vif->segment);
		if (vif->application[0] != '\0')
			snprintf(vm->application, sizeof vm->application, "%s", vif->application);
		if (vif->vcpu != 0)
			vm->vcpu = vif->vcpu;
		if (vif->memory_bytes != 0)
			vm->memory_bytes = vif->memory_bytes;
		for (uint32_t a = 0; a < vif->naddresses; a++)
			add_address(vm, &vif->addresses[a]);
		inventory->changed = true;
	}
	return worst;
}

void inventory_forget(struct inventory *inventory, int64_t before_s)
{
	size_t kept = 0;

	for (size_t i = 0; i < inventory->count; i++) {
		if (inventory->vms[i]->seen_s >= before_s)
			inventory->vms[kept++] = inventory->vms[i];
		else
			free(inventory->vms[i]);
	}
	inventory->changed = inventory->changed || kept < inventory->count;
	inventory->count = kept;
}

/* ---- look-ups ---- */

size_t inventory_count(const struct inventory *inventory)
{
	return inventory->count;
}

const struct inventory_vm *inventory_at(const struct inventory *inventory, size_t i)
{
	return inventory->vms[i];
}

const struct inventory_vm *inventory_find(const struct inventory *inventory, const char *id)
{
	bool found;
	const size_t at = position_of(inventory, id, &found);

	return found ? inventory->vms[at] : NULL;
}

const struct inventory_vm *inventory_find_name(
    const struct inventory *inventory, const char *text, bool *several)
{
	const struct inventory_vm *first = inventory_find(inventory, text);

	*several = false;
	if (first != NULL)
		return first;
	for (size_t i = 0; i < inventory->count; i++) {
		if (strcmp(inventory->vms[i]->name, text) != 0)
			continue;
		if (first != NULL)
			*several = true;
		else
			first = inventory->vms[i];
	}
	return first;
}

bool inventory_is_changed(const struct inventory *inventory)
{
	return inventory->changed;
}

/* ---- the file ---- */

static const char *text_of(const json_t *object, const char *key, size_t size)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL && strlen(text) < size ? text : NULL;
}

static int64_t number_of(const json_t *object, const char *key)
{
	const json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (int64_t)value : 0;
}

static void parse_addresses(const json_t *list, struct inventory_vm *vm)
{
	size_t i;
	const json_t *item;

	json_array_foreach(list, i, item)
	{
		const char *text = text_of(item, "address", ADDRESS_TEXT_SIZE);
		struct period_address address = {.evidence = (uint8_t)number_of(item, "evidence")};

		if (text != NULL && address_parse(text, &address.address) == GRAPPE_OK &&
		    address.evidence >= EVIDENCE_CONFIGURED && address.evidence <= EVIDENCE_SOURCE)
			add_address(vm, &address);
	}
}

/* One VM of the file into a struct; false when it makes no sense. */
static bool parse_vm(const json_t *object, struct inventory_vm *vm)
{
	const char *id = text_of(object, "id", sizeof vm->id);
	const char *name = text_of(object, "name", sizeof vm->name);
	const char *host = text_of(object, "host", sizeof vm->place.host);
	const char *environment = text_of(object, "environment", sizeof vm->place.environment);
	const char *segments = text_of(object, "segments", sizeof vm->segments);
	const char *application = text_of(object, "application", sizeof vm->application);

	*vm = (struct inventory_vm){.vcpu = (uint32_t)number_of(object, "vcpu"),
	    .memory_bytes = (uint64_t)number_of(object, "memory_bytes"),
	    .since_s = number_of(object, "since"),
	    .seen_s = number_of(object, "seen"),
	    .share = json_number_value(json_object_get(object, "share"))};
	if (id == NULL || !identity_is_vm(id) || name == NULL || host == NULL ||
	    environment == NULL || segments == NULL || vm->seen_s == 0)
		return false;
	snprintf(vm->id, sizeof vm->id, "%s", id);
	snprintf(vm->name, sizeof vm->name, "%s", name);
	snprintf(vm->place.host, sizeof vm->place.host, "%s", host);
	snprintf(vm->place.environment, sizeof vm->place.environment, "%s", environment);
	snprintf(vm->segments, sizeof vm->segments, "%s", segments);
	if (application != NULL) /* earlier versions did not keep it */
		snprintf(vm->application, sizeof vm->application, "%s", application);
	parse_addresses(json_object_get(object, "addresses"), vm);
	return true;
}

int inventory_parse(struct inventory *inventory, const void *bytes, size_t length, size_t *skipped)
{
	json_t *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL);
	const json_t *vms = json_object_get(root, "vms"), *item;
	int rc = GRAPPE_OK;
	size_t i;

	*skipped = 0;
	if (json_integer_value(json_object_get(root, "version")) != FILE_VERSION ||
	    !json_is_array(vms))
		rc = GRAPPE_EFORMAT;
	json_array_foreach(vms, i, item)
	{
		struct inventory_vm vm, *entry;

		if (rc != GRAPPE_OK)
			break;
		if (!parse_vm(item, &vm)) {
			++*skipped;
			continue;
		}
		entry = entry_of(inventory, vm.id, &rc);
		if (entry != NULL && entry->seen_s <= vm.seen_s)
			*entry = vm;
	}
	json_decref(root);
	return rc;
}

int inventory_load(struct inventory *inventory, const char *path, size_t *skipped)
{
	struct buffer buffer;
	int rc = file_read(path, INVENTORY_FILE_MAX, &buffer);

	*skipped = 0;
	if (rc == GRAPPE_OK)
		rc = inventory_parse(inventory, buffer.bytes, buffer.length, skipped);
	else if (rc == GRAPPE_EIO && errno == ENOENT)
		rc = GRAPPE_OK;
	buffer_deinit(&buffer);
	return rc;
}

static json_t *format_addresses(const struct inventory_vm *vm)
{
	json_t *list = json_array();
	char text[ADDRESS_TEXT_SIZE];

	for (uint32_t i = 0; i < vm->naddresses; i++)
		json_array_append_new(list, json_pack("{s:s,s:i}", "address",
						address_format(&vm->addresses[i].address, text),
						"evidence", vm->addresses[i].evidence));
	return list;
}

/* A foreign name may be no UTF-8, which JSON cannot hold. */
static json_t *format_text(const char *text)
{
	json_t *string = json_string(text);

	return string != NULL ? string : json_string("");
}

static json_t *format_vm(const struct inventory_vm *vm)
{
	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:I,s:f,s:o}", "id", vm->id, "name",
	    format_text(vm->name), "host", format_text(vm->place.host), "environment",
	    format_text(vm->place.environment), "segments", format_text(vm->segments),
	    "application", format_text(vm->application), "vcpu", (json_int_t)vm->vcpu,
	    "memory_bytes", (json_int_t)vm->memory_bytes, "since", (json_int_t)vm->since_s, "seen",
	    (json_int_t)vm->seen_s, "share", vm->share, "addresses", format_addresses(vm));
}

int inventory_save(struct inventory *inventory, const char *path)
{
	json_t *root = json_object(), *vms = json_array();
	char *text = NULL;
	int rc = GRAPPE_EMEMORY;

	json_object_set_new(root, "version", json_integer(FILE_VERSION));
	json_object_set_new(root, "vms", vms);
	for (size_t i = 0; i < inventory->count; i++)
		if (json_array_append_new(vms, format_vm(inventory->vms[i])) != 0)
			goto out;
	text = json_dumps(root, JSON_COMPACT);
	if (text != NULL)
		rc = file_replace(path, text, strlen(text), 0640);
	if (rc == GRAPPE_OK)
		inventory->changed = false;
out:
	free(text);
	json_decref(root);
	return rc;
}
