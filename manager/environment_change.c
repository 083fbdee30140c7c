/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/environment_change.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct comparison {
	const struct environments *before, *after;
	environment_change_told *told;
	void *context;
	size_t count;
};

struct field {
	const char *name;
	size_t offset; /* of a double */
	bool money;
};

static const struct field environment_fields[] = {
    {"price_vcpu_hour", offsetof(struct environment, price_vcpu_hour), true},
    {"price_mem_GiB_hour", offsetof(struct environment, price_mem_GiB_hour), true},
    {"price_vm_hour", offsetof(struct environment, price_vm_hour), true},
    {"power", offsetof(struct environment, power), false},
    {"capacity.vcpu", offsetof(struct environment, capacity.vcpu), false},
    {"capacity.mem_GiB", offsetof(struct environment, capacity.mem_GiB), false},
    {"capacity.max_vms", offsetof(struct environment, capacity.max_vms), false},
    {"quota.vcpu", offsetof(struct environment, quota.vcpu), false},
    {"quota.mem_GiB", offsetof(struct environment, quota.mem_GiB), false},
    {"quota.max_vms", offsetof(struct environment, quota.max_vms), false},
};

static const struct field host_fields[] = {
    {"vcpu", offsetof(struct environment_host, capacity.vcpu), false},
    {"mem_GiB", offsetof(struct environment_host, capacity.mem_GiB), false},
    {"max_vms", offsetof(struct environment_host, capacity.max_vms), false},
    {"power", offsetof(struct environment_host, power), false},
};

static const struct field link_fields[] = {
    {"latency_ms", offsetof(struct environment_link, latency_ms), false},
    {"bandwidth_MBps", offsetof(struct environment_link, bandwidth_MBps), false},
    {"price_per_GB", offsetof(struct environment_link, price_per_GB), true},
};

