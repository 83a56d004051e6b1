/** What the build executes besides `load`, so that V8's code cache has its functions: the first screen, for which people wait, too. */
import { openTui, paintLine, runInTerminal, terminalOf } from '../tui/index.ts';
import { sessionOptions } from './debugging.ts';

/** Draws an object's first screen, as wide and high as terminals commonly are, and goes. Wants no terminal. */
export async function drawOnce(file: string): Promise<void> {
  const tui = await openTui(await sessionOptions(file, {}));
  const terminal = terminalOf({ TERM: 'xterm-256color', LANG: 'C.UTF-8' });
  for (const line of tui.screen(120, 40).lines) paintLine(line, terminal);
  const shown = runInTerminal(tui, terminal);
  tui.quit();
  await shown;
  tui.close();
}
