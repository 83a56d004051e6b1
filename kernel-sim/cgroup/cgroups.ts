/**
 * The cgroup v2 hierarchy (Documentation/admin-guide/cgroup-v2.rst): groups, the tasks and sockets in them, and the calls
 * that kernel text makes to what hangs there (kernel/bpf/cgroup.c, Linux 6.12). Knows no bpf: what hangs is an address.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { ERRNO, KernelError } from '../core/errno.ts';
import { Listeners } from '../core/listeners.ts';
import { capture, type Stateful } from '../core/state.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { Task } from '../task/task.ts';
import { CGROUP_ATTACH_TYPES } from './attach-types.ts';
import { Cgroup } from './cgroup.ts';
import { CgroupObjects } from './objects.ts';

const AF_INET6 = 10;
const SOCK_DGRAM = 2;
/** kernfs gives the root the number 1; a group has some files, which have numbers too */
const ROOT_ID = 1;
const IDS_PER_GROUP = 24;
/** what the walk over programs keeps in its caller's frame: `struct bpf_cg_run_ctx`, then these */
const WALK = { bpfCtx: 16, index: 24, type: 28, sk: 32 };

/** A call that a verdict made fail, where the recording has another result. */
export interface Departure {
  readonly pid: number;
  readonly comm: string;
  readonly call: string;
  /** as recorded; undefined: the recording has not said yet */
  readonly recorded: number | undefined;
  /** negative error number that the task sees instead */
  readonly result: number;
  readonly attachType: string;
}

