/**
 * A table row, parsed: what the encoder, the decoder and the executors need of its two columns.
 * Parsed on first use, since one run touches few of the rows.
 */
import { FLAG, table } from './table.ts';

/** Where an operand lives in the encoding (the manual's "Op/En" column). */
export type Place = 'reg' | 'rm' | 'opcode' | 'vvvv' | 'imm' | 'imm2' | 'rel' | 'moffs' | 'fixed';

export interface OperandForm {
  readonly place: Place;
  /** bytes; 0 where the operand has no size (`lea`'s m) */
  readonly size: number;
  /** `rm` only: may be a register, may be memory */
  readonly allowReg: boolean;
  readonly allowMem: boolean;
  /** its register is an xmm register */
  readonly xmm: boolean;
  /** `fixed` only: register number (al, ax, eax, rax: 0; cl: 1), or -1 for the constant 1 */
  readonly fixed: number;
}

export interface Form {
  readonly row: number;
  readonly syntax: string;
  readonly mnemonic: string;
  readonly operands: readonly OperandForm[];
  /** operand size in bytes: that of the first sized operand, or the prefixes' */
  readonly size: number;
  /** opcode map: 0 one-byte, 1 `0F`, 2 `0F 38`, 3 `0F 3A` */
  readonly map: number;
  readonly opcode: number;
  /** what ModRM must be: -1 none, 0..7 a digit, 8 any (`/r`), 0x100 | byte spelled out */
  readonly modrm: number;
  readonly plusR: boolean;
  /** required prefix: 0, 0x66, 0xf2, 0xf3 */
  readonly prefix: number;
  /** 66 together with F2/F3 (`popcnt r16`) */
  readonly opsize: boolean;
  /** prefixes that make the row not match: 1 66 without REX.W, 2 F2/F3, 4 66, 8 REX.W */
  readonly refuse: number;
  readonly w: boolean;
  readonly vex: boolean;
  readonly immSize: number;
  readonly imm2Size: number;
  /** flags that it reads, writes as defined, leaves undefined (RFLAGS bits) */
  readonly reads: number;
  readonly writes: number;
  readonly undefined: number;
  /** may carry `lock` (when its destination is in memory) */
  readonly lockable: boolean;
  /** it works on xmm registers, or is of their state */
  readonly vector: boolean;
  /** string instruction: `rep` means something */
  readonly string: boolean;
  /** has an operand in ModRM.reg or the opcode; it, or the ModRM.rm one, is a byte; has an address in the immediate's place */
  readonly hasReg: boolean;
  readonly byteReg: boolean;
  readonly byteRm: boolean;
  readonly moffs: boolean;
}

const forms: (Form | undefined)[] = [];

/** The parsed row. */
export function form(row: number): Form {
  return (forms[row] ??= parseRow(row));
}

const LOCKABLE = / (add|adc|and|btc|btr|bts|cmpxchg|cmpxchg8b|cmpxchg16b|dec|inc|neg|not|or|sbb|sub|xor|xadd|xchg) /;
const VECTOR_STATE = /^((ld|st)mxcsr|fx(save|rstor)(64)?)$/;
const STRING = /^(movs|cmps|stos|lods|scas)[bwdq]$/;
const IMM_SIZES: Readonly<Record<string, number>> = { ib: 1, cb: 1, iw: 2, id: 4, cd: 4, io: 8 };
const PLAIN_SIZES: Readonly<Record<string, number>> = { b: 1, w: 2, d: 4, q: 8 };

