/**
 * The translator's intermediate form: three-address micro-operations over 64-bit variables.
 *
 * Variables 0..15 are the guest's registers; temporaries follow. rsp, and rbp while a function uses
 * it as its frame pointer, are known as constant offsets from rsp at the unit's entry, and then
 * appear as {@link Uop} `sp` instead of as variables.
 */
import type { Form, X86Insn } from '../../x86/index.ts';
import { type Addr, formatAddr } from '../addr.ts';
import { REGISTER_NAMES } from '../cpu.ts';

/** A decoded instruction in place. */
export interface Decoded {
  readonly rip: Addr;
  readonly next: Addr;
  readonly insn: X86Insn;
  readonly form: Form;
}

/** First temporary. */
export const TEMP = 16;

/** rbp is an ordinary variable here, not a known offset. */
export const DYNAMIC = Number.NEGATIVE_INFINITY;

/** Where the stepper takes over: all that is needed to rebuild its state. */
export interface ExitPoint {
  readonly rip: Addr;
  /** instructions of the block completed before it */
  readonly done: number;
  /** rsp, and rbp or {@link DYNAMIC}, as offsets from rsp at entry */
  readonly sp: number;
  readonly bp: number;
}

/** How an address is turned into an offset in WebAssembly memory. */
export type AddressClass =
  /** the window of the direct map that is always readable and writable */
  | 'direct'
  /** the run of pages that holds the current stack */
  | 'stack'
  /** another run of pages that the host put into this slot: a vmalloc area, per-CPU data */
  | 'run1'
  | 'run2'
  | 'run3'
  | 'run4'
  | 'run5'
  | 'run6'
  | 'run7'
  /** anything that the software TLB has */
  | 'tlb';

/** Slot of a class that is a run of pages, -1 for the others. */
export const runSlot = (cls: AddressClass): number => {
  const c = cls.charCodeAt(cls.length - 1);
  return cls === 'stack' ? 0 : c < 0x3a ? c - 0x30 : -1;
};
/** Slots, the stack's included. */
export const RUN_SLOTS = 8;

export type AluOp =
  | 'add'
  | 'sub'
  | 'and'
  | 'or'
  | 'xor'
  | 'mul'
  | 'shl'
  | 'shr'
  | 'sar'
  | 'rotl'
  | 'rotr'
  | 'divu'
  | 'remu'
  | 'divs'
  | 'rems';

/** What set the flags, and from which values they follow (see flags.ts). */
export type FlagKind = 'raw' | 'add' | 'sub' | 'cmp' | 'logic' | 'inc' | 'dec' | 'shl' | 'shr' | 'sar' | 'any';
/** Flags changed since, the others kept. */
export type OverlayKind = 'none' | 'cf' | 'co' | 'rol' | 'ror' | 'imul' | 'mul' | 'any';

export type Width = 1 | 2 | 4 | 8;

/** `b` of an operation is the variable, or where it is -1 the immediate lo:hi. */
export interface Operands {
  readonly w: Width;
  readonly d: number;
  readonly a: number;
  readonly b: number;
  readonly lo: number;
  readonly hi: number;
}

