/** The commands and options that shells complete, as plain data from the tree of commands. */
import type { Option } from 'commander';
import type { EmuCommand } from '../tree/command.ts';
import type { Named } from './names.ts';

/** What stands in a place: files, words that `ebpf-emu complete` is asked for, or what nobody knows before. */
export type Value = 'files' | 'anything' | Named;

export interface CompletedOption {
  /** `--engine`, `-p` */
  readonly flags: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
  /** of what takes one, where there are no choices */
  readonly value: Value;
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
  /** names that operands may be */
  readonly named: Named | undefined;
}

const HELP: CompletedOption = {
  flags: ['-h', '--help'],
  description: 'show help',
  takesValue: false,
  choices: [],
  value: 'anything',
};

/** Options whose value is a name out of the objects of the same command line. */
const NAMED_OPTIONS: Readonly<Record<string, Named>> = {
  '--program': 'programs',
  '--iter': 'programs=',
  '--map': 'maps=',
  '--inner': 'maps=',
  '--hist': 'maps',
  '--event-type': 'maps=',
  '--set': 'globals=',
};
/** Operands that are names, by the words of the command. */
const NAMED_OPERANDS: Readonly<Record<string, Named>> = {
  explain: 'topics',
  symbols: 'functions',
  probes: 'probes',
  dump: 'texts',
  ...Object.fromEntries(
    ['prog', 'map', 'link', 'btf'].flatMap((group) =>
      ['show', 'list', 'dump', 'lookup'].map((verb) => [`${group} ${verb}`, 'bpftool'] as const),
    ),
  ),
};

const FILES = /file|path|directory|object|program>|args|command line/;

function valueIn(option: Option): Value {
  const named = NAMED_OPTIONS[option.long ?? ''];
  if (named) return named;
  return FILES.test(/[<[].*/.exec(option.flags)?.[0] ?? '') ? 'files' : 'anything';
}

const namesOf = (command: EmuCommand): string[] => [command.name(), ...command.aliases()];

export function completedCommands(command: EmuCommand, path: readonly string[] = []): CompletedCommand[] {
  const subcommands = command.shownCommands;
  const operands = command.registeredArguments;
  const own: CompletedCommand = {
    path: path.join(' '),
    description: command.description(),
    subcommands: subcommands.flatMap((c) => namesOf(c).map((name) => ({ name, description: c.description() }))),
    options: [
      ...command.options.map((o) => ({
        flags: [o.short, o.long].filter((f): f is string => f !== undefined && f !== null),
        description: o.description,
        takesValue: o.required || o.optional,
        choices: o.argChoices ?? [],
        value: valueIn(o),
      })),
      HELP,
    ],
    choices: operands[0]?.argChoices ?? [],
    files:
      operands.some((a) => /file|first|second|directory|program|args|command/.test(a.name())) ||
      NAMED_OPERANDS[path.join(' ')] === 'bpftool',
    named: NAMED_OPERANDS[path.join(' ')],
  };
  return [own, ...subcommands.flatMap((c) => namesOf(c).flatMap((name) => completedCommands(c, [...path, name])))];
}
