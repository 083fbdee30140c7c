/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From files to communities and keys; the keys of RFC 3414 and of RFC 7860's hashes. */
#include "collector/credentials.h"
#include "collector/session.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/unit/unit.h"

#include <sys/stat.h>

static char folder[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 16], message[1024];
static struct credentials credentials;

static void setup(void)
{
	unit_make_folder(folder);
	snprintf(path, sizeof path, "%s/secret", folder);
}

static void teardown(void)
{
	unit_remove_folder(folder);
}

static void write_secret(const char *text)
{
	ck_assert_int_eq(file_replace(path, text, strlen(text), 0600), GRAPPE_OK);
}

static int set_user(int security, int authentication, int privacy)
{
	const struct credentials_user user = {.name = "reader",
	    .security = security,
	    .authentication = authentication,
	    .privacy = privacy,
	    .keys_file = path};

	return credentials_set_user(&credentials, &user, message, sizeof message);
}

static int index_of(const char *const *names, const char *name)
{
	for (int i = 0; names[i] != NULL; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	ck_abort_msg("no %s", name);
}

/* RFC 3414, A.3.2: the key of "maplesyrup" by SHA-1. */
START_TEST(the_key_of_the_standard)
{
	static const uint8_t wanted[] = {0x9f, 0xb5, 0xcc, 0x03, 0x81, 0x49, 0x7b, 0x37, 0x93, 0x52,
	    0x89, 0x39, 0xff, 0x78, 0x8d, 0x5d, 0x79, 0x14, 0x52, 0x11};

	write_secret("authentication = maplesyrup\nprivacy = maplesyrup\n");
	ck_assert_int_eq(
	    set_user(KEYS_PRIVACY, index_of(keys_authentications, "SHA"), 0), GRAPPE_OK);
	ck_assert_uint_eq(credentials.authentication_length, sizeof wanted);
	ck_assert_mem_eq(credentials.authentication_key, wanted, sizeof wanted);
	ck_assert_uint_eq(credentials.privacy_length, sizeof wanted);
	ck_assert_mem_eq(credentials.privacy_key, wanted, sizeof wanted);
	ck_assert_str_eq(credentials.user, "reader");
}
END_TEST

START_TEST(each_algorithm_makes_keys)
{
	static const struct {
		const char *name;
		size_t length;
	} hashes[] = {{"SHA", 20}, {"SHA-256", 32}, {"SHA-384", 48}, {"SHA-512", 64}};

	write_secret("authentication = first secret\nprivacy = second secret\n");
	for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
		for (int privacy = 0; keys_privacies[privacy] != NULL; privacy++) {
			ck_assert_int_eq(
			    set_user(KEYS_PRIVACY, index_of(keys_authentications, hashes[i].name),
				privacy),
			    GRAPPE_OK);
			ck_assert_uint_eq(credentials.authentication_length, hashes[i].length);
			ck_assert_mem_ne(credentials.authentication_key, credentials.privacy_key,
			    hashes[i].length);
		}
}
END_TEST

START_TEST(levels_want_their_keys)
{
	write_secret("authentication = first secret\n");
	ck_assert_int_eq(set_user(KEYS_NO_PRIVACY, 0, 0), GRAPPE_OK);
	ck_assert_uint_eq(credentials.privacy_length, 0);
	ck_assert_int_eq(set_user(KEYS_PRIVACY, 0, 0), GRAPPE_EFORMAT);
	ck_assert_ptr_nonnull(strstr(message, "no line \"privacy"));
	write_secret("privacy = second secret\n");
	ck_assert_int_eq(set_user(KEYS_NO_PRIVACY, 0, 0), GRAPPE_EFORMAT);
	ck_assert_ptr_nonnull(strstr(message, "no line \"authentication"));
	write_secret("nothing\n");
	ck_assert_int_eq(set_user(KEYS_PRIVACY, 0, 0), GRAPPE_EFORMAT);
	ck_assert_ptr_nonnull(strstr(message, "secret: line 1"));
	unlink(path);
	ck_assert_int_eq(set_user(KEYS_PRIVACY, 0, 0), GRAPPE_EIO);
	ck_assert_int_eq(set_user(KEYS_NO_AUTHENTICATION, 0, 0), GRAPPE_OK);
}
END_TEST

static int set_community(const char *text)
{
	write_secret(text);
	return credentials_set_community(&credentials, "unused", path, message, sizeof message);
}

START_TEST(communities)
{
	char text[300];

	ck_assert_int_eq(set_community("hush hush\r\nsecond line"), GRAPPE_OK);
	ck_assert_str_eq(credentials.community, "hush hush");
	ck_assert_int_eq(set_community(""), GRAPPE_EFORMAT);
	ck_assert_int_eq(set_community("\nx"), GRAPPE_EFORMAT);
	memset(text, 'x', sizeof text);
	text[255] = '\0';
	ck_assert_int_eq(set_community(text), GRAPPE_OK);
	text[255] = 'x';
	text[256] = '\0';
	ck_assert_int_eq(set_community(text), GRAPPE_EFORMAT);
	ck_assert_int_eq(
	    credentials_set_community(&credentials, "public", "", message, sizeof message),
	    GRAPPE_OK);
	ck_assert_str_eq(credentials.community, "public");
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(
	    credentials_set_community(&credentials, "public", path, message, sizeof message),
	    GRAPPE_EINVALID);
	ck_assert_ptr_nonnull(strstr(message, "chmod 600"));
}
END_TEST

START_TEST(differences_are_seen)
{
	struct credentials other;

	write_secret("authentication = first secret\nprivacy = second secret\n");
	ck_assert_int_eq(set_user(KEYS_PRIVACY, 0, 0), GRAPPE_OK);
	other = credentials;
	ck_assert(credentials_equal(&credentials, &other));
	write_secret("authentication = first secret\nprivacy = second secreT\n");
	ck_assert_int_eq(set_user(KEYS_PRIVACY, 0, 0), GRAPPE_OK);
	ck_assert(!credentials_equal(&credentials, &other));
	ck_assert_int_eq(set_community("public"), GRAPPE_OK);
	ck_assert(!credentials_equal(&credentials, &other));
	credentials_wipe(&other);
	ck_assert_uint_eq(other.authentication_length, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("credentials");
	TCase *all = tcase_create("all");

	if (session_start_library() != GRAPPE_OK)
		return EXIT_FAILURE;
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_set_timeout(all, 30);
	tcase_add_test(all, the_key_of_the_standard);
	tcase_add_test(all, each_algorithm_makes_keys);
	tcase_add_test(all, levels_want_their_keys);
	tcase_add_test(all, communities);
	tcase_add_test(all, differences_are_seen);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
