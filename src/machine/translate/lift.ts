/**
 * x86 instructions as micro-operations (Intel SDM vol. 2, the entry of each mnemonic). A handler
 * gives false where it leaves the instruction to the stepper. Checks that may leave come before
 * anything that changes a register, memory or the flags.
 */
import { CPU, FLAG, RAX, RBP, RDX, RSP } from '../cpu.ts';
import { type AluOp, type Decoded, DYNAMIC, type FlagKind, type Width } from './ir.ts';
import { immediate, type Lifter, type Place, type Value, variableValue } from './lifter.ts';
import { conditionOf, hasOddPrefix } from './shape.ts';

type Handler = (l: Lifter, d: Decoded) => boolean;

/** Operand `i` in its place: memory is described, not read. */
interface Operand {
  readonly w: Width;
  /** register number, -1 where it is something else */
  readonly reg: number;
  /** ah, ch, dh, bh */
  readonly high: boolean;
  readonly mem: Place | undefined;
  readonly imm: Value | undefined;
}

const register = (w: Width, n: number): Operand => ({
  w,
  reg: n > 15 ? n - 16 : n,
  high: n > 15,
  mem: undefined,
  imm: undefined,
});
const constant = (w: Width, imm: Value): Operand => ({ w, reg: -1, high: false, mem: undefined, imm });

function memory(l: Lifter, w: Width): Operand | undefined {
  const mem = l.place();
  return mem && { w, reg: -1, high: false, mem, imm: undefined };
}

function operand(l: Lifter, d: Decoded, i: number): Operand | undefined {
  const o = d.form.operands[i]!;
  const w = (o.size || d.form.size) as Width;
  switch (o.place) {
    case 'imm':
    case 'rel':
      return constant(w, immediate(d.insn.immLo, d.insn.immHi));
    case 'imm2':
      return constant(w, immediate(d.insn.imm2));
    case 'fixed':
      return o.fixed < 0 ? constant(w, immediate(1)) : register(w, o.fixed);
    case 'moffs':
      return memory(l, w);
    case 'rm':
      return d.insn.mem ? memory(l, w) : register(w, d.insn.rm);
    case 'vvvv':
      return register(w, d.insn.vvvv);
    default:
      return register(w, d.insn.reg);
  }
}

/** Reads an operand: low bytes count, what is above them is arbitrary unless it was memory. */
function read(l: Lifter, o: Operand, checked = false): Value {
  if (o.imm) return o.imm;
  if (o.mem) {
    if (!checked) l.check(o.mem, o.w, false);
    return variableValue(l.load(o.mem, o.w));
  }
  const v = l.reg(o.reg);
  if (!o.high) return variableValue(v);
  const t = l.temp();
  l.emit({ op: 'shr', w: 8, d: t, a: v, b: -1, lo: 8, hi: 0 });
  return variableValue(t);
}

/** Writes an operand whose memory has been checked. */
function write(l: Lifter, o: Operand, v: Value): boolean {
  if (o.mem) l.store(o.mem, o.w, v);
  else if (o.high) {
    if (l.isFrame(o.reg)) return false;
    l.emit({ op: 'insert', d: o.reg, a: l.variable(v), w: 1, shift: 8 });
  } else return l.setReg(o.reg, o.w, v);
  return true;
}

/** Computation is done in 32 or 64 bits. */
const wide = (w: Width): 4 | 8 => (w === 8 ? 8 : 4);

function binary(l: Lifter, op: AluOp, w: Width, a: number, b: Value): number {
  const d = l.temp();
  l.emit({ op, w: wide(w), d, a, b: b.v, lo: b.lo, hi: b.hi });
  return d;
}

/** add/sub of a constant to rsp keeps the frame known. */
function adjustStack(l: Lifter, d: Decoded, by: number, kind: FlagKind): boolean {
  l.state.sp += by;
  const t = l.temp();
  l.emit({ op: 'sp', d: t, disp: l.state.sp });
  l.flags(kind, 8, t, immediate(d.insn.immLo, d.insn.immHi));
  return true;
}

