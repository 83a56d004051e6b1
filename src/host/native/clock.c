#define _GNU_SOURCE
#include "clock.h"
#include "tell.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { SECOND = 1000000000, RED_ZONE = 128, MOST_STACK = 1 << 22, CS_32 = 0x23 };
/* a thread that asks so often for a time that stands waits for it to pass */
enum { IMPATIENT = 200 };

/* src/host/clock.ts writes it whole, in this order; both ends are the same where nobody writes */
struct page {
	uint64_t begun;
	int64_t base;     /* ns since the model's boot, when the host's CLOCK_MONOTONIC was `at` */
	int64_t at;
	double pace;      /* of the model's ns in a ns of the host's; 0: time stands */
	int64_t realtime; /* CLOCK_REALTIME at the model's boot */
	uint64_t ended;
};
static const volatile struct page *page;
static int64_t latest;
static int asked;

void clock_map(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(struct page), PROT_READ, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	page = at == MAP_FAILED ? NULL : at;
}


static int64_t host_ns(clockid_t clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * SECOND + ts.tv_nsec;
}

static struct page now_page(void)
{
	struct page p;
	do {
		p.ended = page->ended;
		__sync_synchronize();
		p.base = page->base, p.at = page->at, p.pace = page->pace, p.realtime = page->realtime;
		__sync_synchronize();
		p.begun = page->begun;
	} while (p.begun != p.ended);
	return p;
}

static int64_t monotonic(const struct page *p)
{
	int64_t now = p->base + (int64_t)((double)(host_ns(CLOCK_MONOTONIC) - p->at) * p->pace);
	if (now > latest) {
		latest = now;
		asked = 0;
	}
	return latest;
}

/* The model's time on a clock, or -1 where the host has it. */
static int64_t time_on(clockid_t clock, const struct page *p)
{
	switch (clock) {
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		return monotonic(p);
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		return p->realtime + monotonic(p);
	default:
		return -1;
	}
}

