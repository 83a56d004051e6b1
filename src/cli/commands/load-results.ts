/** What the run of `load` left: records as they come, then maps, histograms, and what bpftool would say. */
import type { Kernel } from '../../../kernel-sim/index.ts';
import type { LoadedObject } from '../../object/index.ts';
import {
  bpftool,
  checkTypes,
  histogram,
  looksLikeSlots,
  namesOf,
  RecordPrinter,
  slotsOf,
  unitOf,
} from '../../show/index.ts';
import { UserError } from '../errors.ts';
import { readMaybeGzip } from '../files.ts';
import { detail, plural, stage } from '../style.ts';
import { print } from '../terminal.ts';
import { valueText } from '../value.ts';

type Loaded = LoadedObject<Kernel>;
type LoadedMap = Loaded['maps'][string];

export interface ResultOptions {
  readonly events?: 'table' | 'json';
  /** `TYPE`, or `MAP=TYPE` */
  readonly eventType?: readonly string[];
  readonly format?: string;
  readonly maps?: boolean;
  /** names of maps; true for all that look like histograms */
  readonly hist?: boolean | readonly string[];
  /** commands in its grammar */
  readonly bpftool?: readonly string[];
}

/** entries of a map that are shown where nobody asked for all */
const SHOWN = 8;

/** What came through one ring buffer or perf event array. */
interface Received {
  records: number;
  shortest: number;
  longest: number;
}

const RECORDS = ['ringbuf', 'perf_event_array'];

export class Results {
  readonly #kernel: Kernel;
  readonly #loaded: readonly Loaded[];
  readonly #options: ResultOptions;
  /** by id of the map: several objects may share one */
  readonly #received = new Map<number, Received>();
  readonly #takes: (() => void)[] = [];
  /** what went wrong where records came in: there is nobody to tell in the middle of a run */
  #failed: unknown;

  /** Begins to read ring buffers and perf event arrays as they fill, as the program that belongs to the objects would: none runs over. @throws ArgumentError */
  constructor(kernel: Kernel, loaded: readonly Loaded[], options: ResultOptions) {
    this.#kernel = kernel;
    this.#loaded = loaded;
    this.#options = options;
    const shows = options.events !== undefined || options.format !== undefined || options.eventType !== undefined;
    const printers = shows ? this.#printers() : [];
    for (const [n, one] of loaded.entries()) this.#receive(one, printers[n]);
  }

  #printers(): RecordPrinter[] {
    const { events = 'table', format, eventType = [] } = this.#options;
    const types = new Map(eventType.map((text) => pairOf(text)));
    const stacks = this.#loaded
      .flatMap((l) => Object.values(l.maps).map((m) => m.handle))
      .filter((m) => m.type === 'stack_trace');
    const names = namesOf(this.#kernel, stacks);
    const printers = this.#loaded.map((l) => new RecordPrinter(l.object.model, names, { as: events, format, types }));
    checkTypes(printers, types);
    return printers;
  }

