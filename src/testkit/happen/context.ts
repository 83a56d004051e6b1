/** Kernel code that a test calls: on a task's stack, as that task. */
import type { Kernel, Task } from '../../../kernel-sim/index.ts';
import { KernelError } from '../../errors/index.ts';
import type { Addr } from '../../machine/addr.ts';
import { RSP } from '../../machine/index.ts';

/** room below a task's registers, as a system call's own frames take */
const FRAME_BYTES = 256;

export interface CallResult {
  /** rax */
  readonly result: bigint;
  /** instructions executed, of the kernel and of the programs */
  readonly insns: number;
}

/** Runs `body` while the kernel believes that the task runs, on the task's own CPU. */
export function asTask<T>(kernel: Kernel, task: Task | undefined, body: () => T): T {
  const { tasks, cpu, context, structs } = kernel;
  if (task === undefined || task === tasks.current) return body();
  const home = context.cpu;
  const before = tasks.current;
  const rsp = cpu.reg(RSP);
  tasks.bindCpu(task.cpu);
  const there = tasks.current;
  const depth = context.preemptCount;
  // a CPU that idles cannot be preempted; a task can
  context.preemptCount = 0;
  tasks.enter(task);
  cpu.setReg(RSP, task.stackTop - structs.of('pt_regs').size - FRAME_BYTES);
  try {
    return body();
  } finally {
    context.preemptCount = depth;
    tasks.enter(there);
    if (home !== task.cpu) {
      tasks.bindCpu(home);
      tasks.enter(before);
    }
    cpu.setReg(RSP, rsp);
  }
}

/**
 * Calls a kernel function with arguments in registers.
 * @throws KernelError EIO: the kernel oopsed, with what it logged; EINTR: something stopped the machine
 */
export function callKernel(kernel: Kernel, at: Addr, args: readonly bigint[], what: string): CallResult {
  const { machine, cpu, faults } = kernel;
  const before = machine.executed;
  const oopses = faults.oopses.length;
  const last = faults.oopses.at(-1);
  const stop = machine.call(
    at,
    args.map((value) => [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))] as const),
  );
  const oops = faults.oopses.at(-1);
  if (oops !== undefined && (oops !== last || faults.oopses.length > oopses))
    throw new KernelError('EIO', `the kernel oopsed in ${what}:\n${oops.text}`);
  if (stop.reason !== 'halt')
    throw new KernelError('EINTR', `${what} was stopped: ${stop.fault?.message ?? String(stop.why ?? stop.reason)}`);
  return {
    result: (BigInt(cpu.regs[1]! >>> 0) << 32n) | BigInt(cpu.regs[0]! >>> 0),
    insns: machine.executed - before,
  };
}
