/** What an argument may be. Imported as `is`: `is.bytes`, `is.whole(1, 64)`. */

/** What is wrong with a value; undefined where nothing is. */
export type Check = (value: unknown) => string | undefined;

/** A value as a message shows it. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (value === null || typeof value !== 'object') return typeof value === 'function' ? 'a function' : String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  // each of its elements would be a key
  if (ArrayBuffer.isView(value)) return `an object (${value.constructor.name} of ${value.byteLength} bytes)`;
  return `an object (${Object.keys(value).slice(0, 3).join(', ') || (value.constructor?.name ?? 'empty')})`;
}

const unless =
  (holds: (value: unknown) => boolean, what: string): Check =>
  (value) =>
    holds(value) ? undefined : `${shown(value)} is ${what}`;

/** A whole number from `least` to `most`. */
export const whole = (least: number, most: number): Check =>
  unless(
    (v) => typeof v === 'number' && Number.isInteger(v) && v >= least && v <= most,
    `not a whole number from ${least} to ${most}`,
  );
export const u32: Check = whole(0, 0xffff_ffff);
/** As C takes it: a signed number of 32 bits stands for its pattern. */
export const bits32: Check = whole(-0x8000_0000, 0xffff_ffff);
export const count: Check = unless(
  (v) => typeof v === 'number' && v >= 0 && (Number.isInteger(v) || v === Number.POSITIVE_INFINITY),
  'not a whole number from 0',
);
export const u64: Check = unless(
  (v) =>
    (typeof v === 'bigint' && v >= -(1n << 63n) && v < 1n << 64n) || (typeof v === 'number' && Number.isSafeInteger(v)),
  'not a number of 64 bits',
);
export const bool: Check = unless((v) => typeof v === 'boolean', 'neither true nor false');
export const text: Check = unless((v) => typeof v === 'string', 'not a string');
export const bytes: Check = unless((v) => v instanceof Uint8Array, 'not a Uint8Array');
export const callback: Check = unless((v) => typeof v === 'function', 'not a function');
export const object: Check = unless((v) => typeof v === 'object' && v !== null, 'not an object');
/** An object with certain members, as `what` is. */
export const holding = (what: string, ...members: readonly string[]): Check =>
  unless((v) => typeof v === 'object' && v !== null && members.every((name) => name in v), `no ${what}`);
export const oneOf = (...values: readonly string[]): Check =>
  unless((v) => values.includes(v as string), `none of ${values.join(', ')}`);
/** `enum` constants by name or number; names are looked up by whoever knows them. */
export const nameOrNumber: Check = unless(
  (v) => typeof v === 'string' || (typeof v === 'number' && Number.isInteger(v) && v >= 0 && v <= 0xffff_ffff),
  'neither a name nor a number',
);
/** A descriptor, or what has one. */
export const fdOrHandle: Check = unless((v) => {
  const fd = typeof v === 'object' && v !== null ? (v as { readonly fd?: unknown }).fd : v;
  return typeof fd === 'number' && Number.isInteger(fd) && fd >= -1 && fd <= 0x7fff_ffff;
}, 'neither a file descriptor nor an object that has one');
export const listOf =
  (check: Check): Check =>
  (value) => {
    if (!Array.isArray(value)) return `${shown(value)} is not an array`;
    for (const [n, element] of value.entries()) {
      const problem = check(element);
      if (problem !== undefined) return `[${n}]: ${problem}`;
    }
    return undefined;
  };
/** Text by name. */
export const recordOf =
  (check: Check): Check =>
  (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${shown(value)} is not an object`;
    for (const [name, element] of Object.entries(value)) {
      const problem = check(element);
      if (problem !== undefined) return `${name}: ${problem}`;
    }
    return undefined;
  };
export const either =
  (...checks: readonly Check[]): Check =>
  (value) => {
    const problems: string[] = [];
    for (const check of checks) {
      const problem = check(value);
      if (problem === undefined) return undefined;
      problems.push(problem);
    }
    // what is wrong inside a list says more than that it is none of the others
    return problems.find((problem) => problem.startsWith('[')) ?? [...new Set(problems)].join(', and ');
  };
/** Text that is looked for in other text. */
export const pattern: Check = unless((v) => typeof v === 'string' || v instanceof RegExp, 'neither text nor a RegExp');
/** Whoever uses the value says what is wrong with it. */
export const unchecked: Check = () => undefined;
