/** Constant format strings in read-only maps (check_reg_const_str(), check_bpf_snprintf_call()). */
import { checkMapAccess } from '../access/map.ts';
import type { Env } from '../env/env.ts';
import type { MapFacts } from '../kernel.ts';
import { F_RDONLY_PROG, MAP } from '../kinds.ts';
import type { Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import { formatArguments } from './format.ts';

const isConstMap = (map: MapFacts): boolean => (map.flags & F_RDONLY_PROG) !== 0 && map.frozen;

function readString(map: MapFacts, off: number): string | undefined {
  let text = '';
  for (let at = off; at < map.valueSize; at++) {
    const byte = Number(map.readConst?.(at, 1) ?? 0n);
    if (byte === 0) return text;
    text += String.fromCharCode(byte);
  }
  return undefined;
}

export function checkConstString(env: Env, reg: Reg, regno: number): void {
  const { map } = reg;
  if (reg.type !== R.PTR_TO_MAP_VALUE || !map) env.quit('EINVAL');
  if (!isConstMap(map)) env.fail('EACCES', `R${regno} does not point to a readonly map'`);
  if (!reg.v.isConst) env.fail('EACCES', `R${regno} is not a constant address'`);
  if (map.type !== MAP.ARRAY) env.fail('EACCES', 'no direct value access support for this map type');
  const off = reg.off + reg.v.sminNumber;
  checkMapAccess(env, reg, regno, reg.off, map.valueSize - reg.off, false, false);
  if (readString(map, off) === undefined) env.fail('EINVAL', 'string is not zero-terminated');
}

export function checkSnprintf(env: Env): void {
  const fmt = env.reg(3);
  const dataLen = env.reg(5);
  if (!fmt.map || Number(dataLen.v.tnum.value) % 8 !== 0) env.quit('EINVAL');
  const text = readString(fmt.map, fmt.off + fmt.v.sminNumber) ?? '';
  const wanted = formatArguments(text);
  if (wanted === undefined || wanted > Number(dataLen.v.tnum.value) / 8) env.fail('EINVAL', 'Invalid format string');
}
