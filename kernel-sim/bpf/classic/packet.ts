/**
 * Packet loads: at a constant offset inside the linear part directly, everything else (paged data,
 * negative offsets into the headers, X-relative) by a helper. Out of bounds ends the filter with 0.
 */
import {
  BPF_ADD,
  BPF_B,
  BPF_H,
  BPF_IND,
  BPF_JSGE,
  BPF_JSLT,
  BPF_SUB,
  BPF_XOR,
  bpfMode,
  bpfSize,
  type Insn,
} from '../../../src/isa/index.ts';
import { alu32, alu64Imm, call, exit, fromBe, jump, jumpImm, load, mov64, mov64Imm } from './build.ts';
import type { SockFilter } from './filter.ts';
import { A, ARG1, ARG2, ARG3, ARG4, type ClassicKernel, CTX, DATA, HEADLEN, TMP, X } from './registers.ts';

const S16_MAX = 0x7fff;
/** instructions of the slow path */
const SLOW = 8;

export function packetLoad(f: SockFilter, kernel: ClassicKernel): Insn[] {
  const size = bpfSize(f.code);
  const bytes = size === BPF_B ? 1 : size === BPF_H ? 2 : 4;
  const indirect = bpfMode(f.code) === BPF_IND;
  const offset = f.k | 0;
  const out: Insn[] = [];
  if (!indirect && offset >= 0) {
    // a load's offset has 16 bits: further out takes an addition
    const near = offset <= S16_MAX;
    const swap = bytes > 1;
    out.push(mov64(TMP, HEADLEN));
    if (offset !== 0) out.push(alu64Imm(BPF_SUB, TMP, offset));
    out.push(jumpImm(BPF_JSLT, TMP, bytes, 2 + (swap ? 1 : 0) + (near ? 0 : 2)));
    if (near) out.push(load(size, A, DATA, offset));
    else out.push(mov64(TMP, DATA), alu64Imm(BPF_ADD, TMP, offset), load(size, A, TMP, 0));
    if (swap) out.push(fromBe(A, bytes * 8));
    out.push(jump(SLOW));
  }
  out.push(mov64(ARG1, CTX), mov64(ARG2, DATA), mov64(ARG3, HEADLEN));
  if (indirect) {
    out.push(mov64(ARG4, X));
    if (offset !== 0) out.push(alu64Imm(BPF_ADD, ARG4, offset));
  } else out.push(mov64Imm(ARG4, offset));
  out.push(call(kernel.call(`bpf_skb_load_helper_${bytes * 8}`)));
  out.push(jumpImm(BPF_JSGE, A, 0, 2), alu32(BPF_XOR, A, A), exit());
  return out;
}
