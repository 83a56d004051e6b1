/** The intermediate form as text, for goldens and for people. */
import { formatAddr } from '../../addr.ts';
import { REGISTER_NAMES } from '../../cpu.ts';
import type { Terminator, Unit } from './ir.ts';
import { TEMP, type Uop } from './uop.ts';

const variable = (v: number): string => (v < 0 ? '_' : v < TEMP ? REGISTER_NAMES[v]! : `t${v - TEMP}`);
const hex = (lo: number, hi: number): string =>
  hi === lo >> 31 ? String(lo) : `0x${(hi >>> 0).toString(16)}${(lo >>> 0).toString(16).padStart(8, '0')}`;
const signed = (n: number): string => (n < 0 ? `${n}` : `+${n}`);

/** One micro-operation as text, for goldens and for people. */
export function formatUop(u: Uop): string {
  const b = 'b' in u && 'lo' in u ? (u.b < 0 ? hex(u.lo, u.hi) : variable(u.b)) : '';
  switch (u.op) {
    case 'const':
      return `${variable(u.d)} = ${hex(u.lo, u.hi)}`;
    case 'mov':
      return `${variable(u.d)} = ${variable(u.a)}`;
    case 'sp':
      return `${variable(u.d)} = sp${signed(u.disp)}`;
    case 'cpu':
      return `${variable(u.d)} = cpu[${u.at.toString(16)}]`;
    case 'zext':
      return `${variable(u.d)} = zext${8 * u.w} ${variable(u.a)}`;
    case 'sext':
      return `${variable(u.d)} = sext${8 * u.w}.${8 * u.to} ${variable(u.a)}`;
    case 'insert':
      return `${variable(u.d)}[${u.shift}..${u.shift + 8 * u.w - 1}] = ${variable(u.a)}`;
    case 'bswap':
      return `${variable(u.d)} = bswap${8 * u.w} ${variable(u.a)}`;
    case 'mulhu':
      return `${variable(u.d)} = mulhu ${variable(u.a)}, ${variable(u.b)}`;
    case 'cmov':
      return `${variable(u.d)} = cmov.${u.cc} ${variable(u.a)}`;
    case 'setcc':
      return `${variable(u.d)} = setcc.${u.cc}`;
    case 'rflags':
      return `${variable(u.d)} = rflags`;
    case 'swapgs':
      return 'swapgs';
    case 'system':
      return `rflags & ${u.hi.toString(16)} = ${u.a >= 0 ? variable(u.a) : u.lo.toString(16)}`;
    case 'check': {
      const at = u.cls === 'tlb' ? `, offset ${variable(u.p)}` : '';
      return `check.${u.cls} ${variable(u.a)}[${u.lo}..${u.hi}) ${u.write ? 'rw' : 'r'}${at} else ${formatAddr(u.exit.rip)}`;
    }
    case 'load':
      return `${variable(u.d)} = ${u.sign ? 's' : 'u'}${8 * u.w} ${u.cls}[${variable(u.a)}${signed(u.disp)}]`;
    case 'store':
      return `u${8 * u.w} ${u.cls}[${variable(u.a)}${signed(u.disp)}] = ${b}`;
    case 'load.sp':
      return `${variable(u.d)} = ${u.sign ? 's' : 'u'}${8 * u.w} [sp${signed(u.disp)}]`;
    case 'store.sp':
      return `u${8 * u.w} [sp${signed(u.disp)}] = ${b}`;
    case 'flags':
      return `flags.${u.kind}${8 * u.w} ${variable(u.a)}, ${b}`;
    case 'flags.var':
      return `flags.${u.kind}${8 * u.w} ${variable(u.a)}, ${variable(u.b)} unless ${variable(u.c)} is 0`;
    case 'overlay':
      return `overlay.${u.kind}${8 * u.w} ${variable(u.a)}, ${b}`;
    case 'expect': {
      const what = u.sp === undefined ? hex(u.lo, u.hi) : `sp${signed(u.sp)}`;
      return `expect${8 * u.w} ${variable(u.a)} ${u.not ? '!=' : '=='} ${what} else ${formatAddr(u.exit.rip)}`;
    }
    default:
      return `${variable(u.d)} = ${u.op}${8 * u.w} ${variable(u.a)}, ${b}`;
  }
}

function formatTerm(t: Terminator): string {
  switch (t.kind) {
    case 'jump':
      return `jump b${t.to.id}`;
    case 'branch':
      return `branch.${t.cc} b${t.taken.id} else b${t.other.id}`;
    case 'leave':
      if (t.way === 'stack') return `stack ${variable(t.a)}, jump ${formatAddr(t.exit.rip)}`;
      return `${t.way ?? 'leave'} ${t.a >= 0 ? variable(t.a) : formatAddr(t.exit.rip)}${t.step ? ' step' : ''}`;
    case 'call':
      return `call ${t.a >= 0 ? variable(t.a) : formatAddr(t.exit.rip)} then b${t.to.id}`;
    case 'vmcall':
      return `vmcall then b${t.to.id}`;
  }
}

/** A unit as text. */
export function formatUnit(unit: Unit): string {
  const out = [`unit ${formatAddr(unit.entry)} frame ${unit.frame.lo}..${unit.frame.hi}`];
  for (const block of unit.blocks) {
    out.push(`b${block.id}: ${formatAddr(block.rip)} sp${signed(block.sp)} (${block.count} instructions)`);
    for (const u of block.uops) out.push(`  ${formatUop(u)}`);
    out.push(`  ${formatTerm(block.term)}`);
  }
  return `${out.join('\n')}\n`;
}
