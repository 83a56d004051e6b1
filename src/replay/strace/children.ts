/**
 * Which task a fork made. Its result is the child's number in the caller's pid namespace (pid_namespaces(7)), while strace
 * names tasks as the namespace that strace runs in has them. Below that namespace the child is who shows up next.
 */
import type { TraceCall } from '../../../kernel-sim/index.ts';
import { NAMESPACES } from '../../uapi/namespaces.ts';
import { PidSet } from '../pids.ts';

export class Children {
  /** tasks in a pid namespace of their own, and those whose children will be */
  readonly #inside = new Set<number>();
  readonly #around = new Set<number>();
  /** who has a fork that made it */
  #claimed: PidSet | undefined;

  /** A call that is about to be given, with its `child` where that is not its result; `next`: who shows up behind it, in order. */
  settle(call: TraceCall, next: () => Iterable<number>): TraceCall {
    const { pid, result, name } = call;
    if (result === undefined || result.hi !== 0) return call;
    const isNew = ((name === 'unshare' ? first(call) : call.cloneFlags) ?? 0) & NAMESPACES.pid.flag;
    if (name === 'unshare') {
      if (isNew) this.#around.add(pid);
      return call;
    }
    if (result.lo <= 0) return call;
    const child = call.child ?? (this.#inside.has(pid) ? this.#next(next()) : result.lo);
    if (child === undefined) return call;
    this.#claimed ??= new PidSet();
    this.#claimed.add(child);
    if (isNew || this.#inside.has(pid) || this.#around.has(pid)) this.#inside.add(child);
    return child === result.lo ? call : { ...call, child };
  }
  /** Whether it is a fork whose child has yet to show up. */
  waits(call: TraceCall, next: () => Iterable<number>): boolean {
    const { result, pid } = call;
    const forked = result !== undefined && result.hi === 0 && result.lo > 0 && call.child === undefined;
    return forked && this.#inside.has(pid) && this.#next(next()) === undefined;
  }
  #next(pids: Iterable<number>): number | undefined {
    for (const pid of pids) if (!this.#claimed?.has(pid)) return pid;
    return undefined;
  }
}

const first = ({ args: [flags] }: TraceCall): number | undefined => (flags?.kind === 'int' ? flags.lo : undefined);
