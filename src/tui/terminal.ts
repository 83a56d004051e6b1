/** blessed's program as keyboard, mouse and screen: sends what changed, at most 20 times a second, and leaves the terminal as it was. */
import { createRequire } from 'node:module';
import type { Program } from 'blessed/lib/program';
import { paintLine, type Terminal } from './palette.ts';
import type { Tui } from './tui.ts';

/** ms between two redraws */
const REDRAW = 50;

/**
 * xterm's private modes: the other screen with the cursor's place kept, no cursor, no break behind the last column,
 * the mouse's buttons told with any column (1006).
 */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?1000h\x1b[?1006h\x1b[2J';
const LEAVE = '\x1b[?1006l\x1b[?1000l\x1b[?7h\x1b[?25h\x1b[?1049l';

/** Runs until q. @param onFirst called when the first screen was sent */
export async function runInTerminal(tui: Tui, terminal: Terminal, onFirst: () => void = () => {}): Promise<void> {
  const program = (createRequire(import.meta.url)('blessed/lib/program') as (options: object) => Program)({
    tput: false,
    buffer: false,
    zero: true,
  });
  let shown: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  let last = 0;
  const paint = (): void => {
    timer = undefined;
    last = Date.now();
    const { cols, rows } = program;
    const lines = tui.screen(cols, rows).lines.map((l) => paintLine(l, terminal));
    let out = '';
    for (const [y, text] of lines.entries()) if (shown[y] !== text) out += `\x1b[${y + 1};1H${text}`;
    shown = lines;
    if (out !== '') process.stdout.write(out);
  };
  const redraw = (): void => {
    timer ??= setTimeout(paint, Math.max(0, last + REDRAW - Date.now()));
  };

  let restored = false;
  const restore = (): void => {
    if (restored) return;
    restored = true;
    if (timer !== undefined) clearTimeout(timer);
    process.stdout.write(LEAVE);
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    process.stdin.pause();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const onSignal = (_: string, number: number): void => {
    restore();
    process.exit(128 + number);
  };
  process.on('exit', restore);
  process.on('uncaughtExceptionMonitor', restore);
  for (const signal of signals) process.on(signal, onSignal);

  process.stdout.write(ENTER);
  try {
    await new Promise<void>((resolve) => {
      tui.onQuit = resolve;
      tui.onChange = redraw;
      program.on('keypress', (ch, key) => tui.press(key.full, ch));
      program.on('mouse', ({ action, x, y }) => {
        if (action === 'mousedown') tui.click(x, y);
        else if (action === 'wheelup' || action === 'wheeldown') tui.wheel(x, y, action === 'wheelup' ? -3 : 3);
      });
      program.on('resize', () => {
        shown = [];
        process.stdout.write('\x1b[2J');
        redraw();
      });
      paint();
      onFirst();
    });
  } finally {
    restore();
    process.off('exit', restore);
    process.off('uncaughtExceptionMonitor', restore);
    for (const signal of signals) process.off(signal, onSignal);
    program.destroy();
  }
}
