/** What the run left in the maps, a few entries each, as BTF describes them. */
import type { Kernel } from '../../../kernel-sim/index.ts';
import type { LoadedObject } from '../../object/index.ts';
import { detail, plural, stage } from '../style.ts';
import { valueText } from '../value.ts';

const SHOWN = 8;

/** What came through one ring buffer or perf event array. */
interface Received {
  records: number;
  shortest: number;
  longest: number;
}

const count = (received: Received, length: number): void => {
  received.records++;
  received.shortest = Math.min(received.shortest, length);
  received.longest = Math.max(received.longest, length);
};

/** Reads ring buffers and perf event arrays as they fill, as the program that belongs to the object would: none runs over. */
export function receive(kernel: Kernel, loaded: LoadedObject<Kernel>): ReadonlyMap<string, Received> {
  const all = new Map<string, Received>();
  for (const [name, { handle }] of Object.entries(loaded.maps)) {
    if (handle.type !== 'ringbuf' && handle.type !== 'perf_event_array') continue;
    const received: Received = { records: 0, shortest: Number.POSITIVE_INFINITY, longest: 0 };
    all.set(name, received);
    if (handle.type === 'ringbuf')
      handle.onReady(() => {
        for (const record of handle.consume()) count(received, record.length);
      });
    else kernel.bpf.perfBuffer(handle, ({ data }) => count(received, data.length));
  }
  return all;
}

/** Maps of the program's own that hold anything; global data only where it can change. */
export function showMaps(loaded: LoadedObject<Kernel>, all: ReadonlyMap<string, Received>): void {
  for (const [name, map] of Object.entries(loaded.maps)) {
    if (map.definition.origin === 'rodata' || map.definition.origin === 'kconfig') continue;
    const received = all.get(name);
    if (received) {
      // records that woke nobody up (BPF_RB_NO_WAKEUP)
      for (const record of map.handle.consume()) count(received, record.length);
      const { records, shortest, longest } = received;
      const size = shortest < longest ? `${shortest} to ${longest}` : `${longest}`;
      stage(
        'map',
        `${name}: ${map.handle.type}, ${plural(records, 'record')}${records > 0 ? ` of ${size} bytes` : ''}`,
      );
      continue;
    }
    const entries = entriesOf(map);
    if (!entries) continue;
    stage('map', `${name}: ${map.handle.type}, ${plural(entries.length, 'entry', 'entries')}`);
    for (const [key, value] of entries.slice(0, SHOWN)) detail(`${valueText(key)}: ${valueText(value)}`);
    if (entries.length > SHOWN) detail(`and ${entries.length - SHOWN} more`);
  }
}

/** undefined for kinds that cannot be listed. */
function entriesOf(map: LoadedObject<Kernel>['maps'][string]): (readonly [unknown, unknown])[] | undefined {
  try {
    return [...map.entries()];
  } catch {
    return undefined;
  }
}
