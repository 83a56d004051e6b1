/** CO-RE decided against hand-made kernels: what libbpf's relo_core does in each case. */
import { describe, expect, it } from 'vitest';
import { Btf, BtfBuilder, type BtfMember, type NewBtfType } from '../../src/btf/index.ts';
import { BPF_LDX, BPF_MEM, type Insn, insn } from '../../src/isa/index.ts';
import { CORE_KINDS, type CoreKind } from '../../src/object/core/kinds.ts';
import { nameFailedCore } from '../../src/object/core/log.ts';
import { POISON_CALL, patch } from '../../src/object/core/patch.ts';
import { type CoreDecision, CoreResolver } from '../../src/object/core/resolve.ts';

const INT = 1;
const U32 = 2;
const U64 = 3;
const CHAR = 4;
const U8 = 5;

/** A BTF that begins with int, unsigned int, unsigned long long, char, unsigned char. */
function btf(make: (b: BtfBuilder) => void): Btf {
  const b = new BtfBuilder();
  const int = (name: string, size: number, encoding: number): number =>
    b.add({
      kind: 'int',
      name,
      size,
      bits: size * 8,
      bitOffset: 0,
      encoding,
      signed: encoding === 1,
      char: false,
      bool: false,
    });
  int('int', 4, 1);
  int('unsigned int', 4, 0);
  int('unsigned long long', 8, 0);
  int('char', 1, 1);
  int('unsigned char', 1, 0);
  make(b);
  return Btf.parse(b.bytes());
}
const m = (name: string, type: number, byte: number, bitfieldSize = 0): BtfMember => ({
  name,
  type,
  bitOffset: byte * 8,
  bitfieldSize,
});
const struct = (name: string, size: number, ...members: BtfMember[]): NewBtfType => ({
  kind: 'struct',
  name,
  size,
  kindFlag: members.some((x) => x.bitfieldSize > 0),
  members,
});
const union = (name: string, size: number, ...members: BtfMember[]): NewBtfType => ({
  kind: 'union',
  name,
  size,
  kindFlag: false,
  members,
});
const array = (type: number, length: number): NewBtfType => ({ kind: 'array', name: '', type, indexType: U32, length });

function decide(local: Btf, target: Btf, type: string, access: string, kind: CoreKind): CoreDecision {
  const typeId = local.findByName(type);
  return new CoreResolver(local, target).decide({ insnOff: 0, typeId, access, kind: CORE_KINDS.indexOf(kind) });
}

