/*
 * Runs a command under ptrace and shows the Node side what it asks of the kernel about BPF.
 *
 *     supervisor SOCKET FLAGS PREFIXES FOLDER COMMAND [ARGUMENTS]
 *
 * SOCKET is a connected stream descriptor, PREFIXES the colon-separated beginnings of the paths that the model has, FOLDER
 * the run's own, which goes with this process. A
 * seccomp filter (filter.c) stops the command's threads at the calls of interest; at each stop the Node side says what
 * becomes of the call (wire.h). Why ptrace and not a seccomp listener: a listener cannot change arguments, and a ring's
 * descriptor is polled as one file (an eventfd) and mapped as another (a memfd).
 */
#define _GNU_SOURCE
#include "clock.h"
#include "filter.h"
#include "ring.h"
#include "thread.h"
#include "tell.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	OPTIONS = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		  PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL,
};

static int threads_alive;
/* a byte into it lets the command begin */
static int begin = -1;

static void child(int ready, int failed, int base, int flags, char **command)
{
	char byte;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (read(ready, &byte, 1) != 1)
		_exit(127);
	close(ready);
	int error = 0;
	if (install_filter(base, flags) != 0)
		error = errno;
	else {
		execvp(command[0], command);
		error = errno;
	}
	if (write(failed, &error, sizeof(error)) < 0)
		_exit(127);
	_exit(error == ENOENT ? 127 : 126);
}

/* Makes COMMAND's process, seized before it has done anything; it begins when there is a clock. */
static pid_t start(int base, int flags, char **command, int *failed)
{
	int go[2], fail[2];
	if (pipe2(go, O_CLOEXEC) != 0 || pipe2(fail, O_CLOEXEC) != 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		close(go[1]);
		close(fail[0]);
		child(go[0], fail[1], base, flags, command);
	}
	close(go[0]);
	close(fail[1]);
	if (pid < 0 || ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) != 0)
		return -1;
	begin = go[1];
	*failed = fail[0];
	return pid;
}

static void new_child(struct thread *parent)
{
	unsigned long tid = 0;
	ptrace(PTRACE_GETEVENTMSG, parent->tid, 0, &tid);
	struct thread *t = thread_get((pid_t)tid);
	if (!t)
		return;
	t->tgid = thread_group((pid_t)tid);
	tell_words(TELL_CHILD, 3, parent->tid, t->tid, t->tgid);
}

/* A stop that is a ptrace event. The signal to deliver, or -1: it stays stopped. */
static int event(struct thread *t, int which)
{
	switch (which) {
	case PTRACE_EVENT_SECCOMP:
		return thread_at_call(t);
	case PTRACE_EVENT_CLONE:
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
		new_child(t);
		return 0;
	case PTRACE_EVENT_EXEC:
		thread_exec(t);
		return 0;
	default:
		return 0;
	}
}

static void stopped(pid_t tid, int status)
{
	struct thread *t = thread_get(tid);
	if (!t)
		return;
	int signal = WSTOPSIG(status), which = status >> 16;
	if (signal == (SIGTRAP | 0x80)) {
		thread_syscall_stop(t);
		return;
	}
	if (which == PTRACE_EVENT_STOP) {
		/* a group stop is kept as one; a new thread goes on */
		int stop = signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
		ptrace(stop ? PTRACE_LISTEN : thread_request(t), tid, 0, 0);
		return;
	}
	if (!which && thread_in_script(t)) {
		/* a handler would run among the calls of the script: it is delivered behind them */
		thread_defer(t, signal);
		ptrace(PTRACE_SYSCALL, tid, 0, 0);
		return;
	}
	int deliver = which ? event(t, which) : signal;
	if (deliver >= 0)
		ptrace(thread_request(t), tid, 0, deliver);
}

static int exit_code = 127;

static void reap(pid_t main_pid)
{
	int status;
	pid_t tid;
	while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
		if (WIFSTOPPED(status)) {
			stopped(tid, status);
			continue;
		}
		struct thread *t = thread_find(tid);
		tell_words(TELL_EXIT, 3, tid, t ? t->tgid : tid, status);
		if (t)
			thread_forget(t);
		if (tid == main_pid)
			exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	threads_alive = !(tid < 0 && errno == ECHILD);
}

