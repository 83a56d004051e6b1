/**
 * The instruction under a uprobe's breakpoint: done in the program's place where that is simple (nop, push, near jumps
 * and calls), else executed out of line from a slot of its own (Linux 6.12 arch/x86/kernel/uprobes.c). What refers to
 * rip gets a register in its place, which the slot's user lends.
 */
import { hexBytes } from '../../src/platform/index.ts';
import { conditions, decode, FLAG, form, PREFIX, RIP } from '../../src/x86/index.ts';
import { KernelError } from '../core/errno.ts';

export type UprobeInsn = {
  /** bytes of the instruction, as the file has them */
  readonly bytes: Uint8Array;
} & (
  | { readonly how: 'nop' }
  | { readonly how: 'push'; readonly reg: number }
  /** jmp, call or jcc: where to, from behind the instruction */
  | { readonly how: 'branch'; readonly offset: number; readonly call: boolean; readonly condition: number }
  | {
      readonly how: 'step';
      /** what the slot holds */
      readonly slot: Uint8Array;
      /** register that holds the address behind the instruction, -1 where it does not refer to that */
      readonly lends: number;
      /** where it goes on then: behind it; where it says; there, with the return address to be mended */
      readonly after: 'next' | 'jump' | 'call';
    }
);

const MAX_LENGTH = 15;
/** what would not come back, or is the kernel's */
const REFUSED = /^(hlt|cli|sti|int|int1|int3|iretq|sysretq|swapgs|vmcall|clac|stac|ud[12])$/;
/** rsi, rdi, rbx: the first that the instruction does not use */
const LENT = [6, 7, 3];

/** @throws KernelError ENOTSUPP: an instruction that cannot be probed, as Linux refuses it too; EOPNOTSUPP: one that is not modelled */
export function uprobeInsn(code: Uint8Array): UprobeInsn {
  const insn = decode(code.subarray(0, MAX_LENGTH));
  if (insn.row < 0)
    throw new KernelError(
      'EOPNOTSUPP',
      `a probe on ${hexBytes(code.subarray(0, Math.max(1, insn.length)))}: not an instruction that this machine has`,
    );
  const bytes = code.slice(0, insn.length);
  const { mnemonic, operands } = form(insn.row);
  if (insn.prefixes & PREFIX.LOCK || REFUSED.test(mnemonic))
    throw new KernelError('ENOTSUPP', `a probe on ${mnemonic} (${hexBytes(bytes)}) is refused`);
  // prefixes and a nop of one byte; longer nops are executed
  if (mnemonic === 'nop' && operands.length === 0) return { bytes, how: 'nop' };
  if (mnemonic === 'push' && operands[0]?.place === 'opcode' && operands[0].size === 8)
    return { bytes, how: 'push', reg: insn.reg };
  if (operands[0]?.place === 'rel') {
    const condition = conditions.findIndex(([name]) => mnemonic === `j${name}`);
    if (condition < 0 && mnemonic !== 'jmp' && mnemonic !== 'call')
      throw new KernelError('ENOTSUPP', `a probe on ${mnemonic} is refused`);
    return { bytes, how: 'branch', offset: insn.immLo, call: mnemonic === 'call', condition };
  }
  const after = mnemonic === 'ret' || mnemonic === 'jmp' ? 'jump' : mnemonic === 'call' ? 'call' : 'next';
  if (!insn.mem || insn.base !== RIP) return { bytes, how: 'step', slot: bytes, lends: -1, after };
  const lends = LENT.find((reg) => reg !== insn.reg && reg !== insn.vvvv) as number;
  const slot = bytes.slice();
  // mod 00 rm 101 becomes mod 10 with the register
  const modrm = insn.dispAt - 1;
  slot[modrm] = ((slot[modrm] as number) & 0x38) | 0x80 | lends;
  const rex = slot.findIndex((byte, n) => n < modrm && (byte & 0xf0) === 0x40);
  if (rex >= 0) slot[rex] = (slot[rex] as number) & ~1;
  return { bytes, how: 'step', slot, lends, after };
}

/** Whether a condition (SDM vol. 2D, B.1.4.7) holds; -1: always. */
export function conditionHolds(condition: number, flags: number): boolean {
  if (condition < 0) return true;
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const less = has(FLAG.SF) !== has(FLAG.OF);
  const base = [
    has(FLAG.OF),
    has(FLAG.CF),
    has(FLAG.ZF),
    has(FLAG.CF) || has(FLAG.ZF),
    has(FLAG.SF),
    has(FLAG.PF),
    less,
    less || has(FLAG.ZF),
  ][condition >> 1] as boolean;
  return (condition & 1) === 0 ? base : !base;
}
