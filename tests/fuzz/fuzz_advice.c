/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stored recommendations and the history: what is accepted can be printed, followed and expired. */
#include "common/error.h"
#include "manager/history.h"
#include "manager/recommendation.h"
#include "manager/report.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void use_document(json_t *document)
{
	json_t *fresh = json_deep_copy(document), *next;
	char *text = NULL, message[256];
	size_t length;
	FILE *out = open_memstream(&text, &length);

	report_print(document, out);
	fclose(out);
	free(text);
	recommendation_follow(document, fresh, &next);
	recommendation_expire(next, INT64_C(1) << 40);
	if (recommendation_check(next, message, sizeof message) != GRAPPE_OK)
		abort();
	json_decref(fresh);
	json_decref(next);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct history history;
	char message[256] = "";
	json_t *document;

	if (recommendation_parse((const char *)bytes, length, &document, message, sizeof message) ==
	    GRAPPE_OK) {
		use_document(document);
		json_decref(document);
	} else if (document != NULL || message[0] == '\0') {
		abort();
	}
	if (history_init(&history) != GRAPPE_OK)
		return 0;
	history_parse(&history, (const char *)bytes, length);
	if (history.count > HISTORY_KEPT || history.count + history.damaged > history.lines)
		abort();
	history_close(&history);
	return 0;
}
