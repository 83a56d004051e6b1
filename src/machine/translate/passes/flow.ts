/**
 * Control flow of a unit: reverse postorder, dominators, natural loops, and whether it is reducible.
 * Every step takes time about linear in the blocks, whatever their shape.
 */

import { type Block, successor, type Unit } from '../ir/ir.ts';
import { dominators } from './dominators.ts';

export interface Flow {
  /** blocks in reverse postorder; the others are unreachable */
  readonly order: readonly Block[];
  /** position in `order` by block id, -1 unreachable */
  readonly position: Int32Array;
  /** without repetition */
  readonly preds: readonly (readonly Block[])[];
  /** immediate dominator's id by block id; the entry's is itself */
  readonly idom: Int32Array;
  /** blocks in preorder of the dominator tree */
  readonly tree: readonly Block[];
  /** target of a back edge */
  readonly header: Uint8Array;
  readonly reducible: boolean;
  /** by block id: header id of the innermost natural loop that it is in, -1 none */
  readonly loop: Int32Array;
  /** by header id: header id of the loop around, -1 none */
  readonly outer: Int32Array;
}

export function analyseFlow(unit: Unit): Flow {
  const { blocks } = unit;
  const n = blocks.length;
  const order = reversePostorder(blocks[0]!, n);
  const position = new Int32Array(n).fill(-1);
  const preds: Block[][] = [];
  for (let id = 0; id < n; id++) preds.push([]);
  for (let i = 0; i < order.length; i++) position[order[i]!.id] = i;
  for (const b of order) {
    const one = successor(b.term, 0);
    const two = successor(b.term, 1);
    if (one !== undefined) preds[one.id]!.push(b);
    if (two !== undefined && two !== one) preds[two.id]!.push(b);
  }
  const idom = dominators(order, position, preds);
  const { tree, first, size } = treeOrder(order, idom);
  const header = new Uint8Array(n);
  let reducible = true;
  for (const b of order) {
    for (let way = 0; way < 2; way++) {
      const s = successor(b.term, way as 0 | 1);
      if (s === undefined || position[s.id]! > position[b.id]!) continue;
      header[s.id] = 1;
      const inside = first[b.id]! - first[s.id]!;
      if (inside < 0 || inside >= size[s.id]!) reducible = false;
    }
  }
  const { loop, outer } = loopsOf(order, position, preds, header, reducible);
  return { order, position, preds, idom, tree, header, reducible, loop, outer };
}

function reversePostorder(entry: Block, count: number): Block[] {
  /** 0 not seen, else one more than the number of its successors that were looked at */
  const state = new Uint8Array(count);
  const out: Block[] = [];
  const stack: Block[] = [entry];
  state[entry.id] = 1;
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    const { term } = top;
    const turn = state[top.id]!++;
    let next: Block | undefined;
    // a branch's other way first, so that the way taken comes first in the reversed order
    if (term.kind === 'branch') next = turn === 1 ? term.other : turn === 2 ? term.taken : undefined;
    else if (term.kind !== 'leave' && turn === 1) next = term.to;
    if (next === undefined) {
      out.push(top);
      stack.pop();
    } else if (state[next.id] === 0) {
      state[next.id] = 1;
      stack.push(next);
    }
  }
  return out.reverse();
}

/** Preorder of the dominator tree; `first` and `size` by block id: a dominates b where b is among the `size` blocks from its `first`. */
function treeOrder(order: readonly Block[], idom: Int32Array): { tree: Block[]; first: Int32Array; size: Int32Array } {
  const first = new Int32Array(idom.length);
  const size = new Int32Array(idom.length).fill(1);
  const free = new Int32Array(idom.length);
  for (let i = order.length - 1; i > 0; i--) {
    const { id } = order[i]!;
    size[idom[id]!]! += size[id]!;
  }
  const tree: Block[] = order.slice();
  free[order[0]!.id] = 1;
  for (let i = 1; i < order.length; i++) {
    const b = order[i]!;
    const at = free[idom[b.id]!]!;
    first[b.id] = at;
    free[b.id] = at + 1;
    free[idom[b.id]!] = at + size[b.id]!;
    tree[at] = b;
  }
  return { tree, first, size };
}

/** Natural loops, inner ones first; each takes in the loops inside it as wholes. */
function loopsOf(
  order: readonly Block[],
  position: Int32Array,
  preds: readonly (readonly Block[])[],
  header: Uint8Array,
  reducible: boolean,
): { loop: Int32Array; outer: Int32Array } {
  const loop = new Int32Array(header.length).fill(-1);
  const outer = new Int32Array(header.length).fill(-1);
  if (!reducible) return { loop, outer };
  /** towards the header of the outermost loop found so far that has a block */
  const up = new Int32Array(header.length);
  for (let id = 0; id < up.length; id++) up[id] = id;
  const whole = (id: number): number => {
    let x = id;
    while (up[x] !== x) {
      up[x] = up[up[x]!]!;
      x = up[x]!;
    }
    return x;
  };
  const work: number[] = [];
  for (let i = order.length - 1; i >= 0; i--) {
    const { id } = order[i]!;
    if (!header[id]) continue;
    for (const p of preds[id]!) if (position[p.id]! >= i) work.push(p.id);
    for (let b = work.pop(); b !== undefined; b = work.pop()) {
      const x = whole(b);
      if (x === id) continue;
      if (header[x]) outer[x] = id;
      else loop[x] = id;
      up[x] = id;
      for (const p of preds[x]!) work.push(p.id);
    }
    loop[id] = id;
  }
  return { loop, outer };
}
