/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/libvirt_child.h"

#include "agent-module/domain.h"
#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 2000 /* how often a libvirtd is looked for that is not there */
#define PAUSE_LEAST_MS 1000
#define PAUSE_MOST_MS 60000
#define LONG_RUN_S 300 /* after that the next fault is a new one */
#define NOBODY 65534

/* Descriptors of the child, beside standard output and error. */
#define SOCKET_FD STDIN_FILENO
#define PROGRAM_FD 3

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

/* ---- the child ---- */

/* Returns false when the program that started this one is gone. */
static bool pause_ms(int ms)
{
	struct pollfd other = {.fd = SOCKET_FD};

	return poll(&other, 1, ms) == 0 || (other.revents & (POLLHUP | POLLERR | POLLNVAL)) == 0;
}

__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...)
{
	struct domain_record record = {.type = DOMAIN_TROUBLE};
	struct buffer bytes;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(record.reason, sizeof record.reason, format, arguments);
	va_end(arguments);
	buffer_init(&bytes);
	domain_record_encode(&record, &bytes);
	if (bytes.error == GRAPPE_OK)
		(void)send(SOCKET_FD, bytes.bytes, bytes.length, MSG_NOSIGNAL);
	buffer_deinit(&bytes);
}

static bool become_user(const char *user)
{
	const struct passwd *entry = getpwnam(user);
	const uid_t uid = entry != NULL ? entry->pw_uid : NOBODY;
	const gid_t gid = entry != NULL ? entry->pw_gid : NOBODY;

	return uid != 0 && setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
	       setresuid(uid, uid, uid) == 0;
}

/* Gives up every right, for good. */
static bool drop_privileges(const char *user)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (geteuid() == 0 && !become_user(user))
		return false;
	/* Clears the ambient set too. */
	return syscall(SYS_capset, &header, none) == 0 &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* Ends with its parent, and not before: the signals of a terminal or of a service manager are for
 * that one. */
static bool follow_parent(pid_t parent)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP};

	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		(void)signal(ignored[i], SIG_IGN);
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent;
}

static void execute(const struct libvirt_options *options, pid_t parent)
{
	char interval[16];
	const char *const arguments[] = {
	    "grappe-libvirt", "--uri", options->uri, "--interval", interval, NULL};
	/* Nothing that would make libvirt's library read a file or connect elsewhere. */
	const char *const environment[] = {
	    "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/nonexistent", NULL};

	snprintf(interval, sizeof interval, "%d", options->interval_s);
	if (follow_parent(parent))
		(void)fexecve(PROGRAM_FD, (char *const *)arguments, (char *const *)environment);
	_exit(EXIT_FAILURE);
}

/* Says why no list comes any more. */
static void tell_end(const struct libvirt_options *options, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		tell("%s hangs", options->uri);
	else if (WIFSIGNALED(status))
		tell("grappe-libvirt died of signal %d", WTERMSIG(status));
	else
		tell("grappe-libvirt ended with status %d", WEXITSTATUS(status));
}

/* Runs the program until it ends. Returns false when it is not needed any more. */
static bool run_program(const struct libvirt_options *options)
{
	const pid_t self = getpid();
	const pid_t worker = fork();
	int status = 0;

	if (worker == 0)
		execute(options, self);
	if (worker < 0) {
		tell("grappe-libvirt cannot be started: %s", strerror(errno));
		return true;
	}
	while (waitpid(worker, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
		return false;
	tell_end(options, status);
	return true;
}

/* Keeps only its end of the socket, the program and where messages go. */
static bool take_descriptors(int socket, int program)
{
	int high = fcntl(program, F_DUPFD, PROGRAM_FD + 1);

	if (high < 0 || dup2(socket, SOCKET_FD) != SOCKET_FD ||
	    dup3(high, PROGRAM_FD, O_CLOEXEC) != PROGRAM_FD)
		return false;
	closefrom(PROGRAM_FD + 1);
	return true;
}

static void supervise(const struct libvirt_options *options, pid_t parent, int socket, int program)
{
	int wait_ms = PAUSE_LEAST_MS;
	time_t start;

	(void)prctl(PR_SET_NAME, "grappe-libvirt", 0, 0, 0);
	if (!take_descriptors(socket, program))
		_exit(EXIT_FAILURE);
	if (!drop_privileges(options->user)) {
		tell("privileges cannot be dropped: %s", strerror(errno));
		_exit(EXIT_FAILURE);
	}
	/* Changing the user forgets such a wish (prctl(2)). */
	if (!follow_parent(parent))
		_exit(EXIT_SUCCESS);
	while (!libvirt_expected(options))
		if (!pause_ms(LOOK_MS))
			_exit(EXIT_SUCCESS);
	for (start = time(NULL); run_program(options) && pause_ms(wait_ms); start = time(NULL))
		if (time(NULL) - start > LONG_RUN_S)
			wait_ms = PAUSE_LEAST_MS;
		else
			wait_ms = wait_ms * 2 < PAUSE_MOST_MS ? wait_ms * 2 : PAUSE_MOST_MS;
	_exit(EXIT_SUCCESS);
}

/* ---- this side ---- */

int libvirt_start(const char *program, const struct libvirt_options *options, int *fd)
{
	const pid_t parent = getpid();
	const int executable = open(program, O_PATH | O_CLOEXEC);
	int pair[2];
	pid_t child;

	*fd = -1;
	if (executable < 0)
		return errno == ENOENT || errno == ENOTDIR ? GRAPPE_ENOTFOUND : GRAPPE_EIO;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		close(executable);
		return GRAPPE_EIO;
	}
	child = fork();
	if (child == 0)
		supervise(options, parent, pair[1], executable);
	close(pair[1]);
	close(executable);
	if (child < 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) {
		close(pair[0]);
		return GRAPPE_EIO;
	}
	*fd = pair[0];
	return GRAPPE_OK;
}
