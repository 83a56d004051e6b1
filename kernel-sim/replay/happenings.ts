/**
 * Events of a recording that are no system calls: what each makes happen. A row says with which fields an event calls
 * which function of the kernel, where its tracepoint is on the way, and whether a task or an interrupt does.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { PAGE_SIZE } from '../core/layout.ts';
import type { PlacesFloor } from '../floors/places.ts';
import { Disks } from './disks.ts';
import { recordedArgs, recordedFill } from './recorded-event.ts';
import type { TraceEvent } from './trace.ts';

export interface Happening {
  readonly by: 'task' | 'interrupt';
  /** a function of the kernel, by its name or its address */
  readonly call: string | Addr;
  /** those that go in registers */
  readonly args: readonly Addr[];
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

/** They are about a task or a page of which the recording may tell nothing else. */
const NAMES_OTHERS: ReadonlySet<string> = new Set(['signal_generate', 'mark_victim', 'mm_migrate_pages_start']);

/** What lines beside these tell makes them happen, or time does. */
export const IMPLIED =
  /^(sched_(wakeup_new|stat_\w+|migrate_task|process_(wait|free|hang))|task_(newtask|rename)|local_timer_\w+|reschedule_\w+|call_function_\w+|hrtimer_\w+|softirq_raise|block_(getrq|io_\w+|plug|unplug|rq_\w+)|rcu_\w+|print|bprint|tracing_mark_write|console)$/;

export class Happenings {
  readonly kernel: PlacesFloor;
  readonly disks: Disks;
  #oom: Addr = 0;
  constructor(kernel: PlacesFloor) {
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
  /** Nothing but its record is known of the event, and nobody but who is current lets it happen. */
  isRecord({ event }: TraceEvent): boolean {
    return !(event in ROWS) && !IMPLIED.test(event);
  }
  /**
   * What an event makes happen; undefined where that has happened already. An event that nothing here causes happens by
   * its record alone, and so does any as long as the recording has no calls that could be its cause.
   */
  of(event: TraceEvent, calls: number): Happening | undefined {
    const { event: name, fields } = event;
    const made = ROWS[name]?.((of) => fields[of] ?? '', this, event);
    if (made !== undefined || (name in ROWS && !NAMES_OTHERS.has(name))) return made;
    const { kernel } = this;
    const isCaused = !(name in ROWS) && (calls > 0 || IMPLIED.test(name)) && kernel.probes.fires(`:${name}`);
    if (isCaused) return undefined;
    const call = kernel.probes.recorded(name, () => recordedFill(kernel, name, fields));
    return call === undefined ? undefined : { by: 'task', call, args: [0, ...recordedArgs(kernel, name, fields)] };
  }
}
