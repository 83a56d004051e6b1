/**
 * Events of a recording that are no system calls: what each makes happen. A row says with which fields an event calls
 * which function of the kernel, where its tracepoint is on the way, and whether a task or an interrupt does.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { PAGE_SIZE } from '../core/layout.ts';
import { isRecordedEvent } from '../data/tracepoints.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import { Disks } from './disks.ts';
import { recordedArgs } from './recorded-event.ts';
import type { TraceEvent } from './trace.ts';

export interface Happening {
  readonly by: 'task' | 'interrupt';
  readonly call: string;
  readonly args: readonly [a: Addr, b?: number | undefined, c?: number | undefined];
  /** of an interrupt: number and name of its line */
  readonly line?: readonly [irq: number, name: string];
}

type Field = (name: string) => string;
type Row = (field: Field, happenings: Happenings, event: TraceEvent) => Happening | undefined;

/** TASK_NORMAL */
const NORMAL = 3;
const DISK_LINE = [25, 'virtio0-req.0'] as const;
const request = (f: Field, { disks }: Happenings): Addr =>
  disks.request(f('dev'), Number(f('sector')), Number(f('nr_sector')), f('rwbs'));

const wake: Row = (f, { kernel }, { pid }) => {
  const task = kernel.tasks.find(Number(f('pid')));
  if (task === undefined || task.queued || task.blocked) return undefined;
  task.wantedCpu = Number(f('target_cpu')) < kernel.cpus ? Number(f('target_cpu')) : undefined;
  return { by: pid === 0 ? 'interrupt' : 'task', call: 'try_to_wake_up', args: [task.address, NORMAL, 0] };
};

const ROWS: Readonly<Record<string, Row>> = {
  sched_waking: wake,
  sched_wakeup: wake,
  block_bio_queue: (f, h) => ({ by: 'task', call: 'submit_bio', args: [h.disks.bio(request(f, h))] }),
  block_rq_insert: (f, h) => ({ by: 'task', call: 'blk_mq_insert_request', args: [request(f, h)] }),
  block_rq_issue: (f, h) => ({ by: 'task', call: 'blk_mq_start_request', args: [request(f, h)] }),
  block_rq_complete: (f, h) => ({
    by: 'interrupt',
    call: 'blk_mq_end_request',
    args: [request(f, h), Number(f('error')) === 0 ? 0 : 10],
    line: [Number(f('irq')) || DISK_LINE[0], f('name') || DISK_LINE[1]],
  }),
  irq_handler_entry: (f) => ({
    by: 'interrupt',
    call: 'just_return_func',
    args: [0],
    line: [Number(f('irq')), f('name')],
  }),
  softirq_entry: (f, { kernel }) => {
    kernel.sched.softirqs.raise(Number(f('vec')));
    return { by: 'task', call: 'do_softirq', args: [0] };
  },
  signal_generate: (f, { kernel }) => {
    const target = kernel.tasks.find(Number(f('pid')));
    return target && { by: 'task', call: 'send_sig', args: [Number(f('sig')), target.address, 0] };
  },
  // who asks for memory is who finds that there is none
  mark_victim: (f, { kernel, oomControl }) => {
    const victim = kernel.tasks.find(Number(f('pid')));
    return victim && { by: 'task', call: 'out_of_memory', args: [oomControl(victim.address)] };
  },
  // NUMA balancing moves a page to the node of the task that uses it
  mm_migrate_pages_start: (f, { kernel }) =>
    f('reason') === 'numa_misplaced'
      ? { by: 'task', call: 'migrate_misplaced_folio', args: [kernel.files.pages.alloc(), 0, 0] }
      : undefined,
  signal_deliver: (f) => ({ by: 'task', call: 'get_signal', args: [Number(f('sig'))] }),
};

export class Happenings {
  readonly kernel: ObjectFloor;
  readonly disks: Disks;
  #oom: Addr = 0;
  constructor(kernel: ObjectFloor) {
    this.kernel = kernel;
    this.disks = new Disks(kernel);
    const { text, args, memory, structs } = kernel;
    text.maker.mayCall(['out_of_memory']);
    text.hypercall('oom_victim', () => {
      const oc = args.addr(0);
      args.retAddr(oc === 0 ? 0 : memory.readAddr(oc + structs.of('oom_control').offset('chosen')));
    });
  }
  save() {
    return { disks: this.disks.save(), oom: this.#oom };
  }
  restore(state: ReturnType<Happenings['save']>): void {
    this.disks.restore(state.disks);
    this.#oom = state.oom;
  }
  /** `struct oom_control` of the one who is killed. */
  readonly oomControl = (victim: Addr): Addr => {
    const { memory, slab, structs } = this.kernel;
    const at = structs.offsets('oom_control', ['chosen', 'totalpages']);
    this.#oom ||= slab.kmalloc(at.sizeof);
    memory.writeAddr(this.#oom + at.chosen, victim);
    memory.writeU64(this.#oom + at.totalpages, BigInt(memory.u8.length / PAGE_SIZE));
    return this.#oom;
  };
  /** What an event makes happen; undefined where that has happened already. */
  of(event: TraceEvent): Happening | undefined {
    const { event: name } = event;
    const field: Field = (of) => event.fields[of] ?? '';
    if (!isRecordedEvent(name)) return ROWS[name]?.(field, this, event);
    const [b, c] = recordedArgs(name, field);
    return { by: 'task', call: `__traceiter_${name}`, args: [0, b, c] };
  }
}
