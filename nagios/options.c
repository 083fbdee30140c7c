/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nagios/options.h"

#include "common/buffer.h"
#include "common/error.h"
#include "common/file.h"
#include "common/keys.h"
#include "config.h"
#include "nagios/extra_opts.h"

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

#define WINDOW_MAX_S (366u * 86400)

enum {
	OPT_COMMUNITY_FILE = LONG_ONLY,
	OPT_V3_FILE,
	OPT_FROM,
	OPT_TO,
	OPT_WINDOW,
	OPT_UNMATCHED,
	OPT_TIMEOUT_STATE,
	OPT_EXTRA_OPTS,
};

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
    {OPT_V3_FILE, "v3-file", "FILE", "agent: file with a user of SNMPv3, the owner's alone"},
    {OPT_FROM, "from", "SIDE", "pair: a VM's name or id, app:LABEL or site:NAME"},
    {OPT_TO, "to", "SIDE", "pair: the other one"},
    {OPT_WINDOW, "window", "SECONDS", "pair: the mean of so long a time (300)"},
    {OPT_UNMATCHED, "unmatched", NULL, "drops: packets for no known VM are lost as well"},
    {'w', "warning", "RANGE", "what is a WARNING; of what: see below"},
    {'c', "critical", "RANGE", "what is CRITICAL"},
    {'t', "timeout", "SECONDS", "give up after this time (10)"},
    {OPT_TIMEOUT_STATE, "timeout-state", "STATE", "state when nobody answers (UNKNOWN)"},
    {OPT_EXTRA_OPTS, "extra-opts", "[SECTION][@FILE]", "more options from an INI file"},
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

static void show_options(void)
{
	for (size_t i = 0; i < NOPTIONS; i++) {
		const bool letter = table[i].value < LONG_ONLY;
		char names[48];

		snprintf(names, sizeof names, "%c%c%s --%s%s%s", letter ? '-' : ' ',
		    letter ? table[i].value : ' ', letter ? "," : " ", table[i].name,
		    table[i].argument != NULL ? "=" : "",
		    table[i].argument != NULL ? table[i].argument : "");
		printf(" %-32s %s\n", names, table[i].text);
	}
}

static void show_help(void)
{
	show_version();
	fputs("Watches Grappe: what its manager recommends, its collector, its agents, traffic.\n\n"
	      "Usage: " NAME " -m MODE [-s PATH] [-w RANGE] [-c RANGE] [-t SECONDS] [-v]\n"
	      "       " NAME " -m pair --from=SIDE --to=SIDE [--window=SECONDS] -w RANGE ...\n"
	      "       " NAME " -m agent -H HOST[:PORT] [--community-file FILE | --v3-file FILE] "
	      "...\n\n",
	    stdout);
	show_options();
	fputs("\nModes, and what -w and -c are of, with their defaults:\n", stdout);
	for (size_t i = 0; i < MODES; i++)
		printf(" %-16s%s\n %-16s%s\n", mode_all[i]->name, mode_all[i]->text, "",
		    mode_all[i]->limits);
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
	for (size_t i = 0; i < MODES; i++)
		if (strcmp(text, mode_all[i]->name) == 0) {
			options->mode = mode_all[i];
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

static bool take_seconds(const char *text, const char *name, unsigned most, unsigned *seconds)
{
	unsigned value = 0;

	for (const char *c = text; *c != '\0'; c++) {
		if (!isdigit((unsigned char)*c) || value > most)
			return complain(
			    "--%s %s is no whole number of seconds up to %u", name, text, most);
		value = value * 10 + (unsigned)(*c - '0');
	}
	*seconds = value;
	return (value > 0 && value <= most) ||
	       complain("--%s %s is not between 1 and %u seconds", name, text, most);
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

static bool take_v3_file(const char *path, struct options *options)
{
	struct buffer secret;
	char message[512], why[160];
	int rc = keys_read_secret(path, &secret, message, sizeof message);

	if (rc == GRAPPE_OK) {
		rc =
		    keys_parse_login(secret.bytes, secret.length, &options->login, why, sizeof why);
		if (rc != GRAPPE_OK)
			snprintf(message, sizeof message, "%.300s: %s", path, why);
	}
	keys_wipe_secret(&secret);
	return rc == GRAPPE_OK || complain("v3 file %s", message);
}

static bool take_timeout_state(const char *text, struct options *options)
{
	return plugin_parse_state(text, &options->timeout_state) == GRAPPE_OK ||
	       complain(
		   "--timeout-state %s is none of OK, WARNING, CRITICAL, UNKNOWN, 0 to 3", text);
}

/* Options with a value. */
static bool take_value(int value, const char *argument, struct options *options)
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
	case OPT_V3_FILE:
		return take_v3_file(argument, options);
	case OPT_FROM:
		options->from = argument;
		return true;
	case OPT_TO:
		options->to = argument;
		return true;
	case OPT_WINDOW:
		return take_seconds(argument, "window", WINDOW_MAX_S, &options->window_s);
	case 'w':
		return take_range(argument, "warning", &options->warning);
	case 'c':
		return take_range(argument, "critical", &options->critical);
	case 't':
		return take_seconds(argument, "timeout", TIMEOUT_MAX_S, &options->timeout_s);
	case OPT_TIMEOUT_STATE:
		return take_timeout_state(argument, options);
	default:
		return complain("an option is not known or lacks its value");
	}
}

static bool take_option(int value, const char *argument, struct options *options)
{
	switch (value) {
	case OPT_UNMATCHED:
		options->unmatched = true;
		return true;
	case OPT_EXTRA_OPTS: /* an abbreviation: all others are gone by now */
		return complain("--extra-opts is written out");
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
		return take_value(value, argument, options);
	}
}

/* ---- options from files ---- */

/* The index in the table; NOPTIONS: there is none of that name. */
static size_t find_option(const char *name)
{
	size_t i = 0;

	while (i < NOPTIONS && strcmp(name, table[i].name) != 0 &&
	       !(table[i].value < LONG_ONLY && name[0] == table[i].value && name[1] == '\0'))
		i++;
	return i;
}

static bool take_extra(const struct extra_opts *extra, struct options *options)
{
	for (size_t i = 0; i < extra->count; i++) {
		const char *name = extra->names[i], *value = extra->values[i];
		const size_t at = find_option(name);
		const int option = at < NOPTIONS ? table[at].value : OPT_EXTRA_OPTS;

		if (option == OPT_EXTRA_OPTS || option == 'h' || option == 'V')
			return complain("%s: no option %.40s for a file", extra->path, name);
		if (table[at].argument == NULL && value[0] != '\0')
			return complain("%s: %s takes no value", extra->path, table[at].name);
		if (table[at].argument != NULL && value[0] == '\0')
			return complain("%s: %s needs a value", extra->path, table[at].name);
		if (option == 'C' && extra->open)
			return complain("%s holds a community and is open to everybody; chmod 640 "
					"it, or use community-file",
			    extra->path);
		if (!take_option(option, value, options))
			return false;
	}
	return true;
}

static bool take_file(const char *locator, struct options *options)
{
	struct extra_opts *extra;
	char message[512];

	if (options->nextra == OPTIONS_EXTRA_MAX)
		return complain("--extra-opts is there more than %d times", OPTIONS_EXTRA_MAX);
	extra = calloc(1, sizeof *extra);
	if (extra == NULL)
		return complain("%s", error_text(GRAPPE_EMEMORY));
	options->extra[options->nextra++] = extra;
	if (extra_opts_read(locator, NAME, extra, message, sizeof message) != GRAPPE_OK)
		return complain("--extra-opts: %s", message);
	return take_extra(extra, options);
}

/* Options of files come first, so that those of the command line prevail; they are taken out of
 * argv. As in the Monitoring Plugins the value is optional, and may be a word of its own. */
static bool take_files(int *argc, char **argv, struct options *options)
{
	static const char option[] = "--extra-opts";
	const size_t length = sizeof option - 1;
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		const char *locator = NULL;

		if (strncmp(argv[i], option, length) != 0 ||
		    (argv[i][length] != '\0' && argv[i][length] != '=')) {
			argv[kept++] = argv[i];
			continue;
		}
		if (argv[i][length] == '=')
			locator = argv[i] + length + 1;
		else if (i + 1 < *argc && argv[i + 1][0] != '-')
			locator = argv[++i];
		if (!take_file(locator, options))
			return false;
	}
	argv[kept] = NULL;
	*argc = kept;
	return true;
}

