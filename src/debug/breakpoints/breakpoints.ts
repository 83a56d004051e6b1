/** The breakpoints of a session: where they are, what must hold, how often they were hit. */
import { type Addr, formatAddr } from '../../machine/addr.ts';
import { DebugError } from '../error.ts';
import { parseExpr } from '../expr/parse.ts';
import type { SavedBreakpoint } from '../record/session-file.ts';
import { type Resolved, type ResolveEnv, resolve } from './resolve.ts';
import type { Breakpoint, BreakpointAt, BreakpointOptions, WatchAt } from './types.ts';

/** What conditions, log points and watchpoints are evaluated with. */
export interface Evaluator {
  /** @throws DebugError */
  isTrue(text: string): boolean;
  text(text: string): string;
}

/** By what they stop at, in gdb's words. */
const WATCHES = { write: 'watch', read: 'rwatch', access: 'awatch' } as const;

class Point implements Breakpoint {
  readonly id: number;
  readonly at: BreakpointAt | WatchAt;
  readonly text: string;
  readonly addresses: readonly Addr[];
  readonly when: (() => boolean) | undefined;
  condition: string | undefined;
  ignore: number | undefined;
  readonly log: string | undefined;
  readonly temporary: boolean | undefined;
  enabled = true;
  /** moments at which it was hit, in order */
  readonly moments: number[] = [];

  constructor(id: number, at: BreakpointAt | WatchAt, { text, addresses, when }: Resolved, options: BreakpointOptions) {
    this.id = id;
    this.at = at;
    this.text = text;
    this.addresses = addresses;
    this.when = when;
    this.condition = options.condition;
    this.ignore = options.ignore;
    this.log = options.log;
    this.temporary = options.temporary;
  }
  get hits(): number {
    return this.moments.length;
  }
}

export class Breakpoints {
  readonly #env: ResolveEnv;
  readonly #evaluator: Evaluator;
  readonly #points: Point[] = [];
  #next = 1;
  /** what log points wrote since {@link takeLog} */
  #logged: string[] = [];

  constructor(env: ResolveEnv, evaluator: Evaluator) {
    this.#env = env;
    this.#evaluator = evaluator;
  }

  get list(): readonly Breakpoint[] {
    return this.#points;
  }
  /** @throws DebugError where there is no such place, or the condition is no expression */
  add(at: BreakpointAt, options: BreakpointOptions = {}): Breakpoint {
    return this.#put(at, resolve(this.#env, at), options);
  }
  /** Addresses of a place, without a breakpoint. @throws DebugError where there is none such */
  placesOf(at: BreakpointAt): readonly Addr[] {
    return resolve(this.#env, at).addresses;
  }
  /** Stops behind the instruction that changes it, or touches it. */
  watch(at: WatchAt, options: BreakpointOptions = {}): Breakpoint {
    const text =
      at.kind === 'expression'
        ? `watch ${at.text}`
        : `${WATCHES[at.on ?? 'write']} *0x${formatAddr(at.address)}, ${at.bytes}`;
    return this.#put(at, { text, addresses: [] }, options);
  }
  #put(at: BreakpointAt | WatchAt, resolved: Resolved, options: BreakpointOptions): Breakpoint {
    if (options.condition !== undefined) parseExpr(options.condition);
    const point = new Point(this.#next++, at, resolved, options);
    this.#points.push(point);
    return point;
  }
  /** @throws DebugError */
  get(id: number): Breakpoint {
    return this.#find(id);
  }
  remove(id: number): void {
    this.#points.splice(this.#points.indexOf(this.#find(id)), 1);
  }
  enable(id: number, on: boolean): void {
    this.#find(id).enabled = on;
  }
  /** Passes over the next `count` hits. */
  ignore(id: number, count: number): void {
    const point = this.#find(id);
    point.ignore = point.hits + count;
  }
  /** undefined: it stops always. @throws DebugError where it is no expression */
  condition(id: number, text: string | undefined): void {
    if (text !== undefined) parseExpr(text);
    this.#find(id).condition = text;
  }
  #find(id: number): Point {
    const point = this.#points.find((p) => p.id === id);
    if (point === undefined) throw new DebugError(`no breakpoint number ${id}`);
    return point;
  }

  /** As they can be set again. */
  save(): SavedBreakpoint[] {
    return this.#points.map(({ at, enabled, condition, ignore, log, temporary }) => ({
      at,
      enabled,
      options: {
        ...(condition === undefined ? {} : { condition }),
        ...(ignore === undefined ? {} : { ignore }),
        ...(log === undefined ? {} : { log }),
        ...(temporary === undefined ? {} : { temporary }),
      },
    }));
  }
  /** Sets what {@link save} gave; what is no place here is passed over. */
  restore(saved: readonly SavedBreakpoint[]): void {
    for (const { at, options, enabled } of saved) {
      try {
        const point =
          at.kind === 'memory' || at.kind === 'expression' ? this.watch(at, options) : this.add(at, options);
        if (!enabled) this.enable(point.id, false);
      } catch (error) {
        if (!(error instanceof DebugError)) throw error;
      }
    }
  }

  /** Addresses of those that are enabled. */
  get addresses(): Addr[] {
    return this.#points.filter((p) => p.enabled).flatMap((p) => p.addresses);
  }
  /** Breakpoints at an address, whatever holds. */
  on(rip: Addr): Breakpoint[] {
    return this.#points.filter((p) => p.addresses.includes(rip));
  }
  get watchpoints(): readonly Breakpoint[] {
    return this.#points.filter((p) => p.enabled && (p.at.kind === 'memory' || p.at.kind === 'expression'));
  }

  /** The first breakpoint that stops here at a moment; all that are here count it, and log points write, and hits are counted, on the way forwards only. */
  hit(rip: Addr, count: number, forwards: boolean): Breakpoint | undefined {
    let first: Breakpoint | undefined;
    for (const point of this.#points) {
      if (!point.enabled || !point.addresses.includes(rip)) continue;
      if (point.when !== undefined && !point.when()) continue;
      if (this.#stops(point, count, forwards)) first ??= point;
    }
    return first;
  }
  /** Whether a watchpoint that something happened to at a moment stops there; likewise. */
  hitWatch(id: number, count: number, forwards: boolean): boolean {
    return this.#stops(this.#find(id), count, forwards);
  }
  #stops(point: Point, count: number, forwards: boolean): boolean {
    if (point.condition !== undefined && !this.#evaluator.isTrue(point.condition)) return false;
    if (forwards && !point.moments.includes(count)) point.moments.push(count);
    if (point.log !== undefined) {
      if (forwards) this.#logged.push(this.#message(point.log));
      return false;
    }
    return point.ignore === undefined || nth(point.moments, count) > point.ignore;
  }
  /** Behind a moment nothing has been hit yet. */
  wentTo(count: number): void {
    for (const point of this.#points) {
      while (point.moments.length > 0 && (point.moments.at(-1) as number) > count) point.moments.pop();
    }
  }
  takeLog(): string[] {
    return this.#logged.splice(0);
  }
  #message(log: string): string {
    return log.replace(/\{([^{}]*)\}/g, (_, text: string) => this.#evaluator.text(text));
  }
}

/** How many of these moments are not behind one. */
const nth = (moments: readonly number[], count: number): number => moments.filter((m) => m <= count).length;
