/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Another wall clock for one program, which a test may set while the program runs, as if somebody
 * had set the host's. Loaded by LD_PRELOAD; the file that GRAPPE_CLOCK names holds the seconds by
 * which CLOCK_REALTIME is off, as decimal text of exactly 15 bytes. All other clocks stay, and so
 * does what the kernel itself reads.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TEXT_SIZE 15

static const char *offset_text;

__attribute__((constructor)) static void map_offset(void)
{
	const char *path = getenv("GRAPPE_CLOCK");
	const int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *memory = MAP_FAILED;

	if (fd >= 0) {
		memory = mmap(NULL, TEXT_SIZE, PROT_READ, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (memory == MAP_FAILED)
		abort();
	offset_text = memory;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	char text[TEXT_SIZE + 1] = "";
	const int rc = (int)syscall(SYS_clock_gettime, clock, time);

	if (rc != 0 || clock != CLOCK_REALTIME)
		return rc;
	memcpy(text, offset_text, TEXT_SIZE);
	time->tv_sec += strtol(text, NULL, 10);
	return 0;
}
