/**
 * Passes over a unit. Each keeps what the unit does and is exact about where it may leave.
 *
 *   - {@link flagStates}: what set the flags, at the start of each block
 *   - {@link dropDead}: flag updates that nothing reads before the next, and temporaries that follow
 *   - {@link joinChecks}: one check for several accesses through the same pointer, and checks of
 *     loop-invariant pointers in front of the loop
 */

import { ANY_FLAGS, afterUop, type FlagState, meetFlags } from './flags.ts';
import type { Flow } from './flow.ts';
import {
  type Block,
  clobbers,
  RUN_SLOTS,
  reads,
  runSlot,
  successors,
  TEMP,
  termReads,
  type Unit,
  type Uop,
  written,
} from './ir.ts';

/** Flag state at entry of each block, by id. */
export function flagStates(unit: Unit, flow: Flow): (FlagState | undefined)[] {
  const entry: (FlagState | undefined)[] = new Array(unit.blocks.length).fill(undefined);
  const effects = unit.blocks.map(flagUops);
  entry[flow.order[0]!.id] = ANY_FLAGS;
  for (let changed = true; changed; ) {
    changed = false;
    for (const block of flow.order) {
      let s = entry[block.id];
      if (s === undefined) continue;
      for (const u of effects[block.id]!) s = afterUop(s, u);
      if (clobbers(block.term)) s = ANY_FLAGS;
      for (const to of successors(block.term)) {
        const old = entry[to.id];
        const met = old === undefined ? s : meetFlags(old, s);
        if (old !== undefined && met.kind === old.kind && met.over === old.over && met.w === old.w && met.ow === old.ow)
          continue;
        entry[to.id] = met;
        changed = true;
      }
    }
  }
  return entry;
}

/** A block's flag updates from the last full one on: what decides its state at the end. */
function flagUops(block: Block): Uop[] {
  const out: Uop[] = [];
  for (let i = block.uops.length - 1; i >= 0; i--) {
    const u = block.uops[i]!;
    if (u.op !== 'flags' && u.op !== 'flags.var' && u.op !== 'overlay') continue;
    out.push(u);
    if (u.op === 'flags') break;
  }
  return out.reverse();
}

const MAIN = 1;
const OVER = 2;
const ALL = MAIN | OVER;

/** Whether a micro-operation reads flags, or may leave the unit, which makes every flag observable. */
const observes = (u: Uop): boolean =>
  u.op === 'check' || u.op === 'expect' || u.op === 'cmov' || u.op === 'setcc' || u.op === 'rflags';

/** Removes flag updates that nobody can see, and what was computed only for them. */
export function dropDead(unit: Unit, flow: Flow): void {
  const liveIn = new Uint8Array(unit.blocks.length);
  const wanted = new Uint8Array(TEMP + unit.temps);
  const liveOut = (block: Block): number => {
    if (block.term.kind !== 'jump') return ALL;
    const { to } = block.term;
    return flow.position[to.id]! <= flow.position[block.id]! ? ALL : liveIn[to.id]!;
  };
  // One sweep against the flow is enough: back edges count as reading everything.
  for (let i = flow.order.length - 1; i >= 0; i--) {
    const block = flow.order[i]!;
    liveIn[block.id] = sweep(block, liveOut(block), wanted);
  }
}

const scratch = new Int32Array(5);

/** `wanted` marks temporaries that something kept reads; they belong to one block each. */
function sweep(block: Block, out: number, wanted: Uint8Array): number {
  let live = out;
  const target = termReads(block.term);
  if (target >= TEMP) wanted[target] = 1;
  const kept: Uop[] = [];
  for (let i = block.uops.length - 1; i >= 0; i--) {
    const u = block.uops[i]!;
    if (u.op === 'flags') {
      if (!live) continue;
      live = 0;
    } else if (u.op === 'overlay') {
      if (!(live & OVER)) continue;
      live = MAIN;
    } else if (u.op === 'flags.var') {
      if (!live) continue;
      live = ALL;
    } else {
      const d = written(u);
      if (d >= TEMP && u.op !== 'check' && !wanted[d]) continue;
      if (observes(u)) live = ALL;
    }
    const n = reads(u, scratch);
    for (let k = 0; k < n; k++) wanted[scratch[k]!] = 1;
    kept.push(u);
  }
  block.uops = kept.reverse();
  return live;
}

type Check = Extract<Uop, { op: 'check' }>;

/** Widest range that one check may cover; runs of pages are short. */
const MAX_SPAN = { direct: 1 << 15, run: 2048 } as const;

/** A pointer as root + offset: two with the same root differ by a constant. */
interface Root {
  readonly id: number;
  readonly off: number;
}

