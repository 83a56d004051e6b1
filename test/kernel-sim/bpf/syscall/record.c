/*
 * Makes random sequences of bpf(2) calls and writes down what the kernel answered: recorded.txt.gz beside this file.
 * Run as root on Linux 6.12 with a bpffs at /sys/fs/bpf and nothing else that uses BPF:
 *
 *     gcc -O1 -static -DFENTRY=44649 -o record record.c && ./record SEED SEQUENCES CALLS > recorded.txt
 *     ... && mount -t cgroup2 none /sys/fs/cgroup && ./record SEED SEQUENCES CALLS wide > places.txt
 *
 * `wide`: what has to do with places that programs are attached to, by processes with any of the capabilities.
 *
 * All that attributes point to lies in one region at a fixed address, and descriptors begin at 3, so that the same
 * calls can be made of another kernel without translating anything. Lines:
 *
 *     seq N caps=HEX unpriv=N prog=ID map=ID btf=ID link=ID     a new process; the ids its first objects will get
 *     bpf CMD SIZE OFFSET:BYTES ... = RESULT OFFSET:BYTES ...   attribute at the region's start; what changed before, and by the call
 *     open cgroup|netns|bpffs = FD · fdinfo FD = BYTES, from the first line on that is BPF's
 *     close FD = RESULT · unlink PATH = RESULT · mkdir PATH = RESULT · sysctl unprivileged_bpf_disabled N
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define BASE 0x10000000ul
#define SIZE 0x10000
#define BAD 0x7000000ul
enum {
  ATTR = 0, KEY = 0x1000, VALUE = 0x2000, NEXT = 0x3000, KEYS = 0x4000, VALUES = 0x5000, LOG = 0x6000, INSNS = 0x8000,
  NAME = 0x9000, INFO = 0xa000, MAPIDS = 0xa400, XLATED = 0xb000, JITED = 0xc000, KSYMS = 0xa600, LENS = 0xa700,
  TAGS = 0xa800, FUNCS = 0xa900, LINES = 0xaa00, JLINES = 0xab00, DATA = 0xd000, OUT = 0xe000, CTX = 0xf000, CTXOUT = 0xf400,
  EXTRA = 0xf800
};
static u8 *const mem = (u8 *)BASE;
static u8 shadow[SIZE];
static FILE *out;
static u64 state;

static u32 rnd(u32 n) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return (u32)((state * 0x2545f4914f6cdd1dull) >> 33) % n;
}
static int chance(u32 percent) { return rnd(100) < percent; }
static void set32(int at, u32 v) { memcpy(mem + at, &v, 4); }
static void set64(int at, u64 v) { memcpy(mem + at, &v, 8); }
static u64 ptr(int at) { return chance(3) ? (chance(50) ? 0 : BAD) : BASE + at; }

/* what has changed since the last look, and takes a look */
static void diff(void) {
  for (int i = 0; i < SIZE;) {
    if (mem[i] == shadow[i]) { i++; continue; }
    int from = i, last = i;
    for (; i < SIZE && i - last < 8; i++) if (mem[i] != shadow[i]) last = i;
    fprintf(out, " %x:", from);
    for (int k = from; k <= last; k++) fprintf(out, "%02x", mem[k]);
    i = last + 1;
  }
  memcpy(shadow, mem, SIZE);
}

/* what a descriptor is, as far as it decides what is asked of it */
static struct { int kind, type, flags, key, value, unordered; } fds[64];
enum { NONE, MAP, PROG, BTF, LINK, ITER };

static void settle(void) {
  syscall(SYS_membarrier, 1, 0, 0);
  usleep(3000);
  syscall(SYS_membarrier, 1, 0, 0);
}

static int call(int cmd, u32 size) {
  fprintf(out, "bpf %d %u", cmd, size);
  diff();
  long r = syscall(SYS_bpf, cmd, mem, size);
  int result = r < 0 ? -errno : (int)r;
  fprintf(out, " = %d", result);
  diff();
  fputc('\n', out);
  return result;
}

/* a descriptor, mostly of the kind */
static int pick(int kind) {
  if (chance(93)) {
    int start = rnd(40);
    for (int i = 0; i < 40; i++) if (fds[3 + (start + i) % 40].kind == kind) return 3 + (start + i) % 40;
  }
  return chance(70) ? 3 + (int)rnd(20) : (int[]){ -1, 0, 1, 2, 60, 1000 }[rnd(6)];
}
static void clear(void) { memset(mem + ATTR, 0, 512); }
/* the size argument: mostly the union's, else something that matters */
static u32 size_of(u32 last) {
  switch (rnd(14)) {
    case 0: return last;
    case 1: return last > 4 ? last - 4 : last;
    case 2: return last + 4;
    case 3: return rnd(160);
    case 4:
      if (chance(50)) mem[ATTR + 152 + rnd(60)] = 1;
      return 152 + rnd(80);
    case 5:
      if (chance(40)) mem[ATTR + last + rnd(8)] = 1 + rnd(3);
      return 152;
    case 6: return chance(20) ? 4096 + rnd(2) : 152;
    default: return 152;
  }
}
static void name_at(int at) {
  static const char *names[] = { "counter", "a.b_c", "x", "fifteen_letters", "sixteen_letters_", "bad-name", "sp ace", "" };
  const char *n = names[chance(80) ? rnd(4) : rnd(8)];
  memcpy(mem + at, n, strlen(n) > 16 ? 16 : strlen(n));
}

static const u8 types_common[] = { 1, 2, 1, 2, 1, 5, 6, 9, 11, 22, 23, 27, 30, 3, 4, 7, 12, 13, 10, 14, 15, 16, 17, 18, 20, 24, 25, 29, 31, 33 };
static int root, wide;

