/** Runs a program some times in a row and keeps the books (`bpf_test_run`), as an object that is stepped. */
import { type Addr, addrHi, addrLo } from '../../src/machine/addr.ts';
import { FLAG, RSP, type Stop } from '../../src/machine/index.ts';
import { BUDGET_SPENT } from '../bpf/engine/interp/index.ts';
import { BpfError } from '../bpf/errors.ts';
import type { BpfState, TimerCall } from '../bpf/objects/state.ts';
import type { BpfProg } from '../bpf/prog/prog.ts';
import type {
  InsnCounter,
  TestCall,
  TestRun,
  TestRunOptions,
  TestRunResult,
  TestRunStop,
  TestSetup,
} from '../bpf/prog/test-run.ts';
import type { Pair } from '../core/args.ts';
import { PAUSED } from '../core/pause.ts';
import { capture, reinstate } from '../core/state.ts';
import { Budget } from './budget.ts';

/** local_bh_disable(): SOFTIRQ_DISABLE_OFFSET of include/linux/preempt.h. */
const SOFTIRQ_DISABLE = 0x200;
const COMMAND = 'BPF_PROG_TEST_RUN';
/** bytes of stack that a run finds empty: eight frames of 512, and the kernel's own around them */
const STACK_BELOW = 6144;