const arithmetic =
  (op: AluOp, kind: FlagKind): Handler =>
  (l, d) => {
    const dst = operand(l, d, 0);
    const src = operand(l, d, 1);
    if (!dst || !src) return false;
    if (dst.reg === RSP && !dst.high) {
      if (dst.w !== 8 || !src.imm || kind === 'logic') return false;
      return adjustStack(l, d, op === 'add' ? d.insn.immLo : -d.insn.immLo, kind);
    }
    if (op === 'xor' && dst.reg >= 0 && dst.reg === src.reg && dst.w >= 4) {
      l.flags('logic', 8, l.variable(immediate(0)), immediate(0));
      return write(l, dst, immediate(0));
    }
    if (src.mem) l.check(src.mem, src.w, false);
    if (dst.mem) l.check(dst.mem, dst.w, true);
    const b = read(l, src, true);
    const a = l.variable(read(l, dst, true));
    const result = binary(l, op, dst.w, a, b);
    // The source may be the destination: keep its value for the flags.
    const kept = kind !== 'logic' && b.v >= 0 && b.v === dst.reg ? copy(l, b.v) : b;
    l.flags(kind, dst.w, result, kept);
    return write(l, dst, variableValue(result));
  };

function copy(l: Lifter, v: number): Value {
  const t = l.temp();
  l.emit({ op: 'mov', d: t, a: v });
  return variableValue(t);
}

const compare =
  (kind: 'cmp' | 'test'): Handler =>
  (l, d) => {
    const x = operand(l, d, 0);
    const y = operand(l, d, 1);
    if (!x || !y) return false;
    const a = l.variable(read(l, x));
    const b = read(l, y);
    if (kind === 'cmp') l.flags('cmp', x.w, a, b);
    else l.flags('logic', x.w, b.v === a ? a : binary(l, 'and', x.w, a, b), immediate(0));
    return true;
  };

const step =
  (op: 'add' | 'sub', kind: 'inc' | 'dec'): Handler =>
  (l, d) => {
    const dst = operand(l, d, 0);
    if (!dst || dst.reg === RSP) return false;
    if (dst.mem) l.check(dst.mem, dst.w, true);
    const cf = l.temp();
    l.emit({ op: 'setcc', d: cf, cc: 2 });
    const a = l.variable(read(l, dst, true));
    const result = binary(l, op, dst.w, a, immediate(1));
    l.flags(kind, dst.w, result, immediate(1));
    l.overlay('cf', dst.w, cf, immediate(0));
    return write(l, dst, variableValue(result));
  };

const neg: Handler = (l, d) => {
  const dst = operand(l, d, 0);
  if (!dst || dst.reg === RSP) return false;
  if (dst.mem) l.check(dst.mem, dst.w, true);
  const a = l.variable(read(l, dst, true));
  const zero = l.variable(immediate(0));
  const result = binary(l, 'sub', dst.w, zero, variableValue(a));
  l.flags('sub', dst.w, result, dst.reg >= 0 ? copy(l, a) : variableValue(a));
  return write(l, dst, variableValue(result));
};

const not: Handler = (l, d) => {
  const dst = operand(l, d, 0);
  if (!dst || dst.reg === RSP) return false;
  if (dst.mem) l.check(dst.mem, dst.w, true);
  const a = l.variable(read(l, dst, true));
  return write(l, dst, variableValue(binary(l, 'xor', dst.w, a, immediate(-1))));
};

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

/** Keeps in mind where rbp lies in the frame; anything else stored there takes its place. */
function remember(l: Lifter, at: number, reg: number): void {
  if (reg !== RBP && !l.state.saved.has(at)) return;
  const saved = new Map(l.state.saved);
  if (reg === RBP) saved.set(at, l.state.bp);
  else saved.delete(at);
  l.state = { ...l.state, saved };
}

/** rbp comes back from where it was kept: where that was a known offset, it must be that one. */
function reloadFrame(l: Lifter, at: number): boolean {
  const before = l.state.saved.get(at) ?? DYNAMIC;
  if (before === DYNAMIC) return false;
  const v = l.temp();
  l.touch(at, 8);
  l.emit({ op: 'load.sp', d: v, disp: at, w: 8, sign: false });
  l.emit({ op: 'expect', a: v, sp: before, lo: 0, hi: 0, w: 8, not: false, exit: l.exit() });
  l.state.bp = before;
  return true;
}

/** rsp or rbp becomes another known offset. */
function moveFrame(l: Lifter, reg: number, offset: number): boolean {
  if (reg === RSP) l.state.sp = offset;
  else if (l.options.dynamicBp) l.emit({ op: 'sp', d: RBP, disp: offset });
  else l.state.bp = offset;
  return true;
}

