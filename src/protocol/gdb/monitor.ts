/** `monitor COMMAND` of gdb: the commands of the debugger's own prompt, for what gdb has no words for. */
import type { DebugPrompt } from '../../debug/index.ts';

/** Lists that may be asked for without the `info` in front. */
const LISTS = /^(maps|progs|events|tasks|probes|marks|locals|args)$/;

const STALE =
  'gdb still shows where it was: `maintenance flush register-cache` makes it look again, `monitor` commands see it already.';

export async function monitor(prompt: DebugPrompt, command: string): Promise<string> {
  const line = command.trim();
  const { count } = prompt.session.stop;
  const said = await prompt.run(LISTS.test(line) ? `info ${line}` : line === '' ? 'help' : line);
  const moved = prompt.session.stop.count === count ? '' : `\n${STALE}`;
  return `${said}${moved}\n`;
}
