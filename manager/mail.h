/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mail through the machine's sendmail: a message of a text and a page (RFC 5322,
 * multipart/alternative of RFC 2046), handed over on its standard input, its recipients as
 * arguments; no shell. Blocks.
 */
#ifndef GRAPPE_MANAGER_MAIL_H
#define GRAPPE_MANAGER_MAIL_H

#include "common/buffer.h"
#include "common/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAIL_MAX (64u << 20) /* bytes of a message */
#define MAIL_SENDMAIL_MS 60000

struct mail {
	const char *from; /* an address */
	const struct settings_list *to;
	const char *subject; /* any UTF-8 */
	const char *text, *page;
	int64_t now_s;
};

/* mail_check_address - "name@host.example", without blanks, controls, quotes, commas, angle
 * brackets, not beginning with '-'. */
bool mail_check_address(const char *address);
/* mail_write - the message, zero-terminated, into *out (initialised here, for buffer_deinit()).
 * Returns 0, GRAPPE_EINVALID (an address, or none), GRAPPE_ELIMIT or GRAPPE_EMEMORY. */
int mail_write(const struct mail *mail, struct buffer *out);
/* mail_send - program: of sendmail's calling convention. Returns 0, or with words in message what
 * mail_write() returns, GRAPPE_EIO (it cannot be run) or GRAPPE_EPEER (it ended with another code
 * than 0, or was ended after MAIL_SENDMAIL_MS). */
int mail_send(const char *program, const struct mail *mail, char *message, size_t size);

#endif
