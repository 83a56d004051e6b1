/** Program tags: the first 8 bytes of the SHA-1 of the instructions as loaded, map references left out (`bpf_prog_calc_tag`). */
import { BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, type Insn, LD_IMM64, writeInsns } from '../../../src/isa/index.ts';
import { sha1 } from './sha1.ts';

/** Sixteen hexadecimal digits. */
export function progTag(insns: readonly Insn[]): string {
  let half = false;
  const stable = insns.map((insn) => {
    if (half) {
      half = false;
      return { ...insn, imm: 0 };
    }
    half = insn.code === LD_IMM64 && (insn.src === BPF_PSEUDO_MAP_FD || insn.src === BPF_PSEUDO_MAP_VALUE);
    return half ? { ...insn, imm: 0 } : insn;
  });
  return hex(sha1(writeInsns(stable)).subarray(0, 8));
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
