/** A description that contradicts itself is dropped, or reported where the program asks for it (reg_bounds_sanity_check()). */
import { UNKNOWN, unbound32, unbound64, violation } from '../domain/bounds.ts';
import { u64 } from '../domain/u64.ts';
import type { Reg } from '../state/reg.ts';
import type { Env } from './env.ts';

const hex = (x: bigint | number): string => `0x${(typeof x === 'bigint' ? u64(x) : x >>> 0).toString(16)}`;

export function checkSane(env: Env, reg: Reg, where: string): void {
  const { v } = reg;
  if (v === UNKNOWN) return;
  const what = violation(v);
  if (!what) return;
  env.say(
    `REG INVARIANTS VIOLATION (${where}): ${what} u64=[${hex(v.umin)}, ${hex(v.umax)}] s64=[${hex(v.smin)}, ${hex(v.smax)}] ` +
      `u32=[${hex(v.u32min)}, ${hex(v.u32max)}] s32=[${hex(v.s32min)}, ${hex(v.s32max)}] var_off=(${hex(v.tnum.value)}, ${hex(v.tnum.mask)})`,
  );
  if (env.testRegInvariants) env.quit('EFAULT');
  const loose = v.copy();
  unbound64(loose);
  unbound32(loose);
  reg.v = loose;
}
