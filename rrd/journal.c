/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/journal.h"

#include "common/buffer.h"
#include "common/error.h"
#include "common/period.h"
#include "rrd/archive_path.h"
#include "rrd/archive_update.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Two slots, each {magic, payload length, checksum, payload}; a slot whose checksum fails is empty.
 */
#define SLOT_MAGIC 0x47724a31 /* GrJ1 */
#define SLOT_HEADER 12
#define HEAD_SLOT 0
#define PERIOD_SLOT 16384
#define RESERVED (1 << 20) /* room taken from the disk in advance */
#define PAYLOAD_MAX (64u << 20)

struct journal {
	int fd;
	uint32_t serial; /* ties the head to its period */
	char receiver[VM_ID_SIZE];
	struct buffer slot; /* scratch */
};

int journal_open(const char *folder, struct journal **out)
{
	struct journal *journal = calloc(1, sizeof *journal);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[PATH_MAX];
	int saved, rc = GRAPPE_EIO;

	*out = NULL;
	if (journal == NULL)
		return GRAPPE_EMEMORY;
	buffer_init(&journal->slot);
	snprintf(path, sizeof path, "%s/journal", folder);
	journal->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (journal->fd < 0)
		goto fail;
	if (fcntl(journal->fd, F_OFD_SETLK, &lock) != 0) {
		rc = errno == EAGAIN || errno == EACCES ? GRAPPE_EEXISTS : GRAPPE_EIO;
		goto fail;
	}
	saved = posix_fallocate(journal->fd, 0, RESERVED);
	if (saved != 0 && saved != EOPNOTSUPP && saved != EINVAL) {
		errno = saved;
		goto fail;
	}
	*out = journal;
	return GRAPPE_OK;
fail:
	saved = errno;
	journal_close(journal);
	errno = saved;
	return rc;
}

void journal_close(struct journal *journal)
{
	if (journal == NULL)
		return;
	if (journal->fd >= 0)
		close(journal->fd);
	buffer_deinit(&journal->slot);
	free(journal);
}

/* An empty slot in journal->slot: its header comes last. */
static void slot_begin(struct journal *journal)
{
	static const uint8_t header[SLOT_HEADER];

	journal->slot.length = 0;
	buffer_put(&journal->slot, header, sizeof header);
	buffer_put_u32(&journal->slot, journal->serial);
}

