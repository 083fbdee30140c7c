/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/mail.h"

#include "common/error.h"
#include "manager/child.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE 57 /* octets of a line of base64: 76 characters (RFC 2045 section 6.8) */
#define WORD 45 /* octets of an encoded word: at most 75 characters in all (RFC 2047 section 2) */
#define OUTPUT_MAX 4096

bool mail_check_address(const char *address)
{
	const char *at = strchr(address, '@');

	if (at == NULL || at == address || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
	    address[0] == '-' || strlen(address) > 254)
		return false;
	for (const char *c = address; *c != '\0'; c++)
		if (*c <= ' ' || *c >= 127 || strchr("<>(),;:\\\"[]", *c) != NULL)
			return false;
	return true;
}

static void put(struct buffer *out, const char *text)
{
	buffer_put(out, text, strlen(text));
}

/* RFC 4648 section 4. */
static void put_base64(struct buffer *out, const char *bytes, size_t length)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < length; i += 3) {
		const unsigned char *b = (const unsigned char *)bytes + i;
		const size_t left = length - i;
		const uint32_t group = (uint32_t)b[0] << 16 | (left > 1 ? (uint32_t)b[1] << 8 : 0) |
				       (left > 2 ? b[2] : 0);

		buffer_put_u8(out, (uint8_t)digits[group >> 18 & 63]);
		buffer_put_u8(out, (uint8_t)digits[group >> 12 & 63]);
		buffer_put_u8(out, (uint8_t)(left > 1 ? digits[group >> 6 & 63] : '='));
		buffer_put_u8(out, (uint8_t)(left > 2 ? digits[group & 63] : '='));
	}
}

/* Encoded words of whole characters (RFC 2047). */
static void put_subject(struct buffer *out, const char *text)
{
	size_t length = strlen(text);

	put(out, "Subject:");
	while (length > 0) {
		size_t take = length < WORD ? length : WORD;

		while (take < length && take > 1 && ((unsigned char)text[take] & 0xC0) == 0x80)
			take--;
		put(out, " =?UTF-8?B?");
		put_base64(out, text, take);
		put(out, length > take ? "?=\n" : "?=");
		text += take;
		length -= take;
	}
	put(out, "\n");
}

static void put_recipients(struct buffer *out, const struct settings_list *to)
{
	put(out, "To: ");
	for (size_t i = 0; i < to->count; i++) {
		put(out, i > 0 ? ",\n " : "");
		put(out, to->items[i]);
	}
	put(out, "\n");
}

static void put_part(
    struct buffer *out, const char *boundary, const char *type, const char *content)
{
	const size_t length = strlen(content);

	put(out, "\n--");
	put(out, boundary);
	put(out, "\nContent-Type: ");
	put(out, type);
	put(out, "; charset=utf-8\nContent-Transfer-Encoding: base64\n\n");
	for (size_t i = 0; i < length; i += LINE) {
		put_base64(out, content + i, length - i < LINE ? length - i : LINE);
		put(out, "\n");
	}
}

/* RFC 5322 section 3.3; the names of days and months are English whatever the locale. */
static void put_date(struct buffer *out, int64_t now_s)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const time_t now = now_s;
	struct tm tm;
	char line[80];

	gmtime_r(&now, &tm);
	snprintf(line, sizeof line, "Date: %.3s, %d %.3s %d %02d:%02d:%02d +0000\n",
	    days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
	put(out, line);
}

int mail_write(const struct mail *mail, struct buffer *out)
{
	char boundary[64];

	buffer_init(out);
	if (mail->to->count == 0 || !mail_check_address(mail->from))
		return GRAPPE_EINVALID;
	for (size_t i = 0; i < mail->to->count; i++)
		if (!mail_check_address(mail->to->items[i]))
			return GRAPPE_EINVALID;
	/* Lines of base64 have no '=' before their end, so no part can hold it. */
	snprintf(boundary, sizeof boundary, "=_grappe_%" PRId64, mail->now_s);
	put(out, "From: ");
	put(out, mail->from);
	put(out, "\n");
	put_recipients(out, mail->to);
	put_subject(out, mail->subject);
	put_date(out, mail->now_s);
	/* RFC 3834: nobody's holiday shall answer. */
	put(out, "Auto-Submitted: auto-generated\nMIME-Version: 1.0\n"
		 "Content-Type: multipart/alternative; boundary=\"");
	put(out, boundary);
	put(out, "\"\n");
	put_part(out, boundary, "text/plain", mail->text);
	put_part(out, boundary, "text/html", mail->page);
	put(out, "\n--");
	put(out, boundary);
	put(out, "--\n");
	if (out->length > MAIL_MAX)
		return GRAPPE_ELIMIT;
	buffer_put_u8(out, 0);
	return out->error;
}

/* ---- handing over ---- */

struct handed {
	int rc;
	char *message;
	size_t size;
};

static void on_done(const struct child_result *result, void *context)
{
	struct handed *handed = context;

	handed->rc = result->exit_code == 0 ? GRAPPE_OK : GRAPPE_EPEER;
	snprintf(handed->message, handed->size, "%s", result->reason);
}

static int run(char *const *words, const char *input, char *message, size_t size)
{
	const struct child_request request = {
	    .words = words, .input = input, .limit_ms = MAIL_SENDMAIL_MS, .output_max = OUTPUT_MAX};
	struct handed handed = {GRAPPE_EMEMORY, message, size};
	struct event_base *base = event_base_new();
	struct child *child;
	int rc = GRAPPE_EMEMORY;

	snprintf(message, size, "%s", error_text(GRAPPE_EMEMORY));
	if (base != NULL)
		rc = child_start(base, &request, on_done, &handed, &child);
	if (rc == GRAPPE_EIO)
		snprintf(message, size, "%s", strerror(errno));
	if (rc == GRAPPE_OK) {
		event_base_dispatch(base);
		rc = handed.rc;
	}
	if (base != NULL)
		event_base_free(base);
	return rc;
}

int mail_send(const char *program, const struct mail *mail, char *message, size_t size)
{
	char **words = calloc(mail->to->count + 6, sizeof *words);
	struct buffer text;
	size_t n = 0;
	int rc = mail_write(mail, &text);

	snprintf(message, size, "%s",
	    rc == GRAPPE_EINVALID ? "an address is missing, or is none" : error_text(rc));
	if (rc == GRAPPE_OK && words == NULL)
		rc = GRAPPE_EMEMORY;
	if (rc == GRAPPE_OK) {
		words[n++] = (char *)program;
		words[n++] = (char *)"-i";
		words[n++] = (char *)"-f";
		words[n++] = (char *)mail->from;
		words[n++] = (char *)"--";
		for (size_t i = 0; i < mail->to->count; i++)
			words[n++] = mail->to->items[i];
		rc = run(words, (const char *)text.bytes, message, size);
	}
	free(words);
	buffer_deinit(&text);
	return rc;
}
