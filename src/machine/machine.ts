/**
 * The machine: memory, one CPU, and the loop that runs guest code and hands hypercalls and exceptions on.
 */
import { type Addr, addrHi, addrLo } from './addr.ts';
import { Breakpoints } from './breakpoints.ts';
import { CPU, CpuState, FLAG, R8, R9, RAX, RCX, RDI, RDX, RSI, RSP } from './cpu.ts';
import { deliver } from './exceptions.ts';
import { createStepper } from './exec/index.ts';
import { EXIT, type Exit, type Stepper, type Stop } from './executor.ts';
import { type Fault, MachineBusy, MachineStop } from './fault.ts';
import { CPU_ENTRY_AREA, PAGE_SIZE } from './layout.ts';
import type { GuestMemory } from './memory.ts';
import type { MemoryState } from './paged-memory.ts';
import { PROT_EXEC } from './regions.ts';
import { LEFT } from './translate/ir/mailbox.ts';
import { DEFAULT_TRANSLATOR, type TranslatorOptions } from './translate/tiers/translation.ts';
import { Translator } from './translate/tiers/translator.ts';

/** Carries a stop through hypercall handlers that called guest code, to the outermost {@link Machine.run}. @internal ends nested runs of the machine */
class Unwind extends Error {
  override readonly name = 'Unwind';
  readonly stop: Stop;
  constructor(stop: Stop) {
    super(`guest code called by a hypercall handler stopped: ${stop.reason}`);
    this.stop = stop;
  }
}

const ARGUMENTS = [RDI, RSI, RDX, RCX, R8, R9];
const HALTED: Stop = { reason: 'halt' };
const HLT = 0xf4;
const INT3 = 0xcc;

export interface MachineOptions {
  /** 'step': one instruction at a time; 'jit': hot functions become WebAssembly */
  readonly engine?: 'step' | 'jit';
  /** 'jit': when and how much is translated */
  readonly translator?: Partial<TranslatorOptions>;
}

/** What the machine is at one moment. What was decoded or translated is no part of it: it is as good afterwards. */
export interface MachineState {
  readonly version: 1;
  readonly memory: MemoryState;
  readonly cpu: Int32Array;
  readonly insns: number;
  readonly marked: number;
  readonly idt: readonly Addr[];
  readonly marks: ReadonlyMap<Addr, Uint8Array>;
  readonly innerLimit: number | undefined;
}

export class Machine {
  readonly memory: GuestMemory;
  readonly cpu: CpuState;
  readonly engine: 'step' | 'jit';
  /** Instructions executed since the machine was made. */
  insns = 0;
  /** Instructions that hypercall handlers executed in the guest's place since the machine was made. */
  others: (() => number) | undefined;
  /** Weights of the {@link mark}ed instructions executed since the machine was made. */
  marked = 0;
  /** Guest code executed `vmcall` with eax = `nr`: arguments in cpu.regs, result to rax. May throw {@link MachineStop}. */
  onVmcall: (nr: number) => void = (nr) => {
    throw new MachineStop(`vmcall ${nr}, but nobody handles hypercalls`);
  };
  /** First say about an exception (exception tables): true when it is resolved and rip is where to go on. */
  onFault: ((fault: Fault) => boolean) | undefined;
  /** Vector to handler text, 0 for none. An exception without a handler ends the run. */
  readonly idt: Addr[] = new Array<Addr>(256).fill(0);
  /** Where a run stops before the instruction is executed. While there are any, nothing is translated. */
  readonly breakpoints: Set<Addr> = new Breakpoints((va) => this.stepper.invalidate(va, 1));
  /** Asked at a breakpoint whether to stop; unset: always. May look at anything, and change nothing. */
  onBreakpoint: ((rip: Addr) => boolean) | undefined;
  /** Address of a `hlt` that host calls return to. */
  readonly haltAddress: Addr = CPU_ENTRY_AREA;
  /**
   * Value of {@link executed} at which runs inside of hypercall handlers end, and the one around them with them.
   * undefined: where the run around them has its end. A run that is to go on after its budget needs another,
   * as a handler cannot.
   */
  innerLimit: number | undefined;
  /** Engine 'jit' only. */
  readonly translator: Translator | undefined;
  /** What each marked instruction adds to {@link marked}. */
  readonly weights = new Map<Addr, number>();
  private readonly marks = new Map<Addr, Uint8Array>();
  private readonly stepper: Stepper;
  /** value of {@link executed} at which the innermost run ends */
  private limit = Number.POSITIVE_INFINITY;
  private depth = 0;