  #receive(loaded: Loaded, printer: RecordPrinter | undefined): void {
    for (const [name, { handle }] of Object.entries(loaded.maps)) {
      if (!RECORDS.includes(handle.type) || this.#received.has(handle.id)) continue;
      const isPerf = handle.type === 'perf_event_array';
      const received: Received = { records: 0, shortest: Number.POSITIVE_INFINITY, longest: 0 };
      this.#received.set(handle.id, received);
      const take = (bytes: Uint8Array): void => {
        received.records++;
        received.shortest = Math.min(received.shortest, bytes.length);
        received.longest = Math.max(received.longest, bytes.length);
        if (!printer || this.#failed !== undefined) return;
        try {
          print(printer.print(name, bytes, isPerf));
        } catch (error) {
          this.#failed = error;
        }
      };
      const consume = (): void => {
        for (const record of handle.consume()) take(record);
      };
      if (isPerf) this.#kernel.bpf.perfBuffer(handle, ({ data }) => take(data));
      else {
        handle.onReady(consume);
        // records that woke nobody up (BPF_RB_NO_WAKEUP)
        this.#takes.push(consume);
      }
    }
  }

  /** Prints what is left at the end. @throws what went wrong in between */
  finish(): void {
    for (const take of this.#takes) take();
    if (this.#failed !== undefined) throw this.#failed;
    const { maps, hist, bpftool: commands = [] } = this.#options;
    const shown = new Set<number>();
    for (const loaded of this.#loaded)
      for (const [name, map] of Object.entries(loaded.maps)) {
        if (shown.has(map.handle.id)) continue;
        shown.add(map.handle.id);
        if (maps) this.#dump(name, map);
        else this.#summary(name, map);
      }
    if (hist !== undefined && hist !== false) this.#histograms(hist === true ? undefined : (hist as readonly string[]));
    for (const command of commands) print(bpftool(this.#kernel, words(command), { readFile: readMaybeGzip }));
  }

  /** A line, and a few entries: maps of the program's own that hold anything; global data only where it can change. */
  #summary(name: string, map: LoadedMap): void {
    if (map.definition.origin === 'rodata' || map.definition.origin === 'kconfig') return;
    const { handle } = map;
    const received = this.#received.get(handle.id);
    if (received) {
      const { records, shortest, longest } = received;
      const size = shortest < longest ? `${shortest} to ${longest}` : `${longest}`;
      stage('map', `${name}: ${handle.type}, ${plural(records, 'record')}${records > 0 ? ` of ${size} bytes` : ''}`);
      return;
    }
    const entries: Entries | undefined =
      handle.type === 'stack_trace'
        ? this.#stacks(handle).map(([id, stack]) => [id, stack.join(' < ')])
        : entriesOf(map);
    if (!entries) return;
    // global variables: one value, which is zeros where programs have left it
    if (map.definition.origin === 'bss' || map.definition.origin === 'data') {
      const [[, bytes] = []] = [...handle.entries()];
      if (bytes?.every((byte) => byte === 0)) return;
      stage('map', name);
      for (const [, value] of entries) detail(valueText(value));
      return;
    }
    stage('map', `${name}: ${handle.type}, ${plural(entries.length, 'entry', 'entries')}`);
    for (const [key, value] of entries.slice(0, SHOWN)) detail(`${valueText(key)}: ${valueText(value)}`);
    if (entries.length > SHOWN) detail(`and ${entries.length - SHOWN} more`);
  }

  /** Ids of a stack trace map, each with its functions, the innermost first. */
  #stacks(handle: LoadedMap['handle']): (readonly [id: number, stack: readonly string[]])[] {
    const names = namesOf(this.#kernel, [handle]);
    return [...handle.keys()].map((key) => {
      const id = new DataView(key.buffer, key.byteOffset).getUint32(0, true);
      return [id, names.stack(id) ?? []];
    });
  }

  #dump(name: string, { definition, handle }: LoadedMap): void {
    if (definition.origin === 'kconfig' || this.#received.has(handle.id)) return;
    stage('map', `${name}: ${handle.type}`);
    if (handle.type === 'stack_trace')
      for (const [id, stack] of this.#stacks(handle)) print(`${id}:\n${stack.map((f) => `    ${f}\n`).join('')}`);
    else print(bpftool(this.#kernel, ['map', 'dump', 'id', String(handle.id)]));
  }

  /** @param wanted names of maps; undefined for all that look like histograms */
  #histograms(wanted: readonly string[] | undefined): void {
    const names = namesOf(this.#kernel);
    const known = new Set<string>();
    for (const { maps, object } of this.#loaded)
      for (const [name, { handle, definition }] of Object.entries(maps)) {
        known.add(name);
        const types = { btf: object.model.btf, key: definition.btfKey, value: definition.btfValue };
        if (!(wanted ? wanted.includes(name) : looksLikeSlots(name, handle, types))) continue;
        for (const { of, counts } of slotsOf(handle, types, names)) {
          const lines = histogram(counts, unitOf(name));
          if (lines.length > 0) print(`${of === '' ? `${name}:` : `${name} ${of}:`}\n${lines.join('\n')}\n\n`);
        }
      }
    const absent = wanted?.find((name) => !known.has(name));
    if (absent !== undefined)
      throw new UserError(`--hist ${absent}: there is no such map; there are: ${[...known].join(', ')}`);
  }
}

function pairOf(text: string): [map: string, type: string] {
  const at = text.indexOf('=');
  return at < 0 ? ['', text] : [text.slice(0, at), text.slice(at + 1)];
}

const words = (command: string): string[] => {
  const list = command.split(/\s+/).filter((w) => w !== '');
  return list[0] === 'bpftool' ? list.slice(1) : list;
};

type Entries = readonly (readonly [unknown, unknown])[];

/** undefined for kinds that cannot be listed. */
function entriesOf(map: LoadedMap): Entries | undefined {
  try {
    return [...map.entries()];
  } catch {
    return undefined;
  }
}
