/** BPF trampolines, byte for byte as Linux 6.12's JIT makes them: golden/trampolines.txt is what was in its memory. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Kernel, type TrampolinePoint } from '../../../kernel-sim/index.ts';
import { addrFromBigInt } from '../../../src/machine/addr.ts';
import { decode } from '../../../src/x86/index.ts';
import { program } from '../support/programs.ts';

/** the module area, where images are */
const IMAGES = -0x4000_0000;
const ARGS: Readonly<Record<string, readonly number[]>> = {
  do_filp_open: [4, 8, 8],
  security_file_open: [8],
  vfs_open: [8, 8],
  vfs_read: [8, 8, 8, 8],
  vfs_write: [8, 8, 8, 8],
  move_page_tables: [8, 8, 8, 8, 8, 1, 1],
};
const golden = readFileSync(new URL('../golden/trampolines.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [head, hex] = line.split(': ') as [string, string];
    const [at, ...what] = head.split(' ') as [string, ...string[]];
    return {
      at: addrFromBigInt(BigInt(`0x${at}`) - (1n << 64n)),
      what,
      bytes: Buffer.from(hex.replaceAll(' ', ''), 'hex'),
    };
  });

/** What differs from boot to boot is left out: addresses of images and of what was allocated. */
function lines(bytes: Uint8Array, at: number): string[] {
  const view = Buffer.from(bytes);
  const out: string[] = [];
  for (let i = 0; i < view.length; ) {
    const { length } = decode(view, i);
    const hex = view.toString('hex', i, i + length);
    const target = at + i + length + (length === 5 ? view.readInt32LE(i + 1) : 0);
    if (hex.startsWith('48bf')) out.push('movabs rdi');
    else if (hex.startsWith('e8')) out.push(`call ${target < IMAGES ? target.toString(16) : 'image'}`);
    else out.push(hex);
    i += length;
  }
  return out;
}

describe('a trampoline', () => {
  it.each(golden)('$what', async ({ what, bytes, at }) => {
    const kernel = await Kernel.boot({ engine: 'jit' });
    const { probes, symbols } = kernel;
    const links = what.map((one) => {
      const [, kind, ip, target] = /^(\w+)(\+ip)?:(\w+)$/.exec(one)!;
      const prog = { ...program(kernel, one, () => {}), getsFuncIp: ip !== undefined };
      return probes.trampoline(prog, {
        kind: kind as TrampolinePoint['kind'],
        target: target!,
        argSizes: ARGS[target!]!,
        retSize: 8,
      });
    });
    const nop = links[0]!.address;
    const image = nop + 5 + (kernel.memory.readU32(nop + 1) | 0);
    expect(symbols.at(image)?.name).toMatch(/^bpf_trampoline_/);
    expect(lines(kernel.memory.readBytes(image, bytes.length), image)).toEqual(lines(bytes, at));
  });
});
