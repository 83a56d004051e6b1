/**
 * push, pop, leave and the flags on the stack as micro-operations (Intel SDM vol. 2, the entry of each mnemonic), and
 * what is known of rsp and rbp through them.
 */
import { CPU, FLAG, RBP, RSP } from '../../cpu.ts';
import { DYNAMIC } from '../ir/uop.ts';
import type { Lifter } from './lifter.ts';
import { binary, type Handler, operand, read } from './operand.ts';
import { immediate, variableValue } from './value.ts';

/** Keeps in mind where rbp lies in the frame; anything else stored there takes its place. */
export function remember(l: Lifter, at: number, reg: number): void {
  if (reg !== RBP && !l.state.saved.has(at)) return;
  const saved = new Map(l.state.saved);
  if (reg === RBP) saved.set(at, l.state.bp);
  else saved.delete(at);
  l.state = { ...l.state, saved };
}

/** rbp comes back from where it was kept: where that was a known offset, it must be that one. */
export function reloadFrame(l: Lifter, at: number): boolean {
  const before = l.state.saved.get(at) ?? DYNAMIC;
  if (before === DYNAMIC) return false;
  const v = l.temp();
  l.touch(at, 8);
  l.emit({ op: 'load.sp', d: v, disp: at, w: 8, sign: false });
  l.emit({ op: 'expect', a: v, sp: before, lo: 0, hi: 0, w: 8, not: false, exit: l.exit() });
  l.state.bp = before;
  return true;
}

/** rsp or rbp becomes another known offset. */
export function moveFrame(l: Lifter, reg: number, offset: number): boolean {
  if (reg === RSP) l.state.sp = offset;
  else if (l.options.dynamicBp) l.emit({ op: 'sp', d: RBP, disp: offset });
  else l.state.bp = offset;
  return true;
}

const push: Handler = (l, d) => {
  const src = operand(l, d, 0);
  if (!src || src.w === 2) return false;
  const v = read(l, src);
  l.push(v);
  remember(l, l.state.sp, src.reg);
  return true;
};

const pop: Handler = (l, d) => {
  const dst = operand(l, d, 0);
  if (dst?.w !== 8 || dst.mem || dst.reg === RSP) return false;
  if (dst.reg === RBP) return popFrame(l);
  const v = l.top();
  l.state.sp += 8;
  return l.setReg(dst.reg, 8, variableValue(v));
};

/** pop rbp: where a known offset was pushed, that is what must come back. */
function popFrame(l: Lifter): boolean {
  if (reloadFrame(l, l.state.sp)) {
    l.state.sp += 8;
    return true;
  }
  const v = l.top();
  l.state.sp += 8;
  return l.setReg(RBP, 8, variableValue(v));
}

const leave: Handler = (l) => {
  const { bp } = l.state;
  if (bp === DYNAMIC) return false;
  if (reloadFrame(l, bp)) {
    l.state.sp = bp + 8;
    return true;
  }
  const v = l.temp();
  l.touch(bp, 8);
  l.emit({ op: 'load.sp', d: v, disp: bp, w: 8, sign: false });
  l.state.sp = bp + 8;
  return l.setReg(RBP, 8, variableValue(v));
};

const STATUS = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF;

const pushfq: Handler = (l) => {
  const t = l.temp();
  l.emit({ op: 'rflags', d: t });
  // VM and RF are pushed as zero
  l.push(variableValue(binary(l, 'and', 8, t, immediate(0xfc_ffff))));
  return true;
};

/** popfq that changes more than the status flags, IF and DF is the stepper's. */
const popfq: Handler = (l) => {
  const v = l.top();
  const now = l.temp();
  l.emit({ op: 'cpu', d: now, at: CPU.rflags });
  const other = binary(
    l,
    'and',
    4,
    binary(l, 'xor', 4, v, variableValue(now)),
    immediate(~(STATUS | FLAG.IF | FLAG.DF | FLAG.FIXED)),
  );
  l.emit({ op: 'expect', a: other, sp: undefined, lo: 0, hi: 0, w: 4, not: false, exit: l.exit() });
  l.state.sp += 8;
  l.emit({ op: 'system', a: v, lo: 0, hi: FLAG.IF | FLAG.DF });
  l.flags('raw', 8, v, immediate(0));
  return true;
};

/** cli, sti, cld, std: nothing interrupts this CPU between two instructions anyway. */
const system =
  (mask: number, value: number): Handler =>
  (l) => {
    l.emit({ op: 'system', a: -1, lo: value, hi: mask });
    return true;
  };

const swapgs: Handler = (l) => {
  l.emit({ op: 'swapgs' });
  return true;
};

export const stackHandlers: Readonly<Record<string, Handler>> = {
  push,
  pop,
  leave,
  pushfq,
  popfq,
  swapgs,
  cli: system(FLAG.IF, 0),
  sti: system(FLAG.IF, FLAG.IF),
  cld: system(FLAG.DF, 0),
  std: system(FLAG.DF, FLAG.DF),
};
