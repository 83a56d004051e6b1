/** What kind of code an address is in, and its name. */
import type { Kernel } from '../../../kernel-sim/index.ts';
import { type Addr, formatAddr } from '../../machine/addr.ts';
import type { Programs } from '../program/programs.ts';
import type { Place, World } from './types.ts';

const ENTRY = /^(entry_SYSCALL_64|asm_exc_|ret_from_fork|syscall_return_via_sysret|common_interrupt_return)/;
const TRAMPOLINE =
  /^(bpf_trampoline_|ftrace_trampoline|ftrace_caller|ftrace_regs_caller|kprobe_insn_page|arch_rethook)/;

export class Places {
  readonly #kernel: Kernel;
  readonly #programs: Programs;
  /** functions that images call */
  readonly #helpers: ReadonlySet<string>;

  constructor(kernel: Kernel, programs: Programs, helpers: ReadonlySet<string>) {
    this.#kernel = kernel;
    this.#programs = programs;
    this.#helpers = helpers;
  }

  at(rip: Addr): Place {
    const image = this.#programs.at(rip);
    const symbol = this.#kernel.symbols.at(rip);
    const world = image !== undefined ? 'image' : this.#world(rip, symbol?.name);
    return {
      rip,
      world,
      symbol: world === 'user' ? `[user]+0x${rip.toString(16)}` : this.name(rip),
      program: image?.program.name,
      slot: image?.slot,
      source: image?.program.line(image.slot),
    };
  }
  /** `do_sys_openat2+0x4`; the address where it has no name */
  name(rip: Addr): string {
    const s = this.#kernel.symbols.at(rip);
    if (s === undefined) return formatAddr(rip);
    return s.offset === 0 ? s.name : `${s.name}+0x${s.offset.toString(16)}`;
  }
  #world(rip: Addr, name: string | undefined): World {
    if (rip >= 0) return 'user';
    if (name === undefined) return 'kernel';
    if (ENTRY.test(name)) return 'entry';
    if (TRAMPOLINE.test(name)) return 'trampoline';
    return this.#helpers.has(name) ? 'helper' : 'kernel';
  }
}
