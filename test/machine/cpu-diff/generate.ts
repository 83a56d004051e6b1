/**
 * Random cases for a table row: the instruction's bytes with random operands, and registers, flags and
 * memory such that most of them get through (operands point into the compared window, branches
 * into the code area, quotients fit) and some do not.
 */
import {
  Assembler,
  at,
  type Form,
  form,
  type Mem,
  mem,
  type Operand,
  r8,
  rbp,
  rcx,
  rdi,
  rdx,
  rip,
  rsi,
  rsp,
} from '../../../src/x86/index.ts';
import { CODE_AT, DATA_BASE, DATA_BYTES, GS_BASE, WINDOW, WINDOW_BYTES } from './layout.ts';
import type { Random } from './random.ts';

export interface Case {
  readonly row: number;
  readonly code: Uint8Array;
  readonly regs: BigUint64Array;
  readonly rflags: number;
  readonly window: Uint8Array;
  /** the xmm registers, 16 bytes each */
  readonly xmm: Uint8Array;
}

/** Rows that cannot be tried in a user process, with why. */
export const untestable: Readonly<Record<string, string>> = {
  syscall: 'would enter the host kernel',
  int1: 'debug trap of the host',
  int: 'would enter the host kernel',
  cpuid: 'differs from processor to processor',
  rdtsc: 'differs from moment to moment',
  rdtscp: 'differs from moment to moment',
  rdfsbase: 'the host process needs its fs base',
  wrfsbase: 'the host process needs its fs base',
  rdgsbase: 'may be switched off by the host',
  wrgsbase: 'may be switched off by the host',
  vmcall: 'means something to a hypervisor below',
  prefetchwt1: 'not on every processor',
  fxsave: 'has state of the x87',
  fxsave64: 'has state of the x87',
  fxrstor: 'loads state of the x87',
  fxrstor64: 'loads state of the x87',
  fldcw: 'loads the one mode that the machine has, and refuses others',
  ldmxcsr: 'loads the one mode that the machine has, and refuses others',
  stmxcsr: 'has flags of what happened before, which the machine does not keep',
};

const FLAGS = [0x1, 0x4, 0x10, 0x40, 0x80, 0x400, 0x800];

export function generate(row: number, random: Random): Case {
  const f = form(row);
  const regs = new BigUint64Array(16);
  for (let i = 0; i < 16; i++) regs[i] = random.value();
  const window = new Uint8Array(WINDOW_BYTES);
  for (let i = 0; i < WINDOW_BYTES; i++) window[i] = random.u32();
  const rare = random.chance(3);
  if (!rare) regs[rsp] = BigInt(WINDOW + 64 + random.below(8) * 16 + (random.chance(20) ? random.below(16) : 0));
  let rflags = 2;
  for (const bit of FLAGS) if (random.chance(50)) rflags |= bit;

  const asm = new Assembler(CODE_AT);
  const operands: Operand[] = [];
  let memory: Mem | undefined;
  for (const o of f.operands) {
    if (o.place === 'fixed') continue;
    if (o.place === 'rm' && o.allowMem && (!o.allowReg || random.chance(50))) {
      memory = randomMemory(f, o.size, regs, random, rare);
      operands.push(memory);
    } else if (o.place === 'imm' || o.place === 'imm2') operands.push(immediate(f, o.size, random));
    else if (o.place === 'moffs') operands.push(random.chance(90) ? BigInt(WINDOW + random.below(240)) : random.u64());
    else if (o.place === 'rel') operands.push(branchTarget(o.size, random));
    else operands.push(register(f, o.size, random, memory));
  }
  dropHighBytes(operands);
  let syntax = f.syntax;
  if (f.lockable && memory !== undefined && f.mnemonic !== 'xchg' && random.chance(40)) syntax = `lock ${syntax}`;
  if (f.string) {
    const prefix = random.pick(['', 'rep ', 'repne ']);
    syntax = (/^(cmps|scas)/.test(f.mnemonic) ? prefix : prefix === 'repne ' ? 'rep ' : prefix) + syntax;
  }
  shape(f, regs, window, operands, memory, random, rare);
  if (random.chance(4) && memory === undefined && !f.vex) asm.raw(random.pick([0x2e, 0x3e, 0x26, 0x36]));
  asm.op(syntax, operands[0], operands[1], operands[2]);
  // cmps and scas stop by their flag rarely with random bytes
  if (/^rep.. ?(cmps|scas)/.test(syntax) && random.chance(70)) window.fill(window[0] as number);
  const xmm = new Uint8Array(256);
  if (f.vector) vectors(xmm, window, memory, regs, random);
  if (f.mnemonic === 'fldcw' && memory !== undefined) setWord(memory, regs, window, 0x37f);
  return { row, code: asm.bytes(), regs, rflags, window, xmm };
}

