/**
 * Predecoding: BPF slots to the words that the loop of ./run.ts reads. Jump targets become
 * absolute, wide loads one operation, and immediates constants behind the register file.
 */
import type { Insn } from '../../../src/isa/index.ts';
import * as isa from '../../../src/isa/index.ts';
import { COUNTED, DST_SHIFT, FIRST_CONSTANT, OP, type OpName, STRIDE } from './ops.ts';
import type { Words } from './words.ts';

/** One function of a program, as `struct bpf_prog` of a subprogram. */
export interface InterpFunc {
  /** slot of its first instruction */
  readonly start: number;
  /** bytes of BPF stack */
  readonly stackDepth: number;
}

export interface InterpProgram {
  readonly words: Words;
  /** index of the first slot's words */
  readonly code: number;
  /** words that the code takes */
  readonly length: number;
  readonly funcs: readonly InterpFunc[];
  /** free register files with the program's immediates in place; one is taken for each run that is under way */
  readonly registers: number[];
  readonly constants: Int32Array;
}

/** Bytes that a function's frame takes on the guest's stack. */
export const frameSize = (stackDepth: number): number => Math.max(16, (stackDepth + 15) & ~15);

/** Modes that rewrites use for loads which may fault: BPF_PROBE_MEM and BPF_PROBE_MEMSX of include/linux/filter.h. */
const MODE_PROBE_MEM = isa.BPF_ABS;
const MODE_PROBE_MEMSX = isa.BPF_IND;
/** BPF_TAIL_CALL of include/linux/filter.h: what the call of the tail_call helper is rewritten to. */
const BPF_TAIL_CALL = 0xf0;

const ALU = ['add', 'sub', 'mul', 'div', 'or', 'and', 'lsh', 'rsh', 'neg', 'mod', 'xor', 'mov', 'arsh'] as const;
const JMP = ['', 'jeq', 'jgt', 'jge', 'jset', 'jne', 'jsgt', 'jsge', '', '', 'jlt', 'jle', 'jslt', 'jsle'] as const;
const BYTES: Record<number, number> = { [isa.BPF_B]: 1, [isa.BPF_H]: 2, [isa.BPF_W]: 4, [isa.BPF_DW]: 8 };

/**
 * @param callBase address of `__bpf_call_base`, to which helper calls are relative
 * @param counts per slot, whether executing it counts as an instruction of the program as loaded
 */
export function predecode(
  words: Words,
  insns: readonly Insn[],
  funcs: readonly InterpFunc[],
  callBase: bigint,
  counts: (slot: number) => boolean,
): InterpProgram {
  const length = (insns.length + 1) * STRIDE;
  const base = words.alloc(length);
  const code = words.words.subarray(base, base + length).fill(0);
  const constants = new Constants();
  let func = 0;
  for (let slot = 0; slot < insns.length; slot++) {
    while (func + 1 < funcs.length && funcs[func + 1]!.start <= slot) func++;
    const insn = insns[slot]!;
    const at = slot * STRIDE;
    const name = operation(insn);
    code[at] = OP[name] | ((insn.dst * 2) << DST_SHIFT) | (counts(slot) ? COUNTED : 0);
    code[at + 1] = source(insn, insns[slot + 1], constants);
    code[at + 2] = insn.off;
    code[at + 3] = insn.imm;
    if (name === 'callHelper') {
      const target = callBase + BigInt(insn.imm);
      code[at + 1] = frameSize(funcs[func]?.stackDepth ?? 0);
      code[at + 2] = Number(BigInt.asIntN(32, target));
      code[at + 3] = Number(BigInt.asIntN(32, target >> 32n));
    } else if (name === 'callBpf') {
      code[at + 1] = frameSize(funcs[func]?.stackDepth ?? 0);
      code[at + 2] = base + (slot + 1 + insn.imm) * STRIDE;
    } else if (name[0] === 'j') {
      code[at + 2] = base + (slot + 1 + (insn.code === (isa.BPF_JMP32 | isa.BPF_JA) ? insn.imm : insn.off)) * STRIDE;
    } else if (name === 'loadAcq' || name === 'storeRel' || name === 'atomic') {
      code[at + 3] = BYTES[isa.bpfSize(insn.code)]! | (insn.imm << 8);
    } else if (name === 'probe') {
      const signed = isa.bpfMode(insn.code) === MODE_PROBE_MEMSX;
      code[at + 3] = BYTES[isa.bpfSize(insn.code)]! | (signed ? 0x100 : 0);
    }
    if (insn.code === isa.LD_IMM64) slot++;
  }
  return { words, code: base, length, funcs, registers: [], constants: constants.words() };
}

/** Takes a register file of the program, with its immediates in place: the index of R0's low half. */
export function takeRegisters(program: InterpProgram): number {
  const free = program.registers.pop();
  if (free !== undefined) return free;
  const { words, constants } = program;
  const at = words.alloc(constants.length);
  words.words.set(constants, at);
  return at;
}