export class Cgroups implements Stateful {
  readonly root = new Cgroup('/', undefined, ROOT_ID);
  /** a verdict changed what a recorded call returns */
  readonly departed = new Listeners<[departure: Departure]>();
  readonly #kernel: ObjectFloor;
  readonly #groups = new Map<string, Cgroup>([['/', this.root]]);
  /** tasks and sockets outside of the root */
  readonly #tasks = new Map<number, Cgroup>();
  readonly #socks = new Map<Addr, Cgroup>();
  /** as structures in guest memory */
  readonly objects: CgroupObjects;

  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
    this.objects = new CgroupObjects(kernel, (task) => this.of(task));
    this.#register();
    kernel.tasks.exited.add((task) => void this.#tasks.delete(task.pid));
  }
  save() {
    const { departed, objects } = this;
    return capture({ groups: this.#groups, tasks: this.#tasks, socks: this.#socks, departed, objects });
  }
  restore(state: ReturnType<Cgroups['save']>): void {
    state.back();
  }

  /** The group at a path from the root: `/pod1`. @throws KernelError ENOENT */
  at(path: string): Cgroup {
    const group = this.#groups.get(path);
    if (group === undefined) throw new KernelError('ENOENT', `no cgroup ${path}`);
    return group;
  }
  has(path: string): boolean {
    return this.#groups.has(path);
  }
  /** mkdir(2) in the hierarchy. @throws KernelError EEXIST, ENOENT without its parent, EINVAL */
  mkdir(path: string): Cgroup {
    const match = /^((?:\/[^/\0]+)*)\/[^/\0]+$/.exec(path);
    if (match === null)
      throw new KernelError('EINVAL', `${JSON.stringify(path)} is no path from the root, as /pod1 is`);
    if (this.#groups.has(path)) throw new KernelError('EEXIST', `cgroup ${path} exists`);
    const parent = this.at(match[1] === '' ? '/' : (match[1] as string));
    const group = new Cgroup(path, parent, ROOT_ID + IDS_PER_GROUP * this.#groups.size);
    this.#groups.set(path, group);
    return group;
  }
  /** Opens its directory in the loader: the descriptor that links and BPF_PROG_ATTACH take. */
  open(path = '/'): number {
    return this.#kernel.fds.install(this.at(path));
  }
  /** Writes a pid to its cgroup.procs: the task, and sockets that it makes from now on, are in it. */
  move(path: string, pid: number): void {
    const group = this.at(path);
    if (group === this.root) this.#tasks.delete(pid);
    else this.#tasks.set(pid, group);
    const task = this.#kernel.tasks.find(pid);
    if (task !== undefined) this.objects.moved(task);
  }
  all(): Iterable<Cgroup> {
    return this.#groups.values();
  }
  of(task: Pick<Task, 'pid'>): Cgroup {
    return this.#tasks.get(task.pid) ?? this.root;
  }
  ofSock(sk: Addr): Cgroup {
    return this.#socks.get(sk) ?? this.root;
  }

  /** cgroup_bpf_enabled: whether anything hangs anywhere for an attach type. */
  #enabled(type: number): boolean {
    for (const group of this.#groups.values()) if (group.attached(type).length > 0) return true;
    return false;
  }

  #register(): void {
    const { args, memory, structs, tasks, text, files } = this.#kernel;
    const on = (name: string, handler: () => void): void => void text.hypercall(name, handler);
    const sock = structs.of('sock');
    const bpfCtx = structs.of('task_struct').offset('bpf_ctx');
    const retval = (run: Addr): Addr => run + structs.of('bpf_cg_run_ctx').offset('retval');
    const connects = ['tcp_v4_pre_connect', 'tcp_v6_pre_connect', 'udp_pre_connect', 'udpv6_pre_connect'] as const;
    text.maker.mayCall(connects);
    files.socketFreed.add((s) => void this.#socks.delete(memory.readAddr(s + structs.of('socket').offset('sk'))));

    on('cgroup_sk_alloc', () => {
      const group = this.of(tasks.current);
      if (group === this.root) this.#socks.delete(args.addr(0));
      else this.#socks.set(args.addr(0), group);
    });
    on('cgroup_bpf_enabled', () => args.retU32(this.#enabled(args.lo(0)) ? 1 : 0));
    // struct proto's pre_connect, where BPF_CGROUP_PRE_CONNECT_ENABLED
    on('pre_connect', () => {
      const sk = args.addr(0);
      const six = memory.readU16(sk + sock.offset('__sk_common.skc_family')) === AF_INET6;
      const dgram = memory.readU16(sk + sock.offset('sk_type')) === SOCK_DGRAM;
      const name = connects[(dgram ? 2 : 0) + (six ? 1 : 0)] as string;
      args.retAddr(this.#enabled(six ? 8 : 7) ? text.place(name) : 0);
    });
    on('sock_addr_context', () => {
      const at = args.addr(0);
      const addr = structs.of('bpf_sock_addr_kern');
      memory.writeBytes(at, new Uint8Array(addr.size));
      memory.writeAddr(at + addr.offset('sk'), args.addr(1));
      memory.writeAddr(at + addr.offset('uaddr'), args.addr(2));
      memory.writeAddr(at + addr.offset('t_ctx'), args.addr(4));
      memory.writeU32(at + addr.offset('uaddrlen'), memory.readU32(args.addr(3)));
    });
    on('cgroup_enter', () => {
      const [run, ctx] = [args.addr(0), tasks.current.address + bpfCtx];
      memory.writeU32(retval(run), 0);
      memory.writeAddr(run + WALK.bpfCtx, memory.readAddr(ctx));
      memory.writeU32(run + WALK.index, 0);
      memory.writeU32(run + WALK.type, args.lo(2));
      memory.writeAddr(run + WALK.sk, args.addr(1));
      memory.writeAddr(ctx, run);
    });
    on('cgroup_next', () => {
      const run = args.addr(0);
      const list = this.ofSock(memory.readAddr(run + WALK.sk)).effective(memory.readU32(run + WALK.type));
      args.retAddr(list[memory.readU32(run + WALK.index)]?.callee.addr ?? 0);
    });
    // a program that says no without an error of its own: EPERM; the others run all the same
    on('cgroup_verdict', () => {
      const run = args.addr(0);
      if (args.addr(1) !== 0) {
        if ((args.lo(2) & 1) === 0 && !isError(memory.readS32(retval(run)))) memory.writeU32(retval(run), -ERRNO.EPERM);
        memory.writeU32(run + WALK.index, memory.readU32(run + WALK.index) + 1);
      }
      args.retU32(args.addr(1) === 0 ? 0 : 1);
    });
    on('cgroup_leave', () => {
      const run = args.addr(0);
      memory.writeAddr(tasks.current.address + bpfCtx, memory.readAddr(run + WALK.bpfCtx));
      args.retInt(memory.readS32(retval(run)));
    });
    on('cgroup_error', () => args.retInt(args.addr(0) === 0 ? 0 : args.lo(1)));
    on('cgroup_refused', () => {
      const refused = args.addr(0) !== 0 && args.lo(1) < 0;
      if (refused) this.#refuse(args.lo(1), args.lo(2));
      args.retU32(refused ? 1 : 0);
    });
  }

  /** The running call returns an error, whatever the recording says, and waits for nothing. */
  #refuse(result: number, type: number): void {
    const { tasks, recorded } = this.#kernel;
    const { current } = tasks;
    const { call } = current;
    recorded.set(result, -1);
    recorded.sleeps = 0;
    current.blocked = false;
    if (call === undefined) return;
    current.call = { ...call, result: { lo: result, hi: -1 } };
    if (call.result?.lo === result) return;
    this.departed.tell({
      pid: current.pid,
      comm: current.comm,
      call: call.name,
      recorded: call.result?.lo,
      result,
      attachType: CGROUP_ATTACH_TYPES[type] ?? String(type),
    });
  }
}

const isError = (n: number): boolean => n < 0 && n >= -4095;
