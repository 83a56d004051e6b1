/** Completion for bash: `source <(ebpf-emu completion bash)` (bash(1), Programmable Completion). */
import type { CompletedCommand, CompletedOption } from './words.ts';

const quoted = (words: readonly string[]): string => `'${words.join(' ')}'`;

/** What stands behind an option. */
function valueText({ choices, value }: CompletedOption): string {
  if (choices.length > 0) return `words=${quoted(choices)} files= ask=`;
  return `words= files=${value === 'files' ? '1' : ''} ask=${value === 'files' || value === 'anything' ? '' : value}`;
}

/** What a path offers: subcommands, options, words of the first operand; and after options, what they take. */
function caseOf({ path, subcommands, options, choices, files, named }: CompletedCommand): string {
  const words = [...subcommands.map((s) => s.name), ...choices];
  const flags = options.flatMap((o) => o.flags);
  const byValue = new Map<string, string[]>();
  for (const option of options.filter((o) => o.takesValue)) {
    const value = valueText(option);
    byValue.set(value, [...(byValue.get(value) ?? []), ...option.flags]);
  }
  const values = [...byValue].map(([value, flags]) => `        ${flags.join('|')}) ${value} ;;\n`);
  return `    '${path}')
      words=${quoted(words)} flags=${quoted(flags)} files=${files ? '1' : ''} ask=${named ?? ''}
${values.length === 0 ? '' : `      case $prev in\n${values.join('')}      esac\n`}      ;;
`;
}

export const bashCompletion = (
  commands: readonly CompletedCommand[],
): string => `# bash completion for ebpf-emu: source <(ebpf-emu completion bash)
_ebpf_emu() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]}
  local said= words= flags= files= ask= i
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
  if [[ $cur == -* ]]; then
    words=$flags
  elif [ -n "$ask" ]; then
    # readline parts words at colons, names are whole
    cur=\${COMP_LINE:0:COMP_POINT} cur=\${cur##* }
    words+=" $("\${COMP_WORDS[0]}" complete "$ask" -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" "$cur" 2>/dev/null | cut -f 1)"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]] && COMPREPLY=("\${COMPREPLY[@]#"\${cur%"\${cur##*:}"}"}")
  # a value follows what ends in =
  [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
  [ -n "$files" ] && COMPREPLY+=($(compgen -f -- "$cur"))
  return 0
}
complete -o filenames -F _ebpf_emu ebpf-emu
`;
