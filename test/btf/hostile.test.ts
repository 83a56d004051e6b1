/** Types that multiply: each of these would keep a naive walk busy for years. */
import { describe, expect, it } from 'vitest';
import {
  Btf,
  BtfBuilder,
  type BtfMember,
  Declarations,
  decodeValue,
  dumpCTypes,
  findMember,
  validateBtf,
} from '../../src/btf/index.ts';
import { CoreResolver } from '../../src/object/core/resolve.ts';

const DEPTH = 30;
const m = (name: string, type: number, byte = 0): BtfMember => ({ name, type, bitOffset: byte * 8, bitfieldSize: 0 });

/** Unions of two members each, both of the next union, down to an int: 2^30 paths. */
function nest(named: boolean, memberNames: boolean): Btf {
  const builder = new BtfBuilder();
  builder.add({
    kind: 'int',
    name: 'int',
    size: 4,
    bits: 32,
    bitOffset: 0,
    encoding: 1,
    signed: true,
    char: false,
    bool: false,
  });
  for (let n = 0; n < DEPTH; n++) {
    builder.add({
      kind: 'union',
      name: named ? `u${n}` : '',
      size: 4,
      kindFlag: false,
      members: [m(memberNames ? 'a' : '', n + 1), m(memberNames ? 'b' : '', n + 1)],
    });
  }
  builder.add({ kind: 'struct', name: 'top', size: 4, kindFlag: false, members: [m('', DEPTH + 1)] });
  return Btf.parse(builder.bytes());
}

/** Ends, within the time that any test has, in a result or a typed error. */
function bounded<T>(action: () => T): T | string {
  try {
    return action();
  } catch (error) {
    expect((error as Error).name).toMatch(/^(BtfError|CoreError)$/);
    return (error as Error).message;
  }
}

describe('types that multiply', () => {
  it('alignment and validation', () => {
    const btf = nest(true, true);
    expect(bounded(() => btf.alignOf(DEPTH + 2))).toBe(4);
    expect(bounded(() => validateBtf(btf.bytes).ok)).toBe(true);
  });

  it('values', () => {
    const btf = nest(true, true);
    expect(bounded(() => decodeValue(btf, DEPTH + 1, new Uint8Array(4)))).toMatch(/too deeply/);
  });

  it('members that are not there', () => {
    const btf = nest(false, false);
    const top = btf.typeById(DEPTH + 2);
    if (top.kind !== 'struct') throw new Error('not the struct');
    expect(bounded(() => findMember(btf, top, 'nope'))).toBeUndefined();
  });

  it('text', () => {
    const btf = nest(false, true);
    expect(bounded(() => new Declarations(btf, undefined, { work: 10_000 }).declare(DEPTH + 1, 'x'))).toMatch(
      /too deeply/,
    );
  });

  it('a whole header', () => {
    expect(bounded(() => dumpCTypes(nest(false, true)).length)).toMatch(/too deeply/);
  });

  it('prototypes of prototypes, as C', () => {
    const builder = new BtfBuilder();
    builder.add({
      kind: 'int',
      name: 'int',
      size: 4,
      bits: 32,
      bitOffset: 0,
      encoding: 1,
      signed: true,
      char: false,
      bool: false,
    });
    for (let n = 0; n < DEPTH; n++) {
      builder.add({
        kind: 'func_proto',
        name: '',
        type: 0,
        params: [
          { name: 'a', type: n + 1 },
          { name: 'b', type: n + 1 },
        ],
      });
    }
    builder.add({ kind: 'typedef', name: 'f', type: DEPTH + 1 });
    expect(bounded(() => dumpCTypes(Btf.parse(builder.bytes())))).toMatch(/too deeply/);
  });

  it('CO-RE', () => {
    const local = new BtfBuilder();
    local.add({
      kind: 'int',
      name: 'int',
      size: 4,
      bits: 32,
      bitOffset: 0,
      encoding: 1,
      signed: true,
      char: false,
      bool: false,
    });
    local.add({ kind: 'struct', name: 'top', size: 4, kindFlag: false, members: [m('nope', 1)] });
    const resolver = new CoreResolver(Btf.parse(local.bytes()), nest(false, false));
    expect(bounded(() => resolver.decide({ insnOff: 0, typeId: 2, access: '0:0', kind: 2 }))).toMatchObject({
      newValue: 0n,
    });
    const twin = nest(true, true);
    expect(
      bounded(() => new CoreResolver(twin, twin).decide({ insnOff: 0, typeId: DEPTH + 1, access: '0', kind: 12 })),
    ).toBeDefined();
  });
});
