/**
 * What the core asks of the host that it runs in. Everything is synchronous but {@link Host.turn}: the emulated
 * machine cannot wait in the middle of an instruction.
 */

/** Packed data that ships with the package, by file name (`vmlinux-6.12.btf.gz`). */
export type DataFile = `${string}.gz`;

/** A program of the host to start; in a directory of its own where there are files. */
export interface ProgramRun {
  readonly program: string;
  /** arguments, told where the directory is; `inside` makes paths in it */
  args(directory: string, inside: (name: string) => string): readonly string[];
  /** what the directory holds before the start: relative path, text */
  readonly files?: Iterable<{ readonly path: string; readonly text: () => string }>;
  /** file of the directory to bring back */
  readonly output?: string;
}

export interface ProgramResult {
  /** exit status; undefined where it did not start or was killed */
  readonly status: number | undefined;
  readonly stderr: string;
  /** bytes of {@link ProgramRun.output}, where it wrote that */
  readonly output: Uint8Array | undefined;
  /** why it did not start, in the host's words */
  readonly error: string | undefined;
}

/** Bytes that are read piece by piece: of a file, or of a pipe that is still being written to. */
export interface ByteSource {
  /** The next piece, 'wait' where nothing has arrived yet, undefined at the end. @throws FileError */
  read(): Uint8Array | 'wait' | undefined;
  /** Fulfilled when {@link read} may have another answer than 'wait'. */
  ready(): Promise<void>;
  /** Goes back to the beginning. False where what was read is gone. */
  rewind(): boolean;
  close(): void;
}

export interface OpenBytes {
  /** at the end of the file, wait until it grows */
  readonly follow?: boolean;
  /** what a pipe gives is kept in a temporary file, so that {@link ByteSource.rewind} is possible */
  readonly keep?: boolean;
}

export interface CipherRun {
  /** `aes-128-cbc` */
  readonly name: string;
  readonly key: Uint8Array;
  /** undefined for modes without one */
  readonly iv: Uint8Array | undefined;
  /** whole blocks */
  readonly bytes: Uint8Array;
  readonly encrypt: boolean;
}

export interface Host {
  readonly name: 'node' | 'browser';
  /**
   * Whether the guest's memory is made with `shared`. Nothing shares it; but V8 takes the whole size of any other memory,
   * 1 GiB a kernel, for garbage to come, and each boot cost a collection of everything. Browsers give shared memory only to
   * pages that are isolated from other origins.
   */
  readonly sharesMemory: boolean;

  /** A file's bytes. @throws FileError */
  readFile(path: string): Uint8Array;
  /** A file's bytes, of a path that counts `directory` as `/`; links that lead out of it do not. @throws FileError */
  readFileBelow(directory: string, path: string): Uint8Array;
  /** Opens a file to be read piece by piece, or standard input for `-`. @throws FileError */
  openBytes(path: string, options?: OpenBytes): ByteSource;
  /** Starts a program with this process's own standard streams; the source is what it writes to descriptor 3. @throws FileError */
  openProgram(program: string, args: readonly string[]): ByteSource;
  exists(path: string): boolean;
  /** The files beside each other that have this path as the beginning of theirs, in no order. */
  filesNamed(prefix: string): readonly string[];
  /** A data file of the package, unpacked; undefined where the package lacks it. */
  dataFile(name: DataFile): Uint8Array | undefined;

  /** Unpacks gzip (RFC 1952). @throws GzipError where it is damaged, or would be longer than `most` bytes */
  gunzip(bytes: Uint8Array, most: number): Uint8Array;

  /** Lets the host's event loop have its turn: timers, signals, input. */
  turn(): Promise<void>;
  /** Fulfilled in so many milliseconds, or later. */
  sleep(ms: number): Promise<void>;
  /** A clock that never goes back: milliseconds with a fraction, from any start. */
  now(): number;

  /** Starts a program and waits for its end. A host that has no programs says so in `error`. */
  run(run: ProgramRun): ProgramResult;

  /** A block cipher by OpenSSL's name, without padding; missing where the host has none. */
  cipher?(run: CipherRun): Uint8Array;

  /** UTF-8, WHATWG's: what is malformed becomes U+FFFD. */
  decodeUtf8(bytes: Uint8Array, from?: number, to?: number): string;
  encodeUtf8(text: string): Uint8Array;
  /** ISO 8859-1: a character a byte. */
  decodeLatin1(bytes: Uint8Array, from?: number, to?: number): string;
  encodeLatin1(text: string): Uint8Array;
  /** RFC 4648 section 4. */
  decodeBase64(text: string): Uint8Array;
}
