/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages to people. A program calls log_open() once, then any thread may log.
 * One line a message, to standard error; a line carries the syslog priority
 * prefix "<N>" of sd-daemon(3) when the program runs under systemd, a time stamp
 * and the program's name otherwise. Control characters of foreign text are replaced.
 * errno is kept.
 */
#ifndef GRAPPE_COMMON_LOG_H
#define GRAPPE_COMMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* log_open - program: name shown in every line (not copied, must stay); level: the most talkative
 * level that is still written. May be called again to change either. */
void log_open(const char *program, enum log_level level);

/* log_to - from now on lines go to sink, without stamp and name, instead of standard error; NULL:
 * as before. For code that runs inside a foreign program. */
void log_to(void (*sink)(enum log_level level, const char *text));

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * A fault that repeats (a dead agent, a full disk) is said at once, then after
 * 1, 2, 4 … minutes, at most once an hour; its end is said once. Embed one per
 * fault, zero-initialised; one thread at a time.
 */
struct log_complaint {
	int64_t next_ns;     /* monotonic time from which it may be said again; 0 = no fault */
	int64_t interval_ns; /* the present interval */
	uint64_t suppressed; /* occurrences not written since the last line */
};

/* log_complain - the fault is there (again). Returns true when a line was written. */
bool log_complain(struct log_complaint *complaint, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* log_recovered - the fault is over: writes the line if log_complain() had written one. */
void log_recovered(struct log_complaint *complaint, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
