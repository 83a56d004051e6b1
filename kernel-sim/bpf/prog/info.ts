/** What bpf_prog_info tells of a program beside its code: records of its BTF as the rewrites left them, addresses of lines, tags. */
import type { Addr } from '../../../src/machine/addr.ts';
import type { FuncInfo, LineInfo } from '../../../src/verifier/types.ts';
import type { BpfProg, ProgCode } from './prog.ts';
import { funcTag } from './tag.ts';

/** Slot that each slot of the program as loaded went to; where it was removed, the next that stayed. */
function movedSlots({ insns, origins, funcs }: ProgCode, loaded: number): Int32Array {
  const out = new Int32Array(loaded + 1).fill(-1);
  for (let slot = insns.length - 1; slot >= 0; slot--) {
    const origin = origins[slot]!;
    if (origin >= 0 && origin < loaded) out[origin] = slot;
  }
  // what rewrites put in front of a function belongs to its first instruction
  for (const { start } of funcs) {
    let first = start;
    while (first < insns.length && origins[first]! < 0) first++;
    const origin = origins[first];
    if (origin !== undefined && origin >= 0) out[origin] = start;
  }
  let next = insns.length;
  for (let slot = loaded; slot >= 0; slot--) {
    if (out[slot]! < 0) out[slot] = next;
    next = out[slot]!;
  }
  return out;
}

/** `adjust_btf_func`: functions begin where the rewrites put them. */
export function movedFuncInfo(given: readonly FuncInfo[], code: ProgCode): FuncInfo[] {
  return code.funcs.flatMap(({ start }, n) => {
    const info = given[n];
    return info === undefined ? [] : [{ insnOff: start, typeId: info.typeId }];
  });
}

/** `bpf_adj_linfo`: a line that lost its instructions gives way to the next, unless that has none of its own. */
export function movedLineInfo(given: readonly LineInfo[], code: ProgCode, loaded: number): LineInfo[] {
  const slots = movedSlots(code, loaded);
  const out: LineInfo[] = [];
  for (const line of given) {
    const insnOff = slots[line.insnOff]!;
    if (insnOff >= code.insns.length) continue;
    if (out.at(-1)?.insnOff === insnOff) out.pop();
    out.push({ ...line, insnOff });
  }
  return out;
}

/** `bpf_prog_fill_jited_linfo`: where each line's machine code begins. */
export function lineAddresses(prog: BpfProg): Addr[] {
  const { code, lineInfo } = prog.init;
  if (!prog.jited) return [];
  return lineInfo.map(({ insnOff }) => {
    const n = code.funcs.findIndex((f) => insnOff >= f.start && insnOff < f.end);
    const placed = prog.placed[n]!;
    const slot = insnOff - code.funcs[n]!.start;
    return placed.address + (slot === 0 ? 0 : placed.insnOffsets[slot]!);
  });
}

/** Tag of one of its functions; that of the only one is the program's. */
export function tagOf(prog: BpfProg, n: number): string {
  const { code, tag } = prog.init;
  const starts = code.funcs.map((f) => f.start);
  return starts.length === 1 ? tag : funcTag(code.insns, starts, n);
}
