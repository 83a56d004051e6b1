/** Paths as the functions that walk them see them: components, parents, inodes (Linux 6.12 Documentation/filesystems/path-lookup.rst). */
import type { Addr } from '../../src/machine/addr.ts';
import type { ObjectFloor } from '../floors/objects.ts';

/** include/linux/fs.h */
const MAY = { WRITE: 2, READ: 4 } as const;
const S_IFMT = 0o170_000;
const [S_IFIFO, S_IFCHR, S_IFBLK, S_IFSOCK] = [0o010_000, 0o020_000, 0o060_000, 0o140_000];
/** DEVCG_DEV_BLOCK and DEVCG_DEV_CHAR */
const [DEV_BLOCK, DEV_CHAR] = [1, 2];
/** include/uapi/linux/ptrace.h */
const PTRACE = { ATTACH: 16, SEIZE: 0x4206 } as const;
/** include/uapi/asm-generic/mman-common.h */
const PROT_WRITE = 2;
const MAP_SHARED = 1;
/** F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW */
const F_LOCKS = [6, 7, 37, 38];
const F_WRLCK = 1;

export function registerPaths(kernel: ObjectFloor, on: (name: string, handler: () => void) => void): void {
  const { args, memory, structs, files, tasks } = kernel;
  const { dcache } = files;
  const parentAt = structs.of('dentry').offset('d_parent');
  const nameAt = structs.of('filename').offset('name');
  const file = structs.of('file');
  /** struct path: mnt, dentry */
  const [mntAt, dentryAt] = [file.offset('f_path.mnt'), file.offset('f_path.dentry')].map(
    (offset) => offset - file.offset('f_path'),
  ) as [number, number];
  const dentryOf = (name: Addr): Addr => (name === 0 ? 0 : dcache.named(memory.readAddr(name + nameAt)));
  const parent = (dentry: Addr): Addr => memory.readAddr(dentry + parentAt);
  const inode = (dentry: Addr): Addr => (dentry === 0 ? 0 : dcache.inode(dentry));
  const put = (path: Addr, dentry: Addr): void => {
    if (path === 0) return;
    memory.writeAddr(path + mntAt, dentry === 0 ? 0 : dcache.mount);
    memory.writeAddr(path + dentryAt, dentry);
  };

  // (state, name): inodes of the directories that lead to a name, from the root on; 0 behind the last
  on('walk_next', () => {
    const state = args.addr(0);
    let at = memory.readAddr(state + 8);
    if (memory.readU32(state) === 0) {
      at = dentryOf(args.addr(1));
      let depth = 0;
      for (let up = at; up !== 0 && parent(up) !== up; up = parent(up)) depth++;
      memory.writeAddr(state + 8, at);
      // one more than there are, so that 0 stays "not yet begun"
      memory.writeU32(state, depth + 1);
    }
    const left = memory.readU32(state);
    if (left <= 1) {
      args.retAddr(0);
      return;
    }
    memory.writeU32(state, left - 1);
    for (let n = 1; n < left; n++) at = parent(at);
    args.retAddr(inode(at));
  });
  on('name_path', () => {
    const dentry = dentryOf(args.addr(1));
    if (dentry !== 0 && !kernel.recorded.failed) dcache.made(dentry);
    put(args.addr(0), dentry);
  });
  on('name_parent', () => {
    const dentry = dentryOf(args.addr(1));
    put(args.addr(0), dentry === 0 ? 0 : parent(dentry));
  });
  on('path_dentry', () => args.retAddr(args.addr(0) === 0 ? 0 : memory.readAddr(args.addr(0) + dentryAt)));
  on('path_inode', () => args.retAddr(args.addr(0) === 0 ? 0 : inode(memory.readAddr(args.addr(0) + dentryAt))));
  on('dentry_inode', () => args.retAddr(inode(args.addr(0))));
  on('parent_inode', () => args.retAddr(args.addr(0) === 0 ? 0 : inode(parent(args.addr(0)))));
  on('rw_mask', () => args.retU32(args.lo(0) === 0 ? MAY.READ : MAY.WRITE));

  // what mknod(2) makes: a node, or (0) an ordinary file
  on('mknod_function', () => {
    const type = args.lo(0) & S_IFMT;
    args.retU32([S_IFIFO, S_IFCHR, S_IFBLK, S_IFSOCK].includes(type) ? 1 : 0);
  });
  on('node_type', () => {
    const type = args.lo(0) & S_IFMT;
    args.retU32(type === S_IFBLK ? DEV_BLOCK : type === S_IFCHR ? DEV_CHAR : 0);
  });
  // the user's dev_t: new_decode_dev
  on('node_major', () => args.retU32((args.lo(0) >>> 8) & 0xfff));
  on('node_minor', () => args.retU32((args.lo(0) & 0xff) | ((args.lo(0) >>> 12) & 0xfff00)));

  on('equal', () => args.retU32(args.lo(0) === args.lo(1) ? 1 : 0));
  // anon_inode_getfile(): epoll, eventfd and their kin
  on('anon_file', () => args.retAddr(files.open('anon_inode')));
  // fcntl's commands that lock; struct flock says what
  on('fcntl_locks', () => args.retU32(F_LOCKS.includes(args.lo(0)) ? F_WRLCK : 0));
  // access_need_override_creds(): real and file system ids differ
  on('access_overrides', () => {
    const cred = memory.readAddr(tasks.current.field('cred'));
    const id = (name: 'uid' | 'fsuid' | 'gid' | 'fsgid'): number => tasks.creds.id(cred, name);
    args.retU32(id('uid') !== id('fsuid') || id('gid') !== id('fsgid') ? 1 : 0);
  });
  on('ptrace_attaches', () => args.retU32(args.lo(0) === PTRACE.ATTACH || args.lo(0) === PTRACE.SEIZE ? 1 : 0));
  on('other_task', () => {
    const pid = args.lo(0);
    args.retAddr(pid === 0 || pid === tasks.current.pid ? 0 : (tasks.find(pid)?.address ?? tasks.current.address));
  });
  // accountable_mapping(): private and writable
  on('accountable', () => args.retU32((args.lo(1) & PROT_WRITE) !== 0 && (args.lo(2) & MAP_SHARED) === 0 ? 1 : 0));
}
