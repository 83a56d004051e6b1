/**
 * Trace events: what a tracepoint passes, and the record that its perf handler makes of it
 * (Linux 6.12 Documentation/trace/events.rst; record formats as /sys/kernel/tracing/events has them).
 */

import type { Addr } from '../../src/machine/addr.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/platform/index.ts';
import { eventFormats, eventIds } from '../data/events.ts';
import { EVENT_NAMES, eventClass } from '../data/tracepoints.ts';
import type { TextFloor } from '../floors/text.ts';
import type { Tasks } from '../task/tasks.ts';

interface FieldRow {
  readonly offset: number;
  readonly size: number;
}
interface Format {
  readonly fields: ReadonlyMap<string, FieldRow>;
  readonly size: number;
}

let ids: Map<string, number> | undefined;
/** `category:event` to the id that /sys/kernel/tracing/events shows. */
export function eventId(name: string): number | undefined {
  ids ??= new Map(
    eventIds
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string])
      .map(([event, id]) => [event, Number(id)]),
  );
  return ids.get(name);
}
/** All events that Linux 6.12 has, for near matches. */
export function eventNames(): string[] {
  eventId('');
  return [...(ids as Map<string, number>).keys()];
}

let formats: Map<string, Format> | undefined;
/** Record format of a modelled event, by its name without category. */
export function eventFormat(event: string): Format | undefined {
  formats ??= new Map(
    eventFormats
      .trim()
      .split('\n')
      .map((line) => {
        const [name, ...fields] = line.split(' ') as [string, ...string[]];
        const rows = new Map<string, FieldRow>();
        let size = 8;
        for (const f of fields) {
          const m = /^(\w+):(data_loc|[su]\d+)@(\d+)$/.exec(f);
          if (!m) continue;
          const bytes = m[2] === 'data_loc' ? 4 : Number((m[2] as string).slice(1));
          const offset = Number(m[3]);
          rows.set(m[1] as string, { offset, size: bytes });
          size = Math.max(size, offset + bytes);
        }
        return [name.slice(name.indexOf(':') + 1), { fields: rows, size: Math.ceil(size / 8) * 8 }];
      }),
  );
  return formats.get(event) ?? formats.get(EVENT_NAMES.find((e) => eventClass(e) === event && formats?.has(e)) ?? '');
}

