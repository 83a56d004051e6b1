/**
 * Random x86 functions for comparing executors: loops that end, forward branches, nested calls, a
 * frame pointer or none, memory through the direct map, vmalloc and the stack, hypercalls, and now and
 * then something that faults.
 */
import { type Assembler, conditions, GPR, type Label, mem } from '../../src/x86/index.ts';
import type { Random } from './support.ts';

const { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15 } = GPR;

/** Registers that anything may change; rdi and r12 point to data, r13..r15 count loops by depth. */
const FREE = [rax, rcx, rdx, rbx, rsi, r8, r9, r10, r11];
const COUNTERS = [r13, r14, r15];
const SIZES = ['8', '16', '32', '64'];
const WIDE = ['32', '64'];
const CC = conditions.map(([name]) => name);

export interface CodeOptions {
  /** per cent of instructions that may fault */
  readonly faults: number;
}

export class CodeGenerator {
  private readonly a: Assembler;
  private readonly random: Random;
  private readonly options: CodeOptions;
  private readonly functions: { label: Label; depth: number }[] = [];
  private framed = false;
  private pushed = 0;

  constructor(a: Assembler, random: Random, options: CodeOptions) {
    this.a = a;
    this.random = random;
    this.options = options;
  }

  /** The program: callees first, entry last; the entry's label. */
  program(): Label {
    const count = this.random.below(4);
    for (let i = 0; i < count; i++) this.function(0, 6 + this.random.below(14));
    return this.function(1, 20 + this.random.below(50));
  }

  private function(depth: number, length: number): Label {
    const { a, random } = this;
    const label = a.label();
    a.bind(label);
    if (random.chance(50)) a.op('endbr64');
    this.framed = random.chance(60);
    const saved = depth === 0 ? [...COUNTERS] : [];
    if (this.framed) {
      a.op('push r64', rbp).op('mov r/m64, r64', rbp, rsp).op('sub r/m64, imm8', rsp, 64);
    }
    for (const r of saved) a.op('push r64', r);
    this.pushed = 0;
    this.block(length, 0);
    for (const r of saved.reverse()) a.op('pop r64', r);
    if (this.framed) {
      if (random.chance(70)) a.op('leave');
      else a.op('add r/m64, imm8', rsp, 64).op('pop r64', rbp);
    }
    if (depth === 0 && this.functions.length > 0 && random.chance(20)) {
      this.target(r11);
      a.op('jmp r/m64', r11);
    } else a.op('ret');
    this.functions.push({ label, depth });
    return label;
  }

  /** Address of a function, or of one of two by what a register has. */
  private target(to: number): void {
    const { a, random } = this;
    const address = (): number => a.addressOf(random.pick(this.functions).label);
    a.op('mov r/m64, imm32', to, address());
    if (random.chance(30)) return;
    a.op('mov r/m64, imm32', r10, address()).op('test r/m64, imm32', this.reg(), 1 << random.below(4));
    a.op('cmove r64, r/m64', to, r10);
  }

  private block(length: number, loops: number): void {
    const { a, random } = this;
    for (let i = 0; i < length; i++) {
      const what = random.below(100);
      if (what < 6) {
        const skip = a.label();
        a.op(`j${random.pick(CC)} rel${random.chance(50) ? '8' : '32'}`.replace('rel8', 'rel32'), skip);
        this.block(1 + random.below(5), loops);
        a.bind(skip);
      } else if (what < 9 && loops < COUNTERS.length) {
        const counter = COUNTERS[loops]!;
        a.op('mov r32, imm32', counter, 1 + random.below(40));
        const head = a.label();
        a.bind(head);
        this.block(2 + random.below(8), loops + 1);
        if (random.chance(50)) a.op('sub r/m32, imm8', counter, 1);
        else a.op('dec r/m32', counter);
        a.op('jne rel32', head);
      } else if (what < 12 && this.functions.length > 0) {
        if (random.chance(60)) a.op('call rel32', random.pick(this.functions).label);
        else {
          this.target(rax);
          a.op('call r/m64', rax);
        }
      } else if (what < 14) {
        a.op('mov r32, imm32', rax, random.below(8)).op('vmcall');
      } else if (what < 18) this.memoryReadWrite();
      else this.instruction();
    }
  }

  private reg(): number {
    return this.random.pick(FREE);
  }

  /** A memory operand that is mapped; may cross a page. */
  private place(): ReturnType<typeof mem> {
    const { random } = this;
    const disp = random.chance(80) ? random.below(256) : 3960 + random.below(200);
    switch (random.below(6)) {
      case 0:
        return mem({ base: r12, disp });
      case 1:
        if (this.framed) return mem({ base: rbp, disp: -8 - random.below(48) });
        return mem({ base: rsp, disp: 8 * this.pushed - 128 - random.below(64) });
      case 2: {
        const index = this.reg();
        this.a.op('and r/m32, imm8', index, 63);
        return mem({ base: random.chance(70) ? rdi : r12, index, scale: random.pick([1, 2, 4, 8] as const), disp });
      }
      case 3: {
        const base = this.reg();
        this.a.op(
          'lea r64, m',
          base,
          mem({ base: random.pick(this.framed ? [rdi, r12, rbp] : [rdi, r12]), disp: this.framed ? -64 : 8 }),
        );
        return mem({ base, disp: random.below(32) });
      }
      default:
        return mem({ base: rdi, disp });
    }
  }

