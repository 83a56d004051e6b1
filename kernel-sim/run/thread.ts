/**
 * A program on a CPU of its own, beside others: each has its registers and its stack, and one of them executes at a time,
 * up to where somebody looks. What happens in between is the kernel's; {@link Thread.save} is of the rest.
 */
import { type Addr, addrHi, addrLo } from '../../src/machine/addr.ts';
import { CPU, RSP, type Stop } from '../../src/machine/index.ts';
import type { BpfState } from '../bpf/objects/state.ts';
import type { BpfProg } from '../bpf/prog/prog.ts';
import type { InsnCounter, ProgramThread, TestRunOptions, TestSetup, ThreadStop } from '../bpf/prog/test-run.ts';
import { progTypeRow } from '../bpf/prog/types.ts';
import { THREAD_SIZE } from '../core/layout.ts';
import { SPINS } from '../core/pause.ts';
import { setUp } from './index.ts';
import { Runner } from './runner.ts';

/** bytes of a context that nobody gives: zeros, more than any of those contexts have */
const CONTEXT = 1024;
/** As a test run makes ready; what Linux has no test run for, tracing above all, gets a context of zeros. */
function madeReady(state: BpfState, runner: Runner, options: TestRunOptions): Pick<TestSetup, 'calls' | 'as'> {
  const family = progTypeRow(runner.prog.type)?.testRun;
  if (family !== undefined && family !== 'tracing') return setUp(runner, options);
  return { calls: runner.onContext(state.host.kmalloc(CONTEXT)), as: 'program' };
}

/** rdi, rsi, rdx, rcx, r8, r9 */
const ARGUMENTS = [7, 6, 2, 1, 8, 9];
/** SOFTIRQ_DISABLE_OFFSET of include/linux/preempt.h */
const SOFTIRQ_DISABLE = 0x200;

export class Thread implements ProgramThread {
  readonly prog: BpfProg;
  readonly cpu: number;
  /** it has returned */
  ended = false;
  readonly #state: BpfState;
  #registers: Int32Array;

  /** @throws BpfError as PROG_TEST_RUN of its type */
  constructor(state: BpfState, counter: InsnCounter, prog: BpfProg, options: TestRunOptions, cpu: number) {
    this.#state = state;
    this.prog = prog;
    this.cpu = cpu;
    const { calls, as } = madeReady(state, new Runner(state, counter, prog, options, false), options);
    const [call] = calls;
    const { machine, cpu: registers, vmalloc, percpu, memory, context, tasks } = state.kernel;
    const before = registers.save();
    const home = context.cpu;
    const stack = vmalloc.alloc(THREAD_SIZE, THREAD_SIZE) + THREAD_SIZE - 64;
    memory.writeAddr(stack - 8, machine.haltAddress);
    registers.setReg(RSP, stack - 8);
    for (const [n, [lo, hi]] of (call?.args ?? []).entries()) {
      registers.regs[2 * (ARGUMENTS[n] as number)] = lo;
      registers.regs[2 * (ARGUMENTS[n] as number) + 1] = hi;
    }
    const target = call?.target ?? machine.haltAddress;
    registers.words[CPU.rip >> 2] = addrLo(target);
    registers.words[(CPU.rip >> 2) + 1] = addrHi(target);
    registers.gsBase = percpu.offset(cpu);
    this.#registers = registers.save();
    registers.restore(before);
    tasks.bindCpu(cpu);
    if (as === 'atomic') context.preemptCount += SOFTIRQ_DISABLE;
    tasks.bindCpu(home);
  }
  save() {
    return { registers: this.#registers, ended: this.ended };
  }
  restore({ registers, ended }: ReturnType<Thread['save']>): void {
    this.#registers = registers;
    this.ended = ended;
  }

  /** Executes to the next of these addresses; at least one instruction. */
  run(points: { has(at: Addr): boolean }): ThreadStop {
    const { machine, cpu, tasks, context } = this.#state.kernel;
    const home = { registers: cpu.save(), cpu: context.cpu };
    tasks.bindCpu(this.cpu);
    tasks.enter(tasks.running(this.cpu));
    cpu.restore(this.#registers);
    try {
      for (;;) {
        const stop = this.#outcome(machine.run(1));
        if (stop) return stop;
        if (points.has(cpu.rip)) return { reason: 'point', at: cpu.rip };
      }
    } finally {
      this.#registers = cpu.save();
      cpu.restore(home.registers);
      tasks.bindCpu(home.cpu);
      tasks.enter(tasks.running(home.cpu));
    }
  }
  #outcome(stop: Stop): ThreadStop | undefined {
    if (stop.reason === 'budget') return undefined;
    if (stop.reason === 'halt') {
      this.ended = true;
      return { reason: 'end' };
    }
    if (stop.why === SPINS) return { reason: 'spins' };
    const { faults } = this.#state.kernel;
    const text = stop.reason === 'fault' && stop.fault ? faults.oops(stop.fault).text : String(stop.why ?? stop.reason);
    return { reason: 'fault', text };
  }
}
