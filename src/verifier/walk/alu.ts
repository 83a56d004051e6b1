/** ALU instructions: form, operands, and which rule computes the result (check_alu_op(), adjust_reg_min_max_vals()). */

import * as I from '../../isa/index.ts';
import { widthOf } from '../access/stack.ts';
import { computable, scalarAlu } from '../domain/alu.ts';
import { type Bounds, isConstAs, knownHalves, knownImm, withLow32, zeroExtend32 } from '../domain/bounds.ts';
import { signExtend, signExtend32 } from '../domain/cast.ts';
import { sync } from '../domain/sync.ts';
import { U64_MAX } from '../domain/u64.ts';
import type { Env } from '../env/env.ts';
import { checkSane } from '../env/sanity.ts';
import { readReg, writeReg, writeUnknown } from '../prune/liveness.ts';
import { markChainPrecision } from '../prune/precision.ts';
import { ADD_CONST, DEF_NOT_SUBREG, LIVE_WRITTEN, Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import { assignScalarId } from '../state/scalar.ts';
import { aluText } from './alu-text.ts';
import { pointerAlu } from './ptralu.ts';
import { sanitizeScalars } from './speculation.ts';

const ADDR_SPACE_CAST = 1;

const reserved = (env: Env, what: string): never => env.fail('EINVAL', `BPF_${what} uses reserved fields`);

function unary(env: Env, insn: I.Insn, op: number): void {
  if (op === I.BPF_NEG) {
    if (I.bpfSrc(insn.code) !== I.BPF_K || insn.src || insn.off || insn.imm) reserved(env, 'NEG');
  } else {
    const widths = insn.imm === 16 || insn.imm === 32 || insn.imm === 64;
    const swap = I.bpfClass(insn.code) === I.BPF_ALU64;
    if (insn.src || insn.off || !widths || (swap && I.bpfSrc(insn.code) !== I.BPF_K)) reserved(env, 'END');
  }
  const reg = readReg(env, insn.dst);
  if (env.isPointerValue(reg)) env.fail('EACCES', `R${insn.dst} pointer arithmetic prohibited`);
  writeUnknown(env, insn.dst);
}

function checkMovForm(env: Env, insn: I.Insn, wide: boolean): void {
  const { off, imm } = insn;
  if (I.bpfSrc(insn.code) === I.BPF_K) {
    if (insn.src || off) reserved(env, 'MOV');
  } else if (wide && off === ADDR_SPACE_CAST) {
    if (imm !== 1 && imm !== 1 << 16)
      env.fail('EINVAL', 'addr_space_cast insn can only convert between address space 1 and 0');
    if (!env.usesArena)
      env.fail('EINVAL', 'addr_space_cast insn can only be used in a program that has an associated arena');
  } else if ((off !== 0 && off !== 8 && off !== 16 && !(wide && off === 32)) || imm) {
    reserved(env, 'MOV');
  }
}

/** Copies a scalar whose value survives the move; a truncating one must not stay linked to its source. */
function copyScalar(env: Env, dst: Reg, src: Reg, unchanged: boolean): void {
  if (unchanged) assignScalarId(env, src);
  dst.copyFrom(src);
  if (!unchanged) dst.id = 0;
  dst.live |= LIVE_WRITTEN;
}

function movWide(env: Env, insn: I.Insn, dst: Reg, src: Reg): void {
  if (insn.imm) {
    env.markUnknown(dst);
    if (insn.imm === 1) {
      dst.type = R.PTR_TO_ARENA;
      dst.subregDef = env.insnIdx + 1;
    }
  } else if (insn.off === 0) {
    assignScalarId(env, src);
    dst.copyFrom(src);
    dst.live |= LIVE_WRITTEN;
    dst.subregDef = DEF_NOT_SUBREG;
  } else if (env.isPointerValue(src)) {
    env.fail('EACCES', `R${insn.src} sign-extension part of pointer`);
  } else if (src.type === R.SCALAR_VALUE) {
    copyScalar(env, dst, src, src.v.width < insn.off);
    dst.v = signExtend(dst.v, insn.off >> 3);
    dst.subregDef = DEF_NOT_SUBREG;
  } else env.markUnknown(dst);
}

function movNarrow(env: Env, insn: I.Insn, dst: Reg, src: Reg): void {
  if (env.isPointerValue(src)) env.fail('EACCES', `R${insn.src} partial copy of pointer`);
  if (src.type !== R.SCALAR_VALUE) env.markUnknown(dst);
  else {
    copyScalar(env, dst, src, insn.off === 0 ? widthOf(src) <= 32 : src.v.width < insn.off);
    dst.subregDef = env.insnIdx + 1;
    if (insn.off) dst.v = signExtend32(dst.v, insn.off >> 3);
  }
  const v = dst.v.copy();
  zeroExtend32(v);
  dst.v = sync(v);
}

function mov(env: Env, insn: I.Insn): void {
  const wide = I.bpfClass(insn.code) === I.BPF_ALU64;
  const fromReg = I.bpfSrc(insn.code) === I.BPF_X;
  checkMovForm(env, insn, wide);
  if (fromReg) readReg(env, insn.src);
  const dst = writeReg(env, insn.dst);
  if (!fromReg) {
    env.markUnknown(dst);
    dst.markKnownScalar(wide ? knownImm(insn.imm) : knownHalves(0, insn.imm));
  } else if (wide) movWide(env, insn, dst, env.reg(insn.src));
  else movNarrow(env, insn, dst, env.reg(insn.src));
}

function binaryForm(env: Env, insn: I.Insn, op: number): void {
  const signedOk = op === I.BPF_DIV || op === I.BPF_MOD;
  const fromReg = I.bpfSrc(insn.code) === I.BPF_X;
  if ((fromReg ? insn.imm : insn.src) !== 0 || insn.off > 1 || insn.off < 0 || (insn.off === 1 && !signedOk))
    reserved(env, 'ALU');
  if (fromReg) readReg(env, insn.src);
  readReg(env, insn.dst);
  if (fromReg) return;
  if (signedOk && insn.imm === 0) env.fail('EINVAL', 'div by zero');
  const shift = op === I.BPF_LSH || op === I.BPF_RSH || op === I.BPF_ARSH;
  const width = I.bpfClass(insn.code) === I.BPF_ALU64 ? 64 : 32;
  if (shift && (insn.imm < 0 || insn.imm >= width)) env.fail('EINVAL', `invalid shift ${insn.imm}`);
}

/**
 * `maybe_fork_scalars`: a sign spread over a register, 0 or -1, that is now used as a mask. Each is
 * walked on its own, so that what the mask selects is known exactly.
 */
function forkSigns(env: Env, insn: I.Insn, dst: Reg): void {
  const { v } = dst;
  const wide = v.sminHi === -1 && v.sminLo === -1 && v.smaxHi === 0 && v.smaxLo === 0;
  if (!wide && !(v.s32min === -1 && v.s32max === 0)) return;
  const branch = env.pushState(env.insnIdx, env.insnIdx, false);
  const other = branch.frame.reg(insn.dst);
  if (wide) {
    other.markKnown(0n);
    dst.markKnown(U64_MAX);
  } else {
    other.v = withLow32(v, 0);
    dst.v = withLow32(v, -1);
  }
}

/** Two scalars. A constant added to a linked one keeps the link, with its distance. */
function scalars(env: Env, insn: I.Insn, op: number, dst: Reg, src: Bounds): void {
  const alu32 = I.bpfClass(insn.code) === I.BPF_ALU;
  if (!computable(op, src, alu32)) {
    env.markUnknown(dst);
    return;
  }
  sanitizeScalars(env, insn);
  const masks = op === I.BPF_AND || op === I.BPF_OR;
  if (masks && src.isConst) forkSigns(env, insn, dst);
  const sameReg = src === dst.v;
  dst.v = scalarAlu(op, dst.v, src, alu32);
  const addend = sameReg && I.bpfSrc(insn.code) === I.BPF_X && insn.src === insn.dst ? dst.v : src;
  if (!env.bpfCapable || op !== I.BPF_ADD || alu32 || !dst.id || !isConstAs(addend, false)) {
    dst.id = 0;
    return;
  }
  if (dst.id & ADD_CONST || addend.valueHi !== 0 || addend.valueLo < 0) {
    dst.off = 0;
    dst.id = 0;
  } else {
    dst.id |= ADD_CONST;
    dst.off = addend.valueLo;
  }
}

function binary(env: Env, insn: I.Insn, op: number): void {
  binaryForm(env, insn, op);
  const dst = writeReg(env, insn.dst);
  if (dst.type === R.PTR_TO_ARENA) {
    if (I.bpfClass(insn.code) === I.BPF_ALU64) env.auxAt(env.insnIdx).needsZext = true;
    return;
  }
  const dstIsPtr = dst.type !== R.SCALAR_VALUE;
  if (I.bpfSrc(insn.code) === I.BPF_K) {
    const imm = knownImm(insn.imm);
    if (!dstIsPtr) {
      scalars(env, insn, op, dst, imm);
      return;
    }
    const src = new Reg();
    src.markKnownScalar(imm);
    pointerAlu(env, insn, dst, src, dst);
    return;
  }
  const src = env.reg(insn.src);
  if (src.type !== R.SCALAR_VALUE) {
    if (dstIsPtr) {
      if (op === I.BPF_SUB && env.allowPtrLeaks) {
        env.markUnknown(dst);
        return;
      }
      env.fail('EACCES', `R${insn.dst} pointer ${aluText(op)} pointer prohibited`);
    }
    markChainPrecision(env, insn.dst);
    pointerAlu(env, insn, src, dst, dst);
  } else if (dstIsPtr) {
    markChainPrecision(env, insn.src);
    pointerAlu(env, insn, dst, src, dst);
  } else {
    if (dst.precise) markChainPrecision(env, insn.src);
    scalars(env, insn, op, dst, src.v);
  }
}

export function checkAlu(env: Env, insn: I.Insn): void {
  const op = I.bpfOp(insn.code);
  if (op === I.BPF_END || op === I.BPF_NEG) unary(env, insn, op);
  else if (op === I.BPF_MOV) mov(env, insn);
  else if (op > I.BPF_END) env.fail('EINVAL', `invalid BPF_ALU opcode ${op.toString(16)}`);
  else binary(env, insn, op);
  checkSane(env, env.reg(insn.dst), 'alu');
}
