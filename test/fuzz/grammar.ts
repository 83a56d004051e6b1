/**
 * Random programs that mean the same everywhere: every register is set before it is read, pointers are only
 * dereferenced, loops end, and the registers are stored before the exit. A program is a tree, so that it can shrink.
 */
import * as isa from '../../src/isa/index.ts';
import { type Insn, insn, ldImm64 } from '../../src/isa/index.ts';

/** Bytes of the buffer that R1 points to: scratch below {@link DUMP}, registers behind. */
export const BUFFER = 256;
const DUMP = 128;
const STACK = 64;
/** R9 keeps the buffer's address; R0 to R8 hold numbers. */
const BASE = 9;
const NUMBERS = 9;

export type Item =
  | { readonly kind: 'straight'; readonly insns: readonly Insn[] }
  | { readonly kind: 'if'; readonly test: Insn; readonly body: readonly Item[] }
  | { readonly kind: 'loop'; readonly depth: number; readonly turns: number; readonly body: readonly Item[] }
  | { readonly kind: 'mayGoto'; readonly body: readonly Item[] }
  | { readonly kind: 'call'; readonly func: number; readonly after: readonly Insn[] };

export interface Program {
  /** what R0 to R8 start as */
  readonly initial: readonly bigint[];
  readonly main: readonly Item[];
  /** functions of five numbers; they call only later ones */
  readonly funcs: readonly (readonly Item[])[];
}

