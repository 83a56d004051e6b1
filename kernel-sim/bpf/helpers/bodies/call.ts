/** How a helper's body is registered and what it is given. */
import { type Addr, addrHi, addrLo } from '../../../../src/machine/addr.ts';
import { MachineStop } from '../../../../src/machine/index.ts';
import type { Args, Pair } from '../../../core/args.ts';
import type { PlacesFloor } from '../../../floors/places.ts';
import { BUDGET_SPENT } from '../../engine/interp/index.ts';
import { type BpfMap, WalkCursor } from '../../maps/index.ts';
import type { BpfState } from '../../objects/state.ts';
import { Printing } from './printing.ts';

/** A helper was given a map pointer that points to no map: the verifier prevents that. */
export class NoMapError extends MachineStop {
  constructor() {
    super('a helper was given a map pointer that points to no map');
  }
}

/** A `struct bpf_timer`, while somebody may be called back by it. */
export interface Timer {
  readonly map: Addr;
  callback: Addr;
  /** ns since boot; infinite where it is not armed */
  expires: number;
  /** a `struct bpf_wq`: a worker calls back, not a softirq */
  readonly isWork?: true;
}

/** What a body works with: arguments and result, and the kernel. */
export class HelperCall {
  readonly args: Args;
  readonly kernel: PlacesFloor;
  readonly state: BpfState;
  /** timers in map values, by their address */
  readonly timers = new Map<Addr, Timer>();
  /** none of them expires before this, ns since boot */
  nextTimer = Number.POSITIVE_INFINITY;
  /** of the walk over a map that is asked for now */
  readonly cursor = new WalkCursor();
  /** `struct metadata_dst` of packets that a program gave a tunnel's key; 0 while there is none */
  tunnelMetadata: Addr = 0;
  /** secrets of SYN cookies; 0 until they are asked for */
  secrets: readonly [number, number] = [0, 0];
  /** formats that were read, and what prints them */
  readonly printing: Printing;
  constructor(state: BpfState) {
    this.state = state;
    this.kernel = state.kernel;
    this.args = state.kernel.args;
    this.printing = new Printing(state.kernel);
  }
  /** `syncookie_secret`, made when it is first asked for */
  syncookieSecrets(): readonly [number, number] {
    if (this.secrets[0] === 0) this.secrets = [this.kernel.random.u32() | 1, this.kernel.random.u32()];
    return this.secrets;
  }
  /** The map that argument n points to. @throws NoMapError where it points to none */
  map(n: number): BpfMap {
    const map = this.state.mapAt(this.args.addr(n));
    if (map === undefined) throw new NoMapError();
    return map;
  }
  /** Calls a callback of the program; its answer's low half. */
  callback(address: Addr, args: readonly Pair[]): number {
    if (this.kernel.machine.marked >= this.kernel.markedLimit) throw new MachineStop(BUDGET_SPENT);
    const stop = this.kernel.machine.call(address, args);
    if (stop.reason !== 'halt') throw new MachineStop(stop);
    return this.kernel.cpu.regs[0]!;
  }
}

export const pair = (a: Addr): Pair => [addrLo(a), addrHi(a)];

export type HelperBody = (call: HelperCall) => void;
/** Bodies by kernel symbol. */
export type HelperBodies = Readonly<Record<string, HelperBody>>;
