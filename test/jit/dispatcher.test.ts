import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jitDispatcher } from '../../src/jit/index.ts';

const thunk = 0xffff_ffff_81cf_5380n;

/** bpf_dispatcher_xdp of a running Linux 6.12.117, read while one to nine XDP programs ran under it. */
describe('dispatcher', () => {
  const blocks = readFileSync(new URL('dispatcher.txt', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n\n');
  it.each(blocks.map((block) => block.split('\n') as [string, string, string]))('%s', (head, progs, image) => {
    const [variant, address] = head.split(' ') as [string, string];
    const bytes = jitDispatcher({
      progs: progs.split(' ').map((p) => BigInt(`0x${p}`)),
      address: BigInt(`0x${address}`),
      features: { retpoline: variant === 'mitigations' },
      symbol: () => thunk,
    });
    expect(Buffer.from(bytes).toString('hex')).toBe(image);
  });
});
