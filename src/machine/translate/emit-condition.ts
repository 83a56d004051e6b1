/**
 * Condition codes (Intel SDM vol. 2D, B.1.4.7) from what set the flags, without computing them: a
 * comparison and its branch become one WebAssembly comparison.
 */
import { CPU, FLAG } from '../cpu.ts';
import { CPU_PHYS } from '../layout.ts';
import { type FunctionBody, OP, type OpName } from '../wasm/encoder.ts';
import type { Locals } from './emit.ts';
import type { FlagState } from './flags.ts';
import { MAIL } from './mailbox.ts';

/** Condition families, cc >> 1. */
const O = 0;
const B = 1;
const E = 2;
const BE = 3;
const S = 4;
const P = 5;
const L = 6;

const STATUS = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF;

/** Pushes an i32 that is not zero where the condition holds. `settle` is the import that computes flags of unknown origin. */
export function emitCondition(body: FunctionBody, l: Locals, s: FlagState, cc: number, settle: number): void {
  const c = new Condition(body, l, s);
  const family = cc >> 1;
  if (!c.possible(family)) {
    emitSettled(body, l, settle);
    testStatus(body, l, family);
  } else if (c.direct(cc)) return;
  else c.family(family);
  if (cc & 1) body.op(OP['i32.eqz']);
}

/** Pushes the status flags, computed by the host from the mailbox. */
function emitSettled(body: FunctionBody, l: Locals, settle: number): void {
  const store = (local: number, code: number, at: number): void => {
    body.i32(0).get(local).mem(code, at);
  };
  store(l.code, OP['i32.store'], MAIL.code);
  store(l.over, OP['i32.store'], MAIL.over);
  store(l.a, OP['i64.store'], MAIL.a);
  store(l.b, OP['i64.store'], MAIL.b);
  store(l.oa, OP['i64.store'], MAIL.oa);
  store(l.ob, OP['i64.store'], MAIL.ob);
  body.call(settle);
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
export function emitFlags(body: FunctionBody, l: Locals, s: FlagState, settle: number): void {
  const c = new Condition(body, l, s);
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
    emitSettled(body, l, settle);
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

class Condition {
  private readonly body: FunctionBody;
  private readonly l: Locals;
  private readonly s: FlagState;

  constructor(body: FunctionBody, l: Locals, s: FlagState) {
    this.body = body;
    this.l = l;
    this.s = s;
  }

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

  /** Pushes a local, moved up so that its top bit is bit 31 (or 63). */
  private push(local: number): FunctionBody {
    const { body, s } = this;
    body.get(local);
    if (s.w === 8) return body;
    body.op(OP['i32.wrap_i64']);
    if (s.w < 4) body.i32(32 - 8 * s.w).op(OP['i32.shl']);
    return body;
  }

  private op(name: string): FunctionBody {
    return this.body.op(OP[`${this.s.w === 8 ? 'i64' : 'i32'}.${name}` as OpName]);
  }

  private zero(): FunctionBody {
    return this.s.w === 8 ? this.body.i64(0, 0) : this.body.i32(0);
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
    const { body, l, s } = this;
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
        if (s.kind === 'raw') body.get(l.a).i64(FLAG.PF, 0).op(OP['i64.and']).i64(0, 0).op(OP['i64.ne']);
        else {
          this.result();
          if (s.w === 8) body.op(OP['i32.wrap_i64']);
          else if (s.w < 4) body.i32(32 - 8 * s.w).op(OP['i32.shr_u']);
          body.i32(0xff).op(OP['i32.and']).op(OP['i32.popcnt']).i32(1).op(OP['i32.and']).op(OP['i32.eqz']);
        }
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

  private bit(mask: number): void {
    this.body.get(this.l.a).i64(mask, 0).op(OP['i64.and']).i64(0, 0).op(OP['i64.ne']);
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

  /** The result, moved up. */
  private result(): void {
    const { l, s } = this;
    this.push(l.a);
    if (s.kind === 'cmp') {
      this.push(l.b);
      this.op('sub');
    }
  }

  private zeroFlag(): void {
    if (this.s.kind === 'raw') {
      this.bit(FLAG.ZF);
      return;
    }
    this.result();
    this.op('eqz');
  }

  private sign(): void {
    if (this.s.kind === 'raw') {
      this.bit(FLAG.SF);
      return;
    }
    this.result();
    this.zero();
    this.op('lt_s');
  }

  /** Pushes AF as 0 or 1. */
  adjust(): void {
    const { body, l, s } = this;
    const low = (local: number): FunctionBody => body.get(local).op(OP['i32.wrap_i64']);
    switch (s.kind) {
      case 'raw':
        low(l.a);
        break;
      case 'add':
      case 'sub':
        // result ^ operand ^ (result -+ operand)
        low(l.a);
        low(l.b).op(s.kind === 'add' ? OP['i32.sub'] : OP['i32.add']);
        low(l.a).op(OP['i32.xor']);
        low(l.b).op(OP['i32.xor']);
        break;
      case 'cmp':
        low(l.a);
        low(l.b).op(OP['i32.sub']);
        low(l.a).op(OP['i32.xor']);
        low(l.b).op(OP['i32.xor']);
        break;
      case 'inc':
      case 'dec':
        low(l.a)
          .i32(15)
          .op(OP['i32.and'])
          .i32(s.kind === 'inc' ? 0 : 15)
          .op(OP['i32.eq']);
        return;
      default:
        body.i32(0);
        return;
    }
    body.i32(4).op(OP['i32.shr_u']).i32(1).op(OP['i32.and']);
  }

  private carry(): void {
    const { body, l, s } = this;
    if (s.over === 'cf' || s.over === 'co') {
      body.get(l.oa).op(OP['i32.wrap_i64']);
      return;
    }
    if (s.over === 'mul') {
      body.get(l.oa).i64(0, 0).op(OP['i64.ne']);
      return;
    }
    if (s.kind === 'logic') {
      body.i32(0);
      return;
    }
    // add: result < operand; sub: result + operand < operand; cmp: left < right
    this.push(l.a);
    if (s.kind === 'sub') {
      this.push(l.b);
      this.op('add');
    }
    this.push(l.b);
    this.op('lt_u');
  }

  private overflow(): void {
    const { body, l, s } = this;
    if (s.kind === 'raw') {
      this.bit(FLAG.OF);
      return;
    }
    if (s.kind === 'logic') {
      body.i32(0);
      return;
    }
    if (s.kind === 'inc' || s.kind === 'dec') {
      this.push(l.a);
      if (s.w === 8) body.i64(s.kind === 'inc' ? 0 : -1, s.kind === 'inc' ? -0x8000_0000 : 0x7fff_ffff);
      else {
        const most = -0x8000_0000 | 0;
        body.i32(s.kind === 'inc' ? most : (most - (1 << (32 - 8 * s.w))) | 0);
      }
      this.op('eq');
      return;
    }
    // Operands x, b and result r. Sum: (r ^ x) & (r ^ b); difference: (x ^ b) & (x ^ r).
    const x = (): void => {
      this.push(l.a);
      if (s.kind === 'cmp') return;
      this.push(l.b);
      this.op(s.kind === 'add' ? 'sub' : 'add');
    };
    x();
    if (s.kind === 'add') {
      this.push(l.a);
      this.op('xor');
      this.push(l.b);
      this.push(l.a);
      this.op('xor');
    } else {
      this.push(l.b);
      this.op('xor');
      x();
      this.result();
      this.op('xor');
    }
    this.op('and');
    this.zero();
    this.op('lt_s');
  }
}
