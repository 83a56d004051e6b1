/** Arguments of a system call by name to what its registers and user memory hold. */
import type { TraceArg } from '../../kernel-sim/index.ts';
import type { Btf } from '../btf/index.ts';
import { ArgumentError } from '../errors/argument.ts';
import { shown } from '../errors/checks.ts';
import { nearestOrAll, nearestText } from '../errors/near.ts';
import { encodeUtf8 } from '../platform/index.ts';
import { constantValues, dataArg } from '../replay/index.ts';
import type { SyscallField, SyscallFormat } from './syscall-format.ts';
import { type StructValue, structBytes } from './syscall-structs.ts';

/**
 * Integers: number, bigint, or names joined by `|` (`'O_RDWR|O_CLOEXEC'`). `char *`: a string. `char *const *`: an array of
 * strings. A structure, or an array of them: its members by name; of `struct sockaddr` `{ family: 'AF_INET', address, port }`
 * or `{ family: 'AF_UNIX', path }`. Other pointers: the bytes that they point to, or a string, without a NUL behind it; a
 * number is an address, null is NULL.
 */
export type SyscallValue =
  | number
  | bigint
  | string
  | Uint8Array
  | readonly string[]
  | StructValue
  | readonly StructValue[]
  | null
  | undefined;
export type SyscallValues = { readonly [argument: string]: SyscallValue };

/** Bits of the integer types that are no register wide. */
const BITS: readonly (readonly [type: RegExp, bits: number])[] = [
  [/^(const )?(int|unsigned|unsigned int|u32|__u32|__s32|pid_t|uid_t|gid_t|qid_t|key_t|mqd_t|timer_t|clockid_t)$/, 32],
  [/^umode_t$/, 16],
];
const LENGTH = /^(count|size|.*len|bufsiz)$/;
const DIRECTORY = /^(old|new)?dfd$/;
const AT_FDCWD = -100n;

const int = (value: bigint): TraceArg => ({
  kind: 'int',
  lo: Number(BigInt.asIntN(32, value)),
  hi: Number(BigInt.asIntN(32, value >> 32n)),
});

/**
 * What is left out is 0, but for a directory's descriptor, AT_FDCWD, and for a length behind a buffer, the buffer's.
 * @param btf the kernel's types, asked for only where a structure is given
 * @throws ArgumentError: a name that the call has not, with near ones; a value that its type cannot have
 */
export function syscallArgs({ row, fields }: SyscallFormat, values: SyscallValues, btf: () => Btf): TraceArg[] {
  const names = fields.map((field) => field.name);
  for (const name of Object.keys(values))
    if (!names.includes(name))
      throw new ArgumentError(`args.${name}`, `${row.name} has no such argument${nearestOrAll(name, names)}`);
  const data = dataArg(row.nr);
  const args: TraceArg[] = [];
  for (const [n, field] of fields.entries()) {
    const value = values[field.name];
    if (value === undefined) args.push(absent(field, args[n - 1]));
    else if (field.type.endsWith('*')) args.push(pointer(field, value, n === data, btf));
    else args.push(int(integer(field, value)));
  }
  return args;
}

function absent({ name, type }: SyscallField, before: TraceArg | undefined): TraceArg {
  if (DIRECTORY.test(name)) return int(AT_FDCWD);
  if (before?.kind === 'bytes' && LENGTH.test(name) && !type.endsWith('*')) return int(BigInt(before.bytes.length));
  return int(0n);
}

function pointer({ name, type }: SyscallField, value: SyscallValue, isData: boolean, btf: () => Btf): TraceArg {
  const argument = `args.${name}`;
  if (value === null) return int(0n);
  if (typeof value === 'number' || typeof value === 'bigint') return int(whole(argument, value, 64));
  if (value instanceof Uint8Array) return { kind: 'bytes', bytes: value };
  const isText = /\bchar \*$/.test(type);
  if (typeof value === 'string') {
    if (!isText || isData) return { kind: 'bytes', bytes: encodeUtf8(value) };
    if (value.includes('\0')) throw new ArgumentError(argument, 'a C string ends at the first NUL');
    return { kind: 'string', bytes: encodeUtf8(value) };
  }
  if (typeof value === 'object' && isTexts(value) && type.endsWith('char *const *'))
    return { kind: 'strings', list: value.map((text) => encodeUtf8(text)) };
  if (typeof value !== 'object' || isTexts(value))
    throw new ArgumentError(argument, `${shown(value)} is nothing for ${type}`);
  return { kind: 'bytes', bytes: structBytes(btf(), type, value, argument) };
}
const isTexts = (value: object): value is readonly string[] =>
  Array.isArray(value) && value.every((text) => typeof text === 'string');

function integer({ name, type }: SyscallField, value: SyscallValue): bigint {
  const argument = `args.${name}`;
  const bits = BITS.find(([pattern]) => pattern.test(type))?.[1] ?? 64;
  if (typeof value === 'string') return whole(argument, flags(argument, value), bits);
  if (typeof value === 'number' || typeof value === 'bigint') return whole(argument, value, bits);
  throw new ArgumentError(argument, `${shown(value)} is nothing for ${type}`);
}

function whole(argument: string, value: number | bigint, bits: number): bigint {
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new ArgumentError(argument, `${value} is not a whole number`);
  const exact = BigInt(value);
  if (exact >= 1n << BigInt(bits) || exact < -(1n << BigInt(bits - 1)))
    throw new ArgumentError(argument, `${value} does not fit ${bits} bits`);
  return exact;
}

/** `O_RDWR|O_CLOEXEC` */
function flags(argument: string, text: string): bigint {
  const known = constantValues();
  let all = 0n;
  for (const word of text.split('|').map((part) => part.trim())) {
    const value = known.get(word);
    if (value === undefined)
      throw new ArgumentError(argument, `'${word}' is no constant that is known${nearestText(word, known.keys())}`);
    all |= BigInt(value);
  }
  return all;
}
