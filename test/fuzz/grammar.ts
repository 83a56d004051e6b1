/**
 * Random programs that mean the same everywhere: every register is set before it is read, pointers are only
 * dereferenced, loops end, and the registers are stored before the exit. A program is a tree, so that it can shrink.
 * What is generated is also what the verifier accepts, but for the limits of its patience.
 */
import * as isa from '../../src/isa/index.ts';
import { type Insn, insn, ldImm64 } from '../../src/isa/index.ts';
import { Rng } from './rng.ts';

/** Bytes of the array's value that R9 points to: scratch below {@link DUMP}, registers behind. */
export const BUFFER = 256;
/** Where in the value, so that what comes behind the buffer is not mapped. */
export const BUFFER_AT = 4096 - BUFFER;
export const DUMP = 128;
/** Bytes of the context, a syscall program's structure. */
export const CONTEXT = 64;
/** Bytes of the packet that XDP programs get. */
export const PACKET = 64;
/** R9 keeps the buffer's address; R0 to R8 hold numbers. */
export const BASE = 9;
export const NUMBERS = 9;
/** Stack, from the frame pointer: loop counters, random accesses in [-64, -32), key and value of map calls, context. */
export const FRAME = { random: -64, randomBytes: 32, key: -72, value: -80, context: -88 } as const;
/** Keys of map calls are masked by it; the maps hold fewer. */
export const KEYS = 7;

/** Instructions that a call of a helper or function leaves: R1 to R5 are set again. */
type After = readonly Insn[];

export type Item =
  | { readonly kind: 'straight'; readonly insns: readonly Insn[] }
  | { readonly kind: 'if'; readonly test: Insn; readonly body: readonly Item[] }
  | { readonly kind: 'loop'; readonly depth: number; readonly turns: number; readonly body: readonly Item[] }
  | { readonly kind: 'mayGoto'; readonly body: readonly Item[] }
  | { readonly kind: 'call'; readonly func: number; readonly after: After }
  /** bpf_loop with a function as its callback */
  | { readonly kind: 'callback'; readonly func: number; readonly turns: number; readonly after: After }
  | {
      readonly kind: 'map';
      readonly op: 'lookup' | 'add' | 'update' | 'delete';
      readonly map: 'array' | 'hash';
      /** numbers to take key and value from */
      readonly key: number;
      readonly value: number;
      readonly flags: number;
      readonly after: After;
    }
  /** a place in the buffer that a number chooses */
  | {
      readonly kind: 'indexed';
      readonly index: number;
      readonly mask: number;
      readonly access: Insn;
      readonly reset: number;
    }
  /** the same, where a number that went through some arithmetic passes a comparison */
  | {
      readonly kind: 'bounded';
      readonly index: number;
      readonly before: After;
      readonly test: Insn;
      readonly behind: After;
      readonly access: Insn;
      readonly reset: number;
    }
  /** bpf_probe_read_kernel from the buffer to the stack */
  | { readonly kind: 'copy'; readonly size: number; readonly from: number; readonly after: After }
  /** an access through the context pointer, in R8; in the program itself only */
  | { readonly kind: 'context'; readonly access: Insn; readonly reset: number }
  /** an access through a packet pointer, in R8, behind a check of its end; of XDP programs only */
  | { readonly kind: 'packet'; readonly bytes: number; readonly access: Insn; readonly reset: number }
  /** ends the program in another one, or goes on where the slot is empty or beyond the array; in the program itself only */
  | { readonly kind: 'tailCall'; readonly slot: number; readonly after: After };

export interface Func {
  /** of bpf_loop: two arguments, 0 or 1 comes back */
  readonly callback: boolean;
  readonly body: readonly Item[];
}

export interface Program {
  readonly type: 'syscall' | 'xdp';
  /** what R0 to R8 start as */
  readonly initial: readonly bigint[];
  readonly main: readonly Item[];
  /** functions of five numbers, and callbacks; they call only later ones */
  readonly funcs: readonly Func[];
}

const EDGES = [0, 1, -1, 2, 7, 8, 31, 32, 63, 64, 127, 128, -128, 255, 256, 0x7fff, -0x8000, 0x7fff_ffff, -0x8000_0000];
const imm32 = (r: Rng): number => (r.chance(60) ? r.pick(EDGES) : r.u32() | 0);
const wide = (r: Rng): bigint => {
  const edge = [0n, 1n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n, 0xffff_ffffn, 1n << 32n, 0x8000_0000n];
  return r.chance(50) ? r.pick(edge) : (BigInt(r.u32()) << 32n) | BigInt(r.u32());
};
/** R1 to R5 after a call. */
const after = (r: Rng): Insn[] =>
  [1, 2, 3, 4, 5].map((n) => insn(isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_K, n, 0, 0, imm32(r)));

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

