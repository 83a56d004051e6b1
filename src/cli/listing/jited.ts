/**
 * `dump jited`: the machine code, each C line above its instructions. By default a line has address,
 * offset, bytes and instruction; with --opcodes it has the form of `bpftool prog dump jited opcodes`.
 */
import { disassemble, type Insn, LD_IMM64, readInsns, xlatedImm } from '../../isa/index.ts';
import { formatAddr } from '../../machine/addr.ts';
import { decode, formatInsn } from '../../x86/index.ts';
import { hexBytes } from '../style.ts';
import { type SourceLine, sourceText } from './source.ts';
import type { LoadedView, PlacedFunction } from './view.ts';
import type { ListingOptions } from './xlated.ts';

export interface JitedOptions extends ListingOptions {
  readonly syntax: 'att' | 'intel';
  readonly bpf?: boolean;
}

export interface JitedLine {
  /** offset in the function */
  readonly pc: number;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** BPF instructions that begin here, and what begins with them; those without machine code stand together */
  readonly begins: readonly { readonly slot: number; readonly text: string; readonly source: SourceLine | undefined }[];
}

/** Widest instruction that the JIT emits: movabs. */
const BYTES_COLUMN = 30;

export function jitedLines(view: LoadedView, func: PlacedFunction, syntax: 'att' | 'intel'): JitedLine[] {
  const insns = readInsns(view.xlated);
  const slots: number[] = [];
  for (let slot = func.start; slot < func.end; slot++) {
    slots.push(slot);
    if ((insns[slot] as Insn).code === LD_IMM64) slot++;
  }
  const lines: JitedLine[] = [];
  let next = 0;
  for (let pc = 0; pc < func.bytes.length; ) {
    const x86 = decode(func.bytes, pc);
    const length = x86.row < 0 ? 1 : x86.length;
    const begins: JitedLine['begins'][number][] = [];
    while (next < slots.length && startOf(func, slots[next] as number) <= pc) {
      const slot = slots[next++] as number;
      const text = disassemble(insns[slot] as Insn, insns[slot + 1], { imm: xlatedImm, call: view.callName });
      begins.push({ slot, text, source: view.at(slot).source });
    }
    const text = formatInsn(x86, { syntax, address: func.address + pc, symbol: view.symbol });
    lines.push({ pc, bytes: func.bytes.subarray(pc, pc + length), text, begins });
    pc += length;
  }
  return lines;
}

/** The first instruction's line stands above the prologue, as the kernel's jited_line_info has it. */
const startOf = (func: PlacedFunction, slot: number): number =>
  slot === func.start ? 0 : (func.offsets[slot - func.start] ?? 0);

export function jitedText(view: LoadedView, options: JitedOptions): string {
  const out: string[] = [];
  for (const func of view.functions) {
    const signature = view.at(func.start).signature;
    if (signature) out.push(`${signature}:`);
    out.push(`${func.name}:`);
    for (const line of jitedLines(view, func, options.syntax)) {
      for (const { slot, text, source } of line.begins) {
        if (source) out.push(sourceText(source, options.linum ?? false));
        if (options.bpf) out.push(`${String(slot).padStart(4)}: ${text}`);
      }
      out.push(...insnLines(line, func, options.opcodes ?? false));
    }
    out.push('');
  }
  return `${out.join('\n')}\n`;
}

function insnLines(line: JitedLine, func: PlacedFunction, opcodes: boolean): string[] {
  const pc = line.pc.toString(16);
  const text = line.text.trimEnd();
  if (opcodes) return [`${pc.padStart(4)}:\t${text}`, `\t${hexBytes(line.bytes)} `];
  return [
    `${formatAddr(func.address + line.pc)} ${pc.padStart(5)}:\t${hexBytes(line.bytes).padEnd(BYTES_COLUMN)}  ${text}`,
  ];
}

/** The same for machines. */
export function jitedModel(view: LoadedView, syntax: 'att' | 'intel') {
  return view.functions.map((func) => ({
    name: func.name,
    signature: view.at(func.start).signature,
    address: `0x${formatAddr(func.address)}`,
    insns: jitedLines(view, func, syntax).map((line) => ({
      pc: `0x${line.pc.toString(16)}`,
      bytes: Buffer.from(line.bytes).toString('hex'),
      text: line.text,
      bpf: line.begins.map((b) => ({ slot: b.slot, text: b.text })),
      source: line.begins.findLast((b) => b.source)?.source,
    })),
  }));
}
