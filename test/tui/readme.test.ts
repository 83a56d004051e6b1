/** The screen in the READMEs is what the keys lead to. `UPDATE_GOLDEN=1` writes both anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { updating } from '../support/golden.ts';
import { openFixture, press, screenText } from './support.ts';

const SCREEN = /```text\n ebpf-emu {2}hello\.o[\s\S]*?```\n/;

it.each(['README.md', 'README.zh-CN.md'])('%s shows the screen behind two presses of Space', async (name) => {
  const path = new URL(`../../${name}`, import.meta.url);
  const text = readFileSync(path, 'utf8');
  const tui = await openFixture('hello.o');
  tui.screen(110, 32);
  await press(tui, ' ', ' ');
  const now = `\`\`\`text\n${screenText(tui, 110, 32)}\n\`\`\`\n`;
  tui.close();
  if (updating)
    writeFileSync(
      path,
      text.replace(SCREEN, () => now),
    );
  else expect(SCREEN.exec(text)?.[0]).toBe(now);
});
