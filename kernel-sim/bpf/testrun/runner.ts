/** Runs a program some times in a row and keeps the books (`bpf_test_run`). */
import { type Addr, addrHi, addrLo } from '../../../src/machine/addr.ts';
import { RSP } from '../../../src/machine/index.ts';
import type { Pair } from '../../kernel.ts';
import { BpfError } from '../errors.ts';
import { fireTimers } from '../helpers/bodies/index.ts';
import { BUDGET_SPENT } from '../interp/index.ts';
import type { BpfProg } from '../prog/prog.ts';
import type { BpfState } from '../state.ts';
import type { InsnCounter } from './index.ts';
import type { TestRunOptions, TestRunResult } from './types.ts';

/** local_bh_disable(): SOFTIRQ_DISABLE_OFFSET of include/linux/preempt.h. */
const SOFTIRQ_DISABLE = 0x200;
const COMMAND = 'BPF_PROG_TEST_RUN';

export class Runner {
  readonly state: BpfState;
  readonly prog: BpfProg;
  readonly #options: TestRunOptions;
  readonly #counter: InsnCounter;
  #r0Lo = 0;
  #r0Hi = 0;
  #insns = 0;
  #duration = 0;

  constructor(state: BpfState, counter: InsnCounter, prog: BpfProg, options: TestRunOptions) {
    this.state = state;
    this.prog = prog;
    this.#counter = counter;
    this.#options = options;
  }

  /** Calls the program `repeat` times (0 counts as 1) with these registers. */
  run(args: readonly Pair[], atomic = true): void {
    const { kernel } = this.state;
    const repeat = Math.max(1, this.#options.repeat ?? 1);
    const before = this.#counter.read();
    const start = kernel.clock.now;
    kernel.context.migrateDisable();
    if (atomic) kernel.context.preemptCount += SOFTIRQ_DISABLE;
    this.#counter.limit(this.#options.maxInsns);
    try {
      for (let n = 0; n < repeat; n++) this.#once(args);
    } finally {
      this.#counter.limit(undefined);
      if (atomic) kernel.context.preemptCount -= SOFTIRQ_DISABLE;
      kernel.context.migrateEnable();
    }
    this.#insns = this.#counter.read() - before;
    fireTimers(this.state);
    this.#duration = Math.floor((kernel.clock.now - start) / repeat);
  }
  /** As {@link run}, with a context and the instructions' address, as the kernel's own text calls a program. */
  runOn(ctx: Addr, atomic = true): void {
    const { insnsi } = this.prog;
    this.run(
      [
        [addrLo(ctx), addrHi(ctx)],
        [addrLo(insnsi), addrHi(insnsi)],
      ],
      atomic,
    );
  }

  #once(args: readonly Pair[]): void {
    const { kernel } = this.state;
    // x86 takes several instructions for one of BPF's: a run that is stopped there is well beyond its limit here
    const { maxInsns } = this.#options;
    const { cpu } = kernel;
    const [rip, rsp, rflags, preempt] = [cpu.rip, cpu.reg(RSP), cpu.rflags, kernel.context.preemptCount];
    const stop = kernel.call(this.prog.entry, args, maxInsns === undefined ? undefined : maxInsns * 64);
    if (stop.reason === 'halt') {
      this.#r0Lo = kernel.cpu.regs[0]!;
      this.#r0Hi = kernel.cpu.regs[1]!;
      return;
    }
    const isBudget = stop.reason === 'budget' || stop.why === BUDGET_SPENT;
    // the registers are still those of the fault
    const oops = stop.fault
      ? kernel.faults.oops(stop.fault)
      : isBudget
        ? kernel.faults.lockup()
        : kernel.faults.oopses.find((o) => o === stop.why);
    // the program is abandoned where it is
    cpu.rip = rip;
    cpu.setReg(RSP, rsp);
    cpu.rflags = rflags;
    kernel.context.preemptCount = preempt;
    if (stop.fault) throw new BpfError(COMMAND, 'EFAULT', stop.fault.message, '', oops);
    const why = isBudget
      ? BUDGET_SPENT
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
      insns: this.#insns,
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