static void map_create(void) {
  clear();
  u32 type = chance(92) ? types_common[rnd(sizeof types_common)] : rnd(40);
  u32 key = 4, value = (u32[]){ 4, 8, 8, 16, 12, 1 }[rnd(6)], entries = 1 + rnd(6), flags = 0;
  switch (type) {
    case 1: case 5: case 9: case 10: key = (u32[]){ 4, 4, 8, 2 }[rnd(4)]; if (root) flags |= 1 << 6; break;
    case 3: case 4: case 8: value = 4; break;
    case 7: value = 8 * (1 + rnd(4)); break;
    case 11: key = chance(70) ? 8 : 5 + rnd(8); flags |= 1; break;
    case 12: case 13: value = 4; if (type == 13 && root) flags |= 1 << 6; set32(ATTR + 20, pick(MAP)); break;
    case 14: case 15: case 16: case 17: case 18: case 20: case 25: value = type == 20 ? 8 : 4; break;
    case 22: case 23: case 30: key = 0; break;
    case 24: case 29: flags |= 1; entries = 0; break;
    case 27: case 31: key = value = 0; entries = 4096 << rnd(2); break;
    case 33: key = value = 0; flags |= 1 << 10; break;
  }
  if (chance(6)) key = rnd(3) ? rnd(12) : 600;
  if (chance(6)) value = rnd(4) ? rnd(20) : (u32[]){ 1 << 16, 1 << 22, 0x7fffffff, 0xffffffff }[rnd(4)];
  if (chance(5)) entries = (u32[]){ 0, 4095, 4096, 1000, 0x80000001u, 0xffffffffu }[rnd(6)];
  if (chance(12)) flags ^= 1u << rnd(20);
  if (type == 2 && chance(15)) flags |= 1 << 10;
  set32(ATTR, type), set32(ATTR + 4, key), set32(ATTR + 8, value), set32(ATTR + 12, entries), set32(ATTR + 16, flags);
  if (chance(10)) set32(ATTR + 20, pick(MAP));
  if (chance(4)) set32(ATTR + 24, rnd(3));
  if (chance(50)) name_at(ATTR + 28);
  if (chance(3)) set32(ATTR + 44, 1 + rnd(3));
  if (chance(12) || type == 24 || type == 29) set32(ATTR + 48, pick(BTF)), set32(ATTR + 52, chance(70) ? 1 : rnd(6)), set32(ATTR + 56, chance(70) ? (value == 8 ? 2 : 1) : rnd(6));
  if (chance(3)) set32(ATTR + 60, rnd(3));
  if (chance(4)) set64(ATTR + 64, rnd(20));
  if (chance(2)) set32(ATTR + 76, pick(MAP));
  int r = call(0, size_of(80));
  if (r >= 3 && r < 64) {
    fds[r].kind = MAP, fds[r].type = type, fds[r].flags = flags, fds[r].key = key, fds[r].value = value;
    fds[r].unordered = (type == 1 || type == 5 || type == 9 || type == 10 || type == 13 || type == 18) && !(flags & 64);
  }
}
static void key_at(int at, int fd) {
  memset(mem + at, 0, 32);
  int type = fd >= 0 && fd < 64 ? fds[fd].type : 0;
  if (type == 11) set32(at, chance(90) ? rnd(33) : rnd(200)), set32(at + 4, (u32[]){ 0x0100000a, 0x0200000a, 0x0000a8c0, 0 }[rnd(4)]);
  else set32(at, chance(92) ? rnd(6) : 0xffffffffu);
}
static void value_at(int at, int fd) {
  memset(mem + at, 0, 64);
  int type = fd >= 0 && fd < 64 ? fds[fd].type : 0;
  if (type == 3) set32(at, pick(PROG));
  else if (type == 12 || type == 13) set32(at, pick(MAP));
  else if (type == 4 || type == 8 || (type >= 14 && type <= 20 && type != 19)) set32(at, pick(MAP));
  else for (int i = 0; i < 16; i++) mem[at + i] = rnd(256);
}
static void elem(int cmd) {
  clear();
  int fd = pick(MAP);
  if (cmd == 4 && fd >= 0 && fd < 64 && fds[fd].unordered) return;
  /* which of its entries an LRU map without a fixed seed gives up is nobody's to say */
  set32(ATTR, fd);
  key_at(KEY, fd);
  if (fd >= 0 && fd < 64 && fds[fd].kind == MAP && fds[fd].key == 0 && fds[fd].type != 30 && chance(90)) set64(ATTR + 8, 0);
  else if (fd >= 0 && fd < 64 && fds[fd].type == 30 && chance(85)) set64(ATTR + 8, 0);
  else set64(ATTR + 8, cmd == 4 && chance(40) ? 0 : ptr(KEY));
  if (cmd == 2 || (fd >= 0 && fd < 64 && fds[fd].type == 30)) value_at(VALUE, fd);
  if (cmd != 3) set64(ATTR + 16, ptr(cmd == 4 ? NEXT : VALUE));
  if ((cmd == 1 || cmd == 2 || cmd == 21) && chance(30)) set64(ATTR + 24, chance(80) ? rnd(3) : rnd(9));
  u32 last[] = { 0, 32, 32, 16, 24 };
  call(cmd, size_of(cmd == 21 ? 32 : last[cmd]));
}
static void batch(int cmd) {
  clear();
  int fd = pick(MAP);
  if (fd >= 0 && fd < 64 && fds[fd].unordered) return;
  set64(ATTR, chance(60) ? 0 : ptr(NEXT));
  set64(ATTR + 8, cmd == 24 || cmd == 25 || chance(5) ? ptr(NEXT) : 0);
  int ks = fd >= 0 && fd < 64 && fds[fd].key > 0 && fds[fd].key <= 16 ? fds[fd].key : 4;
  int vs = fd >= 0 && fd < 64 && fds[fd].value > 0 && fds[fd].value <= 32 ? fds[fd].value : 8;
  int n = rnd(7);
  if (cmd >= 26) {
    memset(mem + KEYS, 0, 256), memset(mem + VALUES, 0, 256);
    for (int i = 0; i < n; i++) mem[KEYS + i * ks] = rnd(6);
    for (int i = 0; i < n * vs; i++) mem[VALUES + i] = rnd(256);
    if (fd >= 0 && fd < 64 && (fds[fd].type == 12 || fds[fd].type == 13)) for (int i = 0; i < n; i++) set32(VALUES + 4 * i, pick(MAP));
  }
  set64(ATTR + 16, ptr(KEYS)), set64(ATTR + 24, ptr(VALUES));
  if (cmd == 27 && chance(80)) set64(ATTR + 24, 0);
  set32(ATTR + 32, n), set32(ATTR + 36, fd);
  if (chance(15)) set64(ATTR + 40, rnd(6));
  if (chance(5)) set64(ATTR + 48, rnd(2));
  call(cmd, size_of(56));
}

