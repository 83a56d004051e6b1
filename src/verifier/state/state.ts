/** `struct bpf_func_state` and `struct bpf_verifier_state`: the frames of one point of one path. */

import type { Btf } from '../../btf/index.ts';
import type { MapFacts } from '../kernel.ts';
import { type JmpHistory, NO_HISTORY } from './history.ts';
import { Reg } from './reg.ts';
import { SLOT_SIZE, StackSlot } from './stack.ts';

export const MAX_REG = 11;
export const MAX_CALL_FRAMES = 8;
export const MAIN_FUNC = -1;

/** `struct bpf_reference_state` */
export interface Ref {
  readonly id: number;
  readonly insnIdx: number;
  /** the frame (callback) that acquired it */
  readonly callbackRef: number;
}

export class FuncState {
  readonly regs: Reg[];
  /** instruction of the call, MAIN_FUNC for the outermost */
  readonly callsite: number;
  readonly frameno: number;
  readonly subprogno: number;
  asyncEntryCnt = 0;
  /** what the callback may return */
  callbackRet: readonly [number, number] = [0, 0];
  inCallback = false;
  inAsyncCallback = false;
  inExceptionCallback = false;
  /** calls of one callback so far, for the depth that bpf_loop is unrolled to */
  callbackDepth = 0;
  refs: Ref[] = [];
  stack: StackSlot[] = [];
  /** of a complete state: the registers and slots that were read, which is what a comparison looks at */
  read: { readonly regs: readonly number[]; readonly slots: readonly number[] } | undefined;

  constructor(callsite: number, frameno: number, subprogno: number, regs?: Reg[]) {
    this.callsite = callsite;
    this.frameno = frameno;
    this.subprogno = subprogno;
    this.regs = regs ?? Array.from({ length: MAX_REG }, () => new Reg());
  }

  reg(n: number): Reg {
    return this.regs[n] as Reg;
  }
  slot(spi: number): StackSlot {
    return this.stack[spi] as StackSlot;
  }
  /** bytes of stack in use */
  get allocatedStack(): number {
    return this.stack.length * SLOT_SIZE;
  }
  /** Makes room for `bytes` of stack below the frame pointer. */
  grow(bytes: number): void {
    const slots = Math.ceil(bytes / SLOT_SIZE);
    while (this.stack.length < slots) this.stack.push(new StackSlot());
  }

  /** Drops a reference; false where there is none, or it is the caller's and this is a callback. */
  releaseRef(id: number): boolean {
    const at = this.refs.findIndex((r) => r.id === id);
    const ref = this.refs[at];
    if (!ref || (this.inCallback && ref.callbackRef !== this.frameno)) return false;
    const last = this.refs.pop() as Ref;
    if (at < this.refs.length) this.refs[at] = last;
    return true;
  }

  clone(): FuncState {
    const regs = new Array<Reg>(MAX_REG);
    for (let i = 0; i < MAX_REG; i++) regs[i] = new Reg(this.regs[i]);
    const copy = new FuncState(this.callsite, this.frameno, this.subprogno, regs);
    copy.asyncEntryCnt = this.asyncEntryCnt;
    copy.callbackRet = this.callbackRet;
    copy.inCallback = this.inCallback;
    copy.inAsyncCallback = this.inAsyncCallback;
    copy.inExceptionCallback = this.inExceptionCallback;
    copy.callbackDepth = this.callbackDepth;
    copy.refs = this.refs.slice();
    const { stack } = this;
    const slots = new Array<StackSlot>(stack.length);
    for (let spi = 0; spi < stack.length; spi++) slots[spi] = (stack[spi] as StackSlot).clone();
    copy.stack = slots;
    return copy;
  }
}

/** What a held bpf_spin_lock is in: a map, or an allocated object's BTF. */
export interface ActiveLock {
  readonly owner: MapFacts | Btf | undefined;
  readonly id: number;
}
export const NO_LOCK: ActiveLock = { owner: undefined, id: 0 };

export class VerifierState {
  frames: FuncState[] = [];
  parent: VerifierState | undefined = undefined;
  /** states not yet explored that grew from here, plus the current one */
  branches = 0;
  insnIdx = 0;
  curframe = 0;
  activeLock: ActiveLock = NO_LOCK;
  speculative = false;
  activeRcuLock = false;
  /** this state is one of a callback or iterator loop: a match needs exact comparison */
  usedAsLoopEntry = false;
  inSleepable = false;
  firstInsnIdx = 0;
  lastInsnIdx = 0;
  loopEntry: VerifierState | undefined = undefined;
  history: JmpHistory = NO_HISTORY;
  dfsDepth = 0;
  callbackUnrollDepth = 0;
  mayGotoDepth = 0;
  activePreemptLock = 0;

  get frame(): FuncState {
    return this.frames[this.curframe] as FuncState;
  }
  frameAt(n: number): FuncState {
    return this.frames[n] as FuncState;
  }

  /** frame that a stack pointer points into */
  stackFrame(reg: Reg): FuncState {
    return this.frameAt(reg.frameno);
  }

  /** `copy_verifier_state` into a new one, history included. */
  clone(): VerifierState {
    const s = new VerifierState();
    for (let f = 0; f <= this.curframe; f++) s.frames.push(this.frameAt(f).clone());
    s.parent = this.parent;
    s.branches = this.branches;
    s.insnIdx = this.insnIdx;
    s.curframe = this.curframe;
    s.activeLock = this.activeLock;
    s.speculative = this.speculative;
    s.activeRcuLock = this.activeRcuLock;
    s.usedAsLoopEntry = this.usedAsLoopEntry;
    s.inSleepable = this.inSleepable;
    s.firstInsnIdx = this.firstInsnIdx;
    s.lastInsnIdx = this.lastInsnIdx;
    s.loopEntry = this.loopEntry;
    s.history = this.history;
    s.dfsDepth = this.dfsDepth;
    s.callbackUnrollDepth = this.callbackUnrollDepth;
    s.mayGotoDepth = this.mayGotoDepth;
    s.activePreemptLock = this.activePreemptLock;
    return s;
  }

  /** Calls `fn` for each register and each spilled register of all frames. */
  forEachReg(fn: (reg: Reg, frame: FuncState, spilled: boolean) => void): void {
    for (let f = 0; f <= this.curframe; f++) {
      const frame = this.frameAt(f);
      for (let i = 0; i < MAX_REG; i++) fn(frame.reg(i), frame, false);
      for (let spi = 0; spi < frame.stack.length; spi++) {
        const slot = frame.slot(spi);
        if (slot.isSpilled) fn(slot.reg, frame, true);
      }
    }
  }
}
