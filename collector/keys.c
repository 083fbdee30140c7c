/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/keys.h"

#include "common/error.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX 4096

#define FAIL(code, ...) (snprintf(message, size, __VA_ARGS__), (code))

/* ---- the file ---- */

static int check_rights(const char *path, const struct stat *status, char *message, size_t size)
{
	if (!S_ISREG(status->st_mode))
		return FAIL(GRAPPE_EINVALID, "%s: not a regular file", path);
	if (status->st_uid != 0 && status->st_uid != geteuid())
		return FAIL(GRAPPE_EINVALID,
		    "%s: belongs to user %u; it must belong to root or to the user that runs this",
		    path, (unsigned)status->st_uid);
	if (status->st_mode & 077)
		return FAIL(GRAPPE_EINVALID,
		    "%s: others than its owner have rights to it (mode %03o); chmod 600 it", path,
		    (unsigned)status->st_mode & 0777);
	return GRAPPE_OK;
}

static int read_all(int fd, struct buffer *out)
{
	uint8_t block[SECRET_MAX + 1];
	ssize_t n;

	/* One byte more than allowed, so that a longer file is seen as such. */
	while (
	    out->length <= SECRET_MAX && (n = read(fd, block, sizeof block - out->length)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return GRAPPE_EIO;
		buffer_put(out, block, (size_t)n);
		explicit_bzero(block, sizeof block);
		if (out->error != GRAPPE_OK)
			return out->error;
	}
	return out->length <= SECRET_MAX ? GRAPPE_OK : GRAPPE_ELIMIT;
}

int keys_read_secret(const char *path, struct buffer *out, char *message, size_t size)
{
	struct stat status;
	int fd, rc;

	buffer_init(out);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return FAIL(GRAPPE_EIO, "%s: %s", path, strerror(errno));
	/* Asked of the open file: the name may be another one's by now. */
	if (fstat(fd, &status) != 0)
		rc = FAIL(GRAPPE_EIO, "%s: %s", path, strerror(errno));
	else
		rc = check_rights(path, &status, message, size);
	if (rc == GRAPPE_OK && (rc = read_all(fd, out)) != GRAPPE_OK)
		snprintf(message, size, "%s: %s", path, error_text(rc));
	close(fd);
	return rc;
}

void keys_wipe_secret(struct buffer *secret)
{
	if (secret->bytes != NULL)
		explicit_bzero(secret->bytes, secret->capacity);
	buffer_deinit(secret);
}

/* ---- its lines ---- */

/* A piece of the file, without blanks around it. */
struct piece {
	const char *text;
	size_t length;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct piece trim(const char *text, size_t length)
{
	while (length > 0 && is_blank(*text)) {
		text++;
		length--;
	}
	while (length > 0 && is_blank(text[length - 1]))
		length--;
	return (struct piece){.text = text, .length = length};
}

static bool is_name(const struct piece *piece, const char *name)
{
	return piece->length == strlen(name) && memcmp(piece->text, name, piece->length) == 0;
}

static int take_phrase(
    struct piece value, char phrase[KEYS_PHRASE_SIZE], unsigned line, char *message, size_t size)
{
	if (value.length >= 2 && value.text[0] == '"' && value.text[value.length - 1] == '"') {
		value.text++;
		value.length -= 2;
	}
	if (phrase[0] != '\0')
		return FAIL(GRAPPE_EFORMAT, "line %u: given twice", line);
	if (value.length < KEYS_PHRASE_MIN || value.length >= KEYS_PHRASE_SIZE)
		return FAIL(GRAPPE_EFORMAT, "line %u: a pass phrase has %d to %d characters", line,
		    KEYS_PHRASE_MIN, KEYS_PHRASE_SIZE - 1);
	for (size_t i = 0; i < value.length; i++)
		if (iscntrl((unsigned char)value.text[i]))
			return FAIL(GRAPPE_EFORMAT, "line %u: a control character", line);
	memcpy(phrase, value.text, value.length);
	phrase[value.length] = '\0';
	return GRAPPE_OK;
}

static int parse_line(
    struct piece line, unsigned number, struct keys *keys, char *message, size_t size)
{
	const char *equals = memchr(line.text, '=', line.length);
	struct piece name, value;

	if (line.length == 0 || line.text[0] == '#')
		return GRAPPE_OK;
	/* What is not understood may be a pass phrase: it is not repeated. */
	if (equals == NULL)
		return FAIL(GRAPPE_EFORMAT, "line %u: not of the form NAME = PASS PHRASE", number);
	name = trim(line.text, (size_t)(equals - line.text));
	value = trim(equals + 1, line.length - (size_t)(equals + 1 - line.text));
	if (is_name(&name, "authentication"))
		return take_phrase(value, keys->authentication, number, message, size);
	if (is_name(&name, "privacy"))
		return take_phrase(value, keys->privacy, number, message, size);
	return FAIL(
	    GRAPPE_EFORMAT, "line %u: the name is neither authentication nor privacy", number);
}

int keys_parse(const void *bytes, size_t length, struct keys *keys, char *message, size_t size)
{
	const char *text = bytes;
	unsigned number = 1;
	int rc = GRAPPE_OK;

	*keys = (struct keys){0};
	for (size_t from = 0; from < length && rc == GRAPPE_OK; number++) {
		const char *end = memchr(text + from, '\n', length - from);
		const size_t rest = end != NULL ? (size_t)(end - text) - from : length - from;

		rc = parse_line(trim(text + from, rest), number, keys, message, size);
		from += rest + 1;
	}
	if (rc != GRAPPE_OK)
		explicit_bzero(keys, sizeof *keys);
	return rc;
}
