/** `--format '{comm:16} {pid:>7} {addr:x}'`: members in braces, with a width and a notation where they are wanted. */
import { ArgumentError } from '../../errors/argument.ts';
import { nearestOrAll } from '../../errors/near.ts';
import type { Json } from '../json.ts';
import { cellText } from './columns.ts';

interface Field {
  readonly name: string;
  readonly align: '<' | '>';
  readonly width: number;
  readonly hex: boolean;
}

const SPEC = /^(?<name>[\w.]+)(?::(?<align>[<>]?)(?<width>\d*)(?<kind>[xs]?))?$/;

export class RecordFormat {
  readonly #parts: readonly (string | Field)[];

  /** @throws ArgumentError for braces that do not go together, and what is no field within them */
  constructor(text: string) {
    const parts: (string | Field)[] = [];
    let plain = '';
    const unescaped = text.replace(/\\([nt\\])/g, (_, c: string) => (c === 'n' ? '\n' : c === 't' ? '\t' : '\\'));
    for (let at = 0; at < unescaped.length; ) {
      const two = unescaped.slice(at, at + 2);
      if (two === '{{' || two === '}}') {
        plain += two[0];
        at += 2;
      } else if (unescaped[at] === '{') {
        const end = unescaped.indexOf('}', at);
        if (end < 0) throw new ArgumentError('format', `'${text}': a brace is not closed`);
        parts.push(plain, fieldOf(unescaped.slice(at + 1, end)));
        plain = '';
        at = end + 1;
      } else if (unescaped[at] === '}')
        throw new ArgumentError('format', `'${text}': a brace is closed that is not open; }} is one itself`);
      else plain += unescaped[at++];
    }
    this.#parts = [...parts, plain];
  }

  /** @throws ArgumentError for a field that the record has not */
  line(values: ReadonlyMap<string, Json>): string {
    return this.#parts
      .map((part) => {
        if (typeof part === 'string') return part;
        const value = values.get(part.name);
        if (value === undefined) throw unknown(part.name, values);
        const text =
          part.hex && (typeof value === 'number' || typeof value === 'bigint')
            ? `0x${value.toString(16)}`
            : cellText(value);
        return part.align === '>' ? text.padStart(part.width) : text.padEnd(part.width);
      })
      .join('');
  }
}

function fieldOf(text: string): Field {
  const found = SPEC.exec(text)?.groups;
  if (!found) throw new ArgumentError('format', `'{${text}}' is no field: {name}, {name:16}, {name:>7} or {name:x}`);
  const { name = '', align, width, kind } = found;
  return { name, align: align === '>' ? '>' : '<', width: Number(width || 0), hex: kind === 'x' };
}

function unknown(name: string, values: ReadonlyMap<string, Json>): ArgumentError {
  const names = [...values.keys()];
  return new ArgumentError('format', `the record has no '${name}'${nearestOrAll(name, names)}`);
}
