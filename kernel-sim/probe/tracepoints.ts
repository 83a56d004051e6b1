/** Tracepoints: their list of probes in guest memory, and the programs behind them (Linux 6.12 Documentation/trace/tracepoints.rst). */

import { nearestText } from '../../src/errors/near.ts';
import type { Addr } from '../../src/machine/addr.ts';
import type { Stop } from '../../src/machine/index.ts';
import type { Pair } from '../core/args.ts';
import { KernelError } from '../core/errno.ts';
import { capture, reinstate } from '../core/state.ts';
import { WORK_EXECUTES } from '../core/work.ts';
import { syscallNamed } from '../data/syscalls.ts';
import { eventClass, isModelledEvent } from '../data/tracepoints.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import { bpfTrace, perfTrace, traceIter } from '../text/assembly/bpf.ts';
import type { Emit } from '../text/assembly/context.ts';
import { NOP5 } from '../text/trace-sites.ts';
import { EventRecords } from '../trace/events.ts';
import { eventFormat, eventNames } from '../trace/formats.ts';
import type { Fill } from '../trace/record.ts';
import { EventCall } from './guest.ts';
import type { ProbeLink, ProgRef } from './types.ts';

/** thread_info.syscall_work bit that makes entry and exit slow: SYSCALL_WORK_SYSCALL_TRACEPOINT */
const WORK_TRACEPOINT = 1 << 1;

interface Probe {
  readonly func: Addr;
  readonly data: Addr;
}

/** An event's record, for a perf event that counts it. */
export interface Happened {
  readonly record: Addr;
  /** bytes of it */
  readonly size: number;
  /** its registers are user space's */
  readonly isUser: boolean;
}
export type EventCounter = (happened: Happened) => void;

/** A `struct trace_event_call` and who is on it. */
interface Entry {
  readonly call: EventCall;
  probe: Probe | undefined;
  readonly counters: Set<EventCounter>;
}
const inUse = ({ call, counters }: Entry): boolean => call.count + counters.size > 0;

interface Place {
  readonly entry: Entry;
  /** the probe comes with the first who uses the entry, and goes with the last */
  readonly settle: () => void;
  /** the tracepoint that it hangs on */
  readonly site: string;
  /** where the last field ends */
  readonly end: number | undefined;
}

/** arguments of a tracepoint that go in registers behind the private one */
const MAX_ARGS = 5;

/** of syscalls events: struct syscall_trace_enter and _exit */
const SYSCALL_NR_END = 12;
const SYSCALL_ARGS = 16;
const SYSCALL_RET_END = 24;
const SYSCALLS = 'syscalls:sys_';
/** Where the fields of a system call's record end, and what it takes. */
function syscallRecord(key: string): { readonly end: number; readonly size: number } {
  const exit = key.startsWith(`${SYSCALLS}exit_`);
  const args = syscallNamed(key.slice(SYSCALLS.length + (exit ? 5 : 6)))?.args ?? 0;
  const end = exit ? SYSCALL_RET_END : args === 0 ? SYSCALL_NR_END : SYSCALL_ARGS + 8 * args;
  return { end, size: exit ? SYSCALL_RET_END : SYSCALL_ARGS + 8 * args };
}

/** perf_event_set_bpf_prog(): a program sees the fields of its event, and nothing behind them. @throws KernelError EACCES */
function sees(prog: ProgRef, event: string, end: number | undefined): void {
  const { maxCtxOffset = 0 } = prog;
  if (end === undefined || maxCtxOffset <= end) return;
  throw new KernelError(
    'EACCES',
    `${prog.name} reads ${maxCtxOffset} bytes of its context, but a record of ${event} has ${end}`,
  );
}

