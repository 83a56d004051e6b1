/** BTF parsed, built, edited and split; fields by path; values by type. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  Btf,
  BtfBuilder,
  BtfEditor,
  BtfError,
  decodeSent,
  decodeValue,
  encodeValue,
  essentialName,
  type NewBtfType,
  parseBtfExt,
} from '../../src/btf/index.ts';
import { ElfFile } from '../../src/elf/index.ts';
import { haveShared, readShared } from '../support/shared.ts';

const fixture = (name: string): ElfFile =>
  ElfFile.parse(readFileSync(fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url))), name);

const int = (name: string, size: number, encoding = 0): NewBtfType => ({
  kind: 'int',
  name,
  size,
  bits: size * 8,
  bitOffset: 0,
  encoding,
  signed: (encoding & 1) !== 0,
  char: (encoding & 2) !== 0,
  bool: (encoding & 4) !== 0,
});

/** One type of each of the 19 kinds. */
function everyKind(): { builder: BtfBuilder; ids: Record<string, number> } {
  const builder = new BtfBuilder();
  const ids: Record<string, number> = {};
  const add = (key: string, type: NewBtfType): number => {
    const id = builder.add(type);
    ids[key] = id;
    return id;
  };
  const u32 = add('int', int('unsigned int', 4));
  const s32 = add('sint', int('int', 4, 1));
  const char = add('char', int('char', 1, 1));
  const bool = add('bool', int('_Bool', 1, 4));
  const u64 = add('u64', int('unsigned long long', 8));
  add('ptr', { kind: 'ptr', name: '', type: u32 });
  const text = add('array', { kind: 'array', name: '', type: char, indexType: u32, length: 8 });
  const list = add('list', { kind: 'array', name: '', type: u32, indexType: u32, length: 3 });
  const mode = add('enum', {
    kind: 'enum',
    name: 'mode',
    size: 4,
    signed: true,
    values: [
      { name: 'OFF', value: -1n },
      { name: 'ON', value: 1n },
    ],
  });
  const anonymous = add('union', {
    kind: 'union',
    name: '',
    size: 8,
    kindFlag: false,
    members: [
      { name: 'whole', type: u64, bitOffset: 0, bitfieldSize: 0 },
      { name: 'low', type: u32, bitOffset: 0, bitfieldSize: 0 },
    ],
  });
  const inner = add('inner', {
    kind: 'struct',
    name: 'inner',
    size: 12,
    kindFlag: false,
    members: [{ name: 'list', type: list, bitOffset: 0, bitfieldSize: 0 }],
  });
  add('struct', {
    kind: 'struct',
    name: 'outer',
    size: 48,
    kindFlag: true,
    members: [
      { name: 'a', type: s32, bitOffset: 0, bitfieldSize: 3 },
      { name: 'b', type: u32, bitOffset: 3, bitfieldSize: 5 },
      { name: 'flag', type: bool, bitOffset: 8, bitfieldSize: 0 },
      { name: 'mode', type: mode, bitOffset: 32, bitfieldSize: 0 },
      { name: '', type: anonymous, bitOffset: 64, bitfieldSize: 0 },
      { name: 'name', type: text, bitOffset: 128, bitfieldSize: 0 },
      { name: 'inner', type: inner, bitOffset: 192, bitfieldSize: 0 },
    ],
  });
  const fwd = add('fwd', { kind: 'fwd', name: 'later', of: 'union' });
  add('typedef', { kind: 'typedef', name: 'u32', type: u32 });
  add('volatile', { kind: 'volatile', name: '', type: u32 });
  add('const', { kind: 'const', name: '', type: ids['volatile'] as number });
  add('restrict', { kind: 'restrict', name: '', type: ids['ptr'] as number });
  const proto = add('func_proto', {
    kind: 'func_proto',
    name: '',
    type: s32,
    params: [
      { name: 'x', type: u32 },
      { name: '', type: 0 },
    ],
  });
  add('func', { kind: 'func', name: 'f', type: proto, linkage: 'global' });
  const variable = add('var', { kind: 'var', name: 'v', type: ids['typedef'] as number, linkage: 'static' });
  add('datasec', { kind: 'datasec', name: '.data', size: 4, vars: [{ type: variable, offset: 0, size: 4 }] });
  add('float', { kind: 'float', name: 'double', size: 8 });
  add('decl_tag', { kind: 'decl_tag', name: 'tag', type: ids['struct'] as number, component: 1 });
  add('type_tag', { kind: 'type_tag', name: 'user', type: fwd });
  add('enum64', {
    kind: 'enum64',
    name: 'big',
    size: 8,
    signed: false,
    values: [{ name: 'HUGE', value: 0xffff_ffff_ffff_fff0n }],
  });
  return { builder, ids };
}

