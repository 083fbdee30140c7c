/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/records.h"

#include "common/error.h"
#include "common/period.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A record: {magic, payload length, checksum, payload}. */
#define RECORD_MAGIC 0x47725331 /* GrS1 */
#define RECORD_HEADER 12
#define PAYLOAD_MAX (64u << 20)
#define WRITE_BYTES (256u << 10) /* of a new file at a time */

struct records {
	int fd;
	char path[PATH_MAX], fresh_path[PATH_MAX];
	uint64_t length;
	struct buffer record; /* scratch */
	int fresh;            /* a new file that is being written, -1: none */
	uint64_t fresh_length;
	struct buffer pending; /* not yet in it */
};

/* The payload of the record at offset; *next: the offset of the one after it. GRAPPE_ENOTFOUND: the
 * end, or what a killed process left. */
static int read_record(int fd, uint64_t offset, struct buffer *payload, uint64_t *next)
{
	uint8_t header[RECORD_HEADER];
	struct reader reader;
	uint32_t length, checksum;
	uint8_t *bigger;

	if (pread(fd, header, sizeof header, (off_t)offset) != (ssize_t)sizeof header)
		return GRAPPE_ENOTFOUND;
	reader_init(&reader, header, sizeof header);
	if (reader_u32(&reader) != RECORD_MAGIC)
		return GRAPPE_ENOTFOUND;
	length = reader_u32(&reader);
	checksum = reader_u32(&reader);
	if (length > PAYLOAD_MAX)
		return GRAPPE_ENOTFOUND;
	if (length > payload->capacity) {
		bigger = realloc(payload->bytes, length);
		if (bigger == NULL)
			return GRAPPE_EMEMORY;
		payload->bytes = bigger;
		payload->capacity = length;
	}
	payload->length = length;
	if (pread(fd, payload->bytes, length, (off_t)(offset + RECORD_HEADER)) != (ssize_t)length ||
	    period_checksum(payload->bytes, length) != checksum)
		return GRAPPE_ENOTFOUND;
	*next = offset + RECORD_HEADER + length;
	return GRAPPE_OK;
}

/* Where the whole records end. */
static int find_end(struct records *records)
{
	struct stat status;
	int rc;

	records->length = 0;
	do
		rc = read_record(records->fd, records->length, &records->record, &records->length);
	while (rc == GRAPPE_OK);
	if (rc != GRAPPE_ENOTFOUND)
		return rc;
	if (fstat(records->fd, &status) != 0 ||
	    ((uint64_t)status.st_size > records->length &&
		ftruncate(records->fd, (off_t)records->length) != 0))
		return GRAPPE_EIO;
	return GRAPPE_OK;
}

