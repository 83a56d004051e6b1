/** Ids and record formats of trace events, as /sys/kernel/tracing/events has them (Linux 6.12 Documentation/trace/events.rst). */
import { allEventFormats, formatFields, isCommon } from '../data/event-formats.ts';
import { eventFormats, eventIds } from '../data/events.ts';
import { EVENT_NAMES, eventClass } from '../data/tracepoints.ts';

interface FieldRow {
  readonly offset: number;
  readonly size: number;
}
export interface Format {
  /** with its category: `net:net_dev_queue` */
  readonly name: string;
  readonly fields: ReadonlyMap<string, FieldRow>;
  /** where the last field ends: programs may not look further (trace_event_get_offsets()) */
  readonly end: number;
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
let names: Map<number, string> | undefined;
/** `category:event` with the id. */
export function eventById(id: number): string | undefined {
  eventId('');
  names ??= new Map([...(ids as Map<string, number>)].map(([name, n]) => [n, name]));
  return names.get(id);
}
/** All events that Linux 6.12 has, for near matches. */
export function eventNames(): string[] {
  eventId('');
  return [...(ids as Map<string, number>).keys()];
}

let formats: Map<string, Format> | undefined;
let others: Map<string, Format> | undefined;
/** Record format of any event, by its name without category, from its format file. */
function anyFormat(event: string): Format | undefined {
  if (others === undefined) {
    others = new Map();
    for (const [category, events] of allEventFormats())
      for (const [name, text] of events)
        if (!others.has(name)) others.set(name, parseFormat(`${category}:${name}`, text));
  }
  return others.get(event);
}
function parseFormat(name: string, text: string): Format {
  const fields = new Map<string, FieldRow>();
  let end = 8;
  for (const field of formatFields(text)) {
    const { offset, size } = field;
    if (!isCommon(field)) fields.set(field.name, { offset, size });
    end = Math.max(end, offset + size);
  }
  return { name, fields, end, size: Math.ceil(end / 8) * 8 };
}

/** Record format of an event, by its name without category. */
export function eventFormat(event: string): Format | undefined {
  formats ??= new Map(
    eventFormats
      .trim()
      .split('\n')
      .map((line) => {
        const [name, ...fields] = line.split(' ') as [string, ...string[]];
        const rows = new Map<string, FieldRow>();
        let end = 8;
        for (const f of fields) {
          const m = /^(\w+):(data_loc|[su]\d+)@(\d+)$/.exec(f);
          if (!m) continue;
          const bytes = m[2] === 'data_loc' ? 4 : Number((m[2] as string).slice(1));
          const offset = Number(m[3]);
          rows.set(m[1] as string, { offset, size: bytes });
          end = Math.max(end, offset + bytes);
        }
        return [name.slice(name.indexOf(':') + 1), { name, fields: rows, end, size: Math.ceil(end / 8) * 8 }];
      }),
  );
  const own =
    formats.get(event) ?? formats.get(EVENT_NAMES.find((e) => eventClass(e) === event && formats?.has(e)) ?? '');
  return own ?? (EVENT_NAMES.includes(event) ? undefined : anyFormat(event));
}
