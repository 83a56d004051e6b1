#define _GNU_SOURCE
#include "calls.h"
#include "filter.h"
#include "ring.h"
#include "tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096, MOST_PREFIXES = 64, MOST_EPOLLS = 5 };
/* who looks so often without waiting waits */
enum { MANY_LOOKS = 16 };

static const char *prefixes[MOST_PREFIXES];
static int prefix_count;

void thread_prefixes(const char *text)
{
	char *copy = strdup(text);
	for (char *p = copy ? strtok(copy, ":") : NULL; p && prefix_count < MOST_PREFIXES; p = strtok(NULL, ":"))
		prefixes[prefix_count++] = p;
}

/* The calls that name a path, and which argument it is. */
static const struct {
	int nr, path, directory;
} paths[] = {
	{ SYS_openat, 1, 0 },     { SYS_newfstatat, 1, 0 }, { SYS_open, 0, -1 },      { SYS_openat2, 1, 0 },
	{ SYS_stat, 0, -1 },      { SYS_lstat, 0, -1 },     { SYS_statx, 1, 0 },      { SYS_access, 0, -1 },
	{ SYS_faccessat, 1, 0 },  { SYS_faccessat2, 1, 0 }, { SYS_readlink, 0, -1 },  { SYS_readlinkat, 1, 0 },
	{ SYS_statfs, 0, -1 },    { SYS_mkdir, 0, -1 },     { SYS_mkdirat, 1, 0 },    { SYS_rmdir, 0, -1 },
	{ SYS_unlink, 0, -1 },    { SYS_unlinkat, 1, 0 },   { SYS_rename, 0, -1 },    { SYS_mount, 1, -1 },
	{ SYS_getxattr, 0, -1 },  { SYS_lgetxattr, 0, -1 },  { SYS_llistxattr, 0, -1 },
	{ SYS_chdir, 0, -1 },	    { SYS_symlink, 1, -1 },	{ SYS_symlinkat, 2, 1 },
	{ SYS_name_to_handle_at, 1, 0 },
};

/* A string of the tracee's; its length, or -1. Read up to the end of a page at a time: what follows may not be mapped. */
static int read_string(pid_t tid, uint64_t at, char *to, size_t size)
{
	size_t n = 0;
	while (n < size - 1) {
		size_t most = PAGE - (at + n) % PAGE;
		if (most > size - 1 - n)
			most = size - 1 - n;
		struct iovec into = { to + n, most }, from = { (void *)(at + n), most };
		ssize_t got = process_vm_readv(tid, &into, 1, &from, 1, 0);
		if (got <= 0)
			return -1;
		char *end = memchr(to + n, 0, (size_t)got);
		if (end)
			return (int)(end - to);
		n += (size_t)got;
	}
	return -1;
}

static int is_models(const char *path)
{
	for (int i = 0; i < prefix_count; i++)
		if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0)
			return 1;
	return 0;
}

static int is_wait(uint64_t nr)
{
	return nr == SYS_epoll_wait || nr == SYS_epoll_pwait || nr == SYS_poll || nr == SYS_ppoll || nr == SYS_select ||
	       nr == SYS_pselect6;
}

/* Whether an epoll(7) descriptor is told of one of the model's: itself, or by another epoll descriptor in it. */
static int epoll_has_models(pid_t tgid, int fd, int depth)
{
	char path[64], line[256];
	int target, found = 0;
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", tgid, fd);
	FILE *f = depth > 0 ? fopen(path, "re") : NULL;
	while (f && !found && fgets(line, sizeof(line), f))
		if (sscanf(line, "tfd: %d", &target) == 1)
			found = target >= descriptor_first() || epoll_has_models(tgid, target, depth - 1);
	if (f)
		fclose(f);
	return found;
}

/* Whether a call waits, and not only looks, for anything of the model's: a runtime's own poller has other descriptors. */
static int waits_for_model(struct thread *t, uint64_t nr, const uint64_t args[6])
{
	int is_epoll = nr == SYS_epoll_wait || nr == SYS_epoll_pwait;
	int is_look = is_epoll ? (int32_t)args[3] == 0 : nr == SYS_poll && (int32_t)args[2] == 0;
	if (!is_look)
		t->looks = 0;
	else if (++t->looks % MANY_LOOKS != 0)
		return 0;
	return !is_epoll || epoll_has_models(t->tgid, (int)args[0], MOST_EPOLLS);
}

/* Whether a message carries anything beside its bytes: descriptors, for one. */
static int has_control(pid_t tid, uint64_t at)
{
	struct msghdr header;
	struct iovec into = { &header, sizeof(header) }, from = { (void *)at, sizeof(header) };
	return process_vm_readv(tid, &into, 1, &from, 1, 0) == sizeof(header) && header.msg_controllen > 0;
}

static int is_clocks(uint64_t nr)
{
	return nr == SYS_clock_gettime || nr == SYS_gettimeofday || nr == SYS_time || nr == SYS_futex ||
	       nr == SYS_timerfd_settime;
}

int call_of_interest(struct thread *t, uint64_t nr, const uint64_t args[6], char *path, size_t size)
{
	if (is_clocks(nr)) /* of the host's clocks, then */
		return -1;
	if (is_wait(nr)) {
		if (rings_update(t->tgid) > 0 && waits_for_model(t, nr, args)) {
			struct {
				uint32_t tid, tgid;
				uint64_t nr;
			} idle = { (uint32_t)t->tid, (uint32_t)t->tgid, nr };
			tell(TELL_IDLE, &idle, sizeof(idle));
		}
		return -1;
	}
	if (nr == SYS_sendmsg)
		return (int32_t)args[0] >= descriptor_first() || has_control(t->tid, args[1]) ? 0 : -1;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if ((uint64_t)paths[i].nr != nr)
			continue;
		int length = read_string(t->tid, args[paths[i].path], path, size);
		int at = paths[i].directory;
		/* a path of the model's, or one below a directory of the model's */
		if (length >= 0 && is_models(path))
			return length;
		if (length >= 0 && path[0] != '/' && at >= 0 && (int32_t)args[at] >= descriptor_first())
			return length;
		return -1;
	}
	return 0;
}
