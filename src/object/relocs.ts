/** Relocations of code: what each refers to (Linux 6.12 Documentation/bpf/llvm_reloc.rst). */
import { type ElfFile, type ElfRelocation, type ElfSection, SHN_LORESERVE } from '../elf/index.ts';
import { BPF_CALL, BPF_DW, BPF_IMM, BPF_JMP, BPF_LD, BPF_PSEUDO_CALL, INSN_SIZE, type Insn } from '../isa/index.ts';
import { ObjectError } from './error.ts';
import { type FunctionIndex, isCode } from './functions.ts';
import type { CodeReloc, ExternDef, FunctionDef, MapDef } from './model.ts';

export const isCall = (insn: Insn): boolean => insn.code === (BPF_JMP | BPF_CALL);
export const isWideLoad = (insn: Insn): boolean => insn.code === (BPF_LD | BPF_IMM | BPF_DW);

/** Everything that a symbol may stand for. */
export interface Targets {
  readonly functions: FunctionIndex;
  readonly maps: readonly MapDef[];
  readonly externs: readonly ExternDef[];
  /** `.addr_space.1`, the arena's variables */
  readonly arenaSection: number;
}

class MapLookup {
  readonly #definitions = new Map<string, MapDef>();
  readonly #sections = new Map<number, MapDef>();
  readonly definitionSections = new Set<number>();

  constructor(targets: Targets) {
    for (const map of targets.maps) {
      if (map.origin === 'btf' || map.origin === 'legacy') {
        this.#definitions.set(`${map.section}:${map.offset}`, map);
        this.definitionSections.add(map.section);
      } else if (map.origin === 'data' || map.origin === 'rodata' || map.origin === 'bss') {
        this.#sections.set(map.section, map);
      } else if (map.origin === 'arena' && targets.arenaSection > 0) {
        this.#sections.set(targets.arenaSection, map);
      }
    }
  }

  defined(section: number, offset: number): MapDef | undefined {
    return this.#definitions.get(`${section}:${offset}`);
  }

  data(section: number): MapDef | undefined {
    return this.#sections.get(section);
  }
}

/** Attaches to each function the relocations of its instructions. @throws ObjectError */
export function collectRelocs(file: string, elf: ElfFile, targets: Targets): void {
  const maps = new MapLookup(targets);
  const externs = new Map(targets.externs.map((e) => [e.symbol, e]));
  for (const section of elf.sections) {
    if (!isCode(section)) continue;
    for (const relocations of elf.relocationSections(section)) {
      for (const relocation of elf.relocations(relocations)) {
        const name = elf.symbolName(relocation.symbol);
        const where = `section ${section.name}`;
        if (relocation.offset % INSN_SIZE !== 0 || relocation.offset >= section.size) {
          throw new ObjectError(
            file,
            where,
            `the relocation of '${name}' at ${relocation.offset} is at no instruction`,
          );
        }
        const at = relocation.offset / INSN_SIZE;
        const f = targets.functions.at(section.index, at);
        if (!f)
          throw new ObjectError(file, where, `the relocation of '${name}' at instruction ${at} is in no function`);
        f.relocs.push(classify(file, elf, maps, externs, f, at - f.start, relocation));
      }
    }
  }
}

function classify(
  file: string,
  elf: ElfFile,
  maps: MapLookup,
  externs: ReadonlyMap<number, ExternDef>,
  f: FunctionDef,
  at: number,
  relocation: ElfRelocation,
): CodeReloc {
  const { symbol } = relocation;
  const name = elf.symbolName(symbol);
  const fail = (message: string): ObjectError =>
    new ObjectError(file, `function '${f.name}'`, `instruction ${at}: ${message}`);
  const insn = f.insns[at] as Insn;
  if (!isCall(insn) && !(isWideLoad(insn) && at + 1 < f.insns.length)) {
    throw fail(
      `a relocation of '${name}' on opcode 0x${insn.code.toString(16)}, which is neither a call nor a 64-bit load`,
    );
  }
  const extern = externs.get(symbol.index);
  if (extern) return { kind: 'extern', insn: at, extern };
  const section = symbol.section > 0 && symbol.section < SHN_LORESERVE ? elf.sections[symbol.section] : undefined;
  if (!section)
    throw fail(
      `'${name}' is in special section 0x${symbol.section.toString(16)}; is a global variable not initialised?`,
    );
  const offset = symbol.value + (relocation.addend ?? 0);
  if (isCall(insn)) {
    if (insn.src !== BPF_PSEUDO_CALL) throw fail(`a call of '${name}' that is not of a BPF function`);
    if (!isCode(section)) throw fail(`a call of '${name}' in section ${section.name}, which holds no code`);
    if (offset % INSN_SIZE !== 0) throw fail(`a call of '${name}' at offset ${offset}, inside an instruction`);
    return { kind: 'call', insn: at, section: section.index, offset };
  }
  if (isCode(section)) {
    if (offset % INSN_SIZE !== 0 || insn.imm % INSN_SIZE !== 0)
      throw fail(`the address of '${name}' at offset ${offset}+${insn.imm}, inside an instruction`);
    return { kind: 'func', insn: at, section: section.index, offset };
  }
  const data = maps.data(section.index);
  if (data) return { kind: 'data', insn: at, map: data, offset };
  const map = maps.defined(section.index, symbol.value);
  if (map) return { kind: 'map', insn: at, map };
  if (maps.definitionSections.has(section.index))
    throw fail(`no map is at offset ${symbol.value} of section ${section.name} ('${name}')`);
  throw fail(
    `'${name}' is in section ${section.name}, which holds neither maps nor data that programs can reach${dataHint(section)}`,
  );
}

function dataHint(section: ElfSection): string {
  return section.name.startsWith('.') ? '' : '; global variables go to .data, .rodata or .bss and their named variants';
}
