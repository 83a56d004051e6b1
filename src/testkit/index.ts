/** Unit tests for BPF programs, without root: things that happen, what programs made of them, and what to assert. */
export * from './asserts.ts';
export {
  type BranchCoverage,
  Coverage,
  type CoverageJson,
  type FileCoverage,
  type FunctionCoverage,
} from './coverage/coverage.ts';
export type { HelperCost, LineCost } from './coverage/profile.ts';
export { collapsed, pprof, profileText } from './coverage/profile-reports.ts';
export { cobertura, lcov, summary } from './coverage/reports.ts';
export type { EmitOptions, EventFields, EventValue } from './happen/event.ts';
export type { CallOptions, FunctionArguments, FunctionResult } from './happen/function.ts';
export { type HasAddress, KernelObject, type ObjectMembers, type ObjectValue } from './happen/objects.ts';
export type { Environment, Surroundings } from './happen/surroundings.ts';
export { Kernel, type MeasureOptions, type TaskOptions, type VerifierLimitOptions } from './kernel.ts';
export type { MapArgument, MockArgument, MockArguments, MockCall } from './mocks/call.ts';
export { Fault, type FaultName } from './mocks/faults.ts';
export {
  Mock,
  type MockBehaviour,
  type MockError,
  type MockFunction,
  type MockOptions,
  type MockResult,
  type RecordedCall,
} from './mocks/mock.ts';
export type { SyscallValue, SyscallValues } from './syscall-args.ts';
export type { StructValue } from './syscall-structs.ts';
export { type ForkOptions, type SyscallOutcome, type SyscallResult, TestTask } from './task.ts';
export { VERDICTS, type VerdictName } from './verdicts.ts';
