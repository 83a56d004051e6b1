/** Everything that an object holds, as plain data for people and for JSON: `ebpf-emu inspect`. */

import { type Btf, BtfError, Declarations, decodeValue, type ExtCoreRelo } from '../btf/index.ts';
import { checkArgument } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import { attachTypeName, mapTypeName, progTypeName } from '../uapi/index.ts';
import { CORE_KINDS, CoreError } from './core/kinds.ts';
import { type CoreDecision, CoreResolver } from './core/resolve.ts';
import { formatSpec, parseSpec } from './core/spec.ts';
import { ObjectError } from './error.ts';
import { fillKconfig } from './kconfig.ts';
import type { CodeReloc, ExternDef, FunctionDef, MapDef, ObjectModel, ProgramDef } from './model.ts';
import { type Plain, toPlain } from './plain.ts';
import { Relocator } from './relocate.ts';
import { resolveKsym, type Target } from './target.ts';
import { type Variable, variablesOf } from './variables.ts';

const isModel = is.holding('model of an object', 'file', 'programs', 'maps');

export interface InspectedProgram {
  readonly name: string;
  readonly section: string;
  /** libbpf's name; '' where the section does not say */
  readonly type: string;
  readonly attachType: string | null;
  readonly target: string | null;
  readonly sleepable: boolean;
  readonly autoload: boolean;
  /** of the program itself */
  readonly instructions: number;
  /** functions linked behind it, where it could be linked */
  readonly calls: readonly string[];
  /** with those */
  readonly linkedInstructions: number | null;
  /** why it could not be relocated */
  readonly problem: string | null;
}

export interface InspectedMap {
  readonly name: string;
  readonly origin: string;
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** C types, where the BTF has them */
  readonly key: string | null;
  readonly value: string | null;
  readonly pinning: string;
  readonly mapExtra: Plain;
  readonly numaNode: number;
  readonly inner: InspectedMap | null;
  /** table of maps or programs; '' = empty */
  readonly values: readonly string[];
}

export interface InspectedGlobal {
  readonly section: string;
  readonly name: string;
  readonly type: string;
  readonly offset: number;
  readonly size: number;
  readonly isStatic: boolean;
  readonly value: Plain;
}

export interface InspectedExtern {
  readonly name: string;
  readonly kind: string;
  readonly weak: boolean;
  readonly type: string | null;
  /** what it is in the kernel */
  readonly resolved: string | null;
}

export interface InspectedReloc {
  readonly function: string;
  readonly insn: number;
  readonly kind: string;
  /** map, variable's place, function or extern */
  readonly symbol: string;
}

export interface InspectedCore {
  readonly function: string;
  readonly insn: number;
  readonly kind: string;
  /** `struct task_struct.pid`, as the object sees it */
  readonly local: string;
  /** the kernel's, or null: there is none */
  readonly target: string | null;
  readonly from: Plain;
  /** null: the instruction is poisoned */
  readonly to: Plain;
  readonly problem: string | null;
}

export interface Inspection {
  readonly file: string;
  readonly license: string;
  readonly btfTypes: number;
  readonly programs: readonly InspectedProgram[];
  readonly functions: readonly {
    readonly name: string;
    readonly section: string;
    readonly instructions: number;
    readonly binding: string;
  }[];
  readonly maps: readonly InspectedMap[];
  readonly globals: readonly InspectedGlobal[];
  readonly externs: readonly InspectedExtern[];
  readonly relocations: readonly InspectedReloc[];
  readonly core: readonly InspectedCore[];
  readonly warnings: readonly string[];
}

/** Maps that hold global variables. */
const DATA: ReadonlySet<MapDef['origin']> = new Set(['data', 'rodata', 'bss'] as const);
/** Bytes of a variable that is worth showing. */
const MAX_SHOWN = 4096;

/** Members of a type that are worth printing on one line. */
const MAX_TEXT = 2000;

/** C text of a type on one line. */
function typeText(btf: Btf | undefined, id: number): string | null {
  if (!btf || id === 0) return null;
  try {
    return new Declarations(btf, undefined, { work: MAX_TEXT }).declare(id, '').replaceAll(/\s+/g, ' ');
  } catch (error) {
    if (error instanceof BtfError) return null;
    throw error;
  }
}

const message = (error: unknown): string => {
  if (error instanceof ObjectError || error instanceof BtfError || error instanceof CoreError) return error.message;
  throw error;
};