/** What floating point is hard for: zeros, infinities, NaNs of both kinds, the smallest, halves, limits of integers. */
const SINGLES = [
  0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0xffc12345, 1, 0x3f000000, 0x3fc00000, 0x4f000000,
];
const DOUBLES = [
  ...[
    0n,
    1n << 63n,
    0x7ff0000000000000n,
    0xfff0000000000000n,
    0x7ff8000000000000n,
    0x7ff0000000000001n,
    0xfff8123456789abcn,
  ],
  ...[1n, 0x3fe0000000000000n, 0x3ff8000000000000n, 0x41e0000000000000n, 0x43e0000000000000n, 0xc1e0000000200000n],
];
/** Random lanes: of bits, of numbers of ordinary size, of those that are hard; in the registers and where the operand is. */
function vectors(
  xmm: Uint8Array,
  window: Uint8Array,
  memory: Mem | undefined,
  regs: BigUint64Array,
  random: Random,
): void {
  const view = new DataView(xmm.buffer);
  const kind = random.below(4);
  const fill = (to: DataView, at: number): void => {
    if (kind === 0) to.setBigUint64(at, random.value(), true);
    else if (kind === 1) to.setBigUint64(at, random.u64(), true);
    else if (random.chance(50)) {
      if (random.chance(40)) to.setBigUint64(at, random.pick(DOUBLES), true);
      else to.setFloat64(at, (random.u32() - 0x8000_0000) / random.pick([1, 4, 3, 0x10000, 1e-6]), true);
    } else
      for (const o of [0, 4])
        if (random.chance(40)) to.setUint32(at + o, random.pick(SINGLES), true);
        else to.setFloat32(at + o, (random.u32() - 0x8000_0000) / random.pick([1, 4, 3, 0x10000, 1e-6]), true);
  };
  for (let at = 0; at < 256; at += 8) fill(view, at);
  // counts of shifts
  if (random.chance(30)) view.setBigUint64(16 * random.below(16), BigInt(random.below(70)), true);
  const at = memory === undefined ? -1 : operandOffset(memory, regs);
  const inside = new DataView(window.buffer);
  for (const o of [0, 8]) if (at >= 0 && at + o + 8 <= WINDOW_BYTES) fill(inside, at + o);
}
function setWord(memory: Mem, regs: BigUint64Array, window: Uint8Array, value: number): void {
  const at = operandOffset(memory, regs);
  if (at >= 0 && at + 4 <= WINDOW_BYTES) new DataView(window.buffer).setUint32(at, value, true);
}

/** A register operand; rsp seldom as a destination's value, but nothing forbids it. */
function register(f: Form, size: number, random: Random, memory: Mem | undefined): number {
  let n = random.below(16);
  // ah..bh where no REX is needed
  if (size === 1 && random.chance(20) && !f.w && !f.vex && f.operands.every((o) => o.size === 1 || o.place === 'imm')) {
    if (memory === undefined || (memory.base < r8 && memory.index < r8)) n = 16 + random.below(4);
  }
  return n;
}

/** Forward or backward, but not into the instruction itself, which would never end. */
function branchTarget(size: number, random: Random): number {
  const distance = size === 1 ? random.below(80) : random.below(0x3000);
  return random.chance(50) ? CODE_AT + 20 + distance : CODE_AT - 1 - distance;
}

/** ah..bh cannot stand beside a register that needs REX: there al..bl take their place. */
function dropHighBytes(operands: Operand[]): void {
  const rex = operands.some((o) =>
    typeof o === 'number'
      ? o > 3 && o < 16
      : typeof o === 'object' && 'base' in o && (o.base >= r8 || o.index >= r8) && o.base !== rip,
  );
  if (!rex) return;
  operands.forEach((o, i) => {
    if (typeof o === 'number' && o >= 16 && o < 20) operands[i] = o - 16;
  });
}