/** The program is gone: its words are free again. */
export function forget(program: InterpProgram): void {
  const { words, constants, registers } = program;
  words.free(program.code, program.length);
  for (const at of registers) words.free(at, constants.length);
  registers.length = 0;
}

/** Immediates of one program, each pair once. */
class Constants {
  readonly #index = new Map<string, number>();
  readonly #words: number[] = new Array(FIRST_CONSTANT).fill(0);

  index(lo: number, hi: number): number {
    const key = `${lo},${hi}`;
    let index = this.#index.get(key);
    if (index === undefined) {
      index = this.#words.length;
      this.#index.set(key, index);
      this.#words.push(lo, hi);
    }
    return index;
  }

  words(): Int32Array {
    return Int32Array.from(this.#words);
  }
}

/** Index of the source operand's low half: a register, or the immediate. */
function source(insn: Insn, next: Insn | undefined, constants: Constants): number {
  if (insn.code === isa.LD_IMM64) return constants.index(insn.imm, next?.imm ?? 0);
  const klass = isa.bpfClass(insn.code);
  const hasImmediate = klass === isa.BPF_ST || (klass >= isa.BPF_ALU && isa.bpfSrc(insn.code) === isa.BPF_K);
  return hasImmediate ? constants.index(insn.imm, insn.imm >> 31) : insn.src * 2;
}

function operation(insn: Insn): OpName {
  const { code } = insn;
  const mode = isa.bpfMode(code);
  switch (isa.bpfClass(code)) {
    case isa.BPF_ALU64:
      return aluOperation(insn, true);
    case isa.BPF_ALU:
      return aluOperation(insn, false);
    case isa.BPF_JMP:
    case isa.BPF_JMP32:
      return jumpOperation(insn);
    case isa.BPF_LDX: {
      const bits = BYTES[isa.bpfSize(code)]! * 8;
      if (mode === isa.BPF_MEM) return `ldx${bits}` as OpName;
      if (mode === isa.BPF_MEMSX && bits < 64) return `ldsx${bits}` as OpName;
      return mode === MODE_PROBE_MEM || mode === MODE_PROBE_MEMSX ? 'probe' : 'invalid';
    }
    case isa.BPF_STX:
      if (mode === isa.BPF_ATOMIC) return atomicOperation(insn);
      return mode === isa.BPF_MEM ? (`st${BYTES[isa.bpfSize(code)]! * 8}` as OpName) : 'invalid';
    case isa.BPF_ST:
      return mode === isa.BPF_MEM ? (`st${BYTES[isa.bpfSize(code)]! * 8}` as OpName) : 'invalid';
    default:
      return code === isa.LD_IMM64 ? 'ldimm64' : 'invalid';
  }
}

function aluOperation({ code, off, imm }: Insn, wide: boolean): OpName {
  const operator = isa.bpfOp(code);
  const reg = isa.bpfSrc(code) === isa.BPF_X;
  const bits = wide ? 64 : 32;
  if (operator === isa.BPF_END) {
    if (wide || reg) return imm === 16 ? 'bswap16' : imm === 32 ? 'bswap32' : 'bswap64';
    return imm === 16 ? 'le16' : imm === 32 ? 'le32' : 'nop';
  }
  if (operator === isa.BPF_MOV && reg && off !== 0) {
    if (off === 8 || off === 16) return `movsx${bits}_${off}`;
    return wide && off === 32 ? 'movsx64_32' : wide && off === -1 ? 'movPercpu' : 'invalid';
  }
  const name = ALU[operator >> 4];
  if (name === undefined) return 'invalid';
  return off !== 0 && (name === 'div' || name === 'mod') ? `s${name}${bits}` : `${name}${bits}`;
}

function jumpOperation({ code, src }: Insn): OpName {
  const operator = isa.bpfOp(code);
  const wide = isa.bpfClass(code) === isa.BPF_JMP;
  if (operator === isa.BPF_JA) return 'ja';
  if (wide && operator === isa.BPF_EXIT) return 'exit';
  if (wide && operator === BPF_TAIL_CALL) return 'tailCall';
  if (wide && operator === isa.BPF_CALL) return src === isa.BPF_PSEUDO_CALL ? 'callBpf' : 'callHelper';
  const name = JMP[operator >> 4];
  return name ? (`${name}${wide ? 64 : 32}` as OpName) : 'invalid';
}

function atomicOperation({ code, imm }: Insn): OpName {
  if (imm === isa.BPF_LOAD_ACQ) return 'loadAcq';
  if (imm === isa.BPF_STORE_REL) return 'storeRel';
  const size = isa.bpfSize(code);
  return size === isa.BPF_DW || size === isa.BPF_W ? 'atomic' : 'invalid';
}
