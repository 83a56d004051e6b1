/**
 * What a program that skips the verifier still needs, so that the engines can run it: fields and jump targets
 * that make sense, functions split, division by zero as RFC 9669 section 4.1 defines it (processors trap),
 * `may_goto` given its counter, and the tail call helper's internal form.
 */
import * as isa from '../../../src/isa/index.ts';
import { type Insn, insn } from '../../../src/isa/index.ts';
import { BPF_MAX_LOOPS } from '../../../src/uapi/index.ts';
import { patch, type SequenceInsn, targetOf } from './patch.ts';
import type { ProgFunc } from './prog.ts';

/** MAX_BPF_STACK: nothing says how much of it an unverified program uses. */
const STACK = 512;
const AX = isa.BPF_REG_AX;
const BPF_FUNC_tail_call = 12;
const TAIL_CALL = isa.BPF_JMP | 0xf0;
const LOOP_SLOT = -(STACK + 8);

/** Why a program cannot be run even unverified: the text is a line of its log. @internal becomes EINVAL of the load */
export class MalformedProgram extends Error {
  override readonly name = 'MalformedProgram';
}

export interface Unverified {
  insns: Insn[];
  origins: Int32Array;
  funcs: ProgFunc[];
}

/**
 * @param ldAbs what legacy packet loads become, undefined where the program type has none
 * @throws MalformedProgram
 */
export function prepareUnverified(
  insns: readonly Insn[],
  name: string,
  ldAbs: (insn: Insn) => readonly Insn[] | undefined,
): Unverified {
  checkFields(insns);
  const starts = functionStarts(insns);
  checkFlow(insns);
  checkFirstReads(insns);
  const usesMayGoto = insns.some((i) => i.code === (isa.BPF_JMP | isa.BPF_JCOND));
  const isStart = new Set(starts);
  const first = patch(insns, (i, slot) => {
    const body = replacement(i, ldAbs);
    if (!usesMayGoto || !isStart.has(slot)) return body;
    return [
      insn(isa.BPF_ST | isa.BPF_MEM | isa.BPF_DW, 10, 0, LOOP_SLOT, BPF_MAX_LOOPS),
      ...(body ?? [{ ...i, keepsTarget: true as const }]),
    ];
  });
  // a function begins at the first instruction that stands for its first one
  const begin = starts.map((s) => first.origins.indexOf(s));
  const funcs = begin.map((start, n) => ({
    name: n === 0 ? name : `func_${n}`,
    start,
    end: begin[n + 1] ?? first.insns.length,
    stackDepth: usesMayGoto ? STACK + 8 : STACK,
    tailCallReachable: false,
  }));
  const tailCalls = funcs.map((f) => first.insns.slice(f.start, f.end).some((i) => i.code === TAIL_CALL));
  const reachable = tailCalls.some(Boolean);
  return {
    insns: first.insns,
    origins: first.origins,
    funcs: funcs.map((f) => ({ ...f, tailCallReachable: reachable })),
  };
}

const isZext = (i: Insn): boolean =>
  i.code === (isa.BPF_ALU | isa.BPF_MOV | isa.BPF_X) && i.dst === i.src && i.off === 0 && i.imm === 1;

function checkFields(insns: readonly Insn[]): void {
  for (let slot = 0; slot < insns.length; slot++) {
    const i = insns[slot]!;
    // the tail call and w0 = w0 (zext) are the verifier's own: what bpftool dumps as xlated has them
    if (i.code === TAIL_CALL || isZext(i)) continue;
    const decoded = isa.decode(insns, slot);
    if (!decoded.ok) throw new MalformedProgram(`${slot}: ${decoded.reason}`);
    if (decoded.row.internal || decoded.row.kind === 'callx') {
      throw new MalformedProgram(`${slot}: opcode 0x${i.code.toString(16)} is not one that programs may use`);
    }
    if (decoded.row.kind === 'cast' && i.imm !== 1 && i.imm !== 1 << 16) {
      throw new MalformedProgram(`${slot}: addr_space_cast insn can only convert between address space 1 and 0`);
    }
    if (decoded.slots === 2) slot++;
  }
}

