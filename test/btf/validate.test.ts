/** BPF_BTF_LOAD's checks. Logs marked "6.12" are those that the real kernel wrote (conformance data). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BtfBuilder, type NewBtfType, validateBtf } from '../../src/btf/index.ts';
import { btfForKernel } from '../../src/object/load-btf.ts';
import { openObject } from '../../src/object/open.ts';
import { holdFigures } from '../support/figures.ts';
import { haveShared, readJsonl, sharedPath } from '../support/shared.ts';

const INT: NewBtfType = {
  kind: 'int',
  name: 'int',
  size: 4,
  bits: 32,
  bitOffset: 0,
  encoding: 1,
  signed: true,
  char: false,
  bool: false,
};

function verdict(...types: NewBtfType[]): string {
  const builder = new BtfBuilder();
  for (const type of types) builder.add(type);
  const v = validateBtf(builder.bytes(), { log: true });
  return v.ok ? 'ok' : `${v.errno} ${v.log.trimEnd().split('\n').at(-1)}`;
}

describe('validateBtf', () => {
  it('accepts what is sound, and logs each type', () => {
    const builder = new BtfBuilder();
    builder.add(INT);
    builder.add({
      kind: 'func_proto',
      name: '',
      type: 0,
      params: [
        { name: 'x', type: 1 },
        { name: '', type: 0 },
      ],
    });
    builder.add({ kind: 'func', name: 'f', type: 2, linkage: 'global' });
    const v = validateBtf(builder.bytes(), { log: true });
    expect(v.ok).toBe(true);
    expect(v.log.split('\n').slice(-4)).toEqual([
      '[1] INT int size=4 bits_offset=0 nr_bits=32 encoding=SIGNED',
      '[2] FUNC_PROTO (anon) return=0 args=(1 x, vararg)',
      '[3] FUNC f type_id=2',
      '',
    ]);
    expect(validateBtf(builder.bytes()).log).toBe('');
  });

  it.each<[string, string, NewBtfType[]]>([
    [
      'a loop of pointers',
      'EEXIST [1] PTR (anon) type_id=2 Loop detected',
      [
        { kind: 'ptr', name: '', type: 2 },
        { kind: 'ptr', name: '', type: 1 },
      ],
    ],
    [
      'a struct in itself',
      'EEXIST [1] STRUCT s size=4 vlen=1 Loop detected',
      [
        {
          kind: 'struct',
          name: 's',
          size: 4,
          kindFlag: false,
          members: [{ name: 'a', type: 1, bitOffset: 0, bitfieldSize: 0 }],
        },
      ],
    ],
    [
      'a member outside',
      'EINVAL \ta type_id=1 bits_offset=32 Member exceeds struct_size',
      [
        INT,
        {
          kind: 'struct',
          name: 's',
          size: 4,
          kindFlag: false,
          members: [{ name: 'a', type: 1, bitOffset: 32, bitfieldSize: 0 }],
        },
      ],
    ],
    [
      'an odd enum',
      'EINVAL [1] ENUM e size=3 vlen=0 Unexpected size',
      [{ kind: 'enum', name: 'e', size: 3, signed: false, values: [] }],
    ],
    [
      'a function without a prototype',
      'EINVAL [2] FUNC f type_id=1 Invalid type_id',
      [INT, { kind: 'func', name: 'f', type: 1, linkage: 'static' }],
    ],
    [
      'an unnamed parameter of a function',
      'EINVAL [3] FUNC f type_id=2 Invalid arg#1',
      [
        INT,
        { kind: 'func_proto', name: '', type: 0, params: [{ name: '', type: 1 }] },
        { kind: 'func', name: 'f', type: 2, linkage: 'static' },
      ],
    ],
    [
      'a name that is none',
      'EINVAL [1] TYPEDEF a-b type_id=1 Invalid name',
      [{ kind: 'typedef', name: 'a-b', type: 1 }],
    ],
    [
      'an extern variable',
      'EINVAL [2] VAR v type_id=1 linkage=2 Linkage not supported',
      [INT, { kind: 'var', name: 'v', type: 1, linkage: 'extern' }],
    ],
    ['a float of 5 bytes', 'EINVAL [1] FLOAT f size=5 Invalid type_size', [{ kind: 'float', name: 'f', size: 5 }]],
    [
      'an array of void',
      'EINVAL [2] ARRAY (anon) type_id=0 index_type_id=1 nr_elems=1 Invalid elem',
      [INT, { kind: 'array', name: '', type: 0, indexType: 1, length: 1 }],
    ],
    [
      'an array of 8 GiB',
      'EINVAL [2] ARRAY (anon) type_id=1 index_type_id=1 nr_elems=2147483648 Array size overflows U32_MAX',
      [INT, { kind: 'array', name: '', type: 1, indexType: 1, length: 0x80000000 }],
    ],
    [
      'a tag on a member that is not there',
      'EINVAL [2] DECL_TAG t type=1 component_idx=0 Invalid component_idx',
      [
        { kind: 'struct', name: 's', size: 0, kindFlag: false, members: [] },
        { kind: 'decl_tag', name: 't', type: 1, component: 0 },
      ],
    ],
    [
      'a tag behind a modifier',
      "EINVAL Type tags don't precede modifiers",
      [INT, { kind: 'type_tag', name: 't', type: 1 }, { kind: 'const', name: '', type: 2 }],
    ],
  ])('refuses %s', (_, expected, types) => {
    const got = verdict(...types);
    expect(
      got.endsWith(expected.replace(/^\w+ /, '')) && got.startsWith(expected.split(' ')[0] as string) ? expected : got,
    ).toBe(expected);
  });

  it('refuses headers', () => {
    const builder = new BtfBuilder();
    builder.add(INT);
    const bytes = builder.bytes();
    const with32 = (offset: number, value: number): string => {
      const copy = bytes.slice();
      new DataView(copy.buffer).setUint32(offset, value, true);
      const v = validateBtf(copy, { log: true });
      return v.ok ? 'ok' : `${v.errno} ${v.log.split('\n').at(-1)}`;
    };
    expect(with32(0, 0x0001eb90)).toBe('EINVAL Invalid magic');
    expect(with32(0, 0x0002eb9f)).toBe('ENOTSUPP Unsupported version');
    expect(with32(0, 0x0101eb9f)).toBe('ENOTSUPP Unsupported flags');
    expect(with32(4, 0xffff)).toBe('EINVAL btf_header not found');
    expect(with32(12, 4)).toBe('EINVAL Unsupported section found');
    expect(with32(16, 8)).toBe('EINVAL Section overlap found');
    expect(with32(20, 99)).toBe('EINVAL Total section length too long');
    expect(validateBtf(bytes.slice(0, 6), { log: true }).log).toBe('hdr_len not found');
  });

  it.skipIf(!haveShared)('says of the corpus what 6.12 says, log and all', () => {
    let compared = 0;
    for (const set of ['objects/libbpf-tools', 'verifier/selftests']) {
      for (const record of readJsonl<{ object: string; opened: boolean; libbpf_log: string }>(
        `conformance/${set}/objects.jsonl.gz`,
      )) {
        if (!record.opened) continue;
        const object = openObject(readFileSync(sharedPath(`conformance/${set}/${record.object}`)), record.object);
        if (!object.btf) continue;
        const v = validateBtf(btfForKernel({ ...object, btf: object.btf }).bytes, { log: true });
        const refused = /-- BEGIN BTF LOAD LOG ---\n([\s\S]*?)\n-- END BTF LOAD LOG/.exec(record.libbpf_log)?.[1];
        expect(v.ok ? undefined : v.log, record.object).toBe(refused);
        compared++;
      }
    }
    holdFigures('btf-load', 'libbpf-tools and selftests', { objects: compared });
  });
});
