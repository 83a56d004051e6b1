/**
 * The host is a browser, or any other JavaScript without Node: no files but those that are given as bytes, no
 * programs. What even a bare context may lack (timers, encoders) is looked for when it is needed.
 *
 * The web unpacks gzip only asynchronously (DecompressionStream), and the core cannot wait in the middle of a
 * system call: fflate does it at once.
 */
import { files } from 'ebpf-emu:data';
import { Gunzip } from 'fflate';
import { concatBytes } from './bytes.ts';
import { base64Bytes, latin1Bytes, latin1Text, utf8Bytes, utf8Text } from './encodings.ts';
import { FileError, GzipError } from './errors.ts';
import type { Host } from './host.ts';

/** The web's globals that are used where they are there. */
interface Web {
  readonly performance?: { now(): number };
  readonly TextDecoder?: new (label: string, options: { ignoreBOM: boolean }) => { decode(bytes: Uint8Array): string };
  readonly TextEncoder?: new () => { encode(text: string): Uint8Array };
  readonly MessageChannel?: new () => {
    readonly port1: { onmessage?: unknown; close(): void };
    readonly port2: { postMessage(message: null): void };
  };
  readonly setTimeout?: (handler: () => void, ms: number) => unknown;
}
const web = globalThis as Web;

/** Bytes of packed data that are unpacked at once: no more than a thousand times as much comes of them. */
const CHUNK = 1 << 14;

function gunzip(bytes: Uint8Array, most: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  let ended = false;
  const unpack = new Gunzip((part, final) => {
    ended = final;
    length += part.length;
    if (length > most) throw GzipError.tooLong(most);
    parts.push(part);
  });
  try {
    for (let at = 0; at < bytes.length; at += CHUNK)
      unpack.push(bytes.subarray(at, at + CHUNK), at + CHUNK >= bytes.length);
  } catch (error) {
    if (error instanceof GzipError) throw error;
    throw new GzipError(`damaged gzip data (${error instanceof Error ? error.message : String(error)})`);
  }
  if (!ended) throw new GzipError('damaged gzip data (cut off)');
  return concatBytes(parts);
}

/** A message comes after what waits already, and browsers do not delay it as they do timers. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (web.MessageChannel) {
      const { port1, port2 } = new web.MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    } else if (web.setTimeout) web.setTimeout(resolve, 0);
    else resolve();
  });
}

const decoder = web.TextDecoder && new web.TextDecoder('utf-8', { ignoreBOM: true });
const encoder = web.TextEncoder && new web.TextEncoder();

/** No file of the host is there: bytes are given instead. */
const noFiles = (path: string): FileError =>
  new FileError(path, 'ENOSYS', 'this host has no files; give its bytes instead of a path');

/** Unix time where there is no better clock: it may jump, but only what is shown depends on it. */
const { performance } = web;

export const host: Host = {
  name: 'browser',
  sharesMemory: false,
  readFile(path) {
    throw noFiles(path);
  },
  readFileBelow(_directory, path) {
    throw noFiles(path);
  },
  openBytes(path) {
    throw noFiles(path);
  },
  openProgram(program) {
    throw new FileError(program, 'ENOSYS', 'this host starts no programs');
  },
  exists: () => false,
  filesNamed: () => [],
  dataFile(name) {
    const packed = files[name];
    return packed === undefined ? undefined : gunzip(base64Bytes(packed), Number.POSITIVE_INFINITY);
  },
  gunzip,
  turn,
  sleep: (ms) => new Promise((resolve) => (web.setTimeout ? web.setTimeout(resolve, ms) : resolve())),
  now: performance ? () => performance.now() : Date.now,
  run: ({ program }) => ({
    status: undefined,
    stderr: '',
    output: undefined,
    error: `${program}: this host starts no programs`,
  }),
  decodeUtf8: (bytes, from = 0, to = bytes.length) => {
    const part = bytes.subarray(from, to);
    return decoder ? decoder.decode(part) : utf8Text(part);
  },
  encodeUtf8: (text) => (encoder ? encoder.encode(text) : utf8Bytes(text)),
  decodeLatin1: (bytes, from = 0, to = bytes.length) => latin1Text(bytes, from, to),
  encodeLatin1: latin1Bytes,
  decodeBase64: base64Bytes,
};
