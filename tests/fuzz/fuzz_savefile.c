/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Capture files, compressed or not. Whatever the file is, each frame that was read is in one
 * counter. */
#include "agent-module/savefile.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char path[64], message[512];
	const int fd = memfd_create("savefile", MFD_CLOEXEC);
	const struct savefile_options options = {.path = path, .format = SAVEFILE_TEXT};
	struct savefile_result result;
	FILE *out = fopen("/dev/null", "w");
	int rc;

	if (fd < 0 || out == NULL || write(fd, bytes, length) != (ssize_t)length)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	message[0] = '\0';
	rc = savefile_read(&options, &result, message, sizeof message);
	if (rc > 0 || (rc < 0 && message[0] == '\0'))
		abort();
	if (result.frames != result.pair_frames + result.multicast_frames + result.nonip_frames +
				 result.unmatched_frames + result.malformed_frames)
		abort();
	if (savefile_print(&options, &result, out) != 0)
		abort();
	savefile_deinit(&result);
	fclose(out);
	close(fd);
	return 0;
}
