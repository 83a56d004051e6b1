/**
 * Instructions to micro-operations (loop/slot.ts), by the x86 form's operands and the row of its mnemonic. What has none
 * stays `generic` or `transfer`: its handler is called. A memory operand becomes a load before and a store behind the
 * operation; where an instruction writes what it read, the load is checked for writing, so that nothing has changed
 * when the access faults.
 */
import { conditions, type Form, form, PREFIX, RIP } from '../../x86/index.ts';
import { type Addr, addrHi, addrLo } from '../addr.ts';
import { CPU } from '../cpu.ts';
import { CPU_PHYS } from '../layout.ts';
import { SCRATCH } from './constants.ts';
import { CONSTANT_ONE, IMM, MEM, REG, REG_HIGH, type Step } from './context.ts';
import { CONDITIONS } from './loop/conditions.ts';
import type { Width } from './loop/emitter.ts';
import { BY_MNEMONIC, FUSIONS, type LoopInsn, numberOf, OPERATIONS } from './loop/operations.ts';

/** Where micro-operations go: `blocks.ts`. Operands are physical addresses. */
export interface Sink {
  emit(op: number, dst?: number, src?: number, disp?: number, table?: number, target?: number): void;
  constant(lo: number, hi: number): number;
  /** TLB tables of the block's mode */
  readonly readTable: number;
  readonly writeTable: number;
  /** Last operation emitted, if the instruction before this one emitted it: `cmp` and `test` fuse with a branch. */
  readonly fusible: number;
  fuse(op: number, target: Addr): void;
  /** A conditional branch: continues behind it when not taken. */
  branch(op: number, negate: number, target: Addr): void;
  jump(target: Addr, call: boolean): void;
}

const ADDRESS = SCRATCH;
const VALUE = SCRATCH + 8;

/** Instructions that end a block and that only their handler knows. */
const TRANSFER = /^(call|jmp|ret|int3|int1|int|hlt|vmcall|syscall|sysretq|iretq|popfq|ud[12]|loop|loope|loopne|jrcxz)$/;
const NOTHING = /^(nop|pause|endbr64|endbr32|prefetch.*|[lms]fence)$/;
const conditionOf = new Map(conditions.map(([name], code) => [name, code]));

const sized = (name: string): Readonly<Record<number, number>> =>
  Object.fromEntries([1, 2, 4, 8].map((bytes) => [bytes, numberOf(`${name}${8 * bytes}`)]));
const LOAD = sized('load');
const STORE = sized('store');
const MOV = sized('mov');
const LEA = numberOf('lea');
const LEA_INDEX = numberOf('leaIndex');
const GENERIC = numberOf('generic');
const TRANSFERS = numberOf('transfer');
const PUSH = numberOf('push');
const POP = numberOf('pop');
const CALL = numberOf('call');
const RET = numberOf('ret');
const JMP = numberOf('jmp');
const CALL_THROUGH = numberOf('callThrough');
const JMP_THROUGH = numberOf('jmpThrough');
const PUSHFQ = numberOf('pushfq');
const POPFQ = numberOf('popfq');
const SETCC = numberOf('setcc');
const BRANCH = CONDITIONS.map((name) => numberOf(`j${name}`));
/** Operations that only have their mnemonic for a name. */
const BARE = new Set(['leave', 'cwde', 'cdqe', 'cdq', 'cqo', 'cli', 'sti', 'cld', 'std', 'swapgs']);

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

