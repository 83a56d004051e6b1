/* Which of the calls that the filter shows are the model's business. */
#ifndef CALLS_H
#define CALLS_H

#include "thread.h"

#include <stddef.h>

/* -1: the host's kernel answers. Otherwise the length of the path that the call names, 0 for none. */
int call_of_interest(struct thread *t, uint64_t nr, const uint64_t args[6], char *path, size_t size);

#endif
