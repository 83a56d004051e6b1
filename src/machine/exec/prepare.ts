/** From a decoded instruction to a step: its handler, and where its operands are. */
import { decode, type Form, form, type X86Insn } from '../../x86/index.ts';
import type { Addr } from '../addr.ts';
import { CONSTANT_ONE, type Handler, IMM, MEM, REG, REG_HIGH, type Step } from './context.ts';
import { handlerOf } from './handlers.ts';

/** What all instructions of a row have in common. */
interface Common {
  readonly form: Form;
  readonly run: Handler;
  readonly sizes: readonly number[];
}

const commons: (Common | undefined)[] = [];

function commonOf(row: number): Common {
  const f = form(row);
  const made = { form: f, run: handlerOf(f), sizes: f.operands.map((o) => o.size) };
  commons[row] = made;
  return made;
}

/** What steps with the same bytes have in common. */
interface Shape {
  readonly insn: X86Insn;
  readonly common: Common;
  readonly kinds: readonly number[];
  readonly regs: readonly number[];
}

/** Shapes of instructions of up to four bytes, by the four bytes there: most of kernel text are the same few. */
const shapes = new Map<number, Shape>();
const SHORT = 4;

/** The instruction whose bytes start at `at` and must end before `limit`, to execute at `rip`; undefined: none. */
export function stepAt(bytes: Uint8Array, at: number, limit: number, rip: Addr): Step | undefined {
  if (limit - at < SHORT) return prepare(decode(bytes, at, limit), rip);
  const key = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  let shape = shapes.get(key);
  if (shape === undefined) {
    const insn = decode(bytes, at, limit);
    if (insn.row < 0) return undefined;
    shape = shapeOf(insn);
    if (insn.length <= SHORT && shapes.size < 10_000) shapes.set(key, shape);
  }
  return step(shape, rip);
}

/** Prepares a decoded instruction for execution at `rip`; undefined where there is none. */
export function prepare(insn: X86Insn, rip: Addr): Step | undefined {
  return insn.row < 0 ? undefined : step(shapeOf(insn), rip);
}

function step({ insn, common, kinds, regs }: Shape, rip: Addr): Step {
  return {
    insn,
    form: common.form,
    run: common.run,
    rip,
    next: rip + insn.length,
    kinds,
    regs,
    sizes: common.sizes,
    size: common.form.size,
  };
}

function shapeOf(insn: X86Insn): Shape {
  const common = commons[insn.row] ?? commonOf(insn.row);
  const { operands } = common.form;
  const kinds: number[] = [];
  const regs: number[] = [];
  for (let i = 0; i < operands.length; i++) {
    let kind = REG;
    let n = 0;
    const o = operands[i] as (typeof operands)[number];
    switch (o.place) {
      case 'rm':
        if (insn.mem) kind = MEM;
        else n = insn.rm;
        break;
      case 'reg':
      case 'opcode':
        n = insn.reg;
        break;
      case 'vvvv':
        n = insn.vvvv;
        break;
      case 'moffs':
        kind = MEM;
        break;
      case 'fixed':
        n = o.fixed;
        if (n < 0) kind = IMM;
        break;
      default:
        kind = IMM;
    }
    if (n > 15) {
      kind = REG_HIGH;
      n -= 16;
    }
    kinds.push(kind);
    regs.push(n < 0 ? CONSTANT_ONE : n * 2);
  }
  return { insn, common, kinds, regs };
}
