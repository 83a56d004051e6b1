/** Completion for fish: `ebpf-emu completion fish > ~/.config/fish/completions/ebpf-emu.fish` (complete(1) of fish). */
import type { CompletedCommand, CompletedOption } from './words.ts';

const quoted = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`;
const asked = (named: string): string => quoted(`(__ebpf_emu_ask ${named})`);

/** -x: a value follows that is no file; -r: one that may be. */
function valueText({ takesValue, choices, value }: CompletedOption): string {
  if (!takesValue) return '';
  if (choices.length > 0) return ` -x -a ${quoted(choices.join(' '))}`;
  if (value === 'files') return ' -r -F';
  return value === 'anything' ? ' -x' : ` -x -a ${asked(value)}`;
}

function linesOf(command: CompletedCommand): string[] {
  const prefix = `complete -c ebpf-emu -n ${quoted(`__ebpf_emu_at ${command.path}`.trimEnd())}`;
  const options = command.options.map((option) => {
    const names = option.flags.map((f) => (f.startsWith('--') ? `-l ${f.slice(2)}` : `-s ${f.slice(1)}`)).join(' ');
    return `${prefix} ${names}${valueText(option)} -d ${quoted(option.description)}`;
  });
  return [
    ...(command.files ? [] : [`${prefix} -f`]),
    ...command.subcommands.map((s) => `${prefix} -f -a ${quoted(s.name)} -d ${quoted(s.description)}`),
    ...(command.choices.length > 0 ? [`${prefix} -a ${quoted(command.choices.join(' '))}`] : []),
    ...(command.named === undefined ? [] : [`${prefix} -a ${asked(command.named)}`]),
    ...options,
  ];
}

export const fishCompletion = (
  commands: readonly CompletedCommand[],
): string => `# fish completion for ebpf-emu: ebpf-emu completion fish > ~/.config/fish/completions/ebpf-emu.fish
function __ebpf_emu_at -d 'whether these are the commands said so far'
    set -l said
    for word in (commandline -opc)[2..]
        if contains -- (string join ' ' -- $said $word) ${commands
          .filter((c) => c.path !== '')
          .map((c) => quoted(c.path))
          .join(' ')}
            set -a said $word
        end
    end
    test "$said" = "$argv"
end
function __ebpf_emu_ask
    set -l words (commandline -opc)
    $words[1] complete $argv[1] -- $words[2..] (commandline -ct) 2>/dev/null
end
${commands.flatMap(linesOf).join('\n')}
`;
