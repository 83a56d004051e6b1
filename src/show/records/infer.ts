/**
 * A structure for records of which BTF has none, as for variables on the stack: its members are where the program stores,
 * named by the C lines that do.
 */
import { Btf, BtfBuilder } from '../../btf/index.ts';
import type { Fill } from './stores.ts';

export interface Inferred {
  readonly btf: Btf;
  readonly id: number;
}

/** @param length bytes of the record; undefined where nothing is known of its stores */
export function inferStruct(fills: Iterable<Fill>, length: number): Inferred | undefined {
  const placed: Fill[] = [];
  let end = 0;
  // of members of a union the narrowest
  for (const fill of [...fills].sort((a, b) => a.at - b.at || a.size - b.size)) {
    if (fill.at < end || fill.at + fill.size > length) continue;
    placed.push(fill);
    end = fill.at + fill.size;
  }
  if (placed.length === 0) return undefined;
  const builder = new BtfBuilder();
  const int = (size: number): number =>
    builder.add({
      kind: 'int',
      name: `u${size * 8}`,
      size,
      bits: size * 8,
      bitOffset: 0,
      signed: false,
      char: false,
      bool: false,
      encoding: 0,
    });
  const index = int(4);
  const byte = int(1);
  const char = builder.add({
    kind: 'int',
    name: 'char',
    size: 1,
    bits: 8,
    bitOffset: 0,
    signed: true,
    char: false,
    bool: false,
    encoding: 1,
  });
  const array = (type: number, length: number): number =>
    builder.add({ kind: 'array', name: '', type, indexType: index, length });
  const typeOf = ({ size, kind }: Fill): number => {
    if (kind === 'addresses') return array(int(8), Math.floor(size / 8));
    if (kind === 'text') return array(char, size);
    return [1, 2, 4, 8].includes(size) ? int(size) : array(byte, size);
  };
  const used = new Set<string>();
  const members = placed.map((fill) => {
    const plain = fill.name !== undefined && !used.has(fill.name) ? fill.name : `at_${fill.at}`;
    used.add(plain);
    return { name: plain, type: typeOf(fill), bitOffset: fill.at * 8, bitfieldSize: 0 };
  });
  const id = builder.add({ kind: 'struct', name: '', size: length, kindFlag: false, members });
  return { btf: Btf.parse(builder.bytes()), id };
}
