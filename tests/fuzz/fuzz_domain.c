/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records from a grappe-libvirt that was taken over, through the inbox and discovery. The input is
 * a row of records: length (2 bytes), then the record.
 */
#include "agent-module/discover.h"
#include "agent-module/domain_inbox.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_domain(const struct domain *domain)
{
	if (!identity_is_vm(domain->facts.vm_id) || domain->nnics > DOMAIN_NICS_MAX)
		abort();
	for (uint32_t i = 0; i < domain->nnics; i++)
		if (strnlen(domain->nics[i].interface, NETLINK_NAME_SIZE) == NETLINK_NAME_SIZE)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const struct discover_sources sources = {0};
	struct discover *discover = discover_new(&sources);
	struct domain_inbox *inbox = domain_inbox_new(dup(STDIN_FILENO));
	const struct domain *list;
	size_t at = 0, count;

	if (discover == NULL || inbox == NULL)
		abort();
	while (at + 2 <= length) {
		size_t size = (size_t)bytes[at] << 8 | bytes[at + 1];

		at += 2;
		size = size < length - at ? size : length - at;
		if (domain_inbox_take(inbox, bytes + at, size) == 1) {
			list = domain_inbox_list(inbox, &count);
			for (size_t i = 0; i < count; i++)
				check_domain(&list[i]);
			(void)discover_domains(discover, list, count);
		}
		at += size;
	}
	domain_inbox_free(inbox);
	discover_free(discover);
	return 0;
}
