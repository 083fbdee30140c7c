/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A writer process is killed (SIGKILL) at random instants and started again, as often as KILLS
 * says. Each time it goes on after the last committed period of each receiver. In the end every
 * period must be stored exactly once, and the sums of consolidated rows must be true. The same with
 * writers that use rrdcached, where now the writer, now the daemon, now both are killed; with the
 * daemon's journal and without it.
 */
#include "common/error.h"
#include "tests/unit/archives.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define STEP 30
#define KILLS 80
#define RECEIVERS 3
#define SENDERS 5
#define AFTER 60    /* periods the last writer adds in peace */
#define LIMIT 28800 /* periods the finest level holds */
#define NOW (EPOCH + (int64_t)LIMIT * STEP)

static const char *const receivers[RECEIVERS] = {VM_A, VM_B, NFS};
static const char *const others[SENDERS] = {
    VM_C, "mac-020000000004", "external", "multicast", "endpoint:dns"};

/* ---- the truth ---- */

static bool is_known(int period, int receiver)
{
	return (period * 7 + receiver) % 13 != 0;
}

static double packets_of(int period, int receiver, int sender)
{
	return (period * 31 + receiver * 7 + sender * 3) % 4 == 0
		   ? 0
		   : period + 100000.0 * sender + 7.0 * receiver;
}

static void init_layout(struct archive_layout *layout)
{
	*layout = (struct archive_layout){.length_s = STEP,
	    .count = 3,
	    .levels = {{STEP, (int64_t)LIMIT * STEP}, {300, (int64_t)LIMIT * STEP},
		{3600, (int64_t)LIMIT * STEP}}};
}

/* ---- the process that is killed ---- */

static struct archives_daemon cached;
static bool cached_used;
static int outages; /* of the daemon, as the writer sees them */