/** First slots of all functions, the program's own first. */
function functionStarts(insns: readonly Insn[]): number[] {
  const starts = new Set([0]);
  insns.forEach((i, slot) => {
    const isCall = i.code === (isa.BPF_JMP | isa.BPF_CALL) && i.src === isa.BPF_PSEUDO_CALL;
    if (!isCall && !(i.code === isa.LD_IMM64 && i.src === isa.BPF_PSEUDO_FUNC)) return;
    const target = targetOf(i, slot)!;
    if (target < 0 || target >= insns.length) throw new MalformedProgram(`${slot}: call out of range to ${target}`);
    starts.add(target);
  });
  return [...starts].sort((a, b) => a - b);
}

function checkFlow(insns: readonly Insn[]): void {
  for (let slot = 0; slot < insns.length; slot++) {
    const i = insns[slot]!;
    const target = targetOf(i, slot);
    if (target !== undefined) {
      const half = insns[target - 1]?.code === isa.LD_IMM64 && insns[target]?.code === 0;
      if (target < 0 || target >= insns.length)
        throw new MalformedProgram(`jump out of range from insn ${slot} to ${target}`);
      if (half) throw new MalformedProgram(`jump into the middle of ldimm64 insn ${target - 1}`);
    }
    if (i.code === isa.LD_IMM64) slot++;
  }
}

/**
 * Arithmetic on a register that nothing can have set: its result would be another one on every engine. Only what is
 * sure to be executed first is looked at, up to the first jump or call.
 */
function checkFirstReads(insns: readonly Insn[]): void {
  const set = new Set([1, 2, isa.BPF_REG_FP]);
  for (let slot = 0; slot < insns.length; slot++) {
    const { code, dst, src } = insns[slot]!;
    const klass = isa.bpfClass(code);
    if (klass === isa.BPF_JMP || klass === isa.BPF_JMP32) return;
    const operator = isa.bpfOp(code);
    const isAlu = klass === isa.BPF_ALU || klass === isa.BPF_ALU64;
    // r0 -= r0 and r0 ^= r0 are 0 whatever was there
    const isCleared =
      isAlu && (operator === isa.BPF_SUB || operator === isa.BPF_XOR) && isa.bpfSrc(code) === isa.BPF_X && dst === src;
    if (isAlu && operator !== isa.BPF_MOV && !isCleared) {
      const reads = isa.bpfSrc(code) === isa.BPF_X && operator !== isa.BPF_END ? [dst, src] : [dst];
      const unset = reads.find((r) => !set.has(r));
      if (unset !== undefined) throw new MalformedProgram(`${slot}: R${unset} is read before anything is stored in it`);
    }
    if (isAlu || klass === isa.BPF_LD || klass === isa.BPF_LDX) set.add(dst);
    if (klass === isa.BPF_STX && isa.bpfMode(code) === isa.BPF_ATOMIC) for (const r of [0, src]) set.add(r);
    if (code === isa.LD_IMM64) slot++;
  }
}

function replacement(i: Insn, ldAbs: (insn: Insn) => readonly Insn[] | undefined): readonly SequenceInsn[] | undefined {
  const klass = isa.bpfClass(i.code);
  if (klass === isa.BPF_ALU || klass === isa.BPF_ALU64) return arithmetic(i, klass === isa.BPF_ALU64);
  if (i.code === (isa.BPF_STX | isa.BPF_ATOMIC | isa.BPF_W) && i.imm === isa.BPF_CMPXCHG) {
    // the processor's cmpxchg leaves rax alone where the comparison holds: zext, as the verifier adds it
    return [{ ...i }, insn(isa.BPF_ALU | isa.BPF_MOV | isa.BPF_X, 0, 0, 0, 1)];
  }
  if (i.code === (isa.BPF_JMP | isa.BPF_CALL) && i.src === 0 && i.imm === BPF_FUNC_tail_call) {
    return [insn(TAIL_CALL, 0, 0, 0, 0)];
  }
  if (i.code === TAIL_CALL) return [insn(TAIL_CALL, 0, 0, 0, 0)];
  if (i.code === (isa.BPF_JMP | isa.BPF_JCOND)) {
    return [
      insn(isa.BPF_LDX | isa.BPF_MEM | isa.BPF_DW, AX, 10, LOOP_SLOT, 0),
      { ...insn(isa.BPF_JMP | isa.BPF_JEQ | isa.BPF_K, AX, 0, i.off, 0), keepsTarget: true },
      insn(isa.BPF_ALU64 | isa.BPF_SUB | isa.BPF_K, AX, 0, 0, 1),
      insn(isa.BPF_STX | isa.BPF_MEM | isa.BPF_DW, 10, AX, LOOP_SLOT, 0),
    ];
  }
  if (klass === isa.BPF_LD && (isa.bpfMode(i.code) === isa.BPF_ABS || isa.bpfMode(i.code) === isa.BPF_IND)) {
    const sequence = ldAbs(i);
    if (!sequence) throw new MalformedProgram('BPF_LD_[ABS|IND] instructions not allowed for this program type');
    return sequence;
  }
  return undefined;
}

