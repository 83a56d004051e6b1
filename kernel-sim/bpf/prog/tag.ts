/** Program tags: the first 8 bytes of the SHA-1 of the instructions as loaded, map references left out (`bpf_prog_calc_tag`). */
import {
  BPF_CALL,
  BPF_JMP,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  type Insn,
  LD_IMM64,
  writeInsns,
} from '../../../src/isa/index.ts';
import { sha1 } from './sha1.ts';

const CALL = BPF_JMP | BPF_CALL;

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

/**
 * Tag of one function of a program with several: at the time when Linux takes it, calls of the program's own functions
 * have the function's number in off, and 1 in imm (`jit_subprogs`).
 */
export function funcTag(insns: readonly Insn[], starts: readonly number[], n: number): string {
  const end = starts[n + 1] ?? insns.length;
  const own = insns.slice(starts[n], end).map((insn, at) => {
    if (insn.code !== CALL || insn.src !== BPF_PSEUDO_CALL) return insn;
    return { ...insn, off: starts.indexOf(starts[n]! + at + 1 + insn.imm), imm: 1 };
  });
  return progTag(own);
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
