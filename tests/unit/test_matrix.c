/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/matrix.h"

#include "common/error.h"
#include "tests/unit/unit.h"

#include <math.h>

static struct matrix *matrix;
static char message[256];

static void setup(void)
{
	matrix = matrix_new();
	ck_assert_ptr_nonnull(matrix);
}

static void teardown(void)
{
	matrix_free(matrix);
}

static int read_bytes(const char *bytes, size_t length)
{
	FILE *file = fmemopen((void *)bytes, length, "r");
	int rc;

	ck_assert_ptr_nonnull(file);
	rc = matrix_read_csv(matrix, file, message, sizeof message);
	fclose(file);
	return rc;
}

static double packets_of(const char *source, const char *receiver)
{
	const int a = matrix_find(matrix, source), b = matrix_find(matrix, receiver);
	const struct matrix_pair *pair;

	ck_assert_int_ge(a, 0);
	ck_assert_int_ge(b, 0);
	pair = matrix_get(matrix, (uint32_t)a, (uint32_t)b);
	return pair != NULL ? pair->packets : -1;
}

START_TEST(an_empty_matrix)
{
	size_t count = 7;

	ck_assert_uint_eq(matrix_nodes(matrix), 0);
	ck_assert_int_eq(matrix_find(matrix, "a"), GRAPPE_ENOTFOUND);
	matrix_pairs(matrix, &count);
	ck_assert_uint_eq(count, 0);
	free(matrix_links(matrix, &count));
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(matrix_add(matrix, 0, 0, 1, 1), GRAPPE_EINVALID);
	ck_assert_ptr_null(matrix_get(matrix, 0, 1));
}
END_TEST

START_TEST(pairs_add_up)
{
	const int a = matrix_node(matrix, "a"), b = matrix_node(matrix, "b");
	const struct matrix_pair *pairs;
	struct matrix_link *links;
	size_t count;

	ck_assert_int_eq(matrix_node(matrix, "a"), a);
	ck_assert_int_eq(matrix_add(matrix, (uint32_t)a, (uint32_t)b, 1, 10), GRAPPE_OK);
	ck_assert_int_eq(matrix_add(matrix, (uint32_t)b, (uint32_t)a, 2, 20), GRAPPE_OK);
	ck_assert_int_eq(matrix_add(matrix, (uint32_t)a, (uint32_t)b, 4, 40), GRAPPE_OK);
	pairs = matrix_pairs(matrix, &count);
	ck_assert_uint_eq(count, 2);
	ck_assert_double_eq(pairs[0].packets, 5);
	ck_assert_double_eq(pairs[0].octets, 50);
	links = matrix_links(matrix, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_lt(links[0].a, links[0].b);
	ck_assert_double_eq(links[0].packets, 7);
	free(links);
}
END_TEST

START_TEST(bad_arguments)
{
	char overlong[MATRIX_NODE_NAME_MAX + 2];

	memset(overlong, 'x', sizeof overlong - 1);
	overlong[sizeof overlong - 1] = '\0';
	ck_assert_int_eq(matrix_node(matrix, ""), GRAPPE_EINVALID);
	ck_assert_int_eq(matrix_node(matrix, overlong), GRAPPE_EINVALID);
	ck_assert_int_eq(matrix_node(matrix, "a\nb"), GRAPPE_EINVALID);
	ck_assert_int_eq(matrix_node(matrix, overlong + 1), 0);
	ck_assert_int_eq(matrix_node(matrix, "b"), 1);
	ck_assert_int_eq(matrix_add(matrix, 0, 2, 1, 1), GRAPPE_EINVALID);
	ck_assert_int_eq(matrix_add(matrix, 0, 1, -1, 1), GRAPPE_EINVALID);
	ck_assert_int_eq(matrix_add(matrix, 0, 1, 1, NAN), GRAPPE_EINVALID);
	ck_assert_int_eq(matrix_add(matrix, 0, 1, INFINITY, 1), GRAPPE_EINVALID);
	matrix_free(NULL);
}
END_TEST

START_TEST(many_pairs_are_found_again)
{
	const uint32_t n = 300;
	size_t count;

	for (uint32_t i = 0; i < n; i++) {
		char name[16];

		snprintf(name, sizeof name, "vm%u", i);
		ck_assert_int_eq(matrix_node(matrix, name), (int)i);
	}
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < n; j++)
			ck_assert_int_eq(matrix_add(matrix, i, j, i * n + j, 1), GRAPPE_OK);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < n; j++)
			ck_assert_double_eq(matrix_get(matrix, i, j)->packets, i * n + j);
	matrix_pairs(matrix, &count);
	ck_assert_uint_eq(count, n * n);
	free(matrix_links(matrix, &count));
	ck_assert_uint_eq(count, n * (n - 1) / 2);
	ck_assert_int_eq(matrix_find(matrix, "vm300"), GRAPPE_ENOTFOUND);
}
END_TEST

START_TEST(files_are_read)
{
	static const char text[] = "\xef\xbb\xbf# measured\n\nsrc, dst ,packets,bytes\r\n"
				   " a , b ,1,10\r\n# more\na,b,2,20\nb,a,1.5e1,7.5\n  \nb b,c,0,0";

	ck_assert_msg(read_bytes(text, sizeof text - 1) == GRAPPE_OK, "%s", message);
	ck_assert_double_eq(packets_of("a", "b"), 3);
	ck_assert_double_eq(packets_of("b", "a"), 15);
	ck_assert_double_eq(packets_of("b b", "c"), 0);
	ck_assert_double_eq(packets_of("c", "b b"), -1);
}
END_TEST

