/**
 * Relocating: each program as the kernel will be given it, but for the numbers that only the kernel
 * has. Maps stay named in {@link RelocatedProgram.refs} until they have file descriptors.
 */
import { BtfError, type ExtCoreRelo, type ExtFuncInfo, type ExtLineInfo } from '../btf/index.ts';
import {
  BPF_CALL,
  BPF_JMP,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  INSN_SIZE,
  type Insn,
  insn as makeInsn,
} from '../isa/index.ts';
import { CoreError } from './core/kinds.ts';
import { patch } from './core/patch.ts';
import { type CoreDecision, CoreResolver } from './core/resolve.ts';
import { ObjectError } from './error.ts';
import { FunctionIndex } from './functions.ts';
import { type LinkedPart, link } from './link.ts';
import type { CodeReloc, ExternDef, FunctionDef, MapDef, ObjectModel, ProgramDef } from './model.ts';
import { isCall } from './relocs.ts';
import { type ResolvedKsym, resolveKsym, type Target } from './target.ts';

/** Numbers in calls that stand for what is not there, as libbpf marks them for its error messages. */
export const POISON_MAP = 2001000000;
export const POISON_KFUNC = 2002000000;

/** An instruction whose immediate is a map's file descriptor. */
export interface MapRef {
  readonly insn: number;
  readonly map: MapDef;
  /** true: the second slot is an offset in the map's value */
  readonly value: boolean;
}

export interface AppliedCore {
  /** instruction in its function */
  readonly insn: number;
  readonly function: string;
  readonly decision: CoreDecision;
}

export interface RelocatedProgram {
  readonly program: ProgramDef;
  /** map file descriptors are 0 */
  readonly insns: Insn[];
  readonly refs: readonly MapRef[];
  readonly parts: readonly LinkedPart[];
  /** `insnOff` counts instructions, as bpf(2) has it */
  readonly funcInfo: readonly ExtFuncInfo[];
  readonly lineInfo: readonly ExtLineInfo[];
  readonly core: readonly AppliedCore[];
}

const sorted = new WeakMap<readonly unknown[], readonly unknown[]>();

/** Records between two byte offsets of a section, in order. */
function within<T extends { readonly insnOff: number }>(
  records: readonly T[],
  first: number,
  end: number,
): readonly T[] {
  let all = sorted.get(records) as readonly T[] | undefined;
  if (!all) {
    all = [...records].sort((a, b) => a.insnOff - b.insnOff);
    sorted.set(records, all);
  }
  let low = 0;
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((all[middle] as T).insnOff < first) low = middle + 1;
    else high = middle;
  }
  let stop = low;
  while (stop < all.length && (all[stop] as T).insnOff < end) stop++;
  return all.slice(low, stop);
}

/** Relocates the programs of one object for one kernel. */
export class Relocator {
  readonly #object: ObjectModel;
  readonly #target: Target;
  readonly #index: FunctionIndex;
  #resolver: CoreResolver | undefined;
  readonly #core = new Map<FunctionDef, { insns: readonly Insn[]; applied: AppliedCore[] }>();
  readonly #ksyms = new Map<ExternDef, ResolvedKsym>();

  constructor(object: ObjectModel, target: Target) {
    this.#object = object;
    this.#target = target;
    this.#index = new FunctionIndex(object.functions);
  }

  /** What an extern of `.ksyms` is in the target. @throws ObjectError */
  ksym(extern: ExternDef): ResolvedKsym {
    const known = this.#ksyms.get(extern) ?? resolveKsym(this.#object, extern, this.#target);
    this.#ksyms.set(extern, known);
    return known;
  }

