/** The main job as a session: every stage's line, then exactly the kernel's form of trace_pipe. */
import { describe, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';
import { first } from '../support/depth.ts';
import { maskTimes, matchGolden } from '../support/golden.ts';

const golden = (name: string): URL => new URL(`../golden/load/${name}.txt`, import.meta.url);
const fixtures = ['hello', 'opens', 'opensnoop', 'openret', 'execs', 'tailcall'];

describe.each(fixtures)('load %s.o', (name) => {
  it('says what each stage found, and prints what the program prints', async () => {
    const { all, code } = await cli('load', `fixtures/${name}.o`);
    expect(code).toBe(0);
    matchGolden(golden(name), maskTimes(all));
  });

  it.each(first(1, ['interp', 'step']))('prints the same on %s', async (engine) => {
    const { stdout } = await cli('load', `fixtures/${name}.o`, '--engine', engine);
    expect(stdout).toBe((await cli('load', `fixtures/${name}.o`)).stdout);
  });
});

describe('trace_pipe', () => {
  it("has the kernel's columns", async () => {
    const { stdout } = await cli('load', 'fixtures/hello.o');
    // as Linux 6.12.117 printed them: test/golden/linux-6.12/trace_pipe.txt
    const line = /^ {0,15}\S.*-\d+ {1,8}\[000\] [d.][n.N][hs.]\d\d {1,4}\d+\.\d{6}: bpf_trace_printk: Hello, World!$/;
    const lines = stdout.trimEnd().split('\n');
    for (const l of lines) expect(l).toMatch(line);
    expect(lines).toHaveLength(33);
  });
});

describe('a recording that is not all readable', () => {
  it('warns of the lines and replays the rest', async () => {
    const { stderr, stdout, code } = await cli(
      'load',
      'fixtures/hello.o',
      '--replay',
      'test/replay/recordings/damaged.strace',
    );
    expect(code).toBe(0);
    expect(stderr).toContain('damaged.strace, line 2:');
    expect(stdout.match(/Hello, World!/g)).toHaveLength(2);
  });
});