static const char *path_of(const unsigned char *p, uint32_t length)
{
	static char path[4096];
	uint32_t n = length < sizeof(path) - 1 ? length : sizeof(path) - 1;
	memcpy(path, p, n);
	path[n] = 0;
	return path;
}

/* Bytes that wait in a named pipe, or -errno. */
static int pending(const char *path)
{
	int bytes = 0, fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, FIONREAD, &bytes) != 0)
		bytes = -errno;
	close(fd);
	return bytes;
}

/* One message of the Node side's. */
static void asked(uint32_t type, const unsigned char *p, uint32_t length)
{
	struct thread *t;
	switch (type) {
	case ASK_GO:
		if ((t = thread_held(word(p, 0))))
			thread_go(t);
		break;
	case ASK_RETURN:
		if ((t = thread_held(word(p, 0))))
			thread_return(t, (int64_t)wide(p, 4));
		break;
	case ASK_SCRIPT:
		if ((t = thread_held(word(p, 0))))
			thread_script(t, p + 4, length - 4);
		break;
	case ASK_GRAB:
		tell_words(TELL_OWN, 2, word(p, 0), grab((pid_t)word(p, 4), (int)word(p, 8)));
		break;
	case ASK_MEMFD:
		tell_words(TELL_OWN, 2, word(p, 0), ring_memory(wide(p, 4)));
		break;
	case ASK_FIFO:
		tell_words(TELL_OWN, 2, word(p, 0), mkfifo(path_of(p + 4, length - 4), 0600) == 0 ? 0 : -errno);
		break;
	case ASK_PENDING:
		tell_words(TELL_OWN, 2, word(p, 0), pending(path_of(p + 4, length - 4)));
		break;
	case ASK_SIGNAL:
		event_set((int)word(p, 0), 1);
		break;
	case ASK_CLEAR:
		event_set((int)word(p, 0), 0);
		break;
	case ASK_RING:
		ring_add((pid_t)word(p, 0), (int)word(p, 4), (int)word(p, 8), wide(p, 12), wide(p, 20));
		break;
	case ASK_DROP:
		ring_drop((int)word(p, 0));
		break;
	case ASK_CLOCK:
		clock_map(path_of(p, length));
		if (begin >= 0 && write(begin, "", 1) == 1)
			close(begin);
		begin = -1;
		break;
	case ASK_KILL:
		thread_kill_all((int)word(p, 0));
		break;
	default:
		break;
	}
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	remove(path);
	return 0;
}

static const char *folder;

static void remove_folder(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
	if (argc < 6) {
		fputs("usage: supervisor SOCKET FLAGS PREFIXES FOLDER COMMAND [ARGUMENTS]\n", stderr);
		return 2;
	}
	int socket = atoi(argv[1]), failed = -1;
	fcntl(socket, F_SETFD, FD_CLOEXEC);
	tell_to(socket);
	thread_prefixes(argv[3]);
	folder = argv[4];
	atexit(remove_folder);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	int children = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	int base = descriptor_base();
	pid_t pid = start(base, atoi(argv[2]), argv + 5, &failed);
	if (pid < 0) {
		tell_failed(errno, "ptrace");
		return 126;
	}
	/* the terminal's signals are the command's; the Node side ends this process by closing the socket */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	struct thread *t = thread_get(pid);
	if (!t)
		return 126;
	t->tgid = pid;
	tell_words(TELL_CHILD, 3, getpid(), pid, base);
	threads_alive = 1;
	struct pollfd fds[] = { { children, POLLIN, 0 }, { socket, POLLIN, 0 } };
	while (threads_alive) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents) {
			struct signalfd_siginfo info;
			while (read(children, &info, sizeof(info)) > 0)
				;
			reap(pid);
		}
		if (fds[1].revents && !hear(socket, asked)) {
			/* PTRACE_O_EXITKILL ends the rest */
			fprintf(stderr, "ebpf-emu: the emulator has ended, and %s with it\n", argv[5]);
			return exit_code;
		}
	}
	int error;
	if (read(failed, &error, sizeof(error)) == sizeof(error))
		tell_failed(error, argv[5]);
	return exit_code;
}
