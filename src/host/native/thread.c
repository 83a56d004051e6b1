#define _GNU_SOURCE
#include "thread.h"
#include "calls.h"
#include "clock.h"
#include "ring.h"
#include "tell.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* below the stack pointer a function may keep 128 bytes (System V ABI, 3.2.2) */
enum { RED_ZONE = 128, SYSCALL_BYTES = 2 };

static struct thread *threads;

struct thread *thread_find(pid_t tid)
{
	for (struct thread *t = threads; t; t = t->next)
		if (t->tid == tid)
			return t;
	return NULL;
}

pid_t thread_group(pid_t tid)
{
	char path[64], line[256];
	pid_t tgid = tid;
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Tgid: %d", &tgid) == 1)
			break;
	if (f)
		fclose(f);
	return tgid;
}

struct thread *thread_get(pid_t tid)
{
	struct thread *t = thread_find(tid);
	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (t) {
		t->tid = tid;
		t->tgid = thread_group(tid);
		t->next = threads;
		threads = t;
	}
	return t;
}

void thread_forget(struct thread *t)
{
	for (struct thread **p = &threads; *p; p = &(*p)->next)
		if (*p == t) {
			*p = t->next;
			free(t);
			return;
		}
}

struct thread *thread_held(uint32_t tid)
{
	struct thread *t = thread_find((pid_t)tid);
	return t && t->state == HELD ? t : NULL;
}

int thread_in_script(const struct thread *t)
{
	return t->state == IN_SCRIPT;
}

int thread_request(const struct thread *t)
{
	return thread_in_script(t) || t->is_changed ? PTRACE_SYSCALL : PTRACE_CONT;
}

void thread_kill_all(int signal)
{
	for (struct thread *t = threads; t; t = t->next)
		if (t->tid == t->tgid)
			kill(t->tgid, signal);
}

static void resume(struct thread *t, int64_t value);

int thread_at_call(struct thread *t)
{
	/* a step of a script that the filter sees as well */
	if (t->state == IN_SCRIPT)
		return 0;
	struct user_regs_struct *r = &t->regs;
	if (ptrace(PTRACE_GETREGS, t->tid, 0, r) != 0)
		return 0;
	int64_t value;
	if (clock_answer(t, &value)) {
		resume(t, value);
		return -1;
	}
	t->is_changed = r->orig_rax != SYS_clock_nanosleep && clock_deadline(t);
	if (t->is_changed)
		return 0;
	struct {
		uint32_t tid, tgid;
		uint64_t nr, args[6];
		char path[4096];
	} call = { (uint32_t)t->tid, (uint32_t)t->tgid, r->orig_rax, { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 }, "" };
	int length = call_of_interest(t, call.nr, call.args, call.path, sizeof(call.path));
	if (length < 0)
		return 0;
	t->state = HELD;
	t->is_called = 0;
	tell(TELL_CALL, &call, (uint32_t)(8 + 8 + 48 + length));
	return -1;
}

void thread_exec(struct thread *t)
{
	/* the thread that called execve takes the leader's number */
	unsigned long former = 0;
	ptrace(PTRACE_GETEVENTMSG, t->tid, 0, &former);
	if ((pid_t)former != t->tid) {
		struct thread *old = thread_find((pid_t)former);
		if (old)
			thread_forget(old);
	}
	t->state = RUNNING;
	clock_hide_vdso(t->tid);
	tell_words(TELL_EXEC, 1, t->tgid);
}

static void set_call(struct user_regs_struct *r, const struct step *s, const struct thread *t)
{
	uint64_t a[6];
	for (int i = 0; i < 6; i++) {
		int ref = s->refs[i];
		a[i] = ref == REF_DATA ? t->data + s->args[i] : ref >= 0 && ref < t->at ? (uint64_t)t->results[ref] : s->args[i];
	}
	r->rdi = a[0], r->rsi = a[1], r->rdx = a[2], r->r10 = a[3], r->r8 = a[4], r->r9 = a[5];
}

