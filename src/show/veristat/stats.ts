/** What veristat(8) tells of a program's verification: its columns, their names, and where they are in the log. */
import { checkArgument } from '../../errors/argument.ts';
import * as is from '../../errors/checks.ts';

/** A row: what is known of one program. */
export interface Stats {
  readonly file_name: string;
  readonly prog_name: string;
  readonly values: Readonly<Partial<Record<StatName, string | number>>>;
}

export interface StatDef {
  readonly header: string;
  /** the first is the name in CSV */
  readonly names: readonly [string, ...string[]];
  /** rows are sorted by it from the least, where nothing else is said */
  readonly ascending: boolean;
  readonly left: boolean;
}

const key = (header: string, ...names: [string, ...string[]]): StatDef => ({
  header,
  names,
  ascending: true,
  left: true,
});
const count = (header: string, ...names: [string, ...string[]]): StatDef => ({
  header,
  names,
  ascending: false,
  left: false,
});

export const STATS = {
  file_name: key('File', 'file_name', 'filename', 'file'),
  prog_name: key('Program', 'prog_name', 'progname', 'prog'),
  verdict: key('Verdict', 'verdict'),
  duration: count('Duration (us)', 'duration', 'dur'),
  total_insns: count('Insns', 'total_insns', 'insns'),
  total_states: count('States', 'total_states', 'states'),
  peak_states: count('Peak states', 'peak_states'),
  max_states_per_insn: count('Max states per insn', 'max_states_per_insn'),
  max_mark_read_len: count('Max mark read length', 'max_mark_read_len', 'mark_read'),
  prog_size: count('Program size', 'prog_size'),
  prog_size_jited: count('Jited size', 'prog_size_jited'),
  stack: count('Stack depth', 'stack_depth', 'stack'),
} as const satisfies Record<string, StatDef>;
export type StatName = keyof typeof STATS;

export const STAT_NAMES = Object.keys(STATS) as readonly StatName[];
/** Columns where none are asked for. */
export const DEFAULT_TABLE: readonly StatName[] = STAT_NAMES.slice(0, 7);
export const DEFAULT_CSV: readonly StatName[] = STAT_NAMES.slice(0, 9);
export const DEFAULT_COMPARE: readonly StatName[] = [
  'file_name',
  'prog_name',
  'verdict',
  'total_insns',
  'total_states',
];

/** Columns that name a row: there is no difference to show of them. */
export const isKey = (name: StatName): boolean => name === 'file_name' || name === 'prog_name';

/** A program's counts from the end of its log (BPF_PROG_LOAD with the bit 4 of log_level). @throws ArgumentError */
export function statsOfLog(log: string): Partial<Record<StatName, number>> {
  checkArgument('log', log, is.text);
  const found = (pattern: RegExp): number | undefined => {
    const n = pattern.exec(log)?.[1];
    return n === undefined ? undefined : Number(n);
  };
  const depth = /^stack depth ([\d+]+)/m.exec(log)?.[1];
  const all: Partial<Record<StatName, number | undefined>> = {
    duration: found(/verification time (\d+) usec/),
    total_insns: found(/processed (\d+) insns/),
    total_states: found(/total_states (\d+)/),
    peak_states: found(/peak_states (\d+)/),
    max_states_per_insn: found(/max_states_per_insn (\d+)/),
    max_mark_read_len: found(/mark_read (\d+)/),
    stack: depth?.split('+').reduce((sum, n) => sum + Number(n), 0),
  };
  return Object.fromEntries(Object.entries(all).map(([name, n]) => [name, n ?? 0]));
}
