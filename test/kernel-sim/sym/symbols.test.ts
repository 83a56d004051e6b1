/** %pS, %ps and %pB of bpf_snprintf, as the real kernel printed them: functions, padding, data, what lies outside. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { names, padded } from '../../../kernel-sim/data/symbols.ts';
import { Kernel } from '../../../src/index.ts';
import { assemble, writeInsns } from '../../../src/isa/index.ts';

it('knows of each symbol whether padding is its end', () => {
  expect(padded.length).toBe(names.split(' ').length);
});

it('tells symbols as the kernel does', async () => {
  const kernel = await Kernel.boot();
  const out = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 512, maxEntries: 1 });
  const text = (form: string, address: bigint): string => {
    const map = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 8, maxEntries: 1, flags: 128 });
    map.update(0, Buffer.from(form.padEnd(8, '\0')));
    map.freeze();
    const insns = writeInsns(
      assemble(`
        r1 = 0x${address.toString(16)} ll
        *(u64 *)(r10 -8) = r1
        r1 = map[id:${out.fd}][0]+0
        r2 = 512
        r3 = map[id:${map.fd}][0]+0
        r4 = r10
        r4 += -8
        r5 = 8
        call bpf_snprintf#165
        r0 = 0
        exit`).insns,
    );
    const prog = kernel.bpf.progLoad({ type: 'socket_filter', insns, license: 'GPL', verify: false });
    prog.testRun({ dataIn: new Uint8Array(14) });
    prog.close();
    map.close();
    const bytes = out.lookup(0) as Uint8Array;
    return Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString();
  };
  const lines = readFileSync(new URL('golden/symbols.golden.txt', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  const got = lines.map((line) => {
    const [form = '', address = ''] = line.split(' ');
    return `${form} ${address} ${text(form, BigInt(`0x${address}`))}`;
  });
  expect(got).toEqual(lines);
});
