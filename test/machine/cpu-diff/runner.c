/*
 * Runs single instructions on the real processor: reads cases from stdin, writes outcomes to stdout.
 *
 * No assembly: a signal handler puts a case's registers into the context that the kernel will
 * restore, and returns, so the instruction runs with exactly them. Behind it (and everywhere else
 * in the code area) is int3, so the next signal brings the outcome, from the same handler.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define CODE_BASE 0x10000000ul /* 128 KiB of int3; the instruction is in the middle */
#define CODE_BYTES 0x20000ul
#define CODE_AT 0x10010000ul
#define DATA_BASE 0x10100000ul /* two pages, with nothing mapped around them */
#define DATA_BYTES 0x2000ul
#define WINDOW 0x10100f80ul /* the bytes that a case sets and compares; crosses the page boundary */
#define WINDOW_BYTES 256
#define GS_BASE 0x1000ul

struct input {
  uint8_t code[16];
  uint64_t regs[16]; /* Intel's order */
  uint64_t rflags;
  uint8_t window[WINDOW_BYTES];
  uint8_t xmm[256];
};
struct output {
  uint64_t trap, error, cr2, rip, rflags;
  uint64_t regs[16];
  uint8_t window[WINDOW_BYTES];
  uint8_t xmm[256];
};

static const int greg[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                             REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
static struct input *in;
static struct output *out;
static size_t cases, next;
static unsigned char *code;
static gregset_t home;

#define STATUS 0xcd5ul /* CF PF AF ZF SF DF OF */

static void handler(int number, siginfo_t *info, void *context) {
  greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
  /* the fxsave area, and behind it which parts of it are not as after a reset (SDM vol. 1, 13.4.2 "XSAVE Header") */
  fpregset_t fp = ((ucontext_t *)context)->uc_mcontext.fpregs;
  uint64_t *parts = (uint64_t *)((char *)fp + 512);
  (void)info;
  if (next == 0) {
    memcpy(home, g, sizeof home);
  } else {
    struct output *o = &out[next - 1];
    o->trap = number == SIGALRM ? 255 : (uint64_t)g[REG_TRAPNO];
    o->error = (uint64_t)g[REG_ERR];
    o->cr2 = (uint64_t)g[REG_CR2];
    o->rip = (uint64_t)g[REG_RIP];
    o->rflags = (uint64_t)g[REG_EFL];
    for (int i = 0; i < 16; i++) o->regs[i] = (uint64_t)g[greg[i]];
    memcpy(o->window, (void *)WINDOW, WINDOW_BYTES);
    memcpy(o->xmm, fp->_xmm, sizeof o->xmm);
  }
  if (next == cases) {
    memcpy(g, home, sizeof home);
    return;
  }
  struct input *c = &in[next++];
  memset((void *)DATA_BASE, 0, DATA_BYTES);
  memcpy((void *)WINDOW, c->window, WINDOW_BYTES);
  memcpy(code + (CODE_AT - CODE_BASE), c->code, sizeof c->code);
  memcpy(fp->_xmm, c->xmm, sizeof c->xmm);
  fp->mxcsr = 0x1f80;
  *parts |= 3;
  for (int i = 0; i < 16; i++) g[greg[i]] = (greg_t)c->regs[i];
  g[REG_RIP] = (greg_t)CODE_AT;
  g[REG_EFL] = (greg_t)((uint64_t)home[REG_EFL] & ~STATUS) | (greg_t)(c->rflags & STATUS);
}

static void *mapped(void *at, size_t bytes, int prot, int flags, int fd) {
  void *p = mmap(at, bytes, prot, flags, fd, 0);
  if (p == MAP_FAILED) {
    perror("mmap");
    exit(2);
  }
  return p;
}

static void *area(unsigned long at, size_t bytes, int prot) {
  return mapped((void *)at, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1);
}

int main(void) {
  size_t size = 0, room = 1 << 20;
  char *bytes = malloc(room);
  for (ssize_t n; (n = read(0, bytes + size, room - size)) > 0;) {
    size += (size_t)n;
    if (size == room) bytes = realloc(bytes, room *= 2);
  }
  cases = size / sizeof(struct input);
  in = (struct input *)bytes;
  out = calloc(cases + 1, sizeof *out);
  /* read-only to the instruction under test; written through a second mapping */
  int fd = memfd_create("code", 0);
  if (fd < 0 || ftruncate(fd, CODE_BYTES) < 0) return 2;
  mapped((void *)CODE_BASE, CODE_BYTES, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED_NOREPLACE, fd);
  code = mapped(0, CODE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
  memset(code, 0xcc, CODE_BYTES);
  area(DATA_BASE, DATA_BYTES, PROT_READ | PROT_WRITE);
  syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, GS_BASE);

  stack_t alternate = {.ss_sp = area(0x7d0000000000ul, 1 << 20, PROT_READ | PROT_WRITE), .ss_size = 1 << 20};
  sigaltstack(&alternate, 0);
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  sigfillset(&action.sa_mask);
  const int signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGTRAP, SIGUSR1};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    sigdelset(&action.sa_mask, signals[i]);
  }
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, 0);
  raise(SIGUSR1);

  for (size_t done = 0, all = cases * sizeof *out; done < all;) {
    ssize_t n = write(1, (char *)out + done, all - done);
    if (n <= 0) return 1;
    done += (size_t)n;
  }
  return 0;
}
