/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/confine.h"

#include "config.h"

#include "common/error.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef HAVE_LIBSECCOMP
#include <seccomp.h>
#endif

#define CAPABILITY_LAST 63 /* more than any kernel has */

/* Instrumented programs make calls of their own, at their end also with other threads' help. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define INSTRUMENTED true
#else
#define INSTRUMENTED false
#endif

static int refuse(char *message, size_t size, const char *what)
{
	snprintf(message, size, "%s: %s", what, strerror(errno));
	return GRAPPE_EIO;
}

/* ---- capabilities ---- */

/* Those that Grappe speaks of. */
static const struct {
	int number;
	const char *name;
} capability_names[] = {
    {CAP_NET_RAW, "CAP_NET_RAW"}, {CAP_NET_ADMIN, "CAP_NET_ADMIN"}, {CAP_BPF, "CAP_BPF"}};

#define NAMES (sizeof capability_names / sizeof *capability_names)

static uint64_t permitted(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	if (syscall(SYS_capget, &header, data) != 0)
		return 0;
	return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

static int set_capabilities(uint64_t wanted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct data[2] = {
	    {.effective = (uint32_t)wanted, .permitted = (uint32_t)wanted},
	    {.effective = (uint32_t)(wanted >> 32), .permitted = (uint32_t)(wanted >> 32)}};

	return syscall(SYS_capset, &header, data) == 0 ? 0 : -1;
}

const char *confine_missing(uint64_t wanted)
{
	const uint64_t missing = wanted & ~permitted();

	for (size_t i = 0; i < NAMES; i++)
		if ((missing & CONFINE_CAPABILITY(capability_names[i].number)) != 0)
			return capability_names[i].name;
	return missing != 0 ? "a capability" : NULL;
}

/* Without the right to do so (CAP_SETPCAP) the bounding set stays: no_new_privs makes it useless.
 */
static void drop_bounding_set(uint64_t wanted)
{
	for (int i = 0; i <= CAPABILITY_LAST; i++)
		if ((wanted & CONFINE_CAPABILITY(i)) == 0)
			(void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
}

/* ---- the user ---- */

static int become(const char *user, char *message, size_t size)
{
	const struct passwd *entry;

	if (user[0] == '\0' || geteuid() != 0)
		return GRAPPE_OK;
	entry = getpwnam(user);
	if (entry == NULL) {
		snprintf(message, size, "there is no user \"%s\"", user);
		return GRAPPE_ENOTFOUND;
	}
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || initgroups(user, entry->pw_gid) != 0 ||
	    setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0 ||
	    setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0)
		return refuse(message, size, "changing the user");
	return GRAPPE_OK;
}

/* ---- system calls ---- */

#ifdef HAVE_LIBSECCOMP

static char *put_number(char *at, unsigned number)
{
	char digits[12];
	int n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	while (n > 0)
		*at++ = digits[--n];
	return at;
}

/* Only what is safe in a signal handler. */
static void on_denied(int number, siginfo_t *info, void *context)
{
	static const char begin[] = "<2>a system call that is not needed was tried: number ",
			  end[] = "; this program ends itself\n";
	char line[sizeof begin + sizeof end + 12], *at = line;

	(void)number;
	(void)context;
	memcpy(at, begin, sizeof begin - 1);
	at = put_number(at + sizeof begin - 1, (unsigned)info->si_syscall);
	memcpy(at, end, sizeof end - 1);
	at += sizeof end - 1;
	if (write(STDERR_FILENO, line, (size_t)(at - line)) < 0)
		_exit(EXIT_FAILURE);
	_exit(EXIT_FAILURE);
}

static int allow_call(scmp_filter_ctx filter, const char *name)
{
	const int number = seccomp_syscall_resolve_name(name);

	/* A call that this machine does not know needs no rule. */
	if (number == __NR_SCMP_ERROR || number < 0)
		return 0;
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
}

static int allow_families(scmp_filter_ctx filter, const int *families)
{
	int rc = 0;

	for (; *families >= 0 && rc == 0; families++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
		    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)*families));
	return rc;
}

/* Programs and more privilege are refused with an error that callers expect. */
static int filter_calls(const struct confine_rights *rights)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	int rc = filter != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; i < rights->ncalls && rc == 0; i++)
		rc = allow_call(filter, rights->calls[i]);
	if (rc == 0)
		rc = allow_families(filter, rights->families);
	if (rc == 0)
		rc = seccomp_load(filter);
	if (filter != NULL)
		seccomp_release(filter);
	errno = -rc;
	return rc == 0 ? 0 : -1;
}

static int confine_calls(const struct confine_rights *rights)
{
	const struct sigaction action = {.sa_sigaction = on_denied, .sa_flags = SA_SIGINFO};

	if (INSTRUMENTED)
		return 0;
	return sigaction(SIGSYS, &action, NULL) == 0 ? filter_calls(rights) : -1;
}

#else

static int confine_calls(const struct confine_rights *rights)
{
	(void)rights;
	return 0;
}

#endif

/* ---- all of it ---- */

int confine_enter(const struct confine_rights *rights, const char *user, char *message, size_t size)
{
	const char *missing = confine_missing(rights->capabilities);
	int rc;

	if (missing != NULL) {
		snprintf(message, size, "%s is missing", missing);
		return GRAPPE_EIO;
	}
	drop_bounding_set(rights->capabilities);
	rc = become(user, message, size);
	if (rc != GRAPPE_OK)
		return rc;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (set_capabilities(rights->capabilities) != 0)
		return refuse(message, size, "dropping capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return refuse(message, size, "no_new_privs");
	if (!INSTRUMENTED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return refuse(message, size, "forbidding core dumps");
	if (confine_calls(rights) != 0)
		return refuse(message, size, "filtering system calls");
	return GRAPPE_OK;
}

const char *confine_describe(const struct confine_rights *rights, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < NAMES; i++)
		if ((rights->capabilities & CONFINE_CAPABILITY(capability_names[i].number)) != 0 &&
		    used < size)
			used += (size_t)snprintf(out + used, size - used, "%s%s",
			    used > 0 ? ", " : "", capability_names[i].name);
	if (used == 0)
		snprintf(out, size, "no capability");
	return out;
}
