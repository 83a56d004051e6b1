/** Data files beside this one, read when they are first needed. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { BootError } from '../core/options.ts';

/** Beside the source, or where the built package keeps them. */
function dataFile(name: string): Uint8Array {
  for (const where of [`./${name}`, `../kernel-sim/data/${name}`, `./kernel-sim/data/${name}`, `./data/${name}`]) {
    const path = fileURLToPath(new URL(where, import.meta.url));
    if (existsSync(path)) return gunzipSync(readFileSync(path));
  }
  throw new BootError(`the package lacks its data file ${name}: install it again`);
}

/** BTF of the modelled part of Linux 6.12.117. */
export const builtinBtf = (): Uint8Array => dataFile('vmlinux-6.12.btf.gz');

/** Options of Debian's 6.12.117 amd64 configuration that are set, as /proc/config.gz has them. */
export const builtinConfig = (): string => Buffer.from(dataFile('config-6.12.gz')).toString('utf8');

/** Functions of Linux 6.12.117 that nothing here models: name, distance to the previous one, size (base 36), kind. */
export const furtherFunctions = (): string => Buffer.from(dataFile('functions-6.12.gz')).toString('latin1');
