/**
 * The passes. Sizes of jumps depend on distances and these on sizes, so a function is written again
 * and again with the offsets of the pass before, starting from a generous guess, until its length
 * stands; then once more with addresses (`bpf_int_jit_compile` of Linux 6.12, which fixes the number
 * of passes after which shrinking instructions are padded: the bytes depend on it).
 */
import { LD_IMM64, rowOf } from '../isa/index.ts';
import { Assembler } from '../x86/index.ts';
import { FuncContext } from './context.ts';
import { prologue } from './frame.ts';
import { lower } from './lower/index.ts';
import { JitError, type JitedFunc, type JitInput, type JitOutput } from './types.ts';

const MAX_PASSES = 20;
const PADDING_PASSES = 15;
/** Linux's BPF_MAX_INSN_SIZE: no instruction may need more. */
const MAX_INSN_BYTES = 128;
/** What a function's address is taken for until it is known: the start of the module area. */
const MODULES_VADDR = 0xffff_ffff_c000_0000n;

function pass(c: FuncContext, origin: bigint): void {
  c.asm = new Assembler(origin);
  c.seenExit = false;
  c.extable = [];
  c.pokes = [];
  prologue(c);
  c.ends[0] = c.asm.length;
  for (let slot = 0; slot < c.insns.length; slot++) {
    const insn = c.insns[slot] as (typeof c.insns)[number];
    c.slot = slot;
    const before = c.asm.length;
    lower(c, insn);
    if (c.asm.length - before > MAX_INSN_BYTES)
      throw new JitError(`${c.func.name}: instruction ${slot} needs more than ${MAX_INSN_BYTES} bytes`);
    if (insn.code === LD_IMM64) slot++;
    c.ends[slot + 1] = c.asm.length;
  }
}

/** Jumps must land on instructions: the verifier sees to that, a caller without one may not. */
function checkTargets(c: FuncContext): void {
  c.insns.forEach((insn, slot) => {
    if (c.insns[slot - 1]?.code === LD_IMM64) return;
    const row = rowOf(insn);
    if (row?.kind !== 'jump' && row?.kind !== 'branch') return;
    const target = slot + 1 + (row.name === 'jal' ? insn.imm : insn.off);
    if (target < 0 || target >= c.insns.length)
      throw new JitError(`${c.func.name}: instruction ${slot} jumps out of the function, to ${target}`);
    if (c.insns[target - 1]?.code === LD_IMM64)
      throw new JitError(`${c.func.name}: instruction ${slot} jumps into a wide load, to ${target}`);
  });
}

/** Passes without addresses; answers the length. */
function settle(c: FuncContext): number {
  checkTargets(c);
  let length = 0;
  for (let n = 0; n < MAX_PASSES; n++) {
    c.padding ||= n >= PADDING_PASSES;
    pass(c, 0n);
    if (c.asm.length === length) return length;
    length = c.asm.length;
  }
  throw new JitError(`${c.func.name}: code size does not settle in ${MAX_PASSES} passes`);
}

function finish(c: FuncContext, address: bigint, length: number): JitedFunc {
  c.final = true;
  pass(c, address);
  if (c.asm.length !== length)
    throw new JitError(`${c.func.name}: code size changes from ${length} to ${c.asm.length} in the last pass`);
  const insnOffsets = Uint32Array.from(c.ends);
  c.insns.forEach((insn, slot) => {
    if (insn.code === LD_IMM64) insnOffsets[slot + 1] = insnOffsets[slot + 2] as number;
  });
  return { name: c.func.name, address, bytes: c.asm.bytes(), insnOffsets, extable: c.extable };
}

/** Compiles a program: all functions are sized, placed, then written. @throws JitError */
export function jit(input: JitInput): JitOutput {
  const starts: number[] = [];
  let slots = 0;
  for (const func of input.funcs) {
    starts.push(slots);
    slots += func.insns.length;
  }
  let addresses: readonly bigint[] | undefined;
  const addressOfSlot = (slot: number): bigint | undefined => {
    const index = starts.indexOf(slot);
    if (index < 0 && starts.length === 1) return undefined;
    if (index < 0) throw new JitError(`no function starts at instruction ${slot}`);
    return addresses?.[index] ?? MODULES_VADDR;
  };
  const contexts = input.funcs.map((_, index) => new FuncContext(input, index, starts[index] as number, addressOfSlot));
  const lengths = contexts.map(settle);
  addresses = input.place(lengths);
  const placed = addresses;
  const funcs = contexts.map((c, index) => finish(c, placed[index] as bigint, lengths[index] as number));
  return { funcs, pokes: contexts.flatMap((c) => c.pokes) };
}
