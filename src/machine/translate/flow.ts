/**
 * Control flow of a unit: reverse postorder, dominators (Cooper, Harvey and Kennedy, "A Simple, Fast
 * Dominance Algorithm", 2001), natural loops, and whether it is reducible.
 */
import { type Block, successors, type Unit } from './ir.ts';

export interface Flow {
  /** blocks in reverse postorder; the others are unreachable */
  readonly order: readonly Block[];
  /** position in `order` by block id, -1 unreachable */
  readonly position: Int32Array;
  readonly preds: readonly (readonly Block[])[];
  /** immediate dominator's id by block id; the entry's is itself */
  readonly idom: Int32Array;
  /** target of a back edge */
  readonly header: Uint8Array;
  readonly reducible: boolean;
  /** blocks of the natural loop, by header id */
  readonly loops: ReadonlyMap<number, ReadonlySet<Block>>;
}

export function analyseFlow(unit: Unit): Flow {
  const { blocks } = unit;
  const order = reversePostorder(blocks[0]!, blocks.length);
  const position = new Int32Array(blocks.length).fill(-1);
  order.forEach((b, n) => {
    position[b.id] = n;
  });
  const preds: Block[][] = blocks.map(() => []);
  for (const b of order) for (const s of successors(b.term)) if (!preds[s.id]!.includes(b)) preds[s.id]!.push(b);
  const idom = dominators(order, position, preds);
  const dominates = (a: Block, b: Block): boolean => {
    let x = b.id;
    while (position[x]! > position[a.id]!) x = idom[x]!;
    return x === a.id;
  };
  const header = new Uint8Array(blocks.length);
  const loops = new Map<number, Set<Block>>();
  let reducible = true;
  for (const b of order) {
    for (const s of successors(b.term)) {
      if (position[s.id]! > position[b.id]!) continue;
      header[s.id] = 1;
      if (dominates(s, b)) addLoop(loops, preds, s, b);
      else reducible = false;
    }
  }
  return { order, position, preds, idom, header, reducible, loops };
}

function reversePostorder(entry: Block, count: number): Block[] {
  const seen = new Uint8Array(count);
  const out: Block[] = [];
  const stack: { block: Block; next: Block[] }[] = [{ block: entry, next: successors(entry.term) }];
  seen[entry.id] = 1;
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    const s = top.next.pop();
    if (s === undefined) {
      out.push(top.block);
      stack.pop();
    } else if (!seen[s.id]) {
      seen[s.id] = 1;
      stack.push({ block: s, next: successors(s.term) });
    }
  }
  return out.reverse();
}

function dominators(order: readonly Block[], position: Int32Array, preds: readonly (readonly Block[])[]): Int32Array {
  const idom = new Int32Array(position.length).fill(-1);
  const entry = order[0]!.id;
  idom[entry] = entry;
  const intersect = (a: number, b: number): number => {
    let x = a;
    let y = b;
    while (x !== y) {
      while (position[x]! > position[y]!) x = idom[x]!;
      while (position[y]! > position[x]!) y = idom[y]!;
    }
    return x;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = 1; i < order.length; i++) {
      const b = order[i]!;
      let best = -1;
      for (const p of preds[b.id]!) {
        if (idom[p.id] === -1) continue;
        best = best === -1 ? p.id : intersect(p.id, best);
      }
      if (idom[b.id] !== best) {
        idom[b.id] = best;
        changed = true;
      }
    }
  }
  return idom;
}

/** Adds the natural loop of the back edge `latch` -> `head`. */
function addLoop(
  loops: Map<number, Set<Block>>,
  preds: readonly (readonly Block[])[],
  head: Block,
  latch: Block,
): void {
  let body = loops.get(head.id);
  if (body === undefined) {
    body = new Set([head]);
    loops.set(head.id, body);
  }
  const work = [latch];
  for (let b = work.pop(); b !== undefined; b = work.pop()) {
    if (body.has(b)) continue;
    body.add(b);
    work.push(...preds[b.id]!);
  }
}
