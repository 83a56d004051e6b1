/**
 * What `strace -ff -o FILE` wrote: FILE.PID for each task, without the pid in the lines. They become one recording, as
 * `strace-log-merge` makes it: by time where the lines have it (-t, -tt, -ttt), else what a task does follows the call that
 * made it, up to its end.
 */
import { type ByteSource, concatBytes, encodeUtf8, host, type OpenBytes } from '../../platform/index.ts';
import { LF, Lines } from '../lines.ts';
import { PID_MAX_LIMIT } from '../pids.ts';
import { Prefix } from './prefix.ts';
import { isDigit, LineError, Scanner } from './scanner.ts';

const DAY = 86_400;
/** bytes of a piece of the merged recording, about */
const PIECE = 1 << 16;
const FORK = /^[^"]*\b(?:clone3?|v?fork)\(.* = (\d+)(?:<[^>]*>)?(?: <[\d.]+>)?\s*$/;

/** One task's file, a line ahead. */
class OutputFile {
  readonly pid: number;
  readonly #label: Uint8Array;
  readonly #bytes: ByteSource;
  readonly #prefix = new Prefix();
  readonly #scanner = new Scanner();
  #lines = new Lines();
  #days = 0;
  #ended = false;
  /** the line that is next has been cut, and its time is this: seconds and nanoseconds; of a line without: that of the line before */
  has = false;
  seconds = Number.NEGATIVE_INFINITY;
  nanoseconds = 0;

  constructor(pid: number, bytes: ByteSource) {
    this.pid = pid;
    this.#label = encodeUtf8(`${String(pid).padEnd(5)} `);
    this.#bytes = bytes;
  }
  /** Cuts the next line, where it was taken. @throws FileError */
  look(): 'line' | 'wait' | 'end' {
    while (!this.has) {
      if (this.#lines.next()) {
        this.has = true;
        this.#time();
        break;
      }
      if (this.#ended) return 'end';
      const chunk = this.#bytes.read();
      if (chunk === 'wait') return 'wait';
      // a small file's piece is not worth the buffer that it came in, of which there would be one a task
      if (chunk) this.#lines.push(chunk.length < PIECE ? chunk.slice() : chunk);
      else {
        this.#ended = true;
        this.#lines.end();
      }
    }
    return 'line';
  }
  #time(): void {
    const s = this.#scanner;
    const { bytes, from, to } = this.#lines;
    if (!isDigit(bytes[from] as number)) return;
    s.set(bytes, from, to);
    try {
      this.#prefix.read(s);
    } catch (error) {
      if (error instanceof LineError) return; // what reads the recording says so
      throw error;
    }
    const { seconds, nanoseconds, relative } = this.#prefix;
    if (seconds < 0 || relative) return;
    if (seconds < DAY && seconds + this.#days < this.seconds - DAY / 2) this.#days += DAY;
    this.seconds = seconds + this.#days;
    this.nanoseconds = nanoseconds;
  }
  /** Its first line was found to be of the day after. */
  laterByADay(): void {
    this.#days += DAY;
    this.seconds += DAY;
  }
  /** Whether it is before the other's next line. */
  isBefore(other: OutputFile): boolean {
    return this.seconds < other.seconds || (this.seconds === other.seconds && this.nanoseconds < other.nanoseconds);
  }
  /** The task that the next line makes, 0: none. */
  made(): number {
    const { bytes, from, to } = this.#lines;
    const found = FORK.exec(host.decodeLatin1(bytes, from, Math.min(to, from + PIECE)));
    return found ? Number(found[1]) : 0;
  }
  /** Gives the next line away, with its pid in front and its end behind. */
  take(into: Uint8Array[]): number {
    const { bytes, from, to } = this.#lines;
    this.has = false;
    // a frame of -k is its call's, and has no pid
    const isFrame = bytes[from] === 0x20 && bytes[from + 1] === 0x3e;
    const line = new Uint8Array((isFrame ? 0 : this.#label.length) + to - from + 1);
    if (!isFrame) line.set(this.#label);
    line.set(bytes.subarray(from, to), line.length - 1 - (to - from));
    line[line.length - 1] = LF;
    into.push(line);
    return line.length;
  }
  ready(): Promise<void> {
    return this.#bytes.ready();
  }
  rewind(): boolean {
    this.#lines = new Lines();
    this.#days = 0;
    this.#ended = false;
    this.has = false;
    this.seconds = Number.NEGATIVE_INFINITY;
    return this.#bytes.rewind();
  }
  close(): void {
    this.#bytes.close();
  }
}

class MergedBytes implements ByteSource {
  /** by pid */
  readonly #all: readonly OutputFile[];
  readonly #open: Set<OutputFile>;
  /** tasks whose lines are given, where there are no times: the last one's, then those of who made it */
  #stack: OutputFile[] = [];
  /** at work: its next lines without a time are its last call's */
  #current: OutputFile | undefined;
  #isAligned = false;

  constructor(files: readonly OutputFile[]) {
    this.#all = files;
    this.#open = new Set(files);
  }
  read(): Uint8Array | 'wait' | undefined {
    const lines: Uint8Array[] = [];
    let length = 0;
    while (length < PIECE) {
      const file = this.#next();
      if (file === 'wait') {
        if (length > 0) break;
        return 'wait';
      }
      if (!file) break;
      const made = Number.isFinite(file.seconds) ? 0 : file.made();
      length += file.take(lines);
      const child = made === 0 ? undefined : this.#all.find((f) => f.pid === made && this.#open.has(f));
      if (child && !this.#stack.includes(child)) this.#stack.push(child);
    }
    return length === 0 ? undefined : concatBytes(lines);
  }
  /** Times of the day: who began after midnight has smaller ones than who began before. */
  #align(): 'wait' | undefined {
    let latest = Number.NEGATIVE_INFINITY;
    for (const file of this.#all) {
      if (file.look() === 'wait') return 'wait';
      if (file.seconds < DAY) latest = Math.max(latest, file.seconds);
    }
    for (const file of this.#all)
      if (Number.isFinite(file.seconds) && file.seconds < latest - DAY / 2) file.laterByADay();
    this.#isAligned = true;
    return undefined;
  }
  /** Whose line is next. */
  #next(): OutputFile | 'wait' | undefined {
    if (!this.#isAligned && this.#align() === 'wait') return 'wait';
    let first: OutputFile | undefined;
    let untimed: OutputFile | undefined;
    for (const file of this.#open) {
      const state = file.look();
      if (state === 'wait') return 'wait';
      if (state === 'end') {
        this.#open.delete(file);
        continue;
      }
      if (!Number.isFinite(file.seconds)) untimed ??= file;
      else if (!first || file.isBefore(first) || (file === this.#current && !first.isBefore(file))) first = file;
    }
    this.#current = first;
    if (first || !untimed) return first;
    while (this.#stack.length > 0 && !this.#open.has(this.#stack.at(-1) as OutputFile)) this.#stack.pop();
    if (this.#stack.length === 0) this.#stack.push(untimed);
    return this.#stack.at(-1);
  }
  async ready(): Promise<void> {
    await Promise.race([...this.#open].filter((file) => !file.has).map((file) => file.ready()));
  }
  rewind(): boolean {
    this.#stack = [];
    this.#current = undefined;
    this.#isAligned = false;
    for (const file of this.#all) this.#open.add(file);
    return this.#all.every((file) => file.rewind());
  }
  close(): void {
    for (const file of this.#all) file.close();
  }
}

/** The files that strace wrote for `-ff -o path`, as one recording; undefined where there are none. @throws FileError */
export function openOutputFiles(path: string, options?: OpenBytes): ByteSource | undefined {
  const files: { readonly path: string; readonly pid: number }[] = [];
  for (const name of host.filesNamed(`${path}.`)) {
    const digits = name.slice(path.length + 1);
    if (/^[1-9]\d{0,6}$/.test(digits) && Number(digits) <= PID_MAX_LIMIT)
      files.push({ path: name, pid: Number(digits) });
  }
  if (files.length === 0) return undefined;
  files.sort((a, b) => a.pid - b.pid);
  return new MergedBytes(files.map((file) => new OutputFile(file.pid, host.openBytes(file.path, options))));
}
