/**
 * The displaced instruction of a breakpoint kprobe, as a piece of code that does the same elsewhere and
 * goes on behind the original (Linux 6.12 Documentation/trace/kprobes.rst, "How Does a Kprobe Work?").
 */
import type { Addr } from '../../src/machine/addr.ts';
import { Assembler, decode, RIP } from '../../src/x86/index.ts';
import { KernelError } from '../core/errno.ts';

export function insnSlot(
  bytes: Uint8Array,
  from: Addr,
  to: Addr,
): { readonly code: Uint8Array; readonly length: number } {
  const insn = decode(bytes, 0);
  const { length } = insn;
  const next = from + length;
  const own = bytes.subarray(0, length);
  const view = new DataView(own.buffer, own.byteOffset, own.length);
  const a = new Assembler(to);
  const opcode = own[0] as number;
  const rel32 = (): Addr => next + view.getInt32(length - 4, true);
  const rel8 = (): Addr => next + view.getInt8(length - 1);
  if (opcode === 0xe8) {
    // the return address is the original's: text addresses are sign-extended 32-bit numbers
    a.op('push imm32', next);
    a.op('jmp rel32', rel32());
  } else if (opcode === 0xe9 || opcode === 0xeb) a.op('jmp rel32', opcode === 0xe9 ? rel32() : rel8());
  else if (opcode >= 0x70 && opcode <= 0x7f) {
    a.raw(0x0f, opcode + 0x10).raw(...relative(a.here + 4, rel8()));
    a.op('jmp rel32', next);
  } else if (opcode === 0x0f && ((own[1] as number) & 0xf0) === 0x80) {
    a.raw(0x0f, own[1] as number).raw(...relative(a.here + 4, rel32()));
    a.op('jmp rel32', next);
  } else if (opcode === 0xc3 || opcode === 0xc2) a.raw(...own);
  else if (opcode >= 0xe0 && opcode <= 0xe3)
    throw new KernelError('EOPNOTSUPP', 'a kprobe on loop or jrcxz is not modelled');
  else {
    const copy = Uint8Array.from(own);
    const at = insn.base === RIP ? insn.dispAt : -1;
    if (at >= 0) {
      const target = next + view.getInt32(at, true);
      new DataView(copy.buffer).setInt32(at, target - (to + length), true);
    }
    a.raw(...copy);
    a.op('jmp rel32', next);
  }
  return { code: a.bytes(), length };
}

const relative = (from: Addr, to: Addr): number[] => {
  const d = to - from;
  return [d & 255, (d >> 8) & 255, (d >> 16) & 255, (d >> 24) & 255];
};
