/** A case as text. */
import { decode, form } from '../../../src/x86/index.ts';
import type { Case } from './generate.ts';

export { decode, form };

const NAMES = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');

export function formatCase(c: Case): string {
  const bytes = Array.from(c.code, (b) => b.toString(16).padStart(2, '0')).join(' ');
  const regs = Array.from(c.regs, (v, i) => `${NAMES[i]}=${v.toString(16)}`).join(' ');
  return `row ${c.row} '${form(c.row).syntax}': ${bytes}\n  ${regs} flags=${c.rflags.toString(16)}`;
}
