/**
 * Credentials: `struct cred` is never changed once a task has it (Linux 6.12 Documentation/security/credentials.rst).
 * Who changes ids copies it, changes the copy and commits that; the old one goes with the last reference. A task holds
 * two, `cred` and `real_cred`.
 */
import type { Addr } from '../../src/machine/addr.ts';
import type { GuestMemory } from '../../src/machine/index.ts';
import { ALL_CAPS } from '../core/process.ts';
import type { StructLayout } from '../core/structs.ts';
import type { Ground } from '../floors/ground.ts';
import type { KernelObjects } from './objects.ts';
import type { Task } from './task.ts';

export type IdField = 'uid' | 'gid' | 'suid' | 'sgid' | 'euid' | 'egid' | 'fsuid' | 'fsgid';
export type CapSet = 'cap_permitted' | 'cap_effective';

export class Creds {
  readonly #kernel: Ground & { readonly objects: KernelObjects };
  readonly #memory: GuestMemory;
  readonly #layout: StructLayout;
  #init: Addr = 0;
  constructor(kernel: Ground & { readonly objects: KernelObjects }) {
    this.#kernel = kernel;
    this.#memory = kernel.memory;
    this.#layout = kernel.structs.of('cred');
  }

  save(): Addr {
    return this.#init;
  }
  restore(init: Addr): void {
    this.#init = init;
  }

  /** `init_cred`, which is never freed: the first task's. */
  get init(): Addr {
    if (this.#init === 0) this.#init = this.#kernel.objects.cred();
    return this.#init;
  }
  /** its `usage` */
  references(cred: Addr): number {
    return this.#memory.readU32(cred + this.#layout.offset('usage'));
  }
  id(cred: Addr, field: IdField): number {
    return this.#memory.readU32(cred + this.#layout.offset(field));
  }
  setId(cred: Addr, field: IdField, id: number): void {
    this.#memory.writeU32(cred + this.#layout.offset(field), id);
  }
  caps(cred: Addr, set: CapSet): bigint {
    return this.#memory.readU64(cred + this.#layout.offset(set));
  }
  setCaps(cred: Addr, set: CapSet, caps: bigint): void {
    this.#memory.writeU64(cred + this.#layout.offset(set), caps);
  }

  /** `struct user_namespace` that it is in */
  userNs(cred: Addr): Addr {
    return this.#memory.readAddr(cred + this.#layout.offset('user_ns'));
  }
  /** set_cred_user_ns(): the first of a new user namespace, with every capability in it. */
  enter(cred: Addr, ns: Addr): void {
    const old = this.userNs(cred);
    this.#memory.writeAddr(cred + this.#layout.offset('user_ns'), ns);
    for (const set of ['cap_permitted', 'cap_effective'] as const) this.setCaps(cred, set, ALL_CAPS);
    this.#kernel.objects.namespaces.drop(old);
  }

  /** A new task begins with its parent's. */
  share(task: Task, cred: Addr): void {
    this.#count(cred, 2);
    this.#point(task, cred);
  }
  /** prepare_creds(): a copy of the task's own, which refers to it once. */
  prepare(task: Task): Addr {
    const { size } = this.#layout;
    const at = this.#kernel.slab.kmalloc(size);
    this.#memory.writeBytes(at, this.#memory.readBytes(task.cred, size));
    this.#memory.writeU64(at + this.#layout.offset('usage'), 1n);
    this.#kernel.objects.namespaces.get(this.userNs(at));
    return at;
  }
  /** commit_creds(): the task takes over the reference that the maker had, and gives up those to the old ones. */
  commit(task: Task, cred: Addr): void {
    const old = task.cred;
    this.#count(cred, 1);
    this.#point(task, cred);
    this.#count(old, -2);
  }
  /** put_cred(): abort_creds() of one that nobody got. */
  put(cred: Addr): void {
    this.#count(cred, -1);
  }
  /** exit_creds() */
  leave(task: Task): void {
    this.#count(task.cred, -2);
  }
  #point(task: Task, cred: Addr): void {
    task.cred = cred;
    this.#memory.writeAddr(task.field('cred'), cred);
    this.#memory.writeAddr(task.field('real_cred'), cred);
  }
  #count(cred: Addr, more: number): void {
    const at = cred + this.#layout.offset('usage');
    const left = this.#memory.readU32(at) + more;
    if (left > 0 || cred === this.#init) this.#memory.writeU32(at, left);
    else {
      this.#kernel.objects.namespaces.drop(this.userNs(cred));
      this.#kernel.slab.kfree(cred);
    }
  }
}
