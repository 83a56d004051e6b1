/**
 * Classic BPF to eBPF, as the kernel does it when a filter is attached (`bpf_convert_filter` of
 * net/core/filter.c): arithmetic maps one to one, everything else to a few instructions. Jump
 * distances count eBPF instructions, so targets are resolved when all lengths are known.
 */
import {
  BPF_ABS,
  BPF_ALU,
  BPF_AND,
  BPF_B,
  BPF_DIV,
  BPF_DW,
  BPF_IMM,
  BPF_IND,
  BPF_JA,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JMP,
  BPF_JNE,
  BPF_K,
  BPF_LD,
  BPF_LDX,
  BPF_LSH,
  BPF_MEM,
  BPF_MOD,
  BPF_REG_FP,
  BPF_ST,
  BPF_STX,
  BPF_SUB,
  BPF_W,
  BPF_X,
  BPF_XOR,
  bpfClass,
  bpfMode,
  bpfOp,
  bpfSrc,
  type Insn,
  insn,
} from '../../../src/isa/index.ts';
import { ancillaryLoad } from './ancillary.ts';
import { alu32, alu32Imm, exit, jumpImm, load, mov32, mov32Imm, mov64, store32 } from './build.ts';
import { checkClassic } from './check.ts';
import { ClassicError, type SockFilter } from './filter.ts';
import { BPF_A, BPF_LEN, BPF_MISC, BPF_MSH, BPF_RET, BPF_TAX, BPF_TXA } from './opcodes.ts';
import { packetLoad } from './packet.ts';
import { A, ARG1, type ClassicKernel, CTX, DATA, HEADLEN, TMP, X } from './registers.ts';

export interface Converted {
  readonly insns: Insn[];
  /** bytes of BPF stack that scratch memory takes */
  readonly stackDepth: number;
  /** for each eBPF instruction the classic one that it comes from, -1 for the prologue */
  readonly origins: readonly number[];
}

/** Instructions of one classic instruction; `targets` says which of them jump, and where to. */
interface Piece {
  readonly insns: Insn[];
  readonly targets: readonly { at: number; to: number }[];
}

const piece = (...insns: Insn[]): Piece => ({ insns, targets: [] });

/** Checks and converts a filter. @throws ClassicError (EINVAL) */
export function convertClassic(filters: readonly SockFilter[], kernel: ClassicKernel): Converted {
  checkClassic(filters);
  const pieces = filters.map((f, pc) => convert(f, pc, kernel));
  const insns = prologue(filters.some(readsPacket), kernel);
  const origins: number[] = insns.map(() => -1);
  const starts: number[] = [];
  for (const [pc, p] of pieces.entries()) {
    starts.push(insns.length);
    for (const i of p.insns) {
      insns.push(i);
      origins.push(pc);
    }
  }
  pieces.forEach((p, pc) => {
    for (const { at, to } of p.targets) {
      const slot = (starts[pc] as number) + at;
      const off = (starts[to] as number) - slot - 1;
      if (off > 0x7fff) throw new ClassicError(`jump over ${off} converted instructions is too far`, pc);
      (insns[slot] as Insn).off = off;
    }
  });
  const words = filters.filter((f) => f.code === BPF_ST || f.code === BPF_STX).map((f) => f.k * 4 + 4);
  return { insns, stackDepth: Math.max(0, ...words), origins };
}

const readsPacket = (f: SockFilter): boolean => {
  const [cls, mode] = [bpfClass(f.code), bpfMode(f.code)];
  if (cls === BPF_LDX) return mode === BPF_MSH;
  return cls === BPF_LD && (mode === BPF_IND || (mode === BPF_ABS && !ancillaryLoad(f, NO_KERNEL)));
};
/** Enough of a kernel to ask whether a load is ancillary. */
const NO_KERNEL: ClassicKernel = { offset: () => 0, call: () => 0 };

/** A and X start at 0; the packet's head and its length are kept in registers where it is read. */
function prologue(packet: boolean, kernel: ClassicKernel): Insn[] {
  const out = [alu32(BPF_XOR, A, A), alu32(BPF_XOR, X, X), mov64(CTX, ARG1)];
  if (packet) {
    const skb = (size: number, dst: number, field: string): Insn =>
      load(size, dst, CTX, kernel.offset('sk_buff', field));
    out.push(
      skb(BPF_DW, DATA, 'data'),
      skb(BPF_W, HEADLEN, 'len'),
      skb(BPF_W, TMP, 'data_len'),
      alu32(BPF_SUB, HEADLEN, TMP),
    );
  }
  return out;
}