function parseRow(row: number): Form {
  const raw = table[row];
  if (raw === undefined) throw new RangeError(`x86 table has no row ${row}`);
  let map = 0;
  let opcode = -1;
  let modrm = -1;
  let plusR = false;
  let prefix = 0;
  let opsize = false;
  let refuse = 0;
  let w = false;
  let vex = false;
  let immSize = 0;
  let imm2Size = 0;
  for (const token of raw.encoding.split(' ')) {
    if (token.startsWith('VEX.')) {
      vex = true;
      const parts = token.split('.');
      map = parts.includes('0F38') ? 2 : parts.includes('0F3A') ? 3 : 1;
      prefix = parts.includes('66') ? 0x66 : parts.includes('F2') ? 0xf2 : parts.includes('F3') ? 0xf3 : 0;
      w = parts.includes('W1');
    } else if (token === 'REX.W') w = true;
    else if (token === 'NP') refuse = 6;
    else if (token === 'N66') refuse = 1;
    else if (token === 'NFx') refuse = 2;
    else if (token === 'W0') refuse = 8;
    else if (token === '/r') modrm = 8;
    else if (token.startsWith('/')) modrm = Number(token[1]);
    else if (token === '+r') plusR = true;
    else if (IMM_SIZES[token] !== undefined) {
      if (immSize === 0) immSize = IMM_SIZES[token];
      else imm2Size = IMM_SIZES[token];
    } else {
      const byte = Number.parseInt(token, 16);
      if (opcode >= 0) modrm = 0x100 | byte;
      else if (byte === 0x0f && map === 0) map = 1;
      else if (map === 1 && byte === 0x38) map = 2;
      else if (map === 1 && byte === 0x3a) map = 3;
      else if (map === 0 && (byte === 0x66 || byte === 0xf2 || byte === 0xf3)) {
        if (prefix === 0x66) opsize = true;
        prefix = byte;
      } else opcode = byte;
    }
  }
  const space = raw.syntax.indexOf(' ');
  const mnemonic = space < 0 ? raw.syntax : raw.syntax.slice(0, space);
  const operands = space < 0 ? [] : parseOperands(raw.syntax.slice(space + 1), modrm, plusR, vex);
  let size = operands.find((o) => o.size > 0 && o.place !== 'imm' && o.place !== 'rel')?.size ?? 0;
  const string = operands.length === 0 && STRING.test(mnemonic);
  if (size === 0) size = string ? (PLAIN_SIZES[mnemonic.slice(-1)] ?? 0) : w ? 8 : prefix === 0x66 ? 2 : 4;
  const moffs = operands.some((o) => o.place === 'moffs');
  if (moffs) immSize = 8;
  const reg = operands.find((o) => o.place === 'reg' || o.place === 'opcode');
  const flags = { r: 0, w: 0, u: 0 };
  for (const part of raw.flags.split(' ')) {
    if (part !== '') flags[part[0] as 'r' | 'w' | 'u'] = flagMask(part.slice(2));
  }
  return {
    row,
    syntax: raw.syntax,
    mnemonic,
    operands,
    size,
    map,
    opcode,
    modrm,
    plusR,
    prefix,
    opsize,
    refuse,
    w,
    vex,
    immSize,
    imm2Size,
    reads: flags.r,
    writes: flags.w,
    undefined: flags.u,
    lockable: operands[0]?.allowMem === true && LOCKABLE.test(` ${mnemonic} `),
    string,
    vector: operands.some((o) => o.xmm) || VECTOR_STATE.test(mnemonic),
    hasReg: reg !== undefined,
    byteReg: reg?.size === 1,
    byteRm: operands.some((o) => o.place === 'rm' && o.size === 1),
    moffs,
  };
}

const FLAG_LETTERS: Readonly<Record<string, number>> = {
  o: FLAG.OF,
  s: FLAG.SF,
  z: FLAG.ZF,
  a: FLAG.AF,
  p: FLAG.PF,
  c: FLAG.CF,
};
const flagMask = (letters: string): number => [...letters].reduce((mask, l) => mask | (FLAG_LETTERS[l] ?? 0), 0);

const FIXED: Readonly<Record<string, readonly [number, number]>> = {
  al: [0, 1],
  ax: [0, 2],
  eax: [0, 4],
  rax: [0, 8],
  cl: [1, 1],
  '1': [-1, 1],
};

function parseOperands(text: string, modrm: number, plusR: boolean, vex: boolean): OperandForm[] {
  let regTaken = !(modrm === 8);
  let immTaken = false;
  return text.split(', ').map((operand): OperandForm => {
    const fixed = FIXED[operand];
    if (fixed !== undefined) return place('fixed', fixed[1], false, false, fixed[0]);
    const size = Number(/\d+$/.exec(operand)?.[0] ?? 0) / 8;
    if (operand === 'xmm') {
      if (regTaken) return place('rm', 16, true, false, 0, true);
      regTaken = true;
      return place('reg', 16, false, false, 0, true);
    }
    if (operand.startsWith('xmm/')) return place('rm', size, true, true, 0, true);
    if (operand.startsWith('imm')) {
      const second = immTaken;
      immTaken = true;
      return place(second ? 'imm2' : 'imm', size);
    }
    if (operand.startsWith('rel')) return place('rel', size);
    if (operand.startsWith('moffs')) return place('moffs', size, false, true);
    if (operand.startsWith('r/m')) return place('rm', size, true, true);
    if (operand.startsWith('m')) return place('rm', size, false, true);
    if (plusR) return place('opcode', size);
    if (!regTaken) {
      regTaken = true;
      return place('reg', size);
    }
    return vex ? place('vvvv', size) : place('rm', size, true, false);
  });
}

const place = (
  where: Place,
  size: number,
  allowReg = false,
  allowMem = false,
  fixed = 0,
  xmm = false,
): OperandForm => ({
  place: where,
  size,
  allowReg,
  allowMem,
  fixed,
  xmm,
});

let bySyntax: Map<string, number> | undefined;

/** Row of a syntax string, -1 where there is none. Of twin rows the first, which is the one assemblers emit. */
export function rowOf(syntax: string): number {
  if (bySyntax === undefined) {
    bySyntax = new Map();
    for (let i = table.length - 1; i >= 0; i--) bySyntax.set((table[i] as { syntax: string }).syntax, i);
  }
  return bySyntax.get(syntax) ?? -1;
}
