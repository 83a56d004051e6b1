/** Files that no path leads to: sockets, pipes, memory, and what anon_inode_getfile() makes (fs/anon_inodes.c, fs/pipe.c, mm/shmem.c, Linux 6.12). */

import type { Addr } from '../../src/machine/addr.ts';
import { decodeUtf8 } from '../../src/platform/index.ts';
import { O } from '../../src/uapi/fcntl.ts';
import { S_IF } from '../core/file-mode.ts';
import { capture } from '../core/state.ts';
import type { ObjectFloor } from '../floors/objects.ts';

/** names that Linux gives to files of anon_inodefs, by call */
const ANONYMOUS: Readonly<Record<string, string>> = {
  epoll_create: '[eventpoll]',
  epoll_create1: '[eventpoll]',
  eventfd: '[eventfd]',
  eventfd2: '[eventfd]',
  timerfd_create: '[timerfd]',
  signalfd: '[signalfd]',
  signalfd4: '[signalfd]',
  inotify_init: 'inotify',
  inotify_init1: 'inotify',
  fanotify_init: '[fanotify]',
  perf_event_open: '[perf_event]',
  io_uring_setup: '[io_uring]',
  userfaultfd: '[userfaultfd]',
  pidfd_open: '[pidfd]',
};
/** by command of bpf(2) */
const BPF_FILES: Readonly<Record<number, string>> = { 0: 'bpf-map', 5: 'bpf-prog', 18: 'btf', 28: 'bpf_link' };
/** what pseudo_file() makes */
const [PIPE, SHM] = [0, 1];

export class PseudoFiles {
  /** of System V shared memory, by id */
  readonly #shm = new Map<number, Addr>();

  constructor(kernel: ObjectFloor, on: (name: string, handler: () => void) => void) {
    const { args, memory, structs, files, tasks } = kernel;
    const { dcache } = files;
    const file = structs.of('file');
    const open = (dentry: Addr, flags: number): Addr => {
      const at = files.openDentry(dentry);
      memory.writeU32(at + file.offset('f_flags'), flags);
      memory.writeU32(at + file.offset('f_mode'), (flags + 1) & 3);
      return at;
    };
    on('anon_file', () => {
      const { call } = tasks.current;
      const [command] = call?.args ?? [];
      const name =
        call?.name === 'bpf' && command?.kind === 'int'
          ? (BPF_FILES[command.lo] ?? 'bpf')
          : (ANONYMOUS[call?.name ?? ''] ?? '[file]');
      args.retAddr(
        open(
          dcache.pseudo('anon_inodefs', name, () => `anon_inode:${name}`, 0o600),
          O.RDWR,
        ),
      );
    });
    // (kind, its own argument)
    on('pseudo_file', () => {
      const kind = args.lo(0);
      if (kind === PIPE) {
        args.retAddr(
          open(
            dcache.pseudo('pipefs', '', (ino) => `pipe:[${ino}]`, S_IF.FIFO | 0o600),
            0,
          ),
        );
        return;
      }
      const named = tasks.current.call?.args[0];
      const name =
        kind === SHM
          ? `SYSV${args.u32(1).toString(16).padStart(8, '0')}`
          : `memfd:${named?.kind === 'string' ? decodeUtf8(named.bytes) : ''}`;
      args.retAddr(
        open(
          dcache.pseudo('tmpfs', name, () => `/${name} (deleted)`, S_IF.REG | 0o777),
          O.RDWR,
        ),
      );
    });
    // the other end of a pipe: the same inode
    on('pipe_end', () => {
      if (args.addr(0) === 0) {
        args.retAddr(0);
        return;
      }
      const dentry = memory.readAddr(args.addr(0) + file.offset('f_path.dentry'));
      dcache.hold(dentry);
      args.retAddr(open(dentry, O.WRONLY));
    });
    // two files of which the recording shows the descriptors: `[5, 6]`
    on('install_pair', () => {
      const list = tasks.current.call?.args.find((arg) => arg.kind === 'opaque');
      const fds = list?.kind === 'opaque' ? (list.text.match(/\d+/g) ?? []).map(Number) : [];
      for (const n of [0, 1] as const) {
        const fd = fds[n];
        if (fd === undefined) files.put(args.addr(n));
        else files.install(tasks.current, fd, args.addr(n));
      }
    });
    on('shm_file', () => void this.#shm.set(args.lo(0), args.addr(1)));
    on('shm_of', () => {
      let at = this.#shm.get(args.lo(0));
      if (at === undefined) {
        at = open(
          dcache.pseudo('tmpfs', 'SYSV00000000', () => '/SYSV00000000 (deleted)', S_IF.REG | 0o777),
          O.RDWR,
        );
        this.#shm.set(args.lo(0), at);
      }
      args.retAddr(at);
    });
    on('shm_free', () => {
      const at = this.#shm.get(args.lo(0));
      if (at === undefined) return;
      this.#shm.delete(args.lo(0));
      files.put(at);
    });
  }
  save() {
    return capture({ shm: this.#shm });
  }
  restore(state: ReturnType<PseudoFiles['save']>): void {
    state.back();
  }
}
