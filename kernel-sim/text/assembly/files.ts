/**
 * What system calls do to open files, as machine code inside the functions of the tables: the descriptor table, references,
 * `struct file` and `struct filename` from their free lists (Linux 6.12 Documentation/filesystems/files.rst, mm/slub.rst).
 * A key `@name` is what `@name(...)` in a table row becomes: arguments in rdi, rsi, result in rax; the host does what is rare.
 */

import { MAX_ERRNO } from '../../../src/errors/errno.ts';
import { O } from '../../../src/uapi/fcntl.ts';
import { type Assembler, at, type Label, mem, rax, rcx, rdi, rdx, rsi } from '../../../src/x86/index.ts';
import { DCACHE_REFERENCED, FILE_NEXT, fileWord, NAME_NEXT } from '../../core/object-words.ts';
import { type Emit, type EmitContext, hyper, load, mov, percpu, store } from './context.ts';

/** ENXIO, ENODEV, ETXTBSY: the name was found and allowed, and opening the file failed (fs/open.c, do_dentry_open) */
const LATE_ERRORS = [-6, -19, -26];

const refs = (k: EmitContext, file: number) => at(file, fileWord(k.sizeOf('file'), 'refs'));
const live = (k: EmitContext, file: number) => at(file, fileWord(k.sizeOf('file'), 'live'));
const next = (k: EmitContext): number => k.off('file', FILE_NEXT);
/** next free object: in the middle, as SLUB has it */
const freeNext = (k: EmitContext): number => (k.sizeOf('file') >> 4) << 3;

/** rdx = address of the descriptor edi's entry, or goes away where there is no table, or none in it */
function slot(a: Assembler, k: EmitContext, none: Label, beyond = none): void {
  a.op('mov r64, r/m64', rdx, percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'current_task')));
  load(a, rdx, rdx, k.off('task_struct', 'files'));
  a.op('test r/m64, r64', rdx, rdx);
  a.op('je rel32', none);
  load(a, rdx, rdx, k.off('files_struct', 'fdt'));
  a.op('cmp r/m32, r32', at(rdx, k.off('fdtable', 'max_fds')), rdi);
  a.op('jbe rel32', beyond);
  load(a, rdx, rdx, k.off('fdtable', 'fd'));
  a.op('mov r/m32, r32', rcx, rdi);
  a.op('lea r64, m', rdx, mem({ base: rdx, index: rcx, scale: 8 }));
}
/** IS_ERR_OR_NULL() */
function unlessObject(a: Assembler, reg: number, none: Label): void {
  a.op('test r/m64, r64', reg, reg);
  a.op('jns rel8', none);
  a.op('cmp r/m64, imm32', reg, -MAX_ERRNO);
  a.op('jae rel8', none);
}
/** the file in rdi is still open, but no descriptor refers to it */
function unlessUnused(a: Assembler, k: EmitContext, none: Label): void {
  unlessObject(a, rdi, none);
  a.op('cmp r/m32, imm8', refs(k, rdi), 0);
  a.op('jg rel8', none);
  a.op('cmp r/m32, imm8', live(k, rdi), 0);
  a.op('je rel8', none);
}
/** rax as it is, or NULL where control comes by `none` */
function orNull(a: Assembler, none: Label, done: Label): void {
  a.op('jmp rel8', done);
  a.bind(none);
  a.op('xor r/m32, r32', rax, rax);
  a.bind(done);
}
/** dget(), dput(): the dentry was of use */
function count(a: Assembler, k: EmitContext, dentry: number, change: 'inc r/m32' | 'dec r/m32'): void {
  a.op(change, at(dentry, k.off('dentry', 'd_lockref.count')));
  a.op('or r/m32, imm8', at(dentry, k.off('dentry', 'd_flags')), DCACHE_REFERENCED);
}
/** goes on where the file was opened, as far as the recording says */
function whenOpened(a: Assembler, k: EmitContext, not: Label): void {
  const yes = a.label();
  a.op('mov r64, r/m64', rax, percpu(k, 'result'));
  a.op('test r/m64, r64', rax, rax);
  a.op('jns rel8', yes);
  for (const error of LATE_ERRORS) {
    a.op('cmp r/m64, imm8', rax, error);
    a.op('je rel8', yes);
  }
  a.op('jmp rel32', not);
  a.bind(yes);
}

