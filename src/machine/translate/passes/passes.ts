/**
 * Passes over a unit after {@link joinChecks}. Each keeps what the unit does and is exact about where it may leave.
 *
 *   - {@link dropDead}: removes flag updates that nothing reads before the next, and temporaries that follow
 *   - {@link flagStates}: what set the flags, at the start of each block
 */
import { ANY_FLAGS, afterUop, type FlagState, meetFlags } from '../ir/flags.ts';
import { type Block, clobbers, successor, termReads, type Unit } from '../ir/ir.ts';
import { TEMP, type Uop } from '../ir/uop.ts';
import { type Named, USE } from '../ir/uses.ts';
import type { Flow } from './flow.ts';

const MAIN = 1;
const OVER = 2;
const ALL = MAIN | OVER;

/**
 * Removes flag updates that nobody can see, and what was computed only for them. Marks each temporary's last use, and
 * notes for each block which registers it reads and what decides its flags.
 */
export function dropDead(unit: Unit, flow: Flow): void {
  const liveIn = new Uint8Array(unit.blocks.length);
  const sweeper = new Sweeper(unit.temps);
  // One sweep against the flow is enough: back edges count as reading everything.
  for (let i = flow.order.length - 1; i >= 0; i--) {
    const block = flow.order[i]!;
    const { term } = block;
    const to = term.kind === 'jump' ? term.to.id : -1;
    const live = to < 0 || flow.position[to]! <= i ? ALL : liveIn[to]!;
    liveIn[block.id] = sweeper.sweep(block, live);
  }
}

class Sweeper {
  /** temporaries that something kept names; they belong to one block each */
  private readonly wanted: Uint8Array;
  private registers = 0;

  constructor(temps: number) {
    this.wanted = new Uint8Array(TEMP + temps);
  }

  /** @param live what is seen of the flags at the block's end: MAIN, OVER; returns the same of its start */
  sweep(block: Block, live: number): number {
    const { wanted } = this;
    const { uops, term } = block;
    let seen = live;
    /** flag updates are looked for that decide the state at the end */
    let open = true;
    const flags: Uop[] = [];
    this.registers = 0;
    const target = termReads(term);
    if (target >= 0) this.read(target);
    let kept = uops.length;
    for (let i = uops.length - 1; i >= 0; i--) {
      const u = uops[i]!;
      const { uses } = u;
      if (uses & USE.setsD) {
        const { d } = u as Extract<Uop, { op: 'mov' }>;
        if (d >= TEMP && !wanted[d]) continue;
        if (uses & USE.observes) seen = ALL;
      } else if (uses & USE.observes) seen = ALL;
      else if (uses & USE.flags) {
        if (u.op === 'overlay' ? !(seen & OVER) : !seen) continue;
        seen = u.op === 'flags' ? 0 : u.op === 'overlay' ? MAIN : ALL;
        if (open) {
          flags.push(u);
          open = u.op !== 'flags';
        }
      }
      u.ends = this.last(u, uses);
      uops[--kept] = u;
    }
    if (kept > 0) block.uops = uops.slice(kept);
    block.flags = flags.reverse();
    block.read = this.registers;
    return seen;
  }

  /** Notes what a micro-operation names; which of these are temporaries that nothing after it names. */
  private last(u: Named, uses: number): number {
    let ends = 0;
    if (uses & USE.a && this.read(u.a!)) ends |= USE.a;
    if (uses & USE.b && this.read(u.b!)) ends |= USE.b;
    if (uses & USE.d && this.read(u.d!)) ends |= USE.d;
    if (uses & USE.c && this.read(u.c!)) ends |= USE.c;
    if (uses & USE.p && this.read(u.p!)) ends |= USE.p;
    // the offset that a check leaves, should nothing use it
    if (uses & USE.setsP && this.read(u.p!)) ends |= USE.setsP;
    return ends;
  }

  /** True where `v` is a temporary that was not wanted yet. */
  private read(v: number): boolean {
    if (v < TEMP) {
      this.registers |= 1 << v;
      return false;
    }
    if (this.wanted[v]) return false;
    this.wanted[v] = 1;
    return true;
  }
}

/** Flag state at entry of each block, by id; after {@link dropDead}. */
export function flagStates(unit: Unit, flow: Flow): (FlagState | undefined)[] {
  const { order, position } = flow;
  const entry: (FlagState | undefined)[] = new Array(unit.blocks.length).fill(undefined);
  const stale = new Uint8Array(order.length);
  entry[order[0]!.id] = ANY_FLAGS;
  stale[0] = 1;
  for (let again = true; again; ) {
    again = false;
    for (let i = 0; i < order.length; i++) {
      if (!stale[i]) continue;
      stale[i] = 0;
      const block = order[i]!;
      let s = entry[block.id]!;
      for (const u of block.flags ?? []) s = afterUop(s, u);
      if (clobbers(block.term)) s = ANY_FLAGS;
      for (let way = 0; way < 2; way++) {
        const to = successor(block.term, way as 0 | 1);
        if (to === undefined) break;
        const old = entry[to.id];
        const met = old === undefined ? s : meetFlags(old, s);
        if (met === old) continue;
        entry[to.id] = met;
        const at = position[to.id]!;
        stale[at] = 1;
        if (at <= i) again = true;
      }
    }
  }
  return entry;
}
