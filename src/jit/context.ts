/**
 * State of one function while it is compiled: what `struct jit_context` and the locals of `do_jit`
 * hold in Linux. It lives over all passes; each pass writes the function anew from offset 0.
 */
import type { Insn } from '../isa/index.ts';
import { Assembler, at, type Mem, type Operand } from '../x86/index.ts';
import { CALLEE_SAVED } from './regs.ts';
import type { ExtableEntry, JitFunc, JitInput, JitPoke } from './types.ts';

export const isImm8 = (n: number): boolean => n >= -128 && n <= 127;
/**
 * Whether a jump takes its short form. Forward the limit is 123, not 127: a jump that grew by 4 bytes
 * because another did could otherwise swing between its forms from pass to pass, never settling.
 */
const isShort = (distance: number): boolean => distance >= -128 && distance <= 123;
export const isImm32 = (n: number): boolean => n === (n | 0);

export class FuncContext {
  readonly input: JitInput;
  readonly func: JitFunc;
  readonly index: number;
  readonly insns: readonly Insn[];
  /** slot of the function's first instruction in the whole program */
  readonly start: number;
  /** callee-saved registers (x86 numbers) that the function pushes */
  readonly saved: readonly number[];
  /** `ends[i + 1]` is the offset behind slot i, `ends[0]` the prologue's length; from the last pass until rewritten in this one */
  readonly ends: Int32Array;

  asm = new Assembler(0);
  /** the last pass: addresses are known and count */
  final = false;
  /** late passes pad instructions that could shrink, so that sizes settle */
  padding = false;
  /** slot being lowered */
  slot = 0;
  seenExit = false;
  /** offset of the epilogue, from the last pass until the first exit of this one */
  cleanup = 0;
  extable: ExtableEntry[] = [];
  pokes: JitPoke[] = [];
  /** address of the function that starts at a slot of the program; where unknown, the module area's start */
  private readonly addressOfSlot: (slot: number) => bigint | undefined;

  constructor(input: JitInput, index: number, start: number, addressOfSlot: (slot: number) => bigint | undefined) {
    this.input = input;
    this.func = input.funcs[index] as JitFunc;
    this.index = index;
    this.insns = this.func.insns;
    this.start = start;
    this.addressOfSlot = addressOfSlot;
    this.saved = CALLEE_SAVED.filter(([bpf]) => this.insns.some((i) => i.dst === bpf || i.src === bpf)).map(
      ([, x86]) => x86,
    );
    // first guess: 64 bytes an instruction
    this.ends = Int32Array.from({ length: this.insns.length + 1 }, (_, i) => 64 * (i + 1));
    this.cleanup = 64 * (this.insns.length + 1);
  }

  get features(): JitInput['features'] {
    return this.input.features;
  }

  get isSubprog(): boolean {
    return this.index !== 0;
  }

  /** Stack depth as allocated: a multiple of 8. */
  get frame(): number {
    return (this.func.stackDepth + 7) & ~7;
  }

  op(syntax: string, a?: Operand, b?: Operand, c?: Operand): this {
    this.asm.op(syntax, a, b, c);
    return this;
  }

  /** `[base + off]` as Linux writes it: always a displacement, of 8 or 32 bits. */
  mem(base: number, off: number): Mem {
    return at(base, off, isImm8(off) ? 1 : 4);
  }

  /**
   * Address of the function called or named by an immediate relative to this slot; undefined in the only function that
   * is left of a program whose callbacks were dead: their numbers stand as they are, and nothing calls them.
   */
  localTarget(imm: number): bigint | undefined {
    return this.addressOfSlot(this.start + this.slot + imm + 1);
  }

  /** `call rel32` or `jmp rel32` to a kernel address: only the last pass knows the distance. */
  far(syntax: 'call rel32' | 'jmp rel32', target: bigint): this {
    return this.op(syntax, this.final ? target : this.asm.here);
  }

  /** Distance from the end of this slot to the start of the slot `off` behind the next, by the sizes known now. */
  distance(off: number): number {
    return (this.ends[this.slot + 1 + off] as number) - (this.ends[this.slot + 1] as number);
  }

  /** Bytes by which this instruction was longer in the last pass. */
  private slack(): number {
    const [from, to] = [this.ends[this.slot] as number, this.ends[this.slot + 1] as number];
    return to - from - (this.asm.length - from);
  }

  /** Conditional jump by `distance` from the end of the instruction, in the shorter form that reaches. */
  jcc(condition: string, distance: number): void {
    if (isShort(distance)) {
      if (this.padding) this.asm.nops(this.slack() - 2);
      this.op(`j${condition} rel8`, this.asm.here + 2 + distance);
    } else this.op(`j${condition} rel32`, this.asm.here + 6 + distance);
  }

  /** Unconditional jump; one of length 0 vanishes. */
  jmp(distance: number, mayVanish: boolean): void {
    if (mayVanish && distance === 0) {
      if (this.padding) this.asm.nops(this.slack());
    } else if (isShort(distance)) {
      if (this.padding) this.asm.nops(this.slack() - 2);
      this.op('jmp rel8', this.asm.here + 2 + distance);
    } else this.op('jmp rel32', this.asm.here + 5 + distance);
  }
}