  constructor(memory: GuestMemory, options: MachineOptions = {}) {
    this.memory = memory;
    this.engine = options.engine ?? 'step';
    this.cpu = new CpuState(memory);
    const page = memory.allocPages(1, 'image');
    memory.u8.fill(INT3, page, page + PAGE_SIZE);
    memory.u8[page] = HLT;
    memory.map(this.haltAddress, page, PAGE_SIZE, { exec: true });
    this.stepper = createStepper(memory, this.cpu, this.weights, this.breakpoints);
    this.translator = this.engine === 'jit' ? this.createTranslator(options.translator) : undefined;
    memory.onKernelMapChange = (start, end) => {
      this.stepper.invalidate(start, end - start);
      this.translator?.mapChanged(start, end);
    };
  }

  private createTranslator(options: Partial<TranslatorOptions> | undefined): Translator {
    const patience = options?.threshold === undefined ? DEFAULT_TRANSLATOR.patience : 0;
    const translator = new Translator(this, { ...DEFAULT_TRANSLATOR, patience, ...options });
    // with breakpoints everything is stepped
    const ask = (target: Addr, times: number): boolean =>
      this.breakpoints.size === 0 && translator.onTransfer(target, times);
    this.stepper.onTransfer(ask, translator.every);
    return translator;
  }

  /** What translated code calls for `vmcall`. */
  hypercall(): void {
    this.onVmcall(this.cpu.regs[2 * RAX]!);
  }

  /** Whether the run loop has something to look at, so that translated code must come back. */
  attention(): boolean {
    return this.breakpoints.size > 0;
  }

  /** Whether the stepper has executed the instruction at `rip`: what it has not is not worth translating. */
  seen(rip: Addr): boolean {
    return this.stepper.seen(rip);
  }

  /** Instructions executed since the machine was made, {@link others} among them: what budgets are counted in. */
  get executed(): number {
    return this.others === undefined ? this.insns : this.insns + this.others();
  }

  /** Whether guest code is running, that is, whether this is called from a hypercall handler. */
  get running(): boolean {
    return this.depth > 0;
  }

  /** Whether it is running inside of a hypercall handler of a run. */
  get nested(): boolean {
    return this.depth > 1;
  }

  /**
   * Runs from `cpu.rip` until `maxInsns` instructions are executed, a breakpoint is reached (not the one that rip
   * is at), `hlt`, a handler's {@link MachineStop}, or an exception that nobody handles.
   */
  run(maxInsns = Number.POSITIVE_INFINITY): Stop {
    return this.runFrom(maxInsns, this.executed);
  }

  /** `passing`: the value of {@link executed} at which a breakpoint is none. */
  private runFrom(maxInsns: number, passing: number): Stop {
    const outer = this.limit;
    this.limit = Math.min(this.depth > 0 ? (this.innerLimit ?? outer) : outer, this.executed + maxInsns);
    this.depth++;
    const { translator } = this;
    if (translator !== undefined && translator.current() === undefined && translator.onTransfer(this.cpu.rip)) {
      translator.hot(this.cpu.rip);
    }
    try {
      return this.loop(passing);
    } catch (error) {
      if (error instanceof MachineStop) return { reason: 'stopped', why: error.why };
      if (error instanceof Unwind && this.depth === 1) return { ...error.stop, inner: true };
      throw error;
    } finally {
      this.depth--;
      this.limit = outer;
    }
  }

