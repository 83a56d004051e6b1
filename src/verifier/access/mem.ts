/** Loads and stores, by the kind of pointer they go through (check_mem_access()). */

import { known } from '../domain/bounds.ts';
import { signExtend, zeroExtend } from '../domain/cast.ts';
import { u64 } from '../domain/u64.ts';
import type { Env } from '../env/env.ts';
import type { MapFacts } from '../kernel.ts';
import { DEF_NOT_SUBREG, type Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import type { MemAccess } from './access.ts';
import { checkAlignment } from './align.ts';
import { checkBtfAccess, checkMapPtrAccess } from './btf.ts';
import { loadContext } from './ctx.ts';
import { checkKptrAccess } from './kptr.ts';
import { checkMapAccess, checkMapAccessType, readConstant } from './map.ts';
import { checkPacketAccess, mayAccessPacket } from './packet.ts';
import { fieldAt, isKptr } from './record.ts';
import { checkRegion, NEGATIVE_MIN } from './region.ts';
import { flowKeysOk, sockField } from './sock.ts';
import { checkStackBounds, checkStackRead, checkStackWrite } from './stack.ts';

const cannotWrite = (env: Env, a: MemAccess, reg: Reg): never =>
  env.fail('EACCES', `R${a.regno} cannot write into ${R.typeText(reg.type)}`);

/** A kernel address must not be stored where others read it. */
function checkLeak(env: Env, a: MemAccess, into: string): void {
  if (a.write && a.value >= 0 && env.isPointerValue(env.reg(a.value)))
    env.fail('EACCES', `R${a.value} leaks addr into ${into}`);
}

const setUnknown = (env: Env, a: MemAccess, when: boolean): void => {
  if (when && a.value >= 0) env.markUnknown(env.reg(a.value));
};

/** `__check_buffer_access` */
export function checkBuffer(env: Env, reg: Reg, regno: number, kind: string, off: number, size: number): void {
  if (off < 0) env.fail('EACCES', `R${regno} invalid ${kind} buffer access: off=${off}, size=${size}`);
  if (!reg.v.isZero) env.fail('EACCES', `R${regno} invalid variable buffer offset: off=${off}, var_off=${reg.varOff}`);
}

export function checkBufferAccess(env: Env, reg: Reg, regno: number, off: number, size: number): void {
  const readOnly = (reg.type & R.MEM_RDONLY) !== 0;
  checkBuffer(env, reg, regno, readOnly ? 'rdonly' : 'rdwr', off, size);
  if (readOnly) env.maxRdonlyAccess = Math.max(env.maxRdonlyAccess, off + size);
  else env.maxRdwrAccess = Math.max(env.maxRdwrAccess, off + size);
}

function mapValue(env: Env, a: MemAccess, reg: Reg, off: number): void {
  const map = reg.map as MapFacts;
  checkLeak(env, a, 'map');
  checkMapAccessType(env, map, off, a.size, a.write ? 'write' : 'read');
  checkMapAccess(env, reg, a.regno, off, a.size, false, true);
  if (reg.v.isConst) {
    const field = fieldAt(env.records.ofMap(map), off + reg.v.sminNumber);
    if (field && isKptr(field.kind)) {
      checkKptrAccess(env, a, field);
      return;
    }
  }
  if (a.write || a.value < 0) return;
  const value = reg.v.isConst ? readConstant(map, off + reg.v.sminNumber, a.size) : undefined;
  const dst = env.reg(a.value);
  if (value === undefined) env.markUnknown(dst);
  else dst.markKnownScalar(known(u64(a.signed ? BigInt.asIntN(8 * a.size, value) : value)));
}

function memory(env: Env, a: MemAccess, reg: Reg, off: number): void {
  const readOnly = (reg.type & R.MEM_RDONLY) !== 0;
  if (R.mayBeNull(reg.type)) env.fail('EACCES', `R${a.regno} invalid mem access '${R.typeText(reg.type)}'`);
  if (a.write && readOnly) cannotWrite(env, a, reg);
  checkLeak(env, a, 'mem');
  checkRegion(env, reg, a.regno, off, a.size, reg.memSize, false);
  setUnknown(env, a, !a.write || readOnly);
}

function context(env: Env, a: MemAccess, reg: Reg, off: number): void {
  checkLeak(env, a, 'ctx');
  loadContext(env, a, reg, off);
  if (!a.write && a.value >= 0 && env.reg(a.value).type !== R.SCALAR_VALUE) env.reg(a.value).subregDef = DEF_NOT_SUBREG;
}

function packet(env: Env, a: MemAccess, reg: Reg, off: number): void {
  if (a.write && !mayAccessPacket(env, true)) env.fail('EACCES', 'cannot write into packet');
  checkLeak(env, a, 'packet');
  checkPacketAccess(env, reg, a.regno, off, a.size, false);
  setUnknown(env, a, !a.write);
}

function flowKeys(env: Env, a: MemAccess, _reg: Reg, off: number): void {
  checkLeak(env, a, 'flow keys');
  if (!flowKeysOk(off, a.size)) env.fail('EACCES', `invalid access to flow keys off=${off} size=${a.size}`);
  setUnknown(env, a, !a.write);
}

function socket(env: Env, a: MemAccess, reg: Reg, off: number): void {
  if (a.write) cannotWrite(env, a, reg);
  if (reg.v.sminHi < 0) env.fail('EACCES', `R${a.regno} ${NEGATIVE_MIN}`);
  const field = sockField(reg.type, off, a.size);
  if (field === undefined)
    env.fail('EACCES', `R${a.regno} invalid ${R.typeText(reg.type)} access off=${off} size=${a.size}`);
  env.auxAt(a.insnIdx).ctxFieldSize = field;
  setUnknown(env, a, true);
}

function stack(env: Env, a: MemAccess, reg: Reg, off: number): void {
  checkStackBounds(env, reg, a.regno, off, a.size, 'direct', a.write);
  if (a.write) checkStackWrite(env, reg, off, a.size, a.value, a.insnIdx);
  else checkStackRead(env, reg, a.regno, off, a.size, a.value);
}

function buffer(env: Env, a: MemAccess, reg: Reg, off: number): void {
  const readOnly = (reg.type & R.MEM_RDONLY) !== 0;
  if (a.write && readOnly) cannotWrite(env, a, reg);
  checkBufferAccess(env, reg, a.regno, off, a.size);
  setUnknown(env, a, !a.write || readOnly);
}

type Rule = (env: Env, a: MemAccess, reg: Reg, off: number) => void;

function ruleFor(type: number): Rule | undefined {
  const base = R.baseType(type);
  if (type === R.PTR_TO_MAP_KEY) {
    return (env, a, reg, off) => {
      if (a.write) env.fail('EACCES', `write to change key R${a.regno} not allowed`);
      checkRegion(env, reg, a.regno, off, a.size, (reg.map as MapFacts).keySize, false);
      setUnknown(env, a, true);
    };
  }
  if (type === R.PTR_TO_MAP_VALUE) return mapValue;
  if (base === R.PTR_TO_MEM) return memory;
  if (type === R.PTR_TO_CTX) return context;
  if (type === R.PTR_TO_STACK) return stack;
  if (type === R.PTR_TO_PACKET || type === R.PTR_TO_PACKET_META) return packet;
  if (type === R.PTR_TO_FLOW_KEYS) return flowKeys;
  if (R.isSockPointer(type)) return socket;
  if (type === R.PTR_TO_TP_BUFFER) {
    return (env, a, reg, off) => {
      checkBuffer(env, reg, a.regno, 'tracepoint', off, a.size);
      env.maxTpAccess = Math.max(env.maxTpAccess, off + a.size);
      setUnknown(env, a, !a.write);
    };
  }
  if (base === R.PTR_TO_BTF_ID && !R.mayBeNull(type)) return checkBtfAccess;
  if (type === R.CONST_PTR_TO_MAP) return checkMapPtrAccess;
  if (base === R.PTR_TO_BUF && !R.mayBeNull(type)) return buffer;
  if (type === R.PTR_TO_ARENA) return (env, a) => setUnknown(env, a, !a.write);
  return undefined;
}

export function checkMemAccess(env: Env, a: MemAccess): void {
  const reg = env.reg(a.regno);
  checkAlignment(env, reg, a.off, a.size, a.strict);
  const rule = ruleFor(reg.type);
  if (!rule) env.fail('EACCES', `R${a.regno} invalid mem access '${R.typeText(reg.type)}'`);
  rule(env, a, reg, a.off + reg.off);
  if (a.write || a.value < 0 || a.size >= 8) return;
  const dst = env.reg(a.value);
  if (dst.type === R.SCALAR_VALUE) dst.v = a.signed ? signExtend(dst.v, a.size) : zeroExtend(dst.v, a.size);
}
