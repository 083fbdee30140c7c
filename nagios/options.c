/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nagios/options.h"

#include "common/buffer.h"
#include "common/error.h"
#include "common/file.h"
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NAME "check_grappe"
#define TIMEOUT_DEFAULT_S 10
#define TIMEOUT_MAX_S 3600
#define LONG_ONLY 256 /* values of options without a letter start here */

static const struct mode *const modes[] = {&mode_recommendation, &mode_collector, &mode_agent};
#define NMODES (sizeof modes / sizeof *modes)

enum { OPT_COMMUNITY_FILE = LONG_ONLY, OPT_TIMEOUT_STATE };

static const struct {
	int value; /* letter, or above LONG_ONLY */
	const char *name, *argument, *text;
} table[] = {
    {'m', "mode", "MODE", "what to check, see below"},
    {'s', "socket", "PATH", "socket of the manager or collector"},
    {'H', "hostname", "HOST[:PORT]", "agent: host whose snmpd is asked"},
    {'p', "port", "PORT", "agent: UDP port of snmpd (161)"},
    {'C', "community", "TEXT", "agent: SNMPv2c community (public)"},
    {OPT_COMMUNITY_FILE, "community-file", "FILE",
	"agent: file with the community, not readable by others"},
    {'w', "warning", "RANGE", "age in seconds that is a WARNING"},
    {'c', "critical", "RANGE", "age in seconds that is CRITICAL"},
    {'t', "timeout", "SECONDS", "give up after this time (10)"},
    {OPT_TIMEOUT_STATE, "timeout-state", "STATE", "state when nobody answers (UNKNOWN)"},
    {'v', "verbose", NULL, "show all checks; again: more"},
    {'h', "help", NULL, "show this help"},
    {'V', "version", NULL, "show the version"},
};
#define NOPTIONS (sizeof table / sizeof *table)

/* ---- what is said ---- */

static bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool complain(const char *format, ...)
{
	char text[PLUGIN_TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	plugin_clean_text(text, true);
	printf("GRAPPE UNKNOWN - %s\nTry \"" NAME " --help\".\n", text);
	return false;
}

static void show_version(void)
{
	puts(NAME " v" PACKAGE_VERSION " (" PACKAGE_NAME ")");
}

static void show_help(void)
{
	show_version();
	fputs("Watches Grappe: what its manager recommends, its collector, its agents.\n\n"
	      "Usage: " NAME " -m MODE [-s PATH] [-w RANGE] [-c RANGE] [-t SECONDS] [-v]\n"
	      "       " NAME " -m agent -H HOST[:PORT] [-C TEXT | --community-file FILE] ...\n\n",
	    stdout);
	for (size_t i = 0; i < NOPTIONS; i++) {
		char names[48];

		snprintf(names, sizeof names, "%c%c%s --%s%s%s",
		    table[i].value < LONG_ONLY ? '-' : ' ',
		    table[i].value < LONG_ONLY ? table[i].value : ' ',
		    table[i].value < LONG_ONLY ? "," : " ", table[i].name,
		    table[i].argument != NULL ? "=" : "",
		    table[i].argument != NULL ? table[i].argument : "");
		printf(" %-32s %s\n", names, table[i].text);
	}
	fputs("\nModes:\n", stdout);
	for (size_t i = 0; i < NMODES; i++)
		printf(" %-16s%s\n", modes[i]->name, modes[i]->text);
	fputs(
	    "\nRANGE is [@]START:END as in other plugins: an alert outside (with @ inside) of it.\n"
	    "\"120\" is 0:120, \"120:\" has no upper end, \"~:120\" no lower one.\n"
	    "STATE is OK, WARNING, CRITICAL, UNKNOWN or 0 to 3. The worst of all checks wins, in "
	    "the\n"
	    "order OK, UNKNOWN, WARNING, CRITICAL. Everything else is in check_grappe(8).\n",
	    stdout);
}

/* ---- values ---- */

static bool take_mode(const char *text, struct options *options)
{
	for (size_t i = 0; i < NMODES; i++)
		if (strcmp(text, modes[i]->name) == 0) {
			options->mode = modes[i];
			return true;
		}
	return complain("no mode %s", text);
}

static bool take_range(const char *text, const char *name, struct range *range)
{
	const int rc = range_parse(text, range);

	if (rc == GRAPPE_ERANGE)
		return complain("--%s %s: a range starts at or below its end", name, text);
	return rc == GRAPPE_OK ||
	       complain("--%s %s is no range such as 120, 10:20 or ~:120", name, text);
}

static bool take_timeout(const char *text, unsigned *seconds)
{
	unsigned value = 0;

	for (const char *c = text; *c != '\0'; c++) {
		if (!isdigit((unsigned char)*c) || value > TIMEOUT_MAX_S)
			return complain("--timeout %s is no whole number of seconds up to %d", text,
			    TIMEOUT_MAX_S);
		value = value * 10 + (unsigned)(*c - '0');
	}
	*seconds = value;
	return (value > 0 && value <= TIMEOUT_MAX_S) ||
	       complain("--timeout %s is not between 1 and %d seconds", text, TIMEOUT_MAX_S);
}

static bool take_community(const char *text, struct options *options)
{
	if (text[0] == '\0' || strlen(text) >= sizeof options->community)
		return complain(
		    "a community has 1 to %zu characters", sizeof options->community - 1);
	snprintf(options->community, sizeof options->community, "%s", text);
	return true;
}

static bool take_community_file(const char *path, struct options *options)
{
	struct buffer text;
	struct stat status;
	bool ok;
	int rc = file_read(path, sizeof options->community, &text);

	while (rc == GRAPPE_OK && text.length > 0 &&
	       strchr("\r\n", text.bytes[text.length - 1]) != NULL)
		text.length--;
	buffer_put_u8(&text, 0);
	if (rc == GRAPPE_EIO)
		ok = complain("community file %s: %s", path, strerror(errno));
	else if (rc != GRAPPE_OK || text.error != GRAPPE_OK)
		ok = complain("community file %s: %s", path, error_text(rc));
	else if (stat(path, &status) != 0 || (status.st_mode & S_IRWXO) != 0)
		ok = complain("community file %s is open to everybody; chmod 640 it", path);
	else if (strpbrk((const char *)text.bytes, "\r\n") != NULL ||
		 strlen((const char *)text.bytes) + 1 != text.length)
		ok = complain("community file %s holds more than one line of text", path);
	else
		ok = take_community((const char *)text.bytes, options);
	buffer_deinit(&text);
	return ok;
}

static bool take_option(int value, const char *argument, struct options *options)
{
	switch (value) {
	case 'm':
		return take_mode(argument, options);
	case 's':
		options->socket = argument;
		return true;
	case 'H':
		options->host = argument;
		return true;
	case 'p':
		options->port = argument;
		return true;
	case 'C':
		return take_community(argument, options);
	case OPT_COMMUNITY_FILE:
		return take_community_file(argument, options);
	case 'w':
		return take_range(argument, "warning", &options->warning);
	case 'c':
		return take_range(argument, "critical", &options->critical);
	case 't':
		return take_timeout(argument, &options->timeout_s);
	case OPT_TIMEOUT_STATE:
		return plugin_parse_state(argument, &options->timeout_state) == GRAPPE_OK ||
		       complain(
			   "--timeout-state %s is none of OK, WARNING, CRITICAL, UNKNOWN, 0 to 3",
			   argument);
	case 'v':
		options->verbosity += options->verbosity < 3;
		return true;
	case 'h':
		show_help();
		return false;
	case 'V':
		show_version();
		return false;
	default:
		return complain("an option is not known or lacks its value");
	}
}

static bool check_together(const struct options *options)
{
	if (options->mode == NULL)
		return complain("--mode is missing: recommendation, collector or agent");
	if (options->mode == &mode_agent) {
		if (options->host == NULL || options->host[0] == '\0')
			return complain("mode agent needs --hostname");
		return options->socket == NULL || complain("mode agent asks by SNMP: no --socket");
	}
	if (options->host != NULL || options->port != NULL)
		return complain(
		    "mode %s asks a local socket: no --hostname, no --port", options->mode->name);
	return true;
}

bool options_parse(int argc, char **argv, struct options *options)
{
	struct option longs[NOPTIONS + 1] = {0};
	char shorts[NOPTIONS * 2 + 2] = ":";
	size_t n = 1;
	int value;

	for (size_t i = 0; i < NOPTIONS; i++) {
		const bool wants = table[i].argument != NULL;

		longs[i] = (struct option){
		    table[i].name, wants ? required_argument : no_argument, NULL, table[i].value};
		if (table[i].value >= LONG_ONLY)
			continue;
		shorts[n++] = (char)table[i].value;
		if (wants)
			shorts[n++] = ':';
	}
	*options = (struct options){
	    .timeout_s = TIMEOUT_DEFAULT_S, .timeout_state = PLUGIN_UNKNOWN, .community = "public"};
	opterr = 0;
	while ((value = getopt_long(argc, argv, shorts, longs, NULL)) != -1)
		if (!take_option(value, optarg, options))
			return false;
	if (optind < argc)
		return complain("%s: there are no arguments without an option", argv[optind]);
	return check_together(options);
}
