/** Access to a region of known size through a pointer with a variable offset (check_mem_region_access()). */

import { S32_MAX } from '../domain/u64.ts';
import type { Env } from '../env/env.ts';
import type { Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';

export const MAX_VAR_OFF = 1 << 29;

function describe(reg: Reg, regno: number, off: number, size: number, memSize: number): string {
  switch (reg.type) {
    case R.PTR_TO_MAP_KEY:
      return `invalid access to map key, key_size=${memSize} off=${off} size=${size}`;
    case R.PTR_TO_MAP_VALUE:
      return `invalid access to map value, value_size=${memSize} off=${off} size=${size}`;
    case R.PTR_TO_PACKET:
    case R.PTR_TO_PACKET_META:
    case R.PTR_TO_PACKET_END:
      return `invalid access to packet, off=${off} size=${size}, R${regno}(id=${reg.id},off=${off},r=${memSize})`;
    default:
      return `invalid access to memory, mem_size=${memSize} off=${off} size=${size}`;
  }
}

/** Whether [off, off+size) lies in the region; says so in the log where it does not. */
export function fits(
  env: Env,
  reg: Reg,
  regno: number,
  off: number,
  size: number,
  memSize: number,
  zeroOk: boolean,
): boolean {
  if (off >= 0 && (size > 0 || (size === 0 && zeroOk)) && off + size <= memSize) return true;
  env.say(describe(reg, regno, off, size, memSize));
  return false;
}

export const NEGATIVE_MIN = 'min value is negative, either use unsigned index or do a if (index >=0) check.';

export function checkRegion(
  env: Env,
  reg: Reg,
  regno: number,
  off: number,
  size: number,
  memSize: number,
  zeroOk: boolean,
): void {
  const { v } = reg;
  if (v.sminHi < 0) {
    const lowest = v.sminNumber + off;
    if (lowest < 0 || lowest > S32_MAX) env.fail('EACCES', `R${regno} ${NEGATIVE_MIN}`);
  }
  if (!fits(env, reg, regno, (v.sminLo + off) | 0, size, memSize, zeroOk)) {
    env.fail('EACCES', `R${regno} min value is outside of the allowed memory range`);
  }
  const umax = v.umaxNumber;
  if (umax >= MAX_VAR_OFF)
    env.fail('EACCES', `R${regno} unbounded memory access, make sure to bounds check any such access`);
  if (!fits(env, reg, regno, umax + off, size, memSize, zeroOk)) {
    env.fail('EACCES', `R${regno} max value is outside of the allowed memory range`);
  }
}

/** `__check_ptr_off_reg`: only the pointer as it was handed out. */
export function checkUnmodified(env: Env, reg: Reg, regno: number, fixedOk = false): void {
  if (reg.off < 0)
    env.fail('EACCES', `negative offset ${R.typeText(reg.type)} ptr R${regno} off=${reg.off} disallowed`);
  if (!fixedOk && reg.off)
    env.fail('EACCES', `dereference of modified ${R.typeText(reg.type)} ptr R${regno} off=${reg.off} disallowed`);
  if (!reg.v.isZero) env.fail('EACCES', `variable ${R.typeText(reg.type)} access var_off=${reg.varOff} disallowed`);
}
