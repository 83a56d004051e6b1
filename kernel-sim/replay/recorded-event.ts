/**
 * Events that happen because a recording tells of them: arguments of the tracepoint are the fields that the line has, as
 * the event's `print fmt` prints them (Linux 6.12 Documentation/trace/events.rst). Flags are named there, each with its bits.
 */
import { allEventFormats } from '../data/event-formats.ts';
import { tracepointRow } from '../data/tracepoints.ts';

const NUMBER = /^-?(0x[0-9a-f]{1,13}|\d{1,15})$/i;
/** `{( unsigned long)((( gfp_t)(1UL << (6))) | ...), "GFP_NOFS"}` */
const FLAG = /\{([^{}"]*), "(\w+)"\}/g;

/** Facts of one kernel version, read off when an event is first recorded with flags. */
const known = new Map<string, ReadonlyMap<string, number>>();

/** Bits of the flags that an event prints by name. */
function flagsOf(event: string): ReadonlyMap<string, number> {
  const before = known.get(event);
  if (before) return before;
  const out = new Map<string, number>();
  known.set(event, out);
  for (const events of allEventFormats().values()) {
    for (const [, bits = '', name = ''] of (events.get(event) ?? '').matchAll(FLAG)) {
      let value = 0;
      for (const [, shift] of bits.matchAll(/<< \((\d+)\)/g)) value |= 1 << Number(shift);
      out.set(name, value >>> 0);
    }
  }
  return out;
}

function value(event: string, text: string): number {
  if (NUMBER.test(text)) return Number(text);
  const flags = flagsOf(event);
  return (
    text.split('|').reduce((sum, name) => sum | (NUMBER.test(name) ? Number(name) : (flags.get(name) ?? 0)), 0) >>> 0
  );
}

/** The arguments of an event's tracepoint, in their order. */
export function recordedArgs(event: string, field: (name: string) => string): number[] {
  const out: number[] = [];
  for (const [name, source] of Object.entries(tracepointRow(event)?.fields ?? {}))
    out[Number(source.split(' ')[1]) - 1] = value(event, field(name));
  return out;
}
