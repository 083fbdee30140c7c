/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/subagent_rights.h"

#include <sys/socket.h>

static const char *const calls[] = {
    /* memory */
    "brk", "mmap", "munmap", "mremap", "mprotect", "madvise",
    /* reading files; what the file system permits decides */
    "openat", "read", "pread64", "readv", "write", "writev", "lseek", "close", "fstat",
    "newfstatat", "statx", "getdents64", "fcntl", "access", "faccessat", "faccessat2", "readlink",
    "readlinkat", "umask", "dup",
    /* net-snmp makes a folder for certificates, where none can be made */
    "mkdir", "mkdirat",
    /* the event loop, waiting, signals */
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll",
    "select", "pselect6", "eventfd2", "pipe2", "timerfd_create", "timerfd_settime", "rt_sigaction",
    "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
    /* AgentX with snmpd, and a daemon's socket, by the sockets of the families below */
    "socketpair", "connect", "bind", "getsockopt", "setsockopt", "getsockname", "getpeername",
    "recvfrom", "recvmsg", "recvmmsg", "sendto", "sendmsg", "sendmmsg", "ioctl", "shutdown",
    /* time */
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "adjtimex",
    "clock_adjtime", "times",
    /* itself */
    "exit", "exit_group", "futex", "getpid", "getppid", "gettid", "tgkill", "getuid", "geteuid",
    "getgid", "getegid", "getrandom", "rseq", "set_robust_list", "sched_yield", "sched_getaffinity",
    "uname", "sysinfo", "prlimit64", "getrusage",
    /* from here on of those with state alone: period files as they come, the state file */
    "inotify_init1", "inotify_add_watch", "inotify_rm_watch", "fsync", "fdatasync", "rename",
    "renameat", "renameat2", "unlink", "unlinkat", "flock", "ftruncate", "chmod", "fchmod",
    "fchmodat"};

#define STATE_CALLS 15 /* the last ones */

/* AF_UNIX: the master's socket; AF_INET, AF_INET6: a master on tcp:HOST:PORT, and finding its
   address; AF_NETLINK: the C library asks for this host's addresses then. */
static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, -1};

struct confine_rights subagent_rights(bool keeps_state)
{
	return (struct confine_rights){.calls = calls,
	    .ncalls = sizeof calls / sizeof *calls - (keeps_state ? 0 : STATE_CALLS),
	    .families = families};
}
