/**
 * Faults of guest code: text that is not there yet, exception tables (Linux 6.12
 * Documentation/arch/x86/exception-tables.rst), then an oops for the kernel's own faults and a signal
 * for a user's. The host process goes on.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { type Fault, MachineStop } from '../../src/machine/index.ts';
import { Listeners } from '../core/listeners.ts';
import { capture, reinstate } from '../core/state.ts';
import type { TextFloor } from '../floors/text.ts';
import type { Tasks } from '../task/tasks.ts';
import { faultOf } from './host-errors.ts';
import { makeOops, type Oops } from './oops.ts';
import { Refault } from './refault.ts';

/** One row of an image's exception table: where to go on, and which register (x86 number, -1 none) becomes zero. */
export interface ExtableEntry {
  readonly at: Addr;
  readonly resume: Addr;
  readonly reg: number;
}

/** fields of pt_regs by x86 register number */
const PT_REGS = 'ax cx dx bx sp bp si di r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');

const MAX_OOPSES = 256;

type FaultFloor = TextFloor & { readonly tasks: Tasks };

export class Faults {
  readonly #entries = new Map<Addr, ExtableEntry>();
  readonly #kernel: FaultFloor;
  /** the last oopses, {@link MAX_OOPSES} of them at most */
  readonly oopses: Oops[] = [];
  #count = 0;
  /** for host code that works for the guest and meets addresses that fault */
  readonly refault: Refault;
  readonly oopsed = new Listeners<[oops: Oops]>();
  constructor(kernel: FaultFloor) {
    this.#kernel = kernel;
    this.refault = new Refault(kernel);
    kernel.machine.onFault = (fault) => this.#resolve(fault);
    kernel.text.hypercalls.isGuests = (error) => this.refault.takes(error);
    kernel.text.hypercall('unknown_int3', () => {
      const regs = kernel.structs.of('pt_regs');
      const at = kernel.args.addr(0);
      const { cpu, memory } = kernel;
      // the oops shows the registers of the code that hit it
      const rip = memory.readAddr(at + regs.offset('ip'));
      PT_REGS.forEach((name, n) => {
        const field = at + regs.offset(name);
        cpu.regs[2 * n] = memory.readU32(field);
        cpu.regs[2 * n + 1] = memory.readU32(field + 4);
      });
      cpu.rflags = memory.readU32(at + regs.offset('flags'));
      throw new MachineStop(this.report('int3: 0000', rip));
    });
  }
  save() {
    return capture({ refault: this.refault, entries: this.#entries, oopses: this.oopses.slice(), count: this.#count });
  }
  restore(state: ReturnType<Faults['save']>): void {
    const { oopses, count } = reinstate(state);
    this.oopses.splice(0, this.oopses.length, ...oopses);
    this.#count = count;
  }

  /** Adds an image's exception table. */
  addExtable(entries: readonly ExtableEntry[]): void {
    for (const e of entries) this.#entries.set(e.at, e);
  }
  removeExtable(entries: readonly ExtableEntry[]): void {
    for (const e of entries) this.#entries.delete(e.at);
  }

  /** True when the instruction at rip is to run, again or elsewhere. */
  #resolve(fault: Fault): boolean {
    const { cpu, text } = this.#kernel;
    if (fault.kind === 'bp') return false;
    if (cpu.cpl === 0 && text.onFault(fault)) return true;
    if (cpu.cpl !== 0) return false;
    const fixup = text.sites.fixup(fault.rip);
    if (fixup !== undefined) {
      cpu.rip = fixup;
      return true;
    }
    const entry = this.#entries.get(fault.rip);
    if (!entry) return false;
    if (entry.reg >= 0) {
      cpu.regs[2 * entry.reg] = 0;
      cpu.regs[2 * entry.reg + 1] = 0;
    }
    cpu.rip = entry.resume;
    return true;
  }

  /** Writes the oops of a fault that nobody resolved into the kernel log. The registers are still the fault's. */
  oops(fault: Fault): Oops {
    return this.report(undefined, fault.rip, fault);
  }
  /** The oops of what host code met in guest memory on the kernel's behalf; undefined for other errors. */
  ofHost(error: unknown): Oops | undefined {
    const fault = faultOf(error, this.#kernel.cpu.rip);
    return fault && this.oops(fault);
  }
  /** A task ran on and on, and was stopped: what the watchdog of Linux says (kernel/watchdog.c), with its threshold of seconds. */
  lockup(): Oops {
    const { context, tasks, cpu } = this.#kernel;
    const { comm, pid } = tasks.current;
    return this.report(`watchdog: BUG: soft lockup - CPU#${context.cpu} stuck for 26s! [${comm}:${pid}]`, cpu.rip);
  }
  report(title: string | undefined, rip: Addr, fault?: Fault): Oops {
    const oops = makeOops(this.#kernel, ++this.#count, title, rip, fault);
    this.oopses.push(oops);
    if (this.oopses.length > MAX_OOPSES) this.oopses.shift();
    this.#kernel.printk.log(oops.text);
    this.oopsed.tell(oops);
    return oops;
  }
}
export type { Oops };
