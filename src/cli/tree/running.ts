/** Commands that run programs. */
import { Option } from 'commander';
import { type Commands, EmuCommand } from './command.ts';
import {
  cgroup,
  history,
  json,
  listOf,
  net,
  pcap,
  positive,
  several,
  whole,
  withKernel,
  withLoading,
  withProgram,
  workload,
} from './options.ts';

const SHIPPED = 'an `strace -f` recording; without it, the one that ships with ebpf-emu';

/** What `load` shows of what programs leave. */
const results = (): Option[] =>
  [
    new Option('--events <how>', 'print the records of ring buffers and perf event arrays as they come').choices([
      'table',
      'json',
    ]),
    new Option(
      '--event-type <[map=]type>',
      "structure of the records, where it is not what is guessed from the program's types",
    ).argParser(several),
    new Option('--format <text>', "a line a record, as this says: '{comm} {pid}'"),
    new Option('--maps', 'print the maps at the end as `bpftool map dump` does'),
    new Option('--hist [names]', 'draw log2 slots of maps at the end (default: of all that look like it)').argParser(
      (text: string, before: unknown) => listOf(text, Array.isArray(before) ? before : []),
    ),
    new Option(
      '--iter <program=map>',
      'the map whose elements an iterator goes over, whose text is printed at the end',
    ).argParser(several),
    new Option(
      '--bpftool <words>',
      "print at the end what bpftool would: 'prog show', '-j map dump name counts'",
    ).argParser(several),
  ].map((option) => option.helpGroup('Results:'));

function addLoad(cli: EmuCommand, behind: number | undefined): void {
  const load = withLoading(cli.command('load'))
    .description('load objects, attach their programs, replay a recording, and print what comes out of trace_pipe')
    .argument(
      '<files...>',
      "clang's object files (or C, where clang is installed): one kernel, maps pinned by name are shared",
    )
    .usage(
      "[options] <files...> [-- command...]   (a command: run it under this host's strace, and replay it as it runs)",
    )
    .option(
      '--replay <file>',
      'an `strace -f` recording (- for standard input, as it arrives); without it, the one that ships with ebpf-emu',
    )
    .addOption(workload())
    .option('--follow', 'at the end of the recording, wait for it to grow')
    .option('--speed <factor>', 'replay in the time that it took: 1 as it happened, 10 ten times as fast', positive)
    .addOption(net())
    .addOption(cgroup())
    .addOption(pcap())
    .option('--pcap-out <file>', 'write what the devices send, as pcap')
    .option('--dev <name>', 'the device that programs of XDP and tc are attached to', 'lo')
    .option('--log', "print the verifier's whole log where it refuses a program")
    .option(
      '--max-insns <n>',
      'end the run after this many machine instructions (and with interp, those of BPF)',
      whole(1),
    )
    .option('--no-verify', 'skip the verifier, to see what it protects from')
    .option(
      '--coverage [file]',
      'which C lines, functions and branches were executed: lcov, or Cobertura in a .xml; a summary in any case',
    )
    .option(
      '--profile [file]',
      'instructions and helper time by C line, as text; in a .folded for flame graphs, in a .pb or .pb.gz for pprof',
    );
  for (const option of results()) load.addOption(option);
  load
    .action(async (operands: readonly string[], options) => {
      if (behind === 0) load.error('error: there is no command behind --');
      const files = operands.slice(0, Math.max(0, operands.length - (behind ?? 0)));
      await (await import('../commands/load.ts')).load(files, operands.slice(files.length), options);
    })
    .example('ebpf-emu load hello.o', 'while a recorded python3 starts, which ships with ebpf-emu')
    .example('ebpf-emu load opensnoop.o -- ls /etc', 'while `ls` runs on this host, under strace')
    .example("ebpf-emu load execsnoop.o --format '{pid} {comm}'", 'a line for each record of its ring buffer')
    .example('ebpf-emu load xdp.o --pcap lo=in.pcap --maps', 'packets, and what they left in the maps');
}

function addRun(cli: EmuCommand): void {
  const run = withLoading(cli.command('run'))
    .description(
      'run a static x86-64 program in the model, as a task of it, and print what attached programs see of it',
    )
    .argument('<program>', 'an ELF executable: gcc -static; dynamically linked with --sysroot')
    .argument('[args...]', "the program's arguments; behind -- where they begin with a dash")
    .option('--load <object>', 'an object to load and attach first (or C); repeat it for several', several)
    .option('--as <path>', 'path that the program has in user space; without it, its own')
    .option('--file <path=file>', 'a file that the program finds; repeat it for several', several)
    .option('--env <name=value>', 'its environment, which is empty without; repeat it for several', several)
    .option('--log', "print the verifier's whole log where it refuses a program")
    .option('--max-insns <n>', 'end the run after this many machine instructions', whole(1))
    .option('--no-verify', 'skip the verifier, to see what it protects from');
  for (const option of results()) run.addOption(option);
  run
    .action(async (program, args, options) =>
      (await import('../commands/run-program.ts')).runProgram(program, args, options),
    )
    .example('ebpf-emu run ./a.out --load uprobe.o', 'a uprobe on its main, a kprobe below its open: both fire');
}

