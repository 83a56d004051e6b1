/** What follows a call's arguments: ` = 3`, ` = -1 ENOENT (No such …)`, ` = 0x7f…`, ` = ?`, and `<0.000012>` of -T. */
import { errnoNumber } from './errno.ts';

export interface Result {
  /** -errno for failures; undefined for `?` */
  readonly result: bigint | undefined;
  /** ns that the call took, of -T */
  readonly duration: number | undefined;
}

export function readResult(text: string): Result {
  const took = /<(\d+\.\d+)>\s*$/.exec(text);
  const duration = took ? Math.round(Number(took[1]) * 1e9) : undefined;
  const match = /^\s*= (-?(?:0x)?[0-9a-f]+)(?:<[^>]*>)?(?:\s+(E[A-Z0-9_]+))?/.exec(text);
  if (!match) return { result: undefined, duration };
  const [, value = '0', errno] = match;
  if (errno !== undefined) return { result: BigInt(-(errnoNumber(errno) ?? 1)), duration };
  return { result: BigInt(value), duration };
}
