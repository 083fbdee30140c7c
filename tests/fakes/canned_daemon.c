/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A daemon whose answers were written beforehand, whatever bytes they are:
 *
 *     canned_daemon SOCKET FOLDER
 *
 * answers a request of an op with the bytes of FOLDER/OP (matrix, inventory, status) and hangs up;
 * without the file it hangs up at once. Requests go to standard output. Says READY on standard
 * error when it serves and ends on SIGTERM. One client at a time is read, each is answered by a
 * process of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const ops[] = {"matrix", "inventory", "status"};

static void send_file(int client, const char *folder, const char *op)
{
	char path[4096];
	int file;

	snprintf(path, sizeof path, "%s/%s", folder, op);
	file = open(path, O_RDONLY | O_CLOEXEC);
	while (file >= 0 && sendfile(client, file, NULL, 1 << 20) > 0)
		;
	if (file >= 0)
		close(file);
}

static void serve(int client, const char *folder)
{
	char line[8192], wish[64];
	const ssize_t n = read(client, line, sizeof line - 1);

	line[n > 0 ? n : 0] = '\0';
	fputs(line, stdout);
	fflush(stdout);
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		snprintf(wish, sizeof wish, "\"op\":\"%s\"", ops[i]);
		if (strstr(line, wish) != NULL)
			send_file(client, folder, ops[i]);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	if (argc == 3)
		snprintf(address.sun_path, sizeof address.sun_path, "%s", argv[1]);
	if (argc != 3 || (unlink(argv[1]) != 0 && errno != ENOENT) ||
	    bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
	    listen(listener, 8) != 0) {
		fprintf(stderr, "canned_daemon SOCKET FOLDER: %s\n", strerror(errno));
		return EXIT_FAILURE;
	}
	fputs("READY\n", stderr);
	for (;;) {
		const int client = accept(listener, NULL, NULL);

		if (client >= 0 && fork() == 0) {
			serve(client, argv[2]);
			_exit(EXIT_SUCCESS);
		}
		if (client >= 0)
			close(client);
	}
}
