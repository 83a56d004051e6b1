/** What panes, keys and mouse do, without a terminal. */
import { describe, expect, it } from 'vitest';
import { BINDINGS, GROUPS } from '../../src/tui/keys.ts';
import { place } from '../../src/tui/layout.ts';
import { layoutOf, SCREENS, SMALLEST } from '../../src/tui/layouts.ts';
import { paintLine, terminalOf } from '../../src/tui/palette.ts';
import { fitted, line, lineWidth, plainText, span } from '../../src/tui/text.ts';
import { openFixture, press, screenText } from './support.ts';

describe('text', () => {
  it('fits to a width by cells: wide characters are two, control characters are shown', () => {
    expect(plainText(fitted(line('内核 kernel'), 6))).toBe('内核 …');
    expect(plainText(fitted(line('内核'), 4))).toBe('内核');
    expect(lineWidth(fitted(line('内核'), 3))).toBe(3);
    expect(plainText(fitted(line('a\x1b[2Jb'), 12))).toBe('a\\x1b[2Jb   ');
    for (let width = 1; width < 30; width++)
      expect(lineWidth(fitted(line('a内b核c', span('kernel', 'bad')), width))).toBe(width);
  });
});

describe('palette', () => {
  const l = line('▸', span('changed', 'changed'));
  it('sends no escape sequence with NO_COLOR but for bold and inverse', () => {
    const painted = paintLine(l, terminalOf({ NO_COLOR: '1', TERM: 'xterm-256color', LANG: 'C.UTF-8' }));
    expect(painted).toBe('▸\x1b[1mchanged\x1b[0m');
  });
  it('sends ASCII where the locale is not UTF-8', () => {
    expect(paintLine(line('▸│┌─●内'), terminalOf({ LANG: 'C', TERM: 'dumb' }))).toBe('>|+-*?');
  });
  it('takes 16 colours where no more are known', () => {
    expect(terminalOf({ TERM: 'xterm', LANG: 'C' }).colours).toBe(16);
    expect(terminalOf({ TERM: 'tmux-256color', LANG: 'C' }).colours).toBe(256);
    expect(terminalOf({ TERM: 'xterm', COLORTERM: 'truecolor' }).colours).toBe(256);
  });
});

describe('layout', () => {
  it.each(SCREENS)('%s covers every size, each pane with room for a line', (screen) => {
    for (let cols = SMALLEST.cols; cols < 240; cols += 7) {
      for (let rows = SMALLEST.rows; rows < 80; rows += 5) {
        const covered = new Uint8Array(cols * rows);
        for (const p of place(layoutOf(screen, cols, rows, 'x86'), { x: 0, y: 0, w: cols, h: rows })) {
          if (p.w <= 10 || p.h <= 2) expect.fail(`${cols}x${rows}: ${p.pane} has ${p.w}x${p.h}`);
          for (let y = p.y; y < p.y + p.h; y++) covered.fill(1, y * cols + p.x, y * cols + p.x + p.w);
        }
        expect(covered.indexOf(0)).toBe(-1);
      }
    }
  });
});

