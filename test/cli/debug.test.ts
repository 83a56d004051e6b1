/** The prompt of `ebpf-emu debug`: a file of commands, and what it answers. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { cli } from '../support/cli.ts';
import { matchGolden } from '../support/golden.ts';

it('answers a tour as the golden transcript has it', async () => {
  const tour = fileURLToPath(new URL('debug-tour.txt', import.meta.url));
  const { stdout, code } = await cli('debug', 'fixtures/opens.o', '-x', tour);
  expect(code).toBe(0);
  matchGolden(new URL('golden/debug-tour.txt', import.meta.url), stdout);
}, 60_000);

it('refuses what it cannot debug', async () => {
  const { all, code } = await cli('debug', 'fixtures/opens.o', '--engine', 'interp');
  expect(code).toBe(1);
  expect(all).toMatch(/the debugger follows machine code/);
});
