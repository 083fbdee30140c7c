/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/chat.h"

#include "common/buffer.h"
#include "common/error.h"
#include "manager/service_state.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

const char *const chat_templates[] = {"json", "slack", "mattermost", "teams", "rocketchat", NULL};

#define ZERO_WIDTH "\xe2\x80\x8b" /* U+200B: what follows is no name any more */
#define FENCE "```\n"

/* What must not stand as it is; "" ends the table. */
struct change {
	char from;
	const char *to;
};

static const struct change plain[] = {{'@', "@" ZERO_WIDTH}, {'`', "'"}, {'\0', ""}};
/* Slack reads these three even where it formats nothing. */
static const struct change slack[] = {
    {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'@', "@" ZERO_WIDTH}, {'`', "'"}, {'\0', ""}};

static void put(struct buffer *out, const char *text)
{
	buffer_put(out, text, strlen(text));
}

static void put_changed(struct buffer *out, const char *text, const struct change *changes)
{
	const size_t length = service_cut_utf8(text, CHAT_TEXT_MAX);

	for (size_t i = 0; i < length; i++) {
		const struct change *change = changes;

		while (change->from != '\0' && change->from != text[i])
			change++;
		if (change->from != '\0')
			buffer_put(out, change->to, strlen(change->to));
		else
			buffer_put(out, &text[i], 1);
	}
	if (text[length] != '\0')
		buffer_put(out, "\n...", 4);
}

static json_t *slack_json(const char *text)
{
	return json_pack(
	    "{s:s, s:b, s:b, s:b}", "text", text, "mrkdwn", 1, "link_names", 0, "unfurl_links", 0);
}

static json_t *text_json(const char *text)
{
	return json_pack("{s:s}", "text", text);
}

/* A run of text in an adaptive card is never read as Markdown. */
static json_t *teams_json(const char *text)
{
	return json_pack("{s:s, s:[{s:s, s:{s:s, s:s, s:s, s:[{s:s, s:[{s:s, s:s, s:s}]}]}}]}",
	    "type", "message", "attachments", "contentType",
	    "application/vnd.microsoft.card.adaptive", "content", "$schema",
	    "http://adaptivecards.io/schemas/adaptive-card.json", "type", "AdaptiveCard", "version",
	    "1.4", "body", "type", "RichTextBlock", "inlines", "type", "TextRun", "fontType",
	    "Monospace", "text", text);
}

static const struct {
	const struct change *changes;
	const char *fence;
	json_t *(*wrap)(const char *text);
} templates[] = {
    [CHAT_SLACK] = {slack, FENCE, slack_json},
    [CHAT_MATTERMOST] = {plain, FENCE, text_json},
    [CHAT_TEAMS] = {plain, "", teams_json},
    [CHAT_ROCKETCHAT] = {plain, FENCE, text_json},
};

char *chat_message(enum chat_template kind, const char *text)
{
	const char *fence = templates[kind].fence;
	struct buffer body;
	json_t *message = NULL;
	char *out = NULL;

	buffer_init(&body);
	buffer_put(&body, fence, strlen(fence));
	put_changed(&body, text, templates[kind].changes);
	if (body.error == GRAPPE_OK && body.length > 0 && body.bytes[body.length - 1] != '\n' &&
	    fence[0] != '\0')
		buffer_put(&body, "\n", 1);
	buffer_put(&body, fence, strlen(fence) > 0 ? strlen(fence) - 1 : 0);
	buffer_put_u8(&body, 0);
	if (body.error == GRAPPE_OK)
		message = templates[kind].wrap((const char *)body.bytes);
	buffer_deinit(&body);
	if (message != NULL)
		out = json_dumps(message, JSON_COMPACT);
	json_decref(message);
	return out;
}

/* What moves brought: one line. */
static void put_effect(const json_t *document, struct buffer *text)
{
	const char *told = json_string_value(json_object_get(document, "text"));
	char line[CHAT_TEXT_MAX];

	put(text, "Grappe, what moves brought: ");
	put(text, service_clean_text(told != NULL ? told : "", line, sizeof line));
	put(text, "\n");
}

static void put_recommendation(const json_t *document, struct buffer *text)
{
	const struct service_input input = {
	    .document = document, .input_state = "ok", .input_error = ""};
	struct service_states states;

	if (service_states_make(&input, &states) != GRAPPE_OK)
		return;
	put(text, "Grappe recommendation: ");
	put(text, states.items[0].text);
	put(text, "\n");
	put(text, states.items[0].details);
	service_states_deinit(&states);
}

char *chat_post(enum chat_template kind, const char *json, size_t length)
{
	json_t *document = json_loadb(json, length, 0, NULL);
	const char *what = json_string_value(json_object_get(document, "kind"));
	struct buffer text;
	char *message = NULL;

	buffer_init(&text);
	if (what != NULL && strcmp(what, "effect") == 0)
		put_effect(document, &text);
	else if (json_is_array(json_object_get(document, "moves")))
		put_recommendation(document, &text);
	json_decref(document);
	if (text.length > 0) {
		buffer_put_u8(&text, 0);
		if (text.error == GRAPPE_OK)
			message = chat_message(kind, (const char *)text.bytes);
	}
	buffer_deinit(&text);
	return message;
}
