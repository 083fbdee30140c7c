/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What waits for one dashboard: results of services, for each service in order, in one file that
 * is replaced as a whole. While results wait, consecutive ones with the same state become the
 * newest of them; changes of state are kept, but no more than DASHBOARD_QUEUE_CHANGES of a service
 * and DASHBOARD_QUEUE_RESULTS in all: then the oldest of the service that has most are merged.
 * Times of a service only grow, whatever the clock does, also over a restart. The
 * file is checked as hostile input when it is read.
 *
 * Life-cycle: dashboard_queue_open(), any number of dashboard_queue_push() and, with what
 * dashboard_queue_service() gives, …_oldest(), …_hold(), …_pop(), …_release();
 * dashboard_queue_save() after a batch; dashboard_queue_close(). One thread.
 */
#ifndef GRAPPE_MANAGER_DASHBOARD_QUEUE_H
#define GRAPPE_MANAGER_DASHBOARD_QUEUE_H

#include "manager/service_state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DASHBOARD_HOST_SIZE 96
#define DASHBOARD_SERVICE_SIZE 160
#define DASHBOARD_QUEUE_CHANGES 64      /* results of a service */
#define DASHBOARD_QUEUE_RESULTS 8192    /* of all */
#define DASHBOARD_QUEUE_SERVICES 4096   /* those that nothing was heard of for longest go first */
#define DASHBOARD_QUEUE_MAX (64u << 20) /* bytes of the file */

struct dashboard_result {
	char host[DASHBOARD_HOST_SIZE];       /* the object of the monitoring system */
	char service[DASHBOARD_SERVICE_SIZE]; /* of it */
	enum service_level level;
	char text[SERVICE_TEXT_SIZE];
	char perfdata[SERVICE_PERFDATA_SIZE];
	char details[SERVICE_DETAILS_SIZE];
	int64_t time_ms; /* epoch milliseconds; set by dashboard_queue_push() */
	int64_t ttl_s;   /* how long it counts */
};

struct dashboard_queue;   /* opaque */
struct dashboard_service; /* opaque: one service and what waits of it */

/* dashboard_queue_open - reads the file at path, if there is one, as state_file_load(). Returns 0, or
 * with words in message GRAPPE_EIO (errno) or GRAPPE_EMEMORY; then *out is NULL. */
int dashboard_queue_open(
    const char *path, struct dashboard_queue **out, char *message, size_t size);
/* dashboard_queue_close - without saving. NULL is allowed. */
void dashboard_queue_close(struct dashboard_queue *queue);

/* dashboard_queue_push - now_ms: what time it is; *result is copied, its time set. changes_only:
 * nothing is queued when the service's last result had the same level, nor a first one that is OK.
 * Returns 0 or GRAPPE_EMEMORY. */
int dashboard_queue_push(struct dashboard_queue *queue, const struct dashboard_result *result,
    int64_t now_ms, bool changes_only);
/* dashboard_queue_save - writes the file if anything changed. Returns 0, GRAPPE_EIO (errno) or
 * GRAPPE_EMEMORY. */
int dashboard_queue_save(struct dashboard_queue *queue);

/* dashboard_queue_service - the place-th service, place < dashboard_queue_services(). Stays valid
 * while something of it waits. */
size_t dashboard_queue_services(const struct dashboard_queue *queue);
struct dashboard_service *dashboard_queue_service(struct dashboard_queue *queue, size_t place);
/* dashboard_queue_oldest - what goes out next of a service, or NULL. */
const struct dashboard_result *dashboard_queue_oldest(const struct dashboard_service *service);
/* dashboard_queue_hold - the oldest is under way: it is not merged until …_pop() (it is done with)
 * or …_release() (it was not taken). */
void dashboard_queue_hold(struct dashboard_service *service);
bool dashboard_queue_held(const struct dashboard_service *service);
void dashboard_queue_release(struct dashboard_service *service);
void dashboard_queue_pop(struct dashboard_queue *queue, struct dashboard_service *service);

size_t dashboard_queue_waiting(const struct dashboard_queue *queue);  /* results */
uint64_t dashboard_queue_merged(const struct dashboard_queue *queue); /* since it was opened */

/* dashboard_queue_parse - the bytes of a file into an empty queue, for dashboard_queue_close(). For
 * tests. Returns 0, GRAPPE_EFORMAT, GRAPPE_ELIMIT or GRAPPE_EMEMORY with words in message; then
 * *out is NULL. */
int dashboard_queue_parse(
    const char *bytes, size_t length, struct dashboard_queue **out, char *message, size_t size);
/* dashboard_queue_format - the bytes of the file; for free(). NULL without memory. */
char *dashboard_queue_format(const struct dashboard_queue *queue);

#endif