/** alloc_empty_file(): a file of the dentry that getname() found to be known */
const fileAlloc: Emit = (a, k) => {
  const none = a.label();
  const slow = a.label();
  const done = a.label();
  whenOpened(a, k, none);
  a.op('mov r64, r/m64', rdx, percpu(k, 'open_dentry'));
  a.op('test r/m64, r64', rdx, rdx);
  a.op('je rel32', slow);
  a.op('mov r64, r/m64', rax, percpu(k, 'filp_free'));
  a.op('test r/m64, r64', rax, rax);
  a.op('je rel32', slow);
  load(a, rcx, rax, freeNext(k));
  a.op('mov r/m64, r64', percpu(k, 'filp_free'), rcx);
  a.op('xor r/m32, r32', rcx, rcx);
  for (let offset = 0; offset < k.sizeOf('file'); offset += 8) store(a, rax, offset, rcx);
  a.op('mov r/m32, r32', refs(k, rax), rcx);
  a.op('mov r/m32, imm32', live(k, rax), 1);
  store(a, rax, k.off('file', 'f_path.dentry'), rdx);
  load(a, rcx, rdx, k.off('dentry', 'd_inode'));
  store(a, rax, k.off('file', 'f_inode'), rcx);
  count(a, k, rdx, 'inc r/m32');
  a.op('mov r64, r/m64', rcx, percpu(k, 'open_mnt'));
  store(a, rax, k.off('file', 'f_path.mnt'), rcx);
  a.op('jmp rel32', done);
  a.bind(none);
  a.op('xor r/m32, r32', rax, rax);
  a.op('jmp rel8', done);
  a.bind(slow);
  hyper(a, k, 'file_alloc');
  a.bind(done);
};

/** the function that the walk ends in, where it came so far */
const openReached: Emit = (a, k) => {
  const none = a.label();
  const done = a.label();
  whenOpened(a, k, none);
  a.op('mov r/m64, imm32', rax, k.sym('vfs_open'));
  orNull(a, none, done);
};

/** fd_install(fd, file), and what dup2() does with the file that was there: it is closed on the way to user space */
const fdInstall: Emit = (a, k) => {
  const out = a.label();
  const one = a.label();
  const behind = a.label();
  const last = a.label();
  const expand = a.label();
  slot(a, k, out, expand);
  a.op('cmp r/m64, imm32', rsi, -MAX_ERRNO);
  a.op('jae rel32', out);
  load(a, rcx, rdx, 0);
  a.op('cmp r/m64, r64', rcx, rsi);
  a.op('je rel32', out);
  store(a, rdx, 0, rsi);
  a.op('test r/m64, r64', rsi, rsi);
  a.op('je rel8', one);
  a.op('inc r/m32', refs(k, rsi));
  a.bind(one);
  a.op('test r/m64, r64', rcx, rcx);
  a.op('je rel32', out);
  a.op('dec r/m32', refs(k, rcx));
  a.op('jg rel32', out);
  a.op('test r/m64, r64', rsi, rsi);
  a.op('je rel32', out);
  a.op('mov r/m64, imm32', at(rcx, next(k)), 0);
  a.op('cmp r/m64, imm8', percpu(k, 'fput_head'), 0);
  a.op('jne rel8', behind);
  a.op('mov r/m64, r64', percpu(k, 'fput_head'), rcx);
  a.op('jmp rel8', last);
  a.bind(behind);
  a.op('mov r64, r/m64', rdx, percpu(k, 'fput_tail'));
  store(a, rdx, next(k), rcx);
  a.bind(last);
  a.op('mov r/m64, r64', percpu(k, 'fput_tail'), rcx);
  a.op('jmp rel8', out);
  a.bind(expand);
  hyper(a, k, 'fd_install');
  a.bind(out);
};

/** file_close_fd(fd) */
const closeFd: Emit = (a, k) => {
  const none = a.label();
  const done = a.label();
  a.op('cmp r/m64, imm8', percpu(k, 'result'), 0);
  a.op('jl rel8', none);
  slot(a, k, none);
  load(a, rax, rdx, 0);
  a.op('test r/m64, r64', rax, rax);
  a.op('je rel8', done);
  a.op('mov r/m64, imm32', at(rdx, 0), 0);
  a.op('dec r/m32', refs(k, rax));
  orNull(a, none, done);
};

/** __fput, where no descriptor refers to the file any more */
const fputLast: Emit = (a, k) => {
  const none = a.label();
  const done = a.label();
  unlessUnused(a, k, none);
  a.op('mov r/m64, imm32', rax, k.sym('__fput'));
  orNull(a, none, done);
};

