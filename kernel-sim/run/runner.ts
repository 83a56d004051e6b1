/** Runs a program some times in a row and keeps the books (`bpf_test_run`). */
import { type Addr, addrHi, addrLo } from '../../src/machine/addr.ts';
import { FLAG, RSP, type Stop } from '../../src/machine/index.ts';
import { BUDGET_SPENT } from '../bpf/engine/interp/index.ts';
import { BpfError } from '../bpf/errors.ts';
import type { BpfState } from '../bpf/objects/state.ts';
import type { BpfProg } from '../bpf/prog/prog.ts';
import type { InsnCounter, TestRunOptions, TestRunResult } from '../bpf/prog/test-run.ts';
import type { Pair } from '../core/args.ts';
import { PAUSED } from '../core/pause.ts';
import { Budget } from './budget.ts';

/** local_bh_disable(): SOFTIRQ_DISABLE_OFFSET of include/linux/preempt.h. */
const SOFTIRQ_DISABLE = 0x200;
const COMMAND = 'BPF_PROG_TEST_RUN';

export class Runner {
  readonly state: BpfState;
  readonly prog: BpfProg;
  /** repeats that are complete */
  runs = 0;
  readonly #options: TestRunOptions;
  readonly #counter: InsnCounter;
  readonly #before: number;
  /** undefined where nothing but its end stops a run */
  readonly #budget: Budget | undefined;
  // of the CPU before a run
  #rip: Addr = 0;
  #rsp: Addr = 0;
  #rflags = 0;
  #preempt = 0;
  #r0Lo = 0;
  #r0Hi = 0;
  #insns: number | undefined;
  #duration = 0;

  /** `isSliced`: it pauses now and then */
  constructor(state: BpfState, counter: InsnCounter, prog: BpfProg, options: TestRunOptions, isSliced: boolean) {
    const { maxInsns } = options;
    this.state = state;
    this.prog = prog;
    this.#counter = counter;
    this.#before = counter.read();
    this.#options = options;
    if (isSliced || maxInsns !== undefined) this.#budget = new Budget(state.kernel, counter, maxInsns, isSliced);
  }

  /** BPF instructions executed so far. */
  get insns(): number {
    return this.#counter.read() - this.#before;
  }

