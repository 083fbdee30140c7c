/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers of the kernel about disciplines and filters: the first four bytes are the sequence number
 * that is waited for, the rest is the datagram. */
#include "agent-module/tc_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct tc_found_list list = {0};
	uint32_t sequence;
	int state;

	if (length < sizeof sequence)
		return 0;
	memcpy(&sequence, bytes, sizeof sequence);
	errno = 0;
	state = tc_answer_parse(bytes + sizeof sequence, length - sizeof sequence, sequence, &list);
	if (state < -1 || state > 1 || (state == -1 && errno == 0) || list.count > list.capacity)
		abort();
	for (size_t i = 0; i < list.count; i++)
		if (memchr(list.items[i].name, '\0', TC_NAME_SIZE) == NULL ||
		    (list.items[i].is_bpf && list.items[i].is_clsact))
			abort();
	free(list.items);
	if (tc_answer_parse(bytes + sizeof sequence, length - sizeof sequence, sequence, NULL) !=
	    state)
		abort();
	return 0;
}
