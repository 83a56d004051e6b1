/** Format files of all trace events of Linux 6.12.117, as /sys/kernel/tracing/events has them. */
import { eventFormatsData } from './builtin.ts';

/** What every event begins with (Linux 6.12 Documentation/trace/events.rst). */
export const COMMON_FIELDS = `format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

`;

let events: Map<string, Map<string, string>> | undefined;

/** Category to event to format file. Facts of one kernel version, unpacked when a file of tracefs is first opened. */
export function allEventFormats(): ReadonlyMap<string, ReadonlyMap<string, string>> {
  if (events) return events;
  events = new Map();
  for (const part of eventFormatsData().split(/^== /m).slice(1)) {
    const end = part.indexOf('\n');
    const [category = '', event = ''] = part.slice(0, end).split('/');
    let of = events.get(category);
    if (!of) events.set(category, (of = new Map()));
    of.set(event, part.slice(end + 1).replace('@', COMMON_FIELDS));
  }
  return events;
}

/** A line of a format file: `field:char comm[16];	offset:8;	size:16;	signed:0;`. */
export interface FormatField {
  readonly name: string;
  /** what stands in front of the name */
  readonly type: string;
  readonly isArray: boolean;
  /** in the record, bytes */
  readonly offset: number;
  readonly size: number;
}

const FIELD = /field:([^;]*?)(\w+)(\[[^\]]*\])?;\s*offset:(\d+);\s*size:(\d+);/g;

/** The fields of a format file, those of every event first. */
export const formatFields = (text: string): FormatField[] =>
  Array.from(text.matchAll(FIELD), ([, type = '', name = '', array, offset, size]) => ({
    name,
    type,
    isArray: array !== undefined,
    offset: Number(offset),
    size: Number(size),
  }));

/** Whether it is one of {@link COMMON_FIELDS}. */
export const isCommon = ({ name }: FormatField): boolean => name.startsWith('common_');
