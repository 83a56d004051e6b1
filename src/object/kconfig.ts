/**
 * Values of `.kconfig` externs: `CONFIG_*` from the kernel's configuration (the text of
 * /proc/config.gz), and libbpf's own `LINUX_*` names.
 */
import { encodeUtf8 } from '../platform/index.ts';
import { ObjectError } from './error.ts';
import type { ExternDef, MapDef } from './model.ts';

/** What the target kernel says of itself. */
export interface KconfigSource {
  /** text of the configuration; undefined where the kernel does not offer it */
  readonly config: string | undefined;
  /** as LINUX_VERSION_CODE: 6.12.117 is 0x060c75, with the last part at most 255 */
  readonly version: number;
  /** values given by hand, before the kernel's: `CONFIG_HZ=250` lines */
  readonly extra?: string | undefined;
}

/** Virtual names: what libbpf asks the kernel's features for, and 6.12 on x86-64 answers. */
const VIRTUAL: Readonly<Record<string, (source: KconfigSource) => bigint>> = {
  LINUX_KERNEL_VERSION: (source) => BigInt(source.version),
  LINUX_HAS_BPF_COOKIE: () => 1n,
  LINUX_HAS_SYSCALL_WRAPPER: () => 1n,
};

/** `CONFIG_A=value` lines as a table. */
export function parseConfig(text: string): Map<string, string> {
  const out = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (!line.startsWith('CONFIG_')) continue;
    const at = line.indexOf('=');
    if (at > 0) out.set(line.slice(0, at), line.slice(at + 1).trim());
  }
  return out;
}

const TRISTATE: Readonly<Record<string, bigint>> = { n: 0n, y: 1n, m: 2n };

/** Writes one value into the map's bytes. */
function store(file: string, extern: ExternDef, data: Uint8Array, value: string | bigint): void {
  const fail = (message: string): ObjectError => new ObjectError(file, `extern '${extern.name}'`, message);
  const put = (number: bigint): void => {
    for (let n = 0; n < extern.size; n++) data[extern.offset + n] = Number((number >> BigInt(8 * n)) & 0xffn);
  };
  const integer = (number: bigint): void => {
    const bits = BigInt(extern.size * 8);
    const fits = extern.signed ? BigInt.asIntN(Number(bits), number) === number : number >= 0n && number >> bits === 0n;
    if (!fits) throw fail(`${number} does not fit ${extern.signed ? 'signed ' : ''}${extern.size} bytes`);
    put(number);
  };
  if (typeof value === 'bigint') {
    if (extern.type === 'chars') throw fail('it is a number, not a string');
    integer(value);
    return;
  }
  const state = TRISTATE[value];
  if (state !== undefined) {
    switch (extern.type) {
      case 'bool':
        if (value === 'm') throw fail("'m' is not a value of a bool");
        put(state);
        return;
      case 'tristate':
        put(state);
        return;
      case 'char':
        put(BigInt(value.charCodeAt(0)));
        return;
      default:
        throw fail(`'${value}' is neither a number nor a string`);
    }
  }
  const quoted = /^"(.*)"$/s.exec(value);
  if (quoted) {
    if (extern.type !== 'chars') throw fail(`${value} is a string`);
    const bytes = encodeUtf8(quoted[1] as string);
    data.set(bytes.subarray(0, extern.size - 1), extern.offset);
    data[extern.offset + Math.min(bytes.length, extern.size - 1)] = 0;
    return;
  }
  if (!/^-?(0[xX][0-9a-fA-F]+|\d+)$/.test(value)) throw fail(`'${value}' is no value of a configuration`);
  if (extern.type !== 'int' && extern.type !== 'char') throw fail(`${value} is a number`);
  integer(value.startsWith('-') ? -BigInt(value.slice(1)) : BigInt(value));
}

/** Fills the `.kconfig` map. @throws ObjectError for a strong extern without a value, or a value that does not go with the type */
export function fillKconfig(file: string, map: MapDef, externs: readonly ExternDef[], source: KconfigSource): void {
  const data = map.data as Uint8Array;
  let config: Map<string, string> | undefined;
  let extra: Map<string, string> | undefined;
  for (const extern of externs) {
    if (extern.kind !== 'kconfig') continue;
    const fail = (message: string): ObjectError => new ObjectError(file, `extern '${extern.name}'`, message);
    if (extern.name.startsWith('LINUX_')) {
      const virtual = VIRTUAL[extern.name];
      if (virtual) store(file, extern, data, virtual(source));
      else if (!extern.weak) throw fail('libbpf has no such LINUX_ name');
      continue;
    }
    if (!extern.name.startsWith('CONFIG_')) throw fail('names in .kconfig begin with CONFIG_ or LINUX_');
    extra ??= parseConfig(source.extra ?? '');
    config ??= parseConfig(source.config ?? '');
    const value = extra.get(extern.name) ?? config.get(extern.name);
    if (value !== undefined) store(file, extern, data, value);
    else if (!extern.weak) {
      throw fail(
        source.config === undefined
          ? "the kernel's configuration is not known; give it, or declare the extern __weak"
          : "the kernel's configuration does not have it; declare the extern __weak to get 0",
      );
    }
  }
}