function choose(f: Form): Lowerer {
  const { mnemonic } = f;
  if (NOTHING.test(mnemonic)) return () => false;
  if (f.vector) return generic;
  if (f.vex) return VEX_SHIFTS[mnemonic] ?? generic;
  const insn = BY_MNEMONIC.get(mnemonic);
  if (insn !== undefined) return byRow(insn, f);
  if (BARE.has(mnemonic)) {
    const op = numberOf(mnemonic);
    return (_s, out) => {
      out.emit(op, 0, 0, 0, out.readTable);
      return false;
    };
  }
  const code = conditionOf.get(mnemonic.replace(/^(cmov|set|j)/, '')) ?? -1;
  if (code >= 0 && mnemonic.startsWith('j')) return (s, out) => lowerBranch(s, out, code);
  if (code >= 0 && mnemonic.startsWith('cmov') && f.size >= 4) {
    const op = numberOf(f.size === 8 ? 'cmov64' : 'cmov32');
    return (s, out) => {
      out.emit(op, register(s, 0), operand(s, out, 1, VALUE), 0, code);
      return false;
    };
  }
  if (code >= 0 && mnemonic.startsWith('set')) {
    return (s, out) => {
      const into = s.kinds[0] === MEM ? VALUE : register(s, 0);
      out.emit(SETCC, into, 0, 0, code);
      if (into === VALUE) store(out, 1, VALUE, address(s, out, ADDRESS));
      return false;
    };
  }
  return BY_NAME[mnemonic] ?? generic;
}

function byRow({ kind, numbers }: LoopInsn, f: Form): Lowerer {
  const op = numbers[(8 * f.size) as Width];
  if (op < 0) return generic;
  switch (kind) {
    case 'product':
      // with one operand it writes two registers
      return f.operands.length === 1 ? generic : (s, out) => lowerProduct(s, out, op);
    case 'compare':
      return (s, out) => lowerCompare(s, out, op);
    case 'shift':
      return (s, out) => changing(s, out, (d) => out.emit(op, d, count(s, out), d));
    case 'unary':
      return (s, out) => changing(s, out, (d) => out.emit(op, d));
    default:
      return (s, out) =>
        s.kinds[0] === MEM ? changing(s, out, (d) => out.emit(op, d, operand(s, out, 1, VALUE))) : plain(s, out, op);
  }
}

function plain(s: Step, out: Sink, op: number): boolean {
  out.emit(op, register(s, 0), operand(s, out, 1, VALUE));
  return false;
}

/** `op` changes its first operand: in place, or loaded before and stored behind. */
function changing(s: Step, out: Sink, op: (dst: number) => void): boolean {
  if (s.kinds[0] !== MEM) {
    op(register(s, 0));
    return false;
  }
  const place = address(s, out, ADDRESS);
  out.emit(LOAD[s.size]!, VALUE, place.base, place.disp, out.writeTable);
  op(VALUE);
  store(out, s.size, VALUE, place);
  return false;
}

function lowerCompare(s: Step, out: Sink, op: number): boolean {
  const a = operand(s, out, 0, VALUE);
  out.emit(op, a, operand(s, out, 1, VALUE));
  return false;
}

/** Where a shift's count is. */
function count(s: Step, out: Sink): number {
  if (s.kinds[1] !== IMM) return register(s, 1);
  return out.constant(s.regs[1] === CONSTANT_ONE ? 1 : s.insn.immLo & 63, 0);
}

function lowerProduct(s: Step, out: Sink, op: number): boolean {
  const last = s.kinds.length - 1;
  const b = operand(s, out, last, VALUE);
  const a = operand(s, out, last - 1, VALUE);
  out.emit(op, register(s, 0), b, a);
  return false;
}

/** shlx and its kin: value and count, no flags. */
const vexShift = (name: string): Lowerer => {
  const wide = numberOf(`${name}64n`);
  const narrow = numberOf(`${name}32n`);
  return (s, out) => {
    const value = operand(s, out, 1, VALUE);
    out.emit(s.size === 8 ? wide : narrow, register(s, 0), register(s, 2), value);
    return false;
  };
};
const VEX_SHIFTS: Readonly<Record<string, Lowerer>> = {
  shlx: vexShift('shl'),
  shrx: vexShift('shr'),
  sarx: vexShift('sar'),
  rorx: (s, out) => {
    const value = operand(s, out, 1, VALUE);
    const by = out.constant(s.insn.immLo & (8 * s.size - 1), 0);
    out.emit(numberOf(s.size === 8 ? 'ror64n' : 'ror32n'), register(s, 0), by, value);
    return false;
  },
};

