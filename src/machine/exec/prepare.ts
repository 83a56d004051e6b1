/** From a decoded instruction to a step: its handler, and where its operands are. */
import { type Form, form, type X86Insn } from '../../x86/index.ts';
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

/** Prepares a decoded instruction for execution at `rip`. */
export function prepare(insn: X86Insn, rip: Addr): Step {
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
