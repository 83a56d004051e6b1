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
