/**
 * Operations of the predecoded program, densely numbered so that the loop of ./loop.ts is one jump table. Names are
 * those of RFC 9669 with the width behind, and `x` or `k` where the source is a register or an immediate.
 */
import * as isa from '../../../../src/isa/index.ts';

export const ALU = [
  'add',
  'sub',
  'mul',
  'div',
  'or',
  'and',
  'lsh',
  'rsh',
  'mod',
  'xor',
  'mov',
  'arsh',
  'sdiv',
  'smod',
] as const;
export const CONDITIONS = ['jeq', 'jgt', 'jge', 'jset', 'jne', 'jsgt', 'jsge', 'jlt', 'jle', 'jslt', 'jsle'] as const;
/** Operations on one register, or on two of which only one is read. */
export const UNARY = [
  'neg64',
  'neg32',
  'movsx64_8',
  'movsx64_16',
  'movsx64_32',
  'movsx32_8',
  'movsx32_16',
  'le16',
  'le32',
  'nop',
  'bswap16',
  'bswap32',
  'bswap64',
] as const;

export type Width = 32 | 64;
export type Source = 'x' | 'k';
export type Alu = (typeof ALU)[number];
export type Condition = (typeof CONDITIONS)[number];
export type Unary = (typeof UNARY)[number];

/** A load: bytes, whether they are sign-extended, and whether user addresses and faults read as 0 (BPF_PROBE_MEM). */
export interface Load {
  readonly size: 1 | 2 | 4 | 8;
  readonly signed: boolean;
  readonly probe: boolean;
}
export interface Store {
  readonly size: 1 | 2 | 4 | 8;
  readonly source: Source;
}

export const WIDTHS = [64, 32] as const;
export const SOURCES = ['x', 'k'] as const;
const SIZES = [1, 2, 4, 8] as const;
export const LOADS = new Map<string, Load>();
export const STORES = new Map<string, Store>();
for (const size of SIZES) {
  for (const probe of [false, true]) {
    for (const signed of size === 8 ? [false] : [false, true]) {
      LOADS.set(`${probe ? 'probe' : 'ld'}${signed ? 'sx' : 'x'}${size * 8}`, { size, signed, probe });
    }
  }
  for (const source of SOURCES) STORES.set(`st${size * 8}${source}`, { size, source });
}

/** An atomic operation: RFC 9669 section 5.3. `imm`: as the instruction has it. */
export interface Atomic {
  readonly size: 4 | 8;
  readonly imm: number;
}
export const ATOMICS = new Map<string, Atomic>();
for (const size of [4, 8] as const) {
  for (const [name, imm] of [
    ['add', isa.BPF_ADD],
    ['or', isa.BPF_OR],
    ['and', isa.BPF_AND],
    ['xor', isa.BPF_XOR],
  ] as const) {
    ATOMICS.set(`atomic_${name}${size * 8}`, { size, imm });
    ATOMICS.set(`atomic_fetch_${name}${size * 8}`, { size, imm: imm | isa.BPF_FETCH });
  }
  ATOMICS.set(`xchg${size * 8}`, { size, imm: isa.BPF_XCHG });
  ATOMICS.set(`cmpxchg${size * 8}`, { size, imm: isa.BPF_CMPXCHG });
}

const widths = (names: readonly string[]): string[] =>
  names.flatMap((name) => WIDTHS.flatMap((bits) => SOURCES.map((source) => `${name}${bits}${source}`)));

/** Every operation: its number is its index. */
export const OPERATIONS: readonly string[] = [
  'invalid',
  ...widths(ALU),
  ...UNARY,
  'ldimm64',
  'movPercpu',
  ...LOADS.keys(),
  ...STORES.keys(),
  ...ATOMICS.keys(),
  'ja',
  ...widths(CONDITIONS),
  'callHelper',
  'callBpf',
  'tailCall',
  'exit',
];
const NUMBERS = new Map(OPERATIONS.map((name, n) => [name, n]));

/** @throws Error where there is no such operation */
export function opNumber(name: string): number {
  const n = NUMBERS.get(name);
  if (n === undefined) throw new Error(`the interpreter has no operation ${name}`);
  return n;
}
