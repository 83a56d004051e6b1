/**
 * Calls whose beginning and end are lines of their own, in the order in which they began. A call is held back until its
 * end is known, except where it may wait long, or has done so for {@link HELD} steps: then its return tells its result.
 * So are interrupts and softirqs.
 */
import type { TraceCall, TraceEvent, TraceStep, UserFrame } from '../../../kernel-sim/index.ts';
import { MAX_FRAMES } from '../stack-functions.ts';
import { WAITS } from '../waits.ts';

const HELD = 1024;

type Draft = { -readonly [Key in keyof TraceCall]: TraceCall[Key] } & { readonly cpu?: number };

/** An event that lasts: its end is not known yet. */
export interface Lasting {
  event: TraceEvent & { readonly cpu?: number };
  known: boolean;
}

interface Open {
  readonly call: Draft;
  given: boolean;
  /** state in which it waited */
  slept: number | undefined;
  /** its end has been read, or will not come */
  known: boolean;
}

export class CallOrder {
  #queue: (TraceStep | Open | Lasting)[] = [];
  #head = 0;
  readonly #open = new Map<number, Open>();
  /** there are no more lines */
  ended = false;
  #tellsSwitches = false;

  put(step: TraceStep): void {
    this.#queue.push(step);
  }
  /** A task stops running, in this state; undefined: it only gives way. */
  switchedFrom(pid: number, state: number | undefined): void {
    this.#tellsSwitches = true;
    const open = this.#open.get(pid);
    if (open && state !== undefined) open.slept = state;
  }
  /** What the call of a task was given is known now. */
  args(pid: number, args: TraceCall['args']): void {
    const open = this.#open.get(pid);
    if (open) open.call.args = args;
  }
  /** What a task does in the middle of a call stands in front of it: there is no way into the middle. */
  event(step: TraceStep): void {
    this.#inFront(step.pid, step);
  }
  /** As {@link event}; it is held back until its end is known. */
  lasting(event: Lasting['event']): Lasting {
    const lasting = { event, known: false };
    this.#inFront(event.pid, lasting);
    return lasting;
  }
  #inFront(pid: number, step: TraceStep | Lasting): void {
    const open = this.#open.get(pid);
    const at = open && !open.given ? this.#queue.indexOf(open) : -1;
    if (at >= this.#head) this.#queue.splice(at, 0, step);
    else this.#queue.push(step);
  }
  /** A frame of the stack on which a task made its call, the innermost first. */
  frame(pid: number, frame: UserFrame): void {
    const open = this.#open.get(pid);
    if (open && !open.given && (open.call.stack?.length ?? 0) < MAX_FRAMES)
      open.call.stack = [...(open.call.stack ?? []), frame];
  }
  isOpen(pid: number, names?: ReadonlySet<string>): boolean {
    const open = this.#open.get(pid);
    return open !== undefined && (names === undefined || names.has(open.call.name));
  }
  begin(call: Draft): void {
    this.#lose(call.pid);
    const open: Open = { call, given: false, known: false, slept: undefined };
    this.#open.set(call.pid, open);
    this.#queue.push(open);
  }
  /** A call that is complete. */
  call(call: TraceCall): void {
    this.#lose(call.pid);
    this.put(call);
  }
  /** False where none has begun. */
  finish(pid: number, time: number, result: { readonly lo: number; readonly hi: number }, cpu: number): boolean {
    const open = this.#open.get(pid);
    if (!open) return false;
    this.#open.delete(pid);
    open.known = true;
    if (open.given) this.put({ kind: 'return', pid, time, cpu, call: { ...open.call, result } });
    else {
      open.call.result = result;
      // where switches are told, others' lines in between say nothing
      open.call.unfinished = this.#tellsSwitches ? open.slept !== undefined : this.#queue.at(-1) !== open;
      if (open.slept !== undefined) open.call.sleeps = open.slept;
      if (open.call.unfinished) this.put({ kind: 'return', pid, time, cpu });
    }
    return true;
  }
  end(pid: number, time: number): void {
    this.#lose(pid);
    this.put({ kind: 'end', pid, time, status: 0 });
  }
  #lose(pid: number): void {
    const open = this.#open.get(pid);
    if (open) open.known = true;
    this.#open.delete(pid);
  }

  /** The next step, where nothing holds it back. */
  give(): TraceStep | undefined {
    const entry = this.#queue[this.#head];
    if (entry === undefined) return undefined;
    if ('kind' in entry) return this.#take(entry);
    const behind = this.#queue.length - this.#head - 1;
    if ('event' in entry) return entry.known || this.ended || behind >= HELD ? this.#take(entry.event) : undefined;
    if (!entry.known && !this.ended) {
      const waits = WAITS.has(entry.call.name) && (!this.#tellsSwitches || entry.slept !== undefined);
      if (behind === 0 || (behind < HELD && !waits)) return undefined;
      if (entry.slept !== undefined) entry.call.sleeps = entry.slept;
      entry.given = true;
      entry.call.unfinished = true;
    }
    return this.#take(entry.call);
  }
  #take(step: TraceStep): TraceStep {
    this.#head++;
    if (this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return step;
  }
}
