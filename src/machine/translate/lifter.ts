/**
 * What lifting one instruction needs: the known stack state, operands as variables, and
 * the micro-operations emitted so far. The instructions themselves are in `lift.ts`.
 */
import { RIP } from '../../x86/index.ts';
import { type Addr, addrHi, addrLo, addrOf } from '../addr.ts';
import { CPU, RBP, RSP } from '../cpu.ts';
import { type AddressClass, runSlot } from './address-class.ts';
import type { Decoded } from './ir.ts';
import {
  type AluOp,
  DYNAMIC,
  type ExitPoint,
  type FlagKind,
  type Operation,
  type OverlayKind,
  TEMP,
  type Uop,
  type Width,
} from './uop.ts';
import { USE, usesOf } from './uses.ts';

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

/** A memory operand: in the unit's own frame, or at variable + displacement. */
export interface Place {
  readonly frame: boolean;
  readonly a: number;
  readonly disp: number;
  readonly cls: AddressClass;
  readonly p: number;
}

/** A value: a variable, or where `v` is -1 the immediate. */
export interface Value {
  readonly v: number;
  readonly lo: number;
  readonly hi: number;
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

/** Frames deeper than this are not known offsets any more. */
const MAX_FRAME = 1 << 16;

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

  private isStackish(v: number): boolean {
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

  /** The instruction's memory operand, its address in a variable where it is not in the frame. */
  place(): Place | undefined {
    const { insn, form } = this.d;
    const none = { p: -1 } as const;
    if (form.immSize === 8 && form.modrm < 0) {
      const a = this.variable({ v: -1, lo: insn.immLo, hi: insn.immHi });
      return this.classed(a, 0, 'tlb', addrOf(insn.immLo, insn.immHi));
    }
    let a = -1;
    let disp = insn.disp;
    let guess: AddressClass = 'direct';
    let constant: Addr | undefined;
    if (insn.base === RIP) {
      const target = this.d.next + insn.disp;
      a = this.variable({ v: -1, lo: addrLo(target), hi: addrHi(target) });
      disp = 0;
      constant = target;
    } else if (insn.base >= 0) {
      if (this.isFrame(insn.base) && insn.index < 0 && insn.segment === 0) {
        const offset = this.frameOffset(insn.base) + disp;
        return offset < -MAX_FRAME || offset > MAX_FRAME
          ? undefined
          : { frame: true, a: -1, disp: offset, cls: 'stack', ...none };
      }
      a = this.reg(insn.base);
      // Code that was entered in the middle still uses rbp as its frame pointer, mostly.
      if (insn.base === RBP) guess = 'stack';
    }
    a = this.addIndex(a);
    if (a < 0) {
      a = this.variable({ v: -1, lo: disp, hi: disp >> 31 });
      constant = disp;
      disp = 0;
    }
    if (insn.index >= 0) constant = undefined;
    if (constant !== undefined) guess = 'tlb';
    if (insn.segment !== 0) {
      const t = this.temp();
      this.emit({ op: 'cpu', d: t, at: insn.segment === 4 ? CPU.fsBase : CPU.gsBase });
      if (constant !== undefined) constant += this.options.gsBase;
      a = this.add(a, t);
    }
    return this.classed(a, disp, this.isStackish(a) ? 'stack' : guess, constant);
  }

  private classed(a: number, disp: number, guess: AddressClass, va: Addr | undefined): Place {
    const cls = this.options.classOf(this.d.rip, guess, va);
    return { frame: false, a, disp, cls, p: cls === 'tlb' ? this.temp() : -1 };
  }

  /** Adds index * scale to base `a`, -1 none. */
  private addIndex(a: number): number {
    const { insn } = this.d;
    if (insn.index < 0) return a;
    let i = this.reg(insn.index);
    if (insn.scale > 0) {
      const t = this.temp();
      this.plain('shl', 8, t, i, -1, insn.scale, 0);
      i = t;
    }
    return a < 0 ? i : this.add(a, i);
  }

  private add(a: number, b: number): number {
    const t = this.temp();
    this.plain('add', 8, t, a, b, 0, 0);
    return t;
  }

  /** Address of the memory operand as a value (lea). */
  address(): number {
    const { insn } = this.d;
    if (insn.base === RIP) {
      const target = this.d.next + insn.disp;
      return this.variable({ v: -1, lo: addrLo(target), hi: addrHi(target) });
    }
    if (insn.base >= 0 && insn.index < 0 && this.isFrame(insn.base)) {
      const t = this.temp();
      this.emit({ op: 'sp', d: t, disp: this.frameOffset(insn.base) + insn.disp });
      return t;
    }
    const a = this.addIndex(insn.base >= 0 ? this.reg(insn.base) : -1);
    if (a < 0) return this.variable({ v: -1, lo: insn.disp, hi: insn.disp >> 31 });
    if (insn.disp === 0) return a;
    const t = this.temp();
    this.plain('add', 8, t, a, -1, insn.disp, insn.disp >> 31);
    return t;
  }

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

type PlainOp = AluOp | 'const' | 'mov' | 'sp' | 'zext' | 'store.sp';

// Every operation has its fields in one of two orders, so that the engine sees two kinds of object in every pass.

function plainUop(op: PlainOp, w: Width, d: number, a: number, b: number, lo: number, hi: number, disp: number): Uop {
  return { op, uses: usesOf(op, a, b, -1), ends: 0, w, d, a, b, lo, hi, disp, kind: undefined } as unknown as Uop;
}

function flagUop(op: 'flags' | 'overlay', kind: FlagKind | OverlayKind, w: Width, a: number, b: Value): Uop {
  const { v, lo, hi } = b;
  return { op, uses: usesOf(op, a, v, -1), ends: 0, w, d: -1, a, b: v, lo, hi, disp: 0, kind } as unknown as Uop;
}

/** All fields. */
function sameShape(u: Operation): Uop {
  const f = u as unknown as Record<string, unknown>;
  const {
    op,
    w = 8,
    d = -1,
    a = -1,
    b = -1,
    lo = 0,
    hi = 0,
    disp = 0,
    cls,
    p = -1,
    c = -1,
    kind,
    cc,
    at,
    to,
    shift,
  } = f;
  const { sp, not, write, sign, exit } = f;
  return {
    op,
    uses: usesOf(op as Uop['op'], a as number, b as number, p as number),
    ends: 0,
    w,
    d,
    a,
    b,
    lo,
    hi,
    disp,
    cls,
    p,
    c,
    kind,
    cc,
    at,
    to,
    shift,
    sp,
    not,
    write,
    sign,
    exit,
  } as unknown as Uop;
}

export const variableValue = (v: number): Value => ({ v, lo: 0, hi: 0 });
export const immediate = (lo: number, hi = lo >> 31): Value => ({ v: -1, lo, hi });
