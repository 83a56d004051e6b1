/**
 * Which lowering an instruction has: by the kind and name of its row in the instruction table.
 * An instruction whose row has none here is an error that names it.
 */
import { disassemble, type Insn, type InsnRow, rowOf } from '../../isa/index.ts';
import type { FuncContext } from '../context.ts';
import { JitError } from '../types.ts';
import * as alu from './alu.ts';
import { arenaAtomic, atomic } from './atomic.ts';
import { branchImm, branchReg, jump } from './branch.ts';
import { call, exit } from './call.ts';
import { divMod } from './div.ts';
import * as memory from './memory.ts';
import * as mov from './mov.ts';
import { reverse, truncate } from './swap.ts';
import { tailCall } from './tailcall.ts';

type Lowering = (c: FuncContext, insn: Insn) => void;

const SHIFTS: Readonly<Record<string, alu.Shift>> = { lsh: 'shl', rsh: 'shr', arsh: 'sar' };

function aluLowering(row: InsnRow): Lowering {
  const { name, bits, operand } = row;
  const shift = SHIFTS[name];
  if (shift)
    return operand === 'imm' ? (c, i) => alu.shiftImm(c, i, bits, shift) : (c, i) => alu.shiftReg(c, i, bits, shift);
  if (/^s?(div|mod)$/.test(name)) {
    const wants = name.endsWith('div') ? 'quotient' : 'remainder';
    return (c, i) => divMod(c, i, bits, operand ?? 'reg', wants, name.startsWith('s'));
  }
  if (name === 'mul') return operand === 'imm' ? (c, i) => alu.mulImm(c, i, bits) : (c, i) => alu.mulReg(c, i, bits);
  return operand === 'imm' ? (c, i) => alu.simpleImm(c, i, bits, name) : (c, i) => alu.simpleReg(c, i, bits, name);
}

/** A row's lowering, undefined where there is none. */
function lowering(row: InsnRow): Lowering | undefined {
  const { name, bits } = row;
  const inArena = name.startsWith('arena_');
  switch (row.kind) {
    case 'alu':
      return aluLowering(row);
    case 'mov':
      return row.operand === 'imm' ? (c, i) => mov.movImm(c, i, bits) : (c, i) => mov.movReg(c, i, bits);
    case 'movsx':
      return (c, i) => mov.movSx(c, i, bits);
    case 'neg':
      return (c, i) => alu.neg(c, i, bits);
    case 'swap':
      return name === 'le' ? truncate : reverse;
    case 'cast':
      return name === 'mov_percpu' ? mov.movPercpu : mov.castUser;
    case 'ldimm64':
      return name === 'imm64' || name === 'func' ? (c, i) => mov.ldImm64(c, i, name === 'func') : undefined;
    case 'load':
      if (inArena) return (c, i) => memory.arenaLoad(c, i, bits);
      return name === 'ldx' ? (c, i) => memory.ldx(c, i, bits) : (c, i) => memory.probeLoad(c, i, bits, false);
    case 'loadsx':
      return name === 'ldxs' ? (c, i) => memory.ldsx(c, i, bits) : (c, i) => memory.probeLoad(c, i, bits, true);
    case 'store':
      return inArena ? (c, i) => memory.arenaStore(c, i, bits, false) : (c, i) => memory.stx(c, i, bits);
    case 'storeimm':
      return inArena ? (c, i) => memory.arenaStore(c, i, bits, true) : (c, i) => memory.st(c, i, bits);
    case 'atomic':
      return inArena ? (c, i) => arenaAtomic(c, i, bits, name) : (c, i) => atomic(c, i, bits, name);
    case 'jump':
      if (name === 'may_goto') return undefined;
      return name === 'jal' ? (c, i) => jump(c, i.imm) : (c, i) => jump(c, i.off);
    case 'branch':
      return row.operand === 'imm' ? (c, i) => branchImm(c, i, bits, name) : (c, i) => branchReg(c, i, bits, name);
    case 'call':
      return name === 'tail_call' ? tailCall : call;
    case 'exit':
      return exit;
    case 'nospec':
      return (c) => c.op('lfence');
    case 'ldabs':
    case 'ldind':
    case 'callx':
      return undefined;
  }
}

const lowerings = new Map<InsnRow, Lowering | undefined>();

/** Emits one instruction. @throws JitError where the instruction has no lowering. */
export function lower(c: FuncContext, insn: Insn): void {
  const row = rowOf(insn);
  let found = row && lowerings.get(row);
  if (row && !found) {
    found = lowering(row);
    lowerings.set(row, found);
  }
  if (!found) {
    const why = row
      ? `is rewritten before the JIT: run the verifier's rewrites, or take the interpreter`
      : 'is unknown';
    throw new JitError(`${c.func.name}: instruction ${c.slot} "${disassemble(insn, c.insns[c.slot + 1])}" ${why}`);
  }
  found(c, insn);
}
