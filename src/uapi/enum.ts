/**
 * Enumerations of include/uapi/linux/bpf.h as lists of names, each name standing at its number.
 * Names are libbpf's (`libbpf_bpf_prog_type_str` and its kin): the constant's name in lower case
 * without its prefix, which is also how bpftool prints them.
 */
import { EmuError } from '../errors/index.ts';

/** A constant by its UAPI name without the prefix: `BPF_PROG_TYPE.SOCKET_FILTER`. */
export type EnumConstants<N extends string> = { readonly [K in Uppercase<N>]: number };

/** Numbers of a list of names, keyed in upper case. */
export function constants<const N extends string>(names: readonly N[]): EnumConstants<N> {
  return Object.fromEntries(names.map((name, value) => [name.toUpperCase(), value])) as EnumConstants<N>;
}

/** A name that no row of the table has. */
export class UnknownNameError extends EmuError {
  override readonly name = 'UnknownNameError';
  readonly what: string;
  readonly given: string;
  constructor(what: string, given: string, near: readonly string[]) {
    super('ERR_NAME', `unknown ${what} '${given}'${near.length > 0 ? `; did you mean ${near.join(', ')}?` : ''}`);
    this.what = what;
    this.given = given;
  }
}

/** The number of a name, or the number itself. @throws UnknownNameError */
export function enumValue(what: string, names: readonly string[], given: string | number): number {
  if (typeof given === 'number') return given;
  const bare = given.toLowerCase();
  const value = names.indexOf(bare);
  if (value >= 0) return value;
  const words = bare.split('_').filter((w) => w.length > 2);
  const near = names.filter((n) => n.startsWith(bare.slice(0, 4)) || words.some((w) => n.includes(w)));
  throw new UnknownNameError(what, given, near.slice(0, 3));
}
