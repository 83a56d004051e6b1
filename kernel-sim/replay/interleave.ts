/**
 * Programs of several CPUs in the middle of each other. Where the recording's next call is another CPU's and comes soon, a
 * program that runs in this one's call may be stopped between two of its instructions, at a place that the seed chooses:
 * the other CPU does its call, and then the program goes on. What is stopped lies on its own stack as an interrupt leaves
 * it, so that marks and debuggers see nothing new.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { MODULES_END, MODULES_VADDR, RSP } from '../../src/machine/index.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import { Random } from '../core/random.ts';
import { capture } from '../core/state.ts';
import type { PlacesFloor } from '../floors/places.ts';

const KERNEL_CS = 0x10;
const KERNEL_DS = 0x18;
/** pt_regs' words from its beginning, by the numbers that registers have */
const PT_REGS = [15, 14, 13, 12, 5, 3, 11, 10, 9, 8, 0, 1, 2, 6, 7];
/** bytes of machine code that an instruction of BPF mostly is, at least */
const INSN_BYTES = 4;
/** of so many calls that another CPU's follows, one is left alone */
const LEFT_ALONE = 4;

/** A loaded program's image. */
export interface Image {
  readonly entry: Addr;
  readonly bytes: number;
}

export class Interleaver {
  readonly #kernel: PlacesFloor;
  readonly #images: () => Iterable<Image>;
  readonly #random: Random;
  /** CPUs that are stopped in the middle of a program, in that order */
  readonly #stopped = new Set<number>();
  /** entries of programs that are waited for, with their images' bytes, and who executes next then; -1: nobody */
  readonly #waited = new Map<Addr, number>();
  /** a stopped CPU waits for one call of another */
  #isOwed = false;
  #next = -1;
  /** instructions of the program that are still executed, 0 where none is counted; and where its stack began */
  #left = 0;
  #stack: Addr = 0;
  /** {@link Machine.executed} at the entry that was looked at last */
  #seen = -1;

  /** @param seed of the kernel */
  constructor(kernel: PlacesFloor, seed: number, images: () => Iterable<Image>) {
    this.#kernel = kernel;
    this.#images = images;
    this.#random = new Random(seed ^ 0x1e7e41ea);
  }
  save() {
    const { isOwed, next, left } = { isOwed: this.#isOwed, next: this.#next, left: this.#left };
    const state = { isOwed, next, left, stack: this.#stack, seen: this.#seen, random: this.#random.save() };
    return capture({ ...state, stopped: this.#stopped, waited: this.#waited });
  }
  restore(saved: ReturnType<Interleaver['save']>): void {
    const { isOwed, next, left, stack, seen, random } = saved.back();
    this.#isOwed = isOwed;
    this.#next = next;
    this.#left = left;
    this.#stack = stack;
    this.#seen = seen;
    this.#random.restore(random);
  }
  /** A replay begins or is over: nothing is in the middle of anything. */
  reset(): void {
    this.#stopped.clear();
    this.leave();
    this.#isOwed = false;
  }

  // --- asked between what CPUs do ---

  /** A call begins on this CPU; `closeTo`: the CPU whose call follows it closely, asked only where there are programs. */
  begin(closeTo: () => number | undefined): void {
    this.#isOwed = false;
    const images = [...this.#images()];
    if (images.length === 0) return;
    const [stopped] = this.#stopped;
    const target = stopped ?? closeTo();
    if (target === undefined || this.#random.below(LEFT_ALONE) === 0) return;
    this.#next = target;
    for (const { entry, bytes } of images) this.#waited.set(entry, bytes);
  }
  /** What was to be stopped is over. */
  leave(): void {
    this.#next = -1;
    this.#left = 0;
    this.#waited.clear();
  }
  /** The stopped CPU that is to go on now, `cpu`'s being the next step. */
  due(cpu: number | undefined): number | undefined {
    const [stopped] = this.#stopped;
    if (stopped === undefined) return undefined;
    return this.#isOwed && cpu !== undefined && !this.#stopped.has(cpu) ? undefined : stopped;
  }
  /** It executes again. */
  resumed(cpu: number): void {
    this.#stopped.delete(cpu);
  }

  // --- asked between instructions ---

  /** Whether each instruction is to be looked at: a program may begin, or is counted. */
  get isWatching(): boolean {
    return this.#next >= 0;
  }
  /** Looks at the instruction that comes; gives the CPU that is to execute instead, once this one was stopped. */
  look(): number | undefined {
    const { cpu, machine } = this.#kernel;
    const { rip } = cpu;
    if (this.#left === 0) {
      const bytes = this.#waited.get(rip);
      if (bytes === undefined || this.#seen === machine.executed) return undefined;
      this.#seen = machine.executed;
      this.#left = 1 + this.#random.below(Math.max(1, Math.floor(bytes / INSN_BYTES)));
      this.#stack = cpu.reg(RSP);
      return undefined;
    }
    const isInImage = rip >= MODULES_VADDR && rip < MODULES_END;
    if (isInImage) this.#left--;
    if (cpu.reg(RSP) > this.#stack) this.leave();
    else if (this.#left === 0 && isInImage) return this.#stop();
    else if (this.#left === 0) this.#left = 1;
    return undefined;
  }
  /** A lock's holder is stopped: it goes on, and who waits for it is stopped here. Undefined where nobody holds it who could. */
  spins(): number | undefined {
    const [stopped] = this.#stopped;
    this.#next = stopped ?? -1;
    return stopped === undefined ? undefined : this.#stop();
  }

  #stop(): number {
    const { cpu, memory, structs, text, context } = this.#kernel;
    const next = this.#next;
    this.leave();
    const sp = cpu.reg(RSP);
    const { size } = structs.of('pt_regs');
    const at = sp - size;
    for (const [n, reg] of PT_REGS.entries()) {
      memory.writeU32(at + 8 * n, cpu.regs[2 * reg]! >>> 0);
      memory.writeU32(at + 8 * n + 4, cpu.regs[2 * reg + 1]! >>> 0);
    }
    new GuestStruct(this.#kernel, 'pt_regs', at)
      .set('orig_ax', -1)
      .set('ip', cpu.rip)
      .set('cs', KERNEL_CS)
      .set('flags', cpu.rflags)
      .set('sp', sp)
      .set('ss', KERNEL_DS);
    memory.writeAddr(at - 8, text.place('error_return'));
    cpu.setReg(RSP, at - 8);
    cpu.rip = text.place('other_cpu');
    this.#stopped.add(context.cpu);
    this.#isOwed = true;
    return next;
  }
}