/** A micro-operation as the lifter states it. */
export type Operation =
  | ({ readonly op: AluOp } & Operands)
  /** d = lo:hi */
  | { readonly op: 'const'; readonly d: number; readonly lo: number; readonly hi: number }
  | { readonly op: 'mov'; readonly d: number; readonly a: number }
  /** d = rsp at entry + disp */
  | { readonly op: 'sp'; readonly d: number; readonly disp: number }
  /** d = field of the CPU state */
  | { readonly op: 'cpu'; readonly d: number; readonly at: number }
  /** zero- or sign-extension of the low w bytes; a sign extends to `to` bytes, the rest is zero */
  | { readonly op: 'zext'; readonly d: number; readonly a: number; readonly w: Width }
  | { readonly op: 'sext'; readonly d: number; readonly a: number; readonly w: Width; readonly to: Width }
  /** d's bits shift..shift+8w-1 replaced by a's low ones */
  | { readonly op: 'insert'; readonly d: number; readonly a: number; readonly w: Width; readonly shift: number }
  | { readonly op: 'bswap'; readonly d: number; readonly a: number; readonly w: Width }
  /** upper half of the 128-bit unsigned product */
  | { readonly op: 'mulhu'; readonly d: number; readonly a: number; readonly b: number }
  /** d = condition ? a : d */
  | { readonly op: 'cmov'; readonly d: number; readonly a: number; readonly cc: number }
  | { readonly op: 'setcc'; readonly d: number; readonly cc: number }
  /** the range [a + lo, a + hi) must be accessible, else leave at `exit`; class 'tlb' leaves the offset in `p` */
  | {
      readonly op: 'check';
      readonly a: number;
      lo: number;
      hi: number;
      readonly write: boolean;
      readonly cls: AddressClass;
      readonly p: number;
      readonly exit: ExitPoint;
    }
  | {
      readonly op: 'load';
      readonly d: number;
      readonly a: number;
      readonly disp: number;
      readonly w: Width;
      readonly cls: AddressClass;
      readonly p: number;
      /** sign-extend to 8 bytes */
      readonly sign: boolean;
    }
  | {
      readonly op: 'store';
      readonly a: number;
      readonly disp: number;
      readonly w: Width;
      readonly cls: AddressClass;
      readonly p: number;
      /** value: variable, or -1 for lo:hi */
      readonly b: number;
      readonly lo: number;
      readonly hi: number;
    }
  /** the unit's own stack frame, checked once at entry: offset from rsp there */
  | { readonly op: 'load.sp'; readonly d: number; readonly disp: number; readonly w: Width; readonly sign: boolean }
  | {
      readonly op: 'store.sp';
      readonly disp: number;
      readonly w: Width;
      readonly b: number;
      readonly lo: number;
      readonly hi: number;
    }
  | {
      readonly op: 'flags';
      readonly kind: FlagKind;
      readonly w: Width;
      readonly a: number;
      readonly b: number;
      readonly lo: number;
      readonly hi: number;
    }
  /** flags of a shift by a variable count: unchanged where it is 0; `c` is the masked count */
  | {
      readonly op: 'flags.var';
      readonly kind: FlagKind;
      readonly w: Width;
      readonly a: number;
      readonly b: number;
      readonly c: number;
    }
  /** d = RFLAGS */
  | { readonly op: 'rflags'; readonly d: number }
  /** GS.base and IA32_KERNEL_GS_BASE change places */
  | { readonly op: 'swapgs' }
  /** IF and DF become those of lo, or of a: bits outside hi stay */
  | { readonly op: 'system'; readonly a: number; readonly lo: number; readonly hi: number }
  | {
      readonly op: 'overlay';
      readonly kind: OverlayKind;
      readonly w: Width;
      readonly a: number;
      readonly b: number;
      readonly lo: number;
      readonly hi: number;
    }
  /** leave at `exit` unless a is (ne: is not) lo:hi; `w` 4 compares low halves */
  | {
      readonly op: 'expect';
      readonly a: number;
      /** offset from rsp at entry to compare with instead of lo:hi */
      readonly sp: number | undefined;
      readonly lo: number;
      readonly hi: number;
      readonly w: Width;
      readonly not: boolean;
      readonly exit: ExitPoint;
    };

/** What the passes ask of every micro-operation, as bits of {@link USES}: said once, when it is made. */
export interface Uses {
  readonly uses: number;
  /** which of the variables that it names are temporaries that nothing after it names */
  ends: number;
}
export type Uop = Operation & Uses;

export type Terminator =
  | { readonly kind: 'jump'; readonly to: Block }
  | {
      readonly kind: 'branch';
      readonly cc: number;
      readonly taken: Block;
      readonly other: Block;
    }
  /** out of the unit: rip is known, or in variable `a`; `step`: the stepper must execute what is there */
  | {
      readonly kind: 'leave';
      readonly exit: ExitPoint;
      readonly a: number;
      readonly step: boolean;
      /** address of the indirect call that leaves */
      readonly site?: Addr;
      /**
       * A return, to the translated code that called the unit where it is what that expects. A jump, to translated code
       * where there is any. A new stack: `a` is rsp, and the unit at exit.rip, which has another frame, goes on.
       */
      readonly way?: 'return' | 'jump' | 'stack';
    }
  /**
   * The return address is on the stack: calls translated code, at exit.rip or where variable `a` says, then `to` if it
   * returns as calls do. `next`: where it returns to, rbp in its variable.
   */
  | {
      readonly kind: 'call';
      readonly exit: ExitPoint;
      readonly a: number;
      readonly next: ExitPoint;
      readonly to: Block;
    }
  /** a hypercall, then `to` unless the handler moved rip, rsp or rbp, or patched text */
  | { readonly kind: 'vmcall'; readonly exit: ExitPoint; readonly to: Block };

