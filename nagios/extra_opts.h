/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Options of plugins in INI files, as the Monitoring Plugins have them (--extra-opts): sections
 * named after the plugin, each with lines "option = value", where an option is a long name without
 * its dashes or a letter. Lines that begin with # or ; do not count; a value goes to the end of its
 * line, without blanks around it. An option without a value is "verbose =" or "verbose". Sections
 * of one name are read one after another; what is in other sections is nobody's business here.
 *
 * Life-cycle: extra_opts_read() or extra_opts_parse() into a zeroed struct, use,
 * extra_opts_deinit(). One thread.
 */
#ifndef GRAPPE_NAGIOS_EXTRA_OPTS_H
#define GRAPPE_NAGIOS_EXTRA_OPTS_H

#include <stdbool.h>
#include <stddef.h>

#define EXTRA_OPTS_MAX 64                /* options of one section */
#define EXTRA_OPTS_FILE_MAX (256u << 10) /* bytes of a file */
#define EXTRA_OPTS_LINE_MAX 1024         /* bytes of a line of the section */

struct extra_opts {
	char *text, *path; /* owned; the others point into text */
	const char *names[EXTRA_OPTS_MAX];
	const char *values[EXTRA_OPTS_MAX]; /* "" when there is none */
	size_t count;
	bool open; /* everybody may read or change the file */
};

/* extra_opts_read - locator: [SECTION][@FILE], or NULL. Without SECTION it is the program's name;
 * without FILE the first one that is there: $MP_CONFIG_FILE, monitoring-plugins.ini in the folders
 * of $NAGIOS_CONFIG_PATH, then those that the Monitoring Plugins look for. Returns 0, or
 * GRAPPE_EIO, GRAPPE_ELIMIT, GRAPPE_EMEMORY, GRAPPE_ENOTFOUND (no file, no such section),
 * GRAPPE_EFORMAT with the reason in message. */
int extra_opts_read(
    const char *locator, const char *program, struct extra_opts *extra, char *message, size_t size);
/* extra_opts_parse - the same from bytes of a file; path stays NULL. A message tells lines, and
 * nothing of what they hold. */
int extra_opts_parse(const char *bytes, size_t length, const char *section,
    struct extra_opts *extra, char *message, size_t size);
void extra_opts_deinit(struct extra_opts *extra);

#endif
