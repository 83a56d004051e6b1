/** `ebpf-emu symbols` and `probes`: what can be attached to, and what of it a replay can hit; one a line, in bpftrace's words. */

import { type KernelSymbol, traceEvents } from '../../../kernel-sim/index.ts';
import { nearIt } from '../../errors/near.ts';
import { formatAddr } from '../../machine/addr.ts';
import { UserError } from '../errors.ts';
import { boot, type KernelOptions } from '../session.ts';
import { print as write } from '../terminal.ts';

export interface ListOptions extends KernelOptions {
  readonly json?: boolean;
}

/** `vfs_*`, `tcp_v?_connect`: shell patterns over the whole name; none matches everything. @throws UserError */
function matcher(pattern: string | undefined): (name: string) => boolean {
  if (pattern === undefined) return () => true;
  if (!/^[\w.:*?]+$/.test(pattern))
    throw new UserError(`'${pattern}': a pattern has letters, digits, _ . : and * or ? for any others`);
  const text = pattern.replace(/[.]/g, '\\.').replace(/\*+/g, '.*').replace(/\?/g, '.');
  const expression = new RegExp(`^${text}$`);
  return (name) => expression.test(name);
}

/** kprobes are refused in upper case; ftrace's nop is behind e, s and b (sym/symbols.ts) */
const kinds = ({ kind = '' }: KernelSymbol): string[] => [
  ...(kind === kind.toLowerCase() ? ['kprobe'] : []),
  ...('esb'.includes(kind.toLowerCase()) ? ['fentry'] : []),
];

/** Functions of the kernel, with address, size and the kinds of probe that they take. @throws UserError where none matches */
export async function symbols(pattern: string | undefined, options: ListOptions): Promise<void> {
  const kernel = await boot(options);
  const matches = matcher(pattern);
  const found = kernel.symbols.everyFunction().filter((s) => matches(s.name));
  if (found.length === 0) throw nothing(pattern, kernel.symbols.near(pattern ?? ''));
  const rows = found.map((s) => ({
    address: formatAddr(s.address),
    name: s.name,
    size: s.size,
    probes: kinds(s),
    reached: kernel.probes.reaches(s.name),
  }));
  if (options.json) print(JSON.stringify(rows, undefined, 2));
  else
    for (const r of rows)
      print(`${r.address} ${r.name} ${r.size} ${r.probes.join(',') || '-'}${r.reached ? '' : ' (never hit)'}`);
}

/** Places that a replay passes through: `kprobe:vfs_read`, `tracepoint:sched:sched_switch`. @throws UserError where none matches */
export async function probes(pattern: string | undefined, options: ListOptions): Promise<void> {
  const kernel = await boot(options);
  const matches = matcher(pattern);
  const functions = kernel.symbols
    .functions()
    .filter((s) => kinds(s).includes('kprobe') && kernel.probes.reaches(s.name));
  const names = [
    ...functions.map((s) => `kprobe:${s.name}`),
    ...traceEvents()
      .filter((event) => kernel.probes.fires(event))
      .map((event) => `tracepoint:${event}`),
  ];
  // of a name alone, without its kind, too
  const found = names.filter((name) => matches(name) || matches(name.slice(name.indexOf(':') + 1)));
  if (found.length === 0) throw nothing(pattern, kernel.symbols.near(pattern ?? ''));
  if (options.json) print(JSON.stringify(found, undefined, 2));
  else for (const name of found) print(name);
}

const print = (line: string): void => write(`${line}\n`);

const nothing = (pattern: string | undefined, near: readonly string[]): UserError =>
  new UserError(`nothing matches '${pattern}'${nearIt(near)}`);
