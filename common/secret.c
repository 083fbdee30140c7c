/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/secret.h"

#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the text of a secret must be like. */
struct form {
	const char *name;
	bool (*fits)(unsigned char c);
};

static bool fits_token(unsigned char c)
{
	return c > ' ' && c < 127;
}

static bool fits_line(unsigned char c)
{
	return c >= ' ' && c != 127;
}

static const struct form token = {"word of printable ASCII", fits_token};
static const struct form line = {"line of text", fits_line};

/* Looks at the open file, so that what was checked is what is read. */
static int check_owner(int fd, const char *path, char *message, size_t size)
{
	struct stat status;

	if (fstat(fd, &status) != 0) {
		snprintf(message, size, "%s: %s", path, strerror(errno));
		return GRAPPE_EIO;
	}
	if (!S_ISREG(status.st_mode)) {
		snprintf(message, size, "%s is not a regular file", path);
		return GRAPPE_EINVALID;
	}
	if (status.st_uid != 0 && status.st_uid != geteuid()) {
		snprintf(message, size,
		    "%s belongs to user %u, neither root nor this program's user", path,
		    (unsigned)status.st_uid);
		return GRAPPE_EINVALID;
	}
	if ((status.st_mode & 077) != 0) {
		snprintf(message, size, "%s is open to others (mode %03o); chmod 600 it", path,
		    (unsigned)status.st_mode & 0777);
		return GRAPPE_EINVALID;
	}
	return GRAPPE_OK;
}

static int cut(const struct form *form, char *secret, ssize_t length)
{
	while (length > 0 && strchr(" \t\r\n", secret[length - 1]) != NULL)
		length--;
	secret[length] = '\0';
	if (length == 0)
		return GRAPPE_EFORMAT;
	for (ssize_t i = 0; i < length; i++)
		if (!form->fits((unsigned char)secret[i]))
			return GRAPPE_EFORMAT;
	return GRAPPE_OK;
}

static int read_open(int fd, const char *path, const struct form *form, char secret[SECRET_SIZE],
    char *message, size_t size)
{
	int rc = check_owner(fd, path, message, size);
	ssize_t length;

	if (rc != GRAPPE_OK)
		return rc;
	length = read(fd, secret, SECRET_SIZE);
	rc = length < 0              ? GRAPPE_EIO
	     : length == SECRET_SIZE ? GRAPPE_EFORMAT
				     : cut(form, secret, length);
	if (rc == GRAPPE_EIO)
		snprintf(message, size, "%s: %s", path, strerror(errno));
	else if (rc != GRAPPE_OK)
		snprintf(message, size, "%s does not hold one %s of at most %d characters", path,
		    form->name, SECRET_SIZE - 2);
	return rc;
}

static int read_secret(
    const char *path, const struct form *form, char secret[SECRET_SIZE], char *message, size_t size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc;

	secret[0] = '\0';
	if (fd < 0) {
		snprintf(message, size, "%s: %s", path, strerror(errno));
		return GRAPPE_EIO;
	}
	rc = read_open(fd, path, form, secret, message, size);
	if (rc != GRAPPE_OK)
		explicit_bzero(secret, SECRET_SIZE);
	close(fd);
	return rc;
}

int secret_read_token(const char *path, char secret[SECRET_SIZE], char *message, size_t size)
{
	return read_secret(path, &token, secret, message, size);
}

int secret_read_line(const char *path, char secret[SECRET_SIZE], char *message, size_t size)
{
	return read_secret(path, &line, secret, message, size);
}
