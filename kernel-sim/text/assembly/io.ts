/**
 * What file I/O passes on (Linux 6.12 Documentation/filesystems/vfs.rst): `struct open_flags`, `struct kiocb`, `struct iov_iter`,
 * positions, modes of open files. Written out because every open, read and write takes them.
 */

import { O } from '../../../src/uapi/fcntl.ts';
import { type Assembler, at, rax, rcx, rdi, rdx, rsi } from '../../../src/x86/index.ts';
import { S_IF } from '../../core/file-mode.ts';
import { DCACHE_REGULAR_TYPE, RANGE } from '../../core/object-words.ts';
import { type Emit, type EmitContext, hyper, load, mov, percpu, store } from './context.ts';

/** include/linux/fs.h */
const MAY_OPEN = 0x20;
const FMODE = {
  LSEEK: 4,
  PREAD: 8,
  PWRITE: 0x10,
  CAN_READ: 0x2_0000,
  CAN_WRITE: 0x4_0000,
  OPENED: 0x8_0000,
} as const;
/** include/uapi/asm-generic/fcntl.h */
const [MAY_WRITE, MAY_APPEND] = [2, 8];

/** build_open_flags(how, op) */
const buildOpenFlags: Emit = (a, k) => {
  const op = (field: string): number => k.off('open_flags', field);
  const [noCreate, noTrunc, noAppend] = [a.label(), a.label(), a.label()];
  load(a, rax, rdi, k.off('open_how', 'flags'));
  a.op('mov r/m32, r32', at(rsi, op('open_flag')), rax);
  a.op('xor r/m32, r32', rcx, rcx);
  a.op('test r/m32, imm32', rax, O.CREAT).op('je rel8', noCreate);
  load(a, rcx, rdi, k.off('open_how', 'mode'));
  a.op('or r/m32, imm32', rcx, S_IF.REG);
  a.bind(noCreate);
  // the mode is 16 bits wide, and four lie before acc_mode
  a.op('mov r/m32, r32', at(rsi, op('mode')), rcx);
  // ACC_MODE(): read, write, both, both
  mov(a, rcx, rax).op('and r/m32, imm8', rcx, 3);
  a.op('mov r32, imm32', rdx, 0x6624)
    .op('shl r/m32, imm8', rcx, 2)
    .op('shr r/m32, cl', rdx)
    .op('and r/m32, imm8', rdx, 6);
  a.op('test r/m32, imm32', rax, O.TRUNC).op('je rel8', noTrunc);
  a.op('or r/m32, imm8', rdx, MAY_WRITE);
  a.bind(noTrunc);
  a.op('test r/m32, imm32', rax, 0o2000).op('je rel8', noAppend);
  a.op('or r/m32, imm8', rdx, MAY_APPEND);
  a.bind(noAppend);
  a.op('mov r/m32, r32', at(rsi, op('acc_mode')), rdx);
  a.op('xor r/m32, r32', rax, rax).op('ret');
};

/** of a file that was just allocated, or none: init_file(), with OPEN_FMODE() of the flags */
const initFile: Emit = (a, k) => {
  const none = a.label();
  a.op('test r/m64, r64', rdi, rdi).op('je rel8', none);
  a.op('mov r/m32, r32', at(rdi, k.off('file', 'f_flags')), rsi);
  a.op('inc r/m32', rsi).op('and r/m32, imm8', rsi, 3);
  a.op('mov r/m32, r32', at(rdi, k.off('file', 'f_mode')), rsi);
  a.bind(none);
};

/** do_dentry_open(): what may be done to the file, and its mapping; its name is one of a file from now on */
const dentryOpen: Emit = (a, k) => {
  const [noRead, noWrite] = [a.label(), a.label()];
  const mode = at(rdi, k.off('file', 'f_mode'));
  const noInode = a.label();
  load(a, rax, rdi, k.off('file', 'f_inode'));
  a.op('test r/m64, r64', rax, rax).op('je rel8', noInode);
  load(a, rax, rax, k.off('inode', 'i_mapping'));
  store(a, rdi, k.off('file', 'f_mapping'), rax);
  a.bind(noInode);
  load(a, rax, rdi, k.off('file', 'f_path.dentry'));
  a.op('or r/m32, imm32', at(rax, k.off('dentry', 'd_flags')), DCACHE_REGULAR_TYPE);
  a.op('mov r32, r/m32', rax, mode);
  a.op('test r/m8, imm8', rax, 1).op('je rel8', noRead);
  a.op('or r/m32, imm32', rax, FMODE.CAN_READ);
  a.bind(noRead);
  a.op('test r/m8, imm8', rax, 2).op('je rel8', noWrite);
  a.op('or r/m32, imm32', rax, FMODE.CAN_WRITE);
  a.bind(noWrite);
  a.op('or r/m32, imm32', rax, FMODE.OPENED | FMODE.LSEEK | FMODE.PREAD | FMODE.PWRITE);
  a.op('mov r/m32, r32', mode, rax);
};

