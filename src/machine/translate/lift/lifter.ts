/**
 * What lifting one instruction needs: the known stack state, operands as variables, and
 * the micro-operations emitted so far. The instructions themselves are in `lift.ts`.
 */
import type { Addr } from '../../addr.ts';
import { RBP, RSP } from '../../cpu.ts';
import { type AddressClass, runSlot } from '../ir/address-class.ts';
import type { Decoded } from '../ir/ir.ts';
import {
  DYNAMIC,
  type ExitPoint,
  type FlagKind,
  type Operation,
  type OverlayKind,
  TEMP,
  type Uop,
  type Width,
} from '../ir/uop.ts';
import { USE } from '../ir/uses.ts';
import { flagUop, type PlainOp, plainUop, sameShape } from './make-uop.ts';
import type { Place, Value } from './value.ts';

/** Stack state at a point, as offsets from rsp at the unit's entry. */
export interface StackState {
  sp: number;
  /** rbp, or {@link DYNAMIC} */
  bp: number;
  /** what `push rbp` left at an offset, so that `pop rbp` knows what to expect */
  readonly saved: ReadonlyMap<number, number>;
  /** bit n: register n probably points into the stack */
  stackish: number;
}

export interface LiftOptions {
  /** rbp is never taken for a frame pointer */
  readonly dynamicBp: boolean;
  /** class of the access that the instruction at `rip` makes */
  /** `va`: the address, where it is a constant */
  readonly classOf: (rip: Addr, guess: AddressClass, va: Addr | undefined) => AddressClass;
  /** GS.base now: where the constant part of per-CPU addresses counts from */
  readonly gsBase: Addr;
}

export class Lifter {
  uops: Uop[] = [];
  /** registers that these write, as a mask */
  modified = 0;
  temps = 0;
  readonly frame = { lo: 0, hi: 0 };
  /** slots that checks are made with, as a mask */
  runs = 0;
  readonly options: LiftOptions;
  state: StackState = { sp: 0, bp: DYNAMIC, saved: new Map(), stackish: 0 };
  /** the instruction at hand, and how many of its block came before */
  d!: Decoded;
  done = 0;
  private stackTemps = new Set<number>();

  constructor(options: LiftOptions) {
    this.options = options;
  }

  begin(state: StackState): void {
    this.uops = [];
    this.modified = 0;
    this.state = { ...state };
    this.stackTemps.clear();
    this.done = 0;
  }

  temp(): number {
    return TEMP + this.temps++;
  }

  exit(): ExitPoint {
    return { rip: this.d.rip, done: this.done, sp: this.state.sp, bp: this.state.bp };
  }

  emit(operation: Operation): void {
    const u = sameShape(operation);
    this.uops.push(u);
    this.taint(u);
  }

  /** The same without a memory operand of its own, condition or exit: most operations, made in one piece. */
  plain(op: PlainOp, w: Width, d: number, a: number, b: number, lo: number, hi: number, disp = 0): void {
    const u = plainUop(op, w, d, a, b, lo, hi, disp);
    this.uops.push(u);
    this.taint(u);
  }

  /** Whether a variable probably points into the stack. */
  isStackish(v: number): boolean {
    return v < TEMP ? v >= 0 && ((this.state.stackish >> v) & 1) === 1 : this.stackTemps.has(v);
  }

  /** Follows pointers into the stack through moves and additions; only a guess depends on it. */
  private taint(u: Uop): void {
    if (!(u.uses & USE.setsD)) return;
    const { d } = u as Extract<Uop, { op: 'mov' }>;
    if (d < TEMP) this.modified |= 1 << d;
    const from =
      u.op === 'sp' ||
      (u.op === 'mov' && this.isStackish(u.a)) ||
      ((u.op === 'add' || u.op === 'sub') && (this.isStackish(u.a) || this.isStackish(u.b)));
    if (d >= TEMP) {
      if (from) this.stackTemps.add(d);
    } else if (from) this.state.stackish |= 1 << d;
    else this.state.stackish &= ~(1 << d);
  }