function arithmetic(i: Insn, wide: boolean): readonly Insn[] | undefined {
  const operator = isa.bpfOp(i.code);
  const isShift = operator === isa.BPF_LSH || operator === isa.BPF_RSH || operator === isa.BPF_ARSH;
  if (!isShift) return division(i, wide);
  // RFC 9669 section 4.1: shift amounts are masked
  return isa.bpfSrc(i.code) === isa.BPF_K ? [{ ...i, imm: i.imm & (wide ? 63 : 31) }] : undefined;
}

/** Division and modulo by a register that may be 0, or -1 for the signed forms, where the quotient overflows. */
function division(i: Insn, wide: boolean): readonly Insn[] | undefined {
  const operator = isa.bpfOp(i.code);
  if (operator !== isa.BPF_DIV && operator !== isa.BPF_MOD) return undefined;
  const isDiv = operator === isa.BPF_DIV;
  const alu = wide ? isa.BPF_ALU64 : isa.BPF_ALU;
  const jmp = wide ? isa.BPF_JMP : isa.BPF_JMP32;
  const zero = insn(isa.BPF_ALU | isa.BPF_MOV | isa.BPF_K, i.dst, 0, 0, 0);
  const truncate = insn(isa.BPF_ALU | isa.BPF_MOV | isa.BPF_X, i.dst, i.dst, 0, 0);
  const negate = insn(alu | isa.BPF_NEG, i.dst, 0, 0, 0);
  const skip = (n: number): Insn => insn(isa.BPF_JMP | isa.BPF_JA, 0, 0, n, 0);
  if (isa.bpfSrc(i.code) === isa.BPF_K) {
    if (i.imm === 0) return isDiv ? [zero] : [wide ? skip(0) : truncate];
    if (i.off !== 0 && i.imm === -1) return isDiv ? [negate] : [zero];
    return undefined;
  }
  const byZero = isDiv ? [zero] : wide ? [] : [truncate];
  if (i.off === 0) {
    // if (src != 0) dst = dst op src; else dst = 0, or dst itself
    const after = byZero.length;
    if (after === 0) return [insn(jmp | isa.BPF_JEQ | isa.BPF_K, i.src, 0, 1, 0), { ...i }];
    return [insn(jmp | isa.BPF_JEQ | isa.BPF_K, i.src, 0, 2, 0), { ...i }, skip(after), ...byZero];
  }
  // AX = src + 1: above 1 the processor's instruction will do; 1 is a divisor of 0, 0 one of -1
  const byMinusOne = isDiv ? [negate] : [zero];
  const zeroPart = byZero.length === 0 ? [skip(0)] : byZero;
  return [
    insn(alu | isa.BPF_MOV | isa.BPF_X, AX, i.src, 0, 0),
    insn(alu | isa.BPF_ADD | isa.BPF_K, AX, 0, 0, 1),
    insn(jmp | isa.BPF_JGT | isa.BPF_K, AX, 0, 5, 1),
    insn(jmp | isa.BPF_JEQ | isa.BPF_K, AX, 0, 2, 1),
    ...byMinusOne,
    skip(3),
    ...zeroPart,
    skip(1),
    { ...i },
  ];
}
