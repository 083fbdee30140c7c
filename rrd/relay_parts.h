/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What relay.c (handing periods over) and relay_commit.c share. Internal to these two.
 */
#ifndef GRAPPE_RRD_RELAY_PARTS_H
#define GRAPPE_RRD_RELAY_PARTS_H

#include "rrd/heads.h"
#include "rrd/relay.h"
#include "rrd/rrdcached.h"

/* What an update in the batch is about. */
struct tag {
	char sender[VM_ID_SIZE];
	int64_t before_s; /* last update handed over before it */
	double packets;
};

struct relay {
	struct archive *archive;
	struct rrdcached *client;
	struct receivers *receivers;
	struct heads *heads;
	struct tag *tags; /* of the batch */
	size_t ntags, capacity;
	int64_t now_s; /* the present as last told */
};

/* relay_make_job - the work on a period; message is emptied. */
struct job relay_make_job(
    struct relay *relay, const struct archive_update *update, char *message, size_t size);
/* relay_begin_job - fills in the job's receiver, as archive.c does from the coverage file. Returns
 * 0, or why the receiver's files cannot be used. */
int relay_begin_job(struct relay *relay, struct job *job);

/* relay_be_ready - connected, and rrdcached knows all that is not committed. Returns 0 or what kept
 * it from being so, with the reason in message. */
int relay_be_ready(struct relay *relay, char *message, size_t size);
/* relay_replay - hands over again what is in the spool and not remembered as handed over; receivers
 * of which something cannot be are marked as failing. Returns 0, GRAPPE_ETIMEOUT, or why the spool
 * cannot be read; message: the first thing that failed, if any. */
int relay_replay(struct relay *relay, char *message, size_t size);

#endif
