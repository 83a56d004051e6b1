/** Functions of the executable sections, and which of them are programs. */

import { type ElfFile, type ElfSection, type ElfSymbol, SHF_EXECINSTR, SHT_PROGBITS } from '../elf/index.ts';
import { INSN_SIZE, type Insn, readInsns } from '../isa/index.ts';
import { attachType, BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS, progType } from '../uapi/index.ts';
import { ObjectError } from './error.ts';
import type { FunctionDef, ProgramDef } from './model.ts';
import { matchSection } from './sections.ts';

export const isCode = (section: ElfSection): boolean =>
  section.type === SHT_PROGBITS && (section.flags & SHF_EXECINSTR) !== 0;

/** Labels inside functions that old LLVM left in the symbol table. */
const LABEL = /^(LBB|\.L)/;

/**
 * Symbols of functions. LLVM before 7 gave them neither type nor size: in a section without a typed
 * one, each untyped symbol that is no label is a function that lasts until the next.
 */
function functionSymbols(elf: ElfFile, sections: ReadonlyMap<number, unknown>): ElfSymbol[] {
  const typed = new Set(elf.symbols.filter((s) => s.type === 'func').map((s) => s.section));
  const untyped = new Map<number, ElfSymbol[]>();
  const out: ElfSymbol[] = [];
  for (const symbol of elf.symbols) {
    if (!sections.has(symbol.section)) continue;
    if (symbol.type === 'func') out.push(symbol);
    if (typed.has(symbol.section) || symbol.type !== 'notype' || symbol.name === '' || LABEL.test(symbol.name))
      continue;
    const list = untyped.get(symbol.section);
    if (list) list.push(symbol);
    else untyped.set(symbol.section, [symbol]);
  }
  for (const [section, symbols] of untyped) {
    symbols.sort((a, b) => a.value - b.value);
    symbols.forEach((symbol, n) => {
      const end = symbols[n + 1]?.value ?? (elf.sections[section] as ElfSection).size;
      out.push({ ...symbol, binding: 'global', size: Math.max(0, end - symbol.value) });
    });
  }
  return out;
}

/** Functions by symbol, sections in the file's order and symbols in the table's. @throws ObjectError */
export function collectFunctions(file: string, elf: ElfFile): FunctionDef[] {
  const bySection = new Map<number, FunctionDef[]>();
  // Aliases share their instructions, which are never changed in place.
  const shared = new Map<string, Insn[]>();
  for (const section of elf.sections) if (isCode(section) && section.size > 0) bySection.set(section.index, []);
  for (const symbol of functionSymbols(elf, bySection)) {
    const out = bySection.get(symbol.section) as FunctionDef[];
    const section = elf.sections[symbol.section] as ElfSection;
    const where = `function '${symbol.name}' of section ${section.name}`;
    if (symbol.value + symbol.size > section.size)
      throw new ObjectError(file, where, `${symbol.size} bytes at ${symbol.value} cross the section's end`);
    if (symbol.value % INSN_SIZE !== 0 || symbol.size % INSN_SIZE !== 0)
      throw new ObjectError(file, where, `${symbol.size} bytes at ${symbol.value} are not whole instructions`);
    if (symbol.size === 0) throw new ObjectError(file, where, 'it has no instructions');
    const key = `${symbol.section}:${symbol.value}:${symbol.size}`;
    const insns = shared.get(key) ?? readInsns(section.data.subarray(symbol.value, symbol.value + symbol.size));
    shared.set(key, insns);
    out.push({
      name: symbol.name,
      section: section.index,
      sectionName: section.name.replace(/^\?/, ''),
      rawSectionName: section.name,
      start: symbol.value / INSN_SIZE,
      insns,
      binding: symbol.binding === 'global' || symbol.binding === 'weak' ? symbol.binding : 'local',
      hidden: symbol.binding !== 'local' && (symbol.visibility === 'hidden' || symbol.visibility === 'internal'),
      relocs: [],
    });
  }
  // Many symbols over the same bytes would multiply a small file: real ones do not overlap.
  for (const functions of bySection.values()) {
    const sorted = [...functions].sort((a, b) => a.start - b.start);
    sorted.forEach((f, n) => {
      const next = sorted[n + 1];
      if (next && next.start < f.start + f.insns.length && next.insns !== f.insns)
        throw new ObjectError(
          file,
          `function '${f.name}' of section ${f.rawSectionName}`,
          `it overlaps '${next.name}'`,
        );
    });
  }
  return [...bySection.values()].flat();
}

/** Functions by section and instruction. */
export class FunctionIndex {
  readonly #bySection = new Map<number, FunctionDef[]>();

  constructor(functions: readonly FunctionDef[]) {
    for (const f of functions) {
      const known = this.#bySection.get(f.section);
      if (known) known.push(f);
      else this.#bySection.set(f.section, [f]);
    }
    for (const list of this.#bySection.values()) list.sort((a, b) => a.start - b.start);
  }

  /** The function that holds instruction `insn` of a section. */
  at(section: number, insn: number): FunctionDef | undefined {
    const list = this.#bySection.get(section);
    if (!list) return undefined;
    let low = 0;
    let high = list.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((list[middle] as FunctionDef).start <= insn) low = middle;
      else high = middle - 1;
    }
    const found = list[low] as FunctionDef;
    return insn >= found.start && insn < found.start + found.insns.length ? found : undefined;
  }
}

/** Makes a program of a function, by its section's name, or by the one that it should have had. */
export function asProgram(
  f: FunctionDef,
  exceptionCallback: string | undefined,
  sectionName: string = f.sectionName,
): ProgramDef {
  const match = matchSection(sectionName);
  let flags = 0;
  if (match?.rule.sleepable) flags |= BPF_F_SLEEPABLE;
  if (match?.rule.frags) flags |= BPF_F_XDP_HAS_FRAGS;
  return {
    ...f,
    match,
    type: match ? progType(match.rule.type) : 0,
    expectedAttachType: match?.rule.attachType ? attachType(match.rule.attachType) : 0,
    flags,
    target: match?.target,
    autoload: !f.rawSectionName.startsWith('?'),
    exceptionCallback,
  };
}

/**
 * Which functions are programs: those outside `.text` (a static one only where nothing calls it), or,
 * in an object with nothing but `.text`, its global functions.
 *
 * @param called functions that some call or callback refers to
 * @param exceptionCallbacks name of a program's, by program
 */
export function choosePrograms(
  functions: readonly FunctionDef[],
  called: ReadonlySet<FunctionDef>,
  exceptionCallbacks: ReadonlyMap<string, string>,
  warn: (message: string) => void,
): ProgramDef[] {
  const outside = functions.filter((f) => f.rawSectionName !== '.text');
  const candidates = outside.length > 0 ? outside : functions;
  const programs: ProgramDef[] = [];
  for (const f of candidates) {
    if (f.binding === 'local' && (called.has(f) || outside.length === 0)) continue;
    const program = asProgram(f, exceptionCallbacks.get(f.name));
    programs.push(program);
    if (f.binding === 'local')
      warn(
        `program '${f.name}' of section ${f.rawSectionName} is static: libbpf refuses such, it is taken as a program here`,
      );
    if (program.match?.legacy) {
      warn(
        `section ${f.rawSectionName}: libbpf 1.0 and later do not know this name; taken as SEC("${program.match.rule.pattern.replace('+', '')}") as libbpf 0.x did`,
      );
    }
  }
  return programs;
}
