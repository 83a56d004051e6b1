/** The manual page, ebpf-emu(1), made from the tree of commands (man-pages(7), groff_man(7)). */
import type { Option } from 'commander';
import type { EmuCommand } from './tree/command.ts';

/** Text that roff does not take for requests. */
const escaped = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');

function optionText({ flags, description, argChoices, defaultValue }: Option): string {
  const notes = [
    ...(argChoices && argChoices.length > 0 ? [`one of ${argChoices.join(', ')}`] : []),
    ...(defaultValue === undefined || typeof defaultValue === 'boolean' ? [] : [`default ${String(defaultValue)}`]),
  ];
  const text = notes.length === 0 ? description : `${description} (${notes.join('; ')})`;
  return `.TP\n.B ${escaped(flags)}\n${escaped(text)}\n`;
}

/** Commands that do something, with the words that lead to them. */
function leaves(
  command: EmuCommand,
  path: readonly string[],
): { readonly path: string; readonly command: EmuCommand }[] {
  const subcommands = command.shownCommands;
  if (subcommands.length === 0) return [{ path: path.join(' '), command }];
  return subcommands.flatMap((c) => leaves(c, [...path, c.name()]));
}

/** An option is told where it is the command's own, and once in front of all where many have it. */
const isShared = (option: Option): boolean =>
  option.helpGroupHeading !== undefined && /^(?:Kernel|In place)/.test(option.helpGroupHeading);

function commandText({ path, command }: { readonly path: string; readonly command: EmuCommand }): string {
  const own = command.options.filter((o) => !isShared(o));
  const groups = new Set(command.options.filter(isShared).map((o) => (o.helpGroupHeading as string).replace(/:$/, '')));
  const shared =
    groups.size === 0
      ? ''
      : `.P\nIt takes the options of ${[...groups].map((g) => `"${escaped(g)}"`).join(' and ')}, too.\n`;
  const operands = command.registeredArguments.map((a) => `.TP\n.I ${escaped(a.name())}\n${escaped(a.description)}\n`);
  const examples = command.shownExamples.map(
    ({ command: line, what }) => `.P\n${escaped(what)}:\n.P\n.EX\n    ${escaped(line)}\n.EE\n`,
  );
  const usage = command.usage();
  return `.SS ${escaped(`ebpf-emu ${path}`)}${usage === '' ? '' : `\n.B ${escaped(`ebpf-emu ${path}`)}\n${escaped(usage)}\n.P`}
${escaped(command.description())}
${operands.join('')}${own.map(optionText).join('')}${shared}${examples.join('')}`;
}

export function manual(cli: EmuCommand): string {
  const all = leaves(cli, []);
  const groups = new Map<string, Map<string, Option>>();
  for (const { command } of all)
    for (const option of command.options.filter(isShared)) {
      const heading = option.helpGroupHeading as string;
      const known = groups.get(heading) ?? new Map<string, Option>();
      known.set(option.flags, option);
      groups.set(heading, known);
    }
  const shared = [...groups].map(
    ([heading, options]) =>
      `.SS ${escaped(heading.replace(/:$/, ''))}\n${[...options.values()].map(optionText).join('')}`,
  );
  return `.\\" Made from the commands when the package is built.
.TH EBPF\\-EMU 1 "" "ebpf\\-emu" "User Commands"
.SH NAME
ebpf\\-emu \\- eBPF objects in a Linux kernel model
.SH SYNOPSIS
.B ebpf\\-emu
.I command
.RI [ options ]
.SH DESCRIPTION
${escaped(cli.description())}.
.P
.B ebpf\\-emu help
.I command
shows the same for one command.
.SH COMMANDS
${all.map(commandText).join('')}.SH OPTIONS OF SEVERAL COMMANDS
${shared.join('')}.SH EXIT STATUS
0 where it is done; 1 where the input was refused or could not be used, which a line on standard error says;
2 where the command line itself was wrong; 130 where it was interrupted.
.SH ENVIRONMENT
.TP
.B PAGER
what long output goes through on a terminal; less where it is not set, nothing where it is empty
.TP
.B NO_COLOR
where it is set, nothing is coloured
.SH SEE ALSO
.BR bpftool (8),
.BR bpf (2),
.BR bpf\\-helpers (7),
.BR strace (1)
`;
}
