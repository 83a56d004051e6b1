/** Node's files and pipes as {@link ByteSource}. */
import { closeSync, createReadStream, fstatSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Readable } from 'node:stream';
import { FileError } from './errors.ts';
import type { ByteSource, OpenBytes } from './host.ts';

const CHUNK = 1 << 16;
/** ms between two looks at a file that may grow */
const LOOK_AGAIN = 100;

/** Opens a file to be read piece by piece, or standard input for `-`. @throws FileError */
export function openBytes(path: string, { follow = false, keep = false }: OpenBytes = {}): ByteSource {
  let fd = 0;
  try {
    if (path !== '-') fd = openSync(path, 'r');
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new FileError(path, 'EISDIR');
    return stat.isFile()
      ? new FileBytes(path, fd, follow)
      : new PipeBytes(path, fd === 0 ? process.stdin : createReadStream(path, { fd, highWaterMark: CHUNK }), keep);
  } catch (error) {
    if (fd !== 0) closeSync(fd);
    throw FileError.from(error, path);
  }
}

/** Starts a program with this process's own standard streams; the source is what it writes to descriptor 3. @throws FileError */
export function openProgram(program: string, args: readonly string[]): ByteSource {
  // loading it takes milliseconds: only what starts a program pays for them
  const { spawn } = createRequire(import.meta.url)('node:child_process') as typeof import('node:child_process');
  const child = spawn(program, [...args], { stdio: ['inherit', 'inherit', 'inherit', 'pipe'] });
  const stream = child.stdio[3] as Readable;
  const source = new PipeBytes(program, stream, false);
  child.on('error', (error) => source.fail(error));
  return {
    read: () => source.read(),
    ready: () => source.ready(),
    rewind: () => false,
    close() {
      source.close();
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    },
  };
}

/** A regular file, read at once. */
class FileBytes implements ByteSource {
  readonly #path: string;
  readonly #fd: number;
  readonly #follow: boolean;
  #at = 0;
  #closed = false;
  constructor(path: string, fd: number, follow: boolean) {
    this.#path = path;
    this.#fd = fd;
    this.#follow = follow;
  }
  read(): Uint8Array | 'wait' | undefined {
    if (this.#closed) return undefined;
    // of its own: what is read from it refers to it
    const chunk = new Uint8Array(CHUNK);
    let n = 0;
    try {
      n = readSync(this.#fd, chunk, 0, CHUNK, this.#at);
    } catch (error) {
      throw FileError.from(error, this.#path);
    }
    this.#at += n;
    if (n > 0) return n < CHUNK ? chunk.subarray(0, n) : chunk;
    return this.#follow ? 'wait' : undefined;
  }
  ready(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
  }
  rewind(): boolean {
    this.#at = 0;
    return true;
  }
  close(): void {
    if (!this.#closed && this.#fd !== 0) closeSync(this.#fd);
    this.#closed = true;
  }
}

/** A pipe, a terminal or a socket, which gives what it has when it has it. */
class PipeBytes implements ByteSource {
  readonly #path: string;
  readonly #stream: Readable;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #spool: Spool | undefined;
  #chunk: Uint8Array | undefined;
  #pending: Promise<void> | undefined;
  #ended = false;
  #error: unknown;
  constructor(path: string, stream: Readable, keep: boolean) {
    this.#path = path;
    this.#stream = stream;
    this.#chunks = this.#stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    if (keep) this.#spool = new Spool();
  }
  read(): Uint8Array | 'wait' | undefined {
    if (this.#spool?.behind) return this.#spool.read();
    if (this.#error !== undefined) throw FileError.from(this.#error, this.#path);
    const chunk = this.#chunk;
    if (chunk) {
      this.#chunk = undefined;
      this.#spool?.write(chunk);
      return chunk;
    }
    if (this.#ended) return undefined;
    this.#pending ??= this.#fetch();
    return 'wait';
  }
  async #fetch(): Promise<void> {
    try {
      const { done, value } = await this.#chunks.next();
      if (done) this.#ended = true;
      else this.#chunk = value;
    } catch (error) {
      this.#error = error;
    }
    this.#pending = undefined;
  }
  async ready(): Promise<void> {
    await this.#pending;
  }
  /** What writes to it could not be started. */
  fail(error: unknown): void {
    this.#error = error;
    this.#stream.destroy();
  }
  rewind(): boolean {
    return this.#spool?.rewind() ?? false;
  }
  close(): void {
    this.#ended = true;
    this.#stream.destroy();
    this.#spool?.close();
  }
}

/** What a pipe gave, kept in a temporary file that goes with the process. */
class Spool {
  readonly #directory: string;
  readonly #fd: number;
  #written = 0;
  #at = 0;
  constructor() {
    const require = createRequire(import.meta.url);
    const { tmpdir } = require('node:os') as typeof import('node:os');
    const { join } = require('node:path') as typeof import('node:path');
    this.#directory = mkdtempSync(join(tmpdir(), 'ebpf-emu-'));
    this.#fd = openSync(join(this.#directory, 'recording'), 'w+');
    // it has no name any more, and lasts as long as it is open
    rmSync(this.#directory, { recursive: true, force: true });
  }
  /** Whether it holds bytes that were not read again yet. */
  get behind(): boolean {
    return this.#at < this.#written;
  }
  read(): Uint8Array {
    const chunk = new Uint8Array(Math.min(CHUNK, this.#written - this.#at));
    const n = readSync(this.#fd, chunk, 0, chunk.length, this.#at);
    this.#at += n;
    return chunk.subarray(0, n);
  }
  write(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) at += writeSync(this.#fd, chunk, at, chunk.length - at, this.#written + at);
    this.#written += chunk.length;
    this.#at = this.#written;
  }
  rewind(): boolean {
    this.#at = 0;
    return true;
  }
  close(): void {
    closeSync(this.#fd);
  }
}
