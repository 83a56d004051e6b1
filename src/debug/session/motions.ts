/** Motions: what each stops at, and how it is made backwards. */

import { type Addr, addrOf } from '../../machine/addr.ts';
import { RBP } from '../../machine/index.ts';
import { decode } from '../../x86/index.ts';
import type { Breakpoint } from '../breakpoints/types.ts';
import { DebugError } from '../error.ts';
import { toFirst } from '../time/moment.ts';
import type { Arrival, Stops } from '../time/timeline.ts';
import { watchMoving } from '../time/watch.ts';
import type { SessionContext } from './context.ts';
import { anyOf, fromHere, returnStop, unitStops } from './plan.ts';
import type { Motion, MoveOptions, Station, Stop } from './types.ts';

export interface Outcome {
  readonly reason: Stop['reason'];
  readonly breakpoint?: Breakpoint | undefined;
  readonly change?: Stop['change'];
}

const NOWHERE: Stops = { addresses: new Set(), hit: () => false };

export class Motions {
  readonly #session: SessionContext;
  /** which breakpoint a search stopped at */
  #hit: Breakpoint | undefined;

  constructor(session: SessionContext) {
    this.#session = session;
  }

  async make(motion: Motion, options: MoveOptions): Promise<Outcome> {
    const back = 'back' in motion && motion.back === true;
    switch (motion.kind) {
      case 'goto':
        return this.#goto(motion.count, options);
      case 'call':
        return this.#toFirst(() => this.#timeline.replay.calls >= motion.calls, options);
      case 'time':
        return this.#toFirst(() => this.#session.kernel.clock.now >= motion.ns, options);
      case 'start':
        return this.#goto(0, options);
      case 'end':
        return this.#outcome(await this.#timeline.forward(Number.POSITIVE_INFINITY, undefined, options), 'end');
      case 'continue':
        return this.#search(NOWHERE, 'breakpoint', back, options);
      case 'until': {
        const { tasks } = this.#session.kernel;
        const stops = { addresses: new Set([motion.address]), hit: () => tasks.current.pid === motion.pid };
        return this.#search(stops, 'step', back, options);
      }
      case 'event':
        return this.#search(this.#at('syscall'), 'event', back, options);
      case 'station':
        return back ? this.#stationBack(options) : this.#stationOn(options);
      case 'finish':
        return this.#finish(back, options);
      case 'step':
      case 'next': {
        let outcome: Outcome = { reason: 'step' };
        for (let n = motion.times ?? 1; n > 0 && outcome.reason === 'step'; n--) {
          outcome =
            motion.unit === 'x86'
              ? await this.#insn(motion.kind === 'next', back, options)
              : await this.#unit(motion.unit, motion.kind === 'next', back, options);
        }
        return outcome;
      }
    }
  }

  /** To the first time that a program is entered; to the end where none is. */
  async toFirstHit(): Promise<void> {
    await this.#timeline.forward(Number.POSITIVE_INFINITY, this.#at('image'));
  }

