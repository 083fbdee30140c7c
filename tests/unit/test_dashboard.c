/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dashboards of every kind against servers that answer as the real ones were seen to. */
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "manager/chat.h"
#include "manager/dashboard.h"
#include "tests/fakes/http_server.h"
#include "tests/unit/unit.h"

#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>

enum kind { FIFO, CGI_KIND, NRDP, ICINGA, WEBHOOK, COMMAND };

static struct event_base *base;
static struct http_server *server;
static struct dashboards *dashboards;
static char folder[UNIT_PATH_SIZE], queues[UNIT_PATH_SIZE + 16], secret[UNIT_PATH_SIZE + 16];
static char fifo[UNIT_PATH_SIZE + 16], url[256], message[512];
static struct dashboard_settings settings;
static struct settings_sections sections = {.items = &settings, .count = 1};
static json_t *document;

static void write_secret(const char *text)
{
	FILE *file = fopen(secret, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	chmod(secret, 0600);
}

static void set_up(void)
{
	log_open("test_dashboard", LOG_LEVEL_ERROR);
	base = event_base_new();
	server = http_server_new(base);
	unit_make_folder(folder);
	snprintf(queues, sizeof queues, "%s/queues", folder);
	snprintf(secret, sizeof secret, "%s/secret", folder);
	snprintf(fifo, sizeof fifo, "%s/nagios.cmd", folder);
	document = json_pack("{s:s, s:s, s:s, s:[i,i], s:[]}", "id", "9f3c1a2b", "state", "done",
	    "status", "ok", "periods", 10, 10, "moves");
}

static void tear_down(void)
{
	char file[sizeof queues + 16];

	dashboard_free(dashboards);
	dashboards = NULL;
	http_server_free(server);
	event_base_free(base);
	json_decref(document);
	snprintf(file, sizeof file, "%s/noc.json", queues);
	unlink(file);
	rmdir(queues);
	unit_remove_folder(folder);
}

static void configure(enum kind kind, const char *path)
{
	static char empty[] = "", title[] = "noc", host[] = "grappe", prefix[] = "Grappe ";

	settings = (struct dashboard_settings){.title = title,
	    .kind = (int)kind,
	    .url = empty,
	    .address = empty,
	    .ca_file = empty,
	    .login_file = empty,
	    .token_file = empty,
	    .path = empty,
	    .host = host,
	    .service_prefix = prefix,
	    .services = DASHBOARD_BOTH,
	    .timeout_ms = 2000,
	    .connect_timeout_ms = 1000};
	if (kind == FIFO) {
		settings.path = fifo;
		return;
	}
	if (path == NULL)
		return;
	snprintf(url, sizeof url, "%s", http_server_url(server, path));
	settings.url = url;
}

static void open_dashboards(void)
{
	ck_assert_msg(
	    dashboard_check(&sections, message, sizeof message) == GRAPPE_OK, "%s", message);
	ck_assert_msg(dashboard_new(base, &sections, queues, &dashboards, message,
			  sizeof message) == GRAPPE_OK,
	    "%s", message);
}

static void reopen(void)
{
	dashboard_free(dashboards);
	open_dashboards();
}

/* Two applications beside the whole. */
static void add_applications(void)
{
	json_object_set_new(document, "applications",
	    json_pack("[{s:s}, {s:s}]", "application", "mail", "application", "shop"));
}

/* One cycle: the recommendation OK or, with a reason, UNKNOWN. */
static void tell(const char *trouble)
{
	const struct service_input input = {.document = document,
	    .input_state = trouble == NULL ? "ok" : "failing",
	    .input_error = trouble != NULL ? trouble : "",
	    .now_s = 1795000000};

	ck_assert_int_eq(dashboard_tell(dashboards, &input, 120), GRAPPE_OK);
}

static int drain(int64_t limit_ms)
{
	return dashboard_drain(dashboards, limit_ms);
}

static json_int_t count(const char *key)
{
	json_t *all = dashboard_status_json(dashboards);
	const json_int_t value = json_integer_value(json_object_get(json_array_get(all, 0), key));

	json_decref(all);
	return value;
}

static bool error_has(const char *needle)
{
	json_t *all = dashboard_status_json(dashboards);
	const char *error = json_string_value(json_object_get(json_array_get(all, 0), "error"));
	const bool has = needle[0] == '\0' ? error[0] == '\0' : strstr(error, needle) != NULL;

	if (!has)
		fprintf(stderr, "error: %s\n", error);
	json_decref(all);
	return has;
}

/* ---- nagios-fifo ---- */

static int open_reader(void)
{
	const int fd = open(fifo, O_RDONLY | O_NONBLOCK);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* What is in it now. */
static const char *read_fifo(int fd)
{
	static char text[65536 + 1];
	const ssize_t length = read(fd, text, sizeof text - 1);

	text[length > 0 ? length : 0] = '\0';
	return text;
}

START_TEST(test_fifo)
{
	char expected[] =
	    "] PROCESS_SERVICE_CHECK_RESULT;grappe;Grappe recommendation;0;nothing to "
	    "move|inter_before=U inter_after=U moves=0;;;0 forced=0;;;0 gain=U "
	    "known=100%;;;0\n";
	const char *text;
	int fd;

	configure(FIFO, NULL);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	open_dashboards();
	fd = open_reader();
	tell(NULL);
	text = read_fifo(fd);
	ck_assert_int_eq(text[0], '[');
	ck_assert_ptr_nonnull(strchr(text, ']'));
	ck_assert_str_eq(strchr(text, ']'), expected);
	ck_assert_int_eq(count("delivered"), 1);
	ck_assert_int_eq(count("waiting"), 0);
	close(fd);
}
END_TEST

/* Opening a FIFO that nobody reads would hang for ever. */
START_TEST(test_fifo_without_reader)
{
	int fd;

	configure(FIFO, NULL);
	open_dashboards();
	tell(NULL);
	ck_assert(error_has("No such file"));
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	reopen();
	ck_assert_int_eq(drain(100), GRAPPE_ETIMEOUT);
	ck_assert(error_has("Nagios does not read it"));
	tell("no collector");
	tell(NULL);
	tell(NULL);
	ck_assert_int_eq(count("waiting"), 3);
	ck_assert_int_eq(count("merged"), 1);
	fd = open_reader();
	ck_assert_int_eq(drain(5000), GRAPPE_OK);
	ck_assert(error_has(""));
	ck_assert_ptr_nonnull(strstr(read_fifo(fd), "recommendation;3;no plan: no collector"));
	close(fd);
}
END_TEST

START_TEST(test_fifo_full_then_gone)
{
	static char block[4096];
	int fd, writer;

	configure(FIFO, NULL);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	fd = open_reader();
	writer = open(fifo, O_WRONLY | O_NONBLOCK);
	ck_assert_int_ge(writer, 0);
	memset(block, 'x', sizeof block);
	while (write(writer, block, sizeof block) > 0)
		;
	open_dashboards();
	tell(NULL);
	ck_assert(error_has("it is full"));
	ck_assert_int_eq(count("waiting"), 1);
	close(fd);
	close(writer);
	reopen();
	ck_assert_int_eq(drain(50), GRAPPE_ETIMEOUT);
	ck_assert(error_has("does not read"));
	ck_assert_int_eq(count("waiting"), 1);
}
END_TEST

START_TEST(test_fifo_is_a_file)
{
	FILE *file;

	configure(FIFO, NULL);
	file = fopen(fifo, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	open_dashboards();
	tell(NULL);
	ck_assert(error_has("it is no FIFO"));
	file = fopen(fifo, "r");
	ck_assert_int_eq(fgetc(file), EOF);
	fclose(file);
}
END_TEST

/* ---- icinga2 ---- */

#define ACTION "/v1/actions/process-check-result"
#define TAKEN                                                                                      \
	"{\"results\":[{\"code\":200,\"status\":\"Successfully processed check result for object " \
	"'grappe!Grappe recommendation'.\"}]}"

static void configure_icinga(void)
{
	configure(ICINGA, "/");
	write_secret("grappe:pass word\n");
	settings.login_file = secret;
}

START_TEST(test_icinga)
{
	static const struct http_recorded answers[] = {
	    {"POST", ACTION, "\"exit_status\":0", 200, NULL, TAKEN, 0}, {0}};
	const struct http_seen *seen;
	json_t *sent;

	configure_icinga();
	http_server_play(server, answers);
	open_dashboards();
	tell(NULL);
	ck_assert_int_eq(drain(5000), GRAPPE_OK);
	ck_assert_uint_eq(http_server_unexpected(server), 0);
	ck_assert_int_eq(count("delivered"), 1);
	seen = http_server_seen(server, 0);
	ck_assert_ptr_nonnull(strstr(seen->headers, "Accept: application/json\n"));
	ck_assert_str_eq(seen->content_type, "application/json");
	ck_assert_str_eq(seen->authorization, "Basic Z3JhcHBlOnBhc3Mgd29yZA==");
	sent = json_loads(seen->body, 0, NULL);
	ck_assert_str_eq(json_string_value(json_object_get(sent, "type")), "Service");
	ck_assert_str_eq(json_string_value(json_object_get(
			     json_object_get(sent, "filter_vars"), "grappe_service")),
	    "Grappe recommendation");
	ck_assert_int_eq(json_integer_value(json_object_get(sent, "ttl")), 120);
	ck_assert_uint_eq(json_array_size(json_object_get(sent, "performance_data")), 6);
	ck_assert(json_number_value(json_object_get(sent, "execution_start")) > 1.7e9);
	json_decref(sent);
}
END_TEST

/* Every row of answers as it was seen. */
START_TEST(test_icinga_refuses)
{
	static const struct {
		int code;
		const char *body, *error;
		bool again;
	} rows[] = {
	    {404, "{\"error\":404,\"status\":\"No objects found.\"}", "no such host or service",
		false},
	    {500, "{\"results\":[]}", "no such host or service", false},
	    {400, "{\"error\":400,\"status\":\"Parameter 'exit_status' is required.\"}",
		"Parameter 'exit_status' is required.", false},
	    {400, "<h1>Accept header is missing or not set to 'application/json'.</h1>",
		"Icinga answered 400", false},
	    {404, "{\"error\":404,\"status\":\"Action 'no-such' does not exist.\"}",
		"Action 'no-such' does not exist", false},
	    {401,
		"{\"error\":401,\"status\":\"Unauthorized. Please check your user credentials.\"}",
		"Unauthorized", false},
	    {200, "{\"results\":[{\"code\":409,\"status\":\"no (lies with 200)\"}]}",
		"lies with 200", false},
	    {200, "hello", "Icinga answered 200", false},
	    {503, "{\"error\":503,\"status\":\"Shutting down.\"}", "503", true},
	    {500, "{\"error\":500,\"status\":\"Internal\"}", "500", true},
	};

	configure_icinga();
	open_dashboards();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct http_recorded answers[] = {
		    {"POST", ACTION, NULL, rows[i].code, NULL, rows[i].body, 0}, {0}};

		http_server_play(server, answers);
		tell(NULL);
		drain(rows[i].again ? 300 : 5000);
		ck_assert_msg(error_has(rows[i].error), "row %zu", i);
		ck_assert_int_eq(count("waiting"), rows[i].again ? 1 : 0);
		ck_assert_int_eq(count("delivered"), 0);
		if (rows[i].again)
			reopen();
		else
			ck_assert_int_eq(count("refused"), (json_int_t)i + 1);
	}
}
END_TEST

START_TEST(test_servers_that_misbehave)
{
	static const struct {
		const char *path, *error;
		bool again;
	} rows[] = {{"/cut", "", true}, {"/slow", "time", true}, {"/huge", "", false},
	    {"/redirect", "redirect", false}, {"/code/503", "503", true},
	    {"/flaky/9", "503", true}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		configure(WEBHOOK, rows[i].path);
		settings.timeout_ms = 500;
		open_dashboards();
		tell(NULL);
		drain(900);
		ck_assert_msg(count("waiting") == (rows[i].again ? 1 : 0), "%s", rows[i].path);
		ck_assert_int_eq(count("refused"), rows[i].again ? 0 : 1);
		if (rows[i].error[0] != '\0')
			ck_assert(error_has(rows[i].error));
		ck_assert(!error_has(""));
		dashboard_free(dashboards);
		dashboards = NULL;
	}
	configure(WEBHOOK, "/ok");
	open_dashboards();
	ck_assert_int_eq(drain(5000), GRAPPE_OK);
	http_server_stop(server);
	reopen();
	tell(NULL);
	drain(300);
	ck_assert_int_eq(count("waiting"), 1);
}
END_TEST

/* ---- nagios-cgi ---- */

#define CGI "/cgi-bin/nagios4/cmd.cgi"
#define FORM_COOKIE "Set-Cookie: NagFormId=333ab105721da317; SameSite=Strict; HttpOnly\n"
#define PAGE(text)                                                                                 \
	"<html><head><title>External Command Interface</title></head><body>" text "</body></html>"
#define COMMITTED                                                                                  \
	PAGE("<p><div class='infoMessage'>Your command request was successfully submitted to "     \
	     "Nagios for processing.<br/><br/>")
#define NO_FORM PAGE("<P><DIV CLASS='errorMessage'>Error: Invalid or missing CSRF cookie!</DIV>")

static void configure_cgi(void)
{
	configure(CGI_KIND, CGI);
	write_secret("nagiosadmin:lab\n");
	settings.login_file = secret;
}

static const char *body(size_t place)
{
	ck_assert_uint_lt(place, http_server_count(server));
	return http_server_seen(server, place)->body;
}

START_TEST(test_cgi)
{
	static const struct http_recorded answers[] = {
	    {"GET", CGI "?cmd_typ=30", NULL, 200, FORM_COOKIE, PAGE("form"), 1},
	    {"POST", CGI, "nagFormId=333ab105721da317&", 200, NULL, COMMITTED, 0}, {0}};
	const struct http_seen *seen;

	configure_cgi();
	http_server_play(server, answers);
	open_dashboards();
	tell(NULL);
	ck_assert_int_eq(drain(5000), GRAPPE_OK);
	tell(NULL);
	ck_assert_int_eq(drain(5000), GRAPPE_OK);
	ck_assert_uint_eq(http_server_unexpected(server), 0);
	/* The form is fetched once. */
	ck_assert_uint_eq(http_server_count(server), 3);
	ck_assert_int_eq(count("delivered"), 2);
	ck_assert(error_has(""));
	seen = http_server_seen(server, 1);
	ck_assert_ptr_nonnull(strstr(seen->headers, "Cookie: NagFormId=333ab105721da317\n"));
	ck_assert_str_eq(seen->authorization, "Basic bmFnaW9zYWRtaW46bGFi");
	ck_assert_str_eq(seen->body,
	    "cmd_typ=30&cmd_mod=2&nagFormId=333ab105721da317&host=grappe&service=Grappe%20"
	    "recommendation&plugin_state=0&plugin_output=nothing%20to%20move&performance_data="
	    "inter_before%3DU%20inter_after%3DU%20moves%3D0%3B%3B%3B0%20forced%3D0%3B%3B%3B0%20"
	    "gain%3DU%20known%3D100%25%3B%3B%3B0&btnSubmit=Commit");
}
END_TEST

/* The id that was kept is refused: a new one is fetched, and nothing is lost. */
START_TEST(test_cgi_renews_the_form)
{
	static const struct http_recorded answers[] = {
	    {"GET", CGI, NULL, 200, FORM_COOKIE, PAGE("form"), 1},
	    {"GET", CGI, NULL, 200, "Set-Cookie: NagFormId=second2; HttpOnly\n", PAGE("form"), 0},
	    {"POST", CGI, "nagFormId=333ab105721da317&", 200, NULL, NO_FORM, 0},
	    {"POST", CGI, "nagFormId=second2&", 200, NULL, COMMITTED, 0}, {0}};

	configure_cgi();
	http_server_play(server, answers);
	open_dashboards();
	tell(NULL);
	ck_assert_int_eq(drain(5000), GRAPPE_OK);
	ck_assert_uint_eq(http_server_unexpected(server), 0);
	ck_assert_uint_eq(http_server_count(server), 4);
	ck_assert_int_eq(count("delivered"), 1);
	ck_assert_int_eq(count("refused"), 0);
}
END_TEST

/* Every id is refused: no loop without end, and the result waits. */
START_TEST(test_cgi_refuses_every_form)
{
	static const struct http_recorded answers[] = {
	    {"GET", CGI, NULL, 200, FORM_COOKIE, PAGE("form"), 0},
	    {"POST", CGI, NULL, 200, NULL, NO_FORM, 0}, {0}};

	configure_cgi();
	http_server_play(server, answers);
	open_dashboards();
	tell(NULL);
	ck_assert_int_eq(drain(500), GRAPPE_ETIMEOUT);
	ck_assert_uint_eq(http_server_count(server), 4);
	ck_assert(error_has("form id is no longer accepted"));
	ck_assert_int_eq(count("waiting"), 1);
}
END_TEST

/* A Nagios of before the form id sends none and wants none. */
START_TEST(test_cgi_without_form)
{
	static const struct http_recorded answers[] = {
	    {"GET", CGI, NULL, 200, NULL, PAGE("form"), 0},
	    {"POST", CGI, "nagFormId=&", 200, NULL, COMMITTED, 0}, {0}};

	configure_cgi();
	http_server_play(server, answers);
	open_dashboards();
	tell(NULL);
	ck_assert_int_eq(drain(5000), GRAPPE_OK);
	ck_assert_ptr_null(strstr(http_server_seen(server, 1)->headers, "Cookie:"));
	ck_assert_int_eq(count("delivered"), 1);
}
END_TEST

/* It says everything with 200. */
START_TEST(test_cgi_refuses)
{
	static const struct {
		int code;
		const char *page, *error;
	} rows[] = {
	    {200, PAGE("Sorry, but you are not authorized to commit the specified command."),
		"no such host or service"},
	    {200, PAGE("Plugin output cannot be blank"), "a field is missing"},
	    {200,
		PAGE("An error occurred while attempting to commit your command for "
		     "processing. Could not open command file"),
		"may not write to the FIFO"},
	    {200, PAGE(""), "without saying what became of it"},
	    {200, "", "without saying what became of it"},
	    {401, PAGE("Unauthorized"), "401"},
	    {404, PAGE("Not Found"), "404"},
	};

	configure_cgi();
	open_dashboards();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct http_recorded answers[] = {
		    {"GET", CGI, NULL, 200, FORM_COOKIE, PAGE("form"), 0},
		    {"POST", CGI, NULL, rows[i].code, NULL, rows[i].page, 0}, {0}};

		http_server_play(server, answers);
		tell(NULL);
		ck_assert_int_eq(drain(5000), GRAPPE_OK);
		ck_assert_msg(error_has(rows[i].error), "row %zu", i);
		ck_assert_int_eq(count("refused"), (json_int_t)i + 1);
		ck_assert_int_eq(count("delivered"), 0);
	}
}
END_TEST

/* ---- nrdp ---- */

#define NRDP_PATH "/nrdp/"

static void configure_nrdp(void)
{
	configure(NRDP, NRDP_PATH);
	write_secret("s3cret+&=\n");
	settings.token_file = secret;
}

START_TEST(test_nrdp)
{
	static const struct http_recorded answers[] = {
	    {"POST", NRDP_PATH, "cmd=submitcheck", 200, NULL,
		"{\"result\":{\"status\":0,\"message\":\"OK\",\"meta\":{\"output\":\"3 checks "
		"processed\"}}}",
		0},
	    {0}};

	configure_nrdp();
	http_server_play(server, answers);
	add_applications();
	open_dashboards();
	tell(NULL);
	ck_assert_int_eq(drain(5000), GRAPPE_OK);
	/* All of a cycle in one post. */
	ck_assert_uint_eq(http_server_count(server), 1);
	ck_assert_int_eq(count("delivered"), 3);
	ck_assert_str_eq(
	    http_server_seen(server, 0)->content_type, "application/x-www-form-urlencoded");
	ck_assert_int_eq(
	    strncmp(body(0), "token=s3cret%2B%26%3D&cmd=submitcheck&json=%7B%22", 48), 0);
	ck_assert_ptr_nonnull(
	    strstr(body(0), "%22servicename%22%3A%22Grappe%20application%20shop"));
	/* The secret is nowhere else. */
	ck_assert_ptr_null(strstr(http_server_seen(server, 0)->path, "s3cret"));
	ck_assert_str_eq(http_server_seen(server, 0)->authorization, "");
}
END_TEST

/* Two results of a service within a second would be applied in any order. */
START_TEST(test_nrdp_takes_its_time)
{
	static const struct http_recorded answers[] = {
	    {"POST", NRDP_PATH, NULL, 200, NULL, "{\"result\":{\"status\":0,\"message\":\"OK\"}}",
		0},
	    {0}};
	const int64_t start = clock_monotonic_ns();

	configure_nrdp();
	http_server_play(server, answers);
	open_dashboards();
	tell(NULL);
	tell("no collector");
	ck_assert_int_eq(drain(10000), GRAPPE_OK);
	ck_assert_uint_eq(http_server_count(server), 2);
	ck_assert_ptr_nonnull(strstr(body(0), "%22state%22%3A%220%22"));
	ck_assert_ptr_nonnull(strstr(body(1), "%22state%22%3A%223%22"));
	ck_assert_int_ge(clock_monotonic_ns() - start, 1900 * CLOCK_MILLISECOND_NS);
}
END_TEST

START_TEST(test_nrdp_refuses)
{
	static const struct {
		const char *answer, *error;
	} rows[] = {
	    {"{\"result\":{\"status\":-1,\"message\":\"BAD TOKEN\"}}",
		"NRDP refused it: BAD TOKEN"},
	    {"{\"result\":{\"status\":-1,\"message\":\"BAD JSON\"}}", "BAD JSON"},
	    {"<html>Nagios Remote Data Processor</html>", "did not answer as NRDP"},
	    {"", "did not answer as NRDP"},
	    {"{\"result\":{\"status\":\"0\"}}", "did not answer as NRDP"},
	};

	configure_nrdp();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct http_recorded answers[] = {
		    {"POST", NRDP_PATH, NULL, 200, NULL, rows[i].answer, 0}, {0}};

		http_server_play(server, answers);
		reopen();
		tell(NULL);
		ck_assert_int_eq(drain(5000), GRAPPE_OK);
		ck_assert_msg(error_has(rows[i].error), "row %zu", i);
		ck_assert_int_eq(count("refused"), 1);
	}
}
END_TEST

