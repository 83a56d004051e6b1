/**
 * Instructions as OBJ_GET_INFO_BY_FD shows them (xlated): bpf_insn_prepare_dump() of
 * kernel/bpf/syscall.c, Linux 6.12. Map addresses become ids, internal opcodes the public ones.
 */
import * as I from '../../../src/isa/index.ts';
import { type Insn, writeInsns } from '../../../src/isa/index.ts';

/** A map that the program uses, as far as a dump must know it. */
export interface DumpMap {
  readonly id: number;
  /** of `struct bpf_map` */
  readonly address: bigint;
  /** values that programs may use directly: where they are, and how many bytes */
  readonly values?: { readonly address: bigint; readonly size: number };
}

export interface DumpProgram {
  readonly insns: readonly Insn[];
  /** first slots of the program's functions */
  readonly starts: readonly number[];
  readonly maps: readonly DumpMap[];
  /** false: for those who may not see addresses, calls go nowhere; default true */
  readonly withCalls?: boolean;
}

const TAIL_CALL = 12;
const CALL = I.BPF_JMP | I.BPF_CALL;
const low = (x: bigint): number => Number(BigInt.asIntN(32, x));

/** What a wide load of a map or of a value in it is shown as. */
function mapReference(maps: readonly DumpMap[], value: bigint): { src: number; id: number; off: number } | undefined {
  for (const map of maps) {
    if (value === BigInt.asUintN(64, map.address)) return { src: I.BPF_PSEUDO_MAP_FD, id: map.id, off: 0 };
    if (map.values === undefined) continue;
    const off = value - BigInt.asUintN(64, map.values.address);
    if (off >= 0n && off < BigInt(map.values.size)) return { src: I.BPF_PSEUDO_MAP_VALUE, id: map.id, off: low(off) };
  }
  return undefined;
}

/** Modes that the verifier put in the place of BPF_MEM, which user space does not know; BPF_PROBE_MEMSX is shown as it is. */
function publicMode(i: Insn): Insn {
  const cls = I.bpfClass(i.code);
  const mode = I.bpfMode(i.code);
  const hidden =
    (cls === I.BPF_LDX && (mode === I.BPF_PROBE_MEM || mode === I.BPF_PROBE_MEM32)) ||
    ((cls === I.BPF_ST || cls === I.BPF_STX) && mode === I.BPF_PROBE_MEM32);
  return hidden ? { ...i, code: cls | I.bpfSize(i.code) | I.BPF_MEM } : i;
}

/** The instructions that user space is shown. */
export function dumpInsns(program: DumpProgram): Insn[] {
  const numbers = new Map(program.starts.map((start, n) => [start, n]));
  const out = program.insns.map((i) => i);
  for (let at = 0; at < out.length; at++) {
    const i = out[at] as Insn;
    if (i.code === (I.BPF_JMP | I.BPF_TAIL_CALL)) out[at] = { ...i, code: CALL, imm: TAIL_CALL };
    else if (i.code === CALL) {
      // the JIT keeps the distance in off and puts the function's number into imm
      const n = i.src === I.BPF_PSEUDO_CALL ? numbers.get(at + 1 + i.imm) : undefined;
      if (n !== undefined) out[at] = I.insn(i.code, i.dst, i.src, i.imm, n);
      if (program.withCalls === false) out[at] = { ...out[at]!, imm: 0 };
    } else if (i.code === I.LD_IMM64) {
      const next = out[at + 1];
      if (next === undefined) break;
      if (i.src === I.BPF_PSEUDO_FUNC) {
        const n = numbers.get(at + 1 + i.imm);
        if (n !== undefined) out[at + 1] = { ...next, imm: n };
      } else {
        const value = (BigInt(next.imm >>> 0) << 32n) | BigInt(i.imm >>> 0);
        const map = mapReference(program.maps, value);
        if (map) {
          out[at] = { ...i, src: map.src, imm: map.id };
          out[at + 1] = { ...next, imm: map.off };
        }
      }
      at++;
    } else out[at] = publicMode(i);
  }
  return out;
}

/** As bytes. */
export const dumpXlated = (program: DumpProgram): Uint8Array => writeInsns(dumpInsns(program));
