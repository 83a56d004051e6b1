/** The TypeScript that is written of an object, held against the compiler: it needs no casts, and refuses what is not there. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BpfObject } from '../../src/index.ts';
import { genTypes } from '../../src/object/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const written = (fixture: string): string => genTypes(BpfObject.open(`fixtures/${fixture}.o`).model);

describe('the types', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gen-types-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let errors = '';
  beforeAll(() => {
    for (const fixture of ['reads', 'switches', 'opensnoop'])
      writeFileSync(join(folder, `${fixture}.ts`), written(fixture));
    writeFileSync(
      join(folder, 'use.ts'),
      `import { BpfObject, Kernel } from ${JSON.stringify(join(root, 'src/index.ts'))};
import type { Reads } from './reads.ts';
import type { Switches } from './switches.ts';
import type { Event, Opensnoop } from './opensnoop.ts';
const kernel = await Kernel.boot();
const object = BpfObject.open<Reads>('reads.o');
object.bss.kprobed = 5n;
const loaded = object.load(kernel);
const dev: number | undefined = loaded.maps.reads.get(1)?.dev;
const outcome: 'NONE' | 'FULL' | 'PARTIAL' | number | undefined = loaded.maps.reads.get(1)?.outcome;
const total: bigint = loaded.bss.entered + loaded.bss.returned;
loaded.maps.reads.set(1, { ino: 5, is_big: true });
const ino: bigint = loaded.decode('read', new Uint8Array(48)).ino;
loaded.programs.probe_read.attach();
for (const [pid, read] of loaded.maps.reads) console.log(pid + 1, read.count + 1n);
const perCpu: bigint[] | undefined = BpfObject.open<Switches>('switches.o').load(kernel).maps.switches.get(0);
BpfObject.open<Switches>('switches.o').load(kernel).maps.switches.set(0, 5).set(0, [1n, 2n]);
const events: Event[] = BpfObject.open<Opensnoop>('opensnoop.o').load(kernel).maps.events.records('event');
for await (const { filename } of BpfObject.open<Opensnoop>('o').load(kernel).maps.events.stream('event')) filename.trim();
console.log(dev, outcome, total, ino, perCpu, events);
// @ts-expect-error no such map
loaded.maps.writes;
// @ts-expect-error no such variable
loaded.bss.wrote;
// @ts-expect-error no number
loaded.maps.reads.get('1');
// @ts-expect-error no member of it
loaded.maps.reads.set(1, { inode: 5n });
// @ts-expect-error no such program
loaded.programs.probe_write.attach();
`,
    );
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: join(root, 'tsconfig.json'),
        include: ['*.ts', join(root, 'src/**/*.d.ts')],
        compilerOptions: { typeRoots: [join(root, 'node_modules/@types')] },
      }),
    );
    errors = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], {
      encoding: 'utf8',
    }).stdout;
  }, 60_000);

  it('need no casts, and refuse what is not there', () => expect(errors).toBe(''));
});
