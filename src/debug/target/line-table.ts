/**
 * The C lines of images for gdb (DWARF 4, 6.2 and 3.1): a unit for each function of a program, with its name and its line
 * table. Lines are those of BTF, at the machine code that the JIT made of them.
 */
import { type Addr, addrToBigInt } from '../../machine/addr.ts';
import type { Programs } from '../program/programs.ts';
import { Bytes } from './bytes.ts';

interface Row {
  readonly pc: number;
  readonly line: number;
}
interface LinedFunction {
  readonly name: string;
  readonly file: string;
  readonly address: Addr;
  readonly bytes: number;
  readonly rows: readonly Row[];
}

const DW_LANG_C11 = 0x1d;
/** abbreviations: a unit, and a function in it */
const UNIT = 1;
const FUNCTION = 2;

/** `.debug_info` and what it refers to. */
export function lineTables(programs: Programs): { readonly name: string; readonly data: Uint8Array }[] {
  const info = new Bytes();
  const lines = new Bytes();
  for (const f of linedFunctions(programs)) {
    info.entry(unit(f, lines.length));
    lines.entry(lineProgram(f));
  }
  return [
    { name: '.debug_info', data: info.done() },
    { name: '.debug_abbrev', data: abbreviations() },
    { name: '.debug_line', data: lines.done() },
  ];
}

function* linedFunctions(programs: Programs): IterableIterator<LinedFunction> {
  for (const program of programs.list) {
    for (const [n, func] of program.view.functions.entries()) {
      const first = program.line(func.start);
      if (first === undefined) continue;
      const rows: Row[] = [{ pc: 0, line: first.line }];
      for (let slot = func.start; slot < func.end; slot++) {
        const line = program.line(slot);
        const pc = func.offsets[slot - func.start] as number;
        // lines of another file (a header's, inlined) are shown as the line before
        if (line === undefined || line.file !== first.file) continue;
        if (rows.at(-1)?.line !== line.line || slot === func.start) rows.push({ pc, line: line.line });
      }
      const own = n === 0 ? program.name : func.name.replace(/^bpf_prog_[0-9a-f]{16}_/, '');
      yield { name: own, file: first.file, address: func.address, bytes: func.bytes.length, rows };
    }
  }
}

function unit(f: LinedFunction, lines: number): Bytes {
  const out = new Bytes();
  out.u16(4);
  out.u32(0);
  out.u8(8);
  out.uleb(UNIT);
  out.string(f.file);
  out.string('.');
  out.u8(DW_LANG_C11);
  out.u64(addrToBigInt(f.address));
  out.u64(BigInt(f.bytes));
  out.u32(lines);
  out.uleb(FUNCTION);
  out.string(f.name);
  out.u64(addrToBigInt(f.address));
  out.u64(BigInt(f.bytes));
  out.u8(0);
  return out;
}

/** DW_TAG, whether it has children, then DW_AT and DW_FORM by pairs. */
function abbreviations(): Uint8Array {
  const out = new Bytes();
  // name, comp_dir: string; language: data1; low_pc: addr; high_pc: data8; stmt_list: sec_offset
  out.u8(UNIT, 0x11, 1, 0x03, 0x08, 0x1b, 0x08, 0x13, 0x0b, 0x11, 0x01, 0x12, 0x07, 0x10, 0x17, 0, 0);
  // name, low_pc, high_pc
  out.u8(FUNCTION, 0x2e, 0, 0x03, 0x08, 0x11, 0x01, 0x12, 0x07, 0, 0, 0);
  return out.done();
}

const LNS = { copy: 1, advancePc: 2, advanceLine: 3 } as const;
const LNE = { endSequence: 1, setAddress: 2 } as const;
/** operands of the standard opcodes 1 to 12 */
const OPERANDS = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];

function lineProgram(f: LinedFunction): Bytes {
  const header = new Bytes();
  // one byte an instruction, one operation each, every row a statement; special opcodes are not used
  header.u8(1, 1, 1, 0xfb, 14, OPERANDS.length + 1, ...OPERANDS, 0);
  header.string(f.file);
  header.u8(0, 0, 0, 0);
  const out = new Bytes();
  out.u16(4);
  out.entry(header);
  out.u8(0, 9, LNE.setAddress);
  out.u64(addrToBigInt(f.address));
  let pc = 0;
  let line = 1;
  for (const row of f.rows) {
    out.u8(LNS.advancePc);
    out.uleb(row.pc - pc);
    out.u8(LNS.advanceLine);
    out.sleb(row.line - line);
    out.u8(LNS.copy);
    pc = row.pc;
    line = row.line;
  }
  out.u8(LNS.advancePc);
  out.uleb(f.bytes - pc);
  out.u8(0, 1, LNE.endSequence);
  return out;
}
