/**
 * Puts the steps into the order in which things began. A call that another task's line interrupts stands where it
 * began; what is behind it is held back until its second line has been read, except where it may wait long
 * (waits.ts) or has done so for {@link HELD} steps: then it is given as far as it is known, and its return tells the rest.
 */
import type { SyscallRow, TraceCall, TraceStep } from '../../../kernel-sim/index.ts';
import { PidSet } from '../pids.ts';
import { ENDED_BY_SIGNAL, RESTART_NO_HANDLER, WAITS } from '../waits.ts';
import type { LineWarnings } from '../warnings.ts';
import type { Calls, Draft } from './calls.ts';
import { Children } from './children.ts';
import { FORKS } from './clone.ts';
import { LineError, Scanner } from './scanner.ts';
import { type Tasks, UNNAMED_PID } from './tasks.ts';

/** a call that may wait and took so long has waited, ns */
const SLEPT_NS = 50_000;
/** steps that are held back for the sake of one call */
const HELD = 1024;
/** steps of a task whose pid is not known yet that are held back until it is */
const NAMELESS = 256;
/** A task whose exec the recording does not show; the kernel prints the same where it has forgotten a name. */
const UNKNOWN_COMM = '<...>';
/** Strace's own child before its execve. */
const BEFORE_EXEC = 'strace';

/** A call whose second line has not been read. */
class Begun {
  readonly kind = 'begun';
  readonly row: SyscallRow;
  pid: number;
  readonly line: number;
  readonly time: number;
  readonly text: Uint8Array;
  /** its place in the order */
  readonly place: number;
  given = false;
  /** nothing will resume it */
  lost = false;
  constructor(row: SyscallRow, pid: number, line: number, time: number, text: Uint8Array, place: number) {
    this.row = row;
    this.pid = pid;
    this.line = line;
    this.time = time;
    this.text = text;
    this.place = place;
  }
}

type Entry = Draft | Begun | Exclude<TraceStep, { kind: 'call' }>;

export class Order {
  readonly #who: Tasks;
  readonly #calls: Calls;
  readonly #warnings: LineWarnings;
  readonly #whole: boolean;
  #queue: (Entry | undefined)[] = [];
  #head = 0;
  /** place of the queue's first entry */
  #base = 0;
  readonly #begun = new Map<number, Begun>();
  readonly #part = new Scanner();
  readonly #children = new Children();
  readonly #given = new PidSet();
  readonly #comms = new Map<number, string>();
  /** of the steps given so far */
  tasks = 0;
  /** the call that a stack would belong to */
  last: Draft | undefined;
  /** calls have stacks: none is given before its own is known */
  stacks = false;
  /** there are no more lines */
  ended = false;

  constructor(tasks: Tasks, calls: Calls, warnings: LineWarnings, whole: boolean) {
    this.#who = tasks;
    this.#calls = calls;
    this.#warnings = warnings;
    this.#whole = whole;
  }

  /** A line of the task was read, whose name it may show. */
  seen(pid: number, comm: string | undefined): void {
    this.#who.lives(pid);
    if (comm !== undefined && !this.#given.has(pid) && !this.#comms.has(pid)) this.#comms.set(pid, comm);
  }
  call(call: Draft): void {
    this.#lose(call.pid);
    this.last = call;
    this.#queue.push(call);
    // -T: it took long, and nobody did anything meanwhile, else it would be unfinished
    const { duration } = this.#calls;
    if (duration < SLEPT_NS || !WAITS.has(call.name)) return;
    call.unfinished = true;
    this.#queue.push({ kind: 'return', pid: call.pid, time: call.time + duration });
  }
  begin(row: SyscallRow, pid: number, line: number, time: number, text: Uint8Array): void {
    this.#lose(pid);
    this.last = undefined;
    const begun = new Begun(row, pid, line, time, text, this.#base + this.#queue.length);
    this.#begun.set(pid, begun);
    this.#queue.push(begun);
  }
  end(step: Extract<TraceStep, { kind: 'end' }>): void {
    this.#lose(step.pid);
    this.last = undefined;
    this.#queue.push(step);
    this.#who.lives(step.pid);
    this.#who.exited(step.pid);
  }
  /** The call of thread `tid` goes on as its leader's. */
  supersede(leader: number, tid: number): void {
    const begun = this.#begun.get(tid);
    if (!begun || tid === leader) return;
    this.#lose(leader);
    this.#begun.delete(tid);
    this.#begun.set(leader, begun);
    this.#who.exited(tid);
  }

  /** The second line of a call, from behind `resumed>`. False where there was no first one. */
  resume(s: Scanner, pid: number, time: number | undefined): boolean {
    // before its pid was known it had none
    const key = this.#begun.has(pid) || pid !== this.#who.main ? pid : 0;
    const begun = this.#begun.get(key);
    if (!begun) return false;
    this.#begun.delete(key);
    this.last = undefined;
    const slot = begun.place - this.#base;
    const adjacent = slot === this.#queue.length - 1;
    let call: Draft | undefined;
    try {
      call = this.#join(begun, s);
    } finally {
      if (!begun.given) this.#queue[slot] = call;
      else if (!call) this.#queue.push({ kind: 'return', pid: begun.pid, time: time ?? begun.time });
    }
    const { duration } = this.#calls;
    const end = time ?? (duration < 0 ? begun.time : begun.time + duration);
    this.last = call;
    if (begun.given) this.#queue.push({ kind: 'return', pid: begun.pid, time: end, call });
    else if (!adjacent) {
      call.unfinished = true;
      this.#queue.push({ kind: 'return', pid: begun.pid, time: end });
    }
    return true;
  }
  #join(begun: Begun, s: Scanner): Draft {
    const { text, row } = begun;
    const whole = new Uint8Array(text.length + s.end - s.at);
    whole.set(text);
    whole.set(s.bytes.subarray(s.at, s.end), text.length);
    this.#part.set(whole, row.name.length, whole.length);
    const call = this.#calls.read(this.#part, row, begun.pid, begun.time);
    call.unfinished = begun.given;
    return call;
  }
  /** The task does something else, although its call has not returned. */
  #lose(pid: number): void {
    const begun = this.#begun.get(pid);
    if (!begun) return;
    begun.lost = true;
    this.#begun.delete(pid);
  }

