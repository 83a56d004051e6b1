/** Headers that claim what is not there: no allocation of it, no copy for each that claims the same bytes. */
import { describe, expect, it } from 'vitest';
import { BtfBuilder } from '../../src/btf/index.ts';
import { writeObject } from '../../src/elf/index.ts';
import { BpfObject, inspectObject } from '../../src/object/index.ts';

const CODE = Buffer.from('b7000000000000009500000000000000', 'hex');

/** An object of `count` data sections. */
function sections(count: number, name: (n: number) => string): Uint8Array {
  return writeObject([
    { name: 'xdp', data: CODE, exec: true, symbols: [{ name: 'main', value: 0, size: 16 }] },
    ...Array.from({ length: count }, (_, n) => ({ name: name(n), data: new Uint8Array(8), exec: false, symbols: [] })),
  ]);
}

/** Overwrites fields of the headers of sections that a name matches. */
function claim(
  bytes: Uint8Array,
  pattern: RegExp,
  fields: { readonly type?: number; readonly offset?: number; readonly size: number },
): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const table = Number(view.getBigUint64(40, true));
  const elf = BpfObject.open(bytes, { name: 'x.o' }).model.elf;
  for (const section of elf.sections) {
    if (!pattern.test(section.name)) continue;
    const at = table + section.index * 64;
    if (fields.type !== undefined) view.setUint32(at + 4, fields.type, true);
    if (fields.offset !== undefined) view.setBigUint64(at + 24, BigInt(fields.offset), true);
    view.setBigUint64(at + 32, BigInt(fields.size), true);
  }
  return copy;
}

const NOBITS = 8;

describe('claims', () => {
  it('many sections over the same bytes', () => {
    const bytes = claim(
      sections(500, (n) => `.data.s${n}`),
      /^\.data\./,
      { offset: 64, size: 1000 },
    );
    expect(() => BpfObject.open(bytes, { name: 'x.o' })).toThrow(/bytes are those of other sections too/);
  });

  it('.bss of any size is not made before it is looked at', () => {
    const before = process.memoryUsage().arrayBuffers;
    const bytes = claim(
      sections(3, (n) => `.bss.s${n}`),
      /^\.bss\./,
      { type: NOBITS, size: 60 * 1024 * 1024 },
    );
    const object = BpfObject.open(bytes, { name: 'x.o' });
    expect(object.maps.map((m) => m.valueSize)).toEqual([62914560, 62914560, 62914560]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);
  });

  it('.bss larger than any map', () => {
    const one = claim(
      sections(1, () => '.bss'),
      /^\.bss$/,
      { type: NOBITS, size: 2 ** 40 },
    );
    expect(() => BpfObject.open(one, { name: 'x.o' })).toThrow(/section \.bss/);
    const many = claim(
      sections(9, (n) => `.bss.s${n}`),
      /^\.bss\./,
      { type: NOBITS, size: 60 * 1024 * 1024 },
    );
    expect(() => BpfObject.open(many, { name: 'x.o' })).toThrow(/in all are too many/);
  });

  it('a member larger than its variable is not a value of all that follows', () => {
    const btf = new BtfBuilder();
    const int = {
      kind: 'int',
      name: 'wide',
      bitOffset: 0,
      signed: false,
      char: false,
      bool: false,
      encoding: 0,
    } as const;
    const wide = btf.add({ ...int, size: 1 << 20, bits: 32 });
    const members = [{ name: 'x', type: wide, bitOffset: 0, bitfieldSize: 0 }];
    const holder = btf.add({ kind: 'struct', name: 'holder', size: 4, members, kindFlag: false });
    const type = btf.add({ kind: 'var', name: 'first', type: holder, linkage: 'global' });
    btf.add({ kind: 'datasec', name: '.data', size: 4, vars: [{ type, offset: 0, size: 4 }] });
    const bytes = writeObject([
      { name: 'xdp', data: CODE, exec: true, symbols: [{ name: 'main', value: 0, size: 16 }] },
      { name: '.data', data: new Uint8Array(2 << 20), exec: false, symbols: [{ name: 'first', value: 0, size: 4 }] },
      { name: '.BTF', data: btf.bytes(), exec: false, symbols: [] },
    ]);
    const { globals } = inspectObject(BpfObject.open(bytes, { name: 'x.o' }).model, {});
    expect(globals.map(({ name, size, value }) => ({ name, size, value }))).toEqual([
      { name: 'first', size: 4, value: null },
    ]);
  });
});
