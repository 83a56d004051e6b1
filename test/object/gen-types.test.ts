/** The TypeScript that is written of an object: as text, and held against what is in the maps. */
import { describe, expect, it } from 'vitest';
import { BpfObject, Kernel } from '../../src/index.ts';
import { genTypes } from '../../src/object/index.ts';
import { cli } from '../support/cli.ts';
import { matchGolden } from '../support/golden.ts';
import type { Shapes } from './golden/shapes.golden.ts';

const written = (fixture: string): string => genTypes(BpfObject.open(`fixtures/${fixture}.o`).model);

describe('the text', () => {
  it.each(['reads', 'switches', 'opensnoop', 'opens', 'shapes'])('of %s.o', (fixture) => {
    const name = fixture === 'shapes' ? 'shapes.golden.ts' : `${fixture}.types.txt`; // the compiler reads the one, too
    matchGolden(new URL(`./golden/${name}`, import.meta.url), written(fixture));
  });

  it('is written by the command, under a name', async () => {
    const { stdout, code } = await cli('gen', 'types', 'fixtures/opensnoop.o');
    expect([code, stdout]).toEqual([0, written('opensnoop')]);
    expect((await cli('gen', 'types', 'fixtures/opens.o', '--name', 'Prog')).stdout).toContain(
      'export interface Prog {',
    );
    const wrong = await cli('gen', 'types', 'fixtures/opens.o', '--name', 'a b');
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("'a b' is no name for a type")]);
  });
});

describe('types of every shape', () => {
  it('are taken by TypeScript at its strictest, and say what is in the kernel', async () => {
    const kernel = await Kernel.boot();
    const loaded = BpfObject.open<Shapes>('fixtures/shapes.o').load(kernel);
    loaded.attach();
    loaded.maps.delete.set({ x: 1, y: 2 }, ['constructor']);
    kernel.task({ comm: 'last' }).exit(0);
    const [event] = loaded.maps.events.records('event');
    expect(event).toEqual({
      export: 'prototype',
      wide: 'LARGE',
      comm: 'last',
      good: true,
      path: [
        { x: 0, y: 0 },
        { x: 0, y: -7 },
      ],
      await: { deep: 4, in: { deeper: 12 } },
      list: [{ each: 0 }, { each: 13 }],
      code: 0xffffffff,
      status: -1,
      to: { v4: 0x100007f, v6: [127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], parts: { high: 127, low: 256 } },
      low: 5,
      middle: 0xabc,
      top: 0x1ffff,
      below: -3,
      where: 0xffff888000000000n,
      function: 77,
      grid: [
        [0, 0, 0],
        [0, 0, 6],
      ],
      ratio: 0,
      nothing: {},
    });
    expect([loaded.data.rows[1]?.[0], loaded.bss.class.function, loaded.rodata.new]).toEqual([4, 1n, 'LARGE']);
    const outcome: Shapes['types']['export'] | undefined = loaded.maps.delete.get({ x: 1, y: 2 })?.[0];
    expect(outcome).toBe('constructor');
  });

  it('are looked for before there is a record', async () => {
    const loaded = BpfObject.open('fixtures/shapes.o').load(await Kernel.boot());
    expect(() => loaded.maps['events']?.records('evnt')).toThrow(/no type 'evnt'; near it: event/);
  });
});

it('has the types of the values', async () => {
  const kernel = await Kernel.boot();
  const loaded = BpfObject.open('fixtures/reads.o').load(kernel);
  loaded.maps['reads']!.set(1, { outcome: 'FULL' });
  const value = loaded.maps['reads']!.get(1) as object;
  const lines = Object.entries(value).map(([name, part]) => `  ${name}: ${typeof part};`);
  const text = written('reads').replace(`'NONE' | 'FULL' | 'PARTIAL' | number`, 'string');
  expect(text).toContain(`export interface Read {\n${lines.join('\n')}\n}`);
});

describe('structures of which only debug information tells', () => {
  // version 4, 20 bytes of header, a total length of 0x0054, UDP
  const header = Uint8Array.of(0x45, 0, 0, 0x54, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2);
  const object = BpfObject.open('fixtures/xdp_count.o');

  it('are read and typed like others', () => {
    expect([...object.model.btf!.types()].map((t) => t.name)).not.toContain('iphdr');
    expect(object.decode('iphdr', header)).toMatchObject({
      ihl: 5,
      version: 4,
      tot_len: 0x5400,
      ttl: 64,
      protocol: 17,
    });
    expect(written('xdp_count')).toMatch(/export interface Iphdr \{\n {2}ihl: number;\n {2}version: number;/);
    expect(written('xdp_count')).toContain('readonly iphdr: Iphdr;');
  });

  it('are near those that are missed', () => {
    expect(() => object.decode('iphdrs', header)).toThrow(/no type 'iphdrs'; near it: iphdr.*struct iphdrs \*unused/);
  });
});
