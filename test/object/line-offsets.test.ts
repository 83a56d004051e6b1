/** Line records of a damaged object: an offset inside an instruction counts as that instruction's, as libbpf divides. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ElfFile } from '../../src/elf/index.ts';
import { BpfError, BpfObject, Kernel } from '../../src/index.ts';

it.each([1, 2, 3, 4, 5, 6, 7])('an offset %i bytes into an instruction', async (bytes) => {
  const object = Uint8Array.from(readFileSync('fixtures/opens.o'));
  const ext = ElfFile.parse(object, 'opens.o').section('.BTF.ext');
  const view = new DataView(object.buffer);
  const base = ext?.offset as number;
  const lines = base + view.getUint32(base + 4, true) + view.getUint32(base + 16, true);
  const size = view.getUint32(lines, true);
  const second = lines + 4 + 8 + size;
  view.setUint32(second, view.getUint32(second, true) + bytes, true);
  const kernel = await Kernel.boot();
  try {
    expect(BpfObject.open(object).load(kernel).programs['count_opens']?.handle.id).toBeGreaterThan(0);
  } catch (error) {
    expect(error).toBeInstanceOf(BpfError);
  }
});
