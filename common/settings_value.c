/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/settings_value.h"

#include "common/error.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- units ---- */

struct unit {
	const char *name;
	uint64_t factor;
};

/* From large to small: a value is printed in the first unit that divides it. */
static const struct unit duration_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"min", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};
static const struct unit size_units[] = {{"TiB", UINT64_C(1) << 40},
    {"TB", UINT64_C(1000000000000)}, {"GiB", UINT64_C(1) << 30}, {"GB", 1000000000},
    {"MiB", 1 << 20}, {"MB", 1000000}, {"KiB", 1 << 10}, {"kB", 1000}, {"B", 1}, {NULL, 0}};

/* Decimal digits, optional spaces, one of the units. Leading zeros mean nothing. */
static int parse_with_unit(
    const char *text, const struct unit *units, uint64_t largest, uint64_t *value)
{
	uint64_t number = 0;

	if (!isdigit((unsigned char)*text))
		return GRAPPE_EFORMAT;
	for (; isdigit((unsigned char)*text); text++) {
		const unsigned digit = (unsigned)(*text - '0');

		if (number > (largest - digit) / 10)
			return GRAPPE_EFORMAT;
		number = number * 10 + digit;
	}
	while (*text == ' ')
		text++;
	for (; units->name != NULL; units++)
		if (strcmp(text, units->name) == 0) {
			if (number > largest / units->factor)
				return GRAPPE_EFORMAT;
			*value = number * units->factor;
			return GRAPPE_OK;
		}
	return GRAPPE_EFORMAT;
}

int settings_parse_duration(const char *text, int64_t *milliseconds)
{
	uint64_t value;

	if (parse_with_unit(text, duration_units, INT64_MAX, &value) != GRAPPE_OK)
		return GRAPPE_EFORMAT;
	*milliseconds = (int64_t)value;
	return GRAPPE_OK;
}

int settings_parse_size(const char *text, uint64_t *bytes)
{
	uint64_t value;

	if (parse_with_unit(text, size_units, UINT64_MAX, &value) != GRAPPE_OK)
		return GRAPPE_EFORMAT;
	*bytes = value;
	return GRAPPE_OK;
}

static void format_with_unit(
    uint64_t value, const struct unit *units, const char *zero, char *out, size_t size)
{
	while (value % units->factor != 0 || (value == 0 && strcmp(units->name, zero) != 0))
		units++;
	snprintf(out, size, "%" PRIu64 "%s", value / units->factor, units->name);
}

/* ---- scalars from text ---- */

#define WHY(code, ...) (snprintf(why, size, __VA_ARGS__), (code))
#define NUMBER_SIZE 48

static void format_number(const struct setting *setting, double value, char *out, size_t size)
{
	switch (setting->type) {
	case SETTING_DURATION:
		format_with_unit((uint64_t)value, duration_units, "s", out, size);
		break;
	case SETTING_SIZE:
		format_with_unit((uint64_t)value, size_units, "B", out, size);
		break;
	default:
		snprintf(out, size, "%.15g", value);
	}
}

static bool has_range(const struct setting *setting)
{
	return setting->min != 0 || setting->max != 0;
}

static int check_range(
    const struct setting *setting, const char *text, double value, char *why, size_t size)
{
	char low[NUMBER_SIZE], high[NUMBER_SIZE];

	if (!has_range(setting) || (value >= setting->min && value <= setting->max))
		return GRAPPE_OK;
	format_number(setting, setting->min, low, sizeof low);
	format_number(setting, setting->max, high, sizeof high);
	return WHY(GRAPPE_ERANGE, "%s = %.80s is out of range: from %s to %s is allowed",
	    setting->key, text, low, high);
}

static int parse_integer(
    const struct setting *setting, const char *text, int64_t *value, char *why, size_t size)
{
	const char *digits = text + (*text == '-' || *text == '+');
	char *end;

	errno = 0;
	*value = isdigit((unsigned char)*digits) ? strtoll(text, &end, 10) : 0;
	if (!isdigit((unsigned char)*digits) || *end != '\0' || errno != 0)
		return WHY(GRAPPE_EFORMAT, "%s = %.80s is not a whole number", setting->key, text);
	return check_range(setting, text, (double)*value, why, size);
}

