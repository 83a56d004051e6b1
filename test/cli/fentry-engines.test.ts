/** A BPF trampoline calls what runs the program: an image, or the interpreter with the instructions' address. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { writeObject } from '../../src/elf/index.ts';
import { BpfObject, Kernel, readStrace } from '../../src/index.ts';
import { assemble, writeInsns } from '../../src/isa/index.ts';

const recording = readStrace(readFileSync('fixtures/traces/python3.strace', 'utf8')).trace;
const data = writeInsns(
  assemble(`
    r1 = *(u64 *)(r1 +0)
    *(u64 *)(r10 -8) = r1
    r1 = 0x6425
    *(u64 *)(r10 -16) = r1
    r1 = r10
    r1 += -16
    w2 = 3
    r3 = *(u64 *)(r10 -8)
    call 6
    w0 = 0
    exit`).insns,
);
const object = writeObject([
  { name: 'fexit/do_sys_openat2', data, exec: true, symbols: [{ name: 'prog', value: 0, size: data.length }] },
  { name: 'license', data: Buffer.from('GPL\0'), exec: false, symbols: [{ name: 'L', value: 0, size: 4 }] },
]);

describe('fexit', () => {
  it('prints the same on every engine', async () => {
    const outputs: string[] = [];
    for (const engine of ['jit', 'step', 'interp'] as const) {
      const kernel = await Kernel.boot({ engine });
      BpfObject.open(object).load(kernel).attach();
      const { stopped } = await kernel.replay(recording);
      expect(stopped).toBeUndefined();
      outputs.push(kernel.tracePipe.read());
    }
    expect(outputs[0]?.match(/: -100$/gm)).toHaveLength(33);
    expect(outputs[1]).toBe(outputs[0]);
    expect(outputs[2]).toBe(outputs[0]);
  });
});
