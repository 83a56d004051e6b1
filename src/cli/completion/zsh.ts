/** Completion for zsh: `ebpf-emu completion zsh > "\${fpath[1]}/_ebpf-emu"` (zshcompsys(1)). */
import type { CompletedCommand, CompletedOption } from './words.ts';

const escaped = (text: string): string =>
  text.replace(/['\\]/g, (c) => (c === "'" ? "'\\''" : '\\\\')).replace(/[[\]:]/g, '\\$&');

function valueText({ takesValue, choices, value }: CompletedOption): string {
  if (!takesValue) return '';
  if (choices.length > 0) return `:value:(${choices.join(' ')})`;
  if (value === 'files') return ':value:_files';
  return value === 'anything' ? ':value: ' : `:value: _ebpf_emu_ask ${value}`;
}

function optionSpec(option: CompletedOption): string {
  const { flags, description } = option;
  const names = flags.length > 1 ? `'(${flags.join(' ')})'{${flags.join(',')}}` : (flags[0] as string);
  return `${names}'[${escaped(description)}]${valueText(option)}'`;
}

function caseOf({ path, subcommands, options, choices, files, named }: CompletedCommand): string {
  const specs = options.map(optionSpec);
  if (subcommands.length > 0) {
    const list = subcommands.map((s) => `'${escaped(s.name)}:${escaped(s.description)}'`).join(' ');
    return `    '${path}') local -a names=(${list}); _describe command names; _arguments ${specs.join(' ')} ;;\n`;
  }
  const first = choices.length > 0 ? ` '1:what:(${choices.join(' ')})'` : '';
  const ways = [...(named === undefined ? [] : [`_ebpf_emu_ask ${named}`]), ...(files ? ['_files'] : [])];
  const others = ways.length === 0 ? '' : ` '*:operand:{ ${ways.join('; ')} }'`;
  return `    '${path}') _arguments ${specs.join(' ')}${first}${others} ;;\n`;
}

export const zshCompletion = (commands: readonly CompletedCommand[]): string => `#compdef ebpf-emu
# zsh completion for ebpf-emu: ebpf-emu completion zsh > "\${fpath[1]}/_ebpf-emu"
_ebpf_emu_ask() {
  local -a found
  found=("\${(@f)$("\${all[1]}" complete $1 -- "\${(@)all[2,at - 1]}" "$PREFIX" 2>/dev/null)}")
  found=("\${(@)found//:/\\\\:}")
  found=("\${(@)found/$'\\t'/:}")
  [[ $1 == *= ]] && set -- $1 -S ''
  _describe -t names $1 found "\${(@)argv[2,-1]}"
}
_ebpf_emu() {
  local -a all=("\${words[@]}")
  local at=$CURRENT
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
