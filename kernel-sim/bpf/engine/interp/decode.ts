/**
 * Predecoding: BPF slots to the slots that the loop of ./loop.ts reads (./zone.ts). Operations are dense numbers,
 * register numbers offsets, jump targets addresses.
 */
import type { Insn } from '../../../../src/isa/index.ts';
import * as isa from '../../../../src/isa/index.ts';
import { ATOMICS, opNumber } from './ops.ts';
import { SLOT_BYTES, type Zone } from './zone.ts';

/** One function of a program, as `struct bpf_prog` of a subprogram. */
export interface InterpFunc {
  /** slot of its first instruction */
  readonly start: number;
  /** bytes of BPF stack */
  readonly stackDepth: number;
}

export interface InterpProgram {
  /** physical address of the first slot */
  readonly code: number;
  readonly slots: number;
  readonly funcs: readonly InterpFunc[];
  /** instructions that count in front of each slot */
  readonly before: Int32Array;
}

/** Bytes that a function's frame takes on the guest's stack. */
export const frameSize = (stackDepth: number): number => Math.max(16, (stackDepth + 15) & ~15);

/** Modes that rewrites use for loads which may fault: BPF_PROBE_MEM and BPF_PROBE_MEMSX of include/linux/filter.h. */
const MODE_PROBE_MEM = isa.BPF_ABS;
const MODE_PROBE_MEMSX = isa.BPF_IND;
/** BPF_TAIL_CALL of include/linux/filter.h: what the call of the tail_call helper is rewritten to. */
const BPF_TAIL_CALL = 0xf0;

const ALU_NAMES = ['add', 'sub', 'mul', 'div', 'or', 'and', 'lsh', 'rsh', '', 'mod', 'xor', 'mov', 'arsh'] as const;
const JUMP_NAMES = [
  '',
  'jeq',
  'jgt',
  'jge',
  'jset',
  'jne',
  'jsgt',
  'jsge',
  '',
  '',
  'jlt',
  'jle',
  'jslt',
  'jsle',
] as const;
const BYTES: Record<number, number> = { [isa.BPF_B]: 1, [isa.BPF_H]: 2, [isa.BPF_W]: 4, [isa.BPF_DW]: 8 };

/**
 * @param callBase address of `__bpf_call_base`, to which helper calls are relative
 * @param counts per slot, whether executing it counts as an instruction of the program as loaded
 */
export function predecode(
  zone: Zone,
  insns: readonly Insn[],
  funcs: readonly InterpFunc[],
  callBase: bigint,
  counts: (slot: number) => boolean,
): InterpProgram {
  // running off the end is invalid, too
  const slots = insns.length + 1;
  const code = zone.alloc(slots);
  const words = zone.i32.subarray(code >>> 2, (code + slots * SLOT_BYTES) >>> 2).fill(0);
  const before = new Int32Array(slots + 1);
  for (let slot = 0; slot < insns.length; slot++) before[slot + 1] = before[slot]! + (counts(slot) ? 1 : 0);
  before[slots] = before[slots - 1]!;
  let func = 0;
  for (let slot = 0; slot < insns.length; slot++) {
    while (func + 1 < funcs.length && funcs[func + 1]!.start <= slot) func++;
    const insn = insns[slot]!;
    const frame = frameSize(funcs[func]?.stackDepth ?? 0);
    const at = slot * (SLOT_BYTES / 4);
    const name = operation(insn);
    const put = (dst: number, src: number, off: number, count: number): void => {
      words[at] = opNumber(name) | (dst << 16);
      words[at + 1] = src;
      words[at + 2] = off;
      words[at + 3] = count;
    };
    const upTo = before[slot + 1]!;
    const jump = (dst: number, src: number, distance: number): void => {
      const target = slot + 1 + distance;
      const inside = target >= 0 && target < slots;
      put(
        dst,
        src,
        code + (inside ? target : insns.length) * SLOT_BYTES,
        upTo - before[inside ? target : insns.length]!,
      );
    };
    const dst = insn.dst * 8;
    const src = usesImmediate(insn) ? insn.imm : insn.src * 8;
    if (name === 'ldimm64') put(dst, 0, insn.imm, insns[slot + 1]?.imm ?? 0);
    else if (name === 'callHelper') {
      const target = callBase + BigInt(insn.imm);
      put(frame, Number(BigInt.asIntN(32, target)), Number(BigInt.asIntN(32, target >> 32n)), upTo);
    } else if (name === 'callBpf') jump(frame, upTo, insn.imm);
    else if (name[0] === 'j') jump(dst, src, insn.code === (isa.BPF_JMP32 | isa.BPF_JA) ? insn.imm : insn.off);
    else if (name === 'invalid') put(0, 0, slot, upTo);
    else put(dst, src, insn.off, upTo);
    if (name === 'ldimm64') slot++;
  }
  words[(slots - 1) * 4 + 2] = insns.length;
  words[(slots - 1) * 4 + 3] = before[slots]!;
  return { code, slots, funcs, before };
}