static void insn(int *at, u8 code, u8 dst, u8 src, u16 off, u32 imm) {
  mem[*at] = code, mem[*at + 1] = dst | src << 4;
  memcpy(mem + *at + 2, &off, 2), memcpy(mem + *at + 4, &imm, 4);
  *at += 8;
}
/* programs with places: type, expected attach type, function that an iterator's is */
static const struct wide_kind { int type, attach, btf; } wide_kinds[] = {
  { 8, 0 }, { 8, 1 }, { 9, 2 }, { 9, 12 }, { 9, 34 }, { 18, 8 }, { 18, 10 }, { 18, 11 }, { 18, 14 }, { 18, 19 }, { 18, 29 }, { 18, 49 },
  { 23, 18 }, { 15, 6 }, { 25, 21 }, { 25, 22 }, { 13, 3 }, { 14, 4 }, { 14, 5 }, { 14, 38 }, { 16, 7 },
  { 3, 46 }, { 3, 46 }, { 3, 46 }, { 3, 47 }, { 3, 54 }, { 6, 37 }, { 6, 37 }, { 22, 17 }, { 30, 36 }, { 32, 45 }, { 21, 39 },
  { 2, 42 }, { 2, 0 }, { 26, 28, ITER_MAP }, { 26, 28, ITER_MAP_ELEM }, { 26, 24, FENTRY }, { 10, 0 }, { 19, 0 }, { 17, 0 },
};
static const u8 prog_types[] = { 1, 1, 1, 3, 6, 2, 5, 7, 17, 31, 26, 8, 16, 9, 13, 21, 22, 30 };

static void prog_load(void) {
  clear();
  memset(mem + INSNS, 0, 256), memset(mem + LOG, 0, 0x800);
  u32 type = chance(94) ? prog_types[rnd(sizeof prog_types)] : rnd(36);
  const struct wide_kind *at_place = 0;
  if (wide && chance(85)) at_place = &wide_kinds[rnd(sizeof wide_kinds / sizeof *wide_kinds)], type = at_place->type;
  int at = INSNS, fd = pick(MAP), kind = rnd(10);
  if (wide && chance(70)) kind = 9;
  switch (kind) {
    case 0: insn(&at, 0xb7, 0, 0, 0, rnd(3)); break;
    case 1: insn(&at, 0x18, 1, 1, 0, fd), insn(&at, 0, 0, 0, 0, 0), insn(&at, 0xb7, 0, 0, 0, 0); break;
    case 2:
      insn(&at, 0x62, 10, 0, -4, 1), insn(&at, 0xbf, 2, 10, 0, 0), insn(&at, 0x07, 2, 0, 0, -4);
      insn(&at, 0x18, 1, 1, 0, fd), insn(&at, 0, 0, 0, 0, 0), insn(&at, 0x85, 0, 0, 0, 1);
      insn(&at, 0x55, 0, 0, 1, 0), insn(&at, 0x95, 0, 0, 0, 0), insn(&at, 0x61, 0, 0, 0, 0);
      break;
    case 3: insn(&at, 0x85, 0, 0, 0, 5), insn(&at, 0xb7, 0, 0, 0, 1); break;
    /* what an unwritten stack holds is nobody's to say */
    case 4: if (chance(50) || root) insn(&at, 0xbf, 0, 5, 0, 0); else insn(&at, 0x79, 0, 10, -8, 0); break;
    case 5: insn(&at, 0x85, 0, 1, 0, 1), insn(&at, 0x95, 0, 0, 0, 0), insn(&at, 0xb7, 0, 0, 0, 1); break;
    /* of an xdp_md and a dissector's __sk_buff that is an address */
    case 6: if (type == 6 || type == 22) insn(&at, 0xb7, 0, 0, 0, 2); else insn(&at, 0x61, 0, 1, 0, 0); break;
    case 7: insn(&at, 0xb7, 0, 0, 0, 1), insn(&at, 0x25, 1, 0, 0, 3); break;
    case 8: insn(&at, 0xb7, 0, 0, 0, 0), insn(&at, 0x15, 0, 0, 1, 0), insn(&at, 0xb7, 0, 0, 0, 1); break;
    default: insn(&at, 0xb7, 0, 0, 0, wide && chance(50)); break;
  }
  if (!chance(3)) insn(&at, 0x95, 0, 0, 0, 0);
  set32(ATTR, type), set32(ATTR + 4, chance(96) ? (at - INSNS) / 8 : (u32[]){ 0, 1, 4097, 1000001 }[rnd(4)]);
  set64(ATTR + 8, ptr(INSNS)), set64(ATTR + 16, ptr(NAME));
  strcpy((char *)mem + NAME, chance(70) ? "GPL" : "Proprietary");
  if (chance(60)) set32(ATTR + 24, (chance(90) ? 1 + rnd(2) : rnd(20)) & ~4), set32(ATTR + 28, chance(85) ? 0x800 : rnd(200)), set64(ATTR + 32, ptr(LOG));
  else if (chance(5)) set32(ATTR + 28, 64);
  if (chance(10)) set32(ATTR + 40, rnd(3) * 0x60c00);
  /* BPF_F_TEST_RND_HI32 is for the kernel's own tests */
  if (chance(12)) set32(ATTR + 44, (1u << rnd(10)) & ~4u);
  if (chance(60)) name_at(ATTR + 48);
  if (chance(3)) set32(ATTR + 64, 1 + rnd(2));
  u32 expected = 0;
  if (type == 26) { expected = 24 + rnd(2); if (chance(90)) set32(ATTR + 108, FENTRY); }
  if (type == 8) expected = rnd(2);
  if (type == 30) expected = 36;
  if (type == 22) expected = chance(50) ? 17 : 0;
  if (type == 31 && chance(70)) set32(ATTR + 44, 16);
  if (at_place) {
    expected = at_place->attach;
    if (type == 26) set32(ATTR + 108, at_place->btf);
    if (type == 13 || type == 15 || type == 16 || type == 14 || type == 23) expected = chance(80) ? 0 : expected;
  }
  if (chance(wide ? 3 : 8)) expected = rnd(60);
  set32(ATTR + 68, expected);
  if (chance(25)) {
    set32(ATTR + 72, pick(BTF));
    memset(mem + FUNCS, 0, 64), memset(mem + LINES, 0, 64);
    set32(FUNCS, 0), set32(FUNCS + 4, chance(85) ? 4 : rnd(6));
    if (kind == 5) set32(FUNCS + 8, 2), set32(FUNCS + 12, 4);
    set32(ATTR + 76, chance(90) ? 8 : rnd(20)), set64(ATTR + 80, ptr(FUNCS)), set32(ATTR + 88, kind == 5 ? 2 : 1);
    if (chance(60)) {
      set32(FUNCS + 4, 4);
      set32(LINES + 4, 1), set32(LINES + 8, 5), set32(LINES + 12, 1 << 10 | 3);
      set32(LINES + 16, 2), set32(LINES + 20, 1), set32(LINES + 24, 5), set32(LINES + 28, 2 << 10 | 3);
      set32(ATTR + 92, chance(90) ? 16 : rnd(40)), set64(ATTR + 96, ptr(LINES)), set32(ATTR + 104, kind == 5 ? 2 : 1);
    }
  }
  if (chance(2)) set32(ATTR + 108, rnd(50));
  if (chance(2)) set32(ATTR + 112, pick(PROG));
  if (chance(2)) set32(ATTR + 116, 1);
  int r = call(5, size_of(148));
  if (r >= 3 && r < 64) fds[r].kind = PROG, fds[r].type = type, fds[r].flags = expected;
}
static void test_run(void) {
  clear();
  int fd = pick(PROG);
  int type = fd >= 0 && fd < 64 ? fds[fd].type : 0;
  if (type == 26) return;
  memset(mem + DATA, 0, 128), memset(mem + CTX, 0, 256);
  mem[DATA + 12] = 8, mem[DATA + 14] = 0x45;
  set32(ATTR, fd);
  int data = type == 1 || type == 3 || type == 6 || type == 8 || chance(8);
  if (type == 22) data = 1;
  if (data) set32(ATTR + 8, chance(85) ? 64 : rnd(80)), set64(ATTR + 16, ptr(DATA));
  if (data && chance(70)) set32(ATTR + 12, chance(80) ? 256 : rnd(64)), set64(ATTR + 24, ptr(OUT));
  if (chance(30)) set32(ATTR + 32, chance(80) ? rnd(4) : 0x7fffffff & 20);
  if ((type == 17 || type == 31 || type == 30) ? chance(80) : chance(15)) {
    int size = type == 6 ? 24 : type == 30 ? 72 : type == 17 ? 16 : chance(50) ? 192 : (int)rnd(256);
    set32(ATTR + 40, size), set64(ATTR + 48, ptr(CTX));
    if (type == 6) set32(CTX + 4, chance(80) ? 64 : rnd(70));
    if (type == 30) set32(CTX + 8, 2), set32(CTX + 60, 80);
    if (type == 1 || type == 3) { if (chance(50)) set32(CTX + 8, 7); if (chance(30)) set32(CTX + 48, 9); if (chance(10)) mem[CTX + rnd(192)] = 1; }
    if (chance(70)) set32(ATTR + 44, chance(80) ? 256 : rnd(200)), set64(ATTR + 56, ptr(CTXOUT));
  }
  if (chance(7)) set32(ATTR + 64, rnd(8));
  if (chance(4)) set32(ATTR + 68, rnd(2));
  if (chance(3)) set32(ATTR + 72, rnd(3));
  call(10, size_of(76));
}

