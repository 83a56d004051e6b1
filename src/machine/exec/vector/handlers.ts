/** SSE and SSE2: by the row of the x86 table, what an instruction does to registers and memory. */
import type { Form } from '../../../x86/index.ts';
import { CPU } from '../../cpu.ts';
import type { Context, Handler, Step } from '../context.ts';
import { CONVERT, doubleOf, integerOf, singleOf } from './convert.ts';
import { FLOAT, putLane } from './float.ts';
import { INTEGER, SHIFTS, type VectorOp } from './integer.ts';
import { destination, type Lanes, loadOperand, registers, source, storeMemory } from './lanes.ts';

/** MXCSR after a reset but for the flags: what this machine rounds and masks by */
const MXCSR_MODES = 0x1f80;
const MXCSR_FLAGS = 0x3f;

const OPS: Readonly<Record<string, VectorOp>> = { ...INTEGER, ...FLOAT, ...CONVERT };

const register = (x: Context, n: number): Lanes => registers(x)[n] as Lanes;
/** bytes of the r/m operand in memory */
const memoryBytes = (f: Form): number => f.operands.find((o) => o.place === 'rm')?.size ?? 16;

/** xmm becomes xmm op xmm/m */
function binary(op: VectorOp, f: Form): Handler {
  const bytes = memoryBytes(f);
  return (x, s) => {
    loadOperand(x, s, source, bytes);
    const to = register(x, s.insn.reg);
    destination.set(to);
    op(destination, source, s.insn.immLo & 0xff);
    to.set(destination);
    return 0;
  };
}
/** psllw xmm, imm8 and its kin */
const shiftByImmediate =
  (name: string): Handler =>
  (x, s) => {
    const to = register(x, s.insn.rm);
    destination.set(to);
    SHIFTS[name]?.(destination, s.insn.immLo & 0xff);
    to.set(destination);
    return 0;
  };

/** What a move into a register keeps of it, by the words that come: the rest, or nothing. */
function load(words: number, keeps: boolean | 'memory clears', bytes: number, aligned = false): Handler {
  return (x, s) => {
    loadOperand(x, s, source, bytes, aligned);
    const to = register(x, s.insn.reg).i32;
    const clears = keeps === 'memory clears' ? s.insn.mem : !keeps;
    for (let n = 0; n < 4; n++) if (n < words || clears) to[n] = n < words ? source.i32[n]! : 0;
    return 0;
  };
}
/** xmm/m, xmm: so many words; a register's rest stays, or becomes zero */
function store(words: number, aligned: boolean, clears = false): Handler {
  return (x, s) => {
    const from = register(x, s.insn.reg).i32;
    if (s.insn.mem) storeMemory(x, s, from, 4 * words, aligned);
    else {
      const to = register(x, s.insn.rm).i32;
      for (let n = 0; n < 4; n++) if (n < words || clears) to[n] = n < words ? from[n]! : 0;
    }
    return 0;
  };
}
/** One half of a register to or from 64 bits of memory or of another register. */
const half =
  (to: 0 | 2, from: 0 | 2): Handler =>
  (x, s) => {
    loadOperand(x, s, source, 8);
    const words = register(x, s.insn.reg).i32;
    const start = s.insn.mem ? 0 : from;
    const [lo, hi] = [source.i32[start]!, source.i32[start + 1]!];
    words[to] = lo;
    words[to + 1] = hi;
    return 0;
  };
const storeHalf =
  (from: 0 | 2): Handler =>
  (x, s) => {
    storeMemory(x, s, register(x, s.insn.reg).i32.subarray(from, from + 2), 8);
    return 0;
  };
const fromGeneral: Handler = (x, s) => {
  const lo = x.read(s, 1);
  const to = register(x, s.insn.reg).i32;
  to[0] = lo;
  to[1] = s.sizes[1] === 8 ? x.hi : 0;
  to[2] = 0;
  to[3] = 0;
  return 0;
};
const toGeneral: Handler = (x, s) => {
  const from = register(x, s.insn.reg).i32;
  x.write(s, 0, from[0]!, from[1]!);
  return 0;
};
/** Signs of the lanes as bits of a general register. */
const signs =
  (lanes: number, sign: (v: Lanes, n: number) => number): Handler =>
  (x, s) => {
    const from = register(x, s.insn.rm);
    let bits = 0;
    for (let n = 0; n < lanes; n++) bits |= sign(from, n) << n;
    x.write(s, 0, bits, 0);
    return 0;
  };

