/**
 * Instructions to micro-operations. What has none here stays `generic` or `transfer`: its handler is called.
 * A memory operand becomes a load before and a store behind the operation; where an instruction writes what it
 * read, the load is checked for writing, so that nothing has changed when the access faults.
 */
import { conditions, type Form, form, PREFIX, RIP } from '../../x86/index.ts';
import { addrHi, addrLo } from '../addr.ts';
import { CPU } from '../cpu.ts';
import { CPU_PHYS } from '../layout.ts';
import { SCRATCH } from './constants.ts';
import { IMM, MEM, REG, type Step } from './context.ts';
import { UOP } from './uop.ts';

/** Where micro-operations go: `blocks.ts`. */
export interface Sink {
  emit(op: number, a?: number, b?: number, c?: number, d?: number, e?: number, f?: number): void;
  constant(lo: number, hi: number): number;
  /** TLB tables of the block's mode */
  readonly readTable: number;
  readonly writeTable: number;
  /** Last operation emitted, if the instruction before this one emitted it: `cmp` and `test` fuse with a branch. */
  readonly fusible: number;
  fuse(op: number, negate: number, target: number): void;
  /** A conditional branch: continues behind it when not taken. */
  branch(op: number, negate: number, target: number): void;
  jump(target: number): void;
}

const REGS = CPU_PHYS >> 2;
const ADDRESS = SCRATCH;
const VALUE = SCRATCH + 2;

/** Instructions that end a block and that only their handler knows. */
const TRANSFER = /^(call|jmp|ret|int3|int1|int|hlt|vmcall|syscall|sysretq|iretq|popfq|ud[12]|loop|loope|loopne|jrcxz)$/;
const NOTHING = /^(nop|pause|endbr64|endbr32|prefetch.*|[lms]fence)$/;
const ALU: Readonly<Record<string, readonly [number, number]>> = {
  add: [UOP.add64, UOP.add32],
  sub: [UOP.sub64, UOP.sub32],
  and: [UOP.and64, UOP.and32],
  or: [UOP.or64, UOP.or32],
  xor: [UOP.xor64, UOP.xor32],
  cmp: [UOP.cmp64, UOP.cmp32],
  test: [UOP.test64, UOP.test32],
};
const SHIFT: Readonly<Record<string, readonly [number, number]>> = {
  shl: [UOP.shl64, UOP.shl32],
  sal: [UOP.shl64, UOP.shl32],
  shr: [UOP.shr64, UOP.shr32],
  sar: [UOP.sar64, UOP.sar32],
  shlx: [UOP.shl64n, UOP.shl32n],
  shrx: [UOP.shr64n, UOP.shr32n],
  sarx: [UOP.sar64n, UOP.sar32n],
};
/** The eight conditions whose negations are the odd codes: o b e be s p l le. */
const BRANCH = [UOP.jo, UOP.jb, UOP.je, UOP.jbe, UOP.js, UOP.jp, UOP.jl, UOP.jle];
const NONE = -1;
const FUSED: Readonly<Record<number, readonly number[]>> = {
  [UOP.cmp64]: [NONE, UOP.cmp64b, UOP.cmp64e, UOP.cmp64be, NONE, NONE, UOP.cmp64l, UOP.cmp64le],
  [UOP.cmp32]: [NONE, UOP.cmp32b, UOP.cmp32e, UOP.cmp32be, NONE, NONE, UOP.cmp32l, UOP.cmp32le],
  [UOP.test64]: [NONE, NONE, UOP.test64e, NONE, UOP.test64s, NONE, UOP.test64s, UOP.test64le],
  [UOP.test32]: [NONE, NONE, UOP.test32e, NONE, UOP.test32s, NONE, UOP.test32s, UOP.test32le],
};
const conditionOf = new Map(conditions.map(([name], code) => [name, code]));

/** Emits a step's micro-operations. True: the block ends here. */
export function lower(s: Step, out: Sink): boolean {
  if (s.insn.prefixes & PREFIX.ADDRSIZE && s.insn.mem) return generic(s, out);
  const { row } = s.insn;
  return (lowerers[row] ?? lowererOf(row))(s, out);
}

