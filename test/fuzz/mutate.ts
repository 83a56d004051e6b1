/**
 * Programs of the grammar with a few instructions changed at random. The verifier refuses most of them; the rest are
 * programs that nobody would think of, and each of them must be safe.
 */
import * as isa from '../../src/isa/index.ts';
import { type Insn, insn } from '../../src/isa/index.ts';
import { NUMBERS } from './grammar.ts';
import { Rng } from './rng.ts';

const OFFSETS = [1, -1, 8, -8, 64, 127, 128, 248, 255, 256, -64, -72, -512, -520];
const IMMEDIATES = [0, 1, -1, 63, 64, 255, 256, 0x7fff_ffff, -0x8000_0000];
const WIDTHS = [isa.BPF_B, isa.BPF_H, isa.BPF_W, isa.BPF_DW];
const JUMPS = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0];
const OPERATORS = [
  isa.BPF_ADD,
  isa.BPF_SUB,
  isa.BPF_AND,
  isa.BPF_OR,
  isa.BPF_LSH,
  isa.BPF_RSH,
  isa.BPF_ARSH,
  isa.BPF_MOV,
  isa.BPF_MUL,
  isa.BPF_XOR,
];

/** Slots that are whole instructions. */
function whole(insns: readonly Insn[]): number[] {
  const out: number[] = [];
  for (let n = 0; n < insns.length; n++) {
    out.push(n);
    if (insns[n]!.code === isa.LD_IMM64) n++;
  }
  return out;
}

export function mutate(insns: Insn[], seed: number): Insn[] {
  const r = new Rng(seed ^ 0x51ed270b);
  const slots = whole(insns).filter((n) => insns[n]!.code !== isa.LD_IMM64);
  const changes = 1 + r.below(3);
  for (let n = 0; n < changes; n++) change(insns, r.pick(slots), r);
  return insns;
}

function change(insns: Insn[], slot: number, r: Rng): void {
  const i = insns[slot]!;
  const klass = isa.bpfClass(i.code);
  const isMemory = klass === isa.BPF_LDX || klass === isa.BPF_ST || klass === isa.BPF_STX;
  const isJump = klass === isa.BPF_JMP || klass === isa.BPF_JMP32;
  const isCall = i.code === (isa.BPF_JMP | isa.BPF_CALL) || i.code === (isa.BPF_JMP | isa.BPF_EXIT);
  switch (r.below(8)) {
    case 0:
      if (!isCall) i.dst = r.below(NUMBERS + 2);
      return;
    case 1:
      if (!isCall && (isa.bpfSrc(i.code) === isa.BPF_X || klass === isa.BPF_STX || klass === isa.BPF_LDX))
        i.src = r.below(NUMBERS + 2);
      return;
    case 2:
      if (isMemory) i.off = r.chance(50) ? r.pick(OFFSETS) : i.off + r.pick(OFFSETS);
      else if (isJump && !isCall) i.off = r.below(12);
      return;
    case 3:
      if (!isMemory && isa.bpfSrc(i.code) === isa.BPF_K && !isCall) i.imm = r.pick(IMMEDIATES);
      return;
    case 4:
      if (isMemory) i.code = (i.code & ~0x18) | r.pick(WIDTHS);
      else if (isJump && !isCall) i.code = (i.code & 0x0f) | r.pick(JUMPS);
      else if (!isCall && isa.bpfOp(i.code) !== isa.BPF_END) i.code = (i.code & 0x0f) | r.pick(OPERATORS);
      return;
    case 5:
      // arithmetic between numbers and pointers
      insns[slot] = insn(isa.BPF_ALU64 | r.pick(OPERATORS) | isa.BPF_X, r.below(NUMBERS), r.pick([9, 10, 8, 0]), 0, 0);
      return;
    case 6:
      insns[slot] = insn(
        isa.BPF_LDX | isa.BPF_MEM | r.pick(WIDTHS),
        r.below(NUMBERS),
        r.pick([0, 8, 9, 10]),
        r.pick(OFFSETS),
        0,
      );
      return;
    default:
      insns[slot] = insn(
        isa.BPF_STX | isa.BPF_MEM | r.pick(WIDTHS),
        r.pick([0, 8, 9, 10]),
        r.below(NUMBERS + 2),
        r.pick(OFFSETS),
        0,
      );
  }
}

/** The same program with instructions in the way made to do nothing, then without them. */
export function* simpler(insns: readonly Insn[]): IterableIterator<Insn[]> {
  const nothing = insn(isa.BPF_JMP | isa.BPF_JA, 0, 0, 0, 0);
  const slots = whole(insns).filter((n) => {
    const { code, off } = insns[n]!;
    return code !== (isa.BPF_JMP | isa.BPF_EXIT) && !(code === nothing.code && off === 0);
  });
  for (let size = slots.length; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 4)) {
    for (let at = 0; at < slots.length; at += size) {
      const next = insns.map((i) => ({ ...i }));
      for (const slot of slots.slice(at, at + size)) {
        next[slot] = { ...nothing };
        if (insns[slot]!.code === isa.LD_IMM64) next[slot + 1] = { ...nothing };
      }
      yield next;
    }
  }
}