/** xorshift32, so that a seed names a program for ever. */
export class Rng {
  #state: number;
  constructor(seed: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 1;
    for (let i = 0; i < 8; i++) this.u32();
  }
  u32(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }
  below(n: number): number {
    return this.u32() % n;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

const EDGES = [0, 1, -1, 2, 7, 8, 31, 32, 63, 64, 127, 128, -128, 255, 256, 0x7fff, -0x8000, 0x7fff_ffff, -0x8000_0000];
const imm32 = (r: Rng): number => (r.chance(60) ? r.pick(EDGES) : r.u32() | 0);
const wide = (r: Rng): bigint => {
  const edge = [0n, 1n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n, 0xffff_ffffn, 1n << 32n, 0x8000_0000n];
  return r.chance(50) ? r.pick(edge) : (BigInt(r.u32()) << 32n) | BigInt(r.u32());
};

const BINARY = [isa.BPF_ADD, isa.BPF_SUB, isa.BPF_MUL, isa.BPF_OR, isa.BPF_AND, isa.BPF_XOR, isa.BPF_MOV];
const SHIFTS = [isa.BPF_LSH, isa.BPF_RSH, isa.BPF_ARSH];
const DIVISIONS = [isa.BPF_DIV, isa.BPF_MOD];
const TESTS = [
  isa.BPF_JEQ,
  isa.BPF_JGT,
  isa.BPF_JGE,
  isa.BPF_JSET,
  isa.BPF_JNE,
  isa.BPF_JSGT,
  isa.BPF_JSGE,
  isa.BPF_JLT,
  isa.BPF_JLE,
  isa.BPF_JSLT,
  isa.BPF_JSLE,
];
const SIZES = [
  [isa.BPF_B, 1],
  [isa.BPF_H, 2],
  [isa.BPF_W, 4],
  [isa.BPF_DW, 8],
] as const;
const ATOMICS = [
  isa.BPF_ADD,
  isa.BPF_OR,
  isa.BPF_AND,
  isa.BPF_XOR,
  isa.BPF_ADD | isa.BPF_FETCH,
  isa.BPF_OR | isa.BPF_FETCH,
  isa.BPF_AND | isa.BPF_FETCH,
  isa.BPF_XOR | isa.BPF_FETCH,
  isa.BPF_XCHG,
  isa.BPF_CMPXCHG,
];

function alu(r: Rng): Insn[] {
  const klass = r.chance(50) ? isa.BPF_ALU64 : isa.BPF_ALU;
  const bits = klass === isa.BPF_ALU64 ? 64 : 32;
  const dst = r.below(NUMBERS);
  const src = r.below(NUMBERS);
  const reg = r.chance(50);
  const form = (op: number, off: number, imm: number): Insn =>
    reg ? insn(klass | op | isa.BPF_X, dst, src, off, 0) : insn(klass | op | isa.BPF_K, dst, 0, off, imm);
  switch (r.below(10)) {
    case 0:
      return [insn(klass | isa.BPF_NEG, dst, 0, 0, 0)];
    case 1: {
      const width = r.pick([16, 32, 64]);
      return r.chance(34)
        ? [insn(isa.BPF_ALU64 | isa.BPF_END, dst, 0, 0, width)]
        : [insn(isa.BPF_ALU | isa.BPF_END | (r.chance(50) ? isa.BPF_X : isa.BPF_K), dst, 0, 0, width)];
    }
    case 2:
      return [insn(klass | isa.BPF_MOV | isa.BPF_X, dst, src, r.pick(bits === 64 ? [8, 16, 32] : [8, 16]), 0)];
    case 3:
      return ldImm64(dst, wide(r));
    case 4:
    case 5:
      return [form(r.pick(SHIFTS), 0, r.below(bits))];
    case 6:
    case 7: {
      const divisor = imm32(r);
      return [form(r.pick(DIVISIONS), r.chance(40) ? 1 : 0, divisor === 0 ? 3 : divisor)];
    }
    default:
      return [form(r.pick(BINARY), 0, imm32(r))];
  }
}

/** A place that loads and stores may use: the buffer's scratch part, or the stack's lower half. */
function place(r: Rng, size: number, aligned: boolean): [base: number, off: number] {
  const onStack = r.chance(40);
  const room = onStack ? STACK / 2 : DUMP;
  let off = r.below(room - size + 1);
  if (aligned) off -= off % size;
  return onStack ? [isa.BPF_REG_FP, off - STACK] : [BASE, off];
}

function memory(r: Rng): Insn[] {
  const [code, size] = r.pick(SIZES);
  const reg = r.below(NUMBERS);
  const atomic = r.chance(25);
  const [base, off] = place(r, atomic ? Math.max(4, size) : size, atomic);
  if (atomic) {
    const width = size === 8 ? isa.BPF_DW : isa.BPF_W;
    const [at, where] = [base, off - (((off % (size === 8 ? 8 : 4)) + 8) % (size === 8 ? 8 : 4))];
    return [insn(isa.BPF_STX | isa.BPF_ATOMIC | width, at, reg, where, r.pick(ATOMICS))];
  }
  switch (r.below(4)) {
    case 0:
      return [insn(isa.BPF_ST | isa.BPF_MEM | code, base, 0, off, imm32(r))];
    case 1:
      return [insn(isa.BPF_STX | isa.BPF_MEM | code, base, reg, off, 0)];
    case 2:
      return size === 8
        ? [insn(isa.BPF_LDX | isa.BPF_MEM | code, reg, base, off, 0)]
        : [insn(isa.BPF_LDX | isa.BPF_MEMSX | code, reg, base, off, 0)];
    default:
      return [insn(isa.BPF_LDX | isa.BPF_MEM | code, reg, base, off, 0)];
  }
}

function test(r: Rng): Insn {
  const klass = r.chance(50) ? isa.BPF_JMP : isa.BPF_JMP32;
  const reg = r.chance(50);
  const op = r.pick(TESTS);
  const dst = r.below(NUMBERS);
  return reg ? insn(klass | op | isa.BPF_X, dst, r.below(NUMBERS), 0, 0) : insn(klass | op | isa.BPF_K, dst, 0, 0, imm32(r));
}

function items(r: Rng, count: number, depth: number, callable: readonly number[]): Item[] {
  return Array.from({ length: count }, (): Item => {
    const dice = r.below(100);
    if (depth < 3 && dice < 12) return { kind: 'if', test: test(r), body: items(r, 1 + r.below(6), depth + 1, callable) };
    if (depth < 3 && dice < 18) {
      return { kind: 'loop', depth, turns: 1 + r.below(5), body: items(r, 1 + r.below(5), depth + 1, callable) };
    }
    if (depth < 2 && dice < 20) return { kind: 'mayGoto', body: items(r, 1 + r.below(3), depth + 1, callable) };
    if (callable.length > 0 && dice < 24) {
      // a call leaves R1 to R5 as they may be: they are set again
      const after = [1, 2, 3, 4, 5].map((n) => insn(isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_K, n, 0, 0, imm32(r)));
      return { kind: 'call', func: r.pick(callable), after };
    }
    return { kind: 'straight', insns: r.chance(70) ? alu(r) : memory(r) };
  });
}

export function generate(seed: number): Program {
  const r = new Rng(seed);
  const funcs = r.chance(50) ? 1 + r.below(3) : 0;
  const all = Array.from({ length: funcs }, (_, n) => n);
  const initial = Array.from({ length: NUMBERS }, () => wide(r));
  return {
    initial,
    main: items(r, 2 + r.below(24), 0, all),
    funcs: all.map((n) => items(r, 1 + r.below(10), 1, all.slice(n + 1))),
  };
}

/** Instructions of a program: R1 is the buffer, and the registers are stored in it at the end. */
export function assemble(program: Program): Insn[] {
  const out: Insn[] = [];
  const calls: { at: number; func: number }[] = [];
  const emit = (list: readonly Item[]): void => {
    for (const item of list) {
      if (item.kind === 'straight') out.push(...item.insns.map((i) => ({ ...i })));
      else if (item.kind === 'call') {
        calls.push({ at: out.length, func: item.func });
        out.push(insn(isa.BPF_JMP | isa.BPF_CALL, 0, isa.BPF_PSEUDO_CALL, 0, 0), ...item.after);
      } else if (item.kind === 'if') {
        const at = out.length;
        out.push({ ...item.test });
        emit(item.body);
        out[at]!.off = out.length - at - 1;
      } else if (item.kind === 'mayGoto') {
        const at = out.length;
        out.push(insn(isa.BPF_JMP | isa.BPF_JCOND, 0, 0, 0, 0));
        emit(item.body);
        out[at]!.off = out.length - at - 1;
      } else {
        const slot = -8 * (item.depth + 1);
        out.push(insn(isa.BPF_ST | isa.BPF_MEM | isa.BPF_DW, isa.BPF_REG_FP, 0, slot, item.turns));
        const start = out.length;
        emit(item.body);
        out.push(
          insn(isa.BPF_LDX | isa.BPF_MEM | isa.BPF_DW, 8, isa.BPF_REG_FP, slot, 0),
          insn(isa.BPF_ALU64 | isa.BPF_SUB | isa.BPF_K, 8, 0, 0, 1),
          insn(isa.BPF_STX | isa.BPF_MEM | isa.BPF_DW, isa.BPF_REG_FP, 8, slot, 0),
        );
        out.push(insn(isa.BPF_JMP | isa.BPF_JNE | isa.BPF_K, 8, 0, start - out.length - 1, 0));
      }
    }
  };
  const zeroStack = (): void => {
    for (let at = 8; at <= STACK; at += 8) out.push(insn(isa.BPF_ST | isa.BPF_MEM | isa.BPF_DW, isa.BPF_REG_FP, 0, -at, 0));
  };
  out.push(insn(isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X, BASE, 1, 0, 0));
  zeroStack();
  program.initial.forEach((value, n) => {
    out.push(...ldImm64(n, value));
  });
  emit(program.main);
  for (let n = 0; n < NUMBERS; n++) out.push(insn(isa.BPF_STX | isa.BPF_MEM | isa.BPF_DW, BASE, n, DUMP + 8 * n, 0));
  out.push(insn(isa.BPF_JMP | isa.BPF_EXIT, 0, 0, 0, 0));
  const starts = program.funcs.map((body) => {
    const start = out.length;
    zeroStack();
    // R6 to R8 are the caller's until they are set, and R0 holds nothing
    for (const n of [0, 6, 7, 8]) out.push(insn(isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X, n, 1 + (n % 5), 0, 0));
    emit(body);
    out.push(insn(isa.BPF_JMP | isa.BPF_EXIT, 0, 0, 0, 0));
    return start;
  });
  for (const { at, func } of calls) out[at]!.imm = starts[func]! - at - 1;
  return out;
}

/** Programs a little smaller than this one: an item gone, a block in its place, a loop turned once. */
export function* smaller(program: Program): IterableIterator<Program> {
  for (const main of shrinkList(program.main)) yield { ...program, main };
  for (const [n, body] of program.funcs.entries()) {
    for (const next of shrinkList(body)) yield { ...program, funcs: program.funcs.map((f, i) => (i === n ? next : f)) };
  }
}

function* shrinkList(list: readonly Item[]): IterableIterator<readonly Item[]> {
  for (let size = Math.floor(list.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at + size <= list.length; at += size) yield [...list.slice(0, at), ...list.slice(at + size)];
  }
  for (const [n, item] of list.entries()) {
    const put = (...items: Item[]): readonly Item[] => [...list.slice(0, n), ...items, ...list.slice(n + 1)];
    if (item.kind === 'straight' && item.insns.length > 2) {
      for (let at = 0; at < item.insns.length; at += 2) {
        yield put({ kind: 'straight', insns: [...item.insns.slice(0, at), ...item.insns.slice(at + 2)] });
      }
    }
    if (item.kind === 'straight' || item.kind === 'call') continue;
    yield put(...item.body);
    if (item.kind === 'loop' && item.turns > 1) yield put({ ...item, turns: 1 });
    for (const body of shrinkList(item.body)) yield put({ ...item, body });
  }
}