/* ---- webhook ---- */

START_TEST(test_webhook)
{
	json_t *sent, *first;

	configure(WEBHOOK, "/ok");
	write_secret("t0ken\n");
	settings.token_file = secret;
	add_applications();
	open_dashboards();
	tell(NULL);
	ck_assert_int_eq(drain(5000), GRAPPE_OK);
	ck_assert_uint_eq(http_server_count(server), 1);
	ck_assert_str_eq(http_server_seen(server, 0)->authorization, "Bearer t0ken");
	sent = json_loads(body(0), 0, NULL);
	ck_assert_int_eq(json_integer_value(json_object_get(sent, "version")), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(sent, "results")), 3);
	first = json_array_get(json_object_get(sent, "results"), 0);
	ck_assert_str_eq(
	    json_string_value(json_object_get(first, "service")), "Grappe recommendation");
	ck_assert_str_eq(json_string_value(json_object_get(first, "state_name")), "OK");
	json_decref(sent);
}
END_TEST

/* A chat is told changes, not each period. */
START_TEST(test_chat)
{
	configure(WEBHOOK, "/ok");
	settings.chat = CHAT_SLACK;
	open_dashboards();
	tell(NULL);
	tell("<!channel> @here");
	ck_assert_int_eq(drain(5000), GRAPPE_OK);
	tell("<!channel> @here");
	reopen();
	tell("<!channel> @here");
	tell(NULL);
	ck_assert_int_eq(drain(5000), GRAPPE_OK);
	ck_assert_uint_eq(http_server_count(server), 2);
	ck_assert_str_eq(body(0),
	    "{\"text\":\"```\\nGrappe recommendation UNKNOWN: no plan: (!channel) "
	    "@\xe2\x80\x8bhere\\n```\",\"mrkdwn\":true,\"link_names\":false,\"unfurl_links\":"
	    "false}");
	ck_assert_ptr_nonnull(strstr(body(1), "recommendation OK: nothing to move"));
}
END_TEST

