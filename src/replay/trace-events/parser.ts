/**
 * Recordings of trace events: `sys_enter` and `sys_exit` of any form become system calls, forks, execs and exits what
 * makes them where no call shows it. What the scheduler does follows from the calls; other events happen by their fields,
 * and of what is no event of Linux it is said once that it is not replayed.
 */
import {
  IMPLIED,
  type SyscallRow,
  syscallNamed,
  syscallNr,
  type TraceArg,
  type TraceStep,
} from '../../../kernel-sim/index.ts';
import { decodeUtf8, encodeUtf8 } from '../../platform/index.ts';
import { Lines } from '../lines.ts';
import { PID_MAX_LIMIT, PidSet } from '../pids.ts';
import { StackFunctions } from '../stack-functions.ts';
import type { RecordingParser } from '../stream.ts';
import { LineWarnings } from '../warnings.ts';
import { chainFrame } from './chain.ts';
import { eventFields, type Fields, switchFields } from './fields.ts';
import { type EventLine, readEventLine } from './line.ts';
import { CallOrder, type Lasting } from './order.ts';

/** What the model's own scheduler and calls bring about. */
const KILLS: ReadonlySet<string> = new Set(['kill', 'tkill', 'tgkill', 'rt_sigqueueinfo', 'rt_tgsigqueueinfo']);
/** states in which a task waits, as sched_switch prints them, and as the kernel has them */
const STATES: Readonly<Record<string, number>> = { S: 1, D: 2, I: 0x402 };
const FORKS: ReadonlySet<string> = new Set(['clone', 'clone3', 'fork', 'vfork']);
/** kinds of events of which it is said that they are not replayed */
const MOST_KINDS = 32;
/** ns; times beyond cannot be counted exactly */
const LONGEST = 2 ** 53;

/** events that last until another one of their CPU or task */
const LASTING: Readonly<Record<string, 'irq' | 'softirq' | 'migration'>> = {
  irq_handler_entry: 'irq',
  softirq_entry: 'softirq',
  mm_migrate_pages_start: 'migration',
};

export class TraceEventParser implements RecordingParser {
  readonly warnings = new LineWarnings();
  readonly epoch = undefined;
  readonly #lines = new Lines();
  readonly #order = new CallOrder();
  readonly #seen = new PidSet();
  readonly #born = new PidSet();
  readonly #kinds = new Set<string>();
  #first: readonly [seconds: number, nanoseconds: number] | undefined;
  #ended = false;
  /** interrupts whose handlers run and softirqs that are served, by CPU */
  readonly #irqs = new Map<number, Lasting>();
  readonly #softirqs = new Map<number, Lasting>();
  /** pages that are moved, by task */
  readonly #migrations = new Map<number, Lasting>();
  /** calls come as raw_syscalls' events */
  #raw: boolean | undefined;
  readonly #functions = new StackFunctions();
  readonly #ahead: TraceStep[] = [];
  /** it has call chains */
  #chains = false;
  /** who entered a system call in the line before, whose stack may follow */
  #entered: number | undefined;
  tasks = 0;

