/**
 * The walk of a path, inside the functions of the tables: `struct filename` has what it leads to (`NAME_WALK`), so each step
 * is a look at the dentries' parents (Linux 6.12 Documentation/filesystems/path-lookup.rst). Arguments in rdi, rsi, rdx; result in rax.
 */

import { O } from '../../../src/uapi/fcntl.ts';
import { type Assembler, at, type Label, mem, rax, rcx, rdi, rdx, rsi } from '../../../src/x86/index.ts';
import { DCACHE_REGULAR_TYPE, NAME_WALK } from '../../core/object-words.ts';
import { type Emit, type EmitContext, hyper, load, mov, percpu, store } from './context.ts';

/** words of the walk's state */
const [LEFT, DENTRY] = [0, 8];
/** of flags that open(2) takes: O.NOFOLLOW; O_CREAT with O.EXCL */
/** O_CREAT, O.EXCL, O_NOCTTY, O_TRUNC: no flags of an open file */
const OPEN_ONLY = 0o1700;

/** rax = the parent of the dentry in rax, or goes away where it is the root */
function parent(a: Assembler, k: EmitContext, root: Label): void {
  load(a, rdx, rax, k.off('dentry', 'd_parent'));
  a.op('cmp r/m64, r64', rdx, rax).op('je rel8', root);
  mov(a, rax, rdx);
}
/** walk_next(state, name): the inode of the next directory on the way, 0 behind the last */
const walkNext: Emit = (a, k) => {
  const begun = a.label();
  const up = a.label();
  const there = a.label();
  const end = a.label();
  const done = a.label();
  load(a, rcx, rdi, LEFT);
  a.op('test r/m64, r64', rcx, rcx).op('jne rel8', begun);
  load(a, rcx, rsi, NAME_WALK.dentry);
  store(a, rdi, DENTRY, rcx);
  load(a, rcx, rsi, NAME_WALK.depth);
  // one more, so that 0 stays "not yet begun"
  a.op('inc r/m64', rcx);
  a.bind(begun);
  a.op('cmp r/m64, imm8', rcx, 1).op('jbe rel8', end);
  a.op('dec r/m64', rcx);
  store(a, rdi, LEFT, rcx);
  load(a, rax, rdi, DENTRY);
  a.op('test r/m64, r64', rax, rax).op('je rel8', end);
  a.bind(up);
  parent(a, k, there);
  a.op('dec r/m64', rcx).op('jne rel8', up);
  a.bind(there);
  load(a, rax, rax, k.off('dentry', 'd_inode'));
  a.op('jmp rel8', done);
  a.bind(end);
  a.op('xor r/m32, r32', rax, rax);
  a.bind(done);
};
/** follow_link(name, follow): the link that the name is, whose target it then leads to; 0 where it is none, or not to be followed */
const followLink: Emit = (a) => {
  const none = a.label();
  const done = a.label();
  a.op('test r/m32, r32', rsi, rsi).op('je rel8', none);
  load(a, rdx, rdi, NAME_WALK.target);
  a.op('test r/m64, r64', rdx, rdx).op('je rel8', none);
  load(a, rax, rdi, NAME_WALK.dentry);
  store(a, rdi, NAME_WALK.dentry, rdx);
  load(a, rdx, rdi, NAME_WALK.targetDepth);
  store(a, rdi, NAME_WALK.depth, rdx);
  a.op('mov r/m64, imm32', at(rdi, NAME_WALK.target), 0);
  a.op('jmp rel8', done);
  a.bind(none);
  a.op('xor r/m32, r32', rax, rax);
  a.bind(done);
};
/** (struct path, name): `path` leads to the name, or to the directory that it is in */
const namePath =
  (isParent: boolean): Emit =>
  (a, k) => {
    const none = a.label();
    const there = a.label();
    a.op('xor r/m32, r32', rax, rax);
    a.op('test r/m64, r64', rsi, rsi).op('je rel8', none);
    load(a, rax, rsi, NAME_WALK.dentry);
    a.op('test r/m64, r64', rax, rax).op('je rel8', none);
    if (isParent) parent(a, k, there);
    else {
      // what a call has found is there
      a.op('cmp r/m64, imm8', percpu(k, 'result'), 0).op('jl rel8', there);
      a.op('or r/m32, imm32', at(rax, k.off('dentry', 'd_flags')), DCACHE_REGULAR_TYPE);
    }
    a.bind(there);
    a.op('mov r64, r/m64', rdx, percpu(k, 'open_mnt'));
    store(a, rdi, 0, rdx);
    a.bind(none);
    store(a, rdi, 8, rax);
  };