  get #timeline() {
    return this.#session.timeline;
  }
  #at(station: Station): Stops {
    const { stations } = this.#session;
    const addresses = stations.of(station);
    return { addresses, hit: () => stations.here() === station };
  }

  async #goto(count: number, options: MoveOptions): Promise<Outcome> {
    if (!(count >= 0)) throw new DebugError(`${count} is no moment: they are counted from 0`);
    return this.#outcome(await this.#timeline.goto(count, options), 'goto');
  }

  async #toFirst(holds: () => boolean, options: MoveOptions): Promise<Outcome> {
    return this.#outcome(await toFirst(this.#timeline, holds, options), 'goto');
  }

  /** Goes to the next, or the last, of these stops or breakpoints. */
  async #search(stops: Stops, reason: Stop['reason'], back: boolean, options: MoveOptions): Promise<Outcome> {
    const { breakpoints } = this.#session;
    const timeline = this.#timeline;
    this.#hit = undefined;
    const points: Stops = {
      addresses: new Set(breakpoints.addresses),
      hit: (rip) => {
        const hit = breakpoints.hit(rip, timeline.count, !back);
        // the last one that says so is where it stops
        if (hit !== undefined) this.#hit = hit;
        return hit !== undefined;
      },
    };
    const own: Stops = {
      addresses: stops.addresses,
      hit: (rip) => {
        if (!stops.hit(rip)) return false;
        this.#hit = undefined;
        return true;
      },
    };
    const all = anyOf(points, own);
    const { watchpoints } = breakpoints;
    if (watchpoints.length > 0) {
      const seen = await watchMoving(this.#session, watchpoints, all, back, options);
      if (seen !== undefined) return { reason: 'watchpoint', breakpoint: seen.point, change: seen.change };
      return this.#outcome(this.#watchArrival, reason);
    }
    const arrival = back
      ? await timeline.backward(all, options)
      : await timeline.forward(Number.POSITIVE_INFINITY, all, options);
    return this.#outcome(arrival, reason);
  }
  /** How the last search with watchpoints ended. */
  get #watchArrival(): Arrival {
    return this.#timeline.ended ? 'end' : 'stop';
  }
  #outcome(arrival: Arrival, reason: Stop['reason']): Outcome {
    const breakpoint = this.#hit;
    this.#hit = undefined;
    switch (arrival) {
      case 'interrupted':
        return { reason: 'interrupted' };
      case 'end':
        return { reason: 'end' };
      case 'count':
        return { reason: this.#timeline.count === 0 && reason !== 'step' ? 'begin' : reason };
      case 'stop':
        return breakpoint === undefined ? { reason } : { reason: 'breakpoint', breakpoint };
    }
  }

  /** One instruction; over a call: to behind it. */
  async #insn(over: boolean, back: boolean, options: MoveOptions): Promise<Outcome> {
    const { kernel } = this.#session;
    const { cpu, memory, tasks } = kernel;
    const timeline = this.#timeline;
    if (back) {
      if (timeline.count === 0) return { reason: 'begin' };
      const { pid } = tasks.current;
      const { rip } = cpu;
      const rsp = cpu.reg(4);
      await timeline.goto(timeline.count - 1, options);
      // from behind a call to in front of it
      if (over && tasks.current.pid === pid && cpu.reg(4) < rsp) {
        const call = this.#callBefore(rip);
        if (call !== undefined) {
          const found = await timeline.backward(returnStop(kernel, call, pid, rsp), options);
          return this.#outcome(found, 'step');
        }
      }
      return { reason: 'step' };
    }
    const phys = memory.translate(cpu.rip, 2, cpu.cpl === 3);
    const insn = phys < 0 ? undefined : decode(memory.u8.slice(phys, phys + 15), 0);
    const isCall = insn !== undefined && phys >= 0 && isCallAt(memory.u8, phys);
    if (over && isCall) {
      const stops = returnStop(kernel, cpu.rip + insn.length, tasks.current.pid, cpu.reg(4));
      return this.#search(stops, 'step', false, options);
    }
    return this.#outcome(await timeline.forward(timeline.count + 1, undefined, options), 'step');
  }
  /** The call whose return address this is. */
  #callBefore(rip: Addr): Addr | undefined {
    const { memory } = this.#session.kernel;
    const phys = memory.translate(rip - 7, 2, false);
    if (phys < 0) return undefined;
    for (const length of [5, 2, 3, 6, 7]) {
      const at = phys + 7 - length;
      if (isCallAt(memory.u8, at) && decode(memory.u8.slice(at, at + 15), 0).length === length) return rip - length;
    }
    return undefined;
  }

  async #unit(unit: 'line' | 'bpf', over: boolean, back: boolean, options: MoveOptions): Promise<Outcome> {
    const { kernel, programs } = this.#session;
    const image = programs.at(kernel.cpu.rip);
    const body = image?.prologue === true && !back ? image.program.address(image.func.start) : undefined;
    if (body !== undefined) {
      // what makes the frame belongs to the first line, as in gdb
      const { pid } = kernel.tasks.current;
      const stops = { addresses: new Set([body]), hit: () => kernel.tasks.current.pid === pid };
      const outcome = await this.#search(stops, 'step', false, options);
      if (outcome.reason !== 'step' || unit === 'bpf') return outcome;
    }
    const from = fromHere(kernel, programs);
    if (!over || from.program === undefined || back) {
      const stops = unitStops(kernel, programs, unit, from, over, back);
      return this.#search(stops, 'step', back, options);
    }
    // over calls, until the function that it is in returns
    const returnTo = this.#returnOfImage();
    let hasLeft = false;
    const inside = unitStops(kernel, programs, unit, from, true);
    const anywhere = unitStops(kernel, programs, unit, { ...from, program: undefined }, false);
    const stops: Stops = {
      addresses: new Set([...inside.addresses, ...(returnTo === undefined ? [] : [returnTo])]),
      hit: (rip) => {
        if (rip === returnTo) {
          hasLeft ||= kernel.tasks.current.pid === from.pid && kernel.cpu.reg(4) > from.rsp;
          return false;
        }
        return hasLeft ? anywhere.hit(rip) : inside.hit(rip);
      },
    };
    return this.#search(stops, 'step', false, options);
  }
  /** Where the image's function that it is in returns to: behind its prologue the frame pointer tells. */
  #returnOfImage(): Addr | undefined {
    const { kernel, programs } = this.#session;
    const { cpu, memory } = kernel;
    const image = programs.at(cpu.rip);
    if (image === undefined) return undefined;
    const at = image.prologue ? cpu.reg(4) : cpu.reg(RBP) + 8;
    const phys = memory.translate(at, 0, false);
    return phys < 0 ? undefined : addrOf(memory.view.getInt32(phys, true), memory.view.getInt32(phys + 4, true));
  }

  async #finish(back: boolean, options: MoveOptions): Promise<Outcome> {
    const { kernel, frames } = this.#session;
    const { pid } = kernel.tasks.current;
    const [frame] = frames;
    if (frame?.returnAt === undefined || frame.returnTo === undefined)
      throw new DebugError('this is the outermost frame: there is nothing to return to');
    const rsp = frame.returnAt + 8;
    if (!back) return this.#search(returnStop(kernel, frame.returnTo, pid, rsp), 'step', false, options);
    const call = this.#callBefore(frame.returnTo);
    if (call === undefined) throw new DebugError('this function was not called by a call');
    return this.#search(returnStop(kernel, call, pid, rsp), 'step', true, options);
  }

  /** The next station of this journey; from its end, the first one of the next that reaches a program. */
  async #stationOn(options: MoveOptions): Promise<Outcome> {
    const { stations } = this.#session;
    const timeline = this.#timeline;
    const here = stations.here();
    const isBetween =
      here === 'user' || (here === undefined && this.#session.stop.station === undefined && this.#isInUser);
    if (!isBetween || timeline.count === 0) {
      if (timeline.count > 0) return this.#search(this.#allStations, 'station', false, options);
    }
    const from = timeline.count;
    const arrival = await timeline.forward(Number.POSITIVE_INFINITY, this.#at('image'), options);
    if (arrival !== 'stop') return this.#outcome(arrival, 'station');
    const image = timeline.count;
    const begin = await timeline.backward(this.#at('syscall'), options);
    // a program that no system call led to: a timer's, a switch's
    if (begin !== 'stop' || timeline.count < from) await timeline.goto(image, options);
    return { reason: 'station' };
  }
  async #stationBack(options: MoveOptions): Promise<Outcome> {
    const { stations } = this.#session;
    const timeline = this.#timeline;
    if (stations.here() !== 'syscall') return this.#search(this.#allStations, 'station', true, options);
    const now = timeline.count;
    const arrival = await timeline.backward(this.#at('image'), options);
    if (arrival !== 'stop') return this.#outcome(arrival, 'station');
    const image = timeline.count;
    await timeline.forward(now, this.#at('user'), options);
    if (timeline.count >= now) await timeline.goto(image, options);
    return { reason: 'station' };
  }
  get #isInUser(): boolean {
    return this.#session.kernel.cpu.cpl === 3;
  }
  get #allStations(): Stops {
    const { stations } = this.#session;
    return { addresses: stations.addresses, hit: () => stations.here() !== undefined };
  }
}

/** `call rel32`, or `call r/m64` with any prefix of registers. */
function isCallAt(u8: Uint8Array, phys: number): boolean {
  const first = u8[phys] as number;
  if (first === 0xe8) return true;
  const at = first >= 0x40 && first <= 0x4f ? phys + 1 : phys;
  return u8[at] === 0xff && (((u8[at + 1] as number) >> 3) & 7) === 2;
}