const CF = 1;
const PF = 4;
const ZF = 0x40;
const STATUS = 0x8d5;
const compare =
  (bytes: 4 | 8): Handler =>
  (x, s) => {
    loadOperand(x, s, source, bytes);
    const own = register(x, s.insn.reg);
    const [a, b] = bytes === 4 ? [own.f32[0]!, source.f32[0]!] : [own.f64[0]!, source.f64[0]!];
    const flags = Number.isNaN(a) || Number.isNaN(b) ? ZF | PF | CF : a === b ? ZF : a < b ? CF : 0;
    x.setRflags((x.rflags() & ~STATUS) | flags);
    return 0;
  };
const toInteger =
  (bytes: 4 | 8, truncate: boolean): Handler =>
  (x, s) => {
    loadOperand(x, s, source, bytes);
    const value = bytes === 4 ? source.f32[0]! : source.f64[0]!;
    const [lo, hi] = integerOf(value, s.sizes[0] === 8 ? 8 : 4, truncate);
    x.write(s, 0, lo, hi);
    return 0;
  };
const fromInteger =
  (bytes: 4 | 8): Handler =>
  (x, s) => {
    const lo = x.read(s, 1);
    const hi = s.sizes[1] === 8 ? x.hi : lo >> 31;
    putLane(register(x, s.insn.reg), bytes, 0, bytes === 4 ? singleOf(lo, hi) : doubleOf(lo, hi));
    return 0;
  };

const MOVES: Readonly<Record<string, (f: Form) => Handler>> = {
  ...Object.fromEntries(
    ['movups', 'movupd', 'movdqu', 'movaps', 'movapd', 'movdqa', 'movntps', 'movntpd', 'movntdq'].map((name) => {
      const aligned = !/u[ps]|dqu/.test(name);
      return [name, (f: Form) => (f.operands[0]?.place === 'reg' ? load(4, false, 16, aligned) : store(4, aligned))];
    }),
  ),
  movss: (f) => (f.operands[0]?.place === 'reg' ? load(1, 'memory clears', 4) : store(1, false)),
  movsd: (f) => (f.operands[0]?.place === 'reg' ? load(2, 'memory clears', 8) : store(2, false)),
  movq: (f) =>
    f.operands.every((o) => o.xmm)
      ? f.operands[0]?.place === 'reg'
        ? load(2, false, 8)
        : store(2, false, true)
      : f.operands[0]?.xmm
        ? fromGeneral
        : toGeneral,
  movd: (f) => (f.operands[0]?.xmm ? fromGeneral : toGeneral),
  movlps: (f) => (f.operands[0]?.place === 'reg' ? half(0, 0) : storeHalf(0)),
  movlpd: (f) => (f.operands[0]?.place === 'reg' ? half(0, 0) : storeHalf(0)),
  movhps: (f) => (f.operands[0]?.place === 'reg' ? half(2, 0) : storeHalf(2)),
  movhpd: (f) => (f.operands[0]?.place === 'reg' ? half(2, 0) : storeHalf(2)),
  movhlps: () => half(0, 2),
  movlhps: () => half(2, 0),
  movmskps: () => signs(4, (v, n) => v.u32[n]! >>> 31),
  movmskpd: () => signs(2, (v, n) => v.u32[2 * n + 1]! >>> 31),
  pmovmskb: () => signs(16, (v, n) => v.u8[n]! >>> 7),
  pinsrw: () => (x, s) => {
    const value = x.read(s, 1);
    register(x, s.insn.reg).u16[s.insn.immLo & 7] = value;
    return 0;
  },
  pextrw: () => (x, s) => {
    x.write(s, 0, register(x, s.insn.rm).u16[s.insn.immLo & 7]!, 0);
    return 0;
  },
  ucomiss: () => compare(4),
  comiss: () => compare(4),
  ucomisd: () => compare(8),
  comisd: () => compare(8),
  cvtss2si: () => toInteger(4, false),
  cvttss2si: () => toInteger(4, true),
  cvtsd2si: () => toInteger(8, false),
  cvttsd2si: () => toInteger(8, true),
  cvtsi2ss: () => fromInteger(4),
  cvtsi2sd: () => fromInteger(8),
  fxsave: () => fxsave,
  fxsave64: () => fxsave,
  fxrstor: () => fxrstor,
  fxrstor64: () => fxrstor,
  ldmxcsr: () => loadMxcsr,
  stmxcsr: () => (x, s) => {
    x.write(s, 0, x.cpu.words[CPU.mxcsr >> 2]!, 0);
    return 0;
  },
};
/** SDM vol. 1, table 10-2: the x87's part is as after a reset. */
const AREA = { FCW: 0, MXCSR: 24, MXCSR_MASK: 28, XMM: 160, BYTES: 416 } as const;
const FCW = 0x37f;

