/**
 * Events that are made by writing to kprobe_events and uprobe_events (Linux 6.12 Documentation/trace/kprobetrace.rst,
 * uprobetracer.rst). Each is an event of tracefs with an id, which perf_event_open(2) takes as any tracepoint's.
 */
import { ERRNO } from '../../core/errno.ts';

export interface DynamicEvent {
  readonly kind: 'kprobe' | 'uprobe';
  readonly group: string;
  readonly event: string;
  readonly id: number;
  readonly isReturn: boolean;
  /** function or address as it was given; of an uprobe the path */
  readonly place: string;
  /** bytes from the function's start; of an uprobe in the file */
  readonly offset: number;
  /** instances of a return probe that may be under way at once */
  readonly maxActive: number;
  /** `name=fetch` each */
  readonly args: readonly string[];
}

/** [p|r][MAXACTIVE][:[GROUP/][EVENT]] PLACE[+OFFSET] [ARGS], or -:[GROUP/]EVENT */
const LINE = /^([pr])(\d*)(?::(?:([A-Za-z_]\w*)\/)?([A-Za-z_]\w*)?)?\s+(\S+)((?:\s+\S+)*)\s*$/;
const REMOVE = /^-:(?:([A-Za-z_]\w*)\/)?([A-Za-z_]\w*)\s*$/;
const MIN_ACTIVE = 10;
const PLACE = /^(.+?)(?:\+(0x[0-9a-f]+|\d+))?$/i;

export class DynamicEvents {
  readonly #kind: DynamicEvent['kind'];
  readonly #group: string;
  readonly #isPlace: (place: string, offset: number) => boolean;
  readonly #nextId: () => number;
  readonly #maxActive: number;
  readonly #events: DynamicEvent[] = [];
  /** `isPlace`: whether something can be probed there. `nextId`: numbers above those of the kernel's own events */
  constructor(
    kind: DynamicEvent['kind'],
    isPlace: (place: string, offset: number) => boolean,
    nextId: () => number,
    cpus: number,
  ) {
    this.#kind = kind;
    this.#group = `${kind}s`;
    this.#isPlace = isPlace;
    this.#nextId = nextId;
    this.#maxActive = Math.max(MIN_ACTIVE, 2 * cpus);
  }
  save(): readonly DynamicEvent[] {
    return [...this.#events];
  }
  restore(events: readonly DynamicEvent[]): void {
    this.#events.splice(0, this.#events.length, ...events);
  }

  all(): readonly DynamicEvent[] {
    return this.#events;
  }
  byId(id: number): DynamicEvent | undefined {
    return this.#events.find((e) => e.id === id);
  }
  /** What the file says: a line an event. */
  text(): string {
    return this.#events.map((e) => `${lineOf(e)}\n`).join('');
  }
  /** Takes lines, up to the first that cannot be taken; 0 or -errno. */
  write(text: string): number {
    for (const raw of text.split(/[\n;]/)) {
      const line = raw.replace(/#.*/, '').trim();
      const result = line === '' ? 0 : this.#line(line);
      if (result < 0) return result;
    }
    return 0;
  }
  clear(): number {
    this.#events.length = 0;
    return 0;
  }
  #line(line: string): number {
    const removed = REMOVE.exec(line);
    if (removed) {
      const [, group = this.#group, event] = removed;
      const at = this.#events.findIndex((e) => e.group === group && e.event === event);
      if (at < 0) return -ERRNO.ENOENT;
      this.#events.splice(at, 1);
      return 0;
    }
    const parsed = LINE.exec(line);
    if (!parsed) return -ERRNO.EINVAL;
    const [, letter, most, group = this.#group, name, where = '', rest = ''] = parsed;
    const [, place = '', digits = '0'] =
      (this.#kind === 'uprobe' ? /^(.+):(0x[0-9a-f]+|\d+)$/i : PLACE).exec(where) ?? [];
    const offset = Number(digits);
    if (place === '' || !this.#isPlace(place, offset)) return -ERRNO.EINVAL;
    const isReturn = letter === 'r';
    const event = name ?? `${letter}_${place.replace(/\W/g, '_').slice(-50)}_${offset}`;
    if (this.#events.some((e) => e.group === group && e.event === event)) return -ERRNO.EEXIST;
    const args = rest.split(/\s+/).filter(Boolean);
    this.#events.push({
      kind: this.#kind,
      group,
      event,
      id: this.#nextId(),
      isReturn,
      place,
      offset,
      args: named(args),
      maxActive: Number(most) || this.#maxActive,
    });
    return 0;
  }
}

/** An argument without a name is arg1, arg2 … */
const named = (args: readonly string[]): string[] =>
  args.map((arg, n) => (/^\w+=/.test(arg) ? arg : `arg${n + 1}=${arg}`));

function lineOf({ kind, group, event, isReturn, place, offset, args, maxActive }: DynamicEvent): string {
  const where =
    kind === 'uprobe'
      ? `${place}:0x${offset.toString(16).padStart(16, '0')}`
      : offset > 0 || !isReturn
        ? `${place}${offset > 0 ? `+${offset}` : ''}`
        : place;
  return [`${isReturn ? (kind === 'kprobe' ? `r${maxActive}` : 'r') : 'p'}:${group}/${event} ${where}`, ...args].join(
    ' ',
  );
}

const COMMON_BYTES = 8;

/** Its format file: the probed address, and the address it returns to; each argument 8 bytes. */
export function dynamicFormat({ event, id, isReturn, args }: DynamicEvent, common: string): string {
  const fields = isReturn ? ['__probe_func', '__probe_ret_ip'] : ['__probe_ip'];
  const rows: string[] = [];
  let at = COMMON_BYTES;
  const field = (type: string, name: string): void => {
    rows.push(`\tfield:${type} ${name};\toffset:${at};\tsize:8;\tsigned:${type === 's64' ? 1 : 0};\n`);
    at += 8;
  };
  for (const name of fields) field('unsigned long', name);
  const shown = [isReturn ? '(%lx <- %lx)' : '(%lx)'];
  for (const arg of args) {
    const [name, fetch] = arg.split('=') as [string, string];
    // a return value is shown as a number, everything else as an address
    const isValue = fetch === '$retval';
    field(isValue ? 's64' : 'u64', name);
    shown.push(`${name}=${isValue ? '%Ld' : '0x%Lx'}`);
    fields.push(name);
  }
  const printed = `"${shown.join(' ')}", ${fields.map((n) => `REC->${n}`).join(', ')}`;
  return `name: ${event}\nID: ${id}\n${common}${rows.join('')}\nprint fmt: ${printed}\n`;
}
