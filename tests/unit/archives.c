/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/archives.h"

#include "common/error.h"

#include <check.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define OUTPUT_MAX (4u << 20)

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
	(void)status;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void archives_remove(const char *folder)
{
	ck_assert_int_eq(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* ---- rrdcached ---- */

static bool answers(const struct archives_daemon *daemon)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool connected;

	snprintf(address.sun_path, sizeof address.sun_path, "%.100s", daemon->address + 5);
	connected = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	close(fd);
	return connected;
}

void archives_daemon_restart(struct archives_daemon *daemon)
{
	const struct timespec nap = {.tv_nsec = 5000000};
	char pid_file[300], journal[300];
	char *const argv[] = {(char *)"rrdcached", (char *)"-g", (char *)"-l", daemon->address,
	    (char *)"-p", pid_file, (char *)"-w", (char *)"3600", (char *)"-f", (char *)"7200",
	    daemon->journal ? (char *)"-j" : NULL, journal, NULL};

	snprintf(pid_file, sizeof pid_file, "%s/pid", daemon->folder);
	snprintf(journal, sizeof journal, "%s", daemon->folder);
	unlink(pid_file);
	ck_assert_msg(posix_spawnp(&daemon->pid, "rrdcached", NULL, NULL, argv, environ) == 0,
	    "rrdcached is needed (Debian package rrdcached)");
	for (int i = 0; !answers(daemon); i++) {
		ck_assert_int_lt(i, 4000);
		ck_assert_int_eq(waitpid(daemon->pid, NULL, WNOHANG), 0);
		nanosleep(&nap, NULL);
	}
}

void archives_daemon_start(struct archives_daemon *daemon, bool journal)
{
	*daemon = (struct archives_daemon){.journal = journal};
	snprintf(daemon->folder, sizeof daemon->folder, "/tmp/grappe-rrdcached.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(daemon->folder));
	snprintf(daemon->address, sizeof daemon->address, "unix:%s/socket", daemon->folder);
	archives_daemon_restart(daemon);
}

static void end_daemon(struct archives_daemon *daemon, int number)
{
	if (daemon->pid <= 0)
		return;
	ck_assert_int_eq(kill(daemon->pid, number), 0);
	ck_assert_int_eq(waitpid(daemon->pid, NULL, 0), daemon->pid);
	daemon->pid = 0;
}

void archives_daemon_stop(struct archives_daemon *daemon)
{
	end_daemon(daemon, SIGTERM);
}

void archives_daemon_kill(struct archives_daemon *daemon)
{
	end_daemon(daemon, SIGKILL);
}

void archives_daemon_remove(struct archives_daemon *daemon)
{
	archives_daemon_stop(daemon);
	archives_remove(daemon->folder);
}

struct archive *archives_open(const char *folder, const struct archive_layout *layout)
{
	return archives_open_with(folder, layout, NULL);
}

struct archive *archives_open_with(
    const char *folder, const struct archive_layout *layout, const char *rrdcached)
{
	const struct archive_options options = {.floor_bytes = 1 << 20, .rrdcached = rrdcached};
	char message[512];
	struct archive *archive;
	const int rc = archive_open(folder, layout, &options, &archive, message, sizeof message);

	ck_assert_msg(rc == GRAPPE_OK && message[0] == '\0', "%d %s", rc, message);
	return archive;
}

struct archive_update *archives_update(const char *receiver, int64_t end_s, double known,
    size_t nsenders, const struct archive_sender *senders)
{
	struct archive_update *update = archive_update_new(receiver, end_s, known, nsenders);

	ck_assert_ptr_nonnull(update);
	for (size_t i = 0; i < nsenders; i++) {
		update->senders[i] = senders[i];
		if (senders[i].octets == 0 && senders[i].packets > 0)
			update->senders[i].octets = 100 * senders[i].packets + 7;
	}
	return update;
}

int archives_write(struct archive *archive, const char *receiver, int64_t end_s, double known,
    size_t nsenders, const struct archive_sender *senders, char *message)
{
	struct archive_update *update = archives_update(receiver, end_s, known, nsenders, senders);
	char own[1024];
	const int rc = archive_write(
	    archive, update, end_s, false, message != NULL ? message : own, sizeof own);

	archive_update_free(update);
	return rc;
}

void archives_write_one(struct archive *archive, const char *receiver, const char *sender,
    int64_t end_s, double packets)
{
	struct archive_sender one = {.packets = packets};
	char message[1024];
	int rc;

	snprintf(one.sender, sizeof one.sender, "%s", sender);
	rc = archives_write(archive, receiver, end_s, 1, 1, &one, message);
	ck_assert_msg(rc == GRAPPE_OK, "%d %s", rc, message);
}

void archives_path(
    char *path, size_t size, const char *folder, const char *receiver, const char *file)
{
	ck_assert_int_lt(snprintf(path, size, "%s/%s/%s", folder, receiver, file), (int)size);
}

char *archives_rrdtool(const char *const *arguments)
{
	char *argv[32] = {(char *)"rrdtool"}, *text = malloc(OUTPUT_MAX);
	posix_spawn_file_actions_t actions;
	size_t length = 0;
	int pipes[2], status;
	ssize_t n;
	pid_t pid;

	ck_assert_ptr_nonnull(text);
	for (int i = 0; arguments[i] != NULL; i++) {
		ck_assert_int_lt(i, 30);
		argv[i + 1] = (char *)arguments[i];
	}
	ck_assert_int_eq(pipe(pipes), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, pipes[0]);
	posix_spawn_file_actions_addclose(&actions, pipes[1]);
	ck_assert_msg(posix_spawnp(&pid, "rrdtool", &actions, NULL, argv, environ) == 0,
	    "rrdtool is needed (Debian package rrdtool)");
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	while ((n = read(pipes[0], text + length, OUTPUT_MAX - 1 - length)) > 0)
		length += (size_t)n;
	close(pipes[0]);
	text[length] = '\0';
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "rrdtool %s failed (%d): %s",
	    argv[1], status, text);
	return text;
}

size_t archives_fetch(const char *path, const char *function, int64_t resolution_s, int64_t from_s,
    int64_t to_s, double (*values)[2], size_t room)
{
	char from[32], to[32], resolution[32];
	const char *const arguments[] = {
	    "fetch", path, function, "-r", resolution, "-s", from, "-e", to, NULL};
	char *text, *rest, *line;
	size_t count = 0;

	snprintf(from, sizeof from, "%lld", (long long)from_s);
	snprintf(to, sizeof to, "%lld", (long long)to_s);
	snprintf(resolution, sizeof resolution, "%lld", (long long)resolution_s);
	text = archives_rrdtool(arguments);
	for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		char *at;
		const int64_t end_s = strtoll(line, &at, 10);

		if (*at != ':' || end_s <= from_s || end_s > to_s)
			continue;
		ck_assert_int_eq(end_s, from_s + (int64_t)(count + 1) * resolution_s);
		ck_assert_uint_lt(count, room);
		values[count][0] = strtod(at + 1, &at);
		values[count++][1] = strtod(at, NULL);
	}
	free(text);
	return count;
}
