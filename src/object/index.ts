export { type AttachedLink, type AttachOptions, parseProbePoint } from './attach.ts';
export type * from './bpf-interface.ts';
export { btfFromFile } from './btf-file.ts';
export { CORE_KINDS, type CoreKind } from './core/kinds.ts';
export type { CoreDecision } from './core/resolve.ts';
export { NotModelledError, ObjectError } from './error.ts';
export { type Inspection, inspectObject, toPlain } from './inspect.ts';
export { LoadedMap } from './map-access.ts';
export type { CodeReloc, ExternDef, FunctionDef, MapDef, MapOrigin, ObjectModel, ProgramDef } from './model.ts';
export {
  BpfObject,
  LoadedObject,
  type LoadedProgram,
  type LoadOptions,
  type OpenOptions,
  targetOf,
  versionCode,
} from './object.ts';
export { type AppliedCore, type MapRef, type RelocatedProgram, Relocator } from './relocate.ts';
export { type AttachMethod, matchSection, SECTION_RULES, type SectionMatch, type SectionRule } from './sections.ts';
export type { Target } from './target.ts';
export type { Variable, Variables } from './variables.ts';
