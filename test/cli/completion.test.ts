/** Completion as the shells themselves do it: bash, fish, and zsh on a terminal (script(1) gives one). */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { completion, SHELLS } from '../../src/cli/completion/index.ts';
import { candidates } from '../../src/cli/completion/names.ts';
import { build } from '../../src/cli/tree/index.ts';

const directory = mkdtempSync(join(tmpdir(), 'completion-'));
afterAll(() => rmSync(directory, { recursive: true }));

const have = (program: string): boolean => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
const GUARD = resolve('fixtures/guard.o');

/** What is typed, and what is offered. The names of an object are asked of the command, which {@link answers} stands for. */
const LINES: readonly (readonly [line: readonly string[], offered: readonly string[]])[] = [
  [['vml'], ['vmlinux.h']],
  [
    ['load', '--engine', ''],
    ['interp', 'jit', 'step'],
  ],
  [
    ['map', 'l'],
    ['list', 'lookup'],
  ],
  [['prog', 'dump', '--kal'], ['--kallsyms']],
  [['dump', 'tramp'], ['trampoline']],
  [['load', '--keep'], ['--keep-going']],
  [['load', '--seed', ''], []],
  [['explain', 'nu'], ['null-check']],
  [
    ['load', GUARD, '--program', 'no_'],
    ['no_files', 'no_mail'],
  ],
  [['load', GUARD, '--set', 're'], ['refused=']],
  [['dump', 'text', 'do_sys_openat'], ['do_sys_openat2']],
  [['probes', 'tracepoint:sched:sched_sw'], ['tracepoint:sched:sched_switch']],
];
const ASKED: Readonly<Record<string, string>> = {
  explain: 'topics',
  '--program': 'programs',
  '--set': 'globals=',
  text: 'texts',
  probes: 'probes',
};
const askedBy = (line: readonly string[]): string => ASKED[line.at(-2) as string] ?? '';

/** `ebpf-emu complete` by a program that starts at once: it knows what is asked here, word for word. */
async function standIn(): Promise<string> {
  const cases = await Promise.all(
    LINES.filter(([line]) => askedBy(line) !== '').map(async ([line]) => {
      const words = ['complete', askedBy(line), '--', ...line].join(' ');
      return `  '${words}') printf '%s' '${await candidates(askedBy(line), line)}' ;;\n`;
    }),
  );
  return `#!/bin/sh\ncase "$*" in\n${cases.join('')}esac\n`;
}
const prepared = (async () => {
  writeFileSync(join(directory, 'ebpf-emu'), await standIn(), { mode: 0o755 });
  for (const shell of SHELLS) writeFileSync(join(directory, shell), completion(build(), shell));
})();
const env = { ...process.env, PATH: `${directory}:${process.env['PATH']}`, ZDOTDIR: directory, HOME: directory };

const sh = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
function run(command: readonly string[], input = ''): string {
  const [program = '', ...args] = command;
  const done = spawnSync(program, args, { encoding: 'utf8', input, env, cwd: directory, timeout: 30_000 });
  expect(done.stderr).toBe('');
  return done.stdout;
}
const lines = (text: string): string[] => text.split('\n').filter((l) => l !== '');

const BASH = (line: readonly string[]): string => `
source ${join(directory, 'bash')}
COMP_WORDBREAKS=
COMP_WORDS=(ebpf-emu ${line.map(sh).join(' ')}); COMP_CWORD=${line.length}
COMP_LINE=${sh(`ebpf-emu ${line.join(' ')}`)}; COMP_POINT=\${#COMP_LINE}
_ebpf_emu; printf '%s\\n' "\${COMPREPLY[@]}"`;

/** What zsh would show, and not what functions of its own ask along the way (-O, -A, -D). */
const ZSHRC = `
autoload -Uz compinit; compinit -u -D
source ${join(directory, 'zsh')}
compadd() {
  local -a hits
  [[ -n \${argv[(r)-[OAD]]} ]] || { builtin compadd -O hits "$@"; print -rl -- $hits >> ${join(directory, 'offered')}; }
  builtin compadd "$@"
}
init() {
  local line
  for line in "\${(@f)$(<${join(directory, 'lines')})}"; do
    BUFFER=$line CURSOR=\${#line}
    zle complete-word
    print -r -- "-- " >> ${join(directory, 'offered')}
  done
  exit 0
}
zle -N zle-line-init init
`;

const OFFERS: Readonly<Record<string, (line: readonly string[]) => string[]>> = {
  bash: (line) => lines(run(['bash', '--norc', '-c', BASH(line)])),
  fish: (line) => {
    const ask = `source ${join(directory, 'fish')}; complete -C ${sh(`ebpf-emu ${line.join(' ')}`)}`;
    return lines(run(['fish', '-N', '-c', ask])).map((l) => l.split('\t')[0] as string);
  },
  zsh: (line) => {
    zsh ??= zshOffers();
    return zsh[LINES.findIndex(([l]) => l === line)] as string[];
  },
};
let zsh: string[][] | undefined;
/** All of them in one shell, whose completion system takes a second to begin. */
function zshOffers(): string[][] {
  writeFileSync(join(directory, '.zshrc'), ZSHRC);
  writeFileSync(join(directory, 'lines'), LINES.map(([line]) => `ebpf-emu ${line.join(' ')}\n`).join(''));
  run(['script', '-qec', 'zsh -i', '/dev/null']);
  return readFileSync(join(directory, 'offered'), 'utf8').split('-- \n').map(lines);
}

describe('completion', () => {
  it.each(SHELLS)('%s knows commands, options and their choices', (shell) => {
    const script = completion(build(), shell);
    for (const word of ['vmlinux.h', 'engine', 'step', 'trampoline', 'lookup']) expect(script).toContain(word);
    expect(script).not.toMatch(/complete, |'complete:/);
  });

  for (const shell of SHELLS) {
    const isThere = have(shell) && (shell !== 'zsh' || have('script'));
    if (!isThere)
      console.log(`skipped: no ${shell}${shell === 'zsh' ? ' or script' : ''}, so its completion is not tried`);
    it.skipIf(!isThere).each(LINES)(`${shell} completes %j`, async (line, offered) => {
      await prepared;
      expect([...new Set((OFFERS[shell] as (typeof OFFERS)[string])(line))].sort()).toEqual([...offered].sort());
    });
  }
});

describe('names', () => {
  it('of objects that are there, and of nothing else', async () => {
    expect(await candidates('programs', ['load', GUARD, '-p', ''])).toBe(
      'no_mail\tcgroup/connect4\nno_files\tlsm/file_open\n',
    );
    expect(await candidates('programs', ['load', '/no/such.o', '-p', ''])).toBe('');
    expect(await candidates('bpftool', ['map', 'dump', resolve('fixtures/opens.o'), 'name', 'c'])).toBe(
      'counts\thash\n',
    );
    expect(await candidates('topics', ['explain', '_do_f'])).toBe('_do_fork\ta function of older kernels\n');
    expect(await candidates('nothing', [''])).toBe('');
  });
});
