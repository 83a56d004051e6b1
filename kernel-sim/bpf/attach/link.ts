import type { FdObject } from '../../core/fds.ts';
import { Listeners } from '../../core/listeners.ts';
import type { ProbeLink } from '../../probe/types.ts';
import type { BpfProg } from '../prog/prog.ts';

/**
 * An attachment. It lasts as long as something refers to it: its descriptors, which count once together, and each pin
 * in a bpffs (bpf(2), BPF_OBJ_PIN).
 */
export class BpfLink implements FdObject {
  readonly fdName = 'anon_inode:bpf_link';
  id = 0;
  /** `enum bpf_link_type` */
  readonly type: number;
  readonly prog: BpfProg;
  /** what was patched; several for a multi link */
  readonly probes: readonly ProbeLink[];
  #attached = true;
  #refs = 1;
  readonly #holds: FdObject | undefined;
  /** nothing refers to it any more */
  readonly freed = new Listeners<[]>();
  /** `holds`: what must live as long as the link, its perf event */
  constructor(type: number, prog: BpfProg, probes: readonly ProbeLink[], holds?: FdObject) {
    this.type = type;
    this.prog = prog.get();
    this.probes = probes;
    this.#holds = holds;
    holds?.get?.();
  }
  get attached(): boolean {
    return this.#attached;
  }
  /** BPF_LINK_DETACH: nothing runs any more, and the link is there still for those who refer to it. */
  detach(): void {
    if (!this.#attached) return;
    this.#attached = false;
    for (const probe of this.probes) probe.detach();
  }
  get(): this {
    this.#refs++;
    return this;
  }
  put(): void {
    if (--this.#refs > 0) return;
    this.detach();
    this.freed.tell();
    this.#holds?.put?.();
    this.prog.put();
  }
  release(): void {
    this.put();
  }
}
