/** The commands of the prompt, a row each: names, what it takes, what it says of itself, what it does. */
import type { Command } from '../command.ts';
import { ABOUT } from './about.ts';
import { MOTIONS } from './motions.ts';
import { PLACES } from './places.ts';
import { POINTS } from './points.ts';
import { VALUES } from './values.ts';

const HELP: Command = {
  names: ['help', 'h'],
  takes: '[COMMAND]',
  about: 'what there is',
  run: (_, text) =>
    COMMANDS.filter((c) => text === '' || c.names.includes(text))
      .map(
        (c) =>
          `${[c.names.join(', '), c.takes]
            .filter((t) => t !== '')
            .join(' ')
            .padEnd(36)} ${c.about}`,
      )
      .join('\n'),
};

export const COMMANDS: readonly Command[] = [...MOTIONS, ...POINTS, ...VALUES, ...PLACES, ...ABOUT, HELP];