function convert(f: SockFilter, pc: number, kernel: ClassicKernel): Piece {
  const len = kernelLength(f, kernel);
  if (len) return piece(len);
  switch (f.code) {
    case BPF_LDX | BPF_MSH | BPF_B:
      return headerLength(f, kernel);
    case BPF_RET | BPF_A:
      return piece(exit());
    case BPF_RET | BPF_K:
      return piece(mov32Imm(A, f.k), exit());
    case BPF_ST:
    case BPF_STX:
      return piece(store32(BPF_REG_FP, f.code === BPF_ST ? A : X, -(f.k * 4 + 4)));
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
      return piece(load(BPF_W, bpfClass(f.code) === BPF_LD ? A : X, BPF_REG_FP, -(f.k * 4 + 4)));
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
      return piece(mov32Imm(bpfClass(f.code) === BPF_LD ? A : X, f.k));
    case BPF_MISC | BPF_TAX:
      return piece(mov64(X, A));
    case BPF_MISC | BPF_TXA:
      return piece(mov64(A, X));
    case BPF_JMP | BPF_JA:
      return { insns: [insn(f.code, 0, 0, 0, 0)], targets: [{ at: 0, to: pc + 1 + f.k }] };
  }
  switch (bpfClass(f.code)) {
    case BPF_ALU:
      return arithmetic(f);
    case BPF_LD:
      return piece(...((bpfMode(f.code) === BPF_ABS ? ancillaryLoad(f, kernel) : undefined) ?? packetLoad(f, kernel)));
    case BPF_JMP:
      return branch(f, pc);
    default:
      throw new ClassicError(`unknown code 0x${f.code.toString(16)}`, pc);
  }
}

/** `ld len`, `ldx len` */
function kernelLength(f: SockFilter, kernel: ClassicKernel): Insn | undefined {
  if (f.code !== (BPF_LD | BPF_W | BPF_LEN) && f.code !== (BPF_LDX | BPF_W | BPF_LEN)) return undefined;
  return load(BPF_W, bpfClass(f.code) === BPF_LD ? A : X, CTX, kernel.offset('sk_buff', 'len'));
}

/** Same opcode, A and X as operands; dividing by X = 0 ends the filter with 0. */
function arithmetic(f: SockFilter): Piece {
  const same = insn(f.code, A, X, 0, f.k);
  if (f.code !== (BPF_ALU | BPF_DIV | BPF_X) && f.code !== (BPF_ALU | BPF_MOD | BPF_X)) return piece(same);
  return piece(mov32(X, X), jumpImm(BPF_JNE, X, 0, 2), alu32(BPF_XOR, A, A), exit(), same);
}

/** `ldxb 4*([k]&0xf)`: length of an IPv4 header; A is kept in X meanwhile. */
function headerLength(f: SockFilter, kernel: ClassicKernel): Piece {
  return piece(
    mov64(X, A),
    ...packetLoad({ code: BPF_LD | BPF_ABS | BPF_B, jt: 0, jf: 0, k: f.k }, kernel),
    alu32Imm(BPF_AND, A, 0xf),
    alu32Imm(BPF_LSH, A, 2),
    mov64(TMP, X),
    mov64(X, A),
    mov64(A, TMP),
  );
}

/** The opposite condition, where eBPF has it. */
const OPPOSITE: ReadonlyMap<number, number> = new Map([
  [BPF_JEQ, BPF_JNE],
  [BPF_JGT, BPF_JLE],
  [BPF_JGE, BPF_JLT],
]);

/** A branch with two targets: one instruction where either is the next, else a branch and a jump. */
function branch(f: SockFilter, pc: number): Piece {
  const insns: Insn[] = [];
  let source = bpfSrc(f.code);
  let src = source === BPF_X ? X : 0;
  let imm = source === BPF_X ? f.k : f.k | 0;
  if (source === BPF_K && imm < 0) {
    // eBPF sign-extends immediates, classic BPF compares 32 bits unsigned
    insns.push(mov32Imm(TMP, imm));
    [source, src, imm] = [BPF_X, TMP, 0];
  }
  const op = bpfOp(f.code);
  const [yes, no] = [pc + 1 + f.jt, pc + 1 + f.jf];
  const opposite = f.jt === 0 ? OPPOSITE.get(op) : undefined;
  const at = insns.length;
  if (f.jf !== 0 && opposite !== undefined) {
    insns.push(insn(BPF_JMP | opposite | source, A, src, 0, imm));
    return { insns, targets: [{ at, to: no }] };
  }
  insns.push(insn(BPF_JMP | op | source, A, src, 0, imm));
  if (f.jf === 0) return { insns, targets: [{ at, to: yes }] };
  insns.push(insn(BPF_JMP | BPF_JA, 0, 0, 0, 0));
  return {
    insns,
    targets: [
      { at, to: yes },
      { at: at + 1, to: no },
    ],
  };
}
