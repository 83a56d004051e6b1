/**
 * Joins checks: one for several accesses through the same pointer, where a block that is always passed before
 * has made it. It stays exact about where the unit is left: only what is known to hold is not asked again.
 */
import { RUN_SLOTS, runSlot } from '../ir/address-class.ts';
import { type Block, clobbers, type Unit } from '../ir/ir.ts';
import { TEMP, type Uop } from '../ir/uop.ts';
import { USE } from '../ir/uses.ts';
import type { Flow } from './flow.ts';

type Check = Extract<Uop, { op: 'check' }>;

/** Widest range that one check may cover; runs of pages are short. */
const MAX_SPAN = { direct: 1 << 15, run: 2048 } as const;

/** A check that was made, of a pointer that is its root + off. */
interface Made {
  readonly check: Check;
  readonly off: number;
  readonly block: Block;
  readonly key: number;
  /** the one that it hides until the blocks below its own are done */
  readonly hidden: Made | undefined;
}

const KEYS = RUN_SLOTS + 1;
const ALL_REGISTERS = (1 << TEMP) - 1;

export function joinChecks(unit: Unit, flow: Flow): void {
  new Joiner(unit, flow).run();
}

/**
 * A pointer is root + offset: two with the same root differ by a constant. Registers' roots are kept by block, as
 * they are at its end; those of temporaries, which belong to one block, in one table.
 */
class Joiner {
  private readonly flow: Flow;
  private readonly killed: Killed;
  /** 16 per block, by block id: root or -1, offset */
  private readonly ends: Int32Array;
  private readonly endOffsets: Float64Array;
  /** by variable, in the block at hand */
  private readonly roots: Int32Array;
  private readonly offsets: Float64Array;
  private fresh = 0;
  /** by root and class */
  private readonly checks = new Map<number, Made>();
  /** checks of the blocks from the entry to the one at hand in the dominator tree */
  private readonly scope: Made[] = [];

  constructor(unit: Unit, flow: Flow) {
    this.flow = flow;
    this.killed = new Killed(flow);
    this.ends = new Int32Array(unit.blocks.length * TEMP);
    this.endOffsets = new Float64Array(unit.blocks.length * TEMP);
    this.roots = new Int32Array(TEMP + unit.temps).fill(-1);
    this.offsets = new Float64Array(TEMP + unit.temps);
  }

  run(): void {
    const { flow, scope } = this;
    /** of the dominator tree: the blocks from the entry to the one at hand, and how many checks came before each */
    const path: Block[] = [];
    const mark: number[] = [];
    for (const block of flow.tree) {
      const dom = flow.idom[block.id]!;
      while (path.length > 0 && path[path.length - 1]!.id !== dom) {
        path.pop();
        this.leave(mark.pop()!);
      }
      path.push(block);
      mark.push(scope.length);
      this.inherit(block, path.length === 1);
      this.block(block);
    }
  }

  /** Forgets the checks of blocks that do not dominate what comes next. */
  private leave(count: number): void {
    const { scope, checks } = this;
    while (scope.length > count) {
      const made = scope.pop()!;
      if (made.hidden === undefined) checks.delete(made.key);
      else checks.set(made.key, made.hidden);
    }
  }

  /** Roots at a block's start: its dominator's at the end, but for registers that may have changed on the way. */
  private inherit(block: Block, entry: boolean): void {
    const { roots, offsets, ends, endOffsets, flow } = this;
    if (entry) {
      roots.fill(-1, 0, TEMP);
      return;
    }
    const dom = flow.idom[block.id]!;
    const gone = this.killed.between(flow.position[dom]!, flow.position[block.id]!);
    const from = dom * TEMP;
    for (let n = 0; n < TEMP; n++) {
      roots[n] = (gone >> n) & 1 ? -1 : ends[from + n]!;
      offsets[n] = endOffsets[from + n]!;
    }
  }

  private block(block: Block): void {
    const { roots, offsets, ends, endOffsets } = this;
    const { uops } = block;
    let kept = 0;
    for (let i = 0; i < uops.length; i++) {
      const u = uops[i]!;
      if (u.op === 'check') {
        if (u.cls !== 'tlb' && this.known(block, u)) continue;
      } else if (u.uses & USE.setsD) this.set(u);
      if (kept !== i) uops[kept] = u;
      kept++;
    }
    uops.length = kept;
    const at = block.id * TEMP;
    for (let n = 0; n < TEMP; n++) {
      ends[at + n] = roots[n]!;
      endOffsets[at + n] = offsets[n]!;
    }
  }

