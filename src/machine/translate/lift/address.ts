/** An instruction's memory operand: where it is, and how to get at it. */
import { RIP } from '../../../x86/index.ts';
import { type Addr, addrHi, addrLo, addrOf } from '../../addr.ts';
import { CPU, RBP } from '../../cpu.ts';
import type { AddressClass } from '../ir/address-class.ts';
import type { Lifter } from './lifter.ts';
import type { Place } from './value.ts';

/** Frames deeper than this are not known offsets any more. */
const MAX_FRAME = 1 << 16;

/** The instruction's memory operand, its address in a variable where it is not in the frame. */
export function place(l: Lifter): Place | undefined {
  const { insn, form } = l.d;
  const none = { p: -1 } as const;
  if (form.immSize === 8 && form.modrm < 0) {
    const a = l.variable({ v: -1, lo: insn.immLo, hi: insn.immHi });
    return classed(l, a, 0, 'tlb', addrOf(insn.immLo, insn.immHi));
  }
  let a = -1;
  let disp = insn.disp;
  let guess: AddressClass = 'direct';
  let constant: Addr | undefined;
  if (insn.base === RIP) {
    const target = l.d.next + insn.disp;
    a = l.variable({ v: -1, lo: addrLo(target), hi: addrHi(target) });
    disp = 0;
    constant = target;
  } else if (insn.base >= 0) {
    if (l.isFrame(insn.base) && insn.index < 0 && insn.segment === 0) {
      const offset = l.frameOffset(insn.base) + disp;
      return offset < -MAX_FRAME || offset > MAX_FRAME
        ? undefined
        : { frame: true, a: -1, disp: offset, cls: 'stack', ...none };
    }
    a = l.reg(insn.base);
    // Code that was entered in the middle still uses rbp as its frame pointer, mostly.
    if (insn.base === RBP) guess = 'stack';
  }
  a = addIndex(l, a);
  if (a < 0) {
    a = l.variable({ v: -1, lo: disp, hi: disp >> 31 });
    constant = disp;
    disp = 0;
  }
  if (insn.index >= 0) constant = undefined;
  if (constant !== undefined) guess = 'tlb';
  if (insn.segment !== 0) {
    const t = l.temp();
    l.emit({ op: 'cpu', d: t, at: insn.segment === 4 ? CPU.fsBase : CPU.gsBase });
    if (constant !== undefined) constant += l.options.gsBase;
    a = add(l, a, t);
  }
  return classed(l, a, disp, l.isStackish(a) ? 'stack' : guess, constant);
}

function classed(l: Lifter, a: number, disp: number, guess: AddressClass, va: Addr | undefined): Place {
  const cls = l.options.classOf(l.d.rip, guess, va);
  return { frame: false, a, disp, cls, p: cls === 'tlb' ? l.temp() : -1 };
}

/** Adds index * scale to base `a`, -1 none. */
function addIndex(l: Lifter, a: number): number {
  const { insn } = l.d;
  if (insn.index < 0) return a;
  let i = l.reg(insn.index);
  if (insn.scale > 0) {
    const t = l.temp();
    l.plain('shl', 8, t, i, -1, insn.scale, 0);
    i = t;
  }
  return a < 0 ? i : add(l, a, i);
}

function add(l: Lifter, a: number, b: number): number {
  const t = l.temp();
  l.plain('add', 8, t, a, b, 0, 0);
  return t;
}

/** Address of the memory operand as a value (lea). */
export function address(l: Lifter): number {
  const { insn } = l.d;
  if (insn.base === RIP) {
    const target = l.d.next + insn.disp;
    return l.variable({ v: -1, lo: addrLo(target), hi: addrHi(target) });
  }
  if (insn.base >= 0 && insn.index < 0 && l.isFrame(insn.base)) {
    const t = l.temp();
    l.emit({ op: 'sp', d: t, disp: l.frameOffset(insn.base) + insn.disp });
    return t;
  }
  const a = addIndex(l, insn.base >= 0 ? l.reg(insn.base) : -1);
  if (a < 0) return l.variable({ v: -1, lo: insn.disp, hi: insn.disp >> 31 });
  if (insn.disp === 0) return a;
  const t = l.temp();
  l.plain('add', 8, t, a, -1, insn.disp, insn.disp >> 31);
  return t;
}
