/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of pass phrases: who may read them, what they may say, and that no message repeats it. */
#include "common/keys.h"
#include "common/error.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/stat.h>

static char folder[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 16], message[1024];
static struct keys keys;

static void setup(void)
{
	unit_make_folder(folder);
	snprintf(path, sizeof path, "%s/keys", folder);
}

static void teardown(void)
{
	unit_remove_folder(folder);
}

static int read_with_mode(const char *text, mode_t mode)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct buffer secret;
	int rc;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
	rc = keys_read_secret(path, &secret, message, sizeof message);
	if (rc == GRAPPE_OK)
		ck_assert_mem_eq(secret.bytes, text, strlen(text));
	keys_wipe_secret(&secret);
	return rc;
}

START_TEST(a_secret_is_its_owners_alone)
{
	static const mode_t bad[] = {0640, 0604, 0660, 0620, 0602, 0610, 0601, 0644};

	ck_assert_int_eq(read_with_mode("x", 0600), GRAPPE_OK);
	ck_assert_int_eq(read_with_mode("x", 0400), GRAPPE_OK);
	ck_assert_int_eq(read_with_mode("x", 0700), GRAPPE_OK);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ck_assert_int_eq(read_with_mode("x", bad[i]), GRAPPE_EINVALID);
		ck_assert_ptr_nonnull(strstr(message, path));
		ck_assert_ptr_nonnull(strstr(message, "chmod 600"));
	}
}
END_TEST

START_TEST(a_secret_of_somebody_else_is_refused)
{
	struct buffer secret;

	if (geteuid() != 0) { /* cannot give a file away: at least root's own is taken */
		ck_assert_int_eq(keys_read_secret("/etc/passwd", &secret, message, sizeof message),
		    GRAPPE_EINVALID);
		ck_assert_ptr_nonnull(strstr(message, "others than its owner"));
		keys_wipe_secret(&secret);
		return;
	}
	ck_assert_int_eq(read_with_mode("x", 0600), GRAPPE_OK);
	ck_assert_int_eq(chown(path, 4711, 0), 0);
	ck_assert_int_eq(keys_read_secret(path, &secret, message, sizeof message), GRAPPE_EINVALID);
	ck_assert_ptr_nonnull(strstr(message, "belongs to user 4711"));
	keys_wipe_secret(&secret);
}
END_TEST

START_TEST(a_secret_is_a_file_of_bearable_size)
{
	struct buffer secret;
	char text[4098];

	memset(text, 'x', sizeof text);
	text[4096] = '\0';
	ck_assert_int_eq(read_with_mode(text, 0600), GRAPPE_OK);
	text[4096] = 'x';
	text[4097] = '\0';
	ck_assert_int_eq(read_with_mode(text, 0600), GRAPPE_ELIMIT);
	ck_assert_int_eq(
	    keys_read_secret(folder, &secret, message, sizeof message), GRAPPE_EINVALID);
	ck_assert_ptr_nonnull(strstr(message, "not a regular file"));
	keys_wipe_secret(&secret);
	unlink(path);
	ck_assert_int_eq(keys_read_secret(path, &secret, message, sizeof message), GRAPPE_EIO);
	ck_assert_ptr_nonnull(strstr(message, "No such file"));
	keys_wipe_secret(&secret);
	/* A pipe must not hold the program up. */
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(keys_read_secret(path, &secret, message, sizeof message), GRAPPE_EINVALID);
	keys_wipe_secret(&secret);
}
END_TEST

static int parse(const char *text)
{
	message[0] = '\0';
	return keys_parse(text, strlen(text), &keys, message, sizeof message);
}

START_TEST(both_pass_phrases_are_read)
{
	ck_assert_int_eq(
	    parse("# a comment\n\nauthentication = first secret \r\n\tprivacy=\"second = one\""),
	    GRAPPE_OK);
	ck_assert_str_eq(keys.authentication, "first secret");
	ck_assert_str_eq(keys.privacy, "second = one");
	ck_assert_int_eq(parse("privacy = 12345678\n"), GRAPPE_OK);
	ck_assert_str_eq(keys.authentication, "");
	ck_assert_str_eq(keys.privacy, "12345678");
	ck_assert_int_eq(parse(""), GRAPPE_OK);
	ck_assert_str_eq(keys.privacy, "");
	/* A quote within is one. */
	ck_assert_int_eq(parse("privacy = \"quoted\" once\n"), GRAPPE_OK);
	ck_assert_str_eq(keys.privacy, "\"quoted\" once");
}
END_TEST

static const struct {
	const char *text, *says;
} bad[] = {
    {"SECRETSECRET\n", "line 1: not of the form"},
    {"\nauthentication SECRETSECRET\n", "line 2: not of the form"},
    {"SECRET = SECRETSECRET\n", "line 1: the name is neither"},
    {"authentication = SECRET\n", "line 1: a pass phrase has 8 to 255"},
    {"authentication = \"SECRET\"\n", "line 1: a pass phrase has 8 to 255"},
    {"authentication =\n", "line 1: a pass phrase has 8 to 255"},
    {"privacy = SECRETSECRET\nprivacy = SECRETSECRET\n", "line 2: given twice"},
    {"privacy = SECRET\001SECRET\n", "line 1: a control character"},
};