  push(chunk: Uint8Array): void {
    this.#lines.push(chunk);
  }
  end(): void {
    this.#ended = true;
    this.#lines.end();
  }
  next(): TraceStep | undefined {
    for (;;) {
      if (this.#ahead.length > 0) return this.#ahead.shift();
      const step = this.#order.give();
      if (step) {
        if (!this.#chains) return step;
        this.#ahead.push(...this.#functions.with(step));
        continue;
      }
      if (this.#lines.next()) this.#read();
      else if (!this.#ended || this.#order.ended) return undefined;
      else this.#order.ended = true;
    }
  }

  #read(): void {
    const { bytes, from, to, line } = this.#lines;
    if (this.#lines.isPassedOver(this.warnings)) return;
    const text = decodeUtf8(bytes, from, Math.min(to, from + (1 << 14)));
    if (text.trim() === '' || /^(#|cpus=|version = )/.test(text)) return;
    const frame = chainFrame(text);
    if (frame !== undefined) {
      this.#chains = true;
      if (frame && this.#entered !== undefined) this.#order.frame(this.#entered, frame);
      return;
    }
    const event = readEventLine(text);
    this.#entered = event?.event.startsWith('sys_enter') ? event.pid : undefined;
    if (!event) this.warnings.add(line, `no trace event: ${JSON.stringify(text.slice(0, 60))}`);
    else if (event.pid >= PID_MAX_LIMIT) this.warnings.add(line, 'its pid is none that a task can have');
    else this.#event(event, line);
  }

  #event(e: EventLine, line: number): void {
    this.#first ??= [e.seconds, e.nanoseconds];
    const time = Math.max(0, (e.seconds - this.#first[0]) * 1e9 + (e.nanoseconds - this.#first[1]));
    if (time > LONGEST) {
      this.warnings.add(line, 'its time is too large');
      return;
    }
    const call = /^sys_(enter|exit)(?:_(\w+))?$/.exec(e.event);
    if (call) {
      // where both raw_syscalls and syscalls were on, each call is there twice
      const raw = e.text.startsWith('NR ');
      this.#raw ??= raw;
      if (this.#raw !== raw) return;
      if (e.pid === 0) return;
      this.#appears(e, time);
      if (call[1] === 'enter') this.#enter(e, call[2], time, line);
      else this.#exit(e, time, line);
      return;
    }
    switch (e.event) {
      case 'sched_process_fork':
        if (e.pid === 0) break;
        this.#fork(e, time);
        break;
      case 'sched_process_exec':
        if (e.pid === 0) break;
        this.#appears(e, time);
        if (this.#order.isOpen(e.pid)) this.#order.args(e.pid, this.#exec(e, time).args);
        else this.#order.call(this.#exec(e, time));
        break;
      case 'sched_process_exit':
        if (e.pid === 0) break;
        this.#appears(e, time);
        this.#order.end(e.pid, time);
        break;
      case 'sched_switch':
        this.#switch(e, time, line);
        break;
      default:
        if (!this.#happens(e, time, line)) this.#other(e.event, line);
    }
  }
  /** Who stops running says why only where no call of its own does; who runs then may have no call either. */
  #switch(e: EventLine, time: number, line: number): void {
    const f = switchFields(e.text);
    if (!f) {
      this.warnings.add(line, 'a sched_switch whose fields cannot be read');
      return;
    }
    const [prev, next] = [Number(f['prev']), Number(f['next'])];
    const state = STATES[f['state'] ?? ''];
    this.#order.switchedFrom(prev, state);
    if (prev !== 0 && state !== undefined && !this.#order.isOpen(prev)) {
      this.#appears({ pid: prev, comm: e.comm }, time);
      this.#order.put({ kind: 'sleep', pid: prev, time, state, cpu: e.cpu });
    }
    if (next === 0 || next >= PID_MAX_LIMIT || this.#order.isOpen(next)) return;
    this.#appears({ pid: next, comm: f['comm'] ?? '<...>' }, time);
    this.#order.put({ kind: 'runs', pid: next, time, cpu: e.cpu });
  }
  /** An event that makes something happen beside calls; false for others. */
  #happens({ pid, comm, cpu, event, text }: EventLine, time: number, line: number): boolean {
    const fields = eventFields(event, text);
    if (fields === undefined) return false;
    if (fields === null) {
      if (!IMPLIED.test(event)) this.warnings.add(line, `a ${event} whose fields cannot be read`);
      return true;
    }
    if (pid !== 0) this.#appears({ pid, comm }, time);
    const step = { kind: 'event', event, pid, time, cpu, fields } as const;
    const put = (name: string, of: Fields): void => this.#order.event({ ...step, event: name, fields: of });
    const irq = this.#irqs.get(cpu);
    const lasting = LASTING[event];
    if (lasting === 'irq') this.#begins(this.#irqs, cpu, step);
    else if (lasting === 'softirq') this.#begins(this.#softirqs, cpu, step);
    else if (lasting === 'migration') this.#begins(this.#migrations, pid, step);
    else if (event === 'mm_migrate_pages') this.#ends(this.#migrations, pid, time);
    else if (event === 'irq_handler_exit') this.#ends(this.#irqs, cpu, time);
    else if (event === 'softirq_exit') this.#ends(this.#softirqs, cpu, time);
    else if (event === 'block_rq_complete') {
      // it happens at its time: the softirq in which it does is not waited for
      this.#ends(this.#softirqs, cpu, time);
      const { irq: line = '', name = '' } = irq?.event.fields ?? {};
      const of = irq ? { ...fields, irq: line, name } : fields;
      // the first one is what the interrupt does
      if (irq && irq.event.done === undefined) irq.event = { ...irq.event, event, fields: of, done: time };
      else put(event, of);
    } else if (event.startsWith('sched_wak')) {
      // who waits in a call is woken when that returns
      if (!this.#order.isOpen(Number(fields['pid']))) put(event, fields);
    } else if (event !== 'signal_generate' || (fields['sig'] !== '17' && !this.#order.isOpen(pid, KILLS)))
      put(event, fields);
    return true;
  }
  /** `by`: the CPU or task */
  #begins(of: Map<number, Lasting>, by: number, event: Lasting['event']): void {
    this.#ends(of, by, event.time);
    of.set(by, this.#order.lasting(event));
  }
  #ends(of: Map<number, Lasting>, by: number, time: number): void {
    const lasting = of.get(by);
    if (lasting === undefined) return;
    of.delete(by);
    lasting.event = { ...lasting.event, ends: time };
    lasting.known = true;
  }
  #other(event: string, line: number): void {
    if (IMPLIED.test(event) || this.#kinds.has(event) || this.#kinds.size >= MOST_KINDS) return;
    this.#kinds.add(event);
    this.warnings.add(line, `${event} and others of its kind are not replayed`);
  }
  #appears({ pid, comm }: Pick<EventLine, 'pid' | 'comm'>, time: number): void {
    if (pid === 0 || this.#seen.has(pid)) return;
    this.#seen.add(pid);
    this.tasks++;
    if (!this.#born.has(pid)) this.#order.put({ kind: 'task', pid, time, comm });
  }

  #enter(e: EventLine, named: string | undefined, time: number, line: number): void {
    const raw = /^NR (\d{1,4}) \(([^)]*)/.exec(e.text);
    const row: SyscallRow | undefined =
      named !== undefined ? syscallNamed(named) : raw ? syscallNr(Number(raw[1])) : undefined;
    if (!row) {
      this.warnings.add(line, `there is no system call '${named ?? e.text.slice(0, 20)}' on x86-64`);
      return;
    }
    const args = values(named === undefined ? (raw?.[2] ?? '') : e.text, named === undefined);
    const [flags] = args;
    this.#order.begin({
      kind: 'call',
      pid: e.pid,
      time,
      cpu: e.cpu,
      nr: row.nr,
      name: row.name,
      args,
      result: undefined,
      unfinished: false,
      ...(row.name === 'clone' && flags?.kind === 'int' ? { cloneFlags: flags.lo >>> 0 } : {}),
    });
  }
  #exit(e: EventLine, time: number, line: number): void {
    const m = /(?:^|= ?)(-?(?:0x)?[\da-f]{1,20})\s*$/i.exec(e.text.trim());
    const result = m ? number(m[1] as string, false) : undefined;
    if (!result) this.warnings.add(line, 'its result cannot be read');
    else if (!this.#order.finish(e.pid, time, result, e.cpu)) this.warnings.add(line, 'a call ends that no line began');
  }
  #fork(e: EventLine, time: number): void {
    const child = Number(/child_pid=(\d{1,7})/.exec(e.text)?.[1] ?? 0);
    this.#appears(e, time);
    if (child === 0 || child >= PID_MAX_LIMIT) return;
    this.#born.add(child);
    // the call that forks tells it itself, when it ends
    if (this.#order.isOpen(e.pid, FORKS)) return;
    const nr = syscallNamed('fork')?.nr as number;
    const result = { lo: child, hi: 0 };
    this.#order.call({ kind: 'call', pid: e.pid, time, nr, name: 'fork', args: [], result, unfinished: false });
  }
  #exec({ pid, text }: EventLine, time: number): Extract<TraceStep, { kind: 'call' }> {
    const path = encodeUtf8(/filename=(\S+)/.exec(text)?.[1] ?? '');
    const nr = syscallNamed('execve')?.nr as number;
    const args: TraceArg[] = [
      { kind: 'string', bytes: path },
      { kind: 'strings', list: [path] },
      { kind: 'strings', list: [] },
    ];
    return { kind: 'call', pid, time, nr, name: 'execve', args, result: { lo: 0, hi: 0 }, unfinished: false };
  }
}

/** `fd: 3, buf: 0x7ffd, count: 0x20`, or without names. */
function values(text: string, hex: boolean): TraceArg[] {
  return text
    .split(',', 6)
    .filter((piece) => piece.trim() !== '')
    .map((piece) => {
      const value = /(-?(?:0x)?[\da-f]{1,20})\s*(?:"|$)/i.exec(piece.slice(piece.indexOf(':') + 1).trim());
      return { kind: 'int', ...((value && number(value[1] as string, hex || !/0x/i.test(piece))) ?? { lo: 0, hi: 0 }) };
    });
}

/** 64 bits of a number; digits alone are hexadecimal where the form prints them so. */
function number(text: string, hex: boolean): { lo: number; hi: number } | undefined {
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  if (!/^0x/i.test(digits) && !hex && /[a-f]/i.test(digits)) return undefined;
  const value = BigInt(/^0x/i.test(digits) ? digits : hex ? `0x${digits}` : digits) * (negative ? -1n : 1n);
  return { lo: Number(BigInt.asIntN(32, value)), hi: Number(BigInt.asIntN(32, value >> 32n)) };
}
