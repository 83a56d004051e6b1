/** Byte order: RFC 9669 section 4.2. x86 is little-endian, so `le` only clears what is above its width. */
import type { Insn } from '../../isa/index.ts';
import type { FuncContext } from '../context.ts';
import { reg } from '../regs.ts';

/** `be` and `bswap`: bytes change places. */
export function reverse(c: FuncContext, insn: Insn): void {
  const dst = reg(insn.dst);
  if (insn.imm === 16) {
    c.op('ror r/m16, imm8', dst, 8);
    c.op('movzx r32, r/m16', dst, dst);
  } else c.op(insn.imm === 64 ? 'bswap r64' : 'bswap r32', dst);
}

/** `le`: truncation. */
export function truncate(c: FuncContext, insn: Insn): void {
  const dst = reg(insn.dst);
  if (insn.imm === 16) c.op('movzx r32, r/m16', dst, dst);
  else if (insn.imm === 32) c.op('mov r/m32, r32', dst, dst);
}
