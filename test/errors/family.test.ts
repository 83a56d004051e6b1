/** One family of errors, read from the sources: no class stands beside it, no code lacks its class, nothing is thrown bare. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { NotModelledError as ofBpf } from '../../kernel-sim/bpf/index.ts';
import { BpfObject, EmuError, ERROR_CODES, Kernel, NotModelledError } from '../../src/index.ts';
import { NotModelledError as ofObject } from '../../src/object/index.ts';
import { strayErrors } from '../lint/errors.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = ['src', 'kernel-sim'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && e.name.endsWith('.ts') && !join(e.parentPath, e.name).includes(join('data', 'make')))
    .map((e) => ({ file: join(e.parentPath, e.name), text: readFileSync(join(e.parentPath, e.name), 'utf8') })),
);
const found = (pattern: RegExp): string[][] =>
  sources.flatMap(({ text }) => Array.from(text.matchAll(pattern), ([, ...groups]) => groups as string[]));

describe('errors', () => {
  it('are of the family, or never leave; none is bare', () => {
    expect(strayErrors()).toEqual([]);
  });

  it('have a code with a class each, and each class its code', () => {
    const classes = new Set(
      found(/class (\w+) extends (?:Emu|Kernel|Bpf|Argument|Object)Error\b/g).map(([name]) => name),
    );
    for (const { thrown } of Object.values(ERROR_CODES)) expect(classes).toContain(thrown);
    const used = new Set(found(/'(ERR_[A-Z0-9_]+)'/g).map(([code]) => code));
    for (const code of Object.keys(ERROR_CODES)) expect(used).toContain(code);
  });

  it('has one NotModelledError, which attaching throws', async () => {
    expect(ofBpf).toBe(NotModelledError);
    expect(ofObject).toBe(NotModelledError);
    const kernel = await Kernel.boot();
    const program = BpfObject.open('fixtures/hello.o').load(kernel).programs['hello'];
    let error: unknown;
    try {
      program?.attach({ target: 'no_such_function_of_linux' });
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(EmuError);
    expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_/), hint: expect.stringMatching(/./) });
    const missing = new NotModelledError('BPF_LINK_CREATE', 'attaching nothing');
    expect(missing).toMatchObject({ code: 'ERR_NOT_MODELLED', errno: 'EOPNOTSUPP', where: 'BPF_LINK_CREATE' });
  });
});
