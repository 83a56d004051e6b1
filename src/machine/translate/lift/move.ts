/** Moves, extensions, exchanges and conditional moves as micro-operations (Intel SDM vol. 2, the entry of each mnemonic). */
import { RAX, RBP, RDX, RSP } from '../../cpu.ts';
import type { Width } from '../ir/uop.ts';
import { address } from './address.ts';
import { binary, copy, type Handler, operand, read, write } from './operand.ts';
import { conditionOf } from './shape.ts';
import { moveFrame, reloadFrame, remember } from './stack.ts';
import { variableValue } from './value.ts';

const mov: Handler = (l, d) => {
  const dst = operand(l, d, 0);
  const src = operand(l, d, 1);
  if (!dst || !src) return false;
  if (dst.w === 8 && l.isFrame(src.reg) && src.reg >= 0) {
    if (dst.reg === RSP || dst.reg === RBP) return moveFrame(l, dst.reg, l.frameOffset(src.reg));
  }
  if (dst.reg === RSP && !dst.high) return false;
  if (dst.reg === RBP && dst.w === 8 && src.mem?.frame && reloadFrame(l, src.mem.disp)) return true;
  if (dst.mem) l.check(dst.mem, dst.w, true);
  if (dst.mem?.frame && dst.w === 8) remember(l, dst.mem.disp, src.reg);
  return write(l, dst, read(l, src));
};

const lea: Handler = (l, d) => {
  const { insn, form } = d;
  const w = form.operands[0]!.size as Width;
  if (w === 8 && (insn.reg === RSP || insn.reg === RBP) && insn.index < 0 && insn.base >= 0 && l.isFrame(insn.base)) {
    return moveFrame(l, insn.reg, l.frameOffset(insn.base) + insn.disp);
  }
  if (insn.reg === RSP) return false;
  return l.setReg(insn.reg, w, variableValue(address(l)));
};

const extend =
  (sign: boolean): Handler =>
  (l, d) => {
    const dst = operand(l, d, 0);
    const src = operand(l, d, 1);
    if (!dst || !src || dst.reg === RSP) return false;
    if (src.mem) {
      l.check(src.mem, src.w, false);
      return write(l, dst, variableValue(l.load(src.mem, src.w, sign)));
    }
    const a = l.variable(read(l, src));
    const t = l.temp();
    if (sign) l.emit({ op: 'sext', d: t, a, w: src.w, to: 8 });
    else l.emit({ op: 'zext', d: t, a, w: src.w });
    return write(l, dst, variableValue(t));
  };

/** cbw family: the accumulator sign-extended in itself. */
const widen =
  (w: Width): Handler =>
  (l) => {
    const t = l.temp();
    l.emit({ op: 'sext', d: t, a: RAX, w: (w / 2) as Width, to: 8 });
    return l.setReg(RAX, w, variableValue(t));
  };

/** cdq, cqo: rdx filled with the accumulator's sign. */
const signToRdx =
  (w: 4 | 8): Handler =>
  (l) => {
    const t = l.temp();
    l.emit({ op: 'sar', w, d: t, a: RAX, b: -1, lo: 8 * w - 1, hi: 0 });
    return l.setReg(RDX, w, variableValue(t));
  };

const xchg: Handler = (l, d) => {
  const x = operand(l, d, 0);
  const y = operand(l, d, 1);
  if (!x || !y || x.reg === RSP || y.reg === RSP) return false;
  if (x.reg >= 0 && x.reg === y.reg) return x.w === 8;
  if (x.mem) l.check(x.mem, x.w, true);
  const a = x.reg >= 0 ? copy(l, l.variable(read(l, x, true))) : read(l, x, true);
  const b = read(l, y);
  return write(l, x, b) && write(l, y, a);
};

const xadd: Handler = (l, d) => {
  const dst = operand(l, d, 0);
  const src = operand(l, d, 1);
  if (!dst?.mem || !src || src.reg === RSP) return false;
  l.check(dst.mem, dst.w, true);
  const a = l.variable(read(l, dst, true));
  const b = read(l, src);
  const sum = binary(l, 'add', dst.w, a, b);
  l.flags('add', dst.w, sum, variableValue(a));
  l.store(dst.mem, dst.w, variableValue(sum));
  return write(l, src, variableValue(a));
};

const cmpxchg: Handler = (l, d) => {
  const dst = operand(l, d, 0);
  const src = operand(l, d, 1);
  if (!dst?.mem || !src || dst.w < 4) return false;
  l.check(dst.mem, dst.w, true);
  const old = l.variable(read(l, dst, true));
  const wanted = l.variable(read(l, src));
  l.flags('cmp', dst.w, RAX, variableValue(old));
  const value = copy(l, old).v;
  l.emit({ op: 'cmov', d: value, a: wanted, cc: 4 });
  l.store(dst.mem, dst.w, variableValue(value));
  l.emit({ op: 'cmov', d: RAX, a: old, cc: 5 });
  return true;
};

const cmov: Handler = (l, d) => {
  const dst = operand(l, d, 0);
  const src = operand(l, d, 1);
  if (!dst || !src || dst.w < 4 || l.isFrame(dst.reg)) return false;
  const a = l.variable(read(l, src));
  const t = copy(l, dst.reg).v;
  l.emit({ op: 'cmov', d: t, a, cc: conditionOf(d.form.mnemonic, 'cmov') });
  return write(l, dst, variableValue(t));
};

const setcc: Handler = (l, d) => {
  const dst = operand(l, d, 0);
  if (!dst) return false;
  if (dst.mem) l.check(dst.mem, 1, true);
  const t = l.temp();
  l.emit({ op: 'setcc', d: t, cc: conditionOf(d.form.mnemonic, 'set') });
  return write(l, dst, variableValue(t));
};

export const moveHandlers: Readonly<Record<string, Handler>> = {
  mov,
  lea,
  movzx: extend(false),
  movsx: extend(true),
  movsxd: extend(true),
  cbw: widen(2),
  cwde: widen(4),
  cdqe: widen(8),
  cdq: signToRdx(4),
  cqo: signToRdx(8),
  xchg,
  xadd,
  cmpxchg,
};

export { cmov, setcc };