/* ---- command ---- */

/* A program that writes its arguments and its input to a file. */
static void configure_command(char **words, size_t nwords)
{
	configure(COMMAND, NULL);
	settings.command = (struct settings_list){.items = words, .count = nwords};
}

static const char *read_file(const char *name)
{
	static char text[4096];
	char path[sizeof queues + 32];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	return text;
}

START_TEST(test_command)
{
	char script[2 * UNIT_PATH_SIZE + 64];
	char *words[] = {(char *)"/bin/sh", (char *)"-c", script, (char *)"sh",
	    (char *)"{host}/{service}", (char *)"{state}", (char *)"{state_number}",
	    (char *)"{text}"};

	snprintf(script, sizeof script, "printf '%%s,' \"$@\" >'%s/arguments'; cat >'%s/input'",
	    folder, folder);
	configure_command(words, 8);
	open_dashboards();
	tell("it's $(id); `id` & a|b");
	ck_assert_int_eq(drain(5000), GRAPPE_OK);
	ck_assert_int_eq(count("delivered"), 1);
	ck_assert_str_eq(read_file("arguments"),
	    "grappe/Grappe recommendation,UNKNOWN,3,no plan: it's $(id), 'id' & a/b,");
	ck_assert_str_eq(read_file("input"),
	    "grappe\tGrappe recommendation\t3\tno plan: it's $(id), 'id' & a/b|inter_before=U "
	    "inter_after=U moves=U forced=U gain=U known=U\n");
}
END_TEST

