/**
 * JSON in the layout of bpftool's writer: plain on one line, pretty by four blanks a level, where the elements of a
 * list stay on one line with the structures among them opened in place (`[{` ... `},{`).
 */
import { ArgumentError } from '../errors/argument.ts';
import { shown } from '../errors/checks.ts';

/** Text that stands as it is where plain text is written, and as a string in JSON: `0x1f`. */
export class Literal {
  readonly text: string;
  /** what JSON has in its place */
  readonly value: string | number | bigint;
  constructor(text: string, value: string | number | bigint = text) {
    this.text = text;
    this.value = value;
  }
}

/** An object whose names may be there twice, or empty: members of anonymous structures. */
export class Members {
  readonly pairs: readonly (readonly [name: string, value: Json])[];
  constructor(pairs: readonly (readonly [name: string, value: Json])[]) {
    this.pairs = pairs;
  }
}

export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  | Literal
  | Members
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };

export type JsonStyle =
  /** one line */
  | 'plain'
  /** a line a member */
  | 'pretty'
  /** as pretty, for people: {@link Literal} without quotes */
  | 'text';

const INDENT = '    ';

/** The text, without a newline at its end. @throws ArgumentError for what JSON does not have */
export function jsonText(value: Json, style: JsonStyle, level = 0): string {
  if (value instanceof Literal) return style === 'text' ? value.text : jsonText(value.value, style);
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint')
    return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object') throw new ArgumentError('value', `${shown(value)} is no JSON`);
  const eol = (at: number): string => (style === 'plain' ? '' : `\n${INDENT.repeat(at)}`);
  const inner = (v: Json): string => jsonText(v, style, level + 1);
  if (isList(value)) return value.length === 0 ? '[]' : `[${value.map(inner).join(',')}${eol(level)}]`;
  const pairs = value instanceof Members ? value.pairs : Object.entries(value);
  const members = pairs.flatMap(([name, v]) =>
    v === undefined ? [] : [`${eol(level + 1)}${JSON.stringify(name)}:${style === 'plain' ? '' : ' '}${inner(v)}`],
  );
  return members.length === 0 ? '{}' : `{${members.join(',')}${eol(level)}}`;
}

const isList = (value: object): value is readonly Json[] => Array.isArray(value);
