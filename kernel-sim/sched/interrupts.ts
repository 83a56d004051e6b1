/**
 * Interrupts that are to come (arch/x86/include/asm/idtentry.h): those that CPUs send each other, those of timers, and
 * those of devices. Delivered one at a time, where a CPU is in user mode or idles.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { encodeUtf8 } from '../../src/platform/index.ts';
import { KernelError } from '../core/errno.ts';
import { capture } from '../core/state.ts';
import type { TextFloor } from '../floors/text.ts';
import { INTERRUPT_INNER } from '../text/assembly/interrupts.ts';
import { beginningOf } from '../text/function-maker.ts';

/** vectors of arch/x86/include/asm/irq_vectors.h, and their entries */
export const VECTOR = { DEVICE: 0x22, CALL_FUNCTION_SINGLE: 251, RESCHEDULE: 253, TIMER: 236 } as const;
const ENTRIES: Readonly<Record<number, string>> = {
  [VECTOR.DEVICE]: 'asm_common_interrupt',
  [VECTOR.CALL_FUNCTION_SINGLE]: 'asm_sysvec_call_function_single',
  [VECTOR.RESCHEDULE]: 'asm_sysvec_reschedule_ipi',
  [VECTOR.TIMER]: 'asm_sysvec_apic_timer_interrupt',
};

/** A device's interrupt line: `struct irq_desc` with its action. */
export interface IrqLine {
  readonly irq: number;
  readonly name: string;
  readonly desc: Addr;
  readonly action: Addr;
}

interface Pending {
  readonly cpu: number;
  readonly vector: number;
}

export class Interrupts {
  readonly #kernel: TextFloor;
  readonly #pending: Pending[] = [];
  readonly #lines = new Map<string, IrqLine>();
  /** of a device's interrupt: its line, and the function that its handler calls */
  #device: { readonly line: IrqLine; readonly work: Addr; readonly args: readonly number[] } | undefined;

  constructor(kernel: TextFloor) {
    this.#kernel = kernel;
    const { text, args, memory } = kernel;
    const on = (name: string, handler: () => void): void => void text.hypercall(name, handler);
    on('irq_desc', () => args.retAddr(this.#device?.line.desc ?? 0));
    on('irq_action', () => args.retAddr(this.#device?.line.action ?? 0));
    on('irq_handler', () => {
      const at = args.addr(0);
      args.retAddr(at === 0 ? 0 : memory.readAddr(at + kernel.structs.offsets('irqaction', ['handler']).handler));
    });
    on('irq_work', () => args.retAddr(this.#device?.work ?? 0));
    on('irq_work_arg', () => args.retAddr(this.#device?.args[args.lo(0)] ?? 0));
  }
  save() {
    return capture({ pending: this.#pending, lines: this.#lines, device: { is: this.#device } });
  }
  restore(state: ReturnType<Interrupts['save']>): void {
    this.#device = state.back().device.is;
  }
  reset(): void {
    this.#pending.length = 0;
  }

  /** A CPU sends another one an interrupt. */
  send(cpu: number, vector: number): void {
    if (!this.#pending.some((p) => p.cpu === cpu && p.vector === vector)) this.#pending.push({ cpu, vector });
  }
  /** CPU of the interrupt that is to be delivered first; undefined: there is none. */
  get first(): number | undefined {
    return this.#pending[0]?.cpu;
  }
  take(): number {
    return (this.#pending.shift() as Pending).vector;
  }
  /** A device's interrupt is next: its handler calls `work` with up to three arguments. */
  device(line: IrqLine, work: Addr, args: readonly number[]): void {
    this.#device = { line, work, args };
  }
  /** The line of a device, made when it is first asked for. */
  line(irq: number, name: string): IrqLine {
    const key = `${irq} ${name}`;
    let line = this.#lines.get(key);
    if (line) return line;
    const { slab, memory, structs, text } = this.#kernel;
    const descLayout = structs.offsets('irq_desc', ['irq_data.irq', 'action']);
    const actionLayout = structs.offsets('irqaction', ['handler', 'name', 'dev_id', 'irq']);
    const desc = slab.kmalloc(descLayout.sizeof);
    const action = slab.kmalloc(actionLayout.sizeof);
    const bytes = encodeUtf8(`${name}\0`);
    const string = slab.kmalloc(bytes.length);
    memory.writeBytes(string, bytes);
    memory.writeU32(desc + descLayout['irq_data.irq'], irq);
    memory.writeAddr(desc + descLayout.action, action);
    memory.writeAddr(action + actionLayout.handler, text.place('vring_interrupt'));
    memory.writeAddr(action + actionLayout.name, string);
    memory.writeU32(action + actionLayout.irq, irq);
    line = { irq, name, desc, action };
    this.#lines.set(key, line);
    return line;
  }
  /**
   * Where an interrupt's text begins: with the frame that the processor pushes, or behind what saves the registers, with
   * a task's user registers saved already. @throws KernelError ENOENT
   */
  entry(vector: number, fromUser: boolean): Addr {
    const name = ENTRIES[vector];
    if (name === undefined) throw new KernelError('ENOENT', `no interrupt has the vector ${vector}`);
    const { text, symbols } = this.#kernel;
    const at = text.place(name);
    if (!fromUser) return at;
    // text that has no symbol begins as functions do
    const symbol = symbols.get(name);
    const beginning = symbol ? (beginningOf(symbol) === 'none' ? 0 : 4) : 9;
    return at + beginning + INTERRUPT_INNER;
  }
}
