/** Where variables are, held against llvm-dwarfdump; and damaged information, which is an error that has a name. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Dwarf, DwarfError, type Machine } from '../../src/dwarf/index.ts';
import { ElfFile } from '../../src/elf/index.ts';

const folder = new URL('../../fixtures/', import.meta.url);
const objects = readdirSync(folder).filter((name) => name.endsWith('.o'));
const read = (name: string): Uint8Array => readFileSync(new URL(name, folder));
const haveDump = spawnSync('llvm-dwarfdump', ['--version']).status === 0;
if (!haveDump) console.log('skipped: there is no llvm-dwarfdump here to hold variables against');

const machine: Machine = { register: (n) => BigInt(n), load: () => 0n, frameBase: 0x1000n };

/** `function name`, and the instructions of each section at which it is somewhere, as llvm-dwarfdump has it. */
function dumped(name: string): Map<string, Set<number>> {
  const path = fileURLToPath(new URL(name, folder));
  const { stdout } = spawnSync('llvm-dwarfdump', ['--debug-info', path], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const out = new Map<string, Set<number>>();
  let scope: { low: number; high: number; name: string; indent: number } | undefined;
  for (const entry of stdout.split(/\n\n/)) {
    const m = /^0x[0-9a-f]+:( +)DW_TAG_(\w+)/.exec(entry);
    if (m === null) continue;
    const indent = (m[1] as string).length;
    const text = (at: string): string | undefined =>
      new RegExp(`DW_AT_${at}\\t\\(([\\s\\S]*?)\\)\\n`).exec(`${entry}\n`)?.[1];
    const own = /"(.*)"/.exec(text('name') ?? text('abstract_origin') ?? '')?.[1] ?? '';
    if (m[2] === 'subprogram') {
      const low = text('low_pc');
      scope = low === undefined ? undefined : { low: Number(low), high: Number(text('high_pc')), name: own, indent };
    }
    if (scope === undefined || (m[2] !== 'variable' && m[2] !== 'formal_parameter') || indent !== scope.indent + 2)
      continue;
    const where = text('location') ?? '';
    const at = new Set<number>();
    const ranges = [...where.matchAll(/\[0x([0-9a-f]+), 0x([0-9a-f]+)\)/g)].map(
      (r) => [Number(`0x${r[1]}`), Number(`0x${r[2]}`)] as const,
    );
    const all =
      ranges.length > 0
        ? ranges
        : where === '' && text('const_value') === undefined
          ? []
          : [[scope.low, scope.high] as const];
    for (const [from, to] of all) for (let pc = from; pc < to; pc += 8) at.add(pc);
    out.set(`${scope.name} ${own}`, at);
  }
  return out;
}

describe.skipIf(!haveDump)('variables', () => {
  for (const name of objects.filter((n) => n !== 'opensnoop.o')) {
    it(`of ${name} are where llvm-dwarfdump says`, () => {
      const elf = ElfFile.parse(read(name), name);
      const dwarf = Dwarf.read(elf) as Dwarf;
      const ours = new Map<string, Set<number>>();
      for (const section of elf.sections.filter((s) => (s.flags & 4) !== 0)) {
        for (let offset = 0; offset < section.size; offset += 8) {
          for (const v of dwarf.variables({ section: section.index, offset })) {
            const key = `${v.function} ${v.name}`;
            const at = ours.get(key) ?? new Set();
            ours.set(key, at);
            if (v.where(machine) !== undefined) at.add(offset);
          }
        }
      }
      const theirs = dumped(name);
      expect(theirs.size).toBeGreaterThan(0);
      for (const [key, at] of theirs) expect([...(ours.get(key) ?? [])], key).toEqual([...at]);
    });
  }
});

describe('Dwarf', () => {
  it('is undefined where the object has none', () => {
    const bytes = read('opens.o').slice();
    const elf = ElfFile.parse(bytes, 'opens.o');
    const section = elf.section('.debug_info');
    expect(section).toBeDefined();
    // the name that leads to it is another
    const at = Buffer.from(bytes).indexOf('.debug_info\0');
    bytes[at + 1] = 'x'.charCodeAt(0);
    expect(Dwarf.read(ElfFile.parse(bytes, 'opens.o'))).toBeUndefined();
  });

  it('of a damaged object is a DwarfError, or reads on', () => {
    const whole = read('opensnoop.o');
    const { offset, size } = ElfFile.parse(whole, 'x').section('.debug_info') as { offset: number; size: number };
    let errors = 0;
    for (let n = 0; n < 400; n++) {
      const bytes = whole.slice();
      // a fixed walk over bytes and values
      bytes[offset + ((n * 131) % size)] = (n * 37) & 0xff;
      try {
        const elf = ElfFile.parse(bytes, 'x');
        const dwarf = Dwarf.read(elf);
        for (const section of elf.sections)
          for (const v of dwarf?.variables({ section: section.index, offset: 8 }) ?? []) v.where(machine);
      } catch (error) {
        if (!(error instanceof DwarfError)) throw error;
        errors++;
      }
    }
    expect(errors).toBeGreaterThan(20);
  });
});
