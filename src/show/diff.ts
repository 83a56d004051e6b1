/** What differs between two objects' programs: instructions, images, stack, what verification costs. */
import type { Kernel } from '../../kernel-sim/index.ts';
import { sourceText } from '../debug/program/source.ts';
import { viewOf } from '../debug/program/view.ts';
import { xlatedLines } from '../debug/program/xlated-lines.ts';
import type { LoadedObject } from '../object/index.ts';
import { unified } from './lines.ts';
import { statsOfLog } from './veristat/stats.ts';

/** One program as it is compared; why it was refused, where it was. */
export interface Compared {
  readonly name: string;
  readonly refused?: string;
  /** after the verifier's rewrites, without slots and addresses, which shift with anything in front */
  readonly lines: readonly string[];
  readonly insns: number;
  /** bytes of the image */
  readonly image: number;
  /** bytes of stack */
  readonly stack: number;
  /** instructions that the verifier walked */
  readonly verified: number;
  readonly states: number;
}

type LoadedProgram = LoadedObject<Kernel>['programs'][string];

/** @param program loaded with the bit 4 of logLevel, for the counts */
export function compared(kernel: Kernel, program: LoadedProgram, btf: Parameters<typeof viewOf>[2]): Compared {
  const { handle } = program;
  const view = viewOf(kernel, program, btf);
  const stats = statsOfLog(handle.log);
  const lines = xlatedLines(view).flatMap((line) => [
    ...(line.signature ? [`${line.signature}:`] : []),
    ...(line.source ? [sourceText(line.source, false)] : []),
    `    ${line.text.replace(/map\[id:\d+\]/g, 'map').replace(/(call \w+)#-?\d+/g, '$1')}`,
  ]);
  return {
    name: program.name,
    lines,
    insns: handle.xlated.length / 8,
    image: handle.jited.length,
    stack: stats.stack ?? 0,
    verified: stats.total_insns ?? 0,
    states: stats.total_states ?? 0,
  };
}

const change = (a: number, b: number): string =>
  a === b
    ? String(a)
    : `${a} -> ${b} (${b > a ? '+' : ''}${b - a}${a === 0 ? '' : `, ${b > a ? '+' : ''}${(((b - a) / a) * 100).toFixed(1)}%`})`;

const ROWS = [
  ['instructions', 'insns'],
  ['image bytes', 'image'],
  ['stack bytes', 'stack'],
  ['verified instructions', 'verified'],
  ['verifier states', 'states'],
] as const;

function pairText(a: Compared, b: Compared): string {
  if (a.refused !== undefined || b.refused !== undefined) {
    const words = (c: Compared): string => (c.refused === undefined ? 'accepted' : `refused: ${c.refused}`);
    return words(a) === words(b) ? `${a.name}: ${words(a)}, as before\n` : `${a.name}: ${words(a)} -> ${words(b)}\n`;
  }
  const rows = ROWS.map(([title, key]) => `  ${title.padEnd(22)} ${change(a[key], b[key])}\n`);
  const same = ROWS.every(([, key]) => a[key] === b[key]);
  const lines = unified(a.lines, b.lines);
  if (same && lines.length === 0) return `${a.name}: the same\n`;
  return `${a.name}:\n${rows.join('')}${lines.map((l) => `${l}\n`).join('')}`;
}

/** Programs by name; those that only one has are named. */
export function diffText(a: readonly Compared[], b: readonly Compared[]): string {
  const later = new Map(b.map((p) => [p.name, p]));
  const earlier = new Set(a.map((p) => p.name));
  const out = a.map((p) => {
    const other = later.get(p.name);
    return other ? pairText(p, other) : `${p.name}: only in the first\n`;
  });
  return [...out, ...b.filter((p) => !earlier.has(p.name)).map((p) => `${p.name}: only in the second\n`)].join('');
}

export const differs = (a: readonly Compared[], b: readonly Compared[]): boolean =>
  diffText(a, b)
    .split('\n')
    .some((line) => line !== '' && !/: the same$|, as before$/.test(line));