const nameDentry: Emit = (a) => void load(a, rax, rdi, NAME_WALK.dentry);
/** the inode of a dentry in rax, where there is one */
function inode(a: Assembler, k: EmitContext): void {
  const none = a.label();
  a.op('test r/m64, r64', rax, rax).op('je rel8', none);
  load(a, rax, rax, k.off('dentry', 'd_inode'));
  a.bind(none);
}
const pathDentry: Emit = (a) => {
  const none = a.label();
  mov(a, rax, rdi);
  a.op('test r/m64, r64', rax, rax).op('je rel8', none);
  load(a, rax, rax, 8);
  a.bind(none);
};
const pathInode: Emit = (a, k) => {
  pathDentry(a, k);
  inode(a, k);
};
const dentryInode: Emit = (a, k) => {
  mov(a, rax, rdi);
  inode(a, k);
};
const parentInode: Emit = (a, k) => {
  const none = a.label();
  mov(a, rax, rdi);
  a.op('test r/m64, r64', rax, rax).op('je rel8', none);
  load(a, rax, rax, k.off('dentry', 'd_parent'));
  inode(a, k);
  a.bind(none);
};

/** the end of do_dentry_open() */
const fileOpened: Emit = (a, k) => {
  a.op('and r/m32, imm32', at(rdi, k.off('file', 'f_flags')), ~OPEN_ONLY);
};
/** whether open(2) follows a link at the end of its path */
const openFollows: Emit = (a, k) => {
  const no = a.label();
  a.op('mov r32, r/m32', rdx, at(rdi, k.off('open_flags', 'open_flag')));
  a.op('xor r/m32, r32', rax, rax);
  a.op('test r/m32, imm32', rdx, O.NOFOLLOW | O.EXCL).op('jne rel8', no);
  a.op('inc r/m32', rax);
  a.bind(no);
};
/** (inode, mask): the capability that is asked for where the mode does not allow it to everyone; the host knows owners */
const aclLacks: Emit = (a, k) => {
  const [fine, done] = [a.label(), a.label()];
  a.op('test r/m64, r64', rdi, rdi).op('je rel8', fine);
  a.op('movzx r32, r/m16', rdx, at(rdi, k.off('inode', 'i_mode')));
  mov(a, rax, rsi).op('and r/m32, imm8', rax, 7);
  // for owner, group and others
  a.op('lea r64, m', rcx, mem({ base: rax, index: rax, scale: 8 }));
  a.op('shl r/m32, imm8', rax, 6).op('or r/m32, r32', rax, rcx);
  a.op('not r/m32', rdx).op('test r/m32, r32', rax, rdx).op('je rel8', fine);
  hyper(a, k, 'acl_lacks');
  a.op('jmp rel8', done);
  a.bind(fine);
  a.op('xor r/m32, r32', rax, rax);
  a.bind(done);
};

export const paths: Readonly<Record<string, Emit>> = {
  '@walk_next': walkNext,
  '@follow_link': followLink,
  '@name_path': namePath(false),
  '@name_parent': namePath(true),
  '@name_dentry': nameDentry,
  '@path_dentry': pathDentry,
  '@path_inode': pathInode,
  '@dentry_inode': dentryInode,
  '@parent_inode': parentInode,
  '@file_opened': fileOpened,
  '@open_follows': openFollows,
  '@acl_lacks': aclLacks,
};
