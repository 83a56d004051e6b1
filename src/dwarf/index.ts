/** DWARF of BPF objects, as far as a debugger needs it: which variables there are at an instruction, of what type, and where. */
import type { Btf } from '../btf/index.ts';
import type { ElfFile } from '../elf/index.ts';
import { AT, TAG } from './constants.ts';
import { type Attribute, type Die, readUnits, type Unit } from './die.ts';
import { type Location, locate, type Machine } from './expression.ts';
import { contains, locations, type Range, rangesOf } from './lists.ts';
import { DebugSections, type Place } from './sections.ts';
import { DwarfTypes, reference } from './types.ts';

export { DwarfError } from './error.ts';
export type { Location, Machine, Piece } from './expression.ts';
export { contains } from './lists.ts';
export type { Place } from './sections.ts';

/** A copy of a function in the code of another one. */
export interface Inlined {
  readonly function: string;
  /** where it is entered, as far as that is told; else the first of its code */
  readonly entry: Place;
  readonly ranges: readonly Range[];
}

/** A variable or parameter that is in scope. */
export interface Variable {
  readonly name: string;
  readonly isParameter: boolean;
  /** type in {@link Dwarf.btf} */
  readonly type: number;
  /** function that it is of: another than the one that runs where that one was inlined */
  readonly function: string;
  /** where it is at the place it was asked for; undefined: nowhere */
  where(machine: Machine): Location | undefined;
}

/** Which of its unit's files an entry was declared in, by number. */
const fileOf = (die: Die): bigint | undefined => {
  const file = die.attributes.get(AT.decl_file);
  return file?.kind === 'constant' ? file.value : undefined;
};

export class Dwarf {
  readonly #units: readonly Unit[];
  readonly #types: DwarfTypes;
  readonly #dies = new Map<number, Die>();

  /** undefined where the object has no .debug_info. @throws DwarfError where it is damaged */
  static read(elf: ElfFile): Dwarf | undefined {
    const units = readUnits(new DebugSections(elf));
    return units.length === 0 ? undefined : new Dwarf(units);
  }
  private constructor(units: readonly Unit[]) {
    this.#units = units;
    this.#types = new DwarfTypes(units);
    const visit = (die: Die): void => {
      this.#dies.set(die.offset, die);
      for (const child of die.children) visit(child);
    };
    for (const unit of units) visit(unit.root);
  }

  /** The types of variables. */
  get btf(): Btf {
    return this.#types.btf;
  }

  /** Variables in scope at a place in code, those of the innermost block first. */
  variables(at: Place): Variable[] {
    for (const unit of this.#units) {
      for (const die of unit.root.children) {
        if (die.tag !== TAG.subprogram || !rangesOf(unit, die).some((r) => contains(r, at))) continue;
        const out: Variable[] = [];
        this.#collect(unit, die, at, this.#name(die), out);
        return out;
      }
    }
    return [];
  }

  /**
   * Structures, by id in {@link btf}, that variables have or point to, and that the program declares itself: not in the
   * file that has the kernel's (vmlinux.h). One without a name of its own is its typedef.
   */
  ownStructures(): number[] {
    const ids = new Set<number>();
    for (const unit of this.#units) {
      const kernels = unit.root.children.find(
        (die) => die.tag === TAG.structure_type && this.#name(die) === 'task_struct',
      );
      const theirs = kernels && fileOf(kernels);
      const visit = (die: Die): void => {
        const isVariable = die.tag === TAG.variable || die.tag === TAG.formal_parameter;
        const structure = isVariable ? this.#structureOf(die) : undefined;
        if (structure !== undefined && (theirs === undefined || fileOf(structure) !== theirs))
          ids.add(this.#types.id(structure.offset));
        for (const child of die.children) visit(child);
      };
      visit(unit.root);
    }
    return [...ids].filter((id) => id !== 0);
  }
  /** The complete structure that an entry's type is, or points to: itself, or the typedef that names it. */
  #structureOf(die: Die): Die | undefined {
    let at: Die | undefined = die;
    let typedef: Die | undefined;
    for (let depth = 0; depth < 8; depth++) {
      const type = this.#typeOf(at);
      at = type === undefined ? undefined : this.#dies.get(type);
      if (at === undefined) return undefined;
      if (at.tag === TAG.typedef) typedef = at;
      if (at.tag !== TAG.structure_type && at.tag !== TAG.union_type) continue;
      if (!at.attributes.has(AT.byte_size)) return undefined;
      return at.attributes.has(AT.name) ? at : typedef;
    }
    return undefined;
  }

  /** Copies of functions that were inlined, wherever. */
  inlined(): Inlined[] {
    const out: Inlined[] = [];
    const visit = (unit: Unit, die: Die): void => {
      const ranges = die.tag === TAG.inlined_subroutine ? rangesOf(unit, die) : [];
      const first = ranges.toSorted((a, b) => a.start.offset - b.start.offset)[0];
      const entry = die.attributes.get(AT.entry_pc);
      if (first !== undefined)
        out.push({
          function: this.#name(die),
          entry: entry?.kind === 'address' ? entry.place : first.start,
          ranges,
        });
      for (const child of die.children) visit(unit, child);
    };
    for (const unit of this.#units) visit(unit, unit.root);
    return out;
  }

  /** Those of a block, behind those of the blocks in it that hold the place. */
  #collect(unit: Unit, block: Die, at: Place, name: string, out: Variable[]): void {
    for (const die of block.children) {
      if (die.tag !== TAG.lexical_block && die.tag !== TAG.inlined_subroutine) continue;
      if (!rangesOf(unit, die).some((r) => contains(r, at))) continue;
      this.#collect(unit, die, at, die.tag === TAG.inlined_subroutine ? this.#name(die) : name, out);
    }
    for (const die of block.children) {
      if (die.tag !== TAG.variable && die.tag !== TAG.formal_parameter) continue;
      const own = this.#name(die);
      if (own === '') continue;
      out.push({
        name: own,
        isParameter: die.tag === TAG.formal_parameter,
        type: this.#types.id(this.#typeOf(die)),
        function: name,
        where: (machine) => this.#where(unit, die, at, machine),
      });
    }
  }
  #where(unit: Unit, die: Die, at: Place, machine: Machine): Location | undefined {
    const constant = this.#attribute(die, AT.const_value);
    if (constant?.kind === 'constant') return { kind: 'value', bits: constant.value };
    const here = locations(unit, die.attributes.get(AT.location)).find((l) => l.start === undefined || contains(l, at));
    return here && locate(unit, here.expression, machine);
  }

  /** An attribute of the entry, or of the abstract one that it is an instance of. */
  #attribute(die: Die, at: number, depth = 0): Attribute | undefined {
    const own = die.attributes.get(at);
    if (own !== undefined || depth > 8) return own;
    const origin = reference(die, AT.abstract_origin);
    const abstract = origin === undefined ? undefined : this.#dies.get(origin);
    return abstract && this.#attribute(abstract, at, depth + 1);
  }
  #name(die: Die): string {
    const name = this.#attribute(die, AT.name);
    return name?.kind === 'string' ? name.text : '';
  }
  #typeOf(die: Die): number | undefined {
    const type = this.#attribute(die, AT.type);
    return type?.kind === 'reference' ? type.to : undefined;
  }
}
