/** The user half of a task: what it executes outside of the kernel, and its address space. */
import type { Addr, UserSpace } from '../../src/machine/index.ts';
import type { Stateful } from '../core/state.ts';
import type { TraceArg, UserCall } from './user-call.ts';

export interface UserHalf extends Stateful {
  readonly space: UserSpace;
  /** Of a recorded task: the call that its user space makes next. */
  setCall?(call: UserCall): void;
  /** Of a recorded task: address of memory that holds an argument. */
  place?(arg: TraceArg): Addr;
  /** Its pages go. */
  release(): void;
}
