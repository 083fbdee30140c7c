/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a section dashboard must say, and must not, by its kind. */
#include "common/error.h"
#include "manager/chat.h"
#include "manager/dashboard.h"
#include "tests/unit/unit.h"

enum kind { FIFO, CGI_KIND, NRDP, ICINGA, WEBHOOK, COMMAND };

static char *words[] = {(char *)"/usr/sbin/send_nsca", (char *)"{vm}"};

/* Texts that are not told are "". */
static const struct {
	enum kind kind;
	const char *url, *path, *login_file, *token_file, *host, *service_prefix;
	size_t nwords;
	int chat;
	const char *refused; /* NULL: it is right */
} rows[] = {
    {FIFO, "", "/run/nagios.cmd", "", "", "grappe", "Grappe ", 0, 0, NULL},
    {FIFO, "", "nagios.cmd", "", "", "grappe", "Grappe ", 0, 0, "needs path"},
    {FIFO, "", "/run/nagios.cmd", "", "", "grappe", "Grappe ", 1, 0, "for kind command only"},
    {FIFO, "", "/run/nagios.cmd", "", "", "a;b", "Grappe ", 0, 0, "host may hold"},
    {FIFO, "", "/run/nagios.cmd", "", "", "grappe", "a|", 0, 0, "service_prefix may hold"},
    {FIFO, "", "/run/nagios.cmd", "", "", "grappe", "Grappe ", 0, CHAT_TEAMS,
	"template is for kind webhook only"},
    {CGI_KIND, "http://127.0.0.1/nagios4/cmd.cgi", "", "", "", "grappe", "Grappe ", 0, 0,
	"needs a login_file"},
    {CGI_KIND, "http://nagios.example.org/cmd.cgi", "", "/etc/login", "", "grappe", "Grappe ", 0, 0,
	"need an https url"},
    {CGI_KIND, "https://nagios.example.org/cmd.cgi?x=1", "", "/etc/login", "", "grappe", "Grappe ",
	0, 0, "ends with it"},
    {CGI_KIND, "https://nagios.example.org/cmd.cgi", "", "/etc/login", "", "grappe", "Grappe ", 0,
	0, NULL},
    {NRDP, "http://127.0.0.1/nrdp/", "", "", "", "grappe", "Grappe ", 0, 0, "needs a token_file"},
    {ICINGA, "https://127.0.0.1:5665/v1", "", "/etc/login", "", "grappe", "Grappe ", 0, 0,
	"without /v1"},
    {WEBHOOK, "", "", "", "", "grappe", "Grappe ", 0, 0, "needs a url"},
    {WEBHOOK, "ftp://x/", "", "", "", "grappe", "Grappe ", 0, 0, "its url is no http"},
    {COMMAND, "", "", "", "", "grappe", "Grappe ", 2, 0, "and no other {…}"},
    {COMMAND, "", "", "", "", "grappe", "Grappe ", 0, 0, "needs command"},
    {COMMAND, "", "", "", "", "grappe", "Grappe ", 1, 0, NULL},
};

START_TEST(test_configuration)
{
	struct dashboard_settings settings = {.title = (char *)"noc",
	    .kind = (int)rows[_i].kind,
	    .url = (char *)rows[_i].url,
	    .address = (char *)"",
	    .ca_file = (char *)"",
	    .login_file = (char *)rows[_i].login_file,
	    .token_file = (char *)rows[_i].token_file,
	    .path = (char *)rows[_i].path,
	    .command = {.items = words, .count = rows[_i].nwords},
	    .host = (char *)rows[_i].host,
	    .service_prefix = (char *)rows[_i].service_prefix,
	    .services = DASHBOARD_BOTH,
	    .chat = rows[_i].chat,
	    .timeout_ms = 2000,
	    .connect_timeout_ms = 1000};
	const struct settings_sections sections = {.items = &settings, .count = 1};
	char message[512] = "";
	const int rc = dashboard_check(&sections, message, sizeof message);

	if (rows[_i].refused == NULL) {
		ck_assert_msg(rc == GRAPPE_OK, "%s", message);
		return;
	}
	ck_assert_int_eq(rc, GRAPPE_EINVALID);
	ck_assert_msg(strstr(message, rows[_i].refused) != NULL, "%s", message);
	ck_assert_ptr_nonnull(strstr(message, "dashboard \"noc\": "));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dashboard_settings");
	TCase *tc = tcase_create("dashboard_settings");

	tcase_add_loop_test(tc, test_configuration, 0, (int)(sizeof rows / sizeof *rows));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
