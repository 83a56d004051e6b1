/** How far code may go before it looks at its budget, and which loop gives the machine back when that is spent. */

import { successor } from '../ir/ir.ts';
import type { Flow } from '../passes/flow.ts';

/** Longest way in instructions from each block to the next budget check, by id. */
export function budgetNeeds(flow: Flow): Int32Array {
  const need = new Int32Array(flow.position.length);
  for (let i = flow.order.length - 1; i >= 0; i--) {
    const b = flow.order[i]!;
    let most = 0;
    // What a call leaves of the budget is looked at behind it.
    for (let way = b.term.kind === 'call' ? 2 : 0; way < 2; way++) {
      const s = successor(b.term, way as 0 | 1);
      if (s !== undefined && flow.position[s.id]! > i) most = Math.max(most, need[s.id]!);
    }
    need[b.id] = b.count + most;
  }
  return need;
}

/**
 * How early a loop gives the machine back when its budget runs out, by header id: 1 outermost loops, 2 loops
 * in between, 0 innermost ones, which use it up. So a long run is mostly resumed at an outer loop, and
 * the function that starts there has its loops nested as the code has them.
 */
export function loopLevels(flow: Flow): Uint8Array {
  const levels = new Uint8Array(flow.position.length);
  const { header, outer } = flow;
  for (let id = 0; id < levels.length; id++) {
    if (!header[id]) continue;
    const around = outer[id]!;
    if (around < 0) levels[id] = 1;
    else if (levels[around] === 0) levels[around] = 2;
  }
  return levels;
}
