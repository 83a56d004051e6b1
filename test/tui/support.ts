/** A TUI over a fixture, and its screen as text. */
import { readFileSync } from 'node:fs';
import { readStrace } from '../../src/replay/index.ts';
import { openTui } from '../../src/tui/open.ts';
import { plainText } from '../../src/tui/text.ts';
import type { Tui } from '../../src/tui/tui.ts';

const fixture = (name: string): Buffer => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));

export const openFixture = (name: string): Promise<Tui> =>
  openTui({
    object: fixture(name),
    name,
    recording: readStrace(fixture('traces/python3.strace').toString()).trace,
    source: (file) => fixture(file.replace(/^\.\//, '')).toString(),
  });

/** blessed's names of keys, what a terminal sends for them, and what it makes of characters. */
export async function press(tui: Tui, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const isCapital = /^[A-Z]$/.test(key);
    tui.press(
      isCapital ? `S-${key.toLowerCase()}` : key === ' ' ? 'space' : key,
      [...key].length === 1 ? key : undefined,
    );
    await tui.settled();
  }
}

export const screenText = (tui: Tui, cols: number, rows: number): string =>
  tui
    .screen(cols, rows)
    .lines.map((l) => plainText(l).trimEnd())
    .join('\n');
