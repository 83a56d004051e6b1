/**
 * `bpftool prog dump jited` as a bpftool with libbfd prints it: offsets in the function, AT&T syntax, targets relative to
 * the function, which it takes to lie at 0.
 */

import { jitedLines } from '../../debug/program/jited-lines.ts';
import { sourceText } from '../../debug/program/source.ts';
import type { LoadedView, PlacedFunction } from '../../debug/program/view.ts';
import { hexBytes } from '../../platform/index.ts';
import type { Json } from '../json.ts';
import { type ListingOptions, sourceJson } from './xlated.ts';

/** Without addresses and symbols: nothing is known of what lies outside. */
const linesOf = (view: LoadedView, func: PlacedFunction) =>
  jitedLines({ ...view, symbol: () => undefined }, { ...func, address: 0 }, 'att');
/** bfd pads addresses to the eight digits of 32 bits */
const targets = (text: string): string =>
  text.replace(
    /^((?:j\w+|call|loop\w*|xbegin)(?:,p[nt])?\s+)0x([0-9a-f]+)$/,
    (_, head: string, digits: string) => `${head}0x${digits.padStart(8, '0')}`,
  );

export function jitedText(view: LoadedView, options: ListingOptions): string {
  const out: string[] = [];
  for (const func of view.functions) {
    const signature = view.at(func.start).signature;
    if (signature) out.push(`${signature}:`);
    out.push(`${func.name}:`);
    for (const line of linesOf(view, func)) {
      for (const { source } of line.begins) if (source) out.push(sourceText(source, options.linum ?? false));
      out.push(`${line.pc.toString(16).padStart(4)}:\t${targets(line.text.trimEnd())}`);
      if (options.opcodes) out.push(`\t${hexBytes(line.bytes)} `);
    }
    out.push('');
  }
  return `${out.join('\n')}\n`;
}

/** behind a prefix such as `lock`: the instruction's own name */
const PREFIXED = /^([a-z]\w* )(.+)$/;

/**
 * Pieces in which libbfd prints operands: the style changes in front of each register, number and operand, which shows as
 * an empty piece where an operand begins.
 */
function pieces(operands: string): readonly Json[] {
  if (operands === '') return [null];
  const prefixed = PREFIXED.exec(operands);
  if (prefixed) return [prefixed[1] as string, ...pieces(prefixed[2] as string)];
  if (/^0x[0-9a-f]{8,}$/.test(operands)) return [operands];
  const out: string[] = [''];
  for (const [token] of operands.matchAll(/[$(),:*-]|[^$(),:*-]+/g)) out.push(token);
  // a comma between operands, not one within parentheses
  let depth = 0;
  return out.flatMap((token) => {
    if (token === '(') depth++;
    if (token === ')') depth--;
    return token === ',' && depth === 0 ? [',', ''] : [token];
  });
}

export function jitedJson(view: LoadedView, options: ListingOptions): Json {
  return view.functions.map((func) => ({
    proto: view.at(func.start).signature,
    name: func.name,
    insns: linesOf(view, func).map((line) => {
      const [, operation = '', operands = ''] = /^(\S+)\s*(.*)$/.exec(targets(line.text.trimEnd())) ?? [];
      const source = line.begins.findLast((b) => b.source)?.source;
      return {
        ...sourceJson(source, options.linum ?? false),
        pc: `0x${line.pc.toString(16)}`,
        operation,
        operands: pieces(operands),
        opcodes: options.opcodes ? Array.from(line.bytes, (b) => `0x${b.toString(16).padStart(2, '0')}`) : undefined,
      };
    }),
  }));
}
