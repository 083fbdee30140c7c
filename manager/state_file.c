/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/state_file.h"

#include "common/error.h"
#include "common/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FAIL(...) (snprintf(message, size, __VA_ARGS__), GRAPPE_EFORMAT)

int state_file_parse(const char *bytes, size_t length, size_t limit, state_file_read *read,
    void *out, char *message, size_t size)
{
	json_error_t error;
	json_t *document;
	int rc;

	if (length > limit) {
		snprintf(message, size, "longer than %zu bytes", limit);
		return GRAPPE_ELIMIT;
	}
	document = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
	if (document == NULL)
		return FAIL("line %d: %s", error.line, error.text);
	if (json_integer_value(json_object_get(document, "version")) != 1)
		rc = FAIL("version: only 1 is known here");
	else
		rc = read(document, out, message, size);
	json_decref(document);
	return rc;
}

int state_file_load(
    const char *path, size_t limit, state_file_read *read, void *out, char *message, size_t size)
{
	struct buffer bytes;
	char why[256] = "";
	int rc = file_read(path, limit, &bytes);
	const int saved = errno;

	if (rc == GRAPPE_OK)
		rc = state_file_parse(bytes.length > 0 ? (const char *)bytes.bytes : "",
		    bytes.length, limit, read, out, why, sizeof why);
	else if (rc == GRAPPE_ELIMIT)
		snprintf(why, sizeof why, "longer than %zu bytes", limit);
	else if (rc == GRAPPE_EIO)
		snprintf(why, sizeof why, "%s", strerror(saved));
	buffer_deinit(&bytes);
	if (why[0] == '\0')
		snprintf(why, sizeof why, "%s", error_text(rc));
	if (rc == GRAPPE_OK || (rc == GRAPPE_EIO && saved == ENOENT))
		return GRAPPE_OK;
	if (rc == GRAPPE_EFORMAT || rc == GRAPPE_ELIMIT) {
		file_set_aside(path, why);
		return GRAPPE_OK;
	}
	snprintf(message, size, "%s: %s", path, why);
	errno = saved;
	return rc;
}
