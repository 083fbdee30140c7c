/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/keys.h"

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

const char *const keys_securities[] = {"noAuthNoPriv", "authNoPriv", "authPriv", NULL};
const char *const keys_authentications[] = {"SHA-256", "SHA", "SHA-384", "SHA-512", NULL};
const char *const keys_privacies[] = {"AES", "AES-256", NULL};

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

static struct piece without_quotes(struct piece value)
{
	if (value.length >= 2 && value.text[0] == '"' && value.text[value.length - 1] == '"') {
		value.text++;
		value.length -= 2;
	}
	return value;
}

static bool has_controls(const struct piece *value)
{
	for (size_t i = 0; i < value->length; i++)
		if (iscntrl((unsigned char)value->text[i]))
			return true;
	return false;
}

static int take_phrase(
    struct piece value, char phrase[KEYS_PHRASE_SIZE], unsigned line, char *message, size_t size)
{
	value = without_quotes(value);
	if (phrase[0] != '\0')
		return FAIL(GRAPPE_EFORMAT, "line %u: given twice", line);
	if (value.length < KEYS_PHRASE_MIN || value.length >= KEYS_PHRASE_SIZE)
		return FAIL(GRAPPE_EFORMAT, "line %u: a pass phrase has %d to %d characters", line,
		    KEYS_PHRASE_MIN, KEYS_PHRASE_SIZE - 1);
	if (has_controls(&value))
		return FAIL(GRAPPE_EFORMAT, "line %u: a control character", line);
	memcpy(phrase, value.text, value.length);
	phrase[value.length] = '\0';
	return GRAPPE_OK;
}

static int take_user(
    struct piece value, char user[KEYS_USER_SIZE], unsigned line, char *message, size_t size)
{
	value = without_quotes(value);
	if (user[0] != '\0')
		return FAIL(GRAPPE_EFORMAT, "line %u: given twice", line);
	if (value.length == 0 || value.length >= KEYS_USER_SIZE || has_controls(&value))
		return FAIL(GRAPPE_EFORMAT, "line %u: a user has 1 to %d characters", line,
		    KEYS_USER_SIZE - 1);
	memcpy(user, value.text, value.length);
	user[value.length] = '\0';
	return GRAPPE_OK;
}

/* choice: -1 until it is given. */
static int take_choice(struct piece value, const char *const *names, int *choice, unsigned line,
    char *message, size_t size)
{
	value = without_quotes(value);
	if (*choice >= 0)
		return FAIL(GRAPPE_EFORMAT, "line %u: given twice", line);
	for (int i = 0; names[i] != NULL; i++)
		if (is_name(&value, names[i])) {
			*choice = i;
			return GRAPPE_OK;
		}
	return FAIL(GRAPPE_EFORMAT, "line %u: not a name such as %s", line, names[0]);
}

/* whole: also who logs in how. What is not understood may be a pass phrase: it is not repeated. */
static int parse_line(struct piece line, unsigned number, bool whole, struct keys_login *login,
    char *message, size_t size)
{
	const char *equals = memchr(line.text, '=', line.length);
	struct piece name, value;

	if (line.length == 0 || line.text[0] == '#')
		return GRAPPE_OK;
	if (equals == NULL)
		return FAIL(GRAPPE_EFORMAT, "line %u: not of the form NAME = %s", number,
		    whole ? "VALUE" : "PASS PHRASE");
	name = trim(line.text, (size_t)(equals - line.text));
	value = trim(equals + 1, line.length - (size_t)(equals + 1 - line.text));
	if (is_name(&name, "authentication"))
		return take_phrase(value, login->keys.authentication, number, message, size);
	if (is_name(&name, "privacy"))
		return take_phrase(value, login->keys.privacy, number, message, size);
	if (!whole)
		return FAIL(GRAPPE_EFORMAT,
		    "line %u: the name is neither authentication nor privacy", number);
	if (is_name(&name, "user"))
		return take_user(value, login->user, number, message, size);
	if (is_name(&name, "security"))
		return take_choice(value, keys_securities, &login->security, number, message, size);
	if (is_name(&name, "authentication_protocol"))
		return take_choice(
		    value, keys_authentications, &login->authentication, number, message, size);
	if (is_name(&name, "privacy_protocol"))
		return take_choice(value, keys_privacies, &login->privacy, number, message, size);
	return FAIL(GRAPPE_EFORMAT,
	    "line %u: the name is none of user, security, authentication_protocol, "
	    "privacy_protocol, authentication, privacy",
	    number);
}

static int parse_lines(const char *text, size_t length, bool whole, struct keys_login *login,
    char *message, size_t size)
{
	unsigned number = 1;
	int rc = GRAPPE_OK;

	*login = (struct keys_login){.security = -1, .authentication = -1, .privacy = -1};
	for (size_t from = 0; from < length && rc == GRAPPE_OK; number++) {
		const char *end = memchr(text + from, '\n', length - from);
		const size_t rest = end != NULL ? (size_t)(end - text) - from : length - from;

		rc = parse_line(trim(text + from, rest), number, whole, login, message, size);
		from += rest + 1;
	}
	return rc;
}

int keys_parse(const void *bytes, size_t length, struct keys *keys, char *message, size_t size)
{
	struct keys_login login;
	const int rc = parse_lines(bytes, length, false, &login, message, size);

	*keys = rc == GRAPPE_OK ? login.keys : (struct keys){0};
	keys_wipe_login(&login);
	return rc;
}

/* Whether what was told is enough to log in. */
static int check_login(struct keys_login *login, char *message, size_t size)
{
	if (login->security < 0)
		login->security = KEYS_PRIVACY;
	if (login->authentication < 0)
		login->authentication = 0;
	if (login->privacy < 0)
		login->privacy = 0;
	if (login->user[0] == '\0')
		return FAIL(GRAPPE_EFORMAT, "no line \"user = NAME\"");
	if (login->security != KEYS_NO_AUTHENTICATION && login->keys.authentication[0] == '\0')
		return FAIL(GRAPPE_EFORMAT, "no line \"authentication = PASS PHRASE\"");
	if (login->security == KEYS_PRIVACY && login->keys.privacy[0] == '\0')
		return FAIL(GRAPPE_EFORMAT, "no line \"privacy = PASS PHRASE\"");
	return GRAPPE_OK;
}

int keys_parse_login(
    const void *bytes, size_t length, struct keys_login *login, char *message, size_t size)
{
	int rc = parse_lines(bytes, length, true, login, message, size);

	if (rc == GRAPPE_OK)
		rc = check_login(login, message, size);
	if (rc != GRAPPE_OK)
		keys_wipe_login(login);
	return rc;
}

void keys_wipe_login(struct keys_login *login)
{
	explicit_bzero(login, sizeof *login);
}
