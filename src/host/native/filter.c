#include "filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT = 16384 };

enum kind {
	ALWAYS,  /* every call is seen */
	FD,      /* where argument `arg` is a descriptor of the model's */
	EQUAL,   /* where argument `arg` is `value` */
	ROOT,    /* answered at once: 0, as root would be told */
	SLEEP,   /* with SEE_SLEEPS */
	UNTIL,   /* a futex(2) that waits until a time */
};
struct rule {
	int nr;
	enum kind kind;
	int arg;
	uint32_t value;
};

/* The busiest first: the filter is walked in this order at each system call. */
static const struct rule rules[] = {
	{ SYS_read, FD, 0, 0 },
	{ SYS_write, FD, 0, 0 },
	{ SYS_close, FD, 0, 0 },
	{ SYS_mmap, FD, 4, 0 },
	{ SYS_newfstatat, ALWAYS, 0, 0 },
	{ SYS_openat, ALWAYS, 0, 0 },
	{ SYS_epoll_wait, ALWAYS, 0, 0 },
	{ SYS_epoll_pwait, ALWAYS, 0, 0 },
	{ SYS_poll, ALWAYS, 0, 0 },
	{ SYS_ppoll, ALWAYS, 0, 0 },
	{ SYS_select, ALWAYS, 0, 0 },
	{ SYS_pselect6, ALWAYS, 0, 0 },
	{ SYS_ioctl, EQUAL, 1, 0x8933 /* SIOCGIFINDEX */ },
	{ SYS_ioctl, EQUAL, 1, 0x8910 /* SIOCGIFNAME */ },
	{ SYS_ioctl, FD, 0, 0 },
	{ SYS_sendto, FD, 0, 0 },
	{ SYS_recvfrom, FD, 0, 0 },
	{ SYS_sendmsg, ALWAYS, 0, 0 }, /* of those to the host's sockets, which carry descriptors */
	{ SYS_recvmsg, FD, 0, 0 },
	{ SYS_bpf, ALWAYS, 0, 0 },
	{ SYS_perf_event_open, ALWAYS, 0, 0 },
	{ SYS_pread64, FD, 0, 0 },
	{ SYS_pwrite64, FD, 0, 0 },
	{ SYS_readv, FD, 0, 0 },
	{ SYS_writev, FD, 0, 0 },
	{ SYS_lseek, FD, 0, 0 },
	{ SYS_fstat, FD, 0, 0 },
	{ SYS_fcntl, FD, 0, 0 },
	{ SYS_ftruncate, FD, 0, 0 },
	{ SYS_getdents64, FD, 0, 0 },
	{ SYS_dup, FD, 0, 0 },
	{ SYS_dup2, FD, 0, 0 },
	{ SYS_dup3, FD, 0, 0 },
	{ SYS_sendfile, FD, 1, 0 },
	{ SYS_open, ALWAYS, 0, 0 },
	{ SYS_openat2, ALWAYS, 0, 0 },
	{ SYS_stat, ALWAYS, 0, 0 },
	{ SYS_lstat, ALWAYS, 0, 0 },
	{ SYS_statx, ALWAYS, 0, 0 },
	{ SYS_access, ALWAYS, 0, 0 },
	{ SYS_faccessat, ALWAYS, 0, 0 },
	{ SYS_faccessat2, ALWAYS, 0, 0 },
	{ SYS_readlink, ALWAYS, 0, 0 },
	{ SYS_readlinkat, ALWAYS, 0, 0 },
	{ SYS_statfs, ALWAYS, 0, 0 },
	{ SYS_mkdir, ALWAYS, 0, 0 },
	{ SYS_mkdirat, ALWAYS, 0, 0 },
	{ SYS_rmdir, ALWAYS, 0, 0 },
	{ SYS_unlink, ALWAYS, 0, 0 },
	{ SYS_unlinkat, ALWAYS, 0, 0 },
	{ SYS_rename, ALWAYS, 0, 0 },
	{ SYS_symlink, ALWAYS, 0, 0 },
	{ SYS_symlinkat, ALWAYS, 0, 0 },
	{ SYS_name_to_handle_at, ALWAYS, 0, 0 },
	{ SYS_mount, ALWAYS, 0, 0 },
	{ SYS_getxattr, ALWAYS, 0, 0 },
	{ SYS_lgetxattr, ALWAYS, 0, 0 },
	{ SYS_llistxattr, ALWAYS, 0, 0 },
	{ SYS_chdir, ALWAYS, 0, 0 },
	{ SYS_uname, ALWAYS, 0, 0 },
	{ SYS_capget, ALWAYS, 0, 0 },
	{ SYS_getuid, ROOT, 0, 0 },
	{ SYS_geteuid, ROOT, 0, 0 },
	{ SYS_getgid, ROOT, 0, 0 },
	{ SYS_getegid, ROOT, 0, 0 },
	{ SYS_prlimit64, EQUAL, 1, RLIMIT_MEMLOCK },
	{ SYS_setrlimit, EQUAL, 0, RLIMIT_MEMLOCK },
	{ SYS_socket, EQUAL, 0, 16 /* AF_NETLINK */ },
	{ SYS_setsockopt, EQUAL, 1, 270 /* SOL_NETLINK */ },
	{ SYS_setsockopt, EQUAL, 2, 50 /* SO_ATTACH_BPF */ },
	{ SYS_setsockopt, EQUAL, 2, 52 /* SO_ATTACH_REUSEPORT_EBPF */ },
	{ SYS_clock_gettime, ALWAYS, 0, 0 }, /* what reads the host's time: there is no vDSO (clock.c) */
	{ SYS_gettimeofday, ALWAYS, 0, 0 },
	{ SYS_time, ALWAYS, 0, 0 },
	{ SYS_futex, UNTIL, 0, 0 },
	{ SYS_timerfd_settime, EQUAL, 1, TFD_TIMER_ABSTIME },
	{ SYS_timerfd_settime, EQUAL, 1, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET },
	{ SYS_clock_nanosleep, EQUAL, 1, TIMER_ABSTIME },
	{ SYS_nanosleep, SLEEP, 0, 0 },
	{ SYS_clock_nanosleep, SLEEP, 0, 0 },
};
enum { RULES = sizeof(rules) / sizeof(rules[0]) };

