/* Asks as loaders ask: bpf(2), a mapping, epoll, a duplicate, a file, a child. Prints a line for each. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char attr[120];

static long bpf(int cmd)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(attr));
}

/* The descriptor that comes out of a socket at whose other end one went in, which is closed then. */
static int passed(int fd)
{
	int ends[2];
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
	if (sendmsg(ends[0], &message, 0) != 1)
		return -1;
	close(fd);
	message.msg_controllen = sizeof(control);
	if (recvmsg(ends[1], &message, 0) != 1)
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	struct utsname u;
	uname(&u);
	printf("uname %s uid %d\n", u.release, (int)getuid());
	int fd = (int)bpf(0);
	volatile unsigned long *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	printf("mapped %lx\n", p == MAP_FAILED ? 0 : p[0]);
	p[1] = 0x1234;
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	printf("before %d\n", epoll_wait(epoll, &event, 1, 0));
	printf("stored %ld\n", bpf(1));
	printf("after %d, seen %lx\n", epoll_wait(epoll, &event, 1, 1000), p[2]);
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	printf("copy is the next: %d\n", copy - fd);
	close(copy);
	char text[64] = "";
	int file = open("/proc/version", O_RDONLY);
	printf("read %d %s", (int)read(file, text, sizeof(text) - 1), text);
	pid_t child = fork();
	if (child == 0) {
		printf("child %ld\n", bpf(2));
		return 0;
	}
	waitpid(child, NULL, 0);
	printf("closed %d\n", close(fd));
	long gone = bpf(2);
	printf("gone %ld %s\n", gone, strerror(errno));
	fd = (int)bpf(0);
	int low = dup2(fd, 100);
	int received = passed(fd);
	printf("low %ld, passed over a socket %ld, another file %ld\n", syscall(SYS_bpf, 3, attr, low),
	       syscall(SYS_bpf, 3, attr, received), syscall(SYS_bpf, 3, attr, 1));
	struct timespec begin, now, since;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	clock_gettime(CLOCK_REALTIME, &since);
	/* a wait until a time of the model's lasts as long on the host */
	struct timespec until = { begin.tv_sec, begin.tv_nsec + 20000000 };
	until.tv_sec += until.tv_nsec / 1000000000, until.tv_nsec %= 1000000000;
	int word = 0;
	syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &until, NULL, FUTEX_BITSET_MATCH_ANY);
	int waited = errno == ETIMEDOUT;
	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("time %ld.. since %ld., vdso %lu, until %d %d\n", (long)begin.tv_sec / 100, (long)(since.tv_sec - begin.tv_sec) / 10, getauxval(AT_SYSINFO_EHDR), waited,
	       now.tv_sec > until.tv_sec || (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec));
	return 7;
}
