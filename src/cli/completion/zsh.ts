/** Completion for zsh: `ebpf-emu completion zsh > "\${fpath[1]}/_ebpf-emu"` (zshcompsys(1)). */
import type { CompletedCommand, CompletedOption } from './words.ts';

const escaped = (text: string): string =>
  text.replace(/['\\]/g, (c) => (c === "'" ? "'\\''" : '\\\\')).replace(/[[\]:]/g, '\\$&');

function optionSpec({ flags, description, takesValue, choices }: CompletedOption): string {
  const value = !takesValue ? '' : choices.length > 0 ? `:value:(${choices.join(' ')})` : ':value:_files';
  const names = flags.length > 1 ? `'(${flags.join(' ')})'{${flags.join(',')}}` : (flags[0] as string);
  return `${names}'[${escaped(description)}]${value}'`;
}

function caseOf({ path, subcommands, options, choices, files }: CompletedCommand): string {
  const specs = options.map(optionSpec);
  if (subcommands.length > 0) {
    const list = subcommands.map((s) => `'${escaped(s.name)}:${escaped(s.description)}'`).join(' ');
    return `    '${path}') local -a names=(${list}); _describe command names; _arguments ${specs.join(' ')} ;;\n`;
  }
  const first = choices.length > 0 ? ` '1:what:(${choices.join(' ')})'` : '';
  return `    '${path}') _arguments ${specs.join(' ')}${first}${files ? " '*:file:_files'" : ''} ;;\n`;
}

export const zshCompletion = (commands: readonly CompletedCommand[]): string => `#compdef ebpf-emu
# zsh completion for ebpf-emu: ebpf-emu completion zsh > "\${fpath[1]}/_ebpf-emu"
_ebpf_emu() {
  local said= i depth=0
  for ((i = 2; i < CURRENT; i++)); do
    case "\${said:+$said }\${words[i]}" in
      ${commands
        .filter((c) => c.path !== '')
        .map((c) => `'${c.path}'`)
        .join('|')}) said="\${said:+$said }\${words[i]}"; ((depth++)) ;;
    esac
  done
  # _arguments counts operands from the first word on
  shift $depth words
  ((CURRENT -= depth))
  case $said in
${commands.map(caseOf).join('')}  esac
}
compdef _ebpf_emu ebpf-emu
# autoloaded from fpath, this file is the function's first call
if [[ $funcstack[1] == _ebpf-emu ]]; then _ebpf_emu "$@"; fi
`;
