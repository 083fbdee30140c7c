/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/archive_path.h"

#include "common/caveats.h"
#include "common/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX ".rrd"
#define DAMAGED SUFFIX ".damaged-"
#define ENDPOINT_FILE "endpoint-" /* as long as SENDER_ENDPOINT */
#define MARK_FILE "mark-"         /* as long as ARCHIVE_MARK */

static bool is_mark(const char *id)
{
	for (unsigned i = 0; i < CAVEATS; i++)
		if (strncmp(id, ARCHIVE_MARK, strlen(ARCHIVE_MARK)) == 0 &&
		    strcmp(id + strlen(ARCHIVE_MARK), caveats_name(i)) == 0)
			return true;
	return false;
}

/* The id as a file name; only valid ids have one. */
static int name_of(const char *id, char name[VM_ID_SIZE])
{
	const size_t prefix = strlen(SENDER_ENDPOINT);

	if (is_mark(id)) {
		snprintf(name, VM_ID_SIZE, MARK_FILE "%s", id + strlen(ARCHIVE_MARK));
		return GRAPPE_OK;
	}
	if (!identity_is_valid(id))
		return GRAPPE_EINVALID;
	if (strncmp(id, SENDER_ENDPOINT, prefix) == 0)
		snprintf(name, VM_ID_SIZE, ENDPOINT_FILE "%s", id + prefix);
	else
		snprintf(name, VM_ID_SIZE, "%s", id);
	return GRAPPE_OK;
}

static int fits(int length)
{
	return length < PATH_MAX ? GRAPPE_OK : GRAPPE_EINVALID;
}

int archive_path_receiver(char path[PATH_MAX], const char *folder, const char *receiver)
{
	char name[VM_ID_SIZE];

	if (name_of(receiver, name) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	return fits(snprintf(path, PATH_MAX, "%s/%s", folder, name));
}

int archive_path_pair(
    char path[PATH_MAX], const char *folder, const char *receiver, const char *sender)
{
	char name[VM_ID_SIZE], name2[VM_ID_SIZE];

	if (name_of(receiver, name) != GRAPPE_OK || name_of(sender, name2) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	return fits(snprintf(path, PATH_MAX, "%s/%s/%s" SUFFIX, folder, name, name2));
}

int archive_path_coverage(char path[PATH_MAX], const char *folder, const char *receiver)
{
	char name[VM_ID_SIZE];

	if (name_of(receiver, name) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	return fits(snprintf(path, PATH_MAX, "%s/%s/coverage" SUFFIX, folder, name));
}

/* The id of the first `length` bytes of a name. */
static int id_of(const char *name, size_t length, char id[VM_ID_SIZE])
{
	const size_t prefix = strlen(ENDPOINT_FILE);

	if (length >= VM_ID_SIZE || memchr(name, ':', length) != NULL)
		return GRAPPE_EFORMAT;
	snprintf(id, VM_ID_SIZE, "%.*s", (int)length, name);
	if (strncmp(id, ENDPOINT_FILE, prefix) == 0)
		memcpy(id, SENDER_ENDPOINT, prefix);
	return identity_is_valid(id) ? GRAPPE_OK : GRAPPE_EFORMAT;
}

int archive_path_id(const char *name, const char *suffix, char id[VM_ID_SIZE])
{
	const size_t length = strlen(name), tail = strlen(suffix);

	if (length <= tail || strcmp(name + length - tail, suffix) != 0)
		return GRAPPE_EFORMAT;
	return id_of(name, length - tail, id);
}

int archive_path_sender(const char *name, char id[VM_ID_SIZE])
{
	const size_t length = strlen(name), tail = strlen(SUFFIX);

	if (strncmp(name, MARK_FILE, strlen(MARK_FILE)) != 0)
		return archive_path_id(name, SUFFIX, id);
	if (length <= tail || length >= VM_ID_SIZE || strcmp(name + length - tail, SUFFIX) != 0)
		return GRAPPE_EFORMAT;
	snprintf(id, VM_ID_SIZE, ARCHIVE_MARK "%.*s", (int)(length - tail - strlen(MARK_FILE)),
	    name + strlen(MARK_FILE));
	return is_mark(id) ? GRAPPE_OK : GRAPPE_EFORMAT;
}

int archive_path_damaged(const char *name, char id[VM_ID_SIZE], int64_t *end_s)
{
	const char *mark = strstr(name, DAMAGED);
	char *end;

	if (mark == NULL || id_of(name, (size_t)(mark - name), id) != GRAPPE_OK)
		return GRAPPE_EFORMAT;
	errno = 0;
	*end_s = strtoll(mark + strlen(DAMAGED), &end, 10);
	return errno == 0 && end != mark + strlen(DAMAGED) && *end == '\0' && *end_s >= 0
		   ? GRAPPE_OK
		   : GRAPPE_EFORMAT;
}
