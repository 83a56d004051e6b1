/**
 * A rehearsal of the hot loop: every micro-operation once each way, on scratch memory, before V8 optimises it.
 *
 * V8 compiles an operation that has not run yet to a jump back into the interpreter, and compiles the whole
 * loop anew after the first time that one is met. A machine meets its hundred operations one by one; the
 * rehearsal shows them all at once, in about a millisecond. Guest state is as before.
 */
import { Assembler, decode } from '../../x86/index.ts';
import type { CpuState } from '../cpu.ts';
import { CPU_PHYS } from '../layout.ts';
import type { GuestMemory } from '../memory.ts';
import { Blocks } from './blocks.ts';
import { Context, type Step } from './context.ts';
import { hotLoop } from './hot.ts';
import { prepare } from './prepare.ts';
import { STRIDE, UOP } from './uop.ts';

/** Machine-private scratch: operands, a TLB table that knows one page, an empty one, that page. */
const OPERANDS = 0x3b000;
const KNOWN_TABLE = 0x3c000;
const EMPTY_TABLE = 0x3d000;
const PAGE = 0x3e000;
/** The address that the page pretends to be at: its TLB index is 0. */
const POINTER = 0x40_0800;
/** Where pretended branches go. */
const TARGET = 0x111_1000;

const A = OPERANDS >> 2;
const B = A + 2;
const AT = A + 4;
/** Constants: 0, 5, 40 */
const ZERO = A + 6;
const COUNTS = [ZERO, A + 8, A + 10];
const RAX = CPU_PHYS >> 2;
const RSP = RAX + 8;
const RBP = RAX + 10;
const BUDGET = 1 << 20;

/** Pairs for operands: small, overflowing, negative, equal. */
const VALUES = [
  [1, 0, 2, 0],
  [0x7fffffff, 0x7fffffff, 0x7ffffffe, 0x7fffffff],
  [-1, -5, -0x80000000, 0x1234],
  [5, -1, 5, -1],
] as const;

export function rehearse(memory: GuestMemory, cpu: CpuState): void {
  const saved = cpu.words.slice();
  const x = new Context(cpu, memory);
  x.rehearsing = true;
  const { i32 } = memory;
  const script = new Script(memory, x);
  for (const values of VALUES) {
    for (const asked of [false, true]) {
      script.blocks.onTransfer = asked ? () => false : undefined;
      values.forEach((v, i) => {
        i32[A + i] = v;
      });
      i32[AT] = POINTER;
      i32[A + 8] = 5;
      i32[A + 10] = 40;
      i32[KNOWN_TABLE >> 2] = POINTER | 4095;
      i32[(KNOWN_TABLE >> 2) + 1] = 0;
      i32[(KNOWN_TABLE >> 2) + 2] = PAGE;
      i32[RAX] = TARGET;
      i32[RAX + 1] = 0;
      x.serialize = asked;
      hotLoop(x, script.blocks, asked ? script.returning : script.halting, BUDGET);
    }
  }
  i32.fill(0, OPERANDS >> 2, (PAGE + 4096) >> 2);
  cpu.words.set(saved);
}

/** The operations, in two programs: one ends in `hlt`, one in a return to nowhere. */
class Script {
  readonly blocks: Blocks;
  readonly halting: number;
  readonly returning: number;
  private used = 0;
  private readonly step: (syntax: string, ...operands: number[]) => Step;

  constructor(memory: GuestMemory, x: Context) {
    this.blocks = new Blocks(memory, x, new Map(), 1 << 12);
    this.step = (syntax, ...operands) =>
      prepare(decode(new Assembler(0).op(syntax, ...operands).bytes()), 0) as Step;
    this.halting = this.next;
    this.body(KNOWN_TABLE >> 2);
    this.put(UOP.transfer).steps('hlt');
    this.returning = this.next;
    this.body(EMPTY_TABLE >> 2);
    // the page holds TARGET + 1 here, which no block is at
    this.put(UOP.mov64, RSP, AT);
    this.put(UOP.ret, 0, 0, 8, KNOWN_TABLE >> 2).steps('ret');
  }

