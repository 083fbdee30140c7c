/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What dashboards are told in each period (doc/dashboards.md): the states of a few services, one
 * for the recommendation as a whole, one for each labelled application, one for each environment
 * (site); never one for a pair or a group without a name. Made from the recommendation document and
 * from how the manager's input is. Names of VMs, applications and sites come from the network: what
 * a monitoring system could take for markup, separators or commands does not come out of here.
 * Pure; one thread.
 *
 * Life-cycle: service_states_make() into a struct, read, service_states_deinit().
 */
#ifndef GRAPPE_MANAGER_SERVICE_STATE_H
#define GRAPPE_MANAGER_SERVICE_STATE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define SERVICE_NAME_SIZE 96  /* of a service, with its final zero */
#define SERVICE_TEXT_SIZE 120 /* first line */
#define SERVICE_PERFDATA_SIZE 256
#define SERVICE_DETAILS_SIZE 2048 /* further lines */
#define SERVICES_MAX 1000

/* In the order and with the numbers of Nagios. */
enum service_level { SERVICE_OK, SERVICE_WARNING, SERVICE_CRITICAL, SERVICE_UNKNOWN };

extern const char *const service_level_names[]; /* "OK" … */

enum service_kind { SERVICE_OVERALL, SERVICE_APPLICATION, SERVICE_SITE };

struct service_state {
	enum service_kind kind;
	char name[SERVICE_NAME_SIZE]; /* "recommendation", "application shop", "site site-1" */
	enum service_level level;
	char text[SERVICE_TEXT_SIZE];         /* one line without '|', ';' or backslash */
	char perfdata[SERVICE_PERFDATA_SIZE]; /* the same labels in the same order, always */
	char details[SERVICE_DETAILS_SIZE];   /* lines, each ended by a newline; may be "" */
};

struct service_states {
	struct service_state *items; /* the overall one first, then applications, then sites */
	size_t count;
	size_t left_out; /* applications and sites beyond SERVICES_MAX; the overall one says so */
};

struct service_input {
	const json_t *document;  /* the recommendation, checked; NULL: there is none yet */
	const char *input_state; /* "ok", "waiting", "failing" */
	const char *input_error;
	int64_t input_to_s; /* end of the newest window, epoch seconds; 0 none yet */
	int64_t stale_s;    /* age of it from which nothing is known any more */
	int64_t now_s;
	const json_t *environments; /* the environment document, or NULL */
};

/* service_states_make - the same input gives the same states in the same order. Returns 0 or
 * GRAPPE_EMEMORY (then *out is empty). */
int service_states_make(const struct service_input *input, struct service_states *out);
void service_states_deinit(struct service_states *states);

/* service_clean_text - copies a line: control characters, '|', ';', backslash, '<' and '>' are
 * replaced, so is what is no UTF-8, and
 * it is cut between characters. Returns out. */
char *service_clean_text(const char *text, char *out, size_t size);
/* service_clean_name - the same for the name of an object, which may hold less: letters, digits,
 * " ._:/@+-" and UTF-8 beyond ASCII. What had to be changed or cut gets a mark made of its bytes,
 * so that two different names stay different. size >= 16. Returns out. */
char *service_clean_name(const char *text, char *out, size_t size);

/* service_cut_utf8 - the longest length <= limit that does not cut a character of text. */
size_t service_cut_utf8(const char *text, size_t limit);

#endif