/* ---- what goes together ---- */

static bool check_source(const struct options *options)
{
	const char *name = options->mode->name;

	if (options->mode->source == MODE_AGENT) {
		if (options->host == NULL || options->host[0] == '\0')
			return complain("mode %s needs --hostname", name);
		return options->socket == NULL ||
		       complain("mode %s asks by SNMP: no --socket", name);
	}
	if (options->host != NULL || options->port != NULL || options->login.user[0] != '\0')
		return complain(
		    "mode %s asks a local socket: no --hostname, no --port, no --v3-file", name);
	return true;
}

static bool check_together(const struct options *options)
{
	const bool sides = options->from != NULL || options->to != NULL;

	if (options->mode == NULL)
		return complain("--mode is missing; --help tells which there are");
	if (options->mode == &mode_pair && (options->from == NULL || options->to == NULL))
		return complain("mode pair needs --from and --to");
	if (options->mode != &mode_pair && (sides || options->window_s > 0))
		return complain("--from, --to and --window are of mode pair");
	if (options->mode != &mode_drops && options->unmatched)
		return complain("--unmatched is of mode drops");
	return check_source(options);
}

/* getopt's view of the table. */
static void describe(char shorts[NOPTIONS * 2 + 2], struct option longs[NOPTIONS + 1])
{
	size_t n = 0;

	shorts[n++] = ':';
	for (size_t i = 0; i < NOPTIONS; i++) {
		const bool wants = table[i].argument != NULL;
		const int has = table[i].value == OPT_EXTRA_OPTS ? optional_argument
				: wants                          ? required_argument
								 : no_argument;

		longs[i] = (struct option){table[i].name, has, NULL, table[i].value};
		if (table[i].value >= LONG_ONLY)
			continue;
		shorts[n++] = (char)table[i].value;
		if (wants)
			shorts[n++] = ':';
	}
	shorts[n] = '\0';
	longs[NOPTIONS] = (struct option){0};
}

bool options_parse(int argc, char **argv, struct options *options)
{
	struct option longs[NOPTIONS + 1];
	char shorts[NOPTIONS * 2 + 2];
	int value;

	describe(shorts, longs);
	*options = (struct options){
	    .timeout_s = TIMEOUT_DEFAULT_S, .timeout_state = PLUGIN_UNKNOWN, .community = "public"};
	opterr = 0;
	if (!take_files(&argc, argv, options))
		return false;
	while ((value = getopt_long(argc, argv, shorts, longs, NULL)) != -1)
		if (!take_option(value, optarg, options))
			return false;
	if (optind < argc)
		return complain("%s: there are no arguments without an option", argv[optind]);
	return check_together(options);
}

void options_deinit(struct options *options)
{
	for (size_t i = 0; i < options->nextra; i++) {
		extra_opts_deinit(options->extra[i]);
		free(options->extra[i]);
	}
	options->nextra = 0;
	keys_wipe_login(&options->login);
}