  private get next(): number {
    return this.used * STRIDE;
  }

  private put(op: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): this {
    this.blocks.emit(op, a, b, c, d, e, f);
    this.used++;
    return this;
  }

  /** Says which instruction the last operation came from. */
  private steps(syntax: string, ...operands: number[]): void {
    this.blocks.steps[this.used - 1] = this.step(syntax, ...operands);
  }

  /** Every operation, memory through `table`; branches lead to what follows them. */
  private body(table: number): void {
    this.put(UOP.generic).steps('cmc');
    this.put(UOP.generic).steps('lahf');
    for (let op: number = UOP.load64; op <= UOP.store8; op++) this.put(op, A, AT, 0, table);
    this.put(UOP.mov64, A, B);
    this.put(UOP.lea, A, B, 8).put(UOP.lea, A, B, -8);
    for (const scale of [0, 1]) this.put(UOP.leaIndex, A, B, 8, 0, A, scale);
    for (let op: number = UOP.mov64; op <= UOP.movsx8to32; op++) this.put(op, A, B);
    for (let op: number = UOP.add64; op <= UOP.xor32n; op++) this.put(op, A, B).put(op, B, A);
    for (const count of COUNTS) {
      for (let op: number = UOP.shl64; op <= UOP.sar32n; op++) this.put(op, A, count, B);
      this.put(UOP.rol32n, A, count, B);
    }
    for (let op: number = UOP.imul64; op <= UOP.imul32n; op++) this.put(op, A, B, B);
    for (let op: number = UOP.neg64; op <= UOP.bswap32; op++) this.put(op, A);
    for (let op: number = UOP.cmp64; op <= UOP.test32; op++) this.put(op, A, B);
    for (let op: number = UOP.je; op <= UOP.test32le; op++) {
      for (const negate of [0, 1]) this.branch(op, negate);
    }
    for (let cc = 0; cc < 16; cc++) {
      this.put(UOP.cmov64, A, B, 0, cc).put(UOP.cmov32, B, A, 0, cc).put(UOP.setcc, A, 0, 0, cc);
    }
    this.put(UOP.mov64, RSP, AT).put(UOP.push, 0, A, 0, table).put(UOP.pop, A, 0, 0, table);
    this.put(UOP.mov64, RBP, AT).put(UOP.leave, 0, 0, 0, EMPTY_TABLE >> 2);
    this.put(UOP.mov64, RSP, AT).branch(UOP.call, table, A);
    this.branch(UOP.jmp, 0).branch(UOP.go, 0).branch(UOP.end, 0);
    this.put(UOP.cqo).put(UOP.cdqe);
    // to TARGET by a register, then, from the stack, by a return
    this.put(UOP.lea, RAX, ZERO, TARGET);
    this.lead(TARGET, this.next + STRIDE);
    this.put(UOP.transfer).steps('jmp r/m64', 0);
    this.put(UOP.mov64, RSP, AT);
    this.put(UOP.lea, A, ZERO, TARGET + 64).put(UOP.store64, A, AT, 0, KNOWN_TABLE >> 2);
    const target = table === KNOWN_TABLE >> 2 ? TARGET + 64 : 0; // a pretended load gives 0
    this.lead(target, this.next + STRIDE);
    this.put(UOP.ret, 0, 0, 8, table).steps('ret');
    this.put(UOP.lea, A, ZERO, TARGET + 1).put(UOP.store64, A, AT, 0, KNOWN_TABLE >> 2);
  }

  private branch(op: number, d: number, b = 0): this {
    this.put(op, A, b === 0 ? B : b, 0, d, this.next + STRIDE);
    this.steps('nop');
    return this;
  }

  private lead(target: number, at: number): void {
    this.blocks.lead(target, at);
  }
}