static struct keys_login login;

static int parse_login(const char *text)
{
	message[0] = '\0';
	return keys_parse_login(text, strlen(text), &login, message, sizeof message);
}

START_TEST(a_whole_login_is_read)
{
	ck_assert_int_eq(
	    parse_login("user = grappe\nsecurity = authNoPriv\nauthentication_protocol=SHA-512\n"
			"privacy_protocol = \"AES-256\"\nauthentication = first secret\n"),
	    GRAPPE_OK);
	ck_assert_str_eq(login.user, "grappe");
	ck_assert_int_eq(login.security, KEYS_NO_PRIVACY);
	ck_assert_str_eq(keys_authentications[login.authentication], "SHA-512");
	ck_assert_str_eq(keys_privacies[login.privacy], "AES-256");
	ck_assert_str_eq(login.keys.authentication, "first secret");
	keys_wipe_login(&login);
	ck_assert_str_eq(login.keys.authentication, "");
}
END_TEST

START_TEST(a_login_is_strong_unless_it_says_otherwise)
{
	ck_assert_int_eq(
	    parse_login("privacy = 12345678\nuser = a\nauthentication = 12345678"), GRAPPE_OK);
	ck_assert_str_eq(keys_securities[login.security], "authPriv");
	ck_assert_str_eq(keys_authentications[login.authentication], "SHA-256");
	ck_assert_str_eq(keys_privacies[login.privacy], "AES");
	ck_assert_int_eq(parse_login("user = a\nsecurity = noAuthNoPriv\n"), GRAPPE_OK);
}
END_TEST

static const struct {
	const char *text, *says;
} bad_logins[] = {
    {"", "no line \"user = NAME\""},
    {"user = a", "no line \"authentication = "},
    {"user = a\nauthentication = SECRETSECRET", "no line \"privacy = "},
    {"user = a\nuser = b\n", "line 2: given twice"},
    {"user =\n", "line 1: a user has 1 to 32"},
    {"user = 123456789012345678901234567890123\n", "line 1: a user has 1 to 32"},
    {"security = SECRET\n", "line 1: not a name such as noAuthNoPriv"},
    {"security = authPriv\nsecurity = authPriv\n", "line 2: given twice"},
    {"authentication_protocol = MD5\n", "line 1: not a name such as SHA-256"},
    {"privacy_protocol = DES\n", "line 1: not a name such as AES"},
    {"SECRET = SECRET\n", "line 1: the name is none of user"},
};

START_TEST(a_bad_login_is_refused)
{
	ck_assert_int_eq(parse_login(bad_logins[_i].text), GRAPPE_EFORMAT);
	ck_assert_msg(strstr(message, bad_logins[_i].says) != NULL, "%s", message);
	ck_assert_ptr_null(strstr(message, "SECRET"));
	ck_assert_str_eq(login.keys.authentication, "");
	/* A file for the collector has no users. */
	ck_assert_int_eq(parse("user = a\n"), GRAPPE_EFORMAT);
}
END_TEST

START_TEST(what_is_wrong_is_told_without_repeating_it)
{
	ck_assert_int_eq(parse(bad[_i].text), GRAPPE_EFORMAT);
	ck_assert_msg(strstr(message, bad[_i].says) != NULL, "%s", message);
	ck_assert_ptr_null(strstr(message, "SECRET"));
	ck_assert_str_eq(keys.privacy, "");
	ck_assert_str_eq(keys.authentication, "");
}
END_TEST

START_TEST(the_longest_pass_phrase)
{
	char text[300] = "privacy = ";

	memset(text + 10, 'x', 255);
	text[265] = '\0';
	ck_assert_int_eq(parse(text), GRAPPE_OK);
	ck_assert_uint_eq(strlen(keys.privacy), 255);
	text[265] = 'x';
	text[266] = '\0';
	ck_assert_int_eq(parse(text), GRAPPE_EFORMAT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keys");
	TCase *files = tcase_create("files"), *lines = tcase_create("lines");

	tcase_add_checked_fixture(files, setup, teardown);
	tcase_add_test(files, a_secret_is_its_owners_alone);
	tcase_add_test(files, a_secret_of_somebody_else_is_refused);
	tcase_add_test(files, a_secret_is_a_file_of_bearable_size);
	tcase_add_test(lines, both_pass_phrases_are_read);
	tcase_add_test(lines, a_whole_login_is_read);
	tcase_add_test(lines, a_login_is_strong_unless_it_says_otherwise);
	tcase_add_loop_test(
	    lines, a_bad_login_is_refused, 0, sizeof bad_logins / sizeof *bad_logins);
	tcase_add_loop_test(
	    lines, what_is_wrong_is_told_without_repeating_it, 0, (int)(sizeof bad / sizeof *bad));
	tcase_add_test(lines, the_longest_pass_phrase);
	suite_add_tcase(suite, files);
	suite_add_tcase(suite, lines);
	return unit_run(suite);
}
