/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/file.h"

#include "common/error.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const uint8_t *bytes, size_t length)
{
	while (length > 0) {
		const ssize_t n = write(fd, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return GRAPPE_EIO;
		bytes += n;
		length -= (size_t)n;
	}
	return GRAPPE_OK;
}

static int sync_folder_of(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	const size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
	int fd, rc;

	if (length == 0)
		snprintf(folder, sizeof folder, ".");
	else
		snprintf(folder, sizeof folder, "%.*s", (int)length, path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return GRAPPE_EIO;
	rc = fsync(fd) == 0 || errno == EINVAL ? GRAPPE_OK : GRAPPE_EIO;
	close(fd);
	return rc;
}

int file_replace(const char *path, const void *bytes, size_t length, mode_t mode)
{
	char temporary[PATH_MAX];
	int fd, saved, rc = GRAPPE_EIO;

	if (snprintf(temporary, sizeof temporary, "%s" FILE_TEMPORARY_SUFFIX, path) >=
	    (int)sizeof temporary) {
		errno = ENAMETOOLONG;
		return GRAPPE_EIO;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return GRAPPE_EIO;
	if (write_all(fd, bytes, length) == GRAPPE_OK && fchmod(fd, mode) == 0 && fsync(fd) == 0)
		rc = GRAPPE_OK;
	saved = errno;
	if (close(fd) != 0 && rc == GRAPPE_OK) {
		saved = errno;
		rc = GRAPPE_EIO;
	}
	if (rc == GRAPPE_OK && rename(temporary, path) == 0)
		return sync_folder_of(path);
	if (rc == GRAPPE_OK)
		saved = errno;
	unlink(temporary);
	errno = saved;
	return GRAPPE_EIO;
}

int file_read(const char *path, size_t limit, struct buffer *out)
{
	uint8_t block[16384];
	struct stat status;
	ssize_t n;
	int fd, saved, rc = GRAPPE_OK;

	buffer_init(out);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return GRAPPE_EIO;
	if (fstat(fd, &status) != 0) {
		rc = GRAPPE_EIO;
	} else if (!S_ISREG(status.st_mode)) {
		errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
		rc = GRAPPE_EIO;
	}
	while (rc == GRAPPE_OK && (n = read(fd, block, sizeof block)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = GRAPPE_EIO;
		else if ((size_t)n > limit - out->length)
			rc = GRAPPE_ELIMIT;
		else
			buffer_put(out, block, (size_t)n);
		if (rc == GRAPPE_OK)
			rc = out->error;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

static int make_one_folder(const char *path, mode_t mode)
{
	struct stat status;
	int saved;

	if (mkdir(path, mode) == 0)
		return GRAPPE_OK;
	saved = errno; /* EEXIST, or EROFS and the like also for a folder that is there */
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return GRAPPE_OK;
	errno = saved == EEXIST ? ENOTDIR : saved;
	return GRAPPE_EIO;
}

int file_make_folder(const char *path, mode_t mode)
{
	char partial[PATH_MAX];

	if (path[0] == '\0' ||
	    snprintf(partial, sizeof partial, "%s", path) >= (int)sizeof partial) {
		errno = path[0] == '\0' ? ENOENT : ENAMETOOLONG;
		return GRAPPE_EIO;
	}
	for (char *slash = strchr(partial + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (make_one_folder(partial, mode) != GRAPPE_OK)
			return GRAPPE_EIO;
		*slash = '/';
	}
	return make_one_folder(partial, mode);
}

bool file_is_name(const char *text)
{
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const size_t length = strlen(text);

	return length >= 1 && length <= 64 && text[0] != '.' && strspn(text, allowed) == length;
}

void file_set_aside(const char *path, const char *why)
{
	char *aside = NULL;

	if (asprintf(&aside, "%s.damaged", path) < 0)
		aside = NULL;
	if (aside != NULL && rename(path, aside) == 0)
		log_warning("%s: %s; it was set aside as %s", path, why, aside);
	else
		log_warning("%s: %s", path, why);
	free(aside);
}
