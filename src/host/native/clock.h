/* Time as the model has it, for every clock that is not of a process's own work (clock_gettime(2)). */
#ifndef CLOCK_H
#define CLOCK_H

#include "thread.h"

#include <stdint.h>
#include <sys/types.h>

/* The page that the Node side keeps. */
void clock_map(const char *path);
/* A program that is about to begin has no vDSO, in which it would read the host's time without a system call. */
void clock_hide_vdso(pid_t tid);
/* Answers a call that asks for the time: 1, and `value` is its result. */
int clock_answer(struct thread *t, int64_t *value);
/*
 * A call that waits until a time of the model's, and which the host's kernel is to end: in place of that time the same
 * distance from the host's. 1 where an argument of the call was changed, until it has returned.
 */
int clock_deadline(struct thread *t);
void clock_deadline_over(struct thread *t);

#endif
