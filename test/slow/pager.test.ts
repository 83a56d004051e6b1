/** Long output on a terminal: script(1) gives one, and a pager that marks what passes it stands for less. */
import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { command, installed } from '../support/process.ts';

const hasScript = spawnSync('script', ['--version']).status === 0;
if (!hasScript) console.log('pager: skipped, script(1) is not there');

describe.skipIf(!hasScript)('on a terminal', () => {
  let program = '';
  beforeAll(async () => {
    program = command(await installed());
  }, 60_000);
  const lines = (PAGER: string, args: string): string[] => {
    const run = `"${process.execPath}" "${program}" ${args}`;
    const { stdout } = spawnSync('script', ['-qec', run, '/dev/null'], {
      encoding: 'utf8',
      env: { ...process.env, PAGER, NO_COLOR: '1' },
    });
    return stdout.trim().split(/\r?\n/);
  };

  it('what is said about the output stands among it, not across the pager', () => {
    const shown = lines("sed 's/^/| /'", 'verify fixtures/opens.o');
    expect(shown.every((line) => line.startsWith('| '))).toBe(true);
    expect(shown).toContain('| count_opens: accepted');
    expect(shown.join('\n')).toMatch(/^\| processed \d+ insns/m);
  });
  it('what is refused is said without one', () => {
    expect(lines("sed 's/^/| /'", 'verify /none.o')).toEqual(['ebpf-emu: /none.o: no such file (ENOENT)']);
  });
  it('PAGER=cat pages nothing', () => {
    expect(lines('cat', 'verify fixtures/hello.o').at(-1)).toBe('hello: accepted');
  });
});
