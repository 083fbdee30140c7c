/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages for chat tools, as their incoming webhooks take them. What is written in them stays
 * text: it goes into blocks where the tools interpret nothing, and what could end a block, name
 * somebody (@) or begin markup is taken apart. Pure; any thread.
 *
 * Sources: Slack "Formatting text for app surfaces", Mattermost and Rocket.Chat "Incoming
 * webhooks", Microsoft "Adaptive Cards in incoming webhooks".
 */
#ifndef GRAPPE_MANAGER_CHAT_H
#define GRAPPE_MANAGER_CHAT_H

#include <stddef.h>

#define CHAT_TEXT_MAX 3500 /* bytes of a text that are told; Slack takes 4000 characters */

enum chat_template {
	CHAT_JSON, /* no message: the document itself */
	CHAT_SLACK,
	CHAT_MATTERMOST,
	CHAT_TEAMS,
	CHAT_ROCKETCHAT
};

extern const char *const chat_templates[]; /* their names, NULL-terminated */

/* chat_message - the body of a post, JSON; for free(). text: lines. Not for CHAT_JSON. NULL without
 * memory. */
char *chat_message(enum chat_template kind, const char *text);

/* chat_post - the same out of a document that webhooks get, as JSON: a recommendation with its moves,
 * or what moves brought. NULL without memory, or when it is no such document. */
char *chat_post(enum chat_template kind, const char *json, size_t length);

#endif
