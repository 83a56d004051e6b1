/** What `-e` and `-s` take: names of columns with commas between; of an order, with a variant and a direction behind. */
import { ArgumentError } from '../../errors/argument.ts';
import { nearestOrAll } from '../../errors/near.ts';
import { STAT_NAMES, STATS, type StatName } from './stats.ts';

/** Of two runs: the first's value, the second's, their difference, that in per cent. */
export type Variant = 'a' | 'b' | 'diff' | 'pct';

export interface Order {
  readonly stat: StatName;
  readonly variant: Variant;
  /** by what it differs, whatever the direction: `|insns_diff|` */
  readonly absolute: boolean;
  readonly ascending: boolean;
}

const named = (name: string): StatName | undefined =>
  STAT_NAMES.find((stat) => (STATS[stat].names as readonly string[]).includes(name));

function unknown(name: string): ArgumentError {
  const names = STAT_NAMES.flatMap((stat) => STATS[stat].names);
  return new ArgumentError('stats', `'${name}' is no column${nearestOrAll(name, names)}`);
}

/** `file,prog,insns`. @throws ArgumentError */
export function parseColumns(text: string): StatName[] {
  return text.split(',').map((part) => {
    const stat = named(part.trim());
    if (stat === undefined) throw unknown(part.trim());
    return stat;
  });
}

/** `verdict_diff,insns_b^`: behind a name `_a`, `_b`, `_diff` or `_pct`, then `^` from the least or `v` from the most. @throws ArgumentError */
export function parseOrder(text: string): Order[] {
  return text.split(',').map((part) => {
    const given = part.trim();
    const direction = /[\^vV.!_]$/.exec(given)?.[0];
    // a name may end in v itself
    const isSign = direction !== undefined && named(given) === undefined;
    const bare = isSign ? given.slice(0, -1) : given;
    const absolute = /^\|.*\|$/.test(bare);
    const inner = absolute ? bare.slice(1, -1) : bare;
    const [, head = inner, variant] = named(inner) === undefined ? (/^(.*)_(a|b|diff|pct)$/.exec(inner) ?? []) : [];
    const stat = named(head);
    if (stat === undefined) throw unknown(head);
    return {
      stat,
      variant: (variant as Variant | undefined) ?? 'b',
      absolute,
      ascending: isSign ? direction === '^' : STATS[stat].ascending,
    };
  });
}
