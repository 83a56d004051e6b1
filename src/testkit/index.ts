/** Unit tests for BPF programs, without root: things that happen, what programs made of them, and what to assert. */
export * from './asserts.ts';
export { EventLog } from './events.ts';
export type { SyscallValue, SyscallValues } from './syscall-args.ts';
export { type ForkOptions, type SyscallOutcome, type SyscallResult, TestTask } from './task.ts';
export { type TaskOptions, TestKit, testkit } from './testkit.ts';
