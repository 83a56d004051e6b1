/** Memory that a helper reads or writes (check_helper_mem_access(), check_mem_size_reg()). */
import type { RawMode } from '../access/access.ts';
import { checkBtfAccess } from '../access/btf.ts';
import { checkMapAccess, checkMapAccessType } from '../access/map.ts';
import { checkBufferAccess, checkMemAccess } from '../access/mem.ts';
import { checkPacketAccess } from '../access/packet.ts';
import { checkRegion, MAX_VAR_OFF } from '../access/region.ts';
import { checkStackInit } from '../access/stack.ts';
import type { Env } from '../env/env.ts';
import type { MapFacts } from '../kernel.ts';
import { markChainPrecision } from '../prune/precision.ts';
import type { Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';

export interface HelperMem {
  readonly regno: number;
  readonly size: number;
  readonly write: boolean;
  readonly zeroOk: boolean;
  readonly raw?: RawMode | undefined;
}

function checkWritable(env: Env, a: HelperMem, reg: Reg): void {
  if (a.write && reg.type & R.MEM_RDONLY) env.fail('EACCES', `R${a.regno} cannot write into ${R.typeText(reg.type)}`);
}

function checkContext(env: Env, a: HelperMem): boolean {
  // only a context that nothing converts has memory of its own
  const model = env.kernel.context(env.input.type, env.input.expectedAttachType);
  if (model?.convert) return false;
  if (a.size === 0) {
    if (!a.zeroOk) env.quit('EACCES');
    return true;
  }
  checkMemAccess(env, { insnIdx: env.insnIdx, regno: a.regno, off: a.size - 1, size: 1, write: a.write, value: -1 });
  return true;
}

export function checkHelperMem(env: Env, a: HelperMem): void {
  const reg = env.reg(a.regno);
  switch (R.baseType(reg.type)) {
    case R.PTR_TO_PACKET:
    case R.PTR_TO_PACKET_META:
      checkPacketAccess(env, reg, a.regno, reg.off, a.size, a.zeroOk);
      return;
    case R.PTR_TO_MAP_KEY:
      if (a.write) env.fail('EACCES', `R${a.regno} cannot write into ${R.typeText(reg.type)}`);
      checkRegion(env, reg, a.regno, reg.off, a.size, (reg.map as MapFacts).keySize, false);
      return;
    case R.PTR_TO_MAP_VALUE:
      checkMapAccessType(env, reg.map as MapFacts, reg.off, a.size, a.write ? 'write' : 'read');
      checkMapAccess(env, reg, a.regno, reg.off, a.size, a.zeroOk, false);
      return;
    case R.PTR_TO_MEM:
      checkWritable(env, a, reg);
      checkRegion(env, reg, a.regno, reg.off, a.size, reg.memSize, a.zeroOk);
      return;
    case R.PTR_TO_BUF:
      checkWritable(env, a, reg);
      checkBufferAccess(env, reg, a.regno, reg.off, a.size);
      return;
    case R.PTR_TO_STACK:
      checkStackInit(env, reg, a.regno, reg.off, a.size, a.zeroOk, 'helper', a.raw);
      return;
    case R.PTR_TO_BTF_ID:
      checkBtfAccess(
        env,
        { insnIdx: env.insnIdx, regno: a.regno, off: reg.off, size: a.size, write: false, value: -1 },
        reg,
        reg.off,
      );
      return;
    case R.PTR_TO_CTX:
      if (checkContext(env, a)) return;
  }
  if (a.zeroOk && a.size === 0 && reg.isNull) return;
  env.fail('EACCES', `R${a.regno} type=${R.typeText(reg.type)} expected=${R.typeText(R.PTR_TO_STACK)}`);
}

/** A size argument, and through it the memory argument before it. */
export function checkSizeArg(
  env: Env,
  regno: number,
  write: boolean,
  zeroOk: boolean,
  raw: (RawMode & { msizeMax: bigint }) | undefined,
): void {
  const { v } = env.reg(regno);
  if (raw) raw.msizeMax = v.umax;
  if (v.sminHi < 0) env.fail('EACCES', `R${regno} min value is negative, either use unsigned or 'var &= const'`);
  if ((v.uminHi | v.uminLo) === 0 && !zeroOk)
    env.fail('EACCES', `R${regno} invalid zero-sized read: u64=[${v.umin},${BigInt.asIntN(64, v.umax)}]`);
  if (v.umaxNumber >= MAX_VAR_OFF)
    env.fail('EACCES', `R${regno} unbounded memory access, use 'var &= const' or 'if (var < const)'`);
  // memory of a size not known exactly may be filled in part: all of it must be initialised
  checkHelperMem(env, { regno: regno - 1, size: v.umaxNumber, write, zeroOk, raw: v.isConst ? raw : undefined });
  markChainPrecision(env, regno);
}
