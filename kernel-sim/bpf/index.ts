export { Bpf } from './bpf.ts';
export { BpfError, NotModelledError } from './errors.ts';
export { type JitedFunc, type MapBytes, MapHandle, Program } from './handles.ts';
export type { MapCreateAttrs } from './map-create.ts';
export type { ProgLoadAttrs, RawFuncInfo, RawLineInfo } from './prog/load.ts';
export type { BpfProg } from './prog/prog.ts';
export type { TestRunOptions, TestRunResult } from './testrun/types.ts';
export * from './uapi/index.ts';
