/** Paths as the functions that walk them see them: components, parents, inodes (Linux 6.12 Documentation/filesystems/path-lookup.rst). */

import type { Addr } from '../../src/machine/addr.ts';
import { decodeUtf8 } from '../../src/platform/index.ts';
import { PATH_MAX } from '../../src/uapi/fcntl.ts';
import { MAP, PROT } from '../../src/uapi/process.ts';
import { S_IF, S_IFMT } from '../core/file-mode.ts';
import { NAME_WALK } from '../core/object-words.ts';
import { CAP } from '../core/process.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { Attributes } from '../task/dcache.ts';
import { fieldText, numberOf } from './recorded-struct.ts';

/** include/linux/fs.h */
const MAY = { WRITE: 2, READ: 4 } as const;
/** mount(2): MS_REMOUNT, MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE, MS_SHARED change a mount that is there */
const NO_MOUNT = 0x20 | 0x1e0000;
/** renameat2(2) */
const RENAME_EXCHANGE = 2;
/** As strace writes `st_mode`: `S_IFREG`. */
const fileType = (name: string): number | undefined =>
  Object.entries(S_IF).find(([type]) => name === `S_IF${type}`)?.[1];
/** `{st_mode=S_IFREG|0644, st_size=20, ...}` */
function attributes(text: string): Attributes {
  const [type, bits] = (fieldText(text, 'st_mode') ?? '').split('|');
  const mode = (fileType(type ?? '') ?? 0) | Number.parseInt(bits ?? '0', 8);
  const number = (name: string): number | undefined => numberOf(fieldText(text, name));
  const out: Record<string, number> = {};
  if (mode !== 0) out['mode'] = mode;
  for (const name of ['uid', 'gid', 'size', 'ino']) {
    const value = number(`st_${name}`);
    if (value !== undefined) out[name] = value;
  }
  return out;
}
/** what mknod(2) makes beside files: it asks for a capability, or a hook */
const SPECIAL: readonly number[] = [S_IF.FIFO, S_IF.CHR, S_IF.BLK, S_IF.SOCK];
/** DEVCG_DEV_BLOCK and DEVCG_DEV_CHAR */
const [DEV_BLOCK, DEV_CHAR] = [1, 2];
/** include/uapi/linux/ptrace.h */
const PTRACE = { ATTACH: 16, SEIZE: 0x4206 } as const;
/** include/uapi/asm-generic/mman-common.h */
/** F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW */
const F_LOCKS = [6, 7, 37, 38];
const [F_RDLCK, F_WRLCK, F_UNLCK] = [0, 1, 2];
const LOCK_TYPES: Readonly<Record<string, number>> = { F_RDLCK, F_WRLCK, F_UNLCK };
/** flock(2) */
const LOCK = { EX: 2, UN: 8 } as const;
/** MINORBITS of the kernel's dev_t */
const MINOR_BITS = 20;

