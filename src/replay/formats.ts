/** Which form a recording has: its first lines tell. */
import { syscallNamed } from '../../kernel-sim/index.ts';
import { decodeUtf8 } from '../platform/index.ts';
import { CR, LF } from './lines.ts';
import { isLtrace, LtraceParser } from './ltrace/parser.ts';
import { StraceParser } from './strace/parser.ts';
import type { RecordingParser } from './stream.ts';
import { readEventLine } from './trace-events/line.ts';
import { TraceEventParser } from './trace-events/parser.ts';
import { isUftrace, UftraceParser } from './uftrace/parser.ts';
import { LineWarnings } from './warnings.ts';

interface Format {
  /** whether a line is of it, the first that is no comment */
  readonly matches: (line: string) => boolean;
  readonly make: () => RecordingParser;
}

/** The last one takes what no other does. */
const FORMATS: readonly Format[] = [
  { matches: (line) => readEventLine(line) !== undefined, make: () => new TraceEventParser() },
  { matches: isUftrace, make: () => new UftraceParser() },
  { matches: (line) => isLtrace(line, (name) => syscallNamed(name) !== undefined), make: () => new LtraceParser() },
  { matches: () => true, make: () => new StraceParser() },
];
/** bytes that are looked at */
const ENOUGH = 1 << 16;
const NOTHING = new LineWarnings();

/** Reads any form that there is a folder for. */
export class AnyParser implements RecordingParser {
  #parser: RecordingParser | undefined;
  readonly #chunks: Uint8Array[] = [];
  #text = '';
  #line = 0;

  get warnings(): LineWarnings {
    return this.#parser?.warnings ?? NOTHING;
  }
  get epoch(): bigint | undefined {
    return this.#parser?.epoch;
  }
  get tasks(): number {
    return this.#parser?.tasks ?? 0;
  }
  get isUntimed(): boolean {
    return this.#parser?.isUntimed === true;
  }
  push(chunk: Uint8Array): void {
    if (this.#parser) {
      this.#parser.push(chunk);
      return;
    }
    this.#chunks.push(chunk);
    if (this.#text.length < ENOUGH) this.#text += decodeUtf8(chunk, 0, Math.min(chunk.length, ENOUGH));
    const enough = this.#text.length >= ENOUGH;
    // nothing ends in it
    if (!enough && !chunk.includes(LF) && !chunk.includes(CR)) return;
    const line = this.#significant(enough);
    if (line !== undefined) this.#decide(line);
  }
  end(): void {
    if (!this.#parser) this.#decide(this.#significant(true) ?? '');
    this.#parser?.end();
  }
  next() {
    return this.#parser?.next();
  }

  /** The first line that is no comment; where it has arrived in whole, or `last`. */
  #significant(last: boolean): string | undefined {
    const lines = this.#text.split(/[\r\n]+/);
    const whole = last ? lines.length : lines.length - 1;
    for (; this.#line < whole; this.#line++) {
      const line = lines[this.#line] as string;
      if (line.trim() !== '' && !/^(#|cpus=|version = )/.test(line)) return line;
    }
    return last ? '' : undefined;
  }
  #decide(line: string): void {
    const format = FORMATS.find((f) => f.matches(line)) as Format;
    const parser = format.make();
    for (const chunk of this.#chunks.splice(0)) parser.push(chunk);
    this.#parser = parser;
  }
}
