/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kind nagios-fifo: external commands into the FIFO of Nagios, one write for each, never blocking.
 */
#include "common/error.h"
#include "manager/dashboard_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *check(const struct dashboard_settings *settings)
{
	if (settings->path[0] != '/')
		return "nagios-fifo needs path, from the root, of the FIFO of Nagios "
		       "(command_file in nagios.cfg)";
	return settings->url[0] != '\0' ? "nagios-fifo has no url" : NULL;
}

/* A file in its place must not be filled with commands. */
static int open_fifo(const char *path, char *reason, size_t size)
{
	const int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat status;

	if (fd < 0) {
		snprintf(reason, size, "%s: %s", path,
		    errno == ENXIO ? "Nagios does not read it" : strerror(errno));
		return -1;
	}
	if (fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode))
		return fd;
	snprintf(reason, size, "%s: it is no FIFO", path);
	close(fd);
	return -1;
}

static void start(struct dashboard_job *job)
{
	const char *path = job->lane->settings->path;
	char line[DASHBOARD_LINE_MAX + 1], reason[DASHBOARD_REASON_SIZE] = "";
	const int fd = open_fifo(path, reason, sizeof reason);
	ssize_t written;

	if (fd >= 0) {
		dashboard_format_fifo(dashboard_job_result(job, 0), line);
		/* Up to PIPE_BUF bytes go in whole or not at all (pipe(7)). */
		written = write(fd, line, strlen(line));
		if (written < 0)
			snprintf(reason, sizeof reason, "%s: %s", path,
			    errno == EAGAIN  ? "it is full: Nagios reads too slowly"
			    : errno == EPIPE ? "Nagios reads it no more"
					     : strerror(errno));
		close(fd);
	}
	dashboard_job_done(job, reason[0] == '\0' ? DASHBOARD_DELIVERED : DASHBOARD_AGAIN, reason);
}

const struct dashboard_kind dashboard_kind_fifo = {
    .parallel = 1, .batch = 1, .check = check, .start = start};
