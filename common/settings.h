/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one configuration syntax of Grappe. Each program describes its settings in a
 * table (key, type, unit, range, default, text); the table feeds the parser,
 * --help, --print-config and the man page. Values land in a struct of the program
 * by offset. libconfuse reads the file; every value is read as text by our own
 * unit parser, so that "030" is thirty and "10 MB" is bytes.
 *
 *     period = 30s
 *     agent "hostA" {
 *         address = "192.0.2.10:161"
 *     }
 *
 * Life-cycle: settings_load() into a zeroed struct, use, settings_free(). One thread.
 */
#ifndef GRAPPE_COMMON_SETTINGS_H
#define GRAPPE_COMMON_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum setting_type {
	SETTING_TEXT,     /* char * (owned by the struct; "" when empty) */
	SETTING_INTEGER,  /* int64_t, decimal; range min…max */
	SETTING_REAL,     /* double; range min…max */
	SETTING_DURATION, /* int64_t in milliseconds; "500ms", "30s", "5min", "2h", "1d"; a bare
			     number is refused; range min…max in milliseconds */
	SETTING_SIZE, /* uint64_t in bytes; "4096B", "64kB", "8MB", "2GB" (powers of 1000), "64KiB",
			 "8MiB", "2GiB" (powers of 1024); range in bytes */
	SETTING_BOOLEAN, /* bool; yes/no, true/false, on/off */
	SETTING_CHOICE,  /* int, index into choices */
	SETTING_LIST,    /* struct settings_list of texts: { "a", "b" } */
};

struct settings_list {
	char **items; /* owned */
	size_t count;
};

struct setting {
	const char *key;
	enum setting_type type;
	size_t offset;        /* of the value in the section's struct */
	const char *fallback; /* default: the plain value, of a list "{ a, b }" or "{}"; NULL = must
			       * be given */
	double min, max;      /* numbers only; both 0 = no limit */
	const char *const *choices; /* SETTING_CHOICE: NULL-terminated */
	const char *text;           /* one sentence for --help and the man page */
};

/* A repeated section in the program's struct: how many and where. */
struct settings_sections {
	void *items; /* array of structs of `size` bytes, owned */
	size_t count;
};

struct settings_section {
	const char *name; /* NULL: the settings outside any section */
	const char *text; /* what one of them describes */
	const struct setting *settings;
	size_t nsettings;
	/* of named sections only: titled, repeatable, titles unique */
	size_t size;   /* of one element's struct; its first member is `char *title` */
	size_t offset; /* of a struct settings_sections in the program's struct */
	size_t limit;  /* at most so many */
};

struct settings_schema {
	const struct settings_section *sections; /* the first one has no name */
	size_t nsections;
	/* Checks across settings, may be NULL. Returns 0, or GRAPPE_EINVALID with the reason in
	 * message. */
	int (*check)(const void *values, char *message, size_t size);
	/* What follows from the settings, at the end of settings_print(); may be NULL. Writes whole
	 * lines that begin with "# ". */
	void (*comment)(const void *values, FILE *out);
};

/*
 * settings_load - reads path (NULL: only defaults) into values, a zeroed struct of the program.
 * Unknown key, duplicate key or title, bad value, value out of range, missing required key,
 * unreadable file: GRAPPE_EINVALID (or GRAPPE_EIO for the file, GRAPPE_EMEMORY) with "FILE:LINE:
 * why" in message.
 * "${NAME}" outside single quotes is refused, so that nothing of the environment gets in. After an
 * error the struct needs no settings_free().
 */
int settings_load(const struct settings_schema *schema, const char *path, void *values,
    char *message, size_t size);
/* settings_free - frees what settings_load() put into values and zeroes the pointers. */
void settings_free(const struct settings_schema *schema, void *values);
/* settings_print - the whole configuration in force, in the syntax that settings_load() reads, each
 * key preceded by a comment with its text, unit, range and default. */
void settings_print(const struct settings_schema *schema, const void *values, FILE *out);
/* settings_describe - the table for --help: key, type/unit, range, default, text. */
void settings_describe(const struct settings_schema *schema, FILE *out);

/* settings_parse_duration / settings_parse_size - the unit parsers, also for command line options.
 * Return 0 or GRAPPE_EFORMAT. */
int settings_parse_duration(const char *text, int64_t *milliseconds);
int settings_parse_size(const char *text, uint64_t *bytes);

#define SETTINGS_COUNT(table) (sizeof(table) / sizeof *(table))

#endif
