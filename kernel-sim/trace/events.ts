/** Records of trace events in guest memory: what perf handlers of tracepoints give their programs. */

import type { Addr } from '../../src/machine/addr.ts';
import { EVENT_NAMES, tracepointRow } from '../data/tracepoints.ts';
import type { TextFloor } from '../floors/text.ts';
import type { Tasks } from '../task/tasks.ts';
import { eventFormat, eventId } from './formats.ts';
import { type Fill, fillers, RECORD_BYTES } from './record.ts';

/** What making an event's record takes. */
interface RecordKind {
  readonly id: number;
  readonly size: number;
  readonly fill: readonly Fill[];
}

/** Lays out event records in guest memory; one buffer per nesting level of events. */
export class EventRecords {
  readonly #kernel: TextFloor & { readonly tasks: Tasks };
  readonly #buffers: Addr[] = [];
  readonly #kinds = new Map<string, RecordKind>();
  #turn = 0;
  /** What somebody else says of the fields of an event, while they raise it; `whole`: the arguments say nothing more. */
  given: { readonly event: string; readonly fill: Fill; readonly whole?: boolean } | undefined;
  constructor(kernel: TextFloor & { readonly tasks: Tasks }) {
    this.#kernel = kernel;
    for (const event of EVENT_NAMES) {
      kernel.text.hypercall(`record ${event}`, () => kernel.args.retAddr(this.make(event)));
    }
  }
  save() {
    return { buffers: this.#buffers.slice(), turn: this.#turn, given: this.given };
  }
  restore({ buffers, turn, given }: ReturnType<EventRecords['save']>): void {
    this.given = given;
    this.#buffers.splice(0, this.#buffers.length, ...buffers);
    this.#turn = turn;
  }

  /** The record of an event whose arguments are in the registers behind the first. */
  make(event: string): Addr {
    const { memory, tasks, slab, context } = this.#kernel;
    const at = (this.#buffers[this.#turn] ??= slab.kmalloc(RECORD_BYTES));
    this.#turn = (this.#turn + 1) & 3;
    let kind = this.#kinds.get(event);
    if (kind === undefined) {
      kind = this.#kind(event);
      this.#kinds.set(event, kind);
    }
    memory.fillBytes(at, 0, Math.min(RECORD_BYTES, kind.size + 8));
    memory.writeU32(at, kind.id | (context.preemptCount << 24));
    memory.writeU32(at + 4, tasks.current.pid);
    const record = { at, tail: kind.size };
    const given = this.given?.event === event ? this.given : undefined;
    if (given?.whole !== true) for (const fill of kind.fill) fill(record);
    given?.fill(record);
    return at;
  }
  #kind(event: string): RecordKind {
    const format = eventFormat(event);
    return {
      id: eventId(format?.name ?? '') ?? 0,
      size: format?.size ?? 8,
      fill: format ? fillers(this.#kernel, event, tracepointRow(event)?.fields ?? {}, format) : [],
    };
  }
}
