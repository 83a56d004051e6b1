/* Rings as their readers see them: an eventfd that is polled, memory that is mapped, and positions in it. */
#ifndef RING_H
#define RING_H

#include <stdint.h>
#include <sys/types.h>

/* A memfd of this size, or -errno. */
int ring_memory(uint64_t size);
/* A duplicate of a tracee's descriptor, or -errno. */
int grab(pid_t tgid, int fd);
/* Makes an eventfd readable, or not. */
void event_set(int event, int readable);
/* Where both positions differ there is something to read. */
void ring_add(pid_t tgid, int event, int memory, uint64_t consumer, uint64_t producer);
void ring_drop(int fd);
/* Sets the eventfds of all rings of a process by their positions; how many rings it has. */
int rings_update(pid_t tgid);

#endif
