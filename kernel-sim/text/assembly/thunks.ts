/**
 * Thunks against speculation (arch/x86/lib/retpoline.S names them; Documentation/admin-guide/hw-vuln/spectre.rst,
 * srso.rst and indirect-target-selection.rst say what they are for): an indirect jump becomes a return to an
 * address that was put on the stack, a return a jump to where no attacker trained the predictor.
 */
import {
  at,
  r8,
  r9,
  r10,
  r11,
  r12,
  r13,
  r14,
  r15,
  rax,
  rbp,
  rbx,
  rcx,
  rdi,
  rdx,
  rsi,
  rsp,
} from '../../../src/x86/index.ts';
import type { Emit } from './context.ts';

/** jmp *reg */
const retpoline =
  (reg: number): Emit =>
  (a) => {
    const target = a.label();
    a.op('call rel32', target).op('int3');
    a.bind(target);
    a.op('mov r/m64, r64', at(rsp, 0), reg).op('ret').op('int3');
  };

const returns: Emit = (a) => {
  a.op('ret').op('int3');
};
/** the call's own return address is dropped before the return that counts */
const srso: Emit = (a) => {
  const safe = a.label();
  a.op('call rel32', safe).op('int3');
  a.bind(safe);
  a.op('lea r64, m', rsp, at(rsp, 8)).op('ret').op('int3');
};

const REGISTERS = { rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15 };

export const thunks: Readonly<Record<string, Emit>> = {
  ...Object.fromEntries(
    Object.entries(REGISTERS).map(([name, reg]) => [`__x86_indirect_thunk_${name}`, retpoline(reg)]),
  ),
  __x86_return_thunk: returns,
  its_return_thunk: returns,
  srso_return_thunk: srso,
  srso_alias_return_thunk: srso,
};
