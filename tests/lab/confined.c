/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tries one thing that a daemon of Grappe must not be able to do, under the daemon's own rights.
 *
 * usage: confined capture|agent|stateless|free USER ATTEMPT
 *
 * "free" tries without confinement, to see that the attempt itself works. Prints DONE when the
 * attempt succeeded, REFUSED when an error came back; a process that ended itself prints neither.
 */
#include "agent-module/capture_rights.h"
#include "common/subagent_rights.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static bool try_read_shadow(void)
{
	return open("/etc/shadow", O_RDONLY) >= 0;
}

static bool try_write_outside(void)
{
	const int fd = open("/etc/grappe-confined-test", O_WRONLY | O_CREAT, 0600);

	(void)unlink("/etc/grappe-confined-test");
	return fd >= 0;
}

static bool try_exec(void)
{
	char *const arguments[] = {(char *)"sh", (char *)"-c", (char *)"echo DONE", NULL};

	return execv("/bin/sh", arguments) == 0;
}

static bool try_fork(void)
{
	const pid_t child = fork();

	if (child == 0)
		_exit(0);
	return child > 0 && waitpid(child, NULL, 0) == child;
}

/* A listening socket of its own is reached. */
static bool try_connect(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof address;
	const int server = socket(AF_INET, SOCK_STREAM, 0),
		  client = socket(AF_INET, SOCK_STREAM, 0);

	return server >= 0 && client >= 0 && listen(server, 1) == 0 &&
	       getsockname(server, (struct sockaddr *)&address, &size) == 0 &&
	       connect(client, (const struct sockaddr *)&address, size) == 0;
}

static bool try_packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) >= 0;
}

static bool try_kill_another(void)
{
	return kill(getppid(), 0) == 0;
}

static bool try_trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool try_mount(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static bool try_become_root(void)
{
	return setuid(0) == 0;
}

/* The present time, so that nothing changes. */
static bool try_set_clock(void)
{
	struct timespec now;

	return clock_gettime(CLOCK_REALTIME, &now) == 0 && clock_settime(CLOCK_REALTIME, &now) == 0;
}

static bool try_change_root(void)
{
	return chroot("/") == 0;
}

static bool try_namespace(void)
{
	return unshare(CLONE_NEWNET) == 0;
}

static const struct {
	const char *name;
	bool (*attempt)(void);
} attempts[] = {
    {"read-shadow", try_read_shadow},
    {"write-outside", try_write_outside},
    {"exec", try_exec},
    {"fork", try_fork},
    {"connect", try_connect},
    {"packet-socket", try_packet_socket},
    {"kill-another", try_kill_another},
    {"trace", try_trace},
    {"mount", try_mount},
    {"become-root", try_become_root},
    {"set-clock", try_set_clock},
    {"change-root", try_change_root},
    {"namespace", try_namespace},
};

static bool confine_as(const char *who, const char *user)
{
	const struct confine_rights rights = strcmp(who, "agent") == 0 ? subagent_rights(true)
					     : strcmp(who, "stateless") == 0
						 ? subagent_rights(false)
						 : capture_rights(true, true);
	char message[200];

	if (strcmp(who, "free") == 0)
		return true;
	if (confine_enter(&rights, user, message, sizeof message) == 0)
		return true;
	fprintf(stderr, "confined: %s\n", message);
	return false;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	if (!confine_as(argv[1], argv[2]))
		return EXIT_FAILURE;
	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
		if (strcmp(attempts[i].name, argv[3]) == 0) {
			puts(attempts[i].attempt() ? "DONE" : "REFUSED");
			return EXIT_SUCCESS;
		}
	fprintf(stderr, "confined: nothing is called %s\n", argv[3]);
	return 2;
}
