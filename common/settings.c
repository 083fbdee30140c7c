/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/settings.h"

#include "common/error.h"
#include "common/file.h"
#include "common/settings_text.h"
#include "common/settings_value.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT (4u << 20) /* bytes of a configuration file */

/* Where a setting was written; libconfuse keeps no lines. */
struct written {
	int line;       /* 0 = not in the file */
	unsigned texts; /* read so far: a list may have several */
	bool pending;   /* a text was read and not confirmed */
	bool closed;    /* all of it was read */
};

/* The settings of one section. */
struct record {
	const cfg_t *cfg;
	struct written *settings; /* in the order of the table */
};

struct load {
	const struct settings_schema *schema;
	const char *path; /* as shown in messages */
	cfg_t *cfg;
	cfg_opt_t **section_options; /* one array a named section, then NULL */
	cfg_opt_t *root_options;
	struct record *records;
	size_t nrecords;
	size_t cursor; /* the record found last: sections are asked for in the order of the file */
	int rc;
	char *message;
	size_t size;
};

/* libconfuse hands no pointer of ours to its callbacks, and its scanner is global anyway. */
static struct load *loading;

static int fail(struct load *load, int line, int rc, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The first failure counts: later ones follow from it. */
static int fail(struct load *load, int line, int rc, const char *format, ...)
{
	va_list arguments;
	int used;

	if (load->rc != GRAPPE_OK)
		return load->rc;
	load->rc = rc;
	used = line > 0 ? snprintf(load->message, load->size, "%s:%d: ", load->path, line)
			: snprintf(load->message, load->size, "%s: ", load->path);
	if (used < 0 || (size_t)used >= load->size)
		return rc;
	va_start(arguments, format);
	vsnprintf(load->message + used, load->size - (size_t)used, format, arguments);
	va_end(arguments);
	return rc;
}

/* ---- while libconfuse parses ---- */

static void on_error(cfg_t *cfg, const char *format, va_list arguments)
{
	char text[256];

	vsnprintf(text, sizeof text, format, arguments);
	if (strncmp(format, "no such option", 14) == 0)
		fail(loading, cfg->line, GRAPPE_EINVALID, "unknown setting%s", text + 14);
	else
		fail(loading, cfg->line, GRAPPE_EINVALID, "%s", text);
}

static struct record *find_record(struct load *load, const cfg_t *cfg)
{
	/* Sections come one after another, so the one in hand is the first or the last. */
	if (load->nrecords > 0 && load->records[0].cfg == cfg)
		return &load->records[0];
	if (load->nrecords > 0 && load->records[load->nrecords - 1].cfg == cfg)
		return &load->records[load->nrecords - 1];
	return NULL;
}

static struct record *add_record(struct load *load, const cfg_t *cfg)
{
	struct record *records =
	    reallocarray(load->records, load->nrecords + 1, sizeof *load->records);
	struct written *settings = calloc(cfg_num((cfg_t *)cfg) + 1, sizeof *settings);

	if (records != NULL)
		load->records = records;
	if (records == NULL || settings == NULL) {
		free(settings);
		return NULL;
	}
	records[load->nrecords] = (struct record){.cfg = cfg, .settings = settings};
	return &records[load->nrecords++];
}

/* The place of option in the record of its section, made at need; NULL after an error. */
static struct written *find_written(const cfg_t *cfg, const cfg_opt_t *option)
{
	const unsigned count = cfg_num((cfg_t *)cfg);
	struct record *record = find_record(loading, cfg);
	unsigned index = 0;

	while (index < count && cfg_getnopt((cfg_t *)cfg, index) != option)
		index++;
	if (index == count) { /* "section|key" reaches into a section */
		fail(loading, cfg->line, GRAPPE_EINVALID, "'|' is not allowed in a key");
		return NULL;
	}
	if (record == NULL)
		record = add_record(loading, cfg);
	if (record == NULL) {
		fail(loading, cfg->line, GRAPPE_EMEMORY, "out of memory");
		return NULL;
	}
	return &record->settings[index];
}

/* Called for each text; a second assignment starts anew or comes after the end of the first. */
static int on_text(cfg_t *cfg, cfg_opt_t *option, const char *text, void *result)
{
	struct written *written = find_written(cfg, option);

	if (written == NULL)
		return loading->rc;
	if (written->closed || option->nvalues != ++written->texts)
		return fail(loading, cfg->line, GRAPPE_EINVALID,
		    "%s is given twice, first on line %d", option->name, written->line);
	if (written->line == 0)
		written->line = cfg->line;
	written->pending = true;
	*(const char **)result = text;
	return GRAPPE_OK;
}

/* Called after each text, and at the closing brace of a list. */
static int on_value(cfg_t *cfg, cfg_opt_t *option)
{
	struct written *written = find_written(cfg, option);

	if (written == NULL)
		return loading->rc;
	if ((option->flags & CFGF_LIST) == 0 || !written->pending)
		written->closed = true;
	written->pending = false;
	return GRAPPE_OK;
}

/* ---- the table as libconfuse wants it ---- */

static void describe_settings(const struct settings_section *section, cfg_opt_t *options)
{
	for (size_t i = 0; i < section->nsettings; i++) {
		const struct setting *setting = &section->settings[i];
		cfg_opt_t text = CFG_STR(setting->key, NULL, CFGF_NODEFAULT);
		cfg_opt_t list = CFG_STR_LIST(setting->key, NULL, CFGF_NODEFAULT);

		options[i] = setting->type == SETTING_LIST ? list : text;
		options[i].parsecb = on_text;
		options[i].validcb = on_value;
	}
}

static int make_options(struct load *load)
{
	const struct settings_schema *schema = load->schema;
	const cfg_opt_t end = CFG_END();
	size_t n = schema->sections[0].nsettings;

	load->section_options = calloc(schema->nsections + 1, sizeof *load->section_options);
	load->root_options = calloc(n + schema->nsections + 1, sizeof *load->root_options);
	if (load->section_options == NULL || load->root_options == NULL)
		return fail(load, 0, GRAPPE_EMEMORY, "out of memory");
	describe_settings(&schema->sections[0], load->root_options);
	for (size_t i = 1; i < schema->nsections; i++) {
		const struct settings_section *section = &schema->sections[i];
		cfg_opt_t *options = calloc(section->nsettings + 1, sizeof *options);

		if (options == NULL)
			return fail(load, 0, GRAPPE_EMEMORY, "out of memory");
		load->section_options[i - 1] = options;
		describe_settings(section, options);
		options[section->nsettings] = end;
		load->root_options[n++] = (cfg_opt_t)CFG_SEC(
		    section->name, options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	}
	load->root_options[n] = end;
	return GRAPPE_OK;
}

/* ---- from libconfuse into the program's struct ---- */

static char *place_of(void *values, size_t offset)
{
	return (char *)values + offset;
}

/* What a missing value is complained about with: "agent \"hostA\"" or nothing. */
static int set_default(
    struct load *load, const struct setting *setting, const cfg_t *cfg, void *values)
{
	char why[256];
	int rc;

	if (setting->fallback == NULL && cfg != NULL && cfg_title((cfg_t *)cfg) != NULL)
		return fail(load, cfg->line, GRAPPE_EINVALID,
		    "%s \"%s\", which ends here, lacks the setting %s", cfg_name((cfg_t *)cfg),
		    cfg_title((cfg_t *)cfg), setting->key);
	if (setting->fallback == NULL)
		return fail(load, 0, GRAPPE_EINVALID, "the setting %s is missing", setting->key);
	rc = settings_value_default(setting, place_of(values, setting->offset), why, sizeof why);
	return rc == GRAPPE_OK ? rc : fail(load, 0, rc, "default of %s", why);
}

static int set_given(struct load *load, const struct setting *setting, cfg_opt_t *option,
    const struct written *written, void *values)
{
	const int line = written->line;
	const unsigned count = cfg_opt_size(option);
	const bool list = setting->type == SETTING_LIST;
	char why[400];

	if (!list && count != 1)
		return fail(load, line, GRAPPE_EINVALID, "%s wants one value", setting->key);
	if (!written->closed)
		return fail(load, line, GRAPPE_EINVALID, "%s is a list: write { … } around it",
		    setting->key);
	for (unsigned i = 0; i < count; i++) {
		const char *text = cfg_opt_getnstr(option, i);
		int rc;

		if (list && text[0] == '\0') {
			if (count == 1)
				return GRAPPE_OK; /* the empty list, see settings_text.h */
			return fail(load, line, GRAPPE_EINVALID, "%s has an empty text in its list",
			    setting->key);
		}
		rc = settings_value_parse(
		    setting, text, place_of(values, setting->offset), why, sizeof why);
		if (rc != GRAPPE_OK)
			return fail(load, line,
			    rc == GRAPPE_EMEMORY ? GRAPPE_EMEMORY : GRAPPE_EINVALID, "%s", why);
	}
	return GRAPPE_OK;
}

/* NULL when the file does not give the setting. */
static const struct written *written_in(struct load *load, const cfg_t *cfg, size_t index)
{
	for (size_t i = 0; i < load->nrecords; i++) {
		const size_t at = (load->cursor + i) % load->nrecords;
		const struct written *written = &load->records[at].settings[index];

		if (load->records[at].cfg != cfg)
			continue;
		load->cursor = at;
		return written->line != 0 ? written : NULL;
	}
	return NULL;
}

/* cfg: NULL when there is no file. */
static int fill_settings(
    struct load *load, const struct settings_section *section, cfg_t *cfg, void *values)
{
	int rc = GRAPPE_OK;

	for (size_t i = 0; i < section->nsettings && rc == GRAPPE_OK; i++) {
		const struct setting *setting = &section->settings[i];
		const struct written *written = cfg != NULL ? written_in(load, cfg, i) : NULL;

		if (written == NULL)
			rc = set_default(load, setting, cfg, values);
		else
			rc = set_given(
			    load, setting, cfg_getnopt(cfg, (unsigned)i), written, values);
	}
	return rc;
}

static int fill_sections(
    struct load *load, const struct settings_section *section, unsigned index, void *values)
{
	struct settings_sections *out = (void *)place_of(values, section->offset);
	cfg_opt_t *option = cfg_getnopt(load->cfg, index);
	const unsigned count = cfg_opt_size(option);
	int rc = GRAPPE_OK;

	if (count > section->limit)
		return fail(load, cfg_opt_getnsec(option, (unsigned)section->limit)->line,
		    GRAPPE_EINVALID, "at most %zu sections %s are allowed", section->limit,
		    section->name);
	out->items = calloc(count ? count : 1, section->size);
	if (out->items == NULL)
		return fail(load, 0, GRAPPE_EMEMORY, "out of memory");
	for (unsigned i = 0; i < count && rc == GRAPPE_OK; i++) {
		cfg_t *cfg = cfg_opt_getnsec(option, i);
		char *item = (char *)out->items + i * section->size;
		char *title = strdup(cfg_title(cfg));

		out->count = i + 1;
		*(char **)item = title;
		if (title == NULL)
			return fail(load, 0, GRAPPE_EMEMORY, "out of memory");
		if (title[0] == '\0')
			return fail(load, cfg->line, GRAPPE_EINVALID,
			    "%s, which ends here, has an empty name", section->name);
		rc = fill_settings(load, section, cfg, item);
	}
	return rc;
}

static int fill_values(struct load *load, void *values)
{
	const struct settings_schema *schema = load->schema;
	const unsigned first = (unsigned)schema->sections[0].nsettings;
	char why[512] = "";
	int rc = fill_settings(load, &schema->sections[0], load->cfg, values);

	for (size_t i = 1; i < schema->nsections && rc == GRAPPE_OK && load->cfg != NULL; i++)
		rc = fill_sections(load, &schema->sections[i], first + (unsigned)i - 1, values);
	if (rc == GRAPPE_OK && schema->check != NULL &&
	    schema->check(values, why, sizeof why) != GRAPPE_OK)
		rc = fail(load, 0, GRAPPE_EINVALID, "%s", why);
	return rc;
}

/* ---- loading ---- */

static int read_clean(struct load *load, struct buffer *clean)
{
	struct buffer raw;
	char why[160];
	int line, rc;

	rc = file_read(load->path, FILE_LIMIT, &raw);
	if (rc == GRAPPE_ELIMIT)
		fail(load, 0, GRAPPE_EINVALID, "larger than %u bytes", FILE_LIMIT);
	else if (rc != GRAPPE_OK)
		fail(load, 0, rc, "%s", error_text(rc));
	else if ((rc = settings_text_clean(raw.bytes, raw.length, clean, &line, why, sizeof why)) ==
		 GRAPPE_EFORMAT)
		fail(load, line, GRAPPE_EINVALID, "%s", why);
	else if (rc != GRAPPE_OK)
		fail(load, 0, rc, "%s", error_text(rc));
	buffer_deinit(&raw);
	buffer_put_u8(clean, 0);
	if (clean->error != GRAPPE_OK)
		fail(load, 0, clean->error, "out of memory");
	return load->rc;
}

static int parse_file(struct load *load)
{
	struct buffer clean;
	int rc;

	buffer_init(&clean);
	rc = read_clean(load, &clean);
	if (rc == GRAPPE_OK)
		rc = make_options(load);
	if (rc == GRAPPE_OK) {
		load->cfg = cfg_init(load->root_options, CFGF_NONE);
		if (load->cfg == NULL)
			rc = fail(load, 0, GRAPPE_EMEMORY, "out of memory");
	}
	if (rc == GRAPPE_OK && add_record(load, load->cfg) == NULL)
		rc = fail(load, 0, GRAPPE_EMEMORY, "out of memory");
	if (rc == GRAPPE_OK) {
		cfg_set_error_function(load->cfg, on_error);
		loading = load;
		if (cfg_parse_buf(load->cfg, (const char *)clean.bytes) != CFG_SUCCESS)
			rc = fail(load, load->cfg->line, GRAPPE_EINVALID, "not understood");
		loading = NULL;
	}
	buffer_deinit(&clean);
	return rc;
}

static void load_deinit(struct load *load)
{
	if (load->cfg != NULL)
		cfg_free(load->cfg);
	for (size_t i = 0; load->section_options != NULL && load->section_options[i] != NULL; i++)
		free(load->section_options[i]);
	free(load->section_options);
	free(load->root_options);
	for (size_t i = 0; i < load->nrecords; i++)
		free(load->records[i].settings);
	free(load->records);
}

int settings_load(const struct settings_schema *schema, const char *path, void *values,
    char *message, size_t size)
{
	struct load load = {.schema = schema,
	    .path = path != NULL ? path : "no configuration file",
	    .message = message,
	    .size = size};
	int rc = GRAPPE_OK, saved;

	message[0] = '\0';
	if (path != NULL)
		rc = parse_file(&load);
	if (rc == GRAPPE_OK)
		rc = fill_values(&load, values);
	saved = errno;
	if (rc != GRAPPE_OK)
		settings_free(schema, values);
	load_deinit(&load);
	errno = saved;
	return rc;
}

static void free_settings(const struct settings_section *section, void *values)
{
	for (size_t i = 0; i < section->nsettings; i++)
		settings_value_free(
		    &section->settings[i], place_of(values, section->settings[i].offset));
}

void settings_free(const struct settings_schema *schema, void *values)
{
	free_settings(&schema->sections[0], values);
	for (size_t i = 1; i < schema->nsections; i++) {
		const struct settings_section *section = &schema->sections[i];
		struct settings_sections *list = (void *)place_of(values, section->offset);

		for (size_t j = 0; j < list->count; j++) {
			char *item = (char *)list->items + j * section->size;

			free(*(char **)item);
			free_settings(section, item);
		}
		free(list->items);
		*list = (struct settings_sections){0};
	}
}

/* ---- printing ---- */

static void print_settings(
    const struct settings_section *section, const void *values, const char *indent, FILE *out)
{
	for (size_t i = 0; i < section->nsettings; i++) {
		const struct setting *setting = &section->settings[i];
		char kind[256];

		settings_value_kind(setting, kind, sizeof kind);
		fprintf(out, "%s# %s\n%s# %s; ", indent, setting->text, indent, kind);
		if (setting->fallback == NULL)
			fputs("must be given\n", out);
		else
			fprintf(out, "default %s\n",
			    setting->fallback[0] ? setting->fallback : "empty");
		fprintf(out, "%s%s = ", indent, setting->key);
		settings_value_print(setting, (const char *)values + setting->offset, out);
		fputs("\n", out);
	}
}

void settings_print(const struct settings_schema *schema, const void *values, FILE *out)
{
	print_settings(&schema->sections[0], values, "", out);
	for (size_t i = 1; i < schema->nsections; i++) {
		const struct settings_section *section = &schema->sections[i];
		const struct settings_sections *list =
		    (const void *)((const char *)values + section->offset);

		for (size_t j = 0; j < list->count; j++) {
			const char *item = (const char *)list->items + j * section->size;

			fprintf(out, "\n# %s\n%s ", section->text, section->name);
			settings_value_print_text(*(char *const *)item, out);
			fputs(" {\n", out);
			print_settings(section, item, "\t", out);
			fputs("}\n", out);
		}
	}
	if (schema->comment != NULL) {
		fputc('\n', out);
		schema->comment(values, out);
	}
}

void settings_describe(const struct settings_schema *schema, FILE *out)
{
	for (size_t i = 0; i < schema->nsections; i++) {
		const struct settings_section *section = &schema->sections[i];

		if (section->name != NULL)
			fprintf(out, "  %s \"NAME\" { … }, at most %zu: %s\n", section->name,
			    section->limit, section->text);
		for (size_t j = 0; j < section->nsettings; j++) {
			const struct setting *setting = &section->settings[j];
			const char *indent = section->name != NULL ? "    " : "  ";
			char kind[256];

			settings_value_kind(setting, kind, sizeof kind);
			fprintf(out, "%s%s = %s; ", indent, setting->key, kind);
			if (setting->fallback == NULL)
				fputs("must be given\n", out);
			else
				fprintf(out, "default %s\n",
				    setting->fallback[0] ? setting->fallback : "empty");
			fprintf(out, "%s    %s\n", indent, setting->text);
		}
	}
}
