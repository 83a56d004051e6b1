/**
 * Sampling perf events of software kinds (perf_event_open(2); Linux 6.12 kernel/events/core.c): clocks, which are timers
 * whose interrupt samples what it finds, and counters, which sample each so many times that the thing happens.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { RBP, RSP } from '../../src/machine/index.ts';
import { PERF_COUNT_SW } from '../../src/uapi/index.ts';
import { capture } from '../core/state.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { ProbeLink, ProgRef } from './types.ts';

const KERNEL_CS = 0x10;

interface Sampler {
  readonly prog: ProgRef;
  readonly config: number;
  /** of a clock: the timers of its CPUs */
  readonly timers: readonly Addr[];
  /** ns of a clock, else how often it happens between samples */
  readonly period: number;
  /** times it has happened since the last sample */
  count: number;
  hits: number;
  readonly only: () => boolean;
  /** ns since boot */
  readonly since: number;
  /** `struct perf_event` */
  readonly event: Addr;
}

export interface Sampling {
  /** PERF_COUNT_SW_ number; CPU_CLOCK stands for events of hardware, which count its nanoseconds */
  readonly config?: number;
  /** events between samples */
  readonly samplePeriod?: number;
  /** or samples a second */
  readonly freq?: number;
  /** its CPU; -1: all, for one task */
  readonly cpu?: number;
  /** whether a sample that is due is one of the event's: its task, its CPU, and whether it is on */
  readonly only?: () => boolean;
  readonly event?: Addr;
}