interface Made {
  readonly check: Check;
  readonly off: number;
  /** made in another block, so that other ways may not pay for widening it */
  readonly fixed: boolean;
}

/** What is known of pointers at a point. */
interface Known {
  /** the guest registers' roots */
  readonly regs: (Root | undefined)[];
  /** checks by root and class */
  readonly checks: Map<number, Made>;
}

const KEYS = 16;
/** direct 0, runs by their slot from 1 */
const key = (id: number, u: Check): number => id * KEYS + runSlot(u.cls) + 1;
const ALL_REGISTERS = (1 << TEMP) - 1;

export function joinChecks(unit: Unit, flow: Flow): void {
  const ends: (Known | undefined)[] = new Array(unit.blocks.length).fill(undefined);
  const temps: (Root | undefined)[] = new Array(unit.temps).fill(undefined);
  let fresh = 0;
  const modified = Int32Array.from(flow.order, modifiedBy);
  const loops = [...flow.loops].map(([head, body]) => {
    let mask = 0;
    for (const b of body) mask |= modified[flow.position[b.id]!]!;
    return { at: flow.position[head]!, mask };
  });
  for (const block of flow.order) {
    const known = inherited(block);
    const { regs } = known;
    const rootOf = (v: number): Root => {
      const table = v < TEMP ? regs : temps;
      const i = v < TEMP ? v : v - TEMP;
      return (table[i] ??= { id: fresh++, off: 0 });
    };
    const setRoot = (v: number, root: Root | undefined): void => {
      if (v < TEMP) regs[v] = root;
      else temps[v - TEMP] = root;
    };
    const out: Uop[] = [];
    for (const u of block.uops) {
      if (u.op === 'check' && u.cls !== 'tlb') {
        const r = rootOf(u.a);
        if (covers(known, u, r)) continue;
        known.checks.set(key(r.id, u), { check: u, off: r.off, fixed: false });
      }
      out.push(u);
      const d = written(u);
      if (d < 0) continue;
      if (u.op === 'mov') setRoot(d, rootOf(u.a));
      else if ((u.op === 'add' || u.op === 'sub') && u.w === 8 && u.b < 0 && u.hi === u.lo >> 31) {
        const r = rootOf(u.a);
        setRoot(d, { id: r.id, off: r.off + (u.op === 'add' ? u.lo : -u.lo) });
      } else setRoot(d, undefined);
    }
    block.uops = out;
    ends[block.id] = known;
  }

  /** State at a block's start: its dominator's at the end, without what may have changed on the way. */
  function inherited(block: Block): Known {
    const at = flow.position[block.id]!;
    const checks = new Map<number, Made>();
    if (at === 0) return { regs: new Array(TEMP).fill(undefined), checks };
    const dom = flow.idom[block.id]!;
    const from = ends[dom]!;
    const gone = killed(at, flow.position[dom]!);
    const regs = from.regs.map((r, n) => ((gone >> n) & 1 ? undefined : r));
    for (const r of regs) {
      if (r === undefined) continue;
      for (let k = r.id * KEYS; k <= r.id * KEYS + RUN_SLOTS; k++) {
        const made = from.checks.get(k);
        if (made !== undefined) checks.set(k, made.fixed ? made : { ...made, fixed: true });
      }
    }
    return { regs, checks };
  }

  /** Registers that some way from the dominator to the block may change, as a mask. */
  function killed(at: number, dom: number): number {
    // A call that ends the dominator changes registers on the way out of it.
    let mask = clobbers(flow.order[dom]!.term) ? ALL_REGISTERS : 0;
    for (let i = dom + 1; i < at; i++) mask |= modified[i]!;
    for (const loop of loops) if (loop.at > dom && loop.at <= at) mask |= loop.mask;
    return mask;
  }
}

function modifiedBy(block: Block): number {
  if (clobbers(block.term)) return ALL_REGISTERS;
  let mask = 0;
  for (const u of block.uops) {
    const d = written(u);
    if (d >= 0 && d < TEMP) mask |= 1 << d;
  }
  return mask;
}

/** Whether an earlier check covers this one, or can be widened to. */
function covers(known: Known, u: Check, r: Root): boolean {
  const have = known.checks.get(key(r.id, u));
  if (have === undefined) return false;
  const shift = r.off - have.off;
  const lo = u.lo + shift;
  const hi = u.hi + shift;
  if (lo >= have.check.lo && hi <= have.check.hi) return true;
  if (have.fixed) return false;
  const newLo = Math.min(lo, have.check.lo);
  const newHi = Math.max(hi, have.check.hi);
  if (newHi - newLo > MAX_SPAN[u.cls === 'direct' ? 'direct' : 'run']) return false;
  have.check.lo = newLo;
  have.check.hi = newHi;
  return true;
}
