/** What each micro-operation does with its variables and the flags: what the passes ask of it. */
import type { Uop } from './uop.ts';

/** Bits of what a micro-operation does: it reads its a, b, d (keeping part of it), c or p, and writes its d or p. */
export const USE = {
  a: 1,
  b: 2,
  d: 4,
  c: 8,
  p: 16,
  setsD: 32,
  setsP: 64,
  /** changes what is known of the flags */
  flags: 128,
  /** reads flags, or may leave the unit, which makes every flag observable */
  observes: 256,
  /** one WebAssembly instruction on a and b */
  alu: 512,
} as const;

const ALU = USE.a | USE.b | USE.setsD | USE.alu;
const ONE = USE.a | USE.setsD;
const USES: Readonly<Record<Uop['op'], number>> = {
  const: USE.setsD,
  sp: USE.setsD,
  cpu: USE.setsD,
  setcc: USE.setsD | USE.observes,
  rflags: USE.setsD | USE.observes,
  system: USE.a,
  swapgs: 0,
  'load.sp': USE.setsD,
  mov: ONE,
  zext: ONE,
  sext: ONE,
  bswap: ONE,
  check: USE.a | USE.setsP | USE.observes,
  expect: USE.a | USE.observes,
  mulhu: USE.a | USE.b | USE.setsD,
  flags: USE.a | USE.b | USE.flags,
  overlay: USE.a | USE.b | USE.flags,
  'store.sp': USE.b,
  insert: USE.a | USE.d | USE.setsD,
  cmov: USE.a | USE.d | USE.setsD | USE.observes,
  'flags.var': USE.a | USE.b | USE.c | USE.flags,
  load: USE.a | USE.p | USE.setsD,
  store: USE.a | USE.b | USE.p,
  add: ALU,
  sub: ALU,
  and: ALU,
  or: ALU,
  xor: ALU,
  mul: ALU,
  shl: ALU,
  shr: ALU,
  sar: ALU,
  rotl: ALU,
  rotr: ALU,
  divu: ALU,
  remu: ALU,
  divs: ALU,
  rems: ALU,
};

/** What an operation does with its variables a, b and p, where -1 is none. */
export function usesOf(op: Uop['op'], a: number, b: number, p: number): number {
  let uses = USES[op];
  if (a < 0) uses &= ~USE.a;
  if (b < 0) uses &= ~USE.b;
  if (p < 0) uses &= ~(USE.p | USE.setsP);
  return uses;
}

/** Fields that may name a variable; bits of `uses`, and of `ends`, say which are there. */
export interface Named {
  readonly uses: number;
  readonly a?: number;
  readonly b?: number;
  readonly c?: number;
  readonly d?: number;
  readonly p?: number;
}

/** The variable that a micro-operation writes, -1 none. */
export function written(u: Uop): number {
  const { uses, d, p }: Named = u;
  if (uses & USE.setsD) return d!;
  return uses & USE.setsP ? p! : -1;
}
