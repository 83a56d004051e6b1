/** Object files read and refused: every damage is an ElfError that names the file and the place. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ElfError, ElfFile, R_BPF_64_64, SHT_REL, sectionBytes, writeObject } from '../../src/elf/index.ts';

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url))));

/** A copy with 32-bit words replaced. */
function patched(bytes: Uint8Array, words: readonly (readonly [offset: number, value: number])[]): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (const [offset, value] of words) view.setUint32(offset, value, true);
  return copy;
}

function refusal(bytes: Uint8Array, use: (elf: ElfFile) => unknown = () => 0): ElfError {
  try {
    use(ElfFile.parse(bytes, 'x.o'));
  } catch (error) {
    expect(error).toBeInstanceOf(ElfError);
    return error as ElfError;
  }
  throw new Error('it was accepted');
}

/** Byte offset of a section's header. */
function headerOf(bytes: Uint8Array, name: string): number {
  const elf = ElfFile.parse(bytes, 'x.o');
  const section = elf.section(name);
  if (!section) throw new Error(`no ${name}`);
  return Number(new DataView(bytes.buffer).getBigUint64(40, true)) + section.index * 64;
}

describe('ElfFile', () => {
  const hello = fixture('hello.o');
  const opens = fixture('opens.o');

  it('reads sections, with the fields that elfy reads at wrong offsets', () => {
    const elf = ElfFile.parse(hello, 'hello.o');
    const symtab = elf.section('.symtab');
    expect(symtab?.entsize).toBe(24);
    expect(symtab?.addralign).toBe(8);
    expect(elf.section('license')?.data.toString()).toBe(new Uint8Array(Buffer.from('GPL\0')).toString());
  });

  it('reads symbols and relocations', () => {
    const elf = ElfFile.parse(opens, 'opens.o');
    const map = elf.symbols.find(
      (s) => s.name === 'counts' || (s.type === 'object' && elf.sections[s.section]?.name === '.maps'),
    );
    expect(map).toMatchObject({ type: 'object', binding: 'global' });
    const code = elf.sections.find((s) => (s.flags & 4) !== 0 && s.size > 0);
    const relocations = elf.relocationSections(code as NonNullable<typeof code>).flatMap((s) => elf.relocations(s));
    expect(relocations.length).toBeGreaterThan(0);
    expect(relocations.every((r) => r.type === R_BPF_64_64 && r.addend === undefined)).toBe(true);
  });

  it('gives the section for a section symbol without a name', () => {
    const elf = ElfFile.parse(hello, 'hello.o');
    const symbol = elf.symbols.find((s) => s.type === 'section');
    expect(symbol && elf.symbolName(symbol)).toBe(elf.sections[symbol?.section ?? 0]?.name);
  });

  it('reads what writeObject writes', () => {
    const data = new Uint8Array(16);
    const elf = ElfFile.parse(
      writeObject([{ name: 'xdp', data, exec: true, symbols: [{ name: 'main', value: 0, size: 16 }] }]),
      'w.o',
    );
    expect(elf.section('xdp')?.size).toBe(16);
    expect(elf.symbols.some((s) => s.name === 'main' && s.type === 'func')).toBe(true);
  });

  const header = (offset: number, value: number): Uint8Array => {
    const copy = hello.slice();
    new DataView(copy.buffer).setUint16(offset, value, true);
    return copy;
  };
  const byte = (offset: number, value: number): Uint8Array => {
    const copy = hello.slice();
    copy[offset] = value;
    return copy;
  };
  it.each([
    ['an empty file', new Uint8Array(0), /empty/],
    ['text', new Uint8Array(Buffer.from('#include <stdio.h>\n')), /not an ELF file/],
    ['a bare magic', hello.slice(0, 20), /cut off/],
    ['a 32-bit file', byte(4, 1), /64-bit/],
    ['a big-endian file', byte(5, 2), /big-endian/],
    ['an unknown byte order', byte(5, 9), /byte order 9/],
    ['another machine', header(18, 62), /machine 62/],
    ['an executable', header(16, 2), /relocatable/],
    ['no sections', header(60, 0), /no section table/],
    ['odd section headers', header(58, 40), /40 bytes/],
    ['section names beyond the table', header(62, 999), /999/],
    ['a file cut in half', hello.slice(0, hello.length >> 1), /cut off/],
    ['a table beyond the end', patched(hello, [[40, 0x7fffffff]]), /cut off/],
  ])('refuses %s', (_, bytes, message) => {
    expect(refusal(bytes).message).toMatch(message);
  });

  it('names section and offset of a section that claims more than there is', () => {
    const at = headerOf(hello, 'license');
    const error = refusal(patched(hello, [[at + 32, 0x40000000]]));
    expect(error).toMatchObject({ file: 'x.o', section: 'license', offset: at });
  });

  it('does not allocate what a NOBITS header claims', () => {
    const at = headerOf(hello, 'license');
    const elf = ElfFile.parse(
      patched(hello, [
        [at + 4, 8],
        [at + 32, 0xffffffff],
      ]),
      'x.o',
    );
    expect(elf.section('license')).toMatchObject({ size: 0xffffffff });
    expect(elf.section('license')?.data.length).toBe(0);
  });

  it('refuses damaged symbol tables and relocations when they are read', () => {
    const symtab = headerOf(hello, '.symtab');
    expect(refusal(patched(hello, [[symtab + 56, 8]]), (e) => e.symbols).section).toBe('.symtab');
    expect(refusal(patched(hello, [[symtab + 40, 0]]), (e) => e.symbols).message).toMatch(/string table/);
    const rel = ElfFile.parse(opens, 'x.o').sections.find((s) => s.type === SHT_REL);
    const relocations = (e: ElfFile): unknown =>
      e.sections.filter((s) => s.type === SHT_REL).map((s) => e.relocations(s));
    const bad = patched(opens, [[(rel?.offset ?? 0) + 12, 0xffff]]);
    expect(refusal(bad, relocations).message).toMatch(/names symbol 65535/);
  });

  it('finds one section in a file of any machine', () => {
    const copy = hello.slice();
    new DataView(copy.buffer).setUint16(18, 62, true);
    expect(sectionBytes(copy, 'license')?.length).toBe(4);
    expect(sectionBytes(copy, '.none')).toBeUndefined();
    expect(sectionBytes(copy.slice(0, 100), 'license')).toBeUndefined();
  });
});
