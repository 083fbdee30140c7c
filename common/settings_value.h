/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One value of a configuration: text to number and back, by the type, unit and range that
 * the settings table gives. Internal to settings.c and its tests. Pure, any thread.
 */
#ifndef GRAPPE_COMMON_SETTINGS_VALUE_H
#define GRAPPE_COMMON_SETTINGS_VALUE_H

#include "common/settings.h"

#include <stddef.h>
#include <stdio.h>

/*
 * settings_value_parse - reads text into the value at `at`, whose C type follows from
 * setting->type. For a SETTING_LIST the text is appended. Returns 0, GRAPPE_EMEMORY, GRAPPE_EFORMAT
 * or GRAPPE_ERANGE with the reason, which names the key, in why[size].
 */
int settings_value_parse(
    const struct setting *setting, const char *text, void *at, char *why, size_t size);
/* settings_value_default - reads setting->fallback (not NULL), for lists "{ a, b }" or "{}". Same
 * results. */
int settings_value_default(const struct setting *setting, void *at, char *why, size_t size);
/* settings_value_free - frees what the two above allocated and zeroes the pointers. */
void settings_value_free(const struct setting *setting, void *at);
/* settings_value_print - the value as settings_load() reads it. */
void settings_value_print(const struct setting *setting, const void *at, FILE *out);
/* settings_value_kind - type, unit and range for people: "duration, 30s to 1d". */
void settings_value_kind(const struct setting *setting, char *out, size_t size);
/* settings_value_print_text - a text in double quotes with the escapes it needs. */
void settings_value_print_text(const char *text, FILE *out);

#endif