const division =
  (name: string): Lowerer =>
  (s, out) => {
    if (s.size < 4) return generic(s, out);
    out.emit(numberOf(`${name}${8 * s.size}`), 0, operand(s, out, 0, VALUE));
    return false;
  };

const BY_NAME: Readonly<Record<string, Lowerer>> = {
  mov: lowerMov,
  movzx: lowerExtend,
  movsx: lowerExtend,
  movsxd: lowerExtend,
  div: division('div'),
  idiv: division('idiv'),
  lea: (s, out) => {
    if (s.size < 4) return generic(s, out);
    const d = register(s, 0);
    const { base, disp } = address(s, out, d);
    if (base !== d || disp !== 0) out.emit(LEA, d, base, disp);
    if (s.size === 4) out.emit(MOV[4]!, d, d);
    return false;
  },
  push: (s, out) => {
    if (s.sizes[0] === 2) return generic(s, out);
    out.emit(PUSH, 0, operand(s, out, 0, VALUE), 0, out.writeTable);
    return false;
  },
  pop: (s, out) => {
    if (s.kinds[0] !== REG || s.sizes[0] !== 8) return generic(s, out);
    out.emit(POP, register(s, 0), 0, 0, out.readTable);
    return false;
  },
  pushfq: (_s, out) => {
    out.emit(PUSHFQ, 0, 0, 0, out.writeTable);
    return false;
  },
  popfq: (s, out) => {
    out.emit(POPFQ, 0, 0, 0, out.readTable);
    out.jump(s.next, false);
    return true;
  },
  ret: (s, out) => {
    out.emit(RET, 0, 0, 8 + (s.insn.immLo & 0xffff), out.readTable);
    return true;
  },
  call: (s, out) => {
    if (s.kinds[0] !== IMM) return through(s, out, CALL_THROUGH);
    out.emit(CALL, 0, out.constant(addrLo(s.next), addrHi(s.next)), 0, out.writeTable);
    out.jump(s.next + s.insn.immLo, true);
    return true;
  },
  jmp: (s, out) => {
    if (s.kinds[0] !== IMM) return through(s, out, JMP_THROUGH);
    out.emit(JMP);
    out.jump(s.next + s.insn.immLo, false);
    return true;
  },
};

/** A call or jump through a register or memory: asked about when it is first executed. */
function through(s: Step, out: Sink, op: number): boolean {
  out.emit(op, 1, operand(s, out, 0, VALUE), out.constant(addrLo(s.next), addrHi(s.next)), out.writeTable);
  return true;
}

function generic(s: Step, out: Sink): boolean {
  const ends = TRANSFER.test(s.form.mnemonic);
  out.emit(ends ? TRANSFERS : GENERIC);
  return ends;
}

// --- operands ---

/** Physical address of a register: little-endian, so that of its low byte too. */
const general = (word: number): number => CPU_PHYS + CPU.regs + 4 * word;
const register = (s: Step, i: number): number => general(s.regs[i]!) + (s.kinds[i] === REG_HIGH ? 1 : 0);

/** Where an operand's value is: register, constant, or loaded into `into`. */
function operand(s: Step, out: Sink, i: number, into: number): number {
  const kind = s.kinds[i];
  if (kind === REG || kind === REG_HIGH) return register(s, i);
  if (kind === MEM) {
    const { base, disp } = address(s, out, ADDRESS);
    out.emit(LOAD[s.sizes[i]!]!, into, base, disp, out.readTable);
    return into;
  }
  return s.regs[i] === CONSTANT_ONE ? out.constant(1, 0) : out.constant(s.insn.immLo, s.insn.immHi);
}

interface Place {
  readonly base: number;
  readonly disp: number;
}

function store(out: Sink, bytes: number, value: number, { base, disp }: Place): void {
  out.emit(STORE[bytes]!, value, base, disp, out.writeTable);
}