  private loop(passing: number): Stop {
    const { breakpoints } = this;
    for (;;) {
      const left = this.limit - this.executed;
      if (left <= 0) return { reason: 'budget' };
      if (breakpoints.size > 0 && this.executed !== passing && breakpoints.has(this.cpu.rip)) {
        if (this.onBreakpoint?.(this.cpu.rip) ?? true) return { reason: 'breakpoint' };
        passing = this.executed;
      }
      const exit = this.execute(left);
      if (exit === undefined) continue;
      if (exit === EXIT.vmcall) this.onVmcall(this.cpu.regs[2 * RAX]!);
      else if (exit === EXIT.halt) return HALTED;
      else if (exit === EXIT.fault) {
        const fault = this.raise(this.stepper.fault!);
        if (fault) return { reason: 'fault', fault };
      }
    }
  }

  /**
   * Executes some: translated code where there is any, and the budget allows, else the stepper. Undefined: go on.
   */
  private execute(left: number): Exit | undefined {
    const { translator, cpu } = this;
    if (translator === undefined || this.breakpoints.size > 0 || cpu.words[CPU.cpl >> 2] !== 0) return this.step(left);
    if (translator.watching > 0) {
      translator.watch();
      return this.step(1);
    }
    const t = translator.current();
    if (t !== undefined && left >= t.need && !(cpu.words[CPU.rflags >> 2]! & FLAG.TF)) {
      const why = translator.enter(t, Math.min(left, t.slice));
      if (why === LEFT.budget && (left > t.slice || translator.onTransfer(cpu.rip))) translator.resume(t);
      if (why === LEFT.transfer || why === LEFT.vmcall) {
        const { rip } = cpu;
        if (rip === this.haltAddress) return this.executed < this.limit ? this.halt() : undefined;
        if (translator.onTransfer(rip)) translator.hot(rip);
      }
      // A called unit that refused its frame may be entered from here.
      const refused = why === LEFT.frame && translator.current() === t;
      if (why !== LEFT.step && why !== LEFT.stop && !refused) return undefined;
    }
    const exit = this.step(this.limit - this.executed);
    if (exit === EXIT.hot) {
      translator.hot(cpu.rip);
      return undefined;
    }
    return exit;
  }

  /** The `hlt` that host calls return to, without asking the stepper for it. */
  private halt(): Exit {
    this.cpu.rip = this.haltAddress + 1;
    this.insns++;
    return EXIT.halt;
  }

  private step(left: number): Exit {
    const { stepper, cpu } = this;
    if (cpu.lazyFlags !== undefined) cpu.lazyFlags();
    const exit = stepper.run(left);
    this.insns += stepper.executed;
    this.marked += stepper.marked;
    return exit;
  }

  /**
   * Marks instructions: executing the one at `va + i` adds `weights[i]` to {@link marked}. To be said before the text
   * there is executed. Text without marks pays nothing for it.
   */
  mark(va: Addr, weights: Uint8Array): void {
    this.unmark(va);
    this.marks.set(va, weights);
    for (let i = 0; i < weights.length; i++) if (weights[i]! > 0) this.weights.set(va + i, weights[i]!);
  }

  /** The text that {@link mark} was told of is gone. */
  unmark(va: Addr): void {
    const weights = this.marks.get(va);
    if (weights === undefined) return;
    this.marks.delete(va);
    for (let i = 0; i < weights.length; i++) if (weights[i]! > 0) this.weights.delete(va + i);
  }

  /** Resolves or delivers an exception; gives it back where nobody takes it. */
  private raise(fault: Fault): Fault | undefined {
    if (this.onFault?.(fault)) return undefined;
    const handler = this.idt[fault.vector]!;
    if (handler === 0) return fault;
    const second = deliver(this.cpu, this.memory, fault, handler);
    if (second === undefined) return undefined;
    const doubleFault = this.idt[second.vector]!;
    return doubleFault !== 0 && deliver(this.cpu, this.memory, second, doubleFault) === undefined ? undefined : second;
  }

