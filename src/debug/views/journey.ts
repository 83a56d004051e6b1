/** The strip of stations: which there are, which is passed, where one is. */

import type { SessionContext } from '../session/context.ts';
import { STATIONS } from '../session/stations.ts';
import type { Station, World } from '../session/types.ts';

export interface JourneyStop {
  readonly station: Station;
  /** what it is here: `do_sys_openat2`, `bpf_trace_printk` */
  readonly label: string;
  readonly state: 'passed' | 'here' | 'ahead';
}

const AT: Readonly<Record<World, Station>> = {
  user: 'user',
  entry: 'entry',
  kernel: 'function',
  trampoline: 'trampoline',
  image: 'image',
  helper: 'helper',
};

export function journeyView(session: SessionContext): JourneyStop[] {
  const { stop, stations, kernel } = session;
  const here = stop.station ?? AT[stop.place.world];
  const index = STATIONS.indexOf(here);
  const { call } = kernel.tasks.current;
  return STATIONS.filter((s) => stations.of(s).size > 0 || s === here).map((station): JourneyStop => {
    const n = STATIONS.indexOf(station);
    return {
      station,
      label: station === 'syscall' && call !== undefined ? call.name : labelOf(session, station),
      state: n === index ? 'here' : n < index ? 'passed' : 'ahead',
    };
  });
}

/** The place's symbol, where the station is one place. */
function labelOf({ stations, places, stop }: SessionContext, station: Station): string {
  if (stop.station === station) return stop.place.symbol;
  const all = new Set([...stations.of(station)].map((at) => places.at(at).symbol));
  return all.size === 1 ? ([...all][0] as string) : station;
}
