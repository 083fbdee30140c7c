/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client of rrdcached against answers of all kinds, and against the real one. */
#include "rrd/rrdcached.h"

#include "common/error.h"
#include "tests/unit/archives.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

#define TIMEOUT_MS 100

static struct rrdcached *client;
static char message[512];

static void setup(void)
{
	client = rrdcached_new("unix:/nowhere/socket", TIMEOUT_MS);
	ck_assert_ptr_nonnull(client);
}

static void teardown(void)
{
	rrdcached_free(client);
}

/* The other side has said all of text already; open: it does not hang up afterwards. */
static int connect_to_text(const char *text, bool open)
{
	int sockets[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	ck_assert_int_eq(write(sockets[1], text, strlen(text)), (ssize_t)strlen(text));
	if (!open)
		shutdown(sockets[1], SHUT_WR);
	rrdcached_adopt(client, sockets[0]);
	return sockets[1];
}

static void add(uint32_t tag)
{
	const struct rrdfile_point point = {.end_s = EPOCH, .values = {1, 2}};

	ck_assert_int_eq(rrdcached_add(client, tag, "/a/b c.rrd", &point, 1), GRAPPE_OK);
}

struct refusals {
	int count;
	uint32_t tag;
	enum rrdcached_refusal kind;
};

static void on_refused(void *context, uint32_t tag, enum rrdcached_refusal kind, const char *reason)
{
	struct refusals *refusals = context;

	(void)reason;
	refusals->count++;
	refusals->tag = tag;
	refusals->kind = kind;
}

START_TEST(addresses)
{
	static const struct {
		const char *address;
		int rc;
	} cases[] = {{"unix:/run/rrdcached.sock", GRAPPE_OK}, {"/run/x", GRAPPE_OK},
	    {"host", GRAPPE_OK}, {"host:42217", GRAPPE_OK}, {"[2001:db8::1]", GRAPPE_OK},
	    {"[2001:db8::1]:1", GRAPPE_OK}, {"", GRAPPE_EINVALID}, {"unix:", GRAPPE_EINVALID},
	    {"unix:relative", GRAPPE_EINVALID}, {":1", GRAPPE_EINVALID}, {"host:", GRAPPE_EINVALID},
	    {"[::1", GRAPPE_EINVALID}, {"2001:db8::1", GRAPPE_EINVALID},
	    {"unix:/0123456789012345678901234567890123456789012345678901234567890123456789"
	     "01234567890123456789012345678901234567890123456789",
		GRAPPE_EINVALID}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ck_assert_msg(rrdcached_check_address(cases[i].address, message, sizeof message) ==
				  cases[i].rc,
		    "%s", cases[i].address);
}
END_TEST

START_TEST(refusals_find_their_update)
{
	struct refusals refusals = {0};
	char sent[1000];
	ssize_t length;
	const int other = connect_to_text("0 Go ahead\n1 errors\n2 illegal attempt to update using "
					  "time 1 when last update time is 2\n",
	    true);

	add(7);
	add(9);
	ck_assert_int_eq(
	    rrdcached_send(client, on_refused, &refusals, message, sizeof message), GRAPPE_OK);
	ck_assert_int_eq(refusals.count, 1);
	ck_assert_uint_eq(refusals.tag, 9);
	ck_assert_int_eq(refusals.kind, RRDCACHED_STORED);
	ck_assert(rrdcached_is_connected(client));
	length = read(other, sent, sizeof sent - 1);
	ck_assert_int_gt(length, 0);
	sent[length] = '\0';
	ck_assert_str_eq(sent, "BATCH\nUPDATE /a/b\\ c.rrd 1790006400:1:2\n"
			       "UPDATE /a/b\\ c.rrd 1790006400:1:2\n.\n");
	close(other);
}
END_TEST

/* A pair that was silent in many stretches: no line is longer than the daemon takes. */
START_TEST(long_updates_make_several_lines)
{
	struct rrdfile_point points[1000];
	struct refusals refusals = {0};
	const int other =
	    connect_to_text("0 Go ahead\n1 errors\n2 No such file: /a/b c.rrd\n", true);
	static char sent[100000];
	ssize_t length;

	for (int i = 0; i < 1000; i++)
		points[i] = (struct rrdfile_point){EPOCH + 30 * i, {i, i}};
	ck_assert_int_eq(rrdcached_add(client, 3, "/a/b c.rrd", points, 1000), GRAPPE_OK);
	ck_assert_int_eq(
	    rrdcached_send(client, on_refused, &refusals, message, sizeof message), GRAPPE_OK);
	ck_assert_uint_eq(refusals.tag, 3);
	ck_assert_int_eq(refusals.kind, RRDCACHED_MISSING);
	length = read(other, sent, sizeof sent - 1);
	ck_assert_int_gt(length, 15000);
	for (char *line = sent, *next; (next = strchr(line, '\n')) != NULL; line = next + 1)
		ck_assert_int_lt(next - line, 4096);
	close(other);
}
END_TEST

/* Whatever it says, the connection ends, the reason is told, and no update is said to be refused
 * that was not sent. */
START_TEST(nonsense_ends_the_connection)
{
	static const char *const texts[] = {"", "hello\n", "0 Go ahead\n", "-1 no\n",
	    "0 Go ahead\n-5 errors\n", "0 Go ahead\n99999999999999999999 errors\n",
	    "0 Go ahead\n3 errors\n1 x\n2 x\n3 x\n", "0 Go ahead\n1 errors\n0 x\n",
	    "0 Go ahead\n1 errors\n3 x\n", "0 Go ahead\n1 errors\n-1 x\n", "0x\n", "\n",
	    "0 Go ahead\n2 errors\n1 x\n"};
	struct refusals refusals = {0};
	const int other = connect_to_text(texts[_i], false);

	add(0);
	add(1);
	ck_assert_int_eq(rrdcached_send(client, on_refused, &refusals, message, sizeof message),
	    GRAPPE_ETIMEOUT);
	ck_assert(!rrdcached_is_connected(client));
	ck_assert_msg(strstr(message, "/nowhere/socket") != NULL, "%s", message);
	ck_assert_int_le(refusals.count, 2);
	close(other);
}
END_TEST
#define NONSENSE 13

START_TEST(a_line_without_end_ends_the_connection)
{
	char text[20001];
	struct refusals refusals = {0};
	int other;

	memset(text, '0', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	other = connect_to_text(text, true);
	add(0);
	ck_assert_int_eq(rrdcached_send(client, on_refused, &refusals, message, sizeof message),
	    GRAPPE_ETIMEOUT);
	ck_assert_msg(strstr(message, "without end") != NULL, "%s", message);
	close(other);
}
END_TEST

static double elapsed_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* One that accepts and never answers holds nobody up for longer than the time limit, also when
 * it does not even read. */
START_TEST(silence_ends_in_time)
{
	struct refusals refusals = {0};
	const int other = connect_to_text("0 Go ahead\n", true);
	const double begin = elapsed_s();

	for (int i = 0; i < 20000; i++)
		add((uint32_t)i);
	ck_assert_int_eq(rrdcached_send(client, on_refused, &refusals, message, sizeof message),
	    GRAPPE_ETIMEOUT);
	ck_assert_msg(strstr(message, "answer") != NULL, "%s", message);
	ck_assert_double_lt(elapsed_s() - begin, 5);
	/* What was not sent does not come up in the next batch, or on the next connection. */
	ck_assert_int_eq(rrdcached_flush(client, "/x", message, sizeof message), GRAPPE_ETIMEOUT);
	ck_assert_int_eq(
	    rrdcached_send(client, on_refused, &refusals, message, sizeof message), GRAPPE_OK);
	close(other);
}
END_TEST

START_TEST(nobody_there)
{
	ck_assert_int_eq(rrdcached_connect(client, message, sizeof message), GRAPPE_ETIMEOUT);
	ck_assert_msg(strstr(message, "No such file") != NULL, "%s", message);
	ck_assert(!rrdcached_is_connected(client));
}
END_TEST

/* Names with blanks, what is refused, flushing and forgetting, as the real one does it. */
START_TEST(the_real_one)
{
	struct archives_daemon daemon_;
	struct archive_layout layout;
	struct refusals refusals = {0};
	struct rrdfile_point points[2] = {{EPOCH + 30, {1, 2}}, {EPOCH + 60, {3, 4}}};
	struct rrdfile_head head;
	char path[400];

	archives_daemon_start(&daemon_, false);
	rrdcached_free(client);
	client = rrdcached_new(daemon_.address, 5000);
	snprintf(path, sizeof path, "%s/a \\ b.rrd", daemon_.folder);
	archive_layout_default(30, &layout);
	ck_assert_int_eq(
	    rrdfile_create(path, RRDFILE_PAIR, &layout, EPOCH, message, sizeof message), GRAPPE_OK);
	ck_assert_int_eq(rrdcached_connect(client, message, sizeof message), GRAPPE_OK);
	rrdcached_add(client, 0, path, points, 2);
	rrdcached_add(client, 1, path, points + 1, 1);
	ck_assert_int_eq(
	    rrdcached_send(client, on_refused, &refusals, message, sizeof message), GRAPPE_OK);
	ck_assert_int_eq(refusals.count, 1);
	ck_assert_int_eq(refusals.kind, RRDCACHED_STORED);
	ck_assert_uint_eq(refusals.tag, 1);
	rrdcached_add(client, 5, "/nowhere/at all.rrd", points, 1);
	ck_assert_int_eq(
	    rrdcached_send(client, on_refused, &refusals, message, sizeof message), GRAPPE_OK);
	ck_assert_int_eq(refusals.count, 2);
	ck_assert_int_eq(refusals.kind, RRDCACHED_MISSING);
	ck_assert_int_eq(rrdcached_flush(client, path, message, sizeof message), GRAPPE_OK);
	ck_assert_int_eq(rrdfile_read_head(path, RRDFILE_PAIR, &head), GRAPPE_OK);
	ck_assert_int_eq(head.last_s, EPOCH + 60);
	points[0].end_s = EPOCH + 90;
	rrdcached_add(client, 0, path, points, 1);
	ck_assert_int_eq(
	    rrdcached_send(client, on_refused, &refusals, message, sizeof message), GRAPPE_OK);
	ck_assert_int_eq(rrdcached_forget(client, path, message, sizeof message), GRAPPE_OK);
	ck_assert_int_eq(rrdcached_flush_all(client, message, sizeof message), GRAPPE_OK);
	ck_assert_int_eq(rrdfile_read_head(path, RRDFILE_PAIR, &head), GRAPPE_OK);
	ck_assert_int_eq(head.last_s, EPOCH + 60);
	archives_daemon_remove(&daemon_);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("rrdcached");
	TCase *c = tcase_create("rrdcached");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, addresses);
	tcase_add_test(c, refusals_find_their_update);
	tcase_add_test(c, long_updates_make_several_lines);
	tcase_add_loop_test(c, nonsense_ends_the_connection, 0, NONSENSE);
	tcase_add_test(c, a_line_without_end_ends_the_connection);
	tcase_add_test(c, silence_ends_in_time);
	tcase_add_test(c, nobody_there);
	tcase_add_test(c, the_real_one);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