/** Lays out event records in guest memory; one buffer per nesting level of events. */
export class EventRecords {
  readonly #kernel: TextFloor & { readonly tasks: Tasks };
  readonly #buffers: Addr[] = [];
  #turn = 0;
  constructor(kernel: TextFloor & { readonly tasks: Tasks }) {
    this.#kernel = kernel;
    for (const event of EVENT_NAMES) {
      kernel.text.hypercall(`record ${event}`, () => kernel.args.retAddr(this.make(event)));
    }
  }
  save() {
    return { buffers: this.#buffers.slice(), turn: this.#turn };
  }
  restore({ buffers, turn }: ReturnType<EventRecords['save']>): void {
    this.#buffers.splice(0, this.#buffers.length, ...buffers);
    this.#turn = turn;
  }

  /** The record of an event whose arguments are in the registers behind the first. */
  make(event: string): Addr {
    const { args, memory, tasks, slab, context } = this.#kernel;
    const at = (this.#buffers[this.#turn] ??= slab.kmalloc(2048));
    this.#turn = (this.#turn + 1) & 3;
    const format = eventFormat(event);
    memory.fillBytes(at, 0, Math.min(2048, (format?.size ?? 8) + 8));
    memory.writeU32(at, (eventId(`sched:${event}`) ?? 0) | (context.preemptCount << 24));
    memory.writeU32(at + 4, tasks.current.pid);
    if (!format) return at;
    let tail = format.size;
    const field = (name: string): FieldRow | undefined => format.fields.get(name);
    const put32 = (name: string, value: number): void => {
      const f = field(name);
      if (f) f.size === 2 ? memory.writeU16(at + f.offset, value) : memory.writeU32(at + f.offset, value >>> 0);
    };
    const putAddr = (name: string, value: Addr): void => {
      const f = field(name);
      if (f) memory.writeAddr(at + f.offset, value);
    };
    const putBytes = (name: string, bytes: Uint8Array): void => {
      const f = field(name);
      if (f) memory.writeBytes(at + f.offset, bytes.subarray(0, f.size));
    };
    /** __data_loc: length << 16 | offset, the bytes behind the record */
    const putString = (name: string, text: string): void => {
      const f = field(name);
      if (!f) return;
      const bytes = encodeUtf8(`${text}\0`).subarray(0, 1024);
      memory.writeU32(at + f.offset, ((bytes.length << 16) | tail) >>> 0);
      memory.writeBytes(at + tail, bytes);
      tail += bytes.length;
    };
    const comm = (task: Addr): Uint8Array => {
      const t = tasks.at(task);
      return t ? memory.readBytes(t.field('comm'), 16) : new Uint8Array(16);
    };
    const task = (n: number) => tasks.at(args.addr(n));
    const text = (at: Addr): string => {
      try {
        return decodeUtf8(memory.readCString(at, 1023));
      } catch {
        return '';
      }
    };
    const { structs } = this.#kernel;
    switch (event) {
      case 'sys_enter': {
        const regs = structs.of('pt_regs');
        putAddr('id', args.lo(2));
        const f = field('args');
        if (f) {
          ['di', 'si', 'dx', 'r10', 'r8', 'r9'].forEach((r, n) => {
            memory.writeBytes(at + f.offset + 8 * n, memory.readBytes(args.addr(1) + regs.offset(r), 8));
          });
        }
        break;
      }
      case 'sys_exit': {
        const regs = structs.of('pt_regs');
        putAddr('id', memory.readS32(args.addr(1) + regs.offset('orig_ax')));
        const f = field('ret');
        if (f) memory.writeU64(at + f.offset, args.big(2));
        break;
      }
      case 'sched_process_exec': {
        const bprm = structs.of('linux_binprm');
        putString('filename', text(memory.readAddr(args.addr(3) + bprm.offset('filename'))));
        put32('pid', task(1)?.pid ?? 0);
        put32('old_pid', args.lo(2));
        break;
      }
      case 'sched_process_fork':
        putBytes('parent_comm', comm(args.addr(1)));
        put32('parent_pid', task(1)?.pid ?? 0);
        putBytes('child_comm', comm(args.addr(2)));
        put32('child_pid', task(2)?.pid ?? 0);
        break;
      case 'sched_process_template':
        putBytes('comm', comm(args.addr(1)));
        put32('pid', task(1)?.pid ?? 0);
        put32('prio', 120);
        break;
      case 'sched_wakeup_template':
        putBytes('comm', comm(args.addr(1)));
        put32('pid', task(1)?.pid ?? 0);
        put32('prio', 120);
        put32('target_cpu', context.cpu);
        break;
      case 'sched_switch':
        putBytes('prev_comm', comm(args.addr(2)));
        put32('prev_pid', task(2)?.pid ?? 0);
        put32('prev_prio', 120);
        putAddr('prev_state', args.lo(4));
        putBytes('next_comm', comm(args.addr(3)));
        put32('next_pid', task(3)?.pid ?? 0);
        put32('next_prio', 120);
        break;
      case 'task_newtask':
        put32('pid', task(1)?.pid ?? 0);
        putBytes('comm', comm(args.addr(1)));
        putAddr('clone_flags', args.lo(2));
        break;
      case 'task_rename':
        put32('pid', task(1)?.pid ?? 0);
        putBytes('oldcomm', comm(args.addr(1)));
        putBytes('newcomm', encodeUtf8(text(args.addr(2)).split('/').at(-1)?.slice(0, 15) ?? ''));
        break;
      case 'signal_generate':
        put32('sig', args.lo(1));
        putBytes('comm', comm(args.addr(3)));
        put32('pid', task(3)?.pid ?? 0);
        put32('group', args.lo(4));
        put32('result', args.lo(5));
        break;
      case 'inet_sock_set_state': {
        const sk = args.addr(1);
        const sock = structs.of('sock');
        putAddr('skaddr', sk);
        put32('oldstate', args.lo(2));
        put32('newstate', args.lo(3));
        if (sk === 0) break;
        const at16 = (path: string): number => memory.readU16(sk + sock.offset(path));
        put32('sport', at16('__sk_common.skc_num'));
        const dport = at16('__sk_common.skc_dport');
        put32('dport', ((dport & 0xff) << 8) | (dport >> 8));
        put32('family', at16('__sk_common.skc_family'));
        put32('protocol', at16('sk_protocol'));
        putBytes('saddr', memory.readBytes(sk + sock.offset('__sk_common.skc_rcv_saddr'), 4));
        putBytes('daddr', memory.readBytes(sk + sock.offset('__sk_common.skc_daddr'), 4));
        break;
      }
    }
    return at;
  }
}