describe('CO-RE', () => {
  const local = btf((b) => {
    b.add(struct('s___mine', 16, m('a', INT, 0), m('b', U32, 4), m('c', U64, 8)));
  });

  it('moves fields, looks through anonymous members, ignores flavours', () => {
    const target = btf((b) => {
      const inner = b.add(union('', 8, m('c', U64, 0), m('whole', U64, 0)));
      b.add(struct('s', 32, m('pad', U64, 0), m('b', U32, 8), m('a', INT, 12), m('', inner, 16)));
    });
    expect(decide(local, target, 's___mine', '0:0', 'byte_off')).toMatchObject({
      oldValue: 0n,
      newValue: 12n,
      local: 'struct s___mine.a',
      target: 'struct s.a',
    });
    expect(decide(local, target, 's___mine', '0:2', 'byte_off').newValue).toBe(16n);
    expect(decide(local, target, 's___mine', '2:1', 'byte_off').newValue).toBe(72n);
    expect(decide(local, target, 's___mine', '0:1', 'field_exists').newValue).toBe(1n);
    expect(decide(local, target, 's___mine', '0', 'type_size').newValue).toBe(32n);
    expect(decide(local, target, 's___mine', '0', 'target_type_id')).toMatchObject({
      newValue: BigInt(target.findByName('s')),
      validate: false,
    });
    expect(decide(local, target, 's___mine', '0', 'local_type_id').newValue).toBe(BigInt(local.findByName('s___mine')));
  });

  it('poisons what is not there, answers questions about it with 0', () => {
    const target = btf((b) => void b.add(struct('s', 4, m('a', INT, 0))));
    expect(decide(local, target, 's___mine', '0:1', 'byte_off').newValue).toBeUndefined();
    expect(decide(local, target, 's___mine', '0:1', 'field_exists').newValue).toBe(0n);
    const none = btf(() => 0);
    expect(decide(local, none, 's___mine', '0', 'type_exists').newValue).toBe(0n);
    expect(decide(local, none, 's___mine', '0', 'type_size').newValue).toBe(0n);
    expect(decide(local, none, 's___mine', '0', 'target_type_id').newValue).toBe(0n);
  });

  it('a field whose type changed its kind is not the field', () => {
    const target = btf((b) => void b.add(struct('s', 16, m('a', b.add({ kind: 'ptr', name: '', type: 0 }), 0))));
    expect(decide(local, target, 's___mine', '0:0', 'field_exists').newValue).toBe(0n);
  });

  it('several candidates must agree', () => {
    const agree = btf((b) => {
      b.add(struct('s', 16, m('x', INT, 0), m('a', INT, 4)));
      b.add(struct('s___2', 16, m('y', INT, 0), m('a', INT, 4)));
    });
    expect(decide(local, agree, 's___mine', '0:0', 'byte_off')).toMatchObject({ newValue: 4n, candidates: 2 });
    const differ = btf((b) => {
      b.add(struct('s', 16, m('a', INT, 0)));
      b.add(struct('s___2', 16, m('x', INT, 0), m('a', INT, 4)));
    });
    expect(() => decide(local, differ, 's___mine', '0:0', 'byte_off')).toThrow(/bits 0 and 32/);
  });

  it('indexes arrays, and flexible ones without limit', () => {
    const mine = btf((b) => {
      const element = b.add(struct('e', 8, m('x', INT, 0), m('y', INT, 4)));
      b.add(struct('a', 24, m('list', b.add(array(element, 3)), 0)));
      b.add(struct('flex', 4, m('n', INT, 0), m('tail', b.add(array(INT, 0)), 4)));
    });
    const theirs = btf((b) => {
      const element = b.add(struct('e', 16, m('z', U64, 0), m('y', INT, 8)));
      b.add(struct('a', 40, m('p', U64, 0), m('list', b.add(array(element, 2)), 8)));
      b.add(struct('flex', 8, m('k', INT, 0), m('n', INT, 4), m('tail', b.add(array(INT, 0)), 8)));
    });
    expect(decide(mine, theirs, 'a', '0:0:1:1', 'byte_off')).toMatchObject({
      oldValue: 12n,
      newValue: 32n,
      local: 'struct a.list[1].y',
    });
    expect(decide(mine, theirs, 'a', '0:0:2:1', 'byte_off').newValue).toBeUndefined();
    expect(decide(mine, theirs, 'flex', '0:1:5', 'byte_off')).toMatchObject({ oldValue: 24n, newValue: 28n });
    expect(() => decide(mine, theirs, 'a', '0:0:3', 'byte_off')).toThrow(/no element 3/);
  });

  it('bitfields: word, size, sign and shifts', () => {
    const mine = btf(
      (b) =>
        void b.add({
          ...struct('bits', 8),
          kindFlag: true,
          members: [{ name: 'f', type: U32, bitOffset: 3, bitfieldSize: 5 }],
        } as NewBtfType),
    );
    const theirs = btf(
      (b) =>
        void b.add({
          ...struct('bits', 16),
          kindFlag: true,
          members: [{ name: 'f', type: INT, bitOffset: 70, bitfieldSize: 4 }],
        } as NewBtfType),
    );
    const value = (kind: CoreKind): bigint | undefined => decide(mine, theirs, 'bits', '0:0', kind).newValue;
    expect(value('byte_off')).toBe(8n);
    expect(value('byte_sz')).toBe(4n);
    expect(value('signed')).toBe(1n);
    expect(value('lshift_u64')).toBe(54n);
    expect(value('rshift_u64')).toBe(60n);
    expect(decide(mine, theirs, 'bits', '0:0', 'byte_off').validate).toBe(false);
  });

  it('a bitfield across its word takes the next larger', () => {
    const theirs = btf(
      (b) =>
        void b.add({
          ...struct('bits', 8),
          kindFlag: true,
          members: [{ name: 'f', type: U8, bitOffset: 6, bitfieldSize: 5 }],
        } as NewBtfType),
    );
    expect(decide(theirs, theirs, 'bits', '0:0', 'byte_sz').newValue).toBe(2n);
    expect(decide(theirs, theirs, 'bits', '0:0', 'lshift_u64').newValue).toBe(53n);
  });

  it('enumeration values by name, 32 and 64 bits alike', () => {
    const mine = btf(
      (b) =>
        void b.add({
          kind: 'enum',
          name: 'e',
          size: 4,
          signed: true,
          values: [
            { name: 'A___x', value: 1n },
            { name: 'B', value: -1n },
            { name: 'GONE', value: 3n },
          ],
        }),
    );
    const theirs = btf(
      (b) =>
        void b.add({
          kind: 'enum64',
          name: 'e',
          size: 8,
          signed: false,
          values: [
            { name: 'A', value: 0x1_0000_0001n },
            { name: 'B', value: 2n },
          ],
        }),
    );
    expect(decide(mine, theirs, 'e', '0', 'enumval_value')).toMatchObject({
      oldValue: 1n,
      newValue: 0x1_0000_0001n,
      local: 'enum e::A___x',
    });
    expect(decide(mine, theirs, 'e', '1', 'enumval_value')).toMatchObject({
      oldValue: 0xffff_ffff_ffff_ffffn,
      newValue: 2n,
    });
    expect(decide(mine, theirs, 'e', '2', 'enumval_exists').newValue).toBe(0n);
    expect(decide(mine, theirs, 'e', '2', 'enumval_value').newValue).toBeUndefined();
  });

  it('type_matches asks for every member; type_exists for the kind only', () => {
    const target = btf((b) => void b.add(struct('s', 8, m('a', INT, 0), m('b', INT, 4))));
    expect(decide(local, target, 's___mine', '0', 'type_exists').newValue).toBe(1n);
    expect(decide(local, target, 's___mine', '0', 'type_matches').newValue).toBe(0n);
    const full = btf(
      (b) => void b.add(struct('s', 32, m('c', U64, 0), m('b', U32, 8), m('a', INT, 12), m('d', INT, 16))),
    );
    expect(decide(local, full, 's___mine', '0', 'type_matches').newValue).toBe(1n);
  });

  it('refuses anonymous types, wrong access strings and unknown kinds', () => {
    const mine = btf((b) => void b.add(struct('', 4, m('a', INT, 0))));
    const resolver = new CoreResolver(mine, local);
    expect(() => resolver.decide({ insnOff: 0, typeId: 6, access: '0:0', kind: 0 })).toThrow(/anonymous/);
    expect(() => resolver.decide({ insnOff: 0, typeId: 6, access: '0:7', kind: 0 })).toThrow(/no member 7/);
    expect(() => resolver.decide({ insnOff: 0, typeId: 6, access: '0:x', kind: 0 })).toThrow(/malformed/);
    expect(() => resolver.decide({ insnOff: 0, typeId: 6, access: '0', kind: 99 })).toThrow(/kind 99/);
    expect(() => resolver.decide({ insnOff: 0, typeId: INT, access: '0:0', kind: 0 })).toThrow(/neither members/);
    expect(() => resolver.decide({ insnOff: 0, typeId: CHAR, access: Array(80).fill('0').join(':'), kind: 0 })).toThrow(
      /too many steps/,
    );
  });
});