/** A place that loads and stores may use: the buffer's scratch part, or the stack's, where the verifier is `strict`. */
function place(r: Rng, size: number, strict: boolean, aligned = false): [base: number, off: number] {
  const onStack = r.chance(40);
  let off = r.below((onStack ? FRAME.randomBytes : DUMP) - size + 1);
  if (aligned || (strict && onStack)) off -= off % size;
  return onStack ? [isa.BPF_REG_FP, off + FRAME.random] : [BASE, off];
}

/** A load or store of `reg` at base + off. */
function access(r: Rng, [code, size]: readonly [number, number], reg: number, base: number, off: number): Insn {
  switch (r.below(4)) {
    case 0:
      return insn(isa.BPF_ST | isa.BPF_MEM | code, base, 0, off, imm32(r));
    case 1:
      return insn(isa.BPF_STX | isa.BPF_MEM | code, base, reg, off, 0);
    case 2:
      return insn(isa.BPF_LDX | (size === 8 ? isa.BPF_MEM : isa.BPF_MEMSX) | code, reg, base, off, 0);
    default:
      return insn(isa.BPF_LDX | isa.BPF_MEM | code, reg, base, off, 0);
  }
}

function memory(r: Rng, strict: boolean): Insn[] {
  const size = r.pick(SIZES);
  const reg = r.below(NUMBERS);
  if (r.chance(25)) {
    const bytes = size[1] === 8 ? 8 : 4;
    const [base, off] = place(r, bytes, strict, true);
    return [
      insn(isa.BPF_STX | isa.BPF_ATOMIC | (bytes === 8 ? isa.BPF_DW : isa.BPF_W), base, reg, off, r.pick(ATOMICS)),
    ];
  }
  return [access(r, size, reg, ...place(r, size[1], strict))];
}

function indexed(r: Rng): Item {
  const size = r.pick(SIZES);
  const mask = r.pick([1, 3, 7, 15, 31, 63]);
  // loads go to R8, which is the pointer until then; stores take what R0 to R7 hold
  const off = r.below(DUMP - mask - size[1] + 1);
  const load = r.chance(50);
  const code = load
    ? isa.BPF_LDX | (size[1] < 8 && r.chance(30) ? isa.BPF_MEMSX : isa.BPF_MEM) | size[0]
    : isa.BPF_STX | isa.BPF_MEM | size[0];
  return {
    kind: 'indexed',
    index: r.below(NUMBERS),
    mask,
    access: load ? insn(code, r.below(NUMBERS), 8, off, 0) : insn(code, 8, r.below(8), off, 0),
    reset: imm32(r),
  };
}

/** Whether the comparison bounds the number is for the verifier to say. */
function bounded(r: Rng): Item {
  const code = r.pick(SIZES)[0];
  const arithmetic = (): Insn => {
    const klass = r.chance(50) ? isa.BPF_ALU64 : isa.BPF_ALU;
    const kind = r.below(3);
    if (kind === 0)
      return insn(klass | r.pick(SHIFTS) | isa.BPF_K, 8, 0, 0, r.below(klass === isa.BPF_ALU64 ? 64 : 32));
    if (kind === 1) return insn(klass | isa.BPF_MOV | isa.BPF_X, 8, 8, r.pick([8, 16]), 0);
    return insn(
      klass | r.pick(BINARY.slice(0, 6)) | isa.BPF_K,
      8,
      0,
      0,
      r.pick([...EDGES, 15, 16, 60, 120, 200, 0xff00]),
    );
  };
  const some = (most: number): Insn[] => Array.from({ length: r.below(most + 1) }, arithmetic);
  const klass = r.chance(50) ? isa.BPF_JMP : isa.BPF_JMP32;
  const off = r.below(BUFFER - 8);
  return {
    kind: 'bounded',
    index: r.below(NUMBERS),
    before: some(2),
    test: insn(
      klass | r.pick(TESTS) | isa.BPF_K,
      8,
      0,
      0,
      r.pick([0, 1, 7, 15, 31, 63, 100, 127, 200, 255, 256, -1, -8]),
    ),
    behind: some(1),
    access: r.chance(50)
      ? insn(isa.BPF_LDX | isa.BPF_MEM | code, r.below(NUMBERS), 8, off, 0)
      : insn(isa.BPF_STX | isa.BPF_MEM | code, 8, r.below(8), off, 0),
    reset: imm32(r),
  };
}

/** Contexts are accessed aligned, and neither by constants nor with sign extension. */
function context(r: Rng): Item {
  const [code, size] = r.pick(SIZES);
  const off = size * r.below(CONTEXT / size);
  const access = r.chance(50)
    ? insn(isa.BPF_LDX | isa.BPF_MEM | code, r.below(NUMBERS), 8, off, 0)
    : insn(isa.BPF_STX | isa.BPF_MEM | code, 8, r.below(8), off, 0);
  return { kind: 'context', access, reset: imm32(r) };
}

