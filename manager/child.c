/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/child.h"

#include "common/buffer.h"
#include "common/error.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK 4096
#define ERRORS_MAX 4096

static char *const clean_environment[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};

/* What it prints. */
struct stream {
	int fd; /* -1 closed */
	struct event *readable;
	struct buffer bytes;
	size_t most;
	bool cut;
};

struct child {
	pid_t pid;
	int pidfd, in_fd; /* -1 closed */
	struct event *ended, *writable, *limit;
	struct stream output, errors;
	bool stopped, killed;
	char *input;
	size_t written;
	child_done *done;
	void *context;
};

/* ---- ending ---- */

static void drop_event(struct event **event)
{
	if (*event != NULL)
		event_free(*event);
	*event = NULL;
}

static void close_file(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void release_stream(struct stream *stream)
{
	drop_event(&stream->readable);
	close_file(&stream->fd);
	buffer_deinit(&stream->bytes);
}

static void release(struct child *child)
{
	drop_event(&child->ended);
	drop_event(&child->writable);
	drop_event(&child->limit);
	close_file(&child->pidfd);
	close_file(&child->in_fd);
	release_stream(&child->output);
	release_stream(&child->errors);
	free(child->input);
	free(child);
}

/* The group it leads, so that what it started ends, too. */
static void send_signal(const struct child *child, int number)
{
	if (child->pid > 0)
		kill(-child->pid, number);
}

void child_free(struct child *child)
{
	if (child == NULL)
		return;
	send_signal(child, SIGKILL);
	if (child->pid > 0)
		waitpid(child->pid, NULL, 0);
	release(child);
}

void child_stop(struct child *child)
{
	const struct timeval grace = {CHILD_GRACE_MS / 1000, CHILD_GRACE_MS % 1000 * 1000};

	send_signal(child, child->stopped ? SIGKILL : SIGTERM);
	child->killed |= child->stopped;
	child->stopped = true;
	if (!child->killed)
		event_add(child->limit, &grace);
}

static void on_limit(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	child_stop(context);
}

/* ---- knowing it again ---- */

/* When a process began, in ticks since the machine did: proc(5), the 22nd field of stat, the 20th
 * behind the name in parentheses. 0: it does not run. */
static unsigned long long begun_at(long pid)
{
	char path[64], line[1024], state = 'Z';
	const char *behind;
	unsigned long long ticks = 0;
	size_t length = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	length = fread(line, 1, sizeof line - 1, file);
	fclose(file);
	line[length] = '\0';
	behind = strrchr(line, ')');
	if (behind == NULL ||
	    sscanf(behind,
		") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
		&state, &ticks) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : ticks;
}

void child_identify(const struct child *child, char word[CHILD_IDENTITY_SIZE])
{
	snprintf(
	    word, CHILD_IDENTITY_SIZE, "%ld-%llu", (long)child->pid, begun_at((long)child->pid));
}

bool child_runs(const char *word)
{
	unsigned long long ticks;
	long pid;

	return sscanf(word, "%ld-%llu", &pid, &ticks) == 2 && pid > 0 && ticks > 0 &&
	       begun_at(pid) == ticks;
}

/* ---- output ---- */

/* Returns false at its end. */
static bool read_some(struct stream *stream)
{
	char block[BLOCK];
	const ssize_t count = read(stream->fd, block, sizeof block);
	size_t room = stream->most - stream->bytes.length;

	if (count < 0)
		return errno == EAGAIN || errno == EINTR;
	if ((size_t)count < room)
		room = (size_t)count;
	stream->cut |= (size_t)count > room;
	buffer_put(&stream->bytes, block, room);
	return count > 0;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct stream *stream = context;

	(void)fd;
	(void)what;
	if (!read_some(stream))
		event_del(stream->readable);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
	struct child *child = context;
	const size_t length = strlen(child->input);
	const ssize_t count = write(fd, child->input + child->written, length - child->written);

	(void)what;
	if (count > 0)
		child->written += (size_t)count;
	if (child->written < length && (count >= 0 || errno == EAGAIN || errno == EINTR))
		return;
	drop_event(&child->writable);
	close_file(&child->in_fd);
}

/* What is still in the pipe; others may hold it open, so its end is not waited for.
 * Zero-terminated.
 */
static const char *drain(struct stream *stream, size_t *length)
{
	size_t before;

	*length = 0;
	if (stream->fd < 0)
		return "";
	do {
		before = stream->bytes.length;
	} while (read_some(stream) && stream->bytes.length > before);
	*length = stream->bytes.length;
	buffer_put_u8(&stream->bytes, 0);
	if (stream->bytes.error == GRAPPE_OK)
		return (const char *)stream->bytes.bytes;
	*length = 0;
	return "";
}

/* The last line of the output, without controls. */
static void last_line(const char *output, char *line, size_t size)
{
	size_t end = strlen(output), start, n = 0;

	while (end > 0 && strchr("\n\r \t", output[end - 1]) != NULL)
		end--;
	for (start = end; start > 0 && output[start - 1] != '\n'; start--)
		;
	for (; start < end && n + 1 < size; start++)
		line[n++] = (unsigned char)output[start] < ' ' || output[start] == 127
				? ' '
				: output[start];
	line[n] = '\0';
}

static void explain(
    const struct child *child, int status, const char *output, char reason[CHILD_REASON_SIZE])
{
	char line[200];

	last_line(output, line, sizeof line);
	reason[0] = '\0';
	if (child->stopped)
		snprintf(reason, CHILD_REASON_SIZE,
		    "it was ended: it took too long, or was "
		    "called off%s%s",
		    line[0] != '\0' ? ": " : "", line);
	else if (WIFSIGNALED(status))
		snprintf(reason, CHILD_REASON_SIZE, "it died of signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		snprintf(reason, CHILD_REASON_SIZE, "it ended with %d%s%s", WEXITSTATUS(status),
		    line[0] != '\0' ? ": " : "", line);
}

static void on_ended(evutil_socket_t fd, short what, void *context)
{
	struct child *child = context;
	char reason[CHILD_REASON_SIZE];
	struct child_result result = {.exit_code = -1, .reason = reason};
	const char *errors;
	size_t length;
	int status = 0;

	(void)fd;
	(void)what;
	/* What it left behind would run on unseen. While it is not waited for, its number is its.
	 */
	send_signal(child, SIGKILL);
	if (waitpid(child->pid, &status, WNOHANG) != child->pid) {
		event_add(child->ended, NULL);
		return;
	}
	child->pid = 0;
	errors = drain(&child->errors, &length);
	result.output = drain(&child->output, &result.length);
	result.cut = child->output.cut;
	explain(child, status, length > 0 ? errors : result.output, reason);
	if (!child->stopped && WIFEXITED(status))
		result.exit_code = WEXITSTATUS(status);
	child->done(&result, child->context);
	release(child);
}

/* ---- starting ---- */

static int make_pipe(int ends[2], int ours)
{
	if (pipe2(ends, O_CLOEXEC) != 0)
		return GRAPPE_EIO;
	fcntl(ends[ours], F_SETFL, O_NONBLOCK);
	return GRAPPE_OK;
}

/* The files that are its in the end: standard input, output, error; -1: none. Everything else is
 * closed, whoever opened it. */
static int set_files(posix_spawn_file_actions_t *actions, const int files[3])
{
	int rc = 0;

	if (files[0] < 0)
		rc = posix_spawn_file_actions_addopen(
		    actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	for (int i = 0; rc == 0 && i < 3; i++)
		if (files[i] >= 0)
			rc = posix_spawn_file_actions_adddup2(actions, files[i], i);
	return rc == 0 ? posix_spawn_file_actions_addclosefrom_np(actions, 3) : rc;
}

static int spawn(struct child *child, char *const *words, const int files[3])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(
	    &attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	rc = set_files(&actions, files);
	if (rc == 0)
		rc = posix_spawnp(
		    &child->pid, words[0], &actions, &attributes, words, clean_environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (rc == 0)
		return GRAPPE_OK;
	child->pid = 0;
	errno = rc;
	return GRAPPE_EIO;
}

static int watch_stream(struct stream *stream, struct event_base *base)
{
	if (stream->fd < 0)
		return GRAPPE_OK;
	stream->readable = event_new(base, stream->fd, EV_READ | EV_PERSIST, on_readable, stream);
	return stream->readable != NULL && event_add(stream->readable, NULL) == 0 ? GRAPPE_OK
										  : GRAPPE_EMEMORY;
}

static int watch(struct child *child, struct event_base *base, int64_t limit_ms)
{
	const struct timeval limit = {limit_ms / 1000, limit_ms % 1000 * 1000};

	child->pidfd = pidfd_open(child->pid, 0);
	if (child->pidfd < 0)
		return GRAPPE_EIO;
	child->ended = event_new(base, child->pidfd, EV_READ, on_ended, child);
	child->limit = evtimer_new(base, on_limit, child);
	if (child->in_fd >= 0)
		child->writable =
		    event_new(base, child->in_fd, EV_WRITE | EV_PERSIST, on_writable, child);
	if (child->ended == NULL || child->limit == NULL ||
	    (child->in_fd >= 0 && child->writable == NULL) || event_add(child->ended, NULL) != 0 ||
	    event_add(child->limit, &limit) != 0 ||
	    (child->writable != NULL && event_add(child->writable, NULL) != 0) ||
	    watch_stream(&child->output, base) != GRAPPE_OK)
		return GRAPPE_EMEMORY;
	return watch_stream(&child->errors, base);
}

/* One pipe; our end is read or written without waiting. */
static int open_pipe(int ours, int *our_fd, int *their_fd)
{
	int ends[2];

	if (make_pipe(ends, ours) != GRAPPE_OK)
		return GRAPPE_EIO;
	*our_fd = ends[ours];
	*their_fd = ends[1 - ours];
	return GRAPPE_OK;
}

static int open_pipes(struct child *child, const struct child_request *request, int theirs[3])
{
	int rc = GRAPPE_OK;

	if (request->input != NULL)
		rc = open_pipe(1, &child->in_fd, &theirs[0]);
	if (rc == GRAPPE_OK)
		rc = open_pipe(0, &child->output.fd, &theirs[1]);
	if (rc == GRAPPE_OK && request->errors_apart)
		rc = open_pipe(0, &child->errors.fd, &theirs[2]);
	return rc;
}

int child_start(struct event_base *base, const struct child_request *request, child_done *done,
    void *context, struct child **out)
{
	struct child *child = calloc(1, sizeof *child);
	int theirs[3] = {-1, -1, -1}, rc = GRAPPE_OK, saved;

	*out = NULL;
	if (child == NULL)
		return GRAPPE_EMEMORY;
	child->pidfd = child->in_fd = -1;
	child->output = (struct stream){.fd = -1, .most = request->output_max};
	child->errors = (struct stream){.fd = -1, .most = ERRORS_MAX};
	/* A program may end without having read its input. */
	signal(SIGPIPE, SIG_IGN);
	child->done = done;
	child->context = context;
	buffer_init(&child->output.bytes);
	buffer_init(&child->errors.bytes);
	if (request->input != NULL && (child->input = strdup(request->input)) == NULL)
		rc = GRAPPE_EMEMORY;
	if (rc == GRAPPE_OK)
		rc = open_pipes(child, request, theirs);
	if (rc == GRAPPE_OK)
		rc = spawn(child, request->words,
		    (const int[3]){
			theirs[0], theirs[1], request->errors_apart ? theirs[2] : theirs[1]});
	if (rc == GRAPPE_OK)
		rc = watch(child, base, request->limit_ms);
	saved = errno;
	for (int i = 0; i < 3; i++)
		close_file(&theirs[i]);
	if (rc == GRAPPE_OK)
		*out = child;
	else
		child_free(child);
	errno = saved;
	return rc;
}