/** A memory operand whose address lies in the window (nearly always), in every addressing form. */
function randomMemory(f: Form, size: number, regs: BigUint64Array, random: Random, rare: boolean): Mem {
  const within = size >= 16 ? 16 * random.below(15) + (random.chance(90) ? 0 : 8) : random.below(WINDOW_BYTES - 16);
  let target = BigInt(WINDOW + (random.chance(30) && size <= 8 ? 128 - random.below(10) : within));
  // into, or out of, what is mapped
  if (random.chance(4))
    target = BigInt(
      random.chance(50) ? DATA_BASE + DATA_BYTES - random.below(size + 1) : DATA_BASE - random.below(size + 1),
    );
  const segment = random.chance(15) ? 'gs' : undefined;
  const want = segment ? target - BigInt(GS_BASE) : target;
  const kind = random.below(10);
  if (rare) return mem({ base: random.below(16), disp: random.u32() | 0, ...(segment ? { segment } : {}) });
  if (kind === 0 && !segment) return mem({ target: Number(target) });
  if (kind === 1) return mem({ disp: Number(want), ...(segment ? { segment } : {}) });
  const disp = random.chance(40) ? 0 : random.chance(50) ? random.below(256) - 128 : random.u32() | 0;
  let index = random.chance(50) ? random.below(16) : -1;
  if (index === rsp) index = -1;
  const noBase = kind === 2 && index >= 0;
  let base = random.below(16);
  while (base === index) base = random.below(16);
  const scale = random.pick([1, 2, 4, 8] as const);
  if (noBase) {
    // base-less: the index must reach it, scaled
    const reach = BigInt.asUintN(64, want - BigInt(disp));
    regs[index] = reach / BigInt(scale);
    const miss = Number(reach % BigInt(scale));
    return mem({ index, scale, disp: disp + miss <= 0x7fffffff ? disp + miss : disp, ...(segment ? { segment } : {}) });
  }
  // what the instruction itself needs in a register is set afterwards by `shape`, so keep away from it
  if (/^(cmpxchg|div|idiv|mul|imul|xlatb|cmpxchg8b|cmpxchg16b)/.test(f.mnemonic) && (base === 0 || base === rdx))
    base = rdi;
  if (base === index) index = -1;
  const scaled = index >= 0 ? (regs[index] as bigint) * BigInt(scale) : 0n;
  regs[base] = BigInt.asUintN(64, want - BigInt(disp) - scaled);
  const dispSize = random.chance(20) ? 4 : undefined;
  return mem({
    base,
    disp,
    ...(index >= 0 ? { index, scale } : {}),
    ...(dispSize ? { dispSize } : {}),
    ...(segment ? { segment } : {}),
  });
}

function immediate(f: Form, size: number, random: Random): Operand {
  if (f.mnemonic === 'enter')
    return size === 2
      ? random.chance(90)
        ? random.below(40)
        : random.below(0x10000)
      : random.chance(70)
        ? 0
        : random.below(6);
  if (f.mnemonic === 'ret') return random.below(0x8000);
  if (size === 8) return random.value();
  const bits = size * 8;
  return Number(BigInt.asIntN(bits, random.value()));
}

