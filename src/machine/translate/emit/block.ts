/** A block's micro-operations as WebAssembly. */
import { CPU } from '../../cpu.ts';
import { CPU_PHYS } from '../../layout.ts';
import { OP } from '../../wasm/encoder.ts';
import { afterUop, type FlagState, flagCode, overlayCode } from '../ir/flags.ts';
import type { Block } from '../ir/ir.ts';
import type { AluOp, Uop } from '../ir/uop.ts';
import { USE } from '../ir/uses.ts';
import { emitAlu, emitBswap, emitInsert, emitMulhu } from './alu.ts';
import { emitCondition, emitFlags } from './condition.ts';
import type { Emitter } from './emitter.ts';
import { emitExpect } from './exit.ts';
import { emitCheck, emitFrameLoad, emitFrameStore, emitLoad, emitStore } from './memory.ts';

/** By width. */
const MASK: Readonly<Record<number, number>> = { 1: 0xff, 2: 0xffff };

/** Emits the block's micro-operations. */
export function emitBlock(e: Emitter, block: Block, state: FlagState): void {
  const { body, l } = e;
  e.block = block;
  e.state = state;
  if (block.count > 0) body.get(l.budget).i32(block.count).op(OP['i32.sub']).set(l.budget);
  const weight = block.weights?.at(-1) ?? 0;
  if (weight > 0) body.get(l.marked!).i32(weight).op(OP['i32.add']).set(l.marked!);
  for (const u of block.uops) {
    if (u.uses & USE.alu) emitAlu(e, u as Extract<Uop, { op: AluOp }>);
    else emitUop(e, u);
    if (u.uses & USE.flags) e.state = afterUop(e.state, u);
    if (u.ends !== 0) e.release(u);
  }
}

function emitUop(e: Emitter, u: Uop): void {
  const { body, l } = e;
  switch (u.op) {
    // most frequent first
    case 'zext':
      e.get(u.a);
      if (u.w === 4) body.op(OP['i32.wrap_i64']).op(OP['i64.extend_i32_u']);
      else if (u.w < 4) body.i64(MASK[u.w]!, 0).op(OP['i64.and']);
      e.set(u.d);
      return;
    case 'mov':
      e.get(u.a);
      e.set(u.d);
      return;
    case 'load':
      emitLoad(e, u);
      return;
    case 'flags': {
      const shift = u.kind === 'shl' || u.kind === 'shr' || u.kind === 'sar';
      body.i32(flagCode(u.kind, u.w, shift ? u.lo : 0)).set(l.code);
      body.i32(0).set(l.over);
      e.get(u.a).set(l.a);
      e.value(u.b, u.lo, u.hi);
      body.set(l.b);
      return;
    }
    case 'load.sp':
      emitFrameLoad(e, u);
      return;
    case 'const':
      body.i64(u.lo, u.hi);
      e.set(u.d);
      return;
    case 'check':
      emitCheck(e, u);
      return;
    case 'store.sp':
      emitFrameStore(e, u);
      return;
    case 'store':
      emitStore(e, u);
      return;
    case 'sp':
      e.stackAddress(u.disp);
      e.set(u.d);
      return;
    case 'cpu':
      body.i32(0).mem(OP['i64.load'], CPU_PHYS + u.at);
      e.set(u.d);
      return;
    case 'sext':
      e.get(u.a);
      if (u.w < 8) body.op(u.w === 4 ? OP['i64.extend32_s'] : u.w === 2 ? OP['i64.extend16_s'] : OP['i64.extend8_s']);
      e.set(u.d);
      return;
    case 'insert':
      emitInsert(e, u);
      return;
    case 'bswap':
      emitBswap(e, u);
      return;
    case 'mulhu':
      emitMulhu(e, u);
      return;
    case 'cmov':
      emitCondition(e, u.cc);
      body.open('if');
      e.get(u.a);
      e.set(u.d);
      body.end();
      return;
    case 'setcc':
      emitCondition(e, u.cc);
      body.op(OP['i64.extend_i32_u']);
      e.set(u.d);
      return;
    case 'rflags':
      emitFlags(e);
      e.set(u.d);
      return;
    case 'swapgs': {
      const kernel = CPU_PHYS + CPU.kernelGsBase;
      const now = CPU_PHYS + CPU.gsBase;
      body.i32(0).mem(OP['i64.load'], now).set(l.i64);
      body.i32(0).i32(0).mem(OP['i64.load'], kernel).mem(OP['i64.store'], now);
      body.i32(0).get(l.i64).mem(OP['i64.store'], kernel);
      return;
    }
    case 'system':
      body
        .i32(0)
        .i32(0)
        .mem(OP['i32.load'], CPU_PHYS + CPU.rflags)
        .i32(~u.hi)
        .op(OP['i32.and']);
      if (u.a < 0) body.i32(u.lo & u.hi);
      else e.get(u.a).op(OP['i32.wrap_i64']).i32(u.hi).op(OP['i32.and']);
      body.op(OP['i32.or']).mem(OP['i32.store'], CPU_PHYS + CPU.rflags);
      return;
    case 'flags.var':
      e.get(u.c).op(OP['i32.wrap_i64']).tee(l.i32).open('if');
      body.get(l.i32).i32(16).op(OP['i32.shl']).i32(flagCode(u.kind, u.w)).op(OP['i32.or']).set(l.code);
      body.i32(0).set(l.over);
      e.get(u.a).set(l.a);
      e.get(u.b).set(l.b);
      body.end();
      return;
    case 'overlay':
      body.i32(overlayCode(u.kind, u.w)).set(l.over);
      e.get(u.a).set(l.oa);
      e.value(u.b, u.lo, u.hi);
      body.set(l.ob);
      return;
    case 'expect':
      emitExpect(e, u);
      return;
  }
}
