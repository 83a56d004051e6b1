/** What an object holds once it is opened, before anything is resolved against a kernel. */
import type { Btf, BtfExt } from '../btf/index.ts';
import type { ElfFile } from '../elf/index.ts';
import type { Insn } from '../isa/index.ts';
import type { SectionMatch } from './sections.ts';

/** Where a map comes from. */
export type MapOrigin = 'btf' | 'legacy' | 'data' | 'rodata' | 'bss' | 'kconfig' | 'struct_ops' | 'arena';

/** A map as the object defines it. Numbers are those of MAP_CREATE. */
export interface MapDef {
  /** name that the kernel sees (cut to 15 bytes there); of global data it begins with the object's */
  readonly name: string;
  /** the variable's or the section's own name: `counts`, `.rodata`, `.data.my` */
  readonly realName: string;
  readonly origin: MapOrigin;
  /** section and offset that symbols reach it by */
  readonly section: number;
  readonly offset: number;
  /** `enum bpf_map_type` */
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
  numaNode: number;
  mapExtra: bigint;
  /** ids in the object's BTF; 0 = not known */
  btfKey: number;
  btfValue: number;
  /** by_name: /sys/fs/bpf/NAME as libbpf; tc_globals: where tc keeps those that programs share */
  pinning: 'none' | 'by_name' | 'tc_globals';
  /** map-in-map: the template */
  inner: MapDef | undefined;
  /** `values` table: names of maps or programs by index; '' = empty */
  slots: string[];
  /** global data: the section's bytes */
  data: Uint8Array | undefined;
  /** false: `?.struct_ops` */
  autocreate: boolean;
  /** struct_ops: type id of the struct in the object's BTF, and programs by member index */
  structOps: { readonly type: number; readonly programs: Map<number, string> } | undefined;
}

/** A relocation of one instruction of a function. */
export type CodeReloc =
  | { readonly kind: 'map'; readonly insn: number; readonly map: MapDef }
  | { readonly kind: 'data'; readonly insn: number; readonly map: MapDef; readonly offset: number }
  | { readonly kind: 'extern'; readonly insn: number; readonly extern: ExternDef }
  /** call of a function: `offset` of the symbol in `section` */
  | { readonly kind: 'call'; readonly insn: number; readonly section: number; readonly offset: number }
  /** address of a function, for callbacks */
  | { readonly kind: 'func'; readonly insn: number; readonly section: number; readonly offset: number };

/** A function of an executable section: a program, or something that programs call. */
export interface FunctionDef {
  readonly name: string;
  readonly section: number;
  /** section's name without a leading `?` */
  readonly sectionName: string;
  /** section's name as it is, by which .BTF.ext refers to it */
  readonly rawSectionName: string;
  /** first instruction, in its section */
  readonly start: number;
  /** as the file has them; relocating works on copies */
  readonly insns: readonly Insn[];
  readonly binding: 'local' | 'global' | 'weak';
  /** hidden or internal: verified as a static function, in its callers' context */
  readonly hidden: boolean;
  readonly relocs: CodeReloc[];
}

/** A function that is loaded as a program. */
export interface ProgramDef extends FunctionDef {
  readonly match: SectionMatch | undefined;
  /** `enum bpf_prog_type`; 0 where the section's name does not say */
  type: number;
  /** `enum bpf_attach_type` */
  expectedAttachType: number;
  /** prog_flags of PROG_LOAD */
  flags: number;
  /** what its section says that it attaches to */
  readonly target: string | undefined;
  /** false: `SEC("?...")` */
  autoload: boolean;
  /** `__exception_cb(name)`: function that runs when the program throws */
  readonly exceptionCallback: string | undefined;
}

/** What the object takes from the kernel. */
export interface ExternDef {
  readonly name: string;
  readonly kind: 'kconfig' | 'ksym' | 'unresolvable';
  readonly weak: boolean;
  /** symbol in the ELF symbol table */
  readonly symbol: number;
  /** var or func in the object's BTF; 0 where unresolvable */
  readonly btfId: number;
  readonly isFunc: boolean;
  /** kconfig: its type, bytes and place in the `.kconfig` map */
  readonly type: 'bool' | 'char' | 'int' | 'tristate' | 'chars' | undefined;
  readonly signed: boolean;
  readonly size: number;
  offset: number;
  /** ksym: type id in the object's BTF without modifiers; 0 = an untyped address */
  readonly typeId: number;
  /** unresolvable: why */
  readonly problem: string | undefined;
}

/** The whole object. */
export interface ObjectModel {
  /** file's name, for messages */
  readonly file: string;
  /** object's name: up to the first dot, 15 bytes */
  readonly name: string;
  readonly elf: ElfFile;
  readonly btf: Btf | undefined;
  readonly btfExt: BtfExt | undefined;
  readonly license: string;
  /** `version` section; 0 where there is none */
  readonly version: number;
  /** every function, programs included, in libbpf's order */
  readonly functions: readonly FunctionDef[];
  readonly programs: readonly ProgramDef[];
  readonly maps: readonly MapDef[];
  readonly externs: readonly ExternDef[];
  /** what was odd and taken all the same */
  readonly warnings: readonly string[];
}

/** An object that was opened, as what becomes of it in a kernel refers to it. */
export interface OpenedObject {
  /** everything that was found in the file */
  readonly model: ObjectModel;
  readonly maps: readonly MapDef[];
  /** bytes as a value of a type of its BTF */
  decode(type: string, bytes: Uint8Array): unknown;
  /** what does that for a type which is looked for once */
  decoder(type: string): (bytes: Uint8Array) => unknown;
}
