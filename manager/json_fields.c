/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/json_fields.h"

#include "common/error.h"
#include "common/escape.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int json_fail(const struct json_fault *fault, int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(fault->message, fault->size, format, arguments);
	va_end(arguments);
	return code;
}

static const char *dot(const char *path)
{
	return path[0] != '\0' ? "." : "";
}

int json_check_keys(
    const struct json_fault *fault, const json_t *object, const char *path, const char *const *keys)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return json_fail(fault, GRAPPE_EFORMAT, "%s: must be an object", path);
	json_object_foreach((json_t *)object, key, value)
	{
		size_t i = 0;

		while (keys[i] != NULL && strcmp(keys[i], key) != 0)
			i++;
		if (keys[i] == NULL)
			return json_fail(fault, GRAPPE_EFORMAT, "%s.%.40s: unknown key", path, key);
	}
	return GRAPPE_OK;
}

int json_get_array(const struct json_fault *fault, const json_t *object, const char *path,
    const char *key, bool required, size_t limit, const json_t **array)
{
	*array = json_object_get(object, key);
	if (*array == NULL && !required)
		return GRAPPE_OK;
	if (!json_is_array(*array))
		return json_fail(fault, GRAPPE_EFORMAT, "%s%s%s: %s", path, dot(path), key,
		    *array == NULL ? "missing" : "must be an array");
	if (json_array_size(*array) > limit)
		return json_fail(fault, GRAPPE_ELIMIT, "%s%s%s: more than %zu entries", path,
		    dot(path), key, limit);
	return GRAPPE_OK;
}

int json_get_text(const struct json_fault *fault, const json_t *object, const char *path,
    const char *key, bool required, char *out, size_t size)
{
	const json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);

	out[0] = '\0';
	if (value == NULL && !required)
		return GRAPPE_OK;
	if (value == NULL)
		return json_fail(fault, GRAPPE_EFORMAT, "%s%s%s: missing", path, dot(path), key);
	if (text == NULL || text[0] == '\0' || json_string_length(value) >= size ||
	    strlen(text) != json_string_length(value))
		return json_fail(fault, GRAPPE_EFORMAT, "%s%s%s: must be a text of 1 to %zu bytes",
		    path, dot(path), key, size - 1);
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return json_fail(fault, GRAPPE_EFORMAT, "%s%s%s: holds a control character",
			    path, dot(path), key);
	memcpy(out, text, strlen(text) + 1);
	return GRAPPE_OK;
}

int json_get_numbers(const struct json_fault *fault, const json_t *object, const char *path,
    const struct json_number *table, size_t count, void *out)
{
	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_object_get(object, table[i].key);
		double *number = (double *)((char *)out + table[i].offset);

		*number = NAN;
		if (value == NULL || json_is_null(value))
			continue;
		if (!json_is_number(value))
			return json_fail(
			    fault, GRAPPE_EFORMAT, "%s.%s: must be a number", path, table[i].key);
		*number = json_number_value(value);
		if (!(*number >= 0 && *number <= table[i].max))
			return json_fail(fault, GRAPPE_EFORMAT, "%s.%s: must be between 0 and %g",
			    path, table[i].key, table[i].max);
	}
	return GRAPPE_OK;
}

int json_get_truth(const struct json_fault *fault, const json_t *object, const char *path,
    const char *key, enum truth *out)
{
	const json_t *value = json_object_get(object, key);

	*out = TRUTH_UNKNOWN;
	if (value == NULL || json_is_null(value))
		return GRAPPE_OK;
	if (!json_is_boolean(value))
		return json_fail(
		    fault, GRAPPE_EFORMAT, "%s%s%s: must be true or false", path, dot(path), key);
	*out = json_is_true(value) ? TRUTH_YES : TRUTH_NO;
	return GRAPPE_OK;
}

int json_get_time(const struct json_fault *fault, const json_t *object, const char *path,
    const char *key, int64_t *out)
{
	const json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value), *end = NULL;
	struct tm parts = {0};

	*out = 0;
	if (value == NULL || json_is_null(value))
		return GRAPPE_OK;
	if (text != NULL)
		end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts);
	if (end == NULL || *end != '\0' || json_string_length(value) != strlen(text) ||
	    (*out = timegm(&parts)) <= 0) {
		*out = 0;
		return json_fail(fault, GRAPPE_EFORMAT,
		    "%s%s%s: must be a time such as 2026-01-31T18:00:00Z", path, dot(path), key);
	}
	return GRAPPE_OK;
}

const char *json_text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

double json_number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

bool json_take_text(const json_t *object, const char *key, char *out, size_t size)
{
	const json_t *value = json_object_get(object, key);

	out[0] = '\0';
	return json_is_string(value) && json_string_length(value) < size &&
	       snprintf(out, size, "%s", json_string_value(value)) < (int)size;
}

bool json_take_text_or_null(const json_t *object, const char *key, char *out, size_t size)
{
	out[0] = '\0';
	return json_is_null(json_object_get(object, key)) || json_take_text(object, key, out, size);
}

bool json_take_time(const json_t *object, const char *key, int64_t *out)
{
	const json_t *value = json_object_get(object, key);

	*out = json_integer_value(value);
	return json_is_integer(value) && *out >= 0 && *out < INT64_C(1) << 40;
}

bool json_take_number(const json_t *object, const char *key, double *out)
{
	const json_t *value = json_object_get(object, key);

	*out = json_number_of(object, key);
	return json_is_number(value) || json_is_null(value);
}

json_t *json_real_or_null(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

json_t *json_text(const char *text)
{
	json_t *value = json_string(text);

	return value != NULL ? value : json_string("?");
}

json_t *json_text_or_null(const char *text)
{
	return text[0] != '\0' ? json_text(text) : json_null();
}

json_t *json_plain(const char *text)
{
	char shown[JSON_PLAIN_MAX + 1];

	escape_text(text, ESCAPE_PLAIN, shown, sizeof shown);
	return json_string(shown);
}
