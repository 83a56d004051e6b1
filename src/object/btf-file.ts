/** BTF from a file of any of the forms it comes in: raw (/sys/kernel/btf/vmlinux), gzipped, or inside an ELF file (vmlinux, a module, an object). */

import { sectionBytes } from '../elf/index.ts';
import { checkArgument } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import { host, isGzip } from '../platform/index.ts';
import { ObjectError } from './error.ts';

/** More than any kernel's BTF: what a gzip header may make us unpack. */
const MAX_BTF = 256 * 1024 * 1024;

const startsWith = (bytes: Uint8Array, ...magic: number[]): boolean => magic.every((byte, n) => bytes[n] === byte);

/** The raw BTF in a file's bytes. @throws ObjectError naming the file */
export function btfFromFile(bytes: Uint8Array, name: string): Uint8Array {
  checkArgument('bytes', bytes, is.bytes);
  checkArgument('name', name, is.text);
  if (isGzip(bytes)) {
    let plain: Uint8Array;
    try {
      plain = host.gunzip(bytes, MAX_BTF);
    } catch (error) {
      throw new ObjectError(
        name,
        undefined,
        `unreadable gzip: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    return btfFromFile(plain, name);
  }
  if (startsWith(bytes, 0x9f, 0xeb) || startsWith(bytes, 0xeb, 0x9f)) return bytes;
  if (!startsWith(bytes, 0x7f, 0x45, 0x4c, 0x46))
    throw new ObjectError(name, undefined, 'neither BTF nor an ELF file nor gzip of one');
  const section = sectionBytes(bytes, '.BTF');
  if (!section)
    throw new ObjectError(
      name,
      undefined,
      'the ELF file has no .BTF section (CONFIG_DEBUG_INFO_BTF, or -g for objects)',
    );
  return section;
}
