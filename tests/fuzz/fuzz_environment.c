/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The environment document: whatever comes in, what is accepted is in range and what is refused
 * says why. */
#include "common/error.h"
#include "manager/environment.h"
#include "manager/environment_change.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_number(double value)
{
	if (!isnan(value) && !(value >= 0 && value <= 1e9))
		abort();
}

static void tell(const char *text, void *context)
{
	(void)context;
	if (text[0] == '\0' || strlen(text) >= ENVIRONMENT_CHANGE_SIZE)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const struct environments none = {0};
	struct environments e;
	char message[256] = "";

	if (environments_parse((const char *)bytes, length, &e, message, sizeof message) !=
	    GRAPPE_OK) {
		if (message[0] == '\0')
			abort();
		return 0;
	}
	for (size_t i = 0; i < e.count; i++) {
		if (environments_find(&e, e.items[i].name) != (int)i)
			abort();
		for (size_t h = 0; h < e.items[i].nhosts; h++) {
			check_number(e.items[i].hosts[h].capacity.vcpu);
			check_number(e.items[i].hosts[h].capacity.mem_GiB);
			check_number(e.items[i].hosts[h].capacity.max_vms);
		}
	}
	if (environment_compare(&e, &e, tell, NULL) != 0)
		abort();
	environment_compare(&none, &e, tell, NULL);
	environment_compare(&e, &none, tell, NULL);
	for (size_t i = 0; i < e.nendpoints; i++)
		if (e.endpoints[i].environment >= e.count)
			abort();
	for (size_t i = 0; i < e.nlinks; i++)
		if (e.links[i].from >= e.count || e.links[i].to >= e.count)
			abort();
	environments_deinit(&e);
	return 0;
}
