/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Another time for grappe-collector, and its death at an instant that a test chooses; loaded by
 * LD_PRELOAD (soak_clock.h tells how the two sides work together).
 *
 * Time moves only inside epoll_wait(), when nothing is ready and the archive writer has nothing to
 * do: the loop's thread sees the simulated clocks, the writer's thread the simulated wall clock and
 * the real monotonic one, since its pauses are real. The simulated monotonic clock is far ahead of
 * the real one, so that the loop, which bounds the writer's last effort by it, waits as long as
 * that takes. Exactly one further thread is expected; another one ends the process, because then
 * "the writer is idle" would mean nothing.
 *
 * Calls that change files are counted, and so are librrd's stores into its maps; the strike-th is
 * not carried out: the process gets SIGKILL instead.
 */
#include "soak_clock.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)
#define MAPS 4 /* shared maps at a time; librrd has one */

static struct soak_page *page; /* NULL: before the start */
static int control = -1;
static atomic_bool sent;          /* datagrams, since the world was asked last */
static atomic_int idle = 1;       /* the writer waits for work */
static atomic_int threads;        /* made so far */
static _Thread_local bool writer; /* this is its thread */

/* Where the writer has files mapped. Of its thread alone. */
static struct map {
	const char *start, *end;
} maps[MAPS];

static void __attribute__((noreturn)) give_up(const char *what)
{
	static const char name[] = "soak_shim: ";
	size_t length = 0;

	while (what[length] != '\0')
		length++;
	if (syscall(SYS_write, STDERR_FILENO, name, sizeof name - 1) >= 0 &&
	    syscall(SYS_write, STDERR_FILENO, what, length) >= 0)
		syscall(SYS_write, STDERR_FILENO, "\n", 1);
	abort();
}

static void *next_symbol(const char *name)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	if (symbol == NULL)
		give_up(name);
	return symbol;
}

/* The library's function of the same name. */
#define NEXT(name)                                                                                 \
	({                                                                                         \
		static __typeof__(&name) next_##name;                                              \
		if (next_##name == NULL)                                                           \
			next_##name = (__typeof__(&name))next_symbol(#name);                       \
		next_##name;                                                                       \
	})

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv(SOAK_ENVIRONMENT);
	char *end;
	long page_fd;
	void *memory;

	if (text == NULL)
		give_up("not started by the soak test");
	control = (int)strtol(text, &end, 10);
	page_fd = strtol(end, NULL, 10);
	memory = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, (int)page_fd, 0);
	if (memory == MAP_FAILED)
		give_up("no page to share");
	page = memory;
}

/* ---- clocks ---- */