describe('patch', () => {
  const decision = (more: Partial<CoreDecision>): CoreDecision => ({
    kind: 'byte_off',
    local: 'struct s.a',
    spec: '<byte_off> [1] struct s.a (0:0 @ offset 0)',
    target: undefined,
    oldValue: 0n,
    newValue: 8n,
    validate: true,
    oldSize: 4,
    newSize: 4,
    widthConflict: false,
    candidates: 1,
    ...more,
  });
  const patched = (code: Insn[], d: CoreDecision): Insn[] => {
    patch(code, 0, d);
    return code;
  };

  it('offsets of loads, with their width', () => {
    expect(patched([insn(BPF_LDX | BPF_MEM, 1, 2, 0, 0)], decision({}))).toEqual([insn(0x61, 1, 2, 8, 0)]);
    expect(patched([insn(0x61, 1, 2, 0, 0)], decision({ newSize: 8 }))).toEqual([insn(0x79, 1, 2, 8, 0)]);
    expect(patched([insn(0x61, 1, 2, 0, 0)], decision({ widthConflict: true, newSize: 8 }))).toEqual([
      insn(0x85, 0, 0, 0, POISON_CALL),
    ]);
    expect(() => patched([insn(0x61, 1, 2, 0, 0)], decision({ newValue: 0x8000n }))).toThrow(/too far/);
    expect(() => patched([insn(0x61, 1, 2, 4, 0)], decision({}))).toThrow(/holds 4, not 0/);
    expect(() => patched([insn(0x61, 1, 2, 0, 0)], decision({ oldSize: 8, newSize: 4 }))).toThrow(/moves 4 bytes/);
    expect(() => patched([insn(0x61, 1, 2, 0, 0)], decision({ newSize: 3 }))).toThrow(/no load moves 3/);
  });

  it('immediates and wide immediates', () => {
    expect(patched([insn(0xb7, 1, 0, 0, 0)], decision({ newValue: 0xffff_ffff_ffff_ffffn }))).toEqual([
      insn(0xb7, 1, 0, 0, -1),
    ]);
    expect(patched([insn(0x18, 1, 0, 0, 0), insn(0, 0, 0, 0, 0)], decision({ newValue: 0x1_0000_0002n }))).toEqual([
      insn(0x18, 1, 0, 0, 2),
      insn(0, 0, 0, 0, 1),
    ]);
    expect(() => patched([insn(0xbf, 1, 2, 0, 0)], decision({}))).toThrow(/takes a register/);
    expect(() => patched([insn(0x95, 0, 0, 0, 0)], decision({}))).toThrow(/none that is relocated/);
  });

  it('poisons both slots of a wide load', () => {
    const poison = insn(0x85, 0, 0, 0, POISON_CALL);
    expect(patched([insn(0x18, 1, 0, 0, 0), insn(0, 0, 0, 0, 0)], decision({ newValue: undefined }))).toEqual([
      poison,
      poison,
    ]);
  });
});

describe('the log of a program that runs into a poisoned instruction', () => {
  const log = '1: (bf) r1 = r6\n2: (85) call unknown#195896080\ninvalid func unknown#195896080\nprocessed 3 insns\n';
  const decision = { spec: '<byte_off> [9] struct s.a (0:1 @ offset 8)' } as CoreDecision;

  it('names the relocation in the words of libbpf', () => {
    expect(nameFailedCore(log, (at) => (at === 2 ? decision : undefined))).toBe(
      '1: (bf) r1 = r6\n2: <invalid CO-RE relocation>\n' +
        'failed to resolve CO-RE relocation <byte_off> [9] struct s.a (0:1 @ offset 8)\nprocessed 3 insns\n',
    );
  });

  it('stays where nothing is known of the instruction', () => {
    expect(nameFailedCore(log, () => undefined)).toBe(log);
  });
});
