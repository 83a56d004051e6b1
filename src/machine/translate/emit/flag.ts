/** Single flags from what set them (flags.ts has the kinds), pushed as an i32. */
import { FLAG } from '../../cpu.ts';
import { type FunctionBody, OP, type OpName } from '../../wasm/encoder.ts';
import type { FlagState } from '../ir/flags.ts';
import type { Locals } from './locals.ts';

export class Flags {
  protected readonly body: FunctionBody;
  protected readonly l: Locals;
  protected readonly s: FlagState;

  constructor(body: FunctionBody, l: Locals, s: FlagState) {
    this.body = body;
    this.l = l;
    this.s = s;
  }

  /** Pushes a local, moved up so that its top bit is bit 31 (or 63). */
  protected push(local: number): FunctionBody {
    const { body, s } = this;
    body.get(local);
    if (s.w === 8) return body;
    body.op(OP['i32.wrap_i64']);
    if (s.w < 4) body.i32(32 - 8 * s.w).op(OP['i32.shl']);
    return body;
  }

  protected op(name: string): FunctionBody {
    return this.body.op(OP[`${this.s.w === 8 ? 'i64' : 'i32'}.${name}` as OpName]);
  }

  protected zero(): FunctionBody {
    return this.s.w === 8 ? this.body.i64(0, 0) : this.body.i32(0);
  }

  protected bit(mask: number): void {
    this.body.get(this.l.a).i64(mask, 0).op(OP['i64.and']).i64(0, 0).op(OP['i64.ne']);
  }

  /** The result, moved up. */
  protected result(): void {
    const { l, s } = this;
    this.push(l.a);
    if (s.kind === 'cmp') {
      this.push(l.b);
      this.op('sub');
    }
  }

  protected zeroFlag(): void {
    if (this.s.kind === 'raw') {
      this.bit(FLAG.ZF);
      return;
    }
    this.result();
    this.op('eqz');
  }

  /** Pushes PF. */
  protected parity(): void {
    const { body, l, s } = this;
    if (s.kind === 'raw') body.get(l.a).i64(FLAG.PF, 0).op(OP['i64.and']).i64(0, 0).op(OP['i64.ne']);
    else {
      this.result();
      if (s.w === 8) body.op(OP['i32.wrap_i64']);
      else if (s.w < 4) body.i32(32 - 8 * s.w).op(OP['i32.shr_u']);
      body.i32(0xff).op(OP['i32.and']).op(OP['i32.popcnt']).i32(1).op(OP['i32.and']).op(OP['i32.eqz']);
    }
  }

  protected sign(): void {
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

  protected carry(): void {
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

  protected overflow(): void {
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
