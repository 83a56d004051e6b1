/**
 * x86 instructions as micro-operations, by mnemonic. A handler gives false where it leaves the instruction to the
 * stepper. Checks that may leave come before anything that changes a register, memory or the flags.
 */
import { RSP } from '../../cpu.ts';
import type { Decoded } from '../ir/ir.ts';
import { aluHandlers } from './alu.ts';
import { bitHandlers } from './bits.ts';
import type { Lifter } from './lifter.ts';
import { cmov, moveHandlers, setcc } from './move.ts';
import { copy, type Handler, operand, read } from './operand.ts';
import { hasOddPrefix } from './shape.ts';
import { stackHandlers } from './stack.ts';

const NOTHING =
  'nop pause endbr64 endbr32 lfence mfence sfence prefetch prefetchw prefetchwt1 prefetchnta prefetcht0 prefetcht1 prefetcht2';

const handlers: Readonly<Record<string, Handler>> = {
  ...aluHandlers,
  ...bitHandlers,
  ...moveHandlers,
  ...stackHandlers,
  ...Object.fromEntries(NOTHING.split(' ').map((mnemonic): [string, Handler] => [mnemonic, () => true])),
};

const REP = 0x02 | 0x04;

/** Handlers by table row; null where the stepper takes the instruction. */
const byRow: (Handler | null | undefined)[] = [];

function handlerOf(d: Decoded): Handler | null {
  const { mnemonic, vector } = d.form;
  if (vector) return null;
  return handlers[mnemonic] ?? (mnemonic.startsWith('cmov') ? cmov : mnemonic.startsWith('set') ? setcc : null);
}

/** The target of an indirect jump or call, undefined where the stepper must take it. */
export function liftTarget(l: Lifter, d: Decoded): number | undefined {
  const o = hasOddPrefix(d) ? undefined : operand(l, d, 0);
  if (o === undefined) return undefined;
  // Kept apart: what follows may change the register.
  return copy(l, l.variable(read(l, o))).v;
}

/** What `mov rsp, ...` gives rsp, in a variable; undefined where it is another instruction. */
export function liftStackSwitch(l: Lifter, d: Decoded): number | undefined {
  if (d.form.mnemonic !== 'mov' || hasOddPrefix(d)) return undefined;
  const dst = operand(l, d, 0);
  if (dst?.reg !== RSP || dst.w !== 8) return undefined;
  const src = operand(l, d, 1);
  return src && copy(l, l.variable(read(l, src))).v;
}

/** Lifts one instruction that is not a jump, call or return; false leaves it to the stepper. */
export function lift(l: Lifter, d: Decoded): boolean {
  let handler = byRow[d.insn.row];
  if (handler === undefined) {
    handler = handlerOf(d);
    byRow[d.insn.row] = handler;
  }
  if (handler === null || hasOddPrefix(d) || (d.form.string && d.insn.prefixes & REP)) return false;
  const { sp, bp, saved, stackish } = l.state;
  const mark = l.uops.length;
  if (handler(l, d)) return true;
  l.uops.length = mark;
  l.state = { sp, bp, saved, stackish };
  return false;
}
