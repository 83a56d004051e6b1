/** Loads and stores through stack pointers: bounds, spills, fills, bytes (check_stack_read(), check_stack_write()). */

import * as I from '../../isa/index.ts';
import { knownImm } from '../domain/bounds.ts';
import type { Env } from '../env/env.ts';
import { checkFastcallContract } from '../prep/fastcall.ts';
import { markSlotRead } from '../prune/liveness.ts';
import { markChainPrecision } from '../prune/precision.ts';
import { destroyDynptrAt } from '../state/dynptr.ts';
import { HIST_SPI_SHIFT, HIST_STACK_ACCESS } from '../state/history.ts';
import { LIVE_WRITTEN, Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import { assignScalarId, markConstZero } from '../state/scalar.ts';
import {
  byteOf,
  MAX_BPF_STACK,
  SLOT_SIZE,
  STACK_DYNPTR,
  STACK_INVALID,
  STACK_MISC,
  STACK_SPILL,
  STACK_ZERO,
  type StackSlot,
  spiOf,
} from '../state/stack.ts';
import type { FuncState } from '../state/state.ts';
import type { RawMode, StackAccess } from './access.ts';
import { MAX_VAR_OFF } from './region.ts';

const historyFlags = (frame: FuncState, spi: number): number =>
  HIST_STACK_ACCESS | (spi << HIST_SPI_SHIFT) | frame.frameno;

const spillable: readonly number[] = [
  R.PTR_TO_MAP_VALUE,
  R.PTR_TO_STACK,
  R.PTR_TO_CTX,
  R.PTR_TO_PACKET,
  R.PTR_TO_PACKET_META,
  R.PTR_TO_PACKET_END,
  R.PTR_TO_FLOW_KEYS,
  R.CONST_PTR_TO_MAP,
  R.PTR_TO_SOCKET,
  R.PTR_TO_SOCK_COMMON,
  R.PTR_TO_TCP_SOCK,
  R.PTR_TO_XDP_SOCK,
  R.PTR_TO_BTF_ID,
  R.PTR_TO_BUF,
  R.PTR_TO_MEM,
  R.PTR_TO_FUNC,
  R.PTR_TO_MAP_KEY,
  R.PTR_TO_ARENA,
];
const isSpillable = (type: number): boolean => spillable.includes(R.baseType(type));

export const widthOf = (reg: Reg): number => reg.v.width;

function growStack(env: Env, frame: FuncState, bytes: number): void {
  frame.grow(bytes);
  const subprog = env.subprogs[frame.subprogno];
  if (subprog && subprog.stackDepth < frame.allocatedStack) subprog.stackDepth = frame.allocatedStack;
}

/** All bytes that may be touched lie in the frame's stack; makes room for them. */
export function checkStackBounds(
  env: Env,
  reg: Reg,
  regno: number,
  off: number,
  size: number,
  by: StackAccess,
  write: boolean,
): void {
  const how = by === 'helper' ? ' indirect access to' : write ? ' write to' : ' read from';
  const frame = env.cur.stackFrame(reg);
  const { v } = reg;
  if (!v.isConst && (v.smaxNumber >= MAX_VAR_OFF || v.sminNumber <= -MAX_VAR_OFF)) {
    env.fail('EACCES', `invalid unbounded variable-offset${how} stack R${regno}`);
  }
  const min = v.sminNumber + off;
  const max = v.smaxNumber + off + size;
  const lowest = write || env.allowUninitStack ? -MAX_BPF_STACK : -frame.allocatedStack;
  let errno: string | undefined;
  if (min < lowest || min > -1) errno = 'EACCES';
  else if (max > 0) errno = 'EINVAL';
  else if (size < 0) errno = 'EFAULT';
  if (errno) {
    const where = v.isConst
      ? `invalid${how} stack R${regno} off=${off}`
      : `invalid variable-offset${how} stack R${regno} var_off=${reg.varOff} off=${off}`;
    env.fail(errno, `${where} size=${size}`);
  }
  growStack(env, frame, -min);
}

/** Puts a register's description into a slot. */
function spill(env: Env, slot: StackSlot, reg: Reg, size: number): void {
  slot.reg.copyFrom(reg);
  if (size === SLOT_SIZE) slot.reg.live |= LIVE_WRITTEN;
  for (let n = SLOT_SIZE - 1; n >= 0; n--) {
    if (n >= SLOT_SIZE - size) slot.setType(n, STACK_SPILL);
    else if (slot.typeAt(n) !== STACK_ZERO && !(env.allowUninitStack && slot.typeAt(n) === STACK_INVALID))
      slot.setType(n, STACK_MISC);
  }
}

const isStMem = (insn: I.Insn): boolean => I.bpfClass(insn.code) === I.BPF_ST && I.bpfMode(insn.code) === I.BPF_MEM;

function writeFixed(env: Env, frame: FuncState, off: number, size: number, valueReg: number, insnIdx: number): void {
  const spi = spiOf(off);
  const slot = frame.slot(spi);
  const insn = env.insn(insnIdx);
  const reg = valueReg >= 0 ? env.reg(valueReg) : undefined;
  if (!env.allowPtrLeaks && slot.isSpilled && slot.reg.type !== R.SCALAR_VALUE && size !== SLOT_SIZE) {
    env.fail('EACCES', 'attempt to corrupt spilled pointer on stack');
  }
  if (!env.bypassSpecV4) {
    let hides = reg !== undefined && isSpillable(reg.type);
    for (let n = 0; n < size; n++) {
      const type = slot.typeAt(byteOf(off + n));
      hides ||= type !== STACK_MISC && type !== STACK_ZERO;
    }
    if (hides) env.auxAt(insnIdx).sanitizeStackSpill = true;
  }
  destroyDynptrAt(env, frame, spi);
  checkFastcallContract(env, frame, insnIdx, off);
  env.scratchSlot(spi);
  const aligned = off % SLOT_SIZE === 0;
  if (reg && aligned && reg.type === R.SCALAR_VALUE && env.bpfCapable) {
    const whole = widthOf(reg) <= 8 * size;
    if (whole) assignScalarId(env, reg);
    spill(env, slot, reg, size);
    if (!whole) slot.reg.id = 0;
  } else if (!reg && aligned && isStMem(insn) && env.bpfCapable) {
    const value = new Reg();
    value.markKnownScalar(knownImm(insn.imm));
    spill(env, slot, value, size);
  } else if (reg && isSpillable(reg.type)) {
    if (size !== SLOT_SIZE) env.fail('EACCES', 'invalid size of register spill');
    if (frame !== env.frame && reg.type === R.PTR_TO_STACK)
      env.fail('EINVAL', 'cannot spill pointers to stack into stack frame of the caller');
    spill(env, slot, reg, size);
  } else {
    slot.reg.type = R.NOT_INIT;
    if (slot.isSpecial) slot.scrub();
    // a partly written slot may still be read through
    if (size === SLOT_SIZE) slot.reg.live |= LIVE_WRITTEN;
    let type = STACK_MISC;
    if (reg ? reg.isNull : isStMem(insn) && insn.imm === 0) {
      if (reg) markChainPrecision(env, valueReg);
      type = STACK_ZERO;
    }
    for (let n = 0; n < size; n++) slot.setType(byteOf(off + n), type);
    return;
  }
  env.pushHistory(env.cur, historyFlags(frame, spi), undefined);
}

function writeVariable(
  env: Env,
  frame: FuncState,
  ptr: Reg,
  off: number,
  size: number,
  valueReg: number,
  insnIdx: number,
): void {
  const min = ptr.v.sminNumber + off;
  const max = ptr.v.smaxNumber + off + size;
  const insn = env.insn(insnIdx);
  const zero = valueReg >= 0 ? env.reg(valueReg).isNull : isStMem(insn) && insn.imm === 0;
  let zeroUsed = false;
  for (let at = min; at < max; at++) destroyDynptrAt(env, frame, spiOf(at));
  checkFastcallContract(env, frame, insnIdx, min);
  for (let at = min; at < max; at++) {
    const spi = spiOf(at);
    const slot = frame.slot(spi);
    const n = byteOf(at);
    const type = slot.typeAt(n);
    env.scratchSlot(spi);
    if (!env.allowPtrLeaks && type !== STACK_MISC && type !== STACK_ZERO) {
      env.log.write(`spilled ptr in range of var-offset stack write; insn ${insnIdx}, ptr off: ${at}`);
      env.quit('EINVAL');
    }
    if (zero && type === STACK_SPILL && slot.isSpilled && slot.reg.isNull) {
      zeroUsed = true;
      continue;
    }
    slot.reg.type = R.NOT_INIT;
    if (slot.isSpecial) slot.scrub();
    let next = STACK_MISC;
    if (zero && slot.typeAt(n) === STACK_ZERO) {
      next = STACK_ZERO;
      zeroUsed = true;
    }
    if (type === STACK_INVALID && !env.allowUninitStack) {
      env.log.write(`uninit stack in range of var-offset write prohibited for !root; insn ${insnIdx}, off: ${at}`);
      env.quit('EINVAL');
    }
    slot.setType(n, next);
  }
  if (zeroUsed && valueReg >= 0) markChainPrecision(env, valueReg);
}

export function checkStackWrite(
  env: Env,
  ptr: Reg,
  off: number,
  size: number,
  valueReg: number,
  insnIdx: number,
): void {
  const frame = env.cur.stackFrame(ptr);
  if (ptr.v.isConst) writeFixed(env, frame, off + ptr.v.sminNumber, size, valueReg, insnIdx);
  else writeVariable(env, frame, ptr, off, size, valueReg, insnIdx);
}

/** What a register holds after it read bytes: zero where all are, else unknown. */
function readBytes(env: Env, frame: FuncState, min: number, max: number, dst: number): void {
  let zeros = 0;
  for (let at = min; at < max; at++) {
    const spi = spiOf(at);
    env.scratchSlot(spi);
    if (frame.slot(spi).typeAt(byteOf(at)) !== STACK_ZERO) break;
    zeros++;
  }
  const reg = env.reg(dst);
  if (zeros === max - min) markConstZero(env, reg);
  else env.markUnknown(reg);
  reg.live |= LIVE_WRITTEN;
}

const checkReadable = (env: Env, slot: StackSlot, off: number, size: number, spillOk: boolean): void => {
  for (let n = 0; n < size; n++) {
    const type = slot.typeAt(byteOf(off + n));
    if (type === STACK_MISC || type === STACK_ZERO || (spillOk && type === STACK_SPILL)) continue;
    if (type === STACK_INVALID && env.allowUninitStack) {
      env.uninitReads.add(env.insnIdx);
      continue;
    }
    env.fail('EACCES', `invalid read from stack off ${off}+${n} size ${size}`);
  }
};

/** A load of less than the spilled register, or of a partly spilled one. Returns whether a register's value was restored. */
function fillPart(env: Env, slot: StackSlot, off: number, size: number, spilled: number, dst: number): boolean {
  const reg = env.reg(dst);
  let restored = true;
  if (size <= spilled && off % SLOT_SIZE === 0) {
    const { subregDef } = reg;
    reg.copyFrom(slot.reg);
    reg.subregDef = subregDef;
    if (widthOf(slot.reg) > 8 * size) reg.id = 0;
  } else {
    checkReadable(env, slot, off, size, true);
    let spills = 0;
    let zeros = 0;
    for (let n = 0; n < size; n++) {
      const type = slot.typeAt(byteOf(off + n));
      if (type === STACK_SPILL) spills++;
      else if (type === STACK_ZERO) zeros++;
    }
    if (spills === size && slot.reg.v.isZero) markConstZero(env, reg);
    else {
      restored = false;
      if (zeros === size) markConstZero(env, reg);
      else env.markUnknown(reg);
    }
  }
  reg.live |= LIVE_WRITTEN;
  return restored;
}

function readFixed(env: Env, frame: FuncState, off: number, size: number, dst: number): void {
  const spi = spiOf(off);
  const slot = frame.slot(spi);
  env.scratchSlot(spi);
  checkFastcallContract(env, env.frame, env.insnIdx, off);
  if (!slot.isSpilled) {
    checkReadable(env, slot, off, size, false);
    markSlotRead(env, slot.reg);
    if (dst >= 0) readBytes(env, frame, off, off + size, dst);
    return;
  }
  let spilled = 1;
  while (spilled < SLOT_SIZE && slot.typeAt(SLOT_SIZE - 1 - spilled) === STACK_SPILL) spilled++;
  let restored = true;
  if (size !== SLOT_SIZE || spilled !== SLOT_SIZE) {
    if (slot.reg.type !== R.SCALAR_VALUE) {
      env.printSource();
      env.fail('EACCES', 'invalid size of register fill');
    }
    markSlotRead(env, slot.reg);
    if (dst < 0) return;
    restored = fillPart(env, slot, off, size, spilled, dst);
  } else if (dst >= 0) {
    const reg = env.reg(dst);
    reg.copyFrom(slot.reg);
    reg.live |= LIVE_WRITTEN;
  } else if (env.isPointerValue(slot.reg)) {
    env.fail('EACCES', `leaking pointer from stack off ${off}`);
  }
  markSlotRead(env, slot.reg);
  if (restored) env.pushHistory(env.cur, historyFlags(frame, spi), undefined);
}

export function checkStackRead(env: Env, ptr: Reg, regno: number, off: number, size: number, dst: number): void {
  const frame = env.cur.stackFrame(ptr);
  if (ptr.v.isConst) {
    readFixed(env, frame, off + ptr.v.sminNumber, size, dst);
    return;
  }
  if (dst < 0)
    env.fail(
      'EACCES',
      `variable offset stack pointer cannot be passed into helper function; var_off=${ptr.varOff} off=${off} size=${size}`,
    );
  checkStackInit(env, ptr, regno, off, size, false, 'direct');
  const min = ptr.v.sminNumber + off;
  readBytes(env, frame, min, ptr.v.smaxNumber + off + size, dst);
  checkFastcallContract(env, frame, env.insnIdx, min);
}

/** `check_stack_range_initialized` */
export function checkStackInit(
  env: Env,
  ptr: Reg,
  regno: number,
  off: number,
  size: number,
  zeroOk: boolean,
  by: StackAccess,
  raw?: RawMode,
): void {
  const how = by === 'helper' ? ' indirect' : '';
  const clobber = by === 'helper';
  if (size === 0 && !zeroOk) env.fail('EACCES', 'invalid zero-sized read');
  checkStackBounds(env, ptr, regno, off, size, by, clobber);
  const frame = env.cur.stackFrame(ptr);
  const { v } = ptr;
  if (!v.isConst && !env.bypassSpecV1) {
    env.fail('EACCES', `R${regno}${how} variable offset stack access prohibited for !root, var_off=${ptr.varOff}`);
  }
  const min = v.sminNumber + off;
  const max = v.smaxNumber + off;
  if (raw?.rawMode && v.isConst) {
    for (let at = min; at < max + size; at++) {
      if (frame.slot(spiOf(at)).typeAt(byteOf(at)) === STACK_DYNPTR)
        env.fail('EACCES', `potential write to dynptr at off=${at} disallowed`);
    }
    raw.accessSize = size;
    raw.regno = regno;
    return;
  }
  for (let at = min; at < max + size; at++) {
    const slot = frame.slot(spiOf(at));
    const n = byteOf(at);
    const type = slot.typeAt(n);
    if (type === STACK_ZERO || (type === STACK_INVALID && env.allowUninitStack)) {
      if (type === STACK_INVALID) env.uninitReads.add(env.insnIdx);
      if (clobber) slot.setType(n, STACK_MISC);
    } else if (type !== STACK_MISC) {
      if (!slot.isSpilled || (slot.reg.type !== R.SCALAR_VALUE && !env.allowPtrLeaks)) {
        const where = v.isConst ? `off ${min}` : `var_off ${ptr.varOff}`;
        env.fail('EACCES', `invalid${how} read from stack R${regno} ${where}+${at - min} size ${size}`);
      }
      if (clobber) {
        env.markUnknown(slot.reg);
        slot.scrub();
      }
    }
    markSlotRead(env, slot.reg);
  }
}
