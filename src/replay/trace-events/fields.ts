/** Fields of events that are no calls, as ftrace, trace-cmd and perf print them (the `print fmt` of each event's format file). */

import { printedFields } from './print-fmt.ts';

export type Fields = Readonly<Record<string, string>>;

const named = (text: string): Fields =>
  Object.fromEntries([...text.matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]));

const matched =
  (pattern: RegExp): ((text: string) => Fields | undefined) =>
  (text) =>
    pattern.exec(text)?.groups;

/** `254,0 RS 4096 () 0 + 8 be,0,4 [dd]`: bytes, the command and the priority are not there in each */
const BLOCK = matched(
  /^(?<dev>\d+,\d+) (?<rwbs>[A-Z]+) (?:\d+ )?(?:\([^)]*\) )?(?<sector>\d+) \+ (?<nr_sector>\d+)[^[]*\[(?<error>[^\]]*)\]/,
);
/** trace-cmd prints `bash:173 [120] CPU:001` where ftrace names the fields */
const wakeup = (text: string): Fields | undefined => {
  if (text.includes('pid=')) return named(text);
  return /:(?<pid>\d+) \[\d+\](?: success=\d)? CPU:(?<target_cpu>\d+)/.exec(text)?.groups;
};
const SWITCHES = [
  /prev_pid=(?<prev>\d+) .*prev_state=(?<state>[A-Z]\+?).* ==> next_comm=(?<comm>.*) next_pid=(?<next>\d+)/,
  /:(?<prev>\d+) \[\d+\] (?<state>[A-Z]\+?) ==> (?<comm>.*):(?<next>\d+) \[/,
];

/** `prev`, `state`, `next` and the next task's `comm` of a sched_switch. */
export function switchFields(text: string): Fields | undefined {
  for (const pattern of SWITCHES) {
    const m = pattern.exec(text);
    if (m?.groups) return m.groups;
  }
  return undefined;
}

const PARSERS: Readonly<Record<string, (text: string) => Fields | undefined>> = {
  sched_waking: wakeup,
  sched_wakeup: wakeup,
  block_bio_queue: BLOCK,
  block_rq_insert: BLOCK,
  block_rq_issue: BLOCK,
  block_rq_complete: BLOCK,
  irq_handler_entry: matched(/irq=(?<irq>\d+) name=(?<name>.+?)\s*$/),
  irq_handler_exit: matched(/irq=(?<irq>\d+)/),
  softirq_entry: named,
  softirq_exit: named,
  mark_victim: named,
  mm_migrate_pages_start: named,
  mm_migrate_pages: named,
  signal_generate: named,
  signal_deliver: named,
};

/**
 * Fields of an event: of one that makes something happen here those that it takes, of any other what its `print fmt`
 * printed, or what its text names. undefined for an event that Linux has not, null where its text is not as it should be.
 */
export function eventFields(event: string, text: string): Fields | null | undefined {
  const parse = PARSERS[event];
  if (parse !== undefined) return parse(text) ?? null;
  const fields = printedFields(event, text);
  return fields === null && text.includes('=') ? named(text) : fields;
}