describe('Btf', () => {
  const { builder, ids } = everyKind();
  const bytes = builder.bytes();
  const btf = Btf.parse(bytes);

  it('parses what the builder builds: all 19 kinds', () => {
    const kinds = new Set([...btf.types()].map((t) => t.kind));
    expect(kinds.size).toBe(19);
    expect(btf.typeById(ids['enum'] as number)).toMatchObject({
      values: [
        { name: 'OFF', value: -1n },
        { name: 'ON', value: 1n },
      ],
    });
    expect(btf.typeById(ids['enum64'] as number)).toMatchObject({ values: [{ value: 0xffff_ffff_ffff_fff0n }] });
    expect(btf.typeById(ids['decl_tag'] as number)).toMatchObject({ component: 1 });
    expect(btf.typeById(ids['fwd'] as number)).toMatchObject({ of: 'union' });
    const again = new BtfBuilder();
    for (const { id: _, ...type } of btf.types()) again.add(type as NewBtfType);
    expect(again.bytes()).toEqual(bytes);
  });

  it('stores each name once', () => {
    const text = Buffer.from(btf.strings).toString('latin1');
    expect(text.split('\0').filter((s) => s === 'list')).toHaveLength(1);
  });

  it('finds types by name and kind', () => {
    expect(btf.findByName('outer', 'struct')).toBe(ids['struct']);
    expect(btf.findByName('outer', 'union')).toBe(0);
    expect(btf.findByName('unsigned int')).toBe(ids['int']);
    expect(btf.findByName('')).toBe(0);
    expect(btf.findByName('none')).toBe(0);
  });

  it('looks through modifiers and knows sizes', () => {
    expect(btf.resolve(ids['const'] as number).id).toBe(ids['int']);
    expect(btf.sizeOf(ids['list'] as number)).toBe(12);
    expect(btf.sizeOf(ids['restrict'] as number)).toBe(8);
    expect(() => btf.sizeOf(ids['func'] as number)).toThrow(BtfError);
  });

  it('finds fields through anonymous members, arrays and bitfields', () => {
    expect(btf.offsetOf('outer', 'low')).toMatchObject({ offset: 8, size: 4 });
    expect(btf.offsetOf('outer', 'inner.list[2]')).toMatchObject({ offset: 32, size: 4 });
    expect(btf.offsetOf('outer', 'b')).toMatchObject({ bitOffset: 3, bitfieldSize: 5 });
    expect(() => btf.offsetOf('outer', 'inner.nope')).toThrow(/no member 'nope'/);
    expect(() => btf.offsetOf('nothing', 'x')).toThrow(/'nothing'/);
  });

  it('continues a base: split BTF', () => {
    const module = new BtfBuilder(btf);
    const id = module.add({ kind: 'ptr', name: '', type: ids['struct'] as number });
    module.add({ kind: 'typedef', name: 'outer_p', type: id });
    const split = Btf.parse(module.bytes(), btf);
    expect(split.startId).toBe(btf.typeCount);
    expect(split.findByName('outer_p')).toBe(id + 1);
    expect(split.findByName('outer', 'struct')).toBe(ids['struct']);
    expect(split.resolve(id + 1).kind).toBe('ptr');
    expect([...split.types()]).toHaveLength(2);
  });

  it('is edited in place and by appending', () => {
    const editor = new BtfEditor(btf);
    const id = editor.addType([editor.addString('extra'), 8 << 24, ids['int'] as number]);
    editor.setWord(ids['func'] as number, 1, 12 << 24);
    const edited = editor.finish();
    expect(edited.findByName('extra', 'typedef')).toBe(id);
    expect(edited.typeById(ids['func'] as number)).toMatchObject({ linkage: 'static' });
    expect(new BtfEditor(btf).finish()).toBe(btf);
  });

  it('reads big-endian data', () => {
    const swapped = new Uint8Array(24 + 12 + 5);
    const view = new DataView(swapped.buffer);
    view.setUint16(0, 0xeb9f);
    view.setUint8(2, 1);
    view.setUint32(4, 24);
    view.setUint32(12, 12);
    view.setUint32(16, 12);
    view.setUint32(20, 5);
    view.setUint32(24, 1);
    view.setUint32(28, 16 << 24);
    view.setUint32(32, 4);
    swapped.set(Buffer.from('\0abc\0'), 36);
    expect(Btf.parse(swapped).typeById(1)).toMatchObject({ kind: 'float', name: 'abc', size: 4 });
  });

  it('refuses damaged data', () => {
    const broken = (offset: number, value: number): Uint8Array => {
      const copy = bytes.slice();
      new DataView(copy.buffer).setUint32(offset, value, true);
      return copy;
    };
    expect(() => Btf.parse(new Uint8Array(3))).toThrow(BtfError);
    expect(() => Btf.parse(broken(0, 0x1234))).toThrow(/magic/);
    expect(() => Btf.parse(broken(4, 0xffff))).toThrow(/header length/);
    expect(() => Btf.parse(broken(12, 0x7ffffff0))).toThrow(/beyond the end/);
    expect(() => Btf.parse(broken(24, 0xffffff))).toThrow(/beyond the strings/);
    expect(() => Btf.parse(broken(28, 31 << 24))).toThrow(/kind 31/);
    expect(() => btf.typeById(99999)).toThrow(/no type \[99999\]/);
    const circle = new BtfBuilder();
    circle.add({ kind: 'typedef', name: 'a', type: 2 });
    circle.add({ kind: 'typedef', name: 'b', type: 1 });
    expect(() => Btf.parse(circle.bytes()).resolve(1)).toThrow(/too deeply/);
  });

  it('strips flavours from names', () => {
    expect(essentialName('task_struct___old')).toBe('task_struct');
    expect(essentialName('a___b___c')).toBe('a___b');
    expect(essentialName('___x')).toBe('___x');
    expect(essentialName('x____y')).toBe('x____y');
  });

  it('turns bytes into values and back', () => {
    const id = ids['struct'] as number;
    const data = new Uint8Array(48);
    encodeValue(
      btf,
      id,
      {
        a: -2,
        b: 21,
        flag: true,
        mode: 'ON',
        whole: 0x1_0000_0002n,
        name: 'hello',
        inner: { list: [1, 2, 0xffffffff] },
      },
      data,
    );
    expect(decodeValue(btf, id, data)).toEqual({
      a: -2,
      b: 21,
      flag: true,
      mode: 'ON',
      whole: 0x1_0000_0002n,
      low: 2,
      name: 'hello',
      inner: { list: [1, 2, 0xffffffff] },
    });
    expect(data[0]).toBe((21 << 3) | 6);
    expect(() => encodeValue(btf, id, { b: 32 }, data)).toThrow(/does not fit/);
    expect(() => encodeValue(btf, id, { name: 'much too long' }, data)).toThrow(/room for 8 bytes/);
    expect(() => encodeValue(btf, id, { mode: 'SOME' }, data)).toThrow(/no 'SOME'/);
    expect(() => encodeValue(btf, id, { none: 1 }, data)).toThrow(/no member/);
    expect(() => decodeValue(btf, id, data.subarray(0, 20))).toThrow(/beyond/);
  });

  it('reads what was sent of a structure, and a map of variables by their names', () => {
    const builder = new BtfBuilder();
    const u32 = builder.add(int('unsigned int', 4));
    const char = builder.add(int('char', 1, 3));
    const array = (type: number, length: number): number =>
      builder.add({ kind: 'array', name: '', type, indexType: u32, length });
    const member = (name: string, type: number, bytes: number) => ({
      name,
      type,
      bitOffset: bytes * 8,
      bitfieldSize: 0,
    });
    const [words, text, rest] = [array(u32, 4), array(char, 8), array(char, 0)];
    const members = [
      member('pid', u32, 0),
      member('words', words, 4),
      member('text', text, 20),
      member('ret', u32, 28),
    ];
    const event = builder.add({ kind: 'struct', name: 'event', size: 32, kindFlag: false, members });
    const open = [member('length', u32, 0), member('data', rest, 4)];
    const flexible = builder.add({ kind: 'struct', name: 'flexible', size: 4, kindFlag: false, members: open });
    const counter = builder.add({ kind: 'var', name: 'counter', type: u32, linkage: 'global' });
    const limits = builder.add({ kind: 'var', name: 'limits', type: words, linkage: 'global' });
    const vars = [
      { type: counter, offset: 0, size: 4 },
      { type: limits, offset: 8, size: 16 },
    ];
    const bss = builder.add({ kind: 'datasec', name: '.bss', size: 24, vars });
    const btf = Btf.parse(builder.bytes());
    const bytes = Uint8Array.from({ length: 32 }, (_, n) => (n % 4 === 0 ? 1 + n / 4 : 0));
    bytes.set(Buffer.from('hello\0\0\0'), 20);

    const whole = { pid: 1, words: [2, 3, 4, 5], text: 'hello', ret: 8 };
    expect(decodeSent(btf, event, bytes)).toEqual(whole);
    expect(decodeSent(btf, event, bytes.subarray(0, 23))).toEqual({ pid: 1, words: [2, 3, 4, 5], text: 'hel' });
    expect(decodeSent(btf, event, bytes.subarray(0, 14))).toEqual({ pid: 1, words: [2, 3], text: '' });
    expect(() => decodeSent(btf, u32, new Uint8Array(2))).toThrow(/beyond/);
    expect(decodeSent(btf, flexible, Buffer.from('\x05\0\0\0abcde'))).toEqual({ length: 5, data: 'abcde' });

    expect(decodeValue(btf, bss, bytes)).toEqual({ counter: 1, limits: [3, 4, 5, 0x6c6c6568 >>> 0] });
    const written = new Uint8Array(24);
    encodeValue(btf, bss, { counter: 7, limits: [1] }, written);
    expect([written[0], written[8]]).toEqual([7, 1]);
    expect(() => encodeValue(btf, bss, { none: 1 }, written)).toThrow(/no variable 'none'/);
  });

  it('reads .BTF.ext', () => {
    const elf = fixture('opens.o');
    const own = Btf.parse(elf.section('.BTF')?.data as Uint8Array);
    const ext = parseBtfExt(elf.section('.BTF.ext')?.data as Uint8Array, own);
    expect(ext.funcs.size).toBeGreaterThan(0);
    const [lines] = ext.lines.values();
    expect(own.string(lines?.[0]?.fileNameOff ?? 0)).toMatch(/opens\.c$/);
    expect(() => parseBtfExt(new Uint8Array(30), own)).toThrow(BtfError);
  });

  it.skipIf(!haveShared)("parses a kernel's BTF", () => {
    const vmlinux = Btf.parse(readShared('reference/6.12/vmlinux.btf.gz'));
    expect(vmlinux.typeCount).toBe(112769);
    expect(vmlinux.offsetOf('task_struct', 'comm')).toMatchObject({ size: 16 });
    expect(vmlinux.offsetOf('pt_regs', 'di')).toMatchObject({ offset: 112, size: 8 });
    const flavours = [...vmlinux.findAllByName('task_struct', 'struct', true)];
    expect(flavours).toContain(vmlinux.findByName('task_struct', 'struct'));
  });
});
