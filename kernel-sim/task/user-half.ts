/** The user half of a task: what it executes outside of the kernel, and its address space. */
import type { UserSpace } from '../../src/machine/index.ts';
import type { Stateful } from '../core/state.ts';
import type { UserCall } from './user-call.ts';

export interface UserHalf extends Stateful {
  readonly space: UserSpace;
  /** Of a recorded task: the call that its user space makes next. */
  setCall?(call: UserCall): void;
  /** Its pages go. */
  release(): void;
}
