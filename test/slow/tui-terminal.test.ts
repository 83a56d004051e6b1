/** In a real terminal, which is tmux's: what it shows is what the panes gave, and it is left as it was. */
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command, installed } from '../support/process.ts';
import { openFixture, press, screenText } from '../tui/support.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const socket = `ebpf-emu-${process.pid}`;
const tmux = (...args: string[]) => spawnSync('tmux', ['-L', socket, '-f', '/dev/null', ...args], { encoding: 'utf8' });
const hasTmux = tmux('-V').status === 0;
if (!hasTmux) console.log('skipped: tmux is not installed here');

const screen = (): string =>
  tmux('capture-pane', '-p', '-t', 'tui')
    .stdout.split('\n')
    .map((l) => l.trimEnd())
    .join('\n')
    .trimEnd();

/** Looks until it holds: how long a machine takes says nothing. */
async function until(what: string, holds: (text: string) => boolean): Promise<string> {
  for (let n = 0; n < 600; n++) {
    const text = screen();
    if (holds(text)) return text;
    await sleep(100);
  }
  throw new Error(`never came: ${what}\n${screen()}`);
}

function start(cols: number, rows: number, file: string, env = ''): void {
  tmux('kill-session', '-t', 'tui');
  const node = `${process.execPath} ${program} tui ${root}fixtures/${file}`;
  const shell = `cd ${root}; echo before; ${env} LANG=C.UTF-8 ${node}; echo "ended $?"; exec sleep 600`;
  const made = tmux('new-session', '-d', '-s', 'tui', '-x', String(cols), '-y', String(rows), shell);
  expect(made.stderr).toBe('');
}

let program = '';
beforeAll(async () => {
  program = command(await installed());
});

describe.skipIf(!hasTmux)('in tmux', () => {
  afterAll(() => void tmux('kill-server'));

  it.each([
    [80, 24],
    [120, 40],
    [200, 50],
  ])(
    '%dx%d shows what the panes gave, after keys and a change of size, and q leaves the terminal',
    async (cols, rows) => {
      const tui = await openFixture('hello.o');
      start(cols, rows, 'hello.o');
      const first = screenText(tui, cols, rows).trimEnd();
      expect(await until('the first screen', (t) => t.includes('▌hello▐'))).toBe(first);
      tmux('send-keys', '-t', 'tui', 'Space');
      await press(tui, ' ');
      const second = screenText(tui, cols, rows).trimEnd();
      expect(await until('the helper', (t) => t === second)).toBe(second);
      // SGR mouse (1006): button 0 pressed at column 2, row 4
      tmux('send-keys', '-t', 'tui', '-l', '\x1b[<0;2;4M\x1b[<0;2;4m');
      tui.click(1, 3);
      const clicked = screenText(tui, cols, rows).trimEnd();
      expect(await until('the click', (t) => t === clicked)).toBe(clicked);
      tmux('resize-window', '-t', 'tui', '-x', String(cols - 10), '-y', String(rows - 3));
      const third = screenText(tui, cols - 10, rows - 3).trimEnd();
      expect(await until('the other size', (t) => t === third)).toBe(third);
      tmux('send-keys', '-t', 'tui', 'q');
      expect(await until('the end', (t) => t.includes('ended'))).toBe('before\nended 0');
      tui.close();
    },
    120_000,
  );

  it('Ctrl-C leaves the terminal as it was', async () => {
    start(80, 24, 'rejected.o');
    await until('the refusal', (t) => t.includes('verifier refuses'));
    tmux('send-keys', '-t', 'tui', 'C-c');
    expect(await until('the end', (t) => t.includes('ended'))).toBe('before\nended 0');
    expect(
      tmux('display-message', '-p', '-t', 'tui', '#{alternate_on} #{cursor_flag} #{mouse_any_flag}').stdout.trim(),
    ).toBe('0 1 0');
  }, 120_000);

  it('a signal leaves the terminal as it was', async () => {
    start(80, 24, 'hello.o');
    await until('the first screen', (t) => t.includes('▌hello▐'));
    const shell = tmux('display-message', '-p', '-t', 'tui', '#{pane_pid}').stdout.trim();
    const child = spawnSync('pgrep', ['-P', shell], { encoding: 'utf8' }).stdout.trim();
    process.kill(Number(child), 'SIGTERM');
    expect(await until('the end', (t) => t.includes('ended'))).toBe('before\nended 143');
    expect(
      tmux('display-message', '-p', '-t', 'tui', '#{alternate_on} #{cursor_flag} #{mouse_any_flag}').stdout.trim(),
    ).toBe('0 1 0');
  }, 120_000);
});