describe('keys', () => {
  it('every key is in the help screen once', async () => {
    const tui = await openFixture('hello.o');
    await press(tui, '?');
    const help = screenText(tui, 300, 60);
    for (const [, bindings] of GROUPS) for (const b of bindings) expect(help).toContain(b.help);
    const all = GROUPS.flatMap(([, bindings]) => bindings.flatMap((b) => b.keys));
    expect(BINDINGS.size).toBe(all.length);
    tui.close();
  });

  it('a frame that is chosen in the call stack is what the code panes show, until the CPU moves', async () => {
    const tui = await openFixture('nested.o');
    // into the function that the program calls
    for (let n = 0; n < 10 && !/▸count/.test(screenText(tui, 120, 40)); n++) await press(tui, 's');
    expect(screenText(tui, 120, 40)).toMatch(/▸count/);
    while (tui.state.focus !== 'calls') await press(tui, 'tab');
    await press(tui, 'home', 'down');
    const caller = screenText(tui, 120, 40);
    expect(caller).toMatch(/▸nested\+0x/);
    expect(caller).toContain('bpf_prog_');
    expect(caller).toMatch(/x86-64 {2}bpf_prog_\w+_nested/);
    expect(caller).toMatch(/▸35\s+if \(count\(&who\)\)/);
    await press(tui, 'down');
    expect(screenText(tui, 120, 40)).toMatch(/x86-64 {2}trace_call_bpf/);
    await press(tui, 'escape');
    expect(screenText(tui, 120, 40)).toMatch(/x86-64 {2}bpf_prog_\w+_count/);
    tui.close();
  });

  it('every key does something that the screen shows, or leads back, and none breaks it', async () => {
    const tui = await openFixture('opens.o');
    let quits = 0;
    tui.onQuit = () => quits++;
    const still: string[] = [];
    for (const [key, { shown }] of BINDINGS) {
      const before = JSON.stringify(tui.screen(120, 40).lines);
      tui.press(key, shown.length === 1 ? shown : undefined);
      await tui.settled();
      const { lines } = tui.screen(120, 40);
      expect(lines).toHaveLength(40);
      if (JSON.stringify(lines) === before) still.push(shown);
      // what is zoomed, hidden or asked for is in the way of the next
      await press(tui, 'escape');
    }
    expect(quits).toBe(2);
    // what has nothing to pause, to follow or to leave; a pane's end where it stands there
    expect(still.filter((s) => !/^(p|q|Esc|Home|End|PgUp|PgDn|↑ k|↓ j|6|F|h|=)$/.test(s))).toEqual([]);
    tui.close();
  }, 60_000);

  it('a step back leads to where the step came from', async () => {
    const tui = await openFixture('opens.o');
    // the moment, with the count of instructions, is in the first line
    const moment = () => screenText(tui, 120, 40).split('\n')[0];
    for (const [on, back] of [
      ['s', 'S'],
      [' ', 'backspace'],
      ['e', 'E'],
    ] as const) {
      await press(tui, 'x', on);
      const there = moment();
      await press(tui, on);
      expect(moment(), on).not.toBe(there);
      await press(tui, back);
      expect(moment(), `${on} ${back}`).toBe(there);
    }
    tui.close();
  }, 60_000);

  it('g shows a function, / finds a line in it, Esc follows the CPU again', async () => {
    const tui = await openFixture('hello.o');
    const first = screenText(tui, 120, 40);
    await press(tui, 'g', ...'do_sys_openat2', 'enter');
    expect(screenText(tui, 120, 40)).toContain('x86-64  do_sys_openat2');
    await press(tui, '/', ...'nothing of this', 'enter');
    expect(screenText(tui, 120, 40)).toContain('nothing of this: not in x86-64');
    await press(tui, 'g', ...'no_such_function', 'enter');
    expect(screenText(tui, 120, 40).split('\n').at(-1)).toMatch(/no_such_function/);
    await press(tui, 'escape', 'tab', 'S-tab', 'home', 'escape');
    expect(screenText(tui, 120, 40)).toContain('x86-64  bpf_prog_');
    expect(first).toContain('x86-64  bpf_prog_');
    tui.close();
  });

  it('b puts a breakpoint at the chosen line and takes it away; a click on the first column does', async () => {
    const tui = await openFixture('hello.o');
    tui.screen(120, 40);
    await press(tui, 'down', 'b');
    expect(screenText(tui, 120, 40)).toMatch(/●11 .*return 0;/);
    await press(tui, 'b');
    expect(screenText(tui, 120, 40)).not.toContain('●');
    // the border is the pane's column 0, its mark column 1: line 11 is the eleventh below the border at row 2
    const y = screenText(tui, 120, 40)
      .split('\n')
      .findIndex((l) => l.includes('return 0;'));
    tui.click(1, y);
    expect(screenText(tui, 120, 40)).toContain('●11');
    await press(tui, 'c');
    expect(screenText(tui, 120, 40)).toContain('◉11');
    tui.close();
  });

  it('the wheel scrolls the pane under it, z zooms, h hides and Esc brings back', async () => {
    const tui = await openFixture('opens.o');
    tui.screen(80, 24);
    for (let n = 0; n < 10; n++) tui.wheel(10, 5, -3);
    expect(screenText(tui, 80, 24)).toContain(' 1 // Counts');
    await press(tui, 'z');
    expect(screenText(tui, 80, 24)).not.toContain('registers');
    await press(tui, 'z', 'tab', 'h');
    expect(screenText(tui, 80, 24)).not.toContain('registers');
    await press(tui, 'escape');
    expect(screenText(tui, 80, 24)).toContain('registers');
    tui.close();
  });

  it('+ - > < make the pane in focus larger and smaller, up to the room that the others need; = takes it back', async () => {
    const tui = await openFixture('opens.o');
    const size = (name: string) => {
      const pane = tui.screen(120, 40).panes.find((p) => p.pane === name);
      return [pane?.w ?? 0, pane?.h ?? 0] as const;
    };
    const [w, h] = size('source');
    await press(tui, '>', '-');
    expect(size('source')[0]).toBeGreaterThan(w);
    expect(size('source')[1]).toBeLessThan(h);
    await press(tui, '<', '<', '+');
    expect(size('source')[0]).toBeLessThan(w);
    expect(size('source')[1]).toBe(h);
    await press(tui, ...Array<string>(20).fill('>'), ...Array<string>(20).fill('+'));
    for (const p of tui.screen(120, 40).panes) {
      expect(p.w, p.pane).toBeGreaterThan(10);
      expect(p.h, p.pane).toBeGreaterThan(2);
    }
    expect(screenText(tui, 120, 40)).toContain('no room left');
    await press(tui, '=');
    expect(size('source')).toEqual([w, h]);
    tui.close();
  });

  it('says so where the terminal is too small', async () => {
    const tui = await openFixture('hello.o');
    expect(screenText(tui, 40, 10)).toContain('this terminal has 40x10');
    tui.close();
  });
});

it('a refused program runs nowhere, and its keys say so', async () => {
  const tui = await openFixture('rejected.o');
  tui.screen(120, 40);
  await press(tui, '6');
  expect(screenText(tui, 120, 40)).toContain('not reached: the verifier refused the program');
  await press(tui, 'c');
  expect(screenText(tui, 120, 40)).toContain('there is nothing to run');
  await press(tui, '1');
  expect(screenText(tui, 120, 40)).toContain('kprobe/do_sys_openat2');
});
