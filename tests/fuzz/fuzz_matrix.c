/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Matrix files. What is accepted is written and read again: the same nodes and pairs must come
 * back. */
#include "common/error.h"
#include "common/matrix.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct matrix *read_bytes(const void *bytes, size_t length)
{
	struct matrix *matrix = matrix_new();
	FILE *file = fmemopen((void *)bytes, length, "r");
	char message[256];

	if (matrix == NULL || file == NULL)
		abort();
	if (matrix_read_csv(matrix, file, message, sizeof message) != GRAPPE_OK) {
		if (strncmp(message, "line ", 5) != 0)
			abort();
		matrix_free(matrix);
		matrix = NULL;
	}
	fclose(file);
	return matrix;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct matrix *matrix, *again;
	char *text = NULL;
	size_t size, count, pairs;
	FILE *file;

	if (length == 0)
		return 0; /* fmemopen(3) refuses it */
	matrix = read_bytes(bytes, length);
	if (matrix == NULL)
		return 0;
	file = open_memstream(&text, &size);
	if (file == NULL || matrix_write_csv(matrix, file) != GRAPPE_OK || fclose(file) != 0)
		abort();
	again = read_bytes(text, size);
	if (again == NULL)
		abort();
	matrix_pairs(matrix, &pairs);
	matrix_pairs(again, &count);
	if (count != pairs)
		abort();
	free(matrix_links(again, &count));
	if (count > pairs)
		abort();
	matrix_free(again);
	matrix_free(matrix);
	free(text);
	return 0;
}
