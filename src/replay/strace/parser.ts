/**
 * Recordings of `strace -f` (strace(1)), as they arrive: chunks of bytes in, steps out. One event a line:
 *
 *     31683 614.653225 openat(AT_FDCWD, "/etc/hostname", O_RDONLY) = 3
 *     [pid 31684] 11:07:02.123456 read(3,  <unfinished ...>
 *     [pid 31684]      0.000031 <... read resumed>"x", 1) = 1
 *     31684 1795348740.88 --- SIGCHLD {si_signo=SIGCHLD, …} ---
 *     31684 +++ exited with 0 +++
 *
 * Time is linear in the recording, and memory bounded: by the longest line, the tasks at once, and what {@link Order} holds back.
 */
import type { TraceStep } from '../../../kernel-sim/index.ts';
import { Lines } from '../lines.ts';
import { MAX_FRAMES, StackFunctions } from '../stack-functions.ts';
import type { RecordingParser } from '../stream.ts';
import { LineWarnings } from '../warnings.ts';
import { Calls } from './calls.ts';
import { Chatter } from './chatter.ts';
import { constants } from './constants.ts';
import { Order } from './order.ts';
import { Prefix } from './prefix.ts';
import {
  excerpt,
  GREATER,
  isLetter,
  isWord,
  LESS,
  LineError,
  MINUS,
  PLUS,
  QUESTION,
  Scanner,
  SQUARE,
} from './scanner.ts';
import { isFrame, readFrame } from './stack.ts';
import { Tasks } from './tasks.ts';
import { Times } from './times.ts';
import { readNumber } from './value.ts';

/** Between calls of a recording without times: ns. */
const STEP_NS = 50_000;
const CORE_DUMPED = 0x80;

export class StraceParser implements RecordingParser {
  readonly warnings = new LineWarnings();
  readonly #lines = new Lines();
  readonly #line = new Scanner();
  readonly #prefix = new Prefix();
  readonly #times = new Times();
  readonly #tasks = new Tasks();
  readonly #chatter = new Chatter(this.#tasks.born);
  readonly #calls = new Calls(this.#tasks);
  readonly #functions = new StackFunctions();
  /** steps that were made already */
  readonly #ahead: TraceStep[] = [];
  readonly #order: Order;
  #ended = false;
  #events = 0;
  isUntimed = true;
  /** the time of the line that is read has been taken */
  #timed = false;

  /** `whole`: nothing is given before everything of it is known, however much that holds back. */
  constructor(options: { readonly whole?: boolean } = {}) {
    this.#order = new Order(this.#tasks, this.#calls, this.warnings, options.whole === true);
  }

