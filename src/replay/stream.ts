/** A recording as a stream: bytes in, steps out, as the replay asks for them, in bounded memory. */
import { KernelError, type StepSource, type TraceStep } from '../../kernel-sim/index.ts';
import { type ByteSource, encodeUtf8, host } from '../platform/index.ts';
import type { LineWarnings } from './warnings.ts';

/** What reads one format: chunks of bytes in, steps out. */
export interface RecordingParser {
  readonly warnings: LineWarnings;
  /** wall clock of time 0, ns since 1970, where the recording has it */
  readonly epoch: bigint | undefined;
  /** tasks of the steps given so far */
  readonly tasks: number;
  /** no line so far said when it happened: times are made up */
  readonly isUntimed?: boolean;
  /** The bytes are not to be changed afterwards. */
  push(chunk: Uint8Array): void;
  /** There is no more. */
  end(): void;
  /** The next step; undefined where more must be pushed first, or there is none. */
  next(): TraceStep | undefined;
}

/** bytes, and lines that cannot be read, without a step: no recording has so many, and /dev/zero has no end */
const MOST_IDLE = 1 << 26;
const MOST_IDLE_LINES = 200_000;

/** pieces that are read without a step before the host's event loop has its turn */
const PATIENCE = 16;

export class RecordingStream implements StepSource {
  readonly #bytes: ByteSource;
  readonly #make: () => RecordingParser;
  #parser: RecordingParser;
  #position = 0;
  #ended = false;
  /** taken from the parser by {@link begin}, and not given yet */
  #first: TraceStep | undefined;
  #impatient = false;
  /** bytes read since the last step, and lines that could not be read before it */
  #idle = 0;
  #lost = 0;

  constructor(bytes: ByteSource, make: () => RecordingParser) {
    this.#bytes = bytes;
    this.#make = make;
    this.#parser = make();
  }
  get position(): number {
    return this.#position;
  }
  get startRealtime(): bigint | undefined {
    return this.#parser.epoch;
  }
  get warnings(): LineWarnings {
    return this.#parser.warnings;
  }
  /** tasks of the steps given so far */
  get tasks(): number {
    return this.#parser.tasks;
  }
  /** Steps happen when the recording says, not so long after one another as the model takes calls to be. */
  get isTimed(): boolean {
    return this.#parser.isUntimed !== true;
  }

  /** @throws KernelError E2BIG where it goes on and on without a step */
  next(): TraceStep | 'wait' | undefined {
    const step = this.#first ?? this.#take();
    this.#first = undefined;
    if (step !== undefined && step !== 'wait') this.#position++;
    return step;
  }
  #take(): TraceStep | 'wait' | undefined {
    for (let pieces = 0; ; pieces++) {
      const step = this.#parser.next();
      if (step) {
        this.#idle = 0;
        this.#lost = this.warnings.count;
      }
      if (step || this.#ended) return step;
      if (pieces === PATIENCE) {
        this.#impatient = true;
        return 'wait';
      }
      const chunk = this.#bytes.read();
      if (chunk === 'wait') return 'wait';
      if (chunk) {
        this.#idle += chunk.length;
        if (this.#idle > MOST_IDLE || this.warnings.count - this.#lost > MOST_IDLE_LINES)
          throw new KernelError(
            'E2BIG',
            `the recording goes on without a system call for ${MOST_IDLE >> 20} MiB or ${MOST_IDLE_LINES} lines: is it one?`,
          );
        this.#parser.push(chunk);
      } else {
        this.#ended = true;
        this.#parser.end();
      }
    }
  }
  ready(): Promise<void> {
    const turn = this.#impatient;
    this.#impatient = false;
    return turn ? host.turn() : this.#bytes.ready();
  }
  /** Whether there is a step at all; reads up to the first, where it is there without waiting for anybody. */
  async begin(): Promise<boolean> {
    for (;;) {
      const step = this.#first ?? this.#take();
      if (step === undefined) return false;
      if (step !== 'wait') this.#first = step;
      if (step !== 'wait' || !this.#impatient) return true;
      await this.ready();
    }
  }

  async seek(position: number): Promise<void> {
    if (position < this.#position) {
      if (!this.#bytes.rewind())
        throw new KernelError('ESPIPE', 'the recording came through a pipe and was not kept: replay a file to go back');
      this.#parser = this.#make();
      this.#position = 0;
      this.#first = undefined;
      this.#ended = false;
      this.#idle = 0;
      this.#lost = 0;
    }
    while (this.#position < position) {
      const step = this.next();
      if (step === undefined) return;
      if (step === 'wait') await this.ready();
    }
  }
  close(): void {
    this.#ended = true;
    this.#bytes.close();
  }
}

/** Chunks of any origin, a `ReadableStream`'s or a process's output among them. They can be read once. */
export function bytesOf(chunks: AsyncIterable<Uint8Array | string>): ByteSource {
  const iterator = chunks[Symbol.asyncIterator]();
  let arrived: Uint8Array | undefined;
  let pending: Promise<void> | undefined;
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  const fetch = async (): Promise<void> => {
    try {
      const { done, value } = await iterator.next();
      if (done) ended = true;
      else arrived = typeof value === 'string' ? encodeUtf8(value) : value;
    } catch (error) {
      failure = { error };
    }
    pending = undefined;
  };
  return {
    read() {
      if (failure) throw failure.error;
      const chunk = arrived;
      arrived = undefined;
      if (chunk) return chunk;
      if (ended) return undefined;
      pending ??= fetch();
      return 'wait';
    },
    async ready() {
      await pending;
    },
    rewind: () => false,
    close() {
      ended = true;
      void iterator.return?.();
    },
  };
}