  /** The next step, where nothing holds it back. */
  give(): TraceStep | undefined {
    for (;;) {
      if (this.#head >= this.#queue.length) return undefined;
      const entry = this.#queue[this.#head];
      if (entry === undefined) {
        this.#take();
        continue;
      }
      if (entry.pid === 0 && !this.#named()) return undefined;
      const pid = entry.pid || (this.#who.main as number);
      let step: TraceStep | undefined;
      if (entry.kind !== 'begun') step = entry.pid === 0 ? { ...entry, pid } : entry;
      else if (this.#released(entry)) step = this.#asKnown(entry, pid);
      else return undefined;
      if (step?.kind === 'call' && this.#childToCome(step)) return undefined;
      if (step && !this.#given.has(pid)) {
        this.#given.add(pid);
        this.tasks++;
        const comm = this.#comms.get(pid);
        this.#comms.delete(pid);
        if (!this.#who.born.has(pid)) {
          const execs = step.kind === 'call' && step.name === 'execve';
          return { kind: 'task', pid, time: step.time, comm: comm ?? (execs ? BEFORE_EXEC : UNKNOWN_COMM) };
        }
      }
      this.#take();
      if (step) return this.#fork(step);
    }
  }
  /** A fork is held back until its child shows up, where that alone tells who it is. */
  #childToCome(call: TraceCall): boolean {
    if (this.ended || !FORKS.has(call.name) || this.#queue.length - this.#head > HELD) return false;
    return this.#children.waits(call, () => this.#appear());
  }
  /** A fork, with the child that it made. */
  #fork(step: TraceStep): TraceStep {
    if (step.kind !== 'call' || !(FORKS.has(step.name) || step.name === 'unshare')) return step;
    const call = this.#children.settle(step, () => this.#appear());
    if (call.child !== undefined) this.#who.born.add(call.child);
    return call;
  }
  /** Tasks that nothing was given of yet, in order. */
  *#appear(): Iterable<number> {
    for (let n = this.#head; n < this.#queue.length; n++) {
      const pid = this.#queue[n]?.pid ?? 0;
      if (pid !== 0 && !this.#given.has(pid)) yield pid;
    }
  }
  #take(): void {
    this.#queue[this.#head++] = undefined;
    if (this.#head < this.#queue.length && this.#head < HELD) return;
    if (this.#head < this.#queue.length && this.#head * 2 < this.#queue.length) return;
    this.#base += this.#head;
    this.#queue = this.#queue.slice(this.#head);
    this.#head = 0;
  }
  /** Whether the pid of lines without a name is known, or need not be waited for. */
  #named(): boolean {
    if (this.#who.main === undefined) {
      if (!this.ended && (this.#whole || this.#queue.length - this.#head < NAMELESS)) return false;
      this.#who.settle(UNNAMED_PID);
    }
    return true;
  }
  #released(begun: Begun): boolean {
    if (begun.lost || this.ended) return true;
    const behind = this.#queue.length - this.#head - 1;
    if (this.#whole || behind === 0) return false;
    if (behind >= HELD) return true;
    return !this.stacks && (WAITS.has(begun.row.name) || ENDED_BY_SIGNAL.has(begun.row.name));
  }
  /** A call as far as its first line tells. */
  #asKnown(begun: Begun, pid: number): TraceStep | undefined {
    begun.pid = pid;
    const part = this.#part;
    part.set(begun.text, begun.row.name.length, begun.text.length);
    try {
      const call = this.#calls.read(part, begun.row, pid, begun.time, true);
      begun.given = true;
      // the end of the recording, or of the task, is no return
      call.unfinished = !begun.lost && !this.ended;
      if (ENDED_BY_SIGNAL.has(call.name)) call.result = { lo: RESTART_NO_HANDLER, hi: -1 };
      return call;
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      this.#warnings.add(begun.line, error.message);
      this.#begun.delete(pid);
      return undefined;
    }
  }
}
