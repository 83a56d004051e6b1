/** Operands as the assembler takes them: register numbers, memory operands, labels. */
import { RIP } from './insn.ts';

/** 64-, 32-, 16- and 8-bit registers have the same numbers (SDM vol. 2A, table 3-1): the row says the size. */
export const rax = 0;
export const rcx = 1;
export const rdx = 2;
export const rbx = 3;
export const rsp = 4;
export const rbp = 5;
export const rsi = 6;
export const rdi = 7;
export const r8 = 8;
export const r9 = 9;
export const r10 = 10;
export const r11 = 11;
export const r12 = 12;
export const r13 = 13;
export const r14 = 14;
export const r15 = 15;
/** All of these, for a file that uses many: `const { rax, rdi } = GPR;`. */
export const GPR = { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15 } as const;
/** Memory base only: the operand's displacement counts from the next instruction. */
export const rip = RIP;
/** The high bytes, where an operand is 8 bits wide (4..7 are spl, bpl, sil, dil). */
export const ah = 16;
export const ch = 17;
export const dh = 18;
export const bh = 19;

export interface Mem {
  readonly base: number;
  readonly index: number;
  /** log2 */
  readonly scale: number;
  readonly disp: number;
  /** bytes of displacement to emit: 0, 1, 4, or -1 for the shortest */
  readonly dispSize: number;
  /** 0, or 4 (fs), 5 (gs) */
  readonly segment: number;
  /** rip-relative: where it points, instead of `disp` */
  readonly target: number | Label | undefined;
}

export interface MemSpec {
  base?: number;
  index?: number;
  scale?: 1 | 2 | 4 | 8;
  disp?: number;
  /** forces the displacement's width, as a compiler that decides itself needs */
  dispSize?: 0 | 1 | 4;
  segment?: 'fs' | 'gs';
  /** absolute address, reached rip-relative */
  target?: number | bigint | Label;
}

/** A memory operand: `mem({ base: rdi, disp: 8 })`, `mem({ target: address })` rip-relative. */
export function mem(spec: MemSpec): Mem {
  const { target } = spec;
  return {
    base: target !== undefined ? RIP : (spec.base ?? -1),
    index: spec.index ?? -1,
    scale: spec.scale === undefined ? 0 : 31 - Math.clz32(spec.scale),
    disp: spec.disp ?? 0,
    dispSize: spec.dispSize ?? -1,
    segment: spec.segment === undefined ? 0 : spec.segment === 'fs' ? 4 : 5,
    target: typeof target === 'bigint' ? Number(BigInt.asIntN(64, target)) : target,
  };
}

/** `[base + disp]`, the operand that a compiler makes by the thousand. */
export const at = (base: number, disp = 0, dispSize = -1): Mem => ({
  base,
  index: -1,
  scale: 0,
  disp,
  dispSize,
  segment: 0,
  target: undefined,
});

/** A place in the code that is known later: made by `Assembler.label`, fixed by `Assembler.bind`. */
export interface Label {
  /** offset in the code, -1 until bound */
  offset: number;
  readonly name: string;
}

/** Register number, immediate, branch target (absolute address or label), or memory. */
export type Operand = number | bigint | Mem | Label;