/** f_op->release: of the files here only sockets have one */
const fileRelease: Emit = (a, k) => {
  const done = a.label();
  a.op('xor r/m32, r32', rax, rax);
  a.op('test r/m64, r64', rdi, rdi);
  a.op('je rel8', done);
  a.op('cmp r/m64, imm8', at(rdi, k.off('file', 'private_data')), 0);
  a.op('je rel8', done);
  a.op('mov r/m64, imm32', rax, k.sym('sock_close'));
  a.bind(done);
};

/** file_free() */
const fileFree: Emit = (a, k) => {
  const slow = a.label();
  const out = a.label();
  unlessUnused(a, k, out);
  a.op('cmp r/m64, imm8', at(rdi, k.off('file', 'private_data')), 0);
  a.op('jne rel8', slow);
  a.op('mov r/m32, imm32', live(k, rdi), 0);
  load(a, rax, rdi, k.off('file', 'f_path.dentry'));
  count(a, k, rax, 'dec r/m32');
  a.op('mov r64, r/m64', rax, percpu(k, 'filp_free'));
  store(a, rdi, freeNext(k), rax);
  a.op('mov r/m64, r64', percpu(k, 'filp_free'), rdi);
  a.op('jmp rel8', out);
  a.bind(slow);
  hyper(a, k, 'file_free');
  a.bind(out);
};

/** putname(): back to names_cache with the last reference, by kmem_cache_free() that returns to the caller */
const putname: Emit = (a, k) => {
  const out = a.label();
  unlessObject(a, rdi, out);
  a.op('dec r/m32', at(rdi, k.off('filename', 'refcnt')));
  a.op('jne rel8', out);
  a.op('mov r64, r/m64', rax, percpu(k, 'names_free'));
  store(a, rdi, NAME_NEXT, rax);
  a.op('mov r/m64, r64', percpu(k, 'names_free'), rdi);
  mov(a, rsi, rdi);
  a.op('xor r/m32, r32', rdi, rdi);
  a.op('jmp rel32', k.sym('kmem_cache_free'));
  a.bind(out);
  a.op('ret');
};

/** task_work_run(): what was put off until the way to user space; here the last close of files */
const taskWork: Emit = (a, k) => {
  const loop = a.label();
  const done = a.label();
  a.op('push r64', 5);
  mov(a, 5, 4);
  a.bind(loop);
  a.op('mov r64, r/m64', rdi, percpu(k, 'fput_head'));
  a.op('test r/m64, r64', rdi, rdi);
  a.op('je rel8', done);
  load(a, rax, rdi, next(k));
  a.op('mov r/m64, r64', percpu(k, 'fput_head'), rax);
  a.op('call rel32', k.sym('__fput'));
  a.op('jmp rel8', loop);
  a.bind(done);
  a.op('pop r64', 5);
  a.op('ret');
};

/** include/linux/fcntl.h, VALID_OPEN_FLAGS */
const VALID_OPEN_FLAGS = 0x7f_ffc3;
/** fs/open.c, O_PATH_FLAGS: O_DIRECTORY, O_NOFOLLOW, O_CLOEXEC and itself */
const O_PATH_FLAGS = 0x2b_0000;
/** O_CREAT, __O_TMPFILE */
const WILL_CREATE = 0x40_0040;
const S_IALLUGO = 0o7777;

/** build_open_how(how, flags, mode) of a 64-bit caller, for whom every file may be large */
const buildOpenHow: Emit = (a, k) => {
  const real = a.label();
  const creates = a.label();
  mov(a, rax, rsi).op('and r/m32, imm32', rax, VALID_OPEN_FLAGS).op('or r/m32, imm32', rax, O.LARGEFILE);
  a.op('test r/m32, imm32', rax, O.PATH).op('je rel8', real);
  a.op('and r/m32, imm32', rax, O_PATH_FLAGS);
  a.bind(real);
  a.op('and r/m32, imm32', rdx, S_IALLUGO);
  a.op('test r/m32, imm32', rax, WILL_CREATE).op('jne rel8', creates);
  a.op('xor r/m32, r32', rdx, rdx);
  a.bind(creates);
  store(a, rdi, k.off('open_how', 'flags'), rax);
  store(a, rdi, k.off('open_how', 'mode'), rdx);
  a.op('mov r/m64, imm32', at(rdi, k.off('open_how', 'resolve')), 0);
};

export const files: Readonly<Record<string, Emit>> = {
  '@build_open_how': buildOpenHow,
  '@file_alloc': fileAlloc,
  '@open_reached': openReached,
  '@fd_install': fdInstall,
  '@file_close_fd': closeFd,
  '@fput_last': fputLast,
  '@file_release': fileRelease,
  '@file_free': fileFree,
  putname,
  task_work_run: taskWork,
};
