/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/capture_rights.h"

#include <linux/capability.h>
#include <sys/socket.h>

static const char *const calls[] = {
    /* memory, also the rings and maps shared with the kernel */
    "brk", "mmap", "munmap", "mremap", "mprotect", "madvise",
    /* period files, /proc/PID/comm of who left filters behind, /sys/class/net by libpcap; what the
       file system permits decides */
    "openat", "read", "pread64", "readv", "write", "writev", "lseek", "close", "fstat",
    "newfstatat", "statx", "fsync", "fdatasync", "rename", "renameat", "renameat2", "unlink",
    "unlinkat", "mkdir", "mkdirat", "getdents64", "fcntl", "flock", "ftruncate", "access",
    "faccessat", "faccessat2", "readlink", "readlinkat", "chmod", "fchmod", "fchmodat", "umask",
    "dup",
    /* the event loop, waiting, signals */
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll",
    "select", "pselect6", "eventfd2", "pipe2", "timerfd_create", "timerfd_settime", "rt_sigaction",
    "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
    /* sockets of the families below: capturing, rtnetlink, the records of grappe-libvirt */
    "bind", "getsockopt", "setsockopt", "getsockname", "recvfrom", "recvmsg", "sendto", "sendmsg",
    "ioctl", "shutdown",
    /* the clock and its state; nothing can be set without a capability that is gone */
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "adjtimex",
    "clock_adjtime",
    /* itself */
    "exit", "exit_group", "futex", "getpid", "gettid", "tgkill", "getuid", "geteuid", "getgid",
    "getegid", "getrandom", "rseq", "set_robust_list", "sched_yield", "sched_getaffinity", "uname",
    "sysinfo", "prlimit64", "getrusage",
    /* maps and the attachment of programs; without its capability each of its commands fails */
    "bpf"};

/* AF_INET, AF_UNIX: datagram sockets on which libpcap and the C library ask for an interface's
   properties; connect() is not among the calls, so nothing can be reached by them. */
static const int families[] = {AF_PACKET, AF_NETLINK, AF_INET, AF_UNIX, -1};

struct confine_rights capture_rights(bool bpf, bool pcap)
{
	struct confine_rights rights = {
	    .calls = calls, .ncalls = sizeof calls / sizeof *calls, .families = families};

	/* BPF: maps, programs; NET_ADMIN: their attachment to interfaces. PERFMON was only for
	 * loading. */
	if (bpf)
		rights.capabilities |=
		    CONFINE_CAPABILITY(CAP_BPF) | CONFINE_CAPABILITY(CAP_NET_ADMIN);
	if (pcap)
		rights.capabilities |= CONFINE_CAPABILITY(CAP_NET_RAW);
	return rights;
}
