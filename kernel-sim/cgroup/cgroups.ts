/** The cgroup v2 hierarchy (Documentation/admin-guide/cgroup-v2.rst): groups, and the tasks and sockets in them. */
import type { Addr } from '../../src/machine/addr.ts';
import { KernelError } from '../core/errno.ts';
import { capture, type Stateful } from '../core/state.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { Task } from '../task/task.ts';
import { Cgroup } from './cgroup.ts';
import { registerCgroupFs } from './cgroupfs.ts';
import { registerContexts } from './contexts.ts';
import { LsmShims } from './lsm-shims.ts';
import { CgroupObjects } from './objects.ts';
import { registerRuns } from './run.ts';
import { registerSockopt } from './sockopt.ts';
import { registerSysctl } from './sysctl.ts';

/** kernfs gives the root the number 1; a group has some files, which have numbers too */
const ROOT_ID = 1;
const IDS_PER_GROUP = 24;

export class Cgroups implements Stateful {
  readonly root = new Cgroup('/', undefined, ROOT_ID);
  readonly #kernel: ObjectFloor;
  readonly #groups = new Map<string, Cgroup>([['/', this.root]]);
  /** tasks and sockets outside of the root */
  readonly #tasks = new Map<number, Cgroup>();
  readonly #socks = new Map<Addr, Cgroup>();
  /** as structures in guest memory */
  readonly objects: CgroupObjects;
  /** hooks of the LSM that have programs of groups */
  readonly shims: LsmShims;

  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
    this.objects = new CgroupObjects(kernel, (task) => this.of(task));
    const { args, memory, structs, tasks, files, text } = kernel;
    const on = (name: string, handler: () => void): void => void text.hypercall(name, handler);
    this.shims = new LsmShims(kernel, on);
    registerRuns(kernel, on, this);
    registerContexts(kernel, on);
    registerSockopt(kernel, on);
    registerSysctl(kernel, on);
    on('cgroup_sk_alloc', () => {
      const group = this.of(tasks.current);
      if (group === this.root) this.#socks.delete(args.addr(0));
      else {
        this.#socks.set(args.addr(0), group);
        memory.writeAddr(args.addr(0) + structs.of('sock').offset('sk_cgrp_data.cgroup'), this.objects.address(group));
      }
    });
    registerCgroupFs(kernel, on, this);
    tasks.created.add((task) => {
      const group = task.parent === undefined ? undefined : this.#tasks.get(task.parent.pid);
      if (group !== undefined && !this.#tasks.has(task.pid)) this.#put(task.pid, group);
    });
    tasks.exited.add((task) => void this.#tasks.delete(task.pid));
    files.socketFreed.add((s) => void this.#socks.delete(memory.readAddr(s + structs.of('socket').offset('sk'))));
  }
  save() {
    return capture({
      groups: this.#groups,
      tasks: this.#tasks,
      socks: this.#socks,
      objects: this.objects,
      shims: this.shims,
    });
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
  /** Writes a pid to its cgroup.procs: the task, what it forks, and sockets that they make from now on, are in it. */
  move(path: string, pid: number): void {
    this.#put(pid, this.at(path));
  }
  #put(pid: number, group: Cgroup): void {
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
  enabled(type: number): boolean {
    for (const group of this.#groups.values()) if (group.attached(type).length > 0) return true;
    return false;
  }
}
