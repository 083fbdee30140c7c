/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nagios/extra_opts.h"

#include "common/buffer.h"
#include "common/error.h"
#include "common/file.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define SECTION_SIZE 128

#define FAIL(code, ...) (snprintf(message, size, __VA_ARGS__), (code))

void extra_opts_deinit(struct extra_opts *extra)
{
	if (extra->text != NULL)
		explicit_bzero(extra->text, strlen(extra->text));
	free(extra->text);
	free(extra->path);
	*extra = (struct extra_opts){0};
}

/* ---- lines ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts blanks off both ends. */
static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && is_blank(end[-1]))
		*--end = '\0';
	while (is_blank(*text))
		text++;
	return text;
}

/* What a line "[NAME]" names, cut out of it; NULL when it is no such line. */
static char *take_heading(char *line)
{
	const size_t length = strlen(line);

	if (line[0] != '[' || line[length - 1] != ']')
		return NULL;
	line[length - 1] = '\0';
	return trim(line + 1);
}

static bool is_option(const char *name)
{
	for (const char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && !(*c == '-' && c > name))
			return false;
	return name[0] != '\0';
}

static int take_option(
    char *line, unsigned number, struct extra_opts *extra, char *message, size_t size)
{
	char *equals = strchr(line, '='), *name, *value = line + strlen(line);

	if (strlen(line) > EXTRA_OPTS_LINE_MAX)
		return FAIL(GRAPPE_ELIMIT, "line %u is too long", number);
	for (const char *c = line; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c) && *c != '\t')
			return FAIL(GRAPPE_EFORMAT, "line %u has control characters", number);
	if (extra->count == EXTRA_OPTS_MAX)
		return FAIL(GRAPPE_ELIMIT, "line %u: more than %d options", number, EXTRA_OPTS_MAX);
	if (equals != NULL) {
		*equals = '\0';
		value = trim(equals + 1);
	}
	name = trim(line);
	if (!is_option(name))
		return FAIL(GRAPPE_EFORMAT, "line %u is not of the form OPTION = VALUE", number);
	extra->names[extra->count] = name;
	extra->values[extra->count++] = value;
	return GRAPPE_OK;
}

/* Which section the lines are in. */
enum place { NOWHERE, ELSEWHERE, INSIDE };

static int take_line(char *line, unsigned number, const char *section, enum place *place,
    struct extra_opts *extra, char *message, size_t size)
{
	const char *heading;

	line = trim(line);
	if (line[0] == '\0' || line[0] == '#' || line[0] == ';')
		return GRAPPE_OK;
	heading = take_heading(line);
	if (heading != NULL) {
		*place = strcmp(heading, section) == 0 ? INSIDE : ELSEWHERE;
		return GRAPPE_OK;
	}
	if (*place == NOWHERE)
		return FAIL(GRAPPE_EFORMAT, "line %u stands before the first [section]", number);
	return *place == INSIDE ? take_option(line, number, extra, message, size) : GRAPPE_OK;
}

int extra_opts_parse(const char *bytes, size_t length, const char *section,
    struct extra_opts *extra, char *message, size_t size)
{
	enum place place = NOWHERE;
	bool found = false;
	char *line, *next;
	unsigned number = 1;
	int rc = GRAPPE_OK;

	if (memchr(bytes, '\0', length) != NULL)
		return FAIL(GRAPPE_EFORMAT, "a zero byte is no text");
	extra->text = malloc(length + 1);
	if (extra->text == NULL)
		return FAIL(GRAPPE_EMEMORY, "%s", error_text(GRAPPE_EMEMORY));
	memcpy(extra->text, bytes, length);
	extra->text[length] = '\0';
	for (line = extra->text; line != NULL && rc == GRAPPE_OK; line = next, number++) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		rc = take_line(line, number, section, &place, extra, message, size);
		found = found || place == INSIDE;
	}
	if (rc == GRAPPE_OK && !found)
		rc = FAIL(GRAPPE_ENOTFOUND, "no section [%.100s]", section);
	if (rc != GRAPPE_OK)
		extra->count = 0;
	return rc;
}

