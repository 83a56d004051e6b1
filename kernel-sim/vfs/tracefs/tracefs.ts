/** tracefs, at /sys/kernel/tracing and /sys/kernel/debug/tracing (Linux 6.12 Documentation/trace/ftrace.rst). */
import { encodeUtf8 } from '../../../src/platform/index.ts';
import { ERRNO } from '../../core/errno.ts';
import type { FdObject } from '../../core/fds.ts';
import { EPOLLIN } from '../../core/file-ops.ts';
import { allEventFormats, COMMON_FIELDS } from '../../data/event-formats.ts';
import type { KernelSymbol } from '../../sym/symbol.ts';
import { MAGIC } from '../magic.ts';
import { control, directory, text } from '../nodes.ts';
import type { FileNode, Mount, Node } from '../types.ts';
import { type DynamicEvents, dynamicFormat } from './dynamic-events.ts';
import { eventsDirectory } from './events.ts';

export interface TracefsFacts {
  /** trace_pipe: takes lines out; '' where there are none */
  readonly read: () => string;
  /** called when a line was written; ends by what it gives */
  readonly onLine: (told: () => void) => () => void;
  /** `trace` without taking anything out: its header */
  readonly header: () => string;
  /** trace_marker: a line by the writing task; 0 or -errno */
  readonly mark: (text: string) => number;
  readonly kprobes: DynamicEvents;
  readonly uprobes: DynamicEvents;
  /** functions that ftrace can hook, by address */
  readonly traceable: () => readonly KernelSymbol[];
  /** functions whose entry is patched now */
  readonly patched: () => readonly string[];
  readonly missing: (what: string) => void;
}

/** trace_pipe: what is there, and then it waits. */
class OpenTracePipe implements FdObject {
  readonly fdName = 'trace_pipe';
  readonly #facts: TracefsFacts;
  #rest: Uint8Array = new Uint8Array();
  constructor(facts: TracefsFacts) {
    this.#facts = facts;
  }
  read(bytes: number): Uint8Array | number {
    this.#fill();
    if (this.#rest.length === 0) return -ERRNO.EAGAIN;
    const part = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }
  poll(): number {
    this.#fill();
    return this.#rest.length > 0 ? EPOLLIN : 0;
  }
  onWake(wake: () => void): () => void {
    return this.#facts.onLine(wake);
  }
  #fill(): void {
    if (this.#rest.length === 0) this.#rest = encodeUtf8(this.#facts.read());
  }
}

const pipe = (facts: TracefsFacts): FileNode => ({ kind: 'file', mode: 0o440, open: () => new OpenTracePipe(facts) });

/** records of the tracers' own, which are no events to enable */
const FTRACE = 'ftrace';

/** A setting whose only value is the one that it has. */
const fixed = (value: string): Node =>
  control({ read: () => `${value}\n`, write: (text) => (text.trim() === value ? 0 : -ERRNO.EINVAL) });

/** `echo > trace` empties the buffer. */
function drain(facts: TracefsFacts): number {
  facts.read();
  return 0;
}

/** Category to event to format, those that were made among them. */
function categories({ kprobes, uprobes }: TracefsFacts): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const made = [...kprobes.all(), ...uprobes.all()];
  if (made.length === 0) return allEventFormats();
  const out = new Map<string, ReadonlyMap<string, string>>(allEventFormats());
  for (const event of made) {
    out.set(
      event.group,
      new Map([...(out.get(event.group) ?? []), [event.event, dynamicFormat(event, COMMON_FIELDS)]]),
    );
  }
  return out;
}

const dynamic = (events: DynamicEvents): Node =>
  control({ read: () => events.text(), write: (line) => events.write(line), truncate: () => events.clear() });

export function tracefsMounts(facts: TracefsFacts): Mount[] {
  const all = (): ReadonlyMap<string, ReadonlyMap<string, string>> => categories(facts);
  const available = (): string =>
    [...all()]
      .filter(([category]) => category !== FTRACE)
      .map(([category, events]) => [...events.keys()].map((e) => `${category}:${e}\n`).join(''))
      .join('');
  const names = (symbols: readonly KernelSymbol[]): string =>
    symbols.map(({ name, module }) => (module === undefined ? `${name}\n` : `${name} [${module}]\n`)).join('');
  const root = directory(
    {
      available_events: text(available, { mode: 0o440 }),
      available_filter_functions: text(() => names(facts.traceable()), { mode: 0o440 }),
      available_tracers: text(() => 'nop\n', { mode: 0o440 }),
      buffer_size_kb: fixed('1408'),
      current_tracer: fixed('nop'),
      enabled_functions: text(
        () =>
          facts
            .patched()
            .map((name) => `${name} (1) R\n`)
            .join(''),
        { mode: 0o440 },
      ),
      error_log: control({ read: () => '', write: () => 0, truncate: () => 0 }),
      events: eventsDirectory({ categories: all, missing: facts.missing }),
      kprobe_events: dynamic(facts.kprobes),
      set_event: control({
        read: () => '',
        truncate: () => 0,
        write: (events) => {
          if (events.trim() === '' || events.trim().startsWith('!')) return 0;
          facts.missing(`ftrace's own output of ${events.trim()} (write to set_event)`);
          return -ERRNO.EOPNOTSUPP;
        },
      }),
      // looking does not take lines out, which the model's buffer cannot do: its header, and no more
      trace: control({ read: facts.header, write: () => 0, truncate: () => drain(facts) }),
      trace_clock: text(() => '[local] global counter uptime perf mono mono_raw boot tai x86-tsc\n'),
      trace_marker: control({ mode: 0o220, write: (line) => facts.mark(line) }),
      trace_pipe: () => pipe(facts),
      tracing_on: fixed('1'),
      uprobe_events: dynamic(facts.uprobes),
    },
    0o700,
  );
  return [
    { path: '/sys/kernel/tracing', node: root, magic: MAGIC.TRACEFS },
    { path: '/sys/kernel/debug/tracing', node: root, magic: MAGIC.TRACEFS },
  ];
}