/** `n` bytes behind the operand's address. */
function area(x: Context, s: Step, n: number): number {
  const lo = x.address(s);
  const { hi } = x;
  if (lo & 15) throw x.fault('gp', s, `${s.form.mnemonic} at an address that is not a multiple of 16`);
  const at = (lo >>> 0) + n;
  x.hi = at > 0xffff_ffff ? (hi + 1) | 0 : hi;
  return at | 0;
}
const fxsave: Handler = (x, s) => {
  x.probeAt(area(x, s, 0), x.hi, AREA.BYTES);
  for (let n = 0; n < AREA.XMM; n += 8) x.store(area(x, s, n), x.hi, 8, 0, 0);
  x.store(area(x, s, AREA.FCW), x.hi, 2, FCW, 0);
  x.store(area(x, s, AREA.MXCSR), x.hi, 4, x.cpu.words[CPU.mxcsr >> 2]!, 0);
  x.store(area(x, s, AREA.MXCSR_MASK), x.hi, 4, 0xffff, 0);
  for (let n = 0; n < 16; n++) {
    const { i32 } = register(x, n);
    x.store(area(x, s, AREA.XMM + 16 * n), x.hi, 8, i32[0]!, i32[1]!);
    x.store(area(x, s, AREA.XMM + 16 * n + 8), x.hi, 8, i32[2]!, i32[3]!);
  }
  return 0;
};
const fxrstor: Handler = (x, s) => {
  // all of it is read before anything changes
  const words: number[] = [];
  for (let n = 0; n < AREA.BYTES; n += 8) words.push(x.load(area(x, s, n), x.hi, 8), x.hi);
  x.cpu.words[CPU.mxcsr >> 2] = checkedMxcsr(x, s, words[AREA.MXCSR / 4]!);
  for (let n = 0; n < 16; n++) register(x, n).i32.set(words.slice(AREA.XMM / 4 + 4 * n, AREA.XMM / 4 + 4 * n + 4));
  return 0;
};

/** Other ways to round, flushing to zero and unmasked exceptions are refused by name. */
function checkedMxcsr(x: Context, s: Step, value: number): number {
  if (value & ~0xffff) throw x.fault('gp', s, 'reserved bits of mxcsr');
  if ((value & ~MXCSR_FLAGS) !== MXCSR_MODES)
    throw x.fault(
      'ud',
      s,
      `${s.form.mnemonic} 0x${value.toString(16)}: this machine only rounds to nearest, with exceptions masked`,
    );
  return value;
}
function loadMxcsr(x: Context, s: Step): 0 {
  x.cpu.words[CPU.mxcsr >> 2] = checkedMxcsr(x, s, x.read(s, 0));
  return 0;
}

/** The handler of a row whose form is one of SSE's. @throws Error for a row without semantics, which a test says cannot be */
export function vectorHandlerOf(f: Form): Handler {
  const move = MOVES[f.mnemonic];
  if (move !== undefined) return move(f);
  if (f.mnemonic in SHIFTS && f.operands[1]?.place === 'imm') return shiftByImmediate(f.mnemonic);
  const op = OPS[f.mnemonic];
  if (op === undefined) throw new Error(`x86 row '${f.syntax}' has no semantics`);
  return binary(op, f);
}
