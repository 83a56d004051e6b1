/** The kernel's tasks as threads of a debugger: the one that runs, and where each other was switched away. */
import { addrToBigInt } from '../../machine/addr.ts';
import type { SessionContext } from '../session/context.ts';
import type { SavedRegisters } from './registers.ts';

export interface TargetTask {
  readonly pid: number;
  readonly comm: string;
  /** the system call that it is in */
  readonly call: string | undefined;
  readonly runs: boolean;
}

/** Those that run or were switched away: an idle task that never ran is nowhere. */
export const tasksOf = (session: SessionContext): TargetTask[] =>
  [...session.kernel.tasks.all()]
    .map((t) => ({ pid: t.pid, comm: t.comm, call: t.call?.name, runs: t === session.kernel.tasks.current }))
    .filter((t) => t.runs || savedRegisters(session, t.pid) !== undefined);

/** struct inactive_task_frame (arch/x86/include/asm/switch_to.h), from thread.sp up. */
const SWITCH_FRAME = ['r15', 'r14', 'r13', 'r12', 'rbx', 'rbp', 'rip'] as const;

/** What the switch away from a task left on its stack; undefined for who runs, or never ran and has no such frame. */
export function savedRegisters({ kernel, scope }: SessionContext, pid: number): SavedRegisters | undefined {
  const task = kernel.tasks.find(pid);
  if (task === undefined || task === kernel.tasks.current) return undefined;
  const sp = kernel.memory.readAddr(task.field('thread.sp'));
  if (sp < task.stack || sp >= task.stackTop) return undefined;
  const saved = new Map<string, bigint>();
  for (const [n, name] of SWITCH_FRAME.entries()) {
    const value = scope.memory.integer(sp + 8 * n, 8, false);
    if (value === undefined) return undefined;
    saved.set(name, value);
  }
  return saved.set('rsp', addrToBigInt(sp + 8 * SWITCH_FRAME.length));
}
