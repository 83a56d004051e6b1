/** Loads, stores and atomic operations: RFC 9669 section 5. What the TLB has not got is executed by ./slow.ts. */
import * as isa from '../../../../src/isa/index.ts';
import type { OpName } from '../../../../src/machine/wasm/encoder.ts';
import type { Handler } from './alu.ts';
import { type Emitter, LEFT } from './emitter.ts';
import { ATOMICS, type Atomic, LOADS, STORES } from './ops.ts';
import { SLOT } from './zone.ts';

/** By size in bytes, negative where sign-extended. */
const LOAD: Record<number, OpName> = {
  1: 'i64.load8_u',
  2: 'i64.load16_u',
  4: 'i64.load32_u',
  8: 'i64.load',
  [-1]: 'i64.load8_s',
  [-2]: 'i64.load16_s',
  [-4]: 'i64.load32_s',
};
const STORE: Record<number, OpName> = { 1: 'i64.store8', 2: 'i64.store16', 4: 'i64.store32', 8: 'i64.store' };
const ATOMIC: Record<number, OpName> = {
  [isa.BPF_ADD]: 'i64.add',
  [isa.BPF_OR]: 'i64.or',
  [isa.BPF_AND]: 'i64.and',
  [isa.BPF_XOR]: 'i64.xor',
};

export function loadHandlers(): [string, Handler][] {
  return [...LOADS].map(([name, { size, signed, probe }]) => [
    name,
    (e) => {
      e.dst().source(64, 'x').field('i64.load32_s', SLOT.off).op('i64.add');
      e.physical(size, false);
      if (probe) {
        // user space reads as 0, which is the slow path's
        e.get(e.address).i64(0).op('i64.lt_s', 'i32.eqz');
        e.leaveIf(LEFT.slow);
      }
      e.mem(LOAD[signed ? -size : size]!, 0).toDst(64);
      e.next();
    },
  ]);
}

export function storeHandlers(): [string, Handler][] {
  return [...STORES].map(([name, { size, source }]) => [
    name,
    (e) => {
      e.loadDst().dstValue(64).field('i64.load32_s', SLOT.off).op('i64.add');
      e.physical(size, true).source(64, source).mem(STORE[size]!, 0);
      e.next();
    },
  ]);
}

/** What may be written may be read, so the table for writing is asked only. */
export function atomicHandlers(): [string, Handler][] {
  return [...ATOMICS].map(([name, atomic]) => [
    name,
    (e) => {
      e.loadDst().dstValue(64).field('i64.load32_s', SLOT.off).op('i64.add');
      e.physical(atomic.size, true).set(e.a32);
      e.get(e.a32).mem(LOAD[atomic.size]!, 0).set(e.a64);
      if (atomic.imm === isa.BPF_CMPXCHG) compareExchange(e, atomic.size);
      else exchange(e, atomic);
      e.next();
    },
  ]);
}

function exchange(e: Emitter, { imm, size }: Atomic): void {
  e.get(e.a32);
  if (imm !== isa.BPF_XCHG) e.get(e.a64);
  e.source(64, 'x');
  if (imm !== isa.BPF_XCHG) e.op(ATOMIC[imm & ~isa.BPF_FETCH]!);
  e.mem(STORE[size]!, 0);
  if (imm & isa.BPF_FETCH) e.field('i32.load', SLOT.src).get(e.a64).reg('i64.store', 0);
}

/** R0 is compared and becomes what was there. */
function compareExchange(e: Emitter, size: 4 | 8): void {
  e.get(e.a64)
    .i32(0)
    .reg(size === 8 ? 'i64.load' : 'i64.load32_u', 0)
    .op('i64.eq');
  e.body.open('if');
  e.get(e.a32).source(64, 'x').mem(STORE[size]!, 0);
  e.body.end();
  e.i32(0).get(e.a64).reg('i64.store', 0);
}
