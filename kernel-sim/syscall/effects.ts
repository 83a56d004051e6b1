/** What system calls do besides calling: the hypercalls that the function tables name with `@`. */

import type { Addr } from '../../src/machine/addr.ts';
import { GuestFault } from '../../src/machine/index.ts';
import { decodeUtf8 } from '../../src/platform/index.ts';
import { PATH_MAX } from '../../src/uapi/fcntl.ts';
import { CLONE_THREAD, SIG } from '../../src/uapi/process.ts';
import type { Stateful } from '../core/state.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import { registerAttributes } from './attributes.ts';
import { Filenames } from './filenames.ts';
import { registerIo } from './io.ts';
import { NamespaceCalls } from './namespaces.ts';
import { registerPaths } from './paths.ts';
import { PseudoFiles } from './pseudo-files.ts';
import { RootFs } from './root-fs.ts';
import { asksForIds, ID_CALLS, setIds } from './set-ids.ts';
import { Sockets } from './sockets.ts';
import { UnixSockets } from './unix-sockets.ts';

/** include/linux/sched.h: the task gets no signals any more */
const PF_EXITING = 4;
const AT_EMPTY_PATH = 0x1000;
/** what dynamically linked programs name */
const INTERPRETER = '/lib64/ld-linux-x86-64.so.2';
/** signals and their codes, include/uapi/asm-generic/siginfo.h */
const CLD_EXITED = 1;
/** `exit_state`, include/linux/sched.h */
const EXIT_DEAD = 0x10;
const EXIT_ZOMBIE = 0x20;
/** calls that wait for children */
const WAITS = new Set(['wait4', 'waitid']);
/** include/uapi/linux/binfmts.h; magic, 64 bits, least significant byte first, version */
const BPRM_BUF_SIZE = 256;
const ELF = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1);
/** room of a name */

