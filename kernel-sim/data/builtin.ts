/** Data files of the package, read when they are first needed. */
import { type DataFile, decodeLatin1, decodeUtf8, host } from '../../src/platform/index.ts';
import { BootError } from '../core/options.ts';

function dataFile(name: DataFile): Uint8Array {
  const bytes = host.dataFile(name);
  if (!bytes) throw new BootError(name, 'the package lacks this data file: install it again');
  return bytes;
}

/** BTF of the modelled part of Linux 6.12.117. */
export const builtinBtf = (): Uint8Array => dataFile('vmlinux-6.12.btf.gz');

/** Options of Debian's 6.12.117 amd64 configuration that are set, as /proc/config.gz has them. */
export const builtinConfig = (): string => decodeUtf8(dataFile('config-6.12.gz'));

/** Functions of Linux 6.12.117 that nothing here models: name, distance to the previous one, size (base 36), kind. */
export const furtherFunctions = (): string => decodeLatin1(dataFile('functions-6.12.gz'));
