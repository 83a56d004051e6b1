/** Completion scripts of shells, made from the tree of commands. */
import type { EmuCommand } from '../tree/command.ts';
import { bashCompletion } from './bash.ts';
import { fishCompletion } from './fish.ts';
import { completedCommands } from './words.ts';
import { zshCompletion } from './zsh.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const MAKERS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

export const completion = (cli: EmuCommand, shell: Shell): string => MAKERS[shell](completedCommands(cli));