/** Whether the source operand is the immediate. */
function usesImmediate({ code }: Insn): boolean {
  const klass = isa.bpfClass(code);
  return klass === isa.BPF_ST || (klass >= isa.BPF_ALU && isa.bpfSrc(code) === isa.BPF_K);
}

/** Name of the operation: one of ./ops.ts. */
function operation(insn: Insn): string {
  const { code } = insn;
  const mode = isa.bpfMode(code);
  const bits = BYTES[isa.bpfSize(code)]! * 8;
  switch (isa.bpfClass(code)) {
    case isa.BPF_ALU64:
      return aluOperation(insn, true);
    case isa.BPF_ALU:
      return aluOperation(insn, false);
    case isa.BPF_JMP:
    case isa.BPF_JMP32:
      return jumpOperation(insn);
    case isa.BPF_LDX:
      if (mode === isa.BPF_MEM) return `ldx${bits}`;
      if (mode === isa.BPF_MEMSX && bits < 64) return `ldsx${bits}`;
      if (mode === MODE_PROBE_MEMSX && bits < 64) return `probesx${bits}`;
      return mode === MODE_PROBE_MEM || mode === MODE_PROBE_MEMSX ? `probex${bits}` : 'invalid';
    case isa.BPF_STX:
      if (mode === isa.BPF_ATOMIC) return atomicOperation(insn, bits);
      return mode === isa.BPF_MEM ? `st${bits}x` : 'invalid';
    case isa.BPF_ST:
      return mode === isa.BPF_MEM ? `st${bits}k` : 'invalid';
    default:
      return code === isa.LD_IMM64 ? 'ldimm64' : 'invalid';
  }
}

function aluOperation({ code, off, imm }: Insn, wide: boolean): string {
  const operator = isa.bpfOp(code);
  const reg = isa.bpfSrc(code) === isa.BPF_X;
  const bits = wide ? 64 : 32;
  if (operator === isa.BPF_END) {
    if (wide || reg) return imm === 16 ? 'bswap16' : imm === 32 ? 'bswap32' : 'bswap64';
    return imm === 16 ? 'le16' : imm === 32 ? 'le32' : 'nop';
  }
  if (operator === isa.BPF_NEG) return `neg${bits}`;
  if (operator === isa.BPF_MOV && reg && off !== 0) {
    if (off === 8 || off === 16) return `movsx${bits}_${off}`;
    return wide && off === 32 ? 'movsx64_32' : wide && off === -1 ? 'movPercpu' : 'invalid';
  }
  const name = ALU_NAMES[operator >> 4];
  if (!name) return 'invalid';
  const signed = off !== 0 && (name === 'div' || name === 'mod') ? 's' : '';
  return `${signed}${name}${bits}${reg ? 'x' : 'k'}`;
}

function jumpOperation({ code, src }: Insn): string {
  const operator = isa.bpfOp(code);
  const wide = isa.bpfClass(code) === isa.BPF_JMP;
  if (operator === isa.BPF_JA) return 'ja';
  if (wide && operator === isa.BPF_EXIT) return 'exit';
  if (wide && operator === BPF_TAIL_CALL) return 'tailCall';
  if (wide && operator === isa.BPF_CALL) return src === isa.BPF_PSEUDO_CALL ? 'callBpf' : 'callHelper';
  const name = JUMP_NAMES[operator >> 4];
  return name ? `${name}${wide ? 64 : 32}${isa.bpfSrc(code) === isa.BPF_X ? 'x' : 'k'}` : 'invalid';
}

/** On one CPU, acquiring and releasing are what every load and store does. */
function atomicOperation({ imm }: Insn, bits: number): string {
  if (imm === isa.BPF_LOAD_ACQ) return `ldx${bits}`;
  if (imm === isa.BPF_STORE_REL) return `st${bits}x`;
  for (const [name, atomic] of ATOMICS) if (atomic.imm === imm && atomic.size * 8 === bits) return name;
  return 'invalid';
}