  private wild(): ReturnType<typeof mem> {
    const { random } = this;
    return mem({
      base: random.chance(50) ? this.reg() : random.pick([rdi, r12]),
      disp: random.pick([0, 8186, 8192, -4, -8]),
    });
  }

  private memoryReadWrite(): void {
    const { a, random } = this;
    const m = random.below(100) < this.options.faults ? this.wild() : this.place();
    const size = random.pick(SIZES);
    const r = this.reg();
    switch (random.below(12)) {
      case 0:
      case 1:
      case 2:
        a.op(`mov r${size}, r/m${size}`, r, m);
        break;
      case 3:
      case 4:
        a.op(`mov r/m${size}, r${size}`, m, r);
        break;
      case 5:
        a.op(`mov r/m${size}, imm${size === '64' ? '32' : size}`, m, random.below(120));
        break;
      case 6:
        a.op(`${random.pick(['add', 'sub', 'and', 'or', 'xor', 'cmp'])} r${size}, r/m${size}`, r, m);
        break;
      case 7:
        a.op(`${random.pick(['add', 'sub', 'and', 'or', 'xor', 'cmp', 'test'])} r/m${size}, r${size}`, m, r);
        break;
      case 8:
        a.op(`${random.pick(['lock xadd', 'lock cmpxchg'])} r/m${size}, r${size}`, m, r);
        break;
      case 9:
        a.op(`xchg r/m${size}, r${size}`, m, r);
        break;
      case 10:
        a.op(`${random.pick(['movzx', 'movsx'])} r${random.pick(WIDE)}, r/m${random.pick(['8', '16'])}`, r, m);
        break;
      default:
        a.op(`${random.pick(['inc', 'dec', 'neg', 'not'])} r/m${size}`, m);
    }
  }

  private instruction(): void {
    const { a, random } = this;
    const size = random.pick(SIZES);
    const wide = random.pick(WIDE);
    const d = this.reg();
    const s = this.reg();
    switch (random.below(26)) {
      case 0:
      case 1:
      case 2:
        a.op(
          `${random.pick(['add', 'sub', 'and', 'or', 'xor', 'cmp', 'test', 'adc', 'sbb'])} r/m${size}, r${size}`,
          d,
          s,
        );
        break;
      case 3:
      case 4:
        a.op(`${random.pick(['add', 'sub', 'and', 'or', 'xor', 'cmp'])} r/m${wide}, imm32`, d, random.s32());
        break;
      case 5:
        a.op(`${random.pick(['add', 'sub', 'cmp', 'and'])} r/m${size}, imm8`, d, random.below(256) - 128);
        break;
      case 6:
        a.op(`mov r/m${size}, r${size}`, d, s);
        break;
      case 7:
        if (random.chance(50)) a.op('mov r32, imm32', d, random.s32() >>> 0);
        else a.op('mov r64, imm64', d, (BigInt(random.s32()) << 32n) | BigInt(random.s32() >>> 0));
        break;
      case 8:
      case 9: {
        const op = random.pick(['shl', 'shr', 'sar', 'rol', 'ror', 'rcl']);
        a.op(`${op} r/m${size}, imm8`, d, random.below(size === '64' ? 70 : 40));
        break;
      }
      case 10:
        a.op(`${random.pick(['shl', 'shr', 'sar'])} r/m${size}, cl`, d);
        break;
      case 11:
        a.op(`${random.pick(['shlx', 'shrx', 'sarx'])} r${wide}, r/m${wide}, r${wide}`, d, s, this.reg());
        break;
      case 12:
        a.op(`imul r${wide}, r/m${wide}`, d, s);
        break;
      case 13:
        a.op(`imul r${wide}, r/m${wide}, imm8`, d, s, random.below(256) - 128);
        break;
      case 14:
        a.op(`mul r/m${wide}`, d);
        break;
      case 15: {
        if (random.below(100) >= this.options.faults) a.op('xor r/m32, r32', rdx, rdx).op('or r/m32, imm8', rbx, 1);
        a.op(`div r/m${wide}`, rbx);
        break;
      }
      case 16:
        a.op(wide === '64' ? 'cqo' : 'cdq').op('or r/m64, imm8', rsi, 2);
        if (wide === '64') a.op('shr r/m64, imm8', rsi, 1);
        a.op(`idiv r/m${wide}`, rsi);
        break;
      case 17:
        a.op(`${random.pick(['inc', 'dec', 'neg', 'not'])} r/m${size}`, d);
        break;
      case 18:
        a.op(`cmov${random.pick(CC)} r${wide}, r/m${wide}`, d, s);
        break;
      case 19:
        a.op(`set${random.pick(CC)} r/m8`, d);
        break;
      case 20:
        a.op(`${random.pick(['movzx', 'movsx'])} r${wide}, r/m${random.pick(['8', '16'])}`, d, s);
        break;
      case 21:
        a.op(
          'lea r64, m',
          d,
          mem({ base: s, index: this.reg(), scale: random.pick([1, 2, 4, 8] as const), disp: random.s32() }),
        );
        break;
      case 22:
        a.op('push r64', d).op(`add r/m64, imm8`, s, 1).op('pop r64', this.reg());
        break;
      case 23:
        a.op(`bswap r${wide}`, d);
        break;
      case 24:
        a.op(`bt r/m${wide}, imm8`, d, random.below(64));
        break;
      default:
        a.op(random.pick(['cdqe', 'cwde', 'cdq', 'cqo', 'nop', 'pause', 'clc', 'stc']));
    }
  }
}
