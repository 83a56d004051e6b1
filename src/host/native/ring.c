#define _GNU_SOURCE
#include "ring.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct ring {
	pid_t tgid;
	int event, memory;
	size_t size;
	const volatile unsigned char *at;
	uint64_t consumer, producer;
	struct ring *next;
};
static struct ring *rings;

int ring_memory(uint64_t size)
{
	int fd = (int)syscall(SYS_memfd_create, "ring", MFD_CLOEXEC);
	if (fd >= 0 && ftruncate(fd, (off_t)size) != 0) {
		close(fd);
		fd = -1;
	}
	return fd >= 0 ? fd : -errno;
}

int grab(pid_t tgid, int fd)
{
	int pidfd = (int)syscall(SYS_pidfd_open, tgid, 0);
	if (pidfd < 0)
		return -errno;
	int own = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	int error = errno;
	close(pidfd);
	return own >= 0 ? own : -error;
}

void event_set(int event, int readable)
{
	struct pollfd p = { event, POLLIN, 0 };
	int is = poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
	uint64_t value = 1;
	if (is == readable)
		return;
	ssize_t done = readable ? write(event, &value, 8) : read(event, &value, 8);
	(void)done; /* an eventfd's counter cannot overflow here, and an empty one was not asked */
}

void ring_add(pid_t tgid, int event, int memory, uint64_t consumer, uint64_t producer)
{
	struct stat st;
	struct ring *r = malloc(sizeof(*r));
	if (!r || fstat(memory, &st) != 0) {
		free(r);
		return;
	}
	void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, memory, 0);
	if (at == MAP_FAILED || consumer + 8 > (uint64_t)st.st_size || producer + 8 > (uint64_t)st.st_size) {
		free(r);
		return;
	}
	*r = (struct ring){ tgid, event, memory, (size_t)st.st_size, at, consumer, producer, rings };
	rings = r;
}

void ring_drop(int fd)
{
	for (struct ring **p = &rings; *p;) {
		struct ring *r = *p;
		if (r->event != fd && r->memory != fd) {
			p = &r->next;
			continue;
		}
		*p = r->next;
		munmap((void *)r->at, r->size);
		free(r);
	}
	close(fd);
}

int rings_update(pid_t tgid)
{
	int count = 0;
	for (struct ring *r = rings; r; r = r->next) {
		if (r->tgid != tgid)
			continue;
		count++;
		uint64_t consumer = *(const volatile uint64_t *)(r->at + r->consumer);
		event_set(r->event, consumer != *(const volatile uint64_t *)(r->at + r->producer));
	}
	return count;
}
