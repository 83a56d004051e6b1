/** Compares outcomes, with what Intel's manual leaves undefined masked. */

import { eitherFault, hidden } from './fault-order.ts';
import type { Case } from './generate.ts';
import { FLAG_MASK } from './layout.ts';
import type { Outcome } from './outcome.ts';
import { linearBits } from './processor.ts';
import { decode, form, formatCase } from './text.ts';

const NAMES = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
const OF = 0x800;
const CF = 1;

/** Flags that this very case leaves undefined: the row's, and those that depend on a shift count. */
export function undefinedFlags(c: Case): number {
  const insn = decode(c.code);
  const f = form(c.row);
  let mask = f.undefined;
  if (/^(sh[lr]|sa[lr]|ro[lr]|rc[lr]|sh[lr]d)$/.test(f.mnemonic)) {
    const last = f.operands[f.operands.length - 1];
    const raw = last?.place === 'imm' ? insn.immLo : last?.fixed === 1 ? Number((c.regs[1] as bigint) & 0xffn) : 1;
    const count = raw & (f.size === 8 ? 63 : 31);
    if (count === 0) return 0;
    if (count !== 1) mask |= OF;
    const width = f.size * 8;
    if (/^(sh|sa)/.test(f.mnemonic) && count >= width && f.mnemonic !== 'sar') mask |= CF;
    if (/^sh[lr]d$/.test(f.mnemonic) && count > width) mask |= FLAG_MASK & ~0x400;
    // rcl/rcr by a whole turn change nothing
  }
  return mask;
}

/** Whether the result itself is undefined (16-bit shld/shrd with a count above 16). */
export function undefinedResult(c: Case): boolean {
  const f = form(c.row);
  if (!/^sh[lr]d$/.test(f.mnemonic) || f.size !== 2) return false;
  const insn = decode(c.code);
  const count = (f.operands[2]?.place === 'imm' ? insn.immLo : Number((c.regs[1] as bigint) & 0xffn)) & 31;
  return count > 16;
}

/** Canonical for five-level paging alone: the host goes there (and faults), the machine raises #SS or #GP. */
function wideAddress(host: Outcome, guest: Outcome): boolean {
  const wide = (address: bigint): boolean =>
    BigInt.asIntN(57, address) === BigInt.asIntN(64, address) &&
    BigInt.asIntN(48, address) !== BigInt.asIntN(64, address);
  return (guest.trap === 12 || guest.trap === 13) && (host.trap === 14 ? wide(host.cr2) : wide(host.rip));
}

/** Differences as lines; none: they agree. `hostBits`: linear address bits of the processor. */
export function differences(c: Case, host: Outcome, guest: Outcome, hostBits = linearBits()): string[] {
  if (hostBits === 57 && wideAddress(host, guest)) return [];
  // AMD's processors read four bytes where the manual's 16-bit movsxd has two, which shows at the end of a page
  if (form(c.row).syntax === 'movsxd r16, r/m16' && host.trap === 14) return [];
  const lines: string[] = [];
  const say = (what: string, h: bigint | number, g: bigint | number): void => {
    lines.push(`  ${what.padEnd(8)} processor ${h.toString(16).padStart(16)}  machine ${g.toString(16).padStart(16)}`);
  };
  if (!eitherFault(c, host, guest, hostBits)) {
    if (host.trap !== guest.trap) say('trap', host.trap, guest.trap);
    else if (host.trap === 14) {
      if (host.cr2 !== guest.cr2) say('cr2', host.cr2, guest.cr2);
      const mask = ~hidden(host.cr2);
      if ((host.error & mask) !== (guest.error & mask)) say('error', host.error, guest.error);
    }
  }
  if (host.rip !== guest.rip) say('rip', host.rip, guest.rip);
  if (!undefinedResult(c)) {
    for (let i = 0; i < 16; i++)
      if (host.regs[i] !== guest.regs[i]) say(NAMES[i] as string, host.regs[i] as bigint, guest.regs[i] as bigint);
    const at = host.window.findIndex((byte, i) => byte !== guest.window[i]);
    if (at >= 0) say(`mem+${at}`, host.window[at] as number, guest.window[at] as number);
    const lane = host.xmm.findIndex((byte, i) => byte !== guest.xmm[i]);
    if (lane >= 0) say(`xmm${lane >> 4}+${lane & 15}`, host.xmm[lane] as number, guest.xmm[lane] as number);
  }
  const mask = FLAG_MASK & ~(host.trap === -1 ? undefinedFlags(c) : 0);
  if ((host.rflags & mask) !== (guest.rflags & mask)) say('rflags', host.rflags & mask, guest.rflags & mask);
  if (lines.length > 0) lines.unshift(formatCase(c));
  return lines;
}
