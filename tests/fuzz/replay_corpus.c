/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gives every file of a corpus once to a fuzz target, so that "make check" replays the seeds and
 * what fuzzing found before. Folders come as arguments; without any, the target's own below
 * $srcdir. A folder that is missing or empty is a failure.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef FUZZ_CORPUS
#error "FUZZ_CORPUS names the corpus of the target, relative to the top of the source"
#endif

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define INPUT_MAX (4u << 20)
#define PATH_SIZE 2048

/* Returns 0, or 1 when the file cannot be read. */
static int replay_file(const char *path)
{
	uint8_t *bytes = malloc(INPUT_MAX), *exact;
	FILE *file = fopen(path, "rb");
	size_t length = 0;
	int failed = bytes == NULL || file == NULL;

	if (!failed) {
		length = fread(bytes, 1, INPUT_MAX, file);
		failed = ferror(file) || length == INPUT_MAX;
	}
	if (file != NULL)
		fclose(file);
	exact = malloc(length ? length : 1); /* so that a read beyond the end is seen */
	if (failed || exact == NULL) {
		fprintf(stderr, "%s: cannot be read\n", path);
		failed = 1;
	} else {
		memcpy(exact, bytes, length);
		LLVMFuzzerTestOneInput(exact, length);
	}
	free(exact);
	free(bytes);
	return failed;
}

/* Returns how many files were replayed, or -1. */
static int replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	if (dir == NULL)
		return -1;
	while (count >= 0 && (entry = readdir(dir)) != NULL) {
		char path[PATH_SIZE];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		count = replay_file(path) == 0 ? count + 1 : -1;
	}
	closedir(dir);
	return count;
}

static int replay(const char *folder)
{
	const int count = replay_folder(folder);

	if (count <= 0) {
		fprintf(stderr, "%s: %s\n", folder, count == 0 ? "empty corpus" : "no corpus");
		return EXIT_FAILURE;
	}
	printf("%s: %d inputs\n", folder, count);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const char *top = getenv("srcdir");
	char own[PATH_SIZE];
	int worst = EXIT_SUCCESS;

	snprintf(own, sizeof own, "%s/" FUZZ_CORPUS, top != NULL ? top : ".");
	if (argc < 2)
		return replay(own);
	for (int i = 1; i < argc; i++)
		if (replay(argv[i]) != EXIT_SUCCESS)
			worst = EXIT_FAILURE;
	return worst;
}
