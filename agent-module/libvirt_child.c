/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/libvirt_child.h"

#include "common/error.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Where the daemons of the default URI listen. */
static const char *const sockets[] = {
    "/run/libvirt/libvirt-sock-ro", "/run/libvirt/virtqemud-sock-ro"};

bool libvirt_expected(const struct libvirt_options *options)
{
	if (!options->wait || strcmp(options->uri, LIBVIRT_DEFAULT_URI) != 0)
		return true;
	for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++)
		if (access(sockets[i], F_OK) == 0)
			return true;
	return false;
}

/* In the child: the socket is its standard input, no right comes along. */
static void become(const char *program, const struct libvirt_options *options, int socket)
{
	char *const arguments[] = {(char *)"grappe-libvirt", (char *)"--uri", (char *)options->uri,
	    (char *)"--user", (char *)options->user, (char *)(options->wait ? "--wait" : NULL),
	    NULL};

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (dup2(socket, STDIN_FILENO) == STDIN_FILENO)
		execv(program, arguments);
	_exit(EXIT_FAILURE);
}

int libvirt_start(const char *program, const struct libvirt_options *options, int *fd)
{
	int pair[2];
	pid_t child;

	*fd = -1;
	if (access(program, X_OK) != 0)
		return GRAPPE_ENOTFOUND;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return GRAPPE_EIO;
	child = fork();
	if (child == 0)
		become(program, options, pair[1]);
	close(pair[1]);
	if (child < 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) {
		close(pair[0]);
		return GRAPPE_EIO;
	}
	*fd = pair[0];
	return GRAPPE_OK;
}
