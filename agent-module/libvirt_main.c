/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/libvirt_watch.h"
#include "common/error.h"
#include "common/log.h"
#include "common/program.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *uri = LIBVIRT_DEFAULT_URI, *user = "nobody";
static bool wait_for_it;

static const struct program_option options[] = {
    {0, "uri", "URI", "the libvirt to ask (default " LIBVIRT_DEFAULT_URI ")", &uri},
    {0, "user", "USER", "whom to run as, when started by root (default nobody)", &user},
    {0, "wait", NULL, "be silent until libvirtd is there", &wait_for_it},
};

static bool is_socket(int fd)
{
	int type;
	socklen_t size = sizeof type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

int main(int argc, char **argv)
{
	const struct program program = {.name = "grappe-libvirt",
	    .summary =
		"tells grappe-capture, which starts it, what libvirt knows of this host's VMs",
	    .operands = "",
	    .options = options,
	    .noptions = sizeof options / sizeof *options};
	struct libvirt_options wanted;
	int operand, code;

	if (!program_start(&program, argc, argv, NULL, &operand, &code))
		return code;
	if (!is_socket(STDIN_FILENO)) {
		log_error("this program is started by grappe-capture");
		return EXIT_FAILURE;
	}
	wanted = (struct libvirt_options){.uri = uri, .user = user, .wait = wait_for_it};
	if (libvirt_watch_run(&wanted, STDIN_FILENO) == GRAPPE_OK)
		return EXIT_SUCCESS;
	log_error("grappe-libvirt cannot drop its privileges: %s", error_text(GRAPPE_EIO));
	return EXIT_FAILURE;
}