static void __attribute__((format(printf, 2, 3)))
tell(struct comparison *c, const char *format, ...)
{
	char text[ENVIRONMENT_CHANGE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	c->count++;
	c->told(text, c->context);
}

static double field_of(const void *item, const struct field *field)
{
	return *(const double *)((const char *)item + field->offset);
}

static void compare_field(
    struct comparison *c, const char *what, const struct field *field, double before, double after)
{
	const char *unit = field->money ? c->after->currency : "";
	const char *space = unit[0] != '\0' ? " " : "";

	if (before == after || (isnan(before) && isnan(after)))
		return;
	if (isnan(after))
		tell(c, "%s: %s is not told any more (it was %g)", what, field->name, before);
	else if (isnan(before))
		tell(c, "%s: %s is %g%s%s now", what, field->name, after, space, unit);
	else if (before > 0 && after > 0)
		tell(c, "%s: %s %s by %.3g %%, from %g to %g%s%s", what, field->name,
		    after < before ? "fell" : "rose", fabs(after / before - 1) * 100, before, after,
		    space, unit);
	else
		tell(c, "%s: %s went from %g to %g%s%s", what, field->name, before, after, space,
		    unit);
}

static void compare_fields(struct comparison *c, const char *what, const struct field *fields,
    size_t count, const void *before, const void *after)
{
	for (size_t i = 0; i < count; i++)
		compare_field(
		    c, what, &fields[i], field_of(before, &fields[i]), field_of(after, &fields[i]));
}

static void compare_drain(
    struct comparison *c, const char *what, enum truth before, enum truth after)
{
	if ((before == TRUTH_YES) != (after == TRUTH_YES))
		tell(c, "%s: %s", what,
		    after == TRUTH_YES ? "is to be drained" : "is not to be drained any more");
}

static const char *format_time(int64_t epoch_s, char text[32])
{
	const time_t when = (time_t)epoch_s;
	struct tm parts;

	if (epoch_s == 0)
		return "no limit";
	if (gmtime_r(&when, &parts) == NULL ||
	    strftime(text, 32, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
		return "?";
	return text;
}

static void compare_time(
    struct comparison *c, const char *what, const char *name, int64_t before_s, int64_t after_s)
{
	char before[32], after[32];

	if (before_s != after_s)
		tell(c, "%s: %s changed from %s to %s", what, name, format_time(before_s, before),
		    format_time(after_s, after));
}

/* ---- hosts ---- */

static int compare_names(const void *left, const void *right)
{
	const struct environment_host *const *x = left, *const *y = right;

	return strcmp((*x)->name, (*y)->name);
}

/* Pointers to the hosts in the order of their names; NULL without memory. */
static const struct environment_host **sort_hosts(const struct environment *environment)
{
	const struct environment_host **sorted =
	    calloc(environment->nhosts + 1, sizeof(struct environment_host *));

	for (size_t i = 0; sorted != NULL && i < environment->nhosts; i++)
		sorted[i] = &environment->hosts[i];
	if (sorted != NULL)
		qsort(sorted, environment->nhosts, sizeof *sorted, compare_names);
	return sorted;
}

static void compare_host(struct comparison *c, const char *environment,
    const struct environment_host *before, const struct environment_host *after)
{
	char what[2 * PLACE_NAME_SIZE + 16];

	snprintf(what, sizeof what, "%s, host %s", environment,
	    after != NULL ? after->name : before->name);
	if (after == NULL || before == NULL) {
		tell(c, "%s: %s", what, after == NULL ? "is gone" : "is new");
		return;
	}
	compare_fields(c, what, host_fields, JSON_COUNT(host_fields), before, after);
	compare_drain(c, what, before->drain, after->drain);
}

static void compare_hosts(
    struct comparison *c, const struct environment *before, const struct environment *after)
{
	const struct environment_host **old = sort_hosts(before), **new = sort_hosts(after);
	size_t i = 0, j = 0;

	while (old != NULL && new != NULL && (i < before->nhosts || j < after->nhosts)) {
		const int order = i == before->nhosts  ? 1
				  : j == after->nhosts ? -1
						       : strcmp(old[i]->name, new[j]->name);

		compare_host(
		    c, after->name, order <= 0 ? old[i] : NULL, order >= 0 ? new[j] : NULL);
		i += order <= 0;
		j += order >= 0;
	}
	free(old);
	free(new);
}

/* ---- environments and what is between them ---- */

static bool same_network(
    const struct environment_network *before, const struct environment_network *after)
{
	if (before->overlay != after->overlay || before->router != after->router ||
	    before->nsubnets != after->nsubnets || before->nused != after->nused ||
	    before->nused_macs != after->nused_macs ||
	    !(before->layer == after->layer || (isnan(before->layer) && isnan(after->layer))))
		return false;
	for (size_t i = 0; i < after->nsubnets; i++)
		if (before->subnets[i].length != after->subnets[i].length ||
		    address_compare(&before->subnets[i].address, &after->subnets[i].address) != 0)
			return false;
	for (size_t i = 0; i < after->nused_macs; i++)
		if (!mac_equal(&before->used_macs[i], &after->used_macs[i]))
			return false;
	for (size_t i = 0; i < after->nused; i++)
		if (address_compare(&before->used[i], &after->used[i]) != 0)
			return false;
	return true;
}

static void compare_networks(
    struct comparison *c, const struct environment *before, const struct environment *after)
{
	bool same = before->nnetworks == after->nnetworks;

	for (size_t i = 0; i < after->nnetworks && same; i++)
		same = strcmp(before->networks[i].segment, after->networks[i].segment) == 0 &&
		       same_network(&before->networks[i], &after->networks[i]);
	if (!same)
		tell(c, "%s: its networks changed", after->name);
}

static void compare_environment(
    struct comparison *c, const struct environment *before, const struct environment *after)
{
	compare_fields(
	    c, after->name, environment_fields, JSON_COUNT(environment_fields), before, after);
	compare_drain(c, after->name, before->drain, after->drain);
	compare_time(
	    c, after->name, "available_from", before->available_from_s, after->available_from_s);
	compare_time(
	    c, after->name, "available_until", before->available_until_s, after->available_until_s);
	if (strcmp(before->api, after->api) != 0)
		tell(c, "%s: its API is '%s' now", after->name, after->api);
	compare_hosts(c, before, after);
	compare_networks(c, before, after);
}

static int compare_ends(const void *left, const void *right)
{
	const struct environment_link *x = left, *y = right;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

/* Links of `one` against those of `other`; gone: only those that the other lacks. */
static void compare_links(struct comparison *c, const struct environments *one,
    const struct environments *other, bool gone)
{
	int *there = calloc(one->count + 1, sizeof *there); /* the same environment in `other` */

	for (size_t i = 0; there != NULL && i < one->count; i++)
		there[i] = environments_find(other, one->items[i].name);
	for (size_t i = 0; there != NULL && i < one->nlinks; i++) {
		const struct environment_link *link = &one->links[i], *found = NULL;
		const struct environment_link key = {
		    .from = (size_t)there[link->from], .to = (size_t)there[link->to]};
		char what[2 * PLACE_NAME_SIZE + 16];

		snprintf(what, sizeof what, "%s to %s", one->items[link->from].name,
		    one->items[link->to].name);
		if (there[link->from] >= 0 && there[link->to] >= 0 && other->nlinks > 0)
			found =
			    bsearch(&key, other->links, other->nlinks, sizeof key, compare_ends);
		if (found == NULL)
			tell(c, "%s: the link is %s", what, gone ? "not told any more" : "new");
		else if (!gone)
			compare_fields(c, what, link_fields, JSON_COUNT(link_fields), found, link);
	}
	free(there);
}

static bool same_endpoints(const struct environments *before, const struct environments *after)
{
	if (before->nendpoints != after->nendpoints)
		return false;
	for (size_t i = 0; i < after->nendpoints; i++)
		if (strcmp(before->endpoints[i].name, after->endpoints[i].name) != 0 ||
		    strcmp(before->items[before->endpoints[i].environment].name,
			after->items[after->endpoints[i].environment].name) != 0)
			return false;
	return true;
}

size_t environment_compare(const struct environments *before, const struct environments *after,
    environment_change_told *told, void *context)
{
	struct comparison c = {before, after, told, context, 0};

	if (strcmp(before->currency, after->currency) != 0)
		tell(&c, "prices are in '%s' now, they were in '%s'", after->currency,
		    before->currency);
	for (size_t i = 0; i < before->count; i++)
		if (environments_find(after, before->items[i].name) < 0)
			tell(&c, "%s: is gone", before->items[i].name);
	for (size_t i = 0; i < after->count; i++) {
		const int old = environments_find(before, after->items[i].name);

		if (old < 0)
			tell(&c, "%s: is new", after->items[i].name);
		else
			compare_environment(&c, &before->items[old], &after->items[i]);
	}
	compare_links(&c, before, after, true);
	compare_links(&c, after, before, false);
	if (!same_endpoints(before, after))
		tell(&c, "endpoints are placed differently");
	return c.count;
}