static int first = 768;

int descriptor_first(void)
{
	return first;
}

int descriptor_base(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return first;
	rlim_t most = limit.rlim_max < LIMIT ? limit.rlim_max : LIMIT;
	if (limit.rlim_cur < most) {
		limit.rlim_cur = most;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	first = (int)(most / 4 * 3);
	return first;
}

#define ARGUMENT(n) (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (n))
#define SAY(op, value) (struct sock_filter)BPF_STMT(op, value)
#define TEST(op, value, then, other) (struct sock_filter)BPF_JUMP(op, value, then, other)

static int add_rule(struct sock_filter *f, const struct rule *r, int base)
{
	int n = 1;
	switch (r->kind) {
	case FD: /* a negative number is none */
		f[n++] = SAY(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(r->arg));
		f[n++] = TEST(BPF_JMP | BPF_JGE | BPF_K, 0x80000000u, 1, 0);
		f[n++] = TEST(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)base, 1, 0);
		f[n++] = SAY(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
		f[n++] = SAY(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
		break;
	case EQUAL: /* another row of the same call may follow */
		f[n++] = SAY(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(r->arg));
		f[n++] = TEST(BPF_JMP | BPF_JEQ | BPF_K, r->value, 0, 1);
		f[n++] = SAY(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
		f[n++] = SAY(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
		break;
	case UNTIL: /* with a timeout, which these have as a point in time */
		f[n++] = SAY(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(1));
		f[n++] = SAY(BPF_ALU | BPF_AND | BPF_K, (uint32_t)FUTEX_CMD_MASK);
		f[n++] = TEST(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAIT_BITSET, 1, 0);
		f[n++] = TEST(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_LOCK_PI, 0, 3);
		f[n++] = SAY(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(3));
		f[n++] = TEST(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
		f[n++] = SAY(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
		f[n++] = SAY(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
		break;
	case ROOT:
		f[n++] = SAY(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 0);
		break;
	case ALWAYS:
	case SLEEP:
		f[n++] = SAY(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
		break;
	}
	f[0] = TEST(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->nr, 0, (uint8_t)(n - 1));
	return n;
}

int install_filter(int base, int see)
{
	struct sock_filter filter[10 * RULES + 8];
	int n = 0;
	/* a program of another architecture has other numbers: its calls are the host's */
	filter[n++] = SAY(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	filter[n++] = TEST(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	filter[n++] = SAY(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter[n++] = SAY(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (int i = 0; i < RULES; i++)
		if (rules[i].kind != SLEEP || (see & SEE_SLEEPS))
			n += add_rule(filter + n, &rules[i], base);
	filter[n++] = SAY(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { .len = (unsigned short)n, .filter = filter };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}
