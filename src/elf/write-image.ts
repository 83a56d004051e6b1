/**
 * Writes an executable of sections at their addresses, with symbols and whatever a debugger reads besides: what tells
 * gdb of text that lies in a machine already. It has no segments, for nothing loads it.
 */
import {
  EM_X86_64,
  ET_EXEC,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHT_NOBITS,
  SHT_NULL,
  SHT_PROGBITS,
  SHT_STRTAB,
  SHT_SYMTAB,
  SYMBOL_SIZE,
} from './constants.ts';
import { layOut, type OutputSection, Strings } from './output.ts';

export interface ImageSymbol {
  readonly name: string;
  readonly address: bigint;
  readonly size: number;
  readonly exec: boolean;
}

export interface ImageSection {
  readonly name: string;
  readonly address: bigint;
  readonly size: number;
  readonly exec: boolean;
  /** unset: nothing of it is in the file */
  readonly data?: Uint8Array;
  readonly symbols: readonly ImageSymbol[];
}

const STB_GLOBAL = 1;
const STT_OBJECT = 1;
const STT_FUNC = 2;

/** `notes`: sections that are not in memory, `.debug_line` and its like. The file's bytes. */
export function writeImage(
  inputs: readonly ImageSection[],
  notes: readonly { readonly name: string; readonly data: Uint8Array }[] = [],
): Uint8Array {
  const strings = new Strings();
  const plain = { link: 0, info: 0, entsize: 0 };
  const none = new Uint8Array(0);
  const sections: OutputSection[] = [
    { ...plain, name: '', type: SHT_NULL, flags: 0, data: none, align: 0 },
    ...inputs.map((s) => ({
      ...plain,
      name: s.name,
      type: s.data === undefined ? SHT_NOBITS : SHT_PROGBITS,
      flags: SHF_ALLOC | (s.exec ? SHF_EXECINSTR : SHF_WRITE),
      data: s.data ?? none,
      address: s.address,
      size: s.size,
      align: 16,
    })),
    ...notes.map(({ name, data }) => ({ ...plain, name, type: SHT_PROGBITS, flags: 0, data, align: 1 })),
  ];
  const table = { name: '.symtab', type: SHT_SYMTAB, flags: 0, link: sections.length + 1, info: 1, align: 8 };
  sections.push({ ...table, data: symbolTable(inputs, strings), entsize: SYMBOL_SIZE });
  sections.push({ ...plain, name: '.strtab', type: SHT_STRTAB, flags: 0, data: none, align: 1 });
  return layOut(sections, strings, { type: ET_EXEC, machine: EM_X86_64 });
}

function symbolTable(inputs: readonly ImageSection[], strings: Strings): Uint8Array {
  const count = inputs.reduce((sum, s) => sum + s.symbols.length, 1);
  const bytes = new Uint8Array(count * SYMBOL_SIZE);
  const view = new DataView(bytes.buffer);
  let at = SYMBOL_SIZE;
  for (const [n, { symbols }] of inputs.entries()) {
    for (const symbol of symbols) {
      view.setUint32(at, strings.add(symbol.name), true);
      view.setUint8(at + 4, (STB_GLOBAL << 4) | (symbol.exec ? STT_FUNC : STT_OBJECT));
      view.setUint16(at + 6, n + 1, true);
      view.setBigUint64(at + 8, symbol.address, true);
      view.setBigUint64(at + 16, BigInt(symbol.size), true);
      at += SYMBOL_SIZE;
    }
  }
  return bytes;
}
