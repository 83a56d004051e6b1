/**
 * ebpf-emu's public API, named after what its users know: bpf(2) below, libbpf's open, load and attach above.
 *
 *     const kernel = await Kernel.boot({ engine: 'jit' });
 *     const loaded = BpfObject.open('hello.o').load(kernel);
 *     const links = loaded.attach();
 *     await kernel.replay(readStrace(text).trace);
 *     kernel.tracePipe.read();
 */
export {
  type AsyncTestRunOptions,
  BpfError,
  type BtfInfo,
  type JitedFunc,
  type LinkCreateAttrs,
  type LinkHandle,
  type LinkInfo,
  type MapBytes,
  type MapCreateAttrs,
  MapHandle,
  type MapInfo,
  NotModelledError,
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
export type { BootOptions, EngineName, Errno, Oops, ReplayOptions, ReplayResult, Trace } from '../kernel-sim/index.ts';
export { BootError, KernelError } from '../kernel-sim/index.ts';
export { Kernel } from '../kernel-sim/kernel.ts';
export * from './object/index.ts';
export * from './replay/index.ts';
export { type RecordingWarning as StraceWarning, readStrace } from './replay/index.ts';
