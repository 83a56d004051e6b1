/** All commands. Their modules are loaded when one is asked for. */
import { startPager } from '../pager.ts';
import { EmuCommand } from './command.ts';
import { addLooking } from './looking.ts';
import { addMaking } from './making.ts';
import { addRunning } from './running.ts';

/** @param behind operands of the command line behind `--` */
export function build(behind = 0): EmuCommand {
  const cli = new EmuCommand('ebpf-emu')
    .description('Runs eBPF objects in a Linux 6.12 kernel model: verifier, JIT, machine code, probes, trace_pipe')
    .version('0.1.0')
    .exitOverride()
    .showHelpAfterError('(ebpf-emu --help lists the commands)');
  cli.commandsGroup('Run programs:');
  addRunning(cli, behind);
  cli.commandsGroup('Look at them:');
  addLooking(cli);
  cli.commandsGroup('Make files:');
  addMaking(cli);
  cli.hook('preAction', (_, command) => {
    if (command instanceof EmuCommand && command.isPaged) startPager();
  });
  return cli;
}
