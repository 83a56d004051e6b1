/**
 * Immediate dominators by semidominators: Lengauer and Tarjan, "A Fast Algorithm for Finding Dominators in a Flowgraph"
 * (TOPLAS 1979), in the form "semi-NCA" of Georgiadis, Tarjan and Werneck, "Finding Dominators in Practice" (JGAA 2006).
 */
import type { Block } from '../ir/ir.ts';

/** Immediate dominator's id by block id; the entry's is itself, an unreachable block's -1. */
export function dominators(
  order: readonly Block[],
  position: Int32Array,
  preds: readonly (readonly Block[])[],
): Int32Array {
  const idom = new Int32Array(position.length).fill(-1);
  const n = order.length;
  const parent = new Int32Array(n);
  /** depth-first number by block id, block id by number */
  const number = depthFirst(order[0]!, parent, position.length);
  const block = new Int32Array(n);
  for (const b of order) block[number[b.id]!] = b.id;
  const above = parent.slice();
  const semi = new Int32Array(n);
  const label = new Int32Array(n);
  for (let v = 0; v < n; v++) {
    semi[v] = v;
    label[v] = v;
  }
  const path = new Int32Array(n);
  /** the vertex of least semidominator on the way up from v as far as ways are linked, from `linked` on */
  const least = (v: number, linked: number): number => {
    if (v < linked || above[v]! < linked) return label[v]!;
    let depth = 0;
    let x = v;
    for (; above[x]! >= linked; x = above[x]!) path[depth++] = x;
    let best = label[x]!;
    const top = above[x]!;
    while (depth > 0) {
      x = path[--depth]!;
      above[x] = top;
      if (semi[best]! < semi[label[x]!]!) label[x] = best;
      else best = label[x]!;
    }
    return best;
  };
  for (let w = n - 1; w > 0; w--) {
    let s = parent[w]!;
    for (const p of preds[block[w]!]!) {
      const candidate = semi[least(number[p.id]!, w + 1)]!;
      if (candidate < s) s = candidate;
    }
    semi[w] = s;
  }
  idom[block[0]!] = block[0]!;
  for (let w = 1; w < n; w++) {
    // the parent's numbers stay below w, so their dominators are known
    let d = parent[w]!;
    while (d > semi[w]!) d = number[idom[block[d]!]!]!;
    idom[block[w]!] = block[d]!;
  }
  return idom;
}

/** Depth-first numbers by block id, and by number that of the block it was reached from. */
function depthFirst(entry: Block, parent: Int32Array, blocks: number): Int32Array {
  const number = new Int32Array(blocks).fill(-1);
  const stack: Block[] = [entry];
  const from: number[] = [0];
  let next = 0;
  for (let b = stack.pop(); b !== undefined; b = stack.pop()) {
    const above = from.pop()!;
    if (number[b.id]! >= 0) continue;
    const n = next++;
    number[b.id] = n;
    parent[n] = above;
    const { term } = b;
    if (term.kind === 'branch') {
      stack.push(term.other, term.taken);
      from.push(n, n);
    } else if (term.kind !== 'leave') {
      stack.push(term.to);
      from.push(n);
    }
  }
  return number;
}
