/** Data files of the package, read when they are first needed. */
import { type Btf, QuickBtf } from '../../src/btf/index.ts';
import { type DataFile, decodeLatin1, decodeUtf8, host } from '../../src/platform/index.ts';
import { BootError } from '../core/options.ts';

/** unpacked, as every kernel finds them: nobody outside of this file has the arrays themselves */
const unpacked = new Map<DataFile, Uint8Array>();

function dataFile(name: DataFile): Uint8Array {
  const known = unpacked.get(name);
  if (known) return known;
  const bytes = host.dataFile(name);
  if (!bytes) throw new BootError(name, 'the package lacks this data file: install it again');
  unpacked.set(name, bytes);
  return bytes;
}
/** of its own for whoever asks: BTF's bytes are handed on */
const copyOf = (name: DataFile): Uint8Array => dataFile(name).slice();

/** BTF of Linux 6.12.117: what most programs ask of it at once, all of it where one asks for more. */
export const builtinBtf = (): Btf =>
  QuickBtf.open(copyOf('vmlinux-6.12.quick.gz'), () => copyOf('vmlinux-6.12.btf.gz'));

/** Options of Debian's 6.12.117 amd64 configuration that are set, as /proc/config.gz has them. */
export const builtinConfig = (): string => decodeUtf8(dataFile('config-6.12.gz'));

/** Functions of Linux 6.12.117 that nothing here models: name, distance to the previous one, size (base 36), kind. */
export const furtherFunctions = (): string => decodeLatin1(dataFile('functions-6.12.gz'));

/** All symbols of Linux 6.12.117, in kallsyms' order: distance to the one before (base 36), type and name. */
export const kallsymsData = (): string => decodeLatin1(dataFile('kallsyms-6.12.gz'));

/** Formats of all trace events of Linux 6.12.117: see data/make/files.ts. */
export const eventFormatsData = (): string => decodeLatin1(dataFile('event-formats-6.12.gz'));

/** BTF of Linux 6.12.117 whole, as /sys/kernel/btf/vmlinux has it. */
export const wholeBtf = (): Uint8Array => copyOf('vmlinux-6.12.btf.gz');
