/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/settings.h"

#include "common/error.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/stat.h>

/* ---- a program's settings with one of each type ---- */

struct agent {
	char *title;
	char *address;
	int64_t timeout_ms;
	struct settings_list tags;
};

struct values {
	char *folder;
	int64_t count;
	double factor;
	int64_t period_ms;
	uint64_t memory;
	bool enabled;
	int method;
	struct settings_list hosts;
	struct settings_sections agents;
};

static const char *const methods[] = {"thesis", "clean", NULL};
static const struct setting general[] = {
    {"folder", SETTING_TEXT, offsetof(struct values, folder), "/var/lib/x", 0, 0, NULL, "Where."},
    {"count", SETTING_INTEGER, offsetof(struct values, count), "7", -5, 1000, NULL, "How many."},
    {"factor", SETTING_REAL, offsetof(struct values, factor), "0.8", 0.1, 2, NULL, "How much."},
    {"period", SETTING_DURATION, offsetof(struct values, period_ms), "30s", 30e3, 3600e3, NULL,
	"How long."},
    {"memory", SETTING_SIZE, offsetof(struct values, memory), "8MiB", 1e3, 1e12, NULL, "How big."},
    {"enabled", SETTING_BOOLEAN, offsetof(struct values, enabled), "yes", 0, 0, NULL, "Whether."},
    {"method", SETTING_CHOICE, offsetof(struct values, method), "thesis", 0, 0, methods,
	"Which way."},
    {"hosts", SETTING_LIST, offsetof(struct values, hosts), "{ a, \"b\" }", 0, 0, NULL, "Which."},
};
static const struct setting of_agent[] = {
    {"address", SETTING_TEXT, offsetof(struct agent, address), NULL, 0, 0, NULL,
	"Where it listens."},
    {"timeout", SETTING_DURATION, offsetof(struct agent, timeout_ms), "2s", 0, 0, NULL,
	"Patience."},
    {"tags", SETTING_LIST, offsetof(struct agent, tags), "{}", 0, 0, NULL, "Words."},
};
static const struct settings_section sections[] = {
    {.text = "General.", .settings = general, .nsettings = SETTINGS_COUNT(general)},
    {"agent", "An agent.", of_agent, SETTINGS_COUNT(of_agent), sizeof(struct agent),
	offsetof(struct values, agents), 3},
};

static int check_values(const void *values, char *message, size_t size)
{
	if (((const struct values *)values)->count != 13)
		return GRAPPE_OK;
	snprintf(message, size, "count 13 brings bad luck");
	return GRAPPE_EINVALID;
}

static const struct settings_schema schema = {
    sections, SETTINGS_COUNT(sections), check_values, NULL};

static char folder[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 16], message[512];
static struct values values;

static void setup(void)
{
	unit_make_folder(folder);
	snprintf(path, sizeof path, "%s/x.conf", folder);
	memset(&values, 0, sizeof values);
}

static void teardown(void)
{
	unit_remove_folder(folder);
}

static void write_bytes(const char *text, size_t length)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, length, file), length);
	ck_assert_int_eq(fclose(file), 0);
}

static int load(const char *text)
{
	write_bytes(text, strlen(text));
	return settings_load(&schema, path, &values, message, sizeof message);
}

/* The text is refused with "FILE:LINE: " and the words; line 0: "FILE: ". */
static void refused(const char *text, int line, const char *words)
{
	char start[UNIT_PATH_SIZE + 64];
	const int rc = load(text);

	snprintf(start, sizeof start, line > 0 ? "%s:%d: " : "%s: ", path, line);
	ck_assert_msg(rc == GRAPPE_EINVALID, "accepted (%d): %s", rc, text);
	ck_assert_msg(strncmp(message, start, strlen(start)) == 0, "'%s' does not start with '%s'",
	    message, start);
	ck_assert_msg(strstr(message, words) != NULL, "'%s' lacks '%s'", message, words);
	ck_assert_ptr_null(values.folder);
	ck_assert_ptr_null(values.agents.items);
}

/* ---- tests ---- */

START_TEST(defaults_without_a_file)
{
	ck_assert_int_eq(settings_load(&schema, NULL, &values, message, sizeof message), GRAPPE_OK);
	ck_assert_str_eq(values.folder, "/var/lib/x");
	ck_assert_int_eq(values.count, 7);
	ck_assert_double_eq(values.factor, 0.8);
	ck_assert_int_eq(values.period_ms, 30000);
	ck_assert_uint_eq(values.memory, 8 << 20);
	ck_assert(values.enabled);
	ck_assert_int_eq(values.method, 0);
	ck_assert_uint_eq(values.hosts.count, 2);
	ck_assert_str_eq(values.hosts.items[1], "b");
	ck_assert_uint_eq(values.agents.count, 0);
	settings_free(&schema, &values);
	ck_assert_ptr_null(values.folder);
}
END_TEST