static int parse_real(
    const struct setting *setting, const char *text, double *value, char *why, size_t size)
{
	char *end;

	errno = 0;
	*value = strtod(text, &end);
	if (strspn(text, "0123456789+-.eE") != strlen(text) || end == text || *end != '\0' ||
	    errno != 0 || !isfinite(*value))
		return WHY(GRAPPE_EFORMAT, "%s = %.80s is not a number", setting->key, text);
	return check_range(setting, text, *value, why, size);
}

static int parse_duration(
    const struct setting *setting, const char *text, int64_t *value, char *why, size_t size)
{
	if (settings_parse_duration(text, value) != GRAPPE_OK)
		return WHY(GRAPPE_EFORMAT,
		    "%s = %.80s is not a duration: a whole number and ms, s, min, h or d",
		    setting->key, text);
	return check_range(setting, text, (double)*value, why, size);
}

static int parse_size(
    const struct setting *setting, const char *text, uint64_t *value, char *why, size_t size)
{
	if (settings_parse_size(text, value) != GRAPPE_OK)
		return WHY(GRAPPE_EFORMAT,
		    "%s = %.80s is not a size: a whole number and B, kB, MB, GB, TB, KiB, MiB, GiB "
		    "or TiB",
		    setting->key, text);
	return check_range(setting, text, (double)*value, why, size);
}

static int parse_boolean(
    const struct setting *setting, const char *text, bool *value, char *why, size_t size)
{
	static const char *const words[2][3] = {{"no", "false", "off"}, {"yes", "true", "on"}};

	for (int truth = 0; truth < 2; truth++)
		for (int i = 0; i < 3; i++)
			if (strcmp(text, words[truth][i]) == 0) {
				*value = truth != 0;
				return GRAPPE_OK;
			}
	return WHY(GRAPPE_EFORMAT, "%s = %.80s is neither yes nor no", setting->key, text);
}

static void join_choices(const struct setting *setting, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (int i = 0; setting->choices[i] != NULL && used < size; i++)
		used += (size_t)snprintf(
		    out + used, size - used, "%s%s", i > 0 ? ", " : "", setting->choices[i]);
}

static int parse_choice(
    const struct setting *setting, const char *text, int *value, char *why, size_t size)
{
	char choices[200];

	for (int i = 0; setting->choices[i] != NULL; i++)
		if (strcmp(text, setting->choices[i]) == 0) {
			*value = i;
			return GRAPPE_OK;
		}
	join_choices(setting, choices, sizeof choices);
	return WHY(GRAPPE_EFORMAT, "%s = %.80s is not one of: %s", setting->key, text, choices);
}

static int parse_text(const char *text, char **value, char *why, size_t size)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return WHY(GRAPPE_EMEMORY, "out of memory");
	free(*value);
	*value = copy;
	return GRAPPE_OK;
}

static int append_text(const char *text, struct settings_list *list, char *why, size_t size)
{
	char **items = reallocarray(list->items, list->count + 1, sizeof *items);

	if (items == NULL)
		return WHY(GRAPPE_EMEMORY, "out of memory");
	list->items = items;
	items[list->count] = strdup(text);
	if (items[list->count] == NULL)
		return WHY(GRAPPE_EMEMORY, "out of memory");
	list->count++;
	return GRAPPE_OK;
}

int settings_value_parse(
    const struct setting *setting, const char *text, void *at, char *why, size_t size)
{
	switch (setting->type) {
	case SETTING_TEXT:
		return parse_text(text, at, why, size);
	case SETTING_INTEGER:
		return parse_integer(setting, text, at, why, size);
	case SETTING_REAL:
		return parse_real(setting, text, at, why, size);
	case SETTING_DURATION:
		return parse_duration(setting, text, at, why, size);
	case SETTING_SIZE:
		return parse_size(setting, text, at, why, size);
	case SETTING_BOOLEAN:
		return parse_boolean(setting, text, at, why, size);
	case SETTING_CHOICE:
		return parse_choice(setting, text, at, why, size);
	case SETTING_LIST:
		return append_text(text, at, why, size);
	}
	return WHY(GRAPPE_EINVALID, "%s has a type that is not known", setting->key);
}

