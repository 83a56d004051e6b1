/** A prompt like gdb's, without a terminal: a line in, text out. */

import { EmuError } from '../../errors/index.ts';
import { nearestText } from '../../errors/near.ts';
import type { Session } from '../session/session.ts';
import type { MoveOptions } from '../session/types.ts';
import type { Command, Prompt } from './command.ts';
import { INFO_NAMES } from './commands/about.ts';
import { COMMANDS } from './commands/index.ts';
import { stopText } from './text.ts';

export class DebugPrompt implements Prompt {
  readonly session: Session;
  readonly options: MoveOptions;
  shown = 0;
  readonly displays = new Map<number, string>();
  #last = '';

  constructor(session: Session, options: MoveOptions = {}) {
    this.session = session;
    this.options = options;
    this.shown = session.lines.length;
  }

  /** Where it stands at the beginning. */
  greeting(): string {
    return stopText(this.session, this.session.stop);
  }
  /** Runs a line; an empty one repeats the last. Errors are text too. */
  async run(line: string): Promise<string> {
    const text = line.trim() === '' ? this.#last : line.trim();
    if (text === '' || text.startsWith('#')) return '';
    this.#last = text;
    const [, word = '', rest = ''] = /^([\w-]+)([\s\S]*)$/.exec(text) ?? [];
    const command = find(word);
    if (command === undefined) {
      const near = nearestText(
        word,
        COMMANDS.flatMap((c) => c.names),
      );
      return `no command ${word || text}${near}; help lists all`;
    }
    try {
      return await command.run(this, rest.trim());
    } catch (error) {
      if (error instanceof EmuError) return error.message;
      throw error;
    }
  }
  /** Words that may stand where the line ends, and what of it they complete. */
  complete(line: string): [string[], string] {
    const word = /[\w.$@-]*$/.exec(line)?.[0] ?? '';
    const isCommand = line.trimStart() === word;
    const words = isCommand ? COMMANDS.map((c) => c.names[0] as string) : this.#operands(line.trimStart(), word);
    return [[...new Set(words)].filter((w) => w.startsWith(word)), word];
  }
  #operands(line: string, word: string): readonly string[] {
    const { session } = this;
    if (/^i(nfo)?\s/.test(line)) return INFO_NAMES;
    const names = [
      ...session.scope.names,
      ...session.programs.list.map((p) => p.name),
      ...session.locals.inlinedNames,
      ...session.stations.helpers,
    ];
    // the kernel has so many that a beginning must choose
    return word.length < 3 ? names : [...names, ...session.kernel.symbols.beginning(word)];
  }
}

/** By name, or by a beginning that only one has. */
function find(word: string): Command | undefined {
  const exact = COMMANDS.find((c) => c.names.includes(word));
  if (exact !== undefined || word === '') return exact;
  const some = COMMANDS.filter((c) => c.names[0]?.startsWith(word));
  return some.length === 1 ? some[0] : undefined;
}