static int slot_write(struct journal *journal, off_t offset)
{
	const size_t length = journal->slot.length - SLOT_HEADER;
	struct buffer header;
	size_t done = 0;

	buffer_init(&header);
	buffer_put_u32(&header, SLOT_MAGIC);
	buffer_put_u32(&header, (uint32_t)length);
	if (journal->slot.error == GRAPPE_OK)
		buffer_put_u32(&header, period_checksum(journal->slot.bytes + SLOT_HEADER, length));
	if (journal->slot.error != GRAPPE_OK || header.error != GRAPPE_OK || length > PAYLOAD_MAX) {
		buffer_deinit(&header);
		return GRAPPE_EMEMORY;
	}
	memcpy(journal->slot.bytes, header.bytes, SLOT_HEADER);
	buffer_deinit(&header);
	while (done < journal->slot.length) {
		const ssize_t n = pwrite(journal->fd, journal->slot.bytes + done,
		    journal->slot.length - done, offset + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return GRAPPE_EIO;
		done += (size_t)n;
	}
	return GRAPPE_OK;
}

/* The payload of a slot into journal->slot, and a reader over it. GRAPPE_ENOTFOUND: empty. */
static int slot_read(struct journal *journal, off_t offset, size_t limit, struct reader *reader)
{
	uint8_t header[SLOT_HEADER];
	uint32_t length, checksum;
	struct buffer *slot = &journal->slot;

	if (pread(journal->fd, header, sizeof header, offset) != (ssize_t)sizeof header)
		return GRAPPE_ENOTFOUND;
	reader_init(reader, header, sizeof header);
	if (reader_u32(reader) != SLOT_MAGIC)
		return GRAPPE_ENOTFOUND;
	length = reader_u32(reader);
	checksum = reader_u32(reader);
	if (length > limit)
		return GRAPPE_ENOTFOUND;
	buffer_deinit(slot);
	slot->bytes = malloc(length + 1);
	if (slot->bytes == NULL)
		return GRAPPE_EMEMORY;
	slot->capacity = length + 1;
	slot->length = length;
	if (pread(journal->fd, slot->bytes, length, offset + SLOT_HEADER) != (ssize_t)length ||
	    period_checksum(slot->bytes, length) != checksum)
		return GRAPPE_ENOTFOUND;
	reader_init(reader, slot->bytes, length);
	return GRAPPE_OK;
}

int journal_begin(struct journal *journal, const struct archive_update *update)
{
	journal->serial++;
	snprintf(journal->receiver, sizeof journal->receiver, "%s", update->receiver);
	slot_begin(journal);
	archive_update_put(&journal->slot, update);
	return slot_write(journal, PERIOD_SLOT);
}

int journal_keep_head(struct journal *journal, const char *sender, const struct rrdfile_head *head)
{
	slot_begin(journal);
	buffer_put_text(&journal->slot, sender != NULL ? sender : "");
	buffer_put(&journal->slot, head->bytes, head->size);
	return slot_write(journal, HEAD_SLOT);
}

static int slot_clear(struct journal *journal, off_t offset)
{
	static const uint8_t empty[SLOT_HEADER];

	return pwrite(journal->fd, empty, sizeof empty, offset) == (ssize_t)sizeof empty
		   ? GRAPPE_OK
		   : GRAPPE_EIO;
}

void journal_finish(struct journal *journal)
{
	/* Should this fail, the period is found again at the next start and seen to be stored. */
	slot_clear(journal, PERIOD_SLOT);
}

static int read_period(struct journal *journal, struct archive_update **out)
{
	struct reader reader;
	int rc = slot_read(journal, PERIOD_SLOT, PAYLOAD_MAX, &reader);

	if (rc != GRAPPE_OK)
		return rc;
	journal->serial = reader_u32(&reader);
	rc = archive_update_take(&reader, out);
	if (rc == GRAPPE_OK)
		snprintf(journal->receiver, sizeof journal->receiver, "%s", (*out)->receiver);
	return rc == GRAPPE_EFORMAT ? GRAPPE_ENOTFOUND : rc;
}

/* The file and head that were kept for the unfinished period that was read; head: over
 * journal->slot. Returns 0 or GRAPPE_ENOTFOUND. */
static int read_kept_head(
    struct journal *journal, const char *folder, char path[PATH_MAX], struct reader *head)
{
	const uint32_t serial = journal->serial;
	char sender[VM_ID_SIZE];
	int rc = slot_read(journal, HEAD_SLOT, PERIOD_SLOT - SLOT_HEADER, head);

	if (rc != GRAPPE_OK)
		return rc;
	if (reader_u32(head) != serial)
		return GRAPPE_ENOTFOUND;
	reader_text(head, sender, sizeof sender);
	rc = sender[0] != '\0' ? archive_path_pair(path, folder, journal->receiver, sender)
			       : archive_path_coverage(path, folder, journal->receiver);
	return head->error == GRAPPE_OK && rc == GRAPPE_OK ? GRAPPE_OK : GRAPPE_ENOTFOUND;
}

/* Puts the kept head back, when it belongs to the unfinished period. */
static int restore_head(struct journal *journal, const char *folder)
{
	struct reader head;
	char path[PATH_MAX];
	int fd, rc = read_kept_head(journal, folder, path, &head);

	if (rc != GRAPPE_OK)
		return rc == GRAPPE_ENOTFOUND ? GRAPPE_OK : rc;
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? GRAPPE_OK : GRAPPE_EIO;
	if (pwrite(fd, head.bytes + head.position, reader_left(&head), 0) !=
	    (ssize_t)reader_left(&head))
		rc = GRAPPE_EIO;
	return close(fd) == 0 ? rc : GRAPPE_EIO;
}

int journal_peek(const char *folder, char path[PATH_MAX], struct buffer *out)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	struct archive_update *update = NULL;
	struct journal journal = {0};
	struct reader head;
	int rc = GRAPPE_ENOTFOUND;

	buffer_init(out);
	buffer_init(&journal.slot);
	snprintf(path, PATH_MAX, "%s/journal", folder);
	journal.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (journal.fd < 0)
		return 0;
	if (fcntl(journal.fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK)
		rc = read_period(&journal, &update);
	if (rc == GRAPPE_OK)
		rc = read_kept_head(&journal, folder, path, &head);
	if (rc == GRAPPE_OK) {
		buffer_put(out, head.bytes + head.position, reader_left(&head));
		rc = out->error;
	}
	archive_update_free(update);
	buffer_deinit(&journal.slot);
	close(journal.fd);
	return rc == GRAPPE_OK ? 1 : rc == GRAPPE_EMEMORY ? rc : 0;
}

int journal_recover(struct journal *journal, const char *folder, struct archive_update **out)
{
	int rc = read_period(journal, out);

	if (rc == GRAPPE_OK)
		rc = restore_head(journal, folder);
	else
		*out = NULL;
	/* A head that stayed could be taken for one of a later period. */
	if (rc == GRAPPE_OK || rc == GRAPPE_ENOTFOUND)
		rc = slot_clear(journal, HEAD_SLOT);
	if (rc != GRAPPE_OK) {
		archive_update_free(*out);
		*out = NULL;
	}
	return rc;
}
