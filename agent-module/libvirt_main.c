/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/libvirt_child.h"
#include "agent-module/libvirt_watch.h"
#include "common/error.h"
#include "common/log.h"
#include "common/program.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *uri = LIBVIRT_DEFAULT_URI, *interval = "60";

static const struct program_option options[] = {
    {0, "uri", "URI", "the libvirt to ask (default " LIBVIRT_DEFAULT_URI ")", &uri},
    {0, "interval", "SECONDS", "how often to list all domains, beside events (default 60)",
	&interval},
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
	long seconds;
	char *end;
	int operand, code;

	if (!program_start(&program, argc, argv, NULL, &operand, &code))
		return code;
	seconds = strtol(interval, &end, 10);
	if (end == interval || *end != '\0' || seconds < 1 || seconds > 3600) {
		log_error("--interval wants 1 to 3600 seconds");
		return EXIT_FAILURE;
	}
	if (!is_socket(STDIN_FILENO)) {
		log_error("this program is started by grappe-capture");
		return EXIT_FAILURE;
	}
	(void)prctl(PR_SET_NAME, "grappe-libvirt", 0, 0, 0);
	log_error("libvirt's library cannot be used: %s",
	    error_text(libvirt_watch_run(uri, (int)seconds, STDIN_FILENO)));
	return EXIT_FAILURE;
}
