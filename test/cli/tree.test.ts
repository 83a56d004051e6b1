/** The tree of commands: help with examples, completion and the manual page that are made of it. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { completion, SHELLS } from '../../src/cli/completion/index.ts';
import { manual } from '../../src/cli/manual.ts';
import type { EmuCommand } from '../../src/cli/tree/command.ts';
import { build } from '../../src/cli/tree/index.ts';

const leaves = (command: EmuCommand): EmuCommand[] =>
  command.commands.length === 0 ? [command] : command.shownCommands.flatMap(leaves);
const have = (program: string): boolean => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;

describe('help', () => {
  it('each command says what it does', () => {
    for (const command of leaves(build())) expect(command.description(), command.name()).not.toBe('');
  });
  it('examples are command lines that the tree takes', () => {
    for (const command of leaves(build()))
      for (const { command: line } of command.shownExamples) {
        const own = /ebpf-emu ([\w.]+(?: \w+)?)/.exec(line)?.[1] ?? '';
        expect(own.startsWith(command.name()) || own.includes(` ${command.name()}`), line).toBe(true);
      }
  });
  it('options of the kernel stand in a group of their own', () => {
    const load = build().commands.find((c) => c.name() === 'load');
    const [, kernel = ''] = load?.helpInformation().split('\nKernel:\n') ?? [];
    expect(kernel).toMatch(/^ {2}--engine[\s\S]*--kallsyms[\s\S]*--btf/);
  });
});

describe('completion', () => {
  it.each(SHELLS)('%s knows commands, options and their choices', (shell) => {
    const script = completion(build(), shell);
    for (const word of ['vmlinux.h', 'engine', 'step', 'trampoline', 'lookup']) expect(script).toContain(word);
  });
});

describe('manual page', () => {
  const page = manual(build());
  it('has every command with its options', () => {
    const have = (text: string): boolean => page.includes(text.replaceAll('-', '\\-'));
    for (const command of leaves(build())) {
      expect(page).toContain(` ${command.name().replaceAll('-', '\\-')}\n`);
      for (const option of command.options) expect(have(option.flags), option.flags).toBe(true);
    }
  });
  const haveGroff = have('groff');
  if (!haveGroff) console.log('skipped: no groff, so the manual page is not formatted');
  it.skipIf(!haveGroff)('groff has nothing to say against it', () => {
    const done = spawnSync('groff', ['-man', '-ww', '-z'], { encoding: 'utf8', input: page });
    expect(done.stderr).toBe('');
  });
});
