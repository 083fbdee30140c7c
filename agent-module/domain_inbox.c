/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/domain_inbox.h"

#include "common/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct list {
	struct domain *items; /* owned */
	size_t count, capacity;
};

struct domain_inbox {
	int fd;
	bool inside; /* between DOMAIN_BEGIN and DOMAIN_END */
	struct list coming, complete;
	char trouble[DOMAIN_REASON_SIZE];
};

struct domain_inbox *domain_inbox_new(int fd)
{
	struct domain_inbox *inbox = calloc(1, sizeof *inbox);

	if (inbox == NULL) {
		close(fd);
		return NULL;
	}
	inbox->fd = fd;
	return inbox;
}

void domain_inbox_free(struct domain_inbox *inbox)
{
	if (inbox == NULL)
		return;
	close(inbox->fd);
	free(inbox->coming.items);
	free(inbox->complete.items);
	free(inbox);
}

int domain_inbox_fd(const struct domain_inbox *inbox)
{
	return inbox->fd;
}

const struct domain *domain_inbox_list(const struct domain_inbox *inbox, size_t *count)
{
	*count = inbox->complete.count;
	return inbox->complete.items;
}

const char *domain_inbox_trouble(const struct domain_inbox *inbox)
{
	return inbox->trouble;
}

static int append(struct list *list, const struct domain *domain)
{
	if (list->count == DOMAINS_MAX)
		return GRAPPE_ELIMIT;
	if (list->count == list->capacity) {
		const size_t wanted = list->capacity > 0 ? list->capacity * 2 : 16;
		struct domain *items = reallocarray(list->items, wanted, sizeof *items);

		if (items == NULL)
			return GRAPPE_EMEMORY;
		list->items = items;
		list->capacity = wanted;
	}
	list->items[list->count++] = *domain;
	return GRAPPE_OK;
}

static int take(struct domain_inbox *inbox, const struct domain_record *record)
{
	const struct list complete = inbox->coming;

	switch (record->type) {
	case DOMAIN_BEGIN:
		inbox->inside = true;
		inbox->coming.count = 0;
		return 0;
	case DOMAIN_ONE:
		return inbox->inside ? append(&inbox->coming, &record->domain) : 0;
	case DOMAIN_TROUBLE:
		memcpy(inbox->trouble, record->reason, sizeof inbox->trouble);
		return 0;
	case DOMAIN_END:
		break;
	}
	if (!inbox->inside)
		return 0;
	inbox->inside = false;
	inbox->trouble[0] = '\0';
	inbox->coming = inbox->complete;
	inbox->complete = complete;
	return 1;
}

int domain_inbox_take(struct domain_inbox *inbox, const void *bytes, size_t length)
{
	static struct domain_record record; /* large, and needed only here */
	int rc = domain_record_decode(bytes, length, &record);

	if (rc == GRAPPE_OK)
		rc = take(inbox, &record);
	if (rc < 0)
		inbox->inside = false;
	return rc;
}

int domain_inbox_read(struct domain_inbox *inbox)
{
	uint8_t bytes[DOMAIN_RECORD_MAX];
	int result = 0;

	for (;;) {
		const ssize_t n = recv(inbox->fd, bytes, sizeof bytes, MSG_TRUNC);
		int rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return result;
		if (n <= 0)
			return GRAPPE_EIO;
		rc = (size_t)n <= sizeof bytes ? domain_inbox_take(inbox, bytes, (size_t)n)
					       : domain_inbox_take(inbox, bytes, 0);
		if (rc < 0 || (rc > 0 && result == 0))
			result = rc;
	}
}
