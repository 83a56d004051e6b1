/** Arguments of the API, checked: what is wrong is named before anything is done with it. */

import { type Check, shown } from './checks.ts';
import type { ErrorCode } from './codes.ts';
import { KernelError } from './kernel.ts';
import { nearest } from './near.ts';

/** An argument that cannot be used. */
export class ArgumentError extends KernelError {
  override readonly name: string = 'ArgumentError';
  /** which one, as the caller writes it: `attrs.keySize` */
  readonly argument: string;
  constructor(argument: string, problem: string, code: ErrorCode = 'ERR_ARGUMENT') {
    super('EINVAL', `${argument}: ${problem}`, { where: argument }, code);
    this.argument = argument;
  }
}

/** An option that must be given. */
interface Required {
  readonly required: Check;
}
export const required = (check: Check): Required => ({ required: check });

/** An option that is an object of options itself. */
interface Nested {
  readonly nested: object;
}
export const nested = <T extends object>(schema: Schema<T>): Nested => ({ nested: schema });

type Row = Check | Required | Nested;

/** A check for each option of a type: none is forgotten, as TypeScript sees to it. */
export type Schema<T> = {
  readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K> ? Check | Nested : Required;
};

/** Who makes the error. */
export type Refuse = (argument: string, problem: string) => Error;
const refuse: Refuse = (argument, problem) => new ArgumentError(argument, problem);

/**
 * Options of a call. `name` is the argument's. What is undefined counts as left out.
 * @throws ArgumentError: no object, an option that is missing, unknown (with the nearest that there is) or unusable
 */
export function checkOptions<T extends object>(name: string, options: T, schema: Schema<T>, error = refuse): void {
  checkRows(name, options, schema as Readonly<Record<string, Row>>, error);
}

function checkRows(name: string, options: unknown, rows: Readonly<Record<string, Row>>, error: Refuse): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw error(name, `${shown(options)} is no object of options`);
  const given = options as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(given))
    if (!Object.hasOwn(rows, key) && given[key] !== undefined) throw error(`${name}.${key}`, unknown(key, rows));
  for (const [key, row] of Object.entries(rows)) {
    const value = given[key];
    if (value === undefined) {
      if ('required' in row) throw error(`${name}.${key}`, 'is missing');
    } else if ('nested' in row) {
      checkRows(`${name}.${key}`, value, row.nested as Readonly<Record<string, Row>>, error);
    } else {
      const problem = ('required' in row ? row.required : row)(value);
      if (problem !== undefined) throw error(`${name}.${key}`, problem);
    }
  }
}

function unknown(key: string, rows: object): string {
  const names = Object.keys(rows);
  const lower = names.map((name) => name.toLowerCase());
  const [near] = nearest(key.toLowerCase(), lower, 1);
  const which = near === undefined ? `there are ${names.join(', ')}` : `did you mean ${names[lower.indexOf(near)]}?`;
  return `there is no such option; ${which}`;
}

/** One argument. @throws ArgumentError */
export function checkArgument(name: string, value: unknown, check: Check): void {
  const problem = check(value);
  if (problem !== undefined) throw new ArgumentError(name, problem);
}