START_TEST(test_command_fails)
{
	char *fails[] = {(char *)"/bin/sh", (char *)"-c", (char *)"echo no route >&2; exit 2"};
	char *missing[] = {(char *)"/nonexistent/send_nsca"};
	char *hangs[] = {(char *)"/bin/sleep", (char *)"600"};

	configure_command(fails, 3);
	open_dashboards();
	tell(NULL);
	ck_assert_int_eq(drain(600), GRAPPE_ETIMEOUT);
	ck_assert(error_has("it ended with 2: no route"));
	ck_assert_int_eq(count("waiting"), 1);
	configure_command(missing, 1);
	reopen();
	drain(100);
	ck_assert(error_has("/nonexistent/send_nsca: No such file"));
	configure_command(hangs, 2);
	settings.timeout_ms = 200;
	reopen();
	drain(3000);
	ck_assert(error_has("it took too long"));
	ck_assert_int_eq(count("waiting"), 1);
}
END_TEST

START_TEST(test_secret_that_others_can_read)
{
	configure_icinga();
	chmod(secret, 0644);
	open_dashboards();
	tell(NULL);
	ck_assert(error_has("others"));
	ck_assert_int_eq(count("waiting"), 1);
	ck_assert_uint_eq(http_server_count(server), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dashboard");
	TCase *tc = tcase_create("dashboard");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, test_fifo);
	tcase_add_test(tc, test_fifo_without_reader);
	tcase_add_test(tc, test_fifo_full_then_gone);
	tcase_add_test(tc, test_fifo_is_a_file);
	tcase_add_test(tc, test_icinga);
	tcase_add_test(tc, test_icinga_refuses);
	tcase_add_test(tc, test_servers_that_misbehave);
	tcase_add_test(tc, test_cgi);
	tcase_add_test(tc, test_cgi_renews_the_form);
	tcase_add_test(tc, test_cgi_refuses_every_form);
	tcase_add_test(tc, test_cgi_without_form);
	tcase_add_test(tc, test_cgi_refuses);
	tcase_add_test(tc, test_nrdp);
	tcase_add_test(tc, test_nrdp_takes_its_time);
	tcase_add_test(tc, test_nrdp_refuses);
	tcase_add_test(tc, test_webhook);
	tcase_add_test(tc, test_chat);
	tcase_add_test(tc, test_command);
	tcase_add_test(tc, test_command_fails);
	tcase_add_test(tc, test_secret_that_others_can_read);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