START_TEST(every_type_is_read)
{
	ck_assert_msg(load("# a comment\n"
			   "folder = \"/tmp/a b#c\" // another\n"
			   "count = -5\r\n"
			   "factor=1.25\n"
			   "period = 030s /* not octal,\n two lines */\n"
			   "memory = \"64 kB\"\n"
			   "enabled = off\n"
			   "method = clean\n"
			   "hosts = {\"x\", y , 'z z'}\n"
			   "agent \"hostA\" {\n\taddress = 'udp:[::1]:161'\n\ttimeout = 500ms\n}\n"
			   "agent hostB { address = \"b\" tags = { t } }\n") == GRAPPE_OK,
	    "%s", message);
	ck_assert_str_eq(values.folder, "/tmp/a b#c");
	ck_assert_int_eq(values.count, -5);
	ck_assert_double_eq(values.factor, 1.25);
	ck_assert_int_eq(values.period_ms, 30000);
	ck_assert_uint_eq(values.memory, 64000);
	ck_assert(!values.enabled);
	ck_assert_int_eq(values.method, 1);
	ck_assert_uint_eq(values.hosts.count, 3);
	ck_assert_str_eq(values.hosts.items[2], "z z");
	ck_assert_uint_eq(values.agents.count, 2);
	ck_assert_str_eq(((struct agent *)values.agents.items)[0].title, "hostA");
	ck_assert_str_eq(((struct agent *)values.agents.items)[0].address, "udp:[::1]:161");
	ck_assert_int_eq(((struct agent *)values.agents.items)[0].timeout_ms, 500);
	ck_assert_int_eq(((struct agent *)values.agents.items)[1].timeout_ms, 2000);
	ck_assert_uint_eq(((struct agent *)values.agents.items)[1].tags.count, 1);
	settings_free(&schema, &values);
}
END_TEST

START_TEST(empty_things)
{
	ck_assert_int_eq(load(""), GRAPPE_OK);
	settings_free(&schema, &values);
	ck_assert_int_eq(load("#\n#"), GRAPPE_OK);
	settings_free(&schema, &values);
	ck_assert_int_eq(load("hosts = {}\nfolder = \"\"\n"), GRAPPE_OK);
	ck_assert_uint_eq(values.hosts.count, 0);
	ck_assert_str_eq(values.folder, "");
	settings_free(&schema, &values);
	ck_assert_int_eq(load("hosts = { # none\n }"), GRAPPE_OK);
	ck_assert_uint_eq(values.hosts.count, 0);
	settings_free(&schema, &values);
}
END_TEST

