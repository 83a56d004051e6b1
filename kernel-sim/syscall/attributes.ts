/** `struct iattr`: what a call is about to change of an inode, and what capability who does not own it needs (fs/attr.c, Linux 6.12). */

import type { Addr } from '../../src/machine/addr.ts';
import { S_IF, S_IFMT } from '../core/file-mode.ts';
import { CAP } from '../core/process.ts';
import type { ObjectFloor } from '../floors/objects.ts';

/** include/linux/fs.h */
const ATTR = {
  MODE: 1,
  UID: 2,
  GID: 4,
  SIZE: 8,
  ATIME: 16,
  MTIME: 32,
  CTIME: 64,
  TOUCH: 0x20000,
  KILL_SUID: 0x800,
  ATIME_SET: 128,
  MTIME_SET: 256,
  FILE: 0x2000,
} as const;
const SIZE = 32;

export function registerAttributes(kernel: ObjectFloor, on: (name: string, handler: () => void) => void): void {
  const { args, memory, structs, files, tasks } = kernel;
  const field = (at: Addr, name: string): Addr => at + structs.of('iattr').offset(name);
  const fresh = (valid: number): Addr => {
    const at = args.addr(0);
    memory.writeBytes(at, new Uint8Array(SIZE));
    memory.writeU32(field(at, 'ia_valid'), valid);
    return at;
  };
  /** of a dentry's inode; 0 where there is none */
  const modeOf = (dentry: Addr): number => {
    const inode = dentry === 0 ? 0 : files.dcache.inode(dentry);
    return inode === 0 ? 0 : memory.readU16(inodeField(inode, 'i_mode'));
  };
  const inodeField = (inode: Addr, name: string): Addr => inode + structs.of('inode').offset(name);

  // (attr, dentry, mode): the type stays
  on('attr_mode', () => {
    const at = fresh(ATTR.MODE | ATTR.CTIME);
    const type = modeOf(args.addr(1)) & ~0o7777;
    memory.writeU16(field(at, 'ia_mode'), type | (args.lo(2) & 0o7777));
  });
  // (attr, dentry, user, group): -1 stays
  on('attr_owner', () => {
    const [user, group] = [args.lo(2), args.lo(3)];
    const kills = (modeOf(args.addr(1)) & S_IFMT) === S_IF.DIR ? 0 : ATTR.KILL_SUID;
    const at = fresh(ATTR.CTIME | kills | (user === -1 ? 0 : ATTR.UID) | (group === -1 ? 0 : ATTR.GID));
    memory.writeU32(field(at, 'ia_uid'), user);
    memory.writeU32(field(at, 'ia_gid'), group);
  });
  // (attr, length, file)
  on('attr_size', () => {
    const at = fresh(ATTR.SIZE | (args.addr(2) === 0 ? 0 : ATTR.MTIME | ATTR.CTIME | ATTR.FILE));
    memory.writeU64(field(at, 'ia_size'), (BigInt(args.hi(1)) << 32n) | BigInt(args.u32(1)));
  });
  // (attr, times): NULL is now
  on('attr_times', () =>
    fresh(ATTR.ATIME | ATTR.MTIME | ATTR.CTIME | (args.addr(1) === 0 ? ATTR.TOUCH : ATTR.ATIME_SET | ATTR.MTIME_SET)),
  );
  // (dentry, attr): touching what another owns is asked for before anything else
  on('touch_asks', () => {
    const touches = (memory.readU32(field(args.addr(1), 'ia_valid')) & ATTR.TOUCH) !== 0;
    const inode = args.addr(0) === 0 ? 0 : files.dcache.inode(args.addr(0));
    const isOther =
      inode !== 0 &&
      files.dcache.isTold(inode) &&
      memory.readU32(inodeField(inode, 'i_uid')) !== tasks.creds.id(tasks.current.cred, 'fsuid');
    args.retU32(touches && isOther ? 1 : 0);
  });
  // (state, dentry, attr): 1 and the next capability that is asked for at `state`, 0 behind the last
  on('setattr_asks', () => {
    const [state, inode, attr] = [
      args.addr(0),
      args.addr(1) === 0 ? 0 : files.dcache.inode(args.addr(1)),
      args.addr(2),
    ];
    const asked = memory.readU32(state + 8);
    const cap = wanted(inode, attr)[asked];
    memory.writeU32(state + 8, asked + 1);
    memory.writeAddr(state, cap ?? 0);
    args.retU32(cap === undefined ? 0 : 1);
  });
  const wanted = (inode: Addr, attr: Addr): readonly number[] => {
    if (inode === 0 || !files.dcache.isTold(inode)) return [];
    const valid = memory.readU32(field(attr, 'ia_valid'));
    const fsuid = tasks.creds.id(tasks.current.cred, 'fsuid');
    const uid = memory.readU32(inodeField(inode, 'i_uid'));
    const gid = memory.readU32(inodeField(inode, 'i_gid'));
    const inGroup = (id: number): boolean => id === tasks.creds.id(tasks.current.cred, 'fsgid');
    const caps: number[] = [];
    if (valid & ATTR.UID && !(uid === fsuid && memory.readU32(field(attr, 'ia_uid')) === uid)) caps.push(CAP.CHOWN);
    if (valid & ATTR.GID) {
      const next = memory.readU32(field(attr, 'ia_gid'));
      if (!(uid === fsuid && (next === gid || inGroup(next)))) caps.push(CAP.CHOWN);
    }
    if (valid & ATTR.MODE) {
      if (uid !== fsuid) caps.push(CAP.FOWNER);
      // S_ISGID of who is not in the group: in setattr_prepare(), and where the mode is copied
      if (!inGroup(gid)) caps.push(CAP.FSETID, CAP.FSETID);
    }
    if (valid & (ATTR.ATIME_SET | ATTR.MTIME_SET) && uid !== fsuid) caps.push(CAP.FOWNER);
    return caps;
  };
}