  /**
   * Calls a guest function on the current stack, at CPL 0, with up to six arguments as register halves, and runs
   * until it returns ('halt'; result in rax). rip, rsp and CPL are then as before. It may be called from a hypercall
   * handler; there a spent budget, a breakpoint or a MachineStop ends the outermost run, past the handler.
   */
  call(target: Addr, args: readonly (readonly [number, number])[] = [], maxInsns?: number): Stop {
    const { cpu, memory } = this;
    const { words, regs } = cpu;
    const ripLo = words[CPU.rip >> 2]!;
    const ripHi = words[(CPU.rip >> 2) + 1]!;
    const rspLo = regs[2 * RSP]!;
    const rspHi = regs[2 * RSP + 1]!;
    const cs = cpu.cs;
    for (let n = 0; n < args.length; n++) {
      const value = args[n]!;
      regs[2 * ARGUMENTS[n]!] = value[0];
      regs[2 * ARGUMENTS[n]! + 1] = value[1];
    }
    if ((cs & 3) === 3) throw new MachineBusy('a host call needs a kernel stack, and the CPU is in user mode');
    // The ABI wants rsp at 16n + 8 on entry, which a host call in the middle of a body does not give by itself.
    const top = (rspLo & ~15) - 8;
    const topHi = (rspLo & ~15) === 0 ? (rspHi - 1) | 0 : rspHi;
    memory.store64(top | 0, topHi, addrLo(this.haltAddress), addrHi(this.haltAddress));
    regs[2 * RSP] = top | 0;
    regs[2 * RSP + 1] = topHi;
    cpu.rip = target;
    const stop = this.runFrom(maxInsns ?? Number.POSITIVE_INFINITY, -1);
    if (stop.reason === 'halt') {
      words[CPU.rip >> 2] = ripLo;
      words[(CPU.rip >> 2) + 1] = ripHi;
      regs[2 * RSP] = rspLo;
      regs[2 * RSP + 1] = rspHi;
      // The status flags may still be where translated code left them.
      words[CPU.rflags >> 2]! &= ~FLAG.DF;
      cpu.flagsSet = true;
    } else if (this.depth > 0 && stop.reason !== 'fault') {
      throw new Unwind(stop);
    }
    return stop;
  }

  /** @throws MachineBusy where a handler of a hypercall asks: the host's part of that call is not the machine's to save */
  save(): MachineState {
    this.idle('saved');
    return {
      version: 1,
      cpu: this.cpu.save(),
      memory: this.memory.save(),
      insns: this.insns,
      marked: this.marked,
      idt: this.idt.slice(),
      marks: new Map(this.marks),
      innerLimit: this.innerLimit,
    };
  }

  /** The machine as {@link save} found it; breakpoints stay as they are. @throws MachineBusy */
  restore(state: MachineState): void {
    this.idle('restored');
    for (const [va, weights] of this.marks) if (state.marks.get(va) !== weights) this.unmark(va);
    for (const [va, weights] of state.marks) if (this.marks.get(va) !== weights) this.mark(va, weights);
    const changed: number[] = [];
    this.memory.restore(state.memory, (phys) => changed.push(phys));
    this.invalidatePages(changed);
    this.cpu.restore(state.cpu);
    this.insns = state.insns;
    this.marked = state.marked;
    this.innerLimit = state.innerLimit;
    for (let n = 0; n < this.idt.length; n++) this.idt[n] = state.idt[n]!;
  }

  private idle(what: string): void {
    if (this.depth > 0) throw new MachineBusy(`the machine cannot be ${what} while a hypercall's handler runs`);
  }

  /** Pages of these physical addresses have another content: text on them is decoded again. */
  private invalidatePages(changed: readonly number[]): void {
    const { kernel, userSpace } = this.memory;
    for (const r of [...kernel.list, ...userSpace.regions.list]) {
      if (!(r.prot & PROT_EXEC)) continue;
      const end = r.phys + (r.end - r.start);
      for (const phys of changed) {
        if (phys >= r.phys && phys < end) this.invalidate(r.start + (phys - r.phys), PAGE_SIZE);
      }
    }
  }

  /** Guest text changed (the range is virtual): decoded and translated forms of it are forgotten. */
  invalidate(va: Addr, bytes: number): void {
    this.stepper.invalidate(va, bytes);
    this.translator?.invalidate(va, bytes);
  }

  /** Writes guest text, read-only or not, and invalidates it: Linux's `text_poke`. */
  patch(va: Addr, bytes: Uint8Array): void {
    this.memory.pokeBytes(va, bytes);
    this.invalidate(va, bytes.length);
  }
}
