/** `record FILE`: one file that debug, tui and load open, wherever they are, to the same bytes. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionOptions } from '../../src/cli/debugging.ts';
import { Session } from '../../src/debug/index.ts';
import { openTui } from '../../src/tui/open.ts';
import { cli } from '../support/cli.ts';

let dir = '';
let file = '';
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'session-'));
  // built, read and recorded in one folder, opened in another
  for (const name of ['opens.o', 'opens.c'])
    copyFileSync(new URL(`../../fixtures/${name}`, import.meta.url), join(dir, name));
  const commands = join(dir, 'commands');
  file = join(dir, 'opens.session');
  writeFileSync(
    commands,
    `break 22 if pid == 30042\nwatch counts[30042]\ndisable 2\ndprintf do_sys_openat2, {comm}\nrecord ${file}\nquit\n`,
  );
  const { stdout } = await cli('debug', join(dir, 'opens.o'), '--cpu', 'qemu64', '-x', commands);
  expect(stdout).toMatch(/opens\.session: \d+ bytes; ebpf-emu debug/);
  for (const name of ['opens.o', 'opens.c']) rmSync(join(dir, name));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Everything that a run leaves. */
async function run(session: Session): Promise<unknown> {
  await session.move({ kind: 'end' });
  const { count, time, calls } = session.stop;
  const { kernel } = session;
  const image = session.programs.list[0]?.view.functions[0];
  return {
    ...{ count, time, calls, lines: session.lines },
    registers: [...kernel.cpu.regs64],
    image: image?.bytes,
    stack: kernel.memory.readBytes(kernel.tasks.current.stack, 16384),
  };
}

describe('a recorded session', () => {
  it('has its breakpoints, its source and its kernel, and replays to the same bytes', async () => {
    const session = await Session.open(await sessionOptions(file, { history: 1 << 24 }));
    expect(session.kernel.cpuModel).toBe('qemu64');
    expect(session.breakpoints.list.map((b) => [b.text, b.condition, b.enabled, b.log])).toEqual([
      ['./opens.c:22', 'pid == 30042', true, undefined],
      ['watch counts[30042]', undefined, false, undefined],
      ['do_sys_openat2', undefined, true, '{comm}'],
    ]);
    expect(session.options.source?.('./opens.c')).toContain('Counts opened files');
    const saved = await run(session);
    session.close();
    const { options } = session;
    const { breakpoints: _, recording: __, ...rest } = options;
    const again = await Session.open({ ...rest, recording: (await sessionOptions(file, {})).recording });
    expect(await run(again)).toEqual(saved);
    // what it records is what it was opened from, but for breakpoints
    again.breakpoints.restore(options.breakpoints ?? []);
    expect(Buffer.from(again.record()).equals(readFileSync(file))).toBe(true);
    again.close();
  });

  it('has what was set on the way, which debug and load set again', async () => {
    const [commands, changed] = [join(dir, 'set'), join(dir, 'changed.session')];
    const said = [
      'tbreak count_opens@12',
      'continue',
      'set counts[30043] = 41',
      'set one = 2',
      'end',
      'print counts[30043]',
    ];
    writeFileSync(commands, `${said.join('\n')}\nstart\nend\nprint counts[30043]\nrecord ${changed}\nquit\n`);
    const first = await cli('debug', file, '-x', commands);
    const [count] = [...first.stdout.matchAll(/^\(ebpf\) print counts\[30043\]\n(\d+)$/gm)].map((m) => Number(m[1]));
    expect(count).toBeGreaterThan(41);
    expect(first.stdout.match(new RegExp(`^${count}$`, 'gm'))).toHaveLength(2);
    const look = join(dir, 'look');
    writeFileSync(look, 'end\nprint counts[30043]\nquit\n');
    expect((await cli('debug', changed, '-x', look)).stdout).toContain(`\n${count}\n`);
    expect((await cli('load', changed)).stderr).toContain(`30043: ${count}\n`);
    const bytes = readFileSync(changed, 'latin1');
    writeFileSync(changed, bytes.replace('"changes":[{"count":', '"changes":[{"cnt":'), 'latin1');
    expect((await cli('load', changed)).stderr).toMatch(/is nothing that can be set/);
  });

  it('is opened by debug, tui and load', async () => {
    const commands = join(dir, 'continue');
    writeFileSync(commands, 'continue\ninfo locals\nlist\nquit\n');
    const { stdout } = await cli('debug', file, '-x', commands);
    expect(stdout).toMatch(/Breakpoint 1, \.\/opens\.c:22\n/);
    expect(stdout).toContain('__sync_fetch_and_add(n, 1);');
    const fixtures = await cli('load', 'fixtures/opens.o', '--cpu', 'qemu64');
    const loaded = await cli('load', file);
    expect(loaded.code).toBe(0);
    expect(loaded.stdout).toBe(fixtures.stdout);
    const tui = await openTui(await sessionOptions(file, {}));
    expect(tui.screen(120, 40).lines.length).toBe(40);
    tui.close();
  });

  it('that is damaged, or from another time, is refused with what is wrong', async () => {
    const whole = readFileSync(file);
    const damaged = join(dir, 'damaged');
    const refusals: string[] = [];
    const header = whole.subarray(0, 19).length;
    for (const bytes of [
      whole.subarray(0, whole.length - 100),
      Buffer.concat([Buffer.from('ebpf-emu session 2\n'), whole.subarray(header)]),
      Buffer.from('ebpf-emu session 1\n{}\n'),
      Buffer.from('ebpf-emu session 1\n{"name'),
      Buffer.from('ebpf-emu session 1\nnonsense\n'),
    ]) {
      writeFileSync(damaged, bytes);
      const { all, code } = await cli('debug', damaged);
      expect(code).toBe(1);
      refusals.push(all.replace(/^.*damaged: /s, '').trim());
    }
    expect(refusals).toEqual([
      'a recorded session, but its recording is cut off',
      'a recorded session, but of version 2, where 1 is known here',
      'a recorded session, but its second line lacks something',
      'a recorded session, but its second line has no end',
      'a recorded session, but its second line is no JSON',
    ]);
  });
});
