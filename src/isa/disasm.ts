/**
 * Instruction text as the kernel prints it: `print_bpf_insn` of Linux 6.12, which the verifier's log
 * and `bpftool prog dump xlated` share. Reserved fields do not change the text.
 */

import { checkArgument } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import { rowOf, wideImm } from './decode.ts';
import type { Insn } from './insn.ts';
import * as op from './opcodes.ts';
import { type InsnRow, rowsOf } from './table.ts';

const MOV32_REG = op.BPF_ALU | op.BPF_MOV | op.BPF_X;
const isInsn = is.holding('instruction', 'code', 'dst', 'src', 'off', 'imm');

export interface DisasmOptions {
  /** name of a called function or kfunc: `bpf_trace_printk`; for local calls the text after `pc` */
  readonly call?: (insn: Insn) => string | undefined;
  /** text of a wide load's immediate */
  readonly imm?: (insn: Insn, value: bigint) => string | undefined;
  /** `func_id_str`: name of a helper by number, asked before {@link call} */
  readonly helper?: (id: number) => string | undefined;
  /** what Linux 6.12 does not know is printed as it prints what is no instruction */
  readonly known?: '6.12';
  /** print addresses of maps in wide loads; 0 instead where false */
  readonly allowPtrLeaks?: boolean;
}

const NONE: DisasmOptions = {};
const signed = (n: number): string => (n < 0 ? `${n}` : `+${n}`);
const hex8 = (code: number): string => code.toString(16).padStart(2, '0');

/** One instruction with its opcode in front, `(b7) r0 = 0`, without a line end. */
export function disassemble(insn: Insn, high?: Insn, options: DisasmOptions = NONE): string {
  checkArgument('insn', insn, isInsn);
  // no instruction, but printed as the one of 64 bits: `is_movsx` looks at the offset alone
  if (insn.code === MOV32_REG && insn.off === 32) return `(bc) w${insn.dst} = (s32)w${insn.src}`;
  const row = rowOf(insn) ?? fallback(insn);
  return row && !(options.known && row.notIn612)
    ? `(${hex8(insn.code)}) ${render(row, insn, high, options)}`
    : bug(insn);
}

/** What the kernel prints where it knows no such form. */
function bug(insn: Insn): string {
  const names = ['BUG_ld_', 'BUG_ldx_', 'BUG_st_', 'BUG_', 'BUG_alu_', 'BUG_jmp_', 'BUG_jmp_', 'BUG_alu_'];
  return `${names[op.bpfClass(insn.code)] ?? 'BUG_'}${hex8(insn.code)}`;
}

/** Invalid combinations print as the nearest form: the selecting field is not looked at, or the source bit. */
function fallback(insn: Insn): InsnRow | undefined {
  const cls = op.bpfClass(insn.code);
  if (cls === op.BPF_STX) return undefined;
  return rowsOf(insn.code)[0] ?? (cls >= op.BPF_ALU ? rowsOf(insn.code ^ op.BPF_X)[0] : undefined);
}

function render(row: InsnRow, insn: Insn, high: Insn | undefined, options: DisasmOptions): string {
  if (row.kind === 'swap')
    return row.text.replace('{dst}', `${insn.dst}`).replace(`${row.bits} r{dst}`, `${insn.imm} r${insn.dst}`);
  return row.text.replace(/\{(\w+)\}/g, (_, token: string) => {
    switch (token) {
      case 'dst':
        return `${insn.dst}`;
      case 'src':
        return `${insn.src}`;
      case 'imm':
        return `${insn.imm}`;
      case 'ximm':
        return `0x${(insn.imm >>> 0).toString(16)}`;
      case 'off':
        return signed(insn.off);
      case 'jump':
        return `pc${signed(insn.off)}`;
      case 'jump32':
        return `pc${signed(insn.imm)}`;
      case 'spaces':
        return `${insn.imm >>> 16}, ${insn.imm & 0xffff}`;
      case 'call':
        return callText(insn, options);
      case 'wide':
        return wideText(insn, high, options);
      default:
        throw new Error(`unknown token {${token}} in the text of ${row.name}`);
    }
  });
}

function callText(insn: Insn, options: DisasmOptions): string {
  if (insn.src === op.BPF_PSEUDO_CALL) return options.call?.(insn) ?? signed(insn.imm);
  const helper = insn.src === 0 ? options.helper?.(insn.imm) : undefined;
  const unknown = insn.src === op.BPF_PSEUDO_KFUNC_CALL ? 'kernel-function' : 'unknown';
  return `${helper ?? options.call?.(insn) ?? unknown}#${insn.imm}`;
}

function wideText(insn: Insn, high: Insn | undefined, options: DisasmOptions): string {
  const isPointer = insn.src === op.BPF_PSEUDO_MAP_FD || insn.src === op.BPF_PSEUDO_MAP_VALUE;
  const value = isPointer && options.allowPtrLeaks === false ? 0n : wideImm(insn, high);
  return options.imm?.(insn, value) ?? `0x${value.toString(16)}`;
}

/** How bpftool writes a wide load's immediate in an xlated dump: `map[id:5]`, `map[id:5][0]+8`, `subprog[+3]`. */
export function xlatedImm(insn: Insn, value: bigint): string {
  const upper = Number(BigInt.asIntN(32, value >> 32n));
  switch (insn.src) {
    case op.BPF_PSEUDO_MAP_FD:
      return `map[id:${insn.imm}]`;
    case op.BPF_PSEUDO_MAP_VALUE:
      return `map[id:${insn.imm}][0]+${upper}`;
    case op.BPF_PSEUDO_MAP_IDX_VALUE:
      return `map[idx:${insn.imm}]+${upper}`;
    case op.BPF_PSEUDO_FUNC:
      return `subprog[${signed(insn.imm)}]`;
    default:
      return `0x${value.toString(16)}`;
  }
}

export interface ListingLine {
  /** slot index */
  readonly index: number;
  readonly text: string;
}

/** Every instruction of a program; the second slot of a wide load has no line of its own. */
export function listing(insns: readonly Insn[], options: DisasmOptions = NONE): ListingLine[] {
  const lines: ListingLine[] = [];
  for (let index = 0; index < insns.length; index++) {
    const insn = insns[index] as Insn;
    lines.push({ index, text: disassemble(insn, insns[index + 1], options) });
    if (insn.code === op.LD_IMM64) index++;
  }
  return lines;
}