type Lowerer = (s: Step, out: Sink) => boolean;

/** By row: chosen when the row is first met. */
const lowerers: (Lowerer | undefined)[] = [];

function lowererOf(row: number): Lowerer {
  const chosen = choose(form(row));
  lowerers[row] = chosen;
  return chosen;
}

/** An operation of the operand size, or undefined below 32 bits. */
const bySize = (f: Form, ops: readonly [number, number] | undefined): number | undefined =>
  ops === undefined || f.size < 4 ? undefined : f.size === 8 ? ops[0] : ops[1];

function choose(f: Form): Lowerer {
  const { mnemonic } = f;
  if (NOTHING.test(mnemonic)) return () => false;
  const alu = bySize(f, ALU[mnemonic]);
  if (alu !== undefined) return (s, out) => lowerAlu(s, out, alu);
  const shift = bySize(f, SHIFT[mnemonic]);
  if (shift !== undefined) return (s, out) => (s.insn.mem ? generic(s, out) : lowerShift(s, out, shift));
  const unary = bySize(f, UNARY[mnemonic]);
  if (unary !== undefined) {
    return (s, out) => {
      if (s.insn.mem) return generic(s, out);
      out.emit(unary, s.regs[0]! + REGS);
      return false;
    };
  }
  const code = conditionOf.get(mnemonic.replace(/^(cmov|set|j)/, '')) ?? -1;
  if (code >= 0 && mnemonic.startsWith('j')) return (s, out) => lowerBranch(s, out, code);
  if (code >= 0 && mnemonic.startsWith('cmov') && f.size >= 4) {
    const op = f.size === 8 ? UOP.cmov64 : UOP.cmov32;
    return (s, out) => {
      out.emit(op, s.regs[0]! + REGS, operand(s, out, 1, VALUE), 0, code);
      return false;
    };
  }
  if (code >= 0 && mnemonic.startsWith('set')) {
    return (s, out) => {
      if (s.kinds[0] !== REG) return generic(s, out);
      out.emit(UOP.setcc, s.regs[0]! + REGS, 0, 0, code);
      return false;
    };
  }
  return BY_NAME[mnemonic] ?? generic;
}

const UNARY: Readonly<Record<string, readonly [number, number]>> = {
  neg: [UOP.neg64, UOP.neg32],
  not: [UOP.not64, UOP.not32],
  bswap: [UOP.bswap64, UOP.bswap32],
};

const BY_NAME: Readonly<Record<string, Lowerer>> = {
  mov: lowerMov,
  movzx: lowerExtend,
  movsx: lowerExtend,
  movsxd: lowerExtend,
  lea: (s, out) => {
    if (s.size !== 8) return generic(s, out);
    const d = s.regs[0]! + REGS;
    const [base, disp] = address(s, out, d);
    if (base !== d || disp !== 0) out.emit(UOP.lea, d, base, disp);
    return false;
  },
  imul: (s, out) => {
    const last = s.kinds.length - 1;
    if (last < 1 || s.size < 4) return generic(s, out);
    const b = operand(s, out, last, VALUE);
    const a = s.kinds[last - 1] === MEM ? operand(s, out, last - 1, VALUE) : s.regs[last - 1]! + REGS;
    out.emit(s.size === 8 ? UOP.imul64 : UOP.imul32, s.regs[0]! + REGS, b, a);
    return false;
  },
  rorx: (s, out) => {
    if (s.size !== 4) return generic(s, out);
    const value = operand(s, out, 1, VALUE);
    out.emit(UOP.rol32n, s.regs[0]! + REGS, out.constant((32 - s.insn.immLo) & 31, 0), value);
    return false;
  },
  push: (s, out) => {
    if (s.sizes[0] === 2) return generic(s, out);
    out.emit(UOP.push, 0, operand(s, out, 0, VALUE), 0, out.writeTable);
    return false;
  },
  pop: (s, out) => {
    if (s.kinds[0] !== REG || s.sizes[0] !== 8) return generic(s, out);
    out.emit(UOP.pop, s.regs[0]! + REGS, 0, 0, out.readTable);
    return false;
  },
  leave: (_s, out) => {
    out.emit(UOP.leave, 0, 0, 0, out.readTable);
    return false;
  },
  cdqe: (_s, out) => {
    out.emit(UOP.cdqe);
    return false;
  },
  cqo: (_s, out) => {
    out.emit(UOP.cqo);
    return false;
  },
  ret: (s, out) => {
    out.emit(UOP.ret, 0, 0, 8 + (s.insn.immLo & 0xffff), out.readTable);
    return true;
  },
  call: (s, out) => {
    if (s.kinds[0] !== IMM) return generic(s, out);
    out.emit(UOP.call, 0, out.constant(addrLo(s.next), addrHi(s.next)), 0, out.writeTable);
    out.jump(s.next + s.insn.immLo);
    return true;
  },
  jmp: (s, out) => {
    if (s.kinds[0] !== IMM) return generic(s, out);
    out.emit(UOP.jmp);
    out.jump(s.next + s.insn.immLo);
    return true;
  },
};

