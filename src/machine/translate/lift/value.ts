/** What the lifter has instructions' operands as: values, and places in memory. */
import type { AddressClass } from '../ir/address-class.ts';

/** A memory operand: in the unit's own frame, or at variable + displacement. */
export interface Place {
  readonly frame: boolean;
  readonly a: number;
  readonly disp: number;
  readonly cls: AddressClass;
  readonly p: number;
}

/** A value: a variable, or where `v` is -1 the immediate. */
export interface Value {
  readonly v: number;
  readonly lo: number;
  readonly hi: number;
}

export const variableValue = (v: number): Value => ({ v, lo: 0, hi: 0 });
export const immediate = (lo: number, hi = lo >> 31): Value => ({ v: -1, lo, hi });
