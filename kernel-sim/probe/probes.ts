/** Attaching programs to kernel text: the one entrance to kprobes, trampolines and tracepoints. */

import type { Addr } from '../../src/machine/addr.ts';
import type { Stop } from '../../src/machine/index.ts';
import type { Pair } from '../core/args.ts';
import { Listeners } from '../core/listeners.ts';
import { capture, reinstate } from '../core/state.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { Fill } from '../trace/record.ts';
import { Ftrace } from './ftrace.ts';
import { Kprobes } from './kprobes.ts';
import { Samplers, type Sampling } from './samplers.ts';
import { type EventCounter, Tracepoints } from './tracepoints.ts';
import { Trampolines } from './trampolines.ts';
import type { KprobePoint, ProbeLink, ProgRef, TrampolinePoint, UprobePoint } from './types.ts';
import { Uprobes } from './uprobes.ts';

/** Helpers and kfuncs: which of them are called is for the programs to say. An `__x64_sys_` function for recordings. */
const BY_PROGRAMS = /^(_*bpf_(?!lsm_)|__x64_sys_)/;

export class Probes {
  readonly #kernel: ObjectFloor;
  #parts:
    | {
        readonly ftrace: Ftrace;
        readonly kprobes: Kprobes;
        readonly tracepoints: Tracepoints;
        readonly trampolines: Trampolines;
      }
    | undefined;
  /** A program whose run on a kprobe is left out because another program is at work. */
  readonly leftOut = new Listeners<[ProgRef]>();
  /** somebody is on a tracepoint that only recordings of it make happen: `category:event` */
  readonly silent = new Listeners<[string]>();
  readonly samplers: Samplers;
  readonly uprobes: Uprobes;
  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
    this.samplers = new Samplers(kernel);
    this.uprobes = new Uprobes(kernel);
    kernel.tasks.created.add((task) => this.#parts?.tracepoints.setWork(task.field('thread_info.syscall_work')));
    kernel.tasks.exited.add((task) => this.#parts?.kprobes.flush(task));
    kernel.text.hypercall('kprobe_missed', () => {
      const running = kernel.memory.readAddr(this.#own('current_kprobe'));
      this.#parts?.kprobes.hitWithin(kernel.args.addr(0), running, (prog) => this.leftOut.tell(prog));
    });
  }
  save() {
    return capture({ parts: this.#parts, samplers: this.samplers, uprobes: this.uprobes });
  }
  restore(state: ReturnType<Probes['save']>): void {
    this.#parts = reinstate(state).parts;
  }

  /** Made when the first program is attached. */
  get #all() {
    if (!this.#parts) {
      const ftrace = new Ftrace(this.#kernel);
      this.#parts = {
        ftrace,
        kprobes: new Kprobes(this.#kernel, ftrace),
        tracepoints: new Tracepoints(this.#kernel),
        trampolines: new Trampolines(this.#kernel, ftrace),
      };
    }
    return this.#parts;
  }
  /** Function entries that are patched now. */
  get patched(): readonly Addr[] {
    return this.#parts?.ftrace.patched ?? [];
  }
  /** kprobe or kretprobe. @throws KernelError ENOENT no such symbol; EINVAL blacklisted; EILSEQ not at an instruction */
  kprobe(prog: ProgRef, point: KprobePoint): ProbeLink {
    return this.#told(this.#all.kprobes.attach(prog, point));
  }
  /** Whether a kprobe can be there. @throws KernelError as {@link kprobe} */
  checkKprobe(point: KprobePoint): void {
    this.#all.kprobes.check(point);
  }
  /** fentry, fexit, fmod_ret, lsm. @throws KernelError ENOENT, EINVAL, E2BIG (more than 38 programs on one function) */
  trampoline(prog: ProgRef, point: TrampolinePoint): ProbeLink {
    const link = this.#all.trampolines.attach(prog, point);
    return typeof point.target === 'string' ? this.#told(link) : link;
  }
  /** A tracepoint's perf handler: ctx is the event's record, 8 bytes of common fields first. @throws KernelError ENOENT */
  /** A perf event that counts an event of a tracepoint. */
  countTracepoint(category: string, event: string, counter: EventCounter): () => void {
    return this.#all.tracepoints.count(category, event, counter);
  }
  tracepoint(prog: ProgRef, category: string, event: string, cookie = 0n): ProbeLink {
    return this.#toldEvent(this.#all.tracepoints.attach(prog, category, event, cookie), category, event);
  }
  /** Lets an event happen; see {@link Tracepoints.raise}. */
  raise(event: string, args: readonly Pair[], fill: Fill): Stop {
    return this.#all.tracepoints.raise(event, args, fill);
  }
  /** An event that a recording tells of; see {@link Tracepoints.recorded}. */
  recorded(event: string, fill: () => Fill): Addr | undefined {
    return this.#parts?.tracepoints.recorded(event, fill);
  }
  /** What was recorded has happened. */
  over(): void {
    this.#parts?.tracepoints.over();
  }
  /** raw_tp and tp_btf: ctx is the array of the tracepoint's arguments, u64 each. @throws KernelError ENOENT */
  rawTracepoint(prog: ProgRef, event: string, cookie = 0n): ProbeLink {
    return this.#toldEvent(this.#all.tracepoints.attachRaw(prog, event, cookie), '', event);
  }
  /** Whether a modelled path may come to a function of the kernel. */
  reaches(symbol: string): boolean {
    const { symbols, text } = this.#kernel;
    const at = symbols.address(symbol);
    return BY_PROGRAMS.test(symbol) || (at !== undefined && text.maker.reaches(at, symbol));
  }
  /** Whether a modelled path makes a tracepoint happen: `category:event`. */
  fires(name: string): boolean {
    return name.startsWith('syscalls:') || this.#kernel.text.maker.fires(name.slice(name.indexOf(':') + 1));
  }
  /** Says of a function that no modelled path calls that it is never hit. */
  #told(link: ProbeLink): ProbeLink {
    if (this.#kernel.symbols.address(link.symbol) === undefined || this.reaches(link.symbol)) return link;
    return Object.assign(link, { unreached: `nothing in the model calls ${link.symbol}` });
  }
  /** Says of a tracepoint that no body has that it never fires. */
  #toldEvent(link: ProbeLink, category: string, event: string): ProbeLink {
    if (this.fires(`${category}:${event}`)) return link;
    this.silent.tell(link.symbol);
    return Object.assign(link, { unreached: `nothing in the model makes the tracepoint ${link.symbol} happen` });
  }
  /** uprobe or uretprobe. @throws KernelError ENOENT no such file; EINVAL beyond its end; ENOTSUPP on an instruction that cannot be probed */
  uprobe(prog: ProgRef, point: UprobePoint): ProbeLink {
    return this.uprobes.attach(prog, point);
  }
  /** A sampling perf event. @throws KernelError EINVAL */
  sampler(prog: ProgRef, type: string, sampling: Sampling): ProbeLink {
    return this.samplers.attach(prog, type, sampling);
  }
  /** After an oops in the middle of a handler: no kprobe and no program runs any more. */
  reset(): void {
    const { memory } = this.#kernel;
    memory.writeAddr(this.#own('current_kprobe'), 0);
    memory.writeU32(this.#own('bpf_prog_active'), 0);
  }
  /** Address of this CPU's own variable. */
  #own(variable: string): Addr {
    const { percpu, text, context } = this.#kernel;
    return percpu.offset(context.cpu) + text.percpu(variable);
  }
}
