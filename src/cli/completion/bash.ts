/** Completion for bash: `source <(ebpf-emu completion bash)` (bash(1), Programmable Completion). */
import type { CompletedCommand } from './words.ts';

const quoted = (words: readonly string[]): string => `'${words.join(' ')}'`;

/** What a path offers: subcommands, options, words of the first operand; and after options, their choices. */
function caseOf({ path, subcommands, options, choices, files }: CompletedCommand): string {
  const words = [...subcommands.map((s) => s.name), ...choices, ...options.flatMap((o) => o.flags)];
  const values = options
    .filter((o) => o.choices.length > 0)
    .map((o) => `        ${o.flags.join('|')}) words=${quoted(o.choices)} files= ;;\n`);
  const takes = options.filter((o) => o.takesValue && o.choices.length === 0).flatMap((o) => o.flags);
  const inner = [...values, ...(takes.length > 0 ? [`        ${takes.join('|')}) words= files=1 ;;\n`] : [])].join('');
  return `    '${path}')
      words=${quoted(words)} files=${files ? '1' : ''}
${inner === '' ? '' : `      case $prev in\n${inner}      esac\n`}      ;;
`;
}

export const bashCompletion = (
  commands: readonly CompletedCommand[],
): string => `# bash completion for ebpf-emu: source <(ebpf-emu completion bash)
_ebpf_emu() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]}
  local said= words= files= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${said:+$said }\${COMP_WORDS[i]}" in
      ${commands
        .filter((c) => c.path !== '')
        .map((c) => `'${c.path}'`)
        .join('|')}) said="\${said:+$said }\${COMP_WORDS[i]}" ;;
    esac
  done
  case $said in
${commands.map(caseOf).join('')}  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [ -n "$files" ] && COMPREPLY+=($(compgen -f -- "$cur"))
}
complete -o filenames -F _ebpf_emu ebpf-emu
`;
