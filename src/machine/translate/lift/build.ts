/**
 * Builds a unit: the function at an address as blocks of micro-operations, with the functions that it
 * calls inlined where they are small. A call pushes its return address and goes on in the callee's
 * blocks; the callee's `ret` loads it again and leaves the unit if it is not what was pushed.
 * So guest memory is exactly as if nothing were inlined, and registers stay where they are.
 * What is not inlined is called as a unit of its own.
 */
import { type Addr, addrHi, addrLo } from '../../addr.ts';
import { RBP } from '../../cpu.ts';
import type { Block, Terminator, Unit } from '../ir/ir.ts';
import { DYNAMIC, type ExitPoint } from '../ir/uop.ts';
import { lift, liftStackSwitch, liftTarget } from './lift.ts';
import { Lifter, type LiftOptions, type StackState } from './lifter.ts';
import type { Shape, ShapeBlock } from './shape.ts';
import { immediate } from './value.ts';

/** One level of inlining: where its `ret` goes on. */
interface Context {
  readonly shape: Shape;
  readonly parent: Context | undefined;
  readonly returnTo: Addr;
  readonly depth: number;
  readonly blocks: Map<Addr, Block>;
}

export interface BuildOptions extends Omit<LiftOptions, 'dynamicBp'> {
  readonly shapeAt: (entry: Addr) => Shape | undefined;
  /** where the indirect call at an address has always gone */
  readonly targetOf: (site: Addr) => Addr | undefined;
  /** whether it has gone to several places */
  readonly isPolymorphic: (site: Addr) => boolean;
  /** rbp at entry as offset from rsp, where it is taken for a frame pointer; else {@link DYNAMIC} */
  readonly bp: number;
  /** what executing the instruction at an address adds to Machine.marked */
  readonly weightAt?: (rip: Addr) => number;
  /** only these blocks of the function itself: a loop; control that leaves it leaves the unit */
  readonly within: ReadonlySet<Addr> | undefined;
  /** largest unit, in guest instructions */
  readonly maxInsns: number;
  /** largest function that is inlined */
  readonly maxInline: number;
}

const MAX_DEPTH = 24;

/** Stack offsets differ between two ways to the same place. @internal the translator takes another way */
class Conflict extends Error {
  readonly register: 'sp' | 'bp';
  constructor(register: 'sp' | 'bp') {
    super(register);
    this.register = register;
  }
}

/** The unit at `entry`, or why there is none. */
export function buildUnit(entry: Addr, options: BuildOptions): Unit | string {
  for (const dynamicBp of [false, true]) {
    try {
      return new Builder(options, dynamicBp).build(entry);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      if (error.register === 'sp') return 'rsp is not a known offset';
    }
  }
  return 'rbp is not a known offset';
}

class Builder {
  private readonly lifter: Lifter;
  private readonly blocks: Block[] = [];
  private readonly cold: Addr[] = [];
  private readonly ranges: (readonly [Addr, Addr])[] = [];
  private readonly work: { block: Block; shape: ShapeBlock; context: Context; state: StackState }[] = [];
  private insns = 0;
  private readonly options: BuildOptions;

  constructor(options: BuildOptions, dynamicBp: boolean) {
    this.options = options;
    this.lifter = new Lifter({ dynamicBp, classOf: options.classOf, gsBase: options.gsBase });
  }

  build(entry: Addr): Unit | string {
    const context = this.context(entry, undefined, 0);
    if (context === undefined) return 'no instruction can be decoded';
    const bp = this.lifter.options.dynamicBp ? DYNAMIC : this.options.bp;
    this.blockAt(context, entry, { sp: 0, bp, saved: new Map(), stackish: 0 });
    for (let item = this.work.pop(); item !== undefined; item = this.work.pop()) {
      this.liftBlock(item.block, item.shape, item.context, item.state);
    }
    const first = this.blocks[0]!;
    if (first.count === 0 && first.term.kind === 'leave') return 'its first instruction is the stepper’s';
    const { frame, runs, temps } = this.lifter;
    return { entry, bp, blocks: this.blocks, ranges: this.ranges, cold: this.cold, frame, runs, temps };
  }

