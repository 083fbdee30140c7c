/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file of who moved: what is accepted is in order and can be asked and updated; what is refused
 * says why. */
#include "common/error.h"
#include "manager/residence.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const struct observation nobody = {0};
	struct residence residence;
	char message[256] = "";

	if (residence_parse((const char *)bytes, length, &residence, message, sizeof message) !=
	    GRAPPE_OK) {
		if (message[0] == '\0')
			abort();
		return 0;
	}
	for (size_t i = 0; i < residence.count; i++) {
		const struct resident *it = &residence.items[i];

		if (i > 0 && strcmp(it[-1].id, it->id) >= 0)
			abort();
		if (residence_moved_s(&residence, it->id) != it->moved_s || it->moved_s < 0 ||
		    it->moves > RESIDENCE_MOVES_MAX)
			abort();
	}
	if (residence_update(&residence, &nobody, INT64_C(1) << 40) != GRAPPE_OK)
		abort();
	residence_deinit(&residence);
	return 0;
}
