/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any JSON object as a report: the text steers no terminal; of the page every element is closed in
 * order, none can act or fetch, and what strangers wrote stays text.
 */
#include "manager/report_write.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 64
#define NAME_SIZE 32

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

struct page {
	const char *at;
	char open[DEPTH_MAX][NAME_SIZE];
	size_t depth;
};

static void require(bool truth)
{
	if (!truth)
		abort();
}

static bool is_one_of(const char *word, const char *const *words)
{
	while (*words != NULL && strcasecmp(word, *words) != 0)
		words++;
	return *words != NULL;
}

static void read_name(struct page *page, char name[NAME_SIZE])
{
	size_t length = 0;

	for (; isalnum((unsigned char)*page->at) || *page->at == '-' || *page->at == ':';
	     page->at++) {
		require(length + 1 < NAME_SIZE);
		name[length++] = *page->at;
	}
	name[length] = '\0';
	require(length > 0);
}

/* What makes a page act or fetch. */
static void check_attribute(const char *name)
{
	static const char *const forbidden[] = {
	    "action", "data", "href", "src", "srcdoc", "srcset", "xlink:href", NULL};

	require(strncasecmp(name, "on", 2) != 0 && !is_one_of(name, forbidden));
}

static void check_element(const char *name)
{
	static const char *const forbidden[] = {"a", "audio", "base", "embed", "foreignobject",
	    "form", "iframe", "image", "img", "input", "link", "object", "script", "use", "video",
	    NULL};

	require(!is_one_of(name, forbidden));
}

/* NAME="VALUE"... up to > or />; returns whether it is empty. */
static bool read_attributes(struct page *page)
{
	char name[NAME_SIZE];

	while (*page->at == ' ') {
		page->at++;
		read_name(page, name);
		check_attribute(name);
		require(page->at[0] == '=' && page->at[1] == '"');
		page->at += 2 + strcspn(page->at + 2, "\"<");
		require(*page->at == '"');
		page->at++;
	}
	if (*page->at == '/') {
		require(page->at[1] == '>');
		page->at += 2;
		return true;
	}
	require(*page->at == '>');
	page->at++;
	return false;
}

static void read_tag(struct page *page)
{
	char name[NAME_SIZE];

	page->at++;
	if (*page->at == '/') {
		page->at++;
		read_name(page, name);
		require(*page->at == '>' && page->depth > 0);
		page->at++;
		require(strcmp(page->open[--page->depth], name) == 0);
		return;
	}
	read_name(page, name);
	check_element(name);
	if (read_attributes(page))
		return;
	require(page->depth < DEPTH_MAX);
	memcpy(page->open[page->depth++], name, NAME_SIZE);
}

static void check_page(const char *text)
{
	static const char doctype[] = "<!DOCTYPE html>\n";
	struct page page = {.at = text};

	require(strncmp(page.at, doctype, strlen(doctype)) == 0);
	page.at += strlen(doctype);
	while (*page.at != '\0') {
		require(page.depth > 0 || *page.at == '<' || *page.at == '\n');
		if (*page.at == '<')
			read_tag(&page);
		else
			page.at++;
	}
	require(page.depth == 0);
}

static void check_text(const char *text)
{
	for (; *text != '\0'; text++)
		require(*text == '\n' || ((unsigned char)*text >= ' ' && *text != 127));
}

static void check_with(void (*write)(const json_t *document, FILE *out),
    void (*check)(const char *text), const json_t *document)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	write(document, out);
	fclose(out);
	require(strlen(text) == length);
	check(text);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	json_error_t error;
	json_t *document = json_loadb(
	    (const char *)bytes, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

	if (json_is_object(document)) {
		check_with(report_write_text, check_text, document);
		check_with(report_write_html, check_page, document);
	}
	json_decref(document);
	return 0;
}