function generic(s: Step, out: Sink): boolean {
  const ends = TRANSFER.test(s.form.mnemonic);
  out.emit(ends ? UOP.transfer : UOP.generic);
  return ends;
}

/** Index of an operand's value: register, constant, or loaded into `into`. */
function operand(s: Step, out: Sink, i: number, into: number): number {
  if (s.kinds[i] === REG) return s.regs[i]! + REGS;
  if (s.kinds[i] === MEM) {
    const [base, disp] = address(s, out, ADDRESS);
    out.emit(s.sizes[i] === 8 ? UOP.load64 : UOP.load32, into, base, disp, out.readTable);
    return into;
  }
  return s.regs[i] === -2 ? out.constant(1, 0) : out.constant(s.insn.immLo, s.insn.immHi);
}

/** Base index and displacement of the memory operand; an index register or a segment is added up into `into`. */
function address(s: Step, out: Sink, into: number): [base: number, disp: number] {
  const { insn, form: f } = s;
  const { disp } = insn;
  const segment = f.mnemonic === 'lea' ? 0 : insn.segment;
  if (f.modrm < 0) {
    const at = out.constant(insn.immLo, insn.immHi);
    return segment === 0 ? [at, 0] : add(out, into, segmentIndex(segment), at, 0, 0);
  }
  const none = insn.base < 0 && insn.index < 0;
  if (segment !== 0) {
    if (none) return [segmentIndex(segment), disp];
    if (insn.index < 0 && insn.base !== RIP)
      return add(out, into, segmentIndex(segment), REGS + insn.base * 2, 0, disp);
    const at = baseOf(s, out);
    const [sum] = insn.index < 0 ? [at] : add(out, into, at, REGS + insn.index * 2, insn.scale, 0);
    return add(out, into, segmentIndex(segment), sum as number, 0, insn.base === RIP ? 0 : disp);
  }
  if (none) return [out.constant(disp, disp >> 31), 0];
  if (insn.index < 0) return insn.base === RIP ? [baseOf(s, out), 0] : [REGS + insn.base * 2, disp];
  return add(out, into, baseOf(s, out), REGS + insn.index * 2, insn.scale, disp);
}

function baseOf(s: Step, out: Sink): number {
  const { insn } = s;
  if (insn.base === RIP) {
    const target = s.next + insn.disp;
    return out.constant(addrLo(target), addrHi(target));
  }
  return insn.base < 0 ? out.constant(0, 0) : REGS + insn.base * 2;
}

function add(out: Sink, into: number, base: number, index: number, scale: number, disp: number): [number, number] {
  out.emit(UOP.leaIndex, into, base, disp, 0, index, scale);
  return [into, 0];
}

const segmentIndex = (segment: number): number => (CPU_PHYS + (segment === 4 ? CPU.fsBase : CPU.gsBase)) >> 2;

