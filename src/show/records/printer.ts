/** Records as they come, a line each: as a table, as JSON, or as a format says. */

import { ArgumentError } from '../../errors/argument.ts';
import { nearestOrAll } from '../../errors/near.ts';
import type { ObjectModel } from '../../object/index.ts';
import { hexBytes } from '../../platform/index.ts';
import { type Json, jsonText } from '../json.ts';
import type { Names } from '../names.ts';
import { readable } from '../readable.ts';
import { type Column, cellText, columnsOf, flatten, rowText } from './columns.ts';
import { RecordFormat } from './format.ts';
import { type RecordType, RecordTypes } from './guess.ts';

export interface RecordOptions {
  readonly as: 'table' | 'json';
  /** a line a record instead: `{comm} {pid}` */
  readonly format?: string | undefined;
  /** structures by the map that their records come through; `''` for all others */
  readonly types?: ReadonlyMap<string, string>;
}

/** Records of one object's maps. */
export class RecordPrinter {
  readonly #types: RecordTypes | undefined;
  readonly #names: Names;
  /** structures that were named, by map */
  readonly #named = new Map<string, RecordType>();
  readonly #options: RecordOptions;
  readonly #format: RecordFormat | undefined;
  readonly #columns = new Map<RecordType, readonly Column[]>();
  /** what the last head of the table was for */
  #headed: RecordType | undefined;

  /** @throws ArgumentError for a format that is none, and a structure that the program has not */
  constructor(model: ObjectModel, names: Names, options: RecordOptions) {
    this.#types = model.btf && new RecordTypes(model, model.btf);
    this.#names = names;
    this.#options = options;
    for (const [map, name] of options.types ?? []) {
      const type = this.#types?.named(name);
      if (type) this.#named.set(map, type);
    }
    this.#format = options.format === undefined ? undefined : new RecordFormat(options.format);
  }

  /** Whether the object has a structure of this name. */
  has(type: string): boolean {
    return this.#types?.named(type) !== undefined;
  }
  /** Names of its structures. */
  get typeNames(): readonly string[] {
    return this.#types?.names ?? [];
  }

  /** The record as a value by name; undefined where nothing is known of its structure. */
  value(
    map: string,
    bytes: Uint8Array,
    isPerf: boolean,
  ): { readonly type: RecordType; readonly value: Json } | undefined {
    const type = this.#named.get(map) ?? this.#named.get('') ?? this.#types?.of(map, bytes.length, isPerf);
    return type && { type, value: readable(type.btf, type.type.id, bytes, this.#names) };
  }

  /** The lines of one record, with a newline at their end. @throws ArgumentError where the format names what it has not */
  print(map: string, bytes: Uint8Array, isPerf: boolean): string {
    const found = this.value(map, bytes, isPerf);
    if (this.#format) {
      const values = found ? flatten(found.value) : new Map<string, Json>();
      return `${this.#format.line(values)}\n`;
    }
    if (this.#options.as === 'json') return `${jsonText(found?.value ?? { bytes: hexBytes(bytes) }, 'plain')}\n`;
    return found ? this.#row(found.type, found.value) : `${hexBytes(bytes)}\n`;
  }

  #row(type: RecordType, value: Json): string {
    const columns = this.#columns.get(type) ?? columnsOf(type.btf, type.type);
    this.#columns.set(type, columns);
    const values = flatten(value);
    const head = this.#headed === type ? '' : `${rowText(columns, (c) => c.name.toUpperCase())}\n`;
    this.#headed = type;
    return `${head}${rowText(columns, (c) => cellText(values.get(c.name)))}\n`;
  }
}

/** Checks structures that were named against those of the objects. @throws ArgumentError with near names */
export function checkTypes(printers: readonly RecordPrinter[], types: ReadonlyMap<string, string>): void {
  for (const type of types.values()) {
    if (printers.some((p) => p.has(type))) continue;
    const names = printers.flatMap((p) => p.typeNames);
    throw new ArgumentError('event-type', `no structure of the program is named '${type}'${nearestOrAll(type, names)}`);
  }
}