export class Tracepoints {
  readonly #kernel: ObjectFloor;
  readonly #probes = new Map<string, Probe[]>();
  readonly #calls = new Map<string, Entry>();
  /** attachments that are not detached */
  readonly #links = new Set<ProbeLink>();
  readonly #records: EventRecords;
  /** how many attachments need the syscall_work flag */
  #syscallUsers = 0;

  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
    this.#records = new EventRecords(kernel);
    kernel.text.hypercall('perf_tp_event', () => this.#happened(kernel.args.addr(0), kernel.args.addr(1)));
  }
  save() {
    return capture({
      records: this.#records,
      probes: this.#probes,
      calls: this.#calls,
      links: [...this.#links],
      syscallUsers: this.#syscallUsers,
    });
  }
  restore(state: ReturnType<Tracepoints['save']>): void {
    const { links, syscallUsers } = reinstate(state);
    this.#links.clear();
    for (const link of links) this.#links.add(link);
    this.#syscallUsers = syscallUsers;
  }

  get syscallWork(): number {
    return this.#syscallUsers > 0 ? WORK_TRACEPOINT : 0;
  }

  /** Event of the perf kind. @throws KernelError ENOENT, EOPNOTSUPP, EACCES; EEXIST where the program is there already */
  attach(prog: ProgRef, category: string, event: string, cookie: bigint): ProbeLink {
    const key = `${category}:${event}`;
    const { entry, settle, site, end } = this.#place(category, event);
    sees(prog, key, end);
    const added = entry.call.add(prog, cookie);
    settle();
    return this.#link('tracepoint', key, site, () => {
      entry.call.remove(added);
      settle();
    });
  }
  /** A perf event that counts it, where programs do not say 0. What is given back ends that. @throws KernelError as {@link attach} */
  count(category: string, event: string, counter: EventCounter): () => void {
    const { entry, settle } = this.#place(category, event);
    entry.counters.add(counter);
    entry.call.listeners = entry.counters.size;
    settle();
    return () => {
      if (!entry.counters.delete(counter)) return;
      entry.call.listeners = entry.counters.size;
      settle();
    };
  }
  /** perf_tp_event() */
  #happened(call: Addr, record: Addr): void {
    for (const [key, entry] of this.#calls) {
      if (entry.call.address !== call) continue;
      const isSyscall = key.startsWith(SYSCALLS);
      const size = isSyscall ? syscallRecord(key).size : (eventFormat(key.slice(key.indexOf(':') + 1))?.size ?? 0);
      for (const counter of [...entry.counters]) counter({ record, size, isUser: isSyscall });
      return;
    }
  }
  #entry(key: string): Entry {
    let entry = this.#calls.get(key);
    if (!entry) {
      entry = { call: new EventCall(this.#kernel), probe: undefined, counters: new Set() };
      this.#calls.set(key, entry);
    }
    return entry;
  }
  #place(category: string, event: string): Place {
    if (category === 'syscalls') return this.#syscall(event);
    this.#check(category, event);
    const entry = this.#entry(`${category}:${event}`);
    const settle = (): void =>
      this.#probe(entry, inUse(entry), event, `perf_trace_${eventClass(event)}`, entry.call.address);
    return { entry, settle, site: event, end: eventFormat(event)?.end };
  }
  /** Puts the probe of an entry into its tracepoint, or takes it out. */
  #probe(entry: Entry, wanted: boolean, event: string, func: string, data: Addr): void {
    if (wanted === (entry.probe !== undefined)) return;
    if (entry.probe) {
      this.#remove(event, entry.probe);
      entry.probe = undefined;
      return;
    }
    entry.probe = { func: this.#text(func), data };
    this.#add(event, entry.probe);
  }

  /**
   * Lets an event happen: its tracepoint's probes are called with these arguments, on the current task's stack.
   * @param fill writes the fields of the record that programs of type tracepoint get, after what the arguments give
   * @throws KernelError as {@link attach}
   */
  raise(event: string, args: readonly Pair[], fill: Fill): Stop {
    this.#check(undefined, event);
    const { text, machine } = this.#kernel;
    this.#records.given = { event: eventClass(event), fill };
    try {
      return machine.call(text.emitContext().sym(`__traceiter_${event}`), [[0, 0], ...args]);
    } finally {
      this.#records.given = undefined;
    }
  }

  /**
   * An event that a recording tells of comes next, with these fields, until {@link over}.
   * @returns where its probes are called, undefined where nobody is on it
   */
  recorded(event: string, fill: () => Fill): Addr | undefined {
    if ((this.#probes.get(event) ?? []).length === 0) return undefined;
    this.#records.given = { event: eventClass(event), fill: fill(), whole: true };
    return this.#text(`__traceiter_${event}`);
  }
  /** What was recorded has happened. */
  over(): void {
    this.#records.given = undefined;
  }

  /** Raw: ctx is the arguments. */
  attachRaw(prog: ProgRef, event: string, cookie: bigint): ProbeLink {
    this.#check(undefined, event);
    const { rcu, slab, memory, structs } = this.#kernel;
    const link = structs.of('bpf_raw_tp_link');
    const data = slab.kmalloc(link.size);
    memory.writeAddr(data + link.offset('link') + structs.of('bpf_link').offset('prog'), prog.address);
    memory.writeU64(data + link.offset('cookie'), cookie);
    const probe = { func: this.#text(`__bpf_trace_${eventClass(event)}`), data };
    this.#add(event, probe);
    return this.#link('raw_tracepoint', event, event, () => {
      this.#remove(event, probe);
      rcu.call(() => slab.kfree(data));
    });
  }

  /** sys_enter_X and sys_exit_X hang on raw_syscalls' tracepoints and pick their number from a table. */
  #syscall(event: string): Place {
    const m = /^sys_(enter|exit)_(\w+)$/.exec(event);
    const row = m && syscallNamed(m[2] as string);
    if (!m || !row || row.event !== m[2]) {
      const near = nearestText(`syscalls:${event}`, eventNames());
      throw new KernelError('ENOENT', `no tracepoint syscalls:${event}${near}`);
    }
    const exit = m[1] === 'exit';
    const site = exit ? 'sys_exit' : 'sys_enter';
    const table = this.#kernel.text.data(exit ? 'exit_calls' : 'enter_calls', 0);
    const key = `syscalls:${event}`;
    const entry = this.#entry(key);
    const settle = (): void => {
      this.#kernel.memory.writeAddr(table + 8 * row.nr, inUse(entry) ? entry.call.address : 0);
      const any = [...this.#calls].some(([k, c]) => k.startsWith(`syscalls:sys_${m[1]}_`) && inUse(c));
      this.#probe(this.#entry(`perf ${site}`), any, site, exit ? 'perf_syscall_exit' : 'perf_syscall_enter', 0);
    };
    return { entry, settle, site, end: syscallRecord(key).end };
  }

  #check(category: string | undefined, event: string): void {
    if (isModelledEvent(event) && (category === undefined || eventNames().includes(`${category}:${event}`))) return;
    const name = category === undefined ? event : `${category}:${event}`;
    const exists = eventNames().some((e) => (category === undefined ? e.endsWith(`:${event}`) : e === name));
    if (exists && this.#define(event)) return;
    if (exists)
      throw new KernelError(
        'EOPNOTSUPP',
        `the tracepoint ${name} is not modelled: it passes more arguments than go in registers`,
      );
    const near = nearestText(
      name,
      category === undefined ? eventNames().map((e) => e.slice(e.indexOf(':') + 1)) : eventNames(),
    );
    throw new KernelError('ENOENT', `no tracepoint ${name}${near}`);
  }
  /** Gives an event that kernel text has not the machinery of those that it has; false where it has too many arguments. */
  #define(event: string): boolean {
    const { text, args, btf } = this.#kernel;
    const id = btf.findByName(`btf_trace_${event}`, 'typedef');
    const typedef = id === 0 ? undefined : btf.typeById(id);
    const pointer = typedef?.kind === 'typedef' ? btf.typeById(typedef.type) : undefined;
    const proto = pointer?.kind === 'ptr' ? btf.typeById(pointer.type) : undefined;
    const count = proto?.kind === 'func_proto' ? proto.params.length - 1 : MAX_ARGS + 1;
    if (count > MAX_ARGS) return false;
    if (text.has(`__traceiter_${event}`)) return true;
    text.hypercall(`record ${event}`, () => args.retAddr(this.#records.make(event)));
    const define = (name: string, emit: Emit): void =>
      void text.define({ name: `${name}_${event}`, code: (asm) => emit(asm, text.emitContext()) });
    define('__traceiter', traceIter(event, count));
    define('perf_trace', perfTrace(event));
    define('__bpf_trace', bpfTrace(count));
    return true;
  }
  #text(name: string): Addr {
    const at = this.#kernel.text.emitContext().sym(name);
    this.#kernel.text.ensure(at, 1);
    return at;
  }

  #add(event: string, probe: Probe): void {
    const list = this.#probes.get(event) ?? [];
    list.push(probe);
    this.#probes.set(event, list);
    this.#publish(event, list);
    this.#kernel.text.ensureSites(event);
    this.#kernel.text.sites.enable(event);
    if (event === 'sys_enter' || event === 'sys_exit') {
      this.#syscallUsers++;
      this.#setWork();
    }
  }
  #remove(event: string, probe: Probe): void {
    const list = (this.#probes.get(event) ?? []).filter((p) => p !== probe);
    this.#probes.set(event, list);
    this.#publish(event, list);
    this.#kernel.text.sites.disable(event);
    if (event === 'sys_enter' || event === 'sys_exit') {
      this.#syscallUsers--;
      this.#setWork();
    }
  }
  #setWork(): void {
    for (const task of this.#kernel.tasks.all()) this.setWork(task.field('thread_info.syscall_work'));
  }
  /** New tasks inherit what is on. */
  setWork(at: Addr): void {
    const { memory } = this.#kernel;
    // what only the model knows stays
    memory.writeU64(at, (memory.readU64(at) & BigInt(WORK_EXECUTES)) | BigInt(this.syscallWork));
  }
  /** tp->funcs: an array ended by a null function. */
  #publish(event: string, list: readonly Probe[]): void {
    const { rcu, slab, memory, structs, text, symbols } = this.#kernel;
    const row = structs.of('tracepoint_func');
    const point = structs.of('tracepoint');
    const tp = symbols.address(`__tracepoint_${event}`) ?? text.data(`__tracepoint_${event}`, point.size);
    const at = tp + point.offset('funcs');
    const old = memory.readAddr(at);
    const funcs = list.length === 0 ? 0 : slab.kmalloc((list.length + 1) * row.size);
    list.forEach((p, n) => {
      memory.writeAddr(funcs + n * row.size + row.offset('func'), p.func);
      memory.writeAddr(funcs + n * row.size + row.offset('data'), p.data);
    });
    memory.writeAddr(at, funcs);
    if (old !== 0) rcu.call(() => slab.kfree(old));
  }
  #link(kind: 'tracepoint' | 'raw_tracepoint', symbol: string, event: string, undo: () => void): ProbeLink {
    const { sites } = this.#kernel.text;
    const site = sites.of(event)[0];
    const link: ProbeLink = {
      kind,
      symbol,
      address: site?.at ?? 0,
      offset: 0,
      before: NOP5.slice(),
      after: site ? this.#kernel.text.read(site.at, 5) : NOP5.slice(),
      via: 'static_key',
      hits: undefined,
      detach: () => {
        if (this.#links.delete(link)) undo();
      },
    };
    this.#links.add(link);
    return link;
  }
}
