/** All commands. Their modules are loaded when one is asked for. */
import { startPager } from '../pager.ts';
import { err, out } from '../standard.ts';
import { type Commands, EmuCommand } from './command.ts';
import { looking } from './looking.ts';
import { making } from './making.ts';
import { running } from './running.ts';

const GROUPS: Readonly<Record<string, Commands>> = {
  'Run programs:': running,
  'Look at them:': looking,
  'Make files:': making,
};
/** These describe all the others. */
const ABOUT_ALL = new Set(['completion', 'manual']);

/**
 * @param behind operands of the command line behind `--`; undefined: it has none
 * @param only where it is a command's name, only that command is added: the others take longer than some of them run
 */
export function build(behind?: number, only?: string): EmuCommand {
  const cli = new EmuCommand('ebpf-emu')
    .description('Runs eBPF objects in a Linux 6.12 kernel model: verifier, JIT, machine code, probes, trace_pipe')
    .version('0.1.0')
    .exitOverride()
    .configureOutput({ writeOut: (text) => out.write(text), writeErr: (text) => err.write(text) })
    .showHelpAfterError('(ebpf-emu --help lists the commands)');
  const isOne =
    only !== undefined && !ABOUT_ALL.has(only) && Object.values(GROUPS).some((group) => Object.hasOwn(group, only));
  for (const [heading, commands] of Object.entries(GROUPS)) {
    cli.commandsGroup(heading);
    for (const [name, add] of Object.entries(commands)) if (!isOne || name === only) add(cli, behind);
  }
  cli.hook('preAction', (_, command) => {
    if (command instanceof EmuCommand && command.isPaged) startPager();
  });
  return cli;
}
