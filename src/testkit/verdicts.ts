/** What programs answer, by the names of include/uapi/linux/{bpf,pkt_cls}.h. */
import { ArgumentError } from '../errors/argument.ts';
import { nearestText } from '../errors/near.ts';

export const VERDICTS = {
  XDP_ABORTED: 0,
  XDP_DROP: 1,
  XDP_PASS: 2,
  XDP_TX: 3,
  XDP_REDIRECT: 4,
  TC_ACT_UNSPEC: -1,
  TC_ACT_OK: 0,
  TC_ACT_RECLASSIFY: 1,
  TC_ACT_SHOT: 2,
  TC_ACT_PIPE: 3,
  TC_ACT_STOLEN: 4,
  TC_ACT_QUEUED: 5,
  TC_ACT_REPEAT: 6,
  TC_ACT_REDIRECT: 7,
  TC_ACT_TRAP: 8,
  TCX_NEXT: -1,
  TCX_PASS: 0,
  TCX_DROP: 2,
  TCX_REDIRECT: 7,
  SK_DROP: 0,
  SK_PASS: 1,
} as const;
export type VerdictName = keyof typeof VERDICTS;

/** @throws ArgumentError: no such name, with near ones */
export function verdictValue(name: VerdictName): number {
  const value: number | undefined = Object.hasOwn(VERDICTS, name) ? VERDICTS[name] : undefined;
  if (value === undefined)
    throw new ArgumentError('retval', `there is no '${name}'${nearestText(name, Object.keys(VERDICTS))}`);
  return value;
}

/** A value by the names that go with another one. */
export function verdictText(value: number, like: VerdictName): string {
  const family = /^[A-Z]+/.exec(like)?.[0] ?? '';
  const found = Object.entries(VERDICTS).find(([name, n]) => name.startsWith(`${family}_`) && n >>> 0 === value >>> 0);
  return found ? `${found[0]} (${value})` : String(value);
}