static const struct {
	const char *text;
	int line;
	const char *words;
} bad[] = {
    {"colour = red\n", 1, "unknown setting 'colour'"},
    {"count = 1\n\nagent a { address = b\n speed = 3\n}\n", 4, "unknown setting 'speed'"},
    {"village \"x\" { }\n", 1, "unknown setting 'village'"},
    {"count = 1\n# x\ncount = 2\n", 3, "count is given twice, first on line 1"},
    {"hosts = { a }\nhosts = {}\n", 2, "hosts is given twice"},
    {"hosts = {}\nhosts = { a }\n", 2, "hosts is given twice"},
    {"hosts = { a }\nhosts += { b }\n", 2, "hosts is given twice"},
    {"count += 1\n", 1, "append"},
    {"agent a { address = b }\nagent a { address = c }\n", 2, "duplicate"},
    {"agent a { address = b\naddress = c }\n", 2, "address is given twice, first on line 1"},
    {"agent a { address = b }\nagent|address = c\n", 2, ""},
    {"agent a {\n timeout = 3s\n}\n", 3, "agent \"a\", which ends here, lacks the setting address"},
    {"agent \"\" { address = b }\n", 1, "empty name"},
    {"agent { address = b }\n", 1, "title"},
    {"agent a { address = b }\nagent b { address = b }\nagent c { address = b }\n"
     "agent d { address = b }\n",
	4, "at most 3"},
    {"count = 1001\n", 1, "from -5 to 1000"},
    {"count = 12x\n", 1, "not a whole number"},
    {"count = 0x10\n", 1, "not a whole number"},
    {"count = 99999999999999999999\n", 1, "not a whole number"},
    {"count = \"\"\n", 1, "not a whole number"},
    {"factor = nan\n", 1, "not a number"},
    {"factor = 1e999\n", 1, "not a number"},
    {"factor = 0x1p0\n", 1, "not a number"},
    {"factor = 3\n", 1, "from 0.1 to 2"},
    {"factor = \"1e+5\"\n", 1, "from 0.1 to 2"},
    {"\nperiod = 30\n", 2, "not a duration"},
    {"period = 1s\n", 1, "from 30s to 1h is allowed"},
    {"period = -30s\n", 1, "not a duration"},
    {"period = 1.5min\n", 1, "not a duration"},
    {"period = 99999999999999d\n", 1, "not a duration"},
    {"memory = 8\n", 1, "not a size"},
    {"memory = 1mb\n", 1, "not a size"},
    {"memory = 1B\n", 1, "from 1kB to 1TB"},
    {"enabled = maybe\n", 1, "neither yes nor no"},
    {"method = magic\n", 1, "one of: thesis, clean"},
    {"method = { thesis }\n", 1, ""},
    {"hosts = { a, \"\" }\n", 1, "empty text"},
    {"count\n", 2, "premature end of file"},
    {"count =\n", 2, "premature end of file"},
    {"count = }\n", 1, ""},
    {"hosts = a\n", 1, "write { … } around it"},
    {"hosts = a\nhosts = b\n", 2, "hosts is given twice"},
    {"hosts = a\nhosts += b\n", 1, "write { … } around it"},
    {"hosts = { a\nhosts = b\n", 1, "never closed"},
    {"agent a {\n\n", 1, "never closed"},
    {"count = 1\nagent a {\n hosts = {}\n}\n}\n", 3, ""},
    {"}\n", 1, ""},
    {"folder = \"${HOME}\"\n", 1, "variables of the environment"},
    {"folder = ${HOME}\n", 1, "variables of the environment"},
    {"\nfolder = \"abc\ncount = 3\n", 2, "must end on the line"},
    {"folder = \"abc", 1, "never closed"},
    {"folder = 'abc", 1, "never closed"},
    {"folder = \"a\\nb\"\n", 1, "backslash"},
    {"folder = \"a\\000b\"\n", 1, "backslash"},
    {"folder = 'a\\b'\n", 1, "backslash"},
    {"count = 1\n/* never\nclosed\n", 2, "never closed"},
    {"count = 1\n\001\n", 2, "control character"},
    {"folder = \"a\033b\"\n", 1, "control character"},
    {"# a\033b\n", 1, "control character"},
    {"count = 13\n", 0, "bad luck"},
    {"include(\"/etc/passwd\")\n", 1, "unknown setting 'include'"},
};

START_TEST(bad_text_is_refused)
{
	refused(bad[_i].text, bad[_i].line, bad[_i].words);
	/* and leaves nothing behind in the parser */
	ck_assert_msg(load("count = 3\n") == GRAPPE_OK, "%s", message);
	settings_free(&schema, &values);
}
END_TEST

START_TEST(no_variable_is_expanded)
{
	ck_assert_int_eq(setenv("GRAPPE_TEST", "expanded", 1), 0);
	ck_assert_msg(
	    load("folder = \"\\${GRAPPE_TEST}\"\nhosts = { '${GRAPPE_TEST}', \"$5\" }\n") ==
		GRAPPE_OK,
	    "%s", message);
	ck_assert_str_eq(values.folder, "${GRAPPE_TEST}");
	ck_assert_str_eq(values.hosts.items[0], "${GRAPPE_TEST}");
	ck_assert_str_eq(values.hosts.items[1], "$5");
	settings_free(&schema, &values);
}
END_TEST

START_TEST(files_that_cannot_be_read)
{
	char *big = malloc(5 << 20);

	ck_assert_int_eq(
	    settings_load(&schema, path, &values, message, sizeof message), GRAPPE_EIO);
	ck_assert_ptr_nonnull(strstr(message, "x.conf: No such file"));
	ck_assert_int_eq(
	    settings_load(&schema, folder, &values, message, sizeof message), GRAPPE_EIO);
	ck_assert_ptr_nonnull(strstr(message, "Is a directory"));
	write_bytes("count = 3\0\n", 11);
	ck_assert_int_eq(
	    settings_load(&schema, path, &values, message, sizeof message), GRAPPE_EINVALID);
	ck_assert_ptr_nonnull(strstr(message, "x.conf:1: a control character"));
	memset(big, '\n', 5 << 20);
	write_bytes(big, 5 << 20);
	free(big);
	ck_assert_int_eq(
	    settings_load(&schema, path, &values, message, sizeof message), GRAPPE_EINVALID);
	ck_assert_ptr_nonnull(strstr(message, "larger than"));
}
END_TEST