const lea: Handler = (l, d) => {
  const { insn, form } = d;
  const w = form.operands[0]!.size as Width;
  if (w === 8 && (insn.reg === RSP || insn.reg === RBP) && insn.index < 0 && insn.base >= 0 && l.isFrame(insn.base)) {
    return moveFrame(l, insn.reg, l.frameOffset(insn.base) + insn.disp);
  }
  if (insn.reg === RSP) return false;
  return l.setReg(insn.reg, w, variableValue(l.address()));
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

const imul: Handler = (l, d) => {
  if (d.form.operands.length === 1) return false;
  const dst = operand(l, d, 0);
  const src = operand(l, d, 1);
  const third = d.form.operands.length > 2 ? operand(l, d, 2) : undefined;
  if (!dst || !src || dst.w < 4 || dst.reg === RSP) return false;
  const b = l.variable(read(l, src));
  const a = third?.imm ? b : l.variable(read(l, dst));
  const factor = third?.imm ?? variableValue(b);
  l.overlay('imul', dst.w, a, factor);
  return write(l, dst, variableValue(binary(l, 'mul', dst.w, a, factor)));
};

const mul: Handler = (l, d) => {
  const src = operand(l, d, 0);
  if (!src || src.w < 4) return false;
  const b = l.variable(read(l, src));
  if (src.w === 8) {
    const high = l.temp();
    l.emit({ op: 'mulhu', d: high, a: RAX, b });
    const low = binary(l, 'mul', 8, RAX, variableValue(b));
    l.overlay('mul', 8, high, immediate(0));
    return l.setReg(RAX, 8, variableValue(low)) && l.setReg(RDX, 8, variableValue(high));
  }
  const x = l.temp();
  const y = l.temp();
  l.emit({ op: 'zext', d: x, a: RAX, w: 4 });
  l.emit({ op: 'zext', d: y, a: b, w: 4 });
  const product = binary(l, 'mul', 8, x, variableValue(y));
  const high = binary(l, 'shr', 8, product, immediate(32));
  l.overlay('mul', 4, high, immediate(0));
  return l.setReg(RAX, 4, variableValue(product)) && l.setReg(RDX, 4, variableValue(high));
};

/** Quotients of 128 (64) bits go to the stepper, as do divisions that fault. */
const div =
  (sign: boolean): Handler =>
  (l, d) => {
    const src = operand(l, d, 0);
    if (!src || src.w < 4) return false;
    const b = l.variable(read(l, src));
    const exit = l.exit();
    const w = src.w;
    const expect = (a: number, lo: number, not: boolean): void =>
      l.emit({ op: 'expect', a, sp: undefined, lo, hi: lo >> 31, w, not, exit });
    expect(b, 0, true);
    if (sign) {
      expect(b, -1, true);
      const s = binary(l, 'sar', w, RAX, immediate(8 * w - 1));
      expect(binary(l, 'xor', w, s, variableValue(RDX)), 0, false);
    } else expect(RDX, 0, false);
    const q = binary(l, sign ? 'divs' : 'divu', w, RAX, variableValue(b));
    const r = binary(l, sign ? 'rems' : 'remu', w, RAX, variableValue(b));
    return l.setReg(RAX, w, variableValue(q)) && l.setReg(RDX, w, variableValue(r));
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

const push: Handler = (l, d) => {
  const src = operand(l, d, 0);
  if (!src || src.w === 2) return false;
  const v = read(l, src);
  l.push(v);
  remember(l, l.state.sp, src.reg);
  return true;
};

const pop: Handler = (l, d) => {
  const dst = operand(l, d, 0);
  if (dst?.w !== 8 || dst.mem || dst.reg === RSP) return false;
  if (dst.reg === RBP) return popFrame(l);
  const v = l.top();
  l.state.sp += 8;
  return l.setReg(dst.reg, 8, variableValue(v));
};

/** pop rbp: where a known offset was pushed, that is what must come back. */
function popFrame(l: Lifter): boolean {
  if (reloadFrame(l, l.state.sp)) {
    l.state.sp += 8;
    return true;
  }
  const v = l.top();
  l.state.sp += 8;
  return l.setReg(RBP, 8, variableValue(v));
}

const leave: Handler = (l) => {
  const { bp } = l.state;
  if (bp === DYNAMIC) return false;
  if (reloadFrame(l, bp)) {
    l.state.sp = bp + 8;
    return true;
  }
  const v = l.temp();
  l.touch(bp, 8);
  l.emit({ op: 'load.sp', d: v, disp: bp, w: 8, sign: false });
  l.state.sp = bp + 8;
  return l.setReg(RBP, 8, variableValue(v));
};

const STATUS = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF;

const pushfq: Handler = (l) => {
  const t = l.temp();
  l.emit({ op: 'rflags', d: t });
  // VM and RF are pushed as zero
  l.push(variableValue(binary(l, 'and', 8, t, immediate(0xfc_ffff))));
  return true;
};

/** popfq that changes more than the status flags, IF and DF is the stepper's. */
const popfq: Handler = (l) => {
  const v = l.top();
  const now = l.temp();
  l.emit({ op: 'cpu', d: now, at: CPU.rflags });
  const other = binary(
    l,
    'and',
    4,
    binary(l, 'xor', 4, v, variableValue(now)),
    immediate(~(STATUS | FLAG.IF | FLAG.DF | FLAG.FIXED)),
  );
  l.emit({ op: 'expect', a: other, sp: undefined, lo: 0, hi: 0, w: 4, not: false, exit: l.exit() });
  l.state.sp += 8;
  l.emit({ op: 'system', a: v, lo: 0, hi: FLAG.IF | FLAG.DF });
  l.flags('raw', 8, v, immediate(0));
  return true;
};

/** cli, sti, cld, std: nothing interrupts this CPU between two instructions anyway. */
const system =
  (mask: number, value: number): Handler =>
  (l) => {
    l.emit({ op: 'system', a: -1, lo: value, hi: mask });
    return true;
  };

const nothing: Handler = () => true;

const handlers: Readonly<Record<string, Handler>> = {
  add: arithmetic('add', 'add'),
  sub: arithmetic('sub', 'sub'),
  and: arithmetic('and', 'logic'),
  or: arithmetic('or', 'logic'),
  xor: arithmetic('xor', 'logic'),
  cmp: compare('cmp'),
  test: compare('test'),
  inc: step('add', 'inc'),
  dec: step('sub', 'dec'),
  neg,
  not,
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
  imul,
  mul,
  div: div(false),
  idiv: div(true),
  xchg,
  xadd,
  cmpxchg,
  bswap,
  movbe,
  bt,
  push,
  pop,
  leave,
  pushfq,
  popfq,
  cli: system(FLAG.IF, 0),
  sti: system(FLAG.IF, FLAG.IF),
  cld: system(FLAG.DF, 0),
  std: system(FLAG.DF, FLAG.DF),
  nop: nothing,
  pause: nothing,
  endbr64: nothing,
  endbr32: nothing,
  lfence: nothing,
  mfence: nothing,
  sfence: nothing,
  prefetch: nothing,
  prefetchw: nothing,
  prefetchwt1: nothing,
  prefetchnta: nothing,
  prefetcht0: nothing,
  prefetcht1: nothing,
  prefetcht2: nothing,
};

const REP = 0x02 | 0x04;

/** Handlers by table row; null where the stepper takes the instruction. */
const byRow: (Handler | null | undefined)[] = [];

function handlerOf(d: Decoded): Handler | null {
  const { mnemonic } = d.form;
  return handlers[mnemonic] ?? (mnemonic.startsWith('cmov') ? cmov : mnemonic.startsWith('set') ? setcc : null);
}

/** The target of an indirect jump or call, undefined where the stepper must take it. */
export function liftTarget(l: Lifter, d: Decoded): number | undefined {
  const o = hasOddPrefix(d) ? undefined : operand(l, d, 0);
  if (o === undefined) return undefined;
  // Kept apart: what follows may change the register.
  return copy(l, l.variable(read(l, o))).v;
}

/** Lifts one instruction that is not a jump, call or return; false leaves it to the stepper. */
export function lift(l: Lifter, d: Decoded): boolean {
  let handler = byRow[d.insn.row];
  if (handler === undefined) {
    handler = handlerOf(d);
    byRow[d.insn.row] = handler;
  }
  if (handler === null || hasOddPrefix(d) || (d.form.string && d.insn.prefixes & REP)) return false;
  const { sp, bp, saved, stackish } = l.state;
  const mark = l.uops.length;
  if (handler(l, d)) return true;
  l.uops.length = mark;
  l.state = { sp, bp, saved, stackish };
  return false;
}
