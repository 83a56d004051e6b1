/** The TypeScript that is written of an object: as text, and held against what is in the maps. */
import { describe, expect, it } from 'vitest';
import { BpfObject, Kernel } from '../../src/index.ts';
import { genTypes } from '../../src/object/index.ts';
import { cli } from '../support/cli.ts';
import { matchGolden } from '../support/golden.ts';

const written = (fixture: string): string => genTypes(BpfObject.open(`fixtures/${fixture}.o`).model);

describe('the text', () => {
  it.each(['reads', 'switches', 'opensnoop', 'opens'])('of %s.o', (fixture) => {
    matchGolden(new URL(`./golden/${fixture}.types.txt`, import.meta.url), written(fixture));
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