/** What of it has state of its own. */
export function registerEffects(kernel: ObjectFloor): readonly Stateful[] {
  const { text, args, memory, structs, tasks, files, slab } = kernel;
  const on = (name: string, handler: () => void): void => void text.hypercall(name, handler);
  const { recorded } = kernel;
  const readString = (at: Addr): string => {
    try {
      return decodeUtf8(memory.readCString(at, PATH_MAX));
    } catch (error) {
      if (error instanceof GuestFault) return '';
      throw error;
    }
  };

  const names = new Filenames(kernel);
  on('getname', () => {
    tasks.current.lastName = names.alloc(args.addr(0));
    args.retAddr(tasks.current.lastName);
  });

  on('file_alloc', () => args.retAddr(names.open(tasks.current.lastName)));
  on('interpreter', () => {
    tasks.current.lastName = names.make(INTERPRETER);
    args.retAddr(tasks.current.lastName);
  });
  // fs/stat.c: with AT_EMPTY_PATH and no path it is fstat
  on('fstatat', () => {
    const empty = (args.lo(1) & AT_EMPTY_PATH) !== 0 && readString(args.addr(0)) === '';
    args.retAddr(text.place(empty ? 'vfs_fstat' : 'vfs_fstatat_path'));
  });
  on('fd_get', () => args.retAddr(files.get(tasks.current, args.lo(0))));
  on('fd_install', () => files.install(tasks.current, args.lo(0), args.addr(1)));
  // a descriptor that the recording uses but never opened: it was inherited
  on('fd_unknown', () => {
    const fd = args.lo(0);
    const file = files.open(fd < 3 ? '/dev/pts/0' : `/proc/self/fd/${fd}`);
    files.install(tasks.current, fd, file);
    args.retAddr(file);
  });
  on('exit_files', () => {
    if (tasks.threads(tasks.current) <= 1) files.closeAll(tasks.current);
  });
  on('file_free', () => files.put(args.addr(0)));
  // what a read gave, where the recording has it
  on('fill_user', () => {
    const call = tasks.current.call;
    const data = call?.args[1];
    const n = recorded.lo;
    if (data?.kind !== 'bytes' && data?.kind !== 'string') return;
    try {
      memory.writeBytes(args.addr(0), data.bytes.subarray(0, Math.max(0, n)));
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error;
    }
  });
  on('copy_how', () => memory.writeU64(args.addr(0), 0n));

  // execve
  const bprm = structs.of('linux_binprm');
  // execve(2): the saved ids become the effective ones; a recording does not tell a set-user-ID file
  on('bprm_creds', () => {
    const at = args.addr(1);
    creds.setId(at, 'suid', creds.id(at, 'euid'));
    creds.setId(at, 'fsuid', creds.id(at, 'euid'));
    creds.setId(at, 'sgid', creds.id(at, 'egid'));
    creds.setId(at, 'fsgid', creds.id(at, 'egid'));
    memory.writeAddr(args.addr(0) + bprm.offset('cred'), at);
  });
  // the file's beginning; of one that nobody has, that of an executable, which is what the kernel found
  on('bprm_read', () => {
    const at = args.addr(0);
    const file = memory.readAddr(at + bprm.offset('file'));
    if (file === 0) return;
    const bytes = kernel.root.read(files.pathOf(file))?.subarray(0, BPRM_BUF_SIZE) ?? ELF;
    memory.writeBytes(at + bprm.offset('buf'), bytes);
  });
  on('bprm_committed', () => memory.writeAddr(args.addr(0) + bprm.offset('cred'), 0));
  on('alloc_bprm', () => {
    const name = args.addr(0);
    const at = slab.kmalloc(bprm.size);
    memory.writeAddr(at + bprm.offset('filename'), name);
    memory.writeAddr(at + bprm.offset('interp'), name);
    memory.writeAddr(at + bprm.offset('file'), recorded.failed ? 0 : args.addr(1));
    const call = tasks.current.call;
    const count = (n: number): number => {
      const list = call?.args[n];
      return list?.kind === 'strings' ? list.list.length : list?.kind === 'int' ? (list.strings ?? 0) : 0;
    };
    memory.writeU32(at + bprm.offset('argc'), count(1));
    memory.writeU32(at + bprm.offset('envc'), count(2));
    args.retAddr(at);
  });
  text.define({
    name: 'free_bprm',
    handler: () => {
      const at = args.addr(0);
      const file = memory.readAddr(at + bprm.offset('file'));
      if (file !== 0) files.put(file);
      const cred = memory.readAddr(at + bprm.offset('cred'));
      if (cred !== 0) creds.put(cred);
      slab.kfree(at);
    },
  });
  on('set_task_comm', () => {
    const task = tasks.at(args.addr(0));
    const path = readString(args.addr(1));
    if (task) tasks.renamed(task, path.slice(path.lastIndexOf('/') + 1));
  });
  on('prctl', () => {
    // PR_SET_NAME
    if (args.lo(0) === 15) tasks.renamed(tasks.current, readString(args.addr(1)));
  });

  // credentials
  const { creds } = tasks;
  on('prepare_creds', () => args.retAddr(creds.prepare(tasks.current)));
  on('commit_creds', () => creds.commit(tasks.current, args.addr(0)));
  on('put_cred', () => creds.put(args.addr(0)));
  for (const [name, count] of [
    ['setreuid', 2],
    ['setregid', 2],
    ['setresuid', 3],
    ['setresgid', 3],
  ] as const)
    on(`${name}_asks`, () => {
      const ids = [args.u32(0), args.u32(1), args.u32(2)].slice(0, count);
      args.retU32(asksForIds(creds, name, tasks.current.cred, ids) ? 1 : 0);
    });
  for (const name of ID_CALLS)
    on(name, () => setIds(creds, name, args.addr(0), [args.u32(1), args.u32(2), args.u32(3)]));

  // clone: the child gets the pid that the recording has
  on('copy_process', () => {
    const pid = tasks.current.call?.child ?? recorded.lo;
    if (recorded.failed) {
      args.ret(recorded.lo, recorded.hi);
      return;
    }
    // a recording that is damaged: there is no such task
    if (pid <= 0) {
      args.ret(0, 0);
      return;
    }
    const parent = tasks.current;
    const known = tasks.find(pid);
    if (known) {
      args.retAddr(known.address);
      return;
    }
    const flags = parent.call?.cloneFlags ?? 0;
    const task = tasks.create(pid, flags & CLONE_THREAD ? parent.tgid : pid, parent.comm, parent, parent.call?.nr);
    args.retAddr(task.address);
  });
  // those of clone3 are in its structure; the low byte is no flag's there
  on('clone_flags', () => args.retU32((tasks.current.call?.cloneFlags ?? 0) & ~0xff));
  // copy_creds: a thread shares its creator's, a process gets a copy
  on('copies_creds', () =>
    args.retAddr((tasks.current.call?.cloneFlags ?? 0) & CLONE_THREAD ? 0 : text.place('prepare_creds')),
  );
  on('copy_creds', () => {
    const task = tasks.at(args.addr(0));
    if (task && args.addr(1) !== 0) creds.commit(task, args.addr(1));
  });
  // the parent hears of its child's end, and goes on where it waits for that child
  on('notified_parent', () => {
    const parent = tasks.at(args.addr(0))?.parent;
    args.retAddr(parent?.user ? parent.address : 0);
  });
  on('child_signal', () => {
    const at = args.addr(0);
    memory.writeU32(at, SIG.CHLD);
    memory.writeU32(at + 8, CLD_EXITED);
  });
  on('parent_waits', () => {
    const child = tasks.at(args.addr(0));
    const parent = child?.parent;
    const waits = parent?.blocked === true && !parent.queued && WAITS.has(parent.call?.name ?? '');
    const [which] = parent?.call?.args ?? [];
    const any =
      which?.kind !== 'int' ||
      which.lo <= 0 ||
      (child !== undefined && parent !== undefined && tasks.numberOf(child, parent) === which.lo);
    args.retAddr(waits && any ? parent.address : 0);
  });
  on('find_task', () => {
    const pid = Math.abs(args.lo(0));
    args.retAddr((pid === 0 ? tasks.current : (tasks.numbered(pid) ?? tasks.known(pid))).address);
  });
  // the end of a task: its status as wait(2) gives it
  on('wait_status', () => args.retU32((args.lo(0) & 0xff) << 8));
  on('exiting', () => {
    const flags = tasks.current.field('flags');
    memory.writeU32(flags, memory.readU32(flags) | PF_EXITING);
  });
  on('exit_code', () => {
    tasks.current.exitStatus = args.lo(1);
    memory.writeU32(tasks.current.field('exit_code'), args.u32(1));
  });
  on('task_exit', () => {
    const { current } = tasks;
    // exit_notify(): a process waits for its parent, a thread for nobody
    memory.writeU32(current.field('exit_state'), current.pid === current.tgid ? EXIT_ZOMBIE : EXIT_DEAD);
    tasks.exit(tasks.current, args.lo(0));
  });

  new NamespaceCalls(kernel).register(on);
  registerPaths(kernel, on);
  registerIo(kernel, on);
  registerAttributes(kernel, on);
  const pseudo = new PseudoFiles(kernel, on);
  const unix = new UnixSockets(kernel, on, (path) => names.make(path));
  const rootFs = new RootFs(kernel);
  rootFs.register(on);
  const sockets = new Sockets(kernel, rootFs);
  sockets.register(on);
  return [pseudo, unix];
}