export class Samplers {
  readonly #kernel: ObjectFloor;
  readonly #active: Sampler[] = [];
  #context: Addr = 0;
  #data: Addr = 0;
  /** registers of where a counter's event happened, and those that the interrupt found */
  #caller: Addr = 0;
  #interrupted: Addr = 0;
  #running: Sampler | undefined;
  /** counters that are still to sample what has happened */
  readonly #counted: Sampler[] = [];

  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
    const { text, args, memory, percpu, context, structs } = kernel;
    const on = (name: string, handler: () => void): void => void text.hypercall(name, handler);
    on('set_irq_regs', () => {
      this.#interrupted = args.addr(0);
    });
    on('irq_regs', () => args.retAddr(this.#interrupted));
    on('caller_regs', () => args.retAddr(this.#callerRegs()));
    on('perf_sampled', () => args.retAddr(this.#sampled(args.addr(0))));
    on('perf_counts', () => args.retU32(this.#active.some((s) => s.config === args.lo(0)) ? 1 : 0));
    on('perf_count', () => this.#count(args.lo(0)));
    on('perf_counted', () => args.retAddr(this.#counted.shift()?.event ?? 0));
    on('perf_sample_data', () => args.retAddr(this.#sampleData(args.addr(0), args.addr(1))));
    const active = (): Addr => percpu.offset(context.cpu) + text.percpu('bpf_prog_active');
    // none while another program of an event runs on this CPU
    on('perf_prog_enter', () => {
      const at = active();
      const depth = memory.readU32(at) + 1;
      memory.writeU32(at, depth);
      const sampler = this.#of(args.addr(0));
      if (depth === 1 && sampler) {
        sampler.hits++;
        this.#running = sampler;
      }
      args.retAddr(depth === 1 ? (sampler?.prog.entry ?? 0) : 0);
    });
    on('perf_prog_exit', () => {
      const depth = memory.readU32(active()) - 1;
      memory.writeU32(active(), depth);
      if (depth === 0) this.#running = undefined;
    });
    on('perf_context', () => args.retAddr(this.#contextOf(args.addr(0), args.addr(1), args.addr(2))));
    on('perf_insns', () => {
      const prog = this.#of(args.addr(0))?.prog;
      args.retAddr(prog ? prog.address + structs.of('bpf_prog').offset('insnsi') : 0);
    });
  }
  save() {
    const { context, data, caller, interrupted } = {
      context: this.#context,
      data: this.#data,
      caller: this.#caller,
      interrupted: this.#interrupted,
    };
    const running = this.#running;
    return capture({ active: this.#active, counted: this.#counted, context, data, caller, interrupted, running });
  }
  restore(state: ReturnType<Samplers['save']>): void {
    const { context, data, caller, interrupted, running } = state.back();
    this.#running = running;
    this.#context = context;
    this.#data = data;
    this.#caller = caller;
    this.#interrupted = interrupted;
  }

  /** Without a period or a frequency nothing is ever sampled. */
  attach(prog: ProgRef, type: string, sampling: Sampling): ProbeLink {
    const { slab, cpus, clock, sched } = this.#kernel;
    const { freq, samplePeriod, config = PERF_COUNT_SW.CPU_CLOCK, cpu = -1 } = sampling;
    const isClock = config === PERF_COUNT_SW.CPU_CLOCK || config === PERF_COUNT_SW.TASK_CLOCK;
    const period = freq ? (isClock ? Math.floor(1e9 / freq) : 1) : (samplePeriod ?? 0);
    const on = cpu >= 0 ? [cpu] : Array.from({ length: cpus }, (_, n) => n);
    const sampler: Sampler = {
      prog,
      config,
      timers: isClock && period >= 1 ? on.map(() => sched.timers.make('perf_swevent_hrtimer')) : [],
      period,
      count: 0,
      hits: 0,
      only: sampling.only ?? (() => true),
      since: clock.now,
      event: sampling.event ?? slab.kmalloc(64),
    };
    this.#active.push(sampler);
    sampler.timers.forEach((at, n) => {
      sched.timers.start(at, on[n] as number, clock.now + period, period);
    });
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
        if (at < 0) return;
        this.#active.splice(at, 1);
        for (const timer of sampler.timers) {
          sched.timers.cancel(timer);
          slab.kfree(timer);
        }
      },
    };
  }

  /** Counter and time of the event whose program runs; undefined where none does. */
  get running(): { readonly count: number; readonly enabledNs: number } | undefined {
    const s = this.#running;
    return s && { count: s.hits * s.period, enabledNs: this.#kernel.clock.now - s.since };
  }
  #of(event: Addr): Sampler | undefined {
    return event === 0 ? undefined : this.#active.find((s) => s.event === event);
  }
  /** The event of a timer that has expired; 0 where what it finds is none of the event's. */
  #sampled(timer: Addr): Addr {
    const sampler = this.#active.find((s) => s.timers.includes(timer));
    return sampler?.only() ? sampler.event : 0;
  }
  /** It has happened once more. */
  #count(config: number): void {
    for (const sampler of this.#active) {
      if (sampler.config !== config || sampler.timers.length > 0 || !sampler.only()) continue;
      if (++sampler.count < sampler.period) continue;
      sampler.count = 0;
      this.#counted.push(sampler);
    }
  }
  /** `struct perf_sample_data`: the period that the sample stands for */
  #sampleData(event: Addr, _regs: Addr): Addr {
    const { memory, structs, slab } = this.#kernel;
    const layout = structs.of('perf_sample_data');
    if (this.#data === 0) this.#data = slab.kmalloc(layout.size);
    memory.writeU64(this.#data + layout.offset('period'), BigInt(Math.round(this.#of(event)?.period ?? 0)));
    return this.#data;
  }
  #contextOf(event: Addr, data: Addr, regs: Addr): Addr {
    const { memory, structs, slab } = this.#kernel;
    const layout = structs.of('bpf_perf_event_data_kern');
    if (this.#context === 0) this.#context = slab.kmalloc(layout.size);
    const at = this.#context;
    memory.writeAddr(at + layout.offset('regs'), regs);
    memory.writeAddr(at + layout.offset('data'), data);
    memory.writeAddr(at + layout.offset('event'), event);
    return at;
  }
  /** `perf_fetch_caller_regs` */
  #callerRegs(): Addr {
    const { memory, structs, slab, cpu } = this.#kernel;
    const layout = structs.of('pt_regs');
    if (this.#caller === 0) this.#caller = slab.kmalloc(layout.size);
    const at = this.#caller;
    memory.writeAddr(at + layout.offset('ip'), cpu.rip);
    memory.writeAddr(at + layout.offset('sp'), cpu.reg(RSP));
    memory.writeAddr(at + layout.offset('bp'), cpu.reg(RBP));
    memory.writeU16(at + layout.offset('cs'), KERNEL_CS);
    return at;
  }
}