export function registerPaths(kernel: ObjectFloor, on: (name: string, handler: () => void) => void): void {
  const { args, memory, structs, files, tasks } = kernel;
  const { dcache } = files;
  const file = structs.of('file');
  const inode = (dentry: Addr): Addr => (dentry === 0 ? 0 : dcache.inode(dentry));
  const pathDentry = (path: Addr): Addr => memory.readAddr(path + 8);
  // (file, name): the file that was allocated for a link is its target's
  on('file_follow', () => {
    const [at, dentry] = [args.addr(0), memory.readAddr(args.addr(1) + NAME_WALK.dentry)];
    if (at === 0) return;
    dcache.put(memory.readAddr(at + file.offset('f_path.dentry')));
    dcache.hold(dentry);
    memory.writeAddr(at + file.offset('f_path.dentry'), dentry);
    memory.writeAddr(at + file.offset('f_inode'), dcache.inode(dentry));
  });
  // (name): the name that the call makes, with nothing there yet
  on('new_dentry', () => {
    const dentry = memory.readAddr(args.addr(0) + NAME_WALK.dentry);
    dcache.absent(dentry);
    args.retAddr(dentry);
  });
  // (dentry, mode, link): its inode is the running task's
  on('instantiate', () => {
    const text = args.addr(2);
    const link = text === 0 ? undefined : decodeUtf8(memory.readCString(text, PATH_MAX));
    const { cred } = tasks.current;
    const [uid, gid] = [tasks.creds.id(cred, 'fsuid'), tasks.creds.id(cred, 'fsgid')];
    dcache.instantiate(args.addr(0), { mode: args.lo(1) & 0xffff, uid, gid }, link);
  });
  on('file_created', () => memory.writeAddr(args.addr(0) + file.offset('f_inode'), dcache.inode(args.addr(1))));
  on('alias', () => dcache.alias(args.addr(0), args.addr(1)));
  on('unlinked', () => args.addr(0) !== 0 && dcache.remove(args.addr(0)));
  on('renamed', () => dcache.rename(args.addr(0), args.addr(1), (args.lo(2) & RENAME_EXCHANGE) !== 0));
  on('set_pwd', () => files.setFs(tasks.current, 'pwd', args.addr(0)));
  on('set_root', () => files.setFs(tasks.current, 'root', args.addr(0)));
  on('is_directory', () => dcache.isDirectory(args.addr(0)));
  on('set_mode', () => dcache.tell(args.addr(0), { mode: args.lo(1) & 0o7777 }));
  on('set_owner', () => dcache.tell(args.addr(0), { uid: args.lo(1), gid: args.lo(2) }));
  on('set_size', () => dcache.tell(args.addr(0), { size: args.lo(1) }));
  // *stat(2): the recording says what the inode is
  on('stat_told', () => {
    const { call } = tasks.current;
    const told = call?.args.find((arg) => arg.kind === 'opaque');
    if (told?.kind === 'opaque') dcache.tell(args.addr(0), attributes(told.text));
  });
  // generic_permission(): whether owner, group or others may; a capability that is asked for instead
  on('acl_lacks', () => args.retU32(lacks(args.addr(0), args.lo(1))));
  const lacks = (at: Addr, mask: number): number => {
    if (!dcache.isTold(at)) return 0;
    const layout = structs.of('inode');
    const mode = memory.readU16(at + layout.offset('i_mode'));
    const { cred } = tasks.current;
    const isOwner = memory.readU32(at + layout.offset('i_uid')) === tasks.creds.id(cred, 'fsuid');
    const inGroup = memory.readU32(at + layout.offset('i_gid')) === tasks.creds.id(cred, 'fsgid');
    const allowed = mode >> (isOwner ? 6 : inGroup ? 3 : 0);
    if ((mask & 7 & ~allowed) === 0) return 0;
    const isRead = (mode & S_IFMT) === S_IF.DIR ? (mask & MAY.WRITE) === 0 : (mask & 7) === MAY.READ;
    return isRead ? CAP.DAC_READ_SEARCH : CAP.DAC_OVERRIDE;
  };
  // who does not own an inode needs a capability to change it (fs/attr.c, setattr_prepare)
  on('owner_or', () => {
    const at = args.addr(0);
    const owner = at !== 0 && dcache.isTold(at) ? memory.readU32(at + structs.of('inode').offset('i_uid')) : undefined;
    const isOwner = owner === undefined || owner === tasks.creds.id(tasks.current.cred, 'fsuid');
    args.retU32(isOwner ? 0 : args.lo(1));
  });
  on('rw_mask', () => args.retU32(args.lo(0) === 0 ? MAY.READ : MAY.WRITE));

  // what mknod(2) makes: a node, or (0) an ordinary file
  on('mknod_function', () => {
    const type = args.lo(0) & S_IFMT;
    args.retU32(SPECIAL.includes(type) ? 1 : 0);
  });
  on('node_type', () => {
    const type = args.lo(0) & S_IFMT;
    args.retU32(type === S_IF.BLK ? DEV_BLOCK : type === S_IF.CHR ? DEV_CHAR : 0);
  });
  on('node_major', () => args.retU32(args.lo(0) >>> MINOR_BITS));
  on('node_minor', () => args.retU32(args.lo(0) & ((1 << MINOR_BITS) - 1)));

  on('equal', () => args.retU32(args.lo(0) === args.lo(1) ? 1 : 0));
  // fcntl's commands that lock; struct flock says what
  on('fcntl_locks', () => args.retU32(F_LOCKS.includes(args.lo(0)) ? F_WRLCK : 0));
  // access_need_override_creds(): real and file system ids differ
  on('access_overrides', () => {
    const cred = memory.readAddr(tasks.current.field('cred'));
    const id = (name: 'uid' | 'fsuid' | 'gid' | 'fsgid'): number => tasks.creds.id(cred, name);
    args.retU32(id('uid') !== id('fsuid') || id('gid') !== id('fsgid') ? 1 : 0);
  });
  on('ptrace_attaches', () => args.retU32(args.lo(0) === PTRACE.ATTACH || args.lo(0) === PTRACE.SEIZE ? 1 : 0));
  // of getpgid(2) and getsid(2): 0 stands for the task, of which nobody asks a hook
  on('other_process', () => args.retAddr(args.lo(0) === 0 ? 0 : tasks.known(args.lo(0)).address));
  on('other_task', () => {
    const pid = args.lo(0);
    args.retAddr(pid === 0 || pid === tasks.current.pid ? 0 : tasks.known(pid).address);
  });
  // (name) of what execve(2) will execute
  on('is_executable', () => {
    const at = inode(args.addr(0) === 0 ? 0 : memory.readAddr(args.addr(0) + NAME_WALK.dentry));
    if (at !== 0) dcache.tell(at, { mode: memory.readU16(at + structs.of('inode').offset('i_mode')) | 0o111 });
  });
  // (path, super block): struct vfsmount of what mount(2) puts there, until umount(2)
  on('mounted', () => {
    const flags = tasks.current.call?.args[3];
    if (flags?.kind === 'int' && flags.lo & NO_MOUNT) return;
    dcache.mounts.add(pathDentry(args.addr(0)), args.addr(1));
  });
  on('unmounted', () => dcache.mounts.remove(pathDentry(args.addr(0))));
  on('mount_at', () => args.retAddr(dcache.mounts.at(pathDentry(args.addr(0))) ?? memory.readAddr(args.addr(0))));
  on('set_umask', () => {
    const fs = memory.readAddr(tasks.current.field('fs'));
    if (fs !== 0) memory.writeU32(fs + structs.of('fs_struct').offset('umask'), args.lo(0) & 0o777);
  });
  // the last name of an inode that nothing has open
  on('last_link', () => {
    const dentry = args.addr(0);
    const at = dentry === 0 ? 0 : inode(dentry);
    const isLast =
      at !== 0 && memory.readU32(at + structs.of('inode').offset('i_nlink')) <= 1 && !dcache.isHeld(dentry);
    args.retAddr(isLast ? at : 0);
  });
  // new_decode_dev(), as the kernel's own dev_t
  on('decode_dev', () => {
    const dev = args.lo(0);
    args.retU32((((dev >>> 8) & 0xfff) << MINOR_BITS) | (dev & 0xff) | ((dev >>> 12) & 0xfff00));
  });
  // flock(2): what fcntl(2) calls it
  on('flock_type', () => args.retU32(args.lo(0) & LOCK.UN ? F_UNLCK : args.lo(0) & LOCK.EX ? F_WRLCK : F_RDLCK));
  on('fcntl_lock_type', () => {
    const lock = tasks.current.call?.args[2];
    const type = lock?.kind === 'opaque' ? fieldText(lock.text, 'l_type') : undefined;
    args.retU32(LOCK_TYPES[type ?? ''] ?? F_WRLCK);
  });
  // accountable_mapping(): private and writable
  on('accountable', () => args.retU32((args.lo(1) & PROT.WRITE) !== 0 && (args.lo(2) & MAP.SHARED) === 0 ? 1 : 0));
}
