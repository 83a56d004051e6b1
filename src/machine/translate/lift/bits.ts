/** Shifts, rotates, byte swaps and bit tests as micro-operations (Intel SDM vol. 2, the entry of each mnemonic). */
import { RSP } from '../../cpu.ts';
import type { FlagKind } from '../ir/uop.ts';
import type { Lifter } from './lifter.ts';
import { binary, copy, type Handler, type Operand, operand, read, write } from './operand.ts';
import { immediate, variableValue } from './value.ts';

const shift =
  (op: 'shl' | 'shr' | 'sar' | 'rotl' | 'rotr', rotate: boolean): Handler =>
  (l, d) => {
    const dst = operand(l, d, 0);
    const by = operand(l, d, 1);
    if (!dst || !by || dst.reg === RSP) return false;
    if (rotate && !by.imm) return false;
    const mask = dst.w === 8 ? 63 : 31;
    const count = by.imm ? by.imm.lo & mask : -1;
    // Narrow shifts by more than the width have flags of their own.
    if (dst.w < 4 && (count < 0 || count >= 8 * dst.w)) return false;
    if (dst.mem) l.check(dst.mem, dst.w, true);
    let a = l.variable(read(l, dst, true));
    if (count === 0) return write(l, dst, variableValue(a));
    if (dst.w < 4 && op !== 'shl') {
      const t = l.temp();
      if (op === 'sar') l.emit({ op: 'sext', d: t, a, w: dst.w, to: 8 });
      else l.emit({ op: 'zext', d: t, a, w: dst.w });
      a = t;
    } else if (dst.reg >= 0) a = copy(l, a).v;
    if (rotate) return rotateBy(l, dst, op === 'rotl', a, count);
    if (count > 0) {
      const result = binary(l, op, dst.w, a, immediate(count));
      l.emit({ op: 'flags', kind: op as FlagKind, w: dst.w, a: result, b: a, lo: count, hi: 0 });
      return write(l, dst, variableValue(result));
    }
    const c = binary(l, 'and', 4, l.variable(read(l, by)), immediate(mask));
    const result = binary(l, op, dst.w, a, variableValue(c));
    l.emit({ op: 'flags.var', kind: op as FlagKind, w: dst.w, a: result, b: a, c });
    return write(l, dst, variableValue(result));
  };

function rotateBy(l: Lifter, dst: Operand, left: boolean, a: number, count: number): boolean {
  let result: number;
  if (dst.w >= 4) result = binary(l, left ? 'rotl' : 'rotr', dst.w, a, immediate(count));
  else {
    const bits = 8 * dst.w;
    const up = left ? count : bits - count;
    const high = binary(l, 'shl', 4, a, immediate(up));
    const low = binary(l, 'shr', 4, a, immediate(bits - up));
    result = binary(l, 'or', 4, high, variableValue(low));
  }
  l.overlay(left ? 'rol' : 'ror', dst.w, result, immediate(0));
  return write(l, dst, variableValue(result));
}

const shiftx =
  (op: 'shl' | 'shr' | 'sar'): Handler =>
  (l, d) => {
    const dst = operand(l, d, 0);
    const src = operand(l, d, 1);
    const by = operand(l, d, 2);
    if (!dst || !src || !by || dst.reg === RSP) return false;
    const a = l.variable(read(l, src));
    return write(l, dst, variableValue(binary(l, op, dst.w, a, read(l, by))));
  };

const rorx: Handler = (l, d) => {
  const dst = operand(l, d, 0);
  const src = operand(l, d, 1);
  if (!dst || !src || dst.reg === RSP) return false;
  return write(l, dst, variableValue(binary(l, 'rotr', dst.w, l.variable(read(l, src)), immediate(d.insn.immLo))));
};

const bswap: Handler = (l, d) => {
  const dst = operand(l, d, 0);
  if (!dst || dst.reg === RSP) return false;
  const a = l.variable(read(l, dst));
  const t = l.temp();
  l.emit({ op: 'bswap', d: t, a, w: dst.w });
  return write(l, dst, variableValue(t));
};

const movbe: Handler = (l, d) => {
  const dst = operand(l, d, 0);
  const src = operand(l, d, 1);
  if (!dst || !src || dst.reg === RSP) return false;
  if (dst.mem) l.check(dst.mem, dst.w, true);
  const a = l.variable(read(l, src));
  const t = l.temp();
  l.emit({ op: 'bswap', d: t, a, w: dst.w });
  return write(l, dst, variableValue(t));
};

const bt: Handler = (l, d) => {
  const x = operand(l, d, 0);
  const y = operand(l, d, 1);
  if (!x || !y || x.mem || x.w < 4) return false;
  const of = l.temp();
  l.emit({ op: 'setcc', d: of, cc: 0 });
  const shifted = binary(l, 'shr', x.w, l.variable(read(l, x)), read(l, y));
  l.overlay('co', x.w, binary(l, 'and', 4, shifted, immediate(1)), variableValue(of));
  return true;
};

export const bitHandlers: Readonly<Record<string, Handler>> = {
  shl: shift('shl', false),
  sal: shift('shl', false),
  shr: shift('shr', false),
  sar: shift('sar', false),
  rol: shift('rotl', true),
  ror: shift('rotr', true),
  shlx: shiftx('shl'),
  shrx: shiftx('shr'),
  sarx: shiftx('sar'),
  rorx,
  bswap,
  movbe,
  bt,
};
