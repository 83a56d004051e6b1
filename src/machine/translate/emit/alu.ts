/**
 * Arithmetic as WebAssembly. A 32-bit operation is the i32 instruction between wrap and extend, which the engine's code
 * generator folds away.
 */
import { type FunctionBody, OP } from '../../wasm/encoder.ts';
import type { AluOp, Uop } from '../ir/uop.ts';
import type { Emitter } from './emitter.ts';

/** i32 and i64 instruction of each operation. */
const ALU: Readonly<Record<AluOp, readonly [number, number]>> = {
  add: [OP['i32.add'], OP['i64.add']],
  sub: [OP['i32.sub'], OP['i64.sub']],
  and: [OP['i32.and'], OP['i64.and']],
  or: [OP['i32.or'], OP['i64.or']],
  xor: [OP['i32.xor'], OP['i64.xor']],
  mul: [OP['i32.mul'], OP['i64.mul']],
  shl: [OP['i32.shl'], OP['i64.shl']],
  shr: [OP['i32.shr_u'], OP['i64.shr_u']],
  sar: [OP['i32.shr_s'], OP['i64.shr_s']],
  rotl: [OP['i32.rotl'], OP['i64.rotl']],
  rotr: [OP['i32.rotr'], OP['i64.rotr']],
  divu: [OP['i32.div_u'], OP['i64.div_u']],
  remu: [OP['i32.rem_u'], OP['i64.rem_u']],
  divs: [OP['i32.div_s'], OP['i64.div_s']],
  rems: [OP['i32.rem_s'], OP['i64.rem_s']],
};

export function emitAlu(e: Emitter, u: Extract<Uop, { op: AluOp }>): void {
  const code = ALU[u.op];
  if (u.w === 8) {
    e.get(u.a);
    e.value(u.b, u.lo, u.hi);
    e.body.op(code[1]);
  } else {
    e.value32(u.a, 0);
    e.value32(u.b, u.lo);
    e.body.op(code[0]).op(OP['i64.extend_i32_u']);
  }
  e.set(u.d);
}

export function emitInsert(e: Emitter, u: Extract<Uop, { op: 'insert' }>): void {
  const { body } = e;
  const mask = u.w === 1 ? 0xff << u.shift : 0xffff;
  e.get(u.d).i64(~mask, -1).op(OP['i64.and']);
  e.get(u.a);
  if (u.shift > 0) body.i64(u.shift, 0).op(OP['i64.shl']);
  body.i64(mask, 0).op(OP['i64.and']).op(OP['i64.or']);
  e.set(u.d);
}

export function emitBswap(e: Emitter, u: Extract<Uop, { op: 'bswap' }>): void {
  const { body, l } = e;
  if (u.w === 8) {
    // bytes within halfwords, halfwords within words, words
    const swap = (n: number, lo: number): void => {
      body.get(l.i64).i64(n, 0).op(OP['i64.shr_u']).i64(lo, lo).op(OP['i64.and']);
      body.get(l.i64).i64(lo, lo).op(OP['i64.and']).i64(n, 0).op(OP['i64.shl']).op(OP['i64.or']);
    };
    e.get(u.a).set(l.i64);
    swap(8, 0x00ff00ff);
    body.set(l.i64);
    swap(16, 0x0000ffff);
    body.i64(32, 0).op(OP['i64.rotl']);
  } else {
    e.get(u.a).op(OP['i32.wrap_i64']).set(l.i32);
    if (u.w === 4) {
      body.get(l.i32).i32(8).op(OP['i32.rotl']).i32(0x00ff00ff).op(OP['i32.and']);
      body
        .get(l.i32)
        .i32(8)
        .op(OP['i32.rotr'])
        .i32(0xff00ff00 | 0)
        .op(OP['i32.and'])
        .op(OP['i32.or']);
    } else {
      body.get(l.i32).i32(8).op(OP['i32.shl']);
      body.get(l.i32).i32(8).op(OP['i32.shr_u']).i32(0xff).op(OP['i32.and']).op(OP['i32.or']);
      body.i32(0xffff).op(OP['i32.and']);
    }
    body.op(OP['i64.extend_i32_u']);
  }
  e.set(u.d);
}

/** Upper half of a 64 x 64 product from four 32 x 32 ones (Knuth, TAOCP vol. 2, 4.3.1). */
export function emitMulhu(e: Emitter, u: Extract<Uop, { op: 'mulhu' }>): void {
  const { body, l } = e;
  const low = (v: number): FunctionBody => e.get(v).i64(-1, 0).op(OP['i64.and']);
  const high = (v: number): FunctionBody => e.get(v).i64(32, 0).op(OP['i64.shr_u']);
  // t = aHi * bLo + (aLo * bLo >> 32)
  high(u.a);
  low(u.b).op(OP['i64.mul']);
  low(u.a);
  low(u.b).op(OP['i64.mul']).i64(32, 0).op(OP['i64.shr_u']).op(OP['i64.add']).set(l.i64);
  // high = aHi * bHi + (t >> 32) + ((aLo * bHi + low(t)) >> 32)
  high(u.a);
  high(u.b).op(OP['i64.mul']);
  body.get(l.i64).i64(32, 0).op(OP['i64.shr_u']).op(OP['i64.add']);
  low(u.a);
  high(u.b).op(OP['i64.mul']).get(l.i64).i64(-1, 0).op(OP['i64.and']).op(OP['i64.add']);
  body.i64(32, 0).op(OP['i64.shr_u']).op(OP['i64.add']);
  e.set(u.d);
}