class Inspector {
  readonly #model: ObjectModel;
  readonly #target: Target;
  readonly #btf: Btf | undefined;
  readonly #variables = new Map<MapDef, Variable[]>();
  readonly #functionAt: ReadonlyMap<string, FunctionDef>;

  constructor(model: ObjectModel, target: Target) {
    this.#model = model;
    this.#target = target;
    this.#btf = model.btf;
    this.#functionAt = new Map(model.functions.map((f) => [`${f.section}:${f.start * 8}`, f]));
  }

  #variablesOf(map: MapDef): Variable[] {
    const known = this.#variables.get(map) ?? variablesOf(this.#btf, map, this.#model.externs);
    this.#variables.set(map, known);
    return known;
  }

  run(): Inspection {
    const model = this.#model;
    const relocator = new Relocator(model, this.#target);
    const programs = new Set(model.programs.map((p) => `${p.section}:${p.start}`));
    return {
      file: model.file,
      license: model.license,
      btfTypes: model.btf ? model.btf.typeCount - 1 : 0,
      programs: model.programs.map((p) => this.#program(p, relocator)),
      functions: model.functions
        .filter((f) => !programs.has(`${f.section}:${f.start}`))
        .map((f) => ({ name: f.name, section: f.rawSectionName, instructions: f.insns.length, binding: f.binding })),
      maps: model.maps.map((m) => this.#map(m)),
      globals: this.#globals(),
      externs: model.externs.map((e) => this.#extern(e)),
      relocations: model.functions.flatMap((f) => f.relocs.map((r) => this.#reloc(f, r))),
      core: this.#core(),
      warnings: model.warnings,
    };
  }

  #program(program: ProgramDef, relocator: Relocator): InspectedProgram {
    const rule = program.match?.rule;
    let calls: string[] = [];
    let linked: number | null = null;
    let problem: string | null = null;
    try {
      const relocated = relocator.relocate(program);
      calls = relocated.parts.slice(1).map((part) => part.function.name);
      linked = relocated.insns.length;
    } catch (error) {
      problem = message(error);
    }
    return {
      name: program.name,
      section: program.rawSectionName,
      type: program.type === 0 ? '' : progTypeName(program.type),
      attachType: rule?.attachType === undefined ? null : attachTypeName(program.expectedAttachType),
      target: program.target ?? null,
      sleepable: rule?.sleepable ?? false,
      autoload: program.autoload,
      instructions: program.insns.length,
      calls,
      linkedInstructions: linked,
      problem,
    };
  }

  #map(map: MapDef): InspectedMap {
    return {
      name: map.realName,
      origin: map.origin,
      type: mapTypeName(map.type),
      keySize: map.keySize,
      valueSize: map.valueSize,
      maxEntries: map.maxEntries,
      flags: map.flags,
      key: typeText(this.#btf, map.btfKey),
      value: map.origin === 'btf' || map.origin === 'legacy' ? typeText(this.#btf, map.btfValue) : null,
      pinning: map.pinning,
      mapExtra: toPlain(map.mapExtra),
      numaNode: map.numaNode,
      inner: map.inner ? this.#map(map.inner) : null,
      values: map.slots,
    };
  }

  #globals(): InspectedGlobal[] {
    const out: InspectedGlobal[] = [];
    for (const map of this.#model.maps) {
      if (!DATA.has(map.origin)) continue;
      for (const v of this.#variablesOf(map)) {
        let value: Plain = null;
        try {
          // no more than its own bytes: a damaged type may be larger than the variable
          const bytes = map.data?.subarray(v.offset, v.offset + Math.min(v.size, MAX_SHOWN)) as Uint8Array;
          if (v.size <= MAX_SHOWN) value = toPlain(decodeValue(this.#btf as Btf, v.type, bytes));
        } catch (error) {
          message(error);
        }
        out.push({
          section: map.realName,
          name: v.name,
          type: typeText(this.#btf, v.type) ?? '',
          offset: v.offset,
          size: v.size,
          isStatic: v.isStatic,
          value,
        });
      }
    }
    return out;
  }

  #extern(extern: ExternDef): InspectedExtern {
    const type = this.#btf && extern.btfId ? this.#btf.typeById(extern.btfId) : undefined;
    return {
      name: extern.name,
      kind: extern.kind === 'ksym' ? (extern.isFunc ? 'kfunc' : 'ksym') : extern.kind,
      weak: extern.weak,
      type: type && 'type' in type ? typeText(this.#btf, type.type) : null,
      resolved: this.#resolved(extern),
    };
  }

  #resolved(extern: ExternDef): string | null {
    if (extern.kind === 'unresolvable') return extern.problem ?? null;
    try {
      if (extern.kind === 'kconfig') return this.#kconfig(extern);
      const found = resolveKsym(this.#model, extern, this.#target);
      if (found.kind === 'absent') return 'not in the kernel (weak)';
      return found.kind === 'btf' ? `BTF id ${found.id}` : `0x${found.address.toString(16)}`;
    } catch (error) {
      return message(error);
    }
  }

  #kconfig(extern: ExternDef): string | null {
    const map = this.#model.maps.find((m) => m.origin === 'kconfig');
    const variable = this.#btf?.typeById(extern.btfId);
    if (!map || variable?.kind !== 'var') return null;
    const copy = { ...map, data: new Uint8Array(map.valueSize) };
    fillKconfig(this.#model.file, copy, [extern], {
      config: this.#target.config,
      version: this.#target.version ?? 0,
      extra: this.#target.kconfig,
    });
    return String(toPlain(decodeValue(this.#btf as Btf, variable.type, copy.data, extern.offset)));
  }

  #reloc(f: FunctionDef, reloc: CodeReloc): InspectedReloc {
    const symbolAt = (section: number, offset: number): string =>
      this.#functionAt.get(`${section}:${offset}`)?.name ?? `section ${section} + ${offset}`;
    const at = { function: f.name, insn: reloc.insn, kind: reloc.kind };
    switch (reloc.kind) {
      case 'map':
        return { ...at, symbol: reloc.map.realName };
      case 'data': {
        const offset = reloc.offset + (f.insns[reloc.insn]?.imm ?? 0);
        const variable = this.#variablesOf(reloc.map).find((v) => v.offset <= offset && offset < v.offset + v.size);
        return { ...at, symbol: `${reloc.map.realName}+${offset}${variable ? ` (${variable.name})` : ''}` };
      }
      case 'extern':
        return { ...at, symbol: reloc.extern.name };
      case 'call':
        return { ...at, symbol: symbolAt(reloc.section, reloc.offset + ((f.insns[reloc.insn]?.imm ?? 0) + 1) * 8) };
      case 'func':
        return { ...at, symbol: symbolAt(reloc.section, reloc.offset + (f.insns[reloc.insn]?.imm ?? 0)) };
    }
  }

  #core(): InspectedCore[] {
    const { btf, btfExt, functions } = this.#model;
    if (!btf || !btfExt) return [];
    const kernel = this.#target.coreBtf ?? this.#target.btf;
    const resolver = kernel ? new CoreResolver(btf, kernel) : undefined;
    const out: InspectedCore[] = [];
    for (const [section, relos] of btfExt.core) {
      const inSection = functions.filter((f) => f.rawSectionName === section).sort((a, b) => a.start - b.start);
      for (const relo of relos) {
        const insn = relo.insnOff / 8;
        const f = inSection.findLast((g) => g.start <= insn);
        if (f) out.push(this.#coreOne(btf, resolver, f, insn - f.start, relo));
      }
    }
    return out;
  }

  #coreOne(
    btf: Btf,
    resolver: CoreResolver | undefined,
    f: FunctionDef,
    insn: number,
    relo: ExtCoreRelo,
  ): InspectedCore {
    const kind = CORE_KINDS[relo.kind];
    const at = {
      function: f.name,
      insn,
      kind: kind ?? String(relo.kind),
      target: null,
      from: null,
      to: null,
      problem: null,
    };
    try {
      if (!kind) throw new CoreError(`relocation kind ${relo.kind} is unknown`);
      if (!resolver) return { ...at, local: formatSpec(parseSpec(btf, relo.typeId, relo.access, kind)) };
      const decision: CoreDecision = resolver.decide(relo);
      return {
        ...at,
        local: decision.local,
        target: decision.target ?? null,
        from: decision.oldValue === undefined ? null : toPlain(decision.oldValue),
        to: decision.newValue === undefined ? null : toPlain(decision.newValue),
      };
    } catch (error) {
      return { ...at, local: `type [${relo.typeId}] ${relo.access}`, problem: message(error) };
    }
  }
}

/**
 * Describes an opened object.
 *
 * @param target the kernel to resolve against; without its BTF, CO-RE relocations show the object's side only
 */
export function inspectObject(model: ObjectModel, target: Target = {}): Inspection {
  checkArgument('model', model, isModel);
  checkArgument('target', target, is.object);
  return new Inspector(model, target).run();
}