/* The registers of the call, with its result in place: as a call leaves them. */
static void resume(struct thread *t, int64_t value)
{
	struct user_regs_struct r = t->regs;
	r.rax = (uint64_t)value;
	/* no call is under way: nothing is restarted */
	r.orig_rax = (uint64_t)-1;
	ptrace(PTRACE_SETREGS, t->tid, 0, &r);
	for (int signal = 1; t->deferred; signal++, t->deferred >>= 1)
		if (t->deferred & 1)
			syscall(SYS_tgkill, t->tgid, t->tid, signal);
	t->state = RUNNING;
	ptrace(PTRACE_CONT, t->tid, 0, 0);
}

void thread_defer(struct thread *t, int signal)
{
	t->deferred |= 1ull << (signal - 1);
}

void thread_go(struct thread *t)
{
	if (t->is_called) {
		resume(t, t->results[t->result]);
		return;
	}
	t->state = RUNNING;
	t->is_changed = clock_deadline(t);
	ptrace(thread_request(t), t->tid, 0, 0);
}

void thread_return(struct thread *t, int64_t value)
{
	resume(t, value);
}

static void next_step(struct thread *t, int first)
{
	struct user_regs_struct r = t->regs;
	const struct step *s = &t->steps[t->at];
	set_call(&r, s, t);
	if (first) {
		r.orig_rax = s->nr;
		r.rax = (uint64_t)-ENOSYS;
	} else {
		r.rax = s->nr;
		r.orig_rax = (uint64_t)-1;
		r.rip = t->regs.rip - SYSCALL_BYTES;
	}
	ptrace(PTRACE_SETREGS, t->tid, 0, &r);
	t->is_entering = !first;
	t->state = IN_SCRIPT;
	ptrace(PTRACE_SYSCALL, t->tid, 0, 0);
}

static void end_script(struct thread *t, int failed)
{
	struct {
		uint32_t tid, count;
		int64_t results[MAX_STEPS];
	} done = { (uint32_t)t->tid, (uint32_t)t->at, { 0 } };
	memcpy(done.results, t->results, sizeof(done.results));
	if (failed)
		t->result = t->at - 1;
	t->is_called = 1;
	t->state = HELD;
	tell(TELL_DONE, &done, 8 + 8 * done.count);
	if (!(t->flags & SCRIPT_HOLD))
		resume(t, t->results[t->result]);
}

void thread_script(struct thread *t, const unsigned char *p, uint32_t length)
{
	uint32_t flags = word(p, 0), result = word(p, 4), count = word(p, 8);
	if (count == 0 || count > MAX_STEPS || result >= count || length < 12 + count * sizeof(struct step)) {
		thread_return(t, -ENOSYS);
		return;
	}
	memcpy(t->steps, p + 12, count * sizeof(struct step));
	uint32_t data = 12 + count * (uint32_t)sizeof(struct step), bytes = length - data;
	if (bytes > MAX_DATA)
		bytes = MAX_DATA;
	t->data = (t->regs.rsp - RED_ZONE - bytes) & ~15ull;
	struct iovec from = { (void *)(p + data), bytes }, into = { (void *)t->data, bytes };
	if (bytes > 0 && process_vm_writev(t->tid, &from, 1, &into, 1, 0) != (ssize_t)bytes) {
		thread_return(t, -EFAULT);
		return;
	}
	t->count = (int)count;
	t->result = (int)result;
	t->flags = (int)flags;
	int first = !t->is_called;
	t->at = 0;
	next_step(t, first);
}

void thread_syscall_stop(struct thread *t)
{
	if (t->state != IN_SCRIPT || t->is_entering) {
		t->is_entering = 0;
		if (t->is_changed)
			clock_deadline_over(t);
		t->is_changed = 0;
		ptrace(thread_request(t), t->tid, 0, 0);
		return;
	}
	struct user_regs_struct r;
	if (ptrace(PTRACE_GETREGS, t->tid, 0, &r) != 0)
		return;
	int64_t value = (int64_t)r.rax;
	t->results[t->at++] = value;
	int failed = value < 0 && value >= -4095;
	if (failed || t->at == t->count)
		end_script(t, failed);
	else
		next_step(t, 0);
}
