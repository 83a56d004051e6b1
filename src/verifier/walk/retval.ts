/** What a program, or a callback, may return (check_return_code()). */

import { funcRetRange } from '../access/btfctx.ts';
import { contains, tnumRange } from '../domain/tnum.ts';
import { S64_MAX, S64_MIN } from '../domain/u64.ts';
import type { Env } from '../env/env.ts';
import { ATTACH, PROG } from '../kinds.ts';
import { readReg } from '../prune/liveness.ts';
import { markChainPrecision } from '../prune/precision.ts';
import type { Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';

export type RetRange = readonly [number, number];
const S32: RetRange = [-0x8000_0000, 0x7fff_ffff];

export function rangeWithin(reg: Reg, [min, max]: RetRange, as32: boolean): boolean {
  return as32 ? min <= reg.v.s32min && reg.v.s32max <= max : BigInt(min) <= reg.v.smin && reg.v.smax <= BigInt(max);
}

export function invalidScalar(reg: Reg, [min, max]: RetRange, where: string, name: string): string {
  const { smin, smax } = reg.v;
  const has = (smin > S64_MIN ? ` smin=${smin}` : '') + (smax < S64_MAX ? ` smax=${smax}` : '');
  return `${where} the register ${name} has${has || ' unknown scalar value'} should have been in [${min}, ${max}]`;
}

const always1: readonly number[] = [
  ATTACH.CGROUP_UDP4_RECVMSG,
  ATTACH.CGROUP_UDP6_RECVMSG,
  ATTACH.CGROUP_UNIX_RECVMSG,
  ATTACH.CGROUP_INET4_GETPEERNAME,
  ATTACH.CGROUP_INET6_GETPEERNAME,
  ATTACH.CGROUP_UNIX_GETPEERNAME,
  ATTACH.CGROUP_INET4_GETSOCKNAME,
  ATTACH.CGROUP_INET6_GETSOCKNAME,
  ATTACH.CGROUP_UNIX_GETSOCKNAME,
];

/** The range, `undefined` where anything goes. */
function allowed(env: Env): { range: RetRange; as32?: boolean } | undefined {
  const { type, expectedAttachType: eat } = env.input;
  switch (type) {
    case PROG.CGROUP_SOCK_ADDR:
      if (always1.includes(eat)) return { range: [1, 1] };
      return { range: eat === ATTACH.CGROUP_INET4_BIND || eat === ATTACH.CGROUP_INET6_BIND ? [0, 3] : [0, 1] };
    case PROG.CGROUP_SKB:
      return { range: eat === ATTACH.CGROUP_INET_EGRESS ? [0, 3] : [0, 1] };
    case PROG.CGROUP_SOCK:
    case PROG.SOCK_OPS:
    case PROG.CGROUP_DEVICE:
    case PROG.CGROUP_SYSCTL:
    case PROG.CGROUP_SOCKOPT:
    case PROG.SK_LOOKUP:
    case PROG.NETFILTER:
      return { range: [0, 1] };
    case PROG.RAW_TRACEPOINT:
      return env.input.attachBtfId ? { range: [0, 0] } : undefined;
    case PROG.TRACING:
      if (eat === ATTACH.TRACE_FENTRY || eat === ATTACH.TRACE_FEXIT) return { range: [0, 0] };
      if (eat === ATTACH.TRACE_RAW_TP || eat === ATTACH.MODIFY_RETURN) return undefined;
      if (eat === ATTACH.TRACE_ITER) return { range: [0, 1] };
      return env.quit('ENOTSUPP');
    case PROG.KPROBE:
      return eat === ATTACH.TRACE_KPROBE_SESSION ? { range: [0, 1] } : undefined;
    case PROG.LSM: {
      if (eat === ATTACH.LSM_CGROUP) return { range: env.attachReturnsVoid ? [1, 1] : [0, 1] };
      const range = funcRetRange(env);
      return range && (range[0] !== S32[0] || range[1] !== S32[1]) ? { range, as32: true } : undefined;
    }
    default:
      return undefined;
  }
}

function enforce(env: Env, reg: Reg, n: number, where: string, range: RetRange, as32: boolean): void {
  if (reg.type !== R.SCALAR_VALUE)
    env.fail('EINVAL', `${where} the register R${n} is not a known value (${R.typeText(reg.type)})`);
  markChainPrecision(env, n);
  if (rangeWithin(reg, range, as32)) return;
  env.say(invalidScalar(reg, range, where, `R${n}`));
  const { type, expectedAttachType } = env.input;
  if (type === PROG.LSM && expectedAttachType === ATTACH.LSM_CGROUP && env.attachReturnsVoid) {
    env.say("Note, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!");
  }
  env.quit('EINVAL');
}

/** @param n the register returned: R0, or R1 where the program throws */
export function checkReturnCode(env: Env, n = 0): void {
  const frame = env.cur.frameAt(0);
  const isSubprog = frame.subprogno > 0;
  const { type, expectedAttachType } = env.input;
  if (!isSubprog || frame.inExceptionCallback) {
    const mayBeVoid = type === PROG.STRUCT_OPS || (type === PROG.LSM && expectedAttachType !== ATTACH.LSM_CGROUP);
    if (mayBeVoid && env.attachReturnsVoid) return;
  }
  const reg = readReg(env, n);
  if (env.isPointerValue(reg)) env.fail('EACCES', `R${n} leaks addr as return value`);
  if (frame.inAsyncCallback) {
    enforce(env, reg, n, 'At async callback return', [0, 0], false);
    return;
  }
  if (isSubprog && !frame.inExceptionCallback) {
    if (reg.type !== R.SCALAR_VALUE)
      env.fail('EINVAL', `At subprogram exit the register R${n} is not a scalar value (${R.typeText(reg.type)})`);
    return;
  }
  const rule = allowed(env);
  if (!rule) return;
  enforce(env, reg, n, 'At program exit', rule.range, rule.as32 ?? false);
  const egress = type === PROG.CGROUP_SKB && expectedAttachType === ATTACH.CGROUP_INET_EGRESS;
  if (egress && contains(tnumRange(2n, 3n), reg.v.tnum)) env.enforceAttachType = true;
}
