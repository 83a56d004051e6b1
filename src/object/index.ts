export { NotModelledError } from '../errors/index.ts';
export { type AttachedLink, type AttachOptions, parseProbePoint } from './attach.ts';
export type * from './bpf-interface.ts';
export { btfFromFile } from './btf-file.ts';
export { CORE_KINDS, type CoreKind } from './core/kinds.ts';
export type { CoreDecision } from './core/resolve.ts';
export { type DebugTypes, debugTypes } from './debug-types.ts';
export { ObjectError } from './error.ts';
export { genTypes } from './gen-types.ts';
export { type Inspection, inspectObject } from './inspect.ts';
export { targetOf, versionCode } from './kernel-target.ts';
export type { AttachAllOptions } from './loaded.ts';
export {
  type LinkOf,
  LoadedObject,
  type LoadedProgram,
  type LoadedSnapshot,
  type MapAccess,
  type MapOf,
  type MapsOf,
  type ProgOf,
  type ProgramAccess,
  type ProgramsOf,
} from './loaded.ts';
export { LoadedMap, type StackFrame, type StreamOptions } from './map-access.ts';
export type { CodeReloc, ExternDef, FunctionDef, MapDef, MapOrigin, ObjectModel, ProgramDef } from './model.ts';
export { BpfObject, type LoadOptions, type OpenOptions } from './object.ts';
export { type MapOverride, sectionFor, whyNoSection } from './overrides.ts';
export { type Plain, toPlain } from './plain.ts';
export { type AppliedCore, type MapRef, type RelocatedProgram, Relocator } from './relocate.ts';
export { type AttachMethod, matchSection, SECTION_RULES, type SectionMatch, type SectionRule } from './sections.ts';
export type { AnyShape, Given, GivenValue, KeyOf, MapEntry, ObjectShape, ValueOf } from './shape.ts';
export type { SkippedProgram } from './skipped.ts';
export type { Target } from './target.ts';
export type { Variable, Variables } from './variables.ts';
