export * from '../../src/uapi/index.ts';
export type { RawTracepointAttrs } from './attach/create.ts';
export type { LinkCreateAttrs } from './attach/kind.ts';
export { BpfLink } from './attach/link.ts';
export { BpfError, NotModelledError } from './errors.ts';
export type { PerfSample } from './maps/perf-output.ts';
export type { ProgLoadAttrs, RawFuncInfo, RawLineInfo } from './prog/load.ts';
export type { BpfProg } from './prog/prog.ts';
export type {
  AsyncTestRunOptions,
  ProgramThread,
  TestRunOptions,
  TestRunProgress,
  TestRunResult,
  ThreadStop,
} from './prog/test-run.ts';
export { Bpf, type LinkHandle } from './syscall/bpf.ts';
export { type JitedFunc, MapHandle, Program } from './syscall/handles.ts';
export type { BtfInfo, LinkInfo, MapInfo, ProgInfo } from './syscall/info.ts';
export type { MapBytes } from './syscall/map-commands.ts';
export type { MapCreateAttrs } from './syscall/map-create.ts';
