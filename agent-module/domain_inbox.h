/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Puts the records that libvirt_watch.h sends together to lists of domains. A list counts only when
 * it is complete; a record that makes no sense spoils the list it is in and no more.
 *
 * Life-cycle: domain_inbox_new(), domain_inbox_read() when the descriptor is readable,
 * domain_inbox_free(). One thread.
 */
#ifndef GRAPPE_AGENT_MODULE_DOMAIN_INBOX_H
#define GRAPPE_AGENT_MODULE_DOMAIN_INBOX_H

#include "agent-module/domain.h"

#include <stdbool.h>

struct domain_inbox; /* opaque */

/* domain_inbox_new - takes over fd, a non-blocking socket of datagrams. NULL without memory (fd is
 * closed then). */
struct domain_inbox *domain_inbox_new(int fd);
/* domain_inbox_free - NULL is allowed. */
void domain_inbox_free(struct domain_inbox *inbox);
int domain_inbox_fd(const struct domain_inbox *inbox);

/* domain_inbox_take - one record. Returns 1 when it completed a list, 0 when not, or the error that
 * spoiled the list: GRAPPE_EFORMAT, GRAPPE_ETRUNCATED, GRAPPE_ELIMIT, GRAPPE_EMEMORY. */
int domain_inbox_take(struct domain_inbox *inbox, const void *bytes, size_t length);
/* domain_inbox_read - takes all that waits. Returns as domain_inbox_take() for the worst of it, or
 * GRAPPE_EIO at the end of file. */
int domain_inbox_read(struct domain_inbox *inbox);

/* domain_inbox_list - the newest complete list, borrowed until the next read. */
const struct domain *domain_inbox_list(const struct domain_inbox *inbox, size_t *count);
/* domain_inbox_trouble - why no list comes; "" = nothing is wrong. */
const char *domain_inbox_trouble(const struct domain_inbox *inbox);

#endif