/* ---- defaults ---- */

static int default_list(
    const struct setting *setting, struct settings_list *list, char *why, size_t size)
{
	static const char separators[] = " ,{}\"";
	char *copy = strdup(setting->fallback), *rest = copy, *word;
	int rc = GRAPPE_OK;

	if (copy == NULL)
		return WHY(GRAPPE_EMEMORY, "out of memory");
	while (rc == GRAPPE_OK && (word = strsep(&rest, separators)) != NULL)
		if (word[0] != '\0')
			rc = append_text(word, list, why, size);
	free(copy);
	return rc;
}

int settings_value_default(const struct setting *setting, void *at, char *why, size_t size)
{
	if (setting->type == SETTING_LIST)
		return default_list(setting, at, why, size);
	return settings_value_parse(setting, setting->fallback, at, why, size);
}

void settings_value_free(const struct setting *setting, void *at)
{
	if (setting->type == SETTING_TEXT) {
		free(*(char **)at);
		*(char **)at = NULL;
	} else if (setting->type == SETTING_LIST) {
		struct settings_list *list = at;

		for (size_t i = 0; i < list->count; i++)
			free(list->items[i]);
		free(list->items);
		*list = (struct settings_list){0};
	}
}

/* ---- to text ---- */

void settings_value_print_text(const char *text, FILE *out)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\' || (text[0] == '$' && text[1] == '{'))
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void print_real(double value, FILE *out)
{
	char text[NUMBER_SIZE];

	snprintf(text, sizeof text, "%.15g", value);
	if (strtod(text, NULL) != value)
		snprintf(text, sizeof text, "%.17g", value);
	for (const char *c = text; *c != '\0'; c++)
		if (*c != '+') /* of an exponent; it would end an unquoted word */
			fputc(*c, out);
}

static void print_list(const struct settings_list *list, FILE *out)
{
	fputc('{', out);
	for (size_t i = 0; i < list->count; i++) {
		fputs(i > 0 ? ", " : " ", out);
		settings_value_print_text(list->items[i], out);
	}
	fputs(list->count > 0 ? " }" : "}", out);
}

void settings_value_print(const struct setting *setting, const void *at, FILE *out)
{
	char text[NUMBER_SIZE];

	switch (setting->type) {
	case SETTING_TEXT:
		settings_value_print_text(*(char *const *)at, out);
		break;
	case SETTING_INTEGER:
		fprintf(out, "%" PRId64, *(const int64_t *)at);
		break;
	case SETTING_REAL:
		print_real(*(const double *)at, out);
		break;
	case SETTING_DURATION:
		format_with_unit(
		    (uint64_t) * (const int64_t *)at, duration_units, "s", text, sizeof text);
		fputs(text, out);
		break;
	case SETTING_SIZE:
		format_with_unit(*(const uint64_t *)at, size_units, "B", text, sizeof text);
		fputs(text, out);
		break;
	case SETTING_BOOLEAN:
		fputs(*(const bool *)at ? "yes" : "no", out);
		break;
	case SETTING_CHOICE:
		fputs(setting->choices[*(const int *)at], out);
		break;
	case SETTING_LIST:
		print_list(at, out);
		break;
	}
}

void settings_value_kind(const struct setting *setting, char *out, size_t size)
{
	static const char *const names[] = {
	    [SETTING_TEXT] = "text",
	    [SETTING_INTEGER] = "whole number",
	    [SETTING_REAL] = "number",
	    [SETTING_DURATION] = "duration",
	    [SETTING_SIZE] = "size",
	    [SETTING_BOOLEAN] = "yes or no",
	    [SETTING_LIST] = "list of texts",
	};
	char low[NUMBER_SIZE], high[NUMBER_SIZE];

	if (setting->type == SETTING_CHOICE) {
		const int used = snprintf(out, size, "one of ");

		join_choices(setting, out + used, size - (size_t)used);
	} else if (has_range(setting)) {
		format_number(setting, setting->min, low, sizeof low);
		format_number(setting, setting->max, high, sizeof high);
		snprintf(out, size, "%s, %s to %s", names[setting->type], low, high);
	} else {
		snprintf(out, size, "%s", names[setting->type]);
	}
}
