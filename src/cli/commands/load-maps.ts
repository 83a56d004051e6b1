/** What the run left in the maps, a few entries each, as BTF describes them. */
import type { Kernel } from '../../../kernel-sim/index.ts';
import type { LoadedObject } from '../../object/index.ts';
import { detail, plural, stage } from '../style.ts';
import { valueText } from '../value.ts';

const SHOWN = 8;

/** Maps of the program's own that hold anything; global data only where it can change. */
export function showMaps(loaded: LoadedObject<Kernel>): void {
  for (const [name, map] of Object.entries(loaded.maps)) {
    if (map.definition.origin === 'rodata' || map.definition.origin === 'kconfig') continue;
    if (map.handle.type === 'ringbuf') {
      const records = map.handle.consume();
      stage(
        'map',
        `${name}: ring buffer, ${plural(records.length, 'record')}${records[0] ? ` of ${records[0].length} bytes` : ''}`,
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
