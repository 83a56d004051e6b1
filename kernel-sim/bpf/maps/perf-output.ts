/** A software event of type PERF_COUNT_SW_BPF_OUTPUT: where bpf_perf_event_output's records go (perf_event_open(2)). */
import type { Addr } from '../../../src/machine/addr.ts';
import type { FdObject } from '../../core/fds.ts';
import type { MapHost } from './host.ts';

export interface PerfSample {
  readonly cpu: number;
  readonly data: Uint8Array;
}

export class PerfOutput implements FdObject {
  readonly fdName = 'anon_inode:[perf_event]';
  /** the event's address in the kernel, which the map's slot holds */
  readonly addr: Addr;
  readonly cpu: number;
  readonly id: number;
  readonly #host: MapHost;
  readonly #sink: (sample: PerfSample) => void;

  constructor(host: MapHost, cpu: number, id: number, sink: (sample: PerfSample) => void) {
    this.#host = host;
    this.addr = host.kmalloc(1024);
    this.cpu = cpu;
    this.id = id;
    this.#sink = sink;
  }
  get oncpu(): number {
    return this.cpu;
  }
  output(data: Uint8Array, cpu: number): number {
    this.#sink({ cpu, data });
    return 0;
  }
  release(): void {
    this.#host.kfree(this.addr);
  }
}
