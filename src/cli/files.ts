/** Files that the command line names: read once and to a bound, since a pipe or a device may stand for one. */
import { closeSync, fstatSync, openSync, readSync, writeFileSync } from 'node:fs';
import { FileError, fromHex, host, isGzip } from '../platform/index.ts';
import { UserError } from './errors.ts';

/** Bytes that are read of one input: a kernel's vmlinux with everything for a debugger. */
const MOST = 1 << 30;
/** Bytes that gzip may unpack to. */
const MOST_UNPACKED = 1 << 29;
/** Bytes that are read of a pipe or a device, which does not say how much there is. */
const MOST_OF_STREAM = 1 << 28;
const CHUNK = 1 << 16;
/** ms between two looks at an input that has nothing yet (O_NONBLOCK of whoever made it) */
const PAUSE = 10;

const STDIN = 0;
/** Names of descriptors that the process has already: opened anew, a socket among them is refused. */
const DESCRIPTOR = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/;

function descriptorOf(file: string): number | undefined {
  if (file === '-' || file === '/dev/stdin') return STDIN;
  const number = DESCRIPTOR.exec(file)?.[1];
  return number === undefined ? undefined : Number(number);
}

const tooLarge = (file: string, most: number): UserError =>
  new UserError(`${file}: it has more than ${most >> 20} MiB, which is all that is read`);

/** A file's bytes, or standard input's for `-`. @throws FileError, UserError where it has no end */
export function readInput(file: string): Buffer {
  const given = descriptorOf(file);
  let fd = given;
  try {
    fd ??= openSync(file, 'r');
    const stat = fstatSync(fd);
    if (stat.isFile() && stat.size > MOST) throw tooLarge(file, MOST);
    return readAll(fd, file, stat.isFile() ? MOST : MOST_OF_STREAM);
  } catch (error) {
    throw FileError.from(error, file === '-' ? 'standard input' : file);
  } finally {
    if (fd !== undefined && fd !== given) closeSync(fd);
  }
}

function readAll(fd: number, file: string, most: number): Buffer {
  const parts: Buffer[] = [];
  let total = 0;
  for (;;) {
    // larger and larger pieces: a file takes few calls, a pipe gives what it has
    const part = Buffer.allocUnsafe(Math.min(Math.max(CHUNK, total), 1 << 24));
    const length = readSome(fd, part);
    if (length === 0) return Buffer.concat(parts, total);
    total += length;
    if (total > most) throw tooLarge(file, most);
    parts.push(part.subarray(0, length));
  }
}

function readSome(fd: number, into: Buffer): number {
  for (;;) {
    try {
      return readSync(fd, into);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Windows: the other end of a pipe was closed
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
    }
  }
}

/** A file's bytes, unpacked where they are gzip. @throws as {@link readInput}, and for what cannot be unpacked */
export function readMaybeGzip(file: string): Uint8Array {
  const bytes = readInput(file);
  if (!isGzip(bytes)) return bytes;
  try {
    return host.gunzip(bytes, MOST_UNPACKED);
  } catch (error) {
    throw new UserError(`${file}: it begins like gzip, but ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Bytes that are hexadecimal text as those that it writes; others as they are. */
export function unhex(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  if (!/^[0-9a-fA-F\s]+$/.test(text)) return bytes;
  const digits = text.replace(/\s/g, '');
  return digits.length % 2 === 0 ? fromHex(digits) : bytes;
}

/** Bytes of a file, or of standard input for `-`; hexadecimal text is taken as the bytes that it writes. */
export const readData = (file: string): Uint8Array => unhex(readInput(file));

/** @throws FileError */
export function writeOutput(file: string, bytes: Uint8Array): void {
  try {
    writeFileSync(file, bytes);
  } catch (error) {
    throw FileError.from(error, file);
  }
}
