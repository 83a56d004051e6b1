/**
 * The translator's micro-operations: three-address, over 64-bit variables.
 *
 * Variables 0..15 are the guest's registers; temporaries follow. rsp, and rbp while a function uses
 * it as its frame pointer, are known as constant offsets from rsp at the unit's entry, and then
 * appear as {@link Uop} `sp` instead of as variables.
 */
import type { Addr } from '../../addr.ts';
import type { AddressClass } from './address-class.ts';

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