export class Runner implements TestRun {
  readonly state: BpfState;
  readonly prog: BpfProg;
  /** calls that are complete */
  runs = 0;
  readonly #options: TestRunOptions;
  readonly #counter: InsnCounter;
  readonly #before: number;
  /** undefined where nothing but its end stops a run */
  readonly #budget: Budget | undefined;
  readonly #pauses = (): boolean => this.#budget?.isSliceOver ?? false;
  #setup: TestSetup | undefined;
  /** a call is under way */
  #isInside = false;
  #isReleased = false;
  #start = 0;
  // of the CPU before a run
  #rip: Addr = 0;
  #rsp: Addr = 0;
  #rflags = 0;
  #preempt = 0;
  #r0Lo = 0;
  #r0Hi = 0;
  #insns: number | undefined;
  #duration = 0;
  // timers that are due behind the program: undefined until then, and the callback that is under way
  #timers: readonly Addr[] | undefined;
  #timer: TimerCall | undefined;
  #ownInsns = 0;

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
    return this.#insns ?? this.#counter.read() - this.#before;
  }

  /** A call of the program with a context and the instructions' address, as the kernel's own text calls one. */
  onContext(ctx: Addr): readonly TestCall[] {
    const { insnsi, entry } = this.prog;
    const args: Pair[] = [
      [addrLo(ctx), addrHi(ctx)],
      [addrLo(insnsi), addrHi(insnsi)],
    ];
    return [{ target: entry, args }];
  }

  /** Makes ready; nothing is executed yet. */
  start(setup: TestSetup): void {
    const { kernel } = this.state;
    const { interp, machine, memory, cpu } = kernel;
    this.#setup = setup;
    this.#start = kernel.clock.now;
    // the command holds the program as its descriptor does, which may be closed meanwhile
    this.prog.get();
    kernel.rcu.lock();
    if (setup.as === undefined) return;
    // what earlier calls left below is another thing on each engine
    if (!machine.running) memory.writeBytes(cpu.reg(RSP) - STACK_BELOW, new Uint8Array(STACK_BELOW));
    kernel.context.migrateDisable();
    if (setup.as === 'atomic') kernel.context.preemptCount += SOFTIRQ_DISABLE;
    this.#counter.limit(this.#options.maxInsns);
    if (this.#budget && !machine.running) machine.innerLimit = this.#budget.innerLimit;
    if (this.#budget) interp?.pausers.add(this.#pauses);
  }

  step(maxInsns = Number.POSITIVE_INFINITY): TestRunStop {
    const { machine, interp } = this.state.kernel;
    const until = machine.executed + maxInsns;
    const isExact = maxInsns !== Number.POSITIVE_INFINITY;
    const { innerLimit } = machine;
    // what a handler calls goes on to its end
    if (isExact && innerLimit === undefined) machine.innerLimit = Number.POSITIVE_INFINITY;
    if (interp && isExact) interp.pauseAt = until;
    try {
      return this.state.guarded(COMMAND, () => this.#advance(until));
    } catch (error) {
      this.#release();
      throw error;
    } finally {
      if (isExact) machine.innerLimit = innerLimit;
      if (interp && isExact) interp.pauseAt = Number.POSITIVE_INFINITY;
    }
  }

  #advance(until: number): TestRunStop {
    const { machine } = this.state.kernel;
    const { calls } = this.#setup as TestSetup;
    const total = calls.length === 1 ? Math.max(1, this.#options.repeat ?? 1) : calls.length;
    const budget = this.#budget;
    for (;;) {
      const call = this.#next(total);
      if (call === undefined) break;
      if (budget?.isSliceOver) {
        budget.nextSlice();
        return { reason: 'slice', inner: false };
      }
      const more = until - machine.executed;
      if (more <= 0) return { reason: 'budget', inner: false };
      const left = Math.min(more, budget?.left ?? more);
      if (left === 0) this.#fail({ reason: 'budget' });
      const stop = this.#isInside ? machine.run(left) : this.#call(call, left);
      if (!this.#isDone(stop)) {
        this.#isInside = true;
        if (stop.reason === 'breakpoint') return { reason: 'breakpoint', inner: stop.inner ?? false };
        continue;
      }
      if (this.#isInside) this.#restore();
      this.#isInside = false;
      if (this.#timer !== undefined) this.#leaveTimer();
      else {
        call.check?.(this.#r0Lo);
        this.runs++;
      }
    }
    if (this.#insns === undefined) this.#ended(total);
    return { reason: 'end', inner: false };
  }
  /** The call that is under way, or the next: the program's, then timers' that it set. */
  #next(total: number): TestCall | undefined {
    const { calls, as } = this.#setup as TestSetup;
    if (this.runs < total) return calls[calls.length === 1 ? 0 : this.runs];
    if (this.#timer !== undefined || as === undefined || this.#insns !== undefined) return this.#timer;
    const { helpers, kernel } = this.state;
    if (this.#timers === undefined) {
      this.#ownInsns = this.insns;
      this.#leaveContext(as);
      this.#timers = helpers.dueTimers();
    }
    while (this.#timer === undefined) {
      const [at, ...others] = this.#timers;
      if (at === undefined) return undefined;
      this.#timers = others;
      this.#timer = helpers.takeTimer(at);
    }
    kernel.context.preemptCount += this.#timer.preempt;
    return this.#timer;
  }
  #leaveTimer(): void {
    this.state.kernel.context.preemptCount -= this.#timer?.preempt ?? 0;
    this.#timer = undefined;
  }
  #call({ target, args }: TestCall, left: number): Stop {
    const { kernel } = this.state;
    const { cpu } = kernel;
    this.#rip = cpu.rip;
    this.#rsp = cpu.reg(RSP);
    this.#rflags = cpu.rflags;
    this.#preempt = kernel.context.preemptCount;
    return kernel.machine.call(target, args, left);
  }

  /** All calls are done. */
  #ended(total: number): void {
    const { kernel } = this.state;
    const isAlone = this.#setup?.as === undefined;
    this.#insns = isAlone ? this.insns : this.#ownInsns;
    if (isAlone) return;
    this.#leave();
    this.#duration = Math.floor((kernel.clock.now - this.#start) / total);
  }
  #leave(): void {
    const { kernel } = this.state;
    const { interp, machine } = kernel;
    const as = this.#setup?.as;
    if (as === undefined) return;
    this.#counter.limit(undefined);
    interp?.pausers.delete(this.#pauses);
    if (this.#budget && !machine.running) machine.innerLimit = undefined;
    if (this.#timers === undefined) this.#leaveContext(as);
    else if (this.#timer !== undefined) this.#leaveTimer();
  }
  #leaveContext(as: NonNullable<TestSetup['as']>): void {
    const { context } = this.state.kernel;
    if (as === 'atomic') context.preemptCount -= SOFTIRQ_DISABLE;
    context.migrateEnable();
  }

  finish(): TestRunResult {
    const setup = this.#setup as TestSetup;
    try {
      if (this.#insns === undefined) {
        const { insns, runs } = this;
        this.#abandon();
        throw new BpfError(COMMAND, 'EINTR', `interrupted after ${insns} BPF instructions, in run ${runs + 1}`);
      }
      return this.state.guarded(COMMAND, () => setup.collect());
    } finally {
      this.#release();
    }
  }

  /** What was made for the run goes, once. */
  #release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    if (this.#setup === undefined) return;
    const setup = this.#setup;
    try {
      this.state.guarded(COMMAND, () => setup.release());
    } finally {
      this.prog.put();
      this.state.kernel.rcu.unlock();
    }
  }

  save() {
    const { runs } = this;
    const cpu = [this.#rip, this.#rsp, this.#rflags, this.#preempt, this.#r0Lo, this.#r0Hi] as const;
    const rest = {
      isInside: this.#isInside,
      start: this.#start,
      insns: this.#insns,
      duration: this.#duration,
      isReleased: this.#isReleased,
      timers: this.#timers,
      timer: this.#timer,
      ownInsns: this.#ownInsns,
    };
    return { runs, cpu, rest: capture(rest), setup: this.#setup, budget: this.#budget?.save() };
  }
  restore({ runs, cpu, rest, setup, budget }: ReturnType<Runner['save']>): void {
    this.runs = runs;
    [this.#rip, this.#rsp, this.#rflags, this.#preempt, this.#r0Lo, this.#r0Hi] = cpu;
    const s = reinstate(rest);
    this.#isInside = s.isInside;
    this.#start = s.start;
    this.#insns = s.insns;
    this.#duration = s.duration;
    this.#isReleased = s.isReleased;
    this.#timers = s.timers;
    this.#timer = s.timer;
    this.#ownInsns = s.ownInsns;
    this.#setup = setup;
    if (budget !== undefined) this.#budget?.restore(budget);
  }

  /** @throws BpfError where the run cannot go on */
  #isDone(stop: Stop): boolean {
    const { regs } = this.state.kernel.cpu;
    if (stop.reason === 'halt') {
      if (this.#timer !== undefined) return true;
      this.#r0Lo = regs[0]!;
      this.#r0Hi = regs[1]!;
      return true;
    }
    if (stop.reason === 'breakpoint') return false;
    // a run inside of a handler that was ended cannot go on
    const canGoOn = (stop.reason === 'budget' && stop.inner !== true) || stop.why === PAUSED;
    if (!canGoOn) this.#fail(stop);
    return false;
  }
  /** What a call leaves as it was. */
  #restore(): void {
    const { cpu } = this.state.kernel;
    cpu.rip = this.#rip;
    cpu.setReg(RSP, this.#rsp);
    cpu.rflags &= ~FLAG.DF;
  }
  /** The program stays where it is. */
  #abandon(): void {
    const { cpu, context, interp } = this.state.kernel;
    if (this.#isInside || this.#rsp !== 0) {
      interp?.abandon();
      this.#restore();
      cpu.rflags = this.#rflags;
      context.preemptCount = this.#preempt;
    }
    this.#isInside = false;
    this.#leave();
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
    const { insns } = this;
    this.#abandon();
    if (stop.fault) throw new BpfError(COMMAND, 'EFAULT', stop.fault.message, '', oops);
    const why = isBudget
      ? `${BUDGET_SPENT}: stopped after ${insns} BPF instructions`
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
      insns: this.insns,
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