/** Makes the implicit operands of an instruction meaningful. */
function shape(
  f: Form,
  regs: BigUint64Array,
  window: Uint8Array,
  operands: Operand[],
  memory: Mem | undefined,
  random: Random,
  rare: boolean,
): void {
  const view = new DataView(window.buffer);
  const code = (): bigint => BigInt(CODE_AT + 64 + random.below(0x4000));
  const setStack = (offset: number, value: bigint): void => {
    const p = Number((regs[rsp] as bigint) - BigInt(WINDOW)) + offset;
    if (p >= 0 && p + 8 <= WINDOW_BYTES) view.setBigUint64(p, value, true);
  };
  if (rare) return;
  if (f.string) {
    regs[rsi] = BigInt(WINDOW + 100 + random.below(40));
    regs[rdi] = BigInt(WINDOW + 100 + random.below(40));
    regs[rcx] = BigInt(random.below(12));
    // runs off the mapped pages
    if (random.chance(5)) regs[rdi] = BigInt(WINDOW + 0x1080 - 16);
    if (random.chance(5)) regs[rsi] = BigInt(WINDOW + 0x1080 - 16);
    return;
  }
  switch (f.mnemonic) {
    case 'jmp':
    case 'call':
      if (memory !== undefined) {
        const p = operandOffset(memory, regs);
        if (p >= 0 && p + 8 <= WINDOW_BYTES) view.setBigUint64(p, code(), true);
      } else if (f.operands[0]?.place !== 'rel' && random.chance(90)) regs[operands[0] as number] = code();
      return;
    case 'ret':
      setStack(0, random.chance(95) ? code() : random.u64());
      return;
    case 'iretq':
      setStack(0, code());
      setStack(8, 0x33n);
      setStack(16, BigInt(random.u32() & 0xcd5));
      setStack(24, random.value());
      setStack(32, 0x2bn);
      return;
    case 'popfq':
      // neither TF nor AC, which would trap the runner, nor NT, which outlives its signals and is #GP for any iretq after it
      setStack(0, random.u64() & ~0x44100n);
      return;
    case 'leave':
    case 'enter':
      regs[rbp] = BigInt(WINDOW + 64 + random.below(128));
      return;
    case 'xlatb':
      regs[3] = BigInt(WINDOW + random.below(100)) - (random.chance(50) ? 0n : 0n);
      return;
    case 'bt':
    case 'bts':
    case 'btr':
    case 'btc':
      // bit offsets in a register reach far: keep them near
      if (memory !== undefined && f.operands[1]?.place === 'reg') {
        const n = operands[1] as number;
        if (n === memory.base || n === memory.index) operands[0] = at(n === rdi ? rsi : rdi, 0);
        const m = operands[0] as Mem;
        if (m !== memory) regs[m.base] = BigInt(WINDOW + 128);
        if (m === memory) {
          const p = operandOffset(memory, regs);
          const high = regs[n] as bigint;
          const delta = BigInt.asUintN(64, BigInt((64 + random.below(120) - p) * 8 + random.below(8)));
          regs[n] = f.size === 8 ? delta : (high & ~0xffffffffn) | (delta & 0xffffffffn);
        } else regs[n] = BigInt.asUintN(64, BigInt(random.below(1000) - 500));
      }
      return;
    case 'cmpxchg': {
      if (random.chance(50)) return;
      // make it succeed
      if (memory === undefined) regs[0] = (regs[(operands[0] as number) & 15] as bigint) >> 0n;
      else {
        const p = operandOffset(memory, regs);
        if (p >= 0 && p + 8 <= WINDOW_BYTES) {
          if (memory.base !== 0 && memory.index !== 0) regs[0] = view.getBigUint64(p, true);
        }
      }
      return;
    }
    case 'cmpxchg8b':
    case 'cmpxchg16b': {
      if (random.chance(50) || memory === undefined || [0, 2].includes(memory.base) || [0, 2].includes(memory.index))
        return;
      const p = operandOffset(memory, regs);
      if (p < 0 || p + 16 > WINDOW_BYTES) return;
      if (f.mnemonic === 'cmpxchg8b') {
        regs[0] = BigInt(view.getUint32(p, true));
        regs[2] = BigInt(view.getUint32(p + 4, true));
      } else {
        regs[0] = view.getBigUint64(p, true);
        regs[2] = view.getBigUint64(p + 8, true);
      }
      return;
    }
    case 'div':
    case 'idiv': {
      if (random.chance(10) || memory?.base === 2 || memory?.index === 2) return;
      const signed = f.mnemonic === 'idiv';
      if (f.size === 1) regs[0] = (regs[0] as bigint) & ~0xff80n;
      else if (signed && random.chance(50)) {
        const top = ((regs[0] as bigint) >> BigInt(f.size * 8 - 1)) & 1n;
        regs[2] = top ? 0xffffffffffffffffn : 0n;
      } else regs[2] = random.chance(60) ? 0n : BigInt(random.below(1 << (f.size === 8 ? 30 : f.size * 3)));
      return;
    }
    case 'shl':
    case 'shr':
    case 'sar':
    case 'sal':
    case 'rol':
    case 'ror':
    case 'rcl':
    case 'rcr':
    case 'shld':
    case 'shrd':
      if (random.chance(60) && memory?.base !== 1 && memory?.index !== 1) regs[1] = BigInt(random.below(70));
      return;
  }
}

/** Offset of a memory operand in the window, by the registers as they are. */
function operandOffset(m: Mem, regs: BigUint64Array): number {
  let a = BigInt(m.disp);
  if (m.base === rip) a = BigInt(m.target as number);
  else if (m.base >= 0) a += regs[m.base] as bigint;
  if (m.index >= 0) a += (regs[m.index] as bigint) << BigInt(m.scale);
  if (m.segment !== 0) a += BigInt(GS_BASE);
  return Number(BigInt.asIntN(64, a) - BigInt(WINDOW));
}
