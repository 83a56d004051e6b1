/**
 * Sampling perf events (perf_event_open(2), software and hardware types): the virtual clock's interrupt,
 * which finds the current task in user mode, where it is between its recorded calls.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { MachineStop } from '../../src/machine/index.ts';
import type { Pair } from '../core/args.ts';
import type { Alarm } from '../core/clock.ts';
import { KernelError } from '../core/errno.ts';
import { capture, reinstate } from '../core/state.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { ProbeLink, ProgRef } from './types.ts';

/** HARDIRQ_OFFSET */
const HARDIRQ = 0x10000;
/** what one sample of a hardware counter stands for, in ns, where the event counts instead of timing */
const NS_PER_COUNT = 1;

interface Sampler {
  readonly prog: ProgRef;
  readonly periodNs: number;
  readonly period: number;
  next: number;
  hits: number;
  readonly only: () => boolean;
  /** ns since boot */
  readonly since: number;
}

export interface Sampling {
  /** events between samples */
  readonly samplePeriod?: number;
  /** or samples a second */
  readonly freq?: number;
  /** whether a sample that is due is one of the event's: its task, its CPU, and whether it is on */
  readonly only?: () => boolean;
}

export class Samplers implements Alarm {
  readonly #kernel: ObjectFloor;
  readonly #active: Sampler[] = [];
  #context: Addr = 0;
  #running: Sampler | undefined;
  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
    kernel.clock.alarms.push(this);
  }
  save() {
    return capture({ active: this.#active, context: this.#context });
  }
  restore(state: ReturnType<Samplers['save']>): void {
    this.#context = reinstate(state).context;
  }

  /** @throws KernelError EINVAL without a period or a frequency */
  attach(prog: ProgRef, type: string, sampling: Sampling): ProbeLink {
    const { freq, samplePeriod } = sampling;
    const periodNs = freq ? 1e9 / freq : (samplePeriod ?? 0) * NS_PER_COUNT;
    if (!(periodNs >= 1)) throw new KernelError('EINVAL', 'a sampling perf event needs a frequency or a period');
    const sampler: Sampler = {
      prog,
      periodNs,
      period: samplePeriod ?? Math.round(periodNs),
      next: this.#kernel.clock.now + periodNs,
      hits: 0,
      only: sampling.only ?? (() => true),
      since: this.#kernel.clock.now,
    };
    this.#active.push(sampler);
    return {
      kind: 'perf_event',
      symbol: type,
      address: 0,
      offset: 0,
      before: new Uint8Array(),
      after: new Uint8Array(),
      via: 'timer',
      get hits() {
        return sampler.hits;
      },
      detach: () => {
        const at = this.#active.indexOf(sampler);
        if (at >= 0) this.#active.splice(at, 1);
      },
    };
  }

  /** Counter and time of the event whose program runs; undefined where none does. */
  get running(): { readonly count: number; readonly enabledNs: number } | undefined {
    const s = this.#running;
    return s && { count: s.hits * s.period, enabledNs: this.#kernel.clock.now - s.since };
  }
  /** when the next sample is due */
  get due(): number {
    return this.#first?.next ?? Number.POSITIVE_INFINITY;
  }
  get #first(): Sampler | undefined {
    let first: Sampler | undefined;
    for (const s of this.#active) if (first === undefined || s.next < first.next) first = s;
    return first;
  }
  ring(): void {
    const sampler = this.#first;
    if (sampler === undefined) return;
    sampler.next += sampler.periodNs;
    if (sampler.only()) this.#sample(sampler);
  }
  skip(ns: number): void {
    for (const s of this.#active) if (s.next <= ns) s.next = ns + s.periodNs;
  }

  /** perf_event_overflow(): the program with a bpf_perf_event_data_kern, as an interrupt handler */
  #sample(s: Sampler): void {
    const { memory, structs, slab, tasks, context, cpu, faults } = this.#kernel;
    const layout = structs.of('bpf_perf_event_data_kern');
    const data = structs.of('perf_sample_data');
    if (this.#context === 0) this.#context = slab.kmalloc(512);
    const at = this.#context;
    const regs = tasks.current.stackTop - structs.of('pt_regs').size;
    memory.writeAddr(at + layout.offset('regs'), regs);
    memory.writeAddr(at + layout.offset('data'), at + 64);
    memory.writeAddr(at + layout.offset('event'), 0);
    memory.writeU64(at + 64 + data.offset('period'), BigInt(s.period));
    s.hits++;
    const saved = cpu.rflags;
    context.preemptCount += HARDIRQ;
    cpu.rflags = saved & ~0x200;
    const pair = (a: Addr): Pair => [a | 0, Math.floor(a / 0x1_0000_0000)];
    this.#running = s;
    const stop = this.#kernel.machine.call(s.prog.entry, [
      pair(at),
      pair(s.prog.address + structs.of('bpf_prog').offset('insnsi')),
    ]);
    this.#running = undefined;
    cpu.rflags = saved;
    context.preemptCount -= HARDIRQ;
    if (stop.reason === 'fault' && stop.fault) throw new MachineStop(faults.oops(stop.fault));
  }
}
