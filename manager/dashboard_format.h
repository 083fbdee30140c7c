/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bytes that dashboards take and what their answers mean (doc/dashboards.md): external commands
 * of Nagios, forms of its cmd.cgi, NRDP, the REST API of Icinga 2, JSON, lines of NSCA. What is
 * formatted was cleaned by service_state.h; what is read is hostile. Pure; any thread.
 *
 * Sources: https://assets.nagios.com/downloads/nagioscore/docs/ (external commands, passive
 * checks), Icinga 2 API documentation (process-check-result), the answers of Nagios 4.4.6,
 * Icinga 2.13.6 and NRDP 2 as they were seen.
 */
#ifndef GRAPPE_MANAGER_DASHBOARD_FORMAT_H
#define GRAPPE_MANAGER_DASHBOARD_FORMAT_H

#include "manager/dashboard_queue.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define DASHBOARD_LINE_MAX 4096  /* PIPE_BUF: what a FIFO takes in one piece */
#define DASHBOARD_FIELD_MAX 1000 /* bytes that a field of cmd.cgi may have */
#define DASHBOARD_FORM_ID_SIZE 65

/* What became of a result that was sent. */
enum dashboard_outcome {
	DASHBOARD_DELIVERED,
	DASHBOARD_AGAIN,  /* nobody there, or the like: worth another try later */
	DASHBOARD_REFUSED /* it will not be taken: given up */
};

/* dashboard_format_fifo - the external command, ended by a newline, never longer than line; what
 * does not fit of the further lines is left out, and the line says so. */
void dashboard_format_fifo(
    const struct dashboard_result *result, char line[DASHBOARD_LINE_MAX + 1]);

/* All of these return a text for free(), NULL without memory. */

/* dashboard_format_cgi - the form of cmd.cgi, no field longer than DASHBOARD_FIELD_MAX. */
char *dashboard_format_cgi(const struct dashboard_result *result, const char *form_id);
/* dashboard_format_nrdp - the form with results as JSON and the token. */
char *dashboard_format_nrdp(
    const struct dashboard_result *const *results, size_t count, const char *token);
/* dashboard_format_icinga - process-check-result for one service. */
char *dashboard_format_icinga(const struct dashboard_result *result);
/* dashboard_format_json - the document of kind webhook. */
char *dashboard_format_json(const struct dashboard_result *const *results, size_t count);
/* dashboard_format_chat - one line a result and its details, for people. */
char *dashboard_format_chat(const struct dashboard_result *const *results, size_t count);
/* dashboard_format_nsca - host, service, state and output, separated by tabs, with a newline:
 * what send_nsca(1) and send_nsca-ng read. */
char *dashboard_format_nsca(const struct dashboard_result *result);

/* The judges look at the body of an answer that came with 200 (Icinga: with any code) and say why
 * in reason; "" when it was taken. */
enum dashboard_outcome dashboard_judge_cgi(
    const char *body, bool *form_refused, char *reason, size_t size);
enum dashboard_outcome dashboard_judge_nrdp(
    const char *body, size_t length, char *reason, size_t size);
enum dashboard_outcome dashboard_judge_icinga(
    long code, const char *body, size_t length, char *reason, size_t size);

/* dashboard_read_form_id - the id from the value of a Set-Cookie header ("NagFormId=333ab105; …").
 * Returns whether there was one. */
bool dashboard_read_form_id(const char *cookie, char id[DASHBOARD_FORM_ID_SIZE]);

#endif