  private context(entry: Addr, parent: Context | undefined, returnTo: Addr): Context | undefined {
    const shape = this.options.shapeAt(entry);
    if (shape === undefined) return undefined;
    this.insns += shape.insns;
    this.ranges.push(...shape.ranges);
    this.cold.push(...shape.cold);
    return { shape, parent, returnTo, depth: (parent?.depth ?? -1) + 1, blocks: new Map() };
  }

  private blockAt(context: Context, rip: Addr, state: StackState): Block {
    const known = context.blocks.get(rip);
    if (known !== undefined) {
      if (known.sp !== state.sp) throw new Conflict('sp');
      if (known.bp !== state.bp) throw new Conflict('bp');
      return known;
    }
    const { within } = this.options;
    const outside = within !== undefined && context.parent === undefined && !within.has(rip);
    const exit: ExitPoint = { rip, done: 0, sp: state.sp, bp: state.bp };
    const term: Terminator = { kind: 'leave', exit, a: -1, step: !outside };
    const block: Block = {
      id: this.blocks.length,
      rip,
      sp: state.sp,
      bp: state.bp,
      uops: [],
      term,
      read: 0,
      modified: 0,
      count: 0,
      weights: undefined,
    };
    this.blocks.push(block);
    context.blocks.set(rip, block);
    const shape = outside ? undefined : context.shape.blocks.get(rip);
    if (shape !== undefined) this.work.push({ block, shape, context, state });
    return block;
  }

  private liftBlock(block: Block, shape: ShapeBlock, context: Context, state: StackState): void {
    const l = this.lifter;
    l.begin(state);
    const { end } = shape;
    const hasLast = end.kind !== 'fall' && end.kind !== 'stop';
    const body = hasLast ? shape.insns.length - 1 : shape.insns.length;
    for (let i = 0; i < body; i++) {
      l.d = shape.insns[i]!;
      l.done = i;
      if (!lift(l, l.d)) {
        const sp = liftStackSwitch(l, l.d);
        if (sp !== undefined) {
          const done = i + 1;
          const exit: ExitPoint = { rip: l.d.next, done, sp: l.state.sp, bp: l.state.bp };
          this.finish(block, shape, done, { kind: 'leave', exit, a: sp, step: false, way: 'stack' });
          return;
        }
        this.finish(block, shape, i, { kind: 'leave', exit: l.exit(), a: -1, step: true });
        return;
      }
    }
    if (hasLast) l.d = shape.insns[body]!;
    l.done = body;
    this.finish(block, shape, shape.insns.length, this.terminator(shape, context));
  }

  private finish(block: Block, shape: ShapeBlock, count: number, term: Terminator): void {
    block.uops = this.lifter.uops;
    block.modified = this.lifter.modified;
    block.count = count;
    block.term = term;
    const { weightAt } = this.options;
    if (weightAt === undefined) return;
    const weights = [0];
    for (let i = 0; i < count; i++) weights.push(weights[i]! + weightAt(shape.insns[i]!.rip));
    if (weights[count]! > 0) block.weights = weights;
  }

