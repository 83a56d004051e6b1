/**
 * One cgroup: its programs by attach type, and which of them and of its ancestors run for its tasks (bpf(2),
 * BPF_F_ALLOW_OVERRIDE and BPF_F_ALLOW_MULTI; include/uapi/linux/bpf.h).
 */
import type { Addr } from '../../src/machine/addr.ts';
import { KernelError } from '../core/errno.ts';
import type { FdObject } from '../core/fds.ts';
import { capture, reinstate } from '../core/state.ts';

/** BPF_F_ALLOW_OVERRIDE: descendants may put another program in its place; BPF_F_ALLOW_MULTI: theirs run before its own */
const ALLOW_OVERRIDE = 1;
export const ALLOW_MULTI = 2;
/** BPF_CGROUP_MAX_PROGS */
const MAX_PROGS = 64;

/** What is called: `struct bpf_prog` */
export interface Callee {
  readonly addr: Addr;
}
/** A callee in its place; links have entries of their own, whatever their program. */
export interface Hung<C extends Callee = Callee> {
  callee: C;
  readonly link: object | undefined;
}
interface Slot {
  flags: number;
  readonly list: Hung[];
}

export class Cgroup implements FdObject {
  readonly fdName: string;
  /** from the root of the hierarchy: `/pod1` */
  readonly path: string;
  readonly parent: Cgroup | undefined;
  /** inode number of its directory, which is what bpf_get_current_cgroup_id gives */
  readonly id: number;
  readonly #slots = new Map<number, Slot>();

  constructor(path: string, parent: Cgroup | undefined, id: number) {
    this.path = path;
    this.fdName = `cgroup:${path}`;
    this.parent = parent;
    this.id = id;
  }
  save() {
    return capture({ slots: this.#slots });
  }
  restore(state: ReturnType<Cgroup['save']>): void {
    reinstate(state);
  }

  /** distance from the root */
  get level(): number {
    return this.parent === undefined ? 0 : this.parent.level + 1;
  }
  /** Its ancestor at a level, which may be itself. */
  ancestor(level: number): Cgroup | undefined {
    let at: Cgroup | undefined = this;
    while (at !== undefined && at.level !== level) at = at.parent;
    return at;
  }
  /** Its own entries. */
  attached(type: number): readonly Hung[] {
    return this.#slots.get(type)?.list ?? [];
  }
  /** Flags that its own entries were attached with. */
  flags(type: number): number {
    return this.#slots.get(type)?.flags ?? 0;
  }
  /** What runs for its tasks, in order: its own, then those of its ancestors as far as they let others run beside them. */
  effective(type: number): readonly Hung[] {
    const out: Hung[] = [];
    for (let at: Cgroup | undefined = this; at !== undefined; at = at.parent)
      if (out.length === 0 || at.flags(type) & ALLOW_MULTI) out.push(...at.attached(type));
    return out;
  }

  /**
   * Hangs a callee here. `replace`: the one whose place it takes.
   * @throws KernelError EPERM where the flags of the hierarchy forbid it, EINVAL, E2BIG, ENOENT
   */
  attach(type: number, callee: Callee, options: { flags: number; link?: object; replace?: Callee }): Hung {
    const { flags, link, replace } = options;
    const kept = flags & (ALLOW_OVERRIDE | ALLOW_MULTI);
    if (kept === (ALLOW_OVERRIDE | ALLOW_MULTI))
      throw new KernelError('EINVAL', 'BPF_F_ALLOW_OVERRIDE and BPF_F_ALLOW_MULTI exclude each other');
    if (replace !== undefined && !(flags & ALLOW_MULTI))
      throw new KernelError('EINVAL', 'BPF_F_REPLACE is for BPF_F_ALLOW_MULTI');
    if (!this.#ancestorsAllow(type))
      throw new KernelError('EPERM', 'an ancestor has a program that lets no others be attached below it');
    const slot = this.#slots.get(type) ?? { flags: kept, list: [] };
    if (slot.list.length > 0 && slot.flags !== kept)
      throw new KernelError('EPERM', `${this.path} has programs that were attached with other flags`);
    if (slot.list.length >= MAX_PROGS) throw new KernelError('E2BIG', `${MAX_PROGS} programs are attached`);
    const taken = flags & ALLOW_MULTI ? replaced(slot.list, callee, link, replace) : slot.list[0];
    slot.flags = kept;
    this.#slots.set(type, slot);
    const hung: Hung = { callee, link };
    if (taken === undefined) slot.list.push(hung);
    else slot.list[slot.list.indexOf(taken)] = hung;
    return hung;
  }
  #ancestorsAllow(type: number): boolean {
    for (let at = this.parent; at !== undefined; at = at.parent) {
      if (at.flags(type) & ALLOW_MULTI) return true;
      if (at.attached(type).length > 0) return (at.flags(type) & ALLOW_OVERRIDE) !== 0;
    }
    return true;
  }

  /** Takes an entry out; nothing where it is out already. */
  remove(type: number, hung: Hung): void {
    const slot = this.#slots.get(type);
    const at = slot?.list.indexOf(hung) ?? -1;
    if (slot === undefined || at < 0) return;
    slot.list.splice(at, 1);
    if (slot.list.length === 0) this.#slots.delete(type);
  }
  /**
   * BPF_PROG_DETACH: the entry of a program; without ALLOW_MULTI whichever there is.
   * @throws KernelError ENOENT, EINVAL where one of several has to be named
   */
  find(type: number, callee: Callee | undefined): Hung {
    const list = this.attached(type);
    if (!(this.flags(type) & ALLOW_MULTI)) {
      if (list[0] === undefined) throw new KernelError('ENOENT', `nothing is attached to ${this.path}`);
      return list[0];
    }
    if (callee === undefined) throw new KernelError('EINVAL', 'there may be several programs: name one');
    const hung = list.find((one) => one.callee === callee && one.link === undefined);
    if (hung === undefined) throw new KernelError('ENOENT', `the program is not attached to ${this.path}`);
    return hung;
  }
}

/** The entry that goes, where one does. */
function replaced(list: readonly Hung[], callee: Callee, link: object | undefined, replace: Callee | undefined) {
  if (link === undefined && callee !== replace && list.some((one) => one.callee === callee && one.link === undefined))
    throw new KernelError('EINVAL', 'the program is attached already');
  if (replace === undefined) return undefined;
  const found = list.find((one) => one.callee === replace);
  if (found === undefined) throw new KernelError('ENOENT', 'the program to be replaced is not attached');
  return found;
}

/** The cgroup that a descriptor refers to, opened by the hierarchy or by its file system; undefined where it is none. */
export function cgroupOf(object: FdObject | undefined): Cgroup | undefined {
  const of = object?.of ?? object;
  return of instanceof Cgroup ? of : undefined;
}