  /** wall clock of time 0, ns since 1970, where the recording has it */
  get epoch(): bigint | undefined {
    return this.#times.epoch;
  }
  get tasks(): number {
    return this.#order.tasks;
  }
  /** More of the recording; the bytes are not to be changed afterwards. */
  push(chunk: Uint8Array): void {
    // views of a Node Buffer would be Buffers too, which cost more
    this.#lines.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  }
  /** There is no more. */
  end(): void {
    this.#ended = true;
    this.#lines.end();
  }

  /** The next step; undefined where more must be pushed first, or there is none. */
  next(): TraceStep | undefined {
    for (;;) {
      if (this.#ahead.length > 0) return this.#ahead.shift();
      if (!this.#mayGrow()) {
        const step = this.#order.give();
        if (step) return this.#order.stacks ? this.#withFunctions(step) : step;
      }
      if (this.#lines.next()) this.#read();
      else if (!this.#ended || this.#order.ended) return undefined;
      else this.#order.ended = true;
    }
  }

  /** A call with a recorded stack comes behind the functions that it shows to be entered. */
  #withFunctions(step: TraceStep): TraceStep {
    const [first, ...rest] = this.#functions.with(step);
    this.#ahead.push(...rest);
    return first as TraceStep;
  }

  /** Whether the call that was read last may have a stack in lines that follow. */
  #mayGrow(): boolean {
    const { bytes, at, filled } = this.#lines;
    if (!this.#order.last || this.#order.ended) return false;
    return filled - at < 2 ? !this.#ended : isFrame(bytes, at);
  }

  #read(): void {
    const { bytes, from, to, line } = this.#lines;
    if (this.#lines.isPassedOver(this.warnings)) return;
    const s = this.#line;
    s.set(bytes, from, to);
    if (isFrame(bytes, from)) {
      this.#frame(s);
      return;
    }
    if (!this.#chatter.pass(s, line)) return;
    try {
      this.#event(s, this.#chatter.line);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      this.warnings.add(this.#chatter.line, error.message);
      if (this.#timed) this.#times.undo();
    }
  }

  #frame(s: Scanner): void {
    const call = this.#order.last;
    if (!call || (call.stack?.length ?? 0) >= MAX_FRAMES) return;
    try {
      const frame = readFrame(s);
      if (frame) call.stack = [...(call.stack ?? []), frame];
      this.#order.stacks = true;
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
    }
  }

  #event(s: Scanner, line: number): void {
    const prefix = this.#prefix;
    this.#timed = false;
    prefix.read(s);
    const from = s.at;
    const c = s.peek();
    if (c === SQUARE && s.has('[ Process PID=')) return;
    if (c === QUESTION && s.has('????')) return;
    const pid = this.#tasks.of(prefix.pid);
    const time = this.#times.at(prefix);
    if (time !== undefined) this.isUntimed = false;
    this.#timed = true;
    const at = (): number => time ?? this.#events * STEP_NS;
    if (isLetter(c)) {
      const call = this.#calls.name(s);
      if (!call) {
        this.warnings.add(line, `there is no system call '${s.text(from, s.at)}' on x86-64`);
        return;
      }
      const begins = unfinished(s);
      if (begins >= 0) this.#order.begin(call, pid, line, at(), s.bytes.slice(from, begins));
      else this.#order.call(this.#calls.read(s, call, pid, at()));
    } else if (c === LESS && s.has('<... ')) {
      s.at += 5;
      while (isWord(s.peek())) s.at++;
      if (!s.has(' resumed>')) throw new LineError(notStrace(s, from));
      s.at += 9;
      if (!this.#order.resume(s, pid, time))
        throw new LineError(`a call is resumed, but no line began it: ${excerpt(s, from)}`);
      return;
    } else if (c === MINUS && s.has('--- ')) this.#tasks.lives(pid);
    else if (c === PLUS && s.has('+++ ')) this.#end(s, pid, at());
    else throw new LineError(notStrace(s, from));
    this.#order.seen(pid, prefix.commTo > 0 ? s.text(prefix.commFrom, prefix.commTo) : undefined);
    this.#events++;
  }

  /** `+++ exited with 3 +++`, `+++ killed by SIGSEGV (core dumped) +++`, `+++ superseded by execve in pid 12 +++` */
  #end(s: Scanner, pid: number, time: number): void {
    const from = s.at;
    s.at += 4;
    let status = 0;
    if (s.has('superseded by execve in pid ')) {
      s.at += 28;
      readNumber(s);
      this.#order.supersede(pid, s.lo);
      return;
    }
    if (s.has('exited with ')) {
      s.at += 12;
      readNumber(s);
      status = (s.lo & 0xff) << 8;
    } else if (s.has('killed by ')) {
      s.at += 10;
      status = constants().read(s) ?? 0;
      if (s.has(' (core dumped)')) status |= CORE_DUMPED;
    } else throw new LineError(notStrace(s, from));
    this.#order.end({ kind: 'end', pid, time, status });
  }
}

const notStrace = (s: Scanner, from: number): string => `not a line of strace: ${excerpt(s, from)}`;

const UNFINISHED = '<unfinished ...>';
const DETACHED = '<detached ...>';

/** Where the text of a call that has only begun ends; -1 for one that is complete. */
function unfinished(s: Scanner): number {
  const { bytes } = s;
  let end = s.end;
  while (end > s.at && (bytes[end - 1] === 0x20 || bytes[end - 1] === 0x29)) end--;
  if (bytes[end - 1] !== GREATER) return -1;
  for (const mark of [UNFINISHED, DETACHED]) {
    let at = end - mark.length;
    if (at < s.at || !s.has(mark, at)) continue;
    while (at > s.at && bytes[at - 1] === 0x20) at--;
    return at;
  }
  return -1;
}
