/** Compiles what the rewrites made, for comparison with the real kernel's image: stack depths, tail calls, exceptions and probes show there. */
import * as I from '../../src/isa/index.ts';
import { DEFAULT_FEATURES, jit } from '../../src/jit/index.ts';
import type { Rewritten } from '../../src/verifier/rewrite/index.ts';
import { patchPokes } from '../jit/oracle.ts';
import { kernelSymbol } from './rewrite.ts';
import { fromHex } from './shared.ts';

export interface Image {
  readonly xlated: string;
  readonly jited: string;
  readonly jited_ksyms: string[];
  readonly jited_func_lens: number[];
}

/** Where our image first differs from the kernel's, '' where it does not; heap addresses in wide loads are not compared. */
export function imageDifference(program: Rewritten, record: Image & { readonly name: string }): string {
  const addresses = record.jited_ksyms.map((a) => BigInt(`0x${a}`));
  const out = jit({
    funcs: program.funcs.map((f) => ({
      name: f.name,
      insns: program.insns.slice(f.start, f.end),
      stackDepth: f.stackDepth,
      tailCallReachable: f.tailCallReachable,
      isExceptionCb: f.isExceptionCb,
      exceptionBoundary: f.exceptionBoundary,
    })),
    features: DEFAULT_FEATURES,
    // a default exception callback is compiled but not dumped
    place: (lengths) => lengths.map((_, n) => addresses[n] ?? (addresses.at(-1) ?? 0n) + 4096n),
    callBase: kernelSymbol('__bpf_call_base') ?? 0n,
    symbol: (name) => kernelSymbol(name) ?? 0n,
    pokes: program.pokes,
  });
  const funcs = out.funcs.slice(0, addresses.length);
  patchPokes({ ...out, funcs }, record);
  const image = fromHex(record.jited);
  let base = 0;
  for (const [n, func] of funcs.entries()) {
    const length = record.jited_func_lens[n] ?? 0;
    const theirs = image.slice(base, base + length);
    base += length;
    const insns = program.insns.slice(program.funcs[n]?.start, program.funcs[n]?.end);
    const masked = new Set<number>();
    insns.forEach((i, slot) => {
      const high = insns[slot + 1]?.imm ?? 0;
      if (i.code !== I.LD_IMM64 || (high >>> 16 !== 0xffff && i.src !== I.BPF_PSEUDO_FUNC)) return;
      for (let at = func.insnOffsets[slot] as number; at < (func.insnOffsets[slot + 1] as number); at++) masked.add(at);
    });
    const at = theirs.findIndex((byte, k) => byte !== func.bytes[k] && !masked.has(k));
    if (at >= 0 || func.bytes.length !== length) {
      const slot = func.insnOffsets.findIndex((o) => o > (at < 0 ? length : at)) - 1;
      return `function ${n}, byte ${at} of ${length} (ours ${func.bytes.length}), slot ${slot}, stack ${program.funcs[n]?.stackDepth}`;
    }
  }
  return '';
}