  /** What the last instruction does, or falling into the next block. */
  private terminator(shape: ShapeBlock, context: Context): Terminator {
    const l = this.lifter;
    const { end } = shape;
    const { state } = l;
    const here = (rip: Addr, done: number): ExitPoint => ({ rip, done, sp: l.state.sp, bp: l.state.bp });
    switch (end.kind) {
      case 'fall':
        return { kind: 'jump', to: this.blockAt(context, end.next, state) };
      case 'jump':
        return { kind: 'jump', to: this.blockAt(context, end.target, state) };
      case 'branch': {
        const other = this.blockAt(context, end.next, state);
        return { kind: 'branch', cc: end.cc, taken: this.blockAt(context, end.target, state), other };
      }
      case 'vmcall':
        return {
          kind: 'vmcall',
          exit: here(end.next, shape.insns.length),
          to: this.blockAt(context, end.next, state),
        };
      case 'stop':
        return { kind: 'leave', exit: here(end.at, shape.insns.length), a: -1, step: true };
      case 'indirect jump': {
        const a = liftTarget(l, l.d);
        if (a === undefined) return { kind: 'leave', exit: l.exit(), a: -1, step: true };
        return { kind: 'leave', exit: here(l.d.rip, shape.insns.length), a, step: false, way: 'jump' };
      }
      case 'indirect call': {
        const exit = l.exit();
        const a = liftTarget(l, l.d);
        if (a === undefined) return { kind: 'leave', exit, a: -1, step: true };
        const target = this.options.targetOf(l.d.rip);
        if (target === undefined) {
          const { sp } = l.state;
          l.push(immediate(addrLo(end.next), addrHi(end.next)));
          if (this.options.isPolymorphic(l.d.rip)) return this.callUnit(context, l.d.rip, a, end.next, sp);
          return { kind: 'leave', exit: here(l.d.rip, shape.insns.length), a, step: false, site: l.d.rip };
        }
        l.emit({ op: 'expect', a, sp: undefined, lo: addrLo(target), hi: addrHi(target), w: 8, not: false, exit });
        return this.call(context, target, end.next);
      }
      case 'call':
        return this.call(context, end.target, end.next);
      case 'ret': {
        const exit = l.exit();
        const a = l.top();
        if (context.parent === undefined) {
          l.state.sp += 8 + end.pop;
          const left = here(exit.rip, shape.insns.length);
          // A caller expects rsp just above the return address.
          if (end.pop > 0) return { kind: 'leave', exit: left, a, step: false };
          return { kind: 'leave', exit: left, a, step: false, way: 'return' };
        }
        const { parent, returnTo } = context;
        l.emit({ op: 'expect', a, sp: undefined, lo: addrLo(returnTo), hi: addrHi(returnTo), w: 8, not: false, exit });
        l.state.sp += 8 + end.pop;
        return { kind: 'jump', to: this.blockAt(parent, returnTo, l.state) };
      }
    }
  }

  private call(context: Context, target: Addr, next: Addr): Terminator {
    const l = this.lifter;
    const { sp } = l.state;
    l.push(immediate(addrLo(next), addrHi(next)));
    const callee = this.inline(context, target, next);
    if (callee !== undefined) return { kind: 'jump', to: this.blockAt(callee, target, l.state) };
    return this.callUnit(context, target, -1, next, sp);
  }

  /** The return address is pushed; `sp` is what it was before. */
  private callUnit(context: Context, target: Addr, a: number, next: Addr, sp: number): Terminator {
    const l = this.lifter;
    const { bp } = l.state;
    const done = l.done + 1;
    const exit: ExitPoint = { rip: target, done, sp: l.state.sp, bp };
    const state: StackState = { ...l.state, sp };
    const to = this.blockAt(context, next, state);
    return {
      kind: 'call',
      exit,
      a,
      next: { rip: next, done, sp, bp: DYNAMIC },
      to: bp === DYNAMIC ? to : this.returned(to, next, sp, bp),
    };
  }

  /** What called functions return to where rbp is a known offset: it is looked at first. */
  private returned(to: Block, rip: Addr, sp: number, bp: number): Block {
    const l = this.lifter;
    const { uops } = l;
    const exit: ExitPoint = { rip, done: 0, sp, bp: DYNAMIC };
    l.uops = [];
    l.emit({ op: 'expect', a: RBP, sp: bp, lo: 0, hi: 0, w: 8, not: false, exit });
    const block: Block = {
      id: this.blocks.length,
      rip,
      sp,
      bp: DYNAMIC,
      uops: l.uops,
      term: { kind: 'jump', to },
      read: 0,
      modified: 0,
      count: 0,
      weights: undefined,
    };
    l.uops = uops;
    this.blocks.push(block);
    return block;
  }

  private inline(from: Context, target: Addr, returnTo: Addr): Context | undefined {
    if (from.depth >= MAX_DEPTH) return undefined;
    for (let c: Context | undefined = from; c !== undefined; c = c.parent) {
      if (c.shape.entry === target) return undefined;
    }
    const shape = this.options.shapeAt(target);
    if (shape === undefined || !shape.returns || shape.insns > this.options.maxInline) return undefined;
    if (this.insns + shape.insns > this.options.maxInsns) return undefined;
    return this.context(target, from, returnTo);
  }
}