function addDebug(cli: EmuCommand): void {
  withProgram(cli.command('debug'))
    .description(
      "a prompt like gdb's over a replay: steps, breakpoints and watchpoints, forwards and backwards in time",
    )
    .argument('<file>', "clang's object file")
    .option('--replay <file>', SHIPPED)
    .option('-x, --command <file>', 'commands to run first, one a line')
    .option(
      '--gdb <[host:]port>',
      "serve gdb's remote protocol there instead of a prompt (this host only, unless HOST says otherwise); - for standard input and output",
    )
    .option('--symbol-file <file>', 'write an ELF file with the symbols of the kernel, images and trampolines')
    .addOption(history())
    .action(async (file, options) => (await import('../commands/debug.ts')).debug(file, options))
    .example('ebpf-emu debug hello.o', 'at its prompt: break hello, continue, step, reverse-step')
    .example('ebpf-emu debug hello.o --gdb 1234', 'and in gdb: target remote :1234');
}

function addDap(cli: EmuCommand): void {
  cli
    .command('dap')
    .description(
      'a debug adapter on standard input and output, for editors that speak the Debug Adapter Protocol (docs/vscode)',
    )
    .action(async () =>
      (await import('../commands/dap.ts')).dap((words) =>
        withProgram(new EmuCommand('launch'))
          .addOption(history())
          .exitOverride()
          .configureOutput({ writeErr: () => {} })
          .parse([...words], { from: 'user' })
          .opts(),
      ),
    )
    .example('ebpf-emu dap', "what an editor's configuration starts");
}

function addTui(cli: EmuCommand): void {
  withProgram(cli.command('tui'))
    .description('watch a program run on the whole terminal, forwards and backwards: C, BPF and x86 side by side')
    .argument('<file>', "clang's object file (or C, where clang is installed)")
    .option('--replay <file>', SHIPPED)
    .addOption(history())
    .action(async (file, options) => (await import('../commands/tui.ts')).tui(file, options))
    .example('ebpf-emu tui hello.o', 'keys are at the bottom of the screen');
}

function addRace(cli: EmuCommand): void {
  withLoading(cli.command('race'))
    .description(
      "run an object's programs at the same time, each on a CPU of its own, in every order of few switches: lost updates, failed assertions, deadlocks",
    )
    .argument('<file>', "clang's object file (or C, where clang is installed)")
    .option('--switches <n>', 'switches in the middle of a program, at most', whole(0), 2)
    .option('--schedules <n>', 'schedules that are tried, at most', whole(1), 20_000)
    .option('--schedule <text>', 'execute this one, as a race that went wrong printed it')
    .option('--data-in <file>', 'the packet that each is given, binary or hex; without it, 64 bytes')
    .addOption(json())
    .action(async (file, options) => (await import('../commands/race.ts')).race(file, options))
    .example('ebpf-emu race counter.o', 'both of its programs, or its only one twice')
    .example('ebpf-emu race counter.o -p count,reset,count', 'three: two of them the same');
}

function addExec(cli: EmuCommand): void {
  withKernel(cli.command('exec'))
    .description(
      'run a program of the host with the model as its kernel: bpftool, BCC, bpftrace, your own loader (Linux x86-64)',
    )
    .argument('[command...]', 'behind --, the command and its arguments')
    .option('--replay <file>', 'an `strace -f` recording: what happens in the kernel while the command waits')
    .option(
      '--live <command line>',
      'instead of a recording, what a command does on this host, as it does it (under strace)',
    )
    .addOption(workload())
    .option('--speed <factor>', 'events at their times: 1 as they happened, 10 ten times as fast', positive)
    .option('--then <what>', 'at the end of events: wait, or int as by Ctrl-C', 'wait')
    .option('--name <name>', 'keep the kernel under a name, for others to join')
    .option('--join <name>', 'run the command in the kernel of that name')
    .action(async (command, options) => (await import('../commands/exec.ts')).run(command, options))
    .example('ebpf-emu exec -- bpftool prog list', 'the real bpftool sees the model')
    .example('ebpf-emu exec --replay ls.strace --then int -- execsnoop', 'a tool that waits for events')
    .example('ebpf-emu exec --workload disk --then int -- biolatency', 'events without a recording')
    .example("ebpf-emu exec --live 'ls -l /etc' --then int -- opensnoop", 'and sees what happens now');
}

export const running: Commands = {
  load: addLoad,
  run: addRun,
  debug: addDebug,
  dap: addDap,
  tui: addTui,
  race: addRace,
  exec: addExec,
};

export function addProgRun(prog: EmuCommand): void {
  withLoading(prog.command('run'))
    .description('run a program on given data, as `bpftool prog run` does')
    .argument('<file>', "clang's object file, or raw instructions")
    .option('--data-in <file>', 'packet data (- for standard input)')
    .option('--pcap <file>', 'packets of a capture (pcap, pcapng): a run each; --data-out is a capture then')
    .option('--ctx-in <file>', 'context')
    .option('--data-out <file>', 'where the data go afterwards')
    .option('--ctx-out <file>', 'where the context goes afterwards')
    .option('--repeat <n>', 'how many times', whole(1), 1)
    .option('--max-insns <n>', 'stop after this many BPF instructions, over all repeats', whole(1))
    .option('--no-verify', 'skip the verifier, to see what it protects from')
    .addOption(json())
    .action(async (file, options) => (await import('../commands/run.ts')).progRun(file, options))
    .example('ebpf-emu prog run xdp.o --data-in packet.bin --data-out out.bin', 'one packet')
    .example('ebpf-emu prog run xdp.o --pcap in.pcap', 'a run for each packet of a capture');
}