/** Base and displacement of the memory operand; an index register or a segment is added up into `into`. */
function address(s: Step, out: Sink, into: number): Place {
  const { insn, form: f } = s;
  const { disp } = insn;
  const segment = f.mnemonic === 'lea' ? 0 : insn.segment;
  if (f.modrm < 0) {
    const at = out.constant(insn.immLo, insn.immHi);
    return segment === 0 ? { base: at, disp: 0 } : add(out, into, segmentBase(segment), at, 0, 0);
  }
  const none = insn.base < 0 && insn.index < 0;
  if (segment !== 0) {
    if (none) return { base: segmentBase(segment), disp };
    if (insn.index < 0 && insn.base !== RIP)
      return add(out, into, segmentBase(segment), general(2 * insn.base), 0, disp);
    const at = baseOf(s, out);
    const { base } = insn.index < 0 ? { base: at } : add(out, into, at, general(2 * insn.index), insn.scale, 0);
    return add(out, into, segmentBase(segment), base, 0, insn.base === RIP ? 0 : disp);
  }
  if (none) return { base: out.constant(disp, disp >> 31), disp: 0 };
  if (insn.index < 0)
    return insn.base === RIP ? { base: baseOf(s, out), disp: 0 } : { base: general(2 * insn.base), disp };
  return add(out, into, baseOf(s, out), general(2 * insn.index), insn.scale, insn.base === RIP ? 0 : disp);
}

function baseOf(s: Step, out: Sink): number {
  const { insn } = s;
  if (insn.base === RIP) {
    const target = s.next + insn.disp;
    return out.constant(addrLo(target), addrHi(target));
  }
  return insn.base < 0 ? out.constant(0, 0) : general(2 * insn.base);
}

function add(out: Sink, into: number, base: number, index: number, scale: number, disp: number): Place {
  out.emit(LEA_INDEX, into, base, disp, scale, index);
  return { base: into, disp: 0 };
}

const segmentBase = (segment: number): number => CPU_PHYS + (segment === 4 ? CPU.fsBase : CPU.gsBase);

// --- moves and branches ---

function lowerMov(s: Step, out: Sink): boolean {
  const size = s.sizes[0]!;
  const [to, from] = s.kinds;
  if (from === MEM) {
    const { base, disp } = address(s, out, ADDRESS);
    const d = register(s, 0);
    // a narrow load must leave the rest of the register
    out.emit(LOAD[size]!, size >= 4 ? d : VALUE, base, disp, out.readTable);
    if (size < 4) out.emit(MOV[size]!, d, VALUE);
    return false;
  }
  if (to === MEM) {
    const place = address(s, out, ADDRESS);
    store(out, size, operand(s, out, 1, VALUE), place);
    return false;
  }
  out.emit(MOV[size]!, register(s, 0), operand(s, out, 1, VALUE));
  return false;
}

function lowerExtend(s: Step, out: Sink): boolean {
  const to = s.sizes[0]!;
  const from = s.sizes[1]!;
  if (to < 4) return generic(s, out);
  const memory = s.kinds[1] === MEM;
  // as wide as it was: movsxd without REX.W
  if (from === 4 && to === 4) return memory ? lowerMov(s, out) : plain(s, out, MOV[4]!);
  const signed = s.form.mnemonic !== 'movzx';
  const name = memory ? (signed ? 'loadS' : 'load') : signed ? 'movsx' : 'movzx';
  const op = numberOf(`${name}${8 * from}${signed && to === 4 ? 'to32' : ''}`);
  if (memory) {
    const { base, disp } = address(s, out, ADDRESS);
    out.emit(op, register(s, 0), base, disp, out.readTable);
  } else out.emit(op, register(s, 0), register(s, 1));
  return false;
}

function lowerBranch(s: Step, out: Sink, code: number): boolean {
  const target = s.next + s.insn.immLo;
  const fused = FUSIONS.get(out.fusible)?.get(code);
  if (fused !== undefined) out.fuse(fused, target);
  else out.branch(BRANCH[code >> 1]!, code & 1, target);
  return false;
}

/** The name of an operation, for people. */
export const operationName = (op: number): string => OPERATIONS[op]!.name;