  /** Calls the program `repeat` times (0 counts as 1) with these registers. */
  *run(args: readonly Pair[], atomic = true): Generator<void, void, void> {
    const { kernel } = this.state;
    const repeat = Math.max(1, this.#options.repeat ?? 1);
    const start = kernel.clock.now;
    const { entry } = this.prog;
    kernel.context.migrateDisable();
    if (atomic) kernel.context.preemptCount += SOFTIRQ_DISABLE;
    this.#counter.limit(this.#options.maxInsns);
    const { interp, machine } = kernel;
    if (this.#budget && !machine.running) machine.innerLimit = this.#budget.innerLimit;
    const pauses = (): boolean => this.#budget?.isSliceOver ?? false;
    if (this.#budget) interp?.pausers.add(pauses);
    try {
      for (;;) {
        if (!this.#many(entry, args, repeat)) {
          yield* this.#goOn();
          this.runs++;
        }
        if (this.runs >= repeat) break;
        if (this.#budget?.isSliceOver) yield* this.#pause(this.#budget);
      }
    } finally {
      this.#counter.limit(undefined);
      interp?.pausers.delete(pauses);
      if (this.#budget && !machine.running) machine.innerLimit = undefined;
      if (atomic) kernel.context.preemptCount -= SOFTIRQ_DISABLE;
      kernel.context.migrateEnable();
    }
    this.#insns = this.insns;
    this.state.helpers.fireTimers();
    this.#duration = Math.floor((kernel.clock.now - start) / repeat);
  }
  /** As {@link run}, with a context and the instructions' address, as the kernel's own text calls a program. */
  runOn(ctx: Addr, atomic = true): Generator<void, void, void> {
    const { insnsi } = this.prog;
    const args: Pair[] = [
      [addrLo(ctx), addrHi(ctx)],
      [addrLo(insnsi), addrHi(insnsi)],
    ];
    return this.run(args, atomic);
  }
  /** Calls a kernel function once; its result is in rax. */
  *call(target: Addr, args: readonly Pair[]): Generator<void, void, void> {
    if (!this.#begin(target, args)) yield* this.#goOn();
  }

  /** Repeats until all is done or the slice is over; false where a run has more to do. */
  #many(entry: Addr, args: readonly Pair[], repeat: number): boolean {
    const budget = this.#budget;
    while (this.runs < repeat) {
      if (!this.#begin(entry, args)) return false;
      this.runs++;
      if (budget?.isSliceOver) return true;
    }
    return true;
  }
  /** Calls; false where there is more to do. */
  #begin(target: Addr, args: readonly Pair[]): boolean {
    const { kernel } = this.state;
    const { cpu } = kernel;
    this.#rip = cpu.rip;
    this.#rsp = cpu.reg(RSP);
    this.#rflags = cpu.rflags;
    this.#preempt = kernel.context.preemptCount;
    const stop = kernel.machine.call(target, args, this.#budget?.left);
    if (stop.reason !== 'halt') return this.#isDone(stop);
    const { regs } = cpu;
    this.#r0Lo = regs[0]!;
    this.#r0Hi = regs[1]!;
    return true;
  }
  *#goOn(): Generator<void, void, void> {
    const { machine } = this.state.kernel;
    const budget = this.#budget as Budget;
    do {
      if (budget.isSliceOver) yield* this.#pause(budget);
      if (budget.left === 0) this.#fail({ reason: 'budget' });
    } while (!this.#isDone(machine.run(budget.left)));
    this.#restore();
  }
  *#pause(budget: Budget): Generator<void, void, void> {
    try {
      yield;
    } catch (error) {
      // the program is abandoned where it is
      this.#abandon();
      throw error;
    }
    budget.nextSlice();
  }

  /** @throws BpfError where the run cannot go on */
  #isDone(stop: Stop): boolean {
    const { regs } = this.state.kernel.cpu;
    if (stop.reason === 'halt') {
      this.#r0Lo = regs[0]!;
      this.#r0Hi = regs[1]!;
      return true;
    }
    // a run inside of a handler that was ended cannot go on
    const isInner = this.state.kernel.machine.insns >= (this.#budget?.innerLimit ?? 0);
    const canGoOn = (stop.reason === 'budget' && !isInner) || stop.why === PAUSED;
    if (!canGoOn || this.#budget === undefined) this.#fail(stop);
    return false;
  }
  /** What a call leaves as it was. */
  #restore(): void {
    const { cpu } = this.state.kernel;
    cpu.rip = this.#rip;
    cpu.setReg(RSP, this.#rsp);
    cpu.rflags &= ~FLAG.DF;
  }
  #abandon(): void {
    const { cpu, context } = this.state.kernel;
    this.#restore();
    cpu.rflags = this.#rflags;
    context.preemptCount = this.#preempt;
  }
  #fail(stop: Stop): never {
    const { faults } = this.state.kernel;
    const isBudget = stop.reason === 'budget' || stop.why === BUDGET_SPENT;
    // the registers are still those of the fault
    const oops = stop.fault
      ? faults.oops(stop.fault)
      : isBudget
        ? faults.lockup()
        : faults.oopses.find((o) => o === stop.why);
    this.#abandon();
    if (stop.fault) throw new BpfError(COMMAND, 'EFAULT', stop.fault.message, '', oops);
    const why = isBudget
      ? `${BUDGET_SPENT}: stopped after ${this.insns} BPF instructions`
      : stop.reason === 'stopped' && stop.why !== undefined
        ? describe(stop.why)
        : `the run stopped: ${stop.reason}`;
    throw new BpfError(COMMAND, isBudget ? 'EINTR' : 'EFAULT', why, '', oops);
  }

  get retval(): number {
    return this.#r0Lo >>> 0;
  }
  result(dataOut: Uint8Array, ctxOut: Uint8Array, retval = this.retval): TestRunResult {
    const { dataSizeOut } = this.#options;
    if (dataSizeOut !== undefined && dataSizeOut < dataOut.length) {
      throw new BpfError(
        COMMAND,
        'ENOSPC',
        `${dataOut.length} bytes of data come out, there is room for ${dataSizeOut}`,
      );
    }
    return {
      retval,
      r0: (BigInt(this.#r0Hi >>> 0) << 32n) | BigInt(this.#r0Lo >>> 0),
      insns: this.#insns ?? this.insns,
      dataOut,
      ctxOut,
      duration: this.#duration,
    };
  }
}

const describe = (why: unknown): string =>
  typeof why === 'string'
    ? why
    : typeof why === 'object' && why !== null && 'title' in why
      ? String(why.title)
      : why instanceof Error
        ? why.message
        : 'the run was stopped';