  // --- registers ---

  isFrame(n: number): boolean {
    return n === RSP || (n === RBP && this.state.bp !== DYNAMIC);
  }

  frameOffset(n: number): number {
    return n === RSP ? this.state.sp : this.state.bp;
  }

  /** Variable that holds register `n`, all 64 bits. */
  reg(n: number): number {
    if (!this.isFrame(n)) return n;
    const t = this.temp();
    this.plain('sp', 8, t, -1, -1, 0, 0, this.frameOffset(n));
    return t;
  }

  /** Writes `v`'s low bytes to register `n`; false where that register's value must stay known. */
  setReg(n: number, w: Width, v: Value): boolean {
    if (n === RSP) return false;
    if (n === RBP && this.state.bp !== DYNAMIC) {
      if (w < 4) this.emit({ op: 'sp', d: RBP, disp: this.state.bp });
      this.state.bp = DYNAMIC;
    }
    if (v.v < 0) {
      if (w === 8) this.plain('const', 8, n, -1, -1, v.lo, v.hi);
      else if (w === 4) this.plain('const', 8, n, -1, -1, v.lo, 0);
      else this.emit({ op: 'insert', d: n, a: this.variable(v), w, shift: 0 });
    } else if (w === 8) {
      if (v.v !== n) this.plain('mov', 8, n, v.v, -1, 0, 0);
    } else if (w === 4) this.plain('zext', 4, n, v.v, -1, 0, 0);
    else this.emit({ op: 'insert', d: n, a: v.v, w, shift: 0 });
    return true;
  }

  variable(v: Value): number {
    if (v.v >= 0) return v.v;
    const t = this.temp();
    this.plain('const', 8, t, -1, -1, v.lo, v.hi);
    return t;
  }

  // --- memory ---

  touch(disp: number, bytes: number): void {
    this.frame.lo = Math.min(this.frame.lo, disp);
    this.frame.hi = Math.max(this.frame.hi, disp + bytes);
  }

  check(m: Place, w: Width, write: boolean): void {
    if (m.frame) this.touch(m.disp, w);
    else {
      const { a, disp, cls, p } = m;
      const slot = runSlot(cls);
      if (slot >= 0) this.runs |= 1 << slot;
      this.emit({ op: 'check', a, lo: disp, hi: disp + w, write, cls, p, exit: this.exit() });
    }
  }

  /** Loads after a {@link check}; zero-extended to 64 bits, or sign-extended. */
  load(m: Place, w: Width, sign = false): number {
    const d = this.temp();
    if (m.frame) this.emit({ op: 'load.sp', d, disp: m.disp, w, sign });
    else this.emit({ op: 'load', d, a: m.a, disp: m.disp, w, cls: m.cls, p: m.p, sign });
    return d;
  }

  store(m: Place, w: Width, v: Value): void {
    if (m.frame) this.plain('store.sp', w, -1, -1, v.v, v.lo, v.hi, m.disp);
    else {
      const { a, disp, cls, p } = m;
      this.emit({ op: 'store', a, disp, w, cls, p, b: v.v, lo: v.lo, hi: v.hi });
    }
  }

  // --- stack ---

  push(v: Value): void {
    const disp = this.state.sp - 8;
    this.touch(disp, 8);
    this.plain('store.sp', 8, -1, -1, v.v, v.lo, v.hi, disp);
    this.state.sp = disp;
  }

  /** The quadword at rsp; the caller moves sp. */
  top(): number {
    const d = this.temp();
    this.touch(this.state.sp, 8);
    this.emit({ op: 'load.sp', d, disp: this.state.sp, w: 8, sign: false });
    return d;
  }

  // --- flags ---

  flags(kind: FlagKind, w: Width, a: number, b: Value): void {
    this.uops.push(flagUop('flags', kind, w, a, b));
  }

  overlay(kind: OverlayKind, w: Width, a: number, b: Value): void {
    this.uops.push(flagUop('overlay', kind, w, a, b));
  }
}