/* ---- files ---- */

static const char *const usual[] = {
    "/etc/monitoring-plugins/monitoring-plugins.ini",
    "/usr/local/etc/monitoring-plugins/monitoring-plugins.ini",
    "/etc/monitoring-plugins.ini",
    "/usr/local/etc/monitoring-plugins.ini",
    "/etc/nagios/plugins.ini",
    "/usr/local/nagios/etc/plugins.ini",
    "/usr/local/etc/nagios/plugins.ini",
    "/etc/opt/nagios/plugins.ini",
    "/etc/nagios-plugins.ini",
    "/usr/local/etc/nagios-plugins.ini",
    "/etc/opt/nagios-plugins.ini",
};

/* The first monitoring-plugins.ini in a list of folders with colons between. */
static bool search_folders(const char *folders, char path[PATH_SIZE])
{
	while (*folders != '\0') {
		const size_t length = strcspn(folders, ":");

		if (length > 0 && length < PATH_SIZE &&
		    snprintf(path, PATH_SIZE, "%.*s/monitoring-plugins.ini", (int)length, folders) <
			PATH_SIZE &&
		    access(path, F_OK) == 0)
			return true;
		folders += length + (folders[length] == ':');
	}
	return false;
}

static bool find_file(char path[PATH_SIZE])
{
	const char *named = getenv("MP_CONFIG_FILE"), *folders = getenv("NAGIOS_CONFIG_PATH");

	if (named != NULL && named[0] != '\0')
		return snprintf(path, PATH_SIZE, "%s", named) < PATH_SIZE;
	if (folders != NULL && search_folders(folders, path))
		return true;
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (access(usual[i], F_OK) == 0)
			return snprintf(path, PATH_SIZE, "%s", usual[i]) < PATH_SIZE;
	return false;
}

static int read_file(const char *section, struct extra_opts *extra, char *message, size_t size)
{
	struct stat status;
	struct buffer bytes;
	char why[192];
	int rc = file_read(extra->path, EXTRA_OPTS_FILE_MAX, &bytes);

	if (rc == GRAPPE_EIO || (rc == GRAPPE_OK && stat(extra->path, &status) != 0)) {
		rc = FAIL(GRAPPE_EIO, "%.200s: %s", extra->path, strerror(errno));
	} else if (rc != GRAPPE_OK) {
		snprintf(message, size, "%.200s: %s", extra->path, error_text(rc));
	} else {
		extra->open = (status.st_mode & S_IRWXO) != 0;
		rc = extra_opts_parse(bytes.length > 0 ? (const char *)bytes.bytes : "",
		    bytes.length, section, extra, why, sizeof why);
		if (rc != GRAPPE_OK)
			snprintf(message, size, "%.200s: %s", extra->path, why);
	}
	if (bytes.bytes != NULL)
		explicit_bzero(bytes.bytes, bytes.length);
	buffer_deinit(&bytes);
	return rc;
}

int extra_opts_read(
    const char *locator, const char *program, struct extra_opts *extra, char *message, size_t size)
{
	const size_t length = locator != NULL ? strcspn(locator, "@") : 0;
	char section[SECTION_SIZE], path[PATH_SIZE];

	if (length >= sizeof section)
		return FAIL(GRAPPE_ELIMIT, "too long a section");
	if (length > 0)
		snprintf(section, sizeof section, "%.*s", (int)length, locator);
	else
		snprintf(section, sizeof section, "%s", program);
	if (locator != NULL && locator[length] == '@')
		extra->path = strdup(locator + length + 1);
	else if (find_file(path))
		extra->path = strdup(path);
	else
		return FAIL(GRAPPE_ENOTFOUND, "no file with options is there");
	if (extra->path == NULL)
		return FAIL(GRAPPE_EMEMORY, "%s", error_text(GRAPPE_EMEMORY));
	return read_file(section, extra, message, size);
}
