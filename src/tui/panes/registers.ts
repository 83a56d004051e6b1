/** Registers: in a program BPF's beside the x86 ones that carry them, elsewhere x86's; what changed, and what each points to. */

import type { RegisterRow } from '../../debug/index.ts';
import { REGISTER_NAMES } from '../../machine/index.ts';
import { type Line, line, span } from '../text.ts';
import { type Pane, rows } from './pane.ts';

const row = (label: string, r: RegisterRow): Line =>
  line(
    span(label, 'dim'),
    span(r.hex.replace(/^0+(?=.)/, '').padStart(16), r.changed ? 'changed' : 'plain'),
    r.changed ? span('* ', 'changed') : '  ',
    span(meaning(r), r.follow === undefined ? 'dim' : 'plain'),
  );

/** What it points to, else the number as people count. */
function meaning(r: RegisterRow): string {
  if (r.follow !== undefined) return `→ ${r.follow}`;
  const signed = BigInt.asIntN(64, r.value);
  if (signed < 0n && signed >= -4095n) return String(signed);
  if (r.value > 9n && r.value < 0x1_0000_0000n) return String(r.value);
  return '';
}

export const registers: Pane = ({ registers: view }, _, height) => {
  const lines: { readonly line: Line; readonly changed: boolean }[] = [];
  const push = (label: string, r: RegisterRow): void => void lines.push({ line: row(label, r), changed: r.changed });
  const { bpf, x86 } = view;
  const at = (name: string): RegisterRow | undefined => x86[(REGISTER_NAMES as readonly string[]).indexOf(name)];
  if (bpf !== undefined)
    for (const r of bpf) {
      const carrier = x86.find((x) => x.value === r.value && CARRIERS[r.name] === x.name);
      push(`${r.name.toLowerCase().padEnd(3)} ${(carrier?.name ?? CARRIERS[r.name] ?? '').padEnd(3)} `, r);
    }
  else for (const r of x86) if (r.name !== 'rsp') push(`${r.name.padEnd(7)} `, r);
  const rsp = at('rsp');
  if (rsp !== undefined) push(bpf === undefined ? 'rsp     ' : '    rsp ', rsp);
  push(bpf === undefined ? 'rip     ' : '    rip ', { ...view.rip, changed: false });
  const flags = line(span('flags   ', 'dim'), span(view.flags, view.flagsChanged ? 'changed' : 'plain'));
  lines.push({ line: flags, changed: view.flagsChanged });
  return { title: 'registers', rows: rows(mostTelling(lines, height)), current: -1 };
};

/** Where there is no room for all: those that changed stay, and others in front of them as long as they fit. */
function mostTelling(lines: readonly { readonly line: Line; readonly changed: boolean }[], height: number): Line[] {
  const changed = lines.filter((l) => l.changed);
  if (lines.length <= height || changed.length > height) return lines.map((l) => l.line);
  let others = height - changed.length;
  const kept = lines.filter((l) => l.changed || others-- > 0);
  return [...kept, ...lines.filter((l) => !kept.includes(l))].map((l) => l.line);
}

/** Where Linux's JIT keeps BPF's registers (arch/x86/net/bpf_jit_comp.c, reg2hex). */
const CARRIERS: Readonly<Record<string, string>> = {
  R0: 'rax',
  R1: 'rdi',
  R2: 'rsi',
  R3: 'rdx',
  R4: 'rcx',
  R5: 'r8',
  R6: 'rbx',
  R7: 'r13',
  R8: 'r14',
  R9: 'r15',
  R10: 'rbp',
};