static bool is_monotonic(clockid_t clock)
{
	return clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE ||
	       clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_BOOTTIME;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	const bool monotonic = is_monotonic(clock);
	int64_t now_ns;

	if (page == NULL || (monotonic && writer) ||
	    (!monotonic && clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
		return (int)syscall(SYS_clock_gettime, clock, time);
	now_ns = page->now_ns + (monotonic ? page->monotonic_base_ns : page->wall_base_ns);
	time->tv_sec = now_ns / SECOND_NS;
	time->tv_nsec = now_ns % SECOND_NS;
	return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	time->tv_sec = now.tv_sec;
	time->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}

/* ---- the archive writer's thread ---- */

struct beginning {
	void *(*run)(void *);
	void *context;
};

static void *run_writer(void *context)
{
	const struct beginning beginning = *(struct beginning *)context;

	free(context);
	writer = true;
	return beginning.run(beginning.context);
}

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
    void *(*run)(void *), void *restrict context)
{
	struct beginning *beginning = malloc(sizeof *beginning);

	if (beginning == NULL || atomic_fetch_add(&threads, 1) != 0)
		give_up("a second thread: idle means nothing any more");
	*beginning = (struct beginning){run, context};
	atomic_store(&idle, 0);
	return NEXT(pthread_create)(thread, attributes, run_writer, beginning);
}

static void set_idle(int value)
{
	atomic_store(&idle, value);
	if (value)
		syscall(SYS_futex, &idle, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* The caller holds the mutex, and so does who signals: a signal is never seen as idleness. */
int pthread_cond_wait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex)
{
	int rc;

	if (writer)
		set_idle(1);
	rc = NEXT(pthread_cond_wait)(condition, mutex);
	if (writer)
		set_idle(0);
	return rc;
}

int pthread_cond_signal(pthread_cond_t *condition)
{
	if (!writer)
		set_idle(0);
	return NEXT(pthread_cond_signal)(condition);
}

static void wait_for_writer(void)
{
	while (!atomic_load(&idle))
		syscall(SYS_futex, &idle, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

/* ---- the loop ---- */

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	atomic_store(&sent, true);
	return NEXT(sendmsg)(fd, message, flags);
}

ssize_t sendto(
    int fd, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t size)
{
	atomic_store(&sent, true);
	return NEXT(sendto)(fd, bytes, length, flags, to, size);
}

static void transfer(bool out, void *bytes, size_t length)
{
	char *at = bytes;

	while (length > 0) {
		const long n = syscall(out ? SYS_write : SYS_read, control, at, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(3); /* the world has ended */
		at += n;
		length -= (size_t)n;
	}
}

static void ask_world(int64_t until_ns)
{
	struct soak_request request = {.until_ns = until_ns};
	struct soak_reply reply;

	atomic_store(&sent, false);
	transfer(true, &request, sizeof request);
	transfer(false, &reply, sizeof reply);
	page->now_ns = reply.now_ns;
	page->horizon_ns = reply.horizon_ns;
	if (reply.strike > 0) {
		page->strike_whose = reply.strike_whose;
		__atomic_store_n(&page->strike, reply.strike, __ATOMIC_SEQ_CST);
	}
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms)
{
	const int64_t until_ns =
	    timeout_ms < 0 ? SOAK_FOREVER_NS : page->now_ns + timeout_ms * INT64_C(1000000);

	for (;;) {
		const int n = NEXT(epoll_wait)(fd, events, max, 0);

		if (n != 0 || page->now_ns >= until_ns)
			return n;
		wait_for_writer();
		if (!atomic_load(&sent) && until_ns < page->horizon_ns)
			page->now_ns = until_ns;
		else
			ask_world(until_ns);
	}
}

/* ---- death ---- */

static void count_call(enum soak_place place)
{
	if (page == NULL)
		return;
	__atomic_fetch_add(&page->calls[place], 1, __ATOMIC_RELAXED);
	if (__atomic_load_n(&page->strike, __ATOMIC_SEQ_CST) <= 0 ||
	    (page->strike_whose == SOAK_MAIN && writer) ||
	    (page->strike_whose == SOAK_STORES && place != SOAK_STORE) ||
	    __atomic_sub_fetch(&page->strike, 1, __ATOMIC_SEQ_CST) != 0)
		return;
	page->struck = (int32_t)place;
	page->struck_main = !writer;
	syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
	for (;;)
		pause();
}

#define COUNTED(place, type, name, parameters, arguments)                                          \
	type name parameters                                                                       \
	{                                                                                          \
		count_call(place);                                                                 \
		return NEXT(name) arguments;                                                       \
	}

COUNTED(SOAK_WRITE, ssize_t, write, (int fd, const void *bytes, size_t length), (fd, bytes, length))
COUNTED(SOAK_RENAME, int, rename, (const char *from, const char *to), (from, to))
COUNTED(SOAK_RENAME, int, renameat2,
    (int from_fd, const char *from, int to_fd, const char *to, unsigned flags),
    (from_fd, from, to_fd, to, flags))
COUNTED(SOAK_UNLINK, int, unlink, (const char *path), (path))
COUNTED(SOAK_UNLINK, int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags))
COUNTED(SOAK_FOLDER, int, mkdir, (const char *path, mode_t mode), (path, mode))
COUNTED(SOAK_RESERVE, int, fallocate, (int fd, int mode, off_t offset, off_t length),
    (fd, mode, offset, length))
COUNTED(
    SOAK_RESERVE, int, posix_fallocate, (int fd, off_t offset, off_t length), (fd, offset, length))
COUNTED(SOAK_CLOSE, int, close, (int fd), (fd))

/* The archives' journal is written by this call alone. */
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
	count_call(SOAK_WRITE);
	if (page != NULL && page->without_journal)
		return (ssize_t)length;
	return NEXT(pwrite)(fd, bytes, length, offset);
}

int open(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	if ((flags & O_ACCMODE) != O_RDONLY)
		count_call(SOAK_OPEN);
	return NEXT(open)(path, flags, mode);
}

/* The machine does not lose power here: nothing has to reach a disk. */
int fsync(int fd)
{
	(void)fd;
	count_call(SOAK_SYNC);
	return 0;
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	char *memory;

	if (writer && flags & MAP_SHARED)
		count_call(SOAK_MAP);
	memory = (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
	for (size_t i = 0; writer && memory != MAP_FAILED && flags & MAP_SHARED && i < MAPS; i++)
		if (maps[i].start == NULL) {
			maps[i] = (struct map){memory, memory + length};
			break;
		}
	return memory;
}

int munmap(void *address, size_t length)
{
	for (size_t i = 0; writer && i < MAPS; i++)
		if (maps[i].start == address) {
			count_call(SOAK_MAP);
			maps[i].start = NULL;
		}
	return (int)syscall(SYS_munmap, address, length);
}

static void count_store(const char *target)
{
	for (size_t i = 0; writer && i < MAPS; i++)
		if (maps[i].start != NULL && target >= maps[i].start && target < maps[i].end)
			count_call(SOAK_STORE);
}

/* Compiled without builtins: they must not become calls of themselves. */
void *memmove(void *to, const void *from, size_t length)
{
	count_store(to);
	return NEXT(memmove)(to, from, length);
}

void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
	count_store(to);
	return NEXT(memmove)(to, from, length);
}