START_TEST(missing_without_a_file)
{
	static const struct setting needed[] = {
	    {"folder", SETTING_TEXT, offsetof(struct values, folder), "x", 0, 0, NULL, "Where."},
	    {"count", SETTING_INTEGER, offsetof(struct values, count), NULL, 0, 0, NULL,
		"How many."}};
	static const struct settings_section only[] = {{.settings = needed, .nsettings = 2}};
	static const struct settings_schema strict = {only, 1, NULL, NULL};

	ck_assert_int_eq(
	    settings_load(&strict, NULL, &values, message, sizeof message), GRAPPE_EINVALID);
	ck_assert_str_eq(message, "no configuration file: the setting count is missing");
	ck_assert_ptr_null(values.folder);
	write_bytes("folder = y", 10);
	ck_assert_int_eq(
	    settings_load(&strict, path, &values, message, sizeof message), GRAPPE_EINVALID);
	ck_assert_ptr_nonnull(strstr(message, "x.conf: the setting count is missing"));
}
END_TEST

static char *print(void)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	settings_print(&schema, &values, out);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

START_TEST(what_is_printed_is_read_again)
{
	char *first, *second;

	ck_assert_msg(
	    load("folder = '\"quoted\" \\\\ ${X} $ \xc3\xa9'\ncount = 0\nfactor = "
		 "0.30000000000000004\n"
		 "period = 61001ms\nmemory = 1025B\nenabled = no\nmethod = clean\n"
		 "hosts = { 'a\"b', \"c'd\" }\n"
		 "agent \"a \\\"x\\\" {\" { address = \"#\" timeout = 0s tags = {} }\n") ==
		GRAPPE_OK,
	    "%s", message);
	first = print();
	settings_free(&schema, &values);
	ck_assert_msg(load(first) == GRAPPE_OK, "%s\n%s", message, first);
	ck_assert_str_eq(values.folder, "\"quoted\" \\ ${X} $ \xc3\xa9");
	ck_assert_double_eq(values.factor, 0.30000000000000004);
	ck_assert_int_eq(values.period_ms, 61001);
	ck_assert_str_eq(((struct agent *)values.agents.items)[0].title, "a \"x\" {");
	ck_assert_int_eq(((struct agent *)values.agents.items)[0].timeout_ms, 0);
	second = print();
	ck_assert_str_eq(first, second);
	ck_assert_ptr_nonnull(
	    strstr(first, "# How long.\n# duration, 30s to 1h; default 30s\nperiod = 61001ms\n"));
	settings_free(&schema, &values);
	free(first);
	free(second);
}
END_TEST

START_TEST(units)
{
	int64_t ms;
	uint64_t bytes;

	ck_assert_int_eq(settings_parse_duration("2h", &ms), GRAPPE_OK);
	ck_assert_int_eq(ms, 7200000);
	ck_assert_int_eq(settings_parse_duration("5min", &ms), GRAPPE_OK);
	ck_assert_int_eq(ms, 300000);
	ck_assert_int_eq(settings_parse_duration("1d", &ms), GRAPPE_OK);
	ck_assert_int_eq(ms, 86400000);
	ck_assert_int_eq(settings_parse_duration("5m", &ms), GRAPPE_EFORMAT);
	ck_assert_int_eq(settings_parse_duration("5", &ms), GRAPPE_EFORMAT);
	ck_assert_int_eq(settings_parse_duration("s", &ms), GRAPPE_EFORMAT);
	ck_assert_int_eq(settings_parse_duration("", &ms), GRAPPE_EFORMAT);
	ck_assert_int_eq(settings_parse_duration("9223372036854775807ms", &ms), GRAPPE_OK);
	ck_assert_int_eq(settings_parse_duration("9223372036854775808ms", &ms), GRAPPE_EFORMAT);
	ck_assert_int_eq(settings_parse_size("2GiB", &bytes), GRAPPE_OK);
	ck_assert_uint_eq(bytes, UINT64_C(2) << 30);
	ck_assert_int_eq(settings_parse_size("2GB", &bytes), GRAPPE_OK);
	ck_assert_uint_eq(bytes, 2000000000);
	ck_assert_int_eq(settings_parse_size("18446744073709551615B", &bytes), GRAPPE_OK);
	ck_assert_int_eq(settings_parse_size("18446744073709551616B", &bytes), GRAPPE_EFORMAT);
	ck_assert_int_eq(settings_parse_size("18446744073709551615kB", &bytes), GRAPPE_EFORMAT);
	ck_assert_int_eq(settings_parse_size("10", &bytes), GRAPPE_EFORMAT);
	ck_assert_int_eq(settings_parse_size("10B ", &bytes), GRAPPE_EFORMAT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("settings");
	TCase *tcase = tcase_create("settings");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, defaults_without_a_file);
	tcase_add_test(tcase, every_type_is_read);
	tcase_add_test(tcase, empty_things);
	tcase_add_loop_test(tcase, bad_text_is_refused, 0, SETTINGS_COUNT(bad));
	tcase_add_test(tcase, no_variable_is_expanded);
	tcase_add_test(tcase, files_that_cannot_be_read);
	tcase_add_test(tcase, missing_without_a_file);
	tcase_add_test(tcase, what_is_printed_is_read_again);
	tcase_add_test(tcase, units);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