function lowerAlu(s: Step, out: Sink, op: number): boolean {
  const compares = op >= UOP.cmp64;
  if (s.kinds[0] === REG) {
    out.emit(op, s.regs[0]! + REGS, operand(s, out, 1, VALUE));
    return false;
  }
  const [base, disp] = address(s, out, ADDRESS);
  const wide = s.form.size === 8;
  const source = s.kinds[1] === REG ? s.regs[1]! + REGS : out.constant(s.insn.immLo, s.insn.immHi);
  out.emit(wide ? UOP.load64 : UOP.load32, VALUE, base, disp, compares ? out.readTable : out.writeTable);
  out.emit(op, VALUE, source);
  if (!compares) out.emit(wide ? UOP.store64 : UOP.store32, VALUE, base, disp, out.writeTable);
  return false;
}

/** dst = value shifted by count; a 32-bit shlx or shl alike. */
function lowerShift(s: Step, out: Sink, op: number): boolean {
  const d = s.regs[0]! + REGS;
  if (s.form.vex) {
    out.emit(op, d, s.regs[2]! + REGS, s.regs[1]! + REGS);
    return false;
  }
  const count =
    s.kinds[1] === IMM && s.regs[1] !== -2
      ? out.constant(s.insn.immLo & (s.form.size === 8 ? 63 : 31), 0)
      : operand(s, out, 1, VALUE);
  out.emit(op, d, count, d);
  return false;
}

function lowerMov(s: Step, out: Sink): boolean {
  const size = s.sizes[0]!;
  const [to, from] = s.kinds;
  if (to === REG && from === MEM && size >= 4) {
    const [base, disp] = address(s, out, ADDRESS);
    out.emit(size === 8 ? UOP.load64 : UOP.load32, s.regs[0]! + REGS, base, disp, out.readTable);
    return false;
  }
  if (to === MEM && (from === REG || from === IMM)) {
    const [base, disp] = address(s, out, ADDRESS);
    const value = from === REG ? s.regs[1]! + REGS : out.constant(s.insn.immLo, s.insn.immHi);
    const op = size === 8 ? UOP.store64 : size === 4 ? UOP.store32 : size === 2 ? UOP.store16 : UOP.store8;
    out.emit(op, value, base, disp, out.writeTable);
    return false;
  }
  if (to === REG && size >= 4 && (from === REG || from === IMM)) {
    const value =
      from === REG
        ? s.regs[1]! + REGS
        : size === 8
          ? out.constant(s.insn.immLo, s.insn.immHi)
          : out.constant(s.insn.immLo, 0);
    out.emit(from === REG && size === 4 ? UOP.mov32 : UOP.mov64, s.regs[0]! + REGS, value);
    return false;
  }
  return generic(s, out);
}

function lowerExtend(s: Step, out: Sink): boolean {
  const to = s.sizes[0]!;
  const from = s.sizes[1]!;
  if (to < 4 || (s.kinds[1] !== REG && s.kinds[1] !== MEM)) return generic(s, out);
  const signed = s.form.mnemonic !== 'movzx';
  const memory = s.kinds[1] === MEM;
  let op: number;
  if (!signed) op = memory ? (from === 2 ? UOP.load16 : UOP.load8) : from === 2 ? UOP.movzx16 : UOP.movzx8;
  else if (from === 4) op = to === 8 ? (memory ? UOP.loadS32 : UOP.movsx32) : memory ? UOP.load32 : UOP.mov32;
  else if (to === 8) op = memory ? (from === 2 ? UOP.loadS16 : UOP.loadS8) : from === 2 ? UOP.movsx16 : UOP.movsx8;
  else op = memory ? (from === 2 ? UOP.loadS16to32 : UOP.loadS8to32) : from === 2 ? UOP.movsx16to32 : UOP.movsx8to32;
  if (memory) {
    const [base, disp] = address(s, out, ADDRESS);
    out.emit(op, s.regs[0]! + REGS, base, disp, out.readTable);
  } else out.emit(op, s.regs[0]! + REGS, s.regs[1]! + REGS);
  return false;
}

function lowerBranch(s: Step, out: Sink, code: number): boolean {
  const negate = code & 1;
  const target = s.next + s.insn.immLo;
  const fused = FUSED[out.fusible]?.[code >> 1] ?? NONE;
  if (fused !== NONE) out.fuse(fused, negate, target);
  else out.branch(BRANCH[code >> 1] as number, negate, target);
  return false;
}