static const char *paths[] = { "/sys/fs/bpf/a", "/sys/fs/bpf/b", "/sys/fs/bpf/d/a", "/sys/fs/bpf/d", "/sys/fs/bpf", "/tmp/x", "/sys/fs/bpf/nodir/a", "/sys/fs/bpf/dot.ted", "rel" };
static const char *path_at(void) {
  const char *p = paths[chance(80) ? rnd(3) : rnd(9)];
  memset(mem + NAME, 0, 64);
  strcpy((char *)mem + NAME, p);
  return p;
}
static void pin(void) {
  clear(), path_at();
  set64(ATTR, ptr(NAME)), set32(ATTR + 8, pick(chance(50) ? MAP : chance(50) ? PROG : LINK));
  if (chance(5)) set32(ATTR + 12, 1u << rnd(16));
  if (chance(3)) set32(ATTR + 16, 3);
  call(6, size_of(20));
}
static void learn(int fd);
static void obj_get(void) {
  clear(), path_at();
  set64(ATTR, ptr(NAME));
  if (chance(5)) set32(ATTR + 8, 1);
  if (chance(20)) set32(ATTR + 12, (u32[]){ 8, 16, 24, 1 }[rnd(4)]);
  learn(call(7, size_of(20)));
}
static int next_ids[] = { 11, 12, 23, 31 }, by_ids[] = { 13, 14, 19, 30 };
static u32 first_id[4];
static void ids(void) {
  clear();
  int kind = rnd(4);
  u32 id = first_id[kind] + rnd(12) - 1;
  if (chance(8)) id = chance(50) ? 0xffffffffu : 0;
  set32(ATTR, id);
  if (chance(50)) {
    if (id < first_id[kind] - 1 || (kind == 3 && !root)) return;
    call(next_ids[kind], size_of(8));
  } else {
    if (kind == 2 && id < first_id[2]) return;
    if (kind == 1 && chance(30)) set32(ATTR + 8, (u32[]){ 8, 16, 24, 3 }[rnd(4)]);
    learn(call(by_ids[kind], size_of(kind == 1 ? 12 : kind == 3 ? 4 : 8)));
  }
}
static void info(void) {
  clear();
  memset(mem + INFO, 0, 0x400);
  int kind = chance(50) ? PROG : 1 + rnd(5), fd = pick(kind);
  if (chance(70)) kind = fd >= 0 && fd < 64 ? fds[fd].kind : NONE;
  u32 full[] = { 64, 88, 232, 32, 64, 64 }, len = full[kind];
  switch (rnd(8)) {
    case 0: len = rnd(260); break;
    case 1: len += rnd(20); if (chance(40)) mem[INFO + len - 1] = 1; break;
    case 2: if (chance(20)) len = 5000; break;
  }
  if (kind == PROG && chance(70)) {
    if (chance(50)) set32(INFO + 52, rnd(3)), set64(INFO + 56, ptr(MAPIDS));
    if (chance(50)) set32(INFO + 20, chance(60) ? 256 : rnd(40)), set64(INFO + 32, ptr(XLATED));
    if (chance(30)) set32(INFO + 16, chance(70) ? 0x800 : rnd(40)), set64(INFO + 24, ptr(JITED));
    if (chance(30)) set32(INFO + 104, rnd(4)), set64(INFO + 112, ptr(KSYMS));
    if (chance(30)) set32(INFO + 108, rnd(4)), set64(INFO + 120, ptr(LENS));
    if (chance(30)) set32(INFO + 132, chance(80) ? 8 : rnd(12)), set64(INFO + 136, ptr(FUNCS)), set32(INFO + 144, rnd(4));
    if (chance(30)) set32(INFO + 172, chance(80) ? 16 : rnd(20)), set64(INFO + 152, ptr(LINES)), set32(INFO + 148, rnd(4));
    if (chance(20)) set32(INFO + 176, chance(80) ? 8 : rnd(12)), set64(INFO + 160, ptr(JLINES)), set32(INFO + 168, rnd(4));
    if (chance(30)) set32(INFO + 180, rnd(4)), set64(INFO + 184, ptr(TAGS));
  } else if (kind == BTF && chance(60)) {
    set64(INFO, ptr(DATA)), set32(INFO + 8, chance(70) ? 512 : rnd(200));
    if (chance(50)) set64(INFO + 16, ptr(NAME)), set32(INFO + 24, rnd(20));
  } else if (kind == LINK && chance(60)) set64(INFO + 16, ptr(EXTRA)), set32(INFO + 24, chance(70) ? 64 : rnd(14));
  set32(ATTR, fd), set32(ATTR + 4, len), set64(ATTR + 8, ptr(INFO));
  call(15, size_of(16));
}
static int btf_bytes(void) {
  static const char strings[] = "\0a.c\0u32\0value\0main\0x = 1;\0b";
  u32 t[] = {
    5, 1 << 24, 4, 32, /* 1: int u32 */
    9, 4 << 24 | 2, 8, 5, 1, 0, 27, 1, 32, /* 2: struct value { u32 u32; u32 b; } */
    0, 13 << 24, 1, /* 3: u32 (void) */
    15, 12 << 24, 3, /* 4: main, static */
  };
  t[10] = 27;
  int head = 24, types = sizeof t, strs = sizeof strings;
  memset(mem + DATA, 0, 512);
  set32(DATA, 0x1eb9f), set32(DATA + 4, head), set32(DATA + 8, 0), set32(DATA + 12, types), set32(DATA + 16, types), set32(DATA + 20, strs);
  memcpy(mem + DATA + head, t, types), memcpy(mem + DATA + head + types, strings, strs);
  return head + types + strs;
}
static void btf_load(void) {
  clear();
  memset(mem + LOG, 0, 0x800);
  int size = btf_bytes();
  if (chance(25)) mem[DATA + rnd(size)] ^= 1 << rnd(8);
  set64(ATTR, ptr(DATA)), set32(ATTR + 16, chance(92) ? size : rnd(size + 20));
  if (chance(40)) set64(ATTR + 8, ptr(LOG)), set32(ATTR + 20, chance(80) ? 0x800 : rnd(200)), set32(ATTR + 24, chance(90) ? 1 + rnd(2) : rnd(16));
  if (chance(3)) set32(ATTR + 32, rnd(2) ? 1u << rnd(18) : 0);
  int r = call(18, size_of(40));
  if (r >= 3 && r < 64) fds[r].kind = BTF;
}
static void link_create(void) {
  clear();
  int fd = pick(PROG), type = fd >= 0 && fd < 64 ? fds[fd].type : 0;
  u32 attach = fd >= 0 && fd < 64 ? fds[fd].flags : 0;
  if (type == 2 || type == 5 || type == 7) attach = 41;
  if (chance(10)) attach = rnd(60);
  set32(ATTR, fd), set32(ATTR + 4, type == 26 ? 0 : pick(chance(50) ? MAP : NONE)), set32(ATTR + 8, attach);
  if (type == 3 || type == 6) return;
  if (chance(6)) set32(ATTR + 12, 1u << rnd(8));
  if (chance(10)) set64(ATTR + 16, rnd(1000));
  int r = call(28, size_of(64));
  if (r >= 3 && r < 64) fds[r].kind = LINK, fds[r].type = 2;
}
static void raw_tp(void) {
  clear();
  memset(mem + NAME, 0, 64);
  int fd = pick(PROG), type = fd >= 0 && fd < 64 ? fds[fd].type : 0;
  strcpy((char *)mem + NAME, (const char *[]){ "sched_process_fork", "sched_process_exec", "sys_enter", "no_such", "" }[rnd(chance(80) ? 3 : 5)]);
  if (type != 26 || chance(20)) set64(ATTR, ptr(NAME));
  set32(ATTR + 8, fd);
  if (chance(15)) set64(ATTR + 16, rnd(100));
  int r = call(17, size_of(24));
  if (r >= 3 && r < 64) fds[r].kind = LINK, fds[r].type = 1;
}
static void rest(void) {
  clear();
  int k = rnd(13);
  switch (k) {
    case 0: set32(ATTR, pick(MAP)); call(22, size_of(4)); break;
    case 1: set32(ATTR, pick(LINK)); call(34, size_of(4)); break;
    case 2:
      set32(ATTR, pick(LINK)), set32(ATTR + 4, pick(PROG));
      if (chance(40)) set32(ATTR + 8, rnd(8)), set32(ATTR + 12, pick(PROG));
      call(29, size_of(16));
      break;
    case 3: case 4: set32(ATTR, pick(PROG)), set32(ATTR + 4, pick(MAP)); if (chance(8)) set32(ATTR + 8, 1); call(35, size_of(12)); break;
    case 5: set32(ATTR, pick(LINK)); if (chance(8)) set32(ATTR + 4, 1); call(33, size_of(8)); break;
    /* run times are nobody's to say */
    case 6: { set32(ATTR, 1 + rnd(4)); int r = call(32, size_of(4)); if (r >= 3 && r < 64) fds[r].kind = NONE; break; }
    case 7:
      set32(ATTR, chance(60) ? pick(MAP) : pick(PROG)), set32(ATTR + 4, pick(PROG)), set32(ATTR + 8, rnd(60));
      if (chance(20)) set32(ATTR + 12, 1u << rnd(6));
      call(8, size_of(32));
      break;
    case 8:
      set32(ATTR, pick(MAP)), set32(ATTR + 4, pick(PROG)), set32(ATTR + 8, rnd(60));
      call(9, size_of(32));
      break;
    case 9:
      set32(ATTR, pick(MAP)), set32(ATTR + 4, rnd(60)), set32(ATTR + 8, rnd(3)), set64(ATTR + 16, ptr(MAPIDS)), set32(ATTR + 24, rnd(4));
      call(16, size_of(64));
      break;
    case 10: set32(ATTR, rnd(4)), set32(ATTR + 4, pick(MAP)); call(36, size_of(8)); break;
    case 11: {
      int cmd = 37 + rnd(4);
      call(chance(70) ? cmd : -1 - (int)rnd(3), size_of(4));
      break;
    }
    case 12: for (int i = 0; i < 4; i++) set32(ATTR + 4 * rnd(20), rnd(12)); call(rnd(37), chance(80) ? 152 : rnd(160)); break;
  }
}
static const char *opened_names[] = { "cgroup", "netns", "bpffs" };
static const char *opened_paths[] = { "/sys/fs/cgroup/rec", "/proc/self/ns/net", "/sys/fs/bpf" };
enum { CGROUP = 3, NETNS = 4, BPFFS = 5 };
static u32 target_of(int attach) {
  if (chance(6)) return chance(50) ? 3 + rnd(12) : (u32[]){ 0, 1, 99, 0xffffffff }[rnd(4)];
  switch (attach) {
    case 37: case 46: case 47: case 54: case 55: return 1;
    case 17: case 36: return NETNS;
    case 4: case 5: case 7: case 38: return pick(MAP);
    case 23: case 24: case 25: case 26: case 27: case 28: case 42: case 45: return 0;
    default: return CGROUP;
  }
}
/* next to what: a descriptor or an id, of a program or a link */
static u32 order(int flags_at, int relative_at, int revision_at) {
  u32 flags = 0;
  if (chance(45)) flags |= chance(50) ? 8 : 16;
  if (chance(4)) flags |= 24;
  if (chance(40)) {
    int link = chance(35), id = chance(35);
    if (link) flags |= 1 << 13;
    if (id) flags |= 1 << 5;
    set32(relative_at, id ? first_id[link ? 3 : 0] + rnd(8) : chance(10) ? 0 : (u32)pick(link ? LINK : PROG));
  }
  if (chance(10)) set64(revision_at, rnd(4));
  set32(flags_at, flags);
  return flags;
}
static void wide_link(void) {
  clear();
  memset(mem + EXTRA, 0, 64);
  int fd = pick(PROG), type = fd >= 0 && fd < 64 ? fds[fd].type : 0, attach = fd >= 0 && fd < 64 ? fds[fd].flags : 0;
  if (attach == 0) for (unsigned i = 0; i < sizeof wide_kinds / sizeof *wide_kinds; i++) if (wide_kinds[i].type == type) attach = wide_kinds[i].attach;
  if (chance(4)) attach = rnd(60);
  set32(ATTR, fd), set32(ATTR + 4, target_of(attach)), set32(ATTR + 8, attach);
  if (chance(4)) set32(ATTR + 12, 1u << rnd(8));
  switch (type) {
    case 3: if (attach >= 46) order(ATTR + 12, ATTR + 16, ATTR + 24); break;
    case 6: if (chance(30)) set32(ATTR + 12, 1u << rnd(5)); break;
    case 32:
      set32(ATTR + 16, chance(85) ? (chance(70) ? 2 : 10) : rnd(13)), set32(ATTR + 20, rnd(chance(90) ? 5 : 9));
      set32(ATTR + 24, (u32[]){ 0, 1, 100, 0xffffff38, 0x80000000, 0x7fffffff }[rnd(6)]), set32(ATTR + 28, chance(80) ? 0 : rnd(4));
      break;
    case 2:
      if (attach != 42) return;
      memset(mem + NAME, 0, 64), strcpy((char *)mem + NAME, chance(85) ? "do_unlinkat" : "no_such_function");
      set64(EXTRA, BASE + NAME);
      set32(ATTR + 20, chance(85) ? 1 : rnd(3)), set64(ATTR + 24, ptr(EXTRA));
      if (chance(10)) set32(ATTR + 16, rnd(4));
      break;
    case 26:
      if (attach == 28 && chance(70)) set32(EXTRA, pick(MAP)), set64(ATTR + 16, ptr(EXTRA)), set32(ATTR + 24, chance(85) ? 4 : rnd(40));
      else if (attach != 28 && chance(20)) set64(ATTR + 24, rnd(1000));
      break;
  }
  int r = call(28, size_of(64));
  if (r >= 3 && r < 64) fds[r].kind = LINK, fds[r].type = 3, fds[r].flags = attach;
}
static void wide_direct(int cmd) {
  clear();
  int fd = pick(PROG), type = fd >= 0 && fd < 64 ? fds[fd].type : 0, attach = fd >= 0 && fd < 64 ? fds[fd].flags : 0;
  if (attach == 0) for (unsigned i = 0; i < sizeof wide_kinds / sizeof *wide_kinds; i++) if (wide_kinds[i].type == type) attach = wide_kinds[i].attach;
  if (chance(4)) attach = rnd(60);
  u32 target = target_of(attach);
  if (attach == 17 && cmd != 16 && chance(85)) target = 0;
  set32(ATTR, target);
  if (cmd == 16) {
    set32(ATTR + 4, attach), set32(ATTR + 8, chance(85) ? 0 : rnd(3));
    memset(mem + MAPIDS, 0, 128);
    if (chance(80)) set64(ATTR + 16, ptr(MAPIDS)), set32(ATTR + 24, chance(80) ? 8 : rnd(3));
    if (chance(30)) set64(ATTR + 32, ptr(MAPIDS + 32));
    if (chance(30)) set64(ATTR + 40, ptr(MAPIDS + 64));
    if (chance(20)) set64(ATTR + 48, ptr(MAPIDS + 96));
    call(16, size_of(64));
    return;
  }
  set32(ATTR + 4, cmd == 9 && chance(25) ? 0 : (u32)fd), set32(ATTR + 8, attach);
  if (attach >= 46 && attach < 56 && attach != 48) {
    if (cmd == 8 || chance(25)) order(ATTR + 12, ATTR + 20, ATTR + 24);
  } else if (cmd == 8 ? chance(70) : chance(8)) set32(ATTR + 12, (u32[]){ 0, 1, 2, 2, 3, 6, 4 }[rnd(7)]);
  if (cmd == 8 && chance(12)) mem[ATTR + 12] |= 4, set32(ATTR + 16, pick(PROG));
  call(cmd, size_of(32));
}
static void fdinfo(void) {
  int fd = pick(chance(40) ? LINK : chance(50) ? MAP : PROG);
  if (fd < 3 || fd >= 64 || fds[fd].kind == NONE || fds[fd].kind == BTF || fds[fd].kind == ITER) return;
  char path[64], text[2048];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  FILE *f = fopen(path, "r");
  if (!f) return;
  size_t n = fread(text, 1, sizeof text - 1, f);
  fclose(f);
  text[n] = 0;
  char *from = strstr(text, "ino:");
  from = from ? strchr(from, '\n') + 1 : text;
  fprintf(out, "fdinfo %d = ", fd);
  for (; *from; from++) fprintf(out, "%02x", (u8)*from);
  fputc('\n', out);
}
static void wide_rest(void) {
  clear();
  int r;
  switch (rnd(6)) {
    case 0:
      set32(ATTR, pick(LINK)), set32(ATTR + 4, chance(20) ? 1 : 0);
      r = call(33, size_of(8));
      if (r >= 3 && r < 64) fds[r].kind = ITER;
      break;
    case 1:
      set32(ATTR, chance(20) ? 1 : 0), set32(ATTR + 4, chance(70) ? BPFFS : pick(MAP));
      call(36, size_of(8));
      break;
    case 2: set32(ATTR, pick(LINK)); call(34, size_of(4)); break;
    case 3: case 4:
      set32(ATTR, pick(LINK)), set32(ATTR + 4, pick(PROG));
      if (chance(30)) set32(ATTR + 8, 4), set32(ATTR + 12, pick(PROG));
      call(29, size_of(16));
      break;
    default: {
      int fd = pick(LINK);
      memset(mem + INFO, 0, 0x100), memset(mem + EXTRA, 0, 128);
      set32(ATTR, fd), set32(ATTR + 4, chance(85) ? 64 : rnd(80)), set64(ATTR + 8, ptr(INFO));
      if (fd >= 3 && fd < 64 && fds[fd].flags == 42) { set64(INFO + 16, ptr(EXTRA)), set32(INFO + 24, rnd(3)); }
      if (fd >= 3 && fd < 64 && fds[fd].flags == 28) { set64(INFO + 16, ptr(EXTRA)), set32(INFO + 24, chance(80) ? 32 : rnd(20)); }
      call(15, size_of(16));
    }
  }
}
static void wide_call(void) {
  int w = rnd(100);
  if (w < 30) prog_load();
  else if (w < 52) wide_link();
  else if (w < 68) wide_direct(8);
  else if (w < 75) wide_direct(9);
  else if (w < 82) wide_direct(16);
  else if (w < 88) fdinfo();
  else wide_rest();
}
/* what outlives a process: programs in lists and namespaces, by themselves */
static void take_out(void) {
  static const int types[] = { 17, 46, 47 };
  int ns = open("/proc/self/ns/net", O_RDONLY);
  for (int t = 0; t < 3; t++) {
    u32 ids[32], a[38] = { 0 };
    a[0] = types[t] == 17 ? ns : 1, a[1] = types[t], *(u64 *)&a[4] = (u64)ids, a[6] = 32;
    if (syscall(SYS_bpf, 16, a, 152) < 0) continue;
    u32 n = a[6];
    for (u32 i = 0; i < n; i++) {
      memset(a, 0, sizeof a), a[0] = ids[i];
      int fd = syscall(SYS_bpf, 13, a, 152);
      memset(a, 0, sizeof a), a[0] = types[t] == 17 ? 0 : 1, a[1] = fd, a[2] = types[t];
      syscall(SYS_bpf, 9, a, 152);
      close(fd);
    }
  }
  close(ns);
}
/* what a descriptor that came from an id or a path is */
static void learn(int fd) {
  if (fd < 3 || fd >= 64) return;
  char link[64], target[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, target, 63);
  target[n < 0 ? 0 : n] = 0;
  memset(&fds[fd], 0, sizeof fds[fd]);
  fds[fd].kind = strstr(target, "bpf-map") ? MAP : strstr(target, "bpf-prog") ? PROG : strstr(target, "btf") ? BTF : LINK;
  u32 info[58] = { 0 };
  u32 attr[38] = { 0 };
  attr[0] = fd, attr[1] = sizeof info, *(u64 *)&attr[2] = (u64)info;
  if (syscall(SYS_bpf, 15, attr, 152) == 0) {
    fds[fd].type = info[0];
    if (fds[fd].kind == MAP) fds[fd].key = info[2], fds[fd].value = info[3], fds[fd].flags = info[5];
    if (fds[fd].kind == MAP) fds[fd].unordered = (info[0] == 1 || info[0] == 5 || info[0] == 9 || info[0] == 10 || info[0] == 13 || info[0] == 18) && !(info[5] & 64);
  }
}
static void files(void) {
  const char *p;
  int r;
  switch (rnd(6)) {
    case 0: p = paths[rnd(4)]; r = unlink(p) < 0 ? -errno : 0; fprintf(out, "unlink %s = %d\n", p, r); settle(); break;
    case 1: p = chance(70) ? "/sys/fs/bpf/d" : paths[rnd(8) == 5 ? 0 : rnd(4)]; r = mkdir(p, 0755) < 0 ? -errno : 0; fprintf(out, "mkdir %s = %d\n", p, r); break;
    default: {
      int fd = 3 + rnd(14);
      if (fds[fd].kind == 0 && chance(80)) return;
      r = close(fd) < 0 ? -errno : 0;
      fprintf(out, "close %d = %d\n", fd, r);
      memset(&fds[fd], 0, sizeof fds[fd]);
      settle();
    }
  }
}
static u32 burn(int cmd, u32 *attr) {
  int fd = syscall(SYS_bpf, cmd, attr, 152);
  if (fd < 0) return 0;
  u32 info[58] = { 0 }, a[38] = { 0 };
  a[0] = fd, a[1] = cmd == 18 ? 32 : 64, *(u64 *)&a[2] = (u64)info;
  syscall(SYS_bpf, 15, a, 152);
  close(fd);
  return cmd == 18 ? info[3] : info[1];
}
/* ids that the next objects will get */
static void measure(void) {
  u32 a[38] = { 0 };
  a[0] = 2, a[1] = 4, a[2] = 4, a[3] = 1;
  first_id[1] = burn(0, a) + 1;
  u64 code[] = { 0xb7, 0x95 };
  memset(a, 0, sizeof a);
  a[0] = 17, a[1] = 2, *(u64 *)&a[2] = (u64)code, *(u64 *)&a[4] = (u64) "GPL";
  first_id[0] = burn(5, a) + 1;
  int prog = syscall(SYS_bpf, 5, a, 152);
  first_id[0]++;
  memset(a, 0, sizeof a);
  *(u64 *)a = (u64) "sched_process_hang", a[2] = prog;
  first_id[3] = burn(17, a) + 1;
  close(prog);
  int size = btf_bytes();
  memset(a, 0, sizeof a);
  *(u64 *)a = (u64)(mem + DATA), a[4] = size;
  first_id[2] = burn(18, a) + 1;
  memset(mem, 0, SIZE);
}
static void sysctl(const char *value) {
  int fd = open("/proc/sys/kernel/unprivileged_bpf_disabled", O_WRONLY);
  if (write(fd, value, 1) != 1) perror("unprivileged_bpf_disabled");
  close(fd);
}
static void caps(u64 set) {
  struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
  struct __user_cap_data_struct d[2] = { { set, set, 0 }, { set >> 32, set >> 32, 0 } };
  if (syscall(SYS_capset, &h, d) < 0) perror("capset");
}
static void sequence(int n, int calls) {
  /* mostly all; none, CAP_BPF, CAP_BPF + CAP_PERFMON, CAP_BPF + CAP_NET_ADMIN, CAP_SYS_ADMIN */
  static const u64 all = (1ull << 41) - 1;
  const u64 sets[] = { all, all, all, all, all, all, all, 0, 1ull << 39, 3ull << 38, 1ull << 39 | 1 << 12, 1 << 21 };
  static const char *unpriv[] = { "0", "2" };
  u64 set = sets[rnd(12)];
  if (wide && chance(45)) {
    static const int each[] = { 39, 38, 12, 21, 24, 13 };
    set = 0;
    for (int i = 0; i < 6; i++) if (chance(60)) set |= 1ull << each[i];
  }
  int u = rnd(2);
  root = (set >> 39 & 1) && (set >> 21 & 1);
  sysctl(unpriv[u]);
  settle();
  measure();
  settle();
  fprintf(out, "seq %d caps=%llx unpriv=%s prog=%u map=%u btf=%u link=%u\n", n, (unsigned long long)set, unpriv[u], first_id[0], first_id[1], first_id[2], first_id[3]);
  fflush(out);
  if (wide) {
    mkdir("/sys/fs/cgroup/rec", 0755);
    for (int i = 0; i < 3; i++) fprintf(out, "open %s = %d\n", opened_names[i], open(opened_paths[i], O_RDONLY));
  }
  caps(set);
  memcpy(shadow, mem, SIZE);
  for (int i = 0; i < calls; i++) {
    int w = rnd(100);
    if (wide && i >= 3 && (i < 8 || chance(80))) { if (i < 8) prog_load(); else wide_call(); continue; }
    if (i < 9) w = i < 4 ? 0 : i < 8 ? 50 : 82;
    if (w < 10) map_create();
    else if (w < 36) elem((int[]){ 1, 1, 2, 2, 2, 3, 4, 4, 21 }[rnd(9)]);
    else if (w < 44) batch(24 + rnd(4));
    else if (w < 56) prog_load();
    else if (w < 62) test_run();
    else if (w < 65) pin();
    else if (w < 68) obj_get();
    else if (w < 73) ids();
    else if (w < 81) info();
    else if (w < 85) btf_load();
    else if (w < 88) raw_tp();
    else if (w < 90) link_create();
    else if (w < 95) rest();
    else files();
  }
  fflush(out);
  _exit(0);
}
int main(int argc, char **argv) {
  u64 seed = atoi(argv[1]);
  int sequences = atoi(argv[2]), calls = atoi(argv[3]);
  wide = argc > 4;
  int fd = fcntl(1, F_DUPFD, 200);
  out = fdopen(fd, "w");
  setvbuf(out, 0, _IOFBF, 1 << 20);
  for (int i = 3; i < 200; i++) close(i);
  if (mmap((void *)BASE, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != (void *)BASE) return 1;
  for (int n = 0; n < sequences; n++) {
    state = (seed * 1000003 + n + 1) * 0x9e3779b97f4a7c15ull;
    for (int i = 0; i < 8; i++) rnd(2);
    pid_t pid = fork();
    if (pid == 0) sequence(n, calls);
    int status;
    waitpid(pid, &status, 0);
    if (wide) take_out(), rmdir("/sys/fs/cgroup/rec");
    static const char *left[] = { "/sys/fs/bpf/a", "/sys/fs/bpf/b", "/sys/fs/bpf/d/a" };
    for (int i = 0; i < 3; i++) unlink(left[i]);
    for (int i = 2; i >= 0; i--) rmdir(left[i]);
    rmdir("/sys/fs/bpf/d"), unlink("/sys/fs/bpf/d");
    fprintf(out, "end %d\n", status);
    fflush(out);
    settle();
  }
  return 0;
}
