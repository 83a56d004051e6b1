/**
 * Patching of the 5-byte nop at function entries (Linux 6.12 Documentation/trace/ftrace.rst, "dynamic ftrace"):
 *
 *     no user               0f 1f 44 00 00
 *     kprobes               call ftrace_trampoline            (regs caller of its own, to kprobe_ftrace_handler)
 *     a BPF trampoline      call bpf_trampoline_...           (direct)
 *     both                  call ftrace_regs_caller           (the list function, then into the trampoline)
 */
import type { Addr } from '../../src/machine/addr.ts';
import { Assembler } from '../../src/x86/index.ts';
import { capture, reinstate } from '../core/state.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import { regsCaller } from '../text/assembly/ftrace.ts';
import { branch, NOP5 } from '../text/trace-sites.ts';

interface Site {
  kprobe: boolean;
  direct: Addr;
}

export class Ftrace {
  readonly #kernel: ObjectFloor;
  readonly #sites = new Map<Addr, Site>();
  #trampoline: Addr = 0;
  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
    kernel.text.hypercall('ftrace_find_direct', () =>
      kernel.args.retAddr(this.#sites.get(kernel.args.addr(0))?.direct ?? 0),
    );
  }
  /** Entries that are patched now. */
  get patched(): Addr[] {
    return [...this.#sites.keys()];
  }
  save() {
    return capture({ sites: this.#sites, trampoline: this.#trampoline });
  }
  restore(state: ReturnType<Ftrace['save']>): void {
    this.#trampoline = reinstate(state).trampoline;
  }

  setKprobe(at: Addr, on: boolean): void {
    const site = this.#site(at);
    site.kprobe = on;
    this.#apply(at, site);
  }
  setDirect(at: Addr, to: Addr): void {
    const site = this.#site(at);
    site.direct = to;
    this.#apply(at, site);
  }
  /** Text at a site as it is now. */
  bytes(at: Addr): Uint8Array {
    return this.#kernel.text.read(at, 5);
  }
  #site(at: Addr): Site {
    let site = this.#sites.get(at);
    if (!site) {
      site = { kprobe: false, direct: 0 };
      this.#sites.set(at, site);
    }
    return site;
  }
  #apply(at: Addr, site: Site): void {
    const { machine, text } = this.#kernel;
    let bytes: Uint8Array = NOP5;
    if (site.kprobe && site.direct !== 0) bytes = branch(0xe8, at, text.place('ftrace_regs_caller'));
    else if (site.kprobe) bytes = branch(0xe8, at, this.#opsTrampoline());
    else if (site.direct !== 0) bytes = branch(0xe8, at, site.direct);
    else this.#sites.delete(at);
    text.ensure(at, 5);
    machine.patch(at, bytes);
  }
  /** The trampoline of the kprobes' ftrace_ops: a copy of the regs caller that calls their handler. */
  #opsTrampoline(): Addr {
    if (this.#trampoline === 0) {
      const { bpfPack, symbols, text } = this.#kernel;
      const at = bpfPack.allocPages(1);
      const a = new Assembler(at);
      regsCaller('kprobe_ftrace_handler', false)(a, text.emitContext());
      const bytes = a.bytes();
      bpfPack.write(at, bytes);
      symbols.add('ftrace_trampoline', at, bytes.length, '__builtin__ftrace');
      this.#trampoline = at;
    }
    return this.#trampoline;
  }
}