/** file_ra_state_init(ra, mapping): nothing was read before */
const raInit: Emit = (a, k) => {
  a.op('mov r/m64, imm32', at(rdi, k.off('file_ra_state', 'prev_pos')), -1);
  a.op('ret');
};

/** (name, op, file): the dentry that open(2) creates, 0 where nothing is opened, O.CREAT was not given, or the file is there */
const openCreates: Emit = (a, k) => {
  const [none, done] = [a.label(), a.label()];
  a.op('test r/m64, r64', rdx, rdx).op('je rel8', none);
  a.op('test r/m32, imm32', at(rsi, k.off('open_flags', 'open_flag')), O.CREAT).op('je rel8', none);
  hyper(a, k, 'open_creates');
  a.op('jmp rel8', done);
  a.bind(none);
  a.op('xor r/m32, r32', rax, rax);
  a.bind(done);
};

/** may_open(): the mode that permissions are asked for */
const mayOpen: Emit = (a) => {
  mov(a, rax, rdi).op('or r/m32, imm8', rax, MAY_OPEN);
};

/** init_sync_kiocb(kiocb, file), with the position that `pos` points to, if it does */
const kiocb: Emit = (a, k) => {
  const none = a.label();
  const size = k.sizeOf('kiocb');
  a.op('xor r/m32, r32', rax, rax);
  for (let offset = 0; offset < size; offset += 8) store(a, rdi, offset, rax);
  store(a, rdi, k.off('kiocb', 'ki_filp'), rsi);
  a.op('test r/m64, r64', rdx, rdx).op('je rel8', none);
  load(a, rax, rdx, 0);
  store(a, rdi, k.off('kiocb', 'ki_pos'), rax);
  a.bind(none);
};

/** iov_iter_ubuf(iter, buf, count) */
const iovIter: Emit = (a, k) => {
  a.op('xor r/m32, r32', rax, rax);
  for (let offset = 0; offset < k.sizeOf('iov_iter'); offset += 8) store(a, rdi, offset, rax);
  store(a, rdi, k.off('iov_iter', 'ubuf'), rsi);
  store(a, rdi, k.off('iov_iter', 'count'), rdx);
};

/** `*pos += result`, where there is a position */
const posAdvance: Emit = (a, k) => {
  const none = a.label();
  a.op('test r/m64, r64', rdi, rdi).op('je rel8', none);
  a.op('mov r64, r/m64', rax, percpu(k, 'result'));
  a.op('add r/m64, r64', at(rdi, 0), rax);
  a.bind(none);
};

/** (file, pos): `file->f_pos = *pos` */
const setPos =
  (from: (a: Assembler) => void): Emit =>
  (a, k: EmitContext) => {
    const none = a.label();
    a.op('test r/m64, r64', rdi, rdi).op('je rel8', none);
    from(a);
    store(a, rdi, k.off('file', 'f_pos'), rax);
    a.bind(none);
  };

/** a pointer's target, 0 where it is NULL */
const deref: Emit = (a) => {
  const none = a.label();
  mov(a, rax, rdi);
  a.op('test r/m64, r64', rdi, rdi).op('je rel8', none);
  load(a, rax, rdi, 0);
  a.bind(none);
};

/** (range): goes on to the next page of a range; 0 behind the last */
const rangeNext: Emit = (a) => {
  const [none, done] = [a.label(), a.label()];
  load(a, rax, rdi, RANGE.next);
  a.op('cmp r64, r/m64', rax, at(rdi, RANGE.end)).op('jae rel8', none);
  store(a, rdi, RANGE.index, rax);
  a.op('inc r/m64', rax);
  store(a, rdi, RANGE.next, rax);
  a.op('jmp rel8', done);
  a.bind(none);
  a.op('xor r/m32, r32', rax, rax);
  a.bind(done);
};
const word =
  (offset: number): Emit =>
  (a) =>
    void load(a, rax, rdi, offset);

export const io: Readonly<Record<string, Emit>> = {
  build_open_flags: buildOpenFlags,
  file_ra_state_init: raInit,
  '@init_file': initFile,
  '@dentry_open': dentryOpen,
  '@open_creates': openCreates,
  '@may_open': mayOpen,
  '@kiocb': kiocb,
  '@iov_iter_ubuf': iovIter,
  '@pos_advance': posAdvance,
  '@pos_store': setPos((a) => void load(a, rax, rsi, 0)),
  '@pos_set': setPos((a) => void mov(a, rax, rsi)),
  '@load': deref,
  '@range_next': rangeNext,
  '@range_index': word(RANGE.index),
  '@range_mapping': word(RANGE.mapping),
};
