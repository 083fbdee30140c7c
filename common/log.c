/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/log.h"

#include "common/clock.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *program_name = "grappe";
static enum log_level most_talkative = LOG_LEVEL_INFO;
static void (*foreign_sink)(enum log_level level, const char *text);

static const struct {
	int syslog_priority;
	const char *word;
} levels[] = {
    [LOG_LEVEL_ERROR] = {3, "error"},
    [LOG_LEVEL_WARNING] = {4, "warning"},
    [LOG_LEVEL_INFO] = {6, "info"},
    [LOG_LEVEL_DEBUG] = {7, "debug"},
};

void log_open(const char *program, enum log_level level)
{
	program_name = program;
	most_talkative = level;
}

void log_to(void (*sink)(enum log_level level, const char *text))
{
	foreign_sink = sink;
}

static void replace_controls(char *text)
{
	for (; *text != '\0'; text++)
		if (iscntrl((unsigned char)*text))
			*text = '?';
}

/* True when standard error goes to the journal: systemd tells its device and inode. */
static bool goes_to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;

	return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device &&
	       status.st_ino == inode;
}

static void write_line(enum log_level level, const char *format, va_list arguments)
{
	const int saved = errno;
	char text[1024], stamp[32];
	struct tm when;
	time_t now;

	if (level > most_talkative)
		return;
	vsnprintf(text, sizeof text, format, arguments);
	replace_controls(text);
	if (foreign_sink != NULL) {
		foreign_sink(level, text);
		errno = saved;
		return;
	}
	if (goes_to_journal()) {
		fprintf(stderr, "<%d>%s\n", levels[level].syslog_priority, text);
		errno = saved;
		return;
	}
	now = (time_t)(clock_wall_ns() / CLOCK_SECOND_NS);
	localtime_r(&now, &when);
	strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &when);
	fprintf(stderr, "%s %s: %s: %s\n", stamp, program_name, levels[level].word, text);
	errno = saved;
}

#define DEFINE_LEVEL(function, level)                                                              \
	void function(const char *format, ...)                                                     \
	{                                                                                          \
		va_list arguments;                                                                 \
		va_start(arguments, format);                                                       \
		write_line(level, format, arguments);                                              \
		va_end(arguments);                                                                 \
	}
DEFINE_LEVEL(log_error, LOG_LEVEL_ERROR)
DEFINE_LEVEL(log_warning, LOG_LEVEL_WARNING)
DEFINE_LEVEL(log_info, LOG_LEVEL_INFO)
DEFINE_LEVEL(log_debug, LOG_LEVEL_DEBUG)

#define FIRST_INTERVAL_NS (60 * CLOCK_SECOND_NS)
#define LAST_INTERVAL_NS (3600 * CLOCK_SECOND_NS)

bool log_complain(struct log_complaint *complaint, const char *format, ...)
{
	const int64_t now = clock_monotonic_ns();
	va_list arguments;

	if (complaint->next_ns != 0 && now < complaint->next_ns) {
		complaint->suppressed++;
		return false;
	}
	va_start(arguments, format);
	write_line(LOG_LEVEL_WARNING, format, arguments);
	va_end(arguments);
	if (complaint->suppressed > 0)
		log_warning("(the same %llu times more since the last line)",
		    (unsigned long long)complaint->suppressed);
	if (complaint->interval_ns == 0)
		complaint->interval_ns = FIRST_INTERVAL_NS;
	else if (complaint->interval_ns < LAST_INTERVAL_NS)
		complaint->interval_ns *= 2;
	complaint->next_ns = now + complaint->interval_ns;
	complaint->suppressed = 0;
	return true;
}

void log_recovered(struct log_complaint *complaint, const char *format, ...)
{
	va_list arguments;

	if (complaint->next_ns == 0)
		return;
	va_start(arguments, format);
	write_line(LOG_LEVEL_INFO, format, arguments);
	va_end(arguments);
	*complaint = (struct log_complaint){0};
}