static int write_at(pid_t tid, uint64_t at, const void *bytes, size_t size)
{
	struct iovec from = { (void *)bytes, size }, into = { (void *)at, size };
	return process_vm_writev(tid, &from, 1, &into, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

static int read_at(pid_t tid, uint64_t at, void *bytes, size_t size)
{
	struct iovec into = { bytes, size }, from = { (void *)at, size };
	return process_vm_readv(tid, &into, 1, &from, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

int clock_answer(struct thread *t, int64_t *value)
{
	const struct user_regs_struct *r = &t->regs;
	uint64_t nr = r->orig_rax;
	if (!page || (nr != SYS_clock_gettime && nr != SYS_gettimeofday && nr != SYS_time))
		return 0;
	struct page p = now_page();
	clockid_t clock = nr == SYS_clock_gettime ? (clockid_t)r->rdi : CLOCK_REALTIME;
	int64_t ns = time_on(clock, &p);
	if (ns < 0)
		return 0;
	if (p.pace == 0 && ++asked % IMPATIENT == 0) {
		struct {
			uint32_t tid, tgid;
			uint64_t nr;
		} idle = { (uint32_t)t->tid, (uint32_t)t->tgid, nr };
		tell(TELL_IDLE, &idle, sizeof(idle));
	}
	struct timespec ts = { ns / SECOND, ns % SECOND };
	struct timeval tv = { ts.tv_sec, ts.tv_nsec / 1000 };
	struct timezone none = { 0, 0 };
	*value = 0;
	if (nr == SYS_clock_gettime)
		*value = write_at(t->tid, r->rsi, &ts, sizeof(ts));
	else if (nr == SYS_gettimeofday) {
		if (r->rdi)
			*value = write_at(t->tid, r->rdi, &tv, sizeof(tv));
		if (r->rsi && *value == 0)
			*value = write_at(t->tid, r->rsi, &none, sizeof(none));
	} else {
		*value = ts.tv_sec;
		if (r->rdi && write_at(t->tid, r->rdi, &ts.tv_sec, sizeof(ts.tv_sec)) != 0)
			*value = -EFAULT;
	}
	return 1;
}

/* A time on a clock of the model's, at the same distance on the host's. */
static void to_host(struct timespec *ts, clockid_t clock)
{
	struct page p = now_page();
	int64_t left = (int64_t)ts->tv_sec * SECOND + ts->tv_nsec - time_on(clock, &p);
	if (left < 0)
		left = 0;
	int64_t ns = host_ns(clock) + (p.pace > 0 ? (int64_t)((double)left / p.pace) : left);
	ts->tv_sec = ns / SECOND;
	ts->tv_nsec = ns % SECOND;
}

/* The clock of a timer's descriptor (proc_pid_fdinfo(5)). */
static clockid_t timer_clock(pid_t tgid, int fd)
{
	char path[64], line[128];
	int clock = CLOCK_MONOTONIC;
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", tgid, fd);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "clockid: %d", &clock) == 1)
			break;
	if (f)
		fclose(f);
	return clock;
}

int clock_deadline(struct thread *t)
{
	struct user_regs_struct r = t->regs;
	unsigned long long *argument = &r.rdx;
	struct timespec ts[2]; /* a timespec, or an itimerspec, whose second one is the time */
	size_t count = 1;
	clockid_t clock;
	if (!page)
		return 0;
	switch (r.orig_rax) {
	case SYS_futex: /* the filter shows those that wait until a time */
		argument = &r.r10;
		clock = (r.rsi & FUTEX_CMD_MASK) == FUTEX_LOCK_PI || (r.rsi & FUTEX_CLOCK_REALTIME) ? CLOCK_REALTIME : CLOCK_MONOTONIC;
		break;
	case SYS_timerfd_settime:
		clock = timer_clock(t->tgid, (int)r.rdi);
		count = 2;
		break;
	case SYS_clock_nanosleep:
		clock = (clockid_t)r.rdi;
		if (!(r.rsi & TIMER_ABSTIME))
			return 0;
		break;
	default:
		return 0;
	}
	if (read_at(t->tid, *argument, ts, count * sizeof(ts[0])) != 0)
		return 0;
	struct timespec *when = &ts[count - 1];
	if (when->tv_nsec < 0 || when->tv_nsec >= SECOND || when->tv_sec < 0 || (when->tv_sec == 0 && when->tv_nsec == 0))
		return 0;
	to_host(when, clock);
	uint64_t at = (r.rsp - RED_ZONE - count * sizeof(ts[0])) & ~15ull;
	if (write_at(t->tid, at, ts, count * sizeof(ts[0])) != 0)
		return 0;
	*argument = at;
	return ptrace(PTRACE_SETREGS, t->tid, 0, &r) == 0;
}

void clock_deadline_over(struct thread *t)
{
	struct user_regs_struct r;
	if (ptrace(PTRACE_GETREGS, t->tid, 0, &r) != 0)
		return;
	/* a call leaves the registers of its arguments as they were */
	r.r10 = t->regs.r10;
	r.rdx = t->regs.rdx;
	ptrace(PTRACE_SETREGS, t->tid, 0, &r);
}

void clock_hide_vdso(pid_t tid)
{
	struct user_regs_struct r;
	uint64_t word, at;
	if (ptrace(PTRACE_GETREGS, tid, 0, &r) != 0 || r.cs == CS_32)
		return;
	/* argc, the arguments, 0, the environment, 0, then pairs up to AT_NULL (System V ABI, 3.4.1) */
	at = r.rsp;
	for (int zeroes = 0; zeroes < 2 && at < r.rsp + MOST_STACK;) {
		at += 8;
		if (read_at(tid, at, &word, 8) != 0)
			return;
		zeroes += word == 0;
	}
	for (at += 8; read_at(tid, at, &word, 8) == 0 && word != AT_NULL; at += 16)
		if (word == AT_SYSINFO_EHDR) {
			word = AT_IGNORE;
			write_at(tid, at, &word, 8);
		}
}