  /** One program. @throws ObjectError */
  relocate(program: ProgramDef): RelocatedProgram {
    const callback = program.exceptionCallback;
    const tail = callback === undefined ? undefined : this.#object.functions.find((f) => f.name === callback);
    if (callback !== undefined && !tail)
      throw new ObjectError(
        this.#object.file,
        `program '${program.name}'`,
        `its exception callback '${callback}' is not in the object`,
      );
    const main = this.#index.at(program.section, program.start) ?? program;
    const { insns, parts } = link(this.#object.file, this.#index, main, (f) => this.#withCore(f).insns, tail);
    const refs: MapRef[] = [];
    for (const part of parts) for (const reloc of part.function.relocs) this.#apply(insns, part, reloc, refs);
    return {
      program,
      insns,
      refs,
      parts,
      funcInfo: this.#records(this.#object.btfExt?.funcs, parts),
      lineInfo: this.#records(this.#object.btfExt?.lines, parts),
      core: parts.flatMap((part) => this.#withCore(part.function).applied),
    };
  }

  /** A function's instructions with CO-RE done. */
  #withCore(f: FunctionDef): { insns: readonly Insn[]; applied: AppliedCore[] } {
    const known = this.#core.get(f);
    if (known) return known;
    const first = f.start * INSN_SIZE;
    const end = first + f.insns.length * INSN_SIZE;
    const relos = within(this.#coreRelos(f), first, end);
    const insns = relos.length === 0 ? f.insns : [...f.insns];
    const applied = relos.map((relo) => {
      const at = relo.insnOff / INSN_SIZE - f.start;
      const decision = this.#decide(f, at, relo);
      try {
        patch(insns as Insn[], at, decision);
      } catch (error) {
        throw this.#coreError(f, at, error);
      }
      return { insn: at, function: f.name, decision };
    });
    const result = { insns, applied };
    this.#core.set(f, result);
    return result;
  }

  #coreRelos(f: FunctionDef): readonly ExtCoreRelo[] {
    return this.#object.btfExt?.core.get(f.rawSectionName) ?? [];
  }

  #decide(f: FunctionDef, at: number, relo: ExtCoreRelo): CoreDecision {
    if (relo.insnOff % INSN_SIZE !== 0) throw this.#coreError(f, at, new CoreError('it is at no instruction'));
    if (!this.#resolver) {
      const kernel = this.#target.coreBtf ?? this.#target.btf;
      if (this.#object.btf && kernel) this.#resolver = new CoreResolver(this.#object.btf, kernel);
    }
    if (!this.#resolver)
      throw this.#coreError(f, at, new CoreError("the kernel's BTF is not known; give it with --btf"));
    try {
      return this.#resolver.decide(relo);
    } catch (error) {
      throw this.#coreError(f, at, error);
    }
  }

  #coreError(f: FunctionDef, at: number, error: unknown): unknown {
    if (!(error instanceof CoreError || error instanceof BtfError)) return error;
    return new ObjectError(
      this.#object.file,
      `function '${f.name}'`,
      `CO-RE relocation of instruction ${at}: ${error.message}`,
    );
  }

  #apply(insns: Insn[], part: LinkedPart, reloc: CodeReloc, refs: MapRef[]): void {
    const at = part.start + reloc.insn;
    const insn = insns[at] as Insn;
    switch (reloc.kind) {
      case 'call':
      case 'func':
        return;
      case 'map':
      case 'data':
        this.#mapRef(insns, at, reloc.map, reloc.kind === 'data' ? insn.imm + reloc.offset : undefined, refs);
        return;
      case 'extern':
        if (reloc.extern.kind === 'kconfig') {
          const map = this.#object.maps.find((m) => m.origin === 'kconfig') as MapDef;
          this.#mapRef(insns, at, map, reloc.extern.offset, refs);
        } else if (isCall(insn)) this.#kfunc(insns, at, reloc.extern);
        else this.#ksymLoad(insns, at, reloc.extern);
    }
  }

  #mapRef(insns: Insn[], at: number, map: MapDef, offset: number | undefined, refs: MapRef[]): void {
    const first = insns[at] as Insn;
    const second = insns[at + 1];
    if (!second)
      throw new ObjectError(this.#object.file, `map '${map.realName}'`, `the load at instruction ${at} is cut off`);
    if (!map.autocreate) {
      const call = makeInsn(BPF_JMP | BPF_CALL, 0, 0, 0, POISON_MAP + this.#object.maps.indexOf(map));
      insns[at] = call;
      insns[at + 1] = { ...call };
      return;
    }
    insns[at] = { ...first, src: offset === undefined ? BPF_PSEUDO_MAP_FD : BPF_PSEUDO_MAP_VALUE, imm: 0 };
    if (offset !== undefined) insns[at + 1] = { ...second, imm: offset | 0 };
    refs.push({
      insn: at,
      map: this.#object.maps.find((m) => m === map || (m.name === map.name && m.section === map.section)) ?? map,
      value: offset !== undefined,
    });
  }

  #kfunc(insns: Insn[], at: number, extern: ExternDef): void {
    const insn = insns[at] as Insn;
    const found = this.ksym(extern);
    if (found.kind === 'btf') insns[at] = { ...insn, src: BPF_PSEUDO_KFUNC_CALL, imm: found.id, off: 0 };
    else insns[at] = makeInsn(BPF_JMP | BPF_CALL, 0, 0, 0, POISON_KFUNC + this.#object.externs.indexOf(extern));
  }

  #ksymLoad(insns: Insn[], at: number, extern: ExternDef): void {
    const insn = insns[at] as Insn;
    const second = insns[at + 1] as Insn;
    const found = this.ksym(extern);
    const value = found.kind === 'btf' ? BigInt(found.id) : found.kind === 'address' ? found.address : 0n;
    insns[at] = {
      ...insn,
      src: found.kind === 'btf' ? BPF_PSEUDO_BTF_ID : insn.src,
      imm: Number(BigInt.asIntN(32, value)),
    };
    insns[at + 1] = { ...second, imm: Number(BigInt.asIntN(32, value >> 32n)) };
  }

  /** Function or line records of the parts, by instruction of the program. */
  #records<T extends { readonly insnOff: number }>(
    all: ReadonlyMap<string, readonly T[]> | undefined,
    parts: readonly LinkedPart[],
  ): T[] {
    const out: T[] = [];
    for (const part of parts) {
      const f = part.function;
      const first = f.start * INSN_SIZE;
      const end = first + f.insns.length * INSN_SIZE;
      const mine = within(all?.get(f.rawSectionName) ?? [], first, end);
      // The kernel wants records of all functions or of none.
      if (mine.length === 0) return [];
      for (const record of mine)
        out.push({ ...record, insnOff: Math.floor((record.insnOff - first) / INSN_SIZE) + part.start });
    }
    return out;
  }
}
