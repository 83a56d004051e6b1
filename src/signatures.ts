/**
 * Types that signatures of the API name, so that its users can name them too. `bin/types.mjs` says which
 * are missing, and refuses the build in CI. What they lead to inside of the kernel model is not part of the API.
 */

export type { LinkFields } from '../kernel-sim/bpf/attach/attachment.ts';
export type { TcAttachAttrs, TcFilter } from '../kernel-sim/bpf/attach/clsact.ts';
export type { BpfLink } from '../kernel-sim/bpf/attach/link.ts';
export type { RouteEncapAttrs } from '../kernel-sim/bpf/attach/lwt.ts';
export type { BpfMap } from '../kernel-sim/bpf/maps/map.ts';
export type { ProgCounts } from '../kernel-sim/bpf/objects/counting.ts';
export type { VerifierWalk } from '../kernel-sim/bpf/objects/state.ts';
export type { BpfProg } from '../kernel-sim/bpf/prog/prog.ts';
export type { ProgramThread, TestRun } from '../kernel-sim/bpf/prog/test-run.ts';
export type { Descriptors, ProgCommands } from '../kernel-sim/bpf/syscall/handles.ts';
export type { MapCommands } from '../kernel-sim/bpf/syscall/map-commands.ts';
export type { TraceFormat } from '../kernel-sim/core/options.ts';
export type { CpuName } from '../kernel-sim/data/cpus.ts';
export type { FileSystemName } from '../kernel-sim/data/file-systems.ts';
export type { Kernel as KernelModel, KernelMark } from '../kernel-sim/kernel.ts';
export type { StepSource, TraceStep, TraceTask } from '../kernel-sim/replay/trace.ts';
export type { Task } from '../kernel-sim/task/task.ts';
export type { BtfKind } from './btf/kinds.ts';
export type { Field as BtfField } from './btf/layout.ts';
export type {
  BtfArray,
  BtfComposite,
  BtfDatasec,
  BtfDeclTag,
  BtfEnum,
  BtfFloat,
  BtfFunc,
  BtfFuncProto,
  BtfFwd,
  BtfInt,
  BtfModifier,
  BtfPtr,
  BtfTypedef,
  BtfVar,
  BtfVoid,
} from './btf/types.ts';
export type { ErrorDetails } from './errors/base.ts';
export type { ErrorRow } from './errors/codes.ts';
export { ERRNO } from './errors/errno.ts';
export type { AsmOptions, Assembled } from './isa/asm.ts';
export type { DisasmOptions } from './isa/disasm.ts';
export type { Insn } from './isa/insn.ts';
export type { Addr } from './machine/addr.ts';
export type {
  BpfSyscalls,
  KernelSymbols,
  LinkHandle as ObjectLinkHandle,
  MapHandle as ObjectMapHandle,
  PerfSyscalls,
  ProgHandle,
} from './object/bpf-interface.ts';
export type {
  InspectedCore,
  InspectedExtern,
  InspectedGlobal,
  InspectedMap,
  InspectedProgram,
  InspectedReloc,
} from './object/inspect.ts';
export type { FunctionDef, MapOrigin, ObjectModel, OpenedObject } from './object/model.ts';
export type { AttachTo } from './object/object.ts';
export type { RelocatedProgram } from './object/relocate.ts';
export type { AttachMethod, SectionMatch } from './object/sections.ts';
export type { Target } from './object/target.ts';
export type { ByteSource, OpenBytes } from './platform/host.ts';
export type { RecordingParser } from './replay/stream.ts';
export type { LineWarnings } from './replay/warnings.ts';
export type { JsonStyle, Literal, Members } from './show/json.ts';
export type { RecordType } from './show/records/guess.ts';
export type { Processed } from './show/veristat/index.ts';
export type { StatName } from './show/veristat/stats.ts';
export type { KernelObjects } from './testkit/happen/objects.ts';
export type { FailingCommands } from './testkit/mocks/faults.ts';
export type { Prototype } from './testkit/mocks/prototype.ts';
export type { TaskOwner } from './testkit/task.ts';
