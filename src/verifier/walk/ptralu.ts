/** Pointer plus or minus a scalar (adjust_ptr_min_max_vals()). */

import * as I from '../../isa/index.ts';
import { MAX_VAR_OFF } from '../access/region.ts';
import { addBits, addRanges64, subBits, subRanges64 } from '../domain/alu.ts';
import { isEmpty64, isOneValue, unbound32 } from '../domain/bounds.ts';
import { signed } from '../domain/pair.ts';
import { sync } from '../domain/sync.ts';
import { S32_MIN, s64 } from '../domain/u64.ts';
import type { Env } from '../env/env.ts';
import type { Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import { aluText } from './alu-text.ts';
import { checkMovedBounds, commitMove, sanitizeMove } from './speculation.ts';

const movable: readonly number[] = [
  R.PTR_TO_CTX,
  R.PTR_TO_MAP_VALUE,
  R.PTR_TO_MAP_KEY,
  R.PTR_TO_STACK,
  R.PTR_TO_PACKET_META,
  R.PTR_TO_PACKET,
  R.PTR_TO_TP_BUFFER,
  R.PTR_TO_BTF_ID,
  R.PTR_TO_MEM,
  R.PTR_TO_BUF,
  R.PTR_TO_FUNC,
  R.CONST_PTR_TO_DYNPTR,
];

const isFar = (x: number): boolean => x >= MAX_VAR_OFF || x <= -MAX_VAR_OFF;

/** `check_reg_sane_offset` */
function checkOffset(env: Env, reg: Reg, type: number): void {
  const { v } = reg;
  if (v.isConst && isFar(signed(v.valueHi, v.valueLo)))
    env.fail('EINVAL', `math between ${R.typeText(type)} pointer and ${s64(v.tnum.value)} is not allowed`);
  if (isFar(reg.off)) env.fail('EINVAL', `${R.typeText(type)} pointer offset ${reg.off} is not allowed`);
  if (v.sminHi === S32_MIN && v.sminLo === 0)
    env.fail('EINVAL', `math between ${R.typeText(type)} pointer and register with unbounded min value is not allowed`);
  if (isFar(v.sminNumber)) env.fail('EINVAL', `value ${v.smin} makes ${R.typeText(type)} pointer be out of bounds`);
}

function checkMovable(env: Env, insn: I.Insn, op: number, ptr: Reg, off: Reg): void {
  const R_dst = `R${insn.dst}`;
  if (R.mayBeNull(ptr.type))
    env.fail('EACCES', `${R_dst} pointer arithmetic on ${R.typeText(ptr.type)} prohibited, null-check it first`);
  const base = R.baseType(ptr.type);
  if (movable.includes(base)) return;
  if (base === R.PTR_TO_FLOW_KEYS && off.v.isConst) return;
  if ((base === R.CONST_PTR_TO_MAP || base === R.PTR_TO_FLOW_KEYS) && off.v.isConst && off.v.isZero && op === I.BPF_ADD)
    return;
  env.fail('EACCES', `${R_dst} pointer arithmetic on ${R.typeText(ptr.type)} prohibited`);
}

export function pointerAlu(env: Env, insn: I.Insn, ptr: Reg, off: Reg, dst: Reg): void {
  const op = I.bpfOp(insn.code);
  const o = off.v;
  const p = ptr.v;
  const constant = o.isConst;
  if ((constant && !isOneValue(o)) || isEmpty64(o)) {
    env.markUnknown(dst);
    return;
  }
  if (I.bpfClass(insn.code) !== I.BPF_ALU64) {
    if (op === I.BPF_SUB && env.allowPtrLeaks) {
      env.markUnknown(dst);
      return;
    }
    env.fail('EACCES', `R${insn.dst} 32-bit pointer arithmetic prohibited`);
  }
  checkMovable(env, insn, op, ptr, off);
  const scalarIsDst = dst === off;
  const { type } = ptr;
  checkOffset(env, off, type);
  checkOffset(env, ptr, type);
  const window = sanitizeMove(env, insn, ptr, off, dst);
  const fixed = ptr.off;
  if (op === I.BPF_SUB) {
    if (scalarIsDst) env.fail('EACCES', `R${insn.dst} tried to subtract pointer from scalar`);
    if (type === R.PTR_TO_STACK) env.fail('EACCES', `R${insn.dst} subtraction from stack pointer prohibited`);
  } else if (op === I.BPF_AND || op === I.BPF_OR || op === I.BPF_XOR) {
    env.fail('EACCES', `R${insn.dst} bitwise operator ${aluText(op)} on pointer prohibited`);
  } else if (op !== I.BPF_ADD) {
    env.fail('EACCES', `R${insn.dst} pointer arithmetic with ${aluText(op)} operator prohibited`);
  }
  const v = p.copy();
  unbound32(v);
  const moved = op === I.BPF_SUB ? fixed - o.sminNumber : fixed + o.sminNumber;
  // `scalar += pointer` makes a copy of the pointer, liveness links and all
  if (scalarIsDst) {
    dst.assign(ptr);
  }
  if (constant && moved === (moved | 0)) {
    dst.off = moved;
  } else {
    if (op === I.BPF_ADD) {
      addRanges64(v, o);
      addBits(v, o);
    } else {
      subRanges64(v, o);
      subBits(v, o);
    }
    dst.off = fixed;
    if (R.isPacketPointer(ptr.type)) {
      dst.id = ++env.idGen;
      // a new base: nothing is known of what lies behind it, unless it can only have moved back
      if (op === I.BPF_ADD || o.sminHi < 0) dst.range = 0;
    }
  }
  dst.v = v;
  checkOffset(env, dst, type);
  dst.v = sync(v);
  checkMovedBounds(env, insn, dst);
  commitMove(env, insn, window, dst);
}