static void wait_a_little(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* No ck_assert here: the check library's messages of a killed process would be torn. */
static void write_one(struct archive *archive, int period, int receiver)
{
	struct archive_update *update =
	    archive_update_new(receivers[receiver], EPOCH + (int64_t)period * STEP, 1, SENDERS);
	char message[1024];
	int rc;

	if (update == NULL)
		_exit(2);
	for (int k = 0; k < SENDERS; k++) {
		snprintf(update->senders[k].sender, VM_ID_SIZE, "%s", others[k]);
		update->senders[k].packets = packets_of(period, receiver, k);
		update->senders[k].octets = 2 * update->senders[k].packets;
	}
	while ((rc = archive_write(archive, update, NOW, false, message, sizeof message)) ==
	       GRAPPE_ETIMEOUT)
		wait_a_little();
	if (rc != GRAPPE_OK) {
		fprintf(stderr, "%s\n", message);
		_exit(2);
	}
	archive_update_free(update);
}

static void commit(struct archive *archive)
{
	char message[1024];
	int rc;

	while ((rc = archive_commit(archive, false, message, sizeof message)) == GRAPPE_ETIMEOUT)
		wait_a_little();
	if (rc != GRAPPE_OK || message[0] != '\0') {
		fprintf(stderr, "commit: %d %s\n", rc, message);
		_exit(5);
	}
}

/* As the collector does: goes on after what is committed. */
static int last_period(const char *folder, int receiver)
{
	struct archive_reader *reader;
	int64_t end_s, length_s;
	int rc;

	if (archive_reader_open(folder, &reader) != GRAPPE_OK)
		_exit(3);
	rc = archive_read_last(reader, receivers[receiver], &end_s, &length_s);
	archive_reader_close(reader);
	if (rc != GRAPPE_OK && rc != GRAPPE_ENOTFOUND)
		_exit(3);
	return rc == GRAPPE_OK ? (int)((end_s - EPOCH) / STEP) : 0;
}

static void run_writer(const char *folder, int limit)
{
	struct archive_layout layout;
	struct archive *archive;
	char message[1024];
	int last[RECEIVERS];

	init_layout(&layout);
	if (archive_open(folder, &layout,
		&(struct archive_options){.rrdcached = cached_used ? cached.address : NULL},
		&archive, message, sizeof message) != GRAPPE_OK ||
	    message[0] != '\0') {
		fprintf(stderr, "%s\n", message);
		_exit(4);
	}
	for (int r = 0; r < RECEIVERS; r++)
		last[r] = last_period(folder, r);
	for (int period = 1; period <= limit; period++) {
		for (int r = 0; r < RECEIVERS; r++)
			if (period > last[r] && is_known(period, r))
				write_one(archive, period, r);
		if (period % 9 == 0)
			commit(archive);
	}
	commit(archive);
	archive_close(archive);
	_exit(0);
}

static pid_t start_writer(const char *folder, int limit)
{
	const pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		run_writer(folder, limit);
	return pid;
}

/* ---- what must be there ---- */

static void check_pair(struct archive_reader *reader, int receiver, int sender, int periods)
{
	struct archive_rows rows;

	ck_assert_int_eq(archive_read_pair(reader, receivers[receiver], others[sender], EPOCH,
			     EPOCH + (int64_t)periods * STEP, true, &rows),
	    GRAPPE_OK);
	for (int i = 1; i <= periods; i++) {
		const struct archive_row *row = &rows.rows[i - 1];
		const bool known = is_known(i, receiver);

		ck_assert_msg(row->known == known, "period %d of %s", i, receivers[receiver]);
		ck_assert_msg(row->packets == (known ? packets_of(i, receiver, sender) : 0),
		    "period %d of %s from %s: %f", i, receivers[receiver], others[sender],
		    row->packets);
	}
	archive_rows_deinit(&rows);
}

/* Mean x known share x length of the 5 min rows, from the files by rrdtool. */
static void check_sums(const char *folder, int receiver, int sender, int periods)
{
	static double pair[LIMIT / 10][2], coverage[LIMIT / 10][2];
	const int64_t to = EPOCH + (int64_t)(periods / 10) * 300;
	char path[1024], name[128];

	snprintf(name, sizeof name, "%s.rrd", others[sender]);
	for (char *colon; (colon = strchr(name, ':')) != NULL;)
		*colon = '-';
	archives_path(path, sizeof path, folder,
	    receiver == 2 ? "endpoint-nfs.example" : receivers[receiver], name);
	archives_fetch(path, "AVERAGE", 300, EPOCH, to, pair, LIMIT / 10);
	archives_path(path, sizeof path, folder,
	    receiver == 2 ? "endpoint-nfs.example" : receivers[receiver], "coverage.rrd");
	archives_fetch(path, "AVERAGE", 300, EPOCH, to, coverage, LIMIT / 10);
	for (int i = 0; i < periods / 10 - 1; i++) { /* the pair's last row may still grow */
		double sum = 0;

		for (int k = i * 10 + 1; k <= i * 10 + 10; k++)
			sum += is_known(k, receiver) ? packets_of(k, receiver, sender) : 0;
		ck_assert_double_eq_tol(pair[i][0] * coverage[i][0] * 300, sum, 1e-3);
	}
}

static int newest_period(const char *folder)
{
	int newest = 0;

	for (int r = 0; r < RECEIVERS; r++)
		if (last_period(folder, r) > newest)
			newest = last_period(folder, r);
	return newest;
}

START_TEST(every_period_is_stored_exactly_once)
{
	char folder[UNIT_PATH_SIZE];
	struct archive_reader *reader;
	unsigned state = 4711;
	const int wanted = _i > 0 ? KILLS / 2 : KILLS;
	int status, periods, kills = 0;

	unit_make_folder(folder);
	cached_used = _i > 0;
	if (cached_used)
		archives_daemon_start(&cached, _i == 1);
	/* On a busy machine many a writer dies before it has written: then more follow, and live
	 * longer. */
	while (kills < wanted || newest_period(folder) <= kills) {
		const pid_t pid = start_writer(folder, LIMIT);
		struct timespec life = {0};

		state = state * 1664525 + 1013904223;
		life.tv_nsec = (500000 + (long)(state >> 8)) * (cached_used ? 12 : 1) *
			       (kills < wanted ? 1 : 4);
		nanosleep(&life, NULL);
		if (cached_used && kills % 3 != 0) { /* the daemon under a writer that lives on */
			archives_daemon_kill(&cached);
			archives_daemon_restart(&cached);
			outages++;
			nanosleep(&life, NULL);
		}
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		if (cached_used && kills % 3 == 2) {
			archives_daemon_kill(&cached);
			archives_daemon_restart(&cached);
			outages++;
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(WIFSIGNALED(status), "the writer ended by itself: %x", status);
		kills++;
	}
	periods = newest_period(folder) + AFTER;
	ck_assert_int_le(periods, LIMIT);
	ck_assert_int_eq(waitpid(start_writer(folder, periods), &status, 0) > 0, 1);
	ck_assert_int_eq(status, 0);
	printf("%d kills of the writer, %d of rrdcached, %d periods of %d receivers\n", kills,
	    outages, periods, RECEIVERS);
	ck_assert_int_gt(periods, kills + AFTER);
	ck_assert_int_eq(archive_reader_open(folder, &reader), GRAPPE_OK);
	for (int r = 0; r < RECEIVERS; r++)
		for (int k = 0; k < SENDERS; k++) {
			check_pair(reader, r, k, periods);
			check_sums(folder, r, k, periods);
		}
	archive_reader_close(reader);
	if (cached_used)
		archives_daemon_remove(&cached);
	archives_remove(folder);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("archive_crash");
	TCase *c = tcase_create("archive_crash");

	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, every_period_is_stored_exactly_once, 0, 3);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
