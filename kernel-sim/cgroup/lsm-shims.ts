/**
 * Hooks of the LSM that programs of cgroups hang on (BPF_LSM_CGROUP; kernel/bpf/cgroup.c and trampoline.c, Linux 6.12): on each
 * such hook is one shim, which runs what is effective in the group of the socket that the hook is given, or of the task.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { KernelError } from '../core/errno.ts';
import { capture, type Stateful } from '../core/state.ts';
import { CGROUP_ATTACH_TYPES } from '../data/cgroup-attach-types.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { On } from './run.ts';

/** CGROUP_LSM_START, and CGROUP_LSM_NUM: how many hooks may have programs of cgroups */
const LSM_START = CGROUP_ATTACH_TYPES.length;
const LSM_NUM = 10;

/** What the first argument of a hook says of whose group it is. */
export type ShimKind = 'sock' | 'socket' | 'current';
/** Called as a program is, with its `struct bpf_prog`'s instructions in the second register. */
interface Shim {
  readonly address: Addr;
  readonly entry: Addr;
  readonly name: string;
  readonly jited: false;
  readonly isShim: true;
}
interface Slot {
  readonly hook: number;
  readonly shim: Addr;
  readonly hung: { detach(): void };
  uses: number;
}

export class LsmShims implements Stateful {
  readonly #kernel: ObjectFloor;
  readonly #slots: (Slot | undefined)[] = Array.from({ length: LSM_NUM }, () => undefined);
  constructor(kernel: ObjectFloor, on: On) {
    this.#kernel = kernel;
    const { args, text, structs } = kernel;
    const insns = structs.of('bpf_prog').offset('insnsi');
    text.maker.mayCall(['sock', 'socket', 'current'].map((kind) => `__cgroup_bpf_run_lsm_${kind}`));
    on('lsm_shim_type', () => {
      const at = args.addr(0) - insns;
      args.retU32(LSM_START + this.#slots.findIndex((slot) => slot?.shim === at));
    });
  }
  save() {
    return capture({ slots: this.#slots });
  }
  restore(state: ReturnType<LsmShims['save']>): void {
    state.back();
  }

  /** The list's number of a hook, by its BTF id, as attach types have numbers; undefined where nothing hangs on it. */
  find(hook: number): number | undefined {
    const n = this.#slots.findIndex((slot) => slot?.hook === hook);
    return n < 0 ? undefined : LSM_START + n;
  }
  /** Numbers of all lists that there are. */
  types(): number[] {
    return this.#slots.flatMap((slot, n) => (slot === undefined ? [] : [LSM_START + n]));
  }
  /**
   * A program more on a hook, which gets a shim with the first. `hang` puts that in place.
   * @throws KernelError E2BIG: as many hooks have them as may
   */
  take(hook: number, kind: ShimKind, hang: (shim: Shim) => { detach(): void }): number {
    const known = this.#slots.findIndex((slot) => slot?.hook === hook);
    const n = known < 0 ? this.#slots.indexOf(undefined) : known;
    if (n < 0) throw new KernelError('E2BIG', `${LSM_NUM} hooks have programs of cgroups already`);
    const slot = (this.#slots[n] ??= this.#make(hook, kind, hang));
    slot.uses++;
    return LSM_START + n;
  }
  #make(hook: number, kind: ShimKind, hang: (shim: Shim) => { detach(): void }): Slot {
    const { slab, structs, text } = this.#kernel;
    const { size } = structs.of('bpf_prog');
    const address = slab.kmalloc(size);
    const name = `__cgroup_bpf_run_lsm_${kind}`;
    try {
      return {
        hook,
        shim: address,
        uses: 0,
        hung: hang({ address, entry: text.place(name), name, jited: false, isShim: true }),
      };
    } catch (error) {
      slab.kfree(address);
      throw error;
    }
  }
  /** A program less. */
  drop(type: number): void {
    const slot = this.#slots[type - LSM_START];
    if (slot === undefined || --slot.uses > 0) return;
    slot.hung.detach();
    this.#slots[type - LSM_START] = undefined;
    this.#kernel.slab.kfree(slot.shim);
  }
}
