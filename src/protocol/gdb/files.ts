/**
 * Files that gdb reads from the target (GDB manual, E.7 "File-I/O", "Host I/O Packets"): one, the symbols of what runs, so
 * that a gdb that knows nothing finds names by itself.
 */
import { fromHex } from '../../platform/index.ts';
import { binary } from './hex.ts';

/** what qXfer:exec-file names */
export const EXEC_FILE = '/ebpf-emu/vmlinux';

const ENOENT = 2;
const EBADF = 9;
const EINVAL = 22;
/** struct stat of the protocol: 64 bytes, big-endian, st_mode at 8 and st_size at 28 */
const STAT_BYTES = 64;
const REGULAR_READABLE = 0o100444;

export class TargetFiles {
  readonly #symbols: () => Uint8Array;
  readonly #open = new Map<number, Uint8Array>();

  constructor(symbols: () => Uint8Array) {
    this.#symbols = symbols;
  }

  /** A vFile packet, behind its `vFile:`. */
  handle(text: string): string {
    const [operation = '', ...rest] = text.split(':');
    const args = rest.join(':').split(',');
    switch (operation) {
      case 'setfs':
        return 'F0';
      case 'open':
        return this.#openFile(new TextDecoder().decode(fromHex(args[0] ?? '')));
      case 'close':
        return this.#open.delete(number(args[0])) ? 'F0' : failed(EBADF);
      case 'pread': {
        const file = this.#open.get(number(args[0]));
        if (file === undefined) return failed(EBADF);
        const offset = number(args[2]);
        const part = file.subarray(offset, offset + number(args[1]));
        return `F${part.length.toString(16)};${binary(part)}`;
      }
      case 'fstat': {
        const file = this.#open.get(number(args[0]));
        return file === undefined ? failed(EBADF) : `F${STAT_BYTES.toString(16)};${binary(stat(file.length))}`;
      }
      case 'readlink':
        return failed(EINVAL);
      default:
        return '';
    }
  }
  #openFile(path: string): string {
    if (path !== EXEC_FILE) return failed(ENOENT);
    const fd = this.#open.size + 3;
    this.#open.set(fd, this.#symbols());
    return `F${fd.toString(16)}`;
  }
}

const number = (hex: string | undefined): number => Number.parseInt(hex ?? '', 16);
const failed = (errno: number): string => `F-1,${errno.toString(16)}`;

function stat(size: number): Uint8Array {
  const bytes = new Uint8Array(STAT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, REGULAR_READABLE);
  view.setBigUint64(28, BigInt(size));
  return bytes;
}
