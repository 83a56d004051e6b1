import type { Addr } from '../../src/machine/addr.ts';

/** Kernel text as it ships. */
export interface TextTable {
  /** names, separated by blanks */
  readonly names: string;
  /** for each: address as distance from `base`, then length; little-endian u32 pairs in base64 */
  readonly places: string;
  readonly base: Addr;
  /** index in `names` from which on it is text of the model's own, which no symbol has */
  readonly firstOwn: number;
  /** `name=distance from base` of functions and variables that the symbols have not, separated by blanks */
  readonly own: string;
  /** where more of both goes, as distances from `base` */
  readonly ownText: number;
  readonly ownData: number;
  /** all text, one function behind the other, base64 */
  readonly text: string;
  /** tracepoint sites: event, name, offset of the nop, offset of the out-of-line part */
  readonly sites: string;
  /** hypercall names in the order of their numbers, from 1 */
  readonly hypercalls: string;
}
