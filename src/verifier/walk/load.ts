/** BPF_LD: wide immediates and the legacy packet loads (check_ld_imm(), check_ld_abs()). */
import * as I from '../../isa/index.ts';
import { wideImm } from '../../isa/index.ts';
import { checkUnmodified } from '../access/region.ts';
import { leaveFunction } from '../calls/func.ts';
import { checkReferenceLeak } from '../calls/refs.ts';
import { known } from '../domain/bounds.ts';
import type { Env } from '../env/env.ts';
import type { MapFacts } from '../kernel.ts';
import { MAP, PROG } from '../kinds.ts';
import { findSubprog } from '../prep/subprogs.ts';
import { readReg, writeReg } from '../prune/liveness.ts';
import { LIVE_WRITTEN } from '../state/reg.ts';
import * as R from '../state/regtype.ts';

export function checkWideLoad(env: Env, insn: I.Insn): void {
  if (I.bpfSize(insn.code) !== I.BPF_DW) env.fail('EINVAL', 'invalid BPF_LD_IMM insn');
  if (insn.off !== 0) env.fail('EINVAL', 'BPF_LD_IMM64 uses reserved fields');
  const dst = writeReg(env, insn.dst);
  env.markUnknown(dst);
  const aux = env.auxAt(env.insnIdx);
  if (insn.src === 0) {
    dst.markKnownScalar(known(wideImm(insn, env.insns[env.insnIdx + 1])));
    return;
  }
  // every other kind is a pointer at offset zero
  dst.markKnown(0n);
  if (insn.src === I.BPF_PSEUDO_BTF_ID && aux.btfVar) {
    dst.type = aux.btfVar.type;
    if (R.baseType(dst.type) === R.PTR_TO_MEM) dst.memSize = aux.btfVar.memSize;
    else {
      dst.btf = env.kernel.vmlinux;
      dst.btfId = aux.btfVar.btfId;
    }
    return;
  }
  if (insn.src === I.BPF_PSEUDO_FUNC) {
    const subprog = findSubprog(env, env.insnIdx + insn.imm + 1);
    if (!env.input.funcInfo) env.fail('EINVAL', 'missing btf func_info');
    if (env.subprogs[subprog]?.isGlobal) env.fail('EINVAL', 'callback function not static');
    dst.type = R.PTR_TO_FUNC;
    dst.subprog = subprog;
    return;
  }
  const map = env.usedMaps[aux.mapIndex as number] as MapFacts;
  dst.map = map;
  const value = insn.src === I.BPF_PSEUDO_MAP_VALUE || insn.src === I.BPF_PSEUDO_MAP_IDX_VALUE;
  if (!value) {
    dst.type = R.CONST_PTR_TO_MAP;
    return;
  }
  if (map.type === MAP.ARENA) {
    env.markUnknown(dst);
    return;
  }
  dst.type = R.PTR_TO_MAP_VALUE;
  dst.off = aux.mapOff ?? 0;
}

const packetLoaders: readonly number[] = [PROG.SOCKET_FILTER, PROG.SCHED_CLS, PROG.SCHED_ACT];

export function checkPacketLoad(env: Env, insn: I.Insn): void {
  if (!packetLoaders.includes(env.input.type))
    env.fail('EINVAL', 'BPF_LD_[ABS|IND] instructions not allowed for this program type');
  const mode = I.bpfMode(insn.code);
  if (insn.dst || insn.off || I.bpfSize(insn.code) === I.BPF_DW || (mode === I.BPF_ABS && insn.src)) {
    env.fail('EINVAL', 'BPF_LD_[ABS|IND] uses reserved fields');
  }
  readReg(env, 6);
  // a failing load ends the program, so nothing may be left behind
  if (!checkReferenceLeak(env, false)) env.fail('EINVAL', 'BPF_LD_[ABS|IND] cannot be mixed with socket references');
  if (env.cur.activeLock.owner) env.fail('EINVAL', 'BPF_LD_[ABS|IND] cannot be used inside bpf_spin_lock-ed region');
  if (env.cur.activeRcuLock) env.fail('EINVAL', 'BPF_LD_[ABS|IND] cannot be used inside bpf_rcu_read_lock-ed region');
  if (env.cur.activePreemptLock)
    env.fail('EINVAL', 'BPF_LD_[ABS|IND] cannot be used inside bpf_preempt_disable-ed region');
  const ctx = env.reg(6);
  if (ctx.type !== R.PTR_TO_CTX) env.fail('EINVAL', 'at the time of BPF_LD_ABS|IND R6 != pointer to skb');
  if (mode === I.BPF_IND) readReg(env, insn.src);
  checkUnmodified(env, ctx, 6);
  for (let n = 0; n <= 5; n++) {
    const reg = env.reg(n);
    reg.clear();
    if (n > 0) env.scratchReg(n);
    reg.live |= LIVE_WRITTEN;
    reg.subregDef = 0;
  }
  const r0 = env.reg(0);
  env.markUnknown(r0);
  env.scratchReg(0);
  r0.subregDef = env.insnIdx + 1;
  if (env.cur.curframe === 0) return;
  // a load that fails ends the function with zero: its caller goes on
  env.pushState(env.insnIdx + 1, env.insnIdx, false);
  r0.markKnown(0n);
  leaveFunction(env);
  env.insnIdx--;
}
