/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configuration files. What is accepted is printed, read again and printed again: both must be the
 * same. */
#include "common/error.h"
#include "common/settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

struct item {
	char *title;
	char *address;
	int64_t timeout_ms;
};

struct values {
	char *folder;
	int64_t count;
	double factor;
	int64_t period_ms;
	uint64_t memory;
	bool enabled;
	int method;
	struct settings_list hosts;
	struct settings_sections items;
};

static const char *const methods[] = {"thesis", "clean", NULL};
static const struct setting general[] = {
    {"folder", SETTING_TEXT, offsetof(struct values, folder), "x", 0, 0, NULL, "Where."},
    {"count", SETTING_INTEGER, offsetof(struct values, count), "7", -5, 1000, NULL, "How many."},
    {"factor", SETTING_REAL, offsetof(struct values, factor), "0.8", 0, 0, NULL, "How much."},
    {"period", SETTING_DURATION, offsetof(struct values, period_ms), "30s", 0, 0, NULL,
	"How long."},
    {"memory", SETTING_SIZE, offsetof(struct values, memory), "8MiB", 0, 0, NULL, "How big."},
    {"enabled", SETTING_BOOLEAN, offsetof(struct values, enabled), "yes", 0, 0, NULL, "Whether."},
    {"method", SETTING_CHOICE, offsetof(struct values, method), "clean", 0, 0, methods, "How."},
    {"hosts", SETTING_LIST, offsetof(struct values, hosts), "{}", 0, 0, NULL, "Which."},
};
static const struct setting of_item[] = {
    {"address", SETTING_TEXT, offsetof(struct item, address), NULL, 0, 0, NULL, "Where."},
    {"timeout", SETTING_DURATION, offsetof(struct item, timeout_ms), "2s", 0, 0, NULL, "How long."},
};
static const struct settings_section sections[] = {
    {.settings = general, .nsettings = SETTINGS_COUNT(general)},
    {"agent", "An agent.", of_item, SETTINGS_COUNT(of_item), sizeof(struct item),
	offsetof(struct values, items), 20},
};
static const struct settings_schema schema = {sections, SETTINGS_COUNT(sections), NULL, NULL};

static int load(const void *bytes, size_t length, struct values *values)
{
	const int fd = memfd_create("settings", MFD_CLOEXEC);
	char path[64], message[512];
	int rc;

	memset(values, 0, sizeof *values);
	if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	rc = settings_load(&schema, path, values, message, sizeof message);
	if (rc != GRAPPE_OK &&
	    (values->folder != NULL || strncmp(message, path, strlen(path)) != 0))
		abort();
	close(fd);
	return rc;
}

static char *print(const struct values *values)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	settings_print(&schema, values, out);
	fclose(out);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct values values;
	char *first, *second;

	if (load(bytes, length, &values) != GRAPPE_OK)
		return 0;
	first = print(&values);
	settings_free(&schema, &values);
	if (load(first, strlen(first), &values) != GRAPPE_OK)
		abort();
	second = print(&values);
	settings_free(&schema, &values);
	if (strcmp(first, second) != 0)
		abort();
	free(first);
	free(second);
	return 0;
}
