/**
 * ebpf-emu's public API, named after what its users know: bpf(2) below, libbpf's open, load and attach above.
 *
 *     const kernel = await Kernel.boot({ engine: 'jit' });
 *     const loaded = BpfObject.open('hello.o').load(kernel);
 *     const links = loaded.attach();
 *     await kernel.replay(readStrace(text).trace);
 *     kernel.tracePipe.read();
 *
 * What is not exported here may change in any version. docs/api.md shows each part at work.
 */

// the kernel, and bpf(2)
export {
  type AsyncTestRunOptions,
  type BtfInfo,
  type JitedFunc,
  type LinkCreateAttrs,
  type LinkHandle,
  type LinkInfo,
  type MapBytes,
  type MapCreateAttrs,
  MapHandle,
  type MapInfo,
  type PerfSample,
  type ProgInfo,
  type ProgLoadAttrs,
  Program,
  type RawFuncInfo,
  type RawLineInfo,
  type RawTracepointAttrs,
  type TestRunOptions,
  type TestRunProgress,
  type TestRunResult,
} from '../kernel-sim/bpf/index.ts';
export type { BootOptions, EngineName, Moment, ReplayOptions, ReplayResult, Trace } from '../kernel-sim/index.ts';
export { BootError } from '../kernel-sim/index.ts';
// types and values as BTF has them
export { Btf, BtfError, type BtfType, type BtfValue } from './btf/index.ts';
export { ElfError } from './elf/index.ts';
// errors: one family
export {
  ArgumentError,
  BpfError,
  EmuError,
  ERROR_CODES,
  type Errno,
  type ErrorCode,
  KernelError,
  NotModelledError,
  type Oops,
} from './errors/index.ts';
// what the verifier refused, as data
export type { ExplainedCause, ExplainedInsn, ExplainedSource, Explanation } from './explain/explanation.ts';
// BPF assembly text
export { AsmError, assemble, disassemble } from './isa/index.ts';
// object files
export { ClangError, type CompileOptions, compile } from './object/clang.ts';
export {
  type AnyShape,
  type AttachAllOptions,
  type AttachedLink,
  type AttachOptions,
  BpfObject,
  btfFromFile,
  type Given,
  type GivenValue,
  genTypes,
  type Inspection,
  inspectObject,
  type KeyOf,
  type LinkOf,
  LoadedMap,
  LoadedObject,
  type LoadedProgram,
  type LoadedSnapshot,
  type LoadOptions,
  type MapAccess,
  type MapDef,
  type MapEntry,
  type MapOf,
  type MapOverride,
  type MapsOf,
  ObjectError,
  type ObjectKernel,
  type ObjectShape,
  type OpenOptions,
  type Plain,
  type ProgOf,
  type ProgramAccess,
  type ProgramDef,
  type ProgramsOf,
  type SkippedProgram,
  type StackFrame,
  type StreamOptions,
  type ValueOf,
  type Variable,
  type Variables,
} from './object/index.ts';
export { FileError, GzipError } from './platform/index.ts';
// recordings
export {
  openRecording,
  PacedSteps,
  type RecordingStream,
  type RecordingWarning,
  readStrace,
  recordCommand,
  streamStrace,
} from './replay/index.ts';
// what a kernel holds and programs sent, as text and JSON
export {
  bpftool,
  histogram,
  type Json,
  jsonText,
  type Names,
  namesOf,
  type RecordOptions,
  RecordPrinter,
  readable,
  type ShowOptions,
  type Stats,
  statsOfLog,
  type VeristatOptions,
  veristat,
} from './show/index.ts';
// what signatures name besides
export * from './signatures.ts';
// tests of BPF programs
export * from './testkit/index.ts';