/** R6 to R8 are what the check needs. */
function packet(r: Rng): Item {
  const [code, size] = r.pick(SIZES);
  const bytes = size + r.below(PACKET + 8);
  const off = r.below(bytes - size + 1);
  const access = r.chance(50)
    ? insn(isa.BPF_LDX | isa.BPF_MEM | code, r.below(6), 8, off, 0)
    : insn(isa.BPF_STX | isa.BPF_MEM | code, 8, r.below(6), off, 0);
  return { kind: 'packet', bytes, access, reset: imm32(r) };
}

function test(r: Rng): Insn {
  const klass = r.chance(50) ? isa.BPF_JMP : isa.BPF_JMP32;
  const reg = r.chance(50);
  const op = r.pick(TESTS);
  const dst = r.below(NUMBERS);
  return reg
    ? insn(klass | op | isa.BPF_X, dst, r.below(NUMBERS), 0, 0)
    : insn(klass | op | isa.BPF_K, dst, 0, 0, imm32(r));
}

/** What the program's functions are, for those who call them. */
interface Scope {
  readonly main: boolean;
  readonly verified: boolean;
  readonly wild: boolean;
  readonly type: Program['type'];
  readonly callable: readonly number[];
  readonly callbacks: readonly number[];
  readonly tailCalls: boolean;
}

function items(r: Rng, count: number, depth: number, scope: Scope): Item[] {
  return Array.from({ length: count }, () => item(r, depth, scope));
}

function item(r: Rng, depth: number, scope: Scope): Item {
  const dice = r.below(100);
  if (dice < 12 && depth < 3) return { kind: 'if', test: test(r), body: items(r, 1 + r.below(6), depth + 1, scope) };
  // a loop that a change makes endless costs the verifier a million instructions
  if (dice < 18 && depth < 3 && (!scope.wild || r.chance(5))) {
    return { kind: 'loop', depth, turns: 1 + r.below(5), body: items(r, 1 + r.below(5), depth + 1, scope) };
  }
  if (dice < 20 && depth < 2) return { kind: 'mayGoto', body: items(r, 1 + r.below(3), depth + 1, scope) };
  if (dice < 24 && scope.callable.length > 0) return { kind: 'call', func: r.pick(scope.callable), after: after(r) };
  if (dice < 26 && scope.callbacks.length > 0) {
    return { kind: 'callback', func: r.pick(scope.callbacks), turns: r.below(6), after: after(r) };
  }
  if (dice < 32) {
    const map = r.chance(50) ? 'array' : 'hash';
    const op = r.pick(['lookup', 'lookup', 'add', 'update', 'update', 'delete'] as const);
    return {
      kind: 'map',
      op,
      map,
      key: r.below(NUMBERS),
      value: r.below(NUMBERS),
      flags: r.pick([0, 0, 1, 2]),
      after: after(r),
    };
  }
  if (dice < 37) return scope.wild && r.chance(60) ? bounded(r) : indexed(r);
  if (dice < 39)
    return { kind: 'copy', size: r.pick([1, 4, 8, 16, 31, 32]), from: r.below(DUMP - 32), after: after(r) };
  if (dice < 42 && scope.main) return scope.type === 'xdp' ? packet(r) : context(r);
  if (dice < 43 && scope.tailCalls) return { kind: 'tailCall', slot: r.below(6), after: after(r) };
  return { kind: 'straight', insns: r.chance(70) ? alu(r) : memory(r, scope.verified) };
}

/**
 * @param verified through the verifier, which knows what a context is and what may be called from where
 * @param wild with accesses that may or may not be safe
 */
export function generate(seed: number, verified: boolean, wild: boolean): Program {
  const r = new Rng(seed);
  const type = verified && r.chance(50) ? 'xdp' : 'syscall';
  const count = r.chance(50) ? 1 + r.below(3) : 0;
  // callbacks need BTF where there is a verifier
  const kinds = Array.from({ length: count }, () => !verified && r.chance(30));
  const initial = Array.from({ length: NUMBERS }, () => wide(r));
  const scope = (from: number, main: boolean): Scope => {
    const later = kinds.map((_, n) => n).filter((n) => n >= from);
    return {
      main,
      verified,
      wild,
      type,
      callable: later.filter((n) => !kinds[n]),
      // a callback calls nothing that calls back
      callbacks: main || !kinds[from - 1] ? later.filter((n) => kinds[n]) : [],
      // without a JIT, programs with functions may not; sleepable ones never
      tailCalls: main && count === 0 && (type === 'xdp' || !verified),
    };
  };
  return {
    type,
    initial,
    main: items(r, 2 + r.below(24), 0, scope(0, true)),
    funcs: kinds.map((callback, n) => ({
      callback,
      body: items(r, 1 + r.below(10), callback ? 2 : 1, scope(n + 1, false)),
    })),
  };
}
