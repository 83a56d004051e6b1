/**
 * Cgroups as the kernel has them in memory: `struct cgroup` with its kernfs node, and the `css_set` that tasks in it point to.
 * They are made when something first asks for one, for what reads them are programs.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { encodeUtf8 } from '../../src/platform/index.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import { capture, reinstate, type Stateful } from '../core/state.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { Task } from '../task/task.ts';
import type { Cgroup } from './cgroup.ts';

/** levels that `cgroup.ancestors` has room for here */
const MAX_LEVEL = 32;

export class CgroupObjects implements Stateful {
  readonly #kernel: ObjectFloor;
  readonly #of: (task: Task) => Cgroup;
  readonly #made = new Map<Cgroup, { readonly cgroup: Addr; readonly set: Addr }>();
  readonly #byAddress = new Map<Addr, Cgroup>();
  #isOn = false;
  constructor(kernel: ObjectFloor, of: (task: Task) => Cgroup) {
    this.#kernel = kernel;
    this.#of = of;
    kernel.tasks.created.add((task) => this.moved(task));
  }
  save() {
    return capture({ made: this.#made, byAddress: this.#byAddress, isOn: this.#isOn });
  }
  restore(state: ReturnType<CgroupObjects['save']>): void {
    this.#isOn = reinstate(state).isOn;
  }

  /** From now on tasks point to their cgroups: a program is there that may look. */
  turnOn(): void {
    if (this.#isOn) return;
    this.#isOn = true;
    for (const task of this.#kernel.tasks.all()) this.moved(task);
  }
  /** The task is in another cgroup: its `cgroups` leads there. */
  moved(task: Task): void {
    if (this.#isOn) this.#kernel.memory.writeAddr(task.field('cgroups'), this.#objects(this.#of(task)).set);
  }
  /** `struct cgroup` */
  address(group: Cgroup): Addr {
    return this.#objects(group).cgroup;
  }
  at(address: Addr): Cgroup | undefined {
    return this.#byAddress.get(address);
  }

  #objects(group: Cgroup): { readonly cgroup: Addr; readonly set: Addr } {
    let made = this.#made.get(group);
    if (made !== undefined) return made;
    const { slab, structs, memory } = this.#kernel;
    const parent = group.parent && this.#objects(group.parent).cgroup;
    const node = new GuestStruct(this.#kernel, 'kernfs_node', slab.kmalloc(structs.of('kernfs_node').size));
    const name = encodeUtf8(`${group.path.slice(group.path.lastIndexOf('/') + 1)}\0`);
    const text = slab.kmalloc(name.length);
    memory.writeBytes(text, name);
    node.set('name', text).setBig('id', BigInt(group.id));
    if (parent) node.set('parent', new GuestStruct(this.#kernel, 'cgroup', parent).get('kn'));
    const size = structs.of('cgroup').size + 8 * MAX_LEVEL;
    const cgroup = new GuestStruct(this.#kernel, 'cgroup', slab.kmalloc(size));
    cgroup.set('kn', node.at).set('level', group.level).set('self.cgroup', cgroup.at);
    if (parent) cgroup.set('self.parent', new GuestStruct(this.#kernel, 'cgroup', parent).addressOf('self'));
    const ancestors = cgroup.addressOf('ancestors');
    for (let at: Cgroup | undefined = group; at !== undefined; at = at.parent)
      memory.writeAddr(ancestors + 8 * at.level, at === group ? cgroup.at : this.#objects(at).cgroup);
    const set = new GuestStruct(this.#kernel, 'css_set', slab.kmalloc(structs.of('css_set').size));
    set.set('dfl_cgrp', cgroup.at);
    made = { cgroup: cgroup.at, set: set.at };
    this.#made.set(group, made);
    this.#byAddress.set(cgroup.at, group);
    return made;
  }
}
