/** Input files. */
import { readFileSync as readAny, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { UserError } from './errors.ts';

/** A file's bytes, or standard input's for `-`. @throws UserError for a directory, Node's error for what cannot be read */
export function readInput(file: string): Buffer {
  if (file === '-') return readAny(0);
  if (statSync(file).isDirectory()) throw new UserError(`${file}: is a directory`);
  return readAny(file);
}

/** A file's bytes, unpacked where they are gzip (RFC 1952: 1f 8b). */
export function readMaybeGzip(file: string): Uint8Array {
  const bytes = readInput(file);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes);
  } catch {
    throw new UserError(`${file}: it begins like gzip, but cannot be unpacked`);
  }
}

/** Bytes of a file, or of standard input for `-`; hexadecimal text is taken as the bytes that it writes. */
export function readData(file: string): Uint8Array {
  const bytes = readInput(file);
  const text = bytes.toString('latin1');
  return /^[0-9a-fA-F\s]+$/.test(text) && text.replace(/\s/g, '').length % 2 === 0
    ? Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'))
    : bytes;
}
