/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/words.h"

#include "common/buffer.h"
#include "common/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAIL(code, ...) (snprintf(message, size, __VA_ARGS__), (code))

int words_check(
    const struct settings_list *list, const char *const *names, char *message, size_t size)
{
	if (list->count > WORDS_MAX)
		return FAIL(GRAPPE_EINVALID, "more than %d words", WORDS_MAX);
	for (size_t i = 0; i < list->count; i++) {
		for (const char *open = strchr(list->items[i], '{'); open != NULL;
		     open = strchr(open + 1, '{')) {
			const size_t length = strcspn(open + 1, "{}");
			bool known = false;

			for (size_t k = 0; names[k] != NULL; k++)
				known |= strlen(names[k]) == length &&
					 strncmp(names[k], open + 1, length) == 0;
			if (!known || open[1 + length] != '}')
				return FAIL(GRAPPE_EINVALID, "\"%s\": {%.*s} is not known here",
				    list->items[i], (int)length, open + 1);
		}
	}
	return GRAPPE_OK;
}

void words_free(char **words)
{
	for (size_t i = 0; words != NULL && words[i] != NULL; i++)
		free(words[i]);
	free(words);
}

static const struct words_value *find(
    const struct words_value *values, size_t count, const char *name, size_t length)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(values[i].name) == length && strncmp(values[i].name, name, length) == 0)
			return &values[i];
	return NULL;
}

static int check_value(const struct words_value *value, bool first, char *message, size_t size)
{
	if (first && value->value[0] == '-')
		return FAIL(GRAPPE_EINVALID,
		    "the value of {%s} begins with '-' and would be read as an option",
		    value->name);
	for (const char *c = value->value; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			return FAIL(GRAPPE_EINVALID, "the value of {%s} has control characters",
			    value->name);
	return GRAPPE_OK;
}

static int fill_word(const char *text, const struct words_value *values, size_t count,
    struct buffer *word, char *message, size_t size)
{
	const char *const begin = text;
	int rc = GRAPPE_OK;

	while (rc == GRAPPE_OK && *text != '\0') {
		const size_t plain = strcspn(text, "{");
		const size_t length = text[plain] == '{' ? strcspn(text + plain + 1, "}") : 0;
		const struct words_value *value;

		buffer_put(word, text, plain);
		text += plain;
		if (*text == '\0')
			break;
		value = find(values, count, text + 1, length);
		if (value == NULL)
			return FAIL(
			    GRAPPE_EINVALID, "{%.*s} is not known here", (int)length, text + 1);
		rc = check_value(value, text == begin, message, size);
		buffer_put(word, value->value, strlen(value->value));
		text += length + 2;
	}
	if (rc == GRAPPE_OK && word->length >= WORDS_LENGTH)
		rc = FAIL(GRAPPE_ELIMIT, "a word is longer than %d bytes", WORDS_LENGTH);
	buffer_put_u8(word, 0);
	return rc == GRAPPE_OK && word->error != GRAPPE_OK
		   ? FAIL(word->error, "%s", error_text(word->error))
		   : rc;
}

int words_fill(const struct settings_list *list, const struct words_value *values, size_t count,
    char ***out, char *message, size_t size)
{
	char **words = calloc(list->count + 1, sizeof *words);
	int rc = words != NULL ? GRAPPE_OK : FAIL(GRAPPE_EMEMORY, "%s", error_text(GRAPPE_EMEMORY));

	*out = NULL;
	for (size_t i = 0; rc == GRAPPE_OK && i < list->count; i++) {
		struct buffer word;

		buffer_init(&word);
		if (values == NULL)
			buffer_put(&word, list->items[i], strlen(list->items[i]) + 1);
		else
			rc = fill_word(list->items[i], values, count, &word, message, size);
		if (rc == GRAPPE_OK)
			rc = word.error;
		if (rc == GRAPPE_OK && (words[i] = strdup((const char *)word.bytes)) == NULL)
			rc = FAIL(GRAPPE_EMEMORY, "%s", error_text(GRAPPE_EMEMORY));
		buffer_deinit(&word);
	}
	if (rc == GRAPPE_OK)
		*out = words;
	else
		words_free(words);
	return rc;
}
