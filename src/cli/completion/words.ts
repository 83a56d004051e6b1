/** The commands and options that shells complete, as plain data from the tree of commands. */
import type { EmuCommand } from '../tree/command.ts';

export interface CompletedOption {
  /** `--engine`, `-p` */
  readonly flags: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

export interface CompletedCommand {
  /** `map dump`; '' for the whole */
  readonly path: string;
  readonly description: string;
  readonly subcommands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly CompletedOption[];
  /** words that the first operand may be */
  readonly choices: readonly string[];
  /** whether operands are files */
  readonly files: boolean;
}

const HELP: CompletedOption = { flags: ['-h', '--help'], description: 'show help', takesValue: false, choices: [] };

export function completedCommands(command: EmuCommand, path: readonly string[] = []): CompletedCommand[] {
  const subcommands = command.commands as readonly EmuCommand[];
  const operands = command.registeredArguments;
  const own: CompletedCommand = {
    path: path.join(' '),
    description: command.description(),
    subcommands: subcommands.map((c) => ({ name: c.name(), description: c.description() })),
    options: [
      ...command.options.map((o) => ({
        flags: [o.short, o.long].filter((f): f is string => f !== undefined && f !== null),
        description: o.description,
        takesValue: o.required || o.optional,
        choices: o.argChoices ?? [],
      })),
      HELP,
    ],
    choices: operands[0]?.argChoices ?? [],
    files: operands.some((a) => /file|words|first|second|directory/.test(a.name())),
  };
  return [own, ...subcommands.flatMap((c) => completedCommands(c, [...path, c.name()]))];
}
