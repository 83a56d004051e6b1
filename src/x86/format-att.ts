/** AT&T mnemonics: the size suffix where no operand says the size, and the names that differ. */
import { PREFIX, type X86Insn } from './insn.ts';
import type { Form } from './row.ts';

const NAMES: Readonly<Record<string, string>> = {
  cbw: 'cbtw',
  cwde: 'cwtl',
  cdqe: 'cltq',
  cwd: 'cwtd',
  cdq: 'cltd',
  cqo: 'cqto',
  pushfq: 'pushf',
  popfq: 'popf',
  sal: 'shl',
  movsxd: 'movslq',
};

const SUFFIX: Readonly<Record<number, string>> = { 1: 'b', 2: 'w', 4: 'l', 8: 'q' };

/** Mnemonics whose size is known without a suffix, though no register operand says it. */
const NO_SUFFIX = /^(push|pop|jmp|call|ret|enter|leave|int|prefetch|cl|lea|set|fldcw|fnstcw|cmpxchg(8|16)b)|^ud/;

export function attMnemonic(insn: X86Insn, f: Form): string {
  const { mnemonic } = f;
  // a memory operand of a conversion from an integer is the only one whose size nothing says
  if (f.vector)
    return insn.mem && mnemonic.startsWith('cvtsi2') ? mnemonic + SUFFIX[f.operands[1]?.size ?? 0] : mnemonic;
  switch (mnemonic) {
    case 'movzx':
    case 'movsx':
      return `mov${mnemonic[3]}${SUFFIX[f.operands[1]?.size ?? 0]}${SUFFIX[f.size]}`;
    case 'mov':
      if (f.immSize === 8 || f.operands.some((o) => o.place === 'moffs')) return 'movabs';
      break;
    case 'movsxd':
      return f.size === 8 ? 'movslq' : 'movsxd';
    case 'nop':
      if (f.modrm < 0)
        return insn.prefixes & PREFIX.OPSIZE ? 'xchg   %ax,%ax' : insn.prefixes & PREFIX.REX_W ? 'rex.W nop' : 'nop';
      return insn.mem ? `nop${SUFFIX[f.size]}` : 'nop';
  }
  const own = mnemonic === 'jrcxz' && insn.prefixes & PREFIX.ADDRSIZE ? 'jecxz' : mnemonic;
  const name = (NAMES[own] ?? own) + hintSuffix(insn, f);
  if (mnemonic === 'push' || mnemonic === 'pop') return insn.mem && f.size === 2 ? `${name}w` : name;
  if (!insn.mem || NO_SUFFIX.test(mnemonic) || f.operands.length === 0) return name;
  // a register operand of the operand's size says it; a shift count in cl does not
  const said = f.operands.some(
    (o) => o.place === 'reg' || o.place === 'vvvv' || o.place === 'opcode' || (o.place === 'fixed' && o.fixed === 0),
  );
  return said ? name : name + (SUFFIX[f.size] ?? '');
}

/** Branch hints: 3E taken, 2E not taken (SDM vol. 2A, 2.1.1), which objdump shows in AT&T syntax only. */
export function hintSuffix(insn: X86Insn, f: Form): string {
  if (f.operands[0]?.place !== 'rel' || f.mnemonic === 'jmp' || f.mnemonic === 'call') return '';
  return insn.prefixes & PREFIX.DS ? ',pt' : insn.prefixes & PREFIX.CS ? ',pn' : '';
}

/** Source first. `enter` and the string instructions keep Intel's order. */
export function attOperandOrder(f: Form, operands: string[]): void {
  if (f.mnemonic !== 'enter') operands.reverse();
}
