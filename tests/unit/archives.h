/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What tests of the archives share: a folder with all below it, writing periods in one line, an
 * exact account of what was written to compare with, and the real rrdtool.
 */
#ifndef GRAPPE_TESTS_UNIT_ARCHIVES_H
#define GRAPPE_TESTS_UNIT_ARCHIVES_H

#include "rrd/archive.h"
#include "rrd/archive_read.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define VM_A "mac-020000000001"
#define VM_B "mac-020000000002"
#define VM_C "mac-020000000003"
#define NFS "endpoint:nfs.example"

#define EPOCH                                                                                      \
	INT64_C(1790006400) /* 2026-09-21T16:00:00Z, a multiple of every resolution below a day */

/* archives_remove - the folder and everything below it. */
void archives_remove(const char *folder);

/* archives_open - fails the test when it cannot be opened. */
struct archive *archives_open(const char *folder, const struct archive_layout *layout);
/* archives_open_with - through the rrdcached at this address; NULL: directly. */
struct archive *archives_open_with(
    const char *folder, const struct archive_layout *layout, const char *rrdcached);

/* A real rrdcached of the test's own. */
struct archives_daemon {
	char folder[256]; /* its socket, pid file and journal */
	char address[300];
	pid_t pid;
	bool journal;
};
/* archives_daemon_start - folder: a new, empty one is made below /tmp; waits until it answers.
 * archives_daemon_stop / archives_daemon_kill - in order, which writes everything, or by SIGKILL.
 * archives_daemon_restart - with the same socket and journal.
 * archives_daemon_remove - stops it, if it runs, and removes its folder. */
void archives_daemon_start(struct archives_daemon *daemon, bool journal);
void archives_daemon_restart(struct archives_daemon *daemon);
void archives_daemon_stop(struct archives_daemon *daemon);
void archives_daemon_kill(struct archives_daemon *daemon);
void archives_daemon_remove(struct archives_daemon *daemon);

/* archives_update - a period of receiver with the senders {id, packets}; octets are 100 x packets +
 * 7 where there are packets. */
struct archive_update *archives_update(const char *receiver, int64_t end_s, double known,
    size_t nsenders, const struct archive_sender *senders);

/* archives_write - writes it with its end as the present; the code of archive_write(). message:
 * 1024 bytes or NULL. */
int archives_write(struct archive *archive, const char *receiver, int64_t end_s, double known,
    size_t nsenders, const struct archive_sender *senders, char *message);

/* archives_write_one - one sender; must succeed. */
void archives_write_one(struct archive *archive, const char *receiver, const char *sender,
    int64_t end_s, double packets);

/* archives_path - FOLDER/receiver/file */
void archives_path(
    char *path, size_t size, const char *folder, const char *receiver, const char *file);

/* archives_rrdtool - runs the real rrdtool with these arguments (NULL-terminated) and returns what
 * it prints, to be freed; a failure of rrdtool fails the test. */
char *archives_rrdtool(const char *const *arguments);

/* archives_fetch - rows of `rrdtool fetch PATH CF -r resolution -s from -e to` for (from, to]:
 * values[i] of the i-th row; returns how many rows there were. */
size_t archives_fetch(const char *path, const char *function, int64_t resolution_s, int64_t from_s,
    int64_t to_s, double (*values)[2], size_t room);

#endif
