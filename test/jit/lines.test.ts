import { describe, expect, it } from 'vitest';
import { type JitedFunc, jit, lineOffset } from '../../src/jit/index.ts';
import { holdFigures } from '../support/figures.ts';
import { haveShared, readJsonl } from '../support/shared.ts';
import { type JitRecord, jitInput } from './oracle.ts';

interface Record extends JitRecord {
  loaded: boolean;
  /** instruction, address, line, column */
  jited_lines?: [number, string, number, number][];
}

/** `jited_line_info`: the address that Linux gives to each C line is where our image has its instruction. */
describe.runIf(haveShared)('line addresses of Linux 6.12', () => {
  it.each(['verifier/selftests', 'verifier/selftests-v4', 'objects/libbpf-tools'])('%s', (set) => {
    let lines = 0;
    for (const record of readJsonl<Record>(`conformance/${set}/programs.jsonl.gz`)) {
      if (!record.loaded || !record.jited || !record.jited_lines?.length) continue;
      const input = jitInput(record);
      const { funcs } = jit(input);
      const starts: number[] = [0];
      for (const func of input.funcs) starts.push((starts.at(-1) as number) + func.insns.length);
      for (const [slot, address] of record.jited_lines) {
        const index = starts.findLastIndex((start, n) => start <= slot && n < funcs.length);
        const func = funcs[index] as JitedFunc;
        const ours = func.address + BigInt(lineOffset(func, slot - (starts[index] as number)));
        expect(ours.toString(16), `${record.name} instruction ${slot}`).toBe(address.replace('0x', ''));
        lines++;
      }
    }
    holdFigures('jit-lines', set, { identical: lines });
  });
});
