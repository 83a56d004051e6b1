/** BTF as text: byte for byte what bpftool 7.1 prints (goldens made by `bpftool btf dump file fixtures/NAME.o`). */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Btf, BtfBuilder, Declarations, dumpC, dumpCTypes, dumpRaw } from '../../src/btf/index.ts';
import { ElfFile } from '../../src/elf/index.ts';
import { full } from '../support/depth.ts';
import { holdFigures } from '../support/figures.ts';
import { haveShared, sharedPath } from '../support/shared.ts';

const here = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const btfOf = (path: string): Btf =>
  Btf.parse(ElfFile.parse(readFileSync(path), path).section('.BTF')?.data as Uint8Array);
const hasBtf = (path: string): boolean => ElfFile.parse(readFileSync(path), path).section('.BTF') !== undefined;
const QUICK = ['objects/libbpf-tools'];
const ALL = [...QUICK, 'verifier/selftests', 'verifier/selftests-v4'];
const haveBpftool = spawnSync('bpftool', ['version'], { stdio: 'ignore' }).status === 0;
if (!haveBpftool) console.log('skipped: no bpftool, so the corpus is not compared with it');

describe('dump', () => {
  for (const name of ['opens', 'opensnoop']) {
    it(`${name}, as C and raw`, () => {
      const btf = btfOf(here(`../../fixtures/${name}.o`));
      expect(dumpC(btf)).toBe(readFileSync(here(`goldens/${name}.h.golden`), 'utf8'));
      expect(dumpRaw(btf)).toBe(readFileSync(here(`goldens/${name}.raw.golden`), 'utf8'));
    });
  }

  it.skipIf(!haveShared || !haveBpftool)(
    'objects of others, as bpftool prints them',
    () => {
      let objects = 0;
      for (const set of full ? ALL : QUICK) {
        const directory = sharedPath(`conformance/${set}`);
        for (const name of readdirSync(directory).filter((n) => n.endsWith('.o'))) {
          const path = `${directory}/${name}`;
          if (!hasBtf(path)) continue;
          const bpftool = (format: string): string =>
            spawnSync('bpftool', ['btf', 'dump', 'file', path, 'format', format], {
              encoding: 'utf8',
              maxBuffer: 1 << 26,
            }).stdout;
          expect(dumpC(btfOf(path)), name).toBe(bpftool('c'));
          expect(dumpRaw(btfOf(path)), name).toBe(bpftool('raw'));
          objects++;
        }
      }
      holdFigures('btf', full ? 'full' : 'quick', { objects });
    },
    full ? 300_000 : 30_000,
  );

  it('one-byte enumerations say so where that is asked for', () => {
    const builder = new BtfBuilder();
    builder.add({ kind: 'enum', name: 'small', size: 1, signed: false, values: [{ name: 'ONE', value: 1n }] });
    const btf = Btf.parse(builder.bytes());
    expect(dumpCTypes(btf)).toBe('enum small {\n\tONE = 1,\n};\n\n');
    expect(dumpCTypes(btf, undefined, { byteEnums: true })).toContain('} __attribute__((mode(byte)));');
  });

  it('declares from the inside out', () => {
    const builder = new BtfBuilder();
    const int = builder.add({
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
    const constant = builder.add({ kind: 'const', name: '', type: int });
    const pointer = builder.add({ kind: 'ptr', name: '', type: constant });
    const array = builder.add({ kind: 'array', name: '', type: pointer, indexType: int, length: 4 });
    const toArray = builder.add({ kind: 'ptr', name: '', type: array });
    const proto = builder.add({
      kind: 'func_proto',
      name: '',
      type: toArray,
      params: [
        { name: 'a', type: int },
        { name: '', type: 0 },
      ],
    });
    const toFunction = builder.add({ kind: 'ptr', name: '', type: proto });
    const d = new Declarations(Btf.parse(builder.bytes()));
    expect(d.declare(pointer, 'p')).toBe('const int *p');
    expect(d.declare(array, 'x')).toBe('const int *x[4]');
    expect(d.declare(toArray, 'x')).toBe('const int *(*x)[4]');
    expect(d.declare(toFunction, 'f')).toBe('const int *(* (*f)(int a, ...))[4]');
  });

  it('refuses types that C cannot express, in bounded time', () => {
    const builder = new BtfBuilder();
    builder.add({
      kind: 'struct',
      name: 'self',
      size: 8,
      kindFlag: false,
      members: [{ name: 'me', type: 1, bitOffset: 0, bitfieldSize: 0 }],
    });
    expect(() => dumpCTypes(Btf.parse(builder.bytes()))).toThrow(/circle/);
    const chain = new BtfBuilder();
    for (let n = 1; n < 5000; n++) chain.add({ kind: 'ptr', name: '', type: n + 1 });
    chain.add({ kind: 'ptr', name: '', type: 1 });
    expect(() => dumpCTypes(Btf.parse(chain.bytes()))).toThrow(/too deeply/);
  });
});
