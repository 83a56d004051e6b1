/** #BP and #DB of places that are hit again and again: who lies there pays for one exception object. They never change. */
import type { Addr } from '../addr.ts';
import { Fault } from '../fault.ts';

const MOST_KEPT = 256;
const kept = { bp: new Map<Addr, Fault>(), db: new Map<Addr, Fault>() } as const;

/** The trap behind which execution goes on at `next`. */
export function trapAt(kind: 'bp' | 'db', next: Addr): Fault {
  const known = kept[kind].get(next);
  if (known !== undefined) return known;
  if (kept[kind].size >= MOST_KEPT) kept[kind].clear();
  const fault = Fault.light(kind, next);
  kept[kind].set(next, fault);
  return fault;
}
