/** One argument of a helper (check_func_arg()). */

import { checkAlignment } from '../access/align.ts';
import { mayAccessPacket } from '../access/packet.ts';
import type { Env } from '../env/env.ts';
import type { HelperArg } from '../kernel.ts';
import { MAP } from '../kinds.ts';
import { readReg } from '../prune/liveness.ts';
import { markChainPrecision } from '../prune/precision.ts';
import type { Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import { checkArgOffset, checkArgType } from './argtypes.ts';
import { checkConstString } from './conststr.ts';
import { checkDynptrRelease, processDynptr } from './dynptr.ts';
import { checkHelperMem, checkSizeArg } from './helpermem.ts';
import { processKptrDest } from './kptr.ts';
import { processSpinLock } from './lock.ts';
import type { CallMeta } from './meta.ts';
import { processTimer } from './timer.ts';

const has = (arg: HelperArg | undefined, flag: HelperArg['flags'][number]): boolean =>
  arg?.flags.includes(flag) ?? false;

/** Socket maps hold sockets, not bytes (resolve_map_arg_type()). */
function resolveMapValue(env: Env, arg: HelperArg, meta: CallMeta): HelperArg {
  if (arg.type !== 'ARG_PTR_TO_MAP_VALUE') return arg;
  if (!meta.map) env.fail('EACCES', 'invalid map_ptr to access map->type');
  if (meta.map.type === MAP.SOCKMAP || meta.map.type === MAP.SOCKHASH) {
    if (arg.flags.length > 0 && !(arg.flags.length === 1 && has(arg, 'MEM_RDONLY')))
      env.fail('EINVAL', 'invalid arg_type for sockmap/sockhash');
    return { type: 'ARG_PTR_TO_BTF_ID_SOCK_COMMON', flags: [] };
  }
  if (meta.map.type === MAP.BLOOM_FILTER && meta.helper === 'map_peek_elem')
    return { type: 'ARG_PTR_TO_MAP_VALUE', flags: [] };
  return arg;
}

function recordMap(env: Env, reg: Reg, meta: CallMeta): void {
  if (meta.map && (meta.map !== reg.map || meta.mapUid !== reg.mapUid)) {
    env.fail(
      'EINVAL',
      `timer pointer in R1 map_uid=${meta.mapUid} doesn't match map pointer in R2 map_uid=${reg.mapUid}`,
    );
  }
  meta.map = reg.map;
  meta.mapUid = reg.mapUid;
}

function checkRelease(env: Env, reg: Reg, regno: number, arg: HelperArg, meta: CallMeta): void {
  if (!has(arg, 'OBJ_RELEASE')) return;
  if (arg.type === 'ARG_PTR_TO_DYNPTR') checkDynptrRelease(env, reg, regno);
  else if (!reg.refObjId && !reg.isNull)
    env.fail('EINVAL', `R${regno} must be referenced when passed to release function`);
  meta.releaseRegno = regno;
}

function checkValue(env: Env, reg: Reg, regno: number, arg: HelperArg, meta: CallMeta): void {
  const write = has(arg, 'MEM_WRITE');
  switch (arg.type) {
    case 'ARG_CONST_MAP_PTR':
      recordMap(env, reg, meta);
      return;
    case 'ARG_PTR_TO_MAP_KEY':
      if (!meta.map) env.fail('EACCES', 'invalid map_ptr to access map->key');
      checkHelperMem(env, { regno, size: meta.map.keySize, write: false, zeroOk: false });
      return;
    case 'ARG_PTR_TO_MAP_VALUE':
      if (has(arg, 'PTR_MAYBE_NULL') && reg.isNull) return;
      if (!meta.map) env.fail('EACCES', 'invalid map_ptr to access map->value');
      meta.rawMode = has(arg, 'MEM_UNINIT');
      checkHelperMem(env, { regno, size: meta.map.valueSize, write, zeroOk: false, raw: meta });
      return;
    case 'ARG_PTR_TO_PERCPU_BTF_ID':
      if (!reg.btfId) env.fail('EACCES', `Helper has invalid btf_id in R${regno}`);
      meta.retBtf = reg.btf;
      meta.retBtfId = reg.btfId;
      return;
    case 'ARG_PTR_TO_SPIN_LOCK':
      processSpinLock(env, reg, regno, meta.helper === 'spin_lock');
      return;
    case 'ARG_PTR_TO_TIMER':
      processTimer(env, reg, regno, meta);
      return;
    case 'ARG_PTR_TO_FUNC':
      meta.subprog = reg.subprog;
      return;
    case 'ARG_PTR_TO_MEM':
      meta.rawMode = has(arg, 'MEM_UNINIT');
      if (!has(arg, 'MEM_FIXED_SIZE')) return;
      checkHelperMem(env, { regno, size: arg.size ?? 0, write, zeroOk: false, raw: meta });
      if (has(arg, 'MEM_ALIGNED')) checkAlignment(env, reg, 0, arg.size ?? 0, true);
      return;
    case 'ARG_CONST_SIZE':
    case 'ARG_CONST_SIZE_OR_ZERO':
      checkSizeArg(
        env,
        regno,
        has(meta.proto.args[regno - 2], 'MEM_WRITE'),
        arg.type === 'ARG_CONST_SIZE_OR_ZERO',
        meta,
      );
      return;
    case 'ARG_PTR_TO_DYNPTR':
      processDynptr(env, reg, regno, env.insnIdx, arg);
      return;
    case 'ARG_CONST_ALLOC_SIZE_OR_ZERO':
      if (!reg.v.isConst) env.fail('EACCES', `R${regno} is not a known constant'`);
      meta.memSize = Number(reg.v.tnum.value);
      markChainPrecision(env, regno);
      return;
    case 'ARG_PTR_TO_CONST_STR':
      checkConstString(env, reg, regno);
      return;
    case 'ARG_KPTR_XCHG_DEST':
      processKptrDest(env, reg, regno, meta);
      return;
    default:
      return;
  }
}

export function checkArg(env: Env, n: number, meta: CallMeta): void {
  const declared = meta.proto.args[n];
  if (!declared || declared.type === 'ARG_DONTCARE') return;
  const regno = n + 1;
  const reg = readReg(env, regno);
  if (declared.type === 'ARG_ANYTHING') {
    if (env.isPointerValue(reg)) env.fail('EACCES', `R${regno} leaks addr into helper function`);
    return;
  }
  if (R.isPacketPointer(reg.type) && !mayAccessPacket(env, false, meta.proto.pktAccess))
    env.fail('EACCES', 'helper access to the packet is not allowed');
  const arg = resolveMapValue(env, declared, meta);
  if (reg.isNull && has(arg, 'PTR_MAYBE_NULL')) markChainPrecision(env, regno);
  else {
    checkArgType(env, reg, regno, arg, meta);
    checkArgOffset(env, reg, regno, has(arg, 'OBJ_RELEASE'), arg.type === 'ARG_PTR_TO_DYNPTR');
  }
  checkRelease(env, reg, regno, arg, meta);
  if (reg.refObjId && arg.type !== 'ARG_KPTR_XCHG_DEST') {
    if (meta.refObjId)
      env.fail('EFAULT', `more than one arg with ref_obj_id R${regno} ${reg.refObjId} ${meta.refObjId}`);
    meta.refObjId = reg.refObjId;
  }
  checkValue(env, reg, regno, arg, meta);
}
