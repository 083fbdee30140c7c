/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What changed between two environment documents, in words for people ("site-2: price_vcpu_hour
 * fell by 30 %, from 0.1 to 0.07 EUR"). Pure; any thread.
 */
#ifndef GRAPPE_MANAGER_ENVIRONMENT_CHANGE_H
#define GRAPPE_MANAGER_ENVIRONMENT_CHANGE_H

#include "manager/environment.h"

#define ENVIRONMENT_CHANGE_SIZE 200 /* longest text with its final zero */

typedef void environment_change_told(const char *text, void *context);

/* environment_compare - calls told for each difference that can matter to a plan, in the order of
 * the documents; as_of alone is none. Returns how many there are. */
size_t environment_compare(const struct environments *before, const struct environments *after,
    environment_change_told *told, void *context);

#endif
