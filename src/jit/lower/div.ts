/**
 * Division and modulo (RFC 9669 section 4.1; signed with offset 1). x86 divides rdx:rax (Intel SDM
 * vol. 2A "DIV", "IDIV"), so rax (R0) and rdx (R3) are kept aside where they are not the destination.
 * Division by zero does not reach the JIT: the verifier's rewrite tests for it.
 */
import type { Insn } from '../../isa/index.ts';
import { rax, rdx } from '../../x86/index.ts';
import type { FuncContext } from '../context.ts';
import { AUX, reg } from '../regs.ts';
import { move } from './mov.ts';

export function divMod(
  c: FuncContext,
  insn: Insn,
  bits: number,
  operand: 'imm' | 'reg',
  wants: 'quotient' | 'remainder',
  signed: boolean,
): void {
  const dst = reg(insn.dst);
  let divisor = AUX;
  if (dst !== rax) c.op('push r64', rax);
  if (dst !== rdx) c.op('push r64', rdx);

  if (operand === 'imm') c.op('mov r/m64, imm32', AUX, insn.imm);
  else {
    divisor = reg(insn.src);
    if (divisor === rax || divisor === rdx) {
      move(c, 64, AUX, divisor);
      divisor = AUX;
    }
  }
  if (dst !== rax) move(c, bits, rax, dst);

  if (signed) {
    c.op(bits === 64 ? 'cqo' : 'cdq');
    c.op(`idiv r/m${bits}`, divisor);
  } else {
    c.op('xor r/m32, r32', rdx, rdx);
    c.op(`div r/m${bits}`, divisor);
  }

  const result = wants === 'remainder' ? rdx : rax;
  if (dst !== result) move(c, bits, dst, result);
  if (dst !== rdx) c.op('pop r64', rdx);
  if (dst !== rax) c.op('pop r64', rax);
}
