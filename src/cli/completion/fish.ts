/** Completion for fish: `ebpf-emu completion fish > ~/.config/fish/completions/ebpf-emu.fish` (complete(1) of fish). */
import type { CompletedCommand } from './words.ts';

const quoted = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`;

/** When a line applies: that these words were said, and none of the subcommands below. */
function condition({ path, subcommands }: CompletedCommand): string {
  const said = path === '' ? [] : path.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`);
  const none =
    subcommands.length === 0 ? [] : [`not __fish_seen_subcommand_from ${subcommands.map((s) => s.name).join(' ')}`];
  return [...said, ...none].join('; and ');
}

function linesOf(command: CompletedCommand): string[] {
  const when = condition(command);
  const prefix = `complete -c ebpf-emu -n ${quoted(when)}`;
  const options = command.options.map(({ flags, description, takesValue, choices }) => {
    const names = flags.map((f) => (f.startsWith('--') ? `-l ${f.slice(2)}` : `-s ${f.slice(1)}`)).join(' ');
    const value = !takesValue ? '' : choices.length > 0 ? ` -x -a ${quoted(choices.join(' '))}` : ' -r';
    return `${prefix} ${names}${value} -d ${quoted(description)}`;
  });
  const words = [
    ...command.subcommands.map((s) => `${prefix} -f -a ${quoted(s.name)} -d ${quoted(s.description)}`),
    ...(command.choices.length > 0 ? [`${prefix} -a ${quoted(command.choices.join(' '))}`] : []),
  ];
  return [...words, ...options];
}

export const fishCompletion = (commands: readonly CompletedCommand[]): string =>
  [
    '# fish completion for ebpf-emu: ebpf-emu completion fish > ~/.config/fish/completions/ebpf-emu.fish',
    ...commands.flatMap(linesOf),
    '',
  ].join('\n');
