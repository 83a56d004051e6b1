/** What helpers do, against the real kernel: results, memory and packets after programs that call them. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BpfError, type EngineName, Kernel } from '../../../src/index.ts';
import { first } from '../../support/depth.ts';

type Row = [
  type: string,
  insns: string,
  before: string,
  packet: string,
  result: number | string,
  after?: string,
  packetAfter?: string,
];
const VALUE = 256;

const rows = readFileSync(new URL('golden/helpers.golden.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Row);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const trimmed = (bytes: Uint8Array): string => hex(bytes).replace(/(00)+$/, '');
const bytes = (text: string, size = text.length / 2): Uint8Array => {
  const out = new Uint8Array(size);
  out.set(Buffer.from(text, 'hex'));
  return out;
};

it.each(first<EngineName>(1, ['jit', 'interp']))('helpers answer as the real kernel does (%s)', async (engine) => {
  const kernel = await Kernel.boot({ engine });
  const wrong: string[] = [];
  for (const [type, insns, before, packet, ...want] of rows) {
    const map = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: VALUE, maxEntries: 1 });
    map.update(0, bytes(before, VALUE));
    const code = Buffer.from(insns, 'hex');
    for (let at = 0; at < code.length; at += 8) {
      if (code[at] !== 0x18) continue;
      if (code[at + 1]! >> 4 === 2) code.writeInt32LE(map.fd, at + 4);
      at += 8;
    }
    const got: (string | number)[] = [];
    try {
      const prog = kernel.bpf.progLoad({ type, insns: code, license: 'GPL' });
      const out = prog.testRun(packet ? { dataIn: bytes(packet) } : { ctxIn: new Uint8Array(96) });
      got.push(out.retval, trimmed(map.lookup(0)!), hex(out.dataOut));
      prog.close();
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      got.push(error.errno);
    }
    if (JSON.stringify(got) !== JSON.stringify(want))
      wrong.push(`${type} ${insns}: ${JSON.stringify(got)}, Linux ${JSON.stringify(want)}`);
    map.close();
  }
  expect(wrong).toEqual([]);
});