int records_open(const char *folder, const char *name, struct records **out)
{
	struct records *records = calloc(1, sizeof *records);
	int saved, rc = GRAPPE_EIO;

	*out = NULL;
	if (records == NULL)
		return GRAPPE_EMEMORY;
	records->fresh = -1;
	snprintf(records->path, sizeof records->path, "%s/%s", folder, name);
	snprintf(records->fresh_path, sizeof records->fresh_path, "%s/.new.%s", folder, name);
	unlink(records->fresh_path);
	records->fd = open(records->path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (records->fd >= 0)
		rc = find_end(records);
	if (rc == GRAPPE_OK) {
		*out = records;
		return rc;
	}
	saved = errno;
	records_close(records);
	errno = saved;
	return rc;
}

void records_close(struct records *records)
{
	if (records == NULL)
		return;
	records_cancel(records);
	if (records->fd >= 0)
		close(records->fd);
	buffer_deinit(&records->record);
	buffer_deinit(&records->pending);
	free(records);
}

bool records_are_none(const struct records *records)
{
	return records->length == 0;
}

/* Appends a whole record to a buffer. */
static int put_record(struct buffer *buffer, const struct buffer *payload)
{
	if (payload->error != GRAPPE_OK || payload->length > PAYLOAD_MAX)
		return GRAPPE_EMEMORY;
	buffer_put_u32(buffer, RECORD_MAGIC);
	buffer_put_u32(buffer, (uint32_t)payload->length);
	buffer_put_u32(buffer, period_checksum(payload->bytes, payload->length));
	buffer_put(buffer, payload->bytes, payload->length);
	return buffer->error;
}

static int write_at(int fd, const struct buffer *bytes, uint64_t offset)
{
	size_t done = 0;

	while (done < bytes->length) {
		const ssize_t n =
		    pwrite(fd, bytes->bytes + done, bytes->length - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return GRAPPE_EIO;
		done += (size_t)n;
	}
	return GRAPPE_OK;
}

int records_append(struct records *records, const struct buffer *payload)
{
	int saved, rc;

	records->record.length = 0;
	records->record.error = GRAPPE_OK;
	rc = put_record(&records->record, payload);
	if (rc != GRAPPE_OK)
		return rc;
	if (records->length + records->record.length > RECORDS_BYTES_MAX)
		return GRAPPE_ELIMIT;
	rc = write_at(records->fd, &records->record, records->length);
	if (rc == GRAPPE_OK) {
		records->length += records->record.length;
		return rc;
	}
	saved = errno;
	if (ftruncate(records->fd, (off_t)records->length) != 0) {
		/* cut off when the file is opened */
	}
	errno = saved;
	return rc;
}

int records_clear(struct records *records)
{
	if (ftruncate(records->fd, 0) != 0)
		return GRAPPE_EIO;
	records->length = 0;
	return GRAPPE_OK;
}

int records_visit(struct records *records, records_visitor *visitor, void *context)
{
	const uint64_t end = records->length;
	uint64_t at = 0;
	struct buffer payload;
	int rc = GRAPPE_OK;

	buffer_init(&payload);
	while (rc == GRAPPE_OK && at < end) {
		struct reader reader;

		rc = read_record(records->fd, at, &payload, &at);
		if (rc == GRAPPE_ENOTFOUND)
			rc = GRAPPE_EFORMAT;
		if (rc != GRAPPE_OK)
			break;
		reader_init(&reader, payload.bytes, payload.length);
		rc = visitor(context, &reader);
	}
	buffer_deinit(&payload);
	return rc;
}

/* ---- writing anew ---- */

int records_begin(struct records *records)
{
	records_cancel(records);
	records->fresh = open(records->fresh_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	return records->fresh >= 0 ? GRAPPE_OK : GRAPPE_EIO;
}

static int write_pending(struct records *records)
{
	const int rc = write_at(records->fresh, &records->pending, records->fresh_length);

	records->fresh_length += records->pending.length;
	records->pending.length = 0;
	return rc;
}

int records_add(struct records *records, const struct buffer *payload)
{
	const int rc = put_record(&records->pending, payload);

	if (rc != GRAPPE_OK)
		return rc;
	if (records->fresh_length + records->pending.length > RECORDS_BYTES_MAX)
		return GRAPPE_ELIMIT;
	return records->pending.length >= WRITE_BYTES ? write_pending(records) : GRAPPE_OK;
}

int records_end(struct records *records)
{
	int rc = write_pending(records);

	if (rc == GRAPPE_OK && rename(records->fresh_path, records->path) != 0)
		rc = GRAPPE_EIO;
	if (rc != GRAPPE_OK)
		return rc;
	close(records->fd);
	records->fd = records->fresh;
	records->length = records->fresh_length;
	records->fresh = -1;
	return rc;
}

void records_cancel(struct records *records)
{
	const int saved = errno;

	if (records->fresh >= 0) {
		close(records->fresh);
		unlink(records->fresh_path);
	}
	records->fresh = -1;
	records->fresh_length = 0;
	records->pending.length = 0;
	records->pending.error = GRAPPE_OK;
	errno = saved;
}
