/**
 * Condition codes (Intel SDM vol. 2D, B.1.4.7) from what set the flags, without computing them: a
 * comparison and its branch become one WebAssembly comparison.
 */
import { CPU, FLAG } from '../../cpu.ts';
import { CPU_PHYS } from '../../layout.ts';
import { type FunctionBody, OP } from '../../wasm/encoder.ts';
import type { Emitter } from './emitter.ts';
import { Flags } from './flag.ts';
import type { Locals } from './locals.ts';
import { emitSettled } from './mail-flags.ts';

const STATUS = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF;

/** Condition families, cc >> 1. */
const O = 0;
const B = 1;
const E = 2;
const BE = 3;
const S = 4;
const P = 5;
const L = 6;

/** Pushes an i32 that is not zero where the condition holds. */
export function emitCondition(e: Emitter, cc: number): void {
  const { body, l } = e;
  const c = new Condition(body, l, e.state);
  const family = cc >> 1;
  if (!c.possible(family)) {
    emitSettled(body, l, e.o.settle);
    testStatus(body, l, family);
  } else if (c.direct(cc)) return;
  else c.family(family);
  if (cc & 1) body.op(OP['i32.eqz']);
}

/** Replaces status flags by whether a condition of the family holds. */
function testStatus(body: FunctionBody, l: Locals, family: number): void {
  const single = [FLAG.OF, FLAG.CF, FLAG.ZF, FLAG.CF | FLAG.ZF, FLAG.SF, FLAG.PF][family];
  if (single !== undefined) {
    body.i32(single).op(OP['i32.and']).i32(0).op(OP['i32.ne']);
    return;
  }
  // SF is bit 7, OF bit 11, ZF bit 6
  body.tee(l.i32).i32(7).op(OP['i32.shr_u']).get(l.i32).i32(11).op(OP['i32.shr_u']).op(OP['i32.xor']);
  if (family === 7) body.get(l.i32).i32(6).op(OP['i32.shr_u']).op(OP['i32.or']);
  body.i32(1).op(OP['i32.and']);
}

/** Pushes all of RFLAGS as an i64. */
export function emitFlags(e: Emitter): void {
  const { body, l } = e;
  const c = new Condition(body, l, e.state);
  const families = [
    [O, 11],
    [B, 0],
    [E, 6],
    [S, 7],
    [P, 2],
  ] as const;
  body
    .i32(0)
    .mem(OP['i32.load'], CPU_PHYS + CPU.rflags)
    .i32(~STATUS)
    .op(OP['i32.and']);
  if (!families.every(([family]) => c.possible(family))) {
    emitSettled(body, l, e.o.settle);
    body.op(OP['i32.or']).op(OP['i64.extend_i32_u']);
    return;
  }
  for (const [family, bit] of families) {
    c.family(family);
    // conditions may be any number that is not zero
    body.op(OP['i32.eqz']).op(OP['i32.eqz']);
    if (bit > 0) body.i32(bit).op(OP['i32.shl']);
    body.op(OP['i32.or']);
  }
  c.adjust();
  body.i32(4).op(OP['i32.shl']).op(OP['i32.or']).op(OP['i64.extend_i32_u']);
}

class Condition extends Flags {
  possible(family: number): boolean {
    const { kind, over } = this.s;
    if (kind === 'any' || over === 'any') return false;
    const carry = family === B || family === BE;
    const overflow = family === O || family === L || family === 7;
    if (over !== 'none') {
      if (carry) return over === 'cf' || over === 'co' || over === 'mul';
      if (overflow) return over === 'cf' && (kind === 'inc' || kind === 'dec');
    }
    if ((kind === 'inc' || kind === 'dec') && carry) return false;
    if (kind === 'shl' || kind === 'shr' || kind === 'sar') return !carry && !overflow;
    return true;
  }

  /** Comparisons that are one instruction, both senses. */
  direct(cc: number): boolean {
    const { kind, over } = this.s;
    if (over !== 'none' && over !== 'cf') return false;
    const family = cc >> 1;
    if (over === 'cf' && (family === B || family === BE)) return false;
    const no = cc & 1;
    const { a, b } = this.l;
    if (kind === 'cmp') {
      const names: Readonly<Record<number, readonly [string, string]>> = {
        [B]: ['lt_u', 'ge_u'],
        [E]: ['eq', 'ne'],
        [BE]: ['le_u', 'gt_u'],
        [L]: ['lt_s', 'ge_s'],
        7: ['le_s', 'gt_s'],
      };
      const name = names[family];
      if (name === undefined) return false;
      this.push(a);
      this.push(b);
      this.op(name[no]!);
      return true;
    }
    if (kind === 'raw') return false;
    if (family === E) {
      this.push(a);
      this.zero();
      this.op(no ? 'ne' : 'eq');
      return true;
    }
    if (family === S || (kind === 'logic' && family === L)) {
      this.push(a);
      this.zero();
      this.op(no ? 'ge_s' : 'lt_s');
      return true;
    }
    if (kind === 'logic' && family === 7) {
      this.push(a);
      this.zero();
      this.op(no ? 'gt_s' : 'le_s');
      return true;
    }
    return false;
  }

  family(family: number): void {
    const { body, s } = this;
    if (s.kind === 'raw' && s.over === 'none') {
      this.raw(family);
      return;
    }
    switch (family) {
      case O:
        this.overflow();
        break;
      case B:
        this.carry();
        break;
      case E:
        this.zeroFlag();
        break;
      case BE:
        this.carry();
        this.zeroFlag();
        body.op(OP['i32.or']);
        break;
      case S:
        this.sign();
        break;
      case P:
        this.parity();
        break;
      case L:
        this.sign();
        this.overflow();
        body.op(OP['i32.ne']);
        break;
      default:
        this.sign();
        this.overflow();
        body.op(OP['i32.ne']);
        this.zeroFlag();
        body.op(OP['i32.or']);
    }
  }

  private raw(family: number): void {
    const { body } = this;
    const single = [FLAG.OF, FLAG.CF, FLAG.ZF, FLAG.CF | FLAG.ZF, FLAG.SF, FLAG.PF][family];
    if (single !== undefined) {
      this.bit(single);
      return;
    }
    this.bit(FLAG.SF);
    this.bit(FLAG.OF);
    body.op(OP['i32.ne']);
    if (family === 7) {
      this.bit(FLAG.ZF);
      body.op(OP['i32.or']);
    }
  }
}
