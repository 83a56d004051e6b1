/**
 * Standard output and standard error. Node makes a stream of each when it is first touched, and loads its modules for
 * streams and sockets for that, which takes longer than `load` has for a stage. What is a file or a pipe is written
 * to as it is; a terminal, and a pipe that is full and does not wait, get Node's stream.
 */
import { fstatSync, statSync, writeSync } from 'node:fs';

export type Sink = (chunk: string | Uint8Array) => void;

export class Standard {
  /** told of what cannot be written: a reader that has gone away, a full disk */
  onError: (error: NodeJS.ErrnoException) => void = (error) => {
    throw error;
  };
  readonly #fd: 1 | 2;
  #sink: Sink | undefined;
  #terminal: boolean | undefined;
  #stream: NodeJS.WriteStream | undefined;

  constructor(fd: 1 | 2) {
    this.#fd = fd;
  }

  get isTerminal(): boolean {
    return (this.#terminal ??= mayBeTerminal(this.#fd) && this.stream.isTTY === true);
  }

  /** Node's own stream, for what needs one. */
  get stream(): NodeJS.WriteStream {
    if (this.#stream === undefined) {
      this.#stream = this.#fd === 1 ? process.stdout : process.stderr;
      this.#stream.on('error', (error) => this.onError(error));
    }
    return this.#stream;
  }

  write(chunk: string | Uint8Array): void {
    if (this.#sink !== undefined) this.#sink(chunk);
    else if (this.isTerminal || this.#stream !== undefined) this.stream.write(chunk);
    else this.#put(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  }

  /** From now on what is written goes to `sink`, until this is called without one. */
  redirect(sink?: Sink): void {
    this.#sink = sink;
  }

  #put(bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.length; ) {
        try {
          done += writeSync(this.#fd, bytes, done);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
          this.stream.write(bytes.subarray(done));
          return;
        }
      }
    } catch (error) {
      this.onError(error as NodeJS.ErrnoException);
    }
  }
}

/** False for files, pipes and the null device. */
function mayBeTerminal(fd: number): boolean {
  if (process.platform === 'win32') return true;
  try {
    const stat = fstatSync(fd);
    return stat.isCharacterDevice() && stat.rdev !== statSync('/dev/null').rdev;
  } catch {
    // it is closed: Node's stream takes what is written, and says nothing
    return true;
  }
}

export const out = new Standard(1);
export const err = new Standard(2);