#define HEADER "src,dst,packets,bytes\n"
static const struct {
	const char *bytes;
	size_t length;
	const char *words;
} bad[] = {
#define BAD(text, words)                                                                           \
	{                                                                                          \
		text, sizeof text - 1, words                                                       \
	}
    BAD("\n", "line 1: the first line must be"),
    BAD("#\na,b,1,2\n", "line 2: the first line must be"),
    BAD("src,dst,packets\n", "line 1: 3 fields"),
    BAD(HEADER "a,b,1\n", "line 2: 3 fields"),
    BAD(HEADER "a,b,1,2,3\n", "line 2: more than 4"),
    BAD(HEADER "a,b,one,2\n", "line 2: 'one' is not a number of packets"),
    BAD(HEADER "a,b,1,-2\n", "'-2' is not a number of bytes"),
    BAD(HEADER "a,b,0x10,2\n", "'0x10'"),
    BAD(HEADER "a,b,inf,2\n", "'inf'"),
    BAD(HEADER "a,b,1e999,2\n", "'1e999'"),
    BAD(HEADER "a,b,,2\n", "''"),
    BAD(HEADER "a,b,1 1,2\n", "'1 1'"),
    BAD(HEADER ",b,1,2\n", "a name is empty"),
    BAD(HEADER "a,a,1,2\n", "'a' is paired with itself"),
    BAD(HEADER "a\033,b,1,2\n", "control character"),
    BAD(HEADER "a,b,1,2\rc,d,1,2\n", "more than 4"),
    BAD(HEADER "a,b,1,2\0junk\n", "line 2: a zero byte"),
    BAD(HEADER "a,b,1,2\0", "line 2: a zero byte"),
    BAD(HEADER "a,b,1,2\n" HEADER, "line 3: 'packets'"),
};

START_TEST(bad_files_are_refused)
{
	ck_assert_int_eq(read_bytes(bad[_i].bytes, bad[_i].length), GRAPPE_EFORMAT);
	ck_assert_msg(
	    strstr(message, bad[_i].words) != NULL, "'%s' lacks '%s'", message, bad[_i].words);
}
END_TEST

START_TEST(long_lines_are_refused)
{
	char *text = calloc(1, 2 * MATRIX_LINE_MAX);

	memset(text, ' ', 2 * MATRIX_LINE_MAX - 1);
	ck_assert_int_eq(read_bytes(text, 2 * MATRIX_LINE_MAX), GRAPPE_EFORMAT);
	ck_assert_str_eq(message, "line 1: longer than 4095 bytes");
	free(text);
}
END_TEST

START_TEST(what_is_written_is_read_again)
{
	static const char text[] = HEADER "a,b,3,30\nb,a,1,10\n";
	char *out;
	size_t length;
	FILE *file = open_memstream(&out, &length);

	ck_assert_int_eq(read_bytes(text, sizeof text - 1), GRAPPE_OK);
	ck_assert_int_eq(matrix_write_csv(matrix, file), GRAPPE_OK);
	fclose(file);
	ck_assert_str_eq(out, text);
	free(out);
	file = fopen("/dev/full", "w");
	ck_assert_ptr_nonnull(file);
	setvbuf(file, NULL, _IONBF, 0);
	ck_assert_int_eq(matrix_write_csv(matrix, file), GRAPPE_EIO);
	fclose(file);
}
END_TEST

START_TEST(pairs_have_numbers)
{
	const uint32_t b = (uint32_t)matrix_node(matrix, "b"),
		       a = (uint32_t)matrix_node(matrix, "a");
	size_t count;

	ck_assert_int_eq(matrix_pair(matrix, b, a), 0);
	ck_assert_int_eq(matrix_pair(matrix, a, b), 1);
	ck_assert_int_eq(matrix_add(matrix, b, a, 3, 4), GRAPPE_OK);
	ck_assert_int_eq(matrix_pair(matrix, b, a), 0);
	ck_assert_int_eq(matrix_pair(matrix, b, 2), GRAPPE_EINVALID);
	ck_assert_double_eq(matrix_pairs(matrix, &count)[0].packets, 3);
	ck_assert_double_eq(matrix_pairs(matrix, &count)[1].packets, 0);
	ck_assert_uint_eq(count, 2);
}
END_TEST

START_TEST(nodes_are_sorted_by_name)
{
	uint32_t nodes[] = {0, 1, 2, 3};

	matrix_node(matrix, "c");
	matrix_node(matrix, "a");
	matrix_node(matrix, "d");
	matrix_node(matrix, "b");
	matrix_sort_nodes(matrix, nodes, 4);
	ck_assert(nodes[0] == 1 && nodes[1] == 3 && nodes[2] == 0 && nodes[3] == 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("matrix");
	TCase *tcase = tcase_create("matrix");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, pairs_have_numbers);
	tcase_add_test(tcase, nodes_are_sorted_by_name);
	tcase_add_test(tcase, an_empty_matrix);
	tcase_add_test(tcase, pairs_add_up);
	tcase_add_test(tcase, bad_arguments);
	tcase_add_test(tcase, many_pairs_are_found_again);
	tcase_add_test(tcase, files_are_read);
	tcase_add_loop_test(tcase, bad_files_are_refused, 0, sizeof bad / sizeof *bad);
	tcase_add_test(tcase, long_lines_are_refused);
	tcase_add_test(tcase, what_is_written_is_read_again);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