/** Whether other code runs between the block and what follows it: any register, flag and part of memory may have changed. */
export const clobbers = (term: Terminator): boolean => term.kind === 'vmcall' || term.kind === 'call';

/** The variable that a terminator reads, -1 none. */
export const termReads = (term: Terminator): number => (term.kind === 'leave' || term.kind === 'call' ? term.a : -1);

export interface Block {
  readonly id: number;
  readonly rip: Addr;
  /** stack state at entry */
  readonly sp: number;
  readonly bp: number;
  uops: Uop[];
  term: Terminator;
  /** registers that it reads, and that it writes, as masks */
  read: number;
  modified: number;
  /** guest instructions */
  count: number;
  /** weights (Machine.mark) of the first n instructions; undefined: all are 0 */
  weights?: readonly number[] | undefined;
  /** what decides the flags at its end: its updates from the last full one on */
  flags?: readonly Uop[];
}

/** Everything that becomes one WebAssembly function. */
export interface Unit {
  readonly entry: Addr;
  readonly blocks: Block[];
  /** rbp at entry, as offset from rsp, that it relies on; or {@link DYNAMIC} */
  readonly bp: number;
  /** guest code that it was made from: [start, end) */
  readonly ranges: readonly (readonly [Addr, Addr])[];
  /** starts of blocks that were left out */
  readonly cold: readonly Addr[];
  /** lowest and highest byte of the stack frame, from rsp at entry; lo === hi: none touched */
  readonly frame: { lo: number; hi: number };
  /** slots that its checks use, as a mask */
  readonly runs: number;
  readonly temps: number;
}

/** Where control goes next, first and second way; undefined where there is none. */
export function successor(term: Terminator, way: 0 | 1): Block | undefined {
  if (term.kind === 'branch') return way === 0 ? term.taken : term.other;
  return way === 1 || term.kind === 'leave' ? undefined : term.to;
}

/** Bits of what a micro-operation does: it reads its a, b, d (keeping part of it), c or p, and writes its d or p. */
export const USE = {
  a: 1,
  b: 2,
  d: 4,
  c: 8,
  p: 16,
  setsD: 32,
  setsP: 64,
  /** changes what is known of the flags */
  flags: 128,
  /** reads flags, or may leave the unit, which makes every flag observable */
  observes: 256,
  /** one WebAssembly instruction on a and b */
  alu: 512,
} as const;

const ALU = USE.a | USE.b | USE.setsD | USE.alu;
const ONE = USE.a | USE.setsD;
const USES: Readonly<Record<Uop['op'], number>> = {
  const: USE.setsD,
  sp: USE.setsD,
  cpu: USE.setsD,
  setcc: USE.setsD | USE.observes,
  rflags: USE.setsD | USE.observes,
  system: USE.a,
  swapgs: 0,
  'load.sp': USE.setsD,
  mov: ONE,
  zext: ONE,
  sext: ONE,
  bswap: ONE,
  check: USE.a | USE.setsP | USE.observes,
  expect: USE.a | USE.observes,
  mulhu: USE.a | USE.b | USE.setsD,
  flags: USE.a | USE.b | USE.flags,
  overlay: USE.a | USE.b | USE.flags,
  'store.sp': USE.b,
  insert: USE.a | USE.d | USE.setsD,
  cmov: USE.a | USE.d | USE.setsD | USE.observes,
  'flags.var': USE.a | USE.b | USE.c | USE.flags,
  load: USE.a | USE.p | USE.setsD,
  store: USE.a | USE.b | USE.p,
  add: ALU,
  sub: ALU,
  and: ALU,
  or: ALU,
  xor: ALU,
  mul: ALU,
  shl: ALU,
  shr: ALU,
  sar: ALU,
  rotl: ALU,
  rotr: ALU,
  divu: ALU,
  remu: ALU,
  divs: ALU,
  rems: ALU,
};

/** What an operation does with its variables a, b and p, where -1 is none. */
export function usesOf(op: Uop['op'], a: number, b: number, p: number): number {
  let uses = USES[op];
  if (a < 0) uses &= ~USE.a;
  if (b < 0) uses &= ~USE.b;
  if (p < 0) uses &= ~(USE.p | USE.setsP);
  return uses;
}

/** All fields that may name a variable. */
interface Fields {
  readonly d: number;
  readonly p: number;
}

/** The variable that a micro-operation writes, -1 none. */
export function written(u: Uop): number {
  const { uses } = u;
  if (uses & USE.setsD) return (u as unknown as Fields).d;
  return uses & USE.setsP ? (u as unknown as Fields).p : -1;
}

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
