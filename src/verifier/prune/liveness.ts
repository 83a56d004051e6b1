/**
 * Which registers and slots of earlier states the later program reads (mark_reg_read(),
 * check_reg_arg()): a read walks up the chain of states to the write that feeds it.
 */

import type { Insn } from '../../isa/index.ts';
import * as I from '../../isa/index.ts';
import type { Env } from '../env/env.ts';
import {
  DEF_NOT_SUBREG,
  LIVE_DONE,
  LIVE_READ,
  LIVE_READ32,
  LIVE_READ64,
  LIVE_WRITTEN,
  type Reg,
} from '../state/reg.ts';
import { NOT_INIT, SCALAR_VALUE } from '../state/regtype.ts';

/** A read through `parent`, of a register in `state`; stops at a write. */
export function markRead(env: Env, state: Reg, parent: Reg | undefined, flag: number): void {
  let from = state;
  let to = parent;
  let writes = parent === state.parent;
  let steps = 0;
  while (to) {
    if (writes && from.live & LIVE_WRITTEN) break;
    if (to.live & LIVE_DONE) env.fail('EFAULT', 'verifier BUG: a finished state is read again');
    if ((to.live & LIVE_READ) === flag || to.live & LIVE_READ64) break;
    to.live |= flag;
    if (flag === LIVE_READ64) to.live &= ~LIVE_READ32;
    from = to;
    to = from.parent;
    writes = true;
    steps++;
  }
  if (steps > env.longestMarkRead) env.longestMarkRead = steps;
}

export const markSlotRead = (env: Env, reg: Reg): void => markRead(env, reg, reg.parent, LIVE_READ64);

/** The upper half of a value defined by a 32-bit operation is used: that operation must zero it. */
export function markZext(env: Env, reg: Reg): void {
  if (reg.subregDef === DEF_NOT_SUBREG) return;
  env.auxAt(reg.subregDef - 1).zextDst = true;
  reg.subregDef = DEF_NOT_SUBREG;
}

/** `is_reg64`: whether an instruction uses or defines all 64 bits of an operand. */
function uses64(insn: Insn, reg: Reg, source: boolean): boolean {
  const { code } = insn;
  const cls = I.bpfClass(code);
  const op = I.bpfOp(code);
  if (cls === I.BPF_JMP && op === I.BPF_CALL) return insn.src !== I.BPF_PSEUDO_CALL && source;
  if (cls === I.BPF_ALU64 && op === I.BPF_END && (insn.imm === 16 || insn.imm === 32)) return false;
  switch (cls) {
    case I.BPF_ALU64:
    case I.BPF_JMP:
      return true;
    case I.BPF_ALU:
      return op === I.BPF_END && insn.imm === 64;
    case I.BPF_JMP32:
      return false;
    case I.BPF_LDX:
      return source || I.bpfSize(code) === I.BPF_DW || I.bpfMode(code) === I.BPF_MEMSX;
    case I.BPF_STX:
      return (source && reg.type !== SCALAR_VALUE) || I.bpfSize(code) === I.BPF_DW;
    case I.BPF_LD:
      return source || I.bpfMode(code) === I.BPF_IMM;
    default:
      return true;
  }
}

const checkNumber = (env: Env, n: number): void => {
  if (n > I.BPF_REG_FP) env.fail('EINVAL', `R${n} is invalid`);
};

/** The current instruction reads register `n`. */
export function readReg(env: Env, n: number): Reg {
  checkNumber(env, n);
  const reg = env.reg(n);
  env.scratchReg(n);
  const wide = uses64(env.insn(env.insnIdx), reg, true);
  if (reg.type === NOT_INIT) env.fail('EACCES', `R${n} !read_ok`);
  if (n === I.BPF_REG_FP) return reg;
  if (wide) markZext(env, reg);
  markRead(env, reg, reg.parent, wide ? LIVE_READ64 : LIVE_READ32);
  return reg;
}

/** The current instruction writes register `n`; the caller says what. */
export function writeReg(env: Env, n: number): Reg {
  checkNumber(env, n);
  const reg = env.reg(n);
  env.scratchReg(n);
  if (n === I.BPF_REG_FP) env.fail('EACCES', 'frame pointer is read only');
  reg.live |= LIVE_WRITTEN;
  reg.subregDef = uses64(env.insn(env.insnIdx), reg, false) ? DEF_NOT_SUBREG : env.insnIdx + 1;
  return reg;
}

/** The current instruction writes an unknown value. */
export function writeUnknown(env: Env, n: number): Reg {
  const reg = writeReg(env, n);
  env.markUnknown(reg);
  return reg;
}

/** What a call does to R0 to R5: their values are gone. */
export function clearCallerSaved(env: Env): void {
  for (let n = 0; n <= 5; n++) {
    env.reg(n).clear();
    writeReg(env, n);
  }
}
