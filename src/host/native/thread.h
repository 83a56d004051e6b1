/* Threads of the command, and what each is doing: running, stopped at a call, or making the calls of a script. */
#ifndef THREAD_H
#define THREAD_H

#include "wire.h"

#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

struct thread {
	pid_t tid, tgid;
	enum { RUNNING, HELD, IN_SCRIPT } state;
	/* a script has run here since the call: the call itself must not */
	int is_called;
	/* registers at the call, to which it returns */
	struct user_regs_struct regs;
	struct step steps[MAX_STEPS];
	int64_t results[MAX_STEPS];
	int count, at, result, flags;
	/* an argument of the call was changed, until its end */
	int is_changed;
	/* the next stop is the entry of a call, not its end */
	int is_entering;
	/* polls in a row that did not wait */
	unsigned looks;
	uint64_t data;
	/* signals that came while a script ran, a bit each */
	uint64_t deferred;
	struct thread *next;
};

void thread_prefixes(const char *colon_separated);
struct thread *thread_find(pid_t tid);
struct thread *thread_get(pid_t tid);
/* The thread, where it waits for a word. */
struct thread *thread_held(uint32_t tid);
void thread_forget(struct thread *t);
pid_t thread_group(pid_t tid);
void thread_kill_all(int signal);

/* Stopped by the filter. 0: it goes on; -1: it is held. */
int thread_at_call(struct thread *t);
void thread_exec(struct thread *t);
int thread_in_script(const struct thread *t);
/* How it goes on after a stop: PTRACE_SYSCALL where the end of its call is to be seen. */
int thread_request(const struct thread *t);
/* A signal waits until the script is over. */
void thread_defer(struct thread *t, int signal);
/* The entry or the end of a call of a script. */
void thread_syscall_stop(struct thread *t);

void thread_go(struct thread *t);
void thread_return(struct thread *t, int64_t value);
void thread_script(struct thread *t, const unsigned char *p, uint32_t length);

#endif