  private rootOf(v: number): number {
    let root = this.roots[v]!;
    if (root < 0) {
      root = this.fresh++;
      this.roots[v] = root;
      this.offsets[v] = 0;
    }
    return root;
  }

  private set(u: Uop): void {
    const { roots, offsets } = this;
    if (u.op === 'mov') {
      roots[u.d] = this.rootOf(u.a);
      offsets[u.d] = offsets[u.a]!;
    } else if ((u.op === 'add' || u.op === 'sub') && u.b < 0 && u.w === 8 && u.hi === u.lo >> 31) {
      const root = this.rootOf(u.a);
      const off = offsets[u.a]! + (u.op === 'add' ? u.lo : -u.lo);
      roots[u.d] = root;
      offsets[u.d] = off;
    } else roots[(u as Extract<Uop, { op: 'const' }>).d] = -1;
  }

  /** Whether an earlier check covers this one, or can be widened to; else it is one from now on. */
  private known(block: Block, u: Check): boolean {
    const root = this.rootOf(u.a);
    const off = this.offsets[u.a]!;
    const key = root * KEYS + runSlot(u.cls) + 1;
    const have = this.checks.get(key);
    if (have !== undefined && covers(have, u, off, block)) return true;
    const made = { check: u, off, block, key, hidden: have };
    this.checks.set(key, made);
    this.scope.push(made);
    return false;
  }
}

function covers(have: Made, u: Check, off: number, block: Block): boolean {
  const shift = off - have.off;
  const lo = u.lo + shift;
  const hi = u.hi + shift;
  const { check } = have;
  if (lo >= check.lo && hi <= check.hi) return true;
  // Other ways from a dominator may not pay for widening its check.
  if (have.block !== block) return false;
  const newLo = Math.min(lo, check.lo);
  const newHi = Math.max(hi, check.hi);
  if (newHi - newLo > MAX_SPAN[u.cls === 'direct' ? 'direct' : 'run']) return false;
  check.lo = newLo;
  check.hi = newHi;
  return true;
}

/**
 * Registers that some way from a dominator to a block may change. Every block on such a way comes between the two in
 * reverse postorder, or is in a loop whose header does.
 */
class Killed {
  private readonly order: readonly Block[];
  /** registers that a position's block may change, with those of the loop that it begins */
  private readonly levels: Int32Array[] = [];
  /** of the loop that begins at a position */
  private readonly loops: Int32Array;

  constructor(flow: Flow) {
    const { order, position } = flow;
    this.order = order;
    const n = order.length;
    const loops = new Int32Array(n);
    const first = new Int32Array(n);
    // Inner loops begin after the ones around them.
    for (let i = n - 1; i >= 0; i--) {
      const b = order[i]!;
      const mask = clobbers(b.term) ? ALL_REGISTERS : b.modified;
      const inner = flow.loop[b.id]!;
      if (inner >= 0) loops[position[inner]!]! |= mask;
      if (flow.header[b.id]) {
        const around = flow.outer[b.id]!;
        if (around >= 0) loops[position[around]!]! |= loops[i]!;
      }
      first[i] = mask | loops[i]!;
    }
    this.loops = loops;
    this.levels.push(first);
  }

  between(dom: number, at: number): number {
    // A call that ends the dominator changes registers on the way out of it.
    const own = clobbers(this.order[dom]!.term) ? ALL_REGISTERS : 0;
    return own | this.loops[at]! | this.range(dom + 1, at);
  }

  /** Of the positions from, from + 1, ..., to - 1: two ranges of a power of two cover them. */
  private range(from: number, to: number): number {
    const count = to - from;
    if (count <= 0) return 0;
    const level = 31 - Math.clz32(count);
    const masks = this.level(level);
    return masks[from]! | masks[to - (1 << level)]!;
  }

  /** By position, the registers of the 2^level blocks from there on. */
  private level(level: number): Int32Array {
    const known = this.levels[level];
    if (known !== undefined) return known;
    const half = this.level(level - 1);
    const step = 1 << (level - 1);
    const masks = new Int32Array(half.length);
    for (let i = 0; i < masks.length; i++) masks[i] = half[i]! | (half[i + step] ?? 0);
    this.levels[level] = masks;
    return masks;
  }
}
